// Type feedback: what the slower engines have seen at each instruction, for the optimiser to bet on.
//
// A byte for each bytecode instruction: a set of the bits below. 0 means that nothing but the ordinary has been
// seen - operands that are integers, elements of arrays -, be it because the instruction has never run. So
// the fast paths record nothing; only what leaves them does.
// Which shapes and methods a place has seen, its inline cache knows.
//
// Source: Hoelzle & Ungar, "Optimizing Dynamically-Dispatched Calls with Run-Time Type Feedback", PLDI 1994.
#ifndef DEOPT_FEEDBACK_H
#define DEOPT_FEEDBACK_H

#include <stdbool.h>
#include <stdio.h>

#include "object/value.h"

typedef struct Vm Vm;

enum {
    FB_DOUBLE = 1,   // an operand that is a number and no integer
    FB_OTHER = 2,    // an operand that is no number
    FB_OVERFLOW = 4, // integers, and a result that is none
    FB_ELEMENT = 8,  // no array, an index out of its range, or an element that was never written
    FB_SHAPE = 16,   // a bet on the shape was lost here
};

typedef uint8_t Feedback;

// Memory for the feedback on every function of the Vm's program: vm->feedback[function][pc].
void feedback_init(Vm *vm);
void feedback_free(Vm *vm);

// What a value says as an operand: 0, FB_DOUBLE or FB_OTHER.
static inline Feedback feedback_of(Value v) {
    if (value_is_int(v)) return 0;
    return value_is_flonum(v) || value_is(v, TYPE_NUMBER) ? FB_DOUBLE : FB_OTHER;
}

// An operator has been applied to a and b. The result may be NO_VALUE.
static inline void feedback_operator(Feedback *feedback, Value a, Value b, Value result) {
    Feedback seen = feedback_of(a) | feedback_of(b);
    bool is_number = result && feedback_of(result) == FB_DOUBLE;
    *feedback |= seen ? seen : is_number ? FB_OVERFLOW : 0;
}

// What the optimiser is to know when it builds a function's IR. NULL instead of one: bet on nothing.
typedef struct Speculation {
    const Vm *vm;             // its inline caches
    const Feedback *feedback; // of the function
} Speculation;

// What each instruction of each function has seen.
void feedback_dump(FILE *out, const Vm *vm);

// The bits of a set as words: "double|overflow", or "int".
void feedback_print(FILE *out, Feedback feedback);

#endif
