// Executable memory (see code_buffer.h).
//
// The kernel's side is four functions: reserve_memory, commit, window_open and window_close. A
// window is the writable view of a piece of code: the second mapping of its pages, or the code's own
// pages, flipped with mprotect. Everything else is arithmetic on offsets and does not know how the
// memory is mapped.
//
// No cache has to be flushed on x86: a processor sees its own writes to code as soon as it jumps
// there (Intel SDM vol. 3, section 8.1.3). But what it has fetched already is compared with the
// *linear* address of a write, which is another one in the second mapping: there a serializing
// instruction has to stand between the write and the jump (section 11.6, "Self-Modifying Code").
#include "code/code_buffer.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fatal.h"
#include "base/memory.h"

enum {
    INT3 = 0xCC,
    NOEXEC_SEAL = 0x0008, // MFD_NOEXEC_SEAL, which C libraries of before 2023 do not know
};

// Free bytes [start, start + size), as offsets. Only the range that ends at the capacity can have a
// size that is no multiple of CODE_ALIGNMENT.
typedef struct Range {
    size_t start, size;
} Range;

struct CodeBuffer {
    uint8_t *code;     // the first byte after the lower guard page; code runs here
    uint8_t *writable; // the same bytes where they are written; == code if the pages are flipped
    unsigned forks;    // how often the process had been forked when its pages were made
    size_t capacity;   // in bytes, as asked for
    size_t available;  // sum of the free ranges
    size_t committed;  // bytes [0, committed) are readable and executable; whole pages
    size_t page_size;
    Range *free_ranges; // sorted by start; no two touch
    size_t num_free, cap_free;
};

static size_t round_up(size_t size, size_t multiple) { return (size + multiple - 1) / multiple * multiple; }

// The kernel's side.

// The size of the code's pages.
static size_t pages_size(const CodeBuffer *buffer) { return round_up(buffer->capacity, buffer->page_size); }

// The same with both guard pages, or 0 if it cannot be expressed.
static size_t mapping_size(const CodeBuffer *buffer) {
    size_t page = buffer->page_size;
    if (buffer->capacity > SIZE_MAX - 3 * page) return 0;
    return pages_size(buffer) + 2 * page;
}

bool code_buffer_is_dual(const CodeBuffer *buffer) { return buffer->writable != buffer->code; }

// Pages that can be mapped twice: a file in memory that has no name. -1 if the kernel refuses it.
static int create_pages(size_t size) {
    struct rlimit limit; // ftruncate counts as writing a file: beyond the limit it ends the process (SIGXFSZ)
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur < size) return -1;
    int file = memfd_create("jit-code", MFD_CLOEXEC | NOEXEC_SEAL); // mapped for execution, but no program
    if (file < 0 && errno == EINVAL) file = memfd_create("jit-code", MFD_CLOEXEC); // before Linux 6.3
    if (file >= 0 && ftruncate(file, (off_t)size) == 0) return file;
    if (file >= 0) close(file);
    return -1;
}

// Map new pages at the code's addresses, which are reserved, and once more wherever there is room. As yet
// they can be accessed at neither.
static bool map_twice(CodeBuffer *buffer) {
    size_t size = pages_size(buffer);
    int file = create_pages(size);
    if (file < 0) return false;
    uint8_t *writable = mmap(NULL, size, PROT_NONE, MAP_SHARED, file, 0);
    bool mapped = writable != MAP_FAILED &&
                  mmap(buffer->code, size, PROT_NONE, MAP_SHARED | MAP_FIXED, file, 0) != MAP_FAILED;
    close(file); // the mappings keep the pages
    if (mapped) buffer->writable = writable;
    else if (writable != MAP_FAILED) munmap(writable, size);
    return mapped;
}

// Memory that is mapped twice would belong to parent and child after a fork: each would find the other's
// code in it. Therefore whichever of them writes next makes itself a copy before. A fork happens to the
// process and not to a buffer, so it is counted in a variable that all of them read. (Committing pages needs
// no copy: all processes that share them would write the same int3.)
static atomic_uint forks;
static pthread_once_t forks_are_counted = PTHREAD_ONCE_INIT;

static void count_fork(void) { forks++; }

static void start_counting_forks(void) {
    int error = pthread_atfork(NULL, count_fork, count_fork);
    if (error) fatal("cannot count forks: %s", strerror(error));
}

