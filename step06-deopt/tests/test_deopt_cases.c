// The ways in which a bet is lost, one by one; and what the engine makes of it: where the program goes on, what is
// compiled next, and when no more is bet.
#include "deopt/deopt.h"

#include <inttypes.h>

#include "native_programs.h"
#include "testing/test_main.h"

enum { MAX_EVENTS = 1000 };

// What Deopt.observe has told.
typedef struct Seen {
    const DeoptExit *exit;
    uint32_t function;
    Opcode guarded; // the instruction that the guard was made for
    bool is_forced;
    uint32_t deopts; // of the function, before this one counts
} Seen;

static struct {
    Seen events[MAX_EVENTS];
    size_t count;
    JitCompiler *jit;
} seen;

static void note_event(void *context, Vm *vm, const DeoptEvent *event) {
    (void)context;
    uint32_t function = event->exit->code->function;
    assert_true(seen.count < MAX_EVENTS);
    seen.events[seen.count++] = (Seen){
        .exit = event->exit,
        .function = function,
        .guarded = vm->program->functions[function].bytecode[event->exit->guard_pc].opcode,
        .is_forced = event->is_forced,
        .deopts = jit_num_deopts(seen.jit, &vm->program->functions[function]),
    };
}

// Everything is optimised at once.
static JitOptions at_once(void) {
    return (JitOptions){.tier = TIER_OPT, .code_size = 1 << 20, .heap_size = 1 << 24, .pool = RA_DEFAULT_POOL, .check = true,
                        .deopt_to = TIER_BASELINE};
}

// Everything is optimised when it is called for the third time.
static JitOptions after_two(void) {
    JitOptions options = at_once();
    options.opt_after = options.opt_loops_after = 2;
    return options;
}

static JitCompiler *start_jit(const Program *program, JitOptions options) {
    JitCompiler *jit = start(program, &(Mode){"", options, UINT64_MAX});
    seen.count = 0;
    seen.jit = jit;
    jit_vm(jit)->deopt->observe = note_event;
    return jit;
}

static const Function *function_of(const JitCompiler *jit, const char *name) {
    return program_find(jit_vm((JitCompiler *)(uintptr_t)jit)->program, name);
}

// The ways to compile and to go on that every case is run in.
typedef struct Variant {
    RegSet pool;
    RaKind allocator;
    Tier deopt_to;
} Variant;

static const Variant variants[] = {
    {RA_DEFAULT_POOL, RA_LINEAR_SCAN, TIER_BASELINE}, {RA_DEFAULT_POOL, RA_LINEAR_SCAN, TIER_INTERP},
    {RA_STRESS_POOL, RA_LINEAR_SCAN, TIER_BASELINE},  {0, RA_LINEAR_SCAN, TIER_INTERP},
    {RA_DEFAULT_POOL, RA_POLETTO, TIER_INTERP},       {RA_STRESS_POOL, RA_POLETTO, TIER_BASELINE},
};
enum { NUM_VARIANTS = sizeof variants / sizeof *variants };

static JitOptions vary(JitOptions options, int variant) {
    options.pool = variants[variant].pool;
    options.allocator = variants[variant].allocator;
    options.deopt_to = variants[variant].deopt_to;
    return options;
}

// Run main with each of the arguments, one run after the other; the interpreter does the same.
static void check_runs(const Program *program, JitOptions options, const int64_t *args, size_t num_runs) {
    JitCompiler *oracle = mode_start(program, &modes[0]), *jit = start_jit(program, options);
    uint32_t num_params = program_find(program, "main")->num_params;
    for (size_t i = 0; i < num_runs; i++) {
        Outcome expected = call(oracle, "main", args + i * num_params), outcome = call(jit, "main", args + i * num_params);
        if (!outcomes_agree(outcome, expected)) {
            outcome_print(stderr, outcome);
            fputs("\nexpected: ", stderr);
            outcome_print(stderr, expected);
            fail_msg("run %zu", i);
        }
    }
    assert_int_equal(jit_vm(jit)->deopt->num_lazy, 0);
    jit_free(oracle);
    jit_free(jit);
}

// Each way to lose a bet. main has one parameter; the bet is lost in the last run.

typedef struct Case {
    const char *name, *text;
    bool is_warm; // two runs before, and then some more; otherwise the only run is optimised, with blind bets
    int64_t first, last; // arguments
    DeoptReason reason;  // of the first deopt
    Opcode guarded;
} Case;

#define POINTS "class A fields=2\nend\nclass B fields=2\nend\n"
#define MAKE_A " new_object A\n store_local 1\n load_local 1\n load_const 5\n set_property x\n"

