// The emitter: one LIR instruction at a time, each virtual register in the location it was given.
//
// x86-64 instructions have two operands, and the first is both read and written; LIR instructions
// have three. Where the destination is not already the first operand, a MOV goes before. At most one
// operand may be in memory; R11, which the allocator never hands out, helps out.
//
// Frame of a function with S spill slots (addresses fall from top to bottom):
//
//     [rbp+16+8i]  argument 6+i, put there by the caller
//     [rbp+8]      return address
//     [rbp]        the caller's rbp
//     [rbp-8-8k]   spill slot k
//     [rsp+8i]     argument 6+i of the functions that this one calls
//
// Invariant: rsp does not change between prologue and epilogue, except within a swap of two places in
// memory (parallel_move.c), and is a multiple of 16 at every call.
#include "backend/emit.h"

#include <stdlib.h>

#include "backend/parallel_move.h"
#include "base/fatal.h"
#include "baseline/convention.h"

static const Reg SCRATCH = R11;

typedef struct Emitter {
    Assembler *a;
    CodeMarks *marks;
    const Stubs *stubs;
    Vm *vm;
    const Lir *lir;
    const RegisterAllocator *ra;
    Label *labels; // one for each block
    ErrorSites errors;
    ParallelMove *moves; // room for the longest list of moves
    uint32_t frame_size; // bytes below the saved rbp
    uint32_t next_block; // the block behind the current one
} Emitter;

// Locations.

static Location location(const Emitter *e, VReg vreg) { return e->ra->locations[vreg]; }
static Mem slot_mem(Location slot) { return mem(RBP, -8 - 8 * (int32_t)slot.index); }
static bool is_reg(Location l) { return l.kind == LOCATION_REG; }

static bool vreg_is_in(const Emitter *e, VReg vreg, Reg reg) {
    return vreg != NO_VREG && same_location(location(e, vreg), in_reg(reg));
}

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

// The register that holds s, loaded into `fallback` if s is in memory.
static Reg operand_reg(Emitter *e, VReg s, Reg fallback) {
    Location l = location(e, s);
    if (is_reg(l)) return (Reg)l.index;
    asm_mov_rm(e->a, fallback, slot_mem(l));
    return fallback;
}

static void swap_operands(LirIns *ins) {
    VReg a = ins->a;
    ins->a = ins->b.vreg;
    ins->b.vreg = a;
}

// Arithmetic.

// d <- d op b, for each kind of operand that b can be.
typedef struct TwoAddressForms {
    void (*rr)(Assembler *, Reg, Reg);
    void (*rm)(Assembler *, Reg, Mem);
    void (*ri)(Assembler *, Reg, int32_t);
} TwoAddressForms;

static void emit_imul_ri(Assembler *a, Reg d, int32_t imm) { asm_imul_rri(a, d, d, imm); }

static const TwoAddressForms add_forms = {asm_add_rr, asm_add_rm, asm_add_ri};
static const TwoAddressForms sub_forms = {asm_sub_rr, asm_sub_rm, asm_sub_ri};
static const TwoAddressForms mul_forms = {asm_imul_rr, asm_imul_rm, emit_imul_ri};

static void emit_operand(Emitter *e, const TwoAddressForms *forms, Reg d, LirOperand b) {
    if (is_imm(b)) {
        forms->ri(e->a, d, b.imm);
    } else if (is_reg(location(e, b.vreg))) {
        forms->rr(e->a, d, (Reg)location(e, b.vreg).index);
    } else {
        forms->rm(e->a, d, slot_mem(location(e, b.vreg)));
    }
}

static void emit_two_address(Emitter *e, LirIns ins, const TwoAddressForms *forms) {
    Reg d = result_reg(e, ins.d);
    if (vreg_is_in(e, ins.b.vreg, d)) swap_operands(&ins);
    load(e, d, ins.a);
    emit_operand(e, forms, d, ins.b);
    store(e, ins.d, d);
}

// LEA adds two registers, or a register and a constant, into a third.
static bool emit_lea(Emitter *e, const LirIns *ins) {
    Location d = location(e, ins->d), a = location(e, ins->a);
    if (!is_reg(d) || !is_reg(a) || same_location(d, a)) return false;
    if (is_imm(ins->b)) {
        asm_lea_rm(e->a, (Reg)d.index, mem((Reg)a.index, ins->b.imm));
        return true;
    }
    Location b = location(e, ins->b.vreg);
    if (!is_reg(b) || same_location(d, b)) return false;
    asm_lea_rm(e->a, (Reg)d.index, mem_index((Reg)a.index, (Reg)b.index, 1, 0));
    return true;
}

