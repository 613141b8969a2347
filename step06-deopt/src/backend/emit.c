// The emitter: one LIR instruction at a time, each virtual register in the location it was given.
//
// Operands may be in registers or in memory. R10 and R11, which the allocator never hands out, help out. Before
// each instruction come the moves that the allocator has put there.
//
// The frame is that of deopt/frame.h; its slots are the spill slots. There are always enough of them for what the
// interpreter would keep in them: a frame can become one of the interpreter in place.
//
// Invariant: rsp does not change between prologue and epilogue, except within a swap of two places in
// memory (parallel_move.c), and is a multiple of 16 at every call.
#include "backend/emit.h"

#include <stdlib.h>

#include "abi/saved.h"
#include "backend/emit_typed.h"
#include "backend/exits.h"
#include "backend/parallel_move.h"
#include "base/fatal.h"
#include "baseline/convention.h"
#include "object/object_emit.h"
#include "object/runtime.h"

static const Reg SCRATCH = R11;

enum { LOOP_ALIGNMENT = 32 }; // of the first instruction of a loop: the decoders fetch so many bytes at once

typedef struct Emitter {
    Assembler *a;
    CodeMarks *marks;
    const Stubs *stubs;
    Vm *vm;
    const Lir *lir;
    const RegisterAllocator *ra;
    DeoptCode *code;
    Label *exits;  // one for each exit
    Label *labels; // one for each block
    Label exit;    // leaves the function with what is in RAX
    Label count;   // it has counted down
    Label few;     // it has been called with fewer arguments than it has parameters
    Label body;    // the parameters are in their places
    ErrorSites errors;
    SlowPaths slow;
    EmitContext context;
    ParallelMove *moves; // room for the longest list of moves
    uint32_t frame_size; // bytes below the saved rbp
    uint32_t block;      // the current one
    uint32_t next_block; // the one whose code comes behind it
    uint32_t *goes_to;   // for each block: itself; or, if it does nothing but jump, where that leads
    uint32_t ins;        // the current instruction
    uint32_t params;     // the PARAMS
    size_t next_move;    // the first of ra->moves that has not been emitted
} Emitter;

// Locations.

static Location location(const Emitter *e, VReg vreg) { return ra_location(e->ra, vreg, e->ins); }
static Mem slot_mem(Location slot) { return frame_slot_mem(slot.index); }
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

static Place place_of(const Emitter *e, Location l) {
    if (l.kind == LOCATION_CONST) return place_imm(e->lir->ins[l.index].imm);
    return is_reg(l) ? place_reg((Reg)l.index) : place_mem(slot_mem(l));
}

static Place place(const Emitter *e, VReg vreg) { return place_of(e, location(e, vreg)); }

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
    if (d.kind == LOCATION_CONST) return; // made where it is read
    bool direct = !is_reg(d) && ins->imm == (int32_t)ins->imm;
    if (direct) {
        asm_mov_mi(e->a, slot_mem(d), (int32_t)ins->imm);
        return;
    }
    Reg reg = result_reg(e, ins->d);
    asm_mov_ri(e->a, reg, ins->imm);
    store(e, ins->d, reg);
}

// If the condition is false, control goes on to the block's first successor.
static void emit_branch(Emitter *e, const LirIns *ins) {
    uint32_t otherwise = e->goes_to[e->lir->blocks[e->block].successors[0]], taken = e->goes_to[ins->target];
    bool closes_loop = otherwise <= e->block; // then that way is the frequent one
    bool inverts = taken == e->next_block || (closes_loop && otherwise != e->next_block);
    Label *target = &e->labels[inverts ? otherwise : taken];
    uint32_t rest = inverts ? taken : otherwise;
    if (is_typed(ins)) {
        Cond cc = inverts ? cond_negate(ins->cc) : ins->cc;
        emit_typed_branch(&e->context, ins->op, cc, place(e, ins->a), operand_place(e, ins->b), target);
    } else if (ins->op == LIR_BRANCH_FALSE) {
        emit_truth_branch(&e->context, place(e, ins->a), inverts, target, ins->pc);
    } else {
        bool sense = is_positive(ins->cc) != inverts;
        emit_compare_and_branch(&e->context, compared_by(ins->cc), place(e, ins->a), operand_place(e, ins->b), sense,
                                target, ins->pc);
    }
    if (rest != e->next_block) asm_jmp(e->a, &e->labels[rest]);
}

static void emit_jump(Emitter *e, const LirIns *ins) {
    uint32_t target = e->goes_to[ins->target];
    if (target != e->next_block) asm_jmp(e->a, &e->labels[target]);
}

