// Parser of the IR's text form, so that passes can be tested on small texts.
//
//   func NAME params=N {        one function
//   Bn:                         starts a block; the first one is the entry, whatever its number
//       vn = OP ...             an instruction with a result
//       OP ...                  one without
//       sn = state ...          a frame state, for guards to name
//   }
//   ; ...                       a comment, to the end of the line
//
// An instruction gives, separated by commas, what it means (see IrOperand: the index of a parameter, a
// constant, the name of a function, native or class) and then its operands; the name of a property stands
// behind the first operand, the object: `set_property v1, x, v2`. A phi's operands say where they come from:
// `phi B0: v1, B2: v5`; without that, they are in the order in which the text has the edges to the block.
// `jump B1` and `branch v1, B1, B2` name blocks. A last `@12` is the bytecode's index (IrIns.pc).
//
// A guard names its state in brackets: `v9 = guard_int v3 [s7]`, or `[s7 hoisted]`. A state gives the bytecode
// where to resume, then the slots: `s7 = state @12, v1, v2`; that of a call resumes behind it: `state behind @12`.
// Behind its name, a value may have a representation: `v9:i32 = ...`. Shapes are `array`, or `#12`; a field is its
// name and its offset in the object: `load_field v1, x+16`.
//
// Numbers of values, states and blocks are names: they may come in any order, and before what they name;
// but a state comes before its guards.
//
// Invariant: a position in an error message points at the first character of the offending word.
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ir/ir.h"
#include "object/number.h"

enum { MAX_NUMBER = 1 << 24, MAX_OFFSET = 1 << 24 };
enum { SHOWN = 40 /* characters of a word in a message */, NO_NUMBER = -1 };

typedef struct Word {
    const char *start;
    size_t length;
    SourcePos pos;
} Word;

// A number that names a value or a block, or NO_NUMBER.
typedef struct Name {
    int32_t number;
    SourcePos pos;
} Name;

// Names and what they stand for: 0 if they are not defined yet.
typedef struct Names {
    uint32_t *items;
    size_t count, capacity;
} Names;

// An operand that is filled in at the end.
typedef struct Use {
    Ref user;
    uint32_t index;
    Name value;
    Name from; // of a phi: the predecessor, if the text says it
} Use;

// A terminator whose edges are made at the end.
typedef struct Exit {
    uint32_t block;
    Name targets[2];
    uint32_t count;
} Exit;

typedef struct Parser {
    Ir *ir;
    Program *program;
    Diagnostic *diagnostic;
    const char *at, *end; // the rest of the text
    const char *line_start;
    uint32_t line;
    Arena arena;
    uint32_t block;       // the current one, or NO_BLOCK
    SourcePos block_pos;  // of its label
    bool is_ended;        // has it its terminator?
    Names values;         // number -> Ref
    Names states;         // the same
    Names blocks;         // number -> index + 1
    Use *uses;
    size_t num_uses, cap_uses;
    Exit *exits;
    size_t num_exits, cap_exits;
    Use *operands;        // of the current instruction
    size_t num_operands, cap_operands;
    uint32_t num_sites;
} Parser;

// Words.

static SourcePos here(const Parser *p) { return (SourcePos){p->line, (uint32_t)(p->at - p->line_start) + 1}; }

static void skip_blanks(Parser *p) {
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\r')) p->at++;
    if (p->at < p->end && *p->at == ';')
        while (p->at < p->end && *p->at != '\n') p->at++;
}

static bool at_line_end(Parser *p) {
    skip_blanks(p);
    return p->at == p->end || *p->at == '\n';
}

// To the next line that is not empty. False at the end of the text.
static bool skip_lines(Parser *p) {
    while (at_line_end(p)) {
        if (p->at == p->end) return false;
        p->line_start = ++p->at;
        p->line++;
    }
    return true;
}

static bool is_word_char(char c) { return isalnum((unsigned char)c) || c == '_' || c == '.'; }

// Is the sign that of an exponent: 1e-5?
static bool is_exponent_sign(const char *at, const char *start) {
    if (at - start < 2 || (*at != '-' && *at != '+')) return false;
    const char *digits = *start == '-' ? start + 1 : start;
    bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
    return isdigit((unsigned char)*digits) && !hex && (at[-1] == 'e' || at[-1] == 'E');
}

