// Random LIR, more crooked than what lir_build makes, and a way to run it that knows nothing of
// registers: what allocated code is compared with.
#ifndef TESTS_RANDOM_LIR_H
#define TESTS_RANDOM_LIR_H

#include "random_program.h"
#include "rig.h"

// The program that random LIR belongs to: main takes four parameters; the others can be called.
Program *random_lir_program(void);

enum { RANDOM_PARAMS = 4 };

typedef struct RandomShape {
    uint32_t max_blocks, max_globals, max_instructions; // the last for each block
    bool calls, divides;
} RandomShape;

extern const RandomShape small_shape, large_shape;

// LIR in which every block can be reached and every register is written before it is read, on all
// paths; but not in SSA form: see random_ssa_lir.h. It may loop forever. Free with lir_free.
Lir random_lir(Random *random, const Program *program, RandomShape shape);

// Run LIR by its definition. Returns false if it takes more than `max_steps`.
bool lir_interpret(Rig *rig, const Lir *lir, const int64_t *args, uint32_t max_steps, Outcome *outcome);

// An integer as a constant of LIR.
int64_t int_imm(int32_t i);

// For tests that make LIR by hand: append to the last block of `lir`.
LirIns *lir_append(Lir *lir, LirOp op);
void lir_append_move(Lir *lir, LirMove move); // to the last instruction
void lir_begin_block(Lir *lir);
void lir_finish(Lir *lir); // sets the blocks' ends and successors

#endif
