// Strength reduction: the same result from a cheaper operation.
// In:  IR.  Out: the same with some operations replaced; each is exact, to the bit, -0 and NaN included.
//
// In school algebra x + 0 is x. In JavaScript it is x only if x is a number, and not if it is -0: -0 + 0 is 0;
// "a" + 0 is "a0". So a rule applies to types (ir_infer_types), and each says below why it is exact:
//
//      rule                    x is            because
//      x - 0, x + -0  is x     a number        adding a zero changes nothing but the sign of a zero, and of two
//                                              zeros the sum is -0 only if both are: -0 - 0 is -0, 0 + -0 is 0
//      x + 0, x - -0  is x     an integer      there is no -0 among them
//      x * 1, x / 1   is x     a number        IEEE 754; NaN stays NaN
//      x * 2          is x+x   a number        the exponent grows by one, or both overflow to the same infinity
//      x / c          is x*1/c a double, c a power of two whose reciprocal is one, too: both are the exact
//                                              quotient, rounded once. For integers the division stays: it has
//                                              an integer result without leaving the integers
//      x - x          is 0     an integer      Infinity - Infinity and NaN - NaN are NaN
//      x === x        is true  no double       NaN !== NaN
//      x < x, x > x   is false no object       of objects it is an error
//      b === true     is b     a boolean
//
// The operations on integers whose result is an integer or a failed guard (add_int, ...) obey the same rules.
// x * 2 becomes x + x there as well: the one overflows where the other does, and neither gives -0.
//
// Induction variables. In a loop in which i grows by s each time, the product i * c grows by s * c, and an
// addition replaces the multiplication (Cooper, Simpson, Vick, "Operator strength reduction", TOPLAS 23(5),
// 2001; here for products by constants of variables that one addition advances):
//
//      i = phi i0, i + s                  i = phi i0, i + s
//      ... i * c ...                      p = phi i0 * c, p + s * c
//                                         ... p ...
//
// The sum is the product if nothing is ever rounded and no product is -0. So i0 must be an integer, s and c
// integers of at most 2^20, c positive, and the way back to the header must lie behind a test that i, or i + s,
// is less than an integer (greater, if s is negative). Then i stays within 2^33 of zero and i * c within
// 2^53, below which doubles count in steps of one; and 0 * c is 0, as is the sum that gets there.
#include "opt/opt.h"

#include <math.h>
#include <stdlib.h>

#include "object/number.h"
#include "opt/fold.h"
#include "opt/guards.h"

// Of these kinds and no others? What has no type never gets a value: then nothing is worth doing.
static bool is_of(const Ir *ir, Ref ref, uint8_t types) {
    uint8_t type = ir->ins[ref].type;
    return type != IRT_NONE && !(type & ~types);
}

static bool is_number_constant(const Ir *ir, Ref ref, double *d) {
    if (!ir_is_const(ir, ref) || !value_is_number((Value)ir->ins[ref].imm)) return false;
    *d = number_to_double((Value)ir->ins[ref].imm);
    return true;
}

static Ref constant_before(Ir *ir, Ref at, Value value) {
    Ref constant = ir_new_const(ir, value, ir->ins[at].pc);
    ir_insert_before(ir, at, constant);
    return constant;
}

// Identities. Each returns the value that takes the place of the instruction, or NO_REF.

// x + c, in either order.
static Ref reduce_add(const Ir *ir, Ref x, double c) {
    if (c != 0) return NO_REF;
    return is_of(ir, x, signbit(c) ? IRT_NUMBER : IRT_INT) ? x : NO_REF;
}

// x * c, in either order.
static Ref reduce_mul(Ir *ir, Ref ref, Ref x, double c) {
    if (!is_of(ir, x, IRT_NUMBER)) return NO_REF;
    if (c == 1) return x;
    if (c != 2) return NO_REF;
    Ref sum = ir_new2(ir, IR_ADD, x, x, ir->ins[ref].pc);
    ir->ins[sum].type = IRT_NUMBER;
    ir_insert_before(ir, ref, sum);
    return sum;
}

