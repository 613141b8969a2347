// The text form of programs (.bca files): reading and printing.
//
//   func NAME params=N [locals=M]   starts a function; locals counts every slot, parameters first
//   LABEL:                          names the next instruction
//   MNEMONIC [OPERAND]              an integer, a constant, a label or a name (see OperandKind)
//   end                             ends the function, or the class
//   class NAME [extends NAME] [fields=N]   starts a class; fields: values with room inside an object
//   method NAME params=N [locals=M] starts a method of the class; parameter 0 is the receiver. It is
//                                   also the function CLASS.NAME
//   ; ...                           a comment, to the end of the line
//
// Constants are numbers (-5, 0xFF, 1.5e300, NaN, Infinity), strings ("two\nlines"; the escapes are
// \n \t \r \" \\ and \xHH), true, false, undefined and null. Integers are decimal or hexadecimal.
// Names are letters, digits and underscores, not starting with a digit. get_property, call_method and
// the like take any string in quotes, too.
#ifndef BYTECODE_PARSE_H
#define BYTECODE_PARSE_H

#include "bytecode/program.h"

// Read a whole program from text into an empty program. Returns false and fills in the diagnostic
// at the first error. The text is copied and need not end in a newline. Time: O(n log n).
bool program_parse(Program *program, const char *text, size_t length, Diagnostic *diagnostic);

// Read a file. Returns NULL and fills in *why (at most `why_size` bytes, one line) if it cannot be
// read or is larger than MAX_FILE_SIZE. The caller frees the text.
char *read_file(const char *path, size_t *length, char *why, size_t why_size);

// Print the program in its text form; program_parse reads it back to the same program.
void program_print(FILE *out, const Program *program);

// Print a constant as the text form writes it: a string in quotes.
void constant_print(FILE *out, Value value);

// Print the name of a property or a method as the text form writes it: in quotes unless it is a plain word.
void name_print(FILE *out, const String *name);

// Print one instruction without indentation and newline: "jump L12".
void instruction_print(FILE *out, const Program *program, Instruction ins);

#endif
