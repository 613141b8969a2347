// Liveness against its definition: a register is live where a path from there reads it before any
// write.
#include "backend/liveness.h"
#include "lir_text.h"
#include "random_ssa_lir.h"
#include "testing/test_main.h"

static bool is_live_where_it_begins(const Liveness *l, uint32_t block, VReg vreg) {
    return live_set_has(&l->sets, l->live_in[block], vreg);
}

static bool is_live_where_it_ends(Liveness *l, const Lir *lir, uint32_t block, VReg vreg) {
    return live_set_has(&l->sets, liveness_out(l, lir, block), vreg);
}

// The definition, followed literally.

typedef struct Search {
    const Lir *lir;
    VReg vreg;
    bool found;
    bool seen[128]; // blocks
} Search;

static void note_vreg(void *context, VReg vreg) {
    Search *search = context;
    if (vreg == search->vreg) search->found = true;
}

static bool found_by(Search *search, void (*visit_all)(const Lir *, const LirIns *, LirVisitor *, void *), uint32_t i) {
    search->found = false;
    visit_all(search->lir, &search->lir->ins[i], note_vreg, search);
    return search->found;
}

static bool is_read_behind(Search *search, uint32_t block);

static bool is_read_from(Search *search, uint32_t block) {
    if (search->seen[block]) return false;
    search->seen[block] = true;
    const LirBlock *b = &search->lir->blocks[block];
    for (uint32_t i = b->start; i < b->end; i++) {
        if (found_by(search, lir_visit_reads, i)) return true;
        if (found_by(search, lir_visit_writes, i)) return false;
    }
    return is_read_behind(search, block);
}

// Is it read on an edge that leads out of the block, by a phi, or farther on?
static bool is_read_behind(Search *search, uint32_t block) {
    const Lir *lir = search->lir;
    for (uint32_t s = 0; s < lir->blocks[block].num_successors; s++) {
        const LirBlock *next = &lir->blocks[lir->blocks[block].successors[s]];
        bool is_result = false;
        for (uint32_t k = 0; k < next->num_phis; k++) {
            const LirPhi *phi = &lir->phis[next->first_phi + k];
            is_result |= phi->d == search->vreg;
            if (lir_phi_args(lir, phi)[lir->blocks[block].pred_index].s == search->vreg) return true;
        }
        if (!is_result && is_read_from(search, lir->blocks[block].successors[s])) return true;
    }
    return false;
}

// The results of a block's own phis are live in it, but not into it.
static bool is_live_in(const Lir *lir, uint32_t block, VReg vreg) {
    Search search = {.lir = lir, .vreg = vreg};
    for (uint32_t k = 0; k < lir->blocks[block].num_phis; k++)
        if (lir->phis[lir->blocks[block].first_phi + k].d == vreg) return false;
    return is_read_from(&search, block);
}

static bool is_live_out(const Lir *lir, uint32_t block, VReg vreg) {
    Search search = {.lir = lir, .vreg = vreg};
    return is_read_behind(&search, block);
}

// Does a block stand among those of a loop, though it leads out of it? There everything that the loop needs may be
// taken for live.
static bool may_live_longer(const Lir *lir, const Liveness *l, uint32_t block, VReg vreg) {
    uint32_t loop = lir->blocks[block].loop;
    return !lir->irregular && loop != NO_BLOCK && is_live_where_it_begins(l, loop, vreg);
}

static void assert_liveness(const Lir *lir) {
    Liveness l;
    assert_true(liveness_compute(&l, lir));
    for (uint32_t b = 0; b < lir->num_blocks; b++) {
        for (VReg v = 0; v < lir->num_vregs; v++) {
            bool in = is_live_where_it_begins(&l, b, v), out = is_live_where_it_ends(&l, lir, b, v);
            bool expected_in = is_live_in(lir, b, v), expected_out = is_live_out(lir, b, v);
            if (in == expected_in && out == expected_out) continue;
            if (in >= expected_in && out >= expected_out && may_live_longer(lir, &l, b, v)) continue;
            lir_print(stderr, lir);
            fail_msg("liveness of register %u at block %u", v, b);
        }
    }
    liveness_free(&l);
}

