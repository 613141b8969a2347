#include "native_programs.h"

#include <regex.h>

#include "code/disasm.h"
#include "testing/test_main.h"

// Natives.

int64_t weigh(const int64_t *args, size_t n) {
    enum { PRIME = 1000003 };
    int64_t sum = (int64_t)n;
    for (size_t i = 0; i < n; i++) sum = (sum * 31 + args[i] % PRIME) % PRIME;
    return sum;
}

typedef Value V;

static V weighed(const Vm *vm, const V *args, size_t n) {
    int64_t plain[MAX_NATIVE_PARAMS];
    for (size_t i = 0; i < n; i++) plain[i] = outcome_of(vm, args[i]).result;
    return (V)abi_poison((int64_t)value_from_int((int32_t)weigh(plain, n)));
}

static V weigh0(Vm *vm) { return weighed(vm, NULL, 0); }
static V weigh1(Vm *vm, V a) { return weighed(vm, (V[]){a}, 1); }
static V weigh2(Vm *vm, V a, V b) { return weighed(vm, (V[]){a, b}, 2); }
static V weigh3(Vm *vm, V a, V b, V c) { return weighed(vm, (V[]){a, b, c}, 3); }
static V weigh4(Vm *vm, V a, V b, V c, V d) { return weighed(vm, (V[]){a, b, c, d}, 4); }
static V weigh5(Vm *vm, V a, V b, V c, V d, V e) { return weighed(vm, (V[]){a, b, c, d, e}, 5); }
static V weigh6(Vm *vm, V a, V b, V c, V d, V e, V f) { return weighed(vm, (V[]){a, b, c, d, e, f}, 6); }
static V weigh7(Vm *vm, V a, V b, V c, V d, V e, V f, V g) { return weighed(vm, (V[]){a, b, c, d, e, f, g}, 7); }
static V weigh8(Vm *vm, V a, V b, V c, V d, V e, V f, V g, V h) { return weighed(vm, (V[]){a, b, c, d, e, f, g, h}, 8); }

// A C compiler may do as it likes in a prologue; these two have none.
extern void test_native_aligned(void) __attribute__((visibility("hidden")));
extern void test_native_quiet(void) __attribute__((visibility("hidden")));
__asm__(".pushsection .text\n"
        ".globl test_native_aligned\n"
        ".hidden test_native_aligned\n"
        ".type test_native_aligned, @function\n"
        "test_native_aligned:\n"
        "    leaq 8(%rsp), %rax\n" // above the return address
        "    andl $15, %eax\n"
        "    shlq $32, %rax\n" // an integer, as a Value
        "    orq $1, %rax\n"
        "    ret\n"
        ".size test_native_aligned, . - test_native_aligned\n"
        ".globl test_native_quiet\n"
        ".hidden test_native_quiet\n"
        ".type test_native_quiet, @function\n"
        "test_native_quiet:\n"
        "    movq %rsi, %rax\n" // the first argument behind the Vm
        "    ret\n"
        ".size test_native_quiet, . - test_native_quiet\n"
        ".popsection\n");

static JitCompiler *current;

JitCompiler *current_jit(void) { return current; }

static V run_leaf(Vm *vm, V n) {
    Value result = vm_call(vm, function_index(vm->program, program_find(vm->program, "leaf")), &n);
    return (V)abi_poison((int64_t)(result ? result : value_from_int(-1000 - (int32_t)vm->error.status)));
}

#define WEIGH_ROW(n) {"weigh" #n, n, (NativeCode *)(uintptr_t)weigh##n}
#define ALIGNED_ROW(n) {"aligned" #n, n, test_native_aligned}

static const Native test_natives[] = {
    WEIGH_ROW(0), WEIGH_ROW(1), WEIGH_ROW(2), WEIGH_ROW(3), WEIGH_ROW(4),
    WEIGH_ROW(5), WEIGH_ROW(6), WEIGH_ROW(7), WEIGH_ROW(8),
    ALIGNED_ROW(0), ALIGNED_ROW(1), ALIGNED_ROW(2), ALIGNED_ROW(3), ALIGNED_ROW(4),
    ALIGNED_ROW(5), ALIGNED_ROW(6), ALIGNED_ROW(7), ALIGNED_ROW(8),
    {"quiet", 1, test_native_quiet},
    {"run_leaf", 1, (NativeCode *)(uintptr_t)run_leaf},
};

void test_natives_register(Program *program) {
    natives_register(program);
    for (size_t i = 0; i < sizeof test_natives / sizeof *test_natives; i++)
        program_add_native(program, test_natives[i].name, test_natives[i].num_params, test_natives[i].code);
}

// Programs.

static Program *parse(const char *file, const char *text, size_t length) {
    Program *program = program_new(file);
    test_natives_register(program);
    Diagnostic diagnostic = {0};
    if (program_parse(program, text, length, &diagnostic) && program_verify(program, &diagnostic)) return program;
    diagnostic_print(stderr, program, &diagnostic);
    program_free(program);
    fail_msg("the program was rejected");
    abort();
}

