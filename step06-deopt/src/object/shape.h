// Shapes: which properties an object has, and in which slot each one is.
//
//   root            an object of the class, without properties   prototype, slots inside the object
//    | + x -> slot 0
//   {x}
//    | + y -> slot 1        | + z -> slot 1
//   {x y}                  {x z}
//
// Objects that were given the same properties in the same order have the same shape: its number is
// all that must be compared to know where x is. Adding a property goes along a transition to the next
// shape, which is made when the first object goes there.
//
// An object that does not fit in - something was deleted from it, it has very many properties, or it is
// the prototype of others - gets a shape of its own, which changes with it: a dictionary. No cache may
// remember where properties of a dictionary are.
// Invariant: a shape that is no dictionary never changes, but for the transitions that leave it.
// Source: Chambers, Ungar, Lee, "An Efficient Implementation of Self", OOPSLA 1989, section 3.1 (maps).
#ifndef OBJECT_SHAPE_H
#define OBJECT_SHAPE_H

#include "object/string.h"

// A hash table from names to slots, open addressing.
typedef struct PropertyTable {
    struct PropertySlot {
        String *name; // NULL: free
        uint32_t slot; // UINT32_MAX: the name was taken out again
    } *entries;
    uint32_t num_entries, capacity; // entries in use, removed ones included; a power of two
} PropertyTable;

typedef struct Shape {
    uint32_t id;
    uint32_t num_slots;    // slots in use
    uint16_t num_inside;   // of them, this many at most are inside the object
    bool is_dictionary;    // belongs to one object
    bool is_prototype;     // that object is the prototype of others
    Value prototype;       // an object, or VALUE_NULL
    const struct Shape *parent; // NULL: a root, or a dictionary
    String *name;          // the property that was added to the parent; in the last slot
    PropertyTable table;   // filled when it is first asked
    PropertyTable transitions; // from names to the numbers of shapes
    uint32_t *free_slots;  // of a dictionary: slots of removed properties
    size_t num_free, cap_free;
    struct Shape *heirs;   // of a prototype: the roots of those that inherit from it, one for each number
    struct Shape *next_root; // of slots inside: a list
    struct ShapeTable *all;
} Shape;

enum {
    MAX_SHAPE_PROPERTIES = 128, // more make a dictionary
    MAX_SHAPES = 1 << 22,
};

// All shapes of a running program, by number.
typedef struct ShapeTable {
    Shape *without_prototype; // a list of roots
    Shape **shapes;
    size_t count, capacity;
    size_t bytes, max_bytes; // of memory, the tables of the shapes included
    Arena arena;
} ShapeTable;

// No shape is added when there are more than max_bytes of them.
void shapes_init(ShapeTable *table, size_t max_bytes);
void shapes_free(ShapeTable *table);

// Is there no memory left for shapes?
static inline bool shapes_are_full(const ShapeTable *table) {
    return table->count >= MAX_SHAPES || table->bytes > table->max_bytes;
}

static inline Shape *shape_get(const ShapeTable *table, uint32_t id) { return table->shapes[id]; }

// The shape without properties for objects that inherit from the prototype, whose own shape is `of_prototype`
// (VALUE_NULL and NULL: from nothing). All of the following return NULL if the table is full.
Shape *shape_root(ShapeTable *table, Value prototype, Shape *of_prototype, uint32_t num_inside);

// The shape of an object of this shape (no dictionary) that is given one more property, in slot
// shape->num_slots. The caller has seen that it has none of this name and fewer than MAX_SHAPE_PROPERTIES.
Shape *shape_add(ShapeTable *table, Shape *shape, String *name);

// A shape with the same properties in the same slots that descends from another root.
Shape *shape_move(ShapeTable *table, const Shape *shape, Shape *root);

// A dictionary with the same properties in the same slots.
Shape *shape_to_dictionary(ShapeTable *table, Shape *shape);

// The slot of a property; false if there is none.
bool shape_find(Shape *shape, String *name, uint32_t *slot);

// Change a dictionary (and ask shapes_are_full before adding). Adding returns the slot; removing says whether
// there was one.
uint32_t dictionary_add(Shape *dictionary, String *name);
bool dictionary_remove(Shape *dictionary, String *name);

#endif
