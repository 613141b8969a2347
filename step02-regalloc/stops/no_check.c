// Stand-in for the checker.
// Until stop 6: src/backend/ra_check.c
#include "backend/regalloc.h"

bool ra_check(const RegisterAllocator *ra, const Lir *lir) { return ra && lir; }
