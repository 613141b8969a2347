// From bytecode to LIR, by abstract interpretation of the operand stack.
//
// The translator runs the bytecode once, in order, with an operand stack that holds not values but
// the places where they will be: a virtual register or a constant. So load_local and load_const
// emit nothing, and an addition names its operands directly. Three rules make that correct:
//   - store_local first copies the local to a temp if an operand still stands for its old value;
//   - a block that ends with operands on the stack moves each to the stack register of its depth,
//     and the blocks after it find them there;
//   - registers are only written where the bytecode's own order of effects writes them.
// Invariant: operand k of the abstract stack is what the bytecode's operand k would hold.
#include <stdlib.h>
#include <string.h>

#include "backend/lir.h"
#include "base/fatal.h"

#define NO_ALIAS UINT32_MAX

enum { MAX_WORK = 1 << 26 }; // blocks times operands: each block takes over those on the stack

// What one operand of the bytecode is.
typedef struct Entry {
    bool is_const;
    int64_t imm;         // if is_const
    VReg vreg;           // otherwise
    uint32_t next_alias; // the next deeper operand that stands for the same local, or NO_ALIAS
} Entry;

typedef struct Builder {
    Lir *lir;
    const Function *function;
    Arena arena;
    Entry *stack;
    uint32_t depth;
    uint32_t *aliases;  // for each local: the topmost operand that stands for it, or NO_ALIAS
    uint32_t *block_at; // for each instruction: the block that starts there, or NO_BLOCK
} Builder;

#define NO_BLOCK UINT32_MAX

static VReg local_vreg(int64_t local) { return (VReg)local; }
static VReg stack_vreg(const Builder *b, uint32_t depth) { return b->function->num_locals + depth; }
static VReg new_temp(Builder *b) { return b->lir->num_vregs++; }

static bool is_temp(const Builder *b, VReg vreg) { return vreg >= b->lir->num_globals; }

static LirIns *append(Builder *b, LirOp op, uint32_t pc) {
    Lir *lir = b->lir;
    GROW(lir->ins, lir->num_ins, lir->cap_ins);
    LirIns *ins = &lir->ins[lir->num_ins++];
    *ins = (LirIns){.op = op, .d = NO_VREG, .a = NO_VREG, .b = {.vreg = NO_VREG}, .pc = pc};
    ins->first_move = (uint32_t)lir->num_moves;
    return ins;
}

// Add a move to the newest instruction.
static void append_move(Builder *b, LirMove move) {
    Lir *lir = b->lir;
    GROW(lir->moves, lir->num_moves, lir->cap_moves);
    lir->moves[lir->num_moves++] = move;
    lir->ins[lir->num_ins - 1].num_moves++;
}

static void emit_move(Builder *b, VReg d, VReg s, uint32_t pc) {
    append(b, LIR_MOVES, pc);
    append_move(b, (LirMove){.d = d, .s = s});
}

// Move an operand of the bytecode, whatever it is.
static void append_entry_move(Builder *b, VReg d, Entry entry) {
    if (entry.is_const) append_move(b, (LirMove){.d = d, .s = NO_VREG, .imm = entry.imm});
    else append_move(b, (LirMove){.d = d, .s = entry.vreg});
}

// The operand stack.

static void push_vreg(Builder *b, VReg vreg) {
    uint32_t next = NO_ALIAS;
    if (vreg < b->function->num_locals) {
        next = b->aliases[vreg];
        b->aliases[vreg] = b->depth;
    }
    b->stack[b->depth++] = (Entry){.vreg = vreg, .next_alias = next};
}

static void push_const(Builder *b, int64_t imm) { b->stack[b->depth++] = (Entry){.is_const = true, .imm = imm}; }

static void push_entry(Builder *b, Entry entry) {
    if (entry.is_const) push_const(b, entry.imm);
    else push_vreg(b, entry.vreg);
}

static Entry pop(Builder *b) {
    Entry entry = b->stack[--b->depth];
    if (!entry.is_const && entry.vreg < b->function->num_locals) b->aliases[entry.vreg] = entry.next_alias;
    return entry;
}

