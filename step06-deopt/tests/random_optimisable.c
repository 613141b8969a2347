#include "random_optimisable.h"

#include <math.h>

#include "object/value.h"

enum {
    // Locals: the parameters, then
    OBJECT_0 = RANDOM_OPTIMISABLE_PARAMS, // objects and an array,
    OBJECT_1,
    ARRAY,
    ANY_0,   // what statements assign,
    ANY_END = ANY_0 + 5,
    COUNTERS = ANY_END, // and one counter for each loop around
    MAX_LOOPS = 3,
    NUM_LOCALS = COUNTERS + MAX_LOOPS,
};

typedef struct Generator {
    uint64_t state;
    Program *program;
    uint32_t main, helper;
    int64_t note, poke;
    int budget;         // statements
    uint32_t num_loops; // around here
    int64_t exits[MAX_LOOPS]; // the latest jump out of the loop, or -1: each operand names the one before
} Generator;

// splitmix64: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014.
static uint32_t below(Generator *g, uint32_t bound) {
    uint64_t z = g->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)((z ^ z >> 31) % bound);
}

static int64_t emit(Generator *g, Opcode opcode, int64_t operand) {
    uint32_t pc = (uint32_t)g->program->functions[g->main].num_instructions;
    program_emit(g->program, g->main, opcode, operand, (SourcePos){pc + 1, 1});
    return pc;
}

static int64_t here(const Generator *g) { return (int64_t)g->program->functions[g->main].num_instructions; }
static void target_here(Generator *g, int64_t jump) {
    g->program->functions[g->main].bytecode[jump].operand = here(g);
}

static int64_t name(Generator *g) {
    static const char *const names[] = {"x", "y", "z", "length", "0", "1"};
    static const uint32_t often[] = {0, 0, 0, 1, 1, 2, 2, 3, 4, 5};
    const char *text = names[often[below(g, 10)]];
    return (int64_t)(uintptr_t)program_intern(g->program, text, strlen(text));
}

static void emit_int(Generator *g, int32_t i) { emit(g, OP_LOAD_CONST, (int64_t)value_from_int(i)); }

static void emit_constant(Generator *g) {
    static const double numbers[] = {
        0, -0.0, 1, 2, 3, 4, 5, -1, -2, 0.5, 0.25, 8, 2147483647, -2147483648.0, 1e300, 5e-324, NAN, INFINITY,
    };
    Value value = program_number(g->program, numbers[below(g, sizeof numbers / sizeof *numbers)]);
    switch (below(g, 20)) {
    case 0: value = VALUE_UNDEFINED; break;
    case 1: value = VALUE_NULL; break;
    case 2: value = VALUE_TRUE; break;
    case 3: value = VALUE_FALSE; break;
    case 4: value = value_from_pointer(program_intern(g->program, "7", 1)); break;
    case 5: value = value_from_pointer(program_intern(g->program, "x", 1)); break;
    default: break;
    }
    emit(g, OP_LOAD_CONST, (int64_t)value);
}

static void emit_object(Generator *g) { emit(g, OP_LOAD_LOCAL, OBJECT_0 + below(g, 2)); }

static uint32_t some_local(Generator *g) {
    if (g->num_loops > 0 && below(g, 3) == 0) return COUNTERS + below(g, g->num_loops);
    if (below(g, 30) == 0) return OBJECT_0 + below(g, 3);
    return below(g, 4) == 0 ? below(g, RANDOM_OPTIMISABLE_PARAMS) : ANY_0 + below(g, ANY_END - ANY_0);
}

static void emit_expression(Generator *g, uint32_t depth);

static void emit_operation(Generator *g, uint32_t depth) {
    static const Opcode opcodes[] = {
        OP_ADD, OP_ADD, OP_SUB, OP_MUL, OP_MUL, OP_DIV, OP_MOD, OP_EQUAL, OP_LESS_THAN, OP_GREATER_THAN,
    };
    Opcode opcode = opcodes[below(g, sizeof opcodes / sizeof *opcodes)];
    emit_expression(g, depth - 1);
    if (below(g, 8) == 0) emit(g, OP_DUP, 0);
    else emit_expression(g, depth - 1);
    emit(g, opcode, 0);
}

static void emit_index(Generator *g) {
    if (below(g, 6) == 0) emit_constant(g);
    else if (g->num_loops > 0 && below(g, 2)) emit(g, OP_LOAD_LOCAL, COUNTERS + below(g, g->num_loops));
    else emit_int(g, (int32_t)below(g, 3));
}

