// The heap: memory for the objects of a running program.
//
// Objects are handed out one behind the other and never given back before the program ends: a
// collector comes in step 7. What a program may use is limited, and having used it up is an
// ordinary run-time error.
#ifndef OBJECT_HEAP_H
#define OBJECT_HEAP_H

#include "object/value.h"

typedef struct Heap {
    uint8_t *next, *end; // free memory; aligned to 8
    uint8_t *start;
    size_t size;         // bytes, as asked for
} Heap;

enum { HEAP_ALIGNMENT = 8 };

// Reserve `size` bytes of address space; the kernel gives the memory as it is used. If it refuses,
// the heap is empty and every allocation fails.
void heap_init(Heap *heap, size_t size);
void heap_free(Heap *heap);

// `size` bytes with the header filled in and zeroes behind it; NULL if the heap is full.
// The size is rounded up to HEAP_ALIGNMENT.
void *heap_alloc(Heap *heap, size_t size, ObjectType type, uint32_t shape);

size_t heap_used(const Heap *heap); // bytes

#endif
