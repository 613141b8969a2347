// Stubs: the doors between C and generated code.
//
// enter     RunStatus enter(Vm *, const Callable *, const int64_t *args, size_t n, int64_t *result)
//           puts the arguments where the System V convention wants them and calls the code.
//           Its frame, which error finds again through vm->exit_sp:
//
//               [rbp]     saved rbp
//               [rbp-8]   vm
//               [rbp-16]  result
//               [rbp-24]  vm->exit_sp of the run around this one      <- vm->exit_sp
//
//           (the fourth word keeps rsp aligned to 16 bytes: System V ABI, section 3.2.2)
// error     records what happened, drops every frame down to the innermost enter, and returns
//           the status from it: no return address in between is used.
// interpret turns a call in machine code into a call of the interpreter.
//
// Source of the convention: System V ABI, AMD64 supplement, section 3.2.3.
#include "baseline/stubs.h"

#include <stddef.h>
#include <stdlib.h>

#include "asm/asm.h"
#include "base/fatal.h"
#include "base/memory.h"
#include "baseline/convention.h"
#include "code/install.h"
#include "interp/interp.h"

enum { FRAME_VM = -8, FRAME_RESULT = -16, FRAME_OUTER_EXIT = -24, FRAME_SIZE = 32 };

static Mem vm_field(Reg vm, size_t offset) { return mem(vm, (int32_t)offset); }

