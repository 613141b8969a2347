// Inline caches: the states that cells go through, and that what they remember is never wrong, in every engine and
// with caches on, off and always missing.
//
// Programs are written on one line each, with | for the newline.
#include <inttypes.h>

#include "programs.h"
#include "testing/test_main.h"

static char *lines(const char *text) {
    char *copy = strdup(text);
    for (char *at = copy; *at; at++)
        if (*at == '|') *at = '\n';
    return copy;
}

static void returns(const char *text, int64_t expected) {
    char *program = lines(text);
    assert_returns(program, NULL, expected);
    free(program);
}

static void fails(const char *text, RunStatus status, uint32_t line) {
    char *program = lines(text);
    assert_run_error(program, NULL, status, line);
    free(program);
}

// States.

typedef struct Site {
    Program *program;
    JitCompiler *jit;
    Vm *vm;
    uint32_t function;
    ICCell *cell;
} Site;

static const char *const site_texts[NUM_IC_KINDS] = {
    [IC_LOAD] = "class A fields=3|method f params=1|load_const 1|return|end|end|class B extends A|end|"
                "func two params=1|load_const 2|return|end|func wide params=3|load_const 3|return|end|"
                "func site params=1|load_local 0|get_property x|return|end|",
    [IC_STORE] = "class A fields=3|method f params=1|load_const 1|return|end|end|class B extends A|end|"
                 "func two params=1|load_const 2|return|end|func wide params=3|load_const 3|return|end|"
                 "func site params=1|load_local 0|load_const 5|set_property x|load_const 5|return|end|",
    [IC_CALL] = "class A fields=3|method f params=1|load_const 1|return|end|end|class B extends A|end|"
                "func two params=1|load_const 2|return|end|func wide params=3|load_const 3|return|end|"
                "func site params=1|load_local 0|call_method f 0|return|end|",
};

static Site open_site(ICKind kind, Tier tier, ICMode mode) {
    char *text = lines(site_texts[kind]);
    Site site = {.program = program_from(text)};
    free(text);
    JitOptions options = jit_default_options;
    options.tier = tier;
    options.ic = mode;
    options.counts_hits = true;
    options.heap_size = 1 << 20;
    site.jit = jit_new(site.program, &options);
    assert_int_equal(jit_compile_all(site.jit), tier == TIER_INTERP ? 0 : site.program->num_functions);
    site.vm = jit_vm(site.jit);
    site.function = function_index(site.program, program_find(site.program, "site"));
    uint32_t pc = 0;
    while (site.program->functions[site.function].site[pc] == NO_SITE) pc++;
    site.cell = ic_cell(site.vm, site.function, pc);
    assert_int_equal(site.cell->kind, kind);
    assert_int_equal(site.cell->state, IC_UNINITIALISED);
    return site;
}

static void close_site(Site *site) {
    jit_free(site->jit);
    program_free(site->program);
}

static String *name(const Site *site, const char *text) { return program_intern(site->program, text, strlen(text)); }

static Value visit(const Site *site, Value receiver) { return vm_call(site->vm, site->function, &receiver); }

static Value new_of(const Site *site, int class_index) {
    return value_from_pointer(object_new(site->vm, site->vm->classes[class_index].root));
}

static void set(const Site *site, Value object, const char *property, Value value) {
    String *interned = string_table_find(&site->vm->strings, property, strlen(property));
    if (!interned) {
        interned = name(site, property);
        string_table_add(&site->vm->strings, interned);
    }
    assert_true(value_set_property(site->vm, object, interned, value));
}

// An object of class A with a shape of its own for each `i` below 8, and with x in the end, unless it is for a store.
static Value object_of_shape(const Site *site, int i) {
    static const char *const firsts[] = {"a", "b", "c", "d", "e", "g", "h", "i"};
    Value object = new_of(site, 0);
    set(site, object, firsts[i], VALUE_TRUE);
    if (site->cell->kind == IC_LOAD) set(site, object, "x", value_from_int(5));
    return object;
}

static Value expected_of(const Site *site) { return value_from_int(site->cell->kind == IC_CALL ? 1 : 5); }

static void check_counts(const Site *site, ICState state, int n, uint64_t misses, uint32_t hits) {
    assert_int_equal(site->cell->state, state);
    assert_int_equal(site->cell->n, n);
    assert_int_equal(site->cell->misses, misses);
    assert_int_equal(site->cell->hits, hits);
}

static ICState state_of(int shapes) {
    return shapes == 0                ? IC_UNINITIALISED
           : shapes == 1              ? IC_MONOMORPHIC
           : shapes <= MAX_IC_ENTRIES ? IC_POLYMORPHIC
                                      : IC_MEGAMORPHIC;
}

