// The benchmark harness, with a clock of its own: no figure here depends on the machine's speed.
#include "testing/bench.h"

#include <unistd.h>

#include "testing/test_main.h"

// Each run of a contestant moves the clock on by its cost, and by what the round adds.

static uint64_t test_time;

static uint64_t test_clock(void) { return test_time; }

typedef struct Work {
    uint64_t cost;     // ns of one run
    uint64_t runs;     // so far
    uint64_t slow_run; // this run takes ten times as long; 0: none
} Work;

static void do_work(void *context) {
    Work *work = context;
    work->runs++;
    test_time += work->runs == work->slow_run ? 10 * work->cost : work->cost;
}

static BenchOptions quiet_options(void) {
    return (BenchOptions){.samples = 5, .sample_ms = 1, .warmup_ms = 1, .clock_ns = test_clock};
}

static void assert_near(double value, double expected) {
    double error = value - expected;
    if (error < 0) error = -error;
    if (error > expected * 1e-9) fail_msg("%.12g instead of %.12g", value, expected);
}

static void test_figures_are_per_operation(void **state) {
    (void)state;
    Work slow = {.cost = 400}, fast = {.cost = 50};
    const BenchContestant contestants[] = {
        {.name = "slow", .run = do_work, .context = &slow},
        {.name = "fast", .run = do_work, .context = &fast, .operations = 10},
    };
    Bench bench = {.name = "test", .contestants = contestants, .num_contestants = 2};
    BenchOptions options = quiet_options();
    BenchResult results[2];
    assert_true(bench_run(&bench, &options, results));
    assert_near(results[0].min_ns, 400);
    assert_near(results[0].median_ns, 400);
    assert_near(results[0].ratio, 1);
    assert_near(results[1].min_ns, 5);
    assert_near(results[1].median_ns, 5);
    assert_near(results[1].ratio, 80);
    bench.baseline = 1;
    assert_true(bench_run(&bench, &options, results));
    assert_near(results[0].ratio, 1.0 / 80);
    assert_near(results[1].ratio, 1);
}

static void test_samples_last_long_enough(void **state) {
    (void)state;
    static const uint64_t costs[] = {1, 7, 1000, 999999, 1000000, 50000000};
    for (size_t i = 0; i < sizeof costs / sizeof *costs; i++) {
        Work work = {.cost = costs[i]};
        BenchContestant contestant = {.name = "work", .run = do_work, .context = &work};
        Bench bench = {.name = "test", .contestants = &contestant, .num_contestants = 1};
        BenchOptions options = quiet_options();
        BenchResult result;
        assert_true(bench_run(&bench, &options, &result));
        assert_true(result.repeats * costs[i] >= 1000000);
        assert_true(result.repeats == 1 || result.repeats * costs[i] <= 10 * 1000000);
    }
}

static void test_one_slow_sample_changes_only_the_mean(void **state) {
    (void)state;
    Work work = {.cost = 2000000}; // one run is a sample: 1 to warm up, 1 to calibrate, then 5 samples
    work.slow_run = 4;
    BenchContestant contestant = {.name = "work", .run = do_work, .context = &work};
    Bench bench = {.name = "test", .contestants = &contestant, .num_contestants = 1};
    BenchOptions options = quiet_options();
    BenchResult result;
    assert_true(bench_run(&bench, &options, &result));
    assert_int_equal(work.runs, 7);
    assert_near(result.min_ns, 2000000);
    assert_near(result.median_ns, 2000000);
}

static char order[100];

static void note_a(void *context) { (void)context, strcat(order, "a"), test_time += 2000000; }
static void note_b(void *context) { (void)context, strcat(order, "b"), test_time += 2000000; }
static void note_c(void *context) { (void)context, strcat(order, "c"), test_time += 2000000; }

static void test_rounds_are_interleaved(void **state) {
    (void)state;
    const BenchContestant contestants[] = {
        {.name = "a", .run = note_a}, {.name = "b", .run = note_b}, {.name = "c", .run = note_c}};
    Bench bench = {.name = "test", .contestants = contestants, .num_contestants = 3};
    BenchOptions options = quiet_options();
    order[0] = '\0';
    assert_true(bench_run(&bench, &options, NULL));
    assert_string_equal(order, "abc" "abc" "abcbcacababcbca"); // warm-up, calibration, five rounds
}

static char *table_of(const Bench *bench, BenchOptions *options) {
    char *text = NULL;
    size_t size = 0;
    options->table = open_memstream(&text, &size);
    assert_true(bench_run(bench, options, NULL));
    fclose(options->table);
    return text;
}

static void test_table(void **state) {
    (void)state;
    Work slow = {.cost = 400}, fast = {.cost = 50};
    const BenchContestant contestants[] = {
        {.name = "on the stack", .run = do_work, .context = &slow},
        {.name = "in registers", .run = do_work, .context = &fast},
    };
    Bench bench = {.name = "fib(20)", .operation = "call", .contestants = contestants, .num_contestants = 2};
    BenchOptions options = quiet_options();
    char *text = table_of(&bench, &options);
    assert_string_equal(text, "fib(20): ns per call, 5 samples; ratio: how many times as fast as on the stack\n"
                              "  contestant              min         median     ratio\n"
                              "  on the stack         400.00         400.00     1.00x\n"
                              "  in registers          50.00          50.00     8.00x\n");
    free(text);
}

