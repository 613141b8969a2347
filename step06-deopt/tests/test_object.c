// Objects and arrays of a running program, below the caches: properties, storage, prototypes, elements, text.
#include "interp/vm.h"
#include "object/operators.h"
#include "programs.h"
#include "testing/test_main.h"

static const char classes[] = "class A fields=2\n method size params=1\n load_const 1\n return\n end\nend\n"
                              "class B extends A\nend\n"
                              "class Narrow fields=0\nend\n"
                              "func main params=0\n load_const 0\n return\nend\n";
enum { CLASS_A, CLASS_B, CLASS_NARROW };

typedef struct Fixture {
    Program *program;
    Vm *vm;
} Fixture;

static int set_up_with(void **state, size_t heap_size) {
    Fixture *f = calloc(1, sizeof *f);
    f->program = program_from(classes);
    f->vm = vm_new(f->program, heap_size);
    *state = f;
    return f->vm->is_ready ? 0 : 1;
}

static int set_up(void **state) { return set_up_with(state, (size_t)1 << 30); }

static int tear_down(void **state) {
    Fixture *f = *state;
    vm_free(f->vm);
    program_free(f->program);
    free(f);
    return 0;
}

static String *name(Fixture *f, const char *text) {
    String *found = string_table_find(&f->vm->strings, text, strlen(text));
    if (found) return found;
    String *string = string_new(&f->vm->heap, strlen(text));
    memcpy(string->bytes, text, strlen(text));
    string_table_add(&f->vm->strings, string);
    return string;
}

static String *numbered(Fixture *f, int i) {
    char text[20];
    sprintf(text, "p%d", i);
    return name(f, text);
}

static Object *new_object(Fixture *f, int class_index) { return object_new(f->vm, f->vm->classes[class_index].root); }

static Value get(Fixture *f, Object *object, const char *property) {
    return value_get_property(f->vm, value_from_pointer(object), name(f, property));
}

static bool has(Fixture *f, Object *object, const char *property, int wanted) {
    return get(f, object, property) == value_from_int(wanted);
}
static bool lacks(Fixture *f, Object *object, const char *property) {
    return get(f, object, property) == VALUE_UNDEFINED;
}

static void set(Fixture *f, Object *object, const char *property, int value) {
    assert_true(object_set(f->vm, object, name(f, property), value_from_int(value)));
}

static void assert_error(Fixture *f, RunStatus status, const char *message) {
    assert_int_equal(f->vm->error.status, status);
    assert_string_equal(f->vm->error.message, message);
}

// Properties.

static void test_properties(void **state) {
    Fixture *f = *state;
    Object *a = new_object(f, CLASS_A), *b = new_object(f, CLASS_A);
    assert_true(lacks(f, a, "x"));
    set(f, a, "x", 1);
    set(f, b, "x", 2);
    assert_true(has(f, a, "x", 1) && has(f, b, "x", 2));
    assert_int_equal(a->header.shape, b->header.shape);
    set(f, a, "x", 3);
    assert_true(has(f, a, "x", 3) && has(f, b, "x", 2));
    assert_int_equal(a->header.shape, b->header.shape);
    set(f, a, "", 4); // any string is a name
    assert_true(has(f, a, "", 4));
}

// Two slots are inside; the others go to storage that moves when it grows.
static void test_overflow_storage(void **state) {
    Fixture *f = *state;
    Object *a = new_object(f, CLASS_A);
    assert_int_equal(a->header.nslots, 2);
    for (int i = 0; i < 100; i++) {
        assert_true(object_set(f->vm, a, numbered(f, i), value_from_int(i)));
        assert_int_equal(a->overflow != NULL, i >= 2);
        for (int k = 0; k <= i; k++) assert_true(has(f, a, numbered(f, k)->bytes, k));
    }
    PropertyPlace place;
    assert_true(object_find(f->vm, a, numbered(f, 1), &place) &&
                place.offset == (int)(sizeof(Object) + sizeof(Value)));
    assert_true(object_find(f->vm, a, numbered(f, 2), &place) && place.offset == -(int)sizeof(Slots));
    Object *narrow = new_object(f, CLASS_NARROW);
    set(f, narrow, "x", 1);
    assert_true(has(f, narrow, "x", 1) && narrow->overflow->values[0] == value_from_int(1));
}