// A power of two whose reciprocal is one as well, neither of them denormal.
static bool has_exact_reciprocal(double c) {
    int exponent;
    return fabs(frexp(c, &exponent)) == 0.5 && exponent > -1000 && exponent < 1000;
}

static Ref reduce_div(Ir *ir, Ref ref, Ref x, double c) {
    if (c == 1 && is_of(ir, x, IRT_NUMBER)) return x;
    if (!is_of(ir, x, IRT_DOUBLE) || !isfinite(c) || c == 0 || !has_exact_reciprocal(c)) return NO_REF;
    Ref reciprocal = constant_before(ir, ref, program_number(ir->program, 1 / c));
    Ref product = ir_new2(ir, IR_MUL, x, reciprocal, ir->ins[ref].pc);
    ir->ins[product].type = IRT_NUMBER;
    ir_insert_before(ir, ref, product);
    return product;
}

// x * c of integers, in either order.
static Ref reduce_mul_int(Ir *ir, Ref ref, Ref x, double c) {
    if (c == 1) return x;
    if (c != 2) return NO_REF;
    Ref sum = ir_new2(ir, IR_ADD_INT, x, x, ir->ins[ref].pc);
    ir->ins[sum].state = ir->ins[ref].state;
    ir->ins[sum].is_hoisted = ir->ins[ref].is_hoisted;
    ir_insert_before(ir, ref, sum);
    return sum;
}

// x op x.
static Ref reduce_pair(Ir *ir, Ref ref, Ref x) {
    switch (ir->ins[ref].op) {
    case IR_SUB_INT:
    case IR_SUB: return is_of(ir, x, IRT_INT) ? constant_before(ir, ref, value_from_int(0)) : NO_REF;
    case IR_EQUAL: return is_of(ir, x, IRT_ANY & ~IRT_DOUBLE) ? constant_before(ir, ref, VALUE_TRUE) : NO_REF;
    case IR_LESS_THAN:
    case IR_GREATER_THAN: return is_of(ir, x, IRT_PRIMITIVE) ? constant_before(ir, ref, VALUE_FALSE) : NO_REF;
    default: return NO_REF;
    }
}

static bool is_true(const Ir *ir, Ref ref) {
    return ir_is_const(ir, ref) && (Value)ir->ins[ref].imm == VALUE_TRUE;
}

static Ref reduce_equal(const Ir *ir, Ref a, Ref b) {
    if (is_true(ir, b) && is_of(ir, a, IRT_BOOL)) return a;
    return is_true(ir, a) && is_of(ir, b, IRT_BOOL) ? b : NO_REF;
}

static Ref reduce(Ir *ir, Ref ref) {
    if (ir->ins[ref].num_args != 2 || ir->ins[ref].op == IR_PHI) return NO_REF;
    Ref a = ir_arg(ir, ref, 0), b = ir_arg(ir, ref, 1);
    double c;
    if (a == b) {
        Ref value = reduce_pair(ir, ref, a);
        if (value != NO_REF) {
            rely_on_type(ir, a);
            return value;
        }
    }
    bool is_right = is_number_constant(ir, b, &c), is_left = !is_right && is_number_constant(ir, a, &c);
    switch (ir->ins[ref].op) {
    case IR_ADD: return is_right || is_left ? reduce_add(ir, is_right ? a : b, c) : NO_REF;
    case IR_SUB: return is_right ? reduce_add(ir, a, -c) : NO_REF;
    case IR_MUL: return is_right || is_left ? reduce_mul(ir, ref, is_right ? a : b, c) : NO_REF;
    case IR_DIV: return is_right ? reduce_div(ir, ref, a, c) : NO_REF;
    case IR_EQUAL: return reduce_equal(ir, a, b);
    case IR_ADD_INT: return (is_right || is_left) && c == 0 ? (is_right ? a : b) : NO_REF;
    case IR_SUB_INT: return is_right && c == 0 ? a : NO_REF;
    case IR_MUL_INT: return is_right || is_left ? reduce_mul_int(ir, ref, is_right ? a : b, c) : NO_REF;
    case IR_DIV_INT: return is_right && c == 1 ? a : NO_REF;
    default: return NO_REF;
    }
}

