// LIR: visitors and text.
#include "backend/lir.h"

#include <inttypes.h>
#include <math.h>

#include "bytecode/parse.h"
#include "object/number.h"

static const char *const op_names[NUM_LIR_OPS] = {
#define NAME_ROW(name, text) [LIR_##name] = text,
    LIR_OPS(NAME_ROW)
#undef NAME_ROW
};

void lir_visit_exit(const Lir *lir, const LirIns *ins, LirVisitor *visit, void *context) {
    Rep rep;
    if (ins->exit == NO_EXIT) return;
    const LirExit *exit = &lir->exits[ins->exit];
    VReg subject = lir_guard_subject(ins, &rep);
    if (subject != NO_VREG) visit(context, subject);
    for (uint32_t i = 0; i < exit->num_values; i++) {
        VReg vreg = lir->values[exit->first_value + i].vreg;
        if (vreg != NO_VREG && !(ins->takes_back && vreg == ins->d)) visit(context, vreg);
    }
}

DeoptReason lir_exit_reason(const LirIns *ins) {
    switch (ins->op) {
    case LIR_GUARD_TAG: return DEOPT_INT;
    case LIR_GUARD_NUMBER: return DEOPT_NUMBER;
    case LIR_GUARD_SHAPE: return DEOPT_SHAPE;
    case LIR_GUARD_BOUNDS: return DEOPT_BOUNDS;
    case LIR_LOAD_ELEMENT: return DEOPT_HOLE;
    default: return is_guard(ins) ? DEOPT_OVERFLOW : DEOPT_LAZY;
    }
}

void lir_visit_reads(const Lir *lir, const LirIns *ins, LirVisitor *visit, void *context) {
    if (ins->a != NO_VREG) visit(context, ins->a);
    if (ins->b.vreg != NO_VREG) visit(context, ins->b.vreg);
    if (ins->c.vreg != NO_VREG) visit(context, ins->c.vreg);
    lir_visit_exit(lir, ins, visit, context);
    for (uint32_t i = 0; i < ins->num_moves; i++) {
        VReg s = lir->moves[ins->first_move + i].s;
        if (s != NO_VREG) visit(context, s);
    }
}

void lir_visit_writes(const Lir *lir, const LirIns *ins, LirVisitor *visit, void *context) {
    if (ins->d != NO_VREG) visit(context, ins->d);
    for (uint32_t i = 0; i < ins->num_moves; i++) {
        VReg d = lir->moves[ins->first_move + i].d;
        if (d != NO_VREG) visit(context, d);
    }
}

void lir_visit_phi_args(const Lir *lir, uint32_t block, LirVisitor *visit, void *context) {
    const LirBlock *from = &lir->blocks[block];
    for (uint32_t i = 0; i < from->num_successors; i++) {
        const LirBlock *to = &lir->blocks[from->successors[i]];
        for (uint32_t k = 0; k < to->num_phis; k++) {
            VReg s = lir_phi_args(lir, &lir->phis[to->first_phi + k])[from->pred_index].s;
            if (s != NO_VREG) visit(context, s);
        }
    }
}

void lir_print_vreg(FILE *out, const Lir *lir, VReg vreg) {
    (void)lir;
    fprintf(out, "v%u", vreg);
}

// The conditions that the bytecode's comparisons and their negations make. "Not less" is not "greater or equal":
// with NaN neither holds.
static const char *const cond_names[] = {
    [CC_E] = "==", [CC_NE] = "!=", [CC_L] = "<", [CC_GE] = "!<", [CC_G] = ">", [CC_LE] = "!>",
};

static const char *const rep_names[NUM_REPS] = {[REP_TAGGED] = "", [REP_I32] = ":i32", [REP_F64] = ":f64"};

static void print_bits(FILE *out, int64_t bits, Rep rep) {
    char text[NUMBER_TEXT_SIZE];
    double d = double_from_bits((uint64_t)bits);
    if (rep == REP_TAGGED) {
        constant_print(out, (Value)bits);
    } else if (rep == REP_I32) {
        fprintf(out, "%d", (int32_t)bits);
    } else {
        number_to_text(d, text);
        fprintf(out, "%s%s", d == 0 && signbit(d) ? "-" : "", text);
    }
}

