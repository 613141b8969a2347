// Canaries round every entry from C: whatever a program does, and however it ends, the C function that
// called it finds its registers, its stack and its flags as they were. (Random programs are in
// test_random_natives.c.)
#include <fcntl.h>
#include <unistd.h>

#include "native_programs.h"
#include "testing/test_main.h"

// Programs of the examples directory may print: not here.
static void assert_example_agrees(const char *path, const int64_t *args) {
    Program *program = native_program_from_file(path);
    fflush(stdout);
    int out = dup(STDOUT_FILENO), nothing = open("/dev/null", O_WRONLY);
    dup2(nothing, STDOUT_FILENO);
    bool ok = probed_modes_agree(program, args);
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    close(out);
    close(nothing);
    if (!ok) fail_msg("%s: see above", path);
    program_free(program);
}

static void test_examples(void **state) {
    (void)state;
    for (size_t i = 0; i < num_examples; i++) assert_example_agrees(examples[i].path, examples[i].args);
    assert_example_agrees("examples/sum.bca", ARGS(10));
    assert_example_agrees("examples/across_call.bca", NULL);
    assert_example_agrees("examples/five_across.bca", NULL);
    assert_example_agrees("examples/natives.bca", ARGS(7));
}

// f keeps five values across its call of g, which does the same and fails if its parameter is 0. Each of
// them leaves on the way that is for errors, and has to restore what it changed there too.
#define FIVE_VALUES \
    " load_local 0\n load_const 1\n add\n store_local 1\n load_local 0\n load_const 2\n add\n store_local 2\n" \
    " load_local 0\n load_const 3\n add\n store_local 3\n load_local 0\n load_const 4\n add\n store_local 4\n" \
    " load_local 0\n load_const 5\n add\n store_local 5\n"
#define ADD_FIVE_VALUES \
    " load_local 1\n add\n load_local 2\n add\n load_local 3\n add\n load_local 4\n add\n load_local 5\n add\n"

// Pushes false; if `value`, code that pushes a number, pushes 0, there is a TypeError.
#define FAIL_IF_ZERO(value) " load_function main\n new_array 1\n" value " get_index\n load_const 0\n less_than\n"

static const char failing_program[] =
    "func main params=1 locals=6\n" FIVE_VALUES " load_local 0\n call f\n" ADD_FIVE_VALUES " return\nend\n"
    "func f params=1 locals=6\n" FIVE_VALUES " load_local 0\n call g\n" ADD_FIVE_VALUES " return\nend\n"
    "func g params=1 locals=6\n" FIVE_VALUES " load_const 1\n call_native weigh1\n" FAIL_IF_ZERO(" load_local 0\n") " add\n"
    ADD_FIVE_VALUES " return\nend\n";

static void test_errors_leave_every_frame(void **state) {
    (void)state;
    Program *program = native_program_from(failing_program);
    for (size_t i = 0; i < num_modes; i++) {
        Outcome outcome = probed_run(program, &modes[i], ARGS(0));
        assert_int_equal(outcome.status, RUN_TYPE_ERROR);
        assert_int_equal(outcome.function, 2);
        assert_int_equal(probed_run(program, &modes[i], ARGS(4)).result, 3 * (5 * 4 + 15) + 32);
    }
    program_free(program);
}

static void test_errors_of_every_kind(void **state) {
    (void)state;
    Program *program = native_program_from(
        "func main params=2 locals=7\n load_local 1\n store_local 6\n" FIVE_VALUES
        " load_local 0\n load_local 6\n div\n store_local 6\n"
        " new_array 0\n load_local 6\n load_const 1\n set_index\n"
        " load_local 6\n call_native weigh1\n" ADD_FIVE_VALUES " load_local 6\n add\n return\nend\n");
    for (size_t i = 0; i < num_modes; i++) {
        assert_int_equal(probed_run(program, &modes[i], ARGS(1, A_FUNCTION)).status, RUN_TYPE_ERROR);
        assert_int_equal(probed_run(program, &modes[i], ARGS(MAX_ARRAY_LENGTH, 1)).status, RUN_RANGE_ERROR);
        assert_int_equal(probed_run(program, &modes[i], ARGS(MAX_ARRAY_LENGTH / 2, 1)).status, RUN_OUT_OF_MEMORY);
        assert_int_equal(probed_run(program, &modes[i], ARGS(8, 2)).status, RUN_OK);
    }
    program_free(program);
}

static void test_stack_overflow(void **state) {
    (void)state;
    Program *program = native_program_from("func main params=1 locals=6\n" FIVE_VALUES " load_local 0\n load_const 1\n add\n"
                                           " call main\n" ADD_FIVE_VALUES " return\nend\n");
    for (size_t i = 0; i < num_modes; i++)
        assert_int_equal(probed_run(program, &modes[i], ARGS(0)).status, RUN_STACK_OVERFLOW);
    program_free(program);
}

// After an error the same Vm runs on, and fails again, and the registers are right each time.
static void test_many_runs_of_one_vm(void **state) {
    (void)state;
    Program *program = native_program_from(failing_program);
    for (size_t i = 0; i < num_modes; i++) {
        JitCompiler *jit = start(program, &modes[i]);
        for (int64_t n = -3; n <= 3; n++) {
            Outcome outcome = probed_call(jit, "main", ARGS(n));
            assert_int_equal(outcome.status, n ? RUN_OK : RUN_TYPE_ERROR);
            if (n) assert_int_equal(outcome.result, 3 * (5 * n + 15) + 32);
        }
        jit_free(jit);
    }
    program_free(program);
}

