// The command line: read a program, verify it, run it, print what main returns.
#include <getopt.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "abi/natives.h"
#include "base/fatal.h"
#include "bytecode/parse.h"
#include "bytecode/verify.h"
#include "code/disasm.h"
#include "deopt/deopt.h"
#include "jit.h"
#include "object/number.h"

// Exit statuses; EXIT_BUG is in base/fatal.h.
enum { EXIT_RUN_ERROR = 1, EXIT_USAGE = 2, EXIT_BAD_INPUT = 65, EXIT_NO_OUTPUT = 74 };

typedef struct Options {
    bool time, verify;
    bool dump_bytecode, dump_asm;
    bool dump_lir, dump_intervals, dump_intervals_svg, dump_regs;
    bool dump_ic;
    bool dump_ir, dump_ir_dot;
    uint32_t dump_passes; // bit OptPass
    bool dump_after, dump_deopt, dump_feedback, dump_represent;
    bool waits;           // --opt-after was given
    uint32_t deopt_every, deopt_at;
    JitOptions jit;
    const char *file;
    char **args; // arguments of main, as text
    int num_args;
} Options;

static const char help[] =
    "usage: build/jit [options] program.bca [number ...]\n"
    "Runs the program's main function with the numbers and prints what it returns.\n"
    "\n"
    "  --tier=NAME      the engine to use; the names are\n"
    "                     interp    interpret, compile nothing\n"
    "                     baseline  compile one bytecode instruction at a time\n"
    "                     opt       keep values in registers (the default)\n"
    "  --interp         the same as --tier=interp\n"
    "  --dump=WORD,...  print before running; the words are\n"
    "                     bytecode  the program\n"
    "                     asm       the machine code of every function\n"
    "                     ir, ir-dot  the optimised function in SSA form, as text or for Graphviz\n"
    "                     ir:PASS   the same before and after a pass\n"
    "                     lir       the code over virtual registers\n"
    "                     intervals, intervals-svg  from where to where each of those lives\n"
    "                     regs      the register or slot that each was given\n"
    "                     ic        the inline caches, after the run\n"
    "                     after     print the others after the run, with what it has taught\n"
    "                     feedback  what each instruction has seen, after the run\n"
    "                     ir:represent  the function before and after values lose their tags\n"
    "                     deopt     each guard that fails, as it happens\n"
    "  --time           print on stderr how long compiling and running took\n"
    "  --code-size=N    bytes of machine code, at most (default 16777216); functions that do\n"
    "                   not fit are interpreted\n"
    "  --heap-size=N    bytes of objects, at most (default 1073741824)\n"
    "  --ic=WORD        what inline caches do; the word is\n"
    "                     on           remember where properties are (the default)\n"
    "                     off          nothing: every access looks the property up\n"
    "                     always-miss  look, and find nothing\n"
    "  --disable=PASS,... leave passes of the optimising tier out; the passes are\n"
    "                     invert, sccp, copies, gvn, licm, strength, dce;\n"
    "                     speculate  bet on nothing\n"
    "  --opt-after=N[,M] optimise a function after N calls (default 10), one with a loop\n"
    "                   after M (default 0); with --dump everything at once unless it is given\n"
    "  --ra=NAME        how registers are allocated; the names are\n"
    "                     linear-scan  with holes and splitting (the default)\n"
    "                     poletto      one place for each value\n"
    "  --verify         check the generated code before running it\n"
    "  --stress=WORD    make trouble on purpose; the word is\n"
    "                     registers  allocate with three registers only\n"
    "                     deopt-every=N  every Nth guard fails\n"
    "                     deopt-at=N     the Nth guard fails\n"
    "                     deopt-to-interp  what is left goes on in the interpreter\n"
    "  --broken=WORD,... break a promise of the calling convention; the words are\n"
    "                     callee-saved  do not restore RBX and R12 to R15 for the C caller\n"
    "                     caller-saved  keep values in RCX, RSI, ... across calls of natives\n"
    "  --debug-info     tell gdb and perf the names of the compiled functions\n"
    "  --help           print this and exit\n"
    "\n"
    "Exit status: 0, or 1 for an error in the running program, 2 for a wrong command line,\n"
    "65 for a program that cannot be read or verified, 70 for a bug in the JIT itself,\n"
    "74 for output that could not be written.\n";

