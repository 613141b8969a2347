// Parser of the text form: one line at a time, left to right.
// Invariant: a position in an error message points at the first character of the offending word.
//
// Jumps may name labels, and calls may name functions, that come later in the text. Such an operand
// is remembered as a Reference and filled in where the name is certain to be known: labels at the
// function's end, functions at the end of the file.
#include "bytecode/parse.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "object/number.h"

enum { MAX_FILE_SIZE = 256 << 20, SHOWN = 40 /* characters of a name in a message */ };

// A piece of the text. Words are letters, digits, _ and . (and the signs of a number), or a string in quotes.
typedef struct Word {
    const char *start;
    size_t length;
    SourcePos pos;
} Word;

// A name and what it stands for, in a tree of the C library (tsearch).
typedef struct Name {
    Word word;
    uint32_t value; // instruction index of a label, function index of a function, class index of a class
} Name;

// An operand that waits for its name to be known.
typedef struct Reference {
    Word word;
    uint32_t function, instruction;
} Reference;

typedef struct References {
    Reference *items;
    size_t count, capacity;
} References;

typedef struct Parser {
    Program *program;
    Diagnostic *diagnostic;
    const char *at, *end; // the rest of the text
    const char *line_start;
    uint32_t line;
    bool in_function, in_class;
    uint32_t function; // the one being read
    uint32_t class_index;
    SourcePos class_position; // of its name
    Arena names;       // holds every Name
    void *labels;      // tree of the current function's labels
    void *functions;   // tree of all functions
    void *classes;     // tree of all classes
    References jumps;  // of the current function
    References calls;  // of the whole program
    References uses_of_classes;
} Parser;

static int compare_names(const void *left, const void *right) {
    const Word *a = &((const Name *)left)->word, *b = &((const Name *)right)->word;
    if (a->length != b->length) return a->length < b->length ? -1 : 1;
    return memcmp(a->start, b->start, a->length);
}

static bool is_word_char(char c) { return isalnum((unsigned char)c) || c == '_' || c == '.'; }

static SourcePos here(const Parser *p) {
    return (SourcePos){p->line, (uint32_t)(p->at - p->line_start) + 1};
}

static void skip_blanks(Parser *p) {
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\r')) p->at++;
    if (p->at < p->end && *p->at == ';')
        while (p->at < p->end && *p->at != '\n') p->at++;
}

static bool at_line_end(const Parser *p) { return p->at == p->end || *p->at == '\n'; }

// Is the sign at p->at that of a decimal number's exponent: "1e-5"?
static bool is_exponent_sign(const Parser *p, const char *start) {
    if (p->at - start < 2 || (*p->at != '-' && *p->at != '+')) return false;
    const char *digits = *start == '-' ? start + 1 : start;
    bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
    return isdigit((unsigned char)*digits) && !hex && (p->at[-1] == 'e' || p->at[-1] == 'E');
}

// The next word of the line; its length is 0 if there is none.
static Word next_word(Parser *p) {
    skip_blanks(p);
    Word word = {.start = p->at, .pos = here(p)};
    if (p->at < p->end && *p->at == '-') p->at++;
    while (p->at < p->end && (is_word_char(*p->at) || is_exponent_sign(p, word.start))) p->at++;
    word.length = (size_t)(p->at - word.start);
    return word;
}

static int shown(Word word) { return word.length < SHOWN ? (int)word.length : SHOWN; }

static bool word_is(Word word, const char *text) {
    return word.length == strlen(text) && memcmp(word.start, text, word.length) == 0;
}

static bool is_name(Word word) {
    if (word.length == 0 || word.start[0] == '-' || isdigit((unsigned char)word.start[0])) return false;
    return !memchr(word.start, '.', word.length);
}

// "NAME" or "CLASS.METHOD"
static bool is_function_name(Word word) {
    const char *dot = memchr(word.start, '.', word.length);
    if (!dot) return is_name(word);
    Word left = {.start = word.start, .length = (size_t)(dot - word.start)};
    Word right = {.start = dot + 1, .length = word.length - left.length - 1};
    return is_name(left) && is_name(right);
}

// "expected WHAT", and what is there instead.
static bool expected(Parser *p, Word word, const char *what) {
    if (word.length)
        return diagnose(p->diagnostic, word.pos, "expected %s, found '%.*s'", what, shown(word),
                        word.start);
    if (at_line_end(p)) return diagnose(p->diagnostic, word.pos, "expected %s", what);
    unsigned char c = (unsigned char)*p->at;
    if (isprint(c)) return diagnose(p->diagnostic, word.pos, "expected %s, found '%c'", what, c);
    return diagnose(p->diagnostic, word.pos, "expected %s, found byte 0x%02x", what, c);
}

