// The System V calling convention, as far as integer arguments go.
// Source: System V ABI, AMD64 supplement, section 3.2.3.
#ifndef BASELINE_CONVENTION_H
#define BASELINE_CONVENTION_H

#include "asm/asm.h"

enum { NUM_ARG_REGS = 6 };

// Argument i < 6 is in arg_regs[i]; argument i >= 6 is the callee's [rbp + 16 + 8 * (i - 6)].
// The result is in RAX.
static const Reg arg_regs[NUM_ARG_REGS] = {RDI, RSI, RDX, RCX, R8, R9};

#endif
