// What the tests of the exercises share: IR from a text, through passes; IR of what a program has taught; and the
// program run in both ways.
#ifndef EXERCISES_EXERCISE_H
#define EXERCISES_EXERCISE_H

#include "testing/test_main.h"

#include "abi/natives.h"
#include "bytecode/parse.h"
#include "bytecode/verify.h"
#include "deopt/feedback.h"
#include "interp/vm.h"
#include "jit.h"
#include "object/number.h"
#include "opt/opt.h"

// The body of a function of four parameters as IR, in a program of its own. A fault fails the test.
static inline void ir_from_body(Ir *ir, const char *body) {
    char *text;
    IrFault fault;
    Diagnostic diagnostic;
    if (asprintf(&text, "func main params=4 {\n%s}\n", body) < 0) abort();
    if (!ir_parse(ir, program_new("exercise"), text, strlen(text), &diagnostic))
        fail_msg("%u:%u: %s in\n%s", diagnostic.pos.line, diagnostic.pos.column, diagnostic.message, text);
    if (!ir_verify(ir, &fault)) fail_msg("the text: %s", fault.message);
    free(text);
}

static inline void ir_discard(Ir *ir) {
    Program *program = ir->program;
    ir_free(ir);
    program_free(program);
}

// The pass with this name. Fails the test if there is none.
static inline void run_pass(Ir *ir, const char *name) {
    IrFault fault;
    OptPass pass = opt_find(name, strlen(name));
    if (pass == NUM_OPT_PASSES) fail_msg("there is no pass '%s'", name);
    opt_pass_info[pass].run(ir);
    if (!ir_verify(ir, &fault)) fail_msg("behind %s: %s", name, fault.message);
}

// How the value that the function returns is computed, without names: "add" or "const 5". The function has one
// return. Free it.
static inline char *returned(const Ir *ir) {
    char *line;
    size_t size;
    Ref value = NO_REF;
    for (uint32_t b = 0; b < ir->num_blocks; b++)
        IR_EACH(ir, b, ref)
            if (ir->ins[ref].op == IR_RETURN) value = ir_args(ir, ref)[0];
    FILE *out = open_memstream(&line, &size);
    if (ir_is_const(ir, value)) ir_print_ins(out, ir, value, 0);
    else fprintf(out, "v = %s", ir_info(ir, value)->mnemonic);
    fclose(out);
    char *result = strdup(strstr(line, "= ") + 2);
    free(line);
    return result;
}

// Behind the pass, what is returned is computed like this.
static inline void assert_returned(const char *pass, const char *body, const char *expected) {
    Ir ir;
    ir_from_body(&ir, body);
    run_pass(&ir, pass);
    char *result = returned(&ir);
    if (strcmp(result, expected) != 0) fail_msg("'%s', not '%s', is returned by\n%s", result, expected, body);
    free(result);
    ir_discard(&ir);
}

// The program prints the same value in the interpreter and in optimised code.
static inline void assert_same_result(const char *text, const Value *args) {
    Diagnostic diagnostic;
    double results[2];
    const Tier tiers[] = {TIER_INTERP, TIER_OPT};
    for (int i = 0; i < 2; i++) {
        Program *program = program_new("exercise");
        natives_register(program);
        if (!program_parse(program, text, strlen(text), &diagnostic) || !program_verify(program, &diagnostic))
            fail_msg("line %u: %s", diagnostic.pos.line, diagnostic.message);
        JitOptions options = jit_default_options;
        options.tier = tiers[i];
        options.check = true;
        JitCompiler *jit = jit_new(program, &options);
        Value result;
        assert_int_equal(jit_execute(jit, "main", args, &result), RUN_OK);
        assert_true(value_is_number(result));
        results[i] = number_to_double(result);
        jit_free(jit);
        program_free(program);
    }
    if (memcmp(&results[0], &results[1], sizeof results[0]) != 0)
        fail_msg("%g in the interpreter, %g in optimised code:\n%s", results[0], results[1], text);
}

// How many operations of a kind the function has, when its program has been interpreted once and the function is
// built with bets on what that has taught.
static inline unsigned count_learned(const char *text, const char *function, IrOp op) {
    Diagnostic diagnostic;
    IrFault fault;
    Ir ir;
    unsigned count = 0;
    Program *program = program_new("exercise");
    natives_register(program);
    if (!program_parse(program, text, strlen(text), &diagnostic) || !program_verify(program, &diagnostic))
        fail_msg("line %u: %s", diagnostic.pos.line, diagnostic.message);
    Vm *vm = vm_new(program, DEFAULT_HEAP_SIZE);
    assert_true(vm_call(vm, function_index(program, program_find(program, "main")), NULL) != NO_VALUE);
    uint32_t index = function_index(program, program_find(program, function));
    const Speculation speculation = {vm, vm->feedback[index]};
    assert_true(ir_build_speculating(&ir, program, index, &speculation));
    if (!ir_verify(&ir, &fault)) fail_msg("construction: %s", fault.message);
    for (uint32_t b = 0; b < ir.num_blocks; b++)
        IR_EACH(&ir, b, ref) count += ir.ins[ref].op == op;
    ir_free(&ir);
    vm_free(vm);
    program_free(program);
    return count;
}

#endif
