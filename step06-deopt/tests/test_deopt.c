// Every guard of every program of the corpus fails once at its first, its second and its tenth visit: the program does
// the same as in the bytecode interpreter, and the frame that is rebuilt is the interpreter's.
//
// Which of the frames that the interpreter had at that instruction? If the guard's code is all that has run of the
// function, and no pass has copied the guard or moved it, the one of the same visit; otherwise any of them.
#include "deopt/deopt.h"

#include <glob.h>
#include <inttypes.h>

#include "corpus.h"
#include "frames.h"
#include "native_programs.h"
#include "seen.h"
#include "testing/test_main.h"

enum { WARM_RUNS = 8, KEPT_RUNS = WARM_RUNS + 1 };

static const uint32_t visits_to_fail_at[] = {1, 2, 10};
enum { NUM_VISITS = sizeof visits_to_fail_at / sizeof *visits_to_fail_at };

// A program of the corpus, and what the interpreter has done in so many runs of main, one after the other.
typedef struct Subject {
    const CorpusProgram *from;
    Program *program;
    uint32_t main;
    char *texts[KEPT_RUNS];
    FrameTrace *traces[KEPT_RUNS];
} Subject;

// A way to compile it.
typedef struct Way {
    bool is_warm;    // after feedback; else at once, with blind bets
    bool inverts;    // loops: copies guards
    Tier deopt_to;
    bool breaks;     // when the guard fails, whatever depends on prototypes becomes invalid, too
} Way;

// What the observer of one run sees.
static struct {
    const Subject *subject;
    FrameTrace *trace;
    Way way;
    bool *has_other;  // for each function: code other than the optimised code that is entered now may run
    uint64_t forced, lazy, exact, natural; // events so far, in all runs
} watch;

// Reference runs.

static char *run_main(const Subject *subject, JitCompiler *jit) {
    seen_begin();
    Value *args = argument_values(jit_vm(jit), subject->main, subject->from->args);
    seen_result(jit_vm(jit), vm_call(jit_vm(jit), subject->main, args));
    free(args);
    return seen_end();
}

static Subject subject_new(const CorpusProgram *from) {
    Subject subject = {.from = from, .program = native_program_from_file(from->path)};
    subject.main = function_index(subject.program, program_find(subject.program, "main"));
    Vm *vm = vm_new(subject.program, 1 << 24);
    Value *args = argument_values(vm, subject.main, from->args);
    for (int i = 0; i < KEPT_RUNS; i++) {
        subject.traces[i] = frames_new(subject.program);
        seen_begin();
        seen_result(vm, frames_record(subject.traces[i], vm, subject.main, args));
        subject.texts[i] = seen_end();
    }
    free(args);
    vm_free(vm);
    return subject;
}

static void subject_free(Subject *subject) {
    for (int i = 0; i < KEPT_RUNS; i++) {
        frames_free(subject->traces[i]);
        free(subject->texts[i]);
    }
    program_free(subject->program);
}

// Frames.

static void fail_at_event(const DeoptEvent *event, Vm *vm, const char *what) {
    fprintf(stderr, "%s (%s, %s, to %s), visit %u of exit %td:\n", watch.subject->from->path,
            watch.way.is_warm ? "with feedback" : "blind", watch.way.inverts ? "inverted" : "not inverted",
            tier_names[watch.way.deopt_to], event->exit->visits, event->exit - event->exit->code->exits);
    deopt_print_event(stderr, vm, event);
    fail_msg("%s", what);
}

static bool is_one_of(uint32_t function, uint32_t pc, uint64_t digest) {
    for (size_t i = 0; i < frames_count(watch.trace, function, pc); i++)
        if (frames_digest_at(watch.trace, function, pc, i) == digest) return true;
    return false;
}

// Is the guard's visit number that of the bytecode?
static bool visits_are_known(const DeoptExit *exit) {
    return !watch.way.inverts && !exit->is_lazy && !exit->is_hoisted && !watch.has_other[exit->code->function];
}

static void check_exact_visit(const DeoptEvent *event, Vm *vm, uint32_t function, uint64_t digest) {
    const DeoptExit *exit = event->exit;
    uint32_t visit = exit->visits - 1;
    watch.exact++;
    if (visit >= frames_count(watch.trace, function, exit->pc)) fail_at_event(event, vm, "the interpreter was not here as often");
    if (frames_digest_at(watch.trace, function, exit->pc, visit) != digest)
        fail_at_event(event, vm, "not the interpreter's frame at this visit");
}

