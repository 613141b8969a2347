#include "backend/liveness.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_WORDS = 1 << 22,       // in one family of sets: 32 MiB
    MAX_WORK = 1 << 28,        // words that may be computed in all passes together
};

// What a block does to the sets: `reads` before any write of its own, and `writes`.
typedef struct Effects {
    const Lir *lir;
    uint64_t *reads, *writes; // of the block that is being looked at
} Effects;

static void note_read(void *context, VReg vreg) {
    Effects *effects = context;
    if (vreg >= effects->lir->num_globals) return;
    uint64_t bit = (uint64_t)1 << (vreg % 64);
    if (!(effects->writes[vreg / 64] & bit)) effects->reads[vreg / 64] |= bit;
}

static void note_write(void *context, VReg vreg) {
    Effects *effects = context;
    if (vreg < effects->lir->num_globals) effects->writes[vreg / 64] |= (uint64_t)1 << (vreg % 64);
}

static void find_effects(const Lir *lir, const LirBlock *block, uint64_t *reads, uint64_t *writes) {
    Effects effects = {lir, reads, writes};
    for (uint32_t i = block->start; i < block->end; i++) {
        lir_visit_reads(lir, &lir->ins[i], note_read, &effects);
        lir_visit_writes(lir, &lir->ins[i], note_write, &effects);
    }
}

// The blocks in postorder: a block comes after all of its successors, except along back-edges.
static uint32_t *postorder(const Lir *lir, Arena *arena) {
    uint32_t *order = arena_array(arena, lir->num_blocks, sizeof *order);
    uint32_t *path = arena_array(arena, lir->num_blocks, sizeof *path); // from the entry to here
    uint8_t *next = arena_array(arena, lir->num_blocks, sizeof *next);  // successor to visit next
    uint8_t *seen = arena_array(arena, lir->num_blocks, sizeof *seen);
    size_t done = 0, length = 1;
    path[0] = 0;
    seen[0] = 1;
    while (length > 0) {
        uint32_t at = path[length - 1];
        const LirBlock *block = &lir->blocks[at];
        if (next[at] == block->num_successors) {
            order[done++] = at;
            length--;
            continue;
        }
        uint32_t successor = block->successors[next[at]++];
        if (seen[successor]) continue;
        seen[successor] = 1;
        path[length++] = successor;
    }
    return order;
}

// Recompute one block's sets. Returns whether live_in has grown.
static bool update(Liveness *l, const Lir *lir, uint32_t block, const uint64_t *reads, const uint64_t *writes) {
    size_t base = block * l->num_words;
    bool grown = false;
    for (size_t w = 0; w < l->num_words; w++) {
        uint64_t out = 0;
        for (uint32_t s = 0; s < lir->blocks[block].num_successors; s++)
            out |= l->live_in[lir->blocks[block].successors[s] * l->num_words + w];
        uint64_t in = reads[base + w] | (out & ~writes[base + w]);
        grown |= in != l->live_in[base + w];
        l->live_out[base + w] = out;
        l->live_in[base + w] = in;
    }
    return grown;
}

bool liveness_compute(Liveness *l, const Lir *lir) {
    *l = (Liveness){.num_words = (lir->num_globals + 63) / 64};
    size_t words = l->num_words * lir->num_blocks;
    if (words > MAX_WORDS) return false;
    Arena scratch = {0};
    l->live_in = arena_array(&l->arena, words, sizeof *l->live_in);
    l->live_out = arena_array(&l->arena, words, sizeof *l->live_out);
    uint64_t *reads = arena_array(&scratch, words, sizeof *reads);
    uint64_t *writes = arena_array(&scratch, words, sizeof *writes);
    for (size_t b = 0; b < lir->num_blocks; b++)
        find_effects(lir, &lir->blocks[b], reads + b * l->num_words, writes + b * l->num_words);
    const uint32_t *order = postorder(lir, &scratch);
    size_t work = 0;
    bool grown = true;
    for (; grown && work <= MAX_WORK; work += words + lir->num_blocks) {
        grown = false;
        for (size_t i = 0; i < lir->num_blocks; i++) grown |= update(l, lir, order[i], reads, writes);
    }
    arena_free(&scratch);
    if (grown) liveness_free(l);
    return !grown;
}

void liveness_free(Liveness *l) { arena_free(&l->arena); }
