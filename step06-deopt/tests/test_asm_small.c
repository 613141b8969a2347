// The instruction forms that the baseline compiler is made of: every form with every register and with
// displacements and immediates round every boundary, decoded by Capstone and compared operand by operand.
#include "asm/asm.h"

#include <capstone/capstone.h>
#include <inttypes.h>
#include <sys/wait.h>

#include "testing/test_main.h"

static csh capstone;

static int open_capstone(void **state) {
    (void)state;
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &capstone) != CS_ERR_OK) return -1;
    return cs_option(capstone, CS_OPT_DETAIL, CS_OPT_ON) == CS_ERR_OK ? 0 : -1;
}

static int close_capstone(void **state) {
    (void)state;
    return cs_close(&capstone) == CS_ERR_OK ? 0 : -1;
}

static const char *const names64[16] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                        "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
static const char *const names32[16] = {"eax", "ecx", "edx",  "ebx",  "esp",  "ebp",  "esi",  "edi",
                                        "r8d", "r9d", "r10d", "r11d", "r12d", "r13d", "r14d", "r15d"};
static const char *const names8[16] = {"al",  "cl",  "dl",   "bl",   "spl",  "bpl",  "sil",  "dil",
                                       "r8b", "r9b", "r10b", "r11b", "r12b", "r13b", "r14b", "r15b"};

static const int32_t displacements[] = {0, 1, -1, 8, -8, 127, 128, -128, -129, 255, 256, 0x7FFFFFFF, INT32_MIN, 0x12345678, -0x12345678};
static const int32_t immediates[] = {0, 1, -1, 8, 127, 128, -128, -129, 255, 256, 0x7FFFFFFF, INT32_MIN, 0x12345678, -0x12345678};
enum {
    NUM_DISPLACEMENTS = sizeof displacements / sizeof *displacements,
    NUM_IMMEDIATES = sizeof immediates / sizeof *immediates,
};

// One operand as text that does not depend on the disassembler's taste: "rax", "[rbp+-8]", "$-1".
static void operand_text(const cs_x86_op *operand, char *text, size_t size) {
    switch (operand->type) {
    case X86_OP_REG: snprintf(text, size, "%s", cs_reg_name(capstone, operand->reg)); break;
    case X86_OP_IMM: snprintf(text, size, "$%" PRId64, operand->imm); break;
    case X86_OP_MEM:
        assert_int_equal(operand->mem.index, X86_REG_INVALID);
        assert_int_equal(operand->mem.segment, X86_REG_INVALID);
        assert_int_equal(operand->size, 8);
        snprintf(text, size, "[%s+%" PRId64 "]", cs_reg_name(capstone, operand->mem.base), operand->mem.disp);
        break;
    default: fail_msg("an operand of no known kind");
    }
}

// The code is one instruction: this mnemonic with these operands (NULL: none). The assembler is freed.
static void assert_decodes(Assembler *a, const char *mnemonic, const char *first, const char *second) {
    char expected[160], found[160], one[48] = "", two[48] = "";
    snprintf(expected, sizeof expected, "%s %s %s", mnemonic, first ? first : "", second ? second : "");
    assert_true(asm_finish(a));
    cs_insn *decoded;
    size_t count = cs_disasm(capstone, a->code, a->size, 0, 0, &decoded);
    if (count != 1 || decoded[0].size != a->size) fail_msg("not exactly one instruction: %s", expected);
    const cs_x86 *detail = &decoded[0].detail->x86;
    if (detail->op_count > 0) operand_text(&detail->operands[0], one, sizeof one);
    if (detail->op_count > 1) operand_text(&detail->operands[1], two, sizeof two);
    snprintf(found, sizeof found, "%s %s %s", decoded[0].mnemonic, one, two);
    assert_string_equal(found, expected);
    cs_free(decoded, count);
    asm_free(a);
}

static Assembler new_assembler(void) {
    Assembler a;
    asm_init(&a, 64);
    return a;
}

static const char *memory_text(Reg base, int32_t disp) {
    static char text[40];
    snprintf(text, sizeof text, "[%s+%d]", names64[base], disp);
    return text;
}

static const char *immediate_text(int64_t imm) {
    static char text[40];
    snprintf(text, sizeof text, "$%" PRId64, imm);
    return text;
}

// Two registers.

