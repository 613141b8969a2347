// Stops 2 to 7 stand in with this for main.c: all functions in baseline code, the ones named last interpreted.
//   build/jit file.bca [integer ...] [--interpret=FUNCTION]
#include "baseline/baseline.h"
#include "code/install.h"
#include "interp/vm.h"
#include "../stops/stop.h"

static void compile(Vm *vm, CodeBuffer *buffer, const Stubs *stubs, uint32_t index) {
    Assembler a;
    CodeMarks marks = {0};
    asm_init(&a, code_buffer_available(buffer));
    baseline_compile(&a, &marks, stubs, vm, index, false);
    if (!asm_finish(&a)) fatal("no room for the code of %s", vm->program->functions[index].name);
    vm->callables[index].entry = code_install(buffer, &a);
    vm->callables[index].is_code = true;
    asm_free(&a);
    free(marks.items);
}

int main(int argc, char **argv) {
    static const char option[] = "--interpret=";
    if (argc < 2) return 2;
    Program *program = load_program(argv[1]);
    Vm *vm = vm_new(program, DEFAULT_HEAP_SIZE);
    CodeBuffer *buffer = code_buffer_new(1 << 20);
    Stubs stubs;
    if (!buffer || !stubs_generate(&stubs, buffer, vm)) fatal("no room for the stubs");
    vm->enter = stubs.enter;
    const char *interpreted = NULL;
    Value args[8];
    size_t num_args = 0;
    for (int i = 2; i < argc && num_args < 8; i++) {
        if (strncmp(argv[i], option, sizeof option - 1) == 0) interpreted = argv[i] + sizeof option - 1;
        else args[num_args++] = value_from_int(atoi(argv[i]));
    }
    for (uint32_t i = 0; i < program->num_functions; i++) {
        vm->callables[i].entry = stubs.interpret;
        if (!interpreted || strcmp(program->functions[i].name, interpreted) != 0) compile(vm, buffer, &stubs, i);
    }
    Value result = vm_call_with(vm, function_index(program, program_find(program, "main")), args, num_args);
    if (result == NO_VALUE) {
        vm_print_error(stderr, vm);
    } else {
        value_print(stdout, vm, result);
        putchar('\n');
    }
    feedback_dump(stdout, vm);
    vm_free(vm);
    code_buffer_free(buffer);
    return result == NO_VALUE;
}
