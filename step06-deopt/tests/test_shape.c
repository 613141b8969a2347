// Shapes: that equal histories share one, that lookups find what was added, and that dictionaries keep their own.
#include "object/object.h"
#include "programs.h"
#include "testing/test_main.h"

enum { ENOUGH = 64 << 20 };

typedef struct Fixture {
    ShapeTable shapes;
    StringTable strings;
    Arena arena;
} Fixture;

static int set_up(void **state) {
    Fixture *f = calloc(1, sizeof *f);
    shapes_init(&f->shapes, ENOUGH);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    Fixture *f = *state;
    shapes_free(&f->shapes);
    string_table_free(&f->strings);
    arena_free(&f->arena);
    free(f);
    return 0;
}

static String *name(Fixture *f, const char *text) {
    return string_intern(&f->strings, &f->arena, text, strlen(text));
}

static String *numbered(Fixture *f, int i) {
    char text[20];
    sprintf(text, "p%d", i);
    return name(f, text);
}

static Shape *root(Fixture *f) { return shape_root(&f->shapes, VALUE_NULL, NULL, 4); }

// The shape after adding the names, each one letter.
static Shape *grown(Fixture *f, Shape *shape, const char *letters) {
    for (; *letters; letters++)
        shape = shape_add(&f->shapes, shape, string_intern(&f->strings, &f->arena, letters, 1));
    return shape;
}

static bool has(Fixture *f, Shape *shape, const char *property, uint32_t wanted) {
    uint32_t slot;
    return shape_find(shape, name(f, property), &slot) && slot == wanted;
}

static bool lacks(Fixture *f, Shape *shape, const char *property) {
    uint32_t slot;
    return !shape_find(shape, name(f, property), &slot);
}

static void test_fixed_numbers(void **state) {
    Fixture *f = *state;
    assert_true(root(f)->id >= FIRST_OBJECT_SHAPE);
    for (uint32_t id = 0; id < f->shapes.count; id++) assert_int_equal(shape_get(&f->shapes, id)->id, id);
}

static void test_equal_histories_share_a_shape(void **state) {
    Fixture *f = *state;
    Shape *xy = grown(f, root(f), "xy");
    assert_ptr_equal(grown(f, root(f), "xy"), xy);
    assert_ptr_equal(grown(f, grown(f, root(f), "x"), "y"), xy);
    assert_ptr_not_equal(grown(f, root(f), "yx"), xy);
    assert_ptr_not_equal(grown(f, root(f), "xz"), xy);
    assert_int_equal(xy->num_slots, 2);
    assert_true(has(f, xy, "x", 0) && has(f, xy, "y", 1) && lacks(f, xy, "z"));
    assert_true(has(f, grown(f, root(f), "yx"), "x", 1));
    assert_true(lacks(f, root(f), "x"));
}

// A shape that was asked already, and one that never was, tell the same; and adding to one changes no other.
static void test_shapes_do_not_change(void **state) {
    Fixture *f = *state;
    Shape *x = grown(f, root(f), "x");
    assert_true(has(f, x, "x", 0) && lacks(f, x, "y"));
    Shape *xy = grown(f, x, "y"), *xz = grown(f, x, "z");
    assert_true(lacks(f, x, "y") && lacks(f, xz, "y") && lacks(f, xy, "z"));
    assert_true(has(f, xz, "z", 1) && has(f, xz, "x", 0));
}

static void test_roots(void **state) {
    Fixture *f = *state;
    Object prototype = {.header = {.type = TYPE_OBJECT}}, other = prototype;
    Shape *of_prototype = shape_to_dictionary(&f->shapes, root(f)),
          *of_other = shape_to_dictionary(&f->shapes, root(f));
    Value p = value_from_pointer(&prototype), q = value_from_pointer(&other);
    assert_ptr_equal(root(f), root(f));
    assert_ptr_not_equal(shape_root(&f->shapes, VALUE_NULL, NULL, 5), root(f));
    Shape *heir = shape_root(&f->shapes, p, of_prototype, 4);
    assert_ptr_not_equal(heir, root(f));
    assert_ptr_equal(shape_root(&f->shapes, p, of_prototype, 4), heir);
    assert_ptr_not_equal(shape_root(&f->shapes, p, of_prototype, 3), heir);
    assert_ptr_not_equal(shape_root(&f->shapes, q, of_other, 4), heir);
    assert_true(heir->prototype == p && heir->num_inside == 4 && heir->num_slots == 0);
    assert_true(grown(f, heir, "ab")->prototype == p);
    assert_ptr_not_equal(grown(f, heir, "a"), grown(f, root(f), "a"));
}

