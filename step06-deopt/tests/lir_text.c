#include "lir_text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ir/lower.h"
#include "random_lir.h"
#include "testing/test_main.h"

typedef struct Reader {
    Lir lir;
    const char *at;
} Reader;

static void skip_space(Reader *r) {
    for (;; r->at++) {
        if (*r->at == ';') r->at += strcspn(r->at, "\n");
        if (!isspace((unsigned char)*r->at)) return;
    }
}

static bool take(Reader *r, const char *word) {
    skip_space(r);
    size_t length = strlen(word);
    if (strncmp(r->at, word, length) != 0) return false;
    if (isalpha((unsigned char)word[length - 1]) && (isalnum((unsigned char)r->at[length]) || r->at[length] == '_')) return false;
    r->at += length;
    return true;
}

static void expect(Reader *r, const char *word) {
    if (!take(r, word)) fail_msg("'%s' expected at '%.40s'", word, r->at);
}

static int64_t read_number(Reader *r) {
    skip_space(r);
    char *end;
    int64_t n = strtoll(r->at, &end, 10);
    if (end == r->at) fail_msg("a number expected at '%.40s'", r->at);
    r->at = end;
    return n;
}

static bool is_name(const Reader *r, char letter) { return r->at[0] == letter && isdigit((unsigned char)r->at[1]); }

static uint32_t read_name(Reader *r, char letter) {
    skip_space(r);
    if (!is_name(r, letter)) fail_msg("%c0, %c1 ... expected at '%.40s'", letter, letter, r->at);
    r->at++;
    uint32_t n = (uint32_t)read_number(r);
    if (letter == 'v' && n >= r->lir.num_vregs) r->lir.num_vregs = n + 1;
    return n;
}

static Rep read_rep(Reader *r) { return take(r, ":i32") ? REP_I32 : take(r, ":f64") ? REP_F64 : REP_TAGGED; }

// A number, in the representation that is written behind it, or else in *rep.
static int64_t read_bits(Reader *r, Rep *rep) {
    skip_space(r);
    char *end;
    double d = strtod(r->at, &end);
    if (end == r->at) fail_msg("a number expected at '%.40s'", r->at);
    r->at = end;
    Rep written = read_rep(r);
    if (written != REP_TAGGED) *rep = written;
    if (*rep == REP_TAGGED) return int_imm((int32_t)d);
    return *rep == REP_I32 ? (int64_t)(uint32_t)(int32_t)d : (int64_t)double_bits(d);
}

static LirMove read_source_as(Reader *r, Rep *rep) {
    skip_space(r);
    if (is_name(r, 'v')) return (LirMove){.d = NO_VREG, .s = read_name(r, 'v')};
    return (LirMove){.d = NO_VREG, .s = NO_VREG, .imm = read_bits(r, rep)};
}

static LirMove read_source(Reader *r) {
    Rep rep = REP_TAGGED;
    return read_source_as(r, &rep);
}

static LirOperand read_operand(Reader *r, Rep rep) {
    LirMove source = read_source_as(r, &rep);
    return (LirOperand){source.s, source.imm};
}

static const struct {
    const char *name;
    LirOp op;
} arithmetic[] = {{"add", LIR_ADD}, {"sub", LIR_SUB}, {"mul", LIR_MUL}, {"div", LIR_DIV}, {"rem", LIR_REM}};

static const struct {
    const char *name;
    Cond cc;
} conds[] = {{"==", CC_E}, {"!=", CC_NE}, {"!>", CC_LE}, {"!<", CC_GE}, {"<=", CC_LE}, {">=", CC_GE}, {"<", CC_L}, {">", CC_G}};

static void read_condition(Reader *r, LirIns *ins, Rep rep) {
    ins->a = read_name(r, 'v');
    for (size_t i = 0; i < sizeof conds / sizeof *conds; i++) {
        if (!take(r, conds[i].name)) continue;
        ins->cc = conds[i].cc;
        ins->b = read_operand(r, rep);
        return;
    }
    fail_msg("a condition expected at '%.40s'", r->at);
}

