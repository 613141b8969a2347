#include "checked.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

#include "object/number.h"

enum { MAX_CALLS = 500, MAX_FRAME = 1 << 16 };

// A value, as plain as it can be: this interpreter shares no operator with the engines. There are numbers,
// the specials and functions; a program that makes anything else is given up.
typedef struct Any {
    enum { IS_NUMBER, IS_SPECIAL, IS_FUNCTION } kind;
    double number; // IS_NUMBER
    uint64_t bits; // IS_SPECIAL: VALUE_TRUE ...; IS_FUNCTION: its index
} Any;

typedef struct Checker {
    const Program *program;
    CheckedRun *run;
    uint64_t max_steps;
    unsigned calls;
} Checker;

typedef struct CheckedFrame {
    const Function *function;
    uint32_t index;
    Any *locals, *operands;
    bool *written; // one for each local
    uint32_t depth;
    size_t pc;
} CheckedFrame;

// Each of these returns false: the run ends.

static bool ends(Checker *c, const CheckedFrame *frame, RunStatus status) {
    c->run->outcome = (Outcome){.status = status, .function = frame->index, .pc = frame->pc};
    return false;
}

static bool gives_up(Checker *c) {
    c->run->end = CHECKED_GAVE_UP;
    return false;
}

__attribute__((format(printf, 3, 4))) static bool fault(Checker *c, const CheckedFrame *frame, const char *format, ...) {
    c->run->end = CHECKED_FAULT;
    int length = snprintf(c->run->fault, sizeof c->run->fault, "%.30s at %zu: ", frame->function->name, frame->pc);
    va_list args;
    va_start(args, format);
    vsnprintf(c->run->fault + length, sizeof c->run->fault - (size_t)length, format, args);
    va_end(args);
    return false;
}

static Any number(double d) { return (Any){.kind = IS_NUMBER, .number = d}; }
static Any boolean(bool b) { return (Any){.kind = IS_SPECIAL, .bits = b ? VALUE_TRUE : VALUE_FALSE}; }
static Any function_value(int64_t index) { return (Any){.kind = IS_FUNCTION, .bits = (uint64_t)index}; }

static bool is_truthy(Any a) {
    if (a.kind == IS_NUMBER) return a.number != 0 && !isnan(a.number);
    return a.kind == IS_FUNCTION || a.bits == VALUE_TRUE;
}

// What arithmetic makes of a value that is no function.
static double to_number(Any a) {
    if (a.kind == IS_NUMBER) return a.number;
    return a.bits == VALUE_TRUE ? 1 : a.bits == VALUE_UNDEFINED ? NAN : 0;
}

static bool is_same(Any a, Any b) {
    if (a.kind != b.kind) return false;
    return a.kind == IS_NUMBER ? a.number == b.number : a.bits == b.bits;
}

// x modulo y by repeated subtraction of the largest y * 2^k that fits: each is exact.
static double remainder_of(double x, double y) {
    if (isnan(x) || isnan(y) || isinf(x) || y == 0) return NAN;
    double rest = fabs(x), step = fabs(y);
    if (isinf(y)) return x;
    while (rest >= step) {
        double part = step;
        while (part <= rest / 2) part *= 2;
        rest -= part;
    }
    return copysign(rest, x);
}

static bool push(Checker *c, CheckedFrame *frame, Any value) {
    if (frame->depth >= frame->function->max_depth) return fault(c, frame, "deeper than max_depth");
    frame->operands[frame->depth++] = value;
    return true;
}

static bool pop(Checker *c, CheckedFrame *frame, Any *value) {
    if (frame->depth == 0) return fault(c, frame, "the stack is empty");
    *value = frame->operands[--frame->depth];
    return true;
}

static bool binary(Checker *c, CheckedFrame *frame, Opcode opcode) {
    Any a = {0}, b = {0};
    if (!pop(c, frame, &b) || !pop(c, frame, &a)) return false;
    if (opcode == OP_EQUAL) return push(c, frame, boolean(is_same(a, b)));
    if (a.kind == IS_FUNCTION || b.kind == IS_FUNCTION) return ends(c, frame, RUN_TYPE_ERROR);
    double x = to_number(a), y = to_number(b);
    switch (opcode) {
    case OP_ADD: return push(c, frame, number(x + y));
    case OP_SUB: return push(c, frame, number(x - y));
    case OP_MUL: return push(c, frame, number(x * y));
    case OP_DIV: return push(c, frame, number(x / y));
    case OP_MOD: return push(c, frame, number(remainder_of(x, y)));
    case OP_LESS_THAN: return push(c, frame, boolean(x < y));
    default: return push(c, frame, boolean(x > y));
    }
}

static bool constant(Checker *c, CheckedFrame *frame, Value v) {
    if (value_is_number(v)) return push(c, frame, number(number_to_double(v)));
    if (value_is_pointer(v)) return gives_up(c); // a string
    return push(c, frame, (Any){.kind = IS_SPECIAL, .bits = v});
}

static bool load_function(Checker *c, CheckedFrame *frame, int64_t index) {
    if (index < 0 || (size_t)index >= c->program->num_functions) return fault(c, frame, "no such function");
    return push(c, frame, function_value(index));
}

