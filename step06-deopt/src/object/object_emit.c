// Inline caches in machine code.
//
// At a site (here a load; RDI is the object):
//
//         mov   r10, cell
//         test  dil, 7                  a pointer?
//         jne   slow
//         mov   eax, [rdi]              its shape
//         cmp   eax, [r10 + e0.shape]
//         jne   slow
//         ...                           the value at holder + offset
//     back:
//
// Behind the function: slow calls the stub of its kind, which compares the other entries, then looks into
// the global table if the site is megamorphic, then calls C, which looks the property up and remembers it.
// One stub serves all sites, for R10 tells it which.
#include "object/object_emit.h"

#include "object/runtime.h"

// Fields of a cell in R10 and of an entry in R11.
static Mem cell_field(size_t offset) { return mem(R10, (int32_t)offset); }
static Mem entry_field(size_t offset) { return mem(R11, (int32_t)offset); }
static size_t entry_offset(int i) { return offsetof(ICCell, e) + (size_t)i * sizeof(ICEntry); }
static Mem first_entry(size_t offset) { return cell_field(entry_offset(0) + offset); }

static void emit_count_hit(EmitContext *e) {
    if (e->vm->ic.counts_hits) asm_inc32_m(e->a, cell_field(offsetof(ICCell, hits)));
}

// R10 = the cell; to the slow path, which calls the stub, unless the first entry is for RDI. Destroys RAX.
static SlowPath *emit_compare_shape(EmitContext *e, const void *stub, uint32_t pc) {
    SlowPath *path = slow_path_new(e, pc);
    path->kind = SLOW_STUB;
    path->stub = stub;
    asm_mov_ri(e->a, R10, address_of(ic_cell(e->vm, e->function, pc)));
    if (e->vm->ic.mode == IC_OFF) {
        asm_jmp(e->a, &path->label);
        return path;
    }
    asm_test8_ri(e->a, RDI, TAG_MASK);
    asm_jcc(e->a, CC_NE, &path->label);
    asm_mov32_rm(e->a, RAX, mem(RDI, offsetof(Header, shape)));
    asm_cmp32_rm(e->a, RAX, first_entry(offsetof(ICEntry, shape)));
    asm_jcc(e->a, CC_NE, &path->label);
    return path;
}

void emit_get_property(EmitContext *e, uint32_t pc) {
    SlowPath *path = emit_compare_shape(e, e->stubs->load, pc);
    asm_movsxd_rm(e->a, RCX, first_entry(offsetof(ICEntry, offset)));
    asm_mov_rm(e->a, RAX, first_entry(offsetof(ICEntry, holder_or_fn)));
    asm_test_rr(e->a, RAX, RAX);
    asm_cmovcc_rr(e->a, CC_E, RAX, RDI); // no holder: the object itself
    asm_test_rr(e->a, RCX, RCX);
    asm_jcc(e->a, CC_S, &path->label); // in the overflow storage
    emit_count_hit(e);
    asm_mov_rm(e->a, RAX, mem_index(RAX, RCX, 1, 0));
    asm_bind(e->a, &path->back);
}

// The shape is stored in any case: the same again, or the one after the property was added.
void emit_set_property(EmitContext *e, uint32_t pc) {
    SlowPath *path = emit_compare_shape(e, e->stubs->store, pc);
    asm_movsxd_rm(e->a, RCX, first_entry(offsetof(ICEntry, offset)));
    asm_test_rr(e->a, RCX, RCX);
    asm_jcc(e->a, CC_S, &path->label);
    asm_mov32_rm(e->a, RAX, first_entry(offsetof(ICEntry, holder_or_fn)));
    emit_count_hit(e);
    asm_mov32_mr(e->a, mem(RDI, offsetof(Header, shape)), RAX);
    asm_mov_mr(e->a, mem_index(RDI, RCX, 1, 0), RSI);
    asm_bind(e->a, &path->back);
}

void emit_find_method(EmitContext *e, uint32_t pc) {
    SlowPath *path = emit_compare_shape(e, e->stubs->method, pc);
    emit_count_hit(e);
    asm_mov_rm(e->a, RAX, first_entry(offsetof(ICEntry, holder_or_fn)));
    asm_bind(e->a, &path->back);
}

// Elements.

