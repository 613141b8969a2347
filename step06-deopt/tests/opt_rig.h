// What the tests of the passes share: IR from a text, through a pass, and back to a text.
#ifndef TESTS_OPT_RIG_H
#define TESTS_OPT_RIG_H

#include "opt/opt.h"

typedef void Pass(Ir *ir);

// A text as IR, in a program of its own. A text that is wrong, or that ir_verify rejects, fails the test.
Ir *ir_from_text(const char *text);
void ir_discard(Ir *ir); // with its program

// The function's text with blocks and values numbered in the order in which they stand there: blocks in
// reverse postorder, values and states from 1. Free it.
char *ir_numbered_text(Ir *ir);

// The pass makes `after` of `before`. Both are bodies of a function with parameters 0 to 3: what stands between
// the braces; `after` is numbered as ir_numbered_text does. Blanks at the start of lines do not count.
void assert_becomes(Pass *pass, const char *before, const char *after);

// The pass changes nothing.
void assert_stays(Pass *pass, const char *text);

// How many instructions of this kind are left behind the pass?
unsigned count_behind(Pass *pass, const char *text, IrOp op);
unsigned count_ops(const Ir *ir, IrOp op);

// Run ir_verify; a fault fails the test.
void assert_valid(const Ir *ir, const char *what);

#endif
