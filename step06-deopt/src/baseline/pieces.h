// Pieces of code that every compiler of the course generates alike: run-time errors, the check of the
// machine stack, what a frame says about itself; and the marks that tell which code was made for what.
#ifndef BASELINE_PIECES_H
#define BASELINE_PIECES_H

#include "asm/asm.h"
#include "baseline/stubs.h"
#include "code/disasm.h"
#include "interp/vm.h"

// Which instruction each piece of code was made for, in ascending order of offset.
typedef struct CodeMarks {
    CodeMark *items; // owned; free(items)
    size_t count, capacity;
} CodeMarks;

// Marks that do not belong to one instruction.
enum { MARK_PROLOGUE = -1, MARK_ERRORS = -2, MARK_SLOW_PATHS = -3, MARK_RARE = -4, MARK_EXITS = -5 };

// What is emitted from here on belongs to this item: an instruction's index, or a mark above.
void code_mark(CodeMarks *marks, const Assembler *a, int item);

// The places in one function where a run-time error is raised. The code that raises it is cold: it
// stands behind the function's, and a conditional jump leads there.
typedef struct ErrorSites {
    struct ErrorSite {
        Label label;
        RunStatus status;
        uint32_t pc;
    } *items; // owned; free(items)
    size_t count, capacity;
} ErrorSites;

// If the condition holds, raise the error. RUN_OK: it is recorded already, but for its place.
void emit_error_if(Assembler *a, ErrorSites *sites, Cond cc, RunStatus status, uint32_t pc);

// Emit the code of all sites: RAX = status, RCX = pc, RDX = function, then a call of the error stub, and
// on to `exit` with NO_VALUE in RAX.
void emit_errors(Assembler *a, ErrorSites *sites, const Stubs *stubs, uint32_t function, Label *exit);

// At a function's entry: is there room for `bytes` more on the machine stack? Destroys R10 and R11. If there
// is not, the function returns at once: nothing is on the stack yet but the caller's RBP.
void emit_stack_check(Assembler *a, ErrorSites *sites, int32_t bytes);

// In a new frame: the callee and the FrameInfo, from the registers that hold them at entry. Destroys R10.
void emit_frame_header(Assembler *a, FrameKind kind, uint32_t pc);

// A field of the Vm.
static inline Mem vm_field(size_t offset) { return mem(FRAME_VM_REG, (int32_t)offset); }

// Before a call of C: this frame is the newest.
void emit_store_top_frame(Assembler *a);

// Behind `mov rbp, rsp`: after so many calls the function is worth better code. The other one is what the label leads
// to then, in rare code: nothing is on the stack yet but the caller's RBP.
void emit_count_call(Assembler *a, Label *counted_down);
void emit_counted_down(Assembler *a, const Stubs *stubs, Label *counted_down);

// An address as the immediate of asm_mov_ri.
static inline int64_t address_of(const void *object) { return (int64_t)(uintptr_t)object; }

#endif
