// What the passes may do with guards.
//
// What makes guards easier to handle than other instructions, and what makes them harder:
//
//   - To leave for the interpreter is no effect: what the program does there is the same. So a guard may be
//     moved to wherever a frame state holds, be it that it is reached more often there; it may fail for
//     nothing; and of two guards that ask the same, the one that dominates stands for both.
//   - Whatever relies on a guard has its result as an operand: so no pass can separate them by mistake, and a
//     guard that nobody uses can go. With two exceptions:
//   - A guard stands in front of an operation that may raise an error, which the interpreter is to raise
//     if the guard fails: `length v1` became `guard_shape v1, array`. When nobody uses the result, the guard
//     stays for the sake of the error, unless the type of its operand shows that there is none.
//   - A pass that knows from the type of a value what an instruction gives, and so no longer uses the
//     value (v1 - v1 is 0 if v1 is an integer), says that it relies on the value. That one stays then, and so
//     does every guard that its type may come from.
#ifndef OPT_GUARDS_H
#define OPT_GUARDS_H

#include "ir/ir.h"

// Does the guard let everything pass that its operand's type allows? Its result is its operand then.
bool guard_is_proven(const Ir *ir, Ref ref);

// May the interpreter have an error to raise where the guard fails? No, if it is no guard.
bool guard_stands_for_error(const Ir *ir, Ref ref);

// Something has followed from the value's type.
void rely_on_type(Ir *ir, Ref value);

// Is the instruction to stay although nobody uses it?
bool guard_must_stay(const Ir *ir, Ref ref);

bool has_guards(const Ir *ir);

// The number of a shape that no object ever leaves: a guard of it holds for good.
bool shape_is_fixed(uint32_t shape);

// What is looked at by the instruction: its operand, or, if that is the result of a guard_shape, the
// object that was guarded there. They are the same object.
Ref object_of(const Ir *ir, Ref ref);

// Remove the states that no instruction refers to. Linear time.
void remove_idle_states(Ir *ir);

#endif
