// Loop inversion.
#include "opt_rig.h"
#include "testing/test_main.h"

static void test_a_while_loop(void **state) {
    (void)state;
    assert_becomes(opt_invert,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 1\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v3 = phi B0: v2, B2: v5\n"
                   "    v4 = less_than v3, v1 @1\n"
                   "    branch v4, B2, B3\n"
                   "B2:\n"
                   "    v5 = add v3, v2 @2\n"
                   "    jump B1\n"
                   "B3:\n"
                   "    return v3\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 1\n"
                   "    v3 = less_than v2, v1 @1\n"
                   "    branch v3, B1, B3\n"
                   "B1:\n"
                   "    v4 = phi B2: v6, B0: v2\n"
                   "    v5 = add v4, v2 @2\n"
                   "    jump B2\n"
                   "B2:\n"
                   "    v6 = phi B1: v5\n"
                   "    v7 = less_than v6, v1 @1\n"
                   "    branch v7, B1, B3\n"
                   "B3:\n"
                   "    v8 = phi B2: v6, B0: v2\n"
                   "    return v8\n");
}

// break: behind the loop the value comes from three places.
static void test_a_loop_with_a_second_way_out(void **state) {
    (void)state;
    assert_becomes(opt_invert,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 1\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v3 = phi B0: v2, B4: v5\n"
                   "    v4 = less_than v3, v1 @1\n"
                   "    branch v4, B2, B3\n"
                   "B2:\n"
                   "    v6 = call g, v3 @3\n"
                   "    branch v6, B3, B4\n"
                   "B4:\n"
                   "    v5 = add v3, v2 @2\n"
                   "    jump B1\n"
                   "B3:\n"
                   "    return v3\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 1\n"
                   "    v3 = less_than v2, v1 @1\n"
                   "    branch v3, B1, B4\n"
                   "B1:\n"
                   "    v4 = phi B3: v7, B0: v2\n"
                   "    v5 = call g, v4 @3\n"
                   "    branch v5, B5, B2\n"
                   "B2:\n"
                   "    v6 = add v4, v2 @2\n"
                   "    jump B3\n"
                   "B3:\n"
                   "    v7 = phi B2: v6\n"
                   "    v8 = less_than v7, v1 @1\n"
                   "    branch v8, B1, B4\n"
                   "B4:\n"
                   "    v9 = phi B3: v7, B0: v2\n"
                   "    jump B5\n"
                   "B5:\n"
                   "    v10 = phi B4: v9, B1: v4\n"
                   "    return v10\n");
}

// A block behind the loop has a phi of one operand already.
static void test_a_phi_behind_the_loop(void **state) {
    (void)state;
    assert_becomes(opt_invert,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 1\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v3 = phi B0: v2, B2: v5\n"
                   "    v4 = less_than v3, v1 @1\n"
                   "    branch v4, B2, B3\n"
                   "B2:\n"
                   "    v5 = add v3, v2 @2\n"
                   "    jump B1\n"
                   "B3:\n"
                   "    v6 = phi B1: v4\n"
                   "    return v6\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 1\n"
                   "    v3 = less_than v2, v1 @1\n"
                   "    branch v3, B1, B3\n"
                   "B1:\n"
                   "    v4 = phi B2: v6, B0: v2\n"
                   "    v5 = add v4, v2 @2\n"
                   "    jump B2\n"
                   "B2:\n"
                   "    v6 = phi B1: v5\n"
                   "    v7 = less_than v6, v1 @1\n"
                   "    branch v7, B1, B3\n"
                   "B3:\n"
                   "    v8 = phi B2: v7, B0: v3\n"
                   "    return v8\n");
}

// What the test computes may be used in the body and behind; calls in it run as often as before.
static void test_a_test_with_effects(void **state) {
    (void)state;
    assert_becomes(opt_invert,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v2 = call g, v1 @1\n"
                   "    branch v2, B2, B3\n"
                   "B2:\n"
                   "    v3 = call h, v2 @2\n"
                   "    jump B1\n"
                   "B3:\n"
                   "    return v2\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = call g, v1 @1\n"
                   "    branch v2, B1, B3\n"
                   "B1:\n"
                   "    v3 = phi B2: v5, B0: v2\n"
                   "    v4 = call h, v3 @2\n"
                   "    jump B2\n"
                   "B2:\n"
                   "    v5 = call g, v1 @1\n"
                   "    branch v5, B1, B3\n"
                   "B3:\n"
                   "    v6 = phi B2: v5, B0: v2\n"
                   "    return v6\n");
}

