// The verifier: every invariant of ir.h, after every pass.
//   1. each block's list: linked both ways, each instruction in one list, phis first, one terminator, last;
//   2. edges: known at both ends, none twice, none into the entry;
//   3. each instruction by itself: operands exist, number and kind as the table says, names and indices in range;
//   4. each operand's definition dominates its use;
//   5. guards and calls have the states that they need, and no effect is between a guard and its state;
//   6. operands are represented as they are needed;
//   7. analyses that claim to be good are.
// It trusts nothing: dominators are computed afresh, on a copy of the blocks.
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "ir/ir.h"

typedef struct Checker {
    const Ir *ir;
    IrFault *fault;
    uint32_t *place; // for each instruction: its place in its block, from 1; 0: in none
    bool *has_param; // for each parameter: was there one?
    Ir fresh;        // the same blocks, analysed again
} Checker;

static bool fail_at(const Checker *c, uint32_t block, Ref ref, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

// "B3: v7: message". Returns false.
static bool fail_at(const Checker *c, uint32_t block, Ref ref, const char *format, ...) {
    char *text = c->fault->message;
    size_t size = sizeof c->fault->message, at = 0;
    if (block != NO_BLOCK) at += (size_t)snprintf(text, size, "B%u: ", block);
    if (ref != NO_REF && ref < c->ir->num_ins && c->ir->ins[ref].op < NUM_IR_OPS)
        at += (size_t)snprintf(text + at, size - at, "v%u (%s): ", ref, ir_info(c->ir, ref)->mnemonic);
    va_list args;
    va_start(args, format);
    vsnprintf(text + at, size - at, format, args);
    va_end(args);
    return false;
}

// 1. Lists.

static bool check_place(Checker *c, uint32_t block, Ref ref, Ref prev) {
    const IrIns *ins = &c->ir->ins[ref];
    if (ins->op >= NUM_IR_OPS) return fail_at(c, block, NO_REF, "v%u: unknown operation %u", ref, ins->op);
    if (ins->op == IR_NOP) return fail_at(c, block, ref, "a removed instruction is in a block");
    if (c->place[ref]) return fail_at(c, block, ref, "is in a list twice");
    if (ins->block != block) return fail_at(c, block, ref, "believes to be in B%d", (int)ins->block);
    if (ins->prev != prev) return fail_at(c, block, ref, "the list's links disagree");
    bool behind_other = prev != NO_REF && c->ir->ins[prev].op != IR_PHI;
    if (ins->op == IR_PHI && behind_other) return fail_at(c, block, ref, "a phi behind another instruction");
    bool ends = ir_is_terminator(c->ir, ref);
    if (ends && ins->next != NO_REF) return fail_at(c, block, ref, "a terminator in the middle of the block");
    if (!ends && ins->next == NO_REF) return fail_at(c, block, ref, "the block has no terminator");
    return true;
}

static bool check_list(Checker *c, uint32_t block) {
    const IrBlock *b = &c->ir->blocks[block];
    if (b->first == NO_REF) return fail_at(c, block, NO_REF, "the block is empty");
    Ref prev = NO_REF;
    uint32_t place = 0;
    for (Ref ref = b->first; ref != NO_REF; prev = ref, ref = c->ir->ins[ref].next) {
        if (ref >= c->ir->num_ins) return fail_at(c, block, NO_REF, "no instruction v%u", ref);
        if (!check_place(c, block, ref, prev)) return false;
        c->place[ref] = ++place;
    }
    if (b->last != prev) return fail_at(c, block, prev, "is last, but the block does not know");
    return true;
}

static bool check_removed(const Checker *c, uint32_t block) {
    const IrBlock *b = &c->ir->blocks[block];
    if (b->first != NO_REF || b->last != NO_REF)
        return fail_at(c, block, NO_REF, "a removed block has instructions");
    if (b->num_preds || b->num_succ) return fail_at(c, block, NO_REF, "a removed block has edges");
    return true;
}

// 2. Edges.

static bool check_successor(const Checker *c, uint32_t block, uint32_t s) {
    uint32_t to = c->ir->blocks[block].succ[s], at = c->ir->blocks[block].pred_at[s];
    if (to >= c->ir->num_blocks) return fail_at(c, block, NO_REF, "leads to B%u, which does not exist", to);
    const IrBlock *target = &c->ir->blocks[to];
    if (target->removed) return fail_at(c, block, NO_REF, "leads to B%u, which is removed", to);
    if (to == 0) return fail_at(c, block, NO_REF, "leads to the entry");
    if (at >= target->num_preds || target->preds[at] != block)
        return fail_at(c, block, NO_REF, "is not predecessor %u of B%u", at, to);
    return true;
}

static bool check_successors(const Checker *c, uint32_t block) {
    const IrBlock *b = &c->ir->blocks[block];
    uint8_t op = c->ir->ins[b->last].op;
    uint32_t expected = op == IR_BRANCH ? 2 : op == IR_JUMP ? 1 : 0;
    if (b->num_succ != expected)
        return fail_at(c, block, b->last, "%u successors, but the block has %u", expected, b->num_succ);
    for (uint32_t s = 0; s < b->num_succ; s++)
        if (!check_successor(c, block, s)) return false;
    if (b->num_succ == 2 && b->succ[0] == b->succ[1])
        return fail_at(c, block, b->last, "both ways lead to B%u", b->succ[0]);
    return true;
}

// Each edge has a place of its own in a list of predecessors (check_successor). So if there are as many
// places as edges, every place has an edge.
static bool check_preds(const Checker *c) {
    const Ir *ir = c->ir;
    uint32_t *edges = xcalloc(ir->num_blocks, sizeof *edges);
    for (size_t b = 0; b < ir->num_blocks; b++)
        for (uint32_t s = 0; s < ir->blocks[b].num_succ; s++) edges[ir->blocks[b].succ[s]]++;
    uint32_t bad = NO_BLOCK;
    for (uint32_t b = 0; b < ir->num_blocks && bad == NO_BLOCK; b++)
        if (edges[b] != ir->blocks[b].num_preds) bad = b;
    uint32_t found = bad == NO_BLOCK ? 0 : edges[bad];
    free(edges);
    if (bad == NO_BLOCK) return true;
    size_t listed = ir->blocks[bad].num_preds;
    return fail_at(c, bad, NO_REF, "lists %zu predecessors, but %u edges lead to it", listed, found);
}

// 3. Instructions.

static bool check_count(const Checker *c, uint32_t block, Ref ref, size_t expected) {
    uint32_t count = c->ir->ins[ref].num_args;
    if (count == expected) return true;
    return fail_at(c, block, ref, "%u operands instead of %zu", count, expected);
}

static bool check_arity(const Checker *c, uint32_t block, Ref ref) {
    const IrIns *ins = &c->ir->ins[ref];
    const Program *program = c->ir->program;
    if ((size_t)ins->first_arg + ins->num_args > c->ir->num_args)
        return fail_at(c, block, ref, "operands outside of the array");
    switch (ins->op) {
    case IR_PHI: return check_count(c, block, ref, c->ir->blocks[block].num_preds);
    case IR_CALL: return check_count(c, block, ref, program->functions[ins->aux].num_params);
    case IR_CALL_NATIVE: return check_count(c, block, ref, program->natives[ins->aux].num_params);
    case IR_CALL_METHOD:
        if (ins->num_args >= 1 && ins->num_args <= MAX_ARGUMENTS + 1) return true;
        return fail_at(c, block, ref, "%u operands", ins->num_args);
    case IR_NEW_ARRAY:
    case IR_STATE: return true;
    default: return check_count(c, block, ref, (size_t)ir_info(c->ir, ref)->num_args);
    }
}

static bool check_operand(const Checker *c, uint32_t block, Ref ref, Ref arg) {
    if (arg == NO_REF) return fail_at(c, block, ref, "an operand is missing");
    if (arg >= c->ir->num_ins) return fail_at(c, block, ref, "operand v%u does not exist", arg);
    if (c->ir->ins[arg].op == IR_NOP) return fail_at(c, block, ref, "operand v%u is a removed instruction", arg);
    if (!c->place[arg]) return fail_at(c, block, ref, "operand v%u is in no block", arg);
    if (!ir_has_result(c->ir, arg)) return fail_at(c, block, ref, "operand v%u has no result", arg);
    return true;
}

static bool check_operands(const Checker *c, uint32_t block, Ref ref) {
    for (uint32_t i = 0; i < c->ir->ins[ref].num_args; i++)
        if (!check_operand(c, block, ref, ir_args(c->ir, ref)[i])) return false;
    return true;
}

static bool check_index(const Checker *c, uint32_t block, Ref ref, const char *what, size_t count) {
    if (c->ir->ins[ref].aux < count) return true;
    return fail_at(c, block, ref, "no %s %u", what, c->ir->ins[ref].aux);
}

static bool check_param(const Checker *c, uint32_t block, Ref ref) {
    if (block != 0) return fail_at(c, block, ref, "outside of the entry");
    if (!check_index(c, block, ref, "parameter", ir_function(c->ir)->num_params)) return false;
    bool *seen = &c->has_param[c->ir->ins[ref].aux];
    if (*seen) return fail_at(c, block, ref, "parameter %u for the second time", c->ir->ins[ref].aux);
    *seen = true;
    return true;
}

static bool check_name(const Checker *c, uint32_t block, Ref ref) {
    const IrIns *ins = &c->ir->ins[ref];
    Value name = (Value)ins->imm;
    if (name == NO_VALUE || !value_is_string(name) || !value_to_string(name)->is_interned)
        return fail_at(c, block, ref, "the property has no name");
    return true;
}

static bool check_site(const Checker *c, uint32_t block, Ref ref) {
    const IrIns *ins = &c->ir->ins[ref];
    const Function *f = ir_function(c->ir);
    if (ins->aux != NO_SITE && f->site && ins->aux >= f->num_sites)
        return fail_at(c, block, ref, "no inline cache %u", ins->aux);
    return true;
}

// A state has a value for each slot: of the function's locals, and of the operands at its bytecode, or behind it
// without the result. A function that was read from a text of IR has no bytecode.
static bool check_resume_point(const Checker *c, uint32_t block, Ref ref) {
    const IrIns *ins = &c->ir->ins[ref];
    const Function *f = ir_function(c->ir);
    if (f->num_instructions == 0) return true;
    if (ins->pc >= f->num_instructions || f->depth[ins->pc] < 0)
        return fail_at(c, block, ref, "no bytecode %u to resume at", ins->pc);
    uint32_t slots = f->num_locals + (uint32_t)f->depth[ins->pc];
    if (ins->aux == RESUME_BEHIND) slots -= instruction_pops(c->ir->program, f->bytecode[ins->pc]);
    return check_count(c, block, ref, slots);
}

static bool check_meaning(const Checker *c, uint32_t block, Ref ref) {
    const Program *program = c->ir->program;
    Value value = (Value)c->ir->ins[ref].imm;
    switch (ir_info(c->ir, ref)->operand) {
    case IR_PLAIN: return true;
    case IR_PARAM_INDEX: return check_param(c, block, ref);
    case IR_VALUE:
        if (value != NO_VALUE && ir_value_type(value) & IRT_PRIMITIVE) return true;
        return fail_at(c, block, ref, "0x%" PRIx64 " is no primitive value", value);
    case IR_FUNCTION_INDEX: return check_index(c, block, ref, "function", program->num_functions);
    case IR_NATIVE_INDEX: return check_index(c, block, ref, "native", program->num_natives);
    case IR_CLASS_INDEX: return check_index(c, block, ref, "class", program->num_classes);
    case IR_PROPERTY: return check_name(c, block, ref) && check_site(c, block, ref);
    case IR_FIELD: return check_name(c, block, ref);
    case IR_SHAPE:
        if (c->ir->ins[ref].aux != SHAPE_NONE) return true;
        return fail_at(c, block, ref, "no shape");
    case IR_RESUME_POINT: return check_resume_point(c, block, ref);
    }
    return true;
}

// A type may be narrower than the table's, never wider; a constant's is known.
static bool check_type(const Checker *c, uint32_t block, Ref ref) {
    const IrIns *ins = &c->ir->ins[ref];
    if (ins->type & ~ir_info(c->ir, ref)->type)
        return fail_at(c, block, ref, "type 0x%x is impossible", ins->type);
    if (ins->op == IR_CONST && !(ins->type & ir_value_type((Value)ins->imm)))
        return fail_at(c, block, ref, "type 0x%x is not the constant's", ins->type);
    return true;
}

static bool check_instruction(const Checker *c, uint32_t block, Ref ref) {
    return check_meaning(c, block, ref) && check_arity(c, block, ref) && check_operands(c, block, ref) &&
           check_type(c, block, ref);
}

// 4. Dominance.

static bool is_reachable(const Checker *c, uint32_t block) { return c->fresh.blocks[block].rpo != NO_BLOCK; }

static bool reaches(const Checker *c, Ref arg, uint32_t block) {
    uint32_t home = c->ir->ins[arg].block;
    return is_reachable(c, home) && ir_dominates(&c->fresh, home, block);
}

static bool check_phi_dominance(const Checker *c, uint32_t block, Ref phi) {
    for (uint32_t i = 0; i < c->ir->ins[phi].num_args; i++) {
        uint32_t pred = c->ir->blocks[block].preds[i];
        Ref arg = ir_args(c->ir, phi)[i];
        if (is_reachable(c, pred) && !reaches(c, arg, pred))
            return fail_at(c, block, phi, "operand v%u is not there where predecessor B%u ends", arg, pred);
    }
    return true;
}

static bool check_dominance(const Checker *c, uint32_t block, Ref ref) {
    if (c->ir->ins[ref].op == IR_PHI) return check_phi_dominance(c, block, ref);
    for (uint32_t i = 0; i < c->ir->ins[ref].num_args; i++) {
        Ref arg = ir_args(c->ir, ref)[i];
        bool is_before = c->ir->ins[arg].block == block ? c->place[arg] < c->place[ref] : reaches(c, arg, block);
        if (!is_before) return fail_at(c, block, ref, "operand v%u does not dominate its use", arg);
    }
    return true;
}

// 5. States.

static bool check_needs_state(const Checker *c, uint32_t block, Ref ref) {
    const Ir *ir = c->ir;
    bool has = ir->ins[ref].state != NO_REF, is_call = ir_is_call(ir, ref);
    if (ir_is_guard(ir, ref) && !has) return fail_at(c, block, ref, "a guard without a state");
    if (is_call && ir->depends_on_prototypes && !has)
        return fail_at(c, block, ref, "a call without a state in code that depends on prototypes");
    if (has && !ir_is_guard(ir, ref) && !is_call) return fail_at(c, block, ref, "has a state, and never leaves");
    return true;
}

static bool check_state(const Checker *c, uint32_t block, Ref ref, Ref last_effect) {
    const IrIns *ins = &c->ir->ins[ref];
    Ref state = ins->state;
    bool is_call = ir_is_call(c->ir, ref);
    if (state >= c->ir->num_ins) return fail_at(c, block, ref, "state s%u does not exist", state);
    const IrIns *s = &c->ir->ins[state];
    if (s->op != IR_STATE) return fail_at(c, block, ref, "s%u is no state", state);
    if (s->block != block || c->place[state] > c->place[ref])
        return fail_at(c, block, ref, "state s%u is not in front of it in the block", state);
    if ((s->aux == RESUME_BEHIND) != is_call)
        return fail_at(c, block, ref, "state s%u is one %s a bytecode", state, is_call ? "at" : "behind");
    if (is_call && s->pc != ins->pc) return fail_at(c, block, ref, "state s%u resumes behind another call", state);
    if (!is_call && last_effect != NO_REF && c->place[state] < c->place[last_effect])
        return fail_at(c, block, ref, "the effect of v%u is between it and its state s%u", last_effect, state);
    return true;
}

static bool check_states(const Checker *c, uint32_t block) {
    Ref last_effect = NO_REF;
    IR_EACH(c->ir, block, ref) {
        if (!check_needs_state(c, block, ref)) return false;
        if (c->ir->ins[ref].state != NO_REF && !check_state(c, block, ref, last_effect)) return false;
        if (ir_has_effect(c->ir, ref)) last_effect = ref;
    }
    return true;
}

// 6. Representations: how a result may be represented, and how an operand must be. All is tagged, but for what is
// listed here.

static const uint8_t rep_types[NUM_REPS] = {[REP_TAGGED] = IRT_ANY, [REP_I32] = IRT_INT, [REP_F64] = IRT_NUMBER};

enum { TAGGED = 1 << REP_TAGGED, I32 = 1 << REP_I32, F64 = 1 << REP_F64 }; // sets of Reps

static unsigned possible_reps(const Ir *ir, Ref ref) {
    switch (ir->ins[ref].op) {
    case IR_CONST:
    case IR_PHI: return TAGGED | I32 | F64;
    case IR_ADD:
    case IR_SUB:
    case IR_MUL:
    case IR_DIV:
    case IR_GUARD_NUMBER: return TAGGED | F64;
    case IR_GUARD_INT: return TAGGED | I32;
    case IR_GUARD_BOUNDS:
    case IR_ADD_INT:
    case IR_SUB_INT:
    case IR_MUL_INT:
    case IR_DIV_INT:
    case IR_MOD_INT:
    case IR_ARRAY_LENGTH:
    case IR_TO_I32: return I32;
    case IR_TO_F64: return F64;
    default: return TAGGED;
    }
}

static unsigned wanted_reps(const Ir *ir, Ref ref, uint32_t i) {
    switch (ir->ins[ref].op) {
    case IR_STATE: return TAGGED | I32 | F64;
    case IR_PHI:
    case IR_ADD:
    case IR_SUB:
    case IR_MUL:
    case IR_DIV: return 1u << ir->ins[ref].rep;
    case IR_EQUAL:
    case IR_LESS_THAN:
    case IR_GREATER_THAN: return 1u << ir->ins[ir_args(ir, ref)[0]].rep; // both alike
    case IR_ADD_INT:
    case IR_SUB_INT:
    case IR_MUL_INT:
    case IR_DIV_INT:
    case IR_MOD_INT: return I32;
    case IR_GUARD_BOUNDS: return i == 0 ? I32 : TAGGED;
    case IR_LOAD_ELEMENT:
    case IR_STORE_ELEMENT: return i == 1 ? I32 : TAGGED;
    case IR_TO_TAGGED:
    case IR_TO_I32:
    case IR_TO_F64: return (TAGGED | I32 | F64) & ~(1u << ir->ins[ref].rep);
    default: return TAGGED;
    }
}

static bool check_result_rep(const Checker *c, uint32_t block, Ref ref) {
    const IrIns *ins = &c->ir->ins[ref];
    bool is_conversion = ins->op == IR_TO_TAGGED || ins->op == IR_TO_I32 || ins->op == IR_TO_F64;
    if (!c->ir->has_reps && (ins->rep != REP_TAGGED || is_conversion))
        return fail_at(c, block, ref, "has a representation before they are chosen");
    if (ins->rep >= NUM_REPS) return fail_at(c, block, ref, "unknown representation %u", ins->rep);
    if (c->ir->has_reps && !(possible_reps(c->ir, ref) >> ins->rep & 1))
        return fail_at(c, block, ref, "its result cannot be %s", ir_rep_names[ins->rep]);
    uint8_t type = ins->op == IR_CONST ? ir_value_type((Value)ins->imm) : ins->type;
    if (type & ~rep_types[ins->rep])
        return fail_at(c, block, ref, "type 0x%x cannot be %s", type, ir_rep_names[ins->rep]);
    return true;
}

static bool check_reps(const Checker *c, uint32_t block, Ref ref) {
    if (!check_result_rep(c, block, ref)) return false;
    for (uint32_t i = 0; i < c->ir->ins[ref].num_args && c->ir->has_reps; i++) {
        Ref arg = ir_args(c->ir, ref)[i];
        uint8_t rep = c->ir->ins[arg].rep;
        if (!(wanted_reps(c->ir, ref, i) >> rep & 1))
            return fail_at(c, block, ref, "operand v%u must not be %s", arg, ir_rep_names[rep]);
    }
    return true;
}

// 7. Analyses.

static bool check_analyses(const Checker *c) {
    for (uint32_t b = 0; b < c->ir->num_blocks; b++) {
        const IrBlock *old = &c->ir->blocks[b], *fresh = &c->fresh.blocks[b];
        if (c->ir->has_dominators && (old->rpo != fresh->rpo || (is_reachable(c, b) && old->idom != fresh->idom)))
            return fail_at(c, b, NO_REF, "the dominator tree is stale");
        if (c->ir->has_loops && is_reachable(c, b) && old->loop != fresh->loop)
            return fail_at(c, b, NO_REF, "the loop tree is stale");
    }
    return true;
}

// All of it.

static bool check_structure(Checker *c) {
    const Ir *ir = c->ir;
    if (ir->num_blocks == 0 || ir->blocks[0].removed) return fail_at(c, NO_BLOCK, NO_REF, "there is no entry");
    for (uint32_t b = 0; b < ir->num_blocks; b++)
        if (!(ir->blocks[b].removed ? check_removed(c, b) : check_list(c, b))) return false;
    for (uint32_t b = 0; b < ir->num_blocks; b++)
        if (!ir->blocks[b].removed && !check_successors(c, b)) return false;
    return check_preds(c);
}

static bool check_instructions(const Checker *c) {
    for (uint32_t b = 0; b < c->ir->num_blocks; b++)
        IR_EACH(c->ir, b, ref)
            if (!check_instruction(c, b, ref)) return false;
    return true;
}

static void analyse_copy(Checker *c) {
    const Ir *ir = c->ir;
    c->fresh = (Ir){.num_blocks = ir->num_blocks, .blocks = xmalloc(ir->num_blocks * sizeof *ir->blocks)};
    memcpy(c->fresh.blocks, ir->blocks, ir->num_blocks * sizeof *ir->blocks);
    ir_loops(&c->fresh);
}

static bool check_order(Checker *c) {
    analyse_copy(c);
    for (uint32_t b = 0; b < c->ir->num_blocks; b++)
        if (is_reachable(c, b))
            IR_EACH(c->ir, b, ref)
                if (!check_dominance(c, b, ref)) return false;
    for (uint32_t b = 0; b < c->ir->num_blocks; b++) {
        if (!check_states(c, b)) return false;
        IR_EACH(c->ir, b, ref)
            if (!check_reps(c, b, ref)) return false;
    }
    return check_analyses(c);
}

bool ir_verify(const Ir *ir, IrFault *fault) {
    Checker c = {.ir = ir, .fault = fault};
    c.place = xcalloc(ir->num_ins, sizeof *c.place);
    c.has_param = xcalloc(ir_function(ir)->num_params, sizeof *c.has_param);
    bool ok = check_structure(&c) && check_instructions(&c) && check_order(&c);
    free(c.place);
    free(c.has_param);
    free(c.fresh.blocks); // the lists of predecessors belong to `ir`
    free(c.fresh.rpo);
    free(c.fresh.loops);
    free(c.fresh.order);
    return ok;
}

void ir_check(const Ir *ir, const char *after) {
    IrFault fault;
    if (ir_verify(ir, &fault)) return;
    fatal("%s: bad IR after %s: %s", ir_function(ir)->name, after, fault.message);
}