// The next word of the line; its length is 0 if there is none.
static Word next_word(Parser *p) {
    skip_blanks(p);
    Word word = {.start = p->at, .pos = here(p)};
    if (p->at < p->end && *p->at == '-') p->at++;
    while (p->at < p->end && (is_word_char(*p->at) || is_exponent_sign(p->at, word.start))) p->at++;
    word.length = (size_t)(p->at - word.start);
    return word;
}

static int shown(Word word) { return word.length < SHOWN ? (int)word.length : SHOWN; }

static bool word_is(Word word, const char *text) {
    return word.length == strlen(text) && memcmp(word.start, text, word.length) == 0;
}

// "expected WHAT", and what is there instead.
static bool expected(Parser *p, Word word, const char *what) {
    if (word.length)
        return diagnose(p->diagnostic, word.pos, "expected %s, found '%.*s'", what, shown(word), word.start);
    if (at_line_end(p)) return diagnose(p->diagnostic, word.pos, "expected %s", what);
    unsigned char c = (unsigned char)*p->at;
    if (isprint(c)) return diagnose(p->diagnostic, word.pos, "expected %s, found '%c'", what, c);
    return diagnose(p->diagnostic, word.pos, "expected %s, found byte 0x%02x", what, c);
}

static bool accept(Parser *p, char c) {
    skip_blanks(p);
    if (p->at == p->end || *p->at != c) return false;
    p->at++;
    return true;
}

static bool parse_char(Parser *p, char c) {
    if (accept(p, c)) return true;
    char what[] = {'\'', c, '\'', 0};
    return expected(p, next_word(p), what);
}

static bool parse_line_end(Parser *p) {
    if (at_line_end(p)) return true;
    return expected(p, next_word(p), "the end of the line");
}

// Decimal digits, or NO_NUMBER.
static int64_t number_of(const char *text, size_t length, int64_t largest) {
    int64_t number = 0;
    if (length == 0) return NO_NUMBER;
    for (size_t i = 0; i < length; i++) {
        if (!isdigit((unsigned char)text[i])) return NO_NUMBER;
        number = 10 * number + (text[i] - '0');
        if (number > largest) return NO_NUMBER;
    }
    return number;
}

static bool parse_count(Parser *p, const char *what, int64_t largest, uint32_t *count) {
    Word word = next_word(p);
    int64_t number = number_of(word.start, word.length, largest);
    if (number == NO_NUMBER) return expected(p, word, what);
    *count = (uint32_t)number;
    return true;
}

// Names of values and blocks.

// "v12" or "B3".
static bool name_of(Word word, char letter, Name *name) {
    if (word.length < 2 || word.start[0] != letter) return false;
    *name = (Name){(int32_t)number_of(word.start + 1, word.length - 1, MAX_NUMBER), word.pos};
    return name->number != NO_NUMBER;
}

static bool parse_name(Parser *p, char letter, Name *name) {
    Word word = next_word(p);
    if (name_of(word, letter, name)) return true;
    return expected(p, word, letter == 'v' ? "a value, like v1" : "a block, like B1");
}

static uint32_t lookup(const Names *names, Name name) {
    return (size_t)name.number < names->count ? names->items[name.number] : 0;
}

static bool define(Parser *p, Names *names, Name name, uint32_t meaning, char letter) {
    while (names->count <= (size_t)name.number) {
        GROW(names->items, names->count, names->capacity);
        names->items[names->count++] = 0;
    }
    if (names->items[name.number])
        return diagnose(p->diagnostic, name.pos, "%c%d is defined twice", letter, name.number);
    names->items[name.number] = meaning;
    return true;
}

static bool find_block(Parser *p, Name name, uint32_t *block) {
    uint32_t found = lookup(&p->blocks, name);
    if (!found) return diagnose(p->diagnostic, name.pos, "B%d is not defined", name.number);
    *block = found - 1;
    return true;
}

// Constants and names.

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

