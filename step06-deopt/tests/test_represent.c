// Representations: what is chosen, where conversions stand, and that they keep every value.
#include "ir/represent.h"

#include <math.h>

#include "ir_interp.h"
#include "object/number.h"
#include "object/operators.h"
#include "opt/fold.h"
#include "opt_rig.h"
#include "testing/test_main.h"

// Everything in the loop is an int32: the counter, its bound, the sum; its tagged form is made behind the loop.
static void test_a_counting_loop_is_all_integers(void **state) {
    (void)state;
    assert_becomes(ir_represent,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 0\n"
                   "    v3 = const 1\n"
                   "    s1 = state @0, v1\n"
                   "    v4 = guard_int v1 [s1] @1\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v5 = phi B0: v2, B1: v7\n"
                   "    v6 = phi B0: v2, B1: v8\n"
                   "    s2 = state @2, v5, v6\n"
                   "    v7 = add_int v5, v3 [s2] @3\n"
                   "    v8 = add_int v6, v7 [s2] @4\n"
                   "    v9 = less_than v7, v4 @5\n"
                   "    branch v9, B1, B2\n"
                   "B2:\n"
                   "    return v8\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2:i32 = const 0\n"
                   "    v3:i32 = const 1\n"
                   "    s1 = state @0, v1\n"
                   "    v4:i32 = guard_int v1 [s1] @1\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v5:i32 = phi B0: v2, B2: v7\n"
                   "    v6:i32 = phi B0: v2, B2: v8\n"
                   "    s2 = state @2, v5, v6\n"
                   "    v7:i32 = add_int v5, v3 [s2] @3\n"
                   "    v8:i32 = add_int v6, v7 [s2] @4\n"
                   "    v9 = less_than v7, v4 @5\n"
                   "    branch v9, B2, B3\n"
                   "B2:\n"
                   "    jump B1\n"
                   "B3:\n"
                   "    v10 = to_tagged v8\n"
                   "    return v10\n");
}

// The sum starts with the integer 0 and is a double all the same; the counter stays an integer.
static void test_a_sum_of_doubles(void **state) {
    (void)state;
    assert_becomes(ir_represent,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 0\n"
                   "    v3 = const 1\n"
                   "    v10 = const 10\n"
                   "    s1 = state @0, v1\n"
                   "    v4 = guard_number v1 [s1] @1\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v5 = phi B0: v2, B1: v7\n"
                   "    v6 = phi B0: v2, B1: v8\n"
                   "    s2 = state @2, v5, v6\n"
                   "    v7 = add_int v5, v3 [s2] @3\n"
                   "    v11 = mul v4, v5 @4\n"
                   "    v8 = add v6, v11 @5\n"
                   "    v9 = less_than v7, v10 @6\n"
                   "    branch v9, B1, B2\n"
                   "B2:\n"
                   "    return v8\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2:i32 = const 0\n"
                   "    v3:f64 = const 0\n"
                   "    v4:i32 = const 1\n"
                   "    v5:i32 = const 10\n"
                   "    s1 = state @0, v1\n"
                   "    v6:f64 = guard_number v1 [s1] @1\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v7:i32 = phi B0: v2, B2: v9\n"
                   "    v8:f64 = phi B0: v3, B2: v12\n"
                   "    s2 = state @2, v7, v8\n"
                   "    v9:i32 = add_int v7, v4 [s2] @3\n"
                   "    v10:f64 = to_f64 v7\n"
                   "    v11:f64 = mul v6, v10 @4\n"
                   "    v12:f64 = add v8, v11 @5\n"
                   "    v13 = less_than v9, v5 @6\n"
                   "    branch v13, B2, B3\n"
                   "B2:\n"
                   "    jump B1\n"
                   "B3:\n"
                   "    v14 = to_tagged v12\n"
                   "    return v14\n");
}

