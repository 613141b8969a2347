// Choosing representations.
// In:  IR in which all values are tagged.  Out: IR in which each value has a representation, and each use gets
// its operand in the one that it needs, by a conversion if necessary.
//
// A tagged number must be untagged before it is added to another, and the sum be tagged again; a double may need
// memory for that. So values stay untagged from the instruction that makes them to those that use them:
//
//     tagged   the Value: parameters, properties, elements, results of calls; what is passed, stored, returned
//     i32      the integer: add_int and the like, indices, lengths, comparisons of two integers
//     f64      the double: +, -, * and / of two numbers that are not both integers, comparisons of such
//
// What an instruction computes and what it needs follows from the types, for all but three kinds, which are
// untagged if that saves more conversions than it costs, each counted as often as its block probably runs: 8
// times for each loop around it.
//
//   - One phi's choice makes sense only together with those that feed it. So phis of integers that are connected
//     choose together, and so do phis of other numbers.
//   - A guard of a type hands its operand on as the uses want it; its tagged form is the operand itself.
//   - The sum of two integers that is not said to be one (no add_int) is tagged, or f64 for uses that want that.
//
// A frame state takes its operands as they are: whoever leaves by it knows how to read them.
//
// All uses of a value that need the same conversion share one. It stands in the block, of those that dominate
// the uses, that is in the fewest loops, and as late as possible: so the tagged form of a sum that a loop adds up
// is made behind the loop, and that of a value which is passed on in some rare case is made in this case.
//
// Each conversion keeps the value. In i32 and f64 it is the same number as in tagged form; and a double becomes
// a tagged integer again where it is one (value.h: each number has one representation). -0 is none.
//
// Sources: Leroy, "Unboxed objects and polymorphic typing", POPL 1992 (conversions between the representations
// of a value); Tarjan, "Efficiency of a good but not linear set union algorithm", Journal of the ACM 22(2), 1975
// (the connected phis); Click, "Global code motion, global value numbering", PLDI 1995 (the place).
#include "ir/represent.h"

#include <stdlib.h>

#include "base/fatal.h"
#include "object/number.h"

enum {
    ANY_REP = NUM_REPS, // what a frame state wants
    MAX_STEPS = 64,     // up the dominator tree, for each use, to find a conversion's place
};

// A use of a value: operand `i` of `user`.
typedef struct Demand {
    Ref user;
    uint32_t i;
} Demand;

typedef struct Represent {
    Ir *ir;
    Ref *leader;         // indexed by Ref: towards the phi that stands for all that are connected
    int64_t *gain;       // of being untagged; indexed by Ref, of a phi: by its leader
    Ref *tagged_form;    // indexed by Ref: the same value, as it was before it passed guards that untag
    uint32_t *place;     // indexed by Ref: the order of a block's instructions
    size_t *first_demand; // indexed by 3 * value + Rep
    Demand *demands;
    Arena arena;
} Represent;

// Types.

// Of these kinds and no others?
static bool is_of(const Ir *ir, Ref ref, uint8_t types) {
    uint8_t type = ir->ins[ref].type;
    return type != IRT_NONE && !(type & ~types);
}

static Rep rep_of_type(const Ir *ir, Ref ref) {
    if (is_of(ir, ref, IRT_INT)) return REP_I32;
    return is_of(ir, ref, IRT_NUMBER) ? REP_F64 : REP_TAGGED;
}

// In which representation are the two operands to be taken together?
static Rep rep_of_operands(const Ir *ir, Ref ref) {
    const Ref *args = ir_args(ir, ref);
    Rep a = rep_of_type(ir, args[0]), b = rep_of_type(ir, args[1]);
    if (a == REP_TAGGED || b == REP_TAGGED) return REP_TAGGED;
    return a == REP_I32 && b == REP_I32 ? REP_I32 : REP_F64;
}

// What is made and what is wanted.

static bool is_phi(const Ir *ir, Ref ref) { return ir->ins[ref].op == IR_PHI; }

// A guard that only says which type its operand has.
static bool is_type_guard(const Ir *ir, Ref ref) {
    return ir->ins[ref].op == IR_GUARD_INT || ir->ins[ref].op == IR_GUARD_NUMBER;
}