static void test_loops_that_are_left_alone(void **state) {
    (void)state;
    static const char *const loops[] = {
        // tests at the bottom
        "B0:\n"
        "    v1 = param 0\n"
        "    v2 = const 1\n"
        "    jump B1\n"
        "B1:\n"
        "    v3 = phi B0: v2, B1: v5\n"
        "    v5 = add v3, v2 @2\n"
        "    v4 = less_than v5, v1 @1\n"
        "    branch v4, B1, B3\n"
        "B3:\n"
        "    return v3\n",
        // never ends
        "B0:\n"
        "    v1 = param 0\n"
        "    jump B1\n"
        "B1:\n"
        "    branch v1, B2, B3\n"
        "B2:\n"
        "    jump B1\n"
        "B3:\n"
        "    jump B1\n",
        // has two entries
        "B0:\n"
        "    v1 = param 0\n"
        "    branch v1, B1, B2\n"
        "B1:\n"
        "    branch v1, B2, B3\n"
        "B2:\n"
        "    branch v1, B1, B3\n"
        "B3:\n"
        "    return v1\n",
    };
    for (size_t i = 0; i < sizeof loops / sizeof *loops; i++)
        if (i != 1) assert_stays(opt_invert, loops[i]);
    assert_int_equal(count_behind(opt_invert, loops[1], IR_BRANCH), 1);
}

static void test_a_long_test_is_not_copied(void **state) {
    (void)state;
    char text[8000] = "B0:\n"
                      "    v1 = param 0\n"
                      "    jump B1\n"
                      "B1:\n";
    for (int i = 0; i < 100; i++) sprintf(text + strlen(text), "v%d = call g, v1 @1\n", 10 + i);
    strcat(text, "    branch v109, B2, B3\n"
                 "B2:\n"
                 "    jump B1\n"
                 "B3:\n"
                 "    return v1\n");
    assert_int_equal(count_behind(opt_invert, text, IR_CALL), 100);
}

// Each header is copied once, not once for each loop around it.
static void test_nested_loops(void **state) {
    (void)state;
    unsigned tests = count_behind(opt_invert,
                                  "B0:\n"
                                  "    v1 = param 0\n"
                                  "    v2 = const 1\n"
                                  "    jump B1\n"
                                  "B1:\n"
                                  "    v3 = phi B0: v2, B6: v10\n"
                                  "    v4 = less_than v3, v1 @1\n"
                                  "    branch v4, B2, B7\n"
                                  "B2:\n"
                                  "    jump B3\n"
                                  "B3:\n"
                                  "    v5 = phi B2: v2, B4: v7\n"
                                  "    v6 = less_than v5, v3 @2\n"
                                  "    branch v6, B4, B6\n"
                                  "B4:\n"
                                  "    v7 = add v5, v2 @3\n"
                                  "    jump B3\n"
                                  "B6:\n"
                                  "    v10 = add v3, v5 @4\n"
                                  "    jump B1\n"
                                  "B7:\n"
                                  "    return v3\n", IR_LESS_THAN);
    assert_int_equal(tests, 4);
}

// The copy of the guard leaves by the copy of the state, which says what was there before the loop.
static void test_states_are_copied_with_their_guards(void **state) {
    (void)state;
    assert_becomes(opt_invert,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 10\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v3 = phi B0: v1, B2: v6\n"
                   "    s1 = state @1, v3\n"
                   "    v4 = guard_int v3 [s1] @1\n"
                   "    v5 = less_than v4, v2 @1\n"
                   "    branch v5, B2, B3\n"
                   "B2:\n"
                   "    s2 = state @2, v3\n"
                   "    v6 = call f, v3 @2\n"
                   "    jump B1\n"
                   "B3:\n"
                   "    return v3\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 10\n"
                   "    s1 = state @1, v1\n"
                   "    v3 = guard_int v1 [s1] @1\n"
                   "    v4 = less_than v3, v2 @1\n"
                   "    branch v4, B1, B3\n"
                   "B1:\n"
                   "    v5 = phi B2: v7, B0: v1\n"
                   "    s2 = state @2, v5\n"
                   "    v6 = call f, v5 @2\n"
                   "    jump B2\n"
                   "B2:\n"
                   "    v7 = phi B1: v6\n"
                   "    s3 = state @1, v7\n"
                   "    v8 = guard_int v7 [s3] @1\n"
                   "    v9 = less_than v8, v2 @1\n"
                   "    branch v9, B1, B3\n"
                   "B3:\n"
                   "    v10 = phi B2: v7, B0: v1\n"
                   "    return v10\n");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_while_loop),
    cmocka_unit_test(test_a_loop_with_a_second_way_out),
    cmocka_unit_test(test_a_phi_behind_the_loop),
    cmocka_unit_test(test_a_test_with_effects),
    cmocka_unit_test(test_loops_that_are_left_alone),
    cmocka_unit_test(test_a_long_test_is_not_copied),
    cmocka_unit_test(test_nested_loops),
    cmocka_unit_test(test_states_are_copied_with_their_guards),
};
TEST_MAIN(tests)
