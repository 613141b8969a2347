#include "checked.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

enum { MAX_CALLS = 500, MAX_FRAME = 1 << 16 };

typedef struct Checker {
    const Program *program;
    CheckedRun *run;
    uint64_t max_steps;
    unsigned calls;
} Checker;

typedef struct Frame {
    const Function *function;
    uint32_t index;
    int64_t *locals, *operands;
    bool *written; // one for each local
    uint32_t depth;
    size_t pc;
} Frame;

// Each of these returns false: the run ends.

static bool ends(Checker *c, const Frame *frame, RunStatus status) {
    c->run->outcome = (Outcome){.status = status, .function = frame->index, .pc = frame->pc};
    return false;
}

static bool gives_up(Checker *c) {
    c->run->end = CHECKED_GAVE_UP;
    return false;
}

__attribute__((format(printf, 3, 4))) static bool fault(Checker *c, const Frame *frame, const char *format, ...) {
    c->run->end = CHECKED_FAULT;
    int length = snprintf(c->run->fault, sizeof c->run->fault, "%.30s at %zu: ", frame->function->name, frame->pc);
    va_list args;
    va_start(args, format);
    vsnprintf(c->run->fault + length, sizeof c->run->fault - (size_t)length, format, args);
    va_end(args);
    return false;
}

static bool push(Checker *c, Frame *frame, int64_t value) {
    if (frame->depth >= frame->function->max_depth) return fault(c, frame, "deeper than max_depth");
    frame->operands[frame->depth++] = value;
    return true;
}

static bool pop(Checker *c, Frame *frame, int64_t *value) {
    if (frame->depth == 0) return fault(c, frame, "the stack is empty");
    *value = frame->operands[--frame->depth];
    return true;
}

static int64_t wrap(__int128 value) { return (int64_t)(uint64_t)(unsigned __int128)value; }

static bool binary(Checker *c, Frame *frame, Opcode opcode) {
    int64_t a = 0, b = 0;
    if (!pop(c, frame, &b) || !pop(c, frame, &a)) return false;
    switch (opcode) {
    case OP_ADD: return push(c, frame, wrap((__int128)a + b));
    case OP_SUB: return push(c, frame, wrap((__int128)a - b));
    case OP_MUL: return push(c, frame, wrap((__int128)a * b));
    case OP_DIV:
        if (b == 0) return ends(c, frame, RUN_DIVISION_BY_ZERO);
        if ((__int128)a / b != wrap((__int128)a / b)) return ends(c, frame, RUN_DIVISION_OVERFLOW);
        return push(c, frame, wrap((__int128)a / b));
    case OP_EQUAL: return push(c, frame, a == b);
    case OP_LESS_THAN: return push(c, frame, a < b);
    default: return push(c, frame, a > b);
    }
}

static bool run_function(Checker *c, uint32_t index, const int64_t *args, int64_t *result);

static bool call_function(Checker *c, Frame *frame, int64_t callee) {
    if (callee < 0 || (size_t)callee >= c->program->num_functions) return fault(c, frame, "no such function");
    uint32_t n = c->program->functions[callee].num_params;
    if (n > frame->depth) return fault(c, frame, "too few arguments");
    frame->depth -= n;
    int64_t result;
    return run_function(c, (uint32_t)callee, frame->operands + frame->depth, &result) && push(c, frame, result);
}

static bool local(Checker *c, Frame *frame, Instruction ins) {
    if (ins.operand < 0 || ins.operand >= frame->function->num_locals) return fault(c, frame, "no such local");
    if (ins.opcode == OP_STORE_LOCAL) {
        frame->written[ins.operand] = true;
        return pop(c, frame, &frame->locals[ins.operand]);
    }
    if (!frame->written[ins.operand]) return fault(c, frame, "reads local %" PRId64 " before any write", ins.operand);
    return push(c, frame, frame->locals[ins.operand]);
}

static bool step(Checker *c, Frame *frame, bool *returned, int64_t *result) {
    const Function *f = frame->function;
    if (c->run->steps++ >= c->max_steps) return gives_up(c);
    if (frame->pc >= f->num_instructions) return fault(c, frame, "outside of the function");
    if (f->depth[frame->pc] != (int32_t)frame->depth)
        return fault(c, frame, "depth %u, the verifier says %d", frame->depth, f->depth[frame->pc]);
    Instruction ins = f->bytecode[frame->pc];
    size_t next = frame->pc + 1;
    int64_t condition = 1;
    bool ok = true;
    switch (ins.opcode) {
    case OP_LOAD_CONST: ok = push(c, frame, ins.operand); break;
    case OP_LOAD_LOCAL:
    case OP_STORE_LOCAL: ok = local(c, frame, ins); break;
    case OP_CALL: ok = call_function(c, frame, ins.operand); break;
    case OP_RETURN: ok = *returned = pop(c, frame, result); break;
    case OP_JUMP: next = (size_t)ins.operand; break;
    case OP_JUMP_IF_FALSE:
        ok = pop(c, frame, &condition);
        if (!condition) next = (size_t)ins.operand;
        break;
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_DIV:
    case OP_EQUAL:
    case OP_LESS_THAN:
    case OP_GREATER_THAN: ok = binary(c, frame, ins.opcode); break;
    default: ok = (unsigned)ins.opcode < NUM_OPCODES ? gives_up(c) : fault(c, frame, "no such opcode");
    }
    frame->pc = next;
    return ok;
}

static bool run_function(Checker *c, uint32_t index, const int64_t *args, int64_t *result) {
    const Function *f = &c->program->functions[index];
    if (c->calls >= MAX_CALLS || f->num_locals + f->max_depth > MAX_FRAME) return gives_up(c);
    c->calls++;
    Frame frame = {
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

CheckedRun checked_run(const Program *program, const char *function, const int64_t *args, uint64_t max_steps) {
    CheckedRun run = {.end = CHECKED_ENDED};
    Checker c = {.program = program, .run = &run, .max_steps = max_steps};
    int64_t result;
    if (run_function(&c, function_index(program, program_find(program, function)), args, &result))
        run.outcome = (Outcome){.result = result};
    return run;
}
