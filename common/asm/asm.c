// The x86-64 assembler (see asm.h).
//
// An instruction is   [F0] [66|F3|F2] [REX] [0F|0F 38|0F 3A] opcode [ModRM [SIB] [disp]] [imm]
//
//   66 F3 F2 an operand size or repeat prefix, or, before most SSE opcodes, simply a part of the
//            opcode ("mandatory prefix"). It must stand before REX: a REX that is not directly
//            followed by the opcode or its 0F is ignored.
//   REX      0100WRXB    W: 64-bit operation; R, X, B: fourth bit of reg, index, rm/base.
//            Any REX turns the byte registers 4 to 7 from AH CH DH BH into SPL BPL SIL DIL.
//   ModRM    mm rrr bbb  mm: what bbb means; rrr: a register or a part of the opcode
//                          11  the register bbb
//                          00  memory [bbb]            (but bbb = 101: rip-relative)
//                          01  memory [bbb + disp8]
//                          10  memory [bbb + disp32]
//                        in memory forms bbb = 100 means "a SIB byte follows"
//   SIB      ss iii bbb  [bbb + iii << ss]; iii = 100 means "no index" (but R12, 1100, is one);
//                        bbb = 101 under mm = 00 means "no base, disp32"
//
// A VEX prefix packs prefix, REX and map into three bytes, C4 RXBmmmmm WvvvvLpp, R, X, B and vvvv
// inverted, and adds the operand vvvv. The BMI2 shifts exist in this encoding only.
//
// Sources: Intel SDM volume 2, sections 2.1, 2.2.1 and 2.3.
#include "asm/asm.h"

#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"

enum {
    REX = 0x40, REX_W = 8, REX_R = 4, REX_X = 2, REX_B = 1,
    SIB_FOLLOWS = 4,  // as rm
    NO_BASE = 5,      // as base of a SIB under mode 0
    RIP_RELATIVE = 5, // as rm under mode 0
    INT3 = 0xCC,
    MAX_INSTRUCTION = 15, // bytes; SDM vol. 2, section 2.3.11
};

// An opcode number for the helpers below: fields above the opcode byte.
//
//   31     20    18  17 16    15      14      13   12  11 10  9 8   7    0
//   +--------+------+-------+------+----------+------+---+------+-----+--------+
//   |  vvvv  |  L   | space | LOCK | BYTE_REG | BYTE | W |  pp  | map | opcode |
//   +--------+------+-------+------+----------+------+---+------+-----+--------+
//
// map, pp, W, L and vvvv are numbered as in a VEX (and EVEX) prefix.
enum {
    MAP_SHIFT = 8, PREFIX_SHIFT = 10, VVVV_SHIFT = 20,
    OF = 1 << 8, OF38 = 2 << 8, OF3A = 3 << 8,   // the opcode's map: its escape bytes
    P66 = 1 << 10, PF3 = 2 << 10, PF2 = 3 << 10, // the prefix
    W = 1 << 12,        // 64-bit operation
    BYTE = 1 << 13,     // rm is a byte register
    BYTE_REG = 1 << 14, // reg is a byte register
    LOCK = 1 << 15,     // atomic
    VEX = 1 << 16,      // encoding space: VEX, with vvvv as third register; 2 << 16 is EVEX's (step 10)
};

void asm_init(Assembler *a, size_t limit) {
    *a = (Assembler){.limit = limit < INT32_MAX ? limit : INT32_MAX};
}

void asm_free(Assembler *a) {
    free(a->code);
    free(a->fixups);
    free(a->relocs);
    arena_free(&a->arena);
    *a = (Assembler){0};
}

static bool fits8(int64_t value) { return value == (int8_t)value; }
static bool fits32(int64_t value) { return value == (int32_t)value; }

// Memory operands.

static unsigned log2_of_scale(int scale) {
    switch (scale) {
    case 1: return 0;
    case 2: return 1;
    case 4: return 2;
    case 8: return 3;
    }
    fatal("a memory operand's scale is 1, 2, 4 or 8, not %d", scale);
}

Mem mem_scaled(Reg index, int scale, int32_t disp) {
    if (index == RSP) fatal("RSP cannot be an index: its number means that there is none");
    return (Mem){.kind = MEM_SCALED, .index = index, .scale = log2_of_scale(scale), .disp = disp};
}

Mem mem_index(Reg base, Reg index, int scale, int32_t disp) {
    Mem m = mem_scaled(index, scale, disp);
    m.kind = MEM_BASE;
    m.base = base;
    return m;
}

Mem mem_rip(Label *label) { return mem_rip_disp(label, 0); }

Mem mem_rip_disp(Label *label, int32_t disp) {
    return (Mem){.kind = MEM_RIP, .index = RSP, .disp = disp, .label = label};
}

// Emission. An instruction is collected here whole and then appended whole or not at all.
typedef struct Ins {
    uint8_t bytes[MAX_INSTRUCTION];
    unsigned size;
    Label *label; // if not NULL: a field of this instruction depends on the label
    FixupKind kind;
    unsigned field; // offset of that field
    int32_t disp;   // added to the label's position
} Ins;

static void put8(Ins *ins, unsigned byte) { ins->bytes[ins->size++] = (uint8_t)byte; }

static void put16(Ins *ins, unsigned value) {
    put8(ins, value & 0xFF);
    put8(ins, value >> 8 & 0xFF);
}

static void put32(Ins *ins, uint32_t value) {
    memcpy(ins->bytes + ins->size, &value, sizeof value);
    ins->size += sizeof value;
}

static void put64(Ins *ins, uint64_t value) {
    memcpy(ins->bytes + ins->size, &value, sizeof value);
    ins->size += sizeof value;
}

// An empty field, to be filled in when the label's position is known. One for each instruction.
static void put_label(Ins *ins, Label *label, FixupKind kind, int32_t disp) {
    ins->label = label;
    ins->kind = kind;
    ins->field = ins->size;
    ins->disp = disp;
    ins->size += kind == FIXUP_REL8 ? 1 : kind == FIXUP_REL32 ? 4 : 8;
}

static void put_rex(Ins *ins, unsigned op, unsigned reg, unsigned index, unsigned base) {
    unsigned rex = (op & W ? REX_W : 0) | (reg >= 8 ? REX_R : 0) | (index >= 8 ? REX_X : 0) |
                   (base >= 8 ? REX_B : 0);
    bool byte_needs_rex = (op & BYTE && base >= RSP) || (op & BYTE_REG && reg >= RSP);
    if (rex || byte_needs_rex) put8(ins, REX | rex);
}

static void put_vex(Ins *ins, unsigned op, unsigned reg, unsigned index, unsigned base) {
    unsigned rxb = (reg >= 8) << 7 | (index >= 8) << 6 | (base >= 8) << 5;
    unsigned vvvv = op >> VVVV_SHIFT & 15;
    put8(ins, 0xC4);
    put8(ins, (rxb ^ 0xE0) | (op >> MAP_SHIFT & 3));
    put8(ins, (op & W ? 0x80 : 0) | (vvvv ^ 15) << 3 | (op >> PREFIX_SHIFT & 3));
}

// Everything up to and including the opcode byte. `index` and `base` are 0 where there is none.
static void put_opcode(Ins *ins, unsigned op, unsigned reg, unsigned index, unsigned base) {
    if (op & VEX) {
        put_vex(ins, op, reg, index, base);
    } else {
        static const uint8_t prefixes[] = {0, 0x66, 0xF3, 0xF2};
        static const uint8_t second_escapes[] = {0, 0, 0x38, 0x3A};
        unsigned prefix = prefixes[op >> PREFIX_SHIFT & 3], map = op >> MAP_SHIFT & 3;
        if (op & LOCK) put8(ins, 0xF0);
        if (prefix) put8(ins, prefix);
        put_rex(ins, op, reg, index, base);
        if (map) put8(ins, 0x0F);
        if (second_escapes[map]) put8(ins, second_escapes[map]);
    }
    put8(ins, op & 0xFF);
}

static void put_modrm(Ins *ins, unsigned mode, unsigned reg, unsigned rm) {
    put8(ins, mode << 6 | (reg & 7) << 3 | (rm & 7));
}

static void put_sib(Ins *ins, unsigned scale, unsigned index, unsigned base) {
    put8(ins, scale << 6 | (index & 7) << 3 | (base & 7));
}

// op reg, rm with rm a register. `reg` may also be an opcode extension ("/digit" in the SDM).
static void put_rr(Ins *ins, unsigned op, unsigned reg, unsigned rm) {
    put_opcode(ins, op, reg, 0, rm);
    put_modrm(ins, 3, reg, rm);
}

// The operand [base + index*scale + disp]. Two bases are special, together with their upper twins:
// RSP and R12 need a SIB byte; RBP and R13 always need a displacement, even if it is zero.
static void put_base(Ins *ins, unsigned reg, Mem m) {
    bool needs_sib = m.index != RSP || (m.base & 7) == RSP;
    bool needs_disp = m.disp != 0 || (m.base & 7) == RBP;
    unsigned mode = !needs_disp ? 0 : fits8(m.disp) ? 1 : 2;
    put_modrm(ins, mode, reg, needs_sib ? SIB_FOLLOWS : m.base);
    if (needs_sib) put_sib(ins, m.scale, m.index, m.base);
    if (mode == 1) put8(ins, (uint8_t)m.disp);
    if (mode == 2) put32(ins, (uint32_t)m.disp);
}

// op reg, memory.
static void put_rm(Ins *ins, unsigned op, unsigned reg, Mem m) {
    put_opcode(ins, op, reg, m.index, m.base);
    switch (m.kind) {
    case MEM_BASE:
        put_base(ins, reg, m);
        break;
    case MEM_SCALED:
        put_modrm(ins, 0, reg, SIB_FOLLOWS);
        put_sib(ins, m.scale, m.index, NO_BASE);
        put32(ins, (uint32_t)m.disp);
        break;
    case MEM_RIP:
        put_modrm(ins, 0, reg, RIP_RELATIVE);
        put_label(ins, m.label, FIXUP_REL32, m.disp);
        break;
    }
}

// The code buffer, labels, fix-ups and relocations. A field that depends on a label which is not
// bound yet leaves a fix-up behind; asm_bind fills it in.

static void set_error(Assembler *a, AsmError error) {
    if (!a->error) a->error = error;
}

static bool reserve(Assembler *a, size_t size) {
    if (a->error) return false;
    if (size > a->limit - a->size) {
        set_error(a, ASM_FULL);
        return false;
    }
    while (a->cap_code < a->size + size) GROW(a->code, a->cap_code, a->cap_code);
    return true;
}

static void append_bytes(Assembler *a, const void *bytes, size_t size) {
    if (!reserve(a, size)) return;
    memcpy(a->code + a->size, bytes, size);
    a->size += size;
}

static uint32_t add_reloc(Assembler *a, int kind, uint32_t at, uint64_t target) {
    GROW(a->relocs, a->num_relocs, a->cap_relocs);
    a->relocs[a->num_relocs] = (Reloc){kind, at, target};
    return (uint32_t)a->num_relocs++;
}

static void resolve(Assembler *a, const Fixup *use, int32_t position) {
    if (use->kind == FIXUP_ABS64) {
        a->relocs[use->at].target = (uint64_t)position;
        return;
    }
    int64_t distance = (int64_t)position + use->addend - use->at;
    bool fits = use->kind == FIXUP_REL8 ? fits8(distance) : fits32(distance);
    if (!fits) set_error(a, ASM_OUT_OF_REACH);
    int32_t field = (int32_t)distance;
    memcpy(a->code + use->at, &field, use->kind == FIXUP_REL8 ? 1 : sizeof field);
}

// Distances count from the end of the instruction, which an immediate may separate from the field.
static void use_label(Assembler *a, const Ins *ins, uint32_t start) {
    Fixup use = {.kind = ins->kind, .at = start + ins->field, .next = ins->label->uses};
    use.addend = (int64_t)ins->disp - (int64_t)(ins->size - ins->field);
    if (use.kind == FIXUP_ABS64) use.at = add_reloc(a, RELOC_ABS64, use.at, 0);
    if (ins->label->position >= 0) {
        resolve(a, &use, ins->label->position);
        return;
    }
    GROW(a->fixups, a->num_fixups, a->cap_fixups);
    a->fixups[a->num_fixups] = use;
    ins->label->uses = (int32_t)a->num_fixups++;
    a->unbound_uses++;
}

// Append a whole instruction, or nothing.
static void append(Assembler *a, const Ins *ins) {
    uint32_t start = asm_offset(a);
    append_bytes(a, ins->bytes, ins->size);
    if (ins->label && !a->error) use_label(a, ins, start);
}

void asm_bind(Assembler *a, Label *label) {
    if (label->position >= 0) fatal("label bound twice, at %d and %u", label->position, asm_offset(a));
    label->position = (int32_t)asm_offset(a);
    for (int32_t use = label->uses; use >= 0; use = a->fixups[use].next) {
        resolve(a, &a->fixups[use], label->position);
        a->unbound_uses--;
    }
    label->uses = -1;
}

bool asm_relocate(Assembler *a, uint64_t address) {
    for (size_t i = 0; i < a->num_relocs; i++) {
        const Reloc *reloc = &a->relocs[i];
        if (reloc->kind == RELOC_ABS64) {
            uint64_t value = address + reloc->target;
            memcpy(a->code + reloc->at, &value, sizeof value);
            continue;
        }
        int64_t distance = (int64_t)(reloc->target - (address + reloc->at + 4));
        if (!fits32(distance)) return false;
        int32_t field = (int32_t)distance;
        memcpy(a->code + reloc->at, &field, sizeof field);
    }
    return true;
}

// The constant pool. Equal constants are found in a tree that branches on the bits of a hash, top
// bit first; in the pool they stand in the order of their first use, the 16-byte ones in front.
struct Constant {
    uint64_t bits[2];
    size_t size; // 8 or 16
    Label label;
    Constant *next;     // in order of first use
    Constant *child[2];
};

static Label *find_constant(Assembler *a, size_t size, uint64_t low, uint64_t high) {
    uint64_t hash = (low ^ (high << 32 | high >> 32) ^ size) * 0x9E3779B97F4A7C15u; // 2^64 / golden ratio
    Constant **place = &a->constants;
    for (; *place; hash <<= 1) {
        Constant *c = *place;
        if (c->size == size && c->bits[0] == low && c->bits[1] == high) return &c->label;
        place = &c->child[hash >> 63];
    }
    if (a->finished) fatal("a new constant after asm_finish");
    *place = arena_alloc(&a->arena, sizeof **place);
    **place = (Constant){.bits = {low, high}, .size = size, .label = LABEL_INIT};
    *(a->last_constant ? a->last_constant : &a->first_constant) = *place;
    a->last_constant = &(*place)->next;
    return &(*place)->label;
}

Label *asm_const64(Assembler *a, uint64_t bits) { return find_constant(a, 8, bits, 0); }
Label *asm_const128(Assembler *a, uint64_t low, uint64_t high) { return find_constant(a, 16, low, high); }

static void append_constants(Assembler *a, size_t size) {
    for (Constant *c = a->first_constant; c; c = c->next) {
        if (c->size != size) continue;
        while (asm_offset(a) % size && !a->error) append_bytes(a, &(uint8_t){INT3}, 1);
        asm_bind(a, &c->label);
        append_bytes(a, c->bits, size);
    }
}

