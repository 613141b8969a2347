#!/bin/sh
# The command line of step 4: object programs, --ic, --dump=ic, --heap-size, and what is said about bad programs.
set -u
jit=${BUILD:-build}/jit
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

num_passed=0 num_failed=0
passed() { num_passed=$((num_passed + 1)); }
failed() {
    num_failed=$((num_failed + 1))
    echo "FAILED: $1"
    sed 's/^/    /' "$work/out" "$work/err"
}

# run ARGUMENT...: run the JIT; its output is in out and err, its exit status in $status.
run() {
    status=0
    "$jit" "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
}

# prints TEXT ARGUMENT...: does the run succeed and print this one line, and nothing on standard error?
prints() {
    wanted=$1
    shift
    run "$@"
    if [ "$status" = 0 ] && [ "$(cat "$work/out")" = "$wanted" ] && [ ! -s "$work/err" ]; then passed
    else failed "$* : wanted '$wanted', got status $status"; fi
}

# complains STATUS TEXT ARGUMENT...: does it end with the status and say TEXT on standard error?
complains() {
    wanted_status=$1 wanted=$2
    shift 2
    run "$@"
    if [ "$status" = "$wanted_status" ] && grep -qF -- "$wanted" "$work/err"; then passed
    else failed "$* : wanted '$wanted' and status $wanted_status, got status $status"; fi
}

# everywhere TEXT ARGUMENT...: does it print this in every engine, with caches on, off and missing?
everywhere() {
    text=$1
    shift
    for tier in interp baseline opt; do
        for ic in on off always-miss; do prints "$text" --tier=$tier --ic=$ic "$@"; done
    done
    prints "$text" --code-size=0 "$@"
    prints "$text" --stress=registers --verify "$@"
}

# The examples; the results are node's, for the same programs in JavaScript.
everywhere 862.4000000000001 examples/shapes.bca 10
everywhere 170900 examples/expression.bca 100
everywhere 0 examples/expression.bca 0
everywhere '365 transfers, Ada 3223, Grace 29902, Alan 1880' examples/account.bca 365
everywhere 1000 examples/polymorphic.bca 1 1000
everywhere 1999 examples/polymorphic.bca 3 1000
everywhere 4500 examples/polymorphic.bca 8 1000
everywhere '254 packets queued, 101 times held' examples/richards.bca 100
prints '23130 packets queued, 9252 times held' examples/richards.bca 10000

