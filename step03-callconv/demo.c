// What step 3 is about, in a terminal: each half of the calling convention broken, what comes of it, and
// the same program once more as it should be. `make demo` builds and runs this.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytecode/parse.h"
#include "bytecode/verify.h"
#include "jit.h"
#include "testing/abi_probe.h"
#include "testing/crash_guard.h"

typedef int64_t EntryCode(void);

// The victim of the first fault: plain C that keeps a pointer across a call.
__attribute__((noinline)) static int64_t call_and_read(EntryCode *code, const int64_t *cell) {
    int64_t sum = code();
    return sum + *cell;
}

// What the programs call: any C function may destroy the caller-saved registers, and this one does.
static int64_t answer(void) { return abi_poison(42); }

// One value for each of the five callee-saved registers. As addresses they lead nowhere.
static const char five_values[] =
    "func main params=0 locals=5\n"
    " load_const 0x1110\n store_local 0\n load_const 0x2220\n store_local 1\n load_const 0x3330\n store_local 2\n"
    " load_const 0x4440\n store_local 3\n load_const 0x5550\n store_local 4\n"
    " call_native answer\n"
    " load_local 0\n add\n load_local 1\n add\n load_local 2\n add\n load_local 3\n add\n load_local 4\n add\n"
    " return\nend\n";

static const char hundred_and_42[] =
    "func main params=0 locals=1\n load_const 100\n store_local 0\n call_native answer\n load_local 0\n add\n"
    " return\nend\n";

enum { FIVE_VALUES_SUM = 0x1110 + 0x2220 + 0x3330 + 0x4440 + 0x5550 + 42, CELL = 7 };

// Text.

static bool colours;

static const char *colour(const char *code) { return colours ? code : ""; }
#define BOLD colour("\033[1m")
#define RED colour("\033[31m")
#define GREEN colour("\033[32m")
#define PLAIN colour("\033[0m")

static void heading(const char *text) { printf("\n%s%s%s\n", BOLD, text, PLAIN); }

// Instructions that contain the word are remarked upon.
typedef struct Remark {
    const char *word, *text;
} Remark;

static const char *remark_on(const char *instruction, const Remark *remarks) {
    for (; remarks->word; remarks++)
        if (strstr(instruction, remarks->word)) return remarks->text;
    return NULL;
}

// Every function that calls begins with a check of the stack, which is not what this is about.
static bool begins_stack_check(const char *instruction) { return strncmp(instruction, "movabs r10,", 11) == 0; }
static bool ends_stack_check(const char *instruction) { return strncmp(instruction, "jb ", 3) == 0; }

typedef enum Detail { ALL, REMARKED_ONLY } Detail;

// Print the instructions from `code` on, up to a RET, `size` bytes at most.
static void print_code(const void *code, size_t size, Detail detail, const Remark *remarks) {
    char instruction[DISASM_TEXT_SIZE] = "";
    bool in_check = false;
    size_t length;
    if (!disasm_available()) puts("    (no listing without Capstone: `make doctor` says how to install it)");
    for (size_t at = 0; at < size && strcmp(instruction, "ret") != 0; at += length) {
        const uint8_t *bytes = (const uint8_t *)code + at;
        length = disasm_instruction(bytes, size - at, (uintptr_t)bytes, instruction, sizeof instruction);
        if (length == 0) return;
        const char *remark = remark_on(instruction, remarks);
        in_check |= begins_stack_check(instruction);
        if (remark) printf("    %s%-34s %s%s\n", RED, instruction, remark, PLAIN);
        else if (detail == ALL && !in_check) printf("    %s\n", instruction);
        else if (detail == ALL && begins_stack_check(instruction)) puts("    ... is there room on the stack?");
        if (ends_stack_check(instruction)) in_check = false;
    }
}

// Programs.

typedef struct Compiled {
    Program *program;
    JitCompiler *jit;
    EntryCode *code;
    size_t size;
} Compiled;

