// Stubs: the doors between C and generated code.
//
// enter     Value enter(Vm *, const Callable *, const Value *args, size_t n)
//           puts the arguments where the System V convention wants them and calls the code. Its frame:
//
//               [rbp]     saved rbp
//               [rbp-64]  rbx, r12 ... r15 as C had them
//
//           (Eight words: rsp stays a multiple of 16, section 3.2.2.)
// error     records what happened, or only where; the function then returns NO_VALUE, and so do its
//           callers.
// interpret turns a call in machine code into a call of the interpreter.
// adapt     the same for a call that gives other arguments than the method has parameters.
// operate   computes an operator in C, and changes no register but R11.
//
// Source of the convention: System V ABI, AMD64 supplement, section 3.2.3.
#include "baseline/stubs.h"

#include <stddef.h>
#include <stdlib.h>

#include "abi/saved.h"
#include "asm/asm.h"
#include "base/memory.h"
#include "baseline/convention.h"
#include "code/install.h"
#include "interp/interp.h"
#include "object/object_emit.h"
#include "object/operator_emit.h"
#include "object/runtime.h"

enum { FRAME_SAVED = ENTER_SAVED, FRAME_SIZE = 64 };

void *stub_install(CodeBuffer *buffer, Assembler *a, size_t *size) {
    void *code = asm_finish(a) ? code_install(buffer, a) : NULL;
    *size = a->size;
    asm_free(a);
    return code;
}

// Copy the arguments that do not fit in registers: args[6..n) to [rsp]..., lowest first.
// In: R10 = args, R11 = n. Changes RCX, RDX, RSI, R10, R11.
static void emit_copy_stack_args(Assembler *a) {
    Label done = LABEL_INIT, loop = LABEL_INIT;
    asm_sub_ri(a, R11, NUM_ARG_REGS);
    asm_jcc(a, CC_LE, &done);
    asm_mov_rr(a, RCX, R11);
    for (int i = 0; i < 3; i++) asm_add_rr(a, RCX, RCX); // bytes = count * 8
    asm_sub_rr(a, RSP, RCX);
    asm_and_ri(a, RSP, -16);
    asm_mov_rr(a, RDX, RSP);
    asm_lea_rm(a, RSI, mem(R10, NUM_ARG_REGS * 8));
    asm_bind(a, &loop);
    asm_mov_rm(a, RCX, mem(RSI, 0));
    asm_mov_mr(a, mem(RDX, 0), RCX);
    asm_add_ri(a, RSI, 8);
    asm_add_ri(a, RDX, 8);
    asm_sub_ri(a, R11, 1);
    asm_jcc(a, CC_NE, &loop);
    asm_bind(a, &done);
}

// Load the first arguments into their registers, as many as there are.
// In: R10 = args, R11 = n.
static void emit_load_register_args(Assembler *a) {
    Label done = LABEL_INIT;
    for (int i = 0; i < NUM_ARG_REGS; i++) {
        asm_cmp_ri(a, R11, i);
        asm_jcc(a, CC_E, &done);
        asm_mov_rm(a, arg_regs[i], mem(R10, i * 8));
    }
    asm_bind(a, &done);
}

static void *generate_enter(CodeBuffer *buffer, uint32_t saved, size_t *size, size_t *body) {
    Assembler a;
    asm_init(&a, code_buffer_available(buffer));
    asm_push_r(&a, RBP);
    asm_mov_rr(&a, RBP, RSP);
    asm_sub_ri(&a, RSP, FRAME_SIZE);
    emit_save_regs(&a, saved, mem(RBP, FRAME_SAVED));
    *body = asm_offset(&a);
    asm_mov_rr(&a, RAX, RSI); // the Callable
    asm_mov_rr(&a, R10, RDX); // args
    asm_mov_rr(&a, R11, RCX); // n, and once more for the second half
    asm_mov_rr(&a, R9, RCX);
    emit_copy_stack_args(&a);
    asm_mov_rr(&a, R11, R9);
    emit_load_register_args(&a);
    asm_call_m(&a, mem(RAX, offsetof(Callable, entry)));
    emit_restore_regs(&a, saved, mem(RBP, FRAME_SAVED));
    asm_leave(&a);
    asm_ret(&a);
    return stub_install(buffer, &a, size);
}

// Called by the error stub.
static Value record_error(Vm *vm, uint64_t status, uint32_t pc, uint32_t function) {
    return status == RUN_STACK_OVERFLOW ? vm_stack_overflow(vm) : vm_fail_at(vm, function, pc);
}

// A frame of its own, for calls of C from places where RSP may be anything.
void stub_begin(Assembler *a) {
    asm_push_r(a, RBP);
    asm_mov_rr(a, RBP, RSP);
    asm_and_ri(a, RSP, -16);
}

void stub_call_c(Assembler *a, NativeCode *function) {
    asm_mov_ri(a, RAX, (int64_t)(uintptr_t)function);
    asm_call_r(a, RAX);
}

