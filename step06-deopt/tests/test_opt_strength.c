// Strength reduction: only what is exact.
#include "opt_rig.h"
#include "testing/test_main.h"

// v1 is a parameter, of unknown type; v2 a number; v3 an integer; v4 a double; v5 a boolean; v6 a string.
static char *with_types(const char *body) {
    char *text;
    if (asprintf(&text,
                 "B0:\n"
                 "    v1 = param 0\n"
                 "    v90 = const 1\n"
                 "    v2 = sub v1, v90 @0\n"
                 "    v3 = length v1 @0\n"
                 "    v91 = const 0.5\n"
                 "    v92 = const -0\n"
                 "    branch v1, B1, B2\n"
                 "B1:\n"
                 "    jump B2\n"
                 "B2:\n"
                 "    v4 = phi B0: v91, B1: v92\n"
                 "    v5 = less_than v2, v3\n"
                 "    v93 = const \"a\"\n"
                 "    v6 = add v1, v93 @0\n"
                 "    %sreturn v10\n", body) < 0) abort();
    return text;
}

// The value that is returned in the end, as text without its name: "add v1, v2".
static char *returned(Pass *pass, const char *body) {
    char *whole = with_types(body), *text, *line;
    if (asprintf(&text, "func main params=1 {\n%s}\n", whole) < 0) abort();
    Ir *ir = ir_from_text(text);
    pass(ir);
    assert_valid(ir, "behind the pass");
    Ref value = NO_REF;
    for (uint32_t b = 0; b < ir->num_blocks; b++)
        IR_EACH(ir, b, ref)
            if (ir->ins[ref].op == IR_RETURN) value = ir_args(ir, ref)[0];
    size_t size;
    FILE *out = open_memstream(&line, &size);
    ir_print_ins(out, ir, value, 0);
    fclose(out);
    char *result = strdup(strstr(line, "= ") + 2);
    free(line);
    free(whole);
    free(text);
    ir_discard(ir);
    return result;
}

static void assert_returned(const char *constant, const char *operation, const char *expected) {
    char body[200];
    snprintf(body, sizeof body, "v9 = const %s\nv10 = %s\n", constant, operation);
    char *result = returned(opt_strength, body);
    bool right = strncmp(result, expected, strlen(expected)) == 0;
    if (!right) fail_msg("with v9 = %s, %s becomes '%s', not '%s'", constant, operation, result, expected);
    free(result);
}

// What they are computed by.
static const char *const integer = "length v", *const number = "sub v", *const dbl = "phi ";
static const char *const boolean = "less_than v";

static void test_neutral_operands(void **state) {
    (void)state;
    assert_returned("0", "add v3, v9", integer);
    assert_returned("0", "add v9, v3", integer);
    assert_returned("0", "sub v2, v9", number);
    assert_returned("-0", "add v2, v9", number);
    assert_returned("1", "mul v2, v9", number);
    assert_returned("1", "mul v9, v4", dbl);
    assert_returned("1", "div v2, v9", number);
    assert_returned("-0", "sub v3, v9", integer);
}

static void test_what_only_looks_neutral(void **state) {
    (void)state;
    assert_returned("0", "add v2, v9", "add v"); // -0 + 0 is 0
    assert_returned("0", "add v4, v9", "add v");
    assert_returned("-0", "sub v2, v9", "sub v");
    assert_returned("-0", "add v6, v9", "add v"); // "a" + -0 is "a0"
    assert_returned("0", "sub v1, v9", "sub v");  // what is no number becomes one
    assert_returned("1", "mul v1, v9", "mul v");
    assert_returned("1", "mul v5, v9", "mul v");  // true * 1 is 1
    assert_returned("1", "div v6, v9", "div v");
    assert_returned("0", "mul v2, v9", "mul v");  // NaN, -0
    assert_returned("0", "sub v9, v2", "sub v");
    assert_returned("1", "div v9, v2", "div v");
    assert_returned("1", "mod v2, v9", "mod v");  // -3 % 1 is -0
    assert_returned("-1", "mul v2, v9", "mul v"); // 0 * -1 is -0
}

static void test_cheaper_operations(void **state) {
    (void)state;
    assert_returned("2", "mul v2, v9", "add v");
    assert_returned("2", "mul v9, v3", "add v");
    assert_returned("2", "mul v1, v9", "mul v"); // "3" * 2 is 6, "3" + "3" is "33"
    assert_returned("4", "div v4, v9", "mul v");
    assert_returned("-0.125", "div v4, v9", "mul v");
    assert_returned("4", "div v2, v9", "div v");
    assert_returned("3", "div v4, v9", "div v");
    assert_returned("0", "div v4, v9", "div v");
    assert_returned("Infinity", "div v4, v9", "div v");
    assert_returned("5e-324", "div v4, v9", "div v"); // its reciprocal is infinite
}

