#!/bin/sh
# What step 5 adds: `make demo` runs this in the step's directory.
jit=${BUILD:-build}/jit
turns=100000000

say() { printf '\n%s\n' "$1"; }
first_function() { sed '/^}/q'; }

say '1. x = 2 + 3; y = x * 5, in SSA form before the passes:'
"$jit" --dump=ir:sccp stops/fold.bca | sed -n '/before/,/^}/p' | sed 1d | first_function

say '   and behind them. No operation remains for run time:'
"$jit" --dump=ir stops/fold.bca | first_function

say '2. A loop with a product that never changes, before and behind loop-invariant code motion:'
"$jit" --dump=ir:licm stops/invariant.bca 10 | awk '{ print } /^}/ && ++functions == 2 { exit }'

say "3. $turns turns of it without that pass:"
"$jit" --disable=licm --time stops/invariant.bca $turns 2>&1 | grep '^ran'

say '4. And with it:'
"$jit" --time stops/invariant.bca $turns 2>&1 | grep '^ran'

say '5. A loop that loads a property twice in each turn:'
"$jit" --dump=ir:gvn bench/property.bca 10 | sed -n '/^; before gvn/,/^}/p' | first_function | grep 'get_property'
say '   behind global value numbering:'
"$jit" --dump=ir:gvn bench/property.bca 10 | sed -n '/^; after gvn/,/^}/p' | first_function | grep 'get_property'

say '6. Where values live when there are more of them than registers: `=` is in memory.'
"$jit" --dump=intervals stops/across.bca 3 5 | sed -n '/^main/,/^same/p' | sed '$d'

say '7. Any set of passes may be left out, either allocator may be used; the result is the same:'
for options in '' --disable=invert,gvn --disable=sccp,copies,licm,strength,dce --ra=poletto --stress=registers; do
    printf '%-50s %s\n' "${options:-all passes}" "$("$jit" $options --verify examples/matrix.bca 20)"
done
