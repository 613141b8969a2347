// The reference interpreter: as plain as possible, because every other engine is checked against it.
//
// A call's slots:   locals (parameters first) | operands
//                   ^ locals                    ^ sp grows upwards
// The operands that the caller pushed for a call are the arguments, in order.
// Invariant: the verifier has accepted the program, so no check of depths or indices is needed.
#include "interp/interp.h"

#include <string.h>

#include "abi/natives.h"
#include "object/runtime.h"

static Value call_method(Vm *vm, ICCell *cell, const Value *args, uint32_t num_args) {
    const Callable *method = ic_method(vm, cell, args[0]);
    return method ? vm_call_adapted(vm, method->index, args, num_args) : NO_VALUE;
}

// Each instruction ends with `break`; one that fails leaves NO_VALUE as its result, or false in `ok`.
static Value execute(Vm *vm, uint32_t index, Value *locals) {
    const Function *function = &vm->program->functions[index];
    const Instruction *code = function->bytecode;
    Value *sp = locals + function->num_locals; // the first free operand slot
    size_t pc = 0;
    for (bool ok = true; ok;) {
        Instruction ins = code[pc++];
        sp -= instruction_pops(vm->program, ins);
        switch (ins.opcode) {
        case OP_LOAD_CONST: *sp = (Value)ins.operand; break;
        case OP_LOAD_LOCAL: *sp = locals[ins.operand]; break;
        case OP_STORE_LOCAL: locals[ins.operand] = *sp; break;
        case OP_ADD:
        case OP_SUB:
        case OP_MUL:
        case OP_DIV:
        case OP_MOD:
        case OP_EQUAL:
        case OP_LESS_THAN:
        case OP_GREATER_THAN: *sp = runtime_operate(vm, operator_of(ins.opcode), sp[0], sp[1]); break;
        case OP_JUMP: pc = (size_t)ins.operand; break;
        case OP_JUMP_IF_FALSE:
            if (!value_is_truthy(*sp)) pc = (size_t)ins.operand;
            break;
        case OP_CALL: *sp = vm_call(vm, (uint32_t)ins.operand, sp); break;
        case OP_RETURN: return *sp;
        case OP_CALL_NATIVE: *sp = native_call(vm, &vm->program->natives[ins.operand], sp); break;
        case OP_POP: break;
        case OP_DUP: sp[1] = sp[0]; break;
        case OP_NEW_OBJECT: *sp = runtime_new_object(vm, (uint32_t)ins.operand); break;
        case OP_GET_PROPERTY: *sp = ic_load(vm, ic_cell(vm, index, (uint32_t)pc - 1), sp[0]); break;
        case OP_SET_PROPERTY: ok = ic_store(vm, ic_cell(vm, index, (uint32_t)pc - 1), sp[0], sp[1]); break;
        case OP_DELETE_PROPERTY: *sp = runtime_delete_property(vm, sp[0], (String *)(uintptr_t)ins.operand); break;
        case OP_CALL_METHOD: *sp = call_method(vm, ic_cell(vm, index, (uint32_t)pc - 1), sp, ins.num_args + 1); break;
        case OP_LOAD_FUNCTION: *sp = value_from_pointer(&vm->callables[ins.operand]); break;
        case OP_LOAD_PROTOTYPE: *sp = value_from_pointer(vm->classes[ins.operand].prototype); break;
        case OP_SET_PROTOTYPE: ok = value_set_prototype(vm, sp[0], sp[1]); break;
        case OP_NEW_ARRAY: *sp = array_new(vm, (uint32_t)ins.operand, sp, 1); break;
        case OP_GET_INDEX: *sp = value_get_index(vm, sp[0], sp[1]); break;
        case OP_SET_INDEX: ok = value_set_index(vm, sp[0], sp[1], sp[2]); break;
        case OP_LENGTH: *sp = value_length(vm, sp[0]); break;
        case NUM_OPCODES: break;
        }
        if (opcode_info[ins.opcode].pushes > 0) ok = *sp != NO_VALUE;
        sp += opcode_info[ins.opcode].pushes;
    }
    return vm_fail_at(vm, index, (uint32_t)pc - 1);
}

// Is there room on both stacks: slots for this call, and machine stack for C to call itself?
static bool has_room(const Vm *vm, const Function *function) {
    size_t wanted = (size_t)function->num_locals + function->max_depth;
    if ((uintptr_t)__builtin_frame_address(0) < vm->stack_limit) return false;
    return (size_t)(vm->slots_end - vm->slots_free) >= wanted;
}

Value interp_run(Vm *vm, uint32_t index, const Value *args) {
    const Function *function = &vm->program->functions[index];
    if (!has_room(vm, function)) return vm_stack_overflow(vm);
    Value *locals = vm->slots_free;
    vm->slots_free += (size_t)function->num_locals + function->max_depth;
    if (function->num_params) memcpy(locals, args, function->num_params * sizeof *args);
    Value result = execute(vm, index, locals);
    vm->slots_free = locals;
    return result;
}
