// The emitter: one LIR instruction at a time, each virtual register in the location it was given.
//
// Operands may be in registers or in memory. R10 and R11, which the allocator never hands out, help out.
//
// Frame of a function with S spill slots (addresses fall from top to bottom):
//
//     [rbp+16+8i]  argument 6+i, put there by the caller
//     [rbp+8]      return address
//     [rbp]        the caller's rbp
//     [rbp-8-8k]   spill slot k
//     ...          the callee-saved registers that the function uses, as its caller had them
//     [rsp+8i]     argument 6+i of the functions that this one calls
//
// Invariant: rsp does not change between prologue and epilogue, except within a swap of two places in
// memory (parallel_move.c), and is a multiple of 16 at every call.
#include "backend/emit.h"

#include <stdlib.h>

#include "abi/saved.h"
#include "backend/parallel_move.h"
#include "base/fatal.h"
#include "baseline/convention.h"
#include "object/object_emit.h"
#include "object/runtime.h"

static const Reg SCRATCH = R11;

typedef struct Emitter {
    Assembler *a;
    CodeMarks *marks;
    const Stubs *stubs;
    Vm *vm;
    const Lir *lir;
    const RegisterAllocator *ra;
    Label *labels; // one for each block
    Label exit;    // leaves the function with what is in RAX
    ErrorSites errors;
    SlowPaths slow;
    EmitContext context;
    ParallelMove *moves; // room for the longest list of moves
    uint32_t frame_size; // bytes below the saved rbp
    uint32_t next_block; // the block behind the current one
} Emitter;

// Locations.

static Location location(const Emitter *e, VReg vreg) { return e->ra->locations[vreg]; }
static Mem slot_mem(Location slot) { return mem(RBP, -8 - 8 * (int32_t)slot.index); }
static bool is_reg(Location l) { return l.kind == LOCATION_REG; }

static void load(Emitter *e, Reg d, VReg s) {
    Location l = location(e, s);
    if (!is_reg(l)) asm_mov_rm(e->a, d, slot_mem(l));
    else if ((Reg)l.index != d) asm_mov_rr(e->a, d, (Reg)l.index);
}

static void store(Emitter *e, VReg d, Reg s) {
    Location l = location(e, d);
    if (!is_reg(l)) asm_mov_mr(e->a, slot_mem(l), s);
    else if ((Reg)l.index != s) asm_mov_rr(e->a, (Reg)l.index, s);
}

// The register in which to compute d: its own, or the scratch register if d is in memory.
static Reg result_reg(const Emitter *e, VReg d) {
    Location l = location(e, d);
    return is_reg(l) ? (Reg)l.index : SCRATCH;
}

static Place place(const Emitter *e, VReg vreg) {
    Location l = location(e, vreg);
    return is_reg(l) ? place_reg((Reg)l.index) : place_mem(slot_mem(l));
}

// Operators.

static Place operand_place(const Emitter *e, LirOperand operand) {
    return is_imm(operand) ? place_imm(operand.imm) : place(e, operand.vreg);
}

static void emit_operation(Emitter *e, Operator op, const LirIns *ins) {
    emit_operator(&e->context, op, place(e, ins->d), place(e, ins->a), operand_place(e, ins->b), ins->pc);
}

// The operator that the condition stands for; of a negated one, what is negated.
static Operator compared_by(Cond cc) {
    if (cc == CC_E || cc == CC_NE) return OPERATOR_EQUAL;
    return cc == CC_L || cc == CC_GE ? OPERATOR_LESS_THAN : OPERATOR_GREATER_THAN;
}

static bool is_positive(Cond cc) { return cc == CC_E || cc == CC_L || cc == CC_G; }

