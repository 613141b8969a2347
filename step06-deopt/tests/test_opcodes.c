// Every opcode in every mode: edge values, and each run-time error with its place and message.
#include "programs.h"
#include "testing/test_main.h"

#include <math.h>

#include "object/number.h"

// Arithmetic and comparison: constants folded in, and as parameters.

typedef struct Case {
    const char *mnemonic;
    double a, b, expected; // of a comparison: 1 is true, 0 false
} Case;

#define INT_MAX_PLUS_1 2147483648.0
#define TINY 5e-324 // the smallest double
#define LARGEST 1.7976931348623157e308

static const Case cases[] = {
    {"add", 5, 3, 8},
    {"add", INT32_MAX, 1, INT_MAX_PLUS_1},
    {"add", INT32_MIN, -1, -INT_MAX_PLUS_1 - 1},
    {"add", INT32_MIN, INT32_MIN, -2 * INT_MAX_PLUS_1},
    {"add", INT_MAX_PLUS_1, -1, INT32_MAX}, // back among the integers
    {"add", -1, 1, 0},
    {"add", 0.1, 0.2, 0.30000000000000004},
    {"add", 0.5, 0.5, 1},
    {"add", 0x1p53, 1, 0x1p53},
    {"add", -0.0, -0.0, -0.0},
    {"add", -0.0, 0, 0},
    {"add", 5, -0.0, 5},
    {"add", LARGEST, LARGEST, INFINITY},
    {"add", INFINITY, -INFINITY, NAN},
    {"add", NAN, 1, NAN},
    {"add", TINY, TINY, 2 * TINY},
    {"sub", 10, 3, 7},
    {"sub", 3, 10, -7},
    {"sub", INT32_MIN, 1, -INT_MAX_PLUS_1 - 1},
    {"sub", INT32_MAX, -1, INT_MAX_PLUS_1},
    {"sub", 0, INT32_MIN, INT_MAX_PLUS_1},
    {"sub", INT32_MIN, INT32_MIN, 0},
    {"sub", 0, 0, 0},
    {"sub", -0.0, 0, -0.0},
    {"sub", 0, -0.0, 0},
    {"sub", 1.5, 0.5, 1},
    {"sub", INFINITY, INFINITY, NAN},
    {"mul", 6, 7, 42},
    {"mul", -6, 7, -42},
    {"mul", INT32_MAX, 2, 2 * INT_MAX_PLUS_1 - 2},
    {"mul", INT32_MIN, -1, INT_MAX_PLUS_1},
    {"mul", INT32_MIN, INT32_MIN, 0x1p62},
    {"mul", INT32_MAX, INT32_MAX, 0x1p62 - 0x1p32}, // the exact product has 62 bits
    {"mul", 65536, 32768, INT_MAX_PLUS_1},
    {"mul", 65536, -32768, INT32_MIN},
    {"mul", 46341, 46341, 2147488281.0},
    {"mul", 0, 5, 0},
    {"mul", 0, -5, -0.0},
    {"mul", -5, 0, -0.0},
    {"mul", 0, 0, 0},
    {"mul", -0.0, -5, 0},
    {"mul", 0.5, 4, 2},
    {"mul", 1e200, 1e200, INFINITY},
    {"mul", 1e-200, 1e-200, 0},
    {"mul", -1e-200, 1e-200, -0.0},
    {"mul", INFINITY, 0, NAN},
    {"div", 42, 7, 6},
    {"div", 7, 2, 3.5},
    {"div", -7, 2, -3.5},
    {"div", -8, 2, -4},
    {"div", 7, -2, -3.5},
    {"div", 8, -2, -4},
    {"div", -7, -2, 3.5},
    {"div", 1, 3, 1.0 / 3},
    {"div", 0, 7, 0},
    {"div", 0, -1, -0.0},
    {"div", 0, -7, -0.0},
    {"div", 5, -1, -5},
    {"div", 5, 0, INFINITY},
    {"div", -5, 0, -INFINITY},
    {"div", 5, -0.0, -INFINITY},
    {"div", 0, 0, NAN},
    {"div", INT32_MIN, -1, INT_MAX_PLUS_1},
    {"div", INT32_MIN, 1, INT32_MIN},
    {"div", INT32_MIN, 2, INT32_MIN / 2},
    {"div", INT32_MIN, 1 << 30, -2},
    {"div", INT32_MAX, 1 << 30, 1.9999999990686774},
    {"div", INT32_MIN, INT32_MIN, 1},
    {"div", 1.5, 0.5, 3},
    {"div", 7.5, 2, 3.75},
    {"div", 7.5, 3, 2.5},
    {"div", 6, 1.5, 4},
    {"div", LARGEST, 0.1, INFINITY},
    {"div", INFINITY, INFINITY, NAN},
    {"mod", 7, 3, 1},
    {"mod", -7, 3, -1},
    {"mod", 7, -3, 1},
    {"mod", -7, -3, -1},
    {"mod", 6, 3, 0},
    {"mod", -6, 3, -0.0},
    {"mod", 7, 4, 3},
    {"mod", -7, 4, -3},
    {"mod", -8, 4, -0.0},
    {"mod", 0, 4, 0},
    {"mod", 0, -4, 0},
    {"mod", INT32_MAX, 1 << 30, (1 << 30) - 1},
    {"mod", INT32_MIN, -1, -0.0},
    {"mod", INT32_MIN, 1, -0.0},
    {"mod", INT32_MAX, INT32_MIN, INT32_MAX},
    {"mod", 5, 0, NAN},
    {"mod", 5.5, 2, 1.5},
    {"mod", 5, 1.5, 0.5},
    {"mod", -0.0, 4, -0.0},
    {"mod", 5, INFINITY, 5},
    {"mod", INFINITY, 5, NAN},
    {"mod", 0x1p53, 3, 2},
    {"mod", 1e300, 7, 1},
    {"equal", 1, 1, 1},
    {"equal", 1, 2, 0},
    {"equal", 0, 0x1p32, 0},
    {"equal", 0, -0.0, 1},
    {"equal", NAN, NAN, 0},
    {"equal", INFINITY, INFINITY, 1},
    {"equal", 0.5, 0.5, 1},
    {"equal", 1e300, 1e300, 1}, // two heap numbers
    {"equal", INT32_MIN, INT32_MIN, 1},
    {"equal", INT32_MIN, INT32_MAX, 0},
    {"less_than", 1, 2, 1},
    {"less_than", 2, 1, 0},
    {"less_than", 2, 2, 0},
    {"less_than", -1, 0, 1},
    {"less_than", 0, -1, 0},
    {"less_than", 1, 1.5, 1},
    {"less_than", 1.5, 1, 0},
    {"less_than", -0.0, 0, 0},
    {"less_than", NAN, 1, 0},
    {"less_than", 1, NAN, 0},
    {"less_than", -INFINITY, INT32_MIN, 1},
    {"less_than", INT32_MIN, INT32_MAX, 1},
    {"less_than", INT32_MAX, INT32_MIN, 0},
    {"less_than", 0x1p32, 1, 0},
    {"greater_than", 2, 1, 1},
    {"greater_than", 1, 2, 0},
    {"greater_than", 2, 2, 0},
    {"greater_than", 0, -1, 1},
    {"greater_than", 2, 1.5, 1},
    {"greater_than", NAN, 1, 0},
    {"greater_than", INFINITY, 1e300, 1},
    {"greater_than", INT32_MAX, INT32_MIN, 1},
    {"greater_than", INT32_MIN, INT32_MAX, 0},
};