static Compiled compile(const char *text, unsigned broken, bool check) {
    Compiled c = {.program = program_new("demo.bca")};
    program_add_native(c.program, "answer", 0, (NativeCode *)(uintptr_t)answer);
    Diagnostic diagnostic = {0};
    if (!program_parse(c.program, text, strlen(text), &diagnostic) || !program_verify(c.program, &diagnostic)) {
        diagnostic_print(stderr, c.program, &diagnostic);
        exit(70);
    }
    JitOptions options = jit_default_options;
    options.code_size = 1 << 16;
    options.broken = broken;
    options.check = check;
    c.jit = jit_new(c.program, &options);
    jit_compile_all(c.jit);
    c.code = (EntryCode *)(uintptr_t)jit_code(c.jit, &c.program->functions[0], &c.size);
    return c;
}

static void discard(Compiled *c) {
    jit_free(c->jit);
    program_free(c->program);
}

static void print_probe(const Compiled *c) {
    AbiReport report;
    int64_t result = abi_probe_call(&report, (void *)(uintptr_t)c->code, NULL, 0);
    printf("  The generated code itself returns %" PRId64 ", which is %s. The ABI probe says:\n", result,
           result == FIVE_VALUES_SUM ? "right" : "wrong");
    if (report.ok) printf("    %severy register that C owns came back unchanged%s\n", GREEN, PLAIN);
    for (char *line = strtok(report.text, "\n"); line; line = strtok(NULL, "\n")) printf("    %s%s%s\n", RED, line, PLAIN);
}

// Entered through the probe, so that the damage ends there and not in this program.
static void run_c_caller(void *argument) {
    static const int64_t cell = CELL;
    AbiReport report;
    const int64_t args[] = {(int64_t)(uintptr_t)((const Compiled *)argument)->code, (int64_t)(uintptr_t)&cell};
    int64_t result = abi_probe_call(&report, (void *)(uintptr_t)call_and_read, args, 2);
    printf("%" PRId64, result);
}

static void print_crash(const CrashReport *report) {
    static const int saved[] = {3, 12, 13, 14, 15}; // rbx, r12 ... r15
    char summary[DISASM_TEXT_SIZE + 128];
    crash_report_summary(report, summary, sizeof summary);
    printf("    %s%s%s\n    ", RED, summary, PLAIN);
    for (size_t i = 0; i < sizeof saved / sizeof *saved; i++) {
        bool guilty = report->registers[saved[i]] == report->fault_address;
        printf("%s%s = %#" PRIx64 "%s%s", guilty ? RED : "", crash_register_names[saved[i]],
               report->registers[saved[i]], guilty ? PLAIN : "", i < 4 ? ", " : "\n");
    }
    printf("    rip = %#" PRIx64 ", in C: the generated code returned long ago\n", report->rip);
}

// The register that the C compiler chose for the pointer, as the crash shows it; NULL if there was none.
static const char *register_of_pointer(const CrashReport *report) {
    for (int i = 0; i < CRASH_REGISTERS && report->signal; i++) {
        char operand[16];
        snprintf(operand, sizeof operand, "[%s", crash_register_names[i]);
        bool named = !report->instruction[0] || strstr(report->instruction, operand);
        if (named && report->registers[i] == report->fault_address) return crash_register_names[i];
    }
    return NULL;
}

// The generated code's instruction that wrote this register is the one with that constant.
static const char *guilty_word(const CrashReport *report) {
    static char word[24];
    if (!report->signal) return "nothing";
    snprintf(word, sizeof word, ", %#" PRIx64, report->fault_address);
    return word;
}

static void show_broken_callee(void) {
    Compiled broken = compile(five_values, BROKEN_CALLEE_SAVED, false);
    CrashReport report;
    crash_guard_run(&report, NULL, run_c_caller, &broken);
    const char *pointer = register_of_pointer(&report);
    heading("1. Generated code as the callee: it changes registers that belong to its caller");
    puts("  A C function calls generated code, then reads through a pointer:\n"
         "    int64_t sum = code();\n"
         "    return sum + *cell;");
    if (pointer) printf("  The C compiler keeps `cell` in %s, because a call has to hand that back unchanged:\n", pointer);
    char operand[8];
    snprintf(operand, sizeof operand, "[%s", pointer ? pointer : "-");
    print_code((const void *)(uintptr_t)call_and_read, 64, ALL, (Remark[]){{operand, "<- cell is expected here"}, {0}});
    puts("  Code made with --broken=callee-saved keeps five values there and saves nothing:");
    print_code((const void *)(uintptr_t)broken.code, broken.size, ALL,
               (Remark[]){{guilty_word(&report), "<- the pointer is lost here"}, {0}});
    print_probe(&broken);
    puts("  The C function, in a process of its own:");
    if (pointer) print_crash(&report);
    else printf("    ended with %s: the C compiler of this build kept the pointer in memory\n", report.out);
    crash_report_free(&report);
    discard(&broken);
}

