// The x86-64 assembler that steps 2 to 11 link: one C function for each instruction form.
//
// Names and operands
//   Operands stand in Intel order, destination first. The suffix of a name tells their kinds:
//     r  general-purpose register    m  memory       x  XMM register
//     i  immediate                   c  the count in CL
//   so asm_mov_rm is "mov register, memory". Operations are 64 bits wide unless the name says
//   otherwise: asm_add_rr, asm_add32_rr, asm_cmp8_mi. In extensions and conversions the number is
//   the width of the general-purpose (or narrow) operand: asm_movzx8_rm, asm_cvtsi2sd32_xr.
//   Reg, Xmm and Mem are different types: a form that the processor does not have does not compile.
//   An operand that a type cannot rule out (RSP as an index, a shift by 64, 300 as a byte) aborts.
//
// Memory operands
//   mem(RBP, -8)                  [rbp - 8]
//   mem_index(RAX, RCX, 8, 16)    [rax + rcx*8 + 16]
//   mem_scaled(RCX, 4, 0)         [rcx*4]
//   mem_rip(label)                [rip + distance to the label]: a constant or code, bound or not yet
//
// Labels and relocations
//   A label may be used before or after it is bound, any number of times. What depends on the
//   address where the code will run (asm_call_abs, asm_jmp_abs, asm_jcc_abs, asm_mov_rl) is a
//   relocation that asm_relocate fills in. Everything else is position-independent.
//
// Constants
//   asm_movsd_xm(a, XMM0, mem_rip(asm_const64(a, bits)));
//   The same bits asked for twice are one constant. asm_finish lays all constants behind the code.
//
// Errors
//   Invariant: every emitted byte belongs to a whole instruction (or, behind the code, to a
//   constant). When the limit is reached or a short jump cannot reach its label, the assembler
//   records a sticky error, emits nothing more, and asm_finish says so, once, at the end.
//   A broken program of ours (label never bound, bound twice) aborts.
//
// To add a form, for example "bsf r64, r64", write
//   here                    void asm_bsf_rr(Assembler *a, Reg d, Reg s);
//   asm.c                   void asm_bsf_rr(Assembler *a, Reg d, Reg s) {
//                               op_rr(a, W | OF | 0xBC, d, s); // 0F BC /r
//                           }
//   tests/test_asm_forms.h  _(bsf_rr, RR, "bsf r64, r64")
// and run "make -C common golden", which tries the form with every register, compares the bytes with
// Capstone and GNU as, and then adds them to tests/asm_golden.inc.
//
// Encoding: Intel SDM volume 2, chapter 2 ("Instruction Format") and the pages of chapters 3 to 5.
#ifndef ASM_ASM_H
#define ASM_ASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"

// The number of a register is its encoding (SDM vol. 2, table 2-2).
typedef enum Reg {
    RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI,
    R8, R9, R10, R11, R12, R13, R14, R15,
} Reg;

typedef enum Xmm {
    XMM0, XMM1, XMM2, XMM3, XMM4, XMM5, XMM6, XMM7,
    XMM8, XMM9, XMM10, XMM11, XMM12, XMM13, XMM14, XMM15,
} Xmm;

// Conditions of jcc, setcc and cmovcc; the number is the low nibble of the opcode (SDM vol. 2,
// B.1.4.7).
typedef enum Cond {
    CC_O, CC_NO, CC_B, CC_AE, CC_E, CC_NE, CC_BE, CC_A,
    CC_S, CC_NS, CC_P, CC_NP, CC_L, CC_GE, CC_LE, CC_G,
} Cond;

// The condition that holds exactly when `cc` does not.
static inline Cond cond_negate(Cond cc) { return (Cond)(cc ^ 1); }

// Relations of cmpsd, cmppd, ...: the N... ones and FP_UNORD hold when an operand is a NaN.
typedef enum FpCompare { FP_EQ, FP_LT, FP_LE, FP_UNORD, FP_NEQ, FP_NLT, FP_NLE, FP_ORD } FpCompare;

// Directions of roundsd, roundpd, ...; add ROUND_QUIET to leave the inexact flag of MXCSR alone.
enum Rounding { ROUND_NEAREST, ROUND_DOWN, ROUND_UP, ROUND_TRUNCATE, ROUND_QUIET = 8 };

// A position in the code. Jumps may name it before or after it is bound, any number of times.
// A label that is used but never bound is a bug: asm_finish aborts.
typedef struct Label {
    int32_t position; // offset of the bound label in the code, or -1
    int32_t uses;     // the newest use that waits for asm_bind (an index into fixups), or -1
} Label;

#define LABEL_INIT ((Label){.position = -1, .uses = -1})

// A memory operand. Build it with one of the functions below.
typedef struct Mem {
    enum {
        MEM_BASE,   // [base + index*2^scale + disp]
        MEM_SCALED, // [index*2^scale + disp]
        MEM_RIP,    // [rip + distance to label + disp]
    } kind;
    Reg base;
    Reg index; // RSP: no index, as in the machine's encoding
    unsigned scale;
    int32_t disp;
    Label *label;
} Mem;

static inline Mem mem(Reg base, int32_t disp) {
    return (Mem){.kind = MEM_BASE, .base = base, .index = RSP, .disp = disp};
}
Mem mem_index(Reg base, Reg index, int scale, int32_t disp); // scale: 1, 2, 4 or 8
Mem mem_scaled(Reg index, int scale, int32_t disp);
Mem mem_rip(Label *label);
Mem mem_rip_disp(Label *label, int32_t disp); // `disp` bytes behind the label

typedef enum AsmError {
    ASM_OK,
    ASM_FULL,         // the code would be longer than the limit given to asm_init
    ASM_OUT_OF_REACH, // a distance does not fit the field of its instruction (a short jump's: 8 bits)
} AsmError;

typedef enum FixupKind { FIXUP_REL8, FIXUP_REL32, FIXUP_ABS64 } FixupKind;

// A field that waits until its label is bound.
typedef struct Fixup {
    FixupKind kind;
    uint32_t at;    // offset of the field; ABS64: index of its relocation
    int64_t addend; // added to the distance between the field and the label
    int32_t next;   // the next older use of the same label, or -1
} Fixup;

// A field that depends on where the code will run; asm_relocate fills it in.
typedef struct Reloc {
    enum { RELOC_REL32, RELOC_ABS64 } kind;
    uint32_t at;     // offset of the field
    uint64_t target; // REL32: an address outside of the code; ABS64: an offset into the code
} Reloc;

typedef struct Constant Constant;

typedef struct Assembler {
    uint8_t *code; // owned; valid until asm_free
    size_t size, cap_code, limit;
    AsmError error;
    Fixup *fixups;
    size_t num_fixups, cap_fixups;
    Reloc *relocs;
    size_t num_relocs, cap_relocs;
    size_t unbound_uses; // fixups that no asm_bind has resolved yet
    Arena arena;         // the constants
    Constant *constants; // the root of the tree that finds equal ones
    Constant *first_constant, **last_constant;
    bool finished;
    size_t code_size; // set by asm_finish: here the instructions end and the constants begin
} Assembler;

// Start an empty piece of code of at most `limit` bytes, constants included (at most INT32_MAX
// counts).
void asm_init(Assembler *a, size_t limit);
void asm_free(Assembler *a);

// The offset at which the next instruction will start.
static inline uint32_t asm_offset(const Assembler *a) { return (uint32_t)a->size; }

// The label now means the next instruction. Binding a label twice aborts.
void asm_bind(Assembler *a, Label *label);

// End the code: lay the constants behind it. Returns false if the sticky error is set (the code is
// incomplete and must be thrown away). Aborts if a label was used and never bound.
// Code with constants must be placed at an address that is a multiple of 16.
bool asm_finish(Assembler *a);

// Fill in every relocation for code that will run at `address`; may be repeated for another address.
// Returns false if a REL32 target lies more than 2 GiB away from it.
bool asm_relocate(Assembler *a, uint64_t address);

// A constant of 8 or 16 bytes in the pool, aligned to its size: an operand of mem_rip.
// The label belongs to the assembler and lives until asm_free.
Label *asm_const64(Assembler *a, uint64_t bits);
Label *asm_const128(Assembler *a, uint64_t low, uint64_t high);
static inline Label *asm_const_double(Assembler *a, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return asm_const64(a, bits);
}

// `size` bytes that do nothing, in as few instructions as possible.
void asm_nop(Assembler *a, size_t size);
// Nops up to the next multiple of `alignment` (a power of two) from the start of the code.
void asm_align(Assembler *a, size_t alignment);