static Outcome expected_of(const Case *c) {
    bool compares = strcmp(c->mnemonic, "equal") == 0 || strstr(c->mnemonic, "_than");
    return compares ? outcome_of_bool(c->expected != 0) : outcome_of_number(c->expected);
}

// A number as the text form has it.
typedef struct Literal {
    char text[40];
} Literal;

static Literal literal(double d) {
    Literal result;
    if (isinf(d)) snprintf(result.text, sizeof result.text, "%sInfinity", d < 0 ? "-" : "");
    else snprintf(result.text, sizeof result.text, isnan(d) ? "NaN" : "%.17g", d);
    return result;
}

// Run main in every mode, with numbers.
static void assert_computes(const char *text, const double *args, size_t num_args, Outcome expected) {
    Program *program = program_from(text);
    for (size_t i = 0; i < num_modes; i++) {
        JitCompiler *jit = mode_start(program, &modes[i]);
        Value values[2];
        for (size_t k = 0; k < num_args; k++) values[k] = number_from_double(&jit_vm(jit)->heap, args[k]);
        Outcome outcome = call_values(jit, "main", values);
        if (!outcomes_agree(outcome, expected)) {
            outcome_print(stderr, outcome);
            fputs(", expected: ", stderr);
            outcome_print(stderr, expected);
            fail_msg("%s: %s(%g, %g)", modes[i].name, text, num_args > 0 ? args[0] : 0, num_args > 1 ? args[1] : 0);
        }
        jit_free(jit);
    }
    program_free(program);
}

