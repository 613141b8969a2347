// The whole optimising tier, from bytecode to machine code, with every subset of the passes and with both allocators:
// a program prints, returns and fails as it does in the interpreter. ir_check after each pass and ra_check after each
// allocation are on.
//
//      build/tests/test_subsets --seed 7 --count 1000000    as many random programs of each kind as you like
#include <inttypes.h>
#include <sys/mman.h>

#include "abi/natives.h"
#include "corpus.h"
#include "deopt/deopt.h"
#include "programs.h"
#include "random_objects.h"
#include "random_optimisable.h"
#include "random_program.h"
#include "seen.h"
#include "testing/crash_guard.h"
#include "testing/test_main.h"

enum {
    ALL_SUBSETS = 1 << NUM_OPT_PASSES,
    RUNS = 2, // of main in one machine: objects and caches stay
    COUNT = SANITIZED ? 60 : 1000, // random programs of each of the three kinds
    BATCH = 100, // programs in one child process
};

static JitOptions options_of(Tier tier, uint32_t disabled, RaKind allocator, RegSet pool) {
    return (JitOptions){.tier = tier, .code_size = 1 << 22, .heap_size = 1 << 26, .pool = pool, .check = true,
                        .disabled = disabled, .allocator = allocator};
}

// What `RUNS` calls of main do; the caller frees it.
static char *run(const Program *program, JitOptions options, const int64_t *args) {
    uint32_t index = function_index(program, program_find(program, "main"));
    seen_begin();
    JitCompiler *jit = jit_new(program, &options);
    jit_compile_all(jit);
    Deopt *deopt = jit_vm(jit)->deopt;
    if (options.stress && deopt) {
        deopt->is_armed = true;
        deopt->countdown = deopt->every = 1 + options.disabled % 7;
    }
    Value *values = argument_values(jit_vm(jit), index, args);
    for (int i = 0; i < RUNS; i++) seen_result(jit_vm(jit), vm_call(jit_vm(jit), index, values));
    free(values);
    jit_free(jit);
    return seen_end();
}

static char *expected_run(const Program *program, const int64_t *args) {
    return run(program, options_of(TIER_INTERP, 0, RA_LINEAR_SCAN, 0), args);
}

static void print_options(const JitOptions *options) {
    fprintf(stderr, "--ra=%s, pool %x, --disable=", ra_kind_names[options->allocator], options->pool);
    for (OptPass pass = 0; pass < NUM_OPT_PASSES; pass++)
        if (options->disabled >> pass & 1) fprintf(stderr, "%s,", opt_pass_info[pass].name);
    fprintf(stderr, " opt_after %u, stress %d, deopt to %s\n", options->opt_after, options->stress, tier_names[options->deopt_to]);
}

// Ends the process with status 1 if the program does something else. (Used in child processes as well.)
static void compare(const Program *program, JitOptions options, const int64_t *args, const char *expected) {
    char *actual = run(program, options, args);
    if (strcmp(actual, expected) != 0) {
        print_options(&options);
        fprintf(stderr, "does\n%sexpected is\n%s", actual, expected);
        fflush(stderr);
        _exit(1);
    }
    free(actual);
}

static void compare_all_subsets(const Program *program, const int64_t *args) {
    char *expected = expected_run(program, args);
    for (uint32_t disabled = 0; disabled < ALL_SUBSETS; disabled++) {
        if (SANITIZED && disabled % 5) continue;
        for (RaKind kind = 0; kind < NUM_RA_KINDS; kind++) {
            JitOptions options = options_of(TIER_OPT, disabled, kind, disabled % 3 ? RA_DEFAULT_POOL : RA_STRESS_POOL);
            compare(program, options, args, expected);
            options.stress = kind != RA_LINEAR_SCAN;
            options.opt_after = options.opt_loops_after = kind == RA_LINEAR_SCAN;
            options.deopt_to = disabled % 2 ? TIER_BASELINE : TIER_INTERP;
            compare(program, options, args, expected);
        }
    }
    free(expected);
}

// The corpus (corpus.c): all examples ...

static Program *program_with_natives(const char *file, const char *text, size_t length) {
    Program *program = program_new(file);
    natives_register(program);
    Diagnostic diagnostic = {0};
    if (program_parse(program, text, length, &diagnostic) && program_verify(program, &diagnostic)) return program;
    diagnostic_print(stderr, program, &diagnostic);
    fail_msg("%s", file);
    return NULL;
}