static const Case cases[] = {
    {"integers become doubles in mid-loop",
     "func main params=1 locals=4\n load_const 1\n load_const 2\n load_const 0.5\n load_const 4\n new_array 4\n store_local 1\n"
     " load_const 0\n store_local 2\n load_const 0\n store_local 3\n"
     "next: load_local 2\n load_const 4\n less_than\n jump_if_false out\n load_local 3\n load_local 1\n load_local 2\n get_index\n add\n"
     " store_local 3\n load_local 2\n load_const 1\n add\n store_local 2\n jump next\nout: load_local 3\n return\nend\n",
     false, 0, 0, DEOPT_INT, OP_ADD},
    {"add overflows", "func main params=1\n load_const 1\n load_local 0\n load_const 2147483600\n add\n add\n return\nend\n", false, 0, 48, DEOPT_OVERFLOW, OP_ADD},
    {"sub overflows", "func main params=1\n load_const 1\n load_local 0\n load_const -2147483600\n add\n load_const 100\n sub\n add\n return\nend\n",
     false, 0, 7, DEOPT_OVERFLOW, OP_SUB},
    {"mul overflows", "func main params=1\n load_const 1\n load_local 0\n load_local 0\n mul\n add\n return\nend\n", false, 0, 65536, DEOPT_OVERFLOW, OP_MUL},
    {"mul is -0", "func main params=1\n load_const 1\n load_local 0\n load_const 0\n mul\n div\n return\nend\n", false, 0, -3, DEOPT_OVERFLOW, OP_MUL},
    {"mul of two parameters is -0", "func main params=1\n load_const 1\n load_local 0\n load_local 0\n load_const 7\n add\n mul\n div\n return\nend\n",
     false, 0, -7, DEOPT_OVERFLOW, OP_MUL},
    {"mod is -0", "func main params=1\n load_const 1\n load_local 0\n load_const 4\n mod\n div\n return\nend\n", false, 0, -8, DEOPT_OVERFLOW, OP_MOD},
    {"mod by zero", "func main params=1\n load_const 1\n load_const 9\n load_local 0\n mod\n add\n return\nend\n", false, 0, 0, DEOPT_OVERFLOW, OP_MOD},
    {"div is not exact", "func main params=1\n load_const 1\n load_local 0\n load_const 2\n div\n add\n return\nend\n", false, 0, 7, DEOPT_OVERFLOW, OP_DIV},
    {"div by zero", "func main params=1\n load_const 1\n load_const 9\n load_local 0\n div\n add\n return\nend\n", false, 0, 0, DEOPT_OVERFLOW, OP_DIV},
    {"div is -0", "func main params=1\n load_const 1\n load_const 0\n load_local 0\n div\n div\n return\nend\n", false, 0, -5, DEOPT_OVERFLOW, OP_DIV},
    {"div overflows", "func main params=1\n load_const 1\n load_const -2147483648\n load_local 0\n div\n add\n return\nend\n", false, 0, -1, DEOPT_OVERFLOW, OP_DIV},
    {"an operand is no number: a TypeError behind the exit", "func main params=1\n load_const 1\n load_local 0\n load_const 2\n mul\n add\n return\nend\n",
     false, 0, A_FUNCTION, DEOPT_INT, OP_MUL},
    {"numbers become something else", "func main params=1\n load_const 1\n load_local 0\n load_const 0.5\n mul\n add\n return\nend\n",
     true, 3, A_FUNCTION, DEOPT_NUMBER, OP_MUL},
    {"a comparison of something else", "func main params=1\n load_const 1\n load_local 0\n less_than\n return\nend\n", true, 3, A_FUNCTION, DEOPT_INT, OP_LESS_THAN},
    {"another shape is read",
     POINTS "func main params=1 locals=2\n" MAKE_A " load_local 0\n jump_if_false same\n load_local 1\n load_const 7\n set_property y\n"
     "same: load_const 1\n load_local 1\n call get\n add\n return\nend\nfunc get params=1\n load_const 2\n load_local 0\n get_property x\n mul\n return\nend\n",
     true, 0, 1, DEOPT_SHAPE, OP_GET_PROPERTY},
    {"another shape is written",
     POINTS "func main params=1 locals=2\n" MAKE_A " load_local 0\n jump_if_false same\n load_local 1\n load_const 7\n set_property y\n"
     "same: load_local 1\n load_const 9\n call set\n pop\n load_local 1\n get_property x\n return\nend\n"
     "func set params=2\n load_local 0\n load_local 1\n set_property x\n load_const 0\n return\nend\n",
     true, 0, 1, DEOPT_SHAPE, OP_SET_PROPERTY},
    {"a property is added, to an object that has another one",
     POINTS "func main params=1 locals=2\n new_object A\n store_local 1\n load_local 0\n jump_if_false none\n load_local 1\n load_const 7\n set_property y\n"
     "none: load_local 1\n load_const 9\n call set\n load_local 1\n get_property x\n add\n return\nend\n"
     "func set params=2\n load_local 0\n load_local 1\n set_property x\n load_local 0\n get_property x\n return\nend\n",
     true, 0, 1, DEOPT_SHAPE, OP_SET_PROPERTY},
    {"no object at all",
     POINTS "func main params=1 locals=2\n" MAKE_A " load_local 0\n jump_if_false same\n load_const 3\n store_local 1\n"
     "same: load_local 1\n call get\n return\nend\nfunc get params=1\n load_local 0\n get_property x\n return\nend\n",
     true, 0, 1, DEOPT_SHAPE, OP_GET_PROPERTY},
    {"undefined, which has no properties: a TypeError behind the exit",
     POINTS "func main params=1 locals=2\n" MAKE_A " load_local 0\n jump_if_false same\n load_const undefined\n store_local 1\n"
     "same: load_const 1\n load_local 1\n call get\n add\n return\nend\nfunc get params=1\n load_const 2\n load_local 0\n get_property x\n add\n return\nend\n",
     true, 0, 1, DEOPT_SHAPE, OP_GET_PROPERTY},
    {"a method of another class",
     "class A\n method m params=1\n load_const 1\n return\n end\nend\nclass B\n method m params=1\n load_const 2\n return\n end\nend\n"
     "func main params=1 locals=2\n new_object A\n store_local 1\n load_local 0\n jump_if_false same\n new_object B\n store_local 1\n"
     "same: load_local 1\n call ask\n return\nend\nfunc ask params=1\n load_const 10\n load_local 0\n call_method m 0\n add\n return\nend\n",
     true, 0, 1, DEOPT_SHAPE, OP_CALL_METHOD},
    {"an index out of bounds", "func main params=1 locals=2\n load_const 5\n load_const 6\n new_array 2\n store_local 1\n load_const 4\n load_local 1\n load_local 0\n get_index\n"
     " call kind\n add\n return\nend\nfunc kind params=1\n load_local 0\n load_const undefined\n equal\n return\nend\n", false, 0, 2, DEOPT_BOUNDS, OP_GET_INDEX},
    {"an index below the bounds", "func main params=1 locals=2\n load_const 5\n new_array 1\n store_local 1\n load_local 1\n load_local 0\n get_index\n return\nend\n",
     false, 0, -1, DEOPT_BOUNDS, OP_GET_INDEX},
    {"an array grows", "func main params=1 locals=2\n load_const 5\n new_array 1\n store_local 1\n load_local 1\n load_local 0\n load_const 8\n set_index\n"
     " load_local 1\n length\n return\nend\n", false, 0, 3, DEOPT_BOUNDS, OP_SET_INDEX},
    {"an element that was never written", "func main params=1 locals=2\n new_array 0\n store_local 1\n load_local 1\n load_const 3\n load_const 8\n call set\n pop\n"
     " load_local 1\n load_local 0\n call get\n return\nend\nfunc set params=3\n load_local 0\n load_local 1\n load_local 2\n set_index\n load_const 0\n return\nend\n"
     "func get params=2\n load_const 1\n load_local 0\n load_local 1\n get_index\n call kind\n add\n return\nend\n"
     "func kind params=1\n load_local 0\n load_const undefined\n equal\n return\nend\n",
     true, 3, 1, DEOPT_HOLE, OP_GET_INDEX},
    {"the length of a string", "func main params=1 locals=2\n load_const 5\n new_array 1\n store_local 1\n load_local 0\n jump_if_false same\n load_const \"abc\"\n store_local 1\n"
     "same: load_const 1\n load_local 1\n length\n add\n return\nend\n", false, 0, 1, DEOPT_SHAPE, OP_LENGTH},
    {"an index that is no integer", "func main params=1 locals=2\n load_const 5\n new_array 1\n store_local 1\n load_local 1\n load_local 0\n load_const 2\n div\n get_index\n return\nend\n",
     true, 0, 1, DEOPT_OVERFLOW, OP_DIV},
};

