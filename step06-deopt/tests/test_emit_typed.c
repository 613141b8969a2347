// The machine code of the typed operations: each one alone, over the values at which it could go wrong, with its
// operands in registers, in slots and as constants. Results, and whether the exit is taken, are compared with C.
#include <math.h>

#include "exit_rig.h"
#include "lir_text.h"
#include "object/number.h"
#include "object/object.h"
#include "random_program.h"
#include "testing/test_main.h"

// Running one operation.
//
// v0 and v1 are its operands, v2 its result; v3 is a bystander, which the exit must find unharmed. If the exit is not
// taken, another one is, always, which shows v2 and v3.

enum { NUM_ARGS = 3 };

static const uint64_t bystander = VALUE_NULL;

// Where v0, v1, v2 and v3 are: a register, or SLOT + k.
enum { SLOT = 32, NUM_SLOTS = 6 };

typedef struct Places {
    int of[4];
} Places;

static const Places all_places[] = {
    {{RBX, RCX, RSI, R15}},
    {{RBX, RCX, RBX, R15}}, // the result takes over an operand's register
    {{RBX, RCX, RCX, SLOT + 5}},
    {{RAX, RDX, R13, RDI}},
    {{RDX, RAX, RAX, R8}},
    {{RAX, RDX, RDX, R9}},
    {{R12, SLOT, R13, R15}},
    {{R13, SLOT, R13, R15}},
    {{SLOT, RCX, R12, R15}},
    {{SLOT, R13, R13, R15}},
    {{SLOT, SLOT + 1, RAX, SLOT + 5}},
    {{RCX, R8, SLOT + 2, R15}},
    {{SLOT, SLOT + 1, SLOT + 2, SLOT + 5}},
    {{SLOT, SLOT + 1, SLOT, R15}},
    {{SLOT, SLOT + 1, SLOT + 1, R15}},
};

enum { NUM_PLACES = sizeof all_places / sizeof *all_places };

typedef struct Bench {
    Program *program;
    Rig rig;
    Lir lir;
    RegisterAllocator ra;
    RigCode code;
} Bench;

static Location location_of(int place) { return place < SLOT ? in_reg((Reg)place) : in_slot((uint32_t)(place - SLOT)); }

static void bench_open(Bench *x) {
    x->program = program_from("func main params=3\n load_const 0\n return\nend\n");
    x->rig = rig_new(x->program);
    exit_rig_use(&x->rig);
}

static void bench_close(Bench *x) {
    rig_free(&x->rig);
    program_free(x->program);
}

static void bench_forget(Bench *x) {
    rig_forget(&x->rig, &x->code);
    ra_free(&x->ra);
    lir_free(&x->lir);
}

// "v2 <- add_i32 v0, v1" or the like, without its exit.
static void bench_read(Bench *x, const char *operation) {
    char text[300];
    snprintf(text, sizeof text,
             "B0: params v0, v1, v3\n %s -> exit @0 [v3]\n guard_tag v3 -> exit @1 [v2, v3]\n return v3\n", operation);
    x->lir = lir_from(x->program, text);
}

// The same for one that has no exit.
static void bench_read_plain(Bench *x, const char *operation) {
    char text[300];
    snprintf(text, sizeof text, "B0: params v0, v1, v3\n %s\n guard_tag v3 -> exit @1 [v2, v3]\n return v3\n",
             operation);
    x->lir = lir_from(x->program, text);
}

static bool reads_v1(const Lir *lir) {
    for (size_t i = 0; i < lir->num_ins; i++)
        if (lir->ins[i].a == 1 || lir->ins[i].b.vreg == 1) return true;
    return false;
}

// Put the registers where the test wants them. An operand that is not used must not be in the result's place.
static void bench_place(Bench *x, Places places) {
    assert_true(ra_allocate(&x->ra, &x->lir, RA_DEFAULT_POOL, RA_POLETTO));
    for (VReg v = 0; v < 4; v++) x->ra.locations[v] = location_of(places.of[v]);
    if (!reads_v1(&x->lir)) x->ra.locations[1] = in_slot(NUM_SLOTS);
    x->ra.num_slots = NUM_SLOTS + 1;
}

