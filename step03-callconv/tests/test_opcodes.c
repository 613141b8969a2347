// Every opcode in every mode: edge values, and each run-time error with its place and message.
#include "programs.h"
#include "testing/test_main.h"

#include <inttypes.h>

// Arithmetic and comparison: constants folded in, and as parameters.

typedef struct Case {
    const char *mnemonic;
    int64_t a, b, expected;
} Case;

static const Case cases[] = {
    {"add", 5, 3, 8},
    {"add", INT64_MAX, 1, INT64_MIN},
    {"add", INT64_MIN, -1, INT64_MAX},
    {"add", INT64_MIN, INT64_MIN, 0},
    {"add", 0x7FFFFFFF, 1, 0x80000000},
    {"add", -1, 1, 0},
    {"sub", 10, 3, 7},
    {"sub", 3, 10, -7},
    {"sub", INT64_MIN, 1, INT64_MAX},
    {"sub", INT64_MAX, -1, INT64_MIN},
    {"sub", 0, INT64_MIN, INT64_MIN},
    {"sub", INT64_MIN, INT64_MIN, 0},
    {"mul", 6, 7, 42},
    {"mul", -6, 7, -42},
    {"mul", INT64_MAX, 2, -2},
    {"mul", INT64_MIN, -1, INT64_MIN},
    {"mul", INT64_MIN, INT64_MIN, 0},
    {"mul", INT64_MAX, INT64_MAX, 1},
    {"mul", 0x100000000, 0x100000000, 0},
    {"mul", 3037000500, 3037000500, -9223372036709301616},
    {"div", 42, 7, 6},
    {"div", 7, 2, 3},
    {"div", -7, 2, -3},
    {"div", 7, -2, -3},
    {"div", -7, -2, 3},
    {"div", 1, 2, 0},
    {"div", -1, 2, 0},
    {"div", 0, -1, 0},
    {"div", 5, -1, -5},
    {"div", INT64_MAX, -1, -INT64_MAX},
    {"div", INT64_MIN, 1, INT64_MIN},
    {"div", INT64_MIN, 2, INT64_MIN / 2},
    {"div", INT64_MIN, -2, INT64_MAX / 2 + 1},
    {"div", INT64_MIN, INT64_MIN, 1},
    {"div", INT64_MIN, INT64_MAX, -1},
    {"div", INT64_MIN + 1, -1, INT64_MAX},
    {"div", INT64_MAX, INT64_MIN, 0},
    {"equal", 1, 1, 1},
    {"equal", 1, 2, 0},
    {"equal", 0, 0x100000000, 0},
    {"equal", INT64_MIN, INT64_MIN, 1},
    {"equal", INT64_MIN, INT64_MAX, 0},
    {"less_than", 1, 2, 1},
    {"less_than", 2, 1, 0},
    {"less_than", 2, 2, 0},
    {"less_than", -1, 0, 1},
    {"less_than", 0, -1, 0},
    {"less_than", INT64_MIN, INT64_MAX, 1},
    {"less_than", INT64_MAX, INT64_MIN, 0},
    {"less_than", 0x100000000, 1, 0},
    {"greater_than", 2, 1, 1},
    {"greater_than", 1, 2, 0},
    {"greater_than", 2, 2, 0},
    {"greater_than", 0, -1, 1},
    {"greater_than", INT64_MAX, INT64_MIN, 1},
    {"greater_than", INT64_MIN, INT64_MAX, 0},
};

static void test_arithmetic_of_constants(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        snprintf(text, sizeof text, "func main params=0\n load_const %" PRId64 "\n load_const %" PRId64 "\n %s\n return\nend\n",
                 cases[i].a, cases[i].b, cases[i].mnemonic);
        assert_returns(text, NULL, cases[i].expected);
    }
}

static void test_arithmetic_of_parameters(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        snprintf(text, sizeof text, "func main params=2\n load_local 0\n load_local 1\n %s\n return\nend\n", cases[i].mnemonic);
        assert_returns(text, ARGS(cases[i].a, cases[i].b), cases[i].expected);
    }
}

// The same with an operand below that must survive, at an odd depth.
static void test_arithmetic_above_another_operand(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        snprintf(text, sizeof text,
                 "func main params=2\n load_const 77\n load_local 0\n load_local 1\n %s\n load_const 0\n mul\n add\n return\nend\n",
                 cases[i].mnemonic);
        assert_returns(text, ARGS(cases[i].a, cases[i].b), 77);
    }
}

