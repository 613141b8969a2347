// Stop 1: numbers from the command line, and the words that stand for them.
#include <inttypes.h>
#include <stdio.h>

#include "object/number.h"

static const char *kind(Value v) {
    if (value_is_int(v)) return "integer";
    return value_is_flonum(v) ? "flonum" : "heap number";
}

int main(int argc, char **argv) {
    Heap heap;
    heap_init(&heap, 1 << 20);
    for (int i = 1; i < argc; i++) {
        double d;
        char text[NUMBER_TEXT_SIZE];
        if (!number_from_text(argv[i], strlen(argv[i]), &d)) continue;
        Value v = number_from_double(&heap, d);
        number_to_text(number_to_double(v), text);
        if (value_is_pointer(v)) printf("%-12s (an address)      %-12s %s\n", argv[i], kind(v), text);
        else printf("%-12s %016" PRIx64 "  %-12s %s\n", argv[i], v, kind(v), text);
    }
    heap_free(&heap);
    return 0;
}
