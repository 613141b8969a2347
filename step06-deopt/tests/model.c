#include "model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "object/number.h"

typedef enum Kind { UNDEFINED, NULL_, BOOLEAN, NUMBER, STRING, FUNCTION, ARRAY, OBJECT } Kind;

// The bytes of a string or a name.
typedef struct Bytes {
    const char *at;
    size_t length;
} Bytes;

typedef struct MValue {
    Kind kind;
    double number; // NUMBER; BOOLEAN: 0 or 1; FUNCTION: its index
    Bytes string;
    struct Thing *object; // OBJECT, ARRAY
} MValue;

// A property of an object, or an element of an array.
typedef struct Item {
    Bytes name;     // of a property
    uint32_t index; // of an element
    MValue value;
    struct Item *next;
} Item;

// An object or an array.
typedef struct Thing {
    Item *items;
    struct Thing *prototype;
    uint32_t length; // of an array
} Thing;

struct Model {
    const Program *program;
    Arena arena;
    Thing **prototypes; // of the classes
    uint64_t steps_left;
    ModelRun failure; // of the call in progress
    bool failed, has_place; // is the failure's place known?
};

// Lists.

static Item *find_property(const Thing *thing, Bytes name) {
    for (Item *item = thing->items; item; item = item->next)
        if (item->name.length == name.length && memcmp(item->name.at, name.at, name.length) == 0) return item;
    return NULL;
}

static Item *find_element(const Thing *thing, uint32_t index) {
    for (Item *item = thing->items; item; item = item->next)
        if (item->index == index) return item;
    return NULL;
}

static Item *add_item(Model *m, Thing *thing) {
    Item *item = arena_alloc(&m->arena, sizeof *item);
    *item = (Item){.next = thing->items};
    return thing->items = item;
}

static void set_property(Model *m, Thing *thing, Bytes name, MValue value) {
    Item *item = find_property(thing, name);
    if (!item) {
        item = add_item(m, thing);
        item->name = name;
    }
    item->value = value;
}

static void delete_property(Thing *thing, Bytes name) {
    Item *item = find_property(thing, name);
    if (!item) return;
    Item **link = &thing->items;
    while (*link != item) link = &(*link)->next;
    *link = item->next;
}

// Values.

static MValue undefined(void) { return (MValue){.kind = UNDEFINED}; }
static MValue boolean(bool b) { return (MValue){.kind = BOOLEAN, .number = b}; }
static MValue number(double d) { return (MValue){.kind = NUMBER, .number = d}; }
static MValue string(Bytes bytes) { return (MValue){.kind = STRING, .string = bytes}; }
static MValue function(uint32_t index) { return (MValue){.kind = FUNCTION, .number = index}; }
static MValue object(Thing *thing) { return (MValue){.kind = OBJECT, .object = thing}; }

static Bytes bytes_of(const String *s) { return (Bytes){s->bytes, s->length}; }

static MValue constant(Value v) {
    if (value_is_number(v)) return number(number_to_double(v));
    if (value_is_string(v)) return string(bytes_of(value_to_string(v)));
    if (v == VALUE_TRUE || v == VALUE_FALSE) return boolean(v == VALUE_TRUE);
    return (MValue){.kind = v == VALUE_NULL ? NULL_ : UNDEFINED};
}

static bool is_primitive(MValue v) { return v.kind < FUNCTION; }

static bool is_true(MValue v) {
    switch (v.kind) {
    case UNDEFINED:
    case NULL_: return false;
    case BOOLEAN:
    case NUMBER: return v.number != 0 && !isnan(v.number);
    case STRING: return v.string.length > 0;
    default: return true;
    }
}

static bool same_bytes(Bytes a, Bytes b) { return a.length == b.length && memcmp(a.at, b.at, a.length) == 0; }

static bool are_equal(MValue a, MValue b) {
    if (a.kind != b.kind) return false;
    if (a.kind == STRING) return same_bytes(a.string, b.string);
    if (a.kind == ARRAY || a.kind == OBJECT) return a.object == b.object;
    return a.kind == UNDEFINED || a.kind == NULL_ || a.number == b.number;
}

static double to_number(MValue v) {
    if (v.kind == STRING) return number_from_string(v.string.at, v.string.length);
    if (v.kind == UNDEFINED) return NAN;
    return v.kind == NULL_ ? 0 : v.number;
}

