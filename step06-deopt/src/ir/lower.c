// From IR to LIR: one virtual register for each value, one instruction for each instruction.
//
// Blocks keep the order of ir_loops: what dominates comes first, and a loop lies together. Some things are
// not one to one:
//   - a constant has no place of its own: it is written into whatever uses it, or loaded just before;
//   - a comparison right before the branch that is the only one to ask for it becomes the branch's
//     condition, and true and false are never made;
//   - a guard's result is its operand: both have one register, unless the guard also changes the representation;
//   - a frame state makes no code: each guard or call that has it gets an exit with its values.
#include "ir/lower.h"

#include "base/fatal.h"
#include "object/number.h"

typedef struct Lowering {
    Ir *ir;
    Lir *lir;
    VReg *vreg;        // of each instruction, or NO_VREG
    uint32_t *uses;    // how many operands name it
    uint32_t *number;  // of each block: its place in the order
    Ref *untagged;     // of each value: the last guard_int that has given it as an int32, or NO_REF
    Arena arena;
} Lowering;

static VReg new_vreg(Lowering *l) { return l->lir->num_vregs++; }

// Is the instruction its first operand, in the same representation?
static bool is_alias(const Lowering *l, Ref ref) {
    Ref operand;
    switch (l->ir->ins[ref].op) {
    case IR_GUARD_INT:
    case IR_GUARD_NUMBER:
    case IR_GUARD_SHAPE:
    case IR_GUARD_BOUNDS:
    case IR_TO_TAGGED:
    case IR_TO_I32:
    case IR_TO_F64:
        operand = ir_args(l->ir, ref)[0];
        return l->ir->ins[operand].op != IR_CONST && l->ir->ins[operand].rep == l->ir->ins[ref].rep;
    default: return false;
    }
}

// The register of a value; constants have none. A phi's may be asked for before it is reached.
static VReg vreg_of(Lowering *l, Ref ref) {
    while (is_alias(l, ref)) ref = ir_args(l->ir, ref)[0];
    if (l->vreg[ref] == NO_VREG) l->vreg[ref] = new_vreg(l);
    return l->vreg[ref];
}

static LirIns *append(Lowering *l, LirOp op, Ref ref) {
    Lir *lir = l->lir;
    GROW(lir->ins, lir->num_ins, lir->cap_ins);
    LirIns *ins = &lir->ins[lir->num_ins++];
    uint32_t pc = l->ir->ins[ref].pc;
    *ins = (LirIns){.op = op, .d = NO_VREG, .a = NO_VREG, .b = {.vreg = NO_VREG}, .pc = pc == NO_PC ? 0 : pc};
    ins->c.vreg = NO_VREG;
    ins->exit = NO_EXIT;
    ins->first_move = (uint32_t)lir->num_moves;
    return ins;
}

static void append_move(Lowering *l, LirMove move) {
    Lir *lir = l->lir;
    GROW(lir->moves, lir->num_moves, lir->cap_moves);
    lir->moves[lir->num_moves++] = move;
}

// Operands.

static bool is_const(const Lowering *l, Ref ref) { return l->ir->ins[ref].op == IR_CONST; }

// The bits of a constant in a representation. Behind a guard that fails at every visit may stand what asks for the
// impossible, such as 0.5 as an integer: it never runs.
static int64_t constant_bits(const Lowering *l, Ref ref, Rep rep) {
    Value value = (Value)l->ir->ins[ref].imm;
    bool fits = rep == REP_I32 ? value_is_int(value) : rep == REP_TAGGED || value_is_number(value);
    if (!fits) return 0;
    if (rep == REP_I32) return (uint32_t)value_to_int(value);
    return rep == REP_F64 ? (int64_t)double_bits(number_to_double(value)) : (int64_t)value;
}

// A value as an operand that may be a constant. It must be represented like that: constants are as it is wanted, all
// else is converted by instructions.
static LirOperand to_operand_as(Lowering *l, Ref ref, Rep rep) {
    if (is_const(l, ref)) return (LirOperand){NO_VREG, constant_bits(l, ref, rep)};
    if (l->ir->ins[ref].rep != rep)
        fatal("%s: v%u is in representation %u, not %d", ir_function(l->ir)->name, ref, l->ir->ins[ref].rep, (int)rep);
    return (LirOperand){vreg_of(l, ref), 0};
}

