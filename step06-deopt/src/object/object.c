#include "object/object.h"

#include <stdlib.h>

#include "interp/vm.h"
#include "object/operators.h"

static bool out_of_memory(Vm *vm) {
    vm_fail(vm, RUN_OUT_OF_MEMORY, "out of memory");
    return false;
}

// Slots and places.

static Slots *slots_new(Vm *vm, uint32_t capacity) {
    Slots *slots = heap_alloc(&vm->heap, sizeof *slots + capacity * sizeof(Value), TYPE_SLOTS, SHAPE_SLOTS);
    if (slots) slots->capacity = capacity;
    return slots;
}

// Storage for at least `wanted` values: the old one, or a larger one with the old values. `fill` is what
// the new values are.
static Slots *slots_grow(Vm *vm, Slots *old, uint32_t wanted, Value fill) {
    uint32_t before = old ? old->capacity : 0;
    if (wanted <= before) return old;
    uint32_t capacity = before + before / 2 < wanted ? wanted : before + before / 2;
    Slots *slots = slots_new(vm, capacity < 4 ? 4 : capacity);
    if (!slots) return NULL;
    if (before) memcpy(slots->values, old->values, before * sizeof *slots->values);
    for (uint32_t i = before; i < slots->capacity; i++) slots->values[i] = fill;
    return slots;
}

static int32_t slot_offset(const Object *object, uint32_t slot) {
    uint32_t inside = object->header.nslots;
    if (slot < inside) return (int32_t)(offsetof(Object, slots) + slot * sizeof(Value));
    return -(int32_t)(offsetof(Slots, values) + (slot - inside) * sizeof(Value));
}

static Value *slot_address(Object *object, uint32_t slot) {
    return place_address((PropertyPlace){object, slot_offset(object, slot)});
}

// Make room for the slot.
static bool reserve_slot(Vm *vm, Object *object, uint32_t slot) {
    if (slot < object->header.nslots) return true;
    Slots *slots = slots_grow(vm, object->overflow, slot - object->header.nslots + 1, VALUE_UNDEFINED);
    if (!slots) return out_of_memory(vm);
    object->overflow = slots;
    return true;
}

// Objects.

Shape *object_shape(const Vm *vm, const Object *object) { return shape_get(&vm->shapes, object->header.shape); }

Object *object_new(Vm *vm, const Shape *root) {
    size_t size = sizeof(Object) + root->num_inside * sizeof(Value);
    Object *object = heap_alloc(&vm->heap, size, TYPE_OBJECT, root->id);
    if (!object) {
        out_of_memory(vm);
        return NULL;
    }
    object->header.nslots = root->num_inside;
    for (uint32_t i = 0; i < root->num_inside; i++) object->slots[i] = VALUE_UNDEFINED;
    return object;
}

bool object_find(const Vm *vm, Object *object, String *name, PropertyPlace *place) {
    for (;;) {
        Shape *shape = object_shape(vm, object);
        uint32_t slot;
        if (shape_find(shape, name, &slot)) {
            *place = (PropertyPlace){object, slot_offset(object, slot)};
            return true;
        }
        if (shape->prototype == VALUE_NULL) return false;
        object = value_to_object(shape->prototype);
    }
}

// The object's shape becomes a dictionary of its own.
static Shape *make_dictionary(Vm *vm, Object *object) {
    Shape *shape = object_shape(vm, object);
    if (shape->is_dictionary) return shape;
    Shape *dictionary = shape_to_dictionary(&vm->shapes, shape);
    if (dictionary) object->header.shape = dictionary->id;
    else out_of_memory(vm);
    return dictionary;
}

// What caches remember of a prototype is no longer true.
static void changed(Vm *vm, const Shape *shape) {
    if (shape->is_prototype) ic_forget_prototypes(vm);
}

static bool overwrite(Vm *vm, Object *object, Shape *shape, uint32_t slot, Value value) {
    Value *at = slot_address(object, slot);
    // Caches remember the functions themselves that they found in prototypes as methods.
    if (value_is_function(*at) || value_is_function(value)) changed(vm, shape);
    *at = value;
    return true;
}

