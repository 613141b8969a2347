// The operators in machine code.
//
// An integer is its payload shifted left by 32, plus the tag 1. So with a = (x << 32) + 1 and
// b = (y << 32) + 1, in 64-bit arithmetic:
//     add    (a - 1) + b            is (x + y << 32) + 1, and overflows just if x + y does not fit 32 bits
//     sub    a - b + 1              likewise
//     mul    (a >> 32) * (b - 1) + 1
//     less   a < b                  is x < y, for the tags are equal
// and a & b & 1 tells whether both are integers.
#include "object/operator_emit.h"

#include <stdlib.h>

#include "base/fatal.h"

static const Reg SCRATCH = R10, SCRATCH2 = R11;

// Slow paths.

SlowPath *slow_path_new(EmitContext *e, uint32_t pc) {
    SlowPaths *slow = e->slow;
    GROW(slow->items, slow->count, slow->capacity);
    SlowPath *path = xcalloc(1, sizeof *path);
    path->label = path->back = LABEL_INIT;
    path->pc = pc;
    path->return_offset = slow->return_offset;
    return slow->items[slow->count++] = path;
}

void slow_paths_free(SlowPaths *slow) {
    for (size_t i = 0; i < slow->count; i++) free(slow->items[i]);
    free(slow->items);
    *slow = (SlowPaths){0};
}

static void emit_push_place(Assembler *a, Place place) {
    if (place.kind == PLACE_REG) asm_push_r(a, place.reg);
    else if (place.kind == PLACE_MEM) asm_push_m(a, place.mem);
    else if (place.imm == (int32_t)place.imm) asm_push_i(a, (int32_t)place.imm);
    else {
        asm_mov_ri(a, SCRATCH, place.imm);
        asm_push_r(a, SCRATCH);
    }
}

// R10 = where to record what the operands are.
static void emit_feedback_address(EmitContext *e, uint32_t pc) {
    asm_mov_ri(e->a, SCRATCH, e->feedback ? address_of(&e->feedback[pc]) : 0);
}

// The operator stub keeps every register but R10 and R11, which holds the result.
static void emit_slow_operator(EmitContext *e, SlowPath *path) {
    emit_push_place(e->a, path->b);
    emit_push_place(e->a, path->a);
    emit_feedback_address(e, path->pc);
    asm_mov_ri(e->a, SCRATCH2, path->op);
    asm_call_abs(e->a, e->stubs->operate);
    asm_test_rr(e->a, SCRATCH2, SCRATCH2);
    emit_error_if(e->a, e->errors, CC_E, RUN_OK, path->pc);
    if (path->kind == SLOW_OPERATOR) {
        if (path->d.kind == PLACE_REG) asm_mov_rr(e->a, path->d.reg, SCRATCH2);
        else asm_mov_mr(e->a, path->d.mem, SCRATCH2);
        asm_jmp(e->a, &path->back);
        return;
    }
    asm_cmp_ri(e->a, SCRATCH2, VALUE_TRUE);
    asm_jcc(e->a, path->sense ? CC_E : CC_NE, path->target);
    asm_jmp(e->a, &path->back);
}

static void emit_slow_stub(EmitContext *e, SlowPath *path) {
    if (path->kind == SLOW_ELEMENT) emit_feedback_address(e, path->pc);
    asm_call_abs(e->a, path->stub);
    if (path->return_offset) *path->return_offset = asm_offset(e->a);
    asm_test_rr(e->a, RAX, RAX);
    emit_error_if(e->a, e->errors, CC_E, RUN_OK, path->pc);
    asm_jmp(e->a, &path->back);
}

// The number stub keeps every register but R11: there it takes the bits of a double, and leaves the value.
static void emit_slow_number(EmitContext *e, SlowPath *path) {
    asm_movq_rx(e->a, SCRATCH2, XMM0);
    asm_call_abs(e->a, e->stubs->number);
    asm_test_rr(e->a, SCRATCH2, SCRATCH2);
    emit_error_if(e->a, e->errors, CC_E, RUN_OK, path->pc);
    if (path->d.kind == PLACE_REG) asm_mov_rr(e->a, path->d.reg, SCRATCH2);
    else asm_mov_mr(e->a, path->d.mem, SCRATCH2);
    asm_jmp(e->a, &path->back);
}

void emit_slow_paths(EmitContext *e) {
    for (size_t i = 0; i < e->slow->count && !e->a->error; i++) {
        SlowPath *path = e->slow->items[i];
        asm_bind(e->a, &path->label);
        if (e->feedback) asm_mov32_mi(e->a, frame_mem(FRAME_INFO), (int32_t)path->pc);
        if (path->kind == SLOW_STUB || path->kind == SLOW_ELEMENT) emit_slow_stub(e, path);
        else if (path->kind == SLOW_NUMBER) emit_slow_number(e, path);
        else emit_slow_operator(e, path);
    }
}

