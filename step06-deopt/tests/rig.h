// A rig that runs one allocated LIR function for real, without a JitCompiler around it: the tests make
// the LIR, the allocation, or both by hand.
#ifndef TESTS_RIG_H
#define TESTS_RIG_H

#include "backend/emit.h"
#include "deopt/deopt.h"
#include "programs.h"

typedef struct Rig {
    const Program *program;
    Vm *vm;
    CodeBuffer *buffer;
    Stubs stubs;
} Rig;

// For a verified program, which must outlive the rig. All of its functions are interpreted; so is what is left of one
// that leaves through an exit.
Rig rig_new(const Program *program);
void rig_free(Rig *rig);

// Emit the code of lir->function, run it, and forget it.
Outcome rig_run(Rig *rig, const Lir *lir, const RegisterAllocator *ra, const int64_t *args);

// The same in two steps: the code stays, and vm_call runs it, until rig_forget.
typedef struct RigCode {
    uint32_t function;
    void *code;
    size_t size;
    DeoptCode *exits; // of the Vm's
} RigCode;

RigCode rig_install(Rig *rig, const Lir *lir, const RegisterAllocator *ra);
Outcome rig_call(Rig *rig, const RigCode *code, const int64_t *args);
void rig_forget(Rig *rig, const RigCode *code);

#endif
