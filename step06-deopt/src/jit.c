#include "jit.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "backend/emit.h"
#include "baseline/baseline.h"
#include "bytecode/parse.h"
#include "code/gdb_jit.h"
#include "code/install.h"
#include "code/perf_map.h"
#include "deopt/deopt.h"
#include "ir/lower.h"
#include "ir/represent.h"
#include "ir/speculate.h"

// A piece of machine code for a function.
typedef struct MachineCode {
    struct MachineCode *next; // the one that was made before, still in memory
    uint8_t *code;
    size_t size;
    CodeMarks marks;
    GdbJitEntry *gdb;   // NULL without debug_info
    DeoptCode *exits;   // NULL: baseline code
} MachineCode;

// One function in the cache.
typedef struct CompiledFunction {
    bool tried;           // jit_compile has seen it
    bool has_no_baseline; // there was no room for that
    MachineCode *all;     // all code that was ever made, the newest first
    MachineCode *baseline, *optimised; // what is in use, or NULL
    uint32_t deopts;      // bets lost so far
    bool no_hoisting;     // one of them in a guard that was moved out of a loop
} CompiledFunction;

struct JitCompiler {
    const Program *program;
    JitOptions options;
    Vm *vm;
    CodeBuffer *buffer; // NULL if the kernel gives no executable memory
    Stubs stubs;
    bool has_stubs;
    RegSet saved; // the registers of C that the enter stub keeps
    CompiledFunction *cache; // indexed as the program's functions
    PerfMap *perf;           // NULL without debug_info
    GdbJitEntry *gdb_stubs[2];
    uint64_t pass_times[NUM_OPT_PASSES];
    size_t wasted;           // instructions and locals of the functions that did not fit
};

// When this much has been compiled in vain, the code buffer counts as full: a program of very many
// functions, each too large for what is left, must not keep the compiler busy for minutes.
enum { MAX_WASTED = 1 << 22 };

const char *const tier_names[NUM_TIERS] = {
    [TIER_INTERP] = "interp",
    [TIER_BASELINE] = "baseline",
    [TIER_OPT] = "opt",
};

const JitOptions jit_default_options = {
    .tier = NUM_TIERS - 1,
    .code_size = 16 << 20,
    .pool = RA_DEFAULT_POOL,
    .heap_size = DEFAULT_HEAP_SIZE,
    .opt_after = 10,
    .deopt_to = TIER_BASELINE,
};

// What gdb has to know of a frame that keeps the registers of a set (see emit_save_regs).
static GdbFrame gdb_frame(GdbSavedReg *places, RegSet saved, int32_t saved_at, uint32_t body) {
    GdbFrame frame = {.saved = places, .body = body};
    for (uint32_t r = 0; r < 16; r++) {
        if (!(saved >> r & 1)) continue;
        places[frame.num_saved++] = (GdbSavedReg){r, saved_at};
        saved_at += 8;
    }
    return frame;
}

// Tell gdb and perf about the stubs that have frames: a back-trace leads through them.
static void describe_stubs(JitCompiler *jit) {
    const Stubs *stubs = &jit->stubs;
    void *enter = (void *)(uintptr_t)stubs->enter;
    GdbSavedReg places[NUM_CALLEE_SAVED];
    const GdbFrame frame = {0}, enter_frame = gdb_frame(places, jit->saved, ENTER_SAVED, (uint32_t)stubs->enter_body);
    jit->perf = perf_map_open();
    perf_map_add(jit->perf, "enter stub", enter, stubs->enter_size);
    perf_map_add(jit->perf, "interpret stub", stubs->interpret, stubs->interpret_size);
    jit->gdb_stubs[0] = gdb_jit_register("enter stub", enter, stubs->enter_size, &enter_frame);
    jit->gdb_stubs[1] = gdb_jit_register("interpret stub", stubs->interpret, stubs->interpret_size, &frame);
}

static void optimize_callable(Vm *vm, Callable *callable);
static void bet_lost(Vm *vm, const DeoptExit *exit, Value found);
static void give_up(Vm *vm, const DeoptCode *code);
static const uint8_t *resume_at(Vm *vm, uint32_t function, uint32_t pc, uint32_t *frame_size);

