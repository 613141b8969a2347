// Sparse conditional constant propagation.
// In:  IR.  Out: instructions that always give the same constant are constants, branches that always go the
// same way are jumps, and what can no longer be reached is gone.
//
// Two questions hang together: is this value a constant? can this edge be taken? A phi is a constant if its
// operands along the edges that can be taken are the same one; an edge behind a branch can be taken unless
// the condition is a constant that leads to the other. So the pass answers both at once and starts with the
// optimistic answer: nothing can be taken but the entry, and nothing is known to vary.
//
//              not reached yet         Each value moves down only, at most twice; each edge is found to be
//            /   |    |    |   \       taken at most once. What depends on a value that has moved is looked
//        ...-1   0    1  "a"  true...  at again, and nothing else: that makes the pass sparse, and linear.
//            \   |    |    |   /
//                 varies
//
// Asking the questions one after the other finds less: in `x = 1; while (c) { if (x != 1) x = 2; }` x is
// constant only if the assignment is never reached, and that is so only if x is constant.
//
// The arithmetic is that of the running program, in the same function (fold.h): integers that overflow
// become doubles, 0 * -1 is -0, NaN equals nothing. What raises an error is no constant: it stays and raises
// the error at its place. Strings are not joined here: the result would have to outlive the program's heap.
// A guard that a constant passes is that constant. One that must fail stays, and is not said to be anything.
//
// Source: Wegman, Zadeck, "Constant propagation with conditional branches", TOPLAS 13(2), 1991, section 3.4.
#include <stdlib.h>

#include "object/operators.h"
#include "opt/fold.h"
#include "opt/guards.h"
#include "opt/opt.h"

enum { NOT_REACHED, CONSTANT, VARIES };

// An edge: successor s of a block.
typedef struct Edge {
    uint32_t block, s;
} Edge;

typedef struct Sccp {
    Ir *ir;
    size_t num_old_ins; // what comes later has no state
    uint8_t *state;     // indexed by Ref
    Value *value;       // of what is CONSTANT
    // Where a value is used: places in ir->args, those of v at uses[first_use[v] .. first_use[v + 1]).
    uint32_t *first_use, *uses;
    Ref *user; // indexed by place in ir->args
    bool *is_visited; // indexed by block
    uint8_t *taken;   // indexed by block: bit s is set if the edge to succ[s] can be taken
    Edge *edges;      // found to be taken, not followed yet
    size_t num_edges;
    Ref *moved; // values that have moved, users not looked at yet
    size_t num_moved, cap_moved;
} Sccp;

static void find_uses(Sccp *sccp) {
    Ir *ir = sccp->ir;
    uint32_t *next = sccp->first_use + 1; // next[v] ends up as first_use[v + 1]
    IR_ALL(ir, ref)
        for (uint32_t i = 0; i < ir->ins[ref].num_args; i++) {
            sccp->user[ir->ins[ref].first_arg + i] = ref;
            next[ir_args(ir, ref)[i] + 1]++;
        }
    for (size_t v = 0; v < ir->num_ins; v++) next[v + 1] += next[v];
    for (uint32_t place = 0; place < ir->num_args; place++)
        if (sccp->user[place] != NO_REF) sccp->uses[next[ir->args[place]]++] = place;
}

static void start(Sccp *sccp, Ir *ir) {
    *sccp = (Sccp){
        .ir = ir,
        .num_old_ins = ir->num_ins,
        .state = xcalloc(ir->num_ins, sizeof *sccp->state),
        .value = xcalloc(ir->num_ins, sizeof *sccp->value),
        .first_use = xcalloc(ir->num_ins + 2, sizeof *sccp->first_use),
        .uses = xmalloc(ir->num_args * sizeof *sccp->uses),
        .user = xcalloc(ir->num_args, sizeof *sccp->user),
        .is_visited = xcalloc(ir->num_blocks, sizeof *sccp->is_visited),
        .taken = xcalloc(ir->num_blocks, sizeof *sccp->taken),
        .edges = xcalloc(2 * ir->num_blocks, sizeof *sccp->edges),
    };
    find_uses(sccp);
}

static void finish(Sccp *sccp) {
    free(sccp->state);
    free(sccp->value);
    free(sccp->first_use);
    free(sccp->uses);
    free(sccp->user);
    free(sccp->is_visited);
    free(sccp->taken);
    free(sccp->edges);
    free(sccp->moved);
}

// The lattice.

static void move_down(Sccp *sccp, Ref ref, uint8_t state, Value value) {
    if (sccp->state[ref] == state) return;
    sccp->state[ref] = state;
    sccp->value[ref] = value;
    GROW(sccp->moved, sccp->num_moved, sccp->cap_moved);
    sccp->moved[sccp->num_moved++] = ref; // at most twice for each
}