static bool parse_line_end(Parser *p) {
    skip_blanks(p);
    if (at_line_end(p)) return true;
    return expected(p, next_word(p), "the end of the line");
}

static bool bad_integer(Parser *p, Word word, const char *what) {
    return diagnose(p->diagnostic, word.pos, "%s: '%.*s'", what, shown(word), word.start);
}

static bool parse_integer(Parser *p, int64_t *value) {
    Word word = next_word(p);
    if (!word.length) return expected(p, word, "an integer");
    const char *at = word.start, *end = word.start + word.length;
    bool negative = *at == '-';
    if (negative) at++;
    bool hex = end - at > 2 && at[0] == '0' && (at[1] == 'x' || at[1] == 'X');
    unsigned base = hex ? 16 : 10;
    if (hex) at += 2;
    if (at == end) return expected(p, word, "an integer");
    uint64_t magnitude = 0;
    for (; at < end; at++) {
        unsigned digit = digit_value(*at);
        if (digit >= base) return expected(p, word, "an integer");
        if (__builtin_mul_overflow(magnitude, base, &magnitude) ||
            __builtin_add_overflow(magnitude, digit, &magnitude))
            return bad_integer(p, word, "integer does not fit in 64 bits");
    }
    uint64_t largest = negative ? (uint64_t)INT64_MAX + 1 : hex ? UINT64_MAX : INT64_MAX;
    if (magnitude > largest) return bad_integer(p, word, "integer does not fit in 64 bits");
    *value = (int64_t)(negative ? 0 - magnitude : magnitude);
    return true;
}

// Define a name in a tree. `what` names the kind of thing in the message.
static bool define(Parser *p, void **tree, Word word, uint32_t value, const char *what) {
    Name *name = arena_alloc(&p->names, sizeof *name);
    *name = (Name){word, value};
    Name **found = tsearch(name, tree, compare_names);
    if (!found) return diagnose(p->diagnostic, word.pos, "out of memory");
    if (*found == name) return true;
    return diagnose(p->diagnostic, word.pos, "%s '%.*s' is already defined in line %u", what,
                    shown(word), word.start, (*found)->word.pos.line);
}

static void add_reference(Parser *p, References *list, Word word) {
    GROW(list->items, list->count, list->capacity);
    uint32_t instruction = (uint32_t)p->program->functions[p->function].num_instructions;
    list->items[list->count++] = (Reference){word, p->function, instruction};
}

static bool resolve(Parser *p, References *list, void **tree, const char *what) {
    for (size_t i = 0; i < list->count; i++) {
        const Reference *reference = &list->items[i];
        Word word = reference->word;
        Name key = {.word = word};
        Name **found = tfind(&key, tree, compare_names);
        if (!found)
            return diagnose(p->diagnostic, word.pos, "%s '%.*s' is not defined", what, shown(word),
                            word.start);
        Function *function = &p->program->functions[reference->function];
        function->bytecode[reference->instruction].operand = (*found)->value;
    }
    list->count = 0;
    return true;
}

static void keep_node(void *node) { (void)node; } // the arena owns the names

static void forget_names(void **tree) {
    tdestroy(*tree, keep_node);
    *tree = NULL;
}

// "params=N" or "locals=N", with N from 0 to `most`.
static bool parse_attribute(Parser *p, const char *key, uint32_t most, uint32_t *value) {
    Word word = next_word(p);
    if (!word_is(word, key)) {
        char what[32];
        snprintf(what, sizeof what, "%s=N", key);
        return expected(p, word, what);
    }
    if (p->at == p->end || *p->at != '=') {
        word.length = 0;
        word.pos = here(p);
        return expected(p, word, "=");
    }
    p->at++;
    SourcePos pos = here(p);
    int64_t number;
    if (!parse_integer(p, &number)) return false;
    if (number < 0 || number > most)
        return diagnose(p->diagnostic, pos, "%s must be between 0 and %u", key, most);
    *value = (uint32_t)number;
    return true;
}