static LirOperand to_operand(Lowering *l, Ref ref) { return to_operand_as(l, ref, REP_TAGGED); }

// A value as the source of a move, or as an argument.
static LirMove to_move_as(Lowering *l, Ref ref, Rep rep) {
    LirOperand operand = to_operand_as(l, ref, rep);
    return (LirMove){.d = NO_VREG, .s = operand.vreg, .imm = operand.imm};
}

static LirMove to_move(Lowering *l, Ref ref) { return to_move_as(l, ref, REP_TAGGED); }

// d <- the constant
static void load_constant(Lowering *l, VReg d, Ref ref, Rep rep) {
    LirIns *ins = append(l, LIR_CONST, ref);
    ins->d = d;
    ins->imm = constant_bits(l, ref, rep);
    ins->rep = rep;
}

// A value in a register; a constant is loaded into one of its own for this use.
static VReg to_register_as(Lowering *l, Ref ref, Rep rep) {
    if (!is_const(l, ref)) return to_operand_as(l, ref, rep).vreg;
    VReg d = new_vreg(l);
    load_constant(l, d, ref, rep);
    return d;
}

static VReg to_register(Lowering *l, Ref ref) { return to_register_as(l, ref, REP_TAGGED); }

// Exits.

// A value for an exit of the block. If it has passed a guard there, the exit takes what the guard has made of it, and
// the tagged value need not live as long as that.
static void append_value(Lowering *l, Ref ref, uint32_t block) {
    Lir *lir = l->lir;
    Ref guard = l->untagged[ref];
    if (guard != NO_REF && !is_const(l, ref) && l->ir->ins[guard].block == block) ref = guard;
    Rep rep = is_const(l, ref) ? REP_TAGGED : (Rep)l->ir->ins[ref].rep; // any will do
    LirOperand operand = to_operand_as(l, ref, rep);
    GROW(lir->values, lir->num_values, lir->cap_values);
    lir->values[lir->num_values++] = (LirValue){operand.vreg, operand.imm, rep};
}

// Give the newest instruction the exit that the IR's instruction has, if any. A call's leads behind the call.
static void append_exit(Lowering *l, Ref ref) {
    Lir *lir = l->lir;
    const IrIns *from = &l->ir->ins[ref], *state = &l->ir->ins[from->state];
    if (from->state == NO_REF) return;
    LirExit exit = {.pc = ir_is_guard(l->ir, ref) ? state->pc : from->pc, .is_hoisted = from->is_hoisted};
    exit.first_value = (uint32_t)lir->num_values;
    exit.num_values = state->num_args;
    for (uint32_t i = 0; i < state->num_args; i++) append_value(l, ir_args(l->ir, from->state)[i], from->block);
    GROW(lir->exits, lir->num_exits, lir->cap_exits);
    lir->ins[lir->num_ins - 1].exit = (uint32_t)lir->num_exits;
    lir->exits[lir->num_exits++] = exit;
}

// Instructions.

static const LirOp lir_ops[NUM_IR_OPS] = {
    [IR_ADD] = LIR_ADD,
    [IR_SUB] = LIR_SUB,
    [IR_MUL] = LIR_MUL,
    [IR_DIV] = LIR_DIV,
    [IR_MOD] = LIR_REM,
    [IR_EQUAL] = LIR_COMPARE,
    [IR_LESS_THAN] = LIR_COMPARE,
    [IR_GREATER_THAN] = LIR_COMPARE,
    [IR_LOAD_FUNCTION] = LIR_FUNCTION,
    [IR_LOAD_PROTOTYPE] = LIR_PROTOTYPE,
    [IR_CALL] = LIR_CALL,
    [IR_CALL_NATIVE] = LIR_CALL_NATIVE,
    [IR_CALL_METHOD] = LIR_CALL_METHOD,
    [IR_GET_PROPERTY] = LIR_GET_PROPERTY,
    [IR_SET_PROPERTY] = LIR_SET_PROPERTY,
    [IR_DELETE_PROPERTY] = LIR_DELETE_PROPERTY,
    [IR_NEW_OBJECT] = LIR_NEW_OBJECT,
    [IR_SET_PROTOTYPE] = LIR_SET_PROTOTYPE,
    [IR_GET_INDEX] = LIR_GET_INDEX,
    [IR_SET_INDEX] = LIR_SET_INDEX,
    [IR_LENGTH] = LIR_LENGTH,
};

