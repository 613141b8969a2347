// Liveness: which virtual registers hold a value that some path still reads.
#ifndef BACKEND_LIVENESS_H
#define BACKEND_LIVENESS_H

#include "backend/lir.h"

// One bit for each global register, for each block. Temps live inside of one block only.
typedef struct Liveness {
    size_t num_words;             // 64-bit words for one block
    uint64_t *live_in, *live_out; // [block * num_words + global / 64]
    Arena arena;
} Liveness;

// Solve live_in = reads-before-writes | (live_out & ~writes), live_out = union of the successors'
// live_in (Aho, Lam, Sethi, Ullman, "Compilers", 2nd ed., section 9.2.5). Blocks are visited in
// postorder, so that without loops one pass is enough. Returns false, with nothing to free, if the
// sets would be too large or the passes too many.
bool liveness_compute(Liveness *liveness, const Lir *lir);
void liveness_free(Liveness *liveness);

#endif