// One miss for each shape; all later visits hit, in the cell or in the global table.
static void test_states(void **state) {
    (void)state;
    for (ICKind kind = 0; kind < NUM_IC_KINDS; kind++) {
        for (Tier tier = 0; tier < NUM_TIERS; tier++) {
            Site site = open_site(kind, tier, IC_ON);
            uint32_t hits = 0;
            for (int shapes = 1; shapes <= 8; shapes++) {
                for (int i = 0; i < shapes; i++)
                    assert_int_equal(visit(&site, object_of_shape(&site, i)), expected_of(&site));
                hits += (uint32_t)shapes - 1;
                check_counts(&site, state_of(shapes), shapes < 4 ? shapes : 4, (uint64_t)shapes, hits);
            }
            close_site(&site);
        }
    }
}

// What a store adds is remembered: a new object each time, and one miss.
static void test_stores_that_add(void **state) {
    (void)state;
    for (Tier tier = 0; tier < NUM_TIERS; tier++) {
        Site site = open_site(IC_STORE, tier, IC_ON);
        for (int i = 0; i < 10; i++) {
            Value object = new_of(&site, 0);
            visit(&site, object);
            assert_int_equal(value_get_property(site.vm, object, name(&site, "x")), value_from_int(5));
            assert_int_equal(object_shape(site.vm, value_to_object(object))->num_slots, 1);
        }
        check_counts(&site, IC_MONOMORPHIC, 1, 1, 9);
        assert_int_not_equal(site.cell->e[0].holder_or_fn, site.cell->e[0].shape);
        close_site(&site);
    }
}

// In the overflow storage, too: reading and overwriting hit; adding there may have to make room.
static void test_overflow_storage(void **state) {
    (void)state;
    for (ICKind kind = IC_LOAD; kind <= IC_STORE; kind++) {
        for (Tier tier = 0; tier < NUM_TIERS; tier++) {
            Site site = open_site(kind, tier, IC_ON);
            for (int i = 0; i < 5; i++) {
                Value object = new_of(&site, 0);
                set(&site, object, "a", VALUE_TRUE);
                set(&site, object, "b", VALUE_TRUE);
                set(&site, object, "c", VALUE_TRUE);
                if (kind == IC_LOAD) set(&site, object, "x", value_from_int(5));
                for (int k = 0; k < 2; k++) assert_int_equal(visit(&site, object), value_from_int(5));
                assert_int_equal(value_get_property(site.vm, object, name(&site, "x")), value_from_int(5));
            }
            uint64_t misses = kind == IC_LOAD ? 1 : 1 + 5;
            check_counts(&site, IC_MONOMORPHIC, 1, misses, (uint32_t)(10 - misses));
            assert_true(site.cell->e[0].offset < 0);
            close_site(&site);
        }
    }
}

static void test_inherited_methods(void **state) {
    (void)state;
    for (Tier tier = 0; tier < NUM_TIERS; tier++) {
        Site site = open_site(IC_CALL, tier, IC_ON);
        for (int i = 0; i < 3; i++) assert_int_equal(visit(&site, new_of(&site, 1)), value_from_int(1));
        check_counts(&site, IC_MONOMORPHIC, 1, 1, 2);
        assert_int_equal(site.cell->e[0].holder_or_fn, (uintptr_t)&site.vm->callables[0]);
        // The parent's method is another one: forgotten, and remembered anew.
        const Function *two = program_find(site.program, "two");
        set(&site, value_from_pointer(site.vm->classes[0].prototype), "f",
            value_from_pointer(&site.vm->callables[function_index(site.program, two)]));
        check_counts(&site, IC_UNINITIALISED, 0, 1, 2);
        for (int i = 0; i < 3; i++) assert_int_equal(visit(&site, new_of(&site, 1)), value_from_int(2));
        check_counts(&site, IC_MONOMORPHIC, 1, 2, 4);
        close_site(&site);
    }
}

// A value that is no method may change in a prototype without emptying any cell: loads remember the place.
static void test_values_in_prototypes(void **state) {
    (void)state;
    for (Tier tier = 0; tier < NUM_TIERS; tier++) {
        Site site = open_site(IC_LOAD, tier, IC_ON);
        Value prototype = value_from_pointer(site.vm->classes[0].prototype);
        for (int i = 0; i < 4; i++) {
            set(&site, prototype, "x", value_from_int(i));
            assert_int_equal(visit(&site, new_of(&site, 1)), value_from_int(i));
        }
        check_counts(&site, IC_MONOMORPHIC, 1, 1, 3);
        close_site(&site);
    }
}

static void test_absent_properties(void **state) {
    (void)state;
    for (Tier tier = 0; tier < NUM_TIERS; tier++) {
        Site site = open_site(IC_LOAD, tier, IC_ON);
        for (int i = 0; i < 3; i++) assert_int_equal(visit(&site, new_of(&site, 1)), VALUE_UNDEFINED);
        check_counts(&site, IC_MONOMORPHIC, 1, 1, 2);
        set(&site, value_from_pointer(site.vm->classes[0].prototype), "x", value_from_int(9));
        assert_int_equal(visit(&site, new_of(&site, 1)), value_from_int(9));
        close_site(&site);
    }
}

