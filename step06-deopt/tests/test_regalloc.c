// Poletto & Sarkar's allocator: intervals, who is spilled, fixed registers, hints, slots; and on random code its
// whole invariant. What it shares with linear scan is tested here as well; see also test_linear_scan.c.
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
    assert_true(ra_allocate(&x.ra, &x.lir, pool, RA_POLETTO));
    assert_true(ra_check(&x.ra, &x.lir));
    return x;
}

static void allocation_free(Allocation *x) {
    ra_free(&x->ra);
    lir_free(&x->lir);
    program_free(x->program);
}

static const LiveInterval *find_interval(const RegisterAllocator *ra, VReg vreg) {
    for (size_t i = 0; i < ra->num_intervals; i++)
        if (ra->intervals[i].vreg == vreg) return &ra->intervals[i];
    return NULL;
}

// The table of locations, as --dump=regs shows it.
static void assert_locations(const char *text, RegSet pool, const char *expected) {
    Allocation x = allocate(text, pool);
    char *table = NULL;
    size_t size;
    FILE *out = open_memstream(&table, &size);
    ra_print_locations(out, &x.ra, &x.lir);
    fclose(out);
    if (strcmp(table, expected) != 0) lir_print(stderr, &x.lir);
    assert_string_equal(table, expected);
    free(table);
    allocation_free(&x);
}

// Intervals. Instruction i reads at position 2i and writes at 2i + 1.

static void test_an_interval_runs_from_the_write_to_the_last_read(void **state) {
    (void)state;
    assert_locations("B0: params v0, v1\n    v2 <- add v0, v1\n    v3 <- mul v2, v0\n    return v3\n",
                     RA_DEFAULT_POOL,
                     "main: 0 spill slots\n"
                     "    v0      [1, 4]  rax\n"
                     "    v1      [1, 2]  rcx\n"
                     "    v2      [3, 4]  rcx\n"
                     "    v3      [5, 6]  rcx\n");
}

static const char *const countdown = "B0: params v0, v1\n"
                                     "    jump B1\n"
                                     "B1: v2 <- phi v0, v4\n"
                                     "    branch v2 == 0, B3\n"
                                     "B2: v3 <- sub v2, v1\n"
                                     "    v4 <- mul v3, 3\n"
                                     "    jump B1\n"
                                     "B3: return v2\n";

// v1 is read for the last time in the middle of the loop, but needed again in the next round.
static void test_an_interval_covers_the_loop_that_it_lives_around(void **state) {
    (void)state;
    Allocation x = allocate(countdown, RA_DEFAULT_POOL);
    uint32_t last = x.lir.blocks[2].end - 1;
    assert_int_equal(x.lir.ins[last].op, LIR_JUMP);
    assert_int_equal(find_interval(&x.ra, 1)->start, 1);
    assert_int_equal(find_interval(&x.ra, 1)->end, write_position(last));
    assert_int_equal(find_interval(&x.ra, 2)->end, read_position((uint32_t)x.lir.num_ins - 1));
    allocation_free(&x);
}

// A phi's interval begins with its block, those of its arguments end with theirs; one move for each edge
// that does not find the value in place.
static void test_a_phi_and_its_arguments_share_a_register(void **state) {
    (void)state;
    assert_locations(countdown, RA_DEFAULT_POOL,
                     "main: 0 spill slots\n"
                     "    v0      [1, 3]  rax\n"
                     "    v1      [1, 11]  rcx\n"
                     "    v2      [4, 12]  rax\n"
                     "    v3      [7, 8]  rdx\n"
                     "    v4      [9, 11]  rdx\n"
                     "    before 5, on exit: rax <- rdx\n");
}

static void test_spilled_phis_and_their_arguments_share_a_slot(void **state) {
    (void)state;
    Allocation x = allocate("B0: params v0, v1\n    branch v0 == 0, B2\n"
                            "B1: v2 <- add v1, 1\n    jump B3\n"
                            "B2: v3 <- add v1, 2\n    jump B3\n"
                            "B3: v4 <- phi v2, v3\n    return v4\n", 0);
    assert_true(same_location(x.ra.locations[2], x.ra.locations[4]));
    assert_true(same_location(x.ra.locations[3], x.ra.locations[4]) || x.ra.num_moves == 1);
    allocation_free(&x);
}

