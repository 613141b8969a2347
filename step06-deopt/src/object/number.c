#include "object/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

// The numbers that need a heap number but must always be there.
static const HeapNumber minus_zero = {{.type = TYPE_NUMBER, .shape = SHAPE_NUMBER}, -0.0};
static const HeapNumber not_a_number = {{.type = TYPE_NUMBER, .shape = SHAPE_NUMBER}, NAN};
static const HeapNumber plus_infinity = {{.type = TYPE_NUMBER, .shape = SHAPE_NUMBER}, INFINITY};
static const HeapNumber minus_infinity = {{.type = TYPE_NUMBER, .shape = SHAPE_NUMBER}, -INFINITY};

static const HeapNumber *find_constant(double d) {
    if (isnan(d)) return &not_a_number;
    if (isinf(d)) return d > 0 ? &plus_infinity : &minus_infinity;
    return d == 0 ? &minus_zero : NULL;
}

Value number_from_double(Heap *heap, double d) {
    if (d >= INT32_MIN && d <= INT32_MAX) {
        int32_t i = (int32_t)d;
        if (i == d && (i != 0 || !signbit(d))) return value_from_int(i);
    }
    Value flonum = flonum_encode(d);
    if (value_is_flonum(flonum)) return flonum;
    const HeapNumber *constant = find_constant(d);
    if (constant) return value_from_pointer(constant);
    HeapNumber *number = heap_alloc(heap, sizeof *number, TYPE_NUMBER, SHAPE_NUMBER);
    if (!number) return NO_VALUE;
    number->value = d;
    return value_from_pointer(number);
}

Value number_from_int64(Heap *heap, int64_t i) {
    if (i == (int32_t)i) return value_from_int((int32_t)i);
    return number_from_double(heap, (double)i);
}

double number_to_double(Value v) {
    if (value_is_int(v)) return value_to_int(v);
    if (value_is_flonum(v)) return flonum_decode(v);
    return ((const HeapNumber *)value_to_pointer(v))->value;
}

// fmod is exact and takes the sign of x, as JavaScript wants it.
double number_remainder(double x, double y) { return fmod(x, y); }

// Text.

// Add one to the last digit of "d.ddde-dd". Nothing happens if all are 9.
static void increment_last_digit(char *text) {
    char *at = strchr(text, 'e') - 1;
    while (at > text && (*at == '9' || *at == '.')) at--;
    if (*at == '9') return;
    for (++*at++; *at != 'e'; at++)
        if (*at == '9') *at = '0';
}

// Write d with so many digits behind the first one, as near as they come. Do they read back to d? Below a power of
// two doubles are twice as dense as above it: there the nearest digits may be too low, and the next ones up right.
static bool write_rounded(char text[32], double d, int count) {
    snprintf(text, 32, "%.*e", count, d);
    if (strtod(text, NULL) == d) return true;
    bool is_power_of_two = double_bits(d) << 12 == 0;
    if (!is_power_of_two) return false;
    increment_last_digit(text);
    return strtod(text, NULL) == d;
}

// The fewest significant digits that read back to d, and the exponent of the first one: with 17 every
// double does (Steele & White, 1990; here simply tried). In: d finite, not 0.
static int shortest_digits(double d, char digits[18], int *exponent) {
    char text[32];
    int count = 0;
    while (!write_rounded(text, d, count) && count < 16) count++;
    int length = 0;
    for (const char *at = text; *at != 'e'; at++)
        if (*at >= '0' && *at <= '9') digits[length++] = *at;
    *exponent = atoi(strchr(text, 'e') + 1);
    return length;
}

// Section 6.1.6.1.20: with k digits and the decimal point behind the n-th, there are four ways to write it.
static int write_digits(char *out, const char *digits, int k, int n) {
    if (k <= n && n <= 21) return sprintf(out, "%.*s%.*s", k, digits, n - k, "000000000000000000000");
    if (0 < n && n <= 21) return sprintf(out, "%.*s.%.*s", n, digits, k - n, digits + n);
    if (-6 < n && n <= 0) return sprintf(out, "0.%.*s%.*s", -n, "000000", k, digits);
    int exponent = n - 1;
    char sign = exponent < 0 ? '-' : '+';
    if (k == 1) return sprintf(out, "%c" "e%c%d", digits[0], sign, abs(exponent));
    return sprintf(out, "%c.%.*se%c%d", digits[0], k - 1, digits + 1, sign, abs(exponent));
}

