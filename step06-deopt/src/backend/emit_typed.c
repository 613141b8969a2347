// The typed operations in machine code.
//
// An int32 is in the lower half of a register whose upper half is 0: 32-bit instructions keep it so. They also
// set the flags that tell whether a result is an int32. What they do not tell is -0, which is no integer:
// a product or quotient of 0 whose sign would be negative loses the bet.
// A double is in a general register, too, as its bits: for each operation it goes to XMM0 and comes back. (Step 8
// gives doubles registers of their own.)
//
// Invariant: d is written last, or shares no register with what is still read. In particular an operand that has
// d's register is never the exit's, since that lives until d is written.
#include "backend/emit_typed.h"

#include "abi/saved.h"
#include "base/fatal.h"
#include "deopt/deopt.h"
#include "object/number.h"
#include "object/object.h"

static const Reg SCRATCH = R10, SCRATCH2 = R11;

// Operands.

static bool is_reg(Place place, Reg reg) { return place.kind == PLACE_REG && place.reg == reg; }
static bool is_constant(Place place) { return place.kind == PLACE_IMM; }
static int32_t constant_i32(Place place) { return (int32_t)place.imm; }

static void load(Assembler *a, Reg d, Place s) {
    if (s.kind == PLACE_MEM) asm_mov_rm(a, d, s.mem);
    else if (s.kind == PLACE_IMM) asm_mov_ri(a, d, s.imm);
    else if (s.reg != d) asm_mov_rr(a, d, s.reg);
}

static void load_i32(Assembler *a, Reg d, Place s) {
    if (s.kind == PLACE_MEM) asm_mov32_rm(a, d, s.mem);
    else if (s.kind == PLACE_IMM) asm_mov_ri(a, d, (uint32_t)s.imm);
    else if (s.reg != d) asm_mov32_rr(a, d, s.reg);
}

static void store(Assembler *a, Place d, Reg s) {
    if (d.kind == PLACE_MEM) asm_mov_mr(a, d.mem, s);
    else if (d.reg != s) asm_mov_rr(a, d.reg, s);
}

static void load_f64(Assembler *a, Xmm d, Place s) {
    if (s.kind == PLACE_MEM) {
        asm_movsd_xm(a, d, s.mem);
    } else if (s.kind == PLACE_IMM && s.imm == 0) {
        asm_xorps_xx(a, d, d);
    } else {
        Reg reg = s.kind == PLACE_REG ? s.reg : SCRATCH;
        load(a, reg, s);
        asm_movq_xr(a, d, reg);
    }
}

static void store_f64(Assembler *a, Place d, Xmm s) {
    if (d.kind == PLACE_MEM) asm_movsd_mx(a, d.mem, s);
    else asm_movq_rx(a, d.reg, s);
}

// The register that the operand is in, or `other` after a load.
static Reg in_register(Assembler *a, Place s, Reg other) {
    Reg reg = s.kind == PLACE_REG ? s.reg : other;
    load(a, reg, s);
    return reg;
}

static Reg in_register_i32(Assembler *a, Place s, Reg other) {
    if (s.kind == PLACE_REG) return s.reg;
    load_i32(a, other, s);
    return other;
}

// Where to compute d: its own register, or if it has none, SCRATCH.
static Reg result_reg(const TypedOperands *o) { return o->d.kind == PLACE_REG ? o->d.reg : SCRATCH; }

// Integer arithmetic.

// The forms of a 32-bit instruction.
typedef struct Op32 {
    void (*rr)(Assembler *, Reg, Reg);
    void (*rm)(Assembler *, Reg, Mem);
    void (*ri)(Assembler *, Reg, int32_t);
} Op32;

static const Op32 add_op = {asm_add32_rr, asm_add32_rm, asm_add32_ri};
static const Op32 sub_op = {asm_sub32_rr, asm_sub32_rm, asm_sub32_ri};
static const Op32 or_op = {asm_or32_rr, asm_or32_rm, asm_or32_ri};
static const Op32 cmp_op = {asm_cmp32_rr, asm_cmp32_rm, asm_cmp32_ri};

