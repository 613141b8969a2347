// Hostile programs: the examples with bytes, words and lines changed at random, through the parser, the
// verifier and every engine. Nothing may crash; what the verifier accepts must be sound (checked.h); and
// where it ends, all engines agree. FUZZ_SEED and FUZZ_COUNT in the environment choose the mutants.
#include <inttypes.h>
#include <sys/mman.h>

#include "checked.h"
#include "random_program.h"
#include "testing/crash_guard.h"
#include "testing/test_main.h"

enum {
    COUNT = SANITIZED ? 1000 : 10000, // mutants
    BATCH = 500,
    MAX_STEPS = 20000,
    MOST_CHANGES = 3,
};

typedef struct Text {
    char *bytes; // owned
    size_t length;
} Text;

// What the children tell the parent.
typedef struct Progress {
    uint64_t seed, rejected_by_parser, rejected_by_verifier, compared, endless;
} Progress;

static Progress *progress;

// A word or two from the language, to be put anywhere.
static const char *const words[] = {
    "load_const ", "load_local ", "store_local ", "add\n", "div\n", "jump ", "jump_if_false ", "call ", "return\n", "end\n", "func ",
    "params=", "locals=", "=", ":", ";", "\n", "\r\n", "0x", "-", "9223372036854775808", "65535", "65536", "-1", "main", "loop", "recurse:\n",
    "func main params=0\n", "end\nend\n", "1.5", "1e999", "NaN", "true", "undefined", "\"text\"", "\"", "\\", "class A\n", "class A extends ",
    "extends ", "method area params=1\n", "fields=", "new_object ", "call_method area 1\n", "call_method x 255\n", "get_property x\n",
    "set_property radius\n", "load_function main\n", "load_prototype Shape\n", "new_array 65536\n", "Shape.area", "dup\n", "pop\n", "mod\n",
};

static Text replace(Text text, size_t from, size_t to, const char *insert, size_t length) {
    Text result = {malloc(text.length - (to - from) + length + 1), text.length - (to - from) + length};
    memcpy(result.bytes, text.bytes, from);
    memcpy(result.bytes + from, insert, length);
    memcpy(result.bytes + from + length, text.bytes + to, text.length - to);
    free(text.bytes);
    return result;
}

static size_t line_start(Text text, size_t at) {
    while (at > 0 && text.bytes[at - 1] != '\n') at--;
    return at;
}

static size_t next_line(Text text, size_t at) {
    while (at < text.length && text.bytes[at++] != '\n') continue;
    return at;
}

static Text change(Random *random, Text text) {
    size_t at = random_below(random, (uint32_t)text.length + 1);
    size_t line = line_start(text, at), end = next_line(text, at);
    char byte = (char)random_bits(random);
    char number[24];
    const char *word = words[random_below(random, sizeof words / sizeof *words)];
    switch (random_below(random, 8)) {
    case 0: return replace(text, at, at < text.length ? at + 1 : at, &byte, 1); // another byte
    case 1: return replace(text, at, at, word, strlen(word));                   // a word more
    case 2: return replace(text, line, end, "", 0);                             // a line less
    case 3: return replace(text, at, end, "", 0);                               // the rest of a line less
    case 4: {                                                                  // a line twice, or elsewhere
        char *copy = malloc(end - line + 1);
        size_t where = line_start(text, random_below(random, (uint32_t)text.length + 1)), length = end - line;
        memcpy(copy, text.bytes + line, length);
        Text result = replace(text, where, where, copy, length);
        free(copy);
        return result;
    }
    case 5: { // another number
        while (at < text.length && (text.bytes[at] < '0' || text.bytes[at] > '9')) at++;
        int length = snprintf(number, sizeof number, "%" PRId64, random_constant(random));
        return replace(text, at, at < text.length ? at + 1 : at, number, (size_t)length);
    }
    case 6: { // another instruction
        Opcode opcode = (Opcode)random_below(random, NUM_OPCODES);
        const char *mnemonic = opcode_info[opcode].mnemonic;
        size_t from = line;
        while (from < end && text.bytes[from] == ' ') from++;
        size_t to = from;
        while (to < end && (text.bytes[to] == '_' || (text.bytes[to] >= 'a' && text.bytes[to] <= 'z'))) to++;
        return replace(text, from, to, mnemonic, strlen(mnemonic));
    }
    default: // a few bytes less
        return replace(text, at, at + random_below(random, (uint32_t)(text.length - at < 40 ? text.length - at : 40) + 1), "", 0);
    }
}

static Text mutant(uint64_t seed) {
    Random random = {seed};
    char why[100];
    Text text = {0};
    text.bytes = read_file(examples[seed % num_examples].path, &text.length, why, sizeof why);
    if (!text.bytes) _exit(1);
    for (uint32_t changes = 1 + random_below(&random, MOST_CHANGES); changes > 0; changes--) text = change(&random, text);
    return text;
}

