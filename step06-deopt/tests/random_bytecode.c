#include "random_bytecode.h"

#include <stdlib.h>

#include "base/memory.h"
#include "object/value.h"

enum {
    NUM_PARAMS = 2,
    COUNTER = NUM_PARAMS, // a local: jumps that may still be made
    NUM_LOCALS = 7,
    MAX_RUN = 300,        // jumps
    MAX_STACK = 2,        // operands where a block begins
};

// What is planned for a block.
typedef struct Plan {
    uint32_t depth;     // operands where it begins
    uint32_t start;     // the instruction where it begins
    uint32_t loop;      // if the program is reducible: the header of the innermost loop, or 0 (no loop's header)
    uint32_t end;       // of a header: the block behind its loop
    uint32_t around;    // of a header: the header of the loop around it, or 0
} Plan;

typedef struct Generator {
    uint64_t state;
    Program *program;
    uint32_t depth;
    uint32_t num_blocks;
    Plan *plans;
    bool reducible;
} Generator;

// splitmix64: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014.
static uint32_t below(Generator *g, uint32_t bound) {
    uint64_t z = g->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)((z ^ z >> 31) % bound);
}

static uint32_t emit(Generator *g, Opcode opcode, int64_t operand) {
    uint32_t pc = (uint32_t)g->program->functions[0].num_instructions;
    g->depth += (uint32_t)opcode_info[opcode].pushes - (uint32_t)opcode_info[opcode].pops;
    program_emit(g->program, 0, opcode, operand, (SourcePos){pc + 1, 1});
    return pc;
}

static void emit_constant(Generator *g) {
    static const double numbers[] = {0, -0.0, 1, -1, 2, 3, 0.5, 2147483647, -2147483648.0, 1e300, 5e-324};
    double d = numbers[below(g, sizeof numbers / sizeof *numbers)];
    Value value = program_number(g->program, d);
    if (below(g, 60) == 0) {
        emit(g, OP_LOAD_FUNCTION, 0); // arithmetic with it is an error
        return;
    }
    switch (below(g, 12)) {
    case 0: value = VALUE_UNDEFINED; break;
    case 1: value = VALUE_NULL; break;
    case 2: value = VALUE_TRUE; break;
    case 3: value = VALUE_FALSE; break;
    case 4: value = value_from_pointer(program_intern(g->program, "7", 1)); break;
    }
    emit(g, OP_LOAD_CONST, (int64_t)value);
}

static void emit_operation(Generator *g) {
    static const Opcode opcodes[] = {
        OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_MOD, OP_EQUAL, OP_LESS_THAN, OP_GREATER_THAN,
    };
    switch (below(g, 8)) {
    case 0: emit_constant(g); break;
    case 1:
    case 2: emit(g, OP_LOAD_LOCAL, below(g, NUM_LOCALS)); break;
    case 3:
        if (g->depth > 0) emit(g, OP_DUP, 0);
        break;
    case 4:
    case 5:
        if (g->depth > 1) emit(g, opcodes[below(g, sizeof opcodes / sizeof *opcodes)], 0);
        break;
    case 6:
        if (g->depth > 0) emit(g, OP_STORE_LOCAL, COUNTER + 1 + below(g, NUM_LOCALS - COUNTER - 1));
        break;
    case 7:
        if (g->depth > 0) emit(g, OP_POP, 0);
        break;
    }
}

static void reach_depth(Generator *g, uint32_t depth) {
    while (g->depth > depth) emit(g, OP_POP, 0);
    while (g->depth < depth) emit(g, OP_LOAD_LOCAL, below(g, NUM_LOCALS));
}

// if (--counter) go on; else return
static void emit_count(Generator *g) {
    emit(g, OP_LOAD_LOCAL, COUNTER);
    emit(g, OP_LOAD_CONST, (int64_t)value_from_int(1));
    emit(g, OP_SUB, 0);
    emit(g, OP_DUP, 0);
    emit(g, OP_STORE_LOCAL, COUNTER);
    uint32_t pc = emit(g, OP_JUMP_IF_FALSE, 0);
    uint32_t over = emit(g, OP_JUMP, 0);
    g->program->functions[0].bytecode[pc].operand = over + 1;
    uint32_t depth = g->depth;
    emit(g, OP_LOAD_LOCAL, below(g, NUM_LOCALS));
    g->program->functions[0].bytecode[over].operand = emit(g, OP_RETURN, 0) + 1;
    g->depth = depth;
}

