// Step 2: the operand stack against registers, and both against a C compiler.
//
//   make bench            the whole table
//   --quick, --filter=GLOB, --json=FILE: see common/testing/bench.h
#include <stdlib.h>
#include <string.h>

#include "bytecode/parse.h"
#include "bytecode/verify.h"
#include "jit.h"
#include "reference.h"
#include "testing/bench.h"

// One program in the examples, to be run as one function.
typedef struct Kernel {
    const char *bench;    // name of the benchmark
    const char *file;     // in examples/
    const char *function; // called straight from C
    int32_t args[2];
    void *reference; // the same in C, with integers of 64 bits
    double operations;
    const char *operation;
} Kernel;

// A function that is ready to be called.
typedef struct Callee {
    int64_t (*code)(int64_t, int64_t);
    Vm *vm; // for the interpreter
    uint32_t index;
    int64_t args[2]; // the bits of Values; for C, integers
} Callee;

static void run_code(void *context) {
    const Callee *callee = context;
    bench_keep(callee->code(callee->args[0], callee->args[1]));
}

static void run_in_vm(void *context) {
    const Callee *callee = context;
    bench_keep((int64_t)vm_call(callee->vm, callee->index, (const Value *)callee->args));
}

static Program *load(const char *file) {
    char path[128], why[128];
    snprintf(path, sizeof path, "examples/%s", file);
    size_t length;
    char *text = read_file(path, &length, why, sizeof why);
    Program *program = program_new(path);
    Diagnostic diagnostic;
    if (!text || !program_parse(program, text, length, &diagnostic) || !program_verify(program, &diagnostic)) {
        fprintf(stderr, "%s: cannot be loaded; run this in the step's directory\n", path);
        exit(1);
    }
    free(text);
    return program;
}

enum { INTERP, STACK, NO_FORWARDING, REGISTERS, GCC_O1, NUM_CONTESTANTS };

static const char *const names[NUM_CONTESTANTS] = {
    [INTERP] = "interpreter",
    [STACK] = "baseline (stack)",
    [NO_FORWARDING] = "baseline without store forwarding",
    [REGISTERS] = "opt (registers)",
    [GCC_O1] = "C compiler -O1",
};

// The benchmark in the chapter's headline has names of its own for the two that it compares.
static const char *name_of(const Kernel *kernel, int contestant) {
    if (strcmp(kernel->bench, "iterative fib(20)") != 0) return names[contestant];
    if (contestant == STACK) return "bench_fibonacci_stack";
    return contestant == REGISTERS ? "bench_fibonacci_registers" : names[contestant];
}

static JitOptions options_of(int contestant) {
    JitOptions options = jit_default_options;
    options.tier = contestant == INTERP ? TIER_INTERP : contestant == REGISTERS ? TIER_OPT : TIER_BASELINE;
    options.no_forwarding = contestant == NO_FORWARDING;
    return options;
}

static bool run_kernel(const Kernel *kernel, const BenchOptions *bench_options) {
    Program *program = load(kernel->file);
    const Function *function = program_find(program, kernel->function);
    JitCompiler *jits[NUM_CONTESTANTS] = {0};
    Callee callees[NUM_CONTESTANTS];
    BenchContestant contestants[NUM_CONTESTANTS];
    for (int i = 0; i < NUM_CONTESTANTS; i++) {
        callees[i] = (Callee){.index = function_index(program, function)};
        for (int k = 0; k < 2; k++) callees[i].args[k] = i == GCC_O1 ? kernel->args[k] : (int64_t)value_from_int(kernel->args[k]);
        contestants[i] = (BenchContestant){name_of(kernel, i), i == GCC_O1 ? run_code : run_in_vm, &callees[i], kernel->operations};
        void *code = kernel->reference;
        if (i != GCC_O1) {
            JitOptions options = options_of(i);
            jits[i] = jit_new(program, &options);
            jit_compile_all(jits[i]);
            callees[i].vm = jit_vm(jits[i]);
        }
        memcpy(&callees[i].code, &code, sizeof code);
    }
    Bench bench = {kernel->bench, kernel->operation, contestants, NUM_CONTESTANTS, STACK};
    bool ok = bench_run(&bench, bench_options, NULL);
    for (int i = 0; i < NUM_CONTESTANTS; i++) jit_free(jits[i]);
    program_free(program);
    return ok;
}

int main(int argc, char **argv) {
    BenchOptions options;
    if (!bench_options(&options, argc, argv)) return 2;
    const Kernel kernels[] = {
        {"iterative fib(20)", "fib_iter.bca", "fib", {20}, (void *)(uintptr_t)reference_fib_iter, 1, "call"},
        {"iterative fib(46)", "fib_iter.bca", "fib", {46}, (void *)(uintptr_t)reference_fib_iter, 46, "turn"},
        {"sum loop against C", "sum.bca", "main", {10000}, (void *)(uintptr_t)reference_sum, 10000, "turn"},
        {"recursive fib(20) against C", "fib.bca", "fib", {20}, (void *)(uintptr_t)reference_fib, 21891, "call"},
        {"gcd of neighbouring Fibonacci numbers against C", "gcd.bca", "main", {1836311903, 1134903170}, (void *)(uintptr_t)reference_gcd, 44, "division"},
        {"primes below 2000 against C", "primes.bca", "main", {2000}, (void *)(uintptr_t)reference_primes, 1, "run"},
        {"collatz below 300 against C", "collatz.bca", "main", {300}, (void *)(uintptr_t)reference_collatz, 1, "run"},
    };
    bool ok = true;
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++) ok &= run_kernel(&kernels[i], &options);
    return ok ? 0 : 1;
}