// What must not be remembered: dictionaries, primitives, own functions, functions of another arity.
static void test_what_is_not_remembered(void **state) {
    (void)state;
    for (Tier tier = 0; tier < NUM_TIERS; tier++) {
        Site site = open_site(IC_LOAD, tier, IC_ON);
        Value object = object_of_shape(&site, 0);
        value_delete_property(site.vm, object, name(&site, "a"));
        for (int i = 0; i < 3; i++) assert_int_equal(visit(&site, object), value_from_int(5));
        for (int i = 0; i < 3; i++) assert_int_equal(visit(&site, value_from_int(1)), VALUE_UNDEFINED);
        for (int i = 0; i < 3; i++)
            assert_int_equal(visit(&site, value_from_pointer(name(&site, "a"))), VALUE_UNDEFINED);
        check_counts(&site, IC_UNINITIALISED, 0, 9, 0);
        close_site(&site);

        site = open_site(IC_CALL, tier, IC_ON);
        uint32_t two = function_index(site.program, program_find(site.program, "two")),
                 wide = function_index(site.program, program_find(site.program, "wide"));
        object = new_of(&site, 0);
        set(&site, object, "f", value_from_pointer(&site.vm->callables[two]));
        for (int i = 0; i < 3; i++) assert_int_equal(visit(&site, object), value_from_int(2));
        check_counts(&site, IC_UNINITIALISED, 0, 3, 0);
        // But a method with another number of parameters is like any other: it puts up with the arguments itself.
        set(&site, value_from_pointer(site.vm->classes[1].prototype), "f",
            value_from_pointer(&site.vm->callables[wide]));
        for (int i = 0; i < 3; i++) assert_int_equal(visit(&site, new_of(&site, 1)), value_from_int(3));
        check_counts(&site, IC_MONOMORPHIC, 1, 4, 2);
        close_site(&site);
    }
}

static void test_modes_of_the_caches(void **state) {
    (void)state;
    for (ICKind kind = 0; kind < NUM_IC_KINDS; kind++) {
        for (Tier tier = 0; tier < NUM_TIERS; tier++) {
            Site off = open_site(kind, tier, IC_OFF), missing = open_site(kind, tier, IC_ALWAYS_MISS);
            for (int i = 0; i < 12; i++) {
                assert_int_equal(visit(&off, object_of_shape(&off, i / 2)), expected_of(&off));
                assert_int_equal(visit(&missing, object_of_shape(&missing, i / 2)), expected_of(&missing));
            }
            check_counts(&off, IC_UNINITIALISED, 0, 0, 0);
            check_counts(&missing, IC_UNINITIALISED, 0, 12, 0);
            close_site(&off);
            close_site(&missing);
        }
    }
}

static void test_dump(void **state) {
    (void)state;
    Site site = open_site(IC_CALL, TIER_INTERP, IC_ON);
    for (int i = 0; i < 4; i++) visit(&site, new_of(&site, 1));
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    ic_dump(out, site.vm);
    fclose(out);
    assert_non_null(strstr(text, "site:\n"));
    assert_non_null(strstr(text, "call_method f  monomorphic  4 visits, 75.0 % hits\n"));
    assert_non_null(strstr(text, ": A.f\n"));
    free(text);
    close_site(&site);
}

// Correctness. Local 0 of main is the result, to which each visit appends a digit; local 1 an object of class B.

#define CLASSES \
    "class A|method f params=1|load_const 1|return|end|end|" \
    "class B extends A|end|" \
    "class C extends B fields=1|end|"
#define FUNCTIONS                                                                                                    \
    "func two params=1|load_const 2|return|end|"                                                                     \
    "func three params=1|load_const 3|return|end|"                                                                   \
    "func four params=1|load_const 4|return|end|"                                                                    \
    "func call_f params=1|load_local 0|call_method f 0|return|end|"                                                  \
    "func get_x params=1|load_local 0|get_property x|dup|jump_if_false none|return|none:|pop|load_const "            \
    "0|return|end|"                                                                                                  \
    "func set_x params=2|load_local 0|load_local 1|set_property x|load_local 0|return|end|"
#define MAIN "func main params=0 locals=6|load_const 0|store_local 0|new_object B|store_local 1|"
#define END "load_local 0|return|end|"
#define DIGIT(code) "load_local 0|load_const 10|mul|" code "add|store_local 0|"
#define CALL(object) DIGIT(object "call call_f|")
#define GET(object) DIGIT(object "call get_x|")
#define SET(object, value) object "load_const " value "|call set_x|pop|"
#define DELETE(object, name) object "delete_property " name "|pop|"
#define METHOD(object, function) object "load_function " function "|set_property f|"
#define O "load_local 1|"
#define P "load_local 2|"
#define NEW_P(class) "new_object " class "|store_local 2|"
#define PROTO(class) "load_prototype " class "|"
#define INHERIT(object, from) object from "set_prototype|"

