// The assembler, form by form and byte by byte.
//
// Each row of test_asm_forms.h is tried with every register in every place, every base with every
// displacement at which the encoding changes, every base x index x scale, and the immediates at which
// the encoding changes. All of these encodings are compared with three oracles:
//
//   Capstone    decodes the bytes as one instruction of that length with the expected text
//   GNU as      assembles the expected text to the same bytes (skipped where as is not installed)
//   the golden  table asm_golden.inc holds a hash over all encodings of a form and a few of them
//
// Labels, relocations, constants, nops, limits and the bugs that must abort have tests of their own.
#include "asm/asm.h"

#include <capstone/capstone.h>
#include <limits.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fatal.h"
#include "test_asm_forms.h"
#include "testing/test_main.h"

enum { MAX_TEXT = 128, MAX_REPORTS = 10, CODE_LIMIT = 1 << 30 };

// The forms.

typedef struct Operands {
    unsigned reg[3]; // in the order of the arguments, both classes
    Mem mem;
    int64_t imm;
    unsigned cc;
} Operands;

typedef struct Form {
    const char *name;
    void (*emit)(Assembler *a, const Operands *o);
    const char *text;
} Form;

#define ARGUMENTS_0
#define ARGUMENTS_R , (Reg)o->reg[0]
#define ARGUMENTS_M , o->mem
#define ARGUMENTS_I , CAST_IMM(o->imm)
#define ARGUMENTS_RR , (Reg)o->reg[0], (Reg)o->reg[1]
#define ARGUMENTS_RM , (Reg)o->reg[0], o->mem
#define ARGUMENTS_MR , o->mem, (Reg)o->reg[0]
#define ARGUMENTS_RI , (Reg)o->reg[0], CAST_IMM(o->imm)
#define ARGUMENTS_MI , o->mem, CAST_IMM(o->imm)
#define ARGUMENTS_RRI ARGUMENTS_RR, CAST_IMM(o->imm)
#define ARGUMENTS_RMI ARGUMENTS_RM, CAST_IMM(o->imm)
#define ARGUMENTS_RRR ARGUMENTS_RR, (Reg)o->reg[2]
#define ARGUMENTS_RMR ARGUMENTS_RM, (Reg)o->reg[1]
#define ARGUMENTS_CR , (Cond)o->cc, (Reg)o->reg[0]
#define ARGUMENTS_CM , (Cond)o->cc, o->mem
#define ARGUMENTS_CRR , (Cond)o->cc, (Reg)o->reg[0], (Reg)o->reg[1]
#define ARGUMENTS_CRM , (Cond)o->cc, (Reg)o->reg[0], o->mem
#define ARGUMENTS_XX , (Xmm)o->reg[0], (Xmm)o->reg[1]
#define ARGUMENTS_XM , (Xmm)o->reg[0], o->mem
#define ARGUMENTS_MX , o->mem, (Xmm)o->reg[0]
#define ARGUMENTS_XR , (Xmm)o->reg[0], (Reg)o->reg[1]
#define ARGUMENTS_RX , (Reg)o->reg[0], (Xmm)o->reg[1]
#define ARGUMENTS_XI , (Xmm)o->reg[0], CAST_IMM(o->imm)
#define ARGUMENTS_XXI ARGUMENTS_XX, CAST_IMM(o->imm)
#define ARGUMENTS_XMI ARGUMENTS_XM, CAST_IMM(o->imm)
#define ARGUMENTS_XRI ARGUMENTS_XR, CAST_IMM(o->imm)
#define ARGUMENTS_RXI ARGUMENTS_RX, CAST_IMM(o->imm)
#define ARGUMENTS_MXI ARGUMENTS_MX, CAST_IMM(o->imm)
#define CAST_IMM(imm) (imm)

#define EMIT(name, arguments, text) \
    static void emit_##name(Assembler *a, const Operands *o) { \
        (void)o; \
        asm_##name(a ARGUMENTS_##arguments); \
    }
ASM_FORMS(EMIT)

#define FORM(name, arguments, text) {#name, emit_##name, text},
static const Form forms[] = {ASM_FORMS(FORM)};
enum { NUM_FORMS = sizeof forms / sizeof *forms };

// The placeholders of a form's text (see test_asm_forms.h).

typedef enum Kind { LITERAL, REG, MEM, IMM, SHORTEST_MOV, CONDITION, COMPARISON } Kind;

typedef struct Placeholder {
    const char *word;
    Kind kind;
    int bits;
    bool is_unsigned;
} Placeholder;

static const Placeholder placeholders[] = {
    {"r64", REG, 64, 0}, {"r32", REG, 32, 0}, {"r16", REG, 16, 0}, {"r8", REG, 8, 0}, {"xmm", REG, 128, 0},
    {"m128", MEM, 128, 0}, {"m64", MEM, 64, 0}, {"m32", MEM, 32, 0}, {"m16", MEM, 16, 0}, {"m8", MEM, 8, 0},
    {"m", MEM, 0, 0},
    {"i64", IMM, 64, 0}, {"i32", IMM, 32, 0}, {"i16", IMM, 16, 0}, {"i8", IMM, 8, 0},
    {"u16", IMM, 16, 1}, {"u8", IMM, 8, 1}, {"n64", IMM, 6, 1}, {"n32", IMM, 5, 1},
    {"@", SHORTEST_MOV, 64, 0}, {"CC", CONDITION, 0, 0}, {"PP", COMPARISON, 3, 1},
};

static bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// The placeholder at the start of `text`, or NULL. CC and PP also stand inside of a word.
static const Placeholder *placeholder_at(const char *text, bool word_starts) {
    for (size_t i = 0; i < sizeof placeholders / sizeof *placeholders; i++) {
        const Placeholder *p = &placeholders[i];
        size_t length = strlen(p->word);
        if (strncmp(text, p->word, length) != 0) continue;
        if (p->kind == CONDITION || p->kind == COMPARISON) return p;
        if (word_starts && !is_word(text[length])) return p;
    }
    return NULL;
}

// What has to be enumerated for a form.
typedef struct Domain {
    int num_regs;
    bool has_mem, has_cc;
    const Placeholder *imm;
} Domain;