// To the slow path unless RDI is an array. The stub is told where to record that.
static SlowPath *emit_check_array(EmitContext *e, const void *stub, uint32_t pc) {
    SlowPath *path = slow_path_new(e, pc);
    path->kind = SLOW_ELEMENT;
    path->stub = stub;
    asm_test8_ri(e->a, RDI, TAG_MASK);
    asm_jcc(e->a, CC_NE, &path->label);
    asm_cmp32_mi(e->a, mem(RDI, offsetof(Header, shape)), SHAPE_ARRAY);
    asm_jcc(e->a, CC_NE, &path->label);
    return path;
}

// RCX = the elements, RAX = the index in RSI; to the slow path if it is no index of an element.
static void emit_check_index(EmitContext *e, SlowPath *path) {
    asm_test8_ri(e->a, RSI, TAG_INT);
    asm_jcc(e->a, CC_E, &path->label);
    asm_mov_rr(e->a, RAX, RSI);
    asm_shr_ri(e->a, RAX, INT_SHIFT);
    asm_cmp32_rm(e->a, RAX, mem(RDI, offsetof(Array, length)));
    asm_jcc(e->a, CC_AE, &path->label); // negative ones are large unsigned ones
    asm_mov_rm(e->a, RCX, mem(RDI, offsetof(Array, elements)));
}

static Mem element(void) { return mem_index(RCX, RAX, sizeof(Value), offsetof(Slots, values)); }

void emit_get_index(EmitContext *e, uint32_t pc) {
    SlowPath *path = emit_check_array(e, e->stubs->get_index, pc);
    emit_check_index(e, path);
    asm_mov_rm(e->a, RAX, element());
    asm_cmp_ri(e->a, RAX, VALUE_HOLE);
    asm_jcc(e->a, CC_E, &path->label);
    asm_bind(e->a, &path->back);
}

void emit_set_index(EmitContext *e, uint32_t pc) {
    SlowPath *path = emit_check_array(e, e->stubs->set_index, pc);
    emit_check_index(e, path);
    asm_mov_mr(e->a, element(), RDX);
    asm_bind(e->a, &path->back);
}

void emit_length(EmitContext *e, uint32_t pc) {
    SlowPath *path = emit_check_array(e, e->stubs->length, pc);
    asm_mov32_rm(e->a, RAX, mem(RDI, offsetof(Array, length)));
    asm_shl_ri(e->a, RAX, INT_SHIFT);
    asm_add_ri(e->a, RAX, TAG_INT);
    asm_bind(e->a, &path->back);
}

// Stubs.

// A stub that calls C keeps the registers that C may change and an access may not.
static void access_begin(Assembler *a) {
    emit_store_top_frame(a);
    stub_begin(a);
    asm_push_r(a, R8);
    asm_push_r(a, R9);
}

static void access_end(Assembler *a) {
    asm_pop_r(a, R9);
    asm_pop_r(a, R8);
    asm_leave(a);
    asm_ret(a);
}

// The C functions behind the stubs: a result for RAX, NO_VALUE after an error.

static Value load_slow(Vm *vm, ICCell *cell, Value object) {
    return vm->ic.mode == IC_OFF ? ic_load(vm, cell, object) : ic_load_miss(vm, cell, object);
}

static Value store_slow(Vm *vm, ICCell *cell, Value object, Value value) {
    bool ok = vm->ic.mode == IC_OFF ? ic_store(vm, cell, object, value) : ic_store_miss(vm, cell, object, value);
    return ok ? VALUE_TRUE : NO_VALUE;
}

static const Callable *method_slow(Vm *vm, ICCell *cell, Value receiver) {
    return vm->ic.mode == IC_OFF ? ic_method(vm, cell, receiver) : ic_method_miss(vm, cell, receiver);
}

// Whatever comes to the following three is not what inline code does. They get the same operands.

static void record_no_element(Feedback *feedback) {
    if (feedback) *feedback |= FB_ELEMENT;
}

static Value get_index_slow(Vm *vm, Value object, Value index, Value unused, Feedback *feedback) {
    (void)unused;
    record_no_element(feedback);
    return runtime_get_index(vm, object, index);
}

static Value set_index_slow(Vm *vm, Value object, Value index, Value value, Feedback *feedback) {
    record_no_element(feedback);
    return runtime_set_index(vm, object, index, value);
}

static Value length_slow(Vm *vm, Value object, Value unused, Value unused_too, Feedback *feedback) {
    (void)unused, (void)unused_too;
    record_no_element(feedback);
    return runtime_length(vm, object);
}

