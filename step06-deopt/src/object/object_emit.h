// Machine code for objects: property and element accesses with their inline caches.
//
// Operands and results are in fixed registers; ACCESS_CHANGED_REGS are destroyed. After a run-time error the
// code leaves the function.
#ifndef OBJECT_OBJECT_EMIT_H
#define OBJECT_OBJECT_EMIT_H

#include "object/operator_emit.h"

// RAX = RDI.name; the cell of the instruction's site knows the name.
void emit_get_property(EmitContext *e, uint32_t pc);

// RDI.name = RSI
void emit_set_property(EmitContext *e, uint32_t pc);

// RAX = the Callable of RDI's method, ready to be called through its entry. The stack, where the arguments are,
// stays as it is. Destroys what a call does.
void emit_find_method(EmitContext *e, uint32_t pc);

// RAX = RDI[RSI]; RDI[RSI] = RDX; RAX = the length of RDI.
void emit_get_index(EmitContext *e, uint32_t pc);
void emit_set_index(EmitContext *e, uint32_t pc);
void emit_length(EmitContext *e, uint32_t pc);

// Generate the stubs that this code calls. Returns false if the buffer is full.
bool stubs_generate_object(Stubs *stubs, CodeBuffer *buffer, Vm *vm);

#endif
