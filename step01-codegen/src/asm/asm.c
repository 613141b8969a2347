// A small x86-64 assembler (see asm.h).
//
// An instruction is   [REX] [0F] opcode [ModRM [SIB] [disp]] [imm]
//
//   REX      0100WRXB    W: 64-bit operation; R, X, B: fourth bit of reg, index, rm/base
//   ModRM    mm rrr bbb  mm: what bbb means; rrr: a register or a part of the opcode
//                          11  the register bbb
//                          00  memory [bbb]            (but bbb = 101: rip-relative)
//                          01  memory [bbb + disp8]
//                          10  memory [bbb + disp32]
//                        in memory forms bbb = 100 means "a SIB byte follows"
//   SIB      ss iii bbb  [bbb + iii << ss]; iii = 100 means "no index"
//
// Source: Intel SDM volume 2, sections 2.1 and 2.2.1.
#include "asm/asm.h"

#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "base/memory.h"

enum {
    REX = 0x40, REX_W = 8, REX_R = 4, REX_B = 1,
    MAX_INSTRUCTION = 15, // bytes; SDM vol. 2, section 2.3.11
};

// An opcode number for the helpers below: flags above the opcode byte.
enum {
    W = 1 << 8,     // 64-bit operation: needs REX.W
    OF = 1 << 9,    // two-byte opcode: 0F, then the byte
    BYTE = 1 << 10, // the rm operand is a byte register: SPL, BPL, SIL, DIL need a REX prefix
};

void asm_init(Assembler *a, size_t limit) {
    *a = (Assembler){.limit = limit < INT32_MAX ? limit : INT32_MAX};
}

void asm_free(Assembler *a) {
    free(a->code);
    free(a->fixups);
    free(a->relocs);
    *a = (Assembler){0};
}

// Emission. An instruction is collected here whole and then appended whole or not at all.
typedef struct Ins {
    uint8_t bytes[MAX_INSTRUCTION];
    unsigned size;
} Ins;

static void put8(Ins *ins, unsigned byte) { ins->bytes[ins->size++] = (uint8_t)byte; }

static void put32(Ins *ins, uint32_t value) {
    memcpy(ins->bytes + ins->size, &value, sizeof value);
    ins->size += sizeof value;
}

static void put64(Ins *ins, uint64_t value) {
    memcpy(ins->bytes + ins->size, &value, sizeof value);
    ins->size += sizeof value;
}

static bool reserve(Assembler *a, size_t size) {
    if (a->error) return false;
    if (size > a->limit - a->size) {
        a->error = ASM_FULL;
        return false;
    }
    while (a->cap_code < a->size + size) GROW(a->code, a->cap_code, a->cap_code);
    return true;
}

static void append(Assembler *a, const Ins *ins) {
    if (!reserve(a, ins->size)) return;
    memcpy(a->code + a->size, ins->bytes, ins->size);
    a->size += ins->size;
}

static void put_opcode(Ins *ins, unsigned op, unsigned reg, unsigned base) {
    unsigned rex = (op & W ? REX_W : 0) | (reg >= 8 ? REX_R : 0) | (base >= 8 ? REX_B : 0);
    bool byte_needs_rex = op & BYTE && base >= RSP;
    if (rex || byte_needs_rex) put8(ins, REX | rex);
    if (op & OF) put8(ins, 0x0F);
    put8(ins, op & 0xFF);
}

static bool fits8(int64_t value) { return value == (int8_t)value; }
static bool fits32(int64_t value) { return value == (int32_t)value; }

static void put_modrm(Ins *ins, unsigned mode, unsigned reg, unsigned rm) {
    put8(ins, mode << 6 | (reg & 7) << 3 | (rm & 7));
}

// op reg, rm with rm a register. `reg` may also be an opcode extension ("/digit" in the SDM).
static void put_rr(Ins *ins, unsigned op, unsigned reg, Reg rm) {
    put_opcode(ins, op, reg, rm);
    put_modrm(ins, 3, reg, rm);
}