// What a guard looked at must be there after it, too: no allocator would put the result in its place.
static bool overwrites_subject(const Bench *x) {
    for (size_t i = 0; i < x->lir.num_ins; i++) {
        Rep rep;
        VReg subject = lir_guard_subject(&x->lir.ins[i], &rep), d = x->lir.ins[i].d;
        if (subject == NO_VREG || d == NO_VREG) continue;
        if (same_location(x->ra.locations[subject], x->ra.locations[d])) return true;
    }
    return false;
}

static bool is_final(const Bench *x, ExitRecord record) { return record.exit + 1 == (int)x->lir.num_exits; }

static void bench_install(Bench *x) {
    assert_true(ra_check(&x->ra, &x->lir));
    x->code = rig_install(&x->rig, &x->lir, &x->ra);
}

static ExitRecord bench_run(Bench *x, uint64_t a, uint64_t b) {
    const uint64_t args[NUM_ARGS] = {a, b, bystander};
    ExitRecord record = exit_rig_call(&x->rig, &x->code, args, NUM_ARGS);
    assert_int_equal(x->rig.vm->error.status, RUN_OK);
    assert_int_not_equal(record.exit, NO_EXIT_TAKEN);
    assert_true(record.values[is_final(x, record)] == bystander);
    return record;
}

// What an operation is to do with two words: returns false if it is to leave.
typedef bool Model(uint64_t a, uint64_t b, uint64_t *result);

// Is the result the right one? Doubles may be any NaN; of values, heap numbers have many addresses.
typedef bool Same(uint64_t result, uint64_t expected);

static bool same_bits(uint64_t result, uint64_t expected) { return result == expected; }

static bool same_f64(uint64_t result, uint64_t expected) {
    return result == expected || (isnan(double_from_bits(result)) && isnan(double_from_bits(expected)));
}

static void check_pair(Bench *x, const char *operation, Model *model, Same *same, uint64_t a, uint64_t b) {
    uint64_t expected = 0;
    bool stays = model(a, b, &expected);
    ExitRecord record = bench_run(x, a, b);
    if (is_final(x, record) != stays)
        fail_msg("%s, 0x%lx, 0x%lx: %s", operation, a, b, stays ? "leaves" : "does not leave");
    if (stays && !same(record.values[0], expected))
        fail_msg("%s, 0x%lx, 0x%lx: 0x%lx instead of 0x%lx", operation, a, b, record.values[0], expected);
}

typedef void Reader(Bench *x, const char *operation);

// With all operands wherever they may be.
static void check_places(const char *operation, Reader *read, Model *model, Same *same, const uint64_t *as,
                         size_t num_a, const uint64_t *bs, size_t num_b) {
    Bench x;
    bench_open(&x);
    for (size_t p = 0; p < NUM_PLACES; p++) {
        read(&x, operation);
        bench_place(&x, all_places[p]);
        if (overwrites_subject(&x)) {
            ra_free(&x.ra);
            lir_free(&x.lir);
            continue;
        }
        bench_install(&x);
        for (size_t i = 0; i < num_a; i++)
            for (size_t k = 0; k < num_b; k++) check_pair(&x, operation, model, same, as[i], bs[k]);
        bench_forget(&x);
    }
    bench_close(&x);
}

// As both allocators place them, with many registers, with three, and with none.
static void check_allocated(const char *operation, Reader *read, Model *model, Same *same, const uint64_t *as,
                            size_t num_a, const uint64_t *bs, size_t num_b) {
    const RegSet pools[] = {RA_DEFAULT_POOL, RA_STRESS_POOL, 0};
    Bench x;
    bench_open(&x);
    for (int kind = 0; kind < NUM_RA_KINDS; kind++) {
        for (size_t p = 0; p < sizeof pools / sizeof *pools; p++) {
            read(&x, operation);
            assert_true(ra_allocate(&x.ra, &x.lir, pools[p], (RaKind)kind));
            bench_install(&x);
            for (size_t i = 0; i < num_a; i++)
                for (size_t k = 0; k < num_b; k++) check_pair(&x, operation, model, same, as[i], bs[k]);
            bench_forget(&x);
        }
    }
    bench_close(&x);
}

// Integers.

static const int32_t ints[] = {0, 1, -1, 2, -2, 3, 7, -7, 8, -8, 46340, 46341, -46341, 65536, -65536, 1000000007,
                               INT32_MAX, INT32_MAX - 1, INT32_MIN, INT32_MIN + 1, 1 << 30, -(1 << 30)};

enum { NUM_INTS = sizeof ints / sizeof *ints };

static uint64_t raw(int32_t i) { return (uint32_t)i; }

