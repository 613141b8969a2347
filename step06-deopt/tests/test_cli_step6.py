#!/usr/bin/env python3
"""What step 6 adds to the command line of build/jit: --opt-after, --disable=speculate, --stress=deopt-..., and the
dumps of bets, feedback and deoptimisations.

The build directory is in the environment variable BUILD (default: build)."""

import os
import re
import subprocess
import tempfile
import unittest

BUILD = os.environ.get("BUILD", "build")
JIT = os.path.abspath(os.path.join(BUILD, "jit"))
USAGE = 2
SUM = "examples/sum.bca"
FACTORIAL = "examples/factorial.bca"
MATRIX = "examples/matrix.bca"
POLYMORPHIC = "examples/polymorphic.bca"
NUMBER = "not a number:"
SIZE = "not a size in range:"

EVENT = re.compile(r"deopt (\S+) @(\d+): expected (an integer|a number|a result that is an int32|another shape|"
                   r"an index inside the array|an element that was written|code that is still valid)"
                   r"(, forced|, behind a call|, found .*?)?( \(hoisted\))?; on at @(\d+) (\S.*)")
PLACE = r"(constant|slot \d+, (tagged|int32|double)|r\w+, (tagged|int32|double)|the call's result)"
VALUE = re.compile(r"    (local|stack) (\d+) +(.*?)  ; " + PLACE)  # an empty array is no text at all


class Cli(unittest.TestCase):
    def run_jit(self, *args):
        result = subprocess.run([JIT, *args], timeout=120, capture_output=True, text=True, check=False)
        self.assertGreaterEqual(result.returncode, 0, f"killed by a signal: {args} {result.stderr:.2000}")
        return result

    def output(self, *args):
        result = self.run_jit(*args)
        self.assertEqual((result.stderr, result.returncode), ("", 0), args)
        return result.stdout

    def usage_error(self, message, *args):
        result = self.run_jit(*args, SUM, "10")
        self.assertEqual((result.stdout, result.stderr, result.returncode),
                         ("", f"jit: {message}; try --help\n", USAGE), args)

    def events(self, *args):
        """The deoptimisations in a dump, each with its values; and what else was printed."""
        events, rest = [], []
        for line in self.output(*args).splitlines():
            event, value = EVENT.fullmatch(line), VALUE.fullmatch(line)
            if event:
                events.append((event.groups(), []))
            elif value:
                events[-1][1].append(value.groups())
            else:
                rest.append(line)
        return events, rest


class Options(Cli):
    def test_results_are_the_same(self):
        ways = ([], ["--opt-after=0"], ["--opt-after=1"], ["--opt-after=2,3"], ["--opt-after=1048576,1048576"],
                ["--disable=speculate"], ["--disable=speculate,licm", "--opt-after=0"], ["--stress=deopt-every=1"],
                ["--stress=deopt-every=3", "--opt-after=0"], ["--stress=deopt-at=5", "--stress=deopt-to-interp"],
                ["--stress=registers", "--stress=deopt-every=2", "--opt-after=1", "--verify"],
                ["--stress=deopt-to-interp", "--stress=deopt-every=7", "--ra=poletto", "--opt-after=0,1"])
        for example in ((SUM, "100"), (FACTORIAL, "25"), (MATRIX, "6"), (POLYMORPHIC, "5", "20"),
                        ("examples/account.bca", "40"), ("examples/redefine.bca",), ("examples/richards.bca", "2")):
            expected = self.output("--interp", *example)
            for way in ways:
                self.assertEqual(self.output(*way, *example), expected, (way, example))

    def test_wrong_values(self):
        for value, message in (("x", f"{NUMBER} 'x'"), ("", f"{NUMBER} ''"), ("1,", f"{NUMBER} ''"), (",1", f"{NUMBER} ''"),
                               ("1,2,3", f"{NUMBER} '2,3'"), ("-1", f"{SIZE} '-1'"), ("1.5", f"{SIZE} '1.5'"),
                               ("1048577", f"{SIZE} '1048577'"), ("1,1048577", f"{SIZE} '1048577'"),
                               ("12345678901234567890", f"{SIZE} '12345678901234567890'"),
                               ("0" * 40, "not a count: '" + "0" * 40 + "'")):
            self.usage_error(message, "--opt-after=" + value)
        for value, message in (("deopt-every=0", "not a count: '0'"), ("deopt-at=0", "not a count: '0'"),
                               ("deopt-every=x", f"{NUMBER} 'x'"), ("deopt-at=", f"{NUMBER} ''"),
                               ("deopt-at=-3", f"{SIZE} '-3'"), ("deopt-at=0.5", f"{SIZE} '0.5'"),
                               ("deopt-at=4294967296", f"{SIZE} '4294967296'"),
                               ("deopt-every", "--stress does not know 'deopt-every'"),
                               ("deopt-everything=3", "--stress does not know 'deopt-everything=3'"),
                               ("deopt-to-baseline", "--stress does not know 'deopt-to-baseline'")):
            self.usage_error(message, "--stress=" + value)
        self.usage_error("there is no pass 'speculat'", "--disable=speculat")
        self.usage_error("--dump does not know 'deopts'", "--dump=deopts")
        self.usage_error("there is no pass 'speculate'", "--dump=ir:speculate")

    def test_help_names_everything(self):
        text = self.output("--help")
        for word in ("--opt-after=N", "speculate", "deopt-every=N", "deopt-at=N", "deopt-to-interp", "feedback", "after",
                     "ir:represent"):
            self.assertIn(word, text)

    def test_opt_after_waits(self):
        """Optimised code has guards, and so exits; baseline code has none."""
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "calls.bca")
            with open(path, "w", encoding="utf-8") as file:
                file.write("func main params=0\n" + " load_const 1\n call f\n pop\n" * 3 +
                           " load_const 2147483647\n call f\n return\nend\n"
                           "func f params=1\n load_local 0\n load_const 1\n add\n return\nend\n")
            for calls, lost in ((0, 1), (1, 1), (3, 1), (4, 0), (10, 0)):
                events, rest = self.events("--dump=deopt", f"--opt-after={calls}", path)
                self.assertEqual((len(events), rest), (lost, ["2147483648"]), calls)


