// The state of one running program, shared by every engine that executes it.
//
// A call goes through the callee's Callable: if it holds machine code, that runs; otherwise the
// interpreter does. Any function may call any other without knowing which of the two it will be.
//
// A run-time error is recorded in the Vm, and every function in progress returns NO_VALUE: whoever
// calls tests the result, and does the same.
#ifndef INTERP_VM_H
#define INTERP_VM_H

#include <stddef.h>
#include <stdint.h>

#include "bytecode/program.h"
#include "deopt/feedback.h"
#include "deopt/frame.h"
#include "object/ic.h"
#include "object/object.h"

// How a run ended.
typedef enum RunStatus {
    RUN_OK,
    RUN_TYPE_ERROR,     // an operation on a value that it is not made for
    RUN_RANGE_ERROR,    // a size or a number out of range
    RUN_OUT_OF_MEMORY,  // the heap is full
    RUN_STACK_OVERFLOW, // too many calls inside of calls
} RunStatus;

// Why and where a run failed. Valid after a status other than RUN_OK.
typedef struct RunError {
    uint64_t status;   // a RunStatus
    uint64_t pc;       // the instruction
    uint64_t function; // its function's index
    bool has_place;    // are these two known? Never for RUN_STACK_OVERFLOW
    char message[120];
} RunError;

typedef struct Deopt Deopt;

// A function of the program as an object, and how to call it.
struct Callable {
    Header header;
    void *entry; // machine code, to be called by the convention of deopt/frame.h
    uint32_t index;   // of the function in the program
    uint32_t is_code; // does `entry` point to the function's own code?
    void *fallback;   // what to enter when optimised code is left for good: baseline code or the interpreter,
    uint32_t fallback_is_code; // and which of the two
    uint32_t countdown; // calls of baseline code until the function is optimised
};

// Calls callee->entry with `num_args` arguments in the places of that convention.
typedef Value EnterCode(Vm *vm, const Callable *callee, const Value *args, size_t num_args);

struct Vm {
    const Program *program;
    Callable *callables;   // one for each function of the program
    uintptr_t stack_limit; // the machine stack must not reach below this address
    RunError error;
    bool is_ready;         // false: the heap was too small to start with
    EnterCode *enter;      // machine code that calls machine code; NULL without a JIT
    Heap heap;
    StringTable strings;   // the program's names, and those that came up while it ran
    ShapeTable shapes;
    RuntimeClass *classes; // one for each class of the program
    InlineCaches ic;
    Feedback **feedback;   // for each function of the program: a byte for each instruction
    Frame *top_frame;      // when C runs: the newest frame of a function (or FRAME_ENTER)
    Deopt *deopt;   // NULL without optimised code
    struct JitCompiler *jit; // NULL without one
    void (*optimize)(Vm *vm, Callable *callable); // baseline code has counted down; NULL: it does not count
};

#define DEFAULT_HEAP_SIZE ((size_t)1 << 30) // bytes
#define MAX_HEAP_SIZE ((size_t)1 << 40)

// Prepare to run a verified program, interpreted, with so many bytes of heap. The program must outlive the Vm,
// and the Vm runs on the machine stack of the thread that makes it: the limit is that stack's. If the heap is
// too small to start with, every run ends with that error.
Vm *vm_new(const Program *program, size_t heap_size);
void vm_free(Vm *vm);

// Call a function with as many arguments as it has parameters, in the best engine it has. NO_VALUE: vm->error
// says what happened and where.
Value vm_call(Vm *vm, uint32_t function, const Value *args);

// The same with any number of arguments: what is missing is undefined, what is too much is left out.
Value vm_call_with(Vm *vm, uint32_t function, const Value *args, size_t num_args);

// Record an error. Returns NO_VALUE.
Value vm_fail(Vm *vm, RunStatus status, const char *format, ...) __attribute__((format(printf, 3, 4)));

// The error that was just recorded happened here, unless its place is known. Returns NO_VALUE.
Value vm_fail_at(Vm *vm, uint32_t function, uint32_t pc);

Value vm_stack_overflow(Vm *vm);

// One line for the user: "fib.bca:5:5: error: TypeError: ...".
void vm_print_error(FILE *out, const Vm *vm);

#endif
