// The verifier finds every kind of fault, planted one at a time.
#include "ir_text.h"
#include "testing/test_main.h"

static const char text[] =
    "func main params=2 {\n"
    "B0:\n"
    "    v1 = param 0\n"
    "    v2 = param 1\n"
    "    jump B1\n"
    "B1:\n"
    "    v4 = phi B0: v1, B2: v7\n"
    "    v5 = less_than v4, v2\n"
    "    branch v5, B2, B3\n"
    "B2:\n"
    "    v7 = add v4, v2\n"
    "    v8 = get_property v7, x\n"
    "    set_property v7, y, v8\n"
    "    v9 = const 7\n"
    "    v10 = call helper, v9, v7\n"
    "    v11 = call_native print, v9\n"
    "    v12 = new_object Point\n"
    "    v13 = new_array v9, v9\n"
    "    jump B1\n"
    "B3:\n"
    "    return v4\n"
    "}\n";

typedef void Plant(Ir *ir);

// The first instruction of this kind.
static Ref find(const Ir *ir, IrOp op) {
    for (uint32_t b = 0; b < ir->num_blocks; b++)
        IR_EACH(ir, b, ref)
            if (ir->ins[ref].op == op) return ref;
    fail_msg("no %s", ir_op_info[op].mnemonic);
    return NO_REF;
}

static void assert_fault(Plant *plant, const char *expected) {
    Program *program = program_new("test");
    Ir ir;
    IrFault fault = {"accepted"};
    ir_from(&ir, program, text);
    plant(&ir);
    if (ir_verify(&ir, &fault) || !strstr(fault.message, expected))
        fail_msg("\"%s\", not \"%s\"", fault.message, expected);
    ir_free(&ir);
    program_free(program);
}

#define PLANT(name, code) \
    static void name(Ir *ir) { code; }

// Lists.
PLANT(empty_block, ir->blocks[3].first = ir->blocks[3].last = NO_REF)
PLANT(no_terminator, ir_unlink(ir, ir->blocks[3].last); ir_append(ir, 3, ir_new_const(ir, VALUE_NULL, NO_PC)))
PLANT(two_terminators, ir_append(ir, 3, ir_new1(ir, IR_RETURN, find(ir, IR_PARAM), NO_PC)))
PLANT(phi_in_the_middle, ir_append(ir, 1, ir_new(ir, IR_PHI, 2, NO_PC)))
PLANT(removed_in_list, ir->ins[find(ir, IR_LESS_THAN)].op = IR_NOP)
PLANT(bad_op, ir->ins[find(ir, IR_LESS_THAN)].op = NUM_IR_OPS)
PLANT(wrong_block, ir->ins[find(ir, IR_LESS_THAN)].block = 2)
PLANT(wrong_prev, ir->ins[find(ir, IR_LESS_THAN)].prev = NO_REF)
PLANT(wrong_last, ir->blocks[2].last = ir->blocks[2].first)
PLANT(cycle, ir->ins[find(ir, IR_ADD)].next = find(ir, IR_ADD))
PLANT(beyond_the_end, ir->ins[find(ir, IR_ADD)].next = 10000)

// Edges.
PLANT(succ_count, ir->blocks[1].num_succ = 1)
PLANT(succ_range, ir->blocks[2].succ[0] = 77)
PLANT(into_entry, ir_unend(ir, 2); ir_end_jump(ir, 2, 0, NO_PC))
PLANT(wrong_pred_at, ir->blocks[2].pred_at[0] = 0)
PLANT(extra_pred, ir_new_block(ir, NO_PC); ir_end_jump(ir, 4, 3, NO_PC); ir->blocks[4].num_succ = 0;
      ir_remove(ir, ir->blocks[4].last); ir_append(ir, 4, ir_new1(ir, IR_RETURN, find(ir, IR_PARAM), NO_PC)))
PLANT(into_removed, ir->blocks[3].removed = true; ir->blocks[3].first = ir->blocks[3].last = NO_REF;
      ir->blocks[3].num_preds = 0)
PLANT(removed_with_code, ir->blocks[3].removed = true)
PLANT(twice_the_same, ir->blocks[1].succ[1] = ir->blocks[1].succ[0];
      ir->blocks[1].pred_at[1] = ir->blocks[1].pred_at[0])

// Instructions.
PLANT(missing_operand, ir_set_arg(ir, find(ir, IR_ADD), 0, NO_REF))
PLANT(no_such_operand, ir_set_arg(ir, find(ir, IR_ADD), 0, 10000))
PLANT(removed_operand, ir_remove(ir, find(ir, IR_PARAM)))
PLANT(detached_operand, ir_unlink(ir, find(ir, IR_PARAM)))
PLANT(operand_without_result, ir_set_arg(ir, find(ir, IR_ADD), 0, find(ir, IR_SET_PROPERTY)))
PLANT(arity, ir->ins[find(ir, IR_ADD)].num_args = 1)
PLANT(phi_arity, ir_add_arg(ir, find(ir, IR_PHI), find(ir, IR_PARAM)))
PLANT(call_arity, ir->ins[find(ir, IR_CALL)].num_args = 1)
PLANT(native_arity, ir->ins[find(ir, IR_CALL_NATIVE)].num_args = 0)
PLANT(args_range, ir->ins[find(ir, IR_ADD)].first_arg = 1000000)
PLANT(param_elsewhere, Ref param = find(ir, IR_PARAM); ir_unlink(ir, param); ir_insert_at_end(ir, 2, param))
PLANT(no_param, ir->ins[find(ir, IR_PARAM)].aux = 2)
PLANT(param_twice, ir->ins[find(ir, IR_PARAM)].aux = 1)
PLANT(no_function, ir->ins[find(ir, IR_CALL)].aux = 99)
PLANT(no_native, ir->ins[find(ir, IR_CALL_NATIVE)].aux = 99)
PLANT(no_class, ir->ins[find(ir, IR_NEW_OBJECT)].aux = 99)
PLANT(no_name, ir->ins[find(ir, IR_GET_PROPERTY)].imm = 0)
PLANT(number_as_name, ir->ins[find(ir, IR_GET_PROPERTY)].imm = (int64_t)value_from_int(1))
PLANT(no_value, ir->ins[find(ir, IR_CONST)].imm = 0)
PLANT(type_too_wide, ir->ins[find(ir, IR_LESS_THAN)].type = IRT_BOOL | IRT_INT)
PLANT(constant_type, ir->ins[find(ir, IR_CONST)].type = IRT_STRING)

