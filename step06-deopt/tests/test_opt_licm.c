// Loop-invariant code motion.
#include "opt_rig.h"
#include "testing/test_main.h"

// A loop that tests at the bottom, with these instructions in its body. v1 to v4 are parameters, v5 is the
// counter, v6 is 1, and v9 is a number, though it is not known which.
static char *loop_with(const char *body) {
    char *text;
    if (asprintf(&text,
                 "B0:\n"
                 "    v1 = param 0\n"
                 "    v2 = param 1\n"
                 "    v3 = param 2\n"
                 "    v4 = param 3\n"
                 "    v6 = const 1\n"
                 "    v9 = sub v4, v6 @0\n"
                 "    jump B1\n"
                 "B1:\n"
                 "    v5 = phi B0: v6, B1: v7\n"
                 "    %sv7 = add v5, v6 @90\n"
                 "    v8 = less_than v7, v9 @91\n"
                 "    branch v8, B1, B2\n"
                 "B2:\n"
                 "    return v5\n", body) < 0) abort();
    return text;
}

// How many of them are in a loop?
static unsigned count_in_loops(Ir *ir, IrOp op) {
    unsigned count = 0;
    ir_loops(ir);
    for (uint32_t b = 0; b < ir->num_blocks; b++)
        IR_EACH(ir, b, ref) count += ir->ins[ref].op == op && ir_loop_depth(ir, b) > 0;
    return count;
}

static unsigned left_in_loops(const char *body, IrOp op) {
    char *text;
    if (asprintf(&text, "func main params=4 {\n%s}\n", body) < 0) abort();
    Ir *ir = ir_from_text(text);
    opt_licm(ir);
    assert_valid(ir, "behind the pass");
    unsigned count = count_in_loops(ir, op);
    ir_discard(ir);
    free(text);
    return count;
}

static void assert_left(const char *body, IrOp op, unsigned expected) {
    char *loop = loop_with(body);
    unsigned left = left_in_loops(loop, op);
    if (left != expected) fail_msg("%u of '%s' are left in\n%s", left, ir_op_info[op].mnemonic, loop);
    free(loop);
}

static void test_an_invariant_moves(void **state) {
    (void)state;
    assert_becomes(opt_licm,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 1\n"
                   "    v3 = sub v1, v2 @1\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v4 = phi B0: v2, B1: v8\n"
                   "    v5 = const 7\n"
                   "    v6 = mul v3, v5 @2\n"
                   "    v7 = add v6, v6 @3\n"
                   "    v8 = add v4, v7 @4\n"
                   "    v9 = less_than v8, v3 @5\n"
                   "    branch v9, B1, B2\n"
                   "B2:\n"
                   "    return v8\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 1\n"
                   "    v3 = sub v1, v2 @1\n"
                   "    v4 = const 7\n"
                   "    v5 = mul v3, v4 @2\n"
                   "    v6 = add v5, v5 @3\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v7 = phi B0: v2, B1: v8\n"
                   "    v8 = add v7, v6 @4\n"
                   "    v9 = less_than v8, v3 @5\n"
                   "    branch v9, B1, B2\n"
                   "B2:\n"
                   "    return v8\n");
}

