// The interpreter and the limits that every engine shares: machine stack, recursion.
#include "interp/interp.h"

#include <pthread.h>

#include "code/stack_limit.h"
#include "programs.h"
#include "testing/crash_guard.h"
#include "testing/test_main.h"

static void test_runs_without_a_jit(void **state) {
    (void)state;
    for (size_t i = 0; i < num_examples; i++) {
        Program *program = program_from_file(examples[i].path);
        Vm *vm = vm_new(program, 1 << 20);
        uint32_t index = function_index(program, program_find(program, "main"));
        Value *args = argument_values(vm, index, examples[i].args);
        const Outcome expected = {.result = examples[i].result};
        assert_true(outcomes_agree(outcome_of(vm, interp_call(vm, &vm->callables[index], args, program->functions[index].num_params)), expected));
        assert_true(outcomes_agree(outcome_of(vm, vm_call(vm, index, args)), expected));
        free(args);
        vm_free(vm);
        program_free(program);
    }
}

static void test_examples_in_every_mode(void **state) {
    (void)state;
    for (size_t i = 0; i < num_examples; i++) {
        Program *program = program_from_file(examples[i].path);
        assert_true(run_in_mode(program, &modes[0], examples[i].args).result == examples[i].result);
        assert_modes_agree(program, examples[i].args);
        program_free(program);
    }
}

static const char count_down[] = "func main params=1\n load_local 0\n jump_if_false done\n load_local 0\n load_const 1\n sub\n call main\n"
                                 " load_const 1\n add\n return\ndone: load_const 0\n return\nend\n";
static const char ping_pong[] = "func main params=1\n load_local 0\n jump_if_false done\n load_local 0\n load_const 1\n sub\n call pong\n"
                                " load_const 1\n add\n return\ndone: load_const 0\n return\nend\n"
                                "func pong params=1\n load_local 0\n call main\n return\nend\n";

static void test_deep_recursion(void **state) {
    (void)state;
    assert_returns(count_down, ARGS(10000), 10000);
    assert_returns(ping_pong, ARGS(5000), 5000);
}

static void test_endless_recursion(void **state) {
    (void)state;
    assert_run_error(count_down, ARGS(-1), RUN_STACK_OVERFLOW, 0);
    assert_run_error(ping_pong, ARGS(-1), RUN_STACK_OVERFLOW, 0);
    // With many parameters, some of them on the stack, and with operands that wait.
    assert_run_error("func main params=0\n load_const 1\n load_const 2\n load_const 3\n load_const 4\n load_const 5\n load_const 6\n load_const 7\n"
                     " load_const 8\n load_const 9\n call f\n return\nend\n"
                     "func f params=9\n load_local 8\n load_local 0\n load_local 1\n load_local 2\n load_local 3\n load_local 4\n load_local 5\n"
                     " load_local 6\n load_local 7\n load_local 8\n call g\n sub\n return\nend\n"
                     "func g params=9 locals=30\n load_local 8\n load_local 7\n load_local 6\n load_local 5\n load_local 4\n load_local 3\n"
                     " load_local 2\n load_local 1\n load_local 0\n call f\n return\nend\n",
                     NULL, RUN_STACK_OVERFLOW, 0);
}

// Large frames run out of slots, or of machine stack, after few calls.
static void test_large_frames(void **state) {
    (void)state;
    assert_run_error("func main params=0 locals=65535\n call main\n return\nend\n", NULL, RUN_STACK_OVERFLOW, 0);
    assert_returns("func main params=1 locals=60000\n load_local 0\n jump_if_false done\n load_local 0\n load_const 1\n sub\n call main\n"
                   " return\ndone: load_const 5\n return\nend\n", ARGS(10), 5);
}

// A program goes on after an error: everything is as it was before the run.
static void test_runs_after_an_error(void **state) {
    (void)state;
    Program *program = program_from(count_down);
    for (size_t i = 0; i < num_modes; i++) {
        JitCompiler *jit = mode_start(program, &modes[i]);
        for (int round = 0; round < 3; round++) {
            assert_int_equal(call(jit, "main", ARGS(-1)).status, RUN_STACK_OVERFLOW);
            assert_int_equal(call(jit, "main", ARGS(100)).result, 100);
        }
        jit_free(jit);
    }
    program_free(program);
}

// Arguments by the ten thousand near the end of the stack: an interpreted function that is called
// from very deep compiled code hands 65535 arguments to a compiled one, through the enter stub.
static char *many_arguments(void) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    fputs("func main params=1\n load_local 0\n jump_if_false done\n load_local 0\n load_const 1\n sub\n call main\n return\n"
          "done: call between\n return\nend\nfunc between params=0\n", out);
    for (int i = 0; i < 65535; i++) fprintf(out, " load_const %d\n", i);
    fputs(" call wide\n return\nend\nfunc wide params=65535\n load_local 65534\n return\nend\n", out);
    fclose(out);
    return text;
}

static void *recurse_with_many_arguments(void *argument) {
    const Program *program = argument;
    for (size_t i = 0; i < num_modes; i++) {
        JitCompiler *jit = mode_start(program, &modes[i]);
        Outcome outcome = call(jit, "main", ARGS(3));
        if (outcome.status == RUN_OK && outcome.result != 65534) abort();
        // From nearly no recursion to too much: the stack's end is met in every place.
        for (int64_t depth = 0; depth < 200000; depth = depth * 21 / 20 + 1) {
            outcome = call(jit, "main", &depth);
            if (outcome.status != RUN_STACK_OVERFLOW && outcome.result != 65534) abort();
        }
        jit_free(jit);
    }
    return NULL;
}

static void run_in_thread(void *program) {
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    if (pthread_attr_setstacksize(&attributes, 4 << 20) != 0) abort();
    if (pthread_create(&thread, &attributes, recurse_with_many_arguments, program) != 0) abort();
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
}

static void test_many_arguments_near_the_end_of_the_stack(void **state) {
    (void)state;
    char *text = many_arguments();
    Program *program = program_from(text);
    CrashLimits limits = {.seconds = 60};
    CrashReport report;
    crash_guard_run(&report, &limits, run_in_thread, program);
    if (report.outcome != CRASH_RETURNED) crash_report_print(stderr, &report);
    assert_int_equal(report.outcome, CRASH_RETURNED);
    crash_report_free(&report);
    program_free(program);
    free(text);
}

static const struct CMUnitTest interp_tests[] = {
    cmocka_unit_test(test_runs_without_a_jit),
    cmocka_unit_test(test_examples_in_every_mode),
    cmocka_unit_test(test_deep_recursion),
    cmocka_unit_test(test_endless_recursion),
    cmocka_unit_test(test_large_frames),
    cmocka_unit_test(test_runs_after_an_error),
    cmocka_unit_test(test_many_arguments_near_the_end_of_the_stack),
};
TEST_MAIN(interp_tests)
