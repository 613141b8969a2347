// The translation from bytecode to LIR, with no pass in between, as text.
#include "lir_text.h"
#include "programs.h"
#include "random_program.h"
#include "testing/test_main.h"

// The LIR of the first function.
static void assert_lir(const char *text, const char *expected) {
    Program *program = program_from(text);
    Lir lir = lir_of_function(program, 0);
    char *printed = NULL;
    size_t size;
    FILE *out = open_memstream(&printed, &size);
    lir_print(out, &lir);
    fclose(out);
    assert_string_equal(printed, expected);
    free(printed);
    lir_free(&lir);
    program_free(program);
}

static void test_an_operand_keeps_the_value_that_the_local_had(void **state) {
    (void)state;
    assert_lir("func main params=1\n load_local 0\n load_local 0\n load_const 1\n store_local 0\n"
               " load_local 0\n add\n add\n return\n"
               "end\n",
               "main:\n"
               "  B0:\n"
               "       0  params v0\n"
               "       1  jump B1\n"
               "  B1:  ; from B0\n"
               "       2  v1 <- add v0, 1\n"
               "       3  v2 <- add v0, v1\n"
               "       4  return v2\n");
}

static void test_operands_at_a_join_are_phis(void **state) {
    (void)state;
    assert_lir("func main params=1\n load_const 10\n load_local 0\n jump_if_false other\n"
               " load_local 0\n jump done\n"
               "other:\n load_const 2\n"
               "done:\n sub\n return\n"
               "end\n",
               "main:\n"
               "  B0:\n"
               "       0  params v0\n"
               "       1  jump B1\n"
               "  B1:  ; from B0\n"
               "       2  branch_false v0, B3\n"
               "  B2:  ; from B1\n"
               "       3  jump B4\n"
               "  B3:  ; from B1\n"
               "       4  jump B4\n"
               "  B4:  ; from B2, B3\n"
               "          v1 <- phi v0, 2\n"
               "       5  v2 <- const 10\n"
               "       6  v3 <- sub v2, v1\n"
               "       7  return v3\n");
}

static void test_a_comparison_and_its_jump_become_one_branch(void **state) {
    (void)state;
    assert_lir("func main params=1\n load_local 0\n load_const 5\n less_than\n jump_if_false a\n"
               " load_const 5\n load_local 0\n less_than\n jump_if_false a\n load_local 0\n"
               " load_local 0\n equal\n jump_if_false a\n load_local 0\n load_const 0x7000000000\n"
               " greater_than\n jump_if_false a\n load_const 1\n load_const 2\n greater_than\n"
               " jump_if_false a\n"
               "a:\n load_local 0\n load_const 0\n equal\n return\n"
               "end\n",
               "main:\n"
               "  B0:\n"
               "       0  params v0\n"
               "       1  jump B1\n"
               "  B1:  ; from B0\n"
               "       2  branch v0 !< 5, B9\n"
               "  B2:  ; from B1\n"
               "       3  v1 <- const 5\n"
               "       4  branch v1 !< v0, B8\n"
               "  B3:  ; from B2\n"
               "       5  branch v0 != v0, B7\n"
               "  B4:  ; from B3\n"
               "       6  branch v0 !> 481036337152, B6\n"
               "  B5:  ; from B4\n"
               "       7  v2 <- const 1\n"
               "       8  v3 <- compare v2 > 2\n"
               "       9  jump B10\n"
               "  B6:  ; from B4\n"
               "      10  jump B10\n"
               "  B7:  ; from B3\n"
               "      11  jump B10\n"
               "  B8:  ; from B2\n"
               "      12  jump B10\n"
               "  B9:  ; from B1\n"
               "      13  jump B10\n"
               "  B10:  ; from B9, B8, B7, B6, B5\n"
               "      14  v4 <- compare v0 == 0\n"
               "      15  return v4\n");
}

static void test_a_comparison_does_not_merge_with_a_jump_that_others_lead_to(void **state) {
    (void)state;
    assert_lir("func main params=1\n load_local 0\n load_const 5\n less_than\n"
               "again:\n jump_if_false done\n load_local 0\n jump again\n"
               "done:\n load_const 1\n return\n"
               "end\n",
               "main:\n"
               "  B0:\n"
               "       0  params v0\n"
               "       1  jump B1\n"
               "  B1:  ; from B0\n"
               "       2  v1 <- compare v0 < 5\n"
               "       3  jump B2\n"
               "  B2:  ; from B1, B3  ; loop depth 1\n"
               "          v2 <- phi v1, v0\n"
               "       4  branch_false v2, B4\n"
               "  B3:  ; from B2  ; loop depth 1\n"
               "       5  jump B2\n"
               "  B4:  ; from B2\n"
               "       6  v3 <- const 1\n"
               "       7  return v3\n");
}

