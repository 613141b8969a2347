"""A small tree of five C steps, made to be carried through, and the tools to play with it.

Not a test itself. What the steps do to each other is what real steps do: most files identical, table
rows appended, some functions rewritten, files added, one renamed, one that only step 1 has.
"""

import atexit
import contextlib
import io
import os
import shutil
import subprocess
import sys
import tempfile

TOOLS = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, os.path.join(TOOLS, "lib"))

import carrying  # noqa: E402

NAMES = {1: "step01-codegen", 2: "step02-regalloc", 3: "step03-callconv", 4: "step04-caches", 5: "step05-ssa"}
OPCODES = ["ADD", "SUB", "MUL", "DIV", "JUMP", "CALL", "RETURN"]
LATER_OPCODES = {3: ["CALL_NATIVE"], 5: ["GUARD", "MOVE"]}


def function(name, lines, comment=None):
    head = f"// {comment}\n" if comment else ""
    body = "".join(f"    {line}\n" for line in lines)
    return f"{head}static int {name}(int a, int b) {{\n{body}}}\n"


def plain_body(seed, size):
    return [f"int t{i} = a * {seed + i} + b - {seed * i};" for i in range(size)] + [f"return t{size - 1};"]


def opcodes_h(step):
    rows = OPCODES + [op for s in range(2, step + 1) for op in LATER_OPCODES.get(s, [])]
    table = " \\\n".join(f'    _({op}, {i % 3}, "opcode {op.lower()}")' for i, op in enumerate(rows))
    return (f"// The opcodes, one row for each.\n#ifndef OPCODES_H\n#define OPCODES_H\n\n#define OPCODES(_) \\\n{table}\n\n"
            "typedef enum Opcode {\n#define ROW(name, kind, text) OP_##name,\n    OPCODES(ROW)\n#undef ROW\n    NUM_OPCODES,\n} Opcode;\n\n"
            "const char *opcode_name(Opcode op);\nint opcode_kind(Opcode op);\n\n#endif\n")


def interp_c(step):
    out = ["// The interpreter.\n// Invariant: the stack never underflows.\n#include <stdint.h>\n\n"
           '#include "bytecode/opcodes.h"\n\nenum { MAX_DEPTH = 1000, MAX_STACK = 4096 };\n']
    for n in range(12):
        body = plain_body(n + 1, 4 + n % 3)
        if step >= 3 and n == 5:
            body.insert(2, "if (a < b) return 0; // step 3")
        if step >= 5 and n in (2, 9):
            body = plain_body(n + 70, 5)
        out.append(function(f"interp_part{n}", body, f"Part {n} of the interpreter."))
    out.append("int interp_run(int a, int b) {\n    int sum = 0;\n" +
               "".join(f"    sum += interp_part{n}(a, b);\n" for n in range(12)) + "    return sum;\n}\n")
    return "\n".join(out)


def baseline_c(step):
    out = ["// One bytecode at a time to machine code.\n" + '#include "bytecode/opcodes.h"\n' +
           ('#include "backend/regalloc.h"\n' if step >= 2 else "")]
    for n, name in enumerate(["emit_push", "emit_pop", "emit_add", "emit_sub", "emit_jump", "emit_call", "emit_return"]):
        seed = n + 20 + (30 if step >= 2 and n in (0, 1) else 0) + (50 if step >= 4 and n == 5 else 0)
        out.append(function(name, plain_body(seed, 5)))
    if step >= 4:
        out.append(function("emit_cache", plain_body(99, 5), "A monomorphic cache."))
    out.append("int baseline_compile(int a, int b) {\n    return emit_push(a, b) + emit_pop(a, b) + emit_add(a, b) + "
               "emit_sub(a, b) +\n           emit_jump(a, b) + emit_call(a, b) + emit_return(a, b)" +
               (" + emit_cache(a, b)" if step >= 4 else "") + ";\n}\n")
    return "\n".join(out)


def util_c():
    return "\n".join(["// Odds and ends.\n"] + [function(f"util_{n}", plain_body(n + 40, 4)) for n in range(6)])


def make_step(step):
    """{path: text} of one step."""
    files = {
        "README.md": f"# Step {step}\n\nThe chapter of step {step}.\n\n" + f"It tells about {step}.\n" * step,
        "Makefile": f"# Step {step}.\nall:\n\t@! grep -rnE 'DOES NOT BUILD' src\n\n"
                    "test: all\n\t@! grep -rnE 'FAILS ITS TEST' src\n\t@echo '1 passed, 0 failed'\n",
        "src/bytecode/opcodes.h": opcodes_h(step),
        "src/interp/interp.c": interp_c(step),
        "src/baseline/baseline.c": baseline_c(step),
        ("src/base/util.c" if step >= 4 else "src/util.c"): util_c(),
        "tests/test_interp.c": "// Tests.\n" + function("test_one", plain_body(3, 3)) + "\n" + function("test_two", plain_body(4, 3)),
        "tests/expected/add.txt": "".join(f"line {n}\n" for n in range(20)),
        "examples/fib.bca": "func main params=1\n    load_local 0\n    call fib\n    return\nend\n",
    }
    if step == 1:
        files["tests/test_only1.c"] = "// Only in step 1.\n" + function("test_small", plain_body(8, 6))
    if step >= 2:
        files["src/backend/regalloc.c"] = "\n".join(["// Linear scan.\n"] + [function(f"ra_{n}", plain_body(n + 60, 5)) for n in range(5)])
        files["src/backend/regalloc.h"] = "// Linear scan.\nint ra_0(int a, int b);\n"
    if step >= 4:
        files["src/object/cache.c"] = "// Caches.\n" + function("cache_find", plain_body(77, 4))
    return files


