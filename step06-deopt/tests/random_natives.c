#include "random_natives.h"

#include <string.h>

#include "object/number.h"
#include "random_program.h"

static int64_t native_named(const Program *program, const char *kind, uint32_t num_params) {
    char name[16];
    int length = snprintf(name, sizeof name, "%s%u", kind, num_params);
    return program_find_native(program, name, (size_t)length);
}

// A native of this many parameters. Most destroy what they may; of one parameter there are several.
static int64_t choose_native(Random *random, const Program *program, uint32_t num_params) {
    static const char *const of_one[] = {"quiet", "run_leaf", "abs"};
    if (num_params == 1 && random_below(random, 2) == 0) {
        const char *name = of_one[random_below(random, 3)];
        return program_find_native(program, name, strlen(name));
    }
    return native_named(program, random_below(random, 4) ? "weigh" : "aligned", num_params);
}

// Loops count down with a constant and a subtraction, and end with a comparison: these stay.
static bool may_be_replaced(const Function *f, size_t pc) {
    switch (f->bytecode[pc].opcode) {
    case OP_CALL:
    case OP_ADD:
    case OP_MUL:
    case OP_EQUAL: return true;
    case OP_LOAD_CONST: {
        Opcode next = pc + 1 < f->num_instructions ? f->bytecode[pc + 1].opcode : OP_SUB;
        return next == OP_ADD || next == OP_MUL || next == OP_EQUAL || next == OP_DIV || next == OP_RETURN;
    }
    default: return false;
    }
}

static Instruction translate(Random *random, const Program *from, Program *to, const Function *f, size_t pc) {
    Instruction ins = f->bytecode[pc];
    bool is_number = ins.opcode == OP_LOAD_CONST && value_is_number((Value)ins.operand);
    if (is_number) ins.operand = (int64_t)program_number(to, number_to_double((Value)ins.operand)); // heap numbers have owners
    if (!may_be_replaced(f, pc)) return ins;
    uint32_t pops = instruction_pops(from, ins);
    uint32_t odds = ins.opcode == OP_CALL ? 2 : 4;
    if (pops > MAX_NATIVE_PARAMS || random_below(random, odds) != 0) return ins;
    return (Instruction){.opcode = OP_CALL_NATIVE, .operand = choose_native(random, to, pops)};
}

// leaf(n) = (n - 7) / (n - 3) * n, by way of a native; an error if n is a function.
static void add_leaf(Program *program) {
    static const Opcode opcodes[] = {OP_LOAD_LOCAL, OP_LOAD_CONST, OP_SUB, OP_LOAD_LOCAL, OP_LOAD_CONST, OP_SUB,
                                     OP_DIV, OP_CALL_NATIVE, OP_LOAD_LOCAL, OP_MUL, OP_RETURN};
    int64_t seven = (int64_t)value_from_int(7), three = (int64_t)value_from_int(3);
    int64_t operands[] = {0, seven, 0, 0, three, 0, 0, native_named(program, "weigh", 1), 0, 0, 0};
    uint32_t leaf = program_add_function(program, "leaf", 1, 1);
    for (uint32_t i = 0; i < sizeof opcodes / sizeof *opcodes; i++)
        program_emit(program, leaf, opcodes[i], operands[i], (SourcePos){i + 1, 1});
}

Program *random_native_program(uint64_t seed) {
    Random random = {seed ^ UINT64_C(0x6E617469766573)}; // not the numbers that random_program draws
    Program *plain = random_program(seed);
    Program *program = program_new("random.bca");
    test_natives_register(program);
    for (size_t i = 0; i < plain->num_functions; i++) {
        const Function *f = &plain->functions[i];
        program_add_function(program, f->name, f->num_params, f->num_locals);
    }
    for (size_t i = 0; i < plain->num_functions; i++) {
        const Function *f = &plain->functions[i];
        for (size_t pc = 0; pc < f->num_instructions; pc++) {
            Instruction ins = translate(&random, plain, program, f, pc);
            program_emit(program, (uint32_t)i, ins.opcode, ins.operand, f->positions[pc]);
        }
    }
    add_leaf(program);
    program_free(plain);
    return program;
}
