// The emitter: every LIR instruction with every combination of places for its operands and its result,
// run for real.
#include <math.h>

#include "random_lir.h"
#include "testing/abi_probe.h"
#include "testing/test_main.h"

// Places: the registers of the pool, then three slots.
static const Reg pool_regs[] = {RAX, RCX, RDX, RSI, RDI, R8, R9};
enum { NUM_REGS = sizeof pool_regs / sizeof *pool_regs, NUM_SLOTS = 3, NUM_PLACES = NUM_REGS + NUM_SLOTS };

static Location nth_location(uint32_t n) { return n < NUM_REGS ? in_reg(pool_regs[n]) : in_slot(n - NUM_REGS); }

// Function main of two parameters that computes d from a, its first, and b, its second, or a constant,
// or a again. BESIDE is a constant that lives across that in a place of its own.
enum { A, B, D, BESIDE, NUM_VREGS };
enum { BESIDE_VALUE = 0x7B5AFE12 };

typedef struct Form {
    LirOp op;
    Cond cc;
    LirOperand b; // {B}, {A} or a constant
    bool d_is_a;  // the result is written to the register a, as x = x + 1 does
    bool d_is_b;
    Location places[NUM_VREGS];
} Form;

static VReg result_vreg(const Form *form) { return form->d_is_a ? A : form->d_is_b ? B : D; }

static void append_params(Lir *lir) {
    lir_append(lir, LIR_PARAMS);
    lir_append_move(lir, (LirMove){.d = A, .s = NO_VREG});
    lir_append_move(lir, (LirMove){.d = B, .s = NO_VREG});
}

static void append_const(Lir *lir, VReg d, int64_t imm) {
    LirIns *ins = lir_append(lir, LIR_CONST);
    ins->d = d;
    ins->imm = imm;
}

static void append_operation(Lir *lir, const Form *form) {
    LirIns *ins = lir_append(lir, form->op);
    ins->cc = form->cc;
    ins->a = A;
    ins->b = form->b;
    if (form->op != LIR_BRANCH) {
        ins->d = result_vreg(form);
        return;
    }
    ins->target = 3;
    lir_begin_block(lir);
    append_const(lir, D, int_imm(0));
    lir_append(lir, LIR_JUMP)->target = 4;
    lir_begin_block(lir);
    append_const(lir, D, int_imm(1));
    lir_begin_block(lir);
}

static Lir make_lir(const Program *program, const Form *form, VReg returned) {
    Lir lir = {.program = program, .function = &program->functions[0], .num_vregs = NUM_VREGS};
    lir_begin_block(&lir);
    append_params(&lir);
    lir_begin_block(&lir);
    append_const(&lir, BESIDE, int_imm(BESIDE_VALUE));
    append_operation(&lir, form);
    lir_append(&lir, LIR_RETURN)->a = returned;
    lir_finish(&lir);
    return lir;
}

static const int64_t values[][2] = {
    {0, 0}, {1, 2}, {7, 3}, {-7, 3}, {7, -3}, {5, 5}, {-1, 1}, {100, 0}, {INT64_MIN, -1}, {INT64_MIN, 1},
    {INT64_MAX, INT64_MIN}, {0x123456789ABCDEF, 1000003}, {INT64_MIN, INT64_MIN}, {INT32_MIN, INT32_MAX},
    {0, -5}, {-6, 3}, {INT32_MIN, -1}, {65536, 65536}, {8, 4}, {A_FUNCTION, 3}, {3, A_FUNCTION}, {A_FUNCTION, A_FUNCTION},
};
enum { NUM_VALUES = sizeof values / sizeof *values };

static void print_failure(const Lir *lir, const Form *form, const int64_t *args) {
    lir_print(stderr, lir);
    for (VReg v = 0; v < NUM_VREGS; v++) {
        fprintf(stderr, "%s l%u in ", v ? "," : "", v);
        location_print(stderr, form->places[v]);
    }
    fprintf(stderr, "; arguments %lld %lld\n", (long long)args[0], (long long)args[1]);
}

