// The text form: what is accepted, what is rejected and with which words, printing and reading back.
#include "bytecode/parse.h"

#include <inttypes.h>
#include <math.h>

#include "programs.h"
#include "testing/test_main.h"

// Parses text of a given length; returns what diagnostic_print says, or NULL if it is accepted.
static char *parse_bytes(const char *text, size_t length) {
    Program *program = program_new("p.bca");
    Diagnostic diagnostic = {0};
    char *printed = NULL;
    size_t size = 0;
    if (!program_parse(program, text, length, &diagnostic)) {
        FILE *out = open_memstream(&printed, &size);
        diagnostic_print(out, program, &diagnostic);
        fclose(out);
    }
    program_free(program);
    return printed;
}

static void assert_error_in(const char *text, size_t length, const char *expected) {
    char *printed = parse_bytes(text, length);
    if (!printed) fail_msg("accepted: %s", text);
    assert_string_equal(printed, expected);
    free(printed);
}

static void assert_error(const char *text, const char *expected) { assert_error_in(text, strlen(text), expected); }

static void assert_accepted(const char *text) {
    char *printed = parse_bytes(text, strlen(text));
    if (printed) fail_msg("%s", printed);
}

static void test_layout_is_free(void **state) {
    (void)state;
    assert_accepted("");
    assert_accepted("\n\n; only a comment");
    assert_accepted("func main params=0\nreturn\nend");
    assert_accepted("func main params=0\r\nload_const 1\r\nreturn\r\nend\r\n");
    assert_accepted("\tfunc\tmain   params=0   locals=3;comment\n\t load_const\t1 ; one\nreturn;\n  end  ; done\n\n");
    assert_accepted("func f params=0\na: b: c: load_const 1\nd:\ne:return\nend\n");
    assert_accepted("func func params=0\nend: jump end\nadd: jump add\nend\n");
    assert_accepted("func _ params=0\n_1: jump _1\nend\nfunc F9 params=0\ncall _\nreturn\nend\n");
    assert_accepted("func a params=0\nend\nfunc b params=0\nend\n"); // the verifier rejects empty functions
}

static void test_text_need_not_end_in_a_nul(void **state) {
    (void)state;
    const char text[] = {'f', 'u', 'n', 'c', ' ', 'f', ' ', 'p', 'a', 'r', 'a', 'm', 's', '=', '1', '\n', 'e', 'n', 'd'};
    char *copy = malloc(sizeof text); // the sanitizer sees a read behind its end
    memcpy(copy, text, sizeof text);
    assert_null(parse_bytes(copy, sizeof text));
    free(copy);
}

static void test_errors_outside_of_functions(void **state) {
    (void)state;
    assert_error("main params=0\n", "p.bca:1:1: error: expected 'func' or 'class', found 'main'\n    main params=0\n    ^\n");
    assert_error("\n  end\n", "p.bca:2:3: error: expected 'func' or 'class', found 'end'\n      end\n      ^\n");
    assert_error("l:\n", "p.bca:1:1: error: expected 'func' or 'class', found 'l'\n    l:\n    ^\n");
    assert_error("\t# no\n", "p.bca:1:2: error: expected 'func' or 'class', found '#'\n    \t# no\n    \t^\n");
    assert_error("-\n", "p.bca:1:1: error: expected 'func' or 'class', found '-'\n    -\n    ^\n");
}

