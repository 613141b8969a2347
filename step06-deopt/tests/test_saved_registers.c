// Which registers a function uses; that it saves none of them; where values wait while a call runs; and that
// nobody relies on what a call may destroy.
#include <inttypes.h>

#include "code/install.h"
#include "lir_text.h"
#include "native_programs.h"
#include "testing/test_main.h"

static const Mode opt = {"opt", {.tier = TIER_OPT, .code_size = 1 << 16, .heap_size = 1 << 20, .pool = RA_DEFAULT_POOL, .no_speculation = true}, UINT64_MAX};

static const char *const reg_names[16] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                          "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

// What the allocator makes of a function.
typedef struct Allocation {
    Lir lir;
    RegisterAllocator ra;
} Allocation;

static Allocation allocate(Program *program, const char *function, RegSet pool) {
    Allocation allocation;
    allocation.lir = lir_of_function(program, function_index(program, program_find(program, function)));
    assert_true(ra_allocate(&allocation.ra, &allocation.lir, pool, RA_LINEAR_SCAN));
    ra_check(&allocation.ra, &allocation.lir);
    assert_int_equal(allocation.ra.used & ~pool, 0);
    return allocation;
}

static void free_allocation(Allocation *allocation) {
    ra_free(&allocation->ra);
    lir_free(&allocation->lir);
}

// The instructions that save and restore a register in the frame.
static size_t count_saves(const char *lines, const char *reg) {
    char pattern[80];
    snprintf(pattern, sizeof pattern, "^mov qword ptr \\[rbp - [0-9a-fx]+\\], %s$", reg);
    return count_lines(lines, pattern);
}

static size_t count_restores(const char *lines, const char *reg) {
    char pattern[80];
    snprintf(pattern, sizeof pattern, "^mov %s, qword ptr \\[rbp - [0-9a-fx]+\\]$", reg);
    return count_lines(lines, pattern);
}

// The function saves and restores none of C's registers. Only for functions that spill nothing, whose moves to and from
// the frame would be saves and restores.
static void assert_saves_nothing(const char *lines) {
    for (int r = 0; r < 16; r++) {
        if (!(CALLEE_SAVED_REGS >> r & 1)) continue;
        size_t saves = count_saves(lines, reg_names[r]), restores = count_restores(lines, reg_names[r]);
        if (saves || restores) fail_msg("%s: saved %zu times and restored %zu times", reg_names[r], saves, restores);
    }
}

static void test_the_two_sets(void **state) {
    (void)state;
    assert_int_equal(CALLER_SAVED_REGS & CALLEE_SAVED_REGS, 0);
    assert_int_equal(CALLER_SAVED_REGS | CALLEE_SAVED_REGS | 1u << RSP | 1u << RBP, 0xFFFF);
    assert_int_equal(count_regs(CALLEE_SAVED_REGS), NUM_CALLEE_SAVED);
    assert_int_equal(count_regs(CALLER_SAVED_REGS), 9);
    assert_int_equal(RA_DEFAULT_POOL, 0xFFFF & ~(1u << RSP | 1u << RBP | 1u << R10 | 1u << R11 | 1u << R14));
}

static void test_a_leaf_function_saves_nothing(void **state) {
    (void)state;
    Program *program = native_program_from("func main params=2\n load_local 0\n load_local 1\n add\n return\nend\n");
    JitCompiler *jit = mode_start(program, &opt);
    char *lines = code_lines(jit, "main");
    static const char begins[] = "push rbp\nmov rbp, rsp\nsub rsp, 0x30\nmov qword ptr [rbp - 8], rcx\n";
    assert_memory_equal(lines, begins, sizeof begins - 1);
    assert_saves_nothing(lines);
    free(lines);
    jit_free(jit);
    program_free(program);
}

// "func main" with the values 1 ... n, which come out of calls, in locals that live across a call of weigh0; returns
// weigh0() + 1 + ... + n, by one return or, if `early`, with a second one.
static char *values_across(uint32_t n, bool early) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    fprintf(out, "func main params=0 locals=%u\n", n);
    for (uint32_t i = 0; i < n; i++) fprintf(out, " load_const %u\n call_native quiet\n store_local %u\n", i + 1, i);
    fprintf(out, " call_native weigh0\n");
    if (early) fprintf(out, " jump_if_false L\n load_const 7\n return\nL:\n load_const 0\n");
    for (uint32_t i = 0; i < n; i++) fprintf(out, " load_local %u\n add\n", i);
    fprintf(out, " return\nend\n");
    fclose(out);
    return text;
}

static void test_what_lives_across_a_call_is_in_the_frame(void **state) {
    (void)state;
    for (uint32_t n = 0; n < 20; n++) {
        for (int early = 0; early <= 1; early++) {
            char *text = values_across(n, early);
            Program *program = native_program_from(text);
            Allocation allocation = allocate(program, "main", RA_DEFAULT_POOL);
            assert_int_equal(allocation.ra.num_slots, n);
            free_allocation(&allocation);
            assert_native_returns(text, NULL, n * (n + 1) / 2);
            program_free(program);
            free(text);
        }
    }
}

