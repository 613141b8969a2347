#include "opt/opt.h"

#include <string.h>
#include <time.h>

const OptPassInfo opt_pass_info[NUM_OPT_PASSES] = {
#define OPT_INFO_ROW(name, meaning) [OPT_##name] = {#name, opt_##name, meaning},
    OPT_PASSES(OPT_INFO_ROW)
#undef OPT_INFO_ROW
};

// Inversion comes first: the guards that it makes are often constant. Moving code out of loops brings equal
// instructions together, which are numbered once more; and each of these passes leaves phis and blocks
// behind that do nothing.
const OptPass opt_order[] = {OPT_invert, OPT_sccp, OPT_copies,   OPT_gvn,    OPT_licm,
                             OPT_gvn,    OPT_sccp, OPT_strength, OPT_copies, OPT_dce};
const size_t opt_order_length = sizeof opt_order / sizeof *opt_order;

OptPass opt_find(const char *name, size_t length) {
    int pass = 0;
    while (pass < NUM_OPT_PASSES) {
        const char *candidate = opt_pass_info[pass].name;
        if (strlen(candidate) == length && memcmp(candidate, name, length) == 0) break;
        pass++;
    }
    return (OptPass)pass;
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void run_pass(Ir *ir, OptPass pass, const OptOptions *options) {
    if (options->observe) options->observe(options->context, pass, false, ir);
    uint64_t start = options->nanoseconds ? now() : 0;
    opt_pass_info[pass].run(ir);
    if (options->nanoseconds) options->nanoseconds[pass] += now() - start;
    if (options->verify) ir_check(ir, opt_pass_info[pass].name);
    if (options->observe) options->observe(options->context, pass, true, ir);
}

void opt_run(Ir *ir, const OptOptions *options) {
    for (size_t i = 0; i < opt_order_length; i++)
        if (!(options->disabled >> opt_order[i] & 1)) run_pass(ir, opt_order[i], options);
}