static void test_errors_in_headers(void **state) {
    (void)state;
    assert_error("func\n", "p.bca:1:5: error: expected a function name\n    func\n        ^\n");
    assert_error("func ; f\n", "p.bca:1:9: error: expected a function name\n    func ; f\n            ^\n");
    assert_error("func 1f params=0\n", "p.bca:1:6: error: expected a function name, found '1f'\n    func 1f params=0\n         ^\n");
    assert_error("func -f params=0\n", "p.bca:1:6: error: expected a function name, found '-f'\n    func -f params=0\n         ^\n");
    assert_error("func f", "p.bca:1:7: error: expected params=N\n    func f\n          ^\n");
    assert_error("func f 3\n", "p.bca:1:8: error: expected params=N, found '3'\n    func f 3\n           ^\n");
    assert_error("func f locals=1\n", "p.bca:1:8: error: expected params=N, found 'locals'\n    func f locals=1\n           ^\n");
    assert_error("func f params\n", "p.bca:1:14: error: expected =\n    func f params\n                 ^\n");
    assert_error("func f params 1\n", "p.bca:1:14: error: expected =, found ' '\n    func f params 1\n                 ^\n");
    assert_error("func f params=\n", "p.bca:1:15: error: expected an integer\n    func f params=\n                  ^\n");
    assert_error("func f params=x\n", "p.bca:1:15: error: expected an integer, found 'x'\n    func f params=x\n                  ^\n");
    assert_error("func f params=-1\n", "p.bca:1:15: error: params must be between 0 and 65535\n    func f params=-1\n                  ^\n");
    assert_error("func f params=65536\n", "p.bca:1:15: error: params must be between 0 and 65535\n    func f params=65536\n                  ^\n");
    assert_error("func f params=1 locals=65536\n",
                 "p.bca:1:24: error: locals must be between 0 and 65535\n    func f params=1 locals=65536\n                           ^\n");
    assert_error("func f params=3 locals=2\n", "p.bca:1:17: error: locals=2 is less than params=3\n    func f params=3 locals=2\n                    ^\n");
    assert_error("func f params=0 locals=1 x\n",
                 "p.bca:1:26: error: expected the end of the line, found 'x'\n    func f params=0 locals=1 x\n                             ^\n");
    assert_error("func f params=0 params=0\n",
                 "p.bca:1:17: error: expected locals=N, found 'params'\n    func f params=0 params=0\n                    ^\n");
    assert_accepted("func f params=65535 locals=65535\nend\n");
    assert_accepted("func f params=0x0F locals=0x10\nend\n");
}

#define BODY(line) "func f params=1\n" line "\nend\n"
#define CARET(column, message, line, spaces) "p.bca:2:" column ": error: " message "\n    " line "\n    " spaces "^\n"

