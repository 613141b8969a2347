// Making a program that shows a bug smaller: delete instructions as long as the bug still shows.
#ifndef TESTS_REDUCE_H
#define TESTS_REDUCE_H

#include "bytecode/program.h"

// Does the bug show in this program, which the verifier has accepted?
typedef bool ShowsBug(const Program *program, void *context);

// A new program, verified, to be freed with program_free. The one given stays as it is.
Program *reduce_program(const Program *program, ShowsBug *shows_bug, void *context);

#endif
