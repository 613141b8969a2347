// Stop 3: run a program in the interpreter.
// Needs: bytecode/opcodes bytecode/program bytecode/parse bytecode/print bytecode/verify
// Needs: interp/vm interp/interp
#include <inttypes.h>
#include <stdlib.h>

#include "bytecode/parse.h"
#include "bytecode/verify.h"
#include "interp/vm.h"

enum { MOST_ARGS = 16 };

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    Program *program = program_new(argv[1]);
    Diagnostic diagnostic = {0};
    size_t length;
    char *text = read_file(argv[1], &length, diagnostic.message, sizeof diagnostic.message);
    if (!text || !program_parse(program, text, length, &diagnostic) || !program_verify(program, &diagnostic)) {
        diagnostic_print(stderr, program, &diagnostic);
        return 65;
    }
    free(text);
    int64_t args[MOST_ARGS] = {0}, result;
    for (int i = 2; i < argc && i < MOST_ARGS + 2; i++) args[i - 2] = strtoll(argv[i], NULL, 0);
    Vm *vm = vm_new(program);
    RunStatus status = vm_call(vm, function_index(program, program_find(program, "main")), args, &result);
    if (status) vm_print_error(stderr, vm);
    else printf("%" PRId64 "\n", result);
    vm_free(vm);
    program_free(program);
    return status ? 1 : 0;
}
