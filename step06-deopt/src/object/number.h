// Numbers: integers, flonums and heap numbers behind one interface, with JavaScript's arithmetic.
// Source: ECMA-262, sections 6.1.6.1 (the operations), 7.1 (conversions), 7.2 (comparison).
#ifndef OBJECT_NUMBER_H
#define OBJECT_NUMBER_H

#include "object/heap.h"

typedef struct HeapNumber {
    Header header;
    double value;
} HeapNumber;

// The number in its one representation. NO_VALUE if it needs a heap number and the heap is full; that
// cannot happen for zeros, NaN, infinities and whatever fits an integer or a flonum.
Value number_from_double(Heap *heap, double d);
Value number_from_int64(Heap *heap, int64_t i); // rounded, as JavaScript does

static inline bool value_is_number(Value v) {
    return value_is_int(v) || value_is_flonum(v) || value_is(v, TYPE_NUMBER);
}

// The double of a number.
double number_to_double(Value v);

// x modulo y with the sign of x; NaN if y is 0 or x infinite (section 6.1.6.1.6).
double number_remainder(double x, double y);

// JavaScript's text of a number: the shortest digits that read back to the same double (section
// 6.1.6.1.20). Returns the length; the longest text has NUMBER_TEXT_SIZE - 1 characters.
enum { NUMBER_TEXT_SIZE = 40 };
size_t number_to_text(double d, char text[NUMBER_TEXT_SIZE]);

// The value of a digit in base 16, or 16.
unsigned digit_value(char c);

// Read a numeric literal: decimal with fraction and exponent, hexadecimal integers, NaN, Infinity, each with
// an optional sign. Returns false if the text is none.
bool number_from_text(const char *text, size_t length, double *d);

// A string as a number (section 7.1.4.1.1): blanks around it do not count, an empty one is 0, what is
// no number is NaN.
double number_from_string(const char *text, size_t length);

#endif
