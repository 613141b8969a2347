#include "bytecode/opcodes.h"

#include <string.h>

const OpcodeInfo opcode_info[NUM_OPCODES] = {
#define INFO_ROW(name, ...) [OP_##name] = {__VA_ARGS__},
    OPCODES(INFO_ROW)
#undef INFO_ROW
};

Opcode opcode_find(const char *mnemonic, size_t length) {
    for (Opcode op = 0; op < NUM_OPCODES; op++) {
        const char *candidate = opcode_info[op].mnemonic;
        if (strlen(candidate) == length && memcmp(candidate, mnemonic, length) == 0) return op;
    }
    return NUM_OPCODES;
}
