#include "modes.h"

#define ALL_FUNCTIONS UINT64_MAX
#define EVEN_FUNCTIONS (UINT64_MAX / 3)
#define ODD_FUNCTIONS (~EVEN_FUNCTIONS)

#define SIZES .code_size = 1 << 20, .heap_size = 1 << 24

// The optimising tier with `set` to allocate from; the allocations are checked.
#define OPT(set) {.tier = TIER_OPT, SIZES, .pool = (set), .check = true}

// The inline caches, in a tier, as `mode` says.
#define IC(t, mode) {.tier = (t), SIZES, .pool = RA_DEFAULT_POOL, .ic = (mode)}

// Bets: functions are optimised after so many calls; optimised code that is left goes on in a tier.
#define BETS(calls, to, set) {.tier = TIER_OPT, SIZES, .pool = (set), .check = true, .opt_after = (calls), .opt_loops_after = (calls), \
                              .deopt_to = (to)}

// The same; and now and then a guard fails (see mode_start).
#define STRESS(calls, to, set) {.tier = TIER_OPT, SIZES, .pool = (set), .check = true, .opt_after = (calls), .opt_loops_after = (calls), \
                                .deopt_to = (to), .stress = true}

// The optimising tier with an allocator, and without some passes.
#define RA(kind, set, passes) {.tier = TIER_OPT, SIZES, .pool = (set), .check = true, .allocator = (kind), .disabled = (passes)}

enum { NO_PASS = 0, ALL_PASSES = (1 << NUM_OPT_PASSES) - 1, EVERY_OTHER_PASS = ALL_PASSES / 3 };

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
    {"opt, callee-saved registers", OPT(CALLEE_SAVED_REGS & RA_DEFAULT_POOL), ALL_FUNCTIONS},
    {"opt, caller-saved registers", OPT(CALLER_SAVED_REGS & RA_DEFAULT_POOL), ALL_FUNCTIONS},
    {"opt, not checked", {.tier = TIER_OPT, SIZES, .pool = RA_DEFAULT_POOL}, ALL_FUNCTIONS},
    {"baseline, caches off", IC(TIER_BASELINE, IC_OFF), ALL_FUNCTIONS},
    {"baseline, caches miss", IC(TIER_BASELINE, IC_ALWAYS_MISS), ALL_FUNCTIONS},
    {"opt, caches off", IC(TIER_OPT, IC_OFF), ALL_FUNCTIONS},
    {"opt, caches miss", IC(TIER_OPT, IC_ALWAYS_MISS), ALL_FUNCTIONS},
    {"opt, Poletto", RA(RA_POLETTO, RA_DEFAULT_POOL, NO_PASS), ALL_FUNCTIONS},
    {"opt, Poletto, three registers", RA(RA_POLETTO, RA_STRESS_POOL, NO_PASS), ALL_FUNCTIONS},
    {"opt, Poletto, no passes", RA(RA_POLETTO, RA_DEFAULT_POOL, ALL_PASSES), ALL_FUNCTIONS},
    {"opt, no passes", RA(RA_LINEAR_SCAN, RA_DEFAULT_POOL, ALL_PASSES), ALL_FUNCTIONS},
    {"opt, every other pass", RA(RA_LINEAR_SCAN, RA_STRESS_POOL, EVERY_OTHER_PASS), ALL_FUNCTIONS},
    {"opt, the other passes", RA(RA_LINEAR_SCAN, RA_DEFAULT_POOL, ALL_PASSES & ~EVERY_OTHER_PASS), ALL_FUNCTIONS},
    {"opt, no bets", {.tier = TIER_OPT, SIZES, .pool = RA_DEFAULT_POOL, .check = true, .no_speculation = true}, ALL_FUNCTIONS},
    {"opt, back to baseline", BETS(0, TIER_BASELINE, RA_DEFAULT_POOL), ALL_FUNCTIONS},
    {"opt after a call", BETS(1, TIER_BASELINE, RA_STRESS_POOL), ALL_FUNCTIONS},
    {"opt after a call, even functions, back to interp", BETS(1, TIER_INTERP, RA_DEFAULT_POOL), EVEN_FUNCTIONS},
    {"opt, failing guards", STRESS(0, TIER_BASELINE, RA_DEFAULT_POOL), ALL_FUNCTIONS},
    {"opt, failing guards, back to interp", STRESS(0, TIER_INTERP, RA_STRESS_POOL), ALL_FUNCTIONS},
    {"opt after a call, failing guards", STRESS(1, TIER_BASELINE, RA_DEFAULT_POOL), ALL_FUNCTIONS},
    {"opt, failing guards, odd functions", STRESS(0, TIER_BASELINE, 0), ODD_FUNCTIONS},
    {"opt after a call, failing guards, back to interp", STRESS(1, TIER_INTERP, RA_DEFAULT_POOL), ALL_FUNCTIONS},
};
const size_t num_modes = sizeof modes / sizeof *modes;

bool mode_has_its_turn(size_t mode, uint64_t seed) {
    bool is_first = mode == 0 || modes[mode].options.tier != modes[mode - 1].options.tier;
    return is_first || (seed + mode) % 5 == 0;
}
