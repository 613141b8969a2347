// The table of passes and the function that runs them.
#include "opt_rig.h"
#include "testing/test_main.h"

static const char text[] = "func main params=1 {\n"
                           "B0:\n"
                           "    v1 = param 0\n"
                           "    v2 = const 2\n"
                           "    v3 = const 3\n"
                           "    v4 = add v2, v3\n"
                           "    v5 = mul v4, v4\n"
                           "    return v1\n"
                           "}\n";

static void test_passes_are_found_by_name(void **state) {
    (void)state;
    for (int pass = 0; pass < NUM_OPT_PASSES; pass++) {
        const char *name = opt_pass_info[pass].name;
        assert_int_equal(opt_find(name, strlen(name)), pass);
        assert_int_equal(opt_find(name, strlen(name) - 1), NUM_OPT_PASSES);
    }
    assert_int_equal(opt_find("", 0), NUM_OPT_PASSES);
}

static void test_every_pass_is_run(void **state) {
    (void)state;
    uint32_t seen = 0;
    for (size_t i = 0; i < opt_order_length; i++) seen |= 1u << opt_order[i];
    assert_int_equal(seen, (1u << NUM_OPT_PASSES) - 1);
}

typedef struct Log {
    uint32_t before, after; // bit: the pass was seen
} Log;

static void write_log(void *context, OptPass pass, bool after, Ir *ir) {
    Log *log = context;
    if (after) log->after |= 1u << pass;
    else log->before |= 1u << pass;
    assert_valid(ir, opt_pass_info[pass].name);
}

static void test_a_pass_that_is_disabled_does_not_run(void **state) {
    (void)state;
    for (int pass = 0; pass < NUM_OPT_PASSES; pass++) {
        Ir *ir = ir_from_text(text);
        Log log = {0};
        opt_run(ir, &(OptOptions){.disabled = 1u << pass, .verify = true, .observe = write_log, .context = &log});
        assert_int_equal(log.before, ((1u << NUM_OPT_PASSES) - 1) & ~(1u << pass));
        assert_int_equal(log.after, log.before);
        ir_discard(ir);
    }
}

static void test_without_passes_nothing_changes(void **state) {
    (void)state;
    Ir *ir = ir_from_text(text);
    opt_run(ir, &(OptOptions){.disabled = ~0u});
    assert_int_equal(count_ops(ir, IR_ADD), 1);
    assert_int_equal(count_ops(ir, IR_MUL), 1);
    ir_discard(ir);
}

static void test_time_is_added_up(void **state) {
    (void)state;
    const uint64_t before = (uint64_t)1 << 60;
    uint64_t nanoseconds[NUM_OPT_PASSES];
    for (int pass = 0; pass < NUM_OPT_PASSES; pass++) nanoseconds[pass] = before;
    Ir *ir = ir_from_text(text);
    opt_run(ir, &(OptOptions){.nanoseconds = nanoseconds, .disabled = 1u << OPT_gvn});
    ir_discard(ir);
    for (int pass = 0; pass < NUM_OPT_PASSES; pass++) assert_true(nanoseconds[pass] >= before);
    assert_int_equal(nanoseconds[OPT_gvn], before);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_passes_are_found_by_name),
    cmocka_unit_test(test_every_pass_is_run),
    cmocka_unit_test(test_a_pass_that_is_disabled_does_not_run),
    cmocka_unit_test(test_without_passes_nothing_changes),
    cmocka_unit_test(test_time_is_added_up),
};
TEST_MAIN(tests)
