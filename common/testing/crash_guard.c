// Running a function that may crash (see crash_guard.h).
//
// Three pipes lead from the child: stdout, stderr, and the context that its signal handler writes:
// one Context, and then the code bytes at rip, as many as are readable. The parent reads all three,
// watches the clock and the child's resident memory, and takes the child's status at the end.
//
// Resident memory is watched rather than limited by the kernel, because RLIMIT_AS counts what
// AddressSanitizer reserves. RLIMIT_AS still stands behind it, in case that memory is eaten faster
// than the parent looks; the child's highest mark then says that memory was the reason.
#include "testing/crash_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/memory.h"

enum {
    DEFAULT_SECONDS = 10,
    DEFAULT_MEMORY = 512 * 1024 * 1024,
    DEFAULT_OUTPUT = 64 * 1024,
    ADDRESS_SPACE_SLACK = 1024 * 1024 * 1024,
    HANDLER_STACK = 64 * 1024,
    TICK_MS = 5,
    DYING_SECONDS = 1, // for the handler to report where a timeout struck
    PAGE = 4096,
};

// A signal that the parent sends to a child that has used up its time.
enum { SIGNAL_TIMEOUT = SIGALRM };

// What the child sends. It is smaller than PIPE_BUF, so that it arrives whole.
typedef struct Context {
    bool returned; // no signal: the function came back
    int signal;
    uint64_t fault_address, registers[CRASH_REGISTERS], rip, rflags;
} Context;

_Static_assert(sizeof(Context) + CRASH_CODE_BYTES <= 512, "a write to a pipe is atomic"); // _POSIX_PIPE_BUF

const char *const crash_register_names[CRASH_REGISTERS] = {
    "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
    "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15",
};

// The child.

// Where ucontext_t keeps each register.
static const int context_index[CRASH_REGISTERS] = {
    REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
    REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

static int context_pipe; // of the child: its signal handler has no argument to find it by

// write(2) without what a sanitizer puts around it: `bytes` may be an address of any kind, and the
// kernel answers with an error if it is not readable.
static bool send_bytes(uintptr_t bytes, size_t size) {
    return syscall(SYS_write, context_pipe, bytes, size) == (long)size;
}

static void send_code(uintptr_t rip) {
    size_t left_in_page = PAGE - rip % PAGE;
    if (send_bytes(rip, CRASH_CODE_BYTES)) return;
    if (left_in_page < CRASH_CODE_BYTES) send_bytes(rip, left_in_page);
}

static void handle_signal(int number, siginfo_t *info, void *user_context) {
    const greg_t *registers = ((const ucontext_t *)user_context)->uc_mcontext.gregs;
    Context context = {.signal = number};
    context.rip = (uint64_t)registers[REG_RIP];
    context.rflags = (uint64_t)registers[REG_EFL];
    for (int i = 0; i < CRASH_REGISTERS; i++)
        context.registers[i] = (uint64_t)registers[context_index[i]];
    bool is_fault = number == SIGSEGV || number == SIGBUS || number == SIGILL || number == SIGFPE;
    if (is_fault && info->si_code > 0) context.fault_address = (uint64_t)(uintptr_t)info->si_addr;
    send_bytes((uintptr_t)&context, sizeof context);
    send_code(context.rip);
    // The default action again (SA_RESETHAND), and the same signal, delivered when we return.
    syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), number);
}

static void install_handlers(void) {
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS, SIGNAL_TIMEOUT};
    stack_t stack = {.ss_size = HANDLER_STACK};
    stack.ss_sp = mmap(NULL, HANDLER_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack.ss_sp == MAP_FAILED || sigaltstack(&stack, NULL) != 0) return;
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND};
    action.sa_sigaction = handle_signal;
    sigset_t unblocked;
    sigemptyset(&unblocked);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        sigaction(signals[i], &action, NULL);
        sigaddset(&unblocked, signals[i]);
    }
    sigprocmask(SIG_UNBLOCK, &unblocked, NULL);
}

// Two numbers of /proc/PID/statm, in bytes.
typedef struct MemoryUse {
    size_t mapped, resident;
} MemoryUse;

