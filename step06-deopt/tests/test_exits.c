// Exits: what the interpreter's frame would hold is where the tables say, under both allocators and with any number of
// registers; the return addresses of calls are where the tables say; and the checker of allocations finds every
// value that is not.
#include <string.h>

#include "bytecode/parse.h"
#include "bytecode/verify.h"
#include "exit_rig.h"
#include "lir_text.h"
#include "object/number.h"
#include "object/operators.h"
#include "random_ssa_lir.h"
#include "testing/crash_guard.h"
#include "testing/test_main.h"

static const RegSet pools[] = {RA_DEFAULT_POOL, RA_STRESS_POOL, 1u << RAX, 0};

enum { NUM_POOLS = sizeof pools / sizeof *pools };

static Program *some_program(void) {
    return program_from("func main params=3\n load_const 0\n return\nend\n"
                        "func f params=1\n load_local 0\n return\nend\n");
}

// Values of every representation, and a call that nothing survives in a register.
static const char *const many_values = "B0: params v0, v1, v2\n"
                                       "    v3 <- untag_i32 v0\n"
                                       "    v4 <- number_to_f64 v1\n"
                                       "    v5 <- add_i32 v3, 1 -> exit @1 [v3:i32, v0, v2]\n"
                                       "    v6 <- mul_f64 v4, 2.5\n"
                                       "    v7 <- const 99\n"
                                       "    v8 <- call f(v2) -> lazy exit @2 [v0, v3:i32, v4:f64, v7]\n"
                                       "    v9 <- const 7:i32\n"
                                       "    v10 <- div_i32 v5, v3 -> exit @3 [v0, v1, v2, v3:i32, v4:f64, v5:i32, v6:f64,"
                                       " v7, v8, 5, v9:i32]\n"
                                       "    v11 <- tag_i32 v10\n"
                                       "    return v11\n";

typedef struct Compiled {
    Lir lir;
    RegisterAllocator ra;
    RigCode code;
} Compiled;

static Compiled compile(Rig *rig, Lir lir, RegSet pool, RaKind kind) {
    Compiled x = {.lir = lir};
    assert_true(ra_allocate(&x.ra, &lir, pool, kind));
    assert_true(ra_check(&x.ra, &lir));
    x.code = rig_install(rig, &lir, &x.ra);
    return x;
}

// All but the LIR.
static void forget(Rig *rig, Compiled *x) {
    rig_forget(rig, &x->code);
    ra_free(&x->ra);
}

static void test_values_of_every_kind(void **state) {
    (void)state;
    Program *program = some_program();
    Rig rig = rig_new(program);
    exit_rig_use(&rig);
    const uint64_t args[] = {value_from_int(6), flonum_encode(1.5), VALUE_TRUE};
    const uint64_t expected[] = {args[0], args[1], args[2], 6, double_bits(1.5), 7, double_bits(3.75), value_from_int(99),
                                 VALUE_TRUE, value_from_int(5), 7};
    Lir lir = lir_from(program, many_values);
    for (size_t i = 0; i < NUM_POOLS * NUM_RA_KINDS; i++) {
        Compiled x = compile(&rig, lir, pools[i / NUM_RA_KINDS], (RaKind)(i % NUM_RA_KINDS));
        ExitRecord record = exit_rig_call(&rig, &x.code, args, 3);
        assert_int_equal(record.exit, 2);
        assert_int_equal(record.num_values, sizeof expected / sizeof *expected);
        for (uint32_t k = 0; k < record.num_values; k++) assert_true(record.values[k] == expected[k]);
        assert_true(record.subject == NO_VALUE); // of a division that is not exact there is nothing to show
        forget(&rig, &x);
    }
    lir_free(&lir);
    rig_free(&rig);
    program_free(program);
}

