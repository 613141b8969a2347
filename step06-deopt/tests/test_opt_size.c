// Large functions of all shapes of control flow, also those that make simple algorithms quadratic: all passes end,
// and what they leave behind is valid and no larger than a constant times what they were given. How long that takes
// is for bench/bench_step5.c to say.
#include "opt_rig.h"
#include "programs.h"
#include "testing/test_main.h"

// A function under construction, with a current block.
typedef struct Maker {
    Ir *ir;
    uint32_t block;
    Ref a, b, one; // two parameters and a constant
} Maker;

static Maker start(void) {
    Maker m = {.ir = malloc(sizeof *m.ir)};
    Program *program = program_new("large");
    program_add_function(program, "main", 2, 2);
    ir_init(m.ir, program, 0);
    m.a = ir_new(m.ir, IR_PARAM, 0, NO_PC);
    m.b = ir_new(m.ir, IR_PARAM, 0, NO_PC);
    m.one = ir_new_const(m.ir, value_from_int(1), NO_PC);
    m.ir->ins[m.b].aux = 1;
    ir_append(m.ir, 0, m.a);
    ir_append(m.ir, 0, m.b);
    ir_append(m.ir, 0, m.one);
    return m;
}

static uint32_t block(Maker *m) { return ir_new_block(m->ir, NO_PC); }

static Ref emit(Maker *m, IrOp op, Ref a, Ref b) {
    Ref ref = ir_new2(m->ir, op, a, b, 1);
    ir_append(m->ir, m->block, ref);
    return ref;
}

static Ref emit_load(Maker *m, Ref object, const char *name) {
    Ref ref = ir_new1(m->ir, IR_GET_PROPERTY, object, 1);
    m->ir->ins[ref].imm = (int64_t)(uintptr_t)program_intern(m->ir->program, name, strlen(name));
    ir_append(m->ir, m->block, ref);
    return ref;
}

static void emit_store(Maker *m, Ref object, const char *name, Ref value) {
    Ref ref = ir_new2(m->ir, IR_SET_PROPERTY, object, value, 1);
    m->ir->ins[ref].imm = (int64_t)(uintptr_t)program_intern(m->ir->program, name, strlen(name));
    ir_append(m->ir, m->block, ref);
}

// if after if; each joins two values.
static void make_diamonds(Maker *m, uint32_t n) {
    Ref value = m->a;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t left = block(m), right = block(m), join = block(m);
        ir_end_branch(m->ir, m->block, m->b, left, right, NO_PC);
        m->block = left;
        Ref x = emit(m, IR_ADD, value, m->one);
        ir_end_jump(m->ir, left, join, NO_PC);
        m->block = right;
        emit_store(m, m->a, "x", value);
        ir_end_jump(m->ir, right, join, NO_PC);
        m->block = join;
        Ref phi = ir_new_phi(m->ir, join, NO_PC);
        ir_set_arg(m->ir, phi, 0, x);
        ir_set_arg(m->ir, phi, 1, value);
        value = phi;
        emit_load(m, m->a, "x");
    }
    ir_end_return(m->ir, m->block, value, NO_PC);
}

// if inside of if: all leave to a chain of empty joins.
static void make_nested_ifs(Maker *m, uint32_t n) {
    uint32_t *joins = calloc(n, sizeof *joins);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t then = block(m);
        joins[i] = block(m);
        Ref test = emit(m, IR_EQUAL, m->b, emit(m, IR_ADD, m->a, m->one));
        ir_end_branch(m->ir, m->block, test, then, joins[i], NO_PC);
        m->block = then;
        emit_store(m, m->a, "x", m->b);
    }
    for (uint32_t i = n; i-- > 0;) {
        ir_end_jump(m->ir, m->block, joins[i], NO_PC);
        m->block = joins[i];
    }
    ir_end_return(m->ir, m->block, m->a, NO_PC);
    free(joins);
}

// A switch whose cases fall through: each case is reached from its test and from the case before.
static void make_ladder(Maker *m, uint32_t n) {
    uint32_t *cases = calloc(n + 1, sizeof *cases);
    for (uint32_t i = 0; i <= n; i++) cases[i] = block(m);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t next = block(m);
        ir_end_branch(m->ir, m->block, m->b, cases[i], next, NO_PC);
        m->block = next;
        emit_load(m, m->a, "x");
    }
    ir_end_jump(m->ir, m->block, cases[n], NO_PC);
    for (uint32_t i = 0; i < n; i++) {
        m->block = cases[i];
        emit_store(m, m->a, i % 2 ? "x" : "y", m->b);
        ir_end_jump(m->ir, cases[i], cases[i + 1], NO_PC);
    }
    ir_end_return(m->ir, cases[n], m->a, NO_PC);
    free(cases);
}

// One block that n others jump to, with a phi of n operands.
static void make_wide_join(Maker *m, uint32_t n) {
    uint32_t join = block(m);
    Ref phi = ir_new_phi(m->ir, join, NO_PC), seven = ir_new_const(m->ir, value_from_int(7), NO_PC);
    ir_append(m->ir, 0, seven);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t arm = block(m), next = block(m);
        ir_end_branch(m->ir, m->block, m->b, arm, next, NO_PC);
        m->block = arm;
        Ref value = i % 2 ? seven : emit(m, IR_ADD, m->one, m->one);
        emit_store(m, m->a, "x", value);
        ir_end_jump(m->ir, arm, join, NO_PC);
        ir_set_arg(m->ir, phi, i, value);
        m->block = next;
    }
    ir_end_return(m->ir, m->block, m->a, NO_PC);
    ir_end_return(m->ir, join, phi, NO_PC);
}

