// What the tests of the exercises share: a program, run in any engine, and its result as a value or as text.
#ifndef EXERCISES_EXERCISE_H
#define EXERCISES_EXERCISE_H

#include "testing/test_main.h"

#include <stdlib.h>

#include "abi/natives.h"
#include "bytecode/parse.h"
#include "bytecode/verify.h"
#include "jit.h"

// A verified program with the natives of the command line. A fault in the text fails the test.
static inline Program *load_text(const char *text) {
    Program *program = program_new("exercise");
    natives_register(program);
    Diagnostic diagnostic;
    if (!program_parse(program, text, strlen(text), &diagnostic) || !program_verify(program, &diagnostic)) {
        print_error("line %u: %s\n", diagnostic.pos.line, diagnostic.message);
        fail();
    }
    return program;
}

static inline JitCompiler *new_jit(const Program *program, Tier tier, ICMode ic) {
    JitOptions options = jit_default_options;
    options.tier = tier;
    options.ic = ic;
    options.check = tier == TIER_OPT;
    return jit_new(program, &options);
}

// main's result as it would be printed must be this, in every engine and every mode of the caches.
static inline void check_prints(const char *text, const char *expected) {
    Program *program = load_text(text);
    for (Tier tier = 0; tier < NUM_TIERS; tier++) {
        for (ICMode ic = 0; ic < NUM_IC_MODES; ic++) {
            JitCompiler *jit = new_jit(program, tier, ic);
            Value result;
            char *printed = NULL;
            size_t size;
            FILE *out = open_memstream(&printed, &size);
            RunStatus status = jit_execute(jit, "main", NULL, &result);
            if (status == RUN_OK) value_print(out, jit_vm(jit), result);
            fclose(out);
            assert_int_equal(status, RUN_OK);
            assert_string_equal(printed, expected);
            free(printed);
            jit_free(jit);
        }
    }
    program_free(program);
}

#endif