static void test_what_the_tables_say_of_an_exit(void **state) {
    (void)state;
    Program *program = some_program();
    Rig rig = rig_new(program);
    Lir lir = lir_from(program, many_values);
    lir.exits[0].is_hoisted = true;
    Compiled x = compile(&rig, lir, RA_DEFAULT_POOL, RA_LINEAR_SCAN);
    const DeoptExit *exits = x.code.exits->exits;
    assert_int_equal(x.code.exits->num_exits, 3);
    assert_int_equal(exits[0].reason, DEOPT_OVERFLOW);
    assert_true(exits[0].is_hoisted && !exits[0].is_lazy && !exits[2].is_hoisted);
    assert_int_equal(exits[0].pc, 1);
    assert_int_equal(exits[0].guard_pc, 3);
    assert_int_equal(exits[1].reason, DEOPT_LAZY);
    assert_true(exits[1].is_lazy);
    assert_int_equal(exits[2].num_values, 11);
    assert_int_equal(exits[2].values[3].rep, REP_I32);
    assert_int_equal(exits[2].values[4].rep, REP_F64);
    assert_int_equal(exits[2].values[9].where, DEOPT_CONST);
    for (uint32_t k = 0; k < exits[1].num_values; k++) assert_int_not_equal(exits[1].values[k].where, DEOPT_REG);
    forget(&rig, &x);
    lir_free(&lir);
    rig_free(&rig);
    program_free(program);
}

static void test_exits_are_shown(void **state) {
    (void)state;
    Program *program = some_program();
    Lir lir = lir_from(program, many_values);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    for (uint32_t i = 3; i < 7; i++) {
        lir_print_ins(out, &lir, &lir.ins[i]);
        fputc('\n', out);
    }
    fclose(out);
    assert_string_equal(text, "v5 <- add_i32 v3, 1 -> exit 0 @1 [v3:i32, v0, v2]\n"
                              "v6 <- mul_f64 v4, 2.5\n"
                              "v7 <- const 99\n"
                              "v8 <- call f(v2) -> lazy exit 1 @2 [v0, v3:i32, v4:f64, v7]\n");
    free(text);
    lir_free(&lir);
    program_free(program);
}

static void test_places_of_exits_are_shown(void **state) {
    (void)state;
    Program *program = some_program();
    Lir lir = lir_from(program, "B0: params v0, v1, v2\n"
                                "    v3 <- add_i32 v0, v1 -> exit @4 [v2, 5, v0:i32]\n"
                                "    return v3\n");
    RegisterAllocator ra;
    assert_true(ra_allocate(&ra, &lir, 0, RA_POLETTO));
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    ra_print_locations(out, &ra, &lir);
    fclose(out);
    assert_string_equal(text, "main: 3 spill slots\n"
                              "    v0      [1, 3]  slot 0\n"
                              "    v1      [1, 2]  slot 1\n"
                              "    v2      [1, 3]  slot 2\n"
                              "    v3      [3, 4]  slot 1\n"
                              "    exit 0 of 1 @4: v2 slot 2, constant, v0 slot 0\n");
    free(text);
    ra_free(&ra);
    lir_free(&lir);
    program_free(program);
}

// The rules of LIR.

static void assert_rejected(Lir *lir, const char *message) {
    char fault[200] = "";
    assert_false(lir_verify(lir, fault, sizeof fault));
    if (!strstr(fault, message)) fail_msg("'%s' does not say '%s'", fault, message);
}

static void test_who_has_an_exit(void **state) {
    (void)state;
    Program *program = some_program();
    Lir lir = lir_from(program, many_values);
    lir.ins[3].exit = NO_EXIT;
    assert_rejected(&lir, "a guard has no exit");
    lir.ins[3].exit = 17;
    assert_rejected(&lir, "exit 17 is out of range");
    lir.ins[3].exit = 0;
    lir.ins[4].exit = 0;
    assert_rejected(&lir, "exit 0 belongs to no guard or call");
    lir.ins[4].exit = NO_EXIT;
    lir.values[lir.exits[0].first_value].vreg = 8;
    assert_rejected(&lir, "v8 is read before it is written");
    lir.values[lir.exits[0].first_value].vreg = 3;
    lir.exits[2].num_values++;
    assert_rejected(&lir, "exit 2: values out of range");
    lir_free(&lir);
    program_free(program);
}

// Return addresses.