// To `miss`, or with R11 = the entry for RDI's shape to one of the labels `hit` (all may be the same).
// Destroys RAX.
static void emit_search_cell(Assembler *a, Label *hit, Label *miss) {
    asm_test8_ri(a, RDI, TAG_MASK);
    asm_jcc(a, CC_NE, miss);
    asm_mov32_rm(a, RAX, mem(RDI, offsetof(Header, shape)));
    for (int i = 0; i < MAX_IC_ENTRIES; i++) {
        asm_lea_rm(a, R11, cell_field(entry_offset(i)));
        asm_cmp32_rm(a, RAX, entry_field(offsetof(ICEntry, shape)));
        asm_jcc(a, CC_E, hit);
    }
}

_Static_assert(sizeof(GlobalEntry) == 1 << 5, "emit_search_global shifts");

// The same with the global table (see global_index); RAX is the shape.
static void emit_search_global(Assembler *a, const GlobalEntry *table, Label *hit, Label *miss) {
    Label no_hit = LABEL_INIT, found = LABEL_INIT;
    asm_cmp8_mi(a, cell_field(offsetof(ICCell, state)), IC_MEGAMORPHIC);
    asm_jcc(a, CC_NE, miss);
    asm_push_r(a, RCX);
    asm_push_r(a, RDX);
    asm_mov_rm(a, RDX, cell_field(offsetof(ICCell, name)));
    asm_mov_rr(a, RCX, RDX);
    asm_shr_ri(a, RCX, 4);
    asm_imul32_rri(a, R11, RAX, 31);
    asm_add32_rr(a, R11, RCX);
    asm_and32_ri(a, R11, GLOBAL_ENTRIES - 1);
    asm_shl_ri(a, R11, 5);
    asm_mov_ri(a, RCX, address_of(table));
    asm_add_rr(a, R11, RCX);
    asm_cmp32_rm(a, RAX, entry_field(offsetof(GlobalEntry, entry.shape)));
    asm_jcc(a, CC_NE, &no_hit);
    asm_cmp_rm(a, RDX, entry_field(offsetof(GlobalEntry, name)));
    asm_jcc(a, CC_E, &found);
    asm_bind(a, &no_hit);
    asm_pop_r(a, RDX);
    asm_pop_r(a, RCX);
    asm_jmp(a, miss);
    asm_bind(a, &found);
    asm_pop_r(a, RDX);
    asm_pop_r(a, RCX);
    asm_jmp(a, hit);
}

static void emit_search(Assembler *a, const Vm *vm, ICKind kind, Label *hit, Label *miss) {
    if (vm->ic.mode == IC_OFF) return;
    emit_search_cell(a, hit, miss);
    emit_search_global(a, vm->ic.global[kind], hit, miss);
}

static void emit_count_stub_hit(Assembler *a, const Vm *vm) {
    if (vm->ic.counts_hits) asm_inc32_m(a, cell_field(offsetof(ICCell, hits)));
}

// RCX = the entry's offset, not negative; or on to `overflow`, with RCX = what is to be added to the storage.
static void emit_load_offset(Assembler *a, Label *overflow) {
    asm_movsxd_rm(a, RCX, entry_field(offsetof(ICEntry, offset)));
    asm_test_rr(a, RCX, RCX);
    asm_jcc(a, CC_S, overflow);
}

// RDI = object, R10 = cell. RAX = the value.
static void *generate_load(CodeBuffer *buffer, const Vm *vm) {
    Label hit = LABEL_INIT, miss = LABEL_INIT, overflow = LABEL_INIT;
    size_t size;
    Assembler a;
    asm_init(&a, code_buffer_available(buffer));
    emit_search(&a, vm, IC_LOAD, &hit, &miss);
    asm_bind(&a, &miss);
    access_begin(&a);
    asm_mov_rr(&a, RSI, R10);
    asm_mov_rr(&a, RDX, RDI);
    asm_mov_ri(&a, RDI, address_of(vm));
    stub_call_c(&a, (NativeCode *)(uintptr_t)load_slow);
    access_end(&a);
    asm_bind(&a, &hit);
    emit_count_stub_hit(&a, vm);
    asm_mov_rm(&a, RAX, entry_field(offsetof(ICEntry, holder_or_fn)));
    asm_test_rr(&a, RAX, RAX);
    asm_cmovcc_rr(&a, CC_E, RAX, RDI);
    emit_load_offset(&a, &overflow);
    asm_mov_rm(&a, RAX, mem_index(RAX, RCX, 1, 0));
    asm_ret(&a);
    asm_bind(&a, &overflow);
    asm_mov_rm(&a, RAX, mem(RAX, offsetof(Object, overflow)));
    asm_sub_rr(&a, RAX, RCX);
    asm_mov_rm(&a, RAX, mem(RAX, 0));
    asm_ret(&a);
    return stub_install(buffer, &a, &size);
}