// Optimised code needs somewhere to go back to, and baseline code somebody to tell that it is called often.
static bool prepare_deopt(JitCompiler *jit) {
    Vm *vm = jit->vm;
    vm->jit = jit;
    if (!deopt_init(vm, jit->buffer)) return false;
    vm->deopt->lost = bet_lost;
    vm->deopt->broken = give_up;
    vm->deopt->resume_at = resume_at;
    vm->deopt->stress = jit->options.stress;
    if (jit->options.tier == TIER_OPT) vm->optimize = optimize_callable;
    return true;
}

JitCompiler *jit_new(const Program *program, const JitOptions *options) {
    JitCompiler *jit = xcalloc(1, sizeof *jit);
    jit->program = program;
    jit->options = *options;
    jit->vm = vm_new(program, options->heap_size);
    jit->vm->ic.mode = options->ic;
    jit->vm->ic.counts_hits = options->counts_hits;
    jit->cache = xcalloc(program->num_functions, sizeof *jit->cache);
    jit->buffer = options->debug_info ? code_buffer_new_flipping(options->code_size) // for gdb
                                      : code_buffer_new(options->code_size);
    jit->saved = options->broken & BROKEN_CALLEE_SAVED ? reg_bit(FRAME_VM_REG) : CALLEE_SAVED_REGS;
    bool ready = jit->buffer && jit->vm->is_ready;
    jit->has_stubs = ready && stubs_generate_saving(&jit->stubs, jit->buffer, jit->vm, jit->saved);
    jit->has_stubs = jit->has_stubs && prepare_deopt(jit);
    jit->vm->enter = jit->stubs.enter;
    if (options->debug_info && jit->has_stubs) describe_stubs(jit);
    for (size_t i = 0; i < program->num_functions; i++)
        jit->vm->callables[i].entry = jit->vm->callables[i].fallback = jit->stubs.interpret;
    return jit;
}

static void free_code(MachineCode *code) {
    while (code) {
        MachineCode *next = code->next;
        gdb_jit_unregister(code->gdb);
        free(code->marks.items);
        free(code);
        code = next;
    }
}

void jit_free(JitCompiler *jit) {
    if (!jit) return;
    for (size_t i = 0; i < jit->program->num_functions; i++) free_code(jit->cache[i].all);
    free(jit->cache);
    for (int i = 0; i < 2; i++) gdb_jit_unregister(jit->gdb_stubs[i]);
    perf_map_close(jit->perf);
    code_buffer_free(jit->buffer);
    deopt_free(jit->vm);
    vm_free(jit->vm);
    free(jit);
}

// Is the function still to be optimised with bets? Without, all values stay tagged.
static bool bets(const JitCompiler *jit, uint32_t index) {
    return !jit->options.no_speculation && jit->cache[index].deopts < MAX_DEOPTS;
}

// The function's IR, through all passes that are not disabled. Returns false if the function is too large.
// The program gains the constants that the passes compute: nothing that runs can tell.
static bool build_ir(const JitCompiler *jit, uint32_t index, Ir *ir, OptOptions *options) {
    const Speculation speculation = {jit->vm, jit->vm->feedback[index]};
    Program *program = (Program *)(uintptr_t)jit->program;
    if (!ir_build_speculating(ir, program, index, bets(jit, index) ? &speculation : NULL)) return false;
    ir->no_hoisting = jit->cache[index].no_hoisting;
    options->disabled = jit->options.disabled;
    options->verify = jit->options.check;
    if (options->verify) ir_check(ir, "construction");
    opt_run(ir, options);
    return true;
}

// The function's LIR. Returns false if the function is too large.
static bool build(const JitCompiler *jit, uint32_t index, Lir *lir, uint64_t *pass_times) {
    Ir ir;
    OptOptions options = {.nanoseconds = pass_times};
    if (!build_ir(jit, index, &ir, &options)) return false;
    if (bets(jit, index)) ir_represent(&ir);
    if (options.verify) ir_check(&ir, "representations");
    ir_lower(&ir, lir);
    if (options.verify) ir_check(&ir, "lowering");
    ir_free(&ir);
    lir->poison_calls = jit->options.check;
    lir->trust_natives = jit->options.broken & BROKEN_CALLER_SAVED;
    return true;
}