static void test_random_control_flow_against_the_definition(void **state) {
    (void)state;
    Program *program = random_lir_program();
    for (uint64_t seed = 0; seed < (SANITIZED ? 100 : 600); seed++) {
        Random random = {seed};
        Lir lir = random_ssa_lir(&random, program, seed % 2 ? small_shape : large_shape);
        assert_liveness(&lir);
        lir_free(&lir);
    }
    program_free(program);
}

// The sets of a function's blocks as text: "B0: -> v0 v1".
static void assert_sets(const char *text, const char *expected) {
    Program *program = random_lir_program();
    Lir lir = lir_from(program, text);
    assert_liveness(&lir);
    Liveness l;
    assert_true(liveness_compute(&l, &lir));
    char *sets = NULL;
    size_t size;
    FILE *out = open_memstream(&sets, &size);
    for (uint32_t b = 0; b < lir.num_blocks; b++) {
        fprintf(out, "B%u:", b);
        for (VReg v = 0; v < lir.num_vregs; v++)
            if (is_live_where_it_begins(&l, b, v)) fprintf(out, " v%u", v);
        fputs(" ->", out);
        for (VReg v = 0; v < lir.num_vregs; v++)
            if (is_live_where_it_ends(&l, &lir, b, v)) fprintf(out, " v%u", v);
        fputs("\n", out);
    }
    fclose(out);
    assert_string_equal(sets, expected);
    free(sets);
    liveness_free(&l);
    lir_free(&lir);
    program_free(program);
}

static void test_straight_line(void **state) {
    (void)state;
    assert_sets("B0: params v0, v1\n    jump B1\nB1: return v0\n",
                "B0: -> v0\n"
                "B1: v0 ->\n");
}

static void test_a_loop_keeps_what_it_reads_alive_to_its_last_jump(void **state) {
    (void)state;
    assert_sets("B0: params v0, v1\n    jump B1\n"
                "B1: v2 <- phi v0, v4\n    v3 <- phi 0, v5\n    branch v2 == 0, B3\n"
                "B2: v4 <- sub v2, 1\n    v5 <- add v3, v1\n    jump B1\n"
                "B3: return v3\n",
                "B0: -> v0 v1\n"
                "B1: v1 -> v1 v2 v3\n"
                "B2: v1 v2 v3 -> v1 v4 v5\n"
                "B3: v3 ->\n");
}

static void test_a_phis_argument_is_live_to_the_end_of_its_own_block_only(void **state) {
    (void)state;
    assert_sets("B0: params v0, v1\n    branch v0 == 0, B2\n"
                "B1: v2 <- const 1\n    jump B3\n"
                "B2: v3 <- const 2\n    jump B3\n"
                "B3: v4 <- phi v2, v3\n    v5 <- phi v1, 7\n    v6 <- sub v4, v5\n    return v6\n",
                "B0: -> v1\n"
                "B1: v1 -> v1 v2\n"
                "B2: -> v3\n"
                "B3: ->\n");
}

// v1 is read in the inner loop only; it lives in the outer one as well. v2 lives around both.
static void test_loops_in_loops(void **state) {
    (void)state;
    assert_sets("B0: params v0, v1, v2\n    jump B1\n"
                "B1: v3 <- phi v0, v6\n    branch v3 == 0, B6\n"
                "B2: jump B3\n"
                "B3: v4 <- phi v3, v5\n    branch v4 == 0, B5\n"
                "B4: v5 <- sub v4, v1\n    jump B3\n"
                "B5: v6 <- sub v3, 1\n    jump B1\n"
                "B6: return v2\n",
                "B0: -> v0 v1 v2\n"
                "B1: v1 v2 -> v1 v2 v3\n"
                "B2: v1 v2 v3 -> v1 v2 v3\n"
                "B3: v1 v2 v3 -> v1 v2 v3 v4\n"
                "B4: v1 v2 v3 v4 -> v1 v2 v3 v5\n"
                "B5: v1 v2 v3 -> v1 v2 v6\n"
                "B6: v2 ->\n");
}