static void test_errors_in_instructions(void **state) {
    (void)state;
    assert_error(BODY("pops"), CARET("1", "expected an instruction, a label or 'end', found 'pops'", "pops", ""));
    assert_error(BODY("ADD"), CARET("1", "expected an instruction, a label or 'end', found 'ADD'", "ADD", ""));
    assert_error(BODY("addd"), CARET("1", "expected an instruction, a label or 'end', found 'addd'", "addd", ""));
    assert_error(BODY("ad"), CARET("1", "expected an instruction, a label or 'end', found 'ad'", "ad", ""));
    assert_error(BODY("func g params=0"), CARET("1", "expected an instruction, a label or 'end', found 'func'", "func g params=0", ""));
    assert_error(BODY(": add"), CARET("1", "expected an instruction, a label or 'end', found ':'", ": add", ""));
    assert_error(BODY("  1: add"), CARET("3", "expected a label, found '1'", "  1: add", "  "));
    assert_error(BODY("add 1"), CARET("5", "expected the end of the line, found '1'", "add 1", "    "));
    assert_error(BODY("add add"), CARET("5", "expected the end of the line, found 'add'", "add add", "    "));
    assert_error(BODY("load_const"), CARET("11", "expected a constant", "load_const", "          "));
    assert_error(BODY("load_const ; 1"), CARET("15", "expected a constant", "load_const ; 1", "              "));
    assert_error(BODY("load_const x"), CARET("12", "expected a constant, found 'x'", "load_const x", "           "));
    assert_error(BODY("load_const 1x"), CARET("12", "expected a constant, found '1x'", "load_const 1x", "           "));
    assert_error(BODY("load_const 0x"), CARET("12", "expected a constant, found '0x'", "load_const 0x", "           "));
    assert_error(BODY("load_const 0xg"), CARET("12", "expected a constant, found '0xg'", "load_const 0xg", "           "));
    assert_error(BODY("load_const -"), CARET("12", "expected a constant, found '-'", "load_const -", "           "));
    assert_error(BODY("load_const --1"), CARET("12", "expected a constant, found '-'", "load_const --1", "           "));
    assert_error(BODY("load_const +1"), CARET("12", "expected a constant, found '+'", "load_const +1", "           "));
    assert_error(BODY("load_const 1.5.5"), CARET("12", "expected a constant, found '1.5.5'", "load_const 1.5.5", "           "));
    assert_error(BODY("load_const ."), CARET("12", "expected a constant, found '.'", "load_const .", "           "));
    assert_error(BODY("load_const 1e"), CARET("12", "expected a constant, found '1e'", "load_const 1e", "           "));
    assert_error(BODY("load_const 1e+"), CARET("12", "expected a constant, found '1e+'", "load_const 1e+", "           "));
    assert_error(BODY("load_const nan"), CARET("12", "expected a constant, found 'nan'", "load_const nan", "           "));
    assert_error(BODY("load_const \"a"), CARET("12", "the string has no closing quote", "load_const \"a", "           "));
    assert_error(BODY("load_const \"a\\\""), CARET("12", "the string has no closing quote", "load_const \"a\\\"", "           "));
    assert_error(BODY("load_const \"a\\q\""), CARET("14", "unknown escape in a string", "load_const \"a\\q\"", "             "));
    assert_error(BODY("load_const \"\\x4\""), CARET("13", "unknown escape in a string", "load_const \"\\x4\"", "            "));
    assert_error(BODY("load_const \"a\" b"), CARET("16", "expected the end of the line, found 'b'", "load_const \"a\" b", "               "));
    assert_error(BODY("get_property"), CARET("13", "expected a name", "get_property", "            "));
    assert_error(BODY("get_property 1"), CARET("14", "expected a name, found '1'", "get_property 1", "             "));
    assert_error(BODY("call_method m"), CARET("14", "expected an integer", "call_method m", "             "));
    assert_error(BODY("call_method m -1"), CARET("15", "the number of arguments must be between 0 and 255", "call_method m -1", "              "));
    assert_error(BODY("call_method m 256"), CARET("15", "the number of arguments must be between 0 and 255", "call_method m 256", "              "));
    assert_error(BODY("new_array 65536"), CARET("11", "the number of elements must be between 0 and 65535", "new_array 65536", "          "));
    assert_error(BODY("new_object"), CARET("11", "expected a class name", "new_object", "          "));
    assert_error(BODY("new_object f"), CARET("12", "class 'f' is not defined", "new_object f", "           "));
    assert_error(BODY("load_function g"), CARET("15", "function 'g' is not defined", "load_function g", "              "));
    assert_error(BODY("load_const 1 2"), CARET("14", "expected the end of the line, found '2'", "load_const 1 2", "             "));
    assert_error(BODY("load_local"), CARET("11", "expected an integer", "load_local", "          "));
    assert_error(BODY("jump"), CARET("5", "expected a label", "jump", "    "));
    assert_error(BODY("jump 3"), CARET("6", "expected a label, found '3'", "jump 3", "     "));
    assert_error(BODY("call"), CARET("5", "expected a function name", "call", "    "));
    assert_error(BODY("call 0"), CARET("6", "expected a function name, found '0'", "call 0", "     "));
    assert_error(BODY("jump nowhere"), CARET("6", "label 'nowhere' is not defined", "jump nowhere", "     "));
    assert_error(BODY("jump f"), CARET("6", "label 'f' is not defined", "jump f", "     "));
    assert_error(BODY("call nobody"), CARET("6", "function 'nobody' is not defined", "call nobody", "     "));
    assert_error(BODY("end x"), CARET("5", "expected the end of the line, found 'x'", "end x", "    "));
    assert_error(BODY("\xC3\xA4"), CARET("1", "expected an instruction, a label or 'end', found byte 0xc3", "\xC3\xA4", ""));
}