static void test_very_many_properties(void **state) {
    Fixture *f = *state;
    enum { COUNT = SANITIZED ? 20000 : 1000000 };
    Object *a = new_object(f, CLASS_A);
    size_t shapes = f->vm->shapes.count;
    for (int i = 0; i < COUNT; i++) assert_true(object_set(f->vm, a, numbered(f, i), value_from_int(i)));
    for (int i = 0; i < COUNT; i += 7) assert_true(has(f, a, numbered(f, i)->bytes, i));
    assert_true(object_shape(f->vm, a)->is_dictionary);
    assert_true(f->vm->shapes.count - shapes <= MAX_SHAPE_PROPERTIES + 1);
}

static void test_delete(void **state) {
    Fixture *f = *state;
    Object *a = new_object(f, CLASS_A), *b = new_object(f, CLASS_A);
    for (int i = 0; i < 6; i++) {
        object_set(f->vm, a, numbered(f, i), value_from_int(i));
        object_set(f->vm, b, numbered(f, i), value_from_int(10 + i));
    }
    assert_true(object_delete(f->vm, a, name(f, "never")));
    assert_int_equal(a->header.shape, b->header.shape); // nothing has happened
    assert_true(object_delete(f->vm, a, name(f, "p1")) && object_delete(f->vm, a, name(f, "p4")));
    assert_true(lacks(f, a, "p1") && lacks(f, a, "p4") && has(f, a, "p0", 0) && has(f, a, "p5", 5));
    assert_true(has(f, b, "p1", 11) && has(f, b, "p4", 14));
    assert_true(object_delete(f->vm, a, name(f, "p1")));
    set(f, a, "p1", 21);
    set(f, a, "p6", 26);
    set(f, a, "p7", 27);
    assert_true(has(f, a, "p1", 21) && has(f, a, "p6", 26) && has(f, a, "p7", 27) && lacks(f, a, "p4"));
}

// Deleting and adding for ever needs neither memory nor shapes.
static void test_delete_and_add_again_and_again(void **state) {
    Fixture *f = *state;
    Object *a = new_object(f, CLASS_A);
    set(f, a, "x", 1);
    object_delete(f->vm, a, name(f, "x"));
    for (int i = 0; i < 100; i++) numbered(f, i);
    size_t used = heap_used(&f->vm->heap), shapes = f->vm->shapes.count, bytes = 0;
    for (int i = 0; i < 100000; i++) {
        assert_true(object_set(f->vm, a, numbered(f, i % 100), value_from_int(i)));
        assert_true(object_delete(f->vm, a, numbered(f, i % 100)));
        if (i == 1000) bytes = f->vm->shapes.bytes;
    }
    assert_int_equal(heap_used(&f->vm->heap), used);
    assert_int_equal(f->vm->shapes.count, shapes);
    assert_true(f->vm->shapes.bytes <= 2 * bytes);
}

// Random operations on a few objects against arrays.
static void test_properties_against_a_model(void **state) {
    Fixture *f = *state;
    enum { OBJECTS = 8, NAMES = 160, STEPS = SANITIZED ? 20000 : 200000, ABSENT = -1 };
    Object *objects[OBJECTS];
    int model[OBJECTS][NAMES];
    for (int i = 0; i < OBJECTS; i++) {
        objects[i] = new_object(f, i % 3);
        for (int k = 0; k < NAMES; k++) model[i][k] = ABSENT;
    }
    uint32_t random = 1;
    for (int step = 0; step < STEPS; step++) {
        random = random * 1664525 + 1013904223;
        int i = (int)(random >> 8) % OBJECTS, k = (int)(random >> 12) % NAMES, what = (int)(random >> 28);
        if (what < 3 - i % 2) {
            assert_true(object_delete(f->vm, objects[i], numbered(f, k)));
            model[i][k] = ABSENT;
        } else if (what < 10) {
            set(f, objects[i], numbered(f, k)->bytes, step);
            model[i][k] = step;
        } else {
            Value expected = model[i][k] == ABSENT ? VALUE_UNDEFINED : value_from_int(model[i][k]);
            assert_int_equal(get(f, objects[i], numbered(f, k)->bytes), expected);
        }
    }
}

// Prototypes.

