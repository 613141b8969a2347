// Step 3: what callee-saved registers give and cost, and what a call of C costs.
//
//   make bench            the whole table
//   --quick, --filter=GLOB, --json=FILE: see common/testing/bench.h
#include <stdlib.h>
#include <string.h>

#include "bytecode/parse.h"
#include "bytecode/verify.h"
#include "code/install.h"
#include "jit.h"
#include "reference.h"
#include "testing/bench.h"

// The native: as little as a C function can do. Not inlined, not known to the caller.
__attribute__((noinline)) static Value native_next(Vm *vm, Value n) {
    __asm__ volatile("" : "+r"(vm), "+r"(n));
    return value_from_int(value_to_int(n) + 1);
}

// What it is for plain C.
__attribute__((noinline)) static int64_t next_in_c(int64_t n) {
    __asm__ volatile("" : "+r"(n));
    return n + 1;
}

// sum, i and n live across the call.
static const char native_loop[] =
    "func main params=1 locals=3\n"
    " load_const 0\n store_local 1\n load_const 0\n store_local 2\n"
    "loop:\n load_local 2\n load_local 0\n less_than\n jump_if_false done\n"
    " load_local 1\n load_local 2\n call_native next\n add\n store_local 1\n"
    " load_local 2\n load_const 1\n add\n store_local 2\n jump loop\n"
    "done:\n load_local 1\n return\nend\n";

static int64_t native_loop_in_c(int64_t n) {
    int64_t sum = 0;
    for (int64_t i = 0; i < n; i++) sum = (int64_t)((uint64_t)sum + (uint64_t)next_in_c(i));
    return sum;
}

// The same with a loop of TURNS turns without a call inside. An interval has one place for all of its life:
// sum and x, which live across the call too, are in memory in the inner loop unless a register is preserved.
enum { TURNS = 100 };
static const char inner_loop[] =
    "func main params=1 locals=5\n"
    " load_const 0\n store_local 1\n load_const 0\n store_local 2\n load_const 1\n store_local 4\n"
    "loop:\n load_local 2\n load_local 0\n less_than\n jump_if_false done\n"
    " load_local 1\n call_native next\n store_local 1\n load_const 0\n store_local 3\n"
    "inner:\n load_local 3\n load_const 100\n less_than\n jump_if_false next_turn\n"
    " load_local 4\n load_local 3\n add\n store_local 4\n load_local 1\n load_local 4\n add\n store_local 1\n"
    " load_local 3\n load_const 1\n add\n store_local 3\n jump inner\n"
    "next_turn:\n load_local 2\n load_const 1\n add\n store_local 2\n jump loop\n"
    "done:\n load_local 1\n return\nend\n";

static int64_t inner_loop_in_c(int64_t n) {
    uint64_t sum = 0, x = 1;
    for (int64_t i = 0; i < n; i++) {
        sum = (uint64_t)next_in_c((int64_t)sum);
        for (uint64_t j = 0; j < TURNS; j++) {
            x += j;
            sum += x;
            __asm__ volatile("" : "+r"(sum)); // turn by turn, as the bytecode does
        }
    }
    return (int64_t)sum;
}

static const char fib[] =
    "func main params=1\n load_local 0\n load_const 2\n less_than\n jump_if_false recurse\n load_local 0\n return\n"
    "recurse:\n load_local 0\n load_const 1\n sub\n call main\n load_local 0\n load_const 2\n sub\n call main\n add\n"
    " return\nend\n";

// The contestants of the first benchmarks. The allocator without callee-saved registers is step 2's.
enum { INTERP, STACK, SPILLING, SAVING, COMPILER, NUM_CONTESTANTS };

static const char *const names[NUM_CONTESTANTS] = {
    [INTERP] = "interpreter",
    [STACK] = "baseline (stack)",
    [SPILLING] = "opt, spilled across calls",
    [SAVING] = "opt, callee-saved registers",
    [COMPILER] = "C compiler",
};

typedef struct Callee {
    int64_t (*code)(int64_t);
    Vm *vm; // for the interpreter
    int64_t arg; // the bits of a Value; for C, an integer
} Callee;

static void run_code(void *context) {
    const Callee *callee = context;
    bench_keep(callee->code(callee->arg));
}

static void run_in_vm(void *context) {
    const Callee *callee = context;
    bench_keep((int64_t)vm_call(callee->vm, 0, (const Value *)&callee->arg));
}

static Program *parse(const char *text) {
    Program *program = program_new("bench.bca");
    program_add_native(program, "next", 1, (NativeCode *)(uintptr_t)native_next);
    Diagnostic diagnostic = {0};
    if (program_parse(program, text, strlen(text), &diagnostic) && program_verify(program, &diagnostic)) return program;
    diagnostic_print(stderr, program, &diagnostic);
    exit(1);
}