// RDI = object, RSI = value, R10 = cell. RAX = NO_VALUE after an error.
static void *generate_store(CodeBuffer *buffer, const Vm *vm) {
    Label hit = LABEL_INIT, miss = LABEL_INIT, overflow = LABEL_INIT;
    size_t size;
    Assembler a;
    asm_init(&a, code_buffer_available(buffer));
    emit_search(&a, vm, IC_STORE, &hit, &miss);
    asm_bind(&a, &miss);
    access_begin(&a);
    asm_mov_rr(&a, RCX, RSI);
    asm_mov_rr(&a, RDX, RDI);
    asm_mov_rr(&a, RSI, R10);
    asm_mov_ri(&a, RDI, address_of(vm));
    stub_call_c(&a, (NativeCode *)(uintptr_t)store_slow);
    access_end(&a);
    asm_bind(&a, &hit);
    emit_count_stub_hit(&a, vm);
    asm_mov32_rm(&a, RAX, entry_field(offsetof(ICEntry, holder_or_fn)));
    asm_mov32_mr(&a, mem(RDI, offsetof(Header, shape)), RAX);
    emit_load_offset(&a, &overflow);
    asm_mov_mr(&a, mem_index(RDI, RCX, 1, 0), RSI);
    asm_ret(&a); // RAX is a shape, and so not 0
    asm_bind(&a, &overflow);
    asm_mov_rm(&a, RAX, mem(RDI, offsetof(Object, overflow)));
    asm_sub_rr(&a, RAX, RCX);
    asm_mov_mr(&a, mem(RAX, 0), RSI);
    asm_ret(&a);
    return stub_install(buffer, &a, &size);
}

// RDI = receiver, R10 = cell. RAX = the Callable.
static void *generate_method(CodeBuffer *buffer, const Vm *vm) {
    Label hit = LABEL_INIT, miss = LABEL_INIT;
    size_t size;
    Assembler a;
    asm_init(&a, code_buffer_available(buffer));
    emit_search(&a, vm, IC_CALL, &hit, &miss);
    asm_bind(&a, &miss);
    emit_store_top_frame(&a);
    stub_begin(&a);
    asm_mov_rr(&a, RSI, R10);
    asm_mov_rr(&a, RDX, RDI);
    asm_mov_ri(&a, RDI, address_of(vm));
    stub_call_c(&a, (NativeCode *)(uintptr_t)method_slow);
    asm_leave(&a);
    asm_ret(&a);
    asm_bind(&a, &hit);
    emit_count_stub_hit(&a, vm);
    asm_mov_rm(&a, RAX, entry_field(offsetof(ICEntry, holder_or_fn)));
    asm_ret(&a);
    return stub_install(buffer, &a, &size);
}

// The operands in RDI, RSI, RDX become those of a C function behind the Vm; R10, the feedback's address, its last.
static void *generate_call(CodeBuffer *buffer, const Vm *vm, NativeCode *function) {
    size_t size;
    Assembler a;
    asm_init(&a, code_buffer_available(buffer));
    access_begin(&a);
    asm_mov_rr(&a, R8, R10);
    asm_mov_rr(&a, RCX, RDX);
    asm_mov_rr(&a, RDX, RSI);
    asm_mov_rr(&a, RSI, RDI);
    asm_mov_ri(&a, RDI, address_of(vm));
    stub_call_c(&a, function);
    access_end(&a);
    return stub_install(buffer, &a, &size);
}

bool stubs_generate_object(Stubs *stubs, CodeBuffer *buffer, Vm *vm) {
    stubs->load = generate_load(buffer, vm);
    stubs->store = generate_store(buffer, vm);
    stubs->method = generate_method(buffer, vm);
    stubs->get_index = generate_call(buffer, vm, (NativeCode *)(uintptr_t)get_index_slow);
    stubs->set_index = generate_call(buffer, vm, (NativeCode *)(uintptr_t)set_index_slow);
    stubs->length = generate_call(buffer, vm, (NativeCode *)(uintptr_t)length_slow);
    return stubs->load && stubs->store && stubs->method && stubs->get_index && stubs->set_index && stubs->length;
}
