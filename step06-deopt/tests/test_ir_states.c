// Guards, frame states and representations: their text form, and the faults that the verifier finds in them.
#include "interp/vm.h"
#include "ir_text.h"
#include "testing/test_main.h"

// The text form.

static void assert_round_trip(const char *text, unsigned options) {
    Program *program = program_new("test");
    Ir ir;
    ir_from(&ir, program, text);
    char *printed = ir_text(&ir, options);
    assert_string_equal(printed, text);
    free(printed);
    ir_free(&ir);
    program_free(program);
}

static void test_guards_and_states_are_read_as_they_are_printed(void **state) {
    (void)state;
    assert_round_trip("func main params=2 {\n"
                      "B0:\n"
                      "    v1 = param 0\n"
                      "    v2 = param 1\n"
                      "    s3 = state @4, v1, v2\n"
                      "    v4 = guard_int v1 [s3] @4\n"
                      "    v5 = guard_number v2 [s3 hoisted] @9\n"
                      "    v6 = add_int v4, v4 [s3] @4\n"
                      "    s7 = state @7\n"
                      "    v8 = guard_shape v2, array [s7] @7\n"
                      "    v9 = guard_bounds v4, v8 [s7] @7\n"
                      "    v10 = load_element v8, v9 [s7] @7\n"
                      "    v11 = array_length v8\n"
                      "    v12 = guard_shape v2, #123 [s7] @8\n"
                      "    v13 = load_field v12, x+16\n"
                      "    store_field v12, \"a b\"+24, v13\n"
                      "    set_shape v12, #124\n"
                      "    store_element v8, v9, v10\n"
                      "    s17 = state behind @12, v1\n"
                      "    v18 = call f, v1, v2 [s17] @12\n"
                      "    s19 = state behind @13, v1\n"
                      "    set_property v1, x, v2 [s19] @13\n"
                      "    jump B1\n"
                      "B1:\n"
                      "    return v18\n"
                      "}\n",
                      IR_PRINT_PC);
}

static void test_representations_are_read_as_they_are_printed(void **state) {
    (void)state;
    assert_round_trip("func main params=1 {\n"
                      "B0:\n"
                      "    v1 = param 0\n"
                      "    s2 = state @1, v1\n"
                      "    v3:i32 = guard_int v1 [s2]\n"
                      "    v4:i32 = const 7\n"
                      "    v5:i32 = add_int v3, v4 [s2]\n"
                      "    v6:f64 = to_f64 v5\n"
                      "    v7:f64 = const 0.5\n"
                      "    v8:f64 = mul v6, v7\n"
                      "    v9 = to_tagged v8\n"
                      "    return v9\n"
                      "}\n",
                      0);
}

static void assert_rejected(const char *line, const char *message) {
    char text[512];
    Program *program = program_new("test");
    Ir ir;
    Diagnostic diagnostic = {.message = "accepted"};
    snprintf(text, sizeof text, "func main params=1 {\nB0:\n v1 = param 0\n s2 = state @3, v1\n%s\n return v1\n}\n",
             line);
    bool ok = ir_parse(&ir, program, text, strlen(text), &diagnostic);
    if (ok) ir_free(&ir);
    program_free(program);
    assert_false(ok);
    assert_string_equal(diagnostic.message, message);
}

static void test_mistakes_in_the_text_are_found(void **state) {
    (void)state;
    assert_rejected(" v3 = guard_int v1 [s9]", "s9 is not defined");
    assert_rejected(" v3 = guard_int v1 [v1]", "expected a state, like s1, found 'v1'");
    assert_rejected(" v3 = guard_int v1 [s2 moved]", "expected 'hoisted' or ']', found 'moved'");
    assert_rejected(" v3 = guard_int v1 [s2", "expected ']'");
    assert_rejected(" s2 = state @4, v1", "s2 is defined twice");
    assert_rejected(" state @4, v1", "'state' has a name: s1 = state");
    assert_rejected(" v3 = state @4, v1", "'state' has no result");
    assert_rejected(" s3 = guard_int v1 [s2]", "expected 'state', found 'guard_int'");
    assert_rejected(" s3 = state v1", "expected '@12' or 'behind @12', found 'v1'");
    assert_rejected(" s3 = state behind", "expected '@'");
    assert_rejected(" v3 = guard_shape v1, circle [s2]", "expected a shape, like array or #12, found 'circle'");
    assert_rejected(" v3 = load_field v1, x", "expected '+'");
    assert_rejected(" v3 = load_field v1, x+y", "expected an offset, found 'y'");
    assert_rejected(" v3:i64 = const 1", "expected a representation, like i32, found 'i64'");
}

// Faults. The function has bytecode, so the verifier knows how many slots there are at each of its instructions.

static const char bytecode[] = "func main params=2\n"
                               " load_local 0\n load_local 1\n add\n"            // @2: two operands
                               " load_local 0\n load_local 1\n call_method m 1\n" // @5: three; the call pops two
                               " add\n return\n"
                               "end\n";

