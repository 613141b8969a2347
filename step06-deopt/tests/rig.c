#include "rig.h"

#include <stdlib.h>

#include "code/install.h"
#include "testing/test_main.h"

enum { CODE_SIZE = 1 << 20, HEAP_SIZE = 1 << 24 };

static void ignore_lost_bet(Vm *vm, const DeoptExit *exit, Value found) { (void)vm, (void)exit, (void)found; }

static const uint8_t *resume_nowhere(Vm *vm, uint32_t function, uint32_t pc, uint32_t *frame_size) {
    (void)vm, (void)function, (void)pc, (void)frame_size;
    return NULL;
}

Rig rig_new(const Program *program) {
    Rig rig = {.program = program, .vm = vm_new(program, HEAP_SIZE), .buffer = code_buffer_new(CODE_SIZE)};
    assert_non_null(rig.buffer);
    assert_true(stubs_generate(&rig.stubs, rig.buffer, rig.vm));
    assert_true(deopt_init(rig.vm, rig.buffer));
    rig.vm->deopt->lost = ignore_lost_bet;
    rig.vm->deopt->resume_at = resume_nowhere;
    rig.vm->enter = rig.stubs.enter;
    for (size_t i = 0; i < program->num_functions; i++) rig.vm->callables[i].entry = rig.stubs.interpret;
    return rig;
}

void rig_free(Rig *rig) {
    code_buffer_free(rig->buffer);
    deopt_free(rig->vm);
    vm_free(rig->vm);
}

RigCode rig_install(Rig *rig, const Lir *lir, const RegisterAllocator *ra) {
    Assembler a;
    CodeMarks marks = {0};
    asm_init(&a, code_buffer_available(rig->buffer));
    RigCode code = {.function = function_index(rig->program, lir->function)};
    code.exits = deopt_code_new(rig->vm, code.function, (uint32_t)lir->num_exits, (uint32_t)lir->num_values);
    lir_emit(&a, &marks, &rig->stubs, rig->vm, lir, ra, code.exits);
    assert_true(asm_finish(&a));
    code.code = code_install(rig->buffer, &a);
    assert_non_null(code.code);
    code.exits->start = code.code;
    code.exits->size = code.size = a.size;
    asm_free(&a);
    free(marks.items);
    Callable *callable = &rig->vm->callables[code.function];
    callable->entry = code.code;
    callable->is_code = true;
    return code;
}

Outcome rig_call(Rig *rig, const RigCode *code, const int64_t *args) {
    Value *values = argument_values(rig->vm, code->function, args);
    Value result = vm_call(rig->vm, code->function, values);
    free(values);
    return outcome_of(rig->vm, result);
}

void rig_forget(Rig *rig, const RigCode *code) {
    Callable *callable = &rig->vm->callables[code->function];
    callable->entry = rig->stubs.interpret;
    callable->is_code = false;
    code_buffer_release(rig->buffer, code->code, code->size);
    deopt_code_drop(rig->vm, code->exits);
}

Outcome rig_run(Rig *rig, const Lir *lir, const RegisterAllocator *ra, const int64_t *args) {
    RigCode code = rig_install(rig, lir, ra);
    Outcome outcome = rig_call(rig, &code, args);
    rig_forget(rig, &code);
    return outcome;
}
