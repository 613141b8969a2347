// LIR: the loops that its blocks make, the rules that they keep, and freeing it all.
//
// A jump to a block that does not come later makes a loop: the blocks from the target, its header, to
// the jump. Jumps to one header make one loop. Where the order of blocks keeps loops together, loops are
// nested or apart, and control comes in through the header only; then values that are live at the
// header are live throughout the loop, which saves the liveness analysis its fixpoint. LIR for which
// that does not hold is marked irregular.
#include <stdarg.h>
#include <stdlib.h>

#include "backend/lir.h"

void lir_free(Lir *lir) {
    free(lir->ins);
    free(lir->moves);
    free(lir->blocks);
    free(lir->phis);
    free(lir->preds);
    free(lir->exits);
    free(lir->values);
    *lir = (Lir){0};
}

// Loops.

static void find_loop_ends(Lir *lir) {
    for (uint32_t b = 0; b < lir->num_blocks; b++) {
        lir->blocks[b].loop = lir->blocks[b].outer_loop = lir->blocks[b].loop_end = NO_BLOCK;
        lir->blocks[b].loop_depth = 0;
    }
    for (uint32_t b = 0; b < lir->num_blocks; b++)
        for (uint32_t s = 0; s < lir->blocks[b].num_successors; s++)
            if (lir->blocks[b].successors[s] <= b) lir->blocks[lir->blocks[b].successors[s]].loop_end = b;
}

// A loop has begun inside of another one and ends behind it: the outer one, and those around it, are
// made to end there too.
static void nest(Lir *lir, uint32_t outer, uint32_t end) {
    for (; outer != NO_BLOCK && lir->blocks[outer].loop_end < end; outer = lir->blocks[outer].outer_loop) {
        lir->blocks[outer].loop_end = end;
        lir->irregular = true;
    }
}

static void nest_loops(Lir *lir) {
    uint32_t loop = NO_BLOCK, depth = 0; // of the block at hand
    for (uint32_t b = 0; b < lir->num_blocks; b++) {
        LirBlock *block = &lir->blocks[b];
        while (loop != NO_BLOCK && lir->blocks[loop].loop_end < b) {
            loop = lir->blocks[loop].outer_loop;
            depth--;
        }
        if (block->loop_end != NO_BLOCK) {
            nest(lir, loop, block->loop_end);
            block->outer_loop = loop;
            loop = b;
            depth++;
        }
        block->loop = loop;
        block->loop_depth = depth;
    }
}

static bool is_in_loop(const Lir *lir, uint32_t block, uint32_t header) {
    return header == NO_BLOCK || (header <= block && block <= lir->blocks[header].loop_end);
}

// Control comes into a loop through its header only.
static void find_side_entries(Lir *lir) {
    for (uint32_t b = 0; b < lir->num_blocks; b++) {
        const LirBlock *block = &lir->blocks[b];
        uint32_t around = block->loop == b ? block->outer_loop : block->loop; // that the edges must come from
        for (uint32_t k = 0; k < block->num_preds; k++) {
            uint32_t pred = lir_preds(lir, b)[k];
            if (!is_in_loop(lir, pred, around)) lir->irregular = true;
        }
    }
}

static void find_pred_indices(Lir *lir) {
    for (uint32_t b = 0; b < lir->num_blocks; b++)
        for (uint32_t k = 0; k < lir->blocks[b].num_preds; k++)
            lir->blocks[lir_preds(lir, b)[k]].pred_index = k; // 0 for all successors, if there are two
}

void lir_link_blocks(Lir *lir) {
    lir->irregular = false;
    find_loop_ends(lir);
    nest_loops(lir);
    find_side_entries(lir);
    find_pred_indices(lir);
}

// The rules.

typedef struct Verifier {
    const Lir *lir;
    char *fault;
    size_t size;
    bool failed;
    uint32_t *written; // indexed by VReg: one more than the instruction, or block for a phi, that writes it
    uint32_t block;
} Verifier;

__attribute__((format(printf, 2, 3))) static void fail(Verifier *v, const char *format, ...) {
    if (v->failed) return; // the first fault is the one to report
    v->failed = true;
    va_list args;
    va_start(args, format);
    vsnprintf(v->fault, v->size, format, args);
    va_end(args);
}

static void verify_write(void *context, VReg vreg) {
    Verifier *v = context;
    if (vreg >= v->lir->num_vregs) fail(v, "B%u: v%u is out of range", v->block, vreg);
    else if (v->written[vreg]) fail(v, "B%u: v%u is written twice", v->block, vreg);
    else v->written[vreg] = 1;
}

static void verify_read(void *context, VReg vreg) {
    Verifier *v = context;
    if (vreg >= v->lir->num_vregs) fail(v, "B%u: v%u is out of range", v->block, vreg);
    else if (!v->written[vreg]) fail(v, "B%u: v%u is read before it is written", v->block, vreg);
}

static bool is_terminator(const LirIns *ins) { return ins->op == LIR_JUMP || is_branch(ins) || ins->op == LIR_RETURN; }

