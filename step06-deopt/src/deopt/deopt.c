#include "deopt/deopt.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "base/memory.h"
#include "backend/regalloc.h"
#include "baseline/stubs.h"
#include "bytecode/parse.h"
#include "interp/interp.h"
#include "object/number.h"

enum { NUM_REGS = 16 };

const char *const deopt_reason_texts[NUM_DEOPT_REASONS] = {
#define TEXT_ROW(name, text) [DEOPT_##name] = text,
    DEOPT_REASONS(TEXT_ROW)
#undef TEXT_ROW
};

// Where generated code goes on, or with what the function returns.
typedef struct Continuation {
    const uint8_t *code; // NULL: return ...
    uint64_t argument;   // ... this; else the size of the frame that the code expects
} Continuation;

// Rebuilding.

static uint64_t raw_bits(const DeoptValue *value, Frame *frame, const uint64_t *registers) {
    if (value->where == DEOPT_CONST) return (uint64_t)value->imm;
    return value->where == DEOPT_REG ? registers[value->index] : *frame_slot(frame, value->index);
}

// NO_VALUE if a heap number is needed and the heap is full.
static Value rebuild_value(Vm *vm, const DeoptValue *value, Frame *frame, const uint64_t *registers) {
    uint64_t bits = raw_bits(value, frame, registers);
    switch (value->rep) {
    case REP_I32: return value_from_int((int32_t)(uint32_t)bits);
    case REP_F64: return number_from_double(&vm->heap, double_from_bits(bits));
    default: return bits;
    }
}

// All slots are computed before the first is written: they take the place of what they are computed from.
static bool rebuild_slots(Vm *vm, const DeoptExit *exit, Frame *frame, const uint64_t *registers) {
    enum { FEW = 32 };
    Value few[FEW], *values = exit->num_values <= FEW ? few : xmalloc(exit->num_values * sizeof *values);
    bool ok = true;
    for (uint32_t i = 0; i < exit->num_values && ok; i++) {
        values[i] = rebuild_value(vm, &exit->values[i], frame, registers);
        ok = values[i] != NO_VALUE;
    }
    for (uint32_t i = 0; i < exit->num_values && ok; i++) *frame_slot(frame, i) = values[i];
    if (values != few) free(values);
    return ok;
}

static Continuation fail_at(Vm *vm, const DeoptExit *exit) {
    return (Continuation){NULL, vm_fail_at(vm, exit->code->function, exit->pc)};
}

static Continuation out_of_memory(Vm *vm, const DeoptExit *exit) {
    vm_fail(vm, RUN_OUT_OF_MEMORY, "out of memory");
    return fail_at(vm, exit);
}

// The frame's slots are in place: it becomes one of the interpreter, or of baseline code, before instruction pc.
static Continuation go_on(Vm *vm, Frame *frame, uint32_t function, uint32_t pc) {
    FrameInfo *info = frame_info(frame);
    uint32_t size = 0;
    const uint8_t *code = vm->deopt->resume_at(vm, function, pc, &size);
    info->pc = pc;
    info->kind = code ? FRAME_BASELINE : FRAME_INTERP;
    if (code) return (Continuation){code, size};
    return (Continuation){NULL, interp_run(vm, frame)};
}

static DeoptCode *code_of(Vm *vm, Frame *frame) {
    if (frame_info(frame)->kind != FRAME_OPT) fatal("frame of kind %u has no exits", frame_info(frame)->kind);
    return vm->deopt->codes[frame_info(frame)->pc];
}

static void observe(Vm *vm, DeoptEvent event) {
    vm->deopt->num_deopts++;
    if (vm->deopt->observe) vm->deopt->observe(vm->deopt->context, vm, &event);
}

// Guards.

// Did this guard fail because it was told to?
static bool was_forced(Deopt *deopt, const DeoptExit *exit) {
    bool one = exit->visits > 0 && exit->countdown == 0;
    bool any = deopt->is_armed && deopt->countdown == 0;
    if (any) deopt->countdown = deopt->every;
    if (any && !deopt->every) deopt->is_armed = false;
    return one || any;
}

static Continuation deopt_take(Vm *vm, Frame *frame, uint32_t number, const uint64_t *registers) {
    DeoptCode *code = code_of(vm, frame);
    DeoptExit *exit = &code->exits[number];
    bool is_forced = was_forced(vm->deopt, exit);
    vm->top_frame = frame;
    Value found = rebuild_value(vm, &exit->subject, frame, registers);
    if (!rebuild_slots(vm, exit, frame, registers)) return out_of_memory(vm, exit);
    uint32_t depth = exit->num_values - vm->program->functions[code->function].num_locals;
    frame_info(frame)->pc = exit->pc;
    frame_info(frame)->kind = FRAME_INTERP;
    observe(vm, (DeoptEvent){exit, is_forced, found, frame, depth});
    if (!is_forced) vm->deopt->lost(vm, exit, found);
    return go_on(vm, frame, code->function, exit->pc);
}

