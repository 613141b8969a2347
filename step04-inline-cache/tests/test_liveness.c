// Liveness against its definition: a register is live where a path from there reads it before any
// write.
#include "backend/liveness.h"
#include "random_lir.h"
#include "testing/test_main.h"

static bool is_in(const uint64_t *sets, const Liveness *l, uint32_t block, VReg vreg) {
    return sets[block * l->num_words + vreg / 64] >> vreg % 64 & 1;
}

// The definition, followed literally.

typedef struct Search {
    const Lir *lir;
    VReg vreg;
    bool found;
    bool seen[64]; // blocks
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

static bool is_read_from(Search *search, uint32_t block) {
    if (search->seen[block]) return false;
    search->seen[block] = true;
    const LirBlock *b = &search->lir->blocks[block];
    for (uint32_t i = b->start; i < b->end; i++) {
        if (found_by(search, lir_visit_reads, i)) return true;
        if (found_by(search, lir_visit_writes, i)) return false;
    }
    for (uint32_t s = 0; s < b->num_successors; s++)
        if (is_read_from(search, b->successors[s])) return true;
    return false;
}

static bool is_live_in(const Lir *lir, uint32_t block, VReg vreg) {
    Search search = {.lir = lir, .vreg = vreg};
    return is_read_from(&search, block);
}

static bool is_live_out(const Lir *lir, uint32_t block, VReg vreg) {
    for (uint32_t s = 0; s < lir->blocks[block].num_successors; s++)
        if (is_live_in(lir, lir->blocks[block].successors[s], vreg)) return true;
    return false;
}

static void assert_liveness(const Lir *lir) {
    Liveness l;
    assert_true(liveness_compute(&l, lir));
    for (uint32_t b = 0; b < lir->num_blocks; b++) {
        for (VReg v = 0; v < lir->num_globals; v++) {
            bool ok = is_in(l.live_in, &l, b, v) == is_live_in(lir, b, v) &&
                      is_in(l.live_out, &l, b, v) == is_live_out(lir, b, v);
            if (ok) continue;
            lir_print(stderr, lir);
            fail_msg("liveness of register %u at block %u", v, b);
        }
    }
    liveness_free(&l);
}

static void test_random_control_flow_against_the_definition(void **state) {
    (void)state;
    Program *program = random_lir_program();
    for (uint64_t seed = 0; seed < (SANITIZED ? 500 : 3000); seed++) {
        Random random = {seed};
        Lir lir = random_lir(&random, program, seed % 2 ? small_shape : large_shape);
        assert_liveness(&lir);
        lir_free(&lir);
    }
    program_free(program);
}

// The sets of a function's blocks as text: "0: in  out 0 1 / 1: in 0 1 out".
static void assert_sets(const char *text, const char *expected) {
    Program *program = program_from(text);
    Lir lir;
    assert_true(lir_build(&lir, program, 0));
    assert_liveness(&lir);
    Liveness l;
    assert_true(liveness_compute(&l, &lir));
    char *sets = NULL;
    size_t size;
    FILE *out = open_memstream(&sets, &size);
    for (uint32_t b = 0; b < lir.num_blocks; b++) {
        fprintf(out, "B%u:", b);
        for (VReg v = 0; v < lir.num_globals; v++) {
            if (!is_in(l.live_in, &l, b, v)) continue;
            fputs(" ", out);
            lir_print_vreg(out, &lir, v);
        }
        fputs(" ->", out);
        for (VReg v = 0; v < lir.num_globals; v++) {
            if (!is_in(l.live_out, &l, b, v)) continue;
            fputs(" ", out);
            lir_print_vreg(out, &lir, v);
        }
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
    assert_sets("func main params=2\n load_local 0\n return\nend\n",
                "B0: -> l0\n"
                "B1: l0 ->\n");
}

static void test_a_loop_keeps_what_it_reads_alive_to_its_last_jump(void **state) {
    (void)state;
    assert_sets("func main params=2 locals=3\n"
                " load_const 0\n store_local 2\n"
                "again:\n load_local 0\n jump_if_false done\n"
                " load_local 0\n load_const 1\n sub\n store_local 0\n"
                " load_local 2\n load_local 1\n add\n store_local 2\n"
                " jump again\n"
                "done:\n load_local 2\n return\nend\n",
                "B0: -> l0 l1\n"
                "B1: l0 l1 -> l0 l1 l2\n"
                "B2: l0 l1 l2 -> l0 l1 l2\n"
                "B3: l0 l1 l2 -> l0 l1 l2\n"
                "B4: l2 ->\n");
}

static void test_a_local_overwritten_on_every_path_is_dead(void **state) {
    (void)state;
    assert_sets("func main params=2\n"
                " load_local 0\n jump_if_false other\n"
                " load_const 1\n store_local 1\n jump done\n"
                "other:\n load_const 2\n store_local 1\n"
                "done:\n load_local 1\n return\nend\n",
                "B0: -> l0\n"
                "B1: l0 ->\n"
                "B2: -> l1\n"
                "B3: -> l1\n"
                "B4: l1 ->\n");
}

static void test_operands_at_a_join_are_live(void **state) {
    (void)state;
    assert_sets("func main params=1\n"
                " load_const 10\n load_local 0\n jump_if_false other\n"
                " load_const 1\n jump done\n"
                "other:\n load_const 2\n"
                "done:\n sub\n return\nend\n",
                "B0: -> l0\n"
                "B1: l0 -> s0\n"
                "B2: s0 -> s0 s1\n"
                "B3: s0 -> s0 s1\n"
                "B4: s0 s1 ->\n");
}

// Sets of more than one word, and a path through many blocks, in the order of the text or against it.
static void assert_long_path(bool reversed) {
    enum { BLOCKS = 20000, GLOBALS = 200 };
    Program *program = random_lir_program();
    Lir lir = {.program = program, .function = &program->functions[0], .num_globals = GLOBALS, .num_vregs = GLOBALS};
    lir_begin_block(&lir);
    lir_append(&lir, LIR_PARAMS);
    for (VReg v = 0; v < GLOBALS; v++) lir_append_move(&lir, (LirMove){.d = v, .s = NO_VREG});
    uint32_t last = reversed ? 2 : BLOCKS;
    for (uint32_t b = 1; b <= BLOCKS; b++) {
        lir_begin_block(&lir);
        if (b == last) lir_append(&lir, LIR_RETURN)->a = GLOBALS - 1;
        else lir_append(&lir, LIR_JUMP)->target = !reversed ? b + 1 : b == 1 ? BLOCKS : b - 1;
    }
    lir_finish(&lir);
    Liveness l;
    assert_true(liveness_compute(&l, &lir)); // within its limit of work
    for (uint32_t b = 1; b <= BLOCKS; b++)
        for (VReg v = 0; v < GLOBALS; v++)
            if (is_in(l.live_in, &l, b, v) != (v == GLOBALS - 1)) fail_msg("register %u at block %u", v, b);
    liveness_free(&l);
    lir_free(&lir);
    program_free(program);
}

static void test_a_long_path_in_any_order(void **state) {
    (void)state;
    assert_long_path(false);
    assert_long_path(true);
}

static void test_sets_that_would_be_too_large_are_refused(void **state) {
    (void)state;
    Program *program = random_lir_program();
    Lir lir = {.program = program, .function = &program->functions[0], .num_globals = 100000, .num_vregs = 100000};
    for (int b = 0; b < 5000; b++) lir_begin_block(&lir);
    lir_append(&lir, LIR_RETURN)->a = 0;
    lir_finish(&lir);
    Liveness l;
    assert_false(liveness_compute(&l, &lir));
    lir_free(&lir);
    program_free(program);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_straight_line),
    cmocka_unit_test(test_a_loop_keeps_what_it_reads_alive_to_its_last_jump),
    cmocka_unit_test(test_a_local_overwritten_on_every_path_is_dead),
    cmocka_unit_test(test_operands_at_a_join_are_live),
    cmocka_unit_test(test_random_control_flow_against_the_definition),
    cmocka_unit_test(test_a_long_path_in_any_order),
    cmocka_unit_test(test_sets_that_would_be_too_large_are_refused),
};
TEST_MAIN(tests)