static void test_moving_to_another_root(void **state) {
    Fixture *f = *state;
    Shape *abc = grown(f, root(f), "abc"), *other = shape_root(&f->shapes, VALUE_NULL, NULL, 9);
    Shape *moved = shape_move(&f->shapes, abc, other);
    assert_ptr_equal(moved, grown(f, other, "abc"));
    assert_true(has(f, moved, "a", 0) && has(f, moved, "b", 1) && has(f, moved, "c", 2));
    assert_ptr_equal(shape_move(&f->shapes, root(f), other), other);
    Shape *longest = root(f);
    for (int i = 0; i < MAX_SHAPE_PROPERTIES; i++) longest = shape_add(&f->shapes, longest, numbered(f, i));
    assert_int_equal(shape_move(&f->shapes, longest, other)->num_slots, MAX_SHAPE_PROPERTIES);
}

static void test_dictionaries(void **state) {
    Fixture *f = *state;
    Shape *abc = grown(f, root(f), "abc"), *d = shape_to_dictionary(&f->shapes, abc);
    assert_true(d->is_dictionary && d->id != abc->id);
    assert_true(has(f, d, "a", 0) && has(f, d, "b", 1) && has(f, d, "c", 2) && lacks(f, d, "d"));
    assert_true(dictionary_remove(d, name(f, "b")));
    assert_false(dictionary_remove(d, name(f, "b")));
    assert_false(dictionary_remove(d, name(f, "never")));
    assert_true(lacks(f, d, "b") && has(f, d, "c", 2));
    assert_int_equal(dictionary_add(d, name(f, "d")), 1); // in the free slot
    assert_int_equal(dictionary_add(d, name(f, "b")), 3); // the name again, in another one
    assert_true(has(f, d, "b", 3) && has(f, d, "d", 1) && has(f, d, "a", 0));
    assert_true(has(f, abc, "b", 1) && lacks(f, abc, "d")); // where it came from
    Shape *again = shape_to_dictionary(&f->shapes, abc);
    assert_ptr_not_equal(again, d); // each one for one object
    assert_true(has(f, again, "b", 1));
}

static void test_dictionary_of_an_empty_shape(void **state) {
    Fixture *f = *state;
    Shape *d = shape_to_dictionary(&f->shapes, root(f));
    assert_true(lacks(f, d, "a"));
    assert_false(dictionary_remove(d, name(f, "a")));
    assert_int_equal(dictionary_add(d, name(f, "a")), 0);
    assert_true(has(f, d, "a", 0));
}

// Random additions and removals against an array; the slots stay few, and the table does not grow for ever.
static void test_dictionary_against_a_model(void **state) {
    Fixture *f = *state;
    enum { NAMES = 300, STEPS = SANITIZED ? 20000 : 200000, ABSENT = -1 };
    Shape *d = shape_to_dictionary(&f->shapes, root(f));
    int64_t model[NAMES];
    int live = 0, most = 0;
    for (int i = 0; i < NAMES; i++) model[i] = ABSENT;
    uint32_t random = 12345;
    for (int step = 0; step < STEPS; step++) {
        random = random * 1664525 + 1013904223;
        int i = (int)(random >> 8) % NAMES;
        uint32_t slot = 0;
        assert_int_equal(shape_find(d, numbered(f, i), &slot), model[i] != ABSENT);
        if (model[i] == ABSENT) {
            model[i] = dictionary_add(d, numbered(f, i));
            live++;
            for (int k = 0; k < NAMES && step < 2000; k++) assert_true(k == i || model[k] != model[i]);
        } else {
            assert_int_equal(slot, model[i]);
            assert_true(dictionary_remove(d, numbered(f, i)));
            model[i] = ABSENT;
            live--;
        }
        if (live > most) most = live;
    }
    assert_int_equal(d->num_slots, most);
    assert_true(d->table.capacity <= 8 * NAMES);
}

