// Programs as large and as crooked as they get: the optimising tier compiles them in time or leaves them
// to the baseline compiler, and the result is the same. And a code buffer of every size.
#include "programs.h"
#include "testing/crash_guard.h"
#include "testing/test_main.h"

enum {
    SECONDS = SANITIZED ? 600 : 120, // after so many a run in all engines below counts as a hang
    SCALE = SANITIZED ? 4 : 1,      // sizes are divided by this
};

static const JitOptions engines[] = {
    {.tier = TIER_OPT, .code_size = 64 << 20, .heap_size = 1 << 20, .pool = RA_DEFAULT_POOL},
    {.tier = TIER_OPT, .code_size = 64 << 20, .heap_size = 1 << 20, .pool = RA_DEFAULT_POOL, .check = true},
    {.tier = TIER_OPT, .code_size = 64 << 20, .heap_size = 1 << 20, .pool = 0},
};

typedef struct Run {
    const Program *program;
    const int64_t *args;
    int64_t expected;
} Run;

static void run_in_engines(void *argument) {
    const Run *run = argument;
    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++) {
        JitCompiler *jit = jit_new(run->program, &engines[i]);
        int64_t result = 0;
        assert_int_equal(jit_compile_all(jit), run->program->num_functions);
        assert_int_equal(execute(jit, "main", run->args, &result), RUN_OK);
        assert_int_equal(result, run->expected);
        jit_free(jit);
    }
}

// The program's text, to be written to.
typedef struct Text {
    char *text;
    size_t size;
    FILE *out;
} Text;

static void text_begin(Text *t) {
    *t = (Text){0};
    t->out = open_memstream(&t->text, &t->size);
}

static Program *text_end(Text *t) {
    fclose(t->out);
    Program *program = program_from(t->text);
    free(t->text);
    return program;
}

static void assert_program_runs(Program *program, const int64_t *args, int64_t expected) {
    Run run = {program, args, expected};
    CrashLimits limits = {.seconds = SECONDS, .memory_bytes = (size_t)(SANITIZED ? 4 : 1) << 30};
    CrashReport report;
    crash_guard_run(&report, &limits, run_in_engines, &run);
    if (report.outcome != CRASH_RETURNED) crash_report_print(stderr, &report);
    assert_int_equal(report.outcome, CRASH_RETURNED);
    crash_report_free(&report);
    program_free(program);
}

static void assert_runs(Text *t, const int64_t *args, int64_t expected) {
    assert_program_runs(text_end(t), args, expected);
}

static bool too_large(const Program *program) {
    JitCompiler *jit = jit_new(program, &jit_default_options);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    jit_dump(out, jit, &program->functions[0], DUMP_REGS);
    fclose(out);
    bool result = strcmp(text, "main: too large for the optimising tier\n") == 0;
    free(text);
    jit_free(jit);
    return result;
}

// Each local is written, then all are summed up, in many blocks.
static void write_many_locals(Text *t, int locals, int blocks) {
    fprintf(t->out, "func main params=1 locals=%d\n", locals);
    for (int i = 1; i < locals; i++) fprintf(t->out, " load_const %d\n store_local %d\n", i, i);
    for (int b = 0; b < blocks; b++) fprintf(t->out, "B%d: load_local %d\n jump_if_false B%d\n", b, b % locals, b + 1);
    fprintf(t->out, "B%d: load_const 0\n", blocks);
    for (int i = 1; i < locals; i++) fprintf(t->out, " load_local %d\n add\n", i);
    fputs(" return\nend\n", t->out);
}

static void test_many_locals(void **state) {
    (void)state;
    enum { LOCALS = 60000 / SCALE };
    Text t;
    text_begin(&t);
    write_many_locals(&t, LOCALS, 3);
    assert_runs(&t, ARGS(0), (int64_t)LOCALS * (LOCALS - 1) / 2);
}

// Locals that no instruction names cost nothing: they are no values.
static void test_many_idle_locals(void **state) {
    (void)state;
    Text t;
    text_begin(&t);
    fputs("func main params=1 locals=65535\n load_local 0\n return\nend\n", t.out);
    Program *program = text_end(&t);
    assert_false(too_large(program));
    assert_program_runs(program, ARGS(5), 5);
}

// All of them live in all of the blocks: sets that have nearly everything in common cost nearly nothing.
static void test_many_locals_in_many_blocks(void **state) {
    (void)state;
    enum { LOCALS = 60000, BLOCKS = 20000 };
    Text t;
    text_begin(&t);
    write_many_locals(&t, LOCALS, BLOCKS);
    Program *program = text_end(&t);
    assert_false(too_large(program));
    assert_program_runs(program, ARGS(0), (int64_t)LOCALS * (LOCALS - 1) / 2);
}