static void run_form(Rig *rig, const Form *form, VReg returned) {
    Lir lir = make_lir(rig->program, form, returned);
    Location places[NUM_VREGS];
    memcpy(places, form->places, sizeof places);
    RegisterAllocator ra = {.pool = RA_DEFAULT_POOL, .locations = places, .num_slots = NUM_SLOTS, .used = RA_DEFAULT_POOL};
    assert_true(ra_check(&ra, &lir)); // the form is one that an allocator may make
    RigCode code = rig_install(rig, &lir, &ra);
    for (size_t i = 0; i < NUM_VALUES; i++) {
        Outcome expected, outcome = rig_call(rig, &code, values[i]);
        assert_true(lir_interpret(rig, &lir, values[i], 100, &expected));
        if (outcomes_agree(outcome, expected)) continue;
        print_failure(&lir, form, values[i]);
        outcome_print(stderr, outcome);
        fputs(", expected: ", stderr);
        outcome_print(stderr, expected);
        fail_msg("wrong code");
    }
    rig_forget(rig, &code);
    lir_free(&lir);
}

// May an allocator give these places? Two that are alive at once differ; a division has its own rules.
static bool is_legal(const Form *form) {
    const Location *p = form->places;
    LirIns ins = {.op = form->op, .b = form->b};
    RegSet destroyed = ra_clobbers(&ins);
    bool b_destroyed = p[B].kind == LOCATION_REG && destroyed >> p[B].index & 1;
    bool beside_destroyed = p[BESIDE].kind == LOCATION_REG && destroyed >> p[BESIDE].index & 1;
    if (same_location(p[A], p[B])) return false;
    if (form->b.vreg == A && p[A].kind == LOCATION_REG && destroyed >> p[A].index & 1) return false;
    if (form->b.vreg == B && b_destroyed) return false;
    if (beside_destroyed) return false;
    for (VReg v = 0; v < BESIDE; v++)
        if (same_location(p[v], p[BESIDE])) return false;
    return true;
}

// Is the operand still there when the operation is done?
static bool survives(const Form *form, VReg operand) {
    LirIns ins = {.op = form->op, .b = form->b};
    Location place = form->places[operand];
    if (place.kind == LOCATION_REG && ra_clobbers(&ins) >> place.index & 1) return false;
    return !same_location(place, form->places[result_vreg(form)]);
}

// The first place from `start` on that nothing else has.
static Location free_place(const Form *form, uint32_t start) {
    Form trial = *form;
    for (uint32_t n = 0; n < NUM_PLACES; n++) {
        trial.places[BESIDE] = nth_location((start + n) % NUM_PLACES);
        if (is_legal(&trial)) return trial.places[BESIDE];
    }
    return (Location){LOCATION_NONE, 0};
}

static void run_places(Rig *rig, Form form, uint32_t a, uint32_t b, uint32_t d) {
    form.places[A] = nth_location(a);
    form.places[B] = nth_location(b);
    form.places[D] = nth_location(d);
    form.places[BESIDE] = free_place(&form, a + 3 * b + 5 * d);
    if (!is_legal(&form) || form.places[BESIDE].kind == LOCATION_NONE) return;
    run_form(rig, &form, result_vreg(&form));
    run_form(rig, &form, BESIDE);
    if (survives(&form, A)) run_form(rig, &form, A);
    if (survives(&form, B)) run_form(rig, &form, B);
}

// All places for a, b and d; b is in a place even if it is not used.
static void run_all_places(Rig *rig, const Form *form) {
    bool uses_b = form->b.vreg == B;
    for (uint32_t a = 0; a < NUM_PLACES; a++) {
        for (uint32_t b = 0; b < NUM_PLACES; b++) {
            if (!uses_b && b != (a + 1) % NUM_PLACES) continue;
            for (uint32_t d = 0; d < NUM_PLACES; d++) {
                if ((form->d_is_a || form->d_is_b) && d != a) continue;
                if (SANITIZED && (a + b + d) % 5 != 0) continue;
                run_places(rig, *form, a, b, d);
            }
        }
    }
}

