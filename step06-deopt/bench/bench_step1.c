// How much faster is machine code? The interpreter against the compilers, on the examples; and what
// compiling costs.  make bench, or build/bench/bench_step1 --help.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "bytecode/parse.h"
#include "bytecode/verify.h"
#include "jit.h"
#include "testing/bench.h"

// A run of one example.
typedef struct Workload {
    const char *name, *path;
    int32_t args[2];
    int32_t result;
} Workload;

static const Workload workloads[] = {
    {"fib(25), recursive", "examples/fib.bca", {25}, 75025},
    {"fib_iter(45)", "examples/fib_iter.bca", {45}, 1134903170},
    {"gcd(1836311903, 1134903170)", "examples/gcd.bca", {1836311903, 1134903170}, 1},
    {"primes below 2000", "examples/primes.bca", {2000}, 303},
    {"collatz below 1000", "examples/collatz.bca", {1000}, 871},
};

enum { NUM_WORKLOADS = sizeof workloads / sizeof *workloads };

static Program *load(const char *path) {
    Program *program = program_new(path);
    Diagnostic diagnostic = {0};
    size_t length;
    char *text = read_file(path, &length, diagnostic.message, sizeof diagnostic.message);
    if (!text || !program_parse(program, text, length, &diagnostic) || !program_verify(program, &diagnostic))
        fatal("%s: %s", path, diagnostic.message);
    free(text);
    return program;
}

// Running.

typedef struct Runner {
    const Workload *workload;
    JitCompiler *jit;
    uint32_t function;
} Runner;

static void run(void *context) {
    const Runner *runner = context;
    const int32_t *args = runner->workload->args;
    Value result = vm_call(jit_vm(runner->jit), runner->function, (Value[]){value_from_int(args[0]), value_from_int(args[1])});
    if (result != value_from_int(runner->workload->result)) fatal("%s: a wrong result", runner->workload->name);
    bench_keep((int64_t)result);
}

static bool bench_workload(const Workload *workload, const BenchOptions *options) {
    Program *program = load(workload->path);
    Runner runners[NUM_TIERS];
    BenchContestant contestants[NUM_TIERS];
    for (Tier tier = 0; tier < NUM_TIERS; tier++) {
        JitOptions jit_options = jit_default_options;
        jit_options.tier = tier;
        runners[tier] = (Runner){workload, jit_new(program, &jit_options), function_index(program, program_find(program, "main"))};
        jit_compile_all(runners[tier].jit);
        contestants[tier] = (BenchContestant){.name = tier_names[tier], .run = run, .context = &runners[tier]};
    }
    Bench bench = {.name = workload->name, .contestants = contestants, .num_contestants = NUM_TIERS};
    bool ok = bench_run(&bench, options, NULL);
    for (Tier tier = 0; tier < NUM_TIERS; tier++) jit_free(runners[tier].jit);
    program_free(program);
    return ok;
}

// Compiling: a JIT is made, every function compiled, and the JIT freed again. The interpreter's figure
// is what a JIT costs that compiles nothing: its memory and its stubs.

enum { COPIES = 4000, LINES_A_COPY = 12 };

#define INS(o, n) {.opcode = OP_##o, .operand = (n)}

// A long function: arithmetic, a jump, and a call to itself, over and over.
static Program *large_program(void) {
    Program *program = program_new("large");
    uint32_t f = program_add_function(program, "main", 1, 2);
    const SourcePos nowhere = {0, 0};
    for (int64_t i = 0; i < COPIES; i++) {
        const Instruction copy[LINES_A_COPY] = {
            INS(LOAD_LOCAL, 0), INS(LOAD_CONST, (int64_t)value_from_int((int32_t)i)), INS(SUB, 0), INS(STORE_LOCAL, 1),
            INS(LOAD_LOCAL, 1), INS(LOAD_LOCAL, 0), INS(LESS_THAN, 0), INS(JUMP_IF_FALSE, (i + 1) * LINES_A_COPY),
            INS(LOAD_LOCAL, 1), INS(CALL, f), INS(STORE_LOCAL, 0), INS(JUMP, (i + 1) * LINES_A_COPY),
        };
        for (int k = 0; k < LINES_A_COPY; k++) program_emit(program, f, copy[k].opcode, copy[k].operand, nowhere);
    }
    program_emit(program, f, OP_LOAD_LOCAL, 0, nowhere);
    program_emit(program, f, OP_RETURN, 0, nowhere);
    Diagnostic diagnostic;
    if (!program_verify(program, &diagnostic)) fatal("%s", diagnostic.message);
    return program;
}

typedef struct Compilation {
    const Program *program;
    JitOptions options;
} Compilation;

static void compile(void *context) {
    const Compilation *compilation = context;
    JitCompiler *jit = jit_new(compilation->program, &compilation->options);
    bench_keep((int64_t)jit_compile_all(jit));
    jit_free(jit);
}

static bool bench_compilation(const char *name, Program *program, const BenchOptions *options) {
    Compilation compilations[NUM_TIERS];
    BenchContestant contestants[NUM_TIERS];
    double instructions = 0;
    for (size_t i = 0; i < program->num_functions; i++) instructions += (double)program->functions[i].num_instructions;
    for (Tier tier = 0; tier < NUM_TIERS; tier++) {
        compilations[tier] = (Compilation){program, jit_default_options};
        compilations[tier].options.tier = tier;
        contestants[tier] = (BenchContestant){
            .name = tier_names[tier], .run = compile, .context = &compilations[tier], .operations = instructions};
    }
    Bench bench = {.name = name, .operation = "bytecode", .contestants = contestants, .num_contestants = NUM_TIERS};
    bool ok = bench_run(&bench, options, NULL);
    program_free(program);
    return ok;
}

int main(int argc, char **argv) {
    BenchOptions options;
    if (!bench_options(&options, argc, argv)) return 2;
    bool ok = true;
    for (int i = 0; i < NUM_WORKLOADS; i++) ok = bench_workload(&workloads[i], &options) && ok;
    ok = bench_compilation("compiling 48,002 bytecodes", large_program(), &options) && ok;
    return ok ? 0 : 1;
}
