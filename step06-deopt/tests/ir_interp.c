#include "ir_interp.h"

#include <stdlib.h>

#include "abi/natives.h"
#include "base/fatal.h"
#include "interp/interp.h"
#include "object/ic.h"
#include "object/operators.h"
#include "object/runtime.h"

// One call in progress.
typedef struct Activation {
    IrMachine *machine;
    const Ir *ir;
    const Value *args;
    uint64_t *values;  // of each instruction, in its representation
    uint64_t *scratch; // operands of the current one
} Activation;

// What an instruction gives instead of a result if its guard fails: in no representation a result.
#define GUARD_FAILED UINT64_MAX

static Value call(IrMachine *m, uint32_t function, const Value *args) {
    const Ir *ir = m->irs ? m->irs[function] : NULL;
    return ir ? ir_interp_run(m, ir, args) : vm_call(m->vm, function, args);
}

// Representations.

static int32_t to_i32(uint64_t bits) { return (int32_t)(uint32_t)bits; }
static uint64_t from_i32(int32_t i) { return (uint32_t)i; }
static uint64_t from_double(double d) { return double_bits(d); }
static double to_double(uint64_t bits) { return double_from_bits(bits); }

static uint64_t untag(Value value, Rep rep) {
    if (rep == REP_TAGGED) return value;
    return rep == REP_I32 ? from_i32(value_to_int(value)) : from_double(number_to_double(value));
}

static Value tag(Vm *vm, uint64_t bits, Rep rep) {
    if (rep == REP_TAGGED) return bits;
    return rep == REP_I32 ? value_from_int(to_i32(bits)) : number_from_double(&vm->heap, to_double(bits));
}

// Arithmetic and comparisons: how, the representation of the first operand says.

static double compute_double(IrOp op, double a, double b) {
    switch (op) {
    case IR_ADD: return a + b;
    case IR_SUB: return a - b;
    case IR_MUL: return a * b;
    case IR_DIV: return a / b;
    default: fatal("%s of doubles", ir_op_info[op].mnemonic);
    }
}

static bool compare(IrOp op, double a, double b) { return op == IR_EQUAL ? a == b : op == IR_LESS_THAN ? a < b : a > b; }

static uint64_t operate(Vm *vm, IrOp op, Operator operator, Rep rep, const uint64_t *a) {
    bool compares = op == IR_EQUAL || op == IR_LESS_THAN || op == IR_GREATER_THAN;
    if (rep == REP_TAGGED) return runtime_operate(vm, operator, a[0], a[1]);
    if (rep == REP_I32) return value_from_bool(compare(op, to_i32(a[0]), to_i32(a[1])));
    if (compares) return value_from_bool(compare(op, to_double(a[0]), to_double(a[1])));
    return from_double(compute_double(op, to_double(a[0]), to_double(a[1])));
}

// Of integers, with a result that must be one.
static uint64_t operate_int(Rep rep, Operator operator, const uint64_t *a) {
    uint8_t room[sizeof(HeapNumber)] __attribute__((aligned(16)));
    Heap heap = {.next = room, .end = room + sizeof room, .start = room, .size = sizeof room};
    Value x = rep == REP_I32 ? value_from_int(to_i32(a[0])) : a[0];
    Value y = rep == REP_I32 ? value_from_int(to_i32(a[1])) : a[1];
    if (!values_are_ints(x, y)) fatal("the operands of %s are no integers", operator_names[operator]);
    Value result = operator_apply(&heap, operator, x, y);
    return value_is_int(result) ? untag(result, rep) : GUARD_FAILED;
}

// Guards and what they guard. Before representations are chosen, everything is tagged.

static bool has_shape(Value object, uint32_t shape) {
    return value_is_pointer(object) && value_header(object)->shape == shape;
}

static uint64_t pass(bool passes, uint64_t value) { return passes ? value : GUARD_FAILED; }

static Value *field(Value object, const IrIns *ins) { return (Value *)((char *)value_to_pointer(object) + ins->aux); }

static uint64_t index_of(const Activation *f, uint64_t bits) {
    return f->ir->has_reps ? (uint64_t)(int64_t)to_i32(bits) : (uint64_t)(int64_t)value_to_int(bits);
}

static Value *element(const Activation *f, uint64_t array, uint64_t index) {
    const Array *a = value_to_array(array);
    uint64_t i = index_of(f, index);
    if (i >= a->length) fatal("index %d is out of bounds", (int)i);
    return &a->elements->values[i];
}

static uint64_t load_element(const Activation *f, const uint64_t *a) {
    Value value = *element(f, a[0], a[1]);
    return pass(value != VALUE_HOLE, value);
}

static Value call_method(const Activation *f, ICCell *cell, uint32_t num_args) {
    const Callable *method = ic_method(f->machine->vm, cell, f->scratch[0]);
    return method ? vm_call_with(f->machine->vm, method->index, f->scratch, num_args) : NO_VALUE;
}

static Value some(bool ok) { return ok ? VALUE_UNDEFINED : NO_VALUE; }

