// The bytecode verifier: three walks over each function.
//   1. operands: is every operand in range?
//   2. depths: starting with an empty stack at the first instruction, follow every path; where two
//      paths meet, the number of operands must agree.
//   3. locals: follow every path again, with the set of locals that some path has not written yet.
// Invariant: an instruction is on the work list at most once at any time.
#include "bytecode/verify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "object/number.h"

typedef struct Verifier {
    Program *program;
    Function *function;
    Diagnostic *diagnostic;
    uint32_t *work; // instructions whose successors must be looked at
    size_t num_work;
    uint64_t steps; // of the third walk, over the whole program so far
} Verifier;

// The third walk looks at an instruction once in nearly every program, but 64 times for each 64
// locals in the worst: a program that needs more steps than this is rejected, not waited for.
enum { MAX_STEPS = 1 << 26 };

#define FAULT(v, pc, ...) diagnose((v)->diagnostic, (v)->function->positions[pc], __VA_ARGS__)

static bool ends_path(Opcode opcode) { return opcode == OP_JUMP || opcode == OP_RETURN; }

// The instructions that may follow `pc`: at most two. Returns how many.
static int successors(const Function *function, uint32_t pc, uint32_t next[2]) {
    Instruction ins = function->bytecode[pc];
    int count = 0;
    if (!ends_path(ins.opcode)) next[count++] = pc + 1;
    if (opcode_info[ins.opcode].operand == OPERAND_TARGET) next[count++] = (uint32_t)ins.operand;
    return count;
}

// 1. Operands.

// Could the text form have made it? Of each number that is one word only (object/value.h).
static bool is_constant(Value value) {
    if (value == NO_VALUE) return false;
    if (!value_is_number(value))
        return value_is_string(value) || value == VALUE_FALSE || value == VALUE_TRUE || value == VALUE_UNDEFINED ||
               value == VALUE_NULL;
    Heap none = {0};
    Value same = number_from_double(&none, number_to_double(value));
    return value == same || (value_is_pointer(value) && value_is_pointer(same));
}

// What is not null must be the address of a String: any other word cannot be told from one.
static bool check_name(Verifier *v, uint32_t pc) {
    const String *name = (const String *)(uintptr_t)v->function->bytecode[pc].operand;
    if (name && string_table_find(&v->program->strings, name->bytes, name->length) == name) return true;
    return FAULT(v, pc, "the name is no interned string of the program");
}

static bool check_operand(Verifier *v, uint32_t pc) {
    const Function *f = v->function;
    Instruction ins = f->bytecode[pc];
    if ((unsigned)ins.opcode >= NUM_OPCODES) return FAULT(v, pc, "unknown opcode %d", (int)ins.opcode);
    switch (opcode_info[ins.opcode].operand) {
    case OPERAND_NONE: return true;
    case OPERAND_CONST:
        if (is_constant((Value)ins.operand)) return true;
        return FAULT(v, pc, "0x%" PRIx64 " is no constant", (uint64_t)ins.operand);
    case OPERAND_LOCAL:
        if (ins.operand >= 0 && ins.operand < f->num_locals) return true;
        return FAULT(v, pc, "no local %" PRId64 ": '%.40s' has locals=%u", ins.operand, f->name, f->num_locals);
    case OPERAND_TARGET:
        if (ins.operand >= 0 && (uint64_t)ins.operand < f->num_instructions) return true;
        return FAULT(v, pc, "the jump leaves the function");
    case OPERAND_FUNCTION:
        if (ins.operand >= 0 && (uint64_t)ins.operand < v->program->num_functions) return true;
        return FAULT(v, pc, "no function %" PRId64, ins.operand);
    case OPERAND_NATIVE:
        if (ins.operand >= 0 && (uint64_t)ins.operand < v->program->num_natives) return true;
        return FAULT(v, pc, "no native %" PRId64, ins.operand);
    case OPERAND_CLASS:
        if (ins.operand >= 0 && (uint64_t)ins.operand < v->program->num_classes) return true;
        return FAULT(v, pc, "no class %" PRId64, ins.operand);
    case OPERAND_COUNT:
        if (ins.operand >= 0 && ins.operand <= MAX_DEPTH) return true;
        return FAULT(v, pc, "the number of elements must be between 0 and %d", MAX_DEPTH);
    case OPERAND_METHOD:
        if (ins.num_args > MAX_ARGUMENTS) return FAULT(v, pc, "more than %d arguments", MAX_ARGUMENTS);
        return check_name(v, pc);
    case OPERAND_NAME: return check_name(v, pc);
    }
    return FAULT(v, pc, "unknown kind of operand");
}