// "func main" that computes with n values at once, without a call.
static char *values_at_once(uint32_t n) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    fprintf(out, "func main params=1 locals=%u\n", n + 1);
    for (uint32_t i = 1; i <= n; i++) fprintf(out, " load_local 0\n load_const %u\n mul\n store_local %u\n", i * 7, i);
    for (uint32_t i = 1; i <= n; i++) fprintf(out, " load_local %u\n", i);
    for (uint32_t i = 1; i < n; i++) fprintf(out, " sub\n");
    fprintf(out, " return\nend\n");
    fclose(out);
    return text;
}

// Without calls all registers are alike, and none has to be saved.
static void test_without_calls_every_register_serves(void **state) {
    (void)state;
    for (uint32_t n = 1; n <= 16; n++) {
        char *text = values_at_once(n);
        Program *program = native_program_from(text);
        Allocation allocation = allocate(program, "main", RA_DEFAULT_POOL);
        if (n <= 10) assert_int_equal(allocation.ra.num_slots, 0);
        if (n == 16) assert_int_equal(allocation.ra.used, RA_DEFAULT_POOL);
        free_allocation(&allocation);
        if (n == 10) {
            JitCompiler *jit = mode_start(program, &opt);
            char *lines = code_lines(jit, "main");
            assert_saves_nothing(lines);
            free(lines);
            jit_free(jit);
        }
        assert_probed_modes_agree(program, ARGS(3));
        program_free(program);
        free(text);
    }
}

// A value that ends before the call, and one that begins after it, need no slot beside one that lives across it.
static void test_values_not_across_the_call_stay_in_registers(void **state) {
    (void)state;
    Program *program = native_program_from(
        "func main params=2 locals=4\n"
        " load_local 0\n load_local 1\n mul\n store_local 2\n"     // 2: dies in the call
        " load_local 2\n load_const 3\n add\n call_native weigh1\n"
        " store_local 3\n load_local 3\n load_local 3\n mul\n"     // 3: born after it
        " load_local 0\n add\n return\nend\n");                    // 0: across
    Allocation allocation = allocate(program, "main", RA_DEFAULT_POOL);
    const Location *locations = allocation.ra.locations;
    assert_int_equal(allocation.ra.num_slots, 1);
    for (VReg v = 1; v <= 3; v++) assert_int_equal(locations[v].kind, LOCATION_REG);
    free_allocation(&allocation);
    int64_t w = weigh(ARGS(4 * 5 + 3), 1);
    for (size_t i = 0; i < num_modes; i++) assert_int_equal(probed_run(program, &modes[i], ARGS(4, 5)).result, w * w + 4);
    program_free(program);
}

// A slot that is free again is used again before the next one is.
static void test_a_slot_is_used_again(void **state) {
    (void)state;
    Program *program = native_program_from(
        "func main params=0 locals=2\n"
        " load_const 1\n store_local 0\n call_native weigh0\n load_local 0\n add\n store_local 1\n"
        " load_local 1\n load_const 1\n add\n call_native weigh1\n load_local 1\n add\n return\nend\n");
    Allocation allocation = allocate(program, "main", RA_DEFAULT_POOL);
    assert_int_equal(allocation.ra.num_slots, 1);
    free_allocation(&allocation);
    program_free(program);
}

// Calls between functions of the program preserve no register either.
static void test_what_lives_across_a_call_of_a_function_is_in_the_frame(void **state) {
    (void)state;
    Program *program = program_from_file("examples/fib.bca");
    Allocation allocation = allocate(program, "fib", RA_DEFAULT_POOL);
    assert_in_range(allocation.ra.num_slots, 1, 2);
    free_allocation(&allocation);
    program_free(program);
}

// Neither the slots nor the stack arguments overwrite the other.
static void test_slots_and_stack_arguments(void **state) {
    (void)state;
    for (uint32_t n = 0; n < 12; n++) {
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        fprintf(out, "func main params=1 locals=%u\n", n + 1);
        for (uint32_t i = 1; i <= n; i++) fprintf(out, " load_local 0\n load_const %u\n mul\n store_local %u\n", 10 * i, i);
        for (uint32_t i = 0; i < 8; i++) fprintf(out, " load_const %u\n", i + 1);
        fprintf(out, " call_native weigh8\n");
        for (uint32_t i = 1; i <= n; i++) fprintf(out, " load_local %u\n add\n", i);
        fprintf(out, " return\nend\n");
        fclose(out);
        assert_native_returns(text, ARGS(3), weigh(ARGS(1, 2, 3, 4, 5, 6, 7, 8), 8) + 15 * n * (n + 1));
        free(text);
    }
}

