// Poletto & Sarkar's linear scan, and what it shares with that of linear_scan.c.
// In:  LIR.  Out: a Location for each virtual register.
// Invariant: no two intervals that overlap share a register or a slot, and no interval is in a
// register that an instruction in its middle destroys.
//
// The scan walks the intervals by ascending start and keeps the active ones: those that hold a
// register now. An interval that finds no register free competes with the active ones: the one that
// ends last is spilled, for it would block its register the longest.
#include "backend/regalloc.h"

#include <stdlib.h>

#include "backend/linear_scan.h"
#include "baseline/convention.h"

enum { NUM_REGS = 16 };

const char *const ra_kind_names[NUM_RA_KINDS] = {[RA_LINEAR_SCAN] = "linear-scan", [RA_POLETTO] = "poletto"};

#define NO_SLOT UINT32_MAX // not chosen yet

// DIV divides EDX:EAX.
static const RegSet division_regs = 1u << RAX | 1u << RDX;

RegSet ra_clobbers(const LirIns *ins) {
    if (is_access(ins)) return ACCESS_CHANGED_REGS;
    if (is_call(ins)) return FRAME_CHANGED_REGS;
    if (is_division_i32(ins)) return divides_i32_by_constant(ins) ? 0 : division_regs;
    if (!is_division(ins) || divides_by_power_of_two(ins)) return 0;
    return division_regs;
}

// A division that finds its result to be no integer begins anew, in C.
bool ra_reads_b_late(const LirIns *ins) { return is_division(ins) || ins->takes_back; }

// Live intervals.

typedef struct IntervalBuilder {
    const Lir *lir;
    LiveInterval *of; // indexed by VReg; start > end: not live
} IntervalBuilder;

// Registers destroyed strictly between the interval's first write and its last read.
// Calls and divisions destroy; `at` lists the positions of one of the two kinds, ascending.
typedef struct Clobbers {
    uint32_t *at;
    size_t count;
    RegSet regs;
} Clobbers;

RegSet ra_believed_clobbers(const Lir *lir, const LirIns *ins) {
    bool trusts = lir->trust_natives && ins->op == LIR_CALL_NATIVE;
    return trusts ? reg_bit(RAX) : ra_clobbers(ins);
}

static Clobbers find_clobbers(const Lir *lir, RegSet regs, Arena *arena) {
    Clobbers clobbers = {.at = arena_array(arena, lir->num_ins, sizeof *clobbers.at), .regs = regs};
    for (uint32_t i = 0; i < lir->num_ins; i++)
        if (ra_believed_clobbers(lir, &lir->ins[i]) == regs) clobbers.at[clobbers.count++] = read_position(i);
    return clobbers;
}

// An instruction at p destroys after its reads (p) and before its writes (p + 1).
static bool is_clobbered(const Clobbers *clobbers, const LiveInterval *interval) {
    size_t low = 0, high = clobbers->count; // the first position >= start
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (clobbers->at[middle] < interval->start) low = middle + 1;
        else high = middle;
    }
    return low < clobbers->count && clobbers->at[low] < interval->end;
}

static void note_hint(IntervalBuilder *b, VReg vreg, VReg hint) {
    if (vreg == NO_VREG || hint == NO_VREG || b->of[vreg].hint == hint) return;
    if (b->of[vreg].hint == NO_VREG) b->of[vreg].hint = hint;
    else if (b->of[vreg].other_hint == NO_VREG) b->of[vreg].other_hint = hint;
}

static void note_preference(IntervalBuilder *b, VReg vreg, Reg reg) {
    if (vreg != NO_VREG) b->of[vreg].preferred |= reg_bit(reg);
}

static void find_move_hints(IntervalBuilder *b, const LirIns *ins) {
    for (uint32_t k = 0; k < ins->num_moves; k++) {
        LirMove move = b->lir->moves[ins->first_move + k];
        note_hint(b, move.d, move.s);
        note_hint(b, move.s, move.d);
        uint32_t argument = k + call_takes_vm(ins);
        bool in_register = is_call(ins) && !calls_function(ins) && argument < NUM_ARG_REGS;
        if (in_register) note_preference(b, move.s, arg_regs[argument]);
    }
}

