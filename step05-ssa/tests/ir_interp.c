#include "ir_interp.h"

#include <stdlib.h>

#include "abi/natives.h"
#include "base/fatal.h"
#include "object/ic.h"
#include "object/runtime.h"

// One call in progress.
typedef struct Frame {
    IrMachine *machine;
    const Ir *ir;
    const Value *args;
    Value *values;  // of each instruction
    Value *scratch; // operands of the current one
} Frame;

static Value call(IrMachine *m, uint32_t function, const Value *args) {
    const Ir *ir = m->irs ? m->irs[function] : NULL;
    return ir ? ir_interp_run(m, ir, args) : vm_call(m->vm, function, args);
}

static Value call_method(const Frame *f, ICCell *cell, uint32_t num_args) {
    const Callable *method = ic_method(f->machine->vm, cell, f->scratch[0]);
    return method ? vm_call_adapted(f->machine->vm, method->index, f->scratch, num_args) : NO_VALUE;
}

static Value some(bool ok) { return ok ? VALUE_UNDEFINED : NO_VALUE; }

static Value compute(const Frame *f, const IrIns *ins) {
    Vm *vm = f->machine->vm;
    const Value *a = f->scratch;
    uint32_t function = f->ir->function_index;
    switch ((IrOp)ins->op) {
    case IR_PARAM: return f->args[ins->aux];
    case IR_CONST: return (Value)ins->imm;
    case IR_LOAD_FUNCTION: return value_from_pointer(&vm->callables[ins->aux]);
    case IR_ADD: return runtime_operate(vm, OPERATOR_ADD, a[0], a[1]);
    case IR_SUB: return runtime_operate(vm, OPERATOR_SUB, a[0], a[1]);
    case IR_MUL: return runtime_operate(vm, OPERATOR_MUL, a[0], a[1]);
    case IR_DIV: return runtime_operate(vm, OPERATOR_DIV, a[0], a[1]);
    case IR_MOD: return runtime_operate(vm, OPERATOR_MOD, a[0], a[1]);
    case IR_EQUAL: return runtime_operate(vm, OPERATOR_EQUAL, a[0], a[1]);
    case IR_LESS_THAN: return runtime_operate(vm, OPERATOR_LESS_THAN, a[0], a[1]);
    case IR_GREATER_THAN: return runtime_operate(vm, OPERATOR_GREATER_THAN, a[0], a[1]);
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
static void enter_block(const Frame *f, uint32_t block, uint32_t pred_at) {
    Value *next = f->scratch;
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

static bool execute(const Frame *f, Ref ref) {
    const IrIns *ins = &f->ir->ins[ref];
    for (uint32_t i = 0; i < ins->num_args; i++) f->scratch[i] = f->values[ir_args(f->ir, ref)[i]];
    f->values[ref] = compute(f, ins);
    if (f->values[ref] != NO_VALUE) return true;
    if (!f->machine->ran_out) vm_fail_at(f->machine->vm, f->ir->function_index, ins->pc);
    return false;
}

static Value run(const Frame *f) {
    const Ir *ir = f->ir;
    for (uint32_t block = 0;;) {
        Ref last = ir->blocks[block].last;
        for (Ref ref = ir->blocks[block].first; ref != last; ref = ir->ins[ref].next) {
            if (ir->ins[ref].op != IR_PHI && !execute(f, ref)) return NO_VALUE;
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
    Frame frame = {.machine = machine, .ir = ir, .args = args};
    frame.values = xcalloc(ir->num_ins, sizeof *frame.values);
    frame.scratch = xcalloc(ir->num_ins + ir->num_args, sizeof *frame.scratch);
    Value result = run(&frame);
    free(frame.values);
    free(frame.scratch);
    return result;
}
