// Listings of machine code (see disasm.h).
//
// Two walks over the code: the first finds where instructions start and which of them are targets,
// then these get their names, L1, L2, ... in address order; the second walk prints.
#include "code/disasm.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "base/memory.h"

enum {
    MAX_INSTRUCTION = 15, // bytes; SDM vol. 2, section 2.3.11
    BYTES_PER_LINE = 10,  // the longest common instruction, mov r64, imm64
    DATA_PER_LINE = 8,
    OPERANDS_WIDTH = 24,
    FIRST_ADDRESS = 0x10000, // no code or data lies below (vm.mmap_min_addr)
};

// One decoded instruction, as far as a listing needs it.
typedef struct Decoded {
    size_t size;
    char mnemonic[32];
    char operands[160];
    bool is_branch;    // the only operand is the address to go to
    bool has_reference; // it names an address: a branch target, rip-relative data, a wide immediate
    uint64_t reference;
} Decoded;

typedef struct Decoder Decoder;
static Decoder *decoder_open(void);
static void decoder_close(Decoder *decoder);
// Decode the instruction at code[0]. Returns false if there is none.
static bool decode(Decoder *decoder, const uint8_t *code, size_t size, uint64_t address, Decoded *decoded);

#if HAVE_CAPSTONE

#include <capstone/capstone.h>

struct Decoder {
    csh handle;
    cs_insn *instruction;
};

bool disasm_available(void) { return true; }

static Decoder *decoder_open(void) {
    Decoder *decoder = xcalloc(1, sizeof *decoder);
    cs_err error = cs_open(CS_ARCH_X86, CS_MODE_64, &decoder->handle);
    if (error) fatal("capstone: %s", cs_strerror(error));
    cs_option(decoder->handle, CS_OPT_DETAIL, CS_OPT_ON);
    decoder->instruction = cs_malloc(decoder->handle);
    if (!decoder->instruction) fatal("capstone: out of memory");
    return decoder;
}

static void decoder_close(Decoder *decoder) {
    cs_free(decoder->instruction, 1);
    cs_close(&decoder->handle);
    free(decoder);
}

static void find_reference(csh handle, const cs_insn *instruction, Decoded *decoded) {
    const cs_x86 *x86 = &instruction->detail->x86;
    bool jumps = cs_insn_group(handle, instruction, CS_GRP_JUMP) ||
                 cs_insn_group(handle, instruction, CS_GRP_CALL);
    for (int i = 0; i < x86->op_count; i++) {
        const cs_x86_op *operand = &x86->operands[i];
        if (operand->type == X86_OP_IMM && (jumps || operand->size == 8)) {
            decoded->is_branch = jumps;
            decoded->has_reference = true;
            decoded->reference = (uint64_t)operand->imm;
        }
        if (operand->type == X86_OP_MEM && operand->mem.base == X86_REG_RIP) {
            decoded->has_reference = true;
            decoded->reference = instruction->address + instruction->size + (uint64_t)operand->mem.disp;
        }
    }
}

static bool decode(Decoder *decoder, const uint8_t *code, size_t size, uint64_t address, Decoded *decoded) {
    *decoded = (Decoded){0};
    const cs_insn *instruction = decoder->instruction;
    if (!cs_disasm_iter(decoder->handle, &code, &size, &address, decoder->instruction)) return false;
    decoded->size = instruction->size;
    snprintf(decoded->mnemonic, sizeof decoded->mnemonic, "%s", instruction->mnemonic);
    snprintf(decoded->operands, sizeof decoded->operands, "%s", instruction->op_str);
    find_reference(decoder->handle, instruction, decoded);
    return true;
}

#else

bool disasm_available(void) { return false; }
static Decoder *decoder_open(void) { return NULL; }
static void decoder_close(Decoder *decoder) { (void)decoder; }
static bool decode(Decoder *decoder, const uint8_t *code, size_t size, uint64_t address, Decoded *decoded) {
    (void)decoder, (void)code, (void)size, (void)address;
    *decoded = (Decoded){0};
    return false;
}

#endif

int64_t disasm_check(const uint8_t *code, size_t size) {
    if (!disasm_available()) return -1;
    Decoder *decoder = decoder_open();
    Decoded decoded;
    size_t offset = 0;
    while (offset < size && decode(decoder, code + offset, size - offset, offset, &decoded))
        offset += decoded.size;
    decoder_close(decoder);
    return offset < size ? (int64_t)offset : -1;
}