bool object_set(Vm *vm, Object *object, String *name, Value value) {
    Shape *shape = object_shape(vm, object);
    uint32_t slot;
    if (shape_find(shape, name, &slot)) return overwrite(vm, object, shape, slot, value);
    if (!shape->is_dictionary && shape->num_slots >= MAX_SHAPE_PROPERTIES) shape = make_dictionary(vm, object);
    if (!shape) return false;
    if (shape->is_dictionary && shapes_are_full(&vm->shapes)) return out_of_memory(vm);
    bool reuses_slot = shape->is_dictionary && shape->num_free;
    uint32_t next_slot = reuses_slot ? shape->free_slots[shape->num_free - 1] : shape->num_slots;
    if (!reserve_slot(vm, object, next_slot)) return false;
    if (shape->is_dictionary) {
        dictionary_add(shape, name);
        changed(vm, shape);
    } else {
        Shape *next = shape_add(&vm->shapes, shape, name);
        if (!next) return out_of_memory(vm);
        object->header.shape = next->id;
    }
    *slot_address(object, next_slot) = value;
    return true;
}

bool object_delete(Vm *vm, Object *object, String *name) {
    uint32_t slot;
    if (!shape_find(object_shape(vm, object), name, &slot)) return true;
    Shape *dictionary = make_dictionary(vm, object);
    if (!dictionary) return false;
    dictionary_remove(dictionary, name);
    *slot_address(object, slot) = VALUE_UNDEFINED;
    changed(vm, dictionary);
    return true;
}

// Prototypes.

// The object is about to have heirs.
static Shape *make_prototype(Vm *vm, Object *object) {
    Shape *shape = make_dictionary(vm, object);
    if (shape) shape->is_prototype = true;
    return shape;
}

// The root for objects that inherit from the prototype and have `inside` slots inside.
static Shape *find_root(Vm *vm, Value prototype, uint32_t inside) {
    if (prototype == VALUE_NULL) return shape_root(&vm->shapes, VALUE_NULL, NULL, inside);
    Shape *shape = make_prototype(vm, value_to_object(prototype));
    return shape ? shape_root(&vm->shapes, prototype, shape, inside) : NULL;
}

static bool inherits_from(const Vm *vm, const Object *object, const Object *ancestor) {
    while (object != ancestor) {
        Value prototype = object_shape(vm, object)->prototype;
        if (prototype == VALUE_NULL) return false;
        object = value_to_object(prototype);
    }
    return true;
}

// Without heirs only the object itself could close a cycle: there is no need to walk a long chain.
static bool closes_cycle(const Vm *vm, const Object *object, Value prototype) {
    if (prototype == VALUE_NULL) return false;
    if (!object_shape(vm, object)->is_prototype) return value_to_object(prototype) == object;
    return inherits_from(vm, value_to_object(prototype), object);
}

bool object_set_prototype(Vm *vm, Object *object, Value prototype) {
    if (closes_cycle(vm, object, prototype)) {
        vm_fail(vm, RUN_TYPE_ERROR, "the prototypes would form a cycle");
        return false;
    }
    Shape *shape = object_shape(vm, object);
    if (shape->prototype == prototype) return true;
    Shape *root = find_root(vm, prototype, object->header.nslots);
    if (!root) return out_of_memory(vm);
    if (shape->is_dictionary) {
        shape->prototype = prototype;
        changed(vm, shape);
        return true;
    }
    Shape *moved = shape_move(&vm->shapes, shape, root);
    if (!moved) return out_of_memory(vm);
    object->header.shape = moved->id;
    return true;
}

// Classes.

static bool init_class(Vm *vm, const Class *class, RuntimeClass *result) {
    Value parent = class->parent < 0 ? VALUE_NULL : value_from_pointer(vm->classes[class->parent].prototype);
    Shape *root = find_root(vm, parent, DEFAULT_FIELDS);
    result->prototype = root ? object_new(vm, root) : NULL;
    if (!result->prototype) return false;
    for (size_t i = 0; i < class->num_methods; i++) {
        struct Method method = class->methods[i];
        Value callable = value_from_pointer(&vm->callables[method.function]);
        if (!object_set(vm, result->prototype, method.name, callable)) return false;
    }
    result->root = find_root(vm, value_from_pointer(result->prototype), class->num_fields);
    return result->root != NULL;
}

bool classes_init(Vm *vm) {
    const Program *program = vm->program;
    vm->classes = xcalloc(program->num_classes, sizeof *vm->classes);
    for (size_t i = 0; i < program->num_classes; i++)
        if (!init_class(vm, &program->classes[i], &vm->classes[i])) return out_of_memory(vm);
    return true;
}