# --dump=ic: the states of the site, whichever engine went through it.
for tier in interp baseline opt; do
    for case in 1:monomorphic:99.9 2:polymorphic:99.8 4:polymorphic:99.6 5:megamorphic:99.5 8:megamorphic:99.2; do
        degree=${case%%:*} rest=${case#*:}
        run --tier=$tier --dump=ic examples/polymorphic.bca "$degree" 1000
        if grep -q "call_method value  ${rest%:*}  1000 visits, ${rest#*:} % hits" "$work/out"; then passed
        else failed "--tier=$tier --dump=ic polymorphic.bca $degree"; fi
    done
    run --tier=$tier --ic=always-miss --dump=ic examples/polymorphic.bca 1 1000
    if grep -q 'call_method value  uninitialised  1000 visits, 0.0 % hits' "$work/out"; then passed
    else failed "--tier=$tier --ic=always-miss --dump=ic"; fi
done
# The result stands before the table, and a program without sites has none.
run --dump=ic examples/polymorphic.bca 1 10
if [ "$(head -n 1 "$work/out")" = 10 ]; then passed; else failed '--dump=ic: the result comes first'; fi
prints 55 --dump=ic examples/fib.bca 10
# A name in quotes may hold anything; in all dumps it stays in its line, in quotes.
cat >"$work/names.bca" <<'END'
class C
end
func main params=0
    new_object C
    get_property "two\nlines \x1b[1m\""
    return
end
END
run --tier=opt --dump=ic,lir,bytecode "$work/names.bca"
if [ "$status" = 0 ] && [ "$(grep -cF 'get_property "two\nlines \x1b[1m\""' "$work/out")" = 3 ]; then passed
else failed '--dump: a name with control characters'; fi
run --tier=baseline --dump=asm "$work/names.bca"
if [ "$status" = 0 ] && ! grep -q "^lines\|$(printf '\033')" "$work/out"; then passed
else failed '--dump=asm: a name with control characters'; fi

# Words and numbers on the command line.
complains 2 "--ic does not know 'maybe'" --ic=maybe examples/shapes.bca 1
complains 2 "--ic does not know ''" --ic= examples/shapes.bca 1
complains 2 'not a size in range' --heap-size=-1 examples/shapes.bca 1
complains 2 'not a size in range' --heap-size=1.5 examples/shapes.bca 1
complains 2 'not a size in range' --heap-size=NaN examples/shapes.bca 1
complains 2 'not a size in range' --heap-size=1e30 examples/shapes.bca 1
complains 2 'not a number' --heap-size=big examples/shapes.bca 1
complains 2 'not a number' examples/shapes.bca ten
run --help
if [ "$status" = 0 ] && grep -q -- '--ic=WORD' "$work/out" && grep -q -- '--heap-size=N' "$work/out" && grep -q 'always-miss' "$work/out"
then passed; else failed '--help names --ic and --heap-size'; fi

# A heap that is too small is an ordinary error: one line, exit 1.
for size in 0 1 80 100; do
    run --heap-size=$size examples/shapes.bca 10
    if [ "$status" = 1 ] && [ "$(cat "$work/err")" = 'examples/shapes.bca: error: out of memory' ] && [ ! -s "$work/out" ]; then passed
    else failed "--heap-size=$size"; fi
done
prints 862.4000000000001 --heap-size=1000000 examples/shapes.bca 10

# out_of_memory NAME: do all engines end the program in the file, which wants all memory there is, in the same line?
out_of_memory() {
    for tier in interp baseline opt; do
        for ic in on off; do
            run --tier=$tier --ic=$ic --heap-size=8000000 "$work/$1.bca"
            grep 'error:' "$work/err" >"$work/lines"
            if [ "$status" = 1 ] && [ "$(wc -l <"$work/lines")" = 1 ] && grep -q "^$work/$1.bca:$2:5: error: out of memory\$" "$work/lines"
            then passed; else failed "$1: $tier, --ic=$ic"; fi
        done
    done
}

# program NAME: a program that repeats the lines of standard input for ever; local 0 counts, local 1 is an object of class
# C, local 2 an array, local 3 a string. The first of the lines is line 14.
program() {
    {
        printf 'class C\nend\nfunc main params=0 locals=4\n    load_const 0\n    store_local 0\n    new_object C\n    store_local 1\n'
        printf '    new_array 0\n    store_local 2\n    load_const "ab"\n    store_local 3\nnext:\n    load_local 0\n'
        cat
        printf '    load_local 0\n    load_const 1\n    add\n    store_local 0\n    jump next\nend\n'
    } >"$work/$1.bca"
}
# What is made must be used: the optimiser leaves out what nobody can see.
program objects <<'END'
    pop
    load_local 1
    new_object C
    set_property x
END
out_of_memory objects 16
program strings <<'END'
    pop
    load_local 3
    load_local 3
    add
    store_local 3
    load_local 1
    load_local 3
    set_property x
END
out_of_memory strings 17
program elements <<'END'
    pop
    load_local 2
    load_local 0
    load_local 0
    set_index
END
out_of_memory elements 18
program arrays <<'END'
    new_array 1
    store_local 2
    load_local 1
    load_local 2
    set_property x
END
out_of_memory arrays 14
program names <<'END'
    pop
    load_local 1
    load_const "name"
    load_local 0
    add
    load_local 0
    set_index
END
# Either joining the name or storing it needs the last byte.
for tier in interp baseline opt; do
    run --tier=$tier --heap-size=8000000 "$work/names.bca"
    if [ "$status" = 1 ] && [ "$(grep -c 'error: out of memory$' "$work/err")" = 1 ]; then passed; else failed "names: $tier"; fi
done
program numbers <<'END'
    load_const 1e300
    add
    store_local 2
    load_local 1
    load_local 2
    set_property x
END
out_of_memory numbers 15
program shapes <<'END'
    pop
    new_object C
    store_local 1
    load_local 1
    load_local 0
    set_property x
    load_local 1
    delete_property x
    pop
END
for tier in interp baseline opt; do
    run --tier=$tier --heap-size=8000000 "$work/shapes.bca"
    if [ "$status" = 1 ] && [ "$(grep -c 'error: out of memory$' "$work/err")" = 1 ]; then passed; else failed "shapes: $tier"; fi
done

# Run-time errors: the name of the error, its place and the line.
printf 'class C\nend\nfunc main params=0\n    new_object C\n    call_method "not\\nthere" 0\n    return\nend\n' >"$work/method.bca"
printf 'func main params=0\n    load_const undefined\n    get_property x\n    return\nend\n' >"$work/undefined.bca"
printf 'func main params=0\n    new_array 0\n    load_const 67108864\n    load_const 1\n    set_index\n    load_const 1\n    return\nend\n' >"$work/range.bca"
printf 'func main params=0\n    load_const 1\n    new_array 0\n    less_than\n    return\nend\n' >"$work/compare.bca"
for tier in interp baseline opt; do
    for ic in on off always-miss; do
        complains 1 "method.bca:5:5: error: TypeError: an object has no method 'not?there'" --tier=$tier --ic=$ic "$work/method.bca"
        complains 1 "undefined.bca:3:5: error: TypeError: cannot read property 'x' of undefined" --tier=$tier --ic=$ic "$work/undefined.bca"
    done
    complains 1 'range.bca:5:5: error: RangeError: an array has at most 67108864 elements' --tier=$tier "$work/range.bca"
    complains 1 'compare.bca:4:5: error: TypeError: cannot compute a number < an array' --tier=$tier "$work/compare.bca"
done

# rejected LINE:COLUMN MESSAGE TEXT: is the program (of printf) rejected with the message at the place?
rejected() {
    printf "$3" >"$work/bad.bca"
    run "$work/bad.bca"
    first=$(head -n 1 "$work/err")
    if [ "$status" = 65 ] && [ "$first" = "$work/bad.bca:$1: error: $2" ] && [ ! -s "$work/out" ]; then passed
    else failed "$3 : wanted '$1: $2', got status $status"; fi
}
rejected 1:6 'expected a class name' 'class\n'
rejected 1:7 "expected a class name, found '1C'" 'class 1C\nend\n'
rejected 1:7 "expected a class name, found 'A.B'" 'class A.B\nend\n'
rejected 3:7 "class 'A' is already defined in line 1" 'class A\nend\nclass A\nend\n'
rejected 1:17 'expected a class name' 'class A extends \nend\n'
rejected 1:17 "class 'B' is not defined above" 'class A extends B\nend\nclass B\nend\n'
rejected 1:17 "class 'A' is not defined above" 'class A extends A\nend\n'
rejected 1:9 "expected fields=N, found 'field'" 'class A field=1\nend\n'
rejected 1:16 'fields must be between 0 and 1024' 'class A fields=1025\nend\n'
rejected 1:18 "expected the end of the line, found 'x'" 'class A fields=1 x\nend\n'
rejected 2:3 "expected 'method' or 'end', found 'func'" 'class A\n  func f params=1\n'
rejected 2:3 "expected 'method' or 'end', found 'add'" 'class A\n  add\nend\n'
rejected 1:1 "expected 'func' or 'class', found 'method'" 'method f params=1\n'
rejected 2:9 'expected a method name' 'class A\n  method\nend\n'
rejected 2:10 "expected a method name, found 'a.b'" 'class A\n  method a.b params=1\nend\n'
rejected 2:10 'a method has a parameter 0, the receiver' 'class A\n  method f params=0\n  end\nend\n'
rejected 6:10 "function 'A.f' is already defined in line 2" 'class A\n  method f params=1\n  load_local 0\n  return\n  end\n  method f params=1\n'
rejected 2:10 "function 'A.f' has no 'end'" 'class A\n  method f params=1\n  load_local 0\n  return\n'
rejected 1:7 "class 'A' has no 'end'" 'class A\n  method f params=1\n  load_local 0\n  return\nend\n'
rejected 2:14 "class 'A' is not defined" 'func main params=0\n  new_object A\n  return\nend\n'
rejected 2:18 "class 'A' is not defined" 'func main params=0\n  load_prototype A\n  return\nend\n'
rejected 4:8 "function 'A.g' is not defined" 'class A\nend\nfunc main params=0\n  call A.g\n  return\nend\n'
rejected 3:15 'expected a name' 'func main params=0\n  load_const 1\n  get_property\n  return\nend\n'
rejected 3:16 "expected a name, found '1x'" 'func main params=0\n  load_const 1\n  get_property 1x\n  return\nend\n'
rejected 3:16 'expected an integer' 'func main params=0\n  load_const 1\n  call_method f\n  return\nend\n'
rejected 3:17 'the number of arguments must be between 0 and 255' 'func main params=0\n  load_const 1\n  call_method f 256\n  return\nend\n'
rejected 3:17 'the number of arguments must be between 0 and 255' 'func main params=0\n  load_const 1\n  call_method f -1\n  return\nend\n'
rejected 3:3 "'call_method' pops 3 operands, but the stack holds 1" 'func main params=0\n  load_const 1\n  call_method f 2\n  return\nend\n'
rejected 2:13 'the number of elements must be between 0 and 65535' 'func main params=0\n  new_array 65536\n  return\nend\n'
rejected 2:3 "'new_array' pops 1 operands, but the stack holds 0" 'func main params=0\n  new_array 1\n  return\nend\n'
rejected 2:14 'the string has no closing quote' 'func main params=0\n  load_const "abc\n  return\nend\n'
rejected 2:16 'unknown escape in a string' 'func main params=0\n  load_const "a\\q"\n  return\nend\n'
rejected 2:15 'unknown escape in a string' 'func main params=0\n  load_const "\\x1"\n  return\nend\n'
rejected 2:14 "expected a constant, found 'maybe'" 'func main params=0\n  load_const maybe\n  return\nend\n'

echo "$num_passed passed, $num_failed failed"
[ "$num_failed" = 0 ]
