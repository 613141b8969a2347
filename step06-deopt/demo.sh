#!/bin/sh
# What step 6 adds: `make demo` runs this in the step's directory.
jit=${BUILD:-build}/jit
turns=20000

say() { printf '\n%s\n' "$1"; }
function_named() { sed -n "/^func $1 /,/^}/p"; }

say '1. Powers of 3. The multiplication was one of integers, until the result was none:'
"$jit" --dump=deopt examples/overflow.bca 40

say '2. A method is replaced while its caller, which has its address built in, waits for it:'
"$jit" --dump=deopt examples/on_the_stack.bca 14 | tail -5

say '3. Integers, then doubles, then strings: two bets are lost, and then no more are made there:'
"$jit" --dump=deopt examples/ping_pong.bca 50 | grep -v '^ '

say '4. The sum of an array. Of eight guards in the loop two are left, and three operations that check their own result:'
"$jit" --dump=after,ir bench/sums.bca 3 | function_named sum

say "5. $turns sums of 1000 elements, in baseline code, optimised without bets, and with them:"
for options in --tier=baseline --disable=speculate --time; do
    "$jit" $options --time bench/sums.bca $turns 2>&1 | grep '^ran'
done

say '6. Guards that fail although they would hold: every third, every tenth, every thousandth. Nobody notices:'
for n in 3 10 1000; do
    printf '%-28s %s\n' "--stress=deopt-every=$n" "$("$jit" --stress=deopt-every=$n examples/matrix.bca 20)"
done
