// Exercise 3: the newest operand waits in RAX. No push stands directly before a pop.
#include "exercise.h"

// How many pushes of RAX in the function's code are directly followed by a pop.
static int count_pairs(const JitCompiler *jit, const Program *program, const char *function) {
    size_t size;
    const uint8_t *code = jit_code(jit, program_find(program, function), &size);
    assert_non_null(code);
    char instruction[DISASM_TEXT_SIZE];
    bool after_push = false;
    int pairs = 0;
    for (size_t at = 0, length; at < size; at += length) {
        length = disasm_instruction(code + at, size - at, (uintptr_t)code + at, instruction, sizeof instruction);
        assert_true(length > 0);
        if (after_push && strncmp(instruction, "pop ", 4) == 0) pairs++;
        after_push = strcmp(instruction, "push rax") == 0;
    }
    return pairs;
}

static void check_function(const char *example, const char *function) {
    char *text = read_example(example);
    Program *program = load_text(text);
    JitCompiler *jit = jit_new(program, &jit_default_options);
    jit_compile_all(jit);
    int pairs = count_pairs(jit, program, function);
    if (pairs) print_error("%s in %s.bca: %d pushes before a pop\n", function, example, pairs);
    assert_int_equal(pairs, 0);
    jit_free(jit);
    program_free(program);
    free(text);
}

static void test_no_push_before_a_pop(void **state) {
    (void)state;
    check_function("fib", "fib");
    check_function("gcd", "main");
    check_function("primes", "is_prime");
    check_function("ackermann", "ackermann");
}

static void test_examples_give_the_same(void **state) {
    (void)state;
    check_examples();
}

// Where two paths meet with an operand on the stack, both must have left it in the same place.
static void test_operand_at_a_join(void **state) {
    (void)state;
    Program *program = load_text("func main params=1\n"
                                 "    load_const 1000\n"
                                 "    load_local 0\n    jump_if_false else\n"
                                 "    load_const 1\n    jump join\n"
                                 "else:\n    load_const 2\n"
                                 "join:\n    add\n    return\nend\n");
    int64_t yes = 1, no = 0;
    assert_int_equal(run_main(program, TIER_BASELINE, &yes), 1001);
    assert_int_equal(run_main(program, TIER_BASELINE, &no), 1002);
    program_free(program);
}

// Calls find their arguments and leave the operands below alone, at every depth.
static void test_calls_with_operands_below(void **state) {
    (void)state;
    Program *program = load_text(
        "func main params=0\n"
        "    load_const 100\n    load_const 1\n    call one\n    add\n"
        "    load_const 1\n load_const 2\n load_const 3\n load_const 4\n load_const 5\n load_const 6\n"
        "    load_const 7\n load_const 8\n    call eight\n    add\n    return\nend\n"
        "func one params=1\n    load_local 0\n    return\nend\n"
        "func eight params=8\n    load_local 0\n    load_local 6\n    load_const 10\n    mul\n    add\n"
        "    load_local 7\n    load_const 1000\n    mul\n    add\n    return\nend\n");
    assert_int_equal(run_main(program, TIER_INTERP, NULL), 8172);
    assert_int_equal(run_main(program, TIER_BASELINE, NULL), 8172);
    program_free(program);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_no_push_before_a_pop),
    cmocka_unit_test(test_examples_give_the_same),
    cmocka_unit_test(test_operand_at_a_join),
    cmocka_unit_test(test_calls_with_operands_below),
};
TEST_MAIN(tests)
