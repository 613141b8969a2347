#include "interp/vm.h"

#include <stdlib.h>

#include "code/stack_limit.h"
#include "interp/interp.h"

enum {
    STACK_BUDGET = 16 << 20, // bytes of machine stack for one program
    NUM_SLOTS = 1 << 20,     // slots for all interpreted calls in progress
};

Vm *vm_new(const Program *program) {
    Vm *vm = xcalloc(1, sizeof *vm);
    vm->program = program;
    vm->stack_limit = stack_limit_here(STACK_BUDGET);
    vm->callables = xcalloc(program->num_functions, sizeof *vm->callables);
    for (uint32_t i = 0; i < program->num_functions; i++)
        vm->callables[i] = (Callable){.vm = vm, .index = i};
    vm->slots = xmalloc(NUM_SLOTS * sizeof *vm->slots);
    vm->slots_free = vm->slots;
    vm->slots_end = vm->slots + NUM_SLOTS;
    return vm;
}

void vm_free(Vm *vm) {
    if (!vm) return;
    free(vm->callables);
    free(vm->slots);
    free(vm);
}

RunStatus vm_call(Vm *vm, uint32_t function, const int64_t *args, int64_t *result) {
    const Callable *callee = &vm->callables[function];
    if (!callee->is_code) return interp_run(vm, function, args, result);
    size_t num_args = vm->program->functions[function].num_params;
    // The enter stub copies arguments to the machine stack before the code can check for room.
    uintptr_t lowest = (uintptr_t)__builtin_frame_address(0) - num_args * sizeof *args;
    if (lowest < vm->stack_limit) return vm_fail(vm, RUN_STACK_OVERFLOW, function, 0);
    return vm->enter(vm, callee, args, num_args, result);
}

RunStatus vm_fail(Vm *vm, RunStatus status, uint32_t function, size_t pc) {
    vm->error = (RunError){.status = status, .pc = pc, .function = function};
    return status;
}

static const char *describe(uint64_t status) {
    switch (status) {
    case RUN_DIVISION_BY_ZERO: return "division by zero";
    case RUN_DIVISION_OVERFLOW: return "division overflow: -9223372036854775808 / -1";
    case RUN_STACK_OVERFLOW: return "stack overflow: too many calls inside of calls";
    }
    return "no error";
}

// A stack overflow is reported without a place: which call is one too many depends on the engine.
void vm_print_error(FILE *out, const Vm *vm) {
    Diagnostic diagnostic = {.pos = {0, 0}};
    if (vm->error.status != RUN_STACK_OVERFLOW)
        diagnostic.pos = vm->program->functions[vm->error.function].positions[vm->error.pc];
    snprintf(diagnostic.message, sizeof diagnostic.message, "%s", describe(vm->error.status));
    diagnostic_print(out, vm->program, &diagnostic);
}