// Arithmetic on two integers with a result that may be none.
static bool may_leave_integers(const Ir *ir, Ref ref) {
    uint8_t op = ir->ins[ref].op;
    bool is_arithmetic = op == IR_ADD || op == IR_SUB || op == IR_MUL || op == IR_DIV;
    return is_arithmetic && rep_of_operands(ir, ref) == REP_I32;
}

// How the instruction makes its result, if it has no choice; else REP_TAGGED for now.
static Rep natural_rep(const Ir *ir, Ref ref) {
    switch (ir->ins[ref].op) {
    case IR_ADD:
    case IR_SUB:
    case IR_MUL:
    case IR_DIV: return rep_of_operands(ir, ref) == REP_F64 ? REP_F64 : REP_TAGGED;
    case IR_ADD_INT:
    case IR_SUB_INT:
    case IR_MUL_INT:
    case IR_DIV_INT:
    case IR_MOD_INT:
    case IR_GUARD_BOUNDS:
    case IR_ARRAY_LENGTH: return REP_I32;
    default: return REP_TAGGED;
    }
}

// How it wants its operand i: a Rep, or ANY_REP.
static unsigned wanted_rep(const Ir *ir, Ref ref, uint32_t i) {
    switch (ir->ins[ref].op) {
    case IR_STATE: return ANY_REP;
    case IR_PHI:
    case IR_ADD:
    case IR_SUB:
    case IR_MUL:
    case IR_DIV: return ir->ins[ref].rep;
    case IR_EQUAL:
    case IR_LESS_THAN:
    case IR_GREATER_THAN: return rep_of_operands(ir, ref);
    case IR_ADD_INT:
    case IR_SUB_INT:
    case IR_MUL_INT:
    case IR_DIV_INT:
    case IR_MOD_INT: return REP_I32;
    case IR_GUARD_BOUNDS: return i == 0 ? REP_I32 : REP_TAGGED;
    case IR_LOAD_ELEMENT:
    case IR_STORE_ELEMENT: return i == 1 ? REP_I32 : REP_TAGGED;
    default: return REP_TAGGED;
    }
}

static void choose_natural(Represent *r) {
    Ir *ir = r->ir;
    for (size_t b = 0; b < ir->num_rpo; b++)
        IR_EACH(ir, ir->order[b], ref)
            if (ir_has_result(ir, ref)) ir->ins[ref].rep = (uint8_t)natural_rep(ir, ref);
}

// Phis.

static Ref find_leader(Represent *r, Ref phi) {
    while (r->leader[phi] != phi) {
        r->leader[phi] = r->leader[r->leader[phi]]; // halve the path
        phi = r->leader[phi];
    }
    return phi;
}

// Phis of integers choose apart from those of other numbers: a counter is to stay an integer although a sum starts
// with it.
static bool choose_together(const Ir *ir, Ref phi, Ref other) {
    return is_phi(ir, other) && rep_of_type(ir, phi) == rep_of_type(ir, other);
}

static void connect(Represent *r, Ref phi) {
    for (uint32_t i = 0; i < r->ir->ins[phi].num_args; i++) {
        Ref operand = ir_args(r->ir, phi)[i];
        if (choose_together(r->ir, phi, operand)) r->leader[find_leader(r, operand)] = find_leader(r, phi);
    }
}

// How often a block probably runs.
static int64_t weight(const Ir *ir, uint32_t block) {
    enum { MAX_COUNTED = 8 };
    uint32_t depth = ir_loop_depth(ir, block);
    return (int64_t)1 << 3 * (depth < MAX_COUNTED ? depth : MAX_COUNTED);
}

// The block in which the operand is needed: a phi needs it where control comes from.
static uint32_t block_of_use(const Ir *ir, Ref user, uint32_t i) {
    uint32_t block = ir->ins[user].block;
    return is_phi(ir, user) ? ir->blocks[block].preds[i] : block;
}

// Comes the value as it is wanted? Of other phis that is assumed.
static bool adapts(const Ir *ir, Ref ref) {
    return is_phi(ir, ref) || ir_is_const(ir, ref) || is_type_guard(ir, ref) || may_leave_integers(ir, ref);
}