static void fail_mutant(const char *what) {
    fprintf(stderr, "%s\n", what);
    _exit(1);
}

static void check_accepted(const Program *program) {
    const Function *function = program_find(program, "main");
    if (!function || function->num_params > MAX_TEST_PARAMS) return;
    int64_t args[MAX_TEST_PARAMS] = {3, 2};
    CheckedRun expected = checked_run(program, "main", args, MAX_STEPS);
    if (expected.end == CHECKED_FAULT) fail_mutant(expected.fault);
    progress->endless += expected.end == CHECKED_GAVE_UP;
    progress->compared += expected.end == CHECKED_ENDED;
    for (size_t m = 0; m < num_modes; m++) {
        JitCompiler *jit = mode_start(program, &modes[m]); // compiled in any case
        if (expected.end == CHECKED_ENDED && !outcomes_agree(call(jit, "main", args), expected.outcome)) fail_mutant(modes[m].name);
        jit_free(jit);
    }
}

static void check_mutant(uint64_t seed) {
    Text text = mutant(seed);
    Program *program = program_new("mutant.bca");
    Diagnostic diagnostic = {0};
    bool parsed = program_parse(program, text.bytes, text.length, &diagnostic);
    bool accepted = parsed && program_verify(program, &diagnostic);
    progress->rejected_by_parser += !parsed;
    progress->rejected_by_verifier += parsed && !accepted;
    if (accepted) {
        check_accepted(program);
    } else {
        FILE *nowhere = fopen("/dev/null", "w");
        diagnostic_print(nowhere, program, &diagnostic);
        fclose(nowhere);
        if (!diagnostic.message[0] || strchr(diagnostic.message, '\n')) fail_mutant("not a message of one line");
    }
    program_free(program);
    free(text.bytes);
}

typedef struct Batch {
    uint64_t seed, count;
} Batch;

static void run_batch(void *argument) {
    const Batch *batch = argument;
    for (uint64_t i = 0; i < batch->count; i++) {
        progress->seed = batch->seed + i;
        check_mutant(progress->seed);
    }
}

static void print_mutant(uint64_t seed) {
    Text text = mutant(seed);
    fprintf(stderr, "Mutant %" PRIu64 " (repeat with FUZZ_SEED=%" PRIu64 " FUZZ_COUNT=1):\n", seed, seed);
    fwrite(text.bytes, 1, text.length, stderr);
    free(text.bytes);
}

static uint64_t environment_number(const char *name, uint64_t otherwise) {
    const char *value = getenv(name);
    return value && *value ? strtoull(value, NULL, 0) : otherwise;
}

static void test_mutants_of_the_examples(void **state) {
    (void)state;
    progress = mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(progress, MAP_FAILED);
    uint64_t seed = environment_number("FUZZ_SEED", 1), count = environment_number("FUZZ_COUNT", COUNT);
    for (uint64_t done = 0; done < count; done += BATCH) {
        Batch batch = {seed + done, count - done < BATCH ? count - done : BATCH};
        CrashLimits limits = {.seconds = 60};
        CrashReport report;
        crash_guard_run(&report, &limits, run_batch, &batch);
        bool ok = report.outcome == CRASH_RETURNED;
        if (!ok) {
            crash_report_print(stderr, &report);
            print_mutant(progress->seed);
        }
        crash_report_free(&report);
        assert_true(ok);
    }
    print_message("%" PRIu64 " mutants from seed %" PRIu64 ": %" PRIu64 " rejected by the parser, %" PRIu64
                  " by the verifier, %" PRIu64 " compared, %" PRIu64 " too long\n",
                  count, seed, progress->rejected_by_parser, progress->rejected_by_verifier, progress->compared, progress->endless);
    if (count >= COUNT) { // every door has been tried
        assert_true(progress->rejected_by_parser > count / 10);
        assert_true(progress->rejected_by_verifier > count / 20);
        assert_true(progress->compared > count / 20);
    }
    munmap(progress, sizeof *progress);
}

// Nothing but noise.
static void test_random_bytes(void **state) {
    (void)state;
    Random random = {12345};
    for (int round = 0; round < 2000; round++) {
        static const char alphabet[] = "func main params=01 locals add:jump\n\n  ;-_x\t\r\0\xFF\"\\class.method";
        char bytes[300];
        size_t length = random_below(&random, sizeof bytes);
        for (size_t i = 0; i < length; i++)
            bytes[i] = round % 2 ? (char)random_bits(&random) : alphabet[random_below(&random, sizeof alphabet - 1)];
        Program *program = program_new("noise");
        Diagnostic diagnostic = {0};
        if (program_parse(program, bytes, length, &diagnostic)) program_verify(program, &diagnostic);
        else assert_true(diagnostic.message[0] != '\0');
        program_free(program);
    }
}

static const struct CMUnitTest fuzz_tests[] = {
    cmocka_unit_test(test_mutants_of_the_examples),
    cmocka_unit_test(test_random_bytes),
};
TEST_MAIN(fuzz_tests)