// The text of a primitive.
static Bytes to_text(Model *m, MValue v) {
    static const Bytes words[] = {{"undefined", 9}, {"null", 4}, {"false", 5}, {"true", 4}};
    if (v.kind == STRING) return v.string;
    if (v.kind != NUMBER) return words[v.kind == BOOLEAN ? 2 + (int)v.number : (int)v.kind];
    char *text = arena_alloc(&m->arena, NUMBER_TEXT_SIZE);
    size_t length = number_to_text(v.number, text);
    return (Bytes){text, length};
}

static Bytes join(Model *m, Bytes a, Bytes b) {
    char *bytes = arena_alloc(&m->arena, a.length + b.length + 1);
    memcpy(bytes, a.at, a.length);
    memcpy(bytes + a.length, b.at, b.length);
    return (Bytes){bytes, a.length + b.length};
}

static bool is_below(Bytes a, Bytes b) {
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = memcmp(a.at, b.at, shorter);
    return order ? order < 0 : a.length < b.length;
}

// Instructions. Each returns its result; an error sets m->failed.

static MValue type_error(Model *m) {
    m->failed = true;
    m->failure = (ModelRun){.end = MODEL_FAILED, .status = RUN_TYPE_ERROR};
    return undefined();
}

static MValue range_error(Model *m) {
    type_error(m);
    m->failure.status = RUN_RANGE_ERROR;
    return undefined();
}

static MValue operate(Model *m, Opcode op, MValue a, MValue b) {
    if (op == OP_EQUAL) return boolean(are_equal(a, b));
    if (!is_primitive(a) || !is_primitive(b)) return type_error(m);
    if (op == OP_ADD && (a.kind == STRING || b.kind == STRING)) return string(join(m, to_text(m, a), to_text(m, b)));
    if (op == OP_LESS_THAN && a.kind == STRING && b.kind == STRING) return boolean(is_below(a.string, b.string));
    if (op == OP_GREATER_THAN && a.kind == STRING && b.kind == STRING) return boolean(is_below(b.string, a.string));
    double x = to_number(a), y = to_number(b);
    switch (op) {
    case OP_ADD: return number(x + y);
    case OP_SUB: return number(x - y);
    case OP_MUL: return number(x * y);
    case OP_DIV: return number(x / y);
    case OP_MOD: return number(fmod(x, y));
    case OP_LESS_THAN: return boolean(x < y);
    default: return boolean(x > y);
    }
}

static MValue get_property(Model *m, MValue v, Bytes name) {
    if (v.kind == UNDEFINED || v.kind == NULL_) return type_error(m);
    if (v.kind == OBJECT) {
        for (const Thing *thing = v.object; thing; thing = thing->prototype) {
            const Item *item = find_property(thing, name);
            if (item) return item->value;
        }
        return undefined();
    }
    bool is_length = same_bytes(name, (Bytes){"length", 6});
    if (v.kind == STRING && is_length) return number((double)v.string.length);
    if (v.kind == ARRAY && is_length) return number(v.object->length);
    return undefined();
}

static void set_prototype(Model *m, MValue v, MValue prototype) {
    bool fits = v.kind == OBJECT && (prototype.kind == OBJECT || prototype.kind == NULL_);
    for (const Thing *thing = prototype.object; fits && thing; thing = thing->prototype)
        if (thing == v.object) fits = false;
    if (fits) v.object->prototype = prototype.object;
    else type_error(m);
}

// An index that names an element: the text of it is that of a number without sign and fraction.
static bool is_index(Model *m, MValue v, uint32_t *index) {
    if (v.kind != NUMBER && v.kind != STRING) return false;
    Bytes text = to_text(m, v);
    double d = number_from_string(text.at, text.length);
    bool fits = text.length > 0 && d >= 0 && d < 1e9 && d == floor(d);
    *index = fits ? (uint32_t)d : 0;
    return fits && same_bytes(to_text(m, number(d)), text);
}

