// Linear scan.
// In:  LIR.  Out: a Location for each virtual register.
// Invariant: no two intervals that overlap share a register or a slot, and no interval is in a
// register that an instruction in its middle destroys.
//
// The scan walks the intervals by ascending start and keeps the active ones: those that hold a
// register now. An interval that finds no register free competes with the active ones: the one that
// ends last is spilled, for it would block its register the longest.
#include "backend/regalloc.h"

#include <stdlib.h>

#include "backend/liveness.h"
#include "baseline/convention.h"

enum { NUM_REGS = 16 };

// IDIV divides RDX:RAX.
static const RegSet division_regs = 1u << RAX | 1u << RDX;

RegSet ra_clobbers(const LirIns *ins) {
    if (is_call(ins)) return CALLER_SAVED_REGS;
    if (!is_division(ins) || divides_by_power_of_two(ins)) return 0;
    return division_regs;
}

// DIV copies a to RAX before it divides. SUB copies a to d, and is slower if b is there.
bool ra_reads_b_late(const LirIns *ins) { return is_division(ins) || ins->op == LIR_SUB; }

// Live intervals.

typedef struct IntervalBuilder {
    const Lir *lir;
    LiveInterval *of; // indexed by VReg; start > end: not live
    uint32_t position;
} IntervalBuilder;

static void stretch(IntervalBuilder *b, VReg vreg, uint32_t position) {
    LiveInterval *interval = &b->of[vreg];
    if (position < interval->start) interval->start = position;
    if (position > interval->end) interval->end = position;
}

static void stretch_to_here(void *context, VReg vreg) {
    IntervalBuilder *b = context;
    stretch(b, vreg, b->position);
}

static void cover_instructions(IntervalBuilder *b) {
    for (uint32_t i = 0; i < b->lir->num_ins; i++) {
        const LirIns *ins = &b->lir->ins[i];
        b->position = read_position(i);
        lir_visit_reads(b->lir, ins, stretch_to_here, b);
        b->position = write_position(i);
        lir_visit_writes(b->lir, ins, stretch_to_here, b);
        if (ins->b.vreg != NO_VREG && ra_reads_b_late(ins)) stretch(b, ins->b.vreg, b->position);
    }
}

// Every register of a set is live at the position.
static void stretch_set(IntervalBuilder *b, const uint64_t *set, size_t num_words, uint32_t position) {
    for (size_t w = 0; w < num_words; w++)
        for (uint64_t rest = set[w]; rest; rest &= rest - 1)
            stretch(b, (VReg)(64 * w + (size_t)__builtin_ctzll(rest)), position);
}

// A global register that is live where a block begins or ends is live up to there.
static void cover_block_ends(IntervalBuilder *b, const Liveness *l) {
    for (size_t i = 0; i < b->lir->num_blocks; i++) {
        const LirBlock *block = &b->lir->blocks[i];
        uint32_t first = read_position(block->start);
        uint32_t last = block->end > block->start ? write_position(block->end - 1) : first;
        stretch_set(b, l->live_in + i * l->num_words, l->num_words, first);
        stretch_set(b, l->live_out + i * l->num_words, l->num_words, last);
    }
}

// Registers destroyed strictly between the interval's first write and its last read.
// Calls and divisions destroy; `at` lists the positions of one of the two kinds, ascending.
typedef struct Clobbers {
    uint32_t *at;
    size_t count;
    RegSet regs;
} Clobbers;

static Clobbers find_clobbers(const Lir *lir, RegSet regs, Arena *arena) {
    Clobbers clobbers = {.at = arena_array(arena, lir->num_ins, sizeof *clobbers.at), .regs = regs};
    for (uint32_t i = 0; i < lir->num_ins; i++)
        if (ra_clobbers(&lir->ins[i]) == regs) clobbers.at[clobbers.count++] = read_position(i);
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
    if (vreg == NO_VREG || hint == NO_VREG) return;
    if (b->of[vreg].hint == NO_VREG) b->of[vreg].hint = hint;
}

static void note_preference(IntervalBuilder *b, VReg vreg, Reg reg) {
    if (vreg != NO_VREG) b->of[vreg].preferred |= reg_bit(reg);
}

