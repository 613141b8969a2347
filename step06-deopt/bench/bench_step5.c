// Step 5: what each pass is worth, what the allocator is worth, and what they cost.
//
//   make bench            the whole table
//   --quick, --filter=GLOB, --json=FILE: see common/testing/bench.h
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bytecode/parse.h"
#include "bytecode/verify.h"
#include "ir/lower.h"
#include "jit.h"
#include "testing/bench.h"

// A program of one parameter; `turns` is how many operations one run counts as.
typedef struct Kernel {
    const char *name, *file, *operation;
    double arg, turns;
} Kernel;

static const Kernel kernels[] = {
    {"invariant expression in a loop", "bench/invariant.bca", "turn", 10000, 10000},
    {"property in a loop", "bench/property.bca", "turn", 10000, 10000},
    {"matrix multiplication, 40 x 40", "examples/matrix.bca", "product", 40, 64000},
    {"sieve of 10000", "examples/sieve.bca", "number", 10000, 10000},
};

enum { NUM_KERNELS = sizeof kernels / sizeof *kernels, ALL_PASSES = (1 << NUM_OPT_PASSES) - 1 };

// The contestants: the baseline, the optimising tier with all passes, without any, without each one in turn, and
// with the other allocator.
enum { BASELINE, NO_PASS, ALL, POLETTO, WITHOUT_FIRST, NUM_CONTESTANTS = WITHOUT_FIRST + NUM_OPT_PASSES };

typedef struct Run {
    JitCompiler *jit;
    uint32_t main;
    Value arg;
} Run;

static void run(void *context) {
    const Run *r = context;
    bench_keep((int64_t)vm_call(jit_vm(r->jit), r->main, &r->arg));
}

static Program *parse(const char *file, const char *text, size_t length) {
    Program *program = program_new(file);
    Diagnostic diagnostic = {0};
    if (program_parse(program, text, length, &diagnostic) && program_verify(program, &diagnostic)) return program;
    diagnostic_print(stderr, program, &diagnostic);
    exit(1);
}

static Program *load(const char *file) {
    char why[200];
    size_t length;
    char *text = read_file(file, &length, why, sizeof why);
    if (!text) {
        fprintf(stderr, "%s: %s\n", file, why);
        exit(1);
    }
    Program *program = parse(file, text, length);
    free(text);
    return program;
}

static JitOptions options_of(int contestant, char *name, size_t size) {
    JitOptions options = jit_default_options;
    static const char *const names[] = {[BASELINE] = "baseline", [NO_PASS] = "no pass", [ALL] = "all passes", [POLETTO] = "all passes, Poletto"};
    if (contestant < WITHOUT_FIRST) snprintf(name, size, "%s", names[contestant]);
    else snprintf(name, size, "without %s", opt_pass_info[contestant - WITHOUT_FIRST].name);
    if (contestant == BASELINE) options.tier = TIER_BASELINE;
    if (contestant == NO_PASS) options.disabled = ALL_PASSES;
    if (contestant == POLETTO) options.allocator = RA_POLETTO;
    if (contestant >= WITHOUT_FIRST) options.disabled = (uint32_t)1 << (contestant - WITHOUT_FIRST);
    return options;
}

static bool bench_kernel(const Kernel *kernel, const BenchOptions *bench_options) {
    Program *program = load(kernel->file);
    Run runs[NUM_CONTESTANTS];
    BenchContestant contestants[NUM_CONTESTANTS];
    char names[NUM_CONTESTANTS][40];
    for (int i = 0; i < NUM_CONTESTANTS; i++) {
        JitOptions options = options_of(i, names[i], sizeof names[i]);
        runs[i].jit = jit_new(program, &options);
        jit_compile_all(runs[i].jit);
        runs[i].main = function_index(program, program_find(program, "main"));
        runs[i].arg = program_number(program, kernel->arg);
        contestants[i] = (BenchContestant){names[i], run, &runs[i], kernel->turns};
    }
    Bench bench = {.name = kernel->name, .operation = kernel->operation, .contestants = contestants, .num_contestants = NUM_CONTESTANTS,
                   .baseline = NO_PASS};
    bool ok = bench_run(&bench, bench_options, NULL);
    for (int i = 0; i < NUM_CONTESTANTS; i++) jit_free(runs[i].jit);
    program_free(program);
    return ok;
}