static void test_a_register_that_is_never_live_has_no_location(void **state) {
    (void)state;
    Allocation x = allocate("B0: params v0\n    jump B1\nB1: v1 <- phi v0\n    v3 <- const 1\n    return v3\n", RA_DEFAULT_POOL);
    for (VReg v = 1; v < 3; v++) {
        assert_int_equal(x.ra.locations[v].kind, LOCATION_NONE);
        assert_null(find_interval(&x.ra, v));
    }
    allocation_free(&x);
}

// Spilling.

// The example of the paper's section 4: five intervals, two registers. C is the one that ends last when
// the registers run out; D and E get the registers of A and B.
static void test_the_example_of_poletto_and_sarkar(void **state) {
    (void)state;
    enum { A, B, C, D, E, COUNT };
    Allocation x = allocate("B0: v0 <- const 1\n    v1 <- const 2\n    v2 <- const 3\n    v5 <- add v0, 1\n    v3 <- const 4\n"
                            "    v6 <- add v1, 1\n    v4 <- const 5\n    v7 <- add v4, 1\n    v8 <- add v3, 1\n"
                            "    return v2\n",
                            1u << RBX | 1u << R12);
    const RegisterAllocator *ra = &x.ra;
    assert_int_equal(ra->locations[C].kind, LOCATION_SLOT);
    for (VReg v = 0; v < COUNT; v++)
        if (v != C) assert_int_equal(ra->locations[v].kind, LOCATION_REG);
    assert_true(same_location(ra->locations[A], ra->locations[D]));
    assert_true(same_location(ra->locations[B], ra->locations[E]));
    assert_false(same_location(ra->locations[A], ra->locations[B]));
    allocation_free(&x);
}

// The one that ends last loses the register that it already has.
static void test_an_active_interval_that_ends_later_gives_way(void **state) {
    (void)state;
    enum { LONG, SHORT };
    Allocation x = allocate("B0: v0 <- const 1\n    v1 <- const 2\n    branch v1 == 0, B2\nB1: return v0\nB2: return v0\n", 1u << RDI);
    assert_true(same_location(x.ra.locations[LONG], in_slot(0)));
    assert_true(same_location(x.ra.locations[SHORT], in_reg(RDI)));
    allocation_free(&x);
}

static const char *const two_calls = "B0: params v0, v1\n"
                                     "    v2 <- call f(v0)\n" // v0 ends here
                                     "    v3 <- add v2, v1\n"
                                     "    v4 <- call f(v3)\n"
                                     "    v5 <- mul v4, v1\n"
                                     "    return v5\n";

// What a call may destroy: see deopt/frame.h.
static const RegSet destroyed_by_calls = 0xFFFF & ~(1u << RSP | 1u << RBP | 1u << R14);

// v1 lives across both calls; v0 only up to the first.
static void test_what_lives_across_a_call_is_in_memory(void **state) {
    (void)state;
    Allocation x = allocate(two_calls, RA_DEFAULT_POOL & destroyed_by_calls);
    assert_int_equal(x.ra.locations[0].kind, LOCATION_REG);
    assert_int_equal(x.ra.locations[1].kind, LOCATION_SLOT);
    allocation_free(&x);
}

// Three values, one after the other, each across a call: one slot is enough.
static void test_slots_are_used_again(void **state) {
    (void)state;
    Allocation x = allocate("B0: v0 <- call f(1)\n    v1 <- call f(2)\n    v2 <- add v1, v0\n    v3 <- call f(3)\n"
                            "    v4 <- add v3, v2\n    v5 <- call f(4)\n    v6 <- add v5, v4\n    return v6\n",
                            RA_DEFAULT_POOL & destroyed_by_calls);
    assert_int_equal(x.ra.num_slots, 1);
    for (VReg v = 0; v < 6; v += 2) assert_true(same_location(x.ra.locations[v], in_slot(0)));
    allocation_free(&x);
}

static void test_without_registers_everything_is_in_memory(void **state) {
    (void)state;
    Allocation x = allocate(two_calls, 0);
    for (size_t i = 0; i < x.ra.num_intervals; i++)
        assert_int_equal(x.ra.locations[x.ra.intervals[i].vreg].kind, LOCATION_SLOT);
    assert_int_equal(x.ra.used, 0);
    allocation_free(&x);
}

// Fixed registers.