static void test_method_redefined(void **state) {
    (void)state;
    returns(CLASSES FUNCTIONS MAIN CALL(O) CALL(O) METHOD(PROTO("A"), "two") CALL(O) CALL(O) END, 1122);
    returns(CLASSES FUNCTIONS MAIN CALL(O) METHOD(PROTO("B"), "two") CALL(O) METHOD(PROTO("A"), "three") CALL(O)
            DELETE(PROTO("B"), "f") CALL(O) METHOD(PROTO("C"), "four") CALL(O) END, 12233);
    // In another object of the same class, at the same site.
    returns(CLASSES FUNCTIONS MAIN NEW_P("B") CALL(O) CALL(P) METHOD(PROTO("A"), "two") CALL(P) CALL(O) END, 1122);
    // Once as a method, once as a function.
    returns(CLASSES FUNCTIONS MAIN CALL(O) METHOD(PROTO("A"), "two") DIGIT(O "call A.f|") CALL(O) END, 112);
}

static void test_method_redefined_in_a_loop(void **state) {
    (void)state;
    // for (i = 0; i < 6; i++) { result = result * 10 + o.f(); if (i === 2) A.prototype.f = two }
#define LOOP(body) \
    "load_const 0|store_local 3|again:|load_local 3|load_const 6|less_than|jump_if_false done|" CALL(O) \
    "load_local 3|load_const 2|equal|jump_if_false next|" body \
    "next:|load_local 3|load_const 1|add|store_local 3|jump again|done:|"
    returns(CLASSES FUNCTIONS MAIN LOOP(METHOD(PROTO("A"), "two")) END, 111222);
    returns(CLASSES FUNCTIONS MAIN LOOP(METHOD(PROTO("B"), "three")) END, 111333);
    returns(CLASSES FUNCTIONS MAIN LOOP(METHOD(O, "four")) END, 111444);
    returns(CLASSES FUNCTIONS MAIN METHOD(PROTO("B"), "three") LOOP(DELETE(PROTO("B"), "f")) END, 333111);
    // Another prototype, for the object or for its class.
    returns(CLASSES FUNCTIONS MAIN NEW_P("A") METHOD(P, "four") LOOP(INHERIT(O, P)) END, 111444);
    returns(CLASSES FUNCTIONS MAIN NEW_P("A") METHOD(P, "four") LOOP(INHERIT(PROTO("B"), P)) END, 111444);
}

// The site is inside the method that is being replaced.
static void test_method_that_redefines_itself(void **state) {
    (void)state;
    returns("class A|method f params=2|"
            "load_local 1|jump_if_false last|"
            "load_prototype A|load_function other|set_property f|"
            "load_local 0|load_const 0|call_method f 1|load_const 10|mul|load_const 1|add|return|"
            "last:|load_const 5|return|end|end|"
            "func other params=2|load_const 7|return|end|"
            "func main params=0|new_object A|load_const 1|call_method f 1|new_object A|load_const 1|call_method f "
            "1|add|return|end|",
            71 + 7);
}

static void test_method_shadowed_by_an_own_property(void **state) {
    (void)state;
    returns(CLASSES FUNCTIONS MAIN NEW_P("B") CALL(O) CALL(P) METHOD(O, "two") CALL(O) CALL(P) METHOD(O, "three")
                CALL(O) DELETE(O, "f") CALL(O) CALL(P) END,
            1121311);
    // Two objects of one shape with functions of their own.
    returns(CLASSES FUNCTIONS MAIN NEW_P("B") METHOD(O, "two") METHOD(P, "three") CALL(O) CALL(P) CALL(O) CALL(P) END,
            2323);
}

static void test_property_appears_and_disappears(void **state) {
    (void)state;
    returns(CLASSES FUNCTIONS MAIN GET(O) GET(O) SET(O, "5") GET(O) DELETE(O, "x") GET(O) SET(O, "6") GET(O) END,
            506);
    returns(CLASSES FUNCTIONS MAIN GET(O) SET(PROTO("A"), "1") GET(O) SET(PROTO("B"), "2") GET(O) SET(O, "3") GET(O)
                DELETE(O, "x") GET(O) DELETE(PROTO("B"), "x") GET(O) DELETE(PROTO("A"), "x") GET(O)
                    SET(PROTO("A"), "4") GET(O) END,
            1232104);
    // The object is a dictionary when its prototype changes.
    returns(CLASSES FUNCTIONS MAIN SET(O, "9") DELETE(O, "x") GET(O) SET(PROTO("A"), "1") GET(O)
                DELETE(PROTO("A"), "x") GET(O) END,
            10);
    // A value in the prototype changes; and becomes a function, and back.
    returns(CLASSES FUNCTIONS MAIN SET(PROTO("A"), "1") GET(O) SET(PROTO("A"), "2") GET(O) SET(PROTO("A"), "3") GET(O)
                END,
            123);
    // Something else is added to a prototype, so often that its storage moves.
    returns(CLASSES FUNCTIONS MAIN SET(PROTO("A"), "1") GET(O)
            "load_const 0|store_local 3|more:|load_local 3|load_const 200|less_than|jump_if_false enough|"
            PROTO("A") "load_const \"p\"|load_local 3|add|load_local 3|set_index|"
            "load_local 3|load_const 1|add|store_local 3|jump more|enough:|"
            GET(O) SET(PROTO("A"), "2") GET(O) CALL(O) END, 1121);
}

