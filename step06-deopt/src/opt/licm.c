// Loop-invariant code motion.
// In:  IR.  Out: the same with instructions moved out of loops, to their preheaders.
//
// An instruction is invariant in a loop if it gives the same in every iteration: its operands are computed
// outside, and nothing in the loop writes the memory that it reads (memory.h). Being invariant is not enough to
// be moved, for the preheader runs also when the instruction would not have:
//
//   - what can neither raise an error nor be seen otherwise may run for nothing. It moves out of all the
//     loops in which it is invariant, wherever it stands;
//   - what may raise an error moves only if it is sure to be the first thing of all that can be seen to happen
//     in the loop. That is so at the start of the header and behind it up to the first branch, as long as
//     what comes before has no effect or has been moved as well. Moved errors keep their order, and their place
//     in the program: the instruction keeps its pc. Inverted loops (invert.c) begin with their body, so that
//     much is at the start of the header.
//
// Guards (guards.h) could run for nothing; but each one that fails costs dearly. So those move that every
// iteration of their innermost loop comes to, and they do so past whatever else happens in the loop. In the
// preheader they need another frame state: that at the start of the loop. The builder leaves one in each
// header; with the operands of the header's phis that come from the preheader, it holds at the preheader's end.
// A function in which a moved guard has failed is compiled again with ir->no_hoisting.
//
// A constant costs nothing where it is and would only hold a register in the loop; it moves when an instruction
// that uses it does.
//
// Blocks are visited such that dominators come first: an operand has moved before those that use it. An
// instruction goes straight to the outermost preheader: which one is found by skipping along the loops around
// it, in a number of steps logarithmic in the nesting.
//
// Source: Muchnick, "Advanced Compiler Design and Implementation", 1997, section 13.2; for the skipping, Myers,
// "An applicative random-access stack", Information Processing Letters 17(5), 1983.
#include <stdlib.h>

#include "opt/guards.h"
#include "opt/memory.h"
#include "opt/opt.h"

enum { MAX_STATES = 4 }; // made for one loop

typedef struct LoopFacts {
    MemorySet written;  // by the loop's blocks, inner loops included
    uint32_t preheader; // or NO_BLOCK
    uint32_t skip;      // a loop further out, or NO_LOOP
    uint32_t latch;     // the only source of back-edges, else the header: if a block dominates it, each iteration
                        // comes to the block
    Ref first_state;    // that the loop begins with; NO_REF: nothing that guards moves here
    Ref state;          // the same for the end of the preheader; NO_REF: to be made
    unsigned num_states; // made so far
} LoopFacts;

typedef struct Licm {
    Ir *ir;
    Memory memory;
    LoopFacts *loops; // indexed by loop
    bool *starts;     // indexed by block: is all that comes before its end sure to run at the start of its
                      // innermost loop, and without effect?
} Licm;

// Facts.

// Skip pointers: a loop's skips as far as its parent's and that one's together if those are of equal length,
// like the carry of a binary number.
static uint32_t find_skip(const Licm *licm, uint32_t parent) {
    const IrLoop *loops = licm->ir->loops;
    uint32_t one = licm->loops[parent].skip, two = licm->loops[one].skip;
    bool equal = loops[parent].depth - loops[one].depth == loops[one].depth - loops[two].depth;
    return equal ? two : parent;
}

static uint32_t find_latch(const Ir *ir, uint32_t loop) {
    const IrBlock *header = &ir->blocks[ir->loops[loop].header];
    if (header->num_preds != 2) return ir->loops[loop].header;
    return header->preds[ir_loop_contains(ir, loop, header->preds[0]) ? 0 : 1];
}

// Are all of a state's values there before the loop, or known for the time before it?
static bool is_good_before(const Ir *ir, uint32_t loop, Ref state) {
    uint32_t header = ir->loops[loop].header;
    for (uint32_t i = 0; i < ir->ins[state].num_args; i++) {
        Ref operand = ir_args(ir, state)[i];
        bool is_phi = ir->ins[operand].op == IR_PHI && ir->ins[operand].block == header;
        bool is_known = is_phi || ir_is_const(ir, operand);
        if (!is_known && ir_loop_contains(ir, loop, ir->ins[operand].block)) return false;
    }
    return true;
}