bool asm_finish(Assembler *a) {
    if (!a->finished) {
        a->finished = true;
        a->code_size = a->size;
        append_constants(a, 16);
        append_constants(a, 8);
    }
    if (a->error) return false;
    if (a->unbound_uses) fatal("%zu uses of labels that were never bound", a->unbound_uses);
    return true;
}

// Nops: SDM vol. 2, NOP, table 4-12.
void asm_nop(Assembler *a, size_t size) {
    static const uint8_t nops[][9] = {
        {0x90},
        {0x66, 0x90},
        {0x0F, 0x1F, 0x00},
        {0x0F, 0x1F, 0x40, 0},
        {0x0F, 0x1F, 0x44, 0, 0},
        {0x66, 0x0F, 0x1F, 0x44, 0, 0},
        {0x0F, 0x1F, 0x80, 0, 0, 0, 0},
        {0x0F, 0x1F, 0x84, 0, 0, 0, 0, 0},
        {0x66, 0x0F, 0x1F, 0x84, 0, 0, 0, 0, 0},
    };
    while (size > 0 && !a->error) {
        size_t length = size < 9 ? size : 9;
        append_bytes(a, nops[length - 1], length);
        size -= length;
    }
}

void asm_align(Assembler *a, size_t alignment) { asm_nop(a, -a->size & (alignment - 1)); }

// Shapes of instructions: what the table below is written in.

static void op(Assembler *a, unsigned op) {
    Ins ins = {0};
    put_opcode(&ins, op, 0, 0, 0);
    append(a, &ins);
}

// An opcode with the register in its low three bits.
static void op_r(Assembler *a, unsigned op, Reg r) {
    Ins ins = {0};
    put_opcode(&ins, op | (r & 7), 0, 0, r);
    append(a, &ins);
}

static void op_r_imm32(Assembler *a, unsigned op, Reg r, int32_t imm) {
    Ins ins = {0};
    put_opcode(&ins, op | (r & 7), 0, 0, r);
    put32(&ins, (uint32_t)imm);
    append(a, &ins);
}

static void op_rr(Assembler *a, unsigned op, unsigned reg, unsigned rm) {
    Ins ins = {0};
    put_rr(&ins, op, reg, rm);
    append(a, &ins);
}

static void op_rm(Assembler *a, unsigned op, unsigned reg, Mem m) {
    Ins ins = {0};
    put_rm(&ins, op, reg, m);
    append(a, &ins);
}

// An opcode of the VEX space with its third register.
static unsigned vex(unsigned op, unsigned vvvv) { return VEX | op | vvvv << VVVV_SHIFT; }

// With an immediate of one byte, signed or not.
static void put_imm8(Ins *ins, int64_t imm) {
    if (imm < INT8_MIN || imm > UINT8_MAX) fatal("%lld does not fit an immediate of 8 bits", (long long)imm);
    put8(ins, (uint8_t)imm);
}

static void op_imm8(Assembler *a, unsigned op, int imm) {
    Ins ins = {0};
    put_opcode(&ins, op, 0, 0, 0);
    put_imm8(&ins, imm);
    append(a, &ins);
}

static void op_imm32(Assembler *a, unsigned op, int32_t imm) {
    Ins ins = {0};
    put_opcode(&ins, op, 0, 0, 0);
    put32(&ins, (uint32_t)imm);
    append(a, &ins);
}

static void op_rri(Assembler *a, unsigned op, unsigned reg, unsigned rm, int64_t imm) {
    Ins ins = {0};
    put_rr(&ins, op, reg, rm);
    put_imm8(&ins, imm);
    append(a, &ins);
}

static void op_rmi(Assembler *a, unsigned op, unsigned reg, Mem m, int64_t imm) {
    Ins ins = {0};
    put_rm(&ins, op, reg, m);
    put_imm8(&ins, imm);
    append(a, &ins);
}

static void op_mi8(Assembler *a, unsigned op, unsigned digit, Mem m, int imm) {
    op_rmi(a, op, digit, m, imm);
}

static void check_imm16(int imm) {
    if (imm < INT16_MIN || imm > UINT16_MAX) fatal("%d does not fit an immediate of 16 bits", imm);
}

static void op_r_imm16(Assembler *a, unsigned op, Reg r, int imm) {
    check_imm16(imm);
    Ins ins = {0};
    put_opcode(&ins, op | (r & 7), 0, 0, r);
    put16(&ins, (unsigned)imm);
    append(a, &ins);
}

static void op_mi16(Assembler *a, unsigned op, unsigned digit, Mem m, int imm) {
    check_imm16(imm);
    Ins ins = {0};
    put_rm(&ins, op, digit, m);
    put16(&ins, (unsigned)imm);
    append(a, &ins);
}

static void op_ri32(Assembler *a, unsigned op, unsigned reg, unsigned rm, int32_t imm) {
    Ins ins = {0};
    put_rr(&ins, op, reg, rm);
    put32(&ins, (uint32_t)imm);
    append(a, &ins);
}

static void op_mi32(Assembler *a, unsigned op, unsigned reg, Mem m, int32_t imm) {
    Ins ins = {0};
    put_rm(&ins, op, reg, m);
    put32(&ins, (uint32_t)imm);
    append(a, &ins);
}

// The arithmetic group: /digit is the operation, in 83 (imm8, sign-extended), 81 (imm32) or 80
// (byte operands). With RAX and a full immediate there is a form without ModRM, one byte shorter.
static void alu_ri(Assembler *a, unsigned w, unsigned digit, Reg rm, int32_t imm) {
    if (fits8(imm)) op_rri(a, w | 0x83, digit, rm, imm);
    else if (rm == RAX) op_imm32(a, w | digit << 3 | 5, imm);
    else op_ri32(a, w | 0x81, digit, rm, imm);
}

static void alu_mi(Assembler *a, unsigned w, unsigned digit, Mem m, int32_t imm) {
    if (fits8(imm)) op_rmi(a, w | 0x83, digit, m, imm);
    else op_mi32(a, w | 0x81, digit, m, imm);
}

static void alu8_ri(Assembler *a, unsigned digit, Reg rm, int imm) {
    if (rm == RAX) op_imm8(a, digit << 3 | 4, imm);
    else op_rri(a, BYTE | 0x80, digit, rm, imm);
}

static void test_ri(Assembler *a, unsigned w, Reg rm, int32_t imm) {
    if (rm == RAX) op_imm32(a, w | 0xA9, imm);
    else op_ri32(a, w | 0xF7, 0, rm, imm);
}

static void test8_ri(Assembler *a, Reg rm, int imm) {
    if (rm == RAX) op_imm8(a, 0xA8, imm);
    else op_rri(a, BYTE | 0xF6, 0, rm, imm);
}

static void mov8_ri(Assembler *a, Reg d, int imm) {
    Ins ins = {0};
    put_opcode(&ins, BYTE | 0xB0 | (d & 7), 0, 0, d);
    put_imm8(&ins, imm);
    append(a, &ins);
}

static void imul_rri(Assembler *a, unsigned w, Reg d, Reg s, int32_t imm) {
    if (fits8(imm)) op_rri(a, w | 0x6B, d, s, imm);
    else op_ri32(a, w | 0x69, d, s, imm);
}

static void imul_rmi(Assembler *a, unsigned w, Reg d, Mem s, int32_t imm) {
    if (fits8(imm)) op_rmi(a, w | 0x6B, d, s, imm);
    else op_mi32(a, w | 0x69, d, s, imm);
}

// A shift or bit number that the machine would silently take modulo the width is a bug.
static void check_count(unsigned w, unsigned n) {
    unsigned width = w ? 64 : 32;
    if (n >= width) fatal("a shift or bit number of %u in an operation on %u bits", n, width);
}

static void shift_ri(Assembler *a, unsigned w, unsigned digit, Reg rm, unsigned n) {
    check_count(w, n);
    if (n == 1) op_rr(a, w | 0xD1, digit, rm);
    else op_rri(a, w | 0xC1, digit, rm, n);
}

static void rorx_rri(Assembler *a, unsigned w, Reg d, Reg s, unsigned n) {
    check_count(w, n);
    op_rri(a, vex(w | PF2 | OF3A | 0xF0, 0), d, s, n);
}

static void bit_ri(Assembler *a, unsigned w, unsigned digit, Reg rm, unsigned bit) {
    check_count(w, bit);
    op_rri(a, w | OF | 0xBA, digit, rm, bit);
}

static void bit_mi(Assembler *a, unsigned w, unsigned digit, Mem m, unsigned bit) {
    check_count(w, bit);
    op_rmi(a, w | OF | 0xBA, digit, m, bit);
}

// With RAX there is a form without ModRM. But 90, "xchg eax, eax", is nop: it does not clear the
// upper half of RAX.
static void xchg_rr(Assembler *a, unsigned w, Reg d, Reg s) {
    if (d == s) op_rr(a, w | 0x87, s, d);
    else if (d == RAX) op_r(a, w | 0x90, s);
    else if (s == RAX) op_r(a, w | 0x90, d);
    else op_rr(a, w | 0x87, s, d);
}

static void push_i(Assembler *a, int32_t imm) {
    if (fits8(imm)) op_imm8(a, 0x6A, imm);
    else op_imm32(a, 0x68, imm);
}

static void ret_i(Assembler *a, unsigned pop) {
    if (pop > UINT16_MAX) fatal("ret cannot drop %u bytes", pop);
    Ins ins = {0};
    put8(&ins, 0xC2);
    put16(&ins, pop);
    append(a, &ins);
}

// A jump or call to a label.
static void op_label(Assembler *a, unsigned op, FixupKind kind, Label *target) {
    Ins ins = {0};
    put_opcode(&ins, op, 0, 0, 0);
    put_label(&ins, target, kind, 0);
    append(a, &ins);
}

// A jump or call to a fixed address.
static void op_address(Assembler *a, unsigned op, const void *target) {
    Ins ins = {0};
    put_opcode(&ins, op, 0, 0, 0);
    put32(&ins, 0);
    append(a, &ins);
    if (!a->error) add_reloc(a, RELOC_REL32, asm_offset(a) - 4, (uint64_t)(uintptr_t)target);
}

// The instruction set. Beside each form its encoding as the SDM writes it, REX left out.

// Moves.
void asm_mov_rr(Assembler *a, Reg d, Reg s) { op_rr(a, W | 0x89, s, d); } // 89 /r
void asm_mov_rm(Assembler *a, Reg d, Mem s) { op_rm(a, W | 0x8B, d, s); } // 8B /r
void asm_mov_mr(Assembler *a, Mem d, Reg s) { op_rm(a, W | 0x89, s, d); } // 89 /r
void asm_mov_ri64(Assembler *a, Reg d, uint64_t imm) {
    Ins ins = {0};
    put_opcode(&ins, W | 0xB8 | (d & 7), 0, 0, d); // B8+r io
    put64(&ins, imm);
    append(a, &ins);
}
void asm_mov_ri(Assembler *a, Reg d, int64_t imm) {
    if (imm == (uint32_t)imm) op_r_imm32(a, 0xB8, d, (int32_t)imm);   // B8+r id: clears the upper half
    else if (fits32(imm)) op_ri32(a, W | 0xC7, 0, d, (int32_t)imm); // C7 /0 id: sign-extended
    else asm_mov_ri64(a, d, (uint64_t)imm);
}
void asm_mov_rl(Assembler *a, Reg d, Label *label) {
    Ins ins = {0};
    put_opcode(&ins, W | 0xB8 | (d & 7), 0, 0, d); // B8+r io
    put_label(&ins, label, FIXUP_ABS64, 0);
    append(a, &ins);
}
void asm_mov_mi(Assembler *a, Mem d, int32_t imm) { op_mi32(a, W | 0xC7, 0, d, imm); }         // C7 /0 id
void asm_mov32_rr(Assembler *a, Reg d, Reg s) { op_rr(a, 0x89, s, d); }                        // 89 /r
void asm_mov32_rm(Assembler *a, Reg d, Mem s) { op_rm(a, 0x8B, d, s); }                        // 8B /r
void asm_mov32_mr(Assembler *a, Mem d, Reg s) { op_rm(a, 0x89, s, d); }                        // 89 /r
void asm_mov32_ri(Assembler *a, Reg d, int32_t imm) { op_r_imm32(a, 0xB8, d, imm); }           // B8+r id
void asm_mov32_mi(Assembler *a, Mem d, int32_t imm) { op_mi32(a, 0xC7, 0, d, imm); }           // C7 /0 id
void asm_mov16_rr(Assembler *a, Reg d, Reg s) { op_rr(a, P66 | 0x89, s, d); }                  // 66 89 /r
void asm_mov16_rm(Assembler *a, Reg d, Mem s) { op_rm(a, P66 | 0x8B, d, s); }                  // 66 8B /r
void asm_mov16_ri(Assembler *a, Reg d, int imm) { op_r_imm16(a, P66 | 0xB8, d, imm); }         // 66 B8+r iw
void asm_mov16_mr(Assembler *a, Mem d, Reg s) { op_rm(a, P66 | 0x89, s, d); }                  // 66 89 /r
void asm_mov16_mi(Assembler *a, Mem d, int imm) { op_mi16(a, P66 | 0xC7, 0, d, imm); }         // 66 C7 /0 iw
void asm_mov8_rr(Assembler *a, Reg d, Reg s) { op_rr(a, BYTE | BYTE_REG | 0x88, s, d); }       // 88 /r
void asm_mov8_rm(Assembler *a, Reg d, Mem s) { op_rm(a, BYTE_REG | 0x8A, d, s); }              // 8A /r
void asm_mov8_mr(Assembler *a, Mem d, Reg s) { op_rm(a, BYTE_REG | 0x88, s, d); }              // 88 /r
void asm_mov8_ri(Assembler *a, Reg d, int imm) { mov8_ri(a, d, imm); }                         // B0+r ib
void asm_mov8_mi(Assembler *a, Mem d, int imm) { op_mi8(a, 0xC6, 0, d, imm); }                 // C6 /0 ib
void asm_movzx8_rr(Assembler *a, Reg d, Reg s) { op_rr(a, OF | BYTE | 0xB6, d, s); }           // 0F B6 /r
void asm_movzx8_rm(Assembler *a, Reg d, Mem s) { op_rm(a, OF | 0xB6, d, s); }                  // 0F B6 /r
void asm_movzx16_rr(Assembler *a, Reg d, Reg s) { op_rr(a, OF | 0xB7, d, s); }                 // 0F B7 /r
void asm_movzx16_rm(Assembler *a, Reg d, Mem s) { op_rm(a, OF | 0xB7, d, s); }                 // 0F B7 /r
void asm_movsx8_rr(Assembler *a, Reg d, Reg s) { op_rr(a, W | OF | BYTE | 0xBE, d, s); }       // 0F BE /r
void asm_movsx8_rm(Assembler *a, Reg d, Mem s) { op_rm(a, W | OF | 0xBE, d, s); }              // 0F BE /r
void asm_movsx8_32_rr(Assembler *a, Reg d, Reg s) { op_rr(a, OF | BYTE | 0xBE, d, s); }        // 0F BE /r
void asm_movsx8_32_rm(Assembler *a, Reg d, Mem s) { op_rm(a, OF | 0xBE, d, s); }               // 0F BE /r
void asm_movsx16_rr(Assembler *a, Reg d, Reg s) { op_rr(a, W | OF | 0xBF, d, s); }             // 0F BF /r
void asm_movsx16_rm(Assembler *a, Reg d, Mem s) { op_rm(a, W | OF | 0xBF, d, s); }             // 0F BF /r
void asm_movsx16_32_rr(Assembler *a, Reg d, Reg s) { op_rr(a, OF | 0xBF, d, s); }              // 0F BF /r
void asm_movsx16_32_rm(Assembler *a, Reg d, Mem s) { op_rm(a, OF | 0xBF, d, s); }              // 0F BF /r
void asm_movsxd_rr(Assembler *a, Reg d, Reg s) { op_rr(a, W | 0x63, d, s); }                   // 63 /r
void asm_movsxd_rm(Assembler *a, Reg d, Mem s) { op_rm(a, W | 0x63, d, s); }                   // 63 /r
void asm_lea_rm(Assembler *a, Reg d, Mem s) { op_rm(a, W | 0x8D, d, s); }                      // 8D /r
void asm_lea32_rm(Assembler *a, Reg d, Mem s) { op_rm(a, 0x8D, d, s); }                        // 8D /r
void asm_xchg_rr(Assembler *a, Reg d, Reg s) { xchg_rr(a, W, d, s); }                          // 90+r, 87 /r
void asm_xchg_mr(Assembler *a, Mem d, Reg s) { op_rm(a, W | 0x87, s, d); }                     // 87 /r
void asm_cmpxchg_mr(Assembler *a, Mem d, Reg s) { op_rm(a, W | OF | 0xB1, s, d); }             // 0F B1 /r
void asm_lock_cmpxchg_mr(Assembler *a, Mem d, Reg s) { op_rm(a, LOCK | W | OF | 0xB1, s, d); } // F0 0F B1 /r
void asm_lock_xadd_mr(Assembler *a, Mem d, Reg s) { op_rm(a, LOCK | W | OF | 0xC1, s, d); }    // F0 0F C1 /r
void asm_xchg32_rr(Assembler *a, Reg d, Reg s) { xchg_rr(a, 0, d, s); }                        // 90+r, 87 /r
void asm_xchg32_mr(Assembler *a, Mem d, Reg s) { op_rm(a, 0x87, s, d); }                       // 87 /r
void asm_cmpxchg32_mr(Assembler *a, Mem d, Reg s) { op_rm(a, OF | 0xB1, s, d); }               // 0F B1 /r
void asm_lock_cmpxchg32_mr(Assembler *a, Mem d, Reg s) { op_rm(a, LOCK | OF | 0xB1, s, d); }   // F0 0F B1 /r
void asm_lock_xadd32_mr(Assembler *a, Mem d, Reg s) { op_rm(a, LOCK | OF | 0xC1, s, d); }      // F0 0F C1 /r
void asm_bswap_r(Assembler *a, Reg d) { op_r(a, W | OF | 0xC8, d); }                           // 0F C8+r
void asm_bswap32_r(Assembler *a, Reg d) { op_r(a, OF | 0xC8, d); }                             // 0F C8+r

