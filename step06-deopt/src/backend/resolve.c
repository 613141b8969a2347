// Data-flow resolution: the moves that make the pieces of linear scan agree, and that carry out the phis.
//
// A virtual register changes its place
//   - where one piece ends in the middle of a block and the next begins: a move before that instruction;
//   - on an edge of the control flow, if it is in one place where the block ends and in another where
//     the next begins: a move on the edge. No edge is critical, so there is an end of a block or a
//     beginning that belongs to the edge alone;
//   - where a phi takes it as an argument, on the edge as well.
// All moves of an edge happen at once.
//
// To find what moves on an edge, without looking at everything that is live there: one sweep over the blocks
// keeps the set of pieces at hand, and remembers it for each block's beginning and end. Where an edge leads
// from one set to another, only the pieces that are not in both matter. The pieces of a register that are in
// the same place count as one, the first of them: nothing moves from one to the other.
//
// A value never changes, so it need not be stored twice. Either each change from a register to the slot
// stores, or it is stored once where it is written and never again: whichever costs less, counting each store
// by the depth of its loops.
// Source: C. Wimmer, M. Franz, "Linear Scan Register Allocation on SSA Form", CGO 2010, section 5.
#include <stdlib.h>

#include "backend/linear_scan.h"

enum {
    MAX_WORK = 1 << 28, // moves on all edges
    MAX_WEIGHED = 12,   // deeper loops count as this deep
};

typedef struct FoundMove {
    RaMove move;
    uint32_t number; // in the order in which they were found
    bool stores;     // a register's value to its own slot
} FoundMove;

typedef struct Resolver {
    RegisterAllocator *ra;
    const Lir *lir;
    const Lifetimes *l;
    FoundMove *moves;
    size_t num_moves, cap_moves;
    uint64_t *cost; // for each register: of its stores
    bool *moves_at_borders; // for each register: is it in different places there?
    LiveSets piece_sets;
    LiveSet *at_point; // for the beginning of block b: at_point[2b], for its end: at_point[2b + 1]
    uint32_t from, to; // the edge at hand
    uint64_t work;
} Resolver;

// 1, 10, 100, ...: how often a block is executed, roughly.
static uint64_t weight(const LirBlock *block) {
    uint64_t weight = 1;
    for (uint32_t depth = 0; depth < block->loop_depth && depth < MAX_WEIGHED; depth++) weight *= 10;
    return weight;
}

static int64_t constant(const Resolver *r, Location location) {
    return location.kind == LOCATION_CONST ? r->lir->ins[location.index].imm : 0;
}

static void add_move(Resolver *r, uint32_t ins, RaMoveGroup group, VReg vreg, Location d, Location s) {
    if (same_location(d, s) || d.kind == LOCATION_CONST) return;
    GROW(r->moves, r->num_moves, r->cap_moves);
    FoundMove *found = &r->moves[r->num_moves];
    *found = (FoundMove){.move = {ins, group, vreg, d, s, constant(r, s)}, .number = (uint32_t)r->num_moves};
    r->num_moves++;
}

// A move between two places of one register.
static void add_change(Resolver *r, uint32_t ins, RaMoveGroup group, VReg vreg, Location d, Location s) {
    size_t before = r->num_moves;
    add_move(r, ins, group, vreg, d, s);
    if (r->num_moves == before || d.kind != LOCATION_SLOT) return;
    r->moves[before].stores = true;
    r->cost[vreg] += weight(&r->lir->blocks[r->l->block_of[ins]]);
}

// Inside of blocks.

// A split at a write position is one from a register to the slot. The store goes before the instruction; if a
// move before the same instruction brings the value into that register, it is stored from where that finds it.
static void add_piece_change(Resolver *r, uint32_t p, uint32_t first) {
    const LivePiece *pieces = r->ra->pieces, *left = &pieces[p - 1], *right = &pieces[p];
    uint32_t start = right->start, ins = start / 2;
    if (left->end != start || lifetimes_at_block_start(r->l, r->lir, start)) return;
    if (start % 2 && left->start == start - 1 && p - 1 > first && pieces[p - 2].end == left->start &&
        !lifetimes_at_block_start(r->l, r->lir, left->start))
        left--;
    add_change(r, ins, RA_SPLIT, right->vreg, right->location, left->location);
}

// Does the piece reach the beginning or the end of a block?
static bool reaches_border(const Resolver *r, const LivePiece *piece) {
    uint32_t last = r->l->block_of[(piece->end - 1) / 2];
    return lifetimes_at_block_start(r->l, r->lir, piece->start) || r->l->block_of[piece->start / 2] != last ||
           piece->end == read_position(r->lir->blocks[last].end);
}

static void add_inner_moves(Resolver *r, VReg vreg) {
    uint32_t first = r->ra->first_piece[vreg], end = r->ra->first_piece[vreg + 1];
    const LivePiece *at_border = NULL;
    for (uint32_t p = first; p < end; p++) {
        const LivePiece *piece = &r->ra->pieces[p];
        if (p > first) add_piece_change(r, p, first);
        if (!reaches_border(r, piece)) continue;
        if (at_border && !same_location(at_border->location, piece->location)) r->moves_at_borders[vreg] = true;
        at_border = piece;
    }
}