static void emit_op32(Assembler *a, const Op32 *op, Reg d, Place s) {
    if (s.kind == PLACE_REG) op->rr(a, d, s.reg);
    else if (s.kind == PLACE_MEM) op->rm(a, d, s.mem);
    else op->ri(a, d, constant_i32(s));
}

static void emit_add_i32(Assembler *a, const TypedOperands *o) {
    Reg d = result_reg(o);
    bool swaps = is_reg(o->b, d);
    load_i32(a, d, swaps ? o->b : o->a);
    emit_op32(a, &add_op, d, swaps ? o->a : o->b);
    store(a, o->d, d); // changes no flags
    asm_jcc(a, CC_O, o->exit);
}

static void emit_sub_i32(Assembler *a, const TypedOperands *o) {
    Reg d = is_reg(o->b, result_reg(o)) ? SCRATCH : result_reg(o);
    load_i32(a, d, o->a);
    emit_op32(a, &sub_op, d, o->b);
    store(a, o->d, d);
    asm_jcc(a, CC_O, o->exit);
}

static void emit_imul_i32(Assembler *a, Reg d, Place l, Place r) {
    if (is_constant(r)) {
        asm_imul32_rri(a, d, in_register_i32(a, l, SCRATCH), constant_i32(r));
        return;
    }
    load_i32(a, d, l);
    if (r.kind == PLACE_REG) asm_imul32_rr(a, d, r.reg);
    else asm_imul32_rm(a, d, r.mem);
}

// A product of 0 is -0 if one of the two is negative. That cannot be if one is positive.
static void emit_mul_i32(Assembler *a, const TypedOperands *o) {
    Label not_zero = LABEL_INIT;
    Reg d = result_reg(o);
    if (is_reg(o->a, d) || is_reg(o->b, d)) d = SCRATCH;
    emit_imul_i32(a, d, o->a, o->b);
    asm_jcc(a, CC_O, o->exit);
    if (!is_constant(o->b) || constant_i32(o->b) <= 0) {
        asm_test32_rr(a, d, d);
        asm_jcc_short(a, CC_NE, &not_zero);
        load_i32(a, SCRATCH2, o->a);
        emit_op32(a, &or_op, SCRATCH2, o->b);
        asm_jcc(a, CC_S, o->exit);
        asm_bind(a, &not_zero);
    }
    store(a, o->d, d);
}

static bool may_be_negative(Place b) { return !is_constant(b) || constant_i32(b) < 0; }
static bool may_be_minus_one(Place b) { return !is_constant(b) || constant_i32(b) == -1; }

// SCRATCH = the divisor, which is not 0; SCRATCH2 = the dividend.
static void emit_begin_division(Assembler *a, const TypedOperands *o) {
    load_i32(a, SCRATCH, o->b);
    if (!is_constant(o->b) || constant_i32(o->b) == 0) {
        asm_test32_rr(a, SCRATCH, SCRATCH);
        asm_jcc(a, CC_E, o->exit);
    }
    load_i32(a, SCRATCH2, o->a);
}

// IDIV divides EDX:EAX, and faults if the quotient is no int32 (SDM vol. 2, "IDIV"): INT32_MIN / -1.
static void emit_idiv(Assembler *a) {
    asm_mov32_rr(a, RAX, SCRATCH2);
    asm_cdq(a);
    asm_idiv32_r(a, SCRATCH);
}

static void emit_div_i32(Assembler *a, const TypedOperands *o) {
    Label not_zero = LABEL_INIT, no_overflow = LABEL_INIT;
    emit_begin_division(a, o);
    if (may_be_negative(o->b)) { // 0 / -5 is -0
        asm_test32_rr(a, SCRATCH2, SCRATCH2);
        asm_jcc_short(a, CC_NE, &not_zero);
        asm_test32_rr(a, SCRATCH, SCRATCH);
        asm_jcc(a, CC_S, o->exit);
        asm_bind(a, &not_zero);
    }
    if (may_be_minus_one(o->b)) {
        asm_cmp32_ri(a, SCRATCH, -1);
        asm_jcc_short(a, CC_NE, &no_overflow);
        asm_cmp32_ri(a, SCRATCH2, INT32_MIN);
        asm_jcc(a, CC_E, o->exit);
        asm_bind(a, &no_overflow);
    }
    emit_idiv(a);
    asm_test32_rr(a, RDX, RDX);
    asm_jcc(a, CC_NE, o->exit);
    store(a, o->d, RAX);
}

