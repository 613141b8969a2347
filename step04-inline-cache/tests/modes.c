#include "modes.h"

#define ALL_FUNCTIONS UINT64_MAX
#define EVEN_FUNCTIONS (UINT64_MAX / 3)
#define ODD_FUNCTIONS (~EVEN_FUNCTIONS)

#define SIZES .code_size = 1 << 20, .heap_size = 1 << 24

// The optimising tier with `set` to allocate from; the allocations are checked.
#define OPT(set) {.tier = TIER_OPT, SIZES, .pool = (set), .check = true}

// The inline caches, in a tier, as `mode` says.
#define IC(t, mode) {.tier = (t), SIZES, .pool = RA_DEFAULT_POOL, .ic = (mode)}

const Mode modes[] = {
    {"interp", {.tier = TIER_INTERP, SIZES}, ALL_FUNCTIONS},
    {"baseline", {.tier = TIER_BASELINE, SIZES}, ALL_FUNCTIONS},
    {"baseline, even functions", {.tier = TIER_BASELINE, SIZES}, EVEN_FUNCTIONS},
    {"baseline, odd functions", {.tier = TIER_BASELINE, SIZES}, ODD_FUNCTIONS},
    {"opt", OPT(RA_DEFAULT_POOL), ALL_FUNCTIONS},
    {"opt, even functions", OPT(RA_DEFAULT_POOL), EVEN_FUNCTIONS},
    {"opt, odd functions", OPT(RA_DEFAULT_POOL), ODD_FUNCTIONS},
    {"opt, three registers", OPT(RA_STRESS_POOL), ALL_FUNCTIONS},
    {"opt, no registers", OPT(0), ALL_FUNCTIONS},
    {"opt, callee-saved registers", OPT(CALLEE_SAVED_REGS), ALL_FUNCTIONS},
    {"opt, caller-saved registers", OPT(CALLER_SAVED_REGS & RA_DEFAULT_POOL), ALL_FUNCTIONS},
    {"opt, not checked", {.tier = TIER_OPT, SIZES, .pool = RA_DEFAULT_POOL}, ALL_FUNCTIONS},
    {"baseline, caches off", IC(TIER_BASELINE, IC_OFF), ALL_FUNCTIONS},
    {"baseline, caches miss", IC(TIER_BASELINE, IC_ALWAYS_MISS), ALL_FUNCTIONS},
    {"opt, caches off", IC(TIER_OPT, IC_OFF), ALL_FUNCTIONS},
    {"opt, caches miss", IC(TIER_OPT, IC_ALWAYS_MISS), ALL_FUNCTIONS},
};
const size_t num_modes = sizeof modes / sizeof *modes;