// "NAME params=N [locals=M]" with the name read already.
static bool parse_function_head(Parser *p, Word name, const char *full_name) {
    uint32_t num_params, num_locals;
    if (!parse_attribute(p, "params", MAX_LOCALS, &num_params)) return false;
    num_locals = num_params;
    skip_blanks(p);
    if (!at_line_end(p)) {
        SourcePos pos = here(p);
        if (!parse_attribute(p, "locals", MAX_LOCALS, &num_locals)) return false;
        if (num_locals < num_params)
            return diagnose(p->diagnostic, pos, "locals=%u is less than params=%u", num_locals, num_params);
    }
    p->function = program_add_function(p->program, full_name, num_params, num_locals);
    p->program->functions[p->function].position = name.pos;
    p->in_function = true;
    Word full = {.start = full_name, .length = strlen(full_name), .pos = name.pos};
    return define(p, &p->functions, full, p->function, "function");
}

static bool parse_func(Parser *p) {
    Word name = next_word(p);
    if (!is_name(name)) return expected(p, name, "a function name");
    return parse_function_head(p, name, arena_string(&p->names, name.start, name.length));
}

// A method is a function with the name CLASS.NAME.
static bool parse_method_head(Parser *p) {
    Word name = next_word(p);
    if (!is_name(name)) return expected(p, name, "a method name");
    const char *class_name = p->program->classes[p->class_index].name;
    size_t length = strlen(class_name) + 1 + name.length;
    char *full_name = arena_alloc(&p->names, length + 1);
    snprintf(full_name, length + 1, "%s.%.*s", class_name, (int)name.length, name.start);
    if (!parse_function_head(p, name, full_name)) return false;
    const Function *function = &p->program->functions[p->function];
    if (function->num_params == 0) return diagnose(p->diagnostic, name.pos, "a method has a parameter 0, the receiver");
    program_add_method(p->program, p->class_index, program_intern(p->program, name.start, name.length), p->function);
    return true;
}

// The index of a class that is defined already.
static bool parse_parent(Parser *p, int64_t *parent) {
    Word name = next_word(p);
    if (!is_name(name)) return expected(p, name, "a class name");
    Name key = {.word = name}, **found = tfind(&key, &p->classes, compare_names);
    if (!found) return diagnose(p->diagnostic, name.pos, "class '%.*s' is not defined above", shown(name), name.start);
    *parent = (*found)->value;
    return true;
}

static bool parse_class(Parser *p) {
    Word name = next_word(p);
    if (!is_name(name)) return expected(p, name, "a class name");
    int64_t parent = -1;
    uint32_t num_fields = DEFAULT_FIELDS;
    const char *before = p->at;
    if (word_is(next_word(p), "extends")) {
        if (!parse_parent(p, &parent)) return false;
        num_fields = p->program->classes[parent].num_fields;
    } else {
        p->at = before;
    }
    skip_blanks(p);
    if (!at_line_end(p) && !parse_attribute(p, "fields", MAX_FIELDS, &num_fields)) return false;
    char *copy = arena_string(&p->names, name.start, name.length);
    p->class_index = program_add_class(p->program, copy, parent, num_fields);
    p->class_position = name.pos;
    p->in_class = true;
    return define(p, &p->classes, name, p->class_index, "class");
}

static bool parse_end(Parser *p) {
    p->in_function = false;
    if (!resolve(p, &p->jumps, &p->labels, "label")) return false;
    forget_names(&p->labels);
    return true;
}

static bool parse_native(Parser *p, int64_t *operand) {
    Word name = next_word(p);
    if (!is_name(name)) return expected(p, name, "the name of a native");
    *operand = program_find_native(p->program, name.start, name.length);
    if (*operand >= 0) return true;
    return diagnose(p->diagnostic, name.pos, "native '%.*s' is not defined", shown(name), name.start);
}

// Strings in quotes.

// The byte that the escape behind a backslash stands for, or -1.
static int escaped_byte(Parser *p) {
    static const char letters[] = "ntr\"\\", bytes[] = "\n\t\r\"\\";
    if (p->at == p->end) return -1;
    char c = *p->at++;
    const char *letter = c ? strchr(letters, c) : NULL;
    if (letter) return (unsigned char)bytes[letter - letters];
    if (c != 'x' || p->end - p->at < 2) return -1;
    unsigned high = digit_value(p->at[0]), low = digit_value(p->at[1]);
    p->at += 2;
    return high < 16 && low < 16 ? (int)(16 * high + low) : -1;
}

