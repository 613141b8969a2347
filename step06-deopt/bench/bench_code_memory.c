// Executable memory: what it costs to change a function and run it.
//
//   make bench            the whole table
//   --quick, --filter=GLOB, --json=FILE: see common/testing/bench.h
//
// Each run stores another number into `mov eax, imm32; ret` and calls it. The function lies in the middle of
// 16 MiB of code, whose pages are mapped twice or flipped. Beside them stands mprotect by hand: over a page
// that is a mapping of its own, which the kernel need not split off and join again, and over all of 16 MiB.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "code/install.h"
#include "testing/bench.h"

enum { PAGE = 4096, REGION = 16 << 20, IMM = 1 }; // the number stands behind the opcode byte

typedef struct Patched {
    CodeBuffer *buffer; // NULL: memory flipped by hand
    uint8_t *code;
    size_t flipped; // bytes
    int32_t number;
} Patched;

static void die(const char *what) {
    fprintf(stderr, "bench_code_memory: %s\n", what);
    exit(1);
}

static void call_it(const Patched *patched) {
    int32_t (*function)(void);
    memcpy(&function, &patched->code, sizeof function);
    if (function() != patched->number) die("stale code was run");
}

static void run_call(void *context) { call_it(context); }

static void run_buffer(void *context) {
    Patched *patched = context;
    patched->number++;
    if (!code_buffer_write(patched->buffer, patched->code + IMM, &patched->number, sizeof patched->number))
        die("the code buffer cannot be written to");
    call_it(patched);
}

static void flip(const Patched *patched, int protection) {
    if (mprotect(patched->code, patched->flipped, protection) != 0) die("mprotect failed");
}

static void run_by_hand(void *context) {
    Patched *patched = context;
    patched->number++;
    flip(patched, PROT_READ | PROT_WRITE);
    memcpy(patched->code + IMM, &patched->number, sizeof patched->number);
    flip(patched, PROT_READ | PROT_EXEC);
    call_it(patched);
}

static void make_function(Assembler *a) {
    asm_init(a, 16);
    asm_mov_ri(a, RAX, 1);
    asm_ret(a);
    if (!asm_finish(a)) die("the function cannot be assembled");
}

static Patched in_buffer(CodeBuffer *buffer) {
    if (!buffer || !code_buffer_alloc(buffer, REGION / 2)) die("no executable memory");
    Assembler a;
    make_function(&a);
    Patched patched = {.buffer = buffer, .code = code_install(buffer, &a), .number = 1};
    asm_free(&a);
    if (!patched.code || !code_buffer_alloc(buffer, REGION / 2 - PAGE)) die("no executable memory");
    return patched;
}

// `size` bytes, with the function at their start.
static Patched by_hand(size_t size) {
    Patched patched = {.flipped = size, .number = 1};
    patched.code = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (patched.code == MAP_FAILED) die("no memory");
    Assembler a;
    make_function(&a);
    memset(patched.code, 0xCC, size);
    memcpy(patched.code, a.code, a.size);
    asm_free(&a);
    flip(&patched, PROT_READ | PROT_EXEC);
    return patched;
}

int main(int argc, char **argv) {
    BenchOptions options;
    if (!bench_options(&options, argc, argv)) return 2;
    Patched dual = in_buffer(code_buffer_new(REGION)), flipping = in_buffer(code_buffer_new_flipping(REGION));
    Patched page = by_hand(PAGE), region = by_hand(REGION);
    const char *name = code_buffer_is_dual(dual.buffer) ? "mapped twice" : "refused by this kernel: flipping";
    const BenchContestant contestants[] = {
        {"the call alone", run_call, &dual, 0},
        {name, run_buffer, &dual, 0},
        {"flipping buffer", run_buffer, &flipping, 0},
        {"mprotect, a page of its own", run_by_hand, &page, 0},
        {"mprotect, 16 MiB", run_by_hand, &region, 0},
    };
    Bench bench = {"change a function and call it", "change", contestants, 5, 2};
    bool ok = bench_run(&bench, &options, NULL);
    code_buffer_free(dual.buffer);
    code_buffer_free(flipping.buffer);
    munmap(page.code, PAGE);
    munmap(region.code, REGION);
    return ok ? 0 : 1;
}
