#include "modes.h"

#define ALL_FUNCTIONS UINT64_MAX
#define EVEN_FUNCTIONS (UINT64_MAX / 3)
#define ODD_FUNCTIONS (~EVEN_FUNCTIONS)

enum { CODE_SIZE = 1 << 20 };

// The optimising tier with `set` to allocate from; the allocations are checked.
#define OPT(set) {.tier = TIER_OPT, .code_size = CODE_SIZE, .pool = (set), .check = true}

const Mode modes[] = {
    {"interp", {.tier = TIER_INTERP, .code_size = CODE_SIZE}, ALL_FUNCTIONS},
    {"baseline", {.tier = TIER_BASELINE, .code_size = CODE_SIZE}, ALL_FUNCTIONS},
    {"baseline, even functions", {.tier = TIER_BASELINE, .code_size = CODE_SIZE}, EVEN_FUNCTIONS},
    {"baseline, odd functions", {.tier = TIER_BASELINE, .code_size = CODE_SIZE}, ODD_FUNCTIONS},
    {"opt", OPT(RA_DEFAULT_POOL), ALL_FUNCTIONS},
    {"opt, even functions", OPT(RA_DEFAULT_POOL), EVEN_FUNCTIONS},
    {"opt, odd functions", OPT(RA_DEFAULT_POOL), ODD_FUNCTIONS},
    {"opt, three registers", OPT(RA_STRESS_POOL), ALL_FUNCTIONS},
    {"opt, no registers", OPT(0), ALL_FUNCTIONS},
};
const size_t num_modes = sizeof modes / sizeof *modes;