static void find_phi_hints(IntervalBuilder *b) {
    for (uint32_t i = 0; i < b->lir->num_blocks; i++) {
        const LirBlock *block = &b->lir->blocks[i];
        for (uint32_t k = 0; k < block->num_phis; k++) {
            const LirPhi *phi = &b->lir->phis[block->first_phi + k];
            for (uint32_t p = 0; p < block->num_preds; p++) {
                note_hint(b, phi->d, lir_phi_args(b->lir, phi)[p].s);
                note_hint(b, lir_phi_args(b->lir, phi)[p].s, phi->d);
            }
        }
    }
}

// Which registers would save a move, if they share one or are in a certain one.
static void find_hints(IntervalBuilder *b) {
    find_phi_hints(b);
    for (uint32_t i = 0; i < b->lir->num_ins; i++) {
        const LirIns *ins = &b->lir->ins[i];
        find_move_hints(b, ins);
        if (ins->a != NO_VREG) note_hint(b, ins->d, ins->a);
        if (ins->op == LIR_RETURN) note_preference(b, ins->a, RAX);
        if (is_call(ins)) note_preference(b, ins->d, RAX);
    }
}

// The intervals without their holes, indexed by register.
static LiveInterval *build_intervals(const Lir *lir, const Lifetimes *lifetimes, Arena *scratch) {
    IntervalBuilder b = {.lir = lir, .of = arena_array(scratch, lir->num_vregs, sizeof *b.of)};
    for (VReg v = 0; v < lir->num_vregs; v++) {
        uint32_t first = lifetimes->first_range[v], end = lifetimes->first_range[v + 1];
        b.of[v] = (LiveInterval){.vreg = v, .start = UINT32_MAX, .end = 0, .hint = NO_VREG, .other_hint = NO_VREG};
        if (first == end) continue;
        b.of[v].start = lifetimes->ranges[first].from;
        b.of[v].end = lifetimes->ranges[end - 1].to - 1;
    }
    find_hints(&b);
    return b.of;
}

static bool is_live(const LiveInterval *interval) { return interval->start <= interval->end; }

static void forbid_clobbered(LiveInterval *of, const Lir *lir, Arena *scratch) {
    Clobbers calls = find_clobbers(lir, FRAME_CHANGED_REGS, scratch);
    Clobbers accesses = find_clobbers(lir, ACCESS_CHANGED_REGS, scratch);
    Clobbers trusted = find_clobbers(lir, reg_bit(RAX), scratch); // RAX holds the result at least
    Clobbers divisions = find_clobbers(lir, division_regs, scratch);
    for (VReg v = 0; v < lir->num_vregs; v++) {
        if (!is_live(&of[v])) continue;
        if (is_clobbered(&calls, &of[v])) of[v].forbidden |= calls.regs;
        if (is_clobbered(&accesses, &of[v])) of[v].forbidden |= accesses.regs;
        if (is_clobbered(&trusted, &of[v])) of[v].forbidden |= trusted.regs;
        if (is_clobbered(&divisions, &of[v])) of[v].forbidden |= divisions.regs;
    }
}

// By start, those that start together by number: a counting sort, for there are hardly more positions than intervals.
static void sort_intervals(RegisterAllocator *ra, const Lir *lir, const LiveInterval *of, Arena *scratch) {
    uint32_t *first = arena_array(scratch, 2 * lir->num_ins + 1, sizeof *first); // place of the first that starts there
    for (VReg v = 0; v < lir->num_vregs; v++)
        if (is_live(&of[v])) first[of[v].start + 1]++;
    for (size_t p = 0; p < 2 * lir->num_ins; p++) first[p + 1] += first[p];
    ra->num_intervals = first[2 * lir->num_ins];
    ra->intervals = arena_array(&ra->arena, ra->num_intervals, sizeof *ra->intervals);
    for (VReg v = 0; v < lir->num_vregs; v++)
        if (is_live(&of[v])) ra->intervals[first[of[v].start]++] = of[v];
}

// The scan.

typedef struct Scan {
    RegisterAllocator *ra;
    const LiveInterval *active[NUM_REGS]; // indexed by register; NULL if it is free
} Scan;

static void expire(Scan *scan, uint32_t position) {
    for (int r = 0; r < NUM_REGS; r++)
        if (scan->active[r] && scan->active[r]->end < position) scan->active[r] = NULL;
}

