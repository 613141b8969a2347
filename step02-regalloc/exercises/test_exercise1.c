// Exercise 1: a zero is made by XOR.
#include "exercise.h"

static size_t count(const char *text, const char *word) {
    size_t found = 0;
    for (; (text = strstr(text, word)); text++) found++;
    return found;
}

// Eight registers are zero at once; then they are added up.
static const char zeros[] = "func main params=1 locals=8\n"
                            "    load_const 0\n    store_local 1\n    load_const 0\n    store_local 2\n"
                            "    load_const 0\n    store_local 3\n    load_const 0\n    store_local 4\n"
                            "    load_const 0\n    store_local 5\n    load_const 0\n    store_local 6\n"
                            "    load_const 0\n    store_local 7\n"
                            "    load_local 0\n    load_local 1\n    add\n    load_local 2\n    add\n"
                            "    load_local 3\n    add\n    load_local 4\n    add\n    load_local 5\n    add\n"
                            "    load_local 6\n    add\n    load_local 7\n    add\n    return\nend\n";

static void test_zero_is_xor(void **state) {
    (void)state;
    Program *program = load_text(zeros);
    char *listing = listing_of(program, "main");
    assert_int_equal(count(listing, "\txor") + count(listing, " xor "), 7);
    assert_int_equal(count(listing, " mov     e"), 0);
    free(listing);
    int64_t args[1] = {41};
    assert_int_equal(run_main(program, TIER_OPT, RA_DEFAULT_POOL, args), 41);
    assert_int_equal(run_main(program, TIER_OPT, RA_STRESS_POOL, args), 41);
    program_free(program);
}

static void test_xor_takes_no_rex_in_the_low_registers(void **state) {
    (void)state;
    Program *program = load_text("func main params=0\n    load_const 0\n    return\nend\n");
    JitCompiler *jit = jit_new(program, &jit_default_options);
    jit_compile_all(jit);
    size_t size;
    assert_non_null(jit_code(jit, program_find(program, "main"), &size));
    assert_int_equal(size, 8); // push rbp; mov rbp, rsp; xor eax, eax; leave; ret
    jit_free(jit);
    program_free(program);
}

static void test_other_constants_are_what_they_were(void **state) {
    (void)state;
    Program *program = load_text("func main params=1\n    load_local 0\n    load_const 0x100000000\n    mul\n"
                                 "    load_const -1\n    sub\n    return\nend\n");
    int64_t args[1] = {3};
    assert_int_equal(run_main(program, TIER_OPT, RA_DEFAULT_POOL, args), 0x300000001);
    program_free(program);
}

static void test_examples_still_work(void **state) {
    (void)state;
    check_examples();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_zero_is_xor),
    cmocka_unit_test(test_xor_takes_no_rex_in_the_low_registers),
    cmocka_unit_test(test_other_constants_are_what_they_were),
    cmocka_unit_test(test_examples_still_work),
};
TEST_MAIN(tests)
