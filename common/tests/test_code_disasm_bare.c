// Listings of a program that was built without Capstone.
//
// The same source is compiled here once more, under other names, with the switch off.
#undef HAVE_CAPSTONE
#define HAVE_CAPSTONE 0
#define disasm_print bare_print
#define disasm_available bare_available
#define disasm_check bare_check
#define disasm_instruction bare_instruction
#include "code/disasm.c"

#include "testing/test_main.h"

static void print_item(FILE *out, uint32_t item, const void *context) {
    (void)context;
    fprintf(out, "%u return", item);
}

static void test_bytes_are_grouped_by_mark(void **state) {
    (void)state;
    static const uint8_t bytes[] = {0x55, 0x48, 0x89, 0xE5, 0x48, 0xB8, 1, 0, 0, 0, 0, 0, 0, 0, 0x5D, 0xC3,
                                    0, 0, 0, 0, 0, 0, 0xF0, 0x3F};
    static const CodeMark marks[] = {{4, 0}, {14, 7}, {14, 8}};
    CodeListing listing = {.name = "f", .code = bytes, .size = sizeof bytes, .code_size = 16, .marks = marks,
                           .num_marks = 3, .print_item = print_item};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    bare_print(out, &listing);
    fclose(out);
    assert_string_equal(text,
                        "f: 16 bytes of code, 8 of data\n"
                        "; to see instructions, install libcapstone-dev and build again\n"
                        "  0000  55 48 89 e5\n"
                        "; 0 return\n"
                        "  0004  48 b8 01 00 00 00 00 00 00 00\n"
                        "; 7 return\n"
                        "; 8 return\n"
                        "  000e  5d c3\n"
                        "  0010  00 00 00 00 00 00 f0 3f        .quad   0x3ff0000000000000\n");
    free(text);
}

static void test_nothing_is_claimed_about_instructions(void **state) {
    (void)state;
    char text[DISASM_TEXT_SIZE] = "unchanged";
    assert_false(bare_available());
    assert_int_equal(bare_check((const uint8_t *)"\x06", 1), -1);
    assert_int_equal(bare_instruction((const uint8_t *)"\xC3", 1, 0, text, sizeof text), 0);
    assert_string_equal(text, "");
}

static const struct CMUnitTest bare_tests[] = {
    cmocka_unit_test(test_bytes_are_grouped_by_mark),
    cmocka_unit_test(test_nothing_is_claimed_about_instructions),
};
TEST_MAIN(bare_tests)