static Cond condition_of(unsigned op) { return op == IR_EQUAL ? CC_E : op == IR_LESS_THAN ? CC_L : CC_G; }
static bool is_comparison(unsigned op) { return op == IR_EQUAL || op == IR_LESS_THAN || op == IR_GREATER_THAN; }

static void lower_operator(Lowering *l, Ref ref) {
    unsigned op = l->ir->ins[ref].op;
    VReg a = to_register(l, ir_args(l->ir, ref)[0]);
    LirOperand b = to_operand(l, ir_args(l->ir, ref)[1]);
    VReg d = vreg_of(l, ref);
    LirIns *ins = append(l, lir_ops[op], ref);
    ins->a = a;
    ins->b = b;
    ins->d = d;
}

static const LirOp comparisons[NUM_REPS] = {LIR_COMPARE, LIR_COMPARE_I32, LIR_COMPARE_F64};
static const LirOp branches[NUM_REPS] = {LIR_BRANCH, LIR_BRANCH_I32, LIR_BRANCH_F64};

// How both operands of a comparison are represented.
static Rep compared_rep(const Lowering *l, Ref ref) {
    const Ref *args = ir_args(l->ir, ref);
    return (Rep)l->ir->ins[is_const(l, args[0]) ? args[1] : args[0]].rep;
}

static Cond swapped(Cond cc) { return cc == CC_L ? CC_G : cc == CC_G ? CC_L : cc; }

// A comparison, with one of the operations for each representation; d is still to be filled in. A raw constant goes
// second, into the instruction: 0 < x is x > 0. (Of other values the order counts, if one makes an error.)
static LirIns *append_comparison(Lowering *l, const LirOp ops[NUM_REPS], Ref ref) {
    Rep rep = compared_rep(l, ref);
    bool swaps = rep != REP_TAGGED && is_const(l, ir_args(l->ir, ref)[0]);
    Cond cc = condition_of(l->ir->ins[ref].op);
    VReg a = to_register_as(l, ir_args(l->ir, ref)[swaps], rep);
    LirOperand b = to_operand_as(l, ir_args(l->ir, ref)[!swaps], rep);
    LirIns *ins = append(l, ops[rep], ref);
    ins->a = a;
    ins->b = b;
    ins->cc = swaps ? swapped(cc) : cc;
    return ins;
}

static void lower_comparison(Lowering *l, Ref ref) {
    LirIns *ins = append_comparison(l, comparisons, ref);
    ins->d = vreg_of(l, ref);
}

static void lower_call(Lowering *l, Ref ref) {
    const IrIns *from = &l->ir->ins[ref];
    LirIns *ins = append(l, lir_ops[from->op], ref);
    ins->num_moves = from->num_args;
    ins->target = from->aux;
    ins->imm = from->imm;
    if (ir_has_result(l->ir, ref)) ins->d = vreg_of(l, ref);
    for (uint32_t i = 0; i < from->num_args; i++) append_move(l, to_move(l, ir_args(l->ir, ref)[i]));
    append_exit(l, ref);
}

// The array is made first, and then its elements are set one by one.
static void lower_new_array(Lowering *l, Ref ref) {
    VReg array = vreg_of(l, ref);
    LirIns *ins = append(l, LIR_NEW_ARRAY, ref);
    ins->imm = l->ir->ins[ref].num_args;
    ins->d = array;
    for (uint32_t i = 0; i < l->ir->ins[ref].num_args; i++) {
        append(l, LIR_SET_INDEX, ref)->num_moves = 3;
        append_move(l, (LirMove){.d = NO_VREG, .s = array});
        append_move(l, (LirMove){.d = NO_VREG, .s = NO_VREG, .imm = (int64_t)value_from_int((int32_t)i)});
        append_move(l, to_move(l, ir_args(l->ir, ref)[i]));
    }
}

