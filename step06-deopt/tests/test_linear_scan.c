// Linear scan with holes and splitting, on SSA form: the textbook cases; random code, allocated by both
// allocators with many pools, checked and run; and large functions of every shape.
#include "lir_text.h"
#include "random_ssa_lir.h"
#include "testing/test_main.h"

// One function, allocated. Its LIR may call f(x).
typedef struct Allocation {
    Program *program;
    Lir lir;
    RegisterAllocator ra;
} Allocation;

static Allocation allocate(const char *text, RegSet pool) {
    Allocation x = {.program = program_from("func main params=2\n load_const 0\n return\nend\n"
                                            "func f params=1\n load_local 0\n return\nend\n")};
    x.lir = lir_from(x.program, text);
    assert_true(ra_allocate(&x.ra, &x.lir, pool, RA_LINEAR_SCAN));
    assert_true(ra_check(&x.ra, &x.lir));
    return x;
}

static void allocation_free(Allocation *x) {
    ra_free(&x->ra);
    lir_free(&x->lir);
    program_free(x->program);
}

typedef void Printer(FILE *out, const RegisterAllocator *ra, const Lir *lir);

static void assert_printed(const char *text, RegSet pool, Printer *print, const char *expected) {
    Allocation x = allocate(text, pool);
    char *table = NULL;
    size_t size;
    FILE *out = open_memstream(&table, &size);
    print(out, &x.ra, &x.lir);
    fclose(out);
    assert_string_equal(table, expected);
    free(table);
    allocation_free(&x);
}

static const RegSet caller_saved_pool = RA_DEFAULT_POOL & CALLER_SAVED_REGS;

// Holes.

// v0 and v1 are not live in B1. There v2 has the register of v1.
static const char *const two_arms = "B0: params v0, v1\n"
                                    "    branch v0 > 0, B2\n"
                                    "B1: v2 <- const 7\n"
                                    "    v3 <- mul v2, 3\n"
                                    "    v4 <- add v3, v2\n"
                                    "    jump B3\n"
                                    "B2: v5 <- add v1, v0\n"
                                    "    jump B3\n"
                                    "B3: v6 <- phi v4, v5\n"
                                    "    return v6\n";

static void test_a_hole_is_used_by_another_interval(void **state) {
    (void)state;
    Allocation x = allocate(two_arms, 1u << RDI | 1u << RSI);
    assert_int_equal(x.ra.first_range[1] - x.ra.first_range[0], 2);
    assert_int_equal(x.ra.num_slots, 0);
    assert_int_equal(x.ra.first_piece[7], 7); // nothing is split
    assert_true(x.ra.ranges[x.ra.first_range[0]].to <= read_position(2)); // the hole: B1
    assert_true(same_location(x.ra.locations[2], x.ra.locations[0]));
    allocation_free(&x);
}

static void test_holes_and_pieces_are_shown(void **state) {
    (void)state;
    assert_printed(two_arms, 1u << RDI | 1u << RSI, ra_print_intervals,
                   "main: 7 intervals over 9 instructions\n"
                   "            0         \n"
                   "            012345678\n"
                   "    v0      o-....x..  rsi\n"
                   "    v1      o-....x..  rdi\n"
                   "    v2      ..o-x....  rsi\n"
                   "    v3      ...ox....  rdi\n"
                   "    v4      ....ox...  rdi\n"
                   "    v5      ......ox.  rdi\n"
                   "    v6      ........*  rdi\n");
}

// Splitting.

// v2 is in a register up to the call, in memory across it, and in a register again for its two uses.
static const char *const across_a_call = "B0: params v0, v1\n"
                                         "    v2 <- add v0, v1\n"
                                         "    v3 <- add v2, v0\n"
                                         "    v4 <- call f(v3)\n"
                                         "    v5 <- add v4, v2\n"
                                         "    v6 <- mul v5, v2\n"
                                         "    return v6\n";

static void test_split_at_a_call_and_loaded_behind_it(void **state) {
    (void)state;
    assert_printed(across_a_call, caller_saved_pool, ra_print_locations,
                   "main: 1 spill slot\n"
                   "    v0      [1, 4]  rax\n"
                   "    v1      [1, 2]  rcx\n"
                   "    v2      [3, 6]  rcx\n"
                   "    v2      [7, 7]  slot 0\n"
                   "    v2      [8, 10]  rcx\n"
                   "    v3      [5, 6]  rax\n"
                   "    v4      [7, 8]  rax\n"
                   "    v5      [9, 10]  rax\n"
                   "    v6      [11, 12]  rax\n"
                   "    before 2, split: slot 0 <- rcx\n"
                   "    before 4, split: rcx <- slot 0\n");
    assert_printed(across_a_call, caller_saved_pool, ra_print_intervals,
                   "main: 7 intervals over 7 instructions\n"
                   "            0         \n"
                   "            0123456\n"
                   "    v0      o-x....  rax\n"
                   "    v1      ox.....  rcx\n"
                   "    v2      .o---x.  rcx, slot 0 from 3, rcx from 4\n"
                   "    v3      ..ox...  rax\n"
                   "    v4      ...ox..  rax\n"
                   "    v5      ....ox.  rax\n"
                   "    v6      .....ox  rax\n");
}