// The remainder has the sign of the dividend, if it is 0 as well. x % -1 is 0, and never comes to IDIV.
static void emit_rem_i32(Assembler *a, const TypedOperands *o) {
    Label check = LABEL_INIT, done = LABEL_INIT;
    emit_begin_division(a, o);
    if (may_be_minus_one(o->b)) {
        asm_mov_ri(a, RDX, 0);
        asm_cmp32_ri(a, SCRATCH, -1);
        asm_jcc_short(a, CC_E, &check);
    }
    emit_idiv(a);
    asm_bind(a, &check);
    asm_test32_rr(a, RDX, RDX);
    asm_jcc_short(a, CC_NE, &done);
    asm_test32_rr(a, SCRATCH2, SCRATCH2);
    asm_jcc(a, CC_S, o->exit);
    asm_bind(a, &done);
    store(a, o->d, RDX);
}

// x / 2^k is an integer if the last k bits of x are 0.
static void emit_div_i32_by_power(Assembler *a, const TypedOperands *o, int32_t divisor) {
    Reg d = result_reg(o);
    if (o->a.kind == PLACE_REG) asm_test32_ri(a, o->a.reg, divisor - 1);
    else asm_test32_mi(a, o->a.mem, divisor - 1);
    asm_jcc(a, CC_NE, o->exit);
    load_i32(a, d, o->a);
    asm_sar32_ri(a, d, (unsigned)__builtin_ctz((unsigned)divisor));
    store(a, o->d, d);
}

// x % 2^k is the last k bits of x; if x is negative, those of -x, negated.
static void emit_rem_i32_by_power(Assembler *a, const TypedOperands *o, int32_t divisor) {
    Label negative = LABEL_INIT, done = LABEL_INIT;
    load_i32(a, SCRATCH, o->a);
    asm_test32_rr(a, SCRATCH, SCRATCH);
    asm_jcc_short(a, CC_S, &negative);
    asm_and32_ri(a, SCRATCH, divisor - 1);
    asm_jmp_short(a, &done);
    asm_bind(a, &negative);
    asm_neg32_r(a, SCRATCH);
    asm_and32_ri(a, SCRATCH, divisor - 1);
    asm_jcc(a, CC_E, o->exit);
    asm_neg32_r(a, SCRATCH);
    asm_bind(a, &done);
    store(a, o->d, SCRATCH);
}

// SCRATCH = x / c, SCRATCH2 = x % c, for 1 < |c|: a multiplication by m = 2^(31 + l) / |c|, rounded up, where 2^l is
// the first power of two that is not less than |c|. The product is shifted right by 31 + l; that rounds down, so
// 1 is added if x is negative. The error that m brings in is too small to show in 32 bits.
// Source: Granlund, Montgomery, "Division by Invariant Integers using Multiplication", PLDI 1994, theorem 5.1.
static void emit_divide_by_constant(Assembler *a, Place x, int32_t c) {
    uint32_t divisor = c < 0 ? -(uint32_t)c : (uint32_t)c;
    unsigned l = 32 - (unsigned)__builtin_clz(divisor - 1);
    if (x.kind == PLACE_REG) asm_movsxd_rr(a, SCRATCH2, x.reg);
    else asm_movsxd_rm(a, SCRATCH2, x.mem);
    asm_mov_ri(a, SCRATCH, (int64_t)(((uint64_t)1 << (31 + l)) / divisor + 1));
    asm_imul_rr(a, SCRATCH, SCRATCH2);
    asm_shr_ri(a, SCRATCH2, 63);
    asm_sar_ri(a, SCRATCH, 31 + l);
    asm_add32_rr(a, SCRATCH, SCRATCH2);
    if (c < 0) asm_neg32_r(a, SCRATCH);
    asm_imul32_rri(a, SCRATCH2, SCRATCH, -c);
    emit_op32(a, &add_op, SCRATCH2, x);
}

