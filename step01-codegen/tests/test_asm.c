// The step's assembler: every form with every register, around every change of encoding, read back by
// Capstone; labels, and relocations.
#include "asm/asm.h"
#include "code/disasm.h"
#include "testing/test_main.h"

static const char *const names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                    "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"};
static const char *const byte_names[] = {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil",
                                         "r8b", "r9b", "r10b", "r11b", "r12b", "r13b", "r14b", "r15b"};
static const char *const dword_names[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi",
                                          "r8d", "r9d", "r10d", "r11d", "r12d", "r13d", "r14d", "r15d"};
static const char *const conditions[] = {"o", "no", "b", "ae", "e", "ne", "be", "a",
                                         "s", "ns", "p", "np", "l", "ge", "le", "g"};

static const int32_t displacements[] = {0, 1, -1, 127, 128, -128, -129, INT32_MAX, INT32_MIN};
static const int32_t immediates[] = {0, 1, -1, 127, 128, -128, -129, INT32_MAX, INT32_MIN};

#define COUNT(array) (sizeof(array) / sizeof *(array))

// The assembler holds one instruction, which must read as `expected`. Empties the assembler.
static void assert_reads(Assembler *a, const char *expected) {
    char text[DISASM_TEXT_SIZE];
    size_t length = disasm_instruction(a->code, a->size, 0, text, sizeof text);
    if (length != a->size || strcmp(text, expected) != 0)
        fail_msg("%zu of %zu bytes are '%s', expected '%s'", length, a->size, text, expected);
    a->size = 0;
}

#define ASSERT_READS(a, ...) \
    do { \
        char wanted[DISASM_TEXT_SIZE]; \
        snprintf(wanted, sizeof wanted, __VA_ARGS__); \
        assert_reads(a, wanted); \
    } while (0)

// A number as Capstone writes it.
static const char *number(char text[32], int64_t value) {
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
    snprintf(text, 32, size > 9 ? "%s0x%llx" : "%s%llu", value < 0 ? "-" : "", (unsigned long long)size);
    return text;
}

static const char *address(char text[64], Reg base, int32_t disp) {
    char digits[32];
    if (disp == 0) snprintf(text, 64, "[%s]", names[base]);
    else snprintf(text, 64, "[%s %c %s]", names[base], disp < 0 ? '-' : '+',
                  number(digits, disp < 0 ? -(int64_t)disp : disp));
    return text;
}

static void test_register_forms(void **state) {
    (void)state;
    static const struct {
        void (*emit)(Assembler *, Reg, Reg);
        const char *name;
    } forms[] = {{asm_mov_rr, "mov"}, {asm_add_rr, "add"}, {asm_sub_rr, "sub"}, {asm_imul_rr, "imul"},
                 {asm_cmp_rr, "cmp"}, {asm_test_rr, "test"}};
    Assembler a;
    asm_init(&a, 64);
    for (size_t i = 0; i < COUNT(forms); i++)
        for (Reg d = RAX; d <= R15; d++)
            for (Reg s = RAX; s <= R15; s++) {
                forms[i].emit(&a, d, s);
                ASSERT_READS(&a, "%s %s, %s", forms[i].name, names[d], names[s]);
            }
    for (Reg d = RAX; d <= R15; d++)
        for (Reg s = RAX; s <= R15; s++) {
            asm_movzx8_rr(&a, d, s);
            // Either width says the same: writing 32 bits clears the upper half.
            if (a.size && (a.code[0] & 0xF8) == 0x48) ASSERT_READS(&a, "movzx %s, %s", names[d], byte_names[s]);
            else ASSERT_READS(&a, "movzx %s, %s", dword_names[d], byte_names[s]);
        }
    asm_free(&a);
}