static void test_all_subsets_on_the_examples(void **state) {
    (void)state;
    for (size_t i = 0; i < num_corpus; i++) {
        char why[200];
        size_t length;
        char *text = read_file(corpus[i].path, &length, why, sizeof why);
        if (!text) fail_msg("%s: %s", corpus[i].path, why);
        Program *program = program_with_natives(corpus[i].path, text, length);
        compare_all_subsets(program, corpus[i].args);
        program_free(program);
        free(text);
    }
}

// ... and small programs, each of two parameters, about what a pass could get wrong.
static const char *const small_programs[] = {
    // Zero and more turns; the sum is -0 to begin with.
    "func main params=2 locals=3\n load_const -0\n store_local 2\n"
    "next: load_local 0\n load_const 0\n greater_than\n jump_if_false out\n load_local 2\n load_local 1\n add\n store_local 2\n"
    " load_local 0\n load_const 1\n sub\n store_local 0\n jump next\nout: load_const 1\n load_local 2\n div\n return\nend\n",
    // What cannot fail in front of what can: the native has run when the error comes, in the third turn.
    "func main params=2 locals=3\n load_const 0\n store_local 2\n"
    "next: load_local 2\n call_native print\n pop\n load_local 2\n load_const 2\n equal\n jump_if_false fine\n"
    " load_const undefined\n get_property x\n pop\nfine: load_local 2\n load_const 1\n add\n store_local 2\n jump next\nend\n",
    // An error in a loop that is never run, one that is the same in every turn, and one in dead code.
    "func main params=2 locals=3\n load_function main\n store_local 2\n"
    "again: load_local 0\n jump_if_false out\n load_local 1\n call_native print\n pop\n load_local 2\n load_const 1\n mul\n pop\n jump again\n"
    "out: load_local 2\n load_local 2\n less_than\n pop\n load_const 7\n return\nend\n",
    // Two entries to one loop, operands below it on the stack.
    "func main params=2 locals=3\n load_const 6\n store_local 2\n load_const 100\n load_local 0\n jump_if_false second\n"
    "first: load_local 1\n add\nsecond: load_local 2\n load_const 1\n sub\n store_local 2\n load_local 2\n jump_if_false out\n"
    " load_const 2\n mul\n jump first\nout: return\nend\n",
    // Stores and loads of two objects that may be one; the prototype comes in between.
    "class P\nend\nclass A extends P\nend\n"
    "func main params=2 locals=4\n new_object A\n store_local 2\n load_local 2\n store_local 3\n load_local 0\n jump_if_false one\n"
    " new_object A\n store_local 3\none: load_local 2\n load_const 1\n set_property x\n load_local 3\n load_const 2\n set_property x\n"
    " load_local 2\n get_property x\n call_native print\n pop\n load_local 2\n delete_property x\n pop\n"
    " load_prototype P\n load_local 1\n set_property x\n load_local 2\n get_property x\n load_local 3\n get_property x\n add\n return\nend\n",
    // The same product again and again, as a double and as an integer, and the integers' edge.
    "func main params=2 locals=3\n load_const 2147483647\n store_local 2\n load_local 2\n load_local 2\n mul\n call_native print\n pop\n"
    " load_local 2\n load_const 1\n add\n call_native print\n pop\n load_const -2147483648\n load_const -1\n mul\n call_native print\n pop\n"
    " load_const -2147483648\n load_const -1\n div\n call_native print\n pop\n load_const 0\n load_const -1\n mul\n load_const 1\n div\n"
    " call_native print\n pop\n load_local 0\n load_const 2\n mul\n load_local 0\n load_const 8\n div\n sub\n load_const -7\n load_const 7\n"
    " mod\n add\n return\nend\n",
    // Strings: joined, compared, as numbers, as conditions.
    "func main params=2 locals=3\n load_const \"\"\n store_local 2\n"
    "next: load_local 0\n load_const 0\n greater_than\n jump_if_false out\n load_local 2\n load_local 0\n add\n store_local 2\n"
    " load_local 0\n load_const 1\n sub\n store_local 0\n jump next\n"
    "out: load_local 2\n call_native print\n pop\n load_local 2\n jump_if_false empty\n load_local 2\n load_const 1\n mul\n return\n"
    "empty: load_const \"3\"\n load_const \"4\"\n mul\n load_const \"b\"\n load_const \"a\"\n less_than\n add\n return\nend\n",
    // Arrays: the length changes in the loop that asks for it; indices that are no indices.
    "func main params=2 locals=4\n new_array 0\n store_local 2\n load_const 0\n store_local 3\n"
    "next: load_local 3\n load_local 0\n less_than\n jump_if_false out\n load_local 2\n load_local 2\n length\n load_local 3\n load_local 1\n"
    " mul\n set_index\n load_local 3\n load_const 1\n add\n store_local 3\n jump next\n"
    "out: load_local 2\n length\n call_native print\n pop\n load_local 2\n load_const -1\n get_index\n call_native print\n pop\n"
    " load_local 2\n load_const 1\n get_index\n load_local 2\n load_const 1.5\n get_index\n add\n return\nend\n",
    // Values that change places in a loop in a loop; the inner one has a break.
    "func main params=2 locals=5\n load_const 0\n store_local 2\n load_const 0\n store_local 4\n"
    "outer: load_local 2\n load_const 4\n less_than\n jump_if_false out\n load_const 0\n store_local 3\n"
    "inner: load_local 3\n load_local 2\n less_than\n jump_if_false behind\n load_local 0\n load_local 1\n store_local 0\n store_local 1\n"
    " load_local 4\n load_local 0\n add\n store_local 4\n load_local 4\n load_const 1000\n greater_than\n jump_if_false on\n jump out\n"
    "on: load_local 3\n load_const 1\n add\n store_local 3\n jump inner\n"
    "behind: load_local 2\n load_const 1\n add\n store_local 2\n jump outer\nout: load_local 4\n return\nend\n",
    // Branches on constants, on NaN, on what is the same on both ways.
    "func main params=2 locals=3\n load_const 0\n load_const 0\n div\n store_local 2\n load_local 2\n load_local 2\n equal\n jump_if_false nan\n"
    " load_const 1\n return\nnan: load_const null\n jump_if_false same\n load_const 2\n return\n"
    "same: load_local 0\n jump_if_false a\n load_const 3\n store_local 2\n jump b\na: load_const 3\n store_local 2\n"
    "b: load_local 2\n load_const 3\n equal\n jump_if_false never\n load_local 1\n return\nnever: load_const undefined\n length\n return\nend\n",
    // Recursion, and calls whose results nobody wants.
    "func main params=2\n load_local 0\n call down\n pop\n load_local 0\n call down\n return\nend\n"
    "func down params=1\n load_local 0\n call_native print\n pop\n load_local 0\n load_const 0\n greater_than\n jump_if_false out\n"
    " load_local 0\n load_const 1\n sub\n call down\n load_local 0\n add\n return\nout: load_const 0\n return\nend\n",
    // A loop of nothing but jumps behind a loop that is left in the middle.
    "func main params=2 locals=2\nouter: load_local 0\n jump_if_false out\n jump inner\n"
    "inner: load_local 0\n load_const 1\n sub\n store_local 0\n load_local 0\n load_const 2\n mod\n jump_if_false outer\n jump inner\n"
    "out: load_local 1\n return\nend\n",
    // A turned loop whose old header is left empty, in a row of empty blocks, where `copies` does not clean up: branches
    // lead past all of them to the end of the row (final_target in emit.c).
    ("func main params=2 locals=3\n load_const 0\n store_local 2\nagain: load_local 0\n jump_if_false out\n jump more\n"
     "more: load_local 0\n load_const 1\n sub\n store_local 0\n jump again\nout: load_local 2\n load_local 1\n add\n return\nend\n"),
};

