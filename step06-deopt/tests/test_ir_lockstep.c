// Frame states against the interpreter: random programs run as bytecode and as IR, in step.
// Wherever the IR comes to a state, the bytecode's slots must hold what the state says; locals that the state
// leaves out are destroyed, so that the result is wrong if anyone reads them after all. When a guard fails, or is
// made to fail, the bytecode goes on alone from there.
#include "bytecode/verify.h"
#include "deopt/feedback.h"
#include "interp/vm.h"
#include "ir_text.h"
#include "object/runtime.h"
#include "random_bytecode.h"
#include "testing/test_main.h"

enum { MAX_SLOTS = 64 };

// The bytecode, an instruction at a time.
typedef struct Stepper {
    Vm *vm;
    const Function *function;
    Value slots[MAX_SLOTS];
    uint32_t pc, depth;
    uint64_t steps;
    bool has_ended; // with `result`; NO_VALUE: an error at pc
    Value result;
    Feedback *feedback; // what it sees, or NULL
} Stepper;

static void start(Stepper *s, Vm *vm, const Value *args) {
    *s = (Stepper){.vm = vm, .function = &vm->program->functions[0]};
    assert_in_range(s->function->num_locals + s->function->max_depth, 0, MAX_SLOTS);
    memcpy(s->slots, args, s->function->num_params * sizeof *args);
}

static Value operate(Stepper *s, Instruction ins, Value a, Value b) {
    Value result = runtime_operate(s->vm, operator_of(ins.opcode), a, b);
    if (s->feedback) feedback_operator(&s->feedback[s->pc], a, b, result);
    return result;
}

static void step(Stepper *s) {
    Instruction ins = s->function->bytecode[s->pc];
    s->depth -= instruction_pops(s->vm->program, ins);
    s->steps++;
    Value *top = s->slots + s->function->num_locals + s->depth;
    uint32_t next = s->pc + 1;
    switch (ins.opcode) {
    case OP_LOAD_CONST: *top = (Value)ins.operand; break;
    case OP_LOAD_LOCAL: *top = s->slots[ins.operand]; break;
    case OP_STORE_LOCAL: s->slots[ins.operand] = *top; break;
    case OP_LOAD_FUNCTION: *top = value_from_pointer(&s->vm->callables[ins.operand]); break;
    case OP_DUP: top[1] = *top; break;
    case OP_POP: break;
    case OP_JUMP: next = (uint32_t)ins.operand; break;
    case OP_JUMP_IF_FALSE:
        if (!value_is_truthy(*top)) next = (uint32_t)ins.operand;
        break;
    case OP_RETURN:
        s->has_ended = true;
        s->result = *top;
        return;
    default:
        *top = operate(s, ins, top[0], top[1]);
        s->has_ended = *top == NO_VALUE;
        if (s->has_ended) return;
    }
    s->depth += (uint32_t)opcode_info[ins.opcode].pushes;
    s->pc = next;
}

static void run_to_end(Stepper *s) {
    while (!s->has_ended) step(s);
}

static void assert_same(Value a, Value b) {
    if (a == b) return;
    assert_true(a != NO_VALUE && b != NO_VALUE);
    if (value_is_number(a) && value_is_number(b)) {
        assert_int_equal(double_bits(number_to_double(a)), double_bits(number_to_double(b)));
        return;
    }
    assert_true(value_is_string(a) && value_is_string(b));
    assert_string_equal(value_to_string(a)->bytes, value_to_string(b)->bytes);
}

typedef struct Lockstep {
    const Ir *ir;
    Vm *vm;
    Stepper stepper;
    const Value *args;
    Value *values;        // of each instruction
    uint64_t *last_visit; // of each state: the stepper's steps then
    uint32_t countdown;   // the guard that is made to fail
    uint32_t num_states, num_exits;
} Lockstep;

