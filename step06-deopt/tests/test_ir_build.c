// Construction of the IR from bytecode: Braun et al., hand cases and random programs.
#include "bytecode/parse.h"
#include "bytecode/verify.h"
#include "interp/interp.h"
#include "ir_interp.h"
#include "ir_text.h"
#include "random_bytecode.h"
#include "testing/test_main.h"

// The IR of the first function.
static void assert_built(const char *bytecode, const char *expected) {
    Program *program = bytecode_from(bytecode);
    Ir ir;
    assert_true(ir_build(&ir, program, 0));
    assert_ir(&ir, expected);
    ir_free(&ir);
    program_free(program);
}

static void test_straight_code_has_no_phis(void **state) {
    (void)state;
    assert_built("func main params=2 locals=3\n load_local 0\n load_local 1\n add\n store_local 2\n"
                 " load_local 2\n load_local 2\n mul\n return\nend\n",
                 "func main params=2 {\n"
                 "B0:\n    v1 = param 0\n    v2 = param 1\n    jump B1\n"
                 "B1:\n    v4 = add v1, v2\n    v5 = mul v4, v4\n    return v5\n}\n");
}

static void test_a_variable_that_a_loop_changes_has_a_phi_in_the_header(void **state) {
    (void)state;
    assert_built("func main params=1\n"
                 "top:\n load_local 0\n jump_if_false out\n load_local 0\n load_const 1\n sub\n store_local 0\n jump top\n"
                 "out:\n load_local 0\n return\nend\n",
                 "func main params=1 {\n"
                 "B0:\n    v1 = param 0\n    jump B1\n"
                 "B1:\n    v3 = phi B0: v1, B2: v6\n    branch v3, B2, B3\n"
                 "B2:\n    v5 = const 1\n    v6 = sub v3, v5\n    jump B1\n"
                 "B3:\n    return v3\n}\n");
}

// The paper's example of a trivial phi: the loop does not change the variable after all.
static void test_a_phi_that_turns_out_to_be_trivial_is_removed(void **state) {
    (void)state;
    assert_built("func main params=2\n"
                 "top:\n load_local 0\n store_local 0\n load_local 1\n jump_if_false out\n jump top\n"
                 "out:\n load_local 0\n return\nend\n",
                 "func main params=2 {\n"
                 "B0:\n    v1 = param 0\n    v2 = param 1\n    jump B1\n"
                 "B1:\n    branch v2, B2, B3\n"
                 "B2:\n    jump B1\n"
                 "B3:\n    return v1\n}\n");
}

// Two nested loops store the variable's own value: the inner phi and the outer one go one after the other.
static void test_trivial_phis_that_depend_on_each_other_go_together(void **state) {
    (void)state;
    assert_built("func main params=2\n"
                 "outer:\n load_local 0\n store_local 0\n"
                 "inner:\n load_local 0\n store_local 0\n load_local 1\n jump_if_false next\n jump inner\n"
                 "next:\n load_local 1\n jump_if_false out\n jump outer\n"
                 "out:\n load_local 0\n return\nend\n",
                 "func main params=2 {\n"
                 "B0:\n    v1 = param 0\n    v2 = param 1\n    jump B1\n"
                 "B1:\n    jump B2\n"
                 "B2:\n    branch v2, B3, B4\n"
                 "B3:\n    jump B2\n"
                 "B4:\n    branch v2, B5, B6\n"
                 "B5:\n    jump B1\n"
                 "B6:\n    return v1\n}\n");
}

static void test_operands_on_the_stack_at_a_join_get_a_phi_where_they_differ(void **state) {
    (void)state;
    assert_built("func main params=1\n load_const 10\n load_local 0\n jump_if_false other\n load_local 0\n jump done\n"
                 "other:\n load_const 2\n"
                 "done:\n sub\n return\nend\n",
                 "func main params=1 {\n"
                 "B0:\n    v1 = param 0\n    jump B1\n"
                 "B1:\n    v3 = const 10\n    branch v1, B2, B3\n"
                 "B2:\n    jump B4\n"
                 "B3:\n    v6 = const 2\n    jump B4\n"
                 "B4:\n    v9 = phi B2: v1, B3: v6\n    v8 = sub v3, v9\n    return v8\n}\n");
}