static Domain domain_of(const Form *form) {
    Domain domain = {0};
    for (const char *p = form->text; *p; p++) {
        const Placeholder *found = placeholder_at(p, p == form->text || !is_word(p[-1]));
        if (!found) continue;
        if (found->kind == REG) domain.num_regs++;
        if (found->kind == MEM) domain.has_mem = true;
        if (found->kind == CONDITION) domain.has_cc = true;
        if (found->kind == IMM || found->kind == COMPARISON) domain.imm = found;
        if (found->kind == SHORTEST_MOV) {
            domain.num_regs++;
            domain.imm = found;
        }
        p += strlen(found->word) - 1;
    }
    return domain;
}

// The expected text, in the style of Capstone.

typedef struct Text {
    char chars[MAX_TEXT];
    size_t length;
} Text;

static void put(Text *text, const char *string) {
    while (*string) text->chars[text->length++] = *string++;
}

static void put_unsigned(Text *text, uint64_t value) {
    char digits[20];
    int count = 0;
    unsigned radix = value > 9 ? 16 : 10;
    if (radix == 16) put(text, "0x");
    do digits[count++] = "0123456789abcdef"[value % radix];
    while (value /= radix);
    while (count > 0) text->chars[text->length++] = digits[--count];
}

static void put_number(Text *text, int64_t value, bool is_unsigned) {
    if (value < 0 && !is_unsigned) put(text, "-");
    put_unsigned(text, value < 0 && !is_unsigned ? -(uint64_t)value : (uint64_t)value);
}

static const char *reg_name(unsigned reg, int bits) {
    static const char *const r64[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                      "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"};
    static const char *const r32[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi",
                                      "r8d", "r9d", "r10d", "r11d", "r12d", "r13d", "r14d", "r15d"};
    static const char *const r16[] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di",
                                      "r8w", "r9w", "r10w", "r11w", "r12w", "r13w", "r14w", "r15w"};
    static const char *const r8[] = {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil",
                                     "r8b", "r9b", "r10b", "r11b", "r12b", "r13b", "r14b", "r15b"};
    static const char *const xmm[] = {"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
                                      "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"};
    switch (bits) {
    case 64: return r64[reg];
    case 32: return r32[reg];
    case 16: return r16[reg];
    case 8: return r8[reg];
    default: return xmm[reg];
    }
}

static void put_disp(Text *text, int64_t disp) {
    if (disp == 0) return;
    put(text, disp < 0 ? " - " : " + ");
    put_unsigned(text, disp < 0 ? -(uint64_t)disp : (uint64_t)disp);
}

static void put_index(Text *text, const Mem *m) {
    put(text, reg_name(m->index, 64));
    if (m->scale == 0 && m->kind == MEM_BASE) return;
    put(text, "*");
    put_unsigned(text, UINT64_C(1) << m->scale);
}

// `end` is the offset of the next instruction: rip.
static void put_mem(Text *text, const Mem *m, int bits, uint32_t end) {
    static const char *const sizes[] = {[0] = "", [1] = "byte ptr ", [2] = "word ptr ", [4] = "dword ptr ",
                                        [8] = "qword ptr ", [16] = "xmmword ptr "};
    put(text, sizes[bits / 8]);
    put(text, "[");
    if (m->kind == MEM_RIP) put(text, "rip");
    if (m->kind == MEM_BASE) put(text, reg_name(m->base, 64));
    if (m->kind == MEM_BASE && m->index != RSP) put(text, " + ");
    if (m->index != RSP) put_index(text, m);
    put_disp(text, m->kind == MEM_RIP ? (int64_t)m->label->position + m->disp - end : m->disp);
    put(text, "]");
}

static void put_shortest_mov(Text *text, const Operands *o) {
    bool zero_extended = o->imm == (uint32_t)o->imm, sign_extended = o->imm == (int32_t)o->imm;
    if (!zero_extended && !sign_extended) {
        text->length = 0;
        put(text, "movabs ");
    }
    put(text, reg_name(o->reg[0], zero_extended ? 32 : 64));
    put(text, ", ");
    put_number(text, o->imm, false);
}

static const char *const conditions[] = {"o", "no", "b", "ae", "e", "ne", "be", "a",
                                         "s", "ns", "p", "np", "l", "ge", "le", "g"};
static const char *const comparisons[] = {"eq", "lt", "le", "unord", "neq", "nlt", "nle", "ord"};

static void expected_text(Text *text, const Form *form, const Operands *o, uint32_t end) {
    text->length = 0;
    int next_reg = 0;
    for (const char *p = form->text; *p; p++) {
        const Placeholder *found = placeholder_at(p, p == form->text || !is_word(p[-1]));
        if (!found) {
            text->chars[text->length++] = *p;
            continue;
        }
        switch (found->kind) {
        case REG: put(text, reg_name(o->reg[next_reg++], found->bits)); break;
        case MEM: put_mem(text, &o->mem, found->bits, end); break;
        case IMM: put_number(text, o->imm, found->is_unsigned); break;
        case SHORTEST_MOV: put_shortest_mov(text, o); break;
        case CONDITION: put(text, conditions[o->cc]); break;
        case COMPARISON: put(text, comparisons[o->imm]); break;
        case LITERAL: break;
        }
        p += strlen(found->word) - 1;
    }
    text->chars[text->length] = 0;
}

// The width at which a form's immediate is truncated: that of its first operand.
static int width_of(const Form *form) {
    for (const char *p = form->text; *p; p++) {
        const Placeholder *found = placeholder_at(p, p == form->text || !is_word(p[-1]));
        if (found && found->bits && found->kind != COMPARISON) return found->bits < 64 ? found->bits : 64;
    }
    return 64;
}

// Two disassemblies are the same if they differ only in how they print numbers (-1 or 0xffffffff for
// an immediate of 32 bits), an index scaled by one, and spaces.
static void canonical(char *out, const char *in, int bits) {
    uint64_t mask = bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX;
    bool in_brackets = false, negative = false;
    for (const char *start = in; *in;) {
        if (*in == '[' || *in == ']') in_brackets = *in == '[';
        if (strncmp(in, "*1", 2) == 0 && !is_word(in[2])) {
            in += 2;
        } else if (*in >= '0' && *in <= '9' && (in == start || !is_word(in[-1]))) {
            char *end;
            uint64_t number = strtoull(in, &end, 0);
            if (negative) number = -number;
            out += sprintf(out, "#%llx", (unsigned long long)(in_brackets ? number : number & mask));
            negative = false;
            in = end;
        } else {
            if (*in == '-') negative = true;
            else if (*in != ' ' && *in != '+') *out++ = *in;
            else if (*in == '+') *out++ = ',';
            if (*in == '-' && in_brackets) *out++ = ',';
            in++;
        }
    }
    *out = 0;
}