static void emit_typed_ins(Emitter *e, const LirIns *ins) {
    TypedOperands o = {.b = operand_place(e, ins->b), .c = operand_place(e, ins->c)};
    if (ins->a != NO_VREG) o.a = place(e, ins->a);
    if (ins->d != NO_VREG) o.d = place(e, ins->d);
    o.has_result = ins->d != NO_VREG;
    if (ins->exit != NO_EXIT) {
        o.exit = &e->exits[ins->exit];
        o.exit_record = &e->code->exits[ins->exit];
    }
    emit_typed(&e->context, ins, &o);
}

// Moves and calls.

// The allocator's own moves before the current instruction: each group at once.
static void emit_ra_moves(Emitter *e) {
    const RaMove *moves = e->ra->moves;
    while (e->next_move < e->ra->num_moves && moves[e->next_move].ins == e->ins) {
        RaMoveGroup group = moves[e->next_move].group;
        uint32_t count = 0;
        for (; e->next_move < e->ra->num_moves; e->next_move++) {
            const RaMove *move = &moves[e->next_move];
            if (move->ins != e->ins || move->group != group) break;
            Place s = move->s.kind == LOCATION_CONST ? place_imm(move->imm) : place_of(e, move->s);
            e->moves[count++] = (ParallelMove){place_of(e, move->d), s};
        }
        parallel_move(e->a, e->moves, count, SCRATCH);
    }
}

static Place source(const Emitter *e, LirMove move) {
    return move.s == NO_VREG ? place_imm(move.imm) : place(e, move.s);
}

// Where argument i of a C function goes.
static Place c_argument(uint32_t i) {
    if (i < NUM_ARG_REGS) return place_reg(arg_regs[i]);
    return place_mem(frame_outgoing_mem(i - NUM_ARG_REGS));
}

static void emit_moves(Emitter *e, const LirIns *ins) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < ins->num_moves; i++) {
        LirMove move = e->lir->moves[ins->first_move + i];
        e->moves[count++] = (ParallelMove){place(e, move.d), source(e, move)};
    }
    parallel_move(e->a, e->moves, count, SCRATCH);
}

// No parameter's place is one that an argument is in, so they are moved one after the other.
static void emit_param(Emitter *e, const LirIns *ins, uint32_t i, Place s) {
    VReg d = e->lir->moves[ins->first_move + i].d;
    if (location(e, d).kind != LOCATION_NONE) parallel_move(e->a, &(ParallelMove){place(e, d), s}, 1, SCRATCH);
}

static void emit_params(Emitter *e, const LirIns *ins) {
    e->params = e->ins;
    if (ins->num_moves == 0) return;
    asm_cmp32_ri(e->a, FRAME_COUNT_REG, (int32_t)ins->num_moves);
    asm_jcc(e->a, CC_B, &e->few);
    for (uint32_t i = 0; i < ins->num_moves; i++) emit_param(e, ins, i, place_mem(frame_argument_mem(i)));
    asm_bind(e->a, &e->body);
}

// There are less arguments than parameters: the others are undefined.
static void emit_few_arguments(Emitter *e) {
    const LirIns *ins = &e->lir->ins[e->params];
    if (ins->op != LIR_PARAMS || ins->num_moves == 0) return;
    e->ins = e->params;
    code_mark(e->marks, e->a, MARK_RARE);
    asm_bind(e->a, &e->few);
    asm_mov_rr(e->a, R10, FRAME_COUNT_REG);
    for (uint32_t i = 0; i < ins->num_moves; i++) emit_param(e, ins, i, place_imm(VALUE_UNDEFINED));
    for (uint32_t i = 0; i < ins->num_moves; i++) {
        asm_cmp32_ri(e->a, R10, (int32_t)i);
        asm_jcc(e->a, CC_E, &e->body);
        emit_param(e, ins, i, place_mem(frame_argument_mem(i)));
    }
}

static void emit_call_arguments(Emitter *e, const LirIns *ins) {
    uint32_t first = call_takes_vm(ins), count = 0;
    for (uint32_t i = 0; i < ins->num_moves; i++) {
        Place d = calls_function(ins) ? place_mem(frame_outgoing_mem(i)) : c_argument(first + i);
        e->moves[count++] = (ParallelMove){d, source(e, e->lir->moves[ins->first_move + i])};
    }
    if (ins->op == LIR_CALL_METHOD) // the inline cache wants the receiver, too
        e->moves[count++] = (ParallelMove){place_reg(RDI), source(e, e->lir->moves[ins->first_move])};
    parallel_move(e->a, e->moves, count, SCRATCH);
    if (first) asm_mov_rr(e->a, RDI, FRAME_VM_REG);
}

