// Which locals does the bytecode still read? What nobody reads any more need not be in a frame state.
//
// Use: live_locals_find; then, for each block, live_locals_enter, and live_locals_pass for each of its
// instructions in order.
#ifndef IR_LIVE_LOCALS_H
#define IR_LIVE_LOCALS_H

#include "ir/ir.h"

typedef struct LiveLocals {
    const Ir *ir;        // with blocks and edges; instructions need not be there
    const uint32_t *end; // for each block: the bytecode behind its last
    uint32_t words;      // of a set: a bit for each local
    uint64_t *at_begin;  // for each block: the locals that are live there
    bool *survives;      // for each bytecode that reads or writes a local: is that live behind it?
    uint64_t *now;       // the set in front of the current bytecode
    uint64_t *behind;    // the set behind a block
    int64_t budget;      // steps that may still be taken
} LiveLocals;

// Analyse the function. The memory is the arena's. Returns false if that would take too long.
bool live_locals_find(LiveLocals *live, const Ir *ir, const uint32_t *end, Arena *arena);

// From now on, live_locals_has answers for the block's beginning ...
void live_locals_enter(LiveLocals *live, uint32_t block);

// ... and then for what comes behind this bytecode.
void live_locals_pass(LiveLocals *live, uint32_t pc);

static inline bool live_locals_has(const LiveLocals *live, uint32_t local) {
    return live->now[local / 64] >> local % 64 & 1;
}

#endif
