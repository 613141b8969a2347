#!/bin/sh
# What step 2 adds: `make demo` runs this in the step's directory.
jit=${BUILD:-build}/jit
file=examples/fib_iter.bca

say() { printf '\n%s\n' "$1"; }

# From one bytecode instruction's code to another's, in the listing of fib.
listing() { "$jit" "--tier=$1" --dump=asm $file 1 | sed -n '/^fib:/,$p' | sed -n "/^; $2:/,/^; $3:/p" | sed '$d'; }

say '1. A loop of 50 million turns, seven operations each. Interpreted (5 million turns only):'
"$jit" --interp --time examples/sum.bca 5000000 2>&1 | grep '^ran'

say '2. By the baseline compiler, where every value goes through the machine stack (50 million):'
"$jit" --tier=baseline --time examples/sum.bca 50000000 2>&1 | grep '^ran'

say '3. By the optimising compiler, with values in registers (50 million):'
"$jit" --tier=opt --time examples/sum.bca 50000000 2>&1 | grep '^ran'

say '4. The loop of a smaller program, fib_iter. This is bytecode:'
"$jit" --dump=bytecode $file 1 | sed -n '/^func fib/,/^end/p' | sed -n '/loop:\|L4:/,/jump L4\|jump loop/p'

say '5. The baseline'"'"'s code for it:'
listing baseline 4 21

say '6. The optimising compiler'"'"'s:'
listing opt 6 22

say '7. How that was found: the code over virtual registers, how long each lives, what each was given.'
"$jit" --dump=lir,intervals,regs $file 1 | sed -n '/^fib:/,$p' | sed '$d'

say '8. With three registers only, and every allocation checked, it still computes the same:'
"$jit" --stress=registers --verify $file 90