static void *stub_install(CodeBuffer *buffer, Assembler *a, size_t *size) {
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

// Leave the enter stub's frame, with the status in EAX. In: RSP as enter's frame has it.
static void emit_leave_run(Assembler *a) {
    asm_lea_rm(a, RBP, mem(RSP, FRAME_SIZE));
    asm_mov_rm(a, RDX, mem(RBP, FRAME_VM));
    asm_mov_rm(a, RCX, mem(RBP, FRAME_OUTER_EXIT));
    asm_mov_mr(a, vm_field(RDX, offsetof(Vm, exit_sp)), RCX);
    asm_leave(a);
    asm_ret(a);
}

static void *generate_enter(CodeBuffer *buffer, size_t *size) {
    Assembler a;
    asm_init(&a, code_buffer_available(buffer));
    asm_push_r(&a, RBP);
    asm_mov_rr(&a, RBP, RSP);
    asm_push_r(&a, RDI); // vm
    asm_push_r(&a, R8);  // result
    asm_push_m(&a, vm_field(RDI, offsetof(Vm, exit_sp)));
    asm_push_r(&a, RDI); // for alignment only
    asm_mov_mr(&a, vm_field(RDI, offsetof(Vm, exit_sp)), RSP);
    asm_mov_rr(&a, RAX, RSI); // the Callable
    asm_mov_rr(&a, R10, RDX); // args
    asm_mov_rr(&a, R11, RCX); // n, and once more for the second half
    asm_mov_rr(&a, R9, RCX);
    emit_copy_stack_args(&a);
    asm_mov_rr(&a, R11, R9);
    emit_load_register_args(&a);
    asm_call_m(&a, mem(RAX, offsetof(Callable, entry)));
    asm_mov_rm(&a, RCX, mem(RBP, FRAME_RESULT));
    asm_mov_mr(&a, mem(RCX, 0), RAX);
    asm_lea_rm(&a, RSP, mem(RBP, -FRAME_SIZE)); // drop the stack arguments
    asm_mov_ri(&a, RAX, RUN_OK);
    emit_leave_run(&a);
    return stub_install(buffer, &a, size);
}

// Where an error goes that happens in code entered straight from C, without the enter stub.
static _Noreturn void error_outside_run(void) {
    fatal("a run-time error in machine code that was not entered through jit_execute");
}

// In: RAX = status, RCX = pc, RDX = function. A status of RUN_OK means "already recorded".
static void *generate_error(CodeBuffer *buffer, Vm *vm) {
    Label recorded = LABEL_INIT, entered = LABEL_INIT;
    Assembler a;
    asm_init(&a, code_buffer_available(buffer));
    asm_mov_ri(&a, R10, (int64_t)(uintptr_t)vm);
    asm_test_rr(&a, RAX, RAX);
    asm_jcc(&a, CC_E, &recorded);
    asm_mov_mr(&a, vm_field(R10, offsetof(Vm, error.status)), RAX);
    asm_mov_mr(&a, vm_field(R10, offsetof(Vm, error.pc)), RCX);
    asm_mov_mr(&a, vm_field(R10, offsetof(Vm, error.function)), RDX);
    asm_bind(&a, &recorded);
    asm_mov_rm(&a, RAX, vm_field(R10, offsetof(Vm, error.status)));
    asm_mov_rm(&a, RCX, vm_field(R10, offsetof(Vm, exit_sp)));
    asm_test_rr(&a, RCX, RCX);
    asm_jcc(&a, CC_NE, &entered);
    asm_and_ri(&a, RSP, -16);
    asm_mov_ri(&a, RAX, (int64_t)(uintptr_t)error_outside_run);
    asm_call_r(&a, RAX);
    asm_bind(&a, &entered);
    asm_mov_rr(&a, RSP, RCX);
    emit_leave_run(&a);
    size_t size;
    return stub_install(buffer, &a, &size);
}

// Called by the interpret stub. `in_registers` holds the first six arguments, `on_stack` the rest.
static RunStatus interpret(const Callable *callee, const int64_t *in_registers, const int64_t *on_stack,
                           int64_t *result) {
    Vm *vm = callee->vm;
    uint32_t num_params = vm->program->functions[callee->index].num_params;
    if (num_params <= NUM_ARG_REGS) return interp_run(vm, callee->index, in_registers, result);
    int64_t *args = xcalloc(num_params, sizeof *args);
    for (uint32_t i = 0; i < num_params; i++)
        args[i] = i < NUM_ARG_REGS ? in_registers[i] : on_stack[i - NUM_ARG_REGS];
    RunStatus status = interp_run(vm, callee->index, args, result);
    free(args);
    return status;
}

// In: RAX = the Callable, arguments as in any call.
static void *generate_interpret(CodeBuffer *buffer, const Stubs *stubs, size_t *size) {
    Label ok = LABEL_INIT;
    Assembler a;
    asm_init(&a, code_buffer_available(buffer));
    asm_push_r(&a, RBP);
    asm_mov_rr(&a, RBP, RSP);
    for (int i = NUM_ARG_REGS - 1; i >= 0; i--) asm_push_r(&a, arg_regs[i]);
    asm_mov_rr(&a, RSI, RSP); // in_registers
    asm_sub_ri(&a, RSP, 16);  // room for the result
    asm_mov_rr(&a, RDI, RAX);
    asm_lea_rm(&a, RDX, mem(RBP, 16)); // on_stack: above saved RBP and return address
    asm_mov_rr(&a, RCX, RSP);
    asm_mov_ri(&a, RAX, (int64_t)(uintptr_t)interpret);
    asm_call_r(&a, RAX);
    asm_mov_rr(&a, RCX, RAX);
    asm_mov_rm(&a, RAX, mem(RSP, 0));
    asm_test_rr(&a, RCX, RCX);
    asm_jcc(&a, CC_E, &ok);
    asm_mov_ri(&a, RAX, RUN_OK); // the interpreter has recorded the error
    asm_jmp_abs(&a, stubs->error);
    asm_bind(&a, &ok);
    asm_leave(&a);
    asm_ret(&a);
    return stub_install(buffer, &a, size);
}

bool stubs_generate(Stubs *stubs, CodeBuffer *buffer, Vm *vm) {
    *stubs = (Stubs){0};
    void *enter = generate_enter(buffer, &stubs->enter_size);
    if (enter) stubs->error = generate_error(buffer, vm);
    if (stubs->error) stubs->interpret = generate_interpret(buffer, stubs, &stubs->interpret_size);
    stubs->enter = (EnterCode *)(uintptr_t)enter;
    return stubs->interpret != NULL;
}
