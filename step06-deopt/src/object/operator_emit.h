// Machine code for the operators: the case of two integers inline, every other one by a call of C that
// no other register notices.
//
// Both compilers use it: an operand is wherever the compiler has it, in a register, in memory or as a
// constant. R10 and R11 are scratch registers here, and hold no operand.
#ifndef OBJECT_OPERATOR_EMIT_H
#define OBJECT_OPERATOR_EMIT_H

#include "backend/parallel_move.h"
#include "baseline/pieces.h"
#include "object/operators.h"

// Code that stands behind a function's, for what its inline code does not handle.
typedef struct SlowPath {
    Label label, back;   // where it begins, and where it returns to
    enum { SLOW_OPERATOR, SLOW_BRANCH, SLOW_STUB, SLOW_ELEMENT, SLOW_NUMBER } kind;
    uint32_t pc;
    unsigned op;         // SLOW_OPERATOR, SLOW_BRANCH: an Operator, or OPERATOR_TRUTHY
    Place a, b;          // its operands
    Place d;             // SLOW_OPERATOR, SLOW_NUMBER (of the double in XMM0): where the result goes
    Label *target;       // SLOW_BRANCH: where to go ...
    bool sense;          // ... if the result is this
    const void *stub;    // SLOW_STUB, SLOW_ELEMENT: what to call; it returns NO_VALUE in RAX after an error
    uint32_t *return_offset; // SLOW_STUB: where to note the call's return address, if anybody wants to know
} SlowPath;

// Not in the table of operators, for it has one operand: is a truthy?
enum { OPERATOR_TRUTHY = NUM_OPERATORS };

typedef struct SlowPaths {
    SlowPath **items; // owned, by slow_paths_free
    size_t count, capacity;
    uint32_t *return_offset; // goes to every path that is made
} SlowPaths;

// What the emission of operators and of object accesses needs to know of the function.
typedef struct EmitContext {
    Assembler *a;
    const Stubs *stubs;
    Vm *vm;
    uint32_t function;
    ErrorSites *errors;
    SlowPaths *slow;
    Feedback *feedback; // of the function: slow paths record what they see, and store the pc in the frame.
                        // NULL: neither; that is how optimised code is
} EmitContext;

// d <- a op b. DIV and MOD destroy RAX and RDX, and b must be in neither.
void emit_operator(EmitContext *e, Operator op, Place d, Place a, Place b, uint32_t pc);

// Go to the target if (a op b) is `sense`, for an operator that compares.
void emit_compare_and_branch(EmitContext *e, Operator op, Place a, Place b, bool sense, Label *target, uint32_t pc);

// Go to the target if the value's truth is `sense`.
void emit_truth_branch(EmitContext *e, Place value, bool sense, Label *target, uint32_t pc);

// A new slow path, to be filled in. It stays where it is until slow_paths_free.
SlowPath *slow_path_new(EmitContext *e, uint32_t pc);

// Emit the code of all slow paths.
void emit_slow_paths(EmitContext *e);
void slow_paths_free(SlowPaths *slow);

#endif
