// From bytecode to IR.
//
// Locals and the places of the operand stack are variables alike: local i is variable i, the operand at
// depth k is variable num_locals + k. So operands that lie on the stack where control flow joins get phis as
// locals do.
//   1. find the blocks, and the edges between them;
//   2. find what each block writes: the locals it stores, the operands it leaves on the stack;
//   3. translate block by block, dominators first. Inside a block variables are just remembered; what is not
//      known there, variables.h finds.
// Bytecode that cannot be reached has no depth, and is not translated.
//
// With speculation, an instruction may be built with a bet (speculate.h). A frame state has what every variable
// holds at that point, and undefined for locals that are not read any more. The states of a large function
// might be far larger than the function: if there is no room left, the rest gets no bets.
#include <stdlib.h>

#include "base/fatal.h"
#include "ir/live_locals.h"
#include "ir/speculate.h"
#include "ir/variables.h"

typedef struct Builder {
    Ir *ir;
    const Program *program;
    const Function *function;
    Arena arena;
    Variables variables;
    uint32_t *block_at; // for each instruction: the block that starts there, or NO_BLOCK
    uint32_t *end;      // for each block: the instruction behind its last one
    Ref *value;         // for each variable: what it holds now,
    uint32_t *known_in; // if this is the current block
    uint32_t *stored_in; // for each local: the last block that stored it
    uint32_t *stored;   // the locals that the current block has stored
    uint32_t num_stored;
    uint32_t block;     // the current one
    uint32_t depth;     // operands on the stack
    uint32_t lowest;    // the smallest depth so far in this block: operands above it are the block's own
    const Speculation *speculation; // NULL: no bets (any more)
    LiveLocals live;
    Ref undefined;      // the constant
    int64_t state_room; // for operands of states
} Builder;

enum {
    READS_PER_INSTRUCTION = 32, // more than this on average, and more than
    FREE_READS = 1 << 20,       // this altogether: the function is not built
    STATE_ROOM_PER_INSTRUCTION = 16, // operands of states
    FREE_STATE_ROOM = 1 << 20,
};

// IrOps of the opcodes that pop operands, compute, and push the result if there is one.
static const uint8_t op_of[NUM_OPCODES] = {
    [OP_LOAD_CONST] = IR_CONST,
    [OP_ADD] = IR_ADD,
    [OP_SUB] = IR_SUB,
    [OP_MUL] = IR_MUL,
    [OP_DIV] = IR_DIV,
    [OP_MOD] = IR_MOD,
    [OP_EQUAL] = IR_EQUAL,
    [OP_LESS_THAN] = IR_LESS_THAN,
    [OP_GREATER_THAN] = IR_GREATER_THAN,
    [OP_CALL] = IR_CALL,
    [OP_CALL_NATIVE] = IR_CALL_NATIVE,
    [OP_NEW_OBJECT] = IR_NEW_OBJECT,
    [OP_GET_PROPERTY] = IR_GET_PROPERTY,
    [OP_SET_PROPERTY] = IR_SET_PROPERTY,
    [OP_DELETE_PROPERTY] = IR_DELETE_PROPERTY,
    [OP_CALL_METHOD] = IR_CALL_METHOD,
    [OP_LOAD_FUNCTION] = IR_LOAD_FUNCTION,
    [OP_LOAD_PROTOTYPE] = IR_LOAD_PROTOTYPE,
    [OP_SET_PROTOTYPE] = IR_SET_PROTOTYPE,
    [OP_NEW_ARRAY] = IR_NEW_ARRAY,
    [OP_GET_INDEX] = IR_GET_INDEX,
    [OP_SET_INDEX] = IR_SET_INDEX,
    [OP_LENGTH] = IR_LENGTH,
    [OP_RETURN] = IR_RETURN,
};

static uint32_t stack_variable(const Builder *b, uint32_t depth) { return b->function->num_locals + depth; }

// 1. Blocks.

static bool is_reachable(const Builder *b, size_t pc) { return b->function->depth[pc] >= 0; }

static void start_block_at(Builder *b, int64_t pc) {
    if (b->block_at[pc] == NO_BLOCK) b->block_at[pc] = 0; // numbered in number_blocks
}

static void find_leaders(Builder *b) {
    const Function *f = b->function;
    for (size_t pc = 0; pc < f->num_instructions; pc++) b->block_at[pc] = NO_BLOCK;
    start_block_at(b, 0);
    for (size_t pc = 0; pc < f->num_instructions; pc++) {
        Instruction ins = f->bytecode[pc];
        if (!is_reachable(b, pc) || opcode_info[ins.opcode].operand != OPERAND_TARGET) continue;
        start_block_at(b, ins.operand);
        if (ins.opcode == OP_JUMP_IF_FALSE) start_block_at(b, (int64_t)pc + 1);
    }
}