static void raw_ints(uint64_t words[NUM_INTS]) {
    for (size_t i = 0; i < NUM_INTS; i++) words[i] = raw(ints[i]);
}

// JavaScript's result, if it is an int32 and not -0.
static bool int_result(double d, uint64_t *result) {
    if (!(d >= INT32_MIN && d <= INT32_MAX) || d != (int32_t)d || (d == 0 && signbit(d))) return false;
    *result = raw((int32_t)d);
    return true;
}

static bool add_model(uint64_t a, uint64_t b, uint64_t *r) { return int_result((double)(int32_t)a + (int32_t)b, r); }
static bool sub_model(uint64_t a, uint64_t b, uint64_t *r) { return int_result((double)(int32_t)a - (int32_t)b, r); }
static bool mul_model(uint64_t a, uint64_t b, uint64_t *r) { return int_result((double)(int32_t)a * (int32_t)b, r); }
static bool div_model(uint64_t a, uint64_t b, uint64_t *r) { return int_result((double)(int32_t)a / (int32_t)b, r); }
static bool rem_model(uint64_t a, uint64_t b, uint64_t *r) { return int_result(fmod((int32_t)a, (int32_t)b), r); }

static const struct {
    const char *name;
    Model *model;
} int_operations[] = {{"add", add_model}, {"sub", sub_model}, {"mul", mul_model}, {"div", div_model}, {"rem", rem_model}};

enum { NUM_INT_OPERATIONS = sizeof int_operations / sizeof *int_operations };

static void test_integer_arithmetic(void **state) {
    (void)state;
    uint64_t words[NUM_INTS];
    raw_ints(words);
    for (size_t i = 0; i < NUM_INT_OPERATIONS; i++) {
        char text[60];
        snprintf(text, sizeof text, "v2 <- %s_i32 v0, v1", int_operations[i].name);
        check_places(text, bench_read, int_operations[i].model, same_bits, words, NUM_INTS, words, NUM_INTS);
        check_allocated(text, bench_read, int_operations[i].model, same_bits, words, NUM_INTS, words, NUM_INTS);
    }
}

static void test_integer_arithmetic_with_itself(void **state) {
    (void)state;
    uint64_t words[NUM_INTS];
    raw_ints(words);
    for (size_t i = 0; i < NUM_INT_OPERATIONS; i++) {
        char text[60];
        snprintf(text, sizeof text, "v2 <- %s_i32 v0, v0", int_operations[i].name);
        for (size_t k = 0; k < NUM_INTS; k++)
            check_allocated(text, bench_read, int_operations[i].model, same_bits, &words[k], 1, &words[k], 1);
    }
}

static void test_integer_arithmetic_with_a_constant(void **state) {
    (void)state;
    uint64_t words[NUM_INTS];
    raw_ints(words);
    for (size_t i = 0; i < NUM_INT_OPERATIONS; i++) {
        for (size_t k = 0; k < NUM_INTS; k++) {
            char text[60];
            snprintf(text, sizeof text, "v2 <- %s_i32 v0, %d", int_operations[i].name, ints[k]);
            check_places(text, bench_read, int_operations[i].model, same_bits, words, NUM_INTS, &words[k], 1);
        }
    }
}

// Doubles.

static const double doubles[] = {
    0.0, -0.0, 1.0, -1.0, 0.5, 1.5, -2.5, 0.1, 3.0, 1e10, -1e10, 1e300, -1e300, 5e-324, -5e-324, 2147483647.0,
    -2147483648.0, 2147483648.0, -2147483649.0, 2147483646.5, 4294967296.0, 0x1p-255, -0x1p-255, 0x1p-256,
    0x1.fffffffffffffp-256, 0x1p257, -0x1p257, 0x1.fffffffffffffp256, 0x1p52, 0x1p53, INFINITY, -INFINITY, NAN,
};

enum { NUM_DOUBLES = sizeof doubles / sizeof *doubles };

static void raw_doubles(uint64_t words[NUM_DOUBLES]) {
    for (size_t i = 0; i < NUM_DOUBLES; i++) words[i] = double_bits(doubles[i]);
}

static bool double_result(double d, uint64_t *result) {
    *result = double_bits(d);
    return true;
}

static double f64(uint64_t bits) { return double_from_bits(bits); }

