// The JIT as a whole: calls, alignment, errors that leave through many frames, the function cache, the
// code buffer's end, and the promises to callers in C.
#include "jit.h"

#include <inttypes.h>

#include "code/disasm.h"
#include "interp/interp.h"
#include "programs.h"
#include "random_program.h"
#include "testing/abi_probe.h"
#include "testing/test_main.h"

// Calls: 0 to 40 parameters, below them 0 to 3 operands.

enum { MOST_PARAMS = 40, FIRST_ARG = 101 };

// main pushes `below` operands of 1000 each, then the arguments, calls f, and adds everything up.
static char *calling_program(int num_params, int below) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    fputs("func main params=0\n", out);
    for (int i = 0; i < below; i++) fputs(" load_const 1000\n", out);
    for (int i = 0; i < num_params; i++) fprintf(out, " load_const %d\n", FIRST_ARG + i);
    fputs(" call f\n", out);
    for (int i = 0; i < below; i++) fputs(" add\n", out);
    fputs(" return\nend\n", out);
    // f(a, b, c ...) = (((0 * 31 + a) * 31 + b) * 31 + c) ... modulo a prime
    fprintf(out, "func f params=%d\n load_const 0\n", num_params);
    for (int i = 0; i < num_params; i++) fprintf(out, " load_const 31\n mul\n load_local %d\n add\n load_const 1000003\n mod\n", i);
    fputs(" return\nend\n", out);
    fclose(out);
    return text;
}

static int64_t checksum(const int64_t *args, int n) {
    int64_t sum = 0;
    for (int i = 0; i < n; i++) sum = (sum * 31 + args[i]) % 1000003;
    return sum;
}

static int64_t expected_checksum(int num_params) {
    int64_t args[MOST_PARAMS];
    for (int i = 0; i < num_params; i++) args[i] = FIRST_ARG + i;
    return checksum(args, num_params);
}

static void test_calls_with_any_number_of_parameters(void **state) {
    (void)state;
    for (int n = 0; n <= MOST_PARAMS; n++) {
        for (int below = 0; below < 4; below++) {
            char *text = calling_program(n, below);
            int64_t expected = (int64_t)((uint64_t)expected_checksum(n) + (uint64_t)(below * 1000));
            assert_returns(text, NULL, expected);
            free(text);
        }
    }
}

// A C function in the place of f: is the stack aligned, and where are the arguments?

static struct {
    int num_params;
    int calls;
    bool aligned, in_place;
} callee;

// The registers of the convention become C's parameters; the stack stays as it is.
Value called_in_c(uint32_t num_args, const Callable *callable, const Vm *vm);
__attribute__((naked)) static void c_callee(void) {
    __asm__("mov %eax, %edi\n mov %rcx, %rsi\n mov %r14, %rdx\n jmp called_in_c");
}

__attribute__((noinline, used, no_sanitize("address", "undefined")))
Value called_in_c(uint32_t num_args, const Callable *callable, const Vm *vm) {
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0); // the return address lies above it
    const Value *args = (const Value *)(frame + FRAME_ARGUMENTS);
    callee.calls++;
    callee.aligned = frame % 16 == 0;
    callee.in_place = num_args == (uint32_t)callee.num_params && callable == &vm->callables[1];
    for (int i = 0; i < callee.num_params; i++)
        if (args[i] != value_from_int(FIRST_ARG + i)) callee.in_place = false;
    return (Value)abi_poison((int64_t)value_from_int(7));
}

static void test_alignment_and_places_of_arguments(void **state) {
    (void)state;
    for (int n = 0; n <= MOST_PARAMS; n++) {
        for (int below = 0; below < 4; below++) {
            char *text = calling_program(n, below);
            Program *program = program_from(text);
            for (size_t m = 1; m < num_modes; m++) {
                JitCompiler *jit = mode_start(program, &modes[m]);
                jit_vm(jit)->callables[1].entry = (void *)(uintptr_t)c_callee;
                jit_vm(jit)->callables[1].is_code = true;
                callee.num_params = n;
                callee.calls = 0;
                Outcome outcome = call(jit, "main", NULL);
                assert_int_equal(outcome.result, 7 + 1000 * below);
                assert_int_equal(callee.calls, 1);
                if (!callee.aligned) fail_msg("%s: rsp is not aligned: %d arguments above %d operands", modes[m].name, n, below);
                if (!callee.in_place) fail_msg("%s: wrong arguments: %d above %d operands", modes[m].name, n, below);
                jit_free(jit);
            }
            program_free(program);
            free(text);
        }
    }
}