// A loop with two entries, B2 and B3. v1 is read where one of them leads, v0 where the other does.
static void test_a_loop_with_two_entries(void **state) {
    (void)state;
    assert_sets("B0: params v0, v1, v2\n    branch v2 == 0, B4, else B1\n"
                "B1: jump B2\n"
                "B2: v3 <- add v1, 1\n    branch v3 == 0, B7, else B3\n"
                "B3: jump B5\n"
                "B4: jump B5\n"
                "B5: v4 <- add v0, 1\n    branch v4 == 0, B8, else B6\n"
                "B6: jump B2\n"
                "B7: return v2\n"
                "B8: return v2\n",
                "B0: -> v0 v1 v2\n"
                "B1: v0 v1 v2 -> v0 v1 v2\n"
                "B2: v0 v1 v2 -> v0 v1 v2\n"
                "B3: v0 v1 v2 -> v0 v1 v2\n"
                "B4: v0 v1 v2 -> v0 v1 v2\n"
                "B5: v0 v1 v2 -> v0 v1 v2\n"
                "B6: v0 v1 v2 -> v0 v1 v2\n"
                "B7: v2 ->\n"
                "B8: v2 ->\n");
}

// A value that lives across very many blocks costs nothing in each of them.
static void test_very_many_values_across_very_many_blocks(void **state) {
    (void)state;
    enum { BLOCKS = 20000, VALUES = 20000 };
    Program *program = random_lir_program();
    Lir lir = {.program = program, .function = &program->functions[0], .num_vregs = VALUES + 1};
    lir.preds = xcalloc(BLOCKS, sizeof *lir.preds);
    lir_begin_block(&lir);
    for (VReg v = 0; v < VALUES; v++) lir_append(&lir, LIR_CONST)->d = v;
    for (uint32_t b = 0; b < BLOCKS; b++) {
        lir_append(&lir, LIR_JUMP)->target = b + 1;
        lir_begin_block(&lir);
        lir.preds[lir.num_preds++] = b;
        lir.blocks[b + 1].first_pred = b;
        lir.blocks[b + 1].num_preds = 1;
    }
    lir_append(&lir, LIR_CALL)->d = VALUES;
    for (VReg v = 0; v < VALUES; v++) lir_append_move(&lir, (LirMove){.d = NO_VREG, .s = v});
    lir_append(&lir, LIR_RETURN)->a = VALUES;
    lir_finish(&lir);
    lir_link_blocks(&lir);
    Liveness l;
    assert_true(liveness_compute(&l, &lir));
    assert_true(l.sets.num_nodes < BLOCKS);
    for (VReg v = 0; v <= VALUES; v += 100) {
        assert_int_equal(is_live_where_it_begins(&l, BLOCKS / 2, v), v < VALUES);
        assert_int_equal(is_live_where_it_begins(&l, BLOCKS, v), v < VALUES);
    }
    liveness_free(&l);
    lir_free(&lir);
    program_free(program);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_random_control_flow_against_the_definition),
    cmocka_unit_test(test_straight_line),
    cmocka_unit_test(test_a_loop_keeps_what_it_reads_alive_to_its_last_jump),
    cmocka_unit_test(test_a_phis_argument_is_live_to_the_end_of_its_own_block_only),
    cmocka_unit_test(test_loops_in_loops),
    cmocka_unit_test(test_a_loop_with_two_entries),
    cmocka_unit_test(test_very_many_values_across_very_many_blocks),
};
TEST_MAIN(tests)
