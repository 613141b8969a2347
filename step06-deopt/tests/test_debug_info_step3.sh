#!/bin/sh
# --debug-info from step 3 on: functions and the enter stub save registers, and gdb has to find them again.
# While a native runs, five values of the program are in callee-saved registers; seen from the frame of
# C's caller of the enter stub, these registers must be what they were when it was called. Skipped where
# gdb cannot be used.
build=${BUILD:-build}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
skip() { echo "$1"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }
fail() { echo "test_debug_info_step3: $1"; cat "$work/out"; exit 1; }

command -v gdb >/dev/null || skip "gdb is not installed"
cat > "$work/commands" <<'END'
set pagination off
set confirm off
break vm_call
run --debug-info examples/five_across.bca
tbreak *(long)vm->enter
continue
printf "before: %lx %lx %lx %lx %lx\n", $rbx, $r12, $r13, $r14, $r15
break native_print
continue
printf "inside: %lx %lx %lx %lx %lx\n", $rbx, $r12, $r13, $r14, $r15
python
frame = gdb.newest_frame()
while frame.name() != "enter stub":
    frame = frame.older()
frame.older().select()
end
printf "after: %lx %lx %lx %lx %lx\n", $rbx, $r12, $r13, $r14, $r15
END
gdb -q -nx -batch -x "$work/commands" "$build/jit" > "$work/out" 2>&1
grep -q 'not permitted\|Cannot trace\|Scripting in the "Python"' "$work/out" && skip "gdb cannot be used here"
rm -f "/tmp/perf-$(sed -n 's/.*process \([0-9]*\).*/\1/p' "$work/out" | head -1).map"
before=$(sed -n 's/^before: //p' "$work/out") inside=$(sed -n 's/^inside: //p' "$work/out")
after=$(sed -n 's/^after: //p' "$work/out")
[ -n "$before" ] || fail "gdb did not stop at the enter stub"
[ "$inside" != "$before" ] || fail "the program changes no register: this test shows nothing"
[ "$after" = "$before" ] || fail "C's registers, walking up: $after; they were: $before"
