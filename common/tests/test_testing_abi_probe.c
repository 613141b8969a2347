// The calling convention's probe against code that keeps and code that breaks each promise.
#include "testing/abi_probe.h"

#include "asm/asm.h"
#include "code/code_buffer.h"
#include "code/install.h"
#include "testing/test_main.h"

// Code that the chapters' assemblers have no forms for.
extern char break_direction[], break_mxcsr[], break_x87_control[], break_x87_tags[], break_everything[];
extern char set_mxcsr_status[];
__asm__(".pushsection .text\n"
        "break_direction:\n"
        "    std\n"
        "    ret\n"
        "break_mxcsr:\n" // rounding towards zero
        "    stmxcsr -4(%rsp)\n"
        "    orl $0x6000, -4(%rsp)\n"
        "    ldmxcsr -4(%rsp)\n"
        "    ret\n"
        "set_mxcsr_status:\n" // the sticky flags are not preserved: this is allowed
        "    stmxcsr -4(%rsp)\n"
        "    orl $0x3f, -4(%rsp)\n"
        "    ldmxcsr -4(%rsp)\n"
        "    ret\n"
        "break_x87_control:\n"
        "    fnstcw -2(%rsp)\n"
        "    xorw $0x0c00, -2(%rsp)\n"
        "    fldcw -2(%rsp)\n"
        "    ret\n"
        "break_x87_tags:\n"
        "    fld1\n"
        "    ret\n"
        "break_everything:\n"
        "    movq (%rsp), %rcx\n"
        "    movl $0, 8(%rsp)\n" // the caller's frame
        "    addq $8, %rsp\n"
        "    .irp r, rax,rbx,rbp,rsi,rdi,r8,r9,r10,r11,r12,r13,r14,r15\n"
        "    xorq %\\r, %\\r\n"
        "    .endr\n"
        "    fld1\n"
        "    fnstcw -2(%rsp)\n"
        "    xorw $0x0c00, -2(%rsp)\n"
        "    fldcw -2(%rsp)\n"
        "    stmxcsr -4(%rsp)\n"
        "    xorl $0x6000, -4(%rsp)\n"
        "    ldmxcsr -4(%rsp)\n"
        "    std\n"
        "    subq $64, %rsp\n"
        "    jmp *%rcx\n"
        ".popsection\n");

// Assemble code that ends in ret, probe it, and unmap it again.
static AbiReport probe(Assembler *a) {
    AbiReport report;
    CodeBuffer *buffer = code_buffer_new(4096);
    assert_true(asm_finish(a));
    void *code = code_install(buffer, a);
    assert_non_null(code);
    abi_probe_call(&report, code, NULL, 0);
    code_buffer_free(buffer);
    asm_free(a);
    return report;
}

static void test_clean_code_is_clean(void **state) {
    (void)state;
    Assembler a;
    asm_init(&a, 100);
    asm_push_r(&a, RBX);
    asm_mov_ri(&a, RBX, 1);
    asm_pop_r(&a, RBX);
    static const Reg may_change[] = {RAX, RCX, RDX, RSI, RDI, R8, R9, R10, R11};
    for (size_t i = 0; i < sizeof may_change / sizeof *may_change; i++) asm_mov_ri(&a, may_change[i], 0);
    asm_ret(&a);
    AbiReport report = probe(&a);
    assert_true(report.ok);
    assert_int_equal(report.broken, 0);
    assert_string_equal(report.text, "");
}

static void test_each_callee_saved_register(void **state) {
    (void)state;
    static const struct {
        Reg reg;
        AbiPromise promise;
        const char *text;
    } cases[] = {
        {RBX, ABI_RBX, "rbx: 0x5afe5afe00000000 before the call, 0x2a after it\n"},
        {RBP, ABI_RBP, "rbp: 0x5afe5afe00000001 before the call, 0x2a after it\n"},
        {R12, ABI_R12, "r12: 0x5afe5afe00000002 before the call, 0x2a after it\n"},
        {R13, ABI_R13, "r13: 0x5afe5afe00000003 before the call, 0x2a after it\n"},
        {R14, ABI_R14, "r14: 0x5afe5afe00000004 before the call, 0x2a after it\n"},
        {R15, ABI_R15, "r15: 0x5afe5afe00000005 before the call, 0x2a after it\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Assembler a;
        asm_init(&a, 100);
        asm_mov_ri(&a, cases[i].reg, 42);
        asm_ret(&a);
        AbiReport report = probe(&a);
        assert_false(report.ok);
        assert_int_equal(report.broken, 1u << cases[i].promise);
        assert_true(abi_broke(&report, cases[i].promise));
        assert_string_equal(report.text, cases[i].text);
    }
}

static void test_unbalanced_stack(void **state) {
    (void)state;
    static const int amounts[] = {-4096, -16, -8, 8, 16, 64};
    for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++) {
        Assembler a;
        asm_init(&a, 100);
        asm_pop_r(&a, RCX);
        asm_add_ri(&a, RSP, amounts[i]);
        asm_push_r(&a, RCX);
        asm_ret(&a);
        AbiReport report = probe(&a);
        assert_true(abi_broke(&report, ABI_RSP));
        assert_int_equal(report.after[ABI_RSP] - report.before[ABI_RSP], amounts[i]);
    }
}

