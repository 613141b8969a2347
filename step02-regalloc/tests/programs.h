// What most tests need: programs from text, and running them in every mode.
#ifndef TESTS_PROGRAMS_H
#define TESTS_PROGRAMS_H

#include <stdbool.h>

#include "bytecode/parse.h"
#include "bytecode/verify.h"
#include "jit.h"
#include "modes.h"

// Slow machinery is on: fewer repetitions, please.
#if defined(__SANITIZE_ADDRESS__)
enum { SANITIZED = 1 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif
#else
enum { SANITIZED = 0 };
#endif

// Arguments of a run: ARGS(1, 2), or NULL.
#define ARGS(...) ((const int64_t[]){__VA_ARGS__})

enum { MAX_TEST_PARAMS = 64 };

// How a run ended.
typedef struct Outcome {
    RunStatus status;
    int64_t result;        // of RUN_OK
    uint64_t function, pc; // of an error other than RUN_STACK_OVERFLOW
} Outcome;

// The same result, or the same error at the same place.
bool outcomes_agree(Outcome a, Outcome b);
void outcome_print(FILE *out, Outcome outcome);

// A verified program, to be freed with program_free. A program that is rejected fails the test.
Program *program_from(const char *text);
Program *program_from_file(const char *path);

// The program in its text form; the caller frees it.
char *program_text(const Program *program);

// A JIT with the mode's functions compiled, to be freed with jit_free.
JitCompiler *mode_start(const Program *program, const Mode *mode);

// Call a function in whatever engine it has.
Outcome call(JitCompiler *jit, const char *function, const int64_t *args);

// Run main in one mode.
Outcome run_in_mode(const Program *program, const Mode *mode, const int64_t *args);

// Run main in every mode; each must return `expected`.
void assert_returns(const char *text, const int64_t *args, int64_t expected);

// Run main in every mode; each must end with the same error, at the given line of the text. For
// RUN_STACK_OVERFLOW the line is 0.
void assert_run_error(const char *text, const int64_t *args, RunStatus status, uint32_t line);

// Run main in every mode; all must end as the interpreter does.
void assert_modes_agree(const Program *program, const int64_t *args);

// The programs in examples/, with arguments that make a short run, and the result.
typedef struct Example {
    const char *path;
    int64_t args[2];
    int64_t result;
} Example;

extern const Example examples[];
extern const size_t num_examples;

#endif
