#include "random_ssa_lir.h"

#include <stdlib.h>
#include <string.h>

#include "testing/test_main.h"

// Everything here is done in the plainest way: it must share no idea with what it tests.

enum { MAX_BLOCKS = 80, MAX_VARS = 512 };

typedef struct Node { // a block of the old LIR, or one on an edge of it
    uint32_t start, end; // old instructions
    LirOp last;
    uint32_t successors[2], num_successors;
    uint32_t preds[MAX_BLOCKS], num_preds;
    bool live_in[MAX_VARS];
    VReg entry[MAX_VARS], exit[MAX_VARS]; // which new register each variable is
    uint32_t first_phi, num_phis;
    uint32_t phi_vars[MAX_VARS];
} Node;

typedef struct Converter {
    Random *random;
    const Lir *old;
    Lir lir;
    Node *nodes;
    uint32_t num_nodes;
    uint32_t order[MAX_BLOCKS], place[MAX_BLOCKS], num_placed; // reverse postorder
    bool seen[MAX_BLOCKS];
    VReg *same_as; // for each new register: another one that it turned out to be, or itself
} Converter;

static bool ends_block(const LirIns *ins) { return ins->op == LIR_JUMP || is_branch(ins) || ins->op == LIR_RETURN; }

static void read_blocks(Converter *c) {
    for (uint32_t b = 0; b < c->old->num_blocks; b++) {
        const LirBlock *block = &c->old->blocks[b];
        Node *node = &c->nodes[c->num_nodes++];
        *node = (Node){.start = block->start, .end = block->end, .last = LIR_JUMP};
        memcpy(node->successors, block->successors, sizeof block->successors);
        node->num_successors = block->num_successors;
        if (block->end > block->start && ends_block(&c->old->ins[block->end - 1])) {
            node->last = c->old->ins[block->end - 1].op;
            if (node->last == LIR_JUMP) node->end--; // made again
        }
    }
}

static void split_edges(Converter *c) {
    uint32_t into[MAX_BLOCKS] = {0};
    for (uint32_t n = 0; n < c->num_nodes; n++)
        for (uint32_t s = 0; s < c->nodes[n].num_successors; s++) into[c->nodes[n].successors[s]]++;
    uint32_t count = c->num_nodes;
    for (uint32_t n = 0; n < count; n++) {
        for (uint32_t s = 0; s < c->nodes[n].num_successors; s++) {
            uint32_t to = c->nodes[n].successors[s];
            if (c->nodes[n].num_successors < 2 || into[to] < 2) continue;
            assert_true(c->num_nodes < MAX_BLOCKS);
            c->nodes[c->num_nodes] = (Node){.last = LIR_JUMP, .successors = {to}, .num_successors = 1};
            c->nodes[n].successors[s] = c->num_nodes++;
        }
    }
}

static void number(Converter *c, uint32_t n) {
    c->seen[n] = true;
    uint32_t first = random_below(c->random, 2);
    for (uint32_t k = 0; k < c->nodes[n].num_successors; k++) {
        uint32_t to = c->nodes[n].successors[(k + first) % c->nodes[n].num_successors];
        if (!c->seen[to]) number(c, to);
    }
    c->order[c->num_nodes - ++c->num_placed] = n;
}

static void find_preds(Converter *c) {
    for (uint32_t k = 0; k < c->num_nodes; k++) c->place[c->order[k]] = k;
    for (uint32_t n = 0; n < c->num_nodes; n++) {
        for (uint32_t s = 0; s < c->nodes[n].num_successors; s++) {
            Node *to = &c->nodes[c->nodes[n].successors[s]];
            to->preds[to->num_preds++] = n;
        }
    }
}

static void set_bit(void *context, VReg vreg) { ((bool *)context)[vreg] = true; }
static void clear_bit(void *context, VReg vreg) { ((bool *)context)[vreg] = false; }

static void find_live(Converter *c) {
    for (bool grown = true; grown;) {
        grown = false;
        for (uint32_t n = 0; n < c->num_nodes; n++) {
            Node *node = &c->nodes[n];
            bool live[MAX_VARS] = {false};
            for (uint32_t s = 0; s < node->num_successors; s++)
                for (uint32_t v = 0; v < c->old->num_vregs; v++) live[v] |= c->nodes[node->successors[s]].live_in[v];
            for (uint32_t i = node->end; i-- > node->start;) {
                lir_visit_writes(c->old, &c->old->ins[i], clear_bit, live);
                lir_visit_reads(c->old, &c->old->ins[i], set_bit, live);
            }
            grown |= memcmp(live, node->live_in, sizeof live) != 0;
            memcpy(node->live_in, live, sizeof live);
        }
    }
}

