// Pictures of live intervals, as text and as SVG, and the table of locations.
//
//   fib: 4 intervals over 14 instructions
//          0         1
//          01234567890123
//     v0   o-----------x.  rdi
//     v1   ..o-------x...  rcx
//
// A column is one LIR instruction (or several, if the function is long): o is the first write, x the
// last read, * both in one column; in between - live in a register, = live in memory, ~ a constant that is made
// where it is needed, . a hole. Behind it stands where it is, and for each further piece from which
// instruction on it is elsewhere.
#include "backend/regalloc.h"

#include <inttypes.h>
#include <string.h>

enum { MAX_COLUMNS = 96 };

static const char *const reg_names[16] = {
    "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
};

void location_print(FILE *out, Location location) {
    if (location.kind == LOCATION_REG) fputs(reg_names[location.index], out);
    else if (location.kind == LOCATION_SLOT) fprintf(out, "slot %u", location.index);
    else if (location.kind == LOCATION_CONST) fputs("constant", out);
    else fputs("nowhere", out);
}

// "rax, slot 0 from 4, rcx from 9"
static void print_places(FILE *out, const RegisterAllocator *ra, VReg vreg) {
    location_print(out, ra->locations[vreg]);
    if (!ra->first_piece) return;
    for (uint32_t p = ra->first_piece[vreg] + 1; p < ra->first_piece[vreg + 1]; p++) {
        fputs(", ", out);
        location_print(out, ra->pieces[p].location);
        fprintf(out, " from %u", ra->pieces[p].start / 2);
    }
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

// What a piece of the bar looks like: is the register live in that column, and where?
static char mark_at(const RegisterAllocator *ra, VReg vreg, uint32_t first, uint32_t last) {
    uint32_t r = ra->first_range[vreg], end = ra->first_range[vreg + 1];
    while (r < end && ra->ranges[r].to <= first) r++;
    if (r == end || ra->ranges[r].from > last) return '.';
    uint32_t at = ra->ranges[r].from > first ? ra->ranges[r].from : first;
    LocationKind kind = ra_location_at(ra, vreg, at).kind;
    return kind == LOCATION_REG ? '-' : kind == LOCATION_SLOT ? '=' : '~';
}

static void print_bar(FILE *out, const RegisterAllocator *ra, const Lir *lir, const LiveInterval *interval,
                      size_t step) {
    size_t first = interval->start / 2 / step, last = interval->end / 2 / step;
    for (size_t c = 0; c * step < lir->num_ins; c++) {
        bool live = c >= first && c <= last;
        char mark = !live ? '.' : first == last ? '*' : c == first ? 'o' : c == last ? 'x' : '-';
        if (mark == '-' && ra->first_range)
            mark = mark_at(ra, interval->vreg, (uint32_t)(2 * c * step), (uint32_t)(2 * (c + 1) * step - 1));
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
        print_bar(out, ra, lir, interval, step);
        fputs("  ", out);
        print_places(out, ra, interval->vreg);
        fputc('\n', out);
    }
}

enum { LEFT = 60, RIGHT = 80, ROW = 22, COLUMN = 32, TOP = 28 };

static size_t svg_x(uint32_t position) { return LEFT + (size_t)position * COLUMN / 2; }

static const char *svg_color(LocationKind kind) {
    return kind == LOCATION_REG ? "#3b82c4" : kind == LOCATION_SLOT ? "#c4813b" : "#8a929b";
}

// The positions [from, to), all in one place; its name below, where there is room.
static void svg_rect(FILE *out, size_t y, uint32_t from, uint32_t to, Location location, bool named) {
    size_t x = svg_x(from), length = svg_x(to) - x;
    fprintf(out, "<rect x=\"%zu\" y=\"%zu\" width=\"%zu\" height=\"%d\" rx=\"3\" fill=\"%s\"/>\n", x, y + 4,
            length, ROW - 8, svg_color(location.kind));
    if (!named) return;
    fprintf(out, "<text class=\"in\" x=\"%zu\" y=\"%zu\">", x + 3, y + 15);
    location_print(out, location);
    fputs("</text>\n", out);
}

// The piece's part of each range of the register.
static void svg_piece(FILE *out, const RegisterAllocator *ra, const LivePiece *piece, size_t y) {
    bool named = ra->first_piece[piece->vreg + 1] - ra->first_piece[piece->vreg] > 1;
    for (uint32_t r = ra->first_range[piece->vreg]; r < ra->first_range[piece->vreg + 1]; r++) {
        uint32_t from = ra->ranges[r].from, to = ra->ranges[r].to;
        if (from < piece->start) from = piece->start;
        if (to > piece->end) to = piece->end;
        if (from >= to) continue;
        svg_rect(out, y, from, to, piece->location, named && to - from >= 3);
        named = named && to - from < 3;
    }
}

static void svg_interval(FILE *out, const RegisterAllocator *ra, const Lir *lir, const LiveInterval *interval,
                         size_t y) {
    Location location = ra->locations[interval->vreg];
    fprintf(out, "<text x=\"8\" y=\"%zu\">", y + 15);
    lir_print_vreg(out, lir, interval->vreg);
    fputs("</text>\n", out);
    if (ra->first_piece) {
        uint32_t end = ra->first_piece[interval->vreg + 1];
        for (uint32_t p = ra->first_piece[interval->vreg]; p < end; p++) svg_piece(out, ra, &ra->pieces[p], y);
        location = ra->pieces[end - 1].location;
    } else {
        svg_rect(out, y, interval->start, interval->end + 1, location, false);
    }
    fprintf(out, "<text x=\"%zu\" y=\"%zu\">", svg_x(interval->end + 1) + 6, y + 15);
    location_print(out, location);
    fputs("</text>\n", out);
}

void ra_print_intervals_svg(FILE *out, const RegisterAllocator *ra, const Lir *lir) {
    size_t width = LEFT + lir->num_ins * COLUMN + RIGHT, height = TOP + ra->num_intervals * ROW + 8;
    fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %zu %zu\">\n", width, height);
    fputs("<style>\n  text { font: 13px monospace; fill: #16202a; }\n"
          "  @media (prefers-color-scheme: dark) { text { fill: #eef2f6; } }\n"
          "  text.in { font-size: 11px; fill: #ffffff; }\n</style>\n", out);
    for (size_t b = 0; b < lir->num_blocks; b++) {
        size_t x = LEFT + lir->blocks[b].start * COLUMN;
        fprintf(out, "<text x=\"%zu\" y=\"16\">B%zu</text>\n", x + 2, b);
        fprintf(out, "<path d=\"M%zu 4V%zu\" stroke=\"#8a929b\" stroke-dasharray=\"2 3\"/>\n", x, height - 4);
    }
    for (size_t i = 0; i < ra->num_intervals; i++)
        svg_interval(out, ra, lir, &ra->intervals[i], TOP + i * ROW);
    fputs("</svg>\n", out);
}