// The operand in a register, whatever it is.
static VReg to_vreg(Builder *b, Entry entry, uint32_t pc) {
    if (!entry.is_const) return entry.vreg;
    VReg temp = new_temp(b);
    LirIns *ins = append(b, LIR_CONST, pc);
    ins->d = temp;
    ins->imm = entry.imm;
    return temp;
}

// The operand as the second operand of an instruction.
static LirOperand to_operand(Builder *b, Entry entry, uint32_t pc) {
    if (entry.is_const) return (LirOperand){NO_VREG, entry.imm};
    return (LirOperand){to_vreg(b, entry, pc), 0};
}

// The local is about to be written: operands that stand for its old value get a copy of it.
static void save_aliases(Builder *b, VReg local, uint32_t pc) {
    if (b->aliases[local] == NO_ALIAS) return;
    VReg temp = new_temp(b);
    emit_move(b, temp, local, pc);
    for (uint32_t at = b->aliases[local]; at != NO_ALIAS; at = b->stack[at].next_alias) b->stack[at].vreg = temp;
    b->aliases[local] = NO_ALIAS;
}

// Instructions.

static void build_binary(Builder *b, LirOp op, uint32_t pc) {
    Entry right = pop(b), left = pop(b);
    VReg a = to_vreg(b, left, pc);
    LirOperand operand = to_operand(b, right, pc);
    VReg d = new_temp(b);
    LirIns *ins = append(b, op, pc);
    ins->a = a;
    ins->b = operand;
    ins->d = d;
    push_vreg(b, d);
}

// Pop two operands into an instruction that compares them.
static LirIns *build_condition(Builder *b, LirOp op, Cond cc, uint32_t pc) {
    Entry right = pop(b), left = pop(b);
    VReg a = to_vreg(b, left, pc);
    LirOperand operand = to_operand(b, right, pc);
    LirIns *ins = append(b, op, pc);
    ins->cc = cc;
    ins->a = a;
    ins->b = operand;
    return ins;
}

static void build_compare(Builder *b, Cond cc, uint32_t pc) {
    LirIns *ins = build_condition(b, LIR_COMPARE, cc, pc);
    ins->d = new_temp(b);
    push_vreg(b, b->lir->ins[b->lir->num_ins - 1].d);
}

// A block is about to end: every operand moves to the stack register of its depth.
static void flush_stack(Builder *b, uint32_t pc) {
    uint32_t moves = 0;
    for (uint32_t k = 0; k < b->depth; k++) {
        if (!b->stack[k].is_const && b->stack[k].vreg == stack_vreg(b, k)) continue;
        if (moves++ == 0) append(b, LIR_MOVES, pc);
        append_entry_move(b, stack_vreg(b, k), b->stack[k]);
    }
    while (b->depth > 0) pop(b);
}

static uint32_t target_block(const Builder *b, int64_t pc) { return b->block_at[pc]; }

static void build_jump(Builder *b, int64_t target, uint32_t pc) {
    flush_stack(b, pc);
    append(b, LIR_JUMP, pc)->target = target_block(b, target);
}

// Jump if the operand is falsy.
static void build_jump_if_false(Builder *b, int64_t target, uint32_t pc) {
    VReg a = to_vreg(b, pop(b), pc);
    flush_stack(b, pc);
    LirIns *ins = append(b, LIR_BRANCH_FALSE, pc);
    ins->a = a;
    ins->target = target_block(b, target);
}

// A comparison whose result only the jump_if_false behind it looks at becomes one instruction.
static void build_compare_and_branch(Builder *b, Cond cc, uint32_t pc) {
    LirIns condition = *build_condition(b, LIR_BRANCH, cc, pc);
    b->lir->num_ins--;
    flush_stack(b, pc);
    LirIns *ins = append(b, LIR_BRANCH, pc);
    ins->cc = cond_negate(condition.cc);
    ins->a = condition.a;
    ins->b = condition.b;
    ins->target = target_block(b, b->function->bytecode[pc + 1].operand);
}

// Is the operand on top of the stack the same temp? A dup leaves it there.
static bool is_on_top(const Builder *b, VReg temp) {
    return b->depth > 0 && !b->stack[b->depth - 1].is_const && b->stack[b->depth - 1].vreg == temp;
}