// Out of two loops at once; the inner one makes what it adds, the outer one what it multiplies.
static void test_out_of_as_many_loops_as_possible(void **state) {
    (void)state;
    assert_becomes(opt_licm,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 1\n"
                   "    v3 = sub v1, v2 @1\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v4 = phi B0: v2, B3: v12\n"
                   "    jump B2\n"
                   "B2:\n"
                   "    v5 = phi B1: v2, B2: v9\n"
                   "    v6 = mul v3, v3 @2\n"
                   "    v7 = mul v6, v4 @3\n"
                   "    v9 = add v5, v7 @4\n"
                   "    v10 = less_than v9, v3 @5\n"
                   "    branch v10, B2, B3\n"
                   "B3:\n"
                   "    v12 = add v4, v9 @6\n"
                   "    v13 = less_than v12, v3 @7\n"
                   "    branch v13, B1, B4\n"
                   "B4:\n"
                   "    return v4\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = const 1\n"
                   "    v3 = sub v1, v2 @1\n"
                   "    v4 = mul v3, v3 @2\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v5 = phi B0: v2, B3: v10\n"
                   "    v6 = mul v4, v5 @3\n"
                   "    jump B2\n"
                   "B2:\n"
                   "    v7 = phi B1: v2, B2: v8\n"
                   "    v8 = add v7, v6 @4\n"
                   "    v9 = less_than v8, v3 @5\n"
                   "    branch v9, B2, B3\n"
                   "B3:\n"
                   "    v10 = add v5, v8 @6\n"
                   "    v11 = less_than v10, v3 @7\n"
                   "    branch v11, B1, B4\n"
                   "B4:\n"
                   "    return v5\n");
}

static void test_what_may_raise_an_error_moves_from_the_start_only(void **state) {
    (void)state;
    assert_left("v20 = length v1 @1\n", IR_LENGTH, 0);
    assert_left("v20 = mul v1, v2 @1\nv21 = length v1 @2\nv22 = get_property v1, x @3\n", IR_LENGTH, 0);
    assert_left("    v20 = mul v9, v5 @1\n"
                "    v21 = length v1 @2\n", IR_LENGTH, 0); // of two numbers: no error, no effect
    assert_left("v20 = mul v1, v5 @1\nv21 = length v1 @2\n", IR_LENGTH, 1); // may raise its error first
    assert_left("v20 = call f @1\nv21 = length v1 @2\n", IR_LENGTH, 1);
    assert_left("set_property v1, x, v2 @1\nv21 = length v1 @2\n", IR_LENGTH, 1);
    assert_left("v20 = call f @1\nv21 = mul v1, v2 @2\n", IR_MUL, 1);
    assert_left("v20 = call f @1\nv21 = mul v9, v9 @2\n", IR_MUL, 0); // of numbers: wherever it is
}

// The order of errors stays: `length v2` cannot move, because the call may change it, and so nothing behind it
// that may raise an error can. What moves stays in order, and keeps its place in the program.
static void test_errors_keep_their_order(void **state) {
    (void)state;
    assert_stays(opt_licm,
                 "B0:\n"
                 "    v1 = param 0\n"
                 "    v2 = param 1\n"
                 "    jump B1\n"
                 "B1:\n"
                 "    v3 = length v2 @1\n"
                 "    v4 = mul v1, v2 @2\n"
                 "    v5 = call g, v4 @3\n"
                 "    branch v5, B1, B2\n"
                 "B2:\n"
                 "    return v3\n");
    assert_becomes(opt_licm,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v3 = mul v1, v2 @1\n"
                   "    v4 = sub v2, v1 @2\n"
                   "    v5 = call g, v4 @3\n"
                   "    v6 = length v2 @4\n"
                   "    branch v5, B1, B2\n"
                   "B2:\n"
                   "    return v6\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    v3 = mul v1, v2 @1\n"
                   "    v4 = sub v2, v1 @2\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v5 = call g, v4 @3\n"
                   "    v6 = length v2 @4\n"
                   "    branch v5, B1, B2\n"
                   "B2:\n"
                   "    return v6\n");
}

// A while loop that may run zero times: the error must not be raised for nothing. A product of numbers may.
static void test_a_loop_that_may_not_run(void **state) {
    (void)state;
    static const char *const text =
        "B0:\n"
        "    v1 = param 0\n"
        "    v2 = param 1\n"
        "    v3 = const 1\n"
        "    v10 = sub v1, v3 @0\n"
        "    jump B1\n"
        "B1:\n"
        "    v4 = phi B0: v3, B2: v7\n"
        "    v5 = less_than v4, v10 @1\n"
        "    branch v5, B2, B3\n"
        "B2:\n"
        "    v6 = length v2 @2\n"
        "    v11 = mul v10, v10 @3\n"
        "    v7 = add v4, v6 @4\n"
        "    jump B1\n"
        "B3:\n"
        "    return v4\n";
    assert_int_equal(left_in_loops(text, IR_LENGTH), 1);
    assert_int_equal(left_in_loops(text, IR_MUL), 0);
}