// No register lives through a call: not even with one that C would preserve is there nothing to split.
static void test_what_lives_across_a_call_is_in_no_register_that_c_saves(void **state) {
    (void)state;
    Allocation x = allocate(across_a_call, RA_DEFAULT_POOL);
    assert_int_equal(ra_location_at(&x.ra, 2, read_position(3) + 1).kind, LOCATION_SLOT);
    assert_int_equal(x.ra.num_moves, 2);
    assert_int_equal(x.ra.num_slots, 1);
    allocation_free(&x);
}

// Three registers are too few for the loop and for v9 and v10, which are used behind it only. They leave
// their registers in front of the loop, and nothing in the loop touches memory.
static const char *const around_a_loop = "B0: params v0, v1\n"
                                         "    v9 <- add v1, 5\n"
                                         "    v10 <- add v1, 6\n"
                                         "    jump B1\n"
                                         "B1: v2 <- phi v0, v4\n"
                                         "    v3 <- phi 0, v6\n"
                                         "    branch v2 <= 0, B3\n"
                                         "B2: v4 <- sub v2, 1\n"
                                         "    v5 <- mul v4, v1\n"
                                         "    v6 <- add v3, v5\n"
                                         "    jump B1\n"
                                         "B3: v7 <- add v3, v9\n"
                                         "    v8 <- add v7, v10\n"
                                         "    return v8\n";

static void test_a_split_is_moved_out_of_the_loop(void **state) {
    (void)state;
    Allocation x = allocate(around_a_loop, 1u << RAX | 1u << RDI | 1u << RSI | 1u << RCX);
    uint32_t start = read_position(x.lir.blocks[1].start), end = read_position(x.lir.blocks[2].end);
    for (VReg v = 0; v < x.lir.num_vregs; v++) {
        for (uint32_t p = x.ra.first_piece[v]; p < x.ra.first_piece[v + 1]; p++) {
            LivePiece piece = x.ra.pieces[p];
            bool in_loop = piece.start < end && piece.end > start;
            bool waits = v == 9 || v == 10;
            if (in_loop) assert_int_equal(piece.location.kind, waits ? LOCATION_SLOT : LOCATION_REG);
            assert_false(start < piece.start && piece.start < end && p > x.ra.first_piece[v]); // no split inside
        }
    }
    for (size_t i = 0; i < x.ra.num_moves; i++) {
        bool in_loop = x.ra.moves[i].ins >= start / 2 && x.ra.moves[i].ins < end / 2;
        if (in_loop) assert_int_not_equal(x.ra.moves[i].d.kind, LOCATION_SLOT);
    }
    allocation_free(&x);
}

// v1 and v2 live around the loop, and v2 is used first behind it. But v1 is used in every round: v2 gives way.
static void test_what_a_loop_uses_stays_in_its_register(void **state) {
    (void)state;
    Allocation x = allocate("B0: params v0, v1, v2\n"
                            "    jump B1\n"
                            "B1: v3 <- phi v0, v8\n"
                            "    v4 <- sub v3, v1\n"
                            "    v5 <- mul v4, 3\n"
                            "    v6 <- mul v5, v4\n"
                            "    v7 <- add v6, v5\n"
                            "    v8 <- sub v7, v4\n"
                            "    branch v8 > 0, B2, else B3\n"
                            "B2: jump B1\n"
                            "B3: v9 <- add v8, v2\n    v10 <- mul v9, v2\n"
                            "    v11 <- add v10, v1\n    v12 <- mul v11, v1\n"
                            "    return v12\n",
                            1u << RDI | 1u << RSI | 1u << RDX | 1u << RCX);
    for (uint32_t i = x.lir.blocks[1].start; i < x.lir.blocks[2].end; i++) {
        assert_int_equal(ra_location(&x.ra, 1, i).kind, LOCATION_REG);
        assert_int_equal(ra_location(&x.ra, 2, i).kind, LOCATION_SLOT);
    }
    allocation_free(&x);
}

