#include "random_program.h"

#include <math.h>
#include <string.h>

#include "object/number.h"

enum {
    MAX_FUNCTIONS = 6,
    MAX_LOOPS = 2,          // inside of each other, in one function
    MANY_LOCALS = 200,
    LARGEST = RANDOM_MAX_PARAMS + MANY_LOCALS + MAX_LOOPS,
    FUEL = 0,               // the parameter of every function but main that limits recursion
};

typedef struct Loop {
    uint32_t depth;     // operands on the stack in the loop's body, between statements
    uint32_t breaks[4]; // jumps to the loop's end
    uint32_t num_breaks;
} Loop;

// The state of generating one function.
typedef struct Generator {
    Random random;
    Program *program;
    uint32_t function;
    uint32_t num_plain;    // locals that statements may change; the loops' counters follow them
    bool written[LARGEST]; // on every path to here
    uint32_t depth;        // operands on the stack
    int budget;            // instructions still to be made, roughly
    Loop loops[MAX_LOOPS];
    uint32_t num_loops;
} Generator;

// Numbers. splitmix64: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014.

uint64_t random_bits(Random *random) {
    uint64_t z = random->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

uint32_t random_below(Random *random, uint32_t bound) { return (uint32_t)(random_bits(random) % bound); }

int64_t random_constant(Random *random) {
    static const int64_t extremes[] = {
        INT64_MIN, INT64_MIN + 1, INT64_MAX, INT64_MAX - 1, INT32_MIN, (int64_t)INT32_MIN - 1, INT32_MAX,
        (int64_t)INT32_MAX + 1, UINT32_MAX, (int64_t)UINT32_MAX + 1, -1, 0, 127, 128, -128, -129,
    };
    switch (random_below(random, 4)) {
    case 0: return extremes[random_below(random, sizeof extremes / sizeof *extremes)];
    case 1: return (int64_t)(random_bits(random) >> random_below(random, 64));
    default: return (int64_t)random_below(random, 24) - 8;
    }
}

static double random_double(Random *random) {
    static const double extremes[] = {-0.0, NAN, INFINITY, -INFINITY, 0x1p53, 0x1.8p-255, 0x1p-256, 0x1p257, -0x1.fp256, 5e-324, 1.7e308};
    if (random_below(random, 2)) return extremes[random_below(random, sizeof extremes / sizeof *extremes)];
    return ((double)random_below(random, 64) - 32) / 4;
}

// Any integer, but mostly near the ends of their range, where sums and products leave it.
static double random_int(Random *random) {
    int32_t i = (int32_t)random_bits(random);
    return random_below(random, 3) ? i : i >> random_below(random, 32);
}

Value random_value(Random *random, Program *program) {
    static const Value specials[] = {VALUE_FALSE, VALUE_TRUE, VALUE_UNDEFINED, VALUE_NULL};
    uint32_t choice = random_below(random, 12);
    if (choice == 0) return specials[random_below(random, 4)];
    double d = choice < 3 ? random_double(random) : choice < 6 ? random_int(random) : (double)random_constant(random);
    if (program) return program_number(program, d);
    Value value = number_from_double(&(Heap){0}, d);
    return value ? value : value_from_int(0);
}

static uint32_t below(Generator *g, uint32_t bound) { return random_below(&g->random, bound); }
static bool one_in(Generator *g, uint32_t n) { return below(g, n) == 0; }

// Emission.

static Function *function_of(Generator *g) { return &g->program->functions[g->function]; }
static uint32_t here(Generator *g) { return (uint32_t)function_of(g)->num_instructions; }

static uint32_t emit(Generator *g, Opcode opcode, int64_t operand) {
    Instruction ins = {.opcode = opcode, .operand = operand};
    g->depth += (uint32_t)opcode_info[opcode].pushes - instruction_pops(g->program, ins);
    g->budget--;
    uint32_t pc = here(g);
    program_emit(g->program, g->function, opcode, operand, (SourcePos){pc + 1, 1});
    return pc;
}

// Constants are Values.
static uint32_t emit_int(Generator *g, uint32_t i) { return emit(g, OP_LOAD_CONST, (int64_t)value_from_int((int32_t)i)); }

static uint32_t emit_constant(Generator *g) { return emit(g, OP_LOAD_CONST, (int64_t)random_value(&g->random, g->program)); }

static void target_here(Generator *g, uint32_t jump) { function_of(g)->bytecode[jump].operand = here(g); }

// Instructions behind a jump or return, which no path reaches: operands in range, stack nonsense.
static void emit_junk(Generator *g) {
    uint32_t depth = g->depth;
    for (uint32_t i = below(g, 4); i > 0; i--) {
        Opcode opcode = (Opcode)below(g, OP_GREATER_THAN + 1);
        int64_t operand = 0;
        switch (opcode_info[opcode].operand) {
        default: break; // no operand
        case OPERAND_CONST: operand = (int64_t)random_value(&g->random, g->program); break;
        case OPERAND_LOCAL: operand = below(g, function_of(g)->num_locals); break;
        case OPERAND_TARGET: operand = below(g, here(g)); break;
        case OPERAND_FUNCTION: operand = below(g, (uint32_t)g->program->num_functions); break;
        }
        emit(g, opcode, operand);
    }
    g->depth = depth;
}

// Values: each function below makes code that pushes exactly one.

static void make_value(Generator *g, int size);
static void make_statements(Generator *g, int count);

static void make_leaf(Generator *g) {
    uint32_t local = below(g, function_of(g)->num_locals);
    if (one_in(g, 100)) emit(g, OP_LOAD_FUNCTION, below(g, (uint32_t)g->program->num_functions));
    else if (one_in(g, 3) || !g->written[local]) emit_constant(g);
    else emit(g, OP_LOAD_LOCAL, local);
}

// Mostly a constant: for some of them there are shorter ways to divide.
static void make_divisor(Generator *g, int size) {
    if (one_in(g, 8)) make_value(g, size);
    else if (one_in(g, 3)) emit_int(g, UINT32_C(1) << below(g, 31));
    else emit_constant(g);
}

static void make_binary(Generator *g, int size) {
    static const Opcode opcodes[] = {OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_MOD, OP_EQUAL, OP_LESS_THAN, OP_GREATER_THAN};
    Opcode opcode = opcodes[below(g, sizeof opcodes / sizeof *opcodes)];
    make_value(g, size / 2);
    if (one_in(g, 8)) emit(g, OP_DUP, 0);
    else if (opcode == OP_DIV || opcode == OP_MOD) make_divisor(g, size / 2);
    else make_value(g, size / 2);
    emit(g, opcode, 0);
}

static void make_call(Generator *g, int size) {
    uint32_t count = (uint32_t)g->program->num_functions;
    if (count == 1) {
        make_leaf(g);
        return;
    }
    uint32_t callee = 1 + below(g, count - 1);
    uint32_t n = g->program->functions[callee].num_params;
    if (g->function == 0) {
        emit_int(g, below(g, 4));
    } else {
        emit(g, OP_LOAD_LOCAL, FUEL);
        emit_int(g, 1 + below(g, 2));
        emit(g, OP_SUB, 0);
    }
    for (uint32_t i = 1; i < n; i++) make_value(g, size / (int)n);
    emit(g, OP_CALL, callee);
}

// condition ? a : b, with whatever lies on the stack below.
static void make_choice(Generator *g, int size) {
    bool before[LARGEST], after[LARGEST];
    make_value(g, size / 3);
    uint32_t to_else = emit(g, OP_JUMP_IF_FALSE, 0);
    memcpy(before, g->written, sizeof before);
    make_value(g, size / 3);
    uint32_t to_end = emit(g, OP_JUMP, 0);
    emit_junk(g);
    memcpy(after, g->written, sizeof after);
    memcpy(g->written, before, sizeof before);
    g->depth--;
    target_here(g, to_else);
    make_value(g, size / 3);
    target_here(g, to_end);
    for (int i = 0; i < LARGEST; i++) g->written[i] = g->written[i] && after[i];
}

static void make_value(Generator *g, int size) {
    if (size <= 1 || g->budget <= 0) {
        make_leaf(g);
        return;
    }
    switch (below(g, 8)) {
    case 0: make_call(g, size); break;
    case 1: make_choice(g, size); break;
    case 2:
        make_statements(g, 1);
        make_value(g, size / 2);
        break;
    case 3: make_leaf(g); break;
    default: make_binary(g, size); break;
    }
}

// Statements: each leaves the stack as it was.

static void make_assignment(Generator *g) {
    uint32_t first = g->function ? FUEL + 1 : 0;
    if (g->num_plain <= first) return;
    uint32_t local = first + below(g, g->num_plain - first);
    make_value(g, 8);
    if (one_in(g, 10)) {
        emit(g, OP_POP, 0);
        return;
    }
    emit(g, OP_STORE_LOCAL, local);
    g->written[local] = true;
}

static void make_if(Generator *g) {
    bool before[LARGEST];
    make_value(g, 4);
    uint32_t over = emit(g, OP_JUMP_IF_FALSE, 0);
    memcpy(before, g->written, sizeof before);
    make_statements(g, 2);
    memcpy(g->written, before, sizeof before);
    target_here(g, over);
}

// if (value) return value; or, inside a loop, if (value) break;
static void make_exit(Generator *g) {
    Loop *loop = g->num_loops ? &g->loops[g->num_loops - 1] : NULL;
    make_value(g, 4);
    uint32_t over = emit(g, OP_JUMP_IF_FALSE, 0);
    bool can_break = loop && loop->depth == g->depth && loop->num_breaks < sizeof loop->breaks / sizeof *loop->breaks;
    if (can_break && one_in(g, 2)) {
        loop->breaks[loop->num_breaks++] = emit(g, OP_JUMP, 0);
    } else {
        make_leaf(g);
        emit(g, OP_RETURN, 0);
    }
    emit_junk(g);
    target_here(g, over);
}

static void count_down(Generator *g, uint32_t counter) {
    emit(g, OP_LOAD_LOCAL, counter);
    emit_int(g, 1);
    emit(g, OP_SUB, 0);
    emit(g, OP_STORE_LOCAL, counter);
}

// The test at the top: while (counter) { body; counter-- }
static void make_while(Generator *g, uint32_t counter) {
    uint32_t top = here(g);
    emit(g, OP_LOAD_LOCAL, counter);
    uint32_t done = emit(g, OP_JUMP_IF_FALSE, 0);
    make_statements(g, 2);
    count_down(g, counter);
    emit(g, OP_JUMP, top);
    emit_junk(g);
    target_here(g, done);
}

// The test at the bottom, and perhaps a second entry in the middle of the body.
static void make_do(Generator *g, uint32_t counter) {
    bool before[LARGEST];
    bool two_entries = one_in(g, 2);
    uint32_t into = 0;
    memcpy(before, g->written, sizeof before);
    if (two_entries) {
        make_leaf(g);
        into = emit(g, OP_JUMP_IF_FALSE, 0);
    }
    uint32_t top = here(g);
    make_statements(g, 2);
    if (two_entries) {
        memcpy(g->written, before, sizeof before);
        target_here(g, into);
        make_statements(g, 1);
    }
    count_down(g, counter);
    emit(g, OP_LOAD_LOCAL, counter);
    emit_int(g, 0);
    emit(g, OP_GREATER_THAN, 0);
    uint32_t done = emit(g, OP_JUMP_IF_FALSE, 0);
    emit(g, OP_JUMP, top);
    target_here(g, done);
}

static void make_loop(Generator *g) {
    if (g->num_loops == MAX_LOOPS) return;
    bool before[LARGEST];
    uint32_t counter = g->num_plain + g->num_loops;
    emit_int(g, 1 + below(g, 5));
    emit(g, OP_STORE_LOCAL, counter);
    g->written[counter] = true;
    memcpy(before, g->written, sizeof before);
    Loop *loop = &g->loops[g->num_loops++];
    *loop = (Loop){.depth = g->depth};
    if (one_in(g, 2)) make_while(g, counter);
    else make_do(g, counter);
    for (uint32_t i = 0; i < loop->num_breaks; i++) target_here(g, loop->breaks[i]);
    g->num_loops--;
    memcpy(g->written, before, sizeof before);
}

static void make_statements(Generator *g, int count) {
    for (int i = 0; i < count && g->budget > 0; i++) {
        switch (below(g, 8)) {
        case 0: make_if(g); break;
        case 1: make_exit(g); break;
        case 2: make_loop(g); break;
        default: make_assignment(g); break;
        }
    }
}

// Functions.

// if (fuel < 1) return leaf;
static void make_fuel_check(Generator *g) {
    emit(g, OP_LOAD_LOCAL, FUEL);
    emit_int(g, 1);
    emit(g, OP_LESS_THAN, 0);
    uint32_t go_on = emit(g, OP_JUMP_IF_FALSE, 0);
    make_leaf(g);
    emit(g, OP_RETURN, 0);
    target_here(g, go_on);
}

static void make_function(Generator *g) {
    const Function *f = function_of(g);
    memset(g->written, 0, sizeof g->written);
    for (uint32_t i = 0; i < f->num_params; i++) g->written[i] = true;
    g->num_plain = f->num_locals - MAX_LOOPS;
    g->depth = 0;
    g->num_loops = 0;
    g->budget = 10 + (int)below(g, 120);
    if (g->function) make_fuel_check(g);
    make_statements(g, 1 + (int)below(g, 6));
    make_value(g, 12);
    emit(g, OP_RETURN, 0);
    emit_junk(g);
}

static uint32_t choose_num_params(Generator *g) {
    if (one_in(g, 8)) return 1 + below(g, RANDOM_MAX_PARAMS);
    return 1 + below(g, 9);
}

Program *random_program(uint64_t seed) {
    Generator g = {.random = {seed}, .program = program_new("random.bca")};
    uint32_t count = 1 + below(&g, MAX_FUNCTIONS);
    for (uint32_t i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, i ? "f%u" : "main", i);
        uint32_t num_params = i ? choose_num_params(&g) : below(&g, 4);
        uint32_t more = one_in(&g, 8) ? below(&g, MANY_LOCALS) : below(&g, 5);
        program_add_function(g.program, name, num_params, num_params + more + MAX_LOOPS);
    }
    for (g.function = 0; g.function < count; g.function++) make_function(&g);
    return g.program;
}
