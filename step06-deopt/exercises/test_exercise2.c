// Exercise 2: a bet on a method that is called with more or fewer arguments than it has parameters.
#include "exercise.h"

// `ask` calls a method of two parameters, the receiver included, with so many arguments besides the receiver.
#define PROGRAM(arguments, count) \
    "class Box fields=1\n method put params=2\n  load_local 1\n  load_const undefined\n  equal\n  jump_if_false given\n" \
    "  load_const 1000\n  return\ngiven:\n  load_local 1\n  return\n end\nend\n" \
    "func ask params=1\n load_local 0\n" arguments " call_method put " count "\n load_const 1\n add\n return\nend\n" \
    "func main params=0 locals=3\n new_object Box\n store_local 0\n load_const 0\n store_local 1\n load_const 0\n store_local 2\n" \
    "loop:\n load_local 2\n load_const 40\n less_than\n jump_if_false done\n load_local 1\n load_local 0\n call ask\n add\n" \
    " store_local 1\n load_local 2\n load_const 1\n add\n store_local 2\n jump loop\ndone:\n load_local 1\n return\nend\n"

#define NONE PROGRAM("", "0")
#define ONE PROGRAM(" load_const 5\n", "1")
#define THREE PROGRAM(" load_const 5\n load_const 6\n load_const 7\n", "3")

static void check_called(const char *text) {
    assert_int_equal(count_learned(text, "ask", IR_CALL_METHOD), 0);
    assert_int_equal(count_learned(text, "ask", IR_CALL), 1);
}

static void test_as_many_arguments_as_parameters(void **state) {
    (void)state;
    check_called(ONE);
    assert_same_result(ONE, NULL);
}

static void test_fewer_arguments(void **state) {
    (void)state;
    check_called(NONE);
    assert_same_result(NONE, NULL);
}

static void test_more_arguments(void **state) {
    (void)state;
    check_called(THREE);
    assert_same_result(THREE, NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_as_many_arguments_as_parameters),
    cmocka_unit_test(test_fewer_arguments),
    cmocka_unit_test(test_more_arguments),
};
TEST_MAIN(tests)