static void test_classes(void **state) {
    Fixture *f = *state;
    const RuntimeClass *c = f->vm->classes;
    Object *b = new_object(f, CLASS_B);
    assert_int_equal(b->header.nslots, 2); // as its parent's
    assert_int_equal(object_shape(f->vm, b)->prototype, value_from_pointer(c[CLASS_B].prototype));
    assert_int_equal(object_shape(f->vm, c[CLASS_B].prototype)->prototype, value_from_pointer(c[CLASS_A].prototype));
    assert_int_equal(object_shape(f->vm, c[CLASS_A].prototype)->prototype, VALUE_NULL);
    PropertyPlace place;
    assert_true(object_find(f->vm, b, name(f, "size"), &place));
    assert_ptr_equal(place.holder, c[CLASS_A].prototype);
    assert_true(value_is_function(*place_address(place)));
    assert_int_equal(get(f, b, "size"), value_from_pointer(&f->vm->callables[0]));
}

static void test_inherited_properties(void **state) {
    Fixture *f = *state;
    Object *a = new_object(f, CLASS_A), *b = new_object(f, CLASS_B), *parent = f->vm->classes[CLASS_A].prototype;
    set(f, parent, "x", 1);
    assert_true(has(f, a, "x", 1) && has(f, b, "x", 1));
    set(f, b, "x", 2); // its own
    assert_true(has(f, a, "x", 1) && has(f, b, "x", 2));
    object_delete(f->vm, b, name(f, "x"));
    assert_true(has(f, b, "x", 1));
    object_delete(f->vm, b, name(f, "x")); // only own properties go
    assert_true(has(f, b, "x", 1));
    object_delete(f->vm, parent, name(f, "x"));
    assert_true(lacks(f, a, "x") && lacks(f, b, "x"));
}

static void test_set_prototype(void **state) {
    Fixture *f = *state;
    Object *a = new_object(f, CLASS_A), *p = new_object(f, CLASS_A), *q = new_object(f, CLASS_NARROW);
    set(f, a, "own", 1);
    set(f, p, "x", 2);
    set(f, q, "x", 3);
    assert_true(object_set_prototype(f->vm, a, value_from_pointer(p)));
    assert_true(has(f, a, "own", 1) && has(f, a, "x", 2));
    assert_true(object_set_prototype(f->vm, a, value_from_pointer(q)));
    assert_true(has(f, a, "own", 1) && has(f, a, "x", 3) && lacks(f, a, "size"));
    assert_true(object_set_prototype(f->vm, q, value_from_pointer(p)));
    object_delete(f->vm, q, name(f, "x"));
    assert_true(has(f, a, "x", 2));
    assert_true(object_set_prototype(f->vm, a, VALUE_NULL));
    assert_true(lacks(f, a, "x") && has(f, a, "own", 1));
    object_delete(f->vm, a, name(f, "own")); // a dictionary now
    assert_true(object_set_prototype(f->vm, a, value_from_pointer(p)));
    assert_true(has(f, a, "x", 2));
}

static void test_cycles_are_rejected(void **state) {
    Fixture *f = *state;
    Object *a = new_object(f, CLASS_A), *b = new_object(f, CLASS_A), *c = new_object(f, CLASS_A);
    assert_false(object_set_prototype(f->vm, a, value_from_pointer(a)));
    assert_error(f, RUN_TYPE_ERROR, "the prototypes would form a cycle");
    assert_true(object_set_prototype(f->vm, a, value_from_pointer(b)));
    assert_true(object_set_prototype(f->vm, b, value_from_pointer(c)));
    assert_false(object_set_prototype(f->vm, c, value_from_pointer(a)));
    assert_false(object_set_prototype(f->vm, c, value_from_pointer(b)));
    assert_false(object_set_prototype(f->vm, c, value_from_pointer(c)));
    assert_false(
        object_set_prototype(f->vm, f->vm->classes[CLASS_A].prototype, value_from_pointer(new_object(f, CLASS_B))));
    assert_true(object_set_prototype(f->vm, a, VALUE_NULL));
    assert_true(object_set_prototype(f->vm, c, value_from_pointer(a))); // the other way round now
}

static void test_what_cannot_be_a_prototype(void **state) {
    Fixture *f = *state;
    Value object = value_from_pointer(new_object(f, CLASS_A)), array = array_new(f->vm, 0, NULL, 0);
    assert_false(value_set_prototype(f->vm, object, array));
    assert_error(f, RUN_TYPE_ERROR, "an array cannot be the prototype of an object");
    assert_false(value_set_prototype(f->vm, object, VALUE_UNDEFINED));
    assert_false(value_set_prototype(f->vm, array, object));
    assert_false(value_set_prototype(f->vm, value_from_int(1), VALUE_NULL));
    assert_true(value_set_prototype(f->vm, object, VALUE_NULL));
}

