// Exercise 2: a loop jumps once a turn.
#include "exercise.h"

static void check_no_jmp(const char *example, const char *function) {
    char *text = read_example(example);
    Program *program = load_text(text);
    char *listing = listing_of(program, function);
    if (strstr(listing, " jmp ")) print_error("%s still has an unconditional jump\n", example);
    assert_null(strstr(listing, " jmp "));
    free(listing);
    program_free(program);
    free(text);
}

static void test_fib_has_no_unconditional_jump(void **state) {
    (void)state;
    check_no_jmp("fib_iter", "fib");
}

static void test_sum_has_no_unconditional_jump(void **state) {
    (void)state;
    check_no_jmp("sum", "main");
}

static void test_loops_that_run_zero_times(void **state) {
    (void)state;
    char *text = read_example("sum");
    Program *program = load_text(text);
    for (int64_t n = -1; n <= 2; n++) {
        int64_t expected = run_main(program, TIER_INTERP, 0, &n);
        assert_int_equal(run_main(program, TIER_OPT, RA_DEFAULT_POOL, &n), expected);
        assert_int_equal(run_main(program, TIER_OPT, RA_STRESS_POOL, &n), expected);
    }
    program_free(program);
    free(text);
}

// The successors of each block are what its last instruction says.
static void test_blocks_name_their_successors(void **state) {
    (void)state;
    char *text = read_example("fib_iter");
    Program *program = load_text(text);
    Lir lir;
    assert_true(lir_build(&lir, program, function_index(program, program_find(program, "fib"))));
    for (uint32_t i = 0; i < lir.num_blocks; i++) {
        const LirBlock *block = &lir.blocks[i];
        const LirIns *last = &lir.ins[block->end - 1];
        if (last->op != LIR_BRANCH) continue;
        assert_int_equal(block->num_successors, 2);
        assert_true(block->successors[0] == last->target || block->successors[1] == last->target);
        assert_true(block->successors[0] == i + 1 || block->successors[1] == i + 1);
    }
    lir_free(&lir);
    program_free(program);
    free(text);
}

static void test_examples_still_work(void **state) {
    (void)state;
    check_examples();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_fib_has_no_unconditional_jump),
    cmocka_unit_test(test_sum_has_no_unconditional_jump),
    cmocka_unit_test(test_loops_that_run_zero_times),
    cmocka_unit_test(test_blocks_name_their_successors),
    cmocka_unit_test(test_examples_still_work),
};
TEST_MAIN(tests)
