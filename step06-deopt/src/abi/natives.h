// Natives: C functions that programs call with call_native.
//
// A native takes the Vm and 0 to MAX_NATIVE_PARAMS values, and returns a value; NO_VALUE after it has
// recorded a run-time error. Compiled code calls it directly, as any C function; nothing stands in between.
#ifndef ABI_NATIVES_H
#define ABI_NATIVES_H

#include "interp/vm.h"

// The natives that the command line offers to every program.
//   print v         write v and a newline on standard output; returns v
//   abs n           |n|
//   min a b, max a b
//   sum8 a ... h    the sum of eight numbers: three of them travel on the stack
void natives_register(Program *program);

// Call a native from C with the arguments in an array, as many as it has parameters.
Value native_call(Vm *vm, const Native *native, const Value *args);

#endif
