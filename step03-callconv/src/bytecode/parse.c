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

enum { MAX_FILE_SIZE = 256 << 20, SHOWN = 40 /* characters of a name in a message */ };

// A piece of the text. Words are letters, digits and _ (and a leading - of a number).
typedef struct Word {
    const char *start;
    size_t length;
    SourcePos pos;
} Word;

// A name and what it stands for, in a tree of the C library (tsearch).
typedef struct Name {
    Word word;
    uint32_t value; // instruction index of a label, function index of a function
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
    bool in_function;
    uint32_t function; // the one being read
    Arena names;       // holds every Name
    void *labels;      // tree of the current function's labels
    void *functions;   // tree of all functions
    References jumps;  // of the current function
    References calls;  // of the whole program
} Parser;

static int compare_names(const void *left, const void *right) {
    const Word *a = &((const Name *)left)->word, *b = &((const Name *)right)->word;
    if (a->length != b->length) return a->length < b->length ? -1 : 1;
    return memcmp(a->start, b->start, a->length);
}

static bool is_word_char(char c) { return isalnum((unsigned char)c) || c == '_'; }

static SourcePos here(const Parser *p) {
    return (SourcePos){p->line, (uint32_t)(p->at - p->line_start) + 1};
}

static void skip_blanks(Parser *p) {
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\r')) p->at++;
    if (p->at < p->end && *p->at == ';')
        while (p->at < p->end && *p->at != '\n') p->at++;
}

static bool at_line_end(const Parser *p) { return p->at == p->end || *p->at == '\n'; }

// The next word of the line; its length is 0 if there is none.
static Word next_word(Parser *p) {
    skip_blanks(p);
    Word word = {.start = p->at, .pos = here(p)};
    if (p->at < p->end && *p->at == '-') p->at++;
    while (p->at < p->end && is_word_char(*p->at)) p->at++;
    word.length = (size_t)(p->at - word.start);
    return word;
}

static int shown(Word word) { return word.length < SHOWN ? (int)word.length : SHOWN; }

static bool word_is(Word word, const char *text) {
    return word.length == strlen(text) && memcmp(word.start, text, word.length) == 0;
}

static bool is_name(Word word) {
    return word.length > 0 && word.start[0] != '-' && !isdigit((unsigned char)word.start[0]);
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

// The value of a digit in base 16, or 16.
static unsigned digit_value(char c) {
    if (c >= '0' && c <= '9') return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f') return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F') return (unsigned)(c - 'A') + 10;
    return 16;
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

static bool parse_func(Parser *p) {
    Word name = next_word(p);
    if (!is_name(name)) return expected(p, name, "a function name");
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
    char *copy = arena_string(&p->names, name.start, name.length);
    p->function = program_add_function(p->program, copy, num_params, num_locals);
    p->program->functions[p->function].position = name.pos;
    p->in_function = true;
    return define(p, &p->functions, name, p->function, "function");
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

static bool parse_operand(Parser *p, OperandKind kind, int64_t *operand) {
    if (kind == OPERAND_NONE) return true;
    if (kind == OPERAND_CONST || kind == OPERAND_LOCAL) return parse_integer(p, operand);
    if (kind == OPERAND_NATIVE) return parse_native(p, operand);
    bool is_label = kind == OPERAND_TARGET;
    Word name = next_word(p);
    if (!is_name(name)) return expected(p, name, is_label ? "a label" : "a function name");
    add_reference(p, is_label ? &p->jumps : &p->calls, name);
    return true;
}

static bool parse_instruction(Parser *p, Word word) {
    Opcode opcode = opcode_find(word.start, word.length);
    if (opcode == NUM_OPCODES) return expected(p, word, "an instruction, a label or 'end'");
    if (p->program->functions[p->function].num_instructions == MAX_INSTRUCTIONS)
        return diagnose(p->diagnostic, word.pos, "function has more than %d instructions", MAX_INSTRUCTIONS);
    int64_t operand = 0;
    if (!parse_operand(p, opcode_info[opcode].operand, &operand)) return false;
    program_emit(p->program, p->function, opcode, operand, word.pos);
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

static bool parse_line(Parser *p) {
    Word word = next_word(p);
    if (!word.length && at_line_end(p)) return true;
    if (p->in_function) {
        if (!parse_line_in_function(p, word)) return false;
    } else {
        if (!word_is(word, "func")) return expected(p, word, "'func'");
        if (!parse_func(p)) return false;
    }
    return parse_line_end(p);
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
    return resolve(p, &p->calls, &p->functions, "function");
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
    arena_free(&parser.names);
    free(parser.jumps.items);
    free(parser.calls.items);
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