static void test_all_subsets_on_small_programs(void **state) {
    (void)state;
    static const int64_t args[][2] = {{0, 0}, {3, 5}, {4, -1}, {2, INT32_MAX}};
    for (size_t i = 0; i < sizeof small_programs / sizeof *small_programs; i++) {
        Program *program = program_with_natives("small", small_programs[i], strlen(small_programs[i]));
        for (size_t k = 0; k < sizeof args / sizeof *args; k++) compare_all_subsets(program, args[k]);
        program_free(program);
    }
}

// Random programs.

typedef Program *Generator(uint64_t seed);

static Program *make_numbers(uint64_t seed) { return random_program(seed); }
static Program *make_optimisable(uint64_t seed) { return random_optimisable(seed, SEEN_NOTE, SEEN_POKE); }

static Program *make_objects(uint64_t seed) {
    char *text = random_object_program(seed);
    Program *program = program_new("random");
    Diagnostic diagnostic = {0};
    if (!program_parse(program, text, strlen(text), &diagnostic)) _exit(1);
    free(text);
    return program;
}

typedef struct Batch {
    Generator *make;
    uint64_t seed, count;
    uint64_t *at;       // in memory that is shared: the seed of the program being run
    uint64_t *compared; // likewise: runs
} Batch;

static void check_seed(const Batch *batch, uint64_t seed) {
    Program *program = batch->make(seed);
    Diagnostic diagnostic;
    if (!program_verify(program, &diagnostic)) _exit(1);
    Random random = {seed ^ 0x5EED};
    int64_t args[RANDOM_MAX_PARAMS];
    for (int i = 0; i < RANDOM_MAX_PARAMS; i++) args[i] = random_constant(&random);
    char *expected = expected_run(program, args);
    if (seen_is_comparable(expected)) {
        uint32_t some = random_below(&random, ALL_SUBSETS), others = random_below(&random, ALL_SUBSETS);
        compare(program, options_of(TIER_OPT, 0, RA_LINEAR_SCAN, RA_DEFAULT_POOL), args, expected);
        compare(program, options_of(TIER_OPT, some, RA_LINEAR_SCAN, (RegSet)random_bits(&random) & RA_DEFAULT_POOL), args, expected);
        compare(program, options_of(TIER_OPT, others, RA_POLETTO, RA_DEFAULT_POOL), args, expected);
        JitOptions bets = options_of(TIER_OPT, others, RA_LINEAR_SCAN, RA_DEFAULT_POOL);
        bets.opt_after = bets.opt_loops_after = seed % 2;
        bets.stress = seed % 3 == 0;
        bets.deopt_to = some % 2 ? TIER_BASELINE : TIER_INTERP;
        compare(program, bets, args, expected);
        *batch->compared += RUNS;
    }
    free(expected);
    program_free(program);
}

