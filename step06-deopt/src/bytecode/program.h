// The program container: what the parser fills, the verifier checks and every engine reads.
//
// Ownership: a Program owns its functions and everything inside them; program_free frees it all.
// Invariant: after program_verify has accepted it, a program does not change any more.
#ifndef BYTECODE_PROGRAM_H
#define BYTECODE_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/memory.h"
#include "bytecode/opcodes.h"
#include "object/string.h"

enum {
    MAX_LOCALS = 65535,      // of one function, parameters included
    MAX_DEPTH = 65535,       // of one function's operand stack
    MAX_INSTRUCTIONS = 1 << 24, // of one function
    MAX_NATIVE_PARAMS = 8,
    MAX_ARGUMENTS = 255, // of a method call
    MAX_FIELDS = 1024,   // inside an object
};

typedef struct Instruction {
    Opcode opcode;
    uint32_t num_args; // of OPERAND_METHOD: arguments without the receiver
    int64_t operand;   // see OperandKind; 0 if the opcode has none
} Instruction;

// A place in the source text; both count from 1. Line 0 means "not from a text".
typedef struct SourcePos {
    uint32_t line, column;
} SourcePos;

typedef struct Function {
    const char *name;
    Instruction *bytecode;
    SourcePos *positions; // where each instruction came from
    size_t num_instructions, cap_bytecode, cap_positions;
    uint32_t num_params;
    uint32_t num_locals; // parameters included: parameter i is local i
    SourcePos position;  // of the name in the source
    // Results of the verifier:
    int32_t *depth;     // operands on the stack before each instruction; -1 if unreachable
    uint32_t max_depth; // the largest number of operands at any point
    uint32_t *site;     // of each instruction: its inline cache's index in the function, or NO_SITE
    uint32_t num_sites;
} Function;

#define NO_SITE UINT32_MAX

// Any C function; it is cast to its real type before it is called.
typedef void NativeCode(void);

// A C function that the program can call: Value (*)(Vm *, Value, ... num_params times).
typedef struct Native {
    const char *name;
    uint32_t num_params;
    NativeCode *code;
} Native;

// A class: a name for objects that start alike and share methods.
typedef struct Class {
    const char *name;
    int64_t parent;      // the index of the class that it inherits from, or -1
    uint32_t num_fields; // values that have room inside of an object
    struct Method {
        String *name;
        uint32_t function;
    } *methods;
    size_t num_methods, cap_methods;
} Class;

enum { DEFAULT_FIELDS = 4 };

typedef struct Program {
    Arena arena;      // names, source text, the verifier's results
    const char *file; // name of the source file, for messages
    const char *text; // the source text, or NULL
    size_t text_length;
    Function *functions;
    size_t num_functions, cap_functions;
    Native *natives;
    size_t num_natives, cap_natives;
    Class *classes; // a class comes after its parent
    size_t num_classes, cap_classes;
    StringTable strings; // names and string constants; the arena owns them
} Program;

// What is wrong with a program, and where.
typedef struct Diagnostic {
    SourcePos pos;
    char message[240];
} Diagnostic;

Program *program_new(const char *file);
void program_free(Program *program);

// Append an empty function and return its index. The name is copied.
uint32_t program_add_function(Program *program, const char *name, uint32_t num_params,
                              uint32_t num_locals);

// Register a native and return its index; natives come before the text that names them. The name is
// copied. More than MAX_NATIVE_PARAMS parameters abort.
uint32_t program_add_native(Program *program, const char *name, uint32_t num_params, NativeCode *code);

// Append an instruction. Opcodes without an operand are given 0.
void program_emit(Program *program, uint32_t function, Opcode opcode, int64_t operand,
                  SourcePos pos);

// Append an instruction with an operand of kind OPERAND_METHOD.
void program_emit_method(Program *program, uint32_t function, Opcode opcode, String *name, uint32_t num_args,
                         SourcePos pos);

// Append a class without methods and return its index. The name is copied.
uint32_t program_add_class(Program *program, const char *name, int64_t parent, uint32_t num_fields);

// Give a class a method: a function with the name CLASS.NAME, behind those of the class so far.
void program_add_method(Program *program, uint32_t class_index, String *name, uint32_t function);

// The program's interned string with these bytes.
String *program_intern(Program *program, const char *bytes, size_t length);

// A number as a constant of the program.
Value program_number(Program *program, double d);

// The function with this name, or NULL.
Function *program_find(const Program *program, const char *name);

// The index of the native with this name, or -1.
int64_t program_find_native(const Program *program, const char *name, size_t length);

// The index of a function of this program.
static inline uint32_t function_index(const Program *program, const Function *function) {
    return (uint32_t)(function - program->functions);
}

// How many operands the instruction pops; for a call that depends on the callee.
uint32_t instruction_pops(const Program *program, Instruction ins);

// Fill in a diagnostic. Returns false, so that a failing function can `return diagnose(...)`.
bool diagnose(Diagnostic *diagnostic, SourcePos pos, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Print "file:line:col: error: message", then the source line and a caret under the column.
void diagnostic_print(FILE *out, const Program *program, const Diagnostic *diagnostic);

#endif
