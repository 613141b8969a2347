// Stops 6 to 12: run passes by name on IR text, or on a program's first function, and print what comes out.
//   stops/tool passes file.ir|file.bca PASS...
#include "opt/opt.h"
#include "stop.h"

int main(int argc, char **argv) {
    Ir ir;
    if (argc < 2) return 2;
    if (ends_with(argv[1], ".ir")) load_ir(&ir, argv[1]);
    else if (!ir_build(&ir, load_program(argv[1]), 0)) fatal("far too large");
    for (int i = 2; i < argc; i++) {
        OptPass pass = opt_find(argv[i], strlen(argv[i]));
        if (pass == NUM_OPT_PASSES) fatal("there is no pass %s", argv[i]);
        opt_pass_info[pass].run(&ir);
        ir_check(&ir, argv[i]);
    }
    ir_print(stdout, &ir, IR_PRINT_TYPES | IR_PRINT_BLOCKS | IR_PRINT_PC);
    ir_free(&ir);
    return 0;
}