// If the operand was just computed into a temp, it can be computed into the local instead.
static bool retarget(Builder *b, Entry entry, VReg local) {
    if (entry.is_const || !is_temp(b, entry.vreg) || is_on_top(b, entry.vreg)) return false;
    LirIns *last = &b->lir->ins[b->lir->num_ins - 1];
    if (last->d != entry.vreg || b->aliases[local] != NO_ALIAS) return false;
    last->d = local;
    return true;
}

static void build_store_local(Builder *b, VReg local, uint32_t pc) {
    Entry entry = pop(b);
    if (retarget(b, entry, local)) return;
    if (!entry.is_const && entry.vreg == local) return; // x = x
    save_aliases(b, local, pc);
    if (entry.is_const) {
        LirIns *ins = append(b, LIR_CONST, pc);
        ins->d = local;
        ins->imm = entry.imm;
    } else {
        emit_move(b, local, entry.vreg, pc);
    }
}

static void build_call(Builder *b, LirOp op, uint32_t pc) {
    Instruction bytecode = b->function->bytecode[pc];
    uint32_t n = instruction_pops(b->lir->program, bytecode);
    uint32_t first = b->depth - n;
    append(b, op, pc)->target = (uint32_t)bytecode.operand;
    for (uint32_t k = first; k < b->depth; k++) append_entry_move(b, NO_VREG, b->stack[k]);
    while (b->depth > first) pop(b);
    if (opcode_info[bytecode.opcode].pushes == 0) return;
    VReg d = new_temp(b);
    b->lir->ins[b->lir->num_ins - 1].d = d;
    push_vreg(b, d);
}

// A call whose subject is a name.
static void build_named_call(Builder *b, LirOp op, uint32_t pc) {
    build_call(b, op, pc);
    b->lir->ins[b->lir->num_ins - 1].imm = b->function->bytecode[pc].operand;
}

// An instruction without operands on the stack, whose result is pushed.
static void build_load(Builder *b, LirOp op, uint32_t pc) {
    LirIns *ins = append(b, op, pc);
    ins->target = (uint32_t)b->function->bytecode[pc].operand;
    ins->d = new_temp(b);
    push_vreg(b, b->lir->ins[b->lir->num_ins - 1].d);
}

// The array is made first, and then its elements are set one by one.
static void build_new_array(Builder *b, uint32_t pc) {
    uint32_t length = (uint32_t)b->function->bytecode[pc].operand, first = b->depth - length;
    VReg array = new_temp(b);
    LirIns *ins = append(b, LIR_NEW_ARRAY, pc);
    ins->imm = length;
    ins->d = array;
    for (uint32_t i = 0; i < length; i++) {
        append(b, LIR_SET_INDEX, pc);
        append_move(b, (LirMove){.d = NO_VREG, .s = array});
        append_move(b, (LirMove){.d = NO_VREG, .s = NO_VREG, .imm = (int64_t)value_from_int((int32_t)i)});
        append_entry_move(b, NO_VREG, b->stack[first + i]);
    }
    while (b->depth > first) pop(b);
    push_vreg(b, array);
}

