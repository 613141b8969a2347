// Stop 15: where Poletto's scan puts each function's registers, and the moves.   stops/tool regs file.bca
#include "backend/regalloc.h"
#include "lowered.h"

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    Program *program = load_program(argv[1]);
    for (uint32_t i = 0; i < program->num_functions; i++) {
        Lir lir;
        RegisterAllocator ra;
        lower_function(&lir, program, i);
        if (!ra_allocate(&ra, &lir, RA_DEFAULT_POOL, RA_POLETTO))
            fatal("%s would be far too large", lir.function->name);
        ra_print_intervals(stdout, &ra, &lir);
        ra_print_locations(stdout, &ra, &lir);
        ra_free(&ra);
        lir_free(&lir);
    }
    program_free(program);
    return 0;
}
