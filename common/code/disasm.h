// Listings of machine code: offset, bytes, instruction, and what each instruction was made for.
//
//      factorial: 87 bytes
//        0000  55                             push    rbp
//        0001  48 89 e5                       mov     rbp, rsp
//      ; 3 jump_if_false recurse                                     a mark: the source item
//        0020  58                             pop     rax
//        0021  48 85 c0                       test    rax, rax
//        0024  0f 84 0a 00 00 00              je      .L1
//        002a  e8 d1 ff ff ff                 call    factorial      its own first byte
//      .L1:                                                          the target of a local jump
//        002f  48 b8 10 f2 ff f7 ff 7f 00 00  movabs  rax, 0x7ffff7fff210   ; native_print
//
// The columns are the same in every step. Offsets count from the code's first byte, so that a listing
// does not depend on where the code was installed; only absolute addresses in operands do.
//
// Capstone decodes, in Intel syntax. Without it (HAVE_CAPSTONE=0) a listing shows the marks and bytes.
#ifndef CODE_DISASM_H
#define CODE_DISASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// The code from `offset` on, up to the next mark, was made for source item `item`: a bytecode's pc,
// a LIR index, ...
typedef struct CodeMark {
    uint32_t offset;
    uint32_t item;
} CodeMark;

typedef struct CodeListing {
    const char *name;
    const uint8_t *code;
    size_t size;      // of everything: code, then constants
    size_t code_size; // the bytes after it are shown as data; 0: everything is code
    uint64_t address; // where the code runs; 0: not installed yet
    const CodeMark *marks; // by ascending offset; several may share one
    size_t num_marks;
    // Print one line about the item, without a newline. NULL: its number is printed.
    void (*print_item)(FILE *out, uint32_t item, const void *context);
    // The name of what lies at an address outside of the code, or NULL. NULL: nothing has a name.
    const char *(*symbol)(uint64_t address, const void *context);
    const void *context; // for the two functions
} CodeListing;

void disasm_print(FILE *out, const CodeListing *listing);

// Was this program built with Capstone?
bool disasm_available(void);

// The offset of the first byte at which no instruction decodes, counting from instruction to
// instruction, or -1 if all of it is code. Without Capstone nothing is checked: -1.
int64_t disasm_check(const uint8_t *code, size_t size);

// Long enough for the text of any instruction.
enum { DISASM_TEXT_SIZE = 192 };

// Write the instruction that starts at code[0] as text ("mov rbp, rsp"), cut to fit `text_size` bytes
// with the NUL. `address` is where code[0] runs: it makes branch targets absolute. Returns the
// instruction's length in bytes, so that a loop can go on there; 0, and an empty text, if these `size`
// bytes do not start with a whole instruction (or there is no Capstone).
size_t disasm_instruction(const uint8_t *code, size_t size, uint64_t address, char *text, size_t text_size);

#endif