// v1 has to leave its register for v6, in the inner loop. Its store moves out of both loops; but its load, though
// the inner loop is deeper than where it lies in memory then, must not move up to where v1 was in its register.
static void test_a_load_does_not_move_before_the_eviction(void **state) {
    (void)state;
    Allocation x = allocate("B0: params v0, v1\n    jump B1\n"
                            "B1: v2 <- phi v0, v9\n    jump B2\n"
                            "B2: v3 <- phi v2, v8\n"
                            "    v4 <- sub v3, 1\n"
                            "    v5 <- mul v4, v4\n"
                            "    v6 <- add v5, v4\n"
                            "    v7 <- sub v6, v5\n"
                            "    v10 <- mul v7, v4\n"
                            "    v8 <- add v10, v1\n"
                            "    v11 <- sub v8, v1\n"
                            "    branch v11 > 0, B3, else B4\n"
                            "B3: jump B2\n"
                            "B4: v9 <- add v8, 1\n    branch v9 > 0, B5, else B6\n"
                            "B5: jump B1\n"
                            "B6: return v9\n",
                            1u << RDI | 1u << RSI | 1u << RCX);
    const LivePiece *pieces = &x.ra.pieces[x.ra.first_piece[1]];
    assert_int_equal(x.ra.first_piece[2] - x.ra.first_piece[1], 3);
    assert_int_equal(pieces[1].location.kind, LOCATION_SLOT);
    assert_int_equal(pieces[1].start, read_position(x.lir.blocks[1].start));
    assert_int_equal(pieces[2].location.kind, LOCATION_REG);
    assert_true(pieces[2].start > write_position(x.lir.blocks[2].start + 2)); // behind v6
    allocation_free(&x);
}

static uint32_t count_stores(const RegisterAllocator *ra) {
    uint32_t stores = 0;
    for (size_t i = 0; i < ra->num_moves; i++) stores += ra->moves[i].d.kind == LOCATION_SLOT;
    return stores;
}

// Three calls, with uses that are worth a load in between: v1 is stored once.
static void test_a_value_is_stored_once(void **state) {
    (void)state;
    Allocation x = allocate("B0: params v0\n"
                            "    v1 <- mul v0, 3\n"
                            "    v2 <- call f(v1)\n"
                            "    v3 <- add v1, 2\n    v4 <- add v1, v3\n"
                            "    v5 <- call f(v4)\n"
                            "    v6 <- add v1, 2\n    v7 <- add v1, v6\n"
                            "    v8 <- call f(v7)\n"
                            "    v9 <- add v1, 2\n    v10 <- add v1, v9\n"
                            "    return v10\n",
                            caller_saved_pool);
    assert_int_equal(x.ra.first_piece[2] - x.ra.first_piece[1], 7);
    assert_int_equal(count_stores(&x.ra), 1);
    allocation_free(&x);
}

// v3 is written in the loop, but needed in memory only behind it: it is stored there.
static void test_a_store_is_not_made_in_a_loop_for_what_happens_behind_it(void **state) {
    (void)state;
    Allocation x = allocate("B0: params v0, v1\n"
                            "    jump B1\n"
                            "B1: v2 <- phi v0, v3\n"
                            "    v3 <- sub v2, 1\n"
                            "    branch v3 > 0, B2, else B3\n"
                            "B2: jump B1\n"
                            "B3: v4 <- call f(v0)\n"
                            "    v5 <- add v4, v3\n"
                            "    return v5\n",
                            caller_saved_pool);
    const RegisterAllocator *ra = &x.ra;
    assert_int_equal(ra->locations[3].kind, LOCATION_REG);
    for (size_t i = 0; i < ra->num_moves; i++) {
        if (ra->moves[i].vreg != 3 || ra->moves[i].d.kind != LOCATION_SLOT) continue;
        assert_true(ra->moves[i].ins >= x.lir.blocks[3].start);
    }
    assert_int_equal(count_stores(ra), 1);
    allocation_free(&x);
}

static void test_a_constant_is_made_again(void **state) {
    (void)state;
    Allocation x = allocate("B0: params v0\n"
                            "    v1 <- const 1000000007\n"
                            "    v2 <- call f(v0)\n"
                            "    v3 <- call f(v1)\n"
                            "    v4 <- add v3, v1\n"
                            "    v5 <- mul v4, v1\n"
                            "    return v5\n",
                            RA_DEFAULT_POOL);
    assert_int_equal(x.ra.num_slots, 0);
    bool made = false;
    for (size_t i = 0; i < x.ra.num_moves; i++)
        made |= x.ra.moves[i].s.kind == LOCATION_CONST && x.ra.moves[i].imm == int_imm(1000000007);
    assert_true(made);
    allocation_free(&x);
}