// Operands.

static bool is_int_constant(Place place) { return place.kind == PLACE_IMM && value_is_int((Value)place.imm); }
static bool is_constant(Place place) { return place.kind == PLACE_IMM; }

// A small integer as an operand's constant, or 0.
static int32_t int_constant(Place place) { return is_int_constant(place) ? value_to_int((Value)place.imm) : 0; }

static void emit_load(Assembler *a, Reg d, Place s) {
    if (s.kind == PLACE_MEM) asm_mov_rm(a, d, s.mem);
    else if (s.kind == PLACE_IMM) asm_mov_ri(a, d, s.imm);
    else if (s.reg != d) asm_mov_rr(a, d, s.reg);
}

static void emit_store(Assembler *a, Place d, Reg s) {
    if (d.kind == PLACE_MEM) asm_mov_mr(a, d.mem, s);
    else if (d.reg != s) asm_mov_rr(a, d.reg, s);
}

static void emit_test_tag(Assembler *a, Place place) {
    if (place.kind == PLACE_REG) asm_test8_ri(a, place.reg, TAG_INT);
    else asm_test8_mi(a, place.mem, TAG_INT);
}

// To the slow path unless both are integers.
static void emit_check_ints(Assembler *a, Place l, Place r, Label *slow) {
    if (is_constant(l) || is_constant(r) || same_place(l, r)) {
        emit_test_tag(a, is_constant(l) ? r : l);
    } else {
        emit_load(a, SCRATCH, l);
        if (r.kind == PLACE_REG) asm_and32_rr(a, SCRATCH, r.reg);
        else asm_and32_rm(a, SCRATCH, r.mem);
        asm_test8_ri(a, SCRATCH, TAG_INT);
    }
    asm_jcc(a, CC_E, slow);
}

// d op= s, where d is SCRATCH.
static void emit_add_place(Assembler *a, Place s) {
    if (s.kind == PLACE_REG) asm_add_rr(a, SCRATCH, s.reg);
    else if (s.kind == PLACE_MEM) asm_add_rm(a, SCRATCH, s.mem);
    else {
        asm_mov_ri(a, SCRATCH2, s.imm);
        asm_add_rr(a, SCRATCH, SCRATCH2);
    }
}

static void emit_sub_place(Assembler *a, Place s) {
    if (s.kind == PLACE_REG) asm_sub_rr(a, SCRATCH, s.reg);
    else if (s.kind == PLACE_MEM) asm_sub_rm(a, SCRATCH, s.mem);
    else {
        asm_mov_ri(a, SCRATCH2, s.imm);
        asm_sub_rr(a, SCRATCH, SCRATCH2);
    }
}

// SCRATCH is (result << 32); the tag is added on the way to d.
static void emit_tag(Assembler *a, Place d) {
    if (d.kind == PLACE_REG) {
        asm_lea_rm(a, d.reg, mem(SCRATCH, TAG_INT));
        return;
    }
    asm_add_ri(a, SCRATCH, TAG_INT);
    asm_mov_mr(a, d.mem, SCRATCH);
}

// Arithmetic.

// With a constant the tag is out of the way from the start: a + (y << 32).
static void emit_add(Assembler *a, SlowPath *path) {
    bool swaps = is_constant(path->a); // the sum of integers is the same; not so that of strings
    Place l = swaps ? path->b : path->a, r = swaps ? path->a : path->b;
    if (is_constant(r)) {
        asm_mov_ri(a, SCRATCH, r.imm - TAG_INT);
        emit_add_place(a, l);
    } else {
        emit_load(a, SCRATCH, path->a);
        asm_sub_ri(a, SCRATCH, TAG_INT);
        emit_add_place(a, path->b);
    }
    asm_jcc(a, CC_O, &path->label);
    emit_store(a, path->d, SCRATCH);
}

static void emit_sub(Assembler *a, SlowPath *path) {
    emit_load(a, SCRATCH, path->a);
    emit_sub_place(a, path->b);
    asm_jcc(a, CC_O, &path->label);
    emit_tag(a, path->d);
}

// SCRATCH2 = a | b: negative if one of them is.
static void emit_signs(Assembler *a, Place l, Place r) {
    emit_load(a, SCRATCH2, is_constant(r) ? r : l);
    Place other = is_constant(r) ? l : r;
    if (other.kind == PLACE_REG) asm_or_rr(a, SCRATCH2, other.reg);
    else if (other.kind == PLACE_MEM) asm_or_rm(a, SCRATCH2, other.mem);
}