static void lower_load(Lowering *l, Ref ref) {
    VReg d = vreg_of(l, ref);
    LirIns *ins = append(l, lir_ops[l->ir->ins[ref].op], ref);
    ins->target = l->ir->ins[ref].aux;
    ins->d = d;
}

// Raw numbers and guards.

static Ref arg(const Lowering *l, Ref ref, uint32_t i) { return ir_args(l->ir, ref)[i]; }

// The typed operations on two numbers.
static const LirOp typed_ops[NUM_IR_OPS] = {
    [IR_ADD_INT] = LIR_ADD_I32, [IR_SUB_INT] = LIR_SUB_I32, [IR_MUL_INT] = LIR_MUL_I32,
    [IR_DIV_INT] = LIR_DIV_I32, [IR_MOD_INT] = LIR_REM_I32, [IR_ADD] = LIR_ADD_F64,
    [IR_SUB] = LIR_SUB_F64,     [IR_MUL] = LIR_MUL_F64,     [IR_DIV] = LIR_DIV_F64,
};

static bool commutes(LirOp op) {
    return op == LIR_ADD_I32 || op == LIR_MUL_I32 || op == LIR_ADD_F64 || op == LIR_MUL_F64;
}

// The exit of the newest instruction, a sum or a difference, needs what is added to. If it computes that once more, by
// undoing the instruction, d may have its register: a counter then stays in one.
static void take_back(Lowering *l) {
    Lir *lir = l->lir;
    LirIns *ins = &lir->ins[lir->num_ins - 1];
    if (ins->exit == NO_EXIT || ins->a == ins->b.vreg) return;
    const LirExit *exit = &lir->exits[ins->exit];
    for (uint32_t i = 0; i < exit->num_values; i++) {
        VReg *vreg = &lir->values[exit->first_value + i].vreg;
        if (*vreg != ins->a) continue;
        *vreg = ins->d;
        ins->takes_back = true;
    }
}

static void lower_arithmetic(Lowering *l, Ref ref) {
    Rep rep = (Rep)l->ir->ins[ref].rep;
    LirOp op = typed_ops[l->ir->ins[ref].op];
    bool swaps = commutes(op) && is_const(l, arg(l, ref, 0)); // a constant goes into the instruction
    VReg a = to_register_as(l, arg(l, ref, swaps), rep);
    LirOperand b = to_operand_as(l, arg(l, ref, !swaps), rep);
    VReg d = vreg_of(l, ref);
    LirIns *ins = append(l, op, ref);
    ins->a = a;
    ins->b = b;
    ins->d = d;
    append_exit(l, ref);
    if (op == LIR_ADD_I32 || op == LIR_SUB_I32) take_back(l);
}

// d <- op a. Returns the instruction, good until the next one.
static LirIns *append_unary(Lowering *l, LirOp op, Ref ref, VReg d, VReg a) {
    LirIns *ins = append(l, op, ref);
    ins->a = a;
    ins->d = d;
    return ins;
}

// From a representation to another one.
static const LirOp conversions[NUM_REPS][NUM_REPS] = {
    [REP_TAGGED] = {[REP_I32] = LIR_UNTAG_I32, [REP_F64] = LIR_NUMBER_TO_F64},
    [REP_I32] = {[REP_TAGGED] = LIR_TAG_I32, [REP_F64] = LIR_I32_TO_F64},
    [REP_F64] = {[REP_TAGGED] = LIR_TAG_F64, [REP_I32] = LIR_F64_TO_I32},
};

// The value of the first operand, in the representation of the instruction.
static void lower_conversion(Lowering *l, Ref ref) {
    Ref from = arg(l, ref, 0);
    Rep rep = (Rep)l->ir->ins[ref].rep;
    LirOp op = conversions[l->ir->ins[from].rep][rep];
    if (is_const(l, from)) load_constant(l, vreg_of(l, ref), from, rep);
    else if (!is_alias(l, ref)) append_unary(l, op, ref, vreg_of(l, ref), vreg_of(l, from));
}

