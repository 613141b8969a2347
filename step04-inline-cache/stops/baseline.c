// Stop 4: a command line that compiles everything with the baseline compiler.
//   build/jit [--ic=on|off|always-miss] program.bca [number ...]
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/natives.h"
#include "base/fatal.h"
#include "baseline/baseline.h"
#include "bytecode/parse.h"
#include "bytecode/verify.h"
#include "code/install.h"
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

// One function after the other.
static void compile(Vm *vm, CodeBuffer *buffer, const Stubs *stubs) {
    for (uint32_t i = 0; i < vm->program->num_functions; i++) {
        Assembler a;
        CodeMarks marks = {0};
        asm_init(&a, code_buffer_available(buffer));
        baseline_compile(&a, &marks, stubs, vm, i, false);
        void *code = asm_finish(&a) ? code_install(buffer, &a) : NULL;
        vm->callables[i].entry = code ? code : stubs->interpret;
        vm->callables[i].is_code = code != NULL;
        asm_free(&a);
        free(marks.items);
    }
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
    CodeBuffer *buffer = code_buffer_new(1 << 20);
    Stubs stubs;
    if (!vm->is_ready || !buffer || !stubs_generate(&stubs, buffer, vm)) fatal("no memory");
    vm->enter = stubs.enter;
    vm->adaption.callable.entry = stubs.adapt;
    compile(vm, buffer, &stubs);
    Value result = vm_call(vm, function_index(program, function), args);
    if (result == NO_VALUE) vm_print_error(stderr, vm);
    else value_print(stdout, vm, result), putchar('\n');
    code_buffer_free(buffer);
    vm_free(vm);
    free(args);
    program_free(program);
    return result == NO_VALUE;
}