// The stack.
void asm_push_r(Assembler *a, Reg s) { op_r(a, 0x50, s); }     // 50+r
void asm_push_m(Assembler *a, Mem s) { op_rm(a, 0xFF, 6, s); } // FF /6
void asm_push_i(Assembler *a, int32_t imm) { push_i(a, imm); } // 6A ib, 68 id
void asm_pop_r(Assembler *a, Reg d) { op_r(a, 0x58, d); }      // 58+r
void asm_pop_m(Assembler *a, Mem d) { op_rm(a, 0x8F, 0, d); }  // 8F /0
void asm_pushfq(Assembler *a) { op(a, 0x9C); }                 // 9C
void asm_popfq(Assembler *a) { op(a, 0x9D); }                  // 9D
void asm_leave(Assembler *a) { op(a, 0xC9); }                  // C9

// Arithmetic and logic.
void asm_add_rr(Assembler *a, Reg d, Reg s) { op_rr(a, W | 0x01, s, d); }                // 01 /r
void asm_add_rm(Assembler *a, Reg d, Mem s) { op_rm(a, W | 0x03, d, s); }                // 03 /r
void asm_add_mr(Assembler *a, Mem d, Reg s) { op_rm(a, W | 0x01, s, d); }                // 01 /r
void asm_add_ri(Assembler *a, Reg d, int32_t imm) { alu_ri(a, W, 0, d, imm); }           // 83 /0 ib, 81 /0 id
void asm_add_mi(Assembler *a, Mem d, int32_t imm) { alu_mi(a, W, 0, d, imm); }           // 83 /0 ib, 81 /0 id
void asm_add32_rr(Assembler *a, Reg d, Reg s) { op_rr(a, 0x01, s, d); }                  // 01 /r
void asm_add32_rm(Assembler *a, Reg d, Mem s) { op_rm(a, 0x03, d, s); }                  // 03 /r
void asm_add32_mr(Assembler *a, Mem d, Reg s) { op_rm(a, 0x01, s, d); }                  // 01 /r
void asm_add32_ri(Assembler *a, Reg d, int32_t imm) { alu_ri(a, 0, 0, d, imm); }         // 83 /0 ib, 81 /0 id
void asm_add32_mi(Assembler *a, Mem d, int32_t imm) { alu_mi(a, 0, 0, d, imm); }         // 83 /0 ib, 81 /0 id
void asm_add8_rr(Assembler *a, Reg d, Reg s) { op_rr(a, BYTE | BYTE_REG | 0x00, s, d); } // 00 /r
void asm_add8_rm(Assembler *a, Reg d, Mem s) { op_rm(a, BYTE_REG | 0x02, d, s); }        // 02 /r
void asm_add8_mr(Assembler *a, Mem d, Reg s) { op_rm(a, BYTE_REG | 0x00, s, d); }        // 00 /r
void asm_add8_ri(Assembler *a, Reg d, int imm) { alu8_ri(a, 0, d, imm); }                // 80 /0 ib
void asm_add8_mi(Assembler *a, Mem d, int imm) { op_mi8(a, 0x80, 0, d, imm); }           // 80 /0 ib
void asm_or_rr(Assembler *a, Reg d, Reg s) { op_rr(a, W | 0x09, s, d); }                 // 09 /r
void asm_or_rm(Assembler *a, Reg d, Mem s) { op_rm(a, W | 0x0B, d, s); }                 // 0B /r
void asm_or_mr(Assembler *a, Mem d, Reg s) { op_rm(a, W | 0x09, s, d); }                 // 09 /r
void asm_or_ri(Assembler *a, Reg d, int32_t imm) { alu_ri(a, W, 1, d, imm); }            // 83 /1 ib, 81 /1 id
void asm_or_mi(Assembler *a, Mem d, int32_t imm) { alu_mi(a, W, 1, d, imm); }            // 83 /1 ib, 81 /1 id
void asm_or32_rr(Assembler *a, Reg d, Reg s) { op_rr(a, 0x09, s, d); }                   // 09 /r
void asm_or32_rm(Assembler *a, Reg d, Mem s) { op_rm(a, 0x0B, d, s); }                   // 0B /r
void asm_or32_mr(Assembler *a, Mem d, Reg s) { op_rm(a, 0x09, s, d); }                   // 09 /r
void asm_or32_ri(Assembler *a, Reg d, int32_t imm) { alu_ri(a, 0, 1, d, imm); }          // 83 /1 ib, 81 /1 id
void asm_or32_mi(Assembler *a, Mem d, int32_t imm) { alu_mi(a, 0, 1, d, imm); }          // 83 /1 ib, 81 /1 id
void asm_or8_rr(Assembler *a, Reg d, Reg s) { op_rr(a, BYTE | BYTE_REG | 0x08, s, d); }  // 08 /r
void asm_or8_rm(Assembler *a, Reg d, Mem s) { op_rm(a, BYTE_REG | 0x0A, d, s); }         // 0A /r
void asm_or8_mr(Assembler *a, Mem d, Reg s) { op_rm(a, BYTE_REG | 0x08, s, d); }         // 08 /r
void asm_or8_ri(Assembler *a, Reg d, int imm) { alu8_ri(a, 1, d, imm); }                 // 80 /1 ib
void asm_or8_mi(Assembler *a, Mem d, int imm) { op_mi8(a, 0x80, 1, d, imm); }            // 80 /1 ib
void asm_adc_rr(Assembler *a, Reg d, Reg s) { op_rr(a, W | 0x11, s, d); }                // 11 /r
void asm_adc_rm(Assembler *a, Reg d, Mem s) { op_rm(a, W | 0x13, d, s); }                // 13 /r
void asm_adc_mr(Assembler *a, Mem d, Reg s) { op_rm(a, W | 0x11, s, d); }                // 11 /r
void asm_adc_ri(Assembler *a, Reg d, int32_t imm) { alu_ri(a, W, 2, d, imm); }           // 83 /2 ib, 81 /2 id
void asm_adc_mi(Assembler *a, Mem d, int32_t imm) { alu_mi(a, W, 2, d, imm); }           // 83 /2 ib, 81 /2 id
void asm_adc32_rr(Assembler *a, Reg d, Reg s) { op_rr(a, 0x11, s, d); }                  // 11 /r
void asm_adc32_rm(Assembler *a, Reg d, Mem s) { op_rm(a, 0x13, d, s); }                  // 13 /r
void asm_adc32_mr(Assembler *a, Mem d, Reg s) { op_rm(a, 0x11, s, d); }                  // 11 /r
void asm_adc32_ri(Assembler *a, Reg d, int32_t imm) { alu_ri(a, 0, 2, d, imm); }         // 83 /2 ib, 81 /2 id
void asm_adc32_mi(Assembler *a, Mem d, int32_t imm) { alu_mi(a, 0, 2, d, imm); }         // 83 /2 ib, 81 /2 id
void asm_sbb_rr(Assembler *a, Reg d, Reg s) { op_rr(a, W | 0x19, s, d); }                // 19 /r
void asm_sbb_rm(Assembler *a, Reg d, Mem s) { op_rm(a, W | 0x1B, d, s); }                // 1B /r
void asm_sbb_mr(Assembler *a, Mem d, Reg s) { op_rm(a, W | 0x19, s, d); }                // 19 /r
void asm_sbb_ri(Assembler *a, Reg d, int32_t imm) { alu_ri(a, W, 3, d, imm); }           // 83 /3 ib, 81 /3 id
void asm_sbb_mi(Assembler *a, Mem d, int32_t imm) { alu_mi(a, W, 3, d, imm); }           // 83 /3 ib, 81 /3 id
void asm_sbb32_rr(Assembler *a, Reg d, Reg s) { op_rr(a, 0x19, s, d); }                  // 19 /r
void asm_sbb32_rm(Assembler *a, Reg d, Mem s) { op_rm(a, 0x1B, d, s); }                  // 1B /r
void asm_sbb32_mr(Assembler *a, Mem d, Reg s) { op_rm(a, 0x19, s, d); }                  // 19 /r
void asm_sbb32_ri(Assembler *a, Reg d, int32_t imm) { alu_ri(a, 0, 3, d, imm); }         // 83 /3 ib, 81 /3 id
void asm_sbb32_mi(Assembler *a, Mem d, int32_t imm) { alu_mi(a, 0, 3, d, imm); }         // 83 /3 ib, 81 /3 id
void asm_and_rr(Assembler *a, Reg d, Reg s) { op_rr(a, W | 0x21, s, d); }                // 21 /r
void asm_and_rm(Assembler *a, Reg d, Mem s) { op_rm(a, W | 0x23, d, s); }                // 23 /r
void asm_and_mr(Assembler *a, Mem d, Reg s) { op_rm(a, W | 0x21, s, d); }                // 21 /r
void asm_and_ri(Assembler *a, Reg d, int32_t imm) { alu_ri(a, W, 4, d, imm); }           // 83 /4 ib, 81 /4 id
void asm_and_mi(Assembler *a, Mem d, int32_t imm) { alu_mi(a, W, 4, d, imm); }           // 83 /4 ib, 81 /4 id
void asm_and32_rr(Assembler *a, Reg d, Reg s) { op_rr(a, 0x21, s, d); }                  // 21 /r
void asm_and32_rm(Assembler *a, Reg d, Mem s) { op_rm(a, 0x23, d, s); }                  // 23 /r
void asm_and32_mr(Assembler *a, Mem d, Reg s) { op_rm(a, 0x21, s, d); }                  // 21 /r
void asm_and32_ri(Assembler *a, Reg d, int32_t imm) { alu_ri(a, 0, 4, d, imm); }         // 83 /4 ib, 81 /4 id
void asm_and32_mi(Assembler *a, Mem d, int32_t imm) { alu_mi(a, 0, 4, d, imm); }         // 83 /4 ib, 81 /4 id
void asm_and8_rr(Assembler *a, Reg d, Reg s) { op_rr(a, BYTE | BYTE_REG | 0x20, s, d); } // 20 /r
void asm_and8_rm(Assembler *a, Reg d, Mem s) { op_rm(a, BYTE_REG | 0x22, d, s); }        // 22 /r
void asm_and8_mr(Assembler *a, Mem d, Reg s) { op_rm(a, BYTE_REG | 0x20, s, d); }        // 20 /r
void asm_and8_ri(Assembler *a, Reg d, int imm) { alu8_ri(a, 4, d, imm); }                // 80 /4 ib
void asm_and8_mi(Assembler *a, Mem d, int imm) { op_mi8(a, 0x80, 4, d, imm); }           // 80 /4 ib
void asm_sub_rr(Assembler *a, Reg d, Reg s) { op_rr(a, W | 0x29, s, d); }                // 29 /r
void asm_sub_rm(Assembler *a, Reg d, Mem s) { op_rm(a, W | 0x2B, d, s); }                // 2B /r
void asm_sub_mr(Assembler *a, Mem d, Reg s) { op_rm(a, W | 0x29, s, d); }                // 29 /r
void asm_sub_ri(Assembler *a, Reg d, int32_t imm) { alu_ri(a, W, 5, d, imm); }           // 83 /5 ib, 81 /5 id
void asm_sub_mi(Assembler *a, Mem d, int32_t imm) { alu_mi(a, W, 5, d, imm); }           // 83 /5 ib, 81 /5 id
void asm_sub32_rr(Assembler *a, Reg d, Reg s) { op_rr(a, 0x29, s, d); }                  // 29 /r
void asm_sub32_rm(Assembler *a, Reg d, Mem s) { op_rm(a, 0x2B, d, s); }                  // 2B /r
void asm_sub32_mr(Assembler *a, Mem d, Reg s) { op_rm(a, 0x29, s, d); }                  // 29 /r
void asm_sub32_ri(Assembler *a, Reg d, int32_t imm) { alu_ri(a, 0, 5, d, imm); }         // 83 /5 ib, 81 /5 id
void asm_sub32_mi(Assembler *a, Mem d, int32_t imm) { alu_mi(a, 0, 5, d, imm); }         // 83 /5 ib, 81 /5 id
void asm_sub8_rr(Assembler *a, Reg d, Reg s) { op_rr(a, BYTE | BYTE_REG | 0x28, s, d); } // 28 /r
void asm_sub8_rm(Assembler *a, Reg d, Mem s) { op_rm(a, BYTE_REG | 0x2A, d, s); }        // 2A /r
void asm_sub8_mr(Assembler *a, Mem d, Reg s) { op_rm(a, BYTE_REG | 0x28, s, d); }        // 28 /r
void asm_sub8_ri(Assembler *a, Reg d, int imm) { alu8_ri(a, 5, d, imm); }                // 80 /5 ib
void asm_sub8_mi(Assembler *a, Mem d, int imm) { op_mi8(a, 0x80, 5, d, imm); }           // 80 /5 ib
void asm_xor_rr(Assembler *a, Reg d, Reg s) { op_rr(a, W | 0x31, s, d); }                // 31 /r
void asm_xor_rm(Assembler *a, Reg d, Mem s) { op_rm(a, W | 0x33, d, s); }                // 33 /r
void asm_xor_mr(Assembler *a, Mem d, Reg s) { op_rm(a, W | 0x31, s, d); }                // 31 /r
void asm_xor_ri(Assembler *a, Reg d, int32_t imm) { alu_ri(a, W, 6, d, imm); }           // 83 /6 ib, 81 /6 id
void asm_xor_mi(Assembler *a, Mem d, int32_t imm) { alu_mi(a, W, 6, d, imm); }           // 83 /6 ib, 81 /6 id
void asm_xor32_rr(Assembler *a, Reg d, Reg s) { op_rr(a, 0x31, s, d); }                  // 31 /r
void asm_xor32_rm(Assembler *a, Reg d, Mem s) { op_rm(a, 0x33, d, s); }                  // 33 /r
void asm_xor32_mr(Assembler *a, Mem d, Reg s) { op_rm(a, 0x31, s, d); }                  // 31 /r
void asm_xor32_ri(Assembler *a, Reg d, int32_t imm) { alu_ri(a, 0, 6, d, imm); }         // 83 /6 ib, 81 /6 id
void asm_xor32_mi(Assembler *a, Mem d, int32_t imm) { alu_mi(a, 0, 6, d, imm); }         // 83 /6 ib, 81 /6 id
void asm_xor8_rr(Assembler *a, Reg d, Reg s) { op_rr(a, BYTE | BYTE_REG | 0x30, s, d); } // 30 /r
void asm_xor8_rm(Assembler *a, Reg d, Mem s) { op_rm(a, BYTE_REG | 0x32, d, s); }        // 32 /r
void asm_xor8_mr(Assembler *a, Mem d, Reg s) { op_rm(a, BYTE_REG | 0x30, s, d); }        // 30 /r
void asm_xor8_ri(Assembler *a, Reg d, int imm) { alu8_ri(a, 6, d, imm); }                // 80 /6 ib
void asm_xor8_mi(Assembler *a, Mem d, int imm) { op_mi8(a, 0x80, 6, d, imm); }           // 80 /6 ib