static void test_one_register(void **state) {
    (void)state;
    static const struct {
        void (*emit)(Assembler *, Reg);
        const char *name;
    } forms[] = {{asm_push_r, "push"}, {asm_pop_r, "pop"}, {asm_neg_r, "neg"}, {asm_idiv_r, "idiv"},
                 {asm_call_r, "call"}};
    Assembler a;
    asm_init(&a, 64);
    for (size_t i = 0; i < COUNT(forms); i++)
        for (Reg r = RAX; r <= R15; r++) {
            forms[i].emit(&a, r);
            ASSERT_READS(&a, "%s %s", forms[i].name, names[r]);
        }
    for (Reg r = RAX; r <= R15; r++)
        for (size_t cc = 0; cc < COUNT(conditions); cc++) {
            asm_setcc_r(&a, (Cond)cc, r);
            ASSERT_READS(&a, "set%s %s", conditions[cc], byte_names[r]);
        }
    asm_cqo(&a), assert_reads(&a, "cqo");
    asm_leave(&a), assert_reads(&a, "leave");
    asm_ret(&a), assert_reads(&a, "ret");
    asm_free(&a);
}

static void test_memory_forms(void **state) {
    (void)state;
    static const struct {
        void (*emit)(Assembler *, Reg, Mem);
        const char *name, *size;
    } forms[] = {{asm_mov_rm, "mov", "qword ptr "}, {asm_lea_rm, "lea", ""}, {asm_cmp_rm, "cmp", "qword ptr "}};
    Assembler a;
    char at[64];
    asm_init(&a, 64);
    for (Reg base = RAX; base <= R15; base++)
        for (size_t i = 0; i < COUNT(displacements); i++) {
            Mem m = mem(base, displacements[i]);
            address(at, base, displacements[i]);
            for (Reg r = RAX; r <= R15; r++) {
                for (size_t f = 0; f < COUNT(forms); f++) {
                    forms[f].emit(&a, r, m);
                    ASSERT_READS(&a, "%s %s, %s%s", forms[f].name, names[r], forms[f].size, at);
                }
                asm_mov_mr(&a, m, r);
                ASSERT_READS(&a, "mov qword ptr %s, %s", at, names[r]);
            }
            asm_push_m(&a, m);
            ASSERT_READS(&a, "push qword ptr %s", at);
            asm_call_m(&a, m);
            ASSERT_READS(&a, "call qword ptr %s", at);
        }
    asm_free(&a);
}

static void test_immediates(void **state) {
    (void)state;
    static const struct {
        void (*emit)(Assembler *, Reg, int32_t);
        const char *name;
    } forms[] = {{asm_add_ri, "add"}, {asm_sub_ri, "sub"}, {asm_cmp_ri, "cmp"}, {asm_and_ri, "and"}};
    Assembler a;
    char digits[32];
    asm_init(&a, 64);
    for (size_t f = 0; f < COUNT(forms); f++)
        for (Reg r = RAX; r <= R15; r++)
            for (size_t i = 0; i < COUNT(immediates); i++) {
                forms[f].emit(&a, r, immediates[i]);
                // Capstone writes the immediate of AND as the 64 bits that it is extended to.
                int64_t imm = immediates[i];
                if (forms[f].emit == asm_and_ri && imm < 0)
                    ASSERT_READS(&a, "and %s, 0x%llx", names[r], (unsigned long long)imm);
                else ASSERT_READS(&a, "%s %s, %s", forms[f].name, names[r], number(digits, imm));
            }
    asm_free(&a);
}

// Where mov must not lose a bit, and how long it is then: 5 bytes, 6 with REX; 7; 10.
static void test_constants(void **state) {
    (void)state;
    static const struct {
        int64_t value;
        size_t size;
    } cases[] = {{0, 5}, {1, 5}, {INT32_MAX, 5}, {UINT32_MAX, 5}, {-1, 7}, {INT32_MIN, 7},
                 {(int64_t)UINT32_MAX + 1, 10}, {(int64_t)INT32_MIN - 1, 10}, {INT64_MAX, 10}, {INT64_MIN, 10}};
    Assembler a;
    asm_init(&a, 64);
    for (Reg r = RAX; r <= R15; r++)
        for (size_t i = 0; i < COUNT(cases); i++) {
            asm_mov_ri(&a, r, cases[i].value);
            assert_int_equal(a.size, cases[i].size + (cases[i].size == 5 && r >= R8));
            int64_t field = 0; // the last 4 or 8 bytes
            if (cases[i].size == 10) memcpy(&field, a.code + 2, 8);
            else memcpy(&field, a.code + a.size - 4, 4);
            if (cases[i].size == 7) field = (int32_t)field;
            assert_int_equal(field, cases[i].value);
            a.size = 0;
        }
    asm_free(&a);
}

