// The baseline compiler: a template of machine code for each bytecode instruction.
// The operand stack of the bytecode is the machine stack: push is `push`, pop is `pop`.
//
// Frame of a function with L locals (addresses fall from top to bottom):
//
//     [rbp+16+8i]  argument 6+i, put there by the caller
//     [rbp+8]      return address
//     [rbp]        the caller's rbp
//     [rbp-8-8k]   local k
//     ...          one unused word if L is odd
//     [rsp]        operands, the newest at the lowest address
//
// Invariant: where an instruction begins, exactly depth[pc] operands are on the machine stack,
// so rsp is a multiple of 16 if and only if depth[pc] is even.
#include "baseline/baseline.h"

#include <stdlib.h>

#include "base/fatal.h"
#include "baseline/convention.h"

typedef struct Baseline {
    Assembler *a;
    CodeMarks *marks;
    const Stubs *stubs;
    Vm *vm;
    const Program *program;
    const Function *function;
    Label *labels; // one for each instruction
    ErrorSites errors;
} Baseline;

static Mem local_slot(int64_t local) { return mem(RBP, (int32_t)(-8 - 8 * local)); }

// The operand stack. `depth` is the number of operands below the one that is pushed or popped.
static void emit_push(Baseline *b, uint32_t depth, Reg reg) {
    (void)depth;
    asm_push_r(b->a, reg);
}

static void emit_pop(Baseline *b, uint32_t depth, Reg reg) {
    (void)depth;
    asm_pop_r(b->a, reg);
}

static uint32_t words_for_locals(const Function *function) { return (function->num_locals + 1) & ~1u; }

// An upper bound of the machine stack that one call of the function uses, in bytes.
static int32_t frame_bytes(const Function *function) {
    uint32_t outgoing = function->max_depth; // stack arguments are copies of operands
    return (int32_t)(8 * (words_for_locals(function) + function->max_depth + outgoing + 4));
}

// Parameters become locals: each is stored in its slot.
static void emit_store_params(Baseline *b) {
    for (uint32_t i = 0; i < b->function->num_params; i++) {
        if (i < NUM_ARG_REGS) {
            asm_mov_mr(b->a, local_slot(i), arg_regs[i]);
        } else {
            asm_mov_rm(b->a, RAX, mem(RBP, 16 + 8 * (int32_t)(i - NUM_ARG_REGS)));
            asm_mov_mr(b->a, local_slot(i), RAX);
        }
    }
}

static void emit_prologue(Baseline *b) {
    code_mark(b->marks, b->a, MARK_PROLOGUE);
    asm_push_r(b->a, RBP);
    asm_mov_rr(b->a, RBP, RSP);
    emit_stack_check(b->a, &b->errors, b->vm, frame_bytes(b->function));
    if (b->function->num_locals) asm_sub_ri(b->a, RSP, (int32_t)(8 * words_for_locals(b->function)));
    emit_store_params(b);
}

// Pop b into RCX and a into RAX.
static void emit_pop_two(Baseline *b, uint32_t depth) {
    emit_pop(b, depth - 1, RCX);
    emit_pop(b, depth - 2, RAX);
}

// RAX = 1 if RAX cc RCX, else 0.
static void emit_compare(Baseline *b, Cond cc) {
    asm_cmp_rr(b->a, RAX, RCX);
    asm_setcc_r(b->a, cc, RAX);
    asm_movzx8_rr(b->a, RAX, RAX);
}

// The arguments are the top `n` operands, the last one on top. The first six move to registers.
// The rest must lie at [rsp], [rsp+8], ... in ascending order: the other way round, so they are
// copied. Returns how many words above the remaining operands the call must remove again.
static uint32_t emit_arguments(Baseline *b, uint32_t depth, uint32_t n) {
    if (n <= NUM_ARG_REGS) {
        for (uint32_t i = n; i-- > 0;) emit_pop(b, depth - n + i, arg_regs[i]);
        uint32_t padding = (depth - n) % 2;
        if (padding) asm_sub_ri(b->a, RSP, 8);
        return padding;
    }
    uint32_t on_stack = n - NUM_ARG_REGS;
    uint32_t padding = (depth + on_stack) % 2;
    for (uint32_t i = 0; i < NUM_ARG_REGS; i++)
        asm_mov_rm(b->a, arg_regs[i], mem(RSP, 8 * (int32_t)(n - 1 - i)));
    if (padding) asm_sub_ri(b->a, RSP, 8);
    // Operand i is n - 1 - i words above the top; every push moves the top one word further away,
    // and i falls as fast, so the distance grows by two words a step.
    for (uint32_t pushed = 0; pushed < on_stack; pushed++)
        asm_push_m(b->a, mem(RSP, 8 * (int32_t)(padding + 2 * pushed)));
    return n + padding + on_stack;
}