// A typed operation's constant is one of its type.
static Rep operand_rep(const LirIns *ins) {
    switch (ins->op) {
    case LIR_ADD_F64:
    case LIR_SUB_F64:
    case LIR_MUL_F64:
    case LIR_DIV_F64:
    case LIR_COMPARE_F64:
    case LIR_BRANCH_F64: return REP_F64;
    case LIR_STORE_FIELD: return REP_TAGGED;
    default: return is_typed(ins) ? REP_I32 : REP_TAGGED;
    }
}

static void print_operand(FILE *out, const Lir *lir, LirOperand operand, Rep rep) {
    if (is_imm(operand)) print_bits(out, operand.imm, rep);
    else lir_print_vreg(out, lir, operand.vreg);
}

static void print_source(FILE *out, const Lir *lir, LirMove move, Rep rep) {
    if (move.s != NO_VREG) lir_print_vreg(out, lir, move.s);
    else print_bits(out, move.imm, rep);
}

// "v0 <- 5, v1 <- v3"
static void print_moves(FILE *out, const Lir *lir, const LirIns *ins) {
    for (uint32_t i = 0; i < ins->num_moves; i++) {
        LirMove move = lir->moves[ins->first_move + i];
        fputs(i ? ", " : " ", out);
        lir_print_vreg(out, lir, move.d);
        if (ins->op == LIR_PARAMS) continue;
        fputs(" <- ", out);
        print_source(out, lir, move, REP_TAGGED);
    }
}

// What a call, or a FUNCTION or PROTOTYPE, is about: the name of a function, a class or a property.
static void print_subject(FILE *out, const Lir *lir, const LirIns *ins) {
    fputc(' ', out);
    switch (ins->op) {
    case LIR_CALL:
    case LIR_FUNCTION: fputs(lir->program->functions[ins->target].name, out); break;
    case LIR_CALL_NATIVE: fputs(lir->program->natives[ins->target].name, out); break;
    case LIR_NEW_OBJECT:
    case LIR_PROTOTYPE: fputs(lir->program->classes[ins->target].name, out); break;
    case LIR_CALL_METHOD:
    case LIR_GET_PROPERTY:
    case LIR_SET_PROPERTY:
    case LIR_DELETE_PROPERTY: name_print(out, (const String *)(uintptr_t)ins->imm); break;
    default: break;
    }
}

static void print_call(FILE *out, const Lir *lir, const LirIns *ins) {
    print_subject(out, lir, ins);
    fputc('(', out);
    for (uint32_t i = 0; i < ins->num_moves; i++) {
        if (i) fputs(", ", out);
        print_source(out, lir, lir->moves[ins->first_move + i], REP_TAGGED);
    }
    fputc(')', out);
}

// " -> exit 3 @12 [v1:i32, 5, v7]"; a call's is a "lazy exit", one that undoes its instruction "exit 3 back @12"
static void print_exit(FILE *out, const Lir *lir, const LirIns *ins) {
    const LirExit *exit = &lir->exits[ins->exit];
    fprintf(out, " -> %sexit %u", is_call(ins) ? "lazy " : "", ins->exit);
    fprintf(out, "%s @%u [", ins->takes_back ? " back" : "", exit->pc);
    for (uint32_t i = 0; i < exit->num_values; i++) {
        LirValue value = lir->values[exit->first_value + i];
        if (i) fputs(", ", out);
        print_operand(out, lir, (LirOperand){value.vreg, value.imm}, value.rep);
        fputs(rep_names[value.rep], out);
    }
    fputc(']', out);
}

static bool has_condition(const LirIns *ins) {
    switch (ins->op) {
    case LIR_COMPARE:
    case LIR_COMPARE_I32:
    case LIR_COMPARE_F64:
    case LIR_BRANCH:
    case LIR_BRANCH_I32:
    case LIR_BRANCH_F64: return true;
    default: return false;
    }
}

static bool has_b(const LirIns *ins) {
    switch (ins->op) {
    case LIR_ADD:
    case LIR_SUB:
    case LIR_MUL:
    case LIR_DIV:
    case LIR_REM:
    case LIR_GUARD_BOUNDS:
    case LIR_ADD_I32:
    case LIR_SUB_I32:
    case LIR_MUL_I32:
    case LIR_DIV_I32:
    case LIR_REM_I32:
    case LIR_LOAD_ELEMENT:
    case LIR_ADD_F64:
    case LIR_SUB_F64:
    case LIR_MUL_F64:
    case LIR_DIV_F64:
    case LIR_STORE_FIELD:
    case LIR_STORE_ELEMENT: return true;
    default: return has_condition(ins);
    }
}