static const char text[] = "func main params=2 {\n"
                           "B0:\n"
                           "    v1 = param 0\n"
                           "    v2 = param 1\n"
                           "    jump B1\n"
                           "B1:\n"
                           "    s3 = state @2, v1, v2, v1, v2\n"
                           "    v4 = guard_int v1 [s3] @2\n"
                           "    v5 = guard_int v2 [s3] @2\n"
                           "    v6 = add_int v4, v5 [s3] @2\n"
                           "    s7 = state behind @5, v1, v2, v6\n"
                           "    v8 = call_method v1, m, v2 [s7] @5\n"
                           "    s9 = state @6, v1, v2, v6, v8\n"
                           "    v10 = guard_int v8 [s9] @6\n"
                           "    v11 = add_int v6, v10 [s9] @6\n"
                           "    branch v11, B2, B3\n"
                           "B2:\n"
                           "    return v11\n"
                           "B3:\n"
                           "    return v1\n"
                           "}\n";

// The n-th instruction of this kind, from 0.
static Ref find(const Ir *ir, IrOp op, uint32_t n) {
    for (uint32_t b = 0; b < ir->num_blocks; b++)
        IR_EACH(ir, b, ref)
            if (ir->ins[ref].op == op && n-- == 0) return ref;
    fail_msg("no %s", ir_op_info[op].mnemonic);
    return NO_REF;
}

typedef void Plant(Ir *ir);

static void assert_fault_in(const char *ir_source, Plant *plant, const char *expected) {
    Program *program = bytecode_from(bytecode);
    Ir ir;
    IrFault fault = {"accepted"};
    ir_from(&ir, program, ir_source);
    plant(&ir);
    if (ir_verify(&ir, &fault) || !strstr(fault.message, expected))
        fail_msg("\"%s\", not \"%s\"", fault.message, expected);
    ir_free(&ir);
    program_free(program);
}

#define PLANT(name, code) \
    static void name(Ir *ir) { code; }

static void move_behind(Ir *ir, Ref ref, Ref at) {
    ir_unlink(ir, ref);
    ir_insert_after(ir, at, ref);
}

// A call between the state of the second addition and its guard.
static void plant_effect(Ir *ir) {
    Ref call = ir_new1(ir, IR_CALL_METHOD, find(ir, IR_PARAM, 0), 5);
    IrIns *old = &ir->ins[find(ir, IR_CALL_METHOD, 0)];
    ir->ins[call].imm = old->imm;
    ir->ins[call].aux = old->aux;
    ir->ins[call].state = old->state;
    ir_insert_after(ir, find(ir, IR_STATE, 2), call);
}

// An addition of anything, which may raise an error.
static void plant_error(Ir *ir) {
    Ref add = ir_new2(ir, IR_ADD, find(ir, IR_PARAM, 0), find(ir, IR_PARAM, 1), 2);
    ir_insert_after(ir, find(ir, IR_STATE, 0), add);
}

PLANT(no_state, ir->ins[find(ir, IR_GUARD_INT, 1)].state = NO_REF)
PLANT(no_state_of_sum, ir->ins[find(ir, IR_ADD_INT, 0)].state = NO_REF)
PLANT(call_without_state, ir->ins[find(ir, IR_CALL_METHOD, 0)].state = NO_REF)
PLANT(needless_state, ir->ins[find(ir, IR_RETURN, 0)].state = find(ir, IR_STATE, 0))
PLANT(unknown_state, ir->ins[find(ir, IR_GUARD_INT, 0)].state = 1000)
PLANT(state_that_is_none, ir->ins[find(ir, IR_GUARD_INT, 0)].state = find(ir, IR_PARAM, 0))
PLANT(removed_state, Ref s = find(ir, IR_STATE, 2); ir_remove(ir, s))
PLANT(state_in_other_block, move_behind(ir, find(ir, IR_STATE, 0), find(ir, IR_PARAM, 1)))
PLANT(state_behind_guard, move_behind(ir, find(ir, IR_STATE, 0), find(ir, IR_GUARD_INT, 0)))
PLANT(guard_with_call_s_state, ir->ins[find(ir, IR_GUARD_INT, 2)].state = find(ir, IR_STATE, 1))
PLANT(call_with_guard_s_state, ir->ins[find(ir, IR_CALL_METHOD, 0)].state = find(ir, IR_STATE, 0))
PLANT(other_call_s_state, ir->ins[find(ir, IR_CALL_METHOD, 0)].pc = 2)
PLANT(state_too_long, ir_add_arg(ir, find(ir, IR_STATE, 0), find(ir, IR_PARAM, 0)))
PLANT(state_too_short, ir->ins[find(ir, IR_STATE, 1)].num_args--)
PLANT(state_nowhere, ir->ins[find(ir, IR_STATE, 0)].pc = 100)
PLANT(operand_too_late, ir_set_arg(ir, find(ir, IR_STATE, 0), 0, find(ir, IR_ADD_INT, 0)))
PLANT(state_as_operand, ir_set_arg(ir, find(ir, IR_GUARD_INT, 0), 0, find(ir, IR_STATE, 0)))
PLANT(early_rep, ir->ins[find(ir, IR_ADD_INT, 0)].rep = REP_I32)