static void find_move_hints(IntervalBuilder *b, const LirIns *ins) {
    for (uint32_t k = 0; k < ins->num_moves; k++) {
        LirMove move = b->lir->moves[ins->first_move + k];
        note_hint(b, move.d, move.s);
        note_hint(b, move.s, move.d);
        if (is_call(ins) && k < NUM_ARG_REGS) note_preference(b, move.s, arg_regs[k]);
        if (ins->op == LIR_PARAMS && k < NUM_ARG_REGS) note_preference(b, move.d, arg_regs[k]);
    }
}

// Which registers would save a move, if they share one or are in a certain one.
static void find_hints(IntervalBuilder *b) {
    for (uint32_t i = 0; i < b->lir->num_ins; i++) {
        const LirIns *ins = &b->lir->ins[i];
        find_move_hints(b, ins);
        if (ins->a != NO_VREG) note_hint(b, ins->d, ins->a);
        if (is_division(ins) || ins->op == LIR_RETURN) note_preference(b, ins->a, RAX);
        if (ins->op == LIR_DIV || is_call(ins)) note_preference(b, ins->d, RAX);
        if (ins->op == LIR_REM) note_preference(b, ins->d, RDX);
    }
}

static int by_start(const void *left, const void *right) {
    const LiveInterval *a = left, *b = right;
    if (a->start != b->start) return a->start < b->start ? -1 : 1;
    return a->vreg < b->vreg ? -1 : 1;
}

static bool build_intervals(RegisterAllocator *ra, const Lir *lir, Arena *scratch) {
    Liveness liveness;
    if (!liveness_compute(&liveness, lir)) return false;
    IntervalBuilder b = {.lir = lir, .of = arena_array(&ra->arena, lir->num_vregs, sizeof *b.of)};
    for (VReg v = 0; v < lir->num_vregs; v++)
        b.of[v] = (LiveInterval){.vreg = v, .start = UINT32_MAX, .end = 0, .hint = NO_VREG};
    cover_instructions(&b);
    cover_block_ends(&b, &liveness);
    liveness_free(&liveness);
    find_hints(&b);
    Clobbers calls = find_clobbers(lir, CALLER_SAVED_REGS, scratch);
    Clobbers divisions = find_clobbers(lir, division_regs, scratch);
    ra->intervals = b.of;
    for (VReg v = 0; v < lir->num_vregs; v++) {
        if (b.of[v].start > b.of[v].end) continue;
        LiveInterval interval = b.of[v];
        if (is_clobbered(&calls, &interval)) interval.forbidden |= calls.regs;
        if (is_clobbered(&divisions, &interval)) interval.forbidden |= divisions.regs;
        ra->intervals[ra->num_intervals++] = interval; // never ahead of v: nothing is lost
    }
    qsort(ra->intervals, ra->num_intervals, sizeof *ra->intervals, by_start);
    return true;
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

// The best register of a set that is not empty.
static Reg choose(const Scan *scan, const LiveInterval *interval, RegSet set) {
    if (interval->hint != NO_VREG) {
        Location hint = scan->ra->locations[interval->hint];
        if (hint.kind == LOCATION_REG && set & 1u << hint.index) return (Reg)hint.index;
    }
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
// held it has ended; a heap finds the slot that was free first.
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

static void assign_slots(RegisterAllocator *ra, Arena *scratch) {
    SlotHeap heap = {.items = arena_array(scratch, ra->num_intervals + 1, sizeof *heap.items)};
    for (size_t i = 0; i < ra->num_intervals; i++) {
        const LiveInterval *interval = &ra->intervals[i];
        Location *location = &ra->locations[interval->vreg];
        if (location->kind != LOCATION_SLOT) continue;
        bool reuses = heap.count > 0 && heap.items[0].end < interval->start;
        location->index = reuses ? heap_pop(&heap) : ra->num_slots++;
        heap_push(&heap, interval->end, location->index);
    }
}

bool ra_allocate(RegisterAllocator *ra, const Lir *lir, RegSet pool) {
    *ra = (RegisterAllocator){.pool = pool};
    Arena scratch = {0};
    bool ok = build_intervals(ra, lir, &scratch);
    if (ok) {
        ra->locations = arena_array(&ra->arena, lir->num_vregs, sizeof *ra->locations);
        scan_intervals(ra);
        assign_slots(ra, &scratch);
    } else {
        arena_free(&ra->arena);
    }
    arena_free(&scratch);
    return ok;
}

void ra_free(RegisterAllocator *ra) { arena_free(&ra->arena); }
