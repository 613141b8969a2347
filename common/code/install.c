#include "code/install.h"

#include <stdint.h>

void *code_install(CodeBuffer *buffer, Assembler *a) {
    if (a->error) return NULL;
    void *code = code_buffer_alloc(buffer, a->size);
    if (!code) return NULL;
    if (asm_relocate(a, (uint64_t)(uintptr_t)code) && code_buffer_write(buffer, code, a->code, a->size))
        return code;
    code_buffer_release(buffer, code, a->size);
    return NULL;
}
