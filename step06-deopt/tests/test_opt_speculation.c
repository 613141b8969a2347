// Whatever is bet on, whatever passes run in whatever order, and whichever guard fails: a program does the same as
// in the bytecode interpreter. The bets are what the program has shown so far, or that everything is an integer and
// an element, or anything at all.
#include <inttypes.h>

#include "bytecode/verify.h"
#include "deopt/feedback.h"
#include "ir/represent.h"
#include "ir_interp.h"
#include "opt_rig.h"
#include "programs.h"
#include "random_bytecode.h"
#include "random_optimisable.h"
#include "seen.h"
#include "testing/test_main.h"

enum { HEAP_SIZE = 1 << 22, MAX_STEPS = 1 << 18 };

typedef enum Bets {
    BETS_OF_FEEDBACK,
    BETS_ON_INTEGERS,
    BETS_AT_RANDOM,
    NUM_BETS,
} Bets;

// How main is run for the last time, after it has run as bytecode.
typedef struct Way {
    uint64_t seed;
    Bets bets;
    uint32_t disabled; // passes
    bool represents;
    bool hoists;
    bool any_order;    // of passes
    uint64_t fail_at;  // the guard that is to fail; 0: none
} Way;

static uint64_t next_random(uint64_t *state) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static void set_feedback(const Program *program, const Vm *vm, Way way) {
    uint64_t random = way.seed;
    for (uint32_t pc = 0; pc < program->functions[0].num_instructions; pc++) {
        if (way.bets == BETS_ON_INTEGERS) vm->feedback[0][pc] = 0;
        uint64_t some = next_random(&random) & next_random(&random) & 31;
        if (way.bets == BETS_AT_RANDOM) vm->feedback[0][pc] = (Feedback)some;
    }
}

static void run_any_passes(Ir *ir, uint64_t random) {
    for (int i = 0; i < 12; i++) {
        OptPass pass = (OptPass)(next_random(&random) % NUM_OPT_PASSES);
        opt_pass_info[pass].run(ir);
        assert_valid(ir, opt_pass_info[pass].name);
    }
}

static bool compile(Program *program, const Vm *vm, Way way, Ir *ir) {
    set_feedback(program, vm, way);
    if (!ir_build_speculating(ir, program, 0, &(Speculation){vm, vm->feedback[0]})) return false;
    ir->no_hoisting = !way.hoists;
    if (way.any_order) run_any_passes(ir, way.seed);
    else opt_run(ir, &(OptOptions){.disabled = way.disabled, .verify = true});
    if (!way.represents) return true;
    ir_represent(ir);
    assert_valid(ir, "represent");
    return true;
}

// What is seen when main runs twice as bytecode, with these arguments and others, and then once more: as
// bytecode (way NULL) or as IR. NULL: that cannot be told. `num_guards`: that were reached.
static char *run(Program *program, const Way *way, const Value args[4], uint64_t *num_guards) {
    Ir ir;
    Vm *vm = vm_new(program, HEAP_SIZE);
    IrMachine machine = {.vm = vm, .steps = MAX_STEPS, .on_deopt = ir_interp_resume};
    seen_begin();
    seen_result(vm, vm_call(vm, 0, args + 2));
    seen_result(vm, vm_call(vm, 0, args));
    bool compiled = way && compile(program, vm, *way, &ir);
    if (way) machine.fail_at = way->fail_at;
    seen_result(vm, compiled ? ir_interp_run(&machine, &ir, args) : vm_call(vm, 0, args));
    *num_guards = machine.num_guards;
    if (compiled) ir_free(&ir);
    vm_free(vm);
    char *text = seen_end();
    if (seen_is_comparable(text) && !machine.ran_out) return text;
    free(text);
    return NULL;
}

