// Building with bets: which guards come of which feedback and which inline caches, and what the frame states hold.
#include "bytecode/verify.h"
#include "deopt/feedback.h"
#include "interp/vm.h"
#include "ir/live_locals.h"
#include "ir/speculate.h"
#include "ir_text.h"
#include "testing/test_main.h"

// A program that has never run, and what its first function is said to have seen.
typedef struct World {
    Program *program;
    Vm vm;
    ICCell *cells;
    Callable *callables;
    Feedback *feedback;
} World;

static World world_of(Program *program) {
    const Function *f = &program->functions[0];
    World w = {.program = program, .cells = xcalloc(f->num_sites, sizeof *w.cells)};
    w.feedback = xcalloc(f->num_instructions, sizeof *w.feedback);
    w.callables = xcalloc(program->num_functions, sizeof *w.callables);
    for (uint32_t i = 0; i < program->num_functions; i++) w.callables[i].index = i;
    w.vm.program = program;
    w.vm.callables = w.callables;
    w.vm.ic.cells = xcalloc(program->num_functions, sizeof *w.vm.ic.cells);
    w.vm.ic.cells[0] = w.cells;
    return w;
}

static World world(const char *bytecode) { return world_of(bytecode_from(bytecode)); }

static void world_free(World *w) {
    program_free(w->program);
    free(w->cells);
    free(w->feedback);
    free(w->callables);
    free(w->vm.ic.cells);
}

// The site at pc has seen one shape.
static void see(World *w, uint32_t pc, ICEntry entry) {
    *ic_cell(&w->vm, 0, pc) = (ICCell){.state = IC_MONOMORPHIC, .n = 1, .e = {entry}};
}

static void build(World *w, Ir *ir) {
    const Speculation speculation = {.vm = &w->vm, .feedback = w->feedback};
    assert_true(ir_build_speculating(ir, w->program, 0, &speculation));
    ir_check(ir, "ir_build_speculating");
}

// What main becomes. Frees the world.
static void assert_becomes(World w, const char *expected) {
    Ir ir;
    build(&w, &ir);
    assert_ir(&ir, expected);
    ir_free(&ir);
    world_free(&w);
}

// The same for a body of main with two parameters in B1, all of whose feedback is at one bytecode.
static void assert_bet(const char *body, uint32_t pc, Feedback feedback, const char *expected) {
    char text[1024], wanted[1024];
    snprintf(text, sizeof text, "func main params=2\n load_local 0\n load_local 1\n%s return\nend\n", body);
    snprintf(wanted, sizeof wanted,
             "func main params=2 {\n"
             "B0:\n    v1 = param 0\n    v2 = param 1\n    v3 = const undefined\n    jump B1\n"
             "B1:\n%s}\n", expected);
    World w = world(text);
    w.feedback[pc] = feedback;
    assert_becomes(w, wanted);
}

// Operators.

static void test_integers_so_far_become_integer_arithmetic(void **state) {
    (void)state;
    assert_bet(" add\n", 2, 0,
               "    s5 = state @2, v3, v3, v1, v2\n"
               "    v6 = guard_int v1 [s5]\n"
               "    v7 = guard_int v2 [s5]\n"
               "    v8 = add_int v6, v7 [s5]\n"
               "    return v8\n");
}

static void test_each_operator_has_its_integer_form(void **state) {
    (void)state;
    static const char *const forms[][2] = {
        {"sub", "sub_int v6, v7 [s5]"}, {"mul", "mul_int v6, v7 [s5]"}, {"div", "div_int v6, v7 [s5]"},
        {"mod", "mod_int v6, v7 [s5]"}, {"less_than", "less_than v6, v7"}, {"greater_than", "greater_than v6, v7"},
        {"equal", "equal v6, v7"},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        char body[64], expected[256];
        snprintf(body, sizeof body, " %s\n", forms[i][0]);
        snprintf(expected, sizeof expected,
                 "    s5 = state @2, v3, v3, v1, v2\n"
                 "    v6 = guard_int v1 [s5]\n"
                 "    v7 = guard_int v2 [s5]\n"
                 "    v8 = %s\n"
                 "    return v8\n", forms[i][1]);
        assert_bet(body, 2, 0, expected);
    }
}

