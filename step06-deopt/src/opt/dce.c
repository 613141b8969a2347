// Dead code elimination.
// In:  IR.  Out: the same without the instructions that nobody uses and nobody can see.
//
// The pass assumes that every instruction is dead until it is shown to be alive. What has an effect is: a
// write, a call, a run-time error that may be raised, the end of a block. What an instruction that is alive
// uses is alive, too. The rest goes. Starting from "everything is dead", and not from "what has no users is
// dead", is what also removes values that only use each other, such as the phi and the addition of a counter
// that nobody looks at.
//
// An instruction is not dead because its result is unused: `length v1` raises an error if v1 is no array,
// and that can be seen. The types decide: `sub v1, v2` of two numbers goes, of two unknown values it stays.
// A loop that computes nothing stays, too: whether it ends is not known. Running out of memory does not
// count as an effect: a program that dies of strings which nobody looks at may live on when they go.
// An unused guard goes unless it must stay (guards.h). A frame state is alive if an instruction that is alive refers
// to it.
//
// Source: Cytron, Ferrante, Rosen, Wegman, Zadeck 1991, section 7.1, without the dead branches.
#include "opt/opt.h"

#include <stdlib.h>

#include "opt/guards.h"

typedef struct Marks {
    Ir *ir;
    uint8_t *alive; // indexed by Ref
    Ref *pending;   // alive, operands not marked yet
    size_t num_pending;
} Marks;

static void mark(Marks *marks, Ref ref) {
    if (marks->alive[ref]) return;
    marks->alive[ref] = true;
    marks->pending[marks->num_pending++] = ref; // once for each instruction: there is room
}

static void mark_roots(Marks *marks) {
    bool guards = has_guards(marks->ir);
    IR_ALL(marks->ir, ref)
        if (ir_has_effect(marks->ir, ref) || (guards && guard_must_stay(marks->ir, ref))) mark(marks, ref);
}

static void mark_operands(Marks *marks) {
    while (marks->num_pending > 0) {
        Ref ref = marks->pending[--marks->num_pending];
        for (uint32_t i = 0; i < marks->ir->ins[ref].num_args; i++) mark(marks, ir_args(marks->ir, ref)[i]);
        if (marks->ir->ins[ref].state != NO_REF) mark(marks, marks->ir->ins[ref].state);
    }
}

static void sweep(Marks *marks) {
    IR_ALL(marks->ir, ref)
        if (!marks->alive[ref]) ir_remove(marks->ir, ref);
}

void opt_dce(Ir *ir) {
    ir_infer_types(ir);
    Marks marks = {ir, xcalloc(ir->num_ins, 1), xcalloc(ir->num_ins, sizeof(Ref)), 0};
    mark_roots(&marks);
    mark_operands(&marks);
    sweep(&marks);
    free(marks.alive);
    free(marks.pending);
}
