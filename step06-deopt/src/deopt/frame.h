// The one frame layout that every engine uses, and the convention by which generated code calls generated code.
//
//     [rbp+16+8i]  argument i, put there by the caller; a method's receiver is argument 0
//     [rbp+8]      return address
//     [rbp]        the caller's rbp                           <-- a Frame * is the address of this word
//     [rbp-8]      the callee: its Callable
//     [rbp-16]     FrameInfo
//     [rbp-24-8k]  slot k: the function's locals, then its operands (optimised code: spill slots)
//     [rsp+8i]     argument i of what this function calls; rsp is a multiple of 16, and does not change
//
//     at entry: rcx = the callee's Callable, eax = the number of arguments, r14 = the Vm
//     result:   rax; NO_VALUE: an error is pending
//     changed:  every register but rsp, rbp and r14
//
// The callee puts up with any number of arguments: what is missing is undefined, what is too much is left out.
// Whoever knows a frame can walk to its caller's, read what it holds, and turn it from one engine's into
// another's: nothing that a function needs is anywhere else while it calls. That is why no register survives
// a call here, although System V has five that would.
//
// Invariant: nobody but this header knows an offset.
#ifndef DEOPT_FRAME_H
#define DEOPT_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "asm/asm.h"
#include "object/value.h"

typedef struct Vm Vm;
typedef struct Callable Callable;

typedef enum FrameKind {
    FRAME_INTERP,   // slots hold locals and operands; pc is the instruction being executed
    FRAME_BASELINE, // the same
    FRAME_OPT,      // slots hold what the allocator put there; pc is the number of the code (see deopt.h)
    FRAME_ENTER,    // C has called generated code: no function, no slots
} FrameKind;

typedef struct FrameInfo {
    uint32_t pc;
    uint16_t num_args; // that the caller gave
    uint8_t kind;      // a FrameKind
    uint8_t unused;
} FrameInfo;

_Static_assert(sizeof(FrameInfo) == 8, "one word");

typedef struct Frame {
    struct Frame *caller; // of a FRAME_INTERP that C has built: the frame that was the newest before
    void *return_address;
    Value arguments[];
} Frame;

// Offsets from rbp.
enum {
    FRAME_ARGUMENTS = 16,
    FRAME_CALLEE = -8,
    FRAME_INFO = -16,
    FRAME_PREVIOUS = -24, // of a FRAME_ENTER: the newest frame before it
    FRAME_SLOTS = -24,    // slot 0; the others below
};

_Static_assert(offsetof(Frame, arguments) == FRAME_ARGUMENTS, "as drawn");

// The registers of the convention.
#define FRAME_CALLEE_REG RCX
#define FRAME_COUNT_REG RAX
#define FRAME_VM_REG R14

// What a call destroys.
#define FRAME_CHANGED_REGS (0xFFFFu & ~(1u << RSP | 1u << RBP | 1u << FRAME_VM_REG))

// What an access of a property or an element destroys (object/object_emit.h), be it settled inline or in C.
#define ACCESS_CHANGED_REGS (1u << RAX | 1u << RCX | 1u << RDX | 1u << RSI | 1u << RDI | 1u << R10 | 1u << R11)

// Operands for the assembler.
static inline Mem frame_mem(int32_t offset) { return mem(RBP, offset); }
static inline Mem frame_slot_mem(uint32_t slot) { return mem(RBP, FRAME_SLOTS - 8 * (int32_t)slot); }
static inline Mem frame_argument_mem(uint32_t i) { return mem(RBP, FRAME_ARGUMENTS + 8 * (int32_t)i); }
static inline Mem frame_outgoing_mem(uint32_t i) { return mem(RSP, 8 * (int32_t)i); }

// Bytes below rbp for a frame with so many slots and outgoing arguments: rsp stays a multiple of 16.
static inline uint32_t frame_size(uint32_t num_slots, uint32_t outgoing) {
    return (8 * (2 + num_slots + outgoing) + 15) & ~15u;
}

// The parts of a frame, for C.
static inline const Callable *frame_callee(const Frame *frame) {
    return *(const Callable *const *)((const char *)frame + FRAME_CALLEE);
}
static inline void frame_set_callee(Frame *frame, const Callable *callee) {
    *(const Callable **)((char *)frame + FRAME_CALLEE) = callee;
}
static inline FrameInfo *frame_info(Frame *frame) { return (FrameInfo *)((char *)frame + FRAME_INFO); }
static inline Value *frame_slot(Frame *frame, uint32_t slot) { return (Value *)((char *)frame + FRAME_SLOTS) - slot; }

// The newest frame of a function: where C has been called from, or what C interprets. NULL: none.
Frame *frame_newest(const Vm *vm);

// The frame of the function that called this one's, through any C in between. NULL: none.
Frame *frame_caller(const Frame *frame);

#endif
