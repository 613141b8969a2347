// Numbers: their text, their literals, and what a string is as a number, as JavaScript has them.
#include <inttypes.h>
#include <math.h>

#include "node.h"
#include "object/number.h"
#include "programs.h"
#include "testing/test_main.h"

static uint64_t next_random(uint64_t *state) {
    uint64_t z = (*state += 0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
}

// Text.

// What node prints.
static const struct {
    double number;
    const char *text;
} texts[] = {
    {0, "0"},
    {-0.0, "0"},
    {1, "1"},
    {-1, "-1"},
    {NAN, "NaN"},
    {INFINITY, "Infinity"},
    {-INFINITY, "-Infinity"},
    {0.1, "0.1"},
    {0.2, "0.2"},
    {0.1 + 0.2, "0.30000000000000004"},
    {1.0 / 3, "0.3333333333333333"},
    {-2.5, "-2.5"},
    {100, "100"},
    {1e20, "100000000000000000000"},
    {1e21, "1e+21"},
    {-1e21, "-1e+21"},
    {1.5e21, "1.5e+21"},
    {123456789012345680000.0, "123456789012345680000"},
    {1234567890123456789012.0, "1.2345678901234568e+21"},
    {999999999999999900000.0, "999999999999999900000"},
    {123456.789, "123456.789"},
    {4294967296.5, "4294967296.5"},
    {0.000001, "0.000001"},
    {0.0000015, "0.0000015"},
    {0.0000001, "1e-7"},
    {-0.00000015, "-1.5e-7"},
    {1.25e-7, "1.25e-7"},
    {5e-324, "5e-324"},
    {1e-323, "1e-323"},
    {2.2250738585072014e-308, "2.2250738585072014e-308"},
    {1.7976931348623157e308, "1.7976931348623157e+308"},
    {9007199254740991.0, "9007199254740991"},
    {9007199254740992.0, "9007199254740992"},
    {9007199254740994.0, "9007199254740994"},
    {2147483648.0, "2147483648"},
    {-2147483648.0, "-2147483648"},
    {3.141592653589793, "3.141592653589793"},
    {1e100, "1e+100"},
    {1e-100, "1e-100"},
    {4.35, "4.35"},
    {0.5, "0.5"},
    {0.00001, "0.00001"},
    {12345.678e-10, "0.0000012345678"},
    {1e5, "100000"},
    {5e-7, "5e-7"},
    {4.5e15, "4500000000000000"},
    {2e-44, "2e-44"},
    {8.41e21, "8.41e+21"},
    {2.0e25, "2e+25"},
    // Powers of two, below which doubles are denser: the nearest 16 digits are not those that read back.
    {0x1p-44, "5.684341886080802e-14"},
    {0x1p-24, "5.960464477539063e-8"},
    {0x1p122, "5.316911983139664e+36"},
    {9.5367431640625e-7, "9.5367431640625e-7"},
};

static void test_known_texts(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char text[NUMBER_TEXT_SIZE];
        size_t length = number_to_text(texts[i].number, text);
        assert_string_equal(text, texts[i].text);
        assert_int_equal(length, strlen(text));
    }
}

// A number whose text is interesting: a random one, a power of two or of ten, few digits, an integer, and the
// neighbours of all these.
static double random_number(uint64_t *state) {
    uint64_t bits = next_random(state);
    int exponent = (int)(bits % 640) - 320;
    double d = double_from_bits(next_random(state));
    switch (bits >> 56 & 7) {
    case 0: d = ldexp(1, (int)(bits % 2098) - 1074); break;
    case 1: d = pow(10, exponent); break;
    case 2: d = (double)(bits >> 8 & 0xFFFF) * pow(10, exponent); break;
    case 3: d = (double)(int64_t)(next_random(state) >> (bits >> 8 & 63)); break;
    case 4: d = (double)(bits >> 8 & 0xFFFFFFFF) / 1000; break;
    default: break;
    }
    if (bits >> 60 & 1) d = nextafter(d, bits >> 61 & 1 ? INFINITY : -INFINITY);
    return bits >> 62 & 1 ? -d : d;
}

// In any case: the text reads back to the number, and the longest one fits.
static void test_text_reads_back(void **state) {
    (void)state;
    uint64_t random = 3;
    for (int i = 0; i < (SANITIZED ? 20000 : 200000); i++) {
        double d = random_number(&random), back;
        char text[NUMBER_TEXT_SIZE + 1];
        text[NUMBER_TEXT_SIZE] = 'x';
        size_t length = number_to_text(d, text);
        assert_true(length < NUMBER_TEXT_SIZE && text[NUMBER_TEXT_SIZE] == 'x');
        assert_true(number_from_text(text, length, &back));
        if (isnan(d) ? !isnan(back) : back != d) fail_msg("%a: %s", d, text);
    }
}

