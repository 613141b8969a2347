#include "random_lir.h"

#include <stdlib.h>
#include <string.h>

#include "interp/interp.h"
#include "object/runtime.h"
#include "testing/test_main.h"

const RandomShape small_shape = {.max_blocks = 4, .max_globals = 6, .max_instructions = 6, .calls = true, .divides = true};
const RandomShape large_shape = {.max_blocks = 14, .max_globals = 24, .max_instructions = 12, .calls = true, .divides = true};

// The program.

Program *random_lir_program(void) {
    return program_from("func main params=4\n load_const 0\n return\nend\n"
                        "func none params=0\n load_const 77\n return\nend\n"
                        "func two params=2\n load_local 0\n load_const 3\n mul\n load_local 1\n sub\n return\nend\n"
                        "func nine params=9\n"
                        " load_local 0\n load_local 1\n load_const 3\n mul\n add\n load_local 2\n load_const 5\n mul\n add\n"
                        " load_local 3\n load_const 7\n mul\n add\n load_local 4\n load_const 11\n mul\n add\n"
                        " load_local 5\n load_const 13\n mul\n add\n load_local 6\n load_const 17\n mul\n add\n"
                        " load_local 7\n load_const 19\n mul\n add\n load_local 8\n load_const 23\n mul\n add\n"
                        " return\nend\n");
}

// Building.

int64_t int_imm(int32_t i) { return (int64_t)value_from_int(i); }

LirIns *lir_append(Lir *lir, LirOp op) {
    GROW(lir->ins, lir->num_ins, lir->cap_ins);
    LirIns *ins = &lir->ins[lir->num_ins++];
    *ins = (LirIns){.op = op, .d = NO_VREG, .a = NO_VREG, .b = {.vreg = NO_VREG}, .c = {.vreg = NO_VREG}, .exit = NO_EXIT};
    ins->first_move = (uint32_t)lir->num_moves;
    return ins;
}

void lir_append_move(Lir *lir, LirMove move) {
    GROW(lir->moves, lir->num_moves, lir->cap_moves);
    lir->moves[lir->num_moves++] = move;
    lir->ins[lir->num_ins - 1].num_moves++;
}

void lir_begin_block(Lir *lir) {
    if (lir->num_blocks > 0) lir->blocks[lir->num_blocks - 1].end = (uint32_t)lir->num_ins;
    GROW(lir->blocks, lir->num_blocks, lir->cap_blocks);
    lir->blocks[lir->num_blocks++] = (LirBlock){.start = (uint32_t)lir->num_ins};
}

void lir_finish(Lir *lir) {
    lir->blocks[lir->num_blocks - 1].end = (uint32_t)lir->num_ins;
    for (uint32_t b = 0; b < lir->num_blocks; b++) {
        LirBlock *block = &lir->blocks[b];
        const LirIns *last = block->end > block->start ? &lir->ins[block->end - 1] : NULL;
        LirOp op = last ? last->op : LIR_PARAMS;
        block->num_successors = 0;
        if (op != LIR_JUMP && op != LIR_RETURN) block->successors[block->num_successors++] = b + 1;
        if (op == LIR_JUMP || (last && is_branch(last))) block->successors[block->num_successors++] = last->target;
    }
}

// Random code is made in three rounds: where control goes; which global each instruction writes; and
// then what each reads, now that it is known which globals have been written on every path.

enum { MAX_BLOCKS = 16, MAX_BLOCK_INS = 16, MAX_WRITES = 5 };

typedef uint64_t GlobalSet; // bit g: global g