// Translate one instruction. Returns how many were consumed: a fused pair counts two.
static uint32_t build_instruction(Builder *b, uint32_t pc) {
    Instruction ins = b->function->bytecode[pc];
    switch (ins.opcode) {
    case OP_LOAD_CONST: push_const(b, ins.operand); return 1;
    case OP_LOAD_LOCAL: push_vreg(b, local_vreg(ins.operand)); return 1;
    case OP_STORE_LOCAL: build_store_local(b, local_vreg(ins.operand), pc); return 1;
    case OP_ADD: build_binary(b, LIR_ADD, pc); return 1;
    case OP_SUB: build_binary(b, LIR_SUB, pc); return 1;
    case OP_MUL: build_binary(b, LIR_MUL, pc); return 1;
    case OP_DIV: build_binary(b, LIR_DIV, pc); return 1;
    case OP_JUMP: build_jump(b, ins.operand, pc); return 1;
    case OP_JUMP_IF_FALSE: build_jump_if_false(b, ins.operand, pc); return 1;
    case OP_CALL: build_call(b, LIR_CALL, pc); return 1;
    case OP_RETURN: {
        VReg a = to_vreg(b, pop(b), pc);
        append(b, LIR_RETURN, pc)->a = a;
        return 1;
    }
    case OP_EQUAL:
    case OP_LESS_THAN:
    case OP_GREATER_THAN: {
        Cond cc = ins.opcode == OP_EQUAL ? CC_E : ins.opcode == OP_LESS_THAN ? CC_L : CC_G;
        bool fuses = b->function->bytecode[pc + 1].opcode == OP_JUMP_IF_FALSE && b->block_at[pc + 1] == NO_BLOCK;
        if (fuses) build_compare_and_branch(b, cc, pc);
        else build_compare(b, cc, pc);
        return fuses ? 2 : 1;
    }
    case OP_CALL_NATIVE: build_call(b, LIR_CALL_NATIVE, pc); return 1;
    case OP_MOD: build_binary(b, LIR_REM, pc); return 1;
    case OP_POP: pop(b); return 1;
    case OP_DUP: {
        Entry top = pop(b);
        for (int i = 0; i < 2; i++) push_entry(b, top);
        return 1;
    }
    case OP_NEW_OBJECT: build_call(b, LIR_NEW_OBJECT, pc); return 1;
    case OP_GET_PROPERTY: build_named_call(b, LIR_GET_PROPERTY, pc); return 1;
    case OP_SET_PROPERTY: build_named_call(b, LIR_SET_PROPERTY, pc); return 1;
    case OP_DELETE_PROPERTY: build_named_call(b, LIR_DELETE_PROPERTY, pc); return 1;
    case OP_CALL_METHOD: build_named_call(b, LIR_CALL_METHOD, pc); return 1;
    case OP_LOAD_FUNCTION: build_load(b, LIR_FUNCTION, pc); return 1;
    case OP_LOAD_PROTOTYPE: build_load(b, LIR_PROTOTYPE, pc); return 1;
    case OP_SET_PROTOTYPE: build_call(b, LIR_SET_PROTOTYPE, pc); return 1;
    case OP_NEW_ARRAY: build_new_array(b, pc); return 1;
    case OP_GET_INDEX: build_call(b, LIR_GET_INDEX, pc); return 1;
    case OP_SET_INDEX: build_call(b, LIR_SET_INDEX, pc); return 1;
    case OP_LENGTH: build_call(b, LIR_LENGTH, pc); return 1;
    case NUM_OPCODES: break;
    }
    fatal("opcode out of range at %u", pc);
}

// Blocks.

static void add_block(Builder *b, uint32_t pc) {
    if (b->block_at[pc] != NO_BLOCK || b->function->depth[pc] < 0) return;
    b->block_at[pc] = 0; // numbered below
}

// A block starts at the entry, at every target of a jump and behind every jump.
// The entry gets a block of its own, so that no jump leads to it.
// Returns how many there are.
static uint32_t find_blocks(Builder *b) {
    const Function *f = b->function;
    for (size_t pc = 0; pc < f->num_instructions; pc++) b->block_at[pc] = NO_BLOCK;
    add_block(b, 0);
    for (uint32_t pc = 0; pc < f->num_instructions; pc++) {
        Instruction ins = f->bytecode[pc];
        if (f->depth[pc] < 0 || opcode_info[ins.opcode].operand != OPERAND_TARGET) continue;
        add_block(b, (uint32_t)ins.operand);
        if (pc + 1 < f->num_instructions) add_block(b, pc + 1);
    }
    uint32_t next = 1;
    for (size_t pc = 0; pc < f->num_instructions; pc++)
        if (b->block_at[pc] != NO_BLOCK) b->block_at[pc] = next++;
    return next;
}

static void begin_block(Builder *b) {
    Lir *lir = b->lir;
    GROW(lir->blocks, lir->num_blocks, lir->cap_blocks);
    lir->blocks[lir->num_blocks++] = (LirBlock){.start = (uint32_t)lir->num_ins};
}

