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

void emit_errors(Assembler *a, ErrorSites *sites, const Stubs *stubs, uint32_t function) {
    for (size_t i = 0; i < sites->count; i++) {
        struct ErrorSite *site = &sites->items[i];
        asm_bind(a, &site->label);
        asm_mov_ri(a, RAX, site->status);
        asm_mov_ri(a, RCX, site->pc);
        asm_mov_ri(a, RDX, function);
        asm_jmp_abs(a, stubs->error);
    }
}

// IDIV would raise a signal for both errors (SDM vol. 2, "IDIV"), so it must not see them. Dividing
// by -1 is negating, and NEG sets the overflow flag just for INT64_MIN.
void emit_divide(Assembler *a, ErrorSites *sites, Reg divisor, uint32_t pc) {
    Label divide = LABEL_INIT, done = LABEL_INIT;
    asm_test_rr(a, divisor, divisor);
    emit_error_if(a, sites, CC_E, RUN_DIVISION_BY_ZERO, pc);
    asm_cmp_ri(a, divisor, -1);
    asm_jcc(a, CC_NE, &divide);
    asm_neg_r(a, RAX);
    emit_error_if(a, sites, CC_O, RUN_DIVISION_OVERFLOW, pc);
    asm_jmp(a, &done);
    asm_bind(a, &divide);
    asm_cqo(a); // the dividend is RDX:RAX
    asm_idiv_r(a, divisor);
    asm_bind(a, &done);
}

void emit_stack_check(Assembler *a, ErrorSites *sites, const Vm *vm, int32_t bytes) {
    asm_mov_ri(a, R10, address_of(&vm->stack_limit));
    asm_lea_rm(a, R11, mem(RSP, -bytes));
    asm_cmp_rm(a, R11, mem(R10, 0));
    emit_error_if(a, sites, CC_B, RUN_STACK_OVERFLOW, 0);
}
