// Stop 13: print the LIR of each function of a program.   stops/tool lir file.bca
#include "lowered.h"

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    Program *program = load_program(argv[1]);
    for (uint32_t i = 0; i < program->num_functions; i++) {
        Lir lir;
        lower_function(&lir, program, i);
        lir_print(stdout, &lir);
        lir_free(&lir);
    }
    program_free(program);
    return 0;
}
