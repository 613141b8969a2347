// Random programs about what optimisers get wrong: loops with invariant parts, stores between loads, natives that
// change what they are given, errors behind effects, numbers at the edges of their representations.
#ifndef TESTS_RANDOM_OPTIMISABLE_H
#define TESTS_RANDOM_OPTIMISABLE_H

#include "bytecode/program.h"

enum { RANDOM_OPTIMISABLE_PARAMS = 2 };

// A program with a function main of two parameters, not verified yet. Nearly every run ends soon. It uses two
// natives, note(v) and poke(v), which the caller gives. The same seed gives the same program.
Program *random_optimisable(uint64_t seed, NativeCode *note, NativeCode *poke);

#endif
