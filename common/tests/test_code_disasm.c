// Listings: columns, labels, symbols, marks, data, bytes that are no code.
#include "code/disasm.h"

#include "asm/asm.h"
#include "testing/test_main.h"

// Print the listing into memory; the caller frees the text.
static char *listing_text(const CodeListing *listing) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    disasm_print(out, listing);
    fclose(out);
    return text;
}

static void assert_listing(const CodeListing *listing, const char *expected) {
    char *text = listing_text(listing);
    assert_string_equal(text, expected);
    free(text);
}

static CodeListing listing_of(const char *name, const Assembler *a) {
    return (CodeListing){.name = name, .code = a->code, .size = a->size};
}

static void test_columns(void **state) {
    (void)state;
    Assembler a;
    asm_init(&a, 100);
    asm_push_r(&a, RBP);
    asm_mov_rr(&a, RBP, RSP);
    asm_mov_ri(&a, R11, INT64_C(0x1122334455667788));
    asm_cmp_rm(&a, RAX, mem(RBP, -8));
    asm_leave(&a);
    asm_ret(&a);
    CodeListing listing = listing_of("f", &a);
    assert_listing(&listing,
                   "f: 20 bytes\n"
                   "  0000  55                             push    rbp\n"
                   "  0001  48 89 e5                       mov     rbp, rsp\n"
                   "  0004  49 bb 88 77 66 55 44 33 22 11  movabs  r11, 0x1122334455667788\n"
                   "  000e  48 3b 45 f8                    cmp     rax, qword ptr [rbp - 8]\n"
                   "  0012  c9                             leave\n"
                   "  0013  c3                             ret\n");
    asm_free(&a);
}

static void test_long_instructions_continue_on_the_next_line(void **state) {
    (void)state;
    // mov qword ptr fs:[rax + rcx*8 + 0x11223344], 0x55667788: 13 bytes
    static const uint8_t code[] = {0x64, 0x48, 0xC7, 0x84, 0xC8, 0x44, 0x33, 0x22, 0x11,
                                   0x88, 0x77, 0x66, 0x55, 0xC3};
    CodeListing listing = {.name = "f", .code = code, .size = sizeof code};
    assert_listing(&listing,
                   "f: 14 bytes\n"
                   "  0000  64 48 c7 84 c8 44 33 22 11 88  mov     qword ptr fs:[rax + rcx*8 + 0x11223344], 0x55667788\n"
                   "  000a  77 66 55\n"
                   "  000d  c3                             ret\n");
}

static void test_local_targets_are_numbered_by_address(void **state) {
    (void)state;
    Assembler a;
    Label loop = LABEL_INIT, done = LABEL_INIT;
    asm_init(&a, 100);
    asm_jmp(&a, &done); // forward to the later one first
    asm_bind(&a, &loop);
    asm_test_rr(&a, RDI, RDI);
    asm_jcc(&a, CC_E, &done);
    asm_jmp(&a, &loop);
    asm_bind(&a, &done);
    asm_ret(&a);
    static const char expected[] = "f: 20 bytes\n"
                                   "  0000  e9 0e 00 00 00                 jmp     .L2\n"
                                   ".L1:\n"
                                   "  0005  48 85 ff                       test    rdi, rdi\n"
                                   "  0008  0f 84 05 00 00 00              je      .L2\n"
                                   "  000e  e9 f2 ff ff ff                 jmp     .L1\n"
                                   ".L2:\n"
                                   "  0013  c3                             ret\n";
    CodeListing listing = listing_of("f", &a);
    if (a.size == 20) { // an assembler that finds short jumps makes other bytes
        assert_listing(&listing, expected);
        listing.address = 0x7f0000001000; // the same wherever the code runs
        assert_listing(&listing, expected);
    }
    asm_free(&a);
}

static const char *find_strange_symbol(uint64_t address, const void *context) {
    (void)address;
    return context;
}

// A property's name, for one, is any string.
static void test_a_name_does_not_end_its_line(void **state) {
    (void)state;
    static const uint8_t code[] = {0xE8, 0xFB, 0x0F, 0x00, 0x00}; // call 0x401000
    CodeListing listing = {.name = "f", .code = code, .size = sizeof code, .address = 0x400000,
                           .symbol = find_strange_symbol, .context = "two\nlines \x1b[1m\x7f"};
    assert_listing(&listing,
                   "f: 5 bytes\n"
                   "  0000  e8 fb 0f 00 00                 call    two?lines ?[1m?\n");
}

