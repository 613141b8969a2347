// The JIT compiler: a cache of compiled functions over one code buffer, and the way to run them.
#ifndef JIT_H
#define JIT_H

#include "backend/regalloc.h"
#include "interp/vm.h"
#include "opt/opt.h"

// The engines, by rising speed.
typedef enum Tier {
    TIER_INTERP,
    TIER_BASELINE,
    TIER_OPT, // SSA, passes, registers
    NUM_TIERS,
} Tier;

// What --tier calls them. Indexed by Tier.
extern const char *const tier_names[NUM_TIERS];

// A broken promise of the calling convention each.
typedef enum Broken {
    BROKEN_CALLEE_SAVED = 1, // as the callee: change RBX, R12 ... R15 and do not restore them
    BROKEN_CALLER_SAVED = 2, // as the caller: expect values to survive in RCX, RSI, ... across natives
} Broken;

typedef struct JitOptions {
    Tier tier;        // the engine to use; a function that it cannot compile gets a slower one
    size_t code_size; // bytes of machine code, stubs included; a function that does not fit any
                      // more stays interpreted
    RegSet pool;      // what the register allocator may hand out
    bool check;       // check every allocation with ra_check; destroy after calls what calls may destroy
    unsigned broken;  // faults to compile in, for chapter 3: a set of Broken
    bool no_forwarding; // slow the baseline's operand stack down (see baseline_compile)
    bool debug_info;  // tell gdb and perf the functions' names
    size_t heap_size; // bytes for the objects of the program
    ICMode ic;        // what inline caches do
    bool counts_hits; // let machine code count the hits of inline caches
    uint32_t disabled; // passes to leave out: bit OptPass
    RaKind allocator;
    uint32_t opt_after; // calls after which a function that runs in baseline code is optimised; 0: at once
    uint32_t opt_loops_after; // the same for functions with a loop
    bool no_speculation; // optimise without bets, and so without exits
    bool stress;      // generate guards that can be told to fail (see deopt.h)
    Tier deopt_to;    // where optimised code that is left goes on: TIER_INTERP or TIER_BASELINE
} JitOptions;

// A function that has lost so many bets is optimised without any.
enum { MAX_DEOPTS = 8 };

// The fastest tier, 16 MiB of code.
extern const JitOptions jit_default_options;

typedef enum CompileStatus {
    COMPILE_OK,
    COMPILE_NOT,  // the function stays interpreted: that is the tier, or the code buffer is full
} CompileStatus;

typedef struct JitCompiler JitCompiler;

// A JIT for a verified program, which must outlive it. Nothing is compiled yet.
JitCompiler *jit_new(const Program *program, const JitOptions *options);
void jit_free(JitCompiler *jit);

// Compile one function and put it into the cache. Compiling a cached function again does nothing.
CompileStatus jit_compile(JitCompiler *jit, const Function *function);

// Compile every function that is not in the cache yet. Returns how many are in it afterwards.
size_t jit_compile_all(JitCompiler *jit);

// Compile what is not compiled yet, then run the function `name`, which must exist, with as many
// arguments as it has parameters. On RUN_OK the result is in *result; otherwise see jit_vm()->error.
RunStatus jit_execute(JitCompiler *jit, const char *name, const Value *args, Value *result);

// The machine code of a compiled function, or NULL. C calls it through vm->enter.
void *jit_entry(const JitCompiler *jit, const Function *function);

// The code of a compiled function as bytes; *size is 0 if it is not compiled.
const uint8_t *jit_code(const JitCompiler *jit, const Function *function, size_t *size);

// How many bets the function has lost; no more are counted than MAX_DEOPTS.
uint32_t jit_num_deopts(const JitCompiler *jit, const Function *function);

size_t jit_code_used(const JitCompiler *jit); // bytes, stubs included
Vm *jit_vm(JitCompiler *jit);

// Print the function's machine code, each piece under the bytecode that it was made for.
void jit_dump_asm(FILE *out, const JitCompiler *jit, const Function *function);

// What the optimising tier makes on the way to machine code.
typedef enum DumpKind {
    DUMP_IR,
    DUMP_IR_DOT,
    DUMP_LIR,
    DUMP_INTERVALS,
    DUMP_INTERVALS_SVG,
    DUMP_REGS,
    DUMP_REPRESENT, // the IR before and after ir_represent
} DumpKind;

void jit_dump(FILE *out, const JitCompiler *jit, const Function *function, DumpKind kind);

// Print the function's IR before and after each run of the passes in the set (bit OptPass).
void jit_dump_passes(FILE *out, const JitCompiler *jit, const Function *function, uint32_t passes);

// How long each pass has taken so far, in nanoseconds: [NUM_OPT_PASSES].
const uint64_t *jit_pass_times(const JitCompiler *jit);

#endif