static void reduce_all(Ir *ir) {
    for (size_t i = 0; i < ir->num_rpo; i++)
        IR_EACH(ir, ir->rpo[i], ref) {
            Ref value = reduce(ir, ref);
            if (value != NO_REF) ir_replace(ir, ref, value);
        }
    ir_apply_replacements(ir);
}

// Induction variables.

enum { MAX_FACTOR = 1 << 20 };

typedef struct Induction {
    Ref phi, start, next; // phi = (start, next), next = phi + step
    uint32_t from_outside, from_inside; // the phi's operands
    int32_t step;
} Induction;

static bool is_small_int(const Ir *ir, Ref ref, int32_t *value) {
    if (!ir_is_const(ir, ref) || !value_is_int((Value)ir->ins[ref].imm)) return false;
    *value = value_to_int((Value)ir->ins[ref].imm);
    return *value >= -MAX_FACTOR && *value <= MAX_FACTOR && *value != 0;
}

// Is `ref` x op constant, or, if the operation is commutative, constant op x?
static bool has_factor(const Ir *ir, Ref ref, IrOp op, Ref x, int32_t *value) {
    if (ir->ins[ref].op != op) return false;
    const Ref *args = ir_args(ir, ref);
    if (args[0] == x && is_small_int(ir, args[1], value)) return true;
    return op != IR_SUB && args[1] == x && is_small_int(ir, args[0], value);
}

static bool find_step(const Ir *ir, Ref next, Ref phi, int32_t *step) {
    if (has_factor(ir, next, IR_ADD, phi, step)) return true;
    if (!has_factor(ir, next, IR_SUB, phi, step)) return false;
    *step = -*step;
    return true;
}

// Does the instruction compare the variable with an integer such that "true" keeps it from running away?
static bool is_bound(const Ir *ir, Ref test, const Induction *v) {
    if (ir->ins[test].op != IR_LESS_THAN && ir->ins[test].op != IR_GREATER_THAN) return false;
    Ref smaller = ir_args(ir, test)[ir->ins[test].op == IR_LESS_THAN ? 0 : 1];
    Ref larger = ir_args(ir, test)[ir->ins[test].op == IR_LESS_THAN ? 1 : 0];
    Ref variable = v->step > 0 ? smaller : larger, bound = v->step > 0 ? larger : smaller;
    return (variable == v->phi || variable == v->next) && is_of(ir, bound, IRT_INT);
}

// Is the only edge back to the header, from `latch`, taken only if the branch of this block goes to succ[0]?
static bool guards_back_edge(const Ir *ir, uint32_t block, uint32_t header, uint32_t latch) {
    uint32_t way = ir->blocks[block].succ[0];
    return way == header || (ir->blocks[way].num_preds == 1 && ir_dominates(ir, way, latch));
}

// Is the variable bounded? The tests that count are at the header and at the latch: where loops have them.
static bool is_bounded(const Ir *ir, const Induction *v) {
    uint32_t header = ir->ins[v->phi].block, latch = ir->blocks[header].preds[v->from_inside];
    const uint32_t places[] = {header, latch};
    for (unsigned i = 0; i < 2; i++) {
        Ref end = ir->blocks[places[i]].last;
        if (ir->ins[end].op != IR_BRANCH || !guards_back_edge(ir, places[i], header, latch)) continue;
        if (is_bound(ir, ir_args(ir, end)[0], v)) return true;
    }
    return false;
}