// Is a value of this kind for sure? A constant says so itself; of all others only tagged ones can be something else.
static bool is_certain(const Lowering *l, Ref ref, bool (*is_kind)(Value)) {
    if (is_const(l, ref)) return is_kind((Value)l->ir->ins[ref].imm);
    return l->ir->ins[ref].rep != REP_TAGGED;
}

static void lower_guard_int(Lowering *l, Ref ref) {
    if (l->ir->ins[arg(l, ref, 0)].rep == REP_F64)
        fatal("%s: v%u asks a double whether it is an integer", ir_function(l->ir)->name, ref);
    if (!is_certain(l, arg(l, ref, 0), value_is_int)) {
        VReg a = to_register(l, arg(l, ref, 0));
        append_unary(l, LIR_GUARD_TAG, ref, NO_VREG, a);
        append_exit(l, ref);
    }
    if (l->ir->ins[ref].rep == REP_I32) l->untagged[arg(l, ref, 0)] = ref;
    lower_conversion(l, ref);
}

static void lower_guard_number(Lowering *l, Ref ref) {
    Ref from = arg(l, ref, 0);
    if (!is_certain(l, from, value_is_number)) {
        bool converts = l->ir->ins[ref].rep == REP_F64 && !is_const(l, from); // on the way
        VReg a = to_register(l, from);
        append_unary(l, LIR_GUARD_NUMBER, ref, converts ? vreg_of(l, ref) : NO_VREG, a);
        append_exit(l, ref);
        if (converts) return;
    }
    lower_conversion(l, ref);
}

static void lower_guard_shape(Lowering *l, Ref ref) {
    VReg a = to_register(l, arg(l, ref, 0));
    append_unary(l, LIR_GUARD_SHAPE, ref, NO_VREG, a)->imm = l->ir->ins[ref].aux;
    append_exit(l, ref);
    lower_conversion(l, ref);
}

static void lower_guard_bounds(Lowering *l, Ref ref) {
    VReg a = to_register_as(l, arg(l, ref, 0), REP_I32), b = to_register(l, arg(l, ref, 1));
    append_unary(l, LIR_GUARD_BOUNDS, ref, NO_VREG, a)->b = (LirOperand){b, 0};
    append_exit(l, ref);
    lower_conversion(l, ref);
}

// Objects.

static void lower_field(Lowering *l, Ref ref) {
    bool stores = l->ir->ins[ref].op == IR_STORE_FIELD;
    VReg a = to_register(l, arg(l, ref, 0)), d = stores ? NO_VREG : vreg_of(l, ref);
    LirOperand b = stores ? to_operand(l, arg(l, ref, 1)) : (LirOperand){NO_VREG, 0};
    LirIns *ins = append_unary(l, stores ? LIR_STORE_FIELD : LIR_LOAD_FIELD, ref, d, a);
    ins->b = b;
    ins->imm = l->ir->ins[ref].aux;
}

static void lower_set_shape(Lowering *l, Ref ref) {
    VReg a = to_register(l, arg(l, ref, 0));
    append_unary(l, LIR_STORE_SHAPE, ref, NO_VREG, a)->imm = l->ir->ins[ref].aux;
}

static void lower_array_length(Lowering *l, Ref ref) {
    VReg a = to_register(l, arg(l, ref, 0));
    append_unary(l, LIR_ARRAY_LENGTH, ref, vreg_of(l, ref), a);
}

static void lower_element(Lowering *l, Ref ref) {
    bool stores = l->ir->ins[ref].op == IR_STORE_ELEMENT;
    VReg a = to_register(l, arg(l, ref, 0)), d = stores ? NO_VREG : vreg_of(l, ref);
    LirOperand b = to_operand_as(l, arg(l, ref, 1), REP_I32);
    LirOperand c = stores ? to_operand(l, arg(l, ref, 2)) : (LirOperand){NO_VREG, 0};
    LirIns *ins = append_unary(l, stores ? LIR_STORE_ELEMENT : LIR_LOAD_ELEMENT, ref, d, a);
    ins->b = b;
    ins->c = c;
    append_exit(l, ref);
}