// A loop with two entries, and behind it as many ifs as locals, none of which writes any but local 1: where control
// flow is irregular, each local would need a phi at each join. The baseline compiler does it.
static void test_a_function_that_would_explode_falls_back(void **state) {
    (void)state;
    enum { LOCALS = 2000, BRANCHES = 2000 };
    Text t;
    text_begin(&t);
    fprintf(t.out, "func main params=1 locals=%d\n", LOCALS);
    for (int i = 1; i < LOCALS; i++) fprintf(t.out, " load_const %d\n store_local %d\n", i, i);
    fputs(" load_local 0\n jump_if_false second\nfirst: load_const 1\n store_local 1\n"
          "second: load_local 0\n jump_if_false out\n load_const 0\n store_local 0\n jump first\nout:\n", t.out);
    for (int b = 0; b < BRANCHES; b++) fprintf(t.out, " load_local 0\n jump_if_false B%d\n load_const 2\n store_local 1\nB%d:\n", b, b);
    fputs(" load_const 0\n", t.out);
    for (int i = 1; i < LOCALS; i++) fprintf(t.out, " load_local %d\n add\n", i);
    fputs(" return\nend\n", t.out);
    Program *program = text_end(&t);
    assert_true(too_large(program));
    assert_program_runs(program, ARGS(7), (int64_t)LOCALS * (LOCALS - 1) / 2);
}

// The first block leads to the last, that to the one before, and so on.
static void test_blocks_in_reversed_order(void **state) {
    (void)state;
    enum { BLOCKS = 100000 / SCALE };
    Text t;
    text_begin(&t);
    fputs("func main params=1\n jump B0\n", t.out);
    for (int b = BLOCKS - 1; b >= 0; b--) {
        fprintf(t.out, "B%d: load_local 0\n load_const %d\n add\n store_local 0\n", b, b % 3);
        if (b + 1 < BLOCKS) fprintf(t.out, " jump B%d\n", b + 1);
        else fputs(" load_local 0\n return\n", t.out);
    }
    fputs("end\n", t.out);
    int64_t expected = 5;
    for (int b = 0; b < BLOCKS; b++) expected += b % 3;
    assert_runs(&t, ARGS(5), expected);
}

// Loops inside of loops, each back to the beginning, each left at once.
static void test_loops_inside_of_loops(void **state) {
    (void)state;
    enum { LOOPS = 20000 / SCALE };
    Text t;
    text_begin(&t);
    fputs("func main params=2\n", t.out);
    for (int i = 0; i < LOOPS; i++) fprintf(t.out, "B%d:\n", i);
    for (int i = LOOPS; i-- > 0;) fprintf(t.out, " load_local 1\n load_const 1\n add\n store_local 1\n load_local 0\n jump_if_false B%d\n", i);
    fputs(" load_local 1\n return\nend\n", t.out);
    assert_runs(&t, ARGS(1, 0), LOOPS);
}

// While loops inside of while loops, all of which test the same local: it never changes, so all the tests are computed
// in front of them and live across them.
static void test_loops_inside_of_loops_that_test_one_local(void **state) {
    (void)state;
    enum { LOOPS = 5000 / SCALE };
    Text t;
    text_begin(&t);
    fputs("func main params=1\n", t.out);
    for (int i = 0; i < LOOPS; i++)
        fprintf(t.out, "H%d: load_local 0\n load_const %d\n equal\n jump_if_false X%d\n", i, i, i);
    for (int i = LOOPS; i-- > 0;) fprintf(t.out, " jump H%d\nX%d:\n", i, i);
    fputs(" load_local 0\n return\nend\n", t.out);
    Program *program = text_end(&t);
    assert_false(too_large(program));
    assert_program_runs(program, ARGS(LOOPS), LOOPS);
}

static void test_operands_as_deep_as_allowed(void **state) {
    (void)state;
    enum { DEPTH = 65535 / SCALE };
    Text t;
    text_begin(&t);
    fputs("func main params=1\n", t.out);
    for (int i = 0; i < DEPTH; i++) fprintf(t.out, i % 2 ? " load_local 0\n" : " load_const %d\n", i);
    for (int i = 0; i < DEPTH - 1; i++) fputs(i % 2 ? " sub\n" : " add\n", t.out);
    fputs(" return\nend\n", t.out);
    int64_t value = (DEPTH - 1) % 2 ? 7 : DEPTH - 1;
    for (int i = DEPTH - 2; i >= 0; i--) {
        int64_t below = i % 2 ? 7 : i;
        value = (DEPTH - 2 - i) % 2 ? below - value : below + value;
    }
    assert_runs(&t, ARGS(7), value);
}

// All of them computed before the first is used: nearly all spilled.
static void test_temps_as_deep_as_allowed(void **state) {
    (void)state;
    enum { DEPTH = 65534 / SCALE };
    Text t;
    text_begin(&t);
    fputs("func main params=1\n", t.out);
    for (int i = 0; i < DEPTH; i++) fprintf(t.out, " load_local 0\n load_const %d\n mul\n", i);
    for (int i = 0; i < DEPTH - 1; i++) fputs(" add\n", t.out);
    fputs(" return\nend\n", t.out);
    assert_runs(&t, ARGS(3), (int64_t)3 * DEPTH * (DEPTH - 1) / 2);
}

