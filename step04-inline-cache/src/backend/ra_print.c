// Pictures of live intervals, as text and as SVG, and the table of locations.
//
//   fib: 4 intervals over 14 instructions
//          0         1
//          01234567890123
//     l0   o-----------x.  rdi
//     l1   ..o-------x...  rcx
//
// A column is one LIR instruction (or several, if the function is long): o is the first write, x the
// last read, - live, * both in one column.
#include "backend/regalloc.h"

#include <string.h>

enum { MAX_COLUMNS = 96 };

static const char *const reg_names[16] = {
    "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
};

void location_print(FILE *out, Location location) {
    if (location.kind == LOCATION_REG) fputs(reg_names[location.index], out);
    else if (location.kind == LOCATION_SLOT) fprintf(out, "slot %u", location.index);
    else fputs("nowhere", out);
}

static size_t instructions_per_column(const Lir *lir) { return (lir->num_ins + MAX_COLUMNS - 1) / MAX_COLUMNS; }

static void print_ruler(FILE *out, const Lir *lir, size_t step) {
    size_t columns = (lir->num_ins + step - 1) / step;
    fputs("            ", out);
    for (size_t c = 0; c < columns; c += 10) fprintf(out, "%-10zu", c * step);
    fputs("\n            ", out);
    for (size_t c = 0; c < columns; c++) fputc('0' + (int)(c % 10), out);
    fputc('\n', out);
}

static void print_bar(FILE *out, const Lir *lir, const LiveInterval *interval, size_t step) {
    size_t first = interval->start / 2 / step, last = interval->end / 2 / step;
    for (size_t c = 0; c * step < lir->num_ins; c++) {
        bool live = c >= first && c <= last;
        char mark = !live ? '.' : first == last ? '*' : c == first ? 'o' : c == last ? 'x' : '-';
        fputc(mark, out);
    }
}

// A name padded to `width` characters.
static void print_name(FILE *out, const Lir *lir, VReg vreg, int width) {
    char name[32];
    FILE *text = fmemopen(name, sizeof name, "w");
    if (text) {
        lir_print_vreg(text, lir, vreg);
        fclose(text);
    }
    fprintf(out, "%-*s", width, text ? name : "?");
}

void ra_print_intervals(FILE *out, const RegisterAllocator *ra, const Lir *lir) {
    size_t step = instructions_per_column(lir);
    fprintf(out, "%s: %zu intervals over %zu instructions", lir->function->name, ra->num_intervals, lir->num_ins);
    if (step > 1) fprintf(out, ", %zu a column", step);
    fputc('\n', out);
    print_ruler(out, lir, step);
    for (size_t i = 0; i < ra->num_intervals; i++) {
        const LiveInterval *interval = &ra->intervals[i];
        fputs("    ", out);
        print_name(out, lir, interval->vreg, 8);
        print_bar(out, lir, interval, step);
        fputs("  ", out);
        location_print(out, ra->locations[interval->vreg]);
        fputc('\n', out);
    }
}

enum { LEFT = 60, RIGHT = 80, ROW = 22, COLUMN = 32, TOP = 28 };

static size_t svg_x(uint32_t position) { return LEFT + (size_t)position * COLUMN / 2; }

static const char *svg_color(LocationKind kind) { return kind == LOCATION_REG ? "#3b82c4" : "#c4813b"; }

// The positions [from, to), all in one place.
static void svg_rect(FILE *out, size_t y, uint32_t from, uint32_t to, Location location) {
    size_t x = svg_x(from), length = svg_x(to) - x;
    fprintf(out, "<rect x=\"%zu\" y=\"%zu\" width=\"%zu\" height=\"%d\" rx=\"3\" fill=\"%s\"/>\n", x, y + 4,
            length, ROW - 8, svg_color(location.kind));
}

static void svg_interval(FILE *out, const RegisterAllocator *ra, const Lir *lir, const LiveInterval *interval,
                         size_t y) {
    Location location = ra->locations[interval->vreg];
    fprintf(out, "<text x=\"8\" y=\"%zu\">", y + 15);
    lir_print_vreg(out, lir, interval->vreg);
    fputs("</text>\n", out);
    svg_rect(out, y, interval->start, interval->end + 1, location);
    fprintf(out, "<text x=\"%zu\" y=\"%zu\">", svg_x(interval->end + 1) + 6, y + 15);
    location_print(out, location);
    fputs("</text>\n", out);
}

void ra_print_intervals_svg(FILE *out, const RegisterAllocator *ra, const Lir *lir) {
    size_t width = LEFT + lir->num_ins * COLUMN + RIGHT, height = TOP + ra->num_intervals * ROW + 8;
    fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %zu %zu\">\n", width, height);
    fputs("<style>\n  text { font: 13px monospace; fill: #16202a; }\n"
          "  @media (prefers-color-scheme: dark) { text { fill: #eef2f6; } }\n</style>\n", out);
    for (size_t b = 0; b < lir->num_blocks; b++) {
        size_t x = LEFT + lir->blocks[b].start * COLUMN;
        fprintf(out, "<text x=\"%zu\" y=\"16\">B%zu</text>\n", x + 2, b);
        fprintf(out, "<path d=\"M%zu 4V%zu\" stroke=\"#8a929b\" stroke-dasharray=\"2 3\"/>\n", x, height - 4);
    }
    for (size_t i = 0; i < ra->num_intervals; i++)
        svg_interval(out, ra, lir, &ra->intervals[i], TOP + i * ROW);
    fputs("</svg>\n", out);
}

// "    v0      [1, 4]  rdi"
static void print_location(FILE *out, const Lir *lir, VReg vreg, uint32_t first, uint32_t last, Location location) {
    fputs("    ", out);
    print_name(out, lir, vreg, 8);
    fprintf(out, "[%u, %u]  ", first, last);
    location_print(out, location);
    fputc('\n', out);
}

void ra_print_locations(FILE *out, const RegisterAllocator *ra, const Lir *lir) {
    fprintf(out, "%s: %u spill slot%s\n", lir->function->name, ra->num_slots, ra->num_slots == 1 ? "" : "s");
    for (size_t i = 0; i < ra->num_intervals; i++) {
        VReg v = ra->intervals[i].vreg;
        print_location(out, lir, v, ra->intervals[i].start, ra->intervals[i].end, ra->locations[v]);
    }
}