static void test_an_operand_below_a_loop_keeps_its_value(void **state) {
    (void)state;
    assert_built("func main params=1\n load_local 0\n"
                 "top:\n load_local 0\n jump_if_false out\n load_local 0\n load_const 1\n sub\n store_local 0\n jump top\n"
                 "out:\n load_local 0\n add\n return\nend\n",
                 "func main params=1 {\n"
                 "B0:\n    v1 = param 0\n    jump B1\n"
                 "B1:\n    jump B2\n"
                 "B2:\n    v4 = phi B1: v1, B3: v7\n    branch v4, B3, B4\n"
                 "B3:\n    v6 = const 1\n    v7 = sub v4, v6\n    jump B2\n"
                 "B4:\n    v9 = add v1, v4\n    return v9\n}\n");
}

static void test_two_variables_that_a_loop_swaps_have_phis_that_cross(void **state) {
    (void)state;
    assert_built("func main params=3\n"
                 "top:\n load_local 0\n load_local 1\n store_local 0\n store_local 1\n"
                 " load_local 2\n jump_if_false out\n jump top\n"
                 "out:\n load_local 0\n load_local 1\n sub\n return\nend\n",
                 "func main params=3 {\n"
                 "B0:\n    v1 = param 0\n    v2 = param 1\n    v3 = param 2\n    jump B1\n"
                 "B1:\n    v6 = phi B0: v2, B2: v5\n    v5 = phi B0: v1, B2: v6\n    branch v3, B2, B3\n"
                 "B2:\n    jump B1\n"
                 "B3:\n    v9 = sub v6, v5\n    return v9\n}\n");
}

static void test_code_that_nothing_leads_to_is_not_built(void **state) {
    (void)state;
    assert_built("func main params=1\n load_local 0\n return\n add\n jump end\nend:\n return\nend\n",
                 "func main params=1 {\n"
                 "B0:\n    v1 = param 0\n    jump B1\n"
                 "B1:\n    return v1\n}\n");
}

static void test_the_first_instruction_may_be_a_loop_header(void **state) {
    (void)state;
    assert_built("func main params=0\ntop:\n jump top\nend\n",
                 "func main params=0 {\nB0:\n    jump B1\nB1:\n    jump B1\n}\n");
}

static void test_a_branch_to_the_next_instruction_is_a_jump(void **state) {
    (void)state;
    assert_built("func main params=1\n load_local 0\n jump_if_false next\nnext:\n load_local 0\n return\nend\n",
                 "func main params=1 {\n"
                 "B0:\n    v1 = param 0\n    jump B1\nB1:\n    jump B2\nB2:\n    return v1\n}\n");
}

static void test_dup_and_pop_leave_no_instructions(void **state) {
    (void)state;
    assert_built("func main params=1\n load_local 0\n dup\n dup\n pop\n mul\n return\nend\n",
                 "func main params=1 {\n"
                 "B0:\n    v1 = param 0\n    jump B1\nB1:\n    v3 = mul v1, v1\n    return v3\n}\n");
}

static void test_every_object_instruction_is_translated(void **state) {
    (void)state;
    assert_built("func main params=1\n"
                 " new_object Point\n dup\n load_local 0\n set_property x\n dup\n get_property x\n pop\n dup\n"
                 " load_const 1\n call_method shift 1\n pop\n dup\n delete_property x\n pop\n dup\n load_prototype Point\n"
                 " set_prototype\n load_const 1\n load_const \"two\"\n new_array 2\n dup\n load_const 0\n get_index\n pop\n"
                 " dup\n load_const 0\n load_function main\n set_index\n length\n call main\n return\nend\n"
                 "class Point\n method shift params=2\n load_local 0\n return\n end\nend\n",
                 "func main params=1 {\n"
                 "B0:\n    v1 = param 0\n    jump B1\n"
                 "B1:\n"
                 "    v3 = new_object Point\n"
                 "    set_property v3, x, v1\n"
                 "    v5 = get_property v3, x\n"
                 "    v6 = const 1\n"
                 "    v7 = call_method v3, shift, v6\n"
                 "    v8 = delete_property v3, x\n"
                 "    v9 = load_prototype Point\n"
                 "    set_prototype v3, v9\n"
                 "    v11 = const 1\n"
                 "    v12 = const \"two\"\n"
                 "    v13 = new_array v11, v12\n"
                 "    v14 = const 0\n"
                 "    v15 = get_index v13, v14\n"
                 "    v16 = const 0\n"
                 "    v17 = load_function main\n"
                 "    set_index v13, v16, v17\n"
                 "    v19 = length v13\n"
                 "    v20 = call main, v19\n"
                 "    return v20\n}\n");
}

