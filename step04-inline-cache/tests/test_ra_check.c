// The checker of allocations: it must find every fault that changes what the code computes. Faults are
// planted into correct allocations, by hand and at random; for those that it lets pass, the code is run.
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "random_lir.h"
#include "testing/crash_guard.h"
#include "testing/test_main.h"

typedef struct Allocation {
    Program *program;
    Lir lir;
    RegisterAllocator ra;
} Allocation;

static Allocation allocate(const char *text, RegSet pool) {
    Allocation x = {.program = program_from(text)};
    assert_true(lir_build(&x.lir, x.program, 0));
    assert_true(ra_allocate(&x.ra, &x.lir, pool));
    assert_true(ra_check(&x.ra, &x.lir));
    return x;
}

static void check(void *argument) {
    const Allocation *x = argument;
    ra_check(&x->ra, &x->lir);
}

// Runs the checker, which must stop with this text; then frees everything.
static void assert_caught(Allocation *x, const char *message) {
    CrashReport report;
    crash_guard_run(&report, NULL, check, x);
    assert_int_equal(report.outcome, CRASH_EXITED);
    assert_int_equal(report.exit_code, 70);
    if (!strstr(report.err, message)) fail_msg("'%s' does not say '%s'", report.err, message);
    crash_report_free(&report);
    ra_free(&x->ra);
    lir_free(&x->lir);
    program_free(x->program);
}

static void swap_locations(Allocation *x, VReg v, VReg w) {
    Location l = x->ra.locations[v];
    x->ra.locations[v] = x->ra.locations[w];
    x->ra.locations[w] = l;
}

static const char *const with_division = "func main params=3\n load_local 0\n load_local 1\n div\n load_local 2\n add\n return\nend\n";
static const char *const with_call = "func main params=2\n load_local 0\n call f\n load_local 1\n add\n return\nend\n"
                                     "func f params=1\n load_local 0\n return\nend\n";
static const char *const with_loop = "func main params=2 locals=3\n load_const 0\n store_local 2\n"
                                     "again:\n load_local 0\n jump_if_false done\n"
                                     " load_local 2\n load_local 1\n add\n store_local 2\n"
                                     " load_local 0\n load_const 1\n sub\n store_local 0\n jump again\n"
                                     "done:\n load_local 2\n return\nend\n";

static void test_a_value_left_in_a_register_that_a_call_destroys(void **state) {
    (void)state;
    Allocation x = allocate(with_call, RA_DEFAULT_POOL);
    x.ra.locations[1] = in_reg(RCX);
    assert_caught(&x, "l1 should be in rcx, which holds no known value");
}

static void test_a_value_left_in_a_register_that_a_division_destroys(void **state) {
    (void)state;
    Allocation x = allocate(with_division, RA_DEFAULT_POOL);
    x.ra.locations[2] = in_reg(RDX);
    assert_caught(&x, "l2 should be in rdx, which holds no known value");
}

static void test_a_divisor_in_a_register_of_the_division(void **state) {
    (void)state;
    Allocation x = allocate(with_division, RA_DEFAULT_POOL);
    x.ra.locations[1] = in_reg(RDX);
    assert_caught(&x, "l1 should be in rdx, which holds no known value");
}

static void test_two_values_in_one_register(void **state) {
    (void)state;
    Allocation x = allocate(with_division, RA_DEFAULT_POOL);
    x.ra.locations[0] = x.ra.locations[2];
    assert_caught(&x, "l0 should be in");
}

static void test_two_values_in_one_slot(void **state) {
    (void)state;
    Allocation x = allocate(with_division, 0);
    x.ra.locations[1] = x.ra.locations[0];
    assert_caught(&x, "l0 should be in slot");
}

// As if l1's interval ended with its last read in the text, and not with the loop.
static void test_a_value_overwritten_late_in_a_loop(void **state) {
    (void)state;
    Allocation x = allocate(with_loop, RA_DEFAULT_POOL);
    VReg temp = NO_VREG;
    for (size_t i = 0; i < x.lir.num_ins; i++)
        if (x.lir.ins[i].op == LIR_SUB) temp = x.lir.ins[i].d = x.lir.num_vregs; // l0 - 1, to a temp of its own
    assert_int_not_equal(temp, NO_VREG);
    x.lir.num_vregs++;
    ra_free(&x.ra);
    assert_true(ra_allocate(&x.ra, &x.lir, RA_DEFAULT_POOL));
    assert_true(ra_check(&x.ra, &x.lir));
    x.ra.locations[temp] = x.ra.locations[1];
    assert_caught(&x, "l1 should be in");
}

