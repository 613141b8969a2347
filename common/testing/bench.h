// Comparing the speed of several ways to do the same thing.
//
// Each contestant is warmed up and gets a number of repeats that makes one sample last long enough
// for the clock. Then samples are taken in rounds, one sample of each contestant per round, beginning
// with another contestant every time: a machine that gets slower or faster meanwhile does so for
// all. Of a contestant's samples the minimum says what the code can do, the median what to expect; the
// ratio is the median of the ratios within the rounds.
//
//      static const BenchContestant contestants[] = {
//          {.name = "stack", .run = run_stack, .context = &fib},
//          {.name = "registers", .run = run_registers, .context = &fib},
//      };
//      int main(int argc, char **argv) {
//          BenchOptions options;
//          if (!bench_options(&options, argc, argv)) return 2;
//          Bench bench = {.name = "fib(20)", .contestants = contestants, .num_contestants = 2};
//          return bench_run(&bench, &options, NULL) ? 0 : 1;
//      }
#ifndef TESTING_BENCH_H
#define TESTING_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct BenchContestant {
    const char *name;
    void (*run)(void *context); // one run. The call itself costs about a nanosecond
    void *context;
    double operations; // done by one run; 0 means 1
} BenchContestant;

typedef struct Bench {
    const char *name;
    const char *operation; // what a nanosecond figure is for: "call", "iteration"; NULL: "run"
    const BenchContestant *contestants;
    size_t num_contestants;
    size_t baseline; // the contestant that the ratios are relative to
} Bench;

typedef struct BenchOptions {
    unsigned samples;       // rounds
    double sample_ms;       // how long one sample takes at least
    double warmup_ms;       // how long each contestant runs before the first sample
    const char *json_path;  // JSON lines are appended to this file; NULL: none
    const char *filter;     // glob over the bench's name; NULL: all
    FILE *table;            // where the table goes; NULL: nowhere
    FILE *progress;         // where progress goes; NULL: nowhere
    uint64_t (*clock_ns)(void); // NULL: the monotonic clock. Tests have their own
} BenchOptions;

typedef struct BenchResult {
    uint64_t repeats;            // runs in one sample
    double min_ns, median_ns;    // per operation
    double ratio;                // how many times as fast as the baseline
} BenchResult;

// Defaults; then BENCH_JSON, BENCH_QUICK and BENCH_FILTER from the environment; then the command line:
// --json=FILE --quick --filter=GLOB --samples=N --time=MS --help. Progress is shown if stderr is a
// terminal. Returns false, after saying why on stderr, if an argument is not understood (--help ends
// the process with status 0).
bool bench_options(BenchOptions *options, int argc, char **argv);

// Run, print the table, append the JSON lines. `results` has an entry for each contestant, or is NULL.
// Returns false if the JSON file cannot be written (said on stderr). A bench that the filter leaves
// out does nothing and fills `results` with zeros.
bool bench_run(const Bench *bench, const BenchOptions *options, BenchResult *results);

// What machine and compiler the figures belong to; every JSON line carries it.
typedef struct BenchMachine {
    char cpu[128];      // model name
    unsigned cores;     // that this process may use
    char kernel[80];    // system name and release
    char compiler[128]; // that compiled the harness
    char date[32];      // UTC, 2026-01-31T12:00:00Z
} BenchMachine;

void bench_machine(BenchMachine *machine);

// Keep the compiler from dropping the computation of `value`.
static inline void bench_keep(int64_t value) { __asm__ volatile("" : : "r"(value) : "memory"); }

#endif
