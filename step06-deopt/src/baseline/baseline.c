// The baseline compiler: a template of machine code for each bytecode instruction.
// Locals and operands are in the slots of the function's frame (deopt/frame.h): where in the frame an operand is
// does not depend on how control came to the instruction.
//
// Invariant: where an instruction begins, its depth[pc] operands are in the slots behind the locals, and rsp is
// where the prologue has put it.
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
    Label count;   // the function's calls have been counted down
    Label few;     // it has been called with fewer arguments than it has parameters
    Label body;    // the parameters are in their slots
    ErrorSites errors;
    SlowPaths slow;
    EmitContext context;
} Baseline;

static Mem local_slot(int64_t local) { return frame_slot_mem((uint32_t)local); }

static Mem operand_slot(const Baseline *b, uint32_t operand) {
    return frame_slot_mem(b->function->num_locals + operand);
}

// Write the lowest byte of what was just stored once more (see baseline_compile).
static void spoil_forwarding(Baseline *b, Mem stored, Reg reg) {
    if (b->no_forwarding) asm_mov8_mr(b->a, stored, reg);
}

// The operand stack. `depth` is the number of operands below the one that is pushed or popped.
static void emit_push(Baseline *b, uint32_t depth, Reg reg) {
    asm_mov_mr(b->a, operand_slot(b, depth), reg);
    spoil_forwarding(b, operand_slot(b, depth), reg);
}

static void emit_pop(Baseline *b, uint32_t depth, Reg reg) { asm_mov_rm(b->a, reg, operand_slot(b, depth)); }

// How many words an instruction needs for the arguments of what it calls.
static uint32_t outgoing_words(const Program *program, Instruction ins) {
    if (ins.opcode == OP_CALL || ins.opcode == OP_CALL_METHOD) return instruction_pops(program, ins);
    if (ins.opcode != OP_CALL_NATIVE) return 0;
    uint32_t n = instruction_pops(program, ins) + 1; // and the Vm
    return n > NUM_ARG_REGS ? n - NUM_ARG_REGS : 0;
}

uint32_t baseline_frame_size(const Program *program, const Function *function) {
    uint32_t outgoing = 0;
    for (uint32_t pc = 0; pc < function->num_instructions; pc++) {
        uint32_t words = outgoing_words(program, function->bytecode[pc]);
        if (words > outgoing) outgoing = words;
    }
    return frame_size(function->num_locals + function->max_depth, outgoing);
}

// Parameters become locals: each is stored in its slot.
static void emit_store_param(Baseline *b, uint32_t i) {
    asm_mov_rm(b->a, R11, frame_argument_mem(i));
    asm_mov_mr(b->a, local_slot(i), R11);
}

static void emit_store_params(Baseline *b) {
    asm_cmp32_ri(b->a, FRAME_COUNT_REG, (int32_t)b->function->num_params);
    asm_jcc(b->a, CC_B, &b->few);
    for (uint32_t i = 0; i < b->function->num_params; i++) emit_store_param(b, i);
    asm_bind(b->a, &b->body);
}

// There are less arguments than parameters: the others are undefined.
static void emit_few_arguments(Baseline *b) {
    asm_bind(b->a, &b->few);
    for (uint32_t i = 0; i < b->function->num_params; i++) asm_mov_mi(b->a, local_slot(i), VALUE_UNDEFINED);
    for (uint32_t i = 0; i < b->function->num_params; i++) {
        asm_cmp32_ri(b->a, FRAME_COUNT_REG, (int32_t)i);
        asm_jcc(b->a, CC_E, &b->body);
        emit_store_param(b, i);
    }
}

static void emit_prologue(Baseline *b) {
    uint32_t size = baseline_frame_size(b->program, b->function);
    code_mark(b->marks, b->a, MARK_PROLOGUE);
    asm_push_r(b->a, RBP);
    asm_mov_rr(b->a, RBP, RSP);
    if (b->vm->optimize) emit_count_call(b->a, &b->count);
    emit_stack_check(b->a, &b->errors, (int32_t)size);
    asm_sub_ri(b->a, RSP, (int32_t)size);
    emit_frame_header(b->a, FRAME_BASELINE, 0);
    if (b->function->num_params) emit_store_params(b);
}

// What the prologue leaves to code that stands behind the function's.
static void emit_rare_beginnings(Baseline *b) {
    if (b->vm->optimize || b->function->num_params) code_mark(b->marks, b->a, MARK_RARE);
    if (b->vm->optimize) emit_counted_down(b->a, b->stubs, &b->count);
    if (b->function->num_params) emit_few_arguments(b);
}

// Before whatever may look at the frame: which instruction is it at?
static void emit_store_pc(Baseline *b, uint32_t pc) { asm_mov32_mi(b->a, frame_mem(FRAME_INFO), (int32_t)pc); }

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