static void test_doubles_become_guards_of_numbers(void **state) {
    (void)state;
    static const Feedback seen[] = {FB_DOUBLE, FB_OVERFLOW, FB_DOUBLE | FB_OVERFLOW};
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++)
        assert_bet(" add\n", 2, seen[i],
                   "    s5 = state @2, v3, v3, v1, v2\n"
                   "    v6 = guard_number v1 [s5]\n"
                   "    v7 = guard_number v2 [s5]\n"
                   "    v8 = add v6, v7\n"
                   "    return v8\n");
}

static void test_other_operands_get_no_bet(void **state) {
    (void)state;
    static const char *const operators[] = {"add", "mul", "less_than", "equal"};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        char body[64], expected[256];
        snprintf(body, sizeof body, " %s\n", operators[i]);
        snprintf(expected, sizeof expected, "    v5 = %s v1, v2\n    return v5\n", operators[i]);
        assert_bet(body, 2, FB_OTHER, expected);
        assert_bet(body, 2, FB_OTHER | FB_DOUBLE, expected);
    }
}

static void test_what_is_known_of_operands_is_not_checked(void **state) {
    (void)state;
    assert_bet(" add\n load_const 1\n sub\n", 2, 0,
               "    s5 = state @2, v3, v3, v1, v2\n"
               "    v6 = guard_int v1 [s5]\n"
               "    v7 = guard_int v2 [s5]\n"
               "    v8 = add_int v6, v7 [s5]\n"
               "    v9 = const 1\n"
               "    s10 = state @4, v3, v3, v8, v9\n"
               "    v11 = sub_int v8, v9 [s10]\n"
               "    return v11\n");
    // A comparison of integers needs no state.
    assert_bet(" add\n load_const 1\n less_than\n", 2, 0,
               "    s5 = state @2, v3, v3, v1, v2\n"
               "    v6 = guard_int v1 [s5]\n"
               "    v7 = guard_int v2 [s5]\n"
               "    v8 = add_int v6, v7 [s5]\n"
               "    v9 = const 1\n"
               "    v10 = less_than v8, v9\n"
               "    return v10\n");
}

static void test_a_constant_says_what_the_operands_are(void **state) {
    (void)state;
    assert_bet(" pop\n load_const 0.5\n mul\n", 4, 0,
               "    v5 = const 0.5\n"
               "    s6 = state @4, v3, v3, v1, v5\n"
               "    v7 = guard_number v1 [s6]\n"
               "    v8 = mul v7, v5\n"
               "    return v8\n");
    assert_bet(" pop\n load_const \"s\"\n add\n", 4, 0,
               "    v5 = const \"s\"\n    v6 = add v1, v5\n    return v6\n");
}

static void test_a_value_that_is_used_twice_is_checked_once(void **state) {
    (void)state;
    assert_bet(" pop\n dup\n mul\n", 4, 0,
               "    s5 = state @4, v3, v3, v1, v1\n"
               "    v6 = guard_int v1 [s5]\n"
               "    v7 = mul_int v6, v6 [s5]\n"
               "    return v7\n");
}

// States.

static void test_a_state_in_the_middle_of_an_expression_has_the_operands_below(void **state) {
    (void)state;
    // x * (y - x): the product waits on the stack, and y is not needed any more
    assert_becomes(world("func main params=2 locals=3\n load_const 7\n store_local 2\n"
                         " load_local 0\n load_local 1\n load_local 0\n sub\n mul\n"
                         " load_local 2\n add\n return\nend\n"),
                   "func main params=2 {\n"
                   "B0:\n    v1 = param 0\n    v2 = param 1\n    v3 = const undefined\n    jump B1\n"
                   "B1:\n"
                   "    v5 = const 7\n"
                   "    s6 = state @5, v3, v3, v5, v1, v2, v1\n"
                   "    v7 = guard_int v2 [s6]\n"
                   "    v8 = guard_int v1 [s6]\n"
                   "    v9 = sub_int v7, v8 [s6]\n"
                   "    s10 = state @6, v3, v3, v5, v1, v9\n"
                   "    v11 = guard_int v1 [s10]\n"
                   "    v12 = mul_int v11, v9 [s10]\n"
                   "    s13 = state @8, v3, v3, v3, v12, v5\n"
                   "    v14 = add_int v12, v5 [s13]\n"
                   "    return v14\n"
                   "}\n");
}

