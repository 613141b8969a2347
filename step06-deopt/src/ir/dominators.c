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

// Blocks that the search has not met keep no place in any order or tree.
static void store_order(const Search *s) {
    Ir *ir = s->ir;
    for (size_t b = 0; b < ir->num_blocks; b++) {
        if (s->number[b]) continue;
        IrBlock *block = &ir->blocks[b];
        block->rpo = block->idom = block->dom_child = block->dom_sibling = NO_BLOCK;
        block->dom_pre = block->dom_last = NO_BLOCK; // what is unreachable, no reachable block dominates
    }
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

// The tree. A block's subtree has the preorder numbers from dom_pre to dom_last. Two walks without a stack: sizes of
// subtrees from the leaves up, then, in reverse postorder, each block takes the next place of its parent's.
static void store_tree(Search *s) {
    IrBlock *blocks = s->ir->blocks;
    uint32_t *below = s->bucket, *next = s->bucket_next, *last_child = s->label; // they are free now
    for (uint32_t w = 1; w <= s->count; w++) below[w] = last_child[w] = 0;
    for (uint32_t w = s->count; w > 1; w--) below[s->idom[w]] += below[w] + 1;
    for (uint32_t i = 0; i < s->count; i++) {
        uint32_t at = s->ir->rpo[i], w = s->number[at], up = s->idom[w];
        IrBlock *block = &blocks[at], *parent = &blocks[s->block[up]];
        block->idom = block->dom_child = block->dom_sibling = NO_BLOCK;
        block->dom_pre = block->dom_depth = 0;
        if (i > 0) {
            block->idom = s->block[up];
            block->dom_depth = parent->dom_depth + 1;
            block->dom_pre = next[up];
            if (last_child[up]) blocks[last_child[up]].dom_sibling = at;
            else parent->dom_child = at;
            last_child[up] = at;
            next[up] += below[w] + 1;
        }
        block->dom_last = block->dom_pre + below[w];
        next[w] = block->dom_pre + 1;
    }
}

static void search_from_entry(Search *s, Arena *arena) {
    size_t n = s->ir->num_blocks + 1;
    uint32_t **arrays[] = {&s->block, &s->number, &s->parent, &s->path};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) *arrays[i] = arena_array(arena, n, sizeof **arrays[i]);
    search(s);
    store_order(s);
    s->ir->has_order = true;
}

void ir_reverse_postorder(Ir *ir) {
    if (ir->has_order) return;
    Arena arena = {0};
    search_from_entry(&(Search){.ir = ir}, &arena);
    arena_free(&arena);
}

void ir_dominators(Ir *ir) {
    if (ir->has_dominators) return;
    Arena arena = {0};
    Search s = {.ir = ir};
    search_from_entry(&s, &arena);
    uint32_t **arrays[] = {&s.semi, &s.idom, &s.ancestor, &s.label, &s.bucket, &s.bucket_next};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        *arrays[i] = arena_array(&arena, s.count + 1, sizeof **arrays[i]);
    find_idoms(&s);
    store_tree(&s);
    arena_free(&arena);
    ir->has_dominators = true;
}
