#include "ir/speculate.h"

#include "base/fatal.h"
#include "interp/vm.h"

// Deciding.

#define NO_BET ((Bet){.kind = BET_NOTHING})

static uint8_t type_of(const Ir *ir, Ref operand) { return ir->ins[operand].type; }

// What the type of an operand says about it, in the language of feedback: nothing if it may be an integer.
static Feedback type_feedback(uint8_t type) {
    if (type & IRT_INT) return 0;
    return type & IRT_DOUBLE ? FB_DOUBLE : FB_OTHER;
}

static bool is_arithmetic(Opcode opcode) {
    return opcode == OP_ADD || opcode == OP_SUB || opcode == OP_MUL || opcode == OP_DIV || opcode == OP_MOD;
}

static Bet bet_on_operands(const Ir *ir, Opcode opcode, Feedback seen, const Ref *operands) {
    uint8_t a = type_of(ir, operands[0]), b = type_of(ir, operands[1]);
    seen |= type_feedback(a) | type_feedback(b);
    if (seen & ~(FB_DOUBLE | FB_OVERFLOW)) return NO_BET;
    uint8_t wanted = seen ? IRT_NUMBER : IRT_INT;
    bool is_known = !((a | b) & ~wanted);
    if (!seen) return (Bet){.kind = is_known && !is_arithmetic(opcode) ? BET_NOTHING : BET_INTS};
    return (Bet){.kind = is_known ? BET_NOTHING : BET_NUMBERS};
}

// The only entry of a cell, or NULL.
static const ICEntry *only_entry(const Ir *ir, const Speculation *speculation, uint32_t pc) {
    const ICCell *cell = ic_cell(speculation->vm, ir->function_index, pc);
    return cell->state == IC_MONOMORPHIC ? &cell->e[0] : NULL;
}

static Bet bet_on_load(const ICEntry *entry) {
    bool is_inside = entry->holder_or_fn == 0 && entry->offset >= 0;
    if (!is_inside) return NO_BET;
    return (Bet){.kind = BET_LOAD, .shape = entry->shape, .offset = (uint32_t)entry->offset};
}

static Bet bet_on_store(const ICEntry *entry) {
    if (entry->offset < 0) return NO_BET;
    return (Bet){.kind = BET_STORE, .shape = entry->shape, .next_shape = (uint32_t)entry->holder_or_fn,
                 .offset = (uint32_t)entry->offset};
}

static Bet bet_on_method(const Ir *ir, const ICEntry *entry, uint32_t num_operands) {
    const Callable *method = (const Callable *)(uintptr_t)entry->holder_or_fn;
    if (ir->program->functions[method->index].num_params != num_operands) return NO_BET;
    return (Bet){.kind = BET_METHOD, .shape = entry->shape, .function = method->index};
}

static Bet bet_on_cell(const Ir *ir, const Speculation *speculation, uint32_t pc) {
    Instruction ins = ir_function(ir)->bytecode[pc];
    const ICEntry *entry = only_entry(ir, speculation, pc);
    if (!entry || speculation->feedback[pc] & FB_SHAPE) return NO_BET;
    if (ins.opcode == OP_GET_PROPERTY) return bet_on_load(entry);
    if (ins.opcode == OP_SET_PROPERTY) return bet_on_store(entry);
    return bet_on_method(ir, entry, ins.num_args + 1);
}

static Bet bet_on_object(const Ir *ir, const Speculation *speculation, uint32_t pc, const Ref *operands) {
    bool is_possible = type_of(ir, operands[0]) & IRT_OBJECT;
    return is_possible ? bet_on_cell(ir, speculation, pc) : NO_BET;
}

static Bet bet_on_element(const Ir *ir, BetKind kind, Feedback seen, const Ref *operands) {
    bool is_array = type_of(ir, operands[0]) & IRT_OBJECT;
    bool is_index = kind == BET_LENGTH || type_of(ir, operands[1]) & IRT_INT;
    return (Bet){.kind = !seen && is_array && is_index ? kind : BET_NOTHING};
}

Bet speculate(const Ir *ir, const Speculation *speculation, uint32_t pc, const Ref *operands) {
    Opcode opcode = ir_function(ir)->bytecode[pc].opcode;
    Feedback seen = speculation->feedback[pc];
    switch (opcode) {
    default: return NO_BET;
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_DIV:
    case OP_MOD:
    case OP_EQUAL:
    case OP_LESS_THAN:
    case OP_GREATER_THAN: return bet_on_operands(ir, opcode, seen, operands);
    case OP_GET_PROPERTY:
    case OP_SET_PROPERTY:
    case OP_CALL_METHOD: return bet_on_object(ir, speculation, pc, operands);
    case OP_GET_INDEX: return bet_on_element(ir, BET_LOAD_ELEMENT, seen, operands);
    case OP_SET_INDEX: return bet_on_element(ir, BET_STORE_ELEMENT, seen, operands);
    case OP_LENGTH: return bet_on_element(ir, BET_LENGTH, seen, operands);
    }
}

bool speculate_on_methods(const Ir *ir, const Speculation *speculation) {
    const Function *f = ir_function(ir);
    for (uint32_t pc = 0; pc < f->num_instructions; pc++) {
        bool is_call = f->bytecode[pc].opcode == OP_CALL_METHOD && f->depth[pc] >= 0;
        if (is_call && bet_on_cell(ir, speculation, pc).kind == BET_METHOD) return true;
    }
    return false;
}

