// The reference interpreter: the oracle that every later engine is compared with.
#ifndef INTERP_INTERP_H
#define INTERP_INTERP_H

#include "interp/vm.h"

// Run a function's bytecode. `args` holds as many values as the function has parameters.
// Calls inside go through vm_call, and so into machine code where there is some.
// NO_VALUE: vm->error says what happened and where.
Value interp_run(Vm *vm, uint32_t function, const Value *args);

#endif
