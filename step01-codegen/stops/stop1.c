// Stop 1: a program made by hand, printed from the opcode table.
// Needs: bytecode/opcodes bytecode/program
#include <inttypes.h>
#include <stdio.h>

#include "bytecode/program.h"

int main(void) {
    SourcePos nowhere = {0, 0};
    Program *program = program_new("by hand");
    uint32_t function = program_add_function(program, "main", 0, 0);
    program_emit(program, function, OP_LOAD_CONST, 5, nowhere);
    program_emit(program, function, OP_LOAD_CONST, 3, nowhere);
    program_emit(program, function, OP_ADD, 0, nowhere);
    program_emit(program, function, OP_RETURN, 0, nowhere);
    const Function *f = program_find(program, "main");
    for (size_t pc = 0; pc < f->num_instructions; pc++) {
        Instruction ins = f->bytecode[pc];
        printf("%zu  %-12s %3" PRId64 "   %s\n", pc, opcode_info[ins.opcode].mnemonic, ins.operand,
               opcode_info[ins.opcode].meaning);
    }
    program_free(program);
    return 0;
}
