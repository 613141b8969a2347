// Deoptimisation: back from optimised code to the interpreter, in the middle of a function.
//
// Optimised code bets: that operands are integers, that sums do not overflow, that an object has the shape it
// had before. Each guard that checks a bet has an exit, and each exit a description of what the interpreter's
// frame would hold at that point:
//
//     guard:      jo    exit 7
//     ...
//     exit 7:     push  7                exit 7 of function f: resume at 12
//                 jmp   deopt stub           slot 0   rbx, int32
//                                            slot 1   spill slot 3, tagged
//     deopt stub: all registers to memory,   slot 2   the constant 1
//                 then C: deopt_take
//
// C writes the slots into the very frame that the optimised code used: it is large enough, and it is in the one
// layout. So from there on the function may go on in any other engine: in its baseline code, which finds
// everything where it expects it, or in the interpreter.
//
// Lazy exits: a bet may also be lost by something that happens elsewhere, while the function waits for a call to
// return (a method is redefined, and the function has that method's address built in). Then the return
// address of the call is made to lead to a stub, and the function leaves as soon as control comes back.
//
// Source: Hoelzle, Chambers, Ungar, "Debugging Optimized Code with Dynamic Deoptimization", PLDI 1992.
#ifndef DEOPT_DEOPT_H
#define DEOPT_DEOPT_H

#include <stdio.h>

#include "code/code_buffer.h"
#include "deopt/feedback.h"
#include "deopt/frame.h"
#include "deopt/rep.h"

// What a guard expects.
#define DEOPT_REASONS(_) \
    _(INT, "an integer") \
    _(NUMBER, "a number") \
    _(OVERFLOW, "a result that is an int32") \
    _(SHAPE, "another shape") \
    _(BOUNDS, "an index inside the array") \
    _(HOLE, "an element that was written") \
    _(LAZY, "code that is still valid")

typedef enum DeoptReason {
#define DEOPT_ENUM_ROW(name, text) DEOPT_##name,
    DEOPT_REASONS(DEOPT_ENUM_ROW)
#undef DEOPT_ENUM_ROW
    NUM_DEOPT_REASONS,
} DeoptReason;

// Where a value is.
typedef struct DeoptValue {
    enum { DEOPT_CONST, DEOPT_REG, DEOPT_SLOT } where;
    uint8_t rep;    // a Rep
    uint32_t index; // DEOPT_REG: a Reg; DEOPT_SLOT: a slot of the frame
    int64_t imm;    // DEOPT_CONST
} DeoptValue;

typedef struct DeoptCode DeoptCode;

// One exit. Its address stays the same as long as the code lives.
typedef struct DeoptExit {
    DeoptCode *code;
    uint8_t reason;    // a DeoptReason
    bool is_lazy;      // behind a call: resume behind it, with its result pushed if it has one
    bool is_hoisted;   // the guard was moved out of a loop
    uint32_t pc;       // the bytecode to resume at; of a lazy exit: the call
    uint32_t guard_pc; // the bytecode that the guard was made for
    DeoptValue subject; // what the guard looked at
    DeoptValue *values; // for slot 0, 1, ... of the interpreter's frame
    uint32_t num_values;
    uint32_t return_offset; // lazy: the call's return address in the code
    uint32_t visits;        // with stress: how often the guard was reached ...
    uint32_t countdown;     // ... and after how many more visits it is to fail; 0: when it wants to
} DeoptExit;

// The exits of one piece of optimised code.
struct DeoptCode {
    uint32_t id;           // FrameInfo.pc of its frames
    uint32_t function;     // index
    const uint8_t *start;  // NULL before it is installed
    size_t size;
    uint32_t frame_size;   // bytes below rbp: calls push their return address at rbp - frame_size - 8
    bool is_broken;        // a bet that no guard checks is lost: frames leave it at their next return into it
    bool depends_on_prototypes;
    bool is_blind;         // made before the function ever ran: it counts its calls as baseline code does
    DeoptExit *exits;      // owned
    uint32_t num_exits;
    DeoptValue *values;    // owned: of all exits
};

// A return address that was made to lead to the lazy stub: that of the call in progress in this frame.
typedef struct LazyReturn {
    Frame *frame;
    const uint8_t *address; // where it led before
} LazyReturn;

// What happened, for whoever looks on (--dump=deopt, tests).
typedef struct DeoptEvent {
    const DeoptExit *exit;
    bool is_forced; // the guard would have held
    Value found;    // what the guard looked at; NO_VALUE if there is nothing to show
    Frame *frame;   // rebuilt: slots and pc are those of the interpreter
    uint32_t depth; // operands in it
} DeoptEvent;

typedef struct Deopt {
    DeoptCode **codes; // indexed by id; owned
    size_t num_codes, cap_codes;
    LazyReturn *lazy;
    size_t num_lazy, cap_lazy;
    const void *stub, *lazy_stub;
    bool stress;               // generate guards that can be told to fail
    bool is_armed;             // and one of them is to,
    uint32_t countdown, every; // after so many; and then after so many more each time (0: only once)
    uint64_t num_deopts;
    // The engine's: a bet was lost, in a guard or elsewhere; where to go on in baseline code (NULL: interpret).
    void (*lost)(Vm *vm, const DeoptExit *exit, Value found);
    void (*broken)(Vm *vm, const DeoptCode *code);
    const uint8_t *(*resume_at)(Vm *vm, uint32_t function, uint32_t pc, uint32_t *frame_size);
    void (*observe)(void *context, Vm *vm, const DeoptEvent *event);
    void *context;
} Deopt;

// Make the stubs. Returns false if the code buffer is too small for them.
bool deopt_init(Vm *vm, CodeBuffer *buffer);
void deopt_free(Vm *vm);

// A new DeoptCode with room for so many exits and values, to be filled in by the emitter.
DeoptCode *deopt_code_new(Vm *vm, uint32_t function, uint32_t num_exits, uint32_t num_values);

// The code is of no use after all (it did not fit): forget it.
void deopt_code_drop(Vm *vm, DeoptCode *code);

// Nobody is to enter the code any more, which stays in memory for the frames that are in it.
void deopt_code_leave(Vm *vm, const DeoptCode *code);

// An object in the prototype chain of others has changed: code that bet on that not to happen is not entered
// any more, and frames that are in it leave it when the call returns that they wait for.
void deopt_forget_prototypes(Vm *vm);

// One line that tells what happened, and one for each slot of the frame.
void deopt_print_event(FILE *out, const Vm *vm, const DeoptEvent *event);

extern const char *const deopt_reason_texts[NUM_DEOPT_REASONS];

#endif