// The string whose opening quote was just read, interned.
static bool parse_string(Parser *p, String **string) {
    const char *line_end = memchr(p->at, '\n', (size_t)(p->end - p->at));
    char *bytes = arena_alloc(&p->arena, (size_t)((line_end ? line_end : p->end) - p->at));
    size_t length = 0;
    while (p->at < p->end && *p->at != '"' && *p->at != '\n') {
        SourcePos pos = here(p);
        int byte = (unsigned char)*p->at++;
        if (byte == '\\') byte = escaped_byte(p);
        if (byte < 0) return diagnose(p->diagnostic, pos, "unknown escape in a string");
        bytes[length++] = (char)byte;
    }
    if (!accept(p, '"')) return diagnose(p->diagnostic, here(p), "the string has no closing quote");
    *string = program_intern(p->program, bytes, length);
    return true;
}

static bool parse_property(Parser *p, IrIns *ins) {
    String *string;
    if (accept(p, '"')) {
        if (!parse_string(p, &string)) return false;
    } else {
        Word word = next_word(p);
        if (!word.length) return expected(p, word, "the name of a property");
        string = program_intern(p->program, word.start, word.length);
    }
    ins->imm = (int64_t)(uintptr_t)string;
    return true;
}

static const struct ConstantWord {
    const char *word;
    Value value;
} constant_words[] = {
    {"true", VALUE_TRUE}, {"false", VALUE_FALSE}, {"undefined", VALUE_UNDEFINED}, {"null", VALUE_NULL},
};

static bool parse_constant(Parser *p, Value *value) {
    if (accept(p, '"')) {
        String *string;
        if (!parse_string(p, &string)) return false;
        *value = value_from_pointer(string);
        return true;
    }
    Word word = next_word(p);
    for (size_t i = 0; i < sizeof constant_words / sizeof *constant_words; i++) {
        *value = constant_words[i].value;
        if (word_is(word, constant_words[i].word)) return true;
    }
    double d;
    if (!number_from_text(word.start, word.length, &d)) return expected(p, word, "a constant");
    *value = program_number(p->program, d);
    return true;
}

// Names of the program, which takes up what it does not know. How many parameters an unknown function has shows
// when the operands are counted.

static uint32_t function_named(Program *program, const char *name) {
    const Function *found = program_find(program, name);
    return found ? function_index(program, found) : program_add_function(program, name, UINT32_MAX, 0);
}

static uint32_t native_named(Program *program, const char *name) {
    int64_t found = program_find_native(program, name, strlen(name));
    if (found >= 0) return (uint32_t)found;
    uint32_t added = program_add_native(program, name, 0, NULL);
    program->natives[added].num_params = UINT32_MAX;
    return added;
}

static uint32_t class_named(Program *program, const char *name) {
    for (uint32_t i = 0; i < program->num_classes; i++)
        if (strcmp(program->classes[i].name, name) == 0) return i;
    return program_add_class(program, name, -1, DEFAULT_FIELDS);
}

static bool parse_program_name(Parser *p, IrOperand kind, IrIns *ins) {
    Word word = next_word(p);
    if (!word.length) return expected(p, word, "a name");
    const char *name = arena_string(&p->arena, word.start, word.length);
    if (kind == IR_FUNCTION_INDEX) ins->aux = function_named(p->program, name);
    else if (kind == IR_NATIVE_INDEX) ins->aux = native_named(p->program, name);
    else ins->aux = class_named(p->program, name);
    return true;
}

static bool parse_offset(Parser *p, uint32_t *offset) { return parse_count(p, "an offset", MAX_OFFSET, offset); }

static bool parse_shape(Parser *p, uint32_t *shape) {
    if (accept(p, '#')) return parse_count(p, "the number of a shape", MAX_NUMBER, shape);
    Word word = next_word(p);
    for (*shape = 0; *shape < FIRST_OBJECT_SHAPE; ++*shape)
        if (ir_shape_names[*shape] && word_is(word, ir_shape_names[*shape])) return true;
    return expected(p, word, "a shape, like array or #12");
}

// "@12" or "behind @12".
static bool parse_resume_point(Parser *p, IrIns *ins) {
    Word word = next_word(p);
    ins->aux = word_is(word, "behind") ? RESUME_BEHIND : RESUME_AT;
    if (word.length && ins->aux == RESUME_AT) return expected(p, word, "'@12' or 'behind @12'");
    return parse_char(p, '@') && parse_count(p, "the index of a bytecode instruction", MAX_INSTRUCTIONS, &ins->pc);
}