static void check_frame(void *context, Vm *vm, const DeoptEvent *event) {
    (void)context;
    uint32_t function = event->exit->code->function, pc = frame_info(event->frame)->pc;
    if ((int32_t)event->depth != vm->program->functions[function].depth[pc]) fail_at_event(event, vm, "wrong depth");
    if (frame_callee(event->frame)->index != function) fail_at_event(event, vm, "wrong function");
    uint64_t digest = frames_digest(watch.trace, vm, event->frame);
    if (!is_one_of(function, pc, digest)) fail_at_event(event, vm, "the interpreter had no such frame here");
    if (visits_are_known(event->exit)) check_exact_visit(event, vm, function, digest);
    watch.has_other[function] = true;
    watch.forced += event->is_forced;
    watch.lazy += event->exit->is_lazy;
    watch.natural += !event->is_forced && !event->exit->is_lazy;
    if (event->is_forced && watch.way.breaks) deopt_forget_prototypes(vm);
}

// Runs with a JIT.

static JitCompiler *start_way(const Subject *subject, Way way) {
    JitOptions options = {.tier = TIER_OPT, .code_size = 1 << 20, .heap_size = 1 << 24, .pool = RA_DEFAULT_POOL,
                          .stress = true, .deopt_to = way.deopt_to, .opt_after = way.is_warm, .opt_loops_after = way.is_warm};
    if (!way.inverts) options.disabled = 1u << OPT_invert;
    JitCompiler *jit = jit_new(subject->program, &options);
    jit_vm(jit)->deopt->observe = check_frame;
    jit_compile_all(jit);
    return jit;
}

static void forget_visits(const Deopt *deopt) {
    for (size_t i = 0; i < deopt->num_codes; i++)
        for (uint32_t e = 0; deopt->codes[i] && e < deopt->codes[i]->num_exits; e++)
            deopt->codes[i]->exits[e].visits = deopt->codes[i]->exits[e].countdown = 0;
}

static bool is_entered(const Vm *vm, const DeoptCode *code) {
    return code && vm->callables[code->function].entry == code->start;
}

static void find_other_code(const Vm *vm) {
    size_t count = vm->program->num_functions;
    watch.has_other = xmalloc(count * sizeof *watch.has_other);
    memset(watch.has_other, true, count * sizeof *watch.has_other);
    for (size_t i = 0; i < vm->deopt->num_codes; i++)
        if (is_entered(vm, vm->deopt->codes[i])) watch.has_other[vm->deopt->codes[i]->function] = false;
}

// Run main for the i-th time.
static void check_run(const Subject *subject, JitCompiler *jit, Way way, int i) {
    watch.subject = subject;
    watch.trace = subject->traces[i];
    watch.way = way;
    find_other_code(jit_vm(jit));
    char *text = run_main(subject, jit);
    if (strcmp(text, subject->texts[i]) != 0) {
        fprintf(stderr, "%s does\n%sexpected is\n%s", subject->from->path, text, subject->texts[i]);
        fail_msg("%s: a guard that fails changes what the program does", subject->from->path);
    }
    assert_null(jit_vm(jit)->top_frame);
    assert_int_equal(jit_vm(jit)->deopt->num_lazy, 0);
    free(text);
    free(watch.has_other);
}

// Let one guard fail in the JIT's next run of main, which is its i-th.
static void check_guard(const Subject *subject, JitCompiler *jit, Way way, DeoptExit *exit, uint32_t visit, int i) {
    forget_visits(jit_vm(jit)->deopt);
    exit->countdown = visit;
    check_run(subject, jit, way, i);
}

// Blind bets are lost soon, and the code with them: a new JIT for each failure.
static void check_blind(const Subject *subject, Way way) {
    JitCompiler *first = start_way(subject, way);
    const Deopt *deopt = jit_vm(first)->deopt;
    for (size_t c = 0; c < deopt->num_codes; c++) {
        for (uint32_t e = 0; e < deopt->codes[c]->num_exits; e++) {
            for (int v = 0; v < NUM_VISITS && !deopt->codes[c]->exits[e].is_lazy; v++) {
                JitCompiler *jit = start_way(subject, way);
                check_guard(subject, jit, way, &jit_vm(jit)->deopt->codes[c]->exits[e], visits_to_fail_at[v], 0);
                jit_free(jit);
            }
        }
    }
    jit_free(first);
}

// From here on one run is like the other.
static bool is_steady(const Subject *subject) {
    return frames_are_equal(subject->traces[WARM_RUNS - 1], subject->traces[WARM_RUNS]) &&
           strcmp(subject->texts[WARM_RUNS - 1], subject->texts[WARM_RUNS]) == 0;
}

static JitCompiler *start_warm(const Subject *subject, Way way) {
    JitCompiler *jit = start_way(subject, way);
    for (int i = 0; i < WARM_RUNS; i++) {
        forget_visits(jit_vm(jit)->deopt);
        check_run(subject, jit, way, i);
    }
    return jit;
}

