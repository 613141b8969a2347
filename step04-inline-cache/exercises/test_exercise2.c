// Exercise 2: a product with a positive constant needs no check for -0.
#include "exercise.h"

static size_t code_size(int32_t factor) {
    char text[256];
    snprintf(text, sizeof text, "func main params=1\n    load_local 0\n    load_const %d\n    mul\n    return\nend\n", factor);
    Program *program = load_text(text);
    JitCompiler *jit = new_jit(program, TIER_OPT, IC_ON);
    jit_compile_all(jit);
    size_t size = 0;
    jit_code(jit, &program->functions[0], &size);
    assert_true(size > 0);
    jit_free(jit);
    program_free(program);
    return size;
}

// At least the test of the product, a jump, the OR of the signs, and a second jump.
static void test_code_for_positive_constants_is_shorter(void **state) {
    (void)state;
    assert_true(code_size(3) + 12 <= code_size(-3));
    assert_true(code_size(INT32_MAX) + 12 <= code_size(INT32_MIN));
}

// 1 / (x * y) tells -0 from 0.
static void check_reciprocal(int32_t x, int32_t y, const char *expected) {
    char text[512];
    snprintf(text, sizeof text,
             "func main params=0 locals=1\n    load_const %d\n    call id\n    store_local 0\n    load_const 1\n    load_local 0\n"
             "    load_const %d\n    mul\n    div\n    return\nend\nfunc id params=1\n    load_local 0\n    return\nend\n", x, y);
    check_prints(text, expected);
}

// Above all those that are 0.
static void test_every_product_is_right(void **state) {
    (void)state;
    check_reciprocal(0, 3, "Infinity");
    check_reciprocal(0, -3, "-Infinity");
    check_reciprocal(0, 0, "Infinity");
    check_reciprocal(-7, 0, "-Infinity");
    check_reciprocal(-2, 4, "-0.125");
    check_reciprocal(2, -4, "-0.125");
    check_reciprocal(65536, 65536, "2.3283064365386963e-10");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_code_for_positive_constants_is_shorter),
    cmocka_unit_test(test_every_product_is_right),
};
TEST_MAIN(tests)
