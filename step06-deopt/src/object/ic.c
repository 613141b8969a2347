#include "object/ic.h"

#include <inttypes.h>
#include <stdlib.h>

#include "bytecode/parse.h"
#include "deopt/deopt.h"
#include "interp/vm.h"
#include "object/operators.h"

const char *const ic_mode_names[NUM_IC_MODES] = {[IC_ON] = "on", [IC_OFF] = "off", [IC_ALWAYS_MISS] = "always-miss"};

// Cells.

static ICKind kind_of(Opcode opcode) {
    return opcode == OP_GET_PROPERTY ? IC_LOAD : opcode == OP_SET_PROPERTY ? IC_STORE : IC_CALL;
}

static ICCell *new_cells(const Function *function) {
    ICCell *cells = xcalloc(function->num_sites, sizeof *cells);
    for (size_t pc = 0; pc < function->num_instructions; pc++) {
        if (function->site[pc] == NO_SITE) continue;
        Instruction ins = function->bytecode[pc];
        cells[function->site[pc]].kind = (uint8_t)kind_of(ins.opcode);
        cells[function->site[pc]].name = (String *)(uintptr_t)ins.operand;
    }
    return cells;
}

// The holder of what does not exist: an object with `undefined` in its first slot.
static Object *new_absent(Vm *vm) {
    Shape *root = shape_root(&vm->shapes, VALUE_NULL, NULL, DEFAULT_FIELDS);
    return root ? object_new(vm, root) : NULL;
}

bool ic_init(Vm *vm) {
    InlineCaches *ic = &vm->ic;
    ic->cells = xcalloc(vm->program->num_functions, sizeof *ic->cells);
    for (size_t i = 0; i < vm->program->num_functions; i++) ic->cells[i] = new_cells(&vm->program->functions[i]);
    for (int kind = 0; kind < NUM_IC_KINDS; kind++) ic->global[kind] = xcalloc(GLOBAL_ENTRIES, sizeof **ic->global);
    ic->absent = new_absent(vm);
    return ic->absent != NULL;
}

void ic_free(Vm *vm) {
    for (size_t i = 0; i < vm->program->num_functions; i++) free(vm->ic.cells[i]);
    for (int kind = 0; kind < NUM_IC_KINDS; kind++) free(vm->ic.global[kind]);
    free(vm->ic.cells);
    free(vm->ic.linked);
}

ICCell *ic_cell(const Vm *vm, uint32_t function, uint32_t pc) {
    return &vm->ic.cells[function][vm->program->functions[function].site[pc]];
}

// Entries.

static void link_cell(Vm *vm, ICCell *cell) {
    InlineCaches *ic = &vm->ic;
    if (cell->is_linked) return;
    cell->is_linked = true;
    GROW(ic->linked, ic->num_linked, ic->cap_linked);
    ic->linked[ic->num_linked++] = cell;
}

static void remember_globally(Vm *vm, const ICCell *cell, ICEntry entry) {
    GlobalEntry *place = &vm->ic.global[cell->kind][global_index(entry.shape, cell->name)];
    *place = (GlobalEntry){.entry = entry, .name = cell->name};
}

// A cell keeps the entries that it has when it becomes megamorphic: they are as good as ever.
static void remember(Vm *vm, ICCell *cell, ICEntry entry, bool uses_prototype) {
    if (vm->ic.mode != IC_ON) return;
    if (uses_prototype) link_cell(vm, cell);
    if (cell->n == MAX_IC_ENTRIES) {
        cell->state = IC_MEGAMORPHIC;
        remember_globally(vm, cell, entry);
        return;
    }
    cell->e[cell->n++] = entry;
    cell->state = cell->n == 1 ? IC_MONOMORPHIC : IC_POLYMORPHIC;
}

static const ICEntry *find_globally(const Vm *vm, const ICCell *cell, uint32_t shape) {
    const GlobalEntry *place = &vm->ic.global[cell->kind][global_index(shape, cell->name)];
    return place->entry.shape == shape && place->name == cell->name ? &place->entry : NULL;
}

