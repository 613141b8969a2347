#include "abi/natives.h"

#include <math.h>

#include "base/fatal.h"
#include "object/operators.h"

static Value native_print(Vm *vm, Value v) {
    value_print(stdout, vm, v);
    putchar('\n');
    return v;
}

static Value return_number(Vm *vm, double d) {
    Value value = number_from_double(&vm->heap, d);
    return value ? value : vm_fail(vm, RUN_OUT_OF_MEMORY, "out of memory");
}

static Value not_a_number(Vm *vm, Value v) { return vm_fail(vm, RUN_TYPE_ERROR, "%s is no number", value_describe(v)); }

static Value native_abs(Vm *vm, Value n) {
    if (!value_is_primitive(n)) return not_a_number(vm, n);
    return return_number(vm, fabs(primitive_to_double(n)));
}

// As JavaScript's Math.min: NaN if either is, and -0 below 0.
static double smaller(double a, double b) {
    if (isnan(a) || isnan(b)) return NAN;
    return a < b || (a == b && signbit(a)) ? a : b;
}

static Value native_min(Vm *vm, Value a, Value b) {
    if (!value_is_primitive(a) || !value_is_primitive(b)) return not_a_number(vm, value_is_primitive(a) ? b : a);
    return return_number(vm, smaller(primitive_to_double(a), primitive_to_double(b)));
}

static Value native_max(Vm *vm, Value a, Value b) {
    if (!value_is_primitive(a) || !value_is_primitive(b)) return not_a_number(vm, value_is_primitive(a) ? b : a);
    return return_number(vm, -smaller(-primitive_to_double(a), -primitive_to_double(b)));
}

static Value native_sum8(Vm *vm, Value a, Value b, Value c, Value d, Value e, Value f, Value g, Value h) {
    const Value values[] = {a, b, c, d, e, f, g, h};
    double sum = 0;
    for (int i = 0; i < 8; i++) {
        if (!value_is_primitive(values[i])) return not_a_number(vm, values[i]);
        sum += primitive_to_double(values[i]);
    }
    return return_number(vm, sum);
}

// Name, number of parameters, function.
#define NATIVES(_) \
    _("print", 1, native_print) \
    _("abs", 1, native_abs) \
    _("min", 2, native_min) \
    _("max", 2, native_max) \
    _("sum8", 8, native_sum8)

void natives_register(Program *program) {
#define REGISTER_ROW(name, num_params, function) \
    program_add_native(program, name, num_params, (NativeCode *)(uintptr_t)(function));
    NATIVES(REGISTER_ROW)
#undef REGISTER_ROW
}

// The types of functions of the Vm and 0 to MAX_NATIVE_PARAMS parameters.
typedef Value V;
typedef V F0(Vm *);
typedef V F1(Vm *, V);
typedef V F2(Vm *, V, V);
typedef V F3(Vm *, V, V, V);
typedef V F4(Vm *, V, V, V, V);
typedef V F5(Vm *, V, V, V, V, V);
typedef V F6(Vm *, V, V, V, V, V, V);
typedef V F7(Vm *, V, V, V, V, V, V, V);
typedef V F8(Vm *, V, V, V, V, V, V, V, V);

Value native_call(Vm *vm, const Native *native, const Value *a) {
    uintptr_t code = (uintptr_t)native->code;
    switch (native->num_params) {
    case 0: return ((F0 *)code)(vm);
    case 1: return ((F1 *)code)(vm, a[0]);
    case 2: return ((F2 *)code)(vm, a[0], a[1]);
    case 3: return ((F3 *)code)(vm, a[0], a[1], a[2]);
    case 4: return ((F4 *)code)(vm, a[0], a[1], a[2], a[3]);
    case 5: return ((F5 *)code)(vm, a[0], a[1], a[2], a[3], a[4]);
    case 6: return ((F6 *)code)(vm, a[0], a[1], a[2], a[3], a[4], a[5]);
    case 7: return ((F7 *)code)(vm, a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
    case 8: return ((F8 *)code)(vm, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]);
    }
    fatal("native '%s' has %u parameters", native->name, native->num_params);
}