// The enter stub on its own: from C to C.
static void test_enter_stub(void **state) {
    (void)state;
    for (int n = 0; n <= MOST_PARAMS; n++) {
        char *text = calling_program(n, 0);
        Program *program = program_from(text);
        JitCompiler *jit = jit_new(program, &jit_default_options);
        jit_vm(jit)->callables[1].entry = (void *)(uintptr_t)c_callee;
        jit_vm(jit)->callables[1].is_code = true;
        int64_t args[MOST_PARAMS + 1];
        for (int i = 0; i < n; i++) args[i] = FIRST_ARG + i;
        callee.num_params = n;
        Outcome outcome = call(jit, "f", args);
        assert_int_equal(outcome.result, 7);
        assert_true(callee.aligned && callee.in_place);
        jit_free(jit);
        program_free(program);
        free(text);
    }
}

static void test_mutual_recursion_of_three_engines(void **state) {
    (void)state;
    static const char text[] =
        "func main params=2\n load_local 0\n load_local 1\n call a\n return\nend\n"
        "func a params=2\n load_local 0\n jump_if_false x\n load_local 0\n load_const 1\n sub\n load_local 1\n load_const 3\n mul\n call b\n return\n"
        "x: load_local 1\n return\nend\n"
        "func b params=2\n load_const 5\n load_local 0\n jump_if_false x\n load_local 0\n load_const 1\n sub\n load_local 1\n load_const 1\n sub\n"
        " call c\n add\n return\nx: load_local 1\n add\n return\nend\n"
        "func c params=2\n load_local 0\n jump_if_false x\n load_local 0\n load_const 1\n sub\n load_local 1\n load_const 2\n div\n call a\n return\n"
        "x: load_local 1\n return\nend\n";
    Program *program = program_from(text);
    for (int64_t depth = 0; depth < 200; depth += 7) assert_modes_agree(program, ARGS(depth, 1000000007));
    program_free(program);
}

// Every subset of four functions compiled, the others interpreted; an error in the innermost.
static void test_errors_that_cross_engines(void **state) {
    (void)state;
    static const char text[] = "func main params=1\n load_const 1\n load_local 0\n call a\n add\n return\nend\n"
                               "func a params=1\n load_local 0\n call b\n load_const 2\n add\n return\nend\n"
                               "func b params=1\n load_const 3\n load_const 4\n load_local 0\n load_const 0\n load_const 0\n load_const 0\n load_const 0\n"
                               " load_const 0\n load_const 0\n call c\n add\n add\n return\nend\n"
                               "func c params=7\n load_const 60\n load_local 0\n div\n return\nend\n";
    Program *program = program_from(text);
    for (size_t m = 1; m < num_modes; m++) {
        for (uint64_t compiled = 0; compiled < 16; compiled++) {
            Mode mode = {modes[m].name, modes[m].options, compiled};
            JitCompiler *jit = mode_start(program, &mode);
            for (int round = 0; round < 3; round++) {
                Outcome outcome = call(jit, "main", ARGS(A_FUNCTION));
                assert_int_equal(outcome.status, RUN_TYPE_ERROR);
                assert_int_equal(outcome.function, 3);
                assert_int_equal(outcome.pc, 2);
                outcome = call(jit, "main", ARGS(6));
                assert_int_equal(outcome.status, RUN_OK);
                assert_int_equal(outcome.result, 20);
            }
            jit_free(jit);
        }
    }
    program_free(program);
}

// The function cache.

