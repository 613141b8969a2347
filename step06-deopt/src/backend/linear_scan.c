// Linear scan with lifetime holes and interval splitting.
// In:  live ranges and uses.  Out: pieces of intervals, each in one place.
// Invariant: no two pieces that are live at one position share a register, and no piece is in a
// register at a position where an instruction destroys it.
//
// The scan takes pieces by ascending start; at first, each interval is one piece. At its position, a
// register is held by the piece that is active there. Others are assigned to it as well, but are in a
// hole: they are inactive, and wake up where their next range begins. A piece that is taken
//   1. gets a register that is free for all of it; or
//   2. one that is free for its beginning, up to its first use at least; the rest is split off; or
//   3. the register of the active piece that is used farthest from here: the rest of that one is split off and
//      goes to memory; or
//   4. goes to memory itself.
// What is in memory comes back where it is used again, if that is worth a load; x86-64 instructions
// read operands from memory as well. Splits are moved out of loops. A value that is loaded early for that, and
// then loses the register before its use, time and again, is next loaded half-way there at the earliest: in a deep
// nest of loops, it does not come and go at each level.
//
// Calls and divisions destroy registers between their reads and their writes, at no position of their
// own. A piece may be in such a register up to there and in memory from there on, so that the instruction
// can still read it: then the split lies at the instruction's write position. All other splits lie
// at read positions.
//
// On SSA form, an interval that has not been split can only meet another one that is live where it
// begins: so it never meets an inactive one (Wimmer & Franz, section 4.2). A split one may; for it, a
// register counts as free up to the first awakening.
// Sources: C. Wimmer, H. Moessenboeck, "Optimized Interval Splitting in a Linear Scan Register Allocator", VEE
// 2005; C. Wimmer, M. Franz, "Linear Scan Register Allocation on SSA Form", CGO 2010.
#include "backend/linear_scan.h"

#include <stdlib.h>

#include "base/fatal.h"

enum { NUM_REGS = 16, NO_REG = NUM_REGS, MAX_CLOBBER_KINDS = 8, MAX_TRIES = 8 };

#define NO_PIECE UINT32_MAX
#define FOREVER UINT32_MAX
#define NOT_LOOKED UINT32_MAX

typedef struct Piece {
    LivePiece piece;
    uint32_t range; // the first range that ends behind the scan's position
    uint32_t next;  // the next piece of the same interval, or NO_PIECE
} Piece;

// The positions of the instructions that destroy a certain set of registers.
typedef struct Clobbers {
    RegSet regs;
    uint32_t *at; // read positions, ascending
    size_t count, capacity;
} Clobbers;

// A load of what is in memory: for which use, and how often there has been one for that.
typedef struct Load {
    uint32_t use, tries;
} Load;

typedef struct HeapItem {
    uint32_t key, piece;
} HeapItem;

typedef struct PieceHeap {
    HeapItem *items;
    size_t count, capacity;
} PieceHeap;

typedef struct Scan {
    RegisterAllocator *ra;
    const Lir *lir;
    const Lifetimes *l;
    const LiveInterval *of; // indexed by register: for the hints
    Piece *pieces;          // the first num_vregs: the first pieces of each register
    size_t num_pieces, cap_pieces;
    size_t next_interval;    // the first of ra->intervals that has not been taken
    PieceHeap waiting;            // what has been split off from others, by start
    uint32_t active[NUM_REGS]; // NO_PIECE if the register is free
    PieceHeap inactive[NUM_REGS];   // by the start of the next range
    Clobbers clobbers[MAX_CLOBBER_KINDS];
    size_t num_clobbers;
    uint32_t *hits;    // [register * num_clobbers + kind]: see find_clobber
    uint8_t *last_reg; // of each virtual register: where its newest piece is
    Load *loads;       // of each virtual register: the newest
    uint32_t *loop_jump; // for each loop header: that of some loop around it, or NO_BLOCK: see find_loop_jumps
    uint32_t position;
} Scan;

