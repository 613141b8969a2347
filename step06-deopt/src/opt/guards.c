#include "opt/guards.h"

#include <stdlib.h>

#include "object/value.h"

static Ref operand(const Ir *ir, Ref ref) { return ir_args(ir, ref)[0]; }
static uint8_t operand_type(const Ir *ir, Ref ref) { return ir->ins[operand(ir, ref)].type; }

bool shape_is_fixed(uint32_t shape) { return shape < FIRST_OBJECT_SHAPE; }

static bool has_type(const Ir *ir, Ref ref, uint8_t types) {
    uint8_t type = operand_type(ir, ref);
    return type != IRT_NONE && !(type & ~types);
}

// Does the operand's definition show that it is of the shape?
static bool has_shape(const Ir *ir, Ref ref) {
    const IrIns *by = &ir->ins[operand(ir, ref)];
    uint32_t shape = ir->ins[ref].aux;
    switch (by->op) {
    case IR_NEW_ARRAY: return shape == SHAPE_ARRAY;
    case IR_LOAD_FUNCTION: return shape == SHAPE_FUNCTION;
    case IR_GUARD_SHAPE: return by->aux == shape && shape_is_fixed(shape);
    default: return false;
    }
}

bool guard_is_proven(const Ir *ir, Ref ref) {
    switch (ir->ins[ref].op) {
    case IR_GUARD_INT: return has_type(ir, ref, IRT_INT);
    case IR_GUARD_NUMBER: return has_type(ir, ref, IRT_NUMBER);
    case IR_GUARD_SHAPE: return has_shape(ir, ref);
    default: return false;
    }
}

// Arithmetic raises an error for objects only, and so does an index. Undefined and null have no properties, and
// almost everything lacks a length. That the types of later instructions exclude these errors may follow from the
// guard, too.
bool guard_stands_for_error(const Ir *ir, Ref ref) {
    switch (ir->ins[ref].op) {
    case IR_GUARD_INT:
    case IR_GUARD_NUMBER: return operand_type(ir, ref) & (IRT_OBJECT | IRT_UNDEFINED | IRT_NULL);
    case IR_GUARD_SHAPE:
        if (has_shape(ir, ref)) return false;
        return shape_is_fixed(ir->ins[ref].aux) || operand_type(ir, ref) & (IRT_UNDEFINED | IRT_NULL);
    default: return false;
    }
}

void rely_on_type(Ir *ir, Ref value) {
    if (!ir_is_const(ir, value)) ir->ins[value].is_relied_on = true;
}

bool guard_must_stay(const Ir *ir, Ref ref) { return ir->ins[ref].is_relied_on || guard_stands_for_error(ir, ref); }

bool has_guards(const Ir *ir) {
    for (uint32_t b = 0; b < ir->num_blocks; b++)
        IR_EACH(ir, b, ref)
            if (ir_is_guard(ir, ref)) return true;
    return false;
}

Ref object_of(const Ir *ir, Ref ref) {
    Ref object = operand(ir, ref);
    return ir->ins[object].op == IR_GUARD_SHAPE ? operand(ir, object) : object;
}

void remove_idle_states(Ir *ir) {
    bool *is_used = xcalloc(ir->num_ins, sizeof *is_used);
    for (uint32_t b = 0; b < ir->num_blocks; b++)
        IR_EACH(ir, b, ref) is_used[ir->ins[ref].state] = true;
    for (uint32_t b = 0; b < ir->num_blocks; b++)
        IR_EACH(ir, b, ref)
            if (ir->ins[ref].op == IR_STATE && !is_used[ref]) ir_remove(ir, ref);
    free(is_used);
}
