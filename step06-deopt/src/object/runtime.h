// What machine code calls for everything that it does not do itself, and the interpreter likewise. Each
// function takes the Vm first and returns a Value: NO_VALUE if it has recorded a run-time error. Those that
// have no result of their own return some value.
#ifndef OBJECT_RUNTIME_H
#define OBJECT_RUNTIME_H

#include "interp/vm.h"
#include "object/operators.h"

// The operator that an opcode applies.
Operator operator_of(Opcode opcode);

Value runtime_operate(Vm *vm, Operator op, Value a, Value b);
bool runtime_is_truthy(Value v);
Value runtime_new_object(Vm *vm, uint32_t class_index);
Value runtime_delete_property(Vm *vm, Value object, String *name);
Value runtime_set_prototype(Vm *vm, Value object, Value prototype);
Value runtime_get_index(Vm *vm, Value object, Value index);
Value runtime_set_index(Vm *vm, Value object, Value index, Value value);
Value runtime_length(Vm *vm, Value object);

// A new array of `length` elements, all undefined.
Value runtime_new_array_of(Vm *vm, uint32_t length);

// A new array of the top operands of machine code's stack, the last one at the lowest address.
Value runtime_new_array(Vm *vm, uint32_t length, const Value *last_element);

#endif