static LivePiece *piece_of(Scan *s, uint32_t index) { return &s->pieces[index].piece; }

// A heap with the smallest key on top; among equal keys, the piece that was made first.

static bool is_before(HeapItem a, HeapItem b) { return a.key != b.key ? a.key < b.key : a.piece < b.piece; }

static void heap_push(PieceHeap *heap, uint32_t key, uint32_t piece) {
    GROW(heap->items, heap->count, heap->capacity);
    HeapItem item = {key, piece};
    size_t at = heap->count++;
    for (; at > 0 && is_before(item, heap->items[(at - 1) / 2]); at = (at - 1) / 2)
        heap->items[at] = heap->items[(at - 1) / 2];
    heap->items[at] = item;
}

static uint32_t heap_pop(PieceHeap *heap) {
    uint32_t piece = heap->items[0].piece;
    HeapItem last = heap->items[--heap->count];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < heap->count; at = child) {
        if (child + 1 < heap->count && is_before(heap->items[child + 1], heap->items[child])) child++;
        if (!is_before(heap->items[child], last)) break;
        heap->items[at] = heap->items[child];
    }
    heap->items[at] = last;
    return piece;
}

// Ranges and uses.

// The first range of the register that ends behind the position; the register has one.
static uint32_t range_behind(const Scan *s, VReg vreg, uint32_t position) {
    uint32_t low = s->l->first_range[vreg], high = s->l->first_range[vreg + 1];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (s->l->ranges[middle].to <= position) low = middle + 1;
        else high = middle;
    }
    return low;
}

// The first use of the register that does not lie before the position.
static uint32_t use_from(const Scan *s, VReg vreg, uint32_t position) {
    uint32_t low = s->l->first_use[vreg], high = s->l->first_use[vreg + 1];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (s->l->uses[middle].position < position) low = middle + 1;
        else high = middle;
    }
    return low;
}

// The position of the next use of any kind, or where the piece ends.
static uint32_t next_use(const Scan *s, const LivePiece *piece, uint32_t position) {
    uint32_t use = use_from(s, piece->vreg, position);
    if (use == s->l->first_use[piece->vreg + 1] || s->l->uses[use].position >= piece->end) return piece->end;
    return s->l->uses[use].position;
}

// Behind the last use before the position, and behind the piece's start: the earliest place for a split.
static uint32_t earliest_split(const Scan *s, const LivePiece *piece, uint32_t position) {
    uint32_t use = use_from(s, piece->vreg, position);
    if (use == s->l->first_use[piece->vreg] || s->l->uses[use - 1].position < piece->start) return piece->start + 1;
    return s->l->uses[use - 1].position + 1;
}

static bool is_used_at(const Scan *s, VReg vreg, uint32_t position) {
    uint32_t use = use_from(s, vreg, position);
    return use < s->l->first_use[vreg + 1] && s->l->uses[use].position == position;
}

static bool begins_interval(const Scan *s, const LivePiece *piece) {
    return piece->start == s->l->def[piece->vreg];
}

// The position of the piece's first use as an operand, or FOREVER.
static uint32_t first_operand_use(const Scan *s, const LivePiece *piece) {
    uint32_t u = use_from(s, piece->vreg, piece->start), end = s->l->first_use[piece->vreg + 1];
    for (; u < end && s->l->uses[u].position < piece->end; u++)
        if (s->l->uses[u].kind == USE_REG) return s->l->uses[u].position;
    return FOREVER;
}

// The position where the piece wants to be in a register: its beginning, if it is written there, or its first
// use as an operand. FOREVER if there is none.
static uint32_t wants_register_at(const Scan *s, const LivePiece *piece) {
    return begins_interval(s, piece) ? piece->start : first_operand_use(s, piece);
}

// Clobbers.

