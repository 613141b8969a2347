// Stop 3: read IR text, check it, and print it.   stops/tool text file.ir
#include "ir_file.h"

int main(int argc, char **argv) {
    Ir ir;
    if (argc != 2) return 2;
    load_ir(&ir, argv[1]);
    ir_infer_types(&ir);
    ir_print(stdout, &ir, IR_PRINT_TYPES | IR_PRINT_BLOCKS);
    ir_free(&ir);
    return 0;
}