// Lazy exits.

static const uint8_t *take_lazy_return(Deopt *deopt, const Frame *frame) {
    for (size_t i = deopt->num_lazy; i-- > 0;) {
        if (deopt->lazy[i].frame != frame) continue;
        const uint8_t *address = deopt->lazy[i].address;
        deopt->lazy[i] = deopt->lazy[--deopt->num_lazy];
        return address;
    }
    fatal("no return address is known for frame %p", (const void *)frame);
}

static const DeoptExit *lazy_exit(const DeoptCode *code, const uint8_t *address) {
    for (uint32_t i = 0; i < code->num_exits; i++)
        if (code->exits[i].is_lazy && code->start + code->exits[i].return_offset == address) return &code->exits[i];
    fatal("code %u has no exit behind the call at +%td", code->id, address - code->start);
}

static Continuation deopt_take_lazy(Vm *vm, Frame *frame, Value result, const uint64_t *registers) {
    DeoptCode *code = code_of(vm, frame);
    const DeoptExit *exit = lazy_exit(code, take_lazy_return(vm->deopt, frame));
    vm->top_frame = frame;
    if (result == NO_VALUE) return fail_at(vm, exit);
    bool pushes = opcode_info[vm->program->functions[code->function].bytecode[exit->pc].opcode].pushes > 0;
    if (!rebuild_slots(vm, exit, frame, registers)) return out_of_memory(vm, exit);
    if (pushes) *frame_slot(frame, exit->num_values) = result;
    uint32_t depth = exit->num_values - vm->program->functions[code->function].num_locals + pushes;
    frame_info(frame)->pc = exit->pc + 1;
    frame_info(frame)->kind = FRAME_INTERP;
    observe(vm, (DeoptEvent){exit, false, result, frame, depth});
    return go_on(vm, frame, code->function, exit->pc + 1);
}

// The call in progress in this frame pushed its return address below the frame.
static void divert_return(Vm *vm, Frame *frame, const DeoptCode *code) {
    Deopt *deopt = vm->deopt;
    const void **place = (const void **)((char *)frame - code->frame_size - sizeof(void *));
    if (*place == deopt->lazy_stub) return;
    const uint8_t *address = *place;
    if (address < code->start || address > code->start + code->size)
        fatal("frame %p of code %u: no return address below it", (const void *)frame, code->id);
    lazy_exit(code, address);
    GROW(deopt->lazy, deopt->num_lazy, deopt->cap_lazy);
    deopt->lazy[deopt->num_lazy++] = (LazyReturn){frame, address};
    *place = deopt->lazy_stub;
}

static void divert_frames(Vm *vm) {
    for (Frame *frame = frame_newest(vm); frame; frame = frame_caller(frame)) {
        if (frame_info(frame)->kind != FRAME_OPT) continue;
        const DeoptCode *code = code_of(vm, frame);
        if (code->is_broken) divert_return(vm, frame, code);
    }
}

void deopt_forget_prototypes(Vm *vm) {
    Deopt *deopt = vm->deopt;
    if (!deopt) return;
    bool any = false;
    for (size_t i = 0; i < deopt->num_codes; i++) {
        DeoptCode *code = deopt->codes[i];
        if (!code || code->is_broken || !code->depends_on_prototypes) continue;
        deopt->broken(vm, code);
        code->is_broken = any = true;
    }
    if (any) divert_frames(vm);
}

// Code.

DeoptCode *deopt_code_new(Vm *vm, uint32_t function, uint32_t num_exits, uint32_t num_values) {
    Deopt *deopt = vm->deopt;
    DeoptCode *code = xcalloc(1, sizeof *code);
    GROW(deopt->codes, deopt->num_codes, deopt->cap_codes);
    *code = (DeoptCode){.id = (uint32_t)deopt->num_codes, .function = function, .num_exits = num_exits};
    code->exits = xcalloc(num_exits, sizeof *code->exits);
    code->values = xcalloc(num_values, sizeof *code->values);
    for (uint32_t i = 0; i < num_exits; i++) code->exits[i].code = code;
    return deopt->codes[deopt->num_codes++] = code;
}

static void free_code(DeoptCode *code) {
    if (!code) return;
    free(code->exits);
    free(code->values);
    free(code);
}

void deopt_code_drop(Vm *vm, DeoptCode *code) {
    vm->deopt->codes[code->id] = NULL;
    free_code(code);
}

void deopt_code_leave(Vm *vm, const DeoptCode *code) {
    Callable *callable = &vm->callables[code->function];
    if (callable->entry != code->start) return;
    callable->entry = callable->fallback;
    callable->is_code = callable->fallback_is_code;
}

// Stubs.

_Static_assert(sizeof(Continuation) == 16, "comes back in RAX and RDX");