static bool parse_meaning(Parser *p, IrIns *ins) {
    IrOperand kind = ir_op_info[ins->op].operand;
    Value value;
    switch (kind) {
    case IR_PLAIN: return true;
    case IR_PARAM_INDEX: return parse_count(p, "the index of a parameter", MAX_LOCALS, &ins->aux);
    case IR_VALUE:
        if (!parse_constant(p, &value)) return false;
        ins->imm = (int64_t)value;
        ins->type = ir_value_type(value);
        return true;
    case IR_FUNCTION_INDEX:
    case IR_NATIVE_INDEX:
    case IR_CLASS_INDEX: return parse_program_name(p, kind, ins);
    case IR_PROPERTY: return parse_property(p, ins);
    case IR_FIELD: return parse_property(p, ins) && parse_char(p, '+') && parse_offset(p, &ins->aux);
    case IR_SHAPE: return parse_shape(p, &ins->aux);
    case IR_RESUME_POINT: return parse_resume_point(p, ins);
    }
    return false;
}

// Instructions.

static bool parse_operand(Parser *p, bool of_phi) {
    Use use = {.index = (uint32_t)p->num_operands, .from = {.number = NO_NUMBER}};
    Word word = next_word(p);
    if (of_phi && name_of(word, 'B', &use.from)) {
        if (!parse_char(p, ':')) return false;
        word = next_word(p);
    }
    if (!name_of(word, 'v', &use.value)) return expected(p, word, "a value, like v1");
    GROW(p->operands, p->num_operands, p->cap_operands);
    p->operands[p->num_operands++] = use;
    return true;
}

static bool at_operands_end(Parser *p) { return at_line_end(p) || *p->at == '@' || *p->at == '['; }

// What it means and the operands, in the order of the text form.
static bool parse_operands(Parser *p, IrIns *ins) {
    IrOperand kind = ir_op_info[ins->op].operand;
    uint32_t meaning_at = ir_meaning_place(kind);
    p->num_operands = 0;
    for (uint32_t item = 0;; item++) {
        bool is_meaning = kind != IR_PLAIN && item == meaning_at;
        if (kind == IR_PLAIN && item == 0 && at_operands_end(p)) return true;
        if (is_meaning ? !parse_meaning(p, ins) : !parse_operand(p, ins->op == IR_PHI)) return false;
        if (at_operands_end(p) && (kind == IR_PLAIN || item >= meaning_at)) return true;
        if (!parse_char(p, ',')) return false;
    }
}

static bool wrong_count(Parser *p, Word word, uint32_t count) {
    return diagnose(p->diagnostic, word.pos, "'%.*s' has %zu operands instead of %u", shown(word), word.start,
                    p->num_operands, count);
}

// The number of operands; an unknown function or native takes those that its first call gives.
static bool check_count(Parser *p, Word word, const IrIns *ins) {
    uint32_t count = (uint32_t)p->num_operands, wanted = count;
    if (ins->op == IR_CALL) {
        Function *callee = &p->program->functions[ins->aux];
        if (callee->num_params == UINT32_MAX) callee->num_params = callee->num_locals = count;
        wanted = callee->num_params;
    } else if (ins->op == IR_CALL_NATIVE) {
        Native *callee = &p->program->natives[ins->aux];
        if (callee->num_params == UINT32_MAX && count <= MAX_NATIVE_PARAMS) callee->num_params = count;
        wanted = callee->num_params == UINT32_MAX ? MAX_NATIVE_PARAMS : callee->num_params;
    } else if (ir_op_info[ins->op].num_args != VARIABLE_ARGS) {
        wanted = (uint32_t)ir_op_info[ins->op].num_args;
    }
    return wanted == count || wrong_count(p, word, wanted);
}

// The inline cache of an instruction: its bytecode's, if the function has any; without bytecode, one of its own.
static uint32_t site_of(Parser *p, uint32_t pc) {
    const Function *f = ir_function(p->ir);
    if (!f->site) return p->num_sites++;
    return pc < f->num_instructions ? f->site[pc] : NO_SITE;
}

static bool parse_pc(Parser *p, uint32_t *pc) {
    return !accept(p, '@') || parse_count(p, "the index of a bytecode instruction", MAX_INSTRUCTIONS, pc);
}