static void test_names_defined_twice(void **state) {
    (void)state;
    assert_error("func f params=0\na: add\n a: add\nend\n", "p.bca:3:2: error: label 'a' is already defined in line 2\n     a: add\n     ^\n");
    assert_error("func f params=0\na: a: add\nend\n", "p.bca:2:4: error: label 'a' is already defined in line 2\n    a: a: add\n       ^\n");
    assert_error("func f params=0\nend\nfunc g params=0\nend\nfunc f params=0\nend\n",
                 "p.bca:5:6: error: function 'f' is already defined in line 1\n    func f params=0\n         ^\n");
    assert_accepted("func f params=0\na: jump a\nend\nfunc g params=0\na: jump a\nend\n"); // each function has its labels
    assert_error("func f params=0\na: jump a\nend\nfunc g params=0\njump a\nend\n",
                 "p.bca:5:6: error: label 'a' is not defined\n    jump a\n         ^\n");
}

static void test_missing_end(void **state) {
    (void)state;
    assert_error("func f params=0\nadd\n", "p.bca:1:6: error: function 'f' has no 'end'\n    func f params=0\n         ^\n");
    assert_error("func f params=0", "p.bca:1:6: error: function 'f' has no 'end'\n    func f params=0\n         ^\n");
}

static void test_labels_before_end(void **state) {
    (void)state;
    Program *program = program_new("p");
    Diagnostic diagnostic = {0};
    static const char text[] = "func f params=0\njump last\nlast: end\n";
    assert_true(program_parse(program, text, strlen(text), &diagnostic));
    assert_int_equal(program->functions[0].bytecode[0].operand, 1); // behind the last instruction
    assert_false(program_verify(program, &diagnostic));
    assert_string_equal(diagnostic.message, "the jump leaves the function");
    char *printed = program_text(program);
    assert_string_equal(printed, "func f params=0\n    jump L1\nL1:\nend\n");
    assert_accepted(printed);
    free(printed);
    program_free(program);
}

static void test_bytes_that_are_no_text(void **state) {
    (void)state;
    static const char nul[] = "func f params=0\nadd\0\nend\n";
    assert_error_in(nul, sizeof nul - 1, "p.bca:2:4: error: expected the end of the line, found byte 0x00\n    add?\n       ^\n");
    static const char only_nul[] = "\0";
    assert_error_in(only_nul, 1, "p.bca:1:1: error: expected 'func' or 'class', found byte 0x00\n    ?\n    ^\n");
    static const char in_comment[] = "; \0 \xFF\nfunc f params=0\nend\n";
    assert_null(parse_bytes(in_comment, sizeof in_comment - 1));
    static const char escape[] = "\x1B[31m";
    assert_error_in(escape, sizeof escape - 1, "p.bca:1:1: error: expected 'func' or 'class', found byte 0x1b\n    ?[31m\n    ^\n");
}

// Names in messages are cut; no excerpt of a line that is too long for a screen.
static void test_long_words_and_lines(void **state) {
    (void)state;
    char text[1000];
    snprintf(text, sizeof text, "%0500d\n", 7);
    memset(text, 'x', 500);
    assert_error(text, "p.bca:1:1: error: expected 'func' or 'class', found 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'\n");
}

static void assert_constant(const char *literal, double expected) {
    char text[200];
    snprintf(text, sizeof text, "func main params=0\nload_const %s\nreturn\nend\n", literal);
    assert_ends(text, NULL, outcome_of_number(expected));
}

