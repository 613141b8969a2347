// The calling convention broken on purpose, and what comes of it. Each failure is a real one, in a
// child process; each is followed by the same run of correct code.
//
//   --broken=callee-saved   machine code as the *callee* changes RBX, R12, R13 and R15 and hands them back
//                           changed: the enter stub, its door to C, does not restore them. The victim is the
//                           caller, here plain compiled C: a wrong result, or a SIGSEGV, far from the code
//                           that is to blame
//   --broken=caller-saved   machine code as the *caller* keeps values where the C function that it calls
//                           may destroy them. The victim is the machine code itself: 100 + 42 != 142
#include <inttypes.h>
#include <signal.h>

#include "base/fatal.h"
#include "code/disasm.h"
#include "native_programs.h"
#include "testing/crash_guard.h"
#include "testing/test_main.h"

enum { CODE_SIZE = 1 << 16 };

static const Mode fixed = {"opt", {.tier = TIER_OPT, .code_size = CODE_SIZE, .heap_size = 1 << 20, .pool = RA_DEFAULT_POOL, .no_speculation = true}, UINT64_MAX};

static Mode broken_in(unsigned broken) {
    Mode mode = fixed;
    mode.options.broken = broken;
    return mode;
}

// Part (a): the callee breaks its promise.

// Eleven values are needed at once, so that each of the callee-saved registers that code may use (R14 is the Vm's)
// holds one. They can be told from all others, and as the bits of Values are addresses at which nothing is mapped.
static const char eleven_values[] =
    "func main params=11\n load_local 0\n load_local 1\n add\n load_local 2\n add\n load_local 3\n add\n"
    " load_local 4\n add\n load_local 5\n add\n load_local 6\n add\n load_local 7\n add\n load_local 8\n add\n"
    " load_local 9\n add\n load_local 10\n add\n return\nend\n";

static const int64_t eleven_args[] = {0xB10, 0x1620, 0x2130, 0x2C40, 0x3750, 0x4260, 0x4D70, 0x5880, 0x6390, 0x6EA0, 0x79B0};

enum { JIT_RESULT = 0xB10 * (1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9 + 10 + 11), NUM_DAMAGED = 4 };

static const struct {
    int number; // the hardware's, as in a CrashReport
    const char *name;
    AbiPromise promise;
    const char *guilty; // the instruction that changes it in eleven_values
    uint64_t value;
} saved_registers[NUM_DAMAGED] = {
    {RBX, "rbx", ABI_RBX, "mov rbx, qword ptr \\[rbp \\+ 0x28\\]", 0x2C4000000001},
    {R12, "r12", ABI_R12, "mov r12, qword ptr \\[rbp \\+ 0x50\\]", 0x639000000001},
    {R13, "r13", ABI_R13, "mov r13, qword ptr \\[rbp \\+ 0x58\\]", 0x6EA000000001},
    {R15, "r15", ABI_R15, "mov r15, qword ptr \\[rbp \\+ 0x60\\]", 0x79B000000001},
};

typedef struct Scene {
    Vm *vm;
    const Value *args; // of main, in the program
    int64_t cells[2];
    void *caller; // add_around or add_cells
} Scene;

// How C calls the program's main.
static inline Value enter_main(const Scene *scene) {
    Vm *vm = scene->vm;
    return vm->enter(vm, &vm->callables[0], scene->args, vm->program->functions[0].num_params);
}

// A caller in plain C. Across the call it keeps two values, for which the C compiler takes two of the
// five registers that System V has for that: no need to ask which.
__attribute__((noinline)) static int64_t add_around(const Scene *scene, int64_t a, int64_t b) {
    int64_t result = value_to_int(enter_main(scene));
    return result + a * 3 + b;
}

// A caller that keeps two pointers. They are read after the call, since the call may have changed
// what they point to. (What they have become is no address of an int64_t, which UBSan would say first.)
__attribute__((noinline, no_sanitize("alignment"))) static int64_t add_cells(const Scene *scene, const int64_t *a, const int64_t *b) {
    int64_t result = value_to_int(enter_main(scene));
    return result + *a * 3 + *b;
}

// The C callers are entered through the probe, because the damage does not end with them: they hand
// back the registers that they used as *they* found them, and the others as the JIT left them.
static AbiReport run_caller(const Scene *scene, int64_t *result) {
    AbiReport report;
    bool by_pointer = scene->caller == (void *)(uintptr_t)add_cells;
    int64_t args[] = {(int64_t)(uintptr_t)scene, scene->cells[0], scene->cells[1]};
    for (int i = 0; i < 2 && by_pointer; i++) args[1 + i] = (int64_t)(uintptr_t)&scene->cells[i];
    *result = abi_probe_call(&report, scene->caller, args, 3);
    return report;
}