typedef void EmitRr(Assembler *, Reg, Reg);
static const struct {
    const char *mnemonic;
    EmitRr *emit;
} forms_rr[] = {
    {"mov", asm_mov_rr}, {"add", asm_add_rr}, {"sub", asm_sub_rr},
    {"imul", asm_imul_rr}, {"cmp", asm_cmp_rr}, {"test", asm_test_rr},
};

static void test_two_registers(void **state) {
    (void)state;
    for (size_t f = 0; f < sizeof forms_rr / sizeof *forms_rr; f++) {
        for (Reg d = RAX; d <= R15; d++) {
            for (Reg s = RAX; s <= R15; s++) {
                Assembler a = new_assembler();
                forms_rr[f].emit(&a, d, s);
                assert_decodes(&a, forms_rr[f].mnemonic, names64[d], names64[s]);
            }
        }
    }
}

static void test_movzx(void **state) {
    (void)state;
    for (Reg d = RAX; d <= R15; d++) {
        for (Reg s = RAX; s <= R15; s++) {
            Assembler a = new_assembler();
            asm_movzx8_rr(&a, d, s);
            assert_decodes(&a, "movzx", names32[d], names8[s]);
        }
    }
}

// One register.

typedef void EmitR(Assembler *, Reg);
static const struct {
    const char *mnemonic;
    EmitR *emit;
} forms_r[] = {
    {"push", asm_push_r}, {"pop", asm_pop_r}, {"neg", asm_neg_r}, {"idiv", asm_idiv_r}, {"call", asm_call_r},
};

static void test_one_register(void **state) {
    (void)state;
    for (size_t f = 0; f < sizeof forms_r / sizeof *forms_r; f++) {
        for (Reg r = RAX; r <= R15; r++) {
            Assembler a = new_assembler();
            forms_r[f].emit(&a, r);
            assert_decodes(&a, forms_r[f].mnemonic, names64[r], NULL);
        }
    }
}

static const char *const conditions[16] = {"o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"};

static void test_setcc(void **state) {
    (void)state;
    for (Cond cc = CC_O; cc <= CC_G; cc++) {
        char mnemonic[8];
        snprintf(mnemonic, sizeof mnemonic, "set%s", conditions[cc]);
        for (Reg r = RAX; r <= R15; r++) {
            Assembler a = new_assembler();
            asm_setcc_r(&a, cc, r);
            assert_decodes(&a, mnemonic, names8[r], NULL);
        }
    }
}

// Memory.

static void emit_mov_store(Assembler *a, Reg r, Mem m) { asm_mov_mr(a, m, r); }

typedef void EmitRm(Assembler *, Reg, Mem);
static const struct {
    const char *mnemonic;
    EmitRm *emit;
    bool memory_first;
} forms_rm[] = {
    {"mov", asm_mov_rm, false}, {"mov", emit_mov_store, true}, {"lea", asm_lea_rm, false}, {"cmp", asm_cmp_rm, false},
};

static void test_register_and_memory(void **state) {
    (void)state;
    for (size_t f = 0; f < sizeof forms_rm / sizeof *forms_rm; f++) {
        for (Reg r = RAX; r <= R15; r++) {
            for (Reg base = RAX; base <= R15; base++) {
                for (int i = 0; i < NUM_DISPLACEMENTS; i++) {
                    const char *memory = memory_text(base, displacements[i]);
                    Assembler a = new_assembler();
                    forms_rm[f].emit(&a, r, mem(base, displacements[i]));
                    if (forms_rm[f].memory_first) assert_decodes(&a, forms_rm[f].mnemonic, memory, names64[r]);
                    else assert_decodes(&a, forms_rm[f].mnemonic, names64[r], memory);
                }
            }
        }
    }
}

typedef void EmitM(Assembler *, Mem);
static const struct {
    const char *mnemonic;
    EmitM *emit;
} forms_m[] = {{"push", asm_push_m}, {"call", asm_call_m}};

static void test_memory(void **state) {
    (void)state;
    for (size_t f = 0; f < sizeof forms_m / sizeof *forms_m; f++) {
        for (Reg base = RAX; base <= R15; base++) {
            for (int i = 0; i < NUM_DISPLACEMENTS; i++) {
                Assembler a = new_assembler();
                forms_m[f].emit(&a, mem(base, displacements[i]));
                assert_decodes(&a, forms_m[f].mnemonic, memory_text(base, displacements[i]), NULL);
            }
        }
    }
}

// Immediates.

