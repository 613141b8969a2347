#!/bin/sh
# The command line of step 3: natives, --broken, and what comes of the two faults.
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

# prints STATUS LINES ARGUMENT...: does the run end with the status and print these lines (blanks for
# newlines) on standard output?
prints() {
    wanted_status=$1 wanted=$2
    shift 2
    run "$@"
    if [ "$status" = "$wanted_status" ] && [ "$(tr '\n' ' ' <"$work/out")" = "${wanted:+$wanted }" ]; then passed
    else failed "$* : wanted '$wanted' and status $wanted_status, got status $status"; fi
}

# complains STATUS TEXT ARGUMENT...: does it end with the status and say TEXT on standard error?
complains() {
    wanted_status=$1 wanted=$2
    shift 2
    run "$@"
    if [ "$status" = "$wanted_status" ] && grep -qF -- "$wanted" "$work/err"; then passed
    else failed "$* : wanted '$wanted' and status $wanted_status, got status $status"; fi
}

# Natives, in every engine.
for tier in interp baseline opt; do
    prints 0 '42 142' --tier=$tier examples/across_call.bca
    prints 0 '100 115' --tier=$tier examples/five_across.bca
    prints 0 '7 42' --tier=$tier examples/natives.bca 7
    prints 0 '3 38' --tier=$tier examples/natives.bca -2
    prints 0 '100 135' --tier=$tier examples/natives.bca 123456789
    prints 0 '42 142' --verify --tier=$tier examples/across_call.bca
    prints 0 '100 115' --verify --tier=$tier --stress=registers examples/five_across.bca
done
prints 0 '42 142' --code-size=0 examples/across_call.bca

# The order of the program's own output and of what the command line prints.
run --dump=bytecode examples/across_call.bca
if [ "$status" = 0 ] && [ "$(tail -n 2 "$work/out" | tr '\n' ' ')" = '42 142 ' ] && grep -q '^    call_native print' "$work/out"
then passed; else failed '--dump=bytecode: the program comes first, then its output'; fi

# Dumps know the new instruction.
run --dump=lir,regs,asm examples/across_call.bca
if grep -q 'call_native print(' "$work/out" && grep -q 'v0 .*slot 0' "$work/out" && grep -q '; print$\|<.*>' "$work/out"
then passed; else failed '--dump=lir,regs,asm'; fi

# Programs that are not accepted.
printf 'func main params=0\n  call_native nosuch\n  return\nend\n' >"$work/nosuch.bca"
complains 65 "nosuch.bca:2:15: error: native 'nosuch' is not defined" "$work/nosuch.bca"
printf 'func main params=0\n  call_native\n  return\nend\n' >"$work/missing.bca"
complains 65 'missing.bca:2:14: error:' "$work/missing.bca"
printf 'func main params=0\n  load_const 1\n  call_native min\n  return\nend\n' >"$work/few.bca"
complains 65 'few.bca:3:3: error:' "$work/few.bca"

# The words of --broken.
complains 2 "--broken does not know 'nothing'" --broken=nothing examples/across_call.bca
complains 2 "--broken does not know 'callee'" --broken=callee examples/across_call.bca
complains 2 "--broken does not know 'callee-savedx'" --broken=callee-savedx examples/across_call.bca
complains 2 "--broken does not know 'x" --broken=caller-saved,x examples/across_call.bca
complains 2 "--broken does not know ''" --broken= examples/across_call.bca
complains 2 "--broken does not know ''" --broken=caller-saved, examples/across_call.bca
complains 2 'jit: ' --broken
run --help
if [ "$status" = 0 ] && grep -q -- '--broken=WORD' "$work/out" && grep -q 'callee-saved' "$work/out" && grep -q 'caller-saved' "$work/out"
then passed; else failed '--help names --broken and its words'; fi

# An engine that keeps nothing in registers is not affected by either fault.
for tier in interp baseline; do
    prints 0 '100 115' --tier=$tier --broken=callee-saved,caller-saved examples/five_across.bca
    prints 0 '66' --tier=$tier --broken=callee-saved examples/eleven_at_once.bca 1 2 3 4 5 6 7 8 9 10 11
done

# caller-saved: the C library's output functions destroy the register in which 100 waits. What comes
# out is not the same everywhere, a crash too if it looks like an object's address; 142 it is not.
run --opt-after=0 --broken=caller-saved examples/across_call.bca
if [ "$(tail -n 1 "$work/out")" != 142 ]
then passed; else failed '--broken=caller-saved: 100 + 42 is still 142'; fi
# The allocation is found to be wrong when it is checked, before anything runs.
complains 70 'ra_check' --opt-after=0 --broken=caller-saved --verify examples/across_call.bca

# callee-saved: the C code around is the victim, jit_execute first and then whoever called it. What it
# kept in registers is the C compiler's choice, so that this ends in one of two ways: by a signal
# (SIGSEGV, with gcc and clang at -O2), or with another output than the right one. In a build without
# optimization C keeps nothing in registers and suffers nothing: then the code itself must show it.
run --opt-after=0 --broken=callee-saved examples/eleven_at_once.bca 1 2 3 4 5 6 7 8 9 10 11
if [ "$status" != 0 ] || [ "$(cat "$work/out")" != 66 ]; then passed
else
    run --opt-after=0 --broken=callee-saved --dump=asm examples/eleven_at_once.bca 1 2 3 4 5 6 7 8 9 10 11
    if grep -q 'mov *rbx, qword ptr' "$work/out"; then passed
    else failed '--broken=callee-saved: rbx is not used'; fi
fi

echo "$num_passed passed, $num_failed failed"
[ "$num_failed" = 0 ]