// The distance in the 4-byte field before offset `end`.
static int32_t distance_before(const Assembler *a, uint32_t end) {
    int32_t distance;
    memcpy(&distance, a->code + end - 4, sizeof distance);
    return distance;
}

static void test_label_forward_and_backward(void **state) {
    (void)state;
    Label start = LABEL_INIT, end = LABEL_INIT;
    Assembler a;
    asm_init(&a, 64);
    asm_bind(&a, &start);
    asm_jmp(&a, &end);
    uint32_t after_jmp = asm_offset(&a);
    asm_cqo(&a);
    asm_jcc(&a, CC_NE, &start);
    uint32_t after_jcc = asm_offset(&a);
    asm_bind(&a, &end);
    assert_true(asm_finish(&a));
    assert_int_equal(distance_before(&a, after_jmp), (int32_t)(after_jcc - after_jmp));
    assert_int_equal(distance_before(&a, after_jcc), -(int32_t)after_jcc);
    asm_free(&a);
}

static void test_label_with_many_uses(void **state) {
    (void)state;
    enum { USES = 100 };
    uint32_t ends[2 * USES], target;
    Label label = LABEL_INIT, other = LABEL_INIT;
    Assembler a;
    asm_init(&a, 4096);
    for (int i = 0; i < USES; i++) {
        asm_jcc(&a, (Cond)(i % 16), &label);
        ends[i] = asm_offset(&a);
        asm_jmp(&a, &other); // a second chain through the same list
    }
    target = asm_offset(&a);
    asm_bind(&a, &label);
    for (int i = USES; i < 2 * USES; i++) {
        asm_jmp(&a, &label);
        ends[i] = asm_offset(&a);
    }
    asm_bind(&a, &other);
    assert_true(asm_finish(&a));
    for (int i = 0; i < 2 * USES; i++)
        assert_int_equal(distance_before(&a, ends[i]), (int32_t)(target - ends[i]));
    asm_free(&a);
}

static void test_relocations(void **state) {
    (void)state;
    static const uint64_t home = 0x7f0012345000;
    Label here = LABEL_INIT;
    Assembler a;
    asm_init(&a, 64);
    asm_cqo(&a);
    asm_bind(&a, &here);
    asm_jmp_abs(&a, (const void *)(uintptr_t)(home + 0x1000));
    uint32_t after = asm_offset(&a);
    asm_mov_rl(&a, R9, &here);
    assert_true(asm_finish(&a));
    assert_true(asm_relocate(&a, home));
    assert_int_equal(distance_before(&a, after), 0x1000 - after);
    uint64_t address_of_here;
    memcpy(&address_of_here, a.code + a.size - 8, 8);
    assert_true(address_of_here == home + 2);
    assert_false(asm_relocate(&a, home + 0x90000000)); // out of reach
    asm_free(&a);
}

// At the limit nothing of an instruction is written, and the error stays.
static void test_limit(void **state) {
    (void)state;
    for (size_t limit = 0; limit < 20; limit++) {
        Label label = LABEL_INIT;
        Assembler a;
        asm_init(&a, limit);
        asm_mov_ri(&a, RAX, INT64_MAX); // 10 bytes
        asm_jmp(&a, &label);            // 5 bytes
        asm_ret(&a);
        asm_bind(&a, &label);
        bool fits = limit >= 16;
        assert_int_equal(asm_finish(&a), fits);
        assert_int_equal(a.error, fits ? ASM_OK : ASM_FULL);
        assert_int_equal(a.size, fits ? 16 : limit >= 15 ? 15 : limit >= 10 ? 10 : 0);
        asm_free(&a);
    }
}

static const struct CMUnitTest asm_tests[] = {
    cmocka_unit_test(test_register_forms),
    cmocka_unit_test(test_one_register),
    cmocka_unit_test(test_memory_forms),
    cmocka_unit_test(test_immediates),
    cmocka_unit_test(test_constants),
    cmocka_unit_test(test_label_forward_and_backward),
    cmocka_unit_test(test_label_with_many_uses),
    cmocka_unit_test(test_relocations),
    cmocka_unit_test(test_limit),
};
TEST_MAIN(asm_tests)
