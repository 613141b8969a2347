// A checker for register allocations that knows nothing of how they are made.
//
// It executes the allocated code symbolically: a state says for each register and slot which virtual
// register's value lies there. Reading a virtual register must find it in its location; writing
// one puts it there, over whatever was there before; a move copies what is there, whatever it is. Where
// paths meet, a place keeps its value only if all paths agree; loops are repeated until nothing changes.
// Each block that is walked may change the states of its successors, which then wait to be walked (again).
//
// A phi gives values new names: on an edge, when its moves are done, the phi's place must hold the argument
// that belongs to that edge, and holds the phi's result from then on. What an exit reads must be in its place when
// all is done that the instruction does: its exit may be taken early or late. In a loop, a virtual register means
// another value in each round. Old values do not pass for new ones: on the first way to the block that writes
// the register no place holds it, and a place keeps only what all ways agree on.
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

// Also in a state: what the allocator's move of that number has made, which is a constant.
#define MADE_BY 0x80000000u

typedef struct Checker {
    const RegisterAllocator *ra;
    const Lir *lir;
    size_t num_places; // the registers, then the slots
    VReg *entry;       // [block * num_places + place]: the state where the block begins
    uint8_t *reached;  // has any path led to the block yet?
    uint8_t *pending;  // has the block's entry state changed since its last walk?
    bool any_pending;
    uint32_t *const_def; // for each register: the instruction that writes it, if that is a CONST; or NO_DEF
    VReg *state;       // the current one
    VReg *sources;     // of the moves of one group, or the phis of one block
    uint32_t ins;      // the current instruction
    bool reports;      // in the last walk, when the states are final
} Checker;

#define NO_DEF UINT32_MAX
#define NO_SLOT UINT32_MAX

static bool is_place(const Checker *c, Location location) {
    if (location.kind == LOCATION_REG) return location.index < NUM_REGS && c->ra->pool >> location.index & 1;
    return location.kind == LOCATION_SLOT && location.index < c->ra->num_slots;
}

static size_t place_at(const Checker *c, VReg vreg, Location location) {
    if (!is_place(c, location)) fatal("ra_check: %s: vreg %u has no location", c->lir->function->name, vreg);
    return location.kind == LOCATION_REG ? location.index : NUM_REGS + location.index;
}

static size_t place_of(const Checker *c, VReg vreg) {
    return place_at(c, vreg, ra_location(c->ra, vreg, c->ins));
}

// "v3 should be in rax, which holds no known value"
static void report(const Checker *c, VReg vreg, Location location) {
    FILE *err = stderr;
    VReg found = c->state[place_at(c, vreg, location)];
    lir_print_vreg(err, c->lir, vreg);
    fputs(" should be in ", err);
    location_print(err, location);
    fputs(", which holds ", err);
    if (found == UNKNOWN) fputs("no known value", err);
    else if (found & MADE_BY) fputs("a constant", err);
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
    report(c, vreg, ra_location(c->ra, vreg, c->ins));
}

static bool is_made_of(const Checker *c, VReg vreg, Location location) {
    return location.kind == LOCATION_CONST && c->const_def[vreg] == location.index;
}

static void check_reads(Checker *c, const LirIns *ins) {
    if (ins->a != NO_VREG) check_holds(c, ins->a);
    if (!is_imm(ins->b)) check_holds(c, ins->b.vreg);
    if (!is_imm(ins->c)) check_holds(c, ins->c.vreg);
    for (uint32_t k = 0; k < ins->num_moves; k++) {
        VReg s = c->lir->moves[ins->first_move + k].s;
        if (s != NO_VREG && !is_made_of(c, s, ra_location(c->ra, s, c->ins))) check_holds(c, s);
    }
}

// Is the value that an exit reads where its table will say? `what` names it.
static void check_exit_value(const Checker *c, const LirIns *ins, VReg vreg, const char *what, uint32_t slot) {
    Location location = ra_location_at(c->ra, vreg, write_position(c->ins));
    if (!c->reports || is_made_of(c, vreg, location) || c->state[place_at(c, vreg, location)] == vreg) return;
    fprintf(stderr, "%s, LIR %u: ", c->lir->function->name, c->ins);
    lir_print_ins(stderr, c->lir, ins);
    fprintf(stderr, ": exit %u, %s", ins->exit, what);
    if (slot != NO_SLOT) fprintf(stderr, " %u", slot);
    fputs(": ", stderr);
    report(c, vreg, location);
}

