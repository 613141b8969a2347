#include "object/shape.h"

#include <stdlib.h>

#define REMOVED_SLOT UINT32_MAX

// Property tables.

// The entry of the name, or the free one where it belongs. The table has a free entry.
static struct PropertySlot *find_entry(const PropertyTable *table, String *name) {
    uint32_t mask = table->capacity - 1;
    for (uint32_t at = string_hash(name) & mask;; at = (at + 1) & mask)
        if (table->entries[at].name == name || !table->entries[at].name) return &table->entries[at];
}

static bool table_get(const PropertyTable *table, String *name, uint32_t *slot) {
    if (table->num_entries == 0) return false;
    const struct PropertySlot *entry = find_entry(table, name);
    *slot = entry->slot;
    return entry->name && entry->slot != REMOVED_SLOT;
}

static void table_put(ShapeTable *all, PropertyTable *table, String *name, uint32_t slot);

// Make room, without the entries of removed names.
static void table_grow(ShapeTable *all, PropertyTable *table) {
    uint32_t live = 0;
    for (uint32_t i = 0; i < table->capacity; i++)
        live += table->entries[i].name && table->entries[i].slot != REMOVED_SLOT;
    PropertyTable larger = {.capacity = 8};
    while (larger.capacity < 4 * live) larger.capacity *= 2;
    larger.entries = xcalloc(larger.capacity, sizeof *larger.entries);
    all->bytes += larger.capacity * sizeof *larger.entries;
    for (uint32_t i = 0; i < table->capacity; i++) {
        struct PropertySlot entry = table->entries[i];
        if (entry.name && entry.slot != REMOVED_SLOT) table_put(all, &larger, entry.name, entry.slot);
    }
    all->bytes -= table->capacity * sizeof *table->entries;
    free(table->entries);
    *table = larger;
}

static void table_put(ShapeTable *all, PropertyTable *table, String *name, uint32_t slot) {
    if (2 * (table->num_entries + 1) > table->capacity) table_grow(all, table);
    struct PropertySlot *entry = find_entry(table, name);
    if (!entry->name) table->num_entries++;
    *entry = (struct PropertySlot){name, slot};
}

// Shapes.

static Shape *new_shape(ShapeTable *table) {
    if (shapes_are_full(table)) return NULL;
    GROW(table->shapes, table->count, table->capacity);
    Shape *shape = arena_alloc(&table->arena, sizeof *shape);
    table->bytes += sizeof *shape;
    shape->all = table;
    shape->id = (uint32_t)table->count;
    return table->shapes[table->count++] = shape;
}

void shapes_init(ShapeTable *table, size_t max_bytes) {
    *table = (ShapeTable){.max_bytes = max_bytes};
    while (table->count < FIRST_OBJECT_SHAPE) new_shape(table); // the fixed numbers
}

void shapes_free(ShapeTable *table) {
    for (size_t i = 0; i < table->count; i++) {
        free(table->shapes[i]->table.entries);
        free(table->shapes[i]->transitions.entries);
        free(table->shapes[i]->free_slots);
    }
    free(table->shapes);
    arena_free(&table->arena);
}

static Shape *new_root(ShapeTable *table, Value prototype, uint32_t num_inside) {
    Shape *shape = new_shape(table);
    if (!shape) return NULL;
    shape->prototype = prototype;
    shape->num_inside = (uint16_t)num_inside;
    return shape;
}

Shape *shape_root(ShapeTable *table, Value prototype, Shape *of_prototype, uint32_t num_inside) {
    Shape **list = of_prototype ? &of_prototype->heirs : &table->without_prototype;
    for (Shape *root = *list; root; root = root->next_root)
        if (root->num_inside == num_inside) return root;
    Shape *root = new_root(table, prototype, num_inside);
    if (!root) return NULL;
    root->next_root = *list;
    return *list = root;
}

Shape *shape_add(ShapeTable *table, Shape *shape, String *name) {
    uint32_t id;
    if (table_get(&shape->transitions, name, &id)) return shape_get(table, id);
    Shape *next = new_root(table, shape->prototype, shape->num_inside);
    if (!next) return NULL;
    next->num_slots = shape->num_slots + 1;
    next->parent = shape;
    next->name = name;
    table_put(table, &shape->transitions, name, next->id);
    return next;
}

Shape *shape_move(ShapeTable *table, const Shape *shape, Shape *root) {
    String *names[MAX_SHAPE_PROPERTIES];
    uint32_t count = 0;
    for (; shape->parent; shape = shape->parent) names[count++] = shape->name;
    while (root && count > 0) root = shape_add(table, root, names[--count]);
    return root;
}

// Enter all properties of a shape, which are one for each ancestor.
static void fill_table(PropertyTable *table, const Shape *shape) {
    for (; shape->parent; shape = shape->parent) table_put(shape->all, table, shape->name, shape->num_slots - 1);
}

Shape *shape_to_dictionary(ShapeTable *table, Shape *shape) {
    Shape *dictionary = new_root(table, shape->prototype, shape->num_inside);
    if (!dictionary) return NULL;
    dictionary->num_slots = shape->num_slots;
    dictionary->is_dictionary = true;
    fill_table(&dictionary->table, shape);
    return dictionary;
}

static bool search_ancestors(const Shape *shape, const String *name, uint32_t *slot) {
    while (shape->parent && shape->name != name) shape = shape->parent;
    *slot = shape->num_slots - 1;
    return shape->parent != NULL;
}

bool shape_find(Shape *shape, String *name, uint32_t *slot) {
    if (shape->table.capacity == 0) {
        if (shape->num_slots == 0) return false;
        if (shapes_are_full(shape->all)) return search_ancestors(shape, name, slot);
        fill_table(&shape->table, shape);
    }
    return table_get(&shape->table, name, slot);
}

// Dictionaries.

uint32_t dictionary_add(Shape *dictionary, String *name) {
    uint32_t slot = dictionary->num_free ? dictionary->free_slots[--dictionary->num_free] : dictionary->num_slots++;
    table_put(dictionary->all, &dictionary->table, name, slot);
    return slot;
}

bool dictionary_remove(Shape *dictionary, String *name) {
    uint32_t slot;
    if (!table_get(&dictionary->table, name, &slot)) return false;
    find_entry(&dictionary->table, name)->slot = REMOVED_SLOT;
    GROW(dictionary->free_slots, dictionary->num_free, dictionary->cap_free);
    dictionary->free_slots[dictionary->num_free++] = slot;
    return true;
}
