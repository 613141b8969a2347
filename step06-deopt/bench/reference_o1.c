// The benchmark's programs in C, compiled with -O1. Each does what its .bca file does, step by step, but
// with integers of 64 bits, which wrap: that is what the types of values cost the bytecode.
#include "reference.h"

static int64_t add(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }
static int64_t mul(int64_t a, int64_t b) { return (int64_t)((uint64_t)a * (uint64_t)b); }

int64_t reference_fib_iter(int64_t n) {
    int64_t a = 0, b = 1;
    for (; n > 0; n--) {
        int64_t next = add(a, b);
        a = b;
        b = next;
    }
    return a;
}

__attribute__((noinline)) int64_t reference_fib(int64_t n) {
    if (n < 2) return n;
    return add(reference_fib(n - 1), reference_fib(n - 2));
}

int64_t reference_gcd(int64_t a, int64_t b) {
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static __attribute__((noinline)) int64_t is_prime(int64_t n) {
    for (int64_t d = 2; mul(d, d) <= n; d++)
        if (n % d == 0) return 0;
    return 1;
}

int64_t reference_primes(int64_t n) {
    int64_t count = 0;
    for (int64_t candidate = 2; candidate < n; candidate++) count += is_prime(candidate);
    return count;
}

static __attribute__((noinline)) int64_t collatz_length(int64_t n) {
    int64_t length = 1;
    while (n != 1) {
        length++;
        n = n % 2 == 0 ? n / 2 : add(mul(n, 3), 1);
    }
    return length;
}

int64_t reference_collatz(int64_t n) {
    int64_t longest = 0, best = 0;
    for (int64_t start = 1; start < n; start++) {
        int64_t length = collatz_length(start);
        if (length <= longest) continue;
        longest = length;
        best = start;
    }
    return best;
}

// Operations that depend on one another, turn by turn.
int64_t reference_sum(int64_t n) {
    int64_t sum = 0, x = 1;
    for (int64_t i = 0; i < n; i++) {
        x = add(mul(x, 5), i) % 1021;
        sum = add(sum, x);
    }
    return sum;
}
