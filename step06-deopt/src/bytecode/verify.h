// The bytecode verifier. It runs before anything else sees a program.
// Accepted means memory-safe in every engine: no jump leaves its function, no instruction finds
// too few operands, no local variable is read before it is written.
#ifndef BYTECODE_VERIFY_H
#define BYTECODE_VERIFY_H

#include "bytecode/program.h"

// Check every function. Returns false and fills in the diagnostic at the first fault. On success
// each function's depth and max_depth are set: the one operand count that holds before each
// instruction, whichever path leads there (-1: no path does); and so are site and num_sites.
// Time: O(instructions), times the number of locals / 64 for the check of reads before writes.
// A program for which that comes to more than 2^26 steps is rejected.
// Method: the abstract interpretation of the Java virtual machine's verifier (JVM specification,
// section 4.10.2), with "how many operands" in the place of types.
bool program_verify(Program *program, Diagnostic *diagnostic);

#endif
