// From liveness to live ranges and uses.
//
// Ranges. The walk goes from the last instruction to the first and keeps what is live. A register that
// becomes live opens a range, one that no longer is closes it. At the border between two blocks only
// those that are live on one side of it matter, and the sets of liveness find them without looking
// at the others.
//
// Uses. A second walk, forwards. A loop that uses a register from outside of it will do so again in its
// next round: a reminder stands at its end. So will the loops around that one: a reminder each, but no
// more than MAX_REMINDERS outwards, for loops may be nested thousands deep.
//
// The values of an exit are read at the instruction's write position, which lies behind what the instruction
// destroys, and where its result already has its place: so neither can be in their way.
#include "backend/lifetimes.h"

#include <stdlib.h>

#include "base/fatal.h"

enum { MAX_REMINDERS = 16 };

// Ranges.

typedef struct FoundRange {
    VReg vreg;
    LiveRange range;
} FoundRange;

typedef struct RangeBuilder {
    const Lir *lir;
    Lifetimes *l;
    uint32_t *open;  // for each register: where its open range ends, 0 if it has none
    FoundRange *found; // from the back to the front
    size_t num_found, cap_found;
    uint32_t position;
} RangeBuilder;

static void close_range(RangeBuilder *b, VReg vreg, uint32_t from) {
    GROW(b->found, b->num_found, b->cap_found);
    b->found[b->num_found++] = (FoundRange){vreg, {from, b->open[vreg]}};
    b->open[vreg] = 0;
}

static void open_at_border(void *context, VReg vreg) {
    RangeBuilder *b = context;
    b->open[vreg] = b->position;
}

// An argument of a phi that lives in this block alone.
static void open_at_phi(void *context, VReg vreg) {
    RangeBuilder *b = context;
    if (!b->open[vreg]) b->open[vreg] = b->position;
}

static void close_at_border(void *context, VReg vreg) {
    RangeBuilder *b = context;
    close_range(b, vreg, b->position);
}

static void open_at_read(void *context, VReg vreg) {
    RangeBuilder *b = context;
    if (!b->open[vreg]) b->open[vreg] = b->position + 1;
}

static void close_at_write(void *context, VReg vreg) {
    RangeBuilder *b = context;
    if (!b->open[vreg]) b->open[vreg] = b->position + 1; // nobody reads it
    close_range(b, vreg, b->position);
    b->l->def[vreg] = b->position;
}

static void walk_ins(RangeBuilder *b, uint32_t index) {
    const LirIns *ins = &b->lir->ins[index];
    b->position = write_position(index);
    lir_visit_writes(b->lir, ins, close_at_write, b);
    if (!is_imm(ins->b) && ra_reads_b_late(ins)) open_at_read(b, ins->b.vreg);
    lir_visit_exit(b->lir, ins, open_at_read, b);
    b->position = read_position(index);
    lir_visit_reads(b->lir, ins, open_at_read, b);
}

static void walk_phis(RangeBuilder *b, const LirBlock *block) {
    b->position = read_position(block->start);
    for (uint32_t k = 0; k < block->num_phis; k++) {
        VReg d = b->lir->phis[block->first_phi + k].d;
        b->l->def[d] = b->position;
        if (b->open[d]) close_range(b, d, b->position); // a phi that nobody reads has no range
    }
}

// At a block's end: what is live there, and where the block behind it in the order of blocks begins?
static void walk_border(RangeBuilder *b, uint32_t index) {
    LiveSet out = liveness_crossing_out(&b->l->liveness, b->lir, index), below = 0;
    if (index + 1 < b->lir->num_blocks) below = b->l->liveness.live_in[index + 1];
    b->position = read_position(b->lir->blocks[index].end);
    live_set_visit_without(&b->l->liveness.sets, below, out, close_at_border, b);
    live_set_visit_without(&b->l->liveness.sets, out, below, open_at_border, b);
    lir_visit_phi_args(b->lir, index, open_at_phi, b);
}