static Clobbers *clobbers_of(Scan *s, RegSet regs) {
    for (size_t k = 0; k < s->num_clobbers; k++)
        if (s->clobbers[k].regs == regs) return &s->clobbers[k];
    if (s->num_clobbers == MAX_CLOBBER_KINDS) fatal("more than %d sets of clobbered registers", MAX_CLOBBER_KINDS);
    s->clobbers[s->num_clobbers].regs = regs;
    return &s->clobbers[s->num_clobbers++];
}

static void find_clobbers(Scan *s) {
    for (uint32_t i = 0; i < s->lir->num_ins; i++) {
        RegSet regs = ra_believed_clobbers(s->lir, &s->lir->ins[i]);
        if (regs == 0) continue;
        Clobbers *c = clobbers_of(s, regs);
        GROW(c->at, c->count, c->capacity);
        c->at[c->count++] = read_position(i);
    }
}

static uint32_t clobber_from(const Clobbers *c, uint32_t position) {
    size_t low = 0, high = c->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (c->at[middle] < position) low = middle + 1;
        else high = middle;
    }
    return (uint32_t)low;
}

// The first clobber from the position on that the register lives across: it is live before and behind it.
// Positions of one register come in ascending order; what was found last is the answer until it lies behind.
static uint32_t find_clobber(Scan *s, size_t kind, VReg vreg, uint32_t position) {
    const Clobbers *c = &s->clobbers[kind];
    uint32_t *hit = &s->hits[vreg * s->num_clobbers + kind];
    if (*hit == c->count) return FOREVER;
    if (*hit != NOT_LOOKED && c->at[*hit] >= position) return c->at[*hit];
    uint32_t at = clobber_from(c, position);
    uint32_t range = range_behind(s, vreg, position), end = s->l->first_range[vreg + 1];
    for (; at < c->count && range < end; range++) {
        if (c->at[at] < s->l->ranges[range].from) at = clobber_from(c, s->l->ranges[range].from);
        if (at < c->count && c->at[at] + 1 < s->l->ranges[range].to) break;
    }
    *hit = range < end ? at : (uint32_t)c->count;
    return *hit < c->count ? c->at[*hit] : FOREVER;
}

// For each register: the position up to which nothing else needs it, were the piece to take it.
static void find_limits(Scan *s, const LivePiece *piece, uint32_t limits[NUM_REGS]) {
    bool split = !begins_interval(s, piece);
    for (int r = 0; r < NUM_REGS; r++) {
        limits[r] = FOREVER;
        if (split && s->inactive[r].count > 0) limits[r] = s->inactive[r].items[0].key;
    }
    for (size_t k = 0; k < s->num_clobbers; k++) {
        uint32_t at = find_clobber(s, k, piece->vreg, piece->start);
        if (at == FOREVER) continue;
        for (RegSet rest = s->clobbers[k].regs; rest; rest &= rest - 1) {
            int r = __builtin_ctz(rest);
            if (at + 1 < limits[r]) limits[r] = at + 1;
        }
    }
}

// Splitting.

static uint32_t add_piece(Scan *s, Piece piece) {
    GROW(s->pieces, s->num_pieces, s->cap_pieces);
    s->pieces[s->num_pieces] = piece;
    return (uint32_t)s->num_pieces++;
}

// Split off what lies behind the position, which is inside of the piece. A hole there belongs to neither.
static uint32_t split(Scan *s, uint32_t index, uint32_t position) {
    LivePiece left = *piece_of(s, index), right = left;
    if (position <= left.start || position >= left.end) fatal("v%u is split at %u", left.vreg, position);
    uint32_t range = range_behind(s, left.vreg, position);
    left.end = right.start = position;
    if (s->l->ranges[range].from >= position) {
        left.end = s->l->ranges[range - 1].to;
        right.start = s->l->ranges[range].from;
    }
    right.location = (Location){LOCATION_NONE, 0};
    uint32_t rest = add_piece(s, (Piece){right, range, s->pieces[index].next});
    s->pieces[index].piece = left;
    s->pieces[index].next = rest;
    return rest;
}