// The ends of blocks.

static void lower_jump(Lowering *l, Ref ref, uint32_t block) {
    append(l, LIR_JUMP, ref)->target = l->number[l->ir->blocks[block].succ[0]];
}

// Is the condition a comparison that comes last before the branch, and that nobody else asks for?
static bool fuses(const Lowering *l, Ref branch, Ref condition) {
    const IrIns *ins = &l->ir->ins[condition];
    return is_comparison(ins->op) && l->uses[condition] == 1 && ins->next == branch;
}

// LIR branches to the target if the condition holds; IR's second successor is the one for "falsy".
static void lower_branch(Lowering *l, Ref ref, uint32_t block) {
    Ref condition = ir_args(l->ir, ref)[0];
    bool fused = fuses(l, ref, condition);
    VReg a = fused ? NO_VREG : to_register(l, condition);
    LirIns *ins = fused ? append_comparison(l, branches, condition) : append(l, LIR_BRANCH_FALSE, ref);
    if (fused) ins->cc = cond_negate(ins->cc);
    else ins->a = a;
    ins->target = l->number[l->ir->blocks[block].succ[1]];
}

static void lower_return(Lowering *l, Ref ref) {
    VReg a = to_register(l, ir_args(l->ir, ref)[0]);
    append(l, LIR_RETURN, ref)->a = a;
}

static bool is_fused(const Lowering *l, Ref ref) {
    Ref next = l->ir->ins[ref].next;
    return l->ir->ins[next].op == IR_BRANCH && ir_args(l->ir, next)[0] == ref && fuses(l, next, ref);
}

static void lower_ins(Lowering *l, Ref ref, uint32_t block) {
    unsigned op = l->ir->ins[ref].op;
    switch (op) {
    case IR_PARAM:
    case IR_PHI:
    case IR_STATE:
    case IR_CONST: return;
    case IR_ADD:
    case IR_SUB:
    case IR_MUL:
    case IR_DIV:
    case IR_MOD:
        if (l->ir->ins[ref].rep == REP_F64) lower_arithmetic(l, ref);
        else lower_operator(l, ref);
        return;
    case IR_ADD_INT:
    case IR_SUB_INT:
    case IR_MUL_INT:
    case IR_DIV_INT:
    case IR_MOD_INT: lower_arithmetic(l, ref); return;
    case IR_GUARD_INT: lower_guard_int(l, ref); return;
    case IR_GUARD_NUMBER: lower_guard_number(l, ref); return;
    case IR_GUARD_SHAPE: lower_guard_shape(l, ref); return;
    case IR_GUARD_BOUNDS: lower_guard_bounds(l, ref); return;
    case IR_TO_TAGGED:
    case IR_TO_I32:
    case IR_TO_F64: lower_conversion(l, ref); return;
    case IR_LOAD_FIELD:
    case IR_STORE_FIELD: lower_field(l, ref); return;
    case IR_SET_SHAPE: lower_set_shape(l, ref); return;
    case IR_ARRAY_LENGTH: lower_array_length(l, ref); return;
    case IR_LOAD_ELEMENT:
    case IR_STORE_ELEMENT: lower_element(l, ref); return;
    case IR_EQUAL:
    case IR_LESS_THAN:
    case IR_GREATER_THAN:
        if (!is_fused(l, ref)) lower_comparison(l, ref);
        return;
    case IR_NEW_ARRAY: lower_new_array(l, ref); return;
    case IR_LOAD_FUNCTION:
    case IR_LOAD_PROTOTYPE: lower_load(l, ref); return;
    case IR_JUMP: lower_jump(l, ref, block); return;
    case IR_BRANCH: lower_branch(l, ref, block); return;
    case IR_RETURN: lower_return(l, ref); return;
    default: lower_call(l, ref); return;
    }
}

// Blocks.