static _Noreturn void usage_error(const char *message, const char *what) {
    fprintf(stderr, "jit: %s '%s'; try --help\n", message, what);
    exit(EXIT_USAGE);
}

// As in a program's text.
static double parse_argument(const char *text) {
    double number;
    if (!number_from_text(text, strlen(text), &number)) usage_error("not a number:", text);
    return number;
}

// A number of bytes.
static size_t parse_size(const char *text, double largest) {
    double size = parse_argument(text);
    bool in_range = size >= 0 && size <= largest; // and not NaN
    if (!in_range || size != (double)(size_t)size) usage_error("not a size in range:", text);
    return (size_t)size;
}

static ICMode parse_ic(const char *word) {
    for (ICMode mode = 0; mode < NUM_IC_MODES; mode++)
        if (strcmp(word, ic_mode_names[mode]) == 0) return mode;
    usage_error("--ic does not know", word);
}

static Tier parse_tier(const char *name) {
    for (Tier tier = 0; tier < NUM_TIERS; tier++)
        if (strcmp(name, tier_names[tier]) == 0) return tier;
    usage_error("--tier does not know", name);
}

// The words that --dump knows, and the flags that they set.
static const struct DumpWord {
    const char *word;
    size_t flag; // offset in Options
} dump_words[] = {
    {"bytecode", offsetof(Options, dump_bytecode)},
    {"asm", offsetof(Options, dump_asm)},
    {"ir", offsetof(Options, dump_ir)},
    {"ir-dot", offsetof(Options, dump_ir_dot)},
    {"lir", offsetof(Options, dump_lir)},
    {"intervals", offsetof(Options, dump_intervals)},
    {"intervals-svg", offsetof(Options, dump_intervals_svg)},
    {"regs", offsetof(Options, dump_regs)},
    {"ic", offsetof(Options, dump_ic)},
    {"after", offsetof(Options, dump_after)},
    {"deopt", offsetof(Options, dump_deopt)},
    {"feedback", offsetof(Options, dump_feedback)},
    {"ir:represent", offsetof(Options, dump_represent)},
};

static uint32_t parse_pass(const char *name, size_t length) {
    OptPass pass = opt_find(name, length);
    if (pass == NUM_OPT_PASSES) usage_error("there is no pass", name);
    return (uint32_t)1 << pass;
}

static bool set_dump_flag(Options *options, const char *word, size_t length) {
    for (size_t i = 0; i < sizeof dump_words / sizeof dump_words[0]; i++) {
        if (strlen(dump_words[i].word) != length || strncmp(dump_words[i].word, word, length) != 0) continue;
        *(bool *)((char *)options + dump_words[i].flag) = true;
        return true;
    }
    if (length <= 3 || strncmp(word, "ir:", 3) != 0) return false;
    options->dump_passes |= parse_pass(word + 3, length - 3);
    return true;
}

static void parse_dump(Options *options, const char *words) {
    do {
        size_t length = strcspn(words, ",");
        if (!set_dump_flag(options, words, length)) usage_error("--dump does not know", words);
        words += length;
    } while (*words++ == ',');
}

static bool is_word(const char *text, size_t length, const char *word) {
    return strlen(word) == length && strncmp(text, word, length) == 0;
}

static void parse_disable(Options *options, const char *names) {
    do {
        size_t length = strcspn(names, ",");
        if (is_word(names, length, "speculate")) options->jit.no_speculation = true;
        else options->jit.disabled |= parse_pass(names, length);
        names += length;
    } while (*names++ == ',');
}

static RaKind parse_allocator(const char *name) {
    for (RaKind kind = 0; kind < NUM_RA_KINDS; kind++)
        if (strcmp(name, ra_kind_names[kind]) == 0) return kind;
    usage_error("--ra does not know", name);
}

enum { MAX_OPT_AFTER = 1 << 20 };

