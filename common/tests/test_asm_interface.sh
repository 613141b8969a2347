#!/bin/sh
# What the assembler's header promises beyond bytes: a form that the processor does not have does not
# compile, and every form of the header has a row in the test's table.
set -u
cd "$(dirname "$0")/.." || exit 1
compiler=${CC:-$(command -v gcc || echo cc)}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

num_passed=0 num_failed=0
passed() { num_passed=$((num_passed + 1)); }
failed() { num_failed=$((num_failed + 1)); echo "FAILED: $1"; }

# compiles STATEMENT: does a function with this one statement compile under the project's warnings?
compiles() {
    {
        echo '#include "asm/asm.h"'
        echo 'void sample(Assembler *a, Label *label);'
        echo "void sample(Assembler *a, Label *label) { (void)a; (void)label; $1 }"
    } >"$work/sample.c"
    $compiler -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -Wenum-conversion -I. -fsyntax-only \
        "$work/sample.c" 2>"$work/errors"
}

while read -r statement; do
    if compiles "$statement"; then passed; else failed "does not compile: $statement"; fi
done <<'LEGAL'
asm_add_rr(a, RAX, R15);
asm_mov_rm(a, RAX, mem(RBP, -8));
asm_mov_mr(a, mem_index(RAX, RCX, 8, 16), RDX);
asm_addsd_xm(a, XMM15, mem_rip(label));
asm_movq_xr(a, XMM0, RAX);
asm_jcc(a, cond_negate(CC_E), label);
LEGAL

while read -r statement; do
    if compiles "$statement"; then failed "compiles: $statement"; else passed; fi
done <<'ILLEGAL'
asm_add_rr(a, RAX, XMM0);
asm_add_rr(a, XMM0, RAX);
asm_addsd_xx(a, XMM0, RAX);
asm_movq_xr(a, XMM0, XMM1);
asm_movq_xr(a, RAX, XMM0);
asm_mov_rm(a, RAX, RBX);
asm_mov_mr(a, RAX, RBX);
asm_mov_rr(a, RAX, mem(RBX, 0));
asm_addsd_xm(a, XMM0, XMM1);
asm_mov_mm(a, mem(RAX, 0), mem(RBX, 0));
asm_shl_rr(a, RAX, RBX);
asm_mov_rm(a, RAX, mem(XMM0, 0));
asm_mov_rm(a, RAX, mem_index(RAX, XMM1, 8, 0));
asm_mov_rm(a, RAX, mem_rip(8));
asm_jcc(a, RAX, label);
asm_setcc_r(a, RAX, CC_E);
asm_mov_ri(a, RAX);
ILLEGAL

# The functions of the header that are not forms, and the forms that have tests of their own.
others='init free bind nop align jmp jmp_short jmp_abs jcc jcc_short jcc_abs call call_abs mov_rl'
sed -n 's/^void asm_\([a-z0-9_]*\)(Assembler.*/\1/p' asm/asm.h | sort >"$work/header"
{
    sed -n 's/^    _(\([a-z0-9_]*\),.*/\1/p' tests/test_asm_forms.h
    printf '%s\n' $others
} | sort >"$work/tested"
if cmp -s "$work/header" "$work/tested"; then
    passed
else
    failed "asm.h (<) and tests/test_asm_forms.h (>) have different forms:"
    diff "$work/header" "$work/tested" | grep '^[<>]'
fi

echo "$num_passed passed, $num_failed failed"
[ "$num_failed" -eq 0 ]