static void test_jumps_that_hit_no_instruction(void **state) {
    (void)state;
    static const uint8_t code[] = {0xEB, 0x01,                    // jmp +1: into the next instruction
                                   0xB8, 0x01, 0x00, 0x00, 0x00,  // mov eax, 1
                                   0xE8, 0xF4, 0xFF, 0xFF, 0xFF,  // call -12: the first byte
                                   0xE9, 0x00, 0x00, 0x00, 0x10}; // jmp far away
    CodeListing listing = {.name = "f", .code = code, .size = sizeof code, .address = 0x400000};
    assert_listing(&listing,
                   "f: 17 bytes\n"
                   "  0000  eb 01                          jmp     f+0x3\n"
                   "  0002  b8 01 00 00 00                 mov     eax, 1\n"
                   "  0007  e8 f4 ff ff ff                 call    f\n"
                   "  000c  e9 00 00 00 10                 jmp     0x10400011\n");
}

static const char *find_symbol(uint64_t address, const void *context) {
    if (address == 0x401000) return "helper";
    if (address == 0x7F0012345678) return context;
    return NULL;
}

static void test_addresses_outside_are_named(void **state) {
    (void)state;
    static const uint8_t code[] = {0xE8, 0xFB, 0x0F, 0x00, 0x00,             // call 0x401000
                                   0x48, 0xB8, 0x78, 0x56, 0x34, 0x12, 0x00, // mov rax, 0x7f0012345678
                                   0x7F, 0x00, 0x00,
                                   0x48, 0x8B, 0x05, 0xEA, 0x0F, 0x00, 0x00, // mov rax, [rip + ...]
                                   0x48, 0xB8, 0x05, 0x00, 0x40, 0x00, 0x00, // mov rax, 0x400005: its own
                                   0x00, 0x00, 0x00};                        // second instruction
    CodeListing listing = {.name = "f", .code = code, .size = sizeof code, .address = 0x400000,
                           .symbol = find_symbol, .context = "native_print"};
    assert_listing(&listing,
                   "f: 32 bytes\n"
                   "  0000  e8 fb 0f 00 00                 call    helper\n"
                   ".L1:\n"
                   "  0005  48 b8 78 56 34 12 00 7f 00 00  movabs  rax, 0x7f0012345678      ; native_print\n"
                   "  000f  48 8b 05 ea 0f 00 00           mov     rax, qword ptr [rip + 0xfea] ; helper\n"
                   "  0016  48 b8 05 00 40 00 00 00 00 00  movabs  rax, 0x400005            ; .L1\n");
}

static void print_item(FILE *out, uint32_t item, const void *context) {
    const char *const *names = context;
    fprintf(out, "%u %s", item, names[item]);
}

static void test_marks_show_what_code_was_made_for(void **state) {
    (void)state;
    static const char *const names[] = {"load_const 1", "nothing", "return"};
    static const CodeMark marks[] = {{0, 0}, {5, 1}, {5, 2}};
    Assembler a;
    asm_init(&a, 100);
    asm_mov_ri(&a, RAX, 1);
    asm_ret(&a);
    CodeListing listing = listing_of("main", &a);
    listing.marks = marks;
    listing.num_marks = 3;
    assert_listing(&listing,
                   "main: 6 bytes\n"
                   "; 0\n"
                   "  0000  b8 01 00 00 00                 mov     eax, 1\n"
                   "; 1\n"
                   "; 2\n"
                   "  0005  c3                             ret\n");
    listing.print_item = print_item;
    listing.context = names;
    assert_listing(&listing,
                   "main: 6 bytes\n"
                   "; 0 load_const 1\n"
                   "  0000  b8 01 00 00 00                 mov     eax, 1\n"
                   "; 1 nothing\n"
                   "; 2 return\n"
                   "  0005  c3                             ret\n");
    asm_free(&a);
}

static void test_what_follows_the_code_is_data(void **state) {
    (void)state;
    static const uint8_t bytes[] = {0x48, 0x8B, 0x05, 0x01, 0x00, 0x00, 0x00, 0xC3, // mov rax, [rip + 1]
                                    0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 1, 2, 3};
    CodeListing listing = {.name = "f", .code = bytes, .size = sizeof bytes, .code_size = 8};
    assert_listing(&listing,
                   "f: 8 bytes of code, 11 of data\n"
                   "  0000  48 8b 05 01 00 00 00           mov     rax, qword ptr [rip + 1]\n"
                   "  0007  c3                             ret\n"
                   "  0008  00 00 00 00 00 00 f0 3f        .quad   0x3ff0000000000000\n"
                   "  0010  01 02 03\n");
}