static bool add_f64_model(uint64_t a, uint64_t b, uint64_t *r) { return double_result(f64(a) + f64(b), r); }
static bool sub_f64_model(uint64_t a, uint64_t b, uint64_t *r) { return double_result(f64(a) - f64(b), r); }
static bool mul_f64_model(uint64_t a, uint64_t b, uint64_t *r) { return double_result(f64(a) * f64(b), r); }
static bool div_f64_model(uint64_t a, uint64_t b, uint64_t *r) { return double_result(f64(a) / f64(b), r); }

static const struct {
    const char *name;
    Model *model;
} double_operations[] = {{"add", add_f64_model}, {"sub", sub_f64_model}, {"mul", mul_f64_model}, {"div", div_f64_model}};

static void test_double_arithmetic(void **state) {
    (void)state;
    uint64_t words[NUM_DOUBLES];
    raw_doubles(words);
    for (size_t i = 0; i < sizeof double_operations / sizeof *double_operations; i++) {
        char text[60];
        Model *model = double_operations[i].model;
        snprintf(text, sizeof text, "v2 <- %s_f64 v0, v1", double_operations[i].name);
        check_places(text, bench_read_plain, model, same_f64, words, NUM_DOUBLES, words, NUM_DOUBLES);
        check_allocated(text, bench_read_plain, model, same_f64, words, NUM_DOUBLES, words, NUM_DOUBLES);
        for (size_t k = 0; k < NUM_DOUBLES; k++) {
            snprintf(text, sizeof text, "v2 <- %s_f64 v0, %.17g", double_operations[i].name, doubles[k]);
            check_places(text, bench_read_plain, model, same_f64, words, NUM_DOUBLES, &words[k], 1);
        }
    }
}

// Comparisons.

static const char *condition_text; // what the models below compare by

static bool holds(double a, double b) {
    if (strcmp(condition_text, "==") == 0) return a == b;
    if (strcmp(condition_text, "!=") == 0) return !(a == b);
    if (strcmp(condition_text, "<") == 0) return a < b;
    if (strcmp(condition_text, "!<") == 0) return !(a < b);
    if (strcmp(condition_text, ">") == 0) return a > b;
    return !(a > b);
}

static bool compare_i32_model(uint64_t a, uint64_t b, uint64_t *r) {
    *r = value_from_bool(holds((int32_t)a, (int32_t)b));
    return true;
}

static bool compare_f64_model(uint64_t a, uint64_t b, uint64_t *r) {
    *r = value_from_bool(holds(f64(a), f64(b)));
    return true;
}

static void check_comparison(const char *condition, const uint64_t *ints_, const uint64_t *doubles_) {
    char text[60];
    condition_text = condition;
    snprintf(text, sizeof text, "v2 <- compare_i32 v0 %s v1", condition);
    check_places(text, bench_read_plain, compare_i32_model, same_bits, ints_, NUM_INTS, ints_, NUM_INTS);
    snprintf(text, sizeof text, "v2 <- compare_f64 v0 %s v1", condition);
    check_places(text, bench_read_plain, compare_f64_model, same_bits, doubles_, NUM_DOUBLES, doubles_, NUM_DOUBLES);
    for (size_t k = 0; k < NUM_INTS; k++) {
        snprintf(text, sizeof text, "v2 <- compare_i32 v0 %s %d", condition, ints[k]);
        check_allocated(text, bench_read_plain, compare_i32_model, same_bits, ints_, NUM_INTS, &ints_[k], 1);
    }
    for (size_t k = 0; k < NUM_DOUBLES; k++) {
        snprintf(text, sizeof text, "v2 <- compare_f64 v0 %s %.17g", condition, doubles[k]);
        check_allocated(text, bench_read_plain, compare_f64_model, same_bits, doubles_, NUM_DOUBLES, &doubles_[k], 1);
    }
}

static void test_comparisons(void **state) {
    (void)state;
    static const char *const conditions[] = {"==", "<", ">"};
    uint64_t int_words[NUM_INTS], double_words[NUM_DOUBLES];
    raw_ints(int_words);
    raw_doubles(double_words);
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++)
        check_comparison(conditions[i], int_words, double_words);
}

// The branch's target, and the block it goes to otherwise, in either order behind it.
static void read_branch_forwards(Bench *x, const char *branch) {
    char text[300];
    snprintf(text, sizeof text,
             "B0: params v0, v1, v3\n %s, B2\nB1: v4 <- const 0\n jump B3\nB2: v5 <- const 1\n jump B3\n"
             "B3: v2 <- phi v4, v5\n return v2\n", branch);
    x->lir = lir_from(x->program, text);
}

