// The calling convention's probe (see abi_probe.h).
//
// The stack while the code runs; words are copied there by the trampoline:
//
//      saved registers of our C caller       <- state.home
//      canaries (one more if that keeps rsp a multiple of 16)
//      argument 7, 8, ... in ascending order <- rsp before the call instruction
//      return address
//
// After the call only the thread pointer (fs) can be relied upon: it leads to the ProbeState.
#include "testing/abi_probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { REGISTER_ARGS = 6, SAVED_REGISTERS = 6, NUM_CANARIES = 32, FPU_STATE_SIZE = 28 };

// The trampoline below knows these offsets by number.
typedef struct ProbeState {
    uint64_t registers[REGISTER_ARGS];   //   0: rdi, rsi, rdx, rcx, r8, r9 at the call
    uint64_t sentinels[SAVED_REGISTERS]; //  48: rbx, rbp, r12, r13, r14, r15 at the call
    uint64_t poison;                     //  96
    const uint64_t *stack;               // 104: the words to lay on the stack, an even number
    uint64_t *stack_after;               // 112: and where to copy what became of them
    uint64_t num_stack;                  // 120
    uint64_t home;                       // 128: rsp to return to
    uint64_t result;                     // 136
    uint64_t saved_after[SAVED_REGISTERS]; // 144
    uint64_t rsp_before, rsp_after;      // 192, 200
    uint64_t flags_after;                // 208
    uint32_t mxcsr_before, mxcsr_after;  // 216, 220
    uint8_t fpu_before[FPU_STATE_SIZE];  // 224
    uint8_t fpu_after[FPU_STATE_SIZE];   // 252
} ProbeState;

_Static_assert(offsetof(ProbeState, sentinels) == 48 && offsetof(ProbeState, poison) == 96 &&
               offsetof(ProbeState, stack) == 104 && offsetof(ProbeState, stack_after) == 112 &&
               offsetof(ProbeState, num_stack) == 120 && offsetof(ProbeState, home) == 128 &&
               offsetof(ProbeState, result) == 136 && offsetof(ProbeState, saved_after) == 144 &&
               offsetof(ProbeState, rsp_before) == 192 && offsetof(ProbeState, rsp_after) == 200 &&
               offsetof(ProbeState, flags_after) == 208 && offsetof(ProbeState, mxcsr_before) == 216 &&
               offsetof(ProbeState, mxcsr_after) == 220 && offsetof(ProbeState, fpu_before) == 224 &&
               offsetof(ProbeState, fpu_after) == 252, "the trampoline uses these offsets");

// The way home: global because no register survives, per thread and saved when probes nest.
extern _Thread_local ProbeState *abi_probe_state;
extern _Thread_local void *abi_probe_code;
__attribute__((visibility("hidden"))) _Thread_local ProbeState *abi_probe_state;
__attribute__((visibility("hidden"))) _Thread_local void *abi_probe_code;