// "[s7]" or "[s7 hoisted]".
static bool parse_state(Parser *p, IrIns *ins) {
    if (!accept(p, '[')) return true;
    Word word = next_word(p);
    Name name;
    if (!name_of(word, 's', &name)) return expected(p, word, "a state, like s1");
    ins->state = lookup(&p->states, name);
    if (!ins->state) return diagnose(p->diagnostic, name.pos, "s%d is not defined", name.number);
    word = next_word(p);
    ins->is_hoisted = word_is(word, "hoisted");
    if (word.length && !ins->is_hoisted) return expected(p, word, "'hoisted' or ']'");
    return parse_char(p, ']');
}

static Ref add_instruction(Parser *p, IrIns parsed) {
    bool is_phi = parsed.op == IR_PHI; // a phi's operands come with the edges
    Ref ref = ir_new(p->ir, (IrOp)parsed.op, is_phi ? 0 : (uint32_t)p->num_operands, parsed.pc);
    IrIns *ins = &p->ir->ins[ref];
    ins->aux = parsed.aux;
    ins->imm = parsed.imm;
    ins->type = parsed.type;
    ins->state = parsed.state;
    ins->is_hoisted = parsed.is_hoisted;
    if (parsed.state && ir_is_call(p->ir, ref)) p->ir->depends_on_prototypes = true;
    ir_append(p->ir, p->block, ref);
    for (size_t i = 0; i < p->num_operands; i++) {
        GROW(p->uses, p->num_uses, p->cap_uses);
        p->uses[p->num_uses] = p->operands[i];
        p->uses[p->num_uses++].user = ref;
    }
    return ref;
}

// "B1" of a jump, "v1, B1, B2" of a branch, "v1" of return.
static bool parse_terminator(Parser *p, IrIns *ins) {
    Exit leaving = {.block = p->block, .count = ins->op == IR_BRANCH ? 2 : ins->op == IR_JUMP ? 1 : 0};
    p->num_operands = 0;
    if (ins->op != IR_JUMP && !parse_operand(p, false)) return false;
    for (uint32_t i = 0; i < leaving.count; i++) {
        if (p->num_operands + i > 0 && !parse_char(p, ',')) return false;
        if (!parse_name(p, 'B', &leaving.targets[i])) return false;
    }
    GROW(p->exits, p->num_exits, p->cap_exits);
    p->exits[p->num_exits++] = leaving;
    p->is_ended = true;
    return true;
}

static IrOp find_op(Word word) {
    for (IrOp op = IR_NOP + 1; op < NUM_IR_OPS; op++)
        if (word_is(word, ir_op_info[op].mnemonic)) return op;
    return NUM_IR_OPS;
}

static bool check_context(Parser *p, Word word, IrOp op, const Name *result) {
    const char *mnemonic = ir_op_info[op].mnemonic;
    bool has_result = ir_op_info[op].type != IRT_NONE;
    Ref last = p->ir->blocks[p->block].last;
    if (p->is_ended) return diagnose(p->diagnostic, word.pos, "an instruction behind the block's terminator");
    if (has_result && !result)
        return diagnose(p->diagnostic, word.pos, "'%s' has a result: v1 = %s", mnemonic, mnemonic);
    if (!has_result && result) return diagnose(p->diagnostic, word.pos, "'%s' has no result", mnemonic);
    if (op == IR_PHI && last != NO_REF && p->ir->ins[last].op != IR_PHI)
        return diagnose(p->diagnostic, word.pos, "a phi behind another instruction");
    return true;
}

static bool parse_instruction(Parser *p, Word word, const Name *result) {
    IrOp op = find_op(word);
    if (op == NUM_IR_OPS) return expected(p, word, result ? "an instruction" : "an instruction, a label or '}'");
    IrIns ins = {.op = (uint8_t)op, .type = ir_op_info[op].type, .pc = NO_PC};
    if (!check_context(p, word, op, result)) return false;
    bool ends = ir_op_info[op].flags & IR_CONTROL;
    if (!(ends ? parse_terminator(p, &ins) : parse_operands(p, &ins))) return false;
    if (!check_count(p, word, &ins) || !parse_state(p, &ins)) return false;
    if (!parse_pc(p, &ins.pc) || !parse_line_end(p)) return false;
    if (ir_op_info[op].operand == IR_PROPERTY) ins.aux = site_of(p, ins.pc);
    Ref ref = add_instruction(p, ins);
    return !result || define(p, &p->values, *result, ref, 'v');
}