static void emit_add(Emitter *e, const LirIns *ins) {
    if (!emit_lea(e, ins)) emit_two_address(e, *ins, &add_forms);
}

// If only b is in d's register ("x = 5 - x"), it must not be overwritten with a: d = -b + a.
static void emit_sub(Emitter *e, const LirIns *ins) {
    Reg d = result_reg(e, ins->d);
    if (!vreg_is_in(e, ins->b.vreg, d) || vreg_is_in(e, ins->a, d)) {
        emit_two_address(e, *ins, &sub_forms);
        return;
    }
    asm_neg_r(e->a, d);
    emit_operand(e, &add_forms, d, (LirOperand){ins->a, 0});
}

static unsigned log2_of(int32_t power) { return (unsigned)__builtin_ctz((unsigned)power); }
static bool is_power_of_two(int32_t n) { return n > 0 && (n & (n - 1)) == 0; }

// Cheaper ways to multiply by a constant: LEA computes a + a * 2, 4 or 8, a shift any power of two.
static bool emit_mul_by_constant(Emitter *e, const LirIns *ins) {
    if (!is_imm(ins->b)) return false;
    int32_t factor = ins->b.imm;
    bool by_lea = factor == 3 || factor == 5 || factor == 9;
    if (!by_lea && !is_power_of_two(factor)) return false;
    Reg d = result_reg(e, ins->d);
    if (by_lea) {
        Reg a = operand_reg(e, ins->a, SCRATCH);
        asm_lea_rm(e->a, d, mem_index(a, a, factor - 1, 0));
    } else {
        load(e, d, ins->a);
        if (factor > 1) asm_shl_ri(e->a, d, log2_of(factor));
    }
    store(e, ins->d, d);
    return true;
}

static void emit_mul(Emitter *e, const LirIns *ins) {
    if (!emit_mul_by_constant(e, ins)) emit_two_address(e, *ins, &mul_forms);
}

// An arithmetic shift rounds down, a division towards zero: the two differ for negative dividends, to
// which 2^k - 1 is added first (Warren, "Hacker's Delight", 2nd ed., section 10-1).
static void emit_div_by_power_of_two(Emitter *e, const LirIns *ins) {
    unsigned k = log2_of(ins->b.imm);
    load(e, SCRATCH, ins->a);
    if (k > 1) asm_sar_ri(e->a, SCRATCH, 63);
    asm_shr_ri(e->a, SCRATCH, 64 - k);
    emit_operand(e, &add_forms, SCRATCH, (LirOperand){ins->a, 0});
    if (ins->op == LIR_DIV) {
        asm_sar_ri(e->a, SCRATCH, k);
    } else { // a minus the multiple of 2^k that it was rounded to
        asm_and_ri(e->a, SCRATCH, -ins->b.imm);
        asm_neg_r(e->a, SCRATCH);
        emit_operand(e, &add_forms, SCRATCH, (LirOperand){ins->a, 0});
    }
    store(e, ins->d, SCRATCH);
}

// The allocator keeps RAX and RDX free of everything that lives on, and of b.
static void emit_div(Emitter *e, const LirIns *ins) {
    if (divides_by_power_of_two(ins)) {
        emit_div_by_power_of_two(e, ins);
        return;
    }
    bool needs_checks = !is_imm(ins->b) || ins->b.imm == 0 || ins->b.imm == -1;
    Reg divisor = SCRATCH;
    if (is_imm(ins->b)) asm_mov_ri(e->a, SCRATCH, ins->b.imm);
    else divisor = operand_reg(e, ins->b.vreg, SCRATCH);
    load(e, RAX, ins->a);
    if (needs_checks) {
        if (ins->op == LIR_REM) asm_mov_ri(e->a, RDX, 0); // the remainder where NEG divides by -1
        emit_divide(e->a, &e->errors, divisor, ins->pc);
    } else {
        asm_cqo(e->a);
        asm_idiv_r(e->a, divisor);
    }
    store(e, ins->d, ins->op == LIR_DIV ? RAX : RDX);
}

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