static void verify_end(Verifier *v, const LirBlock *block) {
    const LirIns *last = &v->lir->ins[block->end - 1];
    uint32_t successors = is_branch(last) ? 2 : last->op == LIR_JUMP ? 1 : 0;
    if (!is_terminator(last))
        fail(v, "B%u does not end with a jump", v->block);
    else if (block->num_successors != successors)
        fail(v, "B%u has %u successors", v->block, block->num_successors);
    else if (successors && block->successors[successors - 1] != last->target)
        fail(v, "B%u does not lead to its target", v->block);
}

// Each edge is in both lists, and the predecessors are as many as lead here.
static void verify_edges(Verifier *v) {
    const Lir *lir = v->lir;
    size_t edges = 0;
    for (uint32_t b = 0; b < lir->num_blocks && !v->failed; b++) {
        const LirBlock *block = &lir->blocks[b];
        for (uint32_t s = 0; s < block->num_successors; s++, edges++) {
            uint32_t to = block->successors[s];
            if (to >= lir->num_blocks) {
                fail(v, "B%u leads to B%u, which is out of range", b, to);
                return;
            }
            const LirBlock *next = &lir->blocks[to];
            if (block->num_successors > 1 && next->num_preds > 1)
                fail(v, "the edge from B%u to B%u is critical", b, to);
            else if (block->pred_index >= next->num_preds || lir_preds(lir, to)[block->pred_index] != b)
                fail(v, "B%u is not a predecessor of B%u", b, to);
        }
    }
    if (!v->failed && edges != lir->num_preds) fail(v, "%zu edges, but %zu predecessors", edges, lir->num_preds);
}

// A guard has an exit, a call may have one, nothing else has.
static void verify_exit(Verifier *v, const LirIns *ins) {
    if (ins->exit == NO_EXIT) {
        if (is_guard(ins)) fail(v, "B%u: a guard has no exit", v->block);
    } else if (ins->exit >= v->lir->num_exits) {
        fail(v, "B%u: exit %u is out of range", v->block, ins->exit);
    } else if (!is_guard(ins) && !is_call(ins)) {
        fail(v, "B%u: exit %u belongs to no guard or call", v->block, ins->exit);
    } else {
        const LirExit *exit = &v->lir->exits[ins->exit];
        if ((size_t)exit->first_value + exit->num_values > v->lir->num_values)
            fail(v, "B%u: exit %u: values out of range", v->block, ins->exit);
    }
}

static void verify_block(Verifier *v) {
    const LirBlock *block = &v->lir->blocks[v->block];
    for (uint32_t k = 0; k < block->num_phis; k++) verify_write(v, v->lir->phis[block->first_phi + k].d);
    for (uint32_t i = block->start; i < block->end; i++) {
        const LirIns *ins = &v->lir->ins[i];
        if (i + 1 < block->end && is_terminator(ins)) fail(v, "B%u goes on behind a jump", v->block);
        verify_exit(v, ins);
        if (!v->failed) lir_visit_reads(v->lir, ins, verify_read, v);
        lir_visit_writes(v->lir, ins, verify_write, v);
    }
    verify_end(v, block);
}

static void verify_phi_args(Verifier *v) {
    for (v->block = 0; v->block < v->lir->num_blocks; v->block++) {
        const LirBlock *block = &v->lir->blocks[v->block];
        for (uint32_t k = 0; k < block->num_phis; k++) {
            const LirMove *args = lir_phi_args(v->lir, &v->lir->phis[block->first_phi + k]);
            for (uint32_t p = 0; p < block->num_preds; p++)
                if (args[p].s != NO_VREG) verify_read(v, args[p].s);
        }
    }
}

static void verify_ranges(Verifier *v) {
    const Lir *lir = v->lir;
    uint32_t next = 0;
    for (uint32_t b = 0; b < lir->num_blocks; b++) {
        const LirBlock *block = &lir->blocks[b];
        if (block->start != next || block->end <= block->start || block->end > lir->num_ins)
            fail(v, "B%u is empty or not behind B%u", b, b - 1);
        if ((size_t)block->first_pred + block->num_preds > lir->num_preds)
            fail(v, "B%u: predecessors out of range", b);
        if ((size_t)block->first_phi + block->num_phis > lir->num_phis)
            fail(v, "B%u: phis out of range", b);
        next = block->end;
    }
    if (next != lir->num_ins) fail(v, "instructions behind the last block");
    if (lir->num_blocks == 0 || lir->blocks[0].num_preds || lir->blocks[0].num_phis)
        fail(v, "B0 is not an entry");
}

bool lir_verify(const Lir *lir, char *fault, size_t size) {
    Verifier v = {.lir = lir, .fault = fault, .size = size};
    v.written = xcalloc(lir->num_vregs, sizeof *v.written);
    verify_ranges(&v);
    if (!v.failed) verify_edges(&v);
    for (v.block = 0; v.block < lir->num_blocks && !v.failed; v.block++) verify_block(&v);
    if (!v.failed) verify_phi_args(&v);
    free(v.written);
    return !v.failed;
}
