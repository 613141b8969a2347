// Random programs: the interpreter against every other mode, and against an interpreter that trusts
// nothing (checked.h).
//
//      build/tests/test_random                         the usual number of programs
//      build/tests/test_random --seed 7 --count 1000000    as many as you like, from seed 7 on
//
// When a program fails, its seed is printed and its text, reduced as far as it still fails.
#include "random_program.h"

#include <inttypes.h>
#include <sys/mman.h>
#include <time.h>

#include "checked.h"
#include "object/number.h"
#include "reduce.h"
#include "testing/crash_guard.h"
#include "testing/test_main.h"

enum {
    COUNT = SANITIZED ? 400 : 3000,
    BATCH = 250,       // programs in one child process
    MAX_STEPS = 20000, // a program that takes more is left out
    RUNS = 2,          // of each program, with other arguments
};

// What the children tell the parent, in shared memory.
typedef struct Progress {
    uint64_t seed;  // of the program being run
    uint64_t ended, gave_up, failed_runs; // runs so far; failed: with a run-time error
} Progress;

static Progress *progress;

static uint64_t environment_number(const char *name, uint64_t otherwise) {
    const char *value = getenv(name);
    return value && *value ? strtoull(value, NULL, 0) : otherwise;
}

static void random_arguments(uint64_t seed, int64_t args[4]) {
    Random random = {seed};
    for (int i = 0; i < 4; i++) args[i] = random_constant(&random);
}

// What must come out. Returns false if the run is too long to be compared.
static bool expected_outcome(const Program *program, const int64_t *args, Outcome *outcome) {
    CheckedRun run = checked_run(program, "main", args, MAX_STEPS);
    if (run.end == CHECKED_FAULT) {
        fprintf(stderr, "the verifier has accepted a bad program: %s\n", run.fault);
        _exit(1);
    }
    progress->ended += run.end == CHECKED_ENDED;
    progress->gave_up += run.end == CHECKED_GAVE_UP;
    progress->failed_runs += run.end == CHECKED_ENDED && run.outcome.status != RUN_OK;
    *outcome = run.outcome;
    return run.end == CHECKED_ENDED;
}

static void compare(const Mode *mode, Outcome outcome, Outcome expected) {
    if (outcomes_agree(outcome, expected)) return;
    fprintf(stderr, "%s: ", mode->name);
    outcome_print(stderr, outcome);
    fputs(", expected: ", stderr);
    outcome_print(stderr, expected);
    fputc('\n', stderr);
    _exit(1);
}

// Ends the process with status 1 if something is wrong with the program.
static void check_program(const Program *program, uint64_t seed) {
    int64_t args[RUNS][4];
    Outcome expected[RUNS];
    bool known[RUNS];
    for (uint64_t run = 0; run < RUNS; run++) {
        random_arguments(seed * RUNS + run, args[run]);
        known[run] = expected_outcome(program, args[run], &expected[run]);
    }
    for (size_t i = 0; i < num_modes; i++) {
        if (modes[i].options.ic != IC_ON) continue; // there is no property in these programs
        if (!mode_has_its_turn(i, seed)) continue;
        JitCompiler *jit = mode_start(program, &modes[i]);
        for (int run = 0; run < RUNS; run++)
            if (known[run]) compare(&modes[i], call(jit, "main", args[run]), expected[run]);
        jit_free(jit);
    }
}

static void check_seed(uint64_t seed) {
    Program *program = random_program(seed);
    Diagnostic diagnostic = {0};
    if (!program_verify(program, &diagnostic)) {
        diagnostic_print(stderr, program, &diagnostic);
        _exit(1);
    }
    check_program(program, seed);
    program_free(program);
}

typedef struct Batch {
    uint64_t seed, count;
} Batch;

static void run_batch(void *argument) {
    const Batch *batch = argument;
    for (uint64_t i = 0; i < batch->count; i++) {
        progress->seed = batch->seed + i;
        check_seed(progress->seed);
    }
}

// For the reducer: does the program fail in a process of its own?

enum { REDUCE_SECONDS = 20 };

typedef struct Single {
    const Program *program;
    uint64_t seed;
    time_t deadline; // from then on nothing counts as failing, so that the reducer comes to its end
} Single;

static void run_single(void *argument) {
    const Single *single = argument;
    check_program(single->program, single->seed);
}

static bool fails(const Program *program, void *context) {
    Single single = *(const Single *)context;
    if (time(NULL) >= single.deadline) return false;
    single.program = program;
    CrashLimits limits = {.seconds = 2};
    CrashReport report;
    crash_guard_run(&report, &limits, run_single, &single);
    bool failed = report.outcome != CRASH_RETURNED;
    crash_report_free(&report);
    return failed;
}