// Moves. Loads of 8 and 16 bits extend to the whole register: movzx with zeros, movsx with the sign.
// A 32-bit operation clears the upper half of its destination; 8 and 16 bits leave the rest alone.
void asm_mov_rr(Assembler *a, Reg d, Reg s);
void asm_mov_rm(Assembler *a, Reg d, Mem s);
void asm_mov_mr(Assembler *a, Mem d, Reg s);
void asm_mov_ri(Assembler *a, Reg d, int64_t imm);    // the shortest of three encodings
void asm_mov_ri64(Assembler *a, Reg d, uint64_t imm); // always ten bytes, the last eight are imm
void asm_mov_rl(Assembler *a, Reg d, Label *label);   // the address of the label, an ABS64 relocation
void asm_mov_mi(Assembler *a, Mem d, int32_t imm); // sign-extended to 64 bits
void asm_mov32_rr(Assembler *a, Reg d, Reg s);
void asm_mov32_rm(Assembler *a, Reg d, Mem s);
void asm_mov32_mr(Assembler *a, Mem d, Reg s);
void asm_mov32_ri(Assembler *a, Reg d, int32_t imm);
void asm_mov32_mi(Assembler *a, Mem d, int32_t imm);
void asm_mov16_rr(Assembler *a, Reg d, Reg s);
void asm_mov16_rm(Assembler *a, Reg d, Mem s);
void asm_mov16_ri(Assembler *a, Reg d, int imm);
void asm_mov16_mr(Assembler *a, Mem d, Reg s);
void asm_mov16_mi(Assembler *a, Mem d, int imm);
void asm_mov8_rr(Assembler *a, Reg d, Reg s);
void asm_mov8_rm(Assembler *a, Reg d, Mem s);
void asm_mov8_mr(Assembler *a, Mem d, Reg s);
void asm_mov8_ri(Assembler *a, Reg d, int imm);
void asm_mov8_mi(Assembler *a, Mem d, int imm);
void asm_movzx8_rr(Assembler *a, Reg d, Reg s);
void asm_movzx8_rm(Assembler *a, Reg d, Mem s);
void asm_movzx16_rr(Assembler *a, Reg d, Reg s);
void asm_movzx16_rm(Assembler *a, Reg d, Mem s);
void asm_movsx8_rr(Assembler *a, Reg d, Reg s);
void asm_movsx8_rm(Assembler *a, Reg d, Mem s);
void asm_movsx8_32_rr(Assembler *a, Reg d, Reg s); // sign-extended to 32 bits
void asm_movsx8_32_rm(Assembler *a, Reg d, Mem s); // sign-extended to 32 bits
void asm_movsx16_rr(Assembler *a, Reg d, Reg s);
void asm_movsx16_rm(Assembler *a, Reg d, Mem s);
void asm_movsx16_32_rr(Assembler *a, Reg d, Reg s); // sign-extended to 32 bits
void asm_movsx16_32_rm(Assembler *a, Reg d, Mem s); // sign-extended to 32 bits
void asm_movsxd_rr(Assembler *a, Reg d, Reg s); // 32 bits to 64
void asm_movsxd_rm(Assembler *a, Reg d, Mem s);
void asm_lea_rm(Assembler *a, Reg d, Mem s);
void asm_lea32_rm(Assembler *a, Reg d, Mem s);
void asm_xchg_rr(Assembler *a, Reg d, Reg s);
void asm_xchg_mr(Assembler *a, Mem d, Reg s); // atomic
void asm_cmpxchg_mr(Assembler *a, Mem d, Reg s);
void asm_lock_cmpxchg_mr(Assembler *a, Mem d, Reg s);
void asm_lock_xadd_mr(Assembler *a, Mem d, Reg s);
void asm_xchg32_rr(Assembler *a, Reg d, Reg s);
void asm_xchg32_mr(Assembler *a, Mem d, Reg s); // atomic
void asm_cmpxchg32_mr(Assembler *a, Mem d, Reg s);
void asm_lock_cmpxchg32_mr(Assembler *a, Mem d, Reg s);
void asm_lock_xadd32_mr(Assembler *a, Mem d, Reg s);
void asm_bswap_r(Assembler *a, Reg d);
void asm_bswap32_r(Assembler *a, Reg d);

// The stack.
void asm_push_r(Assembler *a, Reg s);
void asm_push_m(Assembler *a, Mem s);
void asm_push_i(Assembler *a, int32_t imm); // sign-extended to 64 bits
void asm_pop_r(Assembler *a, Reg d);
void asm_pop_m(Assembler *a, Mem d);
void asm_pushfq(Assembler *a);
void asm_popfq(Assembler *a);
void asm_leave(Assembler *a);

// Arithmetic and logic. Immediates are 32 bits, sign-extended to the width of the operation.
void asm_add_rr(Assembler *a, Reg d, Reg s);
void asm_add_rm(Assembler *a, Reg d, Mem s);
void asm_add_mr(Assembler *a, Mem d, Reg s);
void asm_add_ri(Assembler *a, Reg d, int32_t imm);
void asm_add_mi(Assembler *a, Mem d, int32_t imm);
void asm_add32_rr(Assembler *a, Reg d, Reg s);
void asm_add32_rm(Assembler *a, Reg d, Mem s);
void asm_add32_mr(Assembler *a, Mem d, Reg s);
void asm_add32_ri(Assembler *a, Reg d, int32_t imm);
void asm_add32_mi(Assembler *a, Mem d, int32_t imm);
void asm_add8_rr(Assembler *a, Reg d, Reg s);
void asm_add8_rm(Assembler *a, Reg d, Mem s);
void asm_add8_mr(Assembler *a, Mem d, Reg s);
void asm_add8_ri(Assembler *a, Reg d, int imm);
void asm_add8_mi(Assembler *a, Mem d, int imm);
void asm_or_rr(Assembler *a, Reg d, Reg s);
void asm_or_rm(Assembler *a, Reg d, Mem s);
void asm_or_mr(Assembler *a, Mem d, Reg s);
void asm_or_ri(Assembler *a, Reg d, int32_t imm);
void asm_or_mi(Assembler *a, Mem d, int32_t imm);
void asm_or32_rr(Assembler *a, Reg d, Reg s);
void asm_or32_rm(Assembler *a, Reg d, Mem s);
void asm_or32_mr(Assembler *a, Mem d, Reg s);
void asm_or32_ri(Assembler *a, Reg d, int32_t imm);
void asm_or32_mi(Assembler *a, Mem d, int32_t imm);
void asm_or8_rr(Assembler *a, Reg d, Reg s);
void asm_or8_rm(Assembler *a, Reg d, Mem s);
void asm_or8_mr(Assembler *a, Mem d, Reg s);
void asm_or8_ri(Assembler *a, Reg d, int imm);
void asm_or8_mi(Assembler *a, Mem d, int imm);
void asm_adc_rr(Assembler *a, Reg d, Reg s);
void asm_adc_rm(Assembler *a, Reg d, Mem s);
void asm_adc_mr(Assembler *a, Mem d, Reg s);
void asm_adc_ri(Assembler *a, Reg d, int32_t imm);
void asm_adc_mi(Assembler *a, Mem d, int32_t imm);
void asm_adc32_rr(Assembler *a, Reg d, Reg s);
void asm_adc32_rm(Assembler *a, Reg d, Mem s);
void asm_adc32_mr(Assembler *a, Mem d, Reg s);
void asm_adc32_ri(Assembler *a, Reg d, int32_t imm);
void asm_adc32_mi(Assembler *a, Mem d, int32_t imm);
void asm_sbb_rr(Assembler *a, Reg d, Reg s);
void asm_sbb_rm(Assembler *a, Reg d, Mem s);
void asm_sbb_mr(Assembler *a, Mem d, Reg s);
void asm_sbb_ri(Assembler *a, Reg d, int32_t imm);
void asm_sbb_mi(Assembler *a, Mem d, int32_t imm);
void asm_sbb32_rr(Assembler *a, Reg d, Reg s);
void asm_sbb32_rm(Assembler *a, Reg d, Mem s);
void asm_sbb32_mr(Assembler *a, Mem d, Reg s);
void asm_sbb32_ri(Assembler *a, Reg d, int32_t imm);
void asm_sbb32_mi(Assembler *a, Mem d, int32_t imm);
void asm_and_rr(Assembler *a, Reg d, Reg s);
void asm_and_rm(Assembler *a, Reg d, Mem s);
void asm_and_mr(Assembler *a, Mem d, Reg s);
void asm_and_ri(Assembler *a, Reg d, int32_t imm);
void asm_and_mi(Assembler *a, Mem d, int32_t imm);
void asm_and32_rr(Assembler *a, Reg d, Reg s);
void asm_and32_rm(Assembler *a, Reg d, Mem s);
void asm_and32_mr(Assembler *a, Mem d, Reg s);
void asm_and32_ri(Assembler *a, Reg d, int32_t imm);
void asm_and32_mi(Assembler *a, Mem d, int32_t imm);
void asm_and8_rr(Assembler *a, Reg d, Reg s);
void asm_and8_rm(Assembler *a, Reg d, Mem s);
void asm_and8_mr(Assembler *a, Mem d, Reg s);
void asm_and8_ri(Assembler *a, Reg d, int imm);
void asm_and8_mi(Assembler *a, Mem d, int imm);
void asm_sub_rr(Assembler *a, Reg d, Reg s);
void asm_sub_rm(Assembler *a, Reg d, Mem s);
void asm_sub_mr(Assembler *a, Mem d, Reg s);
void asm_sub_ri(Assembler *a, Reg d, int32_t imm);
void asm_sub_mi(Assembler *a, Mem d, int32_t imm);
void asm_sub32_rr(Assembler *a, Reg d, Reg s);
void asm_sub32_rm(Assembler *a, Reg d, Mem s);
void asm_sub32_mr(Assembler *a, Mem d, Reg s);
void asm_sub32_ri(Assembler *a, Reg d, int32_t imm);
void asm_sub32_mi(Assembler *a, Mem d, int32_t imm);
void asm_sub8_rr(Assembler *a, Reg d, Reg s);
void asm_sub8_rm(Assembler *a, Reg d, Mem s);
void asm_sub8_mr(Assembler *a, Mem d, Reg s);
void asm_sub8_ri(Assembler *a, Reg d, int imm);
void asm_sub8_mi(Assembler *a, Mem d, int imm);
void asm_xor_rr(Assembler *a, Reg d, Reg s);
void asm_xor_rm(Assembler *a, Reg d, Mem s);
void asm_xor_mr(Assembler *a, Mem d, Reg s);
void asm_xor_ri(Assembler *a, Reg d, int32_t imm);
void asm_xor_mi(Assembler *a, Mem d, int32_t imm);
void asm_xor32_rr(Assembler *a, Reg d, Reg s);
void asm_xor32_rm(Assembler *a, Reg d, Mem s);
void asm_xor32_mr(Assembler *a, Mem d, Reg s);
void asm_xor32_ri(Assembler *a, Reg d, int32_t imm);
void asm_xor32_mi(Assembler *a, Mem d, int32_t imm);
void asm_xor8_rr(Assembler *a, Reg d, Reg s);
void asm_xor8_rm(Assembler *a, Reg d, Mem s);
void asm_xor8_mr(Assembler *a, Mem d, Reg s);
void asm_xor8_ri(Assembler *a, Reg d, int imm);
void asm_xor8_mi(Assembler *a, Mem d, int imm);

