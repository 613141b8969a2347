// Stop 6: a function with bets, through all passes, in representations.
//   stops/tool represent FUNCTION file.bca [integer ...]
#include "ir/represent.h"
#include "learned.h"
#include "opt/opt.h"

int main(int argc, char **argv) {
    Ir ir;
    if (argc < 3) return 2;
    Vm *vm = learn(argc - 2, argv + 2);
    build_learned(&ir, vm, argv[1]);
    opt_run(&ir, &(OptOptions){.verify = true});
    ir_represent(&ir);
    ir_check(&ir, "representations");
    ir_print(stdout, &ir, IR_PRINT_BLOCKS);
    ir_free(&ir);
    vm_free(vm);
    return 0;
}
