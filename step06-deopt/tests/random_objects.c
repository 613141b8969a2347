#include "random_objects.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "random_program.h"

enum {
    NUM_CLASSES = 4,
    NUM_LEVELS = 3,     // methods m1 ... m3
    NUM_VARIANTS = 2,   // functions f1_0, f1_1, ... of each level, to be assigned as methods
    NUM_PROPERTIES = 6, // p0 ...: numbers and strings
    NUM_LINKS = 2,      // q0 ...: objects
    MOST_PARAMS = 9,
    // Locals behind the parameters.
    NUM_OBJECTS = 3,
    LOCAL_ARRAY = NUM_OBJECTS,
    LOCAL_PRIMITIVES, // two
    LOCAL_COUNTERS = LOCAL_PRIMITIVES + 2, // two
    LOCAL_LOG = LOCAL_COUNTERS + 2,
    NUM_LOCALS,
};

typedef struct Generator {
    Random random;
    FILE *out;
    uint32_t num_params; // of the current function
    uint32_t level;      // 0: main
    uint32_t depth;      // of loops
    uint32_t label;
    bool is_calm;        // few names, and prototypes change only by methods: caches are not emptied all the time
} Generator;

static uint32_t below(Generator *g, uint32_t bound) { return random_below(&g->random, bound); }
static bool chance(Generator *g, uint32_t percent) { return below(g, 100) < percent; }

__attribute__((format(printf, 2, 3))) static void line(Generator *g, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("    ", g->out);
    vfprintf(g->out, format, args);
    fputc('\n', g->out);
    va_end(args);
}

static void load(Generator *g, uint32_t local) { line(g, "load_local %u", g->num_params + local); }
static void store(Generator *g, uint32_t local) { line(g, "store_local %u", g->num_params + local); }

static uint32_t property(Generator *g) { return below(g, g->is_calm ? NUM_PROPERTIES / 2 : NUM_PROPERTIES); }

// Each of the following pushes one value.

static void object(Generator *g) {
    uint32_t what = below(g, 20);
    if (what < 10) load(g, below(g, NUM_OBJECTS));
    else if (what < 15 && g->level > 0) line(g, "load_local 0");
    else if (what < 18 && !g->is_calm) line(g, "load_prototype C%u", below(g, NUM_CLASSES));
    else line(g, "new_object C%u", below(g, NUM_CLASSES));
}

static void function_of_level(Generator *g, uint32_t level) {
    line(g, "load_function f%u_%u", level, below(g, NUM_VARIANTS));
}

static void constant(Generator *g) {
    static const char *const constants[] = {
        "0",           "1",    "2",     "3",     "-1",     "7",          "10",     "2147483647",
        "-2147483648", "0.5",  "-0",    "1e300", "NaN",    "true",       "false",  "null",
        "undefined",   "\"\"", "\"a\"", "\"b\"", "\"12\"", "\"length\"", "\"p0\"",
    };
    line(g, "load_const %s", constants[below(g, sizeof constants / sizeof *constants)]);
}

static void primitive(Generator *g, uint32_t depth);

// A call of a method of a higher level, with any number of arguments.
static void method_call(Generator *g, uint32_t depth) {
    uint32_t level = g->level + 1 + below(g, NUM_LEVELS - g->level),
             num_args = chance(g, 70) ? below(g, 4) : below(g, MOST_PARAMS + 1);
    object(g);
    for (uint32_t i = 0; i < num_args; i++) primitive(g, depth + 2);
    line(g, "call_method m%u %u", level, num_args);
}

static void operation(Generator *g, uint32_t depth) {
    static const char *const operators[] = {"add", "add",   "sub",       "mul",         "div",
                                            "mod", "equal", "less_than", "greater_than"};
    primitive(g, depth + 1);
    primitive(g, depth + 1);
    line(g, "%s", operators[below(g, sizeof operators / sizeof *operators)]);
}

