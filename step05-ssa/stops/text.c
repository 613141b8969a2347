// Stops 2 to 4: read IR text, check it, print it, and say what the analyses find.   stops/tool text file.ir
#include "stop.h"

int main(int argc, char **argv) {
    Ir ir;
    if (argc != 2) return 2;
    load_ir(&ir, argv[1]);
    ir_infer_types(&ir);
    ir_print(stdout, &ir, IR_PRINT_TYPES | IR_PRINT_BLOCKS);
    for (size_t i = 1; i < ir.num_rpo; i++)
        printf("B%u: immediate dominator B%u, depth %u\n", ir.rpo[i], ir.blocks[ir.rpo[i]].idom, ir.blocks[ir.rpo[i]].dom_depth);
    for (uint32_t loop = 1; loop < ir.num_loops; loop++)
        printf("loop %u: header B%u, %u blocks, inside loop %u\n", loop, ir.loops[loop].header, ir.loops[loop].num_blocks, ir.loops[loop].parent);
    ir_free(&ir);
    return 0;
}
