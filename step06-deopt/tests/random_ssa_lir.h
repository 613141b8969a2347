// Random LIR in SSA form, with phis of every kind: made of random LIR that is not.
#ifndef TESTS_RANDOM_SSA_LIR_H
#define TESTS_RANDOM_SSA_LIR_H

#include "random_lir.h"

// The same computation in SSA form. The order of blocks is a reverse postorder, a random one of those that there
// are; loops may lie together or scattered. Phis that are not needed are left in now and then. Free with
// lir_free.
Lir ssa_from_lir(Random *random, const Lir *lir);

Lir random_ssa_lir(Random *random, const Program *program, RandomShape shape);

// Loops in loops, with ifs in them, as programs have them: each loop ends after a few rounds.
Lir random_ssa_nest(Random *random, const Program *program);

#endif