// Its allocation. Returns false if the function is too large, be it only to check what was asked to be checked.
static bool allocate(RegisterAllocator *ra, const Lir *lir, const JitOptions *options) {
    if (!ra_allocate(ra, lir, options->pool, options->allocator)) return false;
    if (!options->check || ra_check(ra, lir)) return true;
    ra_free(ra);
    return false;
}

// The optimising tier. Returns NULL if the function is too large for it.
static DeoptCode *generate_optimised(JitCompiler *jit, uint32_t index, bool is_blind, Assembler *a, CodeMarks *marks) {
    Lir lir;
    RegisterAllocator ra;
    DeoptCode *code = NULL;
    if (!build(jit, index, &lir, jit->pass_times)) return NULL;
    if (allocate(&ra, &lir, &jit->options)) {
        code = deopt_code_new(jit->vm, index, (uint32_t)lir.num_exits, (uint32_t)lir.num_values);
        code->depends_on_prototypes = lir.depends_on_prototypes;
        code->is_blind = is_blind;
        lir_emit(a, marks, &jit->stubs, jit->vm, &lir, &ra, code);
        ra_free(&ra);
    }
    lir_free(&lir);
    return code;
}

// Every compiled function's frame begins and ends alike: push rbp; mov rbp, rsp; ...; leave; ret.
static void describe(const JitCompiler *jit, const Function *function, MachineCode *code) {
    const GdbFrame frame = {.body = code->marks.items[1].offset};
    perf_map_add(jit->perf, function->name, code->code, code->size);
    code->gdb = gdb_jit_register(function->name, code->code, code->size, &frame);
}

// Install finished code. Returns NULL if there is no room.
static MachineCode *install(JitCompiler *jit, uint32_t index, Assembler *a, CodeMarks marks, DeoptCode *exits) {
    const Function *function = &jit->program->functions[index];
    uint8_t *address = asm_finish(a) ? code_install(jit->buffer, a) : NULL;
    if (!address) {
        if (exits) deopt_code_drop(jit->vm, exits);
        free(marks.items);
        jit->wasted += function->num_instructions + function->num_locals;
        return NULL;
    }
    MachineCode *code = xcalloc(1, sizeof *code);
    *code = (MachineCode){.code = address, .size = a->size, .marks = marks, .exits = exits};
    code->next = jit->cache[index].all;
    jit->cache[index].all = code;
    if (jit->options.debug_info) describe(jit, function, code);
    if (!exits) return code;
    exits->start = address;
    exits->size = a->size;
    return code;
}

static bool is_full(const JitCompiler *jit) { return jit->wasted >= MAX_WASTED; }

static void enter_at(Callable *callable, MachineCode *code) {
    callable->entry = code->code;
    callable->is_code = true;
}

// The function's baseline code, made if need be; NULL if there is no room for it.
static MachineCode *compile_baseline(JitCompiler *jit, uint32_t index) {
    CompiledFunction *compiled = &jit->cache[index];
    if (compiled->baseline || compiled->has_no_baseline || is_full(jit)) return compiled->baseline;
    Assembler a;
    CodeMarks marks = {0};
    asm_init(&a, code_buffer_available(jit->buffer));
    baseline_compile(&a, &marks, &jit->stubs, jit->vm, index, jit->options.no_forwarding);
    compiled->baseline = install(jit, index, &a, marks, NULL);
    compiled->has_no_baseline = !compiled->baseline;
    asm_free(&a);
    if (!compiled->baseline) return NULL;
    Callable *callable = &jit->vm->callables[index];
    callable->fallback = compiled->baseline->code;
    callable->fallback_is_code = true;
    return compiled->baseline;
}

// The same for its optimised code, which takes the place of what there was.
static MachineCode *compile_optimised(JitCompiler *jit, uint32_t index, bool is_blind) {
    if (is_full(jit)) return NULL;
    Assembler a;
    CodeMarks marks = {0};
    asm_init(&a, code_buffer_available(jit->buffer));
    DeoptCode *exits = generate_optimised(jit, index, is_blind, &a, &marks);
    MachineCode *code = exits ? install(jit, index, &a, marks, exits) : NULL;
    asm_free(&a);
    if (code) jit->cache[index].optimised = code;
    return code;
}

// When to compile.

