// Stop 2: which shapes three objects go through that are given properties.
#include <stdio.h>

#include "object/shape.h"

static Shape *add(ShapeTable *shapes, Shape *shape, String *name) {
    Shape *next = shape_add(shapes, shape, name);
    printf(" -- %s --> shape %u", name->bytes, next->id);
    return next;
}

int main(void) {
    Arena arena = {0};
    StringTable strings = {0};
    ShapeTable shapes;
    shapes_init(&shapes, 1 << 20);
    String *x = string_intern(&strings, &arena, "x", 1), *y = string_intern(&strings, &arena, "y", 1);
    String *const orders[][2] = {{x, y}, {x, y}, {y, x}};
    for (int i = 0; i < 3; i++) {
        Shape *shape = shape_root(&shapes, VALUE_NULL, NULL, 4);
        printf("object %d: shape %u", i, shape->id);
        for (int k = 0; k < 2; k++) shape = add(&shapes, shape, orders[i][k]);
        uint32_t slot = 0;
        if (shape_find(shape, y, &slot)) printf("   y is in slot %u\n", slot);
    }
    shapes_free(&shapes);
    string_table_free(&strings);
    arena_free(&arena);
    return 0;
}
