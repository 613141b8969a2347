#include "backend/live_set.h"

#include <stdlib.h>

enum {
    LEAF_SHIFT = 8, // a leaf has 256 bits
    FAN_SHIFT = 3,  // an inner node has 8 children
    LEAF_WORDS = 1 << (LEAF_SHIFT - 6),
    FAN = 1 << FAN_SHIFT,
};

struct LiveSetNode {
    union {
        uint64_t bits[LEAF_WORDS];
        uint32_t child[FAN]; // 0 if that part of the set is empty
    };
    uint32_t owner;
};

_Static_assert(sizeof(uint64_t[LEAF_WORDS]) == sizeof(uint32_t[FAN]), "leaves and inner nodes are of one size");

static uint64_t bit_of(VReg vreg) { return (uint64_t)1 << vreg % 64; }
static uint32_t word_of(VReg vreg) { return vreg / 64 % LEAF_WORDS; }

// Which child of a node of that level leads to the register. Level 0 are the leaves.
static uint32_t child_of(VReg vreg, uint32_t level) {
    return vreg >> (LEAF_SHIFT + FAN_SHIFT * (level - 1)) & (FAN - 1);
}

void live_sets_init(LiveSets *sets, uint32_t num_vregs) {
    *sets = (LiveSets){.owner = 1};
    GROW(sets->nodes, sets->num_nodes, sets->cap_nodes);
    sets->nodes[sets->num_nodes++] = (LiveSetNode){0}; // node 0 means empty
    while ((uint64_t)num_vregs > (uint64_t)1 << (LEAF_SHIFT + FAN_SHIFT * sets->levels)) sets->levels++;
}

void live_sets_free(LiveSets *sets) {
    free(sets->nodes);
    *sets = (LiveSets){0};
}

void live_sets_share(LiveSets *sets) { sets->owner++; }

static uint32_t new_node(LiveSets *sets, LiveSetNode content) {
    content.owner = sets->owner;
    uint32_t node = sets->free_nodes;
    if (node) {
        sets->free_nodes = sets->nodes[node].child[0];
    } else {
        GROW(sets->nodes, sets->num_nodes, sets->cap_nodes);
        node = (uint32_t)sets->num_nodes++;
    }
    sets->nodes[node] = content;
    return node;
}

// The node itself if nobody else has it, or a copy.
static uint32_t own(LiveSets *sets, uint32_t node) {
    if (node && sets->nodes[node].owner == sets->owner) return node;
    return new_node(sets, sets->nodes[node]); // of node 0: an empty one
}

static bool is_empty(const LiveSetNode *node) {
    uint64_t any = 0;
    for (int w = 0; w < LEAF_WORDS; w++) any |= node->bits[w];
    return any == 0;
}

// An empty node is no node.
static uint32_t trim(LiveSets *sets, uint32_t node) {
    if (!is_empty(&sets->nodes[node])) return node;
    sets->nodes[node].child[0] = sets->free_nodes;
    sets->free_nodes = node;
    return 0;
}

static uint32_t add_at(LiveSets *sets, uint32_t node, uint32_t level, VReg vreg) {
    if (level == 0) {
        if (sets->nodes[node].bits[word_of(vreg)] & bit_of(vreg)) return node;
        node = own(sets, node);
        sets->nodes[node].bits[word_of(vreg)] |= bit_of(vreg);
        return node;
    }
    uint32_t old = sets->nodes[node].child[child_of(vreg, level)];
    uint32_t child = add_at(sets, old, level - 1, vreg);
    if (child == old) return node;
    node = own(sets, node);
    sets->nodes[node].child[child_of(vreg, level)] = child;
    return node;
}

static uint32_t remove_at(LiveSets *sets, uint32_t node, uint32_t level, VReg vreg) {
    if (node == 0) return 0;
    if (level == 0) {
        if (!(sets->nodes[node].bits[word_of(vreg)] & bit_of(vreg))) return node;
        node = own(sets, node);
        sets->nodes[node].bits[word_of(vreg)] &= ~bit_of(vreg);
        return trim(sets, node);
    }
    uint32_t old = sets->nodes[node].child[child_of(vreg, level)];
    uint32_t child = remove_at(sets, old, level - 1, vreg);
    if (child == old) return node;
    node = own(sets, node);
    sets->nodes[node].child[child_of(vreg, level)] = child;
    return trim(sets, node);
}

LiveSet live_set_add(LiveSets *sets, LiveSet set, VReg vreg) { return add_at(sets, set, sets->levels, vreg); }

LiveSet live_set_remove(LiveSets *sets, LiveSet set, VReg vreg) {
    return remove_at(sets, set, sets->levels, vreg);
}

static uint32_t union_at(LiveSets *sets, uint32_t a, uint32_t b, uint32_t level) {
    if (a == b || b == 0) return a;
    if (a == 0) return b;
    LiveSetNode both = {0};
    bool is_a = true, is_b = true;
    for (int w = 0; level == 0 && w < LEAF_WORDS; w++) {
        both.bits[w] = sets->nodes[a].bits[w] | sets->nodes[b].bits[w];
        is_a &= both.bits[w] == sets->nodes[a].bits[w];
        is_b &= both.bits[w] == sets->nodes[b].bits[w];
    }
    for (int k = 0; level > 0 && k < FAN; k++) {
        uint32_t left = sets->nodes[a].child[k], right = sets->nodes[b].child[k];
        both.child[k] = left == right ? left : union_at(sets, left, right, level - 1);
        is_a &= both.child[k] == sets->nodes[a].child[k];
        is_b &= both.child[k] == sets->nodes[b].child[k];
    }
    return is_a ? a : is_b ? b : new_node(sets, both);
}

LiveSet live_set_union(LiveSets *sets, LiveSet a, LiveSet b) { return union_at(sets, a, b, sets->levels); }

bool live_set_has(const LiveSets *sets, LiveSet set, VReg vreg) {
    for (uint32_t level = sets->levels; level > 0; level--) set = sets->nodes[set].child[child_of(vreg, level)];
    return sets->nodes[set].bits[word_of(vreg)] & bit_of(vreg);
}

typedef struct Visit {
    const LiveSets *sets;
    LirVisitor *visit;
    void *context;
} Visit;

static void visit_leaf(const Visit *v, uint32_t a, uint32_t b, VReg first) {
    for (uint32_t w = 0; w < LEAF_WORDS; w++) {
        uint64_t rest = v->sets->nodes[a].bits[w] & ~v->sets->nodes[b].bits[w];
        for (; rest; rest &= rest - 1) v->visit(v->context, first + 64 * w + (uint32_t)__builtin_ctzll(rest));
    }
}

static void visit_at(const Visit *v, uint32_t a, uint32_t b, uint32_t level, VReg first) {
    if (a == 0 || a == b) return;
    if (level == 0) {
        visit_leaf(v, a, b, first);
        return;
    }
    for (uint32_t k = 0; k < FAN; k++) {
        uint32_t left = v->sets->nodes[a].child[k], right = v->sets->nodes[b].child[k];
        if (left != right)
            visit_at(v, left, right, level - 1, first + (k << (LEAF_SHIFT + FAN_SHIFT * (level - 1))));
    }
}

void live_set_visit_without(const LiveSets *sets, LiveSet a, LiveSet b, LirVisitor *visit, void *context) {
    visit_at(&(Visit){sets, visit, context}, a, b, sets->levels, 0);
}
