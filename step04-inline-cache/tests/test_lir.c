// The translation from bytecode to LIR, as text.
#include "backend/lir.h"
#include "programs.h"
#include "random_program.h"
#include "testing/test_main.h"

// The LIR of the first function.
static void assert_lir(const char *text, const char *expected) {
    Program *program = program_from(text);
    Lir lir;
    assert_true(lir_build(&lir, program, 0));
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
               "       0  params l0\n"
               "  B1:\n"
               "       1  moves v0 <- l0\n"
               "       2  l0 <- const 1\n"
               "       3  v1 <- add v0, l0\n"
               "       4  v2 <- add v0, v1\n"
               "       5  return v2\n");
}

static void test_the_result_is_not_computed_into_a_local_that_is_still_on_the_stack(void **state) {
    (void)state;
    assert_lir("func main params=1\n load_local 0\n load_local 0\n load_const 1\n add\n"
               " store_local 0\n load_local 0\n sub\n return\n"
               "end\n",
               "main:\n"
               "  B0:\n"
               "       0  params l0\n"
               "  B1:\n"
               "       1  v0 <- add l0, 1\n"
               "       2  moves v1 <- l0\n"
               "       3  moves l0 <- v0\n"
               "       4  v2 <- sub v1, l0\n"
               "       5  return v2\n");
}

static void test_operands_at_a_join_lie_in_stack_registers(void **state) {
    (void)state;
    assert_lir("func main params=1\n load_const 10\n load_local 0\n jump_if_false other\n"
               " load_local 0\n jump done\n"
               "other:\n load_const 2\n"
               "done:\n sub\n return\n"
               "end\n",
               "main:\n"
               "  B0:\n"
               "       0  params l0\n"
               "  B1:\n"
               "       1  moves s0 <- 10\n"
               "       2  branch_false l0, B3\n"
               "  B2:\n"
               "       3  moves s1 <- l0\n"
               "       4  jump B4\n"
               "  B3:\n"
               "       5  moves s1 <- 2\n"
               "  B4:\n"
               "       6  v0 <- sub s0, s1\n"
               "       7  return v0\n");
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
               "       0  params l0\n"
               "  B1:\n"
               "       1  branch l0 !< 5, B6\n"
               "  B2:\n"
               "       2  v0 <- const 5\n"
               "       3  branch v0 !< l0, B6\n"
               "  B3:\n"
               "       4  branch l0 != l0, B6\n"
               "  B4:\n"
               "       5  branch l0 !> 481036337152, B6\n"
               "  B5:\n"
               "       6  v1 <- const 1\n"
               "       7  branch v1 !> 2, B6\n"
               "  B6:\n"
               "       8  v2 <- compare l0 == 0\n"
               "       9  return v2\n");
}

static void test_a_comparison_does_not_merge_with_a_jump_that_others_lead_to(void **state) {
    (void)state;
    assert_lir("func main params=1\n load_local 0\n load_const 5\n less_than\n"
               "again:\n jump_if_false done\n load_local 0\n jump again\n"
               "done:\n load_const 1\n return\n"
               "end\n",
               "main:\n"
               "  B0:\n"
               "       0  params l0\n"
               "  B1:\n"
               "       1  v0 <- compare l0 < 5\n"
               "       2  moves s0 <- v0\n"
               "  B2:  ; loop depth 1\n"
               "       3  branch_false s0, B4\n"
               "  B3:  ; loop depth 1\n"
               "       4  moves s0 <- l0\n"
               "       5  jump B2\n"
               "  B4:\n"
               "       6  v1 <- const 1\n"
               "       7  return v1\n");
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
               "       0  params l0\n"
               "  B1:\n"
               "       1  v0 <- const 3\n"
               "       2  v1 <- mul v0, l0\n"
               "       3  v2 <- sub l0, -5\n"
               "       4  v3 <- add v1, v2\n"
               "       5  v4 <- const 7\n"
               "       6  v5 <- sub v4, l0\n"
               "       7  v6 <- add v3, v5\n"
               "       8  v7 <- const 100\n"
               "       9  v8 <- div v7, l0\n"
               "      10  v9 <- add v6, v8\n"
               "      11  v10 <- add l0, 2147483648\n"
               "      12  v11 <- add v9, v10\n"
               "      13  v12 <- const 2\n"
               "      14  v13 <- add v12, 3\n"
               "      15  v14 <- add v11, v13\n"
               "      16  return v14\n");
}

static void test_results_are_computed_into_locals(void **state) {
    (void)state;
    assert_lir("func main params=1 locals=2\n load_local 0\n load_const 1\n add\n store_local 0\n"
               " load_local 0\n store_local 1\n load_local 1\n store_local 1\n load_local 1\n"
               " load_local 1\n load_local 0\n add\n store_local 1\n load_local 1\n mul\n return\n"
               "end\n",
               "main:\n"
               "  B0:\n"
               "       0  params l0\n"
               "  B1:\n"
               "       1  l0 <- add l0, 1\n"
               "       2  moves l1 <- l0\n"
               "       3  v1 <- add l1, l0\n"
               "       4  moves v2 <- l1\n"
               "       5  moves l1 <- v1\n"
               "       6  v3 <- mul v2, l1\n"
               "       7  return v3\n");
}