typedef struct Plan {
    RandomShape shape;
    uint32_t num_blocks, num_globals;
    LirOp last[MAX_BLOCKS];       // how the block ends; PARAMS: it falls through
    uint32_t target[MAX_BLOCKS];
    uint32_t num_ins[MAX_BLOCKS]; // without the end
    LirOp ops[MAX_BLOCKS][MAX_BLOCK_INS];
    VReg writes[MAX_BLOCKS][MAX_BLOCK_INS][MAX_WRITES]; // globals; NO_VREG: a temp
    uint32_t num_writes[MAX_BLOCKS][MAX_BLOCK_INS];
    GlobalSet written[MAX_BLOCKS]; // on every path to the block
} Plan;

static void plan_ends(Plan *plan, Random *random) {
    static const LirOp ends[] = {LIR_PARAMS, LIR_JUMP, LIR_BRANCH, LIR_BRANCH, LIR_BRANCH_FALSE, LIR_RETURN};
    for (uint32_t b = 1; b < plan->num_blocks; b++) {
        bool is_last = b + 1 == plan->num_blocks;
        plan->last[b] = is_last ? random_below(random, 3) ? LIR_RETURN : LIR_JUMP : ends[random_below(random, 6)];
        plan->target[b] = 1 + random_below(random, plan->num_blocks - 1);
    }
}

static bool falls_through(LirOp last) { return last != LIR_JUMP && last != LIR_RETURN; }
static bool jumps(LirOp last) { return last != LIR_PARAMS && last != LIR_RETURN; }

static bool all_reachable(const Plan *plan) {
    bool reached[MAX_BLOCKS] = {true};
    for (uint32_t round = 0; round < plan->num_blocks; round++) {
        for (uint32_t b = 0; b < plan->num_blocks; b++) {
            if (!reached[b]) continue;
            if (falls_through(plan->last[b])) reached[b + 1] = true;
            if (jumps(plan->last[b])) reached[plan->target[b]] = true;
        }
    }
    for (uint32_t b = 0; b < plan->num_blocks; b++)
        if (!reached[b]) return false;
    return true;
}

static LirOp random_op(const Plan *plan, Random *random) {
    static const LirOp ops[] = {LIR_CONST, LIR_MOVES, LIR_MOVES, LIR_ADD, LIR_ADD, LIR_SUB, LIR_SUB, LIR_MUL,
                                LIR_MUL, LIR_DIV, LIR_REM, LIR_COMPARE, LIR_CALL, LIR_FUNCTION};
    for (;;) {
        LirOp op = ops[random_below(random, sizeof ops / sizeof *ops)];
        if (op == LIR_FUNCTION && random_below(random, 20)) continue; // arithmetic with it fails
        if (op == LIR_CALL && (!plan->shape.calls || random_below(random, 2))) continue;
        if ((op == LIR_DIV || op == LIR_REM) && !plan->shape.divides) continue;
        return op;
    }
}

static void plan_writes(Plan *plan, Random *random, uint32_t b, uint32_t i) {
    uint32_t count = plan->ops[b][i] == LIR_MOVES ? 1 + random_below(random, MAX_WRITES) : 1;
    GlobalSet used = 0;
    for (uint32_t k = 0; k < count; k++) {
        VReg vreg = random_below(random, plan->num_globals);
        if (used >> vreg & 1 || random_below(random, 5) < 2) vreg = NO_VREG;
        else used |= (GlobalSet)1 << vreg;
        plan->writes[b][i][k] = vreg;
    }
    plan->num_writes[b][i] = count;
}

static GlobalSet written_by_block(const Plan *plan, uint32_t b) {
    GlobalSet set = b == 0 ? ((GlobalSet)1 << RANDOM_PARAMS) - 1 : 0;
    for (uint32_t i = 0; i < plan->num_ins[b]; i++)
        for (uint32_t k = 0; k < plan->num_writes[b][i]; k++)
            if (plan->writes[b][i][k] != NO_VREG) set |= (GlobalSet)1 << plan->writes[b][i][k];
    return set;
}