// Each object inherits from the one before: it takes no quadratic time to make such a chain, and no stack to search it.
static void test_long_chain_of_prototypes(void **state) {
    Fixture *f = *state;
    enum { COUNT = SANITIZED ? 20000 : 200000 };
    Object *first = new_object(f, CLASS_NARROW), *last = first;
    set(f, first, "x", 1);
    for (int i = 0; i < COUNT; i++) {
        Object *next = new_object(f, CLASS_NARROW);
        assert_true(object_set_prototype(f->vm, next, value_from_pointer(last)));
        last = next;
    }
    assert_true(has(f, last, "x", 1) && lacks(f, last, "y"));
    assert_false(object_set_prototype(f->vm, first, value_from_pointer(last)));
}

// Primitives and arrays.

static void test_properties_of_other_values(void **state) {
    Fixture *f = *state;
    Value array = array_new(f->vm, 0, NULL, 0), string = value_from_pointer(name(f, "four")),
          function = value_from_pointer(&f->vm->callables[0]);
    static const Value nothing[] = {VALUE_UNDEFINED, VALUE_NULL};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(value_get_property(f->vm, nothing[i], name(f, "x")), NO_VALUE);
        assert_int_equal(f->vm->error.status, RUN_TYPE_ERROR);
    }
    assert_error(f, RUN_TYPE_ERROR, "cannot read property 'x' of null");
    const Value others[] = {value_from_int(1), VALUE_TRUE, array, string, function};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(value_get_property(f->vm, others[i], name(f, "x")), VALUE_UNDEFINED);
        assert_false(value_set_property(f->vm, others[i], name(f, "x"), VALUE_TRUE));
        assert_false(value_delete_property(f->vm, others[i], name(f, "x")));
    }
    assert_error(f, RUN_TYPE_ERROR, "cannot delete property 'x' of a function");
    assert_int_equal(value_get_property(f->vm, string, name(f, "length")), value_from_int(4));
    assert_int_equal(value_get_property(f->vm, array, name(f, "length")), value_from_int(0));
    assert_int_equal(value_get_property(f->vm, function, name(f, "length")), VALUE_UNDEFINED);
}

// A message is one line and ends somewhere, whatever the name is.
static void test_messages_are_one_line(void **state) {
    Fixture *f = *state;
    char text[201];
    memset(text, 'n', sizeof text - 1);
    text[200] = 0;
    text[1] = '\n';
    text[2] = '\x1B';
    value_get_property(f->vm, VALUE_NULL, name(f, text));
    assert_null(strpbrk(f->vm->error.message, "\n\x1B"));
    assert_true(strlen(f->vm->error.message) < 100);
    assert_non_null(strstr(f->vm->error.message, "of null"));
}

static Value element(Fixture *f, Value array, int index) {
    return value_get_index(f->vm, array, value_from_int(index));
}

static void test_arrays(void **state) {
    Fixture *f = *state;
    Value elements[] = {value_from_int(10), value_from_int(11), value_from_int(12)};
    Value up = array_new(f->vm, 3, elements, 1), down = array_new(f->vm, 3, elements + 2, -1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(element(f, up, i), value_from_int(10 + i));
        assert_int_equal(element(f, down, i), value_from_int(12 - i));
    }
    assert_int_equal(element(f, up, 3), VALUE_UNDEFINED);
    assert_int_equal(element(f, up, -1), VALUE_UNDEFINED);
    assert_int_equal(value_length(f->vm, up), value_from_int(3));
    Value empty = array_new(f->vm, 0, NULL, 0);
    assert_int_equal(element(f, empty, 0), VALUE_UNDEFINED);
    assert_true(value_set_index(f->vm, empty, value_from_int(0), VALUE_TRUE));
    assert_int_equal(element(f, empty, 0), VALUE_TRUE);
}

static void test_holes(void **state) {
    Fixture *f = *state;
    Value array = array_new(f->vm, 0, NULL, 0);
    assert_true(value_set_index(f->vm, array, value_from_int(5), value_from_int(50)));
    assert_int_equal(value_length(f->vm, array), value_from_int(6));
    for (int i = 0; i < 5; i++) assert_int_equal(element(f, array, i), VALUE_UNDEFINED); // never VALUE_HOLE
    assert_int_equal(element(f, array, 5), value_from_int(50));
    assert_int_equal(element(f, array, 6), VALUE_UNDEFINED);
    assert_true(value_set_index(f->vm, array, value_from_int(2), value_from_int(20)));
    assert_int_equal(value_length(f->vm, array), value_from_int(6));
    assert_int_equal(element(f, array, 2), value_from_int(20));
}