// The two paths to a join leave the operand in different places.
static void test_a_join_that_only_one_path_prepares(void **state) {
    (void)state;
    Allocation x = allocate("func main params=1\n load_local 0\n jump_if_false other\n load_const 1\n jump done\n"
                            "other:\n load_const 2\n"
                            "done:\n return\nend\n",
                            RA_DEFAULT_POOL);
    for (size_t i = 0; i < x.lir.num_moves; i++) {
        if (x.lir.moves[i].imm != int_imm(2)) continue;
        x.lir.moves[i].d = 0; // l0 instead of s0
    }
    assert_caught(&x, "s0 should be in");
}

static void test_two_results_of_one_instruction_in_one_place(void **state) {
    (void)state;
    Allocation x = allocate(with_loop, RA_DEFAULT_POOL);
    x.ra.locations[1] = x.ra.locations[0];
    assert_caught(&x, "params l0, l1");
}

static void test_swapped_locations_are_correct_if_all_uses_agree(void **state) {
    (void)state;
    Allocation x = allocate(with_loop, RA_DEFAULT_POOL);
    swap_locations(&x, 0, 1);
    assert_true(ra_check(&x.ra, &x.lir)); // nothing is destroyed in there, and both live throughout
    ra_free(&x.ra);
    lir_free(&x.lir);
    program_free(x.program);
}

static void test_swapping_with_a_value_across_a_call(void **state) {
    (void)state;
    Allocation x = allocate(with_call, RA_DEFAULT_POOL);
    swap_locations(&x, 0, 1);
    assert_caught(&x, "l1 should be in");
}

static void test_places_that_do_not_exist(void **state) {
    (void)state;
    const Location bad[] = {in_slot(1000000), in_slot(0), in_reg(R11), in_reg(RBX), in_reg(RSP), {LOCATION_REG, 77}, {LOCATION_NONE, 0}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Allocation x = allocate(with_division, RA_DEFAULT_POOL & ~(1u << RBX));
        assert_int_equal(x.ra.num_slots, 0);
        x.ra.locations[1] = bad[i];
        assert_caught(&x, "vreg 1 has no location");
    }
}

// Too many blocks and slots: not an error, but said.
static void test_a_function_too_large_to_check(void **state) {
    (void)state;
    enum { VREGS = 20000, BLOCKS = 8000 };
    Program *program = random_lir_program();
    Lir lir = {.program = program, .function = &program->functions[0], .num_vregs = VREGS};
    for (int b = 0; b < BLOCKS; b++) lir_begin_block(&lir);
    for (VReg v = 0; v < VREGS; v++) lir_append(&lir, LIR_CONST)->d = v;
    lir_append(&lir, LIR_CALL)->d = 0;
    for (VReg v = 0; v < VREGS; v++) lir_append_move(&lir, (LirMove){.d = NO_VREG, .s = v});
    lir_append(&lir, LIR_RETURN)->a = 0;
    lir_finish(&lir);
    RegisterAllocator ra;
    assert_true(ra_allocate(&ra, &lir, RA_DEFAULT_POOL));
    assert_false(ra_check(&ra, &lir));
    ra_free(&ra);
    lir_free(&lir);
    program_free(program);
}

// Random faults.

static Location random_location(Random *random, const RegisterAllocator *ra) {
    if (ra->pool == 0 || (ra->num_slots > 0 && random_below(random, 4) == 0))
        return in_slot(ra->num_slots > 0 ? random_below(random, ra->num_slots) : 0);
    for (;;) {
        Reg reg = (Reg)random_below(random, 16);
        if (ra->pool >> reg & 1) return in_reg(reg);
    }
}

static VReg random_live(Random *random, const RegisterAllocator *ra) {
    return ra->intervals[random_below(random, (uint32_t)ra->num_intervals)].vreg;
}