static void set_constant(Sccp *sccp, Ref ref, Value value) {
    bool is_known = sccp->state[ref] != NOT_REACHED;
    bool stays = is_known && sccp->state[ref] == CONSTANT && constants_are_same(sccp->value[ref], value);
    if (!stays) move_down(sccp, ref, is_known ? VARIES : CONSTANT, value);
}

static void set_varies(Sccp *sccp, Ref ref) { move_down(sccp, ref, VARIES, NO_VALUE); }

// Control flow.

static void take(Sccp *sccp, uint32_t block, uint32_t s) {
    if (sccp->taken[block] >> s & 1) return;
    sccp->taken[block] |= (uint8_t)(1u << s);
    sccp->edges[sccp->num_edges++] = (Edge){block, s};
}

static bool is_taken(const Sccp *sccp, uint32_t block, uint32_t pred_index) {
    uint32_t pred = sccp->ir->blocks[block].preds[pred_index];
    const IrBlock *from = &sccp->ir->blocks[pred];
    uint32_t s = from->succ[0] == block && from->pred_at[0] == pred_index ? 0 : 1;
    return sccp->taken[pred] >> s & 1;
}

static void visit_branch(Sccp *sccp, Ref ref) {
    Ref condition = ir_args(sccp->ir, ref)[0];
    uint32_t block = sccp->ir->ins[ref].block;
    Truth truth = UNKNOWN_TRUTH;
    if (sccp->state[condition] == NOT_REACHED) return;
    if (sccp->state[condition] == VARIES) truth = truth_of_type(sccp->ir->ins[condition].type);
    else truth = value_is_truthy(sccp->value[condition]) ? ALWAYS_TRUE : ALWAYS_FALSE;
    if (truth != ALWAYS_FALSE) take(sccp, block, 0);
    if (truth != ALWAYS_TRUE) take(sccp, block, 1);
}

// Instructions.

// A phi that has been looked at before meets the one operand that is new.
static void meet_operand(Sccp *sccp, Ref phi, uint32_t i) {
    Ref operand = ir_args(sccp->ir, phi)[i];
    if (sccp->state[phi] == VARIES || sccp->state[operand] == NOT_REACHED) return;
    if (sccp->state[operand] == CONSTANT) set_constant(sccp, phi, sccp->value[operand]);
    else set_varies(sccp, phi);
}

// Values of types that have nothing in common are never equal. 0 equals -0, so all numbers are of one kind.
static bool are_never_equal(const Ir *ir, Ref a, Ref b) {
    uint8_t type_a = ir->ins[a].type, type_b = ir->ins[b].type;
    if (type_a == IRT_NONE || type_b == IRT_NONE) return false;
    if (type_a & IRT_NUMBER) type_a |= IRT_NUMBER;
    return !(type_a & type_b);
}

static void visit_operation(Sccp *sccp, Ref ref) {
    const Ir *ir = sccp->ir;
    Ref a = ir_args(ir, ref)[0], b = ir_args(ir, ref)[1];
    if (ir->ins[ref].op == IR_EQUAL && are_never_equal(ir, a, b)) {
        set_constant(sccp, ref, VALUE_FALSE);
    } else if (sccp->state[a] == VARIES || sccp->state[b] == VARIES) {
        set_varies(sccp, ref);
    } else if (sccp->state[a] == CONSTANT && sccp->state[b] == CONSTANT) {
        Value result = fold_operation(sccp->ir, ir->ins[ref].op, sccp->value[a], sccp->value[b]);
        if (result == NO_VALUE) set_varies(sccp, ref);
        else set_constant(sccp, ref, result);
    }
}

static void visit_length(Sccp *sccp, Ref ref) {
    Ref a = ir_args(sccp->ir, ref)[0];
    if (sccp->state[a] == NOT_REACHED) return;
    if (sccp->state[a] == CONSTANT && value_is_string(sccp->value[a]))
        set_constant(sccp, ref, value_from_int((int32_t)value_to_string(sccp->value[a])->length));
    else set_varies(sccp, ref);
}

static void visit_guard(Sccp *sccp, Ref ref) {
    Ref a = ir_args(sccp->ir, ref)[0];
    uint8_t passes = sccp->ir->ins[ref].op == IR_GUARD_INT ? IRT_INT : IRT_NUMBER;
    if (sccp->state[a] == NOT_REACHED) return;
    bool is_constant = sccp->state[a] == CONSTANT && ir_value_type(sccp->value[a]) & passes;
    if (is_constant) set_constant(sccp, ref, sccp->value[a]);
    else set_varies(sccp, ref);
}