static RegSet free_registers(const Scan *scan) {
    RegSet set = 0;
    for (int r = 0; r < NUM_REGS; r++)
        if (!scan->active[r]) set |= 1u << r;
    return set & scan->ra->pool;
}

static Reg lowest(RegSet set) { return (Reg)__builtin_ctz(set); }

static RegSet hinted(const Scan *scan, VReg hint) {
    if (hint == NO_VREG) return 0;
    Location location = scan->ra->locations[hint];
    return location.kind == LOCATION_REG ? 1u << location.index : 0;
}

// The best register of a set that is not empty.
static Reg choose(const Scan *scan, const LiveInterval *interval, RegSet set) {
    if (set & hinted(scan, interval->hint)) return lowest(set & hinted(scan, interval->hint));
    if (set & hinted(scan, interval->other_hint)) return lowest(set & hinted(scan, interval->other_hint));
    if (set & interval->preferred) return lowest(set & interval->preferred);
    return lowest(set);
}

static void assign(Scan *scan, const LiveInterval *interval, Reg reg) {
    scan->active[reg] = interval;
    scan->ra->locations[interval->vreg] = in_reg(reg);
    scan->ra->used |= reg_bit(reg);
}

// Slots are chosen later, by assign_slots.
static void spill(Scan *scan, const LiveInterval *interval) {
    scan->ra->locations[interval->vreg] = in_slot(0);
}

// No register is free: take one from the active interval that ends last, if that is later than the
// end of this one; otherwise spill this one.
static void spill_at(Scan *scan, const LiveInterval *interval) {
    const LiveInterval *victim = interval;
    Reg reg = RAX;
    for (int r = 0; r < NUM_REGS; r++) {
        const LiveInterval *active = scan->active[r];
        if (!active || interval->forbidden >> r & 1 || active->end <= victim->end) continue;
        victim = active;
        reg = (Reg)r;
    }
    spill(scan, victim);
    if (victim != interval) assign(scan, interval, reg);
}

static void scan_intervals(RegisterAllocator *ra) {
    Scan scan = {.ra = ra};
    for (size_t i = 0; i < ra->num_intervals; i++) {
        const LiveInterval *interval = &ra->intervals[i];
        expire(&scan, interval->start);
        RegSet set = free_registers(&scan) & ~interval->forbidden;
        if (set) assign(&scan, interval, choose(&scan, interval, set));
        else spill_at(&scan, interval);
    }
}

// Slots: a second scan over the spilled intervals alone. A slot is taken again once the interval that
// held it has ended: that of a phi's argument by the phi, if it can be; else a heap finds the slot
// that was free first.
typedef struct SlotHeap {
    struct HeldSlot {
        uint32_t end, slot;
    } *items;
    size_t count;
} SlotHeap;