// Phis.

static const char *const swap = "B0: params v0, v1, v6\n"
                                "    jump B1\n"
                                "B1: v2 <- phi v0, v3\n"
                                "    v3 <- phi v1, v2\n"
                                "    v4 <- phi v6, v5\n"
                                "    v5 <- sub v4, 1\n"
                                "    branch v5 > 0, B2, else B3\n"
                                "B2: jump B1\n"
                                "B3: v7 <- sub v2, v3\n"
                                "    return v7\n";

static void test_phis_that_swap(void **state) {
    (void)state;
    assert_printed(swap, RA_DEFAULT_POOL, ra_print_locations,
                   "main: 0 spill slots\n"
                   "    v0      [1, 3]  rax\n"
                   "    v1      [1, 3]  rcx\n"
                   "    v6      [1, 3]  rdx\n"
                   "    v2      [4, 10]  rax\n"
                   "    v3      [4, 10]  rcx\n"
                   "    v4      [4, 4]  rdx\n"
                   "    v5      [5, 9]  rdx\n"
                   "    v7      [11, 12]  rax\n"
                   "    before 4, on exit: rax <- rcx, rcx <- rax\n");
}

// The loop's last value is needed behind it, when the next one has been computed already.
static void test_the_lost_copy(void **state) {
    (void)state;
    assert_printed("B0: params v0\n"
                   "    jump B1\n"
                   "B1: v2 <- phi v0, v3\n"
                   "    v3 <- add v2, 1\n"
                   "    branch v3 < 10, B2, else B3\n"
                   "B2: jump B1\n"
                   "B3: return v2\n",
                   RA_DEFAULT_POOL, ra_print_locations,
                   "main: 0 spill slots\n"
                   "    v0      [1, 3]  rax\n"
                   "    v2      [4, 10]  rax\n"
                   "    v3      [5, 9]  rcx\n"
                   "    before 4, on exit: rax <- rcx\n");
}

// Registers, slots, constants: what the phis compute, with every pool.
static void run_everywhere(const char *text, const int64_t *args, int64_t expected) {
    Program *program = random_lir_program();
    Rig rig = rig_new(program);
    Lir lir = lir_from(program, text);
    const RegSet pools[] = {0, 1u << RAX, 1u << RDI | 1u << RSI, RA_STRESS_POOL, RA_DEFAULT_POOL};
    for (size_t i = 0; i < sizeof pools / sizeof *pools; i++) {
        for (RaKind kind = 0; kind < NUM_RA_KINDS; kind++) {
            RegisterAllocator ra;
            assert_true(ra_allocate(&ra, &lir, pools[i], kind));
            assert_true(ra_check(&ra, &lir));
            Outcome outcome = rig_run(&rig, &lir, &ra, args);
            assert_int_equal(outcome.status, RUN_OK);
            assert_int_equal(outcome.result, expected);
            ra_free(&ra);
        }
    }
    lir_free(&lir);
    rig_free(&rig);
    program_free(program);
}

static void test_phis_in_every_pool(void **state) {
    (void)state;
    run_everywhere(swap, (int64_t[]){10, 3, 4, 0}, -7); // three rounds
    run_everywhere(swap, (int64_t[]){10, 3, 1, 0}, 7);
    // A cycle of three, and a constant that comes in.
    run_everywhere("B0: params v0, v1, v2, v3\n"
                   "    jump B1\n"
                   "B1: v4 <- phi v0, v5\n"
                   "    v5 <- phi v1, v6\n"
                   "    v6 <- phi v2, v4\n"
                   "    v7 <- phi v3, v8\n"
                   "    v9 <- phi 100, 1\n"
                   "    v8 <- sub v7, 1\n"
                   "    branch v8 > 0, B2, else B3\n"
                   "B2: jump B1\n"
                   "B3: v10 <- mul v4, v9\n"
                   "    v11 <- sub v10, v5\n"
                   "    v12 <- mul v6, 7\n"
                   "    v13 <- sub v11, v12\n"
                   "    return v13\n",
                   (int64_t[]){1, 20, 300, 2}, 20 * 1 - 300 - 1 * 7);
}