// The entry for a value, or NULL.
static const ICEntry *find_entry(const Vm *vm, ICCell *cell, Value object) {
    if (!value_is_pointer(object)) return NULL;
    uint32_t shape = value_header(object)->shape;
    const ICEntry *found = NULL;
    for (uint32_t i = 0; i < cell->n && !found; i++)
        if (cell->e[i].shape == shape) found = &cell->e[i];
    if (!found && cell->state == IC_MEGAMORPHIC) found = find_globally(vm, cell, shape);
    if (found) cell->hits++;
    return found;
}

void ic_forget_prototypes(Vm *vm) {
    InlineCaches *ic = &vm->ic;
    deopt_forget_prototypes(vm);
    for (size_t i = 0; i < ic->num_linked; i++) {
        ICCell *cell = ic->linked[i];
        memset(cell->e, 0, sizeof cell->e);
        cell->n = cell->is_linked = 0;
        cell->state = IC_UNINITIALISED;
    }
    if (ic->num_linked == 0) return; // then there is nothing in the tables, either
    ic->num_linked = 0;
    memset(ic->global[IC_LOAD], 0, GLOBAL_ENTRIES * sizeof **ic->global);
    memset(ic->global[IC_CALL], 0, GLOBAL_ENTRIES * sizeof **ic->global);
}

// Loads.

Value ic_load_miss(Vm *vm, ICCell *cell, Value object) {
    cell->misses++;
    if (!value_is_object(object)) return value_get_property(vm, object, cell->name);
    Object *receiver = value_to_object(object);
    PropertyPlace place = {vm->ic.absent, offsetof(Object, slots)};
    object_find(vm, receiver, cell->name, &place);
    if (!object_shape(vm, receiver)->is_dictionary) {
        bool is_own = place.holder == receiver;
        uintptr_t holder = is_own ? 0 : (uintptr_t)place.holder;
        remember(vm, cell, (ICEntry){receiver->header.shape, place.offset, holder}, !is_own);
    }
    return *place_address(place);
}

Value ic_load(Vm *vm, ICCell *cell, Value object) {
    if (vm->ic.mode == IC_OFF) return value_get_property(vm, object, cell->name);
    const ICEntry *entry = find_entry(vm, cell, object);
    if (!entry) return ic_load_miss(vm, cell, object);
    Object *holder = entry->holder_or_fn ? (Object *)(uintptr_t)entry->holder_or_fn : value_to_object(object);
    return *place_address((PropertyPlace){holder, entry->offset});
}

// Stores.

// A store that adds a property is remembered if the new slot is inside the object: the overflow storage might
// have to grow for the next one.
bool ic_store_miss(Vm *vm, ICCell *cell, Value object, Value value) {
    cell->misses++;
    uint32_t before = value_is_object(object) ? value_header(object)->shape : SHAPE_NONE;
    if (!value_set_property(vm, object, cell->name, value)) return false;
    const Shape *shape = object_shape(vm, value_to_object(object));
    PropertyPlace place;
    if (shape->is_dictionary || !object_find(vm, value_to_object(object), cell->name, &place)) return true;
    if (place.offset < 0 && shape->id != before) return true;
    remember(vm, cell, (ICEntry){before, place.offset, shape->id}, false);
    return true;
}

bool ic_store(Vm *vm, ICCell *cell, Value object, Value value) {
    if (vm->ic.mode == IC_OFF) return value_set_property(vm, object, cell->name, value);
    const ICEntry *entry = find_entry(vm, cell, object);
    if (!entry) return ic_store_miss(vm, cell, object, value);
    value_header(object)->shape = (uint32_t)entry->holder_or_fn;
    *place_address((PropertyPlace){value_to_object(object), entry->offset}) = value;
    return true;
}

// Methods.

static Callable *to_method(Vm *vm, const ICCell *cell, Value receiver, Value method) {
    if (value_is_function(method)) return value_to_pointer(method);
    vm_fail(vm, RUN_TYPE_ERROR, "%s has no method '%.40s'", value_describe(receiver), cell->name->bytes);
    return NULL;
}