// void abi_probe_trampoline(ProbeState *state), with the state also in abi_probe_state.
extern void abi_probe_trampoline(ProbeState *state) __attribute__((visibility("hidden")));
__asm__(
    ".pushsection .text\n"
    ".macro poison_vectors from\n"
    "    movq \\from, %xmm0\n"
    "    punpcklqdq %xmm0, %xmm0\n"
    "    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
    "    movdqa %xmm0, %xmm\\n\n"
    "    .endr\n"
    ".endm\n"

    ".p2align 4\n"
    ".globl abi_probe_trampoline\n"
    ".hidden abi_probe_trampoline\n"
    ".type abi_probe_trampoline, @function\n"
    "abi_probe_trampoline:\n"
    "    pushq %rbx\n"
    "    pushq %rbp\n"
    "    pushq %r12\n"
    "    pushq %r13\n"
    "    pushq %r14\n"
    "    pushq %r15\n"
    "    subq $8, %rsp\n" // now rsp is a multiple of 16
    "    movq %rsp, 128(%rdi)\n"

    // Lay out the stack words.
    "    movq 104(%rdi), %rsi\n"
    "    movq 120(%rdi), %rcx\n"
    "1:  subq $1, %rcx\n"
    "    jc 2f\n"
    "    pushq (%rsi,%rcx,8)\n"
    "    jmp 1b\n"
    "2:  movq %rsp, 192(%rdi)\n"

    // fnstenv masks all x87 exceptions: load back what it stored.
    "    stmxcsr 216(%rdi)\n"
    "    fnstenv 224(%rdi)\n"
    "    fldenv 224(%rdi)\n"
    "    cld\n"

    // Sentinels, poison, arguments; rdi last, as it holds the state until then.
    "    movq 48(%rdi), %rbx\n"
    "    movq 56(%rdi), %rbp\n"
    "    movq 64(%rdi), %r12\n"
    "    movq 72(%rdi), %r13\n"
    "    movq 80(%rdi), %r14\n"
    "    movq 88(%rdi), %r15\n"
    "    movq 96(%rdi), %rax\n"
    "    poison_vectors %rax\n"
    "    movq %rax, %r10\n"
    "    movq %rax, %r11\n"
    "    movq 8(%rdi), %rsi\n"
    "    movq 16(%rdi), %rdx\n"
    "    movq 24(%rdi), %rcx\n"
    "    movq 32(%rdi), %r8\n"
    "    movq 40(%rdi), %r9\n"
    "    movq 0(%rdi), %rdi\n"
    "    call *%fs:abi_probe_code@tpoff\n"

    // Nothing is known here. First a register, then a stack.
    "    movq %fs:abi_probe_state@tpoff, %r11\n"
    "    movq %rsp, 200(%r11)\n"
    "    movq 192(%r11), %rsp\n" // not higher: the canaries above must not be overwritten
    "    pushfq\n"
    "    popq 208(%r11)\n"
    "    cld\n"
    "    movq %rax, 136(%r11)\n"
    "    movq %rbx, 144(%r11)\n"
    "    movq %rbp, 152(%r11)\n"
    "    movq %r12, 160(%r11)\n"
    "    movq %r13, 168(%r11)\n"
    "    movq %r14, 176(%r11)\n"
    "    movq %r15, 184(%r11)\n"
    "    stmxcsr 220(%r11)\n"
    "    ldmxcsr 216(%r11)\n"
    "    fnstenv 252(%r11)\n"
    "    fldenv 224(%r11)\n"

    // Copy the stack words out.
    "    movq 112(%r11), %rsi\n"
    "    movq 120(%r11), %rcx\n"
    "    xorl %edx, %edx\n"
    "3:  cmpq %rcx, %rdx\n"
    "    je 4f\n"
    "    popq (%rsi,%rdx,8)\n"
    "    addq $1, %rdx\n"
    "    jmp 3b\n"

    "4:  movq 128(%r11), %rsp\n"
    "    addq $8, %rsp\n"
    "    popq %r15\n"
    "    popq %r14\n"
    "    popq %r13\n"
    "    popq %r12\n"
    "    popq %rbp\n"
    "    popq %rbx\n"
    "    ret\n"
    ".size abi_probe_trampoline, . - abi_probe_trampoline\n"

    ".p2align 4\n"
    ".globl abi_poison\n"
    ".type abi_poison, @function\n"
    "abi_poison:\n"
    "    movq %rdi, %rax\n"
    "    movabsq $0xfdfdfdfdfdfdfdfd, %rcx\n"
    "    poison_vectors %rcx\n"
    "    .irp r, rdx,rsi,rdi,r8,r9,r10,r11\n"
    "    movq %rcx, %\\r\n"
    "    .endr\n"
    "    ret\n"
    ".size abi_poison, . - abi_poison\n"
    ".purgem poison_vectors\n"
    ".popsection\n");

enum { DIRECTION_FLAG = 1 << 10, MXCSR_CONTROL = 0xFFC0 }; // SDM vol. 1, 3.4.3 and 10.2.3

// The protected-mode x87 environment (SDM vol. 1, figure 8-9): control, status and tag word, each in
// the low half of four bytes.
enum { FPU_CONTROL = 0, FPU_TAGS = 8 };

static uint16_t fpu_word(const uint8_t *environment, size_t at) {
    uint16_t word;
    memcpy(&word, environment + at, sizeof word);
    return word;
}

static uint64_t poison_word(void) {
    uint64_t word;
    memset(&word, ABI_POISON_BYTE, sizeof word);
    return word;
}

static const uint64_t canary = 0x00C0FFEE0BADCAFE;

