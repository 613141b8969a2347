// Representations: which values are tagged words, which are plain integers, which are plain doubles.
#ifndef IR_REPRESENT_H
#define IR_REPRESENT_H

#include "ir/ir.h"

// Choose a representation for every value (IrIns.rep) and convert where a use needs another one. The last thing
// to be done before lowering, and once. Critical edges are split behind it. For code that was built with bets on
// what has been seen: there, arithmetic on numbers that is not add_int and the like has seen doubles.
// Time: linear in the size of the function, but for the factor that MAX_STEPS limits (represent.c).
void ir_represent(Ir *ir);

#endif