// Being fed by what is tagged costs a conversion, by what is not saves one. The same for uses.
static void count_operand(Represent *r, Ref phi, uint32_t i) {
    const Ir *ir = r->ir;
    Ref operand = ir_args(ir, phi)[i];
    if (adapts(ir, operand)) return;
    int64_t times = weight(ir, block_of_use(ir, phi, i));
    if (ir->ins[operand].rep == REP_TAGGED) times = -times;
    r->gain[find_leader(r, phi)] += times;
}

static void count_use(Represent *r, Ref user, uint32_t i) {
    const Ir *ir = r->ir;
    Ref phi = ir_args(ir, user)[i];
    if (!is_phi(ir, phi) || ir->ins[user].op == IR_STATE || may_leave_integers(ir, user)) return;
    int64_t times = weight(ir, ir->ins[user].block);
    r->gain[find_leader(r, phi)] += wanted_rep(ir, user, i) == REP_TAGGED ? -times : times;
}

static void count_operands(Represent *r, Ref ref) {
    for (uint32_t i = 0; i < r->ir->ins[ref].num_args; i++) {
        if (is_phi(r->ir, ref)) count_operand(r, ref, i);
        else count_use(r, ref, i);
    }
}

static void choose_phis(Represent *r) {
    Ir *ir = r->ir;
    r->leader = arena_array(&r->arena, ir->num_ins, sizeof *r->leader);
    r->gain = arena_array(&r->arena, ir->num_ins, sizeof *r->gain);
    for (Ref ref = 0; ref < ir->num_ins; ref++) r->leader[ref] = ref;
    for (size_t b = 0; b < ir->num_rpo; b++)
        IR_EACH(ir, ir->order[b], ref)
            if (is_phi(ir, ref)) connect(r, ref);
    for (size_t b = 0; b < ir->num_rpo; b++)
        IR_EACH(ir, ir->order[b], ref) count_operands(r, ref);
    for (size_t b = 0; b < ir->num_rpo; b++)
        IR_EACH(ir, ir->order[b], ref)
            if (is_phi(ir, ref) && r->gain[find_leader(r, ref)] > 0)
                ir->ins[ref].rep = (uint8_t)rep_of_type(ir, ref);
}

// Guards of types, and arithmetic that leaves the integers.

// To a guard, tagged uses do not matter.
static void ask_operand(Represent *r, Ref user, uint32_t i) {
    const Ir *ir = r->ir;
    Ref value = ir_args(ir, user)[i];
    unsigned wanted = wanted_rep(ir, user, i);
    int64_t times = weight(ir, block_of_use(ir, user, i));
    if (is_phi(ir, value) || wanted == ANY_REP || (wanted == REP_TAGGED && is_type_guard(ir, value))) return;
    r->gain[value] += wanted == REP_TAGGED ? -times : times;
}

static void choose_by_uses(Represent *r, Ref ref) {
    IrIns *ins = &r->ir->ins[ref];
    bool may_choose = is_type_guard(r->ir, ref) || may_leave_integers(r->ir, ref);
    if (may_choose && r->gain[ref] > 0) ins->rep = ins->op == IR_GUARD_INT ? REP_I32 : REP_F64;
}

// Uses come before what they use, or they are phis, which have chosen.
static void choose_backwards(Represent *r) {
    const Ir *ir = r->ir;
    for (size_t b = ir->num_rpo; b-- > 0;)
        for (Ref ref = ir->blocks[ir->order[b]].last; ref != NO_REF; ref = ir->ins[ref].prev) {
            choose_by_uses(r, ref);
            for (uint32_t i = 0; i < ir->ins[ref].num_args; i++) ask_operand(r, ref, i);
        }
}

// Tagged forms.

// The value as it was before guards untagged it. What dominates comes first: the operand's is known.
static Ref find_tagged_form(const Represent *r, Ref ref) {
    const Ir *ir = r->ir;
    bool is_guard = is_type_guard(ir, ref) || ir->ins[ref].op == IR_GUARD_BOUNDS;
    return is_guard && ir->ins[ref].rep != REP_TAGGED ? r->tagged_form[ir_args(ir, ref)[0]] : ref;
}