static uint32_t loop_depth(const Scan *s, uint32_t loop) {
    return loop == NO_BLOCK ? 0 : s->lir->blocks[loop].loop_depth;
}

static uint32_t loop_jump(const Scan *s, uint32_t loop) {
    return loop == NO_BLOCK ? NO_BLOCK : s->loop_jump[loop];
}

// Loops may be nested thousands deep. From each loop leads a jump outwards, over two equal ones if two such
// meet there: so a few steps reach any loop around (Myers, "An Applicative Random-Access Stack", 1983).
static void find_loop_jumps(Scan *s) {
    for (uint32_t b = 0; b < s->lir->num_blocks; b++) {
        if (s->lir->blocks[b].loop != b) continue;
        uint32_t outer = s->lir->blocks[b].outer_loop, jump = loop_jump(s, outer), next = loop_jump(s, jump);
        bool equal = loop_depth(s, outer) - loop_depth(s, jump) == loop_depth(s, jump) - loop_depth(s, next);
        s->loop_jump[b] = equal ? next : outer;
    }
}

static bool begins_at_or_after(const Scan *s, uint32_t loop, uint32_t position) {
    return loop != NO_BLOCK && read_position(s->lir->blocks[loop].start) >= position;
}

// The best position from `low` to `high` for a split: the last one; or if that is in a loop that `low`
// is not in, where the outermost such loop begins.
static uint32_t best_split(const Scan *s, uint32_t low, uint32_t high) {
    uint32_t loop = s->lir->blocks[s->l->block_of[high / 2]].loop;
    if (!begins_at_or_after(s, loop, low)) return high;
    for (uint32_t outer = loop; begins_at_or_after(s, outer, low); outer = s->lir->blocks[loop].outer_loop) {
        loop = outer;
        while (begins_at_or_after(s, loop_jump(s, loop), low)) loop = loop_jump(s, loop);
    }
    return read_position(s->lir->blocks[loop].start);
}

static void wait_for_turn(Scan *s, uint32_t index) { heap_push(&s->waiting, piece_of(s, index)->start, index); }

static uint32_t depth_at(const Scan *s, uint32_t position) {
    return s->lir->blocks[s->l->block_of[position / 2]].loop_depth;
}

// Is an operand in memory worth a load before the instruction? If it is in a loop that the load is not; or
// if the next use follows before any call.
static bool is_worth_loading(const Scan *s, const LivePiece *piece, uint32_t use) {
    uint32_t position = s->l->uses[use].position, end = s->l->first_use[piece->vreg + 1];
    if (depth_at(s, position) > depth_at(s, piece->start)) return true;
    uint32_t call = FOREVER;
    for (size_t k = 0; k < s->num_clobbers; k++) {
        const Clobbers *c = &s->clobbers[k];
        uint32_t at = clobber_from(c, position);
        if (c->regs == FRAME_CHANGED_REGS && at < c->count) call = c->at[at];
    }
    for (uint32_t u = use + 1; u < end && s->l->uses[u].position <= call; u++)
        if (s->l->uses[u].kind != USE_ANY && s->l->uses[u].position / 2 > position / 2) return true;
    return false;
}

// A value is to be loaded for a use, at the position `earliest` or behind it. Returns the best place for that.
static uint32_t place_load(Scan *s, VReg vreg, uint32_t use, uint32_t earliest) {
    uint32_t position = s->l->uses[use].position & ~1u;
    Load *load = &s->loads[vreg];
    *load = (Load){use, load->use == use ? load->tries + 1 : 1};
    if (load->tries > MAX_TRIES) earliest += (position - earliest) / 2;
    return best_split(s, earliest, position);
}

