// Exercise 3: checked code catches a native that breaks the callee's promise.
#include "exercise.h"

#include "base/fatal.h"
#include "testing/crash_guard.h"

// Two natives in assembly language. Each changes one callee-saved register and does not restore it.
int64_t changes_rbx(int64_t n);
int64_t changes_r13(int64_t n);
__asm__(".pushsection .text\n"
        ".globl changes_rbx\n"
        "changes_rbx:\n"
        "    leaq 1(%rdi), %rax\n"
        "    notq %rbx\n"
        "    ret\n"
        ".globl changes_r13\n"
        "changes_r13:\n"
        "    leaq 1(%rdi), %rax\n"
        "    notq %r13\n"
        "    ret\n"
        ".popsection\n");

static int64_t changes_nothing(int64_t n) { return n + 1; }

static const char text[] = "func main params=1\n    load_const 1000\n    load_local 0\n    call_native suspect\n    add\n"
                           "    return\nend\n";

static Program *program_with(NativeCode *code) {
    Program *program = new_program();
    program_add_native(program, "suspect", 1, code);
    load_text(program, text);
    return program;
}

static void run_checked(void *program) {
    int64_t arg = 5;
    run_main(program, TIER_OPT, true, &arg);
}

// The process must end as it does when we find a bug of our own, and say which native and which register.
static void check_is_caught(NativeCode *code, const char *register_name) {
    Program *program = program_with(code);
    CrashReport report;
    crash_guard_run(&report, NULL, run_checked, program);
    if (report.outcome != CRASH_EXITED) crash_report_print(stderr, &report);
    assert_int_equal(report.outcome, CRASH_EXITED);
    assert_int_equal(report.exit_code, EXIT_BUG);
    assert_non_null(strstr(report.err, "suspect"));
    assert_non_null(strstr(report.err, register_name));
    crash_report_free(&report);
    program_free(program);
}

static void test_changed_rbx_is_caught(void **state) {
    (void)state;
    check_is_caught((NativeCode *)(uintptr_t)changes_rbx, "rbx");
}

static void test_changed_r13_is_caught(void **state) {
    (void)state;
    check_is_caught((NativeCode *)(uintptr_t)changes_r13, "r13");
}

static void test_an_honest_native_passes(void **state) {
    (void)state;
    Program *program = program_with((NativeCode *)(uintptr_t)changes_nothing);
    int64_t arg = 5;
    assert_int_equal(run_main(program, TIER_OPT, true, &arg), 1006);
    assert_int_equal(run_main(program, TIER_OPT, false, &arg), 1006);
    program_free(program);
}

// Spilled values, saved registers, stack arguments and what the check keeps must not overlap.
static void test_nothing_overlaps_in_the_frame(void **state) {
    (void)state;
    Program *program = new_program();
    load_text(program, "func main params=1 locals=8\n"
                       "    load_const 1\n    store_local 1\n    load_const 2\n    store_local 2\n"
                       "    load_const 3\n    store_local 3\n    load_const 4\n    store_local 4\n"
                       "    load_const 5\n    store_local 5\n    load_const 6\n    store_local 6\n"
                       "    load_const 7\n    store_local 7\n"
                       "    load_local 1\n    load_local 2\n    load_local 3\n    load_local 4\n"
                       "    load_local 5\n    load_local 6\n    load_local 7\n    load_local 0\n"
                       "    call_native sum8\n"
                       "    load_local 0\n    add\n    load_local 1\n    add\n    load_local 2\n    add\n"
                       "    load_local 3\n    add\n    load_local 4\n    add\n    load_local 5\n    add\n"
                       "    load_local 6\n    add\n    load_local 7\n    add\n"
                       "    return\nend\n");
    int64_t arg = 100;
    assert_int_equal(run_main(program, TIER_OPT, true, &arg), 256);
    assert_int_equal(run_main(program, TIER_OPT, false, &arg), 256);
    program_free(program);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_changed_rbx_is_caught),
    cmocka_unit_test(test_changed_r13_is_caught),
    cmocka_unit_test(test_an_honest_native_passes),
    cmocka_unit_test(test_nothing_overlaps_in_the_frame),
};
TEST_MAIN(tests)
