#!/usr/bin/env python3
"""What step 5 adds to the command line of build/jit: --disable, --ra, the dumps of the IR; and programs as large as
they get, through the whole of it.

The build directory is in the environment variable BUILD (default: build)."""

import os
import re
import resource
import shutil
import subprocess
import tempfile
import unittest

BUILD = os.environ.get("BUILD", "build")
JIT = os.path.abspath(os.path.join(BUILD, "jit"))
USAGE = 2
PASSES = ("invert", "sccp", "copies", "gvn", "licm", "strength", "dce")
SUM = "examples/sum.bca"
INVARIANT = "bench/invariant.bca"
with open(os.path.join(BUILD, "flags"), encoding="utf-8") as flags:
    SANITIZED = "-fsanitize" in flags.read()
SCALE = 10 if SANITIZED else 1


class Cli(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)

    def file(self, lines):
        path = os.path.join(self.directory.name, "test.bca")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        return path

    def run_jit(self, *args, **options):
        result = subprocess.run([JIT, *args], timeout=300, capture_output=True, text=True, check=False, **options)
        self.assertGreaterEqual(result.returncode, 0, f"killed by a signal: {args} {result.stderr:.2000}")
        return result

    def output(self, *args, **options):
        result = self.run_jit(*args, **options)
        self.assertEqual((result.stderr, result.returncode), ("", 0), args)
        return result.stdout

    def usage_error(self, message, *args):
        result = self.run_jit(*args)
        self.assertEqual((result.stdout, result.stderr, result.returncode), ("", f"jit: {message}; try --help\n", USAGE))


class Options(Cli):
    def test_results_are_the_same(self):
        for example, args in ((SUM, ("1000",)), ("examples/matrix.bca", ("7",)), ("examples/sieve.bca", ("300",))):
            expected = self.output("--interp", example, *args)
            self.assertEqual(self.output("--disable=" + ",".join(PASSES), example, *args), expected)
            for name in PASSES:
                self.assertEqual(self.output("--verify", "--disable=" + name, example, *args), expected)
            for name in ("linear-scan", "poletto"):
                self.assertEqual(self.output("--verify", "--ra=" + name, example, *args), expected)
                self.assertEqual(self.output("--stress=registers", "--ra=" + name, example, *args), expected)

    def test_disable_adds_up(self):
        together = self.output("--disable=gvn,licm", "--dump=ir", INVARIANT, "1")
        self.assertEqual(self.output("--disable=licm", "--disable=gvn", "--dump=ir", INVARIANT, "1"), together)
        self.assertNotEqual(self.output("--disable=gvn", "--dump=ir", INVARIANT, "1"), together)
        self.assertNotEqual(self.output("--dump=ir", INVARIANT, "1"), together)

    def test_allocators_differ(self):
        places = {name: self.output("--ra=" + name, "--stress=registers", "--dump=regs", SUM, "1") for name in ("linear-scan", "poletto")}
        self.assertEqual(self.output("--stress=registers", "--dump=regs", SUM, "1"), places["linear-scan"])
        self.assertNotEqual(places["linear-scan"], places["poletto"])
        self.assertIn(", split: ", places["linear-scan"])
        self.assertNotIn(", split: ", places["poletto"])

    def test_usage_errors(self):
        self.usage_error("there is no pass 'nope'", "--disable=nope", SUM, "1")
        self.usage_error("there is no pass ''", "--disable=", SUM, "1")
        self.usage_error("there is no pass ''", "--disable=gvn,", SUM, "1")
        self.usage_error("there is no pass 'gv'", "--disable=gv", SUM, "1")
        self.usage_error("there is no pass 'gvnx'", "--disable=gvnx", SUM, "1")
        self.usage_error("no value is given for '--disable'", "--disable")
        self.usage_error("--ra does not know 'fast'", "--ra=fast", SUM, "1")
        self.usage_error("--ra does not know ''", "--ra=", SUM, "1")
        self.usage_error("no value is given for '--ra'", "--ra")
        self.usage_error("there is no pass 'nope'", "--dump=ir:nope", SUM, "1")
        self.usage_error("--dump does not know 'ir:'", "--dump=ir:", SUM, "1")
        self.usage_error("--dump does not know 'irx'", "--dump=irx", SUM, "1")
        self.usage_error("--dump does not know 'i'", "--dump=ir,i", SUM, "1")
        self.usage_error("--dump does not know ''", "--dump=ir,", SUM, "1")
        self.usage_error("--dump does not know ''", "--dump=ir:gvn,", SUM, "1")

    def test_help_names_what_is_new(self):
        text = self.output("--help")
        for word in ("--disable=PASS,...", "--ra=NAME", "linear-scan ", "poletto ", "ir, ir-dot", "ir:PASS", ", ".join(PASSES)):
            self.assertIn(word, text)

    def test_time_names_the_passes(self):
        self.assertEqual(re.findall(r"^  (\w+) +[\d.]+ ms$", self.run_jit("--time", SUM, "1").stderr, re.MULTILINE), list(PASSES))
        self.assertNotIn("gvn", self.run_jit("--time", "--tier=baseline", SUM, "1").stderr)


