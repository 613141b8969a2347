// What the programs of stops 4 to 7 share: a program that has been interpreted once, so that its instructions and
// inline caches have seen something to bet on.
#ifndef STOPS_LEARNED_H
#define STOPS_LEARNED_H

#include "deopt/feedback.h"
#include "interp/vm.h"
#include "ir/ir.h"
#include "stop.h"

// argv: the file, then integers for main.
static inline Vm *learn(int argc, char **argv) {
    Program *program = load_program(argv[0]);
    Vm *vm = vm_new(program, DEFAULT_HEAP_SIZE);
    Value args[8];
    size_t num_args = 0;
    for (int i = 1; i < argc && num_args < 8; i++) args[num_args++] = value_from_int(atoi(argv[i]));
    if (vm_call_with(vm, function_index(program, program_find(program, "main")), args, num_args) == NO_VALUE)
        vm_print_error(stderr, vm);
    return vm;
}

// The IR of a function, with bets on what has been seen.
static inline void build_learned(Ir *ir, const Vm *vm, const char *function) {
    Program *program = (Program *)(uintptr_t)vm->program;
    const Function *f = program_find(program, function);
    if (!f) fatal("there is no function %s", function);
    uint32_t index = function_index(program, f);
    const Speculation speculation = {vm, vm->feedback[index]};
    if (!ir_build_speculating(ir, program, index, &speculation)) fatal("%s would be far too large", function);
    ir_check(ir, "construction");
}

#endif