// op reg, [base + disp]. Two registers are special, together with their upper twins: RSP and R12
// need a SIB byte; RBP and R13 always need a displacement, even if it is zero.
static void put_rm(Ins *ins, unsigned op, unsigned reg, Mem m) {
    bool needs_sib = (m.base & 7) == RSP;
    bool needs_disp = m.disp != 0 || (m.base & 7) == RBP;
    unsigned mode = !needs_disp ? 0 : fits8(m.disp) ? 1 : 2;
    put_opcode(ins, op, reg, m.base);
    put_modrm(ins, mode, reg, m.base);
    if (needs_sib) put8(ins, 0x24); // no index, the base in bbb
    if (mode == 1) put8(ins, (uint8_t)m.disp);
    if (mode == 2) put32(ins, (uint32_t)m.disp);
}

static void op_rr(Assembler *a, unsigned op, unsigned reg, Reg rm) {
    Ins ins = {0};
    put_rr(&ins, op, reg, rm);
    append(a, &ins);
}

static void op_rm(Assembler *a, unsigned op, unsigned reg, Mem m) {
    Ins ins = {0};
    put_rm(&ins, op, reg, m);
    append(a, &ins);
}

// The arithmetic group with an immediate: 83 /digit ib or 81 /digit id.
static void op_ri(Assembler *a, unsigned digit, Reg rm, int32_t imm) {
    Ins ins = {0};
    put_rr(&ins, W | (fits8(imm) ? 0x83 : 0x81), digit, rm);
    if (fits8(imm)) put8(&ins, (uint8_t)imm);
    else put32(&ins, (uint32_t)imm);
    append(a, &ins);
}

// An opcode with the register in its low three bits.
static void op_r(Assembler *a, unsigned op, Reg r) {
    Ins ins = {0};
    put_opcode(&ins, op | (r & 7), 0, r);
    append(a, &ins);
}

static void op(Assembler *a, unsigned op) {
    Ins ins = {0};
    put_opcode(&ins, op, 0, 0);
    append(a, &ins);
}

// Moves.

void asm_mov_rr(Assembler *a, Reg d, Reg s) { op_rr(a, W | 0x89, s, d); } // 89 /r
void asm_mov_rm(Assembler *a, Reg d, Mem s) { op_rm(a, W | 0x8B, d, s); } // 8B /r
void asm_mov_mr(Assembler *a, Mem d, Reg s) { op_rm(a, W | 0x89, s, d); } // 89 /r
void asm_lea_rm(Assembler *a, Reg d, Mem s) { op_rm(a, W | 0x8D, d, s); } // 8D /r
void asm_movzx8_rr(Assembler *a, Reg d, Reg s) { op_rr(a, OF | BYTE | 0xB6, d, s); } // 0F B6 /r
void asm_push_r(Assembler *a, Reg s) { op_r(a, 0x50, s); }                // 50+r
void asm_push_m(Assembler *a, Mem s) { op_rm(a, 0xFF, 6, s); }            // FF /6
void asm_pop_r(Assembler *a, Reg d) { op_r(a, 0x58, d); }                 // 58+r

static void mov_ri64(Assembler *a, Reg d, uint64_t imm) {
    Ins ins = {0};
    put_opcode(&ins, W | 0xB8 | (d & 7), 0, d); // B8+r io
    put64(&ins, imm);
    append(a, &ins);
}

void asm_mov_ri(Assembler *a, Reg d, int64_t imm) {
    Ins ins = {0};
    if (imm == (uint32_t)imm) { // writing 32 bits clears the upper half: SDM vol. 1, 3.4.1.1
        put_opcode(&ins, 0xB8 | (d & 7), 0, d); // B8+r id
    } else if (fits32(imm)) {
        put_rr(&ins, W | 0xC7, 0, d); // C7 /0 id, sign-extended
    } else {
        mov_ri64(a, d, (uint64_t)imm);
        return;
    }
    put32(&ins, (uint32_t)imm);
    append(a, &ins);
}

static void add_reloc(Assembler *a, int kind, uint32_t at, uint64_t target) {
    if (a->error) return;
    GROW(a->relocs, a->num_relocs, a->cap_relocs);
    a->relocs[a->num_relocs++] = (Reloc){kind, at, target};
}

void asm_mov_rl(Assembler *a, Reg d, Label *bound) {
    if (bound->position < 0) fatal("asm_mov_rl: the label is not bound");
    mov_ri64(a, d, 0);
    add_reloc(a, RELOC_ABS64, asm_offset(a) - 8, (uint64_t)bound->position);
}

// Arithmetic and comparison.

