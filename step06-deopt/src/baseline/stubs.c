// Stubs: the doors between C and generated code.
//
// enter     Value enter(Vm *, const Callable *, const Value *args, size_t n)
//           puts the arguments where the convention of deopt/frame.h wants them and calls the code. Its frame:
//
//               [rbp]     saved rbp
//               [rbp-16]  FrameInfo: FRAME_ENTER
//               [rbp-24]  the newest frame before this one
//               [rbp-64]  rbx, r12 ... r15 as C had them
//               [rsp]     the arguments
//
//           (Eight words above them: rsp stays a multiple of 16, System V ABI, section 3.2.2.)
// error     records what happened, or only where; the function then returns NO_VALUE, and so do its
//           callers.
// interpret turns a call in machine code into a call of the interpreter.
// operate   computes an operator in C, and changes no register but R11.
// optimize  has a function compiled once more, then calls it as it was called.
//
// Source of C's convention: System V ABI, AMD64 supplement, section 3.2.3.
#include "baseline/stubs.h"

#include <stddef.h>
#include <stdlib.h>

#include "abi/saved.h"
#include "asm/asm.h"
#include "backend/emit_typed.h"
#include "base/memory.h"
#include "baseline/pieces.h"
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

// Copy the arguments to [rsp], [rsp+8], ...
// In: RDX = args, RCX = n. Changes RSP, R10, R11.
static void emit_copy_args(Assembler *a) {
    Label done = LABEL_INIT, loop = LABEL_INIT;
    asm_mov_rr(a, R11, RCX);
    asm_shl_ri(a, R11, 3);
    asm_sub_rr(a, RSP, R11);
    asm_and_ri(a, RSP, -16);
    asm_mov_rr(a, R11, RCX);
    asm_bind(a, &loop);
    asm_sub_ri(a, R11, 1);
    asm_jcc(a, CC_S, &done);
    asm_mov_rm(a, R10, mem_index(RDX, R11, sizeof(Value), 0));
    asm_mov_mr(a, mem_index(RSP, R11, sizeof(Value), 0), R10);
    asm_jmp(a, &loop);
    asm_bind(a, &done);
}

// What tells whoever walks the frames to go on with the newest one before C was called.
static void emit_enter_header(Assembler *a) {
    asm_mov_ri(a, R10, (int64_t)FRAME_ENTER << 8 * (int)offsetof(FrameInfo, kind));
    asm_mov_mr(a, frame_mem(FRAME_INFO), R10);
    asm_mov_rm(a, R10, vm_field(offsetof(Vm, top_frame)));
    asm_mov_mr(a, frame_mem(FRAME_PREVIOUS), R10);
}