// The pieces at the borders of blocks.

typedef struct PieceEvent {
    uint32_t point, piece;
} PieceEvent;

typedef struct PieceEvents {
    PieceEvent *items;
    size_t count, capacity;
} PieceEvents;

// The first beginning or end of a block at the position or behind it.
static uint32_t point_from(const Resolver *r, uint32_t position) {
    if (position / 2 >= r->lir->num_ins) return 2 * (uint32_t)r->lir->num_blocks;
    uint32_t block = r->l->block_of[position / 2];
    return 2 * block + (position > read_position(r->lir->blocks[block].start));
}

enum { NUM_REGS = 16, NUM_PLACES = NUM_REGS + 1 }; // of a virtual register: it has one slot, or is one constant

static uint32_t place_number(Location location) {
    return location.kind == LOCATION_REG ? location.index : NUM_REGS;
}

static void add_event(PieceEvents *events, uint32_t point, uint32_t piece) {
    GROW(events->items, events->count, events->capacity);
    events->items[events->count++] = (PieceEvent){point, piece};
}

// Where the pieces of one register come to be live, and where they cease to.
static void find_events(const Resolver *r, VReg vreg, PieceEvents *begin, PieceEvents *end) {
    const RegisterAllocator *ra = r->ra;
    uint32_t range = ra->first_range[vreg], last = ra->first_range[vreg + 1], first_in[NUM_PLACES] = {0};
    for (uint32_t p = ra->first_piece[vreg]; p < ra->first_piece[vreg + 1] && range < last;) {
        const LivePiece *piece = &ra->pieces[p];
        const LiveRange *live = &ra->ranges[range];
        uint32_t from = live->from > piece->start ? live->from : piece->start;
        uint32_t to = live->to < piece->end ? live->to : piece->end;
        uint32_t *first = &first_in[place_number(piece->location)]; // plus one
        if (*first == 0) *first = p + 1;
        if (from < to && point_from(r, from) < point_from(r, to)) {
            add_event(begin, point_from(r, from), *first - 1);
            add_event(end, point_from(r, to), *first - 1);
        }
        if (live->to <= piece->end) range++;
        else p++;
    }
}

static int by_point(const void *left, const void *right) {
    const PieceEvent *a = left, *b = right;
    if (a->point != b->point) return a->point < b->point ? -1 : 1;
    return a->piece < b->piece ? -1 : a->piece > b->piece;
}

static void sort_events(PieceEvents *events) {
    if (events->count > 1) qsort(events->items, events->count, sizeof *events->items, by_point);
}

static void sweep_points(Resolver *r, const PieceEvents *begin, const PieceEvents *end) {
    LiveSet set = 0;
    size_t b = 0, e = 0;
    for (uint32_t point = 0; point < 2 * r->lir->num_blocks; point++) {
        for (; e < end->count && end->items[e].point == point; e++)
            set = live_set_remove(&r->piece_sets, set, end->items[e].piece);
        for (; b < begin->count && begin->items[b].point == point; b++)
            set = live_set_add(&r->piece_sets, set, begin->items[b].piece);
        live_sets_share(&r->piece_sets);
        r->at_point[point] = set;
    }
}

static void find_pieces_at_borders(Resolver *r) {
    PieceEvents begin = {0}, end = {0};
    for (VReg v = 0; v < r->lir->num_vregs; v++)
        if (r->moves_at_borders[v]) find_events(r, v, &begin, &end);
    sort_events(&begin);
    sort_events(&end);
    sweep_points(r, &begin, &end);
    free(begin.items);
    free(end.items);
}

// On edges.

static bool is_left_by_one_edge(const Resolver *r) { return r->lir->blocks[r->from].num_successors == 1; }

static uint32_t edge_ins(const Resolver *r) {
    return is_left_by_one_edge(r) ? r->lir->blocks[r->from].end - 1 : r->lir->blocks[r->to].start;
}

static RaMoveGroup edge_group(const Resolver *r) { return is_left_by_one_edge(r) ? RA_LEAVE : RA_ENTER; }

static Location at_end(const Resolver *r, VReg vreg) {
    return ra_location_at(r->ra, vreg, write_position(r->lir->blocks[r->from].end - 1));
}

static Location at_start(const Resolver *r, VReg vreg) {
    return ra_location_at(r->ra, vreg, read_position(r->lir->blocks[r->to].start));
}

// A piece begins on the edge. If that is not a phi's result, its register comes from another piece.
static void add_edge_change(void *context, uint32_t piece) {
    Resolver *r = context;
    VReg vreg = r->ra->pieces[piece].vreg;
    r->work++;
    if (r->l->def[vreg] == read_position(r->lir->blocks[r->to].start)) return;
    add_change(r, edge_ins(r), edge_group(r), vreg, at_start(r, vreg), at_end(r, vreg));
}

