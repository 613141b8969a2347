// Strings: immutable sequences of bytes (UTF-8, as the source text has them), and the table that makes
// one object of equal names.
//
// A name - of a property or a method - is an interned string: two names are equal if and only if
// their addresses are. Other strings are compared byte by byte.
#ifndef OBJECT_STRING_H
#define OBJECT_STRING_H

#include "base/memory.h"
#include "object/heap.h"

typedef struct String {
    Header header;
    uint32_t length;  // bytes
    uint32_t hash;    // of the bytes, never 0; 0: not computed yet
    bool is_interned;
    char bytes[];     // and a NUL behind them
} String;

enum { MAX_STRING_LENGTH = 1 << 29 };

// The bytes that a string of this length takes.
static inline size_t string_size(size_t length) { return sizeof(String) + length + 1; }

// A new string, with room for its bytes; NULL if the heap is full or the length above the maximum.
String *string_new(Heap *heap, size_t length);

uint32_t string_hash(String *string);
bool strings_equal(String *a, String *b);

// Below, equal or above 0, as the bytes of a are before, equal to or behind those of b.
int string_compare(const String *a, const String *b);

static inline bool value_is_string(Value v) { return value_is(v, TYPE_STRING); }
static inline String *value_to_string(Value v) { return value_to_pointer(v); }

// An open-addressing hash table of interned strings. It does not own them.
typedef struct StringTable {
    String **entries; // capacity of them, a power of two; NULL where free
    size_t count, capacity;
} StringTable;

// The interned string with these bytes, or NULL.
String *string_table_find(const StringTable *table, const char *bytes, size_t length);

// Enter a string that is not in the table: it is interned from now on.
void string_table_add(StringTable *table, String *string);
void string_table_free(StringTable *table);

// The interned string with these bytes, made in the arena if it is new.
String *string_intern(StringTable *table, Arena *arena, const char *bytes, size_t length);

#endif
