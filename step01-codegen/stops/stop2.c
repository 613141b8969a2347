// Stop 2: read a file, verify it, print each instruction with the depth that the verifier found.
// Needs: bytecode/opcodes bytecode/program bytecode/parse bytecode/print bytecode/verify
#include <stdlib.h>

#include "bytecode/parse.h"
#include "bytecode/verify.h"

int main(int argc, char **argv) {
    const char *file = argc > 1 ? argv[1] : "examples/factorial.bca";
    Program *program = program_new(file);
    Diagnostic diagnostic = {0};
    size_t length;
    char *text = read_file(file, &length, diagnostic.message, sizeof diagnostic.message);
    bool ok = text && program_parse(program, text, length, &diagnostic) && program_verify(program, &diagnostic);
    free(text);
    if (!ok) diagnostic_print(stderr, program, &diagnostic);
    for (size_t i = 0; ok && i < program->num_functions; i++) {
        const Function *f = &program->functions[i];
        printf("%s: at most %u operands\n", f->name, f->max_depth);
        for (size_t pc = 0; pc < f->num_instructions; pc++) {
            printf("%4zu  depth %2d   ", pc, f->depth[pc]);
            instruction_print(stdout, program, f->bytecode[pc]);
            putchar('\n');
        }
    }
    program_free(program);
    return ok ? 0 : 65;
}
