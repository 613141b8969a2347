// Stop 7: the LIR of such a function, and where linear scan puts its registers.
//   stops/tool lir FUNCTION file.bca [integer ...]
#include "backend/regalloc.h"
#include "ir/lower.h"
#include "ir/represent.h"
#include "learned.h"
#include "opt/opt.h"

int main(int argc, char **argv) {
    Ir ir;
    Lir lir;
    RegisterAllocator ra;
    char fault[200];
    if (argc < 3) return 2;
    Vm *vm = learn(argc - 2, argv + 2);
    build_learned(&ir, vm, argv[1]);
    opt_run(&ir, &(OptOptions){.verify = true});
    ir_represent(&ir);
    ir_lower(&ir, &lir);
    ir_free(&ir);
    if (!lir_verify(&lir, fault, sizeof fault)) fatal("bad LIR: %s", fault);
    lir_print(stdout, &lir);
    if (!ra_allocate(&ra, &lir, RA_DEFAULT_POOL, RA_LINEAR_SCAN)) fatal("far too large");
    if (!ra_check(&ra, &lir)) fatal("the allocation is wrong");
    ra_print_locations(stdout, &ra, &lir);
    ra_free(&ra);
    lir_free(&lir);
    vm_free(vm);
    return 0;
}
