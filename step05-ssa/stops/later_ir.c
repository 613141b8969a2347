// Stops 1 to 3: stands in, as src/ir/later.c, for analyses that others ask for and nobody has written yet. The
// definitions are weak: once a real one is there, it takes their place.
#include <stdlib.h>

#include "base/fatal.h"
#include "base/memory.h"
#include "ir/ir.h"

#define LATER __attribute__((weak))

void ir_reverse_postorder(Ir *ir); // for those who remove blocks

LATER void ir_reverse_postorder(Ir *ir) {
    (void)ir;
    fatal("dominators.c is not written yet");
}

// No loop is known.
LATER void ir_loops(Ir *ir) {
    if (!ir->loops) ir->loops = xcalloc(1, sizeof *ir->loops);
}
LATER uint8_t ir_value_type(Value value) { return (void)value, IRT_PRIMITIVE; }
LATER void ir_infer_types(Ir *ir) { (void)ir; }
LATER void ir_check(const Ir *ir, const char *after) { (void)ir, (void)after; }