static void check_case(const Case *c, const Program *program, int variant) {
    int64_t args[12];
    size_t runs = 0;
    while (c->is_warm && runs < 10) args[runs++] = c->first;
    args[runs++] = c->last;
    check_runs(program, vary(c->is_warm ? after_two() : at_once(), variant), args, runs);
}

// The events are looked at before the JIT, which owns the exits, is freed.
static void check_first_event(const Case *c, const Program *program) {
    JitCompiler *jit = start_jit(program, c->is_warm ? after_two() : at_once());
    for (int i = 0; c->is_warm && i < 10; i++) call(jit, "main", &c->first);
    if (seen.count != 0) fail_msg("%s: lost too early", c->name);
    call(jit, "main", &c->last);
    if (seen.count == 0) fail_msg("%s: no bet was lost", c->name);
    if (seen.events[0].exit->reason != c->reason || seen.events[0].guarded != c->guarded)
        fail_msg("%s: lost at %s, expected %s", c->name, opcode_info[seen.events[0].guarded].mnemonic,
                 deopt_reason_texts[seen.events[0].exit->reason]);
    const Function *function = &program->functions[seen.events[0].function];
    assert_int_equal(jit_num_deopts(jit, function), 1);
    jit_free(jit);
}

static void test_each_way_to_lose_a_bet(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Program *program = native_program_from(cases[i].text);
        check_first_event(&cases[i], program);
        for (int v = 0; v < NUM_VARIANTS; v++) check_case(&cases[i], program, v);
        program_free(program);
    }
}

// A bet is lost in the innermost of nested calls, in the middle of expressions.
static void test_operands_of_the_callers_survive(void **state) {
    (void)state;
    static const char text[] =
        "func main params=1\n load_const 1000000\n load_local 0\n load_const 3\n load_local 0\n call f\n mul\n sub\n add\n return\nend\n"
        "func f params=1\n load_const 1000\n load_const 7\n load_local 0\n load_const 1\n call g\n sub\n mul\n load_local 0\n add\n return\nend\n"
        "func g params=2 locals=3\n load_local 0\n load_const 3\n mul\n store_local 2\n load_const 10\n load_local 2\n load_local 0\n load_local 1\n"
        " load_const 2147483647\n add\n sub\n add\n mul\n load_local 2\n add\n return\nend\n";
    Program *program = native_program_from(text);
    for (int v = 0; v < NUM_VARIANTS; v++) {
        check_runs(program, vary(at_once(), v), ARGS(5, -5, 0, 1000, 5), 5);
        assert_true(seen.count > 0);
    }
    program_free(program);
}

// Exits that need values of each representation, from every register, and from slots.

enum { EACH = 8 }; // values of each representation

// Integers a + i, doubles a * 0.5 + i, and tagged values: what f(a) returns, an array. Then b + c, the bet; then
// all of them in a checksum.
static char *many_values(void) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    fprintf(out, "func main params=3 locals=%d\n", 3 + 3 * EACH + 1);
    for (int i = 0; i < EACH; i++) fprintf(out, " load_local 0\n load_const %d\n add\n new_array 1\n store_local %d\n", 100 * i, 3 + 2 * EACH + i);
    for (int i = 0; i < EACH; i++) {
        fprintf(out, " load_local 0\n load_const %d\n add\n store_local %d\n", i + 1, 3 + i);
        fprintf(out, " load_local 0\n load_const 0.25\n mul\n load_const %d.5\n add\n store_local %d\n", i, 3 + EACH + i);
    }
    fputs(" load_const 77\n load_local 1\n load_local 2\n add\n add\n store_local 27\n", out);
    for (int i = 0; i < 3 * EACH; i++) { // each kind in turn
        int kind = i % 3;
        fprintf(out, " load_local 27\n load_const 3\n mul\n load_local %d\n", 3 + kind * EACH + i / 3);
        fputs(kind == 2 ? " load_const 0\n get_index\n" : "", out);
        fputs(" add\n store_local 27\n", out);
    }
    fputs(" load_local 27\n return\nend\n", out);
    fclose(out);
    return text;
}