class Tree:
    """A throw-away repository. `source`: a checkout whose steps are copied; otherwise the made-up steps."""

    templates = {}      # steps -> a made-up tree that is copied: faster than making it for each test

    def __init__(self, steps=(1, 2, 3, 4, 5), source=None):
        self.root = tempfile.mkdtemp(prefix="carry-test-")
        if not source:
            if steps not in self.templates:
                folder = self.templates[steps] = tempfile.mkdtemp(prefix="carry-test-")
                atexit.register(shutil.rmtree, folder)
                self.fill(steps, None, folder)
            shutil.copytree(self.templates[steps], self.root, dirs_exist_ok=True, symlinks=True)
        else:
            self.fill(steps, source, self.root)

    def fill(self, steps, source, folder):
        root, self.root = self.root, folder
        if source:
            import steptree
            found = steptree.list_steps(source)
            for number, tree in steptree.read_steps(source, found).items():
                name = next(s.name for s in found if s.number == number)
                for path, entry in tree.items():
                    steptree.write_entry(os.path.join(self.root, name, path), entry)
            ledger = steptree.read_entry(os.path.join(source, "tools/carry.d/ledger"))
            steptree.write_entry(os.path.join(self.root, "tools/carry.d/ledger"), ledger)
        else:
            for step in steps:
                for path, text in make_step(step).items():
                    self.write(step, path, text)
        with open(os.path.join(self.root, ".gitignore"), "w") as file:
            file.write("build/\n.carry/\n")
        self.git("init", "-q", "-b", "main")
        self.run("--update-manifest", "--anew")
        self.commit()
        self.root = root

    def close(self):
        shutil.rmtree(self.root)

    def git(self, *arguments):
        done = subprocess.run(["git", "-C", self.root, "-c", "user.name=t", "-c", "user.email=t@t", "-c",
                               "core.autocrlf=false", "-c", "commit.gpgsign=false", "-c", "gc.auto=0", *arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout
        return done.stdout.decode()

    def commit(self, message="x"):
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)

    def reset(self):
        self.git("reset", "-q", "--hard")
        self.git("clean", "-fdq")
        shutil.rmtree(os.path.join(self.root, ".carry"), ignore_errors=True)

    def name(self, step):
        return next(n for n in sorted(os.listdir(self.root)) if n.startswith(f"step{step:02}-"))

    def path(self, step, path):
        folder = NAMES.get(step)
        if folder is None or not os.path.isdir(os.path.join(self.root, folder)):
            try:
                folder = self.name(step)
            except StopIteration:
                pass
        return os.path.join(self.root, folder, path)

    def write(self, step, path, text):
        full = self.path(step, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", newline="") as file:
            file.write(text)

    def read(self, step, path):
        with open(self.path(step, path), newline="") as file:
            return file.read()

    def has(self, step, path):
        return os.path.exists(self.path(step, path))

    def replace(self, step, path, old, new):
        text = self.read(step, path)
        assert text.count(old) == 1, (path, old, text.count(old))
        self.write(step, path, text.replace(old, new))

    def everything(self):
        """{path: (mode, bytes)} of the whole directory, .git apart."""
        out = {}
        for folder, folders, files in os.walk(self.root):
            folders[:] = [f for f in folders if f != ".git"]
            for name in files + folders:
                full = os.path.join(folder, name)
                if os.path.isdir(full):
                    out[os.path.relpath(full, self.root)] = None
                    continue
                with open(full, "rb") as file:
                    out[os.path.relpath(full, self.root)] = (os.stat(full).st_mode, file.read())
        return out

    def run(self, *arguments):
        """tools/carry in this process. Returns the status; what it said is in self.said."""
        out = io.StringIO()
        with contextlib.redirect_stderr(out):
            status = carrying.main([*arguments, "--root", self.root], out)
        self.said = out.getvalue()
        return status

    def carry(self, *arguments):
        return self.run(*arguments, "--no-test")

    def ledger(self):
        with open(os.path.join(self.root, "tools/carry.d/ledger")) as file:
            return [line for line in file.read().splitlines() if line and not line.startswith("#")]
