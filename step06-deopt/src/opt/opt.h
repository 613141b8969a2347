// The optimiser: passes over the IR, in a fixed order, each of which can be left out by name.
//
// Every pass keeps what the program does: the values, the order of calls and writes, and of run-time errors
// which one is raised and where. What the passes rest on is that a value in SSA form never changes: a fact
// that is found out about it once is true wherever it is used.
//
// A pass needs none of the others: any subset, in any order, is correct. Each asks for the analyses that it
// reads. After a pass, ir_verify holds, no replacement is left to be applied, and no block is unreachable.
#ifndef OPT_OPT_H
#define OPT_OPT_H

#include "ir/ir.h"

// Each row: name, what it does. In the order in which they first run.
#define OPT_PASSES(_) \
    _(invert,   "loops that test at the top test at the bottom, behind a guard") \
    _(sccp,     "what is constant on every path that can be taken is computed now; other paths go") \
    _(copies,   "phis that select nothing and blocks that do nothing go") \
    _(gvn,      "what a dominating instruction has computed or stored already is not computed again") \
    _(licm,     "what is the same in each iteration is computed before the loop") \
    _(strength, "multiplications and divisions become cheaper where the result is exactly the same") \
    _(dce,      "what nobody uses and nobody can see goes")

typedef enum OptPass {
#define OPT_ENUM_ROW(name, meaning) OPT_##name,
    OPT_PASSES(OPT_ENUM_ROW)
#undef OPT_ENUM_ROW
    NUM_OPT_PASSES,
} OptPass;

#define OPT_DECLARATION(name, meaning) void opt_##name(Ir *ir);
OPT_PASSES(OPT_DECLARATION)
#undef OPT_DECLARATION

typedef struct OptPassInfo {
    const char *name;
    void (*run)(Ir *ir);
    const char *meaning;
} OptPassInfo;

// Indexed by OptPass.
extern const OptPassInfo opt_pass_info[NUM_OPT_PASSES];

// The pass with this name, or NUM_OPT_PASSES if there is none.
OptPass opt_find(const char *name, size_t length);

// The order in which opt_run runs the passes; one may be there several times.
extern const OptPass opt_order[];
extern const size_t opt_order_length;

typedef struct OptOptions {
    uint32_t disabled; // bit OptPass: leave it out
    bool verify;       // ir_check after each pass
    // Called before (after = false) and after each pass that runs; or NULL.
    void (*observe)(void *context, OptPass pass, bool after, Ir *ir);
    void *context;
    uint64_t *nanoseconds; // [NUM_OPT_PASSES]: the time of each is added to it; or NULL
} OptOptions;

// Run the passes that are not disabled. Time: near-linear in the size of the function.
void opt_run(Ir *ir, const OptOptions *options);

#endif