static void plan_written(Plan *plan) {
    for (uint32_t b = 0; b < plan->num_blocks; b++) plan->written[b] = b == 0 ? 0 : ~(GlobalSet)0;
    for (uint32_t round = 0; round < plan->num_blocks * plan->num_globals + 1; round++) {
        for (uint32_t b = 0; b < plan->num_blocks; b++) {
            GlobalSet out = plan->written[b] | written_by_block(plan, b);
            if (falls_through(plan->last[b])) plan->written[b + 1] &= out;
            if (jumps(plan->last[b])) plan->written[plan->target[b]] &= out;
        }
    }
}

static void make_plan(Plan *plan, Random *random, RandomShape shape) {
    plan->shape = shape;
    plan->num_globals = RANDOM_PARAMS + random_below(random, shape.max_globals - RANDOM_PARAMS + 1);
    plan->num_blocks = 2 + random_below(random, shape.max_blocks - 1);
    plan->last[0] = LIR_PARAMS;
    plan->num_ins[0] = 0;
    do plan_ends(plan, random);
    while (!all_reachable(plan));
    for (uint32_t b = 1; b < plan->num_blocks; b++) {
        plan->num_ins[b] = random_below(random, shape.max_instructions + 1);
        for (uint32_t i = 0; i < plan->num_ins[b]; i++) {
            plan->ops[b][i] = random_op(plan, random);
            plan_writes(plan, random, b, i);
        }
    }
    plan_written(plan);
}

// The third round.
typedef struct Maker {
    Lir *lir;
    Random *random;
    GlobalSet written;
    VReg first_temp; // of the current block
} Maker;

static VReg random_read(Maker *m) {
    uint32_t temps = m->lir->num_vregs - m->first_temp;
    if (temps > 0 && random_below(m->random, 3) == 0) return m->first_temp + random_below(m->random, temps);
    uint32_t nth = random_below(m->random, (uint32_t)__builtin_popcountll(m->written));
    GlobalSet rest = m->written;
    while (nth-- > 0) rest &= rest - 1;
    return (VReg)__builtin_ctzll(rest); // the parameters are always written
}

static LirOperand random_operand(Maker *m) {
    static const int32_t constants[] = {0, 1, -1, 2, 3, 4, 5, 7, 8, 9, 64, 1 << 30, INT32_MAX, INT32_MIN};
    if (random_below(m->random, 3)) return (LirOperand){random_read(m), 0};
    if (random_below(m->random, 4) == 0) return (LirOperand){NO_VREG, (int64_t)random_value(m->random, NULL)};
    return (LirOperand){NO_VREG, int_imm(constants[random_below(m->random, sizeof constants / sizeof *constants)])};
}

// The first three are comparisons, the others their negations.
static Cond random_cond(Maker *m, bool branches) {
    static const Cond conds[] = {CC_E, CC_L, CC_G, CC_NE, CC_GE, CC_LE};
    return conds[random_below(m->random, branches ? 6 : 3)];
}

static LirMove random_source(Maker *m, VReg d) {
    if (random_below(m->random, 4) == 0) return (LirMove){.d = d, .s = NO_VREG, .imm = (int64_t)random_value(m->random, NULL)};
    return (LirMove){.d = d, .s = random_read(m)};
}

static void make_reads(Maker *m, const Plan *plan, uint32_t b, uint32_t i) {
    Lir *lir = m->lir;
    LirOp op = plan->ops[b][i];
    LirIns *ins = lir_append(lir, op);
    ins->pc = (uint32_t)lir->num_ins - 1;
    if (op == LIR_CONST) {
        ins->imm = (int64_t)random_value(m->random, NULL);
    } else if (op == LIR_MOVES) {
        for (uint32_t k = 0; k < plan->num_writes[b][i]; k++) lir_append_move(lir, random_source(m, plan->writes[b][i][k]));
    } else if (op == LIR_CALL) {
        ins->target = 1 + random_below(m->random, (uint32_t)lir->program->num_functions - 1);
        uint32_t n = lir->program->functions[ins->target].num_params;
        for (uint32_t k = 0; k < n; k++) lir_append_move(lir, random_source(m, NO_VREG));
    } else if (op == LIR_FUNCTION) {
        ins->target = random_below(m->random, (uint32_t)lir->program->num_functions);
    } else {
        ins->cc = random_cond(m, false);
        ins->a = random_read(m);
        ins->b = random_operand(m);
    }
}