void asm_add_rr(Assembler *a, Reg d, Reg s) { op_rr(a, W | 0x01, s, d); }       // 01 /r
void asm_add_ri(Assembler *a, Reg d, int32_t imm) { op_ri(a, 0, d, imm); }      // 81 /0
void asm_sub_rr(Assembler *a, Reg d, Reg s) { op_rr(a, W | 0x29, s, d); }       // 29 /r
void asm_sub_ri(Assembler *a, Reg d, int32_t imm) { op_ri(a, 5, d, imm); }      // 81 /5
void asm_and_ri(Assembler *a, Reg d, int32_t imm) { op_ri(a, 4, d, imm); }      // 81 /4
void asm_imul_rr(Assembler *a, Reg d, Reg s) { op_rr(a, W | OF | 0xAF, d, s); } // 0F AF /r
void asm_neg_r(Assembler *a, Reg d) { op_rr(a, W | 0xF7, 3, d); }               // F7 /3
void asm_cqo(Assembler *a) { op(a, W | 0x99); }                                 // 99
void asm_idiv_r(Assembler *a, Reg s) { op_rr(a, W | 0xF7, 7, s); }              // F7 /7
void asm_cmp_rr(Assembler *a, Reg l, Reg r) { op_rr(a, W | 0x39, r, l); }       // 39 /r
void asm_cmp_ri(Assembler *a, Reg l, int32_t imm) { op_ri(a, 7, l, imm); }      // 81 /7
void asm_cmp_rm(Assembler *a, Reg l, Mem r) { op_rm(a, W | 0x3B, l, r); }       // 3B /r
void asm_test_rr(Assembler *a, Reg l, Reg r) { op_rr(a, W | 0x85, r, l); }      // 85 /r
void asm_setcc_r(Assembler *a, Cond cc, Reg d) { op_rr(a, OF | BYTE | 0x90 | cc, 0, d); }

// Labels: a jump forward leaves a fix-up behind, asm_bind fills in the distance.

static void patch_distance(Assembler *a, uint32_t at, int32_t target) {
    int32_t distance = target - (int32_t)(at + 4); // counted from the next instruction
    memcpy(a->code + at, &distance, sizeof distance);
}

static void use_label(Assembler *a, Label *label, uint32_t at) {
    if (a->error) return;
    if (label->position >= 0) {
        patch_distance(a, at, label->position);
        return;
    }
    GROW(a->fixups, a->num_fixups, a->cap_fixups);
    a->fixups[a->num_fixups] = (Fixup){.at = at, .next = label->uses};
    label->uses = (int32_t)a->num_fixups++;
    a->unbound_uses++;
}

void asm_bind(Assembler *a, Label *label) {
    if (label->position >= 0) fatal("label bound twice, at %d and %u", label->position, asm_offset(a));
    label->position = (int32_t)asm_offset(a);
    for (int32_t use = label->uses; use >= 0; use = a->fixups[use].next) {
        patch_distance(a, a->fixups[use].at, label->position);
        a->unbound_uses--;
    }
    label->uses = -1;
}

bool asm_finish(Assembler *a) {
    if (a->error) return false;
    if (a->unbound_uses) fatal("%zu uses of labels that were never bound", a->unbound_uses);
    return true;
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

// Control flow.

// An opcode with an empty 4-byte distance at its end. Returns the distance's offset.
static uint32_t op_rel32(Assembler *a, unsigned op) {
    Ins ins = {0};
    put_opcode(&ins, op, 0, 0);
    put32(&ins, 0);
    append(a, &ins);
    return asm_offset(a) - 4;
}

void asm_jmp(Assembler *a, Label *target) { use_label(a, target, op_rel32(a, 0xE9)); } // E9 cd
void asm_jcc(Assembler *a, Cond cc, Label *target) {
    use_label(a, target, op_rel32(a, OF | 0x80 | cc)); // 0F 80+cc cd
}
void asm_jmp_abs(Assembler *a, const void *target) {
    add_reloc(a, RELOC_REL32, op_rel32(a, 0xE9), (uint64_t)(uintptr_t)target);
}
void asm_call_r(Assembler *a, Reg target) { op_rr(a, 0xFF, 2, target); } // FF /2
void asm_call_m(Assembler *a, Mem target) { op_rm(a, 0xFF, 2, target); } // FF /2
void asm_leave(Assembler *a) { op(a, 0xC9); }                            // C9
void asm_ret(Assembler *a) { op(a, 0xC3); }                              // C3