// A phi that is sometimes a string is tagged, whatever else feeds it.
static void test_a_phi_of_numbers_and_others_is_tagged(void **state) {
    (void)state;
    assert_becomes(ir_represent,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 1\n"
                   "    v3 = const \"a\"\n"
                   "    s1 = state @0, v1\n"
                   "    v4 = guard_int v1 [s1] @1\n"
                   "    v5 = add_int v4, v2 [s1] @1\n"
                   "    branch v1, B1, B2\n"
                   "B1:\n"
                   "    jump B2\n"
                   "B2:\n"
                   "    v6 = phi B0: v5, B1: v3\n"
                   "    return v6\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2:i32 = const 1\n"
                   "    v3 = const \"a\"\n"
                   "    s1 = state @0, v1\n"
                   "    v4:i32 = guard_int v1 [s1] @1\n"
                   "    v5:i32 = add_int v4, v2 [s1] @1\n"
                   "    branch v1, B1, B2\n"
                   "B1:\n"
                   "    jump B3\n"
                   "B2:\n"
                   "    v6 = to_tagged v5\n"
                   "    jump B3\n"
                   "B3:\n"
                   "    v7 = phi B2: v6, B1: v3\n"
                   "    return v7\n");
}

// In each iteration the call wants the phi tagged; only once, behind the loop, it is wanted as a double.
static void test_the_hot_uses_decide(void **state) {
    (void)state;
    assert_becomes(ir_represent,
                   "B0:\n"
                   "    v1 = const 7\n"
                   "    v2 = const 0.5\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v3 = phi B0: v2, B2: v5\n"
                   "    v4 = call f, v3 @1\n"
                   "    branch v4, B2, B3\n"
                   "B2:\n"
                   "    v5 = mod v3, v1 @2\n"
                   "    jump B1\n"
                   "B3:\n"
                   "    v6 = mul v3, v2 @3\n"
                   "    return v6\n",
                   "B0:\n"
                   "    v1 = const 7\n"
                   "    v2 = const 0.5\n"
                   "    v3:f64 = const 0.5\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v4 = phi B0: v2, B2: v6\n"
                   "    v5 = call f, v4 @1\n"
                   "    branch v5, B2, B3\n"
                   "B2:\n"
                   "    v6 = mod v4, v1 @2\n"
                   "    jump B1\n"
                   "B3:\n"
                   "    v7:f64 = to_f64 v4\n"
                   "    v8:f64 = mul v7, v3 @3\n"
                   "    v9 = to_tagged v8\n"
                   "    return v9\n");
}

// The double is tagged where it is passed on, in one of the branches; and only once, though it is passed on twice.
static void test_a_conversion_stands_where_it_is_needed(void **state) {
    (void)state;
    assert_becomes(ir_represent,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 0.5\n"
                   "    s1 = state @0, v1\n"
                   "    v3 = guard_number v1 [s1] @1\n"
                   "    v4 = mul v3, v2 @1\n"
                   "    v5 = less_than v4, v3 @2\n"
                   "    branch v5, B1, B2\n"
                   "B1:\n"
                   "    v6 = call f, v4 @3\n"
                   "    v7 = call f, v4 @4\n"
                   "    return v7\n"
                   "B2:\n"
                   "    return v2\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 0.5\n"
                   "    v3:f64 = const 0.5\n"
                   "    s1 = state @0, v1\n"
                   "    v4:f64 = guard_number v1 [s1] @1\n"
                   "    v5:f64 = mul v4, v3 @1\n"
                   "    v6 = less_than v5, v4 @2\n"
                   "    branch v6, B1, B2\n"
                   "B1:\n"
                   "    v7 = to_tagged v5\n"
                   "    v8 = call f, v7 @3\n"
                   "    v9 = call f, v7 @4\n"
                   "    return v9\n"
                   "B2:\n"
                   "    return v2\n");
}

// What is made before a loop and wanted tagged in it is tagged before it.
static void test_a_conversion_is_not_repeated_in_a_loop(void **state) {
    (void)state;
    assert_becomes(ir_represent,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 0.5\n"
                   "    s1 = state @0, v1\n"
                   "    v3 = guard_number v1 [s1] @1\n"
                   "    v4 = mul v3, v2 @1\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v5 = call f, v4 @2\n"
                   "    branch v5, B2, B3\n"
                   "B2:\n"
                   "    jump B1\n"
                   "B3:\n"
                   "    return v2\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 0.5\n"
                   "    v3:f64 = const 0.5\n"
                   "    s1 = state @0, v1\n"
                   "    v4:f64 = guard_number v1 [s1] @1\n"
                   "    v5:f64 = mul v4, v3 @1\n"
                   "    v6 = to_tagged v5\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v7 = call f, v6 @2\n"
                   "    branch v7, B2, B3\n"
                   "B2:\n"
                   "    jump B1\n"
                   "B3:\n"
                   "    return v2\n");
}

