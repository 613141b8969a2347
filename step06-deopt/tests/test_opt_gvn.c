// Global value numbering, with memory.
#include "opt_rig.h"
#include "testing/test_main.h"

static void test_an_expression_computed_before(void **state) {
    (void)state;
    assert_becomes(opt_gvn,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    v3 = add v1, v2 @1\n"
                   "    v4 = add v1, v2 @2\n"
                   "    v5 = mul v3, v4 @3\n"
                   "    branch v5, B1, B2\n"
                   "B1:\n"
                   "    v6 = mul v3, v3 @4\n"
                   "    return v6\n"
                   "B2:\n"
                   "    return v5\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    v3 = add v1, v2 @1\n"
                   "    v4 = mul v3, v3 @3\n"
                   "    branch v4, B1, B2\n"
                   "B1:\n"
                   "    return v4\n"
                   "B2:\n"
                   "    return v4\n");
}

static void test_comparisons_the_other_way_round_differ(void **state) {
    (void)state;
    assert_stays(opt_gvn,
                 "B0:\n"
                 "    v1 = param 0\n"
                 "    v2 = param 1\n"
                 "    v3 = less_than v1, v2 @1\n"
                 "    v4 = less_than v2, v1 @2\n"
                 "    v5 = sub v1, v2 @3\n"
                 "    v6 = sub v2, v1 @4\n"
                 "    v7 = new_array v3, v4, v5, v6\n"
                 "    return v7\n");
}

// What one way has computed is not there on the other, nor behind both.
static void test_an_expression_of_another_path_stays(void **state) {
    (void)state;
    assert_stays(opt_gvn,
                 "B0:\n"
                 "    v1 = param 0\n"
                 "    v2 = param 1\n"
                 "    branch v1, B1, B2\n"
                 "B1:\n"
                 "    v3 = add v1, v2 @1\n"
                 "    jump B3\n"
                 "B2:\n"
                 "    v4 = add v1, v2 @2\n"
                 "    jump B3\n"
                 "B3:\n"
                 "    v5 = add v1, v2 @3\n"
                 "    return v5\n");
}

static void test_operands_in_the_other_order(void **state) {
    (void)state;
    assert_becomes(opt_gvn,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    v3 = mul v1, v2 @1\n"
                   "    v4 = mul v2, v1 @2\n"
                   "    v5 = less_than v1, v2 @3\n"
                   "    v6 = greater_than v2, v1 @4\n"
                   "    v7 = equal v5, v3\n"
                   "    v8 = equal v3, v5\n"
                   "    v9 = add v3, v4 @5\n"
                   "    v10 = new_array v9, v6, v8\n"
                   "    return v10\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    v3 = mul v1, v2 @1\n"
                   "    v4 = less_than v1, v2 @3\n"
                   "    v5 = equal v4, v3\n"
                   "    v6 = add v3, v3 @5\n"
                   "    v7 = new_array v6, v4, v5\n"
                   "    return v7\n");
}

// "a" + "b" is not "b" + "a"; of numbers the order does not matter.
static void test_sums_of_unknown_types_keep_their_order(void **state) {
    (void)state;
    assert_stays(opt_gvn,
                 "B0:\n"
                 "    v1 = param 0\n"
                 "    v2 = param 1\n"
                 "    v3 = add v1, v2 @1\n"
                 "    v4 = add v2, v1 @2\n"
                 "    v5 = new_array v3, v4\n"
                 "    return v5\n");
    unsigned adds = count_behind(opt_gvn,
                                 "B0:\n"
                                 "    v1 = param 0\n"
                                 "    v2 = const 1\n"
                                 "    v3 = sub v1, v2\n"
                                 "    v4 = add v3, v2\n"
                                 "    v5 = add v2, v3\n"
                                 "    v6 = new_array v4, v5\n"
                                 "    return v6\n", IR_ADD);
    assert_int_equal(adds, 1);
}

