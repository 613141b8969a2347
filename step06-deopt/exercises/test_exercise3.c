// Exercise 3: a bet on a property that an object inherits.
#include "exercise.h"

#define HEAD \
    "class Shape\nend\nclass Square extends Shape fields=1\nend\n" \
    "func sides params=1\n load_local 0\n get_property sides\n return\nend\n" \
    "func main params=0 locals=3\n load_prototype Shape\n load_const 4\n set_property sides\n new_object Square\n store_local 0\n" \
    " load_const 0\n store_local 1\n load_const 0\n store_local 2\n" \
    "loop:\n load_local 2\n load_const 60\n less_than\n jump_if_false done\n"
#define TAIL \
    " load_local 1\n load_local 0\n call sides\n add\n store_local 1\n load_local 2\n load_const 1\n add\n store_local 2\n" \
    " jump loop\ndone:\n load_local 1\n return\nend\n"

// At the 30th turn, something happens.
#define AT_30(what) " load_local 2\n load_const 30\n equal\n jump_if_false on\n" what "on:\n"

static void test_an_inherited_property_is_loaded_from_where_it_is(void **state) {
    (void)state;
    assert_int_equal(count_learned(HEAD TAIL, "sides", IR_GET_PROPERTY), 0);
    assert_int_equal(count_learned(HEAD TAIL, "sides", IR_LOAD_FIELD), 1);
    assert_int_equal(count_learned(HEAD TAIL, "sides", IR_GUARD_SHAPE), 1);
    assert_same_result(HEAD TAIL, NULL);
}

static void test_another_value(void **state) {
    (void)state;
    assert_same_result(HEAD AT_30(" load_prototype Shape\n load_const 5\n set_property sides\n") TAIL, NULL);
}

static void test_the_object_gets_its_own(void **state) {
    (void)state;
    assert_same_result(HEAD AT_30(" load_local 0\n load_const 6\n set_property sides\n") TAIL, NULL);
}

static void test_a_prototype_in_between_gets_one(void **state) {
    (void)state;
    assert_same_result(HEAD AT_30(" load_prototype Square\n load_const 7\n set_property sides\n") TAIL, NULL);
}

static void test_another_prototype(void **state) {
    (void)state;
    assert_same_result(HEAD AT_30(" load_prototype Square\n new_object Shape\n dup\n load_const 8\n set_property sides\n set_prototype\n")
                           TAIL,
                       NULL);
}

static void test_an_absent_property_is_no_bet(void **state) {
    (void)state;
    static const char *const text = "class Shape\nend\nfunc get params=1\n load_local 0\n get_property missing\n return\nend\n"
                                    "func main params=0 locals=1\n new_object Shape\n store_local 0\n load_local 0\n call get\n return\nend\n";
    assert_int_equal(count_learned(text, "get", IR_GET_PROPERTY), 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_an_inherited_property_is_loaded_from_where_it_is),
    cmocka_unit_test(test_another_value),
    cmocka_unit_test(test_the_object_gets_its_own),
    cmocka_unit_test(test_a_prototype_in_between_gets_one),
    cmocka_unit_test(test_another_prototype),
    cmocka_unit_test(test_an_absent_property_is_no_bet),
};
TEST_MAIN(tests)