// B1 has two successors and B3 two predecessors: the edge between them has a block of its own, B2.
static void test_moves_of_an_edge_that_was_critical(void **state) {
    (void)state;
    const char *text = "B0: params v0, v1\n"
                       "    branch v0 > 0, B4, else B1\n"
                       "B1: v2 <- add v1, 1\n"
                       "    branch v2 > 5, B3, else B2\n"
                       "B2: jump B5\n"
                       "B3: return v0\n"
                       "B4: jump B5\n"
                       "B5: v3 <- phi v0, v1\n"
                       "    v4 <- phi v2, 9\n"
                       "    v5 <- sub v3, v4\n"
                       "    return v5\n";
    run_everywhere(text, (int64_t[]){-3, 4, 0, 0}, -3 - 5);
    run_everywhere(text, (int64_t[]){3, 4, 0, 0}, 4 - 9);
    run_everywhere(text, (int64_t[]){-3, 5, 0, 0}, -3);
}

// On random code.

// A random part of the pool, quite often a small one.
static RegSet random_pool(Random *random) {
    RegSet pool = RA_DEFAULT_POOL & (RegSet)random_bits(random);
    if (random_below(random, 2)) pool &= (RegSet)random_bits(random);
    if (random_below(random, 4) == 0) pool = RA_STRESS_POOL;
    return random_below(random, 4) ? pool : RA_DEFAULT_POOL;
}

typedef struct Tally {
    uint32_t compared, irregular, split, phis;
} Tally;

static void report_wrong(const Lir *lir, const RegisterAllocator *ra, Outcome outcome, Outcome expected) {
    lir_print(stderr, lir);
    ra_print_locations(stderr, ra, lir);
    outcome_print(stderr, outcome);
    fputs(", expected: ", stderr);
    outcome_print(stderr, expected);
    fail_msg("allocated code is wrong");
}

static void compare_runs(Rig *rig, Random *random, const Lir *lir, const RegisterAllocator *ra, Tally *tally) {
    RigCode code = rig_install(rig, lir, ra);
    for (int run = 0; run < 4; run++) {
        int64_t args[RANDOM_PARAMS];
        for (int i = 0; i < RANDOM_PARAMS; i++) args[i] = random_constant(random);
        Outcome expected;
        if (!lir_interpret(rig, lir, args, 5000, &expected)) continue;
        Outcome outcome = rig_call(rig, &code, args);
        tally->compared++;
        if (!outcomes_agree(outcome, expected)) report_wrong(lir, ra, outcome, expected);
    }
    rig_forget(rig, &code);
}

static void try_function(Rig *rig, Random *random, const Lir *lir, RaKind kind, RegSet pool, Tally *tally) {
    RegisterAllocator ra;
    assert_true(ra_allocate(&ra, lir, pool, kind));
    assert_true(ra_check(&ra, lir)); // ends the process if it finds a fault
    assert_int_equal(ra.used & ~pool, 0);
    compare_runs(rig, random, lir, &ra, tally);
    for (VReg v = 0; ra.first_piece && v < lir->num_vregs; v++)
        tally->split += ra.first_piece[v + 1] > ra.first_piece[v] + 1;
    ra_free(&ra);
}

static void test_random_code_computes_what_it_should(void **state) {
    (void)state;
    Program *program = random_lir_program();
    Tally tally = {0};
    uint32_t functions = SANITIZED ? 800 : 8000;
    for (uint64_t seed = 0; seed < functions; seed++) {
        Random random = {seed};
        RandomShape shape = seed % 2 ? small_shape : large_shape;
        shape.calls = seed % 3 > 0;
        Rig rig = rig_new(program); // a heap for each function
        Lir lir = seed % 5 ? random_ssa_lir(&random, program, shape) : random_ssa_nest(&random, program);
        tally.irregular += lir.irregular;
        tally.phis += (uint32_t)lir.num_phis;
        try_function(&rig, &random, &lir, RA_LINEAR_SCAN, random_pool(&random), &tally);
        try_function(&rig, &random, &lir, RA_LINEAR_SCAN, random_pool(&random), &tally);
        try_function(&rig, &random, &lir, RA_POLETTO, random_pool(&random), &tally);
        lir_free(&lir);
        rig_free(&rig);
    }
    print_message("%u functions, %u irregular, %u phis, %u split intervals; %u runs\n", functions, tally.irregular,
                  tally.phis, tally.split, tally.compared);
    assert_true(tally.compared > functions && tally.split > functions);
    assert_true(tally.irregular > functions / 10 && tally.irregular < functions / 10 * 9);
    program_free(program);
}