static void test_growing_array(void **state) {
    Fixture *f = *state;
    Value array = array_new(f->vm, 0, NULL, 0);
    for (int i = 0; i < 100000; i++)
        assert_true(value_set_index(f->vm, array, value_from_int(i), value_from_int(-i)));
    for (int i = 0; i < 100000; i++) assert_int_equal(element(f, array, i), value_from_int(-i));
    assert_true(heap_used(&f->vm->heap) < 100000 * 8 * 5); // it grows in proportion
}

static void test_largest_array(void **state) {
    Fixture *f = *state;
    Value array = array_new(f->vm, 0, NULL, 0);
    assert_false(value_set_index(f->vm, array, value_from_int(MAX_ARRAY_LENGTH), VALUE_TRUE));
    assert_error(f, RUN_RANGE_ERROR, "an array has at most 67108864 elements");
    assert_false(value_set_index(f->vm, array, value_from_int(INT32_MAX), VALUE_TRUE));
    assert_int_equal(value_length(f->vm, array), value_from_int(0));
    if (SANITIZED) return;
    assert_true(value_set_index(f->vm, array, value_from_int(MAX_ARRAY_LENGTH - 1), VALUE_TRUE));
    assert_int_equal(value_length(f->vm, array), value_from_int(MAX_ARRAY_LENGTH));
    Value other = array_new(f->vm, 0, NULL, 0); // a second one does not fit
    assert_false(value_set_index(f->vm, other, value_from_int(MAX_ARRAY_LENGTH - 1), VALUE_TRUE));
    assert_error(f, RUN_OUT_OF_MEMORY, "out of memory");
    assert_int_equal(value_length(f->vm, other), value_from_int(0));
}

// What is an index, and what another name: as in JavaScript.
static void test_indices(void **state) {
    Fixture *f = *state;
    Value array = array_new(f->vm, 0, NULL, 0), object = value_from_pointer(new_object(f, CLASS_A)),
          word = value_from_pointer(name(f, "word"));
    value_set_index(f->vm, array, value_from_int(0), value_from_int(7));
    Value minus_zero = program_number(f->program, -0.0), zero_text = value_from_pointer(name(f, "0"));
    assert_int_equal(value_get_index(f->vm, array, minus_zero), value_from_int(7));
    assert_int_equal(value_get_index(f->vm, array, zero_text), value_from_int(7));
    assert_int_equal(value_get_index(f->vm, array, value_from_pointer(name(f, "00"))), VALUE_UNDEFINED);
    assert_int_equal(value_get_index(f->vm, array, value_from_pointer(name(f, ""))), VALUE_UNDEFINED);
    assert_int_equal(value_get_index(f->vm, array, value_from_pointer(name(f, "length"))), value_from_int(1));
    assert_int_equal(value_get_index(f->vm, array, program_number(f->program, 0.5)), VALUE_UNDEFINED);
    assert_true(value_set_index(f->vm, array, value_from_pointer(name(f, "12")), value_from_int(8)));
    assert_int_equal(element(f, array, 12), value_from_int(8));
    assert_false(value_set_index(f->vm, array, value_from_int(-1), VALUE_TRUE));
    assert_int_equal(f->vm->error.status, RUN_TYPE_ERROR);
    assert_false(value_set_index(f->vm, array, array, VALUE_TRUE));
    assert_int_equal(value_get_index(f->vm, array, object), NO_VALUE);
    // Of an object each index is a name.
    assert_true(value_set_index(f->vm, object, value_from_int(1), value_from_int(9)));
    assert_true(value_set_index(f->vm, object, VALUE_NULL, value_from_int(6)));
    assert_true(value_set_index(f->vm, object, minus_zero, value_from_int(5)));
    assert_true(has(f, value_to_object(object), "1", 9) && has(f, value_to_object(object), "null", 6) &&
                has(f, value_to_object(object), "0", 5));
    assert_int_equal(value_get_index(f->vm, object, value_from_pointer(name(f, "1"))), value_from_int(9));
    assert_int_equal(value_get_index(f->vm, object, program_number(f->program, 1.5)), VALUE_UNDEFINED);
    // Of a string, its characters.
    assert_string_equal(value_to_string(value_get_index(f->vm, word, value_from_int(3)))->bytes, "d");
    assert_int_equal(value_get_index(f->vm, word, value_from_int(4)), VALUE_UNDEFINED);
    assert_false(value_set_index(f->vm, word, value_from_int(0), word));
    assert_int_equal(value_get_index(f->vm, VALUE_UNDEFINED, value_from_int(0)), NO_VALUE);
    assert_int_equal(value_get_index(f->vm, value_from_int(5), value_from_int(0)), VALUE_UNDEFINED);
    assert_int_equal(value_length(f->vm, object), NO_VALUE);
    assert_error(f, RUN_TYPE_ERROR, "an object has no length");
}

