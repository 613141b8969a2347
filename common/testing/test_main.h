// What every test program has in common: its main function, on top of cmocka.
//
//      static void test_sum(void **state) { ... }
//
//      static const struct CMUnitTest tests[] = {
//          cmocka_unit_test(test_sum),
//      };
//      TEST_MAIN(tests)
//
// The program runs all of its tests, or those that match a glob (`*` and `?`), given as an argument
// or in the environment variable TEST_FILTER, and exits with 0 exactly if none failed. With --list it
// prints the tests' names, one to a line, and runs none. The output has cmocka's standard format.
// For programs that make random input, --seed N and --count N set JIT_SEED and JIT_COUNT in the environment.
//
// A function of an assignment that is not written yet fails the test that calls it
// (not_implemented.h), and under tools/grade the result goes to the grader (test_record.h).
#ifndef TESTING_TEST_MAIN_H
#define TESTING_TEST_MAIN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "testing/not_implemented.h"
#include "testing/test_record.h"

#define TEST_MAIN(tests) TEST_MAIN_WITH(tests, NULL, NULL)

// The same, with functions that run before the first and after the last test.
#define TEST_MAIN_WITH(tests, group_setup, group_teardown) \
    static pid_t test_main_process; \
    void not_implemented(const char *function, const char *section) { \
        print_error("not implemented yet: %s, see README section %s\n", function, section); \
        if (getpid() != test_main_process) _exit(NOT_IMPLEMENTED_STATUS); /* a child of the test */ \
        fail(); \
        abort(); /* fail() does not return */ \
    } \
    int main(int argc, char **argv) { \
        if (test_main_is_list(argc, argv)) \
            return test_main_list(tests, sizeof(tests) / sizeof *(tests)); \
        test_main_process = getpid(); \
        int record = record_open(); \
        test_main_prepare(argc, argv); \
        int failed = cmocka_run_group_tests_name(#tests, tests, group_setup, group_teardown); \
        record_result(record, getenv("TEST_FILTER"), failed == 0); \
        return failed ? 1 : 0; \
    }

static inline bool test_main_is_list(int argc, char **argv) {
    return argc > 1 && strcmp(argv[1], "--list") == 0;
}

static inline int test_main_list(const struct CMUnitTest *tests, size_t count) {
    for (size_t i = 0; i < count; i++) puts(tests[i].name);
    return 0;
}

// Take the options that stand first; returns the index of the first argument behind them.
static inline int test_main_options(int argc, char **argv) {
    int at = 1;
    for (; at + 1 < argc; at += 2) {
        const char *variable = strcmp(argv[at], "--seed") == 0    ? "JIT_SEED"
                               : strcmp(argv[at], "--count") == 0 ? "JIT_COUNT"
                                                                  : NULL;
        if (!variable) break;
        setenv(variable, argv[at + 1], 1);
    }
    return at;
}

static inline void test_main_prepare(int argc, char **argv) {
    int at = test_main_options(argc, argv);
    const char *filter = at < argc ? argv[at] : getenv("TEST_FILTER");
    if (filter && filter[0] == '-') {
        fprintf(stderr, "usage: %s [--list | [--seed N] [--count N] [GLOB]]\n", argv[0]);
        exit(2);
    }
    if (filter && filter[0]) cmocka_set_test_filter(filter);
    setvbuf(stdout, NULL, _IOLBF, 0); // what a test that crashes has printed is not lost
}

#endif
