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

// Among them, no number but a function of the program: arithmetic with it is a TypeError.
#define A_FUNCTION INT64_C(-0x7A3C5A7A3C5A7A3C)

// What kind of value a run returned.
typedef enum ResultKind {
    RESULT_INTEGER,  // result: a number without a fraction, below 2^63, and not -0
    RESULT_NUMBER,   // the bits of any other number's double
    RESULT_SPECIAL,  // the Value: VALUE_TRUE ...
    RESULT_STRING,   // a hash of its bytes
    RESULT_FUNCTION, // its index in the program
    RESULT_OBJECT,   // its ObjectType
} ResultKind;

// How a run ended.
typedef struct Outcome {
    RunStatus status;
    int64_t result;        // of RUN_OK
    ResultKind kind;       // of result
    uint64_t function, pc; // of an error other than RUN_STACK_OVERFLOW
    char message[120];     // of an error; empty: not known
} Outcome;

// RUN_OK with this result.
Outcome outcome_of_number(double d);
Outcome outcome_of_bool(bool b);

// The same result, or the same error at the same place.
bool outcomes_agree(Outcome a, Outcome b);
void outcome_print(FILE *out, Outcome outcome);

// A verified program, to be freed with program_free. A program that is rejected fails the test.
Program *program_from(const char *text);
Program *program_from_file(const char *path);

// The program in its text form; the caller frees it.
char *program_text(const Program *program);

// A JIT with the mode's functions compiled, to be freed with jit_free. With options.stress guards fail.
JitCompiler *mode_start(const Program *program, const Mode *mode);

// An argument as a Value: a number, rounded as the language does, or A_FUNCTION.
Value argument_value(const Vm *vm, int64_t arg);

// The arguments of a function, as many as it has parameters; to be freed with free.
Value *argument_values(const Vm *vm, uint32_t function, const int64_t *args);

// How a call that returned this value ended.
Outcome outcome_of(const Vm *vm, Value result);

// Call a function in whatever engine it has.
Outcome call(JitCompiler *jit, const char *function, const int64_t *args);
Outcome call_values(JitCompiler *jit, const char *function, const Value *args);

// jit_execute, from integers to an integer.
RunStatus execute(JitCompiler *jit, const char *function, const int64_t *args, int64_t *result);

// Run main in one mode.
Outcome run_in_mode(const Program *program, const Mode *mode, const int64_t *args);

// Run main in every mode; each must return `expected`.
void assert_returns(const char *text, const int64_t *args, int64_t expected);

// The same, of a result that need be no integer.
void assert_ends(const char *text, const int64_t *args, Outcome expected);

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