static void fail_with(const Program *program, Way way, const char *expected, const char *actual) {
    program_print(stderr, program);
    fprintf(stderr, "disabled:");
    for (int pass = 0; pass < NUM_OPT_PASSES; pass++)
        if (way.disabled >> pass & 1) fprintf(stderr, " %s", opt_pass_info[pass].name);
    fprintf(stderr, "\nexpected\n%sbut it is\n%s", expected, actual);
    fail_msg("seed %" PRIu64 ", bets %d, representations %d, hoisting %d, guard %" PRIu64 " fails", way.seed, way.bets,
             way.represents, way.hoists, way.fail_at);
}

// Returns how many guards were reached.
static uint64_t check(Program *program, Way way, const Value *args, const char *expected) {
    uint64_t num_guards;
    char *actual = run(program, &way, args, &num_guards);
    if (actual && strcmp(actual, expected) != 0) fail_with(program, way, expected, actual);
    free(actual);
    return num_guards;
}

// The guard that is reached first, second, and so on: the first few, some in the middle, the last.
static void check_failing_guards(Program *program, Way way, const Value *args, const char *expected) {
    uint64_t count = check(program, way, args, expected);
    for (way.fail_at = 1; way.fail_at <= count; way.fail_at += 1 + way.fail_at / 3) check(program, way, args, expected);
    way.fail_at = count;
    if (count > 0) check(program, way, args, expected);
}

static void make_args(const Program *program, uint64_t seed, Value args[4]) {
    Value text = value_from_pointer(program_intern((Program *)(uintptr_t)program, "7", 1));
    const Value values[] = {
        value_from_int(3), value_from_int(0), value_from_int(INT32_MAX), text, VALUE_UNDEFINED, flonum_encode(2.5),
    };
    for (int i = 0; i < 4; i++) args[i] = values[next_random(&seed) % (i < 2 ? 6 : 3)];
}

static void check_program(Program *program, uint64_t seed) {
    Value args[4];
    Diagnostic diagnostic;
    uint64_t num_guards, random = seed * UINT64_C(0x9E3779B97F4A7C15);
    make_args(program, random, args);
    if (!program_verify(program, &diagnostic)) fail_msg("line %u: %s", diagnostic.pos.line, diagnostic.message);
    char *expected = run(program, NULL, args, &num_guards);
    for (Bets bets = 0; expected && bets < NUM_BETS; bets++) {
        uint32_t some = (uint32_t)next_random(&random) % (1 << NUM_OPT_PASSES);
        Way way = {.seed = seed, .bets = bets, .represents = seed & 1, .hoists = true};
        check(program, way, args, expected);
        way.represents = true;
        check_failing_guards(program, way, args, expected);
        way = (Way){.seed = seed, .bets = bets, .disabled = some, .represents = true, .hoists = seed & 2};
        check_failing_guards(program, way, args, expected);
        way.any_order = true;
        check_failing_guards(program, way, args, expected);
    }
    free(expected);
    program_free(program);
}

static uint64_t first_seed(void) { return getenv("JIT_SEED") ? strtoull(getenv("JIT_SEED"), NULL, 0) : 1; }

static uint64_t how_many(uint64_t usual) {
    return getenv("JIT_COUNT") ? strtoull(getenv("JIT_COUNT"), NULL, 0) : usual;
}

static void test_random_object_programs(void **state) {
    (void)state;
    uint64_t count = how_many(SANITIZED ? 30 : 300);
    for (uint64_t seed = first_seed(); count-- > 0; seed++)
        check_program(random_optimisable(seed, SEEN_NOTE, SEEN_POKE), seed);
}

static void test_random_wild_programs(void **state) {
    (void)state;
    uint64_t count = how_many(SANITIZED ? 30 : 300);
    for (uint64_t seed = first_seed(); count-- > 0; seed++)
        check_program(random_bytecode(seed, 2 + (uint32_t)(seed % 12), seed % 3 == 0), seed);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_random_object_programs),
    cmocka_unit_test(test_random_wild_programs),
};
TEST_MAIN(tests)