static uint64_t store(Value *place, Value value) {
    *place = value;
    return VALUE_UNDEFINED;
}

static uint64_t set_shape(Value object, uint32_t shape) {
    value_header(object)->shape = shape;
    return VALUE_UNDEFINED;
}

static uint64_t compute(const Activation *f, const IrIns *ins, Rep rep) {
    Vm *vm = f->machine->vm;
    const uint64_t *a = f->scratch;
    uint32_t function = f->ir->function_index;
    switch ((IrOp)ins->op) {
    case IR_PARAM: return f->args[ins->aux];
    case IR_CONST: return untag((Value)ins->imm, ins->rep);
    case IR_LOAD_FUNCTION: return value_from_pointer(&vm->callables[ins->aux]);
    case IR_ADD: return operate(vm, ins->op, OPERATOR_ADD, rep, a);
    case IR_SUB: return operate(vm, ins->op, OPERATOR_SUB, rep, a);
    case IR_MUL: return operate(vm, ins->op, OPERATOR_MUL, rep, a);
    case IR_DIV: return operate(vm, ins->op, OPERATOR_DIV, rep, a);
    case IR_MOD: return operate(vm, ins->op, OPERATOR_MOD, rep, a);
    case IR_EQUAL: return operate(vm, ins->op, OPERATOR_EQUAL, rep, a);
    case IR_LESS_THAN: return operate(vm, ins->op, OPERATOR_LESS_THAN, rep, a);
    case IR_GREATER_THAN: return operate(vm, ins->op, OPERATOR_GREATER_THAN, rep, a);
    case IR_GET_PROPERTY: return ic_load(vm, ic_cell(vm, function, ins->pc), a[0]);
    case IR_SET_PROPERTY: return some(ic_store(vm, ic_cell(vm, function, ins->pc), a[0], a[1]));
    case IR_DELETE_PROPERTY: return runtime_delete_property(vm, a[0], (String *)(uintptr_t)ins->imm);
    case IR_CALL_METHOD: return call_method(f, ic_cell(vm, function, ins->pc), ins->num_args);
    case IR_NEW_OBJECT: return runtime_new_object(vm, ins->aux);
    case IR_LOAD_PROTOTYPE: return value_from_pointer(vm->classes[ins->aux].prototype);
    case IR_SET_PROTOTYPE: return some(value_set_prototype(vm, a[0], a[1]));
    case IR_NEW_ARRAY: return array_new(vm, ins->num_args, a, 1);
    case IR_GET_INDEX: return value_get_index(vm, a[0], a[1]);
    case IR_SET_INDEX: return some(value_set_index(vm, a[0], a[1], a[2]));
    case IR_LENGTH: return value_length(vm, a[0]);
    case IR_CALL: return call(f->machine, ins->aux, a);
    case IR_CALL_NATIVE: return native_call(vm, &vm->program->natives[ins->aux], a);
    case IR_STATE: return VALUE_UNDEFINED;
    case IR_GUARD_INT: return value_is_int(a[0]) ? untag(a[0], ins->rep) : GUARD_FAILED;
    case IR_GUARD_NUMBER: return value_is_number(a[0]) ? untag(a[0], ins->rep) : GUARD_FAILED;
    case IR_GUARD_SHAPE: return pass(has_shape(a[0], ins->aux), a[0]);
    case IR_GUARD_BOUNDS: return pass(index_of(f, a[0]) < value_to_array(a[1])->length, a[0]);
    case IR_ADD_INT: return operate_int(ins->rep, OPERATOR_ADD, a);
    case IR_SUB_INT: return operate_int(ins->rep, OPERATOR_SUB, a);
    case IR_MUL_INT: return operate_int(ins->rep, OPERATOR_MUL, a);
    case IR_DIV_INT: return operate_int(ins->rep, OPERATOR_DIV, a);
    case IR_MOD_INT: return operate_int(ins->rep, OPERATOR_MOD, a);
    case IR_LOAD_FIELD: return *field(a[0], ins);
    case IR_STORE_FIELD: return store(field(a[0], ins), a[1]);
    case IR_SET_SHAPE: return set_shape(a[0], ins->aux);
    case IR_ARRAY_LENGTH: return untag(value_from_int((int32_t)value_to_array(a[0])->length), ins->rep);
    case IR_LOAD_ELEMENT: return load_element(f, a);
    case IR_STORE_ELEMENT: return store(element(f, a[0], a[1]), a[2]);
    case IR_TO_TAGGED: return tag(vm, a[0], rep);
    case IR_TO_I32: return untag(a[0], REP_I32);
    case IR_TO_F64: return rep == REP_I32 ? from_double(to_i32(a[0])) : from_double(number_to_double(a[0]));
    case IR_NOP:
    case IR_PHI:
    case IR_JUMP:
    case IR_BRANCH:
    case IR_RETURN:
    case NUM_IR_OPS: break;
    }
    fatal("%s cannot be computed", ir_op_info[ins->op].mnemonic);
}

