// Names and frames of generated code for gdb: `bt` shows JIT functions and walks through them to main.
//
// gdb knows two symbols by name: when a process calls __jit_debug_register_code, gdb looks at
// __jit_debug_descriptor and reads from the process's memory an object file for the code, as if a
// compiler had written it. For each function we make the smallest ELF file that serves: the symbol, and
// how to find the caller's frame from any instruction (.eh_frame).
// Source: "Debugging with GDB", chapter "JIT Compilation Interface".
//
// Registering costs a few hundred bytes per function and, while gdb is attached, the time that gdb
// takes to read them; so it is done on request only. Like the descriptor, which is one per process,
// it is for one thread at a time.
#ifndef CODE_GDB_JIT_H
#define CODE_GDB_JIT_H

#include <stddef.h>
#include <stdint.h>

typedef struct GdbJitEntry GdbJitEntry;

// A callee-saved register that the function stores in its frame.
typedef struct GdbSavedReg {
    uint32_t reg;       // its number as the assembler and the hardware have it: RBX is 3
    int32_t rbp_offset; // where, from rbp: -8 for the first push after the prologue
} GdbSavedReg;

// How a function keeps its frame: its prologue is `push rbp; mov rbp, rsp`, and each of its `ret`
// instructions follows a `leave`. In between, rbp does not change.
typedef struct GdbFrame {
    uint32_t prologue; // offset of `push rbp`: 0, or 4 after an endbr64
    const GdbSavedReg *saved;
    size_t num_saved;
    uint32_t body; // offset from which on the registers in `saved` are in their places
} GdbFrame;

// Tell gdb about a function. `name` and `frame` are copied. A NULL frame: only the name is known, and
// gdb guesses the frame from the code. Returns a handle for gdb_jit_unregister.
GdbJitEntry *gdb_jit_register(const char *name, const void *code, size_t size, const GdbFrame *frame);

// The code is gone. NULL is ignored.
void gdb_jit_unregister(GdbJitEntry *entry);

#endif