// Both operands of the division and another value live on: RAX and RDX are for nobody.
static void test_what_lives_across_a_division_keeps_out_of_its_registers(void **state) {
    (void)state;
    Allocation x = allocate("B0: params v0, v1, v2\n    v3 <- div v0, v1\n    v4 <- add v3, v0\n    v5 <- add v4, v1\n"
                            "    v6 <- add v5, v2\n    return v6\n",
                            RA_DEFAULT_POOL);
    for (VReg v = 0; v < 3; v++) {
        assert_int_equal(x.ra.locations[v].kind, LOCATION_REG);
        assert_int_not_equal(x.ra.locations[v].index, RAX);
        assert_int_not_equal(x.ra.locations[v].index, RDX);
    }
    allocation_free(&x);
}

// The divisor is read when RAX and RDX are overwritten already, even if that is its last use.
static void test_a_divisor_keeps_out_of_the_divisions_registers(void **state) {
    (void)state;
    const char *text = "B0: params v0, v1\n    v2 <- div v0, v1\n    return v2\n";
    Allocation x = allocate(text, RA_STRESS_POOL);
    assert_true(same_location(x.ra.locations[1], in_reg(RCX)));
    allocation_free(&x);
    x = allocate(text, 1u << RAX | 1u << RDX);
    assert_int_equal(x.ra.locations[1].kind, LOCATION_SLOT);
    allocation_free(&x);
}

// A phi that is live across a division, and begins just there.
static void test_an_interval_that_begins_at_a_division(void **state) {
    (void)state;
    Allocation x = allocate("B0: params v0\n    jump B1\n"
                            "B1: v1 <- phi v0\n    v2 <- div v0, 7\n    v3 <- add v2, v1\n    return v3\n",
                            1u << RAX | 1u << RDX);
    assert_int_equal(find_interval(&x.ra, 1)->start % 2, 0);
    assert_int_equal(x.ra.locations[1].kind, LOCATION_SLOT);
    allocation_free(&x);
}

// A division by 2^k needs no division instruction and destroys nothing.
static void test_a_division_by_a_power_of_two_needs_no_registers(void **state) {
    (void)state;
    Allocation x = allocate("B0: params v0\n    v1 <- div v0, 8\n    v2 <- add v1, v0\n    return v2\n", 1u << RAX | 1u << RDX);
    assert_int_equal(x.ra.locations[0].kind, LOCATION_REG);
    allocation_free(&x);
}

static void test_the_registers_that_instructions_destroy(void **state) {
    (void)state;
    const LirOperand reg = {0, 0}, four = {NO_VREG, int_imm(4)}, three = {NO_VREG, int_imm(3)}, one = {NO_VREG, int_imm(1)};
    const LirOperand min = {NO_VREG, int_imm(INT32_MIN)};
    const RegSet divides = 1u << RAX | 1u << RDX;
    assert_int_equal(ra_clobbers(&(LirIns){.op = LIR_DIV, .b = reg}), divides);
    assert_int_equal(ra_clobbers(&(LirIns){.op = LIR_DIV, .b = three}), divides);
    assert_int_equal(ra_clobbers(&(LirIns){.op = LIR_DIV, .b = one}), divides);
    assert_int_equal(ra_clobbers(&(LirIns){.op = LIR_DIV, .b = min}), divides);
    assert_int_equal(ra_clobbers(&(LirIns){.op = LIR_DIV, .b = four}), 0);
    assert_int_equal(ra_clobbers(&(LirIns){.op = LIR_ADD, .b = reg}), 0);
    assert_int_equal(ra_clobbers(&(LirIns){.op = LIR_CALL}), destroyed_by_calls);
}

// Hints.

static void test_a_move_between_intervals_that_do_not_overlap_disappears(void **state) {
    (void)state;
    Allocation x = allocate("B0: params v0\n    moves v1 <- v0\n    return v1\n", RA_DEFAULT_POOL);
    assert_true(same_location(x.ra.locations[0], x.ra.locations[1]));
    allocation_free(&x);
}

static void test_arguments_are_computed_into_their_registers(void **state) {
    (void)state;
    Allocation x = allocate("B0: v0 <- call f(1)\n    v1 <- call f(v0)\n    return v1\n", RA_DEFAULT_POOL);
    Reg reg = (Reg)x.ra.locations[0].index;
    assert_true(reg == RDI || reg == RAX);
    allocation_free(&x);
}

// On random code: the invariant, told without any interval.

enum { MAX_INS = 512, SET_WORDS = 16 };

typedef struct VRegSet {
    uint64_t words[SET_WORDS];
} VRegSet;

