#include "object/heap.h"

#include <sys/mman.h>

void heap_init(Heap *heap, size_t size) {
    *heap = (Heap){0};
    if (size == 0) return;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return;
    heap->start = heap->next = memory;
    heap->end = heap->start + size;
    heap->size = size;
}

void heap_free(Heap *heap) {
    if (heap->start) munmap(heap->start, heap->size);
    *heap = (Heap){0};
}

// Memory from the kernel is zeroed, and none is used twice.
void *heap_alloc(Heap *heap, size_t size, ObjectType type, uint32_t shape) {
    if (size > (size_t)(heap->end - heap->next)) return NULL;
    size = (size + HEAP_ALIGNMENT - 1) & ~(size_t)(HEAP_ALIGNMENT - 1);
    if (size > (size_t)(heap->end - heap->next)) return NULL;
    Header *header = (Header *)(void *)heap->next;
    heap->next += size;
    header->type = (uint8_t)type;
    header->shape = shape;
    return header;
}

size_t heap_used(const Heap *heap) { return (size_t)(heap->next - heap->start); }
