// The crash guard with real crashes.
#include "testing/crash_guard.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "asm/asm.h"
#include "code/code_buffer.h"
#include "code/install.h"
#include "testing/test_main.h"

static CrashReport run(void (*function)(void *), void *argument) {
    CrashReport report;
    crash_guard_run(&report, NULL, function, argument);
    return report;
}

static void assert_summary(const CrashReport *report, const char *expected) {
    char text[256];
    crash_report_summary(report, text, sizeof text);
    assert_string_equal(text, expected);
}

// Ends without a crash.

static void print_and_return(void *text) {
    printf("out: %s", (const char *)text);
    fprintf(stderr, "err: %s", (const char *)text);
}

static void test_a_function_that_returns(void **state) {
    (void)state;
    printf("this text must not come out of the child again");
    char text[] = "hello";
    CrashReport report = run(print_and_return, text);
    printf("\n");
    assert_int_equal(report.outcome, CRASH_RETURNED);
    assert_string_equal(report.out, "out: hello");
    assert_string_equal(report.err, "err: hello");
    assert_false(report.out_cut || report.err_cut || report.has_context);
    assert_summary(&report, "returned");
    crash_report_free(&report);
}

static void exit_with(void *code) { _exit(*(int *)code); }

static void test_a_function_that_exits(void **state) {
    (void)state;
    for (int code = 0; code < 256; code += 51) {
        CrashReport report = run(exit_with, &code);
        assert_int_equal(report.outcome, CRASH_EXITED);
        assert_int_equal(report.exit_code, code);
        crash_report_free(&report);
    }
}

static void change_variable(void *variable) { *(int *)variable = 1; }

static void test_the_child_changes_nothing_here(void **state) {
    (void)state;
    int variable = 0;
    CrashReport report = run(change_variable, &variable);
    assert_int_equal(variable, 0);
    crash_report_free(&report);
}

static void read_input(void *unused) {
    (void)unused;
    printf("%d", getchar());
}

static void test_standard_input_is_empty(void **state) {
    (void)state;
    CrashReport report = run(read_input, NULL);
    assert_string_equal(report.out, "-1");
    crash_report_free(&report);
}

static void print_much(void *unused) {
    (void)unused;
    for (int i = 0; i < 100000; i++) fputs("0123456789", stdout);
}

static void test_output_is_bounded(void **state) {
    (void)state;
    CrashReport report;
    crash_guard_run(&report, &(CrashLimits){.output_bytes = 25}, print_much, NULL);
    assert_int_equal(report.outcome, CRASH_RETURNED); // it was not blocked by a full pipe
    assert_string_equal(report.out, "0123456789012345678901234");
    assert_int_equal(report.out_size, 25);
    assert_true(report.out_cut);
    assert_false(report.err_cut);
    crash_report_free(&report);
}

// Real crashes in generated code.

typedef struct Code {
    CodeBuffer *buffer;
    Assembler a;
    void *entry;
} Code;

static void call_code(void *pointer) {
    Code *code = pointer;
    void (*function)(void);
    memcpy(&function, &code->entry, sizeof function);
    function();
}

static Code begin_code(void) {
    Code code = {.buffer = code_buffer_new(4096)};
    asm_init(&code.a, 1000);
    return code;
}

static CrashReport run_code(Code *code) {
    assert_true(asm_finish(&code->a));
    code->entry = code_install(code->buffer, &code->a);
    assert_non_null(code->entry);
    return run(call_code, code);
}

static void end_code(Code *code, CrashReport *report) {
    crash_report_free(report);
    asm_free(&code->a);
    code_buffer_free(code->buffer);
}

static void test_segmentation_fault(void **state) {
    (void)state;
    Code code = begin_code();
    for (Reg r = RAX; r <= R15; r++)
        if (r != RSP && r != R9) asm_mov_ri(&code.a, r, 0x1100 + (int)r);
    asm_mov_ri(&code.a, R9, 0x10);
    asm_mov_rm(&code.a, RAX, mem(R9, 0x20)); // null-pointer arithmetic
    asm_ret(&code.a);
    CrashReport report = run_code(&code);
    assert_int_equal(report.outcome, CRASH_SIGNALLED);
    assert_int_equal(report.signal, SIGSEGV);
    assert_true(report.has_context);
    assert_int_equal(report.fault_address, 0x30);
    assert_string_equal(report.instruction, "mov rax, qword ptr [r9 + 0x20]");
    assert_summary(&report, "killed by SIGSEGV at 0x30 in `mov rax, qword ptr [r9 + 0x20]`");
    assert_true(code_buffer_contains(code.buffer, (void *)(uintptr_t)report.rip));
    for (int r = 0; r < CRASH_REGISTERS; r++)
        if (r != RSP && r != R9) assert_int_equal(report.registers[r], 0x1100 + r);
    assert_int_equal(report.registers[R9], 0x10);
    assert_int_equal(report.num_code_bytes, CRASH_CODE_BYTES);
    end_code(&code, &report);
}

