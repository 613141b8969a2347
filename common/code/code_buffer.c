// Executable memory (see code_buffer.h).
//
// The kernel's side is four functions: reserve_memory, commit, window_open and window_close. A
// window is the writable view of a piece of code; here it is the code's own pages, flipped with
// mprotect. Everything else is arithmetic on offsets and does not know how the memory is mapped.
//
// No cache has to be flushed on x86: a processor sees its own writes to code as soon as it jumps
// there (Intel SDM vol. 3, section 8.1.3 and section 11.6).
#include "code/code_buffer.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fatal.h"
#include "base/memory.h"

enum { INT3 = 0xCC };

// Free bytes [start, start + size), as offsets. Only the range that ends at the capacity can have a
// size that is no multiple of CODE_ALIGNMENT.
typedef struct Range {
    size_t start, size;
} Range;

struct CodeBuffer {
    uint8_t *code;    // the first byte after the lower guard page
    size_t capacity;  // in bytes, as asked for
    size_t available; // sum of the free ranges
    size_t committed; // bytes [0, committed) are readable and executable; whole pages
    size_t page_size;
    Range *free_ranges; // sorted by start; no two touch
    size_t num_free, cap_free;
};

static size_t round_up(size_t size, size_t multiple) { return (size + multiple - 1) / multiple * multiple; }

// The kernel's side.

// The mapping's size with both guard pages, or 0 if it cannot be expressed.
static size_t mapping_size(const CodeBuffer *buffer) {
    size_t page = buffer->page_size;
    if (buffer->capacity > SIZE_MAX - 3 * page) return 0;
    return round_up(buffer->capacity, page) + 2 * page;
}

static bool reserve_memory(CodeBuffer *buffer) {
    size_t size = mapping_size(buffer);
    if (size == 0) return false;
    uint8_t *memory = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return false;
    buffer->code = memory + buffer->page_size;
    return true;
}

// Make the first `size` bytes usable: full of int3, readable and executable.
static bool commit(CodeBuffer *buffer, size_t size) {
    size = round_up(size, buffer->page_size);
    if (size <= buffer->committed) return true;
    uint8_t *fresh = buffer->code + buffer->committed;
    size_t fresh_size = size - buffer->committed;
    if (mprotect(fresh, fresh_size, PROT_READ | PROT_WRITE) != 0) return false;
    memset(fresh, INT3, fresh_size);
    if (mprotect(fresh, fresh_size, PROT_READ | PROT_EXEC) != 0) return false;
    buffer->committed = size;
    return true;
}

typedef struct Window {
    uint8_t *bytes; // where to write; NULL if the kernel refused
    uint8_t *pages; // what window_close has to undo
    size_t size;
} Window;

static Window window_open(const CodeBuffer *buffer, uint8_t *at, size_t size) {
    uintptr_t page_mask = ~(uintptr_t)(buffer->page_size - 1);
    uint8_t *first = (uint8_t *)((uintptr_t)at & page_mask);
    Window window = {at, first, round_up((size_t)(at + size - first), buffer->page_size)};
    if (mprotect(window.pages, window.size, PROT_READ | PROT_WRITE) != 0) window.bytes = NULL;
    return window;
}

static void window_close(Window window) {
    if (mprotect(window.pages, window.size, PROT_READ | PROT_EXEC) == 0) return;
    fatal("cannot make %zu bytes of code executable again: %s", window.size, strerror(errno));
}

// The free list.

static void insert_range(CodeBuffer *buffer, size_t index, Range range) {
    GROW(buffer->free_ranges, buffer->num_free, buffer->cap_free);
    Range *at = buffer->free_ranges + index;
    memmove(at + 1, at, (buffer->num_free - index) * sizeof *at);
    *at = range;
    buffer->num_free++;
}

static void remove_range(CodeBuffer *buffer, size_t index) {
    Range *at = buffer->free_ranges + index;
    buffer->num_free--;
    memmove(at, at + 1, (buffer->num_free - index) * sizeof *at);
}

// The index of the first free range that starts after `offset`.
static size_t range_after(const CodeBuffer *buffer, size_t offset) {
    size_t low = 0, high = buffer->num_free;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (buffer->free_ranges[middle].start <= offset) low = middle + 1;
        else high = middle;
    }
    return low;
}

// The bytes that an allocation of `size` at `start` occupies: what alignment wastes at the buffer's
// end is not asked for.
static size_t occupied(const CodeBuffer *buffer, size_t start, size_t size) {
    size_t limit = buffer->capacity - start;
    size_t rounded = round_up(size ? size : 1, CODE_ALIGNMENT);
    return rounded < limit ? rounded : limit;
}

static size_t end_of(Range range) { return range.start + range.size; }

