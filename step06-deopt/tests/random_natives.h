// Random programs that call natives: those of random_program.h, in which some instructions have become
// calls of natives that pop and push as much. The same seed gives the same program, always.
#ifndef TESTS_RANDOM_NATIVES_H
#define TESTS_RANDOM_NATIVES_H

#include "native_programs.h"

// A new program, not verified yet, with the natives of native_programs.h. Its last function is `leaf`,
// which the native run_leaf calls. Loops and recursion end as they do in random_program(seed).
Program *random_native_program(uint64_t seed);

#endif
