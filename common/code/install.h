// From an assembler to running code: find room, fix the relocations for that address, copy.
#ifndef CODE_INSTALL_H
#define CODE_INSTALL_H

#include "asm/asm.h"
#include "code/code_buffer.h"

// Call it after asm_finish. Returns the code's address, of a->size bytes, to be given back with
// code_buffer_release. Returns NULL, and has taken nothing from the buffer, if the buffer is full,
// a REL32 target is out of reach from there, or the assembler's sticky error is set.
void *code_install(CodeBuffer *buffer, Assembler *a);

#endif