// Comparison.

static void emit_cmp(Emitter *e, const LirIns *ins) {
    Location a = location(e, ins->a);
    if (is_imm(ins->b) && ins->b.imm == 0 && is_reg(a)) {
        asm_test_rr(e->a, (Reg)a.index, (Reg)a.index);
    } else if (is_imm(ins->b) && !is_reg(a)) {
        asm_cmp_mi(e->a, slot_mem(a), ins->b.imm);
    } else {
        static const TwoAddressForms cmp_forms = {asm_cmp_rr, asm_cmp_rm, asm_cmp_ri};
        emit_operand(e, &cmp_forms, operand_reg(e, ins->a, SCRATCH), ins->b);
    }
}

static void emit_compare(Emitter *e, const LirIns *ins) {
    emit_cmp(e, ins);
    Reg d = result_reg(e, ins->d);
    asm_setcc_r(e->a, ins->cc, d);
    asm_movzx8_rr(e->a, d, d);
    store(e, ins->d, d);
}

static void emit_branch(Emitter *e, const LirIns *ins) {
    if (ins->target == e->next_block) return; // both ways lead there
    emit_cmp(e, ins);
    asm_jcc(e->a, ins->cc, &e->labels[ins->target]);
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
    for (uint32_t i = 0; i < ins->num_moves; i++)
        e->moves[i] = (ParallelMove){outgoing_argument(i), source(e, e->lir->moves[ins->first_move + i])};
    parallel_move(e->a, e->moves, ins->num_moves, SCRATCH);
}

static void emit_call(Emitter *e, const LirIns *ins) {
    emit_call_arguments(e, ins);
    asm_mov_ri(e->a, RAX, address_of(&e->vm->callables[ins->target]));
    asm_call_m(e->a, mem(RAX, offsetof(Callable, entry)));
    store(e, ins->d, RAX);
}

static void emit_return(Emitter *e, const LirIns *ins) {
    load(e, RAX, ins->a);
    asm_leave(e->a);
    asm_ret(e->a);
}

static void emit_ins(Emitter *e, const LirIns *ins) {
    switch (ins->op) {
    case LIR_PARAMS: emit_params(e, ins); return;
    case LIR_CONST: emit_const(e, ins); return;
    case LIR_MOVES: emit_moves(e, ins); return;
    case LIR_ADD: emit_add(e, ins); return;
    case LIR_SUB: emit_sub(e, ins); return;
    case LIR_MUL: emit_mul(e, ins); return;
    case LIR_DIV:
    case LIR_REM: emit_div(e, ins); return;
    case LIR_COMPARE: emit_compare(e, ins); return;
    case LIR_BRANCH: emit_branch(e, ins); return;
    case LIR_JUMP: emit_jump(e, ins); return;
    case LIR_CALL: emit_call(e, ins); return;
    case LIR_RETURN: emit_return(e, ins); return;
    case NUM_LIR_OPS: break;
    }
    fatal("LIR operation %d", (int)ins->op);
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
        if (ins->num_moves > needs.outgoing_words + NUM_ARG_REGS) needs.outgoing_words = ins->num_moves - NUM_ARG_REGS;
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
    e->frame_size = (8 * (e->ra->num_slots + needs->outgoing_words) + 15) & ~15u;
    code_mark(e->marks, e->a, MARK_PROLOGUE);
    asm_push_r(e->a, RBP);
    asm_mov_rr(e->a, RBP, RSP);
    if (needs_stack_check(e, needs)) emit_stack_check(e->a, &e->errors, e->vm, (int32_t)e->frame_size);
    if (e->frame_size) asm_sub_ri(e->a, RSP, (int32_t)e->frame_size);
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
        .moves = arena_array(&arena, needs.max_moves, sizeof(ParallelMove)),
    };
    for (size_t b = 0; b < lir->num_blocks; b++) e.labels[b] = LABEL_INIT;
    emit_prologue(&e, &needs);
    for (uint32_t b = 0; b < lir->num_blocks; b++) emit_block(&e, b);
    code_mark(marks, a, MARK_ERRORS);
    emit_errors(a, &e.errors, stubs, function_index(lir->program, lir->function));
    free(e.errors.items);
    arena_free(&arena);
}