static bool ends_block(const LirIns *ins) {
    return ins->op == LIR_JUMP || is_branch(ins) || ins->op == LIR_RETURN;
}

static void end_block(Builder *b) {
    Lir *lir = b->lir;
    LirBlock *block = &lir->blocks[lir->num_blocks - 1];
    block->end = (uint32_t)lir->num_ins;
    const LirIns *last = block->end > block->start ? &lir->ins[block->end - 1] : NULL;
    bool falls = !last || (last->op != LIR_JUMP && last->op != LIR_RETURN);
    if (falls) block->successors[block->num_successors++] = (uint32_t)lir->num_blocks;
    if (last && (last->op == LIR_JUMP || is_branch(last)))
        block->successors[block->num_successors++] = last->target;
}

static void build_entry(Builder *b) {
    begin_block(b);
    append(b, LIR_PARAMS, 0);
    for (uint32_t i = 0; i < b->function->num_params; i++) append_move(b, (LirMove){.d = local_vreg(i), .s = NO_VREG});
    end_block(b);
}

// Translate the block that starts at `pc`. Returns where the next one may start.
static uint32_t build_block(Builder *b, uint32_t pc) {
    const Function *f = b->function;
    begin_block(b);
    for (uint32_t k = 0; k < (uint32_t)f->depth[pc]; k++) push_vreg(b, stack_vreg(b, k));
    size_t start = b->lir->num_ins;
    bool ended = false;
    do {
        uint32_t count = build_instruction(b, pc);
        ended = b->lir->num_ins > start && ends_block(&b->lir->ins[b->lir->num_ins - 1]);
        pc += count;
    } while (!ended && b->block_at[pc] == NO_BLOCK);
    if (!ended) flush_stack(b, pc - 1);
    while (b->depth > 0) pop(b); // a return may leave operands behind
    end_block(b);
    return pc;
}

static void build_blocks(Builder *b) {
    build_entry(b);
    for (uint32_t pc = 0; pc < b->function->num_instructions;)
        pc = b->block_at[pc] == NO_BLOCK ? pc + 1 : build_block(b, pc);
}

// Each jump backwards makes a loop of the blocks that it spans.
static void find_loop_depths(Lir *lir) {
    int64_t *change = xcalloc(lir->num_blocks + 1, sizeof *change);
    for (uint32_t i = 0; i < lir->num_blocks; i++) {
        for (uint32_t s = 0; s < lir->blocks[i].num_successors; s++) {
            uint32_t target = lir->blocks[i].successors[s];
            if (target > i) continue;
            change[target]++;
            change[i + 1]--;
        }
    }
    int64_t depth = 0;
    for (size_t i = 0; i < lir->num_blocks; i++) lir->blocks[i].loop_depth = (uint32_t)(depth += change[i]);
    free(change);
}

// Every local costs a little, used or not. More of them than this beyond the number of instructions is no
// program that anybody wants faster.
enum { MAX_IDLE_LOCALS = 1024 };

bool lir_build(Lir *lir, const Program *program, uint32_t function) {
    const Function *f = &program->functions[function];
    *lir = (Lir){.program = program, .function = f};
    if (f->num_locals - f->num_params > f->num_instructions + MAX_IDLE_LOCALS) return false;
    lir->num_globals = lir->num_vregs = f->num_locals + f->max_depth;
    Builder b = {.lir = lir, .function = f};
    b.stack = arena_array(&b.arena, f->max_depth, sizeof *b.stack);
    b.aliases = arena_array(&b.arena, f->num_locals, sizeof *b.aliases);
    b.block_at = arena_array(&b.arena, f->num_instructions, sizeof *b.block_at);
    for (uint32_t i = 0; i < f->num_locals; i++) b.aliases[i] = NO_ALIAS;
    bool ok = (uint64_t)find_blocks(&b) * f->max_depth <= MAX_WORK;
    if (ok) {
        build_blocks(&b);
        find_loop_depths(lir);
    }
    arena_free(&b.arena);
    return ok;
}

void lir_free(Lir *lir) {
    free(lir->ins);
    free(lir->moves);
    free(lir->blocks);
    *lir = (Lir){0};
}