// Enumeration: calls `visit` for every encoding of a form that is to be tried.

typedef struct Visitor Visitor;
struct Visitor {
    void (*visit)(Visitor *v, const Form *form, const Operands *o);
    Assembler *a;
    Label start; // bound at offset 0: the target of rip-relative operands
    void *data;
};

typedef struct Immediates {
    int64_t values[64];
    int count;
} Immediates;

static void add_immediates(Immediates *list, const int64_t *values, size_t count) {
    for (size_t i = 0; i < count; i++) list->values[list->count++] = values[i];
}
#define ADD_IMMEDIATES(list, ...) \
    add_immediates(list, (const int64_t[]){__VA_ARGS__}, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

static Immediates immediates_of(const Placeholder *imm) {
    Immediates list = {.count = 0};
    if (!imm) {
        ADD_IMMEDIATES(&list, 0);
    } else if (imm->is_unsigned && imm->bits <= 6) {
        for (int64_t i = 0; i < 1 << imm->bits; i++) ADD_IMMEDIATES(&list, i);
    } else if (imm->is_unsigned) {
        ADD_IMMEDIATES(&list, 0, 1, 2, 3, 127, 128, 255);
        if (imm->bits == 16) ADD_IMMEDIATES(&list, 256, 32767, 32768, 65535);
    } else {
        ADD_IMMEDIATES(&list, 0, 1, -1, 127, -128);
        if (imm->bits == 8) ADD_IMMEDIATES(&list, 128, 255);
        if (imm->bits == 16) ADD_IMMEDIATES(&list, 128, -129, 255, 32767, -32768, 65535, 65408);
        if (imm->bits >= 32) ADD_IMMEDIATES(&list, 128, -129, 255, INT32_MAX, INT32_MIN, 0x12345678);
        if (imm->bits == 64) ADD_IMMEDIATES(&list, INT64_C(1) << 31, UINT32_MAX, INT64_C(1) << 32,
                                            INT64_C(-1) - INT32_MAX - 1, INT64_MAX, INT64_MIN,
                                            0x123456789ABCDEF0);
    }
    return list;
}

static const int32_t disps[] = {0, 1, -1, 127, 128, -128, -129, INT32_MAX, INT32_MIN};
enum { NUM_DISPS = sizeof disps / sizeof *disps };

// Register and immediate operands, every combination. With a memory operand: the ones beside it.
static void visit_registers(Visitor *v, const Form *form, const Domain *domain, Operands o) {
    Immediates imms = immediates_of(domain->imm);
    int regs[3];
    for (int i = 0; i < 3; i++) regs[i] = i < domain->num_regs ? 16 : 1;
    for (o.cc = 0; o.cc < (domain->has_cc ? 16u : 1u); o.cc++)
        for (int i = 0; i < imms.count; i++)
            for (int r = 0; r < regs[0] * regs[1] * regs[2]; r++) {
                o.imm = imms.values[i];
                o.reg[0] = (unsigned)(r % 16);
                o.reg[1] = (unsigned)(r / 16 % 16);
                o.reg[2] = (unsigned)(r / 256);
                v->visit(v, form, &o);
            }
}

// One memory operand; the operands beside it change from call to call so that all are met.
static void visit_mem(Visitor *v, const Form *form, const Domain *domain, Mem m, unsigned turn) {
    Immediates imms = immediates_of(domain->imm);
    Operands o = {.mem = m};
    o.reg[0] = domain->num_regs > 0 ? turn % 16 : 0;
    o.reg[1] = domain->num_regs > 1 ? (turn / 16 + turn) % 16 : 0;
    o.imm = imms.values[turn % (unsigned)imms.count];
    o.cc = domain->has_cc ? (turn / 3) % 16 : 0;
    v->visit(v, form, &o);
}

// Forms with every path through the encoder, for which no combination is left out.
static bool is_thorough(const Form *form) {
    static const char *const names[] = {"mov_rm", "mov_mr", "mov8_mr", "cmp_mi", "movsd_xm", "pextrq_mxi",
                                        "shlx_rmr"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(form->name, names[i]) == 0) return true;
    return false;
}

static void visit_every_combination(Visitor *v, const Form *form, const Domain *domain) {
    for (unsigned base = 0; base < 16; base++)
        for (int d = 0; d < NUM_DISPS; d++) {
            visit_registers(v, form, domain, (Operands){.mem = mem((Reg)base, disps[d])});
            unsigned turn = 0;
            for (unsigned index = 0; index < 16; index++)
                for (int scale = 1; scale <= 8 && index != RSP; scale *= 2)
                    visit_mem(v, form, domain, mem_index((Reg)base, (Reg)index, scale, disps[d]), turn++);
        }
}

// Every register and every immediate with every base; every base with every displacement; every
// base x index x scale; every index x scale without a base; rip.
static void visit_memory(Visitor *v, const Form *form, const Domain *domain) {
    unsigned turn = 0;
    for (unsigned base = 0; base < 16; base++) {
        visit_registers(v, form, domain, (Operands){.mem = mem((Reg)base, disps[base % NUM_DISPS])});
        for (int d = 0; d < NUM_DISPS; d++) visit_mem(v, form, domain, mem((Reg)base, disps[d]), turn++);
        for (unsigned index = 0; index < 16; index++)
            for (int scale = 1; scale <= 8 && index != RSP; scale *= 2, turn++)
                visit_mem(v, form, domain,
                          mem_index((Reg)base, (Reg)index, scale, disps[turn % NUM_DISPS]), turn);
    }
    for (unsigned index = 0; index < 16; index++)
        for (int scale = 1; scale <= 8 && index != RSP; scale *= 2, turn++)
            visit_mem(v, form, domain, mem_scaled((Reg)index, scale, disps[turn % NUM_DISPS]), turn);
    visit_registers(v, form, domain, (Operands){.mem = mem_rip(&v->start)});
    visit_mem(v, form, domain, mem_rip_disp(&v->start, -1000), turn);
}

static void visit_form(Visitor *v, const Form *form) {
    Domain domain = domain_of(form);
    if (is_thorough(form)) visit_every_combination(v, form, &domain);
    if (domain.has_mem) visit_memory(v, form, &domain);
    else visit_registers(v, form, &domain, (Operands){0});
}

// Emit one encoding. Returns its offset; it ends at the assembler's present offset.
static uint32_t emit(Visitor *v, const Form *form, const Operands *o) {
    uint32_t at = asm_offset(v->a);
    form->emit(v->a, o);
    if (v->a->error) fail_msg("%s: error %d", form->name, v->a->error);
    return at;
}

static Visitor visitor(Assembler *a, void (*visit)(Visitor *, const Form *, const Operands *), void *data) {
    asm_init(a, CODE_LIMIT);
    Visitor v = {.visit = visit, .a = a, .start = LABEL_INIT, .data = data};
    asm_bind(a, &v.start);
    return v;
}

static void print_bytes(FILE *out, const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) fprintf(out, "%s%02x", i ? " " : "", bytes[i]);
}

