// Parallel moves: many locations take the values of many others, all at once.
//
// "rdi <- rsi, rsi <- rdi" swaps the two, but as two MOV instructions one after the other it would
// not. Calls need this (arguments go to fixed registers that may hold other arguments), and so do
// function entries and control-flow joins.
//
// Method: a destination is written once no pending move reads it any more. What then is left are
// cycles, and a cycle becomes shorter by swapping a destination with its source. The moves as a graph are
// from Rideau, Serpette, Leroy, "Tilting at Windmills with Coq: Formal Verification of a Compilation
// Algorithm for Parallel Moves", 2008, where a temporary register breaks the cycle instead.
#ifndef BACKEND_PARALLEL_MOVE_H
#define BACKEND_PARALLEL_MOVE_H

#include "asm/asm.h"
#include "backend/regalloc.h"

// The source or destination of a move.
typedef struct Place {
    enum { PLACE_REG, PLACE_MEM, PLACE_IMM } kind;
    Reg reg;     // PLACE_REG
    Mem mem;     // PLACE_MEM: base must be RBP or RSP, which no move writes. (A swap of two such places
                 // pushes and pops; POP computes its address when RSP is back: SDM vol. 2, "POP")
    int64_t imm; // PLACE_IMM: a source only
} Place;

static inline Place place_reg(Reg reg) { return (Place){.kind = PLACE_REG, .reg = reg}; }
static inline Place place_mem(Mem m) { return (Place){.kind = PLACE_MEM, .mem = m}; }
static inline Place place_imm(int64_t imm) { return (Place){.kind = PLACE_IMM, .imm = imm}; }

bool same_place(Place a, Place b);

typedef struct ParallelMove {
    Place d, s;
} ParallelMove;

// Emit the moves. No two may have the same destination, and none may read or write `scratch`, which
// is destroyed. Places are equal only if they are spelled equally: the same memory must not be
// named once through RBP and once through RSP. Time: O(n log n) for n moves.
void parallel_move(Assembler *a, const ParallelMove *moves, size_t count, Reg scratch);

#endif