static void test_arithmetic_of_constants(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        snprintf(text, sizeof text, "func main params=0\n load_const %s\n load_const %s\n %s\n return\nend\n",
                 literal(cases[i].a).text, literal(cases[i].b).text, cases[i].mnemonic);
        assert_computes(text, NULL, 0, expected_of(&cases[i]));
    }
}

static void test_arithmetic_of_parameters(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        snprintf(text, sizeof text, "func main params=2\n load_local 0\n load_local 1\n %s\n return\nend\n", cases[i].mnemonic);
        assert_computes(text, (double[]){cases[i].a, cases[i].b}, 2, expected_of(&cases[i]));
    }
}

// A constant on one side is a case of its own for the compilers.
static void test_arithmetic_of_a_parameter_and_a_constant(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        snprintf(text, sizeof text, "func main params=1\n load_local 0\n load_const %s\n %s\n return\nend\n",
                 literal(cases[i].b).text, cases[i].mnemonic);
        assert_computes(text, &cases[i].a, 1, expected_of(&cases[i]));
        snprintf(text, sizeof text, "func main params=1\n load_const %s\n load_local 0\n %s\n return\nend\n",
                 literal(cases[i].a).text, cases[i].mnemonic);
        assert_computes(text, &cases[i].b, 1, expected_of(&cases[i]));
    }
}

// A comparison that only a jump looks at.
static void test_comparisons_in_branches(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Outcome expected = expected_of(&cases[i]);
        if (expected.kind != RESULT_SPECIAL) continue;
        char text[200];
        snprintf(text, sizeof text, "func main params=2\n load_local 0\n load_local 1\n %s\n jump_if_false no\n load_const 1\n return\n"
                                    "no: load_const 0\n return\nend\n", cases[i].mnemonic);
        assert_computes(text, (double[]){cases[i].a, cases[i].b}, 2, (Outcome){.result = expected.result == VALUE_TRUE});
    }
}

// The same with an operand below that must survive, at an odd depth.
static void test_arithmetic_above_another_operand(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        snprintf(text, sizeof text,
                 "func main params=2\n load_const 77\n load_local 0\n load_local 1\n %s\n load_const undefined\n equal\n add\n return\nend\n",
                 cases[i].mnemonic);
        assert_computes(text, (double[]){cases[i].a, cases[i].b}, 2, (Outcome){.result = 77});
    }
}