static MemoryUse memory_use(pid_t process) {
    MemoryUse use = {0};
    char path[64], text[128] = "";
    snprintf(path, sizeof path, "/proc/%d/statm", (int)process);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return use;
    ssize_t size = read(file, text, sizeof text - 1);
    close(file);
    if (size > 0 && sscanf(text, "%zu %zu", &use.mapped, &use.resident) == 2) {
        use.mapped *= PAGE;
        use.resident *= PAGE;
    }
    return use;
}

static void lower_limit(int resource, rlim_t value) {
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)resource, &limit) != 0) return;
    if (value < limit.rlim_cur) limit.rlim_cur = value;
    setrlimit((__rlimit_resource_t)resource, &limit);
}

static void limit_resources(const CrashLimits *limits) {
    lower_limit(RLIMIT_CORE, 0);
    lower_limit(RLIMIT_CPU, 4 * (rlim_t)limits->seconds + 4); // should the parent not watch any more
    lower_limit(RLIMIT_AS, memory_use(getpid()).mapped + limits->memory_bytes + ADDRESS_SPACE_SLACK);
}

enum { OUT, ERR, CONTEXT, NUM_STREAMS };

typedef struct Pipes {
    int read_end[NUM_STREAMS], write_end[NUM_STREAMS];
} Pipes;

_Noreturn static void run_child(const Pipes *pipes, const CrashLimits *limits, void (*function)(void *),
                                void *argument) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    dup2(pipes->write_end[OUT], STDOUT_FILENO);
    dup2(pipes->write_end[ERR], STDERR_FILENO);
    context_pipe = pipes->write_end[CONTEXT];
    setvbuf(stdout, NULL, _IOLBF, 0); // a crash loses at most one line
    limit_resources(limits);
    install_handlers();
    function(argument);
    fflush(NULL);
    Context context = {.returned = true};
    send_bytes((uintptr_t)&context, sizeof context);
    _exit(0);
}

// The parent.

static double now_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool open_pipes(Pipes *pipes) {
    for (int i = 0; i < NUM_STREAMS; i++) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) {
            while (i-- > 0) close(pipes->read_end[i]), close(pipes->write_end[i]);
            return false;
        }
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
        pipes->read_end[i] = ends[0];
        pipes->write_end[i] = ends[1];
    }
    return true;
}

// What has been read from a pipe: at most `limit` bytes, and whether there were more.
typedef struct Stream {
    int pipe; // -1 once it has ended
    char *bytes;
    size_t size, limit;
    bool cut;
} Stream;

static Stream new_stream(int pipe, size_t limit) {
    return (Stream){.pipe = pipe, .bytes = xcalloc(limit + 1, 1), .limit = limit};
}

// Read what is there without waiting.
static void drain(Stream *stream) {
    char chunk[4096];
    while (stream->pipe >= 0) {
        ssize_t count = read(stream->pipe, chunk, sizeof chunk);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno == EAGAIN) return;
        if (count <= 0) {
            close(stream->pipe);
            stream->pipe = -1;
            return;
        }
        size_t kept = (size_t)count;
        if (kept > stream->limit - stream->size) {
            kept = stream->limit - stream->size;
            stream->cut = true;
        }
        memcpy(stream->bytes + stream->size, chunk, kept);
        stream->size += kept;
    }
}

typedef struct Guard {
    pid_t child;
    const CrashLimits *limits;
    double started;
    size_t memory_before; // resident bytes of the parent when it forked
    Stream streams[NUM_STREAMS];
    bool timed_out, ate_memory;
    double kill_at; // when a child that was asked to die is killed
} Guard;

static void wait_a_moment(Guard *guard) {
    struct pollfd polls[NUM_STREAMS];
    for (int i = 0; i < NUM_STREAMS; i++)
        polls[i] = (struct pollfd){.fd = guard->streams[i].pipe, .events = POLLIN}; // -1 is skipped
    poll(polls, NUM_STREAMS, TICK_MS);
    for (int i = 0; i < NUM_STREAMS; i++) drain(&guard->streams[i]);
}

