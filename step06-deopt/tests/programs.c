#include "programs.h"

#include <inttypes.h>
#include <math.h>

#include "deopt/deopt.h"
#include "object/operators.h"
#include "testing/abi_probe.h"
#include "testing/test_main.h"

const Example examples[] = {
    {"examples/ackermann.bca", {2, 3}, 9},
    {"examples/collatz.bca", {30}, 27},
    {"examples/even_odd.bca", {101}, 0},
    {"examples/factorial.bca", {20}, 2432902008176640000},
    {"examples/fib.bca", {12}, 144},
    {"examples/fib_iter.bca", {70}, 190392490709135},
    {"examples/gcd.bca", {1071, 462}, 21},
    {"examples/primes.bca", {100}, 25},
    {"examples/shapes.bca", {15}, 1228},
};
const size_t num_examples = sizeof examples / sizeof *examples;

Outcome outcome_of_number(double d) {
    bool is_integer = fabs(d) < 0x1p63 && d == trunc(d) && (d != 0 || !signbit(d));
    if (is_integer) return (Outcome){.result = (int64_t)d};
    return (Outcome){.result = (int64_t)double_bits(isnan(d) ? NAN : d), .kind = RESULT_NUMBER};
}

Outcome outcome_of_bool(bool b) { return (Outcome){.result = b ? VALUE_TRUE : VALUE_FALSE, .kind = RESULT_SPECIAL}; }

bool outcomes_agree(Outcome a, Outcome b) {
    if (a.status != b.status) return false;
    if (a.status == RUN_OK) return a.kind == b.kind && a.result == b.result;
    if (a.message[0] && b.message[0] && strcmp(a.message, b.message) != 0) return false;
    if (a.status == RUN_STACK_OVERFLOW) return true;
    return a.function == b.function && a.pc == b.pc;
}

static void result_print(FILE *out, Outcome outcome) {
    switch (outcome.kind) {
    case RESULT_INTEGER: fprintf(out, "result %" PRId64, outcome.result); break;
    case RESULT_NUMBER: fprintf(out, "result %.17g", double_from_bits((uint64_t)outcome.result)); break;
    default: fprintf(out, "result %" PRIx64 " of kind %d", outcome.result, outcome.kind);
    }
}

void outcome_print(FILE *out, Outcome outcome) {
    if (outcome.status == RUN_OK) result_print(out, outcome);
    else fprintf(out, "error %d in function %" PRIu64 " at %" PRIu64 " %s", outcome.status, outcome.function, outcome.pc, outcome.message);
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

// Every guard, or only every 2nd, 3rd or 7th: each program has its own number.
static void let_guards_fail(JitCompiler *jit) {
    static const uint32_t every[] = {1, 2, 3, 7};
    Deopt *deopt = jit_vm(jit)->deopt;
    if (!deopt) return; // there was no room for the stubs
    deopt->is_armed = true;
    deopt->countdown = deopt->every = every[jit_vm(jit)->program->functions[0].num_instructions % 4];
}

JitCompiler *mode_start(const Program *program, const Mode *mode) {
    JitCompiler *jit = jit_new(program, &mode->options);
    if (mode->options.stress) let_guards_fail(jit);
    for (size_t i = 0; i < program->num_functions; i++)
        if (mode->compiled >> i % 64 & 1) jit_compile(jit, &program->functions[i]);
    return jit;
}

Value argument_value(const Vm *vm, int64_t arg) {
    Heap none = {0}; // no 64-bit integer needs a heap number
    return arg == A_FUNCTION ? value_from_pointer(vm->callables) : number_from_int64(&none, arg);
}

Value *argument_values(const Vm *vm, uint32_t function, const int64_t *args) {
    uint32_t num_args = args ? vm->program->functions[function].num_params : 0;
    Value *values = xmalloc((num_args + 1) * sizeof *values);
    for (uint32_t i = 0; i < num_args; i++) values[i] = argument_value(vm, args[i]);
    return values;
}

static Outcome outcome_of_object(Value value) {
    if (value_is_string(value)) return (Outcome){.result = string_hash(value_to_string(value)), .kind = RESULT_STRING};
    if (!value_is_function(value)) return (Outcome){.result = value_header(value)->type, .kind = RESULT_OBJECT};
    return (Outcome){.result = ((const Callable *)value_to_pointer(value))->index, .kind = RESULT_FUNCTION};
}

Outcome outcome_of(const Vm *vm, Value result) {
    if (result == NO_VALUE) {
        Outcome outcome = {.status = (RunStatus)vm->error.status, .function = vm->error.function, .pc = vm->error.pc};
        memcpy(outcome.message, vm->error.message, sizeof outcome.message);
        assert_int_not_equal(outcome.status, RUN_OK);
        return outcome;
    }
    if (value_is_number(result)) return outcome_of_number(number_to_double(result));
    if (value_is_pointer(result)) return outcome_of_object(result);
    return (Outcome){.result = (int64_t)result, .kind = RESULT_SPECIAL};
}

// As vm_call does; but machine code is entered through the ABI probe, and must keep every promise of
// the calling convention, however the run ends.
static Value probed_call(Vm *vm, uint32_t index, const Value *args) {
    enum { MOST_ARGS = 64 }; // vm_call has a check of its own for very many
    const Callable *callee = &vm->callables[index];
    uint32_t num_args = vm->program->functions[index].num_params;
    if (!callee->is_code || num_args > MOST_ARGS) return vm_call(vm, index, args);
    const int64_t enter_args[] = {(intptr_t)vm, (intptr_t)callee, (intptr_t)args, num_args};
    AbiReport report;
    int64_t result = abi_probe_call(&report, (void *)(uintptr_t)vm->enter, enter_args, 4);
    if (!report.ok) fail_msg("%s", report.text);
    return (Value)result;
}

Outcome call_values(JitCompiler *jit, const char *function, const Value *args) {
    Vm *vm = jit_vm(jit);
    uint32_t index = function_index(vm->program, program_find(vm->program, function));
    Value result = probed_call(vm, index, args);
    assert_null(vm->top_frame); // whatever happened, nothing is left behind
    return outcome_of(vm, result);
}

Outcome call(JitCompiler *jit, const char *function, const int64_t *args) {
    const Vm *vm = jit_vm(jit);
    Value *values = argument_values(vm, function_index(vm->program, program_find(vm->program, function)), args);
    Outcome outcome = call_values(jit, function, values);
    free(values);
    return outcome;
}

RunStatus execute(JitCompiler *jit, const char *function, const int64_t *args, int64_t *result) {
    const Vm *vm = jit_vm(jit);
    Value value, *values = argument_values(vm, function_index(vm->program, program_find(vm->program, function)), args);
    RunStatus status = jit_execute(jit, function, values, &value);
    Outcome outcome = outcome_of(vm, value);
    free(values);
    assert_int_equal(status, outcome.status);
    assert_int_equal(outcome.kind, RESULT_INTEGER);
    if (status == RUN_OK) *result = outcome.result;
    return status;
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

void assert_ends(const char *text, const int64_t *args, Outcome expected) {
    Program *program = program_from(text);
    for (size_t i = 0; i < num_modes; i++)
        assert_outcome(program, &modes[i], run_in_mode(program, &modes[i], args), expected);
    program_free(program);
}

void assert_returns(const char *text, const int64_t *args, int64_t expected) {
    assert_ends(text, args, (Outcome){.result = expected});
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