static void report(int *reports, const char *name, const char *expected, const char *actual,
                   const uint8_t *bytes, size_t size) {
    printf("asm_%s: expected '%s', decoded '%s' from ", name, expected, actual);
    print_bytes(stdout, bytes, size);
    puts("");
    if (++*reports == MAX_REPORTS) fail_msg("%d wrong encodings; no more are shown", MAX_REPORTS);
}

// Oracle 1: Capstone.

typedef struct Decoder {
    csh handle;
    cs_insn *insn;
    int reports;
    size_t count;
} Decoder;

static Decoder open_decoder(void) {
    Decoder d = {0};
    assert_int_equal(cs_open(CS_ARCH_X86, CS_MODE_64, &d.handle), CS_ERR_OK);
    d.insn = cs_malloc(d.handle);
    return d;
}

static void close_decoder(Decoder *d) {
    cs_free(d->insn, 1);
    cs_close(&d->handle);
}

// Decode one instruction at `at`. Returns its text, or says that there is none.
static const char *decode(Decoder *d, const Assembler *a, uint32_t at, char *text) {
    const uint8_t *code = a->code + at;
    size_t left = a->size - at;
    uint64_t address = at;
    if (!cs_disasm_iter(d->handle, &code, &left, &address, d->insn)) return "(no instruction)";
    if (d->insn->size != a->size - at) return "(an instruction of another length)";
    char *end = stpcpy(text, d->insn->mnemonic);
    if (d->insn->op_str[0]) *end++ = ' ';
    strcpy(end, d->insn->op_str);
    return text;
}

static bool same_text(const char *a, const char *b, int bits) {
    char canonical_a[2 * MAX_TEXT], canonical_b[2 * MAX_TEXT];
    if (strcmp(a, b) == 0) return true;
    canonical(canonical_a, a, bits);
    canonical(canonical_b, b, bits);
    return strcmp(canonical_a, canonical_b) == 0;
}

// Capstone 4 prints comisd and comiss with a wrong size, and leaves out the blends' implicit mask.
static bool same_but_for_a_quirk(const char *expected, const char *actual, int bits) {
    static const struct { const char *mnemonic, *correct, *quirk; } quirks[] = {
        {"comisd ", "qword", "xmmword"}, {"comiss ", "dword", "xmmword"},
        {"pblendvb ", ", xmm0", ""}, {"blendvps ", ", xmm0", ""}, {"blendvpd ", ", xmm0", ""},
    };
    for (size_t i = 0; i < sizeof quirks / sizeof *quirks; i++) {
        if (strncmp(expected, quirks[i].mnemonic, strlen(quirks[i].mnemonic)) != 0) continue;
        const char *last = NULL;
        for (const char *p = expected; (p = strstr(p, quirks[i].correct)); p++) last = p;
        if (!last) continue;
        char text[2 * MAX_TEXT];
        sprintf(text, "%.*s%s%s", (int)(last - expected), expected, quirks[i].quirk,
                last + strlen(quirks[i].correct));
        if (same_text(text, actual, bits)) return true;
    }
    return false;
}

static void check_decoded(Visitor *v, const Form *form, const Operands *operands) {
    Decoder *d = v->data;
    Operands o = *operands;
    uint32_t at = emit(v, form, &o);
    // xchg is symmetrical; the form with RAX is always printed with RAX in front.
    bool is_xchg_rr = strcmp(form->name, "xchg_rr") == 0 || strcmp(form->name, "xchg32_rr") == 0;
    if (is_xchg_rr && o.reg[1] == RAX) {
        o.reg[1] = o.reg[0];
        o.reg[0] = RAX;
    }
    Text expected;
    char text[2 * MAX_TEXT];
    expected_text(&expected, form, &o, asm_offset(v->a));
    const char *actual = decode(d, v->a, at, text);
    int bits = width_of(form);
    d->count++;
    if (!same_text(expected.chars, actual, bits) && !same_but_for_a_quirk(expected.chars, actual, bits))
        report(&d->reports, form->name, expected.chars, actual, v->a->code + at, v->a->size - at);
}

static void test_every_form_is_decoded_by_capstone(void **state) {
    (void)state;
    Decoder decoder = open_decoder();
    for (int i = 0; i < NUM_FORMS; i++) {
        Assembler a;
        Visitor v = visitor(&a, check_decoded, &decoder);
        visit_form(&v, &forms[i]);
        asm_free(&a);
    }
    close_decoder(&decoder);
    printf("%d forms, %zu encodings\n", NUM_FORMS, decoder.count);
    assert_int_equal(decoder.reports, 0);
}

// Oracle 2: GNU as. The expected text of every encoding goes to one source file, which is assembled
// and compared as a whole; .org keeps the two in step from form to form.

typedef struct Listing {
    FILE *source;
    uint32_t *lines; // where the encoding on each line starts
    size_t num_lines, cap_lines;
    uint32_t base; // where this form starts in the whole
} Listing;

static void add_line(Listing *l, uint32_t at, const char *text) {
    fputs(text, l->source);
    putc('\n', l->source);
    GROW(l->lines, l->num_lines, l->cap_lines);
    l->lines[l->num_lines++] = at;
}

static void list_encoding(Visitor *v, const Form *form, const Operands *o) {
    Listing *l = v->data;
    uint32_t at = emit(v, form, o);
    Text text;
    expected_text(&text, form, o, asm_offset(v->a));
    char *move = strstr(text.chars, "movsq "), *store = strstr(text.chars, "stosq ");
    if (move || store) *strchr(move ? move : store, ' ') = 0; // as wants no operands here
    // as knows that xchg with itself does nothing and writes a nop, 90; the rest of us decode to learn.
    if (strcmp(text.chars, "xchg rax, rax") == 0) strcpy(text.chars, ".byte 0x48, 0x87, 0xc0");
    add_line(l, l->base + at, text.chars);
}

