// Stop 4: assemble, and write the bytes to a file for objdump.
// Needs: bytecode/opcodes bytecode/program bytecode/parse bytecode/print bytecode/verify
// Needs: interp/vm interp/interp asm/asm
#include <stdio.h>

#include "asm/asm.h"

int main(int argc, char **argv) {
    Label again = LABEL_INIT, done = LABEL_INIT;
    Assembler a;
    asm_init(&a, 1000);
    asm_mov_rm(&a, RAX, mem(R12, 8)); // the instruction of the figure
    asm_mov_rm(&a, RAX, mem(RBX, 8));
    asm_mov_rm(&a, RAX, mem(RBP, 0));
    asm_mov_ri(&a, RCX, 10);
    asm_bind(&a, &again);
    asm_sub_ri(&a, RCX, 1);
    asm_jcc(&a, CC_E, &done);
    asm_jmp(&a, &again);
    asm_bind(&a, &done);
    asm_ret(&a);
    if (!asm_finish(&a)) return 1;
    for (size_t i = 0; i < a.size; i++) printf("%02x%c", a.code[i], i % 16 == 15 ? '\n' : ' ');
    putchar('\n');
    FILE *out = argc > 1 ? fopen(argv[1], "wb") : NULL;
    if (out) {
        fwrite(a.code, 1, a.size, out);
        fclose(out);
    }
    asm_free(&a);
    return 0;
}
