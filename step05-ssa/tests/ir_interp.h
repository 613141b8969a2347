// An interpreter for IR: as plain as the one for bytecode. It lets passes be tested without a back end.
#ifndef TESTS_IR_INTERP_H
#define TESTS_IR_INTERP_H

#include "interp/vm.h"
#include "ir/ir.h"

typedef struct IrMachine {
    Vm *vm;
    Ir **irs;       // for each function of the program: its IR, or NULL to call it through the Vm
    uint64_t steps; // instructions that may still be executed
    bool ran_out;   // of steps: the result is NO_VALUE, and no error is recorded
} IrMachine;

// Run a function's IR with as many arguments as it has parameters. NO_VALUE: an error, in machine->vm->error.
Value ir_interp_run(IrMachine *machine, const Ir *ir, const Value *args);

#endif
