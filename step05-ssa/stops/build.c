// Stop 5: build the IR of each function of a program and print it.   stops/tool build file.bca
#include "stop.h"

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    Program *program = load_program(argv[1]);
    for (uint32_t i = 0; i < program->num_functions; i++) {
        Ir ir;
        if (!ir_build(&ir, program, i)) fatal("%s would be far too large", program->functions[i].name);
        ir_check(&ir, "construction");
        ir_print(stdout, &ir, IR_PRINT_BLOCKS);
        ir_free(&ir);
    }
    program_free(program);
    return 0;
}