static void emit_exit_if(Assembler *a, Place x, int32_t limit, Cond cc, Label *exit) {
    if (x.kind == PLACE_REG) asm_cmp32_ri(a, x.reg, limit);
    else asm_cmp32_mi(a, x.mem, limit);
    asm_jcc(a, cc, exit);
}

static void emit_div_i32_by_constant(Assembler *a, const TypedOperands *o, int32_t divisor) {
    if (divisor < 0) emit_exit_if(a, o->a, 0, CC_E, o->exit); // -0
    emit_divide_by_constant(a, o->a, divisor);
    asm_test32_rr(a, SCRATCH2, SCRATCH2);
    asm_jcc(a, CC_NE, o->exit);
    store(a, o->d, SCRATCH);
}

static void emit_rem_i32_by_constant(Assembler *a, const TypedOperands *o, int32_t divisor) {
    Label done = LABEL_INIT;
    emit_divide_by_constant(a, o->a, divisor);
    asm_test32_rr(a, SCRATCH2, SCRATCH2);
    asm_jcc_short(a, CC_NE, &done);
    emit_exit_if(a, o->a, 0, CC_L, o->exit); // -0
    asm_bind(a, &done);
    store(a, o->d, SCRATCH2);
}

static void emit_div(Assembler *a, const LirIns *ins, const TypedOperands *o) {
    if (divides_i32_by_power_of_two(ins)) emit_div_i32_by_power(a, o, constant_i32(o->b));
    else if (divides_i32_by_constant(ins)) emit_div_i32_by_constant(a, o, constant_i32(o->b));
    else emit_div_i32(a, o);
}

static void emit_rem(Assembler *a, const LirIns *ins, const TypedOperands *o) {
    if (divides_i32_by_power_of_two(ins)) emit_rem_i32_by_power(a, o, constant_i32(o->b));
    else if (divides_i32_by_constant(ins)) emit_rem_i32_by_constant(a, o, constant_i32(o->b));
    else emit_rem_i32(a, o);
}

// Double arithmetic.

typedef struct OpF64 {
    void (*xx)(Assembler *, Xmm, Xmm);
    void (*xm)(Assembler *, Xmm, Mem);
} OpF64;

static void emit_op_f64(Assembler *a, OpF64 op, const TypedOperands *o) {
    load_f64(a, XMM0, o->a);
    if (o->b.kind == PLACE_MEM) {
        op.xm(a, XMM0, o->b.mem);
    } else {
        load_f64(a, XMM1, o->b);
        op.xx(a, XMM0, XMM1);
    }
    store_f64(a, o->d, XMM0);
}

// Comparison.

static void emit_cmp_i32(Assembler *a, Place l, Place r) {
    emit_op32(a, &cmp_op, in_register_i32(a, l, SCRATCH), r);
}

// UCOMISD sets the flags like a comparison of unsigned integers; if one of the two is a NaN, those of "equal" and of
// "below" and PF at once (SDM vol. 2, "UCOMISD"). So "above" is the one relation that is false then. Returns
// the condition that holds if l cc r. For CC_E and CC_NE that is not all: there is PF to be asked, too.
static Cond emit_cmp_f64(Assembler *a, Cond cc, Place l, Place r) {
    bool swaps = cc == CC_L || cc == CC_GE;
    load_f64(a, XMM0, swaps ? r : l);
    load_f64(a, XMM1, swaps ? l : r);
    asm_ucomisd_xx(a, XMM0, XMM1);
    if (cc == CC_E || cc == CC_NE) return cc;
    return cc == CC_L || cc == CC_G ? CC_A : CC_BE;
}

// false is 4, true is 12. SCRATCH is 0 or 1 in its lowest byte.
static void emit_bool(Assembler *a, Place d) {
    asm_movzx8_rr(a, SCRATCH, SCRATCH);
    asm_shl_ri(a, SCRATCH, 3);
    asm_add_ri(a, SCRATCH, VALUE_FALSE);
    store(a, d, SCRATCH);
}