// The piece is in memory, until it is loaded again, at the scan's position at the earliest.
static void spill(Scan *s, uint32_t index) {
    LivePiece *piece = piece_of(s, index);
    piece->location = in_slot(0);
    uint32_t end = s->l->first_use[piece->vreg + 1], earliest = (piece->start | 1) + 1;
    if (earliest < s->position) earliest = (s->position + 1) & ~1u;
    for (uint32_t u = use_from(s, piece->vreg, earliest); u < end; u++) {
        LiveUse use = s->l->uses[u];
        if (use.position >= piece->end) return;
        if (use.kind != USE_REG || !is_worth_loading(s, piece, u)) continue;
        wait_for_turn(s, split(s, index, place_load(s, piece->vreg, u, earliest)));
        return;
    }
}

// Registers.

// Forget the ranges that are over. Returns false if the piece itself is.
static bool move_on(Scan *s, uint32_t index) {
    Piece *p = &s->pieces[index];
    if (p->piece.end <= s->position) return false;
    while (s->l->ranges[p->range].to <= s->position) p->range++;
    return true;
}

static void keep(Scan *s, Reg reg, uint32_t index) {
    uint32_t from = s->l->ranges[s->pieces[index].range].from;
    if (from > s->position) {
        heap_push(&s->inactive[reg], from, index);
        return;
    }
    if (s->active[reg] != NO_PIECE) fatal("v%u meets another piece at %u", piece_of(s, index)->vreg, s->position);
    s->active[reg] = index;
}

// What has ended frees its register; holes begin and end.
static void advance(Scan *s, uint32_t position) {
    if (position < s->position) fatal("the scan goes back from %u to %u", s->position, position);
    s->position = position;
    for (int r = 0; r < NUM_REGS; r++) {
        uint32_t active = s->active[r];
        s->active[r] = NO_PIECE;
        if (active != NO_PIECE && move_on(s, active)) keep(s, (Reg)r, active);
        PieceHeap *inactive = &s->inactive[r];
        while (inactive->count > 0 && inactive->items[0].key <= position) {
            uint32_t awake = heap_pop(inactive);
            if (move_on(s, awake)) keep(s, (Reg)r, awake);
        }
    }
}

static void assign(Scan *s, uint32_t index, Reg reg) {
    piece_of(s, index)->location = in_reg(reg);
    s->active[reg] = index;
    s->last_reg[piece_of(s, index)->vreg] = (uint8_t)reg;
    s->ra->used |= reg_bit(reg);
}

static Reg lowest(RegSet set) { return (Reg)__builtin_ctz(set); }

static bool is_constant(const Scan *s, VReg vreg) {
    uint32_t def = s->l->def[vreg];
    return def % 2 && s->lir->ins[def / 2].op == LIR_CONST;
}

static RegSet hinted(const Scan *s, VReg hint) {
    return hint == NO_VREG || s->last_reg[hint] == NO_REG ? 0 : reg_bit((Reg)s->last_reg[hint]);
}

// The best register of a set that is not empty.
static Reg choose(const Scan *s, VReg vreg, RegSet set) {
    const LiveInterval *interval = &s->of[vreg];
    const RegSet wishes[] = {
        hinted(s, vreg),
        hinted(s, interval->hint),
        hinted(s, interval->other_hint),
        interval->preferred,
    };
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++)
        if (set & wishes[i]) return lowest(set & wishes[i]);
    return lowest(set);
}

// Put the piece into the register and split off what does not fit. Returns false if nothing fits.
static bool assign_until(Scan *s, uint32_t index, Reg reg, uint32_t limit) {
    const LivePiece *piece = piece_of(s, index);
    if (limit < piece->end) {
        if (limit % 2 && is_used_at(s, piece->vreg, limit)) limit--; // it is read late: all or nothing
        if (limit <= piece->start) return false;
        uint32_t at = best_split(s, earliest_split(s, piece, limit), limit);
        uint32_t rest = split(s, index, at);
        if (at % 2) spill(s, rest);
        else wait_for_turn(s, rest);
    }
    assign(s, index, reg);
    return true;
}