typedef struct Places {
    RegSet regs[NUM_REPS];
    int slots[NUM_REPS], constants;
} Places;

static void note_places(Places *places, const DeoptExit *exit) {
    for (uint32_t i = 0; i < exit->num_values; i++) {
        const DeoptValue *value = &exit->values[i];
        if (value->where == DEOPT_REG) places->regs[value->rep] |= reg_bit((Reg)value->index);
        else if (value->where == DEOPT_SLOT) places->slots[value->rep]++;
        else places->constants++;
    }
}

// Each guard of main fails, one after the other; the result stays the same.
static void check_each_exit(const Program *program, JitOptions options, Places *places) {
    options.stress = true;
    JitCompiler *jit = start_jit(program, options);
    jit_vm(jit)->deopt->is_armed = false; // no guard but those that are told to
    jit_vm(jit)->deopt->countdown = 0;
    Outcome expected = {0};
    for (int i = 0; i < 6; i++) expected = call(jit, "main", ARGS(8, 2, 3));
    assert_int_equal(seen.count, 0);
    const Deopt *deopt = jit_vm(jit)->deopt;
    DeoptCode *code = deopt->codes[deopt->num_codes - 1];
    for (uint32_t e = 0; e < code->num_exits; e++) {
        note_places(places, &code->exits[e]);
        code->exits[e].countdown = 1;
        assert_true(outcomes_agree(call(jit, "main", ARGS(8, 2, 3)), expected));
        code->exits[e].countdown = 0;
    }
    assert_int_equal(seen.count, code->num_exits);
    jit_free(jit);
}

static void test_values_in_all_places(void **state) {
    (void)state;
    char *text = many_values();
    Program *program = native_program_from(text);
    Places places = {0};
    for (int v = 0; v < NUM_VARIANTS; v++) {
        check_runs(program, vary(after_two(), v), ARGS(1, 2, 3, 8, 2, 3, 8, 2, 3, 8, 2, 3, 8, 2, 2147483647, 12, 1, A_FUNCTION, 1, 2, 3), 7);
        check_runs(program, vary(at_once(), v), ARGS(8, 2147483647, 9, 8, 3, 9), 2);
        check_each_exit(program, vary(after_two(), v), &places);
    }
    for (int rep = 0; rep < NUM_REPS; rep++) {
        if (!places.regs[rep]) fail_msg("no value of representation %d in a register", rep);
        if (!places.slots[rep]) fail_msg("no value of representation %d in a slot", rep);
    }
    RegSet all = places.regs[REP_TAGGED] | places.regs[REP_I32] | places.regs[REP_F64];
    assert_int_equal(all, RA_DEFAULT_POOL);
    assert_true(places.constants > 0);
    program_free(program);
    free(text);
}

// Locals that are constants exist nowhere but in the table.
static void test_constants_that_were_never_materialised(void **state) {
    (void)state;
    static const char text[] =
        "func main params=1 locals=6\n load_const 42\n store_local 1\n load_const 0.125\n store_local 2\n load_const \"text\"\n store_local 3\n"
        " load_const 1e300\n store_local 4\n load_const null\n store_local 5\n load_const 7\n load_local 0\n load_const 1\n add\n"
        " load_local 1\n add\n load_local 2\n add\n load_local 4\n add\n load_local 3\n add\n load_local 5\n add\n add\n return\nend\n";
    Program *program = native_program_from(text);
    for (int v = 0; v < NUM_VARIANTS; v++) check_runs(program, vary(at_once(), v), ARGS(2147483647, 1), 2);
    JitCompiler *jit = start_jit(program, at_once());
    call(jit, "main", ARGS(2147483647));
    assert_int_equal(seen.count, 1);
    const DeoptExit *exit = seen.events[0].exit;
    for (uint32_t i = 1; i <= 6; i++) assert_int_equal(exit->values[i].where, DEOPT_CONST);
    jit_free(jit);
    program_free(program);
}

// A raw double becomes a value only at the exit; and that may need memory.

static const char boxing[] =
    "func main params=2 locals=3\n load_const 1e200\n load_local 0\n mul\n store_local 2\n load_local 1\n load_const 1\n add\n load_local 2\n add\n return\nend\n";

static JitCompiler *start_boxing(const Program *program, Tier deopt_to) {
    JitOptions options = after_two();
    options.deopt_to = deopt_to;
    JitCompiler *jit = start_jit(program, options);
    for (int i = 0; i < 6; i++) assert_int_equal(call(jit, "main", ARGS(1, 2)).status, RUN_OK);
    assert_int_equal(seen.count, 0);
    return jit;
}

static void test_double_is_boxed_at_the_exit(void **state) {
    (void)state;
    Program *program = native_program_from(boxing);
    for (int v = 0; v < NUM_VARIANTS; v++)
        check_runs(program, vary(after_two(), v), ARGS(1, 2, 1, 2, 1, 2, 1, 2, 3, 2147483647, -1, 5, 0, 2147483647), 7);
    JitCompiler *jit = start_boxing(program, TIER_BASELINE);
    call(jit, "main", ARGS(3, 2147483647));
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.events[0].exit->values[2].rep, REP_F64);
    jit_free(jit);
    program_free(program);
}

