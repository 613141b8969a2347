// From IR with representations, guards and frame states to LIR, as text. The states need not fit any bytecode.
#include "backend/lir.h"
#include "ir/lower.h"
#include "ir_text.h"
#include "testing/test_main.h"

static void assert_lir(const char *text, const char *expected) {
    Program *program = bytecode_from("func main params=2\n load_const 0\n return\nend\n");
    Ir ir;
    Lir lir;
    Diagnostic diagnostic;
    if (!ir_parse(&ir, program, text, strlen(text), &diagnostic)) fail_msg("%s", diagnostic.message);
    ir_lower(&ir, &lir);
    char *printed = NULL, fault[200];
    size_t size;
    if (!lir_verify(&lir, fault, sizeof fault)) fail_msg("%s", fault);
    FILE *out = open_memstream(&printed, &size);
    lir_print(out, &lir);
    fclose(out);
    assert_string_equal(printed, expected);
    free(printed);
    lir_free(&lir);
    ir_free(&ir);
    program_free(program);
}

static void test_a_loop_of_integers(void **state) {
    (void)state;
    assert_lir("func main params=2 {\n"
               "B0:\n"
               "    v1 = param 0\n"
               "    v2 = const 0\n"
               "    v3 = const 1\n"
               "    s1 = state @0, v1\n"
               "    v4:i32 = guard_int v1 [s1 hoisted] @7\n"
               "    jump B1\n"
               "B1:\n"
               "    v5:i32 = phi v2, v8\n"
               "    v6 = less_than v5, v4\n"
               "    branch v6, B2, B3\n"
               "B2:\n"
               "    s2 = state @2, v4, v5, v2\n"
               "    v8:i32 = add_int v3, v5 [s2] @3\n"
               "    jump B1\n"
               "B3:\n"
               "    v9:tagged = to_tagged v5\n"
               "    return v9\n"
               "}\n",
               "main:\n"
               "  B0:\n"
               "       0  params v0, v1\n"
               "       1  guard_tag v0 -> exit 0 @0 [v0]\n"
               "       2  v2 <- untag_i32 v0\n"
               "       3  jump B1\n"
               "  B1:  ; from B0, B2  ; loop depth 1\n"
               "          v3 <- phi 0:i32, v4\n"
               "       4  branch_i32 v3 !< v2, B3\n"
               "  B2:  ; from B1  ; loop depth 1\n"
               "       5  v4 <- add_i32 v3, 1 -> exit 1 back @2 [v2:i32, v4:i32, 0]\n"
               "       6  jump B1\n"
               "  B3:  ; from B1\n"
               "       7  v5 <- tag_i32 v3\n"
               "       8  return v5\n");
}

static void test_doubles(void **state) {
    (void)state;
    assert_lir("func main params=2 {\n"
               "B0:\n"
               "    v1 = param 0\n"
               "    v2 = param 1\n"
               "    v3 = const 1.5\n"
               "    s1 = state @0, v1, v2\n"
               "    v4:f64 = guard_number v1 [s1] @1\n"
               "    v5 = guard_number v2 [s1] @1\n"
               "    v6:f64 = to_f64 v5\n"
               "    v7:f64 = mul v3, v4\n"
               "    v8:f64 = sub v3, v6\n"
               "    v9 = equal v7, v8\n"
               "    v10 = greater_than v7, v3\n"
               "    v11:i32 = guard_int v1 [s1] @1\n"
               "    v12:f64 = to_f64 v11\n"
               "    v13:f64 = div v12, v7\n"
               "    s2 = state @2, v7, v9, v10\n"
               "    v14 = guard_int v9 [s2] @1\n"
               "    v15 = to_tagged v13\n"
               "    return v15\n"
               "}\n",
               "main:\n"
               "  B0:\n"
               "       0  params v0, v1\n"
               "       1  v2 <- guard_number v0 -> exit 0 @0 [v0, v1]\n"
               "       2  guard_number v1 -> exit 1 @0 [v0, v1]\n"
               "       3  v3 <- number_to_f64 v1\n"
               "       4  v4 <- mul_f64 v2, 1.5\n"
               "       5  v5 <- const 1.5:f64\n"
               "       6  v6 <- sub_f64 v5, v3\n"
               "       7  v7 <- compare_f64 v4 == v6\n"
               "       8  v8 <- compare_f64 v4 > 1.5\n"
               "       9  guard_tag v0 -> exit 2 @0 [v0, v1]\n"
               "      10  v9 <- untag_i32 v0\n"
               "      11  v10 <- i32_to_f64 v9\n"
               "      12  v11 <- div_f64 v10, v4\n"
               "      13  guard_tag v7 -> exit 3 @2 [v4:f64, v7, v8]\n"
               "      14  v12 <- tag_f64 v11\n"
               "      15  return v12\n");
}