static void test_equal_operands(void **state) {
    (void)state;
    assert_returned("0", "sub v3, v3", "const 0");
    assert_returned("0", "sub v2, v2", "sub v"); // Infinity - Infinity
    assert_returned("0", "equal v3, v3", "const true");
    assert_returned("0", "equal v6, v6", "const true");
    assert_returned("0", "equal v5, v5", "const true");
    assert_returned("0", "equal v2, v2", "equal v");
    assert_returned("0", "equal v1, v1", "equal v");
    assert_returned("0", "less_than v2, v2", "const false");
    assert_returned("0", "greater_than v1, v1", "greater_than v"); // of an object: an error
    assert_returned("0", "div v3, v3", "div v");
    assert_returned("true", "equal v5, v9", boolean);
    assert_returned("true", "equal v1, v9", "equal v");
    assert_returned("false", "equal v5, v9", "equal v");
}

// The counter of a loop from `start`, by `step`, while the test holds, and its product.
static unsigned products_left(const char *start, const char *step, const char *factor, const char *test) {
    char body[600];
    snprintf(body, sizeof body,
             "B0:\n"
             "    v1 = param 0\n"
             "    v2 = const %s\n"
             "    v3 = const %s\n"
             "    v4 = const %s\n"
             "    v5 = const 100\n"
             "    v20 = new_array\n"
             "    jump B1\n"
             "B1:\n"
             "    v6 = phi B0: v2, B1: v8\n"
             "    v7 = mul v6, v4 @1\n"
             "    set_index v20, v7, v6 @2\n"
             "    v8 = add v6, v3 @3\n"
             "    v9 = %s @4\n"
             "    branch v9, B1, B2\n"
             "B2:\n"
             "    return v20\n", start, step, factor, test);
    char *text;
    if (asprintf(&text, "func main params=1 {\n%s}\n", body) < 0) abort();
    Ir *ir = ir_from_text(text);
    opt_strength(ir);
    assert_valid(ir, "behind the pass");
    unsigned count = 0;
    ir_loops(ir);
    for (uint32_t b = 0; b < ir->num_blocks; b++)
        IR_EACH(ir, b, ref) count += ir->ins[ref].op == IR_MUL && ir_loop_depth(ir, b) > 0;
    ir_discard(ir);
    free(text);
    return count;
}

static void test_products_of_a_counter(void **state) {
    (void)state;
    assert_becomes(opt_strength,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 2\n"
                   "    v3 = const 3\n"
                   "    v4 = const 24\n"
                   "    v5 = const 100\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v6 = phi B0: v2, B1: v8\n"
                   "    v7 = mul v6, v4 @1\n"
                   "    set_index v1, v7, v6 @2\n"
                   "    v8 = add v6, v3 @3\n"
                   "    v9 = less_than v8, v5 @4\n"
                   "    branch v9, B1, B2\n"
                   "B2:\n"
                   "    return v1\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 2\n"
                   "    v3 = const 3\n"
                   "    v4 = const 24\n"
                   "    v5 = const 100\n"
                   "    v6 = const 48\n"
                   "    v7 = const 72\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v8 = phi B0: v6, B1: v11\n"
                   "    v9 = phi B0: v2, B1: v10\n"
                   "    set_index v1, v8, v9 @2\n"
                   "    v10 = add v9, v3 @3\n"
                   "    v11 = add v8, v7 @3\n"
                   "    v12 = less_than v10, v5 @4\n"
                   "    branch v12, B1, B2\n"
                   "B2:\n"
                   "    return v1\n");
    assert_int_equal(products_left("0", "1", "3", "less_than v8, v5"), 0);
    assert_int_equal(products_left("-50", "7", "3", "greater_than v5, v8"), 0);
    assert_int_equal(products_left("500", "-7", "3", "greater_than v8, v5"), 0);
    assert_int_equal(products_left("0", "1", "3", "less_than v6, v5"), 0);
}

static void test_products_that_would_be_rounded_or_minus_zero(void **state) {
    (void)state;
    assert_int_equal(products_left("0", "1", "-3", "less_than v8, v5"), 1); // 0 * -3 is -0
    assert_int_equal(products_left("-0", "1", "3", "less_than v8, v5"), 1); // -0 * 3 is -0
    assert_int_equal(products_left("0", "1", "0.1", "less_than v8, v5"), 1);
    assert_int_equal(products_left("0", "0.1", "3", "less_than v8, v5"), 1);
    assert_int_equal(products_left("0.5", "1", "3", "less_than v8, v5"), 1);
    assert_int_equal(products_left("0", "1", "3", "less_than v8, v1"), 1); // the bound may be 1e300
    assert_int_equal(products_left("0", "1", "3", "greater_than v8, v5"), 1); // no bound at all
    assert_int_equal(products_left("0", "1", "10000000", "less_than v8, v5"), 1);
    assert_int_equal(products_left("0", "-1", "3", "less_than v8, v5"), 1);
}