static void enforce_limits(Guard *guard) {
    double now = now_seconds();
    if (guard->timed_out) {
        if (now >= guard->kill_at) kill(guard->child, SIGKILL);
    } else if (now - guard->started > guard->limits->seconds) {
        guard->timed_out = true;
        guard->kill_at = now + DYING_SECONDS;
        kill(guard->child, SIGNAL_TIMEOUT);
    }
    if (memory_use(guard->child).resident > guard->memory_before + guard->limits->memory_bytes) {
        guard->ate_memory = true;
        kill(guard->child, SIGKILL);
    }
}

static bool has_ended(pid_t child) { // leaves it as it is, so that its process group still exists
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == child;
}

// Wait for the child's end. Returns its wait status.
static int watch(Guard *guard, struct rusage *usage) {
    int status = 0;
    while (!has_ended(guard->child)) {
        wait_a_moment(guard);
        enforce_limits(guard);
    }
    kill(-guard->child, SIGKILL); // what it left behind
    wait4(guard->child, &status, 0, usage);
    for (int i = 0; i < NUM_STREAMS; i++) drain(&guard->streams[i]);
    return status;
}

static void take_context(CrashReport *report, const Stream *stream, bool *returned) {
    Context context = {0};
    if (stream->size < sizeof context) return;
    memcpy(&context, stream->bytes, sizeof context);
    *returned = context.returned;
    if (context.returned) return;
    report->has_context = true;
    report->fault_address = context.fault_address;
    memcpy(report->registers, context.registers, sizeof report->registers);
    report->rip = context.rip;
    report->rflags = context.rflags;
    report->num_code_bytes = stream->size - sizeof context;
    memcpy(report->code, stream->bytes + sizeof context, report->num_code_bytes);
    disasm_instruction(report->code, report->num_code_bytes, report->rip, report->instruction,
                       sizeof report->instruction);
}

static void fill_report(CrashReport *report, Guard *guard, int status, const struct rusage *usage) {
    bool returned = false;
    report->seconds = now_seconds() - guard->started;
    report->peak_memory_bytes = (size_t)usage->ru_maxrss * 1024;
    take_context(report, &guard->streams[CONTEXT], &returned);
    if (WIFSIGNALED(status)) report->signal = WTERMSIG(status);
    if (WIFEXITED(status)) report->exit_code = WEXITSTATUS(status);

    bool succeeded = returned || (WIFEXITED(status) && report->exit_code == 0);
    bool above_limit = report->peak_memory_bytes > guard->memory_before + guard->limits->memory_bytes;
    if (guard->ate_memory || (above_limit && !succeeded)) report->outcome = CRASH_MEMORY;
    else if (guard->timed_out && report->signal) report->outcome = CRASH_TIMEOUT;
    else if (report->signal) report->outcome = CRASH_SIGNALLED;
    else report->outcome = returned ? CRASH_RETURNED : CRASH_EXITED;
    if (report->outcome != CRASH_SIGNALLED) report->signal = 0;
}

static CrashLimits with_defaults(const CrashLimits *limits) {
    CrashLimits result = limits ? *limits : (CrashLimits){0};
    if (result.seconds <= 0) result.seconds = DEFAULT_SECONDS;
    if (result.memory_bytes == 0) result.memory_bytes = DEFAULT_MEMORY;
    if (result.output_bytes == 0) result.output_bytes = DEFAULT_OUTPUT;
    return result;
}

