// Machine code for the typed operations of LIR: raw numbers, objects whose shape is known, and the guards that make
// sure of both.
//
// An operand is wherever the allocator has it: in a register, in a slot or, but for `a`, as a constant. R10, R11,
// XMM0 and XMM1 are scratch registers here, and hold no operand. Divisions destroy what
// ra_clobbers says: RAX and RDX, unless it can be done without IDIV.
#ifndef BACKEND_EMIT_TYPED_H
#define BACKEND_EMIT_TYPED_H

#include "backend/lir.h"
#include "object/operator_emit.h"

// Where an instruction's operands are.
typedef struct TypedOperands {
    bool has_result;
    Place d; // if it has one
    Place a, b, c;
    Label *exit;              // of a guard: where to go if the bet is lost
    DeoptExit *exit_record;   // of a guard: its exit, for what stress counts
} TypedOperands;

// A typed instruction that is no branch. If it leaves through its exit, no register that the exit reads has changed.
void emit_typed(EmitContext *e, const LirIns *ins, const TypedOperands *o);

// Go to the target if a cc b, as int32s (BRANCH_I32) or doubles (BRANCH_F64).
void emit_typed_branch(EmitContext *e, LirOp op, Cond cc, Place a, Place b, Label *target);

// Generate the stub that this code calls. Returns false if the buffer is full.
bool stubs_generate_typed(Stubs *stubs, CodeBuffer *buffer);

#endif
