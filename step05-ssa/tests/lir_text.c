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

static LirMove read_source(Reader *r) {
    skip_space(r);
    if (is_name(r, 'v')) return (LirMove){.d = NO_VREG, .s = read_name(r, 'v')};
    return (LirMove){.d = NO_VREG, .s = NO_VREG, .imm = int_imm((int32_t)read_number(r))};
}

static LirOperand read_operand(Reader *r) {
    LirMove source = read_source(r);
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

static void read_condition(Reader *r, LirIns *ins) {
    ins->a = read_name(r, 'v');
    for (size_t i = 0; i < sizeof conds / sizeof *conds; i++) {
        if (!take(r, conds[i].name)) continue;
        ins->cc = conds[i].cc;
        ins->b = read_operand(r);
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
    lir->phis[lir->num_phis++] = (LirPhi){d, (uint32_t)lir->num_moves};
    lir->blocks[lir->num_blocks - 1].num_phis++;
    do {
        GROW(lir->moves, lir->num_moves, lir->cap_moves);
        lir->moves[lir->num_moves++] = read_source(r);
    } while (take(r, ","));
}

static void read_result(Reader *r, VReg d) {
    if (take(r, "phi")) {
        read_phi(r, d);
    } else if (take(r, "const")) {
        LirIns *ins = lir_append(&r->lir, LIR_CONST);
        ins->d = d;
        ins->imm = int_imm((int32_t)read_number(r));
    } else if (take(r, "compare")) {
        LirIns *ins = lir_append(&r->lir, LIR_COMPARE);
        ins->d = d;
        read_condition(r, ins);
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
        ins->b = read_operand(r);
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

static void read_branch(Reader *r) {
    LirIns *ins = lir_append(&r->lir, LIR_BRANCH);
    read_condition(r, ins);
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
    } else if (take(r, "branch")) {
        read_branch(r);
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
