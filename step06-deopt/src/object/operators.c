#include "object/operators.h"

#include <math.h>

const char *const operator_names[NUM_OPERATORS] = {
    [OPERATOR_ADD] = "+",   [OPERATOR_SUB] = "-",     [OPERATOR_MUL] = "*",       [OPERATOR_DIV] = "/",
    [OPERATOR_MOD] = "%",   [OPERATOR_EQUAL] = "===", [OPERATOR_LESS_THAN] = "<", [OPERATOR_GREATER_THAN] = ">",
};

bool value_is_primitive(Value v) {
    if (!value_is_pointer(v)) return true;
    ObjectType type = value_header(v)->type;
    return type == TYPE_NUMBER || type == TYPE_STRING;
}

bool value_is_truthy(Value v) {
    if (value_is_int(v)) return value_to_int(v) != 0;
    if (value_is_flonum(v)) return true; // no flonum is zero
    if (v == VALUE_FALSE || v == VALUE_UNDEFINED || v == VALUE_NULL) return false;
    if (value_is_string(v)) return value_to_string(v)->length > 0;
    if (!value_is_number(v)) return true;
    double d = number_to_double(v);
    return d != 0 && !isnan(d);
}

bool values_are_equal(Value a, Value b) {
    if (value_is_number(a) && value_is_number(b)) return number_to_double(a) == number_to_double(b);
    if (a == b) return true;
    return value_is_string(a) && value_is_string(b) && strings_equal(value_to_string(a), value_to_string(b));
}

double primitive_to_double(Value v) {
    if (value_is_number(v)) return number_to_double(v);
    if (v == VALUE_TRUE) return 1;
    if (v == VALUE_FALSE || v == VALUE_NULL) return 0;
    if (!value_is_string(v)) return NAN;
    return number_from_string(value_to_string(v)->bytes, value_to_string(v)->length);
}

static Text text_of(const char *bytes) { return (Text){bytes, strlen(bytes)}; }

Text primitive_to_text(Value v, char buffer[NUMBER_TEXT_SIZE]) {
    if (value_is_string(v)) return (Text){value_to_string(v)->bytes, value_to_string(v)->length};
    if (value_is_number(v)) return (Text){buffer, number_to_text(number_to_double(v), buffer)};
    if (v == VALUE_TRUE || v == VALUE_FALSE) return text_of(v == VALUE_TRUE ? "true" : "false");
    return text_of(v == VALUE_NULL ? "null" : "undefined");
}

const char *value_describe(Value v) {
    if (value_is_number(v)) return "a number";
    if (v == VALUE_TRUE || v == VALUE_FALSE) return "a boolean";
    if (!value_is_pointer(v)) return v == VALUE_NULL ? "null" : "undefined";
    static const char *const names[] = {
        [TYPE_STRING] = "a string", [TYPE_FUNCTION] = "a function",
        [TYPE_ARRAY] = "an array",  [TYPE_OBJECT] = "an object",
    };
    return names[value_header(v)->type];
}

static Value join(Heap *heap, Value a, Value b) {
    char buffer_a[NUMBER_TEXT_SIZE], buffer_b[NUMBER_TEXT_SIZE];
    Text left = primitive_to_text(a, buffer_a), right = primitive_to_text(b, buffer_b);
    String *string = string_new(heap, left.length + right.length);
    if (!string) return NO_VALUE;
    memcpy(string->bytes, left.bytes, left.length);
    memcpy(string->bytes + left.length, right.bytes, right.length);
    return value_from_pointer(string);
}

static Value compute(Heap *heap, Operator op, double x, double y) {
    switch (op) {
    case OPERATOR_ADD: return number_from_double(heap, x + y);
    case OPERATOR_SUB: return number_from_double(heap, x - y);
    case OPERATOR_MUL: return number_from_double(heap, x * y);
    case OPERATOR_DIV: return number_from_double(heap, x / y);
    case OPERATOR_MOD: return number_from_double(heap, number_remainder(x, y));
    case OPERATOR_LESS_THAN: return value_from_bool(x < y);
    case OPERATOR_GREATER_THAN: return value_from_bool(x > y);
    case OPERATOR_EQUAL:
    case NUM_OPERATORS: break;
    }
    return NO_VALUE;
}

Value operator_apply(Heap *heap, Operator op, Value a, Value b) {
    if (op == OPERATOR_EQUAL) return value_from_bool(values_are_equal(a, b));
    if (!value_is_primitive(a) || !value_is_primitive(b)) return NO_VALUE;
    bool compares = op == OPERATOR_LESS_THAN || op == OPERATOR_GREATER_THAN;
    if (op == OPERATOR_ADD && (value_is_string(a) || value_is_string(b))) return join(heap, a, b);
    if (compares && value_is_string(a) && value_is_string(b)) {
        int order = string_compare(value_to_string(a), value_to_string(b));
        return value_from_bool(op == OPERATOR_LESS_THAN ? order < 0 : order > 0);
    }
    return compute(heap, op, primitive_to_double(a), primitive_to_double(b));
}