static const char *const group_names[] = {[RA_ENTER] = "on entry", [RA_SPLIT] = "split", [RA_LEAVE] = "on exit"};

// "    before 7, on exit: rax <- rcx, slot 0 <- 5"
static void print_moves(FILE *out, const RegisterAllocator *ra) {
    for (size_t i = 0; i < ra->num_moves; i++) {
        const RaMove *move = &ra->moves[i];
        bool first = i == 0 || move[-1].ins != move->ins || move[-1].group != move->group;
        if (first) fprintf(out, "%s    before %u, %s: ", i ? "\n" : "", move->ins, group_names[move->group]);
        else fputs(", ", out);
        location_print(out, move->d);
        fputs(" <- ", out);
        if (move->s.kind == LOCATION_CONST) fprintf(out, "%" PRId64, move->imm);
        else location_print(out, move->s);
    }
    if (ra->num_moves > 0) fputc('\n', out);
}

// "    exit 3 of 7 @12: v1 rcx, constant, v7 slot 2": what is in the interpreter's slots 0, 1 and 2.
static void print_exit(FILE *out, const RegisterAllocator *ra, const Lir *lir, uint32_t ins) {
    const LirExit *exit = &lir->exits[lir->ins[ins].exit];
    fprintf(out, "    exit %u of %u @%u:", lir->ins[ins].exit, ins, exit->pc);
    for (uint32_t i = 0; i < exit->num_values; i++) {
        VReg vreg = lir->values[exit->first_value + i].vreg;
        fputs(i ? ", " : " ", out);
        if (vreg == NO_VREG) fputs("constant", out);
        else {
            lir_print_vreg(out, lir, vreg);
            fputc(' ', out);
            location_print(out, ra_location_at(ra, vreg, write_position(ins)));
        }
    }
    fputc('\n', out);
}

// "    v0      [1, 4]  rdi": one line for each piece.
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
        if (!ra->first_piece) {
            print_location(out, lir, v, ra->intervals[i].start, ra->intervals[i].end, ra->locations[v]);
            continue;
        }
        for (uint32_t p = ra->first_piece[v]; p < ra->first_piece[v + 1]; p++)
            print_location(out, lir, v, ra->pieces[p].start, ra->pieces[p].end - 1, ra->pieces[p].location);
    }
    print_moves(out, ra);
    for (uint32_t i = 0; i < lir->num_ins; i++)
        if (lir->ins[i].exit != NO_EXIT) print_exit(out, ra, lir, i);
}
