// Step 4: what an inline cache is worth, and what it costs when it sees many shapes.
//
//   make bench            the whole table
//   --quick, --filter=GLOB, --json=FILE: see common/testing/bench.h
#include <stdlib.h>
#include <string.h>

#include "bytecode/parse.h"
#include "bytecode/verify.h"
#include "jit.h"
#include "testing/bench.h"

enum { TURNS = 1000, CALLS_A_TURN = 10, OBJECTS = 64, MAX_DEGREE = 5, MEGAMORPHIC_DEGREE = 16 };

// A class with a field and a method, and two levels of classes that inherit from it: what a lookup without a cache
// finds, it finds in the fourth hash table, after those of the object, C0 and Middle.
static const char base_classes[] =
    "class Base\n method tick params=1\n load_local 0\n return\n end\n"
    " method a params=1\n load_local 0\n return\n end\n method b params=1\n load_local 0\n return\n end\nend\n"
    "class Middle extends Base\n method c params=1\n load_local 0\n return\n end\nend\n";

static void write_class(FILE *out, int i) {
    fprintf(out, "class C%d extends Middle\n method own%d params=1\n load_local 0\n return\n end\nend\n", i, i);
}

static void write_loop_head(FILE *out, int counter) {
    fprintf(out, " load_const 0\n store_local %d\nloop:\n load_local %d\n load_local 0\n less_than\n jump_if_false done\n", counter, counter);
}

static void write_loop_tail(FILE *out, int counter) {
    fprintf(out, " load_local %d\n load_const 1\n add\n store_local %d\n jump loop\ndone:\n load_local %d\n return\nend\n", counter, counter,
            counter);
}

// One object; an access is `CALLS_A_TURN` times in a turn.
static void write_monomorphic(FILE *out, const char *access) {
    fputs(base_classes, out);
    write_class(out, 0);
    fputs("func main params=1 locals=3\n new_object C0\n store_local 1\n load_local 1\n load_const 5\n set_property x\n", out);
    write_loop_head(out, 2);
    for (int i = 0; i < CALLS_A_TURN; i++) fputs(access, out);
    write_loop_tail(out, 2);
}

// OBJECTS objects of `degree` classes, in turn; `access` takes the object from the stack and leaves nothing.
static void write_polymorphic(FILE *out, int degree, const char *access) {
    fputs(base_classes, out);
    for (int i = 0; i < degree; i++) write_class(out, i);
    fputs("func main params=1 locals=3\n", out);
    for (int i = 0; i < OBJECTS; i++) fprintf(out, " new_object C%d\n", i % degree);
    fprintf(out, " new_array %d\n store_local 1\n", OBJECTS);
    write_loop_head(out, 2);
    fprintf(out, " load_local 1\n load_local 2\n load_const %d\n mod\n get_index\n%s", OBJECTS, access);
    write_loop_tail(out, 2);
}

static const char call[] = " load_local 1\n call_method tick 0\n pop\n";
static const char load[] = " load_local 1\n get_property x\n pop\n";
static const char store[] = " load_local 1\n load_const 7\n set_property x\n";

typedef struct Callee {
    JitCompiler *jit;
    Program *program;
    char *text;
} Callee;

static void run(void *context) {
    const Callee *callee = context;
    const Value turns = value_from_int(TURNS);
    bench_keep((int64_t)vm_call(jit_vm(callee->jit), function_index(callee->program, program_find(callee->program, "main")), &turns));
}

static Program *parse(const char *text) {
    Program *program = program_new("bench.bca");
    Diagnostic diagnostic = {0};
    if (program_parse(program, text, strlen(text), &diagnostic) && program_verify(program, &diagnostic)) return program;
    diagnostic_print(stderr, program, &diagnostic);
    exit(1);
}

static Callee start(char *text, Tier tier, ICMode mode) {
    Callee callee = {.text = text, .program = parse(text)};
    JitOptions options = jit_default_options;
    options.tier = tier;
    options.ic = mode;
    callee.jit = jit_new(callee.program, &options);
    jit_compile_all(callee.jit);
    return callee;
}

static void stop(Callee *callee) {
    jit_free(callee->jit);
    program_free(callee->program);
    free(callee->text);
}

static char *monomorphic(const char *access) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    write_monomorphic(out, access);
    fclose(out);
    return text;
}

static char *polymorphic(int degree, const char *access) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    write_polymorphic(out, degree, access);
    fclose(out);
    return text;
}