static MValue get_index(Model *m, MValue v, MValue index) {
    uint32_t i;
    if (v.kind == UNDEFINED || v.kind == NULL_ || !is_primitive(index)) return type_error(m);
    if (v.kind == ARRAY && is_index(m, index, &i)) {
        const Item *item = find_element(v.object, i);
        return item ? item->value : undefined();
    }
    if (v.kind == STRING && is_index(m, index, &i))
        return i < v.string.length ? string((Bytes){v.string.at + i, 1}) : undefined();
    return get_property(m, v, to_text(m, index));
}

static void set_element(Model *m, Thing *array, uint32_t index, MValue value) {
    Item *item = find_element(array, index);
    if (!item) item = add_item(m, array);
    item->index = index;
    item->value = value;
    if (index >= array->length) array->length = index + 1;
}

static void set_index(Model *m, MValue v, MValue index, MValue value) {
    uint32_t i;
    if (v.kind == ARRAY && is_index(m, index, &i)) {
        if (i >= MAX_ARRAY_LENGTH) range_error(m);
        else set_element(m, v.object, i, value);
    } else if (v.kind == OBJECT && is_primitive(index)) {
        set_property(m, v.object, to_text(m, index), value);
    } else {
        type_error(m);
    }
}

static MValue new_array(Model *m, const MValue *elements, uint32_t length) {
    Thing *array = arena_alloc(&m->arena, sizeof *array);
    *array = (Thing){0};
    for (uint32_t i = 0; i < length; i++) set_element(m, array, i, elements[i]);
    return (MValue){.kind = ARRAY, .object = array};
}

static Thing *new_object(Model *m, Thing *prototype) {
    Thing *thing = arena_alloc(&m->arena, sizeof *thing);
    *thing = (Thing){.prototype = prototype};
    return thing;
}

static MValue length_of(Model *m, MValue v) {
    return v.kind == STRING || v.kind == ARRAY ? get_property(m, v, (Bytes){"length", 6}) : type_error(m);
}

static MValue run(Model *m, uint32_t index, const MValue *args, uint32_t num_args);

static MValue call_method(Model *m, Bytes name, const MValue *args, uint32_t num_args) {
    MValue method = get_property(m, args[0], name);
    if (m->failed) return method;
    return method.kind == FUNCTION ? run(m, (uint32_t)method.number, args, num_args) : type_error(m);
}

// One instruction; its operands are sp[0] ... . Returns what it pushes.
static MValue step(Model *m, Instruction ins, MValue *locals, MValue *sp, size_t *pc) {
    const Program *program = m->program;
    Bytes name = {0};
    OperandKind kind = opcode_info[ins.opcode].operand;
    if (kind == OPERAND_NAME || kind == OPERAND_METHOD) name = bytes_of((const String *)(uintptr_t)ins.operand);
    switch (ins.opcode) {
    case OP_LOAD_CONST: return constant((Value)ins.operand);
    case OP_LOAD_LOCAL: return locals[ins.operand];
    case OP_STORE_LOCAL: return locals[ins.operand] = sp[0];
    case OP_JUMP: *pc = (size_t)ins.operand; break;
    case OP_JUMP_IF_FALSE:
        if (!is_true(sp[0])) *pc = (size_t)ins.operand;
        break;
    case OP_CALL: return run(m, (uint32_t)ins.operand, sp, program->functions[ins.operand].num_params);
    case OP_RETURN:
    case OP_DUP: return sp[0];
    case OP_POP: break;
    case OP_NEW_OBJECT: return object(new_object(m, m->prototypes[ins.operand]));
    case OP_GET_PROPERTY: return get_property(m, sp[0], name);
    case OP_SET_PROPERTY:
        if (sp[0].kind == OBJECT) set_property(m, sp[0].object, name, sp[1]);
        else type_error(m);
        break;
    case OP_DELETE_PROPERTY:
        if (sp[0].kind != OBJECT) return type_error(m);
        delete_property(sp[0].object, name);
        return boolean(true);
    case OP_CALL_METHOD: return call_method(m, name, sp, ins.num_args + 1);
    case OP_LOAD_FUNCTION: return function((uint32_t)ins.operand);
    case OP_LOAD_PROTOTYPE: return object(m->prototypes[ins.operand]);
    case OP_SET_PROTOTYPE: set_prototype(m, sp[0], sp[1]); break;
    case OP_NEW_ARRAY: return new_array(m, sp, (uint32_t)ins.operand);
    case OP_GET_INDEX: return get_index(m, sp[0], sp[1]);
    case OP_SET_INDEX: set_index(m, sp[0], sp[1], sp[2]); break;
    case OP_LENGTH: return length_of(m, sp[0]);
    default: return operate(m, ins.opcode, sp[0], sp[1]);
    }
    return undefined();
}