static void mutate(Random *random, const RegisterAllocator *ra) {
    VReg v = random_live(random, ra), w = random_live(random, ra);
    Location old = ra->locations[v];
    switch (random_below(random, 3)) {
    case 0: ra->locations[v] = random_location(random, ra); break;
    case 1: ra->locations[v] = ra->locations[w]; break;
    default:
        ra->locations[v] = ra->locations[w];
        ra->locations[w] = old;
    }
}

enum { SAME = 10, DIFFERENT, CAUGHT = 70, RUNS = 6 };

// Does the code do what it should, with any arguments?
static int compare_runs(Rig *rig, Random *random, const Lir *lir, const RegisterAllocator *ra) {
    RigCode code = rig_install(rig, lir, ra);
    for (int run = 0; run < RUNS; run++) {
        int64_t args[RANDOM_PARAMS];
        for (int i = 0; i < RANDOM_PARAMS; i++) args[i] = random_constant(random);
        Outcome expected;
        if (!lir_interpret(rig, lir, args, 2000, &expected)) continue;
        if (!outcomes_agree(rig_call(rig, &code, args), expected)) return DIFFERENT;
    }
    return SAME;
}

// In a process of its own; the status says what happened. A crash or a hang counts as different.
static int try_in_child(Rig *rig, Random random, const Lir *lir, const RegisterAllocator *ra, bool checked) {
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct itimerval limit = {.it_value = {.tv_sec = checked ? 10 : 0, .tv_usec = 300000}};
        setitimer(ITIMER_PROF, &limit, NULL); // of processor time: a busy machine must not count as a hang
        signal(SIGSEGV, SIG_DFL); // cmocka would go on with the next test
        signal(SIGFPE, SIG_DFL);
        if (!freopen("/dev/null", "w", stderr) || !freopen("/dev/null", "w", stdout)) _exit(1);
        if (checked) ra_check(ra, lir);
        _exit(compare_runs(rig, &random, lir, ra));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : DIFFERENT;
}

static void test_random_faults(void **state) {
    (void)state;
    Program *program = random_lir_program();
    Rig rig = rig_new(program);
    uint32_t caught = 0, wrong = 0, tried = SANITIZED ? 150 : 1500;
    for (uint32_t n = 0; n < tried; n++) {
        Random random = {n};
        RandomShape shape = n % 3 ? small_shape : large_shape;
        Lir lir = random_lir(&random, program, shape);
        RegisterAllocator ra;
        assert_true(ra_allocate(&ra, &lir, n % 2 ? RA_DEFAULT_POOL : RA_STRESS_POOL));
        for (uint32_t i = 1 + random_below(&random, 3); i > 0; i--) mutate(&random, &ra);
        int end = try_in_child(&rig, random, &lir, &ra, true);
        if (end != CAUGHT && end != SAME) {
            lir_print(stderr, &lir);
            ra_print_locations(stderr, &ra, &lir);
            fail_msg("mutant %u computes something else, and ra_check does not see it", n);
        }
        caught += end == CAUGHT;
        if (end == CAUGHT && n % 4 == 0) wrong += try_in_child(&rig, random, &lir, &ra, false) != SAME;
        ra_free(&ra);
        lir_free(&lir);
    }
    print_message("%u mutants, %u caught; of every fourth of those, %u do compute something else\n", tried, caught, wrong);
    assert_true(caught > tried / 4 && caught < tried);
    assert_true(wrong > caught / 16); // the faults are real ones
    rig_free(&rig);
    program_free(program);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_value_left_in_a_register_that_a_call_destroys),
    cmocka_unit_test(test_a_value_left_in_a_register_that_a_division_destroys),
    cmocka_unit_test(test_a_divisor_in_a_register_of_the_division),
    cmocka_unit_test(test_two_values_in_one_register),
    cmocka_unit_test(test_two_values_in_one_slot),
    cmocka_unit_test(test_a_value_overwritten_late_in_a_loop),
    cmocka_unit_test(test_a_join_that_only_one_path_prepares),
    cmocka_unit_test(test_two_results_of_one_instruction_in_one_place),
    cmocka_unit_test(test_swapped_locations_are_correct_if_all_uses_agree),
    cmocka_unit_test(test_swapping_with_a_value_across_a_call),
    cmocka_unit_test(test_places_that_do_not_exist),
    cmocka_unit_test(test_a_function_too_large_to_check),
    cmocka_unit_test(test_random_faults),
};
TEST_MAIN(tests)