static void test_compiling_again_does_nothing(void **state) {
    (void)state;
    Program *program = program_from_file("examples/fib.bca");
    for (size_t m = 1; m < num_modes; m++) {
        JitCompiler *jit = jit_new(program, &modes[m].options);
        const Function *fib = program_find(program, "fib");
        assert_null(jit_entry(jit, fib));
        assert_int_equal(jit_compile(jit, fib), COMPILE_OK);
        void *entry = jit_entry(jit, fib);
        size_t used = jit_code_used(jit);
        assert_non_null(entry);
        assert_int_equal(jit_compile(jit, fib), COMPILE_OK);
        assert_ptr_equal(jit_entry(jit, fib), entry);
        assert_int_equal(jit_code_used(jit), used);
        assert_int_equal(jit_compile_all(jit), 2); // main joins
        assert_ptr_equal(jit_entry(jit, fib), entry);
        if (modes[m].options.opt_after || modes[m].options.stress) { // more is compiled when main runs
            jit_free(jit);
            continue;
        }
        used = jit_code_used(jit);
        int64_t result;
        assert_int_equal(execute(jit, "main", ARGS(10), &result), RUN_OK);
        assert_int_equal(result, 55);
        assert_int_equal(jit_code_used(jit), used);
        jit_free(jit);
    }
    program_free(program);
}

// What is compiled later is called at once by what was compiled before.
static void test_compiling_while_running(void **state) {
    (void)state;
    Program *program = program_from_file("examples/even_odd.bca");
    for (size_t m = 1; m < num_modes; m++) {
        JitCompiler *jit = jit_new(program, &modes[m].options);
        for (size_t i = 0; i < program->num_functions; i++) {
            assert_int_equal(call(jit, "main", ARGS(7)).result, 0);
            assert_int_equal(jit_compile(jit, &program->functions[i]), COMPILE_OK);
            assert_int_equal(call(jit, "main", ARGS(8)).result, 1);
        }
        jit_free(jit);
    }
    program_free(program);
}

static void test_two_jits_over_one_program(void **state) {
    (void)state;
    Program *program = program_from_file("examples/gcd.bca");
    JitCompiler *first = jit_new(program, &jit_default_options), *second = jit_new(program, &jit_default_options);
    int64_t a, b;
    assert_int_equal(execute(first, "main", ARGS(1071, 462), &a), RUN_OK);
    assert_int_equal(execute(second, "main", ARGS(17, 51), &b), RUN_OK);
    assert_int_equal(a, 21);
    assert_int_equal(b, 17);
    jit_free(first);
    assert_int_equal(execute(second, "main", ARGS(1071, 462), &b), RUN_OK);
    assert_int_equal(b, 21);
    jit_free(second);
    program_free(program);
}

static void test_interpreting_compiles_nothing(void **state) {
    (void)state;
    Program *program = program_from_file("examples/gcd.bca");
    JitCompiler *jit = jit_new(program, &(JitOptions){.tier = TIER_INTERP, .code_size = 1 << 16, .heap_size = 1 << 20});
    int64_t result;
    assert_int_equal(jit_compile(jit, &program->functions[0]), COMPILE_NOT);
    assert_int_equal(execute(jit, "main", ARGS(1071, 462), &result), RUN_OK);
    assert_int_equal(result, 21);
    assert_null(jit_entry(jit, &program->functions[0]));
    jit_free(jit);
    program_free(program);
}

// From C.

// A C function may call any function of the program through the enter stub, with any number of arguments.
static void test_enter_makes_c_functions_of_them(void **state) {
    (void)state;
    Program *program = program_from(
        "func none params=0\n load_const -7\n return\nend\n"
        "func sub2 params=2\n load_local 0\n load_local 1\n sub\n return\nend\n"
        "func nine params=9\n load_local 0\n load_local 8\n call sub2\n load_local 6\n load_local 7\n call sub2\n mul\n return\nend\n"
        "func last params=9\n load_local 8\n return\nend\n");
    for (size_t m = 1; m < num_modes; m++) {
        JitCompiler *jit = jit_new(program, &modes[m].options);
        jit_compile_all(jit);
        Vm *vm = jit_vm(jit);
        Value ints[12];
        for (int i = 0; i < 12; i++) ints[i] = value_from_int(i);
        assert_int_equal(vm->enter(vm, &vm->callables[0], NULL, 0), value_from_int(-7));
        assert_int_equal(vm->enter(vm, &vm->callables[1], ints + 1, 2), value_from_int(-1));
        assert_int_equal(vm->enter(vm, &vm->callables[2], ints + 1, 9), value_from_int((1 - 9) * (7 - 8)));
        for (size_t n = 0; n < 12; n++)
            assert_int_equal(vm->enter(vm, &vm->callables[3], ints, n), n < 9 ? VALUE_UNDEFINED : value_from_int(8));
        jit_free(jit);
    }
    program_free(program);
}