// Registers by number, upwards from rsp.
static void emit_dump_registers(Assembler *a) {
    for (int r = NUM_REGS - 1; r >= 0; r--) asm_push_r(a, (Reg)r);
}

// RAX, RDX: a Continuation.
static void emit_go_on(Assembler *a) {
    Label returns = LABEL_INIT;
    asm_test_rr(a, RAX, RAX);
    asm_jcc(a, CC_E, &returns);
    asm_mov_rr(a, RSP, RBP);
    asm_sub_rr(a, RSP, RDX);
    asm_jmp_r(a, RAX);
    asm_bind(a, &returns);
    asm_mov_rr(a, RAX, RDX);
    asm_leave(a);
    asm_ret(a);
}

// In: [rsp] = number of the exit; below it rsp is as the function had it, a multiple of 16.
static void *generate_stub(CodeBuffer *buffer) {
    Assembler a;
    asm_init(&a, code_buffer_available(buffer));
    emit_dump_registers(&a);
    asm_mov_rr(&a, RCX, RSP);
    asm_mov32_rm(&a, RDX, mem(RSP, 8 * NUM_REGS));
    asm_mov_rr(&a, RSI, RBP);
    asm_mov_rr(&a, RDI, FRAME_VM_REG);
    asm_sub_ri(&a, RSP, 8); // 17 words were pushed
    stub_call_c(&a, (NativeCode *)(uintptr_t)deopt_take);
    emit_go_on(&a);
    size_t size;
    return stub_install(buffer, &a, &size);
}

// A call returns here instead of to the function. In: RAX = its result.
static void *generate_lazy_stub(CodeBuffer *buffer) {
    Assembler a;
    asm_init(&a, code_buffer_available(buffer));
    emit_dump_registers(&a);
    asm_mov_rr(&a, RCX, RSP);
    asm_mov_rr(&a, RDX, RAX);
    asm_mov_rr(&a, RSI, RBP);
    asm_mov_rr(&a, RDI, FRAME_VM_REG);
    stub_call_c(&a, (NativeCode *)(uintptr_t)deopt_take_lazy);
    emit_go_on(&a);
    size_t size;
    return stub_install(buffer, &a, &size);
}

bool deopt_init(Vm *vm, CodeBuffer *buffer) {
    vm->deopt = xcalloc(1, sizeof *vm->deopt);
    vm->deopt->stub = generate_stub(buffer);
    vm->deopt->lazy_stub = generate_lazy_stub(buffer);
    return vm->deopt->stub && vm->deopt->lazy_stub;
}

void deopt_free(Vm *vm) {
    if (!vm->deopt) return;
    for (size_t i = 0; i < vm->deopt->num_codes; i++) free_code(vm->deopt->codes[i]);
    free(vm->deopt->codes);
    free(vm->deopt->lazy);
    free(vm->deopt);
}

// Text.

static void print_value_place(FILE *out, const DeoptValue *value) {
    static const char *const rep_names[] = {[REP_TAGGED] = "tagged", [REP_I32] = "int32", [REP_F64] = "double"};
    if (value->where == DEOPT_CONST) fputs("constant", out);
    else if (value->where == DEOPT_REG) location_print(out, in_reg((Reg)value->index));
    else fprintf(out, "slot %u", value->index);
    if (value->where != DEOPT_CONST) fprintf(out, ", %s", rep_names[value->rep]);
}

static void print_slot(FILE *out, const Vm *vm, const DeoptEvent *event, uint32_t slot) {
    const DeoptExit *exit = event->exit;
    uint32_t num_locals = vm->program->functions[exit->code->function].num_locals;
    if (slot < num_locals) fprintf(out, "    local %-3u ", slot);
    else fprintf(out, "    stack %-3u ", slot - num_locals);
    value_print(out, vm, *frame_slot(event->frame, slot));
    fputs("  ; ", out);
    if (slot < exit->num_values) print_value_place(out, &exit->values[slot]);
    else fputs("the call's result", out);
    fputc('\n', out);
}

void deopt_print_event(FILE *out, const Vm *vm, const DeoptEvent *event) {
    const DeoptExit *exit = event->exit;
    const Function *function = &vm->program->functions[exit->code->function];
    fprintf(out, "deopt %s @%u: expected %s", function->name, exit->guard_pc, deopt_reason_texts[exit->reason]);
    if (event->is_forced) fputs(", forced", out);
    else if (exit->is_lazy) fputs(", behind a call", out);
    else if (event->found != NO_VALUE) {
        fputs(", found ", out);
        value_print(out, vm, event->found);
    }
    fprintf(out, "%s; on at @%u ", exit->is_hoisted ? " (hoisted)" : "", frame_info(event->frame)->pc);
    instruction_print(out, vm->program, function->bytecode[frame_info(event->frame)->pc]);
    fputc('\n', out);
    for (uint32_t slot = 0; slot < function->num_locals + event->depth; slot++) print_slot(out, vm, event, slot);
}