// Dominance.
PLANT(use_before_definition, Ref add = find(ir, IR_ADD); ir_unlink(ir, add);
      ir_insert_after(ir, find(ir, IR_GET_PROPERTY), add))
PLANT(use_of_another_branch, ir_set_arg(ir, ir->blocks[3].last, 0, find(ir, IR_ADD)))
PLANT(phi_operand_of_the_wrong_edge, ir_set_arg(ir, find(ir, IR_PHI), 0, find(ir, IR_ADD)))

// Analyses.
PLANT(stale_dominators, ir_dominators(ir); ir->blocks[3].idom = 2)
PLANT(stale_loops, ir_loops(ir); ir->blocks[3].loop = 1)

static void test_faults_in_lists(void **state) {
    (void)state;
    assert_fault(empty_block, "B3: the block is empty");
    assert_fault(no_terminator, "the block has no terminator");
    assert_fault(two_terminators, "a terminator in the middle");
    assert_fault(phi_in_the_middle, "a terminator in the middle");
    assert_fault(removed_in_list, "a removed instruction is in a block");
    assert_fault(bad_op, "unknown operation");
    assert_fault(wrong_block, "believes to be in B2");
    assert_fault(wrong_prev, "the list's links disagree");
    assert_fault(wrong_last, "is last, but the block does not know");
    assert_fault(cycle, "is in a list twice");
    assert_fault(beyond_the_end, "no instruction v10000");
}

static void test_faults_in_edges(void **state) {
    (void)state;
    assert_fault(succ_count, "2 successors, but the block has 1");
    assert_fault(succ_range, "leads to B77, which does not exist");
    assert_fault(into_entry, "leads to the entry");
    assert_fault(wrong_pred_at, "is not predecessor 0 of B1");
    assert_fault(extra_pred, "lists 2 predecessors, but 1 edges");
    assert_fault(into_removed, "leads to B3, which is removed");
    assert_fault(removed_with_code, "a removed block has instructions");
    assert_fault(twice_the_same, "both ways lead to B2");
}

static void test_faults_in_instructions(void **state) {
    (void)state;
    assert_fault(missing_operand, "an operand is missing");
    assert_fault(no_such_operand, "operand v10000 does not exist");
    assert_fault(removed_operand, "is a removed instruction");
    assert_fault(detached_operand, "is in no block");
    assert_fault(operand_without_result, "has no result");
    assert_fault(arity, "1 operands instead of 2");
    assert_fault(phi_arity, "3 operands instead of 2");
    assert_fault(call_arity, "1 operands instead of 2");
    assert_fault(native_arity, "0 operands instead of 1");
    assert_fault(args_range, "operands outside of the array");
    assert_fault(param_elsewhere, "outside of the entry");
    assert_fault(no_param, "no parameter 2");
    assert_fault(param_twice, "parameter 1 for the second time");
    assert_fault(no_function, "no function 99");
    assert_fault(no_native, "no native 99");
    assert_fault(no_class, "no class 99");
    assert_fault(no_name, "the property has no name");
    assert_fault(number_as_name, "the property has no name");
    assert_fault(no_value, "0x0 is no primitive value");
    assert_fault(type_too_wide, "type 0x9 is impossible");
    assert_fault(constant_type, "is not the constant's");
}

static void test_uses_that_no_definition_dominates(void **state) {
    (void)state;
    assert_fault(use_before_definition, "does not dominate its use");
    assert_fault(use_of_another_branch, "does not dominate its use");
    assert_fault(phi_operand_of_the_wrong_edge, "is not there where predecessor B0 ends");
}

static void test_stale_analyses(void **state) {
    (void)state;
    assert_fault(stale_dominators, "the dominator tree is stale");
    assert_fault(stale_loops, "the loop tree is stale");
}

static void test_the_fault_names_block_and_instruction(void **state) {
    (void)state;
    Program *program = program_new("test");
    Ir ir;
    IrFault fault;
    ir_from(&ir, program, text);
    Ref add = find(&ir, IR_ADD);
    arity(&ir);
    assert_false(ir_verify(&ir, &fault));
    char expected[80];
    snprintf(expected, sizeof expected, "B2: v%u (add): 1 operands instead of 2", add);
    assert_string_equal(fault.message, expected);
    ir_free(&ir);
    program_free(program);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_faults_in_lists),
    cmocka_unit_test(test_faults_in_edges),
    cmocka_unit_test(test_faults_in_instructions),
    cmocka_unit_test(test_uses_that_no_definition_dominates),
    cmocka_unit_test(test_stale_analyses),
    cmocka_unit_test(test_the_fault_names_block_and_instruction),
};
TEST_MAIN(tests)