static bool have_gnu_as(void) { return system("as --version 2>/dev/null | grep -q GNU") == 0; }

static uint8_t *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = xmalloc(*size);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static void show_line(FILE *source, size_t number) {
    char line[2 * MAX_TEXT];
    rewind(source);
    for (size_t i = 0; i <= number; i++) assert_non_null(fgets(line, sizeof line, source));
    line[strcspn(line, "\n")] = 0;
    printf("'%s': ", line);
}

// Do as and we agree? If not, says where they differ for the first time.
static bool equals_as(const Listing *l, const uint8_t *ours, size_t size, const char *path) {
    size_t as_size;
    uint8_t *theirs = read_file(path, &as_size);
    size_t i = 0;
    while (i < size && i < as_size && ours[i] == theirs[i]) i++;
    if (i < size || i < as_size) {
        size_t line = 0;
        while (line + 1 < l->num_lines && l->lines[line + 1] <= i) line++;
        uint32_t start = l->lines[line], end = line + 1 < l->num_lines ? l->lines[line + 1] : (uint32_t)size;
        show_line(l->source, line);
        print_bytes(stdout, ours + start, end - start);
        fputs(", but as says ", stdout);
        print_bytes(stdout, theirs + start, as_size - start < 15 ? as_size - start : 15);
        puts(" ...");
    }
    free(theirs);
    return i == size && i == as_size;
}

static void test_every_form_equals_gnu_as(void **state) {
    (void)state;
    if (!have_gnu_as()) {
        puts("GNU as is not installed");
        skip();
    }
    char directory[] = "/tmp/test_asm.XXXXXX", command[256], path[64];
    assert_non_null(mkdtemp(directory));
    sprintf(path, "%s/all.s", directory);
    Listing listing = {.source = fopen(path, "w+")};
    assert_non_null(listing.source);
    add_line(&listing, 0, ".intel_syntax noprefix");
    Assembler all;
    asm_init(&all, CODE_LIMIT);
    for (int i = 0; i < NUM_FORMS; i++) {
        Assembler a;
        Visitor v = visitor(&a, list_encoding, &listing);
        char org[32];
        listing.base = asm_offset(&all);
        sprintf(org, ".org %u", listing.base);
        add_line(&listing, listing.base, org);
        visit_form(&v, &forms[i]);
        all.code = realloc(all.code, all.size + a.size);
        memcpy(all.code + all.size, a.code, a.size);
        all.size += a.size;
        asm_free(&a);
    }
    fflush(listing.source);
    sprintf(command, "cd %s && as -o all.o all.s && objcopy -O binary -j .text all.o all.bin", directory);
    bool assembled = system(command) == 0;
    sprintf(path, "%s/all.bin", directory);
    bool equal = assembled && equals_as(&listing, all.code, all.size, path);
    fclose(listing.source);
    free(listing.lines);
    asm_free(&all);
    sprintf(command, "rm -r %s", directory);
    assert_int_equal(system(command), 0);
    assert_true(equal);
}

// Oracle 3: the committed bytes. ASM_GOLDEN=FILE in the environment writes them ("make golden").

typedef struct Golden {
    const char *name;
    size_t count;
    uint64_t hash;         // over all encodings
    const char *samples[3]; // the first, the middle and the last of them
} Golden;

static const Golden goldens[] = {
#include "asm_golden.inc"
};

typedef struct Recorder {
    uint32_t *starts; // of each encoding
    size_t num_starts, cap_starts;
} Recorder;

static void record(Visitor *v, const Form *form, const Operands *o) {
    Recorder *r = v->data;
    GROW(r->starts, r->num_starts, r->cap_starts);
    r->starts[r->num_starts++] = emit(v, form, o);
}

// FNV-1a over the lengths and the bytes of the encodings.
static uint64_t hash_encodings(const Assembler *a, const Recorder *r) {
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0, at = 0; i < r->num_starts; i++) {
        size_t end = i + 1 < r->num_starts ? r->starts[i + 1] : a->size;
        hash = (hash ^ (end - at)) * 0x100000001B3u;
        for (; at < end; at++) hash = (hash ^ a->code[at]) * 0x100000001B3u;
    }
    return hash;
}

static void sample(char *text, const Assembler *a, const Recorder *r, size_t i) {
    size_t end = i + 1 < r->num_starts ? r->starts[i + 1] : a->size;
    for (size_t at = r->starts[i]; at < end; at++) text += sprintf(text, "%02x", a->code[at]);
}

static const Golden *golden_of(const char *name) {
    for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++)
        if (strcmp(goldens[i].name, name) == 0) return &goldens[i];
    return NULL;
}

// Compare with the golden row, or write a new one. Returns false and says why if they differ.
static bool check_golden(const Form *form, const Assembler *a, const Recorder *r, FILE *out) {
    uint64_t hash = hash_encodings(a, r);
    char samples[3][32];
    for (size_t i = 0; i < 3; i++) sample(samples[i], a, r, i * (r->num_starts - 1) / 2);
    if (out) {
        fprintf(out, "{\"%s\", %zu, 0x%016llx, {\"%s\", \"%s\", \"%s\"}},\n", form->name, r->num_starts,
                (unsigned long long)hash, samples[0], samples[1], samples[2]);
        return true;
    }
    const Golden *golden = golden_of(form->name);
    if (!golden) {
        printf("asm_%s: no golden bytes; see \"To add a form\" in asm/asm.h\n", form->name);
        return false;
    }
    for (int i = 0; i < 3; i++)
        if (strcmp(golden->samples[i], samples[i]) != 0)
            printf("asm_%s: expected %s, got %s\n", form->name, golden->samples[i], samples[i]);
    if (golden->count == r->num_starts && golden->hash == hash) return true;
    printf("asm_%s: %zu encodings with hash %016llx, expected %zu with %016llx\n", form->name, r->num_starts,
           (unsigned long long)hash, golden->count, (unsigned long long)golden->hash);
    return false;
}