// The name of a property, as a primitive: some like those in the program's text, some new.
static void name(Generator *g) {
    uint32_t what = below(g, 4);
    if (what == 0) line(g, "load_const %u", below(g, 3));
    else if (what == 1) line(g, "load_const \"p%u\"", below(g, NUM_PROPERTIES));
    else {
        line(g, "load_const \"%s\"", what == 2 ? "p" : "k");
        load(g, g->depth > 0 ? LOCAL_COUNTERS : LOCAL_PRIMITIVES);
        line(g, "add");
    }
}

static void primitive(Generator *g, uint32_t depth) {
    if (depth > 3) {
        constant(g);
        return;
    }
    uint32_t what = below(g, 24);
    if (what < 5) {
        constant(g);
    } else if (what < 8) {
        if (g->level > 0 && chance(g, 50) && g->num_params > 1)
            line(g, "load_local %u", 1 + below(g, g->num_params - 1));
        else load(g, LOCAL_PRIMITIVES + below(g, 2));
    } else if (what < 15) {
        object(g);
        line(g, "get_property p%u", property(g));
    } else if (what == 15) {
        object(g);
        name(g);
        line(g, "get_index");
    } else if (what < 18) {
        operation(g, depth);
    } else if (what == 18) {
        load(g, LOCAL_ARRAY);
        line(g, "load_const %d", (int)below(g, 8) - 1);
        line(g, "get_index");
    } else if (what == 19) {
        load(g, LOCAL_ARRAY);
        line(g, "length");
    } else if (what == 20) { // is the method the one that it was?
        object(g);
        line(g, "get_property m%u", 1 + below(g, NUM_LEVELS));
        function_of_level(g, 1 + below(g, NUM_LEVELS));
        line(g, "equal");
    } else if (what == 21) {
        line(g, "load_const \"string\"");
        line(g, "load_const %u", below(g, 7));
        line(g, "get_index");
    } else if (g->level < NUM_LEVELS) {
        method_call(g, depth);
    } else {
        constant(g);
    }
}

// Statements leave nothing on the stack.

static void assign_method(Generator *g) {
    uint32_t level = 1 + below(g, NUM_LEVELS);
    if (chance(g, 50)) line(g, "load_prototype C%u", below(g, NUM_CLASSES));
    else object(g);
    if (chance(g, 95)) function_of_level(g, level);
    else constant(g);
    line(g, "set_property m%u", level);
}

// Another property takes the slot of one that goes.
static void replace_property(Generator *g) {
    uint32_t at = below(g, NUM_OBJECTS), goes = property(g);
    load(g, at);
    line(g, "delete_property p%u", goes);
    line(g, "pop");
    load(g, at);
    primitive(g, 2);
    line(g, "set_property p%u", property(g));
    if (chance(g, 30)) return;
    load(g, at);
    primitive(g, 2);
    line(g, "set_property p%u", goes);
}

// Two objects of one class, each with a method of its own.
static void make_twins(Generator *g) {
    uint32_t class = below(g, NUM_CLASSES), level = 1 + below(g, NUM_LEVELS), first = below(g, NUM_OBJECTS);
    for (uint32_t i = 0; i < 2; i++) {
        line(g, "new_object C%u", class);
        store(g, (first + i) % NUM_OBJECTS);
        load(g, (first + i) % NUM_OBJECTS);
        line(g, "load_function f%u_%u", level, i % NUM_VARIANTS);
        line(g, "set_property m%u", level);
    }
}

// In a loop, the same places see other objects then.
static void swap_objects(Generator *g) {
    uint32_t a = below(g, NUM_OBJECTS), b = (a + 1) % NUM_OBJECTS;
    load(g, a);
    load(g, b);
    store(g, a);
    store(g, b);
}

// Follow a link if there is something at its end.
static void follow_link(Generator *g) {
    uint32_t label = g->label++;
    object(g);
    line(g, "get_property q%u", below(g, NUM_LINKS));
    line(g, "dup");
    line(g, "jump_if_false L%u_no", label);
    store(g, below(g, NUM_OBJECTS));
    line(g, "jump L%u", label);
    fprintf(g->out, "L%u_no:\n", label);
    line(g, "pop");
    fprintf(g->out, "L%u:\n", label);
}