static void add_phi_move(Resolver *r, const LirPhi *phi) {
    if (r->ra->first_range[phi->d] == r->ra->first_range[phi->d + 1]) return; // nobody reads it
    LirMove arg = lir_phi_args(r->lir, phi)[r->lir->blocks[r->from].pred_index];
    Location d = at_start(r, phi->d), s = {LOCATION_CONST, UINT32_MAX};
    r->work++;
    if (arg.s != NO_VREG) {
        add_move(r, edge_ins(r), edge_group(r), arg.s, d, at_end(r, arg.s));
        return;
    }
    GROW(r->moves, r->num_moves, r->cap_moves);
    RaMove move = {edge_ins(r), edge_group(r), NO_VREG, d, s, arg.imm};
    r->moves[r->num_moves] = (FoundMove){.move = move, .number = (uint32_t)r->num_moves};
    r->num_moves++;
}

static void add_edge_moves(Resolver *r) {
    const LirBlock *to = &r->lir->blocks[r->to];
    for (uint32_t k = 0; k < to->num_phis; k++) add_phi_move(r, &r->lir->phis[to->first_phi + k]);
    LiveSet before = r->at_point[2 * r->from + 1], behind = r->at_point[2 * r->to];
    live_set_visit_without(&r->piece_sets, behind, before, add_edge_change, r);
}

static bool add_all_edge_moves(Resolver *r) {
    for (r->from = 0; r->from < r->lir->num_blocks; r->from++) {
        const LirBlock *block = &r->lir->blocks[r->from];
        for (uint32_t s = 0; s < block->num_successors; s++) {
            r->to = block->successors[s];
            add_edge_moves(r);
        }
        if (r->work > MAX_WORK) return false;
    }
    return true;
}

// Stores.

// Store the register where it is written, if that is better. Then its other stores are not needed.
static bool store_at_definition(Resolver *r, VReg vreg) {
    if (r->cost[vreg] == 0) return false;
    const LivePiece *first = &r->ra->pieces[r->ra->first_piece[vreg]];
    uint32_t ins = (r->l->def[vreg] + 1) / 2; // behind the instruction; or where the phi's block begins
    if (first->location.kind == LOCATION_SLOT) return true;
    if (weight(&r->lir->blocks[r->l->block_of[ins]]) > r->cost[vreg]) return false;
    Location slot = {LOCATION_NONE, 0};
    for (uint32_t p = r->ra->first_piece[vreg]; p < r->ra->first_piece[vreg + 1]; p++)
        if (r->ra->pieces[p].location.kind == LOCATION_SLOT) slot = r->ra->pieces[p].location;
    add_move(r, ins, RA_SPLIT, vreg, slot, first->location);
    return true;
}

static void choose_stores(Resolver *r) {
    size_t count = r->num_moves, kept = 0;
    bool *stored = xcalloc(r->lir->num_vregs, sizeof *stored);
    for (VReg v = 0; v < r->lir->num_vregs; v++) stored[v] = store_at_definition(r, v);
    for (size_t i = 0; i < r->num_moves; i++)
        if (i >= count || !r->moves[i].stores || !stored[r->moves[i].move.vreg]) r->moves[kept++] = r->moves[i];
    r->num_moves = kept;
    free(stored);
}

static int in_order(const void *left, const void *right) {
    const FoundMove *a = left, *b = right;
    if (a->move.ins != b->move.ins) return a->move.ins < b->move.ins ? -1 : 1;
    if (a->move.group != b->move.group) return a->move.group < b->move.group ? -1 : 1;
    return a->number < b->number ? -1 : 1;
}

static void hand_out_moves(Resolver *r) {
    if (r->num_moves > 1) qsort(r->moves, r->num_moves, sizeof *r->moves, in_order);
    r->ra->moves = arena_array(&r->ra->arena, r->num_moves, sizeof *r->ra->moves);
    r->ra->num_moves = r->num_moves;
    for (size_t i = 0; i < r->num_moves; i++) r->ra->moves[i] = r->moves[i].move;
}

bool resolve_moves(RegisterAllocator *ra, const Lir *lir, const Lifetimes *l) {
    Arena scratch = {0};
    Resolver r = {.ra = ra, .lir = lir, .l = l};
    r.cost = arena_array(&scratch, lir->num_vregs, sizeof *r.cost);
    r.moves_at_borders = arena_array(&scratch, lir->num_vregs, sizeof *r.moves_at_borders);
    r.at_point = arena_array(&scratch, 2 * lir->num_blocks, sizeof *r.at_point);
    live_sets_init(&r.piece_sets, ra->first_piece ? ra->first_piece[lir->num_vregs] : 0);
    for (VReg v = 0; ra->pieces && v < lir->num_vregs; v++) add_inner_moves(&r, v);
    if (ra->pieces) find_pieces_at_borders(&r);
    bool ok = add_all_edge_moves(&r);
    ra->work += r.work;
    if (ok) {
        if (ra->pieces) choose_stores(&r);
        hand_out_moves(&r);
    }
    live_sets_free(&r.piece_sets);
    free(r.moves);
    arena_free(&scratch);
    return ok;
}