static void test_locals_that_are_read_later_on_some_path_are_in_the_state(void **state) {
    (void)state;
    // local 0 is read behind the branch, local 1 is overwritten on both ways
    assert_becomes(world("func main params=2\n load_local 0\n load_local 1\n less_than\n jump_if_false other\n"
                         " load_const 1\n store_local 1\n load_local 1\n return\n"
                         "other:\n load_const 2\n store_local 1\n load_local 0\n return\nend\n"),
                   "func main params=2 {\n"
                   "B0:\n    v1 = param 0\n    v2 = param 1\n    v3 = const undefined\n    jump B1\n"
                   "B1:\n"
                   "    s5 = state @2, v1, v3, v1, v2\n"
                   "    v6 = guard_int v1 [s5]\n"
                   "    v7 = guard_int v2 [s5]\n"
                   "    v8 = less_than v6, v7\n"
                   "    branch v8, B2, B3\n"
                   "B2:\n    v10 = const 1\n    return v10\n"
                   "B3:\n    v12 = const 2\n    return v1\n"
                   "}\n");
}

static void test_a_loop_begins_with_a_state(void **state) {
    (void)state;
    // while (i < n) i = i + 1
    assert_becomes(world("func main params=1 locals=2\n load_const 0\n store_local 1\n"
                         "top:\n load_local 1\n load_local 0\n less_than\n jump_if_false out\n"
                         " load_local 1\n load_const 1\n add\n store_local 1\n jump top\n"
                         "out:\n load_local 1\n return\nend\n"),
                   "func main params=1 {\n"
                   "B0:\n    v1 = param 0\n    v2 = const undefined\n    jump B1\n"
                   "B1:\n    v4 = const 0\n    jump B2\n"
                   "B2:\n"
                   "    v7 = phi B1: v4, B3: v17\n"
                   "    s6 = state @2, v1, v7\n"
                   "    s8 = state @4, v1, v7, v7, v1\n"
                   "    v9 = guard_int v7 [s8]\n"
                   "    v10 = guard_int v1 [s8]\n"
                   "    v11 = less_than v9, v10\n"
                   "    branch v11, B3, B4\n"
                   "B3:\n"
                   "    s13 = state @6, v1, v7\n"
                   "    v14 = const 1\n"
                   "    s15 = state @8, v1, v2, v7, v14\n"
                   "    v16 = guard_int v7 [s15]\n"
                   "    v17 = add_int v16, v14 [s15]\n"
                   "    jump B2\n"
                   "B4:\n    return v7\n"
                   "}\n");
}

// Objects.

static void test_a_property_that_one_shape_has_inside(void **state) {
    (void)state;
    World w = world("func main params=1\n load_local 0\n get_property x\n return\nend\n");
    see(&w, 1, (ICEntry){.shape = 9, .offset = 16});
    assert_becomes(w, "func main params=1 {\n"
                      "B0:\n    v1 = param 0\n    v2 = const undefined\n    jump B1\n"
                      "B1:\n"
                      "    s4 = state @1, v2, v1\n"
                      "    v5 = guard_shape v1, #9 [s4]\n"
                      "    v6 = load_field v5, x+16\n"
                      "    return v6\n"
                      "}\n");
}

static const char store_text[] = "func main params=2\n load_local 0\n load_local 1\n set_property x\n"
                                 " load_local 1\n return\nend\n";

static void test_a_store_to_a_property_that_exists(void **state) {
    (void)state;
    World w = world(store_text);
    see(&w, 2, (ICEntry){.shape = 9, .offset = 24, .holder_or_fn = 9});
    assert_becomes(w, "func main params=2 {\n"
                      "B0:\n    v1 = param 0\n    v2 = param 1\n    v3 = const undefined\n    jump B1\n"
                      "B1:\n"
                      "    s5 = state @2, v3, v2, v1, v2\n"
                      "    v6 = guard_shape v1, #9 [s5]\n"
                      "    store_field v6, x+24, v2\n"
                      "    return v2\n"
                      "}\n");
}

static void test_a_store_that_adds_a_property_changes_the_shape(void **state) {
    (void)state;
    World w = world(store_text);
    see(&w, 2, (ICEntry){.shape = 9, .offset = 24, .holder_or_fn = 10});
    assert_becomes(w, "func main params=2 {\n"
                      "B0:\n    v1 = param 0\n    v2 = param 1\n    v3 = const undefined\n    jump B1\n"
                      "B1:\n"
                      "    s5 = state @2, v3, v2, v1, v2\n"
                      "    v6 = guard_shape v1, #9 [s5]\n"
                      "    store_field v6, x+24, v2\n"
                      "    set_shape v6, #10\n"
                      "    return v2\n"
                      "}\n");
}