static void read_call(Reader *r, VReg d) {
    skip_space(r);
    size_t length = strcspn(r->at, "(");
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)length, r->at);
    r->at += length;
    const Function *callee = program_find(r->lir.program, name);
    if (!callee) fail_msg("no function '%s'", name);
    LirIns *ins = lir_append(&r->lir, LIR_CALL);
    ins->d = d;
    ins->target = function_index(r->lir.program, callee);
    expect(r, "(");
    while (!take(r, ")")) {
        lir_append_move(&r->lir, read_source(r));
        take(r, ",");
    }
}

static void read_phi(Reader *r, VReg d) {
    Lir *lir = &r->lir;
    GROW(lir->phis, lir->num_phis, lir->cap_phis);
    LirPhi *phi = &lir->phis[lir->num_phis++];
    *phi = (LirPhi){.d = d, .first_arg = (uint32_t)lir->num_moves};
    lir->blocks[lir->num_blocks - 1].num_phis++;
    do {
        GROW(lir->moves, lir->num_moves, lir->cap_moves);
        lir->moves[lir->num_moves++] = read_source_as(r, &phi->rep);
    } while (take(r, ","));
}

static void read_value(Reader *r) {
    Lir *lir = &r->lir;
    Rep rep = REP_TAGGED;
    LirMove source = read_source_as(r, &rep);
    if (source.s != NO_VREG) rep = read_rep(r);
    GROW(lir->values, lir->num_values, lir->cap_values);
    lir->values[lir->num_values++] = (LirValue){source.s, source.imm, rep};
}

// "-> exit 3 @12 [v1:i32, 5, v7]", of the newest instruction
static void read_exit(Reader *r) {
    Lir *lir = &r->lir;
    take(r, "lazy");
    expect(r, "exit");
    if (!take(r, "@")) {
        assert_int_equal(read_number(r), lir->num_exits);
        expect(r, "@");
    }
    LirExit exit = {.pc = (uint32_t)read_number(r), .first_value = (uint32_t)lir->num_values};
    expect(r, "[");
    while (!take(r, "]")) {
        read_value(r);
        exit.num_values++;
        take(r, ",");
    }
    GROW(lir->exits, lir->num_exits, lir->cap_exits);
    lir->ins[lir->num_ins - 1].exit = (uint32_t)lir->num_exits;
    lir->exits[lir->num_exits++] = exit;
}

// The typed operations by the form of their operands.
typedef enum TypedForm { UNARY, BINARY, SHAPE, FIELD, STORED_FIELD, STORED_ELEMENT } TypedForm;

static const struct {
    const char *name;
    LirOp op;
    TypedForm form;
    Rep rep; // of constants
} typed[] = {
    {"guard_tag", LIR_GUARD_TAG, UNARY, REP_TAGGED},
    {"guard_number", LIR_GUARD_NUMBER, UNARY, REP_TAGGED},
    {"guard_shape", LIR_GUARD_SHAPE, SHAPE, REP_TAGGED},
    {"guard_bounds", LIR_GUARD_BOUNDS, BINARY, REP_TAGGED},
    {"add_i32", LIR_ADD_I32, BINARY, REP_I32},
    {"sub_i32", LIR_SUB_I32, BINARY, REP_I32},
    {"mul_i32", LIR_MUL_I32, BINARY, REP_I32},
    {"div_i32", LIR_DIV_I32, BINARY, REP_I32},
    {"rem_i32", LIR_REM_I32, BINARY, REP_I32},
    {"load_element", LIR_LOAD_ELEMENT, BINARY, REP_I32},
    {"add_f64", LIR_ADD_F64, BINARY, REP_F64},
    {"sub_f64", LIR_SUB_F64, BINARY, REP_F64},
    {"mul_f64", LIR_MUL_F64, BINARY, REP_F64},
    {"div_f64", LIR_DIV_F64, BINARY, REP_F64},
    {"tag_i32", LIR_TAG_I32, UNARY, REP_TAGGED},
    {"untag_i32", LIR_UNTAG_I32, UNARY, REP_TAGGED},
    {"i32_to_f64", LIR_I32_TO_F64, UNARY, REP_TAGGED},
    {"f64_to_i32", LIR_F64_TO_I32, UNARY, REP_TAGGED},
    {"tag_f64", LIR_TAG_F64, UNARY, REP_TAGGED},
    {"number_to_f64", LIR_NUMBER_TO_F64, UNARY, REP_TAGGED},
    {"load_field", LIR_LOAD_FIELD, FIELD, REP_TAGGED},
    {"store_field", LIR_STORE_FIELD, STORED_FIELD, REP_TAGGED},
    {"store_shape", LIR_STORE_SHAPE, SHAPE, REP_TAGGED},
    {"array_length", LIR_ARRAY_LENGTH, UNARY, REP_TAGGED},
    {"store_element", LIR_STORE_ELEMENT, STORED_ELEMENT, REP_I32},
};