// Comparison: cmp and test set the flags and write nothing else.
void asm_cmp_rr(Assembler *a, Reg l, Reg r);
void asm_cmp_rm(Assembler *a, Reg l, Mem r);
void asm_cmp_mr(Assembler *a, Mem l, Reg r);
void asm_cmp_ri(Assembler *a, Reg l, int32_t imm);
void asm_cmp_mi(Assembler *a, Mem l, int32_t imm);
void asm_cmp32_rr(Assembler *a, Reg l, Reg r);
void asm_cmp32_rm(Assembler *a, Reg l, Mem r);
void asm_cmp32_mr(Assembler *a, Mem l, Reg r);
void asm_cmp32_ri(Assembler *a, Reg l, int32_t imm);
void asm_cmp32_mi(Assembler *a, Mem l, int32_t imm);
void asm_cmp16_rm(Assembler *a, Reg l, Mem r);
void asm_cmp16_mr(Assembler *a, Mem l, Reg r);
void asm_cmp16_mi(Assembler *a, Mem l, int imm);
void asm_cmp8_rr(Assembler *a, Reg l, Reg r);
void asm_cmp8_rm(Assembler *a, Reg l, Mem r);
void asm_cmp8_mr(Assembler *a, Mem l, Reg r);
void asm_cmp8_ri(Assembler *a, Reg l, int imm);
void asm_cmp8_mi(Assembler *a, Mem l, int imm);
void asm_test_rr(Assembler *a, Reg l, Reg r);
void asm_test_mr(Assembler *a, Mem l, Reg r);
void asm_test_ri(Assembler *a, Reg l, int32_t imm);
void asm_test_mi(Assembler *a, Mem l, int32_t imm);
void asm_test32_rr(Assembler *a, Reg l, Reg r);
void asm_test32_mr(Assembler *a, Mem l, Reg r);
void asm_test32_ri(Assembler *a, Reg l, int32_t imm);
void asm_test32_mi(Assembler *a, Mem l, int32_t imm);
void asm_test8_rr(Assembler *a, Reg l, Reg r);
void asm_test8_mr(Assembler *a, Mem l, Reg r);
void asm_test8_ri(Assembler *a, Reg l, int imm);
void asm_test8_mi(Assembler *a, Mem l, int imm);

// Multiplication and division. The one-operand forms use RDX:RAX.
void asm_imul_rr(Assembler *a, Reg d, Reg s);
void asm_imul_rm(Assembler *a, Reg d, Mem s);
void asm_imul_rri(Assembler *a, Reg d, Reg s, int32_t imm);
void asm_imul_rmi(Assembler *a, Reg d, Mem s, int32_t imm);
void asm_mul_r(Assembler *a, Reg s);
void asm_mul_m(Assembler *a, Mem s);
void asm_imul_r(Assembler *a, Reg s);
void asm_imul_m(Assembler *a, Mem s);
void asm_div_r(Assembler *a, Reg s);
void asm_div_m(Assembler *a, Mem s);
void asm_idiv_r(Assembler *a, Reg s);
void asm_idiv_m(Assembler *a, Mem s);
void asm_not_r(Assembler *a, Reg d);
void asm_not_m(Assembler *a, Mem d);
void asm_neg_r(Assembler *a, Reg d);
void asm_neg_m(Assembler *a, Mem d);
void asm_inc_r(Assembler *a, Reg d);
void asm_inc_m(Assembler *a, Mem d);
void asm_dec_r(Assembler *a, Reg d);
void asm_dec_m(Assembler *a, Mem d);
void asm_imul32_rr(Assembler *a, Reg d, Reg s);
void asm_imul32_rm(Assembler *a, Reg d, Mem s);
void asm_imul32_rri(Assembler *a, Reg d, Reg s, int32_t imm);
void asm_imul32_rmi(Assembler *a, Reg d, Mem s, int32_t imm);
void asm_mul32_r(Assembler *a, Reg s);
void asm_mul32_m(Assembler *a, Mem s);
void asm_imul32_r(Assembler *a, Reg s);
void asm_imul32_m(Assembler *a, Mem s);
void asm_div32_r(Assembler *a, Reg s);
void asm_div32_m(Assembler *a, Mem s);
void asm_idiv32_r(Assembler *a, Reg s);
void asm_idiv32_m(Assembler *a, Mem s);
void asm_not32_r(Assembler *a, Reg d);
void asm_not32_m(Assembler *a, Mem d);
void asm_neg32_r(Assembler *a, Reg d);
void asm_neg32_m(Assembler *a, Mem d);
void asm_inc32_r(Assembler *a, Reg d);
void asm_inc32_m(Assembler *a, Mem d);
void asm_dec32_r(Assembler *a, Reg d);
void asm_dec32_m(Assembler *a, Mem d);
void asm_cqo(Assembler *a); // RDX = sign of RAX
void asm_cdq(Assembler *a); // EDX = sign of EAX
void asm_cdqe(Assembler *a); // RAX = EAX, sign-extended