size_t disasm_instruction(const uint8_t *code, size_t size, uint64_t address, char *text, size_t text_size) {
    if (text_size > 0) text[0] = '\0';
    if (!disasm_available()) return 0;
    Decoder *decoder = decoder_open();
    Decoded decoded;
    if (decode(decoder, code, size, address, &decoded)) {
        const char *space = decoded.operands[0] ? " " : "";
        snprintf(text, text_size, "%s%s%s", decoded.mnemonic, space, decoded.operands);
    }
    decoder_close(decoder);
    return decoded.size;
}

// One listing while it is printed.
typedef struct Printer {
    FILE *out;
    const CodeListing *listing;
    size_t code_size;
    Decoder *decoder;
    uint32_t *labels; // by offset: 0, or n for the label Ln
    size_t next_mark;
} Printer;

// Labels.

enum { STARTS_INSTRUCTION = 1, IS_TARGET = 2, NEEDS_LABEL = 3 };

// Is the address one of the listing's? Then *offset is its place.
static bool is_local(const CodeListing *listing, uint64_t address, size_t *offset) {
    *offset = (size_t)(address - listing->address);
    return address >= listing->address && *offset < listing->size;
}

// Only code at a known place can be named by an immediate: before that, any small number would do.
static bool has_local_target(const Printer *printer, const Decoded *decoded, size_t *offset) {
    if (!decoded->has_reference) return false;
    if (!decoded->is_branch && printer->listing->address == 0) return false;
    return is_local(printer->listing, decoded->reference, offset);
}

static bool decode_at(const Printer *printer, size_t offset, Decoded *decoded) {
    const CodeListing *listing = printer->listing;
    bool valid = decode(printer->decoder, listing->code + offset, printer->code_size - offset,
                        listing->address + offset, decoded);
    if (!valid) decoded->size = 1;
    return valid;
}

static void name_targets(Printer *printer) {
    uint8_t *flags = xcalloc(printer->listing->size, 1);
    Decoded decoded;
    for (size_t offset = 0; offset < printer->code_size; offset += decoded.size) {
        size_t target;
        flags[offset] |= STARTS_INSTRUCTION;
        decode_at(printer, offset, &decoded);
        if (has_local_target(printer, &decoded, &target)) flags[target] |= IS_TARGET;
    }
    uint32_t count = 0;
    for (size_t offset = 1; offset < printer->code_size; offset++)
        if (flags[offset] == NEEDS_LABEL) printer->labels[offset] = ++count;
    free(flags);
}

// What the listing calls its own byte at `offset`: the function's name, a label, or a distance.
static void name_local(const Printer *printer, size_t offset, char *text, size_t text_size) {
    const char *name = printer->listing->name;
    if (offset == 0) snprintf(text, text_size, "%s", name);
    else if (printer->labels[offset]) snprintf(text, text_size, ".L%u", printer->labels[offset]);
    else snprintf(text, text_size, "%s+0x%zx", name, offset);
}

// The name of the address that the instruction refers to. Returns false if it has none.
static bool name_reference(const Printer *printer, const Decoded *decoded, char *text, size_t text_size) {
    const CodeListing *listing = printer->listing;
    size_t offset;
    if (has_local_target(printer, decoded, &offset)) {
        name_local(printer, offset, text, text_size);
        return true;
    }
    bool may_be_address = decoded->has_reference && decoded->reference >= FIRST_ADDRESS;
    if (!may_be_address || !listing->symbol) return false;
    const char *name = listing->symbol(decoded->reference, listing->context);
    if (!name) return false;
    snprintf(text, text_size, "%s", name);
    for (char *at = text; *at; at++) // a name may hold anything; a comment is one line
        if ((unsigned char)*at < ' ' || *at == 0x7F) *at = '?';
    return true;
}

// Lines.

static void print_marks(Printer *printer, size_t offset) {
    const CodeListing *listing = printer->listing;
    while (printer->next_mark < listing->num_marks && listing->marks[printer->next_mark].offset <= offset) {
        uint32_t item = listing->marks[printer->next_mark++].item;
        fputs("; ", printer->out);
        if (listing->print_item) listing->print_item(printer->out, item, listing->context);
        else fprintf(printer->out, "%" PRIu32, item);
        fputc('\n', printer->out);
    }
}

