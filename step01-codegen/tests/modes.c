#include "modes.h"

#define ALL_FUNCTIONS UINT64_MAX
#define EVEN_FUNCTIONS (UINT64_MAX / 3)
#define ODD_FUNCTIONS (~EVEN_FUNCTIONS)

enum { CODE_SIZE = 1 << 20 };

const Mode modes[] = {
    {"interp", {.tier = TIER_INTERP, .code_size = CODE_SIZE}, ALL_FUNCTIONS},
    {"baseline", {.tier = TIER_BASELINE, .code_size = CODE_SIZE}, ALL_FUNCTIONS},
    {"baseline, even functions", {.tier = TIER_BASELINE, .code_size = CODE_SIZE}, EVEN_FUNCTIONS},
    {"baseline, odd functions", {.tier = TIER_BASELINE, .code_size = CODE_SIZE}, ODD_FUNCTIONS},
};
const size_t num_modes = sizeof modes / sizeof *modes;