static void emit_compare_i32(Assembler *a, Cond cc, const TypedOperands *o) {
    emit_cmp_i32(a, o->a, o->b);
    asm_setcc_r(a, cc, SCRATCH);
    emit_bool(a, o->d);
}

static void emit_compare_f64(Assembler *a, Cond cc, const TypedOperands *o) {
    asm_setcc_r(a, emit_cmp_f64(a, cc, o->a, o->b), SCRATCH);
    if (cc == CC_E || cc == CC_NE) {
        asm_setcc_r(a, cc == CC_E ? CC_NP : CC_P, SCRATCH2);
        if (cc == CC_E) asm_and32_rr(a, SCRATCH, SCRATCH2);
        else asm_or32_rr(a, SCRATCH, SCRATCH2);
    }
    emit_bool(a, o->d);
}

static void emit_branch_f64(Assembler *a, Cond cc, Place l, Place r, Label *target) {
    Label unordered = LABEL_INIT;
    Cond holds = emit_cmp_f64(a, cc, l, r);
    if (cc == CC_E) asm_jcc_short(a, CC_P, &unordered);
    if (cc == CC_NE) asm_jcc(a, CC_P, target);
    asm_jcc(a, holds, target);
    asm_bind(a, &unordered);
}

void emit_typed_branch(EmitContext *e, LirOp op, Cond cc, Place a, Place b, Label *target) {
    if (op == LIR_BRANCH_F64) {
        emit_branch_f64(e->a, cc, a, b, target);
        return;
    }
    emit_cmp_i32(e->a, a, b);
    asm_jcc(e->a, cc, target);
}

// Conversions.

static void emit_tag_i32(Assembler *a, const TypedOperands *o) {
    Reg d = result_reg(o);
    load_i32(a, d, o->a);
    asm_shl_ri(a, d, INT_SHIFT);
    asm_add_ri(a, d, TAG_INT);
    store(a, o->d, d);
}

static void emit_untag_i32(Assembler *a, const TypedOperands *o) {
    Reg d = result_reg(o);
    load(a, d, o->a);
    asm_shr_ri(a, d, INT_SHIFT);
    store(a, o->d, d);
}

// CVTSI2SD leaves the upper half of XMM as it is, and so would wait for whoever wrote it last.
static void emit_i32_to_xmm(Assembler *a, Xmm d, Reg s) {
    asm_xorps_xx(a, d, d);
    asm_cvtsi2sd32_xr(a, d, s);
}

static void emit_i32_to_f64(Assembler *a, const TypedOperands *o) {
    emit_i32_to_xmm(a, XMM0, in_register_i32(a, o->a, SCRATCH));
    store_f64(a, o->d, XMM0);
}

static void emit_f64_to_i32(Assembler *a, const TypedOperands *o) {
    Reg d = result_reg(o);
    load_f64(a, XMM0, o->a);
    asm_cvttsd2si32_rx(a, d, XMM0);
    store(a, o->d, d);
}

// d <- the double of a. On the way out to `exit` if a is no number, unless that is NULL.
static void emit_number_to_f64(Assembler *a, const TypedOperands *o, Label *exit) {
    Label no_int = LABEL_INIT, no_flonum = LABEL_INIT, done = LABEL_INIT;
    Reg value = in_register(a, o->a, SCRATCH);
    asm_mov_rr(a, SCRATCH2, value);
    asm_test8_ri(a, value, TAG_INT);
    asm_jcc_short(a, CC_E, &no_int);
    asm_shr_ri(a, SCRATCH2, INT_SHIFT);
    emit_i32_to_xmm(a, XMM0, SCRATCH2);
    asm_movq_rx(a, SCRATCH2, XMM0);
    asm_jmp_short(a, &done);
    asm_bind(a, &no_int);
    asm_test8_ri(a, value, TAG_FLONUM);
    asm_jcc_short(a, CC_E, &no_flonum);
    asm_ror_ri(a, SCRATCH2, FLONUM_SHIFT);
    asm_mov_ri(a, SCRATCH, (int64_t)FLONUM_BIAS);
    asm_sub_rr(a, SCRATCH2, SCRATCH);
    asm_jmp_short(a, &done);
    asm_bind(a, &no_flonum);
    if (exit) {
        asm_test8_ri(a, value, TAG_MASK);
        asm_jcc(a, CC_NE, exit);
        asm_cmp8_mi(a, mem(value, offsetof(Header, type)), TYPE_NUMBER);
        asm_jcc(a, CC_NE, exit);
    }
    asm_mov_rm(a, SCRATCH2, mem(value, offsetof(HeapNumber, value)));
    asm_bind(a, &done);
    store(a, o->d, SCRATCH2);
}