static void number_blocks(Builder *b) {
    for (uint32_t pc = 0; pc < b->function->num_instructions; pc++)
        if (b->block_at[pc] != NO_BLOCK) b->block_at[pc] = ir_new_block(b->ir, pc);
}

static void find_end(Builder *b, uint32_t block) {
    const Function *f = b->function;
    uint32_t pc = b->ir->blocks[block].pc;
    for (;; pc++) {
        Opcode opcode = f->bytecode[pc].opcode;
        bool ends = opcode == OP_RETURN || opcode_info[opcode].operand == OPERAND_TARGET;
        if (ends || b->block_at[pc + 1] != NO_BLOCK) break;
    }
    b->end[block] = pc + 1;
}

static void add_edges(Builder *b, uint32_t block) {
    Instruction last = b->function->bytecode[b->end[block] - 1];
    if (last.opcode == OP_RETURN) return;
    uint32_t next = last.opcode == OP_JUMP ? NO_BLOCK : b->block_at[b->end[block]];
    bool jumps = opcode_info[last.opcode].operand == OPERAND_TARGET;
    if (next != NO_BLOCK) ir_add_edge(b->ir, block, next);
    if (jumps && b->block_at[last.operand] != next) ir_add_edge(b->ir, block, b->block_at[last.operand]);
}

// Block 0 has the params; the bytecode begins in block 1, which may be a loop's header.
static void build_blocks(Builder *b) {
    b->block_at = arena_array(&b->arena, b->function->num_instructions, sizeof *b->block_at);
    find_leaders(b);
    number_blocks(b);
    b->end = arena_array(&b->arena, b->ir->num_blocks, sizeof *b->end);
    ir_add_edge(b->ir, 0, 1);
    for (uint32_t block = 1; block < b->ir->num_blocks; block++) {
        find_end(b, block);
        add_edges(b, block);
    }
}

// 2. Writes.

static void enter_block(Builder *b, uint32_t block) {
    b->block = block;
    b->depth = b->lowest = (uint32_t)b->function->depth[b->ir->blocks[block].pc];
    b->num_stored = 0;
}

static void drop_operands(Builder *b, uint32_t count) {
    b->depth -= count;
    if (b->depth < b->lowest) b->lowest = b->depth;
}

static void note_store(Builder *b, uint32_t local) {
    if (b->stored_in[local] == b->block) return;
    b->stored_in[local] = b->block;
    b->stored[b->num_stored++] = local;
}

static void note_writes(Builder *b, uint32_t block) {
    enter_block(b, block);
    for (uint32_t pc = b->ir->blocks[block].pc; pc < b->end[block]; pc++) {
        Instruction ins = b->function->bytecode[pc];
        if (ins.opcode == OP_STORE_LOCAL) note_store(b, (uint32_t)ins.operand);
        drop_operands(b, instruction_pops(b->program, ins));
        b->depth += (uint32_t)opcode_info[ins.opcode].pushes;
    }
    for (uint32_t i = 0; i < b->num_stored; i++) variables_note(&b->variables, b->stored[i], block);
    for (uint32_t k = b->lowest; k < b->depth; k++) variables_note(&b->variables, stack_variable(b, k), block);
}

static void prepare_variables(Builder *b) {
    const Function *f = b->function;
    uint32_t count = f->num_locals + f->max_depth;
    b->value = arena_array(&b->arena, count, sizeof *b->value);
    b->known_in = arena_array(&b->arena, count, sizeof *b->known_in);
    b->stored_in = arena_array(&b->arena, f->num_locals, sizeof *b->stored_in);
    b->stored = arena_array(&b->arena, f->num_locals, sizeof *b->stored);
    ir_loops(b->ir);
    int64_t budget = FREE_READS + READS_PER_INSTRUCTION * (int64_t)f->num_instructions;
    variables_init(&b->variables, b->ir, count, budget);
    for (uint32_t i = 0; i < f->num_params; i++) variables_note(&b->variables, i, 0);
    for (size_t i = 1; i < b->ir->num_rpo; i++) note_writes(b, b->ir->order[i]);
    variables_ready(&b->variables);
    for (uint32_t i = 0; i < f->num_locals; i++) b->stored_in[i] = 0; // the entry stores none
}

// 3. Translation. Block 0 is no block of the bytecode, so known_in and stored_in start as "in none".

static void set_variable(Builder *b, uint32_t variable, Ref value) {
    b->value[variable] = value;
    b->known_in[variable] = b->block;
}

static Ref get_variable(Builder *b, uint32_t variable) {
    if (b->known_in[variable] != b->block)
        set_variable(b, variable, variables_read(&b->variables, variable, b->block));
    return b->value[variable];
}

static void push(Builder *b, Ref value) { set_variable(b, stack_variable(b, b->depth++), value); }