// "10" or "10,100"
static void parse_opt_after(Options *options, const char *text) {
    char first[32] = "";
    size_t length = strcspn(text, ",");
    if (length >= sizeof first) usage_error("not a count:", text);
    memcpy(first, text, length);
    options->jit.opt_after = (uint32_t)parse_size(first, MAX_OPT_AFTER);
    options->jit.opt_loops_after = text[length] ? (uint32_t)parse_size(text + length + 1, MAX_OPT_AFTER) : 0;
    options->waits = true;
}

// The number of a word like "deopt-at=3", or 0 if it is another word.
static uint32_t stress_number(const char *word, const char *name) {
    size_t length = strlen(name);
    if (strncmp(word, name, length) != 0 || word[length] != '=') return 0;
    uint32_t number = (uint32_t)parse_size(word + length + 1, UINT32_MAX);
    if (!number) usage_error("not a count:", word + length + 1);
    return number;
}

static void parse_stress(Options *options, const char *word) {
    uint32_t every = stress_number(word, "deopt-every"), at = stress_number(word, "deopt-at");
    if (strcmp(word, "registers") == 0) options->jit.pool = RA_STRESS_POOL;
    else if (strcmp(word, "deopt-to-interp") == 0) options->jit.deopt_to = TIER_INTERP;
    else if (every) options->deopt_every = options->deopt_at = every;
    else if (at) options->deopt_at = at;
    else usage_error("--stress does not know", word);
    options->jit.stress = options->deopt_at > 0;
}

static void parse_broken(Options *options, const char *words) {
    do {
        size_t length = strcspn(words, ",");
        bool callee = length == strlen("callee-saved") && strncmp(words, "callee-saved", length) == 0;
        bool caller = length == strlen("caller-saved") && strncmp(words, "caller-saved", length) == 0;
        if (!callee && !caller) usage_error("--broken does not know", words);
        options->jit.broken |= callee ? BROKEN_CALLEE_SAVED : BROKEN_CALLER_SAVED;
        words += length;
    } while (*words++ == ',');
}

enum {
    OPTION_TIER = 256,
    OPTION_INTERP,
    OPTION_DUMP,
    OPTION_TIME,
    OPTION_CODE_SIZE,
    OPTION_VERIFY,
    OPTION_DEBUG_INFO,
    OPTION_HELP,
    OPTION_STRESS,
    OPTION_BROKEN,
    OPTION_HEAP_SIZE,
    OPTION_IC,
    OPTION_DISABLE,
    OPTION_RA,
    OPTION_OPT_AFTER,
};

static const struct option long_options[] = {
    {"tier", required_argument, NULL, OPTION_TIER},
    {"interp", no_argument, NULL, OPTION_INTERP},
    {"dump", required_argument, NULL, OPTION_DUMP},
    {"time", no_argument, NULL, OPTION_TIME},
    {"code-size", required_argument, NULL, OPTION_CODE_SIZE},
    {"verify", no_argument, NULL, OPTION_VERIFY},
    {"debug-info", no_argument, NULL, OPTION_DEBUG_INFO},
    {"stress", required_argument, NULL, OPTION_STRESS},
    {"broken", required_argument, NULL, OPTION_BROKEN},
    {"heap-size", required_argument, NULL, OPTION_HEAP_SIZE},
    {"ic", required_argument, NULL, OPTION_IC},
    {"disable", required_argument, NULL, OPTION_DISABLE},
    {"ra", required_argument, NULL, OPTION_RA},
    {"opt-after", required_argument, NULL, OPTION_OPT_AFTER},
    {"help", no_argument, NULL, OPTION_HELP},
    {0},
};

// What was printed must have arrived: a result that is lost on a full disk is no success.
static int close_output(int status) {
    if (fflush(stdout) == 0 && !ferror(stdout)) return status;
    fputs("jit: cannot write to the standard output\n", stderr);
    return status ? status : EXIT_NO_OUTPUT;
}