// What arithmetic makes of values that are no numbers.
static void test_arithmetic_of_specials(void **state) {
    (void)state;
    static const struct {
        const char *a, *b, *mnemonic;
        double expected;
    } specials[] = {
        {"true", "true", "add", 2},      {"null", "5", "add", 5},         {"undefined", "5", "add", NAN}, {"true", "false", "sub", 1},
        {"null", "-1", "mul", -0.0},     {"1", "null", "div", INFINITY},  {"7", "true", "mod", 0},        {"false", "false", "div", NAN},
        {"undefined", "1", "mul", NAN},
    };
    static const struct {
        const char *a, *b, *mnemonic;
        bool expected;
    } comparisons[] = {
        {"true", "true", "equal", true},  {"true", "1", "equal", false},      {"null", "undefined", "equal", false}, {"null", "0", "equal", false},
        {"null", "1", "less_than", true}, {"false", "true", "less_than", true}, {"undefined", "1", "less_than", false},
        {"undefined", "1", "greater_than", false}, {"true", "0.5", "greater_than", true},
    };
    for (int swap = 0; swap < 2; swap++) { // as constants, and by way of locals
        const char *form = swap ? "func main params=0 locals=2\n load_const %s\n store_local 0\n load_const %s\n store_local 1\n load_local 0\n"
                                  " load_local 1\n %s\n return\nend\n"
                                : "func main params=0\n load_const %s\n load_const %s\n %s\n return\nend\n";
        char text[200];
        for (size_t i = 0; i < sizeof specials / sizeof *specials; i++) {
            snprintf(text, sizeof text, form, specials[i].a, specials[i].b, specials[i].mnemonic);
            assert_ends(text, NULL, outcome_of_number(specials[i].expected));
        }
        for (size_t i = 0; i < sizeof comparisons / sizeof *comparisons; i++) {
            snprintf(text, sizeof text, form, comparisons[i].a, comparisons[i].b, comparisons[i].mnemonic);
            assert_ends(text, NULL, outcome_of_bool(comparisons[i].expected));
        }
    }
}

