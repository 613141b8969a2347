// Stop 5: run generated code: first with mmap and mprotect by hand, then from a code buffer.
// Needs: bytecode/opcodes bytecode/program bytecode/parse bytecode/print bytecode/verify
// Needs: interp/vm interp/interp asm/asm
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "code/install.h"

typedef int64_t NoParams(void);
typedef int64_t OneParam(int64_t);

static int64_t run_by_hand(const Assembler *a) {
    size_t size = 4096;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return -1;
    memcpy(memory, a->code, a->size);
    if (mprotect(memory, size, PROT_READ | PROT_EXEC) != 0) return -1;
    int64_t result = ((NoParams *)(uintptr_t)memory)();
    munmap(memory, size);
    return result;
}

int main(void) {
    Assembler a;
    asm_init(&a, 4096);
    asm_mov_ri(&a, RAX, 42);
    asm_ret(&a);
    if (!asm_finish(&a)) return 1;
    printf("by hand: %d\n", (int)run_by_hand(&a));
    asm_free(&a);

    Label loop = LABEL_INIT, done = LABEL_INIT; // the sum of n, n - 1, ... 1
    asm_init(&a, 4096);
    asm_mov_ri(&a, RAX, 0);
    asm_bind(&a, &loop);
    asm_test_rr(&a, RDI, RDI);
    asm_jcc(&a, CC_E, &done);
    asm_add_rr(&a, RAX, RDI);
    asm_sub_ri(&a, RDI, 1);
    asm_jmp(&a, &loop);
    asm_bind(&a, &done);
    asm_ret(&a);
    CodeBuffer *buffer = code_buffer_new(4096);
    void *code = buffer && asm_finish(&a) ? code_install(buffer, &a) : NULL;
    asm_free(&a);
    if (!code) return 1;
    printf("from the buffer: %d\n", (int)((OneParam *)(uintptr_t)code)(100));
    code_buffer_free(buffer);
    return 0;
}