// The tagged form of what was guarded is what was guarded. If nobody wants anything else, the guard hands on that.
static void test_the_tagged_form_of_a_guarded_value(void **state) {
    (void)state;
    assert_becomes(ir_represent,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    v3 = const 0.5\n"
                   "    s1 = state @0, v1, v2\n"
                   "    v4 = guard_number v1 [s1] @1\n"
                   "    v5 = guard_number v2 [s1] @1\n"
                   "    v6 = mul v4, v3 @1\n"
                   "    v7 = call f, v4, v5, v6 @2\n"
                   "    return v7\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    v3:f64 = const 0.5\n"
                   "    s1 = state @0, v1, v2\n"
                   "    v4:f64 = guard_number v1 [s1] @1\n"
                   "    v5 = guard_number v2 [s1] @1\n"
                   "    v6:f64 = mul v4, v3 @1\n"
                   "    v7 = to_tagged v6\n"
                   "    v8 = call f, v1, v5, v7 @2\n"
                   "    return v8\n");
}

static void test_elements(void **state) {
    (void)state;
    assert_becomes(ir_represent,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    s1 = state @0, v1, v2\n"
                   "    v3 = guard_shape v1, array [s1] @1\n"
                   "    v4 = guard_int v2 [s1] @1\n"
                   "    v5 = guard_bounds v4, v3 [s1] @1\n"
                   "    v6 = load_element v3, v5 [s1] @1\n"
                   "    store_element v3, v5, v5\n"
                   "    v7 = array_length v3\n"
                   "    v8 = call f, v6, v7 @2\n"
                   "    return v8\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    s1 = state @0, v1, v2\n"
                   "    v3 = guard_shape v1, array [s1] @1\n"
                   "    v4:i32 = guard_int v2 [s1] @1\n"
                   "    v5:i32 = guard_bounds v4, v3 [s1] @1\n"
                   "    v6 = load_element v3, v5 [s1] @1\n"
                   "    store_element v3, v5, v2\n"
                   "    v7:i32 = array_length v3\n"
                   "    v8 = to_tagged v7\n"
                   "    v9 = call f, v6, v8 @2\n"
                   "    return v9\n");
}

// The sum of two integers that may leave the integers: a double for a use that wants one, tagged for the others.
static void test_arithmetic_that_may_leave_the_integers(void **state) {
    (void)state;
    assert_becomes(ir_represent,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 0.5\n"
                   "    s1 = state @0, v1\n"
                   "    v3 = guard_int v1 [s1] @1\n"
                   "    v4 = mul v3, v3 @1\n"
                   "    v5 = mul v4, v2 @2\n"
                   "    v6 = add v3, v3 @3\n"
                   "    v7 = call f, v5, v6 @4\n"
                   "    return v7\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2:f64 = const 0.5\n"
                   "    s1 = state @0, v1\n"
                   "    v3:i32 = guard_int v1 [s1] @1\n"
                   "    v4:f64 = to_f64 v3\n"
                   "    v5:f64 = mul v4, v4 @1\n"
                   "    v6:f64 = mul v5, v2 @2\n"
                   "    v7 = to_tagged v3\n"
                   "    v8 = add v7, v7 @3\n"
                   "    v9 = to_tagged v6\n"
                   "    v10 = call f, v9, v8 @4\n"
                   "    return v10\n");
}

// A comparison stays next to the branch that asks for it.
static void test_nothing_comes_between_a_comparison_and_its_branch(void **state) {
    (void)state;
    assert_becomes(ir_represent,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    s1 = state @0, v1\n"
                   "    v2 = guard_int v1 [s1] @1\n"
                   "    v3 = add_int v2, v2 [s1] @1\n"
                   "    v4 = less_than v2, v3 @2\n"
                   "    branch v4, B1, B2\n"
                   "B1:\n"
                   "    v5 = call f, v3 @3\n"
                   "    return v5\n"
                   "B2:\n"
                   "    v6 = call g, v3 @4\n"
                   "    return v6\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    s1 = state @0, v1\n"
                   "    v2:i32 = guard_int v1 [s1] @1\n"
                   "    v3:i32 = add_int v2, v2 [s1] @1\n"
                   "    v4 = to_tagged v3\n"
                   "    v5 = less_than v2, v3 @2\n"
                   "    branch v5, B1, B2\n"
                   "B1:\n"
                   "    v6 = call f, v4 @3\n"
                   "    return v6\n"
                   "B2:\n"
                   "    v7 = call g, v4 @4\n"
                   "    return v7\n");
}