static void test_every_form_has_its_golden_bytes(void **state) {
    (void)state;
    const char *path = getenv("ASM_GOLDEN");
    FILE *out = path ? fopen(path, "w") : NULL;
    int wrong = 0;
    for (int i = 0; i < NUM_FORMS; i++) {
        Assembler a;
        Recorder recorder = {0};
        Visitor v = visitor(&a, record, &recorder);
        visit_form(&v, &forms[i]);
        wrong += !check_golden(&forms[i], &a, &recorder, out);
        free(recorder.starts);
        asm_free(&a);
    }
    if (out) fclose(out);
    else assert_int_equal(sizeof goldens / sizeof *goldens, NUM_FORMS);
    assert_int_equal(wrong, 0);
}

// Labels, relocations, constants and errors.

static Assembler *fresh(size_t limit) {
    static Assembler a; // one at a time; the test frees it
    asm_init(&a, limit);
    return &a;
}

static void assert_code(const Assembler *a, const char *expected) {
    char text[3 * 64 + 1] = "";
    assert_true(a->size <= 64);
    for (size_t i = 0; i < a->size; i++) sprintf(text + 3 * i, "%02x ", a->code[i]);
    if (a->size) text[3 * a->size - 1] = 0;
    assert_string_equal(text, expected);
}

static int64_t field32(const Assembler *a, size_t at) {
    int32_t field;
    memcpy(&field, a->code + at, sizeof field);
    return field;
}

static uint64_t field64(const Assembler *a, size_t at) {
    uint64_t field;
    memcpy(&field, a->code + at, sizeof field);
    return field;
}

static void test_jumps_reach_labels_before_and_behind_them(void **state) {
    (void)state;
    Assembler *a = fresh(100);
    Label back = LABEL_INIT, forward = LABEL_INIT;
    asm_bind(a, &back);
    asm_jmp(a, &forward);
    asm_jcc(a, CC_NE, &forward);
    asm_jmp_short(a, &forward);
    asm_jcc_short(a, CC_G, &forward);
    asm_call(a, &forward);
    asm_bind(a, &forward);
    asm_jmp(a, &back);
    asm_jcc(a, CC_L, &back);
    asm_jmp_short(a, &back);
    asm_jcc_short(a, CC_O, &back);
    asm_call(a, &back);
    assert_true(asm_finish(a));
    assert_code(a, "e9 0f 00 00 00 0f 85 09 00 00 00 eb 07 7f 05 e8 00 00 00 00 "
                   "e9 e7 ff ff ff 0f 8c e1 ff ff ff eb df 70 dd e8 d8 ff ff ff");
    assert_int_equal(forward.position, 20);
    asm_free(a);
}

// Every condition, near and short, decoded by Capstone at its target.
static void test_every_condition_jumps_to_its_label(void **state) {
    (void)state;
    Decoder d = open_decoder();
    for (unsigned cc = 0; cc < 32; cc++) {
        Assembler *a = fresh(400);
        Label target = LABEL_INIT;
        bool is_near = cc & 16;
        asm_nop(a, is_near ? 200 : 20);
        uint32_t at = asm_offset(a);
        if (is_near) asm_jcc(a, (Cond)(cc & 15), &target);
        else asm_jcc_short(a, (Cond)(cc & 15), &target);
        char text[2 * MAX_TEXT], expected[64];
        assert_int_equal(asm_offset(a) - at, is_near ? 6 : 2);
        asm_nop(a, is_near ? 200 : 100);
        asm_bind(a, &target);
        a->size = at + (is_near ? 6 : 2);
        sprintf(expected, "j%s 0x%x", conditions[cc & 15], target.position);
        assert_string_equal(decode(&d, a, at, text), expected);
        asm_free(a);
    }
    close_decoder(&d);
}

static void test_negated_conditions(void **state) {
    (void)state;
    assert_int_equal(cond_negate(CC_E), CC_NE);
    assert_int_equal(cond_negate(CC_GE), CC_L);
    assert_int_equal(cond_negate(CC_BE), CC_A);
    assert_int_equal(cond_negate(CC_NP), CC_P);
}

static AsmError short_jump(int distance) {
    Assembler *a = fresh(400);
    Label label = LABEL_INIT;
    if (distance < 0) {
        asm_bind(a, &label);
        asm_nop(a, (size_t)(-distance - 2));
        asm_jmp_short(a, &label);
    } else {
        asm_jmp_short(a, &label);
        asm_nop(a, (size_t)distance);
        asm_bind(a, &label);
    }
    AsmError error = a->error;
    assert_int_equal(asm_finish(a), error == ASM_OK);
    if (!error) assert_int_equal((int8_t)a->code[distance < 0 ? a->size - 1 : 1], distance);
    asm_free(a);
    return error;
}

static void test_short_jumps_reach_from_minus_128_to_127(void **state) {
    (void)state;
    assert_int_equal(short_jump(0), ASM_OK);
    assert_int_equal(short_jump(127), ASM_OK);
    assert_int_equal(short_jump(128), ASM_OUT_OF_REACH);
    assert_int_equal(short_jump(-128), ASM_OK);
    assert_int_equal(short_jump(-129), ASM_OUT_OF_REACH);
}

static void test_out_of_reach_is_sticky(void **state) {
    (void)state;
    Assembler *a = fresh(400);
    Label far_away = LABEL_INIT, other = LABEL_INIT;
    asm_jmp_short(a, &far_away);
    asm_jmp(a, &other);
    asm_nop(a, 200);
    asm_bind(a, &far_away);
    size_t size = a->size;
    asm_ret(a);
    asm_jmp(a, &other);
    asm_bind(a, &other);
    assert_int_equal(a->size, size);
    assert_int_equal(a->error, ASM_OUT_OF_REACH);
    assert_false(asm_finish(a));
    asm_free(a);
}

// A displacement at the edge of its range and the rest of the instruction together need 33 bits.
static void test_rip_relative_displacements_do_not_wrap(void **state) {
    (void)state;
    for (int ahead = 0; ahead < 2; ahead++) {
        Assembler *a = fresh(100);
        Label label = LABEL_INIT;
        if (!ahead) asm_bind(a, &label);
        asm_mov_mi(a, mem_rip_disp(&label, INT32_MIN), 7); // 48 c7 05 d32 imm32
        size_t end = a->size;
        asm_nop(a, 40);
        if (ahead) asm_bind(a, &label);
        assert_int_equal(asm_finish(a), ahead);
        assert_int_equal(a->error, ahead ? ASM_OK : ASM_OUT_OF_REACH);
        int32_t field;
        memcpy(&field, a->code + end - 8, sizeof field);
        if (ahead) assert_int_equal(field, INT32_MIN + 40);
        asm_free(a);
    }
}

