#!/usr/bin/env python3
"""The command line of build/jit: flags, exit statuses, messages, hostile files, lost output.

The build directory is in the environment variable BUILD (default: build)."""

import os
import random
import re
import subprocess
import tempfile
import unittest

BUILD = os.environ.get("BUILD", "build")
JIT = os.path.abspath(os.path.join(BUILD, "jit"))
RUN_ERROR, USAGE, BAD_INPUT, NO_OUTPUT = 1, 2, 65, 74
FIB = "examples/fib.bca"


def is_sanitized():
    with open(os.path.join(BUILD, "flags"), encoding="utf-8") as flags:
        return "-fsanitize" in flags.read()


SECONDS = 300 if is_sanitized() else 100  # after so many one run counts as a hang


class Cli(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)

    def run_jit(self, *args, **options):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **options}
        result = subprocess.run([JIT, *args], timeout=SECONDS, check=False, **options)
        self.assertGreaterEqual(result.returncode, 0, f"killed by a signal: {args} {result.stderr!r:.2000}")
        return result

    def file(self, content, name="test.bca"):
        path = os.path.join(self.directory.name, name)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return path

    def prints(self, expected, *args):
        result = self.run_jit(*args)
        self.assertEqual((result.stdout.decode(), result.stderr.decode(), result.returncode), (expected, "", 0))

    def fails(self, status, message, *args):
        """One line on stderr (an excerpt of the program may follow), nothing on stdout."""
        result = self.run_jit(*args)
        errors = result.stderr.decode("utf-8", "replace")
        self.assertEqual((result.returncode, result.stdout), (status, b""), errors[:2000])
        self.assertRegex(errors, message)
        lines = errors.splitlines()
        self.assertIn(len(lines), (1, 3), errors[:2000])
        for line in lines[1:]:
            self.assertTrue(line.startswith("    "), errors[:2000])
        return errors

    def rejects(self, message, text, *args):
        return self.fails(BAD_INPUT, message, self.file(text), *args)


class Running(Cli):
    def test_every_engine(self):
        for engine in ((), ("--interp",), ("--tier=interp",), ("--tier=baseline",), ("--tier", "baseline"), ("--code-size=0",),
                       ("--code-size=700",), ("--verify",), ("--verify", "--tier=interp"), ("--tier=baseline", "--interp")):
            self.prints("55\n", *engine, FIB, "10")

    def test_examples(self):
        for arguments, expected in ((("ackermann", "2", "9"), 21), (("collatz", "1000"), 871), (("even_odd", "1001"), 0),
                                    (("factorial", "10"), 3628800), (("fib", "20"), 6765), (("fib_iter", "70"), 190392490709135),
                                    (("gcd", "1071", "462"), 21), (("primes", "1000"), 168)):
            name, *numbers = arguments
            for engine in ("--interp", "--tier=baseline"):
                self.prints(f"{expected}\n", engine, f"examples/{name}.bca", *numbers)

    def test_arguments(self):
        identity = self.file("func main params=1\nload_local 0\nreturn\nend\n")
        for text, value in (("0", 0), ("-0", 0), ("-1", -1), ("010", 10), ("0x10", 16), ("-0x10", -16),
                            ("2147483648", 2**31), ("-2147483649", -2**31 - 1), ("9007199254740993", 2**53),
                            ("9223372036854775807", "9223372036854776000"), ("0xffffffff", 2**32 - 1), ("1.5", 1.5), ("1e3", 1000),
                            ("1e21", "1e+21"), (".5", 0.5), ("1e-7", "1e-7"), ("0.000001", "0.000001"), ("NaN", "NaN"),
                            ("-Infinity", "-Infinity"), ("1e999", "Infinity"), ("0.1", 0.1), ("5e-324", "5e-324")):
            for engine in ("--interp", "--tier=baseline", "--tier=opt"):
                self.prints(f"{value}\n", engine, identity, text)
        for text in ("", "x", "1x", "--", "0x", "0xg", "- 1", "+1", " 1", "1 ", "1e", ".", "nan", "infinity", "0x1p3", "1_000", "true"):
            self.fails(USAGE, r"^jit: not a number: ", identity, text)

    def test_number_of_arguments(self):
        self.fails(USAGE, "^jit: main takes 1 argument, 0 given", FIB)
        self.fails(USAGE, "^jit: main takes 1 argument, 2 given", FIB, "1", "2")
        self.fails(USAGE, "^jit: main takes 1 argument, 2 given", FIB, "1", "--interp")

    def test_run_time_errors(self):
        for engine in ("--interp", "--tier=baseline", "--code-size=600"):
            divide = self.file("func main params=2\n load_local 0\n load_local 1\n div\n return\nend\n")
            self.prints("-3.5\n", engine, divide, "-7", "2")
            self.prints("Infinity\n", engine, divide, "1", "0")
            self.prints("NaN\n", engine, divide, "0", "0")
            bad = self.file("func main params=1\n load_local 0\n load_function main\n div\n return\nend\n", "bad.bca")
            self.fails(RUN_ERROR, r"bad\.bca:4:2: error: TypeError: cannot compute a number / a function\n", engine, bad, "1")
            endless = self.file("func main params=0\ncall main\nreturn\nend\n")
            self.fails(RUN_ERROR, r"test\.bca: error: stack overflow", engine, endless)

    def test_small_stack(self):
        endless = self.file("func main params=0\ncall main\nreturn\nend\n")
        for kilobytes in (128, 1024, 8192):
            for engine in ("--interp", "--tier=baseline"):
                command = f"ulimit -s {kilobytes}; exec '{JIT}' {engine} '{endless}'"
                result = subprocess.run(["sh", "-c", command], timeout=SECONDS, capture_output=True, check=False)
                if is_sanitized() and kilobytes < 1024:
                    continue  # the sanitizer itself needs more
                self.assertEqual((result.returncode, result.stdout), (RUN_ERROR, b""), result.stderr)