// The string whose opening quote is next, interned.
static bool parse_string(Parser *p, String **string) {
    SourcePos open = here(p);
    p->at++;
    const char *start = p->at;
    while (p->at < p->end && *p->at != '"' && *p->at != '\n') p->at += *p->at == '\\' && p->at + 1 < p->end ? 2 : 1;
    if (p->at >= p->end || *p->at != '"') return diagnose(p->diagnostic, open, "the string has no closing quote");
    char *copy = arena_alloc(&p->names, (size_t)(p->at - start) + 1);
    size_t length = 0;
    for (p->at = start; *p->at != '"';) {
        SourcePos pos = here(p);
        int byte = (unsigned char)*p->at++;
        if (byte == '\\') byte = escaped_byte(p);
        if (byte < 0) return diagnose(p->diagnostic, pos, "unknown escape in a string");
        copy[length++] = (char)byte;
    }
    p->at++;
    *string = program_intern(p->program, copy, length);
    return true;
}

static bool at_quote(Parser *p) {
    skip_blanks(p);
    return p->at < p->end && *p->at == '"';
}

// The name of a property or a method.
static bool parse_property_name(Parser *p, int64_t *operand) {
    String *string = NULL;
    if (at_quote(p)) {
        if (!parse_string(p, &string)) return false;
    } else {
        Word name = next_word(p);
        if (!is_name(name)) return expected(p, name, "a name");
        string = program_intern(p->program, name.start, name.length);
    }
    *operand = (int64_t)(uintptr_t)string;
    return true;
}

static const struct ConstantWord {
    const char *word;
    Value value;
} constant_words[] = {
    {"true", VALUE_TRUE}, {"false", VALUE_FALSE}, {"undefined", VALUE_UNDEFINED}, {"null", VALUE_NULL},
};

static bool parse_constant(Parser *p, int64_t *operand) {
    if (at_quote(p)) {
        String *string;
        if (!parse_string(p, &string)) return false;
        *operand = (int64_t)value_from_pointer(string);
        return true;
    }
    Word word = next_word(p);
    for (size_t i = 0; i < sizeof constant_words / sizeof *constant_words; i++) {
        *operand = (int64_t)constant_words[i].value;
        if (word_is(word, constant_words[i].word)) return true;
    }
    double d;
    if (!number_from_text(word.start, word.length, &d)) return expected(p, word, "a constant");
    *operand = (int64_t)program_number(p->program, d);
    return true;
}

static bool parse_reference(Parser *p, OperandKind kind) {
    Word name = next_word(p);
    if (kind == OPERAND_TARGET) {
        if (!is_name(name)) return expected(p, name, "a label");
        add_reference(p, &p->jumps, name);
    } else if (kind == OPERAND_CLASS) {
        if (!is_name(name)) return expected(p, name, "a class name");
        add_reference(p, &p->uses_of_classes, name);
    } else {
        if (!is_function_name(name)) return expected(p, name, "a function name");
        add_reference(p, &p->calls, name);
    }
    return true;
}

// An integer from 0 to `most`.
static bool parse_count(Parser *p, const char *what, int64_t most, int64_t *operand) {
    skip_blanks(p);
    SourcePos pos = here(p);
    if (!parse_integer(p, operand)) return false;
    if (*operand >= 0 && *operand <= most) return true;
    return diagnose(p->diagnostic, pos, "%s must be between 0 and %" PRId64, what, most);
}

static bool parse_operand(Parser *p, OperandKind kind, int64_t *operand) {
    switch (kind) {
    case OPERAND_NONE: return true;
    case OPERAND_CONST: return parse_constant(p, operand);
    case OPERAND_LOCAL: return parse_integer(p, operand);
    case OPERAND_NATIVE: return parse_native(p, operand);
    case OPERAND_COUNT: return parse_count(p, "the number of elements", MAX_DEPTH, operand);
    case OPERAND_NAME:
    case OPERAND_METHOD: return parse_property_name(p, operand);
    case OPERAND_TARGET:
    case OPERAND_FUNCTION:
    case OPERAND_CLASS: return parse_reference(p, kind);
    }
    return false;
}

