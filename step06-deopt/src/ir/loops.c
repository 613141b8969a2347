// The tree of natural loops, a block order in which loops are contiguous, and irreducible cycles.
//
// An edge t -> h is a back-edge if h dominates t. The natural loop of h is h and every block from which a
// back-edge to h is reached without passing h. Two natural loops with different headers are disjoint, or
// one lies inside the other: so they form a tree.
// A cycle with several entries, none of which dominates the others (a jump into the middle of a loop), is
// irreducible: it is no natural loop. Its blocks belong to the loop around it, and are marked.
//
// Source: Aho, Lam, Sethi, Ullman, "Compilers: principles, techniques, and tools", 2nd edition, section 9.6.
// That walks each loop's body once; here the inner loops come first, and an outer loop walks over an inner one
// in a single step: near-linear for deep nests, too.
#include <stdlib.h>

#include "ir/ir.h"

static bool is_reachable(const IrBlock *block) { return block->rpo != NO_BLOCK; }

// Does the edge to this predecessor of the block lead backwards?
static bool is_back_edge(const Ir *ir, uint32_t pred, uint32_t block) {
    return is_reachable(&ir->blocks[pred]) && ir_dominates(ir, block, pred);
}

static bool is_header(const Ir *ir, uint32_t block) {
    for (size_t i = 0; i < ir->blocks[block].num_preds; i++)
        if (is_back_edge(ir, ir->blocks[block].preds[i], block)) return true;
    return false;
}

static void add_loop(Ir *ir, IrLoop loop) {
    GROW(ir->loops, ir->num_loops, ir->cap_loops);
    ir->loops[ir->num_loops++] = loop;
}

// What an earlier ir_loops has found.
static void forget(Ir *ir) {
    for (size_t b = 0; b < ir->num_blocks; b++) {
        ir->blocks[b].loop = NO_LOOP;
        ir->blocks[b].pos = NO_BLOCK;
        ir->blocks[b].irreducible = false;
    }
}

// In reverse postorder, where the header of an outer loop comes before those inside.
static void find_headers(Ir *ir) {
    ir->num_loops = 0;
    add_loop(ir, (IrLoop){.header = NO_BLOCK}); // NO_LOOP
    for (size_t i = 0; i < ir->num_rpo; i++) {
        uint32_t block = ir->rpo[i];
        if (!is_header(ir, block)) continue;
        ir->blocks[block].loop = (uint32_t)ir->num_loops;
        add_loop(ir, (IrLoop){.header = block});
    }
}

// Bodies.

typedef struct Bodies {
    Ir *ir;
    uint32_t *outermost; // for each loop: one around it, as far as known; itself if there is none yet
    uint32_t *work;      // blocks whose predecessors are in the loop
    size_t num_work, cap_work;
} Bodies;

static uint32_t find_outermost(Bodies *b, uint32_t loop) {
    while (b->outermost[loop] != loop) {
        b->outermost[loop] = b->outermost[b->outermost[loop]]; // path halving
        loop = b->outermost[loop];
    }
    return loop;
}

static void push_preds(Bodies *b, uint32_t block, bool back_edges_only) {
    const IrBlock *from = &b->ir->blocks[block];
    for (size_t i = 0; i < from->num_preds; i++) {
        uint32_t pred = from->preds[i];
        if (!is_reachable(&b->ir->blocks[pred])) continue;
        if (back_edges_only && !is_back_edge(b->ir, pred, block)) continue;
        GROW(b->work, b->num_work, b->cap_work);
        b->work[b->num_work++] = pred;
    }
}

// The block reaches the back-edge of `loop`: it, or the largest loop around it known so far, is part of it.
static void take_in(Bodies *b, uint32_t loop, uint32_t block) {
    uint32_t inner = b->ir->blocks[block].loop;
    if (inner == NO_LOOP) {
        b->ir->blocks[block].loop = loop;
        push_preds(b, block, false);
        return;
    }
    inner = find_outermost(b, inner);
    if (inner == loop) return;
    b->outermost[inner] = loop;
    b->ir->loops[inner].parent = loop;
    push_preds(b, b->ir->loops[inner].header, false);
}