// Arrays.

Value array_new(Vm *vm, uint32_t length, const Value *first_element, ptrdiff_t stride) {
    Array *array = heap_alloc(&vm->heap, sizeof *array, TYPE_ARRAY, SHAPE_ARRAY);
    Slots *elements = array && length ? slots_new(vm, length) : NULL;
    if (!array || (length && !elements)) {
        out_of_memory(vm);
        return NO_VALUE;
    }
    for (uint32_t i = 0; i < length; i++) elements->values[i] = first_element[i * stride];
    array->elements = elements;
    array->length = length;
    return value_from_pointer(array);
}

bool array_set(Vm *vm, Array *array, uint32_t index, Value value) {
    if (index >= MAX_ARRAY_LENGTH) {
        vm_fail(vm, RUN_RANGE_ERROR, "an array has at most %d elements", MAX_ARRAY_LENGTH);
        return false;
    }
    Slots *elements = slots_grow(vm, array->elements, index + 1, VALUE_HOLE);
    if (!elements) return out_of_memory(vm);
    array->elements = elements;
    if (index >= array->length) array->length = index + 1;
    elements->values[index] = value;
    return true;
}

// Any value.

Value value_get_property(Vm *vm, Value object, String *name) {
    if (object == VALUE_UNDEFINED || object == VALUE_NULL)
        return vm_fail(vm, RUN_TYPE_ERROR, "cannot read property '%.40s' of %s", name->bytes, value_describe(object));
    PropertyPlace place;
    if (value_is_object(object))
        return object_find(vm, value_to_object(object), name, &place) ? *place_address(place) : VALUE_UNDEFINED;
    bool has_length = value_is_string(object) || value_is_array(object);
    bool is_length = name->length == strlen("length") && strcmp(name->bytes, "length") == 0;
    return has_length && is_length ? value_length(vm, object) : VALUE_UNDEFINED;
}

static bool must_be_object(Vm *vm, Value value, const char *what, const String *name) {
    if (value_is_object(value)) return true;
    vm_fail(vm, RUN_TYPE_ERROR, "cannot %s property '%.40s' of %s", what, name->bytes, value_describe(value));
    return false;
}

bool value_set_property(Vm *vm, Value object, String *name, Value value) {
    return must_be_object(vm, object, "set", name) && object_set(vm, value_to_object(object), name, value);
}

bool value_delete_property(Vm *vm, Value object, String *name) {
    return must_be_object(vm, object, "delete", name) && object_delete(vm, value_to_object(object), name);
}

bool value_set_prototype(Vm *vm, Value object, Value prototype) {
    bool valid = value_is_object(object) && (value_is_object(prototype) || prototype == VALUE_NULL);
    if (valid) return object_set_prototype(vm, value_to_object(object), prototype);
    vm_fail(vm, RUN_TYPE_ERROR, "%s cannot be the prototype of %s", value_describe(prototype), value_describe(object));
    return false;
}

// The index that a string writes as a number would be written: "0", "12", but not "012".
static bool text_to_index(const String *string, uint32_t *index) {
    if (string->length == 0 || string->length > 9 || (string->bytes[0] == '0' && string->length > 1)) return false;
    *index = 0;
    for (uint32_t i = 0; i < string->length; i++) {
        if (digit_value(string->bytes[i]) > 9) return false;
        *index = 10 * *index + digit_value(string->bytes[i]);
    }
    return true;
}

// The index of an array's or a string's element; false if it is none. -0 is one.
static bool to_index(Value v, uint32_t *index) {
    if (value_is_string(v)) return text_to_index(value_to_string(v), index);
    bool is_zero = value_is(v, TYPE_NUMBER) && number_to_double(v) == 0;
    if (!is_zero && (!value_is_int(v) || value_to_int(v) < 0)) return false;
    *index = is_zero ? 0 : (uint32_t)value_to_int(v);
    return true;
}

// The name of the property that a primitive stands for.
static String *to_name(Vm *vm, Value v) {
    char buffer[NUMBER_TEXT_SIZE];
    if (value_is_string(v) && value_to_string(v)->is_interned) return value_to_string(v);
    Text text = primitive_to_text(v, buffer);
    String *found = string_table_find(&vm->strings, text.bytes, text.length);
    if (found) return found;
    String *name = string_new(&vm->heap, text.length);
    if (!name) {
        out_of_memory(vm);
        return NULL;
    }
    memcpy(name->bytes, text.bytes, text.length);
    string_table_add(&vm->strings, name);
    return name;
}