static void visit_state(Lockstep *l, Ref ref) {
    const IrIns *ins = &l->ir->ins[ref];
    Stepper *s = &l->stepper;
    if (l->last_visit[ref] == s->steps + 1) step(s);
    while (s->pc != ins->pc && !s->has_ended) step(s);
    assert_false(s->has_ended);
    l->last_visit[ref] = s->steps + 1;
    l->num_states++;
    assert_int_equal(ins->num_args, s->function->num_locals + s->depth);
    for (uint32_t i = 0; i < ins->num_args; i++) {
        Ref arg = ir_args(l->ir, ref)[i];
        bool is_dead = i < s->function->num_locals && l->ir->ins[arg].block == 0 && ir_is_const(l->ir, arg);
        if (is_dead) s->slots[i] = VALUE_UNDEFINED;
        else assert_same(l->values[arg], s->slots[i]);
    }
}

static bool holds(const IrIns *ins, Value result) {
    switch (ins->op) {
    case IR_GUARD_NUMBER: return value_is_number(result);
    default: return value_is_int(result);
    }
}

static Value compute(const Lockstep *l, Ref ref) {
    const IrIns *ins = &l->ir->ins[ref];
    const Ref *args = ir_args(l->ir, ref);
    Value a = ins->num_args > 0 ? l->values[args[0]] : NO_VALUE;
    Value b = ins->num_args > 1 ? l->values[args[1]] : NO_VALUE;
    switch (ins->op) {
    case IR_PARAM: return l->args[ins->aux];
    case IR_CONST: return (Value)ins->imm;
    case IR_LOAD_FUNCTION: return value_from_pointer(&l->vm->callables[ins->aux]);
    case IR_GUARD_INT:
    case IR_GUARD_NUMBER: return a;
    case IR_ADD:
    case IR_ADD_INT: return runtime_operate(l->vm, OPERATOR_ADD, a, b);
    case IR_SUB:
    case IR_SUB_INT: return runtime_operate(l->vm, OPERATOR_SUB, a, b);
    case IR_MUL:
    case IR_MUL_INT: return runtime_operate(l->vm, OPERATOR_MUL, a, b);
    case IR_DIV:
    case IR_DIV_INT: return runtime_operate(l->vm, OPERATOR_DIV, a, b);
    case IR_MOD:
    case IR_MOD_INT: return runtime_operate(l->vm, OPERATOR_MOD, a, b);
    case IR_EQUAL: return runtime_operate(l->vm, OPERATOR_EQUAL, a, b);
    case IR_LESS_THAN: return runtime_operate(l->vm, OPERATOR_LESS_THAN, a, b);
    case IR_GREATER_THAN: return runtime_operate(l->vm, OPERATOR_GREATER_THAN, a, b);
    default: fail_msg("%s", ir_info(l->ir, ref)->mnemonic); return NO_VALUE;
    }
}

// The stepper is where the guard's state says, and goes on alone.
static Value leave(Lockstep *l, Ref guard) {
    assert_int_equal(l->stepper.pc, l->ir->ins[l->ir->ins[guard].state].pc);
    assert_int_equal(l->last_visit[l->ir->ins[guard].state], l->stepper.steps + 1);
    l->num_exits++;
    run_to_end(&l->stepper);
    return l->stepper.result;
}

static void take_phis(Lockstep *l, uint32_t block, uint32_t from) {
    Value taken[64];
    uint32_t count = 0;
    IR_EACH(l->ir, block, phi) {
        if (l->ir->ins[phi].op != IR_PHI) break;
        assert_in_range(count, 0, 63);
        taken[count++] = l->values[ir_args(l->ir, phi)[ir_pred_index(l->ir, block, from)]];
    }
    count = 0;
    IR_EACH(l->ir, block, phi) {
        if (l->ir->ins[phi].op != IR_PHI) break;
        l->values[phi] = taken[count++];
    }
}

// A block but for its phis. Returns false if the run ends in it, with *result.
static bool run_block(Lockstep *l, uint32_t block, Value *result) {
    IR_EACH(l->ir, block, ref) {
        const IrIns *ins = &l->ir->ins[ref];
        if (ins->op == IR_PHI || ins->op == IR_JUMP || ins->op == IR_BRANCH) continue;
        if (ins->op == IR_STATE) {
            visit_state(l, ref);
            continue;
        }
        *result = ins->op == IR_RETURN ? l->values[ir_args(l->ir, ref)[0]] : compute(l, ref);
        bool fails = ir_is_guard(l->ir, ref) && (!holds(ins, *result) || --l->countdown == 0);
        if (fails) *result = leave(l, ref);
        if (fails || ins->op == IR_RETURN) return false;
        l->values[ref] = *result;
        if (*result != NO_VALUE) continue;
        run_to_end(&l->stepper);
        assert_int_equal(l->stepper.pc, ins->pc);
        return false;
    }
    return true;
}