// Comparison: cmp and test set the flags and write nothing else.
void asm_cmp_rr(Assembler *a, Reg l, Reg r) { op_rr(a, W | 0x39, r, l); }        // 39 /r
void asm_cmp_rm(Assembler *a, Reg l, Mem r) { op_rm(a, W | 0x3B, l, r); }        // 3B /r
void asm_cmp_mr(Assembler *a, Mem l, Reg r) { op_rm(a, W | 0x39, r, l); }        // 39 /r
void asm_cmp_ri(Assembler *a, Reg l, int32_t imm) { alu_ri(a, W, 7, l, imm); }   // 83 /7 ib, 81 /7 id
void asm_cmp_mi(Assembler *a, Mem l, int32_t imm) { alu_mi(a, W, 7, l, imm); }   // 83 /7 ib, 81 /7 id
void asm_cmp32_rr(Assembler *a, Reg l, Reg r) { op_rr(a, 0x39, r, l); }          // 39 /r
void asm_cmp32_rm(Assembler *a, Reg l, Mem r) { op_rm(a, 0x3B, l, r); }          // 3B /r
void asm_cmp32_mr(Assembler *a, Mem l, Reg r) { op_rm(a, 0x39, r, l); }          // 39 /r
void asm_cmp32_ri(Assembler *a, Reg l, int32_t imm) { alu_ri(a, 0, 7, l, imm); } // 83 /7 ib, 81 /7 id
void asm_cmp32_mi(Assembler *a, Mem l, int32_t imm) { alu_mi(a, 0, 7, l, imm); } // 83 /7 ib, 81 /7 id
void asm_cmp16_rm(Assembler *a, Reg l, Mem r) { op_rm(a, P66 | 0x3B, l, r); }    // 66 3B /r
void asm_cmp16_mr(Assembler *a, Mem l, Reg r) { op_rm(a, P66 | 0x39, r, l); }    // 66 39 /r
void asm_cmp16_mi(Assembler *a, Mem l, int imm) { // 66 83 /7 ib, 66 81 /7 iw
    check_imm16(imm);
    if (fits8((int16_t)imm)) op_mi8(a, P66 | 0x83, 7, l, (int8_t)imm);
    else op_mi16(a, P66 | 0x81, 7, l, imm);
}
void asm_cmp8_rr(Assembler *a, Reg l, Reg r) { op_rr(a, BYTE | BYTE_REG | 0x38, r, l); }  // 38 /r
void asm_cmp8_rm(Assembler *a, Reg l, Mem r) { op_rm(a, BYTE_REG | 0x3A, l, r); }         // 3A /r
void asm_cmp8_mr(Assembler *a, Mem l, Reg r) { op_rm(a, BYTE_REG | 0x38, r, l); }         // 38 /r
void asm_cmp8_ri(Assembler *a, Reg l, int imm) { alu8_ri(a, 7, l, imm); }                 // 80 /7 ib
void asm_cmp8_mi(Assembler *a, Mem l, int imm) { op_mi8(a, 0x80, 7, l, imm); }            // 80 /7 ib
void asm_test_rr(Assembler *a, Reg l, Reg r) { op_rr(a, W | 0x85, r, l); }                // 85 /r
void asm_test_mr(Assembler *a, Mem l, Reg r) { op_rm(a, W | 0x85, r, l); }                // 85 /r
void asm_test_ri(Assembler *a, Reg l, int32_t imm) { test_ri(a, W, l, imm); }             // F7 /0 id
void asm_test_mi(Assembler *a, Mem l, int32_t imm) { op_mi32(a, W | 0xF7, 0, l, imm); }   // F7 /0 id
void asm_test32_rr(Assembler *a, Reg l, Reg r) { op_rr(a, 0x85, r, l); }                  // 85 /r
void asm_test32_mr(Assembler *a, Mem l, Reg r) { op_rm(a, 0x85, r, l); }                  // 85 /r
void asm_test32_ri(Assembler *a, Reg l, int32_t imm) { test_ri(a, 0, l, imm); }           // F7 /0 id
void asm_test32_mi(Assembler *a, Mem l, int32_t imm) { op_mi32(a, 0xF7, 0, l, imm); }     // F7 /0 id
void asm_test8_rr(Assembler *a, Reg l, Reg r) { op_rr(a, BYTE | BYTE_REG | 0x84, r, l); } // 84 /r
void asm_test8_mr(Assembler *a, Mem l, Reg r) { op_rm(a, BYTE_REG | 0x84, r, l); }        // 84 /r
void asm_test8_ri(Assembler *a, Reg l, int imm) { test8_ri(a, l, imm); }                  // F6 /0 ib
void asm_test8_mi(Assembler *a, Mem l, int imm) { op_mi8(a, 0xF6, 0, l, imm); }           // F6 /0 ib

// Multiplication and division.
void asm_imul_rr(Assembler *a, Reg d, Reg s) { op_rr(a, W | OF | 0xAF, d, s); } // 0F AF /r
void asm_imul_rm(Assembler *a, Reg d, Mem s) { op_rm(a, W | OF | 0xAF, d, s); } // 0F AF /r
void asm_imul_rri(Assembler *a, Reg d, Reg s, int32_t imm) {
    imul_rri(a, W, d, s, imm); // 6B /r ib, 69 /r id
}
void asm_imul_rmi(Assembler *a, Reg d, Mem s, int32_t imm) {
    imul_rmi(a, W, d, s, imm); // 6B /r ib, 69 /r id
}
void asm_mul_r(Assembler *a, Reg s) { op_rr(a, W | 0xF7, 4, s); }               // F7 /4
void asm_mul_m(Assembler *a, Mem s) { op_rm(a, W | 0xF7, 4, s); }               // F7 /4
void asm_imul_r(Assembler *a, Reg s) { op_rr(a, W | 0xF7, 5, s); }              // F7 /5
void asm_imul_m(Assembler *a, Mem s) { op_rm(a, W | 0xF7, 5, s); }              // F7 /5
void asm_div_r(Assembler *a, Reg s) { op_rr(a, W | 0xF7, 6, s); }               // F7 /6
void asm_div_m(Assembler *a, Mem s) { op_rm(a, W | 0xF7, 6, s); }               // F7 /6
void asm_idiv_r(Assembler *a, Reg s) { op_rr(a, W | 0xF7, 7, s); }              // F7 /7
void asm_idiv_m(Assembler *a, Mem s) { op_rm(a, W | 0xF7, 7, s); }              // F7 /7
void asm_not_r(Assembler *a, Reg d) { op_rr(a, W | 0xF7, 2, d); }               // F7 /2
void asm_not_m(Assembler *a, Mem d) { op_rm(a, W | 0xF7, 2, d); }               // F7 /2
void asm_neg_r(Assembler *a, Reg d) { op_rr(a, W | 0xF7, 3, d); }               // F7 /3
void asm_neg_m(Assembler *a, Mem d) { op_rm(a, W | 0xF7, 3, d); }               // F7 /3
void asm_inc_r(Assembler *a, Reg d) { op_rr(a, W | 0xFF, 0, d); }               // FF /0
void asm_inc_m(Assembler *a, Mem d) { op_rm(a, W | 0xFF, 0, d); }               // FF /0
void asm_dec_r(Assembler *a, Reg d) { op_rr(a, W | 0xFF, 1, d); }               // FF /1
void asm_dec_m(Assembler *a, Mem d) { op_rm(a, W | 0xFF, 1, d); }               // FF /1
void asm_imul32_rr(Assembler *a, Reg d, Reg s) { op_rr(a, OF | 0xAF, d, s); }   // 0F AF /r
void asm_imul32_rm(Assembler *a, Reg d, Mem s) { op_rm(a, OF | 0xAF, d, s); }   // 0F AF /r
void asm_imul32_rri(Assembler *a, Reg d, Reg s, int32_t imm) {
    imul_rri(a, 0, d, s, imm); // 6B /r ib, 69 /r id
}
void asm_imul32_rmi(Assembler *a, Reg d, Mem s, int32_t imm) {
    imul_rmi(a, 0, d, s, imm); // 6B /r ib, 69 /r id
}
void asm_mul32_r(Assembler *a, Reg s) { op_rr(a, 0xF7, 4, s); }                 // F7 /4
void asm_mul32_m(Assembler *a, Mem s) { op_rm(a, 0xF7, 4, s); }                 // F7 /4
void asm_imul32_r(Assembler *a, Reg s) { op_rr(a, 0xF7, 5, s); }                // F7 /5
void asm_imul32_m(Assembler *a, Mem s) { op_rm(a, 0xF7, 5, s); }                // F7 /5
void asm_div32_r(Assembler *a, Reg s) { op_rr(a, 0xF7, 6, s); }                 // F7 /6
void asm_div32_m(Assembler *a, Mem s) { op_rm(a, 0xF7, 6, s); }                 // F7 /6
void asm_idiv32_r(Assembler *a, Reg s) { op_rr(a, 0xF7, 7, s); }                // F7 /7
void asm_idiv32_m(Assembler *a, Mem s) { op_rm(a, 0xF7, 7, s); }                // F7 /7
void asm_not32_r(Assembler *a, Reg d) { op_rr(a, 0xF7, 2, d); }                 // F7 /2
void asm_not32_m(Assembler *a, Mem d) { op_rm(a, 0xF7, 2, d); }                 // F7 /2
void asm_neg32_r(Assembler *a, Reg d) { op_rr(a, 0xF7, 3, d); }                 // F7 /3
void asm_neg32_m(Assembler *a, Mem d) { op_rm(a, 0xF7, 3, d); }                 // F7 /3
void asm_inc32_r(Assembler *a, Reg d) { op_rr(a, 0xFF, 0, d); }                 // FF /0
void asm_inc32_m(Assembler *a, Mem d) { op_rm(a, 0xFF, 0, d); }                 // FF /0
void asm_dec32_r(Assembler *a, Reg d) { op_rr(a, 0xFF, 1, d); }                 // FF /1
void asm_dec32_m(Assembler *a, Mem d) { op_rm(a, 0xFF, 1, d); }                 // FF /1
void asm_cqo(Assembler *a) { op(a, W | 0x99); }                                 // 99
void asm_cdq(Assembler *a) { op(a, 0x99); }                                     // 99
void asm_cdqe(Assembler *a) { op(a, W | 0x98); }                                // 98

// Shifts and rotations: by an immediate (less than the width), or by CL (suffix _rc).
void asm_rol_ri(Assembler *a, Reg d, unsigned n) { shift_ri(a, W, 0, d, n); }   // D1 /0, C1 /0 ib
void asm_rol_rc(Assembler *a, Reg d) { op_rr(a, W | 0xD3, 0, d); }              // D3 /0
void asm_rol32_ri(Assembler *a, Reg d, unsigned n) { shift_ri(a, 0, 0, d, n); } // D1 /0, C1 /0 ib
void asm_rol32_rc(Assembler *a, Reg d) { op_rr(a, 0xD3, 0, d); }                // D3 /0
void asm_ror_ri(Assembler *a, Reg d, unsigned n) { shift_ri(a, W, 1, d, n); }   // D1 /1, C1 /1 ib
void asm_ror_rc(Assembler *a, Reg d) { op_rr(a, W | 0xD3, 1, d); }              // D3 /1
void asm_ror32_ri(Assembler *a, Reg d, unsigned n) { shift_ri(a, 0, 1, d, n); } // D1 /1, C1 /1 ib
void asm_ror32_rc(Assembler *a, Reg d) { op_rr(a, 0xD3, 1, d); }                // D3 /1
void asm_shl_ri(Assembler *a, Reg d, unsigned n) { shift_ri(a, W, 4, d, n); }   // D1 /4, C1 /4 ib
void asm_shl_rc(Assembler *a, Reg d) { op_rr(a, W | 0xD3, 4, d); }              // D3 /4
void asm_shl32_ri(Assembler *a, Reg d, unsigned n) { shift_ri(a, 0, 4, d, n); } // D1 /4, C1 /4 ib
void asm_shl32_rc(Assembler *a, Reg d) { op_rr(a, 0xD3, 4, d); }                // D3 /4
void asm_shr_ri(Assembler *a, Reg d, unsigned n) { shift_ri(a, W, 5, d, n); }   // D1 /5, C1 /5 ib
void asm_shr_rc(Assembler *a, Reg d) { op_rr(a, W | 0xD3, 5, d); }              // D3 /5
void asm_shr32_ri(Assembler *a, Reg d, unsigned n) { shift_ri(a, 0, 5, d, n); } // D1 /5, C1 /5 ib
void asm_shr32_rc(Assembler *a, Reg d) { op_rr(a, 0xD3, 5, d); }                // D3 /5
void asm_sar_ri(Assembler *a, Reg d, unsigned n) { shift_ri(a, W, 7, d, n); }   // D1 /7, C1 /7 ib
void asm_sar_rc(Assembler *a, Reg d) { op_rr(a, W | 0xD3, 7, d); }              // D3 /7
void asm_sar32_ri(Assembler *a, Reg d, unsigned n) { shift_ri(a, 0, 7, d, n); } // D1 /7, C1 /7 ib
void asm_sar32_rc(Assembler *a, Reg d) { op_rr(a, 0xD3, 7, d); }                // D3 /7

