// A checker for register allocations that knows nothing of how they are made.
//
// It executes the allocated code symbolically: a state says for each register and slot which virtual
// register's value lies there. Reading a virtual register must find it in its location; writing
// one puts it there, over whatever was there before. Where paths meet, a place keeps its value
// only if all paths agree; loops are repeated until nothing changes. Each block that is walked may change
// the states of its successors, which then wait to be walked (again).
//
// An error in the liveness, in the intervals, in the scan or in the clobber sets all look the same
// here: an instruction reads a place that holds something else.
// Source of the idea: regalloc2's checker (C. Fallin), after Rideau & Leroy, "Validating Register
// Allocation and Spilling", CC 2010.
#include <stdlib.h>
#include <string.h>

#include "backend/regalloc.h"
#include "base/fatal.h"

enum {
    NUM_REGS = 16,
    MAX_STATE_BYTES = 1 << 28,
    MAX_WORK = 1 << 28, // places and instructions that may be looked at
};

#define UNKNOWN UINT32_MAX // in a state: some value, nobody knows which

typedef struct Checker {
    const RegisterAllocator *ra;
    const Lir *lir;
    size_t num_places; // the registers, then the slots
    VReg *entry;       // [block * num_places + place]: the state where the block begins
    uint8_t *reached;  // has any path led to the block yet?
    uint8_t *pending;  // has the block's entry state changed since its last walk?
    bool any_pending;
    VReg *state;       // the current one
    uint32_t ins;      // the current instruction
    bool reports;      // in the last walk, when the states are final
} Checker;

static bool is_place(const Checker *c, Location location) {
    if (location.kind == LOCATION_REG) return location.index < NUM_REGS && c->ra->pool >> location.index & 1;
    return location.kind == LOCATION_SLOT && location.index < c->ra->num_slots;
}

static size_t place_at(const Checker *c, VReg vreg, Location location) {
    if (!is_place(c, location)) fatal("ra_check: %s: vreg %u has no location", c->lir->function->name, vreg);
    return location.kind == LOCATION_REG ? location.index : NUM_REGS + location.index;
}

static size_t place_of(const Checker *c, VReg vreg) { return place_at(c, vreg, c->ra->locations[vreg]); }

// "v3 should be in rax, which holds no known value"
static void report(const Checker *c, VReg vreg, Location location) {
    FILE *err = stderr;
    VReg found = c->state[place_at(c, vreg, location)];
    lir_print_vreg(err, c->lir, vreg);
    fputs(" should be in ", err);
    location_print(err, location);
    fputs(", which holds ", err);
    if (found == UNKNOWN) fputs("no known value", err);
    else lir_print_vreg(err, c->lir, found);
    fputc('\n', err);
    fatal("ra_check: wrong allocation");
}

static void check_holds(void *context, VReg vreg) {
    Checker *c = context;
    if (!c->reports || c->state[place_of(c, vreg)] == vreg) return;
    fprintf(stderr, "%s, LIR %u: ", c->lir->function->name, c->ins);
    lir_print_ins(stderr, c->lir, &c->lir->ins[c->ins]);
    fputs(": ", stderr);
    report(c, vreg, c->ra->locations[vreg]);
}

static void apply_write(void *context, VReg vreg) {
    Checker *c = context;
    c->state[place_of(c, vreg)] = vreg;
}

static void apply_clobbers(Checker *c, const LirIns *ins) {
    RegSet clobbers = ra_clobbers(ins);
    for (int r = 0; r < NUM_REGS; r++)
        if (clobbers >> r & 1) c->state[r] = UNKNOWN;
}

static void apply(Checker *c, const LirIns *ins) {
    lir_visit_reads(c->lir, ins, check_holds, c);
    apply_clobbers(c, ins);
    if (ra_reads_b_late(ins) && !is_imm(ins->b)) check_holds(c, ins->b.vreg);
    lir_visit_writes(c->lir, ins, apply_write, c);
    lir_visit_writes(c->lir, ins, check_holds, c); // two results in one place?
}

// The state at the end of a block flows into a successor.
static void join(Checker *c, uint32_t block) {
    VReg *entry = c->entry + block * c->num_places;
    bool changed = !c->reached[block];
    if (changed) memcpy(entry, c->state, c->num_places * sizeof *entry);
    for (size_t place = 0; place < c->num_places; place++) {
        if (entry[place] == c->state[place] || entry[place] == UNKNOWN) continue;
        entry[place] = UNKNOWN;
        changed = true;
    }
    if (!changed) return;
    c->reached[block] = c->pending[block] = 1;
    c->any_pending = true;
}

static void walk_block(Checker *c, uint32_t index) {
    const LirBlock *block = &c->lir->blocks[index];
    memcpy(c->state, c->entry + index * c->num_places, c->num_places * sizeof *c->state);
    for (c->ins = block->start; c->ins < block->end; c->ins++) apply(c, &c->lir->ins[c->ins]);
    for (uint32_t s = 0; s < block->num_successors; s++) join(c, block->successors[s]);
}

// Walk blocks, from the first to the last and again, until no state changes any more. Returns false if that
// takes too long.
static bool find_states(Checker *c) {
    size_t work = 0;
    c->reached[0] = c->pending[0] = 1;
    c->any_pending = true;
    while (c->any_pending && work <= MAX_WORK) {
        c->any_pending = false;
        for (uint32_t b = 0; b < c->lir->num_blocks; b++, work++) {
            if (!c->pending[b]) continue;
            c->pending[b] = 0;
            walk_block(c, b);
            work += c->num_places + c->lir->blocks[b].end - c->lir->blocks[b].start;
        }
    }
    return !c->any_pending;
}

static void check_all(Checker *c) {
    c->reports = true;
    for (uint32_t b = 0; b < c->lir->num_blocks; b++)
        if (c->reached[b]) walk_block(c, b);
}

bool ra_check(const RegisterAllocator *ra, const Lir *lir) {
    Checker c = {.ra = ra, .lir = lir, .num_places = NUM_REGS + ra->num_slots};
    if (lir->num_blocks * c.num_places > MAX_STATE_BYTES / sizeof *c.entry) return false;
    Arena arena = {0};
    c.entry = arena_array(&arena, lir->num_blocks * c.num_places, sizeof *c.entry);
    c.reached = arena_array(&arena, lir->num_blocks, sizeof *c.reached);
    c.pending = arena_array(&arena, lir->num_blocks, sizeof *c.pending);
    c.state = arena_array(&arena, c.num_places, sizeof *c.state);
    memset(c.entry, 0xFF, c.num_places * sizeof *c.entry); // nothing is known at the entry
    bool ok = find_states(&c);
    if (ok) check_all(&c);
    arena_free(&arena);
    return ok;
}