static void test_storing_shadows(void **state) {
    (void)state;
    // A store at a site that knows the shape adds to the object, and not to the prototype that has x.
    returns(CLASSES FUNCTIONS MAIN NEW_P("B") SET(PROTO("A"), "7") SET(O, "1") GET(O) GET(P) SET(P, "2") GET(P) GET(O)
                GET(PROTO("A")) END,
            17217);
}

static void test_set_prototype(void **state) {
    (void)state;
    returns(CLASSES FUNCTIONS MAIN NEW_P("A") SET(P, "8") GET(O) CALL(O) INHERIT(O, P) GET(O) CALL(O)
                INHERIT(O, "load_const null|") GET(O) END,
            1810);
    // Two levels up, and for a class.
    returns(CLASSES FUNCTIONS MAIN NEW_P("A") METHOD(P, "four")
                SET(P, "8") "new_object C|store_local 4|" CALL("load_local 4|") CALL(O)
                    INHERIT(PROTO("A"), "load_const null|") CALL(O) INHERIT(P, "load_const null|")
                        INHERIT(PROTO("B"), P) CALL(O) CALL("load_local 4|") GET("load_local 4|")
                            INHERIT(PROTO("C"), PROTO("A")) CALL("load_local 4|") GET("load_local 4|") END,
            11144810);
    // An object that became a prototype after its own shape was remembered.
    returns(CLASSES FUNCTIONS MAIN NEW_P("B") SET(O, "1") SET(P, "2") GET(O) GET(P) INHERIT(P, O) GET(P)
                DELETE(P, "x") GET(P) SET(O, "3") GET(P) GET(O) DELETE(O, "x") GET(P) GET(O) END,
            12213300);
    fails("class A|end|func main params=0 locals=1|new_object A|store_local 0|" // lines 1 to 5
          "load_prototype A|load_local 0|set_prototype|load_const 1|return|end|", RUN_TYPE_ERROR, 8);
}

// A method disappears while the site is hot: an error, at the site.
static void test_method_that_is_gone(void **state) {
    (void)state;
    fails("class A|method f params=1|load_const 1|return|end|end|"        // 1 to 6
          "func call_f params=1|load_local 0|call_method f 0|return|end|" // 7: the call is in 9
          "func main params=0 locals=1|new_object A|store_local 0|load_local 0|call call_f|pop|load_local 0|call "
          "call_f|pop|"
          "load_prototype A|delete_property f|pop|load_local 0|call call_f|return|end|",
          RUN_TYPE_ERROR, 9);
    fails("class A|method f params=1|load_const 1|return|end|end|"
          "func call_f params=1|load_local 0|call_method f 0|return|end|"
          "func main params=0 locals=1|new_object A|store_local 0|load_local 0|call call_f|pop|"
          "load_prototype A|load_const 5|set_property f|load_local 0|call call_f|return|end|", RUN_TYPE_ERROR, 9);
    fails("class A|method f params=1|load_const 1|return|end|end|"
          "func call_f params=1|load_local 0|call_method f 0|return|end|"
          "func main params=0 locals=1|new_object A|store_local 0|load_local 0|call call_f|pop|"
          "load_local 0|load_const null|set_property f|load_local 0|call call_f|return|end|", RUN_TYPE_ERROR, 9);
}

// Errors inside of methods, behind a site that hits.
static void test_errors_in_methods(void **state) {
    (void)state;
    fails("class A|method f params=2|load_local 1|get_property x|return|end|end|"
          "func main params=0 locals=2|new_object A|store_local 0|new_object A|store_local 1|"
          "load_local 0|load_local 1|call_method f 1|pop|load_local 0|load_const null|call_method f 1|return|end|",
          RUN_TYPE_ERROR, 4);
    fails("class A|method f params=2|load_local 0|load_local 1|mul|return|end|end|"
          "func main params=0 locals=1|new_object A|load_const 1|call_method f 1|return|end|", RUN_TYPE_ERROR, 5);
    fails("class A|method f params=1|load_local 0|call_method f 0|return|end|end|"
          "func main params=0 locals=1|new_object A|call_method f 0|return|end|", RUN_STACK_OVERFLOW, 0);
    // Recursion through a call that is adapted.
    fails("class A|method f params=3|load_local 0|call_method f 0|return|end|end|"
          "func main params=0 locals=1|new_object A|call_method f 0|return|end|", RUN_STACK_OVERFLOW, 0);
    fails("class A|method f params=1|load_local 0|load_const 1|dup|dup|dup|dup|dup|dup|dup|call_method f "
          "8|return|end|end|"
          "func main params=0 locals=1|new_object A|call_method f 0|return|end|",
          RUN_STACK_OVERFLOW, 0);
}