// BMI2: shifts that take the count from any register and leave the flags alone.
void asm_shlx_rrr(Assembler *a, Reg d, Reg s, Reg n) {
    op_rr(a, vex(W | P66 | OF38 | 0xF7, n), d, s); // VEX 66 0F38 F7 /r
}
void asm_shlx_rmr(Assembler *a, Reg d, Mem s, Reg n) {
    op_rm(a, vex(W | P66 | OF38 | 0xF7, n), d, s); // VEX 66 0F38 F7 /r
}
void asm_shlx32_rrr(Assembler *a, Reg d, Reg s, Reg n) {
    op_rr(a, vex(P66 | OF38 | 0xF7, n), d, s); // VEX 66 0F38 F7 /r
}
void asm_shlx32_rmr(Assembler *a, Reg d, Mem s, Reg n) {
    op_rm(a, vex(P66 | OF38 | 0xF7, n), d, s); // VEX 66 0F38 F7 /r
}
void asm_shrx_rrr(Assembler *a, Reg d, Reg s, Reg n) {
    op_rr(a, vex(W | PF2 | OF38 | 0xF7, n), d, s); // VEX F2 0F38 F7 /r
}
void asm_shrx_rmr(Assembler *a, Reg d, Mem s, Reg n) {
    op_rm(a, vex(W | PF2 | OF38 | 0xF7, n), d, s); // VEX F2 0F38 F7 /r
}
void asm_shrx32_rrr(Assembler *a, Reg d, Reg s, Reg n) {
    op_rr(a, vex(PF2 | OF38 | 0xF7, n), d, s); // VEX F2 0F38 F7 /r
}
void asm_shrx32_rmr(Assembler *a, Reg d, Mem s, Reg n) {
    op_rm(a, vex(PF2 | OF38 | 0xF7, n), d, s); // VEX F2 0F38 F7 /r
}
void asm_sarx_rrr(Assembler *a, Reg d, Reg s, Reg n) {
    op_rr(a, vex(W | PF3 | OF38 | 0xF7, n), d, s); // VEX F3 0F38 F7 /r
}
void asm_sarx_rmr(Assembler *a, Reg d, Mem s, Reg n) {
    op_rm(a, vex(W | PF3 | OF38 | 0xF7, n), d, s); // VEX F3 0F38 F7 /r
}
void asm_sarx32_rrr(Assembler *a, Reg d, Reg s, Reg n) {
    op_rr(a, vex(PF3 | OF38 | 0xF7, n), d, s); // VEX F3 0F38 F7 /r
}
void asm_sarx32_rmr(Assembler *a, Reg d, Mem s, Reg n) {
    op_rm(a, vex(PF3 | OF38 | 0xF7, n), d, s); // VEX F3 0F38 F7 /r
}
void asm_rorx_rri(Assembler *a, Reg d, Reg s, unsigned n) { rorx_rri(a, W, d, s, n); } // VEX F2 0F3A F0 /r ib
void asm_rorx32_rri(Assembler *a, Reg d, Reg s, unsigned n) {
    rorx_rri(a, 0, d, s, n); // VEX F2 0F3A F0 /r ib
}

// Bits.
void asm_bt_rr(Assembler *a, Reg d, Reg bit) { op_rr(a, W | OF | 0xA3, bit, d); }       // 0F A3 /r
void asm_bt_ri(Assembler *a, Reg d, unsigned bit) { bit_ri(a, W, 4, d, bit); }          // 0F BA /4 ib
void asm_bt_mi(Assembler *a, Mem d, unsigned bit) { bit_mi(a, W, 4, d, bit); }          // 0F BA /4 ib
void asm_bt32_rr(Assembler *a, Reg d, Reg bit) { op_rr(a, OF | 0xA3, bit, d); }         // 0F A3 /r
void asm_bt32_ri(Assembler *a, Reg d, unsigned bit) { bit_ri(a, 0, 4, d, bit); }        // 0F BA /4 ib
void asm_bt32_mi(Assembler *a, Mem d, unsigned bit) { bit_mi(a, 0, 4, d, bit); }        // 0F BA /4 ib
void asm_bts_rr(Assembler *a, Reg d, Reg bit) { op_rr(a, W | OF | 0xAB, bit, d); }      // 0F AB /r
void asm_bts_ri(Assembler *a, Reg d, unsigned bit) { bit_ri(a, W, 5, d, bit); }         // 0F BA /5 ib
void asm_bts_mi(Assembler *a, Mem d, unsigned bit) { bit_mi(a, W, 5, d, bit); }         // 0F BA /5 ib
void asm_bts32_rr(Assembler *a, Reg d, Reg bit) { op_rr(a, OF | 0xAB, bit, d); }        // 0F AB /r
void asm_bts32_ri(Assembler *a, Reg d, unsigned bit) { bit_ri(a, 0, 5, d, bit); }       // 0F BA /5 ib
void asm_bts32_mi(Assembler *a, Mem d, unsigned bit) { bit_mi(a, 0, 5, d, bit); }       // 0F BA /5 ib
void asm_btr_rr(Assembler *a, Reg d, Reg bit) { op_rr(a, W | OF | 0xB3, bit, d); }      // 0F B3 /r
void asm_btr_ri(Assembler *a, Reg d, unsigned bit) { bit_ri(a, W, 6, d, bit); }         // 0F BA /6 ib
void asm_btr_mi(Assembler *a, Mem d, unsigned bit) { bit_mi(a, W, 6, d, bit); }         // 0F BA /6 ib
void asm_btr32_rr(Assembler *a, Reg d, Reg bit) { op_rr(a, OF | 0xB3, bit, d); }        // 0F B3 /r
void asm_btr32_ri(Assembler *a, Reg d, unsigned bit) { bit_ri(a, 0, 6, d, bit); }       // 0F BA /6 ib
void asm_btr32_mi(Assembler *a, Mem d, unsigned bit) { bit_mi(a, 0, 6, d, bit); }       // 0F BA /6 ib
void asm_btc_rr(Assembler *a, Reg d, Reg bit) { op_rr(a, W | OF | 0xBB, bit, d); }      // 0F BB /r
void asm_btc_ri(Assembler *a, Reg d, unsigned bit) { bit_ri(a, W, 7, d, bit); }         // 0F BA /7 ib
void asm_btc_mi(Assembler *a, Mem d, unsigned bit) { bit_mi(a, W, 7, d, bit); }         // 0F BA /7 ib
void asm_btc32_rr(Assembler *a, Reg d, Reg bit) { op_rr(a, OF | 0xBB, bit, d); }        // 0F BB /r
void asm_btc32_ri(Assembler *a, Reg d, unsigned bit) { bit_ri(a, 0, 7, d, bit); }       // 0F BA /7 ib
void asm_btc32_mi(Assembler *a, Mem d, unsigned bit) { bit_mi(a, 0, 7, d, bit); }       // 0F BA /7 ib
void asm_popcnt_rr(Assembler *a, Reg d, Reg s) { op_rr(a, W | PF3 | OF | 0xB8, d, s); } // F3 0F B8 /r
void asm_popcnt_rm(Assembler *a, Reg d, Mem s) { op_rm(a, W | PF3 | OF | 0xB8, d, s); } // F3 0F B8 /r
void asm_popcnt32_rr(Assembler *a, Reg d, Reg s) { op_rr(a, PF3 | OF | 0xB8, d, s); }   // F3 0F B8 /r
void asm_popcnt32_rm(Assembler *a, Reg d, Mem s) { op_rm(a, PF3 | OF | 0xB8, d, s); }   // F3 0F B8 /r
void asm_tzcnt_rr(Assembler *a, Reg d, Reg s) { op_rr(a, W | PF3 | OF | 0xBC, d, s); }  // F3 0F BC /r
void asm_tzcnt_rm(Assembler *a, Reg d, Mem s) { op_rm(a, W | PF3 | OF | 0xBC, d, s); }  // F3 0F BC /r
void asm_tzcnt32_rr(Assembler *a, Reg d, Reg s) { op_rr(a, PF3 | OF | 0xBC, d, s); }    // F3 0F BC /r
void asm_tzcnt32_rm(Assembler *a, Reg d, Mem s) { op_rm(a, PF3 | OF | 0xBC, d, s); }    // F3 0F BC /r
void asm_lzcnt_rr(Assembler *a, Reg d, Reg s) { op_rr(a, W | PF3 | OF | 0xBD, d, s); }  // F3 0F BD /r
void asm_lzcnt_rm(Assembler *a, Reg d, Mem s) { op_rm(a, W | PF3 | OF | 0xBD, d, s); }  // F3 0F BD /r
void asm_lzcnt32_rr(Assembler *a, Reg d, Reg s) { op_rr(a, PF3 | OF | 0xBD, d, s); }    // F3 0F BD /r
void asm_lzcnt32_rm(Assembler *a, Reg d, Mem s) { op_rm(a, PF3 | OF | 0xBD, d, s); }    // F3 0F BD /r

// Conditions.
void asm_setcc_r(Assembler *a, Cond cc, Reg d) { op_rr(a, OF | BYTE | 0x90 | cc, 0, d); }       // 0F 90+cc
void asm_setcc_m(Assembler *a, Cond cc, Mem d) { op_rm(a, OF | 0x90 | cc, 0, d); }              // 0F 90+cc
void asm_cmovcc_rr(Assembler *a, Cond cc, Reg d, Reg s) { op_rr(a, W | OF | 0x40 | cc, d, s); } // 0F 40+cc /r
void asm_cmovcc_rm(Assembler *a, Cond cc, Reg d, Mem s) { op_rm(a, W | OF | 0x40 | cc, d, s); } // 0F 40+cc /r
void asm_cmovcc32_rr(Assembler *a, Cond cc, Reg d, Reg s) { op_rr(a, OF | 0x40 | cc, d, s); }   // 0F 40+cc /r
void asm_cmovcc32_rm(Assembler *a, Cond cc, Reg d, Mem s) { op_rm(a, OF | 0x40 | cc, d, s); }   // 0F 40+cc /r

// Control flow.
void asm_jmp(Assembler *a, Label *target) { op_label(a, 0xE9, FIXUP_REL32, target); }      // E9 cd
void asm_jmp_short(Assembler *a, Label *target) { op_label(a, 0xEB, FIXUP_REL8, target); } // EB cb
void asm_jmp_abs(Assembler *a, const void *target) { op_address(a, 0xE9, target); }        // E9 cd
void asm_jcc(Assembler *a, Cond cc, Label *target) {
    op_label(a, OF | 0x80 | cc, FIXUP_REL32, target); // 0F 80+cc cd
}
void asm_jcc_short(Assembler *a, Cond cc, Label *target) {
    op_label(a, 0x70 | cc, FIXUP_REL8, target); // 70+cc cb
}
void asm_jcc_abs(Assembler *a, Cond cc, const void *target) {
    op_address(a, OF | 0x80 | cc, target); // 0F 80+cc cd
}
void asm_call(Assembler *a, Label *target) { op_label(a, 0xE8, FIXUP_REL32, target); } // E8 cd
void asm_call_abs(Assembler *a, const void *target) { op_address(a, 0xE8, target); }   // E8 cd
void asm_jmp_r(Assembler *a, Reg target) { op_rr(a, 0xFF, 4, target); }  // FF /4
void asm_jmp_m(Assembler *a, Mem target) { op_rm(a, 0xFF, 4, target); }  // FF /4
void asm_call_r(Assembler *a, Reg target) { op_rr(a, 0xFF, 2, target); } // FF /2
void asm_call_m(Assembler *a, Mem target) { op_rm(a, 0xFF, 2, target); } // FF /2
void asm_ret(Assembler *a) { op(a, 0xC3); }                              // C3
void asm_ret_i(Assembler *a, unsigned pop) { ret_i(a, pop); }            // C2 iw

// The rest.
void asm_ud2(Assembler *a) { op(a, OF | 0x0B); }                       // 0F 0B
void asm_int3(Assembler *a) { op(a, 0xCC); }                           // CC
void asm_endbr64(Assembler *a) { op_rr(a, PF3 | OF | 0x1E, 7, RDX); }  // F3 0F 1E FA
void asm_cpuid(Assembler *a) { op(a, OF | 0xA2); }                     // 0F A2
void asm_rdtsc(Assembler *a) { op(a, OF | 0x31); }                     // 0F 31
void asm_cld(Assembler *a) { op(a, 0xFC); }                            // FC
void asm_std(Assembler *a) { op(a, 0xFD); }                            // FD
void asm_pause(Assembler *a) { op(a, PF3 | 0x90); }                    // F3 90
void asm_rep_movsq(Assembler *a) { op(a, PF3 | W | 0xA5); }            // F3 A5
void asm_rep_stosq(Assembler *a) { op(a, PF3 | W | 0xAB); }            // F3 AB
void asm_rdtscp(Assembler *a) { op_rr(a, OF | 0x01, 7, RCX); }         // 0F 01 F9
void asm_lfence(Assembler *a) { op_rr(a, OF | 0xAE, 5, RAX); }         // 0F AE E8
void asm_mfence(Assembler *a) { op_rr(a, OF | 0xAE, 6, RAX); }         // 0F AE F0
void asm_ldmxcsr_m(Assembler *a, Mem s) { op_rm(a, OF | 0xAE, 2, s); } // 0F AE /2
void asm_stmxcsr_m(Assembler *a, Mem d) { op_rm(a, OF | 0xAE, 3, d); } // 0F AE /3

// SSE: scalar moves.
void asm_movsd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, PF2 | OF | 0x10, d, s); }    // F2 0F 10 /r
void asm_movsd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF2 | OF | 0x10, d, s); }    // F2 0F 10 /r
void asm_movsd_mx(Assembler *a, Mem d, Xmm s) { op_rm(a, PF2 | OF | 0x11, s, d); }    // F2 0F 11 /r
void asm_movss_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, PF3 | OF | 0x10, d, s); }    // F3 0F 10 /r
void asm_movss_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF3 | OF | 0x10, d, s); }    // F3 0F 10 /r
void asm_movss_mx(Assembler *a, Mem d, Xmm s) { op_rm(a, PF3 | OF | 0x11, s, d); }    // F3 0F 11 /r
void asm_movq_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, PF3 | OF | 0x7E, d, s); }     // F3 0F 7E /r
void asm_movq_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF3 | OF | 0x7E, d, s); }     // F3 0F 7E /r
void asm_movq_mx(Assembler *a, Mem d, Xmm s) { op_rm(a, P66 | OF | 0xD6, s, d); }     // 66 0F D6 /r
void asm_movq_xr(Assembler *a, Xmm d, Reg s) { op_rr(a, P66 | W | OF | 0x6E, d, s); } // 66 0F 6E /r
void asm_movq_rx(Assembler *a, Reg d, Xmm s) { op_rr(a, P66 | W | OF | 0x7E, s, d); } // 66 0F 7E /r
void asm_movd_xr(Assembler *a, Xmm d, Reg s) { op_rr(a, P66 | OF | 0x6E, d, s); }     // 66 0F 6E /r
void asm_movd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x6E, d, s); }     // 66 0F 6E /r
void asm_movd_rx(Assembler *a, Reg d, Xmm s) { op_rr(a, P66 | OF | 0x7E, s, d); }     // 66 0F 7E /r
void asm_movd_mx(Assembler *a, Mem d, Xmm s) { op_rm(a, P66 | OF | 0x7E, s, d); }     // 66 0F 7E /r