// 2. Depths.

static bool join_depth(Verifier *v, uint32_t pc, uint32_t target, int32_t depth) {
    Function *f = v->function;
    if (target == f->num_instructions) return FAULT(v, pc, "execution falls off the end of '%.40s'", f->name);
    if (f->depth[target] == depth) return true;
    if (f->depth[target] >= 0) {
        return FAULT(v, target, "reached with %d operands on the stack on one path and %d on another",
                     f->depth[target], depth);
    }
    f->depth[target] = depth;
    v->work[v->num_work++] = target;
    return true;
}

static bool step_depth(Verifier *v, uint32_t pc) {
    Function *f = v->function;
    Instruction ins = f->bytecode[pc];
    uint32_t pops = instruction_pops(v->program, ins);
    int32_t depth = f->depth[pc];
    if ((int64_t)pops > depth)
        return FAULT(v, pc, "'%s' pops %u operands, but the stack holds %d",
                     opcode_info[ins.opcode].mnemonic, pops, depth);
    depth += opcode_info[ins.opcode].pushes - (int32_t)pops;
    if (depth > MAX_DEPTH) return FAULT(v, pc, "more than %d operands on the stack", MAX_DEPTH);
    if ((uint32_t)depth > f->max_depth) f->max_depth = (uint32_t)depth;
    uint32_t next[2];
    int count = successors(f, pc, next);
    for (int i = 0; i < count; i++)
        if (!join_depth(v, pc, next[i], depth)) return false;
    return true;
}

static bool check_depths(Verifier *v) {
    Function *f = v->function;
    f->depth = arena_array(&v->program->arena, f->num_instructions, sizeof *f->depth);
    memset(f->depth, -1, f->num_instructions * sizeof *f->depth);
    f->max_depth = 0;
    f->depth[0] = 0;
    v->work[0] = 0;
    v->num_work = 1;
    while (v->num_work > 0)
        if (!step_depth(v, v->work[--v->num_work])) return false;
    return true;
}

// 3. Locals, 64 at a time: bit i of a mask stands for local `first + i`.

// unwritten[pc]: the locals that some path to pc has not written. seen[pc]: has any path come by?
typedef struct LocalsCheck {
    uint64_t *unwritten;
    uint8_t *seen, *waiting; // waiting: on the work list
    uint32_t first;
} LocalsCheck;

static void join_locals(Verifier *v, LocalsCheck *check, uint32_t target, uint64_t unwritten) {
    uint64_t joined = check->unwritten[target] | unwritten;
    if (check->seen[target] && joined == check->unwritten[target]) return;
    check->unwritten[target] = joined;
    check->seen[target] = 1;
    if (check->waiting[target]) return;
    check->waiting[target] = 1;
    v->work[v->num_work++] = target;
}

static bool read_fault(Verifier *v, uint32_t pc) {
    int64_t local = v->function->bytecode[pc].operand;
    return FAULT(v, pc, "local %" PRId64 " is read before it is written on some path", local);
}

static bool step_locals(Verifier *v, LocalsCheck *check, uint32_t pc) {
    const Function *f = v->function;
    Instruction ins = f->bytecode[pc];
    uint64_t unwritten = check->unwritten[pc];
    check->waiting[pc] = 0;
    bool in_mask = opcode_info[ins.opcode].operand == OPERAND_LOCAL && ins.operand >= check->first &&
                   ins.operand < (int64_t)check->first + 64;
    if (in_mask) {
        uint64_t bit = (uint64_t)1 << (ins.operand - check->first);
        if (ins.opcode == OP_LOAD_LOCAL && unwritten & bit)
            return read_fault(v, pc);
        if (ins.opcode == OP_STORE_LOCAL) unwritten &= ~bit;
    }
    uint32_t next[2];
    int count = successors(f, pc, next);
    for (int i = 0; i < count; i++) join_locals(v, check, next[i], unwritten);
    return true;
}