static void reject(void *context, VReg vreg) {
    const RangeBuilder *b = context;
    fatal("%s: v%u may be read before it is written", b->lir->function->name, vreg);
}

// Sort the ranges by register.
static void hand_out_ranges(RangeBuilder *b, Arena *results) {
    uint32_t n = b->lir->num_vregs;
    Lifetimes *l = b->l;
    l->ranges = arena_array(results, b->num_found, sizeof *l->ranges);
    l->first_range = arena_array(results, (size_t)n + 1, sizeof *l->first_range);
    for (size_t i = 0; i < b->num_found; i++) l->first_range[b->found[i].vreg]++;
    for (uint32_t v = 1; v <= n; v++) l->first_range[v] += l->first_range[v - 1];
    for (size_t i = 0; i < b->num_found; i++) // those of one register are in falling order: fill from the back
        l->ranges[--l->first_range[b->found[i].vreg]] = b->found[i].range;
}

static void build_ranges(Lifetimes *l, const Lir *lir, Arena *results) {
    RangeBuilder b = {.lir = lir, .l = l, .open = xcalloc(lir->num_vregs, sizeof *b.open)};
    for (uint32_t block = (uint32_t)lir->num_blocks; block-- > 0;) {
        walk_border(&b, block);
        for (uint32_t i = lir->blocks[block].end; i-- > lir->blocks[block].start;) walk_ins(&b, i);
        walk_phis(&b, &lir->blocks[block]);
    }
    live_set_visit_without(&l->liveness.sets, l->liveness.live_in[0], 0, reject, &b);
    hand_out_ranges(&b, results);
    free(b.open);
    free(b.found);
}

// Uses.

typedef struct FoundUse {
    VReg vreg;
    LiveUse use;
} FoundUse;

// A register that a loop uses, but that is written before it.
typedef struct Outsider {
    VReg vreg;
    uint32_t next;  // of the same loop, or NO_OUTSIDER
    uint32_t level; // how many loops further inside the use is
} Outsider;

#define NO_OUTSIDER UINT32_MAX

typedef struct UseBuilder {
    const Lir *lir;
    Lifetimes *l;
    FoundUse *found;
    size_t num_found, cap_found;
    Outsider *outsiders;
    size_t num_outsiders, cap_outsiders;
    uint32_t *of_loop; // for each header: the newest outsider
    uint32_t *noted;   // for each register: the loop that it was last noted for, NO_BLOCK if none
    uint32_t *reminded; // for each register: likewise, the loop whose end has a reminder
    uint32_t position, loop;
    UseKind kind;
} UseBuilder;

static void add_use(UseBuilder *b, VReg vreg, uint32_t position, UseKind kind) {
    GROW(b->found, b->num_found, b->cap_found);
    b->found[b->num_found++] = (FoundUse){vreg, {position, kind}};
}

static void note_outsider(UseBuilder *b, VReg vreg, uint32_t loop, uint32_t level) {
    if (loop == NO_BLOCK || b->noted[vreg] == loop || level == MAX_REMINDERS) return;
    if (b->l->def[vreg] >= read_position(b->lir->blocks[loop].start)) return;
    b->noted[vreg] = loop;
    GROW(b->outsiders, b->num_outsiders, b->cap_outsiders);
    b->outsiders[b->num_outsiders] = (Outsider){vreg, b->of_loop[loop], level};
    b->of_loop[loop] = (uint32_t)b->num_outsiders++;
}

static void note_use(void *context, VReg vreg) {
    UseBuilder *b = context;
    add_use(b, vreg, b->position, b->kind);
    note_outsider(b, vreg, b->loop, 0);
}

static void note_uses(UseBuilder *b, uint32_t index) {
    const LirIns *ins = &b->lir->ins[index];
    b->position = read_position(index);
    b->kind = USE_ANY;
    for (uint32_t k = 0; k < ins->num_moves; k++) {
        VReg s = b->lir->moves[ins->first_move + k].s;
        if (s != NO_VREG) note_use(b, s);
    }
    b->kind = USE_REG;
    if (ins->a != NO_VREG) note_use(b, ins->a);
    if (!is_imm(ins->b)) note_use(b, ins->b.vreg);
    if (!is_imm(ins->c)) note_use(b, ins->c.vreg);
    b->position = write_position(index);
    if (!is_imm(ins->b) && ra_reads_b_late(ins)) note_use(b, ins->b.vreg);
}

