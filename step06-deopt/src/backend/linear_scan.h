// The parts of register allocation that regalloc.c puts together.
#ifndef BACKEND_LINEAR_SCAN_H
#define BACKEND_LINEAR_SCAN_H

#include "backend/lifetimes.h"
#include "backend/regalloc.h"

// What the allocator believes an instruction to destroy: the truth, unless it is told to trust natives.
RegSet ra_believed_clobbers(const Lir *lir, const LirIns *ins);

// Linear scan with holes and splitting.
// In: ra->pool; ra->intervals, by start; and the same intervals indexed by register, for their hints.
// Out: the pieces, in registers, constants, or slots that have no numbers yet; ra->used; and a location in a
// slot for each register that has such a piece.
void linear_scan(RegisterAllocator *ra, const Lir *lir, const Lifetimes *lifetimes, const LiveInterval *of);

// Find the moves between the pieces, and those that the phis are. Returns false if it would take too long.
bool resolve_moves(RegisterAllocator *ra, const Lir *lir, const Lifetimes *lifetimes);

#endif
