#include "traced_interp.h"

#include "abi/natives.h"
#include "object/runtime.h"

void (*traced_step)(void *context, Vm *vm, Frame *frame);
void *traced_context;

static Value traced_call_with(Vm *vm, uint32_t function, const Value *args, size_t num_args) {
    return traced_call(vm, &vm->callables[function], args, num_args);
}

// interp_run asks once for each instruction how much it pops: there the step is seen, at no cost for the original.
#define interp_run traced_run
#define interp_call traced_call
#define vm_call_with traced_call_with
#define instruction_pops(program, ins) (traced_step(traced_context, vm, frame), (instruction_pops)((program), (ins)))

#include "interp/interp.c"