static void read_branch_to_next(Bench *x, const char *branch) {
    char text[300];
    snprintf(text, sizeof text,
             "B0: params v0, v1, v3\n %s, B1, else B2\nB1: v4 <- const 1\n jump B3\nB2: v5 <- const 0\n jump B3\n"
             "B3: v2 <- phi v4, v5\n return v2\n", branch);
    x->lir = lir_from(x->program, text);
}

static void check_branch(Reader *read, const char *branch, Model *model, const uint64_t *words, size_t count) {
    const RegSet pools[] = {RA_DEFAULT_POOL, RA_STRESS_POOL, 0};
    Bench x;
    bench_open(&x);
    for (size_t p = 0; p < sizeof pools / sizeof *pools; p++) {
        read(&x, branch);
        assert_true(ra_allocate(&x.ra, &x.lir, pools[p], RA_LINEAR_SCAN));
        bench_install(&x);
        for (size_t i = 0; i < count * count; i++) {
            const uint64_t args[NUM_ARGS] = {words[i / count], words[i % count], bystander};
            uint64_t expected;
            model(args[0], args[1], &expected);
            ExitRecord record = exit_rig_call(&x.rig, &x.code, args, NUM_ARGS);
            if (record.result != value_from_int(expected == VALUE_TRUE))
                fail_msg("%s, 0x%lx, 0x%lx: goes the wrong way", branch, args[0], args[1]);
        }
        bench_forget(&x);
    }
    bench_close(&x);
}

static void test_branches(void **state) {
    (void)state;
    static const char *const conditions[] = {"==", "!=", "<", "!<", ">", "!>"};
    uint64_t int_words[NUM_INTS], double_words[NUM_DOUBLES];
    raw_ints(int_words);
    raw_doubles(double_words);
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
        char text[60];
        condition_text = conditions[i];
        snprintf(text, sizeof text, "branch_i32 v0 %s v1", conditions[i]);
        check_branch(read_branch_forwards, text, compare_i32_model, int_words, NUM_INTS);
        check_branch(read_branch_to_next, text, compare_i32_model, int_words, NUM_INTS);
        snprintf(text, sizeof text, "branch_f64 v0 %s v1", conditions[i]);
        check_branch(read_branch_forwards, text, compare_f64_model, double_words, NUM_DOUBLES);
        check_branch(read_branch_to_next, text, compare_f64_model, double_words, NUM_DOUBLES);
    }
}

// Conversions.

static const uint64_t zero[] = {0};

static bool tag_i32_model(uint64_t a, uint64_t b, uint64_t *r) {
    (void)b;
    *r = value_from_int((int32_t)a);
    return true;
}

static bool untag_i32_model(uint64_t a, uint64_t b, uint64_t *r) {
    (void)b;
    *r = raw(value_to_int(a));
    return true;
}

static bool i32_to_f64_model(uint64_t a, uint64_t b, uint64_t *r) {
    (void)b;
    return double_result((int32_t)a, r);
}

static bool f64_to_i32_model(uint64_t a, uint64_t b, uint64_t *r) {
    (void)b;
    *r = raw((int32_t)f64(a));
    return true;
}

static void check_unary(const char *text, Reader *read, Model *model, Same *same, const uint64_t *words, size_t count) {
    check_places(text, read, model, same, words, count, zero, 1);
    check_allocated(text, read, model, same, words, count, zero, 1);
}

static void test_conversions_of_integers(void **state) {
    (void)state;
    uint64_t words[NUM_INTS], values[NUM_INTS], as_doubles[NUM_INTS];
    raw_ints(words);
    for (size_t i = 0; i < NUM_INTS; i++) values[i] = value_from_int(ints[i]);
    for (size_t i = 0; i < NUM_INTS; i++) as_doubles[i] = double_bits(ints[i]);
    check_unary("v2 <- tag_i32 v0", bench_read_plain, tag_i32_model, same_bits, words, NUM_INTS);
    check_unary("v2 <- untag_i32 v0", bench_read_plain, untag_i32_model, same_bits, values, NUM_INTS);
    check_unary("v2 <- i32_to_f64 v0", bench_read_plain, i32_to_f64_model, same_bits, words, NUM_INTS);
    check_unary("v2 <- f64_to_i32 v0", bench_read_plain, f64_to_i32_model, same_bits, as_doubles, NUM_INTS);
}