static void test_numbers(void **state) {
    (void)state;
    assert_constant("0", 0);
    assert_constant("-0", -0.0);
    assert_constant("007", 7); // no octal numbers
    assert_constant("000000000000000000000000000001", 1);
    assert_constant("2147483647", INT32_MAX);
    assert_constant("-2147483648", INT32_MIN);
    assert_constant("2147483648", 2147483648.0);
    assert_constant("9007199254740993", 9007199254740992.0); // rounded
    assert_constant("9223372036854775808", 0x1p63);
    assert_constant("0xff", 255);
    assert_constant("0XfF", 255);
    assert_constant("-0x10", -16);
    assert_constant("0xffffffff", 4294967295.0);
    assert_constant("0x8000000000000000", 0x1p63);
    assert_constant("0xffffffffffffffff", 0x1p64);
    assert_constant("1.5", 1.5);
    assert_constant("-.5", -0.5);
    assert_constant("5.", 5);
    assert_constant("1e3", 1000);
    assert_constant("1E+3", 1000);
    assert_constant("25e-1", 2.5);
    assert_constant("1e999", INFINITY);
    assert_constant("1e-999", 0);
    assert_constant("5e-324", 5e-324);
    assert_constant("NaN", NAN);
    assert_constant("Infinity", INFINITY);
    assert_constant("-Infinity", -INFINITY);
}

// Parses and prints an only constant: the way in which the text form writes it.
static void assert_prints_constant(const char *literal, const char *expected) {
    char text[200], wanted[200];
    snprintf(text, sizeof text, "func main params=0\n    load_const %s\n    return\nend\n", literal);
    snprintf(wanted, sizeof wanted, "func main params=0\n    load_const %s\n    return\nend\n", expected);
    Program *program = program_from(text);
    char *printed = program_text(program);
    assert_string_equal(printed, wanted);
    program_free(program);
    program = program_from(printed);
    char *again = program_text(program);
    assert_string_equal(again, wanted);
    free(printed);
    free(again);
    program_free(program);
}

static void test_constants_print_as_the_language_writes_them(void **state) {
    (void)state;
    assert_prints_constant("-0", "-0");
    assert_prints_constant("0.1", "0.1");
    assert_prints_constant("1e21", "1e+21");
    assert_prints_constant("1e20", "100000000000000000000");
    assert_prints_constant("0.000001", "0.000001");
    assert_prints_constant("0.0000001", "1e-7");
    assert_prints_constant("5e-324", "5e-324");
    assert_prints_constant("-Infinity", "-Infinity");
    assert_prints_constant("NaN", "NaN");
    assert_prints_constant("true", "true");
    assert_prints_constant("false", "false");
    assert_prints_constant("undefined", "undefined");
    assert_prints_constant("null", "null");
    assert_prints_constant("\"\"", "\"\"");
    assert_prints_constant("\"two\\nlines ; \\\"quoted\\\" \\\\ \\t\\r\\x00\\x7f\"", "\"two\\nlines ; \\\"quoted\\\" \\\\ \\x09\\x0d\\x00\\x7f\"");
    assert_prints_constant("\"\xC3\xA4\"", "\"\xC3\xA4\"");
}

// Classes.

static void test_errors_in_classes(void **state) {
    (void)state;
    assert_error("class\n", "p.bca:1:6: error: expected a class name\n    class\n         ^\n");
    assert_error("class 1\n", "p.bca:1:7: error: expected a class name, found '1'\n    class 1\n          ^\n");
    assert_error("class A extends\n", "p.bca:1:16: error: expected a class name\n    class A extends\n                   ^\n");
    assert_error("class A extends A\n", "p.bca:1:17: error: class 'A' is not defined above\n    class A extends A\n                    ^\n");
    assert_error("class A extends B\nend\nclass B\nend\n",
                 "p.bca:1:17: error: class 'B' is not defined above\n    class A extends B\n                    ^\n");
    assert_error("class A\nend\nclass A\nend\n", "p.bca:3:7: error: class 'A' is already defined in line 1\n    class A\n          ^\n");
    assert_error("class A fields=1025\n", "p.bca:1:16: error: fields must be between 0 and 1024\n    class A fields=1025\n                   ^\n");
    assert_error("class A fields=70000\n", "p.bca:1:16: error: fields must be between 0 and 1024\n    class A fields=70000\n                   ^\n");
    assert_error("class A fields=-1\n", "p.bca:1:16: error: fields must be between 0 and 1024\n    class A fields=-1\n                   ^\n");
    assert_accepted("class A fields=1024\nend\nclass B extends A\nend\nfunc main params=0\nnew_object B\nend\n");
    assert_error("class A 3\n", "p.bca:1:9: error: expected fields=N, found '3'\n    class A 3\n            ^\n");
    assert_error("class A\nfunc f params=0\n", "p.bca:2:1: error: expected 'method' or 'end', found 'func'\n    func f params=0\n    ^\n");
    assert_error("class A\nmethod\n", "p.bca:2:7: error: expected a method name\n    method\n          ^\n");
    assert_error("class A\nmethod m params=0\n",
                 "p.bca:2:8: error: a method has a parameter 0, the receiver\n    method m params=0\n           ^\n");
    assert_error("class A\nmethod m params=1\nend\nmethod m params=1\nend\nend\n",
                 "p.bca:4:8: error: function 'A.m' is already defined in line 2\n    method m params=1\n           ^\n");
    assert_error("method m params=1\n", "p.bca:1:1: error: expected 'func' or 'class', found 'method'\n    method m params=1\n    ^\n");
    assert_accepted("class A\nend\nclass B extends A fields=0\nmethod m params=1\nend\nend\nfunc A params=0\ncall B.m\nnew_object A\nend\n");
}

