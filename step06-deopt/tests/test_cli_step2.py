#!/usr/bin/env python3
"""What step 2 adds to the command line of build/jit: the optimising tier, its dumps, its stress switch.

The build directory is in the environment variable BUILD (default: build)."""

import os
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

BUILD = os.environ.get("BUILD", "build")
JIT = os.path.abspath(os.path.join(BUILD, "jit"))
USAGE = 2
LOOP = """func main params=2 locals=3
 load_const 0
 store_local 2
again:
 load_local 0
 jump_if_false done
 load_local 2
 load_local 1
 call twice
 add
 store_local 2
 load_local 0
 load_const 1
 sub
 store_local 0
 jump again
done:
 load_local 2
 return
end
func twice params=1
 load_local 0
 load_const 2
 mul
 return
end
"""


class Cli(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.loop = self.file(LOOP)

    def file(self, text):
        path = os.path.join(self.directory.name, "test.bca")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run_jit(self, *args):
        result = subprocess.run([JIT, *args], timeout=60, capture_output=True, text=True, check=False)
        self.assertGreaterEqual(result.returncode, 0, f"killed by a signal: {args} {result.stderr:.2000}")
        return result

    def output(self, *args):
        result = self.run_jit(*args)
        self.assertEqual((result.stderr, result.returncode), ("", 0))
        return result.stdout

    def usage_error(self, message, *args):
        result = self.run_jit(*args)
        self.assertEqual((result.stdout, result.stderr, result.returncode), ("", message, USAGE))


class Tier(Cli):
    def test_every_engine_agrees(self):
        for flags in ((), ("--tier=opt",), ("--tier=opt", "--verify"), ("--stress=registers",), ("--stress=registers", "--verify"),
                      ("--tier=baseline",), ("--tier=baseline", "--stress=registers"), ("--tier=interp",),
                      ("--tier=opt", "--code-size=600"), ("--tier=opt", "--code-size=0")):
            self.assertEqual(self.output(*flags, self.loop, "10", "21"), "420\n", flags)

    def test_opt_is_the_default_and_makes_other_code(self):
        sizes = {}
        for tier in ("", "--tier=opt", "--tier=baseline"):
            result = self.run_jit("--time", *([tier] if tier else []), self.loop, "1", "1")
            sizes[tier] = result.stderr.split(" bytes")[0].split()[-1]
        self.assertEqual(sizes[""], sizes["--tier=opt"])
        self.assertNotEqual(sizes["--tier=opt"], sizes["--tier=baseline"])

    def test_unknown_words(self):
        self.usage_error("jit: --tier does not know 'fast'; try --help\n", "--tier=fast", self.loop, "1", "1")
        self.usage_error("jit: --stress does not know 'memory'; try --help\n", "--stress=memory", self.loop, "1", "1")
        self.usage_error("jit: --dump does not know 'interval'; try --help\n", "--dump=lir,interval", self.loop, "1", "1")

    def test_help_names_what_is_new(self):
        text = self.output("--help")
        for word in ("opt ", "lir ", "intervals, intervals-svg", "regs ", "--stress=WORD", "registers "):
            self.assertIn(word, text)


class Dump(Cli):
    def test_lir(self):
        text = self.output("--dump=lir", "--disable=speculate", self.loop, "0", "0")
        self.assertEqual(text, """main:
  B0:
       0  params v0, v1
       1  branch_false v0, B5
  B1:  ; from B0
       2  jump B2
  B2:  ; from B3, B1  ; loop depth 1
          v2 <- phi v3, v0
          v4 <- phi v5, 0
       3  v6 <- call twice(v1)
       4  v5 <- add v4, v6
       5  v3 <- sub v2, 1
       6  branch_false v3, B4
  B3:  ; from B2  ; loop depth 1
       7  jump B2
  B4:  ; from B2
       8  jump B6
  B5:  ; from B0
       9  jump B6
  B6:  ; from B4, B5
          v7 <- phi v5, 0
      10  return v7
twice:
  B0:
       0  params v0
       1  v1 <- mul v0, 2
       2  return v1
0
""")

    def test_intervals_and_regs_tell_the_same(self):
        intervals = self.output("--dump=intervals", "--disable=speculate", "--ra=poletto", self.loop, "0", "0").splitlines()
        regs = self.output("--dump=regs", "--disable=speculate", "--ra=poletto", self.loop, "0", "0").splitlines()
        self.assertEqual(intervals[0], "main: 8 intervals over 11 instructions")
        bars = {line.split()[0]: line.split(maxsplit=2)[1:] for line in intervals[3:11]}
        self.assertEqual([bars[name][0] for name in ("v0", "v1", "v2", "v5")], ["o-x........", "o======x...", "...o=x.....", "....o---x.."])
        places = {line.split()[0]: line.split("]")[1].strip() for line in regs[1:9]}
        self.assertEqual(places, {name: bar[1].strip() for name, bar in bars.items()})
        for name in ("v1", "v2"):  # they live across the call: no register survives it
            self.assertIn("slot", places[name])

    def test_stress_takes_registers_away(self):
        def registers(*flags):
            lines = self.output("--dump=regs", *flags, "examples/primes.bca", "10").splitlines()[:-1]
            return {line.split("]")[1].strip() for line in lines if "]" in line}
        stressed = {place for place in registers("--stress=registers") if not place.startswith("slot")}
        self.assertLessEqual(stressed, {"rax", "rcx", "rdx"})
        self.assertIn("rbx", registers())

    def test_svg_is_xml_with_a_bar_for_each_interval(self):
        text = self.output("--dump=intervals-svg", "examples/gcd.bca", "12", "8")
        document, result = text.rsplit("</svg>\n", 1)
        self.assertEqual(result, "4\n")
        root = xml.etree.ElementTree.fromstring(document + "</svg>")
        namespace = "{http://www.w3.org/2000/svg}"
        self.assertEqual(root.tag, namespace + "svg")
        lines = self.output("--dump=intervals", "examples/gcd.bca", "12", "8").splitlines()
        bars = [line.split()[1].replace(".", " ").split() for line in lines if line.startswith("    v")]
        count = sum(len(bar) for bar in bars)  # of an interval with a hole there are several
        self.assertEqual(len(root.findall(f".//{namespace}rect")), count)
        width = float(root.get("viewBox").split()[2])
        for bar in root.findall(f".//{namespace}rect"):
            self.assertLess(float(bar.get("x")) + float(bar.get("width")), width)

    def test_asm_of_the_optimising_tier_stands_under_its_bytecode(self):
        text = self.output("--dump=asm", self.loop, "0", "0")
        for part in ("; prologue", ": call twice", ": jump_if_false", "; errors"):
            self.assertIn(part, text)
        self.assertIn(": load_local 0", self.output("--dump=asm", "--tier=baseline", self.loop, "0", "0"))

    def test_a_function_that_is_too_large_says_so_and_runs(self):
        # A loop with two entries: behind it, every local needs a phi at every join.
        lines = ["func main params=1 locals=2000"]
        for local in range(1, 2000):
            lines += [f" load_const {local}", f" store_local {local}"]
        lines += [" load_local 0", " jump_if_false second", "first: load_const 1", " store_local 1",
                  "second: load_local 0", " jump_if_false out", " load_const 0", " store_local 0", " jump first", "out:"]
        for join in range(2000):
            lines += [" load_local 0", f" jump_if_false B{join}", " load_const 2", " store_local 1", f"B{join}:"]
        lines += [" load_const 0"] + [f" load_local {local}\n add" for local in range(1, 2000)] + [" return", "end", ""]
        path = self.file("\n".join(lines))
        self.assertEqual(self.output("--dump=lir", path, "1"), "main: too large for the optimising tier\n1999000\n")
        self.assertEqual(self.output("--dump=regs", "--verify", path, "1"), "main: too large for the optimising tier\n1999000\n")


if __name__ == "__main__":
    unittest.main()