static void read_typed_operands(Reader *r, LirIns *ins, TypedForm form, Rep rep) {
    ins->a = read_name(r, 'v');
    if (form == FIELD || form == STORED_FIELD) {
        expect(r, "+");
        ins->imm = read_number(r);
    }
    if (form == UNARY || form == FIELD) return;
    expect(r, ",");
    if (form == SHAPE) ins->imm = read_number(r);
    else ins->b = read_operand(r, rep);
    if (form != STORED_ELEMENT) return;
    expect(r, ",");
    ins->c = read_operand(r, REP_TAGGED);
}

// Returns false if no typed operation stands here.
static bool read_typed(Reader *r, VReg d) {
    size_t i = 0, count = sizeof typed / sizeof *typed;
    while (i < count && !take(r, typed[i].name)) i++;
    if (i == count) return false;
    LirIns *ins = lir_append(&r->lir, typed[i].op);
    ins->d = d;
    read_typed_operands(r, ins, typed[i].form, typed[i].rep);
    return true;
}

static const struct {
    const char *name;
    LirOp op;
    Rep rep;
} comparisons[] = {
    {"compare", LIR_COMPARE, REP_TAGGED},
    {"compare_i32", LIR_COMPARE_I32, REP_I32},
    {"compare_f64", LIR_COMPARE_F64, REP_F64},
}, branches[] = {
    {"branch", LIR_BRANCH, REP_TAGGED},
    {"branch_i32", LIR_BRANCH_I32, REP_I32},
    {"branch_f64", LIR_BRANCH_F64, REP_F64},
};

static bool read_comparison(Reader *r, VReg d) {
    for (size_t i = 0; i < sizeof comparisons / sizeof *comparisons; i++) {
        if (!take(r, comparisons[i].name)) continue;
        LirIns *ins = lir_append(&r->lir, comparisons[i].op);
        ins->d = d;
        read_condition(r, ins, comparisons[i].rep);
        return true;
    }
    return false;
}

static void read_result(Reader *r, VReg d) {
    if (take(r, "phi")) {
        read_phi(r, d);
    } else if (take(r, "const")) {
        LirIns *ins = lir_append(&r->lir, LIR_CONST);
        ins->d = d;
        ins->imm = read_bits(r, &ins->rep);
    } else if (read_comparison(r, d) || read_typed(r, d)) {
        return;
    } else if (take(r, "call")) {
        read_call(r, d);
    } else {
        size_t i = 0, count = sizeof arithmetic / sizeof *arithmetic;
        while (i < count && !take(r, arithmetic[i].name)) i++;
        if (i == count) fail_msg("an operation expected at '%.40s'", r->at);
        LirIns *ins = lir_append(&r->lir, arithmetic[i].op);
        ins->d = d;
        ins->a = read_name(r, 'v');
        expect(r, ",");
        ins->b = read_operand(r, REP_TAGGED);
    }
}

static void read_moves(Reader *r) {
    lir_append(&r->lir, LIR_MOVES);
    do {
        VReg d = read_name(r, 'v');
        expect(r, "<-");
        LirMove move = read_source(r);
        move.d = d;
        lir_append_move(&r->lir, move);
    } while (take(r, ","));
}