// Cases 1 and 2, with one of the registers of a set.
static bool take_free_of(Scan *s, uint32_t index, uint32_t wanted, const uint32_t limits[NUM_REGS], RegSet set) {
    const LivePiece *piece = piece_of(s, index);
    RegSet whole = 0, longest = 0;
    uint32_t limit = wanted + 1; // better than nothing
    for (int r = 0; r < NUM_REGS; r++) {
        if (s->active[r] != NO_PIECE || !(set >> r & 1)) continue;
        if (limits[r] >= piece->end) whole |= 1u << r;
        if (limits[r] > limit) longest = 0;
        if (limits[r] >= limit) {
            longest |= 1u << r;
            limit = limits[r];
        }
    }
    if (whole) return assign_until(s, index, choose(s, piece->vreg, whole), FOREVER);
    return longest && assign_until(s, index, choose(s, piece->vreg, longest), limit);
}

static bool take_free_register(Scan *s, uint32_t index, uint32_t wanted, const uint32_t limits[NUM_REGS]) {
    return take_free_of(s, index, wanted, limits, s->ra->pool);
}

// An active piece leaves its register at the scan's position or before, and goes to memory.
static void evict(Scan *s, uint32_t index) {
    const LivePiece *piece = piece_of(s, index);
    s->active[piece->location.index] = NO_PIECE;
    uint32_t at = piece->start;
    if (at < s->position) at = best_split(s, earliest_split(s, piece, s->position), s->position);
    spill(s, at > piece->start ? split(s, index, at) : index);
}

// Cases 3 and 4.
static void take_or_spill(Scan *s, uint32_t index, uint32_t wanted, const uint32_t limits[NUM_REGS]) {
    const LivePiece *piece = piece_of(s, index);
    uint32_t farthest = begins_interval(s, piece) ? next_use(s, piece, piece->start + 1) : wanted;
    int best = NO_REG;
    for (int r = 0; r < NUM_REGS; r++) {
        if (s->active[r] == NO_PIECE || !(s->ra->pool >> r & 1) || limits[r] <= wanted + 1) continue;
        uint32_t use = next_use(s, piece_of(s, s->active[r]), s->position);
        if (use <= farthest) continue;
        farthest = use;
        best = r;
    }
    if (best == NO_REG) {
        spill(s, index);
        return;
    }
    uint32_t victim = s->active[best];
    evict(s, victim);
    if (!assign_until(s, index, (Reg)best, limits[best])) spill(s, index);
}

static void place(Scan *s, uint32_t index) {
    advance(s, piece_of(s, index)->start);
    uint32_t wanted = wants_register_at(s, piece_of(s, index)), limits[NUM_REGS];
    if (wanted == FOREVER) {
        spill(s, index);
        return;
    }
    find_limits(s, piece_of(s, index), limits);
    if (!take_free_register(s, index, wanted, limits)) take_or_spill(s, index, wanted, limits);
}

// The results.

// The pieces of one register that are in memory get a slot, or are constants.
static void settle_memory(Scan *s, VReg vreg, LivePiece *pieces, size_t count) {
    bool in_memory = false, constant = is_constant(s, vreg);
    for (size_t k = 0; k < count; k++) {
        if (pieces[k].location.kind != LOCATION_SLOT) continue;
        in_memory = true;
        constant = constant && first_operand_use(s, &pieces[k]) == FOREVER; // moves make it again
    }
    for (size_t k = 0; k < count && constant; k++)
        if (pieces[k].location.kind == LOCATION_SLOT)
            pieces[k].location = (Location){LOCATION_CONST, s->l->def[vreg] / 2};
    if (in_memory && !constant) s->ra->locations[vreg] = in_slot(0);
}