static JitOptions options_of(int contestant) {
    JitOptions options = jit_default_options;
    options.tier = contestant == INTERP ? TIER_INTERP : contestant == STACK ? TIER_BASELINE : TIER_OPT;
    if (contestant == SPILLING) options.pool &= ~CALLEE_SAVED_REGS;
    return options;
}

// One program of one parameter, and the same in C.
typedef struct Kernel {
    const char *bench, *text, *operation;
    int32_t arg;
    double operations;
    int64_t (*in_c)(int64_t);
    const char *c_name;
} Kernel;

static bool run_kernel(const Kernel *kernel, const BenchOptions *bench_options) {
    Program *program = parse(kernel->text);
    JitCompiler *jits[NUM_CONTESTANTS] = {0};
    Callee callees[NUM_CONTESTANTS];
    BenchContestant contestants[NUM_CONTESTANTS];
    for (int i = 0; i < NUM_CONTESTANTS; i++) {
        callees[i] = (Callee){.code = kernel->in_c, .arg = i == COMPILER ? kernel->arg : (int64_t)value_from_int(kernel->arg)};
        contestants[i] = (BenchContestant){names[i], i == COMPILER ? run_code : run_in_vm, &callees[i], kernel->operations};
        if (i == COMPILER) {
            contestants[i].name = kernel->c_name;
            continue;
        }
        JitOptions options = options_of(i);
        jits[i] = jit_new(program, &options);
        jit_compile_all(jits[i]);
        callees[i].vm = jit_vm(jits[i]);
    }
    Bench bench = {kernel->bench, kernel->operation, contestants, NUM_CONTESTANTS, SPILLING};
    bool ok = bench_run(&bench, bench_options, NULL);
    for (int i = 0; i < NUM_CONTESTANTS; i++) jit_free(jits[i]);
    program_free(program);
    return ok;
}

// A function that saves k registers, restores them and does nothing else.

enum { CALLS = 1000 };

typedef struct Saver {
    void (*code)(void);
} Saver;

static Saver make_saver(CodeBuffer *buffer, RegSet regs) {
    Saver saver;
    Assembler a;
    asm_init(&a, code_buffer_available(buffer));
    asm_push_r(&a, RBP);
    asm_mov_rr(&a, RBP, RSP);
    asm_sub_ri(&a, RSP, 48);
    emit_save_regs(&a, regs, mem(RBP, -40));
    emit_restore_regs(&a, regs, mem(RBP, -40));
    asm_leave(&a);
    asm_ret(&a);
    void *code = asm_finish(&a) ? code_install(buffer, &a) : NULL;
    asm_free(&a);
    memcpy(&saver.code, &code, sizeof code);
    return saver;
}

static void run_saver(void *context) {
    void (*code)(void) = ((const Saver *)context)->code;
    for (int i = 0; i < CALLS; i++) code();
}

static bool run_savers(const BenchOptions *bench_options) {
    static const char *const saver_names[NUM_CALLEE_SAVED + 1] = {
        "saves none", "saves rbx", "saves rbx, r12", "saves rbx, r12, r13", "saves rbx, r12 to r14", "saves rbx, r12 to r15",
    };
    static const Reg order[NUM_CALLEE_SAVED] = {RBX, R12, R13, R14, R15};
    CodeBuffer *buffer = code_buffer_new(4096);
    Saver savers[NUM_CALLEE_SAVED + 1];
    BenchContestant contestants[NUM_CALLEE_SAVED + 1];
    RegSet regs = 0;
    for (int k = 0; k <= NUM_CALLEE_SAVED; k++) {
        savers[k] = make_saver(buffer, regs);
        contestants[k] = (BenchContestant){saver_names[k], run_saver, &savers[k], CALLS};
        if (k < NUM_CALLEE_SAVED) regs |= reg_bit(order[k]);
    }
    Bench bench = {"call of a function that saves registers", "call", contestants, NUM_CALLEE_SAVED + 1, 0};
    bool ok = bench_run(&bench, bench_options, NULL);
    code_buffer_free(buffer);
    return ok;
}

int main(int argc, char **argv) {
    BenchOptions options;
    if (!bench_options(&options, argc, argv)) return 2;
    const Kernel kernels[] = {
        {"recursive fib(20), across calls", fib, "call", 20, 21891, reference_fib, "C compiler -O1"},
        {"loop that calls a C function", native_loop, "turn", 10000, 10000, native_loop_in_c, "C compiler -O2"},
        {"inner loop beside a call of a C function", inner_loop, "inner turn", 50, 50 * TURNS, inner_loop_in_c, "C compiler -O2"},
    };
    bool ok = true;
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++) ok &= run_kernel(&kernels[i], &options);
    ok &= run_savers(&options);
    return ok ? 0 : 1;
}