static void emit_call_function(Baseline *b, uint32_t depth, int64_t callee) {
    uint32_t n = b->program->functions[callee].num_params;
    uint32_t words = emit_arguments(b, depth, n);
    asm_mov_ri(b->a, RAX, address_of(&b->vm->callables[callee]));
    asm_call_m(b->a, mem(RAX, offsetof(Callable, entry)));
    if (words) asm_add_ri(b->a, RSP, (int32_t)(8 * words));
    emit_push(b, depth - n, RAX);
}

static void emit_instruction(Baseline *b, uint32_t pc) {
    Instruction ins = b->function->bytecode[pc];
    uint32_t depth = (uint32_t)b->function->depth[pc];
    switch (ins.opcode) {
    case OP_LOAD_CONST:
        asm_mov_ri(b->a, RAX, ins.operand);
        emit_push(b, depth, RAX);
        break;
    case OP_LOAD_LOCAL:
        asm_mov_rm(b->a, RAX, local_slot(ins.operand));
        emit_push(b, depth, RAX);
        break;
    case OP_STORE_LOCAL:
        emit_pop(b, depth - 1, RAX);
        asm_mov_mr(b->a, local_slot(ins.operand), RAX);
        break;
    case OP_ADD:
        emit_pop_two(b, depth);
        asm_add_rr(b->a, RAX, RCX);
        emit_push(b, depth - 2, RAX);
        break;
    case OP_SUB:
        emit_pop_two(b, depth);
        asm_sub_rr(b->a, RAX, RCX);
        emit_push(b, depth - 2, RAX);
        break;
    case OP_MUL:
        emit_pop_two(b, depth);
        asm_imul_rr(b->a, RAX, RCX);
        emit_push(b, depth - 2, RAX);
        break;
    case OP_DIV:
        emit_pop_two(b, depth);
        emit_divide(b->a, &b->errors, RCX, pc);
        emit_push(b, depth - 2, RAX);
        break;
    case OP_JUMP: asm_jmp(b->a, &b->labels[ins.operand]); break;
    case OP_JUMP_IF_FALSE:
        emit_pop(b, depth - 1, RAX);
        asm_test_rr(b->a, RAX, RAX);
        asm_jcc(b->a, CC_E, &b->labels[ins.operand]);
        break;
    case OP_CALL: emit_call_function(b, depth, ins.operand); break;
    case OP_RETURN:
        emit_pop(b, depth - 1, RAX);
        asm_leave(b->a);
        asm_ret(b->a);
        break;
    case OP_EQUAL:
        emit_pop_two(b, depth);
        emit_compare(b, CC_E);
        emit_push(b, depth - 2, RAX);
        break;
    case OP_LESS_THAN:
        emit_pop_two(b, depth);
        emit_compare(b, CC_L);
        emit_push(b, depth - 2, RAX);
        break;
    case OP_GREATER_THAN:
        emit_pop_two(b, depth);
        emit_compare(b, CC_G);
        emit_push(b, depth - 2, RAX);
        break;
    case NUM_OPCODES: fatal("opcode out of range at %u", pc);
    }
}

static void emit_body(Baseline *b) {
    for (uint32_t pc = 0; pc < b->function->num_instructions && !b->a->error; pc++) {
        if (b->function->depth[pc] < 0) continue; // unreachable
        code_mark(b->marks, b->a, (int)pc);
        asm_bind(b->a, &b->labels[pc]);
        emit_instruction(b, pc);
    }
}

void baseline_compile(Assembler *a, CodeMarks *marks, const Stubs *stubs, Vm *vm, uint32_t function) {
    const Function *f = &vm->program->functions[function];
    Arena arena = {0};
    Baseline b = {
        .a = a,
        .marks = marks,
        .stubs = stubs,
        .vm = vm,
        .program = vm->program,
        .function = f,
        .labels = arena_array(&arena, f->num_instructions, sizeof(Label)),
    };
    for (size_t pc = 0; pc < f->num_instructions; pc++) b.labels[pc] = LABEL_INIT;
    emit_prologue(&b);
    emit_body(&b);
    code_mark(b.marks, b.a, MARK_ERRORS);
    emit_errors(b.a, &b.errors, b.stubs, function);
    free(b.errors.items);
    arena_free(&arena);
}
