#!/bin/sh
# What step 1 can do: `make demo` runs this in the step's directory.
jit=${BUILD:-build}/jit

say() { printf '\n%s\n' "$1"; }

say '1. fib(30): 2.7 million calls, 27 million bytecode instructions. Interpreted:'
"$jit" --interp --time examples/fib.bca 30 2>&1 | grep -v '^compiled'

say '2. The same, compiled to machine code first:'
"$jit" --time examples/fib.bca 30 2>&1

say '3. A function that adds 5 and 3, and its machine code:'
"$jit" --dump=bytecode,asm examples/add.bca

say '4. With only 500 bytes for code, fib no longer fits: its caller is compiled, fib is interpreted.'
"$jit" --time --code-size=500 examples/fib.bca 20 2>&1

say '5. Machine code that divides by zero stops at a line, not with a signal:'
"$jit" examples/divide.bca 10 0 2>&1
true
