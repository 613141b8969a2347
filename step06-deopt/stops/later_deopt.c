// Stands in for deopt.c up to stop 7: no code bets on prototypes yet.
#include "deopt/deopt.h"

void deopt_forget_prototypes(Vm *vm) { (void)vm; }
