#include "backend/exits.h"

#include "base/fatal.h"

static DeoptValue constant(int64_t imm, Rep rep) { return (DeoptValue){DEOPT_CONST, (uint8_t)rep, 0, imm}; }

// Where a register is when its instruction's exit is taken.
static DeoptValue describe_register(const Lir *lir, const RegisterAllocator *ra, uint32_t ins, VReg vreg, Rep rep) {
    Location location = ra_location_at(ra, vreg, write_position(ins));
    switch (location.kind) {
    case LOCATION_REG: return (DeoptValue){DEOPT_REG, (uint8_t)rep, location.index, 0};
    case LOCATION_SLOT: return (DeoptValue){DEOPT_SLOT, (uint8_t)rep, location.index, 0};
    case LOCATION_CONST: return constant(lir->ins[location.index].imm, rep);
    default: fatal("%s, LIR %u: v%u is nowhere", lir->function->name, ins, vreg);
    }
}

static void describe_subject(DeoptExit *exit, const Lir *lir, const RegisterAllocator *ra, uint32_t i) {
    Rep rep;
    VReg vreg = lir_guard_subject(&lir->ins[i], &rep);
    if (vreg != NO_VREG) exit->subject = describe_register(lir, ra, i, vreg, rep);
    else if (lir->ins[i].op == LIR_LOAD_ELEMENT) exit->subject = constant(lir->ins[i].b.imm, rep);
    else exit->subject = constant((int64_t)NO_VALUE, REP_TAGGED);
}

static void describe_exit(DeoptCode *code, const Lir *lir, const RegisterAllocator *ra, uint32_t i) {
    const LirIns *ins = &lir->ins[i];
    const LirExit *from = &lir->exits[ins->exit];
    DeoptExit *exit = &code->exits[ins->exit];
    exit->reason = (uint8_t)lir_exit_reason(ins);
    exit->is_lazy = exit->reason == DEOPT_LAZY;
    exit->is_hoisted = from->is_hoisted;
    exit->pc = from->pc;
    exit->guard_pc = ins->pc;
    exit->values = &code->values[from->first_value];
    exit->num_values = from->num_values;
    describe_subject(exit, lir, ra, i);
    for (uint32_t k = 0; k < from->num_values; k++) {
        LirValue value = lir->values[from->first_value + k];
        exit->values[k] = value.vreg == NO_VREG ? constant(value.imm, value.rep)
                                                : describe_register(lir, ra, i, value.vreg, value.rep);
    }
}

void exits_describe(DeoptCode *code, const Lir *lir, const RegisterAllocator *ra) {
    for (uint32_t i = 0; i < lir->num_ins; i++)
        if (lir->ins[i].exit != NO_EXIT) describe_exit(code, lir, ra, i);
}

static Mem slot_of(Location location) { return frame_slot_mem(location.index); }

// d is the sum, wrapped round, or the difference: make it the first operand again. b is still where it was.
static void emit_take_back(Assembler *a, const LirIns *ins, const RegisterAllocator *ra, uint32_t i) {
    const Reg scratch = R10;
    bool adds = ins->op == LIR_ADD_I32;
    Location d = ra_location_at(ra, ins->d, write_position(i)), b = {0};
    if (!is_imm(ins->b)) b = ra_location_at(ra, ins->b.vreg, write_position(i));
    if (b.kind == LOCATION_SLOT) asm_mov32_rm(a, scratch, slot_of(b));
    Reg reg = b.kind == LOCATION_SLOT ? scratch : (Reg)b.index;
    if (d.kind == LOCATION_REG) {
        if (is_imm(ins->b)) (adds ? asm_sub32_ri : asm_add32_ri)(a, (Reg)d.index, (int32_t)ins->b.imm);
        else (adds ? asm_sub32_rr : asm_add32_rr)(a, (Reg)d.index, reg);
    } else {
        if (is_imm(ins->b)) (adds ? asm_sub32_mi : asm_add32_mi)(a, slot_of(d), (int32_t)ins->b.imm);
        else (adds ? asm_sub32_mr : asm_add32_mr)(a, slot_of(d), reg);
    }
}

// The stub finds the exit's number on the stack, and the code's in the frame.
void exits_emit(Assembler *a, const Lir *lir, const RegisterAllocator *ra, Label *labels, const Deopt *deopt) {
    for (uint32_t i = 0; i < lir->num_ins && !a->error; i++) {
        const LirIns *ins = &lir->ins[i];
        if (ins->exit == NO_EXIT || !is_guard(ins)) continue;
        asm_bind(a, &labels[ins->exit]);
        if (ins->takes_back) emit_take_back(a, ins, ra, i);
        asm_push_i(a, (int32_t)ins->exit);
        asm_jmp_abs(a, deopt->stub);
    }
}