static void check_warm_code(const Subject *subject, JitCompiler *jit, Way way, DeoptCode *code) {
    for (uint32_t e = 0; e < code->num_exits; e++) {
        for (int v = 0; v < NUM_VISITS && !code->exits[e].is_lazy && is_entered(jit_vm(jit), code); v++)
            check_guard(subject, jit, way, &code->exits[e], visits_to_fail_at[v], WARM_RUNS);
    }
}

static void check_warm(const Subject *subject, Way way) {
    if (!is_steady(subject)) fail_msg("%s: every run is different", subject->from->path);
    JitCompiler *jit = start_warm(subject, way);
    const Deopt *deopt = jit_vm(jit)->deopt;
    for (size_t c = 0; c < deopt->num_codes; c++)
        if (is_entered(jit_vm(jit), deopt->codes[c])) check_warm_code(subject, jit, way, deopt->codes[c]);
    jit_free(jit);
}

// The first guard that each function comes to fails, and what is below it on the stack becomes invalid.
static void check_breaking(const Subject *subject, Way way) {
    for (size_t c = 0;; c++) {
        JitCompiler *jit = start_warm(subject, (Way){.is_warm = true, .inverts = way.inverts, .deopt_to = way.deopt_to});
        const Deopt *deopt = jit_vm(jit)->deopt;
        bool is_last = c == deopt->num_codes;
        if (!is_last && is_entered(jit_vm(jit), deopt->codes[c])) {
            forget_visits(deopt);
            for (uint32_t e = 0; e < deopt->codes[c]->num_exits; e++) deopt->codes[c]->exits[e].countdown = 1;
            check_run(subject, jit, way, WARM_RUNS);
        }
        jit_free(jit);
        if (is_last) return;
    }
}

static void check_corpus(void (*check)(const Subject *, Way), Way way) {
    memset(&watch, 0, sizeof watch);
    for (size_t i = 0; i < num_corpus; i++) {
        Subject subject = subject_new(&corpus[i]);
        check(&subject, way);
        subject_free(&subject);
    }
    print_message("%" PRIu64 " guards were made to fail, %" PRIu64 " failed on their own, %" PRIu64 " lazy exits; %" PRIu64
                  " frames compared with that of the same visit\n", watch.forced, watch.natural, watch.lazy, watch.exact);
}

static void check_both_tiers(void (*check)(const Subject *, Way), Way way) {
    for (int t = TIER_INTERP; t <= TIER_BASELINE; t++) {
        way.deopt_to = (Tier)t;
        check_corpus(check, way);
        assert_true(watch.forced > 100);
    }
}

static void test_blind_bets(void **state) {
    (void)state;
    check_both_tiers(check_blind, (Way){.inverts = false});
    assert_true(watch.exact > watch.forced / 2);
}

static void test_blind_bets_in_inverted_loops(void **state) {
    (void)state;
    check_both_tiers(check_blind, (Way){.inverts = true});
}

static void test_bets_on_feedback(void **state) {
    (void)state;
    check_both_tiers(check_warm, (Way){.is_warm = true, .inverts = false});
    assert_true(watch.exact > watch.forced / 3);
}

static void test_bets_on_feedback_in_inverted_loops(void **state) {
    (void)state;
    check_both_tiers(check_warm, (Way){.is_warm = true, .inverts = true});
}

static void test_bets_with_broken_code_below(void **state) {
    (void)state;
    check_both_tiers(check_breaking, (Way){.is_warm = true, .inverts = true, .breaks = true});
    assert_true(watch.lazy > 10);
}

// The corpus is all that there is.
static void test_corpus_is_complete(void **state) {
    (void)state;
    glob_t files;
    assert_int_equal(glob("examples/*.bca", 0, NULL, &files), 0);
    assert_int_equal(glob("bench/*.bca", GLOB_APPEND, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        bool found = false;
        for (size_t k = 0; k < num_corpus; k++) found |= strcmp(corpus[k].path, files.gl_pathv[i]) == 0;
        if (!found) fail_msg("%s is not in the corpus", files.gl_pathv[i]);
    }
    globfree(&files);
}

static const struct CMUnitTest deopt_tests[] = {
    cmocka_unit_test(test_corpus_is_complete),
    cmocka_unit_test(test_blind_bets),
    cmocka_unit_test(test_blind_bets_in_inverted_loops),
    cmocka_unit_test(test_bets_on_feedback),
    cmocka_unit_test(test_bets_on_feedback_in_inverted_loops),
    cmocka_unit_test(test_bets_with_broken_code_below),
};
TEST_MAIN(deopt_tests)