static void test_filter_leaves_benches_out(void **state) {
    (void)state;
    Work work = {.cost = 1000};
    BenchContestant contestant = {.name = "work", .run = do_work, .context = &work};
    Bench bench = {.name = "fib(20)", .contestants = &contestant, .num_contestants = 1};
    BenchOptions options = quiet_options();
    BenchResult result = {.repeats = 1};
    options.filter = "gcd*";
    assert_true(bench_run(&bench, &options, &result));
    assert_int_equal(work.runs, 0);
    assert_int_equal(result.repeats, 0);
    options.filter = "fib*";
    assert_true(bench_run(&bench, &options, &result));
    assert_true(work.runs > 0);
}

static void test_json_lines(void **state) {
    (void)state;
    char path[] = "/tmp/bench-XXXXXX";
    close(mkstemp(path));
    Work work = {.cost = 250};
    const BenchContestant contestants[] = {
        {.name = "a \"quoted\" name\\", .run = do_work, .context = &work},
        {.name = "other", .run = do_work, .context = &work},
    };
    Bench bench = {.name = "line\nbreak", .contestants = contestants, .num_contestants = 2};
    BenchOptions options = quiet_options();
    options.json_path = path;
    assert_true(bench_run(&bench, &options, NULL));
    assert_true(bench_run(&bench, &options, NULL)); // appends
    char text[8000] = "";
    FILE *file = fopen(path, "r");
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    unlink(path);
    int lines = 0;
    for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
    assert_int_equal(lines, 4);
    static const char start[] = "{\"bench\":\"line\\u000abreak\",\"contestant\":\"a \\\"quoted\\\" name\\\\\","
                                "\"operation\":\"run\",\"min_ns\":250.0000,\"median_ns\":250.0000,\"ratio\":1.0000,"
                                "\"baseline\":\"a \\\"quoted\\\" name\\\\\",\"samples\":5,\"repeats\":";
    assert_memory_equal(text, start, sizeof start - 1);
    BenchMachine machine;
    bench_machine(&machine);
    assert_non_null(strstr(text, machine.cpu));
    assert_non_null(strstr(text, machine.compiler));
    assert_true(machine.cores >= 1);
    assert_int_equal(strlen(machine.date), strlen("2026-01-31T12:00:00Z"));
}

static void test_unwritable_json_is_reported(void **state) {
    (void)state;
    Work work = {.cost = 250};
    BenchContestant contestant = {.name = "work", .run = do_work, .context = &work};
    Bench bench = {.name = "test", .contestants = &contestant, .num_contestants = 1};
    BenchOptions options = quiet_options();
    options.json_path = "/nonexistent/directory/file";
    assert_false(bench_run(&bench, &options, NULL));
}

static void test_options(void **state) {
    (void)state;
    unsetenv("BENCH_JSON");
    unsetenv("BENCH_QUICK");
    unsetenv("BENCH_FILTER");
    BenchOptions options;
    assert_true(bench_options(&options, 1, (char *[]){(char[]){"bench"}}));
    assert_true(options.samples >= 5 && options.sample_ms > 0);
    assert_null(options.json_path);
    assert_null(options.filter);
    unsigned usual_samples = options.samples;

    setenv("BENCH_JSON", "from-environment", 1);
    setenv("BENCH_FILTER", "f*", 1);
    setenv("BENCH_QUICK", "1", 1);
    assert_true(bench_options(&options, 1, (char *[]){(char[]){"bench"}}));
    assert_string_equal(options.json_path, "from-environment");
    assert_string_equal(options.filter, "f*");
    assert_true(options.samples < usual_samples);

    char program[] = "bench", json[] = "--json=out", samples[] = "--samples=7", time[] = "--time=0.5";
    assert_true(bench_options(&options, 4, (char *[]){program, json, samples, time}));
    assert_string_equal(options.json_path, "out");
    assert_int_equal(options.samples, 7);
    assert_true(options.sample_ms == 0.5);

    static const char *const wrong[] = {"--samples=0", "--samples=x", "--time=", "--time=-1", "fast", "--json"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char argument[40];
        strcpy(argument, wrong[i]);
        assert_false(bench_options(&options, 2, (char *[]){program, argument}));
    }
}

static const struct CMUnitTest bench_tests[] = {
    cmocka_unit_test(test_figures_are_per_operation),
    cmocka_unit_test(test_samples_last_long_enough),
    cmocka_unit_test(test_one_slow_sample_changes_only_the_mean),
    cmocka_unit_test(test_rounds_are_interleaved),
    cmocka_unit_test(test_table),
    cmocka_unit_test(test_filter_leaves_benches_out),
    cmocka_unit_test(test_json_lines),
    cmocka_unit_test(test_unwritable_json_is_reported),
    cmocka_unit_test(test_options),
};
TEST_MAIN(bench_tests)