// Shifts and rotations: by an immediate (less than the width), or by CL (suffix _rc).
void asm_rol_ri(Assembler *a, Reg d, unsigned n);
void asm_rol_rc(Assembler *a, Reg d);
void asm_rol32_ri(Assembler *a, Reg d, unsigned n);
void asm_rol32_rc(Assembler *a, Reg d);
void asm_ror_ri(Assembler *a, Reg d, unsigned n);
void asm_ror_rc(Assembler *a, Reg d);
void asm_ror32_ri(Assembler *a, Reg d, unsigned n);
void asm_ror32_rc(Assembler *a, Reg d);
void asm_shl_ri(Assembler *a, Reg d, unsigned n);
void asm_shl_rc(Assembler *a, Reg d);
void asm_shl32_ri(Assembler *a, Reg d, unsigned n);
void asm_shl32_rc(Assembler *a, Reg d);
void asm_shr_ri(Assembler *a, Reg d, unsigned n);
void asm_shr_rc(Assembler *a, Reg d);
void asm_shr32_ri(Assembler *a, Reg d, unsigned n);
void asm_shr32_rc(Assembler *a, Reg d);
void asm_sar_ri(Assembler *a, Reg d, unsigned n);
void asm_sar_rc(Assembler *a, Reg d);
void asm_sar32_ri(Assembler *a, Reg d, unsigned n);
void asm_sar32_rc(Assembler *a, Reg d);

// BMI2: shifts that take the count from any register and leave the flags alone.
void asm_shlx_rrr(Assembler *a, Reg d, Reg s, Reg n);
void asm_shlx_rmr(Assembler *a, Reg d, Mem s, Reg n);
void asm_shlx32_rrr(Assembler *a, Reg d, Reg s, Reg n);
void asm_shlx32_rmr(Assembler *a, Reg d, Mem s, Reg n);
void asm_shrx_rrr(Assembler *a, Reg d, Reg s, Reg n);
void asm_shrx_rmr(Assembler *a, Reg d, Mem s, Reg n);
void asm_shrx32_rrr(Assembler *a, Reg d, Reg s, Reg n);
void asm_shrx32_rmr(Assembler *a, Reg d, Mem s, Reg n);
void asm_sarx_rrr(Assembler *a, Reg d, Reg s, Reg n);
void asm_sarx_rmr(Assembler *a, Reg d, Mem s, Reg n);
void asm_sarx32_rrr(Assembler *a, Reg d, Reg s, Reg n);
void asm_sarx32_rmr(Assembler *a, Reg d, Mem s, Reg n);
void asm_rorx_rri(Assembler *a, Reg d, Reg s, unsigned n);
void asm_rorx32_rri(Assembler *a, Reg d, Reg s, unsigned n);

// Bits.
void asm_bt_rr(Assembler *a, Reg d, Reg bit);
void asm_bt_ri(Assembler *a, Reg d, unsigned bit);
void asm_bt_mi(Assembler *a, Mem d, unsigned bit);
void asm_bt32_rr(Assembler *a, Reg d, Reg bit);
void asm_bt32_ri(Assembler *a, Reg d, unsigned bit);
void asm_bt32_mi(Assembler *a, Mem d, unsigned bit);
void asm_bts_rr(Assembler *a, Reg d, Reg bit);
void asm_bts_ri(Assembler *a, Reg d, unsigned bit);
void asm_bts_mi(Assembler *a, Mem d, unsigned bit);
void asm_bts32_rr(Assembler *a, Reg d, Reg bit);
void asm_bts32_ri(Assembler *a, Reg d, unsigned bit);
void asm_bts32_mi(Assembler *a, Mem d, unsigned bit);
void asm_btr_rr(Assembler *a, Reg d, Reg bit);
void asm_btr_ri(Assembler *a, Reg d, unsigned bit);
void asm_btr_mi(Assembler *a, Mem d, unsigned bit);
void asm_btr32_rr(Assembler *a, Reg d, Reg bit);
void asm_btr32_ri(Assembler *a, Reg d, unsigned bit);
void asm_btr32_mi(Assembler *a, Mem d, unsigned bit);
void asm_btc_rr(Assembler *a, Reg d, Reg bit);
void asm_btc_ri(Assembler *a, Reg d, unsigned bit);
void asm_btc_mi(Assembler *a, Mem d, unsigned bit);
void asm_btc32_rr(Assembler *a, Reg d, Reg bit);
void asm_btc32_ri(Assembler *a, Reg d, unsigned bit);
void asm_btc32_mi(Assembler *a, Mem d, unsigned bit);
void asm_popcnt_rr(Assembler *a, Reg d, Reg s);
void asm_popcnt_rm(Assembler *a, Reg d, Mem s);
void asm_popcnt32_rr(Assembler *a, Reg d, Reg s);
void asm_popcnt32_rm(Assembler *a, Reg d, Mem s);
void asm_tzcnt_rr(Assembler *a, Reg d, Reg s);
void asm_tzcnt_rm(Assembler *a, Reg d, Mem s);
void asm_tzcnt32_rr(Assembler *a, Reg d, Reg s);
void asm_tzcnt32_rm(Assembler *a, Reg d, Mem s);
void asm_lzcnt_rr(Assembler *a, Reg d, Reg s);
void asm_lzcnt_rm(Assembler *a, Reg d, Mem s);
void asm_lzcnt32_rr(Assembler *a, Reg d, Reg s);
void asm_lzcnt32_rm(Assembler *a, Reg d, Mem s);

// Conditions. setcc writes the low byte only.
void asm_setcc_r(Assembler *a, Cond cc, Reg d);
void asm_setcc_m(Assembler *a, Cond cc, Mem d);
void asm_cmovcc_rr(Assembler *a, Cond cc, Reg d, Reg s);
void asm_cmovcc_rm(Assembler *a, Cond cc, Reg d, Mem s);
void asm_cmovcc32_rr(Assembler *a, Cond cc, Reg d, Reg s);
void asm_cmovcc32_rm(Assembler *a, Cond cc, Reg d, Mem s);

// Control flow. A _short jump takes two bytes and reaches 128 back and 127 forward.
// The _abs forms reach a fixed address through a REL32 relocation.
void asm_jmp(Assembler *a, Label *target);
void asm_jmp_short(Assembler *a, Label *target);
void asm_jmp_abs(Assembler *a, const void *target);
void asm_jcc(Assembler *a, Cond cc, Label *target);
void asm_jcc_short(Assembler *a, Cond cc, Label *target);
void asm_jcc_abs(Assembler *a, Cond cc, const void *target);
void asm_call(Assembler *a, Label *target);
void asm_call_abs(Assembler *a, const void *target);
void asm_jmp_r(Assembler *a, Reg target);
void asm_jmp_m(Assembler *a, Mem target);
void asm_call_r(Assembler *a, Reg target);
void asm_call_m(Assembler *a, Mem target);
void asm_ret(Assembler *a);
void asm_ret_i(Assembler *a, unsigned pop); // and drop `pop` bytes of arguments

// The rest.
void asm_ud2(Assembler *a); // trap: SIGILL
void asm_int3(Assembler *a); // breakpoint: SIGTRAP
void asm_endbr64(Assembler *a);
void asm_cpuid(Assembler *a);
void asm_rdtsc(Assembler *a);
void asm_cld(Assembler *a);
void asm_std(Assembler *a);
void asm_pause(Assembler *a);
void asm_rep_movsq(Assembler *a);
void asm_rep_stosq(Assembler *a);
void asm_rdtscp(Assembler *a);
void asm_lfence(Assembler *a);
void asm_mfence(Assembler *a);
void asm_ldmxcsr_m(Assembler *a, Mem s);
void asm_stmxcsr_m(Assembler *a, Mem d);

// SSE: scalar moves. Between registers, movsd and movss keep the upper part of d; loads clear it.
void asm_movsd_xx(Assembler *a, Xmm d, Xmm s);
void asm_movsd_xm(Assembler *a, Xmm d, Mem s);
void asm_movsd_mx(Assembler *a, Mem d, Xmm s);
void asm_movss_xx(Assembler *a, Xmm d, Xmm s);
void asm_movss_xm(Assembler *a, Xmm d, Mem s);
void asm_movss_mx(Assembler *a, Mem d, Xmm s);
void asm_movq_xx(Assembler *a, Xmm d, Xmm s); // clears the upper half
void asm_movq_xm(Assembler *a, Xmm d, Mem s);
void asm_movq_mx(Assembler *a, Mem d, Xmm s);
void asm_movq_xr(Assembler *a, Xmm d, Reg s);
void asm_movq_rx(Assembler *a, Reg d, Xmm s);
void asm_movd_xr(Assembler *a, Xmm d, Reg s);
void asm_movd_xm(Assembler *a, Xmm d, Mem s);
void asm_movd_rx(Assembler *a, Reg d, Xmm s);
void asm_movd_mx(Assembler *a, Mem d, Xmm s);