static void parse_option(Options *options, int option, const char *argument) {
    switch (option) {
    case OPTION_TIER: options->jit.tier = parse_tier(optarg); break;
    case OPTION_INTERP: options->jit.tier = TIER_INTERP; break;
    case OPTION_DUMP: parse_dump(options, optarg); break;
    case OPTION_TIME: options->time = true; break;
    case OPTION_CODE_SIZE: options->jit.code_size = parse_size(optarg, INT32_MAX); break;
    case OPTION_HEAP_SIZE: options->jit.heap_size = parse_size(optarg, MAX_HEAP_SIZE); break;
    case OPTION_IC: options->jit.ic = parse_ic(optarg); break;
    case OPTION_DISABLE: parse_disable(options, optarg); break;
    case OPTION_OPT_AFTER: parse_opt_after(options, optarg); break;
    case OPTION_RA: options->jit.allocator = parse_allocator(optarg); break;
    case OPTION_VERIFY: options->verify = options->jit.check = true; break;
    case OPTION_STRESS: parse_stress(options, optarg); break;
    case OPTION_BROKEN: parse_broken(options, optarg); break;
    case OPTION_DEBUG_INFO: options->jit.debug_info = true; break;
    case OPTION_HELP: fputs(help, stdout); exit(close_output(0));
    case ':': usage_error("no value is given for", argument);
    default: usage_error("cannot understand", argument);
    }
}

// Is something to be printed about optimised code before there is a run?
static bool dumps_before(const Options *options) {
    bool any = options->dump_asm || options->dump_lir || options->dump_intervals || options->dump_intervals_svg ||
               options->dump_regs || options->dump_ir || options->dump_ir_dot || options->dump_represent ||
               options->dump_passes;
    return any && !options->dump_after;
}

static Options parse_command_line(int argc, char **argv) {
    Options options = {.jit = jit_default_options};
    int option, at = optind; // the argument that getopt looks at
    opterr = 0;              // no messages from getopt
    while ((option = getopt_long(argc, argv, "+:", long_options, NULL)) != -1) {
        parse_option(&options, option, argv[at]);
        at = optind;
    }
    if (optind == argc) {
        fputs("jit: no program given; try --help\n", stderr);
        exit(EXIT_USAGE);
    }
    options.jit.counts_hits = options.dump_ic;
    if (dumps_before(&options) && !options.waits) options.jit.opt_after = 0;
    options.file = argv[optind];
    options.args = argv + optind + 1;
    options.num_args = argc - optind - 1;
    return options;
}

static _Noreturn void reject(const Program *program, const Diagnostic *diagnostic) {
    diagnostic_print(stderr, program, diagnostic);
    exit(EXIT_BAD_INPUT);
}

static Program *load_program(const char *file) {
    Program *program = program_new(file);
    natives_register(program);
    Diagnostic diagnostic = {0};
    size_t length;
    char *text = read_file(file, &length, diagnostic.message, sizeof diagnostic.message);
    if (!text) reject(program, &diagnostic);
    bool ok = program_parse(program, text, length, &diagnostic) && program_verify(program, &diagnostic);
    free(text);
    if (!ok) reject(program, &diagnostic);
    return program;
}

static const Function *find_main(const Program *program) {
    const Function *function = program_find(program, "main");
    if (function) return function;
    Diagnostic diagnostic = {.message = "there is no function 'main'"};
    reject(program, &diagnostic);
}

static Value *parse_arguments(const Options *options, Program *program, const Function *function) {
    if ((uint32_t)options->num_args != function->num_params) {
        fprintf(stderr, "jit: main takes %u argument%s, %d given; options stand before the program; try --help\n",
                function->num_params, function->num_params == 1 ? "" : "s", options->num_args);
        exit(EXIT_USAGE);
    }
    Value *args = xcalloc((size_t)options->num_args, sizeof *args);
    for (int i = 0; i < options->num_args; i++) args[i] = program_number(program, parse_argument(options->args[i]));
    return args;
}

static double now_in_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

// Does every byte of the code belong to an instruction?
static void verify_code(const JitCompiler *jit, const Function *function) {
    size_t size;
    const uint8_t *code = jit_code(jit, function, &size);
    int64_t bad = code ? disasm_check(code, size) : -1;
    if (bad >= 0) fatal("%s+%" PRId64 ": not an instruction", function->name, bad);
}