static void test_constants_are_numbered_by_value(void **state) {
    (void)state;
    assert_becomes(opt_gvn,
                   "B0:\n"
                   "    v1 = const NaN\n"
                   "    v2 = const NaN\n"
                   "    v3 = const 0\n"
                   "    v4 = const -0\n"
                   "    v5 = const 1e300\n"
                   "    v6 = const 1e300\n"
                   "    v7 = new_array v1, v2, v3, v4, v5, v6\n"
                   "    return v7\n",
                   "B0:\n"
                   "    v1 = const NaN\n"
                   "    v2 = const 0\n"
                   "    v3 = const -0\n"
                   "    v4 = const 1e+300\n"
                   "    v5 = new_array v1, v1, v2, v3, v4, v4\n"
                   "    return v5\n");
}

static void test_new_objects_are_never_the_same(void **state) {
    (void)state;
    assert_stays(opt_gvn,
                 "B0:\n"
                 "    v1 = new_object Thing\n"
                 "    v2 = new_object Thing\n"
                 "    v3 = new_array\n"
                 "    v4 = new_array\n"
                 "    v5 = equal v1, v2\n"
                 "    v6 = equal v3, v4\n"
                 "    v7 = new_array v5, v6\n"
                 "    return v7\n");
}

// Memory.

static void test_a_load_of_what_was_loaded(void **state) {
    (void)state;
    assert_becomes(opt_gvn,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = get_property v1, x @1\n"
                   "    v3 = get_property v1, x @2\n"
                   "    v4 = length v1 @3\n"
                   "    v5 = length v1 @4\n"
                   "    v6 = new_array v2, v3, v4, v5\n"
                   "    return v6\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = get_property v1, x @1\n"
                   "    v3 = length v1 @3\n"
                   "    v4 = new_array v2, v2, v3, v3\n"
                   "    return v4\n");
}

static void test_a_load_of_what_was_stored(void **state) {
    (void)state;
    assert_becomes(opt_gvn,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    v3 = param 2\n"
                   "    set_property v1, x, v2 @1\n"
                   "    set_index v1, v3, v2 @2\n"
                   "    v4 = get_index v1, v3 @3\n"
                   "    set_property v1, x, v3 @4\n"
                   "    v5 = get_property v1, x @5\n"
                   "    v6 = new_array v4, v5\n"
                   "    return v6\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    v3 = param 2\n"
                   "    set_property v1, x, v2 @1\n"
                   "    set_index v1, v3, v2 @2\n"
                   "    set_property v1, x, v3 @4\n"
                   "    v4 = new_array v2, v3\n"
                   "    return v4\n");
}

