#include "rig.h"

#include <stdlib.h>

#include "code/install.h"
#include "testing/test_main.h"

enum { CODE_SIZE = 1 << 20, HEAP_SIZE = 1 << 24 };

Rig rig_new(const Program *program) {
    Rig rig = {.program = program, .vm = vm_new(program, HEAP_SIZE), .buffer = code_buffer_new(CODE_SIZE)};
    assert_non_null(rig.buffer);
    assert_true(stubs_generate(&rig.stubs, rig.buffer, rig.vm));
    rig.vm->enter = rig.stubs.enter;
    for (size_t i = 0; i < program->num_functions; i++) rig.vm->callables[i].entry = rig.stubs.interpret;
    return rig;
}

void rig_free(Rig *rig) {
    code_buffer_free(rig->buffer);
    vm_free(rig->vm);
}

RigCode rig_install(Rig *rig, const Lir *lir, const RegisterAllocator *ra) {
    Assembler a;
    CodeMarks marks = {0};
    asm_init(&a, code_buffer_available(rig->buffer));
    lir_emit(&a, &marks, &rig->stubs, rig->vm, lir, ra);
    assert_true(asm_finish(&a));
    RigCode code = {function_index(rig->program, lir->function), code_install(rig->buffer, &a), a.size};
    assert_non_null(code.code);
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
}

Outcome rig_run(Rig *rig, const Lir *lir, const RegisterAllocator *ra, const int64_t *args) {
    RigCode code = rig_install(rig, lir, ra);
    Outcome outcome = rig_call(rig, &code, args);
    rig_forget(rig, &code);
    return outcome;
}