static const LirOp arithmetic[] = {LIR_ADD, LIR_SUB, LIR_MUL, LIR_DIV, LIR_REM, LIR_COMPARE};
static const Cond conds[] = {CC_E, CC_L, CC_G, CC_NE, CC_GE, CC_LE}; // a comparison has one of the first three

typedef void FormTest(Rig *rig, const Form *form);

// Every operation, and every condition of those that have one.
static void for_all_operations(FormTest *test, Rig *rig, Form form) {
    for (size_t i = 0; i < sizeof arithmetic / sizeof *arithmetic; i++) {
        form.op = arithmetic[i];
        for (size_t c = 0; c < (form.op == LIR_COMPARE ? 3 : 1); c++) {
            form.cc = conds[c];
            test(rig, &form);
        }
    }
}

static void with_rig(FormTest *test, Form form, bool branches) {
    Program *program = program_from("func main params=2\n load_local 0\n return\nend\n");
    Rig rig = rig_new(program);
    if (!branches) for_all_operations(test, &rig, form);
    for (size_t c = 0; branches && c < 6; c++) {
        form.op = LIR_BRANCH;
        form.cc = conds[c];
        test(&rig, &form);
    }
    rig_free(&rig);
    program_free(program);
}

static void test_two_registers_and_a_third(void **state) {
    (void)state;
    with_rig(run_all_places, (Form){.b = {B, 0}}, false);
}

static void test_the_result_in_place_of_an_operand(void **state) {
    (void)state;
    with_rig(run_all_places, (Form){.b = {B, 0}, .d_is_a = true}, false);
    with_rig(run_all_places, (Form){.b = {B, 0}, .d_is_b = true}, false);
}

static void test_both_operands_the_same(void **state) {
    (void)state;
    with_rig(run_all_places, (Form){.b = {A, 0}}, false);
    with_rig(run_all_places, (Form){.b = {A, 0}, .d_is_a = true}, false);
}

static const int32_t constants[] = {0, 1, -1, 2, 3, 4, 5, 6, 8, 9, 10, 64, 127, 128, -3, -128, -129, 1 << 30, INT32_MAX, INT32_MIN};
enum { NUM_INTS = sizeof constants / sizeof *constants, NUM_CONSTANTS = NUM_INTS + 4 };

// An integer, or a constant that is none.
static LirOperand nth_constant(size_t n) {
    const Value others[] = {flonum_encode(0.5), flonum_encode(2147483648.0), VALUE_UNDEFINED, VALUE_TRUE};
    return (LirOperand){NO_VREG, n < NUM_INTS ? int_imm(constants[n]) : (int64_t)others[n - NUM_INTS]};
}

static void test_a_constant_operand(void **state) {
    (void)state;
    for (size_t i = 0; i < NUM_CONSTANTS; i++) {
        with_rig(run_all_places, (Form){.b = nth_constant(i)}, false);
        with_rig(run_all_places, (Form){.b = nth_constant(i), .d_is_a = true}, false);
    }
}

static void test_branches(void **state) {
    (void)state;
    with_rig(run_all_places, (Form){.b = {B, 0}}, true);
    with_rig(run_all_places, (Form){.b = {A, 0}}, true);
    for (size_t i = 0; i < NUM_CONSTANTS; i++) with_rig(run_all_places, (Form){.b = nth_constant(i)}, true);
}

// Multiplication and division by constants against C's, around every power of two.

typedef double Operation(double x, double constant);