static bool find_induction(const Ir *ir, uint32_t loop, Ref phi, Induction *v) {
    const IrBlock *header = &ir->blocks[ir->loops[loop].header];
    if (header->num_preds != 2) return false;
    uint32_t inside = ir_loop_contains(ir, loop, header->preds[0]) ? 0 : 1;
    const Ref *args = ir_args(ir, phi);
    *v = (Induction){.phi = phi, .from_outside = 1 - inside, .from_inside = inside};
    v->start = args[v->from_outside];
    v->next = args[v->from_inside];
    if (!is_of(ir, v->start, IRT_INT) || !find_step(ir, v->next, phi, &v->step)) return false;
    return ir_preheader(ir, loop) != NO_BLOCK && is_bounded(ir, v);
}

// start * factor, before an instruction.
static Ref make_start(Ir *ir, const Induction *v, int32_t factor, Ref at) {
    double start;
    if (is_number_constant(ir, v->start, &start))
        return constant_before(ir, at, program_number(ir->program, start * factor));
    Ref c = constant_before(ir, at, value_from_int(factor));
    Ref product = ir_new2(ir, IR_MUL, v->start, c, ir->ins[v->next].pc);
    ir->ins[product].type = IRT_NUMBER;
    ir_insert_before(ir, at, product);
    return product;
}

// The variable that starts at start * factor and grows by step * factor.
static Ref make_product(Ir *ir, const Induction *v, int32_t factor) {
    uint32_t header = ir->ins[v->phi].block, preheader = ir->blocks[header].preds[v->from_outside];
    uint32_t pc = ir->ins[v->next].pc;
    Ref end = ir->blocks[preheader].last;
    Ref start = make_start(ir, v, factor, end);
    Ref step = constant_before(ir, end, program_number(ir->program, (double)v->step * factor));
    Ref product = ir_new_phi(ir, header, ir->ins[v->phi].pc);
    Ref next = ir_new2(ir, IR_ADD, product, step, pc);
    ir_insert_after(ir, v->next, next);
    ir_set_arg(ir, product, v->from_outside, start);
    ir_set_arg(ir, product, v->from_inside, next);
    ir->ins[product].type = ir->ins[next].type = IRT_NUMBER;
    return product;
}

// A product that each iteration computes, with a factor that qualifies.
static bool is_reducible(const Ir *ir, Ref user, const Induction *v, int32_t *factor) {
    uint32_t header = ir->ins[v->phi].block, latch = ir->blocks[header].preds[v->from_inside];
    if (!has_factor(ir, user, IR_MUL, v->phi, factor) || *factor <= 1) return false;
    return ir_dominates(ir, ir->ins[user].block, latch);
}

static void reduce_products(Ir *ir, const IrUses *uses, const Induction *v) {
    Ref product = NO_REF;
    int32_t factor = 0, known_factor = 0;
    for (uint32_t u = uses->first[v->phi]; u < uses->first[v->phi + 1]; u++) {
        Ref user = uses->users[u];
        if (!is_reducible(ir, user, v, &factor)) continue;
        if (factor != known_factor) product = make_product(ir, v, factor);
        known_factor = factor;
        ir_replace(ir, user, product);
    }
}

static void reduce_inductions(Ir *ir) {
    IrUses uses = ir_uses(ir);
    for (uint32_t loop = 1; loop < ir->num_loops; loop++)
        IR_EACH(ir, ir->loops[loop].header, ref) {
            Induction v;
            if (ir->ins[ref].op != IR_PHI) break;
            if (find_induction(ir, loop, ref, &v)) reduce_products(ir, &uses, &v);
        }
    ir_apply_replacements(ir);
    ir_uses_free(&uses);
}

void opt_strength(Ir *ir) {
    ir_remove_unreachable(ir);
    ir_make_preheaders(ir);
    ir_loops(ir);
    ir_infer_types(ir);
    reduce_all(ir);
    reduce_inductions(ir);
}
