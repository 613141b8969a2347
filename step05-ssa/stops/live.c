// Stop 14: what is live where each block begins.   stops/tool live file.bca
#include "backend/liveness.h"
#include "lowered.h"

static void print_member(void *context, VReg vreg) {
    (void)context;
    printf(" v%u", vreg);
}

static void print_live(const Lir *lir) {
    Liveness liveness;
    if (!liveness_compute(&liveness, lir)) fatal("%s would be far too large", lir->function->name);
    printf("%s:\n", lir->function->name);
    for (uint32_t b = 0; b < lir->num_blocks; b++) {
        printf("  B%u:", b);
        live_set_visit_without(&liveness.sets, liveness.live_in[b], 0, print_member, NULL);
        putchar('\n');
    }
    liveness_free(&liveness);
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    Program *program = load_program(argv[1]);
    for (uint32_t i = 0; i < program->num_functions; i++) {
        Lir lir;
        lower_function(&lir, program, i);
        print_live(&lir);
        lir_free(&lir);
    }
    program_free(program);
    return 0;
}
