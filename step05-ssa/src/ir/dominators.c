// Reverse postorder and the dominator tree.
//
// Block a dominates b if every path from the entry to b passes through a; the closest such block apart from b
// itself is b's immediate dominator.
//
// Cooper, Harvey and Kennedy ("A simple, fast dominance algorithm", 2001) find it by walking up the tree from
// all predecessors until the walks meet: simple, and fast on what people write. But on a ladder of n
// branches to one exit (n checks that all bail out) the walks add up to n*n/2 steps. Lengauer and Tarjan
// ("A fast algorithm for finding dominators in a flowgraph", TOPLAS 1(1), 1979) need O(n log n) on every
// graph. This is their simple version. It works on the tree of a depth-first search:
//   - semi(w) is the lowest-numbered v with a path v -> ... -> w whose inner blocks are all numbered above w;
//   - it is the minimum over w's predecessors of what `eval` finds on the forest of the blocks numbered
//     above w;
//   - the immediate dominator is semi(w), unless a block on the tree path between them has a lower semi:
//     then it is the same as that block's.
#include <stdlib.h>

#include "ir/ir.h"

// Blocks by preorder number, from 1; 0 is "none". All arrays are indexed by these numbers.
typedef struct Search {
    Ir *ir;
    uint32_t count;
    uint32_t *block;    // the block with this number
    uint32_t *number;   // indexed by block: its number, or 0
    uint32_t *parent;   // in the tree of the search
    uint32_t *semi, *idom;
    uint32_t *ancestor; // in the forest, shortened by eval; 0 for a root
    uint32_t *label;    // the block with the lowest semi between here and the ancestor
    uint32_t *bucket, *bucket_next; // bucket[v]: a list of the blocks with semi v
    uint32_t *path;     // scratch
} Search;

// Depth-first search.

static void enter(Search *s, uint32_t block, uint32_t parent) {
    uint32_t n = ++s->count;
    s->number[block] = n;
    s->block[n] = block;
    s->parent[n] = parent;
}

// Number the blocks in preorder and list them in postorder, in ir->rpo. The second successor goes first: so the
// first one ends up nearer in reverse postorder, and the order is that of the source.
static void search(Search *s) {
    Ir *ir = s->ir;
    uint32_t *path = s->path, length = 1;
    uint8_t *left = xmalloc(ir->num_blocks); // successors still to visit
    ir->num_rpo = 0;
    enter(s, 0, 0);
    path[0] = 0;
    left[0] = (uint8_t)ir->blocks[0].num_succ;
    while (length > 0) {
        uint32_t at = path[length - 1];
        if (left[at] == 0) {
            GROW(ir->rpo, ir->num_rpo, ir->cap_rpo);
            ir->rpo[ir->num_rpo++] = at;
            length--;
            continue;
        }
        uint32_t next = ir->blocks[at].succ[--left[at]];
        if (s->number[next]) continue;
        enter(s, next, s->number[at]);
        left[next] = (uint8_t)ir->blocks[next].num_succ;
        path[length++] = next;
    }
    free(left);
}

static void reverse_postorder(Ir *ir) {
    for (size_t b = 0; b < ir->num_blocks; b++) ir->blocks[b].rpo = NO_BLOCK;
    for (size_t i = 0, j = ir->num_rpo - 1; i < j; i++, j--) {
        uint32_t block = ir->rpo[i];
        ir->rpo[i] = ir->rpo[j];
        ir->rpo[j] = block;
    }
    for (uint32_t i = 0; i < ir->num_rpo; i++) ir->blocks[ir->rpo[i]].rpo = i;
}

// Lengauer and Tarjan.

// The block with the lowest semi on the forest path from v up to, but without, its root. Every block on the
// path is made to point (almost) at the root, with the best label of what it skips.
static uint32_t eval(Search *s, uint32_t v) {
    if (!s->ancestor[v]) return v;
    uint32_t length = 0;
    for (uint32_t u = v; s->ancestor[s->ancestor[u]]; u = s->ancestor[u]) s->path[length++] = u;
    while (length > 0) {
        uint32_t u = s->path[--length], up = s->ancestor[u];
        if (s->semi[s->label[up]] < s->semi[s->label[u]]) s->label[u] = s->label[up];
        s->ancestor[u] = s->ancestor[up];
    }
    return s->label[v];
}