// The one representation of a double: what is a heap number here must be one there, with the same bits.
static bool is_number_of(uint64_t result, uint64_t expected) {
    uint8_t memory[64] __attribute__((aligned(8))) = {0};
    Heap heap = {.next = memory, .end = memory + sizeof memory, .start = memory, .size = sizeof memory};
    Value number = number_from_double(&heap, f64(expected));
    if (!value_is(number, TYPE_NUMBER)) return result == number;
    return value_is(result, TYPE_NUMBER) && same_f64(double_bits(number_to_double(result)), expected);
}

static bool tag_f64_model(uint64_t a, uint64_t b, uint64_t *r) {
    (void)b;
    *r = a;
    return true;
}

static void test_doubles_become_values(void **state) {
    (void)state;
    uint64_t words[NUM_DOUBLES + NUM_INTS];
    raw_doubles(words);
    for (size_t i = 0; i < NUM_INTS; i++) words[NUM_DOUBLES + i] = double_bits(ints[i]);
    check_unary("v2 <- tag_f64 v0", bench_read_plain, tag_f64_model, is_number_of, words, NUM_DOUBLES + NUM_INTS);
}

static void test_random_doubles_become_values(void **state) {
    (void)state;
    enum { ROUNDS = 20, COUNT = 200 };
    Random random = {4711};
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t words[COUNT];
        for (int k = 0; k < COUNT; k++) words[k] = random_bits(&random);
        check_allocated("v2 <- tag_f64 v0", bench_read_plain, tag_f64_model, is_number_of, words, COUNT, zero, 1);
    }
}

static void test_a_heap_number_that_does_not_fit(void **state) {
    (void)state;
    Bench x;
    bench_open(&x);
    bench_read_plain(&x, "v2 <- tag_f64 v0");
    bench_place(&x, all_places[0]);
    bench_install(&x);
    x.rig.vm->heap.next = x.rig.vm->heap.end;
    const uint64_t args[NUM_ARGS] = {double_bits(1e300), 0, bystander};
    ExitRecord record = exit_rig_call(&x.rig, &x.code, args, NUM_ARGS);
    assert_int_equal(record.exit, NO_EXIT_TAKEN);
    assert_true(record.result == NO_VALUE);
    assert_int_equal(x.rig.vm->error.status, RUN_OUT_OF_MEMORY);
    assert_true(x.rig.vm->error.has_place);
    bench_forget(&x);
    bench_close(&x);
}

// Guards of types.

enum { MAX_VALUES = NUM_DOUBLES + NUM_INTS + 16 };

// Values of every kind. Their heap outlives them.
static size_t many_values(Vm *vm, uint64_t values[MAX_VALUES]) {
    size_t count = 0;
    for (size_t i = 0; i < NUM_INTS; i++) values[count++] = value_from_int(ints[i]);
    for (size_t i = 0; i < NUM_DOUBLES; i++) values[count++] = number_from_double(&vm->heap, doubles[i]);
    values[count++] = VALUE_TRUE;
    values[count++] = VALUE_FALSE;
    values[count++] = VALUE_UNDEFINED;
    values[count++] = VALUE_NULL;
    values[count++] = value_from_pointer(&vm->callables[0]);
    values[count++] = array_new(vm, 0, NULL, 0);
    values[count++] = value_from_pointer(string_new(&vm->heap, 1));
    return count;
}

static bool guard_tag_model(uint64_t a, uint64_t b, uint64_t *r) {
    *r = b;
    return value_is_int(a);
}

static bool guard_number_model(uint64_t a, uint64_t b, uint64_t *r) {
    *r = b;
    return value_is_number(a);
}

static bool number_to_f64_model(uint64_t a, uint64_t b, uint64_t *r) {
    (void)b;
    return value_is_number(a) && double_result(number_to_double(a), r);
}

static void check_values(const char *text, Reader *read, Model *model, Same *same, bool numbers_only) {
    Bench values_of;
    uint64_t values[MAX_VALUES];
    bench_open(&values_of);
    size_t count = many_values(values_of.rig.vm, values);
    if (numbers_only) count = NUM_INTS + NUM_DOUBLES;
    check_unary(text, read, model, same, values, count);
    bench_close(&values_of);
}