static const DeoptCode *seen_code; // of the frame that waits for a call
static const uint8_t *seen_return; // where it is to return to

static Value look_at_return(Vm *vm) {
    Frame *frame = frame_newest(vm);
    while (frame && frame_info(frame)->kind != FRAME_OPT) frame = frame_caller(frame);
    assert_non_null(frame);
    seen_code = vm->deopt->codes[frame_info(frame)->pc];
    seen_return = *(const uint8_t **)((char *)frame - seen_code->frame_size - sizeof(void *));
    return VALUE_TRUE;
}

static void test_return_addresses_of_calls(void **state) {
    (void)state;
    Program *program = program_new("test.bca");
    program_add_native(program, "look", 0, (NativeCode *)(uintptr_t)look_at_return);
    Diagnostic diagnostic;
    const char *text = "func main params=3\n load_const 0\n return\nend\nfunc f params=1\n call_native look\n return\nend\n";
    assert_true(program_parse(program, text, strlen(text), &diagnostic) && program_verify(program, &diagnostic));
    Rig rig = rig_new(program);
    exit_rig_use(&rig);
    const uint64_t args[] = {value_from_int(6), flonum_encode(1.5), value_from_int(7)};
    for (size_t i = 0; i < NUM_POOLS; i++) {
        Lir lir = lir_from(program, many_values);
        for (int native = 0; native < 2; native++) {
            if (native) {
                lir.ins[6].op = LIR_CALL_NATIVE;
                lir.ins[6].target = lir.ins[6].num_moves = 0;
            }
            Compiled x = compile(&rig, lir, pools[i], RA_LINEAR_SCAN);
            exit_rig_call(&rig, &x.code, args, 3);
            assert_ptr_equal(seen_code, x.code.exits);
            assert_ptr_equal(seen_return, seen_code->start + seen_code->exits[1].return_offset);
            forget(&rig, &x);
        }
        lir_free(&lir);
    }
    rig_free(&rig);
    program_free(program);
}

// Those that have a fast path call only behind it.
static void test_return_addresses_of_slow_paths(void **state) {
    (void)state;
    Program *program = some_program();
    Rig rig = rig_new(program);
    Lir lir = lir_from(program, many_values);
    lir.ins[6].op = LIR_SET_INDEX;
    lir.ins[6].first_move = (uint32_t)lir.num_moves;
    for (int k = 0; k < 3; k++) {
        GROW(lir.moves, lir.num_moves, lir.cap_moves);
        lir.moves[lir.num_moves++] = (LirMove){.d = NO_VREG, .s = (VReg)k};
    }
    lir.ins[6].num_moves = 3;
    Compiled x = compile(&rig, lir, RA_DEFAULT_POOL, RA_LINEAR_SCAN);
    const DeoptCode *code = x.code.exits;
    uint32_t offset = code->exits[1].return_offset;
    assert_in_range(offset, 5, code->size);
    assert_int_equal(code->start[offset - 5], 0xE8); // a call
    int32_t distance;
    memcpy(&distance, code->start + offset - 4, sizeof distance);
    assert_ptr_equal(code->start + offset + distance, rig.stubs.set_index);
    forget(&rig, &x);
    lir_free(&lir);
    rig_free(&rig);
    program_free(program);
}

// Faults.

typedef struct Faulty {
    Program *program;
    Lir lir;
    RegisterAllocator ra;
} Faulty;

static Faulty allocate(const char *text, RegSet pool, RaKind kind) {
    Faulty x = {.program = some_program()};
    x.lir = lir_from(x.program, text);
    assert_true(ra_allocate(&x.ra, &x.lir, pool, kind));
    assert_true(ra_check(&x.ra, &x.lir));
    return x;
}

static void check(void *argument) {
    const Faulty *x = argument;
    ra_check(&x->ra, &x->lir);
}

