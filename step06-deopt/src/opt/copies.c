// Cleaning up: copies, and blocks that do nothing.
// In:  IR.  Out: the same without phis that select among equal values, guards that nothing fails to pass,
// branches that do not matter, blocks that only jump, and jumps between blocks that belong together.
//
// SSA form has no copy instructions; what is left of `y = x` is a phi of which all operands are one value, or
// that value and the phi itself:
//
//      v5 = phi v1, v5, v1             v5 is v1
//
// Replacing one may make another so, so the phis that used it are looked at again (Braun et al. 2013,
// algorithm 3: in a function without irreducible loops this finds every superfluous set of phis).
// A guard that has no more to check, because the type of its operand is known, is a copy, too.
//
// The passes before leave a control flow behind that is more complicated than what it decides. Four rules
// simplify it (Cooper, Torczon, "Engineering a Compiler", 2nd ed., section 10.2.2, "Clean"):
//
//   1. a block that ends with a jump takes over its successor if it is the only predecessor;
//   2. an empty block is passed by: who jumped to it jumps to its successor;
//   3. a branch of which both ways lead to the same block with the same values is a jump;
//   4. a block that only branches on a phi is passed by wherever the phi's operand is a constant: the way is
//      known there. This is what `a && b` as a condition leaves behind.
//
// A block that only jumps to itself stays: a loop without end is an effect.
#include <stdlib.h>

#include "object/operators.h"
#include "opt/guards.h"
#include "opt/opt.h"

// An empty block with several predecessors stays if phis behind it would each get as many operands more.
enum { MAX_PHIS_BEHIND = 4 };

// Phis.

// Phis that have been replaced by one value form a list, so that who used them is found.
typedef struct Phis {
    Ir *ir;
    IrUses uses;
    Ref *next_copy, *last_copy; // of a value: the list of what it has replaced, itself first
    Ref *pending;
    bool *is_pending;
    size_t num_pending, cap_pending;
} Phis;

// The one value that the phi can be; NO_REF if there are several.
static Ref only_operand(Ir *ir, Ref phi) {
    Ref only = NO_REF;
    for (uint32_t i = 0; i < ir->ins[phi].num_args; i++) {
        Ref operand = ir_arg(ir, phi, i);
        if (operand == phi || operand == only) continue;
        if (only != NO_REF) return NO_REF;
        only = operand;
    }
    return only;
}

static void add_pending(Phis *phis, Ref phi) {
    GROW(phis->pending, phis->num_pending, phis->cap_pending);
    phis->pending[phis->num_pending++] = phi;
}

static void look_at(Phis *phis, Ref ref) {
    if (phis->ir->ins[ref].op != IR_PHI || phis->is_pending[ref]) return;
    phis->is_pending[ref] = true;
    add_pending(phis, ref);
}

static void look_at_users(Phis *phis, Ref phi) {
    for (Ref copy = phi; copy != NO_REF; copy = phis->next_copy[copy])
        for (uint32_t u = phis->uses.first[copy]; u < phis->uses.first[copy + 1]; u++)
            look_at(phis, phis->uses.users[u]);
}

static void simplify_phi(Phis *phis, Ref phi) {
    Ref value = only_operand(phis->ir, phi);
    if (value == NO_REF) return;
    ir_replace(phis->ir, phi, value);
    look_at_users(phis, phi);
    phis->next_copy[phis->last_copy[value]] = phi;
    phis->last_copy[value] = phis->last_copy[phi];
}

static void replace_pending(Phis *phis) {
    Ir *ir = phis->ir;
    size_t count = ir->num_ins;
    phis->uses = ir_uses(ir);
    phis->next_copy = xcalloc(count, sizeof *phis->next_copy);
    phis->last_copy = xcalloc(count, sizeof *phis->last_copy);
    phis->is_pending = xcalloc(count, sizeof *phis->is_pending);
    for (Ref ref = 0; ref < count; ref++) phis->last_copy[ref] = ref;
    for (size_t i = 0; i < phis->num_pending; i++) phis->is_pending[phis->pending[i]] = true;
    while (phis->num_pending > 0) {
        Ref phi = phis->pending[--phis->num_pending];
        phis->is_pending[phi] = false;
        simplify_phi(phis, phi);
    }
    ir_apply_replacements(ir);
    ir_uses_free(&phis->uses);
    free(phis->next_copy);
    free(phis->last_copy);
    free(phis->is_pending);
}

