// Whatever passes run, a program does the same: the same result, the same calls in the same order, the same
// error at the same place. The bytecode interpreter says what is right.
#include <inttypes.h>

#include "bytecode/parse.h"
#include "bytecode/verify.h"
#include "interp/vm.h"
#include "ir_interp.h"
#include "opt_rig.h"
#include "programs.h"
#include "random_bytecode.h"
#include "random_optimisable.h"
#include "seen.h"
#include "testing/test_main.h"

enum {
    ALL_SUBSETS = 1 << NUM_OPT_PASSES,
    HEAP_SIZE = 1 << 22,
    MAX_STEPS = 1 << 20,
};

// Run main as bytecode (ir NULL) or as IR, in a machine of its own. Returns all that can be seen of it; NULL if
// it takes too long.
static char *run(const Program *program, const Ir *ir, const Value *args) {
    seen_begin();
    Vm *vm = vm_new(program, HEAP_SIZE);
    IrMachine machine = {.vm = vm, .steps = MAX_STEPS};
    seen_result(vm, ir ? ir_interp_run(&machine, ir, args) : vm_call(vm, 0, args));
    vm_free(vm);
    char *text = seen_end();
    if (!machine.ran_out) return text;
    free(text);
    return NULL;
}

static void verify_program(Program *program) {
    Diagnostic diagnostic;
    if (!program_verify(program, &diagnostic)) fail_msg("line %u: %s", diagnostic.pos.line, diagnostic.message);
}

static void fail_with(Program *program, uint64_t seed, uint32_t disabled, const char *expected, const char *actual) {
    program_print(stderr, program);
    fprintf(stderr, "disabled:");
    for (int pass = 0; pass < NUM_OPT_PASSES; pass++)
        if (disabled >> pass & 1) fprintf(stderr, " %s", opt_pass_info[pass].name);
    fail_msg("seed %" PRIu64 ": expected\n%sbut it is\n%s", seed, expected, actual);
}

static void assert_runs_the_same(Program *program, const Ir *ir, uint64_t seed, uint32_t disabled, const Value *args,
                                 const char *expected) {
    char *actual = run(program, ir, args);
    if (!actual) fail_with(program, seed, disabled, expected, "no end\n");
    else if (strcmp(actual, expected) != 0) fail_with(program, seed, disabled, expected, actual);
    free(actual);
}

// Compile with these passes left out, the verifier behind each, and compare.
static void assert_same(Program *program, uint64_t seed, uint32_t disabled, const Value *args, const char *expected) {
    Ir ir;
    if (!seen_is_comparable(expected) || !ir_build(&ir, program, 0)) return;
    opt_run(&ir, &(OptOptions){.disabled = disabled, .verify = true});
    assert_runs_the_same(program, &ir, seed, disabled, args, expected);
    ir_free(&ir);
}

static void make_args(const Program *program, uint64_t seed, Value args[2]) {
    Value text = value_from_pointer(program_intern((Program *)(uintptr_t)program, "7", 1));
    const Value values[] = {
        value_from_int(3), value_from_int(0), value_from_int(INT32_MAX), text, VALUE_UNDEFINED, VALUE_TRUE,
    };
    args[0] = values[seed % 6];
    args[1] = values[seed / 6 % 6];
}

static Program *objects(uint64_t seed) {
    return random_optimisable(seed, SEEN_NOTE, SEEN_POKE);
}

static Program *wild(uint64_t seed) { return random_bytecode(seed, 2 + (uint32_t)(seed % 12), seed % 3 == 0); }

static void check_program(Program *program, uint64_t seed, bool all_subsets) {
    Value args[2];
    make_args(program, seed, args);
    verify_program(program);
    char *expected = run(program, NULL, args);
    assert_same(program, seed, 0, args, expected);
    assert_same(program, seed, (uint32_t)(seed * 0x9E3779B1u >> 16) % ALL_SUBSETS, args, expected);
    for (uint32_t disabled = 0; all_subsets && disabled < ALL_SUBSETS; disabled++)
        assert_same(program, seed, disabled, args, expected);
    free(expected);
    program_free(program);
}

static uint64_t first_seed(void) { return getenv("JIT_SEED") ? strtoull(getenv("JIT_SEED"), NULL, 0) : 1; }

static uint64_t how_many(uint64_t usual) {
    return getenv("JIT_COUNT") ? strtoull(getenv("JIT_COUNT"), NULL, 0) : usual;
}

static void test_random_object_programs(void **state) {
    (void)state;
    uint64_t count = how_many(SANITIZED ? 600 : 6000);
    for (uint64_t seed = first_seed(); count-- > 0; seed++) check_program(objects(seed), seed, false);
}

static void test_random_wild_programs(void **state) {
    (void)state;
    uint64_t count = how_many(SANITIZED ? 400 : 4000);
    for (uint64_t seed = first_seed(); count-- > 0; seed++) check_program(wild(seed), seed, false);
}

static void test_all_subsets_of_passes(void **state) {
    (void)state;
    uint64_t count = how_many(SANITIZED ? 6 : 60);
    for (uint64_t seed = 1000000 + first_seed(); count-- > 0; seed++) {
        check_program(objects(seed), seed, true);
        check_program(wild(seed), seed, true);
    }
}

// Twelve passes in any order.
static void run_any_passes(Ir *ir, uint64_t random) {
    for (int i = 0; i < 12; i++) {
        OptPass pass = (OptPass)((random >> 33) % NUM_OPT_PASSES);
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        opt_pass_info[pass].run(ir);
        assert_valid(ir, opt_pass_info[pass].name);
    }
}

static void check_any_order(Program *program, uint64_t seed) {
    Value args[2];
    Ir ir;
    make_args(program, seed, args);
    verify_program(program);
    char *expected = run(program, NULL, args);
    if (seen_is_comparable(expected) && ir_build(&ir, program, 0)) {
        run_any_passes(&ir, seed * UINT64_C(0x9E3779B97F4A7C15));
        assert_runs_the_same(program, &ir, seed, 0, args, expected);
        ir_free(&ir);
    }
    free(expected);
    program_free(program);
}

static void test_passes_in_any_order(void **state) {
    (void)state;
    uint64_t count = how_many(SANITIZED ? 100 : 1000);
    for (uint64_t seed = 2000000 + first_seed(); count-- > 0; seed++)
        check_any_order(seed % 2 ? objects(seed) : wild(seed), seed);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_random_object_programs),
    cmocka_unit_test(test_random_wild_programs),
    cmocka_unit_test(test_all_subsets_of_passes),
    cmocka_unit_test(test_passes_in_any_order),
};
TEST_MAIN(tests)
