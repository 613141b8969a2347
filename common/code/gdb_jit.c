// Names and frames for gdb (see gdb_jit.h).
//
// The object file that gdb reads:
//
//      ELF header | .eh_frame | .symtab | .strtab | .shstrtab | section headers
//
// .text has no bytes in it: its header gives the address of the code in memory, and gdb takes section
// addresses in a JIT's object file for absolute.
// Sources: System V ABI, "Object Files"; DWARF 5, section 6.4 (call frame information); Linux Standard
// Base, section "Exception Frames" (.eh_frame); AMD64 supplement, figure 3.36 (DWARF register numbers).
#include "code/gdb_jit.h"

#include <elf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "base/memory.h"

// What gdb reads. The names and the layout are gdb's.

struct jit_code_entry {
    struct jit_code_entry *next_entry, *prev_entry;
    const char *symfile_addr;
    uint64_t symfile_size;
};

struct jit_descriptor {
    uint32_t version;
    uint32_t action_flag;
    struct jit_code_entry *relevant_entry, *first_entry;
};

enum { JIT_NOACTION, JIT_REGISTER, JIT_UNREGISTER };

extern struct jit_descriptor __jit_debug_descriptor;
extern void __jit_debug_register_code(void);

struct jit_descriptor __jit_debug_descriptor = {.version = 1};

// gdb has a breakpoint here.
__attribute__((noinline, used)) void __jit_debug_register_code(void) { __asm__ volatile("" : : : "memory"); }

struct GdbJitEntry {
    struct jit_code_entry entry;
    uint8_t *image;
};

// The file's bytes, growing.

typedef struct Image {
    uint8_t *bytes;
    size_t size, capacity;
} Image;

static void put8(Image *image, unsigned value) {
    GROW(image->bytes, image->size, image->capacity);
    image->bytes[image->size++] = (uint8_t)value;
}

static void put_bytes(Image *image, const void *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) put8(image, ((const uint8_t *)bytes)[i]);
}

static void put32(Image *image, uint32_t value) { put_bytes(image, &value, sizeof value); }
static void put64(Image *image, uint64_t value) { put_bytes(image, &value, sizeof value); }

static size_t put_string(Image *image, const char *text) { // returns where it starts
    size_t start = image->size;
    put_bytes(image, text, strlen(text) + 1);
    return start;
}

// "Unsigned little-endian base 128": DWARF 5, section 7.6.
static void put_uleb(Image *image, uint64_t value) {
    while (value >= 0x80) {
        put8(image, (value & 0x7F) | 0x80);
        value >>= 7;
    }
    put8(image, (unsigned)value);
}

static void align_image(Image *image, size_t alignment, unsigned filler) {
    while (image->size % alignment) put8(image, filler);
}

// Call frame information: rows that say, from a code offset on, where the caller's frame is.

enum { // DWARF 5, section 7.24
    CFA_NOP = 0x00, CFA_ADVANCE_LOC4 = 0x04, CFA_REMEMBER_STATE = 0x0A, CFA_RESTORE_STATE = 0x0B,
    CFA_DEF_CFA = 0x0C, CFA_DEF_CFA_REGISTER = 0x0D, CFA_DEF_CFA_OFFSET = 0x0E,
    CFA_OFFSET = 0x80,  // + register
    CFA_RESTORE = 0xC0, // + register
};

enum { DWARF_RBP = 6, DWARF_RSP = 7, DWARF_RETURN_ADDRESS = 16 };

enum {
    WORD = 8,
    DATA_ALIGNMENT = 0x78, // -8 as signed LEB128: offsets are counted in words below the frame's address
    POINTERS_ABSOLUTE = 0, // DW_EH_PE_absptr
    CFA_TO_RBP = 2 * WORD, // the frame's address lies above the return address and the saved rbp
    PUSH_RBP_SIZE = 1, MOV_RBP_RSP_SIZE = 3,
    LEAVE = 0xC9, RET = 0xC3,
};

static const uint8_t dwarf_register[16] = { // by hardware number
    0, 2, 1, 3, DWARF_RSP, DWARF_RBP, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15,
};

// A record starts with its size, which is known at its end.
static size_t begin_record(Image *image) {
    put32(image, 0);
    return image->size;
}

static void end_record(Image *image, size_t start) {
    align_image(image, WORD, CFA_NOP);
    uint32_t size = (uint32_t)(image->size - start);
    memcpy(image->bytes + start - sizeof size, &size, sizeof size);
}

