// Editing the IR: instructions in lists, operands in one array, edges known at both ends.
// Invariant: the operands of an instruction have room for their number rounded up to a power of two, so
// that adding one moves them only when that number is a power of two already.
// Invariant: blocks[b].preds[blocks[p].pred_at[s]] == p where b = blocks[p].succ[s].
#include "ir/ir.h"

#include <stdlib.h>

#include "base/fatal.h"

const IrOpInfo ir_op_info[NUM_IR_OPS] = {
#define INFO_ROW(name, mnemonic, args, operand, flags, reads, writes, type, meaning) \
    [IR_##name] = {mnemonic, args, operand, flags, reads, writes, type, meaning},
    IR_OPS(INFO_ROW)
#undef INFO_ROW
};

void ir_init(Ir *ir, Program *program, uint32_t function_index) {
    *ir = (Ir){.program = program, .function_index = function_index};
    GROW(ir->ins, ir->num_ins, ir->cap_ins);
    ir->ins[ir->num_ins++] = (IrIns){.op = IR_NOP, .block = NO_BLOCK, .pc = NO_PC}; // NO_REF
    ir_new_block(ir, NO_PC);
}

void ir_free(Ir *ir) {
    for (size_t b = 0; b < ir->num_blocks; b++) free(ir->blocks[b].preds);
    free(ir->blocks);
    free(ir->ins);
    free(ir->args);
    free(ir->rpo);
    free(ir->loops);
    free(ir->order);
    *ir = (Ir){0};
}

bool ir_is_call(const Ir *ir, Ref ref) {
    switch (ir->ins[ref].op) {
    default: return false;
    case IR_CALL:
    case IR_CALL_NATIVE:
    case IR_CALL_METHOD:
    case IR_SET_PROPERTY:
    case IR_DELETE_PROPERTY:
    case IR_SET_PROTOTYPE:
    case IR_SET_INDEX: return true;
    }
}

// Operands.

static bool is_power_of_two(uint32_t n) { return (n & (n - 1)) == 0; } // or 0

static uint32_t room_for(uint32_t num_args) {
    uint32_t room = num_args ? 1 : 0;
    while (room < num_args) room *= 2;
    return room;
}

// The index of `count` new places for operands.
static uint32_t new_args(Ir *ir, uint32_t count) {
    if (ir->num_args + count > UINT32_MAX) fatal("too many operands in one function");
    uint32_t first = (uint32_t)ir->num_args;
    for (uint32_t i = 0; i < count; i++) {
        GROW(ir->args, ir->num_args, ir->cap_args);
        ir->args[ir->num_args++] = NO_REF;
    }
    return first;
}

void ir_add_arg(Ir *ir, Ref ref, Ref value) {
    uint32_t count = ir->ins[ref].num_args;
    if (is_power_of_two(count)) {
        uint32_t first = new_args(ir, room_for(count + 1));
        for (uint32_t i = 0; i < count; i++) ir->args[first + i] = ir->args[ir->ins[ref].first_arg + i];
        ir->ins[ref].first_arg = first;
    }
    ir->args[ir->ins[ref].first_arg + count] = value;
    ir->ins[ref].num_args++;
    ir->has_types = false;
}

void ir_set_arg(Ir *ir, Ref ref, uint32_t i, Ref value) {
    if (i >= ir->ins[ref].num_args) fatal("v%u has no operand %u", ref, i);
    ir_args(ir, ref)[i] = value;
    ir->has_types = false;
}

Ref ir_arg(Ir *ir, Ref ref, uint32_t i) {
    Ref *arg = &ir_args(ir, ref)[i];
    if (ir->ins[*arg].op == IR_NOP) *arg = ir_resolve(ir, *arg);
    return *arg;
}

// Replacements: a replaced instruction is a nop that names its successor in `aux`. Whoever walks a chain of
// them shortens it (path compression; Tarjan and van Leeuwen, 1984).

static bool is_replaced(const Ir *ir, Ref ref) { return ir->ins[ref].op == IR_NOP && ir->ins[ref].aux != NO_REF; }

Ref ir_resolve(Ir *ir, Ref ref) {
    Ref end = ref;
    while (is_replaced(ir, end)) end = ir->ins[end].aux;
    while (is_replaced(ir, ref)) {
        Ref next = ir->ins[ref].aux;
        ir->ins[ref].aux = end;
        ref = next;
    }
    return end;
}

void ir_replace(Ir *ir, Ref old, Ref value) {
    value = ir_resolve(ir, value);
    if (value == old) fatal("v%u replaced by itself", old);
    ir->ins[value].is_relied_on |= ir->ins[old].is_relied_on;
    if (ir->ins[value].type != ir->ins[old].type) ir->has_types = false;
    ir_remove(ir, old);
    ir->ins[old].aux = value;
    ir->has_replacements = true;
}

void ir_apply_replacements(Ir *ir) {
    if (!ir->has_replacements) return;
    IR_ALL(ir, ref)
        for (uint32_t i = 0; i < ir->ins[ref].num_args; i++) ir_arg(ir, ref, i);
    ir->has_replacements = false;
}

// Making instructions.

Ref ir_new(Ir *ir, IrOp op, uint32_t num_args, uint32_t pc) {
    if (ir->num_ins >= UINT32_MAX) fatal("too many instructions in one function");
    uint32_t first_arg = new_args(ir, room_for(num_args));
    GROW(ir->ins, ir->num_ins, ir->cap_ins);
    ir->ins[ir->num_ins] = (IrIns){
        .op = (uint8_t)op,
        .type = ir_op_info[op].type,
        .first_arg = first_arg,
        .num_args = num_args,
        .block = NO_BLOCK,
        .pc = pc,
    };
    return (Ref)ir->num_ins++;
}

Ref ir_new1(Ir *ir, IrOp op, Ref a, uint32_t pc) {
    Ref ref = ir_new(ir, op, 1, pc);
    ir_set_arg(ir, ref, 0, a);
    return ref;
}

Ref ir_new2(Ir *ir, IrOp op, Ref a, Ref b, uint32_t pc) {
    Ref ref = ir_new(ir, op, 2, pc);
    ir_set_arg(ir, ref, 0, a);
    ir_set_arg(ir, ref, 1, b);
    return ref;
}

Ref ir_new_const(Ir *ir, Value value, uint32_t pc) {
    Ref ref = ir_new(ir, IR_CONST, 0, pc);
    ir->ins[ref].imm = (int64_t)value;
    ir->ins[ref].type = ir_value_type(value);
    return ref;
}

// Placing them. A place is between two neighbours, either of which may be NO_REF.

static void link_between(Ir *ir, uint32_t block, Ref before, Ref ref, Ref behind) {
    IrIns *ins = &ir->ins[ref];
    if (ins->block != NO_BLOCK) fatal("v%u is in B%u already", ref, ins->block);
    ins->block = block;
    ins->prev = before;
    ins->next = behind;
    if (before) ir->ins[before].next = ref;
    else ir->blocks[block].first = ref;
    if (behind) ir->ins[behind].prev = ref;
    else ir->blocks[block].last = ref;
}

void ir_append(Ir *ir, uint32_t block, Ref ref) { link_between(ir, block, ir->blocks[block].last, ref, NO_REF); }

void ir_insert_before(Ir *ir, Ref at, Ref ref) {
    link_between(ir, ir->ins[at].block, ir->ins[at].prev, ref, at);
}

void ir_insert_after(Ir *ir, Ref at, Ref ref) { link_between(ir, ir->ins[at].block, at, ref, ir->ins[at].next); }

void ir_insert_behind_phis(Ir *ir, uint32_t block, Ref ref) {
    Ref before = NO_REF, behind = ir->blocks[block].first;
    while (behind != NO_REF && ir->ins[behind].op == IR_PHI) {
        before = behind;
        behind = ir->ins[behind].next;
    }
    link_between(ir, block, before, ref, behind);
}

void ir_insert_at_end(Ir *ir, uint32_t block, Ref ref) {
    Ref last = ir->blocks[block].last;
    if (last != NO_REF && ir_is_terminator(ir, last)) ir_insert_before(ir, last, ref);
    else ir_append(ir, block, ref);
}

Ref ir_new_phi(Ir *ir, uint32_t block, uint32_t pc) {
    Ref ref = ir_new(ir, IR_PHI, (uint32_t)ir->blocks[block].num_preds, pc);
    link_between(ir, block, NO_REF, ref, ir->blocks[block].first);
    return ref;
}

void ir_unlink(Ir *ir, Ref ref) {
    IrIns *ins = &ir->ins[ref];
    if (ins->block == NO_BLOCK) return;
    if (ins->prev) ir->ins[ins->prev].next = ins->next;
    else ir->blocks[ins->block].first = ins->next;
    if (ins->next) ir->ins[ins->next].prev = ins->prev;
    else ir->blocks[ins->block].last = ins->prev;
    ins->prev = ins->next = NO_REF;
    ins->block = NO_BLOCK;
}

void ir_remove(Ir *ir, Ref ref) {
    ir_unlink(ir, ref);
    ir->ins[ref] = (IrIns){.op = IR_NOP, .block = NO_BLOCK, .pc = ir->ins[ref].pc};
}

// Uses: a counting sort of the operands by what they name.

IrUses ir_uses(const Ir *ir) {
    IrUses uses = {.first = xcalloc(ir->num_ins + 2, sizeof *uses.first)};
    uint32_t *next = uses.first + 1; // next[v] ends up as first[v + 1]
    size_t total = 0;
    IR_ALL(ir, ref)
        for (uint32_t i = 0; i < ir->ins[ref].num_args; i++, total++) next[ir_args(ir, ref)[i] + 1]++;
    for (size_t v = 1; v <= ir->num_ins; v++) uses.first[v + 1] += uses.first[v];
    uses.users = xmalloc(total * sizeof *uses.users);
    IR_ALL(ir, ref)
        for (uint32_t i = 0; i < ir->ins[ref].num_args; i++) uses.users[next[ir_args(ir, ref)[i]]++] = ref;
    return uses;
}

void ir_uses_free(IrUses *uses) {
    free(uses->first);
    free(uses->users);
    *uses = (IrUses){0};
}

// Blocks and edges.

static void cfg_has_changed(Ir *ir) { ir->has_order = ir->has_dominators = ir->has_loops = false; }

uint32_t ir_new_block(Ir *ir, uint32_t pc) {
    if (ir->num_blocks >= NO_BLOCK) fatal("too many blocks in one function");
    GROW(ir->blocks, ir->num_blocks, ir->cap_blocks);
    ir->blocks[ir->num_blocks] = (IrBlock){.pc = pc, .rpo = NO_BLOCK, .idom = NO_BLOCK, .pos = NO_BLOCK};
    cfg_has_changed(ir);
    return (uint32_t)ir->num_blocks++;
}

// Make `from` the last predecessor of succ[s].
static void enter_pred(Ir *ir, uint32_t from, uint32_t s, uint32_t to) {
    IrBlock *target = &ir->blocks[to];
    GROW(target->preds, target->num_preds, target->cap_preds);
    ir->blocks[from].succ[s] = to;
    ir->blocks[from].pred_at[s] = (uint32_t)target->num_preds;
    target->preds[target->num_preds++] = from;
    for (Ref ref = target->first; ref != NO_REF && ir->ins[ref].op == IR_PHI; ref = ir->ins[ref].next)
        ir_add_arg(ir, ref, NO_REF);
    cfg_has_changed(ir);
}

// Which of its successors is `to`?
static uint32_t successor_index(const Ir *ir, uint32_t from, uint32_t to) {
    const IrBlock *block = &ir->blocks[from];
    for (uint32_t s = 0; s < block->num_succ; s++)
        if (block->succ[s] == to) return s;
    fatal("B%u is no successor of B%u", to, from);
}

// Take the predecessor at succ[s] out; the last one takes its place.
static void leave_pred(Ir *ir, uint32_t from, uint32_t s) {
    uint32_t to = ir->blocks[from].succ[s], at = ir->blocks[from].pred_at[s];
    IrBlock *target = &ir->blocks[to];
    uint32_t last = (uint32_t)--target->num_preds;
    uint32_t moved = target->preds[last];
    if (at != last) {
        target->preds[at] = moved;
        ir->blocks[moved].pred_at[successor_index(ir, moved, to)] = at;
    }
    for (Ref ref = target->first; ref != NO_REF && ir->ins[ref].op == IR_PHI; ref = ir->ins[ref].next) {
        ir_args(ir, ref)[at] = ir_args(ir, ref)[last];
        ir->ins[ref].num_args--;
        ir->has_types = false;
    }
    cfg_has_changed(ir);
}

void ir_add_edge(Ir *ir, uint32_t from, uint32_t to) {
    uint32_t s = ir->blocks[from].num_succ++;
    if (s > 1) fatal("B%u has two successors already", from);
    enter_pred(ir, from, s, to);
}

static void drop_edge(Ir *ir, uint32_t block, uint32_t s) {
    leave_pred(ir, block, s);
    IrBlock *b = &ir->blocks[block];
    b->num_succ--;
    if (s < b->num_succ) {
        b->succ[s] = b->succ[s + 1];
        b->pred_at[s] = b->pred_at[s + 1];
    }
}

void ir_end_jump(Ir *ir, uint32_t block, uint32_t target, uint32_t pc) {
    ir_append(ir, block, ir_new(ir, IR_JUMP, 0, pc));
    ir_add_edge(ir, block, target);
}

void ir_end_branch(Ir *ir, uint32_t block, Ref condition, uint32_t if_true, uint32_t if_false, uint32_t pc) {
    if (if_true == if_false) {
        ir_end_jump(ir, block, if_true, pc);
        return;
    }
    ir_append(ir, block, ir_new1(ir, IR_BRANCH, condition, pc));
    ir_add_edge(ir, block, if_true);
    ir_add_edge(ir, block, if_false);
}

void ir_end_return(Ir *ir, uint32_t block, Ref value, uint32_t pc) {
    ir_append(ir, block, ir_new1(ir, IR_RETURN, value, pc));
}

void ir_unend(Ir *ir, uint32_t block) {
    ir_remove(ir, ir->blocks[block].last);
    while (ir->blocks[block].num_succ > 0) drop_edge(ir, block, ir->blocks[block].num_succ - 1);
}

void ir_fold_branch(Ir *ir, uint32_t block, uint32_t keep) {
    uint32_t pc = ir->ins[ir->blocks[block].last].pc;
    ir_remove(ir, ir->blocks[block].last);
    drop_edge(ir, block, 1 - keep);
    ir_append(ir, block, ir_new(ir, IR_JUMP, 0, pc));
}

void ir_redirect(Ir *ir, uint32_t block, uint32_t s, uint32_t target) {
    leave_pred(ir, block, s);
    enter_pred(ir, block, s, target);
}

uint32_t ir_split_edge(Ir *ir, uint32_t block, uint32_t s) {
    uint32_t to = ir->blocks[block].succ[s], at = ir->blocks[block].pred_at[s];
    uint32_t middle = ir_new_block(ir, ir->ins[ir->blocks[block].last].pc);
    ir_append(ir, middle, ir_new(ir, IR_JUMP, 0, ir->blocks[middle].pc));
    ir->blocks[middle].num_succ = 1;
    ir->blocks[middle].succ[0] = to;
    ir->blocks[middle].pred_at[0] = at;
    ir->blocks[to].preds[at] = middle;
    enter_pred(ir, block, s, middle);
    return middle;
}

void ir_split_critical_edges(Ir *ir) {
    size_t count = ir->num_blocks;
    for (uint32_t b = 0; b < count; b++) {
        if (ir->blocks[b].num_succ < 2) continue;
        for (uint32_t s = 0; s < 2; s++)
            if (ir->blocks[ir->blocks[b].succ[s]].num_preds > 1) ir_split_edge(ir, b, s);
    }
}

// Merging.

static void replace_phis(Ir *ir, uint32_t block) {
    IR_EACH(ir, block, ref) {
        if (ir->ins[ref].op != IR_PHI) return;
        ir_replace(ir, ref, ir_arg(ir, ref, 0));
    }
}

static void take_edges(Ir *ir, uint32_t from, uint32_t to) {
    IrBlock *giver = &ir->blocks[from], *taker = &ir->blocks[to];
    taker->num_succ = giver->num_succ;
    for (uint32_t s = 0; s < giver->num_succ; s++) {
        taker->succ[s] = giver->succ[s];
        taker->pred_at[s] = giver->pred_at[s];
        ir->blocks[giver->succ[s]].preds[giver->pred_at[s]] = to;
    }
    giver->num_succ = 0;
}

void ir_merge_successor(Ir *ir, uint32_t block) {
    uint32_t next = ir->blocks[block].succ[0];
    if (ir->blocks[block].num_succ != 1 || ir->blocks[next].num_preds != 1 || next == block)
        fatal("B%u cannot take over B%u", block, next);
    replace_phis(ir, next);
    ir_remove(ir, ir->blocks[block].last);
    IR_EACH(ir, next, ref) {
        ir_unlink(ir, ref);
        ir_append(ir, block, ref);
    }
    ir->blocks[block].num_succ = 0;
    ir->blocks[next].num_preds = 0;
    take_edges(ir, next, block);
    ir->blocks[next].removed = true;
    cfg_has_changed(ir);
}

// Removing unreachable blocks, at both ends of every edge.

static void remove_block(Ir *ir, uint32_t block) {
    while (ir->blocks[block].num_succ > 0) drop_edge(ir, block, ir->blocks[block].num_succ - 1);
    IR_EACH(ir, block, ref) ir_remove(ir, ref);
    ir->blocks[block].removed = true;
    cfg_has_changed(ir);
}

void ir_remove_unreachable(Ir *ir) {
    ir_reverse_postorder(ir);
    for (uint32_t b = 0; b < ir->num_blocks; b++)
        if (ir->blocks[b].rpo == NO_BLOCK && !ir->blocks[b].removed) remove_block(ir, b);
}

uint32_t ir_pred_index(const Ir *ir, uint32_t block, uint32_t pred) {
    const IrBlock *b = &ir->blocks[block];
    for (uint32_t i = 0; i < b->num_preds; i++)
        if (b->preds[i] == pred) return i;
    fatal("B%u is no predecessor of B%u", pred, block);
}