// One access of one shape: without a cache, with one that always misses, and with one; what a cache is worth to
// the other engines, too.
static bool bench_access(const char *name, const char *what, const char *access, const BenchOptions *options) {
    static const struct {
        const char *suffix;
        Tier tier;
        ICMode mode;
    } rows[] = {
        {"no cache", TIER_BASELINE, IC_OFF},
        {"no cache, opt", TIER_OPT, IC_OFF},
        {"no cache, interpreted", TIER_INTERP, IC_OFF},
        {"always missed", TIER_BASELINE, IC_ALWAYS_MISS},
        {"inline cache", TIER_BASELINE, IC_ON},
        {"inline cache, opt", TIER_OPT, IC_ON},
        {"inline cache, interpreted", TIER_INTERP, IC_ON},
    };
    enum { NUM_ROWS = sizeof rows / sizeof *rows };
    Callee callees[NUM_ROWS];
    BenchContestant contestants[NUM_ROWS];
    char names[NUM_ROWS][64];
    for (int i = 0; i < NUM_ROWS; i++) {
        callees[i] = start(monomorphic(access), rows[i].tier, rows[i].mode);
        snprintf(names[i], sizeof names[i], "%s, %s", what, rows[i].suffix);
        contestants[i] = (BenchContestant){names[i], run, &callees[i], (double)TURNS * CALLS_A_TURN};
    }
    Bench bench = {.name = name, .operation = what, .contestants = contestants, .num_contestants = NUM_ROWS};
    bool ok = bench_run(&bench, options, NULL);
    for (int i = 0; i < NUM_ROWS; i++) stop(&callees[i]);
    return ok;
}

// The curve: a call with 1 to 5 shapes at the site, and with many; the loop alone for comparison.
static bool bench_degrees(const BenchOptions *options) {
    enum { LOOP = MAX_DEGREE + 1, NO_CACHE, NUM_ROWS };
    Callee callees[NUM_ROWS];
    BenchContestant contestants[NUM_ROWS];
    char names[NUM_ROWS][32];
    for (int i = 0; i < NUM_ROWS; i++) {
        bool is_degree = i < MAX_DEGREE;
        int degree = is_degree ? i + 1 : MEGAMORPHIC_DEGREE;
        const char *access = i == LOOP ? " pop\n" : " call_method tick 0\n pop\n";
        callees[i] = start(polymorphic(degree, access), TIER_BASELINE, i == NO_CACHE ? IC_OFF : IC_ON);
        if (is_degree) snprintf(names[i], sizeof names[i], "degree %d", degree);
        else snprintf(names[i], sizeof names[i], "%s", i == LOOP ? "the loop alone" : i == NO_CACHE ? "no cache" : "megamorphic");
        contestants[i] = (BenchContestant){names[i], run, &callees[i], TURNS};
    }
    Bench bench = {.name = "shapes at one call", .operation = "turn", .contestants = contestants, .num_contestants = NUM_ROWS};
    bool ok = bench_run(&bench, options, NULL);
    for (int i = 0; i < NUM_ROWS; i++) stop(&callees[i]);
    return ok;
}

// A method that is found `length` classes up, called CALLS_A_TURN times in a turn.
static char *inherited(int length) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    fputs("class K0\n method tick params=1\n load_local 0\n return\n end\nend\n", out);
    for (int i = 1; i <= length; i++)
        fprintf(out, "class K%d extends K%d\n method own%d params=1\n load_local 0\n return\n end\nend\n", i, i - 1, i);
    fprintf(out, "func main params=1 locals=3\n new_object K%d\n store_local 1\n", length);
    write_loop_head(out, 2);
    for (int i = 0; i < CALLS_A_TURN; i++) fputs(call, out);
    write_loop_tail(out, 2);
    fclose(out);
    return text;
}

// How long a lookup takes by how far away the method is; with a cache that makes no difference.
static bool bench_chains(const BenchOptions *options) {
    static const int lengths[] = {0, 1, 2, 4, 8, 8};
    enum { NUM_ROWS = sizeof lengths / sizeof *lengths };
    Callee callees[NUM_ROWS];
    BenchContestant contestants[NUM_ROWS];
    char names[NUM_ROWS][40];
    for (int i = 0; i < NUM_ROWS; i++) {
        bool cached = i == NUM_ROWS - 1;
        callees[i] = start(inherited(lengths[i]), TIER_BASELINE, cached ? IC_ON : IC_OFF);
        snprintf(names[i], sizeof names[i], "%d classes up, %s", lengths[i], cached ? "inline cache" : "no cache");
        contestants[i] = (BenchContestant){names[i], run, &callees[i], (double)TURNS * CALLS_A_TURN};
    }
    Bench bench = {.name = "inherited method", .operation = "method call", .contestants = contestants, .num_contestants = NUM_ROWS};
    bool ok = bench_run(&bench, options, NULL);
    for (int i = 0; i < NUM_ROWS; i++) stop(&callees[i]);
    return ok;
}

int main(int argc, char **argv) {
    BenchOptions options;
    if (!bench_options(&options, argc, argv)) return 2;
    bool ok = bench_access("method call", "method call", call, &options);
    ok = bench_access("property load", "property load", load, &options) && ok;
    ok = bench_access("property store", "property store", store, &options) && ok;
    ok = bench_chains(&options) && ok;
    return bench_degrees(&options) && ok ? 0 : 1;
}