// Inner loops first.
static void find_bodies(Ir *ir) {
    Bodies b = {.ir = ir, .outermost = xmalloc(ir->num_loops * sizeof *b.outermost)};
    for (uint32_t loop = 0; loop < ir->num_loops; loop++) b.outermost[loop] = loop;
    for (uint32_t loop = (uint32_t)ir->num_loops - 1; loop > NO_LOOP; loop--) {
        push_preds(&b, ir->loops[loop].header, true);
        while (b.num_work > 0) take_in(&b, loop, b.work[--b.num_work]);
    }
    for (uint32_t loop = 1; loop < ir->num_loops; loop++)
        ir->loops[loop].depth = ir->loops[ir->loops[loop].parent].depth + 1;
    free(b.outermost);
    free(b.work);
}

// The order: reverse postorder, but a loop as a whole stands where its header would. What follows the header in
// reverse postorder and is not in the loop moves behind it; so dominators still come first.

static void count_blocks(Ir *ir) {
    for (size_t i = 0; i < ir->num_rpo; i++) ir->loops[ir->blocks[ir->rpo[i]].loop].num_blocks++;
    for (size_t loop = ir->num_loops - 1; loop > NO_LOOP; loop--)
        ir->loops[ir->loops[loop].parent].num_blocks += ir->loops[loop].num_blocks;
}

// Each loop takes a stretch of the order when its header comes by, and blocks take their loop's next place.
static void place_blocks(Ir *ir) {
    uint32_t *next = xmalloc(ir->num_loops * sizeof *next); // the first free place in the loop's stretch
    next[NO_LOOP] = 0;
    while (ir->cap_order < ir->num_rpo) GROW(ir->order, ir->cap_order, ir->cap_order);
    for (size_t i = 0; i < ir->num_rpo; i++) {
        IrBlock *block = &ir->blocks[ir->rpo[i]];
        IrLoop *loop = &ir->loops[block->loop];
        if (loop->header == ir->rpo[i]) {
            loop->first = next[block->loop] = next[loop->parent];
            next[loop->parent] += loop->num_blocks;
        }
        block->pos = next[block->loop]++;
        ir->order[block->pos] = ir->rpo[i];
    }
    free(next);
}

// Irreducible cycles: the strongly connected components that are left when the back-edges are taken out.
// Source: Tarjan, "Depth-first search and linear graph algorithms", SIAM Journal on Computing 1(2), 1972.

typedef struct Components {
    Ir *ir;
    uint32_t *low;    // for each block: 0, not visited; else the lowest number known to be reachable
    uint32_t *number; // in the order of visits, from 1
    uint8_t *next;    // the successor to look at next
    bool *open;       // on `members`: its component is not complete
    uint32_t *path, *members;
    size_t length, num_members, count;
} Components;

static void visit(Components *c, uint32_t block) {
    c->low[block] = c->number[block] = (uint32_t)++c->count;
    c->open[block] = true;
    c->path[c->length++] = c->members[c->num_members++] = block;
}

static void close_component(Components *c, uint32_t root) {
    bool is_cycle = c->members[c->num_members - 1] != root;
    uint32_t block;
    do {
        block = c->members[--c->num_members];
        c->open[block] = false;
        c->ir->blocks[block].irreducible = is_cycle;
    } while (block != root);
}

static void leave(Components *c, uint32_t block) {
    c->length--;
    if (c->low[block] == c->number[block]) close_component(c, block);
    if (c->length == 0) return;
    uint32_t parent = c->path[c->length - 1];
    if (c->low[block] < c->low[parent]) c->low[parent] = c->low[block];
}

static void step(Components *c, uint32_t block) {
    const IrBlock *from = &c->ir->blocks[block];
    if (c->next[block] == from->num_succ) {
        leave(c, block);
        return;
    }
    uint32_t to = from->succ[c->next[block]++];
    if (ir_dominates(c->ir, to, block)) return; // a back-edge
    if (!c->low[to]) visit(c, to);
    else if (c->open[to] && c->number[to] < c->low[block]) c->low[block] = c->number[to];
}

static void mark_irreducible_cycles(Ir *ir) {
    Arena arena = {0};
    size_t n = ir->num_blocks;
    Components c = {
        .ir = ir,
        .low = arena_array(&arena, n, sizeof *c.low),
        .number = arena_array(&arena, n, sizeof *c.number),
        .next = arena_array(&arena, n, sizeof *c.next),
        .open = arena_array(&arena, n, sizeof *c.open),
        .path = arena_array(&arena, n, sizeof *c.path),
        .members = arena_array(&arena, n, sizeof *c.members),
    };
    visit(&c, 0);
    while (c.length > 0) step(&c, c.path[c.length - 1]);
    arena_free(&arena);
}

