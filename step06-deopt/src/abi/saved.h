// Who preserves which register: the two halves of the System V calling convention.
//
//   caller-saved   a call may destroy them. The *caller* keeps nothing there that it wants back
//   callee-saved   a call hands them back unchanged. The *callee* saves what it uses, and restores it
//
// Generated code plays both parts: it is the caller of C functions, and it is the callee of C, by way of the enter
// stub. Each part has its own promise, and its own way to break it. (Generated code promises nothing to other
// generated code: see deopt/frame.h.)
// Source: System V ABI, AMD64 supplement, section 3.2.1 and figure 3.4.
#ifndef ABI_SAVED_H
#define ABI_SAVED_H

#include "asm/asm.h"

#define CALLER_SAVED_REGS                                                                            \
    (1u << RAX | 1u << RCX | 1u << RDX | 1u << RSI | 1u << RDI | 1u << R8 | 1u << R9 | 1u << R10 | \
     1u << R11)

// Without RSP and RBP, which every frame restores anyway.
#define CALLEE_SAVED_REGS (1u << RBX | 1u << R12 | 1u << R13 | 1u << R14 | 1u << R15)

enum { NUM_CALLEE_SAVED = 5 };

// How many registers are in a set.
static inline uint32_t count_regs(uint32_t regs) { return (uint32_t)__builtin_popcount(regs); }

// Store the registers of a set, lowest number first, at `base`, base + 8, ... upwards; or load them back.
void emit_save_regs(Assembler *a, uint32_t regs, Mem base);
void emit_restore_regs(Assembler *a, uint32_t regs, Mem base);

// Debug code: give every register of a set, but for RAX, the result, a value that no program uses; R11 is one of them.
void emit_poison_regs(Assembler *a, uint32_t regs);

// The same for all that a call of generated code may destroy.
void emit_poison_caller_saved(Assembler *a);

#endif