// Loops inside of each other, with something in the innermost that no loop changes.
static void make_nest(Maker *m, uint32_t n) {
    uint32_t *headers = calloc(n, sizeof *headers), *exits = calloc(n, sizeof *exits);
    Ref *counters = calloc(n, sizeof *counters);
    Ref number = emit(m, IR_SUB, m->b, m->one);
    for (uint32_t i = 0; i < n; i++) {
        headers[i] = block(m);
        exits[i] = block(m);
        uint32_t body = block(m);
        ir_end_jump(m->ir, m->block, headers[i], NO_PC);
        counters[i] = ir_new_phi(m->ir, headers[i], NO_PC);
        ir_set_arg(m->ir, counters[i], 0, i ? counters[i - 1] : m->one);
        m->block = headers[i];
        Ref test = emit(m, IR_LESS_THAN, counters[i], number);
        ir_end_branch(m->ir, headers[i], test, body, exits[i], NO_PC);
        m->block = body;
        emit(m, IR_MUL, number, m->one);
        emit(m, IR_MUL, counters[i / 2], number);
    }
    emit_load(m, m->a, "x");
    for (uint32_t i = n; i-- > 0;) {
        Ref next = emit(m, IR_ADD, counters[i], m->one);
        ir_end_jump(m->ir, m->block, headers[i], NO_PC);
        ir_set_arg(m->ir, counters[i], 1, next);
        m->block = exits[i];
    }
    ir_end_return(m->ir, m->block, counters[0], NO_PC);
    free(headers);
    free(exits);
    free(counters);
}

// One loop with n variables that live around it.
static void make_many_variables(Maker *m, uint32_t n) {
    uint32_t header = block(m), body = block(m), out = block(m);
    Ref *phis = calloc(n, sizeof *phis);
    ir_end_jump(m->ir, m->block, header, NO_PC);
    for (uint32_t i = 0; i < n; i++) {
        phis[i] = ir_new_phi(m->ir, header, NO_PC);
        ir_set_arg(m->ir, phis[i], 0, i % 2 ? m->one : m->a);
    }
    ir_end_branch(m->ir, header, m->b, body, out, NO_PC);
    m->block = body;
    ir_end_jump(m->ir, body, header, NO_PC);
    for (uint32_t i = 0; i < n; i++) ir_set_arg(m->ir, phis[i], 1, i % 3 ? phis[i] : phis[(i + 1) % n]);
    m->block = out;
    Ref sum = m->one;
    for (uint32_t i = 0; i < n; i++) sum = emit(m, IR_ADD, sum, phis[i]);
    ir_end_return(m->ir, out, sum, NO_PC);
    free(phis);
}

// Loop after loop; the values of all are used at the end.
static void make_loops(Maker *m, uint32_t n) {
    Ref *values = calloc(n, sizeof *values);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t header = block(m), body = block(m), out = block(m);
        ir_end_jump(m->ir, m->block, header, NO_PC);
        values[i] = ir_new_phi(m->ir, header, NO_PC);
        ir_set_arg(m->ir, values[i], 0, m->one);
        m->block = header;
        ir_end_branch(m->ir, header, emit(m, IR_LESS_THAN, values[i], m->b), body, out, NO_PC);
        m->block = body;
        Ref next = emit(m, IR_ADD, values[i], m->one);
        ir_end_jump(m->ir, body, header, NO_PC);
        ir_set_arg(m->ir, values[i], 1, next);
        m->block = out;
    }
    Ref sum = m->one;
    for (uint32_t i = 0; i < n; i++) sum = emit(m, IR_ADD, sum, values[i]);
    ir_end_return(m->ir, m->block, sum, NO_PC);
    free(values);
}

static void assert_passes_end(void (*make)(Maker *, uint32_t), uint32_t n) {
    enum { GROWTH = 4 };
    Maker m = start();
    make(&m, SANITIZED ? n / 10 : n);
    assert_valid(m.ir, "the function");
    size_t before = m.ir->num_ins;
    opt_run(m.ir, &(OptOptions){0});
    assert_valid(m.ir, "the result");
    assert_true(m.ir->num_ins < GROWTH * before);
    ir_discard(m.ir);
}

static void test_control_flow_of_100000_blocks(void **state) {
    (void)state;
    assert_passes_end(make_diamonds, 33000);
    assert_passes_end(make_nested_ifs, 50000);
    assert_passes_end(make_ladder, 50000);
    assert_passes_end(make_wide_join, 50000);
    assert_passes_end(make_loops, 33000);
}

static void test_loops_20000_deep(void **state) {
    (void)state;
    assert_passes_end(make_nest, 20000);
}

static void test_40000_live_values(void **state) {
    (void)state;
    assert_passes_end(make_many_variables, 40000);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_control_flow_of_100000_blocks),
    cmocka_unit_test(test_loops_20000_deep),
    cmocka_unit_test(test_40000_live_values),
};
TEST_MAIN(tests)
