// The checker of allocations: it must find every fault that changes what the code computes. Faults are
// planted into correct allocations, by hand and at random; for those that it lets pass, the code is run.
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "lir_text.h"
#include "random_ssa_lir.h"
#include "testing/crash_guard.h"
#include "testing/test_main.h"

typedef struct Allocation {
    Program *program;
    Lir lir;
    RegisterAllocator ra;
} Allocation;

static Allocation allocate(const char *text, RegSet pool, RaKind kind) {
    Allocation x = {.program = program_from("func main params=2\n load_const 0\n return\nend\n"
                                            "func f params=1\n load_local 0\n return\nend\n")};
    x.lir = lir_from(x.program, text);
    assert_true(ra_allocate(&x.ra, &x.lir, pool, kind));
    assert_true(ra_check(&x.ra, &x.lir));
    return x;
}

static void allocation_free(Allocation *x) {
    ra_free(&x->ra);
    lir_free(&x->lir);
    program_free(x->program);
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
    allocation_free(x);
}

static void swap_locations(Allocation *x, VReg v, VReg w) {
    Location l = x->ra.locations[v];
    x->ra.locations[v] = x->ra.locations[w];
    x->ra.locations[w] = l;
}

// One location for each register.

static const char *const with_division = "B0: params v0, v1, v2\n"
                                         "    v3 <- div v0, v1\n"
                                         "    v4 <- add v3, v2\n"
                                         "    return v4\n";
static const char *const with_call = "B0: params v0, v1\n"
                                     "    v2 <- call f(v0)\n"
                                     "    v3 <- add v2, v1\n"
                                     "    return v3\n";
static const char *const with_loop = "B0: params v0, v1\n"
                                     "    jump B1\n"
                                     "B1: v2 <- phi v0, v5\n"
                                     "    v3 <- phi 0, v4\n"
                                     "    branch v2 == 0, B3\n"
                                     "B2: v4 <- add v3, v1\n"
                                     "    v5 <- sub v2, 1\n"
                                     "    jump B1\n"
                                     "B3: return v3\n";

static void test_a_value_left_in_a_register_that_a_call_destroys(void **state) {
    (void)state;
    Allocation x = allocate(with_call, RA_DEFAULT_POOL, RA_POLETTO);
    x.ra.locations[1] = in_reg(RCX);
    assert_caught(&x, "v1 should be in rcx, which holds no known value");
}

static void test_a_value_left_in_a_register_that_a_division_destroys(void **state) {
    (void)state;
    Allocation x = allocate(with_division, RA_DEFAULT_POOL, RA_POLETTO);
    x.ra.locations[2] = in_reg(RDX);
    assert_caught(&x, "v2 should be in rdx, which holds no known value");
}

static void test_a_divisor_in_a_register_of_the_division(void **state) {
    (void)state;
    Allocation x = allocate(with_division, RA_DEFAULT_POOL, RA_POLETTO);
    x.ra.locations[1] = in_reg(RDX);
    assert_caught(&x, "v1 should be in rdx, which holds no known value");
}

static void test_two_values_in_one_register(void **state) {
    (void)state;
    Allocation x = allocate(with_division, RA_DEFAULT_POOL, RA_POLETTO);
    x.ra.locations[0] = x.ra.locations[2];
    assert_caught(&x, "v0 should be in");
}

static void test_two_values_in_one_slot(void **state) {
    (void)state;
    Allocation x = allocate(with_division, 0, RA_POLETTO);
    x.ra.locations[1] = x.ra.locations[0];
    assert_caught(&x, "v0 should be in slot");
}

// As if v1's interval ended with its last read in the text, and not with the loop.
static void test_a_value_overwritten_late_in_a_loop(void **state) {
    (void)state;
    Allocation x = allocate("B0: params v0, v1\n    jump B1\n"
                            "B1: v2 <- phi v0, v3\n    branch v2 == 0, B3\n"
                            "B2: v3 <- sub v2, v1\n    v4 <- mul v3, 3\n    jump B1\n"
                            "B3: return v2\n",
                            RA_DEFAULT_POOL, RA_POLETTO);
    x.ra.locations[4] = x.ra.locations[1];
    assert_caught(&x, "v1 should be in");
}

