#include "jit.h"

#include <stdlib.h>

#include "base/fatal.h"
#include "backend/emit.h"
#include "baseline/baseline.h"
#include "bytecode/parse.h"
#include "code/gdb_jit.h"
#include "code/install.h"
#include "code/perf_map.h"

// One function in the cache.
typedef struct CompiledFunction {
    bool tried; // jit_compile has seen it
    uint8_t *code;
    size_t size;
    CodeMarks marks;
    GdbJitEntry *gdb; // NULL without debug_info
} CompiledFunction;

struct JitCompiler {
    const Program *program;
    JitOptions options;
    Vm *vm;
    CodeBuffer *buffer; // NULL if the kernel gives no executable memory
    Stubs stubs;
    bool has_stubs;
    CompiledFunction *cache; // indexed as the program's functions
    PerfMap *perf;           // NULL without debug_info
    GdbJitEntry *gdb_stubs[2];
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
};

// Tell gdb and perf about the stubs that have frames: a back-trace leads through them.
static void describe_stubs(JitCompiler *jit) {
    const Stubs *stubs = &jit->stubs;
    void *enter = (void *)(uintptr_t)stubs->enter;
    const GdbFrame frame = {0};
    jit->perf = perf_map_open();
    perf_map_add(jit->perf, "enter stub", enter, stubs->enter_size);
    perf_map_add(jit->perf, "interpret stub", stubs->interpret, stubs->interpret_size);
    jit->gdb_stubs[0] = gdb_jit_register("enter stub", enter, stubs->enter_size, &frame);
    jit->gdb_stubs[1] = gdb_jit_register("interpret stub", stubs->interpret, stubs->interpret_size, &frame);
}

JitCompiler *jit_new(const Program *program, const JitOptions *options) {
    JitCompiler *jit = xcalloc(1, sizeof *jit);
    jit->program = program;
    jit->options = *options;
    jit->vm = vm_new(program);
    jit->cache = xcalloc(program->num_functions, sizeof *jit->cache);
    jit->buffer = options->debug_info ? code_buffer_new_flipping(options->code_size) // for gdb
                                      : code_buffer_new(options->code_size);
    jit->has_stubs = jit->buffer && stubs_generate(&jit->stubs, jit->buffer, jit->vm);
    jit->vm->enter = jit->stubs.enter;
    if (options->debug_info && jit->has_stubs) describe_stubs(jit);
    for (size_t i = 0; i < program->num_functions; i++)
        jit->vm->callables[i].entry = jit->stubs.interpret;
    return jit;
}

void jit_free(JitCompiler *jit) {
    if (!jit) return;
    for (size_t i = 0; i < jit->program->num_functions; i++) {
        gdb_jit_unregister(jit->cache[i].gdb);
        free(jit->cache[i].marks.items);
    }
    free(jit->cache);
    for (int i = 0; i < 2; i++) gdb_jit_unregister(jit->gdb_stubs[i]);
    perf_map_close(jit->perf);
    code_buffer_free(jit->buffer);
    vm_free(jit->vm);
    free(jit);
}

// The function's LIR. Returns false if the function is too large.
static bool build(const JitCompiler *jit, uint32_t index, Lir *lir) {
    return lir_build(lir, jit->program, index);
}

// Its allocation. Returns false if the function is too large, be it only to check what was asked to be checked.
static bool allocate(RegisterAllocator *ra, const Lir *lir, const JitOptions *options) {
    if (!ra_allocate(ra, lir, options->pool)) return false;
    if (!options->check || ra_check(ra, lir)) return true;
    ra_free(ra);
    return false;
}

// The optimising tier. Returns false if the function is too large for it.
static bool optimize(JitCompiler *jit, uint32_t index, Assembler *a, CodeMarks *marks) {
    Lir lir;
    if (!build(jit, index, &lir)) return false;
    RegisterAllocator ra;
    bool ok = allocate(&ra, &lir, &jit->options);
    if (ok) {
        lir_emit(a, marks, &jit->stubs, jit->vm, &lir, &ra);
        ra_free(&ra);
    }
    lir_free(&lir);
    return ok;
}