class Flags(Cli):
    def test_help(self):
        result = self.run_jit("--help")
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        text = result.stdout.decode()
        for word in ("usage: build/jit", "--tier=NAME", "interp", "baseline", "--dump=WORD", "bytecode", "asm", "--time",
                     "--code-size=N", "--verify", "--help", "Exit status", "65", "74"):
            self.assertIn(word, text)
        self.assertLessEqual(max(map(len, text.splitlines())), 100)

    def test_wrong_flags(self):
        self.fails(USAGE, "^jit: no program given; try --help$")
        self.fails(USAGE, "^jit: cannot understand '--fast'; try --help$", "--fast", FIB, "1")
        self.fails(USAGE, "^jit: cannot understand '-x'; try --help$", "-x", FIB, "1")
        self.fails(USAGE, "^jit: cannot understand '-xyz'; try --help$", "--time", "-xyz", FIB, "1")
        self.fails(USAGE, "^jit: cannot understand '--time=3'; try --help$", "--time=3", FIB, "1")
        self.fails(USAGE, "^jit: no value is given for '--tier'; try --help$", "--tier")
        self.fails(USAGE, "^jit: --tier does not know 'llvm'; try --help$", "--tier=llvm", FIB, "1")
        self.fails(USAGE, "^jit: --tier does not know ''; try --help$", "--tier=", FIB, "1")
        self.fails(USAGE, "^jit: --dump does not know ''; try --help$", "--dump=", FIB, "1")
        self.fails(USAGE, "^jit: --dump does not know ''; try --help$", "--dump=bytecode,", FIB, "1")
        self.fails(USAGE, "^jit: --dump does not know ',asm'; try --help$", "--dump=bytecode,,asm", FIB, "1")
        self.fails(USAGE, "^jit: --dump does not know 'nonsense'", "--dump=nonsense", FIB, "1")
        self.fails(USAGE, "^jit: --dump does not know 'ast'", "--dump=bytecode,ast", FIB, "1")
        self.fails(USAGE, "^jit: --dump does not know ''; try --help$", "--dump=", FIB, "1")
        self.fails(USAGE, "^jit: --dump does not know ''; try --help$", "--dump=bytecode,", FIB, "1")
        self.fails(USAGE, "^jit: --dump does not know ',asm'; try --help$", "--dump=bytecode,,asm", FIB, "1")
        self.fails(USAGE, "^jit: not a number: 'many'", "--code-size=many", FIB, "1")
        self.fails(USAGE, "^jit: not a size in range: '-1'", "--code-size=-1", FIB, "1")
        self.fails(USAGE, "^jit: not a size in range: '2147483648'", "--code-size=2147483648", FIB, "1")
        for size in ("-1", "1.5", "NaN", "1e300", "1099511627777"):
            self.fails(USAGE, f"^jit: not a size in range: '{size}'", f"--heap-size={size}", FIB, "1")
        self.fails(USAGE, "^jit: --ic does not know 'maybe'", "--ic=maybe", FIB, "1")

    def test_dump_bytecode(self):
        result = self.run_jit("--dump=bytecode", FIB, "10")
        text = result.stdout.decode()
        self.assertTrue(text.startswith("func main params=1\n    load_local 0\n    call fib\n    return\nend\n\nfunc fib params=1\n"))
        self.assertTrue(text.endswith("end\n55\n"))
        program = self.file(text[:-3])
        self.prints("55\n", program, "10")
        again = self.run_jit("--dump=bytecode", program, "10")
        self.assertEqual(again.stdout.decode(), text)

    def test_dump_asm(self):
        text = self.run_jit("--tier=baseline", "--dump=asm", FIB, "10").stdout.decode()
        for pattern in (r"^main: \d+ bytes$", r"^; prologue$", r"^; 1: call fib$", r"^  0000  55 +push +rbp$", r"; fib$", r"^55$"):
            self.assertRegex(text, re.compile(pattern, re.M))
        text = self.run_jit("--dump=asm", "--code-size=0", FIB, "10").stdout.decode()
        self.assertEqual(text, "main: not compiled\nfib: not compiled\n55\n")
        text = self.run_jit("--dump=bytecode,asm", FIB, "10").stdout.decode()
        self.assertLess(text.index("func main"), text.index("main: "))

    def test_time(self):
        result = self.run_jit("--time", FIB, "10")
        self.assertEqual(result.stdout, b"55\n")
        self.assertRegex(result.stderr.decode(), r"^compiled 2 of 2 functions, \d+ bytes, in [\d.]+ ms\n(  \w+ +[\d.]+ ms\n)*ran in [\d.]+ ms\n$")