// Usually a prototype that has nothing above it that could lead back.
static void exchange_prototype(Generator *g) {
    if (chance(g, 80)) {
        load(g, below(g, NUM_OBJECTS));
        if (chance(g, 20)) line(g, "load_const null");
        else line(g, "load_prototype C%u", below(g, NUM_CLASSES));
    } else if (chance(g, 60)) {
        uint32_t class = 1 + below(g, NUM_CLASSES - 1);
        line(g, "load_prototype C%u", class);
        line(g, "load_prototype C%u", below(g, class));
    } else {
        object(g);
        object(g);
    }
    line(g, "set_prototype");
}

static void set_element(Generator *g) {
    load(g, LOCAL_ARRAY);
    if (chance(g, 90)) line(g, "load_const %u", below(g, 7));
    else if (chance(g, 80)) line(g, "load_const %s", chance(g, 50) ? "\"3\"" : "-0");
    else line(g, "load_const %s", chance(g, 50) ? "-1" : "67108864");
    primitive(g, 2);
    line(g, "set_index");
}

static void statement(Generator *g);

static void loop(Generator *g) {
    uint32_t label = g->label++, counter = LOCAL_COUNTERS + g->depth++;
    line(g, "load_const 0");
    store(g, counter);
    fprintf(g->out, "L%u:\n", label);
    load(g, counter);
    line(g, "load_const %u", chance(g, 10) ? 150 : 3); // 150: as many properties as make a dictionary
    line(g, "less_than");
    line(g, "jump_if_false L%u_end", label);
    if (chance(g, 30)) {
        object(g);
        name(g);
        load(g, counter);
        line(g, "set_index");
    } else {
        for (uint32_t i = 0; i < 3; i++) statement(g);
    }
    load(g, counter);
    line(g, "load_const 1");
    line(g, "add");
    store(g, counter);
    line(g, "jump L%u", label);
    fprintf(g->out, "L%u_end:\n", label);
    g->depth--;
}

static void condition(Generator *g) {
    uint32_t label = g->label++;
    primitive(g, 1);
    line(g, "jump_if_false L%u", label);
    statement(g);
    line(g, "jump L%u_end", label);
    fprintf(g->out, "L%u:\n", label);
    statement(g);
    fprintf(g->out, "L%u_end:\n", label);
}

static void statement(Generator *g) {
    uint32_t what = below(g, 44);
    if (what < 7) {
        object(g);
        primitive(g, 1);
        line(g, "set_property p%u", property(g));
    } else if (what < 14) {
        if (g->level < NUM_LEVELS) method_call(g, 0);
        else primitive(g, 0);
        store(g, LOCAL_PRIMITIVES + below(g, 2));
    } else if (what < 17) {
        object(g);
        if (chance(g, 85)) line(g, "delete_property p%u", property(g));
        else line(g, "delete_property m%u", 1 + below(g, NUM_LEVELS));
        line(g, "pop");
    } else if (what < 19) {
        assign_method(g);
    } else if (what == 19) {
        exchange_prototype(g);
    } else if (what == 20) {
        object(g);
        object(g);
        line(g, "set_property q%u", below(g, NUM_LINKS));
    } else if (what == 21) {
        follow_link(g);
    } else if (what == 22) {
        object(g);
        name(g);
        primitive(g, 2);
        line(g, "set_index");
    } else if (what == 23) {
        line(g, "new_object C%u", below(g, NUM_CLASSES));
        store(g, below(g, NUM_OBJECTS));
    } else if (what < 26) {
        set_element(g);
    } else if (what < 30 && g->depth < 2) {
        loop(g);
    } else if (what < 33) {
        condition(g);
    } else if (what < 36) {
        assign_method(g);
    } else if (what < 39) {
        swap_objects(g);
    } else if (what < 43) {
        replace_property(g);
    } else {
        make_twins(g);
    }
}