// SSE: packed moves. Those with an a (movaps, movapd, movdqa) need an address that is a multiple of 16.
void asm_movaps_xx(Assembler *a, Xmm d, Xmm s);
void asm_movaps_xm(Assembler *a, Xmm d, Mem s);
void asm_movaps_mx(Assembler *a, Mem d, Xmm s);
void asm_movups_xx(Assembler *a, Xmm d, Xmm s);
void asm_movups_xm(Assembler *a, Xmm d, Mem s);
void asm_movups_mx(Assembler *a, Mem d, Xmm s);
void asm_movapd_xx(Assembler *a, Xmm d, Xmm s);
void asm_movapd_xm(Assembler *a, Xmm d, Mem s);
void asm_movapd_mx(Assembler *a, Mem d, Xmm s);
void asm_movupd_xx(Assembler *a, Xmm d, Xmm s);
void asm_movupd_xm(Assembler *a, Xmm d, Mem s);
void asm_movupd_mx(Assembler *a, Mem d, Xmm s);
void asm_movdqa_xx(Assembler *a, Xmm d, Xmm s);
void asm_movdqa_xm(Assembler *a, Xmm d, Mem s);
void asm_movdqa_mx(Assembler *a, Mem d, Xmm s);
void asm_movdqu_xx(Assembler *a, Xmm d, Xmm s);
void asm_movdqu_xm(Assembler *a, Xmm d, Mem s);
void asm_movdqu_mx(Assembler *a, Mem d, Xmm s);
void asm_movlpd_xm(Assembler *a, Xmm d, Mem s);
void asm_movlpd_mx(Assembler *a, Mem d, Xmm s);
void asm_movhpd_xm(Assembler *a, Xmm d, Mem s);
void asm_movhpd_mx(Assembler *a, Mem d, Xmm s);
void asm_movlps_xm(Assembler *a, Xmm d, Mem s);
void asm_movlps_mx(Assembler *a, Mem d, Xmm s);
void asm_movhps_xm(Assembler *a, Xmm d, Mem s);
void asm_movhps_mx(Assembler *a, Mem d, Xmm s);
void asm_movhlps_xx(Assembler *a, Xmm d, Xmm s);
void asm_movlhps_xx(Assembler *a, Xmm d, Xmm s);
void asm_movddup_xx(Assembler *a, Xmm d, Xmm s);
void asm_movddup_xm(Assembler *a, Xmm d, Mem s);

// SSE: arithmetic. sd: one double, ss: one float, pd: two doubles, ps: four floats.
void asm_sqrtsd_xx(Assembler *a, Xmm d, Xmm s);
void asm_sqrtsd_xm(Assembler *a, Xmm d, Mem s);
void asm_sqrtss_xx(Assembler *a, Xmm d, Xmm s);
void asm_sqrtss_xm(Assembler *a, Xmm d, Mem s);
void asm_sqrtpd_xx(Assembler *a, Xmm d, Xmm s);
void asm_sqrtpd_xm(Assembler *a, Xmm d, Mem s);
void asm_sqrtps_xx(Assembler *a, Xmm d, Xmm s);
void asm_sqrtps_xm(Assembler *a, Xmm d, Mem s);
void asm_addsd_xx(Assembler *a, Xmm d, Xmm s);
void asm_addsd_xm(Assembler *a, Xmm d, Mem s);
void asm_addss_xx(Assembler *a, Xmm d, Xmm s);
void asm_addss_xm(Assembler *a, Xmm d, Mem s);
void asm_addpd_xx(Assembler *a, Xmm d, Xmm s);
void asm_addpd_xm(Assembler *a, Xmm d, Mem s);
void asm_addps_xx(Assembler *a, Xmm d, Xmm s);
void asm_addps_xm(Assembler *a, Xmm d, Mem s);
void asm_mulsd_xx(Assembler *a, Xmm d, Xmm s);
void asm_mulsd_xm(Assembler *a, Xmm d, Mem s);
void asm_mulss_xx(Assembler *a, Xmm d, Xmm s);
void asm_mulss_xm(Assembler *a, Xmm d, Mem s);
void asm_mulpd_xx(Assembler *a, Xmm d, Xmm s);
void asm_mulpd_xm(Assembler *a, Xmm d, Mem s);
void asm_mulps_xx(Assembler *a, Xmm d, Xmm s);
void asm_mulps_xm(Assembler *a, Xmm d, Mem s);
void asm_subsd_xx(Assembler *a, Xmm d, Xmm s);
void asm_subsd_xm(Assembler *a, Xmm d, Mem s);
void asm_subss_xx(Assembler *a, Xmm d, Xmm s);
void asm_subss_xm(Assembler *a, Xmm d, Mem s);
void asm_subpd_xx(Assembler *a, Xmm d, Xmm s);
void asm_subpd_xm(Assembler *a, Xmm d, Mem s);
void asm_subps_xx(Assembler *a, Xmm d, Xmm s);
void asm_subps_xm(Assembler *a, Xmm d, Mem s);
void asm_minsd_xx(Assembler *a, Xmm d, Xmm s);
void asm_minsd_xm(Assembler *a, Xmm d, Mem s);
void asm_minss_xx(Assembler *a, Xmm d, Xmm s);
void asm_minss_xm(Assembler *a, Xmm d, Mem s);
void asm_minpd_xx(Assembler *a, Xmm d, Xmm s);
void asm_minpd_xm(Assembler *a, Xmm d, Mem s);
void asm_minps_xx(Assembler *a, Xmm d, Xmm s);
void asm_minps_xm(Assembler *a, Xmm d, Mem s);
void asm_divsd_xx(Assembler *a, Xmm d, Xmm s);
void asm_divsd_xm(Assembler *a, Xmm d, Mem s);
void asm_divss_xx(Assembler *a, Xmm d, Xmm s);
void asm_divss_xm(Assembler *a, Xmm d, Mem s);
void asm_divpd_xx(Assembler *a, Xmm d, Xmm s);
void asm_divpd_xm(Assembler *a, Xmm d, Mem s);
void asm_divps_xx(Assembler *a, Xmm d, Xmm s);
void asm_divps_xm(Assembler *a, Xmm d, Mem s);
void asm_maxsd_xx(Assembler *a, Xmm d, Xmm s);
void asm_maxsd_xm(Assembler *a, Xmm d, Mem s);
void asm_maxss_xx(Assembler *a, Xmm d, Xmm s);
void asm_maxss_xm(Assembler *a, Xmm d, Mem s);
void asm_maxpd_xx(Assembler *a, Xmm d, Xmm s);
void asm_maxpd_xm(Assembler *a, Xmm d, Mem s);
void asm_maxps_xx(Assembler *a, Xmm d, Xmm s);
void asm_maxps_xm(Assembler *a, Xmm d, Mem s);
void asm_haddpd_xx(Assembler *a, Xmm d, Xmm s);
void asm_haddpd_xm(Assembler *a, Xmm d, Mem s);
void asm_haddps_xx(Assembler *a, Xmm d, Xmm s);
void asm_haddps_xm(Assembler *a, Xmm d, Mem s);
void asm_addsubpd_xx(Assembler *a, Xmm d, Xmm s);
void asm_addsubpd_xm(Assembler *a, Xmm d, Mem s);

// SSE: bitwise logic.
void asm_andpd_xx(Assembler *a, Xmm d, Xmm s);
void asm_andpd_xm(Assembler *a, Xmm d, Mem s);
void asm_andps_xx(Assembler *a, Xmm d, Xmm s);
void asm_andps_xm(Assembler *a, Xmm d, Mem s);
void asm_andnpd_xx(Assembler *a, Xmm d, Xmm s);
void asm_andnpd_xm(Assembler *a, Xmm d, Mem s);
void asm_andnps_xx(Assembler *a, Xmm d, Xmm s);
void asm_andnps_xm(Assembler *a, Xmm d, Mem s);
void asm_orpd_xx(Assembler *a, Xmm d, Xmm s);
void asm_orpd_xm(Assembler *a, Xmm d, Mem s);
void asm_orps_xx(Assembler *a, Xmm d, Xmm s);
void asm_orps_xm(Assembler *a, Xmm d, Mem s);
void asm_xorpd_xx(Assembler *a, Xmm d, Xmm s);
void asm_xorpd_xm(Assembler *a, Xmm d, Mem s);
void asm_xorps_xx(Assembler *a, Xmm d, Xmm s);
void asm_xorps_xm(Assembler *a, Xmm d, Mem s);
void asm_pand_xx(Assembler *a, Xmm d, Xmm s);
void asm_pand_xm(Assembler *a, Xmm d, Mem s);
void asm_pandn_xx(Assembler *a, Xmm d, Xmm s);
void asm_pandn_xm(Assembler *a, Xmm d, Mem s);
void asm_por_xx(Assembler *a, Xmm d, Xmm s);
void asm_por_xm(Assembler *a, Xmm d, Mem s);
void asm_pxor_xx(Assembler *a, Xmm d, Xmm s);
void asm_pxor_xm(Assembler *a, Xmm d, Mem s);