static Callable *look_up_method(Vm *vm, const ICCell *cell, Value receiver) {
    Value method = value_get_property(vm, receiver, cell->name);
    return method == NO_VALUE ? NULL : to_method(vm, cell, receiver, method);
}

// A function that is the object's own property is not remembered: another object of the same shape may have
// another one.
Callable *ic_method_miss(Vm *vm, ICCell *cell, Value receiver) {
    cell->misses++;
    PropertyPlace place;
    bool found = value_is_object(receiver) && object_find(vm, value_to_object(receiver), cell->name, &place);
    if (!found) return look_up_method(vm, cell, receiver);
    Value method = *place_address(place);
    bool is_own = place.holder == value_to_object(receiver);
    if (value_is_function(method) && !is_own && !object_shape(vm, value_to_object(receiver))->is_dictionary)
        remember(vm, cell, (ICEntry){.shape = value_header(receiver)->shape, .holder_or_fn = method}, true);
    return to_method(vm, cell, receiver, method);
}

Callable *ic_method(Vm *vm, ICCell *cell, Value receiver) {
    if (vm->ic.mode == IC_OFF) return look_up_method(vm, cell, receiver);
    const ICEntry *entry = find_entry(vm, cell, receiver);
    return entry ? (Callable *)(uintptr_t)entry->holder_or_fn : ic_method_miss(vm, cell, receiver);
}

// The table of sites.

static const char *const state_names[] = {
    [IC_UNINITIALISED] = "uninitialised", [IC_MONOMORPHIC] = "monomorphic",
    [IC_POLYMORPHIC] = "polymorphic",     [IC_MEGAMORPHIC] = "megamorphic",
};

static void dump_entry(FILE *out, const Vm *vm, const ICCell *cell, ICEntry entry) {
    fprintf(out, "        shape %u: ", entry.shape);
    if (cell->kind == IC_CALL) {
        const Callable *method = (const Callable *)(uintptr_t)entry.holder_or_fn;
        fprintf(out, "%s\n", vm->program->functions[method->index].name);
        return;
    }
    const Object *holder = (const Object *)(uintptr_t)entry.holder_or_fn;
    if (cell->kind == IC_LOAD && holder == vm->ic.absent) {
        fputs("absent\n", out);
        return;
    }
    fprintf(out, "%s%+d", entry.offset < 0 ? "overflow" : "object", abs(entry.offset));
    if (cell->kind == IC_STORE && entry.holder_or_fn != entry.shape)
        fprintf(out, ", then shape %" PRIu64, entry.holder_or_fn);
    if (cell->kind == IC_LOAD && holder) fputs(" of a prototype", out);
    fputc('\n', out);
}

static void dump_site(FILE *out, const Vm *vm, const Function *function, uint32_t pc) {
    const ICCell *cell = ic_cell(vm, function_index(vm->program, function), pc);
    uint64_t visits = cell->hits + cell->misses;
    if (visits == 0) return;
    SourcePos pos = function->positions[pc];
    fprintf(out, "    %u:%u  %s ", pos.line, pos.column, opcode_info[function->bytecode[pc].opcode].mnemonic);
    name_print(out, cell->name);
    fprintf(out, "  %s  %" PRIu64 " visits, %.1f %% hits\n", state_names[cell->state], visits,
            100.0 * cell->hits / (double)visits);
    for (uint32_t i = 0; i < cell->n; i++) dump_entry(out, vm, cell, cell->e[i]);
}

void ic_dump(FILE *out, const Vm *vm) {
    for (size_t i = 0; i < vm->program->num_functions; i++) {
        const Function *function = &vm->program->functions[i];
        if (function->num_sites == 0) continue;
        fprintf(out, "%s:\n", function->name);
        for (uint32_t pc = 0; pc < function->num_instructions; pc++)
            if (function->site[pc] != NO_SITE) dump_site(out, vm, function, pc);
    }
}