static void test_rip_relative_operands_count_from_the_end_of_the_instruction(void **state) {
    (void)state;
    Assembler *a = fresh(100);
    Label label = LABEL_INIT;
    asm_mov_rm(a, RAX, mem_rip(&label));              // 48 8b 05 d32
    asm_cmp_mi(a, mem_rip(&label), 1000);             // 48 81 3d d32 imm32
    asm_cmp8_mi(a, mem_rip_disp(&label, 4), 1);       // 80 3d d32 imm8
    asm_roundsd_xmi(a, XMM1, mem_rip(&label), ROUND_DOWN);
    asm_bind(a, &label);
    asm_lea_rm(a, RDX, mem_rip(&label));
    assert_true(asm_finish(a));
    assert_int_equal(field32(a, 3), 35 - 7);
    assert_int_equal(field32(a, 7 + 3), 35 - 18);
    assert_int_equal(field32(a, 18 + 2), 35 + 4 - 25);
    assert_int_equal(field32(a, 25 + 5), 35 - 35);
    assert_int_equal(field32(a, 35 + 3), -7);
    asm_free(a);
}

static void test_relocations_depend_on_the_address(void **state) {
    (void)state;
    Assembler *a = fresh(100);
    Label before = LABEL_INIT, after = LABEL_INIT;
    const uint64_t base = 0x7F0000000000, target = base + 0x12345678;
    asm_bind(a, &before);
    asm_call_abs(a, (const void *)target);       // offset 0
    asm_jmp_abs(a, (const void *)target);        // 5
    asm_jcc_abs(a, CC_E, (const void *)target);  // 10
    asm_mov_rl(a, RAX, &before);                 // 16
    asm_mov_rl(a, R9, &after);                   // 26
    asm_bind(a, &after);                         // 36
    assert_true(asm_finish(a));
    for (uint64_t address = base; address < base + 0x3000; address += 0x1000) {
        assert_true(asm_relocate(a, address));
        assert_int_equal(field32(a, 1), target - (address + 5));
        assert_int_equal(field32(a, 6), target - (address + 10));
        assert_int_equal(field32(a, 12), target - (address + 16));
        assert_int_equal(field64(a, 18), address);
        assert_int_equal(field64(a, 28), address + 36);
    }
    assert_int_equal(a->code[0], 0xE8);
    assert_int_equal(a->code[5], 0xE9);
    assert_int_equal(a->code[11], 0x84);
    asm_free(a);
}