static bool has(const VRegSet *set, VReg v) { return set->words[v / 64] >> v % 64 & 1; }

static void add_vreg(void *context, VReg v) {
    VRegSet *set = context;
    assert_true(v < 64 * SET_WORDS);
    set->words[v / 64] |= (uint64_t)1 << v % 64;
}

// What is live before and after each instruction.
typedef struct Points {
    VRegSet before[MAX_INS], after[MAX_INS];
} Points;

static bool merge(VRegSet *into, const VRegSet *from) {
    bool grown = false;
    for (int w = 0; w < SET_WORDS; w++) {
        grown |= (from->words[w] & ~into->words[w]) != 0;
        into->words[w] |= from->words[w];
    }
    return grown;
}

static uint32_t block_of(const Lir *lir, uint32_t ins) {
    uint32_t block = 0;
    while (lir->blocks[block].end <= ins) block++;
    return block;
}

// From the end of one block to the beginning of another: phis read their arguments, and write their results.
static bool flow_on_edge(const Lir *lir, Points *p, uint32_t from, uint32_t to) {
    const LirBlock *next = &lir->blocks[to];
    VRegSet in = p->before[next->start];
    for (uint32_t k = 0; k < next->num_phis; k++) {
        VReg d = lir->phis[next->first_phi + k].d;
        in.words[d / 64] &= ~((uint64_t)1 << d % 64);
    }
    for (uint32_t k = 0; k < next->num_phis; k++) {
        LirMove arg = lir_phi_args(lir, &lir->phis[next->first_phi + k])[lir->blocks[from].pred_index];
        if (arg.s != NO_VREG) add_vreg(&in, arg.s);
    }
    return merge(&p->after[lir->blocks[from].end - 1], &in);
}

static bool flow(const Lir *lir, Points *p, uint32_t i) {
    const LirIns *ins = &lir->ins[i];
    uint32_t block = block_of(lir, i);
    bool grown = false;
    if (i + 1 < lir->blocks[block].end) grown |= merge(&p->after[i], &p->before[i + 1]);
    else for (uint32_t s = 0; s < lir->blocks[block].num_successors; s++)
        grown |= flow_on_edge(lir, p, block, lir->blocks[block].successors[s]);
    VRegSet in = p->after[i], writes = {0};
    lir_visit_writes(lir, ins, add_vreg, &writes);
    for (int w = 0; w < SET_WORDS; w++) in.words[w] &= ~writes.words[w];
    lir_visit_reads(lir, ins, add_vreg, &in);
    return merge(&p->before[i], &in) || grown;
}

static void find_points(const Lir *lir, Points *p) {
    assert_true(lir->num_ins < MAX_INS);
    memset(p, 0, sizeof *p);
    bool grown = true;
    while (grown) {
        grown = false;
        for (uint32_t i = (uint32_t)lir->num_ins; i-- > 0;) grown |= flow(lir, p, i);
    }
}

// All registers of the set are in places of their own.
static void assert_apart(const RegisterAllocator *ra, const Lir *lir, const VRegSet *set, uint32_t ins) {
    VReg holder_of_reg[16], *holder_of_slot = xcalloc(ra->num_slots + 1, sizeof *holder_of_slot);
    memset(holder_of_reg, 0xFF, sizeof holder_of_reg);
    for (uint32_t s = 0; s < ra->num_slots; s++) holder_of_slot[s] = NO_VREG;
    for (VReg v = 0; v < lir->num_vregs; v++) {
        if (!has(set, v)) continue;
        Location l = ra->locations[v];
        assert_int_not_equal(l.kind, LOCATION_NONE);
        if (l.kind == LOCATION_SLOT) assert_true(l.index < ra->num_slots);
        else assert_true(ra->pool >> l.index & 1);
        VReg *holder = l.kind == LOCATION_REG ? &holder_of_reg[l.index] : &holder_of_slot[l.index];
        if (*holder != NO_VREG) fail_msg("at instruction %u: registers %u and %u share a place", ins, *holder, v);
        *holder = v;
    }
    free(holder_of_slot);
}

static void assert_covered(const RegisterAllocator *ra, const Lir *lir, const VRegSet *set, uint32_t position) {
    for (VReg v = 0; v < lir->num_vregs; v++) {
        if (!has(set, v)) continue;
        const LiveInterval *interval = find_interval(ra, v);
        assert_non_null(interval);
        assert_true(interval->start <= position && position <= interval->end);
    }
}