static const char texts_script[] = NODE_READ_DOUBLE
    "console.log(input.trim().split('\\n').map(bits => String(fromBits(bits))).join('\\n'));\n";

// Compare the lines of two texts; names the first that differs.
static void assert_same_lines(const char *wanted, const char *got, const char *input) {
    for (int line = 1; *wanted || *got; line++) {
        size_t a = strcspn(wanted, "\n"), b = strcspn(got, "\n"), of_input = strcspn(input, "\n");
        if (a != b || memcmp(wanted, got, a) != 0)
            fail_msg("line %d (%.*s): '%.*s' wanted, '%.*s' found", line, (int)of_input, input, (int)a, wanted,
                     (int)b, got);
        wanted += a + (wanted[a] == '\n');
        got += b + (got[b] == '\n');
        input += of_input + (input[of_input] == '\n');
    }
}

static void test_texts_as_in_node(void **state) {
    (void)state;
    if (!node_is_installed()) skip();
    char *input = NULL, *expected = NULL;
    size_t size;
    FILE *in = open_memstream(&input, &size), *out = open_memstream(&expected, &size);
    uint64_t random = 4;
    for (int i = 0; i < 20000 + 2098; i++) {
        double d = i < 20000 ? random_number(&random) : ldexp(1, i - 20000 - 1074); // every power of two
        char text[NUMBER_TEXT_SIZE];
        number_to_text(d, text);
        fprintf(in, "%016" PRIx64 "\n", double_bits(d));
        fprintf(out, "%s\n", text);
    }
    fclose(in);
    fclose(out);
    char *printed = node_run(texts_script, input);
    assert_non_null(printed);
    assert_same_lines(printed, expected, input);
    free(input);
    free(expected);
    free(printed);
}

// Literals.

static const struct {
    const char *text;
    double number;
} literals[] = {
    {"0", 0},
    {"-0", -0.0},
    {"1", 1},
    {"-1", -1},
    {"007", 7},
    {"1.5", 1.5},
    {".5", 0.5},
    {"5.", 5},
    {"-.5", -0.5},
    {"1e3", 1000},
    {"1E3", 1000},
    {"1e+3", 1000},
    {"1e-3", 0.001},
    {"1.5e300", 1.5e300},
    {"1e400", INFINITY},
    {"-1e400", -INFINITY},
    {"1e-400", 0},
    {"0x0", 0},
    {"0xFF", 255},
    {"0Xff", 255},
    {"-0xff", -255},
    {"0xFFFFFFFFFFFFFFFF", 0x1p64},
    {"NaN", NAN},
    {"-NaN", NAN},
    {"Infinity", INFINITY},
    {"-Infinity", -INFINITY},
    {"4.9e-324", 5e-324},
    {"2.4e-324", 0},
    {"0.1", 0.1},
    {"9007199254740993", 9007199254740992.0},
    {"9223372036854775808", 0x1p63},
};

static const char *const bad_literals[] = {
    "",      "-",     "+1",       "--1",       ".",    "-.",    "e3",    ".e3",   "1e", "1e+",
    "1e3.5", "1.2.3", "0x",       "-0x",       "0xg",  "0x1.8", "0x1p3", "1f",    "1 ", " 1",
    "nan",   "inf",   "infinity", "Infinity1", "NaNa", "0b1",   "0o7",   "1_000", "1n",
};

static void test_literals(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof literals / sizeof *literals; i++) {
        double d;
        assert_true(number_from_text(literals[i].text, strlen(literals[i].text), &d));
        if (isnan(literals[i].number)) assert_true(isnan(d));
        else assert_int_equal(double_bits(d), double_bits(literals[i].number));
    }
    for (size_t i = 0; i < sizeof bad_literals / sizeof *bad_literals; i++) {
        double d;
        if (number_from_text(bad_literals[i], strlen(bad_literals[i]), &d)) fail_msg("'%s' is read", bad_literals[i]);
    }
    double d;
    assert_true(number_from_text("123456", 3, &d)); // the length counts, not a NUL
    assert_true(d == 123);
    assert_false(number_from_text("1\0002", 3, &d));
}

// A string as a number.

