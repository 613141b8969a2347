// Stop 7: compile one function and call it from C.
// Needs: bytecode/opcodes bytecode/program bytecode/parse bytecode/print bytecode/verify
// Needs: interp/vm interp/interp asm/asm baseline/stubs baseline/convention
// Needs: baseline/pieces baseline/baseline
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "baseline/baseline.h"
#include "bytecode/parse.h"
#include "bytecode/verify.h"
#include "code/install.h"

static const char text[] = "func main params=2\n    load_local 0\n    load_local 1\n    sub\n    return\nend\n";

typedef int64_t TwoParams(int64_t, int64_t);

int main(void) {
    Program *program = program_new("stop7");
    Diagnostic diagnostic;
    if (!program_parse(program, text, strlen(text), &diagnostic) || !program_verify(program, &diagnostic)) return 1;
    Vm *vm = vm_new(program);
    CodeBuffer *buffer = code_buffer_new(4096);
    Stubs stubs;
    if (!buffer || !stubs_generate(&stubs, buffer, vm)) return 1;
    Assembler a;
    CodeMarks marks = {0};
    asm_init(&a, 4096);
    baseline_compile(&a, &marks, &stubs, vm, 0);
    void *code = asm_finish(&a) ? code_install(buffer, &a) : NULL;
    if (!code) return 1;
    CodeListing listing = {.name = "main", .code = code, .size = a.size, .address = (uintptr_t)code};
    disasm_print(stdout, &listing);
    printf("%d\n", (int)((TwoParams *)(uintptr_t)code)(50, 8));
    asm_free(&a);
    free(marks.items);
    code_buffer_free(buffer);
    vm_free(vm);
    program_free(program);
    return 0;
}
