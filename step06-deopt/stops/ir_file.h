// A file of IR text, verified.
#ifndef STOPS_IR_FILE_H
#define STOPS_IR_FILE_H

#include "ir/ir.h"
#include "stop.h"

static inline void load_ir(Ir *ir, const char *file) {
    size_t length;
    char *text = read_whole(file, &length);
    Program *program = program_new(file);
    Diagnostic diagnostic = {0};
    if (!ir_parse(ir, program, text, length, &diagnostic)) reject(program, &diagnostic);
    free(text);
    ir_check(ir, "reading");
}

#endif
