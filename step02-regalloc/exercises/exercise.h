// What the tests of the exercises share: run a program's main function in either engine.
#ifndef EXERCISES_EXERCISE_H
#define EXERCISES_EXERCISE_H

#include "testing/test_main.h"

#include "bytecode/parse.h"
#include "bytecode/verify.h"
#include "code/disasm.h"
#include "jit.h"

// The program, parsed and verified. A fault fails the test.
static inline Program *load_text(const char *text) {
    Program *program = program_new("exercise");
    Diagnostic diagnostic;
    if (!program_parse(program, text, strlen(text), &diagnostic) || !program_verify(program, &diagnostic)) {
        print_error("line %u: %s\n", diagnostic.pos.line, diagnostic.message);
        fail();
    }
    return program;
}

static inline char *read_example(const char *name) {
    char path[100], why[100];
    size_t length;
    snprintf(path, sizeof path, "examples/%s.bca", name);
    char *text = read_file(path, &length, why, sizeof why);
    assert_non_null(text);
    text = realloc(text, length + 1);
    text[length] = '\0';
    return text;
}

// What main returns for the arguments. A run-time error fails the test, and so does an allocation that
// ra_check finds wrong.
static inline int64_t run_main(const Program *program, Tier tier, RegSet pool, const int64_t *args) {
    JitOptions options = jit_default_options;
    options.tier = tier;
    options.pool = pool;
    options.check = true;
    JitCompiler *jit = jit_new(program, &options);
    int64_t result = 0;
    RunStatus status = jit_execute(jit, "main", args, &result);
    jit_free(jit);
    assert_int_equal(status, RUN_OK);
    return result;
}

// The listing of a function's code, as text; the caller frees it.
static inline char *listing_of(const Program *program, const char *function) {
    JitCompiler *jit = jit_new(program, &jit_default_options);
    jit_compile_all(jit);
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    jit_dump_asm(out, jit, program_find(program, function));
    fclose(out);
    jit_free(jit);
    return text;
}

// The compiled code of every example gives what the interpreter gives.
static inline void check_examples(void) {
    static const struct {
        const char *name;
        int64_t args[2];
    } examples[] = {
        {"fib", {18}},      {"fib_iter", {90}},    {"factorial", {15}},    {"gcd", {1071, 462}},
        {"primes", {500}},  {"collatz", {300}},    {"ackermann", {2, 4}},  {"even_odd", {77}},
        {"sum", {1000}},    {"sum_of_quotients", {50}}, {"spill", {10, 3}}, {"swap", {10, 3}},
    };
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        char *text = read_example(examples[i].name);
        Program *program = load_text(text);
        int64_t expected = run_main(program, TIER_INTERP, 0, examples[i].args);
        int64_t compiled = run_main(program, TIER_OPT, RA_DEFAULT_POOL, examples[i].args);
        int64_t stressed = run_main(program, TIER_OPT, RA_STRESS_POOL, examples[i].args);
        if (compiled != expected || stressed != expected)
            print_error("%s gives something else compiled\n", examples[i].name);
        assert_int_equal(compiled, expected);
        assert_int_equal(stressed, expected);
        program_free(program);
        free(text);
    }
}

#endif