// What all functions have in common: on entry the return address is at [rsp].
static void put_cie(Image *image) {
    size_t start = begin_record(image);
    put32(image, 0); // this is a CIE
    put8(image, 1);  // version
    put_string(image, "zR");
    put_uleb(image, 1); // code offsets are counted in bytes
    put8(image, DATA_ALIGNMENT);
    put_uleb(image, DWARF_RETURN_ADDRESS);
    put_uleb(image, 1); // size of the augmentation data
    put8(image, POINTERS_ABSOLUTE);
    put8(image, CFA_DEF_CFA), put_uleb(image, DWARF_RSP), put_uleb(image, WORD);
    put8(image, CFA_OFFSET | DWARF_RETURN_ADDRESS), put_uleb(image, 1);
    end_record(image, start);
}

// The rows that follow hold from `offset` on.
static void advance_to(Image *image, uint32_t *at, uint32_t offset) {
    if (offset <= *at) return;
    put8(image, CFA_ADVANCE_LOC4);
    put32(image, offset - *at);
    *at = offset;
}

static void put_prologue_rows(Image *image, const GdbFrame *frame, uint32_t *at) {
    advance_to(image, at, frame->prologue + PUSH_RBP_SIZE);
    put8(image, CFA_DEF_CFA_OFFSET), put_uleb(image, CFA_TO_RBP);
    put8(image, CFA_OFFSET | DWARF_RBP), put_uleb(image, CFA_TO_RBP / WORD);
    advance_to(image, at, frame->prologue + PUSH_RBP_SIZE + MOV_RBP_RSP_SIZE);
    put8(image, CFA_DEF_CFA_REGISTER), put_uleb(image, DWARF_RBP);
    if (frame->num_saved) advance_to(image, at, frame->body);
    for (size_t i = 0; i < frame->num_saved; i++) {
        GdbSavedReg saved = frame->saved[i];
        if (saved.reg >= 16 || saved.rbp_offset >= 0 || saved.rbp_offset % WORD)
            fatal("gdb_jit: register %u saved at rbp%+d", saved.reg, saved.rbp_offset);
        put8(image, CFA_OFFSET | dwarf_register[saved.reg]);
        put_uleb(image, (uint64_t)(CFA_TO_RBP - saved.rbp_offset) / WORD);
    }
}

// After a `leave` everything is as on entry, for the length of the `ret`. The two bytes are looked for
// without decoding. They may stand inside another instruction; then no program counter ever
// equals the address of the false `ret`, and the row for this one byte is never used.
static void put_epilogue_rows(Image *image, const GdbFrame *frame, const uint8_t *code, size_t size,
                              uint32_t *at) {
    for (size_t i = *at; i + 1 < size; i++) {
        if (code[i] != LEAVE || code[i + 1] != RET) continue;
        uint32_t ret = (uint32_t)i + 1;
        advance_to(image, at, ret);
        put8(image, CFA_REMEMBER_STATE);
        put8(image, CFA_DEF_CFA), put_uleb(image, DWARF_RSP), put_uleb(image, WORD);
        put8(image, CFA_RESTORE | DWARF_RBP);
        for (size_t s = 0; s < frame->num_saved; s++)
            put8(image, CFA_RESTORE | dwarf_register[frame->saved[s].reg]);
        advance_to(image, at, ret + 1);
        put8(image, CFA_RESTORE_STATE);
    }
}

static void put_eh_frame(Image *image, const void *code, size_t size, const GdbFrame *frame) {
    size_t cie = image->size;
    put_cie(image);
    size_t start = begin_record(image);
    put32(image, (uint32_t)(image->size - cie)); // the distance back to the CIE
    put64(image, (uint64_t)(uintptr_t)code);
    put64(image, size);
    put_uleb(image, 0); // no augmentation data
    uint32_t at = 0;
    put_prologue_rows(image, frame, &at);
    put_epilogue_rows(image, frame, code, size, &at);
    end_record(image, start);
    put32(image, 0); // the end
}

// The object file.

enum { NO_SECTION, TEXT, EH_FRAME, SYMTAB, STRTAB, SHSTRTAB, NUM_SECTIONS };

static void put_symbols(Image *image, size_t code_size) {
    Elf64_Sym none = {0};
    Elf64_Sym function = {
        .st_name = 1, // after the empty string
        .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
        .st_shndx = TEXT,
        .st_value = 0, // from the start of .text
        .st_size = code_size,
    };
    put_bytes(image, &none, sizeof none);
    put_bytes(image, &function, sizeof function);
}