static VReg new_vreg(Converter *c) { return c->lir.num_vregs++; }

static void rename_read(VReg *vreg, const VReg *now) {
    if (*vreg != NO_VREG) *vreg = now[*vreg];
}

static void rename_write(Converter *c, VReg *vreg, VReg *now) {
    if (*vreg == NO_VREG) return;
    VReg fresh = new_vreg(c);
    now[*vreg] = fresh;
    *vreg = fresh;
}

static void copy_ins(Converter *c, const LirIns *old, VReg *now) {
    LirIns *ins = lir_append(&c->lir, old->op);
    uint32_t first = ins->first_move;
    *ins = *old;
    ins->first_move = first;
    ins->num_moves = 0;
    rename_read(&ins->a, now);
    rename_read(&ins->b.vreg, now);
    for (uint32_t k = 0; k < old->num_moves; k++) {
        LirMove move = c->old->moves[old->first_move + k];
        rename_read(&move.s, now);
        lir_append_move(&c->lir, move);
    }
    ins = &c->lir.ins[c->lir.num_ins - 1];
    rename_write(c, &ins->d, now);
    for (uint32_t k = 0; k < old->num_moves; k++) rename_write(c, &c->lir.moves[first + k].d, now);
}

static void convert_block(Converter *c, uint32_t index) {
    Node *node = &c->nodes[c->order[index]];
    lir_begin_block(&c->lir);
    node->first_phi = (uint32_t)c->lir.num_phis;
    if (node->num_preds == 1 && random_below(c->random, 8)) {
        memcpy(node->entry, c->nodes[node->preds[0]].exit, sizeof node->entry);
    } else if (node->num_preds > 0) {
        for (uint32_t v = 0; v < c->old->num_vregs; v++) {
            node->entry[v] = NO_VREG;
            if (!node->live_in[v]) continue;
            node->phi_vars[node->num_phis++] = v;
            node->entry[v] = new_vreg(c);
            GROW(c->lir.phis, c->lir.num_phis, c->lir.cap_phis);
            c->lir.phis[c->lir.num_phis++] = (LirPhi){.d = node->entry[v]};
        }
    }
    memcpy(node->exit, node->entry, sizeof node->entry);
    for (uint32_t i = node->start; i < node->end; i++) copy_ins(c, &c->old->ins[i], node->exit);
    if (node->last == LIR_JUMP) lir_append(&c->lir, LIR_JUMP);
    LirBlock *block = &c->lir.blocks[index];
    block->end = (uint32_t)c->lir.num_ins;
    block->num_successors = node->num_successors;
    for (uint32_t s = 0; s < node->num_successors; s++) block->successors[s] = c->place[node->successors[s]];
    if (node->num_successors) c->lir.ins[block->end - 1].target = block->successors[node->num_successors - 1];
    block->first_phi = node->first_phi;
    block->num_phis = node->num_phis;
}

static void add_phi_args(Converter *c) {
    for (uint32_t k = 0; k < c->num_nodes; k++) {
        Node *node = &c->nodes[c->order[k]];
        LirBlock *block = &c->lir.blocks[k];
        block->first_pred = (uint32_t)c->lir.num_preds;
        block->num_preds = node->num_preds;
        for (uint32_t p = 0; p < node->num_preds; p++) {
            GROW(c->lir.preds, c->lir.num_preds, c->lir.cap_preds);
            c->lir.preds[c->lir.num_preds++] = c->place[node->preds[p]];
        }
        for (uint32_t f = 0; f < node->num_phis; f++) {
            c->lir.phis[block->first_phi + f].first_arg = (uint32_t)c->lir.num_moves;
            for (uint32_t p = 0; p < node->num_preds; p++) {
                VReg arg = c->nodes[node->preds[p]].exit[node->phi_vars[f]];
                GROW(c->lir.moves, c->lir.num_moves, c->lir.cap_moves);
                c->lir.moves[c->lir.num_moves++] = (LirMove){.d = NO_VREG, .s = arg};
            }
        }
    }
}

// Cleaning.

static VReg resolve(const Converter *c, VReg vreg) {
    while (c->same_as[vreg] != vreg) vreg = c->same_as[vreg];
    return vreg;
}

