// How deep generated code may recurse before the machine stack ends.
#ifndef CODE_STACK_LIMIT_H
#define CODE_STACK_LIMIT_H

#include <stddef.h>
#include <stdint.h>

// The lowest address that rsp may have in generated code which the caller is about to run on this
// thread's stack; the code compares rsp with it and leaves in good order if rsp is below.
// It lies at most `budget` bytes below the caller, and never nearer to the stack's real end than
// STACK_RESERVE (half of what is left, if that is less): room for the C functions that generated
// code calls and for signal handlers.
//
// On the main thread, whose stack grows on demand up to the soft limit RLIMIT_STACK, the soft limit
// is raised as far as the budget needs and the hard limit permits, as gcc and clang do for themselves;
// child processes inherit it. On a stack that is not the thread's own, nothing is known: the answer is
// STACK_UNKNOWN below the caller.
uintptr_t stack_limit_here(size_t budget);

enum { STACK_RESERVE = 256 * 1024, STACK_UNKNOWN = 16 * 1024 };

#endif
