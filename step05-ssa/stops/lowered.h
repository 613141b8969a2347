// What the programs of stops 13 to 15 share: the LIR of a function, after all passes.
#ifndef STOPS_LOWERED_H
#define STOPS_LOWERED_H

#include "ir/lower.h"
#include "opt/opt.h"
#include "stop.h"

static inline void lower_function(Lir *lir, Program *program, uint32_t index) {
    Ir ir;
    if (!ir_build(&ir, program, index)) fatal("%s would be far too large", program->functions[index].name);
    opt_run(&ir, &(OptOptions){.verify = true});
    ir_lower(&ir, lir);
    ir_free(&ir);
    char fault[200];
    if (!lir_verify(lir, fault, sizeof fault)) fatal("%s: bad LIR: %s", lir->function->name, fault);
}

#endif