// Add [start, start + size) to the free list, merged with the free ranges that it touches.
static void free_range(CodeBuffer *buffer, size_t start, size_t size) {
    size_t next = range_after(buffer, start);
    Range *ranges = buffer->free_ranges;
    bool overlaps = (next > 0 && end_of(ranges[next - 1]) > start) ||
                    (next < buffer->num_free && start + size > ranges[next].start);
    if (overlaps) fatal("code at offset %zu (%zu bytes) is released twice", start, size);
    bool joins_previous = next > 0 && end_of(ranges[next - 1]) == start;
    bool joins_next = next < buffer->num_free && start + size == ranges[next].start;
    buffer->available += size;
    if (joins_previous && joins_next) {
        ranges[next - 1].size += size + ranges[next].size;
        remove_range(buffer, next);
    } else if (joins_previous) {
        ranges[next - 1].size += size;
    } else if (joins_next) {
        ranges[next] = (Range){start, size + ranges[next].size};
    } else {
        insert_range(buffer, next, (Range){start, size});
    }
}

// Take `size` bytes from the front of a range.
static void take_from(CodeBuffer *buffer, size_t index, size_t size) {
    Range *range = &buffer->free_ranges[index];
    range->start += size;
    range->size -= size;
    buffer->available -= size;
    if (range->size == 0) remove_range(buffer, index);
}

// The offset of [at, at + size) in the buffer. Addresses outside are a caller's bug.
static size_t offset_of(const CodeBuffer *buffer, const void *at, size_t size) {
    uintptr_t offset = (uintptr_t)at - (uintptr_t)buffer->code;
    if (offset <= buffer->capacity && size <= buffer->capacity - offset) return offset;
    fatal("%p (%zu bytes) is outside of the code buffer", at, size);
}

// The interface.

CodeBuffer *code_buffer_new(size_t capacity) {
    CodeBuffer *buffer = xcalloc(1, sizeof *buffer);
    buffer->capacity = capacity;
    buffer->page_size = (size_t)sysconf(_SC_PAGESIZE);
    if (!reserve_memory(buffer)) {
        free(buffer);
        return NULL;
    }
    if (capacity > 0) free_range(buffer, 0, capacity);
    // The first page is made executable now: a kernel that forbids that says so here.
    if (!commit(buffer, capacity < buffer->page_size ? capacity : buffer->page_size)) {
        code_buffer_free(buffer);
        return NULL;
    }
    return buffer;
}

void code_buffer_free(CodeBuffer *buffer) {
    if (!buffer) return;
    munmap(buffer->code - buffer->page_size, mapping_size(buffer));
    free(buffer->free_ranges);
    free(buffer);
}

void *code_buffer_alloc(CodeBuffer *buffer, size_t size) {
    if (size > buffer->available) return NULL;
    for (size_t i = 0; i < buffer->num_free; i++) {
        Range range = buffer->free_ranges[i];
        size_t wanted = occupied(buffer, range.start, size);
        if (range.size < wanted || range.size < size) continue;
        if (!commit(buffer, range.start + wanted)) return NULL;
        take_from(buffer, i, wanted);
        return buffer->code + range.start;
    }
    return NULL;
}

bool code_buffer_write(CodeBuffer *buffer, void *at, const void *bytes, size_t size) {
    if (size == 0) return true;
    offset_of(buffer, at, size);
    Window window = window_open(buffer, at, size);
    if (!window.bytes) return false;
    memcpy(window.bytes, bytes, size);
    window_close(window);
    return true;
}

void code_buffer_release(CodeBuffer *buffer, void *code, size_t size) {
    size_t start = offset_of(buffer, code, size);
    if (start % CODE_ALIGNMENT) fatal("release of %p, which is not the start of an allocation", code);
    size_t length = occupied(buffer, start, size);
    Window window = window_open(buffer, code, length);
    if (!window.bytes) return; // dead code that cannot be overwritten is not given out again
    memset(window.bytes, INT3, length);
    window_close(window);
    free_range(buffer, start, length);
}

size_t code_buffer_capacity(const CodeBuffer *buffer) { return buffer->capacity; }
size_t code_buffer_available(const CodeBuffer *buffer) { return buffer->available; }
size_t code_buffer_used(const CodeBuffer *buffer) { return buffer->capacity - buffer->available; }

bool code_buffer_contains(const CodeBuffer *buffer, const void *address) {
    return (uintptr_t)address - (uintptr_t)buffer->code < buffer->capacity;
}

static void verify_int3(const CodeBuffer *buffer, Range range) {
    for (size_t i = range.start; i < end_of(range) && i < buffer->committed; i++)
        if (buffer->code[i] != INT3) fatal("free code byte %zu is %02x, not int3", i, buffer->code[i]);
}

void code_buffer_verify(const CodeBuffer *buffer) {
    size_t sum = 0, lowest = 0;
    for (size_t i = 0; i < buffer->num_free; i++) {
        Range range = buffer->free_ranges[i];
        if (range.start < lowest || range.size == 0 || end_of(range) > buffer->capacity)
            fatal("free range %zu of the code buffer is wrong: %zu + %zu", i, range.start, range.size);
        if (range.start % CODE_ALIGNMENT) fatal("free range %zu is not aligned: %zu", i, range.start);
        verify_int3(buffer, range);
        sum += range.size;
        lowest = end_of(range) + 1; // touching ranges should have been merged
    }
    if (sum != buffer->available) fatal("%zu bytes are free, %zu are counted", sum, buffer->available);
}