static void assert_generic_access(ICCell cell, Feedback feedback) {
    World w = world("func main params=1\n load_local 0\n get_property x\n return\nend\n");
    *ic_cell(&w.vm, 0, 1) = cell;
    w.feedback[1] = feedback;
    assert_becomes(w, "func main params=1 {\n"
                      "B0:\n    v1 = param 0\n    v2 = const undefined\n    jump B1\n"
                      "B1:\n    v4 = get_property v1, x\n    return v4\n}\n");
}

static void test_other_properties_get_no_bet(void **state) {
    (void)state;
    ICEntry inside = {.shape = 9, .offset = 16}, overflow = {.shape = 9, .offset = -16};
    ICEntry inherited = {.shape = 9, .offset = 16, .holder_or_fn = 4096};
    assert_generic_access((ICCell){0}, 0);
    assert_generic_access((ICCell){.state = IC_POLYMORPHIC, .n = 2, .e = {inside, inside}}, 0);
    assert_generic_access((ICCell){.state = IC_MEGAMORPHIC, .n = 4, .e = {inside}}, 0);
    assert_generic_access((ICCell){.state = IC_MONOMORPHIC, .n = 1, .e = {overflow}}, 0);
    assert_generic_access((ICCell){.state = IC_MONOMORPHIC, .n = 1, .e = {inherited}}, 0);
    assert_generic_access((ICCell){.state = IC_MONOMORPHIC, .n = 1, .e = {inside}}, FB_SHAPE);
}

static const char method_text[] = "func main params=2\n load_local 0\n load_local 1\n call other\n pop\n"
                                  " load_local 0\n load_local 1\n call_method m 1\n"
                                  " load_local 1\n set_property x\n"
                                  " load_const 1\n return\nend\n"
                                  "func method params=2\n load_local 0\n return\nend\n"
                                  "func other params=2\n load_local 0\n return\nend\n";

// Whatever may change prototypes has a state behind it, without its operands and its result.
static void test_a_method_that_one_shape_has_is_called_directly(void **state) {
    (void)state;
    World w = world(method_text);
    see(&w, 6, (ICEntry){.shape = 9, .holder_or_fn = (uintptr_t)&w.callables[1]});
    assert_becomes(w, "func main params=2 {\n"
                      "B0:\n    v1 = param 0\n    v2 = param 1\n    v3 = const undefined\n    jump B1\n"
                      "B1:\n"
                      "    s6 = state behind @2, v1, v2\n"
                      "    v5 = call other, v1, v2 [s6]\n"
                      "    s7 = state @6, v3, v2, v1, v2\n"
                      "    s8 = state behind @6, v3, v2\n"
                      "    v9 = guard_shape v1, #9 [s7]\n"
                      "    v10 = call method, v9, v2 [s8]\n"
                      "    s12 = state behind @8, v3, v3\n"
                      "    set_property v10, x, v2 [s12]\n"
                      "    v13 = const 1\n"
                      "    return v13\n"
                      "}\n");
}

static void test_without_a_bet_on_a_method_calls_have_no_states(void **state) {
    (void)state;
    const char *expected = "func main params=2 {\n"
                           "B0:\n    v1 = param 0\n    v2 = param 1\n    v3 = const undefined\n    jump B1\n"
                           "B1:\n"
                           "    v5 = call other, v1, v2\n"
                           "    v6 = call_method v1, m, v2\n"
                           "    set_property v6, x, v2\n"
                           "    v8 = const 1\n"
                           "    return v8\n"
                           "}\n";
    assert_becomes(world(method_text), expected);
    World w = world(method_text); // one parameter too many
    see(&w, 6, (ICEntry){.shape = 9, .holder_or_fn = (uintptr_t)&w.callables[1]});
    w.program->functions[1].num_params = 3;
    assert_becomes(w, expected);
}

// Arrays.