// SSE: comparison. ucomis and comis set ZF, PF and CF like an unsigned cmp; unordered sets all three.
// cmpXX writes a mask of all ones or all zeros.
void asm_ucomisd_xx(Assembler *a, Xmm d, Xmm s);
void asm_ucomisd_xm(Assembler *a, Xmm d, Mem s);
void asm_comisd_xx(Assembler *a, Xmm d, Xmm s);
void asm_comisd_xm(Assembler *a, Xmm d, Mem s);
void asm_ucomiss_xx(Assembler *a, Xmm d, Xmm s);
void asm_ucomiss_xm(Assembler *a, Xmm d, Mem s);
void asm_comiss_xx(Assembler *a, Xmm d, Xmm s);
void asm_comiss_xm(Assembler *a, Xmm d, Mem s);
void asm_cmpsd_xxi(Assembler *a, Xmm d, Xmm s, FpCompare how);
void asm_cmpsd_xmi(Assembler *a, Xmm d, Mem s, FpCompare how);
void asm_cmpss_xxi(Assembler *a, Xmm d, Xmm s, FpCompare how);
void asm_cmpss_xmi(Assembler *a, Xmm d, Mem s, FpCompare how);
void asm_cmppd_xxi(Assembler *a, Xmm d, Xmm s, FpCompare how);
void asm_cmppd_xmi(Assembler *a, Xmm d, Mem s, FpCompare how);
void asm_cmpps_xxi(Assembler *a, Xmm d, Xmm s, FpCompare how);
void asm_cmpps_xmi(Assembler *a, Xmm d, Mem s, FpCompare how);
void asm_ptest_xx(Assembler *a, Xmm d, Xmm s);
void asm_ptest_xm(Assembler *a, Xmm d, Mem s);
void asm_movmskpd_rx(Assembler *a, Reg d, Xmm s);
void asm_movmskps_rx(Assembler *a, Reg d, Xmm s);
void asm_pmovmskb_rx(Assembler *a, Reg d, Xmm s);

// SSE: conversions. cvtt truncates; cvt rounds as MXCSR says. What does not fit becomes the sign bit alone.
void asm_cvtsi2sd_xr(Assembler *a, Xmm d, Reg s);
void asm_cvtsi2sd_xm(Assembler *a, Xmm d, Mem s);
void asm_cvtsi2sd32_xr(Assembler *a, Xmm d, Reg s);
void asm_cvtsi2sd32_xm(Assembler *a, Xmm d, Mem s);
void asm_cvttsd2si_rx(Assembler *a, Reg d, Xmm s);
void asm_cvttsd2si_rm(Assembler *a, Reg d, Mem s);
void asm_cvttsd2si32_rx(Assembler *a, Reg d, Xmm s);
void asm_cvttsd2si32_rm(Assembler *a, Reg d, Mem s);
void asm_cvtsd2si_rx(Assembler *a, Reg d, Xmm s);
void asm_cvtsd2si_rm(Assembler *a, Reg d, Mem s);
void asm_cvtsd2si32_rx(Assembler *a, Reg d, Xmm s);
void asm_cvtsd2si32_rm(Assembler *a, Reg d, Mem s);
void asm_cvtsi2ss_xr(Assembler *a, Xmm d, Reg s);
void asm_cvtsi2ss_xm(Assembler *a, Xmm d, Mem s);
void asm_cvtsi2ss32_xr(Assembler *a, Xmm d, Reg s);
void asm_cvtsi2ss32_xm(Assembler *a, Xmm d, Mem s);
void asm_cvttss2si_rx(Assembler *a, Reg d, Xmm s);
void asm_cvttss2si_rm(Assembler *a, Reg d, Mem s);
void asm_cvttss2si32_rx(Assembler *a, Reg d, Xmm s);
void asm_cvttss2si32_rm(Assembler *a, Reg d, Mem s);
void asm_cvtss2si_rx(Assembler *a, Reg d, Xmm s);
void asm_cvtss2si_rm(Assembler *a, Reg d, Mem s);
void asm_cvtss2si32_rx(Assembler *a, Reg d, Xmm s);
void asm_cvtss2si32_rm(Assembler *a, Reg d, Mem s);
void asm_cvtsd2ss_xx(Assembler *a, Xmm d, Xmm s);
void asm_cvtsd2ss_xm(Assembler *a, Xmm d, Mem s);
void asm_cvtss2sd_xx(Assembler *a, Xmm d, Xmm s);
void asm_cvtss2sd_xm(Assembler *a, Xmm d, Mem s);
void asm_cvtpd2ps_xx(Assembler *a, Xmm d, Xmm s);
void asm_cvtpd2ps_xm(Assembler *a, Xmm d, Mem s);
void asm_cvtps2pd_xx(Assembler *a, Xmm d, Xmm s);
void asm_cvtps2pd_xm(Assembler *a, Xmm d, Mem s);
void asm_cvtdq2pd_xx(Assembler *a, Xmm d, Xmm s);
void asm_cvtdq2pd_xm(Assembler *a, Xmm d, Mem s);
void asm_cvttpd2dq_xx(Assembler *a, Xmm d, Xmm s);
void asm_cvttpd2dq_xm(Assembler *a, Xmm d, Mem s);
void asm_cvtpd2dq_xx(Assembler *a, Xmm d, Xmm s);
void asm_cvtpd2dq_xm(Assembler *a, Xmm d, Mem s);
void asm_cvtdq2ps_xx(Assembler *a, Xmm d, Xmm s);
void asm_cvtdq2ps_xm(Assembler *a, Xmm d, Mem s);
void asm_cvttps2dq_xx(Assembler *a, Xmm d, Xmm s);
void asm_cvttps2dq_xm(Assembler *a, Xmm d, Mem s);
void asm_cvtps2dq_xx(Assembler *a, Xmm d, Xmm s);
void asm_cvtps2dq_xm(Assembler *a, Xmm d, Mem s);

// SSE4.1: rounding (how: enum Rounding).
void asm_roundps_xxi(Assembler *a, Xmm d, Xmm s, unsigned how);
void asm_roundps_xmi(Assembler *a, Xmm d, Mem s, unsigned how);
void asm_roundpd_xxi(Assembler *a, Xmm d, Xmm s, unsigned how);
void asm_roundpd_xmi(Assembler *a, Xmm d, Mem s, unsigned how);
void asm_roundss_xxi(Assembler *a, Xmm d, Xmm s, unsigned how);
void asm_roundss_xmi(Assembler *a, Xmm d, Mem s, unsigned how);
void asm_roundsd_xxi(Assembler *a, Xmm d, Xmm s, unsigned how);
void asm_roundsd_xmi(Assembler *a, Xmm d, Mem s, unsigned how);