// The state before anything that can be seen in the loop.
static Ref find_first_state(const Ir *ir, uint32_t loop) {
    if (ir->no_hoisting || ir_preheader(ir, loop) == NO_BLOCK) return NO_REF;
    IR_EACH(ir, ir->loops[loop].header, ref) {
        bool is_state = ir->ins[ref].op == IR_STATE && ir->ins[ref].aux == RESUME_AT;
        if (is_state) return is_good_before(ir, loop, ref) ? ref : NO_REF;
        if (ir_has_effect(ir, ref)) return NO_REF;
    }
    return NO_REF;
}

static void find_facts(Licm *licm) {
    Ir *ir = licm->ir;
    for (uint32_t loop = 1; loop < ir->num_loops; loop++) { // outer ones first
        licm->loops[loop].latch = find_latch(ir, loop);
        licm->loops[loop].first_state = find_first_state(ir, loop);
        licm->loops[loop].preheader = ir_preheader(ir, loop);
        licm->loops[loop].skip = find_skip(licm, ir->loops[loop].parent);
    }
    IR_ALL(ir, ref) licm->loops[ir->blocks[ir->ins[ref].block].loop].written |= memory_writes(&licm->memory, ref);
    for (size_t loop = ir->num_loops - 1; loop > NO_LOOP; loop--)
        licm->loops[ir->loops[loop].parent].written |= licm->loops[loop].written;
}

// Invariance.

static bool is_invariant(const Licm *licm, uint32_t loop, Ref ref) {
    const Ir *ir = licm->ir;
    if (licm->loops[loop].written & memory_reads(&licm->memory, ref)) return false;
    for (uint32_t i = 0; i < ir->ins[ref].num_args; i++) {
        Ref operand = ir_args(ir, ref)[i];
        if (!ir_is_const(ir, operand) && ir_loop_contains(ir, loop, ir->ins[operand].block)) return false;
    }
    return true;
}

// The outermost loop in which it is invariant; NO_LOOP if it varies in the innermost. What varies in a loop
// varies in those around it.
static uint32_t outermost_invariant(const Licm *licm, Ref ref) {
    const IrLoop *loops = licm->ir->loops;
    uint32_t loop = licm->ir->blocks[licm->ir->ins[ref].block].loop;
    if (loop == NO_LOOP || !is_invariant(licm, loop, ref)) return NO_LOOP;
    for (;;) {
        uint32_t skip = licm->loops[loop].skip, parent = loops[loop].parent;
        if (skip != NO_LOOP && is_invariant(licm, skip, ref)) loop = skip;
        else if (parent != NO_LOOP && is_invariant(licm, parent, ref)) loop = parent;
        else return loop;
    }
}

// Motion.

static void move_to(Licm *licm, uint32_t loop, Ref ref) {
    Ir *ir = licm->ir;
    uint32_t preheader = licm->loops[loop].preheader;
    for (uint32_t i = 0; i < ir->ins[ref].num_args; i++) {
        Ref operand = ir_args(ir, ref)[i];
        if (!ir_is_const(ir, operand) || !ir_loop_contains(ir, loop, ir->ins[operand].block)) continue;
        ir_unlink(ir, operand);
        ir_insert_at_end(ir, preheader, operand);
    }
    ir_unlink(ir, ref);
    ir_insert_at_end(ir, preheader, ref);
}

static bool can_move(const Ir *ir, Ref ref) {
    const IrOpInfo *info = ir_info(ir, ref);
    if (info->flags & (IR_PINNED | IR_CONTROL | IR_ALLOCATES) || info->writes != MEM_NONE) return false;
    return ir->ins[ref].op != IR_CONST && ir->ins[ref].op != IR_NOP;
}

// What may raise an error moves outwards loop by loop, as long as it is the first thing that can be seen there.
static void move_with_care(Licm *licm, Ref ref) {
    Ir *ir = licm->ir;
    for (;;) {
        uint32_t block = ir->ins[ref].block, loop = ir->blocks[block].loop;
        if (loop == NO_LOOP || !licm->starts[block]) return;
        if (!is_invariant(licm, loop, ref)) break;
        move_to(licm, loop, ref);
        licm->loops[loop].state = NO_REF; // nothing that may raise an error may be between a state and its guards
    }
    licm->starts[ir->ins[ref].block] = false; // it stays, and may end the loop here
}

// Guards.

