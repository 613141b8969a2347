// Growable arrays and arenas: all of the compile-time memory of every step.
//
// An array is a pointer, a count and a capacity, side by side in the struct that owns them;
// GROW makes room for one more element. An arena hands out memory that is freed all at once:
// one arena lives as long as one compilation (or one program), so nothing inside is freed alone.
// Running out of memory here ends the process with one line on stderr and status EXIT_MEMORY: it is the
// compiler's own memory, a few bytes for each byte of input, and the input's size is limited where it is
// read.
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

// The exit status when there is no memory left (EX_OSERR of sysexits.h).
enum { EXIT_MEMORY = 71 };

// The only function that grows an array. Returns the array, moved if it had to be, with room for
// at least `count + 1` elements of `element_size` bytes, and updates *capacity.
void *grow_array(void *array, size_t count, size_t *capacity, size_t element_size);

// Make room in `array` for one more element: GROW(p->items, p->num_items, p->cap_items);
#define GROW(array, count, capacity) \
    ((array) = grow_array((array), (count), &(capacity), sizeof *(array)))

// malloc and calloc that never return NULL.
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);

typedef struct ArenaBlock ArenaBlock;

// Zero-initialise to get an empty arena: Arena arena = {0};
typedef struct Arena {
    ArenaBlock *blocks;  // newest first
    uint8_t *next, *end; // the free part of the newest block
} Arena;

// `size` bytes of zeroed memory, aligned to 16, owned by the arena. Never NULL, also for a size of 0.
void *arena_alloc(Arena *arena, size_t size);

// A zeroed array of `count` elements, owned by the arena. Overflow of the product is fatal.
void *arena_array(Arena *arena, size_t count, size_t element_size);

// A NUL-terminated copy of `length` bytes, owned by the arena.
char *arena_string(Arena *arena, const char *text, size_t length);

// Free everything that the arena handed out. The arena is empty again and can be reused.
void arena_free(Arena *arena);

#endif
