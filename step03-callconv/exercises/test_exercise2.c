// Exercise 2: AL says how many vector registers carry arguments.
#include "exercise.h"

// Returns AL as it was at the call. The address of the function ends in 0x01, in case that RAX holds it.
int64_t al_at_the_call(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g, int64_t h);
__asm__(".pushsection .text\n"
        ".p2align 8\n"
        "    nop\n"
        ".globl al_at_the_call\n"
        ".type al_at_the_call, @function\n"
        "al_at_the_call:\n"
        "    movzbl %al, %eax\n"
        "    ret\n"
        ".size al_at_the_call, . - al_at_the_call\n"
        ".popsection\n");

static Program *program_calling(uint32_t num_params, const char *text) {
    Program *program = new_program();
    program_add_native(program, "al", num_params, (NativeCode *)(uintptr_t)al_at_the_call);
    load_text(program, text);
    return program;
}

static void check_is_zero(uint32_t num_params, const char *text) {
    Program *program = program_calling(num_params, text);
    int64_t args[] = {77, 88};
    assert_int_equal(run_main(program, TIER_BASELINE, false, args), 0);
    assert_int_equal(run_main(program, TIER_OPT, false, args), 0);
    assert_int_equal(run_main(program, TIER_OPT, true, args), 0);
    program_free(program);
}

static void test_al_is_zero_without_arguments(void **state) {
    (void)state;
    check_is_zero(0, "func main params=2\n    call_native al\n    return\nend\n");
}

static void test_al_is_zero_with_arguments(void **state) {
    (void)state;
    check_is_zero(2, "func main params=2\n    load_local 0\n    load_local 1\n    call_native al\n    return\nend\n");
}

// Values that wait in registers, and arguments on the stack, are none the worse for it.
static void test_all_arguments_arrive(void **state) {
    (void)state;
    Program *program = new_program();
    load_text(program, "func main params=2\n    load_local 0\n    load_local 1\n    load_local 0\n    load_const 1\n"
                       "    load_const 10\n    load_const 100\n    load_const 1000\n    load_const 10000\n"
                       "    load_const 100000\n    load_const 1000000\n    call_native sum8\n    mul\n    add\n"
                       "    return\nend\n");
    int64_t args[] = {3, 2};
    for (Tier tier = 0; tier < NUM_TIERS; tier++)
        assert_int_equal(run_main(program, tier, false, args), 3 + 2 * (3 + 1111111));
    program_free(program);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_al_is_zero_without_arguments),
    cmocka_unit_test(test_al_is_zero_with_arguments),
    cmocka_unit_test(test_all_arguments_arrive),
};
TEST_MAIN(tests)