static void test_classes_print_as_they_are_written(void **state) {
    (void)state;
    static const char text[] =
        "class Empty fields=4\nend\n\n"
        "class A fields=2\n"
        "method m params=1\n    load_local 0\n    get_property \"not a name\"\n    return\nend\n\n"
        "method n params=2\n    load_local 0\n    load_local 1\n    set_property x\n    load_local 1\n    return\nend\nend\n\n"
        "func main params=0\n    new_object B\n    dup\n    load_const 1\n    call_method n 1\n    pop\n    call B.m\n    load_function A.m\n"
        "    new_array 2\n    length\n    return\nend\n\n"
        "class B extends A fields=2\nend\n"; // behind what has methods
    char fixed[sizeof text];
    memcpy(fixed, text, sizeof text);
    memcpy(strstr(fixed, "call B.m"), "call A.m", 8); // B has no method of its own
    Program *program = program_from(fixed);
    char *printed = program_text(program);
    assert_string_equal(printed, fixed);
    free(printed);
    program_free(program);
    assert_error(text, "p.bca:26:10: error: function 'B.m' is not defined\n        call B.m\n             ^\n");
}

// Only constants are numbers of any kind: a place or a count is an integer.
static void assert_too_large(const char *number) {
    char text[200], expected[500];
    snprintf(text, sizeof text, "func main params=0\nload_local %s\nreturn\nend\n", number);
    snprintf(expected, sizeof expected,
             "p.bca:2:12: error: integer does not fit in 64 bits: '%.40s'\n    load_local %s\n               ^\n", number, number);
    assert_error(text, expected);
}

static void test_integers(void **state) {
    (void)state;
    assert_too_large("9223372036854775808");
    assert_too_large("-9223372036854775809");
    assert_too_large("18446744073709551616");
    assert_too_large("0x10000000000000000");
    assert_too_large("-0x8000000000000001");
    assert_too_large("99999999999999999999999999999999999999999999999999");
    assert_error(BODY("load_local 1.5"), CARET("12", "expected an integer, found '1.5'", "load_local 1.5", "           "));
    assert_accepted(BODY("load_local 0x10"));
}

static void test_forward_and_backward_references(void **state) {
    (void)state;
    assert_returns("func main params=0\n call later\n return\nend\nfunc later params=0\n jump a\nb: load_const 4\n return\na: jump b\nend\n",
                   NULL, 4);
}

static void test_functions_keep_their_order_and_places(void **state) {
    (void)state;
    Program *program = program_from("func b params=1 locals=4\nload_local 0\nreturn\nend\n\nfunc a params=2\n  load_local 1\n  return\nend\n");
    assert_int_equal(program->num_functions, 2);
    const Function *b = &program->functions[0], *a = &program->functions[1];
    assert_string_equal(b->name, "b");
    assert_int_equal(b->num_params, 1);
    assert_int_equal(b->num_locals, 4);
    assert_int_equal(a->num_locals, 2);
    assert_int_equal(a->position.line, 6);
    assert_int_equal(a->position.column, 6);
    assert_int_equal(a->positions[1].line, 8);
    assert_int_equal(a->positions[1].column, 3);
    assert_ptr_equal(program_find(program, "a"), a);
    assert_null(program_find(program, "c"));
    program_free(program);
}

