// Natives: C functions that programs call with call_native.
//
// A native takes 0 to MAX_NATIVE_PARAMS parameters of type int64_t and returns an int64_t. Compiled
// code calls it directly, as any C function; nothing stands in between.
#ifndef ABI_NATIVES_H
#define ABI_NATIVES_H

#include "bytecode/program.h"

// The natives that the command line offers to every program.
//   print n         write n and a newline on standard output; returns n
//   abs n           |n|, wrapping for the smallest integer
//   min a b, max a b
//   sum8 a ... h    the sum of eight integers, wrapping: two of them travel on the stack
void natives_register(Program *program);

// Call a native from C with the arguments in an array, as many as it has parameters.
int64_t native_call(const Native *native, const int64_t *args);

#endif
