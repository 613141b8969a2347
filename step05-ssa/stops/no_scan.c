// Stops 15 and 16: the second allocator is not there yet. Use --ra=poletto.
#include "backend/linear_scan.h"

#include "base/fatal.h"

void linear_scan(RegisterAllocator *ra, const Lir *lir, const Lifetimes *lifetimes, const LiveInterval *intervals) {
    (void)ra, (void)lir, (void)lifetimes, (void)intervals;
    fatal("linear scan comes at stop 17; until then: --ra=poletto");
}