typedef void EmitRi(Assembler *, Reg, int32_t);
static const struct {
    const char *mnemonic;
    EmitRi *emit;
} forms_ri[] = {{"add", asm_add_ri}, {"sub", asm_sub_ri}, {"and", asm_and_ri}, {"cmp", asm_cmp_ri}};

static void test_register_and_immediate(void **state) {
    (void)state;
    for (size_t f = 0; f < sizeof forms_ri / sizeof *forms_ri; f++) {
        for (Reg r = RAX; r <= R15; r++) {
            for (int i = 0; i < NUM_IMMEDIATES; i++) {
                Assembler a = new_assembler();
                forms_ri[f].emit(&a, r, immediates[i]);
                bool is_short = immediates[i] == (int8_t)immediates[i];
                assert_true(is_short ? a.size == 4 : a.size <= 7);
                assert_decodes(&a, forms_ri[f].mnemonic, names64[r], immediate_text(immediates[i]));
            }
        }
    }
}

// Five or six bytes where the upper half is zero, seven where the value is a sign-extended 32-bit
// number, ten otherwise.
static void test_mov_immediate(void **state) {
    (void)state;
    static const struct {
        int64_t value;
        size_t size;
        bool upper_zero;
    } values[] = {
        {0, 5, true}, {1, 5, true}, {127, 5, true}, {INT32_MAX, 5, true}, {(int64_t)INT32_MAX + 1, 5, true}, {UINT32_MAX, 5, true},
        {-1, 7, false}, {-128, 7, false}, {INT32_MIN, 7, false},
        {(int64_t)UINT32_MAX + 1, 10, false}, {(int64_t)INT32_MIN - 1, 10, false}, {INT64_MAX, 10, false}, {INT64_MIN, 10, false},
        {0x123456789ABCDEF0, 10, false},
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        for (Reg r = RAX; r <= R15; r++) {
            Assembler a = new_assembler();
            asm_mov_ri(&a, r, values[i].value);
            assert_int_equal(a.size, values[i].size + (values[i].upper_zero && r >= R8));
            const char *name = values[i].upper_zero ? names32[r] : names64[r];
            assert_decodes(&a, values[i].size == 10 ? "movabs" : "mov", name, immediate_text(values[i].value));
        }
    }
}

static void test_no_operands(void **state) {
    (void)state;
    static const struct {
        const char *mnemonic;
        void (*emit)(Assembler *);
    } forms[] = {{"cqo", asm_cqo}, {"leave", asm_leave}, {"ret", asm_ret}};
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        Assembler a = new_assembler();
        forms[f].emit(&a);
        assert_decodes(&a, forms[f].mnemonic, NULL, NULL);
    }
}

// Labels.

// The target of the jump at an offset of the code.
static int64_t jump_target(const Assembler *a, size_t offset, const char *mnemonic) {
    cs_insn *decoded;
    assert_int_equal(cs_disasm(capstone, a->code + offset, a->size - offset, offset, 1, &decoded), 1);
    assert_string_equal(decoded->mnemonic, mnemonic);
    int64_t target = decoded->detail->x86.operands[0].imm;
    cs_free(decoded, 1);
    return target;
}

static void test_jumps_forward_and_backward(void **state) {
    (void)state;
    for (Cond cc = CC_O; cc <= CC_G; cc++) {
        char mnemonic[8];
        snprintf(mnemonic, sizeof mnemonic, "j%s", conditions[cc]);
        Label before = LABEL_INIT, after = LABEL_INIT;
        Assembler a = new_assembler();
        asm_ret(&a);
        asm_bind(&a, &before);
        uint32_t at[4];
        at[0] = asm_offset(&a), asm_jcc(&a, cc, &before);
        at[1] = asm_offset(&a), asm_jcc(&a, cc, &after);
        at[2] = asm_offset(&a), asm_jmp(&a, &after);
        at[3] = asm_offset(&a), asm_jmp(&a, &before);
        asm_bind(&a, &after);
        assert_true(asm_finish(&a));
        assert_int_equal(jump_target(&a, at[0], mnemonic), 1);
        assert_int_equal(jump_target(&a, at[1], mnemonic), a.size);
        assert_int_equal(jump_target(&a, at[2], "jmp"), a.size);
        assert_int_equal(jump_target(&a, at[3], "jmp"), 1);
        asm_free(&a);
        assert_string_equal(conditions[cond_negate(cond_negate(cc))], conditions[cc]);
    }
    assert_int_equal(cond_negate(CC_E), CC_NE);
    assert_int_equal(cond_negate(CC_G), CC_LE);
}

