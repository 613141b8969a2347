// Computing ahead of time, with the arithmetic of the running program.
#ifndef OPT_FOLD_H
#define OPT_FOLD_H

#include "ir/ir.h"

// What the operation gives for these operands, as a constant of the program. NO_VALUE if it raises an error, if
// its result is a string (that would have to live as long as the code), if it is an operation on integers (whose
// operands the caller has checked) with a result that is none, or if it is no operation on values.
Value fold_operation(Ir *ir, IrOp op, Value a, Value b);

// Are the two constants the same value? Unlike ===, NaN is NaN, and 0 is not -0.
bool constants_are_same(Value a, Value b);

// What is known of a condition.
typedef enum Truth {
    ALWAYS_FALSE,
    ALWAYS_TRUE,
    UNKNOWN_TRUTH,
} Truth;

// As far as its type (a set of IRT_ kinds) tells: an object is truthy.
Truth truth_of_type(uint8_t type);

#endif
