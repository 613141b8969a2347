// The register allocator: intervals, who is spilled, fixed registers, hints, slots; and on random code
// its whole invariant, and what the code computes.
#include "random_lir.h"
#include "testing/test_main.h"

// One function, allocated.
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

static void allocation_free(Allocation *x) {
    ra_free(&x->ra);
    lir_free(&x->lir);
    if (x->program) program_free(x->program);
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
    assert_locations("func main params=2\n load_local 0\n load_local 1\n add\n load_local 0\n mul\n return\nend\n",
                     RA_DEFAULT_POOL,
                     "main: 0 spill slots\n"
                     "    l0      [1, 4]  rdi\n"
                     "    l1      [1, 2]  rsi\n"
                     "    v0      [3, 4]  rax\n"
                     "    v1      [5, 6]  rax\n");
}

// l1 is read for the last time in the middle of the loop, but needed again in the next round.
static void test_an_interval_covers_the_loop_that_it_lives_around(void **state) {
    (void)state;
    Allocation x = allocate("func main params=2\n"
                            "again:\n load_local 0\n jump_if_false done\n"
                            " load_local 0\n load_local 1\n sub\n store_local 0\n"
                            " load_local 0\n load_const 3\n mul\n store_local 0\n"
                            " jump again\n"
                            "done:\n load_local 0\n return\nend\n",
                            RA_DEFAULT_POOL);
    const LirBlock *body = &x.lir.blocks[2];
    assert_int_equal(x.lir.ins[body->end - 1].op, LIR_JUMP);
    assert_int_equal(find_interval(&x.ra, 1)->start, 1);
    assert_int_equal(find_interval(&x.ra, 1)->end, write_position(body->end - 1));
    assert_int_equal(find_interval(&x.ra, 0)->end, read_position((uint32_t)x.lir.num_ins - 1));
    allocation_free(&x);
}

// The blocks of a join's operand: written in two blocks, read in a third.
static void test_an_operand_at_a_join_has_one_location(void **state) {
    (void)state;
    Allocation x = allocate("func main params=2\n"
                            " load_local 0\n jump_if_false other\n load_local 1\n jump done\n"
                            "other:\n load_const 2\n"
                            "done:\n return\nend\n",
                            RA_DEFAULT_POOL);
    const LiveInterval *s0 = find_interval(&x.ra, 2);
    assert_int_equal(s0->start, write_position(2)); // s0 <- l1
    assert_int_equal(s0->end, read_position((uint32_t)x.lir.num_ins - 1));
    assert_int_equal(x.ra.locations[2].kind, LOCATION_REG);
    allocation_free(&x);
}

static void test_a_register_that_is_never_live_has_no_location(void **state) {
    (void)state;
    Allocation x = allocate("func main params=0 locals=3\n load_const 1\n return\nend\n", RA_DEFAULT_POOL);
    for (VReg v = 0; v < 3; v++) assert_int_equal(x.ra.locations[v].kind, LOCATION_NONE);
    assert_null(find_interval(&x.ra, 0));
    allocation_free(&x);
}

// Spilling.

static void append_write(Lir *lir, VReg vreg) { lir_append(lir, LIR_CONST)->d = vreg; }

static void append_read(Lir *lir, VReg vreg) {
    lir_append(lir, LIR_MOVES);
    lir_append_move(lir, (LirMove){.d = NO_VREG, .s = vreg});
}