static void test_no_memory_for_a_double_at_the_exit(void **state) {
    (void)state;
    Program *program = native_program_from(boxing);
    for (int t = TIER_INTERP; t <= TIER_BASELINE; t++) {
        JitCompiler *jit = start_boxing(program, (Tier)t);
        uint8_t *end = jit_vm(jit)->heap.end;
        jit_vm(jit)->heap.end = jit_vm(jit)->heap.next;
        Outcome outcome = call(jit, "main", ARGS(3, 2147483647));
        assert_int_equal(outcome.status, RUN_OUT_OF_MEMORY);
        assert_string_equal(outcome.message, "out of memory");
        assert_true(jit_vm(jit)->error.has_place);
        assert_int_equal(outcome.function, function_index(program, program_find(program, "main")));
        assert_int_equal(outcome.pc, 6); // the sum whose operand needs no memory, but whose frame does
        jit_vm(jit)->heap.end = end;
        assert_int_equal(call(jit, "main", ARGS(1, 2)).status, RUN_OK);
        assert_int_equal(call(jit, "main", ARGS(1, 2147483647)).status, RUN_OK);
        jit_free(jit);
    }
    program_free(program);
}

// Guards in front of loops.

// A guard of p that the loop needs is moved in front of it. Once that has failed, none is moved any more.
static void test_no_hoisting_after_a_hoisted_guard_has_failed(void **state) {
    (void)state;
    static const char text[] =
        "func main params=2 locals=4\n load_const 0\n store_local 2\n load_const 0\n store_local 3\n"
        "next: load_local 2\n load_local 0\n less_than\n jump_if_false out\n load_local 3\n load_local 1\n load_const 5\n mod\n add\n store_local 3\n"
        " load_local 2\n load_const 1\n add\n store_local 2\n jump next\nout: load_local 3\n return\nend\n";
    Program *program = native_program_from(text);
    static const int64_t args[] = {5, 3, 5, 3, 5, 3, 5, 3, 5, A_FUNCTION, 5, 3, 0, 3, 5, 3, 5, 3, 5, 3, 5, 3, 5, 3, 5, 3, 5, 3, 0, A_FUNCTION, 6, A_FUNCTION};
    for (int v = 0; v < NUM_VARIANTS; v++) check_runs(program, vary(after_two(), v), args, sizeof args / sizeof *args / 2);
    JitCompiler *jit = start_jit(program, at_once());
    const Deopt *deopt = jit_vm(jit)->deopt;
    call(jit, "main", ARGS(5, A_FUNCTION));
    assert_true(seen.count == 1 && seen.events[0].exit->is_hoisted);
    const DeoptCode *first = seen.events[0].exit->code;
    for (int i = 0; i < 10; i++) call(jit, "main", ARGS(5, 3));
    assert_true(deopt->num_codes > first->id + 1);
    bool any = false;
    for (size_t i = first->id + 1; i < deopt->num_codes; i++)
        for (uint32_t e = 0; e < deopt->codes[i]->num_exits; e++) any |= deopt->codes[i]->exits[e].is_hoisted;
    assert_false(any);
    jit_free(jit);
    program_free(program);
}

// A loop without turns: a guard that was moved out fails although the program never came to what it guards. That
// costs time, and changes nothing.
static void test_hoisted_guard_of_a_loop_without_turns(void **state) {
    (void)state;
    static const char text[] =
        "func main params=2 locals=4\n load_const 0\n store_local 2\n load_const 0\n store_local 3\n"
        "next: load_local 2\n load_local 0\n less_than\n jump_if_false out\n load_local 2\n load_const 3\n equal\n jump_if_false skip\n"
        " load_local 3\n load_local 1\n load_const 2\n mul\n add\n store_local 3\n"
        "skip: load_local 2\n load_const 1\n add\n store_local 2\n jump next\nout: load_local 3\n return\nend\n";
    Program *program = native_program_from(text);
    for (int v = 0; v < NUM_VARIANTS; v++) {
        check_runs(program, vary(at_once(), v), ARGS(0, A_FUNCTION, 2, A_FUNCTION, 5, 7, 5, A_FUNCTION, 3, A_FUNCTION), 5);
        check_runs(program, vary(after_two(), v), ARGS(9, 1, 9, 1, 9, 1, 0, A_FUNCTION, 2, A_FUNCTION, 5, 7, 5, A_FUNCTION, 3, A_FUNCTION), 8);
    }
    program_free(program);
}

// Policy.

static bool is_optimised(const JitCompiler *jit, const char *name) {
    const Vm *vm = jit_vm((JitCompiler *)(uintptr_t)jit);
    uint32_t index = function_index(vm->program, program_find(vm->program, name));
    const Callable *callable = &vm->callables[index];
    return callable->is_code && callable->entry != callable->fallback;
}

// Types in turn: there is an end to it, and it is soon.
static void test_ping_pong_ends_in_generic_code(void **state) {
    (void)state;
    Program *program = native_program_from(
        "func main params=2\n load_local 0\n load_local 1\n div\n call f\n return\nend\n"
        "func f params=1\n load_const 1\n load_local 0\n load_const 3\n mul\n add\n return\nend\n");
    for (int t = TIER_INTERP; t <= TIER_BASELINE; t++) {
        JitOptions options = at_once();
        options.deopt_to = (Tier)t;
        JitCompiler *jit = start_jit(program, options), *oracle = mode_start(program, &modes[0]);
        size_t then = 0;
        for (int i = 0; i < 4000; i++) {
            int64_t args[] = {i % 3 ? 7 : i % 2 ? A_FUNCTION : 8, i % 5 ? 2 : 8};
            assert_true(outcomes_agree(call(jit, "main", args), call(oracle, "main", args)));
            if (i == 1999) then = seen.count;
        }
        assert_int_equal(seen.count, then); // half the time nothing happened any more
        assert_true(jit_num_deopts(jit, function_of(jit, "f")) <= MAX_DEOPTS);
        assert_true(is_optimised(jit, "f"));
        jit_free(jit);
        jit_free(oracle);
    }
    program_free(program);
}

// A function with so many places to be wrong at, one after the other, loses MAX_DEOPTS bets and then makes no more.
// After each, it waits for twice as many calls as after the last.

enum { NUM_PLACES = MAX_DEOPTS + 4 };

