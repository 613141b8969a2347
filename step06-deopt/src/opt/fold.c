#include "opt/fold.h"

#include "object/operators.h"

// The operator that an instruction applies; NUM_OPERATORS if none.
static Operator operator_of(IrOp op) {
    switch (op) {
    case IR_ADD: return OPERATOR_ADD;
    case IR_SUB: return OPERATOR_SUB;
    case IR_MUL: return OPERATOR_MUL;
    case IR_DIV: return OPERATOR_DIV;
    case IR_MOD: return OPERATOR_MOD;
    case IR_EQUAL: return OPERATOR_EQUAL;
    case IR_LESS_THAN: return OPERATOR_LESS_THAN;
    case IR_GREATER_THAN: return OPERATOR_GREATER_THAN;
    case IR_ADD_INT: return OPERATOR_ADD;
    case IR_SUB_INT: return OPERATOR_SUB;
    case IR_MUL_INT: return OPERATOR_MUL;
    case IR_DIV_INT: return OPERATOR_DIV;
    case IR_MOD_INT: return OPERATOR_MOD;
    default: return NUM_OPERATORS;
    }
}

// The operator allocates a result that fits no word; a heap for one number, here on the stack, is where it
// finds room. What it finds is then made a constant of the program.
Value fold_operation(Ir *ir, IrOp op, Value a, Value b) {
    Operator operator = operator_of(op);
    if (operator == NUM_OPERATORS) return NO_VALUE;
    if (operator == OPERATOR_ADD && (value_is_string(a) || value_is_string(b))) return NO_VALUE;
    HeapNumber room;
    uint8_t *start = (uint8_t *)&room;
    Heap heap = {.next = start, .end = start + sizeof room, .start = start, .size = sizeof room};
    Value result = operator_apply(&heap, operator, a, b);
    if (ir_op_info[op].flags & IR_GUARDS && !value_is_int(result)) return NO_VALUE; // the guard fails
    bool is_number = result != NO_VALUE && value_is_number(result);
    return is_number ? program_number(ir->program, number_to_double(result)) : result;
}

bool constants_are_same(Value a, Value b) {
    if (a == b) return true;
    if (!value_is(a, TYPE_NUMBER) || !value_is(b, TYPE_NUMBER)) return false;
    return number_to_double(a) == number_to_double(b); // of heap numbers: of NaN and -0 there is one each
}

Truth truth_of_type(uint8_t type) {
    if (type == IRT_NONE) return UNKNOWN_TRUTH;
    if (!(type & ~IRT_OBJECT)) return ALWAYS_TRUE;
    if (!(type & ~(IRT_UNDEFINED | IRT_NULL))) return ALWAYS_FALSE;
    return UNKNOWN_TRUTH;
}
