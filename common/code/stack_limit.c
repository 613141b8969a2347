// How deep generated code may recurse (see stack_limit.h).
//
// pthread_getattr_np knows the extent of every thread's stack. For the main thread glibc computes it
// from the soft limit and from the mapping below the stack, whichever ends it first. The kernel stops
// the growth of a stack a little above that mapping, at the stack guard gap: mm/mmap.c, 1 MiB.
#include "code/stack_limit.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    STACK_GUARD_GAP = 1024 * 1024,
    ABOVE_STACK = 1024 * 1024, // arguments and environment lie above the first frame, and count
};

typedef struct Extent {
    uintptr_t low, high; // [low, high)
} Extent;

static bool is_main_thread(void) { return syscall(SYS_gettid) == getpid(); }

// The running thread's stack; false if the system does not say.
static bool find_stack(Extent *stack) {
    pthread_attr_t attributes;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) return false;
    void *low;
    size_t size;
    bool found = pthread_attr_getstack(&attributes, &low, &size) == 0;
    pthread_attr_destroy(&attributes);
    *stack = (Extent){(uintptr_t)low, (uintptr_t)low + size};
    return found;
}

// Raise the soft limit to `wanted` bytes, or to the hard limit if that is less. Returns whether it has changed.
static bool raise_soft_limit(size_t wanted) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return false;
    if (limit.rlim_max != RLIM_INFINITY && wanted > limit.rlim_max) wanted = limit.rlim_max;
    if (wanted <= limit.rlim_cur) return false;
    limit.rlim_cur = wanted;
    return setrlimit(RLIMIT_STACK, &limit) == 0; // if it fails, the stack stays as deep as it is
}

// The main thread's stack, grown towards `budget` bytes below `here`.
static bool find_main_stack(Extent *stack, uintptr_t here, size_t budget) {
    if (!find_stack(stack)) return false;
    size_t in_use = stack->high - here;
    size_t wanted = budget < SIZE_MAX / 4 ? in_use + budget + STACK_RESERVE + ABOVE_STACK : SIZE_MAX / 4;
    if (raise_soft_limit(wanted) && !find_stack(stack)) return false;
    struct rlimit limit;
    if (getrlimit(RLIMIT_STACK, &limit) != 0) return false;
    bool ends_at_a_mapping = stack->high - stack->low + ABOVE_STACK < limit.rlim_cur;
    if (ends_at_a_mapping) stack->low += STACK_GUARD_GAP;
    return true;
}

uintptr_t stack_limit_here(size_t budget) {
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    Extent stack;
    bool found = is_main_thread() ? find_main_stack(&stack, here, budget) : find_stack(&stack);
    if (!found || here <= stack.low || here >= stack.high)
        return here - (budget < STACK_UNKNOWN ? budget : STACK_UNKNOWN);
    size_t left = here - stack.low;
    size_t reserve = left / 2 < STACK_RESERVE ? left / 2 : STACK_RESERVE;
    size_t usable = left - reserve;
    return here - (budget < usable ? budget : usable);
}