// The one register that all arguments are, but for the phi itself; or NO_VREG.
static VReg only_argument(const Converter *c, const LirPhi *phi, uint32_t count) {
    VReg only = NO_VREG;
    for (uint32_t p = 0; p < count; p++) {
        VReg arg = resolve(c, lir_phi_args(&c->lir, phi)[p].s);
        if (arg == phi->d || arg == only) continue;
        if (only != NO_VREG) return NO_VREG;
        only = arg;
    }
    return only;
}

static void drop_phis(Converter *c) {
    uint32_t keep = random_below(c->random, 3) ? 1 : 4; // of ten
    bool *kept = xcalloc(c->lir.num_vregs, sizeof *kept);
    for (VReg v = 0; v < c->lir.num_vregs; v++) kept[v] = random_below(c->random, 10) < keep;
    for (bool dropped = true; dropped;) {
        dropped = false;
        for (uint32_t b = 0; b < c->lir.num_blocks; b++) {
            LirBlock *block = &c->lir.blocks[b];
            for (uint32_t f = 0; f < block->num_phis; f++) {
                LirPhi *phi = &c->lir.phis[block->first_phi + f];
                VReg only = kept[phi->d] ? NO_VREG : only_argument(c, phi, block->num_preds);
                if (only == NO_VREG) continue;
                c->same_as[phi->d] = only;
                memmove(phi, phi + 1, (block->num_phis - f - 1) * sizeof *phi);
                block->num_phis--;
                f--;
                dropped = true;
            }
        }
    }
    free(kept);
}

static void rename_all(Converter *c) {
    Lir *lir = &c->lir;
    for (size_t i = 0; i < lir->num_ins; i++) {
        if (lir->ins[i].a != NO_VREG) lir->ins[i].a = resolve(c, lir->ins[i].a);
        if (!is_imm(lir->ins[i].b)) lir->ins[i].b.vreg = resolve(c, lir->ins[i].b.vreg);
    }
    for (size_t i = 0; i < lir->num_moves; i++)
        if (lir->moves[i].s != NO_VREG) lir->moves[i].s = resolve(c, lir->moves[i].s);
}

// Arguments of phis that are constants, some of them spelled out.
static void use_constants(Converter *c) {
    Lir *lir = &c->lir;
    const LirIns **defs = xcalloc(lir->num_vregs, sizeof *defs);
    for (size_t i = 0; i < lir->num_ins; i++)
        if (lir->ins[i].op == LIR_CONST) defs[lir->ins[i].d] = &lir->ins[i];
    for (uint32_t b = 0; b < lir->num_blocks; b++) {
        const LirBlock *block = &lir->blocks[b];
        for (uint32_t f = 0; f < block->num_phis; f++) {
            LirMove *args = lir->moves + lir->phis[block->first_phi + f].first_arg;
            for (uint32_t p = 0; p < block->num_preds; p++) {
                if (!defs[args[p].s] || random_below(c->random, 2)) continue;
                args[p] = (LirMove){.d = NO_VREG, .s = NO_VREG, .imm = defs[args[p].s]->imm};
            }
        }
    }
    free(defs);
}

Lir ssa_from_lir(Random *random, const Lir *old) {
    Converter c = {.random = random, .old = old, .lir = {.program = old->program, .function = old->function}};
    assert_true(old->num_blocks < MAX_BLOCKS && old->num_vregs <= MAX_VARS);
    c.nodes = xcalloc(MAX_BLOCKS, sizeof *c.nodes);
    read_blocks(&c);
    split_edges(&c);
    number(&c, 0);
    assert_int_equal(c.num_placed, c.num_nodes);
    find_preds(&c);
    find_live(&c);
    for (uint32_t k = 0; k < c.num_nodes; k++) convert_block(&c, k);
    add_phi_args(&c);
    c.same_as = xcalloc(c.lir.num_vregs, sizeof *c.same_as);
    for (VReg v = 0; v < c.lir.num_vregs; v++) c.same_as[v] = v;
    drop_phis(&c);
    rename_all(&c);
    use_constants(&c);
    free(c.same_as);
    free(c.nodes);
    lir_link_blocks(&c.lir);
    char fault[200];
    if (!lir_verify(&c.lir, fault, sizeof fault)) {
        lir_print(stderr, &c.lir);
        fail_msg("%s", fault);
    }
    return c.lir;
}

Lir random_ssa_lir(Random *random, const Program *program, RandomShape shape) {
    Lir old = random_lir(random, program, shape);
    Lir lir = ssa_from_lir(random, &old);
    lir_free(&old);
    return lir;
}

// Nests.