static void read_params(Reader *r) {
    lir_append(&r->lir, LIR_PARAMS);
    do {
        skip_space(r);
        if (is_name(r, 'v')) lir_append_move(&r->lir, (LirMove){.d = read_name(r, 'v'), .s = NO_VREG});
    } while (take(r, ","));
}

// The number of the branch in the table, or that of the table's entries.
static size_t take_branch(Reader *r) {
    size_t i = 0;
    while (i < sizeof branches / sizeof *branches && !take(r, branches[i].name)) i++;
    return i;
}

static void read_branch(Reader *r, size_t which) {
    LirIns *ins = lir_append(&r->lir, branches[which].op);
    read_condition(r, ins, branches[which].rep);
    expect(r, ",");
    ins->target = read_name(r, 'B');
    uint32_t otherwise = (uint32_t)r->lir.num_blocks;
    if (take(r, ",")) {
        expect(r, "else");
        otherwise = read_name(r, 'B');
    }
    LirBlock *block = &r->lir.blocks[r->lir.num_blocks - 1];
    block->successors[0] = otherwise;
    block->successors[1] = ins->target;
    block->num_successors = 2;
}

static void read_line(Reader *r) {
    size_t branch = sizeof branches / sizeof *branches;
    skip_space(r);
    if (is_name(r, 'B')) {
        uint32_t index = read_name(r, 'B');
        assert_int_equal(index, r->lir.num_blocks);
        expect(r, ":");
        lir_begin_block(&r->lir);
        r->lir.blocks[index].first_phi = (uint32_t)r->lir.num_phis;
    } else if (is_name(r, 'v')) {
        VReg d = read_name(r, 'v');
        expect(r, "<-");
        read_result(r, d);
    } else if (take(r, "params")) {
        read_params(r);
    } else if (take(r, "moves")) {
        read_moves(r);
    } else if ((branch = take_branch(r)) < sizeof branches / sizeof *branches) {
        read_branch(r, branch);
    } else if (read_typed(r, NO_VREG)) {
    } else if (take(r, "jump")) {
        LirIns *ins = lir_append(&r->lir, LIR_JUMP);
        ins->target = read_name(r, 'B');
        LirBlock *block = &r->lir.blocks[r->lir.num_blocks - 1];
        block->successors[0] = ins->target;
        block->num_successors = 1;
    } else {
        expect(r, "return");
        LirIns *ins = lir_append(&r->lir, LIR_RETURN);
        ins->a = read_name(r, 'v');
    }
    if (take(r, "->")) read_exit(r);
}

static void find_preds(Lir *lir) {
    for (uint32_t b = 0; b < lir->num_blocks; b++) {
        lir->blocks[b].first_pred = (uint32_t)lir->num_preds;
        for (uint32_t p = 0; p < lir->num_blocks; p++) {
            for (uint32_t s = 0; s < lir->blocks[p].num_successors; s++) {
                if (lir->blocks[p].successors[s] != b) continue;
                GROW(lir->preds, lir->num_preds, lir->cap_preds);
                lir->preds[lir->num_preds++] = p;
                lir->blocks[b].num_preds++;
            }
        }
    }
}

Lir lir_from(const Program *program, const char *text) {
    Reader r = {.lir = {.program = program, .function = &program->functions[0]}, .at = text};
    for (skip_space(&r); *r.at; skip_space(&r)) read_line(&r);
    for (uint32_t i = 0; i < r.lir.num_ins; i++) r.lir.ins[i].pc = i;
    r.lir.blocks[r.lir.num_blocks - 1].end = (uint32_t)r.lir.num_ins;
    find_preds(&r.lir);
    lir_link_blocks(&r.lir);
    char fault[200];
    if (!lir_verify(&r.lir, fault, sizeof fault)) {
        lir_print(stderr, &r.lir);
        fail_msg("%s", fault);
    }
    return r.lir;
}

Lir lir_of_function(Program *program, uint32_t function) {
    Ir ir;
    Lir lir;
    assert_true(ir_build(&ir, program, function));
    ir_lower(&ir, &lir);
    ir_free(&ir);
    char fault[200];
    if (!lir_verify(&lir, fault, sizeof fault)) fail_msg("%s", fault);
    return lir;
}