static void test_data_is_named_by_its_distance(void **state) {
    (void)state;
    static const uint8_t bytes[] = {0x48, 0x8B, 0x05, 0x01, 0x00, 0x00, 0x00, 0xC3, // mov rax, [rip + 1]
                                    0, 0, 0, 0, 0, 0, 0xF0, 0x3F};
    CodeListing listing = {.name = "f", .code = bytes, .size = sizeof bytes, .code_size = 8, .address = 0x400000};
    assert_listing(&listing,
                   "f: 8 bytes of code, 8 of data\n"
                   "  0000  48 8b 05 01 00 00 00           mov     rax, qword ptr [rip + 1] ; f+0x8\n"
                   "  0007  c3                             ret\n"
                   "  0008  00 00 00 00 00 00 f0 3f        .quad   0x3ff0000000000000\n");
}

static void test_bytes_that_are_no_code(void **state) {
    (void)state;
    static const uint8_t bytes[] = {0x90, 0x06, 0xC3, 0x48}; // 06 is invalid in 64-bit mode; 48 is cut off
    CodeListing listing = {.name = "f", .code = bytes, .size = sizeof bytes};
    assert_listing(&listing,
                   "f: 4 bytes\n"
                   "  0000  90                             nop\n"
                   "  0001  06                             .byte   0x06                     ; no instruction starts here\n"
                   "  0002  c3                             ret\n"
                   "  0003  48                             .byte   0x48                     ; no instruction starts here\n");
}

static void test_empty_code(void **state) {
    (void)state;
    CodeListing listing = {.name = "nothing"};
    assert_listing(&listing, "nothing: 0 bytes\n");
    assert_int_equal(disasm_check(NULL, 0), -1);
}

static void test_check_finds_the_first_bad_byte(void **state) {
    (void)state;
    assert_true(disasm_available());
    assert_int_equal(disasm_check((const uint8_t *)"\x55\xC3", 2), -1);
    assert_int_equal(disasm_check((const uint8_t *)"\x55\x06\xC3", 3), 1);
    assert_int_equal(disasm_check((const uint8_t *)"\x55\x48\x89", 3), 1); // cut off
}

static void test_text_of_one_instruction(void **state) {
    (void)state;
    char text[DISASM_TEXT_SIZE];
    static const uint8_t mov[] = {0x48, 0x89, 0xE5, 0xC3};
    assert_int_equal(disasm_instruction(mov, sizeof mov, 0, text, sizeof text), 3);
    assert_string_equal(text, "mov rbp, rsp");
    assert_int_equal(disasm_instruction(mov + 3, 1, 0, text, sizeof text), 1);
    assert_string_equal(text, "ret");
    assert_int_equal(disasm_instruction(mov, 2, 0, text, sizeof text), 0);
    assert_string_equal(text, "");
    static const uint8_t call[] = {0xE8, 0xFB, 0x0F, 0x00, 0x00};
    assert_int_equal(disasm_instruction(call, sizeof call, 0x400000, text, sizeof text), 5);
    assert_string_equal(text, "call 0x401000");
    char small[6];
    assert_int_equal(disasm_instruction(mov, sizeof mov, 0, small, sizeof small), 3);
    assert_string_equal(small, "mov r");
}

static const struct CMUnitTest disasm_tests[] = {
    cmocka_unit_test(test_columns),
    cmocka_unit_test(test_long_instructions_continue_on_the_next_line),
    cmocka_unit_test(test_local_targets_are_numbered_by_address),
    cmocka_unit_test(test_jumps_that_hit_no_instruction),
    cmocka_unit_test(test_addresses_outside_are_named),
    cmocka_unit_test(test_a_name_does_not_end_its_line),
    cmocka_unit_test(test_marks_show_what_code_was_made_for),
    cmocka_unit_test(test_what_follows_the_code_is_data),
    cmocka_unit_test(test_data_is_named_by_its_distance),
    cmocka_unit_test(test_bytes_that_are_no_code),
    cmocka_unit_test(test_empty_code),
    cmocka_unit_test(test_check_finds_the_first_bad_byte),
    cmocka_unit_test(test_text_of_one_instruction),
};
TEST_MAIN(disasm_tests)