static void print_result(void *argument) {
    int64_t result;
    run_caller(argument, &result);
    printf("%" PRId64 "\n", result);
}

// The program's main entered from the probe itself.
static Value probe_main(AbiReport *report, JitCompiler *jit) {
    Vm *vm = jit_vm(jit);
    Value *values = argument_values(vm, 0, eleven_args);
    const int64_t args[] = {(intptr_t)vm, (intptr_t)&vm->callables[0], (intptr_t)values, vm->program->functions[0].num_params};
    assert_non_null(jit_entry(jit, &vm->program->functions[0]));
    Value result = (Value)abi_probe_call(report, (void *)(uintptr_t)vm->enter, args, 4);
    free(values);
    return result;
}

#define C_CALLER(function) ((void *)(uintptr_t)(function))

enum { RIGHT_RESULT = JIT_RESULT + 7 * 3 + 20 };

static CrashReport run_scene(const Program *program, const Mode *mode, void *caller) {
    JitCompiler *jit = start(program, mode);
    Value *args = argument_values(jit_vm(jit), 0, eleven_args);
    Scene scene = {jit_vm(jit), args, {7, 20}, caller};
    CrashReport report;
    crash_guard_run(&report, NULL, print_result, &scene);
    free(args);
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
    Program *program = native_program_from(eleven_values);
    Mode broken = broken_in(BROKEN_CALLEE_SAVED);
    CrashReport report = run_scene(program, &broken, C_CALLER(add_around));
    assert_int_equal(report.outcome, CRASH_RETURNED); // nothing crashes: the result is wrong, silently
    int64_t result = strtoll(report.out, NULL, 10);
    print_message("plain C expected %d and got %" PRId64 "\n", RIGHT_RESULT, result);
    assert_int_not_equal(result, RIGHT_RESULT);
    bool found = false; // it is what comes out if one or both registers hold what the JIT left in them
    for (size_t a = 0; a < NUM_DAMAGED; a++) {
        int64_t left = (int64_t)saved_registers[a].value;
        found |= result == JIT_RESULT + left * 3 + 20 || result == JIT_RESULT + 7 * 3 + left;
        for (size_t b = 0; b < NUM_DAMAGED; b++)
            found |= a != b && result == (int64_t)(JIT_RESULT + left * 3 + saved_registers[b].value);
    }
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
    for (size_t i = 0; i < NUM_DAMAGED; i++) {
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
    Program *program = native_program_from(eleven_values);
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
    assert_int_equal(count_lines(lines, saved_registers[damaged].guilty), 2); // with all arguments, and with fewer
    free(lines);
    jit_free(jit);
    crash_report_free(&report);

    report = run_scene(program, &fixed, C_CALLER(add_cells));
    assert_int_equal(report.outcome, CRASH_RETURNED);
    assert_int_equal(strtoll(report.out, NULL, 10), RIGHT_RESULT);
    crash_report_free(&report);
    program_free(program);
}

// The instructions of the enter stub up to its RET, as code_lines.
static char *enter_lines(const Vm *vm) {
    const uint8_t *code = (const uint8_t *)(uintptr_t)vm->enter;
    char *text = NULL, instruction[DISASM_TEXT_SIZE] = "";
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    for (size_t at = 0; strcmp(instruction, "ret") != 0;) {
        at += disasm_instruction(code + at, 15, at, instruction, sizeof instruction);
        fprintf(out, "%s\n", instruction);
    }
    fclose(out);
    return text;
}

// The same instructions are in the fixed code; the enter stub saves the registers before and restores them after it.
static void test_fixed_code_saves_and_restores_what_it_changes(void **state) {
    (void)state;
    Program *program = native_program_from(eleven_values);
    Mode broken = broken_in(BROKEN_CALLEE_SAVED);
    for (int is_broken = 0; is_broken <= 1; is_broken++) {
        JitCompiler *jit = start(program, is_broken ? &broken : &fixed);
        char *lines = code_lines(jit, "main"), *stub = enter_lines(jit_vm(jit));
        for (size_t i = 0; i < NUM_DAMAGED; i++) {
            char save[80], restore[80];
            snprintf(save, sizeof save, "^mov qword ptr \\[rbp - [0-9a-fx]+\\], %s$", saved_registers[i].name);
            snprintf(restore, sizeof restore, "^mov %s, qword ptr \\[rbp - [0-9a-fx]+\\]$", saved_registers[i].name);
            assert_int_equal(count_lines(lines, saved_registers[i].guilty), 2);
            assert_int_equal(count_lines(stub, save), !is_broken);
            assert_int_equal(count_lines(stub, restore), !is_broken);
        }
        free(lines);
        free(stub);
        jit_free(jit);
    }
    program_free(program);
}

// The probe needs no crash: it names the registers, what was in them, and what is.
static void assert_probe_finds_them_all(const AbiReport *report) {
    assert_false(report->ok);
    uint32_t all = 0;
    for (size_t i = 0; i < NUM_DAMAGED; i++) {
        assert_true(abi_broke(report, saved_registers[i].promise));
        assert_int_equal(report->after[saved_registers[i].promise], saved_registers[i].value);
        assert_non_null(strstr(report->text, saved_registers[i].name));
        all |= 1u << saved_registers[i].promise;
    }
    assert_int_equal(report->broken, all); // and nothing else
}

static void test_probe_names_the_registers(void **state) {
    (void)state;
    Program *program = native_program_from(eleven_values);
    Mode broken = broken_in(BROKEN_CALLEE_SAVED);
    AbiReport report;
    JitCompiler *jit = start(program, &broken);
    assert_int_equal(probe_main(&report, jit), value_from_int(JIT_RESULT)); // the JIT's own result is right
    print_message("%s", report.text);
    assert_probe_finds_them_all(&report);
    jit_free(jit);

    jit = start(program, &fixed);
    assert_int_equal(probe_main(&report, jit), value_from_int(JIT_RESULT));
    assert_true(report.ok);
    assert_string_equal(report.text, "");
    jit_free(jit);
    program_free(program);
}

// Only the callee-saved registers that the code uses are damaged; the baseline uses none.
static void test_baseline_is_not_affected(void **state) {
    (void)state;
    Program *program = native_program_from(eleven_values);
    Mode broken = broken_in(BROKEN_CALLEE_SAVED | BROKEN_CALLER_SAVED);
    broken.options.tier = TIER_BASELINE;
    Outcome outcome = probed_run(program, &broken, eleven_args);
    assert_int_equal(outcome.status, RUN_OK);
    assert_int_equal(outcome.result, JIT_RESULT);
    program_free(program);
}

// Part (b): the caller relies on what nobody promised.

// 100 waits in a register while a C function makes 42.
static const char hundred_and_42[] = "func main params=0 locals=1\n call hundred\n store_local 0\n"
                                     " call_native answer\n load_local 0\n add\n return\nend\n"
                                     "func hundred params=0\n load_const 100\n return\nend\n";

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

// Where the hundred waits: in a register that the C function destroys, or in the frame.
static void test_where_the_hundred_waits(void **state) {
    (void)state;
    Program *program = program_with_answer(hundred_and_42, answer);
    Mode broken = broken_in(BROKEN_CALLER_SAVED);
    for (int is_broken = 0; is_broken <= 1; is_broken++) {
        JitCompiler *jit = start(program, is_broken ? &broken : &fixed);
        char *lines = code_lines(jit, "main");
        assert_int_equal(count_lines(lines, "^mov rcx, rax$"), is_broken);
        assert_int_equal(count_lines(lines, "^add r10, rcx$"), is_broken);
        assert_int_equal(count_lines(lines, "^mov qword ptr \\[rbp - [0-9a-fx]+\\], rax$"), !is_broken);
        free(lines);
        jit_free(jit);
    }
    program_free(program);
}

// The trap: with a C function that happens to leave the register alone the fault does not show.
static void test_the_fault_hides_behind_a_small_native(void **state) {
    (void)state;
    Program *program = native_program_from("func main params=0 locals=1\n call hundred\n store_local 0\n load_const 42\n"
                                           " call_native quiet\n load_local 0\n add\n return\nend\n"
                                           "func hundred params=0\n load_const 100\n return\nend\n");
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
    assert_int_not_equal(probe_main(&report, jit), value_from_int(142));
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
    Mode broken = broken_in(BROKEN_CALLEE_SAVED | BROKEN_CALLER_SAVED);
    Program *program = native_program_from(eleven_values);
    JitCompiler *jit = start(program, &broken);
    AbiReport report;
    probe_main(&report, jit);
    assert_probe_finds_them_all(&report);
    jit_free(jit);
    program_free(program);

    program = program_with_answer(hundred_and_42, answer);
    jit = start(program, &broken);
    assert_int_not_equal(probe_main(&report, jit), value_from_int(142));
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