static void test_a_stack_that_is_gone(void **state) {
    (void)state;
    Code code = begin_code();
    asm_mov_ri(&code.a, RSP, 0);
    asm_push_r(&code.a, RAX);
    CrashReport report = run_code(&code);
    assert_int_equal(report.signal, SIGSEGV);
    assert_string_equal(report.instruction, "push rax");
    assert_int_equal(report.registers[RSP], 0);
    end_code(&code, &report);
}

static void test_a_jump_to_nowhere(void **state) {
    (void)state;
    Code code = begin_code();
    asm_mov_ri(&code.a, RAX, 0x1234);
    asm_call_r(&code.a, RAX);
    CrashReport report = run_code(&code);
    assert_int_equal(report.signal, SIGSEGV);
    assert_int_equal(report.rip, 0x1234);
    assert_int_equal(report.num_code_bytes, 0); // nothing to disassemble there
    assert_string_equal(report.instruction, "");
    assert_summary(&report, "killed by SIGSEGV at 0x1234 at rip 0x1234");
    end_code(&code, &report);
}

static void test_division_by_zero(void **state) {
    (void)state;
    Code code = begin_code();
    asm_mov_ri(&code.a, RCX, 0);
    asm_cqo(&code.a);
    asm_idiv_r(&code.a, RCX);
    CrashReport report = run_code(&code);
    assert_int_equal(report.signal, SIGFPE);
    assert_summary(&report, "killed by SIGFPE in `idiv rcx`");
    end_code(&code, &report);
}

static void test_breakpoint(void **state) {
    (void)state;
    Code code = begin_code(); // nothing written: the buffer is full of int3
    code.entry = code_buffer_alloc(code.buffer, 16);
    CrashReport report = run(call_code, &code);
    assert_int_equal(report.signal, SIGTRAP);
    assert_string_equal(report.instruction, "int3");
    end_code(&code, &report);
}

static void test_code_at_the_end_of_a_page(void **state) {
    (void)state;
    uint8_t *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pages[4094] = 0x0F;
    pages[4095] = 0x0B; // ud2
    mprotect(pages, 4096, PROT_READ | PROT_EXEC);
    mprotect(pages + 4096, 4096, PROT_NONE);
    Code code = {.entry = pages + 4094};
    CrashReport report = run(call_code, &code);
    assert_int_equal(report.signal, SIGILL);
    assert_int_equal(report.num_code_bytes, 2);
    assert_summary(&report, "killed by SIGILL in `ud2`");
    crash_report_free(&report);
    munmap(pages, 8192);
}

static void print_and_abort(void *unused) {
    (void)unused;
    printf("the last line\n");
    abort();
}

static void test_abort_keeps_the_output(void **state) {
    (void)state;
    CrashReport report = run(print_and_abort, NULL);
    assert_int_equal(report.outcome, CRASH_SIGNALLED);
    assert_int_equal(report.signal, SIGABRT);
    assert_string_equal(report.out, "the last line\n");
    crash_report_free(&report);
}

static void kill_myself(void *unused) {
    (void)unused;
    raise(SIGKILL);
}

static void test_a_signal_that_cannot_be_caught(void **state) {
    (void)state;
    CrashReport report = run(kill_myself, NULL);
    assert_int_equal(report.outcome, CRASH_SIGNALLED);
    assert_int_equal(report.signal, SIGKILL);
    assert_false(report.has_context);
    assert_summary(&report, "killed by SIGKILL");
    crash_report_free(&report);
}

// Time and memory.

static void test_an_endless_loop(void **state) {
    (void)state;
    Code code = begin_code();
    Label loop = LABEL_INIT;
    asm_mov_ri(&code.a, RBX, 4711);
    asm_bind(&code.a, &loop);
    asm_jmp(&code.a, &loop);
    assert_true(asm_finish(&code.a));
    code.entry = code_install(code.buffer, &code.a);
    CrashReport report;
    for (double seconds = 0.2;; seconds *= 2) {
        crash_guard_run(&report, &(CrashLimits){.seconds = seconds}, call_code, &code);
        assert_int_equal(report.outcome, CRASH_TIMEOUT);
        if (report.registers[RBX] == 4711 || seconds > 10) break;
        crash_report_free(&report); // on a busy machine it had not come to the loop
    }
    assert_true(report.has_context); // where it was looping
    assert_int_equal(report.registers[RBX], 4711);
    assert_memory_equal(report.instruction, "jmp 0x", 6);
    end_code(&code, &report);
}

static void ignore_the_request(void *unused) {
    (void)unused;
    signal(SIGALRM, SIG_IGN);
    for (;;) pause();
}

static void test_a_child_that_will_not_go(void **state) {
    (void)state;
    CrashReport report;
    for (double seconds = 0.1;; seconds *= 2) {
        crash_guard_run(&report, &(CrashLimits){.seconds = seconds}, ignore_the_request, NULL);
        assert_int_equal(report.outcome, CRASH_TIMEOUT);
        if (!report.has_context || seconds > 10) break;
        crash_report_free(&report); // on a busy machine it did not ignore it yet
    }
    assert_false(report.has_context);
    crash_report_free(&report);
}

