// The reference interpreter: as plain as possible, because every other engine is checked against it.
//
// A call's slots:   locals (parameters first) | operands
//                   ^ locals                    ^ sp grows upwards
// The operands that the caller pushed for a call are the arguments, in order.
// Invariant: the verifier has accepted the program, so no check of depths or indices is needed.
#include "interp/interp.h"

#include <string.h>

#include "abi/natives.h"

RunStatus divide(int64_t a, int64_t b, int64_t *quotient) {
    if (b == 0) return RUN_DIVISION_BY_ZERO;
    if (b == -1 && a == INT64_MIN) return RUN_DIVISION_OVERFLOW;
    *quotient = a / b;
    return RUN_OK;
}

// Wrapping arithmetic: unsigned overflow is defined in C, signed is not.
static int64_t wrap_add(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }
static int64_t wrap_sub(int64_t a, int64_t b) { return (int64_t)((uint64_t)a - (uint64_t)b); }
static int64_t wrap_mul(int64_t a, int64_t b) { return (int64_t)((uint64_t)a * (uint64_t)b); }

static RunStatus execute(Vm *vm, uint32_t index, int64_t *locals, int64_t *result) {
    const Function *function = &vm->program->functions[index];
    const Instruction *code = function->bytecode;
    int64_t *sp = locals + function->num_locals; // the first free operand slot
    size_t pc = 0;
    for (;;) {
        Instruction ins = code[pc++];
        switch (ins.opcode) {
        case OP_LOAD_CONST: *sp++ = ins.operand; break;
        case OP_LOAD_LOCAL: *sp++ = locals[ins.operand]; break;
        case OP_STORE_LOCAL: locals[ins.operand] = *--sp; break;
        case OP_ADD: sp--; sp[-1] = wrap_add(sp[-1], sp[0]); break;
        case OP_SUB: sp--; sp[-1] = wrap_sub(sp[-1], sp[0]); break;
        case OP_MUL: sp--; sp[-1] = wrap_mul(sp[-1], sp[0]); break;
        case OP_DIV: {
            sp--;
            RunStatus status = divide(sp[-1], sp[0], &sp[-1]);
            if (status) return vm_fail(vm, status, index, pc - 1);
            break;
        }
        case OP_JUMP: pc = (size_t)ins.operand; break;
        case OP_JUMP_IF_FALSE:
            if (*--sp == 0) pc = (size_t)ins.operand;
            break;
        case OP_CALL: {
            sp -= vm->program->functions[ins.operand].num_params;
            RunStatus status = vm_call(vm, (uint32_t)ins.operand, sp, sp);
            if (status) return status;
            sp++;
            break;
        }
        case OP_RETURN: *result = sp[-1]; return RUN_OK;
        case OP_EQUAL: sp--; sp[-1] = sp[-1] == sp[0]; break;
        case OP_LESS_THAN: sp--; sp[-1] = sp[-1] < sp[0]; break;
        case OP_GREATER_THAN: sp--; sp[-1] = sp[-1] > sp[0]; break;
        case OP_CALL_NATIVE: {
            const Native *native = &vm->program->natives[ins.operand];
            sp -= native->num_params;
            *sp = native_call(native, sp);
            sp++;
            break;
        }
        case NUM_OPCODES: break;
        }
    }
}

// Is there room on both stacks: slots for this call, and machine stack for C to call itself?
static bool has_room(const Vm *vm, const Function *function) {
    size_t wanted = (size_t)function->num_locals + function->max_depth;
    if ((uintptr_t)__builtin_frame_address(0) < vm->stack_limit) return false;
    return (size_t)(vm->slots_end - vm->slots_free) >= wanted;
}

RunStatus interp_run(Vm *vm, uint32_t index, const int64_t *args, int64_t *result) {
    const Function *function = &vm->program->functions[index];
    if (!has_room(vm, function)) return vm_fail(vm, RUN_STACK_OVERFLOW, index, 0);
    int64_t *locals = vm->slots_free;
    vm->slots_free += (size_t)function->num_locals + function->max_depth;
    if (function->num_params) memcpy(locals, args, function->num_params * sizeof *args);
    RunStatus status = execute(vm, index, locals, result);
    vm->slots_free = locals;
    return status;
}