static void test_elements_of_arrays(void **state) {
    (void)state;
    assert_bet(" get_index\n", 2, 0,
               "    s5 = state @2, v3, v3, v1, v2\n"
               "    v6 = guard_shape v1, array [s5]\n"
               "    v7 = guard_int v2 [s5]\n"
               "    v8 = guard_bounds v7, v6 [s5]\n"
               "    v9 = load_element v6, v8 [s5]\n"
               "    return v9\n");
    assert_bet(" get_index\n", 2, FB_ELEMENT, "    v5 = get_index v1, v2\n    return v5\n");
    assert_bet(" dup\n set_index\n load_const 1\n", 3, 0,
               "    s5 = state @3, v3, v3, v1, v2, v2\n"
               "    v6 = guard_shape v1, array [s5]\n"
               "    v7 = guard_int v2 [s5]\n"
               "    v8 = guard_bounds v7, v6 [s5]\n"
               "    store_element v6, v8, v2\n"
               "    v10 = const 1\n"
               "    return v10\n");
    assert_bet(" pop\n length\n", 3, 0,
               "    s5 = state @3, v3, v3, v1\n"
               "    v6 = guard_shape v1, array [s5]\n"
               "    v7 = array_length v6\n"
               "    return v7\n");
    assert_bet(" pop\n length\n", 3, FB_SHAPE, "    v5 = length v1\n    return v5\n");
    assert_bet(" pop\n load_const \"name\"\n get_index\n", 4, 0,
               "    v5 = const \"name\"\n    v6 = get_index v1, v5\n    return v6\n");
}

// No bets, and limits.

static void test_without_speculation_nothing_is_bet_on(void **state) {
    (void)state;
    World w = world(method_text);
    Ir plain, speculating;
    assert_true(ir_build(&plain, w.program, 0));
    assert_true(ir_build_speculating(&speculating, w.program, 0, NULL));
    char *expected = ir_text(&plain, IR_PRINT_PC);
    char *text = ir_text(&speculating, IR_PRINT_PC);
    assert_string_equal(text, expected);
    assert_null(strstr(text, "state"));
    free(expected);
    free(text);
    ir_free(&plain);
    ir_free(&speculating);
    world_free(&w);
}

static void emit(Program *program, Opcode opcode, int64_t operand) {
    program_emit(program, 0, opcode, operand, (SourcePos){1, 1});
}

static void add_method(Program *program) {
    uint32_t method = program_add_function(program, "method", 1, 1);
    program_emit(program, method, OP_LOAD_LOCAL, 0, (SourcePos){1, 1});
    program_emit(program, method, OP_RETURN, 0, (SourcePos){1, 1});
}

enum { MANY_LOCALS = 1000, MANY_SUMS = 20000 };

// Sums of parameters, all of which are read at the end.
static Program *large_program(bool calls_method) {
    Program *program = program_new("large.bca");
    program_add_function(program, "main", MANY_LOCALS, MANY_LOCALS);
    for (uint32_t i = 0; i < MANY_SUMS; i++) {
        emit(program, OP_LOAD_LOCAL, i % MANY_LOCALS);
        emit(program, OP_LOAD_LOCAL, (i + 1) % MANY_LOCALS);
        emit(program, OP_ADD, 0);
        emit(program, OP_STORE_LOCAL, i % MANY_LOCALS);
    }
    for (uint32_t i = 0; i < MANY_LOCALS; i++) {
        emit(program, OP_LOAD_LOCAL, i);
        emit(program, OP_POP, 0);
    }
    emit(program, OP_LOAD_LOCAL, 0);
    String *name = program_intern(program, "m", 1);
    if (calls_method) program_emit_method(program, 0, OP_CALL_METHOD, name, 0, (SourcePos){1, 1});
    emit(program, OP_RETURN, 0);
    add_method(program);
    Diagnostic diagnostic;
    if (!program_verify(program, &diagnostic)) fail_msg("%s", diagnostic.message);
    return program;
}

static size_t count_op(const Ir *ir, IrOp op) {
    size_t count = 0;
    for (uint32_t b = 0; b < ir->num_blocks; b++)
        IR_EACH(ir, b, ref) count += ir->ins[ref].op == op;
    return count;
}

static void test_the_states_of_a_large_function_have_limited_room(void **state) {
    (void)state;
    World w = world_of(large_program(false));
    Ir ir;
    build(&w, &ir);
    size_t ints = count_op(&ir, IR_ADD_INT);
    assert_in_range(ints, 100, MANY_SUMS / 4);
    assert_int_equal(count_op(&ir, IR_ADD), MANY_SUMS - ints);
    assert_true(ir.num_args < 64 * w.program->functions[0].num_instructions);
    ir_free(&ir);
    world_free(&w);
}