static void test_load_const(void **state) {
    (void)state;
    static const double values[] = {
        0, 1, -1, 127, 128, -128, -129, 255, 256, INT32_MAX, INT_MAX_PLUS_1, INT32_MIN, INT32_MIN - 1.0,
        UINT32_MAX, UINT32_MAX + 1.0, -0.0, 0.5, NAN, INFINITY, -INFINITY, TINY, LARGEST, 0x1p-255, 0x1.fp-256, 0x1.fp256, 0x1p257,
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char text[100];
        snprintf(text, sizeof text, "func main params=0\n load_const %s\n return\nend\n", literal(values[i]).text);
        assert_ends(text, NULL, outcome_of_number(values[i]));
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
    static const struct {
        const char *constant;
        bool is_truthy;
    } truth[] = {
        {"0", false},    {"-0", false},   {"NaN", false},     {"false", false},    {"null", false}, {"undefined", false}, {"\"\"", false},
        {"0.5", true},   {"1e300", true}, {"-1", true},       {"Infinity", true},  {"true", true},  {"\"0\"", true},
    };
    for (size_t i = 0; i < sizeof truth / sizeof *truth; i++) {
        char text[200];
        snprintf(text, sizeof text, "func main params=0\n load_const %s\n call f\n return\nend\n"
                                    "func f params=1\n load_local 0\n jump_if_false no\n load_const 10\n return\n"
                                    "no: load_const 20\n return\nend\n", truth[i].constant);
        assert_returns(text, NULL, truth[i].is_truthy ? 10 : 20);
    }
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

static void test_operand_that_is_no_primitive(void **state) {
    (void)state;
    static const char text[] = "func main params=2\n    load_local 0\n    load_local 1\n    div\n    return\nend\n";
    assert_returns(text, ARGS(12, 4), 3);
    static const int64_t dividends[] = {0, 1, -1, INT64_MAX, A_FUNCTION};
    for (int i = 0; i < 5; i++) assert_run_error(text, ARGS(dividends[i], A_FUNCTION), RUN_TYPE_ERROR, 4);
    for (int i = 0; i < 5; i++) assert_run_error(text, ARGS(A_FUNCTION, dividends[i]), RUN_TYPE_ERROR, 4);
    assert_message(text, ARGS(1, A_FUNCTION), "test.bca:4:5: error: TypeError: cannot compute a number / a function\n        div\n        ^\n");
}

// Every operator but `equal`, as a value and in a branch.
static void test_type_error_of_every_operator(void **state) {
    (void)state;
    static const struct {
        const char *mnemonic, *sign;
    } operators[] = {{"add", "+"}, {"sub", "-"}, {"mul", "*"}, {"div", "/"}, {"mod", "%"}, {"less_than", "<"}, {"greater_than", ">"}};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        for (int branches = 0; branches < 2; branches++) {
            char text[200], expected[200];
            snprintf(text, sizeof text, "func main params=2\nload_local 0\nload_local 1\n%s\n%s return\nend\n", operators[i].mnemonic,
                     branches ? "jump_if_false x\nx: load_const 1\n" : "");
            snprintf(expected, sizeof expected, "test.bca:4:1: error: TypeError: cannot compute a function %s a number\n    %s\n    ^\n",
                     operators[i].sign, operators[i].mnemonic);
            assert_message(text, ARGS(A_FUNCTION, 1), expected);
        }
    }
    static const char equal[] = "func main params=2\n load_local 0\n load_local 1\n equal\n return\nend\n";
    assert_ends(equal, ARGS(A_FUNCTION, A_FUNCTION), outcome_of_bool(true));
    assert_ends(equal, ARGS(A_FUNCTION, 0), outcome_of_bool(false));
}

// Which of several divisions it was, and in which function.
static void test_place_of_an_error(void **state) {
    (void)state;
    static const char text[] = "func main params=2\n load_const 60\n load_local 0\n div\n load_local 1\n call f\n add\n return\nend\n"
                               "func f params=1\n load_const 5\n load_const 60\n load_local 0\n div\n add\n return\nend\n";
    assert_returns(text, ARGS(6, 5), 27);
    assert_run_error(text, ARGS(A_FUNCTION, 5), RUN_TYPE_ERROR, 4);
    assert_run_error(text, ARGS(6, A_FUNCTION), RUN_TYPE_ERROR, 14);
    assert_run_error(text, ARGS(A_FUNCTION, A_FUNCTION), RUN_TYPE_ERROR, 4);
}

// The division in a loop's last round, with everything else going on.
static void test_error_in_a_loop(void **state) {
    (void)state;
    assert_run_error("func main params=1\nloop: load_const 100\n load_local 0\n call divisor\n div\n jump_if_false x\nx: load_local 0\n load_const 1\n"
                     " sub\n store_local 0\n jump loop\nend\n"
                     "func divisor params=1\n load_local 0\n jump_if_false last\n load_local 0\n return\nlast: load_function main\n return\nend\n",
                     ARGS(1000), RUN_TYPE_ERROR, 5);
}

static void test_stack_overflow_message(void **state) {
    (void)state;
    static const char text[] = "func main params=0\n call main\n return\nend\n";
    assert_run_error(text, NULL, RUN_STACK_OVERFLOW, 0);
    assert_message(text, NULL, "test.bca: error: stack overflow: too many calls inside of calls\n");
}

// Both copies that dup makes of a computed value: one goes to a local, the other is compared.
static void test_dup_then_store(void **state) {
    (void)state;
    assert_returns("func main params=0 locals=1\n load_const 0\n store_local 0\n"
                   "loop: load_local 0\n load_const 1\n add\n dup\n store_local 0\n load_const 20\n less_than\n"
                   " jump_if_false done\n jump loop\ndone: load_local 0\n return\nend\n",
                   NULL, 20);
}

static const struct CMUnitTest opcode_tests[] = {
    cmocka_unit_test(test_arithmetic_of_constants),
    cmocka_unit_test(test_arithmetic_of_parameters),
    cmocka_unit_test(test_arithmetic_of_a_parameter_and_a_constant),
    cmocka_unit_test(test_comparisons_in_branches),
    cmocka_unit_test(test_arithmetic_above_another_operand),
    cmocka_unit_test(test_arithmetic_of_specials),
    cmocka_unit_test(test_load_const),
    cmocka_unit_test(test_locals),
    cmocka_unit_test(test_every_parameter_becomes_its_local),
    cmocka_unit_test(test_jumps),
    cmocka_unit_test(test_join_with_operands),
    cmocka_unit_test(test_loop_with_operands),
    cmocka_unit_test(test_return_leaves_operands_behind),
    cmocka_unit_test(test_call_passes_arguments_in_order),
    cmocka_unit_test(test_deepest_stack),
    cmocka_unit_test(test_operand_that_is_no_primitive),
    cmocka_unit_test(test_type_error_of_every_operator),
    cmocka_unit_test(test_place_of_an_error),
    cmocka_unit_test(test_error_in_a_loop),
    cmocka_unit_test(test_stack_overflow_message),
    cmocka_unit_test(test_dup_then_store),
};
TEST_MAIN(opcode_tests)