static void test_primitive_receivers(void **state) {
    (void)state;
#define HOT CLASSES FUNCTIONS MAIN SET(O, "5") GET(O) GET(O)
    returns(HOT GET("load_const 1|") GET("load_const 1.5|") GET("load_const \"x\"|") GET("load_const true|")
                GET("load_const -0|") GET("load_function two|") GET("new_array 0|") GET(O) END,
            5500000005);
    fails(HOT "load_const undefined|call get_x|return|end|", RUN_TYPE_ERROR, 0);
    fails(HOT "load_const null|call get_x|return|end|", RUN_TYPE_ERROR, 0);
    fails(HOT SET("load_const 1|", "2") END, RUN_TYPE_ERROR, 0);
    fails(HOT SET("load_const undefined|", "2") END, RUN_TYPE_ERROR, 0);
    fails(HOT SET("new_array 0|", "2") END, RUN_TYPE_ERROR, 0);
    fails(HOT CALL(O) CALL(O) CALL("load_const 1|") END, RUN_TYPE_ERROR, 0);
    fails(HOT CALL(O) CALL("load_const \"f\"|") END, RUN_TYPE_ERROR, 0);
    fails(HOT CALL(O) CALL("load_const undefined|") END, RUN_TYPE_ERROR, 0);
    fails(HOT CALL(O) CALL("load_function two|") END, RUN_TYPE_ERROR, 0);
    // The length of strings and arrays is a property, too.
    returns(CLASSES "func size params=1|load_local 0|get_property length|return|end|" MAIN O
                    "load_const 7|set_property length|" DIGIT(O "call size|") DIGIT(O "call size|")
                        DIGIT("load_const \"abc\"|call size|") DIGIT("new_array 0|call size|") END,
            7730);
}

// Arity: a site with n arguments, methods with other numbers of parameters; what is missing is undefined.

// A method of so many parameters that adds up the arguments that are there.
static size_t print_adder(char *out, const char *head, int num_params) {
    char *at = out + sprintf(out, "%s params=%d\nload_const 0\n", head, num_params);
    for (int i = 1; i < num_params; i++)
        at += sprintf(at,
                      "load_local %d\nload_const undefined\nequal\njump_if_false there%d\njump "
                      "next%d\nthere%d:\nload_local %d\nadd\nnext%d:\n",
                      i, i, i, i, i, i);
    return (size_t)(at + sprintf(at, "return\nend\n") - out);
}

enum { MOST_PARAMS = 10 };

// Classes C1, C2, ... with methods of 1, 2, ... parameters, and one site that gives `num_args`, called with all of them.
static void check_arity(int num_args, int num_classes, int times) {
    char *text = malloc(64 * 1024), *at = text;
    for (int k = 1; k <= num_classes; k++) {
        at += sprintf(at, "class C%d\n", k);
        at += print_adder(at, "method sum", k);
        at += sprintf(at, "end\n");
    }
    at += sprintf(at, "func site params=1\nload_local 0\n");
    for (int i = 0; i < num_args; i++) at += sprintf(at, "load_const %d\n", 1 << i);
    at += sprintf(at, "call_method sum %d\nreturn\nend\nfunc main params=0\nload_const 0\n", num_args);
    int64_t expected = 0;
    for (int i = 0; i < times; i++) {
        for (int k = 1; k <= num_classes; k++) {
            at += sprintf(at, "load_const 3\nmul\nnew_object C%d\ncall site\nadd\n", k);
            expected = expected * 3 + (1 << (k - 1 < num_args ? k - 1 : num_args)) - 1;
        }
    }
    sprintf(at, "return\nend\n");
    assert_returns(text, NULL, expected);
    free(text);
}

static void test_arity(void **state) {
    (void)state;
    for (int num_args = 0; num_args <= MOST_PARAMS; num_args++) {
        check_arity(num_args, 1, 3);           // monomorphic
        check_arity(num_args, 3, 2);           // polymorphic
        check_arity(num_args, MOST_PARAMS, 2); // megamorphic
    }
}

