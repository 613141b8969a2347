// Stand-ins for what the chapter has not come to yet: everything lives in a slot.
// Until stop 3: src/backend/later.c
#include "backend/regalloc.h"

bool ra_allocate(RegisterAllocator *ra, const Lir *lir, RegSet pool) {
    *ra = (RegisterAllocator){.pool = pool, .num_slots = lir->num_vregs};
    ra->locations = arena_array(&ra->arena, lir->num_vregs, sizeof *ra->locations);
    for (VReg v = 0; v < lir->num_vregs; v++) ra->locations[v] = in_slot(v);
    return true;
}

void ra_free(RegisterAllocator *ra) { arena_free(&ra->arena); }

bool ra_check(const RegisterAllocator *ra, const Lir *lir) { return ra && lir; }

void ra_print_intervals(FILE *out, const RegisterAllocator *ra, const Lir *lir) { (void)out, (void)ra, (void)lir; }
void ra_print_intervals_svg(FILE *out, const RegisterAllocator *ra, const Lir *lir) { (void)out, (void)ra, (void)lir; }
void ra_print_locations(FILE *out, const RegisterAllocator *ra, const Lir *lir) { (void)out, (void)ra, (void)lir; }
