// What the tests of natives and of the calling convention need: programs that call natives, and calls
// of machine code that go through the ABI probe.
#ifndef TESTS_NATIVE_PROGRAMS_H
#define TESTS_NATIVE_PROGRAMS_H

#include "abi/natives.h"
#include "programs.h"
#include "testing/abi_probe.h"

// The natives of the command line, and these. N is 0 to MAX_NATIVE_PARAMS.
//   weighN      weigh() of its arguments, those that are no integers by their bits; destroys every caller-saved register
//   alignedN    rsp % 16 where its call instruction is: 0 if the caller keeps the convention
//   quiet n     n; touches no register but RAX. Machine code made by hand, so that this is certain
//   run_leaf n  calls the program's own function `leaf` with n, in the engine that it has, from C;
//               -1000 - status if that fails. Only for programs that have such a function and
//               that run through start() below
void test_natives_register(Program *program);

// What a weighN native returns for n arguments.
int64_t weigh(const int64_t *args, size_t n);

// A verified program, to be freed with program_free. A program that is rejected fails the test.
Program *native_program_from(const char *text);
Program *native_program_from_file(const char *path);

// mode_start, with the new JIT as the one that run_leaf calls.
JitCompiler *start(const Program *program, const Mode *mode);

// The JIT of the latest start(): a native gets nothing of it but the Vm.
JitCompiler *current_jit(void);

// call() as programs.h has it, but C's side of it is the ABI probe: the test fails if the code hands
// back a register, the stack or a flag changed. Where the function is machine code it is entered a
// second time without the enter stub, which would put back what the function itself forgot.
Outcome probed_call(JitCompiler *jit, const char *function, const int64_t *args);

// The same for a child process, where an assertion of cmocka has no test to end: says on stderr what
// is wrong, and returns false.
bool probe_call(JitCompiler *jit, const char *function, const int64_t *args, Outcome *outcome);

// Run main in one mode, probed.
Outcome probed_run(const Program *program, const Mode *mode, const int64_t *args);

// Run main in every mode, probed. Do all end as the interpreter does? If not, stderr says which.
bool probed_modes_agree(const Program *program, const int64_t *args);
void assert_probed_modes_agree(const Program *program, const int64_t *args);

// Run main in every mode, probed; each must return `expected`.
void assert_native_returns(const char *text, const int64_t *args, int64_t expected);

// The machine code of a function, an instruction a line; the caller frees it.
char *code_lines(const JitCompiler *jit, const char *function);

// How many lines of the text match a POSIX extended regular expression.
size_t count_lines(const char *lines, const char *pattern);

#endif