// SSE: shuffles and blends. The variable blends take their mask from XMM0.
void asm_unpcklpd_xx(Assembler *a, Xmm d, Xmm s);
void asm_unpcklpd_xm(Assembler *a, Xmm d, Mem s);
void asm_unpckhpd_xx(Assembler *a, Xmm d, Xmm s);
void asm_unpckhpd_xm(Assembler *a, Xmm d, Mem s);
void asm_shufpd_xxi(Assembler *a, Xmm d, Xmm s, unsigned imm);
void asm_shufpd_xmi(Assembler *a, Xmm d, Mem s, unsigned imm);
void asm_unpcklps_xx(Assembler *a, Xmm d, Xmm s);
void asm_unpcklps_xm(Assembler *a, Xmm d, Mem s);
void asm_unpckhps_xx(Assembler *a, Xmm d, Xmm s);
void asm_unpckhps_xm(Assembler *a, Xmm d, Mem s);
void asm_shufps_xxi(Assembler *a, Xmm d, Xmm s, unsigned imm);
void asm_shufps_xmi(Assembler *a, Xmm d, Mem s, unsigned imm);
void asm_pshufd_xxi(Assembler *a, Xmm d, Xmm s, unsigned imm);
void asm_pshufd_xmi(Assembler *a, Xmm d, Mem s, unsigned imm);
void asm_pshuflw_xxi(Assembler *a, Xmm d, Xmm s, unsigned imm);
void asm_pshuflw_xmi(Assembler *a, Xmm d, Mem s, unsigned imm);
void asm_pshufhw_xxi(Assembler *a, Xmm d, Xmm s, unsigned imm);
void asm_pshufhw_xmi(Assembler *a, Xmm d, Mem s, unsigned imm);
void asm_pshufb_xx(Assembler *a, Xmm d, Xmm s);
void asm_pshufb_xm(Assembler *a, Xmm d, Mem s);
void asm_palignr_xxi(Assembler *a, Xmm d, Xmm s, unsigned imm);
void asm_palignr_xmi(Assembler *a, Xmm d, Mem s, unsigned imm);
void asm_punpcklbw_xx(Assembler *a, Xmm d, Xmm s);
void asm_punpcklbw_xm(Assembler *a, Xmm d, Mem s);
void asm_punpcklwd_xx(Assembler *a, Xmm d, Xmm s);
void asm_punpcklwd_xm(Assembler *a, Xmm d, Mem s);
void asm_punpckldq_xx(Assembler *a, Xmm d, Xmm s);
void asm_punpckldq_xm(Assembler *a, Xmm d, Mem s);
void asm_punpcklqdq_xx(Assembler *a, Xmm d, Xmm s);
void asm_punpcklqdq_xm(Assembler *a, Xmm d, Mem s);
void asm_punpckhbw_xx(Assembler *a, Xmm d, Xmm s);
void asm_punpckhbw_xm(Assembler *a, Xmm d, Mem s);
void asm_punpckhwd_xx(Assembler *a, Xmm d, Xmm s);
void asm_punpckhwd_xm(Assembler *a, Xmm d, Mem s);
void asm_punpckhdq_xx(Assembler *a, Xmm d, Xmm s);
void asm_punpckhdq_xm(Assembler *a, Xmm d, Mem s);
void asm_punpckhqdq_xx(Assembler *a, Xmm d, Xmm s);
void asm_punpckhqdq_xm(Assembler *a, Xmm d, Mem s);
void asm_packsswb_xx(Assembler *a, Xmm d, Xmm s);
void asm_packsswb_xm(Assembler *a, Xmm d, Mem s);
void asm_packssdw_xx(Assembler *a, Xmm d, Xmm s);
void asm_packssdw_xm(Assembler *a, Xmm d, Mem s);
void asm_packuswb_xx(Assembler *a, Xmm d, Xmm s);
void asm_packuswb_xm(Assembler *a, Xmm d, Mem s);
void asm_packusdw_xx(Assembler *a, Xmm d, Xmm s);
void asm_packusdw_xm(Assembler *a, Xmm d, Mem s);
void asm_blendps_xxi(Assembler *a, Xmm d, Xmm s, unsigned imm);
void asm_blendps_xmi(Assembler *a, Xmm d, Mem s, unsigned imm);
void asm_blendpd_xxi(Assembler *a, Xmm d, Xmm s, unsigned imm);
void asm_blendpd_xmi(Assembler *a, Xmm d, Mem s, unsigned imm);
void asm_pblendw_xxi(Assembler *a, Xmm d, Xmm s, unsigned imm);
void asm_pblendw_xmi(Assembler *a, Xmm d, Mem s, unsigned imm);
void asm_pblendvb_xx(Assembler *a, Xmm d, Xmm s);
void asm_pblendvb_xm(Assembler *a, Xmm d, Mem s);
void asm_blendvps_xx(Assembler *a, Xmm d, Xmm s);
void asm_blendvps_xm(Assembler *a, Xmm d, Mem s);
void asm_blendvpd_xx(Assembler *a, Xmm d, Xmm s);
void asm_blendvpd_xm(Assembler *a, Xmm d, Mem s);

// SSE: moves between a lane and a general-purpose register or memory.
void asm_pextrb_rxi(Assembler *a, Reg d, Xmm s, unsigned lane);
void asm_pextrb_mxi(Assembler *a, Mem d, Xmm s, unsigned lane);
void asm_pextrd_rxi(Assembler *a, Reg d, Xmm s, unsigned lane);
void asm_pextrd_mxi(Assembler *a, Mem d, Xmm s, unsigned lane);
void asm_pextrq_rxi(Assembler *a, Reg d, Xmm s, unsigned lane);
void asm_pextrq_mxi(Assembler *a, Mem d, Xmm s, unsigned lane);
void asm_pextrw_rxi(Assembler *a, Reg d, Xmm s, unsigned lane);
void asm_pextrw_mxi(Assembler *a, Mem d, Xmm s, unsigned lane);
void asm_pinsrb_xri(Assembler *a, Xmm d, Reg s, unsigned lane);
void asm_pinsrb_xmi(Assembler *a, Xmm d, Mem s, unsigned lane);
void asm_pinsrw_xri(Assembler *a, Xmm d, Reg s, unsigned lane);
void asm_pinsrw_xmi(Assembler *a, Xmm d, Mem s, unsigned lane);
void asm_pinsrd_xri(Assembler *a, Xmm d, Reg s, unsigned lane);
void asm_pinsrd_xmi(Assembler *a, Xmm d, Mem s, unsigned lane);
void asm_pinsrq_xri(Assembler *a, Xmm d, Reg s, unsigned lane);
void asm_pinsrq_xmi(Assembler *a, Xmm d, Mem s, unsigned lane);