static void test_load_const(void **state) {
    (void)state;
    static const int64_t values[] = {
        0, 1, -1, 127, 128, -128, -129, 255, 256, INT32_MAX, (int64_t)INT32_MAX + 1, INT32_MIN, (int64_t)INT32_MIN - 1,
        UINT32_MAX, (int64_t)UINT32_MAX + 1, -(int64_t)UINT32_MAX, INT64_MAX, INT64_MIN, INT64_MIN + 1, 0x123456789ABCDEF0,
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char text[100];
        snprintf(text, sizeof text, "func main params=0\n load_const %" PRId64 "\n return\nend\n", values[i]);
        assert_returns(text, NULL, values[i]);
    }
}

// Locals: near and far from the frame pointer (a displacement of 8 and of 32 bits).
static void test_locals(void **state) {
    (void)state;
    static const int indices[] = {0, 1, 2, 14, 15, 16, 17, 63, 64, 65, 127, 128, 4000, 65534};
    for (size_t i = 0; i < sizeof indices / sizeof *indices; i++) {
        char text[200];
        snprintf(text, sizeof text,
                 "func main params=1 locals=65535\n load_local 0\n store_local %d\n load_const 5\n load_local %d\n sub\n return\nend\n",
                 indices[i], indices[i]);
        assert_returns(text, ARGS(12345678901), 5 - 12345678901);
    }
}

static void test_every_parameter_becomes_its_local(void **state) {
    (void)state;
    int64_t args[MAX_TEST_PARAMS];
    for (int i = 0; i < MAX_TEST_PARAMS; i++) args[i] = 1000 + i;
    for (int n = 1; n <= 20; n++) {
        for (int i = 0; i < n; i++) {
            char text[100];
            snprintf(text, sizeof text, "func main params=%d\n load_local %d\n return\nend\n", n, i);
            assert_returns(text, args, 1000 + i);
        }
    }
}

static void test_jumps(void **state) {
    (void)state;
    static const char choose[] = "func main params=1\n load_local 0\n jump_if_false no\n load_const 10\n return\n"
                                 "no: load_const 20\n return\nend\n";
    assert_returns(choose, ARGS(0), 20);
    assert_returns(choose, ARGS(1), 10);
    assert_returns(choose, ARGS(-1), 10);
    assert_returns(choose, ARGS(0x100000000), 10); // the lower half is 0
    assert_returns(choose, ARGS(INT64_MIN), 10);
    assert_returns("func main params=0\n jump b\na: load_const 1\n return\nb: jump a\nend\n", NULL, 1);
    assert_returns("func main params=0\n jump next\nnext: load_const 3\n return\nend\n", NULL, 3);
    // Both successors are the same instruction.
    assert_returns("func main params=1\n load_local 0\n jump_if_false next\nnext: load_const 3\n return\nend\n", ARGS(1), 3);
}

// condition ? a : b, with operands below the join.
static void test_join_with_operands(void **state) {
    (void)state;
    static const char text[] = "func main params=1\n load_const 100\n load_const 7\n load_local 0\n jump_if_false no\n"
                               " load_const 1\n jump join\nno: load_const 2\njoin: mul\n sub\n return\nend\n";
    assert_returns(text, ARGS(1), 93);
    assert_returns(text, ARGS(0), 86);
}

// A loop that is entered with operands on the stack, which it carries round.
static void test_loop_with_operands(void **state) {
    (void)state;
    static const char text[] = "func main params=1\n load_const 1\nloop: load_local 0\n jump_if_false done\n load_local 0\n mul\n"
                               " load_local 0\n load_const 1\n sub\n store_local 0\n jump loop\ndone: return\nend\n";
    assert_returns(text, ARGS(5), 120);
    assert_returns(text, ARGS(0), 1);
}

static void test_return_leaves_operands_behind(void **state) {
    (void)state;
    assert_returns("func main params=0\n load_const 1\n load_const 2\n call f\n add\n add\n return\nend\n"
                   "func f params=0\n load_const 40\n load_const 50\n load_const 60\n return\nend\n", NULL, 63);
}

// Arguments arrive in order and are not mixed up: f(a, b, ...) = a - 2b + 3c ...
static void test_call_passes_arguments_in_order(void **state) {
    (void)state;
    assert_returns("func main params=3\n load_local 0\n load_local 1\n load_local 2\n call f\n return\nend\n"
                   "func f params=3\n load_local 0\n load_const 100\n mul\n load_local 1\n load_const 10\n mul\n add\n load_local 2\n add\n return\nend\n",
                   ARGS(1, 2, 3), 123);
}

