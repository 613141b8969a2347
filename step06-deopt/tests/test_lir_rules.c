// What LIR promises: its text, its loops, and the rules that lir_verify looks after.
#include "lir_text.h"
#include "random_ssa_lir.h"
#include "testing/test_main.h"

static void test_lir_as_text(void **state) {
    (void)state;
    Program *program = random_lir_program();
    Lir lir = lir_from(program, "B0: params v0, v1\n    jump B1\n"
                                "B1: v2 <- phi v0, v4\n    v3 <- phi -7, v3\n    branch v2 !> 9, B2, else B3\n"
                                "B2: v4 <- call two(v2, 5)\n    jump B1\n"
                                "B3: moves v5 <- v2, v6 <- 1\n    return v5\n");
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    lir_print(out, &lir);
    fclose(out);
    assert_string_equal(text, "main:\n"
                              "  B0:\n"
                              "       0  params v0, v1\n"
                              "       1  jump B1\n"
                              "  B1:  ; from B0, B2  ; loop depth 1\n"
                              "          v2 <- phi v0, v4\n"
                              "          v3 <- phi -7, v3\n"
                              "       2  branch v2 !> 9, B2, else B3\n"
                              "  B2:  ; from B1  ; loop depth 1\n"
                              "       3  v4 <- call two(v2, 5)\n"
                              "       4  jump B1\n"
                              "  B3:  ; from B1\n"
                              "       5  moves v5 <- v2, v6 <- 1\n"
                              "       6  return v5\n");
    free(text);
    lir_free(&lir);
    program_free(program);
}

static void test_loops_in_loops(void **state) {
    (void)state;
    Program *program = random_lir_program();
    Lir lir = lir_from(program, "B0: params v0\n    jump B1\n"
                                "B1: branch v0 == 0, B6\n"
                                "B2: jump B3\n"
                                "B3: branch v0 == 1, B5\n"
                                "B4: jump B3\n"
                                "B5: jump B1\n"
                                "B6: return v0\n");
    const uint32_t depths[] = {0, 1, 1, 2, 2, 1, 0}, loops[] = {NO_BLOCK, 1, 1, 3, 3, 1, NO_BLOCK};
    for (uint32_t b = 0; b < lir.num_blocks; b++) {
        assert_int_equal(lir.blocks[b].loop_depth, depths[b]);
        assert_int_equal(lir.blocks[b].loop, loops[b]);
    }
    assert_int_equal(lir.blocks[1].loop_end, 5);
    assert_int_equal(lir.blocks[3].loop_end, 4);
    assert_int_equal(lir.blocks[3].outer_loop, 1);
    assert_int_equal(lir.blocks[1].outer_loop, NO_BLOCK);
    assert_false(lir.irregular);
    lir_free(&lir);
    program_free(program);
}

static bool is_irregular(const char *text) {
    Program *program = random_lir_program();
    Lir lir = lir_from(program, text);
    bool irregular = lir.irregular;
    lir_free(&lir);
    program_free(program);
    return irregular;
}

static void test_irregular_loops(void **state) {
    (void)state;
    // The way into the middle of a loop.
    assert_true(is_irregular("B0: params v0\n    branch v0 == 0, B3, else B1\n"
                             "B1: jump B2\n"
                             "B2: jump B4\n"
                             "B3: jump B4\n"
                             "B4: branch v0 == 1, B6, else B5\n"
                             "B5: jump B2\n"
                             "B6: return v0\n"));
    // Two loops, one behind the other, but their blocks stand among each other.
    assert_true(is_irregular("B0: params v0\n    jump B1\n"
                             "B1: branch v0 == 0, B2, else B4\n"
                             "B2: jump B3\n"
                             "B3: branch v0 == 1, B5, else B6\n"
                             "B4: jump B1\n"
                             "B5: jump B3\n"
                             "B6: return v0\n"));
}

static const char *const good = "B0: params v0, v1\n    branch v0 == 0, B2\n"
                                "B1: v2 <- add v0, 1\n    jump B3\n"
                                "B2: v3 <- add v0, 2\n    jump B3\n"
                                "B3: v4 <- phi v2, v3\n    return v4\n";

typedef void Damage(Lir *lir);

static void write_twice(Lir *lir) { lir->ins[2].d = 0; }
static void write_a_phi_twice(Lir *lir) { lir->phis[0].d = 2; }
static void read_too_early(Lir *lir) { lir->ins[2].a = 3; }
static void read_nothing(Lir *lir) { lir->moves[lir->phis[0].first_arg].s = 77; }
static void jump_in_the_middle(Lir *lir) { lir->ins[2].op = LIR_JUMP; }
static void no_jump_at_the_end(Lir *lir) { lir->ins[3].op = LIR_CONST; }
static void wrong_target(Lir *lir) { lir->ins[3].target = 2; }
static void empty_block(Lir *lir) { lir->blocks[1].end = lir->blocks[2].start = lir->blocks[1].start; }
static void wrong_predecessor(Lir *lir) { lir->preds[lir->blocks[3].first_pred] = 0; }
static void critical_edge(Lir *lir) {
    lir->blocks[0].successors[1] = lir->ins[1].target = 3;
}

static void test_the_rules(void **state) {
    (void)state;
    static const struct {
        Damage *damage;
        const char *fault;
    } cases[] = {
        {write_twice, "B1: v0 is written twice"},
        {write_a_phi_twice, "B3: v2 is written twice"},
        {read_too_early, "B1: v3 is read before it is written"},
        {read_nothing, "B3: v77 is out of range"},
        {jump_in_the_middle, "B1 goes on behind a jump"},
        {no_jump_at_the_end, "B1 does not end with a jump"},
        {wrong_target, "B1 does not lead to its target"},
        {empty_block, "B1 is empty or not behind B0"},
        {wrong_predecessor, "B1 is not a predecessor of B3"},
        {critical_edge, "the edge from B0 to B3 is critical"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Program *program = random_lir_program();
        Lir lir = lir_from(program, good);
        char fault[200] = "";
        cases[i].damage(&lir);
        assert_false(lir_verify(&lir, fault, sizeof fault));
        assert_string_equal(fault, cases[i].fault);
        lir_free(&lir);
        program_free(program);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_lir_as_text),
    cmocka_unit_test(test_loops_in_loops),
    cmocka_unit_test(test_irregular_loops),
    cmocka_unit_test(test_the_rules),
};
TEST_MAIN(tests)