static void emit_const(Emitter *e, const LirIns *ins) {
    Location d = location(e, ins->d);
    bool direct = !is_reg(d) && ins->imm == (int32_t)ins->imm;
    if (direct) {
        asm_mov_mi(e->a, slot_mem(d), (int32_t)ins->imm);
        return;
    }
    Reg reg = result_reg(e, ins->d);
    asm_mov_ri(e->a, reg, ins->imm);
    store(e, ins->d, reg);
}

static void emit_branch(Emitter *e, const LirIns *ins) {
    Label *target = &e->labels[ins->target];
    if (ins->op == LIR_BRANCH_FALSE) {
        emit_truth_branch(&e->context, place(e, ins->a), false, target, ins->pc);
        return;
    }
    emit_compare_and_branch(&e->context, compared_by(ins->cc), place(e, ins->a), operand_place(e, ins->b),
                            is_positive(ins->cc), target, ins->pc);
}

static void emit_jump(Emitter *e, const LirIns *ins) {
    if (ins->target != e->next_block) asm_jmp(e->a, &e->labels[ins->target]);
}

// Moves and calls.

static Place source(const Emitter *e, LirMove move) {
    return move.s == NO_VREG ? place_imm(move.imm) : place(e, move.s);
}

// Where the caller leaves argument i, seen from the callee or from the caller.
static Place incoming_argument(uint32_t i) {
    if (i < NUM_ARG_REGS) return place_reg(arg_regs[i]);
    return place_mem(mem(RBP, 16 + 8 * (int32_t)(i - NUM_ARG_REGS)));
}

static Place outgoing_argument(uint32_t i) {
    if (i < NUM_ARG_REGS) return place_reg(arg_regs[i]);
    return place_mem(mem(RSP, 8 * (int32_t)(i - NUM_ARG_REGS)));
}

static void emit_moves(Emitter *e, const LirIns *ins) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < ins->num_moves; i++) {
        LirMove move = e->lir->moves[ins->first_move + i];
        e->moves[count++] = (ParallelMove){place(e, move.d), source(e, move)};
    }
    parallel_move(e->a, e->moves, count, SCRATCH);
}

static void emit_params(Emitter *e, const LirIns *ins) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < ins->num_moves; i++) {
        VReg d = e->lir->moves[ins->first_move + i].d;
        if (location(e, d).kind != LOCATION_NONE)
            e->moves[count++] = (ParallelMove){place(e, d), incoming_argument(i)};
    }
    parallel_move(e->a, e->moves, count, SCRATCH);
}

static void emit_call_arguments(Emitter *e, const LirIns *ins) {
    uint32_t first = call_takes_vm(ins);
    for (uint32_t i = 0; i < ins->num_moves; i++)
        e->moves[i] = (ParallelMove){outgoing_argument(first + i), source(e, e->lir->moves[ins->first_move + i])};
    parallel_move(e->a, e->moves, ins->num_moves, SCRATCH);
    if (first) asm_mov_ri(e->a, RDI, address_of(e->vm));
}

static void emit_call_result(Emitter *e, const LirIns *ins) {
    if (e->lir->poison_calls) emit_poison_caller_saved(e->a);
    if (ins->d != NO_VREG && location(e, ins->d).kind != LOCATION_NONE) store(e, ins->d, RAX);
}

// Call the Callable in RAX. NO_VALUE leaves this function, too.
static void emit_call_callable(Emitter *e) {
    asm_call_m(e->a, mem(RAX, offsetof(Callable, entry)));
    asm_test_rr(e->a, RAX, RAX);
    asm_jcc(e->a, CC_E, &e->exit);
}

static void emit_call_c(Emitter *e, NativeCode *function, uint32_t pc) {
    asm_mov_ri(e->a, RAX, (int64_t)(uintptr_t)function);
    asm_call_r(e->a, RAX);
    asm_test_rr(e->a, RAX, RAX);
    emit_error_if(e->a, &e->errors, CC_E, RUN_OK, pc);
}

static const void *callable_of(const Emitter *e, const LirIns *ins) { return &e->vm->callables[ins->target]; }