// SSE: packed moves.
void asm_movaps_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, OF | 0x28, d, s); }        // 0F 28 /r
void asm_movaps_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, OF | 0x28, d, s); }        // 0F 28 /r
void asm_movaps_mx(Assembler *a, Mem d, Xmm s) { op_rm(a, OF | 0x29, s, d); }        // 0F 29 /r
void asm_movups_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, OF | 0x10, d, s); }        // 0F 10 /r
void asm_movups_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, OF | 0x10, d, s); }        // 0F 10 /r
void asm_movups_mx(Assembler *a, Mem d, Xmm s) { op_rm(a, OF | 0x11, s, d); }        // 0F 11 /r
void asm_movapd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x28, d, s); }  // 66 0F 28 /r
void asm_movapd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x28, d, s); }  // 66 0F 28 /r
void asm_movapd_mx(Assembler *a, Mem d, Xmm s) { op_rm(a, P66 | OF | 0x29, s, d); }  // 66 0F 29 /r
void asm_movupd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x10, d, s); }  // 66 0F 10 /r
void asm_movupd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x10, d, s); }  // 66 0F 10 /r
void asm_movupd_mx(Assembler *a, Mem d, Xmm s) { op_rm(a, P66 | OF | 0x11, s, d); }  // 66 0F 11 /r
void asm_movdqa_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x6F, d, s); }  // 66 0F 6F /r
void asm_movdqa_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x6F, d, s); }  // 66 0F 6F /r
void asm_movdqa_mx(Assembler *a, Mem d, Xmm s) { op_rm(a, P66 | OF | 0x7F, s, d); }  // 66 0F 7F /r
void asm_movdqu_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, PF3 | OF | 0x6F, d, s); }  // F3 0F 6F /r
void asm_movdqu_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF3 | OF | 0x6F, d, s); }  // F3 0F 6F /r
void asm_movdqu_mx(Assembler *a, Mem d, Xmm s) { op_rm(a, PF3 | OF | 0x7F, s, d); }  // F3 0F 7F /r
void asm_movlpd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x12, d, s); }  // 66 0F 12 /r
void asm_movlpd_mx(Assembler *a, Mem d, Xmm s) { op_rm(a, P66 | OF | 0x13, s, d); }  // 66 0F 13 /r
void asm_movhpd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x16, d, s); }  // 66 0F 16 /r
void asm_movhpd_mx(Assembler *a, Mem d, Xmm s) { op_rm(a, P66 | OF | 0x17, s, d); }  // 66 0F 17 /r
void asm_movlps_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, OF | 0x12, d, s); }        // 0F 12 /r
void asm_movlps_mx(Assembler *a, Mem d, Xmm s) { op_rm(a, OF | 0x13, s, d); }        // 0F 13 /r
void asm_movhps_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, OF | 0x16, d, s); }        // 0F 16 /r
void asm_movhps_mx(Assembler *a, Mem d, Xmm s) { op_rm(a, OF | 0x17, s, d); }        // 0F 17 /r
void asm_movhlps_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, OF | 0x12, d, s); }       // 0F 12 /r
void asm_movlhps_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, OF | 0x16, d, s); }       // 0F 16 /r
void asm_movddup_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, PF2 | OF | 0x12, d, s); } // F2 0F 12 /r
void asm_movddup_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF2 | OF | 0x12, d, s); } // F2 0F 12 /r

// SSE: arithmetic. sd: one double, ss: one float, pd: two doubles, ps: four floats.
void asm_sqrtsd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, PF2 | OF | 0x51, d, s); }   // F2 0F 51 /r
void asm_sqrtsd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF2 | OF | 0x51, d, s); }   // F2 0F 51 /r
void asm_sqrtss_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, PF3 | OF | 0x51, d, s); }   // F3 0F 51 /r
void asm_sqrtss_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF3 | OF | 0x51, d, s); }   // F3 0F 51 /r
void asm_sqrtpd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x51, d, s); }   // 66 0F 51 /r
void asm_sqrtpd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x51, d, s); }   // 66 0F 51 /r
void asm_sqrtps_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, OF | 0x51, d, s); }         // 0F 51 /r
void asm_sqrtps_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, OF | 0x51, d, s); }         // 0F 51 /r
void asm_addsd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, PF2 | OF | 0x58, d, s); }    // F2 0F 58 /r
void asm_addsd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF2 | OF | 0x58, d, s); }    // F2 0F 58 /r
void asm_addss_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, PF3 | OF | 0x58, d, s); }    // F3 0F 58 /r
void asm_addss_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF3 | OF | 0x58, d, s); }    // F3 0F 58 /r
void asm_addpd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x58, d, s); }    // 66 0F 58 /r
void asm_addpd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x58, d, s); }    // 66 0F 58 /r
void asm_addps_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, OF | 0x58, d, s); }          // 0F 58 /r
void asm_addps_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, OF | 0x58, d, s); }          // 0F 58 /r
void asm_mulsd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, PF2 | OF | 0x59, d, s); }    // F2 0F 59 /r
void asm_mulsd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF2 | OF | 0x59, d, s); }    // F2 0F 59 /r
void asm_mulss_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, PF3 | OF | 0x59, d, s); }    // F3 0F 59 /r
void asm_mulss_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF3 | OF | 0x59, d, s); }    // F3 0F 59 /r
void asm_mulpd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x59, d, s); }    // 66 0F 59 /r
void asm_mulpd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x59, d, s); }    // 66 0F 59 /r
void asm_mulps_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, OF | 0x59, d, s); }          // 0F 59 /r
void asm_mulps_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, OF | 0x59, d, s); }          // 0F 59 /r
void asm_subsd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, PF2 | OF | 0x5C, d, s); }    // F2 0F 5C /r
void asm_subsd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF2 | OF | 0x5C, d, s); }    // F2 0F 5C /r
void asm_subss_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, PF3 | OF | 0x5C, d, s); }    // F3 0F 5C /r
void asm_subss_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF3 | OF | 0x5C, d, s); }    // F3 0F 5C /r
void asm_subpd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x5C, d, s); }    // 66 0F 5C /r
void asm_subpd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x5C, d, s); }    // 66 0F 5C /r
void asm_subps_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, OF | 0x5C, d, s); }          // 0F 5C /r
void asm_subps_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, OF | 0x5C, d, s); }          // 0F 5C /r
void asm_minsd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, PF2 | OF | 0x5D, d, s); }    // F2 0F 5D /r
void asm_minsd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF2 | OF | 0x5D, d, s); }    // F2 0F 5D /r
void asm_minss_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, PF3 | OF | 0x5D, d, s); }    // F3 0F 5D /r
void asm_minss_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF3 | OF | 0x5D, d, s); }    // F3 0F 5D /r
void asm_minpd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x5D, d, s); }    // 66 0F 5D /r
void asm_minpd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x5D, d, s); }    // 66 0F 5D /r
void asm_minps_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, OF | 0x5D, d, s); }          // 0F 5D /r
void asm_minps_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, OF | 0x5D, d, s); }          // 0F 5D /r
void asm_divsd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, PF2 | OF | 0x5E, d, s); }    // F2 0F 5E /r
void asm_divsd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF2 | OF | 0x5E, d, s); }    // F2 0F 5E /r
void asm_divss_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, PF3 | OF | 0x5E, d, s); }    // F3 0F 5E /r
void asm_divss_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF3 | OF | 0x5E, d, s); }    // F3 0F 5E /r
void asm_divpd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x5E, d, s); }    // 66 0F 5E /r
void asm_divpd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x5E, d, s); }    // 66 0F 5E /r
void asm_divps_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, OF | 0x5E, d, s); }          // 0F 5E /r
void asm_divps_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, OF | 0x5E, d, s); }          // 0F 5E /r
void asm_maxsd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, PF2 | OF | 0x5F, d, s); }    // F2 0F 5F /r
void asm_maxsd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF2 | OF | 0x5F, d, s); }    // F2 0F 5F /r
void asm_maxss_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, PF3 | OF | 0x5F, d, s); }    // F3 0F 5F /r
void asm_maxss_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF3 | OF | 0x5F, d, s); }    // F3 0F 5F /r
void asm_maxpd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x5F, d, s); }    // 66 0F 5F /r
void asm_maxpd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x5F, d, s); }    // 66 0F 5F /r
void asm_maxps_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, OF | 0x5F, d, s); }          // 0F 5F /r
void asm_maxps_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, OF | 0x5F, d, s); }          // 0F 5F /r
void asm_haddpd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x7C, d, s); }   // 66 0F 7C /r
void asm_haddpd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x7C, d, s); }   // 66 0F 7C /r
void asm_haddps_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, PF2 | OF | 0x7C, d, s); }   // F2 0F 7C /r
void asm_haddps_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF2 | OF | 0x7C, d, s); }   // F2 0F 7C /r
void asm_addsubpd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xD0, d, s); } // 66 0F D0 /r
void asm_addsubpd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xD0, d, s); } // 66 0F D0 /r

// SSE: bitwise logic.
void asm_andpd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x54, d, s); }  // 66 0F 54 /r
void asm_andpd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x54, d, s); }  // 66 0F 54 /r
void asm_andps_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, OF | 0x54, d, s); }        // 0F 54 /r
void asm_andps_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, OF | 0x54, d, s); }        // 0F 54 /r
void asm_andnpd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x55, d, s); } // 66 0F 55 /r
void asm_andnpd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x55, d, s); } // 66 0F 55 /r
void asm_andnps_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, OF | 0x55, d, s); }       // 0F 55 /r
void asm_andnps_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, OF | 0x55, d, s); }       // 0F 55 /r
void asm_orpd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x56, d, s); }   // 66 0F 56 /r
void asm_orpd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x56, d, s); }   // 66 0F 56 /r
void asm_orps_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, OF | 0x56, d, s); }         // 0F 56 /r
void asm_orps_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, OF | 0x56, d, s); }         // 0F 56 /r
void asm_xorpd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x57, d, s); }  // 66 0F 57 /r
void asm_xorpd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x57, d, s); }  // 66 0F 57 /r
void asm_xorps_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, OF | 0x57, d, s); }        // 0F 57 /r
void asm_xorps_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, OF | 0x57, d, s); }        // 0F 57 /r
void asm_pand_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xDB, d, s); }   // 66 0F DB /r
void asm_pand_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xDB, d, s); }   // 66 0F DB /r
void asm_pandn_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xDF, d, s); }  // 66 0F DF /r
void asm_pandn_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xDF, d, s); }  // 66 0F DF /r
void asm_por_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xEB, d, s); }    // 66 0F EB /r
void asm_por_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xEB, d, s); }    // 66 0F EB /r
void asm_pxor_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xEF, d, s); }   // 66 0F EF /r
void asm_pxor_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xEF, d, s); }   // 66 0F EF /r

// SSE: comparison.
void asm_ucomisd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x2E, d, s); }  // 66 0F 2E /r
void asm_ucomisd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x2E, d, s); }  // 66 0F 2E /r
void asm_comisd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x2F, d, s); }   // 66 0F 2F /r
void asm_comisd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x2F, d, s); }   // 66 0F 2F /r
void asm_ucomiss_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, OF | 0x2E, d, s); }        // 0F 2E /r
void asm_ucomiss_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, OF | 0x2E, d, s); }        // 0F 2E /r
void asm_comiss_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, OF | 0x2F, d, s); }         // 0F 2F /r
void asm_comiss_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, OF | 0x2F, d, s); }         // 0F 2F /r
void asm_cmpsd_xxi(Assembler *a, Xmm d, Xmm s, FpCompare how) {
    op_rri(a, PF2 | OF | 0xC2, d, s, how); // F2 0F C2 /r ib
}
void asm_cmpsd_xmi(Assembler *a, Xmm d, Mem s, FpCompare how) {
    op_rmi(a, PF2 | OF | 0xC2, d, s, how); // F2 0F C2 /r ib
}
void asm_cmpss_xxi(Assembler *a, Xmm d, Xmm s, FpCompare how) {
    op_rri(a, PF3 | OF | 0xC2, d, s, how); // F3 0F C2 /r ib
}
void asm_cmpss_xmi(Assembler *a, Xmm d, Mem s, FpCompare how) {
    op_rmi(a, PF3 | OF | 0xC2, d, s, how); // F3 0F C2 /r ib
}
void asm_cmppd_xxi(Assembler *a, Xmm d, Xmm s, FpCompare how) {
    op_rri(a, P66 | OF | 0xC2, d, s, how); // 66 0F C2 /r ib
}
void asm_cmppd_xmi(Assembler *a, Xmm d, Mem s, FpCompare how) {
    op_rmi(a, P66 | OF | 0xC2, d, s, how); // 66 0F C2 /r ib
}
void asm_cmpps_xxi(Assembler *a, Xmm d, Xmm s, FpCompare how) {
    op_rri(a, OF | 0xC2, d, s, how); // 0F C2 /r ib
}
void asm_cmpps_xmi(Assembler *a, Xmm d, Mem s, FpCompare how) {
    op_rmi(a, OF | 0xC2, d, s, how); // 0F C2 /r ib
}
void asm_ptest_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x17, d, s); }  // 66 0F 38 17 /r
void asm_ptest_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x17, d, s); }  // 66 0F 38 17 /r
void asm_movmskpd_rx(Assembler *a, Reg d, Xmm s) { op_rr(a, P66 | OF | 0x50, d, s); } // 66 0F 50 /r
void asm_movmskps_rx(Assembler *a, Reg d, Xmm s) { op_rr(a, OF | 0x50, d, s); }       // 0F 50 /r
void asm_pmovmskb_rx(Assembler *a, Reg d, Xmm s) { op_rr(a, P66 | OF | 0xD7, d, s); } // 66 0F D7 /r