static void heap_push(SlotHeap *heap, uint32_t end, uint32_t slot) {
    size_t at = heap->count++;
    while (at > 0 && heap->items[(at - 1) / 2].end > end) {
        heap->items[at] = heap->items[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap->items[at] = (struct HeldSlot){end, slot};
}

static uint32_t heap_pop(SlotHeap *heap) {
    uint32_t slot = heap->items[0].slot;
    struct HeldSlot last = heap->items[--heap->count];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < heap->count; at = child) {
        if (child + 1 < heap->count && heap->items[child + 1].end < heap->items[child].end) child++;
        if (heap->items[child].end >= last.end) break;
        heap->items[at] = heap->items[child];
    }
    heap->items[at] = last;
    return slot;
}

typedef struct Slots {
    RegisterAllocator *ra;
    SlotHeap heap;  // a slot is in it once for each interval that it held
    uint32_t *ends; // for each slot: where the newest of them ends
} Slots;

static bool slot_is_free(const Slots *s, VReg hint, uint32_t start) {
    if (hint == NO_VREG) return false;
    Location location = s->ra->locations[hint];
    return location.kind == LOCATION_SLOT && location.index != NO_SLOT && s->ends[location.index] < start;
}

static uint32_t find_slot(Slots *s, const LiveInterval *interval) {
    if (slot_is_free(s, interval->hint, interval->start)) return s->ra->locations[interval->hint].index;
    if (slot_is_free(s, interval->other_hint, interval->start)) return s->ra->locations[interval->other_hint].index;
    while (s->heap.count > 0 && s->heap.items[0].end < interval->start) {
        uint32_t end = s->heap.items[0].end, slot = heap_pop(&s->heap);
        if (s->ends[slot] == end) return slot; // or else it has been taken since
    }
    return s->ra->num_slots++;
}

static void assign_slots(RegisterAllocator *ra, Arena *scratch) {
    Slots s = {.ra = ra, .ends = arena_array(scratch, ra->num_intervals, sizeof *s.ends)};
    s.heap.items = arena_array(scratch, ra->num_intervals + 1, sizeof *s.heap.items);
    for (size_t i = 0; i < ra->num_intervals; i++) {
        Location *location = &ra->locations[ra->intervals[i].vreg];
        if (location->kind == LOCATION_SLOT) location->index = NO_SLOT;
    }
    for (size_t i = 0; i < ra->num_intervals; i++) {
        const LiveInterval *interval = &ra->intervals[i];
        Location *location = &ra->locations[interval->vreg];
        if (location->kind != LOCATION_SLOT) continue;
        location->index = find_slot(&s, interval);
        s.ends[location->index] = interval->end;
        heap_push(&s.heap, interval->end, location->index);
    }
}

// All pieces of a register that are in memory are in the register's slot.
static void place_pieces(RegisterAllocator *ra, const Lir *lir) {
    for (VReg v = 0; v < lir->num_vregs; v++) {
        uint32_t first = ra->first_piece[v];
        for (uint32_t p = first; p < ra->first_piece[v + 1]; p++)
            if (ra->pieces[p].location.kind == LOCATION_SLOT) ra->pieces[p].location = ra->locations[v];
        if (first < ra->first_piece[v + 1]) ra->locations[v] = ra->pieces[first].location;
    }
}

static bool allocate(RegisterAllocator *ra, const Lir *lir, Lifetimes *lifetimes, RaKind kind, Arena *scratch) {
    LiveInterval *of = build_intervals(lir, lifetimes, scratch);
    ra->ranges = lifetimes->ranges;
    ra->first_range = lifetimes->first_range;
    ra->locations = arena_array(&ra->arena, lir->num_vregs, sizeof *ra->locations);
    if (kind == RA_POLETTO) forbid_clobbered(of, lir, scratch);
    sort_intervals(ra, lir, of, scratch);
    if (kind == RA_POLETTO) scan_intervals(ra);
    else linear_scan(ra, lir, lifetimes, of);
    assign_slots(ra, scratch);
    if (ra->pieces) place_pieces(ra, lir);
    return resolve_moves(ra, lir, lifetimes);
}

bool ra_allocate(RegisterAllocator *ra, const Lir *lir, RegSet pool, RaKind kind) {
    *ra = (RegisterAllocator){.pool = pool};
    Lifetimes lifetimes;
    if (!lifetimes_build(&lifetimes, lir, &ra->arena)) return false;
    Arena scratch = {0};
    bool ok = allocate(ra, lir, &lifetimes, kind, &scratch);
    if (!ok) arena_free(&ra->arena);
    arena_free(&scratch);
    lifetimes_free(&lifetimes);
    return ok;
}

void ra_free(RegisterAllocator *ra) { arena_free(&ra->arena); }

Location ra_location_at(const RegisterAllocator *ra, VReg vreg, uint32_t position) {
    if (!ra->first_piece) return ra->locations[vreg];
    uint32_t low = ra->first_piece[vreg], high = ra->first_piece[vreg + 1];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (ra->pieces[middle].end <= position) low = middle + 1;
        else high = middle;
    }
    bool lives = low < ra->first_piece[vreg + 1] && ra->pieces[low].start <= position;
    return lives ? ra->pieces[low].location : (Location){LOCATION_NONE, 0};
}

Location ra_location(const RegisterAllocator *ra, VReg vreg, uint32_t ins) {
    if (!ra->first_piece) return ra->locations[vreg];
    uint32_t first = ra->first_piece[vreg];
    bool written_here = first < ra->first_piece[vreg + 1] && ra->pieces[first].start == write_position(ins);
    return ra_location_at(ra, vreg, written_here ? write_position(ins) : read_position(ins));
}