// A guard without a result: what it lets through is not changed.
static void read_guard(Bench *x, const char *guard) {
    char text[300];
    snprintf(text, sizeof text, "B0: params v0, v1, v3\n %s -> exit @0 [v3]\n v2 <- add_i32 v1, 0 -> exit @1 [v3]\n"
                                " guard_tag v3 -> exit @2 [v2, v3]\n return v3\n", guard);
    x->lir = lir_from(x->program, text);
}

static void test_guards_of_types(void **state) {
    (void)state;
    check_values("guard_tag v0", read_guard, guard_tag_model, same_bits, false);
    check_values("guard_number v0", read_guard, guard_number_model, same_bits, false);
    check_values("v2 <- guard_number v0", bench_read, number_to_f64_model, same_f64, false);
    check_values("v2 <- number_to_f64 v0", bench_read_plain, number_to_f64_model, same_f64, true);
}

// Objects.

enum { LENGTH = 5 };

// An array of 0, 10, 20, a hole and 40.
static Value some_array(Vm *vm) {
    Value elements[LENGTH];
    for (int i = 0; i < LENGTH; i++) elements[i] = value_from_int(10 * i);
    Value array = array_new(vm, LENGTH, elements, 1);
    value_to_array(array)->elements->values[3] = VALUE_HOLE;
    return array;
}

static bool guard_bounds_model(uint64_t a, uint64_t b, uint64_t *r) {
    *r = b;
    return (uint32_t)a < value_to_array(b)->length;
}

static bool guard_array_model(uint64_t a, uint64_t b, uint64_t *r) {
    *r = b;
    return value_is(a, TYPE_ARRAY);
}

static void test_guards_of_shapes(void **state) {
    (void)state;
    char text[60];
    snprintf(text, sizeof text, "guard_shape v0, %d", SHAPE_ARRAY);
    check_values(text, read_guard, guard_array_model, same_bits, false);
}

// What it lets through has a length.
static void read_bounds(Bench *x, const char *guard) {
    char text[300];
    snprintf(text, sizeof text, "B0: params v0, v1, v3\n %s -> exit @0 [v3]\n v2 <- array_length v1\n"
                                " guard_tag v3 -> exit @1 [v2, v3]\n return v3\n", guard);
    x->lir = lir_from(x->program, text);
}

static bool is_length(uint64_t result, uint64_t array) { return result == value_to_array(array)->length; }

static void test_guards_of_bounds(void **state) {
    (void)state;
    Bench x;
    const uint64_t indices[] = {0, 1, 4, 5, 6, raw(-1), raw(INT32_MIN), raw(INT32_MAX)};
    bench_open(&x);
    const uint64_t arrays[] = {some_array(x.rig.vm), array_new(x.rig.vm, 0, NULL, 0)};
    check_allocated("guard_bounds v0, v1", read_bounds, guard_bounds_model, is_length, indices, 8, arrays, 2);
    bench_close(&x);
}

static bool load_element_model(uint64_t a, uint64_t b, uint64_t *r) {
    *r = value_to_array(a)->elements->values[b];
    return *r != VALUE_HOLE;
}

static void test_elements_are_loaded(void **state) {
    (void)state;
    Bench x;
    const uint64_t indices[] = {0, 1, 2, 3, 4};
    bench_open(&x);
    const uint64_t array[] = {some_array(x.rig.vm)};
    check_places("v2 <- load_element v0, v1", bench_read, load_element_model, same_bits, array, 1, indices, LENGTH);
    check_allocated("v2 <- load_element v0, v1", bench_read, load_element_model, same_bits, array, 1, indices, LENGTH);
    for (size_t i = 0; i < LENGTH; i++) {
        char text[60];
        snprintf(text, sizeof text, "v2 <- load_element v0, %zu", i);
        check_places(text, bench_read, load_element_model, same_bits, array, 1, &indices[i], 1);
    }
    bench_close(&x);
}

// v0[v1] = v4, and back.
static void read_store_element(Bench *x, const char *operation) {
    char text[300];
    snprintf(text, sizeof text, "B0: params v0, v1, v3\n v4 <- const 77\n %s\n v2 <- load_element v0, v1 -> exit @0 [v3]\n"
                                " guard_tag v3 -> exit @1 [v2, v3]\n return v3\n", operation);
    x->lir = lir_from(x->program, text);
}

static bool stored_model(uint64_t a, uint64_t b, uint64_t *r) {
    *r = value_from_int(77);
    value_to_array(a)->elements->values[b] = value_from_int(-1); // for the next one
    return true;
}

