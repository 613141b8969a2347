// What the programs of the stops share: reading a file.
#ifndef STOPS_STOP_H
#define STOPS_STOP_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "bytecode/parse.h"
#include "bytecode/verify.h"

static inline bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static inline char *read_whole(const char *file, size_t *length) {
    char why[128];
    char *text = read_file(file, length, why, sizeof why);
    if (!text) fatal("%s", why);
    return text;
}

static inline _Noreturn void reject(const Program *program, const Diagnostic *diagnostic) {
    diagnostic_print(stderr, program, diagnostic);
    exit(65);
}

// A file of bytecode, verified.
static inline Program *load_program(const char *file) {
    size_t length;
    char *text = read_whole(file, &length);
    Program *program = program_new(file);
    Diagnostic diagnostic = {0};
    if (!program_parse(program, text, length, &diagnostic) || !program_verify(program, &diagnostic)) reject(program, &diagnostic);
    free(text);
    return program;
}

#endif