static uint32_t broken_by(void *code) {
    AbiReport report;
    abi_probe_call(&report, code, NULL, 0);
    return report.broken;
}

static void test_flags_and_floating_point_control(void **state) {
    (void)state;
    assert_int_equal(broken_by(break_direction), 1u << ABI_DIRECTION_FLAG);
    assert_int_equal(broken_by(break_mxcsr), 1u << ABI_MXCSR);
    assert_int_equal(broken_by(set_mxcsr_status), 0);
    assert_int_equal(broken_by(break_x87_control), 1u << ABI_X87_CONTROL);
    assert_int_equal(broken_by(break_x87_tags), 1u << ABI_X87_TAGS);
    // Nothing leaks into the next call: floating point is as before.
    volatile double third = 1.0;
    assert_true(third / 3.0 * 3.0 == 1.0);
    assert_int_equal(broken_by(set_mxcsr_status), 0);
}

static void test_writes_above_the_arguments(void **state) {
    (void)state;
    for (int args = 0; args <= 9; args++) {
        int64_t values[9] = {0};
        int on_stack = args > 6 ? args - 6 : 0;
        for (int word = 0; word < on_stack + 4; word++) {
            Assembler a;
            asm_init(&a, 100);
            asm_mov_ri(&a, RAX, 7);
            asm_mov_mr(&a, mem(RSP, 8 + 8 * word), RAX);
            asm_ret(&a);
            CodeBuffer *buffer = code_buffer_new(100);
            AbiReport report;
            abi_probe_call(&report, code_install(buffer, &a), values, (size_t)args);
            // A function may change its own arguments on the stack, and nothing above them.
            assert_int_equal(report.ok, word < on_stack);
            if (word >= on_stack) assert_int_equal(report.broken, 1u << ABI_CALLER_FRAME);
            code_buffer_free(buffer);
            asm_free(&a);
        }
    }
}

static void test_survives_the_loss_of_everything(void **state) {
    (void)state;
    AbiReport report;
    volatile int64_t mine = 12345;
    assert_int_equal(abi_probe_call(&report, break_everything, NULL, 0), 0);
    assert_int_equal(report.broken, (1u << NUM_ABI_PROMISES) - 1);
    assert_int_equal(mine, 12345);
    assert_non_null(strstr(report.text, "rbx: 0x5afe5afe00000000 before the call, 0 after it\n"));
    assert_non_null(strstr(report.text, "direction flag: 0 before the call, 0x1 after it\n"));
    assert_non_null(strstr(report.text, "caller's frame above the arguments: "));
}

// Arguments arrive, however many.

static int64_t weigh(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g,
                     int64_t h, int64_t i) {
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i;
}

static void *code_of(int64_t (*function)(int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t,
                                         int64_t, int64_t)) {
    void *code;
    memcpy(&code, &function, sizeof code);
    return code;
}

static void test_arguments_and_result(void **state) {
    (void)state;
    static const int64_t args[9] = {1, 10, 100, 1000, 10000, 100000, -1, INT64_C(1) << 40, 5};
    AbiReport report;
    int64_t expected = weigh(args[0], args[1], args[2], args[3], args[4], args[5], args[6], args[7], args[8]);
    assert_int_equal(abi_probe_call(&report, code_of(weigh), args, 9), expected);
    assert_true(report.ok);
}

