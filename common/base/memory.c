#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"

enum { ARENA_BLOCK_SIZE = 16 * 1024, ARENA_ALIGNMENT = 16, FIRST_CAPACITY = 8 };

struct ArenaBlock {
    ArenaBlock *older;
    _Alignas(ARENA_ALIGNMENT) uint8_t bytes[];
};

static _Noreturn void out_of_memory(size_t count, size_t size) {
    fflush(stdout);
    fprintf(stderr, "out of memory: %zu bytes wanted\n", count * size);
    exit(EXIT_MEMORY);
}

void *xmalloc(size_t size) {
    void *memory = malloc(size ? size : 1);
    if (!memory) out_of_memory(1, size);
    return memory;
}

void *xcalloc(size_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size ? size : 1);
    if (!memory) out_of_memory(count, size);
    return memory;
}

void *grow_array(void *array, size_t count, size_t *capacity, size_t element_size) {
    if (count < *capacity) return array;
    size_t grown = *capacity ? *capacity * 2 : FIRST_CAPACITY;
    size_t bytes;
    if (__builtin_mul_overflow(grown, element_size, &bytes)) fatal("array too large");
    array = realloc(array, bytes);
    if (!array) out_of_memory(1, bytes);
    *capacity = grown;
    return array;
}

static void add_block(Arena *arena, size_t size) {
    if (size < ARENA_BLOCK_SIZE) size = ARENA_BLOCK_SIZE;
    ArenaBlock *block = xcalloc(1, sizeof *block + size);
    block->older = arena->blocks;
    arena->blocks = block;
    arena->next = block->bytes;
    arena->end = block->bytes + size;
}

void *arena_alloc(Arena *arena, size_t size) {
    if (size > SIZE_MAX / 2) fatal("arena allocation too large: %zu bytes", size);
    size = (size + ARENA_ALIGNMENT - 1) & ~(size_t)(ARENA_ALIGNMENT - 1);
    if (!arena->blocks || (size_t)(arena->end - arena->next) < size) add_block(arena, size);
    void *memory = arena->next;
    arena->next += size;
    return memory;
}

void *arena_array(Arena *arena, size_t count, size_t element_size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, element_size, &bytes)) fatal("array too large");
    return arena_alloc(arena, bytes);
}

char *arena_string(Arena *arena, const char *text, size_t length) {
    char *copy = arena_alloc(arena, length + 1);
    memcpy(copy, text, length);
    return copy;
}

void arena_free(Arena *arena) {
    while (arena->blocks) {
        ArenaBlock *older = arena->blocks->older;
        free(arena->blocks);
        arena->blocks = older;
    }
    *arena = (Arena){0};
}