// Loops: some blocks are headers; what follows, up to `end`, is the body.

static void plan_loops(Generator *g) {
    uint32_t loop = 0;
    for (uint32_t b = 1; b < g->num_blocks; b++) {
        while (loop && g->plans[loop].end <= b) loop = g->plans[loop].around;
        if (below(g, 3) == 0) {
            uint32_t end = loop ? g->plans[loop].end : g->num_blocks;
            g->plans[b].end = b + 1 + below(g, end - b);
            g->plans[b].around = loop;
            loop = b;
        }
        g->plans[b].loop = loop;
    }
}

static bool is_inside(const Generator *g, uint32_t block, uint32_t loop) {
    return loop == 0 || (block >= loop && block < g->plans[loop].end);
}

// May control go from one block to the other? In a reducible program a loop is entered at its header only.
static bool may_jump(const Generator *g, uint32_t from, uint32_t to) {
    if (!g->reducible) return true;
    uint32_t loop = g->plans[to].loop;
    if (to <= from) return to != 0 && loop == to && is_inside(g, from, to);
    return is_inside(g, from, loop == to ? g->plans[to].around : loop);
}

static uint32_t choose_target(Generator *g, uint32_t from) {
    for (int tries = 0; tries < 20; tries++) {
        uint32_t to = below(g, g->num_blocks);
        if (may_jump(g, from, to)) return to;
    }
    return from + 1 < g->num_blocks ? from + 1 : from; // the last block is a loop at worst
}

// Jumps name blocks until all blocks are there.
static void emit_block(Generator *g, uint32_t block) {
    g->depth = g->plans[block].depth;
    g->plans[block].start = (uint32_t)g->program->functions[0].num_instructions;
    for (uint32_t i = below(g, 10); i > 0; i--) emit_operation(g);
    if (below(g, 3) == 0) emit_count(g); // a branch in the middle
    uint32_t to = choose_target(g, block);
    reach_depth(g, g->plans[to].depth);
    emit_count(g);
    for (int i = 0; i < 6; i++) {
        uint32_t other = choose_target(g, block);
        if (g->plans[other].depth != g->plans[to].depth) continue;
        emit(g, OP_LOAD_LOCAL, below(g, NUM_LOCALS));
        emit(g, OP_JUMP_IF_FALSE, -1 - (int64_t)other);
    }
    emit(g, OP_JUMP, -1 - (int64_t)to);
}

static void resolve_jumps(Generator *g) {
    Function *f = &g->program->functions[0];
    for (size_t pc = 0; pc < f->num_instructions; pc++) {
        Instruction *ins = &f->bytecode[pc];
        if (opcode_info[ins->opcode].operand == OPERAND_TARGET && ins->operand < 0)
            ins->operand = g->plans[-1 - ins->operand].start;
    }
}

Program *random_bytecode(uint64_t seed, uint32_t num_blocks, bool reducible) {
    Generator g = {.state = seed, .num_blocks = num_blocks, .reducible = reducible};
    g.program = program_new("random.bca");
    program_add_function(g.program, "main", NUM_PARAMS, NUM_LOCALS);
    g.plans = xcalloc(num_blocks, sizeof *g.plans);
    for (uint32_t b = 1; b < num_blocks; b++) g.plans[b].depth = below(&g, MAX_STACK + 1);
    plan_loops(&g);
    emit(&g, OP_LOAD_CONST, (int64_t)value_from_int(1 + (int32_t)below(&g, MAX_RUN)));
    emit(&g, OP_STORE_LOCAL, COUNTER);
    for (uint32_t local = COUNTER + 1; local < NUM_LOCALS; local++) {
        emit_constant(&g);
        emit(&g, OP_STORE_LOCAL, local);
    }
    for (uint32_t b = 0; b < num_blocks; b++) emit_block(&g, b);
    resolve_jumps(&g);
    free(g.plans);
    return g.program;
}