static void invert_and_licm(Ir *ir) {
    opt_invert(ir);
    opt_licm(ir);
}

// Inverted, the same loop runs at least once when control gets past the guard.
static void test_inversion_makes_it_legal(void **state) {
    (void)state;
    assert_becomes(invert_and_licm,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    v3 = const 1\n"
                   "    v10 = sub v1, v3 @0\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v4 = phi B0: v3, B2: v7\n"
                   "    v5 = less_than v4, v10 @1\n"
                   "    branch v5, B2, B3\n"
                   "B2:\n"
                   "    v6 = length v2 @2\n"
                   "    v7 = add v4, v6 @3\n"
                   "    jump B1\n"
                   "B3:\n"
                   "    return v4\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    v3 = const 1\n"
                   "    v4 = sub v1, v3 @0\n"
                   "    v5 = less_than v3, v4 @1\n"
                   "    branch v5, B1, B4\n"
                   "B1:\n"
                   "    v6 = length v2 @2\n"
                   "    jump B2\n"
                   "B2:\n"
                   "    v7 = phi B3: v9, B1: v3\n"
                   "    v8 = add v7, v6 @3\n"
                   "    jump B3\n"
                   "B3:\n"
                   "    v9 = phi B2: v8\n"
                   "    v10 = less_than v9, v4 @1\n"
                   "    branch v10, B2, B4\n"
                   "B4:\n"
                   "    v11 = phi B3: v9, B0: v3\n"
                   "    return v11\n");
}

static void test_loads_and_what_the_loop_writes(void **state) {
    (void)state;
    assert_left("v20 = get_property v1, x @1\n", IR_GET_PROPERTY, 0);
    assert_left("v20 = get_property v1, x @1\nset_property v2, y, v5 @2\n", IR_GET_PROPERTY, 0);
    assert_left("v20 = get_property v1, x @1\nset_property v2, x, v5 @2\n", IR_GET_PROPERTY, 1);
    assert_left("    v20 = get_property v1, x @1\n"
                "    set_index v2, v5, v5 @2\n", IR_GET_PROPERTY, 0); // the counter is a number
    assert_left("v20 = get_property v1, x @1\nset_index v2, v3, v5 @2\n", IR_GET_PROPERTY, 1);
    assert_left("v20 = get_property v1, length @1\nset_index v2, v5, v5 @2\n", IR_GET_PROPERTY, 1);
    assert_left("v20 = get_property v1, x @1\nv21 = call f @2\n", IR_GET_PROPERTY, 1);
    assert_left("v20 = get_property v1, x @1\nset_prototype v2, v3 @2\n", IR_GET_PROPERTY, 1);
    assert_left("v20 = get_index v1, v6 @1\nset_property v2, y, v5 @2\n", IR_GET_INDEX, 0);
    assert_left("v20 = get_index v1, v6 @1\nset_index v2, v5, v5 @2\n", IR_GET_INDEX, 1);
    assert_left("v20 = length v1 @1\nset_index v2, v5, v5 @2\n", IR_LENGTH, 1);
    assert_left("v20 = length v1 @1\nset_property v2, x, v5 @2\n", IR_LENGTH, 0);
}

// A store in the inner loop is one in the outer loop, too.
static void test_a_store_in_an_inner_loop(void **state) {
    (void)state;
    static const char *const text = "B0:\n"
                                    "    v1 = param 0\n"
                                    "    v2 = param 1\n"
                                    "    jump B1\n"
                                    "B1:\n"
                                    "    v3 = get_property v1, x @1\n"
                                    "    jump B2\n"
                                    "B2:\n"
                                    "    set_property v2, %s, v3 @2\n"
                                    "    branch v2, B2, B3\n"
                                    "B3:\n"
                                    "    branch v3, B1, B4\n"
                                    "B4:\n"
                                    "    return v3\n";
    char body[400];
    snprintf(body, sizeof body, text, "x");
    assert_int_equal(left_in_loops(body, IR_GET_PROPERTY), 1);
    snprintf(body, sizeof body, text, "y");
    assert_int_equal(left_in_loops(body, IR_GET_PROPERTY), 0);
}

