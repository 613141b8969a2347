// Reporting our own bugs.
// A broken invariant ends the process at once, with the values that broke it.
// Bad input and exhausted resources are never reported here: they are ordinary results, or, if it is the
// compiler's own memory that runs out, an end with a status of its own (base/memory.h).
#ifndef BASE_FATAL_H
#define BASE_FATAL_H

// The exit status of a program that found a bug in itself (EX_SOFTWARE of sysexits.h).
enum { EXIT_BUG = 70 };

// Print "internal error: MESSAGE" on stderr and exit with EXIT_BUG.
_Noreturn void fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
