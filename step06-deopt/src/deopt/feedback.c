#include "deopt/feedback.h"

#include <stdlib.h>

#include "base/memory.h"
#include "bytecode/parse.h"
#include "interp/vm.h"

void feedback_init(Vm *vm) {
    const Program *program = vm->program;
    vm->feedback = xcalloc(program->num_functions, sizeof *vm->feedback);
    for (size_t i = 0; i < program->num_functions; i++)
        vm->feedback[i] = xcalloc(program->functions[i].num_instructions, sizeof(Feedback));
}

void feedback_free(Vm *vm) {
    for (size_t i = 0; vm->feedback && i < vm->program->num_functions; i++) free(vm->feedback[i]);
    free(vm->feedback);
}

static const char *const bit_names[] = {"double", "other", "overflow", "element", "shape"};

void feedback_print(FILE *out, Feedback feedback) {
    if (!feedback) fputs("int", out);
    for (unsigned bit = 0, printed = 0; bit < sizeof bit_names / sizeof *bit_names; bit++) {
        if (!(feedback >> bit & 1)) continue;
        fprintf(out, "%s%s", printed++ ? "|" : "", bit_names[bit]);
    }
}

void feedback_dump(FILE *out, const Vm *vm) {
    for (size_t i = 0; i < vm->program->num_functions; i++) {
        const Function *function = &vm->program->functions[i];
        fprintf(out, "%s:\n", function->name);
        for (uint32_t pc = 0; pc < function->num_instructions; pc++) {
            if (!vm->feedback[i][pc]) continue;
            fprintf(out, "%6u  ", pc);
            instruction_print(out, vm->program, function->bytecode[pc]);
            fputs("  ; ", out);
            feedback_print(out, vm->feedback[i][pc]);
            fputc('\n', out);
        }
    }
}