// "  0004  48 89 e5", and spaces up to the next column if something follows.
static void print_bytes(const Printer *printer, size_t offset, size_t size, bool more_follows) {
    fprintf(printer->out, "  %04zx ", offset);
    for (size_t i = 0; i < size; i++) fprintf(printer->out, " %02x", printer->listing->code[offset + i]);
    if (more_follows) fprintf(printer->out, "%*s  ", (int)(3 * (BYTES_PER_LINE - size)), "");
}

static size_t min_size(size_t a, size_t b) { return a < b ? a : b; }

// "mov     rbp, rsp         ; comment" without spaces at the end.
static void print_text(FILE *out, const char *mnemonic, const char *operands, const char *comment) {
    if (comment[0]) fprintf(out, "%-7s %-*s ; %s\n", mnemonic, OPERANDS_WIDTH, operands, comment);
    else if (operands[0]) fprintf(out, "%-7s %s\n", mnemonic, operands);
    else fprintf(out, "%s\n", mnemonic);
}

static void print_instruction(const Printer *printer, size_t offset, const Decoded *decoded) {
    size_t on_first_line = min_size(decoded->size, BYTES_PER_LINE);
    char name[DISASM_TEXT_SIZE] = "";
    bool named = name_reference(printer, decoded, name, sizeof name);
    bool replace = named && decoded->is_branch;
    print_bytes(printer, offset, on_first_line, true);
    print_text(printer->out, decoded->mnemonic, replace ? name : decoded->operands, replace ? "" : name);
    if (decoded->size == on_first_line) return;
    print_bytes(printer, offset + on_first_line, decoded->size - on_first_line, false);
    fputc('\n', printer->out);
}

static void print_undecoded(const Printer *printer, size_t offset) {
    char operand[8];
    snprintf(operand, sizeof operand, "0x%02x", printer->listing->code[offset]);
    print_bytes(printer, offset, 1, true);
    print_text(printer->out, ".byte", operand, "no instruction starts here");
}

static void print_code(Printer *printer) {
    Decoded decoded;
    for (size_t offset = 0; offset < printer->code_size; offset += decoded.size) {
        if (printer->labels[offset]) fprintf(printer->out, ".L%" PRIu32 ":\n", printer->labels[offset]);
        print_marks(printer, offset);
        if (decode_at(printer, offset, &decoded)) print_instruction(printer, offset, &decoded);
        else print_undecoded(printer, offset);
    }
}

// Without Capstone: the bytes, broken into lines where a mark stands.
static void print_code_bytes(Printer *printer) {
    const CodeListing *listing = printer->listing;
    fputs("; to see instructions, install libcapstone-dev and build again\n", printer->out);
    for (size_t offset = 0, end; offset < printer->code_size; offset = end) {
        print_marks(printer, offset);
        end = min_size(offset + BYTES_PER_LINE, printer->code_size);
        if (printer->next_mark < listing->num_marks)
            end = min_size(end, listing->marks[printer->next_mark].offset);
        print_bytes(printer, offset, end - offset, false);
        fputc('\n', printer->out);
    }
}

static void print_data(const Printer *printer) {
    const CodeListing *listing = printer->listing;
    for (size_t offset = printer->code_size; offset < listing->size; offset += DATA_PER_LINE) {
        size_t size = min_size(DATA_PER_LINE, listing->size - offset);
        print_bytes(printer, offset, size, size == DATA_PER_LINE);
        if (size == DATA_PER_LINE) {
            uint64_t value;
            memcpy(&value, listing->code + offset, sizeof value);
            fprintf(printer->out, ".quad   0x%" PRIx64, value);
        }
        fputc('\n', printer->out);
    }
}

static void print_heading(const Printer *printer) {
    size_t data_size = printer->listing->size - printer->code_size;
    fprintf(printer->out, "%s: %zu bytes", printer->listing->name, printer->code_size);
    if (data_size) fprintf(printer->out, " of code, %zu of data", data_size);
    fputc('\n', printer->out);
}

void disasm_print(FILE *out, const CodeListing *listing) {
    Printer printer = {.out = out, .listing = listing, .code_size = listing->code_size};
    if (printer.code_size == 0 || printer.code_size > listing->size) printer.code_size = listing->size;
    print_heading(&printer);
    if (disasm_available()) {
        printer.decoder = decoder_open();
        printer.labels = xcalloc(listing->size, sizeof *printer.labels);
        name_targets(&printer);
        print_code(&printer);
        free(printer.labels);
        decoder_close(printer.decoder);
    } else {
        print_code_bytes(&printer);
    }
    print_data(&printer);
}