static void test_two_results_of_one_instruction_in_one_place(void **state) {
    (void)state;
    Allocation x = allocate(with_loop, RA_DEFAULT_POOL, RA_POLETTO);
    x.ra.locations[1] = x.ra.locations[0];
    assert_caught(&x, "params v0, v1");
}

static void test_swapped_locations_are_correct_if_all_uses_agree(void **state) {
    (void)state;
    Allocation x = allocate("B0: params v0, v1\n    v2 <- add v0, v1\n    v3 <- mul v2, v0\n    v4 <- add v3, v1\n"
                            "    return v4\n",
                            RA_DEFAULT_POOL, RA_POLETTO);
    swap_locations(&x, 0, 1);
    assert_true(ra_check(&x.ra, &x.lir)); // both live up to v3, and nothing is destroyed
    allocation_free(&x);
}

static void test_swapping_with_a_value_across_a_call(void **state) {
    (void)state;
    Allocation x = allocate(with_call, RA_DEFAULT_POOL, RA_POLETTO);
    swap_locations(&x, 0, 1);
    assert_caught(&x, "v1 should be in");
}

static void test_places_that_do_not_exist(void **state) {
    (void)state;
    const Location bad[] = {in_slot(1000000), in_slot(0), in_reg(R11), in_reg(RBX), in_reg(RSP),
                            {LOCATION_REG, 77}, {LOCATION_NONE, 0}, {LOCATION_CONST, 0}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Allocation x = allocate(with_division, RA_DEFAULT_POOL & ~(1u << RBX), RA_POLETTO);
        assert_int_equal(x.ra.num_slots, 0);
        x.ra.locations[1] = bad[i];
        assert_caught(&x, "vreg 1 has no location");
    }
}

// Pieces and moves.

static const char *const two_calls = "B0: params v0, v1\n"
                                     "    v2 <- call f(v0)\n"
                                     "    v3 <- add v1, v2\n    v4 <- add v3, v1\n"
                                     "    v5 <- call f(v4)\n"
                                     "    v6 <- add v1, v5\n    v7 <- add v6, v1\n"
                                     "    return v7\n";

static Allocation split_at_calls(void) {
    return allocate(two_calls, RA_DEFAULT_POOL & CALLER_SAVED_REGS, RA_LINEAR_SCAN);
}

static RaMove *find_move(Allocation *x, VReg vreg, LocationKind to) {
    for (size_t i = 0; i < x->ra.num_moves; i++)
        if (x->ra.moves[i].vreg == vreg && x->ra.moves[i].d.kind == to) return &x->ra.moves[i];
    fail_msg("v%u never moves there", vreg);
    return NULL;
}

static void drop_move(Allocation *x, RaMove *move) {
    memmove(move, move + 1, (size_t)(x->ra.moves + --x->ra.num_moves - move) * sizeof *move);
}

static void test_a_store_that_is_missing(void **state) {
    (void)state;
    Allocation x = split_at_calls();
    drop_move(&x, find_move(&x, 1, LOCATION_SLOT));
    assert_caught(&x, "v1 should be in");
}

static void test_a_load_that_is_missing(void **state) {
    (void)state;
    Allocation x = split_at_calls();
    drop_move(&x, find_move(&x, 1, LOCATION_REG));
    assert_caught(&x, "v1 should be in");
}

static void test_a_store_that_comes_too_late(void **state) {
    (void)state;
    Allocation x = split_at_calls();
    RaMove *store = find_move(&x, 1, LOCATION_SLOT);
    store->ins = 2; // behind the call
    assert_caught(&x, "v1 should be in");
}

// v1 is read from its slot behind the call; as if it were still in the register where it was before.
static void test_a_piece_that_reaches_into_a_call(void **state) {
    (void)state;
    Allocation x = allocate(with_call, RA_DEFAULT_POOL & CALLER_SAVED_REGS, RA_LINEAR_SCAN);
    LivePiece *piece = &x.ra.pieces[x.ra.first_piece[1]];
    assert_int_equal(piece->location.kind, LOCATION_REG);
    assert_int_equal(piece[1].location.kind, LOCATION_SLOT);
    piece[1].location = piece->location;
    assert_caught(&x, "v1 should be in rcx, which holds no known value");
}