static void note_phi_args(UseBuilder *b, uint32_t block) {
    b->position = read_position(b->lir->blocks[block].end - 1);
    b->kind = USE_ANY;
    lir_visit_phi_args(b->lir, block, note_use, b);
}

// The loops that end with this block, from the inside out.
static void end_loops(UseBuilder *b, uint32_t block) {
    uint32_t loop = b->lir->blocks[block].loop, outer;
    for (; loop != NO_BLOCK && b->lir->blocks[loop].loop_end == block; loop = outer) {
        outer = b->lir->blocks[loop].outer_loop;
        for (uint32_t o = b->of_loop[loop]; o != NO_OUTSIDER; o = b->outsiders[o].next) {
            VReg vreg = b->outsiders[o].vreg;
            if (b->reminded[vreg] == loop) continue;
            b->reminded[vreg] = loop;
            add_use(b, vreg, write_position(b->lir->blocks[block].end - 1), USE_LOOP_END);
            note_outsider(b, vreg, outer, b->outsiders[o].level + 1);
        }
    }
}

static void hand_out_uses(UseBuilder *b) {
    Lifetimes *l = b->l;
    uint32_t n = b->lir->num_vregs;
    l->uses = arena_array(&l->arena, b->num_found, sizeof *l->uses);
    l->first_use = arena_array(&l->arena, (size_t)n + 1, sizeof *l->first_use);
    for (size_t i = 0; i < b->num_found; i++) l->first_use[b->found[i].vreg]++;
    for (uint32_t v = 1; v <= n; v++) l->first_use[v] += l->first_use[v - 1];
    for (size_t i = b->num_found; i-- > 0;) l->uses[--l->first_use[b->found[i].vreg]] = b->found[i].use;
}

static void build_uses(Lifetimes *l, const Lir *lir) {
    Arena scratch = {0};
    UseBuilder b = {.lir = lir, .l = l};
    b.of_loop = arena_array(&scratch, lir->num_blocks, sizeof *b.of_loop);
    b.noted = arena_array(&scratch, lir->num_vregs, sizeof *b.noted);
    b.reminded = arena_array(&scratch, lir->num_vregs, sizeof *b.reminded);
    for (uint32_t i = 0; i < lir->num_blocks; i++) b.of_loop[i] = NO_OUTSIDER;
    for (VReg v = 0; v < lir->num_vregs; v++) b.noted[v] = b.reminded[v] = NO_BLOCK;
    for (uint32_t i = 0; i < lir->num_blocks; i++) {
        const LirBlock *block = &lir->blocks[i];
        b.loop = block->loop;
        for (uint32_t k = block->start; k < block->end; k++) {
            l->block_of[k] = i;
            note_uses(&b, k);
        }
        note_phi_args(&b, i);
        end_loops(&b, i);
    }
    hand_out_uses(&b);
    free(b.found);
    free(b.outsiders);
    arena_free(&scratch);
}

bool lifetimes_build(Lifetimes *l, const Lir *lir, Arena *results) {
    *l = (Lifetimes){0};
    if (!liveness_compute(&l->liveness, lir)) return false;
    l->def = arena_array(&l->arena, lir->num_vregs, sizeof *l->def);
    l->block_of = arena_array(&l->arena, lir->num_ins, sizeof *l->block_of);
    build_ranges(l, lir, results);
    build_uses(l, lir);
    return true;
}

void lifetimes_free(Lifetimes *l) {
    liveness_free(&l->liveness);
    arena_free(&l->arena);
}

bool lifetimes_at_block_start(const Lifetimes *l, const Lir *lir, uint32_t position) {
    if (position % 2) return false;
    return lir->blocks[l->block_of[position / 2]].start == position / 2;
}