static void check_exit(const Checker *c, const LirIns *ins) {
    if (ins->exit == NO_EXIT) return;
    const LirExit *exit = &c->lir->exits[ins->exit];
    for (uint32_t i = 0; i < exit->num_values; i++) {
        VReg vreg = c->lir->values[exit->first_value + i].vreg;
        if (vreg != NO_VREG) check_exit_value(c, ins, vreg, "slot", i);
    }
    Rep rep;
    VReg subject = lir_guard_subject(ins, &rep);
    if (subject != NO_VREG) check_exit_value(c, ins, subject, "subject", NO_SLOT);
}

static void apply_write(void *context, VReg vreg) {
    Checker *c = context;
    if (!is_made_of(c, vreg, ra_location(c->ra, vreg, c->ins))) c->state[place_of(c, vreg)] = vreg;
}

static void check_written(void *context, VReg vreg) {
    Checker *c = context;
    if (!is_made_of(c, vreg, ra_location(c->ra, vreg, c->ins))) check_holds(c, vreg);
}

static void apply_clobbers(Checker *c, const LirIns *ins) {
    RegSet clobbers = ra_clobbers(ins);
    for (int r = 0; r < NUM_REGS; r++)
        if (clobbers >> r & 1) c->state[r] = UNKNOWN;
}

static void apply(Checker *c, const LirIns *ins) {
    check_reads(c, ins);
    apply_clobbers(c, ins);
    if (ra_reads_b_late(ins) && !is_imm(ins->b)) check_holds(c, ins->b.vreg);
    lir_visit_writes(c->lir, ins, apply_write, c);
    lir_visit_writes(c->lir, ins, check_written, c); // two results in one place?
    check_exit(c, ins);
}

// The allocator's moves.

// What a move reads.
static VReg moved_value(const Checker *c, size_t index) {
    const RaMove *move = &c->ra->moves[index];
    if (move->s.kind != LOCATION_CONST) return c->state[place_at(c, move->vreg, move->s)];
    if (move->vreg == NO_VREG) return MADE_BY | (VReg)index;
    uint32_t def = c->const_def[move->vreg];
    return def != NO_DEF && c->lir->ins[def].imm == move->imm ? move->vreg : UNKNOWN;
}

// Make the moves of a group before the current instruction, starting with move `first`. Returns the first
// that is not one of them.
static size_t apply_group(Checker *c, size_t first, RaMoveGroup group) {
    const RaMove *moves = c->ra->moves;
    size_t end = first;
    for (; end < c->ra->num_moves && moves[end].ins == c->ins && moves[end].group == group; end++)
        c->sources[end - first] = moved_value(c, end);
    for (size_t i = first; i < end; i++) c->state[place_at(c, moves[i].vreg, moves[i].d)] = c->sources[i - first];
    return end;
}

// The first move before an instruction, or behind it.
static size_t first_move(const Checker *c, uint32_t ins) {
    size_t low = 0, high = c->ra->num_moves;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (c->ra->moves[middle].ins < ins) low = middle + 1;
        else high = middle;
    }
    return low;
}

// Edges.

static bool is_argument(const Checker *c, VReg value, LirMove arg) {
    if (arg.s != NO_VREG) return value == arg.s;
    return value != UNKNOWN && value & MADE_BY && c->ra->moves[value & ~MADE_BY].imm == arg.imm;
}

// Where is a phi's result? Nowhere, if nobody reads it.
static Location phi_location(const Checker *c, const LirPhi *phi, const LirBlock *block) {
    return ra_location_at(c->ra, phi->d, read_position(block->start));
}

static void report_phi(const Checker *c, uint32_t from, uint32_t to, const LirPhi *phi, LirMove arg,
                       Location location) {
    fprintf(stderr, "%s, B%u to B%u: ", c->lir->function->name, from, to);
    lir_print_vreg(stderr, c->lir, phi->d);
    fputs(" <- phi: ", stderr);
    if (arg.s != NO_VREG) report(c, arg.s, location);
    fputs("a constant is missing\n", stderr);
    fatal("ra_check: wrong allocation");
}