static void test_faults_of_states_are_found(void **state) {
    (void)state;
    assert_fault_in(text, no_state, "(guard_int): a guard without a state");
    assert_fault_in(text, no_state_of_sum, "(add_int): a guard without a state");
    assert_fault_in(text, call_without_state,
                    "(call_method): a call without a state in code that depends on prototypes");
    assert_fault_in(text, needless_state, "(return): has a state, and never leaves");
    assert_fault_in(text, unknown_state, "state s1000 does not exist");
    assert_fault_in(text, state_that_is_none, "s1 is no state");
    assert_fault_in(text, removed_state, "is no state");
    assert_fault_in(text, state_in_other_block, "is not in front of it in the block");
    assert_fault_in(text, state_behind_guard, "is not in front of it in the block");
    assert_fault_in(text, guard_with_call_s_state, "is one behind a bytecode");
    assert_fault_in(text, call_with_guard_s_state, "is one at a bytecode");
    assert_fault_in(text, other_call_s_state, "resumes behind another call");
    assert_fault_in(text, state_too_long, "5 operands instead of 4");
    assert_fault_in(text, state_too_short, "2 operands instead of 3");
    assert_fault_in(text, state_nowhere, "no bytecode 100 to resume at");
    assert_fault_in(text, operand_too_late, "does not dominate its use");
    assert_fault_in(text, state_as_operand, "has no result");
    assert_fault_in(text, early_rep, "has a representation before they are chosen");
}

static void test_an_effect_between_a_state_and_its_guard_is_found(void **state) {
    (void)state;
    assert_fault_in(text, plant_effect, "is between it and its state");
    assert_fault_in(text, plant_error, "is between it and its state");
}

static const char represented[] = "func main params=2 {\n"
                                  "B0:\n"
                                  "    v1 = param 0\n"
                                  "    v2 = param 1\n"
                                  "    s3 = state @2, v1, v2, v1, v2\n"
                                  "    v4:i32 = guard_int v1 [s3]\n"
                                  "    v5:i32 = const 7\n"
                                  "    v6:i32 = add_int v4, v5 [s3]\n"
                                  "    v7:f64 = to_f64 v6\n"
                                  "    v8:f64 = mul v7, v7\n"
                                  "    v9 = less_than v4, v6\n"
                                  "    v10 = to_tagged v8\n"
                                  "    jump B1\n"
                                  "B1:\n"
                                  "    v11 = phi B0: v10\n"
                                  "    return v11\n"
                                  "}\n";

PLANT(tagged_operand, ir_set_arg(ir, find(ir, IR_ADD_INT, 0), 0, find(ir, IR_PARAM, 0)))
PLANT(tagged_sum, ir->ins[find(ir, IR_ADD_INT, 0)].rep = REP_TAGGED)
PLANT(mixed_comparison, ir_set_arg(ir, find(ir, IR_LESS_THAN, 0), 1, find(ir, IR_MUL, 0)))
PLANT(raw_result, ir_set_arg(ir, find(ir, IR_RETURN, 0), 0, find(ir, IR_ADD_INT, 0)))
PLANT(raw_phi, ir_set_arg(ir, find(ir, IR_PHI, 0), 0, find(ir, IR_MUL, 0)))
PLANT(idle_conversion, ir_set_arg(ir, find(ir, IR_TO_TAGGED, 0), 0, find(ir, IR_PARAM, 0)))
PLANT(double_as_int, ir->ins[find(ir, IR_CONST, 0)].imm = (int64_t)flonum_encode(0.5))
PLANT(unknown_rep, ir->ins[find(ir, IR_CONST, 0)].rep = NUM_REPS)
PLANT(raw_object, ir->ins[find(ir, IR_PHI, 0)].rep = REP_F64)

static void test_faults_of_representations_are_found(void **state) {
    (void)state;
    assert_fault_in(represented, tagged_operand, "(add_int): operand v1 must not be tagged");
    assert_fault_in(represented, tagged_sum, "(add_int): its result cannot be tagged");
    assert_fault_in(represented, mixed_comparison, "(less_than): operand v8 must not be f64");
    assert_fault_in(represented, raw_result, "(return): operand v6 must not be i32");
    assert_fault_in(represented, raw_phi, "(phi): operand v8 must not be f64");
    assert_fault_in(represented, idle_conversion, "(to_tagged): operand v1 must not be tagged");
    assert_fault_in(represented, double_as_int, "(const)");
    assert_fault_in(represented, unknown_rep, "unknown representation");
    assert_fault_in(represented, raw_object, "cannot be f64");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_guards_and_states_are_read_as_they_are_printed),
    cmocka_unit_test(test_representations_are_read_as_they_are_printed),
    cmocka_unit_test(test_mistakes_in_the_text_are_found),
    cmocka_unit_test(test_faults_of_states_are_found),
    cmocka_unit_test(test_an_effect_between_a_state_and_its_guard_is_found),
    cmocka_unit_test(test_faults_of_representations_are_found),
};
TEST_MAIN(tests)