static bool show_fixed_callee(void) {
    Compiled fixed = compile(five_values, 0, false);
    CrashReport report;
    crash_guard_run(&report, NULL, run_c_caller, &fixed);
    static const Remark remarks[] = {
        {"], rbx", "<- our caller's value is saved"}, {"mov ebx", "<- then the register is ours"},
        {"mov rbx, qword", "<- and restored"}, {0},
    };
    heading("2. The fix: save in the prologue what you use, and restore it before you return");
    puts("  The same code, correct. For rbx (and likewise for the other four):");
    print_code((const void *)(uintptr_t)fixed.code, fixed.size, REMARKED_ONLY, remarks);
    print_probe(&fixed);
    bool ok = report.outcome == CRASH_RETURNED && strtoll(report.out, NULL, 10) == FIVE_VALUES_SUM + CELL;
    printf("  The C function returns %s%s%s: %d + %d.\n", ok ? GREEN : RED, report.out, PLAIN, FIVE_VALUES_SUM, CELL);
    crash_report_free(&report);
    discard(&fixed);
    return ok;
}

static void compile_checked(void *argument) {
    (void)argument;
    Compiled c = compile(hundred_and_42, BROKEN_CALLER_SAVED, true);
    discard(&c);
}

static bool show_broken_caller(void) {
    static const Remark remarks[] = {
        {"mov ecx, 0x64", "<- 100 waits in rcx"}, {"call", "<- which this call may destroy"}, {"rcx", "<- 100? whatever is there now"}, {0},
    };
    Compiled broken = compile(hundred_and_42, BROKEN_CALLER_SAVED, false);
    heading("3. Generated code as the caller: it relies on a register that the callee may change");
    puts("  100 + answer(), where answer is a C function that returns 42, with --broken=caller-saved:");
    print_code((const void *)(uintptr_t)broken.code, broken.size, ALL, remarks);
    int64_t wrong = broken.code();
    printf("  100 + 42 = %s%" PRId64 "%s\n", RED, wrong, PLAIN);
    discard(&broken);
    CrashReport report;
    crash_guard_run(&report, NULL, compile_checked, NULL);
    if (report.err) report.err[strcspn(report.err, "\n")] = '\0';
    printf("  With --verify it does not get that far; the allocation checker stops it:\n    %s\n", report.err);
    crash_report_free(&report);
    return wrong != 142;
}

static bool show_fixed_caller(void) {
    static const Remark remarks[] = {
        {"], rbx", "<- our caller's value of rbx is saved"}, {"mov rbx, qword", "<- and restored"}, {0},
    };
    Compiled fixed = compile(hundred_and_42, 0, false);
    heading("4. The fix: what lives across a call waits in a callee-saved register, or in memory");
    print_code((const void *)(uintptr_t)fixed.code, fixed.size, ALL, remarks);
    AbiReport report;
    int64_t sum = abi_probe_call(&report, (void *)(uintptr_t)fixed.code, NULL, 0);
    bool ok = sum == 142 && report.ok;
    printf("  100 + 42 = %s%" PRId64 "%s, and the ABI probe finds %s.\n", ok ? GREEN : RED, sum, PLAIN,
           report.ok ? "every register as it was" : "registers changed");
    discard(&fixed);
    return ok;
}

int main(void) {
    colours = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    printf("%sThe calling convention, broken and fixed%s\n", BOLD, PLAIN);
    show_broken_callee();
    bool ok = show_fixed_callee();
    ok &= show_broken_caller();
    ok &= show_fixed_caller();
    return ok ? 0 : 1;
}
