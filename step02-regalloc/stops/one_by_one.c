// Stand-in for the parallel moves: one after the other. Right only as long as no move reads a place
// that an earlier one has written.
// Until stop 5: src/backend/parallel_move.c
#include "backend/parallel_move.h"

static void emit_move(Assembler *a, Place d, Place s, Reg scratch) {
    if (d.kind == PLACE_REG) {
        if (s.kind == PLACE_REG) asm_mov_rr(a, d.reg, s.reg);
        if (s.kind == PLACE_MEM) asm_mov_rm(a, d.reg, s.mem);
        if (s.kind == PLACE_IMM) asm_mov_ri(a, d.reg, s.imm);
    } else if (s.kind == PLACE_REG) {
        asm_mov_mr(a, d.mem, s.reg);
    } else {
        emit_move(a, place_reg(scratch), s, scratch);
        asm_mov_mr(a, d.mem, scratch);
    }
}

void parallel_move(Assembler *a, const ParallelMove *moves, size_t count, Reg scratch) {
    for (size_t i = 0; i < count; i++) emit_move(a, moves[i].d, moves[i].s, scratch);
}