static Value character_at(Vm *vm, const String *string, uint32_t index) {
    if (index >= string->length) return VALUE_UNDEFINED;
    String *character = string_new(&vm->heap, 1);
    if (!character) {
        out_of_memory(vm);
        return NO_VALUE;
    }
    character->bytes[0] = string->bytes[index];
    return value_from_pointer(character);
}

static Value bad_index(Vm *vm, Value object, Value index) {
    return vm_fail(vm, RUN_TYPE_ERROR, "cannot index %s with %s", value_describe(object), value_describe(index));
}

Value value_get_index(Vm *vm, Value object, Value index) {
    uint32_t i = 0;
    bool is_index = to_index(index, &i);
    bool has_properties = object != VALUE_UNDEFINED && object != VALUE_NULL;
    if (!has_properties || !value_is_primitive(index)) return bad_index(vm, object, index);
    if (value_is_array(object) && is_index) {
        const Array *array = value_to_array(object);
        Value element = i < array->length ? array->elements->values[i] : VALUE_HOLE;
        return element == VALUE_HOLE ? VALUE_UNDEFINED : element;
    }
    if (value_is_string(object) && is_index) return character_at(vm, value_to_string(object), i);
    String *name = to_name(vm, index);
    return name ? value_get_property(vm, object, name) : NO_VALUE;
}

bool value_set_index(Vm *vm, Value object, Value index, Value value) {
    uint32_t i = 0;
    if (value_is_array(object) && to_index(index, &i)) return array_set(vm, value_to_array(object), i, value);
    if (!value_is_object(object) || !value_is_primitive(index)) return bad_index(vm, object, index) != NO_VALUE;
    String *name = to_name(vm, index);
    return name && object_set(vm, value_to_object(object), name, value);
}

Value value_length(Vm *vm, Value object) {
    if (value_is_array(object)) return value_from_int((int32_t)value_to_array(object)->length);
    if (value_is_string(object)) return value_from_int((int32_t)value_to_string(object)->length);
    return vm_fail(vm, RUN_TYPE_ERROR, "%s has no length", value_describe(object));
}

// Output.

// The arrays that are being printed, the outermost first: a stack that is not the machine's, of which there may
// be little left. An array that holds itself is printed as nothing inside, and so is what lies too deep.
typedef struct Printing {
    struct OpenArray {
        const Array *array;
        uint32_t next; // element
    } *open;
    size_t depth, capacity;
} Printing;

enum { MAX_NESTING = 10000 };

static void open_array(Printing *printing, const Array *array) {
    for (size_t i = 0; i < printing->depth; i++)
        if (printing->open[i].array == array) return;
    if (printing->depth == MAX_NESTING) return;
    GROW(printing->open, printing->depth, printing->capacity);
    printing->open[printing->depth++] = (struct OpenArray){array, 0};
}

static void print_value(FILE *out, const Vm *vm, Value value, Printing *printing) {
    char buffer[NUMBER_TEXT_SIZE];
    if (value_is_primitive(value)) {
        Text text = primitive_to_text(value, buffer);
        fwrite(text.bytes, 1, text.length, out);
    } else if (value_is_array(value)) {
        open_array(printing, value_to_array(value));
    } else if (value_is_function(value)) {
        const Callable *callable = value_to_pointer(value);
        fprintf(out, "function %s", vm->program->functions[callable->index].name);
    } else {
        fputs("[object Object]", out);
    }
}

// The next element of the innermost array, or the end of it.
static void print_element(FILE *out, const Vm *vm, Printing *printing) {
    struct OpenArray *top = &printing->open[printing->depth - 1];
    if (top->next == top->array->length) {
        printing->depth--;
        return;
    }
    if (top->next > 0) fputc(',', out);
    Value element = top->array->elements->values[top->next++];
    bool is_empty = element == VALUE_HOLE || element == VALUE_UNDEFINED || element == VALUE_NULL;
    if (!is_empty) print_value(out, vm, element, printing);
}

void value_print(FILE *out, const Vm *vm, Value value) {
    Printing printing = {0};
    print_value(out, vm, value, &printing);
    while (printing.depth > 0) print_element(out, vm, &printing);
    free(printing.open);
}