enum { MANY_CALLS = 500 };

static Program *many_calls(uint32_t num_constants) {
    Program *program = program_new("calls.bca");
    String *name = program_intern(program, "m", 1);
    program_add_function(program, "main", 1, 1);
    for (uint32_t i = 0; i < num_constants; i++) {
        emit(program, OP_LOAD_CONST, (int64_t)value_from_int(1));
        emit(program, OP_POP, 0);
    }
    for (uint32_t i = 0; i < MANY_CALLS; i++) {
        emit(program, OP_LOAD_LOCAL, 0);
        program_emit_method(program, 0, OP_CALL_METHOD, name, 0, (SourcePos){1, 1});
        emit(program, OP_POP, 0);
    }
    emit(program, OP_LOAD_LOCAL, 0);
    emit(program, OP_RETURN, 0);
    add_method(program);
    Diagnostic diagnostic;
    if (!program_verify(program, &diagnostic)) fail_msg("%s", diagnostic.message);
    return program;
}

// The constants shift the instructions, so that the array of them grows at a call, at a state, ...
static void test_each_call_of_a_function_with_a_bet_on_a_method_has_its_state(void **state) {
    (void)state;
    for (uint32_t num_constants = 0; num_constants < 4; num_constants++) {
        World w = world_of(many_calls(num_constants));
        see(&w, 2 * num_constants + 1, (ICEntry){.shape = 9, .holder_or_fn = (uintptr_t)&w.callables[1]});
        Ir ir;
        build(&w, &ir);
        assert_int_equal(count_op(&ir, IR_CALL), 1);
        assert_int_equal(count_op(&ir, IR_CALL_METHOD), MANY_CALLS - 1);
        assert_int_equal(count_op(&ir, IR_STATE), MANY_CALLS + 1);
        ir_free(&ir);
        world_free(&w);
    }
}

// With a bet on a method, calls need their states: if there is no room for all of them there are no bets.
static void test_bets_on_methods_are_all_or_none(void **state) {
    (void)state;
    World w = world_of(large_program(true));
    see(&w, (uint32_t)w.program->functions[0].num_instructions - 2,
        (ICEntry){.shape = 9, .holder_or_fn = (uintptr_t)&w.callables[1]});
    Ir ir;
    build(&w, &ir);
    assert_false(ir.depends_on_prototypes);
    assert_int_equal(count_op(&ir, IR_STATE), 0);
    assert_int_equal(count_op(&ir, IR_CALL_METHOD), 1);
    ir_free(&ir);
    world_free(&w);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_integers_so_far_become_integer_arithmetic),
    cmocka_unit_test(test_each_operator_has_its_integer_form),
    cmocka_unit_test(test_doubles_become_guards_of_numbers),
    cmocka_unit_test(test_other_operands_get_no_bet),
    cmocka_unit_test(test_what_is_known_of_operands_is_not_checked),
    cmocka_unit_test(test_a_constant_says_what_the_operands_are),
    cmocka_unit_test(test_a_value_that_is_used_twice_is_checked_once),
    cmocka_unit_test(test_a_state_in_the_middle_of_an_expression_has_the_operands_below),
    cmocka_unit_test(test_locals_that_are_read_later_on_some_path_are_in_the_state),
    cmocka_unit_test(test_a_loop_begins_with_a_state),
    cmocka_unit_test(test_a_property_that_one_shape_has_inside),
    cmocka_unit_test(test_a_store_to_a_property_that_exists),
    cmocka_unit_test(test_a_store_that_adds_a_property_changes_the_shape),
    cmocka_unit_test(test_other_properties_get_no_bet),
    cmocka_unit_test(test_a_method_that_one_shape_has_is_called_directly),
    cmocka_unit_test(test_without_a_bet_on_a_method_calls_have_no_states),
    cmocka_unit_test(test_elements_of_arrays),
    cmocka_unit_test(test_without_speculation_nothing_is_bet_on),
    cmocka_unit_test(test_the_states_of_a_large_function_have_limited_room),
    cmocka_unit_test(test_each_call_of_a_function_with_a_bet_on_a_method_has_its_state),
    cmocka_unit_test(test_bets_on_methods_are_all_or_none),
};
TEST_MAIN(tests)