static void check_argument(JitCompiler *jit, int64_t x, int64_t constant, Operation *expected) {
    Outcome outcome = call(jit, "main", &x), wanted = outcome_of_number(expected((double)x, (double)constant));
    if (outcomes_agree(outcome, wanted)) return;
    outcome_print(stderr, outcome);
    fputs(", expected: ", stderr);
    outcome_print(stderr, wanted);
    fail_msg("%lld and the constant %lld", (long long)x, (long long)constant);
}

static void check_program(const char *text, int64_t constant, Operation *expected, RegSet pool) {
    Program *program = program_from(text);
    JitOptions options = {.tier = TIER_OPT, .code_size = 1 << 16, .heap_size = 1 << 20, .pool = pool, .check = true};
    JitCompiler *jit = jit_new(program, &options);
    jit_compile_all(jit);
    for (int k = 0; k < 64; k++) {
        for (int64_t near = -2; near <= 2; near++) {
            int64_t x = (int64_t)(((uint64_t)1 << k) + (uint64_t)near), negative = (int64_t)-(uint64_t)x;
            check_argument(jit, x, constant, expected);
            check_argument(jit, negative, constant, expected);
        }
    }
    jit_free(jit);
    program_free(program);
}

static void check_constant(const char *operation, int64_t constant, Operation *expected, RegSet pool) {
    char text[200];
    snprintf(text, sizeof text, "func main params=1\n load_local 0\n load_const %lld\n %s\n return\nend\n",
             (long long)constant, operation);
    check_program(text, constant, expected, pool);
}

static double multiply(double x, double c) { return x * c; }
static double quotient(double x, double c) { return x / c; }
static double remainder_of(double x, double c) { return fmod(x, c); }

static void check_constant_in_all_pools(const char *operation, int64_t constant, Operation *expected) {
    check_constant(operation, constant, expected, RA_DEFAULT_POOL);
    check_constant(operation, constant, expected, 1u << RDX);
    check_constant(operation, constant, expected, 0);
}

static void test_multiplication_by_constants(void **state) {
    (void)state;
    static const int64_t others[] = {3, 5, 6, 7, 9, 10, -1, -2, -3, 0, INT32_MAX, INT32_MIN, (int64_t)INT32_MAX + 1, INT64_MIN, INT64_MAX};
    for (int k = 0; k < 63; k += SANITIZED ? 5 : 1) check_constant_in_all_pools("mul", INT64_C(1) << k, multiply);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) check_constant_in_all_pools("mul", others[i], multiply);
}

static const int64_t divisors[] = {0, 3, 5, 7, 10, -1, -2, -3, -4, -1024, INT32_MAX, INT32_MIN, (int64_t)INT32_MAX + 1, INT64_MIN, INT64_MAX};
enum { NUM_DIVISORS = sizeof divisors / sizeof *divisors };

static void test_division_by_constants(void **state) {
    (void)state;
    for (int k = 0; k < 63; k += SANITIZED ? 5 : 1) check_constant_in_all_pools("div", INT64_C(1) << k, quotient);
    for (size_t i = 0; i < NUM_DIVISORS; i++) check_constant_in_all_pools("div", divisors[i], quotient);
}

static void test_remainders_of_constants(void **state) {
    (void)state;
    for (int k = 0; k < 63; k += SANITIZED ? 5 : 1) check_constant_in_all_pools("mod", INT64_C(1) << k, remainder_of);
    for (size_t i = 0; i < NUM_DIVISORS; i++) check_constant_in_all_pools("mod", divisors[i], remainder_of);
}

static void test_remainders(void **state) {
    (void)state;
    static const char *const text = "func main params=2\n load_local 0\n load_local 1\n mod\n return\nend\n";
    assert_returns(text, ARGS(17, 5), 2);
    assert_returns(text, ARGS(-17, 5), -2);
    assert_returns(text, ARGS(17, -5), 2);
    assert_returns(text, ARGS(17, -1), 0);
    assert_ends(text, ARGS(-17, -1), outcome_of_number(-0.0));
    assert_returns(text, ARGS(INT64_MIN, 10), -8);
    assert_ends(text, ARGS(1, 0), outcome_of_number(NAN));
    assert_run_error(text, ARGS(1, A_FUNCTION), RUN_TYPE_ERROR, 4);
    assert_run_error(text, ARGS(A_FUNCTION, 1), RUN_TYPE_ERROR, 4);
}