// In a reducible graph every edge that leads backwards in reverse postorder is a back-edge.
static bool is_irreducible(const Ir *ir) {
    for (size_t i = 0; i < ir->num_rpo; i++) {
        const IrBlock *block = &ir->blocks[ir->rpo[i]];
        for (uint32_t s = 0; s < block->num_succ; s++)
            if (ir->blocks[block->succ[s]].rpo <= i && !ir_dominates(ir, block->succ[s], ir->rpo[i])) return true;
    }
    return false;
}

void ir_loops(Ir *ir) {
    if (ir->has_loops) return;
    ir_dominators(ir);
    forget(ir);
    find_headers(ir);
    find_bodies(ir);
    count_blocks(ir);
    place_blocks(ir);
    ir->irreducible = is_irreducible(ir);
    if (ir->irreducible) mark_irreducible_cycles(ir);
    ir->has_loops = true;
}

// Preheaders.

uint32_t ir_preheader(const Ir *ir, uint32_t loop) {
    uint32_t header = ir->loops[loop].header, found = NO_BLOCK;
    for (size_t i = 0; i < ir->blocks[header].num_preds; i++) {
        uint32_t pred = ir->blocks[header].preds[i];
        if (is_reachable(&ir->blocks[pred]) && ir_loop_contains(ir, loop, pred)) continue;
        if (found != NO_BLOCK) return NO_BLOCK;
        found = pred;
    }
    return found != NO_BLOCK && ir->blocks[found].num_succ == 1 ? found : NO_BLOCK;
}

static uint32_t successor_index(const Ir *ir, uint32_t block, uint32_t successor) {
    return ir->blocks[block].succ[0] == successor ? 0 : 1;
}

// Lead the edge from `pred` to the header through the preheader instead, with the operands that the header's
// phis have for it. The phis of both blocks correspond, in order.
static void move_edge(Ir *ir, uint32_t pred, uint32_t header, uint32_t preheader) {
    uint32_t s = successor_index(ir, pred, header), at = ir->blocks[pred].pred_at[s];
    Ref gathered = ir->blocks[preheader].first;
    for (Ref phi = ir->blocks[header].first; gathered != NO_REF; phi = ir->ins[phi].next) {
        ir_add_arg(ir, gathered, ir_arg(ir, phi, at));
        gathered = ir->ins[gathered].next;
    }
    ir_redirect(ir, pred, s, preheader);
    for (gathered = ir->blocks[preheader].first; gathered != NO_REF; gathered = ir->ins[gathered].next)
        ir->ins[gathered].num_args--; // the one that ir_redirect added
}

// Lead the edges from outside through a new block, with phis of its own.
static void gather_edges(Ir *ir, uint32_t header, const uint32_t *outside, size_t count) {
    uint32_t preheader = ir_new_block(ir, ir->blocks[header].pc);
    IR_EACH(ir, header, phi) {
        if (ir->ins[phi].op != IR_PHI) break;
        ir_append(ir, preheader, ir_new(ir, IR_PHI, 0, ir->ins[phi].pc));
    }
    for (size_t i = 0; i < count; i++) move_edge(ir, outside[i], header, preheader);
    Ref gathered = ir->blocks[preheader].first;
    ir_end_jump(ir, preheader, header, ir->blocks[header].pc);
    for (Ref phi = ir->blocks[header].first; ir->ins[gathered].op == IR_PHI; phi = ir->ins[phi].next) {
        ir_set_arg(ir, phi, ir->ins[phi].num_args - 1, gathered);
        gathered = ir->ins[gathered].next;
    }
}

static void make_preheader(Ir *ir, uint32_t loop) {
    uint32_t header = ir->loops[loop].header, *outside = NULL;
    size_t count = 0, capacity = 0;
    for (size_t i = 0; i < ir->blocks[header].num_preds; i++) {
        uint32_t pred = ir->blocks[header].preds[i];
        if (is_reachable(&ir->blocks[pred]) && ir_loop_contains(ir, loop, pred)) continue;
        GROW(outside, count, capacity);
        outside[count++] = pred;
    }
    if (count == 1) ir_split_edge(ir, outside[0], successor_index(ir, outside[0], header));
    else gather_edges(ir, header, outside, count);
    free(outside);
}

void ir_make_preheaders(Ir *ir) {
    ir_loops(ir);
    for (uint32_t loop = 1; loop < ir->num_loops; loop++)
        if (ir_preheader(ir, loop) == NO_BLOCK) make_preheader(ir, loop);
}
