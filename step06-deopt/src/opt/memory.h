// Memory, cut into classes that never overlap, finer than the IR's table has them: each property name is a
// class of its own. A store to one class leaves what was loaded from the others as it is.
#ifndef OPT_MEMORY_H
#define OPT_MEMORY_H

#include "ir/ir.h"

// A set of classes.
typedef uint64_t MemorySet;

enum {
    CLASS_PROTOTYPES,
    CLASS_ELEMENTS,
    CLASS_LENGTHS,
    CLASS_OUTSIDE,
    CLASS_SHAPES,
    CLASS_NUMERIC_NAMES, // properties that are called like numbers
    CLASS_FIRST_NAME,
    CLASS_OTHER_NAMES = 63, // all names of a function that uses more than there are classes for
    NUM_CLASSES = 64,
    NAME_TABLE_SIZE = 128,
};

#define ALL_MEMORY (~(MemorySet)0)

static inline MemorySet memory_class(unsigned number) { return (MemorySet)1 << number; }

// The classes of a function's property names: an open-addressing hash table.
typedef struct Memory {
    const Ir *ir;
    const String *names[NAME_TABLE_SIZE]; // NULL where free
    uint8_t classes[NAME_TABLE_SIZE];
    unsigned num_classes;
} Memory;

// Give each property name of the function its class.
void memory_init(Memory *memory, const Ir *ir);

// What an instruction reads and writes, as far as its operands' types tell.
MemorySet memory_reads(const Memory *memory, Ref ref);
MemorySet memory_writes(const Memory *memory, Ref ref);

// What a get_property of this name, and a get_index with this index, would read.
MemorySet memory_property_reads(const Memory *memory, const String *name);
MemorySet memory_index_reads(const Memory *memory, Ref index);

#endif
