// The calling convention broken on purpose, and what comes of it. Each failure is a real one, in a
// child process; each is followed by the same run of correct code.
//
//   --broken=callee-saved   machine code as the *callee* changes RBX, R12 ... R15 and hands them back
//                           changed. The victim is its caller, here plain compiled C: a wrong result,
//                           or a SIGSEGV, far from the code that is to blame
//   --broken=caller-saved   machine code as the *caller* keeps values where the C function that it calls
//                           may destroy them. The victim is the machine code itself: 100 + 42 != 142
#include <inttypes.h>
#include <signal.h>

#include "base/fatal.h"
#include "native_programs.h"
#include "testing/crash_guard.h"
#include "testing/test_main.h"

enum { CODE_SIZE = 1 << 16 };

static const Mode fixed = {"opt", {.tier = TIER_OPT, .code_size = CODE_SIZE, .heap_size = 1 << 20, .pool = RA_DEFAULT_POOL}, UINT64_MAX};

static Mode broken_in(unsigned broken) {
    Mode mode = fixed;
    mode.options.broken = broken;
    return mode;
}

// Part (a): the callee breaks its promise.

// Five values live across a call, so that each of the five callee-saved registers holds one. The
// values can be told from all others, and as the bits of Values are addresses at which nothing is mapped.
static const char five_values[] =
    "func main params=0 locals=5\n"
    " load_const 0x1110\n store_local 0\n load_const 0x2220\n store_local 1\n load_const 0x3330\n store_local 2\n"
    " load_const 0x4440\n store_local 3\n load_const 0x5550\n store_local 4\n"
    " load_const 1\n call_native quiet\n"
    " load_local 0\n add\n load_local 1\n add\n load_local 2\n add\n load_local 3\n add\n load_local 4\n add\n"
    " return\nend\n";

enum { JIT_RESULT = 0x1110 + 0x2220 + 0x3330 + 0x4440 + 0x5550 + 1 };

static const struct {
    int number; // the hardware's, as in a CrashReport
    const char *name;
    AbiPromise promise;
    const char *guilty; // the instruction that changes it in five_values
    uint64_t value;
} saved_registers[] = {
    {RBX, "rbx", ABI_RBX, "movabs rbx, 0x111000000001", 0x111000000001},   {R12, "r12", ABI_R12, "movabs r12, 0x222000000001", 0x222000000001},
    {R13, "r13", ABI_R13, "movabs r13, 0x333000000001", 0x333000000001},  {R14, "r14", ABI_R14, "movabs r14, 0x444000000001", 0x444000000001},
    {R15, "r15", ABI_R15, "movabs r15, 0x555000000001", 0x555000000001},
};

typedef Value EntryCode(void);

// A caller in plain C. Across the call it keeps two values, for which the C compiler takes two of the
// five registers: no need to ask which.
__attribute__((noinline)) static int64_t add_around(EntryCode *code, int64_t a, int64_t b) {
    int64_t result = value_to_int(code());
    return result + a * 3 + b;
}

// A caller that keeps two pointers. They are read after the call, since the call may have changed
// what they point to. (What they have become is no address of an int64_t, which UBSan would say first.)
__attribute__((noinline, no_sanitize("alignment"))) static int64_t add_cells(EntryCode *code, const int64_t *a, const int64_t *b) {
    int64_t result = value_to_int(code());
    return result + *a * 3 + *b;
}

// The C callers are entered through the probe, because the damage does not end with them: they hand
// back the registers that they used as *they* found them, and the others as the JIT left them.
typedef struct Scene {
    EntryCode *code;
    int64_t cells[2];
    void *caller; // add_around or add_cells
} Scene;

static AbiReport run_caller(const Scene *scene, int64_t *result) {
    AbiReport report;
    bool by_pointer = scene->caller == (void *)(uintptr_t)add_cells;
    int64_t args[] = {(int64_t)(uintptr_t)scene->code, scene->cells[0], scene->cells[1]};
    for (int i = 0; i < 2 && by_pointer; i++) args[1 + i] = (int64_t)(uintptr_t)&scene->cells[i];
    *result = abi_probe_call(&report, scene->caller, args, 3);
    return report;
}