static char *many_places(void) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    fputs("func main params=2\n load_local 0\n load_local 1\n load_const 2\n div\n call f\n return\nend\nfunc f params=2\n", out);
    for (int i = 0; i < NUM_PLACES; i++)
        fprintf(out, " load_local 0\n load_const %d\n equal\n jump_if_false next%d\n load_local 1\n load_const %d\n add\n return\nnext%d:", i, i, i, i);
    fputs(" load_const 0\n return\nend\n", out);
    fclose(out);
    return text;
}

// How many calls until f is optimised?
static int calls_until_optimised(JitCompiler *jit) {
    int calls = 0;
    for (; !is_optimised(jit, "f"); calls++) {
        assert_true(calls < 100000);
        Value args[] = {value_from_int(NUM_PLACES), value_from_int(2)};
        vm_call(jit_vm(jit), function_index(jit_vm(jit)->program, function_of(jit, "f")), args);
    }
    return calls;
}

static void test_back_off_and_ceiling(void **state) {
    (void)state;
    char *text = many_places();
    Program *program = native_program_from(text);
    JitOptions options = at_once();
    options.opt_after = options.opt_loops_after = 3;
    JitCompiler *jit = start_jit(program, options), *oracle = mode_start(program, &modes[0]);
    const Function *f = function_of(jit, "f");
    int waited = calls_until_optimised(jit);
    assert_int_equal(waited, 4);
    for (int i = 0; i < MAX_DEOPTS; i++) {
        assert_int_equal(jit_num_deopts(jit, f), i);
        assert_true(outcomes_agree(call(jit, "main", ARGS(i, 1)), call(oracle, "main", ARGS(i, 1))));
        assert_int_equal(jit_num_deopts(jit, f), i + 1);
        assert_false(is_optimised(jit, "f"));
        int now = calls_until_optimised(jit);
        assert_int_equal(now - 1, 2 * (waited - 1)); // the last call is the optimised one
        waited = now;
    }
    size_t count = seen.count;
    for (int i = 0; i < NUM_PLACES; i++) {
        assert_true(outcomes_agree(call(jit, "main", ARGS(i, 1)), call(oracle, "main", ARGS(i, 1))));
        assert_true(outcomes_agree(call(jit, "main", ARGS(i, A_FUNCTION)), call(oracle, "main", ARGS(i, A_FUNCTION))));
    }
    for (size_t i = count; i < seen.count; i++) assert_ptr_not_equal(&program->functions[seen.events[i].function], f);
    assert_int_equal(jit_num_deopts(jit, f), MAX_DEOPTS);
    assert_true(is_optimised(jit, "f"));
    jit_free(jit);
    jit_free(oracle);
    program_free(program);
    free(text);
}

// Calls of f wait in code that is given up, replaced, and given up again; when they go on, their own guards fail.
static void test_old_code_still_on_the_stack(void **state) {
    (void)state;
    static const char text[] =
        "func main params=1\n load_local 0\n call f\n return\nend\n"
        // f(n) = n < 0 ? n : n == 0 ? (2^31, then f(-1) many times) : 1000 + (f(n - 1) + n)
        "func f params=1 locals=3\n load_local 0\n load_const 0\n less_than\n jump_if_false no\n load_local 0\n return\n"
        "no: load_local 0\n load_const 0\n equal\n jump_if_false deeper\n load_const 0\n store_local 1\n"
        " load_const 2147483647\n load_local 0\n load_const 1\n add\n add\n store_local 2\n"
        "again: load_local 1\n load_const 40\n less_than\n jump_if_false enough\n load_const -1\n call f\n pop\n load_local 1\n load_const 1\n add\n"
        " store_local 1\n jump again\nenough: load_local 2\n return\n"
        "deeper: load_const 1000\n load_local 0\n load_const 1\n sub\n call f\n load_local 0\n add\n add\n return\nend\n";
    Program *program = native_program_from(text);
    for (int v = 0; v < NUM_VARIANTS; v++) {
        check_runs(program, vary(at_once(), v), ARGS(5, 5, 3, 50, 1), 5);
        check_runs(program, vary(after_two(), v), ARGS(5, 5, 3, 50, 1), 5);
    }
    JitCompiler *jit = start_jit(program, at_once());
    call(jit, "main", ARGS(5));
    size_t last = seen.count - 1;
    assert_true(seen.count >= 6);
    assert_int_equal(seen.events[0].exit->code->id, seen.events[last].exit->code->id); // the oldest code is left last
    assert_true(jit_vm(jit)->deopt->num_codes > seen.events[0].exit->code->id + 1);
    assert_true(is_optimised(jit, "f"));
    assert_int_equal(jit_num_deopts(jit, function_of(jit, "f")), 1); // what is lost in old code does not count for the new
    jit_free(jit);
    program_free(program);
}

// Lazy exits.

// main(k) adds up o.m() ten times; in turn k, m is redefined. restore puts it back.
#define CLASS_A "class A\n method m params=1\n load_const 1\n return\n end\nend\nfunc two params=1\n load_const 2\n return\nend\n"
#define REDEFINE \
    "func redefine params=1\n load_prototype A\n load_function two\n set_property m\n load_local 0\n load_const 1000\n mul\n return\nend\n" \
    "func restore params=0\n load_prototype A\n load_function A.m\n set_property m\n load_const 0\n return\nend\n"

static const char in_mid_loop[] = CLASS_A REDEFINE
    "func main params=1 locals=4\n new_object A\n store_local 1\n load_const 0\n store_local 2\n load_const 0\n store_local 3\n"
    "next: load_local 2\n load_const 10\n less_than\n jump_if_false out\n load_local 3\n load_local 1\n call_method m 0\n add\n store_local 3\n"
    " load_local 2\n load_local 0\n equal\n jump_if_false same\n load_const 7\n load_local 3\n load_local 2\n call redefine\n add\n add\n store_local 3\n"
    "same: load_local 2\n load_const 1\n add\n store_local 2\n jump next\nout: load_local 3\n return\nend\n";

