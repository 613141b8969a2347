// Exercise 2: the length of an array that was just made.
#include "exercise.h"

static void test_a_new_array_has_as_many_elements_as_it_was_given(void **state) {
    (void)state;
    assert_returned("gvn", "B0:\n    v1 = param 0\n    v2 = new_array v1, v1, v1\n    v3 = length v2\n    return v3\n", "const 3");
    assert_returned("gvn", "B0:\n    v2 = new_array\n    v3 = length v2\n    return v3\n", "const 0");
}

static void test_in_a_block_behind_it_too(void **state) {
    (void)state;
    assert_returned("gvn",
                    "B0:\n    v1 = param 0\n    v2 = new_array v1\n    branch v1, B1, B2\nB1:\n    jump B2\nB2:\n"
                    "    v3 = length v2\n    return v3\n",
                    "const 1");
}

static void test_what_writes_no_lengths_does_not_matter(void **state) {
    (void)state;
    assert_returned("gvn",
                    "B0:\n    v1 = param 0\n    v2 = new_array v1, v1\n    set_property v1, x, v2\n    v3 = length v2\n    return v3\n",
                    "const 2");
}

static void test_a_write_in_between_may_change_it(void **state) {
    (void)state;
    assert_returned("gvn",
                    "B0:\n    v1 = param 0\n    v2 = new_array v1\n    v4 = const 7\n    set_index v2, v4, v1\n    v3 = length v2\n"
                    "    return v3\n",
                    "length");
    assert_returned("gvn",
                    "B0:\n    v1 = param 0\n    v2 = new_array v1\n    v4 = call f, v2\n    v3 = length v2\n    return v3\n", "length");
}

static void test_a_write_on_another_path_may_change_it(void **state) {
    (void)state;
    assert_returned("gvn",
                    "B0:\n    v1 = param 0\n    v2 = new_array v1\n    v4 = const 7\n    branch v1, B1, B2\nB1:\n"
                    "    set_index v2, v4, v1\n    jump B2\nB2:\n    v3 = length v2\n    return v3\n",
                    "length");
}

static void test_a_write_in_the_loop_may_change_it(void **state) {
    (void)state;
    assert_returned("gvn",
                    "B0:\n    v1 = param 0\n    v2 = new_array v1\n    jump B1\nB1:\n    v3 = length v2\n    set_index v2, v3, v1\n"
                    "    branch v1, B1, B2\nB2:\n    return v3\n",
                    "length");
}

static void test_other_lengths_stay(void **state) {
    (void)state;
    assert_returned("gvn", "B0:\n    v1 = param 0\n    v2 = new_array v1\n    v3 = length v1\n    return v3\n", "length");
}

static void test_programs_compute_the_same(void **state) {
    (void)state;
    assert_same_result("func main params=1 locals=2\n load_local 0\n load_local 0\n new_array 2\n store_local 1\n"
                       " load_local 1\n length\n load_local 1\n load_const 5\n load_const 0\n set_index\n load_local 1\n length\n"
                       " load_const 100\n mul\n add\n return\nend\n",
                       (Value[]){value_from_int(3)});
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_new_array_has_as_many_elements_as_it_was_given),
    cmocka_unit_test(test_in_a_block_behind_it_too),
    cmocka_unit_test(test_what_writes_no_lengths_does_not_matter),
    cmocka_unit_test(test_a_write_in_between_may_change_it),
    cmocka_unit_test(test_a_write_on_another_path_may_change_it),
    cmocka_unit_test(test_a_write_in_the_loop_may_change_it),
    cmocka_unit_test(test_other_lengths_stay),
    cmocka_unit_test(test_programs_compute_the_same),
};
TEST_MAIN(tests)