static void assert_not_destroyed(const RegisterAllocator *ra, const Lir *lir, const Points *p, uint32_t i) {
    VRegSet writes = {0};
    lir_visit_writes(lir, &lir->ins[i], add_vreg, &writes);
    for (VReg v = 0; v < lir->num_vregs; v++) {
        bool lives_on = has(&p->after[i], v) && !has(&writes, v);
        if (!lives_on || ra->locations[v].kind != LOCATION_REG) continue;
        assert_false(ra_clobbers(&lir->ins[i]) >> ra->locations[v].index & 1);
    }
}

static void assert_intervals_apart(const RegisterAllocator *ra) {
    for (size_t i = 0; i < ra->num_intervals; i++) {
        for (size_t k = i + 1; k < ra->num_intervals; k++) {
            const LiveInterval *a = &ra->intervals[i], *b = &ra->intervals[k];
            assert_true(a->start <= b->start);
            if (b->start > a->end) break;
            assert_false(same_location(ra->locations[a->vreg], ra->locations[b->vreg]));
        }
    }
}

static void assert_invariant(const RegisterAllocator *ra, const Lir *lir) {
    static Points points;
    find_points(lir, &points);
    assert_intervals_apart(ra);
    assert_int_equal(ra->used & ~ra->pool, 0);
    for (uint32_t i = 0; i < lir->num_ins; i++) {
        VRegSet written = points.after[i];
        lir_visit_writes(lir, &lir->ins[i], add_vreg, &written);
        assert_apart(ra, lir, &points.before[i], i);
        assert_apart(ra, lir, &written, i); // a result that nobody reads must not hit one that is live
        assert_covered(ra, lir, &points.before[i], read_position(i));
        assert_covered(ra, lir, &written, write_position(i));
        assert_not_destroyed(ra, lir, &points, i);
    }
}

// A random part of the pool, quite often a small one.
static RegSet random_pool(Random *random) {
    RegSet pool = RA_DEFAULT_POOL & (RegSet)random_bits(random);
    if (random_below(random, 2)) pool &= (RegSet)random_bits(random);
    return random_below(random, 4) ? pool : RA_DEFAULT_POOL;
}

static void test_random_code_keeps_the_invariant(void **state) {
    (void)state;
    Program *program = random_lir_program();
    for (uint64_t seed = 0; seed < (SANITIZED ? 100 : 1000); seed++) {
        Random random = {seed};
        Lir lir = random_ssa_lir(&random, program, seed % 2 ? small_shape : large_shape);
        RegisterAllocator ra;
        assert_true(ra_allocate(&ra, &lir, random_pool(&random), RA_POLETTO));
        assert_invariant(&ra, &lir);
        assert_true(ra_check(&ra, &lir)); // ends the process if it finds a fault
        ra_free(&ra);
        lir_free(&lir);
    }
    program_free(program);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_an_interval_runs_from_the_write_to_the_last_read),
    cmocka_unit_test(test_an_interval_covers_the_loop_that_it_lives_around),
    cmocka_unit_test(test_a_phi_and_its_arguments_share_a_register),
    cmocka_unit_test(test_spilled_phis_and_their_arguments_share_a_slot),
    cmocka_unit_test(test_a_register_that_is_never_live_has_no_location),
    cmocka_unit_test(test_the_example_of_poletto_and_sarkar),
    cmocka_unit_test(test_an_active_interval_that_ends_later_gives_way),
    cmocka_unit_test(test_what_lives_across_a_call_is_in_memory),
    cmocka_unit_test(test_slots_are_used_again),
    cmocka_unit_test(test_without_registers_everything_is_in_memory),
    cmocka_unit_test(test_what_lives_across_a_division_keeps_out_of_its_registers),
    cmocka_unit_test(test_a_divisor_keeps_out_of_the_divisions_registers),
    cmocka_unit_test(test_an_interval_that_begins_at_a_division),
    cmocka_unit_test(test_a_division_by_a_power_of_two_needs_no_registers),
    cmocka_unit_test(test_the_registers_that_instructions_destroy),
    cmocka_unit_test(test_a_move_between_intervals_that_do_not_overlap_disappears),
    cmocka_unit_test(test_arguments_are_computed_into_their_registers),
    cmocka_unit_test(test_random_code_keeps_the_invariant),
};
TEST_MAIN(tests)