// Often there is no such phi: then the uses are not needed.
static void simplify_phis(Ir *ir) {
    Phis phis = {.ir = ir};
    for (uint32_t b = (uint32_t)ir->num_blocks; b-- > 0;)
        for (Ref ref = ir->blocks[b].first; ir->ins[ref].op == IR_PHI; ref = ir->ins[ref].next)
            if (only_operand(ir, ref) != NO_REF) add_pending(&phis, ref);
    if (phis.num_pending > 0) replace_pending(&phis);
    free(phis.pending);
}

// Guards.

static void remove_proven_guards(Ir *ir) {
    if (!has_guards(ir)) return;
    ir_infer_types(ir);
    for (uint32_t b = 0; b < ir->num_blocks; b++)
        IR_EACH(ir, b, ref)
            if (guard_is_proven(ir, ref)) ir_replace(ir, ref, ir_arg(ir, ref, 0));
    ir_apply_replacements(ir);
}

// Edges.

// The operand that a phi of succ[s] gets from this block.
static Ref operand_along(Ir *ir, uint32_t block, uint32_t s, Ref phi) {
    return ir_arg(ir, phi, ir->blocks[block].pred_at[s]);
}

static uint32_t count_phis(const Ir *ir, uint32_t block) {
    uint32_t count = 0;
    for (Ref ref = ir->blocks[block].first; ir->ins[ref].op == IR_PHI; ref = ir->ins[ref].next) count++;
    return count;
}

enum { NO_SUCCESSOR = 2 };

// Which of its successors is `to`?
static uint32_t find_successor(const Ir *ir, uint32_t block, uint32_t to) {
    for (uint32_t s = 0; s < ir->blocks[block].num_succ; s++)
        if (ir->blocks[block].succ[s] == to) return s;
    return NO_SUCCESSOR;
}

// Two edges in a row: from -> middle -> target, as indices of successors.
typedef struct Way {
    uint32_t from, from_s, middle, middle_s;
} Way;

// What a phi of the target is if control goes this way.
static Ref operand_through(Ir *ir, Way way, Ref phi) {
    Ref operand = operand_along(ir, way.middle, way.middle_s, phi);
    bool is_selected_there = ir->ins[operand].op == IR_PHI && ir->ins[operand].block == way.middle;
    return is_selected_there ? operand_along(ir, way.from, way.from_s, operand) : operand;
}

// Do the target's phis get the same this way as along the edge to succ[direct] of `from`, the target, too?
static bool arrives_with_the_same(Ir *ir, Way way, uint32_t direct) {
    uint32_t target = ir->blocks[way.middle].succ[way.middle_s];
    for (Ref phi = ir->blocks[target].first; ir->ins[phi].op == IR_PHI; phi = ir->ins[phi].next)
        if (operand_along(ir, way.from, direct, phi) != operand_through(ir, way, phi)) return false;
    return true;
}

// Lead the edge to `middle`, which does nothing but select values, on to the target.
static void redirect(Ir *ir, Way way, uint32_t target) {
    uint32_t count = count_phis(ir, target), i = 0;
    Ref *operands = xcalloc(count, sizeof *operands);
    for (Ref phi = ir->blocks[target].first; i < count; phi = ir->ins[phi].next)
        operands[i++] = operand_through(ir, way, phi);
    ir_redirect(ir, way.from, way.from_s, target);
    i = 0;
    for (Ref phi = ir->blocks[target].first; i < count; phi = ir->ins[phi].next)
        ir_set_arg(ir, phi, ir->ins[phi].num_args - 1, operands[i++]);
    free(operands);
}

// Go from -> target instead of from -> middle -> target, if that is possible.
static void pass_by(Ir *ir, uint32_t from, uint32_t middle, uint32_t middle_s) {
    uint32_t target = ir->blocks[middle].succ[middle_s], direct = find_successor(ir, from, target);
    Way way = {from, find_successor(ir, from, middle), middle, middle_s};
    if (target == middle) return;
    if (direct == NO_SUCCESSOR) redirect(ir, way, target);
    else if (arrives_with_the_same(ir, way, direct)) ir_fold_branch(ir, from, direct);
}

// Rule 1.
static void take_over_successors(Ir *ir, uint32_t block) {
    for (;;) {
        const IrBlock *b = &ir->blocks[block];
        if (b->num_succ != 1 || b->succ[0] == block || ir->blocks[b->succ[0]].num_preds != 1) return;
        ir_merge_successor(ir, block);
    }
}

// Rules 2 and 3.
static void bypass_empty_block(Ir *ir, uint32_t block) {
    const IrBlock *b = &ir->blocks[block];
    if (block == 0 || ir->ins[b->first].op != IR_JUMP) return;
    if (b->num_preds > 1 && count_phis(ir, b->succ[0]) > MAX_PHIS_BEHIND) return;
    for (size_t i = ir->blocks[block].num_preds; i-- > 0;) pass_by(ir, ir->blocks[block].preds[i], block, 0);
}

