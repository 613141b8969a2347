// The benchmark harness (see bench.h).
#include "testing/bench.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

enum {
    DEFAULT_SAMPLES = 15, QUICK_SAMPLES = 3,
    DEFAULT_SAMPLE_MS = 20, QUICK_SAMPLE_MS = 1,
    DEFAULT_WARMUP_MS = 50, QUICK_WARMUP_MS = 1,
    MAX_SAMPLES = 100000,
    PROGRESS_AFTER_MS = 1000, // shorter benches show no progress
    MAX_REPEAT_GROWTH = 10,
};

static const double ns_per_ms = 1e6;
static const uint64_t max_repeats = UINT64_C(1) << 40; // a run that takes no time at all

// Options.

static void be_quick(BenchOptions *options) {
    options->samples = QUICK_SAMPLES;
    options->sample_ms = QUICK_SAMPLE_MS;
    options->warmup_ms = QUICK_WARMUP_MS;
}

static void print_usage(FILE *out, const char *program) {
    fprintf(out,
            "usage: %s [options]\n"
            "  --json=FILE    append the results to FILE, a JSON object per line (or BENCH_JSON=FILE)\n"
            "  --filter=GLOB  only the benches whose name matches (or BENCH_FILTER=GLOB)\n"
            "  --quick        a rough figure, soon (or BENCH_QUICK=1)\n"
            "  --samples=N    rounds of samples (%d)\n"
            "  --time=MS      milliseconds that a sample takes at least (%d)\n",
            program, DEFAULT_SAMPLES, DEFAULT_SAMPLE_MS);
}

// If `argument` is NAME=TEXT, the text; otherwise NULL.
static const char *option_value(const char *argument, const char *name) {
    size_t length = strlen(name);
    return strncmp(argument, name, length) == 0 && argument[length] == '=' ? argument + length + 1 : NULL;
}

static bool parse_number(const char *text, double low, double high, double *number) {
    char *end;
    *number = strtod(text, &end);
    return end != text && *end == '\0' && *number >= low && *number <= high;
}

static bool parse_option(BenchOptions *options, const char *argument) {
    const char *json = option_value(argument, "--json");
    const char *filter = option_value(argument, "--filter");
    const char *samples = option_value(argument, "--samples");
    const char *milliseconds = option_value(argument, "--time");
    double number = 0;
    if (json) options->json_path = json;
    else if (filter) options->filter = filter;
    else if (samples && parse_number(samples, 1, MAX_SAMPLES, &number)) options->samples = (unsigned)number;
    else if (milliseconds && parse_number(milliseconds, 0.001, 1e6, &number)) options->sample_ms = number;
    else if (strcmp(argument, "--quick") == 0) be_quick(options);
    else return false;
    return true;
}

static const char *environment(const char *name) {
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

bool bench_options(BenchOptions *options, int argc, char **argv) {
    *options = (BenchOptions){
        .samples = DEFAULT_SAMPLES,
        .sample_ms = DEFAULT_SAMPLE_MS,
        .warmup_ms = DEFAULT_WARMUP_MS,
        .json_path = environment("BENCH_JSON"),
        .filter = environment("BENCH_FILTER"),
        .table = stdout,
        .progress = isatty(STDERR_FILENO) ? stderr : NULL,
    };
    const char *quick = environment("BENCH_QUICK");
    if (quick && strcmp(quick, "0") != 0) be_quick(options);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            print_usage(stdout, argv[0]);
            exit(0);
        }
        if (parse_option(options, argv[i])) continue;
        fprintf(stderr, "%s: cannot understand '%s'; --help lists the options\n", argv[0], argv[i]);
        return false;
    }
    return true;
}

// The machine.

