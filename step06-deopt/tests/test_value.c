// The encodings of values: which word stands for what, and that no two words stand for the same number.
#include <inttypes.h>
#include <math.h>

#include "object/number.h"
#include "programs.h"
#include "testing/test_main.h"

enum { PATTERNS = SANITIZED ? 1000000 : 20000000 };

static uint64_t next_random(uint64_t *state) {
    uint64_t z = (*state += 0x9E3779B97F4A7C15); // splitmix64
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
}

// The range, written down independently of the encoding.
static bool fits_flonum(double d) { return fabs(d) >= 0x1p-255 && fabs(d) < 0x1p257; }

static bool fits_int(double d) {
    return d >= -2147483648.0 && d <= 2147483647.0 && d == floor(d) && !(d == 0 && signbit(d));
}

// How many kinds does the word claim to be of?
static int count_kinds(Value v) {
    return value_is_int(v) + value_is_flonum(v) + (value_is_pointer(v) ? 1 : 0) + ((v & TAG_MASK) == TAG_SPECIAL);
}

static bool same_double(double a, double b) { return isnan(a) ? isnan(b) : double_bits(a) == double_bits(b); }

// What is wrong with the number's representation? NULL: nothing. `none` is a heap that is full.
static const char *find_fault(Heap *none, double d) {
    Value flonum = flonum_encode(d), v = number_from_double(none, d);
    if (value_is_flonum(flonum) != fits_flonum(d)) return "the range of flonums";
    if (fits_flonum(d) && !same_double(flonum_decode(flonum), d)) return "a flonum does not come back";
    if (v == NO_VALUE) {
        bool needs_memory = !fits_int(d) && !fits_flonum(d) && d != 0 && isfinite(d);
        return needs_memory ? NULL : "a number that needs no memory wants some";
    }
    if (count_kinds(v) != 1) return "not of exactly one kind";
    if (value_is_int(v) != fits_int(d)) return "what fits an integer is one, and nothing else";
    if (!fits_int(d) && value_is_flonum(v) != fits_flonum(d)) return "what fits a flonum is one";
    if (!value_is_number(v)) return "no number";
    return same_double(number_to_double(v), d) ? NULL : "a number does not come back";
}

// Random bits; with every fourth number near the border of some range, and every fourth one an integer or near one.
static double pattern(uint64_t *state, uint32_t i) {
    static const uint64_t borders[] = {
        (uint64_t)768 << 52,  (uint64_t)1280 << 52, (uint64_t)2047 << 52, 0,
        (uint64_t)1023 << 52, (uint64_t)1054 << 52,
    };
    uint64_t bits = next_random(state);
    if (i % 4 == 0) {
        uint64_t border = borders[bits % 6], near = border + (bits >> 8) % 64 - 32;
        return double_from_bits(near | (bits & (uint64_t)1 << 63));
    }
    if (i % 4 == 1) return (double)((int64_t)bits >> (bits & 63)) / (bits & 64 ? 1 : 4);
    return double_from_bits(bits);
}

static void test_doubles_round_trip(void **state) {
    (void)state;
    Heap none = {0};
    uint64_t random = 1;
    for (uint32_t i = 0; i < PATTERNS; i++) {
        double d = pattern(&random, i);
        const char *fault = find_fault(&none, d);
        if (fault) fail_msg("%a (0x%016" PRIx64 "): %s", d, double_bits(d), fault);
    }
}

// Every exponent, with the least, the greatest and some other fraction, and both signs.
static void test_every_exponent(void **state) {
    (void)state;
    static const uint64_t fractions[] = {0, 1, 0x5555555555555, 0x8000000000000, 0xFFFFFFFFFFFFF};
    Heap none = {0};
    for (uint64_t top = 0; top < 4096; top++) {
        for (size_t i = 0; i < 5; i++) {
            double d = double_from_bits(top << 52 | fractions[i]);
            const char *fault = find_fault(&none, d);
            if (fault) fail_msg("%a: %s", d, fault);
        }
    }
}

// The other way round: every word with the tag is the flonum of some number in the range.
static void test_every_flonum_word_is_a_number_in_range(void **state) {
    (void)state;
    uint64_t random = 2;
    for (uint32_t i = 0; i < PATTERNS / 10; i++) {
        Value v = (next_random(&random) & ~(uint64_t)TAG_FLONUM_MASK) | TAG_FLONUM;
        double d = flonum_decode(v);
        if (!fits_flonum(d) || flonum_encode(d) != v) fail_msg("0x%016" PRIx64 " decodes to %a", v, d);
    }
}

static void test_borders_of_the_flonum_range(void **state) {
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        assert_true(value_is_flonum(flonum_encode(sign * 0x1p-255)));
        assert_false(value_is_flonum(flonum_encode(sign * nextafter(0x1p-255, 0))));
        assert_true(value_is_flonum(flonum_encode(sign * nextafter(0x1p257, 0))));
        assert_false(value_is_flonum(flonum_encode(sign * 0x1p257)));
    }
    assert_false(value_is_flonum(flonum_encode(0.0)));
    assert_false(value_is_flonum(flonum_encode(-0.0)));
}