static void test_a_hundred_arguments_and_an_aligned_stack(void **state) {
    (void)state;
    int64_t args[100];
    for (int i = 0; i < 100; i++) args[i] = 1000 + i;
    for (int count = 7; count <= 100; count++) {
        Assembler a;
        asm_init(&a, 100);
        asm_mov_rm(&a, RAX, mem(RSP, 8 + 8 * (count - 7))); // the last one
        asm_mov_rr(&a, RCX, RSP);
        asm_ret(&a);
        AbiReport report;
        CodeBuffer *buffer = code_buffer_new(100);
        assert_int_equal(abi_probe_call(&report, code_install(buffer, &a), args, (size_t)count), 999 + count);
        assert_true(report.ok);
        assert_int_equal(report.before[ABI_RSP] % 16, 0);
        code_buffer_free(buffer);
        asm_free(&a);
    }
}

static void test_registers_without_an_argument_are_poisoned(void **state) {
    (void)state;
    static const Reg registers[] = {RAX, RCX, RDX, RSI, RDI, R8, R9, R10, R11};
    uint64_t poison;
    memset(&poison, ABI_POISON_BYTE, sizeof poison);
    for (size_t i = 0; i < sizeof registers / sizeof *registers; i++) {
        Assembler a;
        asm_init(&a, 100);
        asm_mov_rr(&a, RAX, registers[i]);
        asm_ret(&a);
        AbiReport report;
        CodeBuffer *buffer = code_buffer_new(100);
        assert_int_equal(abi_probe_call(&report, code_install(buffer, &a), NULL, 0), poison);
        code_buffer_free(buffer);
        asm_free(&a);
    }
}

// Probes nest: the outer one still finds its way.
static int64_t probes_again(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g,
                            int64_t h, int64_t i) {
    (void)b, (void)c, (void)d, (void)e, (void)f, (void)g, (void)h, (void)i;
    AbiReport report;
    int64_t args[9] = {a - 1};
    if (a == 0) return (int64_t)broken_by(break_everything);
    return abi_probe_call(&report, code_of(probes_again), args, 9) + 1;
}

static void test_probes_nest(void **state) {
    (void)state;
    static const int64_t args[9] = {5};
    AbiReport report;
    int64_t result = abi_probe_call(&report, code_of(probes_again), args, 9);
    assert_int_equal(result, (1 << NUM_ABI_PROMISES) - 1 + 5);
    assert_true(report.ok);
}

// abi_poison.

extern char poison_and_compare[];
__asm__(".pushsection .text\n"
        // Returns how many of the caller-saved registers differ from rcx after abi_poison(rdi).
        "poison_and_compare:\n"
        "    movl $99, %edi\n"
        "    subq $8, %rsp\n"
        "    call abi_poison\n"
        "    addq $8, %rsp\n"
        "    subq $99, %rax\n" // 0 if the result came through
        "    .irp r, rdx,rsi,rdi,r8,r9,r10,r11\n"
        "    subq %rcx, %\\r\n"
        "    orq %\\r, %rax\n"
        "    .endr\n"
        "    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "    movq %xmm\\n, %rdx\n"
        "    subq %rcx, %rdx\n"
        "    orq %rdx, %rax\n"
        "    psrldq $8, %xmm\\n\n"
        "    movq %xmm\\n, %rdx\n"
        "    subq %rcx, %rdx\n"
        "    orq %rdx, %rax\n"
        "    .endr\n"
        "    ret\n"
        ".popsection\n");

static void test_poison_destroys_what_a_call_may_destroy(void **state) {
    (void)state;
    AbiReport report;
    assert_int_equal(abi_poison(-7), -7);
    assert_int_equal(abi_probe_call(&report, poison_and_compare, NULL, 0), 0);
    assert_true(report.ok);
}

static const struct CMUnitTest abi_probe_tests[] = {
    cmocka_unit_test(test_clean_code_is_clean),
    cmocka_unit_test(test_each_callee_saved_register),
    cmocka_unit_test(test_unbalanced_stack),
    cmocka_unit_test(test_flags_and_floating_point_control),
    cmocka_unit_test(test_writes_above_the_arguments),
    cmocka_unit_test(test_survives_the_loss_of_everything),
    cmocka_unit_test(test_arguments_and_result),
    cmocka_unit_test(test_a_hundred_arguments_and_an_aligned_stack),
    cmocka_unit_test(test_registers_without_an_argument_are_poisoned),
    cmocka_unit_test(test_probes_nest),
    cmocka_unit_test(test_poison_destroys_what_a_call_may_destroy),
};
TEST_MAIN(abi_probe_tests)
