#include "baseline/pieces.h"

#include "base/memory.h"

void code_mark(CodeMarks *marks, const Assembler *a, int item) {
    GROW(marks->items, marks->count, marks->capacity);
    marks->items[marks->count++] = (CodeMark){asm_offset(a), (uint32_t)item};
}

void emit_error_if(Assembler *a, ErrorSites *sites, Cond cc, RunStatus status, uint32_t pc) {
    GROW(sites->items, sites->count, sites->capacity);
    struct ErrorSite *site = &sites->items[sites->count++];
    *site = (struct ErrorSite){LABEL_INIT, status, pc};
    asm_jcc(a, cc, &site->label);
}

void emit_errors(Assembler *a, ErrorSites *sites, const Stubs *stubs, uint32_t function, Label *exit) {
    for (size_t i = 0; i < sites->count; i++) {
        struct ErrorSite *site = &sites->items[i];
        asm_bind(a, &site->label);
        asm_mov_ri(a, RAX, site->status);
        asm_mov_ri(a, RCX, site->pc);
        asm_mov_ri(a, RDX, function);
        asm_call_abs(a, stubs->error);
        if (site->status != RUN_STACK_OVERFLOW) {
            asm_jmp(a, exit);
        } else {
            asm_leave(a);
            asm_ret(a);
        }
    }
}

void emit_stack_check(Assembler *a, ErrorSites *sites, const Vm *vm, int32_t bytes) {
    asm_mov_ri(a, R10, address_of(&vm->stack_limit));
    asm_lea_rm(a, R11, mem(RSP, -bytes));
    asm_cmp_rm(a, R11, mem(R10, 0));
    emit_error_if(a, sites, CC_B, RUN_STACK_OVERFLOW, 0);
}