static void assert_caught(Faulty *x, const char *message) {
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

static const char *const sum = "B0: params v0, v1, v2\n"
                               "    v3 <- add_i32 v0, v1 -> exit @0 [5, v2]\n"
                               "    return v3\n";

static void test_a_value_in_the_result_s_place(void **state) {
    (void)state;
    Faulty x = allocate(sum, RA_DEFAULT_POOL, RA_POLETTO);
    x.ra.locations[3] = x.ra.locations[2];
    assert_caught(&x, "-> exit 0 @0 [5, v2]: exit 0, slot 1: v2 should be in");
}

static void test_a_value_in_the_wrong_slot(void **state) {
    (void)state;
    Faulty x = allocate("B0: params v0, v1, v2\n"
                        "    v3 <- add_i32 v0, v1 -> exit @0 [v2]\n"
                        "    v4 <- add_i32 v3, v1 -> exit @1 [v1, v2]\n"
                        "    return v4\n",
                        0, RA_LINEAR_SCAN);
    LivePiece *piece = &x.ra.pieces[x.ra.first_piece[2]];
    piece->location = in_slot(x.ra.locations[0].index); // as if params and exits disagreed
    assert_caught(&x, "in slot");
}

// As if its life had ended with the last instruction that reads it otherwise.
static void test_a_value_that_is_missing(void **state) {
    (void)state;
    Faulty x = allocate(sum, RA_DEFAULT_POOL, RA_LINEAR_SCAN);
    x.ra.pieces[x.ra.first_piece[2]].end = write_position(1);
    assert_caught(&x, "vreg 2 has no location");
}

static void test_a_value_in_a_register_that_a_division_destroys(void **state) {
    (void)state;
    Faulty x = allocate("B0: params v0, v1, v2\n"
                        "    v3 <- div_i32 v0, v1 -> exit @0 [v2]\n"
                        "    return v3\n",
                        RA_DEFAULT_POOL, RA_POLETTO);
    x.ra.locations[2] = in_reg(RDX);
    if (x.ra.locations[0].index == RDX) x.ra.locations[0] = in_reg(RBX);
    if (x.ra.locations[1].index == RDX) x.ra.locations[1] = in_reg(RBX);
    assert_caught(&x, "exit 0, slot 0: v2 should be in rdx, which holds");
}

static void test_a_value_in_a_register_across_a_call(void **state) {
    (void)state;
    Faulty x = allocate("B0: params v0, v1, v2\n"
                        "    v3 <- call f(v0) -> lazy exit @0 [v1, v2]\n"
                        "    return v3\n",
                        RA_DEFAULT_POOL, RA_POLETTO);
    x.ra.locations[2] = in_reg(R15);
    assert_caught(&x, "-> lazy exit 0 @0 [v1, v2]: exit 0, slot 1: v2 should be in r15, which holds no known value");
}

static void test_a_subject_in_the_result_s_place(void **state) {
    (void)state;
    Faulty x = allocate("B0: params v0, v1, v2\n"
                        "    v3 <- guard_number v0 -> exit @0 [v2]\n"
                        "    v4 <- tag_f64 v3\n"
                        "    return v4\n",
                        RA_DEFAULT_POOL, RA_POLETTO);
    x.ra.locations[3] = x.ra.locations[0];
    assert_caught(&x, "exit 0, subject: v0 should be in");
}

// Random code.

typedef struct Planter {
    Random *random;
    const Lir *old;
    Lir *lir;
    bool *available; // [block * num_vregs + vreg]: written on every path to the block's end
    bool *now;       // indexed by vreg: at the place at hand
} Planter;

static void mark(void *context, VReg vreg) { ((bool *)context)[vreg] = true; }

// Is it written on all ways to the block's beginning?
static bool is_available_at_start(const Planter *p, uint32_t block, VReg vreg) {
    for (uint32_t k = 0; k < p->old->blocks[block].num_preds; k++)
        if (!p->available[lir_preds(p->old, block)[k] * p->old->num_vregs + vreg]) return false;
    return p->old->blocks[block].num_preds > 0;
}

static void enter_block(Planter *p, uint32_t block) {
    const LirBlock *b = &p->old->blocks[block];
    for (VReg v = 0; v < p->old->num_vregs; v++) p->now[v] = is_available_at_start(p, block, v);
    for (uint32_t k = 0; k < b->num_phis; k++) p->now[p->old->phis[b->first_phi + k].d] = true;
}

static void find_available(Planter *p) {
    uint32_t n = p->old->num_vregs;
    memset(p->available, true, p->old->num_blocks * n);
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t b = 0; b < p->old->num_blocks; b++) {
            enter_block(p, b);
            for (uint32_t i = p->old->blocks[b].start; i < p->old->blocks[b].end; i++)
                lir_visit_writes(p->old, &p->old->ins[i], mark, p->now);
            changed |= memcmp(p->available + b * n, p->now, n) != 0;
            memcpy(p->available + b * n, p->now, n);
        }
    }
}

