// The bytecode interpreter once more, compiled so that a function of the tests sees every instruction.
#ifndef TESTS_TRACED_INTERP_H
#define TESTS_TRACED_INTERP_H

#include "interp/vm.h"

// Called before each instruction. The frame's pc is the instruction's.
extern void (*traced_step)(void *context, Vm *vm, Frame *frame);
extern void *traced_context;

// As interp_call. Calls inside stay in this interpreter.
Value traced_call(Vm *vm, const Callable *callee, const Value *args, size_t num_args);
Value traced_run(Vm *vm, Frame *frame);

#endif