// What comes behind "s7 =".
static bool parse_state_line(Parser *p, Name name) {
    Word word = next_word(p);
    if (find_op(word) != IR_STATE) return expected(p, word, "'state'");
    if (!parse_instruction(p, word, NULL)) return false;
    return define(p, &p->states, name, p->ir->blocks[p->block].last, 's');
}

static bool parse_rep(Parser *p, uint8_t *rep) {
    Word word = next_word(p);
    for (*rep = 0; *rep < NUM_REPS; ++*rep)
        if (word_is(word, ir_rep_names[*rep])) return true;
    return expected(p, word, "a representation, like i32");
}

// What comes behind "v7".
static bool parse_value_line(Parser *p, Name name) {
    uint8_t rep = REP_TAGGED;
    if (accept(p, ':') && !parse_rep(p, &rep)) return false;
    if (!parse_char(p, '=')) return false;
    if (!parse_instruction(p, next_word(p), &name)) return false;
    p->ir->ins[p->ir->blocks[p->block].last].rep = rep;
    if (rep != REP_TAGGED) p->ir->has_reps = true;
    return true;
}

// Lines.

static bool check_ended(Parser *p) {
    if (p->block == NO_BLOCK || p->is_ended) return true;
    return diagnose(p->diagnostic, p->block_pos, "the block has no terminator");
}

static bool parse_label(Parser *p, Name name) {
    if (!check_ended(p) || !parse_line_end(p)) return false;
    p->block = p->block == NO_BLOCK ? 0 : ir_new_block(p->ir, NO_PC);
    p->block_pos = name.pos;
    p->is_ended = false;
    return define(p, &p->blocks, name, p->block + 1, 'B');
}

static bool parse_line(Parser *p) {
    Word word = next_word(p);
    Name name;
    if (name_of(word, 'B', &name) && accept(p, ':')) return parse_label(p, name);
    if (p->block == NO_BLOCK) return expected(p, word, "a label, like B0:");
    if (name_of(word, 's', &name)) return parse_char(p, '=') && parse_state_line(p, name);
    if (name_of(word, 'v', &name)) return parse_value_line(p, name);
    if (word_is(word, "state")) return diagnose(p->diagnostic, word.pos, "'state' has a name: s1 = state");
    return parse_instruction(p, word, NULL);
}

static bool parse_body(Parser *p) {
    while (skip_lines(p)) {
        if (accept(p, '}')) {
            if (p->block == NO_BLOCK) return diagnose(p->diagnostic, here(p), "the function has no blocks");
            return check_ended(p) && parse_line_end(p);
        }
        if (!parse_line(p)) return false;
    }
    return diagnose(p->diagnostic, here(p), "expected '}'");
}

// "func NAME params=N {"
static bool parse_head(Parser *p) {
    if (!skip_lines(p)) return diagnose(p->diagnostic, here(p), "expected 'func'");
    Word word = next_word(p);
    if (!word_is(word, "func")) return expected(p, word, "'func'");
    Word name = next_word(p);
    if (!name.length) return expected(p, name, "the function's name");
    word = next_word(p);
    if (!word_is(word, "params")) return expected(p, word, "'params=N'");
    uint32_t num_params;
    if (!parse_char(p, '=') || !parse_count(p, "the number of parameters", MAX_LOCALS, &num_params)) return false;
    if (!parse_char(p, '{') || !parse_line_end(p)) return false;
    uint32_t index = function_named(p->program, arena_string(&p->arena, name.start, name.length));
    Function *f = &p->program->functions[index];
    if (f->num_params == UINT32_MAX) f->num_params = f->num_locals = num_params;
    if (f->num_params != num_params)
        return diagnose(p->diagnostic, name.pos, "'%s' has params=%u in the program", f->name, f->num_params);
    p->ir->function_index = index;
    return true;
}

// At the end of the function every name is known.

