// Random programs for differential tests. The same seed gives the same program, always.
//
// Every program is accepted by the verifier and nearly every one ends soon: loops count down, and
// recursion spends a parameter, the fuel. Within that they are as wild as the bytecode allows:
// joins and calls with operands below, loops with two entries, breaks, early returns, divisions by
// anything, many parameters, many locals, extreme constants, code that is never reached. Their values
// are numbers, booleans, undefined and null; and functions, which arithmetic does not take.
#ifndef TESTS_RANDOM_PROGRAM_H
#define TESTS_RANDOM_PROGRAM_H

#include "bytecode/program.h"

typedef struct Random {
    uint64_t state;
} Random;

uint64_t random_bits(Random *random);
// A number in [0, bound).
uint32_t random_below(Random *random, uint32_t bound);
// A small, an extreme or any 64-bit number.
int64_t random_constant(Random *random);
// A number of that kind, one with a fraction or an exponent, or one of the specials. NULL for a program:
// none that needs a heap number.
Value random_value(Random *random, Program *program);

enum { RANDOM_MAX_PARAMS = 40 };

// A new program with a function main of at most three parameters, not verified yet.
Program *random_program(uint64_t seed);

#endif
