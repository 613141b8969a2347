#!/bin/sh
# Does the assembler's test notice a broken assembler? Each line of the table below plants one fault
# in a copy of asm.c; the tests that the line names must then fail, each one by itself.
#
#   tests/test_asm_mutations.sh [WORD]     from the directory common; WORD: only faults whose line has it
#
# A fault whose place is not found any more, or that does not compile, fails too: mend the table.
# It builds its copies with flags of its own, so that one run is enough for all configurations of the
# other tests: MUTATIONS=no in the environment leaves it out of the second and third.
set -u
if [ "${MUTATIONS:-yes}" = no ]; then
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
cd "$(dirname "$0")/.." || exit 1
compiler=${CC:-$(command -v gcc || echo cc)}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

compile() { $compiler -std=c17 -D_GNU_SOURCE -w -I. "$@"; }

# tests | fault | the change, a sed script
faults() {
    cat <<'TABLE'
golden capstone | no SIB for RSP and R12                 | s/m.index != RSP || (m.base & 7) == RSP/m.index != RSP/
golden capstone | no SIB for R12                         | s/m.index != RSP || (m.base & 7) == RSP/m.index != RSP || m.base == RSP/
golden capstone | no disp8 for RBP and R13               | s/m.disp != 0 || (m.base & 7) == RBP/m.disp != 0/
golden capstone | no disp8 for R13                       | s/m.disp != 0 || (m.base & 7) == RBP/m.disp != 0 || m.base == RBP/
golden capstone | no REX for SIL and DIL as rm           | s/op & BYTE && base >= RSP/op \& BYTE \&\& base >= R8/
golden capstone | no REX for SIL and DIL as reg          | s/op & BYTE_REG && reg >= RSP/op \& BYTE_REG \&\& reg >= R8/
golden capstone | REX for SIL but not for SPL            | s/op & BYTE && base >= RSP/op \& BYTE \&\& base > RSP/
golden capstone | REX before the prefix                  | /if (prefix) put8/d; s/\( *\)put_rex(ins, op, reg, index, base);/&\n\1if (prefix) put8(ins, prefix);/
golden capstone | REX between 0F and the opcode          | /put_rex(ins, op, reg/d; s/\( *\)if (map) put8.*/&\n\1put_rex(ins, op, reg, index, base);/
golden capstone | REX.R missing                          | s/reg >= 8 ? REX_R : 0/0/
golden capstone | REX.X missing                          | s/index >= 8 ? REX_X : 0/0/
golden capstone | REX.B missing                          | s/base >= 8 ? REX_B : 0/0/
golden capstone | REX.W missing                          | s/op & W ? REX_W : 0/0/
golden capstone | REX.X and REX.B swapped                | s/index >= 8 ? REX_X/index >= 8 ? REX_B/; s/base >= 8 ? REX_B/base >= 8 ? REX_X/
golden capstone | disp8 for 128                          | s/: fits8(m.disp) ? 1/: m.disp >= -128 \&\& m.disp <= 128 ? 1/
golden          | disp32 for -128                        | s/: fits8(m.disp) ? 1/: fits8(m.disp) \&\& m.disp != -128 ? 1/
golden          | disp8 of zero for every base           | s/bool needs_disp = .*/bool needs_disp = true;/
golden capstone | F2 and F3 swapped                      | s/{0, 0x66, 0xF3, 0xF2}/{0, 0x66, 0xF2, 0xF3}/
golden capstone | 0F 38 and 0F 3A swapped                | s/{0, 0, 0x38, 0x3A}/{0, 0, 0x3A, 0x38}/
golden capstone | LOCK missing                           | /put8(ins, 0xF0)/d
golden capstone | scale lost                             | s/put8(ins, scale << 6 |/put8(ins,/
golden capstone | a base where there is none             | s/NO_BASE = 5/NO_BASE = 4/
golden capstone | VEX.vvvv not inverted                  | s/(vvvv ^ 15) << 3/vvvv << 3/
golden capstone | VEX.RXB not inverted                   | s/(rxb ^ 0xE0)/rxb/
golden capstone | VEX.X and VEX.B swapped                | s/(index >= 8) << 6 | (base >= 8) << 5/(index >= 8) << 5 | (base >= 8) << 6/
golden capstone | imm8 for 128 to 255                    | /^static void alu_ri/,/^}/s/fits8(imm)/imm <= 255 \&\& imm >= -128/
golden capstone | immediate of AL sign-extended to EAX   | s/op_imm8(a, digit << 3 | 4, imm)/op_imm8(a, digit << 3 | 5, imm)/
golden capstone | mov_ri zero-extends a negative number  | s/op_ri32(a, W | 0xC7, 0, d/op_ri32(a, 0xC7, 0, d/
golden capstone | xchg eax, eax is nop                   | /if (d == s) op_rr/d; s/else if (d == RAX) op_r(/if (d == RAX) op_r(/
golden capstone | operands of sub swapped                | /^void asm_sub_rr/s/s, d)/d, s)/
golden capstone | operands of movq r, x swapped          | /^void asm_movq_rx/s/s, d)/d, s)/
golden capstone | cmovcc ignores the condition           | /^void asm_cmovcc_rm/s/0x40 | cc/0x40/
golden capstone | rip distance ignores the immediate     | s/(int64_t)(ins->size - ins->field)/4/
count_from      | rip distance ignores the immediate     | s/(int64_t)(ins->size - ins->field)/4/
reach_labels    | only the newest jump is resolved       | s/for (int32_t use = label->uses; use >= 0; use = a->fixups\[use\].next)/for (int32_t use = label->uses; use >= 0; use = -1)/
minus_128       | short jumps of 128                     | s/? fits8(distance) :/? distance >= -128 \&\& distance <= 128 :/
minus_128       | no short jump of -128                  | s/? fits8(distance) :/? distance > -128 \&\& distance < 128 :/
depend_on       | a second relocation adds to the first  | s/uint64_t value = address + reloc->target;/uint64_t value = address + reloc->target + field_of(a, reloc->at);/; s/^bool asm_relocate/static uint64_t field_of(Assembler *a, uint32_t at) { uint64_t v; memcpy(\&v, a->code + at, 8); return v; }\n&/
depend_on       | rel32 counts from the field            | s/address + reloc->at + 4/address + reloc->at/
gibibytes       | rel32 silently truncated               | s/if (!fits32(distance)) return false;//
are_shared      | equal constants not found              | s/if (c->size == size && c->bits\[0\] == low.*//
are_shared      | 16 bytes taken for 8                   | s/if (c->size == size && /if (/
are_shared      | constants not aligned                  | /while (asm_offset(a) % size/d
every_limit     | one byte more than the limit           | s/size > a->limit - a->size/size > a->limit + 1 - a->size/
every_limit     | the last byte of the limit unused      | s/size > a->limit - a->size/size >= a->limit - a->size/
stays_full      | the error is not sticky                | s/if (a->error) return false;//
sticky          | the error is not sticky                | s/if (a->error) return false;//
bugs_abort      | unbound labels pass                    | s/if (a->unbound_uses) fatal/if (0) fatal/
bugs_abort      | RSP as an index passes                 | s/if (index == RSP) fatal/if (0) fatal/
of_every_length | a nop of seven bytes has a hole        | s/{0x0F, 0x1F, 0x80, 0, 0, 0, 0}/{0x0F, 0x1F, 0x40, 0, 0, 0, 0}/
TABLE
}

passed() { echo "$1" >>"$work/passed"; }
failed() { echo "FAILED: $1" | tee -a "$work/failed"; }

build() { # DIR: builds DIR/test from DIR/asm.c
    compile -O0 -c "$1/asm.c" -o "$1/asm.o" &&
        compile -o "$1/test" "$work/test.o" "$1/asm.o" "$work/fatal.o" "$work/memory.o" -lcapstone -lcmocka
}

run() { "$1/test" "*$2*" >"$1/output" 2>&1; } # DIR TEST

# try DIR "tests|fault|change": plants one fault in a directory of its own.
try() {
    tests=${2%%|*} change=${2#*|}
    fault=${change%%|*} change=${change#*|}
    sed -e "$change" asm/asm.c >"$1/asm.c" || exit 1
    if cmp -s asm/asm.c "$1/asm.c"; then failed "$fault: its place is not in asm.c any more"; return; fi
    if ! build "$1"; then failed "$fault: does not compile"; return; fi
    for test in $tests; do
        if run "$1" "$test"; then failed "$fault: not noticed by *$test*"; else passed "$fault"; fi
    done
}

# Two workers: the odd and the even lines of the table.
worker() {
    number=0
    while read -r line; do
        number=$((number + 1))
        if [ $((number % 2)) -eq "$1" ]; then try "$work/$1" "$line"; fi
    done <"$work/table"
}

mkdir "$work/0" "$work/1"
: >"$work/passed"
: >"$work/failed"
compile -O1 -c tests/test_asm.c -o "$work/test.o" && compile -O1 -c base/fatal.c -o "$work/fatal.o" &&
    compile -O1 -c base/memory.c -o "$work/memory.o" && cp asm/asm.c "$work/0" && build "$work/0" || exit 1

faults | grep -F -e "${1:-|}" | sed 's/ *| */|/; s/ *| */|/' >"$work/table"
for test in $(cut -d '|' -f 1 "$work/table" | tr ' ' '\n' | sort -u); do
    run "$work/0" "$test" && grep -q '\[       OK' "$work/0/output" || failed "without a fault: $test does not pass"
done
worker 0 &
worker 1
wait

num_passed=$(wc -l <"$work/passed") num_failed=$(wc -l <"$work/failed")
echo "$((num_passed)) passed, $((num_failed)) failed"
[ "$num_failed" -eq 0 ]
