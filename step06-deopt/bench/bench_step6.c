// Step 6: what bets are worth, what a lost one costs, and what losing them again and again costs.
//
//   make bench            the whole table
//   --quick, --filter=GLOB, --json=FILE: see common/testing/bench.h
#include <stdlib.h>

#include "bytecode/parse.h"
#include "bytecode/verify.h"
#include "deopt/deopt.h"
#include "jit.h"
#include "testing/bench.h"

// A program of one parameter; `turns` is how many operations one run counts as.
typedef struct Kernel {
    const char *name, *file, *operation;
    double arg, turns;
} Kernel;

static const Kernel kernels[] = {
    {"integers: additions", "bench/counters.bca", "turn", 10000, 10000},
    {"integers: arithmetic", "bench/arithmetic.bca", "turn", 10000, 10000},
    {"integers: sum of an array", "bench/sums.bca", "element", 1000, 1001000},
    {"integers: bubble sort of 100", "bench/sort.bca", "comparison", 100, 4950},
    {"integers: matrix multiplication, 40 x 40", "examples/matrix.bca", "product", 40, 64000},
    {"integers: invariant expression in a loop", "bench/invariant.bca", "turn", 10000, 10000},
    {"integers: fields of an object", "bench/counter.bca", "method call", 1000, 1000},
    {"bets that are lost at every other call", "bench/mixed.bca", "call", 1000, 2000},
};

enum { NUM_KERNELS = sizeof kernels / sizeof *kernels };

enum { BASELINE, GENERIC, SPECULATING, NO_HOISTING, NUM_CONTESTANTS };

static const char *const names[NUM_CONTESTANTS] = {
    [BASELINE] = "baseline",
    [GENERIC] = "opt without speculation",
    [SPECULATING] = "opt with speculation",
    [NO_HOISTING] = "... without licm",
};

typedef struct Run {
    JitCompiler *jit;
    uint32_t main;
    Value arg;
} Run;

static void run(void *context) {
    const Run *r = context;
    bench_keep((int64_t)vm_call(jit_vm(r->jit), r->main, &r->arg));
}

static Program *load(const char *file) {
    char why[200];
    size_t length;
    char *text = read_file(file, &length, why, sizeof why);
    if (!text) {
        fprintf(stderr, "%s: %s\n", file, why);
        exit(1);
    }
    Program *program = program_new(file);
    Diagnostic diagnostic = {0};
    bool ok = program_parse(program, text, length, &diagnostic) && program_verify(program, &diagnostic);
    free(text);
    if (ok) return program;
    diagnostic_print(stderr, program, &diagnostic);
    exit(1);
}

static JitOptions options_of(int contestant) {
    JitOptions options = jit_default_options;
    if (contestant == BASELINE) options.tier = TIER_BASELINE;
    options.no_speculation = contestant == GENERIC;
    if (contestant == NO_HOISTING) options.disabled = (uint32_t)1 << OPT_licm;
    return options;
}

static bool bench_kernel(const Kernel *kernel, const BenchOptions *bench_options) {
    Program *program = load(kernel->file);
    Run runs[NUM_CONTESTANTS];
    BenchContestant contestants[NUM_CONTESTANTS];
    for (int i = 0; i < NUM_CONTESTANTS; i++) {
        JitOptions options = options_of(i);
        runs[i].jit = jit_new(program, &options);
        jit_compile_all(runs[i].jit);
        runs[i].main = function_index(program, program_find(program, "main"));
        runs[i].arg = program_number(program, kernel->arg);
        contestants[i] = (BenchContestant){names[i], run, &runs[i], kernel->turns};
    }
    Bench bench = {.name = kernel->name, .operation = kernel->operation, .contestants = contestants, .num_contestants = NUM_CONTESTANTS,
                   .baseline = GENERIC};
    bool ok = bench_run(&bench, bench_options, NULL);
    for (int i = 0; i < NUM_CONTESTANTS; i++) jit_free(runs[i].jit);
    program_free(program);
    return ok;
}

// One deoptimisation: a function of one guarded addition, whose guard fails at every call, or never.
static bool bench_one_deopt(const BenchOptions *bench_options) {
    enum { NEVER, TO_BASELINE, TO_INTERPRETER, NUM_WAYS };
    static const char *const ways[NUM_WAYS] = {"guards hold", "one fails, on in baseline", "one fails, on in the interpreter"};
    static const char text[] = "func main params=1\n load_local 0\n load_const 1\n add\n return\nend\n";
    Program *program = program_new("one addition");
    Diagnostic diagnostic = {0};
    if (!program_parse(program, text, sizeof text - 1, &diagnostic) || !program_verify(program, &diagnostic)) exit(1);
    Run runs[NUM_WAYS];
    BenchContestant contestants[NUM_WAYS];
    for (int i = 0; i < NUM_WAYS; i++) {
        JitOptions options = jit_default_options;
        options.opt_after = 0;
        options.stress = true;
        options.deopt_to = i == TO_INTERPRETER ? TIER_INTERP : TIER_BASELINE;
        runs[i] = (Run){jit_new(program, &options), 0, value_from_int(1)};
        jit_compile_all(runs[i].jit);
        Deopt *deopt = jit_vm(runs[i].jit)->deopt;
        deopt->is_armed = i != NEVER;
        deopt->countdown = deopt->every = i != NEVER;
        contestants[i] = (BenchContestant){ways[i], run, &runs[i], 1};
    }
    Bench bench = {.name = "one deoptimisation", .operation = "call", .contestants = contestants, .num_contestants = NUM_WAYS};
    bool ok = bench_run(&bench, bench_options, NULL);
    for (int i = 0; i < NUM_WAYS; i++) jit_free(runs[i].jit);
    program_free(program);
    return ok;
}

int main(int argc, char **argv) {
    BenchOptions options;
    if (!bench_options(&options, argc, argv)) return 2;
    bool ok = true;
    for (int i = 0; i < NUM_KERNELS; i++) ok &= bench_kernel(&kernels[i], &options);
    ok &= bench_one_deopt(&options);
    return ok ? 0 : 1;
}