static bool has_loop(const Function *function) {
    for (uint32_t pc = 0; pc < function->num_instructions; pc++) {
        Instruction ins = function->bytecode[pc];
        if (opcode_info[ins.opcode].operand == OPERAND_TARGET && ins.operand <= pc) return true;
    }
    return false;
}

// A call of a function with a loop may be the only one, and a long one: it is optimised blindly, and once more when
// the caches have seen something.
static uint32_t calls_before(const JitCompiler *jit, const Function *function) {
    return has_loop(function) ? jit->options.opt_loops_after : jit->options.opt_after;
}

static void optimize_index(JitCompiler *jit, uint32_t index, bool is_blind) {
    MachineCode *code = compile_optimised(jit, index, is_blind);
    if (code) enter_at(&jit->vm->callables[index], code);
}

// Baseline code has counted down.
static void optimize_callable(Vm *vm, Callable *callable) { optimize_index(vm->jit, callable->index, false); }

// Optimise again after twice as many calls as last time; from MAX_DEOPTS on without bets.
static void start_over(JitCompiler *jit, uint32_t index) {
    CompiledFunction *compiled = &jit->cache[index];
    uint32_t calls = calls_before(jit, &jit->program->functions[index]);
    if (calls < jit->options.opt_after) calls = jit->options.opt_after;
    if (calls == 0) calls = 1;
    jit->vm->callables[index].countdown = (calls << compiled->deopts) + 1;
    compiled->optimised = NULL;
    compile_baseline(jit, index);
}

static Feedback lesson(const DeoptExit *exit, Value found) {
    switch ((DeoptReason)exit->reason) {
    case DEOPT_INT:
    case DEOPT_NUMBER: return feedback_of(found);
    case DEOPT_OVERFLOW: return FB_OVERFLOW;
    default: return FB_SHAPE | FB_ELEMENT;
    }
}

// An older call may still be in code that was given up before.
static void give_up(Vm *vm, const DeoptCode *code) {
    CompiledFunction *compiled = &vm->jit->cache[code->function];
    if (!compiled->optimised || compiled->optimised->exits != code) return;
    if (compiled->deopts < MAX_DEOPTS) compiled->deopts++;
    start_over(vm->jit, code->function);
    deopt_code_leave(vm, code);
}

static void bet_lost(Vm *vm, const DeoptExit *exit, Value found) {
    uint32_t index = exit->code->function;
    vm->feedback[index][exit->guard_pc] |= lesson(exit, found);
    vm->jit->cache[index].no_hoisting |= exit->is_hoisted;
    give_up(vm, exit->code);
}

// The place in the function's baseline code where an instruction begins.
static const uint8_t *resume_at(Vm *vm, uint32_t function, uint32_t pc, uint32_t *frame_size) {
    JitCompiler *jit = vm->jit;
    if (jit->options.deopt_to < TIER_BASELINE) return NULL;
    const MachineCode *code = compile_baseline(jit, function);
    if (!code) return NULL;
    *frame_size = baseline_frame_size(jit->program, &jit->program->functions[function]);
    size_t low = 0, high = code->marks.count - 1; // marks ascend by instruction, but for the first and the last
    while (low < high) {
        size_t middle = (low + high) / 2;
        int item = (int)code->marks.items[middle].item;
        if (item == MARK_PROLOGUE || (item >= 0 && (uint32_t)item < pc)) low = middle + 1;
        else high = middle;
    }
    return code->code + code->marks.items[low].offset;
}

CompileStatus jit_compile(JitCompiler *jit, const Function *function) {
    uint32_t index = function_index(jit->program, function);
    CompiledFunction *compiled = &jit->cache[index];
    Callable *callable = &jit->vm->callables[index];
    bool wanted = !compiled->tried && jit->options.tier > TIER_INTERP && jit->has_stubs;
    compiled->tried = true;
    if (wanted) {
        uint32_t calls = calls_before(jit, function), patience = jit->options.opt_after;
        callable->countdown = (calls ? calls : patience) + 1;
        if (jit->options.tier == TIER_OPT && calls == 0) optimize_index(jit, index, patience > 0);
        if (!callable->is_code && compile_baseline(jit, index)) enter_at(callable, compiled->baseline);
    }
    return callable->is_code ? COMPILE_OK : COMPILE_NOT;
}