static void test_most_arguments(void **state) {
    (void)state;
    char *text = malloc(64 * 1024), *at = text;
    at += sprintf(at,
                  "class C\nmethod last params=%d\nload_local %d\nreturn\nend\nmethod first params=2\nload_local "
                  "1\nreturn\nend\nend\n",
                  MAX_ARGUMENTS + 1, MAX_ARGUMENTS);
    at += sprintf(at, "func main params=0 locals=1\n");
    static const char *const methods[] = {"last", "first", "last", "first"};
    for (int m = 0; m < 4; m++) {
        at += sprintf(at, "new_object C\n");
        for (int i = 1; i <= MAX_ARGUMENTS; i++) at += sprintf(at, "load_const %d\n", i);
        at += sprintf(at, "call_method %s %d\n%s", methods[m], MAX_ARGUMENTS, m > 0 ? "add\n" : "");
    }
    sprintf(at, "return\nend\n");
    assert_returns(text, NULL, 2 * (MAX_ARGUMENTS + 1));
    free(text);
}

// The arguments of an adapted call are calls themselves, and adapted.
static void test_adapted_calls_inside_of_each_other(void **state) {
    (void)state;
    returns("class A|method f params=3|load_local 1|load_const 10|mul|load_local 0|load_const 4|call_method g "
            "1|add|return|end|"
            "method g params=1|load_const 7|return|end|end|"
            "func main params=0 locals=1|new_object A|store_local 0|"
            "load_local 0|load_local 0|load_const 1|call_method f 1|call_method f 1|load_local 0|load_const "
            "2|call_method f 1|add|return|end|",
            (17 * 10 + 7) + 27);
}

// Dictionaries.

static void test_dictionary_receivers(void **state) {
    (void)state;
    // x moves to another slot while the site is hot.
    returns(CLASSES FUNCTIONS MAIN SET(O, "1") O "load_const 0|set_property y|" GET(O) DELETE(O, "x") O
            "load_const 9|set_property z|" GET(O) SET(O, "2") GET(O) DELETE(O, "y") SET(O, "3") GET(O) CALL(O)
                SET(O, "4") GET(O) END,
            102314);
    // More properties than a shape can have.
    returns(CLASSES FUNCTIONS MAIN SET(O, "1")
            "load_const 0|store_local 3|more:|load_local 3|load_const 300|less_than|jump_if_false enough|"
            O "load_const \"p\"|load_local 3|add|load_local 3|set_index|"
            "load_local 0|" O "call get_x|add|store_local 0|" // at every number of properties
            O "load_local 3|load_const 10|mod|call set_x|pop|"
            "load_local 3|load_const 1|add|store_local 3|jump more|enough:|" END, 1 + 30 * 45 - 9);
}

// Two objects, both dictionaries, and a third with the shape that they once had.
static void test_dictionaries_do_not_share(void **state) {
    (void)state;
    returns(CLASSES FUNCTIONS MAIN NEW_P("B") "new_object B|store_local 4|" SET(O, "1") SET(P, "2")
                SET("load_local 4|", "3") GET(O) GET(P) GET("load_local 4|") DELETE(O, "x") GET(O) GET(P)
                    GET("load_local 4|") DELETE(P, "x") SET(O, "4") GET(O) GET(P) GET("load_local 4|") END,
            123023403);
}

// Megamorphic sites.

// So many shapes that they meet in the global table; loads, stores and calls with the same names.
static void test_many_shapes(void **state) {
    (void)state;
    returns("class A fields=3|method f params=1|load_local 0|get_property x|return|end|end|"
            "class B extends A|end|"
            "func site params=2|load_local 0|load_local 1|set_property x|"
            "load_local 0|get_property x|load_local 0|call_method f 0|add|load_local 0|get_property "
            "absent|jump_if_false ok|load_const 1000000|add|ok:|return|end|"
            "func main params=0 locals=5|load_const 0|store_local 0|load_const 0|store_local 3|"
            "more:|load_local 3|load_const 3000|less_than|jump_if_false enough|"
            "new_object B|store_local 1|load_local 1|load_const \"p\"|load_local 3|load_const "
            "1300|mod|add|load_const 1|set_index|"
            "load_local 0|load_local 1|load_local 3|call site|add|store_local 0|"
            "load_local 0|load_local 1|load_const 1|call site|add|store_local 0|" // once more: there is an x now
            "load_local 3|load_const 1|add|store_local 3|jump more|enough:|load_local 0|return|end|",
            3000 * 2999 + 3000 * 2);
}

// A megamorphic site after a change of a prototype: nothing in the global table is left over.
static void test_megamorphic_and_redefined(void **state) {
    (void)state;
    char *text = malloc(64 * 1024), *at = text;
    at += sprintf(at, "class A\nmethod f params=1\nload_const 1\nreturn\nend\nend\n");
    for (int i = 0; i < 9; i++) at += sprintf(at, "class C%d extends A\nend\n", i);
    at += sprintf(at, "func two params=1\nload_const 2\nreturn\nend\nfunc site params=1\nload_local 0\ncall_method f "
                      "0\nload_local 0\nget_property x\nadd\nreturn\nend\n"
                      "func main params=0\nload_prototype A\nload_const 10\nset_property x\nload_const 0\n");
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 9; i++) at += sprintf(at, "new_object C%d\ncall site\nadd\n", i);
        if (round == 1)
            at += sprintf(at, "load_prototype A\nload_function two\nset_property f\nload_prototype C7\nload_const "
                              "100\nset_property x\n");
        if (round == 2) at += sprintf(at, "load_prototype C7\ndelete_property x\npop\n");
    }
    sprintf(at, "return\nend\n");
    assert_returns(text, NULL, 2 * 9 * 11 + 9 * 12 + 90 + 9 * 12);
    free(text);
}

