// LIR: visitors and text.
#include "backend/lir.h"

#include <inttypes.h>

static const char *const op_names[NUM_LIR_OPS] = {
#define NAME_ROW(name, text) [LIR_##name] = text,
    LIR_OPS(NAME_ROW)
#undef NAME_ROW
};

void lir_visit_reads(const Lir *lir, const LirIns *ins, LirVisitor *visit, void *context) {
    if (ins->a != NO_VREG) visit(context, ins->a);
    if (ins->b.vreg != NO_VREG) visit(context, ins->b.vreg);
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

void lir_print_vreg(FILE *out, const Lir *lir, VReg vreg) {
    uint32_t num_locals = lir->function->num_locals;
    if (vreg < num_locals) fprintf(out, "l%u", vreg);
    else if (vreg < lir->num_globals) fprintf(out, "s%u", vreg - num_locals);
    else fprintf(out, "v%u", vreg - lir->num_globals);
}

// The conditions that the bytecode's comparisons and their negations make.
static const char *const cond_names[] = {
    [CC_E] = "==", [CC_NE] = "!=", [CC_L] = "<", [CC_GE] = ">=", [CC_G] = ">", [CC_LE] = "<=",
};

static void print_operand(FILE *out, const Lir *lir, LirOperand operand) {
    if (is_imm(operand)) fprintf(out, "%d", operand.imm);
    else lir_print_vreg(out, lir, operand.vreg);
}

static void print_source(FILE *out, const Lir *lir, LirMove move) {
    if (move.s != NO_VREG) lir_print_vreg(out, lir, move.s);
    else fprintf(out, "%" PRId64, move.imm);
}

// "l0 <- 5, s0 <- v3"
static void print_moves(FILE *out, const Lir *lir, const LirIns *ins) {
    for (uint32_t i = 0; i < ins->num_moves; i++) {
        LirMove move = lir->moves[ins->first_move + i];
        fputs(i ? ", " : " ", out);
        lir_print_vreg(out, lir, move.d);
        if (ins->op == LIR_PARAMS) continue;
        fputs(" <- ", out);
        print_source(out, lir, move);
    }
}

static const char *callee_name(const Lir *lir, const LirIns *ins) {
    if (ins->op == LIR_CALL_NATIVE) return lir->program->natives[ins->target].name;
    return lir->program->functions[ins->target].name;
}

static void print_call(FILE *out, const Lir *lir, const LirIns *ins) {
    fprintf(out, " %s(", callee_name(lir, ins));
    for (uint32_t i = 0; i < ins->num_moves; i++) {
        if (i) fputs(", ", out);
        print_source(out, lir, lir->moves[ins->first_move + i]);
    }
    fputc(')', out);
}

void lir_print_ins(FILE *out, const Lir *lir, const LirIns *ins) {
    if (ins->d != NO_VREG) {
        lir_print_vreg(out, lir, ins->d);
        fputs(" <- ", out);
    }
    fputs(op_names[ins->op], out);
    if (ins->op == LIR_CONST) fprintf(out, " %" PRId64, ins->imm);
    if (ins->op == LIR_PARAMS || ins->op == LIR_MOVES) print_moves(out, lir, ins);
    if (is_call(ins)) print_call(out, lir, ins);
    if (ins->a != NO_VREG) {
        fputc(' ', out);
        lir_print_vreg(out, lir, ins->a);
    }
    if (ins->op == LIR_COMPARE || ins->op == LIR_BRANCH) fprintf(out, " %s", cond_names[ins->cc]);
    else if (ins->op == LIR_ADD || ins->op == LIR_SUB || ins->op == LIR_MUL || is_division(ins)) fputc(',', out);
    else if (ins->op != LIR_JUMP) return;
    if (ins->op != LIR_JUMP) {
        fputc(' ', out);
        print_operand(out, lir, ins->b);
    }
    if (ins->op == LIR_JUMP) fprintf(out, " B%u", ins->target);
    if (ins->op == LIR_BRANCH) fprintf(out, ", B%u", ins->target);
}

// "  B1:  ; loop depth 1"
static void print_head(FILE *out, const Lir *lir, uint32_t index) {
    const LirBlock *block = &lir->blocks[index];
    fprintf(out, "  B%u:", index);
    if (block->loop_depth) fprintf(out, "  ; loop depth %u", block->loop_depth);
    fputc('\n', out);
}

void lir_print(FILE *out, const Lir *lir) {
    fprintf(out, "%s:\n", lir->function->name);
    for (uint32_t b = 0; b < lir->num_blocks; b++) {
        const LirBlock *block = &lir->blocks[b];
        print_head(out, lir, b);
        for (uint32_t i = block->start; i < block->end; i++) {
            fprintf(out, "    %4u  ", i);
            lir_print_ins(out, lir, &lir->ins[i]);
            fputc('\n', out);
        }
    }
}
