// The reference interpreter: as plain as possible, because every other engine is checked against it.
//
// A frame's slots:   locals (parameters first) | operands      to lower addresses
//                    ^ locals                    ^ sp
// So the operands that an instruction pops are sp[0], sp[-1], ...: in the order in which they were pushed.
// Invariant: the verifier has accepted the program, so no check of depths or indices is needed.
#include "interp/interp.h"

#include "abi/natives.h"
#include "object/runtime.h"

// Is there room for so many bytes on the machine stack, and for C to call itself?
static bool has_room(const Vm *vm, size_t bytes) {
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    return here >= vm->stack_limit && here - vm->stack_limit >= bytes;
}

// C wants its arguments at rising addresses.
static void copy_operands(Value *args, const Value *first, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) args[i] = *(first - i);
}

// Calls; the first argument is *first.
static Value call(Vm *vm, uint32_t function, const Value *first, uint32_t num_args) {
    if (!has_room(vm, num_args * sizeof *first)) return vm_stack_overflow(vm);
    Value *args = __builtin_alloca((num_args + 1) * sizeof *args);
    copy_operands(args, first, num_args);
    return vm_call_with(vm, function, args, num_args);
}

static Value call_method(Vm *vm, ICCell *cell, const Value *first, uint32_t num_args) {
    const Callable *method = ic_method(vm, cell, first[0]);
    return method ? call(vm, method->index, first, num_args) : NO_VALUE;
}

static Value call_native(Vm *vm, const Native *native, const Value *first) {
    Value args[MAX_NATIVE_PARAMS];
    copy_operands(args, first, native->num_params);
    return native_call(vm, native, args);
}

// Instructions that tell the optimiser what they have seen.

static Value operate(Vm *vm, Operator op, Value a, Value b, Feedback *feedback) {
    Value result = runtime_operate(vm, op, a, b);
    feedback_operator(feedback, a, b, result);
    return result;
}

static bool is_in_array(Value object, Value index) {
    if (!value_is_array(object) || !value_is_int(index)) return false;
    return (uint32_t)value_to_int(index) < value_to_array(object)->length;
}

static bool is_hole(Value array, Value index) {
    return value_to_array(array)->elements->values[value_to_int(index)] == VALUE_HOLE;
}

static Value get_index(Vm *vm, Value object, Value index, Feedback *feedback) {
    if (!is_in_array(object, index) || is_hole(object, index)) *feedback |= FB_ELEMENT;
    return value_get_index(vm, object, index);
}

static bool set_index(Vm *vm, Value object, Value index, Value value, Feedback *feedback) {
    if (!is_in_array(object, index)) *feedback |= FB_ELEMENT;
    return value_set_index(vm, object, index, value);
}

static Value length(Vm *vm, Value object, Feedback *feedback) {
    if (!value_is_array(object)) *feedback |= FB_ELEMENT;
    return value_length(vm, object);
}

