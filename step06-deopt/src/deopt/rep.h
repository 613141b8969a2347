// How a value is represented in optimised code.
#ifndef DEOPT_REP_H
#define DEOPT_REP_H

typedef enum Rep {
    REP_TAGGED, // a Value
    REP_I32,    // its integer; the upper half of the register is 0
    REP_F64,    // the bits of its double
    NUM_REPS,
} Rep;

#endif
