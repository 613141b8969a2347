#include "opt_rig.h"

#include <ctype.h>

#include "testing/test_main.h"

void assert_valid(const Ir *ir, const char *what) {
    IrFault fault;
    if (ir_verify(ir, &fault)) return;
    ir_print(stderr, (Ir *)(uintptr_t)ir, IR_PRINT_PC | IR_PRINT_TYPES);
    fail_msg("%s: %s", what, fault.message);
}

// From text.

static Ir *from_body(const char *body) {
    char *text;
    if (asprintf(&text, "func main params=4 {\n%s}\n", body) < 0) abort();
    Ir *ir = ir_from_text(text);
    free(text);
    return ir;
}

Ir *ir_from_text(const char *text) {
    Program *program = program_new("test");
    Ir *ir = malloc(sizeof *ir);
    Diagnostic diagnostic;
    if (!ir_parse(ir, program, text, strlen(text), &diagnostic))
        fail_msg("%u:%u: %s in\n%s", diagnostic.pos.line, diagnostic.pos.column, diagnostic.message, text);
    assert_valid(ir, "the text");
    return ir;
}

void ir_discard(Ir *ir) {
    Program *program = ir->program;
    ir_free(ir);
    free(ir);
    program_free(program);
}

// To text.

typedef struct Numbers {
    uint32_t *values, *blocks;
} Numbers;

static Numbers number_all(Ir *ir) {
    Numbers numbers = {calloc(ir->num_ins, sizeof(uint32_t)), calloc(ir->num_blocks, sizeof(uint32_t))};
    uint32_t next = 1, next_state = 1;
    ir_dominators(ir);
    for (uint32_t i = 0; i < ir->num_rpo; i++) {
        numbers.blocks[ir->rpo[i]] = i;
        IR_EACH(ir, ir->rpo[i], ref) {
            if (ir_has_result(ir, ref)) numbers.values[ref] = next++;
            if (ir->ins[ref].op == IR_STATE) numbers.values[ref] = next_state++;
        }
    }
    return numbers;
}

// Copy a line and give the values and blocks in it their new numbers.
static void write_renumbered(FILE *out, const char *line, const Numbers *numbers) {
    char before = ' ';
    while (*line) {
        bool may_be_name = strchr("vsB", *line) && !isalnum((unsigned char)before);
        if (!may_be_name || !isdigit((unsigned char)line[1])) {
            before = *line;
            fputc(*line++, out);
            continue;
        }
        const uint32_t *number = *line == 'B' ? numbers->blocks : numbers->values;
        fputc(*line, out);
        char *end;
        fprintf(out, "%u", number[strtoul(line + 1, &end, 10)]);
        before = '0';
        line = end;
    }
}

static void write_ins(FILE *out, Ir *ir, Ref ref, const Numbers *numbers) {
    char *line;
    size_t size;
    FILE *memory = open_memstream(&line, &size);
    ir_print_ins(memory, ir, ref, IR_PRINT_PC);
    fclose(memory);
    fputs("    ", out);
    write_renumbered(out, line, numbers);
    fputc('\n', out);
    free(line);
}

char *ir_numbered_text(Ir *ir) {
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    Numbers numbers = number_all(ir);
    for (uint32_t i = 0; i < ir->num_rpo; i++) {
        fprintf(out, "B%u:\n", i);
        IR_EACH(ir, ir->rpo[i], ref) write_ins(out, ir, ref, &numbers);
    }
    fclose(out);
    free(numbers.values);
    free(numbers.blocks);
    return text;
}

// Comparing.

// Without blanks at the start of lines.
static char *stripped(const char *text) {
    char *result = malloc(strlen(text) + 1), *at = result;
    bool at_start = true;
    for (; *text; text++) {
        if (at_start && *text == ' ') continue;
        at_start = *text == '\n';
        *at++ = *text;
    }
    *at = 0;
    return result;
}

static void assert_same_text(const char *actual, const char *expected) {
    char *a = stripped(actual), *e = stripped(expected);
    if (strcmp(a, e) != 0) fail_msg("expected\n%s\nbut it is\n%s", expected, actual);
    free(a);
    free(e);
}

void assert_becomes(Pass *pass, const char *before, const char *after) {
    Ir *ir = from_body(before);
    pass(ir);
    assert_valid(ir, "behind the pass");
    char *text = ir_numbered_text(ir);
    assert_same_text(text, after);
    free(text);
    ir_discard(ir);
}

void assert_stays(Pass *pass, const char *body) {
    Ir *ir = from_body(body);
    char *before = ir_numbered_text(ir);
    pass(ir);
    assert_valid(ir, "behind the pass");
    char *after = ir_numbered_text(ir);
    assert_same_text(after, before);
    free(before);
    free(after);
    ir_discard(ir);
}

unsigned count_ops(const Ir *ir, IrOp op) {
    unsigned count = 0;
    for (uint32_t b = 0; b < ir->num_blocks; b++)
        IR_EACH(ir, b, ref) count += ir->ins[ref].op == op;
    return count;
}

unsigned count_behind(Pass *pass, const char *body, IrOp op) {
    Ir *ir = from_body(body);
    pass(ir);
    assert_valid(ir, "behind the pass");
    unsigned count = count_ops(ir, op);
    ir_discard(ir);
    return count;
}