// All phis of a block at once: first read, then write.
static void enter_block(const Activation *f, uint32_t block, uint32_t pred_at) {
    uint64_t *next = f->scratch;
    IR_EACH(f->ir, block, ref) {
        if (f->ir->ins[ref].op != IR_PHI) break;
        *next++ = f->values[ir_args(f->ir, ref)[pred_at]];
    }
    next = f->scratch;
    IR_EACH(f->ir, block, ref) {
        if (f->ir->ins[ref].op != IR_PHI) break;
        f->values[ref] = *next++;
    }
}

// Leaving.

static Value leave(const Activation *f, Ref guard) {
    IrMachine *m = f->machine;
    const IrIns *state = &f->ir->ins[f->ir->ins[guard].state];
    IrDeopt deopt = {.ir = f->ir, .guard = guard, .pc = state->pc, .num_slots = state->num_args};
    deopt.slots = xcalloc(state->num_args, sizeof *deopt.slots);
    for (uint32_t i = 0; i < state->num_args; i++) {
        Ref value = f->ir->args[state->first_arg + i];
        deopt.slots[i] = tag(m->vm, f->values[value], f->ir->ins[value].rep);
    }
    m->num_deopts++;
    m->last_deopt = deopt;
    if (!m->on_deopt) return NO_VALUE;
    Value result = m->on_deopt(m, &deopt);
    free(deopt.slots);
    m->last_deopt.slots = NULL;
    return result;
}

Value ir_interp_resume(IrMachine *machine, const IrDeopt *deopt) {
    Vm *vm = machine->vm;
    const Function *function = ir_function(deopt->ir);
    size_t size = frame_size(function->num_locals + function->max_depth, 0);
    char *memory = __builtin_alloca(size + sizeof(Frame));
    Frame *frame = (Frame *)(memory + size);
    *frame = (Frame){.caller = vm->top_frame};
    frame_set_callee(frame, &vm->callables[deopt->ir->function_index]);
    *frame_info(frame) = (FrameInfo){.pc = deopt->pc, .kind = FRAME_INTERP};
    for (uint32_t i = 0; i < deopt->num_slots; i++) *frame_slot(frame, i) = deopt->slots[i];
    Value result = interp_run(vm, frame);
    vm->top_frame = frame->caller;
    return result;
}

typedef enum Step {
    STEP_ON,
    STEP_FAILED,
    STEP_LEFT, // a guard has failed
} Step;

static Step execute(const Activation *f, Ref ref) {
    const IrIns *ins = &f->ir->ins[ref];
    IrMachine *m = f->machine;
    for (uint32_t i = 0; i < ins->num_args; i++) f->scratch[i] = f->values[ir_args(f->ir, ref)[i]];
    Rep rep = ins->num_args ? f->ir->ins[ir_args(f->ir, ref)[0]].rep : REP_TAGGED;
    if (ir_is_guard(f->ir, ref) && ++m->num_guards == m->fail_at) return STEP_LEFT;
    f->values[ref] = compute(f, ins, rep);
    if (ir_is_guard(f->ir, ref) && f->values[ref] == GUARD_FAILED) return STEP_LEFT;
    // An integer or a double may be a word of zeros.
    if (f->values[ref] != NO_VALUE || ins->rep != REP_TAGGED) return STEP_ON;
    if (!m->ran_out) vm_fail_at(m->vm, f->ir->function_index, ins->pc);
    return STEP_FAILED;
}

static Value run(const Activation *f) {
    const Ir *ir = f->ir;
    for (uint32_t block = 0;;) {
        Ref last = ir->blocks[block].last;
        for (Ref ref = ir->blocks[block].first; ref != last; ref = ir->ins[ref].next) {
            Step step = ir->ins[ref].op == IR_PHI ? STEP_ON : execute(f, ref);
            if (step != STEP_ON) return step == STEP_LEFT ? leave(f, ref) : NO_VALUE;
            if (f->machine->steps-- == 0) f->machine->ran_out = true;
        }
        if (f->machine->steps-- == 0) f->machine->ran_out = true;
        if (f->machine->ran_out) return NO_VALUE;
        Ref *operand = ir_args(ir, last);
        if (ir->ins[last].op == IR_RETURN) return f->values[*operand];
        uint32_t s = ir->ins[last].op == IR_BRANCH && !value_is_truthy(f->values[*operand]);
        uint32_t at = ir->blocks[block].pred_at[s];
        block = ir->blocks[block].succ[s];
        enter_block(f, block, at);
    }
}

Value ir_interp_run(IrMachine *machine, const Ir *ir, const Value *args) {
    if ((uintptr_t)__builtin_frame_address(0) < machine->vm->stack_limit) return vm_stack_overflow(machine->vm);
    Activation frame = {.machine = machine, .ir = ir, .args = args};
    frame.values = xcalloc(ir->num_ins, sizeof *frame.values);
    frame.scratch = xcalloc(ir->num_ins + ir->num_args, sizeof *frame.scratch);
    Value result = run(&frame);
    free(frame.values);
    free(frame.scratch);
    return result;
}
