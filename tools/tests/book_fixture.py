# A made-up repository with two small steps, for the tests of check-chapters and book.

import os
import shutil
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

MAKEFILE = """\
# A step whose "engine" is a shell script.
all: build/jit
build/jit: jit.sh
\t@mkdir -p build
\t@cp jit.sh build/jit
\t@chmod +x build/jit
"""

JIT_SH = """\
#!/bin/sh
# Prints what a real engine would; addresses and times differ from run to run.
case "$1" in
--dump=asm)
    echo "0000  55                             push rbp"
    echo "0001  48 b8 $(printf '%02x' $(($$ % 250 + 1))) 20 30 40 50 60 00 00  movabs rax, 0x6050403020$(printf '%02x' $(($$ % 250 + 1)))"
    echo "000b  ff d0                          call rax"
    echo "000d  c3                             ret" ;;
--time) echo "fib(20) = 6765 in $(($$ % 90 + 1)).$(($$ % 9)) ms" ;;
--many) for i in 1 2 3 4 5 6 7 8 9; do echo "line $i"; done ;;
--crash) kill -SEGV $$ ;;
--slow) sleep 60 ;;
*) echo 55 ;;
esac
"""

EMIT_C = """\
// Emits machine code for one bytecode at a time.

#include "emit.h"

enum { WIDE = 0x48 };

static void emit_push(Assembler *a, Reg reg) {
    asm_push_r(a, reg);
}

// Pops two operands and pushes their sum.
void emit_add(Assembler *a) {
    asm_pop_r(a, RCX);
    asm_pop_r(a, RAX);
    asm_add_rr(a, RAX, RCX);
    emit_push(a, RAX);
}

void emit_return(Assembler *a) {
    asm_pop_r(a, RAX);
    asm_leave(a);
    asm_ret(a);
}
"""

FIB_BCA = """\
; fib.bca - Fibonacci numbers, the slow way
func main params=1
    load_local 0
    call fib
    return
end

func fib params=1
    load_local 0
    load_const 2
    less_than                   ; 1 or 0
    jump_if_false recurse
    load_local 0
    return
recurse:
    load_local 0
    load_const -1
    add
    call fib
    return
end
"""

STEP_DIFF = """\
#!/bin/sh
printf '| file | + | - |\\n|---|---:|---:|\\n| src/emit.c | +24 | -0 |\\n| Makefile | +6 | -1 |\\n'
"""

def result(bench, contestant, fastest, median, ratio):
    return (f'{{"bench":"{bench}","contestant":"{contestant}","operation":"call","min_ns":{fastest},"median_ns":{median},'
            f'"ratio":{ratio},"baseline":"interpreter","samples":15,"repeats":64,"cpu":"A made-up CPU","cores":2,'
            '"kernel":"Linux 6.1","compiler":"gcc 12.2.0","date":"2026-01-31T12:00:00Z"}\n')


RESULTS = (result("fib(20)", "interpreter", 8000.0, 8400.0, 1.0) + result("fib(20)", "baseline", 900.0, 1000.0, 8.4)
           + result("gcd", "interpreter", 400.0, 420.0, 1.0) + result("gcd", "baseline", 100.0, 105.0, 4.0)
           + result("fib(20)", "baseline", 800.0, 840.0, 10.0))

SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 80" role="img">
  <rect x="5" y="20" width="120" height="40" fill="#dbe8f6" stroke="#2a6496"/>
  <text x="65" y="45" text-anchor="middle" font-family="sans-serif" font-size="14" fill="#123">bytecode</text>
  <path d="M130 40 H185" stroke="#2a6496" stroke-width="2"/>
  <rect x="190" y="20" width="120" height="40" fill="#dbe8f6" stroke="#2a6496"/>
  <text x="250" y="45" text-anchor="middle" font-family="sans-serif" font-size="14" fill="#123">machine code</text>
</svg>
"""

CHAPTER = """\
# Step 1: Sample code

A chapter for the tests; its words are filler, its machinery is real.

## 1. What you will have

An engine that prints the tenth Fibonacci number, [the emitter](src/emit.c) behind it and the
[examples](examples/):

```console
$ build/jit examples/fib.bca 10
55
$ build/jit --time
fib(20) = 6765 in 12.3 ms
```

