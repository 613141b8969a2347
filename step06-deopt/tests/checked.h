// A second interpreter, written to distrust the verifier: it looks at every index, every depth and
// every local before it uses them, and it gives up after a number of steps. A program that the
// verifier has accepted must never make it find a fault; one that it gives up on may run forever.
#ifndef TESTS_CHECKED_H
#define TESTS_CHECKED_H

#include "programs.h"

typedef enum CheckedEnd {
    CHECKED_ENDED,   // the outcome is known
    CHECKED_GAVE_UP, // too many steps, calls inside of calls, or operands
    CHECKED_FAULT,   // the verifier has accepted what it must not accept
} CheckedEnd;

typedef struct CheckedRun {
    CheckedEnd end;
    Outcome outcome; // of CHECKED_ENDED
    char fault[120]; // of CHECKED_FAULT: what is wrong
    uint64_t steps;  // that were taken
} CheckedRun;

CheckedRun checked_run(const Program *program, const char *function, const int64_t *args, uint64_t max_steps);

#endif