static void test_constants_are_second_operands(void **state) {
    (void)state;
    assert_lir("func main params=1\n load_const 3\n load_local 0\n mul\n load_local 0\n"
               " load_const -5\n sub\n add\n load_const 7\n load_local 0\n sub\n add\n"
               " load_const 100\n load_local 0\n div\n add\n load_local 0\n load_const 0x80000000\n"
               " add\n add\n load_const 2\n load_const 3\n add\n add\n return\n"
               "end\n",
               "main:\n"
               "  B0:\n"
               "       0  params v0\n"
               "       1  jump B1\n"
               "  B1:  ; from B0\n"
               "       2  v1 <- const 3\n"
               "       3  v2 <- mul v1, v0\n"
               "       4  v3 <- sub v0, -5\n"
               "       5  v4 <- add v2, v3\n"
               "       6  v5 <- const 7\n"
               "       7  v6 <- sub v5, v0\n"
               "       8  v7 <- add v4, v6\n"
               "       9  v8 <- const 100\n"
               "      10  v9 <- div v8, v0\n"
               "      11  v10 <- add v7, v9\n"
               "      12  v11 <- add v0, 2147483648\n"
               "      13  v12 <- add v10, v11\n"
               "      14  v13 <- const 2\n"
               "      15  v14 <- add v13, 3\n"
               "      16  v15 <- add v12, v14\n"
               "      17  return v15\n");
}

static void test_locals_are_gone(void **state) {
    (void)state;
    assert_lir("func main params=1 locals=2\n load_local 0\n load_const 1\n add\n store_local 0\n"
               " load_local 0\n store_local 1\n load_local 1\n store_local 1\n load_local 1\n"
               " load_local 1\n load_local 0\n add\n store_local 1\n load_local 1\n mul\n return\n"
               "end\n",
               "main:\n"
               "  B0:\n"
               "       0  params v0\n"
               "       1  jump B1\n"
               "  B1:  ; from B0\n"
               "       2  v1 <- add v0, 1\n"
               "       3  v2 <- add v1, v1\n"
               "       4  v3 <- mul v1, v2\n"
               "       5  return v3\n");
}

static void test_what_is_never_reached_or_returned_is_not_there(void **state) {
    (void)state;
    assert_lir("func main params=1\n load_local 0\n load_const 5\n load_local 0\n return\n"
               " load_const 4\n add\n return\n"
               "dead:\n jump dead\n"
               "end\n",
               "main:\n"
               "  B0:\n"
               "       0  params v0\n"
               "       1  jump B1\n"
               "  B1:  ; from B0\n"
               "       2  return v0\n");
}

static void test_arguments_may_be_constants(void **state) {
    (void)state;
    assert_lir("func main params=1\n load_const 1\n load_local 0\n load_const 0x123456789AB\n"
               " call f\n call g\n store_local 0\n load_local 0\n return\n"
               "end\n"
               "func f params=3\n load_local 2\n return\n"
               "end\n"
               "func g params=1\n load_local 0\n return\n"
               "end\n",
               "main:\n"
               "  B0:\n"
               "       0  params v0\n"
               "       1  jump B1\n"
               "  B1:  ; from B0\n"
               "       2  v1 <- call f(1, v0, 1250999896491)\n"
               "       3  v2 <- call g(v1)\n"
               "       4  return v2\n");
}

static void test_a_value_is_the_same_register_whoever_reads_it(void **state) {
    (void)state;
    assert_lir("func main params=1\n load_local 0\n call g\n load_local 0\n call g\n load_local 0\n"
               " load_const 9\n store_local 0\n load_local 0\n add\n add\n add\n return\n"
               "end\n"
               "func g params=1\n load_local 0\n return\n"
               "end\n",
               "main:\n"
               "  B0:\n"
               "       0  params v0\n"
               "       1  jump B1\n"
               "  B1:  ; from B0\n"
               "       2  v1 <- call g(v0)\n"
               "       3  v2 <- call g(v0)\n"
               "       4  v3 <- add v0, 9\n"
               "       5  v4 <- add v2, v3\n"
               "       6  v5 <- add v1, v4\n"
               "       7  return v5\n");
}