typedef struct Nest {
    Random *random;
    Lir lir;
    uint32_t num_vars; // the first RANDOM_PARAMS are the parameters
    uint32_t room;     // for more loops and ifs
} Nest;

static VReg random_var(Nest *n) { return random_below(n->random, n->num_vars); }

static LirIns *append_random(Nest *n) {
    static const LirOp ops[] = {LIR_ADD, LIR_ADD, LIR_SUB, LIR_SUB, LIR_MUL, LIR_COMPARE, LIR_CONST, LIR_REM, LIR_CALL};
    LirOp op = ops[random_below(n->random, sizeof ops / sizeof *ops)];
    LirIns *ins = lir_append(&n->lir, op);
    if (op == LIR_CALL) {
        ins->target = 2;
        for (int k = 0; k < 2; k++) lir_append_move(&n->lir, (LirMove){.d = NO_VREG, .s = random_var(n)});
    } else if (op == LIR_CONST) {
        ins->imm = (int64_t)random_value(n->random, NULL);
    } else {
        ins->a = random_var(n);
        ins->cc = CC_L;
        ins->b = op == LIR_REM ? (LirOperand){NO_VREG, int_imm(7)} : (LirOperand){random_var(n), 0};
    }
    ins = &n->lir.ins[n->lir.num_ins - 1];
    ins->d = random_var(n);
    return ins;
}

static void append_branch(Nest *n, Cond cc, VReg a, uint32_t target) {
    LirIns *ins = lir_append(&n->lir, LIR_BRANCH);
    ins->cc = cc;
    ins->a = a;
    ins->b = (LirOperand){NO_VREG, int_imm(0)};
    ins->target = target;
    lir_begin_block(&n->lir);
}

static void append_body(Nest *n, uint32_t depth);

static void append_loop(Nest *n, uint32_t depth) {
    VReg counter = n->lir.num_vregs++;
    LirIns *ins = lir_append(&n->lir, LIR_CONST);
    ins->d = counter;
    ins->imm = int_imm(1 + (int32_t)random_below(n->random, 3));
    lir_begin_block(&n->lir);
    uint32_t header = (uint32_t)n->lir.num_blocks - 1;
    append_body(n, depth + 1);
    ins = lir_append(&n->lir, LIR_SUB);
    ins->a = ins->d = counter;
    ins->b = (LirOperand){NO_VREG, int_imm(1)};
    append_branch(n, CC_G, counter, header);
}

static void append_if(Nest *n, uint32_t depth) {
    size_t branch = n->lir.num_ins;
    append_branch(n, CC_G, random_var(n), 0);
    append_body(n, depth + 1);
    size_t jump = n->lir.num_ins;
    lir_append(&n->lir, LIR_JUMP);
    lir_begin_block(&n->lir);
    n->lir.ins[branch].target = (uint32_t)n->lir.num_blocks - 1;
    append_body(n, depth + 1);
    lir_begin_block(&n->lir);
    n->lir.ins[jump].target = (uint32_t)n->lir.num_blocks - 1;
}

static void append_body(Nest *n, uint32_t depth) {
    for (uint32_t part = 1 + random_below(n->random, 3); part > 0; part--) {
        for (uint32_t i = random_below(n->random, 6); i > 0; i--) append_random(n);
        if (depth >= 4 || n->room == 0) continue;
        n->room--;
        if (random_below(n->random, 3)) append_loop(n, depth);
        else append_if(n, depth);
    }
}

Lir random_ssa_nest(Random *random, const Program *program) {
    Nest n = {.random = random, .lir = {.program = program, .function = &program->functions[0]}, .room = 8};
    n.num_vars = n.lir.num_vregs = RANDOM_PARAMS + random_below(random, 12);
    lir_begin_block(&n.lir);
    lir_append(&n.lir, LIR_PARAMS);
    for (VReg v = 0; v < RANDOM_PARAMS; v++) lir_append_move(&n.lir, (LirMove){.d = v, .s = NO_VREG});
    for (VReg v = RANDOM_PARAMS; v < n.num_vars; v++) {
        LirIns *ins = lir_append(&n.lir, LIR_ADD);
        ins->d = v;
        ins->a = v - 1;
        ins->b = (LirOperand){v - 2, 0};
    }
    append_body(&n, 0);
    lir_append(&n.lir, LIR_RETURN)->a = random_var(&n);
    lir_finish(&n.lir);
    Lir lir = ssa_from_lir(random, &n.lir);
    lir_free(&n.lir);
    return lir;
}
