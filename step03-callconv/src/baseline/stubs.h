// The generated pieces of code that every compiled function relies on.
#ifndef BASELINE_STUBS_H
#define BASELINE_STUBS_H

#include "code/code_buffer.h"
#include "interp/vm.h"

// Where enter's frame keeps the registers of C: at [rbp + ENTER_SAVED], upwards.
enum { ENTER_SAVED = -64 };

typedef struct Stubs {
    EnterCode *enter; // C calls machine code
    void *error;      // machine code gives up: RAX = status, RCX = pc, RDX = function index
    void *interpret;  // machine code calls a function that has none; RAX = its Callable
    size_t enter_size, interpret_size;
    size_t enter_body; // offset in enter from which on its frame holds what C had in the registers
} Stubs;

// Generate the stubs. Returns false if the code buffer is too small for them; then nothing can be
// compiled and the program runs interpreted.
bool stubs_generate(Stubs *stubs, CodeBuffer *buffer, Vm *vm);

// The same, but `enter` hands only the registers in `saved` back to C as they were: with less than
// CALLEE_SAVED_REGS, the fault of chapter 3.
bool stubs_generate_saving(Stubs *stubs, CodeBuffer *buffer, Vm *vm, uint32_t saved);

#endif