static void give_up(Model *m) {
    m->failed = true;
    m->failure = (ModelRun){.end = MODEL_GAVE_UP};
}

static MValue execute(Model *m, uint32_t index, MValue *locals) {
    const Function *f = &m->program->functions[index];
    MValue *sp = locals + f->num_locals;
    for (size_t pc = 0;;) {
        size_t at = pc++;
        Instruction ins = f->bytecode[at];
        if (m->steps_left-- == 0) {
            give_up(m);
            return undefined();
        }
        sp -= instruction_pops(m->program, ins);
        MValue result = step(m, ins, locals, sp, &pc);
        if (m->failed && !m->has_place) {
            m->failure.function = index;
            m->failure.pc = (uint32_t)at;
            m->has_place = true;
        }
        if (m->failed || ins.opcode == OP_RETURN) return result;
        for (int i = 0; i < opcode_info[ins.opcode].pushes; i++) *sp++ = result;
    }
}

static MValue run(Model *m, uint32_t index, const MValue *args, uint32_t num_args) {
    const Function *f = &m->program->functions[index];
    MValue *locals = calloc(f->num_locals + f->max_depth + 1, sizeof *locals);
    for (uint32_t i = 0; i < f->num_params && i < num_args; i++) locals[i] = args[i]; // the others are UNDEFINED
    MValue result = execute(m, index, locals);
    free(locals);
    return result;
}

// Output.

static void print(FILE *out, Model *m, MValue v, const Thing *const *open, int depth);

static void print_array(FILE *out, Model *m, const Thing *array, const Thing *const *open, int depth) {
    const Thing *now_open[64];
    for (int i = 0; i < depth; i++) {
        if (open[i] == array) return;
        now_open[i] = open[i];
    }
    if (depth == 63) return;
    now_open[depth] = array;
    for (uint32_t i = 0; i < array->length; i++) {
        if (i) fputc(',', out);
        const Item *item = find_element(array, i);
        if (item && item->value.kind != UNDEFINED && item->value.kind != NULL_)
            print(out, m, item->value, now_open, depth + 1);
    }
}

static void print(FILE *out, Model *m, MValue v, const Thing *const *open, int depth) {
    if (v.kind == ARRAY) print_array(out, m, v.object, open, depth);
    else if (v.kind == OBJECT) fputs("[object Object]", out);
    else if (v.kind == FUNCTION) fprintf(out, "function %s", m->program->functions[(size_t)v.number].name);
    else {
        Bytes text = to_text(m, v);
        fwrite(text.at, 1, text.length, out);
    }
}

static char *text_of(Model *m, MValue v) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    print(out, m, v, NULL, 0);
    fclose(out);
    char *copy = arena_string(&m->arena, text, size);
    free(text);
    return copy;
}

Model *model_new(const Program *program) {
    Model *m = calloc(1, sizeof *m);
    m->program = program;
    m->prototypes = calloc(program->num_classes + 1, sizeof *m->prototypes);
    for (size_t i = 0; i < program->num_classes; i++) {
        const Class *class = &program->classes[i];
        m->prototypes[i] = new_object(m, class->parent < 0 ? NULL : m->prototypes[class->parent]);
        for (size_t k = 0; k < class->num_methods; k++)
            set_property(m, m->prototypes[i], bytes_of(class->methods[k].name), function(class->methods[k].function));
    }
    return m;
}

void model_free(Model *m) {
    free(m->prototypes);
    arena_free(&m->arena);
    free(m);
}

ModelRun model_call(Model *m, uint32_t index, const double *args, uint64_t max_steps) {
    MValue values[MAX_ARGUMENTS];
    uint32_t num_params = m->program->functions[index].num_params;
    for (uint32_t i = 0; i < num_params; i++) values[i] = number(args[i]);
    m->failed = m->has_place = false;
    m->steps_left = max_steps;
    MValue result = run(m, index, values, num_params);
    if (!m->failed) return (ModelRun){.end = MODEL_RETURNED, .text = text_of(m, result)};
    return m->failure;
}
