#include "object/string.h"

#include <stdlib.h>

static void init_string(String *string, size_t length) {
    string->header = (Header){.type = TYPE_STRING, .shape = SHAPE_STRING};
    string->length = (uint32_t)length;
}

String *string_new(Heap *heap, size_t length) {
    if (length > MAX_STRING_LENGTH) return NULL;
    String *string = heap_alloc(heap, string_size(length), TYPE_STRING, SHAPE_STRING);
    if (string) init_string(string, length);
    return string;
}

// FNV-1a, 32 bits (Fowler, Noll, Vo).
static uint32_t hash_bytes(const char *bytes, size_t length) {
    uint32_t hash = 2166136261;
    for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)bytes[i]) * 16777619;
    return hash ? hash : 1;
}

uint32_t string_hash(String *string) {
    if (string->hash == 0) string->hash = hash_bytes(string->bytes, string->length);
    return string->hash;
}

static bool has_bytes(const String *string, const char *bytes, size_t length) {
    return string->length == length && memcmp(string->bytes, bytes, length) == 0;
}

bool strings_equal(String *a, String *b) {
    if (a == b) return true;
    if (a->is_interned && b->is_interned) return false;
    return has_bytes(a, b->bytes, b->length);
}

int string_compare(const String *a, const String *b) {
    size_t shorter = a->length < b->length ? a->length : b->length;
    int order = memcmp(a->bytes, b->bytes, shorter);
    if (order != 0) return order;
    return a->length < b->length ? -1 : a->length > b->length;
}

// The place of the string with these bytes, or the free one where it belongs. The table is not empty.
static String **find_place(const StringTable *table, const char *bytes, size_t length, uint32_t hash) {
    size_t mask = table->capacity - 1;
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
        String **place = &table->entries[at];
        if (!*place || ((*place)->hash == hash && has_bytes(*place, bytes, length))) return place;
    }
}

String *string_table_find(const StringTable *table, const char *bytes, size_t length) {
    if (table->count == 0) return NULL;
    return *find_place(table, bytes, length, hash_bytes(bytes, length));
}

static void grow_table(StringTable *table) {
    StringTable larger = {.capacity = table->capacity ? 2 * table->capacity : 64};
    larger.entries = xcalloc(larger.capacity, sizeof *larger.entries);
    for (size_t i = 0; i < table->capacity; i++)
        if (table->entries[i]) string_table_add(&larger, table->entries[i]);
    free(table->entries);
    *table = larger;
}

void string_table_add(StringTable *table, String *string) {
    if (2 * table->count >= table->capacity) grow_table(table);
    *find_place(table, string->bytes, string->length, string_hash(string)) = string;
    string->is_interned = true;
    table->count++;
}

void string_table_free(StringTable *table) {
    free(table->entries);
    *table = (StringTable){0};
}

String *string_intern(StringTable *table, Arena *arena, const char *bytes, size_t length) {
    String *found = string_table_find(table, bytes, length);
    if (found) return found;
    String *string = arena_alloc(arena, string_size(length));
    init_string(string, length);
    memcpy(string->bytes, bytes, length);
    string_table_add(table, string);
    return string;
}