// A product of 0 is -0 if one of the two is negative.
static void emit_mul(Assembler *a, SlowPath *path) {
    Label not_zero = LABEL_INIT;
    emit_load(a, SCRATCH2, path->a);
    asm_sar_ri(a, SCRATCH2, INT_SHIFT);
    emit_load(a, SCRATCH, path->b);
    asm_sub_ri(a, SCRATCH, TAG_INT);
    asm_imul_rr(a, SCRATCH, SCRATCH2);
    asm_jcc(a, CC_O, &path->label);
    asm_test_rr(a, SCRATCH, SCRATCH);
    asm_jcc(a, CC_NE, &not_zero);
    emit_signs(a, path->a, path->b);
    asm_test_rr(a, SCRATCH2, SCRATCH2);
    asm_jcc(a, CC_S, &path->label);
    asm_bind(a, &not_zero);
    emit_tag(a, path->d);
}

static bool is_power_of_two(int32_t n) { return n > 1 && (n & (n - 1)) == 0; }

// x / 2^k is an integer if the last k bits of x are 0. What SAR leaves of the tag is nothing, so it is put back.
static void emit_div_by_power(Assembler *a, SlowPath *path, int32_t divisor) {
    emit_load(a, SCRATCH, path->a);
    asm_mov_ri(a, SCRATCH2, (int64_t)(divisor - 1) << INT_SHIFT);
    asm_test_rr(a, SCRATCH, SCRATCH2);
    asm_jcc(a, CC_NE, &path->label);
    asm_sar_ri(a, SCRATCH, (unsigned)__builtin_ctz((unsigned)divisor));
    emit_tag(a, path->d);
}

// x mod 2^k is the last k bits of x, unless x is negative.
static void emit_mod_by_power(Assembler *a, SlowPath *path, int32_t divisor) {
    emit_load(a, SCRATCH, path->a);
    asm_test_rr(a, SCRATCH, SCRATCH);
    asm_jcc(a, CC_S, &path->label);
    asm_mov_ri(a, SCRATCH2, (int64_t)value_from_int(divisor - 1));
    asm_and_rr(a, SCRATCH, SCRATCH2);
    emit_store(a, path->d, SCRATCH);
}

// RAX and RDX are destroyed before it is clear that there is an integer result, so a waits in SCRATCH2.
static void emit_keep_dividend(Assembler *a, SlowPath *path) {
    emit_load(a, SCRATCH2, path->a);
    path->a = place_reg(SCRATCH2);
}

// DIV divides EDX:EAX (SDM vol. 2, "DIV"). Inline for a dividend >= 0 and a divisor > 0: no -0, no overflow.
static void emit_division(Assembler *a, SlowPath *path) {
    emit_load(a, SCRATCH, path->b);
    asm_shr_ri(a, SCRATCH, INT_SHIFT);
    asm_test32_rr(a, SCRATCH, SCRATCH);
    asm_jcc(a, CC_LE, &path->label);
    asm_mov_rr(a, RAX, SCRATCH2);
    asm_shr_ri(a, RAX, INT_SHIFT);
    asm_test32_rr(a, RAX, RAX);
    asm_jcc(a, CC_S, &path->label);
    asm_mov_ri(a, RDX, 0);
    asm_div32_r(a, SCRATCH);
    if (path->op == OPERATOR_DIV) {
        asm_test32_rr(a, RDX, RDX);
        asm_jcc(a, CC_NE, &path->label);
    }
    asm_mov_rr(a, SCRATCH, path->op == OPERATOR_DIV ? RAX : RDX);
    asm_shl_ri(a, SCRATCH, INT_SHIFT);
    emit_tag(a, path->d);
}

static bool uses_div(unsigned op, Place b) {
    return (op == OPERATOR_DIV || op == OPERATOR_MOD) && !is_power_of_two(int_constant(b));
}

static void emit_div(Assembler *a, SlowPath *path) {
    int32_t divisor = int_constant(path->b);
    if (is_power_of_two(divisor)) emit_div_by_power(a, path, divisor);
    else emit_division(a, path);
}

static void emit_mod(Assembler *a, SlowPath *path) {
    int32_t divisor = int_constant(path->b);
    if (is_power_of_two(divisor)) emit_mod_by_power(a, path, divisor);
    else emit_division(a, path);
}

// Comparison.

static Cond condition_of(unsigned op) { return op == OPERATOR_EQUAL ? CC_E : op == OPERATOR_LESS_THAN ? CC_L : CC_G; }

static void emit_cmp(Assembler *a, Place l, Place r) {
    Reg left = l.kind == PLACE_REG ? l.reg : SCRATCH;
    emit_load(a, left, l);
    if (r.kind == PLACE_REG) asm_cmp_rr(a, left, r.reg);
    else if (r.kind == PLACE_MEM) asm_cmp_rm(a, left, r.mem);
    else if (r.imm == (int32_t)r.imm) asm_cmp_ri(a, left, (int32_t)r.imm);
    else {
        asm_mov_ri(a, SCRATCH2, r.imm);
        asm_cmp_rr(a, left, SCRATCH2);
    }
}

