// The state of one running program, shared by every engine that executes it.
//
// A call goes through the callee's Callable: if it holds machine code, that runs; otherwise the
// interpreter does. Any function may call any other without knowing which of the two it will be.
#ifndef INTERP_VM_H
#define INTERP_VM_H

#include <stddef.h>
#include <stdint.h>

#include "bytecode/program.h"

// How a run ended.
typedef enum RunStatus {
    RUN_OK,
    RUN_DIVISION_BY_ZERO,
    RUN_DIVISION_OVERFLOW, // INT64_MIN / -1
    RUN_STACK_OVERFLOW,    // too many calls inside of calls
} RunStatus;

// Why and where a run failed. Valid after a status other than RUN_OK.
typedef struct RunError {
    uint64_t status;   // a RunStatus
    uint64_t pc;       // the instruction; not meaningful for RUN_STACK_OVERFLOW
    uint64_t function; // its function's index; likewise
} RunError;

typedef struct Vm Vm;

// How to call one function of the program.
typedef struct Callable {
    void *entry; // machine code: a System V function of int64_t parameters. Callers leave the
                 // address of this Callable in RAX; only the interpreter's stub looks at it
    Vm *vm;
    uint32_t index;   // of the function in the program
    uint32_t is_code; // does `entry` point to the function's own code?
} Callable;

// Calls callee->entry with `num_args` arguments in the places of the System V convention.
typedef RunStatus EnterCode(Vm *vm, const Callable *callee, const int64_t *args, size_t num_args,
                            int64_t *result);

struct Vm {
    const Program *program;
    Callable *callables;   // one for each function of the program
    uintptr_t stack_limit; // the machine stack must not reach below this address
    uintptr_t exit_sp;     // RSP of the innermost EnterCode in progress: errors return there
    RunError error;
    EnterCode *enter;      // machine code that calls machine code; NULL without a JIT
    int64_t *slots;        // the interpreter's locals and operands
    int64_t *slots_free;   // the first slot that no active call uses
    int64_t *slots_end;
};

// Prepare to run a verified program, interpreted. The program must outlive the Vm, and the Vm runs on the
// machine stack of the thread that makes it: the limit is that stack's.
Vm *vm_new(const Program *program);
void vm_free(Vm *vm);

// Call a function with as many arguments as it has parameters, in the best engine it has.
RunStatus vm_call(Vm *vm, uint32_t function, const int64_t *args, int64_t *result);

// Record an error and return its status.
RunStatus vm_fail(Vm *vm, RunStatus status, uint32_t function, size_t pc);

// One line for the user: "fib.bca:5:5: error: division by zero".
void vm_print_error(FILE *out, const Vm *vm);

#endif
