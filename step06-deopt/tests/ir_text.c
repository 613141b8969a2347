#include "ir_text.h"

#include "bytecode/parse.h"
#include "bytecode/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

Program *bytecode_from(const char *text) {
    Program *program = program_new("test.bca");
    Diagnostic diagnostic;
    if (!program_parse(program, text, strlen(text), &diagnostic) || !program_verify(program, &diagnostic)) {
        diagnostic_print(stderr, program, &diagnostic);
        fail();
    }
    return program;
}

void ir_from(Ir *ir, Program *program, const char *text) {
    Diagnostic diagnostic;
    IrFault fault;
    if (!ir_parse(ir, program, text, strlen(text), &diagnostic))
        fail_msg("%u:%u: %s", diagnostic.pos.line, diagnostic.pos.column, diagnostic.message);
    if (!ir_verify(ir, &fault)) fail_msg("%s", fault.message);
}

char *ir_text(Ir *ir, unsigned options) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    ir_print(out, ir, options);
    fclose(out);
    return text;
}

void assert_ir(Ir *ir, const char *expected) {
    IrFault fault;
    if (!ir_verify(ir, &fault)) fail_msg("%s", fault.message);
    char *text = ir_text(ir, 0);
    assert_string_equal(text, expected);
    free(text);
}