static void test_relocations_reach_two_gibibytes(void **state) {
    (void)state;
    const uint64_t address = 0x7F0000000000;
    const struct { int64_t distance; bool fits; } cases[] = {
        {INT32_MAX, true}, {INT64_C(1) + INT32_MAX, false},
        {INT32_MIN, true}, {INT64_C(-1) + INT32_MIN, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Assembler *a = fresh(100);
        asm_call_abs(a, (const void *)(address + 5 + (uint64_t)cases[i].distance));
        assert_true(asm_finish(a));
        assert_int_equal(asm_relocate(a, address), cases[i].fits);
        if (cases[i].fits) assert_int_equal(field32(a, 1), cases[i].distance);
        asm_free(a);
    }
}

static void test_constants_are_shared_aligned_and_behind_the_code(void **state) {
    (void)state;
    Assembler *a = fresh(1000);
    Label *one = asm_const_double(a, 1.0), *two = asm_const64(a, 0x4000000000000000);
    Label *wide = asm_const128(a, 0x3FF0000000000000, 0);
    assert_ptr_equal(asm_const64(a, 0x3FF0000000000000), one);
    assert_ptr_equal(asm_const_double(a, 2.0), two);
    assert_ptr_equal(asm_const128(a, 0x3FF0000000000000, 0), wide);
    assert_ptr_not_equal(one, wide);
    assert_ptr_not_equal(asm_const128(a, 0, 0x3FF0000000000000), wide);
    asm_movsd_xm(a, XMM0, mem_rip(one)); // 8 bytes
    asm_addsd_xm(a, XMM0, mem_rip(two)); // 8
    asm_xorpd_xm(a, XMM9, mem_rip(wide)); // 9
    asm_ret(a);
    assert_true(asm_finish(a));
    assert_int_equal(a->code_size, 26);
    assert_int_equal(a->size, 32 + 16 + 16 + 8 + 8);
    assert_int_equal(wide->position, 32);
    assert_int_equal(one->position, 64);
    assert_int_equal(two->position, 72);
    assert_int_equal(field32(a, 4), 64 - 8);
    assert_int_equal(field32(a, 12), 72 - 16);
    assert_int_equal(field32(a, 21), 32 - 25);
    assert_int_equal(field64(a, 32), 0x3FF0000000000000);
    assert_int_equal(field64(a, 40), 0);
    assert_int_equal(field64(a, 64), 0x3FF0000000000000);
    assert_int_equal(field64(a, 72), 0x4000000000000000);
    assert_true(asm_finish(a)); // a second call changes nothing
    assert_int_equal(a->size, 80);
    asm_free(a);
}

static void test_many_constants(void **state) {
    (void)state;
    enum { COUNT = 20000 };
    Assembler *a = fresh(CODE_LIMIT);
    Label **labels = xmalloc(COUNT * sizeof *labels);
    for (uint64_t i = 0; i < COUNT; i++) labels[i] = asm_const64(a, i << (i % 3 * 20));
    for (uint64_t i = 0; i < COUNT; i++) assert_ptr_equal(asm_const64(a, i << (i % 3 * 20)), labels[i]);
    assert_true(asm_finish(a));
    for (uint64_t i = 0; i < COUNT; i++)
        assert_int_equal(field64(a, (size_t)labels[i]->position), i << (i % 3 * 20));
    free(labels);
    asm_free(a);
}

// A byte that does nothing is a nop for Capstone too, and n bytes need n/9 instructions, rounded up.
static void test_nops_of_every_length(void **state) {
    (void)state;
    Decoder d = open_decoder();
    for (size_t size = 0; size <= 64; size++) {
        Assembler *a = fresh(100);
        asm_nop(a, size);
        assert_int_equal(a->size, size);
        const uint8_t *code = a->code;
        uint64_t address = 0;
        size_t left = size, count = 0;
        while (left > 0 && cs_disasm_iter(d.handle, &code, &left, &address, d.insn)) {
            bool is_nop = strcmp(d.insn->mnemonic, "nop") == 0 || strcmp(d.insn->op_str, "ax, ax") == 0;
            assert_true(is_nop);
            count++;
        }
        assert_int_equal(left, 0);
        assert_int_equal(count, (size + 8) / 9);
        asm_free(a);
    }
    close_decoder(&d);
}

static void test_align_pads_with_nops(void **state) {
    (void)state;
    for (size_t start = 0; start <= 40; start++) {
        Assembler *a = fresh(100);
        asm_nop(a, start);
        asm_align(a, 16);
        assert_int_equal(a->size, (start + 15) / 16 * 16);
        asm_free(a);
    }
}

// A program with one of everything that can run into the limit.
static void emit_sample(Assembler *a) {
    Label back = LABEL_INIT, forward = LABEL_INIT;
    asm_bind(a, &back);
    asm_mov_ri(a, RAX, INT64_MAX);
    asm_movsd_xm(a, XMM0, mem_rip(asm_const64(a, 42)));
    asm_xorps_xm(a, XMM1, mem_rip(asm_const128(a, 1, 2)));
    asm_jcc(a, CC_E, &forward);
    asm_jmp_short(a, &back);
    asm_call_abs(a, NULL);
    asm_mov_rl(a, RCX, &forward);
    asm_align(a, 16);
    asm_bind(a, &forward);
    asm_ret(a);
}

static void test_every_limit_cuts_between_instructions(void **state) {
    (void)state;
    Assembler whole;
    asm_init(&whole, 1000);
    emit_sample(&whole);
    assert_true(asm_finish(&whole));
    for (size_t limit = 0; limit <= whole.size; limit++) {
        Assembler *a = fresh(limit);
        emit_sample(a);
        assert_int_equal(asm_finish(a), limit == whole.size);
        assert_int_equal(a->error, limit == whole.size ? ASM_OK : ASM_FULL);
        assert_true(a->size <= limit);
        asm_relocate(a, 0x10000); // harmless even then
        asm_free(a);
    }
    asm_free(&whole);
}

static void test_a_full_buffer_stays_full(void **state) {
    (void)state;
    Assembler *a = fresh(4);
    asm_add_rr(a, RAX, RCX);
    asm_add_rr(a, RAX, RCX);
    assert_int_equal(a->error, ASM_FULL);
    asm_ret(a); // would fit, but must not stand behind a hole
    assert_code(a, "48 01 c8");
    assert_false(asm_finish(a));
    asm_free(a);
}

// Bugs of ours abort: each of these runs in a child process that must end in fatal().

static void use_without_bind(void) {
    Assembler *a = fresh(100);
    Label label = LABEL_INIT;
    asm_jmp(a, &label);
    asm_finish(a);
}
static void bind_twice(void) {
    Assembler *a = fresh(100);
    Label label = LABEL_INIT;
    asm_bind(a, &label);
    asm_bind(a, &label);
}
static void address_without_bind(void) {
    Assembler *a = fresh(100);
    Label label = LABEL_INIT;
    asm_mov_rl(a, RAX, &label);
    asm_finish(a);
}
static void rsp_as_index(void) { mem_index(RAX, RSP, 1, 0); }
static void scale_of_three(void) { mem_scaled(RAX, 3, 0); }
static void shift_by_64(void) { asm_shl_ri(fresh(100), RAX, 64); }
static void shift_by_32(void) { asm_sar32_ri(fresh(100), RAX, 32); }
static void rorx_by_64(void) { asm_rorx_rri(fresh(100), RAX, RAX, 64); }
static void bit_64(void) { asm_bt_ri(fresh(100), RAX, 64); }
static void byte_of_256(void) { asm_cmp8_mi(fresh(100), mem(RAX, 0), 256); }
static void word_of_65536(void) { asm_cmp16_mi(fresh(100), mem(RAX, 0), 65536); }
static void shuffle_by_256(void) { asm_pshufd_xxi(fresh(100), XMM0, XMM1, 256); }
static void constant_after_the_end(void) {
    Assembler *a = fresh(100);
    asm_finish(a);
    asm_const64(a, 1);
}

static int exit_status_of(void (*function)(void)) {
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr)) _exit(99);
        function();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_bugs_abort(void **state) {
    (void)state;
    static const struct { const char *name; void (*function)(void); } bugs[] = {
        {"a label used, never bound", use_without_bind}, {"a label bound twice", bind_twice},
        {"the address of a label never bound", address_without_bind},
        {"RSP as an index", rsp_as_index}, {"a scale of 3", scale_of_three},
        {"shl rax, 64", shift_by_64}, {"sar eax, 32", shift_by_32}, {"rorx by 64", rorx_by_64},
        {"bt rax, 64", bit_64}, {"a byte of 256", byte_of_256}, {"a word of 65536", word_of_65536},
        {"pshufd with 256", shuffle_by_256}, {"a constant after asm_finish", constant_after_the_end},
    };
    for (size_t i = 0; i < sizeof bugs / sizeof *bugs; i++) {
        int status = exit_status_of(bugs[i].function);
        if (status != EXIT_BUG) fail_msg("%s: exit status %d, expected %d", bugs[i].name, status, EXIT_BUG);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_every_form_has_its_golden_bytes),
    cmocka_unit_test(test_every_form_is_decoded_by_capstone),
    cmocka_unit_test(test_every_form_equals_gnu_as),
    cmocka_unit_test(test_jumps_reach_labels_before_and_behind_them),
    cmocka_unit_test(test_every_condition_jumps_to_its_label),
    cmocka_unit_test(test_negated_conditions),
    cmocka_unit_test(test_short_jumps_reach_from_minus_128_to_127),
    cmocka_unit_test(test_out_of_reach_is_sticky),
    cmocka_unit_test(test_rip_relative_operands_count_from_the_end_of_the_instruction),
    cmocka_unit_test(test_relocations_depend_on_the_address),
    cmocka_unit_test(test_relocations_reach_two_gibibytes),
    cmocka_unit_test(test_constants_are_shared_aligned_and_behind_the_code),
    cmocka_unit_test(test_many_constants),
    cmocka_unit_test(test_nops_of_every_length),
    cmocka_unit_test(test_align_pads_with_nops),
    cmocka_unit_test(test_every_limit_cuts_between_instructions),
    cmocka_unit_test(test_a_full_buffer_stays_full),
    cmocka_unit_test(test_rip_relative_displacements_do_not_wrap),
    cmocka_unit_test(test_bugs_abort),
};
TEST_MAIN(tests)