static void emit_expression(Generator *g, uint32_t depth) {
    uint32_t kind = below(g, 20);
    if (depth == 0) kind %= 8;
    if (kind < 3) {
        emit_constant(g);
    } else if (kind < 8) {
        emit(g, OP_LOAD_LOCAL, some_local(g));
    } else if (kind < 13) {
        emit_operation(g, depth);
    } else if (kind < 16) {
        emit_object(g);
        emit(g, OP_GET_PROPERTY, name(g));
    } else if (kind < 18) {
        emit(g, OP_LOAD_LOCAL, below(g, 5) ? ARRAY : some_local(g));
        emit_index(g);
        emit(g, OP_GET_INDEX, 0);
    } else if (kind == 18) {
        emit(g, OP_LOAD_LOCAL, below(g, 10) ? ARRAY : some_local(g));
        emit(g, OP_LENGTH, 0);
    } else {
        emit_object(g);
        emit_expression(g, depth - 1);
        emit(g, OP_CALL, g->helper);
    }
}

static void emit_statements(Generator *g);

static void emit_if(Generator *g) {
    emit_expression(g, 2);
    int64_t to_else = emit(g, OP_JUMP_IF_FALSE, 0);
    emit_statements(g);
    if (below(g, 2)) {
        target_here(g, to_else);
        return;
    }
    int64_t to_end = emit(g, OP_JUMP, 0);
    target_here(g, to_else);
    emit_statements(g);
    target_here(g, to_end);
}

static void emit_break(Generator *g) {
    uint32_t loop = below(g, g->num_loops);
    emit_expression(g, 1);
    int64_t over = emit(g, OP_JUMP_IF_FALSE, 0);
    g->exits[loop] = emit(g, OP_JUMP, g->exits[loop]);
    target_here(g, over);
}

// counter < bound, bound > counter, or counter < length of the array
static void emit_test(Generator *g, uint32_t counter, int32_t bound) {
    if (below(g, 4) == 0) {
        emit(g, OP_LOAD_LOCAL, counter);
        emit(g, OP_LOAD_LOCAL, ARRAY);
        emit(g, OP_LENGTH, 0);
        emit(g, OP_LESS_THAN, 0);
    } else if (below(g, 2)) {
        emit(g, OP_LOAD_LOCAL, counter);
        emit_int(g, bound);
        emit(g, OP_LESS_THAN, 0);
    } else {
        emit_int(g, bound);
        emit(g, OP_LOAD_LOCAL, counter);
        emit(g, OP_GREATER_THAN, 0);
    }
}

static void emit_loop(Generator *g) {
    uint32_t loop = g->num_loops++, counter = COUNTERS + loop;
    int32_t start = (int32_t)below(g, 4) - 1, step = 1 + (int32_t)below(g, 2);
    int32_t bound = start + (int32_t)below(g, 4) * step;
    bool tests_at_top = below(g, 4) != 0;
    g->exits[loop] = -1;
    emit_int(g, start);
    emit(g, OP_STORE_LOCAL, counter);
    int64_t top = here(g), out = -1;
    if (tests_at_top) {
        emit_test(g, counter, bound);
        out = emit(g, OP_JUMP_IF_FALSE, 0);
    }
    emit_statements(g);
    emit(g, OP_LOAD_LOCAL, counter);
    emit_int(g, step);
    emit(g, OP_ADD, 0);
    emit(g, OP_STORE_LOCAL, counter);
    if (!tests_at_top) {
        emit_test(g, counter, bound);
        out = emit(g, OP_JUMP_IF_FALSE, 0);
    }
    emit(g, OP_JUMP, top);
    target_here(g, out);
    for (int64_t exit = g->exits[loop]; exit >= 0;) {
        int64_t before = g->program->functions[g->main].bytecode[exit].operand;
        target_here(g, exit);
        exit = before;
    }
    g->num_loops--;
}

static void emit_store(Generator *g) {
    if (below(g, 2)) {
        emit_object(g);
        emit_expression(g, 2);
        emit(g, OP_SET_PROPERTY, name(g));
        return;
    }
    emit(g, OP_LOAD_LOCAL, below(g, 4) ? (uint32_t)ARRAY : OBJECT_0 + below(g, 2));
    emit_index(g);
    emit_expression(g, 1);
    emit(g, OP_SET_INDEX, 0);
}

static void emit_native(Generator *g) {
    if (below(g, 3)) emit_expression(g, 1);
    else emit(g, OP_LOAD_LOCAL, OBJECT_0 + below(g, 3));
    emit(g, OP_CALL_NATIVE, below(g, 3) ? g->note : g->poke);
    emit(g, OP_POP, 0);
}

