// Loop inversion.
// In:  IR.  Out: the same, with loops that test at the bottom and have a guard in front.
//
//      while (c) body;          becomes          if (c) do body; while (c);
//
//             |                                         |
//         preheader                              preheader: a copy of the test
//             |                                    |         |
//     ,---> header: test --.                      |          |  ,---------.
//     |       |            |                      |          entry        |
//     |     entry          |                      |          | ...        |
//     '------ ...          |                      |        header: test --'
//                          |                      |           |
//                        exit                     '-> exit <--'
//
// One jump less in each iteration is the smaller gain. The larger one: in the loop on the left nothing but the
// test is sure to run when control gets to the preheader; in the one on the right all of the body is, up to
// its first branch. So an instruction that may raise an error can be moved out of the loop (licm.c).
//
// The header's instructions now exist twice: a value v of the header has a twin in the preheader. Who used v
// behind the loop or in its body must use whichever was computed last. The dominator tree of the function as
// it was says where the two meet: let c be the child of the header in that tree below which the use lies.
// Control that gets to the use comes through c after it has left the header or the preheader for the last
// time, so the value is that at the start of c: a phi there, whose operand for a predecessor p is v or its twin
// if p is the header or the preheader, and otherwise the value at the child of the header below which p lies.
//
// All loops of the function are inverted at once, in linear time; each header is copied once, whatever the
// nesting. Left alone: loops that do not leave through their header, that have a test at the bottom already,
// or whose header is long.
//
// Source: Muchnick, "Advanced Compiler Design and Implementation", 1997, section 18.5; the placing of phis
// is the use of dominance that Cytron et al. 1991 make, for two definitions.
#include <stdlib.h>

#include "opt/opt.h"

enum { MAX_HEADER = 64 }; // instructions; longer ones would cost more space than the jump costs time

typedef struct Inverted {
    uint32_t header, preheader;
} Inverted;

// A phi that was made for a value, in a list of those.
typedef struct Fix {
    Ref value, phi;
    uint32_t next; // index in `fixes`; 0 ends the list
} Fix;

typedef struct Inversion {
    Ir *ir;
    Inverted *loops;
    size_t num_loops;
    uint32_t *preheader_of; // indexed by block: of inverted headers; else NO_BLOCK
    size_t num_old_ins;     // before anything was copied
    Ref *twin;              // indexed by old Ref of a header
    uint32_t *first_fix;    // indexed by old Ref: index in `fixes`, or 0
    Fix *fixes;             // fixes[0] is not used
    size_t num_fixes, cap_fixes;
    size_t num_filled;      // fixes up to here have their operands
} Inversion;

// Which loops.

static bool leaves(const Ir *ir, uint32_t loop, uint32_t block) {
    const IrBlock *b = &ir->blocks[block];
    if (b->num_succ != 2) return false;
    return !ir_loop_contains(ir, loop, b->succ[0]) || !ir_loop_contains(ir, loop, b->succ[1]);
}

static bool is_long(const Ir *ir, uint32_t block) {
    unsigned count = 0;
    IR_EACH(ir, block, ref)
        if (ir->ins[ref].op != IR_PHI && ++count > MAX_HEADER) return true;
    return false;
}

static bool is_invertible(const Ir *ir, uint32_t loop) {
    uint32_t header = ir->loops[loop].header;
    const IrBlock *h = &ir->blocks[header];
    if (ir_preheader(ir, loop) == NO_BLOCK || !leaves(ir, loop, header) || is_long(ir, header)) return false;
    for (size_t i = 0; i < h->num_preds; i++)
        if (ir_loop_contains(ir, loop, h->preds[i]) && leaves(ir, loop, h->preds[i])) return false;
    return true;
}

static void choose_loops(Inversion *inv) {
    Ir *ir = inv->ir;
    inv->loops = xcalloc(ir->num_loops, sizeof *inv->loops);
    for (uint32_t loop = 1; loop < ir->num_loops; loop++)
        if (is_invertible(ir, loop))
            inv->loops[inv->num_loops++] = (Inverted){ir->loops[loop].header, ir_preheader(ir, loop)};
}

// Each way out of a header gets a block that no other predecessor has, and then the dominator tree is that by
// which values are found: it is not computed again before the end.
static void prepare(Inversion *inv) {
    Ir *ir = inv->ir;
    for (size_t i = 0; i < inv->num_loops; i++)
        for (uint32_t s = 0; s < 2; s++) {
            uint32_t header = inv->loops[i].header;
            if (ir->blocks[ir->blocks[header].succ[s]].num_preds > 1) ir_split_edge(ir, header, s);
        }
    ir_dominators(ir);
    inv->num_old_ins = ir->num_ins;
    inv->twin = xcalloc(ir->num_ins, sizeof *inv->twin);
    inv->first_fix = xcalloc(ir->num_ins, sizeof *inv->first_fix);
    inv->preheader_of = xcalloc(ir->num_blocks, sizeof *inv->preheader_of);
    for (size_t b = 0; b < ir->num_blocks; b++) inv->preheader_of[b] = NO_BLOCK;
    for (size_t i = 0; i < inv->num_loops; i++)
        inv->preheader_of[inv->loops[i].header] = inv->loops[i].preheader;
    GROW(inv->fixes, inv->num_fixes, inv->cap_fixes);
    inv->fixes[inv->num_fixes++] = (Fix){0};
}

// Copying the test. Operands keep their old names until all is copied: fix_uses finds the new ones.