static void leave_a_process_behind(void *unused) {
    (void)unused;
    if (fork() == 0)
        for (;;) pause(); // holds all pipes open
}

static void test_processes_left_behind_are_killed(void **state) {
    (void)state;
    int ends[2]; // the one left behind holds the writing end
    assert_int_equal(pipe(ends), 0);
    CrashReport report = run(leave_a_process_behind, NULL);
    assert_int_equal(report.outcome, CRASH_RETURNED);
    close(ends[1]);
    struct pollfd end_of_file = {.fd = ends[0], .events = POLLIN};
    assert_int_equal(poll(&end_of_file, 1, 60000), 1);
    close(ends[0]);
    crash_report_free(&report);
}

static void eat_memory(void *unused) {
    (void)unused;
    enum { PIECE = 1 << 20 };
    for (;;) {
        char *memory = malloc(PIECE);
        if (!memory) continue; // does not give up
        for (size_t i = 0; i < PIECE; i += 4096) ((volatile char *)memory)[i] = 1;
    }
}

static void test_a_memory_bomb(void **state) {
    (void)state;
    CrashReport report;
    crash_guard_run(&report, &(CrashLimits){.memory_bytes = 100 << 20}, eat_memory, NULL);
    assert_int_equal(report.outcome, CRASH_MEMORY);
    assert_true(report.peak_memory_bytes > (size_t)100 << 20);
    crash_report_free(&report);
}

static void eat_and_crash(void *unused) {
    (void)unused;
    char *memory = malloc(200 << 20);
    for (size_t i = 0; memory && i < 200 << 20; i += 4096) ((volatile char *)memory)[i] = 1;
    raise(SIGSEGV);
}

static void test_memory_is_the_reason_even_if_another_signal_came(void **state) {
    (void)state;
    CrashReport report;
    crash_guard_run(&report, &(CrashLimits){.memory_bytes = 100 << 20}, eat_and_crash, NULL);
    assert_int_equal(report.outcome, CRASH_MEMORY);
    crash_report_free(&report);
}

// `depth` is volatile so that no compiler turns the recursion into a loop.
__attribute__((noinline)) static size_t recurse(volatile size_t depth) {
    volatile char frame[1000];
    frame[depth % 1000] = 1;
    return depth == SIZE_MAX ? 0 : recurse(depth + 1) + (size_t)frame[depth % 1000];
}

static void overflow_the_stack(void *unused) {
    (void)unused;
    printf("%zu", recurse(0));
}

static void test_stack_overflow_is_reported(void **state) {
    (void)state;
    CrashReport report = run(overflow_the_stack, NULL);
    assert_int_equal(report.outcome, CRASH_SIGNALLED);
    assert_int_equal(report.signal, SIGSEGV);
    assert_true(report.has_context);
    crash_report_free(&report);
}

static void test_report_in_words(void **state) {
    (void)state;
    Code code = begin_code();
    asm_mov_ri(&code.a, RBX, 0x10);
    asm_mov_mr(&code.a, mem(RBX, 0), RAX);
    CrashReport report = run_code(&code);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    crash_report_print(out, &report);
    fclose(out);
    assert_non_null(strstr(text, "killed by SIGSEGV at 0x10 in `mov qword ptr [rbx], rax`\n"));
    assert_non_null(strstr(text, "  rbx 0000000000000010\n"));
    assert_non_null(strstr(text, "  code 48 89 03"));
    free(text);
    end_code(&code, &report);
}

static const struct CMUnitTest crash_guard_tests[] = {
    cmocka_unit_test(test_a_function_that_returns),
    cmocka_unit_test(test_a_function_that_exits),
    cmocka_unit_test(test_the_child_changes_nothing_here),
    cmocka_unit_test(test_standard_input_is_empty),
    cmocka_unit_test(test_output_is_bounded),
    cmocka_unit_test(test_segmentation_fault),
    cmocka_unit_test(test_a_stack_that_is_gone),
    cmocka_unit_test(test_a_jump_to_nowhere),
    cmocka_unit_test(test_division_by_zero),
    cmocka_unit_test(test_breakpoint),
    cmocka_unit_test(test_code_at_the_end_of_a_page),
    cmocka_unit_test(test_abort_keeps_the_output),
    cmocka_unit_test(test_a_signal_that_cannot_be_caught),
    cmocka_unit_test(test_an_endless_loop),
    cmocka_unit_test(test_a_child_that_will_not_go),
    cmocka_unit_test(test_processes_left_behind_are_killed),
    cmocka_unit_test(test_a_memory_bomb),
    cmocka_unit_test(test_memory_is_the_reason_even_if_another_signal_came),
    cmocka_unit_test(test_stack_overflow_is_reported),
    cmocka_unit_test(test_report_in_words),
};
TEST_MAIN(crash_guard_tests)
