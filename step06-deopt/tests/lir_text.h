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
// Of typed operations, constants are raw numbers; elsewhere they can be: "const 5:i32", "phi v0, 1.5:f64". Exits stand
// behind the instruction (their numbers, if written, are those that they get anyhow):
//
//         v3 <- add_i32 v1, v2 -> exit @12 [v1:i32, 5, v2:i32]
//         v4 <- call f(v1) -> lazy exit @13 [v5]
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
