// Calls of C functions: arguments, alignment, C that calls back, and programs that are not accepted.
#include <inttypes.h>

#include "base/fatal.h"
#include "native_programs.h"
#include "testing/crash_guard.h"
#include "testing/test_main.h"

// Build "func main params=0" that pushes `below` constants, then the arguments, calls the native, and
// adds up everything that is on the stack.
static Program *program_calling(const char *native, uint32_t num_args, uint32_t below) {
    Program *program = program_new("built");
    test_natives_register(program);
    SourcePos pos = {1, 1};
    uint32_t main_function = program_add_function(program, "main", 0, 0);
    for (uint32_t i = 0; i < below; i++) program_emit(program, main_function, OP_LOAD_CONST, (int64_t)value_from_int(1000 * ((int32_t)i + 1)), pos);
    for (uint32_t i = 0; i < num_args; i++) program_emit(program, main_function, OP_LOAD_CONST, (int64_t)value_from_int((int32_t)i + 1), pos);
    int64_t index = program_find_native(program, native, strlen(native));
    assert_true(index >= 0);
    program_emit(program, main_function, OP_CALL_NATIVE, index, pos);
    for (uint32_t i = 0; i < below; i++) program_emit(program, main_function, OP_ADD, 0, pos);
    program_emit(program, main_function, OP_RETURN, 0, pos);
    Diagnostic diagnostic;
    assert_true(program_verify(program, &diagnostic));
    return program;
}

static void assert_call_gives(const char *kind, uint32_t num_args, uint32_t below, int64_t expected) {
    char native[16];
    snprintf(native, sizeof native, "%s%u", kind, num_args);
    Program *program = program_calling(native, num_args, below);
    int64_t sum_below = 500 * (int64_t)below * (below + 1);
    for (size_t i = 0; i < num_modes; i++) {
        Outcome outcome = probed_run(program, &modes[i], NULL);
        if (outcome.status == RUN_OK && outcome.result == expected + sum_below) continue;
        fail_msg("%s, %s with %u operands below: %" PRId64 ", expected %" PRId64, modes[i].name, native, below,
                 outcome.result - sum_below, expected);
    }
    program_free(program);
}

static void test_every_arity_passes_every_argument(void **state) {
    (void)state;
    for (uint32_t n = 0; n <= MAX_NATIVE_PARAMS; n++)
        for (uint32_t below = 0; below < 4; below++)
            assert_call_gives("weigh", n, below, weigh(ARGS(1, 2, 3, 4, 5, 6, 7, 8), n));
}

static void test_rsp_is_aligned_at_every_depth(void **state) {
    (void)state;
    for (uint32_t n = 0; n <= MAX_NATIVE_PARAMS; n++)
        for (uint32_t below = 0; below < 10; below++) assert_call_gives("aligned", n, below, 0);
}

// The same below functions with odd and even numbers of locals, stack arguments and saved registers.
static void test_rsp_is_aligned_in_every_frame(void **state) {
    (void)state;
    for (int locals = 0; locals < 16; locals++) {
        char text[4000];
        int at = snprintf(text, sizeof text, "func main params=0\n call f\n return\nend\nfunc f params=0 locals=%d\n", locals);
        for (int i = 0; i < locals; i++)
            at += snprintf(text + at, sizeof text - (size_t)at, " load_const %d\n store_local %d\n", i + 1, i);
        at += snprintf(text + at, sizeof text - (size_t)at, " call_native aligned0\n");
        for (int i = 0; i < locals; i++) // the locals live across the call
            at += snprintf(text + at, sizeof text - (size_t)at, " load_local %d\n add\n", i);
        snprintf(text + at, sizeof text - (size_t)at, " return\nend\n");
        assert_native_returns(text, NULL, locals * (locals + 1) / 2);
    }
}