static void test_objects(void **state) {
    (void)state;
    assert_lir("func main params=2 {\n"
               "B0:\n"
               "    v1 = param 0\n"
               "    v2 = param 1\n"
               "    v3 = const 7\n"
               "    s1 = state @0, v1, v2\n"
               "    v4 = guard_shape v1, #12 [s1]\n"
               "    v5 = load_field v4, x+16\n"
               "    store_field v4, y+24, v3\n"
               "    set_shape v4, #13\n"
               "    v6 = guard_shape v2, array [s1]\n"
               "    v7:i32 = array_length v6\n"
               "    v8:i32 = guard_bounds v7, v6 [s1]\n"
               "    v9 = load_element v6, v8 [s1]\n"
               "    v10:i32 = guard_bounds v3, v6 [s1]\n"
               "    store_element v6, v10, v9\n"
               "    store_element v6, v8, v3\n"
               "    return v5\n"
               "}\n",
               "main:\n"
               "  B0:\n"
               "       0  params v0, v1\n"
               "       1  guard_shape v0, 12 -> exit 0 @0 [v0, v1]\n"
               "       2  v2 <- load_field v0 + 16\n"
               "       3  store_field v0 + 24, 7\n"
               "       4  store_shape v0, 13\n"
               "       5  guard_shape v1, 4 -> exit 1 @0 [v0, v1]\n"
               "       6  v3 <- array_length v1\n"
               "       7  guard_bounds v3, v1 -> exit 2 @0 [v0, v1]\n"
               "       8  v4 <- load_element v1, v3 -> exit 3 @0 [v0, v1]\n"
               "       9  v5 <- const 7:i32\n"
               "      10  guard_bounds v5, v1 -> exit 4 @0 [v0, v1]\n"
               "      11  v6 <- const 7:i32\n"
               "      12  store_element v1, v6, v4\n"
               "      13  store_element v1, v3, 7\n"
               "      14  return v2\n");
}

// The exit of a call names the call; its values are those that are left when the operands are gone.
static void test_calls_leave_behind_themselves(void **state) {
    (void)state;
    assert_lir("func main params=2 {\n"
               "B0:\n"
               "    v1 = param 0\n"
               "    v2 = param 1\n"
               "    v3 = const 7\n"
               "    s1 = state behind @4, v1, v3\n"
               "    v4 = call main, v1, v2 [s1] @4\n"
               "    return v4\n"
               "}\n",
               "main:\n"
               "  B0:\n"
               "       0  params v0, v1\n"
               "       1  v2 <- call main(v0, v1) -> lazy exit 0 @4 [v0, 7]\n"
               "       2  return v2\n");
}

