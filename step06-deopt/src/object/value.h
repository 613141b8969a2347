// Values: 64 bits each, and the lowest of them tell what a value is.
//
//     63                            32 31                       3 2 1 0
//     [ int32                         | 0                             1 ]   integer
//     [ a double, turned                                            1 0 ]   flonum: (v & 3) == 2
//     [ address of a heap object                                  0 0 0 ]   pointer
//     [ 0                                          0 0 0 k k      1 0 0 ]   special: false, true, ...
//
// Integer: the payload is the upper half, so that the overflow flag of a 64-bit addition is that of
// the 32-bit one, and two integers compare as 64-bit words.
// Flonum: almost every double that programs meet has one of 512 exponents around that of 1. For those
// three bits say nothing that the others do not: they make room for the tag (see flonum_encode).
// Pointer: objects are aligned to 8. The word 0 is no value: as a function's result it means "a
// run-time error is pending".
//
// Invariant: each number has one representation. What fits an int32 is an integer, +0.0 included (but
// not -0.0); of the rest, what fits a flonum is a flonum; all others, -0.0, NaN and the infinities
// among them, are heap numbers.
// Source: the flonum is CRuby's (Sasada, 2012, "flonum" technique for 64-bit platforms).
#ifndef OBJECT_VALUE_H
#define OBJECT_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint64_t Value;

// The word that is no value.
#define NO_VALUE ((Value)0)

enum {
    TAG_INT = 1,           // value & TAG_INT: integer
    TAG_FLONUM_MASK = 3,
    TAG_FLONUM = 2,        // value & TAG_FLONUM_MASK
    TAG_MASK = 7,
    TAG_POINTER = 0,       // value & TAG_MASK
    TAG_SPECIAL = 4,       // value & TAG_MASK
    INT_SHIFT = 32,        // from the payload of an integer to its value
};

enum {
    VALUE_FALSE = 0x04,
    VALUE_TRUE = 0x0C,
    VALUE_UNDEFINED = 0x14,
    VALUE_NULL = 0x1C,
    VALUE_HOLE = 0x24, // an element of an array that was never written; programs never see it
};

// Integers.

static inline bool value_is_int(Value v) { return v & TAG_INT; }
static inline Value value_from_int(int32_t i) { return (uint64_t)(uint32_t)i << INT_SHIFT | TAG_INT; }
static inline int32_t value_to_int(Value v) { return (int32_t)(v >> INT_SHIFT); }
static inline bool values_are_ints(Value a, Value b) { return a & b & TAG_INT; }

// Flonums.
//
// Sign and exponent are the upper 12 bits of a double: s eeeeeeeeeee. Adding 2^60 to the bits adds 256
// to the exponent; that of 2^-255, 768, becomes 0b100'0000'0000, and that of 2^256, 1279, becomes
// 0b101'1111'1111. So for 2^-255 <= |d| < 2^257 the upper bits are now s10, and turned left by three
// they lie at the bottom, where 10 is the tag. One addition and one rotation there, the same back.

enum { FLONUM_SHIFT = 3 };
#define FLONUM_BIAS ((uint64_t)1 << 60)

static inline uint64_t rotate_left(uint64_t bits, int n) { return bits << n | bits >> (64 - n); }
static inline uint64_t rotate_right(uint64_t bits, int n) { return bits >> n | bits << (64 - n); }

static inline uint64_t double_bits(double d) {
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

static inline double double_from_bits(uint64_t bits) {
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

static inline bool value_is_flonum(Value v) { return (v & TAG_FLONUM_MASK) == TAG_FLONUM; }

// What the double would be as a flonum: one if and only if value_is_flonum of it.
static inline Value flonum_encode(double d) { return rotate_left(double_bits(d) + FLONUM_BIAS, FLONUM_SHIFT); }
static inline double flonum_decode(Value v) { return double_from_bits(rotate_right(v, FLONUM_SHIFT) - FLONUM_BIAS); }

// Pointers and specials.

static inline bool value_is_pointer(Value v) { return (v & TAG_MASK) == TAG_POINTER; }
static inline void *value_to_pointer(Value v) { return (void *)(uintptr_t)v; }
static inline Value value_from_pointer(const void *object) { return (uintptr_t)object; }
static inline Value value_from_bool(bool b) { return b ? VALUE_TRUE : VALUE_FALSE; }

// Heap objects.

typedef enum ObjectType {
    TYPE_NUMBER,
    TYPE_STRING,
    TYPE_FUNCTION, // a Callable (interp/vm.h)
    TYPE_ARRAY,
    TYPE_OBJECT,
    TYPE_SLOTS,    // storage of an object or an array; programs never hold one
} ObjectType;

// Shapes with a fixed number; those of TYPE_OBJECT come after. 0 is no shape.
enum { SHAPE_NONE, SHAPE_NUMBER, SHAPE_STRING, SHAPE_FUNCTION, SHAPE_ARRAY, SHAPE_SLOTS, FIRST_OBJECT_SHAPE };

// The first word of every heap object.
typedef struct Header {
    uint32_t shape;
    uint8_t type;   // an ObjectType
    uint8_t gcbits; // the collector's, from step 7 on
    uint16_t nslots; // of a TYPE_OBJECT: values inside the object
} Header;

_Static_assert(sizeof(Header) == 8, "one word");

static inline Header *value_header(Value v) { return value_to_pointer(v); }

static inline bool value_is(Value v, ObjectType type) {
    return value_is_pointer(v) && value_header(v)->type == type;
}

#endif