static void print_reduced(uint64_t seed) {
    Program *program = random_program(seed);
    Diagnostic diagnostic;
    if (program_verify(program, &diagnostic)) {
        Single single = {.seed = seed, .deadline = time(NULL) + REDUCE_SECONDS};
        Program *reduced = reduce_program(program, fails, &single);
        program_free(program);
        program = reduced;
    }
    fprintf(stderr, "The program of seed %" PRIu64 " (repeat with JIT_SEED=%" PRIu64 " JIT_COUNT=1), reduced:\n", seed, seed);
    program_print(stderr, program);
    int64_t args[4];
    for (uint64_t run = 0; run < RUNS; run++) {
        random_arguments(seed * RUNS + run, args);
        fprintf(stderr, "arguments: %" PRId64 " %" PRId64 " %" PRId64 "\n", args[0], args[1], args[2]);
    }
    program_free(program);
}

static void test_random_programs(void **state) {
    (void)state;
    progress = mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(progress, MAP_FAILED);
    uint64_t seed = environment_number("JIT_SEED", 1), count = environment_number("JIT_COUNT", COUNT);
    for (uint64_t done = 0; done < count; done += BATCH) {
        Batch batch = {seed + done, count - done < BATCH ? count - done : BATCH};
        CrashLimits limits = {.seconds = 60};
        CrashReport report;
        crash_guard_run(&report, &limits, run_batch, &batch);
        bool ok = report.outcome == CRASH_RETURNED;
        if (!ok) {
            crash_report_print(stderr, &report);
            print_reduced(progress->seed);
        }
        crash_report_free(&report);
        assert_true(ok);
    }
    print_message("%" PRIu64 " programs from seed %" PRIu64 ": %" PRIu64 " runs compared, %" PRIu64
                  " of them ended in an error, %" PRIu64 " left out as too long\n",
                  count, seed, progress->ended, progress->failed_runs, progress->gave_up);
    assert_true(progress->ended > 0 || count == 0);
    if (count >= COUNT) {
        assert_true(progress->gave_up < progress->ended / 5); // the generator is worth its name
        assert_true(progress->failed_runs > progress->ended / 100 && progress->failed_runs < progress->ended / 2);
    }
    munmap(progress, sizeof *progress);
}

// Each program owns its heap numbers.
static bool same_operand(Instruction a, Instruction b) {
    if (a.operand == b.operand) return true;
    Value v = (Value)a.operand, w = (Value)b.operand;
    bool constants = a.opcode == OP_LOAD_CONST && b.opcode == OP_LOAD_CONST && value_is_number(v) && value_is_number(w);
    return constants && double_bits(number_to_double(v)) == double_bits(number_to_double(w));
}

// A random program survives being printed and parsed.
static void test_random_programs_round_trip(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= (SANITIZED ? 100 : 1000); seed++) {
        Program *program = random_program(seed);
        char *text = program_text(program);
        Program *again = program_from(text);
        assert_int_equal(again->num_functions, program->num_functions);
        for (size_t i = 0; i < program->num_functions; i++) {
            const Function *a = &program->functions[i], *b = &again->functions[i];
            assert_string_equal(a->name, b->name);
            assert_int_equal(a->num_params, b->num_params);
            assert_int_equal(a->num_locals, b->num_locals);
            assert_int_equal(a->num_instructions, b->num_instructions);
            for (size_t pc = 0; pc < a->num_instructions; pc++) {
                assert_int_equal(a->bytecode[pc].opcode, b->bytecode[pc].opcode);
                assert_true(same_operand(a->bytecode[pc], b->bytecode[pc]));
            }
        }
        char *text_again = program_text(again);
        assert_string_equal(text, text_again);
        free(text);
        free(text_again);
        program_free(program);
        program_free(again);
    }
}

// The reducer leaves what the predicate asks for, and nothing else that can go.
static bool has_division(const Program *program, void *context) {
    (void)context;
    for (size_t i = 0; i < program->num_functions; i++)
        for (size_t pc = 0; pc < program->functions[i].num_instructions; pc++)
            if (program->functions[i].bytecode[pc].opcode == OP_DIV) return true;
    return false;
}

static void test_reducer(void **state) {
    (void)state;
    Program *program = program_from("func main params=1\n load_local 0\n jump_if_false L\n load_const 2\n return\n"
                                    "L: load_const 8\n load_const 2\n mul\n load_const 3\n div\n return\nend\n");
    Program *reduced = reduce_program(program, has_division, NULL);
    char *text = program_text(reduced);
    assert_non_null(strstr(text, "    div\n"));
    assert_null(strstr(text, "mul"));
    assert_null(strstr(text, "jump"));
    assert_true(reduced->functions[0].num_instructions <= 5);
    free(text);
    program_free(program);
    program_free(reduced);
}

static const struct CMUnitTest random_tests[] = {
    cmocka_unit_test(test_random_programs),
    cmocka_unit_test(test_random_programs_round_trip),
    cmocka_unit_test(test_reducer),
};
TEST_MAIN(random_tests)
