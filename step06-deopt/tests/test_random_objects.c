// Random object programs in every mode, compared with the model (model.h): what they return, and which error ends
// them where.
//
//      build/tests/test_random_objects --seed 7 --count 1000000    as many as you like, from seed 7 on
//
// Each mode runs main several times: what the caches have learnt in one run they need in the next, and what has
// become of the prototypes stays, in the model as well.
#include <inttypes.h>
#include <sys/mman.h>

#include "model.h"
#include "programs.h"
#include "random_objects.h"
#include "testing/crash_guard.h"
#include "testing/test_main.h"

enum {
    COUNT = SANITIZED ? 100 : 600,
    BATCH = 50,        // programs in one child process
    RUNS = 3,          // of main
    MAX_STEPS = 20000, // a run that takes more is left out, and those that would follow
};

// What the children tell the parent, in shared memory.
typedef struct Progress {
    uint64_t seed; // of the program being run
    uint64_t returned, failed, gave_up, hits, megamorphic;
} Progress;

static Progress *progress;

static uint64_t environment_number(const char *name, uint64_t otherwise) {
    const char *value = getenv(name);
    return value && *value ? strtoull(value, NULL, 0) : otherwise;
}

static char *text_of(const Vm *vm, Value value) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    value_print(out, vm, value);
    fclose(out);
    return text;
}

static void compare_text(const char *mode, int run, const char *text, const char *wanted) {
    if (strcmp(text, wanted) == 0) return;
    fprintf(stderr, "%s, run %d: '%s', wanted '%s'\n", mode, run, text, wanted);
    _exit(1);
}

static void compare_error(const char *mode, int run, const Vm *vm, ModelRun wanted) {
    const RunError *error = &vm->error;
    if (error->status == wanted.status && error->function == wanted.function && error->pc == wanted.pc) return;
    fprintf(stderr, "%s, run %d: error %" PRIu64 " (%s) in %" PRIu64 " at %" PRIu64 ", wanted %d in %u at %u\n", mode,
            run, error->status, error->message, error->function, error->pc, (int)wanted.status, wanted.function,
            wanted.pc);
    _exit(1);
}

static void compare(const char *mode, int run, const Vm *vm, Value result, ModelRun wanted) {
    if (result == NO_VALUE && wanted.end == MODEL_FAILED) {
        compare_error(mode, run, vm, wanted);
        return;
    }
    char *text = result == NO_VALUE ? strdup(vm->error.message) : text_of(vm, result);
    compare_text(mode, run, text, wanted.end == MODEL_RETURNED ? wanted.text : "an error");
    free(text);
}

static void count_states(const Vm *vm) {
    for (size_t i = 0; i < vm->program->num_functions; i++) {
        for (uint32_t k = 0; k < vm->program->functions[i].num_sites; k++) {
            const ICCell *cell = &vm->ic.cells[i][k];
            progress->hits += cell->hits;
            progress->megamorphic += cell->state == IC_MEGAMORPHIC;
        }
    }
}

static void check_program(const Program *program) {
    uint32_t index = function_index(program, program_find(program, "main"));
    ModelRun wanted[RUNS];
    Model *model = model_new(program);
    int num_runs = 0;
    for (; num_runs < RUNS; num_runs++) {
        double argument = num_runs;
        wanted[num_runs] = model_call(model, index, &argument, MAX_STEPS);
        if (wanted[num_runs].end == MODEL_GAVE_UP) break;
        progress->returned += wanted[num_runs].end == MODEL_RETURNED;
        progress->failed += wanted[num_runs].end == MODEL_FAILED;
    }
    progress->gave_up += RUNS - (uint64_t)num_runs;
    for (size_t i = 0; i < num_modes && num_runs > 0; i++) {
        if (!mode_has_its_turn(i, progress->seed)) continue;
        JitCompiler *jit = mode_start(program, &modes[i]);
        for (int run = 0; run < num_runs; run++) {
            Value argument = value_from_int(run);
            compare(modes[i].name, run, jit_vm(jit), vm_call(jit_vm(jit), index, &argument), wanted[run]);
        }
        if (i == 0) count_states(jit_vm(jit));
        jit_free(jit);
    }
    model_free(model);
}

static Program *parse(const char *text) {
    Program *program = program_new("random");
    Diagnostic diagnostic = {0};
    if (program_parse(program, text, strlen(text), &diagnostic) && program_verify(program, &diagnostic))
        return program;
    diagnostic_print(stderr, program, &diagnostic);
    _exit(1);
}

typedef struct Batch {
    uint64_t seed, count;
} Batch;

static void run_batch(void *argument) {
    const Batch *batch = argument;
    for (uint64_t i = 0; i < batch->count; i++) {
        progress->seed = batch->seed + i;
        char *text = random_object_program(progress->seed);
        Program *program = parse(text);
        check_program(program);
        program_free(program);
        free(text);
    }
}

static void print_program(uint64_t seed) {
    char *text = random_object_program(seed);
    fprintf(stderr, "The program of seed %" PRIu64 " (repeat with --seed %" PRIu64 " --count 1):\n%s", seed, seed,
            text);
    free(text);
}

static void test_random_object_programs(void **state) {
    (void)state;
    progress = mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(progress, MAP_FAILED);
    uint64_t seed = environment_number("JIT_SEED", 1), count = environment_number("JIT_COUNT", COUNT);
    for (uint64_t done = 0; done < count; done += BATCH) {
        Batch batch = {seed + done, count - done < BATCH ? count - done : BATCH};
        CrashLimits limits = {.seconds = 120};
        CrashReport report;
        crash_guard_run(&report, &limits, run_batch, &batch);
        bool ok = report.outcome == CRASH_RETURNED;
        if (!ok) {
            print_program(progress->seed);
            crash_report_print(stderr, &report);
        }
        crash_report_free(&report);
        assert_true(ok);
    }
    print_message(
        "%" PRIu64 " programs from seed %" PRIu64 ": %" PRIu64 " runs returned, %" PRIu64
        " ended in an error, %" PRIu64 " left out as too long; %" PRIu64 " hits, %" PRIu64 " megamorphic sites\n",
        count, seed, progress->returned, progress->failed, progress->gave_up, progress->hits, progress->megamorphic);
    if (count >= COUNT) { // the generator is worth its name
        assert_true(progress->gave_up < count * RUNS / 5);
        assert_true(progress->returned > count * RUNS / 4);
        assert_true(progress->failed > count * RUNS / 20);
        assert_true(progress->hits > 10 * count && progress->megamorphic > count / 100);
    }
    munmap(progress, sizeof *progress);
}

static const struct CMUnitTest random_objects_tests[] = {
    cmocka_unit_test(test_random_object_programs),
};
TEST_MAIN(random_objects_tests)