static VReg make_write(Maker *m, VReg planned) {
    if (planned == NO_VREG) return m->lir->num_vregs++;
    m->written |= (GlobalSet)1 << planned;
    return planned;
}

static void make_ins(Maker *m, const Plan *plan, uint32_t b, uint32_t i) {
    make_reads(m, plan, b, i);
    LirIns *ins = &m->lir->ins[m->lir->num_ins - 1];
    if (ins->op != LIR_MOVES) ins->d = make_write(m, plan->writes[b][i][0]);
    else for (uint32_t k = 0; k < ins->num_moves; k++) {
        LirMove *move = &m->lir->moves[ins->first_move + k];
        move->d = make_write(m, move->d);
    }
}

static void make_end(Maker *m, const Plan *plan, uint32_t b) {
    if (plan->last[b] == LIR_PARAMS) return;
    LirIns *ins = lir_append(m->lir, plan->last[b]);
    ins->pc = (uint32_t)m->lir->num_ins - 1;
    ins->target = plan->target[b];
    if (ins->op == LIR_JUMP) return;
    ins->a = random_read(m);
    if (ins->op != LIR_BRANCH) return;
    ins->cc = random_cond(m, true);
    ins->b = random_operand(m);
}

Lir random_lir(Random *random, const Program *program, RandomShape shape) {
    Plan plan;
    make_plan(&plan, random, shape);
    Lir lir = {.program = program, .function = &program->functions[0]};
    lir.num_vregs = plan.num_globals;
    lir_begin_block(&lir);
    lir_append(&lir, LIR_PARAMS);
    for (VReg v = 0; v < RANDOM_PARAMS; v++) lir_append_move(&lir, (LirMove){.d = v, .s = NO_VREG});
    for (uint32_t b = 1; b < plan.num_blocks; b++) {
        Maker maker = {&lir, random, plan.written[b], lir.num_vregs};
        lir_begin_block(&lir);
        for (uint32_t i = 0; i < plan.num_ins[b]; i++) make_ins(&maker, &plan, b, i);
        make_end(&maker, &plan, b);
    }
    lir_finish(&lir);
    return lir;
}

// Running.

typedef struct Machine {
    Rig *rig;
    const Lir *lir;
    Value *values; // indexed by VReg
    Value *sources; // of the moves of one instruction
} Machine;

static Operator operator_of_ins(const LirIns *ins) {
    switch (ins->op) {
    case LIR_ADD: return OPERATOR_ADD;
    case LIR_SUB: return OPERATOR_SUB;
    case LIR_MUL: return OPERATOR_MUL;
    case LIR_DIV: return OPERATOR_DIV;
    case LIR_REM: return OPERATOR_MOD;
    default: break;
    }
    if (ins->cc == CC_E || ins->cc == CC_NE) return OPERATOR_EQUAL;
    return ins->cc == CC_L || ins->cc == CC_GE ? OPERATOR_LESS_THAN : OPERATOR_GREATER_THAN;
}

static bool is_negated(Cond cc) { return cc == CC_NE || cc == CC_GE || cc == CC_LE; }

static void read_sources(Machine *m, const LirIns *ins) {
    for (uint32_t k = 0; k < ins->num_moves; k++) {
        LirMove move = m->lir->moves[ins->first_move + k];
        m->sources[k] = move.s == NO_VREG ? (Value)move.imm : m->values[move.s];
    }
}