// The largest number of operands and of parameters.
static void test_deepest_stack(void **state) {
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    fputs("func main params=0\n", out);
    for (int i = 0; i < MAX_DEPTH; i++) fprintf(out, "load_const %d\n", i);
    fputs("call f\n return\nend\nfunc f params=65535 locals=65535\n load_local 65534\n load_local 0\n sub\n load_local 30000\n add\n return\nend\n", out);
    fclose(out);
    assert_returns(text, NULL, 65534 + 30000);
    free(text);
}

// Errors.

static void assert_message(const char *text, const int64_t *args, const char *expected) {
    Program *program = program_from(text);
    for (size_t i = 0; i < num_modes; i++) {
        JitCompiler *jit = mode_start(program, &modes[i]);
        assert_int_not_equal(call(jit, "main", args).status, RUN_OK);
        char *printed = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&printed, &size);
        vm_print_error(out, jit_vm(jit));
        fclose(out);
        assert_string_equal(printed, expected);
        free(printed);
        jit_free(jit);
    }
    program_free(program);
}

static void test_division_by_zero(void **state) {
    (void)state;
    static const char text[] = "func main params=2\n    load_local 0\n    load_local 1\n    div\n    return\nend\n";
    assert_returns(text, ARGS(12, 4), 3);
    static const int64_t dividends[] = {0, 1, -1, INT64_MAX, INT64_MIN};
    for (int i = 0; i < 5; i++) assert_run_error(text, ARGS(dividends[i], 0), RUN_DIVISION_BY_ZERO, 4);
    assert_message(text, ARGS(1, 0), "test.bca:4:5: error: division by zero\n        div\n        ^\n");
}

static void test_division_overflow(void **state) {
    (void)state;
    static const char text[] = "func main params=2\n    load_local 0\n    load_local 1\n    div\n    return\nend\n";
    assert_run_error(text, ARGS(INT64_MIN, -1), RUN_DIVISION_OVERFLOW, 4);
    assert_message(text, ARGS(INT64_MIN, -1),
                   "test.bca:4:5: error: division overflow: -9223372036854775808 / -1\n        div\n        ^\n");
}

// Which of several divisions it was, and in which function.
static void test_place_of_an_error(void **state) {
    (void)state;
    static const char text[] = "func main params=2\n load_const 60\n load_local 0\n div\n load_local 1\n call f\n add\n return\nend\n"
                               "func f params=1\n load_const 5\n load_const 60\n load_local 0\n div\n add\n return\nend\n";
    assert_returns(text, ARGS(6, 5), 27);
    assert_run_error(text, ARGS(0, 5), RUN_DIVISION_BY_ZERO, 4);
    assert_run_error(text, ARGS(6, 0), RUN_DIVISION_BY_ZERO, 14);
    assert_run_error(text, ARGS(0, 0), RUN_DIVISION_BY_ZERO, 4);
}

// The division in a loop's last round, with everything else going on.
static void test_error_in_a_loop(void **state) {
    (void)state;
    assert_run_error("func main params=1\nloop: load_const 100\n load_local 0\n div\n jump_if_false x\nx: load_local 0\n load_const 1\n"
                     " sub\n store_local 0\n jump loop\nend\n", ARGS(1000), RUN_DIVISION_BY_ZERO, 4);
}

static void test_stack_overflow_message(void **state) {
    (void)state;
    static const char text[] = "func main params=0\n call main\n return\nend\n";
    assert_run_error(text, NULL, RUN_STACK_OVERFLOW, 0);
    assert_message(text, NULL, "test.bca: error: stack overflow: too many calls inside of calls\n");
}

static const struct CMUnitTest opcode_tests[] = {
    cmocka_unit_test(test_arithmetic_of_constants),
    cmocka_unit_test(test_arithmetic_of_parameters),
    cmocka_unit_test(test_arithmetic_above_another_operand),
    cmocka_unit_test(test_load_const),
    cmocka_unit_test(test_locals),
    cmocka_unit_test(test_every_parameter_becomes_its_local),
    cmocka_unit_test(test_jumps),
    cmocka_unit_test(test_join_with_operands),
    cmocka_unit_test(test_loop_with_operands),
    cmocka_unit_test(test_return_leaves_operands_behind),
    cmocka_unit_test(test_call_passes_arguments_in_order),
    cmocka_unit_test(test_deepest_stack),
    cmocka_unit_test(test_division_by_zero),
    cmocka_unit_test(test_division_overflow),
    cmocka_unit_test(test_place_of_an_error),
    cmocka_unit_test(test_error_in_a_loop),
    cmocka_unit_test(test_stack_overflow_message),
};
TEST_MAIN(opcode_tests)