// Arguments 7 and up, then canaries up to an even number of words. Sets num_stack and stack.
static uint64_t *make_stack_words(ProbeState *state, const int64_t *args, size_t num_args) {
    size_t num_stack_args = num_args > REGISTER_ARGS ? num_args - REGISTER_ARGS : 0;
    state->num_stack = (num_stack_args + NUM_CANARIES + 1) & ~(uint64_t)1;
    uint64_t *words = xcalloc(2 * state->num_stack, sizeof *words);
    for (size_t i = 0; i < state->num_stack; i++)
        words[i] = i < num_stack_args ? (uint64_t)args[REGISTER_ARGS + i] : canary;
    state->stack = words;
    state->stack_after = words + state->num_stack;
    return words;
}

static void set_registers(ProbeState *state, const int64_t *args, size_t num_args) {
    state->poison = poison_word();
    for (size_t i = 0; i < REGISTER_ARGS; i++)
        state->registers[i] = i < num_args ? (uint64_t)args[i] : state->poison;
    for (size_t i = 0; i < SAVED_REGISTERS; i++) // an address of this form faults: it is not canonical
        state->sentinels[i] = UINT64_C(0x5AFE5AFE00000000) + i;
}

// The first word above the arguments that is no canary any more, or a canary.
static uint64_t damaged_word(const ProbeState *state, size_t num_args) {
    size_t first = num_args > REGISTER_ARGS ? num_args - REGISTER_ARGS : 0;
    for (size_t i = first; i < state->num_stack; i++)
        if (state->stack_after[i] != canary) return state->stack_after[i];
    return canary;
}

static void set(AbiReport *report, AbiPromise promise, uint64_t before, uint64_t after) {
    report->before[promise] = before;
    report->after[promise] = after;
    if (before != after) report->broken |= 1u << promise;
}

static void compare(AbiReport *report, const ProbeState *state, size_t num_args) {
    for (size_t i = 0; i < SAVED_REGISTERS; i++)
        set(report, (AbiPromise)(ABI_RBX + i), state->sentinels[i], state->saved_after[i]);
    set(report, ABI_RSP, state->rsp_before, state->rsp_after);
    set(report, ABI_DIRECTION_FLAG, 0, (state->flags_after & DIRECTION_FLAG) != 0);
    set(report, ABI_MXCSR, state->mxcsr_before & MXCSR_CONTROL, state->mxcsr_after & MXCSR_CONTROL);
    set(report, ABI_X87_CONTROL, fpu_word(state->fpu_before, FPU_CONTROL),
        fpu_word(state->fpu_after, FPU_CONTROL));
    set(report, ABI_X87_TAGS, fpu_word(state->fpu_before, FPU_TAGS), fpu_word(state->fpu_after, FPU_TAGS));
    set(report, ABI_CALLER_FRAME, canary, damaged_word(state, num_args));
    report->ok = report->broken == 0;
}

static void describe(AbiReport *report) {
    static const char *const names[NUM_ABI_PROMISES] = {
#define NAME(promise, text) [ABI_##promise] = text,
        ABI_PROMISES(NAME)
#undef NAME
    };
    size_t length = 0;
    for (AbiPromise p = 0; p < NUM_ABI_PROMISES; p++) {
        if (!abi_broke(report, p)) continue;
        int written = snprintf(report->text + length, sizeof report->text - length,
                               "%s: %#llx before the call, %#llx after it\n", names[p],
                               (unsigned long long)report->before[p], (unsigned long long)report->after[p]);
        length += (size_t)written;
        if (length >= sizeof report->text) return;
    }
}

int64_t abi_probe_call(AbiReport *report, void *code, const int64_t *args, size_t num_args) {
    ProbeState state = {0};
    *report = (AbiReport){0};
    set_registers(&state, args, num_args);
    uint64_t *words = make_stack_words(&state, args, num_args);

    ProbeState *outer_state = abi_probe_state;
    void *outer_code = abi_probe_code;
    abi_probe_state = &state;
    abi_probe_code = code;
    abi_probe_trampoline(&state);
    abi_probe_state = outer_state;
    abi_probe_code = outer_code;

    compare(report, &state, num_args);
    describe(report);
    free(words);
    return (int64_t)state.result;
}