// An error in code that was entered straight from C comes back as no value, like any other.
static void test_error_without_a_run(void **state) {
    (void)state;
    Program *program = program_from("func main params=1\n load_const 1\n load_local 0\n div\n return\nend\n");
    JitCompiler *jit = jit_new(program, &jit_default_options);
    jit_compile_all(jit);
    Vm *vm = jit_vm(jit);
    const Value function = value_from_pointer(vm->callables), one = value_from_int(1);
    assert_int_equal(vm->enter(vm, &vm->callables[0], &function, 1), NO_VALUE);
    assert_int_equal(vm->error.status, RUN_TYPE_ERROR);
    assert_int_equal(vm->error.pc, 2);
    assert_int_equal(vm->enter(vm, &vm->callables[0], &one, 1), one);
    jit_free(jit);
    program_free(program);
}

// Do the code and the stubs keep the promises of the calling convention?
static void assert_keeps_promises(JitCompiler *jit, const int64_t *args, Outcome expected) {
    const Program *program = jit_vm(jit)->program;
    const Function *function = program_find(program, "main");
    AbiReport report;
    Vm *vm = jit_vm(jit);
    Value *values = argument_values(vm, function_index(program, function), args);
    const int64_t enter_args[] = {
        (int64_t)(uintptr_t)vm, (int64_t)(uintptr_t)&vm->callables[function_index(program, function)],
        (int64_t)(uintptr_t)values, function->num_params,
    };
    Value result = (Value)abi_probe_call(&report, (void *)(uintptr_t)vm->enter, enter_args, 4);
    if (!report.ok) fail_msg("enter: %s", report.text);
    assert_true(outcomes_agree(outcome_of(vm, result), expected));
    free(values);
}

static void test_promises_of_the_examples(void **state) {
    (void)state;
    for (size_t i = 0; i < num_examples; i++) {
        Program *program = program_from_file(examples[i].path);
        for (size_t m = 1; m < num_modes; m++) {
            JitCompiler *jit = mode_start(program, &modes[m]);
            jit_compile(jit, program_find(program, "main"));
            assert_keeps_promises(jit, examples[i].args, (Outcome){.result = examples[i].result});
            jit_free(jit);
        }
        program_free(program);
    }
}

static void test_promises_after_errors(void **state) {
    (void)state;
    Program *program = program_from("func main params=1\n load_const 1\n load_local 0\n load_const 1\n load_const 2\n load_const 3\n load_const 4\n"
                                    " load_const 5\n load_const 6\n call f\n add\n return\nend\n"
                                    "func f params=7\n load_const 12\n load_local 0\n div\n return\nend\n");
    for (size_t m = 1; m < num_modes; m++) {
        JitCompiler *jit = mode_start(program, &modes[m]);
        jit_compile(jit, program_find(program, "main"));
        assert_keeps_promises(jit, ARGS(4), (Outcome){.result = 4});
        assert_keeps_promises(jit, ARGS(A_FUNCTION), (Outcome){.status = RUN_TYPE_ERROR, .function = 1, .pc = 2});
        assert_keeps_promises(jit, ARGS(-3), (Outcome){.result = -3});
        jit_free(jit);
    }
    program_free(program);
}

static void test_promises_of_random_programs(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= (SANITIZED ? 30 : 200); seed++) {
        Program *program = random_program(seed);
        Diagnostic diagnostic;
        assert_true(program_verify(program, &diagnostic));
        static const int64_t args[4] = {3, -5, 1000000, 8};
        Outcome expected = run_in_mode(program, &modes[1], args);
        for (size_t m = 1; m < num_modes; m++) {
            JitCompiler *jit = mode_start(program, &modes[m]);
            jit_compile(jit, program_find(program, "main"));
            assert_keeps_promises(jit, args, expected);
            jit_free(jit);
        }
        program_free(program);
    }
}

// The code buffer's end.

static size_t code_needed(const Program *program, const JitOptions *options) {
    JitCompiler *jit = jit_new(program, options);
    assert_int_equal(jit_compile_all(jit), program->num_functions);
    size_t used = jit_code_used(jit);
    jit_free(jit);
    return used;
}