static void test_arguments_are_wide(void **state) {
    (void)state;
    const int64_t args[] = {-0x1FFFFFFFFFFFFF, -1, 0x1FFFFFFFFFFFFF, 0x100000000, -0x80000001, 0x7FFFFFFF, -2, 1};
    char text[600];
    int at = snprintf(text, sizeof text, "func main params=0\n");
    for (int i = 0; i < 8; i++) at += snprintf(text + at, sizeof text - (size_t)at, " load_const %" PRId64 "\n", args[i]);
    snprintf(text + at, sizeof text - (size_t)at, " call_native weigh8\n return\nend\n");
    assert_native_returns(text, NULL, weigh(args, 8));
}

// Parameters arrive in the registers that the native's arguments must go to, in another order.
static void test_arguments_change_places(void **state) {
    (void)state;
    const char *text = "func main params=0\n"
                       " load_const 1\n load_const 2\n load_const 3\n load_const 4\n"
                       " load_const 5\n load_const 6\n load_const 7\n load_const 8\n call swap\n return\nend\n"
                       "func swap params=8\n"
                       " load_local 1\n load_local 0\n load_local 7\n load_local 2\n"
                       " load_local 5\n load_local 3\n load_local 4\n load_local 6\n"
                       " call_native weigh8\n return\nend\n";
    assert_native_returns(text, NULL, weigh(ARGS(2, 1, 8, 3, 6, 4, 5, 7), 8));
}

static void test_results_are_arguments(void **state) {
    (void)state;
    assert_native_returns("func main params=1\n load_local 0\n call_native abs\n load_const 100\n"
                          " call_native min\n load_const 3\n call_native max\n return\nend\n", ARGS(-7), 7);
    assert_native_returns("func main params=1\n load_local 0\n call_native abs\n return\nend\n",
                          ARGS(INT32_MIN), 0x80000000);
    assert_native_returns("func main params=0\n load_const 1\n load_const 2\n load_const 3\n load_const 4\n"
                          " load_const 5\n load_const 6\n load_const 7\n load_const 8\n call_native sum8\n"
                          " return\nend\n", NULL, 36);
}

static void test_a_native_and_a_function_may_share_a_name(void **state) {
    (void)state;
    assert_native_returns("func main params=0\n load_const -3\n call abs\n load_const -3\n call_native abs\n"
                          " add\n return\nend\nfunc abs params=1\n load_const 100\n return\nend\n", NULL, 103);
}

// C that calls back.

// Around each call something lives in every kind of place.
static const char callback_program[] =
    "func main params=1 locals=7\n"
    " load_local 0\n load_const 1\n add\n store_local 1\n"
    " load_local 0\n load_const 2\n add\n store_local 2\n"
    " load_local 0\n load_const 3\n add\n store_local 3\n"
    " load_local 0\n load_const 4\n add\n store_local 4\n"
    " load_local 0\n load_const 5\n add\n store_local 5\n"
    " load_local 0\n load_const 6\n add\n store_local 6\n"
    " load_const 1000\n"
    " load_local 0\n call_native run_leaf\n"
    " add\n load_local 1\n add\n load_local 2\n add\n load_local 3\n add\n"
    " load_local 4\n add\n load_local 5\n add\n load_local 6\n add\n return\nend\n"
    // 3n + 1 with as many registers used as main has, or an error for n = 7 and n = 8
    "func leaf params=1 locals=6\n"
    " load_local 0\n store_local 1\n load_local 0\n load_const 2\n mul\n store_local 2\n"
    " load_const 7\n store_local 3\n load_const 8\n store_local 4\n load_const 0\n store_local 5\n"
    " load_local 5\n call_native weigh1\n store_local 5\n" // 31
    " load_local 5\n load_function main\n new_array 1\n load_local 0\n load_local 3\n sub\n get_index\n less_than\n"
    " load_function main\n new_array 1\n load_local 0\n load_local 4\n sub\n get_index\n less_than\n load_const 0\n mul\n"
    " load_local 1\n add\n load_local 2\n add\n load_const 1\n add\n return\nend\n";

static void test_c_calls_back_into_the_jit(void **state) {
    (void)state;
    assert_native_returns(callback_program, ARGS(10), 1000 + 31 + 6 * 10 + 21);
}

