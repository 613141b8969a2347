// Stop 6: through the three stubs. Nothing is compiled yet: `sum` has no code, so the interpreter runs
// it; `fail` has four instructions made by hand, which raise an error.
// Needs: bytecode/opcodes bytecode/program bytecode/parse bytecode/print bytecode/verify
// Needs: interp/vm interp/interp asm/asm baseline/stubs baseline/convention
#include <stdio.h>
#include <string.h>

#include "asm/asm.h"
#include "baseline/stubs.h"
#include "bytecode/parse.h"
#include "bytecode/verify.h"
#include "code/install.h"

static const char text[] = "func sum params=8\n"
                           "    load_local 0\n    load_local 6\n    load_const 100\n    mul\n    add\n"
                           "    load_local 7\n    load_const 10000\n    mul\n    add\n    return\n"
                           "end\n"
                           "func fail params=0\n    load_const 0\n    return\nend\n";

static void *make_failing_code(CodeBuffer *buffer, const Stubs *stubs) {
    Assembler a;
    asm_init(&a, 100);
    asm_mov_ri(&a, RAX, RUN_DIVISION_BY_ZERO);
    asm_mov_ri(&a, RCX, 1); // the instruction
    asm_mov_ri(&a, RDX, 1); // the function
    asm_jmp_abs(&a, stubs->error);
    void *code = asm_finish(&a) ? code_install(buffer, &a) : NULL;
    asm_free(&a);
    return code;
}

int main(void) {
    Program *program = program_new("stop6");
    Diagnostic diagnostic;
    if (!program_parse(program, text, strlen(text), &diagnostic) || !program_verify(program, &diagnostic)) return 1;
    Vm *vm = vm_new(program);
    CodeBuffer *buffer = code_buffer_new(4096);
    Stubs stubs;
    if (!buffer || !stubs_generate(&stubs, buffer, vm)) return 1;
    vm->enter = stubs.enter;
    vm->callables[0].entry = stubs.interpret;
    vm->callables[1].entry = make_failing_code(buffer, &stubs);

    int64_t args[8] = {1, 0, 0, 0, 0, 0, 2, 3}, result = 0;
    RunStatus status = vm->enter(vm, &vm->callables[0], args, 8, &result);
    printf("sum:  status %d, result %d\n", (int)status, (int)result);
    status = vm->enter(vm, &vm->callables[1], NULL, 0, &result);
    printf("fail: status %d, instruction %d\n", (int)status, (int)vm->error.pc);
    code_buffer_free(buffer);
    vm_free(vm);
    program_free(program);
    return 0;
}