// In a loop, the phi names the guard before it is reached.
static void test_a_guard_is_the_same_register_as_its_operand(void **state) {
    (void)state;
    assert_lir("func main params=2 {\n"
               "B0:\n"
               "    v1 = param 0\n"
               "    v2 = param 1\n"
               "    jump B1\n"
               "B1:\n"
               "    v3 = phi v1, v5\n"
               "    s1 = state @3, v3\n"
               "    v4 = guard_int v2 [s1] @3\n"
               "    v5 = guard_number v4 [s1] @3\n"
               "    branch v3, B1, B2\n"
               "B2:\n"
               "    return v5\n"
               "}\n",
               "main:\n"
               "  B0:\n"
               "       0  params v0, v1\n"
               "       1  jump B1\n"
               "  B1:  ; from B0, B2  ; loop depth 1\n"
               "          v2 <- phi v0, v1\n"
               "       2  guard_tag v1 -> exit 0 @3 [v2]\n"
               "       3  guard_number v1 -> exit 1 @3 [v2]\n"
               "       4  branch_false v2, B3\n"
               "  B2:  ; from B1  ; loop depth 1\n"
               "       5  jump B1\n"
               "  B3:  ; from B1\n"
               "       6  return v1\n");
}

// A comparison that a frame state holds must be made.
static void test_a_comparison_in_a_state_does_not_merge_with_its_branch(void **state) {
    (void)state;
    assert_lir("func main params=2 {\n"
               "B0:\n"
               "    v1 = param 0\n"
               "    v2 = const 5\n"
               "    v3 = less_than v1, v2\n"
               "    branch v3, B1, B2\n"
               "B1:\n"
               "    s1 = state @3, v3\n"
               "    v4 = guard_int v1 [s1] @3\n"
               "    return v4\n"
               "B2:\n"
               "    return v2\n"
               "}\n",
               "main:\n"
               "  B0:\n"
               "       0  params v0, v1\n"
               "       1  v2 <- compare v0 < 5\n"
               "       2  branch_false v2, B2\n"
               "  B1:  ; from B0\n"
               "       3  guard_tag v0 -> exit 0 @3 [v2]\n"
               "       4  return v0\n"
               "  B2:  ; from B0\n"
               "       5  v3 <- const 5\n"
               "       6  return v3\n");
}

// What is not an integer is found out when it runs; until then there must be code.
static void test_a_guard_that_always_fails(void **state) {
    (void)state;
    assert_lir("func main params=2 {\n"
               "B0:\n"
               "    v2 = const undefined\n"
               "    s1 = state @3, v2\n"
               "    v4:i32 = guard_int v2 [s1] @3\n"
               "    v5 = guard_number v2 [s1] @3\n"
               "    v6:f64 = guard_number v2 [s1] @3\n"
               "    v7 = const 3\n"
               "    v8:i32 = guard_int v7 [s1] @3\n"
               "    v9:i32 = sub_int v7, v8 [s1]\n"
               "    v10 = greater_than v7, v9\n"
               "    return v10\n"
               "}\n",
               "main:\n"
               "  B0:\n"
               "       0  params v0, v1\n"
               "       1  v2 <- const undefined\n"
               "       2  guard_tag v2 -> exit 0 @3 [undefined]\n"
               "       3  v3 <- const 0:i32\n"
               "       4  v4 <- const undefined\n"
               "       5  guard_number v4 -> exit 1 @3 [undefined]\n"
               "       6  v5 <- const undefined\n"
               "       7  v6 <- const undefined\n"
               "       8  guard_number v6 -> exit 2 @3 [undefined]\n"
               "       9  v7 <- const 0:f64\n"
               "      10  v8 <- const 3:i32\n"
               "      11  v9 <- const 3:i32\n"
               "      12  v10 <- sub_i32 v9, v8 -> exit 3 @3 [undefined]\n"
               "      13  v11 <- compare_i32 v10 < 3\n"
               "      14  return v11\n");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_loop_of_integers),
    cmocka_unit_test(test_doubles),
    cmocka_unit_test(test_objects),
    cmocka_unit_test(test_calls_leave_behind_themselves),
    cmocka_unit_test(test_a_guard_is_the_same_register_as_its_operand),
    cmocka_unit_test(test_a_guard_that_always_fails),
    cmocka_unit_test(test_a_comparison_in_a_state_does_not_merge_with_its_branch),
};
TEST_MAIN(tests)