// Each instruction ends with `break`; one that fails leaves NO_VALUE as its result, or false in `ok`.
Value interp_run(Vm *vm, Frame *frame) {
    const uint32_t index = frame_callee(frame)->index;
    const Function *function = &vm->program->functions[index];
    const Instruction *code = function->bytecode;
    Feedback *feedback = vm->feedback[index];
    FrameInfo *info = frame_info(frame);
    size_t pc = info->pc;
    Value *locals = frame_slot(frame, 0);
    Value *sp = frame_slot(frame, function->num_locals + (uint32_t)function->depth[pc]); // the first free operand slot
    info->kind = FRAME_INTERP;
    vm->top_frame = frame;
    for (bool ok = true; ok;) {
        info->pc = (uint32_t)pc;
        Instruction ins = code[pc++];
        sp += instruction_pops(vm->program, ins);
        switch (ins.opcode) {
        case OP_LOAD_CONST: *sp = (Value)ins.operand; break;
        case OP_LOAD_LOCAL: *sp = *(locals - ins.operand); break;
        case OP_STORE_LOCAL: *(locals - ins.operand) = *sp; break;
        case OP_ADD:
        case OP_SUB:
        case OP_MUL:
        case OP_DIV:
        case OP_MOD:
        case OP_EQUAL:
        case OP_LESS_THAN:
        case OP_GREATER_THAN: *sp = operate(vm, operator_of(ins.opcode), sp[0], sp[-1], &feedback[info->pc]); break;
        case OP_JUMP: pc = (size_t)ins.operand; break;
        case OP_JUMP_IF_FALSE:
            if (!value_is_truthy(*sp)) pc = (size_t)ins.operand;
            break;
        case OP_CALL: *sp = call(vm, (uint32_t)ins.operand, sp, vm->program->functions[ins.operand].num_params); break;
        case OP_RETURN: return *sp;
        case OP_CALL_NATIVE: *sp = call_native(vm, &vm->program->natives[ins.operand], sp); break;
        case OP_POP: break;
        case OP_DUP: sp[-1] = sp[0]; break;
        case OP_NEW_OBJECT: *sp = runtime_new_object(vm, (uint32_t)ins.operand); break;
        case OP_GET_PROPERTY: *sp = ic_load(vm, ic_cell(vm, index, info->pc), sp[0]); break;
        case OP_SET_PROPERTY: ok = ic_store(vm, ic_cell(vm, index, info->pc), sp[0], sp[-1]); break;
        case OP_DELETE_PROPERTY: *sp = runtime_delete_property(vm, sp[0], (String *)(uintptr_t)ins.operand); break;
        case OP_CALL_METHOD: *sp = call_method(vm, ic_cell(vm, index, info->pc), sp, ins.num_args + 1); break;
        case OP_LOAD_FUNCTION: *sp = value_from_pointer(&vm->callables[ins.operand]); break;
        case OP_LOAD_PROTOTYPE: *sp = value_from_pointer(vm->classes[ins.operand].prototype); break;
        case OP_SET_PROTOTYPE: ok = value_set_prototype(vm, sp[0], sp[-1]); break;
        case OP_NEW_ARRAY: *sp = array_new(vm, (uint32_t)ins.operand, sp, -1); break;
        case OP_GET_INDEX: *sp = get_index(vm, sp[0], sp[-1], &feedback[info->pc]); break;
        case OP_SET_INDEX: ok = set_index(vm, sp[0], sp[-1], sp[-2], &feedback[info->pc]); break;
        case OP_LENGTH: *sp = length(vm, sp[0], &feedback[info->pc]); break;
        case NUM_OPCODES: break;
        }
        if (opcode_info[ins.opcode].pushes > 0) ok = *sp != NO_VALUE;
        sp -= opcode_info[ins.opcode].pushes;
    }
    return vm_fail_at(vm, index, info->pc);
}

// The slots of a new frame: what is missing of the arguments is undefined.
static void store_params(Frame *frame, const Function *function, const Value *args, size_t num_args) {
    for (uint32_t i = 0; i < function->num_params; i++)
        *frame_slot(frame, i) = i < num_args ? args[i] : VALUE_UNDEFINED;
}

// The frame lies where generated code would have it, on the machine stack; only that it keeps no arguments.
Value interp_call(Vm *vm, const Callable *callee, const Value *args, size_t num_args) {
    const Function *function = &vm->program->functions[callee->index];
    size_t size = frame_size(function->num_locals + function->max_depth, 0);
    if (!has_room(vm, size)) return vm_stack_overflow(vm);
    Frame *frame = (Frame *)((char *)__builtin_alloca(size + sizeof(Frame)) + size);
    *frame = (Frame){.caller = vm->top_frame};
    frame_set_callee(frame, callee);
    *frame_info(frame) = (FrameInfo){.num_args = (uint16_t)num_args, .kind = FRAME_INTERP};
    store_params(frame, function, args, num_args);
    Value result = interp_run(vm, frame);
    vm->top_frame = frame->caller;
    return result;
}