static void *generate_enter(CodeBuffer *buffer, uint32_t saved, size_t *size, size_t *body) {
    Assembler a;
    asm_init(&a, code_buffer_available(buffer));
    asm_push_r(&a, RBP);
    asm_mov_rr(&a, RBP, RSP);
    asm_sub_ri(&a, RSP, FRAME_SIZE);
    emit_save_regs(&a, saved, mem(RBP, FRAME_SAVED));
    *body = asm_offset(&a);
    asm_mov_rr(&a, FRAME_VM_REG, RDI);
    emit_enter_header(&a);
    emit_copy_args(&a);
    asm_mov_rr(&a, FRAME_COUNT_REG, RCX);
    asm_mov_rr(&a, FRAME_CALLEE_REG, RSI);
    asm_call_m(&a, mem(FRAME_CALLEE_REG, offsetof(Callable, entry)));
    asm_mov_rm(&a, R10, frame_mem(FRAME_PREVIOUS));
    asm_mov_mr(&a, vm_field(offsetof(Vm, top_frame)), R10);
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
// (The caller's frame may not be complete, so it is not made the newest one. Nobody looks.)
static void *generate_error(CodeBuffer *buffer) {
    Assembler a;
    asm_init(&a, code_buffer_available(buffer));
    stub_begin(&a);
    asm_mov_rr(&a, RDI, FRAME_VM_REG);
    asm_mov_rr(&a, RSI, RAX);
    asm_xchg_rr(&a, RCX, RDX); // the fourth parameter is the function, the third the pc
    stub_call_c(&a, (NativeCode *)(uintptr_t)record_error);
    asm_leave(&a);
    asm_ret(&a);
    size_t size;
    return stub_install(buffer, &a, &size);
}

// In: RCX = the Callable, EAX = the number of arguments, as in any call.
static void *generate_interpret(CodeBuffer *buffer, size_t *size) {
    Assembler a;
    asm_init(&a, code_buffer_available(buffer));
    emit_store_top_frame(&a);
    stub_begin(&a);
    asm_mov_rr(&a, RDI, FRAME_VM_REG);
    asm_mov_rr(&a, RSI, FRAME_CALLEE_REG);
    asm_lea_rm(&a, RDX, frame_mem(FRAME_ARGUMENTS));
    asm_mov_rr(&a, RCX, FRAME_COUNT_REG);
    stub_call_c(&a, (NativeCode *)(uintptr_t)interp_call);
    asm_leave(&a);
    asm_ret(&a);
    return stub_install(buffer, &a, size);
}

// The same, and with them the arguments stay as they are.
static void *generate_optimize(CodeBuffer *buffer) {
    const uint32_t kept = 1u << FRAME_COUNT_REG | 1u << FRAME_CALLEE_REG;
    Assembler a;
    asm_init(&a, code_buffer_available(buffer));
    emit_store_top_frame(&a);
    asm_push_r(&a, RBP);
    asm_mov_rr(&a, RBP, RSP);
    asm_sub_ri(&a, RSP, 16);
    emit_save_regs(&a, kept, mem(RBP, -16));
    asm_mov_rr(&a, RDI, FRAME_VM_REG);
    asm_mov_rr(&a, RSI, FRAME_CALLEE_REG);
    asm_call_m(&a, vm_field(offsetof(Vm, optimize)));
    emit_restore_regs(&a, kept, mem(RBP, -16));
    asm_leave(&a);
    asm_jmp_m(&a, mem(FRAME_CALLEE_REG, offsetof(Callable, entry)));
    size_t size;
    return stub_install(buffer, &a, &size);
}

// Called by the operate stub.
static Value operate(Vm *vm, unsigned op, Value a, Value b, Feedback *feedback) {
    if (op == OPERATOR_TRUTHY) return value_from_bool(value_is_truthy(a));
    Value result = runtime_operate(vm, (Operator)op, a, b);
    if (feedback) feedback_operator(feedback, a, b, result);
    return result;
}

// In: R11 = op, R10 = address of the feedback or 0, [rsp] = return address, [rsp+8] = a, [rsp+16] = b.
// Out: R11 = a op b, both operands dropped; every other register is as it was.
static void *generate_operate(CodeBuffer *buffer) {
    const uint32_t kept = CALLER_SAVED_REGS & ~(1u << R11);
    const int32_t size = 8 * (int32_t)count_regs(kept);
    Assembler a;
    asm_init(&a, code_buffer_available(buffer));
    emit_store_top_frame(&a);
    asm_push_r(&a, RBP);
    asm_mov_rr(&a, RBP, RSP);
    asm_sub_ri(&a, RSP, size);
    asm_and_ri(&a, RSP, -16);
    emit_save_regs(&a, kept, mem(RBP, -size));
    asm_mov_rr(&a, RDI, FRAME_VM_REG);
    asm_mov_rr(&a, RSI, R11);
    asm_mov_rm(&a, RDX, mem(RBP, 16));
    asm_mov_rm(&a, RCX, mem(RBP, 24));
    asm_mov_rr(&a, R8, R10);
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
    void *enter = generate_enter(buffer, saved, &stubs->enter_size, &stubs->enter_body);
    stubs->enter = (EnterCode *)(uintptr_t)enter;
    stubs->error = generate_error(buffer);
    stubs->interpret = generate_interpret(buffer, &stubs->interpret_size);
    stubs->operate = generate_operate(buffer);
    stubs->optimize = generate_optimize(buffer);
    return enter && stubs->error && stubs->interpret && stubs->operate && stubs->optimize &&
           stubs_generate_typed(stubs, buffer) && stubs_generate_object(stubs, buffer, vm);
}

bool stubs_generate(Stubs *stubs, CodeBuffer *buffer, Vm *vm) {
    return stubs_generate_saving(stubs, buffer, vm, CALLEE_SAVED_REGS);
}
