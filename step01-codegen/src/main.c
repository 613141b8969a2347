// The command line: read a program, verify it, run it, print what main returns.
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fatal.h"
#include "bytecode/parse.h"
#include "bytecode/verify.h"
#include "code/disasm.h"
#include "jit.h"

// Exit statuses; EXIT_BUG is in base/fatal.h.
enum { EXIT_RUN_ERROR = 1, EXIT_USAGE = 2, EXIT_BAD_INPUT = 65, EXIT_NO_OUTPUT = 74 };

typedef struct Options {
    bool time, verify;
    bool dump_bytecode, dump_asm;
    JitOptions jit;
    const char *file;
    char **args; // arguments of main, as text
    int num_args;
} Options;

static const char help[] =
    "usage: build/jit [options] program.bca [integer ...]\n"
    "Runs the program's main function with the integers and prints what it returns.\n"
    "\n"
    "  --tier=NAME      the engine to use; the names are\n"
    "                     interp    interpret, compile nothing\n"
    "                     baseline  compile one bytecode instruction at a time (the default)\n"
    "  --interp         the same as --tier=interp\n"
    "  --dump=WORD,...  print before running; the words are\n"
    "                     bytecode  the program\n"
    "                     asm       the machine code of every function\n"
    "  --time           print on stderr how long compiling and running took\n"
    "  --code-size=N    bytes of machine code, at most (default 16777216); functions that do\n"
    "                   not fit are interpreted\n"
    "  --verify         check the generated code before running it\n"
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

// As in a program's text: decimal, or a hexadecimal bit pattern.
static int64_t parse_argument(const char *text) {
    const char *digits = *text == '-' ? text + 1 : text;
    bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
    bool bit_pattern = hex && digits == text;
    char *end;
    errno = 0;
    long long value = bit_pattern ? (long long)strtoull(text, &end, 16) : strtoll(text, &end, hex ? 16 : 10);
    bool is_number = *digits >= '0' && *digits <= '9'; // strtoll would allow blanks and a +
    if (!is_number || *end || errno) usage_error("not a 64-bit integer:", text);
    return value;
}

// A number of bytes.
static size_t parse_size(const char *text, int64_t largest) {
    int64_t size = parse_argument(text);
    if (size < 0 || size > largest) usage_error("not a size in range:", text);
    return (size_t)size;
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
};

static bool set_dump_flag(Options *options, const char *word, size_t length) {
    for (size_t i = 0; i < sizeof dump_words / sizeof dump_words[0]; i++) {
        if (strlen(dump_words[i].word) != length || strncmp(dump_words[i].word, word, length) != 0) continue;
        *(bool *)((char *)options + dump_words[i].flag) = true;
        return true;
    }
    return false;
}

static void parse_dump(Options *options, const char *words) {
    do {
        size_t length = strcspn(words, ",");
        if (!set_dump_flag(options, words, length)) usage_error("--dump does not know", words);
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
};

static const struct option long_options[] = {
    {"tier", required_argument, NULL, OPTION_TIER},
    {"interp", no_argument, NULL, OPTION_INTERP},
    {"dump", required_argument, NULL, OPTION_DUMP},
    {"time", no_argument, NULL, OPTION_TIME},
    {"code-size", required_argument, NULL, OPTION_CODE_SIZE},
    {"verify", no_argument, NULL, OPTION_VERIFY},
    {"debug-info", no_argument, NULL, OPTION_DEBUG_INFO},
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
    case OPTION_VERIFY: options->verify = true; break;
    case OPTION_DEBUG_INFO: options->jit.debug_info = true; break;
    case OPTION_HELP: fputs(help, stdout); exit(close_output(0));
    case ':': usage_error("no value is given for", argument);
    default: usage_error("cannot understand", argument);
    }
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

static int64_t *parse_arguments(const Options *options, const Function *function) {
    if ((uint32_t)options->num_args != function->num_params) {
        fprintf(stderr, "jit: main takes %u argument%s, %d given; options stand before the program; try --help\n",
                function->num_params, function->num_params == 1 ? "" : "s", options->num_args);
        exit(EXIT_USAGE);
    }
    int64_t *args = xcalloc((size_t)options->num_args, sizeof *args);
    for (int i = 0; i < options->num_args; i++) args[i] = parse_argument(options->args[i]);
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

static void compile(const Options *options, JitCompiler *jit, const Program *program) {
    double start = now_in_ms();
    size_t compiled = jit_compile_all(jit);
    double end = now_in_ms();
    if (options->time)
        fprintf(stderr, "compiled %zu of %zu functions, %zu bytes, in %.3f ms\n", compiled,
                program->num_functions, jit_code_used(jit), end - start);
    for (size_t i = 0; i < program->num_functions; i++) {
        const Function *function = &program->functions[i];
        if (options->verify) verify_code(jit, function);
        if (options->dump_asm) jit_dump_asm(stdout, jit, function);
    }
}

static int run(const Options *options, JitCompiler *jit, const Function *function, const int64_t *args) {
    fflush(stdout);
    int64_t result;
    double start = now_in_ms();
    RunStatus status = jit_execute(jit, function->name, args, &result);
    if (options->time) fprintf(stderr, "ran in %.3f ms\n", now_in_ms() - start);
    if (status) vm_print_error(stderr, jit_vm(jit));
    else printf("%" PRId64 "\n", result);
    return status ? EXIT_RUN_ERROR : 0;
}

int main(int argc, char **argv) {
    Options options = parse_command_line(argc, argv);
    Program *program = load_program(options.file);
    const Function *function = find_main(program);
    int64_t *args = parse_arguments(&options, function);
    if (options.dump_bytecode) program_print(stdout, program);
    JitCompiler *jit = jit_new(program, &options.jit);
    compile(&options, jit, program);
    int status = run(&options, jit, function, args);
    jit_free(jit);
    free(args);
    program_free(program);
    return close_output(status);
}