static void test_division_by_a_constant_that_fails(void **state) {
    (void)state;
    static const int divisor[] = {0, -1, 1, 3, 4};
    for (int i = 0; i < 5; i++) {
        char text[200];
        snprintf(text, sizeof text, "func main params=1\n load_local 0\n load_const %d\n div\n return\nend\n", divisor[i]);
        assert_run_error(text, ARGS(A_FUNCTION), RUN_TYPE_ERROR, 4);
    }
}

static void test_results_that_overwrite_an_operand(void **state) {
    (void)state;
    assert_returns("func main params=1\n load_const 5\n load_local 0\n sub\n store_local 0\n load_local 0\n return\nend\n", ARGS(3), 2);
    assert_returns("func main params=1\n load_const 48\n load_local 0\n div\n store_local 0\n load_local 0\n return\nend\n", ARGS(3), 16);
    assert_returns("func main params=2\n load_local 0\n load_local 1\n sub\n store_local 1\n load_local 1\n return\nend\n", ARGS(3, 10), -7);
    assert_returns("func main params=1\n load_local 0\n load_local 0\n sub\n store_local 0\n load_local 0\n return\nend\n", ARGS(3), 0);
}

// Constants of every width into a register and into a slot.
static void test_constants(void **state) {
    (void)state;
    static const int64_t wide[] = {0, 1, -1, INT32_MAX, INT32_MIN, (int64_t)INT32_MAX + 1, (int64_t)INT32_MIN - 1,
                                   UINT32_MAX, (int64_t)UINT32_MAX + 1, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) {
        char text[200];
        snprintf(text, sizeof text, "func main params=0 locals=1\n load_const %lld\n store_local 0\n load_local 0\n return\nend\n",
                 (long long)wide[i]);
        assert_ends(text, NULL, outcome_of_number((double)wide[i]));
    }
}

// Parameters arrive on the stack, and each goes anywhere.
static void test_parameters_to_any_place(void **state) {
    (void)state;
    enum { MAX_PARAMS = 12 };
    Random random = {3};
    for (int n = 0; n < (SANITIZED ? 100 : 1000); n++) {
        uint32_t num_params = 1 + random_below(&random, MAX_PARAMS);
        char text[100];
        snprintf(text, sizeof text, "func main params=%u\n load_const 0\n return\nend\n", num_params);
        Program *program = program_from(text);
        Rig rig = rig_new(program);
        Location places[MAX_PARAMS];
        for (uint32_t v = 0; v < num_params; v++) places[v] = v < NUM_REGS ? in_reg(pool_regs[v]) : in_slot(v - NUM_REGS);
        for (uint32_t v = num_params; v-- > 1;) {
            uint32_t other = random_below(&random, v + 1);
            Location l = places[v];
            places[v] = places[other];
            places[other] = l;
        }
        int64_t args[MAX_PARAMS];
        for (uint32_t v = 0; v < num_params; v++) args[v] = random_constant(&random);
        for (VReg v = 0; v < num_params; v++) {
            Lir lir = {.program = program, .function = &program->functions[0], .num_vregs = num_params};
            lir_begin_block(&lir);
            lir_append(&lir, LIR_PARAMS);
            for (VReg p = 0; p < num_params; p++) lir_append_move(&lir, (LirMove){.d = p, .s = NO_VREG});
            lir_append(&lir, LIR_RETURN)->a = v;
            lir_finish(&lir);
            RegisterAllocator ra = {.pool = RA_DEFAULT_POOL, .locations = places, .num_slots = MAX_PARAMS};
            assert_true(outcomes_agree(rig_run(&rig, &lir, &ra, args), outcome_of(rig.vm, argument_value(rig.vm, args[v]))));
            lir_free(&lir);
        }
        rig_free(&rig);
        program_free(program);
    }
}