static void emit_call(Emitter *e, const LirIns *ins) {
    emit_call_arguments(e, ins);
    switch (ins->op) {
    case LIR_CALL:
        asm_mov_ri(e->a, RAX, address_of(callable_of(e, ins)));
        emit_call_callable(e);
        break;
    case LIR_CALL_METHOD:
        emit_find_method(&e->context, ins->pc);
        emit_call_callable(e);
        break;
    case LIR_CALL_NATIVE: emit_call_c(e, e->lir->program->natives[ins->target].code, ins->pc); break;
    case LIR_GET_PROPERTY: emit_get_property(&e->context, ins->pc); break;
    case LIR_SET_PROPERTY: emit_set_property(&e->context, ins->pc); break;
    case LIR_DELETE_PROPERTY:
        asm_mov_ri(e->a, RDX, ins->imm);
        emit_call_c(e, (NativeCode *)(uintptr_t)runtime_delete_property, ins->pc);
        break;
    case LIR_NEW_OBJECT:
        asm_mov_ri(e->a, RSI, ins->target);
        emit_call_c(e, (NativeCode *)(uintptr_t)runtime_new_object, ins->pc);
        break;
    case LIR_SET_PROTOTYPE: emit_call_c(e, (NativeCode *)(uintptr_t)runtime_set_prototype, ins->pc); break;
    case LIR_NEW_ARRAY:
        asm_mov_ri(e->a, RSI, ins->imm);
        emit_call_c(e, (NativeCode *)(uintptr_t)runtime_new_array_of, ins->pc);
        break;
    case LIR_GET_INDEX: emit_get_index(&e->context, ins->pc); break;
    case LIR_SET_INDEX: emit_set_index(&e->context, ins->pc); break;
    case LIR_LENGTH: emit_length(&e->context, ins->pc); break;
    default: fatal("LIR operation %d is no call", (int)ins->op);
    }
    emit_call_result(e, ins);
}

static void emit_address(Emitter *e, const LirIns *ins, const void *object) {
    Reg d = result_reg(e, ins->d);
    asm_mov_ri(e->a, d, address_of(object));
    store(e, ins->d, d);
}

// Where the caller's values of the registers to save lie: below the spill slots.
static Mem saved_regs(const Emitter *e) {
    return mem(RBP, -8 * (int32_t)(e->ra->num_slots + count_regs(e->ra->to_save)));
}

static void emit_epilogue(Emitter *e) {
    emit_restore_regs(e->a, e->ra->to_save, saved_regs(e));
    asm_leave(e->a);
    asm_ret(e->a);
}

static void emit_return(Emitter *e, const LirIns *ins) {
    load(e, RAX, ins->a);
    emit_epilogue(e);
}

static void emit_ins(Emitter *e, const LirIns *ins) {
    if (is_call(ins)) {
        emit_call(e, ins);
        return;
    }
    switch (ins->op) {
    case LIR_PARAMS: emit_params(e, ins); return;
    case LIR_CONST: emit_const(e, ins); return;
    case LIR_MOVES: emit_moves(e, ins); return;
    case LIR_ADD: emit_operation(e, OPERATOR_ADD, ins); return;
    case LIR_SUB: emit_operation(e, OPERATOR_SUB, ins); return;
    case LIR_MUL: emit_operation(e, OPERATOR_MUL, ins); return;
    case LIR_DIV: emit_operation(e, OPERATOR_DIV, ins); return;
    case LIR_REM: emit_operation(e, OPERATOR_MOD, ins); return;
    case LIR_COMPARE: emit_operation(e, compared_by(ins->cc), ins); return;
    case LIR_BRANCH:
    case LIR_BRANCH_FALSE: emit_branch(e, ins); return;
    case LIR_JUMP: emit_jump(e, ins); return;
    case LIR_RETURN: emit_return(e, ins); return;
    case LIR_FUNCTION: emit_address(e, ins, callable_of(e, ins)); return;
    case LIR_PROTOTYPE: emit_address(e, ins, e->vm->classes[ins->target].prototype); return;
    default: fatal("LIR operation %d", (int)ins->op);
    }
}

