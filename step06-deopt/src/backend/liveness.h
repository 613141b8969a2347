// Liveness: which virtual registers hold a value that some path still reads.
#ifndef BACKEND_LIVENESS_H
#define BACKEND_LIVENESS_H

#include "backend/live_set.h"

typedef struct Liveness {
    LiveSets sets;
    LiveSet *live_in; // for each block: what is live where it begins, but for the results of its phis
    bool *crosses; // for each register: is it ever in a set? Most are written in one block and read nowhere else
    Arena arena;
} Liveness;

// An argument of a phi is read at the end of the block that control comes from; a phi's result is written
// where its own block begins.
// For regular LIR two walks over the blocks suffice, one up and one down (Boissinot, Brandner, Darte,
// Dupont de Dinechin, Rastello, "A Non-iterative Data-flow Algorithm for Computing Liveness Sets in Strict
// SSA Programs", 2011); otherwise walks are repeated until nothing changes. Returns false, with nothing
// to free, if the sets become too large or the walks too many.
bool liveness_compute(Liveness *liveness, const Lir *lir);
void liveness_free(Liveness *liveness);

// What is live where a block ends, with the arguments that its successor's phis read. Valid until the next
// change of a set. The first function leaves out those arguments that live in this block alone.
LiveSet liveness_crossing_out(Liveness *liveness, const Lir *lir, uint32_t block);
LiveSet liveness_out(Liveness *liveness, const Lir *lir, uint32_t block);

#endif
