// The generated pieces of code that every compiled function relies on.
#ifndef BASELINE_STUBS_H
#define BASELINE_STUBS_H

#include "asm/asm.h"
#include "code/code_buffer.h"
#include "interp/vm.h"

// Where enter's frame keeps the registers of C: at [rbp + ENTER_SAVED], upwards.
enum { ENTER_SAVED = -64 };

typedef struct Stubs {
    EnterCode *enter; // C calls machine code
    void *error;      // records an error, or its place: RAX = status, RCX = pc, RDX = function index
    void *interpret;  // machine code calls a function that has none
    void *operate;    // R11 = an Operator on the two words on the stack (see generate_operate)
    void *number;     // R11 = the bits of a double that inline code makes no value of (emit_typed.c)
    void *optimize;   // a function that has counted down its calls has it compiled, and is called anew
    void *load, *store, *method; // accesses of objects that inline code did not settle (object_emit.c)
    void *get_index, *set_index, *length;
    size_t enter_size, interpret_size;
    size_t enter_body; // offset in enter from which on its frame holds what C had in the registers
} Stubs;

// For whoever generates a stub: a frame of its own with RSP aligned, whatever it was; a call of C; and the way into
// the buffer (NULL if it is full). stub_begin's counterpart is LEAVE and RET.
void stub_begin(Assembler *a);
void stub_call_c(Assembler *a, NativeCode *function);
void *stub_install(CodeBuffer *buffer, Assembler *a, size_t *size);

// Generate the stubs. Returns false if the code buffer is too small for them; then nothing can be
// compiled and the program runs interpreted.
bool stubs_generate(Stubs *stubs, CodeBuffer *buffer, Vm *vm);

// The same, but `enter` hands only the registers in `saved` back to C as they were: with less than
// CALLEE_SAVED_REGS, the fault of chapter 3.
bool stubs_generate_saving(Stubs *stubs, CodeBuffer *buffer, Vm *vm, uint32_t saved);

#endif