// Random programs.

static void assert_same_value(Value a, Value b) {
    char *texts[2] = {NULL, NULL};
    size_t size;
    for (int i = 0; i < 2; i++) {
        Value value = i ? b : a;
        FILE *out = open_memstream(&texts[i], &size);
        if (value == NO_VALUE) fputs("error", out);
        else if (ir_value_type(value) == IRT_OBJECT) fputs("object", out);
        else constant_print(out, value);
        fclose(out);
    }
    assert_string_equal(texts[0], texts[1]);
    free(texts[0]);
    free(texts[1]);
}

// The same result as the bytecode's interpreter, or the same error at the same place.
static void assert_runs_alike(const Ir *ir, int32_t x, int32_t y) {
    Value args[] = {value_from_int(x), value_from_int(y)};
    Vm *vm = vm_new(ir->program, 1 << 22);
    Value expected = interp_call(vm, &vm->callables[0], args, 2);
    RunError error = vm->error;
    vm->error = (RunError){0};
    IrMachine machine = {.vm = vm, .steps = 1000000};
    assert_same_value(expected, ir_interp_run(&machine, ir, args));
    assert_false(machine.ran_out);
    if (expected == NO_VALUE) {
        assert_int_equal(vm->error.status, error.status);
        assert_int_equal(vm->error.pc, error.pc);
    }
    vm_free(vm);
}

static bool is_trivial(const Ir *ir, Ref phi) {
    Ref other = NO_REF;
    for (uint32_t i = 0; i < ir->ins[phi].num_args; i++) {
        Ref arg = ir_args(ir, phi)[i];
        if (arg == phi || arg == other) continue;
        if (other) return false;
        other = arg;
    }
    return true;
}

static void assert_no_trivial_phi(const Ir *ir) {
    for (uint32_t b = 0; b < ir->num_blocks; b++)
        IR_EACH(ir, b, ref)
            if (ir->ins[ref].op == IR_PHI && is_trivial(ir, ref)) fail_msg("v%u is trivial", ref);
}

static void check_random_program(uint64_t seed) {
    Program *program = random_bytecode(seed, 1 + (uint32_t)(seed / 2 % 40), seed & 1);
    Diagnostic diagnostic;
    if (!program_verify(program, &diagnostic)) fail_msg("seed %lu: %s", (unsigned long)seed, diagnostic.message);
    Ir ir;
    assert_true(ir_build(&ir, program, 0));
    ir_check(&ir, "ir_build");
    assert_no_trivial_phi(&ir);
    if (seed & 1) assert_false(ir.irreducible);
    assert_runs_alike(&ir, (int32_t)(seed % 7) - 3, (int32_t)(seed % 11));
    ir_make_preheaders(&ir);
    ir_check(&ir, "ir_make_preheaders");
    ir_split_critical_edges(&ir);
    ir_check(&ir, "ir_split_critical_edges");
    assert_runs_alike(&ir, (int32_t)(seed % 7) - 3, (int32_t)(seed % 11));
    ir_free(&ir);
    program_free(program);
}

static void test_random_programs_run_like_their_bytecode(void **state) {
    (void)state;
    const char *first = getenv("JIT_SEED"), *count = getenv("JIT_COUNT");
    uint64_t seed = first ? strtoull(first, NULL, 0) : 1;
    uint64_t end = seed + (count ? strtoull(count, NULL, 0) : 2000);
    for (; seed < end; seed++) check_random_program(seed);
}

