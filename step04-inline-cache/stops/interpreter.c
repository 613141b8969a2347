// Stop 3: a command line that interprets.   build/jit [--ic=on|off|always-miss] program.bca [number ...]
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/natives.h"
#include "base/fatal.h"
#include "bytecode/parse.h"
#include "bytecode/verify.h"
#include "object/number.h"

static Program *load(const char *file) {
    char why[128];
    size_t length;
    char *text = read_file(file, &length, why, sizeof why);
    if (!text) fatal("%s", why);
    Program *program = program_new(file);
    natives_register(program);
    Diagnostic diagnostic = {0};
    if (!program_parse(program, text, length, &diagnostic) || !program_verify(program, &diagnostic)) {
        diagnostic_print(stderr, program, &diagnostic);
        exit(65);
    }
    free(text);
    return program;
}

static ICMode parse_ic(const char *word) {
    for (ICMode mode = 0; mode < NUM_IC_MODES; mode++)
        if (strcmp(word, ic_mode_names[mode]) == 0) return mode;
    fatal("--ic does not know %s", word);
}

int main(int argc, char **argv) {
    int first = argc > 1 && strncmp(argv[1], "--ic=", 5) == 0 ? 2 : 1;
    if (argc <= first) fatal("usage: build/jit [--ic=on|off|always-miss] program.bca [number ...]");
    Program *program = load(argv[first]);
    const Function *function = program_find(program, "main");
    int num_args = argc - first - 1;
    if (!function || (int)function->num_params != num_args) fatal("there is no main of %d parameters", num_args);
    Value *args = xcalloc((size_t)num_args, sizeof *args);
    for (int i = 0; i < num_args; i++) args[i] = program_number(program, strtod(argv[first + 1 + i], NULL));
    Vm *vm = vm_new(program, DEFAULT_HEAP_SIZE);
    if (first == 2) vm->ic.mode = parse_ic(argv[1] + 5);
    Value result = vm_call(vm, function_index(program, function), args);
    if (result == NO_VALUE) vm_print_error(stderr, vm);
    else value_print(stdout, vm, result), putchar('\n');
    vm_free(vm);
    free(args);
    program_free(program);
    return result == NO_VALUE;
}
