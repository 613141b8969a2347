#include "baseline/pieces.h"

#include <stddef.h>

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

void emit_stack_check(Assembler *a, ErrorSites *sites, int32_t bytes) {
    asm_lea_rm(a, R11, mem(RSP, -bytes));
    asm_cmp_rm(a, R11, vm_field(offsetof(Vm, stack_limit)));
    emit_error_if(a, sites, CC_B, RUN_STACK_OVERFLOW, 0);
}

_Static_assert(offsetof(FrameInfo, num_args) == 4 && offsetof(FrameInfo, kind) == 6, "as written here");

void emit_frame_header(Assembler *a, FrameKind kind, uint32_t pc) {
    asm_mov_mr(a, frame_mem(FRAME_CALLEE), FRAME_CALLEE_REG);
    asm_mov32_mi(a, frame_mem(FRAME_INFO), (int32_t)pc);
    asm_lea32_rm(a, R10, mem(FRAME_COUNT_REG, (int32_t)kind << 16));
    asm_mov32_mr(a, frame_mem(FRAME_INFO + 4), R10);
}

void emit_store_top_frame(Assembler *a) { asm_mov_mr(a, vm_field(offsetof(Vm, top_frame)), RBP); }

void emit_count_call(Assembler *a, Label *counted_down) {
    asm_dec32_m(a, mem(FRAME_CALLEE_REG, offsetof(Callable, countdown)));
    asm_jcc(a, CC_E, counted_down);
}

void emit_counted_down(Assembler *a, const Stubs *stubs, Label *counted_down) {
    asm_bind(a, counted_down);
    asm_pop_r(a, RBP);
    asm_jmp_abs(a, stubs->optimize);
}
