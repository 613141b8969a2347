// Liveness of locals: backward data flow over sets of bits, once for a whole function.
// Blocks are visited last to first, and again only if what is live behind them may have changed: that
// takes a visit or two for each loop around a block. Large sets times many blocks would still be too much work:
// hence the budget.
// Source: Kildall, "A unified approach to global program optimization", POPL 1973.
#include "ir/live_locals.h"

#include <string.h>

enum {
    FREE_STEPS = 1 << 22,       // a step is an instruction, or a word of a set
    STEPS_PER_INSTRUCTION = 64,
    FREE_WORDS = 1 << 20,       // of memory for all sets
    WORDS_PER_INSTRUCTION = 4,
};

static void add(uint64_t *set, uint32_t local) { set[local / 64] |= UINT64_C(1) << local % 64; }
static void take_out(uint64_t *set, uint32_t local) { set[local / 64] &= ~(UINT64_C(1) << local % 64); }
static bool has(const uint64_t *set, uint32_t local) { return set[local / 64] >> local % 64 & 1; }

static uint64_t *set_at_begin(const LiveLocals *live, uint32_t block) {
    return live->at_begin + (size_t)block * live->words;
}

static void find_behind(LiveLocals *live, uint32_t block) {
    const IrBlock *b = &live->ir->blocks[block];
    memset(live->behind, 0, live->words * sizeof *live->behind);
    for (uint32_t s = 0; s < b->num_succ; s++) {
        const uint64_t *next = set_at_begin(live, b->succ[s]);
        for (uint32_t w = 0; w < live->words; w++) live->behind[w] |= next[w];
    }
}

// From the set behind a block to the one in front of it, in live->behind.
static void walk_back(LiveLocals *live, uint32_t block) {
    const Instruction *code = ir_function(live->ir)->bytecode;
    for (uint32_t pc = live->end[block]; pc-- > live->ir->blocks[block].pc;) {
        uint32_t local = (uint32_t)code[pc].operand;
        if (code[pc].opcode != OP_LOAD_LOCAL && code[pc].opcode != OP_STORE_LOCAL) continue;
        live->survives[pc] = has(live->behind, local);
        if (code[pc].opcode == OP_LOAD_LOCAL) add(live->behind, local);
        else take_out(live->behind, local);
    }
}

// Returns whether more is live at the block's beginning than was known.
static bool visit(LiveLocals *live, uint32_t block) {
    size_t size = live->words * sizeof *live->behind;
    find_behind(live, block);
    walk_back(live, block);
    live->budget -= 4 * (int64_t)live->words + (live->end[block] - live->ir->blocks[block].pc) +
                    (int64_t)live->ir->blocks[block].num_preds;
    if (memcmp(set_at_begin(live, block), live->behind, size) == 0) return false;
    memcpy(set_at_begin(live, block), live->behind, size);
    return true;
}

// Visit the blocks that wait, last to first. Returns whether any waits now.
static bool sweep(LiveLocals *live, bool *waits) {
    const Ir *ir = live->ir;
    bool again = false;
    live->budget -= (int64_t)ir->num_rpo;
    for (size_t i = ir->num_rpo; i-- > 1;) {
        uint32_t block = ir->order[i];
        if (!waits[block] || live->budget < 0) continue;
        waits[block] = false;
        if (!visit(live, block)) continue;
        for (size_t p = 0; p < ir->blocks[block].num_preds; p++) {
            uint32_t pred = ir->blocks[block].preds[p];
            if (ir->blocks[pred].pos >= i) again = true; // by a back-edge: its turn is over
            waits[pred] = true;
        }
    }
    return again;
}

bool live_locals_find(LiveLocals *live, const Ir *ir, const uint32_t *end, Arena *arena) {
    const Function *f = ir_function(ir);
    int64_t size = (int64_t)f->num_instructions;
    *live = (LiveLocals){.ir = ir, .end = end, .words = f->num_locals / 64 + 1};
    live->budget = FREE_STEPS + STEPS_PER_INSTRUCTION * size;
    if ((int64_t)ir->num_blocks * live->words > FREE_WORDS + WORDS_PER_INSTRUCTION * size) return false;
    live->at_begin = arena_array(arena, ir->num_blocks * live->words, sizeof *live->at_begin);
    live->survives = arena_array(arena, f->num_instructions, sizeof *live->survives);
    live->now = arena_array(arena, live->words, sizeof *live->now);
    live->behind = arena_array(arena, live->words, sizeof *live->behind);
    bool *waits = arena_array(arena, ir->num_blocks, sizeof *waits);
    memset(waits, true, ir->num_blocks * sizeof *waits);
    while (sweep(live, waits) && live->budget >= 0) continue;
    return live->budget >= 0;
}

void live_locals_enter(LiveLocals *live, uint32_t block) {
    memcpy(live->now, set_at_begin(live, block), live->words * sizeof *live->now);
}

void live_locals_pass(LiveLocals *live, uint32_t pc) {
    Instruction ins = ir_function(live->ir)->bytecode[pc];
    if (ins.opcode != OP_LOAD_LOCAL && ins.opcode != OP_STORE_LOCAL) return;
    if (live->survives[pc]) add(live->now, (uint32_t)ins.operand);
    else take_out(live->now, (uint32_t)ins.operand);
}