// Frame.

// What the function's instructions ask for, found in one walk.
typedef struct Needs {
    bool calls;
    uint32_t max_moves, outgoing_words;
} Needs;

static Needs find_needs(const Lir *lir) {
    Needs needs = {0};
    for (size_t i = 0; i < lir->num_ins; i++) {
        const LirIns *ins = &lir->ins[i];
        if (ins->num_moves > needs.max_moves) needs.max_moves = ins->num_moves;
        if (!is_call(ins)) continue;
        needs.calls = true;
        uint32_t arguments = ins->num_moves + call_takes_vm(ins);
        if (arguments > needs.outgoing_words + NUM_ARG_REGS) needs.outgoing_words = arguments - NUM_ARG_REGS;
    }
    return needs;
}

// A function that calls nothing cannot recurse. If its frame is small, the reserve that the limit
// keeps is enough for it, and no check is needed.
static bool needs_stack_check(const Emitter *e, const Needs *needs) {
    enum { SMALL_FRAME = 4096 };
    return needs->calls || e->frame_size > SMALL_FRAME;
}

static void emit_prologue(Emitter *e, const Needs *needs) {
    e->frame_size = (8 * (e->ra->num_slots + count_regs(e->ra->to_save) + needs->outgoing_words) + 15) & ~15u;
    code_mark(e->marks, e->a, MARK_PROLOGUE);
    asm_push_r(e->a, RBP);
    asm_mov_rr(e->a, RBP, RSP);
    if (needs_stack_check(e, needs)) emit_stack_check(e->a, &e->errors, e->vm, (int32_t)e->frame_size);
    if (e->frame_size) asm_sub_ri(e->a, RSP, (int32_t)e->frame_size);
    emit_save_regs(e->a, e->ra->to_save, saved_regs(e));
}

static void emit_block(Emitter *e, uint32_t block) {
    asm_bind(e->a, &e->labels[block]);
    e->next_block = block + 1;
    uint32_t end = e->lir->blocks[block].end;
    for (uint32_t i = e->lir->blocks[block].start; i < end && !e->a->error; i++) {
        const LirIns *ins = &e->lir->ins[i];
        if (ins->op != LIR_PARAMS) code_mark(e->marks, e->a, (int)ins->pc);
        emit_ins(e, ins);
    }
}

void lir_emit(Assembler *a, CodeMarks *marks, const Stubs *stubs, Vm *vm, const Lir *lir,
              const RegisterAllocator *ra) {
    Arena arena = {0};
    Needs needs = find_needs(lir);
    Emitter e = {
        .a = a,
        .marks = marks,
        .stubs = stubs,
        .vm = vm,
        .lir = lir,
        .ra = ra,
        .labels = arena_array(&arena, lir->num_blocks, sizeof(Label)),
        .exit = LABEL_INIT,
        .moves = arena_array(&arena, needs.max_moves, sizeof(ParallelMove)),
    };
    e.context = (EmitContext){a, stubs, vm, function_index(lir->program, lir->function), &e.errors, &e.slow};
    for (size_t b = 0; b < lir->num_blocks; b++) e.labels[b] = LABEL_INIT;
    emit_prologue(&e, &needs);
    for (uint32_t b = 0; b < lir->num_blocks; b++) emit_block(&e, b);
    if (e.slow.count) code_mark(marks, a, MARK_SLOW_PATHS);
    emit_slow_paths(&e.context);
    code_mark(marks, a, MARK_ERRORS);
    emit_errors(a, &e.errors, stubs, e.context.function, &e.exit);
    asm_bind(a, &e.exit);
    emit_epilogue(&e);
    slow_paths_free(&e.slow);
    free(e.errors.items);
    arena_free(&arena);
}