static Ref pop(Builder *b) {
    drop_operands(b, 1);
    return get_variable(b, stack_variable(b, b->depth));
}

static void set_meaning(Builder *b, Ref ref, Instruction bytecode, uint32_t pc) {
    IrIns *ins = &b->ir->ins[ref];
    switch (ir_info(b->ir, ref)->operand) {
    case IR_PLAIN:
    case IR_PARAM_INDEX:
    case IR_FIELD:
    case IR_SHAPE:
    case IR_RESUME_POINT: break;
    case IR_VALUE:
        ins->imm = bytecode.operand;
        ins->type = ir_value_type((Value)bytecode.operand);
        break;
    case IR_FUNCTION_INDEX:
    case IR_NATIVE_INDEX:
    case IR_CLASS_INDEX: ins->aux = (uint32_t)bytecode.operand; break;
    case IR_PROPERTY:
        ins->imm = bytecode.operand;
        ins->aux = b->function->site[pc];
        break;
    }
}

// A frame state with the locals and the operands that are on the stack now. NO_REF: there is no room.
static Ref new_state(Builder *b, uint32_t pc, uint32_t resume) {
    uint32_t num_locals = b->function->num_locals, count = num_locals + b->depth;
    if (b->state_room < 0) return NO_REF;
    Ref state = ir_new(b->ir, IR_STATE, count, pc);
    b->ir->ins[state].aux = resume;
    b->state_room -= count;
    for (uint32_t i = 0; i < count; i++) {
        bool is_live = i >= num_locals || live_locals_has(&b->live, i);
        Ref value = is_live ? get_variable(b, i) : b->undefined;
        ir_set_arg(b->ir, state, i, value);
    }
    ir_append(b->ir, b->block, state);
    return state;
}

static bool has_state_room(const Builder *b) { return b->speculation && b->state_room >= 0; }

static bool needs_state_behind(const Builder *b, Ref ref) {
    return b->ir->depends_on_prototypes && ir_is_call(b->ir, ref);
}

static void translate_operation(Builder *b, Instruction bytecode, uint32_t pc) {
    uint32_t count = instruction_pops(b->program, bytecode);
    Ref ref = ir_new(b->ir, (IrOp)op_of[bytecode.opcode], count, pc);
    set_meaning(b, ref, bytecode, pc);
    for (uint32_t i = count; i-- > 0;) {
        Ref operand = pop(b);
        ir_set_arg(b->ir, ref, i, operand);
    }
    if (b->speculation) b->ir->ins[ref].type = ir_type_of(b->ir, ref);
    Ref state = needs_state_behind(b, ref) ? new_state(b, pc, RESUME_BEHIND) : NO_REF;
    b->ir->ins[ref].state = state;
    ir_append(b->ir, b->block, ref);
    if (opcode_info[bytecode.opcode].pushes) push(b, ref);
}

// Build the instruction with a bet. Returns false, with nothing done, if there is none.
static bool translate_bet(Builder *b, Instruction bytecode, uint32_t pc) {
    Ref operands[MAX_ARGUMENTS + 1];
    uint32_t count = instruction_pops(b->program, bytecode);
    if (!has_state_room(b) || count > MAX_ARGUMENTS + 1) return false;
    for (uint32_t i = 0; i < count; i++) operands[i] = get_variable(b, stack_variable(b, b->depth - count + i));
    Bet bet = speculate(b->ir, b->speculation, pc, operands);
    if (bet.kind == BET_NOTHING) return false;
    BetPlace place = {.ir = b->ir, .block = b->block, .pc = pc, .operands = operands, .num_operands = count};
    place.state = new_state(b, pc, RESUME_AT);
    drop_operands(b, count);
    if (bet.kind == BET_METHOD) place.state_behind = new_state(b, pc, RESUME_BEHIND);
    Ref result = speculate_build(&place, &bet);
    if (result) push(b, result);
    return true;
}

// If both ways lead to the same block, it does not matter what the operand is.
static void translate_branch(Builder *b, uint32_t pc) {
    if (b->ir->blocks[b->block].num_succ == 1) {
        drop_operands(b, 1);
        ir_append(b->ir, b->block, ir_new(b->ir, IR_JUMP, 0, pc));
        return;
    }
    Ref condition = pop(b);
    ir_append(b->ir, b->block, ir_new1(b->ir, IR_BRANCH, condition, pc));
}

static void translate_store(Builder *b, uint32_t local) {
    note_store(b, local);
    set_variable(b, local, pop(b));
}

static void translate_dup(Builder *b) {
    Ref value = pop(b);
    push(b, value);
    push(b, value);
}

