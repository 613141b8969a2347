// IR and bytecode from texts, and back.
#ifndef TESTS_IR_TEXT_H
#define TESTS_IR_TEXT_H

#include "ir/ir.h"

// A verified program, to be freed with program_free. One that is rejected fails the test.
Program *bytecode_from(const char *text);

// Read an IR text and verify it; a fault fails the test. The program takes up names that it lacks.
void ir_from(Ir *ir, Program *program, const char *text);

// The IR as text; the caller frees it.
char *ir_text(Ir *ir, unsigned options);

// Compare, and verify once more.
void assert_ir(Ir *ir, const char *expected);

#endif
