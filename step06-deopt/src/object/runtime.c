#include "object/runtime.h"

Operator operator_of(Opcode opcode) {
    switch (opcode) {
    case OP_SUB: return OPERATOR_SUB;
    case OP_MUL: return OPERATOR_MUL;
    case OP_DIV: return OPERATOR_DIV;
    case OP_MOD: return OPERATOR_MOD;
    case OP_EQUAL: return OPERATOR_EQUAL;
    case OP_LESS_THAN: return OPERATOR_LESS_THAN;
    case OP_GREATER_THAN: return OPERATOR_GREATER_THAN;
    default: return OPERATOR_ADD;
    }
}

static Value operator_error(Vm *vm, Operator op, Value a, Value b) {
    if (value_is_primitive(a) && value_is_primitive(b)) return vm_fail(vm, RUN_OUT_OF_MEMORY, "out of memory");
    return vm_fail(vm, RUN_TYPE_ERROR, "cannot compute %s %s %s", value_describe(a), operator_names[op],
                   value_describe(b));
}

Value runtime_operate(Vm *vm, Operator op, Value a, Value b) {
    Value result = operator_apply(&vm->heap, op, a, b);
    return result ? result : operator_error(vm, op, a, b);
}

bool runtime_is_truthy(Value v) { return value_is_truthy(v); }

Value runtime_new_object(Vm *vm, uint32_t class_index) {
    return value_from_pointer(object_new(vm, vm->classes[class_index].root));
}

Value runtime_delete_property(Vm *vm, Value object, String *name) {
    return value_delete_property(vm, object, name) ? VALUE_TRUE : NO_VALUE;
}

Value runtime_set_prototype(Vm *vm, Value object, Value prototype) {
    return value_set_prototype(vm, object, prototype) ? object : NO_VALUE;
}

Value runtime_get_index(Vm *vm, Value object, Value index) { return value_get_index(vm, object, index); }

Value runtime_set_index(Vm *vm, Value object, Value index, Value value) {
    return value_set_index(vm, object, index, value) ? object : NO_VALUE;
}

Value runtime_length(Vm *vm, Value object) { return value_length(vm, object); }

Value runtime_new_array(Vm *vm, uint32_t length, const Value *last_element) {
    return array_new(vm, length, length ? last_element + (length - 1) : NULL, -1);
}

Value runtime_new_array_of(Vm *vm, uint32_t length) {
    static const Value nothing = VALUE_UNDEFINED;
    return array_new(vm, length, &nothing, 0);
}
