// The stack limit: never below the stack's end, as deep as asked where that is possible.
#include "code/stack_limit.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing/test_main.h"

enum { MIB = 1024 * 1024 };

static uintptr_t here(void) { return (uintptr_t)__builtin_frame_address(0); }

// Use the stack down to `limit`, a frame at a time.
__attribute__((noinline)) static size_t descend(uintptr_t limit) {
    volatile char frame[512];
    frame[0] = 1;
    size_t deeper = (uintptr_t)__builtin_frame_address(0) > limit ? descend(limit) : 0;
    return deeper + (size_t)frame[0];
}

static void test_a_small_budget_is_taken_literally(void **state) {
    (void)state;
    uintptr_t limit = stack_limit_here(100000);
    assert_true(limit < here() && here() - limit < 100000 + 1000);
    assert_true(here() - stack_limit_here(0) < 1000);
}

// Run the function in a child process; true if that returned true there.
static bool holds_in_child(bool (*function)(void)) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) _exit(function() ? 0 : 1);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool set_soft_limit(size_t bytes) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_STACK, &limit) != 0) return false;
    limit.rlim_cur = bytes;
    return setrlimit(RLIMIT_STACK, &limit) == 0;
}

static bool whole_depth_is_usable(void) {
    if (!set_soft_limit(8 * MIB)) return false;
    uintptr_t limit = stack_limit_here(32 * MIB);
    return here() - limit > 7 * MIB && descend(limit) > 1000;
}

static bool soft_limit_is_raised(void) {
    struct rlimit limit;
    if (!set_soft_limit(8 * MIB) || getrlimit(RLIMIT_STACK, &limit) != 0) return false;
    bool possible = limit.rlim_max == RLIM_INFINITY || limit.rlim_max > 40 * MIB;
    size_t depth = here() - stack_limit_here(32 * MIB);
    return !possible || depth >= 32 * MIB;
}

static bool hard_limit_is_respected(void) {
    struct rlimit limit = {4 * MIB, 4 * MIB};
    if (setrlimit(RLIMIT_STACK, &limit) != 0) return false;
    uintptr_t lowest = stack_limit_here(64 * MIB);
    size_t depth = here() - lowest;
    return depth > 3 * MIB && depth < 4 * MIB - STACK_RESERVE && descend(lowest) > 1000;
}

static bool endless_budget_ends(void) {
    uintptr_t limit = stack_limit_here(SIZE_MAX);
    return limit < here() && limit > 0;
}

static void test_main_thread(void **state) {
    (void)state;
    assert_true(holds_in_child(whole_depth_is_usable));
    assert_true(holds_in_child(soft_limit_is_raised));
    assert_true(holds_in_child(hard_limit_is_respected));
    assert_true(holds_in_child(endless_budget_ends));
}

static void *depth_in_thread(void *depth) {
    uintptr_t limit = stack_limit_here(64 * MIB);
    *(size_t *)depth = here() - limit;
    assert_true(descend(limit) > 10);
    return NULL;
}

static size_t depth_of_thread_with(size_t stack_size) {
    pthread_attr_t attributes;
    pthread_t thread;
    size_t depth = 0;
    pthread_attr_init(&attributes);
    assert_int_equal(pthread_attr_setstacksize(&attributes, stack_size), 0);
    assert_int_equal(pthread_create(&thread, &attributes, depth_in_thread, &depth), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    return depth;
}

static void test_other_threads_have_their_own_stack(void **state) {
    (void)state;
    size_t depth = depth_of_thread_with(2 * MIB);
    assert_true(depth > MIB && depth <= 2 * MIB - STACK_RESERVE);
    depth = depth_of_thread_with(128 * 1024); // less than the reserve: half of it
    assert_true(depth > 30 * 1024 && depth <= 64 * 1024);
}

static const struct CMUnitTest stack_limit_tests[] = {
    cmocka_unit_test(test_a_small_budget_is_taken_literally),
    cmocka_unit_test(test_main_thread),
    cmocka_unit_test(test_other_threads_have_their_own_stack),
};
TEST_MAIN(stack_limit_tests)