static void read_cpu_name(char *name, size_t size) {
    snprintf(name, size, "unknown");
    FILE *info = fopen("/proc/cpuinfo", "r");
    if (!info) return;
    char line[256];
    while (fgets(line, sizeof line, info)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", strlen("model name")) != 0 || !colon) continue;
        snprintf(name, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
        break;
    }
    fclose(info);
}

static unsigned usable_cores(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return (unsigned)CPU_COUNT(&set);
    return (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
}

#ifdef __clang__
static const char compiler_version[] = __VERSION__; // names itself
#else
static const char compiler_version[] = "gcc " __VERSION__;
#endif

void bench_machine(BenchMachine *machine) {
    *machine = (BenchMachine){.cores = usable_cores()};
    read_cpu_name(machine->cpu, sizeof machine->cpu);
    struct utsname name;
    if (uname(&name) == 0)
        snprintf(machine->kernel, sizeof machine->kernel, "%.15s %.60s", name.sysname, name.release);
    snprintf(machine->compiler, sizeof machine->compiler, "%s", compiler_version);
    time_t now = time(NULL);
    strftime(machine->date, sizeof machine->date, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
}

// Measuring.

static uint64_t monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

typedef struct Meter {
    const Bench *bench;
    const BenchOptions *options;
    uint64_t (*clock_ns)(void);
    uint64_t *repeats; // by contestant
    double *samples;   // ns per operation, [contestant * options->samples + round]
    uint64_t started;
} Meter;

static double elapsed_ns(const Meter *meter, const BenchContestant *contestant, uint64_t repeats) {
    uint64_t start = meter->clock_ns();
    for (uint64_t i = 0; i < repeats; i++) contestant->run(contestant->context);
    return (double)(meter->clock_ns() - start);
}

// The number of runs that lasts as long as a sample should. Grows from one run, at most tenfold each
// time, until the clock says so; a wild first estimate cannot make it run for hours.
static uint64_t calibrate(const Meter *meter, const BenchContestant *contestant) {
    double wanted = meter->options->sample_ms * ns_per_ms;
    uint64_t repeats = 1;
    for (;;) {
        double elapsed = elapsed_ns(meter, contestant, repeats);
        if (elapsed >= wanted || repeats >= max_repeats) return repeats;
        double growth = elapsed > 0 ? wanted / elapsed * 1.1 : MAX_REPEAT_GROWTH;
        if (growth > MAX_REPEAT_GROWTH) growth = MAX_REPEAT_GROWTH;
        repeats = (uint64_t)((double)repeats * growth) + 1;
    }
}

static void warm_up(const Meter *meter, const BenchContestant *contestant) {
    double left = meter->options->warmup_ms * ns_per_ms;
    uint64_t repeats = 1;
    while (left > 0) {
        left -= elapsed_ns(meter, contestant, repeats) + 1; // ends even if the clock stands still
        repeats *= 2;
    }
}

static void show_progress(const Meter *meter, unsigned round) {
    FILE *out = meter->options->progress;
    if (!out || (double)(meter->clock_ns() - meter->started) < PROGRESS_AFTER_MS * ns_per_ms) return;
    fprintf(out, "\r%s: round %u of %u ", meter->bench->name, round, meter->options->samples);
    fflush(out);
}

static void clear_progress(const Meter *meter) {
    if (meter->options->progress) fputs("\r\033[K", meter->options->progress);
}

static void take_samples(Meter *meter) {
    size_t count = meter->bench->num_contestants;
    unsigned rounds = meter->options->samples;
    for (unsigned round = 0; round < rounds; round++) {
        show_progress(meter, round + 1);
        for (size_t turn = 0; turn < count; turn++) {
            size_t i = (turn + round) % count;
            const BenchContestant *contestant = &meter->bench->contestants[i];
            double operations = contestant->operations > 0 ? contestant->operations : 1;
            double elapsed = elapsed_ns(meter, contestant, meter->repeats[i]);
            meter->samples[i * rounds + round] = elapsed / ((double)meter->repeats[i] * operations);
        }
    }
    clear_progress(meter);
}

// Statistics.

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count) { // sorts them
    qsort(values, count, sizeof *values, compare_doubles);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static double ratio_to_baseline(const Meter *meter, size_t contestant) {
    unsigned rounds = meter->options->samples;
    const double *mine = meter->samples + contestant * rounds;
    const double *baseline = meter->samples + meter->bench->baseline * rounds;
    double *ratios = xcalloc(rounds, sizeof *ratios);
    for (unsigned i = 0; i < rounds; i++) ratios[i] = mine[i] > 0 ? baseline[i] / mine[i] : 1;
    double result = median(ratios, rounds);
    free(ratios);
    return result;
}

static void summarise(const Meter *meter, BenchResult *results) {
    size_t count = meter->bench->num_contestants;
    unsigned rounds = meter->options->samples;
    for (size_t i = 0; i < count; i++) results[i].ratio = ratio_to_baseline(meter, i);
    for (size_t i = 0; i < count; i++) { // only now: median sorts the samples out of their rounds
        double *samples = meter->samples + i * rounds;
        results[i].repeats = meter->repeats[i];
        results[i].median_ns = median(samples, rounds);
        results[i].min_ns = samples[0];
    }
}

// Output.

static const char *operation_name(const Bench *bench) {
    return bench->operation ? bench->operation : "run";
}

static int longest_name(const Bench *bench) {
    size_t longest = strlen("contestant");
    for (size_t i = 0; i < bench->num_contestants; i++) {
        size_t length = strlen(bench->contestants[i].name);
        if (length > longest) longest = length;
    }
    return (int)longest;
}

static void print_table(FILE *out, const Bench *bench, const BenchOptions *options,
                        const BenchResult *results) {
    const char *baseline = bench->contestants[bench->baseline].name;
    int width = longest_name(bench);
    fprintf(out, "%s: ns per %s, %u samples; ratio: how many times as fast as %s\n", bench->name,
            operation_name(bench), options->samples, baseline);
    fprintf(out, "  %-*s %14s %14s %9s\n", width, "contestant", "min", "median", "ratio");
    for (size_t i = 0; i < bench->num_contestants; i++)
        fprintf(out, "  %-*s %14.2f %14.2f %8.2fx\n", width, bench->contestants[i].name, results[i].min_ns,
                results[i].median_ns, results[i].ratio);
    fflush(out);
}

static void json_string(FILE *out, const char *key, const char *text) {
    fprintf(out, "\"%s\":\"", key);
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\') fprintf(out, "\\%c", *c);
        else if ((unsigned char)*c < ' ') fprintf(out, "\\u%04x", *c);
        else fputc(*c, out);
    }
    fputs("\",", out);
}

static void json_line(FILE *out, const Bench *bench, const BenchOptions *options, size_t contestant,
                      const BenchResult *result, const BenchMachine *machine) {
    fputc('{', out);
    json_string(out, "bench", bench->name);
    json_string(out, "contestant", bench->contestants[contestant].name);
    json_string(out, "operation", operation_name(bench));
    fprintf(out, "\"min_ns\":%.4f,\"median_ns\":%.4f,\"ratio\":%.4f,", result->min_ns, result->median_ns,
            result->ratio);
    json_string(out, "baseline", bench->contestants[bench->baseline].name);
    fprintf(out, "\"samples\":%u,\"repeats\":%" PRIu64 ",", options->samples, result->repeats);
    json_string(out, "cpu", machine->cpu);
    fprintf(out, "\"cores\":%u,", machine->cores);
    json_string(out, "kernel", machine->kernel);
    json_string(out, "compiler", machine->compiler);
    fprintf(out, "\"date\":\"%s\"}\n", machine->date);
}

static bool append_json(const Bench *bench, const BenchOptions *options, const BenchResult *results) {
    BenchMachine machine;
    bench_machine(&machine);
    FILE *out = fopen(options->json_path, "a");
    bool written = out != NULL;
    for (size_t i = 0; written && i < bench->num_contestants; i++)
        json_line(out, bench, options, i, &results[i], &machine);
    if (out) {
        written = !ferror(out);
        if (fclose(out) != 0) written = false;
    }
    if (!written) fprintf(stderr, "cannot write %s: %s\n", options->json_path, strerror(errno));
    return written;
}

bool bench_run(const Bench *bench, const BenchOptions *options, BenchResult *results) {
    size_t count = bench->num_contestants;
    if (results) memset(results, 0, count * sizeof *results);
    if (options->filter && fnmatch(options->filter, bench->name, 0) != 0) return true;

    Meter meter = {.bench = bench, .options = options};
    meter.clock_ns = options->clock_ns ? options->clock_ns : monotonic_ns;
    meter.repeats = xcalloc(count, sizeof *meter.repeats);
    meter.samples = xcalloc(count * options->samples, sizeof *meter.samples);
    meter.started = meter.clock_ns();
    BenchResult *summary = xcalloc(count, sizeof *summary);

    for (size_t i = 0; i < count; i++) warm_up(&meter, &bench->contestants[i]);
    for (size_t i = 0; i < count; i++) meter.repeats[i] = calibrate(&meter, &bench->contestants[i]);
    take_samples(&meter);
    summarise(&meter, summary);
    if (options->table) print_table(options->table, bench, options, summary);
    bool written = !options->json_path || append_json(bench, options, summary);
    if (results) memcpy(results, summary, count * sizeof *results);

    free(summary);
    free(meter.samples);
    free(meter.repeats);
    return written;
}
