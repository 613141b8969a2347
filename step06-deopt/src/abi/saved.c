#include "abi/saved.h"

#include "deopt/frame.h"

enum { NUM_REGS = 16 };

// "DEAD" in every half: neither a useful integer nor an address that can be read.
static const int64_t POISON = (int64_t)0xDEADDEADDEADDEADu;

void emit_save_regs(Assembler *a, uint32_t regs, Mem base) {
    for (int r = 0; r < NUM_REGS; r++) {
        if (!(regs >> r & 1)) continue;
        asm_mov_mr(a, base, (Reg)r);
        base.disp += 8;
    }
}

void emit_restore_regs(Assembler *a, uint32_t regs, Mem base) {
    for (int r = 0; r < NUM_REGS; r++) {
        if (!(regs >> r & 1)) continue;
        asm_mov_rm(a, (Reg)r, base);
        base.disp += 8;
    }
}

void emit_poison_regs(Assembler *a, uint32_t regs) {
    asm_mov_ri(a, R11, POISON);
    for (int r = 0; r < NUM_REGS; r++)
        if (regs >> r & 1 && r != RAX && r != R11) asm_mov_rr(a, (Reg)r, R11);
}

void emit_poison_caller_saved(Assembler *a) { emit_poison_regs(a, FRAME_CHANGED_REGS); }