// To its one representation: an integer if it is an int32 and not -0, else a flonum if it fits one. What is left is
// for C: the stub takes it from XMM0.
static void emit_tag_f64(EmitContext *e, const TypedOperands *o, uint32_t pc) {
    Assembler *a = e->a;
    Label no_int = LABEL_INIT, is_int = LABEL_INIT, done = LABEL_INIT;
    SlowPath *path = slow_path_new(e, pc);
    path->kind = SLOW_NUMBER;
    path->d = o->d;
    load_f64(a, XMM0, o->a);
    asm_cvttsd2si32_rx(a, SCRATCH2, XMM0);
    emit_i32_to_xmm(a, XMM1, SCRATCH2);
    asm_movq_rx(a, SCRATCH, XMM0);
    asm_ucomisd_xx(a, XMM0, XMM1);
    asm_jcc_short(a, CC_NE, &no_int);
    asm_jcc_short(a, CC_P, &no_int);
    asm_test32_rr(a, SCRATCH2, SCRATCH2);
    asm_jcc_short(a, CC_NE, &is_int);
    asm_test_rr(a, SCRATCH, SCRATCH); // all bits of 0.0 are 0, those of -0.0 are not
    asm_jcc(a, CC_NE, &path->label);
    asm_bind(a, &is_int);
    asm_shl_ri(a, SCRATCH2, INT_SHIFT);
    asm_add_ri(a, SCRATCH2, TAG_INT);
    asm_jmp_short(a, &done);
    asm_bind(a, &no_int);
    asm_mov_ri(a, SCRATCH2, (int64_t)FLONUM_BIAS);
    asm_add_rr(a, SCRATCH2, SCRATCH);
    asm_rol_ri(a, SCRATCH2, FLONUM_SHIFT);
    asm_lea_rm(a, SCRATCH, mem(SCRATCH2, -TAG_FLONUM));
    asm_test8_ri(a, SCRATCH, TAG_FLONUM_MASK);
    asm_jcc(a, CC_NE, &path->label);
    asm_bind(a, &done);
    store(a, o->d, SCRATCH2);
    asm_bind(a, &path->back);
}

// Guards.

static void emit_guard_tag(Assembler *a, const TypedOperands *o) {
    if (o->a.kind == PLACE_REG) asm_test8_ri(a, o->a.reg, TAG_INT);
    else asm_test8_mi(a, o->a.mem, TAG_INT);
    asm_jcc(a, CC_E, o->exit);
}

_Static_assert(TAG_INT == 1 && TAG_FLONUM == 2, "one of the two lowest bits tells that there is no heap number");

static void emit_guard_number(Assembler *a, const TypedOperands *o) {
    Label done = LABEL_INIT;
    if (o->has_result) {
        emit_number_to_f64(a, o, o->exit);
        return;
    }
    Reg value = in_register(a, o->a, SCRATCH);
    asm_test8_ri(a, value, TAG_INT | TAG_FLONUM);
    asm_jcc_short(a, CC_NE, &done);
    asm_test8_ri(a, value, TAG_MASK);
    asm_jcc(a, CC_NE, o->exit);
    asm_cmp8_mi(a, mem(value, offsetof(Header, type)), TYPE_NUMBER);
    asm_jcc(a, CC_NE, o->exit);
    asm_bind(a, &done);
}

static void emit_guard_shape(Assembler *a, const TypedOperands *o, uint32_t shape) {
    Reg object = in_register(a, o->a, SCRATCH);
    asm_test8_ri(a, object, TAG_MASK);
    asm_jcc(a, CC_NE, o->exit);
    asm_cmp32_mi(a, mem(object, offsetof(Header, shape)), (int32_t)shape);
    asm_jcc(a, CC_NE, o->exit);
}

