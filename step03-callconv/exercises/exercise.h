// What the tests of the exercises share: a program with natives of its own, run in any engine.
#ifndef EXERCISES_EXERCISE_H
#define EXERCISES_EXERCISE_H

#include "testing/test_main.h"

#include "abi/natives.h"
#include "bytecode/parse.h"
#include "bytecode/verify.h"
#include "jit.h"

// An empty program with the natives of the command line. Add others before load_text.
static inline Program *new_program(void) {
    Program *program = program_new("exercise");
    natives_register(program);
    return program;
}

// Parse and verify. A fault fails the test.
static inline void load_text(Program *program, const char *text) {
    Diagnostic diagnostic;
    if (program_parse(program, text, strlen(text), &diagnostic) && program_verify(program, &diagnostic)) return;
    print_error("line %u: %s\n", diagnostic.pos.line, diagnostic.message);
    fail();
}

// What main returns. A run-time error fails the test.
static inline int64_t run_main(const Program *program, Tier tier, bool check, const int64_t *args) {
    JitOptions options = jit_default_options;
    options.tier = tier;
    options.check = check;
    JitCompiler *jit = jit_new(program, &options);
    int64_t result = 0;
    RunStatus status = jit_execute(jit, "main", args, &result);
    jit_free(jit);
    assert_int_equal(status, RUN_OK);
    return result;
}

#endif