static void print_result(void *argument) {
    int64_t result;
    run_caller(argument, &result);
    printf("%" PRId64 "\n", result);
}

static EntryCode *entry_of(JitCompiler *jit) {
    void *entry = jit_entry(jit, program_find(jit_vm(jit)->program, "main"));
    assert_non_null(entry);
    return (EntryCode *)(uintptr_t)entry;
}

static Scene scene_in(JitCompiler *jit, void *caller) { return (Scene){entry_of(jit), {7, 20}, caller}; }
#define C_CALLER(function) ((void *)(uintptr_t)(function))

enum { RIGHT_RESULT = JIT_RESULT + 7 * 3 + 20 };

static CrashReport run_scene(const Program *program, const Mode *mode, void *caller) {
    JitCompiler *jit = start(program, mode);
    Scene scene = scene_in(jit, caller);
    CrashReport report;
    crash_guard_run(&report, NULL, print_result, &scene);
    jit_free(jit);
    return report;
}

static void skip_if_not_optimized(void) {
#ifndef __OPTIMIZE__
    skip(); // without optimization C keeps its values in memory, where no register matters
#endif
}

static void test_callee_breaks_promise_c_caller_gets_wrong_result(void **state) {
    (void)state;
    skip_if_not_optimized();
    Program *program = native_program_from(five_values);
    Mode broken = broken_in(BROKEN_CALLEE_SAVED);
    CrashReport report = run_scene(program, &broken, C_CALLER(add_around));
    assert_int_equal(report.outcome, CRASH_RETURNED); // nothing crashes: the result is wrong, silently
    int64_t result = strtoll(report.out, NULL, 10);
    print_message("plain C expected %d and got %" PRId64 "\n", RIGHT_RESULT, result);
    assert_int_not_equal(result, RIGHT_RESULT);
    bool found = false; // it is what comes out if two of the registers hold what the JIT left in them
    for (size_t a = 0; a < 5; a++)
        for (size_t b = 0; b < 5; b++)
            found |= a != b && result == (int64_t)(JIT_RESULT + saved_registers[a].value * 3 + saved_registers[b].value);
    assert_true(found);
    crash_report_free(&report);

    report = run_scene(program, &fixed, C_CALLER(add_around));
    assert_int_equal(report.outcome, CRASH_RETURNED);
    assert_int_equal(strtoll(report.out, NULL, 10), RIGHT_RESULT);
    crash_report_free(&report);
    program_free(program);
}

// The register that held the pointer: the one with the faulting address that the instruction names.
static size_t damaged_register(const CrashReport *report) {
    for (size_t i = 0; i < 5; i++) {
        char operand[16];
        snprintf(operand, sizeof operand, "[%s", saved_registers[i].name);
        if (report->fault_address == saved_registers[i].value && strstr(report->instruction, operand)) return i;
    }
    fail_msg("`%s` at %#" PRIx64 " is not what the JIT is to blame for", report->instruction, report->fault_address);
    return 0;
}

static void test_callee_breaks_promise_c_caller_crashes(void **state) {
    (void)state;
    skip_if_not_optimized();
    Program *program = native_program_from(five_values);
    Mode broken = broken_in(BROKEN_CALLEE_SAVED);
    CrashReport report = run_scene(program, &broken, C_CALLER(add_cells));
    crash_report_print(stdout, &report);
    assert_int_equal(report.outcome, CRASH_SIGNALLED);
    assert_int_equal(report.signal, SIGSEGV);
    size_t damaged = damaged_register(&report);
    assert_int_equal(report.registers[saved_registers[damaged].number], saved_registers[damaged].value);

    // The crash is in C; the guilty instruction is in the JIT's code, which ended long ago.
    JitCompiler *jit = start(program, &broken);
    size_t size;
    const uint8_t *code = jit_code(jit, program_find(program, "main"), &size);
    assert_false(report.rip >= (uintptr_t)code && report.rip < (uintptr_t)code + size);
    char *lines = code_lines(jit, "main");
    print_message("the guilty instruction: %s\n", saved_registers[damaged].guilty);
    assert_int_equal(count_lines(lines, saved_registers[damaged].guilty), 1);
    free(lines);
    jit_free(jit);
    crash_report_free(&report);

    report = run_scene(program, &fixed, C_CALLER(add_cells));
    assert_int_equal(report.outcome, CRASH_RETURNED);
    assert_int_equal(strtoll(report.out, NULL, 10), RIGHT_RESULT);
    crash_report_free(&report);
    program_free(program);
}