static VReg pick(const Planter *p) {
    uint32_t start = random_below(p->random, p->old->num_vregs);
    for (uint32_t k = 0; k < p->old->num_vregs; k++) {
        VReg v = (start + k) % p->old->num_vregs;
        if (p->now[v]) return v;
    }
    return NO_VREG;
}

static void plant_exit(Planter *p, LirIns *ins) {
    Lir *lir = p->lir;
    LirExit exit = {.first_value = (uint32_t)lir->num_values, .num_values = random_below(p->random, MAX_EXIT_VALUES)};
    for (uint32_t k = 0; k < exit.num_values; k++) {
        GROW(lir->values, lir->num_values, lir->cap_values);
        lir->values[lir->num_values++] = (LirValue){pick(p), int_imm((int32_t)k), REP_TAGGED};
    }
    GROW(lir->exits, lir->num_exits, lir->cap_exits);
    ins->exit = (uint32_t)lir->num_exits;
    lir->exits[lir->num_exits++] = exit;
}

// One of three instructions gets a guard before it.
static void plant_guard(Planter *p) {
    VReg a = pick(p);
    if (a == NO_VREG || random_below(p->random, 3)) return;
    LirIns *ins = lir_append(p->lir, LIR_GUARD_TAG);
    ins->a = a;
    plant_exit(p, ins);
}

static void plant_block(Planter *p, uint32_t block) {
    LirBlock *to = &p->lir->blocks[block];
    uint32_t start = to->start, end = to->end;
    to->start = (uint32_t)p->lir->num_ins;
    enter_block(p, block);
    for (uint32_t i = start; i < end; i++) {
        if (p->old->ins[i].op != LIR_PARAMS) plant_guard(p);
        LirIns *ins = lir_append(p->lir, LIR_JUMP);
        *ins = p->old->ins[i];
        if (is_call(ins)) plant_exit(p, ins);
        lir_visit_writes(p->old, &p->old->ins[i], mark, p->now);
    }
    p->lir->blocks[block].end = (uint32_t)p->lir->num_ins;
}

// Give the LIR exits, with values that may be far from their last use.
static void plant_exits(Random *random, Lir *lir) {
    Lir old = *lir;
    Planter p = {.random = random, .old = &old, .lir = lir};
    p.available = xmalloc(old.num_blocks * old.num_vregs);
    p.now = xcalloc(old.num_vregs, sizeof *p.now);
    find_available(&p);
    LirBlock *old_blocks = xmalloc(old.num_blocks * sizeof *old_blocks);
    memcpy(old_blocks, old.blocks, old.num_blocks * sizeof *old_blocks);
    old.blocks = old_blocks;
    lir->ins = NULL;
    lir->num_ins = lir->cap_ins = 0;
    for (uint32_t b = 0; b < old.num_blocks; b++) plant_block(&p, b);
    for (uint32_t i = 0; i < lir->num_ins; i++) lir->ins[i].pc = i;
    lir_link_blocks(lir);
    free(old.ins);
    free(old_blocks);
    free(p.available);
    free(p.now);
    char fault[200];
    if (!lir_verify(lir, fault, sizeof fault)) fail_msg("%s", fault);
}

// Numbers that need memory are not at the same address in each run.
static bool same_value(uint64_t a, uint64_t b) {
    if (a == b || !a || !b) return a == b;
    if (value_is(a, TYPE_NUMBER) && value_is(b, TYPE_NUMBER))
        return memcmp(&((HeapNumber *)value_to_pointer(a))->value, &((HeapNumber *)value_to_pointer(b))->value, 8) == 0;
    return value_is(a, TYPE_STRING) && value_is(b, TYPE_STRING);
}