static bool reserve_memory(CodeBuffer *buffer, bool dual) {
    size_t size = mapping_size(buffer);
    if (size == 0) return false;
    uint8_t *memory = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return false;
    buffer->code = buffer->writable = memory + buffer->page_size;
    if (!dual) return true;
    pthread_once(&forks_are_counted, start_counting_forks);
    buffer->forks = forks;
    if (map_twice(buffer)) return true;
    munmap(memory, size);
    return false;
}

static void release_memory(CodeBuffer *buffer) {
    if (code_buffer_is_dual(buffer)) munmap(buffer->writable, pages_size(buffer));
    munmap(buffer->code - buffer->page_size, mapping_size(buffer));
}

// Make the first `size` bytes usable: full of int3, readable and executable.
static bool commit(CodeBuffer *buffer, size_t size) {
    size = round_up(size, buffer->page_size);
    if (size <= buffer->committed) return true;
    size_t start = buffer->committed, fresh = size - start;
    if (mprotect(buffer->writable + start, fresh, PROT_READ | PROT_WRITE) != 0) return false;
    memset(buffer->writable + start, INT3, fresh);
    if (mprotect(buffer->code + start, fresh, PROT_READ | PROT_EXEC) != 0) return false;
    buffer->committed = size;
    return true;
}

// See `forks`. Returns false, and has changed nothing, if the kernel refuses the memory.
static bool own_pages(CodeBuffer *buffer) {
    unsigned now = atomic_load_explicit(&forks, memory_order_relaxed);
    if (buffer->forks == now || !code_buffer_is_dual(buffer)) return true;
    CodeBuffer shared = *buffer;
    if (!map_twice(buffer)) return false;
    buffer->forks = now;
    buffer->committed = 0;
    if (!commit(buffer, shared.committed))
        fatal("cannot copy %zu bytes of code after a fork: %s", shared.committed, strerror(errno));
    memcpy(buffer->writable, shared.writable, shared.committed);
    munmap(shared.writable, pages_size(buffer));
    return true;
}

typedef struct Window {
    uint8_t *bytes; // where to write; NULL if the kernel refused
    uint8_t *pages; // what window_close has to flip back; NULL if nothing
    size_t size;
} Window;

static Window window_open(CodeBuffer *buffer, uint8_t *at, size_t size) {
    if (!own_pages(buffer)) return (Window){0};
    if (code_buffer_is_dual(buffer)) return (Window){.bytes = buffer->writable + (at - buffer->code)};
    uintptr_t page_mask = ~(uintptr_t)(buffer->page_size - 1);
    uint8_t *first = (uint8_t *)((uintptr_t)at & page_mask);
    Window window = {at, first, round_up((size_t)(at + size - first), buffer->page_size)};
    if (mprotect(window.pages, window.size, PROT_READ | PROT_WRITE) != 0) window.bytes = NULL;
    return window;
}

// IRETQ is a serializing instruction (SDM vol. 3, section 8.3) that needs no privilege and, unlike CPUID, no
// help from the host of a virtual machine. It pops rip, cs, rflags, rsp and ss: here, those of now. Below rsp
// lie 128 bytes that belong to the function (System V ABI, section 3.2.2).
static void serialize(void) {
    uint64_t scratch;
    __asm__ volatile("movq %%rsp, %0\n\t"
                     "subq $128, %%rsp\n\t"
                     "pushq $0\n\t"
                     "movw %%ss, (%%rsp)\n\t"
                     "pushq %0\n\t"
                     "pushfq\n\t"
                     "pushq $0\n\t"
                     "movw %%cs, (%%rsp)\n\t"
                     "leaq 1f(%%rip), %0\n\t"
                     "pushq %0\n\t"
                     "iretq\n"
                     "1:"
                     : "=&r"(scratch)
                     :
                     : "memory", "cc");
}

static void window_close(Window window) {
    if (!window.pages) {
        serialize();
        return;
    }
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

static CodeBuffer *new_buffer(size_t capacity, bool dual) {
    CodeBuffer *buffer = xcalloc(1, sizeof *buffer);
    buffer->capacity = capacity;
    buffer->page_size = (size_t)sysconf(_SC_PAGESIZE);
    if (!reserve_memory(buffer, dual)) {
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

CodeBuffer *code_buffer_new(size_t capacity) {
    CodeBuffer *buffer = new_buffer(capacity, true);
    return buffer ? buffer : new_buffer(capacity, false);
}

CodeBuffer *code_buffer_new_flipping(size_t capacity) { return new_buffer(capacity, false); }

void code_buffer_free(CodeBuffer *buffer) {
    if (!buffer) return;
    release_memory(buffer);
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
    if (memcmp(buffer->code, buffer->writable, buffer->committed) != 0)
        fatal("the two mappings of the code differ");
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