// The edge's moves are done. Now the phis' arguments become their results.
static void cross_edge(Checker *c, uint32_t from, uint32_t to) {
    const LirBlock *block = &c->lir->blocks[to];
    if (block->num_phis == 0) return; // then there may be no array
    const LirPhi *phis = c->lir->phis + block->first_phi;
    for (uint32_t k = 0; k < block->num_phis; k++) {
        Location location = phi_location(c, &phis[k], block);
        LirMove arg = lir_phi_args(c->lir, &phis[k])[c->lir->blocks[from].pred_index];
        if (location.kind == LOCATION_NONE) continue;
        bool ok = is_argument(c, c->state[place_at(c, phis[k].d, location)], arg);
        if (!ok && c->reports) report_phi(c, from, to, &phis[k], arg, location);
        c->sources[k] = ok ? phis[k].d : UNKNOWN;
    }
    for (uint32_t k = 0; k < block->num_phis; k++) {
        Location location = phi_location(c, &phis[k], block);
        if (location.kind != LOCATION_NONE) c->state[place_at(c, phis[k].d, location)] = c->sources[k];
    }
    for (uint32_t k = 0; k < block->num_phis; k++) { // two results in one place?
        Location location = phi_location(c, &phis[k], block);
        if (location.kind == LOCATION_NONE || !c->reports) continue;
        if (c->state[place_at(c, phis[k].d, location)] != phis[k].d) report(c, phis[k].d, location);
    }
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

// A block that ends with a BRANCH: the moves of both edges are where the edges lead.
static bool is_entered_by_branch(const Checker *c, uint32_t block) {
    if (c->lir->blocks[block].num_preds != 1) return false;
    return c->lir->blocks[lir_preds(c->lir, block)[0]].num_successors == 2;
}

static void walk_block(Checker *c, uint32_t index) {
    const LirBlock *block = &c->lir->blocks[index];
    size_t move = first_move(c, block->start);
    memcpy(c->state, c->entry + index * c->num_places, c->num_places * sizeof *c->state);
    c->ins = block->start;
    if (is_entered_by_branch(c, index)) {
        move = apply_group(c, move, RA_ENTER);
        cross_edge(c, lir_preds(c->lir, index)[0], index);
    }
    for (; c->ins < block->end; c->ins++) {
        move = apply_group(c, move, RA_SPLIT);
        if (block->num_successors == 1 && c->ins + 1 == block->end) move = apply_group(c, move, RA_LEAVE);
        if (move < c->ra->num_moves && c->ra->moves[move].ins <= c->ins)
            fatal("ra_check: %s: a move before LIR %u has no edge", c->lir->function->name, c->ins);
        apply(c, &c->lir->ins[c->ins]);
    }
    if (block->num_successors == 1) cross_edge(c, index, block->successors[0]);
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

static void find_constants(Checker *c) {
    memset(c->const_def, 0xFF, c->lir->num_vregs * sizeof *c->const_def);
    for (uint32_t i = 0; i < c->lir->num_ins; i++)
        if (c->lir->ins[i].op == LIR_CONST) c->const_def[c->lir->ins[i].d] = i;
}

static size_t most_phis(const Lir *lir) {
    size_t most = 0;
    for (size_t b = 0; b < lir->num_blocks; b++)
        if (lir->blocks[b].num_phis > most) most = lir->blocks[b].num_phis;
    return most;
}

bool ra_check(const RegisterAllocator *ra, const Lir *lir) {
    Checker c = {.ra = ra, .lir = lir, .num_places = NUM_REGS + ra->num_slots};
    if (lir->num_blocks * c.num_places > MAX_STATE_BYTES / sizeof *c.entry || lir->num_vregs >= MADE_BY) return false;
    Arena arena = {0};
    c.entry = arena_array(&arena, lir->num_blocks * c.num_places, sizeof *c.entry);
    c.reached = arena_array(&arena, lir->num_blocks, sizeof *c.reached);
    c.pending = arena_array(&arena, lir->num_blocks, sizeof *c.pending);
    c.state = arena_array(&arena, c.num_places, sizeof *c.state);
    c.const_def = arena_array(&arena, lir->num_vregs, sizeof *c.const_def);
    c.sources = arena_array(&arena, most_phis(lir) + ra->num_moves, sizeof *c.sources);
    find_constants(&c);
    memset(c.entry, 0xFF, c.num_places * sizeof *c.entry); // nothing is known at the entry
    bool ok = find_states(&c);
    if (ok) check_all(&c);
    arena_free(&arena);
    return ok;
}