static void emit_call_result(Emitter *e, const LirIns *ins) {
    if (e->lir->poison_calls) emit_poison_regs(e->a, ra_clobbers(ins));
    if (ins->d != NO_VREG && location(e, ins->d).kind != LOCATION_NONE) store(e, ins->d, RAX);
}

// Where to note the return address of the current call; NULL if nobody may make it lead elsewhere.
static uint32_t *return_offset(const Emitter *e) {
    uint32_t exit = e->lir->ins[e->ins].exit;
    return exit == NO_EXIT ? NULL : &e->code->exits[exit].return_offset;
}

static void note_return(const Emitter *e) {
    uint32_t *offset = return_offset(e);
    if (offset) *offset = asm_offset(e->a);
}

// Call the Callable in RCX. NO_VALUE leaves this function, too.
static void emit_call_callable(Emitter *e, const LirIns *ins) {
    asm_mov32_ri(e->a, FRAME_COUNT_REG, (int32_t)ins->num_moves);
    asm_call_m(e->a, mem(FRAME_CALLEE_REG, offsetof(Callable, entry)));
    note_return(e);
    asm_test_rr(e->a, RAX, RAX);
    asm_jcc(e->a, CC_E, &e->exit);
}

static void emit_call_c(Emitter *e, NativeCode *function, uint32_t pc) {
    emit_store_top_frame(e->a);
    asm_mov_ri(e->a, RAX, (int64_t)(uintptr_t)function);
    asm_call_r(e->a, RAX);
    note_return(e);
    asm_test_rr(e->a, RAX, RAX);
    emit_error_if(e->a, &e->errors, CC_E, RUN_OK, pc);
}

static const void *callable_of(const Emitter *e, const LirIns *ins) { return &e->vm->callables[ins->target]; }

