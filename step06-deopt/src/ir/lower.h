// From IR to LIR: the last step before registers are allocated.
#ifndef IR_LOWER_H
#define IR_LOWER_H

#include "backend/lir.h"
#include "ir/ir.h"

// The LIR of a function, to be freed with lir_free. Splits the IR's critical edges, and needs the IR no longer
// afterwards. Time: linear, but for the analysis of loops.
void ir_lower(Ir *ir, Lir *lir);

#endif