## 2. Why

> An interpreter spends more time finding out what to do than doing it.

The previous chapter is [here](../step02-sample/README.md#1-what-you-will-have). See also
[section 4](#4-building-it), and <https://example.org/> for nothing at all.

## 3. The idea

![Bytecode goes in, machine code comes out](figures/idea.svg)

A value is *pushed* and *popped*; `rsp` names the top of the stack (Intel SDM volume 1, section
6.2.4). A table:

| register | meaning | kept by |
|---|---|---|
| `rax` | result of a function, and the accumulator of almost everything else that happens | caller |
| `rbx` | whatever you like | callee |

1. One thing.
2. Another thing, which is longer and has a second sentence. Here it is.
   - with a detail

## 4. Building it

### Addition

```c src/emit.c
// Pops two operands and pushes their sum.
void emit_add(Assembler *a) {
    asm_pop_r(a, RCX);
    // ...
}

// ...
    asm_ret(a);
```

```c sketch
result = run(anything_that_is_not_C);
```

```bca examples/fib.bca
func fib params=1
    load_local 0
    load_const 2
    less_than                   ; 1 or 0
    ; ...
recurse:
```

```make Makefile
build/jit: jit.sh
\t@mkdir -p build
```

### Calls

```sh
make
```

## 5. Seeing it work

```console
$ build/jit --dump=asm
0000  55                             push rbp
0001  48 b8 10 20 30 40 50 60 00 00  movabs rax, 0x605040302010
000b  ff d0                          call rax
000d  c3                             ret
$ build/jit --many
line 1
...
line 8
line 9
$ build/jit --crash; echo $?
Segmentation fault
139
```

```console sketch
$ gdb build/jit
(gdb) run
```

```
rsp ->  | 2 |
        | 40 |
```

## 6. Measuring it

<!-- bench:fib(20) -->

| time per call | fastest | median | times as fast as interpreter |
|---|---:|---:|---:|
| interpreter | 8 µs | 8.4 µs | 1.00 |
| baseline | 800 ns | 840 ns | 10.00 |

Measured on A made-up CPU, 2 cores, Linux 6.1, gcc 12.2.0, 2026-01-31.

<!-- /bench -->

## 7. What can go wrong

Nothing[^1].

[^1]: Everything.

## 8. What changed

<!-- changed -->

| file | + | − | why |
|---|---:|---:|---|
| `src/emit.c` | +24 | -0 | the emitter |
| `Makefile` | +6 | -1 | one rule |

<!-- /changed -->

## 9. Exercises

<details>
<summary>Hint 1</summary>

Look at `emit_add`.

</details>

## 10. Further reading

- Poletto, Sarkar: *Linear Scan Register Allocation*, 1999.
"""


def chapter(number):
    text = CHAPTER.replace("Step 1: Sample code", f"Step {number}: Sample code")
    if number == 2:
        text = text.replace("../step02-sample/", "../step01-sample/")
    return text


class Fixture:
    """A temporary repository: write(path, text), read(path), replace(path, old, new); close() removes it."""

    def __init__(self, steps=(1, 2), tools=()):
        self.root = os.path.realpath(tempfile.mkdtemp(prefix="book-test-"))
        for number in steps:
            step = f"step{number:02}-sample"
            self.write(f"{step}/README.md", chapter(number))
            self.write(f"{step}/Makefile", MAKEFILE)
            self.write(f"{step}/jit.sh", JIT_SH)
            self.write(f"{step}/src/emit.c", EMIT_C)
            self.write(f"{step}/examples/fib.bca", FIB_BCA)
            self.write(f"{step}/bench/results.jsonl", RESULTS)
            self.write(f"{step}/figures/idea.svg", SVG)
        self.write("README.md", "# A sample\n\nRead [step 1](step01-sample/README.md).\n")
        self.write("tools/step-diff", STEP_DIFF)
        os.chmod(self.path("tools/step-diff"), 0o755)

    def path(self, name):
        return os.path.join(self.root, name)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def replace(self, name, old, new):
        text = self.read(name)
        assert old in text, f"the fixture's {name} has no {old!r}"
        self.write(name, text.replace(old, new, 1))

    def close(self):
        shutil.rmtree(self.root, ignore_errors=True)