// SSE: packed integers. b: sixteen bytes, w: eight words, d: four 32-bit, q: two 64-bit lanes.
void asm_paddb_xx(Assembler *a, Xmm d, Xmm s);
void asm_paddb_xm(Assembler *a, Xmm d, Mem s);
void asm_paddw_xx(Assembler *a, Xmm d, Xmm s);
void asm_paddw_xm(Assembler *a, Xmm d, Mem s);
void asm_paddd_xx(Assembler *a, Xmm d, Xmm s);
void asm_paddd_xm(Assembler *a, Xmm d, Mem s);
void asm_paddq_xx(Assembler *a, Xmm d, Xmm s);
void asm_paddq_xm(Assembler *a, Xmm d, Mem s);
void asm_psubb_xx(Assembler *a, Xmm d, Xmm s);
void asm_psubb_xm(Assembler *a, Xmm d, Mem s);
void asm_psubw_xx(Assembler *a, Xmm d, Xmm s);
void asm_psubw_xm(Assembler *a, Xmm d, Mem s);
void asm_psubd_xx(Assembler *a, Xmm d, Xmm s);
void asm_psubd_xm(Assembler *a, Xmm d, Mem s);
void asm_psubq_xx(Assembler *a, Xmm d, Xmm s);
void asm_psubq_xm(Assembler *a, Xmm d, Mem s);
void asm_paddsb_xx(Assembler *a, Xmm d, Xmm s);
void asm_paddsb_xm(Assembler *a, Xmm d, Mem s);
void asm_paddsw_xx(Assembler *a, Xmm d, Xmm s);
void asm_paddsw_xm(Assembler *a, Xmm d, Mem s);
void asm_paddusb_xx(Assembler *a, Xmm d, Xmm s);
void asm_paddusb_xm(Assembler *a, Xmm d, Mem s);
void asm_paddusw_xx(Assembler *a, Xmm d, Xmm s);
void asm_paddusw_xm(Assembler *a, Xmm d, Mem s);
void asm_psubsb_xx(Assembler *a, Xmm d, Xmm s);
void asm_psubsb_xm(Assembler *a, Xmm d, Mem s);
void asm_psubsw_xx(Assembler *a, Xmm d, Xmm s);
void asm_psubsw_xm(Assembler *a, Xmm d, Mem s);
void asm_psubusb_xx(Assembler *a, Xmm d, Xmm s);
void asm_psubusb_xm(Assembler *a, Xmm d, Mem s);
void asm_psubusw_xx(Assembler *a, Xmm d, Xmm s);
void asm_psubusw_xm(Assembler *a, Xmm d, Mem s);
void asm_pmullw_xx(Assembler *a, Xmm d, Xmm s);
void asm_pmullw_xm(Assembler *a, Xmm d, Mem s);
void asm_pmulhw_xx(Assembler *a, Xmm d, Xmm s);
void asm_pmulhw_xm(Assembler *a, Xmm d, Mem s);
void asm_pmulhuw_xx(Assembler *a, Xmm d, Xmm s);
void asm_pmulhuw_xm(Assembler *a, Xmm d, Mem s);
void asm_pmulld_xx(Assembler *a, Xmm d, Xmm s);
void asm_pmulld_xm(Assembler *a, Xmm d, Mem s);
void asm_pmuludq_xx(Assembler *a, Xmm d, Xmm s);
void asm_pmuludq_xm(Assembler *a, Xmm d, Mem s);
void asm_pmuldq_xx(Assembler *a, Xmm d, Xmm s);
void asm_pmuldq_xm(Assembler *a, Xmm d, Mem s);
void asm_pmaddwd_xx(Assembler *a, Xmm d, Xmm s);
void asm_pmaddwd_xm(Assembler *a, Xmm d, Mem s);
void asm_psadbw_xx(Assembler *a, Xmm d, Xmm s);
void asm_psadbw_xm(Assembler *a, Xmm d, Mem s);
void asm_phaddd_xx(Assembler *a, Xmm d, Xmm s);
void asm_phaddd_xm(Assembler *a, Xmm d, Mem s);
void asm_pcmpeqb_xx(Assembler *a, Xmm d, Xmm s);
void asm_pcmpeqb_xm(Assembler *a, Xmm d, Mem s);
void asm_pcmpeqw_xx(Assembler *a, Xmm d, Xmm s);
void asm_pcmpeqw_xm(Assembler *a, Xmm d, Mem s);
void asm_pcmpeqd_xx(Assembler *a, Xmm d, Xmm s);
void asm_pcmpeqd_xm(Assembler *a, Xmm d, Mem s);
void asm_pcmpeqq_xx(Assembler *a, Xmm d, Xmm s);
void asm_pcmpeqq_xm(Assembler *a, Xmm d, Mem s);
void asm_pcmpgtb_xx(Assembler *a, Xmm d, Xmm s);
void asm_pcmpgtb_xm(Assembler *a, Xmm d, Mem s);
void asm_pcmpgtw_xx(Assembler *a, Xmm d, Xmm s);
void asm_pcmpgtw_xm(Assembler *a, Xmm d, Mem s);
void asm_pcmpgtd_xx(Assembler *a, Xmm d, Xmm s);
void asm_pcmpgtd_xm(Assembler *a, Xmm d, Mem s);
void asm_pcmpgtq_xx(Assembler *a, Xmm d, Xmm s);
void asm_pcmpgtq_xm(Assembler *a, Xmm d, Mem s);
void asm_pminsb_xx(Assembler *a, Xmm d, Xmm s);
void asm_pminsb_xm(Assembler *a, Xmm d, Mem s);
void asm_pminsw_xx(Assembler *a, Xmm d, Xmm s);
void asm_pminsw_xm(Assembler *a, Xmm d, Mem s);
void asm_pminsd_xx(Assembler *a, Xmm d, Xmm s);
void asm_pminsd_xm(Assembler *a, Xmm d, Mem s);
void asm_pminub_xx(Assembler *a, Xmm d, Xmm s);
void asm_pminub_xm(Assembler *a, Xmm d, Mem s);
void asm_pminuw_xx(Assembler *a, Xmm d, Xmm s);
void asm_pminuw_xm(Assembler *a, Xmm d, Mem s);
void asm_pminud_xx(Assembler *a, Xmm d, Xmm s);
void asm_pminud_xm(Assembler *a, Xmm d, Mem s);
void asm_pmaxsb_xx(Assembler *a, Xmm d, Xmm s);
void asm_pmaxsb_xm(Assembler *a, Xmm d, Mem s);
void asm_pmaxsw_xx(Assembler *a, Xmm d, Xmm s);
void asm_pmaxsw_xm(Assembler *a, Xmm d, Mem s);
void asm_pmaxsd_xx(Assembler *a, Xmm d, Xmm s);
void asm_pmaxsd_xm(Assembler *a, Xmm d, Mem s);
void asm_pmaxub_xx(Assembler *a, Xmm d, Xmm s);
void asm_pmaxub_xm(Assembler *a, Xmm d, Mem s);
void asm_pmaxuw_xx(Assembler *a, Xmm d, Xmm s);
void asm_pmaxuw_xm(Assembler *a, Xmm d, Mem s);
void asm_pmaxud_xx(Assembler *a, Xmm d, Xmm s);
void asm_pmaxud_xm(Assembler *a, Xmm d, Mem s);
void asm_pabsb_xx(Assembler *a, Xmm d, Xmm s);
void asm_pabsb_xm(Assembler *a, Xmm d, Mem s);
void asm_pabsw_xx(Assembler *a, Xmm d, Xmm s);
void asm_pabsw_xm(Assembler *a, Xmm d, Mem s);
void asm_pabsd_xx(Assembler *a, Xmm d, Xmm s);
void asm_pabsd_xm(Assembler *a, Xmm d, Mem s);

// SSE: packed shifts. The count is an immediate or the low half of xmm/m128; psrldq and pslldq count bytes.
void asm_psllw_xx(Assembler *a, Xmm d, Xmm s);
void asm_psllw_xm(Assembler *a, Xmm d, Mem s);
void asm_psllw_xi(Assembler *a, Xmm d, unsigned n);
void asm_pslld_xx(Assembler *a, Xmm d, Xmm s);
void asm_pslld_xm(Assembler *a, Xmm d, Mem s);
void asm_pslld_xi(Assembler *a, Xmm d, unsigned n);
void asm_psllq_xx(Assembler *a, Xmm d, Xmm s);
void asm_psllq_xm(Assembler *a, Xmm d, Mem s);
void asm_psllq_xi(Assembler *a, Xmm d, unsigned n);
void asm_psrlw_xx(Assembler *a, Xmm d, Xmm s);
void asm_psrlw_xm(Assembler *a, Xmm d, Mem s);
void asm_psrlw_xi(Assembler *a, Xmm d, unsigned n);
void asm_psrld_xx(Assembler *a, Xmm d, Xmm s);
void asm_psrld_xm(Assembler *a, Xmm d, Mem s);
void asm_psrld_xi(Assembler *a, Xmm d, unsigned n);
void asm_psrlq_xx(Assembler *a, Xmm d, Xmm s);
void asm_psrlq_xm(Assembler *a, Xmm d, Mem s);
void asm_psrlq_xi(Assembler *a, Xmm d, unsigned n);
void asm_psraw_xx(Assembler *a, Xmm d, Xmm s);
void asm_psraw_xm(Assembler *a, Xmm d, Mem s);
void asm_psraw_xi(Assembler *a, Xmm d, unsigned n);
void asm_psrad_xx(Assembler *a, Xmm d, Xmm s);
void asm_psrad_xm(Assembler *a, Xmm d, Mem s);
void asm_psrad_xi(Assembler *a, Xmm d, unsigned n);
void asm_psrldq_xi(Assembler *a, Xmm d, unsigned n);
void asm_pslldq_xi(Assembler *a, Xmm d, unsigned n);

// SSE4.1: widening, with the sign or with zeros.
void asm_pmovsxbw_xx(Assembler *a, Xmm d, Xmm s);
void asm_pmovsxbw_xm(Assembler *a, Xmm d, Mem s);
void asm_pmovsxbd_xx(Assembler *a, Xmm d, Xmm s);
void asm_pmovsxbd_xm(Assembler *a, Xmm d, Mem s);
void asm_pmovsxbq_xx(Assembler *a, Xmm d, Xmm s);
void asm_pmovsxbq_xm(Assembler *a, Xmm d, Mem s);
void asm_pmovsxwd_xx(Assembler *a, Xmm d, Xmm s);
void asm_pmovsxwd_xm(Assembler *a, Xmm d, Mem s);
void asm_pmovsxwq_xx(Assembler *a, Xmm d, Xmm s);
void asm_pmovsxwq_xm(Assembler *a, Xmm d, Mem s);
void asm_pmovsxdq_xx(Assembler *a, Xmm d, Xmm s);
void asm_pmovsxdq_xm(Assembler *a, Xmm d, Mem s);
void asm_pmovzxbw_xx(Assembler *a, Xmm d, Xmm s);
void asm_pmovzxbw_xm(Assembler *a, Xmm d, Mem s);
void asm_pmovzxbd_xx(Assembler *a, Xmm d, Xmm s);
void asm_pmovzxbd_xm(Assembler *a, Xmm d, Mem s);
void asm_pmovzxbq_xx(Assembler *a, Xmm d, Xmm s);
void asm_pmovzxbq_xm(Assembler *a, Xmm d, Mem s);
void asm_pmovzxwd_xx(Assembler *a, Xmm d, Xmm s);
void asm_pmovzxwd_xm(Assembler *a, Xmm d, Mem s);
void asm_pmovzxwq_xx(Assembler *a, Xmm d, Xmm s);
void asm_pmovzxwq_xm(Assembler *a, Xmm d, Mem s);
void asm_pmovzxdq_xx(Assembler *a, Xmm d, Xmm s);
void asm_pmovzxdq_xm(Assembler *a, Xmm d, Mem s);

#endif