static void test_an_error_inside_of_a_nested_run_ends_only_that(void **state) {
    (void)state;
    int64_t failed = -1000 - RUN_TYPE_ERROR;
    assert_native_returns(callback_program, ARGS(7), 1000 + failed + 6 * 7 + 21);
    assert_native_returns(callback_program, ARGS(8), 1000 + failed + 6 * 8 + 21);
}

// The outer run's error comes after the inner one's, and is reported as if there had been no other.
static void test_errors_in_both_runs(void **state) {
    (void)state;
    const char *text = "func main params=1\n load_const 5\n"
                       " load_local 0\n call_native run_leaf\n" // fails in leaf
                       " load_function main\n div\n"            // fails here: line 6
                       " add\n return\nend\n"
                       "func leaf params=1\n load_const 1\n load_local 0\n div\n return\nend\n";
    Program *program = native_program_from(text);
    for (size_t i = 0; i < num_modes; i++) {
        Outcome outcome = probed_run(program, &modes[i], ARGS(A_FUNCTION));
        assert_int_equal(outcome.status, RUN_TYPE_ERROR);
        assert_int_equal(outcome.function, 0);
        assert_int_equal(program->functions[0].positions[outcome.pc].line, 6);
    }
    program_free(program);
}

// Machine code, C, machine code, C ... until the stack is used up: an error of the innermost run.
static void test_nested_runs_use_up_the_stack(void **state) {
    (void)state;
    const char *text = "func main params=1\n load_local 0\n call_native run_leaf\n return\nend\n"
                       "func leaf params=1\n load_local 0\n load_local 0\n call_native run_leaf\n add\n return\nend\n";
    Program *program = native_program_from(text);
    for (size_t i = 0; i < num_modes; i++) {
        Outcome outcome = probed_run(program, &modes[i], ARGS(0));
        assert_int_equal(outcome.status, RUN_OK); // the native has swallowed the error
        assert_int_equal(outcome.result, -1000 - RUN_STACK_OVERFLOW);
    }
    program_free(program);
}

static Value execute_leaf(Vm *vm, Value n) {
    (void)vm;
    Value result;
    RunStatus status = jit_execute(current_jit(), "leaf", &n, &result);
    return status ? value_from_int(-(int32_t)status) : result;
}

// jit_execute may be called by a native, before everything is compiled too: it compiles the rest.
static void test_a_native_executes_and_compiles(void **state) {
    (void)state;
    const char *text = "func main params=1\n load_local 0\n call_native execute_leaf\n load_local 0\n"
                       " call_native execute_leaf\n mul\n return\nend\n"
                       "func leaf params=1\n load_const 120\n load_local 0\n div\n return\nend\n";
    for (size_t i = 0; i < num_modes; i++) {
        Program *program = program_new("test.bca");
        program_add_native(program, "execute_leaf", 1, (NativeCode *)(uintptr_t)execute_leaf);
        Diagnostic diagnostic;
        assert_true(program_parse(program, text, strlen(text), &diagnostic));
        assert_true(program_verify(program, &diagnostic));
        Mode only_main = modes[i];
        only_main.compiled &= 1;
        assert_int_equal(probed_run(program, &only_main, ARGS(4)).result, 900);
        assert_int_equal(probed_run(program, &only_main, ARGS(A_FUNCTION)).result, 1);
        program_free(program);
    }
}

// Output.

typedef struct Job {
    const Program *program;
    const Mode *mode;
    const int64_t *args;
} Job;

static void run_and_print(void *argument) {
    const Job *job = argument;
    JitCompiler *jit = start(job->program, job->mode);
    outcome_print(stdout, call(jit, "main", job->args));
    jit_free(jit);
}

static char *output_in(const Program *program, const Mode *mode, const int64_t *args) {
    Job job = {program, mode, args};
    CrashReport report;
    crash_guard_run(&report, NULL, run_and_print, &job);
    if (report.outcome != CRASH_RETURNED) {
        crash_report_print(stderr, &report);
        fail_msg("%s: the run did not end well", mode->name);
    }
    char *out = report.out;
    report.out = NULL;
    crash_report_free(&report);
    return out;
}