size_t jit_compile_all(JitCompiler *jit) {
    size_t compiled = 0;
    for (size_t i = 0; i < jit->program->num_functions; i++)
        compiled += jit_compile(jit, &jit->program->functions[i]) == COMPILE_OK;
    return compiled;
}

RunStatus jit_execute(JitCompiler *jit, const char *name, const Value *args, Value *result) {
    const Function *function = program_find(jit->program, name);
    if (!function) fatal("jit_execute: no function '%s'", name);
    jit_compile_all(jit);
    *result = vm_call(jit->vm, function_index(jit->program, function), args);
    return *result == NO_VALUE ? (RunStatus)jit->vm->error.status : RUN_OK;
}

// The code that is entered, or NULL.
static const MachineCode *current(const JitCompiler *jit, const Function *function) {
    uint32_t index = function_index(jit->program, function);
    const CompiledFunction *compiled = &jit->cache[index];
    const void *entry = jit->vm->callables[index].entry;
    if (compiled->optimised && compiled->optimised->code == entry) return compiled->optimised;
    return compiled->baseline;
}

const uint8_t *jit_code(const JitCompiler *jit, const Function *function, size_t *size) {
    const MachineCode *code = current(jit, function);
    *size = code ? code->size : 0;
    return code ? code->code : NULL;
}

void *jit_entry(const JitCompiler *jit, const Function *function) {
    const MachineCode *code = current(jit, function);
    return code ? code->code : NULL;
}

uint32_t jit_num_deopts(const JitCompiler *jit, const Function *function) {
    return jit->cache[function_index(jit->program, function)].deopts;
}

size_t jit_code_used(const JitCompiler *jit) { return jit->buffer ? code_buffer_used(jit->buffer) : 0; }

Vm *jit_vm(JitCompiler *jit) { return jit->vm; }

// Listings.

typedef struct ListingContext {
    const JitCompiler *jit;
    const Function *function;
} ListingContext;

static void print_item(FILE *out, uint32_t item, const void *context) {
    const ListingContext *listing = context;
    if (item == (uint32_t)MARK_PROLOGUE) {
        fputs("prologue", out);
    } else if (item == (uint32_t)MARK_SLOW_PATHS) {
        fputs("slow paths", out);
    } else if (item == (uint32_t)MARK_RARE) {
        fputs("rare beginnings", out);
    } else if (item == (uint32_t)MARK_EXITS) {
        fputs("exits", out);
    } else if (item == (uint32_t)MARK_ERRORS) {
        fputs("errors", out);
    } else {
        fprintf(out, "%u: ", item);
        instruction_print(out, listing->jit->program, listing->function->bytecode[item]);
    }
}

static const struct {
    const char *name;
    size_t offset; // in Stubs
} stub_names[] = {
    {"error stub", offsetof(Stubs, error)},         {"operate stub", offsetof(Stubs, operate)},
    {"load stub", offsetof(Stubs, load)},           {"store stub", offsetof(Stubs, store)},
    {"method stub", offsetof(Stubs, method)},       {"get_index stub", offsetof(Stubs, get_index)},
    {"set_index stub", offsetof(Stubs, set_index)}, {"length stub", offsetof(Stubs, length)},
    {"number stub", offsetof(Stubs, number)},       {"optimize stub", offsetof(Stubs, optimize)},
    {"interpret stub", offsetof(Stubs, interpret)},
};

static bool is_code_of(const JitCompiler *jit, size_t index, uint64_t address) {
    for (const MachineCode *code = jit->cache[index].all; code; code = code->next)
        if (address == (uintptr_t)code->code) return true;
    return false;
}

// The name of what lies at an address: a stub, a function's code or a function's Callable.
static const char *symbol(uint64_t address, const void *context) {
    const JitCompiler *jit = ((const ListingContext *)context)->jit;
    const Function *function = ((const ListingContext *)context)->function;
    for (size_t i = 0; i < sizeof stub_names / sizeof *stub_names; i++) {
        const void *stub = *(void *const *)((const char *)&jit->stubs + stub_names[i].offset);
        if (address == (uintptr_t)stub) return stub_names[i].name;
    }
    if (address == (uintptr_t)jit->vm->deopt->stub) return "deopt stub";
    if (address == (uintptr_t)jit->vm) return "vm";
    if (address == (uintptr_t)&jit->vm->stack_limit) return "vm->stack_limit";
    const ICCell *cells = jit->vm->ic.cells[function_index(jit->program, function)];
    for (uint32_t i = 0; i < function->num_sites; i++)
        if (address == (uintptr_t)&cells[i]) return cells[i].name->bytes;
    for (size_t i = 0; i < jit->program->num_functions; i++) {
        if (address == (uintptr_t)&jit->vm->callables[i]) return jit->program->functions[i].name;
        if (is_code_of(jit, i, address)) return jit->program->functions[i].name;
    }
    for (size_t i = 0; i < jit->program->num_natives; i++)
        if (address == (uintptr_t)jit->program->natives[i].code) return jit->program->natives[i].name;
    return NULL;
}