// save and restore are each other's inverse, whatever the set.
static void test_save_and_restore_fit_together(void **state) {
    (void)state;
    for (uint32_t set = 0; set < 1u << NUM_CALLEE_SAVED; set++) {
        static const Reg order[NUM_CALLEE_SAVED] = {RBX, R12, R13, R14, R15};
        RegSet regs = 0;
        for (int i = 0; i < NUM_CALLEE_SAVED; i++) regs |= (set >> i & 1) << order[i];
        CodeBuffer *buffer = code_buffer_new(4096);
        Assembler a;
        asm_init(&a, 4096);
        asm_push_r(&a, RBP);
        asm_mov_rr(&a, RBP, RSP);
        asm_sub_ri(&a, RSP, 48);
        emit_save_regs(&a, regs, mem(RBP, -40));
        for (int r = 0; r < 16; r++)
            if (regs >> r & 1) asm_mov_ri(&a, (Reg)r, 1000 + r);
        emit_restore_regs(&a, regs, mem(RBP, -40));
        asm_leave(&a);
        asm_ret(&a);
        assert_true(asm_finish(&a));
        void *code = code_install(buffer, &a);
        assert_non_null(code);
        AbiReport report;
        abi_probe_call(&report, code, NULL, 0);
        if (!report.ok) fail_msg("set %x:\n%s", regs, report.text);
        asm_free(&a);
        code_buffer_free(buffer);
    }
}

// Poison.

static void test_poison_destroys_every_register_but_the_result(void **state) {
    (void)state;
    for (int r = 0; r < 16; r++) {
        if (r == RSP || r == RBP) continue;
        CodeBuffer *buffer = code_buffer_new(4096);
        Assembler a;
        asm_init(&a, 4096);
        asm_mov_ri(&a, (Reg)r, 1234);
        emit_poison_caller_saved(&a);
        if (r != RAX) asm_mov_rr(&a, RAX, (Reg)r);
        asm_ret(&a);
        assert_true(asm_finish(&a));
        void *code = code_install(buffer, &a);
        AbiReport report; // of no interest here: the code does change what it must not
        int64_t result = abi_probe_call(&report, code, NULL, 0);
        bool survives = r == RAX || r == R14;
        if ((result == 1234) != survives) fail_msg("%s holds %" PRIx64 " after the poison", reg_names[r], (uint64_t)result);
        asm_free(&a);
        code_buffer_free(buffer);
    }
}

// With the option `check` on, which most modes have, calls are followed by poison.
static void test_checked_code_is_poisoned_after_each_call(void **state) {
    (void)state;
    Program *program = native_program_from("func main params=1\n load_local 0\n call_native quiet\n load_local 0\n call f\n"
                                           " add\n return\nend\nfunc f params=1\n load_local 0\n return\nend\n");
    for (int checked = 0; checked <= 1; checked++) {
        Mode mode = opt;
        mode.options.check = checked;
        JitCompiler *jit = mode_start(program, &mode);
        char *lines = code_lines(jit, "main");
        assert_int_equal(count_lines(lines, "^movabs r11, 0xdeaddeaddeaddead$"), checked ? 2 : 0);
        assert_int_equal(count_lines(lines, "^mov rcx, r11$"), checked ? 2 : 0);
        assert_int_equal(count_lines(lines, "^mov r10, r11$"), checked ? 2 : 0);
        assert_int_equal(count_lines(lines, "^mov (rbx|r12|r13|r15), r11$"), checked ? 8 : 0);
        assert_int_equal(count_lines(lines, "^mov (rax|r14), r11$"), 1); // the sum, if C has computed it
        free(lines);
        assert_int_equal(call(jit, "main", ARGS(21)).result, 42);
        jit_free(jit);
    }
    program_free(program);
}

static void test_poison_changes_no_result(void **state) {
    (void)state;
    Mode plain = opt, poisoned = opt;
    poisoned.options.check = true;
    for (size_t i = 0; i < num_examples; i++) {
        Program *program = program_from_file(examples[i].path);
        Outcome outcome = run_in_mode(program, &plain, examples[i].args);
        assert_true(outcomes_agree(outcome, run_in_mode(program, &poisoned, examples[i].args)));
        assert_int_equal(outcome.result, examples[i].result);
        program_free(program);
    }
}

static const struct CMUnitTest saved_registers_tests[] = {
    cmocka_unit_test(test_the_two_sets),
    cmocka_unit_test(test_a_leaf_function_saves_nothing),
    cmocka_unit_test(test_what_lives_across_a_call_is_in_the_frame),
    cmocka_unit_test(test_without_calls_every_register_serves),
    cmocka_unit_test(test_values_not_across_the_call_stay_in_registers),
    cmocka_unit_test(test_a_slot_is_used_again),
    cmocka_unit_test(test_what_lives_across_a_call_of_a_function_is_in_the_frame),
    cmocka_unit_test(test_slots_and_stack_arguments),
    cmocka_unit_test(test_save_and_restore_fit_together),
    cmocka_unit_test(test_poison_destroys_every_register_but_the_result),
    cmocka_unit_test(test_checked_code_is_poisoned_after_each_call),
    cmocka_unit_test(test_poison_changes_no_result),
};
TEST_MAIN(saved_registers_tests)