// Generate the function's code and install it.
static bool generate(JitCompiler *jit, uint32_t index, CompiledFunction *compiled) {
    Assembler a;
    asm_init(&a, code_buffer_available(jit->buffer));
    if (jit->options.tier < TIER_OPT || !optimize(jit, index, &a, &compiled->marks))
        baseline_compile(&a, &compiled->marks, &jit->stubs, jit->vm, index, jit->options.no_forwarding);
    if (asm_finish(&a)) {
        compiled->code = code_install(jit->buffer, &a);
        compiled->size = compiled->code ? a.size : 0;
    }
    asm_free(&a);
    const Function *function = &jit->program->functions[index];
    if (!compiled->code) jit->wasted += function->num_instructions + function->num_locals;
    return compiled->code != NULL;
}

// Every compiled function has the same frame: push rbp; mov rbp, rsp; ...; leave; ret.
static void describe(const JitCompiler *jit, const Function *function, CompiledFunction *compiled) {
    const GdbFrame frame = {0};
    perf_map_add(jit->perf, function->name, compiled->code, compiled->size);
    compiled->gdb = gdb_jit_register(function->name, compiled->code, compiled->size, &frame);
}

CompileStatus jit_compile(JitCompiler *jit, const Function *function) {
    uint32_t index = function_index(jit->program, function);
    CompiledFunction *compiled = &jit->cache[index];
    bool wanted = !compiled->tried && jit->options.tier > TIER_INTERP && jit->has_stubs && jit->wasted < MAX_WASTED;
    if (wanted && generate(jit, index, compiled)) {
        jit->vm->callables[index].entry = compiled->code;
        jit->vm->callables[index].is_code = true;
        if (jit->options.debug_info) describe(jit, function, compiled);
    }
    compiled->tried = true;
    return compiled->code ? COMPILE_OK : COMPILE_NOT;
}

size_t jit_compile_all(JitCompiler *jit) {
    size_t compiled = 0;
    for (size_t i = 0; i < jit->program->num_functions; i++)
        compiled += jit_compile(jit, &jit->program->functions[i]) == COMPILE_OK;
    return compiled;
}

RunStatus jit_execute(JitCompiler *jit, const char *name, const int64_t *args, int64_t *result) {
    const Function *function = program_find(jit->program, name);
    if (!function) fatal("jit_execute: no function '%s'", name);
    jit_compile_all(jit);
    return vm_call(jit->vm, function_index(jit->program, function), args, result);
}

const uint8_t *jit_code(const JitCompiler *jit, const Function *function, size_t *size) {
    const CompiledFunction *compiled = &jit->cache[function_index(jit->program, function)];
    *size = compiled->size;
    return compiled->code;
}

void *jit_entry(const JitCompiler *jit, const Function *function) {
    return jit->cache[function_index(jit->program, function)].code;
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
    } else if (item == (uint32_t)MARK_ERRORS) {
        fputs("errors", out);
    } else {
        fprintf(out, "%u: ", item);
        instruction_print(out, listing->jit->program, listing->function->bytecode[item]);
    }
}

// The name of what lies at an address: a stub, a function's code or a function's Callable.
static const char *symbol(uint64_t address, const void *context) {
    const JitCompiler *jit = ((const ListingContext *)context)->jit;
    if (address == (uintptr_t)jit->stubs.error) return "error stub";
    if (address == (uintptr_t)&jit->vm->stack_limit) return "vm->stack_limit";
    for (size_t i = 0; i < jit->program->num_functions; i++) {
        if (address == (uintptr_t)&jit->vm->callables[i]) return jit->program->functions[i].name;
        if (address == (uintptr_t)jit->cache[i].code) return jit->program->functions[i].name;
    }
    return NULL;
}

void jit_dump_asm(FILE *out, const JitCompiler *jit, const Function *function) {
    const CompiledFunction *compiled = &jit->cache[function_index(jit->program, function)];
    if (!compiled->code) {
        fprintf(out, "%s: not compiled\n", function->name);
        return;
    }
    ListingContext context = {jit, function};
    disasm_print(out, &(CodeListing){
                          .name = function->name,
                          .code = compiled->code,
                          .size = compiled->size,
                          .address = (uintptr_t)compiled->code,
                          .marks = compiled->marks.items,
                          .num_marks = compiled->marks.count,
                          .print_item = print_item,
                          .symbol = symbol,
                          .context = &context,
                      });
}

void jit_dump(FILE *out, const JitCompiler *jit, const Function *function, DumpKind kind) {
    Lir lir = {0};
    RegisterAllocator ra;
    if (!build(jit, function_index(jit->program, function), &lir)) {
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