static void visit(Sccp *sccp, Ref ref) {
    const IrIns *ins = &sccp->ir->ins[ref];
    if (sccp->state[ref] == VARIES) return;
    switch (ins->op) {
    case IR_CONST: set_constant(sccp, ref, (Value)ins->imm); break;
    case IR_ADD:
    case IR_SUB:
    case IR_MUL:
    case IR_DIV:
    case IR_MOD:
    case IR_EQUAL:
    case IR_LESS_THAN:
    case IR_GREATER_THAN:
    case IR_ADD_INT:
    case IR_SUB_INT:
    case IR_MUL_INT:
    case IR_DIV_INT:
    case IR_MOD_INT: visit_operation(sccp, ref); break;
    case IR_GUARD_INT:
    case IR_GUARD_NUMBER: visit_guard(sccp, ref); break;
    case IR_LENGTH: visit_length(sccp, ref); break;
    case IR_JUMP: take(sccp, ins->block, 0); break;
    case IR_BRANCH: visit_branch(sccp, ref); break;
    default: set_varies(sccp, ref); break;
    }
}

static void visit_block(Sccp *sccp, uint32_t block) {
    if (sccp->is_visited[block]) return;
    sccp->is_visited[block] = true;
    IR_EACH(sccp->ir, block, ref)
        if (sccp->ir->ins[ref].op != IR_PHI) visit(sccp, ref);
}

// An edge can be taken: the phis behind it see one more operand.
static void follow_edge(Sccp *sccp, Edge edge) {
    const IrBlock *from = &sccp->ir->blocks[edge.block];
    uint32_t block = from->succ[edge.s], pred_index = from->pred_at[edge.s];
    IR_EACH(sccp->ir, block, ref) {
        if (sccp->ir->ins[ref].op != IR_PHI) break;
        meet_operand(sccp, ref, pred_index);
    }
    visit_block(sccp, block);
}

// A value has moved: so may what uses it.
static void look_at_users(Sccp *sccp, Ref ref) {
    for (uint32_t u = sccp->first_use[ref]; u < sccp->first_use[ref + 1]; u++) {
        Ref user = sccp->user[sccp->uses[u]];
        uint32_t i = sccp->uses[u] - sccp->ir->ins[user].first_arg, block = sccp->ir->ins[user].block;
        if (!sccp->is_visited[block]) continue;
        if (sccp->ir->ins[user].op != IR_PHI) visit(sccp, user);
        else if (is_taken(sccp, block, i)) meet_operand(sccp, user, i);
    }
}

static void propagate(Sccp *sccp) {
    visit_block(sccp, 0);
    while (sccp->num_edges > 0 || sccp->num_moved > 0) {
        if (sccp->num_moved > 0) look_at_users(sccp, sccp->moved[--sccp->num_moved]);
        else follow_edge(sccp, sccp->edges[--sccp->num_edges]);
    }
}

// The transformation.

// What followed from types alone relies on them.
static void rely_on_operands(Ir *ir, Ref ref) {
    const Ref *args = ir_args(ir, ref);
    if (ir->ins[ref].op == IR_BRANCH) rely_on_type(ir, args[0]);
    if (ir->ins[ref].op != IR_EQUAL || !are_never_equal(ir, args[0], args[1])) return;
    rely_on_type(ir, args[0]);
    rely_on_type(ir, args[1]);
}

// Replace the block's constants; what takes the place of a phi comes behind the phis.
static void replace_constants(Sccp *sccp, uint32_t block) {
    Ir *ir = sccp->ir;
    Ref behind_phis = ir->blocks[block].first;
    while (ir->ins[behind_phis].op == IR_PHI) behind_phis = ir->ins[behind_phis].next;
    IR_EACH(ir, block, ref) {
        if (ref >= sccp->num_old_ins || sccp->state[ref] != CONSTANT || ir->ins[ref].op == IR_CONST) continue;
        rely_on_operands(ir, ref);
        Ref constant = ir_new_const(ir, sccp->value[ref], ir->ins[ref].pc);
        bool is_phi = ir->ins[ref].op == IR_PHI;
        ir_insert_before(ir, is_phi ? behind_phis : ref, constant);
        if (ref == behind_phis) behind_phis = constant;
        ir_replace(ir, ref, constant);
    }
}

static void transform(Sccp *sccp) {
    Ir *ir = sccp->ir;
    uint32_t num_blocks = (uint32_t)ir->num_blocks;
    for (uint32_t b = 0; b < num_blocks; b++) {
        if (!sccp->is_visited[b]) continue;
        replace_constants(sccp, b);
        if (ir->blocks[b].num_succ != 2 || sccp->taken[b] == 3 || sccp->taken[b] == 0) continue;
        rely_on_operands(ir, ir->blocks[b].last);
        ir_fold_branch(ir, b, sccp->taken[b] == 1 ? 0 : 1);
    }
    ir_apply_replacements(ir);
    ir_remove_unreachable(ir);
}

void opt_sccp(Ir *ir) {
    ir_infer_types(ir);
    Sccp sccp;
    start(&sccp, ir);
    propagate(&sccp);
    transform(&sccp);
    finish(&sccp);
}