// The same with three frames between the loop and the redefinition, each in the middle of an expression, each with a
// method of its own; %s is how a calls b, and b calls c.
static const char three_deep[] = CLASS_A REDEFINE
    "func main params=1 locals=4\n new_object A\n store_local 1\n load_const 0\n store_local 2\n load_const 0\n store_local 3\n"
    "next: load_local 2\n load_const 10\n less_than\n jump_if_false out\n load_local 3\n load_local 1\n call_method m 0\n load_local 0\n load_local 2\n equal\n"
    " call a\n add\n add\n store_local 3\n load_local 2\n load_const 1\n add\n store_local 2\n jump next\nout: load_local 3\n return\nend\n"
    "func a params=1 locals=2\n new_object A\n store_local 1\n load_const 3\n load_local 1\n call_method m 0\n load_local 0\n %s leaf\n mul\n"
    " load_local 1\n call_method m 0\n add\n add\n return\nend\n"
    "func leaf params=1 locals=2\n new_object A\n store_local 1\n load_const 5\n load_local 1\n call_method m 0\n load_local 0\n call c\n mul\n"
    " load_local 1\n call_method m 0\n add\n add\n return\nend\n"
    "func c params=1 locals=2\n new_object A\n store_local 1\n load_const 9\n load_local 1\n call_method m 0\n load_local 0\n jump_if_false no\n load_const 4\n"
    " call redefine\n mul\nno: load_local 1\n call_method m 0\n add\n add\n return\nend\n";

enum { NEVER = 100, WARM_RUNS = 12 };

// Warm up in both engines, redefine in turn 4, and compare; and once more, with the method restored. Functions of
// the set are compiled. Returns how many lazy exits were taken.
static size_t check_redefinition(const Program *program, JitOptions options, uint64_t compiled) {
    JitCompiler *oracle = mode_start(program, &modes[0]);
    JitCompiler *jit = start(program, &(Mode){"", options, compiled});
    seen.count = 0;
    seen.jit = jit;
    jit_vm(jit)->deopt->observe = note_event;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < WARM_RUNS; i++) assert_true(outcomes_agree(call(jit, "main", ARGS(NEVER)), call(oracle, "main", ARGS(NEVER))));
        Outcome expected = call(oracle, "main", ARGS(4)), outcome = call(jit, "main", ARGS(4));
        if (!outcomes_agree(outcome, expected)) fail_msg("%" PRId64 ", expected %" PRId64, outcome.result, expected.result);
        call(oracle, "restore", NULL);
        call(jit, "restore", NULL);
    }
    size_t lazy = 0;
    for (size_t i = 0; i < seen.count; i++) lazy += seen.events[i].exit->is_lazy;
    assert_int_equal(jit_vm(jit)->deopt->num_lazy, 0);
    jit_free(jit);
    jit_free(oracle);
    return lazy;
}

static void test_redefinition_in_mid_loop(void **state) {
    (void)state;
    Program *program = native_program_from(in_mid_loop);
    for (int v = 0; v < NUM_VARIANTS; v++) {
        size_t lazy = check_redefinition(program, vary(after_two(), v), UINT64_MAX);
        assert_true(lazy >= 2); // redefine's own store, and main's call of it
    }
    program_free(program);
}

// `call` runs leaf directly, run_leaf through C.
static Program *three_deep_program(bool through_c) {
    char text[sizeof three_deep + 32];
    snprintf(text, sizeof text, three_deep, through_c ? "call_native run_" : "call ");
    for (char *at = text; (at = strstr(at, "run_ leaf")) != NULL;) memcpy(at, "run_leaf ", 9);
    return native_program_from(text);
}

static void test_redefinition_below_three_frames(void **state) {
    (void)state;
    for (int through_c = 0; through_c < 2; through_c++) {
        Program *program = three_deep_program(through_c);
        for (int v = 0; v < NUM_VARIANTS; v++) {
            assert_true(check_redefinition(program, vary(after_two(), v), UINT64_MAX) >= 4);
            for (uint32_t i = 0; i < program->num_functions; i++) // each of them interpreted
                check_redefinition(program, vary(after_two(), v), ~(UINT64_C(1) << i));
        }
        program_free(program);
    }
}

// What a call that was waiting returns is an error: it goes on to whoever called, and its place is right.
static void test_error_behind_a_redefinition(void **state) {
    (void)state;
    static const char text[] = CLASS_A REDEFINE
        "func main params=1 locals=2\n new_object A\n store_local 1\n load_const 5\n load_local 1\n call_method m 0\n load_local 0\n call f\n add\n add\n return\nend\n"
        "func f params=1 locals=2\n new_object A\n store_local 1\n load_const 1\n load_local 1\n call_method m 0\n load_local 0\n jump_if_false no\n load_const 4\n call redefine\n pop\n"
        " load_const 3\n load_function main\n mul\n add\nno: add\n return\nend\n";
    Program *program = native_program_from(text);
    for (int v = 0; v < NUM_VARIANTS; v++) {
        check_runs(program, vary(after_two(), v), ARGS(0, 0, 0, 0, 0, 1, 0, 1), 8);
        assert_true(seen.count >= 1);
    }
    program_free(program);
}

// Room.