// A negative index is a large unsigned one.
static void emit_guard_bounds(Assembler *a, const TypedOperands *o) {
    Reg array = in_register(a, o->b, SCRATCH), index = in_register_i32(a, o->a, SCRATCH2);
    asm_cmp32_rm(a, index, mem(array, offsetof(Array, length)));
    asm_jcc(a, CC_AE, o->exit);
}

// With stress, each guard counts its visits, and can be told to fail at one of them.
static void emit_stress(EmitContext *e, const TypedOperands *o) {
    asm_mov_ri(e->a, SCRATCH, address_of(o->exit_record));
    asm_inc32_m(e->a, mem(SCRATCH, offsetof(DeoptExit, visits)));
    asm_dec32_m(e->a, mem(SCRATCH, offsetof(DeoptExit, countdown)));
    asm_jcc(e->a, CC_E, o->exit);
    asm_mov_ri(e->a, SCRATCH, address_of(&e->vm->deopt->countdown));
    asm_dec32_m(e->a, mem(SCRATCH, 0));
    asm_jcc(e->a, CC_E, o->exit);
}

// Objects.

static void emit_load_field(Assembler *a, const TypedOperands *o, int32_t offset) {
    Reg d = result_reg(o);
    asm_mov_rm(a, d, mem(in_register(a, o->a, SCRATCH), offset));
    store(a, o->d, d);
}

// Store a value: it is in a register, or goes through SCRATCH2.
static void emit_store_value(Assembler *a, Mem to, Place value) {
    if (is_constant(value) && value.imm == (int32_t)value.imm) asm_mov_mi(a, to, (int32_t)value.imm);
    else asm_mov_mr(a, to, in_register(a, value, SCRATCH2));
}

static void emit_array_length(Assembler *a, const TypedOperands *o) {
    Reg d = result_reg(o);
    asm_mov32_rm(a, d, mem(in_register(a, o->a, SCRATCH), offsetof(Array, length)));
    store(a, o->d, d);
}

// Where the element b of the array a is. Destroys SCRATCH, and SCRATCH2, but does not need it afterwards.
static Mem element(Assembler *a, const TypedOperands *o) {
    asm_mov_rm(a, SCRATCH, mem(in_register(a, o->a, SCRATCH), offsetof(Array, elements)));
    if (is_constant(o->b) && (uint32_t)o->b.imm < MAX_ARRAY_LENGTH)
        return mem(SCRATCH, (int32_t)(offsetof(Slots, values) + sizeof(Value) * (uint32_t)o->b.imm));
    Reg index = in_register_i32(a, o->b, SCRATCH2);
    if (index != SCRATCH2) return mem_index(SCRATCH, index, sizeof(Value), offsetof(Slots, values));
    asm_lea_rm(a, SCRATCH, mem_index(SCRATCH, SCRATCH2, sizeof(Value), 0));
    return mem(SCRATCH, offsetof(Slots, values));
}

static void emit_load_element(Assembler *a, const TypedOperands *o) {
    Reg d = result_reg(o);
    asm_mov_rm(a, d, element(a, o));
    asm_cmp_ri(a, d, VALUE_HOLE);
    asm_jcc(a, CC_E, o->exit);
    store(a, o->d, d);
}

// All of them.

