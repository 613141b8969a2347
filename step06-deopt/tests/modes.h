// The ways to run a program that the tests compare with each other: one table (modes.c), which a
// later step extends by its engines. Every test of a program then runs in them too.
#ifndef TESTS_MODES_H
#define TESTS_MODES_H

#include "jit.h"

typedef struct Mode {
    const char *name;
    JitOptions options;
    uint64_t compiled; // bit i % 64 is set: function i is compiled; otherwise it stays interpreted
} Mode;

// The first one is the interpreter alone: the oracle.
extern const Mode modes[];
extern const size_t num_modes;

// For the tests of very many programs: the interpreter and the first mode of each tier run every program, the others
// take turns.
bool mode_has_its_turn(size_t mode, uint64_t seed);

#endif
