// Random programs that call natives, and that natives call: the interpreter against every other mode,
// every entry into machine code through the ABI probe.
//
//      build/tests/test_random_natives                 the usual number of programs
//      JIT_SEED=7 JIT_COUNT=100000 build/tests/test_random_natives     as many as you like
#include <inttypes.h>
#include <sys/mman.h>

#include "checked.h"
#include "random_natives.h"
#include "random_program.h"
#include "testing/crash_guard.h"
#include "testing/test_main.h"

enum {
    COUNT = SANITIZED ? 100 : 700,
    PLAIN_COUNT = SANITIZED ? 50 : 200, // programs without natives, for the probe alone
    BATCH = 250,       // programs in one child process
    MAX_STEPS = 10000, // a program that takes more before it has natives is left out
};

typedef Program *Generator(uint64_t seed);

// What the children tell the parent, in shared memory.
typedef struct Progress {
    uint64_t seed; // of the program being run
    uint64_t runs, errors, left_out, native_calls; // calls: in the text
} Progress;

static Progress *progress;

typedef struct Batch {
    Generator *generate;
    uint64_t seed, count;
} Batch;

static uint64_t environment_number(const char *name, uint64_t otherwise) {
    const char *value = getenv(name);
    return value && *value ? strtoull(value, NULL, 0) : otherwise;
}

static void random_arguments(uint64_t seed, int64_t args[4]) {
    Random random = {seed};
    for (int i = 0; i < 4; i++) args[i] = random_constant(&random);
}

// Does the program end soon, as far as that can be told without its natives?
static bool ends_soon(uint64_t seed, const int64_t *args) {
    Program *plain = random_program(seed);
    Diagnostic diagnostic;
    bool ends = program_verify(plain, &diagnostic) &&
                checked_run(plain, "main", args, MAX_STEPS).end == CHECKED_ENDED;
    program_free(plain);
    return ends;
}

static void count_native_calls(const Program *program) {
    for (size_t i = 0; i < program->num_functions; i++)
        for (size_t pc = 0; pc < program->functions[i].num_instructions; pc++)
            progress->native_calls += program->functions[i].bytecode[pc].opcode == OP_CALL_NATIVE;
}

// Ends the child process with status 1 if something is wrong.
static void check_seed(Generator *generate, uint64_t seed) {
    int64_t args[4];
    random_arguments(seed, args);
    if (!ends_soon(seed, args)) {
        progress->left_out++;
        return;
    }
    Program *program = generate(seed);
    Diagnostic diagnostic = {0};
    if (!program_verify(program, &diagnostic)) {
        diagnostic_print(stderr, program, &diagnostic);
        _exit(1);
    }
    count_native_calls(program);
    progress->runs++;
    JitCompiler *interpreter = start(program, &modes[0]);
    progress->errors += call(interpreter, "main", args).status != RUN_OK;
    jit_free(interpreter);
    if (!probed_modes_agree(program, args)) _exit(1);
    program_free(program);
}

static void run_batch(void *argument) {
    const Batch *batch = argument;
    for (uint64_t i = 0; i < batch->count; i++) {
        progress->seed = batch->seed + i;
        check_seed(batch->generate, progress->seed);
    }
}

static void check_programs(Generator *generate, uint64_t seed, uint64_t count) {
    progress = mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(progress, MAP_FAILED);
    for (uint64_t done = 0; done < count; done += BATCH) {
        Batch batch = {generate, seed + done, count - done < BATCH ? count - done : BATCH};
        CrashLimits limits = {.seconds = 120};
        CrashReport report;
        crash_guard_run(&report, &limits, run_batch, &batch);
        bool ok = report.outcome == CRASH_RETURNED;
        if (!ok) crash_report_print(stderr, &report);
        crash_report_free(&report);
        if (!ok) fail_msg("seed %" PRIu64 "; repeat with JIT_SEED=%" PRIu64 " JIT_COUNT=1", progress->seed, progress->seed);
    }
    print_message("%" PRIu64 " programs from seed %" PRIu64 ": %" PRIu64 " compared in %zu modes, %" PRIu64
                  " of them ended in an error, %" PRIu64 " left out as too long, %" PRIu64 " calls of natives\n",
                  count, seed, progress->runs, num_modes, progress->errors, progress->left_out, progress->native_calls);
    assert_true(count < 50 || progress->left_out < count / 2);
}

static void test_random_programs_with_natives(void **state) {
    (void)state;
    check_programs(random_native_program, environment_number("JIT_SEED", 1), environment_number("JIT_COUNT", COUNT));
    if (progress->runs >= 50) assert_true(progress->native_calls > 5 * progress->runs);
    munmap(progress, sizeof *progress);
}

static void test_random_programs_through_the_probe(void **state) {
    (void)state;
    check_programs(random_program, environment_number("JIT_SEED", 20001), environment_number("JIT_COUNT", PLAIN_COUNT));
    assert_int_equal(progress->native_calls, 0);
    munmap(progress, sizeof *progress);
}

static const struct CMUnitTest random_natives_tests[] = {
    cmocka_unit_test(test_random_programs_with_natives),
    cmocka_unit_test(test_random_programs_through_the_probe),
};
TEST_MAIN(random_natives_tests)