// The same instructions are in the fixed code, between a save and a restore of the register.
static void test_fixed_code_saves_and_restores_what_it_changes(void **state) {
    (void)state;
    Program *program = native_program_from(five_values);
    Mode broken = broken_in(BROKEN_CALLEE_SAVED);
    for (int is_broken = 0; is_broken <= 1; is_broken++) {
        JitCompiler *jit = start(program, is_broken ? &broken : &fixed);
        char *lines = code_lines(jit, "main");
        for (size_t i = 0; i < 5; i++) {
            char save[80], restore[80];
            snprintf(save, sizeof save, "^mov qword ptr \\[rbp - [0-9a-fx]+\\], %s$", saved_registers[i].name);
            snprintf(restore, sizeof restore, "^mov %s, qword ptr \\[rbp - [0-9a-fx]+\\]$", saved_registers[i].name);
            assert_int_equal(count_lines(lines, saved_registers[i].guilty), 1);
            assert_int_equal(count_lines(lines, save), is_broken ? 0 : 1);
            assert_int_equal(count_lines(lines, restore), is_broken ? 0 : 2); // to return, and after an error
        }
        free(lines);
        jit_free(jit);
    }
    program_free(program);
}

// The probe needs no crash: it names the registers, what was in them, and what is.
static void assert_probe_finds_all_five(const AbiReport *report) {
    assert_false(report->ok);
    uint32_t five = 0;
    for (size_t i = 0; i < 5; i++) {
        assert_true(abi_broke(report, saved_registers[i].promise));
        assert_int_equal(report->after[saved_registers[i].promise], saved_registers[i].value);
        assert_non_null(strstr(report->text, saved_registers[i].name));
        five |= 1u << saved_registers[i].promise;
    }
    assert_int_equal(report->broken, five); // and nothing else
}

static void test_probe_names_the_registers(void **state) {
    (void)state;
    Program *program = native_program_from(five_values);
    Mode broken = broken_in(BROKEN_CALLEE_SAVED);
    AbiReport report;
    JitCompiler *jit = start(program, &broken);
    assert_int_equal(abi_probe_call(&report, (void *)(uintptr_t)entry_of(jit), NULL, 0), value_from_int(JIT_RESULT));
    print_message("%s", report.text);
    assert_probe_finds_all_five(&report);

    // Through the enter stub it is no better: the fault takes the stub's own saving away as well.
    Vm *vm = jit_vm(jit);
    const int64_t args[] = {(int64_t)(uintptr_t)vm, (int64_t)(uintptr_t)&vm->callables[0], 0, 0};
    const int64_t result = abi_probe_call(&report, (void *)(uintptr_t)vm->enter, args, 4);
    assert_int_equal(result, value_from_int(JIT_RESULT)); // the JIT's own result is right
    assert_probe_finds_all_five(&report);
    jit_free(jit);

    jit = start(program, &fixed);
    assert_int_equal(abi_probe_call(&report, (void *)(uintptr_t)entry_of(jit), NULL, 0), value_from_int(JIT_RESULT));
    assert_true(report.ok);
    assert_string_equal(report.text, "");
    jit_free(jit);
    program_free(program);
}

// Only the callee-saved registers that the code uses are damaged; the baseline uses none.
static void test_baseline_is_not_affected(void **state) {
    (void)state;
    Program *program = native_program_from(five_values);
    Mode broken = broken_in(BROKEN_CALLEE_SAVED | BROKEN_CALLER_SAVED);
    broken.options.tier = TIER_BASELINE;
    Outcome outcome = probed_run(program, &broken, NULL);
    assert_int_equal(outcome.status, RUN_OK);
    assert_int_equal(outcome.result, JIT_RESULT);
    program_free(program);
}

