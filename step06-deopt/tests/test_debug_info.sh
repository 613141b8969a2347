#!/bin/sh
# --debug-info: gdb stops at a compiled function by its name and walks from there to C's main, and
# perf's map names every function. Skipped where gdb is not installed or may not trace.
build=${BUILD:-build}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
skip() { echo "0 passed, 0 failed, 1 skipped"; exit 0; }
fail() { echo "test_debug_info: $1"; [ -f "$work/out" ] && cat "$work/out"; exit 1; }

command -v gdb >/dev/null || { echo "gdb is not installed"; skip; }
cat > "$work/commands" <<'END'
set pagination off
set confirm off
set breakpoint pending on
break fib
run --debug-info examples/fib.bca 10
backtrace
delete
continue
END
gdb -q -nx -batch -x "$work/commands" "$build/jit" > "$work/out" 2>&1
grep -q 'not permitted\|Cannot trace' "$work/out" && { echo "gdb may not trace here"; skip; }
grep -q '^#0 .* fib ()' "$work/out" || fail "gdb did not stop in fib"
grep -q '^#1 .* main ()' "$work/out" || fail "the caller of fib is not the compiled main"
grep -q 'enter stub ()' "$work/out" || fail "the enter stub is not named"
grep -q 'main (argc=' "$work/out" || fail "the walk does not reach C's main"
grep -q '^55$' "$work/out" || fail "the program did not run to its end"

"$build/jit" --debug-info examples/fib.bca 10 > "$work/out" & pid=$!
wait $pid || fail "the program failed"
map=/tmp/perf-$pid.map
[ -f "$map" ] || fail "there is no $map"
for name in main fib 'enter stub' 'interpret stub'; do
    grep -q "^[0-9a-f]* [0-9a-f]* $name\$" "$map" || fail "the map does not name $name"
done
rm -f "$map"
