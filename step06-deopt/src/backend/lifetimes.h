// Lifetimes: where each virtual register is live, and where it is used.
//
// Positions are those of regalloc.h. A range [from, to) that ends with a read of instruction i has to =
// 2i + 1, so that what i writes, from 2i + 1 on, may take over the register.
#ifndef BACKEND_LIFETIMES_H
#define BACKEND_LIFETIMES_H

#include "backend/liveness.h"
#include "backend/regalloc.h"

// What exits read is live, but no use: memory is as good, and as long as bets are won nobody asks for it.
typedef enum UseKind {
    USE_REG,      // an operand of an instruction: better in a register
    USE_ANY,      // the source of a move, an argument of a call or a phi: memory is as good
    USE_LOOP_END, // no use, but a reminder: the loop that ends here uses it when it comes round again
} UseKind;

typedef struct LiveUse {
    uint32_t position;
    UseKind kind;
} LiveUse;

typedef struct Lifetimes {
    LiveRange *ranges;     // of register v: ranges[first_range[v] .. first_range[v + 1]), in order, apart
    uint32_t *first_range; // (owned by the allocator)
    LiveUse *uses;         // likewise: of register v, in order
    uint32_t *first_use;
    uint32_t *def;      // for each register: the position where it is written
    uint32_t *block_of; // for each instruction
    Liveness liveness;
    Arena arena;
} Lifetimes;

// The builder of the paper: one walk against the order of blocks, ranges growing towards the front. Returns
// false, with nothing to free, where liveness_compute does. Ranges go to `results`; the rest is freed by
// lifetimes_free.
bool lifetimes_build(Lifetimes *lifetimes, const Lir *lir, Arena *results);
void lifetimes_free(Lifetimes *lifetimes);

// Does a block begin at this position?
bool lifetimes_at_block_start(const Lifetimes *lifetimes, const Lir *lir, uint32_t position);

#endif
