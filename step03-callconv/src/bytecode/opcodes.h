// The instruction set: one table from which everything about an opcode derives.
//
// The machine is a stack machine over 64-bit integers. Each row gives
//   the opcode's name, its mnemonic in the text form, the kind of its operand,
//   how many values it pops, how many it pushes, and what it does.
#ifndef BYTECODE_OPCODES_H
#define BYTECODE_OPCODES_H

#include <stddef.h>

// What an instruction's operand means.
typedef enum OperandKind {
    OPERAND_NONE,
    OPERAND_CONST,    // a 64-bit constant
    OPERAND_LOCAL,    // the index of a local variable
    OPERAND_TARGET,   // the index of an instruction in the same function; a label in the text form
    OPERAND_FUNCTION, // the index of a function in the program; its name in the text form
    OPERAND_NATIVE,   // the index of a native of the program; its name in the text form
} OperandKind;

// In the pops column: as many as the called function or native has parameters.
enum { POPS_PARAMETERS = -1 };

// clang-format off
#define OPCODES(_) \
    _(LOAD_CONST,    "load_const",    OPERAND_CONST,    0, 1, "push the constant") \
    _(LOAD_LOCAL,    "load_local",    OPERAND_LOCAL,    0, 1, "push the local variable") \
    _(STORE_LOCAL,   "store_local",   OPERAND_LOCAL,    1, 0, "pop into the local variable") \
    _(ADD,           "add",           OPERAND_NONE,     2, 1, "pop b, pop a, push a + b, wrapping") \
    _(SUB,           "sub",           OPERAND_NONE,     2, 1, "pop b, pop a, push a - b, wrapping") \
    _(MUL,           "mul",           OPERAND_NONE,     2, 1, "pop b, pop a, push a * b, wrapping") \
    _(DIV,           "div",           OPERAND_NONE,     2, 1, "pop b, pop a, push a / b, towards zero") \
    _(JUMP,          "jump",          OPERAND_TARGET,   0, 0, "continue at the target") \
    _(JUMP_IF_FALSE, "jump_if_false", OPERAND_TARGET,   1, 0, "pop; if it is 0, continue at the target") \
    _(CALL,          "call",          OPERAND_FUNCTION, POPS_PARAMETERS, 1, "pop the arguments, last one on top; push the result") \
    _(RETURN,        "return",        OPERAND_NONE,     1, 0, "pop the function's result and leave it") \
    _(EQUAL,         "equal",         OPERAND_NONE,     2, 1, "pop b, pop a, push 1 if a == b, else 0") \
    _(LESS_THAN,     "less_than",     OPERAND_NONE,     2, 1, "pop b, pop a, push 1 if a < b, else 0") \
    _(GREATER_THAN,  "greater_than",  OPERAND_NONE,     2, 1, "pop b, pop a, push 1 if a > b, else 0") \
    _(CALL_NATIVE,   "call_native",   OPERAND_NATIVE,   POPS_PARAMETERS, 1, "pop the arguments, last one on top; push what the C function returns")
// clang-format on

typedef enum Opcode {
#define ENUM_ROW(name, mnemonic, operand, pops, pushes, meaning) OP_##name,
    OPCODES(ENUM_ROW)
#undef ENUM_ROW
    NUM_OPCODES,
} Opcode;

typedef struct OpcodeInfo {
    const char *mnemonic;
    OperandKind operand;
    int pops, pushes;
    const char *meaning;
} OpcodeInfo;

// Indexed by Opcode.
extern const OpcodeInfo opcode_info[NUM_OPCODES];

// The opcode with this mnemonic, or NUM_OPCODES if there is none.
Opcode opcode_find(const char *mnemonic, size_t length);

#endif