static void test_a_phi_that_gets_the_wrong_argument(void **state) {
    (void)state;
    const char *swap = "B0: params v0, v1\n    jump B1\n"
                       "B1: v2 <- phi v0, v3\n    v3 <- phi v1, v2\n    branch v2 > 0, B2, else B3\n"
                       "B2: jump B1\n"
                       "B3: return v3\n";
    for (RaKind kind = 0; kind < NUM_RA_KINDS; kind++) {
        Allocation x = allocate(swap, RA_DEFAULT_POOL, kind);
        drop_move(&x, &x.ra.moves[0]);
        assert_caught(&x, "should be in");
        x = allocate(swap, RA_DEFAULT_POOL, kind);
        x.ra.moves[1].group = RA_SPLIT; // one after the other, and not at once
        RaMove move = x.ra.moves[0];
        x.ra.moves[0] = x.ra.moves[1];
        x.ra.moves[1] = move;
        assert_caught(&x, "should be in");
    }
}

static void test_a_phi_that_gets_the_wrong_constant(void **state) {
    (void)state;
    for (RaKind kind = 0; kind < NUM_RA_KINDS; kind++) {
        Allocation x = allocate(with_loop, RA_DEFAULT_POOL, kind);
        RaMove *move = NULL;
        for (size_t i = 0; i < x.ra.num_moves; i++)
            if (x.ra.moves[i].s.kind == LOCATION_CONST) move = &x.ra.moves[i];
        assert_non_null(move);
        move->imm = int_imm(1);
        assert_caught(&x, "a constant is missing");
    }
}

static void test_a_constant_that_is_made_wrong(void **state) {
    (void)state;
    Allocation x = allocate("B0: params v0\n    v1 <- const 77\n    v2 <- call f(v0)\n    v3 <- call f(v1)\n"
                            "    v4 <- add v3, v1\n    v5 <- mul v4, v1\n    return v5\n",
                            RA_DEFAULT_POOL, RA_LINEAR_SCAN);
    find_move(&x, 1, LOCATION_REG)->imm = int_imm(78);
    assert_caught(&x, "v1 should be in");
}

// v2's slot holds what the round before has left there.
static void test_a_value_of_the_round_before(void **state) {
    (void)state;
    Allocation x = allocate("B0: params v0\n    jump B1\n"
                            "B1: v1 <- phi v0, v5\n    v2 <- mul v1, 3\n    v3 <- call f(v2)\n"
                            "    v4 <- add v3, v2\n    v5 <- sub v4, v1\n    branch v5 > 0, B2, else B3\n"
                            "B2: jump B1\n"
                            "B3: return v5\n",
                            RA_DEFAULT_POOL & CALLER_SAVED_REGS, RA_LINEAR_SCAN);
    RaMove store = *find_move(&x, 2, LOCATION_SLOT);
    Location reg = store.s;
    drop_move(&x, find_move(&x, 2, LOCATION_SLOT));
    assert_int_equal(reg.kind, LOCATION_REG);
    assert_caught(&x, "v2 should be in slot");
}

