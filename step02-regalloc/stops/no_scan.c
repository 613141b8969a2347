// Stand-in for the scan: every interval is spilled.
// Until stop 4: the end of src/backend/regalloc.c
bool ra_allocate(RegisterAllocator *ra, const Lir *lir, RegSet pool) {
    *ra = (RegisterAllocator){.pool = pool};
    Arena scratch = {0};
    bool ok = build_intervals(ra, lir, &scratch);
    arena_free(&scratch);
    ra->locations = arena_array(&ra->arena, lir->num_vregs, sizeof *ra->locations);
    for (size_t i = 0; ok && i < ra->num_intervals; i++) ra->locations[ra->intervals[i].vreg] = in_slot(ra->num_slots++);
    if (!ok) arena_free(&ra->arena);
    return ok;
}

void ra_free(RegisterAllocator *ra) { arena_free(&ra->arena); }
