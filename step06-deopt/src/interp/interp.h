// The reference interpreter: the oracle that every later engine is compared with.
#ifndef INTERP_INTERP_H
#define INTERP_INTERP_H

#include "interp/vm.h"

// Run a function's bytecode in a frame of its own. What is missing of the arguments is undefined, what is too
// much is left out.
// Calls inside go through vm_call, and so into machine code where there is some.
// NO_VALUE: vm->error says what happened and where.
Value interp_call(Vm *vm, const Callable *callee, const Value *args, size_t num_args);

// Go on in a frame, which may have been another engine's: from the instruction that its FrameInfo names, with
// locals and operands in its slots. The frame becomes a FRAME_INTERP. Returns what the function returns.
Value interp_run(Vm *vm, Frame *frame);

#endif
