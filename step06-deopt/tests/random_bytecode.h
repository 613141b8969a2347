// Random bytecode with wild control flow: any block may jump to any other, with operands on the stack, loops with
// several entries, code that is never reached. A counter ends every run. The verifier accepts all of it.
#ifndef TESTS_RANDOM_BYTECODE_H
#define TESTS_RANDOM_BYTECODE_H

#include "bytecode/program.h"

// A program with one function, main, of two parameters, not verified yet. The same seed gives the same program.
// Reducible: loops are entered at their headers only, but left, continued and nested in any way.
Program *random_bytecode(uint64_t seed, uint32_t num_blocks, bool reducible);

#endif
