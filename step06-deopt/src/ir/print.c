// Printer of the IR's text form. A value keeps its name, v and its index, as long as it lives: so dumps from
// before and behind a pass can be compared.
#include <inttypes.h>

#include "bytecode/parse.h"
#include "ir/ir.h"

const char *const ir_shape_names[FIRST_OBJECT_SHAPE] = {
    [SHAPE_NUMBER] = "number", [SHAPE_STRING] = "string", [SHAPE_FUNCTION] = "function", [SHAPE_ARRAY] = "array",
};

const char *const ir_rep_names[NUM_REPS] = {[REP_TAGGED] = "tagged", [REP_I32] = "i32", [REP_F64] = "f64"};

static void print_shape(FILE *out, uint32_t shape) {
    if (shape < FIRST_OBJECT_SHAPE && ir_shape_names[shape]) fputs(ir_shape_names[shape], out);
    else fprintf(out, "#%u", shape);
}

// The meaning of imm and aux.
static void print_meaning(FILE *out, const Ir *ir, const IrIns *ins) {
    switch (ir_op_info[ins->op].operand) {
    case IR_PLAIN: break;
    case IR_PARAM_INDEX: fprintf(out, "%u", ins->aux); break;
    case IR_VALUE: constant_print(out, (Value)ins->imm); break;
    case IR_FUNCTION_INDEX: fputs(ir->program->functions[ins->aux].name, out); break;
    case IR_NATIVE_INDEX: fputs(ir->program->natives[ins->aux].name, out); break;
    case IR_CLASS_INDEX: fputs(ir->program->classes[ins->aux].name, out); break;
    case IR_PROPERTY: name_print(out, (const String *)(uintptr_t)ins->imm); break;
    case IR_FIELD:
        name_print(out, (const String *)(uintptr_t)ins->imm);
        fprintf(out, "+%u", ins->aux);
        break;
    case IR_SHAPE: print_shape(out, ins->aux); break;
    case IR_RESUME_POINT: fprintf(out, ins->aux == RESUME_AT ? "@%u" : "behind @%u", ins->pc); break;
    }
}

static const char *separator(bool *first) {
    const char *text = *first ? " " : ", ";
    *first = false;
    return text;
}

// Operands and meaning. The meaning comes first; but a property's name stands behind the object, as a shape does.
static void print_operands(FILE *out, const Ir *ir, Ref ref) {
    const IrIns *ins = &ir->ins[ref];
    IrOperand operand = ir_op_info[ins->op].operand;
    uint32_t meaning_at = ir_meaning_place(operand);
    bool first = true;
    for (uint32_t i = 0; i <= ins->num_args; i++) {
        if (i == meaning_at && operand != IR_PLAIN) {
            fputs(separator(&first), out);
            print_meaning(out, ir, ins);
        }
        if (i == ins->num_args) break;
        fputs(separator(&first), out);
        if (ins->op == IR_PHI) fprintf(out, "B%u: ", ir->blocks[ins->block].preds[i]);
        fprintf(out, "v%u", ir_args(ir, ref)[i]);
    }
}

static void print_targets(FILE *out, const Ir *ir, const IrIns *ins) {
    const IrBlock *block = &ir->blocks[ins->block];
    for (uint32_t s = 0; s < block->num_succ; s++)
        fprintf(out, "%sB%u", ins->op == IR_JUMP ? " " : ", ", block->succ[s]);
}

// Behind values of which more is known than the instruction says.
static void print_type(FILE *out, uint8_t type) {
    static const char *const names[] = {"int", "double", "string", "bool", "undefined", "null", "object"};
    const char *between = "  ; ";
    if (type == IRT_NONE) fputs("  ; never", out);
    for (uint32_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!(type >> i & 1)) continue;
        fprintf(out, "%s%s", between, names[i]);
        between = "|";
    }
}

// "v7 = ", "v7:i32 = "; "s7 = " of a state.
static void print_result(FILE *out, const Ir *ir, Ref ref) {
    const IrIns *ins = &ir->ins[ref];
    if (ins->op == IR_STATE) fprintf(out, "s%u = ", ref);
    if (!ir_has_result(ir, ref)) return;
    fprintf(out, "v%u", ref);
    if (ins->rep != REP_TAGGED) fprintf(out, ":%s", ir_rep_names[ins->rep]);
    fputs(" = ", out);
}

void ir_print_ins(FILE *out, const Ir *ir, Ref ref, unsigned options) {
    const IrIns *ins = &ir->ins[ref];
    print_result(out, ir, ref);
    fputs(ir_info(ir, ref)->mnemonic, out);
    print_operands(out, ir, ref);
    if (ir_is_terminator(ir, ref) && ins->block != NO_BLOCK) print_targets(out, ir, ins);
    if (ins->state != NO_REF) fprintf(out, ins->is_hoisted ? " [s%u hoisted]" : " [s%u]", ins->state);
    bool has_pc = ir_info(ir, ref)->flags & (IR_THROWS | IR_GUARDS) && ins->pc != NO_PC;
    if (options & IR_PRINT_PC && has_pc) fprintf(out, " @%u", ins->pc);
    bool has_type = ir_has_result(ir, ref) && ins->type != ir_info(ir, ref)->type && ins->op != IR_CONST;
    if (options & IR_PRINT_TYPES && has_type) print_type(out, ins->type);
}

static void print_label(FILE *out, const Ir *ir, uint32_t block, unsigned options) {
    const IrBlock *b = &ir->blocks[block];
    fprintf(out, "B%u:", block);
    if (options & IR_PRINT_BLOCKS && b->num_preds > 0) {
        fputs("  ; preds", out);
        for (size_t i = 0; i < b->num_preds; i++) fprintf(out, "%sB%u", i ? ", " : " ", b->preds[i]);
        if (ir_loop_depth(ir, block)) fprintf(out, "  loop depth %u", ir_loop_depth(ir, block));
        if (b->irreducible) fputs("  irreducible", out);
    }
    fputc('\n', out);
}

void ir_print(FILE *out, Ir *ir, unsigned options) {
    if (options & IR_PRINT_BLOCKS) ir_loops(ir);
    const Function *f = ir_function(ir);
    fprintf(out, "func %s params=%u {\n", f->name, f->num_params);
    for (uint32_t b = 0; b < ir->num_blocks; b++) {
        if (ir->blocks[b].removed) continue;
        print_label(out, ir, b, options);
        IR_EACH(ir, b, ref) {
            fputs("    ", out);
            ir_print_ins(out, ir, ref, options);
            fputc('\n', out);
        }
    }
    fputs("}\n", out);
}