static void emit_call(Emitter *e, const LirIns *ins) {
    emit_call_arguments(e, ins);
    e->slow.return_offset = ins->op == LIR_CALL_METHOD ? NULL : return_offset(e); // not that of the look-up
    switch (ins->op) {
    case LIR_CALL:
        asm_mov_ri(e->a, FRAME_CALLEE_REG, address_of(callable_of(e, ins)));
        emit_call_callable(e, ins);
        break;
    case LIR_CALL_METHOD:
        emit_find_method(&e->context, ins->pc);
        asm_mov_rr(e->a, FRAME_CALLEE_REG, RAX);
        emit_call_callable(e, ins);
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

static void emit_epilogue(Emitter *e) {
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
    if (is_typed(ins) && !is_branch(ins)) {
        emit_typed_ins(e, ins);
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
    case LIR_BRANCH_I32:
    case LIR_BRANCH_F64:
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

static Needs find_needs(const Lir *lir, const RegisterAllocator *ra) {
    Needs needs = {0};
    for (size_t i = 0, first = 0; i < ra->num_moves; i++) {
        if (ra->moves[i].ins != ra->moves[first].ins || ra->moves[i].group != ra->moves[first].group) first = i;
        if (i - first + 1 > needs.max_moves) needs.max_moves = (uint32_t)(i - first + 1);
    }
    for (size_t i = 0; i < lir->num_ins; i++) {
        const LirIns *ins = &lir->ins[i];
        if (ins->num_moves > needs.max_moves) needs.max_moves = ins->num_moves;
        if (!is_call(ins)) continue;
        needs.calls = true;
        uint32_t arguments = ins->num_moves + call_takes_vm(ins), in_registers = calls_function(ins) ? 0 : NUM_ARG_REGS;
        if (arguments > needs.outgoing_words + in_registers) needs.outgoing_words = arguments - in_registers;
    }
    return needs;
}

// A function that calls nothing cannot recurse. If its frame is small, the reserve that the limit
// keeps is enough for it, and no check is needed.
static bool needs_stack_check(const Emitter *e, const Needs *needs) {
    enum { SMALL_FRAME = 4096 };
    return needs->calls || e->frame_size > SMALL_FRAME;
}

// Spill slots, and at least those of the interpreter's frame.
static uint32_t num_slots(const Emitter *e) {
    uint32_t interpreted = e->lir->function->num_locals + e->lir->function->max_depth;
    return e->ra->num_slots > interpreted ? e->ra->num_slots : interpreted;
}

static void emit_prologue(Emitter *e, const Needs *needs) {
    e->frame_size = frame_size(num_slots(e), needs->outgoing_words);
    code_mark(e->marks, e->a, MARK_PROLOGUE);
    asm_push_r(e->a, RBP);
    asm_mov_rr(e->a, RBP, RSP);
    if (e->code->is_blind) emit_count_call(e->a, &e->count);
    if (needs_stack_check(e, needs)) emit_stack_check(e->a, &e->errors, (int32_t)e->frame_size);
    asm_sub_ri(e->a, RSP, (int32_t)e->frame_size);
    emit_frame_header(e->a, FRAME_OPT, e->code->id);
}

// Where control ends up that comes to a block, as far as is known.
static uint32_t final_target(Emitter *e, uint32_t block) {
    while (e->goes_to[block] != block) block = e->goes_to[block] = e->goes_to[e->goes_to[block]];
    return block;
}

// Blocks that split an edge and turned out not to be needed: a JUMP, and no move before it. Branches lead past
// them. (But not past the last one of a cycle of such blocks: an empty loop stays a loop.)
static void find_empty_blocks(Emitter *e) {
    size_t move = e->ra->num_moves;
    for (uint32_t b = 0; b < e->lir->num_blocks; b++) e->goes_to[b] = b;
    for (uint32_t b = (uint32_t)e->lir->num_blocks; b-- > 0;) {
        const LirBlock *block = &e->lir->blocks[b];
        bool moves = move > 0 && e->ra->moves[move - 1].ins >= block->start;
        while (move > 0 && e->ra->moves[move - 1].ins >= block->start) move--;
        if (b == 0 || moves || block->end - block->start > 1 || e->lir->ins[block->start].op != LIR_JUMP) continue;
        e->goes_to[b] = final_target(e, e->lir->ins[block->start].target);
    }
    for (uint32_t b = 0; b < e->lir->num_blocks; b++) e->goes_to[b] = final_target(e, b);
}

static bool is_empty(const Emitter *e, uint32_t block) { return e->goes_to[block] != block; }

static uint32_t next_emitted(const Emitter *e, uint32_t block) {
    do block++;
    while (block < e->lir->num_blocks && is_empty(e, block));
    return block;
}

static void emit_block(Emitter *e, uint32_t block) {
    if (e->lir->blocks[block].loop == block) asm_align(e->a, LOOP_ALIGNMENT);
    asm_bind(e->a, &e->labels[block]);
    e->block = block;
    e->next_block = next_emitted(e, block);
    uint32_t end = e->lir->blocks[block].end;
    for (uint32_t i = e->lir->blocks[block].start; i < end && !e->a->error; i++) {
        const LirIns *ins = &e->lir->ins[i];
        e->ins = i;
        if (ins->op != LIR_PARAMS) code_mark(e->marks, e->a, (int)ins->pc);
        emit_ra_moves(e);
        emit_ins(e, ins);
    }
}

void lir_emit(Assembler *a, CodeMarks *marks, const Stubs *stubs, Vm *vm, const Lir *lir,
              const RegisterAllocator *ra, DeoptCode *code) {
    Arena arena = {0};
    Needs needs = find_needs(lir, ra);
    Emitter e = {
        .a = a,
        .marks = marks,
        .stubs = stubs,
        .vm = vm,
        .lir = lir,
        .ra = ra,
        .code = code,
        .exits = arena_array(&arena, lir->num_exits, sizeof(Label)),
        .labels = arena_array(&arena, lir->num_blocks, sizeof(Label)),
        .exit = LABEL_INIT,
        .count = LABEL_INIT,
        .few = LABEL_INIT,
        .body = LABEL_INIT,
        .goes_to = arena_array(&arena, lir->num_blocks, sizeof *e.goes_to),
        .moves = arena_array(&arena, needs.max_moves + 1, sizeof(ParallelMove)),
    };
    e.context = (EmitContext){a, stubs, vm, function_index(lir->program, lir->function), &e.errors, &e.slow, NULL};
    for (size_t b = 0; b < lir->num_blocks; b++) e.labels[b] = LABEL_INIT;
    for (size_t i = 0; i < lir->num_exits; i++) e.exits[i] = LABEL_INIT;
    exits_describe(code, lir, ra);
    emit_prologue(&e, &needs);
    find_empty_blocks(&e);
    for (uint32_t b = 0; b < lir->num_blocks; b++)
        if (!is_empty(&e, b)) emit_block(&e, b);
    emit_few_arguments(&e);
    if (code->is_blind) emit_counted_down(a, stubs, &e.count);
    if (e.slow.count) code_mark(marks, a, MARK_SLOW_PATHS);
    emit_slow_paths(&e.context);
    code_mark(marks, a, MARK_ERRORS);
    emit_errors(a, &e.errors, stubs, e.context.function, &e.exit);
    asm_bind(a, &e.exit);
    emit_epilogue(&e);
    if (lir->num_exits) code_mark(marks, a, MARK_EXITS);
    exits_emit(a, lir, ra, e.exits, vm->deopt);
    code->frame_size = e.frame_size;
    slow_paths_free(&e.slow);
    free(e.errors.items);
    arena_free(&arena);
}
