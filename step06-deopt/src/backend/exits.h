// Exits: the tables that say where the interpreter's values are, and the code that leads out.
#ifndef BACKEND_EXITS_H
#define BACKEND_EXITS_H

#include "backend/regalloc.h"

// Fill in the exits of the code, all but the return addresses of calls. `code` comes from deopt_code_new, with as
// many exits and values as the LIR has.
void exits_describe(DeoptCode *code, const Lir *lir, const RegisterAllocator *ra);

// Emit the code of all guards' exits: exit i is where labels[i] is bound. It is cold, and stands behind the function's.
void exits_emit(Assembler *a, const Lir *lir, const RegisterAllocator *ra, Label *labels, const Deopt *deopt);

#endif