// Building.

static Ref append(const BetPlace *place, IrOp op, uint32_t num_args) {
    Ref ref = ir_new(place->ir, op, num_args, place->pc);
    for (uint32_t i = 0; i < num_args; i++) ir_set_arg(place->ir, ref, i, place->operands[i]);
    ir_append(place->ir, place->block, ref);
    if (ir_is_guard(place->ir, ref)) place->ir->ins[ref].state = place->state;
    return ref;
}

// A guard of operand i, which then stands for it.
static Ref guard(const BetPlace *place, IrOp op, uint32_t i) {
    Ref ref = ir_new1(place->ir, op, place->operands[i], place->pc);
    ir_append(place->ir, place->block, ref);
    place->ir->ins[ref].state = place->state;
    place->ir->ins[ref].type = ir_type_of(place->ir, ref);
    return place->operands[i] = ref;
}

static void guard_type(const BetPlace *place, IrOp op, uint32_t i) {
    uint8_t wanted = ir_op_info[op].type;
    if (type_of(place->ir, place->operands[i]) & ~wanted) guard(place, op, i);
}

static void guard_shape(const BetPlace *place, uint32_t shape) {
    Ref ref = guard(place, IR_GUARD_SHAPE, 0);
    place->ir->ins[ref].aux = shape;
}

static IrOp generic_op(Opcode opcode) {
    switch (opcode) {
    case OP_ADD: return IR_ADD;
    case OP_SUB: return IR_SUB;
    case OP_MUL: return IR_MUL;
    case OP_DIV: return IR_DIV;
    case OP_MOD: return IR_MOD;
    case OP_EQUAL: return IR_EQUAL;
    case OP_LESS_THAN: return IR_LESS_THAN;
    case OP_GREATER_THAN: return IR_GREATER_THAN;
    default: fatal("no bet on the operands of opcode %d", opcode);
    }
}

static IrOp int_op(Opcode opcode) {
    switch (opcode) {
    case OP_ADD: return IR_ADD_INT;
    case OP_SUB: return IR_SUB_INT;
    case OP_MUL: return IR_MUL_INT;
    case OP_DIV: return IR_DIV_INT;
    case OP_MOD: return IR_MOD_INT;
    default: return generic_op(opcode);
    }
}

static Ref build_operator(const BetPlace *place, IrOp guard_op, IrOp op) {
    bool is_same = place->operands[0] == place->operands[1];
    guard_type(place, guard_op, 0);
    if (is_same) place->operands[1] = place->operands[0];
    else guard_type(place, guard_op, 1);
    Ref ref = append(place, op, 2);
    place->ir->ins[ref].type = ir_type_of(place->ir, ref);
    return ref;
}

static Ref with_field(const BetPlace *place, const Bet *bet, Ref ref) {
    place->ir->ins[ref].imm = ir_function(place->ir)->bytecode[place->pc].operand;
    place->ir->ins[ref].aux = bet->offset;
    return ref;
}

static Ref build_load(const BetPlace *place, const Bet *bet) {
    guard_shape(place, bet->shape);
    return with_field(place, bet, append(place, IR_LOAD_FIELD, 1));
}

static Ref build_store(const BetPlace *place, const Bet *bet) {
    guard_shape(place, bet->shape);
    with_field(place, bet, append(place, IR_STORE_FIELD, 2));
    if (bet->next_shape == bet->shape) return NO_REF;
    Ref ref = append(place, IR_SET_SHAPE, 1);
    place->ir->ins[ref].aux = bet->next_shape;
    return NO_REF;
}

static Ref build_method(const BetPlace *place, const Bet *bet) {
    guard_shape(place, bet->shape);
    Ref ref = append(place, IR_CALL, place->num_operands);
    place->ir->ins[ref].aux = bet->function;
    place->ir->ins[ref].state = place->state_behind;
    return ref;
}

// The array is operand 0, the index operand 1.
static void guard_element(const BetPlace *place) {
    guard_shape(place, SHAPE_ARRAY);
    guard_type(place, IR_GUARD_INT, 1);
    Ref ref = ir_new2(place->ir, IR_GUARD_BOUNDS, place->operands[1], place->operands[0], place->pc);
    ir_append(place->ir, place->block, ref);
    place->ir->ins[ref].state = place->state;
    place->operands[1] = ref;
}

Ref speculate_build(const BetPlace *place, const Bet *bet) {
    Opcode opcode = ir_function(place->ir)->bytecode[place->pc].opcode;
    switch (bet->kind) {
    case BET_NOTHING: break;
    case BET_INTS: return build_operator(place, IR_GUARD_INT, int_op(opcode));
    case BET_NUMBERS: return build_operator(place, IR_GUARD_NUMBER, generic_op(opcode));
    case BET_LOAD: return build_load(place, bet);
    case BET_STORE: return build_store(place, bet);
    case BET_METHOD: return build_method(place, bet);
    case BET_LOAD_ELEMENT:
        guard_element(place);
        return append(place, IR_LOAD_ELEMENT, 2);
    case BET_STORE_ELEMENT:
        guard_element(place);
        append(place, IR_STORE_ELEMENT, 3);
        return NO_REF;
    case BET_LENGTH:
        guard_shape(place, SHAPE_ARRAY);
        return append(place, IR_ARRAY_LENGTH, 1);
    }
    fatal("no bet on opcode %d", opcode);
}