// Collect the pieces of all registers in order. Neighbours in one place become one.
static void hand_out_pieces(Scan *s) {
    RegisterAllocator *ra = s->ra;
    uint32_t n = s->lir->num_vregs, count = 0;
    ra->pieces = arena_array(&ra->arena, s->num_pieces, sizeof *ra->pieces);
    ra->first_piece = arena_array(&ra->arena, (size_t)n + 1, sizeof *ra->first_piece);
    for (VReg v = 0; v < n; v++) {
        ra->first_piece[v] = count;
        if (s->l->first_range[v] == s->l->first_range[v + 1]) continue;
        for (uint32_t p = v; p != NO_PIECE; p = s->pieces[p].next) {
            LivePiece piece = *piece_of(s, p);
            LivePiece *last = count > ra->first_piece[v] ? &ra->pieces[count - 1] : NULL;
            if (last && same_location(last->location, piece.location)) last->end = piece.end;
            else ra->pieces[count++] = piece;
        }
        settle_memory(s, v, ra->pieces + ra->first_piece[v], count - ra->first_piece[v]);
    }
    ra->first_piece[n] = count;
    ra->used = 0; // not what evicted pieces once had
    for (uint32_t p = 0; p < count; p++)
        if (ra->pieces[p].location.kind == LOCATION_REG) ra->used |= reg_bit((Reg)ra->pieces[p].location.index);
}

// The piece that starts first of those that have no place yet, or NO_PIECE.
static uint32_t take_next(Scan *s) {
    const RegisterAllocator *ra = s->ra;
    bool is_interval = s->next_interval < ra->num_intervals;
    if (is_interval && s->waiting.count > 0)
        is_interval = ra->intervals[s->next_interval].start <= s->waiting.items[0].key;
    if (is_interval) return ra->intervals[s->next_interval++].vreg;
    return s->waiting.count > 0 ? heap_pop(&s->waiting) : NO_PIECE;
}

static void add_intervals(Scan *s) {
    for (VReg v = 0; v < s->lir->num_vregs; v++) {
        uint32_t first = s->l->first_range[v], end = s->l->first_range[v + 1];
        Piece piece = {.piece = {.vreg = v}, .range = first, .next = NO_PIECE};
        if (first < end) {
            piece.piece.start = s->l->ranges[first].from;
            piece.piece.end = s->l->ranges[end - 1].to;
        }
        add_piece(s, piece);
    }
}

void linear_scan(RegisterAllocator *ra, const Lir *lir, const Lifetimes *l, const LiveInterval *of) {
    Arena scratch = {0};
    Scan s = {.ra = ra, .lir = lir, .l = l, .of = of};
    for (int r = 0; r < NUM_REGS; r++) s.active[r] = NO_PIECE;
    find_clobbers(&s);
    s.hits = arena_array(&scratch, lir->num_vregs * s.num_clobbers, sizeof *s.hits);
    s.last_reg = arena_array(&scratch, lir->num_vregs, sizeof *s.last_reg);
    for (size_t i = 0; i < lir->num_vregs * s.num_clobbers; i++) s.hits[i] = NOT_LOOKED;
    for (VReg v = 0; v < lir->num_vregs; v++) s.last_reg[v] = NO_REG;
    s.loads = arena_array(&scratch, lir->num_vregs, sizeof *s.loads);
    s.loop_jump = arena_array(&scratch, lir->num_blocks, sizeof *s.loop_jump);
    find_loop_jumps(&s);
    add_intervals(&s);
    for (uint32_t next; (next = take_next(&s)) != NO_PIECE;) place(&s, next);
    hand_out_pieces(&s);
    ra->work += s.num_pieces + l->first_use[lir->num_vregs];
    free(s.pieces);
    free(s.waiting.items);
    for (int r = 0; r < NUM_REGS; r++) free(s.inactive[r].items);
    for (size_t k = 0; k < s.num_clobbers; k++) free(s.clobbers[k].at);
    arena_free(&scratch);
}