// Machine code and interpreted functions take turns: the error crosses both kinds of frames, and a run
// inside of a native ends with an error of its own.
static void test_errors_across_nested_runs(void **state) {
    (void)state;
    const char *text =
        "func main params=1 locals=6\n" FIVE_VALUES " load_local 0\n call a\n" ADD_FIVE_VALUES " return\nend\n"
        "func a params=1 locals=6\n" FIVE_VALUES " load_local 0\n call b\n" ADD_FIVE_VALUES " return\nend\n"
        "func b params=1 locals=6\n" FIVE_VALUES " load_local 0\n call_native run_leaf\n" ADD_FIVE_VALUES
        " load_local 0\n call c\n add\n return\nend\n"
        "func c params=1 locals=6\n" FIVE_VALUES " load_const 100\n" FAIL_IF_ZERO(" load_local 0\n load_const 5\n sub\n") " add\n"
        ADD_FIVE_VALUES " return\nend\n"
        "func leaf params=1 locals=6\n" FIVE_VALUES " load_local 0\n call d\n" ADD_FIVE_VALUES " return\nend\n"
        "func d params=1 locals=6\n" FIVE_VALUES " load_const 100\n" FAIL_IF_ZERO(" load_local 0\n") " add\n" ADD_FIVE_VALUES " return\nend\n";
    Program *program = native_program_from(text);
    for (int64_t n = -1; n <= 6; n++) assert_probed_modes_agree(program, ARGS(n));
    // Every choice of which of the six functions are machine code.
    Outcome expected[] = {probed_run(program, &modes[0], ARGS(0)), probed_run(program, &modes[0], ARGS(5))};
    assert_int_equal(expected[0].status, RUN_OK);
    assert_int_equal(expected[1].status, RUN_TYPE_ERROR);
    for (uint64_t compiled = 0; compiled < 64; compiled++) {
        Mode mode = {"some functions", {.tier = TIER_OPT, .code_size = 1 << 16, .heap_size = 1 << 20, .pool = RA_DEFAULT_POOL, .check = true}, compiled};
        assert_true(outcomes_agree(probed_run(program, &mode, ARGS(0)), expected[0]));
        assert_true(outcomes_agree(probed_run(program, &mode, ARGS(5)), expected[1]));
    }
    program_free(program);
}

// A function with more parameters than registers has its arguments copied by the enter stub.
static void test_many_parameters(void **state) {
    (void)state;
    for (uint32_t n = 0; n <= 20; n++) {
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        fprintf(out, "func main params=%u\n load_const 0\n", n);
        for (uint32_t i = 0; i < n; i++) fprintf(out, " load_const 31\n mul\n load_local %u\n add\n call_native weigh1\n", i);
        fprintf(out, " return\nend\n");
        fclose(out);
        int64_t args[20];
        for (int64_t i = 0; i < 20; i++) args[i] = i * i + 1;
        Program *program = native_program_from(text);
        assert_probed_modes_agree(program, args);
        program_free(program);
        free(text);
    }
}

// A function with more parameters than there are registers, all needed at once. With an error if the last is 0.
static const char many_at_once[] =
    "func main params=12\n load_local 0\n load_local 1\n add\n load_local 2\n add\n load_local 3\n add\n load_local 4\n add\n"
    " load_local 5\n add\n load_local 6\n add\n load_local 7\n add\n load_local 8\n add\n load_local 9\n add\n load_local 10\n add\n"
    FAIL_IF_ZERO(" load_local 11\n") " add\n return\nend\n";

// The probe itself: it finds each register that the enter stub would forget. (R14, which it changes itself, it does not.)
static void test_the_probe_would_notice(void **state) {
    (void)state;
    Program *program = native_program_from(many_at_once);
    Mode broken = {"broken", {.tier = TIER_OPT, .code_size = 1 << 16, .heap_size = 1 << 20, .pool = RA_DEFAULT_POOL, .broken = BROKEN_CALLEE_SAVED, .no_speculation = true}, UINT64_MAX};
    JitCompiler *jit = start(program, &broken);
    Vm *vm = jit_vm(jit);
    for (int32_t n = 0; n <= 1; n++) { // with an error and without
        Value args[12];
        for (int32_t i = 0; i < 12; i++) args[i] = value_from_int(n * i);
        const int64_t enter_args[] = {(int64_t)(uintptr_t)vm, (int64_t)(uintptr_t)&vm->callables[0], (int64_t)(uintptr_t)args, 12};
        AbiReport report;
        abi_probe_call(&report, (void *)(uintptr_t)vm->enter, enter_args, 4);
        for (AbiPromise p = 0; p < NUM_ABI_PROMISES; p++) {
            bool is_ours = p == ABI_RBX || (p >= ABI_R12 && p <= ABI_R15 && p != ABI_R14);
            assert_int_equal(abi_broke(&report, p), is_ours);
        }
    }
    jit_free(jit);
    program_free(program);
}

static const struct CMUnitTest canaries_tests[] = {
    cmocka_unit_test(test_examples),
    cmocka_unit_test(test_errors_leave_every_frame),
    cmocka_unit_test(test_errors_of_every_kind),
    cmocka_unit_test(test_stack_overflow),
    cmocka_unit_test(test_many_runs_of_one_vm),
    cmocka_unit_test(test_errors_across_nested_runs),
    cmocka_unit_test(test_many_parameters),
    cmocka_unit_test(test_the_probe_would_notice),
};
TEST_MAIN(canaries_tests)
