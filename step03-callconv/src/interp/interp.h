// The reference interpreter: the oracle that every later engine is compared with.
#ifndef INTERP_INTERP_H
#define INTERP_INTERP_H

#include "interp/vm.h"

// Run a function's bytecode. `args` holds as many values as the function has parameters.
// Calls inside go through vm_call, and so into machine code where there is some.
// On success the result is in *result; otherwise vm->error says what happened and where.
RunStatus interp_run(Vm *vm, uint32_t function, const int64_t *args, int64_t *result);

// a / b, rounded towards zero. The two cases without a result are errors.
RunStatus divide(int64_t a, int64_t b, int64_t *quotient);

#endif
