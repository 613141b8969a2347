// What stands in the body of a function that an assignment asks a student to write.
//
// tools/handout replaces a body by `not_implemented("name", "section");`. In a test program
// TEST_MAIN defines the function, and the test fails; everywhere else the definition below prints
// the same line and ends the program.
#ifndef TESTING_NOT_IMPLEMENTED_H
#define TESTING_NOT_IMPLEMENTED_H

#include <stdio.h>
#include <stdlib.h>

enum { NOT_IMPLEMENTED_STATUS = 70 };

_Noreturn void not_implemented(const char *function, const char *section);

#ifndef TESTING_TEST_MAIN_H
// Weak: the definition in a test program's main file takes its place.
__attribute__((weak)) _Noreturn void not_implemented(const char *function, const char *section) {
    fprintf(stderr, "not implemented yet: %s, see README section %s\n", function, section);
    exit(NOT_IMPLEMENTED_STATUS);
}
#endif

#endif
