#!/usr/bin/env python3
"""Tests of tools/check-chapters: everything that can drift is made to drift once."""

import os
import shutil
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from book_fixture import TOP, Fixture  # noqa: E402
sys.path.insert(0, os.path.join(TOP, "tools", "lib"))
import chaptertables  # noqa: E402
import transcripts  # noqa: E402

CHAPTER = "step01-sample/README.md"


class CheckChapters(unittest.TestCase):
    def setUp(self):
        self.repo = Fixture()

    def tearDown(self):
        self.repo.close()

    def check(self, *arguments):
        result = subprocess.run([os.path.join(TOP, "tools", "check-chapters"), "--root", self.repo.root, *arguments],
                                capture_output=True, text=True, timeout=120)
        return result.returncode, result.stdout + result.stderr

    def line_of(self, text, name=CHAPTER):
        return self.repo.read(name)[:self.repo.read(name).index(text)].count("\n") + 1

    def fails(self, message, at=None, *arguments):
        """The check of step 1 fails, once, with `message`, at the line that holds the text `at`."""
        code, output = self.check("step01", *arguments)
        self.assertEqual(code, 1, output)
        self.assertIn(message, output)
        self.assertIn(", 1 failed", output)
        if at:
            self.assertIn(f"{CHAPTER}:{self.line_of(at)}: ", output)
        return output

    def test_a_true_chapter_passes(self):
        code, output = self.check()
        self.assertEqual(code, 0, output)
        self.assertIn("step01-sample/README.md: 3 excerpts, 5 commands, 2 sketches, 1 figure, 4 links, 2 tables", output)
        self.assertRegex(output, r"\n\d+ passed, 0 failed\n$")

    def test_unknown_step_is_a_usage_error(self):
        self.assertEqual(self.check("step09")[0], 2)

    def test_missing_chapter(self):
        os.remove(self.repo.path(CHAPTER))
        self.assertIn("has no chapter", self.check("1")[1])

    # Excerpts

    def test_changed_source_line(self):
        self.repo.replace("step01-sample/src/emit.c", "asm_pop_r(a, RCX)", "asm_pop_r(a, RDX)")
        output = self.fails("this excerpt is not in src/emit.c", "// Pops two")
        self.assertIn("-    asm_pop_r(a, RCX);\n    +    asm_pop_r(a, RDX);", output)

    def test_changed_indentation(self):
        self.repo.replace(CHAPTER, "    asm_pop_r(a, RCX);\n", "  asm_pop_r(a, RCX);\n")
        self.fails("this excerpt is not in src/emit.c")

    def test_line_left_out_without_elision(self):
        self.repo.replace(CHAPTER, "    asm_pop_r(a, RCX);\n    // ...\n}\n\n// ...\n    asm_ret(a);",
                          "    asm_pop_r(a, RCX);\n    asm_add_rr(a, RAX, RCX);")
        self.fails("this excerpt is not in src/emit.c")

    def test_elision_with_words(self):
        self.repo.replace(CHAPTER, "    // ...\n}", "    // ... the sum ...\n}")
        self.assertEqual(self.check("step01")[0], 0)
        self.repo.replace(CHAPTER, "// ... the sum ...", "// ... the sum")
        self.fails("this excerpt is not in src/emit.c")

    def test_pieces_in_the_wrong_order(self):
        self.repo.replace(CHAPTER, "// ...\n    asm_ret(a);", "// ...\nenum { WIDE = 0x48 };")
        self.fails("this piece stands before the one above it", "enum { WIDE")

    def test_bca_and_make_excerpts(self):
        self.repo.replace(CHAPTER, "    load_const 2\n", "    load_const 3\n")
        self.fails("this excerpt is not in examples/fib.bca")
        self.repo.replace(CHAPTER, "    load_const 3\n", "    load_const 2\n")
        self.repo.replace(CHAPTER, "build/jit: jit.sh", "build/jit: jit.c")
        self.fails("this excerpt is not in Makefile")

    def test_c_block_without_a_path(self):
        self.repo.replace(CHAPTER, "```c src/emit.c", "```c")
        self.fails("does not name its file", "```c\n")

    def test_missing_file_and_file_outside(self):
        self.repo.replace(CHAPTER, "```c src/emit.c", "```c src/gone.c")
        self.fails("there is no file src/gone.c")
        self.repo.replace(CHAPTER, "```c src/gone.c", "```c ../../../etc/passwd")
        self.fails("there is no file ../../../etc/passwd")

    def test_excerpt_of_common(self):
        self.repo.write("common/asm/asm.c", "void asm_ret(Assembler *a) {\n}\n")
        self.repo.replace(CHAPTER, "```sh\nmake\n```", "```c ../common/asm/asm.c\nvoid asm_ret(Assembler *a) {\n```")
        self.assertEqual(self.check("step01")[0], 0)
        self.repo.write("common/asm/asm.c", "void asm_nop(Assembler *a) {\n}\n")
        self.fails("this excerpt is not in ../common/asm/asm.c")

    def test_diff_block(self):
        two = "step02-sample/README.md"
        self.repo.replace("step02-sample/src/emit.c", "asm_leave(a)", "asm_leave_frame(a)")
        block = "```diff src/emit.c\n     asm_pop_r(a, RAX);\n-    asm_leave(a);\n+    asm_leave_frame(a);\n```"
        self.repo.replace(two, "```sh\nmake\n```", block)
        code, output = self.check("2")
        self.assertEqual(code, 0, output)
        self.repo.replace(two, "-    asm_leave(a);", "-    asm_left(a);")
        self.assertIn("is not in ../step01-sample/src/emit.c", self.check("2")[1])

    def test_unclosed_block(self):
        self.repo.replace(CHAPTER, "```sh\nmake\n```", "````sh\nmake\n```")
        self.fails("never closed", "````sh")

    # Transcripts

    def test_changed_output(self):
        self.repo.replace(CHAPTER, "fib.bca 10\n55", "fib.bca 10\n56")
        output = self.fails("`build/jit examples/fib.bca 10` prints something else now", "$ build/jit examples/fib.bca")
        self.assertIn("-56\n    +55", output)

    def test_output_that_the_chapter_does_not_show(self):
        self.repo.replace(CHAPTER, "line 1\n...\nline 8\nline 9", "line 1")
        self.fails("prints something else")

    def test_text_that_is_not_printed(self):
        self.repo.replace(CHAPTER, "...\nline 8\n", "...\nline 88\n")
        self.fails("prints something else")

    def test_different_instruction_in_a_listing(self):
        self.repo.replace(CHAPTER, "000d  c3                             ret", "000d  c3                             retq")
        self.fails("prints something else")

    def test_different_bytes_in_a_listing(self):
        self.repo.replace(CHAPTER, "000b  ff d0", "000b  ff d1")
        self.fails("prints something else")

    def test_exit_status(self):
        self.repo.replace(CHAPTER, "Segmentation fault\n139", "Segmentation fault\n0")
        self.fails("prints something else")

    @unittest.skipUnless(shutil.which("stdbuf") and shutil.which("gcc"), "needs stdbuf and gcc")
    def test_output_and_errors_keep_their_order(self):
        self.repo.write("step01-sample/two.c", '#include <stdio.h>\nint main(void) '
                        '{ puts("one"); fputs("two\\n", stderr); puts("three"); }\n')
        self.repo.replace(CHAPTER, "$ build/jit --many\n", "$ gcc -o build/two two.c && build/two\none\ntwo\nthree\n"
                          "$ build/jit --many\n")
        code, output = self.check("step01")
        self.assertEqual(code, 0, output)

    def test_time_limit(self):
        self.repo.replace(CHAPTER, "$ build/jit --time\nfib(20) = 6765 in 12.3 ms", "$ build/jit --slow")
        self.fails("took longer than 1 s", "$ build/jit --slow", "--timeout", "1")

    def test_step_that_does_not_build(self):
        self.repo.replace("step01-sample/Makefile", "@cp jit.sh", "@false")
        self.fails("`make -C step01-sample` failed")

    def test_an_earlier_step_is_built_first(self):
        self.repo.replace("step02-sample/README.md", "$ build/jit examples/fib.bca 10",
                          "$ ../step01-sample/build/jit examples/fib.bca 10")
        code, output = self.check("step02")
        self.assertEqual(code, 0, output)

    def test_console_without_a_command(self):
        self.repo.replace(CHAPTER, "```console\n$ build/jit --dump=asm\n", "```console\n")
        self.fails("starts with a command")

    def test_sketches_are_not_run(self):
        self.repo.replace(CHAPTER, "$ gdb build/jit", "$ touch was-run")
        self.assertEqual(self.check("step01")[0], 0)
        self.assertFalse(os.path.exists(self.repo.path("step01-sample/was-run")))

    # Tables

    def test_bench_table(self):
        self.repo.replace(CHAPTER, "| 8.4 µs |", "| 8.5 µs |")
        self.fails("differs from bench/results.jsonl", "<!-- bench:fib(20) -->")

    def test_bench_without_results(self):
        self.repo.replace(CHAPTER, "<!-- bench:fib(20) -->", "<!-- bench:fob -->")
        self.fails("no benchmark named fob")

    def test_bench_of_several(self):
        table = chaptertables.bench_table("*", self.repo.path("step01-sample/bench/results.jsonl"))
        self.assertEqual(table[:4], ["| median time | interpreter | baseline |", "|---|---:|---:|",
                                     "| fib(20), per call | 8.4 µs | 840 ns (10.00×) |",
                                     "| gcd, per call | 420 ns | 105 ns (4.00×) |"])

    def test_broken_results(self):
        self.repo.write("step01-sample/bench/results.jsonl", "{}\n")
        self.fails("bench/results.jsonl:1: not a result")

    def test_changed_table_numbers(self):
        self.repo.replace(CHAPTER, "+24 | -0", "+23 | -0")
        self.fails("differs from tools/step-diff", "<!-- changed -->")

    def test_changed_table_without_a_reason(self):
        self.repo.replace(CHAPTER, "| +6 | -1 | one rule |", "| +6 | -1 |  |")
        self.fails("no reason (column why) for Makefile")

    def test_no_changed_table(self):
        self.repo.replace(CHAPTER, "<!-- changed -->", "")
        self.fails("needs one table", "## 8.")

    # Sections, links, figures

    def test_missing_section(self):
        self.repo.replace(CHAPTER, "## 2. Why", "### Why")
        self.assertIn('section "3. The idea" stands where "Why" belongs', self.check("step01")[1])

    def test_foreign_section(self):
        self.repo.replace(CHAPTER, "### Calls", "## Calls")
        self.fails('section "Calls" is not one of the ten', "## Calls")

    def test_last_section_missing(self):
        self.repo.replace(CHAPTER, "## 10. Further reading", "### Further")
        self.fails('the chapter ends before section "Further reading"')

    def test_dead_link(self):
        self.repo.replace(CHAPTER, "](src/emit.c)", "](src/omit.c)")
        self.fails("there is no src/omit.c", "[the emitter]")

    def test_dead_anchors(self):
        self.repo.replace(CHAPTER, "(#4-building-it)", "(#5-building-it)")
        self.fails("there is no heading #5-building-it", "[section 4]")
        self.repo.replace(CHAPTER, "(#5-building-it)", "(#4-building-it)")
        self.repo.replace(CHAPTER, "README.md#1-what-you-will-have", "README.md#nothing")
        self.fails("there is no heading #nothing in ../step02-sample/README.md")

    def test_dead_link_in_the_readme(self):
        self.repo.write("README.md", "# A sample\n\nRead [step 1](step01/README.md).\n")
        code, output = self.check()
        self.assertEqual(code, 1)
        self.assertIn("README.md:3: there is no step01/README.md", output)

    def test_links_in_code_are_text(self):
        self.repo.replace(CHAPTER, "Nothing[^1].", "Nothing[^1], not even `[a](b)`.")
        self.assertEqual(self.check("step01")[0], 0)

    def test_figure_without_alternative_text(self):
        self.repo.replace(CHAPTER, "![Bytecode goes in, machine code comes out]", "![]")
        self.fails("has no alternative text")

    def test_missing_figure(self):
        os.remove(self.repo.path("step01-sample/figures/idea.svg"))
        self.fails("there is no figures/idea.svg")

    def test_figure_that_is_not_svg(self):
        self.repo.write("step01-sample/figures/idea.png", "")
        self.repo.replace(CHAPTER, "figures/idea.svg", "figures/idea.png")
        self.fails("is not an SVG")

    def test_malformed_figure(self):
        self.repo.write("step01-sample/figures/idea.svg", "<svg><g></svg>")
        self.fails("is not well-formed")

    def test_graphviz_figure_needs_its_source(self):
        svg = self.repo.read("step01-sample/figures/idea.svg")
        self.repo.write("step01-sample/figures/idea.svg", "<!-- Generated by graphviz -->\n" + svg)
        self.fails("its .dot is not beside it")
        self.repo.write("step01-sample/figures/idea.dot", "digraph {}")
        self.assertEqual(self.check("step01")[0], 0)

    def test_figure_made_by_a_command(self):
        svg = self.repo.read("step01-sample/figures/idea.svg")
        self.repo.write("step01-sample/drawn", svg)
        self.repo.write("step01-sample/figures/idea.svg", "<!-- made by: cat drawn -->\n" + svg)
        code, output = self.check("step01")
        self.assertEqual(code, 0, output)
        self.repo.replace("step01-sample/drawn", "bytecode", "byte code")
        self.fails("is not what `cat drawn` draws now")

    # --write

    def test_write_puts_right_what_drifted(self):
        original = self.repo.read(CHAPTER)
        self.repo.replace(CHAPTER, "fib.bca 10\n55", "fib.bca 10\n56\n57")
        self.repo.replace(CHAPTER, "line 1\n...\nline 8\nline 9", "line 1\n...\nline 8")
        self.repo.replace(CHAPTER, "| 8.4 µs |", "| 8.5 µs |")
        self.repo.replace(CHAPTER, "+24 | -0", "+23 | -0")
        code, output = self.check("step01", "--write")
        self.assertEqual(code, 0, output)
        self.assertEqual(self.repo.read(CHAPTER), original)

    def test_write_leaves_a_true_chapter_alone(self):
        original = self.repo.read(CHAPTER)
        self.assertEqual(self.check("step01", "--write")[0], 0)
        self.assertEqual(self.repo.read(CHAPTER), original)

    def test_write_fills_empty_tables_and_transcripts(self):
        original = self.repo.read(CHAPTER)
        text = original
        for opening, closing in (("<!-- bench:fib(20) -->", "<!-- /bench -->"),):
            head, rest = text.split(opening)
            text = head + opening + "\n" + closing + rest.split(closing)[1]
        self.repo.write(CHAPTER, text.replace("fib.bca 10\n55", "fib.bca 10"))
        code, output = self.check("step01", "--write")
        self.assertEqual(code, 0, output)
        self.assertEqual(self.repo.read(CHAPTER), original)

    def test_write_does_not_invent_reasons(self):
        self.repo.replace("tools/step-diff", "| Makefile |", "| new.c | +3 | -0 |\\n| Makefile |")
        code, output = self.check("step01", "--write")
        self.assertEqual(code, 1)
        self.assertIn("no reason (column why) for new.c", output)
        self.assertIn("| `new.c` | +3 | -0 |", self.repo.read(CHAPTER))
        self.assertIn("| `src/emit.c` | +24 | -0 | the emitter |", self.repo.read(CHAPTER))


