// Parallel moves, executed for real and compared with what "all at once" means.
#include "backend/parallel_move.h"
#include "code/code_buffer.h"
#include "code/install.h"
#include "random_lir.h"
#include "testing/test_main.h"

// The machine code of a case is a function of one pointer to a State: it fills registers and memory
// from there, makes the moves, and writes everything back.

static const Reg regs[] = {RAX, RCX, RDX, RSI, RDI, R8, R9, R10, R11};
enum { NUM_REGS = sizeof regs / sizeof *regs, NUM_MEMS = 40, NUM_OUT = 20, NUM_PLACES = NUM_REGS + NUM_MEMS + NUM_OUT };

typedef struct State {
    int64_t values[NUM_PLACES]; // registers, then [rbp-...], then [rsp+...]
    int64_t rsp_moved;          // by how much RSP differs afterwards
} State;

// Place number p of a state.
static Place nth_place(uint32_t p) {
    if (p < NUM_REGS) return place_reg(regs[p]);
    if (p < NUM_REGS + NUM_MEMS) return place_mem(mem(RBP, -8 - 8 * (int32_t)(p - NUM_REGS)));
    return place_mem(mem(RSP, 8 * (int32_t)(p - NUM_REGS - NUM_MEMS)));
}

static Mem state_field(Reg state, uint32_t p) { return mem(state, 8 * (int32_t)p); }

static void emit_load_state(Assembler *a) {
    asm_push_r(a, RBP);
    asm_push_r(a, RDI);
    asm_mov_rr(a, RBP, RSP);
    asm_sub_ri(a, RSP, 8 * (NUM_MEMS + NUM_OUT));
    for (uint32_t p = NUM_REGS; p < NUM_PLACES; p++) {
        asm_mov_rm(a, R11, state_field(RDI, p));
        asm_mov_mr(a, nth_place(p).mem, R11);
    }
    for (uint32_t p = 0; p < NUM_REGS; p++)
        if (regs[p] != RDI) asm_mov_rm(a, regs[p], state_field(RDI, p));
    asm_mov_rm(a, RDI, state_field(RDI, 4));
}

// The state's address comes from the stack, by way of a register that was saved before.
static void emit_store_state(Assembler *a) {
    asm_push_r(a, RAX);
    asm_mov_rm(a, RAX, mem(RBP, 0));
    for (uint32_t p = 1; p < NUM_REGS; p++) asm_mov_mr(a, state_field(RAX, p), regs[p]);
    asm_pop_r(a, RCX);
    asm_mov_mr(a, state_field(RAX, 0), RCX);
    for (uint32_t p = NUM_REGS; p < NUM_PLACES; p++) {
        asm_mov_rm(a, RCX, nth_place(p).mem);
        asm_mov_mr(a, state_field(RAX, p), RCX);
    }
    asm_lea_rm(a, RCX, mem(RSP, 8 * (NUM_MEMS + NUM_OUT)));
    asm_sub_rr(a, RCX, RBP);
    asm_mov_mr(a, state_field(RAX, NUM_PLACES), RCX);
    asm_mov_rr(a, RSP, RBP);
    asm_pop_r(a, RDI);
    asm_pop_r(a, RBP);
    asm_ret(a);
}

// Many cases share one piece of machine code.

enum { MAX_CASES = 1024, MAX_MOVES = NUM_PLACES };

typedef struct Case {
    ParallelMove moves[MAX_MOVES];
    uint32_t d[MAX_MOVES], s[MAX_MOVES]; // the numbers of the places; a source of NUM_PLACES: a constant
    size_t count;
    Reg scratch;
    size_t offset; // in the code
} Case;

typedef struct Batch {
    CodeBuffer *buffer;
    Assembler a;
    Case *cases;
    size_t count;
} Batch;

static Batch batch_new(void) {
    Batch batch = {.buffer = code_buffer_new(8 << 20), .cases = xcalloc(MAX_CASES, sizeof(Case))};
    assert_non_null(batch.buffer);
    asm_init(&batch.a, 8 << 20);
    return batch;
}

static int64_t initial_value(uint32_t p) { return 0x1111111111 * (int64_t)(p + 1); }

static State expected_state(const Case *c, const State *before) {
    State after = *before;
    for (size_t i = 0; i < c->count; i++)
        after.values[c->d[i]] = c->s[i] == NUM_PLACES ? c->moves[i].s.imm : before->values[c->s[i]];
    return after;
}