// In a nest of 20 loops, the product with the counter of loop k belongs into loop k.
static void test_each_into_the_loop_where_it_belongs(void **state) {
    (void)state;
    enum { DEPTH = 20, PRODUCT = 500 };
    char whole[16000] = "func main params=4 {\n"
                        "B0:\n"
                        "    v1 = param 0\n"
                        "    v2 = const 1\n"
                        "    v3 = sub v1, v2 @0\n"
                        "    jump B1\n";
    for (int k = 1; k <= DEPTH; k++) {
        sprintf(whole + strlen(whole), "B%d:\n", k);
        sprintf(whole + strlen(whole), "    v%d = phi B%d: v2, B%d: v%d\n", 100 + k, k - 1, 100 + k, 200 + k);
        if (k < DEPTH) sprintf(whole + strlen(whole), "    jump B%d\n", k + 1);
    }
    for (int k = 1; k <= DEPTH; k++)
        sprintf(whole + strlen(whole), "    v%d = mul v%d, v3 @1\n", PRODUCT + k, 100 + k);
    sprintf(whole + strlen(whole), "    jump B%d\n", 100 + DEPTH);
    for (int k = DEPTH; k >= 1; k--) {
        sprintf(whole + strlen(whole), "B%d:\n    v%d = sub v%d, v2 @2\n", 100 + k, 200 + k, 100 + k);
        sprintf(whole + strlen(whole), "    branch v%d, B%d, B%d\n", 200 + k, k, 99 + k);
    }
    strcat(whole, "B100:\n    return v1\n}\n");
    Ir *ir = ir_from_text(whole);
    opt_licm(ir);
    assert_valid(ir, "behind the pass");
    ir_loops(ir);
    for (uint32_t b = 0; b < ir->num_blocks; b++)
        IR_EACH(ir, b, ref)
            if (ir->ins[ref].op == IR_MUL) {
                uint32_t counter = ir_args(ir, ref)[0];
                assert_int_equal(ir_loop_depth(ir, b), ir_loop_depth(ir, ir->ins[counter].block));
            }
    ir_discard(ir);
}

static void test_what_never_moves(void **state) {
    (void)state;
    assert_left("v20 = new_object Thing\nset_property v20, x, v6 @1\n", IR_NEW_OBJECT, 1);
    assert_left("v20 = new_array v1\nv21 = call g, v20 @1\n", IR_NEW_ARRAY, 1);
    assert_left("v20 = call f @1\n", IR_CALL, 1);
    assert_left("set_property v1, x, v2 @1\n", IR_SET_PROPERTY, 1);
    assert_left("v20 = const 5\n", IR_CONST, 1); // costs nothing where it is
}

// A cycle with two entries has no preheader.
static void test_irreducible_loops_are_left_alone(void **state) {
    (void)state;
    static const char *const text = "B0:\n"
                                    "    v1 = param 0\n"
                                    "    v2 = const 1\n"
                                    "    v3 = sub v1, v2 @1\n"
                                    "    branch v1, B1, B2\n"
                                    "B1:\n"
                                    "    v4 = mul v3, v3 @2\n"
                                    "    v5 = call g, v4 @3\n"
                                    "    jump B2\n"
                                    "B2:\n"
                                    "    v6 = call g, v3 @4\n"
                                    "    branch v6, B1, B3\n"
                                    "B3:\n"
                                    "    return v1\n";
    assert_stays(opt_licm, text);
}