class Dump(Cli):
    def test_ir(self):
        path = self.file(["func main params=1", " load_const 2", " load_const 3", " add", " load_local 0", " mul", " return", "end",
                          "func f params=0", " load_const 1", " return", "end"])
        self.assertEqual(self.output("--dump=ir", "--disable=speculate", path, "4"), """func main params=1 {
B0:
    v1 = param 0
    v8 = const 5
    v6 = mul v8, v1
    return v6
}
func f params=0 {
B0:
    v2 = const 1
    return v2
}
20
""")
        self.assertIn("= add v", self.output("--disable=speculate," + ",".join(PASSES), "--dump=ir", path, "4"))

    def test_ir_before_and_after_a_pass(self):
        text = self.output("--dump=ir:licm", INVARIANT, "1")
        parts = re.split(r"^; (before|after) licm$", text, flags=re.MULTILINE)
        self.assertEqual(parts[1:5:2], ["before", "after"])
        self.assertNotEqual(parts[2], parts[4])
        self.assertNotIn("; before gvn", text)
        text = self.output("--dump=ir:gvn,ir:dce", INVARIANT, "1")
        for line in ("; before gvn\n", "; after gvn\n", "; before dce\n", "; after dce\n"):
            self.assertIn(line, text)
        self.assertNotIn("licm", self.output("--disable=licm", "--dump=ir:licm", INVARIANT, "1"))

    def test_ir_stands_before_lir_and_bytecode_before_both(self):
        text = self.output("--dump=lir,ir,bytecode", SUM, "1")
        places = [text.index(word) for word in ("\n    load_const", "\nfunc main params=1 {", "\n  B0:\n")]
        self.assertEqual(places, sorted(places))

    def test_graph(self):
        text = self.output("--dump=ir-dot", SUM, "1")
        graph, result = text.rsplit("}\n", 1)
        self.assertEqual(result, self.output(SUM, "1"))
        self.assertTrue(graph.startswith("digraph \"main\" {\n"))
        self.assertIn("B0 -> ", graph)
        if not shutil.which("dot"):
            self.skipTest("Graphviz is not installed")
        for example in (SUM, "examples/richards.bca", "examples/plus.bca"):
            lines = self.output("--dump=ir-dot", example, *(["1"] if example != "examples/plus.bca" else [])).splitlines(True)
            while not lines[-1].startswith("}"):
                lines.pop()  # what the program prints
            drawn = subprocess.run(["dot", "-Tsvg"], input="".join(lines), capture_output=True, text=True, check=False)
            self.assertEqual((drawn.returncode, drawn.stderr), (0, ""))
            self.assertEqual(drawn.stdout.count("</svg>"), len([line for line in lines if line.startswith("digraph ")]))


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))