static void print_place(Place place) {
    if (place.kind == PLACE_IMM) fprintf(stderr, "%lld", (long long)place.imm);
    else if (place.kind == PLACE_REG) fprintf(stderr, "register %d", place.reg);
    else fprintf(stderr, "[register %d%+d]", place.mem.base, place.mem.disp);
}

static void fail_case(const Case *c, uint32_t p, int64_t value, int64_t expected) {
    for (size_t i = 0; i < c->count; i++) {
        print_place(c->moves[i].d);
        fputs(" <- ", stderr);
        print_place(c->moves[i].s);
        fputc('\n', stderr);
    }
    print_place(nth_place(p));
    fail_msg(": holds %llx, not %llx", (long long)value, (long long)expected);
}

static void run_case(const Case *c, const uint8_t *code) {
    State state = {.rsp_moved = -1};
    for (uint32_t p = 0; p < NUM_PLACES; p++) state.values[p] = initial_value(p);
    State expected = expected_state(c, &state);
    void (*function)(State *) = (void (*)(State *))(uintptr_t)(code + c->offset);
    function(&state);
    for (uint32_t p = 0; p < NUM_PLACES; p++) {
        if (p < NUM_REGS && regs[p] == c->scratch) continue;
        if (state.values[p] != expected.values[p]) fail_case(c, p, state.values[p], expected.values[p]);
    }
    assert_int_equal(state.rsp_moved, 0);
}

static void batch_run(Batch *batch) {
    assert_true(asm_finish(&batch->a));
    uint8_t *code = code_install(batch->buffer, &batch->a);
    assert_non_null(code);
    for (size_t i = 0; i < batch->count; i++) run_case(&batch->cases[i], code);
    code_buffer_release(batch->buffer, code, batch->a.size);
    asm_free(&batch->a);
    asm_init(&batch->a, 8 << 20);
    batch->count = 0;
}

static void batch_free(Batch *batch) {
    batch_run(batch);
    asm_free(&batch->a);
    code_buffer_free(batch->buffer);
    free(batch->cases);
}

static Case *batch_case(Batch *batch, Reg scratch) {
    if (batch->count == MAX_CASES) batch_run(batch);
    Case *c = &batch->cases[batch->count++];
    c->count = 0;
    c->scratch = scratch;
    return c;
}

static void add_move(Case *c, uint32_t d, uint32_t s, int64_t imm) {
    c->d[c->count] = d;
    c->s[c->count] = s;
    c->moves[c->count++] = (ParallelMove){nth_place(d), s == NUM_PLACES ? place_imm(imm) : nth_place(s)};
}

static void batch_emit(Batch *batch, Case *c) {
    c->offset = asm_offset(&batch->a);
    emit_load_state(&batch->a);
    parallel_move(&batch->a, c->moves, c->count, c->scratch);
    emit_store_state(&batch->a);
}

// The tests.

// Six places; each is left alone, or takes the value of any of the six, or a constant: 8^6 cases.
static void test_every_map_of_four_registers_and_two_slots(void **state) {
    (void)state;
    static const uint32_t places[] = {0, 1, 4, 5, NUM_REGS, NUM_REGS + 1}; // rax rcx rdi r8 [rbp-8] [rbp-16]
    Batch batch = batch_new();
    for (uint32_t number = 0; number < 1 << 18; number += SANITIZED ? 13 : 1) {
        Case *c = batch_case(&batch, R11);
        for (uint32_t i = 0; i < 6; i++) {
            uint32_t choice = number >> 3 * i & 7;
            if (choice < 6) add_move(c, places[i], places[choice], 0);
            if (choice == 6) add_move(c, places[i], NUM_PLACES, i % 2 ? -1 : INT64_MAX - i);
        }
        batch_emit(&batch, c);
    }
    batch_free(&batch);
}

static bool is_scratch(uint32_t p, Reg scratch) { return p < NUM_REGS && regs[p] == scratch; }

