// An interpreter for IR: as plain as the one for bytecode. It lets passes be tested without a back end.
// Values are kept as their representations say: a conversion that is missing shows.
#ifndef TESTS_IR_INTERP_H
#define TESTS_IR_INTERP_H

#include "interp/vm.h"
#include "ir/ir.h"

// A guard has failed: where the interpreter is to go on, and with what.
typedef struct IrDeopt {
    const Ir *ir;
    Ref guard;
    uint32_t pc;
    Value *slots; // locals, then operands
    uint32_t num_slots;
} IrDeopt;

typedef struct IrMachine {
    Vm *vm;
    Ir **irs;       // for each function of the program: its IR, or NULL to call it through the Vm
    uint64_t steps; // instructions that may still be executed
    bool ran_out;   // of steps: the result is NO_VALUE, and no error is recorded
    // What a failed guard does: its result is the function's. NULL: stop.
    Value (*on_deopt)(struct IrMachine *machine, const IrDeopt *deopt);
    void *context;
    uint64_t fail_at; // the guard that is reached as the fail_at-th fails in any case; 0: none
    uint64_t num_guards; // reached so far
    uint64_t num_deopts;
    IrDeopt last_deopt; // without slots, unless on_deopt is NULL: then the caller frees them
} IrMachine;

// Run a function's IR with as many arguments as it has parameters. NO_VALUE: an error, in machine->vm->error, or
// a guard has failed and on_deopt is NULL.
Value ir_interp_run(IrMachine *machine, const Ir *ir, const Value *args);

// on_deopt: go on in the bytecode interpreter.
Value ir_interp_resume(IrMachine *machine, const IrDeopt *deopt);

#endif