static void test_output_comes_in_the_same_order(void **state) {
    (void)state;
    const char *text = "func main params=0\n"
                       " load_const 1\n call_native print\n load_const 10\n call count\n"
                       " load_const 2\n call_native print\n add\n add\n return\nend\n"
                       "func count params=1\n load_local 0\n jump_if_false L\n"
                       " load_local 0\n call_native print\n load_local 0\n load_const 1\n sub\n call count\n"
                       " add\n return\nL:\n load_const 0\n return\nend\n";
    Program *program = native_program_from(text);
    for (size_t i = 0; i < num_modes; i++) {
        char *out = output_in(program, &modes[i], NULL);
        assert_string_equal(out, "1\n10\n9\n8\n7\n6\n5\n4\n3\n2\n1\n2\nresult 58");
        free(out);
    }
    program_free(program);
}

static void test_examples_print_the_same(void **state) {
    (void)state;
    static const struct {
        const char *file;
        int64_t args[1];
        const char *output;
    } natives_examples[] = {
        {"examples/across_call.bca", {0}, "42\nresult 142"},
        {"examples/five_across.bca", {0}, "100\nresult 115"},
        {"examples/natives.bca", {7}, "7\nresult 42"},
        {"examples/natives.bca", {-500}, "100\nresult 135"},
    };
    for (size_t e = 0; e < sizeof natives_examples / sizeof *natives_examples; e++) {
        Program *program = native_program_from_file(natives_examples[e].file);
        for (size_t i = 0; i < num_modes; i++) {
            char *out = output_in(program, &modes[i], natives_examples[e].args);
            assert_string_equal(out, natives_examples[e].output);
            free(out);
        }
        program_free(program);
    }
}

// What is not accepted.

static void assert_rejected(const char *text, uint32_t line, uint32_t column, const char *message) {
    Program *program = program_new("test.bca");
    natives_register(program);
    Diagnostic diagnostic = {0};
    bool ok = program_parse(program, text, strlen(text), &diagnostic) && program_verify(program, &diagnostic);
    assert_false(ok);
    if (!strstr(diagnostic.message, message)) fail_msg("'%s' does not contain '%s'", diagnostic.message, message);
    assert_int_equal(diagnostic.pos.line, line);
    assert_int_equal(diagnostic.pos.column, column);
    program_free(program);
}

static void test_programs_that_do_not_parse(void **state) {
    (void)state;
    assert_rejected("func main params=0\n  call_native nosuch\n return\nend\n", 2, 15, "native 'nosuch' is not defined");
    assert_rejected("func main params=0\n  call_native main\n return\nend\n", 2, 15, "native 'main' is not defined");
    assert_rejected("func main params=0\n  call_native prin\n return\nend\n", 2, 15, "native 'prin' is not defined");
    assert_rejected("func main params=0\n  call_native prints\n return\nend\n", 2, 15, "native 'prints' is not defined");
    assert_rejected("func main params=0\n  call print\n return\nend\n", 2, 8, "print");
    assert_rejected("func main params=0\n  call_native\n return\nend\n", 2, 14, "the name of a native");
    assert_rejected("func main params=0\n  call_native 3\n return\nend\n", 2, 15, "the name of a native");
    assert_rejected("func main params=0\n  call_native print print\n return\nend\n", 2, 21, "print");
    assert_rejected("func main params=0\n  call_native", 2, 14, "the name of a native");
}