// Every block takes over the whole operand stack.
static void test_deep_operands_in_many_blocks(void **state) {
    (void)state;
    enum { DEPTH = 65534, BLOCKS = 50000 };
    Text t;
    text_begin(&t);
    fputs("func main params=1\n load_local 0\n", t.out);
    for (int i = 1; i < DEPTH; i++) fputs(" load_const 1\n", t.out);
    for (int b = 0; b < BLOCKS; b++) fprintf(t.out, " jump B%d\nB%d:\n", b, b);
    for (int i = 1; i < DEPTH; i++) fputs(" add\n", t.out);
    fputs(" return\nend\n", t.out);
    assert_runs(&t, ARGS(3), DEPTH + 2);
}

static void test_a_long_straight_line(void **state) {
    (void)state;
    enum { COUNT = 300000 / SCALE };
    Text t;
    text_begin(&t);
    fputs("func main params=1 locals=2\n load_const 1\n store_local 1\n load_const 0\n", t.out);
    for (int i = 0; i < COUNT; i++) fputs(i % 5 ? " load_local 0\n add\n" : " load_local 1\n sub\n", t.out);
    fputs(" return\nend\n", t.out);
    assert_runs(&t, ARGS(2), 2 * (int64_t)(COUNT - COUNT / 5) - COUNT / 5);
}

// The same local under every operand, written again and again: each write copies it once.
static void test_many_operands_that_stand_for_one_local(void **state) {
    (void)state;
    enum { COUNT = 30000 / SCALE };
    Text t;
    text_begin(&t);
    fputs("func main params=1\n", t.out);
    for (int i = 0; i < COUNT; i++) fprintf(t.out, " load_local 0\n load_local 0\n load_const %d\n store_local 0\n", i);
    for (int i = 0; i < 2 * COUNT - 1; i++) fputs(" add\n", t.out);
    fputs(" return\nend\n", t.out);
    assert_runs(&t, ARGS(COUNT), 2 * (COUNT + (int64_t)(COUNT - 1) * (COUNT - 2) / 2));
}

// As many parameters as there can be, most of them on the machine stack; some of them used.
static void test_many_parameters(void **state) {
    (void)state;
    enum { PARAMS = 10000 };
    Text t;
    text_begin(&t);
    fputs("func main params=1\n", t.out);
    for (int i = 0; i < PARAMS; i++) fprintf(t.out, i % 3 ? " load_const %d\n" : " load_local 0\n", i);
    fprintf(t.out, " call f\n return\nend\nfunc f params=%d\n load_const 0\n", PARAMS);
    for (int i = 0; i < PARAMS; i += 7) fprintf(t.out, " load_local %d\n add\n", i);
    fputs(" return\nend\n", t.out);
    int64_t expected = 0;
    for (int i = 0; i < PARAMS; i += 7) expected += i % 3 ? i : 11;
    assert_runs(&t, ARGS(11), expected);
}

static void test_many_functions(void **state) {
    (void)state;
    enum { COUNT = 2000 / SCALE };
    Text t;
    text_begin(&t);
    fputs("func main params=1\n load_local 0\n call f0\n return\nend\n", t.out);
    for (int i = 0; i < COUNT; i++) {
        fprintf(t.out, "func f%d params=1\n load_local 0\n", i);
        if (i + 1 < COUNT) fprintf(t.out, " call f%d\n", i + 1);
        fputs(" load_const 1\n add\n return\nend\n", t.out);
    }
    assert_runs(&t, ARGS(4), 4 + COUNT);
}

// However little room there is: some functions are compiled, others interpreted, the result is the same.
static void test_every_code_size(void **state) {
    (void)state;
    for (size_t i = 0; i < num_examples; i++) {
        Program *program = program_from_file(examples[i].path);
        bool all = false;
        for (size_t size = 0; !all; size += SANITIZED ? 97 : 13) {
            JitOptions options = {.tier = TIER_OPT, .code_size = size, .heap_size = 1 << 20, .pool = RA_DEFAULT_POOL, .check = true};
            JitCompiler *jit = jit_new(program, &options);
            all = jit_compile_all(jit) == program->num_functions;
            assert_true(jit_code_used(jit) <= size);
            int64_t result = 0;
            assert_int_equal(execute(jit, "main", examples[i].args, &result), RUN_OK);
            assert_int_equal(result, examples[i].result);
            jit_free(jit);
            assert_true(size < 1 << 16);
        }
        program_free(program);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_many_locals),
    cmocka_unit_test(test_many_idle_locals),
    cmocka_unit_test(test_many_locals_in_many_blocks),
    cmocka_unit_test(test_a_function_that_would_explode_falls_back),
    cmocka_unit_test(test_blocks_in_reversed_order),
    cmocka_unit_test(test_loops_inside_of_loops),
    cmocka_unit_test(test_loops_inside_of_loops_that_test_one_local),
    cmocka_unit_test(test_operands_as_deep_as_allowed),
    cmocka_unit_test(test_temps_as_deep_as_allowed),
    cmocka_unit_test(test_deep_operands_in_many_blocks),
    cmocka_unit_test(test_a_long_straight_line),
    cmocka_unit_test(test_many_operands_that_stand_for_one_local),
    cmocka_unit_test(test_many_parameters),
    cmocka_unit_test(test_many_functions),
    cmocka_unit_test(test_every_code_size),
};
TEST_MAIN(tests)
