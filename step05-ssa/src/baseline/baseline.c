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
#include "object/object_emit.h"
#include "object/runtime.h"

typedef struct Baseline {
    Assembler *a;
    CodeMarks *marks;
    const Stubs *stubs;
    Vm *vm;
    const Program *program;
    const Function *function;
    bool no_forwarding;
    Label *labels; // one for each instruction
    Label exit;    // leaves the function with what is in RAX
    ErrorSites errors;
    SlowPaths slow;
    EmitContext context;
} Baseline;

static Mem local_slot(int64_t local) { return mem(RBP, (int32_t)(-8 - 8 * local)); }

// Write the lowest byte of what was just stored once more (see baseline_compile).
static void spoil_forwarding(Baseline *b, Mem stored, Reg reg) {
    if (b->no_forwarding) asm_mov8_mr(b->a, stored, reg);
}

// The operand stack. `depth` is the number of operands below the one that is pushed or popped.
static void emit_push(Baseline *b, uint32_t depth, Reg reg) {
    (void)depth;
    asm_push_r(b->a, reg);
    spoil_forwarding(b, mem(RSP, 0), reg);
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

// RAX = RAX op RCX
static void emit_operation(Baseline *b, Operator op, uint32_t depth, uint32_t pc) {
    emit_pop_two(b, depth);
    emit_operator(&b->context, op, place_reg(RAX), place_reg(RAX), place_reg(RCX), pc);
    emit_push(b, depth - 2, RAX);
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

// Call the Callable in RAX, then remove `words` words from the stack. NO_VALUE leaves this function, too.
static void emit_call_rax(Baseline *b, uint32_t words) {
    asm_call_m(b->a, mem(RAX, offsetof(Callable, entry)));
    asm_test_rr(b->a, RAX, RAX);
    asm_jcc(b->a, CC_E, &b->exit);
    if (words) asm_add_ri(b->a, RSP, (int32_t)(8 * words));
}

static void emit_call_function(Baseline *b, uint32_t depth, int64_t callee) {
    uint32_t n = b->program->functions[callee].num_params;
    uint32_t words = emit_arguments(b, depth, n);
    asm_mov_ri(b->a, RAX, address_of(&b->vm->callables[callee]));
    emit_call_rax(b, words);
    emit_push(b, depth - n, RAX);
}

// The receiver is the first argument.
static void emit_call_method(Baseline *b, uint32_t depth, Instruction ins, uint32_t pc) {
    uint32_t n = ins.num_args + 1;
    uint32_t words = emit_arguments(b, depth, n);
    emit_find_method(&b->context, pc);
    emit_call_rax(b, words);
    emit_push(b, depth - n, RAX);
}

// Call C, with the Vm in RDI and the other arguments in their places, when `depth` operands are on the stack.
// The result is in RAX.
static void emit_call_c(Baseline *b, uint32_t depth, NativeCode *function, uint32_t pc) {
    asm_mov_ri(b->a, RDI, address_of(b->vm));
    asm_mov_ri(b->a, RAX, (int64_t)(uintptr_t)function);
    if (depth % 2) asm_sub_ri(b->a, RSP, 8);
    asm_call_r(b->a, RAX);
    if (depth % 2) asm_add_ri(b->a, RSP, 8);
    asm_test_rr(b->a, RAX, RAX);
    emit_error_if(b->a, &b->errors, CC_E, RUN_OK, pc);
}

// The Vm is the first argument of a native: it takes the place of an operand below the others.
static void emit_call_native(Baseline *b, uint32_t depth, int64_t callee, uint32_t pc) {
    const Native *native = &b->program->natives[callee];
    uint32_t n = native->num_params;
    uint32_t on_stack = n + 1 > NUM_ARG_REGS ? n + 1 - NUM_ARG_REGS : 0;
    uint32_t padding = (depth + on_stack) % 2;
    for (uint32_t i = 0; i < n && i + 1 < NUM_ARG_REGS; i++)
        asm_mov_rm(b->a, arg_regs[i + 1], mem(RSP, 8 * (int32_t)(n - 1 - i)));
    if (padding) asm_sub_ri(b->a, RSP, 8);
    for (uint32_t pushed = 0; pushed < on_stack; pushed++)
        asm_push_m(b->a, mem(RSP, 8 * (int32_t)(padding + 2 * pushed)));
    emit_call_c(b, 0, native->code, pc);
    if (n + padding + on_stack) asm_add_ri(b->a, RSP, (int32_t)(8 * (n + padding + on_stack)));
    emit_push(b, depth - n, RAX);
}

static void emit_new_array(Baseline *b, uint32_t depth, int64_t length, uint32_t pc) {
    asm_mov_ri(b->a, RSI, length);
    asm_mov_rr(b->a, RDX, RSP); // the last element
    emit_call_c(b, depth, (NativeCode *)(uintptr_t)runtime_new_array, pc);
    if (length) asm_add_ri(b->a, RSP, (int32_t)(8 * length));
    emit_push(b, depth - (uint32_t)length, RAX);
}

// Pop `n` operands into the first argument registers from `first` on, the last one on top.
static void emit_pop_arguments(Baseline *b, uint32_t depth, uint32_t first, uint32_t n) {
    for (uint32_t i = n; i-- > 0;) emit_pop(b, depth - n + i, arg_regs[first + i]);
}

// Instructions on objects.
static void emit_object_instruction(Baseline *b, Instruction ins, uint32_t depth, uint32_t pc) {
    uint32_t pops = instruction_pops(b->program, ins), rest = depth - pops;
    bool takes_vm = ins.opcode == OP_DELETE_PROPERTY || ins.opcode == OP_SET_PROTOTYPE;
    emit_pop_arguments(b, depth, takes_vm ? 1 : 0, pops);
    switch (ins.opcode) {
    case OP_NEW_OBJECT:
        asm_mov_ri(b->a, RSI, ins.operand);
        emit_call_c(b, rest, (NativeCode *)(uintptr_t)runtime_new_object, pc);
        break;
    case OP_GET_PROPERTY: emit_get_property(&b->context, pc); break;
    case OP_SET_PROPERTY: emit_set_property(&b->context, pc); break;
    case OP_DELETE_PROPERTY:
        asm_mov_ri(b->a, RDX, ins.operand);
        emit_call_c(b, rest, (NativeCode *)(uintptr_t)runtime_delete_property, pc);
        break;
    case OP_LOAD_FUNCTION: asm_mov_ri(b->a, RAX, address_of(&b->vm->callables[ins.operand])); break;
    case OP_LOAD_PROTOTYPE: asm_mov_ri(b->a, RAX, address_of(b->vm->classes[ins.operand].prototype)); break;
    case OP_SET_PROTOTYPE: emit_call_c(b, rest, (NativeCode *)(uintptr_t)runtime_set_prototype, pc); break;
    case OP_GET_INDEX: emit_get_index(&b->context, pc); break;
    case OP_SET_INDEX: emit_set_index(&b->context, pc); break;
    case OP_LENGTH: emit_length(&b->context, pc); break;
    default: fatal("%s is no instruction on objects", opcode_info[ins.opcode].mnemonic);
    }
    if (opcode_info[ins.opcode].pushes) emit_push(b, rest, RAX);
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
        spoil_forwarding(b, local_slot(ins.operand), RAX);
        break;
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_DIV:
    case OP_MOD:
    case OP_EQUAL:
    case OP_LESS_THAN:
    case OP_GREATER_THAN: emit_operation(b, operator_of(ins.opcode), depth, pc); break;
    case OP_JUMP: asm_jmp(b->a, &b->labels[ins.operand]); break;
    case OP_JUMP_IF_FALSE:
        emit_pop(b, depth - 1, RAX);
        emit_truth_branch(&b->context, place_reg(RAX), false, &b->labels[ins.operand], pc);
        break;
    case OP_CALL: emit_call_function(b, depth, ins.operand); break;
    case OP_RETURN:
        emit_pop(b, depth - 1, RAX);
        asm_leave(b->a);
        asm_ret(b->a);
        break;
    case OP_CALL_NATIVE: emit_call_native(b, depth, ins.operand, pc); break;
    case OP_POP: emit_pop(b, depth - 1, RAX); break;
    case OP_DUP:
        emit_pop(b, depth - 1, RAX);
        emit_push(b, depth - 1, RAX);
        emit_push(b, depth, RAX);
        break;
    case OP_CALL_METHOD: emit_call_method(b, depth, ins, pc); break;
    case OP_NEW_ARRAY: emit_new_array(b, depth, ins.operand, pc); break;
    case OP_NEW_OBJECT:
    case OP_GET_PROPERTY:
    case OP_SET_PROPERTY:
    case OP_DELETE_PROPERTY:
    case OP_LOAD_FUNCTION:
    case OP_LOAD_PROTOTYPE:
    case OP_SET_PROTOTYPE:
    case OP_GET_INDEX:
    case OP_SET_INDEX:
    case OP_LENGTH: emit_object_instruction(b, ins, depth, pc); break;
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

void baseline_compile(Assembler *a, CodeMarks *marks, const Stubs *stubs, Vm *vm, uint32_t function,
                      bool no_forwarding) {
    const Function *f = &vm->program->functions[function];
    Arena arena = {0};
    Baseline b = {
        .a = a,
        .marks = marks,
        .stubs = stubs,
        .vm = vm,
        .program = vm->program,
        .function = f,
        .no_forwarding = no_forwarding,
        .labels = arena_array(&arena, f->num_instructions, sizeof(Label)),
        .exit = LABEL_INIT,
    };
    b.context = (EmitContext){a, stubs, vm, function, &b.errors, &b.slow};
    for (size_t pc = 0; pc < f->num_instructions; pc++) b.labels[pc] = LABEL_INIT;
    emit_prologue(&b);
    emit_body(&b);
    if (b.slow.count) code_mark(b.marks, b.a, MARK_SLOW_PATHS);
    emit_slow_paths(&b.context);
    code_mark(b.marks, b.a, MARK_ERRORS);
    emit_errors(b.a, &b.errors, b.stubs, function, &b.exit);
    asm_bind(b.a, &b.exit);
    asm_leave(b.a);
    asm_ret(b.a);
    slow_paths_free(&b.slow);
    free(b.errors.items);
    arena_free(&arena);
}
