// x = 2 + 3; y = x * 5: no operation remains for the run time.
#include "bytecode/parse.h"
#include "bytecode/verify.h"
#include "opt_rig.h"
#include "testing/test_main.h"

static Ir *optimised(const char *text) {
    Program *program = program_new("test.bca");
    Diagnostic diagnostic;
    if (!program_parse(program, text, strlen(text), &diagnostic) || !program_verify(program, &diagnostic))
        fail_msg("%u: %s", diagnostic.pos.line, diagnostic.message);
    Ir *ir = malloc(sizeof *ir);
    assert_true(ir_build(ir, program, 0));
    opt_run(ir, &(OptOptions){.verify = true});
    return ir;
}

static void assert_optimised(const char *text, const char *expected) {
    Ir *ir = optimised(text);
    char *actual = ir_numbered_text(ir);
    assert_string_equal(actual, expected);
    free(actual);
    ir_discard(ir);
}

static void test_no_operation_remains(void **state) {
    (void)state;
    assert_optimised("func main params=0 locals=2\n"
                     "load_const 2\nload_const 3\nadd\nstore_local 0\n"
                     "load_local 0\nload_const 5\nmul\nstore_local 1\n"
                     "load_local 1\nreturn\nend\n",
                     "B0:\n    v1 = const 25\n    return v1\n");
}

static void test_nor_a_branch_that_depends_on_them(void **state) {
    (void)state;
    assert_optimised("func main params=0 locals=1\n"
                     "load_const 2\nload_const 3\nadd\nstore_local 0\n"
                     "load_local 0\nload_const 5\nless_than\njump_if_false other\n"
                     "load_const 1\nreturn\n"
                     "other:\nload_local 0\nload_const -1\nmul\nload_const 0\nmul\nreturn\nend\n",
                     "B0:\n    v1 = const -0\n    return v1\n");
}

// The loop runs three times, but that nobody counts: only what is the same each time is folded.
static void test_a_loop_keeps_what_changes(void **state) {
    (void)state;
    Ir *ir = optimised("func main params=0 locals=2\n"
                       "load_const 0\nstore_local 0\nload_const 2\nstore_local 1\n"
                       "again:\nload_local 0\nload_const 3\nless_than\njump_if_false done\n"
                       "load_local 0\nload_local 1\nload_local 1\nmul\nload_const 3\nsub\nadd\n"
                       "store_local 0\njump again\n"
                       "done:\nload_local 0\nreturn\nend\n");
    assert_int_equal(count_ops(ir, IR_MUL), 0);
    assert_int_equal(count_ops(ir, IR_SUB), 0);
    assert_int_equal(count_ops(ir, IR_ADD), 1);
    assert_int_equal(count_ops(ir, IR_LESS_THAN), 1); // the guard is folded
    ir_discard(ir);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_no_operation_remains),
    cmocka_unit_test(test_nor_a_branch_that_depends_on_them),
    cmocka_unit_test(test_a_loop_keeps_what_changes),
};
TEST_MAIN(tests)
