#include "opt/memory.h"

#include <string.h>

#include "opt/guards.h"

// Is the name the text of a number? Numbers as indices of objects mean just these properties.
static bool is_numeric(const String *name) {
    char first = name->bytes[0];
    return (first >= '0' && first <= '9') || first == '-' || strcmp(name->bytes, "NaN") == 0 ||
           strcmp(name->bytes, "Infinity") == 0;
}

// Where the name is in the table, or belongs.
static unsigned find_name(const Memory *memory, const String *name) {
    unsigned at = (unsigned)((uintptr_t)name / 16 * 0x9E3779B1u) % NAME_TABLE_SIZE;
    while (memory->names[at] && memory->names[at] != name) at = (at + 1) % NAME_TABLE_SIZE;
    return at;
}

static MemorySet name_class(const Memory *memory, const String *name) {
    if (is_numeric(name)) return memory_class(CLASS_NUMERIC_NAMES);
    unsigned at = find_name(memory, name);
    return memory_class(memory->names[at] ? memory->classes[at] : CLASS_OTHER_NAMES);
}

static const String *name_of(const Ir *ir, Ref ref) { return value_to_pointer((Value)ir->ins[ref].imm); }

static bool has_name(const Ir *ir, Ref ref) {
    IrOperand operand = ir_info(ir, ref)->operand;
    return operand == IR_PROPERTY || operand == IR_FIELD;
}

static void enter_name(Memory *memory, const String *name) {
    unsigned at = find_name(memory, name);
    if (memory->names[at] || memory->num_classes == CLASS_OTHER_NAMES) return;
    memory->names[at] = name;
    memory->classes[at] = (uint8_t)memory->num_classes++;
}

void memory_init(Memory *memory, const Ir *ir) {
    *memory = (Memory){.ir = ir, .num_classes = CLASS_FIRST_NAME};
    IR_ALL(ir, ref)
        if (has_name(ir, ref)) enter_name(memory, name_of(ir, ref));
}

MemorySet memory_property_reads(const Memory *memory, const String *name) {
    MemorySet reads = name_class(memory, name) | memory_class(CLASS_PROTOTYPES);
    bool is_length = strcmp(name->bytes, "length") == 0; // arrays have it
    return is_length ? reads | memory_class(CLASS_LENGTHS) : reads;
}

// The properties that an index may mean if it is used with an object.
static MemorySet indexed_properties(const Memory *memory, Ref index) {
    const MemorySet others = memory_class(CLASS_PROTOTYPES) | memory_class(CLASS_ELEMENTS) |
                             memory_class(CLASS_LENGTHS) | memory_class(CLASS_OUTSIDE) | memory_class(CLASS_SHAPES);
    bool is_number = !(memory->ir->ins[index].type & ~IRT_NUMBER);
    return is_number ? memory_class(CLASS_NUMERIC_NAMES) : ALL_MEMORY & ~others;
}

MemorySet memory_index_reads(const Memory *memory, Ref index) {
    return memory_class(CLASS_ELEMENTS) | memory_class(CLASS_LENGTHS) | memory_class(CLASS_PROTOTYPES) |
           indexed_properties(memory, index);
}

MemorySet memory_reads(const Memory *memory, Ref ref) {
    const Ir *ir = memory->ir;
    switch (ir->ins[ref].op) {
    case IR_GET_PROPERTY: return memory_property_reads(memory, name_of(ir, ref));
    case IR_GET_INDEX: return memory_index_reads(memory, ir_args(ir, ref)[1]);
    case IR_GUARD_BOUNDS:
    case IR_ARRAY_LENGTH:
    case IR_LENGTH: return memory_class(CLASS_LENGTHS);
    case IR_GUARD_SHAPE: return shape_is_fixed(ir->ins[ref].aux) ? 0 : memory_class(CLASS_SHAPES);
    case IR_LOAD_FIELD: return name_class(memory, name_of(ir, ref));
    case IR_LOAD_ELEMENT: return memory_class(CLASS_ELEMENTS);
    default: return ir_info(ir, ref)->reads ? ALL_MEMORY : 0;
    }
}

MemorySet memory_writes(const Memory *memory, Ref ref) {
    const Ir *ir = memory->ir;
    switch (ir->ins[ref].op) {
    case IR_SET_PROPERTY:
    case IR_DELETE_PROPERTY: return name_class(memory, name_of(ir, ref)) | memory_class(CLASS_SHAPES);
    case IR_SET_PROTOTYPE: return memory_class(CLASS_PROTOTYPES) | memory_class(CLASS_SHAPES);
    case IR_SET_INDEX:
        return memory_class(CLASS_ELEMENTS) | memory_class(CLASS_LENGTHS) | memory_class(CLASS_SHAPES) |
               indexed_properties(memory, ir_args(ir, ref)[1]);
    case IR_STORE_FIELD: return name_class(memory, name_of(ir, ref));
    case IR_SET_SHAPE: return memory_class(CLASS_SHAPES);
    case IR_STORE_ELEMENT: return memory_class(CLASS_ELEMENTS);
    default: return ir_info(ir, ref)->writes ? ALL_MEMORY : 0;
    }
}
