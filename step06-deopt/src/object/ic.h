// Inline caches: each place in the code that looks a property up remembers where it was found.
//
//   cell of a site                                   an entry says, for objects of this shape:
//   [ state, n, ... hits, misses ]                   load    the value is at holder + offset;
//   [ shape | offset | holder    ]  entry 0                  holder 0: at the object itself
//   [ shape | offset | holder    ]  entry 1          store   the value goes to the object + offset, and its
//   ...                             up to 4                  shape becomes this one (the same, or the next)
//                                                    call    this function is the method
//
//   uninitialised --> monomorphic --> polymorphic (2 to 4 shapes) --> megamorphic
//
// A megamorphic site asks a table that all sites share. Cells are data beside the code, which is never
// changed: only the first entry is compared inline, the stubs of object_emit.c do the rest.
//
// Invariant: an entry is true for every object of its shape. What could make it false - a change to an
// object in the chain of prototypes - empties all cells whose entries went through a prototype.
// Source: Deutsch & Schiffman, POPL 1984; Hoelzle, Chambers, Ungar, "Optimizing Dynamically-Typed
// Object-Oriented Languages With Polymorphic Inline Caches", ECOOP 1991.
#ifndef OBJECT_IC_H
#define OBJECT_IC_H

#include <stdio.h>

#include "object/object.h"

typedef enum ICMode {
    IC_ON,
    IC_OFF,         // every access looks the property up
    IC_ALWAYS_MISS, // caches are asked, and have never heard of it
    NUM_IC_MODES,
} ICMode;

// What --ic calls them. Indexed by ICMode.
extern const char *const ic_mode_names[NUM_IC_MODES];

typedef enum ICKind { IC_LOAD, IC_STORE, IC_CALL, NUM_IC_KINDS } ICKind;

typedef enum ICState { IC_UNINITIALISED, IC_MONOMORPHIC, IC_POLYMORPHIC, IC_MEGAMORPHIC } ICState;

enum { MAX_IC_ENTRIES = 4 };

typedef struct ICEntry {
    uint32_t shape; // SHAPE_NONE: not used
    int32_t offset; // see PropertyPlace; of loads and stores
    uint64_t holder_or_fn; // load: holder's address or 0; store: shape afterwards; call: Callable's address
} ICEntry;

typedef struct ICCell {
    uint8_t state, n; // ICState; entries in use
    uint8_t kind;     // ICKind
    uint8_t is_linked; // in the list of those that must forget
    uint32_t hits;    // counted if the Vm wants it
    uint64_t misses;
    ICEntry e[MAX_IC_ENTRIES];
    String *name;
} ICCell;

// One entry of the table that megamorphic sites share.
typedef struct GlobalEntry {
    ICEntry entry;
    String *name;
    uint64_t unused; // a power of two in size
} GlobalEntry;

enum { GLOBAL_ENTRIES = 1024 };

typedef struct InlineCaches {
    ICMode mode;
    bool counts_hits;
    ICCell **cells; // for each function of the program: its cells, indexed by Function.site
    ICCell **linked; // cells with entries that depend on prototypes
    size_t num_linked, cap_linked;
    Object *absent; // an object that is the holder of every property that does not exist
    GlobalEntry *global[NUM_IC_KINDS]; // GLOBAL_ENTRIES each
} InlineCaches;

// Make empty cells for every site of the Vm's program. Returns false if the heap is full.
bool ic_init(Vm *vm);
void ic_free(Vm *vm);

// The cell of a site.
ICCell *ic_cell(const Vm *vm, uint32_t function, uint32_t pc);

// Load, store, find a method: through the cell, with a run-time error as NO_VALUE, false or NULL.
Value ic_load(Vm *vm, ICCell *cell, Value object);
bool ic_store(Vm *vm, ICCell *cell, Value object, Value value);
Callable *ic_method(Vm *vm, ICCell *cell, Value receiver);

// The same after a miss: look up, and remember.
Value ic_load_miss(Vm *vm, ICCell *cell, Value object);
bool ic_store_miss(Vm *vm, ICCell *cell, Value object, Value value);
Callable *ic_method_miss(Vm *vm, ICCell *cell, Value receiver);

// An object that is in the prototype chain of others has changed.
void ic_forget_prototypes(Vm *vm);

// Where the global table keeps a name's entry for a shape.
static inline uint32_t global_index(uint32_t shape, const String *name) {
    return (shape * 31 + (uint32_t)((uintptr_t)name >> 4)) % GLOBAL_ENTRIES;
}

// A table of the sites that were visited: their state, entries, hits and misses.
void ic_dump(FILE *out, const Vm *vm);

#endif