// Compile time.

// Functions of a kind, as large as asked for. What `size` counts is part of the kind's name.
typedef void Writer(FILE *out, size_t size);

// About so many bytecodes: short loops, one behind the other, over a few locals.
static void write_loops(FILE *out, size_t size) {
    enum { A_LOOP = 20 };
    fputs("params=1 locals=4\n load_const 0\n store_local 1\n load_const 0\n store_local 2\n", out);
    for (size_t i = 0; i * A_LOOP < size; i++)
        fprintf(out,
                " load_const 0\n store_local 3\nl%zu:\n load_local 3\n load_local 0\n less_than\n jump_if_false e%zu\n"
                " load_local 1\n load_local 3\n load_const %zu\n mul\n add\n store_local 1\n load_local 3\n load_const 1\n add\n store_local 3\n"
                " jump l%zu\ne%zu: load_local 1\n load_local 2\n sub\n store_local 2\n",
                i, i, i % 7, i, i);
    fputs(" load_local 2\n return\nend\n", out);
}

// So many values, all of them live at once.
static void write_values(FILE *out, size_t size) {
    fprintf(out, "params=1 locals=%zu\n", size + 1);
    for (size_t i = 1; i <= size; i++) fprintf(out, " load_local 0\n load_const %zu\n add\n store_local %zu\n", i, i);
    fputs(" load_const 0\n", out);
    for (size_t i = 0; i < size; i++) fprintf(out, " load_local %zu\n add\n", i * 7919 % size + 1);
    fputs(" return\nend\n", out);
}

// So many blocks: ifs with two arms.
static void write_blocks(FILE *out, size_t size) {
    fputs("params=1 locals=2\n load_const 0\n store_local 1\n", out);
    for (size_t i = 0; i < size / 3; i++)
        fprintf(out,
                " load_local 0\n load_const %zu\n less_than\n jump_if_false a%zu\n load_local 1\n load_const 1\n add\n store_local 1\n"
                " jump b%zu\na%zu: load_local 1\n load_const 2\n add\n store_local 1\nb%zu:\n",
                i, i, i, i, i);
    fputs(" load_local 1\n return\nend\n", out);
}

// Loops inside of each other, so many.
static void write_nest(FILE *out, size_t size) {
    fprintf(out, "params=1 locals=%zu\n load_const 0\n store_local %zu\n", size + 2, size + 1);
    for (size_t i = 1; i <= size; i++)
        fprintf(out, " load_const 0\n store_local %zu\nh%zu: load_local %zu\n load_local 0\n less_than\n jump_if_false e%zu\n", i, i, i, i);
    fprintf(out, " load_local %zu\n load_local 0\n add\n store_local %zu\n", size + 1, size + 1);
    for (size_t i = size; i > 0; i--) fprintf(out, " load_local %zu\n load_const 1\n add\n store_local %zu\n jump h%zu\ne%zu:\n", i, i, i, i);
    fprintf(out, " load_local %zu\n return\nend\n", size + 1);
}

// One function of this size or, if that is small, several, so that what a JIT itself costs does not count.
static Program *large_program(Writer *write, size_t size) {
    enum { ENOUGH = 10000 };
    char *text = NULL;
    size_t length, count = size < ENOUGH ? ENOUGH / size : 1;
    FILE *out = open_memstream(&text, &length);
    for (size_t i = 0; i < count; i++) {
        if (i == 0) fputs("func main ", out);
        else fprintf(out, "func f%zu ", i);
        write(out, size);
    }
    fclose(out);
    Program *program = parse("large.bca", text, length);
    free(text);
    return program;
}

static double num_bytecodes(const Program *program) {
    double count = 0;
    for (size_t i = 0; i < program->num_functions; i++) count += (double)program->functions[i].num_instructions;
    return count;
}

typedef struct Compilation {
    Program *program;
    JitOptions options;
} Compilation;

static void run_compilation(void *context) {
    const Compilation *c = context;
    JitCompiler *jit = jit_new(c->program, &c->options);
    if (jit_compile_all(jit) != c->program->num_functions) exit(1);
    jit_free(jit);
}

