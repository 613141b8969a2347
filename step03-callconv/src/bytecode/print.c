// Printer of the text form. Every instruction that some jump names gets the label L<index>.
#include <inttypes.h>
#include <stdlib.h>

#include "bytecode/parse.h"

void instruction_print(FILE *out, const Program *program, Instruction ins) {
    const OpcodeInfo *info = &opcode_info[ins.opcode];
    fputs(info->mnemonic, out);
    switch (info->operand) {
    case OPERAND_NONE: break;
    case OPERAND_CONST:
    case OPERAND_LOCAL: fprintf(out, " %" PRId64, ins.operand); break;
    case OPERAND_TARGET: fprintf(out, " L%" PRId64, ins.operand); break;
    case OPERAND_FUNCTION: fprintf(out, " %s", program->functions[ins.operand].name); break;
    case OPERAND_NATIVE: fprintf(out, " %s", program->natives[ins.operand].name); break;
    }
}

// For every position, the one behind the last instruction included: does a jump name it?
static bool *find_targets(const Function *function) {
    bool *is_target = xcalloc(function->num_instructions + 1, sizeof *is_target);
    for (size_t pc = 0; pc < function->num_instructions; pc++) {
        Instruction ins = function->bytecode[pc];
        bool jumps = opcode_info[ins.opcode].operand == OPERAND_TARGET;
        if (jumps && ins.operand >= 0 && (size_t)ins.operand <= function->num_instructions)
            is_target[ins.operand] = true;
    }
    return is_target;
}

static void print_function(FILE *out, const Program *program, const Function *function) {
    fprintf(out, "func %s params=%u", function->name, function->num_params);
    if (function->num_locals != function->num_params) fprintf(out, " locals=%u", function->num_locals);
    fputc('\n', out);
    bool *is_target = find_targets(function);
    for (size_t pc = 0; pc <= function->num_instructions; pc++) {
        if (is_target[pc]) fprintf(out, "L%zu:\n", pc);
        if (pc == function->num_instructions) break;
        fputs("    ", out);
        instruction_print(out, program, function->bytecode[pc]);
        fputc('\n', out);
    }
    free(is_target);
    fputs("end\n", out);
}

void program_print(FILE *out, const Program *program) {
    for (size_t i = 0; i < program->num_functions; i++) {
        if (i > 0) fputc('\n', out);
        print_function(out, program, &program->functions[i]);
    }
}
