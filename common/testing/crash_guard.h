// Running a function that may crash, hang or eat all memory, in a child process, and saying what
// happened: exit code or signal, faulting address, registers, the instruction disassembled.
//
// The child has its own copy of the process: it sees every variable, and nothing that it changes
// comes back, except for what it prints. Its signal handler runs on a stack of its own, so that a
// stack overflow is reported too, and sends what it knows through a pipe before the child dies
// of the very same signal.
#ifndef TESTING_CRASH_GUARD_H
#define TESTING_CRASH_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "code/disasm.h"

// Zero means the default that stands behind.
typedef struct CrashLimits {
    double seconds;      // of real time (10)
    size_t memory_bytes; // of resident memory, beyond what the parent has (512 MiB)
    size_t output_bytes; // kept of stdout and of stderr, each (64 KiB)
} CrashLimits;

typedef enum CrashOutcome {
    CRASH_RETURNED,  // the function came back
    CRASH_EXITED,    // it ended the process with exit_code
    CRASH_SIGNALLED, // a signal ended it
    CRASH_TIMEOUT,   // it was killed for taking too long
    CRASH_MEMORY,    // it needed more memory than allowed
    CRASH_NOT_RUN,   // no child process could be started
} CrashOutcome;

enum {
    CRASH_REGISTERS = 16, // numbered as the hardware does: rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8...
    CRASH_CODE_BYTES = 15,
};

typedef struct CrashReport {
    CrashOutcome outcome;
    int exit_code;   // of CRASH_EXITED
    int signal;      // of CRASH_SIGNALLED; 0 otherwise
    size_t peak_memory_bytes; // resident
    double seconds;

    // What the child's signal handler saw: for a signal, and for a timeout where it was then.
    bool has_context;
    uint64_t fault_address; // of SIGSEGV, SIGBUS, SIGILL, SIGFPE. A general-protection fault, as for an
                            // address that is not canonical, reports 0
    uint64_t registers[CRASH_REGISTERS], rip, rflags;
    uint8_t code[CRASH_CODE_BYTES]; // at rip
    size_t num_code_bytes;          // 0: nothing readable is there
    char instruction[DISASM_TEXT_SIZE]; // "mov qword ptr [rbx], rax"; empty if it does not decode

    char *out, *err; // what the child printed, NUL-terminated; freed by crash_report_free
    size_t out_size, err_size;
    bool out_cut, err_cut; // it printed more than was kept
} CrashReport;

// Run function(argument) in a child process. Standard input is empty. Processes that the child started
// and left behind are killed. `limits` may be NULL.
void crash_guard_run(CrashReport *report, const CrashLimits *limits, void (*function)(void *), void *argument);

void crash_report_free(CrashReport *report);

// One sentence: "killed by SIGSEGV at 0x10 in `mov rax, qword ptr [rbx + 0x10]`", "exited with 3".
void crash_report_summary(const CrashReport *report, char *text, size_t text_size);

// The summary, then the registers if they are known, then what the child printed on stderr.
void crash_report_print(FILE *out, const CrashReport *report);

extern const char *const crash_register_names[CRASH_REGISTERS];

#endif
