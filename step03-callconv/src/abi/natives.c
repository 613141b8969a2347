#include "abi/natives.h"

#include <inttypes.h>
#include <string.h>

#include "base/fatal.h"

static int64_t native_print(int64_t n) {
    printf("%" PRId64 "\n", n);
    return n;
}

static int64_t native_abs(int64_t n) { return n < 0 ? (int64_t)(0 - (uint64_t)n) : n; }
static int64_t native_min(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t native_max(int64_t a, int64_t b) { return a > b ? a : b; }

static int64_t native_sum8(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g, int64_t h) {
    return (int64_t)((uint64_t)a + (uint64_t)b + (uint64_t)c + (uint64_t)d + (uint64_t)e + (uint64_t)f +
                     (uint64_t)g + (uint64_t)h);
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

// The types of functions of 0 to MAX_NATIVE_PARAMS parameters.
typedef int64_t V;
typedef V F0(void);
typedef V F1(V);
typedef V F2(V, V);
typedef V F3(V, V, V);
typedef V F4(V, V, V, V);
typedef V F5(V, V, V, V, V);
typedef V F6(V, V, V, V, V, V);
typedef V F7(V, V, V, V, V, V, V);
typedef V F8(V, V, V, V, V, V, V, V);

int64_t native_call(const Native *native, const int64_t *a) {
    uintptr_t code = (uintptr_t)native->code;
    switch (native->num_params) {
    case 0: return ((F0 *)code)();
    case 1: return ((F1 *)code)(a[0]);
    case 2: return ((F2 *)code)(a[0], a[1]);
    case 3: return ((F3 *)code)(a[0], a[1], a[2]);
    case 4: return ((F4 *)code)(a[0], a[1], a[2], a[3]);
    case 5: return ((F5 *)code)(a[0], a[1], a[2], a[3], a[4]);
    case 6: return ((F6 *)code)(a[0], a[1], a[2], a[3], a[4], a[5]);
    case 7: return ((F7 *)code)(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
    case 8: return ((F8 *)code)(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]);
    }
    fatal("native '%s' has %u parameters", native->name, native->num_params);
}
