// A model of the object language: the meaning of a program, written down as plainly as possible.
//
// It shares nothing with the engines but the program and the conversions between numbers and text, which have
// tests of their own: no tags (a value is a struct), no shapes (an object is a list of names and values), no
// caches (every access walks the list, then that of the prototype).
#ifndef TESTS_MODEL_H
#define TESTS_MODEL_H

#include <stdbool.h>

#include "bytecode/program.h"
#include "interp/vm.h"

typedef struct Model Model;

// A model of one running program: what objects and prototypes have become stays from call to call.
Model *model_new(const Program *program);
void model_free(Model *model);

typedef enum ModelEnd {
    MODEL_RETURNED,
    MODEL_FAILED,
    MODEL_GAVE_UP, // more steps than allowed; the model is of no use any more
} ModelEnd;

typedef struct ModelRun {
    ModelEnd end;
    char *text;       // MODEL_RETURNED: what the program would print; owned by the model
    RunStatus status; // MODEL_FAILED
    uint32_t function, pc;
} ModelRun;

// Call a function of numbers; at most so many instructions.
ModelRun model_call(Model *model, uint32_t function, const double *args, uint64_t max_steps);

#endif