static void emit_operation(EmitContext *e, const LirIns *ins, const TypedOperands *o) {
    Assembler *a = e->a;
    switch (ins->op) {
    case LIR_GUARD_TAG: emit_guard_tag(a, o); return;
    case LIR_GUARD_NUMBER: emit_guard_number(a, o); return;
    case LIR_GUARD_SHAPE: emit_guard_shape(a, o, (uint32_t)ins->imm); return;
    case LIR_GUARD_BOUNDS: emit_guard_bounds(a, o); return;
    case LIR_ADD_I32: emit_add_i32(a, o); return;
    case LIR_SUB_I32: emit_sub_i32(a, o); return;
    case LIR_MUL_I32: emit_mul_i32(a, o); return;
    case LIR_DIV_I32: emit_div(a, ins, o); return;
    case LIR_REM_I32: emit_rem(a, ins, o); return;
    case LIR_LOAD_ELEMENT: emit_load_element(a, o); return;
    case LIR_ADD_F64: emit_op_f64(a, (OpF64){asm_addsd_xx, asm_addsd_xm}, o); return;
    case LIR_SUB_F64: emit_op_f64(a, (OpF64){asm_subsd_xx, asm_subsd_xm}, o); return;
    case LIR_MUL_F64: emit_op_f64(a, (OpF64){asm_mulsd_xx, asm_mulsd_xm}, o); return;
    case LIR_DIV_F64: emit_op_f64(a, (OpF64){asm_divsd_xx, asm_divsd_xm}, o); return;
    case LIR_COMPARE_I32: emit_compare_i32(a, ins->cc, o); return;
    case LIR_COMPARE_F64: emit_compare_f64(a, ins->cc, o); return;
    case LIR_TAG_I32: emit_tag_i32(a, o); return;
    case LIR_UNTAG_I32: emit_untag_i32(a, o); return;
    case LIR_I32_TO_F64: emit_i32_to_f64(a, o); return;
    case LIR_F64_TO_I32: emit_f64_to_i32(a, o); return;
    case LIR_TAG_F64: emit_tag_f64(e, o, ins->pc); return;
    case LIR_NUMBER_TO_F64: emit_number_to_f64(a, o, NULL); return;
    case LIR_LOAD_FIELD: emit_load_field(a, o, (int32_t)ins->imm); return;
    case LIR_STORE_FIELD: emit_store_value(a, mem(in_register(a, o->a, SCRATCH), (int32_t)ins->imm), o->b); return;
    case LIR_STORE_SHAPE:
        asm_mov32_mi(a, mem(in_register(a, o->a, SCRATCH), offsetof(Header, shape)), (int32_t)ins->imm);
        return;
    case LIR_ARRAY_LENGTH: emit_array_length(a, o); return;
    case LIR_STORE_ELEMENT: emit_store_value(a, element(a, o), o->c); return;
    default: fatal("LIR operation %d is not typed", (int)ins->op);
    }
}

// An exit that takes the operation back must not be taken before it.
void emit_typed(EmitContext *e, const LirIns *ins, const TypedOperands *o) {
    bool stress = is_guard(ins) && e->vm->deopt && e->vm->deopt->stress;
    if (stress && !ins->takes_back) emit_stress(e, o);
    emit_operation(e, ins, o);
    if (stress && ins->takes_back) emit_stress(e, o);
}

// The stub.

static Value make_number(Vm *vm, uint64_t bits) {
    Value number = number_from_double(&vm->heap, double_from_bits(bits));
    return number ? number : vm_fail(vm, RUN_OUT_OF_MEMORY, "out of memory");
}

// In: R11 = the bits of a double. Out: R11 = the number, NO_VALUE if the heap is full. Every register that the
// allocator hands out is as it was.
bool stubs_generate_typed(Stubs *stubs, CodeBuffer *buffer) {
    const uint32_t kept = CALLER_SAVED_REGS & ~(1u << R11);
    const int32_t size = 8 * (int32_t)count_regs(kept);
    size_t code_size;
    Assembler a;
    asm_init(&a, code_buffer_available(buffer));
    emit_store_top_frame(&a);
    asm_push_r(&a, RBP);
    asm_mov_rr(&a, RBP, RSP);
    asm_sub_ri(&a, RSP, size);
    asm_and_ri(&a, RSP, -16);
    emit_save_regs(&a, kept, mem(RBP, -size));
    asm_mov_rr(&a, RDI, FRAME_VM_REG);
    asm_mov_rr(&a, RSI, R11);
    stub_call_c(&a, (NativeCode *)(uintptr_t)make_number);
    asm_mov_rr(&a, R11, RAX);
    emit_restore_regs(&a, kept, mem(RBP, -size));
    asm_leave(&a);
    asm_ret(&a);
    stubs->number = stub_install(buffer, &a, &code_size);
    return stubs->number != NULL;
}