// SSE: conversions.
void asm_cvtsi2sd_xr(Assembler *a, Xmm d, Reg s) { op_rr(a, PF2 | W | OF | 0x2A, d, s); }  // F2 0F 2A /r
void asm_cvtsi2sd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF2 | W | OF | 0x2A, d, s); }  // F2 0F 2A /r
void asm_cvtsi2sd32_xr(Assembler *a, Xmm d, Reg s) { op_rr(a, PF2 | OF | 0x2A, d, s); }    // F2 0F 2A /r
void asm_cvtsi2sd32_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF2 | OF | 0x2A, d, s); }    // F2 0F 2A /r
void asm_cvttsd2si_rx(Assembler *a, Reg d, Xmm s) { op_rr(a, PF2 | W | OF | 0x2C, d, s); } // F2 0F 2C /r
void asm_cvttsd2si_rm(Assembler *a, Reg d, Mem s) { op_rm(a, PF2 | W | OF | 0x2C, d, s); } // F2 0F 2C /r
void asm_cvttsd2si32_rx(Assembler *a, Reg d, Xmm s) { op_rr(a, PF2 | OF | 0x2C, d, s); }   // F2 0F 2C /r
void asm_cvttsd2si32_rm(Assembler *a, Reg d, Mem s) { op_rm(a, PF2 | OF | 0x2C, d, s); }   // F2 0F 2C /r
void asm_cvtsd2si_rx(Assembler *a, Reg d, Xmm s) { op_rr(a, PF2 | W | OF | 0x2D, d, s); }  // F2 0F 2D /r
void asm_cvtsd2si_rm(Assembler *a, Reg d, Mem s) { op_rm(a, PF2 | W | OF | 0x2D, d, s); }  // F2 0F 2D /r
void asm_cvtsd2si32_rx(Assembler *a, Reg d, Xmm s) { op_rr(a, PF2 | OF | 0x2D, d, s); }    // F2 0F 2D /r
void asm_cvtsd2si32_rm(Assembler *a, Reg d, Mem s) { op_rm(a, PF2 | OF | 0x2D, d, s); }    // F2 0F 2D /r
void asm_cvtsi2ss_xr(Assembler *a, Xmm d, Reg s) { op_rr(a, PF3 | W | OF | 0x2A, d, s); }  // F3 0F 2A /r
void asm_cvtsi2ss_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF3 | W | OF | 0x2A, d, s); }  // F3 0F 2A /r
void asm_cvtsi2ss32_xr(Assembler *a, Xmm d, Reg s) { op_rr(a, PF3 | OF | 0x2A, d, s); }    // F3 0F 2A /r
void asm_cvtsi2ss32_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF3 | OF | 0x2A, d, s); }    // F3 0F 2A /r
void asm_cvttss2si_rx(Assembler *a, Reg d, Xmm s) { op_rr(a, PF3 | W | OF | 0x2C, d, s); } // F3 0F 2C /r
void asm_cvttss2si_rm(Assembler *a, Reg d, Mem s) { op_rm(a, PF3 | W | OF | 0x2C, d, s); } // F3 0F 2C /r
void asm_cvttss2si32_rx(Assembler *a, Reg d, Xmm s) { op_rr(a, PF3 | OF | 0x2C, d, s); }   // F3 0F 2C /r
void asm_cvttss2si32_rm(Assembler *a, Reg d, Mem s) { op_rm(a, PF3 | OF | 0x2C, d, s); }   // F3 0F 2C /r
void asm_cvtss2si_rx(Assembler *a, Reg d, Xmm s) { op_rr(a, PF3 | W | OF | 0x2D, d, s); }  // F3 0F 2D /r
void asm_cvtss2si_rm(Assembler *a, Reg d, Mem s) { op_rm(a, PF3 | W | OF | 0x2D, d, s); }  // F3 0F 2D /r
void asm_cvtss2si32_rx(Assembler *a, Reg d, Xmm s) { op_rr(a, PF3 | OF | 0x2D, d, s); }    // F3 0F 2D /r
void asm_cvtss2si32_rm(Assembler *a, Reg d, Mem s) { op_rm(a, PF3 | OF | 0x2D, d, s); }    // F3 0F 2D /r
void asm_cvtsd2ss_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, PF2 | OF | 0x5A, d, s); }      // F2 0F 5A /r
void asm_cvtsd2ss_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF2 | OF | 0x5A, d, s); }      // F2 0F 5A /r
void asm_cvtss2sd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, PF3 | OF | 0x5A, d, s); }      // F3 0F 5A /r
void asm_cvtss2sd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF3 | OF | 0x5A, d, s); }      // F3 0F 5A /r
void asm_cvtpd2ps_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x5A, d, s); }      // 66 0F 5A /r
void asm_cvtpd2ps_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x5A, d, s); }      // 66 0F 5A /r
void asm_cvtps2pd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, OF | 0x5A, d, s); }            // 0F 5A /r
void asm_cvtps2pd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, OF | 0x5A, d, s); }            // 0F 5A /r
void asm_cvtdq2pd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, PF3 | OF | 0xE6, d, s); }      // F3 0F E6 /r
void asm_cvtdq2pd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF3 | OF | 0xE6, d, s); }      // F3 0F E6 /r
void asm_cvttpd2dq_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xE6, d, s); }     // 66 0F E6 /r
void asm_cvttpd2dq_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xE6, d, s); }     // 66 0F E6 /r
void asm_cvtpd2dq_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, PF2 | OF | 0xE6, d, s); }      // F2 0F E6 /r
void asm_cvtpd2dq_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF2 | OF | 0xE6, d, s); }      // F2 0F E6 /r
void asm_cvtdq2ps_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, OF | 0x5B, d, s); }            // 0F 5B /r
void asm_cvtdq2ps_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, OF | 0x5B, d, s); }            // 0F 5B /r
void asm_cvttps2dq_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, PF3 | OF | 0x5B, d, s); }     // F3 0F 5B /r
void asm_cvttps2dq_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, PF3 | OF | 0x5B, d, s); }     // F3 0F 5B /r
void asm_cvtps2dq_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x5B, d, s); }      // 66 0F 5B /r
void asm_cvtps2dq_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x5B, d, s); }      // 66 0F 5B /r

// SSE4.1: rounding (how: enum Rounding).
void asm_roundps_xxi(Assembler *a, Xmm d, Xmm s, unsigned how) {
    op_rri(a, P66 | OF3A | 0x08, d, s, how); // 66 0F 3A 08 /r ib
}
void asm_roundps_xmi(Assembler *a, Xmm d, Mem s, unsigned how) {
    op_rmi(a, P66 | OF3A | 0x08, d, s, how); // 66 0F 3A 08 /r ib
}
void asm_roundpd_xxi(Assembler *a, Xmm d, Xmm s, unsigned how) {
    op_rri(a, P66 | OF3A | 0x09, d, s, how); // 66 0F 3A 09 /r ib
}
void asm_roundpd_xmi(Assembler *a, Xmm d, Mem s, unsigned how) {
    op_rmi(a, P66 | OF3A | 0x09, d, s, how); // 66 0F 3A 09 /r ib
}
void asm_roundss_xxi(Assembler *a, Xmm d, Xmm s, unsigned how) {
    op_rri(a, P66 | OF3A | 0x0A, d, s, how); // 66 0F 3A 0A /r ib
}
void asm_roundss_xmi(Assembler *a, Xmm d, Mem s, unsigned how) {
    op_rmi(a, P66 | OF3A | 0x0A, d, s, how); // 66 0F 3A 0A /r ib
}
void asm_roundsd_xxi(Assembler *a, Xmm d, Xmm s, unsigned how) {
    op_rri(a, P66 | OF3A | 0x0B, d, s, how); // 66 0F 3A 0B /r ib
}
void asm_roundsd_xmi(Assembler *a, Xmm d, Mem s, unsigned how) {
    op_rmi(a, P66 | OF3A | 0x0B, d, s, how); // 66 0F 3A 0B /r ib
}

// SSE: shuffles and blends.
void asm_unpcklpd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x14, d, s); }   // 66 0F 14 /r
void asm_unpcklpd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x14, d, s); }   // 66 0F 14 /r
void asm_unpckhpd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x15, d, s); }   // 66 0F 15 /r
void asm_unpckhpd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x15, d, s); }   // 66 0F 15 /r
void asm_shufpd_xxi(Assembler *a, Xmm d, Xmm s, unsigned imm) {
    op_rri(a, P66 | OF | 0xC6, d, s, imm); // 66 0F C6 /r ib
}
void asm_shufpd_xmi(Assembler *a, Xmm d, Mem s, unsigned imm) {
    op_rmi(a, P66 | OF | 0xC6, d, s, imm); // 66 0F C6 /r ib
}
void asm_unpcklps_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, OF | 0x14, d, s); }         // 0F 14 /r
void asm_unpcklps_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, OF | 0x14, d, s); }         // 0F 14 /r
void asm_unpckhps_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, OF | 0x15, d, s); }         // 0F 15 /r
void asm_unpckhps_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, OF | 0x15, d, s); }         // 0F 15 /r
void asm_shufps_xxi(Assembler *a, Xmm d, Xmm s, unsigned imm) {
    op_rri(a, OF | 0xC6, d, s, imm); // 0F C6 /r ib
}
void asm_shufps_xmi(Assembler *a, Xmm d, Mem s, unsigned imm) {
    op_rmi(a, OF | 0xC6, d, s, imm); // 0F C6 /r ib
}
void asm_pshufd_xxi(Assembler *a, Xmm d, Xmm s, unsigned imm) {
    op_rri(a, P66 | OF | 0x70, d, s, imm); // 66 0F 70 /r ib
}
void asm_pshufd_xmi(Assembler *a, Xmm d, Mem s, unsigned imm) {
    op_rmi(a, P66 | OF | 0x70, d, s, imm); // 66 0F 70 /r ib
}
void asm_pshuflw_xxi(Assembler *a, Xmm d, Xmm s, unsigned imm) {
    op_rri(a, PF2 | OF | 0x70, d, s, imm); // F2 0F 70 /r ib
}
void asm_pshuflw_xmi(Assembler *a, Xmm d, Mem s, unsigned imm) {
    op_rmi(a, PF2 | OF | 0x70, d, s, imm); // F2 0F 70 /r ib
}
void asm_pshufhw_xxi(Assembler *a, Xmm d, Xmm s, unsigned imm) {
    op_rri(a, PF3 | OF | 0x70, d, s, imm); // F3 0F 70 /r ib
}
void asm_pshufhw_xmi(Assembler *a, Xmm d, Mem s, unsigned imm) {
    op_rmi(a, PF3 | OF | 0x70, d, s, imm); // F3 0F 70 /r ib
}
void asm_pshufb_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x00, d, s); }   // 66 0F 38 00 /r
void asm_pshufb_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x00, d, s); }   // 66 0F 38 00 /r
void asm_palignr_xxi(Assembler *a, Xmm d, Xmm s, unsigned imm) {
    op_rri(a, P66 | OF3A | 0x0F, d, s, imm); // 66 0F 3A 0F /r ib
}
void asm_palignr_xmi(Assembler *a, Xmm d, Mem s, unsigned imm) {
    op_rmi(a, P66 | OF3A | 0x0F, d, s, imm); // 66 0F 3A 0F /r ib
}
void asm_punpcklbw_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x60, d, s); }  // 66 0F 60 /r
void asm_punpcklbw_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x60, d, s); }  // 66 0F 60 /r
void asm_punpcklwd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x61, d, s); }  // 66 0F 61 /r
void asm_punpcklwd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x61, d, s); }  // 66 0F 61 /r
void asm_punpckldq_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x62, d, s); }  // 66 0F 62 /r
void asm_punpckldq_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x62, d, s); }  // 66 0F 62 /r
void asm_punpcklqdq_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x6C, d, s); } // 66 0F 6C /r
void asm_punpcklqdq_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x6C, d, s); } // 66 0F 6C /r
void asm_punpckhbw_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x68, d, s); }  // 66 0F 68 /r
void asm_punpckhbw_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x68, d, s); }  // 66 0F 68 /r
void asm_punpckhwd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x69, d, s); }  // 66 0F 69 /r
void asm_punpckhwd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x69, d, s); }  // 66 0F 69 /r
void asm_punpckhdq_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x6A, d, s); }  // 66 0F 6A /r
void asm_punpckhdq_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x6A, d, s); }  // 66 0F 6A /r
void asm_punpckhqdq_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x6D, d, s); } // 66 0F 6D /r
void asm_punpckhqdq_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x6D, d, s); } // 66 0F 6D /r
void asm_packsswb_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x63, d, s); }   // 66 0F 63 /r
void asm_packsswb_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x63, d, s); }   // 66 0F 63 /r
void asm_packssdw_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x6B, d, s); }   // 66 0F 6B /r
void asm_packssdw_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x6B, d, s); }   // 66 0F 6B /r
void asm_packuswb_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x67, d, s); }   // 66 0F 67 /r
void asm_packuswb_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x67, d, s); }   // 66 0F 67 /r
void asm_packusdw_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x2B, d, s); } // 66 0F 38 2B /r
void asm_packusdw_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x2B, d, s); } // 66 0F 38 2B /r
void asm_blendps_xxi(Assembler *a, Xmm d, Xmm s, unsigned imm) {
    op_rri(a, P66 | OF3A | 0x0C, d, s, imm); // 66 0F 3A 0C /r ib
}
void asm_blendps_xmi(Assembler *a, Xmm d, Mem s, unsigned imm) {
    op_rmi(a, P66 | OF3A | 0x0C, d, s, imm); // 66 0F 3A 0C /r ib
}
void asm_blendpd_xxi(Assembler *a, Xmm d, Xmm s, unsigned imm) {
    op_rri(a, P66 | OF3A | 0x0D, d, s, imm); // 66 0F 3A 0D /r ib
}
void asm_blendpd_xmi(Assembler *a, Xmm d, Mem s, unsigned imm) {
    op_rmi(a, P66 | OF3A | 0x0D, d, s, imm); // 66 0F 3A 0D /r ib
}
void asm_pblendw_xxi(Assembler *a, Xmm d, Xmm s, unsigned imm) {
    op_rri(a, P66 | OF3A | 0x0E, d, s, imm); // 66 0F 3A 0E /r ib
}
void asm_pblendw_xmi(Assembler *a, Xmm d, Mem s, unsigned imm) {
    op_rmi(a, P66 | OF3A | 0x0E, d, s, imm); // 66 0F 3A 0E /r ib
}
void asm_pblendvb_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x10, d, s); } // 66 0F 38 10 /r
void asm_pblendvb_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x10, d, s); } // 66 0F 38 10 /r
void asm_blendvps_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x14, d, s); } // 66 0F 38 14 /r
void asm_blendvps_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x14, d, s); } // 66 0F 38 14 /r
void asm_blendvpd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x15, d, s); } // 66 0F 38 15 /r
void asm_blendvpd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x15, d, s); } // 66 0F 38 15 /r