static void test_many_properties(void **state) {
    Fixture *f = *state;
    enum { COUNT = SANITIZED ? 10000 : 100000 };
    Shape *d = shape_to_dictionary(&f->shapes, root(f));
    for (int i = 0; i < COUNT; i++) assert_int_equal(dictionary_add(d, numbered(f, i)), i);
    for (int i = 0; i < COUNT; i++) {
        uint32_t slot;
        assert_true(shape_find(d, numbered(f, i), &slot) && slot == (uint32_t)i);
    }
}

// One shape with very many transitions.
static void test_many_transitions(void **state) {
    Fixture *f = *state;
    enum { COUNT = SANITIZED ? 2000 : 20000 };
    Shape **next = malloc(COUNT * sizeof *next);
    for (int i = 0; i < COUNT; i++) next[i] = shape_add(&f->shapes, root(f), numbered(f, i));
    for (int i = 0; i < COUNT; i++) assert_ptr_equal(shape_add(&f->shapes, root(f), numbered(f, i)), next[i]);
    assert_true(has(f, next[COUNT / 2], numbered(f, COUNT / 2)->bytes, 0));
    free(next);
}

// When the memory for shapes is used up, there are no new ones, and the old ones work as before.
static void test_full_table(void **state) {
    (void)state;
    Fixture f = {0};
    shapes_init(&f.shapes, 100000);
    for (int i = 0; !shapes_are_full(&f.shapes); i++) { // chains of 50, of which every third is asked
        Shape *shape = shape_add(&f.shapes, root(&f), numbered(&f, 1000 + i));
        for (int k = 0; shape && k < 49; k++) shape = shape_add(&f.shapes, shape, numbered(&f, k));
        if (shape && i % 3 == 0) assert_true(has(&f, shape, "p48", 49));
    }
    assert_true(f.shapes.bytes < 200000);
    assert_true(shapes_are_full(&f.shapes));
    assert_null(shape_root(&f.shapes, VALUE_NULL, NULL, 77));
    assert_null(shape_to_dictionary(&f.shapes, root(&f)));
    assert_null(shape_move(&f.shapes, grown(&f, root(&f), ""), shape_root(&f.shapes, VALUE_NULL, NULL, 78)));
    size_t bytes = f.shapes.bytes;
    for (uint32_t id = FIRST_OBJECT_SHAPE; id < f.shapes.count; id++) { // none of them grows for being asked
        Shape *old = shape_get(&f.shapes, id);
        uint32_t slot;
        if (old->parent) assert_true(shape_find(old, old->name, &slot) && slot == old->num_slots - 1);
        assert_true(lacks(&f, old, "never"));
    }
    assert_int_equal(f.shapes.bytes, bytes);
    shapes_free(&f.shapes);
    string_table_free(&f.strings);
    arena_free(&f.arena);
}

#define SHAPE_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

static const struct CMUnitTest shape_tests[] = {
    SHAPE_TEST(test_fixed_numbers),
    SHAPE_TEST(test_equal_histories_share_a_shape),
    SHAPE_TEST(test_shapes_do_not_change),
    SHAPE_TEST(test_roots),
    SHAPE_TEST(test_moving_to_another_root),
    SHAPE_TEST(test_dictionaries),
    SHAPE_TEST(test_dictionary_of_an_empty_shape),
    SHAPE_TEST(test_dictionary_against_a_model),
    SHAPE_TEST(test_many_properties),
    SHAPE_TEST(test_many_transitions),
    cmocka_unit_test(test_full_table),
};
TEST_MAIN(shape_tests)
