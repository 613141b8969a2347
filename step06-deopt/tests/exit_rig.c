#include "exit_rig.h"

#include "testing/test_main.h"

static ExitRecord record; // of the call in progress

static uint64_t read_value(const DeoptValue *value, Frame *frame, const uint64_t *registers) {
    if (value->where == DEOPT_CONST) return (uint64_t)value->imm;
    return value->where == DEOPT_REG ? registers[value->index] : *frame_slot(frame, value->index);
}

static Value take_exit(Vm *vm, Frame *frame, uint32_t number, const uint64_t *registers) {
    const DeoptCode *code = vm->deopt->codes[frame_info(frame)->pc];
    const DeoptExit *exit = &code->exits[number];
    assert_int_equal(frame_info(frame)->kind, FRAME_OPT);
    assert_in_range(number, 0, code->num_exits - 1);
    assert_in_range(exit->num_values, 0, MAX_EXIT_VALUES);
    record.exit = (int)number;
    record.num_values = exit->num_values;
    record.subject = read_value(&exit->subject, frame, registers);
    for (uint32_t i = 0; i < exit->num_values; i++) record.values[i] = read_value(&exit->values[i], frame, registers);
    return VALUE_UNDEFINED;
}

void exit_rig_use(Rig *rig) {
    Assembler a;
    size_t size;
    asm_init(&a, code_buffer_available(rig->buffer));
    for (int r = 15; r >= 0; r--) asm_push_r(&a, (Reg)r);
    asm_mov_rr(&a, RCX, RSP);
    asm_mov32_rm(&a, RDX, mem(RSP, 8 * 16));
    asm_mov_rr(&a, RSI, RBP);
    asm_mov_rr(&a, RDI, FRAME_VM_REG);
    asm_and_ri(&a, RSP, -16);
    stub_call_c(&a, (NativeCode *)(uintptr_t)take_exit);
    asm_leave(&a);
    asm_ret(&a);
    rig->vm->deopt->stub = stub_install(rig->buffer, &a, &size);
    assert_non_null(rig->vm->deopt->stub);
}

ExitRecord exit_rig_call(Rig *rig, const RigCode *code, const uint64_t *args, size_t num_args) {
    record = (ExitRecord){.exit = NO_EXIT_TAKEN};
    record.result = rig->vm->enter(rig->vm, &rig->vm->callables[code->function], args, num_args);
    return record;
}