Program *native_program_from(const char *text) { return parse("test.bca", text, strlen(text)); }

Program *native_program_from_file(const char *path) {
    char why[200];
    size_t length;
    char *text = read_file(path, &length, why, sizeof why);
    if (!text) fail_msg("%s: %s", path, why);
    Program *program = parse(path, text, length);
    free(text);
    return program;
}

JitCompiler *start(const Program *program, const Mode *mode) {
    current = mode_start(program, mode);
    return current;
}

// Probed calls.

static bool is_clean(const AbiReport *report, const char *function, const char *entered) {
    if (!report->ok)
        fprintf(stderr, "%s, entered through %s, breaks the calling convention:\n%s", function, entered, report->text);
    return report->ok;
}

static bool probe_enter(Vm *vm, const Function *function, const Value *args, Value *result) {
    AbiReport report = {.ok = true};
    uint32_t index = function_index(vm->program, function);
    const Callable *callee = &vm->callables[index];
    if (callee->is_code) {
        const int64_t enter_args[] = {
            (int64_t)(uintptr_t)vm, (int64_t)(uintptr_t)callee, (int64_t)(uintptr_t)args, function->num_params,
        };
        *result = (Value)abi_probe_call(&report, (void *)(uintptr_t)vm->enter, enter_args, 4);
    } else {
        *result = vm_call(vm, index, args); // C's code: there is nothing of ours to probe
    }
    return is_clean(&report, function->name, "the enter stub");
}

bool probe_call(JitCompiler *jit, const char *name, const int64_t *args, Outcome *outcome) {
    Vm *vm = jit_vm(jit);
    const Function *function = program_find(vm->program, name);
    Value result, *values = argument_values(vm, function_index(vm->program, function), args);
    bool ok = probe_enter(vm, function, values, &result);
    *outcome = outcome_of(vm, result);
    bool tidy = !vm->top_frame; // whatever happened, nothing is left behind
    if (!tidy) fprintf(stderr, "%s: the Vm is not as it was\n", name);
    free(values);
    return ok && tidy;
}

Outcome probed_call(JitCompiler *jit, const char *function, const int64_t *args) {
    Outcome outcome;
    if (!probe_call(jit, function, args, &outcome)) fail_msg("%s: see above", function);
    return outcome;
}

Outcome probed_run(const Program *program, const Mode *mode, const int64_t *args) {
    JitCompiler *jit = start(program, mode);
    Outcome outcome = probed_call(jit, "main", args);
    jit_free(jit);
    current = NULL;
    return outcome;
}

static bool gives(const Program *program, const Mode *mode, const int64_t *args, Outcome expected) {
    JitCompiler *jit = start(program, mode);
    Outcome outcome;
    bool clean = probe_call(jit, "main", args, &outcome);
    bool ok = clean && outcomes_agree(outcome, expected);
    jit_free(jit);
    current = NULL;
    if (ok) return true;
    program_print(stderr, program);
    fprintf(stderr, "%s: ", mode->name);
    outcome_print(stderr, outcome);
    fputs(", expected: ", stderr);
    outcome_print(stderr, expected);
    fputc('\n', stderr);
    return false;
}

bool probed_modes_agree(const Program *program, const int64_t *args) {
    JitCompiler *jit = start(program, &modes[0]);
    Outcome first = call(jit, "main", args);
    jit_free(jit);
    for (size_t i = 1; i < num_modes; i++)
        if (!gives(program, &modes[i], args, first)) return false;
    return true;
}

void assert_probed_modes_agree(const Program *program, const int64_t *args) {
    if (!probed_modes_agree(program, args)) fail_msg("see above");
}

void assert_native_returns(const char *text, const int64_t *args, int64_t expected) {
    Program *program = native_program_from(text);
    for (size_t i = 0; i < num_modes; i++)
        if (!gives(program, &modes[i], args, (Outcome){.result = expected})) fail_msg("%s: see above", modes[i].name);
    program_free(program);
}

// Listings.

char *code_lines(const JitCompiler *jit, const char *name) {
    const Function *function = program_find(jit_vm((JitCompiler *)(uintptr_t)jit)->program, name);
    size_t size, text_size = 0, length;
    const uint8_t *code = jit_code(jit, function, &size);
    char *text = NULL, instruction[DISASM_TEXT_SIZE];
    FILE *out = open_memstream(&text, &text_size);
    for (size_t at = 0; at < size; at += length) {
        length = disasm_instruction(code + at, size - at, at, instruction, sizeof instruction);
        if (length == 0) fail_msg("%s: no instruction at %zu", name, at);
        fprintf(out, "%s\n", instruction);
    }
    fclose(out);
    return text;
}

size_t count_lines(const char *lines, const char *pattern) {
    regex_t regex;
    regmatch_t match;
    size_t count = 0;
    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NEWLINE) != 0) fail_msg("bad pattern: %s", pattern);
    for (; regexec(&regex, lines, 1, &match, 0) == 0; count++) {
        lines += match.rm_eo;
        lines += strcspn(lines, "\n");
    }
    regfree(&regex);
    return count;
}