// They leave by the state at the start of the loop, as it is in front of it: the phi is its operand. What the call
// may change cannot move: the shape of an object; an array stays one. The state itself is used up.
static void test_guards_move_past_effects(void **state) {
    (void)state;
    assert_becomes(opt_licm,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    v3 = const 0\n"
                   "    v4 = const 1\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v5 = phi B0: v3, B1: v12\n"
                   "    s1 = state @2, v1, v2, v5, v4\n"
                   "    v6 = call f @3\n"
                   "    s2 = state @4, v1, v2, v5\n"
                   "    v7 = guard_shape v1, array [s2] @4\n"
                   "    v8 = guard_int v2 [s2] @5\n"
                   "    v9 = add_int v8, v4 [s2] @5\n"
                   "    v10 = guard_shape v1, #10 [s2] @6\n"
                   "    v11 = load_field v10, x+16\n"
                   "    s3 = state @7, v1, v2, v5\n"
                   "    v12 = add_int v5, v9 [s3] @7\n"
                   "    v13 = call g, v7, v11 @8\n"
                   "    branch v13, B1, B2\n"
                   "B2:\n"
                   "    return v12\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    v3 = const 0\n"
                   "    v4 = const 1\n"
                   "    s1 = state @2, v1, v2, v3, v4\n"
                   "    v5 = guard_shape v1, array [s1 hoisted] @4\n"
                   "    v6 = guard_int v2 [s1 hoisted] @5\n"
                   "    v7 = add_int v6, v4 [s1 hoisted] @5\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    v8 = phi B0: v3, B1: v12\n"
                   "    v9 = call f @3\n"
                   "    s2 = state @4, v1, v2, v8\n"
                   "    v10 = guard_shape v1, #10 [s2] @6\n"
                   "    v11 = load_field v10, x+16\n"
                   "    s3 = state @7, v1, v2, v8\n"
                   "    v12 = add_int v8, v7 [s3] @7\n"
                   "    v13 = call g, v5, v11 @8\n"
                   "    branch v13, B1, B2\n"
                   "B2:\n"
                   "    return v12\n");
}

static void licm_without_hoisting(Ir *ir) {
    ir->no_hoisting = true;
    opt_licm(ir);
}

// The same function, after a guard that was moved has failed.
static void test_no_hoisting(void **state) {
    (void)state;
    Ir *ir = ir_from_text("func main params=2 {\n"
                          "B0:\n"
                          "    v1 = param 0\n"
                          "    v2 = param 1\n"
                          "    v3 = const 0\n"
                          "    v4 = const 1\n"
                          "    jump B1\n"
                          "B1:\n"
                          "    v5 = phi B0: v3, B1: v12\n"
                          "    s1 = state @2, v1, v2, v5, v4\n"
                          "    v6 = call f @3\n"
                          "    s2 = state @4, v1, v2, v5\n"
                          "    v7 = guard_shape v1, array [s2] @4\n"
                          "    v8 = guard_int v2 [s2] @5\n"
                          "    v9 = add_int v8, v4 [s2] @5\n"
                          "    v10 = guard_shape v1, #10 [s2] @6\n"
                          "    v11 = load_field v10, x+16\n"
                          "    s3 = state @7, v1, v2, v5\n"
                          "    v12 = add_int v5, v9 [s3] @7\n"
                          "    v13 = call g, v7, v11 @8\n"
                          "    branch v13, B1, B2\n"
                          "B2:\n"
                          "    return v12\n" "}\n");
    licm_without_hoisting(ir);
    assert_valid(ir, "behind the pass");
    assert_int_equal(count_in_loops(ir, IR_GUARD_SHAPE), 2);
    assert_int_equal(count_in_loops(ir, IR_GUARD_INT), 1);
    assert_int_equal(count_in_loops(ir, IR_ADD_INT), 2);
    ir_discard(ir);
}

