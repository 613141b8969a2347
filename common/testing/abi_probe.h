// Calling code and watching whether it keeps the promises of the calling convention.
// Source: System V Application Binary Interface, AMD64 supplement, section 3.2.1.
//
// abi_probe_call puts a sentinel, a value that is neither zero nor a valid address, into each
// callee-saved register, calls, and looks at what came back. It finds its own way home without any
// register, so it survives code that destroys all of them, the stack pointer included.
// Caller-saved registers that carry no argument are poisoned: code cannot rely on their contents.
#ifndef TESTING_ABI_PROBE_H
#define TESTING_ABI_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What every function has to hand back as it found it: name, and how it is shown.
#define ABI_PROMISES(_) \
    _(RBX, "rbx") \
    _(RBP, "rbp") \
    _(R12, "r12") \
    _(R13, "r13") \
    _(R14, "r14") \
    _(R15, "r15") \
    _(RSP, "rsp") \
    _(DIRECTION_FLAG, "direction flag") \
    _(MXCSR, "mxcsr control bits") \
    _(X87_CONTROL, "x87 control word") \
    _(X87_TAGS, "x87 registers in use") \
    _(CALLER_FRAME, "caller's frame above the arguments")

typedef enum AbiPromise {
#define PROMISE(name, text) ABI_##name,
    ABI_PROMISES(PROMISE)
#undef PROMISE
    NUM_ABI_PROMISES,
} AbiPromise;

enum { ABI_REPORT_TEXT_SIZE = 1024 };

typedef struct AbiReport {
    bool ok;         // every promise was kept
    uint32_t broken; // bit p is set if AbiPromise p was broken
    uint64_t before[NUM_ABI_PROMISES], after[NUM_ABI_PROMISES];
    // A line for each broken promise, or empty: "rbx: 0x5afe5afe00000000 before the call, 0x2a after it".
    char text[ABI_REPORT_TEXT_SIZE];
} AbiReport;

static inline bool abi_broke(const AbiReport *report, AbiPromise promise) {
    return report->broken >> promise & 1;
}

// Call `code` as a function of `num_args` integers (six in registers, the others on the stack) and
// return what it returns. The report, of which the text is owned by the report itself, is
// overwritten. May be nested: the code may call a C function that probes again.
int64_t abi_probe_call(AbiReport *report, void *code, const int64_t *args, size_t num_args);

// Returns `result`, and destroys every other register that a call may destroy: rcx, rdx, rsi, rdi,
// r8-r11 and all of xmm0-xmm15. A C function that generated code calls can end with
// `return abi_poison(result);`, and generated code itself can call it after any call.
int64_t abi_poison(int64_t result);

// What poisoned registers hold: no valid address, and a NaN as a double.
enum { ABI_POISON_BYTE = 0xFD };

#endif