// SSE: moves between a lane and a general-purpose register or memory.
void asm_pextrb_rxi(Assembler *a, Reg d, Xmm s, unsigned lane) {
    op_rri(a, P66 | OF3A | 0x14, s, d, lane); // 66 0F 3A 14 /r ib
}
void asm_pextrb_mxi(Assembler *a, Mem d, Xmm s, unsigned lane) {
    op_rmi(a, P66 | OF3A | 0x14, s, d, lane); // 66 0F 3A 14 /r ib
}
void asm_pextrd_rxi(Assembler *a, Reg d, Xmm s, unsigned lane) {
    op_rri(a, P66 | OF3A | 0x16, s, d, lane); // 66 0F 3A 16 /r ib
}
void asm_pextrd_mxi(Assembler *a, Mem d, Xmm s, unsigned lane) {
    op_rmi(a, P66 | OF3A | 0x16, s, d, lane); // 66 0F 3A 16 /r ib
}
void asm_pextrq_rxi(Assembler *a, Reg d, Xmm s, unsigned lane) {
    op_rri(a, P66 | W | OF3A | 0x16, s, d, lane); // 66 0F 3A 16 /r ib
}
void asm_pextrq_mxi(Assembler *a, Mem d, Xmm s, unsigned lane) {
    op_rmi(a, P66 | W | OF3A | 0x16, s, d, lane); // 66 0F 3A 16 /r ib
}
void asm_pextrw_rxi(Assembler *a, Reg d, Xmm s, unsigned lane) {
    op_rri(a, P66 | OF | 0xC5, d, s, lane); // 66 0F C5 /r ib
}
void asm_pextrw_mxi(Assembler *a, Mem d, Xmm s, unsigned lane) {
    op_rmi(a, P66 | OF3A | 0x15, s, d, lane); // 66 0F 3A 15 /r ib
}
void asm_pinsrb_xri(Assembler *a, Xmm d, Reg s, unsigned lane) {
    op_rri(a, P66 | OF3A | 0x20, d, s, lane); // 66 0F 3A 20 /r ib
}
void asm_pinsrb_xmi(Assembler *a, Xmm d, Mem s, unsigned lane) {
    op_rmi(a, P66 | OF3A | 0x20, d, s, lane); // 66 0F 3A 20 /r ib
}
void asm_pinsrw_xri(Assembler *a, Xmm d, Reg s, unsigned lane) {
    op_rri(a, P66 | OF | 0xC4, d, s, lane); // 66 0F C4 /r ib
}
void asm_pinsrw_xmi(Assembler *a, Xmm d, Mem s, unsigned lane) {
    op_rmi(a, P66 | OF | 0xC4, d, s, lane); // 66 0F C4 /r ib
}
void asm_pinsrd_xri(Assembler *a, Xmm d, Reg s, unsigned lane) {
    op_rri(a, P66 | OF3A | 0x22, d, s, lane); // 66 0F 3A 22 /r ib
}
void asm_pinsrd_xmi(Assembler *a, Xmm d, Mem s, unsigned lane) {
    op_rmi(a, P66 | OF3A | 0x22, d, s, lane); // 66 0F 3A 22 /r ib
}
void asm_pinsrq_xri(Assembler *a, Xmm d, Reg s, unsigned lane) {
    op_rri(a, P66 | W | OF3A | 0x22, d, s, lane); // 66 0F 3A 22 /r ib
}
void asm_pinsrq_xmi(Assembler *a, Xmm d, Mem s, unsigned lane) {
    op_rmi(a, P66 | W | OF3A | 0x22, d, s, lane); // 66 0F 3A 22 /r ib
}

// SSE: packed integers. b: sixteen bytes, w: eight words, d: four 32-bit, q: two 64-bit lanes.
void asm_paddb_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xFC, d, s); }     // 66 0F FC /r
void asm_paddb_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xFC, d, s); }     // 66 0F FC /r
void asm_paddw_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xFD, d, s); }     // 66 0F FD /r
void asm_paddw_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xFD, d, s); }     // 66 0F FD /r
void asm_paddd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xFE, d, s); }     // 66 0F FE /r
void asm_paddd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xFE, d, s); }     // 66 0F FE /r
void asm_paddq_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xD4, d, s); }     // 66 0F D4 /r
void asm_paddq_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xD4, d, s); }     // 66 0F D4 /r
void asm_psubb_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xF8, d, s); }     // 66 0F F8 /r
void asm_psubb_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xF8, d, s); }     // 66 0F F8 /r
void asm_psubw_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xF9, d, s); }     // 66 0F F9 /r
void asm_psubw_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xF9, d, s); }     // 66 0F F9 /r
void asm_psubd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xFA, d, s); }     // 66 0F FA /r
void asm_psubd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xFA, d, s); }     // 66 0F FA /r
void asm_psubq_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xFB, d, s); }     // 66 0F FB /r
void asm_psubq_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xFB, d, s); }     // 66 0F FB /r
void asm_paddsb_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xEC, d, s); }    // 66 0F EC /r
void asm_paddsb_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xEC, d, s); }    // 66 0F EC /r
void asm_paddsw_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xED, d, s); }    // 66 0F ED /r
void asm_paddsw_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xED, d, s); }    // 66 0F ED /r
void asm_paddusb_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xDC, d, s); }   // 66 0F DC /r
void asm_paddusb_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xDC, d, s); }   // 66 0F DC /r
void asm_paddusw_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xDD, d, s); }   // 66 0F DD /r
void asm_paddusw_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xDD, d, s); }   // 66 0F DD /r
void asm_psubsb_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xE8, d, s); }    // 66 0F E8 /r
void asm_psubsb_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xE8, d, s); }    // 66 0F E8 /r
void asm_psubsw_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xE9, d, s); }    // 66 0F E9 /r
void asm_psubsw_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xE9, d, s); }    // 66 0F E9 /r
void asm_psubusb_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xD8, d, s); }   // 66 0F D8 /r
void asm_psubusb_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xD8, d, s); }   // 66 0F D8 /r
void asm_psubusw_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xD9, d, s); }   // 66 0F D9 /r
void asm_psubusw_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xD9, d, s); }   // 66 0F D9 /r
void asm_pmullw_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xD5, d, s); }    // 66 0F D5 /r
void asm_pmullw_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xD5, d, s); }    // 66 0F D5 /r
void asm_pmulhw_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xE5, d, s); }    // 66 0F E5 /r
void asm_pmulhw_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xE5, d, s); }    // 66 0F E5 /r
void asm_pmulhuw_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xE4, d, s); }   // 66 0F E4 /r
void asm_pmulhuw_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xE4, d, s); }   // 66 0F E4 /r
void asm_pmulld_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x40, d, s); }  // 66 0F 38 40 /r
void asm_pmulld_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x40, d, s); }  // 66 0F 38 40 /r
void asm_pmuludq_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xF4, d, s); }   // 66 0F F4 /r
void asm_pmuludq_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xF4, d, s); }   // 66 0F F4 /r
void asm_pmuldq_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x28, d, s); }  // 66 0F 38 28 /r
void asm_pmuldq_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x28, d, s); }  // 66 0F 38 28 /r
void asm_pmaddwd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xF5, d, s); }   // 66 0F F5 /r
void asm_pmaddwd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xF5, d, s); }   // 66 0F F5 /r
void asm_psadbw_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xF6, d, s); }    // 66 0F F6 /r
void asm_psadbw_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xF6, d, s); }    // 66 0F F6 /r
void asm_phaddd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x02, d, s); }  // 66 0F 38 02 /r
void asm_phaddd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x02, d, s); }  // 66 0F 38 02 /r
void asm_pcmpeqb_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x74, d, s); }   // 66 0F 74 /r
void asm_pcmpeqb_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x74, d, s); }   // 66 0F 74 /r
void asm_pcmpeqw_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x75, d, s); }   // 66 0F 75 /r
void asm_pcmpeqw_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x75, d, s); }   // 66 0F 75 /r
void asm_pcmpeqd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x76, d, s); }   // 66 0F 76 /r
void asm_pcmpeqd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x76, d, s); }   // 66 0F 76 /r
void asm_pcmpeqq_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x29, d, s); } // 66 0F 38 29 /r
void asm_pcmpeqq_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x29, d, s); } // 66 0F 38 29 /r
void asm_pcmpgtb_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x64, d, s); }   // 66 0F 64 /r
void asm_pcmpgtb_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x64, d, s); }   // 66 0F 64 /r
void asm_pcmpgtw_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x65, d, s); }   // 66 0F 65 /r
void asm_pcmpgtw_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x65, d, s); }   // 66 0F 65 /r
void asm_pcmpgtd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0x66, d, s); }   // 66 0F 66 /r
void asm_pcmpgtd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0x66, d, s); }   // 66 0F 66 /r
void asm_pcmpgtq_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x37, d, s); } // 66 0F 38 37 /r
void asm_pcmpgtq_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x37, d, s); } // 66 0F 38 37 /r
void asm_pminsb_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x38, d, s); }  // 66 0F 38 38 /r
void asm_pminsb_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x38, d, s); }  // 66 0F 38 38 /r
void asm_pminsw_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xEA, d, s); }    // 66 0F EA /r
void asm_pminsw_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xEA, d, s); }    // 66 0F EA /r
void asm_pminsd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x39, d, s); }  // 66 0F 38 39 /r
void asm_pminsd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x39, d, s); }  // 66 0F 38 39 /r
void asm_pminub_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xDA, d, s); }    // 66 0F DA /r
void asm_pminub_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xDA, d, s); }    // 66 0F DA /r
void asm_pminuw_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x3A, d, s); }  // 66 0F 38 3A /r
void asm_pminuw_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x3A, d, s); }  // 66 0F 38 3A /r
void asm_pminud_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x3B, d, s); }  // 66 0F 38 3B /r
void asm_pminud_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x3B, d, s); }  // 66 0F 38 3B /r
void asm_pmaxsb_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x3C, d, s); }  // 66 0F 38 3C /r
void asm_pmaxsb_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x3C, d, s); }  // 66 0F 38 3C /r
void asm_pmaxsw_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xEE, d, s); }    // 66 0F EE /r
void asm_pmaxsw_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xEE, d, s); }    // 66 0F EE /r
void asm_pmaxsd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x3D, d, s); }  // 66 0F 38 3D /r
void asm_pmaxsd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x3D, d, s); }  // 66 0F 38 3D /r
void asm_pmaxub_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xDE, d, s); }    // 66 0F DE /r
void asm_pmaxub_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xDE, d, s); }    // 66 0F DE /r
void asm_pmaxuw_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x3E, d, s); }  // 66 0F 38 3E /r
void asm_pmaxuw_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x3E, d, s); }  // 66 0F 38 3E /r
void asm_pmaxud_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x3F, d, s); }  // 66 0F 38 3F /r
void asm_pmaxud_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x3F, d, s); }  // 66 0F 38 3F /r
void asm_pabsb_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x1C, d, s); }   // 66 0F 38 1C /r
void asm_pabsb_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x1C, d, s); }   // 66 0F 38 1C /r
void asm_pabsw_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x1D, d, s); }   // 66 0F 38 1D /r
void asm_pabsw_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x1D, d, s); }   // 66 0F 38 1D /r
void asm_pabsd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x1E, d, s); }   // 66 0F 38 1E /r
void asm_pabsd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x1E, d, s); }   // 66 0F 38 1E /r

// SSE: packed shifts.
void asm_psllw_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xF1, d, s); }           // 66 0F F1 /r
void asm_psllw_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xF1, d, s); }           // 66 0F F1 /r
void asm_psllw_xi(Assembler *a, Xmm d, unsigned n) { op_rri(a, P66 | OF | 0x71, 6, d, n); }  // 66 0F 71 /6 ib
void asm_pslld_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xF2, d, s); }           // 66 0F F2 /r
void asm_pslld_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xF2, d, s); }           // 66 0F F2 /r
void asm_pslld_xi(Assembler *a, Xmm d, unsigned n) { op_rri(a, P66 | OF | 0x72, 6, d, n); }  // 66 0F 72 /6 ib
void asm_psllq_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xF3, d, s); }           // 66 0F F3 /r
void asm_psllq_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xF3, d, s); }           // 66 0F F3 /r
void asm_psllq_xi(Assembler *a, Xmm d, unsigned n) { op_rri(a, P66 | OF | 0x73, 6, d, n); }  // 66 0F 73 /6 ib
void asm_psrlw_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xD1, d, s); }           // 66 0F D1 /r
void asm_psrlw_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xD1, d, s); }           // 66 0F D1 /r
void asm_psrlw_xi(Assembler *a, Xmm d, unsigned n) { op_rri(a, P66 | OF | 0x71, 2, d, n); }  // 66 0F 71 /2 ib
void asm_psrld_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xD2, d, s); }           // 66 0F D2 /r
void asm_psrld_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xD2, d, s); }           // 66 0F D2 /r
void asm_psrld_xi(Assembler *a, Xmm d, unsigned n) { op_rri(a, P66 | OF | 0x72, 2, d, n); }  // 66 0F 72 /2 ib
void asm_psrlq_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xD3, d, s); }           // 66 0F D3 /r
void asm_psrlq_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xD3, d, s); }           // 66 0F D3 /r
void asm_psrlq_xi(Assembler *a, Xmm d, unsigned n) { op_rri(a, P66 | OF | 0x73, 2, d, n); }  // 66 0F 73 /2 ib
void asm_psraw_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xE1, d, s); }           // 66 0F E1 /r
void asm_psraw_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xE1, d, s); }           // 66 0F E1 /r
void asm_psraw_xi(Assembler *a, Xmm d, unsigned n) { op_rri(a, P66 | OF | 0x71, 4, d, n); }  // 66 0F 71 /4 ib
void asm_psrad_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF | 0xE2, d, s); }           // 66 0F E2 /r
void asm_psrad_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF | 0xE2, d, s); }           // 66 0F E2 /r
void asm_psrad_xi(Assembler *a, Xmm d, unsigned n) { op_rri(a, P66 | OF | 0x72, 4, d, n); }  // 66 0F 72 /4 ib
void asm_psrldq_xi(Assembler *a, Xmm d, unsigned n) { op_rri(a, P66 | OF | 0x73, 3, d, n); } // 66 0F 73 /3 ib
void asm_pslldq_xi(Assembler *a, Xmm d, unsigned n) { op_rri(a, P66 | OF | 0x73, 7, d, n); } // 66 0F 73 /7 ib

// SSE4.1: widening, with the sign or with zeros.
void asm_pmovsxbw_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x20, d, s); } // 66 0F 38 20 /r
void asm_pmovsxbw_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x20, d, s); } // 66 0F 38 20 /r
void asm_pmovsxbd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x21, d, s); } // 66 0F 38 21 /r
void asm_pmovsxbd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x21, d, s); } // 66 0F 38 21 /r
void asm_pmovsxbq_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x22, d, s); } // 66 0F 38 22 /r
void asm_pmovsxbq_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x22, d, s); } // 66 0F 38 22 /r
void asm_pmovsxwd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x23, d, s); } // 66 0F 38 23 /r
void asm_pmovsxwd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x23, d, s); } // 66 0F 38 23 /r
void asm_pmovsxwq_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x24, d, s); } // 66 0F 38 24 /r
void asm_pmovsxwq_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x24, d, s); } // 66 0F 38 24 /r
void asm_pmovsxdq_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x25, d, s); } // 66 0F 38 25 /r
void asm_pmovsxdq_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x25, d, s); } // 66 0F 38 25 /r
void asm_pmovzxbw_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x30, d, s); } // 66 0F 38 30 /r
void asm_pmovzxbw_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x30, d, s); } // 66 0F 38 30 /r
void asm_pmovzxbd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x31, d, s); } // 66 0F 38 31 /r
void asm_pmovzxbd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x31, d, s); } // 66 0F 38 31 /r
void asm_pmovzxbq_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x32, d, s); } // 66 0F 38 32 /r
void asm_pmovzxbq_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x32, d, s); } // 66 0F 38 32 /r
void asm_pmovzxwd_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x33, d, s); } // 66 0F 38 33 /r
void asm_pmovzxwd_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x33, d, s); } // 66 0F 38 33 /r
void asm_pmovzxwq_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x34, d, s); } // 66 0F 38 34 /r
void asm_pmovzxwq_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x34, d, s); } // 66 0F 38 34 /r
void asm_pmovzxdq_xx(Assembler *a, Xmm d, Xmm s) { op_rr(a, P66 | OF38 | 0x35, d, s); } // 66 0F 38 35 /r
void asm_pmovzxdq_xm(Assembler *a, Xmm d, Mem s) { op_rm(a, P66 | OF38 | 0x35, d, s); } // 66 0F 38 35 /r