// An operand of a loop's first state, as it is at the end of the preheader.
static Ref operand_before(Licm *licm, uint32_t loop, Ref operand) {
    Ir *ir = licm->ir;
    const IrIns *ins = &ir->ins[operand];
    uint32_t preheader = licm->loops[loop].preheader;
    if (!ir_loop_contains(ir, loop, ins->block)) return operand;
    if (ins->op == IR_PHI) return ir_args(ir, operand)[ir->blocks[preheader].pred_at[0]];
    Ref constant = ir_new_const(ir, (Value)ins->imm, ins->pc);
    ir_insert_at_end(ir, preheader, constant);
    return constant;
}

static Ref make_state(Licm *licm, uint32_t loop) {
    Ir *ir = licm->ir;
    Ref first = licm->loops[loop].first_state;
    uint32_t count = ir->ins[first].num_args;
    Ref state = ir_new(ir, IR_STATE, count, ir->ins[first].pc);
    ir->ins[state].aux = ir->ins[first].aux;
    for (uint32_t i = 0; i < count; i++)
        ir_set_arg(ir, state, i, operand_before(licm, loop, ir_args(ir, first)[i]));
    ir_insert_at_end(ir, licm->loops[loop].preheader, state);
    return state;
}

// The state for a guard at the end of the preheader; NO_REF if there is none, or there are too many already.
static Ref state_before(Licm *licm, uint32_t loop) {
    LoopFacts *facts = &licm->loops[loop];
    if (facts->state != NO_REF || facts->first_state == NO_REF) return facts->state;
    if (facts->num_states++ < MAX_STATES) facts->state = make_state(licm, loop);
    return facts->state;
}

// Returns whether the guard has moved.
static bool move_guard(Licm *licm, Ref ref) {
    Ir *ir = licm->ir;
    uint32_t innermost = ir->blocks[ir->ins[ref].block].loop, loop = outermost_invariant(licm, ref);
    if (loop == NO_LOOP || !ir_dominates(ir, ir->ins[ref].block, licm->loops[innermost].latch)) return false;
    Ref state = state_before(licm, loop);
    if (state == NO_REF) return false;
    move_to(licm, loop, ref);
    ir->ins[ref].state = state;
    ir->ins[ref].is_hoisted = true;
    return true;
}

static void visit_instruction(Licm *licm, Ref ref) {
    Ir *ir = licm->ir;
    if (!can_move(ir, ref)) {
        if (ir_has_effect(ir, ref) && !ir_is_terminator(ir, ref)) licm->starts[ir->ins[ref].block] = false;
    } else if (ir_is_guard(ir, ref)) {
        if (!move_guard(licm, ref) && guard_stands_for_error(ir, ref)) licm->starts[ir->ins[ref].block] = false;
    } else if (ir_may_throw(ir, ref)) {
        move_with_care(licm, ref);
    } else {
        uint32_t loop = outermost_invariant(licm, ref);
        if (loop != NO_LOOP) move_to(licm, loop, ref);
    }
}

// Is nothing but what has been moved, and what has no effect, between the start of the innermost loop and here?
static bool is_at_start(const Licm *licm, uint32_t block) {
    const Ir *ir = licm->ir;
    const IrBlock *b = &ir->blocks[block];
    if (b->loop == NO_LOOP || b->irreducible) return false;
    if (ir->loops[b->loop].header == block) return true;
    if (b->num_preds != 1) return false;
    const IrBlock *pred = &ir->blocks[b->preds[0]];
    return pred->num_succ == 1 && pred->loop == b->loop && licm->starts[b->preds[0]];
}

void opt_licm(Ir *ir) {
    ir_remove_unreachable(ir);
    ir_make_preheaders(ir);
    ir_loops(ir);
    ir_infer_types(ir);
    Licm licm = {.ir = ir};
    licm.loops = xcalloc(ir->num_loops, sizeof *licm.loops);
    licm.starts = xcalloc(ir->num_blocks, sizeof *licm.starts);
    memory_init(&licm.memory, ir);
    find_facts(&licm);
    for (size_t i = 0; i < ir->num_rpo; i++) {
        uint32_t block = ir->order[i];
        licm.starts[block] = is_at_start(&licm, block);
        IR_EACH(ir, block, ref) visit_instruction(&licm, ref);
    }
    remove_idle_states(ir);
    free(licm.loops);
    free(licm.starts);
}