// Part (b): the caller relies on what nobody promised.

// 100 waits in a register while a C function makes 42.
static const char hundred_and_42[] = "func main params=0 locals=1\n load_const 100\n store_local 0\n"
                                     " call_native answer\n load_local 0\n add\n return\nend\n";

static Value answer(void) { return (Value)abi_poison((int64_t)value_from_int(42)); } // destroys what it may destroy, as print may

static Value print_answer(void) {
    fprintf(stderr, "%d\n", 42);
    return value_from_int(42);
}

static Program *program_with_answer(const char *text, Value (*code)(void)) {
    Program *program = program_new("test.bca");
    program_add_native(program, "answer", 0, (NativeCode *)(uintptr_t)code);
    Diagnostic diagnostic;
    assert_true(program_parse(program, text, strlen(text), &diagnostic) && program_verify(program, &diagnostic));
    return program;
}

static int64_t sum_in(const Program *program, const Mode *mode) {
    Outcome outcome = probed_run(program, mode, NULL);
    assert_int_equal(outcome.status, RUN_OK);
    return outcome.result;
}

static void test_100_plus_42_is_wrong_and_then_142(void **state) {
    (void)state;
    Program *program = program_with_answer(hundred_and_42, answer);
    Mode broken = broken_in(BROKEN_CALLER_SAVED);
    int64_t wrong = sum_in(program, &broken);
    print_message("100 + 42 = %" PRId64 "\n", wrong);
    assert_int_equal(wrong, (int32_t)0xFDFDFDFD + 42); // a poisoned register, which looks like an integer
    for (size_t i = 0; i < num_modes; i++) assert_int_equal(sum_in(program, &modes[i]), 142);
    program_free(program);
}

static void print_broken_sum(void *program) {
    Mode broken = broken_in(BROKEN_CALLER_SAVED);
    JitCompiler *jit = start(program, &broken);
    printf("%" PRId64 "\n", call(jit, "main", NULL).result);
    jit_free(jit);
}

// No poison is needed for that: the C library's output functions do the same. What they leave in the
// register may look like a number, or like an object where there is none.
static void test_100_plus_42_is_wrong_after_real_output(void **state) {
    (void)state;
    Program *program = program_with_answer(hundred_and_42, print_answer);
    CrashReport report;
    crash_guard_run(&report, NULL, print_broken_sum, program);
    assert_true(report.outcome != CRASH_RETURNED || strcmp(report.out, "142\n") != 0);
    crash_report_free(&report);
    assert_int_equal(sum_in(program, &fixed), 142);
    program_free(program);
}

// In which register the hundred waits: the one that the C function destroys, or one that it hands back.
static void test_where_the_hundred_waits(void **state) {
    (void)state;
    Program *program = program_with_answer(hundred_and_42, answer);
    Mode broken = broken_in(BROKEN_CALLER_SAVED);
    for (int is_broken = 0; is_broken <= 1; is_broken++) {
        JitCompiler *jit = start(program, is_broken ? &broken : &fixed);
        char *lines = code_lines(jit, "main");
        assert_int_equal(count_lines(lines, "^movabs rcx, 0x6400000001$"), is_broken);
        assert_int_equal(count_lines(lines, "^add r10, rcx$"), is_broken);
        assert_int_equal(count_lines(lines, "^movabs rbx, 0x6400000001$"), !is_broken);
        assert_int_equal(count_lines(lines, "^add r10, rbx$"), !is_broken);
        free(lines);
        jit_free(jit);
    }
    program_free(program);
}