static const struct {
    const char *text;
    double number;
} strings[] = {
    {"", 0},
    {" ", 0},
    {" \t\n\v\f\r", 0},
    {"42", 42},
    {"  42\n", 42},
    {"-42", -42},
    {"+42", 42},
    {"-0", -0.0},
    {"+-1", NAN},
    {"- 1", NAN},
    {"1 2", NAN},
    {"1,2", NAN},
    {"0x1F", 31},
    {"-0x1F", NAN},
    {"+0x1F", NAN},
    {"0x", NAN},
    {"1e3", 1000},
    {".5", 0.5},
    {"5.", 5},
    {".", NAN},
    {"Infinity", INFINITY},
    {"-Infinity", -INFINITY},
    {"+Infinity", INFINITY},
    {"infinity", NAN},
    {"INFINITY", NAN},
    {"NaN", NAN},
    {"true", NAN},
    {"1e1000", INFINITY},
    {"1e", NAN},
    {"12px", NAN},
    {"1_0", NAN},
    {"0b101", 5},
    {"0B101", 5},
    {"0o17", 15},
    {"0O17", 15},
    {"0b2", NAN},
    {"0o8", NAN},
    {"0b", NAN},
    {"-0b1", NAN},
    {"0b"
     "11111111111111111111111111111111111111111111111111111111",
     0x1p56},
    {"nan(1)", NAN},
    {"0x1p3", NAN},
    {"1d", NAN},
};

static void test_strings_as_numbers(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
        double d = number_from_string(strings[i].text, strlen(strings[i].text));
        bool same = isnan(strings[i].number) ? isnan(d) : double_bits(d) == double_bits(strings[i].number);
        if (!same) fail_msg("'%s' is %g, wanted %g", strings[i].text, d, strings[i].number);
    }
    assert_true(isnan(number_from_string("1\0", 2)));
}

static const char strings_script[] = NODE_READ_DOUBLE
    "console.log(input.split('\\n').slice(0, -1).map(text => show(Number(text))).join('\\n'));\n";

static void test_strings_as_numbers_as_in_node(void **state) {
    (void)state;
    if (!node_is_installed()) skip();
    static const char alphabet[] = "0011223456789....eeEE+-- xX\tabfoOBInNy_";
    char *input = NULL, *expected = NULL;
    size_t size;
    FILE *in = open_memstream(&input, &size), *out = open_memstream(&expected, &size);
    uint64_t random = 5;
    for (int i = 0; i < 30000; i++) {
        char text[24];
        size_t length = next_random(&random) % 10;
        for (size_t k = 0; k < length; k++) text[k] = alphabet[next_random(&random) % (sizeof alphabet - 1)];
        double d = number_from_string(text, length);
        char shown[NUMBER_TEXT_SIZE];
        number_to_text(d, shown);
        fprintf(in, "%.*s\n", (int)length, text);
        fprintf(out, "number %s%s\n", d == 0 && signbit(d) ? "-" : "", shown);
    }
    fclose(in);
    fclose(out);
    char *printed = node_run(strings_script, input);
    assert_non_null(printed);
    assert_same_lines(printed, expected, input);
    free(input);
    free(expected);
    free(printed);
}

static void test_remainder(void **state) {
    (void)state;
    static const struct {
        double x, y, result;
    } rows[] = {
        {5, 3, 2},
        {-5, 3, -2},
        {5, -3, 2},
        {-5, -3, -2},
        {4, 2, 0},
        {-4, 2, -0.0},
        {5.5, 2, 1.5},
        {-0.0, 5, -0.0},
        {0, 5, 0},
        {5, INFINITY, 5},
        {-5, -INFINITY, -5},
        {1, 0, NAN},
        {INFINITY, 1, NAN},
        {NAN, 1, NAN},
        {1, NAN, NAN},
        {0, 0, NAN},
        {0.3, 0.1, 0.09999999999999998},
        {1e308, 3, 2},
        {-2147483648.0, -1, -0.0},
        {5e-324, 1, 5e-324},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double r = number_remainder(rows[i].x, rows[i].y);
        bool same = isnan(rows[i].result) ? isnan(r) : double_bits(r) == double_bits(rows[i].result);
        if (!same) fail_msg("%g %% %g is %g, wanted %g", rows[i].x, rows[i].y, r, rows[i].result);
    }
}

static const struct CMUnitTest number_tests[] = {
    cmocka_unit_test(test_known_texts),
    cmocka_unit_test(test_text_reads_back),
    cmocka_unit_test(test_texts_as_in_node),
    cmocka_unit_test(test_literals),
    cmocka_unit_test(test_strings_as_numbers),
    cmocka_unit_test(test_strings_as_numbers_as_in_node),
    cmocka_unit_test(test_remainder),
};
TEST_MAIN(number_tests)