// In: RAX = status, RCX = pc, RDX = function. Out: RAX = NO_VALUE.
static void *generate_error(CodeBuffer *buffer, Vm *vm) {
    Assembler a;
    asm_init(&a, code_buffer_available(buffer));
    stub_begin(&a);
    asm_mov_ri(&a, RDI, address_of(vm));
    asm_mov_rr(&a, RSI, RAX);
    asm_xchg_rr(&a, RCX, RDX); // the fourth parameter is the function, the third the pc
    stub_call_c(&a, (NativeCode *)(uintptr_t)record_error);
    asm_leave(&a);
    asm_ret(&a);
    size_t size;
    return stub_install(buffer, &a, &size);
}

// The arguments of a call in machine code as an array: the first six from registers, the rest from the stack.
// The caller frees it.
static Value *collect_arguments(const Value *in_registers, const Value *on_stack, uint32_t count) {
    Value *args = xmalloc((count + 1) * sizeof *args);
    for (uint32_t i = 0; i < count; i++) args[i] = i < NUM_ARG_REGS ? in_registers[i] : on_stack[i - NUM_ARG_REGS];
    return args;
}

// Called by the interpret stub. `in_registers` holds the first six arguments, `on_stack` the rest.
static Value interpret(const Callable *callee, const Value *in_registers, const Value *on_stack) {
    uint32_t num_params = callee->vm->program->functions[callee->index].num_params;
    if (num_params <= NUM_ARG_REGS) return interp_run(callee->vm, callee->index, in_registers);
    Value *args = collect_arguments(in_registers, on_stack, num_params);
    Value result = interp_run(callee->vm, callee->index, args);
    free(args);
    return result;
}

// Called by the adapt stub. What to call has just been put into vm->adaption.
static Value adapt(const Callable *callee, const Value *in_registers, const Value *on_stack) {
    const Adaption adaption = callee->vm->adaption;
    Value *args = collect_arguments(in_registers, on_stack, adaption.num_args);
    Value result = vm_call_adapted(callee->vm, adaption.function, args, adaption.num_args);
    free(args);
    return result;
}

// In: RAX = the Callable, arguments as in any call. They go to a C function as interpret or adapt.
static void *generate_collect(CodeBuffer *buffer, NativeCode *function, size_t *size) {
    Assembler a;
    asm_init(&a, code_buffer_available(buffer));
    asm_push_r(&a, RBP);
    asm_mov_rr(&a, RBP, RSP);
    for (int i = NUM_ARG_REGS - 1; i >= 0; i--) asm_push_r(&a, arg_regs[i]);
    asm_mov_rr(&a, RSI, RSP); // in_registers
    asm_mov_rr(&a, RDI, RAX);
    asm_lea_rm(&a, RDX, mem(RBP, 16)); // on_stack: above saved RBP and return address
    stub_call_c(&a, function);
    asm_leave(&a);
    asm_ret(&a);
    return stub_install(buffer, &a, size);
}

// Called by the operate stub.
static Value operate(Vm *vm, unsigned op, Value a, Value b) {
    return op == OPERATOR_TRUTHY ? value_from_bool(value_is_truthy(a)) : runtime_operate(vm, (Operator)op, a, b);
}

// In: R11 = op, [rsp] = return address, [rsp+8] = a, [rsp+16] = b. Out: R11 = a op b, both operands
// dropped; every other register is as it was.
static void *generate_operate(CodeBuffer *buffer, Vm *vm) {
    const uint32_t kept = CALLER_SAVED_REGS & ~(1u << R11);
    const int32_t size = 8 * (int32_t)count_regs(kept);
    Assembler a;
    asm_init(&a, code_buffer_available(buffer));
    asm_push_r(&a, RBP);
    asm_mov_rr(&a, RBP, RSP);
    asm_sub_ri(&a, RSP, size);
    asm_and_ri(&a, RSP, -16);
    emit_save_regs(&a, kept, mem(RBP, -size));
    asm_mov_ri(&a, RDI, address_of(vm));
    asm_mov_rr(&a, RSI, R11);
    asm_mov_rm(&a, RDX, mem(RBP, 16));
    asm_mov_rm(&a, RCX, mem(RBP, 24));
    stub_call_c(&a, (NativeCode *)(uintptr_t)operate);
    asm_mov_rr(&a, R11, RAX);
    emit_restore_regs(&a, kept, mem(RBP, -size));
    asm_leave(&a);
    asm_ret_i(&a, 16);
    size_t code_size;
    return stub_install(buffer, &a, &code_size);
}

bool stubs_generate_saving(Stubs *stubs, CodeBuffer *buffer, Vm *vm, uint32_t saved) {
    *stubs = (Stubs){0};
    size_t size;
    void *enter = generate_enter(buffer, saved, &stubs->enter_size, &stubs->enter_body);
    stubs->enter = (EnterCode *)(uintptr_t)enter;
    stubs->error = generate_error(buffer, vm);
    stubs->interpret = generate_collect(buffer, (NativeCode *)(uintptr_t)interpret, &stubs->interpret_size);
    stubs->adapt = generate_collect(buffer, (NativeCode *)(uintptr_t)adapt, &size);
    stubs->operate = generate_operate(buffer, vm);
    return enter && stubs->error && stubs->interpret && stubs->adapt && stubs->operate &&
           stubs_generate_object(stubs, buffer, vm);
}

bool stubs_generate(Stubs *stubs, CodeBuffer *buffer, Vm *vm) {
    return stubs_generate_saving(stubs, buffer, vm, CALLEE_SAVED_REGS);
}