static void translate(Builder *b, uint32_t pc) {
    Instruction ins = b->function->bytecode[pc];
    switch (ins.opcode) {
    case OP_LOAD_LOCAL: push(b, get_variable(b, (uint32_t)ins.operand)); break;
    case OP_STORE_LOCAL: translate_store(b, (uint32_t)ins.operand); break;
    case OP_POP: drop_operands(b, 1); break;
    case OP_DUP: translate_dup(b); break;
    case OP_JUMP: ir_append(b->ir, b->block, ir_new(b->ir, IR_JUMP, 0, pc)); break;
    case OP_JUMP_IF_FALSE: translate_branch(b, pc); break;
    default:
        if (!translate_bet(b, ins, pc)) translate_operation(b, ins, pc);
        break;
    }
    if (b->speculation) live_locals_pass(&b->live, pc);
}

// A guard that is moved out of a loop needs a state where the loop begins: at its header, or behind that if the
// header's test is copied in front of the loop (invert.c).
static bool begins_loop(const Builder *b, uint32_t block) {
    const Ir *ir = b->ir;
    uint32_t loop = ir->blocks[block].loop;
    if (loop == NO_LOOP) return false;
    uint32_t header = ir->loops[loop].header;
    bool is_behind = false;
    for (uint32_t s = 0; s < ir->blocks[header].num_succ; s++) is_behind |= ir->blocks[header].succ[s] == block;
    return header == block || is_behind;
}

static void start_block(Builder *b, uint32_t block) {
    enter_block(b, block);
    if (!b->speculation) return;
    live_locals_enter(&b->live, block);
    if (has_state_room(b) && begins_loop(b, block)) new_state(b, b->ir->blocks[block].pc, RESUME_AT);
}

static bool has_terminator(const Builder *b) {
    Ref last = b->ir->blocks[b->block].last;
    return last != NO_REF && ir_is_terminator(b->ir, last);
}

static void translate_block(Builder *b, uint32_t block) {
    start_block(b, block);
    for (uint32_t pc = b->ir->blocks[block].pc; pc < b->end[block]; pc++) translate(b, pc);
    if (!has_terminator(b)) ir_append(b->ir, block, ir_new(b->ir, IR_JUMP, 0, b->end[block] - 1));
    for (uint32_t i = 0; i < b->num_stored; i++)
        variables_write(&b->variables, b->stored[i], block, b->value[b->stored[i]]);
    for (uint32_t k = b->lowest; k < b->depth; k++)
        variables_write(&b->variables, stack_variable(b, k), block, b->value[stack_variable(b, k)]);
    variables_filled(&b->variables, block);
}

static void translate_entry(Builder *b) {
    for (uint32_t i = 0; i < b->function->num_params; i++) {
        Ref param = ir_new(b->ir, IR_PARAM, 0, 0);
        b->ir->ins[param].aux = i;
        ir_append(b->ir, 0, param);
        variables_write(&b->variables, i, 0, param);
    }
    if (b->speculation) {
        b->undefined = ir_new_const(b->ir, VALUE_UNDEFINED, 0);
        ir_append(b->ir, 0, b->undefined);
    }
    ir_append(b->ir, 0, ir_new(b->ir, IR_JUMP, 0, 0));
    variables_filled(&b->variables, 0);
}

static void prepare_speculation(Builder *b, const Speculation *speculation) {
    if (!speculation || !live_locals_find(&b->live, b->ir, b->end, &b->arena)) return;
    b->speculation = speculation;
    b->state_room = FREE_STATE_ROOM + STATE_ROOM_PER_INSTRUCTION * (int64_t)b->function->num_instructions;
    b->ir->depends_on_prototypes = speculate_on_methods(b->ir, speculation);
}

// Calls have states, too, if there are bets on methods. Those cannot be left out when there is no room.
static bool gave_up(const Builder *b) {
    return b->variables.gave_up || (b->ir->depends_on_prototypes && b->state_room < 0);
}

static bool build(Ir *ir, Program *program, uint32_t function_index, const Speculation *speculation) {
    ir_init(ir, program, function_index);
    Builder b = {.ir = ir, .program = program, .function = &program->functions[function_index]};
    build_blocks(&b);
    prepare_variables(&b);
    prepare_speculation(&b, speculation);
    translate_entry(&b);
    for (size_t i = 1; i < ir->num_rpo && !gave_up(&b); i++) translate_block(&b, ir->order[i]);
    bool ok = !gave_up(&b);
    variables_finish(&b.variables);
    arena_free(&b.arena);
    if (ok) ir_apply_replacements(ir);
    else ir_free(ir);
    return ok;
}

bool ir_build(Ir *ir, Program *program, uint32_t function_index) {
    return build(ir, program, function_index, NULL);
}

bool ir_build_speculating(Ir *ir, Program *program, uint32_t function_index, const Speculation *speculation) {
    if (speculation && build(ir, program, function_index, speculation)) return true;
    return build(ir, program, function_index, NULL);
}