// A store to another name does not touch x; one to the same name of another object may: it may be the same one.
static void test_stores_between_two_loads(void **state) {
    (void)state;
    static const struct {
        const char *between;
        unsigned loads;
    } cases[] = {
        {"set_property v2, y, v3 @2", 1},
        {"set_property v2, x, v3 @2", 2},
        {"v8 = delete_property v2, x @2", 2},
        {"v8 = delete_property v2, y @2", 1},
        {"set_prototype v2, v3 @2", 2}, // v1 may inherit x
        {"v8 = call f @2", 2},
        {"v8 = call_method v2, m @2", 2},
        {"v8 = call_native g, v2 @2", 2},
        {"v8 = new_object Thing", 1},
        {"v8 = new_array v1", 1},
        {"v8 = length v2 @2", 1},
        {"v8 = const 1\nset_index v2, v8, v3 @2", 1},         // an index that is a number is not "x"
        {"set_index v2, v3, v3 @2", 2},                        // an unknown one may be
        {"v8 = const \"x\"\nset_index v2, v8, v3 @2", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[400];
        snprintf(text, sizeof text,
                 "B0:\n"
                 "    v1 = param 0\n"
                 "    v2 = param 1\n"
                 "    v3 = param 2\n"
                 "    v4 = get_property v1, x @1\n"
                 "    %s\n"
                 "    v5 = get_property v1, x @3\n"
                 "    v6 = new_array v4, v5\n"
                 "    return v6\n", cases[i].between);
        unsigned loads = count_behind(opt_gvn, text, IR_GET_PROPERTY);
        if (loads != cases[i].loads) fail_msg("'%s' between: %u loads", cases[i].between, loads);
    }
}

static void test_lengths_and_elements(void **state) {
    (void)state;
    static const struct {
        const char *between;
        unsigned loads, lengths;
    } cases[] = {
        {"set_property v2, x, v3 @2", 1, 1},
        {"set_property v2, length, v3 @2", 1, 1}, // of an object, never an array's
        {"set_index v2, v3, v3 @2", 2, 2},
        {"v8 = call f @2", 2, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[500];
        snprintf(text, sizeof text,
                 "B0:\n"
                 "    v1 = param 0\n"
                 "    v2 = param 1\n"
                 "    v3 = param 2\n"
                 "    v9 = const 0\n"
                 "    v4 = get_index v1, v9 @1\n"
                 "    v10 = length v1 @1\n"
                 "    %s\n"
                 "    v5 = get_index v1, v9 @3\n"
                 "    v11 = length v1 @3\n"
                 "    v6 = new_array v4, v5, v10, v11\n"
                 "    return v6\n", cases[i].between);
        unsigned loads = count_behind(opt_gvn, text, IR_GET_INDEX);
        unsigned lengths = count_behind(opt_gvn, text, IR_LENGTH);
        if (loads != cases[i].loads || lengths != cases[i].lengths)
            fail_msg("'%s' between: %u loads, %u lengths", cases[i].between, loads, lengths);
    }
}

// `get_property a, length` reads the length of an array.
static void test_length_as_a_property(void **state) {
    (void)state;
    unsigned loads = count_behind(opt_gvn,
                                  "B0:\n"
                                  "    v1 = param 0\n"
                                  "    v2 = const 5\n"
                                  "    v3 = get_property v1, length @1\n"
                                  "    set_index v1, v2, v2 @2\n"
                                  "    v4 = get_property v1, length @3\n"
                                  "    v5 = new_array v3, v4\n"
                                  "    return v5\n", IR_GET_PROPERTY);
    assert_int_equal(loads, 2);
}

// A property that is called like a number can be stored through an index.
static void test_numbers_as_names(void **state) {
    (void)state;
    unsigned loads = count_behind(opt_gvn,
                                  "B0:\n"
                                  "    v1 = param 0\n"
                                  "    v2 = const 5\n"
                                  "    v3 = get_property v1, \"5\" @1\n"
                                  "    set_index v1, v2, v2 @2\n"
                                  "    v4 = get_property v1, \"5\" @3\n"
                                  "    v5 = new_array v3, v4\n"
                                  "    return v5\n", IR_GET_PROPERTY);
    assert_int_equal(loads, 2);
}

static void test_a_store_on_one_of_two_paths(void **state) {
    (void)state;
    static const char *const text = "B0:\n"
                                    "    v1 = param 0\n"
                                    "    v2 = param 1\n"
                                    "    v3 = get_property v1, x @1\n"
                                    "    branch v2, B1, B2\n"
                                    "B1:\n"
                                    "    set_property v2, %s, v1 @2\n"
                                    "    jump B3\n"
                                    "B2:\n"
                                    "    jump B3\n"
                                    "B3:\n"
                                    "    v4 = get_property v1, x @3\n"
                                    "    v5 = new_array v3, v4\n"
                                    "    return v5\n";
    char body[400];
    snprintf(body, sizeof body, text, "x");
    assert_int_equal(count_behind(opt_gvn, body, IR_GET_PROPERTY), 2);
    snprintf(body, sizeof body, text, "y");
    assert_int_equal(count_behind(opt_gvn, body, IR_GET_PROPERTY), 1);
}

// The store is in the middle of a way of several blocks.
static void test_a_store_further_up_on_a_path(void **state) {
    (void)state;
    unsigned loads = count_behind(opt_gvn,
                                  "B0:\n"
                                  "    v1 = param 0\n"
                                  "    v2 = param 1\n"
                                  "    v3 = get_property v1, x @1\n"
                                  "    branch v2, B1, B7\n"
                                  "B1:\n"
                                  "    branch v1, B2, B3\n"
                                  "B2:\n"
                                  "    set_property v2, x, v1 @2\n"
                                  "    branch v1, B4, B3\n"
                                  "B4:\n"
                                  "    branch v3, B5, B3\n"
                                  "B5:\n"
                                  "    jump B7\n"
                                  "B3:\n"
                                  "    return v2\n"
                                  "B7:\n"
                                  "    v4 = get_property v1, x @3\n"
                                  "    v5 = new_array v3, v4\n"
                                  "    return v5\n", IR_GET_PROPERTY);
    assert_int_equal(loads, 2);
}

// A call on one way says nothing about the other.
static void test_a_call_on_the_other_path(void **state) {
    (void)state;
    unsigned loads = count_behind(opt_gvn,
                                  "B0:\n"
                                  "    v1 = param 0\n"
                                  "    v2 = param 1\n"
                                  "    v3 = get_property v1, x @1\n"
                                  "    branch v2, B1, B2\n"
                                  "B1:\n"
                                  "    v4 = call f @2\n"
                                  "    set_property v2, x, v4 @3\n"
                                  "    return v4\n"
                                  "B2:\n"
                                  "    v5 = get_property v1, x @4\n"
                                  "    return v5\n", IR_GET_PROPERTY);
    assert_int_equal(loads, 1);
}

static void test_a_store_in_a_loop(void **state) {
    (void)state;
    static const char *const text = "B0:\n"
                                    "    v1 = param 0\n"
                                    "    v2 = param 1\n"
                                    "    v3 = get_property v1, x @1\n"
                                    "    jump B1\n"
                                    "B1:\n"
                                    "    v4 = get_property v1, x @2\n"
                                    "    branch v4, B2, B3\n"
                                    "B2:\n"
                                    "    set_property v2, %s, v1 @3\n"
                                    "    jump B1\n"
                                    "B3:\n"
                                    "    v5 = get_property v1, x @4\n"
                                    "    return v5\n";
    char body[400];
    snprintf(body, sizeof body, text, "x"); // behind the loop, that of its header is still good
    assert_int_equal(count_behind(opt_gvn, body, IR_GET_PROPERTY), 2);
    snprintf(body, sizeof body, text, "y");
    assert_int_equal(count_behind(opt_gvn, body, IR_GET_PROPERTY), 1);
}

// The cycle of B1 and B2 has two entries; on a path through it there is a store between the loads.
static void test_a_store_in_an_irreducible_loop(void **state) {
    (void)state;
    unsigned loads = count_behind(opt_gvn,
                                  "B0:\n"
                                  "    v1 = param 0\n"
                                  "    v2 = param 1\n"
                                  "    v3 = get_property v1, x @1\n"
                                  "    branch v2, B1, B2\n"
                                  "B1:\n"
                                  "    v4 = get_property v1, x @2\n"
                                  "    jump B3\n"
                                  "B2:\n"
                                  "    set_property v2, x, v1 @3\n"
                                  "    jump B3\n"
                                  "B3:\n"
                                  "    branch v1, B4, B5\n"
                                  "B4:\n"
                                  "    branch v2, B1, B2\n"
                                  "B5:\n"
                                  "    v5 = get_property v1, x @4\n"
                                  "    return v5\n", IR_GET_PROPERTY);
    assert_int_equal(loads, 3);
}

static void add_branch(char *text, const char *condition, int a, int b, bool swapped) {
    sprintf(text + strlen(text), "branch %s, B%d, B%d\n", condition, swapped ? b : a, swapped ? a : b);
}

// Blocks 1 to `last` in a row, with edges both ways, each with an entry of its own; B1 loads, the last stores.
static void assert_far_store_is_seen(int last, bool swap_entries, bool swap_edges) {
    char text[2000];
    sprintf(text, "B0:\n"
                  "    v1 = param 0\n"
                  "    v2 = param 1\n"
                  "    v3 = get_property v1, x @1\n");
    add_branch(text, "v2", 1, 100, swap_entries);
    sprintf(text + strlen(text), "B1:\nv4 = get_property v1, x @2\njump B2\n");
    for (int b = 2; b < last; b++) {
        sprintf(text + strlen(text), "B%d:\n", b);
        add_branch(text, "v2", b + 1, b - 1, swap_edges);
    }
    sprintf(text + strlen(text), "B%d:\nset_property v2, x, v1 @3\nbranch v2, B%d, B99\n", last, last - 1);
    strcat(text, "B99:\nreturn v1\n");
    for (int b = 2; b < last; b++) {
        sprintf(text + strlen(text), "B%d:\n", b + 98);
        add_branch(text, "v1", b, b + 99, swap_entries);
    }
    sprintf(text + strlen(text), "B%d:\njump B%d\n", last + 98, last);
    assert_int_equal(count_behind(opt_gvn, text, IR_GET_PROPERTY), 2);
}

// In cycles with many entries it can take several rounds until all is known of what lies around: the store
// reaches B1 along as many edges as there are blocks between, and one of the two orders is the wrong one.
static void test_a_store_far_away_in_an_irreducible_loop(void **state) {
    (void)state;
    for (int last = 2; last <= 9; last++)
        for (int order = 0; order < 4; order++) assert_far_store_is_seen(last, order & 1, order & 2);
}

static void test_more_names_than_classes(void **state) {
    (void)state;
    char text[8000] = "B0:\n"
                      "    v1 = param 0\n"
                      "    v2 = param 1\n";
    for (int i = 0; i < 100; i++)
        sprintf(text + strlen(text), "v%d = get_property v1, p%d @%d\n", 10 + i, i, i);
    strcat(text, "set_property v2, p99, v1 @200\n");
    for (int i = 0; i < 100; i++)
        sprintf(text + strlen(text), "v%d = get_property v1, p%d @%d\n", 200 + i, i, 300 + i);
    strcat(text, "v400 = get_property v1, p99 @500\nreturn v400\n");
    unsigned loads = count_behind(opt_gvn, text, IR_GET_PROPERTY);
    assert_in_range(loads, 101, 160); // those that share the class of p99 are loaded again, p99 among them
}

static void test_phis_that_select_the_same(void **state) {
    (void)state;
    assert_becomes(opt_gvn,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    branch v1, B1, B2\n"
                   "B1:\n"
                   "    jump B3\n"
                   "B2:\n"
                   "    jump B3\n"
                   "B3:\n"
                   "    v3 = phi B1: v1, B2: v2\n"
                   "    v4 = phi B1: v1, B2: v2\n"
                   "    v5 = new_array v3, v4\n"
                   "    return v5\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    branch v1, B1, B2\n"
                   "B1:\n"
                   "    jump B3\n"
                   "B2:\n"
                   "    jump B3\n"
                   "B3:\n"
                   "    v3 = phi B1: v1, B2: v2\n"
                   "    v4 = new_array v3, v3\n"
                   "    return v4\n");
}

// Which state they leave by does not matter. Behind a guard its result stands for the value, in states, too, and
// along edges.
static void test_guards_are_numbered_without_their_states(void **state) {
    (void)state;
    assert_becomes(opt_gvn,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    s1 = state @1, v1, v2\n"
                   "    v3 = guard_int v1 [s1] @1\n"
                   "    v4 = guard_int v2 [s1] @1\n"
                   "    v5 = add_int v3, v4 [s1] @1\n"
                   "    s2 = state @2, v1, v2, v5\n"
                   "    v6 = guard_int v2 [s2] @2\n"
                   "    v7 = guard_number v1 [s2] @2\n"
                   "    v8 = add_int v6, v7 [s2] @2\n"
                   "    branch v2, B1, B2\n"
                   "B1:\n"
                   "    v9 = call f, v1, v8 @3\n"
                   "    jump B2\n"
                   "B2:\n"
                   "    v10 = phi B0: v1, B1: v9\n"
                   "    return v10\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    s1 = state @1, v1, v2\n"
                   "    v3 = guard_int v1 [s1] @1\n"
                   "    v4 = guard_int v2 [s1] @1\n"
                   "    v5 = add_int v3, v4 [s1] @1\n"
                   "    s2 = state @2, v3, v4, v5\n"
                   "    branch v4, B1, B2\n"
                   "B1:\n"
                   "    v6 = call f, v3, v5 @3\n"
                   "    jump B2\n"
                   "B2:\n"
                   "    v7 = phi B0: v3, B1: v6\n"
                   "    return v7\n");
}

// Not behind the join.
static void test_a_guard_holds_where_it_dominates(void **state) {
    (void)state;
    assert_stays(opt_gvn,
                 "B0:\n"
                 "    v1 = param 0\n"
                 "    branch v1, B1, B2\n"
                 "B1:\n"
                 "    s1 = state @1, v1\n"
                 "    v2 = guard_int v1 [s1] @1\n"
                 "    v3 = call f, v2 @1\n"
                 "    jump B3\n"
                 "B2:\n"
                 "    s2 = state @2, v1\n"
                 "    v4 = guard_int v1 [s2] @2\n"
                 "    v5 = call g, v4 @2\n"
                 "    jump B3\n"
                 "B3:\n"
                 "    v6 = phi B1: v3, B2: v5\n"
                 "    s3 = state @3, v1\n"
                 "    v7 = guard_int v1 [s3] @3\n"
                 "    v8 = call h, v7, v6 @3\n"
                 "    return v8\n");
}

// A store into a field leaves the shape as it is, and says what the next load finds. A call may change everything;
// but an array stays one.
static void test_guards_of_shapes_and_fields(void **state) {
    (void)state;
    assert_becomes(opt_gvn,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    v12 = param 2\n"
                   "    s1 = state @1, v1, v2\n"
                   "    v3 = guard_shape v1, #10 [s1] @1\n"
                   "    store_field v3, x+16, v2\n"
                   "    s3 = state @2, v1, v2\n"
                   "    v4 = guard_shape v1, #10 [s3] @2\n"
                   "    v5 = load_field v4, x+16\n"
                   "    v6 = load_field v4, y+24\n"
                   "    v7 = guard_shape v1, #10 [s3] @3\n"
                   "    v8 = load_field v7, y+24\n"
                   "    v9 = guard_shape v2, array [s3] @3\n"
                   "    v10 = call f, v5, v6, v8, v9 @4\n"
                   "    s2 = state @5, v1, v2\n"
                   "    v11 = guard_shape v1, #10 [s2] @5\n"
                   "    v13 = load_field v11, x+16\n"
                   "    v14 = guard_shape v2, array [s2] @5\n"
                   "    v15 = call g, v13, v14 @6\n"
                   "    return v15\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    v3 = param 2\n"
                   "    s1 = state @1, v1, v2\n"
                   "    v4 = guard_shape v1, #10 [s1] @1\n"
                   "    store_field v4, x+16, v2\n"
                   "    s2 = state @2, v1, v2\n"
                   "    v5 = load_field v4, y+24\n"
                   "    v6 = guard_shape v2, array [s2] @3\n"
                   "    v7 = call f, v2, v5, v5, v6 @4\n"
                   "    s3 = state @5, v1, v2\n"
                   "    v8 = guard_shape v1, #10 [s3] @5\n"
                   "    v9 = load_field v8, x+16\n"
                   "    v10 = call g, v9, v6 @6\n"
                   "    return v10\n");
}

// A constructor: each property that is added takes the object to the next shape. Of another object nothing is known any
// more; it may be the same one.
static void test_set_shape_says_what_the_next_guard_finds(void **state) {
    (void)state;
    assert_becomes(opt_gvn,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    s1 = state @1, v1, v2\n"
                   "    v3 = guard_shape v1, #10 [s1] @1\n"
                   "    v4 = guard_shape v2, #10 [s1] @1\n"
                   "    store_field v3, x+16, v2\n"
                   "    set_shape v3, #11\n"
                   "    s2 = state @2, v1, v2\n"
                   "    v5 = guard_shape v1, #11 [s2] @2\n"
                   "    store_field v5, y+24, v2\n"
                   "    set_shape v5, #12\n"
                   "    s3 = state @3, v1, v2\n"
                   "    v6 = guard_shape v1, #12 [s3] @3\n"
                   "    v7 = load_field v6, x+16\n"
                   "    v8 = guard_shape v2, #10 [s3] @3\n"
                   "    v9 = call f, v7, v4, v8 @4\n"
                   "    return v9\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    s1 = state @1, v1, v2\n"
                   "    v3 = guard_shape v1, #10 [s1] @1\n"
                   "    v4 = guard_shape v2, #10 [s1] @1\n"
                   "    store_field v3, x+16, v2\n"
                   "    set_shape v3, #11\n"
                   "    s2 = state @2, v1, v2\n"
                   "    store_field v3, y+24, v2\n"
                   "    set_shape v3, #12\n"
                   "    s3 = state @3, v1, v2\n"
                   "    v5 = guard_shape v2, #10 [s3] @3\n"
                   "    v6 = call f, v2, v4, v5 @4\n"
                   "    return v6\n");
}

// A store into an element leaves the length as it is.
static void test_elements_and_bounds(void **state) {
    (void)state;
    assert_becomes(opt_gvn,
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    s1 = state @1, v1, v2\n"
                   "    v3 = guard_shape v1, array [s1] @1\n"
                   "    v4 = guard_int v2 [s1] @1\n"
                   "    v5 = guard_bounds v4, v3 [s1] @1\n"
                   "    v6 = load_element v3, v5 [s1] @1\n"
                   "    v7 = guard_shape v1, array [s1] @1\n"
                   "    v8 = guard_bounds v4, v7 [s1] @1\n"
                   "    store_element v7, v8, v1\n"
                   "    s3 = state @1, v1, v2\n"
                   "    v9 = guard_bounds v4, v7 [s3] @1\n"
                   "    v10 = load_element v7, v9 [s3] @1\n"
                   "    v11 = array_length v7\n"
                   "    v12 = call f, v6, v10, v11 @2\n"
                   "    s2 = state @2, v1, v2\n"
                   "    v13 = guard_bounds v4, v7 [s2] @3\n"
                   "    v14 = load_element v7, v13 [s2] @3\n"
                   "    return v14\n",
                   "B0:\n"
                   "    v1 = param 0\n"
                   "    v2 = param 1\n"
                   "    s1 = state @1, v1, v2\n"
                   "    v3 = guard_shape v1, array [s1] @1\n"
                   "    v4 = guard_int v2 [s1] @1\n"
                   "    v5 = guard_bounds v4, v3 [s1] @1\n"
                   "    v6 = load_element v3, v5 [s1] @1\n"
                   "    store_element v3, v5, v1\n"
                   "    s2 = state @1, v1, v4\n"
                   "    v7 = array_length v3\n"
                   "    v8 = call f, v6, v1, v7 @2\n"
                   "    s3 = state @2, v1, v4\n"
                   "    v9 = guard_bounds v4, v3 [s3] @3\n"
                   "    v10 = load_element v3, v9 [s3] @3\n"
                   "    return v10\n");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_an_expression_computed_before),
    cmocka_unit_test(test_comparisons_the_other_way_round_differ),
    cmocka_unit_test(test_an_expression_of_another_path_stays),
    cmocka_unit_test(test_operands_in_the_other_order),
    cmocka_unit_test(test_sums_of_unknown_types_keep_their_order),
    cmocka_unit_test(test_constants_are_numbered_by_value),
    cmocka_unit_test(test_new_objects_are_never_the_same),
    cmocka_unit_test(test_a_load_of_what_was_loaded),
    cmocka_unit_test(test_a_load_of_what_was_stored),
    cmocka_unit_test(test_stores_between_two_loads),
    cmocka_unit_test(test_lengths_and_elements),
    cmocka_unit_test(test_length_as_a_property),
    cmocka_unit_test(test_numbers_as_names),
    cmocka_unit_test(test_a_store_on_one_of_two_paths),
    cmocka_unit_test(test_a_store_further_up_on_a_path),
    cmocka_unit_test(test_a_call_on_the_other_path),
    cmocka_unit_test(test_a_store_in_a_loop),
    cmocka_unit_test(test_a_store_in_an_irreducible_loop),
    cmocka_unit_test(test_a_store_far_away_in_an_irreducible_loop),
    cmocka_unit_test(test_more_names_than_classes),
    cmocka_unit_test(test_phis_that_select_the_same),
    cmocka_unit_test(test_guards_are_numbered_without_their_states),
    cmocka_unit_test(test_a_guard_holds_where_it_dominates),
    cmocka_unit_test(test_guards_of_shapes_and_fields),
    cmocka_unit_test(test_set_shape_says_what_the_next_guard_finds),
    cmocka_unit_test(test_elements_and_bounds),
};
TEST_MAIN(tests)
