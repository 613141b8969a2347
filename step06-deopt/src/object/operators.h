// The operators of the language on values of any type: JavaScript's semantics, in one place for every
// engine and for the compilers that compute ahead of time.
//
// On primitives (all but objects, arrays and functions) the results are JavaScript's; an operator that
// would have to convert an object has no result.
// Source: ECMA-262, sections 7.1 (conversion), 7.2.13 and 7.2.16 (comparison), 13.15.3 (operators).
#ifndef OBJECT_OPERATORS_H
#define OBJECT_OPERATORS_H

#include "object/number.h"
#include "object/string.h"

typedef enum Operator {
    OPERATOR_ADD,
    OPERATOR_SUB,
    OPERATOR_MUL,
    OPERATOR_DIV,
    OPERATOR_MOD,
    OPERATOR_EQUAL,
    OPERATOR_LESS_THAN,
    OPERATOR_GREATER_THAN,
    NUM_OPERATORS,
} Operator;

// What a message calls them: "+". Indexed by Operator.
extern const char *const operator_names[NUM_OPERATORS];

// a op b, or NO_VALUE: for an operand that is no primitive, or because the heap is full.
Value operator_apply(Heap *heap, Operator op, Value a, Value b);

bool value_is_primitive(Value v);
bool value_is_truthy(Value v);
bool values_are_equal(Value a, Value b); // a === b

// A primitive as a number.
double primitive_to_double(Value v);

// The text of a primitive: its address and length in `text`, which points into `buffer` or into a string.
typedef struct Text {
    const char *bytes;
    size_t length;
} Text;

Text primitive_to_text(Value v, char buffer[NUMBER_TEXT_SIZE]);

// "undefined", "a string", ...: for messages.
const char *value_describe(Value v);

#endif
