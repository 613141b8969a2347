// The baseline compiler: one bytecode instruction at a time to machine code.
#ifndef BASELINE_BASELINE_H
#define BASELINE_BASELINE_H

#include "baseline/pieces.h"

// Generate code for a function of a verified program into an empty assembler. It is called by the convention of
// deopt/frame.h and returns a Value, NO_VALUE after a run-time error. Running out of room is left as the
// assembler's sticky error.
// Each instruction finds locals and operands in the frame's slots, and nothing in registers but the Vm: control may
// come to it from anywhere that has made such a frame, of baseline_frame_size bytes.
// With `no_forwarding`, every value that goes to the machine stack is written as two stores that
// overlap, so that the processor cannot hand it from the store straight to the load that wants it
// (store forwarding): only to measure what that hardware is worth.
void baseline_compile(Assembler *a, CodeMarks *marks, const Stubs *stubs, Vm *vm, uint32_t function,
                      bool no_forwarding);

// How far below its rbp the function has its rsp.
uint32_t baseline_frame_size(const Program *program, const Function *function);

#endif