// false is 4, true is 12.
static void emit_bool(Assembler *a, SlowPath *path) {
    emit_cmp(a, path->a, path->b);
    asm_setcc_r(a, condition_of(path->op), SCRATCH);
    asm_movzx8_rr(a, SCRATCH, SCRATCH);
    asm_shl_ri(a, SCRATCH, 3);
    asm_add_ri(a, SCRATCH, VALUE_FALSE);
    emit_store(a, path->d, SCRATCH);
}

// Of the specials each has one representation, so being equal to one is having the same bits.
static bool compares_bits(unsigned op, Place a, Place b) {
    bool special = (is_constant(a) && (a.imm & TAG_MASK) == TAG_SPECIAL) ||
                   (is_constant(b) && (b.imm & TAG_MASK) == TAG_SPECIAL);
    return op == OPERATOR_EQUAL && special;
}

// The operators and their inline code for integers.
static void (*const emitters[NUM_OPERATORS])(Assembler *, SlowPath *) = {
    [OPERATOR_ADD] = emit_add,        [OPERATOR_SUB] = emit_sub,
    [OPERATOR_MUL] = emit_mul,        [OPERATOR_DIV] = emit_div,
    [OPERATOR_MOD] = emit_mod,        [OPERATOR_EQUAL] = emit_bool,
    [OPERATOR_LESS_THAN] = emit_bool, [OPERATOR_GREATER_THAN] = emit_bool,
};

// Is it worth trying? Two constants are not: the compilers have better ways to compute with them.
static bool may_be_ints(Place a, Place b) {
    if (is_constant(a) && is_constant(b)) return false;
    return (!is_constant(a) || is_int_constant(a)) && (!is_constant(b) || is_int_constant(b));
}

void emit_operator(EmitContext *e, Operator op, Place d, Place a, Place b, uint32_t pc) {
    SlowPath *path = slow_path_new(e, pc);
    path->op = op;
    path->d = d;
    path->a = a;
    path->b = b;
    if (compares_bits(op, a, b)) {
        emit_bool(e->a, path);
        asm_bind(e->a, &path->back);
        return;
    }
    if (may_be_ints(a, b)) {
        if (uses_div(op, b)) emit_keep_dividend(e->a, path);
        emit_check_ints(e->a, a, b, &path->label);
        emitters[op](e->a, path);
    } else {
        asm_jmp(e->a, &path->label);
    }
    asm_bind(e->a, &path->back);
}

// Branches.

void emit_compare_and_branch(EmitContext *e, Operator op, Place a, Place b, bool sense, Label *target, uint32_t pc) {
    Cond cc = sense ? condition_of(op) : cond_negate(condition_of(op));
    if (compares_bits(op, a, b)) {
        emit_cmp(e->a, a, b);
        asm_jcc(e->a, cc, target);
        return;
    }
    SlowPath *path = slow_path_new(e, pc);
    path->kind = SLOW_BRANCH;
    path->op = op;
    path->a = a;
    path->b = b;
    path->target = target;
    path->sense = sense;
    if (may_be_ints(a, b)) {
        emit_check_ints(e->a, a, b, &path->label);
        emit_cmp(e->a, a, b);
        asm_jcc(e->a, cc, target);
    } else {
        asm_jmp(e->a, &path->label);
    }
    asm_bind(e->a, &path->back);
}

// true and false first: that is what comparisons make. Then integers; the slow path does the rest.
void emit_truth_branch(EmitContext *e, Place value, bool sense, Label *target, uint32_t pc) {
    Label done = LABEL_INIT;
    Label *truthy = sense ? target : &done, *falsy = sense ? &done : target;
    SlowPath *path = slow_path_new(e, pc);
    path->kind = SLOW_BRANCH;
    path->op = OPERATOR_TRUTHY;
    path->a = path->b = value;
    path->target = target;
    path->sense = sense;
    Reg reg = value.kind == PLACE_REG ? value.reg : SCRATCH;
    emit_load(e->a, reg, value);
    asm_cmp_ri(e->a, reg, VALUE_TRUE);
    asm_jcc(e->a, CC_E, truthy);
    asm_cmp_ri(e->a, reg, VALUE_FALSE);
    asm_jcc(e->a, CC_E, falsy);
    asm_test8_ri(e->a, reg, TAG_INT);
    asm_jcc(e->a, CC_E, &path->label);
    asm_cmp_ri(e->a, reg, TAG_INT); // the integer 0
    asm_jcc(e->a, sense ? CC_NE : CC_E, target);
    asm_bind(e->a, &done);
    asm_bind(e->a, &path->back);
}