class Files(Cli):
    def test_unreadable(self):
        self.fails(BAD_INPUT, r"^no/such: error: No such file or directory$", "no/such", "1")
        self.fails(BAD_INPUT, r"^examples: error: Is a directory$", "examples")
        self.fails(BAD_INPUT, r"^: error: No such file", "")
        if os.geteuid() != 0:
            secret = self.file("")
            os.chmod(secret, 0)
            self.fails(BAD_INPUT, "Permission denied", secret)

    def test_no_main(self):
        self.rejects("test.bca: error: there is no function 'main'$", "")
        self.rejects("there is no function 'main'$", "; nothing")
        self.rejects("there is no function 'main'$", "func Main params=0\nload_const 1\nreturn\nend\n")

    def test_messages_show_the_place(self):
        errors = self.rejects(r"test\.bca:3:5: error: 'add' pops 2 operands, but the stack holds 1\n",
                              "func main params=0\n    load_const 1\n    add\n    return\nend\n")
        self.assertTrue(errors.endswith("\n        add\n        ^\n"), errors)

    def test_binary_files(self):
        self.rejects("error: ", random.Random(1).randbytes(10000))
        self.rejects("expected 'func' or 'class', found byte 0x7f", b"\x7fELF\x02\x01\x01" + bytes(1000))
        self.rejects("expected 'func' or 'class', found byte 0x00", bytes(5 << 20))
        with open(JIT, "rb") as program:
            self.rejects("error: ", program.read(5 << 20))

    def test_endless_input(self):
        self.fails(BAD_INPUT, r"^/dev/zero: error: larger than \d+ MiB$", "/dev/zero")

    def test_pipe(self):
        with open(FIB, "rb") as file:
            result = self.run_jit("/dev/stdin", "10", stdin=file)
        self.assertEqual((result.stdout, result.returncode), (b"55\n", 0))