// Relocations: a jump out of the code, and an address inside of it.
static void test_relocations(void **state) {
    (void)state;
    static const uint64_t addresses[] = {0x10000, 0x7F0000001000, 0x400000};
    Label here = LABEL_INIT;
    Assembler a = new_assembler();
    asm_ret(&a);
    asm_bind(&a, &here);
    asm_mov_rl(&a, R9, &here);
    uint32_t at = asm_offset(&a);
    asm_jmp_abs(&a, (const void *)(uintptr_t)0x40001234);
    assert_true(asm_finish(&a));
    for (int i = 0; i < 3; i++) {
        bool in_reach = addresses[i] < 0x7F0000000000;
        assert_int_equal(asm_relocate(&a, addresses[i]), in_reach);
        uint64_t loaded;
        memcpy(&loaded, a.code + 3, sizeof loaded);
        assert_int_equal(loaded, addresses[i] + 1);
        if (in_reach) assert_int_equal(jump_target(&a, at, "jmp") + (int64_t)addresses[i], 0x40001234);
    }
    asm_free(&a);
}

// The limit: nothing is emitted in part, the error stays, and more code than fits is no crash.
static void test_limit(void **state) {
    (void)state;
    for (size_t limit = 0; limit <= 24; limit++) {
        Label label = LABEL_INIT;
        Assembler a;
        asm_init(&a, limit);
        asm_push_r(&a, RBP);                  // 1 byte
        asm_mov_ri(&a, RAX, INT64_MAX);       // 10
        asm_jmp(&a, &label);                  // 5
        asm_mov_rm(&a, RCX, mem(RSP, 1000));  // 8
        asm_bind(&a, &label);
        bool fits = asm_finish(&a);
        assert_int_equal(fits, limit >= 24);
        size_t expected = limit >= 24 ? 24 : limit >= 16 ? 16 : limit >= 11 ? 11 : limit >= 1 ? 1 : 0;
        assert_int_equal(a.size, expected);
        if (!fits) asm_ret(&a); // a byte may be left, but the error is sticky
        assert_int_equal(a.size, expected);
        asm_free(&a);
    }
}

static void test_long_code(void **state) {
    (void)state;
    Label end = LABEL_INIT;
    Assembler a;
    asm_init(&a, 1 << 20);
    for (int i = 0; i < 10000; i++) asm_jcc(&a, CC_E, &end);
    asm_bind(&a, &end);
    assert_true(asm_finish(&a));
    for (int i = 0; i < 10000; i += 997) assert_int_equal(jump_target(&a, (size_t)i * 6, "je"), 60000);
    asm_free(&a);
}

// Misuse is a bug of ours and ends the process.

static void assert_is_fatal(void (*misuse)(void)) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr)) _exit(1);
        misuse();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status)) return; // aborted
    assert_int_not_equal(WEXITSTATUS(status), 0);
    assert_int_not_equal(WEXITSTATUS(status), 1);
}

static void bind_twice(void) {
    Label label = LABEL_INIT;
    Assembler a = new_assembler();
    asm_bind(&a, &label);
    asm_bind(&a, &label);
}

static void never_bind(void) {
    Label label = LABEL_INIT;
    Assembler a = new_assembler();
    asm_jmp(&a, &label);
    asm_finish(&a);
}

static void test_misuse(void **state) {
    (void)state;
    assert_is_fatal(bind_twice);
    assert_is_fatal(never_bind);
}

static const struct CMUnitTest asm_tests[] = {
    cmocka_unit_test(test_two_registers),
    cmocka_unit_test(test_movzx),
    cmocka_unit_test(test_one_register),
    cmocka_unit_test(test_setcc),
    cmocka_unit_test(test_register_and_memory),
    cmocka_unit_test(test_memory),
    cmocka_unit_test(test_register_and_immediate),
    cmocka_unit_test(test_mov_immediate),
    cmocka_unit_test(test_no_operands),
    cmocka_unit_test(test_jumps_forward_and_backward),
    cmocka_unit_test(test_relocations),
    cmocka_unit_test(test_limit),
    cmocka_unit_test(test_long_code),
    cmocka_unit_test(test_misuse),
};
TEST_MAIN_WITH(asm_tests, open_capstone, close_capstone)
