// What a function's frame holds at each instruction, as the bytecode interpreter has it: to hold the frames against
// that optimised code rebuilds at its exits.
//
// A frame is one number, a digest: of its operands, and of the locals that are read later. Numbers, strings and
// functions count by their value, other objects by their type and shape.
#ifndef TESTS_FRAMES_H
#define TESTS_FRAMES_H

#include "interp/vm.h"

typedef struct FrameTrace FrameTrace;

// For a verified program, which must outlive the trace.
FrameTrace *frames_new(const Program *program);
void frames_free(FrameTrace *trace);

// Call a function as vm_call does, in an interpreter that notes each frame at each instruction. The Vm has no
// machine code.
Value frames_record(FrameTrace *trace, Vm *vm, uint32_t function, const Value *args);

// How many frames there were at this instruction, and the digest of one of them.
size_t frames_count(const FrameTrace *trace, uint32_t function, uint32_t pc);
uint64_t frames_digest_at(const FrameTrace *trace, uint32_t function, uint32_t pc, size_t visit);

// Do both runs have the same frames at every instruction?
bool frames_are_equal(const FrameTrace *a, const FrameTrace *b);

// The digest of a frame that holds what the interpreter's would.
uint64_t frames_digest(FrameTrace *trace, const Vm *vm, Frame *frame);

// Can control come from this instruction to one that reads the local, before it is written?
bool frames_local_is_live(FrameTrace *trace, uint32_t function, uint32_t pc, uint32_t local);

#endif
