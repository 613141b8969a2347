// Stop 1: make a function by hand, instruction by instruction, and print it.   stops/tool hand
//   fact(n): r = 1; while (n > 1) { r = r * n; n = n - 1; } return r
#include "stop.h"

enum { PC = 0 }; // no bytecode stands behind any of this

int main(void) {
    Program *program = program_new("hand");
    Ir ir;
    ir_init(&ir, program, program_add_function(program, "fact", 1, 1));
    uint32_t entry = 0, header = ir_new_block(&ir, PC), body = ir_new_block(&ir, PC), end = ir_new_block(&ir, PC);

    Ref n = ir_new(&ir, IR_PARAM, 0, PC), one = ir_new_const(&ir, value_from_int(1), PC);
    ir_append(&ir, entry, n);
    ir_append(&ir, entry, one);
    ir_end_jump(&ir, entry, header, PC);

    Ref i = ir_new_phi(&ir, header, PC), r = ir_new_phi(&ir, header, PC); // one operand each: from the entry
    ir_set_arg(&ir, i, 0, n);
    ir_set_arg(&ir, r, 0, one);
    Ref more = ir_new2(&ir, IR_GREATER_THAN, i, one, PC);
    ir_append(&ir, header, more);
    ir_end_branch(&ir, header, more, body, end, PC);

    Ref product = ir_new2(&ir, IR_MUL, r, i, PC), less = ir_new2(&ir, IR_SUB, i, one, PC);
    ir_append(&ir, body, product);
    ir_append(&ir, body, less);
    ir_end_jump(&ir, body, header, PC); // the header's phis get a second operand
    ir_set_arg(&ir, i, 1, less);
    ir_set_arg(&ir, r, 1, product);

    ir_end_return(&ir, end, r, PC);
    ir_print(stdout, &ir, 0);
    ir_free(&ir);
    program_free(program);
    return 0;
}