class Dumps(Cli):
    def test_deopt(self):
        events, rest = self.events("--dump=deopt", "--opt-after=0", FACTORIAL, "13")
        self.assertEqual(rest, ["6227020800"])
        (function, guard, expected, found, hoisted, resume, instruction), values = events[0]
        self.assertEqual((function, expected, found, hoisted, instruction),
                         ("factorial", "a result that is an int32", None, None, "mul"))
        self.assertEqual(guard, resume)
        self.assertEqual([value[:3] for value in values],
                         [("local", "0", "undefined"), ("stack", "0", "13"), ("stack", "1", "479001600")])

    def test_deopt_finds_what_is_wrong(self):
        events, _ = self.events("--dump=deopt", "--opt-after=0", FACTORIAL, "14")
        self.assertEqual(events[1][0][2:4], ("an integer", ", found 6227020800"))

    def test_every_example(self):
        """Whatever is lost, the dump has its format, and the program its result."""
        for example in ((SUM, "20"), (MATRIX, "4"), (POLYMORPHIC, "5", "20"), ("examples/account.bca", "20"),
                        ("examples/shapes.bca", "5"), ("examples/sieve.bca", "30"), ("examples/redefine.bca",)):
            expected = self.output("--interp", *example).splitlines()
            for way in ("--opt-after=0", "--opt-after=1,1", "--stress=deopt-every=1", "--stress=deopt-every=5"):
                events, rest = self.events("--dump=deopt", way, *example)
                self.assertEqual(rest, expected, (way, example))
                for event, values in events:
                    self.assertEqual([value[0] for value in values], sorted(value[0] for value in values))
                    self.assertNotEqual(event[6], "")

    def test_forced(self):
        events, rest = self.events("--dump=deopt", "--stress=deopt-at=3", "--opt-after=0", SUM, "10")
        self.assertEqual((len(events), events[0][0][3]), (1, ", forced"))
        self.assertEqual(rest, self.output("--interp", SUM, "10").splitlines())
        fib = ("--opt-after=0", "--dump=deopt", "examples/fib.bca", "9")
        once, _ = self.events("--stress=deopt-at=3", *fib)
        often, _ = self.events("--stress=deopt-every=3", *fib)
        self.assertEqual(len(once), 1)
        self.assertGreater(len(often), 10)
        for event, _ in often:
            self.assertEqual(event[3], ", forced")

    def test_no_bets_no_deopts(self):
        self.assertEqual(self.events("--dump=deopt", "--disable=speculate", "--opt-after=0", FACTORIAL, "20")[0], [])
        text = self.output("--dump=ir", "--disable=speculate", FACTORIAL, "3")
        self.assertNotIn("guard", text)
        self.assertNotIn("state", text)
        self.assertIn("guard_int", self.output("--dump=ir", FACTORIAL, "3"))

    def test_feedback(self):
        text = self.output("--dump=feedback", FACTORIAL, "20")
        self.assertRegex(text, r"(?m)^factorial:\n +11  mul  ; .*overflow$")
        for line in text.splitlines()[1:]:
            self.assertRegex(line, r"^(\S+:| +\d+  \S.*  ; (double|other|overflow|element|shape)(\|\w+)*)$")
        self.assertEqual(self.output("--dump=feedback", "--tier=baseline", FACTORIAL, "5"), "120\nmain:\nfactorial:\n")

    def test_after(self):
        """The dump after the run knows that the product is no integer any more; the one before does not."""
        before = self.output("--dump=ir", FACTORIAL, "20")
        after = self.output("--dump=after,ir", FACTORIAL, "20")
        self.assertIn("mul_int", before)
        self.assertNotIn("mul_int", after)
        self.assertIn("guard_number", after)
        self.assertTrue(before.endswith("2432902008176640000\n"))
        self.assertTrue(after.startswith("2432902008176640000\n"))

    def test_represent(self):
        text = self.output("--dump=ir:represent", FACTORIAL, "5")
        self.assertRegex(text, r"(?s); before represent\n.*; after represent\n")


if __name__ == "__main__":
    unittest.main()
