// Stop 1 stands in with this for main.c: interpret a program, then say what its instructions have seen.
//   build/jit file.bca [integer ...]
#include "interp/vm.h"
#include "../stops/stop.h"

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    Program *program = load_program(argv[1]);
    Vm *vm = vm_new(program, DEFAULT_HEAP_SIZE);
    Value args[8];
    for (int i = 2; i < argc && i < 10; i++) args[i - 2] = value_from_int(atoi(argv[i]));
    Value result = vm_call_with(vm, function_index(program, program_find(program, "main")), args, (size_t)argc - 2);
    if (result == NO_VALUE) {
        vm_print_error(stderr, vm);
    } else {
        value_print(stdout, vm, result);
        putchar('\n');
    }
    feedback_dump(stdout, vm);
    vm_free(vm);
    return result == NO_VALUE;
}