// Too many blocks and slots: not an error, but said.
static void test_a_function_too_large_to_check(void **state) {
    (void)state;
    enum { VREGS = 20000, BLOCKS = 8000 };
    Program *program = random_lir_program();
    Lir lir = {.program = program, .function = &program->functions[0], .num_vregs = VREGS + 1};
    lir.preds = xcalloc(BLOCKS, sizeof *lir.preds);
    lir_begin_block(&lir);
    for (uint32_t b = 0; b < BLOCKS; b++) {
        lir_append(&lir, LIR_JUMP)->target = b + 1;
        lir_begin_block(&lir);
        lir.preds[lir.num_preds++] = b;
        lir.blocks[b + 1].first_pred = b;
        lir.blocks[b + 1].num_preds = 1;
    }
    for (VReg v = 0; v < VREGS; v++) {
        LirIns *ins = lir_append(&lir, v == 0 ? LIR_CONST : LIR_ADD);
        ins->d = v;
        if (v > 0) ins->a = v - 1;
    }
    lir_append(&lir, LIR_CALL)->d = VREGS;
    for (VReg v = 0; v < VREGS; v++) lir_append_move(&lir, (LirMove){.d = NO_VREG, .s = v});
    lir_append(&lir, LIR_RETURN)->a = 0;
    lir_finish(&lir);
    lir_link_blocks(&lir);
    RegisterAllocator ra;
    for (RaKind kind = 0; kind < NUM_RA_KINDS; kind++) {
        assert_true(ra_allocate(&ra, &lir, RA_DEFAULT_POOL, kind));
        assert_false(ra_check(&ra, &lir));
        ra_free(&ra);
    }
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

// Change the place or the borders of a piece.
static void mutate_piece(Random *random, const RegisterAllocator *ra, uint32_t num_pieces) {
    LivePiece *piece = &ra->pieces[random_below(random, num_pieces)];
    switch (random_below(random, 3)) {
    case 0: piece->location = random_location(random, ra); break;
    case 1: piece->location = ra->pieces[random_below(random, num_pieces)].location; break;
    default:
        if (piece[1].vreg != piece->vreg || piece[1].end < piece->end + 2) return;
        piece->end += 2;
        piece[1].start += 2;
    }
}

static void mutate_move(Random *random, RegisterAllocator *ra) {
    RaMove *move = &ra->moves[random_below(random, (uint32_t)ra->num_moves)];
    switch (random_below(random, 4)) {
    case 0: move->d = random_location(random, ra); break;
    case 1:
        if (move->s.kind != LOCATION_CONST) move->s = random_location(random, ra);
        else move->imm++;
        break;
    case 2: move->d = ra->moves[random_below(random, (uint32_t)ra->num_moves)].d; break;
    default: memmove(move, move + 1, (size_t)(ra->moves + --ra->num_moves - move) * sizeof *move);
    }
    for (size_t i = 0; i < ra->num_moves; i++) // that is no parallel move any more
        for (size_t k = i + 1; k < ra->num_moves && ra->moves[k].ins == ra->moves[i].ins; k++)
            if (ra->moves[k].group == ra->moves[i].group && same_location(ra->moves[k].d, ra->moves[i].d))
                memmove(ra->moves + k, ra->moves + k + 1, (--ra->num_moves - k) * sizeof *ra->moves);
}

static void mutate_location(Random *random, const RegisterAllocator *ra) {
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

static void mutate(Random *random, RegisterAllocator *ra, const Lir *lir) {
    uint32_t num_pieces = ra->first_piece ? ra->first_piece[lir->num_vregs] : 0;
    if (ra->num_moves > 0 && random_below(random, 2)) mutate_move(random, ra);
    else if (num_pieces > 1) mutate_piece(random, ra, num_pieces - 1);
    else mutate_location(random, ra);
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
        Lir lir = random_ssa_lir(&random, program, shape);
        RegisterAllocator ra;
        assert_true(ra_allocate(&ra, &lir, n % 2 ? RA_DEFAULT_POOL : RA_STRESS_POOL, n % 3 ? RA_LINEAR_SCAN : RA_POLETTO));
        for (uint32_t i = 1 + random_below(&random, 3); i > 0; i--) mutate(&random, &ra, &lir);
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
    assert_true(wrong > caught / 32); // the faults are real ones (and many functions end in an error anyway)
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
    cmocka_unit_test(test_two_results_of_one_instruction_in_one_place),
    cmocka_unit_test(test_swapped_locations_are_correct_if_all_uses_agree),
    cmocka_unit_test(test_swapping_with_a_value_across_a_call),
    cmocka_unit_test(test_places_that_do_not_exist),
    cmocka_unit_test(test_a_store_that_is_missing),
    cmocka_unit_test(test_a_load_that_is_missing),
    cmocka_unit_test(test_a_store_that_comes_too_late),
    cmocka_unit_test(test_a_piece_that_reaches_into_a_call),
    cmocka_unit_test(test_a_phi_that_gets_the_wrong_argument),
    cmocka_unit_test(test_a_phi_that_gets_the_wrong_constant),
    cmocka_unit_test(test_a_constant_that_is_made_wrong),
    cmocka_unit_test(test_a_value_of_the_round_before),
    cmocka_unit_test(test_a_function_too_large_to_check),
    cmocka_unit_test(test_random_faults),
};
TEST_MAIN(tests)
