#!/bin/sh
# What step 4 adds: `make demo` runs this in the step's directory.
jit=${BUILD:-build}/jit

say() { printf '\n%s\n' "$1"; }

say '1. One instruction, add, with integers, doubles, a sum too large for 32 bits, and strings:'
"$jit" examples/plus.bca

say '2. An integer is one word with its value in the upper half, so an addition is a few instructions.'
echo '   Behind the function stands what happens if one of the two is no integer:'
"$jit" --dump=asm examples/plus.bca | sed -n '/^; 2: add/,/^; 3:/p' | sed '$d'

say '3. Three classes, one method name. Six million method calls, each of which looks the method up:'
"$jit" --ic=off --time examples/shapes.bca 3000000 2>&1 | grep '^ran'

say '4. The same program with inline caches:'
"$jit" --time examples/shapes.bca 3000000 2>&1 | grep '^ran'

say '5. What the caches have learned. For each place: its state, how often it was visited, how often it knew:'
"$jit" --dump=ic examples/shapes.bca 3000000 | sed -n '/^Shape.scaled_area/,/^Circle.init/p' | sed '$d'

say '6. One object, one shape, one comparison. This is a property load (in the class Point):'
"$jit" --dump=asm examples/point.bca | sed -n '/^; 1: get_property x/,/^.L1/p'

say '7. A method is redefined while the program runs, and then overridden. The caches forget in time:'
"$jit" examples/redefine.bca | head -3

say '8. A mistake at run time, with the place where it happened:'
"$jit" examples/no_method.bca 2>&1
true