// main(x, y) calls f with n arguments: constants, x, y and sums, while another value lives on. f weighs
// each with another number.
static char *call_program(int num_args) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    fputs("func main params=2\n load_local 0\n load_local 1\n mul\n", out);
    for (int i = 0; i < num_args; i++) {
        switch (i % 4) {
        case 0: fprintf(out, " load_const %d\n", 1000 * i - 7); break;
        case 1: fputs(" load_local 0\n", out); break;
        case 2: fputs(" load_local 1\n", out); break;
        default: fprintf(out, " load_local 0\n load_const %d\n add\n", i);
        }
    }
    fprintf(out, " call f\n sub\n load_local 1\n add\n return\nend\nfunc f params=%d\n load_const 1\n", num_args);
    for (int i = 0; i < num_args; i++) fprintf(out, " load_const 3\n mul\n load_local %d\n add\n load_const 1000003\n mod\n", i);
    fputs(" return\nend\n", out);
    fclose(out);
    return text;
}

static int64_t expected_call(int num_args, int64_t x, int64_t y) {
    int64_t sum = 1;
    for (int i = 0; i < num_args; i++) {
        int64_t arg = i % 4 == 0 ? 1000 * i - 7 : i % 4 == 1 ? x : i % 4 == 2 ? y : x + i;
        sum = (sum * 3 + arg) % 1000003;
    }
    return x * y - sum + y;
}

static void test_calls_with_any_number_of_arguments(void **state) {
    (void)state;
    for (int n = 0; n <= 40; n++) {
        char *text = call_program(n);
        assert_returns(text, ARGS(123456, -98765), expected_call(n, 123456, -98765));
        free(text);
    }
}

static void test_callee_saved_registers_are_kept(void **state) {
    (void)state;
    for (size_t i = 0; i < num_examples; i++) {
        Program *program = program_from_file(examples[i].path);
        for (size_t m = 0; m < num_modes; m++) {
            if (modes[m].options.tier != TIER_OPT) continue;
            JitCompiler *jit = jit_new(program, &modes[m].options);
            jit_compile_all(jit);
            const Function *function = program_find(program, "main");
            AbiReport report;
            Value *args = argument_values(jit_vm(jit), function_index(program, function), examples[i].args);
            Vm *vm = jit_vm(jit);
            const Callable *callee = &vm->callables[function_index(program, function)];
            const int64_t enter_args[] = {(intptr_t)vm, (intptr_t)callee, (intptr_t)args, function->num_params};
            int64_t result = abi_probe_call(&report, (void *)(uintptr_t)vm->enter, enter_args, 4);
            assert_string_equal(report.text, "");
            assert_true(outcomes_agree(outcome_of(jit_vm(jit), (Value)result), (Outcome){.result = examples[i].result}));
            free(args);
            jit_free(jit);
        }
        program_free(program);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_two_registers_and_a_third),
    cmocka_unit_test(test_the_result_in_place_of_an_operand),
    cmocka_unit_test(test_both_operands_the_same),
    cmocka_unit_test(test_a_constant_operand),
    cmocka_unit_test(test_branches),
    cmocka_unit_test(test_multiplication_by_constants),
    cmocka_unit_test(test_division_by_constants),
    cmocka_unit_test(test_remainders_of_constants),
    cmocka_unit_test(test_remainders),
    cmocka_unit_test(test_division_by_a_constant_that_fails),
    cmocka_unit_test(test_results_that_overwrite_an_operand),
    cmocka_unit_test(test_constants),
    cmocka_unit_test(test_parameters_to_any_place),
    cmocka_unit_test(test_calls_with_any_number_of_arguments),
    cmocka_unit_test(test_callee_saved_registers_are_kept),
};
TEST_MAIN(tests)