// Append a primitive to the log, or keep it where there is none.
static void log_primitive(Generator *g) {
    load(g, LOCAL_LOG);
    line(g, "load_const \" \"");
    line(g, "add");
    primitive(g, 0);
    line(g, "add");
    store(g, LOCAL_LOG);
}

static void first_values(Generator *g) {
    for (uint32_t i = 0; i < NUM_OBJECTS; i++) {
        line(g, "new_object C%u", below(g, NUM_CLASSES));
        store(g, i);
    }
    line(g, "load_const 5");
    line(g, "new_array 1");
    store(g, LOCAL_ARRAY);
    for (uint32_t i = LOCAL_PRIMITIVES; i < LOCAL_LOG; i++) {
        line(g, "load_const %u", i);
        store(g, i);
    }
    line(g, "load_const \"\"");
    store(g, LOCAL_LOG);
}

// Everything that the objects have in the end.
static void log_all(Generator *g) {
    for (uint32_t i = 0; i < NUM_OBJECTS; i++) {
        for (uint32_t p = 0; p < NUM_PROPERTIES; p++) {
            load(g, LOCAL_LOG);
            line(g, "load_const \";\"");
            line(g, "add");
            load(g, i);
            line(g, "get_property p%u", p);
            line(g, "add");
            store(g, LOCAL_LOG);
        }
    }
    load(g, LOCAL_LOG);
    load(g, LOCAL_ARRAY);
    line(g, "new_array 2");
}

static void body(Generator *g, uint32_t level, uint32_t num_params, uint32_t num_statements) {
    g->num_params = num_params;
    g->level = level;
    g->depth = g->label = 0;
    first_values(g);
    for (uint32_t i = 0; i < num_statements; i++) {
        statement(g);
        if (level == 0) log_primitive(g);
    }
    if (level == 0) log_all(g);
    else primitive(g, 0);
    if (level > 0 && num_params > 1 && chance(g, 50)) {
        line(g, "load_local %u", 1 + below(g, num_params - 1));
        line(g, "add");
    }
    line(g, "return");
    fputs("end\n", g->out);
}

static void function(Generator *g, uint32_t level, const char *head) {
    uint32_t num_params = chance(g, 65) ? 1 + below(g, 4) : 1 + below(g, MOST_PARAMS);
    fprintf(g->out, "%s params=%u locals=%u\n", head, num_params, num_params + NUM_LOCALS);
    body(g, level, num_params, 1 + below(g, 4));
}

static void class(Generator *g, uint32_t index) {
    char head[40];
    fprintf(g->out, "class C%u", index);
    if (index > 0 && chance(g, 80)) fprintf(g->out, " extends C%u", below(g, index));
    if (chance(g, 60)) fprintf(g->out, " fields=%u", below(g, 7));
    fputc('\n', g->out);
    for (uint32_t level = 1; level <= NUM_LEVELS; level++) {
        if (index > 0 && chance(g, 50)) continue; // C0 has them all
        snprintf(head, sizeof head, "method m%u", level);
        function(g, level, head);
    }
    fputs("end\n", g->out);
}

char *random_object_program(uint64_t seed) {
    char *text = NULL, head[40];
    size_t size;
    Generator g = {.random = {seed}, .out = open_memstream(&text, &size)};
    g.is_calm = chance(&g, 50);
    for (uint32_t i = 0; i < NUM_CLASSES; i++) class(&g, i);
    for (uint32_t level = 1; level <= NUM_LEVELS; level++) {
        for (uint32_t i = 0; i < NUM_VARIANTS; i++) {
            snprintf(head, sizeof head, "func f%u_%u", level, i);
            function(&g, level, head);
        }
    }
    fprintf(g.out, "func main params=1 locals=%u\n", 1 + NUM_LOCALS);
    body(&g, 0, 1, 4 + below(&g, 16));
    fclose(g.out);
    return text;
}