// Size. Work is counted in instructions made: an instruction or a phi for each bytecode, not for each pair of
// a variable and a block.

typedef struct Writer {
    Program *program;
} Writer;

static uint32_t emit(Writer *w, Opcode opcode, int64_t operand) {
    uint32_t pc = (uint32_t)w->program->functions[0].num_instructions;
    program_emit(w->program, 0, opcode, operand, (SourcePos){pc + 1, 1});
    return pc;
}

static void jump_lands_here(Writer *w, uint32_t jump) {
    Function *f = &w->program->functions[0];
    f->bytecode[jump].operand = (int64_t)f->num_instructions;
}

static Writer writer_new(uint32_t num_locals) {
    Writer w = {program_new("large.bca")};
    program_add_function(w.program, "main", 1, num_locals);
    return w;
}

static void assert_builds_small(Writer *w) {
    Diagnostic diagnostic;
    Ir ir;
    if (!program_verify(w->program, &diagnostic)) fail_msg("%s", diagnostic.message);
    assert_true(ir_build(&ir, w->program, 0));
    ir_check(&ir, "ir_build");
    assert_true(ir.num_ins <= 2 * w->program->functions[0].num_instructions + 10);
    ir_infer_types(&ir);
    ir_free(&ir);
    program_free(w->program);
}

static void emit_increment(Writer *w, uint32_t local) {
    emit(w, OP_LOAD_LOCAL, local);
    emit(w, OP_LOAD_CONST, (int64_t)value_from_int(1));
    emit(w, OP_ADD, 0);
    emit(w, OP_STORE_LOCAL, local);
}

// if (param) local++
static void emit_diamond(Writer *w, uint32_t local) {
    emit(w, OP_LOAD_LOCAL, 0);
    uint32_t over = emit(w, OP_JUMP_IF_FALSE, 0);
    emit_increment(w, local);
    jump_lands_here(w, over);
}

static void test_operands_below_many_branches_cost_nothing(void **state) {
    (void)state;
    enum { OPERANDS = 10000, BRANCHES = 50000 };
    Writer w = writer_new(2);
    emit(&w, OP_LOAD_LOCAL, 0);
    emit(&w, OP_STORE_LOCAL, 1);
    for (int i = 0; i < OPERANDS; i++) emit(&w, OP_LOAD_LOCAL, 0);
    for (int i = 0; i < BRANCHES; i++) emit_diamond(&w, 1);
    for (int i = 1; i < OPERANDS; i++) emit(&w, OP_ADD, 0);
    emit(&w, OP_RETURN, 0);
    assert_builds_small(&w);
}

static void test_a_deep_nest_of_loops_has_one_phi_for_each_counter(void **state) {
    (void)state;
    enum { DEPTH = 2000 };
    Writer w = writer_new(DEPTH + 1);
    uint32_t top[DEPTH + 1], out[DEPTH + 1];
    for (uint32_t i = 1; i <= DEPTH; i++) {
        emit(&w, OP_LOAD_CONST, (int64_t)value_from_int(0));
        emit(&w, OP_STORE_LOCAL, i);
        top[i] = emit(&w, OP_LOAD_LOCAL, i);
        out[i] = emit(&w, OP_JUMP_IF_FALSE, 0);
    }
    for (uint32_t i = DEPTH; i >= 1; i--) {
        emit_increment(&w, i);
        emit(&w, OP_JUMP, top[i]);
        jump_lands_here(&w, out[i]);
    }
    emit(&w, OP_LOAD_LOCAL, 0);
    emit(&w, OP_RETURN, 0);
    assert_builds_small(&w);
}

static void test_a_ladder_of_exits_is_built_in_linear_time(void **state) {
    (void)state;
    enum { RUNGS = 100000 };
    Writer w = writer_new(2);
    uint32_t *exits = xmalloc(RUNGS * sizeof *exits);
    emit(&w, OP_LOAD_LOCAL, 0);
    emit(&w, OP_STORE_LOCAL, 1);
    for (uint32_t i = 0; i < RUNGS; i++) {
        emit(&w, OP_LOAD_LOCAL, 0);
        exits[i] = emit(&w, OP_JUMP_IF_FALSE, 0);
        emit_increment(&w, 1);
    }
    for (uint32_t i = 0; i < RUNGS; i++) jump_lands_here(&w, exits[i]);
    emit(&w, OP_LOAD_LOCAL, 1);
    emit(&w, OP_RETURN, 0);
    free(exits);
    assert_builds_small(&w);
}