static bool duplicate(Checker *c, CheckedFrame *frame) {
    Any top = {0};
    return pop(c, frame, &top) && push(c, frame, top) && push(c, frame, top);
}

static bool run_function(Checker *c, uint32_t index, const Any *args, Any *result);

static bool call_function(Checker *c, CheckedFrame *frame, int64_t callee) {
    if (callee < 0 || (size_t)callee >= c->program->num_functions) return fault(c, frame, "no such function");
    uint32_t n = c->program->functions[callee].num_params;
    if (n > frame->depth) return fault(c, frame, "too few arguments");
    frame->depth -= n;
    Any result;
    return run_function(c, (uint32_t)callee, frame->operands + frame->depth, &result) && push(c, frame, result);
}

static bool local(Checker *c, CheckedFrame *frame, Instruction ins) {
    if (ins.operand < 0 || ins.operand >= frame->function->num_locals) return fault(c, frame, "no such local");
    if (ins.opcode == OP_STORE_LOCAL) {
        frame->written[ins.operand] = true;
        return pop(c, frame, &frame->locals[ins.operand]);
    }
    if (!frame->written[ins.operand]) return fault(c, frame, "reads local %" PRId64 " before any write", ins.operand);
    return push(c, frame, frame->locals[ins.operand]);
}

static bool step(Checker *c, CheckedFrame *frame, bool *returned, Any *result) {
    const Function *f = frame->function;
    if (c->run->steps++ >= c->max_steps) return gives_up(c);
    if (frame->pc >= f->num_instructions) return fault(c, frame, "outside of the function");
    if (f->depth[frame->pc] != (int32_t)frame->depth)
        return fault(c, frame, "depth %u, the verifier says %d", frame->depth, f->depth[frame->pc]);
    Instruction ins = f->bytecode[frame->pc];
    size_t next = frame->pc + 1;
    Any condition = boolean(true);
    bool ok = true;
    switch (ins.opcode) {
    case OP_LOAD_CONST: ok = constant(c, frame, (Value)ins.operand); break;
    case OP_LOAD_LOCAL:
    case OP_STORE_LOCAL: ok = local(c, frame, ins); break;
    case OP_CALL: ok = call_function(c, frame, ins.operand); break;
    case OP_RETURN: ok = *returned = pop(c, frame, result); break;
    case OP_JUMP: next = (size_t)ins.operand; break;
    case OP_JUMP_IF_FALSE:
        ok = pop(c, frame, &condition);
        if (!is_truthy(condition)) next = (size_t)ins.operand;
        break;
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_DIV:
    case OP_MOD:
    case OP_EQUAL:
    case OP_LESS_THAN:
    case OP_GREATER_THAN: ok = binary(c, frame, ins.opcode); break;
    case OP_POP: ok = pop(c, frame, &condition); break;
    case OP_DUP: ok = duplicate(c, frame); break;
    case OP_LOAD_FUNCTION: ok = load_function(c, frame, ins.operand); break;
    default: ok = (unsigned)ins.opcode < NUM_OPCODES ? gives_up(c) : fault(c, frame, "no such opcode");
    }
    frame->pc = next;
    return ok;
}

static bool run_function(Checker *c, uint32_t index, const Any *args, Any *result) {
    const Function *f = &c->program->functions[index];
    if (c->calls >= MAX_CALLS || f->num_locals + f->max_depth > MAX_FRAME) return gives_up(c);
    c->calls++;
    CheckedFrame frame = {
        .function = f,
        .index = index,
        .locals = xcalloc(f->num_locals, sizeof *frame.locals),
        .operands = xcalloc(f->max_depth, sizeof *frame.operands),
        .written = xcalloc(f->num_locals, sizeof *frame.written),
    };
    for (uint32_t i = 0; i < f->num_params; i++) {
        frame.locals[i] = args[i];
        frame.written[i] = true;
    }
    bool returned = false, ok = true;
    while (ok && !returned) ok = step(c, &frame, &returned, result);
    free(frame.locals);
    free(frame.operands);
    free(frame.written);
    c->calls--;
    return ok;
}

static Outcome outcome_of_any(Any a) {
    if (a.kind == IS_NUMBER) return outcome_of_number(a.number);
    return (Outcome){.result = (int64_t)a.bits, .kind = a.kind == IS_SPECIAL ? RESULT_SPECIAL : RESULT_FUNCTION};
}

CheckedRun checked_run(const Program *program, const char *function, const int64_t *args, uint64_t max_steps) {
    CheckedRun run = {.end = CHECKED_ENDED};
    Checker c = {.program = program, .run = &run, .max_steps = max_steps};
    const Function *f = program_find(program, function);
    Any result, *values = xcalloc(f->num_params, sizeof *values);
    for (uint32_t i = 0; i < f->num_params; i++) values[i] = args[i] == A_FUNCTION ? function_value(0) : number((double)args[i]);
    if (run_function(&c, function_index(program, f), values, &result)) run.outcome = outcome_of_any(result);
    free(values);
    return run;
}