static void test_what_is_never_reached_or_returned_is_not_there(void **state) {
    (void)state;
    assert_lir("func main params=1\n load_local 0\n load_const 5\n load_local 0\n return\n"
               " load_const 4\n add\n return\n"
               "dead:\n jump dead\n"
               "end\n",
               "main:\n"
               "  B0:\n"
               "       0  params l0\n"
               "  B1:\n"
               "       1  return l0\n");
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
               "       0  params l0\n"
               "  B1:\n"
               "       1  v0 <- call f(1, l0, 1250999896491)\n"
               "       2  l0 <- call g(v0)\n"
               "       3  return l0\n");
}

static void test_a_local_is_read_when_it_is_used_and_copied_before_it_changes(void **state) {
    (void)state;
    assert_lir("func main params=1\n load_local 0\n call g\n load_local 0\n call g\n load_local 0\n"
               " load_const 9\n store_local 0\n load_local 0\n add\n add\n add\n return\n"
               "end\n"
               "func g params=1\n load_local 0\n return\n"
               "end\n",
               "main:\n"
               "  B0:\n"
               "       0  params l0\n"
               "  B1:\n"
               "       1  v0 <- call g(l0)\n"
               "       2  v1 <- call g(l0)\n"
               "       3  moves v2 <- l0\n"
               "       4  l0 <- const 9\n"
               "       5  v3 <- add v2, l0\n"
               "       6  v4 <- add v1, v3\n"
               "       7  v5 <- add v0, v4\n"
               "       8  return v5\n");
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
               "       0  params l0\n"
               "  B1:  ; loop depth 1\n"
               "  B2:  ; loop depth 2\n"
               "       1  branch_false l0, B5\n"
               "  B3:  ; loop depth 2\n"
               "       2  branch_false l0, B2\n"
               "  B4:  ; loop depth 1\n"
               "       3  jump B1\n"
               "  B5:\n"
               "       4  v0 <- const -1\n"
               "       5  return v0\n");
}

static void test_operands_that_stay_are_not_moved_again(void **state) {
    (void)state;
    assert_lir("func main params=1\n load_const 1\n load_local 0\n load_local 0\n jump_if_false a\n"
               "a:\n load_local 0\n jump_if_false b\n"
               "b:\n add\n return\n"
               "end\n",
               "main:\n"
               "  B0:\n"
               "       0  params l0\n"
               "  B1:\n"
               "       1  moves s0 <- 1, s1 <- l0\n"
               "       2  branch_false l0, B2\n"
               "  B2:\n"
               "       3  branch_false l0, B3\n"
               "  B3:\n"
               "       4  v0 <- add s0, s1\n"
               "       5  return v0\n");
}

static void test_a_remainder_is_one_instruction(void **state) {
    (void)state;
    assert_lir("func main params=2\n load_local 0\n load_local 1\n mod\n load_local 1\n load_const 10\n mod\n add\n return\n"
               "end\n",
               "main:\n"
               "  B0:\n"
               "       0  params l0, l1\n"
               "  B1:\n"
               "       1  v0 <- rem l0, l1\n"
               "       2  v1 <- rem l1, 10\n"
               "       3  v2 <- add v0, v1\n"
               "       4  return v2\n");
}

// a - a / b * b was one while quotients were integers; 7 / 2 is 3.5 now.
static void test_what_only_looks_like_a_remainder_stays(void **state) {
    (void)state;
    assert_lir("func main params=2\n load_local 0\n load_local 0\n load_local 1\n div\n load_local 1\n mul\n sub\n return\n"
               "end\n",
               "main:\n"
               "  B0:\n"
               "       0  params l0, l1\n"
               "  B1:\n"
               "       1  v0 <- div l0, l1\n"
               "       2  v1 <- mul v0, l1\n"
               "       3  v2 <- sub l0, v1\n"
               "       4  return v2\n");
}

static void test_pop_and_dup_are_no_instructions(void **state) {
    (void)state;
    assert_lir("func main params=1\n load_local 0\n dup\n mul\n load_const 3\n dup\n add\n load_const 9\n pop\n call f\n pop\n return\nend\n"
               "func f params=0\n load_const 1\n return\nend\n",
               "main:\n"
               "  B0:\n"
               "       0  params l0\n"
               "  B1:\n"
               "       1  v0 <- mul l0, l0\n"
               "       2  v1 <- const 3\n"
               "       3  v2 <- add v1, 3\n"
               "       4  v3 <- call f()\n"
               "       5  return v2\n");
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
               "       0  params l0\n"
               "  B1:\n"
               "       1  l1 <- new_object A()\n"
               "       2  set_property x(l1, l0)\n"
               "       3  v1 <- call_method m(l1, 1)\n"
               "       4  v2 <- get_property x(l1)\n"
               "       5  v3 <- function main\n"
               "       6  v4 <- prototype A\n"
               "       7  v5 <- new_array 4\n"
               "       8  set_index (v5, 0, v1)\n"
               "       9  set_index (v5, 1, v2)\n"
               "      10  set_index (v5, 2, v3)\n"
               "      11  set_index (v5, 3, v4)\n"
               "      12  v6 <- length (v5)\n"
               "      13  return v6\n");
}