// All parameters arrive at once, those that nobody reads included.
static void lower_params(Lowering *l) {
    uint32_t num_params = ir_function(l->ir)->num_params;
    Ref *params = arena_array(&l->arena, num_params, sizeof *params);
    IR_EACH(l->ir, 0, ref)
        if (l->ir->ins[ref].op == IR_PARAM) params[l->ir->ins[ref].aux] = ref;
    append(l, LIR_PARAMS, NO_REF)->num_moves = num_params;
    for (uint32_t i = 0; i < num_params; i++) {
        VReg d = params[i] ? vreg_of(l, params[i]) : new_vreg(l);
        append_move(l, (LirMove){.d = d, .s = NO_VREG});
    }
}

static void lower_phi(Lowering *l, Ref ref) {
    Lir *lir = l->lir;
    Rep rep = (Rep)l->ir->ins[ref].rep;
    GROW(lir->phis, lir->num_phis, lir->cap_phis);
    lir->phis[lir->num_phis++] = (LirPhi){.d = vreg_of(l, ref), .first_arg = (uint32_t)lir->num_moves, .rep = rep};
    for (uint32_t i = 0; i < l->ir->ins[ref].num_args; i++)
        append_move(l, to_move_as(l, ir_args(l->ir, ref)[i], rep));
}

static void link_block(Lowering *l, LirBlock *block, const IrBlock *from) {
    Lir *lir = l->lir;
    block->num_successors = from->num_succ;
    for (uint32_t s = 0; s < from->num_succ; s++) block->successors[s] = l->number[from->succ[s]];
    block->first_pred = (uint32_t)lir->num_preds;
    block->num_preds = (uint32_t)from->num_preds;
    for (size_t p = 0; p < from->num_preds; p++) {
        GROW(lir->preds, lir->num_preds, lir->cap_preds);
        lir->preds[lir->num_preds++] = l->number[from->preds[p]];
    }
}

static void lower_block(Lowering *l, uint32_t block) {
    Lir *lir = l->lir;
    LirBlock result = {.start = (uint32_t)lir->num_ins, .first_phi = (uint32_t)lir->num_phis};
    link_block(l, &result, &l->ir->blocks[block]);
    if (block == 0) lower_params(l);
    IR_EACH(l->ir, block, ref)
        if (l->ir->ins[ref].op == IR_PHI) lower_phi(l, ref);
    IR_EACH(l->ir, block, ref) lower_ins(l, ref, block);
    result.end = (uint32_t)lir->num_ins;
    result.num_phis = (uint32_t)lir->num_phis - result.first_phi;
    GROW(lir->blocks, lir->num_blocks, lir->cap_blocks);
    lir->blocks[lir->num_blocks++] = result;
}

static void count_uses(Lowering *l) {
    const Ir *ir = l->ir;
    IR_ALL(ir, ref)
        for (uint32_t i = 0; i < ir->ins[ref].num_args; i++) l->uses[ir_args(ir, ref)[i]]++;
}

void ir_lower(Ir *ir, Lir *lir) {
    ir_split_critical_edges(ir);
    ir_loops(ir);
    *lir = (Lir){.program = ir->program, .function = ir_function(ir)};
    lir->depends_on_prototypes = ir->depends_on_prototypes;
    Lowering l = {.ir = ir, .lir = lir};
    l.vreg = arena_array(&l.arena, ir->num_ins, sizeof *l.vreg);
    l.uses = arena_array(&l.arena, ir->num_ins, sizeof *l.uses);
    l.number = arena_array(&l.arena, ir->num_blocks, sizeof *l.number);
    l.untagged = arena_array(&l.arena, ir->num_ins, sizeof *l.untagged);
    for (size_t i = 0; i < ir->num_ins; i++) l.vreg[i] = NO_VREG;
    for (uint32_t i = 0; i < ir->num_rpo; i++) l.number[ir->order[i]] = i;
    count_uses(&l);
    for (size_t i = 0; i < ir->num_rpo; i++) lower_block(&l, ir->order[i]);
    lir_link_blocks(lir);
    arena_free(&l.arena);
}