static void assert_same_record(const ExitRecord *a, const ExitRecord *b, uint64_t seed) {
    if (a->exit != b->exit) fail_msg("seed %lu: exit %d instead of %d", seed, b->exit, a->exit);
    if (!same_value(a->result, b->result)) fail_msg("seed %lu: another result", seed);
    if (!same_value(a->subject, b->subject)) fail_msg("seed %lu: another subject at exit %d", seed, a->exit);
    for (uint32_t k = 0; k < a->num_values; k++)
        if (!same_value(a->values[k], b->values[k])) fail_msg("seed %lu: another value %u at exit %d", seed, k, a->exit);
}

// The k-th guard that is reached fails, or an earlier one that looks at no integer.
static const uint32_t countdowns[] = {1, 2, 3, 5, 9, 20, 60};

enum { NUM_COUNTDOWNS = sizeof countdowns / sizeof *countdowns };

static void run_all(Rig *rig, Lir lir, RegSet pool, RaKind kind, ExitRecord records[NUM_COUNTDOWNS]) {
    const uint64_t args[] = {value_from_int(3), value_from_int(-4), value_from_int(50), value_from_int(7)};
    Compiled x = compile(rig, lir, pool, kind);
    for (size_t k = 0; k < NUM_COUNTDOWNS; k++) {
        rig->vm->error = (RunError){0};
        rig->vm->deopt->countdown = countdowns[k];
        records[k] = exit_rig_call(rig, &x.code, args, 4);
    }
    forget(rig, &x);
}

static int check_random(uint64_t seed) {
    Random random = {seed};
    Program *program = random_lir_program();
    Rig rig = rig_new(program);
    exit_rig_use(&rig);
    rig.vm->deopt->stress = true;
    Lir lir = random_ssa_nest(&random, program);
    plant_exits(&random, &lir);
    ExitRecord expected[NUM_COUNTDOWNS], records[NUM_COUNTDOWNS];
    run_all(&rig, lir, 0, RA_POLETTO, expected); // everything has a slot of its own
    for (size_t i = 0; i < NUM_POOLS * NUM_RA_KINDS; i++) {
        run_all(&rig, lir, pools[i / NUM_RA_KINDS], (RaKind)(i % NUM_RA_KINDS), records);
        for (size_t k = 0; k < NUM_COUNTDOWNS; k++) assert_same_record(&expected[k], &records[k], seed);
    }
    int taken = 0;
    for (size_t k = 0; k < NUM_COUNTDOWNS; k++) taken += expected[k].exit != NO_EXIT_TAKEN;
    lir_free(&lir);
    rig_free(&rig);
    program_free(program);
    return taken;
}

static void test_random_code(void **state) {
    (void)state;
    enum { COUNT = 100 };
    int taken = 0;
    for (uint64_t seed = 1; seed <= COUNT; seed++) taken += check_random(seed);
    assert_true(taken > 2 * COUNT); // or else the test is none
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_values_of_every_kind),
    cmocka_unit_test(test_what_the_tables_say_of_an_exit),
    cmocka_unit_test(test_exits_are_shown),
    cmocka_unit_test(test_places_of_exits_are_shown),
    cmocka_unit_test(test_who_has_an_exit),
    cmocka_unit_test(test_return_addresses_of_calls),
    cmocka_unit_test(test_return_addresses_of_slow_paths),
    cmocka_unit_test(test_a_value_in_the_result_s_place),
    cmocka_unit_test(test_a_value_in_the_wrong_slot),
    cmocka_unit_test(test_a_value_that_is_missing),
    cmocka_unit_test(test_a_value_in_a_register_that_a_division_destroys),
    cmocka_unit_test(test_a_value_in_a_register_across_a_call),
    cmocka_unit_test(test_a_subject_in_the_result_s_place),
    cmocka_unit_test(test_random_code),
};

TEST_MAIN(tests)
