// Exercise 1: two natives more, `clamp` and `now`.
#include "exercise.h"

// The names are looked up first: a program that uses an unknown one is rejected.
static void require(const Program *program, const char *name, uint32_t num_params) {
    int64_t index = program_find_native(program, name, strlen(name));
    if (index < 0) fail_msg("there is no native '%s'", name);
    assert_int_equal(program->natives[index].num_params, num_params);
}

static void check_clamp(int64_t value, int64_t low, int64_t high, int64_t expected) {
    Program *program = new_program();
    require(program, "clamp", 3);
    load_text(program, "func main params=3\n    load_local 0\n    load_local 1\n    load_local 2\n"
                       "    call_native clamp\n    return\nend\n");
    int64_t args[] = {value, low, high};
    for (Tier tier = 0; tier < NUM_TIERS; tier++) assert_int_equal(run_main(program, tier, false, args), expected);
    program_free(program);
}

static void test_clamp(void **state) {
    (void)state;
    check_clamp(5, 0, 10, 5);
    check_clamp(-5, 0, 10, 0);
    check_clamp(50, 0, 10, 10);
    check_clamp(10, 10, 10, 10);
    check_clamp(INT64_MIN, -1, INT64_MAX, -1);
    check_clamp(INT64_MAX, INT64_MIN, 1, 1);
}

// A clock that never goes back. The first reading lives across the call that takes the second.
static void test_now(void **state) {
    (void)state;
    Program *program = new_program();
    require(program, "now", 0);
    load_text(program, "func main params=0 locals=1\n    call_native now\n    store_local 0\n"
                       "    call_native now\n    load_local 0\n    sub\n    return\nend\n");
    for (Tier tier = 0; tier < NUM_TIERS; tier++) assert_true(run_main(program, tier, tier == TIER_OPT, NULL) >= 0);
    program_free(program);
}

static void test_now_tells_the_time(void **state) {
    (void)state;
    Program *program = new_program();
    require(program, "now", 0);
    load_text(program, "func main params=0\n    call_native now\n    return\nend\n");
    assert_true(run_main(program, TIER_OPT, false, NULL) > 0);
    program_free(program);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_clamp),
    cmocka_unit_test(test_now),
    cmocka_unit_test(test_now_tells_the_time),
};
TEST_MAIN(tests)