static void test_loops_are_nested_and_blocks_may_be_empty(void **state) {
    (void)state;
    assert_lir("func main params=1\n"
               "outer:\n load_local 0\n store_local 0\n"
               "inner:\n load_local 0\n jump_if_false out\n load_local 0\n jump_if_false inner\n"
               " jump outer\n"
               "out:\n load_const -1\n return\n"
               "end\n",
               "main:\n"
               "  B0:\n"
               "       0  params v0\n"
               "       1  jump B1\n"
               "  B1:  ; from B0, B5  ; loop depth 1\n"
               "       2  jump B2\n"
               "  B2:  ; from B1, B4  ; loop depth 2\n"
               "       3  branch_false v0, B6\n"
               "  B3:  ; from B2  ; loop depth 2\n"
               "       4  branch_false v0, B4, else B5\n"
               "  B4:  ; from B3  ; loop depth 2\n"
               "       5  jump B2\n"
               "  B5:  ; from B3  ; loop depth 1\n"
               "       6  jump B1\n"
               "  B6:  ; from B2\n"
               "       7  v1 <- const -1\n"
               "       8  return v1\n");
}

static void test_a_branch_whose_ways_meet_at_once_is_a_jump(void **state) {
    (void)state;
    assert_lir("func main params=1\n load_const 1\n load_local 0\n load_local 0\n jump_if_false a\n"
               "a:\n load_local 0\n jump_if_false b\n"
               "b:\n add\n return\n"
               "end\n",
               "main:\n"
               "  B0:\n"
               "       0  params v0\n"
               "       1  jump B1\n"
               "  B1:  ; from B0\n"
               "       2  jump B2\n"
               "  B2:  ; from B1\n"
               "       3  jump B3\n"
               "  B3:  ; from B2\n"
               "       4  v1 <- const 1\n"
               "       5  v2 <- add v1, v0\n"
               "       6  return v2\n");
}

static void test_a_remainder_is_one_instruction(void **state) {
    (void)state;
    assert_lir("func main params=2\n load_local 0\n load_local 1\n mod\n load_local 1\n load_const 10\n mod\n add\n return\n"
               "end\n",
               "main:\n"
               "  B0:\n"
               "       0  params v0, v1\n"
               "       1  jump B1\n"
               "  B1:  ; from B0\n"
               "       2  v2 <- rem v0, v1\n"
               "       3  v3 <- rem v1, 10\n"
               "       4  v4 <- add v2, v3\n"
               "       5  return v4\n");
}

// a - a / b * b was one while quotients were integers; 7 / 2 is 3.5 now.
static void test_what_only_looks_like_a_remainder_stays(void **state) {
    (void)state;
    assert_lir("func main params=2\n load_local 0\n load_local 0\n load_local 1\n div\n load_local 1\n mul\n sub\n return\n"
               "end\n",
               "main:\n"
               "  B0:\n"
               "       0  params v0, v1\n"
               "       1  jump B1\n"
               "  B1:  ; from B0\n"
               "       2  v2 <- div v0, v1\n"
               "       3  v3 <- mul v2, v1\n"
               "       4  v4 <- sub v0, v3\n"
               "       5  return v4\n");
}

static void test_pop_and_dup_are_no_instructions(void **state) {
    (void)state;
    assert_lir("func main params=1\n load_local 0\n dup\n mul\n load_const 3\n dup\n add\n load_const 9\n pop\n call f\n pop\n return\nend\n"
               "func f params=0\n load_const 1\n return\nend\n",
               "main:\n"
               "  B0:\n"
               "       0  params v0\n"
               "       1  jump B1\n"
               "  B1:  ; from B0\n"
               "       2  v1 <- mul v0, v0\n"
               "       3  v2 <- const 3\n"
               "       4  v3 <- add v2, 3\n"
               "       5  v4 <- call f()\n"
               "       6  return v3\n");
}

