// The instruction set: one table from which everything about an opcode derives.
//
// The machine is a stack machine over dynamically typed values. Each row gives
//   the opcode's name, its mnemonic in the text form, the kind of its operand,
//   how many values it pops, how many it pushes, and what it does.
#ifndef BYTECODE_OPCODES_H
#define BYTECODE_OPCODES_H

#include <stddef.h>

// What an instruction's operand means.
typedef enum OperandKind {
    OPERAND_NONE,
    OPERAND_CONST,    // a constant: the bits of a Value (object/value.h); a literal in the text form
    OPERAND_LOCAL,    // the index of a local variable
    OPERAND_TARGET,   // the index of an instruction in the same function; a label in the text form
    OPERAND_FUNCTION, // the index of a function in the program; its name in the text form
    OPERAND_NATIVE,   // the index of a native of the program; its name in the text form
    OPERAND_CLASS,    // the index of a class of the program; its name in the text form
    OPERAND_NAME,     // the address of an interned String: the name of a property
    OPERAND_METHOD,   // the same for a method, and in the text form the number of arguments behind it
    OPERAND_COUNT,    // a number of operands
} OperandKind;

// In the pops column: as many as the called function or native has parameters; as many as the operand
// says; the arguments that the instruction gives, and the receiver below them.
enum { POPS_PARAMETERS = -1, POPS_COUNT = -2, POPS_ARGUMENTS = -3 };

// clang-format off
#define OPCODES(_) \
    _(LOAD_CONST,    "load_const",    OPERAND_CONST,    0, 1, "push the constant") \
    _(LOAD_LOCAL,    "load_local",    OPERAND_LOCAL,    0, 1, "push the local variable") \
    _(STORE_LOCAL,   "store_local",   OPERAND_LOCAL,    1, 0, "pop into the local variable") \
    _(ADD,           "add",           OPERAND_NONE,     2, 1, "pop b, pop a, push a + b: the sum of numbers, or the strings joined") \
    _(SUB,           "sub",           OPERAND_NONE,     2, 1, "pop b, pop a, push a - b") \
    _(MUL,           "mul",           OPERAND_NONE,     2, 1, "pop b, pop a, push a * b") \
    _(DIV,           "div",           OPERAND_NONE,     2, 1, "pop b, pop a, push a / b") \
    _(JUMP,          "jump",          OPERAND_TARGET,   0, 0, "continue at the target") \
    _(JUMP_IF_FALSE, "jump_if_false", OPERAND_TARGET,   1, 0, "pop; if it is falsy, continue at the target") \
    _(CALL,          "call",          OPERAND_FUNCTION, POPS_PARAMETERS, 1, "pop the arguments, last one on top; push the result") \
    _(RETURN,        "return",        OPERAND_NONE,     1, 0, "pop the function's result and leave it") \
    _(EQUAL,         "equal",         OPERAND_NONE,     2, 1, "pop b, pop a, push true if both are the same, else false") \
    _(LESS_THAN,     "less_than",     OPERAND_NONE,     2, 1, "pop b, pop a, push true if a < b, else false") \
    _(GREATER_THAN,  "greater_than",  OPERAND_NONE,     2, 1, "pop b, pop a, push true if a > b, else false") \
    _(CALL_NATIVE,   "call_native",   OPERAND_NATIVE,   POPS_PARAMETERS, 1, "pop the arguments, last one on top; push what the C function returns") \
    _(MOD,           "mod",           OPERAND_NONE,     2, 1, "pop b, pop a, push the remainder of a / b, with the sign of a") \
    _(POP,           "pop",           OPERAND_NONE,     1, 0, "pop and forget") \
    _(DUP,           "dup",           OPERAND_NONE,     1, 2, "push the top operand once more") \
    _(NEW_OBJECT,    "new_object",    OPERAND_CLASS,    0, 1, "push a new object of the class, without properties of its own") \
    _(GET_PROPERTY,  "get_property",  OPERAND_NAME,     1, 1, "pop an object, push its property; undefined if there is none") \
    _(SET_PROPERTY,  "set_property",  OPERAND_NAME,     2, 0, "pop a value, pop an object, make the value the object's property") \
    _(DELETE_PROPERTY, "delete_property", OPERAND_NAME, 1, 1, "pop an object, remove its own property; push true") \
    _(CALL_METHOD,   "call_method",   OPERAND_METHOD,   POPS_ARGUMENTS, 1, "pop arguments, pop the receiver, call its method with all of them; push the result") \
    _(LOAD_FUNCTION, "load_function", OPERAND_FUNCTION, 0, 1, "push the function as a value") \
    _(LOAD_PROTOTYPE, "load_prototype", OPERAND_CLASS,  0, 1, "push the object that holds the class's methods") \
    _(SET_PROTOTYPE, "set_prototype", OPERAND_NONE,     2, 0, "pop a prototype (or null), pop an object, which inherits from it from now on") \
    _(NEW_ARRAY,     "new_array",     OPERAND_COUNT,    POPS_COUNT, 1, "pop the elements, last one on top; push a new array of them") \
    _(GET_INDEX,     "get_index",     OPERAND_NONE,     2, 1, "pop an index, pop an array, push the element; undefined if there is none") \
    _(SET_INDEX,     "set_index",     OPERAND_NONE,     3, 0, "pop a value, pop an index, pop an array, make the value its element") \
    _(LENGTH,        "length",        OPERAND_NONE,     1, 1, "pop an array or a string, push its length")
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