void lir_print_ins(FILE *out, const Lir *lir, const LirIns *ins) {
    if (ins->d != NO_VREG) {
        lir_print_vreg(out, lir, ins->d);
        fputs(" <- ", out);
    }
    fputs(op_names[ins->op], out);
    if (ins->op == LIR_CONST) {
        fputc(' ', out);
        print_bits(out, ins->imm, ins->rep);
        fputs(rep_names[ins->rep], out);
    }
    if (ins->op == LIR_FUNCTION || ins->op == LIR_PROTOTYPE) print_subject(out, lir, ins);
    if (ins->op == LIR_NEW_ARRAY) fprintf(out, " %" PRId64, ins->imm);
    if (ins->op == LIR_PARAMS || ins->op == LIR_MOVES) print_moves(out, lir, ins);
    if (is_call(ins) && ins->op != LIR_NEW_ARRAY) print_call(out, lir, ins);
    if (ins->a != NO_VREG) {
        fputc(' ', out);
        lir_print_vreg(out, lir, ins->a);
    }
    if (ins->op == LIR_LOAD_FIELD || ins->op == LIR_STORE_FIELD) fprintf(out, " + %" PRId64, ins->imm);
    if (ins->op == LIR_GUARD_SHAPE || ins->op == LIR_STORE_SHAPE) fprintf(out, ", %" PRId64, ins->imm);
    if (has_condition(ins)) fprintf(out, " %s ", cond_names[ins->cc]);
    else if (has_b(ins)) fputs(", ", out);
    if (has_b(ins)) print_operand(out, lir, ins->b, operand_rep(ins));
    if (ins->op == LIR_STORE_ELEMENT) {
        fputs(", ", out);
        print_operand(out, lir, ins->c, REP_TAGGED);
    }
    if (ins->op == LIR_JUMP) fprintf(out, " B%u", ins->target);
    if (is_branch(ins)) fprintf(out, ", B%u", ins->target);
    if (ins->exit != NO_EXIT) print_exit(out, lir, ins);
}

// "  B1:  ; from B0, B3  ; loop depth 1"
static void print_head(FILE *out, const Lir *lir, uint32_t index) {
    const LirBlock *block = &lir->blocks[index];
    fprintf(out, "  B%u:", index);
    for (uint32_t k = 0; k < block->num_preds; k++)
        fprintf(out, "%sB%u", k ? ", " : "  ; from ", lir_preds(lir, index)[k]);
    if (block->loop_depth) fprintf(out, "  ; loop depth %u", block->loop_depth);
    fputc('\n', out);
}

// "v4 <- phi v1, 7"
static void print_phi(FILE *out, const Lir *lir, const LirPhi *phi, uint32_t num_args) {
    fputs("          ", out);
    lir_print_vreg(out, lir, phi->d);
    fputs(" <- phi", out);
    for (uint32_t k = 0; k < num_args; k++) {
        fputs(k ? ", " : " ", out);
        LirMove arg = lir_phi_args(lir, phi)[k];
        print_source(out, lir, arg, phi->rep);
        if (arg.s == NO_VREG) fputs(rep_names[phi->rep], out);
    }
    fputc('\n', out);
}

void lir_print(FILE *out, const Lir *lir) {
    fprintf(out, "%s:\n", lir->function->name);
    for (uint32_t b = 0; b < lir->num_blocks; b++) {
        const LirBlock *block = &lir->blocks[b];
        print_head(out, lir, b);
        for (uint32_t k = 0; k < block->num_phis; k++)
            print_phi(out, lir, &lir->phis[block->first_phi + k], block->num_preds);
        for (uint32_t i = block->start; i < block->end; i++) {
            fprintf(out, "    %4u  ", i);
            lir_print_ins(out, lir, &lir->ins[i]);
            if (is_branch(&lir->ins[i]) && block->successors[0] != b + 1)
                fprintf(out, ", else B%u", block->successors[0]);
            fputc('\n', out);
        }
    }
}
