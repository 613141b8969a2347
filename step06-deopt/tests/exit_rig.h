// For tests of what optimised code computes, and of what it leaves behind at its exits: instead of being continued
// elsewhere, a function that takes an exit ends there, and the values that the exit's table describes are read.
#ifndef TESTS_EXIT_RIG_H
#define TESTS_EXIT_RIG_H

#include "rig.h"

enum { MAX_EXIT_VALUES = 16, NO_EXIT_TAKEN = -1 };

// What has come of a call.
typedef struct ExitRecord {
    int exit;        // its number, or NO_EXIT_TAKEN
    uint64_t result; // the function's, if it took no exit
    uint64_t subject;
    uint64_t values[MAX_EXIT_VALUES]; // as they are: nothing is tagged
    uint32_t num_values;
} ExitRecord;

// Code that is installed from now on behaves like that.
void exit_rig_use(Rig *rig);

// Call installed code with these words as they are.
ExitRecord exit_rig_call(Rig *rig, const RigCode *code, const uint64_t *args, size_t num_args);

#endif
