#include "interp/vm.h"

#include <stdarg.h>
#include <stdlib.h>

#include "code/stack_limit.h"
#include "interp/interp.h"

enum {
    STACK_BUDGET = 16 << 20, // bytes of machine stack for one program
    MIN_SHAPE_BYTES = 1 << 20, // for shapes in any case; a large heap may have as much again
};

static Callable new_callable(uint32_t index) {
    return (Callable){.header = {.type = TYPE_FUNCTION, .shape = SHAPE_FUNCTION}, .index = index};
}

// The names in the program keep their addresses.
static void take_over_strings(Vm *vm, const StringTable *strings) {
    for (size_t i = 0; i < strings->capacity; i++)
        if (strings->entries[i]) string_table_add(&vm->strings, strings->entries[i]);
}

Vm *vm_new(const Program *program, size_t heap_size) {
    Vm *vm = xcalloc(1, sizeof *vm);
    vm->program = program;
    vm->stack_limit = stack_limit_here(STACK_BUDGET);
    vm->callables = xcalloc(program->num_functions, sizeof *vm->callables);
    for (uint32_t i = 0; i < program->num_functions; i++) vm->callables[i] = new_callable(i);
    feedback_init(vm);
    heap_init(&vm->heap, heap_size);
    take_over_strings(vm, &program->strings);
    shapes_init(&vm->shapes, heap_size < MIN_SHAPE_BYTES ? MIN_SHAPE_BYTES : heap_size);
    vm->is_ready = ic_init(vm) && classes_init(vm);
    return vm;
}

void vm_free(Vm *vm) {
    if (!vm) return;
    ic_free(vm);
    free(vm->classes);
    shapes_free(&vm->shapes);
    string_table_free(&vm->strings);
    heap_free(&vm->heap);
    feedback_free(vm);
    free(vm->callables);
    free(vm);
}

Value vm_call(Vm *vm, uint32_t function, const Value *args) {
    return vm_call_with(vm, function, args, vm->program->functions[function].num_params);
}

Value vm_call_with(Vm *vm, uint32_t function, const Value *args, size_t num_args) {
    const Callable *callee = &vm->callables[function];
    if (!vm->is_ready) return vm_fail(vm, RUN_OUT_OF_MEMORY, "out of memory");
    if (!callee->is_code) return interp_call(vm, callee, args, num_args);
    // The enter stub copies arguments to the machine stack before the code can check for room.
    uintptr_t lowest = (uintptr_t)__builtin_frame_address(0) - num_args * sizeof *args;
    if (lowest < vm->stack_limit) return vm_stack_overflow(vm);
    return vm->enter(vm, callee, args, num_args);
}

Value vm_fail(Vm *vm, RunStatus status, const char *format, ...) {
    vm->error = (RunError){.status = status};
    va_list args;
    va_start(args, format);
    vsnprintf(vm->error.message, sizeof vm->error.message, format, args);
    va_end(args);
    for (char *at = vm->error.message; *at; at++) // names may hold anything; a message is one line
        if ((unsigned char)*at < ' ' || *at == 0x7F) *at = '?';
    return NO_VALUE;
}

Value vm_fail_at(Vm *vm, uint32_t function, uint32_t pc) {
    if (vm->error.has_place || vm->error.status == RUN_STACK_OVERFLOW) return NO_VALUE;
    vm->error.function = function;
    vm->error.pc = pc;
    vm->error.has_place = true;
    return NO_VALUE;
}

Value vm_stack_overflow(Vm *vm) {
    return vm_fail(vm, RUN_STACK_OVERFLOW, "stack overflow: too many calls inside of calls");
}

static const char *const error_names[] = {
    [RUN_OK] = "",
    [RUN_TYPE_ERROR] = "TypeError: ",
    [RUN_RANGE_ERROR] = "RangeError: ",
    [RUN_OUT_OF_MEMORY] = "",
    [RUN_STACK_OVERFLOW] = "",
};

// A stack overflow is reported without a place: which call is one too many depends on the engine.
void vm_print_error(FILE *out, const Vm *vm) {
    Diagnostic diagnostic = {.pos = {0, 0}};
    if (vm->error.has_place)
        diagnostic.pos = vm->program->functions[vm->error.function].positions[vm->error.pc];
    snprintf(diagnostic.message, sizeof diagnostic.message, "%s%s", error_names[vm->error.status], vm->error.message);
    diagnostic_print(out, vm->program, &diagnostic);
}
