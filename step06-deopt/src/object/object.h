// Objects, arrays and classes of a running program.
//
//   Object                             Array
//   [ header: shape, inside slots ]    [ header                   ]
//   [ overflow --> Slots, or 0    ]    [ elements --> Slots, or 0 ]
//   [ slot 0                      ]    [ length                   ]
//   [ slot 1 ...                  ]
//
// A class decides how many slots are inside its objects; properties that find no room there go to the
// overflow storage, which moves when it grows.
//
// All functions that can fail record a run-time error in the Vm and return false or NO_VALUE.
#ifndef OBJECT_OBJECT_H
#define OBJECT_OBJECT_H

#include <stdio.h>

#include "object/shape.h"

typedef struct Vm Vm;
typedef struct Callable Callable;

// Storage of an object's overflowing properties or of an array's elements.
typedef struct Slots {
    Header header;
    uint32_t capacity; // values
    uint32_t unused;
    Value values[];
} Slots;

typedef struct Object {
    Header header;
    Slots *overflow;
    Value slots[]; // header.nslots of them
} Object;

typedef struct Array {
    Header header;
    Slots *elements; // the first `length` values are the elements, the others are holes
    uint32_t length;
    uint32_t unused;
} Array;

enum { MAX_ARRAY_LENGTH = 1 << 26 };

// A class of the running program.
typedef struct RuntimeClass {
    Object *prototype;
    Shape *root; // shape of a new object
} RuntimeClass;

// Where a property is: at `offset` bytes from the holder's start; a negative offset is one into the
// holder's overflow storage, negated.
typedef struct PropertyPlace {
    Object *holder;
    int32_t offset;
} PropertyPlace;

static inline bool value_is_object(Value v) { return value_is(v, TYPE_OBJECT); }
static inline bool value_is_array(Value v) { return value_is(v, TYPE_ARRAY); }
static inline bool value_is_function(Value v) { return value_is(v, TYPE_FUNCTION); }
static inline Object *value_to_object(Value v) { return value_to_pointer(v); }
static inline Array *value_to_array(Value v) { return value_to_pointer(v); }

static inline Value *place_address(PropertyPlace place) {
    char *base = place.offset < 0 ? (char *)place.holder->overflow - place.offset : (char *)place.holder + place.offset;
    return (Value *)(void *)base;
}

// Make the classes of the Vm's program. Returns false if the heap is too small for them.
bool classes_init(Vm *vm);

Shape *object_shape(const Vm *vm, const Object *object);

Object *object_new(Vm *vm, const Shape *root);

// Find a property in the object, or in the chain of its prototypes. Returns false if there is none.
bool object_find(const Vm *vm, Object *object, String *name, PropertyPlace *place);

// Make the value the object's own property.
bool object_set(Vm *vm, Object *object, String *name, Value value);

// Remove an own property, if there is one.
bool object_delete(Vm *vm, Object *object, String *name);

// Let the object inherit from another one, or from nothing (VALUE_NULL). A cycle is an error.
bool object_set_prototype(Vm *vm, Object *object, Value prototype);

// An array of `length` elements: element i is first_element[i * stride]. (Machine code's operand stack has the
// first at the highest address: stride -1.)
Value array_new(Vm *vm, uint32_t length, const Value *first_element, ptrdiff_t stride);
bool array_set(Vm *vm, Array *array, uint32_t index, Value value);

// The property of any value (see object_find); NO_VALUE and an error for undefined and null.
Value value_get_property(Vm *vm, Value object, String *name);
bool value_set_property(Vm *vm, Value object, String *name, Value value);
bool value_delete_property(Vm *vm, Value object, String *name);
bool value_set_prototype(Vm *vm, Value object, Value prototype);

// The element of an array, the character of a string, or the property of an object that `index` names.
Value value_get_index(Vm *vm, Value object, Value index);
bool value_set_index(Vm *vm, Value object, Value index, Value value);
Value value_length(Vm *vm, Value object);

// Write a value as a program's output shows it: a string as it is, an array's elements with commas.
void value_print(FILE *out, const Vm *vm, Value value);

#endif