// Nanoseconds for each bytecode; the tiers and allocators side by side.
static bool bench_compilation(const char *name, Writer *write, size_t size, const BenchOptions *bench_options) {
    Program *program = large_program(write, size);
    double count = num_bytecodes(program);
    Compilation c[3];
    for (int i = 0; i < 3; i++) {
        c[i] = (Compilation){program, jit_default_options};
        c[i].options.code_size = ((size_t)count << 8) + (1 << 20);
    }
    c[0].options.tier = TIER_BASELINE;
    c[2].options.allocator = RA_POLETTO;
    const BenchContestant contestants[] = {
        {"baseline", run_compilation, &c[0], count},
        {"opt, linear scan", run_compilation, &c[1], count},
        {"opt, Poletto", run_compilation, &c[2], count},
    };
    Bench bench = {.name = name, .operation = "bytecode", .contestants = contestants, .num_contestants = 3};
    bool ok = bench_run(&bench, bench_options, NULL);
    program_free(program);
    return ok;
}

// Runs of several seconds, with others on the machine: processor time says more than the clock.
static uint64_t processor_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static const struct {
    const char *unit; // what is counted
    Writer *write;
    size_t first, last; // sizes: tenfold each time
} shapes[] = {
    {"bytecodes", write_loops, 10, 1000000},
    {"live values", write_values, 10, 10000},
    {"blocks", write_blocks, 10, 100000},
    {"loops deep", write_nest, 10, 10000},
};

// The larger the function, the longer it takes: in proportion, or more?
static bool bench_compile_time(BenchOptions bench_options) {
    bool ok = true;
    bench_options.clock_ns = processor_ns;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        for (size_t size = shapes[i].first; size <= shapes[i].last; size *= 10) {
            char name[60];
            snprintf(name, sizeof name, "compile time, %zu %s", size, shapes[i].unit);
            ok = bench_compilation(name, shapes[i].write, size, &bench_options) && ok;
        }
    }
    return ok;
}

// One pass alone, on the IR as it comes from the passes before it.
typedef struct PassRun {
    Program *program;
    OptPass pass;
} PassRun;

static void run_until(void *context) {
    const PassRun *p = context;
    Ir ir;
    if (!ir_build(&ir, p->program, 0)) exit(1);
    uint32_t later = ALL_PASSES & ~((2u << p->pass) - 1);
    OptOptions options = {.disabled = later};
    opt_run(&ir, &options);
    ir_free(&ir);
}

static void run_construction(void *context) {
    const PassRun *p = context;
    Ir ir;
    if (!ir_build(&ir, p->program, 0)) exit(1);
    ir_free(&ir);
}

// What compiling costs, pass after pass: each row is construction and the passes up to the one named.
static bool bench_passes(const BenchOptions *bench_options) {
    Program *program = large_program(write_loops, 10000);
    double count = num_bytecodes(program);
    PassRun runs[NUM_OPT_PASSES + 1];
    BenchContestant contestants[NUM_OPT_PASSES + 1];
    char names[NUM_OPT_PASSES + 1][40];
    for (int i = 0; i <= NUM_OPT_PASSES; i++) {
        runs[i] = (PassRun){program, i ? (OptPass)(i - 1) : 0};
        snprintf(names[i], sizeof names[i], i ? "... to %s" : "construction", i ? opt_pass_info[i - 1].name : "");
        contestants[i] = (BenchContestant){names[i], i ? run_until : run_construction, &runs[i], count};
    }
    Bench bench = {.name = "the passes, 10000 bytecodes", .operation = "bytecode", .contestants = contestants, .num_contestants = NUM_OPT_PASSES + 1};
    bool ok = bench_run(&bench, bench_options, NULL);
    program_free(program);
    return ok;
}

int main(int argc, char **argv) {
    BenchOptions options;
    if (!bench_options(&options, argc, argv)) return 2;
    bool ok = true;
    for (int i = 0; i < NUM_KERNELS; i++) ok = bench_kernel(&kernels[i], &options) && ok;
    ok = bench_passes(&options) && ok;
    return bench_compile_time(options) && ok ? 0 : 1;
}
