// The baseline compiler: one bytecode instruction at a time to machine code.
#ifndef BASELINE_BASELINE_H
#define BASELINE_BASELINE_H

#include "baseline/pieces.h"

// Generate code for a function of a verified program into an empty assembler. The result is a
// System V function of num_params int64_t parameters that returns an int64_t.
// Running out of room is left as the assembler's sticky error.
void baseline_compile(Assembler *a, CodeMarks *marks, const Stubs *stubs, Vm *vm, uint32_t function);

#endif
