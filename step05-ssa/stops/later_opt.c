// Stops 6 to 11: stands in, as src/opt/later.c, for passes that are in the table and not written yet. The
// definitions are weak: once a real one is there, it takes their place.
#include "base/fatal.h"
#include "opt/opt.h"

#define LATER(name, meaning) \
    __attribute__((weak)) void opt_##name(Ir *ir) { \
        (void)ir; \
        fatal(#name " is not written yet"); \
    }
OPT_PASSES(LATER)