size_t number_to_text(double d, char text[NUMBER_TEXT_SIZE]) {
    if (isnan(d)) return (size_t)sprintf(text, "NaN");
    if (isinf(d)) return (size_t)sprintf(text, d < 0 ? "-Infinity" : "Infinity");
    if (d == 0) return (size_t)sprintf(text, "0");
    if (fabs(d) < 0x1p53 && d == trunc(d)) return (size_t)sprintf(text, "%.0f", d); // all its digits are needed
    char digits[18];
    int exponent, sign = d < 0;
    int k = shortest_digits(fabs(d), digits, &exponent);
    if (sign) text[0] = '-';
    return (size_t)(sign + write_digits(text + sign, digits, k, exponent + 1));
}

// Reading.

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

unsigned digit_value(char c) {
    if (is_digit(c)) return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f') return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F') return (unsigned)(c - 'A') + 10;
    return 16;
}

static size_t skip_digits(const char *text, size_t length, size_t at) {
    while (at < length && is_digit(text[at])) at++;
    return at;
}

// Is the text digits, a fraction, an exponent, and nothing else?
static bool is_decimal(const char *text, size_t length) {
    size_t at = skip_digits(text, length, 0), digits = at;
    if (at < length && text[at] == '.') {
        size_t fraction = at + 1;
        at = skip_digits(text, length, fraction);
        digits += at - fraction;
    }
    if (digits == 0) return false;
    if (at < length && (text[at] == 'e' || text[at] == 'E')) {
        size_t exponent = at + 1;
        if (exponent < length && (text[exponent] == '+' || text[exponent] == '-')) exponent++;
        at = skip_digits(text, length, exponent);
        if (at == exponent) return false;
    }
    return at == length;
}

// Is the text "0x", "0o" or "0b" and digits? Returns the bits of each digit: 4, 3 or 1; 0 if it is not.
static int radix_bits(const char *text, size_t length) {
    if (length < 3 || text[0] != '0') return 0;
    char letter = (char)(text[1] | 0x20);
    int bits = letter == 'x' ? 4 : letter == 'o' ? 3 : letter == 'b' ? 1 : 0;
    for (size_t i = 2; i < length; i++)
        if (digit_value(text[i]) >= 1u << bits) return 0;
    return bits;
}

// The number that such digits stand for, rounded once: what is beyond 64 bits only says that something is there.
static double read_radix(const char *digits, size_t length, int bits) {
    uint64_t number = 0;
    int exponent = 0;
    for (size_t i = 0; i < length * (size_t)bits; i++) {
        unsigned bit = digit_value(digits[i / (size_t)bits]) >> (bits - 1 - (int)(i % (size_t)bits)) & 1;
        if (number >> 63) {
            number |= bit;
            exponent++;
        } else {
            number = number << 1 | bit;
        }
    }
    return ldexp((double)number, exponent);
}

static bool text_is(const char *text, size_t length, const char *word) {
    return length == strlen(word) && memcmp(text, word, length) == 0;
}

static bool read_unsigned(const char *text, size_t length, double *d) {
    if (text_is(text, length, "NaN")) *d = NAN;
    else if (text_is(text, length, "Infinity")) *d = INFINITY;
    else if (radix_bits(text, length) == 4) *d = read_radix(text + 2, length - 2, 4);
    else if (!is_decimal(text, length)) return false;
    else {
        char *copy = strndup(text, length); // strtod wants an end
        if (!copy) return false;
        *d = strtod(copy, NULL);
        free(copy);
    }
    return true;
}

bool number_from_text(const char *text, size_t length, double *d) {
    bool negative = length > 0 && text[0] == '-';
    if (!read_unsigned(text + negative, length - negative, d)) return false;
    if (negative) *d = -*d;
    return true;
}

static bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

double number_from_string(const char *text, size_t length) {
    while (length > 0 && is_blank(text[0])) text++, length--;
    while (length > 0 && is_blank(text[length - 1])) length--;
    if (length == 0) return 0;
    double d, sign = text[0] == '-' ? -1 : 1;
    bool has_sign = text[0] == '-' || text[0] == '+';
    int bits = radix_bits(text, length);
    if (bits) return read_radix(text + 2, length - 2, bits);
    text += has_sign;
    length -= has_sign;
    if (text_is(text, length, "Infinity")) return sign * INFINITY;
    if (!is_decimal(text, length) || !read_unsigned(text, length, &d)) return NAN;
    return sign * d;
}
