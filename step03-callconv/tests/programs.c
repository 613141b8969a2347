#include "programs.h"

#include <inttypes.h>

#include "testing/abi_probe.h"
#include "testing/test_main.h"

const Example examples[] = {
    {"examples/ackermann.bca", {2, 3}, 9},
    {"examples/collatz.bca", {30}, 27},
    {"examples/even_odd.bca", {101}, 0},
    {"examples/factorial.bca", {20}, 2432902008176640000},
    {"examples/fib.bca", {12}, 144},
    {"examples/fib_iter.bca", {90}, 2880067194370816120},
    {"examples/gcd.bca", {1071, 462}, 21},
    {"examples/primes.bca", {100}, 25},
};
const size_t num_examples = sizeof examples / sizeof *examples;

bool outcomes_agree(Outcome a, Outcome b) {
    if (a.status != b.status) return false;
    if (a.status == RUN_OK) return a.result == b.result;
    if (a.status == RUN_STACK_OVERFLOW) return true;
    return a.function == b.function && a.pc == b.pc;
}

void outcome_print(FILE *out, Outcome outcome) {
    if (outcome.status == RUN_OK) fprintf(out, "result %" PRId64, outcome.result);
    else fprintf(out, "error %d in function %" PRIu64 " at %" PRIu64, outcome.status, outcome.function, outcome.pc);
}

static Program *verified(Program *program, const char *text, size_t length) {
    Diagnostic diagnostic = {0};
    if (program_parse(program, text, length, &diagnostic) && program_verify(program, &diagnostic)) return program;
    diagnostic_print(stderr, program, &diagnostic);
    program_free(program);
    fail_msg("the program was rejected");
    abort();
}

Program *program_from(const char *text) { return verified(program_new("test.bca"), text, strlen(text)); }

Program *program_from_file(const char *path) {
    char why[200];
    size_t length;
    char *text = read_file(path, &length, why, sizeof why);
    if (!text) fail_msg("%s: %s", path, why);
    Program *program = verified(program_new(path), text, length);
    free(text);
    return program;
}

char *program_text(const Program *program) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    program_print(out, program);
    fclose(out);
    return text;
}

JitCompiler *mode_start(const Program *program, const Mode *mode) {
    JitCompiler *jit = jit_new(program, &mode->options);
    for (size_t i = 0; i < program->num_functions; i++)
        if (mode->compiled >> i % 64 & 1) jit_compile(jit, &program->functions[i]);
    return jit;
}

// As vm_call does; but machine code is entered through the ABI probe, and must keep every promise of
// the calling convention, however the run ends.
static RunStatus probed_call(Vm *vm, uint32_t index, const int64_t *args, int64_t *result) {
    enum { MOST_ARGS = 64 }; // vm_call has a check of its own for very many
    const Callable *callee = &vm->callables[index];
    uint32_t num_args = vm->program->functions[index].num_params;
    if (!callee->is_code || num_args > MOST_ARGS) return vm_call(vm, index, args, result);
    const int64_t enter_args[] = {(intptr_t)vm, (intptr_t)callee, (intptr_t)args, num_args, (intptr_t)result};
    AbiReport report;
    int64_t status = abi_probe_call(&report, (void *)(uintptr_t)vm->enter, enter_args, 5);
    if (!report.ok) fail_msg("%s", report.text);
    return (RunStatus)(int32_t)status;
}

Outcome call(JitCompiler *jit, const char *function, const int64_t *args) {
    Vm *vm = jit_vm(jit);
    Outcome outcome = {0};
    uint32_t index = function_index(vm->program, program_find(vm->program, function));
    outcome.status = probed_call(vm, index, args, &outcome.result);
    assert_ptr_equal(vm->slots_free, vm->slots); // whatever happened, nothing is left behind
    assert_int_equal(vm->exit_sp, 0);
    if (outcome.status == RUN_OK) return outcome;
    assert_int_equal(vm->error.status, outcome.status);
    return (Outcome){.status = outcome.status, .function = vm->error.function, .pc = vm->error.pc};
}

Outcome run_in_mode(const Program *program, const Mode *mode, const int64_t *args) {
    JitCompiler *jit = mode_start(program, mode);
    Outcome outcome = call(jit, "main", args);
    jit_free(jit);
    return outcome;
}

static void assert_outcome(const Program *program, const Mode *mode, Outcome outcome, Outcome expected) {
    if (outcomes_agree(outcome, expected)) return;
    program_print(stderr, program);
    fprintf(stderr, "%s: ", mode->name);
    outcome_print(stderr, outcome);
    fputs("\nexpected: ", stderr);
    outcome_print(stderr, expected);
    fputc('\n', stderr);
    fail_msg("%s: the outcome is wrong", mode->name);
}

void assert_returns(const char *text, const int64_t *args, int64_t expected) {
    Program *program = program_from(text);
    for (size_t i = 0; i < num_modes; i++)
        assert_outcome(program, &modes[i], run_in_mode(program, &modes[i], args), (Outcome){.result = expected});
    program_free(program);
}

void assert_run_error(const char *text, const int64_t *args, RunStatus status, uint32_t line) {
    Program *program = program_from(text);
    Outcome first = run_in_mode(program, &modes[0], args);
    assert_int_equal(first.status, status);
    if (line) assert_int_equal(program->functions[first.function].positions[first.pc].line, line);
    for (size_t i = 1; i < num_modes; i++)
        assert_outcome(program, &modes[i], run_in_mode(program, &modes[i], args), first);
    program_free(program);
}

void assert_modes_agree(const Program *program, const int64_t *args) {
    Outcome first = run_in_mode(program, &modes[0], args);
    for (size_t i = 1; i < num_modes; i++)
        assert_outcome(program, &modes[i], run_in_mode(program, &modes[i], args), first);
}
