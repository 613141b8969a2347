// Executable memory for the compilers: a fixed number of bytes that code is copied into.
//
//      guard page | code .......... | not yet used ...... | guard page
//      no access  | read, execute   | no access           | no access
//
// There are two ways to map it. They behave alike:
//
//      dual       the same pages are mapped once more, at other addresses, to be written there:
//                 no access becomes read, write. Writing code takes no system call.
//      flipping   the pages that a write touches - and only those - become writable, not executable,
//                 and then executable again, not writable: two calls of mprotect. Where the kernel
//                 refuses the other way, and for debuggers.
//
// Invariant (W^X): no address is ever writable and executable at once. No other thread may be running
// code of the same buffer while code is written.
// Invariant: every executable byte that belongs to no allocation is int3 (CC), so that a jump to
// freed or unused code stops at once. Pages that have never held code cannot be touched at all.
//
// After fork() parent and child have each their own code, as they have their own data. In a dual
// mapping the next write of either pays for that: it copies the code so far. fork() has to be the C
// library's; a system call made by hand goes unnoticed, and then the two write into the same memory.
//
// A full buffer is an ordinary result (NULL): the caller stays in the tier below.
// The freed parts are kept as a list of ranges sorted by address; neighbours are merged.
#ifndef CODE_CODE_BUFFER_H
#define CODE_CODE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct CodeBuffer CodeBuffer;

// Every allocation starts at a multiple of this, as branch targets like it (and as the decoders'
// fetch blocks have it), and is rounded up to it, except the last one in the buffer.
enum { CODE_ALIGNMENT = 16 };

// A buffer for exactly `capacity` bytes of code, 0 included. NULL if the kernel refuses memory of
// that size or refuses to make memory executable. The caller frees it with code_buffer_free.
// It is mapped twice, unless the kernel forbids that.
CodeBuffer *code_buffer_new(size_t capacity);

// The same, mapped once. gdb cannot put a breakpoint into the code of a dual mapping (the kernel lets no
// debugger write to shared pages that are read-only; `hbreak` works), and perf does not look for the
// names of perf_map.h there.
CodeBuffer *code_buffer_new_flipping(size_t capacity);

// Is the code mapped twice? That of a buffer for 0 bytes is not.
bool code_buffer_is_dual(const CodeBuffer *buffer);

// Unmaps the code; none of it may be running. NULL is ignored.
void code_buffer_free(CodeBuffer *buffer);

// Room for `size` bytes of code, aligned to CODE_ALIGNMENT, at the lowest address that fits; NULL if
// there is none. The memory reads as int3 until code_buffer_write. 0 bytes are treated like 1.
void *code_buffer_alloc(CodeBuffer *buffer, size_t size);

// Copy `size` bytes to `at`, which lies in an allocation. Returns false, and has changed nothing, if
// the kernel refuses to open the pages (a process with its limit of mappings reached) or to copy them
// after a fork.
bool code_buffer_write(CodeBuffer *buffer, void *at, const void *bytes, size_t size);

// Give back what code_buffer_alloc(buffer, size) returned. The code is overwritten with int3; should
// the kernel refuse to open the pages for that, the memory stays in use.
void code_buffer_release(CodeBuffer *buffer, void *code, size_t size);

// In bytes; used + available == capacity. What rounding up to CODE_ALIGNMENT costs counts as used.
// An allocation can fail although more is available: the free bytes may lie in several ranges.
size_t code_buffer_capacity(const CodeBuffer *buffer);
size_t code_buffer_used(const CodeBuffer *buffer);
size_t code_buffer_available(const CodeBuffer *buffer);

// Does `address` lie in the buffer's code?
bool code_buffer_contains(const CodeBuffer *buffer, const void *address);

// Check the free list, the int3 invariant of free memory and that two mappings show the same code; a
// violation is fatal. For tests: it reads every byte.
void code_buffer_verify(const CodeBuffer *buffer);

#endif