// Divisions, a call in a loop, values that live around it: with every third subset of the registers.
static void test_every_pool(void **state) {
    (void)state;
    Program *program = random_lir_program();
    Rig rig = rig_new(program);
    Lir lir = lir_from(program, "B0: params v0, v1, v2, v20\n"
                                "    jump B1\n"
                                "B1: v3 <- phi 100, v13\n"
                                "    v4 <- phi 0, v12\n"
                                "    branch v3 == 0, B3\n"
                                "B2: v5 <- div v0, v3\n"
                                "    v6 <- add v4, v5\n"
                                "    v7 <- sub v1, v2\n"
                                "    v8 <- mul v7, v3\n"
                                "    v9 <- add v6, v8\n"
                                "    v10 <- call two(v9, v3)\n"
                                "    v11 <- rem v10, v20\n"
                                "    v12 <- sub v9, v11\n"
                                "    v13 <- sub v3, 1\n"
                                "    jump B1\n"
                                "B3: return v4\n");
    const int64_t args[] = {123456789, -77, 1234567, 1009};
    Outcome expected;
    assert_true(lir_interpret(&rig, &lir, args, 10000, &expected));
    for (uint32_t subset = 0; subset < 1 << 13; subset += 3) {
        RegSet pool = 0, rest = RA_DEFAULT_POOL;
        for (uint32_t bit = 0; rest; rest &= rest - 1, bit++)
            if (subset >> bit & 1) pool |= rest & -rest;
        RegisterAllocator ra;
        assert_true(ra_allocate(&ra, &lir, pool, subset % 4 ? RA_LINEAR_SCAN : RA_POLETTO));
        assert_true(ra_check(&ra, &lir));
        Outcome outcome = rig_run(&rig, &lir, &ra, args);
        if (!outcomes_agree(outcome, expected)) report_wrong(&lir, &ra, outcome, expected);
        ra_free(&ra);
    }
    lir_free(&lir);
    rig_free(&rig);
    program_free(program);
}

// Large functions.

static VReg new_vreg(Lir *lir) { return lir->num_vregs++; }

static VReg append_op(Lir *lir, LirOp op, VReg a, LirOperand b) {
    VReg d = new_vreg(lir);
    LirIns *ins = lir_append(lir, op);
    ins->a = a;
    ins->b = b;
    return ins->d = d;
}

static VReg append_add(Lir *lir, VReg a, VReg b) { return append_op(lir, LIR_ADD, a, (LirOperand){b, 0}); }
static VReg append_sub_1(Lir *lir, VReg a) { return append_op(lir, LIR_SUB, a, (LirOperand){NO_VREG, int_imm(1)}); }

static VReg append_call(Lir *lir, VReg arg) {
    VReg d = new_vreg(lir);
    LirIns *ins = lir_append(lir, LIR_CALL);
    ins->d = d;
    ins->target = 2;
    for (int i = 0; i < 2; i++) lir_append_move(lir, (LirMove){.d = NO_VREG, .s = arg});
    return d;
}

static void end_with_jump(Lir *lir, uint32_t target) {
    lir_append(lir, LIR_JUMP)->target = target;
    LirBlock *block = &lir->blocks[lir->num_blocks - 1];
    block->successors[0] = target;
    block->num_successors = 1;
    lir_begin_block(lir);
}

static void end_with_branch(Lir *lir, VReg a, uint32_t otherwise, uint32_t target) {
    LirIns *ins = lir_append(lir, LIR_BRANCH);
    ins->a = a;
    ins->cc = CC_NE;
    ins->target = target;
    LirBlock *block = &lir->blocks[lir->num_blocks - 1];
    block->successors[0] = otherwise;
    block->successors[1] = target;
    block->num_successors = 2;
    lir_begin_block(lir);
}

// d <- phi a, b in the newest block.
static void append_phi(Lir *lir, VReg d, VReg a, VReg b) {
    LirBlock *block = &lir->blocks[lir->num_blocks - 1];
    if (block->num_phis++ == 0) block->first_phi = (uint32_t)lir->num_phis;
    GROW(lir->phis, lir->num_phis, lir->cap_phis);
    lir->phis[lir->num_phis++] = (LirPhi){.d = d, .first_arg = (uint32_t)lir->num_moves};
    for (int k = 0; k < 2; k++) {
        GROW(lir->moves, lir->num_moves, lir->cap_moves);
        lir->moves[lir->num_moves++] = (LirMove){.d = NO_VREG, .s = k ? b : a};
    }
}

static Lir begin_function(const Program *program) {
    Lir lir = {.program = program, .function = &program->functions[0]};
    lir_begin_block(&lir);
    lir_append(&lir, LIR_PARAMS);
    for (VReg v = 0; v < 4; v++) lir_append_move(&lir, (LirMove){.d = new_vreg(&lir), .s = NO_VREG});
    return lir;
}