// Printing.

static void assert_prints(Fixture *f, Value value, const char *expected) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    value_print(out, f->vm, value);
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
}

static void test_printing(void **state) {
    Fixture *f = *state;
    assert_prints(f, VALUE_UNDEFINED, "undefined");
    assert_prints(f, VALUE_NULL, "null");
    assert_prints(f, VALUE_TRUE, "true");
    assert_prints(f, value_from_int(-12), "-12");
    assert_prints(f, program_number(f->program, 1e21), "1e+21");
    assert_prints(f, value_from_pointer(name(f, "a\nb")), "a\nb");
    assert_prints(f, value_from_pointer(new_object(f, CLASS_A)), "[object Object]");
    assert_prints(f, value_from_pointer(&f->vm->callables[0]), "function A.size");
    Value elements[] = {value_from_int(1), VALUE_UNDEFINED, VALUE_NULL, VALUE_FALSE,
                        value_from_pointer(name(f, "x"))};
    Value array = array_new(f->vm, 5, elements, 1);
    assert_prints(f, array, "1,,,false,x");
    Value outer[] = {array, array};
    assert_prints(f, array_new(f->vm, 2, outer, 1), "1,,,false,x,1,,,false,x");
    assert_prints(f, array_new(f->vm, 0, NULL, 0), "");
    Value sparse = array_new(f->vm, 0, NULL, 0);
    value_set_index(f->vm, sparse, value_from_int(3), VALUE_TRUE);
    assert_prints(f, sparse, ",,,true");
}

// An array inside itself is printed as nothing, as JavaScript does.
static void test_printing_arrays_in_themselves(void **state) {
    Fixture *f = *state;
    Value one = value_from_int(1);
    Value array = array_new(f->vm, 1, &one, 1), other = array_new(f->vm, 1, &array, 1);
    value_set_index(f->vm, array, value_from_int(1), array);
    assert_prints(f, array, "1,");
    value_set_index(f->vm, array, value_from_int(1), other);
    value_set_index(f->vm, array, value_from_int(2), value_from_int(2));
    assert_prints(f, array, "1,,2");
    assert_prints(f, other, "1,,2");
}

// However deep arrays are nested, the machine's stack is not: what is too deep inside is left out.
static void test_printing_deep_arrays(void **state) {
    Fixture *f = *state;
    Value deep = value_from_int(1);
    for (int i = 0; i < 5000; i++) deep = array_new(f->vm, 1, &deep, 1);
    assert_prints(f, deep, "1");
    for (int i = 0; i < (SANITIZED ? 20000 : 1000000); i++) deep = array_new(f->vm, 1, &deep, 1);
    assert_prints(f, deep, "");
}

// Memory.

static int set_up_small(void **state) { return set_up_with(state, 4096); }