// The trap: with a C function that happens to leave the register alone the fault does not show.
static void test_the_fault_hides_behind_a_small_native(void **state) {
    (void)state;
    Program *program = native_program_from("func main params=0 locals=1\n load_const 100\n store_local 0\n load_const 42\n"
                                           " call_native quiet\n load_local 0\n add\n return\nend\n");
    Mode broken = broken_in(BROKEN_CALLER_SAVED);
    assert_int_equal(sum_in(program, &broken), 142);
    program_free(program);
}

// The C caller of such code is not harmed: nothing was promised to it that is not kept.
static void test_callers_fault_is_invisible_to_the_probe(void **state) {
    (void)state;
    Program *program = program_with_answer(hundred_and_42, answer);
    Mode broken = broken_in(BROKEN_CALLER_SAVED);
    JitCompiler *jit = start(program, &broken);
    AbiReport report;
    assert_int_not_equal(abi_probe_call(&report, (void *)(uintptr_t)entry_of(jit), NULL, 0), value_from_int(142));
    assert_true(report.ok);
    jit_free(jit);
    program_free(program);
}

static void compile_checked(void *argument) {
    Mode checked = broken_in(BROKEN_CALLER_SAVED);
    checked.options.check = true;
    jit_free(start(argument, &checked));
}

// ra_check finds it before the code ever runs, whatever the native does.
static void test_ra_check_finds_it_when_compiling(void **state) {
    (void)state;
    Program *program = program_with_answer(hundred_and_42, answer);
    CrashReport report;
    crash_guard_run(&report, NULL, compile_checked, program);
    assert_int_equal(report.outcome, CRASH_EXITED);
    assert_int_equal(report.exit_code, EXIT_BUG);
    assert_non_null(strstr(report.err, "rcx, which holds no known value"));
    assert_non_null(strstr(report.err, "ra_check"));
    crash_report_free(&report);

    Mode checked = fixed;
    checked.options.check = true;
    assert_int_equal(sum_in(program, &checked), 142);
    program_free(program);
}

// Calls between functions of the program are not natives: the fault must not touch them.
static void test_callers_fault_is_about_natives_only(void **state) {
    (void)state;
    Program *program = native_program_from("func main params=1\n load_local 0\n load_local 0\n call f\n add\n return\nend\n"
                                           "func f params=1\n load_local 0\n call_native weigh1\n return\nend\n");
    Mode broken = broken_in(BROKEN_CALLER_SAVED);
    Outcome outcome = probed_run(program, &broken, ARGS(5));
    assert_int_equal(outcome.result, 5 + weigh(ARGS(5), 1));
    program_free(program);
}

// Both faults at once are both faults.
static void test_both_faults_at_once(void **state) {
    (void)state;
    Program *program = native_program_from(five_values);
    Mode broken = broken_in(BROKEN_CALLEE_SAVED | BROKEN_CALLER_SAVED);
    JitCompiler *jit = start(program, &broken);
    char *lines = code_lines(jit, "main");
    assert_int_equal(count_lines(lines, "r1[2-5]|rbx"), 0); // nothing is driven to the callee-saved ones
    free(lines);
    jit_free(jit);
    program_free(program);
}

static const struct CMUnitTest calling_convention_bug_tests[] = {
    cmocka_unit_test(test_callee_breaks_promise_c_caller_gets_wrong_result),
    cmocka_unit_test(test_callee_breaks_promise_c_caller_crashes),
    cmocka_unit_test(test_fixed_code_saves_and_restores_what_it_changes),
    cmocka_unit_test(test_probe_names_the_registers),
    cmocka_unit_test(test_baseline_is_not_affected),
    cmocka_unit_test(test_100_plus_42_is_wrong_and_then_142),
    cmocka_unit_test(test_100_plus_42_is_wrong_after_real_output),
    cmocka_unit_test(test_where_the_hundred_waits),
    cmocka_unit_test(test_the_fault_hides_behind_a_small_native),
    cmocka_unit_test(test_callers_fault_is_invisible_to_the_probe),
    cmocka_unit_test(test_ra_check_finds_it_when_compiling),
    cmocka_unit_test(test_callers_fault_is_about_natives_only),
    cmocka_unit_test(test_both_faults_at_once),
};
TEST_MAIN(calling_convention_bug_tests)