// Predecessors in the order of blocks, in linear time.
static void end_function(Lir *lir, VReg result) {
    lir_append(lir, LIR_RETURN)->a = result;
    lir->blocks[lir->num_blocks - 1].end = (uint32_t)lir->num_ins;
    uint32_t *fill = xcalloc(lir->num_blocks + 1, sizeof *fill);
    for (uint32_t b = 0; b < lir->num_blocks; b++)
        for (uint32_t s = 0; s < lir->blocks[b].num_successors; s++) lir->blocks[lir->blocks[b].successors[s]].num_preds++;
    for (uint32_t b = 0; b < lir->num_blocks; b++) {
        fill[b] = lir->blocks[b].first_pred = (uint32_t)lir->num_preds;
        lir->num_preds += lir->blocks[b].num_preds;
    }
    lir->preds = xcalloc(lir->num_preds + 1, sizeof *lir->preds);
    for (uint32_t b = 0; b < lir->num_blocks; b++)
        for (uint32_t s = 0; s < lir->blocks[b].num_successors; s++) lir->preds[fill[lir->blocks[b].successors[s]]++] = b;
    free(fill);
    lir_link_blocks(lir);
    char fault[200];
    if (!lir_verify(lir, fault, sizeof fault)) fail_msg("%s", fault);
}

// A long block, with a call now and then.
static Lir make_straight(const Program *program, uint32_t n) {
    Lir lir = begin_function(program);
    VReg a = 0, b = 1, c = 2;
    for (uint32_t i = 0; i < n; i++) {
        VReg d = i % 50 == 0 ? append_call(&lir, a) : append_add(&lir, a, c);
        a = b;
        b = c;
        c = d;
    }
    end_function(&lir, c);
    return lir;
}

// All of n values are live at once.
static Lir make_wide(const Program *program, uint32_t n) {
    Lir lir = begin_function(program);
    VReg first = lir.num_vregs, sum = 0;
    for (uint32_t i = 0; i < n; i++) append_add(&lir, lir.num_vregs - 1, 1);
    for (uint32_t i = 0; i < n; i++) sum = append_add(&lir, sum, first + (uint32_t)((uint64_t)i * 7919 % n));
    end_function(&lir, sum);
    return lir;
}

// n ifs with two arms, one with a call, one after the other; half as many values live across all of them.
static Lir make_diamonds(const Program *program, uint32_t n) {
    Lir lir = begin_function(program);
    VReg first = lir.num_vregs, x = 0;
    for (uint32_t i = 0; i < n / 2; i++) append_add(&lir, 0, 1);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t here = (uint32_t)lir.num_blocks - 1;
        end_with_branch(&lir, x, here + 1, here + 2);
        VReg left = append_add(&lir, x, 1);
        end_with_jump(&lir, here + 3);
        VReg right = append_call(&lir, x);
        end_with_jump(&lir, here + 3);
        x = new_vreg(&lir);
        append_phi(&lir, x, left, right);
    }
    for (uint32_t i = 0; i < n / 2; i++) x = append_add(&lir, x, first + i);
    end_function(&lir, x);
    return lir;
}

// n loops one after the other; half as many values live across all of them.
static Lir make_loops(const Program *program, uint32_t n) {
    Lir lir = begin_function(program);
    VReg first = lir.num_vregs, x = 0;
    for (uint32_t i = 0; i < n / 2; i++) append_add(&lir, 0, 1);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t here = (uint32_t)lir.num_blocks - 1;
        end_with_jump(&lir, here + 1);
        VReg now = new_vreg(&lir), next = now + 2;
        append_phi(&lir, now, x, next);
        append_add(&lir, now, 3);
        end_with_branch(&lir, now, here + 3, here + 2);
        append_sub_1(&lir, now);
        end_with_jump(&lir, here + 1);
        x = append_add(&lir, now, 2);
    }
    for (uint32_t i = 0; i < n / 2; i++) x = append_add(&lir, x, first + i);
    end_function(&lir, x);
    return lir;
}

// n loops one inside of the other. Loop i: header 2i + 1, the way in 2i + 2; behind the innermost, where they end.
static Lir make_nest(const Program *program, uint32_t n) {
    Lir lir = begin_function(program);
    end_with_jump(&lir, 1);
    VReg counters = lir.num_vregs; // counter i and its next value: counters + 2i, counters + 2i + 1
    lir.num_vregs += 2 * n;
    for (uint32_t i = 0; i < n; i++) {
        append_phi(&lir, counters + 2 * i, i == 0 ? 0 : counters + 2 * i - 2, counters + 2 * i + 1);
        end_with_branch(&lir, counters + 2 * i, 2 * n + (n - i), 2 * i + 2);
        if (i + 1 < n) end_with_jump(&lir, 2 * i + 3);
    }
    for (uint32_t i = n; i-- > 0;) { // the end of loop i's body
        LirIns *ins = lir_append(&lir, LIR_SUB);
        ins->a = counters + 2 * i;
        ins->b = (LirOperand){NO_VREG, int_imm(1)};
        ins->d = counters + 2 * i + 1;
        end_with_jump(&lir, 2 * i + 1);
    }
    end_function(&lir, counters);
    return lir;
}