static void test_a_million_bytecodes_are_built(void **state) {
    (void)state;
    Writer w = writer_new(12);
    for (uint32_t i = 1; i < 12; i++) {
        emit(&w, OP_LOAD_LOCAL, 0);
        emit(&w, OP_STORE_LOCAL, i);
    }
    for (uint32_t i = 0; i < 1000000 / 6; i++) emit_diamond(&w, 1 + i % 11);
    emit(&w, OP_LOAD_LOCAL, 5);
    emit(&w, OP_RETURN, 0);
    assert_builds_small(&w);
}

// Where a cycle has several entries, a value is looked for block by block: here that makes a phi for each
// pair of a local and a join.
static void test_a_function_that_would_explode_is_refused(void **state) {
    (void)state;
    enum { LOCALS = 2000, BRANCHES = 2000 };
    Writer w = writer_new(LOCALS);
    Diagnostic diagnostic;
    Ir ir;
    for (uint32_t i = 1; i < LOCALS; i++) {
        emit(&w, OP_LOAD_LOCAL, 0);
        emit(&w, OP_STORE_LOCAL, i);
    }
    emit(&w, OP_LOAD_LOCAL, 0);
    uint32_t into = emit(&w, OP_JUMP_IF_FALSE, 0);
    uint32_t top = emit(&w, OP_LOAD_LOCAL, 0);
    emit(&w, OP_STORE_LOCAL, 1);
    jump_lands_here(&w, into);
    emit(&w, OP_LOAD_LOCAL, 0);
    uint32_t out = emit(&w, OP_JUMP_IF_FALSE, 0);
    emit(&w, OP_JUMP, top);
    jump_lands_here(&w, out);
    for (uint32_t i = 0; i < BRANCHES; i++) emit_diamond(&w, 1);
    for (uint32_t i = 0; i < LOCALS; i++) emit(&w, OP_LOAD_LOCAL, i);
    for (uint32_t i = 1; i < LOCALS; i++) emit(&w, OP_ADD, 0);
    emit(&w, OP_RETURN, 0);
    assert_true(program_verify(w.program, &diagnostic));
    assert_false(ir_build(&ir, w.program, 0));
    program_free(w.program);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_straight_code_has_no_phis),
    cmocka_unit_test(test_a_variable_that_a_loop_changes_has_a_phi_in_the_header),
    cmocka_unit_test(test_a_phi_that_turns_out_to_be_trivial_is_removed),
    cmocka_unit_test(test_trivial_phis_that_depend_on_each_other_go_together),
    cmocka_unit_test(test_operands_on_the_stack_at_a_join_get_a_phi_where_they_differ),
    cmocka_unit_test(test_an_operand_below_a_loop_keeps_its_value),
    cmocka_unit_test(test_two_variables_that_a_loop_swaps_have_phis_that_cross),
    cmocka_unit_test(test_code_that_nothing_leads_to_is_not_built),
    cmocka_unit_test(test_the_first_instruction_may_be_a_loop_header),
    cmocka_unit_test(test_a_branch_to_the_next_instruction_is_a_jump),
    cmocka_unit_test(test_dup_and_pop_leave_no_instructions),
    cmocka_unit_test(test_every_object_instruction_is_translated),
    cmocka_unit_test(test_random_programs_run_like_their_bytecode),
    cmocka_unit_test(test_operands_below_many_branches_cost_nothing),
    cmocka_unit_test(test_a_deep_nest_of_loops_has_one_phi_for_each_counter),
    cmocka_unit_test(test_a_ladder_of_exits_is_built_in_linear_time),
    cmocka_unit_test(test_a_million_bytecodes_are_built),
    cmocka_unit_test(test_a_function_that_would_explode_is_refused),
};
TEST_MAIN(tests)