// Everything but control flow. Returns the result, of a branch true or false; NO_VALUE after an error.
static Value interpret_ins(Machine *m, const LirIns *ins) {
    Vm *vm = m->rig->vm;
    Value a = ins->a == NO_VREG ? NO_VALUE : m->values[ins->a];
    Value b = is_imm(ins->b) ? (Value)ins->b.imm : m->values[ins->b.vreg];
    switch (ins->op) {
    case LIR_CONST: return (Value)ins->imm;
    case LIR_ADD:
    case LIR_SUB:
    case LIR_MUL:
    case LIR_DIV:
    case LIR_REM:
    case LIR_COMPARE:
    case LIR_BRANCH: {
        Value result = runtime_operate(vm, operator_of_ins(ins), a, b);
        bool negates = ins->op == LIR_BRANCH && is_negated(ins->cc);
        return result == NO_VALUE || !negates ? result : value_from_bool(!value_is_truthy(result));
    }
    case LIR_BRANCH_FALSE: return value_from_bool(!value_is_truthy(a));
    case LIR_CALL: return interp_call(vm, &vm->callables[ins->target], m->sources, ins->num_moves);
    case LIR_FUNCTION: return value_from_pointer(&vm->callables[ins->target]);
    default: return VALUE_UNDEFINED;
    }
}

static void write_results(Machine *m, const LirIns *ins, Value result, const Value *args) {
    if (ins->d != NO_VREG) m->values[ins->d] = result;
    for (uint32_t k = 0; k < ins->num_moves; k++) {
        VReg d = m->lir->moves[ins->first_move + k].d;
        if (d != NO_VREG) m->values[d] = ins->op == LIR_PARAMS ? args[k] : m->sources[k];
    }
}

// Control goes from block `from` to block `to`: all phis at once.
static void interpret_phis(Machine *m, uint32_t from, uint32_t to) {
    const LirBlock *block = &m->lir->blocks[to];
    Value *results = xcalloc(block->num_phis + 1, sizeof *results);
    for (uint32_t k = 0; k < block->num_phis; k++) {
        LirMove arg = lir_phi_args(m->lir, &m->lir->phis[block->first_phi + k])[m->lir->blocks[from].pred_index];
        results[k] = arg.s == NO_VREG ? (Value)arg.imm : m->values[arg.s];
    }
    for (uint32_t k = 0; k < block->num_phis; k++) m->values[m->lir->phis[block->first_phi + k].d] = results[k];
    free(results);
}

bool lir_interpret(Rig *rig, const Lir *lir, const int64_t *args, uint32_t max_steps, Outcome *outcome) {
    Machine m = {rig, lir, xcalloc(lir->num_vregs, sizeof(Value)), xcalloc(lir->num_moves + 1, sizeof(Value))};
    uint32_t at = 0, steps = 0, block = 0, function = function_index(lir->program, lir->function);
    Value *values = argument_values(rig->vm, function, args);
    *outcome = (Outcome){0};
    for (; steps < max_steps; steps++) {
        while (at == lir->blocks[block].end) block++; // only where blocks fall through
        const LirIns *ins = &lir->ins[at++];
        if (ins->op == LIR_RETURN) {
            *outcome = outcome_of(rig->vm, m.values[ins->a]);
            break;
        }
        read_sources(&m, ins);
        Value result = interpret_ins(&m, ins);
        if (result == NO_VALUE) {
            vm_fail_at(rig->vm, function, ins->pc);
            *outcome = outcome_of(rig->vm, NO_VALUE);
            break;
        }
        write_results(&m, ins, result, values);
        if (ins->op != LIR_JUMP && !is_branch(ins)) continue;
        bool taken = ins->op == LIR_JUMP || result == VALUE_TRUE;
        uint32_t next = taken ? ins->target : lir->blocks[block].successors[0];
        interpret_phis(&m, block, next);
        block = next;
        at = lir->blocks[block].start;
    }
    free(m.values);
    free(m.sources);
    free(values);
    return steps < max_steps;
}