static void emit_rare(Generator *g) {
    switch (below(g, 4)) {
    case 0:
        emit_object(g);
        emit(g, OP_DELETE_PROPERTY, name(g));
        emit(g, OP_POP, 0);
        break;
    case 1:
        emit(g, OP_LOAD_LOCAL, OBJECT_0);
        emit(g, OP_LOAD_LOCAL, OBJECT_1);
        emit(g, OP_SET_PROTOTYPE, 0);
        break;
    case 2:
        emit_expression(g, 1);
        emit_expression(g, 1);
        emit(g, OP_NEW_ARRAY, 2);
        emit(g, OP_STORE_LOCAL, ARRAY);
        break;
    case 3:
        emit(g, OP_NEW_OBJECT, 0);
        emit(g, OP_STORE_LOCAL, OBJECT_0);
        break;
    }
}

static void emit_statement(Generator *g) {
    uint32_t kind = below(g, 20);
    if (kind < 7) {
        emit_expression(g, 3);
        emit(g, OP_STORE_LOCAL, ANY_0 + below(g, ANY_END - ANY_0));
    } else if (kind < 10) {
        emit_store(g);
    } else if (kind < 13) {
        emit_if(g);
    } else if (kind < 16 && g->num_loops < MAX_LOOPS) {
        emit_loop(g);
    } else if (kind == 16 && g->num_loops > 0) {
        emit_break(g);
    } else if (kind == 17) {
        emit_rare(g);
    } else {
        emit_native(g);
    }
}

static void emit_statements(Generator *g) {
    for (uint32_t i = 1 + below(g, 4); i > 0 && g->budget > 0; i--) {
        g->budget--;
        emit_statement(g);
    }
}

// helper(o, v): o.z = v; return o.x
static uint32_t make_helper(Program *program) {
    uint32_t helper = program_add_function(program, "helper", 2, 2);
    const SourcePos nowhere = {1, 1};
    int64_t x = (int64_t)(uintptr_t)program_intern(program, "x", 1);
    int64_t z = (int64_t)(uintptr_t)program_intern(program, "z", 1);
    program_emit(program, helper, OP_LOAD_LOCAL, 0, nowhere);
    program_emit(program, helper, OP_LOAD_LOCAL, 1, nowhere);
    program_emit(program, helper, OP_SET_PROPERTY, z, nowhere);
    program_emit(program, helper, OP_LOAD_LOCAL, 0, nowhere);
    program_emit(program, helper, OP_GET_PROPERTY, x, nowhere);
    program_emit(program, helper, OP_RETURN, 0, nowhere);
    return helper;
}

static void emit_start(Generator *g) {
    for (uint32_t i = 0; i < 2; i++) {
        emit(g, OP_NEW_OBJECT, 0);
        emit(g, OP_STORE_LOCAL, OBJECT_0 + i);
    }
    for (int32_t i = 0; i < 3; i++) emit_int(g, i);
    emit(g, OP_NEW_ARRAY, 3);
    emit(g, OP_STORE_LOCAL, ARRAY);
    for (uint32_t local = ANY_0; local < NUM_LOCALS; local++) {
        if (below(g, 2)) emit_constant(g);
        else emit(g, OP_LOAD_LOCAL, below(g, RANDOM_OPTIMISABLE_PARAMS));
        emit(g, OP_STORE_LOCAL, local);
    }
}

static void emit_end(Generator *g) {
    for (uint32_t local = OBJECT_0; local < ANY_END; local++) {
        emit(g, OP_LOAD_LOCAL, local);
        emit(g, OP_CALL_NATIVE, g->note);
        emit(g, OP_POP, 0);
    }
    emit_expression(g, 2);
    emit(g, OP_RETURN, 0);
}

Program *random_optimisable(uint64_t seed, NativeCode *note, NativeCode *poke) {
    Program *program = program_new("random");
    Generator g = {.state = seed, .program = program, .budget = 30};
    g.note = program_add_native(program, "note", 1, note);
    g.poke = program_add_native(program, "poke", 1, poke);
    program_add_class(program, "Thing", -1, 2);
    g.main = program_add_function(program, "main", RANDOM_OPTIMISABLE_PARAMS, NUM_LOCALS);
    g.helper = make_helper(program);
    emit_start(&g);
    while (g.budget > 0) emit_statements(&g);
    emit_end(&g);
    return program;
}