// Not every iteration comes to the guard; and what it guards need not be what it was before.
static void test_guards_that_are_seldom_reached_stay(void **state) {
    (void)state;
    assert_int_equal(left_in_loops(
                          "B0:\n"
                          "    v1 = param 0\n"
                          "    v2 = const 0\n"
                          "    jump B1\n"
                          "B1:\n"
                          "    v3 = phi B0: v2, B3: v6\n"
                          "    s1 = state @1, v1, v3\n"
                          "    v4 = call f @1\n"
                          "    branch v4, B2, B3\n"
                          "B2:\n"
                          "    s2 = state @2, v1, v3\n"
                          "    v5 = guard_int v1 [s2] @2\n"
                          "    jump B3\n"
                          "B3:\n"
                          "    v6 = phi B1: v4, B2: v5\n"
                          "    branch v6, B1, B4\n"
                          "B4:\n"
                          "    return v6\n",
                         IR_GUARD_INT), 1);
}

// The only state is behind a call: in front of the loop it does not hold.
static void test_a_loop_without_a_state_at_its_start(void **state) {
    (void)state;
    assert_int_equal(left_in_loops(
                          "B0:\n"
                          "    v1 = param 0\n"
                          "    jump B1\n"
                          "B1:\n"
                          "    v2 = call f @1\n"
                          "    s1 = state @2, v1\n"
                          "    v3 = guard_int v1 [s1] @2\n"
                          "    branch v3, B1, B2\n"
                          "B2:\n"
                          "    return v2\n",
                         IR_GUARD_INT), 1);
}

// What may raise an error moves in front of the loop only if the guard in front of it has moved, too: if v1 is an
// object, the interpreter raises the error of v1 first. Between a state and its guard nothing may raise one.
static void test_errors_and_guards_keep_their_order(void **state) {
    (void)state;
    assert_becomes(opt_licm,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    s1 = state @1, v1, v2\n"
                   "    v3 = guard_int v1 [s1] @1\n"
                   "    v4 = get_property v2, x @2\n"
                   "    s2 = state @3, v1, v2\n"
                   "    v5 = guard_int v4 [s2] @3\n"
                   "    branch v1, B1, B2\n"
                   "B2:\n"
                   "    return v4\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    s1 = state @1, v1, v2\n"
                   "    v3 = guard_int v1 [s1 hoisted] @1\n"
                   "    v4 = get_property v2, x @2\n"
                   "    s2 = state @1, v1, v2\n"
                   "    v5 = guard_int v4 [s2 hoisted] @3\n"
                   "    jump B1\n"
                   "B1:\n"
                   "    branch v1, B1, B2\n"
                   "B2:\n"
                   "    return v4\n");
    assert_int_equal(left_in_loops(
                          "B0:\n"
                          "    v1 = param 0\n"
                          "    v2 = param 1\n"
                          "    jump B1\n"
                          "B1:\n"
                          "    v3 = phi B0: v1, B1: v5\n"
                          "    s1 = state @1, v3, v2\n"
                          "    v4 = guard_int v3 [s1] @1\n"
                          "    v5 = length v2 @2\n"
                          "    branch v4, B1, B2\n"
                          "B2:\n"
                          "    return v4\n",
                         IR_LENGTH), 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_an_invariant_moves),
    cmocka_unit_test(test_out_of_as_many_loops_as_possible),
    cmocka_unit_test(test_what_may_raise_an_error_moves_from_the_start_only),
    cmocka_unit_test(test_errors_keep_their_order),
    cmocka_unit_test(test_a_loop_that_may_not_run),
    cmocka_unit_test(test_inversion_makes_it_legal),
    cmocka_unit_test(test_loads_and_what_the_loop_writes),
    cmocka_unit_test(test_a_store_in_an_inner_loop),
    cmocka_unit_test(test_each_into_the_loop_where_it_belongs),
    cmocka_unit_test(test_what_never_moves),
    cmocka_unit_test(test_irreducible_loops_are_left_alone),
    cmocka_unit_test(test_guards_move_past_effects),
    cmocka_unit_test(test_no_hoisting),
    cmocka_unit_test(test_guards_that_are_seldom_reached_stay),
    cmocka_unit_test(test_a_loop_without_a_state_at_its_start),
    cmocka_unit_test(test_errors_and_guards_keep_their_order),
};
TEST_MAIN(tests)