// n loops one inside of the other, each of which tests a value of its own that was computed before all of them, on
// the way in and at its end: far more values than registers, and each loop uses all that those inside of it use.
// Loop i: its guard 3i + 1, the way in, the header; its test at 3n + 1 + 4(n - 1 - i), the ways back, out and past it.
static Lir make_nest_of_tests(const Program *program, uint32_t n) {
    Lir lir = begin_function(program);
    VReg first = lir.num_vregs;
    for (uint32_t i = 0; i < n; i++) append_add(&lir, 0, 1);
    end_with_jump(&lir, 1);
    for (uint32_t i = 0; i < n; i++) {
        end_with_branch(&lir, first + i, 3 * i + 2, 3 * n + 4 * (n - i));
        end_with_jump(&lir, 3 * i + 3);
        end_with_jump(&lir, 3 * i + 4);
    }
    for (uint32_t i = n; i-- > 0;) {
        uint32_t here = (uint32_t)lir.num_blocks - 1;
        end_with_branch(&lir, first + i, here + 1, here + 2);
        end_with_jump(&lir, 3 * i + 3);
        end_with_jump(&lir, here + 4);
        end_with_jump(&lir, here + 4);
    }
    end_function(&lir, 0);
    return lir;
}

static const struct {
    Lir (*make)(const Program *program, uint32_t n);
    uint32_t n;
} shapes[] = {
    {make_straight, 100000}, {make_wide, 10000}, {make_diamonds, 33000},
    {make_loops, 33000}, {make_nest, 1000}, {make_nest_of_tests, 10000},
};

// Both allocators take all of them, with any registers. What they say is checked; of very many places in very many
// blocks the checker keeps no states, and says so. Moves are in proportion: a few for each instruction. So is the work.
static void test_large_functions_of_every_shape(void **state) {
    (void)state;
    Program *program = random_lir_program();
    const RegSet pools[] = {RA_DEFAULT_POOL, RA_STRESS_POOL};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        Lir lir = shapes[i].make(program, shapes[i].n / (SANITIZED ? 10 : 1)), checked = shapes[i].make(program, shapes[i].n / 20);
        for (RaKind kind = 0; kind < NUM_RA_KINDS; kind++) {
            for (size_t p = 0; p < sizeof pools / sizeof *pools; p++) {
                RegisterAllocator ra;
                assert_true(ra_allocate(&ra, &lir, pools[p], kind));
                assert_true(ra.num_moves < 4 * lir.num_ins);
                assert_true(ra.work < 20 * lir.num_ins);
                ra_free(&ra);
                assert_true(ra_allocate(&ra, &checked, pools[p], kind));
                assert_true(ra_check(&ra, &checked));
                ra_free(&ra);
            }
        }
        lir_free(&lir);
        lir_free(&checked);
    }
    program_free(program);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_hole_is_used_by_another_interval),
    cmocka_unit_test(test_holes_and_pieces_are_shown),
    cmocka_unit_test(test_split_at_a_call_and_loaded_behind_it),
    cmocka_unit_test(test_what_lives_across_a_call_is_in_no_register_that_c_saves),
    cmocka_unit_test(test_a_split_is_moved_out_of_the_loop),
    cmocka_unit_test(test_what_a_loop_uses_stays_in_its_register),
    cmocka_unit_test(test_a_load_does_not_move_before_the_eviction),
    cmocka_unit_test(test_a_value_is_stored_once),
    cmocka_unit_test(test_a_store_is_not_made_in_a_loop_for_what_happens_behind_it),
    cmocka_unit_test(test_a_constant_is_made_again),
    cmocka_unit_test(test_phis_that_swap),
    cmocka_unit_test(test_the_lost_copy),
    cmocka_unit_test(test_phis_in_every_pool),
    cmocka_unit_test(test_moves_of_an_edge_that_was_critical),
    cmocka_unit_test(test_random_code_computes_what_it_should),
    cmocka_unit_test(test_every_pool),
    cmocka_unit_test(test_large_functions_of_every_shape),
};
TEST_MAIN(tests)
