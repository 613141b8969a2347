// Types: which kinds of value an instruction may produce.
// The inference is optimistic: it starts from "no value at all" everywhere and adds kinds until nothing changes,
// so that what goes round a loop does not spoil its own type. One walk over the function finds most types, since
// most operands come before their users; a value's users are told of its type only if one of them came earlier,
// or if the type has grown.
// Invariant: a type only grows, by one of seven kinds at a time: at most 7 visits to each use of a value.
// Method: the fixpoint over a finite lattice of Kildall, "A unified approach to global program optimization",
// POPL 1973, along the edges from definitions to uses.
#include <stdlib.h>

#include "ir/ir.h"
#include "object/number.h"

uint8_t ir_value_type(Value value) {
    if (value_is_int(value)) return IRT_INT;
    if (value_is_number(value)) return IRT_DOUBLE;
    if (value == VALUE_TRUE || value == VALUE_FALSE) return IRT_BOOL;
    if (value == VALUE_UNDEFINED) return IRT_UNDEFINED;
    if (value == VALUE_NULL) return IRT_NULL;
    return value_is_string(value) ? IRT_STRING : IRT_OBJECT;
}

static uint8_t arg_type(const Ir *ir, Ref ref, uint32_t i) { return ir->ins[ir_args(ir, ref)[i]].type; }

// a + b finishes for primitives only. It joins if either is a string.
static uint8_t add_type(uint8_t a, uint8_t b) {
    uint8_t type = IRT_NONE;
    if ((a | b) & IRT_STRING) type |= IRT_STRING;
    if (a & ~IRT_STRING && b & ~IRT_STRING) type |= IRT_NUMBER;
    return type;
}

static uint8_t phi_type(const Ir *ir, Ref ref) {
    uint8_t type = IRT_NONE;
    for (uint32_t i = 0; i < ir->ins[ref].num_args; i++) type |= arg_type(ir, ref, i);
    return type;
}

uint8_t ir_type_of(const Ir *ir, Ref ref) {
    const IrIns *ins = &ir->ins[ref];
    switch (ins->op) {
    default: return ir_info(ir, ref)->type;
    case IR_CONST: return ir_value_type((Value)ins->imm);
    case IR_PHI: return phi_type(ir, ref);
    case IR_GUARD_INT:
    case IR_GUARD_NUMBER:
    case IR_GUARD_SHAPE:
    case IR_TO_TAGGED:
    case IR_TO_I32:
    case IR_TO_F64: return ir_info(ir, ref)->type & arg_type(ir, ref, 0);
    case IR_ADD:
    case IR_SUB:
    case IR_MUL:
    case IR_DIV:
    case IR_MOD:
    case IR_LESS_THAN:
    case IR_GREATER_THAN: break;
    }
    uint8_t a = arg_type(ir, ref, 0) & IRT_PRIMITIVE, b = arg_type(ir, ref, 1) & IRT_PRIMITIVE;
    if (!a || !b) return IRT_NONE; // an operand that is an object in any case: an error
    return ins->op == IR_ADD ? add_type(a, b) : ir_info(ir, ref)->type;
}

// Inference.

enum { SEEN = 1, ASKED_FOR = 2, WAITING = 4 };

typedef struct Inference {
    Ir *ir;
    IrUses uses;
    uint8_t *state; // the walk has seen it; a user was seen before it; it is on the list
    Ref *work; // instructions whose type has grown since their users were told
    size_t num_work, cap_work;
} Inference;

static void tell_later(Inference *t, Ref ref) {
    if (t->state[ref] & WAITING) return;
    t->state[ref] |= WAITING;
    GROW(t->work, t->num_work, t->cap_work);
    t->work[t->num_work++] = ref;
}

static void see(Inference *t, Ref ref) {
    IrIns *ins = &t->ir->ins[ref];
    for (uint32_t i = 0; i < ins->num_args; i++) {
        uint8_t *operand = &t->state[ir_args(t->ir, ref)[i]];
        if (!(*operand & SEEN)) *operand |= ASKED_FOR;
    }
    ins->type = ir_type_of(t->ir, ref);
    t->state[ref] |= SEEN;
    if (t->state[ref] & ASKED_FOR && ins->type != IRT_NONE) tell_later(t, ref);
}

static void grow_type(Inference *t, Ref ref, uint8_t type) {
    IrIns *ins = &t->ir->ins[ref];
    if ((ins->type | type) == ins->type) return;
    ins->type |= type;
    tell_later(t, ref);
}

// A phi takes over the new kinds without looking at its other operands, which may be very many.
static void tell_users(Inference *t, Ref ref) {
    uint8_t type = t->ir->ins[ref].type;
    for (uint32_t i = t->uses.first[ref]; i < t->uses.first[ref + 1]; i++) {
        Ref user = t->uses.users[i];
        if (t->ir->ins[user].op == IR_PHI) grow_type(t, user, type);
        else grow_type(t, user, ir_type_of(t->ir, user));
    }
}

void ir_infer_types(Ir *ir) {
    if (ir->has_types) return;
    Inference t = {.ir = ir, .state = xcalloc(ir->num_ins, sizeof *t.state)};
    IR_ALL(ir, ref) ir->ins[ref].type = IRT_NONE;
    IR_ALL(ir, ref) see(&t, ref);
    if (t.num_work > 0) t.uses = ir_uses(ir);
    while (t.num_work > 0) {
        Ref ref = t.work[--t.num_work];
        t.state[ref] &= (uint8_t)~WAITING;
        tell_users(&t, ref);
    }
    ir_uses_free(&t.uses);
    free(t.work);
    free(t.state);
    ir->has_types = true;
}

// Effects.

bool ir_may_throw(const Ir *ir, Ref ref) {
    switch (ir->ins[ref].op) {
    default: return ir_info(ir, ref)->flags & IR_THROWS;
    case IR_ADD:
    case IR_SUB:
    case IR_MUL:
    case IR_DIV:
    case IR_MOD:
    case IR_LESS_THAN:
    case IR_GREATER_THAN: break;
    case IR_LENGTH: return arg_type(ir, ref, 0) & ~IRT_STRING;
    case IR_GET_PROPERTY: return arg_type(ir, ref, 0) & (IRT_UNDEFINED | IRT_NULL);
    }
    return (arg_type(ir, ref, 0) | arg_type(ir, ref, 1)) & IRT_OBJECT;
}

bool ir_has_effect(const Ir *ir, Ref ref) {
    const IrOpInfo *info = ir_info(ir, ref);
    return info->writes != MEM_NONE || info->flags & IR_CONTROL || ir_may_throw(ir, ref);
}