// Any number of moves over all places; permutations (nothing but cycles) every other time.
static void random_case(Batch *batch, Random *random) {
    Reg scratch = regs[random_below(random, NUM_REGS)];
    Case *c = batch_case(batch, scratch);
    uint32_t order[NUM_PLACES], n = 0;
    for (uint32_t p = 0; p < NUM_PLACES; p++)
        if (!is_scratch(p, scratch)) order[n++] = p;
    for (uint32_t i = n; i-- > 1;) { // Fisher and Yates
        uint32_t j = random_below(random, i + 1), p = order[i];
        order[i] = order[j];
        order[j] = p;
    }
    uint32_t count = 1 + random_below(random, n);
    bool permutes = random_below(random, 2), rotates = random_below(random, 4) == 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t s = rotates ? order[(i + 1) % count] : order[random_below(random, n)];
        if (permutes && !rotates) s = order[i ^ 1u] < NUM_PLACES && (i ^ 1u) < count ? order[i ^ 1u] : order[i];
        bool constant = !permutes && random_below(random, 5) == 0;
        add_move(c, order[i], constant ? NUM_PLACES : s, random_constant(random));
    }
    batch_emit(batch, c);
}

static void test_random_moves_over_many_places(void **state) {
    (void)state;
    Batch batch = batch_new();
    Random random = {1};
    for (int i = 0; i < (SANITIZED ? 2000 : 10000); i++) random_case(&batch, &random);
    batch_free(&batch);
}

static size_t size_of(const ParallelMove *moves, size_t count) {
    Assembler a;
    asm_init(&a, 1 << 20);
    parallel_move(&a, moves, count, R11);
    assert_true(asm_finish(&a));
    size_t size = a.size;
    asm_free(&a);
    return size;
}

static void test_moves_to_where_the_value_is_cost_nothing(void **state) {
    (void)state;
    const ParallelMove moves[] = {{place_reg(RAX), place_reg(RAX)},
                                  {place_mem(mem(RBP, -8)), place_mem(mem(RBP, -8))}};
    assert_int_equal(size_of(moves, 2), 0);
    assert_int_equal(size_of(moves, 0), 0);
}

// Each register-to-register MOV or XCHG takes three bytes.
static void test_no_more_instructions_than_needed(void **state) {
    (void)state;
    const ParallelMove chain[] = {{place_reg(RAX), place_reg(RCX)}, {place_reg(RCX), place_reg(RDX)},
                                  {place_reg(RDX), place_reg(RSI)}};
    assert_int_equal(size_of(chain, 3), 3 * 3);
    const ParallelMove backwards[] = {chain[2], chain[1], chain[0]};
    assert_int_equal(size_of(backwards, 3), 3 * 3);
    const ParallelMove cycle[] = {{place_reg(RDX), place_reg(RCX)}, {place_reg(RCX), place_reg(RSI)},
                                  {place_reg(RSI), place_reg(RDX)}};
    assert_int_equal(size_of(cycle, 3), 2 * 3);
}

static void test_equal_places(void **state) {
    (void)state;
    assert_true(same_place(place_reg(RAX), place_reg(RAX)));
    assert_false(same_place(place_reg(RAX), place_reg(RCX)));
    assert_true(same_place(place_mem(mem(RBP, -8)), place_mem(mem(RBP, -8))));
    assert_false(same_place(place_mem(mem(RBP, -8)), place_mem(mem(RBP, -16))));
    assert_false(same_place(place_mem(mem(RBP, 8)), place_mem(mem(RSP, 8))));
    assert_false(same_place(place_imm(0), place_reg(RAX)));
    assert_true(same_place(place_imm(INT64_MIN), place_imm(INT64_MIN)));
    assert_false(same_place(place_imm(INT64_MIN), place_imm(INT64_MAX)));
}

// n log n: this many in a quadratic algorithm would take minutes.
static void test_a_hundred_thousand_moves(void **state) {
    (void)state;
    enum { COUNT = 100000 };
    ParallelMove *moves = xcalloc(COUNT, sizeof *moves);
    for (int i = 0; i < COUNT; i++)
        moves[i] = (ParallelMove){place_mem(mem(RBP, -8 * i)), place_mem(mem(RBP, -8 * ((i + 1) % COUNT)))};
    Assembler a;
    asm_init(&a, 64 << 20);
    parallel_move(&a, moves, COUNT, R11);
    assert_true(asm_finish(&a));
    asm_free(&a);
    free(moves);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_equal_places),
    cmocka_unit_test(test_moves_to_where_the_value_is_cost_nothing),
    cmocka_unit_test(test_no_more_instructions_than_needed),
    cmocka_unit_test(test_every_map_of_four_registers_and_two_slots),
    cmocka_unit_test(test_random_moves_over_many_places),
    cmocka_unit_test(test_a_hundred_thousand_moves),
};
TEST_MAIN(tests)