static void compute_semi(Search *s, uint32_t w) {
    const IrBlock *block = &s->ir->blocks[s->block[w]];
    for (size_t i = 0; i < block->num_preds; i++) {
        uint32_t v = s->number[block->preds[i]];
        if (!v) continue; // unreachable
        uint32_t u = eval(s, v);
        if (s->semi[u] < s->semi[w]) s->semi[w] = s->semi[u];
    }
    s->bucket_next[w] = s->bucket[s->semi[w]];
    s->bucket[s->semi[w]] = w;
}

// The blocks whose semi is w's parent: the path from there down to them is now in the forest.
static void empty_bucket(Search *s, uint32_t parent) {
    for (uint32_t v = s->bucket[parent]; v; v = s->bucket_next[v]) {
        uint32_t u = eval(s, v);
        s->idom[v] = s->semi[u] < s->semi[v] ? u : parent; // u: "the same as u's", resolved at the end
    }
    s->bucket[parent] = 0;
}

static void find_idoms(Search *s) {
    for (uint32_t w = 1; w <= s->count; w++) s->semi[w] = s->label[w] = w;
    for (uint32_t w = s->count; w > 1; w--) {
        compute_semi(s, w);
        s->ancestor[w] = s->parent[w];
        empty_bucket(s, s->parent[w]);
    }
    for (uint32_t w = 2; w <= s->count; w++)
        if (s->idom[w] != s->semi[w]) s->idom[w] = s->idom[s->idom[w]];
}

static void store_idoms(const Search *s) {
    IrBlock *blocks = s->ir->blocks;
    for (size_t b = 0; b < s->ir->num_blocks; b++) {
        blocks[b].idom = blocks[b].dom_child = blocks[b].dom_sibling = NO_BLOCK;
        blocks[b].dom_pre = blocks[b].dom_last = NO_BLOCK; // what is unreachable, no reachable block dominates
    }
    for (uint32_t w = 2; w <= s->count; w++) blocks[s->block[w]].idom = s->block[s->idom[w]];
}

// The tree downwards.

static void link_children(Ir *ir) {
    for (size_t i = ir->num_rpo; i-- > 1;) { // backwards, so that the first child ends up first
        IrBlock *block = &ir->blocks[ir->rpo[i]], *parent = &ir->blocks[block->idom];
        block->dom_sibling = parent->dom_child;
        parent->dom_child = ir->rpo[i];
    }
}

// Preorder numbers: a block's subtree has those from dom_pre to dom_last. Two walks without a stack: sizes of
// subtrees from the leaves up, then places from the root down.
static void number_tree(Ir *ir) {
    IrBlock *blocks = ir->blocks;
    for (size_t i = 0; i < ir->num_rpo; i++) blocks[ir->rpo[i]].dom_last = 0; // blocks below, for now
    for (size_t i = ir->num_rpo; i-- > 1;) {
        const IrBlock *block = &blocks[ir->rpo[i]];
        blocks[block->idom].dom_last += block->dom_last + 1;
    }
    blocks[0].dom_pre = blocks[0].dom_depth = 0;
    for (size_t i = 0; i < ir->num_rpo; i++) {
        IrBlock *block = &blocks[ir->rpo[i]];
        uint32_t next = block->dom_pre + 1;
        block->dom_last += block->dom_pre;
        for (uint32_t c = block->dom_child; c != NO_BLOCK; c = blocks[c].dom_sibling) {
            blocks[c].dom_pre = next;
            blocks[c].dom_depth = block->dom_depth + 1;
            next += blocks[c].dom_last + 1;
        }
    }
}

void ir_dominators(Ir *ir) {
    if (ir->has_dominators) return;
    Arena arena = {0};
    size_t n = ir->num_blocks + 1;
    Search s = {.ir = ir};
    uint32_t **arrays[] = {&s.block, &s.number, &s.parent, &s.semi, &s.idom, &s.ancestor, &s.label, &s.bucket,
                           &s.bucket_next, &s.path};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        *arrays[i] = arena_array(&arena, n, sizeof **arrays[i]);
    search(&s);
    reverse_postorder(ir);
    find_idoms(&s);
    store_idoms(&s);
    link_children(ir);
    number_tree(ir);
    arena_free(&arena);
    ir->has_dominators = true;
}