static void test_elements_are_stored(void **state) {
    (void)state;
    Bench x;
    const uint64_t indices[] = {0, 1, 2, 3, 4};
    bench_open(&x);
    const uint64_t array[] = {some_array(x.rig.vm)};
    check_allocated("store_element v0, v1, v4", read_store_element, stored_model, same_bits, array, 1, indices, LENGTH);
    check_allocated("store_element v0, v1, 77", read_store_element, stored_model, same_bits, array, 1, indices, LENGTH);
    for (size_t i = 0; i < LENGTH; i++) {
        char text[60];
        snprintf(text, sizeof text, "store_element v0, %zu, v4", i);
        check_allocated(text, read_store_element, stored_model, same_bits, array, 1, &indices[i], 1);
    }
    bench_close(&x);
}

// The second value inside the object, and its shape.
static void read_store_field(Bench *x, const char *operation) {
    char text[300];
    int second = (int)(offsetof(Object, slots) + sizeof(Value));
    snprintf(text, sizeof text, "B0: params v0, v1, v3\n store_field v0 + %d, %s\n store_shape v0, 1234\n"
                                " guard_shape v0, 1234 -> exit @0 [v3]\n v2 <- load_field v0 + %d\n"
                                " guard_tag v3 -> exit @1 [v2, v3]\n return v3\n", second, operation, second);
    x->lir = lir_from(x->program, text);
}

static bool field_model(uint64_t a, uint64_t b, uint64_t *r) {
    (void)a;
    *r = b;
    return true;
}

static void test_fields(void **state) {
    (void)state;
    Object *memory = xcalloc(1, sizeof *memory + 3 * sizeof(Value));
    memory->header = (Header){.shape = 99, .type = TYPE_OBJECT, .nslots = 3};
    const uint64_t object[] = {value_from_pointer(memory)};
    const uint64_t values[] = {value_from_int(5), VALUE_TRUE, flonum_encode(1.5)};
    check_places("v1", read_store_field, field_model, same_bits, object, 1, values, 3);
    check_allocated("v1", read_store_field, field_model, same_bits, object, 1, values, 3);
    check_allocated("5", read_store_field, field_model, same_bits, object, 1, values, 1);
    assert_true(memory->slots[1] == value_from_int(5));
    assert_true(memory->slots[0] == 0 && memory->slots[2] == 0);
    free(memory);
}

// Stress.

static void test_a_guard_is_told_to_fail(void **state) {
    (void)state;
    Bench x;
    bench_open(&x);
    x.rig.vm->deopt->stress = true;
    bench_read(&x, "v2 <- add_i32 v0, v1");
    bench_place(&x, all_places[0]);
    bench_install(&x);
    DeoptExit *exit = &x.code.exits->exits[0];
    exit->countdown = 3;
    for (int i = 1; i <= 5; i++) {
        ExitRecord record = bench_run(&x, raw(20), raw(22));
        assert_int_equal(record.exit, i == 3 ? 0 : 1);
        assert_int_equal(exit->visits, i);
    }
    x.rig.vm->deopt->countdown = 5; // of any guards: two for each call
    for (int i = 1; i <= 4; i++)
        assert_int_equal(bench_run(&x, raw(20), raw(22)).exit, i == 3 ? 0 : 1);
    bench_forget(&x);
    bench_close(&x);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_integer_arithmetic),
    cmocka_unit_test(test_integer_arithmetic_with_itself),
    cmocka_unit_test(test_integer_arithmetic_with_a_constant),
    cmocka_unit_test(test_double_arithmetic),
    cmocka_unit_test(test_comparisons),
    cmocka_unit_test(test_branches),
    cmocka_unit_test(test_conversions_of_integers),
    cmocka_unit_test(test_doubles_become_values),
    cmocka_unit_test(test_random_doubles_become_values),
    cmocka_unit_test(test_a_heap_number_that_does_not_fit),
    cmocka_unit_test(test_guards_of_types),
    cmocka_unit_test(test_guards_of_shapes),
    cmocka_unit_test(test_guards_of_bounds),
    cmocka_unit_test(test_elements_are_loaded),
    cmocka_unit_test(test_elements_are_stored),
    cmocka_unit_test(test_fields),
    cmocka_unit_test(test_a_guard_is_told_to_fail),
};

TEST_MAIN(tests)