// Two names that have the same place in the global table, in objects of the same shapes.
static void test_names_that_collide(void **state) {
    (void)state;
    Program *program = program_new("test.bca");
    uint32_t class_index = program_add_class(program, "A", -1, 4);
    String *names[2] = {program_intern(program, "first", 5)};
    for (int i = 0; !names[1]; i++) {
        char text[20];
        String *next = program_intern(program, text, (size_t)sprintf(text, "n%d", i));
        if (global_index(7, next) == global_index(7, names[0])) names[1] = next;
    }
    for (int i = 0; i < 2; i++) {
        uint32_t f = program_add_function(program, i ? "get_second" : "get_first", 1, 1);
        program_emit(program, f, OP_LOAD_LOCAL, 0, (SourcePos){1, 1});
        program_emit(program, f, OP_GET_PROPERTY, (int64_t)(uintptr_t)names[i], (SourcePos){1, 1});
        program_emit(program, f, OP_RETURN, 0, (SourcePos){1, 1});
    }
    String *others[8];
    for (int i = 0; i < 8; i++) others[i] = program_intern(program, &"abcdefgh"[i], 1);
    Diagnostic diagnostic = {0};
    assert_true(program_verify(program, &diagnostic));
    for (size_t m = 0; m < num_modes; m++) {
        JitCompiler *jit = mode_start(program, &modes[m]);
        Vm *vm = jit_vm(jit);
        for (int visit_number = 0; visit_number < 24; visit_number++) {
            Object *object = object_new(vm, vm->classes[class_index].root);
            assert_true(object_set(vm, object, others[visit_number % 8], VALUE_TRUE));
            for (int i = 0; i < 2; i++)
                assert_true(object_set(vm, object, names[i], value_from_int(10 * visit_number + i)));
            for (int i = 0; i < 4; i++) {
                Value argument = value_from_pointer(object);
                assert_int_equal(vm_call(vm, (uint32_t)i % 2, &argument), value_from_int(10 * visit_number + i % 2));
            }
        }
        jit_free(jit);
    }
    program_free(program);
}

// Sites of one name for objects and for functions, one after the other.
static void test_sites_do_not_disturb_each_other(void **state) {
    (void)state;
    returns(CLASSES FUNCTIONS MAIN
            "load_const 0|store_local 3|again:|load_local 3|load_const 3|less_than|jump_if_false done|" O
            "load_const 1|set_property x|" O "load_const 2|set_property y|"
            "new_object C|store_local 2|" P "load_const 3|set_property y|" P
            "load_const 4|set_property x|" DIGIT(O "get_property x|") DIGIT(P "get_property x|")
                DIGIT(O "get_property y|")
                    DIGIT(P "get_property y|") "load_local 3|load_const 1|add|store_local 3|jump again|done:|" END,
            142314231423);
}

static const struct CMUnitTest inline_cache_tests[] = {
    cmocka_unit_test(test_states),
    cmocka_unit_test(test_stores_that_add),
    cmocka_unit_test(test_overflow_storage),
    cmocka_unit_test(test_inherited_methods),
    cmocka_unit_test(test_values_in_prototypes),
    cmocka_unit_test(test_absent_properties),
    cmocka_unit_test(test_what_is_not_remembered),
    cmocka_unit_test(test_modes_of_the_caches),
    cmocka_unit_test(test_dump),
    cmocka_unit_test(test_method_redefined),
    cmocka_unit_test(test_method_redefined_in_a_loop),
    cmocka_unit_test(test_method_that_redefines_itself),
    cmocka_unit_test(test_method_shadowed_by_an_own_property),
    cmocka_unit_test(test_property_appears_and_disappears),
    cmocka_unit_test(test_storing_shadows),
    cmocka_unit_test(test_set_prototype),
    cmocka_unit_test(test_method_that_is_gone),
    cmocka_unit_test(test_errors_in_methods),
    cmocka_unit_test(test_primitive_receivers),
    cmocka_unit_test(test_arity),
    cmocka_unit_test(test_most_arguments),
    cmocka_unit_test(test_adapted_calls_inside_of_each_other),
    cmocka_unit_test(test_dictionary_receivers),
    cmocka_unit_test(test_dictionaries_do_not_share),
    cmocka_unit_test(test_many_shapes),
    cmocka_unit_test(test_megamorphic_and_redefined),
    cmocka_unit_test(test_names_that_collide),
    cmocka_unit_test(test_sites_do_not_disturb_each_other),
};
TEST_MAIN(inline_cache_tests)
