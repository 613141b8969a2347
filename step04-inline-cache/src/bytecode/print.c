// Printer of the text form. Every instruction that some jump names gets the label L<index>.
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bytecode/parse.h"
#include "object/number.h"

static void print_string(FILE *out, const String *string) {
    fputc('"', out);
    for (uint32_t i = 0; i < string->length; i++) {
        unsigned char c = (unsigned char)string->bytes[i];
        if (c == '\n') fputs("\\n", out);
        else if (c == '"' || c == '\\') fprintf(out, "\\%c", c);
        else if (c < ' ' || c == 0x7F) fprintf(out, "\\x%02x", c);
        else fputc(c, out);
    }
    fputc('"', out);
}

void constant_print(FILE *out, Value value) {
    char text[NUMBER_TEXT_SIZE];
    if (value == VALUE_TRUE) fputs("true", out);
    else if (value == VALUE_FALSE) fputs("false", out);
    else if (value == VALUE_UNDEFINED) fputs("undefined", out);
    else if (value == VALUE_NULL) fputs("null", out);
    else if (value_is_string(value)) print_string(out, value_to_string(value));
    else {
        double d = number_to_double(value);
        number_to_text(d, text);
        fprintf(out, "%s%s", d == 0 && signbit(d) ? "-" : "", text);
    }
}

static bool is_plain_name(const String *name) {
    if (name->length == 0 || (name->bytes[0] >= '0' && name->bytes[0] <= '9')) return false;
    for (uint32_t i = 0; i < name->length; i++)
        if (!isalnum((unsigned char)name->bytes[i]) && name->bytes[i] != '_') return false;
    return true;
}

void name_print(FILE *out, const String *name) {
    if (is_plain_name(name)) fputs(name->bytes, out);
    else print_string(out, name);
}

void instruction_print(FILE *out, const Program *program, Instruction ins) {
    const OpcodeInfo *info = &opcode_info[ins.opcode];
    fputs(info->mnemonic, out);
    switch (info->operand) {
    case OPERAND_NONE: break;
    case OPERAND_CONST:
        fputc(' ', out);
        constant_print(out, (Value)ins.operand);
        break;
    case OPERAND_COUNT:
    case OPERAND_LOCAL: fprintf(out, " %" PRId64, ins.operand); break;
    case OPERAND_TARGET: fprintf(out, " L%" PRId64, ins.operand); break;
    case OPERAND_FUNCTION: fprintf(out, " %s", program->functions[ins.operand].name); break;
    case OPERAND_NATIVE: fprintf(out, " %s", program->natives[ins.operand].name); break;
    case OPERAND_CLASS: fprintf(out, " %s", program->classes[ins.operand].name); break;
    case OPERAND_NAME:
        fputc(' ', out);
        name_print(out, (const String *)(uintptr_t)ins.operand);
        break;
    case OPERAND_METHOD:
        fputc(' ', out);
        name_print(out, (const String *)(uintptr_t)ins.operand);
        fprintf(out, " %u", ins.num_args);
        break;
    }
}

// For every position, the one behind the last instruction included: does a jump name it?
static bool *find_targets(const Function *function) {
    bool *is_target = xcalloc(function->num_instructions + 1, sizeof *is_target);
    for (size_t pc = 0; pc < function->num_instructions; pc++) {
        Instruction ins = function->bytecode[pc];
        bool jumps = opcode_info[ins.opcode].operand == OPERAND_TARGET;
        if (jumps && ins.operand >= 0 && (size_t)ins.operand <= function->num_instructions)
            is_target[ins.operand] = true;
    }
    return is_target;
}

static void print_function(FILE *out, const Program *program, const Function *function) {
    const char *dot = strchr(function->name, '.');
    fprintf(out, "%s %s params=%u", dot ? "method" : "func", dot ? dot + 1 : function->name, function->num_params);
    if (function->num_locals != function->num_params) fprintf(out, " locals=%u", function->num_locals);
    fputc('\n', out);
    bool *is_target = find_targets(function);
    for (size_t pc = 0; pc <= function->num_instructions; pc++) {
        if (is_target[pc]) fprintf(out, "L%zu:\n", pc);
        if (pc == function->num_instructions) break;
        fputs("    ", out);
        instruction_print(out, program, function->bytecode[pc]);
        fputc('\n', out);
    }
    free(is_target);
    fputs("end\n", out);
}

static void print_class_head(FILE *out, const Program *program, const Class *class) {
    fprintf(out, "class %s", class->name);
    if (class->parent >= 0) fprintf(out, " extends %s", program->classes[class->parent].name);
    fprintf(out, " fields=%u\n", class->num_fields);
}

// Which class's text the printer is in, and the first class that is not printed yet.
typedef struct Printer {
    FILE *out;
    const Program *program;
    const Class *open, *next;
    bool is_first;
} Printer;

static void separate(Printer *p) {
    if (!p->is_first) fputc('\n', p->out);
    p->is_first = false;
}

static void close_class(Printer *p) {
    if (!p->open) return;
    fputs("end\n", p->out);
    p->open = NULL;
    p->is_first = false;
}

// Close the open class, and open this one, with those before it; NULL: none.
static void open_class(Printer *p, const Class *class) {
    if (p->open == class) return;
    close_class(p);
    for (; class && p->open != class; p->next++) {
        close_class(p);
        separate(p);
        print_class_head(p->out, p->program, p->next);
        p->open = p->next;
        p->is_first = true; // no blank line between this and the first method
    }
}

// The class of each function, or NULL.
static const Class **find_owners(const Program *program) {
    const Class **owners = xcalloc(program->num_functions, sizeof(Class *));
    for (size_t c = 0; c < program->num_classes; c++)
        for (size_t m = 0; m < program->classes[c].num_methods; m++)
            owners[program->classes[c].methods[m].function] = &program->classes[c];
    return owners;
}

// A class's methods are neighbours among the functions, and classes are in the same order as they.
void program_print(FILE *out, const Program *program) {
    Printer p = {.out = out, .program = program, .next = program->classes, .is_first = true};
    const Class **owners = find_owners(program);
    for (size_t i = 0; i < program->num_functions; i++) {
        open_class(&p, owners[i]);
        separate(&p);
        print_function(out, program, &program->functions[i]);
    }
    free(owners);
    const Class *last = program->num_classes ? &program->classes[program->num_classes - 1] : NULL;
    if (last && p.next <= last) open_class(&p, last);
    open_class(&p, NULL);
}