void jit_dump_asm(FILE *out, const JitCompiler *jit, const Function *function) {
    const MachineCode *code = current(jit, function);
    if (!code) {
        fprintf(out, "%s: not compiled\n", function->name);
        return;
    }
    ListingContext context = {jit, function};
    disasm_print(out, &(CodeListing){
                          .name = function->name,
                          .code = code->code,
                          .size = code->size,
                          .address = (uintptr_t)code->code,
                          .marks = code->marks.items,
                          .num_marks = code->marks.count,
                          .print_item = print_item,
                          .symbol = symbol,
                          .context = &context,
                      });
}

static void print_ir(FILE *out, Ir *ir) { ir_print(out, ir, IR_PRINT_TYPES | IR_PRINT_BLOCKS); }

static bool dump_ir(FILE *out, const JitCompiler *jit, const Function *function, DumpKind kind) {
    Ir ir;
    OptOptions options = {0};
    if (!build_ir(jit, function_index(jit->program, function), &ir, &options)) return false;
    if (kind == DUMP_REPRESENT) fputs("; before represent\n", out);
    if (kind == DUMP_IR_DOT) ir_print_dot(out, &ir);
    else print_ir(out, &ir);
    if (kind == DUMP_REPRESENT) {
        if (bets(jit, function_index(jit->program, function))) ir_represent(&ir);
        fputs("; after represent\n", out);
        print_ir(out, &ir);
    }
    ir_free(&ir);
    return true;
}

// Where to print which passes.
typedef struct PassDump {
    FILE *out;
    uint32_t passes;
} PassDump;

static void observe_pass(void *context, OptPass pass, bool after, Ir *ir) {
    const PassDump *dump = context;
    if (!(dump->passes >> pass & 1)) return;
    fprintf(dump->out, "; %s %s\n", after ? "after" : "before", opt_pass_info[pass].name);
    print_ir(dump->out, ir);
}

void jit_dump_passes(FILE *out, const JitCompiler *jit, const Function *function, uint32_t passes) {
    Ir ir;
    PassDump dump = {out, passes};
    OptOptions options = {.observe = observe_pass, .context = &dump};
    if (build_ir(jit, function_index(jit->program, function), &ir, &options)) ir_free(&ir);
    else fprintf(out, "%s: too large for the optimising tier\n", function->name);
}

const uint64_t *jit_pass_times(const JitCompiler *jit) { return jit->pass_times; }

void jit_dump(FILE *out, const JitCompiler *jit, const Function *function, DumpKind kind) {
    Lir lir = {0};
    RegisterAllocator ra;
    if (kind == DUMP_IR || kind == DUMP_IR_DOT || kind == DUMP_REPRESENT) {
        if (!dump_ir(out, jit, function, kind)) fprintf(out, "%s: too large for the optimising tier\n", function->name);
        return;
    }
    if (!build(jit, function_index(jit->program, function), &lir, NULL)) {
        fprintf(out, "%s: too large for the optimising tier\n", function->name);
    } else if (kind == DUMP_LIR) {
        lir_print(out, &lir);
    } else if (!allocate(&ra, &lir, &jit->options)) {
        fprintf(out, "%s: too large for the optimising tier\n", function->name);
    } else {
        if (kind == DUMP_INTERVALS) ra_print_intervals(out, &ra, &lir);
        if (kind == DUMP_INTERVALS_SVG) ra_print_intervals_svg(out, &ra, &lir);
        if (kind == DUMP_REGS) ra_print_locations(out, &ra, &lir);
        ra_free(&ra);
    }
    lir_free(&lir);
}