class Large(Cli):
    """Each program, in all engines. The time limit is for hangs only."""

    def check(self, lines, arg, expected, fits=True):
        path = self.file(lines)
        limits = {} if SANITIZED else {"preexec_fn": limit_memory}
        for options in (("--interp",), ("--tier=baseline",), (), ("--ra=poletto",), ("--stress=registers",), ("--disable=" + ",".join(PASSES),)):
            result = self.run_jit("--time", "--code-size=500000000", *options, path, str(arg), **limits)
            self.assertEqual((result.stdout, result.returncode), (f"{expected}\n", 0), options)
            if options != ("--interp",):
                self.assertIn("compiled 1 of 1 functions", result.stderr)
        says = self.run_jit("--dump=regs", path, str(arg), **limits).stdout.startswith("main: too large for the optimising tier\n")
        self.assertEqual(says, not fits)

    def test_a_million_bytecodes_in_a_line(self):
        count = 500000 // SCALE
        lines = ["func main params=1", " load_local 0"] + [f" load_const {i % 10}\n add" for i in range(count)]
        self.check(lines + [" return", "end"], 3, 3 + sum(i % 10 for i in range(count)))

    def test_a_million_bytecodes_in_loops(self):
        count = 50000 // SCALE
        lines = ["func main params=1 locals=3", " load_const 0", " store_local 1"]
        for i in range(count):
            lines += [f" load_const 0\n store_local 2\nl{i}: load_local 2\n load_local 0\n less_than\n jump_if_false e{i}",
                      f" load_local 1\n load_local 2\n load_const {i % 7}\n mul\n add\n store_local 1",
                      f" load_local 2\n load_const 1\n add\n store_local 2\n jump l{i}\ne{i}: load_local 1\n load_const 3\n sub\n store_local 1"]
        self.check(lines + [" load_local 1", " return", "end"], 3, sum(3 * (i % 7) - 3 for i in range(count)))

    def test_a_hundred_thousand_blocks(self):
        count = 33000 // SCALE
        lines = ["func main params=1 locals=2", " load_const 0", " store_local 1"]
        for i in range(count):
            lines += [f" load_local 0\n load_const {i}\n less_than\n jump_if_false a{i}\n load_local 1\n load_const 1\n add\n store_local 1",
                      f" jump b{i}\na{i}: load_local 1\n load_const 2\n add\n store_local 1\nb{i}:"]
        self.check(lines + [" load_local 1", " return", "end"], 3, count + 4)

    def test_ten_thousand_live_values_around_a_loop(self):
        count = 10000 // SCALE
        lines = [f"func main params=1 locals={count + 1}"]
        for i in range(1, count + 1):
            lines += [f" load_local 0\n load_const {i}\n add\n store_local {i}"]
        lines += ["next: load_local 0", " jump_if_false out"]
        for i in range(1, count + 1):
            lines += [f" load_local {i}\n load_local {i % count + 1}\n sub\n store_local {i}"]
        lines += [" load_local 0\n load_const 1\n sub\n store_local 0\n jump next\nout: load_const 0"]
        lines += [f" load_local {i * 7919 % count + 1}\n add" for i in range(count)]
        values = [i + 2 for i in range(1, count + 1)]
        for _ in range(2):
            for i in range(count):
                values[i] -= values[(i + 1) % count]
        self.check(lines + [" return", "end"], 2, sum(values))

    def test_loops_a_thousand_deep(self):
        depth = 1000
        lines = [f"func main params=1 locals={depth + 2}", " load_const 0", f" store_local {depth + 1}"]
        for d in range(1, depth + 1):
            lines += [f" load_const 0\n store_local {d}\nh{d}: load_local {d}\n load_local 0\n less_than\n jump_if_false e{d}"]
        lines += [f" load_local {depth + 1}\n load_local 0\n add\n store_local {depth + 1}"]
        for d in range(depth, 0, -1):
            lines += [f" load_local {d}\n load_const 1\n add\n store_local {d}\n jump h{d}\ne{d}:"]
        self.check(lines + [f" load_local {depth + 1}", " return", "end"], 1, 1)

    def test_a_phi_of_fifty_thousand(self):
        count = 50000 // SCALE
        lines = ["func main params=1"]
        for i in range(count):
            lines += [f" load_local 0\n load_const {i}\n equal\n jump_if_false n{i}\n load_local 0\n load_const {i + 1}\n mul\n jump out\nn{i}:"]
        self.check(lines + [" load_const -1", "out: return", "end"], 3, 12)

    def test_what_is_too_large_for_the_optimiser(self):
        """A loop with two entries: behind it, every local needs a phi at every join. The baseline compiler takes it."""
        count = 2000
        lines = [f"func main params=1 locals={count}"] + [f" load_const {i}\n store_local {i}" for i in range(1, count)]
        lines += [" load_local 0\n jump_if_false second\nfirst: load_const 1\n store_local 1",
                  "second: load_local 0\n jump_if_false out\n load_const 0\n store_local 0\n jump first\nout:"]
        lines += [f" load_local 0\n jump_if_false B{i}\n load_const 2\n store_local 1\nB{i}:" for i in range(count)]
        lines += [" load_const 0"] + [f" load_local {i}\n add" for i in range(1, count)]
        self.check(lines + [" return", "end"], 3, count * (count - 1) // 2, fits=False)


if __name__ == "__main__":
    unittest.main()
