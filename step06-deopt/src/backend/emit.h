// The emitter: allocated LIR to machine code.
#ifndef BACKEND_EMIT_H
#define BACKEND_EMIT_H

#include "backend/regalloc.h"
#include "baseline/baseline.h"
#include "deopt/deopt.h"

// Marks that do not belong to one LIR instruction are those of baseline.h; all others are bytecode
// indices, so that listings of both tiers can be laid side by side.

// Generate the function's code into an empty assembler; the same contract as baseline_compile. `code` comes from
// deopt_code_new, with room for the LIR's exits, which are filled in here.
void lir_emit(Assembler *a, CodeMarks *marks, const Stubs *stubs, Vm *vm, const Lir *lir,
              const RegisterAllocator *ra, DeoptCode *code);

#endif
