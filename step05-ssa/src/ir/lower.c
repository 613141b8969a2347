// From IR to LIR: one virtual register for each value, one instruction for each instruction.
//
// Blocks keep the order of ir_loops: what dominates comes first, and a loop lies together. Two things are
// not one to one:
//   - a constant has no place of its own: it is written into whatever uses it, or loaded just before;
//   - a comparison right before the branch that is the only one to ask for it becomes the branch's
//     condition, and true and false are never made.
#include "ir/lower.h"

#include "base/fatal.h"

typedef struct Lowering {
    Ir *ir;
    Lir *lir;
    VReg *vreg;        // of each instruction, or NO_VREG
    uint32_t *uses;    // how many operands name it
    uint32_t *number;  // of each block: its place in the order
    Arena arena;
} Lowering;

static VReg new_vreg(Lowering *l) { return l->lir->num_vregs++; }

// The register of a value; constants have none. A phi's may be asked for before it is reached.
static VReg vreg_of(Lowering *l, Ref ref) {
    if (l->vreg[ref] == NO_VREG) l->vreg[ref] = new_vreg(l);
    return l->vreg[ref];
}

static LirIns *append(Lowering *l, LirOp op, Ref ref) {
    Lir *lir = l->lir;
    GROW(lir->ins, lir->num_ins, lir->cap_ins);
    LirIns *ins = &lir->ins[lir->num_ins++];
    uint32_t pc = l->ir->ins[ref].pc;
    *ins = (LirIns){.op = op, .d = NO_VREG, .a = NO_VREG, .b = {.vreg = NO_VREG}, .pc = pc == NO_PC ? 0 : pc};
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

// A value as the source of a move, or as an argument.
static LirMove to_move(Lowering *l, Ref ref) {
    if (is_const(l, ref)) return (LirMove){.d = NO_VREG, .s = NO_VREG, .imm = l->ir->ins[ref].imm};
    return (LirMove){.d = NO_VREG, .s = vreg_of(l, ref)};
}

// A value as an operand that may be a constant.
static LirOperand to_operand(Lowering *l, Ref ref) {
    if (is_const(l, ref)) return (LirOperand){NO_VREG, l->ir->ins[ref].imm};
    return (LirOperand){vreg_of(l, ref), 0};
}

// A value in a register; a constant is loaded into one of its own for this use.
static VReg to_register(Lowering *l, Ref ref) {
    if (!is_const(l, ref)) return vreg_of(l, ref);
    VReg d = new_vreg(l);
    LirIns *ins = append(l, LIR_CONST, ref);
    ins->d = d;
    ins->imm = l->ir->ins[ref].imm;
    return d;
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
    if (is_comparison(op)) ins->cc = condition_of(op);
    ins->a = a;
    ins->b = b;
    ins->d = d;
}

static void lower_call(Lowering *l, Ref ref) {
    const IrIns *from = &l->ir->ins[ref];
    LirIns *ins = append(l, lir_ops[from->op], ref);
    ins->num_moves = from->num_args;
    ins->target = from->aux;
    ins->imm = from->imm;
    if (ir_has_result(l->ir, ref)) ins->d = vreg_of(l, ref);
    for (uint32_t i = 0; i < from->num_args; i++) append_move(l, to_move(l, ir_args(l->ir, ref)[i]));
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
    VReg a = to_register(l, fused ? ir_args(l->ir, condition)[0] : condition);
    LirOperand b = fused ? to_operand(l, ir_args(l->ir, condition)[1]) : (LirOperand){NO_VREG, 0};
    LirIns *ins = append(l, fused ? LIR_BRANCH : LIR_BRANCH_FALSE, fused ? condition : ref);
    ins->a = a;
    ins->b = b;
    if (fused) ins->cc = cond_negate(condition_of(l->ir->ins[condition].op));
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
    case IR_CONST: return;
    case IR_ADD:
    case IR_SUB:
    case IR_MUL:
    case IR_DIV:
    case IR_MOD: lower_operator(l, ref); return;
    case IR_EQUAL:
    case IR_LESS_THAN:
    case IR_GREATER_THAN:
        if (!is_fused(l, ref)) lower_operator(l, ref);
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
    GROW(lir->phis, lir->num_phis, lir->cap_phis);
    lir->phis[lir->num_phis++] = (LirPhi){.d = vreg_of(l, ref), .first_arg = (uint32_t)lir->num_moves};
    for (uint32_t i = 0; i < l->ir->ins[ref].num_args; i++) append_move(l, to_move(l, ir_args(l->ir, ref)[i]));
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
    Lowering l = {.ir = ir, .lir = lir};
    l.vreg = arena_array(&l.arena, ir->num_ins, sizeof *l.vreg);
    l.uses = arena_array(&l.arena, ir->num_ins, sizeof *l.uses);
    l.number = arena_array(&l.arena, ir->num_blocks, sizeof *l.number);
    for (size_t i = 0; i < ir->num_ins; i++) l.vreg[i] = NO_VREG;
    for (uint32_t i = 0; i < ir->num_rpo; i++) l.number[ir->order[i]] = i;
    count_uses(&l);
    for (size_t i = 0; i < ir->num_rpo; i++) lower_block(&l, ir->order[i]);
    lir_link_blocks(lir);
    arena_free(&l.arena);
}
