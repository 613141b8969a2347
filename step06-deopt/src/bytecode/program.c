#include "bytecode/program.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "object/number.h"

Program *program_new(const char *file) {
    Program *program = xcalloc(1, sizeof *program);
    program->file = arena_string(&program->arena, file, strlen(file));
    return program;
}

void program_free(Program *program) {
    if (!program) return;
    for (size_t i = 0; i < program->num_functions; i++) {
        free(program->functions[i].bytecode);
        free(program->functions[i].positions);
    }
    free(program->functions);
    free(program->natives);
    for (size_t i = 0; i < program->num_classes; i++) free(program->classes[i].methods);
    free(program->classes);
    string_table_free(&program->strings);
    arena_free(&program->arena);
    free(program);
}

uint32_t program_add_function(Program *program, const char *name, uint32_t num_params,
                              uint32_t num_locals) {
    GROW(program->functions, program->num_functions, program->cap_functions);
    program->functions[program->num_functions] = (Function){
        .name = arena_string(&program->arena, name, strlen(name)),
        .num_params = num_params,
        .num_locals = num_locals,
    };
    return (uint32_t)program->num_functions++;
}

uint32_t program_add_native(Program *program, const char *name, uint32_t num_params, NativeCode *code) {
    if (num_params > MAX_NATIVE_PARAMS) fatal("native '%s' has %u parameters", name, num_params);
    GROW(program->natives, program->num_natives, program->cap_natives);
    const char *copy = arena_string(&program->arena, name, strlen(name));
    program->natives[program->num_natives] = (Native){copy, num_params, code};
    return (uint32_t)program->num_natives++;
}

int64_t program_find_native(const Program *program, const char *name, size_t length) {
    for (size_t i = 0; i < program->num_natives; i++) {
        const char *candidate = program->natives[i].name;
        if (strlen(candidate) == length && memcmp(candidate, name, length) == 0) return (int64_t)i;
    }
    return -1;
}

void program_emit(Program *program, uint32_t function, Opcode opcode, int64_t operand,
                  SourcePos pos) {
    Function *f = &program->functions[function];
    GROW(f->bytecode, f->num_instructions, f->cap_bytecode);
    GROW(f->positions, f->num_instructions, f->cap_positions);
    f->bytecode[f->num_instructions] = (Instruction){.opcode = opcode, .operand = operand};
    f->positions[f->num_instructions] = pos;
    f->num_instructions++;
}

void program_emit_method(Program *program, uint32_t function, Opcode opcode, String *name, uint32_t num_args,
                         SourcePos pos) {
    program_emit(program, function, opcode, (int64_t)(uintptr_t)name, pos);
    Function *f = &program->functions[function];
    f->bytecode[f->num_instructions - 1].num_args = num_args;
}

uint32_t program_add_class(Program *program, const char *name, int64_t parent, uint32_t num_fields) {
    GROW(program->classes, program->num_classes, program->cap_classes);
    const char *copy = arena_string(&program->arena, name, strlen(name));
    program->classes[program->num_classes] = (Class){.name = copy, .parent = parent, .num_fields = num_fields};
    return (uint32_t)program->num_classes++;
}

void program_add_method(Program *program, uint32_t class_index, String *name, uint32_t function) {
    Class *class = &program->classes[class_index];
    GROW(class->methods, class->num_methods, class->cap_methods);
    class->methods[class->num_methods++] = (struct Method){name, function};
}

String *program_intern(Program *program, const char *bytes, size_t length) {
    return string_intern(&program->strings, &program->arena, bytes, length);
}

// A constant outlives every run, so a heap number among them lies in the program.
Value program_number(Program *program, double d) {
    Heap none = {0};
    Value value = number_from_double(&none, d);
    if (value) return value;
    HeapNumber *number = arena_alloc(&program->arena, sizeof *number);
    *number = (HeapNumber){{.type = TYPE_NUMBER, .shape = SHAPE_NUMBER}, d};
    return value_from_pointer(number);
}

Function *program_find(const Program *program, const char *name) {
    for (size_t i = 0; i < program->num_functions; i++)
        if (strcmp(program->functions[i].name, name) == 0) return &program->functions[i];
    return NULL;
}

uint32_t instruction_pops(const Program *program, Instruction ins) {
    int pops = opcode_info[ins.opcode].pops;
    if (pops == POPS_COUNT) return (uint32_t)ins.operand;
    if (pops == POPS_ARGUMENTS) return ins.num_args + 1;
    if (pops != POPS_PARAMETERS) return (uint32_t)pops;
    if (ins.opcode == OP_CALL_NATIVE) return program->natives[ins.operand].num_params;
    return program->functions[ins.operand].num_params;
}

bool diagnose(Diagnostic *diagnostic, SourcePos pos, const char *format, ...) {
    diagnostic->pos = pos;
    va_list args;
    va_start(args, format);
    vsnprintf(diagnostic->message, sizeof diagnostic->message, format, args);
    va_end(args);
    return false;
}

// The start of a line of the source text (counted from 1), or NULL.
static const char *find_line(const Program *program, uint32_t line) {
    const char *end = program->text + program->text_length;
    const char *at = program->text;
    while (at && --line > 0) {
        at = memchr(at, '\n', (size_t)(end - at));
        if (at) at++;
    }
    return at;
}

static void print_excerpt(FILE *out, const Program *program, SourcePos pos) {
    enum { LONGEST = 200 }; // a longer line would push the caret off the screen
    const char *line = program->text ? find_line(program, pos.line) : NULL;
    if (!line) return;
    size_t rest = program->text_length - (size_t)(line - program->text);
    const char *newline = memchr(line, '\n', rest);
    size_t length = newline ? (size_t)(newline - line) : rest;
    if (length > LONGEST || pos.column > LONGEST) return;
    fputs("    ", out);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)line[i];
        bool printable = c >= ' ' && c != 0x7F;
        fputc(printable || c == '\t' ? c : c == '\r' ? ' ' : '?', out);
    }
    fputs("\n    ", out);
    for (size_t i = 0; i + 1 < pos.column; i++) fputc(i < length && line[i] == '\t' ? '\t' : ' ', out);
    fputs("^\n", out);
}

void diagnostic_print(FILE *out, const Program *program, const Diagnostic *diagnostic) {
    SourcePos pos = diagnostic->pos;
    if (pos.line == 0) {
        fprintf(out, "%s: error: %s\n", program->file, diagnostic->message);
        return;
    }
    fprintf(out, "%s:%u:%u: error: %s\n", program->file, pos.line, pos.column, diagnostic->message);
    print_excerpt(out, program, pos);
}