// Not where the guard is what excludes an error: that must show in the operand's type.
static void use_tagged_form(Represent *r, Ref user, uint32_t i) {
    Ir *ir = r->ir;
    Ref guarded = ir_args(ir, user)[i];
    bool may_throw = ir_may_throw(ir, user);
    if (wanted_rep(ir, user, i) != REP_TAGGED) return;
    ir_set_arg(ir, user, i, r->tagged_form[guarded]);
    if (ir_may_throw(ir, user) != may_throw) ir_set_arg(ir, user, i, guarded);
}

static void use_tagged_forms(Represent *r) {
    Ir *ir = r->ir;
    r->tagged_form = arena_array(&r->arena, ir->num_ins, sizeof *r->tagged_form);
    for (size_t b = 0; b < ir->num_rpo; b++)
        IR_EACH(ir, ir->order[b], ref) r->tagged_form[ref] = find_tagged_form(r, ref);
    for (size_t b = 0; b < ir->num_rpo; b++)
        IR_EACH(ir, ir->order[b], ref)
            for (uint32_t i = 0; i < ir->ins[ref].num_args; i++) use_tagged_form(r, ref, i);
}

// Demands, sorted by what they demand (a counting sort).

static void find_demands(Represent *r) {
    const Ir *ir = r->ir;
    r->first_demand = arena_array(&r->arena, NUM_REPS * ir->num_ins + 2, sizeof *r->first_demand);
    r->demands = arena_array(&r->arena, ir->num_args, sizeof *r->demands);
    size_t *next = r->first_demand + 1; // next[k] ends up as first_demand[k + 1]
    for (size_t b = 0; b < ir->num_rpo; b++)
        IR_EACH(ir, ir->order[b], ref)
            for (uint32_t i = 0; i < ir->ins[ref].num_args; i++) {
                unsigned wanted = wanted_rep(ir, ref, i);
                size_t k = NUM_REPS * (size_t)ir_args(ir, ref)[i] + wanted;
                if (wanted != ANY_REP) next[k + 1]++;
            }
    for (size_t k = 1; k <= NUM_REPS * ir->num_ins; k++) r->first_demand[k + 1] += r->first_demand[k];
    for (size_t b = 0; b < ir->num_rpo; b++)
        IR_EACH(ir, ir->order[b], ref)
            for (uint32_t i = 0; i < ir->ins[ref].num_args; i++) {
                unsigned wanted = wanted_rep(ir, ref, i);
                size_t k = NUM_REPS * (size_t)ir_args(ir, ref)[i] + wanted;
                if (wanted != ANY_REP) r->demands[next[k]++] = (Demand){ref, i};
            }
}

typedef struct DemandList {
    const Demand *first;
    size_t count;
} DemandList;

static DemandList demands_for(const Represent *r, Ref value, Rep rep) {
    size_t k = NUM_REPS * (size_t)value + rep, first = r->first_demand[k];
    return (DemandList){r->demands + first, r->first_demand[k + 1] - first};
}

// The place of a conversion.

// The last block that dominates all the uses; the definition's if that would take too long.
static uint32_t common_dominator(const Ir *ir, Ref value, DemandList list, size_t *steps) {
    uint32_t block = block_of_use(ir, list.first->user, list.first->i);
    for (size_t d = 1; d < list.count; d++) {
        uint32_t other = block_of_use(ir, list.first[d].user, list.first[d].i);
        while (!ir_dominates(ir, block, other)) {
            if ((*steps)-- == 0) return ir->ins[value].block;
            block = ir->blocks[block].idom;
        }
    }
    return block;
}

// From there up to the definition: the last block in the fewest loops.
static uint32_t find_block(const Ir *ir, Ref value, DemandList list) {
    size_t steps = MAX_STEPS * list.count;
    uint32_t block = common_dominator(ir, value, list, &steps), best = block;
    while (block != ir->ins[value].block) {
        if (steps-- == 0) return ir->ins[value].block;
        block = ir->blocks[block].idom;
        if (ir_loop_depth(ir, block) < ir_loop_depth(ir, best)) best = block;
    }
    return best;
}