void crash_guard_run(CrashReport *report, const CrashLimits *limits, void (*function)(void *),
                     void *argument) {
    CrashLimits actual = with_defaults(limits);
    Pipes pipes;
    *report = (CrashReport){.outcome = CRASH_NOT_RUN};
    if (!open_pipes(&pipes)) return;
    fflush(NULL); // or the child prints what is in our buffers once more
    Guard guard = {.limits = &actual, .started = now_seconds(), .memory_before = memory_use(getpid()).resident};
    guard.child = fork();
    if (guard.child == 0) run_child(&pipes, &actual, function, argument);
    if (guard.child > 0) setpgid(guard.child, guard.child); // whoever comes first
    const size_t kept[] = {actual.output_bytes, actual.output_bytes, sizeof(Context) + CRASH_CODE_BYTES};
    for (int i = 0; i < NUM_STREAMS; i++) {
        close(pipes.write_end[i]);
        guard.streams[i] = new_stream(pipes.read_end[i], kept[i]);
    }

    if (guard.child > 0) {
        struct rusage usage = {0};
        int status = watch(&guard, &usage);
        fill_report(report, &guard, status, &usage);
    }
    for (int i = 0; i < NUM_STREAMS; i++)
        if (guard.streams[i].pipe >= 0) close(guard.streams[i].pipe);
    free(guard.streams[CONTEXT].bytes);
    report->out = guard.streams[OUT].bytes;
    report->out_size = guard.streams[OUT].size;
    report->out_cut = guard.streams[OUT].cut;
    report->err = guard.streams[ERR].bytes;
    report->err_size = guard.streams[ERR].size;
    report->err_cut = guard.streams[ERR].cut;
}

void crash_report_free(CrashReport *report) {
    free(report->out);
    free(report->err);
    *report = (CrashReport){0};
}

// In words.

static void describe_place(const CrashReport *report, char *text, size_t text_size) {
    text[0] = '\0';
    if (!report->has_context) return;
    if (report->instruction[0]) snprintf(text, text_size, " in `%s`", report->instruction);
    else snprintf(text, text_size, " at rip %#" PRIx64, report->rip);
}

void crash_report_summary(const CrashReport *report, char *text, size_t text_size) {
    char place[DISASM_TEXT_SIZE + 16], name[16];
    describe_place(report, place, sizeof place);
    const char *abbreviation = report->signal ? sigabbrev_np(report->signal) : NULL;
    if (abbreviation) snprintf(name, sizeof name, "SIG%.10s", abbreviation);
    else snprintf(name, sizeof name, "signal %d", report->signal);
    size_t mib = report->peak_memory_bytes >> 20;
    switch (report->outcome) {
        case CRASH_RETURNED: snprintf(text, text_size, "returned"); break;
        case CRASH_EXITED: snprintf(text, text_size, "exited with %d", report->exit_code); break;
        case CRASH_SIGNALLED:
            if (report->signal == SIGSEGV || report->signal == SIGBUS)
                snprintf(text, text_size, "killed by %s at %#" PRIx64 "%s", name, report->fault_address, place);
            else snprintf(text, text_size, "killed by %s%s", name, place);
            break;
        case CRASH_TIMEOUT:
            snprintf(text, text_size, "still running after %.1f s%s", report->seconds, place);
            break;
        case CRASH_MEMORY: snprintf(text, text_size, "needed too much memory: %zu MiB", mib); break;
        case CRASH_NOT_RUN: snprintf(text, text_size, "no process could be started"); break;
    }
}

static void print_registers(FILE *out, const CrashReport *report) {
    enum { PER_LINE = 4 };
    for (int i = 0; i < CRASH_REGISTERS; i++)
        fprintf(out, "  %-3s %016" PRIx64 "%s", crash_register_names[i], report->registers[i],
                i % PER_LINE == PER_LINE - 1 ? "\n" : "");
    fprintf(out, "  rip %016" PRIx64 "  rflags %08" PRIx64 "\n", report->rip, report->rflags);
    if (report->num_code_bytes) fputs("  code", out);
    for (size_t i = 0; i < report->num_code_bytes; i++) fprintf(out, " %02x", report->code[i]);
    if (report->num_code_bytes) fputc('\n', out);
}

void crash_report_print(FILE *out, const CrashReport *report) {
    char summary[DISASM_TEXT_SIZE + 128];
    crash_report_summary(report, summary, sizeof summary);
    fprintf(out, "%s\n", summary);
    if (report->has_context) print_registers(out, report);
    if (report->err_size) fprintf(out, "stderr:\n%s%s", report->err, report->err_cut ? "\n(cut)\n" : "");
}
