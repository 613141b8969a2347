// Exercise 3: what is used least is spilled.
#include "exercise.h"

// n (local 0) and the sum (1) are what the loop works on, and they end last. 2, 3 and 4 live around the
// loop without being used in it.
static const char text[] = "func main params=1 locals=5\n"
                           "    load_const 0\n    store_local 1\n"
                           "    load_local 0\n    load_const 1\n    add\n    store_local 2\n"
                           "    load_local 0\n    load_const 2\n    add\n    store_local 3\n"
                           "    load_local 0\n    load_const 3\n    add\n    store_local 4\n"
                           "loop:\n"
                           "    load_local 0\n    load_const 0\n    greater_than\n    jump_if_false done\n"
                           "    load_local 1\n    load_local 0\n    add\n    store_local 1\n"
                           "    load_local 0\n    load_const 1\n    sub\n    store_local 0\n"
                           "    jump loop\n"
                           "done:\n"
                           "    load_local 2\n    load_local 3\n    add\n    load_local 4\n    add\n"
                           "    load_local 1\n    add\n    load_local 0\n    add\n    return\nend\n";

static void test_what_the_loop_uses_is_in_registers(void **state) {
    (void)state;
    Program *program = load_text(text);
    Lir lir;
    RegisterAllocator ra;
    assert_true(lir_build(&lir, program, 0));
    assert_true(ra_allocate(&ra, &lir, RA_STRESS_POOL));
    assert_true(ra_check(&ra, &lir));
    assert_int_equal(ra.locations[0].kind, LOCATION_REG);
    assert_int_equal(ra.locations[1].kind, LOCATION_REG);
    ra_free(&ra);
    lir_free(&lir);
    program_free(program);
}

static void test_the_result_is_right(void **state) {
    (void)state;
    Program *program = load_text(text);
    for (int64_t n = 0; n < 20; n++) {
        int64_t expected = run_main(program, TIER_INTERP, 0, &n);
        assert_int_equal(run_main(program, TIER_OPT, RA_DEFAULT_POOL, &n), expected);
        assert_int_equal(run_main(program, TIER_OPT, RA_STRESS_POOL, &n), expected);
    }
    program_free(program);
}

static void test_examples_still_work(void **state) {
    (void)state;
    check_examples();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_what_the_loop_uses_is_in_registers),
    cmocka_unit_test(test_the_result_is_right),
    cmocka_unit_test(test_examples_still_work),
};
TEST_MAIN(tests)
