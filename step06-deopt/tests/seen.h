// What a run does that can be seen, as text: what it prints, what its natives are given, what it returns, and which
// error ends it where. Two runs that do the same have the same text.
#ifndef TESTS_SEEN_H
#define TESTS_SEEN_H

#include "interp/vm.h"

// Begin to collect; seen_end returns the text, which the caller frees. One run at a time: natives have no context.
void seen_begin(void);
char *seen_end(void);

// How a call that returned this value ended. Of an error: its status, message and place.
void seen_result(const Vm *vm, Value result);

// The natives of random_optimisable: the first notes what it is given, with its properties; the second changes it, too.
Value seen_note(Vm *vm, Value v);
Value seen_poke(Vm *vm, Value v);

#define SEEN_NOTE ((NativeCode *)(uintptr_t)seen_note)
#define SEEN_POKE ((NativeCode *)(uintptr_t)seen_poke)

// Is a run that was seen to do this comparable with another? How much memory and stack a program needs may differ.
bool seen_is_comparable(const char *text);

#endif