// Where the test is true, the loop is left; where it is false, the counter may be anything.
static void test_a_test_the_wrong_way_round(void **state) {
    (void)state;
    assert_stays(opt_strength,
                 "B0:\n"
                 "    v1 = param 0\n"
                 "    v2 = const 0\n"
                 "    v3 = const 1\n"
                 "    v4 = const 24\n"
                 "    v5 = const 100\n"
                 "    jump B1\n"
                 "B1:\n"
                 "    v6 = phi B0: v2, B1: v8\n"
                 "    v7 = mul v6, v4 @1\n"
                 "    set_index v1, v7, v6 @2\n"
                 "    v8 = add v6, v3 @3\n"
                 "    v9 = less_than v8, v5 @4\n"
                 "    branch v9, B2, B1\n"
                 "B2:\n"
                 "    return v1\n");
}

// A test that one way through the loop does not meet.
static void test_a_test_on_one_path_only(void **state) {
    (void)state;
    assert_stays(opt_strength,
                 "B0:\n"
                 "    v1 = param 0\n"
                 "    v2 = const 0\n"
                 "    v3 = const 1\n"
                 "    v4 = const 24\n"
                 "    v5 = const 100\n"
                 "    jump B1\n"
                 "B1:\n"
                 "    v6 = phi B0: v2, B3: v8\n"
                 "    v7 = mul v6, v4 @1\n"
                 "    set_index v1, v7, v6 @2\n"
                 "    v8 = add v6, v3 @3\n"
                 "    v9 = less_than v8, v5 @4\n"
                 "    branch v9, B2, B3\n"
                 "B2:\n"
                 "    v10 = call f @5\n"
                 "    jump B3\n"
                 "B3:\n"
                 "    branch v1, B1, B4\n"
                 "B4:\n"
                 "    return v1\n");
    assert_stays(opt_strength,
                 "B0:\n"
                 "    v1 = param 0\n"
                 "    v2 = const 0\n"
                 "    v3 = const 1\n"
                 "    v4 = const 24\n"
                 "    v5 = const 100\n"
                 "    jump B1\n"
                 "B1:\n"
                 "    v6 = phi B0: v2, B3: v8\n"
                 "    v7 = mul v6, v4 @1\n"
                 "    set_index v1, v7, v6 @2\n"
                 "    v8 = add v6, v3 @3\n"
                 "    v9 = less_than v8, v5 @4\n"
                 "    branch v9, B3, B2\n"
                 "B2:\n"
                 "    v10 = call f @5\n"
                 "    jump B3\n"
                 "B3:\n"
                 "    branch v1, B1, B4\n"
                 "B4:\n"
                 "    return v1\n");
}

// The same rules; the sum that takes the place of a product leaves by the same state.
static void test_arithmetic_on_integers_only(void **state) {
    (void)state;
    assert_becomes(opt_strength,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 0\n"
                   "    v3 = const 1\n"
                   "    v4 = const 2\n"
                   "    s1 = state @0, v1\n"
                   "    v5 = guard_int v1 [s1] @1\n"
                   "    v6 = add_int v5, v2 [s1] @1\n"
                   "    v7 = sub_int v6, v2 [s1] @1\n"
                   "    v8 = mul_int v3, v7 [s1] @1\n"
                   "    v9 = div_int v8, v3 [s1] @1\n"
                   "    v10 = mul_int v9, v4 [s1] @1\n"
                   "    v11 = mul_int v9, v2 [s1] @1\n"
                   "    v12 = div_int v9, v4 [s1] @1\n"
                   "    v13 = sub_int v10, v10 [s1] @1\n"
                   "    v14 = call f, v10, v11, v12, v13 @2\n"
                   "    return v14\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 0\n"
                   "    v3 = const 1\n"
                   "    v4 = const 2\n"
                   "    s1 = state @0, v1\n"
                   "    v5 = guard_int v1 [s1] @1\n"
                   "    v6 = add_int v5, v5 [s1] @1\n"
                   "    v7 = mul_int v5, v2 [s1] @1\n"
                   "    v8 = div_int v5, v4 [s1] @1\n"
                   "    v9 = const 0\n"
                   "    v10 = call f, v6, v7, v8, v9 @2\n"
                   "    return v10\n");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_neutral_operands),
    cmocka_unit_test(test_what_only_looks_neutral),
    cmocka_unit_test(test_cheaper_operations),
    cmocka_unit_test(test_equal_operands),
    cmocka_unit_test(test_products_of_a_counter),
    cmocka_unit_test(test_a_test_the_wrong_way_round),
    cmocka_unit_test(test_a_test_on_one_path_only),
    cmocka_unit_test(test_products_that_would_be_rounded_or_minus_zero),
    cmocka_unit_test(test_arithmetic_on_integers_only),
};
TEST_MAIN(tests)