static void print_pass_times(const JitCompiler *jit) {
    for (OptPass pass = 0; pass < NUM_OPT_PASSES; pass++)
        fprintf(stderr, "  %-8s %.3f ms\n", opt_pass_info[pass].name, (double)jit_pass_times(jit)[pass] / 1e6);
}

static void dump_functions(const Options *options, const JitCompiler *jit, const Program *program) {
    for (size_t i = 0; i < program->num_functions; i++) {
        const Function *function = &program->functions[i];
        if (options->dump_passes) jit_dump_passes(stdout, jit, function, options->dump_passes);
        if (options->dump_ir) jit_dump(stdout, jit, function, DUMP_IR);
        if (options->dump_represent) jit_dump(stdout, jit, function, DUMP_REPRESENT);
        if (options->dump_ir_dot) jit_dump(stdout, jit, function, DUMP_IR_DOT);
        if (options->dump_lir) jit_dump(stdout, jit, function, DUMP_LIR);
        if (options->dump_intervals) jit_dump(stdout, jit, function, DUMP_INTERVALS);
        if (options->dump_intervals_svg) jit_dump(stdout, jit, function, DUMP_INTERVALS_SVG);
        if (options->dump_regs) jit_dump(stdout, jit, function, DUMP_REGS);
        if (options->dump_asm) jit_dump_asm(stdout, jit, function);
    }
}

static void compile(const Options *options, JitCompiler *jit, const Program *program) {
    double start = now_in_ms();
    size_t compiled = jit_compile_all(jit);
    double end = now_in_ms();
    if (options->time)
        fprintf(stderr, "compiled %zu of %zu functions, %zu bytes, in %.3f ms\n", compiled,
                program->num_functions, jit_code_used(jit), end - start);
    if (options->time && options->jit.tier == TIER_OPT) print_pass_times(jit);
    for (size_t i = 0; i < program->num_functions && options->verify; i++) verify_code(jit, &program->functions[i]);
    if (!options->dump_after) dump_functions(options, jit, program);
}

static void print_result(const Vm *vm, Value result) {
    value_print(stdout, vm, result);
    putchar('\n');
}

static int run(const Options *options, JitCompiler *jit, const Function *function, const Value *args) {
    fflush(stdout);
    Value result;
    double start = now_in_ms();
    RunStatus status = jit_execute(jit, function->name, args, &result);
    if (options->time) fprintf(stderr, "ran in %.3f ms\n", now_in_ms() - start);
    if (status) vm_print_error(stderr, jit_vm(jit));
    else print_result(jit_vm(jit), result);
    if (options->dump_ic) ic_dump(stdout, jit_vm(jit));
    if (options->dump_feedback) feedback_dump(stdout, jit_vm(jit));
    if (options->dump_after) dump_functions(options, jit, jit_vm(jit)->program);
    return status ? EXIT_RUN_ERROR : 0;
}

static void print_deopt(void *context, Vm *vm, const DeoptEvent *event) {
    (void)context;
    deopt_print_event(stdout, vm, event);
}

// Have failed guards printed, and have some of them fail.
static void watch_deopts(const Options *options, JitCompiler *jit) {
    Deopt *deopt = jit_vm(jit)->deopt;
    if (!deopt) return;
    if (options->dump_deopt) deopt->observe = print_deopt;
    deopt->is_armed = options->deopt_at > 0;
    deopt->countdown = options->deopt_at;
    deopt->every = options->deopt_every;
}

int main(int argc, char **argv) {
    Options options = parse_command_line(argc, argv);
    Program *program = load_program(options.file);
    const Function *function = find_main(program);
    Value *args = parse_arguments(&options, program, function);
    if (options.dump_bytecode) program_print(stdout, program);
    JitCompiler *jit = jit_new(program, &options.jit);
    watch_deopts(&options, jit);
    compile(&options, jit, program);
    int status = run(&options, jit, function, args);
    jit_free(jit);
    free(args);
    program_free(program);
    return close_output(status);
}
