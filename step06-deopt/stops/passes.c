// Stop 5: run passes by name on IR text and print what comes out.   stops/tool passes file.ir PASS...
#include "ir_file.h"
#include "opt/opt.h"

int main(int argc, char **argv) {
    Ir ir;
    if (argc < 2) return 2;
    load_ir(&ir, argv[1]);
    for (int i = 2; i < argc; i++) {
        OptPass pass = opt_find(argv[i], strlen(argv[i]));
        if (pass == NUM_OPT_PASSES) fatal("there is no pass %s", argv[i]);
        opt_pass_info[pass].run(&ir);
        ir_check(&ir, argv[i]);
    }
    ir_print(stdout, &ir, IR_PRINT_TYPES | IR_PRINT_BLOCKS);
    ir_free(&ir);
    return 0;
}
