// Stop 4: interpret a program once, then print the IR of a function with bets on what was seen.
//   stops/tool build FUNCTION file.bca [integer ...]
#include "learned.h"

int main(int argc, char **argv) {
    Ir ir;
    if (argc < 3) return 2;
    Vm *vm = learn(argc - 2, argv + 2);
    build_learned(&ir, vm, argv[1]);
    ir_print(stdout, &ir, IR_PRINT_TYPES | IR_PRINT_BLOCKS);
    ir_free(&ir);
    vm_free(vm);
    return 0;
}
