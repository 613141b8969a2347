#include "backend/liveness.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_NODES = 1 << 23, // of all sets together: 320 MiB
    MAX_WORK = 1 << 25,  // instructions that may be looked at in all walks together
};

typedef struct Walk {
    Liveness *liveness;
    LiveSet live;
} Walk;

// Which registers matter: those that some block reads and has not written before. The others
// never get into a set (Briggs, Cooper, Harvey, Simpson, "Practical improvements to the construction and
// destruction of static single assignment form", 1998, call them local names).

typedef struct Crossing {
    Liveness *liveness;
    uint32_t *written_in; // for each register: the newest block that writes it
    uint32_t block;
} Crossing;

static void note_crossing(void *context, VReg vreg) {
    const Crossing *c = context;
    if (c->written_in[vreg] != c->block) c->liveness->crosses[vreg] = true;
}

static void note_block(void *context, VReg vreg) {
    const Crossing *c = context;
    c->written_in[vreg] = c->block;
}

static void find_crossing(Liveness *l, const Lir *lir) {
    Crossing c = {l, xmalloc(lir->num_vregs * sizeof *c.written_in), 0};
    l->crosses = arena_array(&l->arena, lir->num_vregs, sizeof *l->crosses);
    for (VReg v = 0; v < lir->num_vregs; v++) c.written_in[v] = NO_BLOCK;
    for (; c.block < lir->num_blocks; c.block++) {
        const LirBlock *block = &lir->blocks[c.block];
        for (uint32_t k = 0; k < block->num_phis; k++) note_block(&c, lir->phis[block->first_phi + k].d);
        for (uint32_t i = block->start; i < block->end; i++) {
            lir_visit_reads(lir, &lir->ins[i], note_crossing, &c);
            lir_visit_writes(lir, &lir->ins[i], note_block, &c);
        }
        lir_visit_phi_args(lir, c.block, note_crossing, &c);
    }
    free(c.written_in);
}

static void note_read(void *context, VReg vreg) {
    Walk *walk = context;
    if (!walk->liveness->crosses[vreg]) return;
    walk->live = live_set_add(&walk->liveness->sets, walk->live, vreg);
}

static void note_write(void *context, VReg vreg) {
    Walk *walk = context;
    if (!walk->liveness->crosses[vreg]) return;
    walk->live = live_set_remove(&walk->liveness->sets, walk->live, vreg);
}

static bool leads_to(const LirBlock *block, uint32_t to) {
    for (uint32_t s = 0; s < block->num_successors; s++)
        if (block->successors[s] == to) return true;
    return false;
}

LiveSet liveness_crossing_out(Liveness *l, const Lir *lir, uint32_t index) {
    const LirBlock *block = &lir->blocks[index];
    Walk walk = {l, 0};
    live_sets_share(&l->sets);
    for (uint32_t s = 0; s < block->num_successors; s++)
        walk.live = live_set_union(&l->sets, walk.live, l->live_in[block->successors[s]]);
    // Only a block that stands among a loop's, but leads out of it, has no such successor.
    if (!lir->irregular && block->loop != NO_BLOCK && !leads_to(block, block->loop))
        walk.live = live_set_union(&l->sets, walk.live, l->live_in[block->loop]);
    live_sets_share(&l->sets);
    lir_visit_phi_args(lir, index, note_read, &walk);
    return walk.live;
}

static void add_phi_arg(void *context, VReg vreg) {
    Walk *walk = context;
    walk->live = live_set_add(&walk->liveness->sets, walk->live, vreg);
}

LiveSet liveness_out(Liveness *l, const Lir *lir, uint32_t index) {
    Walk walk = {l, liveness_crossing_out(l, lir, index)};
    lir_visit_phi_args(lir, index, add_phi_arg, &walk);
    return walk.live;
}

// Recompute the set of one block from those of its successors. Returns whether it has grown.
static bool update(Liveness *l, const Lir *lir, uint32_t index) {
    const LirBlock *block = &lir->blocks[index];
    Walk walk = {l, liveness_crossing_out(l, lir, index)};
    for (uint32_t i = block->end; i-- > block->start;) {
        lir_visit_writes(lir, &lir->ins[i], note_write, &walk);
        lir_visit_reads(lir, &lir->ins[i], note_read, &walk);
    }
    for (uint32_t k = 0; k < block->num_phis; k++) note_write(&walk, lir->phis[block->first_phi + k].d);
    live_sets_share(&l->sets);
    LiveSet old = l->live_in[index];
    l->live_in[index] = live_set_union(&l->sets, old, walk.live);
    return l->live_in[index] != old;
}

// One walk, against the order of blocks, over those whose successors' sets have grown. Returns whether any is left,
// which only a jump backwards can bring about.
static bool update_all(Liveness *l, const Lir *lir, uint8_t *pending, size_t *work) {
    bool any_left = false;
    for (uint32_t b = (uint32_t)lir->num_blocks; b-- > 0 && l->sets.num_nodes <= MAX_NODES;) {
        if (!pending[b]) continue;
        pending[b] = 0;
        *work += lir->blocks[b].end - lir->blocks[b].start;
        if (!update(l, lir, b)) continue;
        for (uint32_t k = 0; k < lir->blocks[b].num_preds; k++) {
            uint32_t pred = lir_preds(lir, b)[k];
            pending[pred] = 1;
            any_left |= pred >= b;
        }
    }
    return any_left;
}

// What is live at the header of a loop is live in all of it.
static void spread_over_loops(Liveness *l, const Lir *lir) {
    for (uint32_t b = 0; b < lir->num_blocks && l->sets.num_nodes <= MAX_NODES; b++) {
        const LirBlock *block = &lir->blocks[b];
        uint32_t header = block->loop == b ? block->outer_loop : block->loop;
        if (header != NO_BLOCK) l->live_in[b] = live_set_union(&l->sets, l->live_in[b], l->live_in[header]);
        live_sets_share(&l->sets);
    }
}

bool liveness_compute(Liveness *l, const Lir *lir) {
    *l = (Liveness){0};
    live_sets_init(&l->sets, lir->num_vregs);
    l->live_in = arena_array(&l->arena, lir->num_blocks, sizeof *l->live_in);
    find_crossing(l, lir);
    uint8_t *pending = xmalloc(lir->num_blocks);
    memset(pending, 1, lir->num_blocks);
    size_t work = 0;
    bool any_left = update_all(l, lir, pending, &work) && lir->irregular;
    if (!lir->irregular) spread_over_loops(l, lir);
    while (any_left && work <= MAX_WORK && l->sets.num_nodes <= MAX_NODES)
        any_left = update_all(l, lir, pending, &work);
    free(pending);
    bool ok = !any_left && l->sets.num_nodes <= MAX_NODES;
    if (!ok) liveness_free(l);
    return ok;
}

void liveness_free(Liveness *l) {
    live_sets_free(&l->sets);
    arena_free(&l->arena);
}