// The end of a block, before its terminator; a comparison that the branch asks for stays next to it.
static Ref end_of(const Ir *ir, uint32_t block) {
    Ref end = ir->blocks[block].last, before = ir->ins[end].prev;
    if (ir->ins[end].op != IR_BRANCH || ir_args(ir, end)[0] != before) return end;
    uint8_t op = ir->ins[before].op;
    return op == IR_EQUAL || op == IR_LESS_THAN || op == IR_GREATER_THAN ? before : end;
}

// The instruction of the block before which the conversion belongs: the first that needs it.
static Ref find_place(const Represent *r, uint32_t block, DemandList list) {
    const Ir *ir = r->ir;
    Ref place = end_of(ir, block);
    for (size_t d = 0; d < list.count; d++) {
        Ref user = list.first[d].user;
        bool is_here = ir->ins[user].block == block && !is_phi(ir, user);
        if (is_here && r->place[user] < r->place[place]) place = user;
    }
    return place;
}

// Conversions.

static Ref insert_conversion(Ir *ir, Ref value, Rep rep, Ref before) {
    static const IrOp ops[NUM_REPS] = {[REP_TAGGED] = IR_TO_TAGGED, [REP_I32] = IR_TO_I32, [REP_F64] = IR_TO_F64};
    if (ir->ins[value].rep == REP_F64 && rep == REP_I32) value = insert_conversion(ir, value, REP_TAGGED, before);
    Ref conversion = ir_new1(ir, ops[rep], value, ir->ins[value].pc);
    ir->ins[conversion].type = ir->ins[value].type & ir_op_info[ops[rep]].type;
    ir->ins[conversion].rep = (uint8_t)rep;
    ir_insert_before(ir, before, conversion);
    return conversion;
}

// A constant is written down in the representation that is wanted; its imm is the Value in any case.
static Ref constant_in(Represent *r, Ref value, Rep rep) {
    Ir *ir = r->ir;
    Ref copy = value;
    if (demands_for(r, value, REP_TAGGED).count > 0 || ir->ins[value].rep != REP_TAGGED) {
        copy = ir_new_const(ir, (Value)ir->ins[value].imm, ir->ins[value].pc);
        ir_insert_after(ir, value, copy);
    }
    ir->ins[copy].rep = (uint8_t)rep;
    return copy;
}

static bool is_constant_in(const Ir *ir, Ref value, Rep rep) {
    uint8_t types = rep == REP_I32 ? IRT_INT : IRT_NUMBER;
    return ir_is_const(ir, value) && ir_value_type((Value)ir->ins[value].imm) & types;
}

static Ref convert(Represent *r, Ref value, Rep rep, DemandList list) {
    if (is_constant_in(r->ir, value, rep)) return constant_in(r, value, rep);
    uint32_t block = find_block(r->ir, value, list);
    return insert_conversion(r->ir, value, rep, find_place(r, block, list));
}

static void satisfy(Represent *r, Ref value) {
    for (Rep rep = REP_TAGGED; rep < NUM_REPS; rep++) {
        DemandList list = demands_for(r, value, rep);
        if (list.count == 0 || rep == r->ir->ins[value].rep) continue;
        Ref converted = convert(r, value, rep, list);
        for (size_t d = 0; d < list.count; d++) ir_set_arg(r->ir, list.first[d].user, list.first[d].i, converted);
    }
}

static void insert_conversions(Represent *r) {
    Ir *ir = r->ir;
    uint32_t next = 0;
    Ref num_values = (Ref)ir->num_ins; // without the conversions to come
    r->place = arena_array(&r->arena, ir->num_ins, sizeof *r->place);
    for (size_t b = 0; b < ir->num_rpo; b++)
        IR_EACH(ir, ir->order[b], ref) r->place[ref] = next++;
    find_demands(r);
    for (Ref value = 1; value < num_values; value++) satisfy(r, value);
}

void ir_represent(Ir *ir) {
    if (ir->has_reps) fatal("representations are chosen once");
    ir_remove_unreachable(ir);
    ir_split_critical_edges(ir);
    ir_loops(ir);
    ir_infer_types(ir);
    Represent r = {.ir = ir};
    choose_natural(&r);
    choose_phis(&r);
    choose_backwards(&r);
    use_tagged_forms(&r);
    insert_conversions(&r);
    ir->has_reps = true;
    arena_free(&r.arena);
}
