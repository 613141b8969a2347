// The benchmark's programs in C.
#ifndef BENCH_REFERENCE_H
#define BENCH_REFERENCE_H

#include <stdint.h>

int64_t reference_fib_iter(int64_t n);
int64_t reference_fib(int64_t n);
int64_t reference_gcd(int64_t a, int64_t b);
int64_t reference_primes(int64_t n);
int64_t reference_collatz(int64_t n);
int64_t reference_sum(int64_t n);

#endif