// Untagged, halved, doubled and tagged again, as a double and, if it is one, as an integer: nothing is lost.
static void test_conversions_keep_every_number(void **state) {
    (void)state;
    static const double numbers[] = {
        0.0, -0.0, 1.0, -7.0, 2147483647.0, -2147483648.0, 2147483648.0, 4294967296.0, 0.5, -2.25, 1e300, -1e-300,
        (double)INFINITY, -(double)INFINITY, (double)NAN,
    };
    Ir *ir = ir_from_text("func main params=1 {\n"
                          "B0:\n"
                          "    v1 = param 0\n"
                          "    v2 = const 0.5\n"
                          "    s1 = state @0, v1\n"
                          "    v3 = guard_number v1 [s1] @1\n"
                          "    v4 = mul v3, v2 @1\n"
                          "    v5 = div v4, v2 @2\n"
                          "    branch v5, B1, B2\n"
                          "B1:\n"
                          "    s2 = state @3, v5\n"
                          "    v6 = guard_int v5 [s2] @3\n"
                          "    v7 = const 0\n"
                          "    v8 = add_int v6, v7 [s2] @3\n"
                          "    return v8\n"
                          "B2:\n"
                          "    return v5\n"
                          "}\n");
    Vm *vm = vm_new(ir->program, 1 << 16);
    ir_represent(ir);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        IrMachine machine = {.vm = vm, .steps = 100};
        Value number = number_from_double(&vm->heap, numbers[i]);
        Value result = ir_interp_run(&machine, ir, &number);
        if (machine.num_deopts) result = machine.last_deopt.slots[0]; // no integer
        assert_int_equal(machine.num_deopts, value_is_truthy(number) && !value_is_int(number));
        assert_true(constants_are_same(number, result));
        free(machine.last_deopt.slots);
    }
    vm_free(vm);
    ir_discard(ir);
}

// A chain of blocks, each of which uses what the first one made: linear time.
static void test_a_long_chain_of_uses(void **state) {
    (void)state;
    enum { COUNT = 20000 };
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    fputs("func main params=1 {\nB0:\nv1 = param 0\ns1 = state @0, v1\nv2 = guard_int v1 [s1] @1\n"
          "v3 = add_int v2, v2 [s1] @1\n", out);
    for (unsigned i = 0; i < COUNT; i++)
        fprintf(out, "branch v1, B%u, B%u\nB%u:\nv%u = call f, v3 @2\njump B%u\nB%u:\n", 2 * i + 1, 2 * i + 2,
                2 * i + 1, i + 4, 2 * i + 2, 2 * i + 2);
    fputs("return v3\n}\n", out);
    fclose(out);
    Ir *ir = ir_from_text(text);
    ir_represent(ir);
    assert_valid(ir, "behind ir_represent");
    assert_int_equal(count_ops(ir, IR_TO_TAGGED), 1);
    ir_discard(ir);
    free(text);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_counting_loop_is_all_integers),
    cmocka_unit_test(test_a_sum_of_doubles),
    cmocka_unit_test(test_a_phi_of_numbers_and_others_is_tagged),
    cmocka_unit_test(test_the_hot_uses_decide),
    cmocka_unit_test(test_a_conversion_stands_where_it_is_needed),
    cmocka_unit_test(test_a_conversion_is_not_repeated_in_a_loop),
    cmocka_unit_test(test_the_tagged_form_of_a_guarded_value),
    cmocka_unit_test(test_elements),
    cmocka_unit_test(test_arithmetic_that_may_leave_the_integers),
    cmocka_unit_test(test_nothing_comes_between_a_comparison_and_its_branch),
    cmocka_unit_test(test_conversions_keep_every_number),
    cmocka_unit_test(test_a_long_chain_of_uses),
};
TEST_MAIN(tests)