// Note where a section starts; after its bytes, end_section notes its size.
static void begin_section(Image *image, Elf64_Shdr *section, uint32_t type) {
    align_image(image, WORD, 0);
    section->sh_type = type;
    section->sh_offset = image->size;
    section->sh_addralign = WORD;
}

static void end_section(const Image *image, Elf64_Shdr *section) {
    section->sh_size = image->size - section->sh_offset;
}

static void put_section_names(Image *image, Elf64_Shdr *sections) {
    static const char *const names[NUM_SECTIONS] = {
        [NO_SECTION] = "", [TEXT] = ".text", [EH_FRAME] = ".eh_frame",
        [SYMTAB] = ".symtab", [STRTAB] = ".strtab", [SHSTRTAB] = ".shstrtab",
    };
    begin_section(image, &sections[SHSTRTAB], SHT_STRTAB);
    for (int i = 0; i < NUM_SECTIONS; i++)
        sections[i].sh_name = (uint32_t)(put_string(image, names[i]) - sections[SHSTRTAB].sh_offset);
    end_section(image, &sections[SHSTRTAB]);
}

static Elf64_Ehdr elf_header(size_t section_headers) {
    return (Elf64_Ehdr){
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT, ELFOSABI_SYSV},
        .e_type = ET_REL,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_shoff = section_headers,
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = NUM_SECTIONS,
        .e_shstrndx = SHSTRTAB,
    };
}

static Image make_object_file(const char *name, const void *code, size_t size, const GdbFrame *frame) {
    Image image = {0};
    Elf64_Shdr sections[NUM_SECTIONS] = {0};
    Elf64_Ehdr header = {0}; // its place; filled in at the end
    put_bytes(&image, &header, sizeof header);

    sections[TEXT] = (Elf64_Shdr){.sh_type = SHT_NOBITS, .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
                                  .sh_addr = (uint64_t)(uintptr_t)code, .sh_size = size, .sh_addralign = 1};
    begin_section(&image, &sections[EH_FRAME], SHT_PROGBITS);
    sections[EH_FRAME].sh_flags = SHF_ALLOC;
    if (frame) put_eh_frame(&image, code, size, frame);
    end_section(&image, &sections[EH_FRAME]);

    begin_section(&image, &sections[SYMTAB], SHT_SYMTAB);
    put_symbols(&image, size);
    end_section(&image, &sections[SYMTAB]);
    sections[SYMTAB].sh_link = STRTAB;
    sections[SYMTAB].sh_info = 1; // the first global symbol
    sections[SYMTAB].sh_entsize = sizeof(Elf64_Sym);

    begin_section(&image, &sections[STRTAB], SHT_STRTAB);
    put_string(&image, "");
    put_string(&image, name);
    end_section(&image, &sections[STRTAB]);

    put_section_names(&image, sections);
    align_image(&image, WORD, 0);
    header = elf_header(image.size);
    put_bytes(&image, sections, sizeof sections);
    memcpy(image.bytes, &header, sizeof header);
    return image;
}

// The list that gdb walks.

static void tell_gdb(uint32_t action, struct jit_code_entry *entry) {
    __jit_debug_descriptor.action_flag = action;
    __jit_debug_descriptor.relevant_entry = entry;
    __jit_debug_register_code();
    __jit_debug_descriptor.action_flag = JIT_NOACTION;
    __jit_debug_descriptor.relevant_entry = NULL;
}

GdbJitEntry *gdb_jit_register(const char *name, const void *code, size_t size, const GdbFrame *frame) {
    Image image = make_object_file(name, code, size, frame);
    GdbJitEntry *result = xcalloc(1, sizeof *result);
    struct jit_code_entry *entry = &result->entry;
    result->image = image.bytes;
    entry->symfile_addr = (const char *)image.bytes;
    entry->symfile_size = image.size;
    entry->next_entry = __jit_debug_descriptor.first_entry;
    if (entry->next_entry) entry->next_entry->prev_entry = entry;
    __jit_debug_descriptor.first_entry = entry;
    tell_gdb(JIT_REGISTER, entry);
    return result;
}

void gdb_jit_unregister(GdbJitEntry *handle) {
    if (!handle) return;
    struct jit_code_entry *entry = &handle->entry;
    if (entry->prev_entry) entry->prev_entry->next_entry = entry->next_entry;
    else __jit_debug_descriptor.first_entry = entry->next_entry;
    if (entry->next_entry) entry->next_entry->prev_entry = entry->prev_entry;
    tell_gdb(JIT_UNREGISTER, entry);
    free(handle->image);
    free(handle);
}