static bool parse_instruction(Parser *p, Word word) {
    Opcode opcode = opcode_find(word.start, word.length);
    if (opcode == NUM_OPCODES) return expected(p, word, "an instruction, a label or 'end'");
    if (p->program->functions[p->function].num_instructions == MAX_INSTRUCTIONS)
        return diagnose(p->diagnostic, word.pos, "function has more than %d instructions", MAX_INSTRUCTIONS);
    int64_t operand = 0;
    OperandKind kind = opcode_info[opcode].operand;
    if (!parse_operand(p, kind, &operand)) return false;
    int64_t num_args = 0;
    if (kind == OPERAND_METHOD && !parse_count(p, "the number of arguments", MAX_ARGUMENTS, &num_args)) return false;
    program_emit(p->program, p->function, opcode, operand, word.pos);
    Function *function = &p->program->functions[p->function];
    function->bytecode[function->num_instructions - 1].num_args = (uint32_t)num_args;
    return true;
}

static bool parse_label(Parser *p, Word word) {
    p->at++; // the colon
    if (!is_name(word)) return expected(p, word, "a label");
    uint32_t target = (uint32_t)p->program->functions[p->function].num_instructions;
    return define(p, &p->labels, word, target, "label");
}

// Words may be followed by a colon, so a label can share its line with an instruction.
static bool parse_line_in_function(Parser *p, Word word) {
    while (word.length && p->at < p->end && *p->at == ':') {
        if (!parse_label(p, word)) return false;
        word = next_word(p);
    }
    if (!word.length && at_line_end(p)) return true;
    if (word_is(word, "end")) return parse_end(p);
    return parse_instruction(p, word);
}

static bool parse_line_in_class(Parser *p, Word word) {
    if (word_is(word, "method")) return parse_method_head(p);
    if (!word_is(word, "end")) return expected(p, word, "'method' or 'end'");
    p->in_class = false;
    return true;
}

static bool parse_line_outside(Parser *p, Word word) {
    if (word_is(word, "func")) return parse_func(p);
    if (word_is(word, "class")) return parse_class(p);
    return expected(p, word, "'func' or 'class'");
}

static bool parse_line(Parser *p) {
    Word word = next_word(p);
    if (!word.length && at_line_end(p)) return true;
    bool ok = p->in_function ? parse_line_in_function(p, word)
              : p->in_class  ? parse_line_in_class(p, word)
                             : parse_line_outside(p, word);
    return ok && parse_line_end(p);
}

static bool parse_program(Parser *p) {
    while (p->at < p->end) {
        p->line_start = p->at;
        p->line++;
        if (!parse_line(p)) return false;
        if (p->at < p->end) p->at++; // the newline
    }
    if (p->in_function) {
        const Function *open = &p->program->functions[p->function];
        return diagnose(p->diagnostic, open->position, "function '%.*s' has no 'end'", SHOWN, open->name);
    }
    if (p->in_class)
        return diagnose(p->diagnostic, p->class_position, "class '%.*s' has no 'end'", SHOWN,
                        p->program->classes[p->class_index].name);
    return resolve(p, &p->calls, &p->functions, "function") && resolve(p, &p->uses_of_classes, &p->classes, "class");
}

bool program_parse(Program *program, const char *text, size_t length, Diagnostic *diagnostic) {
    program->text = arena_string(&program->arena, text, length);
    program->text_length = length;
    Parser parser = {
        .program = program,
        .diagnostic = diagnostic,
        .at = program->text,
        .end = program->text + length,
    };
    bool ok = parse_program(&parser);
    forget_names(&parser.labels);
    forget_names(&parser.functions);
    forget_names(&parser.classes);
    arena_free(&parser.names);
    free(parser.jumps.items);
    free(parser.calls.items);
    free(parser.uses_of_classes.items);
    return ok;
}

// Files.

static char *read_stream(FILE *in, size_t *length, char *why, size_t why_size) {
    char *text = NULL;
    size_t capacity = 0;
    *length = 0;
    for (;;) {
        GROW(text, *length, capacity);
        size_t got = fread(text + *length, 1, capacity - *length, in);
        if (got == 0) break;
        *length += got;
        if (*length <= MAX_FILE_SIZE) continue;
        snprintf(why, why_size, "larger than %d MiB", MAX_FILE_SIZE >> 20);
        free(text);
        return NULL;
    }
    if (!ferror(in)) return text;
    snprintf(why, why_size, "%s", strerror(errno));
    free(text);
    return NULL;
}

char *read_file(const char *path, size_t *length, char *why, size_t why_size) {
    FILE *in = fopen(path, "rb");
    if (!in) {
        snprintf(why, why_size, "%s", strerror(errno));
        return NULL;
    }
    char *text = read_stream(in, length, why, why_size);
    fclose(in);
    return text;
}