static Value run_in_step(Lockstep *l) {
    Value result;
    for (uint32_t block = 0; run_block(l, block, &result);) {
        const IrBlock *b = &l->ir->blocks[block];
        bool is_branch = l->ir->ins[b->last].op == IR_BRANCH;
        uint32_t next = b->succ[is_branch && !value_is_truthy(l->values[ir_args(l->ir, b->last)[0]])];
        take_phis(l, next, block);
        block = next;
    }
    return result;
}

// Both runs, and one without any IR, have the same result. A guard fails when it is `countdown`-th in line.
static void assert_in_step(const Ir *ir, Vm *vm, const Value *args, uint32_t countdown, uint32_t *num_states,
                           uint32_t *num_exits) {
    Stepper alone;
    start(&alone, vm, args);
    run_to_end(&alone);
    Lockstep l = {.ir = ir, .vm = vm, .args = args, .countdown = countdown};
    l.values = xcalloc(ir->num_ins, sizeof *l.values);
    l.last_visit = xcalloc(ir->num_ins, sizeof *l.last_visit);
    start(&l.stepper, vm, args);
    Value result = run_in_step(&l);
    run_to_end(&l.stepper);
    assert_same(alone.result, result);
    assert_same(alone.result, l.stepper.result);
    *num_states += l.num_states;
    *num_exits += l.num_exits;
    free(l.values);
    free(l.last_visit);
}

static void check_random_program(uint64_t seed, uint32_t *num_states, uint32_t *num_exits) {
    Program *program = random_bytecode(seed, 1 + (uint32_t)(seed / 2 % 40), seed & 1);
    Diagnostic diagnostic;
    if (!program_verify(program, &diagnostic)) fail_msg("seed %lu: %s", (unsigned long)seed, diagnostic.message);
    Vm *vm = vm_new(program, 1 << 22);
    Value args[] = {value_from_int((int32_t)(seed % 7) - 3), value_from_int((int32_t)(seed % 11))};
    Stepper profiled;
    start(&profiled, vm, args);
    profiled.feedback = xcalloc(program->functions[0].num_instructions, sizeof *profiled.feedback);
    run_to_end(&profiled);
    const Speculation speculation = {.vm = vm, .feedback = profiled.feedback};
    Ir ir;
    assert_true(ir_build_speculating(&ir, program, 0, &speculation));
    ir_check(&ir, "ir_build_speculating");
    assert_in_step(&ir, vm, args, UINT32_MAX, num_states, num_exits);
    if (profiled.result) assert_int_equal(*num_exits, 0); // every bet was on what has happened
    uint32_t ignored = 0;
    for (uint32_t countdown = 1; countdown <= 16; countdown *= 4)
        assert_in_step(&ir, vm, args, countdown, num_states, &ignored);
    Value others[] = {value_from_int(INT32_MAX), value_from_pointer(program_intern(program, "s", 1))};
    assert_in_step(&ir, vm, others, UINT32_MAX, num_states, &ignored);
    *num_exits += ignored;
    ir_free(&ir);
    vm_free(vm);
    free(profiled.feedback);
    program_free(program);
}

static void test_states_hold_what_the_interpreter_has(void **state) {
    (void)state;
    const char *first = getenv("JIT_SEED"), *count = getenv("JIT_COUNT");
    uint64_t seed = first ? strtoull(first, NULL, 0) : 1;
    uint64_t end = seed + (count ? strtoull(count, NULL, 0) : 1000);
    uint32_t states = 0, exits = 0;
    for (; seed < end; seed++) {
        uint32_t exits_here = 0;
        check_random_program(seed, &states, &exits_here);
        exits += exits_here;
    }
    assert_true(states > 0 && exits > 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_states_hold_what_the_interpreter_has),
};
TEST_MAIN(tests)
