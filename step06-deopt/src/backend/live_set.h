// Persistent sets of virtual registers, or of anything else that is numbered.
//
// A set is a tree whose leaves are bits. To change a set that others share, the nodes on the way to the
// leaf are copied, and the rest stays common. So a set costs what it differs from the sets that it was
// made of, and two sets are compared by looking only where they differ: below a common node they do not.
// That suits liveness, where thousands of values may be live in thousands of blocks, and from one block
// to the next hardly any of them change.
// Source: the tree is that of Bagwell, "Ideal Hash Trees", 2001, with bits for the values; copying only what is
// shared is the "transient" of Clojure's collections.
#ifndef BACKEND_LIVE_SET_H
#define BACKEND_LIVE_SET_H

#include "backend/lir.h"

typedef uint32_t LiveSet; // 0 is the empty set

typedef struct LiveSetNode LiveSetNode;

// Where the sets of one family live.
typedef struct LiveSets {
    LiveSetNode *nodes;
    size_t num_nodes, cap_nodes;
    uint32_t free_nodes; // a list through child[0]
    uint32_t levels;     // of inner nodes
    uint32_t owner;      // nodes of this owner belong to one set alone
} LiveSets;

void live_sets_init(LiveSets *sets, uint32_t num_vregs);
void live_sets_free(LiveSets *sets);

// From now on, no set that has been made so far changes.
void live_sets_share(LiveSets *sets);

// These return the changed set and may destroy the old one, unless it has been shared since its last change.
// Time: O(log vregs).
LiveSet live_set_add(LiveSets *sets, LiveSet set, VReg vreg);
LiveSet live_set_remove(LiveSets *sets, LiveSet set, VReg vreg);

// Both sets must have been shared. Returns one of them itself if it contains the other.
LiveSet live_set_union(LiveSets *sets, LiveSet a, LiveSet b);

bool live_set_has(const LiveSets *sets, LiveSet set, VReg vreg);

// Call `visit` for every element of a that is not in b, in ascending order. It must not change any set.
// Time: O(log vregs) for each node that is not common.
void live_set_visit_without(const LiveSets *sets, LiveSet a, LiveSet b, LirVisitor *visit, void *context);

#endif
