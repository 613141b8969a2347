#include "reduce.h"

#include "bytecode/verify.h"
#include "object/number.h"

// The constant in another program, which owns its heap numbers.
static int64_t copy_constant(Program *copy, Value v) {
    return (int64_t)(value_is_number(v) ? program_number(copy, number_to_double(v)) : v);
}

// The program without the instructions [from, to) of one function.
static Program *copy_without(const Program *program, size_t function, size_t from, size_t to) {
    Program *copy = program_new(program->file);
    for (size_t i = 0; i < program->num_functions; i++) {
        const Function *f = &program->functions[i];
        program_add_function(copy, f->name, f->num_params, f->num_locals);
        for (size_t pc = 0; pc < f->num_instructions; pc++) {
            Instruction ins = f->bytecode[pc];
            if (i == function && pc >= from && pc < to) continue;
            if (i == function && opcode_info[ins.opcode].operand == OPERAND_TARGET) {
                size_t target = (size_t)ins.operand;
                ins.operand = (int64_t)(target >= to ? target - (to - from) : target > from ? from : target);
            }
            if (opcode_info[ins.opcode].operand == OPERAND_CONST) ins.operand = copy_constant(copy, (Value)ins.operand);
            program_emit(copy, (uint32_t)i, ins.opcode, ins.operand, f->positions[pc]);
        }
    }
    return copy;
}

// Try to delete chunks of one size in one function. Returns the smaller program, or the same.
static Program *delete_chunks(Program *program, size_t function, size_t size, ShowsBug *shows_bug, void *context) {
    for (size_t from = 0; from + size <= program->functions[function].num_instructions;) {
        Diagnostic diagnostic;
        Program *smaller = copy_without(program, function, from, from + size);
        if (program_verify(smaller, &diagnostic) && shows_bug(smaller, context)) {
            program_free(program);
            program = smaller;
        } else {
            program_free(smaller);
            from++;
        }
    }
    return program;
}

Program *reduce_program(const Program *program, ShowsBug *shows_bug, void *context) {
    Diagnostic diagnostic;
    Program *best = copy_without(program, 0, 0, 0);
    program_verify(best, &diagnostic);
    for (size_t i = 0; i < best->num_functions; i++)
        for (size_t size = best->functions[i].num_instructions; size > 0; size = size * 2 / 3)
            best = delete_chunks(best, i, size, shows_bug, context);
    return best;
}