class HostileFiles(Cli):
    """Up to 5 MB of trouble: an answer within the time limit, never a signal."""

    def test_many_labels(self):
        lines = "".join(f"l{i}:\n" for i in range(500000))
        self.prints("1\n", self.file(f"func main params=0\n{lines} load_const 1\nreturn\nend\n"))

    def test_chain_of_jumps(self):
        lines = "".join(f"l{i}: jump l{i + 1}\n" for i in range(200000))
        self.prints("1\n", self.file(f"func main params=0\n{lines}l200000: load_const 1\nreturn\nend\n"))

    def test_a_million_instructions(self):
        path = self.file("func main params=0\nload_const 0\n" + "load_const 1\nadd\n" * 500000 + "return\nend\n")
        self.prints("500000\n", path)
        self.prints("500000\n", "--interp", path)

    def test_more_code_than_fits(self):
        body = "load_const 1\nadd\n" * 300000
        path = self.file(f"func main params=0\nload_const 0\n{body}return\nend\n")
        self.prints("300000\n", "--code-size=1000000", path)

    def test_many_functions(self):
        functions = "".join(f"func f{i} params=0\nload_const 1\nreturn\nend\n" for i in range(100000))
        self.prints("1\n", self.file(f"{functions}func main params=0\ncall f99999\nreturn\nend\n"))

    def test_many_functions_that_do_not_fit(self):
        functions = "".join(f"func f{i} params=65535\nload_const 1\nreturn\nend\n" for i in range(90000))
        self.prints("1\n", self.file(f"{functions}func main params=0\nload_const 1\nreturn\nend\n"))

    def test_long_lines(self):
        self.rejects("expected 'func' or 'class'", "x" * (5 << 20))
        self.rejects("expected a constant", "func main params=0\nload_const " + "9x" * (5 << 19))
        self.rejects("does not fit in 64 bits", "func main params=0\nload_local " + "9" * (5 << 20))
        self.prints("Infinity\n", self.file("func main params=0\nload_const " + "9" * (5 << 20) + "\nreturn\nend\n"))
        self.prints("1\n", self.file("func main params=0\n" + " " * (5 << 20) + "load_const 1\nreturn ;" + "x" * (1 << 20) + "\nend"))
        name = "n" * (2 << 20)
        self.prints("1\n", self.file(f"func main params=0\ncall {name}\nreturn\nend\nfunc {name} params=0\nload_const 1\nreturn\nend\n"))

    def test_the_most_locals(self):
        writes = "".join(f"load_const {i}\nstore_local {i}\n" for i in range(65535))
        self.prints("65534\n", self.file(f"func main params=0 locals=65535\n{writes}load_local 65534\nreturn\nend\n"))

    def test_the_most_parameters(self):
        pushes = "".join(f"load_const {i}\n" for i in range(65535))
        path = self.file(f"func main params=0\n{pushes}call f\nreturn\nend\nfunc f params=65535\nload_local 65534\nreturn\nend\n")
        self.prints("65534\n", path)
        self.prints("65534\n", "--interp", path)
        self.fails(USAGE, "main takes 65535 arguments, 1 given", self.file("func main params=65535\nload_local 1\nreturn\nend\n"), "1")

    def test_deep_recursion_with_large_frames(self):
        path = self.file("func main params=0 locals=65535\ncall main\nreturn\nend\n")
        for engine in ("--interp", "--tier=baseline"):
            self.fails(RUN_ERROR, "stack overflow", engine, path)

    def test_dumps_of_large_programs(self):
        functions = "".join(f"func f{i} params=0\ncall f{i}\nreturn\nend\n" for i in range(5000))
        path = self.file(f"{functions}func main params=0\nload_const 1\nreturn\nend\n")
        result = self.run_jit("--dump=bytecode,asm", "--verify", path)
        self.assertEqual(result.returncode, 0)
        self.assertTrue(result.stdout.endswith(b"\n1\n"))


class LostOutput(Cli):
    """A result that nobody gets is an error."""

    def test_full_device(self):
        with open("/dev/full", "wb") as full:
            for args in ((FIB, "10"), ("--help",), ("--dump=bytecode,asm", FIB, "10")):
                result = self.run_jit(*args, stdout=full)
                self.assertEqual((result.returncode, result.stderr), (NO_OUTPUT, b"jit: cannot write to the standard output\n"))

    def test_closed_output(self):
        for args in (f"{FIB} 10", "--help", f"--interp {FIB} 10"):
            result = subprocess.run(["sh", "-c", f"'{JIT}' {args} >&-"], timeout=SECONDS, capture_output=True, check=False)
            self.assertEqual((result.returncode, result.stderr), (NO_OUTPUT, b"jit: cannot write to the standard output\n"))

    def test_a_run_time_error_needs_no_output(self):
        bad = self.file("func main params=1\n load_function main\n load_local 0\n div\n return\nend\n")
        with open("/dev/full", "wb") as full:
            result = self.run_jit(bad, "0", stdout=full)
        self.assertEqual(result.returncode, RUN_ERROR)

    def test_closed_errors(self):
        result = subprocess.run(["sh", "-c", f"'{JIT}' no_such_file 2>&-"], timeout=SECONDS, capture_output=True, check=False)
        self.assertEqual((result.returncode, result.stdout), (BAD_INPUT, b""))


if __name__ == "__main__":
    unittest.main()
