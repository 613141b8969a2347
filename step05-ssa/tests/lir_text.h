// LIR from text, so that a test shows what it is about:
//
//     B0: params v0, v1
//         jump B1
//     B1: v2 <- phi v0, v3        ; one argument for each block that leads here, in their order
//         v3 <- sub v2, 1
//         branch v3 > 0, B2, else B3
//     B2: jump B1
//     B3: v4 <- call f(v1, 5)
//         return v3
//
// That is how lir_print shows LIR, but for the numbers of instructions. Predecessors are in the order of blocks.
#ifndef TESTS_LIR_TEXT_H
#define TESTS_LIR_TEXT_H

#include "backend/lir.h"

// The LIR of function 0 of the program. The test fails if the text is wrong. Free with lir_free.
Lir lir_from(const Program *program, const char *text);

// The LIR of a function of bytecode, without any pass. Free with lir_free.
Lir lir_of_function(Program *program, uint32_t function);

#endif