// Every example: print, parse, print again; the same program, the same text, the same result.
static void test_examples_round_trip(void **state) {
    (void)state;
    for (size_t i = 0; i < num_examples; i++) {
        Program *program = program_from_file(examples[i].path);
        char *text = program_text(program);
        Program *again = program_from(text);
        char *text_again = program_text(again);
        assert_string_equal(text, text_again);
        assert_int_equal(run_in_mode(again, &modes[0], examples[i].args).result, examples[i].result);
        free(text);
        free(text_again);
        program_free(program);
        program_free(again);
    }
}

static void test_every_opcode_prints_as_it_is_written(void **state) {
    (void)state;
    static const char text[] =
        "func main params=2 locals=3\n    load_const -2147483648\n    store_local 2\n    load_local 1\n    load_const 1\n"
        "    add\n    load_const 2\n    sub\n    load_const 3\n    mul\n    load_const 4\n    div\n    jump_if_false L13\n    jump L13\n"
        "L13:\n    load_local 0\n    call other\n    load_const 5\n    equal\n    load_const 6\n    less_than\n    load_const 7\n"
        "    greater_than\n    return\nend\n\nfunc other params=1\n    load_local 0\n    return\nend\n";
    Program *program = program_new("p");
    Diagnostic diagnostic;
    if (!program_parse(program, text, strlen(text), &diagnostic)) fail_msg("%s", diagnostic.message);
    for (size_t pc = 0; pc < program->functions[0].num_instructions; pc++) {
        Opcode opcode = program->functions[0].bytecode[pc].opcode;
        assert_int_equal(opcode_find(opcode_info[opcode].mnemonic, strlen(opcode_info[opcode].mnemonic)), opcode);
    }
    char *printed = program_text(program);
    assert_string_equal(printed, text);
    free(printed);
    program_free(program);
}

static void test_read_file(void **state) {
    (void)state;
    char why[100];
    size_t length;
    assert_null(read_file("examples/no_such_file.bca", &length, why, sizeof why));
    assert_string_equal(why, "No such file or directory");
    assert_null(read_file("examples", &length, why, sizeof why));
    assert_string_equal(why, "Is a directory");
    char *text = read_file("/dev/null", &length, why, sizeof why);
    assert_non_null(text);
    assert_int_equal(length, 0);
    free(text);
}

static const struct CMUnitTest parse_tests[] = {
    cmocka_unit_test(test_layout_is_free),
    cmocka_unit_test(test_text_need_not_end_in_a_nul),
    cmocka_unit_test(test_errors_outside_of_functions),
    cmocka_unit_test(test_errors_in_headers),
    cmocka_unit_test(test_errors_in_instructions),
    cmocka_unit_test(test_names_defined_twice),
    cmocka_unit_test(test_missing_end),
    cmocka_unit_test(test_labels_before_end),
    cmocka_unit_test(test_bytes_that_are_no_text),
    cmocka_unit_test(test_long_words_and_lines),
    cmocka_unit_test(test_integers),
    cmocka_unit_test(test_numbers),
    cmocka_unit_test(test_constants_print_as_the_language_writes_them),
    cmocka_unit_test(test_errors_in_classes),
    cmocka_unit_test(test_classes_print_as_they_are_written),
    cmocka_unit_test(test_forward_and_backward_references),
    cmocka_unit_test(test_functions_keep_their_order_and_places),
    cmocka_unit_test(test_examples_round_trip),
    cmocka_unit_test(test_every_opcode_prints_as_it_is_written),
    cmocka_unit_test(test_read_file),
};
TEST_MAIN(parse_tests)