static void run_batch(void *argument) {
    const Batch *batch = argument;
    for (uint64_t i = 0; i < batch->count; i++) {
        *batch->at = batch->seed + i;
        check_seed(batch, *batch->at);
    }
}

static uint64_t environment_number(const char *name, uint64_t otherwise) {
    const char *value = getenv(name);
    return value && *value ? strtoull(value, NULL, 0) : otherwise;
}

static void check_random_programs(Generator *make) {
    uint64_t *shared = mmap(NULL, 2 * sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(shared, MAP_FAILED);
    uint64_t seed = environment_number("JIT_SEED", 1), count = environment_number("JIT_COUNT", COUNT);
    for (uint64_t done = 0; done < count; done += BATCH) {
        Batch batch = {make, seed + done, count - done < BATCH ? count - done : BATCH, &shared[0], &shared[1]};
        CrashLimits limits = {.seconds = 120};
        CrashReport report;
        crash_guard_run(&report, &limits, run_batch, &batch);
        if (report.outcome != CRASH_RETURNED) {
            Program *program = make(shared[0]);
            program_print(stderr, program);
            crash_report_print(stderr, &report);
            fail_msg("repeat with --seed %" PRIu64 " --count 1", shared[0]);
        }
        crash_report_free(&report);
    }
    print_message("%" PRIu64 " programs from seed %" PRIu64 ": %" PRIu64 " runs compared\n", count, seed, shared[1]);
    assert_true(shared[1] > count || count == 0);
    munmap(shared, 2 * sizeof *shared);
}

static void test_random_programs(void **state) {
    (void)state;
    check_random_programs(make_numbers);
}

static void test_random_object_programs(void **state) {
    (void)state;
    check_random_programs(make_objects);
}

static void test_random_optimisable_programs(void **state) {
    (void)state;
    check_random_programs(make_optimisable);
}

static const struct CMUnitTest subsets_tests[] = {
    cmocka_unit_test(test_all_subsets_on_the_examples),
    cmocka_unit_test(test_all_subsets_on_small_programs),
    cmocka_unit_test(test_random_programs),
    cmocka_unit_test(test_random_object_programs),
    cmocka_unit_test(test_random_optimisable_programs),
};
TEST_MAIN(subsets_tests)