static void test_integers(void **state) {
    (void)state;
    static const int32_t numbers[] = {0, 1, -1, 2, 42, -42, INT32_MAX, INT32_MIN, 65536, -65537};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        Value v = value_from_int(numbers[i]);
        assert_int_equal(v, (uint64_t)(uint32_t)numbers[i] << 32 | 1);
        assert_int_equal(value_to_int(v), numbers[i]);
        assert_int_equal(count_kinds(v), 1);
    }
    // 64-bit addition overflows exactly where the 32-bit one does, and the payloads order the words.
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        for (size_t j = 0; j < sizeof numbers / sizeof *numbers; j++) {
            int32_t sum32;
            int64_t sum64, a = (int64_t)value_from_int(numbers[i]), b = (int64_t)value_from_int(numbers[j]);
            bool overflow32 = __builtin_add_overflow(numbers[i], numbers[j], &sum32);
            assert_int_equal(__builtin_add_overflow(a - 1, b, &sum64), overflow32);
            if (!overflow32) assert_int_equal(sum64, value_from_int(sum32));
            assert_int_equal(a < b, numbers[i] < numbers[j]);
        }
    }
}

static void test_numbers_from_int64(void **state) {
    (void)state;
    Heap none = {0};
    assert_int_equal(number_from_int64(&none, INT32_MAX), value_from_int(INT32_MAX));
    assert_true(value_is_flonum(number_from_int64(&none, (int64_t)INT32_MAX + 1)));
    assert_true(number_to_double(number_from_int64(&none, (int64_t)INT32_MIN - 1)) == -2147483649.0);
    assert_true(number_to_double(number_from_int64(&none, ((int64_t)1 << 53) + 1)) == 0x1p53); // rounded to even
    assert_true(number_to_double(number_from_int64(&none, INT64_MAX)) == 0x1p63);
    assert_true(number_to_double(number_from_int64(&none, INT64_MIN)) == -0x1p63);
}

// The specials, and the numbers that never need memory, are there once and for all.
static void test_constants(void **state) {
    (void)state;
    static const Value specials[] = {VALUE_FALSE, VALUE_TRUE, VALUE_UNDEFINED, VALUE_NULL, VALUE_HOLE};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(specials[i], 4 + 8 * i);
        assert_int_equal(count_kinds(specials[i]), 1);
        assert_false(value_is_number(specials[i]));
    }
    Heap none = {0};
    static const double always[] = {-0.0, NAN, -NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 5; i++) {
        Value v = number_from_double(&none, always[i]);
        assert_true(value_is(v, TYPE_NUMBER));
        assert_int_equal(v, number_from_double(&none, always[i]));
    }
    assert_int_equal(number_from_double(&none, 0.0), value_from_int(0));
    assert_true(signbit(number_to_double(number_from_double(&none, -0.0))));
    assert_int_equal(number_from_double(&none, NAN), number_from_double(&none, double_from_bits(0xFFF8000000001234)));
}

static void test_heap_numbers(void **state) {
    (void)state;
    Heap heap;
    heap_init(&heap, 64);
    static const double rare[] = {0x1p257, -0x1p1023, 5e-324, 0x1p-256};
    for (size_t i = 0; i < 4; i++) { // 16 bytes each
        Value v = number_from_double(&heap, rare[i]);
        assert_true(value_is(v, TYPE_NUMBER));
        assert_int_equal(value_header(v)->shape, SHAPE_NUMBER);
        assert_true(number_to_double(v) == rare[i]);
    }
    assert_int_equal(heap_used(&heap), 64);
    assert_int_equal(number_from_double(&heap, 1e300), NO_VALUE);
    heap_free(&heap);
}

static void test_heap_gives_what_it_has(void **state) {
    (void)state;
    Heap heap;
    heap_init(&heap, 100);
    uint8_t *first = heap_alloc(&heap, 17, TYPE_STRING, SHAPE_STRING); // 24
    assert_non_null(first);
    assert_int_equal((uintptr_t)first % HEAP_ALIGNMENT, 0);
    for (int i = sizeof(Header); i < 24; i++) assert_int_equal(first[i], 0);
    assert_non_null(heap_alloc(&heap, 72, TYPE_STRING, SHAPE_STRING));
    assert_null(heap_alloc(&heap, 8, TYPE_STRING, SHAPE_STRING)); // four bytes are left, and are of no use
    assert_null(heap_alloc(&heap, SIZE_MAX, TYPE_STRING, SHAPE_STRING));
    assert_null(heap_alloc(&heap, SIZE_MAX - 7, TYPE_STRING, SHAPE_STRING));
    heap_free(&heap);
    heap_init(&heap, 0);
    assert_null(heap_alloc(&heap, 8, TYPE_STRING, SHAPE_STRING));
    heap_free(&heap);
    heap_init(&heap, SIZE_MAX / 2); // more than there are addresses
    assert_null(heap_alloc(&heap, 8, TYPE_STRING, SHAPE_STRING));
    heap_free(&heap);
}

static const struct CMUnitTest value_tests[] = {
    cmocka_unit_test(test_doubles_round_trip),
    cmocka_unit_test(test_every_exponent),
    cmocka_unit_test(test_every_flonum_word_is_a_number_in_range),
    cmocka_unit_test(test_borders_of_the_flonum_range),
    cmocka_unit_test(test_integers),
    cmocka_unit_test(test_numbers_from_int64),
    cmocka_unit_test(test_constants),
    cmocka_unit_test(test_heap_numbers),
    cmocka_unit_test(test_heap_gives_what_it_has),
};
TEST_MAIN(value_tests)