// Find the locals that need the walk: those that are read somewhere, are no parameters, and are not
// written before the first jump, where every path comes by. Returns that jump, or -1 after a fault.
static int64_t find_open_locals(Verifier *v, uint64_t *open) {
    const Function *f = v->function;
    for (size_t pc = 0; pc < f->num_instructions; pc++) {
        Instruction ins = f->bytecode[pc];
        if (ins.opcode == OP_LOAD_LOCAL && ins.operand >= f->num_params)
            open[ins.operand / 64] |= (uint64_t)1 << (ins.operand % 64);
    }
    for (uint32_t pc = 0;; pc++) {
        Instruction ins = f->bytecode[pc];
        OperandKind kind = opcode_info[ins.opcode].operand;
        uint64_t bit = kind == OPERAND_LOCAL ? (uint64_t)1 << (ins.operand % 64) : 0;
        if (ins.opcode == OP_LOAD_LOCAL && open[ins.operand / 64] & bit) {
            read_fault(v, pc);
            return -1;
        }
        if (ins.opcode == OP_STORE_LOCAL) open[ins.operand / 64] &= ~bit;
        if (ends_path(ins.opcode) || kind == OPERAND_TARGET) return pc;
    }
}

static bool check_locals_group(Verifier *v, LocalsCheck *check, uint32_t start, uint64_t unwritten) {
    memset(check->seen, 0, v->function->num_instructions);
    memset(check->waiting, 0, v->function->num_instructions);
    memset(check->unwritten, 0, v->function->num_instructions * sizeof *check->unwritten);
    v->num_work = 0;
    join_locals(v, check, start, unwritten);
    v->steps += v->function->num_instructions / 8; // what clearing the arrays amounts to
    while (v->num_work > 0) {
        if (++v->steps > MAX_STEPS)
            return diagnose(v->diagnostic, v->function->position,
                            "function '%.40s' is too large to check all its locals", v->function->name);
        if (!step_locals(v, check, v->work[--v->num_work])) return false;
    }
    return true;
}

static bool check_locals(Verifier *v) {
    Function *f = v->function;
    LocalsCheck check = {
        .unwritten = xcalloc(f->num_instructions, sizeof *check.unwritten),
        .seen = xcalloc(f->num_instructions, 1),
        .waiting = xcalloc(f->num_instructions, 1),
    };
    uint64_t *open = xcalloc(f->num_locals / 64 + 1, sizeof *open);
    int64_t start = find_open_locals(v, open);
    bool ok = start >= 0;
    for (; ok && check.first < f->num_locals; check.first += 64)
        if (open[check.first / 64]) ok = check_locals_group(v, &check, (uint32_t)start, open[check.first / 64]);
    free(open);
    free(check.unwritten);
    free(check.seen);
    free(check.waiting);
    return ok;
}

// Number the instructions that have an inline cache.
static void number_sites(Verifier *v) {
    Function *f = v->function;
    f->site = arena_array(&v->program->arena, f->num_instructions, sizeof *f->site);
    f->num_sites = 0;
    for (size_t pc = 0; pc < f->num_instructions; pc++) {
        Opcode opcode = f->bytecode[pc].opcode;
        bool has_site = opcode == OP_GET_PROPERTY || opcode == OP_SET_PROPERTY || opcode == OP_CALL_METHOD;
        f->site[pc] = has_site && f->depth[pc] >= 0 ? f->num_sites++ : NO_SITE;
    }
}

static bool check_shape(Verifier *v) {
    const Function *f = v->function;
    if (f->num_instructions == 0) return diagnose(v->diagnostic, f->position, "function '%.40s' is empty", f->name);
    if (f->num_instructions > MAX_INSTRUCTIONS)
        return diagnose(v->diagnostic, f->position, "function '%.40s' has more than %d instructions", f->name,
                        MAX_INSTRUCTIONS);
    if (f->num_locals > MAX_LOCALS || f->num_params > f->num_locals)
        return diagnose(v->diagnostic, f->position, "function '%.40s': params=%u locals=%u is out of range", f->name,
                        f->num_params, f->num_locals);
    return true;
}

static bool verify_function(Verifier *v) {
    if (!check_shape(v)) return false;
    const Function *f = v->function;
    for (uint32_t pc = 0; pc < f->num_instructions; pc++)
        if (!check_operand(v, pc)) return false;
    v->work = xcalloc(f->num_instructions, sizeof *v->work);
    bool ok = check_depths(v) && check_locals(v);
    free(v->work);
    if (ok) number_sites(v);
    return ok;
}

bool program_verify(Program *program, Diagnostic *diagnostic) {
    Verifier verifier = {.program = program, .diagnostic = diagnostic};
    for (size_t i = 0; i < program->num_functions; i++) {
        verifier.function = &program->functions[i];
        if (!verify_function(&verifier)) return false;
    }
    return true;
}
