// Exercise 2: a function calls itself directly, not through its Callable.
#include "exercise.h"

// Count the call instructions of a compiled function: those to its own first byte, and the others.
static void count_calls(const char *example, const char *function, int *direct, int *indirect) {
    char *source = read_example(example);
    Program *program = load_text(source);
    JitCompiler *jit = jit_new(program, &jit_default_options);
    jit_compile_all(jit);
    size_t size;
    const uint8_t *code = jit_code(jit, program_find(program, function), &size);
    assert_non_null(code);
    char self[40], instruction[DISASM_TEXT_SIZE];
    snprintf(self, sizeof self, "call 0x%llx", (unsigned long long)(uintptr_t)code);
    *direct = *indirect = 0;
    for (size_t at = 0, length; at < size; at += length) {
        length = disasm_instruction(code + at, size - at, (uintptr_t)code + at, instruction, sizeof instruction);
        assert_true(length > 0);
        if (strcmp(instruction, self) == 0) (*direct)++;
        else if (strncmp(instruction, "call ", 5) == 0) (*indirect)++;
    }
    jit_free(jit);
    program_free(program);
    free(source);
}

static void test_fib_calls_itself_directly(void **state) {
    (void)state;
    int direct, indirect;
    count_calls("fib", "fib", &direct, &indirect);
    assert_int_equal(direct, 2);
    assert_int_equal(indirect, 0);
}

static void test_other_functions_are_called_as_before(void **state) {
    (void)state;
    int direct, indirect;
    count_calls("fib", "main", &direct, &indirect);
    assert_int_equal(direct, 0);
    assert_int_equal(indirect, 1);
}

static void test_examples_give_the_same(void **state) {
    (void)state;
    check_examples();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_fib_calls_itself_directly),
    cmocka_unit_test(test_other_functions_are_called_as_before),
    cmocka_unit_test(test_examples_give_the_same),
};
TEST_MAIN(tests)