// Whatever runs out of memory says so, and leaves what was there as it was.
static void test_every_operation_without_memory(void **state) {
    Fixture *f = *state;
    Object *narrow = new_object(f, CLASS_NARROW), *a = new_object(f, CLASS_A);
    Value array = array_new(f->vm, 0, NULL, 0), text = value_from_pointer(name(f, "text"));
    name(f, "x");
    set(f, a, "y", 1);
    while (heap_alloc(&f->vm->heap, 8, TYPE_STRING, SHAPE_STRING)) continue;
    assert_null(new_object(f, CLASS_A));
    assert_error(f, RUN_OUT_OF_MEMORY, "out of memory");
    f->vm->error.status = RUN_OK;
    assert_false(object_set(f->vm, narrow, name(f, "x"), VALUE_TRUE));
    assert_error(f, RUN_OUT_OF_MEMORY, "out of memory");
    assert_true(lacks(f, narrow, "x"));
    assert_int_equal(object_shape(f->vm, narrow)->num_slots, 0);
    assert_int_equal(array_new(f->vm, 0, NULL, 0), NO_VALUE);
    assert_false(value_set_index(f->vm, array, value_from_int(0), VALUE_TRUE));
    assert_int_equal(value_length(f->vm, array), value_from_int(0));
    f->vm->error.status = RUN_OK;
    assert_int_equal(value_get_index(f->vm, text, value_from_int(0)), NO_VALUE);
    assert_error(f, RUN_OUT_OF_MEMORY, "out of memory");
    f->vm->error.status = RUN_OK;
    assert_int_equal(value_get_index(f->vm, value_from_pointer(a), value_from_int(123)),
                     NO_VALUE); // a name that is new
    assert_error(f, RUN_OUT_OF_MEMORY, "out of memory");
    assert_true(has(f, a, "y", 1));
    set(f, a, "x", 2); // inside there is room
    assert_true(has(f, a, "x", 2));
    assert_true(object_delete(f->vm, a, name(f, "x")) && lacks(f, a, "x"));
}

// With every size of heap a program starts, or says why not.
static void test_every_small_heap(void **state) {
    (void)state;
    Program *program = program_from(classes);
    bool was_ready = false;
    for (size_t size = 0; size < 1024; size += 8) {
        Vm *vm = vm_new(program, size);
        Value result = vm_call(vm, function_index(program, program_find(program, "main")), NULL);
        if (vm->is_ready) assert_int_equal(result, value_from_int(0));
        else assert_true(result == NO_VALUE && vm->error.status == RUN_OUT_OF_MEMORY && !was_ready);
        was_ready = vm->is_ready;
        vm_free(vm);
    }
    assert_true(was_ready);
    program_free(program);
}

// Objects of very many shapes use up the memory for shapes, and that is an error like any other.
static void test_very_many_shapes(void **state) {
    Fixture *f = *state;
    bool ok = true;
    int count = 0;
    for (; ok && count < 1000000; count++) {
        Object *a = new_object(f, CLASS_A);
        ok = a && object_set(f->vm, a, numbered(f, count % 50), VALUE_TRUE) &&
             object_delete(f->vm, a, numbered(f, count % 50));
    }
    assert_false(ok);
    assert_error(f, RUN_OUT_OF_MEMORY, "out of memory");
    assert_true(f->vm->shapes.bytes < 3 * (size_t)(4 << 20));
    assert_true(value_is_function(get(f, f->vm->classes[CLASS_B].prototype, "size"))); // what is there still works
}

static int set_up_4_mb(void **state) { return set_up_with(state, 4 << 20); }

#define OBJECT_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

static const struct CMUnitTest object_tests[] = {
    OBJECT_TEST(test_properties),
    OBJECT_TEST(test_overflow_storage),
    OBJECT_TEST(test_very_many_properties),
    OBJECT_TEST(test_delete),
    OBJECT_TEST(test_delete_and_add_again_and_again),
    OBJECT_TEST(test_properties_against_a_model),
    OBJECT_TEST(test_classes),
    OBJECT_TEST(test_inherited_properties),
    OBJECT_TEST(test_set_prototype),
    OBJECT_TEST(test_cycles_are_rejected),
    OBJECT_TEST(test_what_cannot_be_a_prototype),
    OBJECT_TEST(test_long_chain_of_prototypes),
    OBJECT_TEST(test_properties_of_other_values),
    OBJECT_TEST(test_messages_are_one_line),
    OBJECT_TEST(test_arrays),
    OBJECT_TEST(test_holes),
    OBJECT_TEST(test_growing_array),
    OBJECT_TEST(test_largest_array),
    OBJECT_TEST(test_indices),
    OBJECT_TEST(test_printing),
    OBJECT_TEST(test_printing_arrays_in_themselves),
    OBJECT_TEST(test_printing_deep_arrays),
    cmocka_unit_test_setup_teardown(test_every_operation_without_memory, set_up_small, tear_down),
    cmocka_unit_test(test_every_small_heap),
    cmocka_unit_test_setup_teardown(test_very_many_shapes, set_up_4_mb, tear_down),
};
TEST_MAIN(object_tests)