// What an object does is a call, with the operands as its arguments.
static void test_instructions_on_objects_are_calls(void **state) {
    (void)state;
    assert_lir("func main params=1 locals=2\n new_object A\n store_local 1\n load_local 1\n load_local 0\n set_property x\n"
               " load_local 1\n load_const 1\n call_method m 1\n load_local 1\n get_property x\n load_function main\n load_prototype A\n"
               " new_array 4\n length\n return\nend\n"
               "class A\nmethod m params=2\nload_local 0\nreturn\nend\nend\n",
               "main:\n"
               "  B0:\n"
               "       0  params v0\n"
               "       1  jump B1\n"
               "  B1:  ; from B0\n"
               "       2  v1 <- new_object A()\n"
               "       3  set_property x(v1, v0)\n"
               "       4  v2 <- call_method m(v1, 1)\n"
               "       5  v3 <- get_property x(v1)\n"
               "       6  v4 <- function main\n"
               "       7  v5 <- prototype A\n"
               "       8  v6 <- new_array 4\n"
               "       9  set_index (v6, 0, v2)\n"
               "      10  set_index (v6, 1, v3)\n"
               "      11  set_index (v6, 2, v4)\n"
               "      12  set_index (v6, 3, v5)\n"
               "      13  v7 <- length (v6)\n"
               "      14  return v7\n");
}

// A jump to the function's first instruction does not lead to the block of the parameters.
static void test_the_entry_is_a_block_that_no_jump_leads_to(void **state) {
    (void)state;
    Program *program = program_from("func main params=1\nagain:\n load_local 0\n jump_if_false again\n load_const 1\n return\nend\n");
    Lir lir = lir_of_function(program, 0);
    assert_int_equal(lir.ins[0].op, LIR_PARAMS);
    assert_int_equal(lir.blocks[0].num_preds, 0);
    for (size_t b = 0; b < lir.num_blocks; b++)
        for (uint32_t s = 0; s < lir.blocks[b].num_successors; s++) assert_int_not_equal(lir.blocks[b].successors[s], 0);
    lir_free(&lir);
    program_free(program);
}

// Registers are written once, in front of all their reads but those of phis.
static void check_read(void *context, VReg vreg) { assert_true(((const bool *)context)[vreg]); }

static void check_write(void *context, VReg vreg) {
    bool *written = context;
    assert_false(written[vreg]);
    written[vreg] = true;
}

static void assert_well_formed(const Lir *lir) {
    bool *written = xcalloc(lir->num_vregs, sizeof *written);
    uint32_t at = 0;
    for (uint32_t b = 0; b < lir->num_blocks; b++) {
        const LirBlock *block = &lir->blocks[b];
        assert_int_equal(block->start, at);
        for (uint32_t k = 0; k < block->num_phis; k++) check_write(written, lir->phis[block->first_phi + k].d);
        for (; at < block->end; at++) {
            lir_visit_reads(lir, &lir->ins[at], check_read, written);
            lir_visit_writes(lir, &lir->ins[at], check_write, written);
        }
    }
    assert_int_equal(at, lir->num_ins);
    for (size_t i = 0; i < lir->num_phis; i++) assert_true(written[lir->phis[i].d]);
    free(written);
}

static void test_random_programs_become_well_formed_lir(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= (SANITIZED ? 100 : 1000); seed++) {
        Program *program = random_program(seed);
        Diagnostic diagnostic;
        assert_true(program_verify(program, &diagnostic));
        for (uint32_t f = 0; f < program->num_functions; f++) {
            Lir lir = lir_of_function(program, f);
            assert_well_formed(&lir);
            lir_free(&lir);
        }
        program_free(program);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_an_operand_keeps_the_value_that_the_local_had),
    cmocka_unit_test(test_operands_at_a_join_are_phis),
    cmocka_unit_test(test_a_comparison_and_its_jump_become_one_branch),
    cmocka_unit_test(test_a_comparison_does_not_merge_with_a_jump_that_others_lead_to),
    cmocka_unit_test(test_constants_are_second_operands),
    cmocka_unit_test(test_locals_are_gone),
    cmocka_unit_test(test_what_is_never_reached_or_returned_is_not_there),
    cmocka_unit_test(test_arguments_may_be_constants),
    cmocka_unit_test(test_a_value_is_the_same_register_whoever_reads_it),
    cmocka_unit_test(test_loops_are_nested_and_blocks_may_be_empty),
    cmocka_unit_test(test_a_branch_whose_ways_meet_at_once_is_a_jump),
    cmocka_unit_test(test_a_remainder_is_one_instruction),
    cmocka_unit_test(test_what_only_looks_like_a_remainder_stays),
    cmocka_unit_test(test_pop_and_dup_are_no_instructions),
    cmocka_unit_test(test_instructions_on_objects_are_calls),
    cmocka_unit_test(test_the_entry_is_a_block_that_no_jump_leads_to),
    cmocka_unit_test(test_random_programs_become_well_formed_lir),
};
TEST_MAIN(tests)
