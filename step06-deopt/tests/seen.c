#include "seen.h"

#include <inttypes.h>
#include <string.h>

#include "object/operators.h"

static struct {
    FILE *out, *old_stdout;
    char *text;
    size_t size;
} seen;

void seen_begin(void) {
    fflush(stdout);
    seen.out = open_memstream(&seen.text, &seen.size);
    seen.old_stdout = stdout;
    stdout = seen.out; // print writes there
}

char *seen_end(void) {
    stdout = seen.old_stdout;
    fclose(seen.out);
    return seen.text;
}

static void describe(const Vm *vm, Value v, int depth) {
    fprintf(seen.out, "%s ", value_describe(v));
    value_print(seen.out, vm, v);
    if (!value_is_object(v) || depth == 0) return;
    static const char *const names[] = {"x", "y", "z", "length", "0", "1"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        PropertyPlace place;
        String *name = string_table_find(&vm->strings, names[i], strlen(names[i]));
        if (!name || !object_find(vm, value_to_object(v), name, &place)) continue;
        fprintf(seen.out, " %s: ", names[i]);
        describe(vm, *place_address(place), depth - 1);
    }
}

Value seen_note(Vm *vm, Value v) {
    describe(vm, v, 2);
    fputc('\n', seen.out);
    return v;
}

Value seen_poke(Vm *vm, Value v) {
    seen_note(vm, v);
    String *name = string_table_find(&vm->strings, "x", 1);
    bool ok = true;
    if (value_is_object(v) && name) ok = value_set_property(vm, v, name, value_from_int(77));
    if (value_is_array(v)) ok = value_set_index(vm, v, value_from_int(1), value_from_int(77));
    return ok ? VALUE_NULL : NO_VALUE;
}

void seen_result(const Vm *vm, Value result) {
    const RunError *error = &vm->error;
    if (result != NO_VALUE) {
        describe(vm, result, 2);
        fputc('\n', seen.out);
    } else if (error->has_place) {
        fprintf(seen.out, "error %" PRIu64 " in function %" PRIu64 " at %" PRIu64 ": %s\n", error->status, error->function, error->pc,
                error->message);
    } else {
        fprintf(seen.out, "error %" PRIu64 ": %s\n", error->status, error->message);
    }
}

bool seen_is_comparable(const char *text) {
    return !strstr(text, "out of memory") && !strstr(text, "stack overflow");
}