// The example of the paper's section 4: five intervals, two registers. C is the one that ends last when
// the registers run out; D and E get the registers of A and B.
static void test_the_example_of_poletto_and_sarkar(void **state) {
    (void)state;
    enum { A, B, C, D, E, COUNT };
    Program *program = random_lir_program();
    Lir lir = {.program = program, .function = &program->functions[0], .num_globals = COUNT, .num_vregs = COUNT};
    lir_begin_block(&lir);
    append_write(&lir, A);
    append_write(&lir, B);
    append_write(&lir, C);
    append_read(&lir, A);
    append_write(&lir, D);
    append_read(&lir, B);
    append_write(&lir, E);
    append_read(&lir, E);
    append_read(&lir, D);
    append_read(&lir, C);
    lir_append(&lir, LIR_RETURN)->a = C;
    lir_finish(&lir);
    RegisterAllocator ra;
    assert_true(ra_allocate(&ra, &lir, 1u << RCX | 1u << RSI));
    assert_int_equal(ra.locations[C].kind, LOCATION_SLOT);
    assert_int_equal(ra.num_slots, 1);
    for (VReg v = 0; v < COUNT; v++)
        if (v != C) assert_int_equal(ra.locations[v].kind, LOCATION_REG);
    assert_true(same_location(ra.locations[A], ra.locations[D]));
    assert_true(same_location(ra.locations[B], ra.locations[E]));
    assert_false(same_location(ra.locations[A], ra.locations[B]));
    ra_free(&ra);
    lir_free(&lir);
    program_free(program);
}

// The one that ends last loses the register that it already has.
static void test_an_active_interval_that_ends_later_gives_way(void **state) {
    (void)state;
    enum { LONG, SHORT, COUNT };
    Program *program = random_lir_program();
    Lir lir = {.program = program, .function = &program->functions[0], .num_globals = COUNT, .num_vregs = COUNT};
    lir_begin_block(&lir);
    append_write(&lir, LONG);
    append_write(&lir, SHORT);
    append_read(&lir, SHORT);
    lir_append(&lir, LIR_RETURN)->a = LONG;
    lir_finish(&lir);
    RegisterAllocator ra;
    assert_true(ra_allocate(&ra, &lir, 1u << RDI));
    assert_true(same_location(ra.locations[LONG], in_slot(0)));
    assert_true(same_location(ra.locations[SHORT], in_reg(RDI)));
    assert_true(ra_check(&ra, &lir));
    ra_free(&ra);
    lir_free(&lir);
    program_free(program);
}

static const char *const two_calls = "func main params=2\n"
                                     " load_local 0\n call f\n load_local 1\n add\n store_local 1\n" // l0 ends here
                                     " load_local 1\n call f\n load_local 1\n mul\n return\nend\n"
                                     "func f params=1\n load_local 0\n return\nend\n";

// What a call may destroy: System V ABI, AMD64 supplement, section 3.2.1.
static const RegSet destroyed_by_calls =
    1u << RAX | 1u << RCX | 1u << RDX | 1u << RSI | 1u << RDI | 1u << R8 | 1u << R9 | 1u << R10 | 1u << R11;

// l1 lives across both calls; l0 only up to the first.
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
    Allocation x = allocate("func main params=0 locals=3\n"
                            " load_const 1\n call f\n store_local 0\n load_const 2\n call f\n load_local 0\n add\n"
                            " store_local 1\n load_const 3\n call f\n load_local 1\n add\n"
                            " store_local 2\n load_const 4\n call f\n load_local 2\n add\n return\nend\n"
                            "func f params=1\n load_local 0\n return\nend\n",
                            RA_DEFAULT_POOL & destroyed_by_calls);
    assert_int_equal(x.ra.num_slots, 1);
    for (VReg v = 0; v < 3; v++) assert_true(same_location(x.ra.locations[v], in_slot(0)));
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
    Allocation x = allocate("func main params=3\n load_local 0\n load_local 1\n div\n load_local 0\n add\n"
                            " load_local 1\n add\n load_local 2\n add\n return\nend\n",
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
    Allocation x = allocate("func main params=2\n load_local 0\n load_local 1\n div\n return\nend\n", RA_STRESS_POOL);
    assert_true(same_location(x.ra.locations[1], in_reg(RCX)));
    allocation_free(&x);
    x = allocate("func main params=2\n load_local 0\n load_local 1\n div\n return\nend\n", 1u << RAX | 1u << RDX);
    assert_int_equal(x.ra.locations[1].kind, LOCATION_SLOT);
    allocation_free(&x);
}