// The arguments are the top `n` operands, the last one on top: a copy of them goes where the callee looks for it.
static void emit_arguments(Baseline *b, uint32_t depth, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        emit_pop(b, depth - n + i, RAX);
        asm_mov_mr(b->a, frame_outgoing_mem(i), RAX);
    }
}

// Call the Callable in RCX with n arguments. NO_VALUE leaves this function, too.
static void emit_call_callable(Baseline *b, uint32_t n, uint32_t pc) {
    emit_store_pc(b, pc);
    asm_mov32_ri(b->a, FRAME_COUNT_REG, (int32_t)n);
    asm_call_m(b->a, mem(FRAME_CALLEE_REG, offsetof(Callable, entry)));
    asm_test_rr(b->a, RAX, RAX);
    asm_jcc(b->a, CC_E, &b->exit);
}

static void emit_call_function(Baseline *b, uint32_t depth, int64_t callee, uint32_t pc) {
    uint32_t n = b->program->functions[callee].num_params;
    emit_arguments(b, depth, n);
    asm_mov_ri(b->a, FRAME_CALLEE_REG, address_of(&b->vm->callables[callee]));
    emit_call_callable(b, n, pc);
    emit_push(b, depth - n, RAX);
}

// The receiver is the first argument.
static void emit_call_method(Baseline *b, uint32_t depth, Instruction ins, uint32_t pc) {
    uint32_t n = ins.num_args + 1;
    emit_arguments(b, depth, n);
    emit_pop(b, depth - n, RDI);
    emit_find_method(&b->context, pc);
    asm_mov_rr(b->a, FRAME_CALLEE_REG, RAX);
    emit_call_callable(b, n, pc);
    emit_push(b, depth - n, RAX);
}

// Call C, with the Vm in RDI and the other arguments in their places. The result is in RAX.
static void emit_call_c(Baseline *b, NativeCode *function, uint32_t pc) {
    emit_store_pc(b, pc);
    emit_store_top_frame(b->a);
    asm_mov_rr(b->a, RDI, FRAME_VM_REG);
    asm_mov_ri(b->a, RAX, (int64_t)(uintptr_t)function);
    asm_call_r(b->a, RAX);
    asm_test_rr(b->a, RAX, RAX);
    emit_error_if(b->a, &b->errors, CC_E, RUN_OK, pc);
}

// By C's convention. The Vm is the first argument of a native.
static void emit_call_native(Baseline *b, uint32_t depth, int64_t callee, uint32_t pc) {
    const Native *native = &b->program->natives[callee];
    uint32_t n = native->num_params;
    for (uint32_t i = NUM_ARG_REGS - 1; i < n; i++) {
        emit_pop(b, depth - n + i, RAX);
        asm_mov_mr(b->a, frame_outgoing_mem(i + 1 - NUM_ARG_REGS), RAX);
    }
    for (uint32_t i = 0; i < n && i + 1 < NUM_ARG_REGS; i++) emit_pop(b, depth - n + i, arg_regs[i + 1]);
    emit_call_c(b, native->code, pc);
    emit_push(b, depth - n, RAX);
}

static void emit_new_array(Baseline *b, uint32_t depth, int64_t length, uint32_t pc) {
    asm_mov_ri(b->a, RSI, length);
    asm_lea_rm(b->a, RDX, operand_slot(b, depth - 1)); // the last element
    emit_call_c(b, (NativeCode *)(uintptr_t)runtime_new_array, pc);
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
        emit_call_c(b, (NativeCode *)(uintptr_t)runtime_new_object, pc);
        break;
    case OP_GET_PROPERTY: emit_get_property(&b->context, pc); break;
    case OP_SET_PROPERTY: emit_set_property(&b->context, pc); break;
    case OP_DELETE_PROPERTY:
        asm_mov_ri(b->a, RDX, ins.operand);
        emit_call_c(b, (NativeCode *)(uintptr_t)runtime_delete_property, pc);
        break;
    case OP_LOAD_FUNCTION: asm_mov_ri(b->a, RAX, address_of(&b->vm->callables[ins.operand])); break;
    case OP_LOAD_PROTOTYPE: asm_mov_ri(b->a, RAX, address_of(b->vm->classes[ins.operand].prototype)); break;
    case OP_SET_PROTOTYPE: emit_call_c(b, (NativeCode *)(uintptr_t)runtime_set_prototype, pc); break;
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
    case OP_CALL: emit_call_function(b, depth, ins.operand, pc); break;
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
        .count = LABEL_INIT,
        .few = LABEL_INIT,
        .body = LABEL_INIT,
    };
    b.context = (EmitContext){a, stubs, vm, function, &b.errors, &b.slow, vm->feedback[function]};
    for (size_t pc = 0; pc < f->num_instructions; pc++) b.labels[pc] = LABEL_INIT;
    emit_prologue(&b);
    emit_body(&b);
    emit_rare_beginnings(&b);
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