// As much code as fits, whatever that is: the program does the same. Baseline code may be what is missing when
// optimised code is left, and optimised code when baseline code has counted down.
static void test_code_buffer_full(void **state) {
    (void)state;
    char *text = many_places();
    Program *program = native_program_from(text);
    int interpreted = 0, full = 0;
    for (size_t size = 1024; size < 16384; size += 256) {
        for (int warm = 0; warm < 2; warm++) {
            JitOptions options = warm ? after_two() : at_once();
            options.code_size = size;
            JitCompiler *jit = start(program, &(Mode){"", options, UINT64_MAX}), *oracle = mode_start(program, &modes[0]);
            for (int i = 0; i < 60; i++) {
                const int64_t args[] = {i % NUM_PLACES, i / NUM_PLACES % 2 ? i : 4};
                assert_true(outcomes_agree(call(jit, "main", args), call(oracle, "main", args)));
            }
            const Callable *f = &jit_vm(jit)->callables[function_index(program, function_of(jit, "f"))];
            bool has_lost = jit_num_deopts(jit, function_of(jit, "f")) > 0;
            interpreted += has_lost && !f->is_code;
            full += has_lost && f->is_code && !is_optimised(jit, "f");
            jit_free(jit);
            jit_free(oracle);
        }
    }
    assert_true(interpreted > 0); // no room for baseline code
    assert_true(full > 0);        // none to optimise again
    program_free(program);
    free(text);
}

// Deoptimisation at every depth, until the stack ends: an ordinary error, in whatever engine the last call is.
static void test_stack_overflow_near_a_deopt(void **state) {
    (void)state;
    static const char text[] =
        "func main params=2\n load_local 0\n load_local 1\n call f\n return\nend\n"
        "func f params=2 locals=3\n load_local 0\n load_const 1\n add\n store_local 2\n load_local 2\n load_local 1\n less_than\n jump_if_false out\n"
        " load_const 3\n load_local 2\n load_local 1\n call f\n mul\n load_const 7\n mod\n return\nout: load_local 2\n load_const 2\n div\n return\nend\n";
    Program *program = native_program_from(text);
    for (uint32_t every = 1; every < 8; every++) {
        for (int v = 0; v < NUM_VARIANTS; v++) {
            JitOptions options = vary(at_once(), v);
            options.stress = true;
            JitCompiler *jit = start(program, &(Mode){"", options, UINT64_MAX});
            Deopt *deopt = jit_vm(jit)->deopt;
            deopt->is_armed = true;
            deopt->countdown = deopt->every = every;
            assert_int_equal(call(jit, "main", ARGS(0, 100000000)).status, RUN_STACK_OVERFLOW);
            Outcome outcome = call(jit, "main", ARGS(0, 2001)), again = call(jit, "main", ARGS(0, 2001));
            assert_int_equal(outcome.status, RUN_OK);
            assert_true(outcomes_agree(outcome, again));
            assert_true(deopt->num_deopts > 1000 / every);
            jit_free(jit);
        }
    }
    program_free(program);
}

// With the stack nearly used up, at every depth around the last that fits: the deeper calls leave through their exits.
static void test_deopt_in_the_last_frame(void **state) {
    (void)state;
    static const char text[] =
        "func main params=1\n load_local 0\n call f\n return\nend\n"
        "func f params=1\n load_local 0\n jump_if_false bottom\n load_local 0\n load_const 1\n sub\n call f\n return\n"
        "bottom: load_const 2147483647\n load_local 0\n load_const 1\n add\n add\n return\nend\n";
    Program *program = native_program_from(text);
    int64_t low = 1, high = 1 << 24;
    while (low < high) { // find how deep it goes
        int64_t middle = (low + high) / 2;
        JitCompiler *jit = start_jit(program, at_once());
        if (call(jit, "main", ARGS(middle)).status == RUN_OK) low = middle + 1;
        else high = middle;
        jit_free(jit);
    }
    // The limit is an address, and this loop may stand a little lower on the stack than the search: a few calls either way.
    enum { A_FEW = 4 };
    for (int64_t depth = low - 2 * A_FEW; depth < low + 2 * A_FEW; depth++) {
        for (int t = TIER_INTERP; t <= TIER_BASELINE; t++) {
            JitOptions options = at_once();
            options.deopt_to = (Tier)t;
            JitCompiler *jit = start_jit(program, options);
            Outcome outcome = call(jit, "main", ARGS(depth));
            if (depth < low - A_FEW) assert_int_equal(outcome.status, RUN_OK);
            if (depth >= low + A_FEW) assert_int_equal(outcome.status, RUN_STACK_OVERFLOW);
            if (outcome.status == RUN_OK) {
                assert_int_equal(outcome.result, INT64_C(1) << 31);
                assert_int_equal(seen.count, 1);
            } else {
                assert_int_equal(outcome.status, RUN_STACK_OVERFLOW);
            }
            jit_free(jit);
        }
    }
    program_free(program);
}

static const struct CMUnitTest deopt_cases_tests[] = {
    cmocka_unit_test(test_each_way_to_lose_a_bet),
    cmocka_unit_test(test_operands_of_the_callers_survive),
    cmocka_unit_test(test_values_in_all_places),
    cmocka_unit_test(test_constants_that_were_never_materialised),
    cmocka_unit_test(test_double_is_boxed_at_the_exit),
    cmocka_unit_test(test_no_memory_for_a_double_at_the_exit),
    cmocka_unit_test(test_no_hoisting_after_a_hoisted_guard_has_failed),
    cmocka_unit_test(test_hoisted_guard_of_a_loop_without_turns),
    cmocka_unit_test(test_ping_pong_ends_in_generic_code),
    cmocka_unit_test(test_back_off_and_ceiling),
    cmocka_unit_test(test_old_code_still_on_the_stack),
    cmocka_unit_test(test_redefinition_in_mid_loop),
    cmocka_unit_test(test_redefinition_below_three_frames),
    cmocka_unit_test(test_error_behind_a_redefinition),
    cmocka_unit_test(test_code_buffer_full),
    cmocka_unit_test(test_stack_overflow_near_a_deopt),
    cmocka_unit_test(test_deopt_in_the_last_frame),
};
TEST_MAIN(deopt_cases_tests)
