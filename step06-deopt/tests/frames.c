#include "frames.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "object/number.h"
#include "object/string.h"
#include "traced_interp.h"

// The frames at one instruction.
typedef struct Visits {
    uint64_t *digests;
    size_t count, capacity;
} Visits;

struct FrameTrace {
    const Program *program;
    Visits **visits; // [function][pc]
    bool **live;     // [function][pc * num_locals + local]; NULL: not computed yet
};

FrameTrace *frames_new(const Program *program) {
    FrameTrace *trace = xcalloc(1, sizeof *trace);
    trace->program = program;
    trace->visits = xcalloc(program->num_functions, sizeof *trace->visits);
    trace->live = xcalloc(program->num_functions, sizeof *trace->live);
    for (size_t i = 0; i < program->num_functions; i++)
        trace->visits[i] = xcalloc(program->functions[i].num_instructions, sizeof **trace->visits);
    return trace;
}

void frames_free(FrameTrace *trace) {
    for (size_t i = 0; i < trace->program->num_functions; i++) {
        for (size_t pc = 0; pc < trace->program->functions[i].num_instructions; pc++) free(trace->visits[i][pc].digests);
        free(trace->visits[i]);
        free(trace->live[i]);
    }
    free(trace->visits);
    free(trace->live);
    free(trace);
}

// Liveness, as simple as it can be: from each read of the local, backwards until it is written.

typedef struct Reader {
    const Function *function;
    bool *live;
    uint32_t local;
} Reader;

static bool leads_to(const Function *f, uint32_t from, uint32_t to) {
    Instruction ins = f->bytecode[from];
    if (opcode_info[ins.opcode].operand == OPERAND_TARGET && (uint32_t)ins.operand == to) return true;
    return from + 1 == to && ins.opcode != OP_JUMP && ins.opcode != OP_RETURN;
}

static void mark_live(const Reader *r, uint32_t pc) {
    bool *mark = &r->live[(size_t)pc * r->function->num_locals + r->local];
    if (*mark) return;
    *mark = true;
    for (uint32_t from = 0; from < r->function->num_instructions; from++) {
        Instruction ins = r->function->bytecode[from];
        bool writes = ins.opcode == OP_STORE_LOCAL && (uint32_t)ins.operand == r->local;
        if (!writes && leads_to(r->function, from, pc)) mark_live(r, from);
    }
}

static bool *find_live(const Function *f) {
    bool *live = xcalloc((size_t)f->num_instructions * f->num_locals + 1, sizeof *live);
    for (uint32_t pc = 0; pc < f->num_instructions; pc++) {
        Instruction ins = f->bytecode[pc];
        if (ins.opcode == OP_LOAD_LOCAL) mark_live(&(Reader){f, live, (uint32_t)ins.operand}, pc);
    }
    return live;
}

bool frames_local_is_live(FrameTrace *trace, uint32_t function, uint32_t pc, uint32_t local) {
    const Function *f = &trace->program->functions[function];
    if (!trace->live[function]) trace->live[function] = find_live(f);
    return trace->live[function][(size_t)pc * f->num_locals + local];
}

// Digests.

static uint64_t mix(uint64_t digest, uint64_t word) {
    digest = (digest ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return digest ^ digest >> 29;
}

static uint64_t digest_of_value(Value v) {
    if (value_is_number(v)) {
        double d = number_to_double(v);
        return mix(1, double_bits(isnan(d) ? NAN : d));
    }
    if (!value_is_pointer(v)) return mix(2, v);
    if (value_is_string(v)) return mix(3, string_hash(value_to_string(v)));
    if (value_is_function(v)) return mix(4, ((const Callable *)value_to_pointer(v))->index);
    if (value_is_array(v)) return mix(5, value_to_array(v)->length);
    return mix(6, value_header(v)->shape);
}

uint64_t frames_digest(FrameTrace *trace, const Vm *vm, Frame *frame) {
    uint32_t index = frame_callee(frame)->index, pc = frame_info(frame)->pc;
    const Function *f = &vm->program->functions[index];
    uint32_t count = f->num_locals + (uint32_t)f->depth[pc];
    uint64_t digest = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i < f->num_locals && !frames_local_is_live(trace, index, pc, i)) continue;
        digest = mix(digest, mix(i, digest_of_value(*frame_slot(frame, i))));
    }
    return digest;
}

// Recording.

static void note_frame(void *context, Vm *vm, Frame *frame) {
    FrameTrace *trace = context;
    Visits *visits = &trace->visits[frame_callee(frame)->index][frame_info(frame)->pc];
    GROW(visits->digests, visits->count, visits->capacity);
    visits->digests[visits->count++] = frames_digest(trace, vm, frame);
}

Value frames_record(FrameTrace *trace, Vm *vm, uint32_t function, const Value *args) {
    traced_step = note_frame;
    traced_context = trace;
    return traced_call(vm, &vm->callables[function], args, vm->program->functions[function].num_params);
}

size_t frames_count(const FrameTrace *trace, uint32_t function, uint32_t pc) { return trace->visits[function][pc].count; }

uint64_t frames_digest_at(const FrameTrace *trace, uint32_t function, uint32_t pc, size_t visit) {
    return trace->visits[function][pc].digests[visit];
}

static bool visits_are_equal(const Visits *a, const Visits *b) {
    return a->count == b->count && (a->count == 0 || memcmp(a->digests, b->digests, a->count * sizeof *a->digests) == 0);
}

bool frames_are_equal(const FrameTrace *a, const FrameTrace *b) {
    for (size_t i = 0; i < a->program->num_functions; i++)
        for (size_t pc = 0; pc < a->program->functions[i].num_instructions; pc++)
            if (!visits_are_equal(&a->visits[i][pc], &b->visits[i][pc])) return false;
    return true;
}