// l1 is written below the division that it lives across, so that its interval begins just there.
static void test_an_interval_that_begins_at_a_division(void **state) {
    (void)state;
    Allocation x = allocate("func main params=1 locals=2\n jump last\n"
                            "first:\n load_local 0\n load_const 7\n div\n load_local 1\n add\n return\n"
                            "last:\n load_local 0\n load_const 3\n mul\n store_local 1\n jump first\nend\n",
                            1u << RAX | 1u << RDX);
    assert_int_equal(find_interval(&x.ra, 1)->start % 2, 0);
    assert_int_equal(x.ra.locations[1].kind, LOCATION_SLOT);
    allocation_free(&x);
}

// A division by 2^k needs no division instruction and destroys nothing.
static void test_a_division_by_a_power_of_two_needs_no_registers(void **state) {
    (void)state;
    Allocation x = allocate("func main params=1\n load_local 0\n load_const 8\n div\n load_local 0\n add\n return\nend\n",
                            1u << RAX | 1u << RDX);
    assert_int_equal(x.ra.locations[0].kind, LOCATION_REG);
    allocation_free(&x);
}

static void test_the_registers_that_instructions_destroy(void **state) {
    (void)state;
    const LirOperand reg = {0, 0}, four = {NO_VREG, 4}, three = {NO_VREG, 3}, one = {NO_VREG, 1};
    const LirOperand min = {NO_VREG, INT32_MIN};
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

// The copy of a local that a loop passes round needs no instruction if both share a register.
static void test_a_move_between_intervals_that_do_not_overlap_disappears(void **state) {
    (void)state;
    Allocation x = allocate("func main params=1 locals=2\n load_local 0\n store_local 1\n load_local 1\n return\nend\n",
                            RA_DEFAULT_POOL);
    assert_true(same_location(x.ra.locations[0], x.ra.locations[1]));
    allocation_free(&x);
}

static void test_parameters_stay_where_the_caller_put_them(void **state) {
    (void)state;
    static const Reg arg_regs[] = {RDI, RSI, RDX, RCX, R8, R9};
    Allocation x = allocate("func main params=6\n load_local 0\n load_local 1\n add\n load_local 2\n add\n load_local 3\n add\n"
                            " load_local 4\n add\n load_local 5\n add\n return\nend\n",
                            RA_DEFAULT_POOL);
    for (VReg v = 0; v < 6; v++) assert_true(same_location(x.ra.locations[v], in_reg(arg_regs[v])));
    allocation_free(&x);
}

static void test_arguments_are_computed_into_their_registers(void **state) {
    (void)state;
    Allocation x = allocate("func main params=0\n load_const 1\n call g\n call f\n return\nend\n"
                            "func f params=1\n load_local 0\n return\nend\n"
                            "func g params=1\n load_local 0\n return\nend\n",
                            RA_DEFAULT_POOL);
    VReg result = x.lir.num_globals; // of g
    Reg reg = (Reg)x.ra.locations[result].index;
    assert_true(reg == RDI || reg == RAX);
    allocation_free(&x);
}

// On random code: the invariant, told without any interval.

enum { MAX_INS = 256, SET_WORDS = 8 };

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

// Where control goes from a block: the first instruction of that block, or of the one behind it if
// there is none.
static uint32_t entry_of(const Lir *lir, uint32_t block) { return lir->blocks[block].start; }

static bool flow(const Lir *lir, Points *p, uint32_t i) {
    const LirIns *ins = &lir->ins[i];
    bool falls = ins->op != LIR_JUMP && ins->op != LIR_RETURN;
    bool jumps = ins->op == LIR_JUMP || ins->op == LIR_BRANCH;
    bool grown = false;
    if (falls) grown |= merge(&p->after[i], &p->before[i + 1]);
    if (jumps) grown |= merge(&p->after[i], &p->before[entry_of(lir, ins->target)]);
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
    for (uint64_t seed = 0; seed < (SANITIZED ? 300 : 3000); seed++) {
        Random random = {seed};
        Lir lir = random_lir(&random, program, seed % 2 ? small_shape : large_shape);
        RegisterAllocator ra;
        assert_true(ra_allocate(&ra, &lir, random_pool(&random)));
        assert_invariant(&ra, &lir);
        assert_true(ra_check(&ra, &lir)); // ends the process if it finds a fault
        ra_free(&ra);
        lir_free(&lir);
    }
    program_free(program);
}

static void compare_runs(Rig *rig, Random *random, const Lir *lir, RegSet pool, uint32_t *compared) {
    RegisterAllocator ra;
    assert_true(ra_allocate(&ra, lir, pool));
    RigCode code = rig_install(rig, lir, &ra);
    for (int run = 0; run < 4; run++) {
        int64_t args[RANDOM_PARAMS];
        for (int i = 0; i < RANDOM_PARAMS; i++) args[i] = random_constant(random);
        Outcome expected;
        if (!lir_interpret(rig, lir, args, 2000, &expected)) continue;
        Outcome outcome = rig_call(rig, &code, args);
        ++*compared;
        if (outcomes_agree(outcome, expected)) continue;
        lir_print(stderr, lir);
        ra_print_locations(stderr, &ra, lir);
        outcome_print(stderr, outcome);
        fputs(", expected: ", stderr);
        outcome_print(stderr, expected);
        fail_msg("allocated code is wrong");
    }
    rig_forget(rig, &code);
    ra_free(&ra);
}

static void test_random_code_computes_what_it_should(void **state) {
    (void)state;
    Program *program = random_lir_program();
    Rig rig = rig_new(program);
    uint32_t compared = 0, programs = SANITIZED ? 1000 : 10000;
    for (uint64_t seed = 0; seed < programs; seed++) {
        Random random = {~seed};
        RandomShape shape = seed % 2 ? small_shape : large_shape;
        shape.calls = seed % 3 == 0;
        Lir lir = random_lir(&random, program, shape);
        compare_runs(&rig, &random, &lir, random_pool(&random), &compared);
        lir_free(&lir);
    }
    assert_true(compared > programs);
    rig_free(&rig);
    program_free(program);
}

// 256 pools, with one function that needs many registers and both fixed ones.
static void test_every_pool(void **state) {
    (void)state;
    static const char *const text =
        "func main params=3 locals=5\n"
        " load_const 100\n store_local 3\n load_const 0\n store_local 4\n"
        "again:\n load_local 3\n jump_if_false done\n"
        " load_local 4\n load_local 0\n load_local 3\n div\n add\n load_local 1\n load_local 2\n sub\n load_local 3\n mul\n add\n"
        " load_local 4\n load_local 3\n call f\n sub\n store_local 4\n"
        " load_local 3\n load_const 1\n sub\n store_local 3\n jump again\n"
        "done:\n load_local 4\n return\nend\n"
        "func f params=2\n load_local 1\n load_local 0\n sub\n store_local 0\n load_local 0\n load_local 1\n mul\n return\nend\n";
    Program *program = program_from(text);
    const int64_t *args = ARGS(123456789, -77, 1234567);
    int64_t expected = run_in_mode(program, &modes[0], args).result;
    for (uint32_t subset = 0; subset < 256; subset++) {
        RegSet pool = 0, rest = RA_DEFAULT_POOL;
        for (uint32_t bit = 0; rest; rest &= rest - 1, bit++)
            if (subset >> bit & 1) pool |= rest & -rest;
        JitOptions options = {.tier = TIER_OPT, .code_size = 1 << 16, .pool = pool, .check = true};
        JitCompiler *jit = jit_new(program, &options);
        int64_t result = 0;
        assert_int_equal(jit_execute(jit, "main", args, &result), RUN_OK);
        assert_int_equal(result, expected);
        jit_free(jit);
    }
    program_free(program);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_an_interval_runs_from_the_write_to_the_last_read),
    cmocka_unit_test(test_an_interval_covers_the_loop_that_it_lives_around),
    cmocka_unit_test(test_an_operand_at_a_join_has_one_location),
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
    cmocka_unit_test(test_parameters_stay_where_the_caller_put_them),
    cmocka_unit_test(test_arguments_are_computed_into_their_registers),
    cmocka_unit_test(test_random_code_keeps_the_invariant),
    cmocka_unit_test(test_random_code_computes_what_it_should),
    cmocka_unit_test(test_every_pool),
};
TEST_MAIN(tests)