// A jump to the function's first instruction does not lead to the block of the parameters.
static void test_the_entry_is_a_block_that_no_jump_leads_to(void **state) {
    (void)state;
    Program *program = program_from("func main params=1\nagain:\n load_local 0\n jump_if_false again\n load_const 1\n return\nend\n");
    Lir lir;
    assert_true(lir_build(&lir, program, 0));
    assert_int_equal(lir.ins[0].op, LIR_PARAMS);
    assert_int_equal(lir.blocks[0].end, 1);
    for (size_t b = 0; b < lir.num_blocks; b++)
        for (uint32_t s = 0; s < lir.blocks[b].num_successors; s++) assert_int_not_equal(lir.blocks[b].successors[s], 0);
    lir_free(&lir);
    program_free(program);
}

// Temps are written once, in front of all their reads, and read in the same block.
static void note_max(void *context, VReg vreg) {
    VReg *max = context;
    if (vreg > *max) *max = vreg;
}

typedef struct TempCheck {
    uint32_t num_globals, block;
    uint32_t *written_in; // indexed by VReg; 0: not yet
} TempCheck;

static void check_temp_read(void *context, VReg vreg) {
    const TempCheck *c = context;
    if (vreg >= c->num_globals) assert_int_equal(c->written_in[vreg], c->block + 1);
}

static void check_temp_write(void *context, VReg vreg) {
    TempCheck *c = context;
    if (vreg < c->num_globals) return;
    assert_int_equal(c->written_in[vreg], 0);
    c->written_in[vreg] = c->block + 1;
}

static void assert_well_formed(const Lir *lir) {
    TempCheck c = {.num_globals = lir->num_globals, .written_in = xcalloc(lir->num_vregs, sizeof(uint32_t))};
    uint32_t at = 0;
    for (c.block = 0; c.block < lir->num_blocks; c.block++) {
        const LirBlock *block = &lir->blocks[c.block];
        assert_int_equal(block->start, at);
        for (; at < block->end; at++) {
            VReg max = 0;
            lir_visit_reads(lir, &lir->ins[at], note_max, &max);
            lir_visit_writes(lir, &lir->ins[at], note_max, &max);
            assert_true(max < lir->num_vregs || lir->num_vregs == 0);
            lir_visit_reads(lir, &lir->ins[at], check_temp_read, &c);
            lir_visit_writes(lir, &lir->ins[at], check_temp_write, &c);
        }
        assert_true(block->num_successors <= 2);
    }
    assert_int_equal(at, lir->num_ins);
    free(c.written_in);
}

static void test_random_programs_become_well_formed_lir(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= (SANITIZED ? 100 : 1000); seed++) {
        Program *program = random_program(seed);
        Diagnostic diagnostic;
        assert_true(program_verify(program, &diagnostic));
        for (uint32_t f = 0; f < program->num_functions; f++) {
            Lir lir;
            assert_true(lir_build(&lir, program, f));
            assert_well_formed(&lir);
            lir_free(&lir);
        }
        program_free(program);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_an_operand_keeps_the_value_that_the_local_had),
    cmocka_unit_test(test_the_result_is_not_computed_into_a_local_that_is_still_on_the_stack),
    cmocka_unit_test(test_operands_at_a_join_lie_in_stack_registers),
    cmocka_unit_test(test_a_comparison_and_its_jump_become_one_branch),
    cmocka_unit_test(test_a_comparison_does_not_merge_with_a_jump_that_others_lead_to),
    cmocka_unit_test(test_constants_are_second_operands),
    cmocka_unit_test(test_results_are_computed_into_locals),
    cmocka_unit_test(test_what_is_never_reached_or_returned_is_not_there),
    cmocka_unit_test(test_arguments_may_be_constants),
    cmocka_unit_test(test_a_local_is_read_when_it_is_used_and_copied_before_it_changes),
    cmocka_unit_test(test_loops_are_nested_and_blocks_may_be_empty),
    cmocka_unit_test(test_operands_that_stay_are_not_moved_again),
    cmocka_unit_test(test_a_remainder_is_one_instruction),
    cmocka_unit_test(test_what_only_looks_like_a_remainder_stays),
    cmocka_unit_test(test_pop_and_dup_are_no_instructions),
    cmocka_unit_test(test_instructions_on_objects_are_calls),
    cmocka_unit_test(test_the_entry_is_a_block_that_no_jump_leads_to),
    cmocka_unit_test(test_random_programs_become_well_formed_lir),
};
TEST_MAIN(tests)