static bool make_edges(Parser *p) {
    for (size_t i = 0; i < p->num_exits; i++) {
        const Exit *leaving = &p->exits[i];
        uint32_t targets[2];
        for (uint32_t s = 0; s < leaving->count; s++)
            if (!find_block(p, leaving->targets[s], &targets[s])) return false;
        if (leaving->count == 2 && targets[0] == targets[1])
            return diagnose(p->diagnostic, leaving->targets[1].pos,
                            "both ways of the branch lead to the same block");
        for (uint32_t s = 0; s < leaving->count; s++) ir_add_edge(p->ir, leaving->block, targets[s]);
    }
    return true;
}

// Which operand of the phi is this one?
static bool find_phi_index(Parser *p, const Use *use, uint32_t *index) {
    const Ir *ir = p->ir;
    uint32_t block = ir->ins[use->user].block, pred = 0;
    *index = use->index;
    if (use->from.number == NO_NUMBER) {
        if (use->index < ir->blocks[block].num_preds) return true;
        return diagnose(p->diagnostic, use->value.pos, "the block has only %zu predecessors",
                        ir->blocks[block].num_preds);
    }
    if (!find_block(p, use->from, &pred)) return false;
    for (uint32_t s = 0; s < ir->blocks[pred].num_succ; s++) {
        if (ir->blocks[pred].succ[s] != block) continue;
        *index = ir->blocks[pred].pred_at[s];
        return true;
    }
    return diagnose(p->diagnostic, use->from.pos, "B%d does not lead here", use->from.number);
}

static bool fill_use(Parser *p, const Use *use) {
    uint32_t index = use->index;
    bool is_phi = p->ir->ins[use->user].op == IR_PHI;
    if (is_phi && !find_phi_index(p, use, &index)) return false;
    if (ir_args(p->ir, use->user)[index] != NO_REF)
        return diagnose(p->diagnostic, use->value.pos, "the phi has an operand for this predecessor already");
    Ref value = lookup(&p->values, use->value);
    if (!value) return diagnose(p->diagnostic, use->value.pos, "v%d is not defined", use->value.number);
    ir_set_arg(p->ir, use->user, index, value);
    return true;
}

static bool fill_uses(Parser *p) {
    for (size_t i = 0; i < p->num_uses; i++)
        if (!fill_use(p, &p->uses[i])) return false;
    return true;
}

// Every operand has a use that fills it in, but a phi's may be too few.
static bool check_phis(Parser *p) {
    for (size_t i = 0; i < p->num_uses; i++) {
        const IrIns *ins = &p->ir->ins[p->uses[i].user];
        if (ins->op != IR_PHI || p->uses[i].index > 0) continue;
        for (uint32_t k = 0; k < ins->num_args; k++)
            if (ir_args(p->ir, p->uses[i].user)[k] == NO_REF)
                return diagnose(p->diagnostic, p->uses[i].value.pos,
                                "the phi has no operand for predecessor %u of %u", k + 1, ins->num_args);
    }
    return true;
}

// A function that is only named, not called, has no parameters as far as anyone knows.
static void settle_functions(Program *program) {
    for (size_t i = 0; i < program->num_functions; i++)
        if (program->functions[i].num_params == UINT32_MAX) program->functions[i].num_params = 0;
    for (size_t i = 0; i < program->num_natives; i++)
        if (program->natives[i].num_params == UINT32_MAX) program->natives[i].num_params = 0;
}

static bool parse_function(Parser *p) {
    if (!parse_head(p) || !parse_body(p)) return false;
    if (skip_lines(p)) return expected(p, next_word(p), "the end of the text");
    return make_edges(p) && fill_uses(p) && check_phis(p);
}

bool ir_parse(Ir *ir, Program *program, const char *text, size_t length, Diagnostic *diagnostic) {
    ir_init(ir, program, 0);
    Parser p = {.ir = ir, .program = program, .diagnostic = diagnostic, .at = text, .end = text + length,
                .line_start = text, .line = 1, .block = NO_BLOCK};
    bool ok = parse_function(&p);
    settle_functions(program);
    arena_free(&p.arena);
    free(p.values.items);
    free(p.states.items);
    free(p.blocks.items);
    free(p.uses);
    free(p.exits);
    free(p.operands);
    if (!ok) ir_free(ir);
    return ok;
}
