// A small x86-64 assembler: one C function for each instruction form that step 1 emits.
//
// Operands stand in Intel order, destination first. The suffix of a name tells the kinds of its
// operands: r a register, m memory, i an immediate, so asm_mov_rm is "mov register, memory".
// Operations are 64 bits wide unless the name says otherwise.
//
// Invariant: every emitted byte belongs to a whole instruction. When the limit is reached, the
// assembler records a sticky error, emits nothing more, and the caller looks once, at the end.
//
// From step 2 on, the steps link common/asm: the same interface with the whole instruction set.
// Encoding: Intel SDM volume 2, chapter 2 ("Instruction Format").
#ifndef ASM_ASM_H
#define ASM_ASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The number of a register is its encoding (SDM vol. 2, table 2-2).
typedef enum Reg {
    RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI,
    R8, R9, R10, R11, R12, R13, R14, R15,
} Reg;

// Conditions of jcc and setcc; the number is the low nibble of the opcode (SDM vol. 2, B.1.4.7).
typedef enum Cond {
    CC_O, CC_NO, CC_B, CC_AE, CC_E, CC_NE, CC_BE, CC_A,
    CC_S, CC_NS, CC_P, CC_NP, CC_L, CC_GE, CC_LE, CC_G,
} Cond;

// The condition that holds exactly when `cc` does not.
static inline Cond cond_negate(Cond cc) { return (Cond)(cc ^ 1); }

// A memory operand: the 64 bits at [base + disp].
typedef struct Mem {
    Reg base;
    int32_t disp;
} Mem;

static inline Mem mem(Reg base, int32_t disp) { return (Mem){base, disp}; }

// A position in the code. Jumps may name it before or after it is bound, any number of times.
// A label that is used but never bound is a bug: asm_finish aborts.
typedef struct Label {
    int32_t position; // offset of the bound label in the code, or -1
    int32_t uses;     // the newest use that waits for asm_bind (an index into fixups), or -1
} Label;

#define LABEL_INIT ((Label){.position = -1, .uses = -1})

typedef enum AsmError {
    ASM_OK,
    ASM_FULL, // the code would be longer than the limit given to asm_init
} AsmError;

// A 4-byte distance field that waits until its label is bound.
typedef struct Fixup {
    uint32_t at;  // offset of the field
    int32_t next; // the next older use of the same label, or -1
} Fixup;

// A field that depends on where the code will run; asm_relocate fills it in.
typedef struct Reloc {
    enum { RELOC_REL32, RELOC_ABS64 } kind;
    uint32_t at;     // offset of the field
    uint64_t target; // REL32: an address outside of the code; ABS64: an offset into the code
} Reloc;

typedef struct Assembler {
    uint8_t *code; // owned; valid until asm_free
    size_t size, cap_code, limit;
    AsmError error;
    Fixup *fixups;
    size_t num_fixups, cap_fixups;
    Reloc *relocs;
    size_t num_relocs, cap_relocs;
    size_t unbound_uses; // fixups that no asm_bind has resolved yet
} Assembler;

// Start an empty piece of code of at most `limit` bytes (at most INT32_MAX counts).
void asm_init(Assembler *a, size_t limit);
void asm_free(Assembler *a);

// The offset at which the next instruction will start.
static inline uint32_t asm_offset(const Assembler *a) { return (uint32_t)a->size; }

// The label now means the next instruction. Binding a label twice aborts.
void asm_bind(Assembler *a, Label *label);

// Check once, at the end. Returns false if the sticky error is set (the code is incomplete and
// must be thrown away). Aborts if a label was used and never bound.
bool asm_finish(Assembler *a);

// Fill in every relocation for code that will run at `address`. Returns false if a REL32 target
// lies more than 2 GiB away from it.
bool asm_relocate(Assembler *a, uint64_t address);

// Moves.
void asm_mov_rr(Assembler *a, Reg d, Reg s);
void asm_mov_ri(Assembler *a, Reg d, int64_t imm); // the shortest of three encodings
void asm_mov_rm(Assembler *a, Reg d, Mem s);
void asm_mov_mr(Assembler *a, Mem d, Reg s);
void asm_mov_rl(Assembler *a, Reg d, Label *bound); // the label's address; it must be bound
void asm_lea_rm(Assembler *a, Reg d, Mem s);
void asm_movzx8_rr(Assembler *a, Reg d, Reg s);
void asm_push_r(Assembler *a, Reg s);
void asm_push_m(Assembler *a, Mem s);
void asm_pop_r(Assembler *a, Reg d);

// Arithmetic.
void asm_add_rr(Assembler *a, Reg d, Reg s);
void asm_add_ri(Assembler *a, Reg d, int32_t imm);
void asm_sub_rr(Assembler *a, Reg d, Reg s);
void asm_sub_ri(Assembler *a, Reg d, int32_t imm);
void asm_and_ri(Assembler *a, Reg d, int32_t imm);
void asm_imul_rr(Assembler *a, Reg d, Reg s);
void asm_neg_r(Assembler *a, Reg d);
void asm_cqo(Assembler *a);
void asm_idiv_r(Assembler *a, Reg s);

// Comparison. asm_setcc_r writes the low byte of d only.
void asm_cmp_rr(Assembler *a, Reg l, Reg r);
void asm_cmp_ri(Assembler *a, Reg l, int32_t imm);
void asm_cmp_rm(Assembler *a, Reg l, Mem r);
void asm_test_rr(Assembler *a, Reg l, Reg r);
void asm_setcc_r(Assembler *a, Cond cc, Reg d);

// Control flow. The _abs forms reach a fixed address through a REL32 relocation.
void asm_jmp(Assembler *a, Label *target);
void asm_jcc(Assembler *a, Cond cc, Label *target);
void asm_jmp_abs(Assembler *a, const void *target);
void asm_call_r(Assembler *a, Reg target);
void asm_call_m(Assembler *a, Mem target);
void asm_leave(Assembler *a);
void asm_ret(Assembler *a);

#endif