// Rule 4.

// A block that branches on one of its own phis, and is no loop's header: there, going another way would give
// the loop a second entry.
static bool selects_its_way(const Ir *ir, uint32_t block) {
    const IrBlock *b = &ir->blocks[block];
    if (b->num_succ != 2 || b->irreducible) return false;
    if (ir->ins[ir_args(ir, b->last)[0]].block != block) return false;
    for (size_t i = 0; i < b->num_preds; i++)
        if (ir_dominates(ir, block, b->preds[i])) return false;
    IR_EACH(ir, block, ref)
        if (ir->ins[ref].op != IR_PHI && ref != b->last) return false;
    return true;
}

// Are the block's phis used only in its branch and along the edges that leave it? Elsewhere it would matter
// that control has come through here. `seen` counts such uses.
static bool phis_stay_near(const Ir *ir, const IrUses *uses, uint32_t block, uint32_t *seen) {
    const IrBlock *b = &ir->blocks[block];
    IR_EACH(ir, block, ref) seen[ref] = 0;
    seen[ir_args(ir, b->last)[0]]++;
    for (uint32_t s = 0; s < 2; s++)
        for (Ref phi = ir->blocks[b->succ[s]].first; ir->ins[phi].op == IR_PHI; phi = ir->ins[phi].next)
            seen[ir_args(ir, phi)[b->pred_at[s]]]++;
    for (Ref ref = b->first; ref != b->last; ref = ir->ins[ref].next)
        if (seen[ref] != uses->first[ref + 1] - uses->first[ref]) return false;
    return true;
}

static void thread_jumps(Ir *ir, uint32_t block) {
    if (ir->blocks[block].num_succ != 2) return; // folded since it was found
    Ref condition = ir_args(ir, ir->blocks[block].last)[0];
    for (size_t i = ir->blocks[block].num_preds; i-- > 0;) {
        Ref operand = ir_arg(ir, condition, (uint32_t)i);
        if (!ir_is_const(ir, operand)) continue;
        uint32_t s = value_is_truthy((Value)ir->ins[operand].imm) ? 0 : 1;
        pass_by(ir, ir->blocks[block].preds[i], block, s);
    }
}

static void thread_all(Ir *ir) {
    ir_loops(ir);
    uint32_t *candidates = xcalloc(ir->num_rpo, sizeof *candidates);
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < ir->num_rpo; i++)
        if (selects_its_way(ir, ir->rpo[i])) candidates[count++] = ir->rpo[i];
    if (count > 0) {
        IrUses uses = ir_uses(ir);
        uint32_t *seen = xcalloc(ir->num_ins, sizeof *seen);
        for (size_t i = 0; i < count; i++)
            if (phis_stay_near(ir, &uses, candidates[i], seen)) candidates[kept++] = candidates[i];
        ir_uses_free(&uses);
        free(seen);
    }
    for (size_t i = 0; i < kept; i++) thread_jumps(ir, candidates[i]);
    free(candidates);
    if (kept > 0) ir_remove_unreachable(ir);
}

// The blocks in reverse postorder, as it is now.
static uint32_t *list_blocks(Ir *ir, size_t *count) {
    ir_reverse_postorder(ir);
    *count = ir->num_rpo;
    uint32_t *blocks = xcalloc(*count, sizeof *blocks);
    for (size_t i = 0; i < *count; i++) blocks[i] = ir->rpo[i];
    return blocks;
}

// Successors first: so each edge moves but once along a chain of empty blocks.
static void bypass_empty_blocks(Ir *ir) {
    size_t count;
    uint32_t *blocks = list_blocks(ir, &count);
    while (count-- > 0) bypass_empty_block(ir, blocks[count]);
    free(blocks);
    ir_remove_unreachable(ir);
}

// Predecessors first: so each instruction moves but once along a chain of jumps.
static void merge_blocks(Ir *ir) {
    size_t count;
    uint32_t *blocks = list_blocks(ir, &count);
    for (size_t i = 0; i < count; i++)
        if (!ir->blocks[blocks[i]].removed) take_over_successors(ir, blocks[i]);
    free(blocks);
    ir_apply_replacements(ir);
}

void opt_copies(Ir *ir) {
    ir_remove_unreachable(ir);
    remove_proven_guards(ir);
    simplify_phis(ir);
    thread_all(ir);
    bypass_empty_blocks(ir);
    merge_blocks(ir);
    simplify_phis(ir);
}