static Ref copy_ins(Ir *ir, Ref ref) {
    uint32_t count = ir->ins[ref].num_args;
    Ref copy = ir_new(ir, ir->ins[ref].op, count, ir->ins[ref].pc);
    ir->ins[copy].type = ir->ins[ref].type;
    ir->ins[copy].aux = ir->ins[ref].aux;
    ir->ins[copy].imm = ir->ins[ref].imm;
    ir->ins[copy].is_hoisted = ir->ins[ref].is_hoisted;
    ir->ins[copy].is_relied_on = ir->ins[ref].is_relied_on;
    for (uint32_t i = 0; i < count; i++) ir_set_arg(ir, copy, i, ir_args(ir, ref)[i]);
    return copy;
}

// The preheader jumps to the header: it does what the header does, instead, and branches like it.
static void copy_test(Inversion *inv, Inverted loop) {
    Ir *ir = inv->ir;
    uint32_t pred_index = ir->blocks[loop.preheader].pred_at[0];
    Ref end = ir->blocks[loop.header].last;
    for (Ref ref = ir->blocks[loop.header].first; ir->ins[ref].op == IR_PHI; ref = ir->ins[ref].next)
        inv->twin[ref] = ir_args(ir, ref)[pred_index];
    ir_unend(ir, loop.preheader);
    for (Ref ref = ir->blocks[loop.header].first; ref != end; ref = ir->ins[ref].next) {
        if (ir->ins[ref].op == IR_PHI) continue;
        inv->twin[ref] = copy_ins(ir, ref);
        ir->ins[inv->twin[ref]].state = inv->twin[ir->ins[ref].state]; // it stands before it in the header
        ir_append(ir, loop.preheader, inv->twin[ref]);
    }
    const uint32_t *succ = ir->blocks[loop.header].succ;
    ir_end_branch(ir, loop.preheader, ir_args(ir, end)[0], succ[0], succ[1], ir->ins[end].pc);
    for (uint32_t s = 0; s < 2; s++) { // their only predecessor was the header
        uint32_t to = ir->blocks[loop.preheader].succ[s], at = ir->blocks[loop.preheader].pred_at[s];
        for (Ref phi = ir->blocks[to].first; ir->ins[phi].op == IR_PHI; phi = ir->ins[phi].next)
            ir_set_arg(ir, phi, at, ir_args(ir, phi)[1 - at]);
    }
}

// Giving each use the right one.

// The child of `ancestor` in the dominator tree that dominates the block.
static uint32_t child_above(const Ir *ir, uint32_t ancestor, uint32_t block) {
    uint32_t child = ir->blocks[ancestor].dom_child;
    while (!ir_dominates(ir, child, block)) child = ir->blocks[child].dom_sibling;
    return child;
}

// The phi for a value at the start of a block; its operands come later.
static Ref phi_for(Inversion *inv, Ref value, uint32_t block) {
    Ir *ir = inv->ir;
    for (uint32_t i = inv->first_fix[value]; i != 0; i = inv->fixes[i].next)
        if (ir->ins[inv->fixes[i].phi].block == block) return inv->fixes[i].phi;
    Ref phi = ir_new_phi(ir, block, ir->ins[value].pc);
    GROW(inv->fixes, inv->num_fixes, inv->cap_fixes);
    inv->fixes[inv->num_fixes] = (Fix){value, phi, inv->first_fix[value]};
    inv->first_fix[value] = (uint32_t)inv->num_fixes++;
    return phi;
}

// What a use of `value` at the end of the block, or in it, must be. A twin may be a value of another
// inverted header, once: that header is not this preheader, and its preheader neither.
static Ref value_at(Inversion *inv, Ref value, uint32_t block) {
    for (;;) {
        if (value >= inv->num_old_ins) return value;
        uint32_t header = inv->ir->ins[value].block;
        if (header == NO_BLOCK || header == block || inv->preheader_of[header] == NO_BLOCK) return value;
        if (block != inv->preheader_of[header]) return phi_for(inv, value, child_above(inv->ir, header, block));
        value = inv->twin[value];
    }
}

static void fix_operands(Inversion *inv, Ref ref) {
    const Ir *ir = inv->ir;
    uint32_t block = ir->ins[ref].block;
    bool is_phi = ir->ins[ref].op == IR_PHI;
    for (uint32_t i = 0; i < ir->ins[ref].num_args; i++) {
        uint32_t where = is_phi ? ir->blocks[block].preds[i] : block;
        Ref value = value_at(inv, ir_args(ir, ref)[i], where);
        ir_set_arg(inv->ir, ref, i, value);
    }
}

static void fill_phi(Inversion *inv, Fix fix) {
    const Ir *ir = inv->ir;
    uint32_t block = ir->ins[fix.phi].block;
    for (uint32_t i = 0; i < ir->blocks[block].num_preds; i++) {
        Ref value = value_at(inv, fix.value, ir->blocks[block].preds[i]);
        ir_set_arg(inv->ir, fix.phi, i, value);
    }
}

static void fix_uses(Inversion *inv) {
    size_t count = inv->ir->num_ins; // with the copies, without the phis to come
    for (Ref ref = 1; ref < count; ref++)
        if (inv->ir->ins[ref].block != NO_BLOCK) fix_operands(inv, ref);
    for (size_t i = 1; i < inv->num_fixes; i++) fill_phi(inv, inv->fixes[i]);
}

static void finish(Inversion *inv) {
    free(inv->loops);
    free(inv->preheader_of);
    free(inv->twin);
    free(inv->first_fix);
    free(inv->fixes);
}

void opt_invert(Ir *ir) {
    Inversion inv = {.ir = ir};
    ir_remove_unreachable(ir);
    ir_make_preheaders(ir);
    ir_loops(ir);
    choose_loops(&inv);
    prepare(&inv);
    for (size_t i = 0; i < inv.num_loops; i++) copy_test(&inv, inv.loops[i]);
    fix_uses(&inv);
    finish(&inv);
}