static size_t stubs_needed(const Program *program, const JitOptions *options) {
    JitCompiler *jit = jit_new(program, options);
    size_t used = jit_code_used(jit);
    jit_free(jit);
    return used;
}

static void run_at_every_size(const char *path, const int64_t *args, Outcome expected, JitOptions options) {
    Program *program = program_from_file(path);
    size_t enough = code_needed(program, &options), stubs = stubs_needed(program, &options), compiled = 0;
    for (size_t size = 0; size <= enough; size += SANITIZED ? 13 : size < stubs - 100 ? 11 : 1) {
        options.code_size = size;
        JitCompiler *jit = jit_new(program, &options);
        compiled = jit_compile_all(jit);
        assert_true(jit_code_used(jit) <= size);
        Outcome outcome = call(jit, "main", args);
        if (!outcomes_agree(outcome, expected)) fail_msg("%s: a wrong result with %zu bytes of code", path, size);
        jit_free(jit);
    }
    if (!SANITIZED) assert_int_equal(compiled, program->num_functions);
    program_free(program);
}

static void test_every_code_size(void **state) {
    (void)state;
    static const int64_t short_runs[][3] = {{1, 1, 3}, {4, 0, 3}, {3, 0, 0}, {5, 0, 120}, {5, 0, 5}, {10, 0, 55}, {12, 9, 3}, {8, 0, 4}, {15, 0, 1228}};
    for (size_t m = 1; m < num_modes; m++) {
        if (modes[m].compiled != UINT64_MAX || modes[m].options.ic != IC_ON) continue;
        if (modes[m].options.allocator != RA_LINEAR_SCAN || modes[m].options.disabled) continue; // nothing new there
        if (modes[m].options.opt_after || modes[m].options.stress || modes[m].options.no_speculation) continue; // test_deopt_cases.c
        for (size_t i = 0; i < num_examples; i++)
            run_at_every_size(examples[i].path, short_runs[i], (Outcome){.result = short_runs[i][2]}, modes[m].options);
    }
}

// A function that does not fit is interpreted; one after it that is small enough is compiled.
static void test_a_large_function_does_not_fit(void **state) {
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    fputs("func main params=0\n load_const 0\n", out);
    for (int i = 0; i < 2000; i++) fputs(" load_const 1\n call f\n add\n", out);
    fputs(" return\nend\nfunc f params=1\n load_local 0\n return\nend\n", out);
    fclose(out);
    Program *program = program_from(text);
    for (size_t m = 1; m < num_modes; m++) {
        JitOptions options = modes[m].options;
        options.code_size = 4000;
        JitCompiler *jit = jit_new(program, &options);
        assert_int_equal(jit_compile_all(jit), 1);
        assert_int_equal(jit_compile(jit, &program->functions[0]), COMPILE_NOT);
        assert_int_equal(jit_compile(jit, &program->functions[1]), COMPILE_OK);
        assert_null(jit_entry(jit, &program->functions[0]));
        int64_t result;
        assert_int_equal(execute(jit, "main", NULL, &result), RUN_OK);
        assert_int_equal(result, 2000);
        jit_free(jit);
    }
    program_free(program);
    free(text);
}

static const struct CMUnitTest jit_tests[] = {
    cmocka_unit_test(test_calls_with_any_number_of_parameters),
    cmocka_unit_test(test_alignment_and_places_of_arguments),
    cmocka_unit_test(test_enter_stub),
    cmocka_unit_test(test_mutual_recursion_of_three_engines),
    cmocka_unit_test(test_errors_that_cross_engines),
    cmocka_unit_test(test_compiling_again_does_nothing),
    cmocka_unit_test(test_compiling_while_running),
    cmocka_unit_test(test_two_jits_over_one_program),
    cmocka_unit_test(test_interpreting_compiles_nothing),
    cmocka_unit_test(test_enter_makes_c_functions_of_them),
    cmocka_unit_test(test_error_without_a_run),
    cmocka_unit_test(test_promises_of_the_examples),
    cmocka_unit_test(test_promises_after_errors),
    cmocka_unit_test(test_promises_of_random_programs),
    cmocka_unit_test(test_every_code_size),
    cmocka_unit_test(test_a_large_function_does_not_fit),
};
TEST_MAIN(jit_tests)