class Normalisation(unittest.TestCase):
    def same(self, a, b):
        self.assertEqual(transcripts.normalise_line(a), transcripts.normalise_line(b))

    def different(self, a, b):
        self.assertNotEqual(transcripts.normalise_line(a), transcripts.normalise_line(b))

    def test_addresses(self):
        self.same("at 0x7f12a0b0c000 end", "at 0x5600deadbeef end")
        self.same("7f12a0b0c000 20 fib", "7ffdeadb0000 20 fib")
        self.different("mov eax, 0x10", "mov eax, 0x11")
        self.different("add rsp, 0x1000", "add rsp, 0x2000")

    def test_movabs_bytes(self):
        self.same("0  48 b8 00 c0 b0 a0 12 7f 00 00  movabs rax, 0x7f12a0b0c000",
                  "0  48 b8 ef be ad de 00 56 00 00  movabs rax, 0x5600deadbeef")
        self.same("48b800c0b0a0127f0000 movabs rax, 0x7f12a0b0c000", "48b8efbeadde00560000 movabs rax, 0x5600deadbeef")
        self.different("48 b8 02 00 00 00 00 00 00 00  movabs rax, 0x2", "48 b8 03 00 00 00 00 00 00 00  movabs rax, 0x2")

    def test_calls_out_of_the_code(self):
        self.same("e8 01 02 03 04  call 0x7f12a0b0c000", "e8 05 06 07 08  call 0x7f12a0b0d000")
        self.different("e8 01 02 03 04  call 0x40", "e8 05 06 07 08  call 0x40")

    def test_times_and_rates(self):
        for a, b in (("12.3 ms", "4.5 ms"), ("45 ns", "450 ns"), ("1.2 s", "8 s"), ("3 us", "4 us"),
                     ("0.30 ns/op", "1.2 ns/op"), ("99 MB/s", "1 MB/s"), ("4.5x faster", "4.6x faster")):
            self.same(a, b)
        self.different("3 passed", "4 passed")
        self.different("12 slots", "13 slots")
        self.different("rax * 2", "rax * 3")

    def test_process_ids(self):
        self.same("process 123 died", "process 45678 died")
        self.same("==12==ERROR", "==345==ERROR")
        self.same("/tmp/perf-12.map", "/tmp/perf-345.map")


class Elision(unittest.TestCase):
    def matches(self, expected, actual):
        return transcripts.transcript_matches(expected.split(), actual.split())

    def test_dots(self):
        self.assertTrue(self.matches("a ... d", "a b c d"))
        self.assertTrue(self.matches("a ... b c d", "a b c d"))
        self.assertTrue(self.matches("... d", "a b c d"))
        self.assertTrue(self.matches("a ...", "a"))
        self.assertTrue(self.matches("a ... c ... e", "a b c d e"))
        self.assertFalse(self.matches("a ... d", "a b c"))
        self.assertFalse(self.matches("a ... c ... b ... e", "a b c d e"))
        self.assertFalse(self.matches("a b ... b", "a b"))


if __name__ == "__main__":
    unittest.main()