static void test_programs_that_do_not_verify(void **state) {
    (void)state;
    assert_rejected("func main params=0\n  call_native print\n return\nend\n", 2, 3, "");
    assert_rejected("func main params=0\n  load_const 1\n  call_native min\n return\nend\n", 3, 3, "");
    assert_rejected("func main params=0\n  load_const 1\n  call_native print\nend\n", 3, 3, "");
    Program *empty = program_new("built");
    natives_register(empty);
    const int64_t count = (int64_t)empty->num_natives;
    program_free(empty);
    const int64_t bad_natives[] = {-1, INT64_MIN, count, count + 1, INT64_MAX, (int64_t)1 << 32};
    for (size_t i = 0; i < sizeof bad_natives / sizeof *bad_natives; i++) {
        Program *program = program_new("built");
        natives_register(program);
        program_add_function(program, "main", 0, 0);
        program_emit(program, 0, OP_LOAD_CONST, 1, (SourcePos){1, 1});
        program_emit(program, 0, OP_CALL_NATIVE, bad_natives[i], (SourcePos){2, 1});
        program_emit(program, 0, OP_RETURN, 0, (SourcePos){3, 1});
        Diagnostic diagnostic = {0};
        assert_false(program_verify(program, &diagnostic));
        assert_int_equal(diagnostic.pos.line, 2);
        assert_non_null(strstr(diagnostic.message, "no native"));
        program_free(program);
    }
}

static void test_printing_round_trips(void **state) {
    (void)state;
    Program *program = native_program_from(callback_program);
    char *text = program_text(program);
    assert_int_equal(count_lines(text, "call_native run_leaf$"), 1);
    assert_int_equal(count_lines(text, "call_native weigh1$"), 1);
    Program *again = native_program_from(text);
    char *text_again = program_text(again);
    assert_string_equal(text, text_again);
    free(text);
    free(text_again);
    program_free(program);
    program_free(again);
}

static void register_nine_params(void *argument) {
    program_add_native(argument, "nine", MAX_NATIVE_PARAMS + 1, NULL);
}

static void test_too_many_params_abort(void **state) {
    (void)state;
    Program *program = program_new("built");
    CrashReport report;
    crash_guard_run(&report, NULL, register_nine_params, program);
    assert_int_equal(report.outcome, CRASH_EXITED);
    assert_int_equal(report.exit_code, EXIT_BUG);
    assert_non_null(strstr(report.err, "native 'nine' has 9 parameters"));
    crash_report_free(&report);
    program_free(program);
}

// A listing says which native is called.
static void test_listings_name_natives(void **state) {
    (void)state;
    Program *program = native_program_from(callback_program);
    for (size_t i = 0; i < num_modes; i++) {
        JitCompiler *jit = mode_start(program, &modes[i]);
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        jit_dump_asm(out, jit, program_find(program, "main"));
        fclose(out);
        if (jit_entry(jit, program_find(program, "main"))) {
            assert_int_equal(count_lines(text, "movabs  r[a-d0-9][0-9x]*, .*; run_leaf$"), 1);
            assert_int_equal(count_lines(text, "call_native run_leaf$"), 1);
        }
        free(text);
        jit_free(jit);
    }
    program_free(program);
}

static const struct CMUnitTest natives_tests[] = {
    cmocka_unit_test(test_every_arity_passes_every_argument),
    cmocka_unit_test(test_rsp_is_aligned_at_every_depth),
    cmocka_unit_test(test_rsp_is_aligned_in_every_frame),
    cmocka_unit_test(test_arguments_are_wide),
    cmocka_unit_test(test_arguments_change_places),
    cmocka_unit_test(test_results_are_arguments),
    cmocka_unit_test(test_a_native_and_a_function_may_share_a_name),
    cmocka_unit_test(test_c_calls_back_into_the_jit),
    cmocka_unit_test(test_an_error_inside_of_a_nested_run_ends_only_that),
    cmocka_unit_test(test_errors_in_both_runs),
    cmocka_unit_test(test_nested_runs_use_up_the_stack),
    cmocka_unit_test(test_a_native_executes_and_compiles),
    cmocka_unit_test(test_output_comes_in_the_same_order),
    cmocka_unit_test(test_examples_print_the_same),
    cmocka_unit_test(test_programs_that_do_not_parse),
    cmocka_unit_test(test_programs_that_do_not_verify),
    cmocka_unit_test(test_printing_round_trips),
    cmocka_unit_test(test_too_many_params_abort),
    cmocka_unit_test(test_listings_name_natives),
};
TEST_MAIN(natives_tests)
