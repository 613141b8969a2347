#!/usr/bin/env python3
"""The scanner of top-level definitions, and the line differences below the carrying tools."""

import os
import random
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "lib"))

import cscan  # noqa: E402
import linediff  # noqa: E402


def names(text):
    return [u.name for u in cscan.scan_c(text.encode()) if u.name != cscan.TOP]


class Scanner(unittest.TestCase):
    def test_every_kind_of_definition(self):
        for text, name in [
            ("int f(void) { return 0; }", "f"),
            ("static inline Cond negate(Cond c) { return (Cond)(c ^ 1); }", "negate"),
            ("struct Foo *make(int (*callback)(int), const char *s)\n{\n    return 0;\n}", "make"),
            ("__attribute__((noinline)) static int f(int a) {\n    return a;\n}", "f"),
            ("static int f(int a) __attribute__((noreturn));", "declaration of f"),
            ("_Noreturn void fatal(const char *format, ...);", "declaration of fatal"),
            ("struct Foo {\n    int a;\n};", "struct Foo"),
            ("union Bits { double d; unsigned long u; };", "union Bits"),
            ("typedef struct Foo {\n    enum { A, B } kind;\n} Foo;", "Foo"),
            ("typedef int (*Handler)(int, char *);", "Handler"),
            ("typedef int Enter(struct Vm *vm, int *out);", "Enter"),
            ("typedef struct Foo Foo;", "Foo"),
            ("enum {\n    MAX_DEPTH = 3,\n    OTHER,\n};", "enum MAX_DEPTH"),
            ("enum Kind { K_A, K_B };", "enum Kind"),
            ("static const Row table[] = {\n    [A] = {1, \"}\"},\n    [B] = {2, \";\"},\n};", "table"),
            ("static const char *const names[4] = {\"a\"};", "names"),
            ("int counter = 4;", "counter"),
            ("extern int counter;", "counter"),
            ("struct Vm;", "declaration of struct Vm"),
            ("#define OPCODES(_) \\\n    _(ADD, 1) \\\n    _(SUB, 2)", "OPCODES"),
            ("#define LIMIT 40", "LIMIT"),
            ("TEST_MAIN(test_one, test_two)", "TEST_MAIN"),
        ]:
            self.assertEqual(names(text + "\n"), [name], text)
            self.assertEqual(names("int before;\n\n" + text + "\n\nint after(void) {\n    return 1;\n}\n"),
                             ["before", name, "after"], text)

    def test_braces_in_strings_characters_and_comments(self):
        text = 'int f(void) {\n    char c = \'{\'; // }\n    /* } */ puts("}{\\"}");\n    return c;\n}\n\nint g(void) { return 0; }\n'
        self.assertEqual(names(text), ["f", "g"])

    def test_comment_above_belongs_to_the_definition(self):
        text = "// File.\n\n// About f,\n// in two lines.\nint f(void) {\n    return 0;\n}\n\n// Loose.\n\nint g(void);\n"
        f, g = [u for u in cscan.scan_c(text.encode()) if u.name != cscan.TOP]
        self.assertEqual((f.start, f.end), (2, 7))
        self.assertEqual((g.start, g.end), (10, 11))

    def test_branches_with_unequal_braces(self):
        text = "#if A\nint f(int a) {\n#else\nint f(long a) {\n#endif\n    return 0;\n}\n\nint g(void) {\n    return 1;\n}\n"
        self.assertEqual(names(text)[-1], "g")

    def test_both_branches_of_a_conditional(self):
        text = "#if A\nint f(void) {\n    return 0;\n}\n#else\nint f(void) {\n    return 1;\n}\n#endif\n"
        self.assertEqual(names(text), ["f", "f#2"])

    def test_header_guard_is_no_definition(self):
        self.assertEqual(names("// File.\n#ifndef A_H\n#define A_H\n\n#include <x.h>\n\n#endif\n"), [])

    def test_hash_tells_which_function_changed(self):
        text = "#include <a.h>\n\nint f(void) {\n    return 0;\n}\n\nint g(void) {\n    return 0;\n}\n"
        before = cscan.units_of("a.c", text.encode())
        after = cscan.units_of("a.c", text.replace("return 0;\n}\n\nint g", "return 1;\n}\n\nint g").encode())
        self.assertEqual([n for n in before if before[n] != after[n]], ["f"])
        after = cscan.units_of("a.c", text.replace("<a.h>", "<b.h>").encode())
        self.assertEqual([n for n in before if before[n] != after[n]], [cscan.TOP])

    def test_any_bytes_are_scanned(self):
        rng = random.Random(7)
        pieces = ["{", "}", "(", ")", ";", "\n", "#if x\n", "/*", "*/", "//", '"', "'", "\\", "a", " = ", "\xff", "struct ", "\n}\n"]
        for _ in range(300):
            text = "".join(rng.choice(pieces) for _ in range(rng.randint(0, 60)))
            for unit in cscan.scan_c(text.encode("latin-1")):
                self.assertLessEqual(unit.start, unit.end)

    def test_other_files_are_one_unit(self):
        self.assertEqual(list(cscan.units_of("a.bca", b"func main\n")), [cscan.WHOLE])


class Lines(unittest.TestCase):
    def test_hunks_rebuild_the_other_side(self):
        rng = random.Random(3)
        for _ in range(300):
            a = [rng.choice(b"abcdefg") for _ in range(rng.randint(0, 30))]
            b = [x for x in a if rng.random() > .2]
            for _ in range(rng.randint(0, 5)):
                b.insert(rng.randint(0, len(b)), rng.choice(b"abcdxyz"))
            found = linediff.hunks(a, b)
            self.assertEqual(linediff.apply_hunks(a, b, found), b)
            self.assertEqual(linediff.apply_hunks(a, b, []), a)

    def test_three_way_chunks_rebuild_all_three(self):
        rng = random.Random(4)
        for _ in range(300):
            base = [b"%d\n" % rng.randint(0, 9) for _ in range(rng.randint(0, 20))]
            sides = []
            for _ in range(2):
                side = [x for x in base if rng.random() > .2]
                side.insert(rng.randint(0, len(side)), b"new\n")
                sides.append(side)
            chunks = linediff.three_way(base, *sides)
            for at, text in enumerate((base, *sides), 1):
                self.assertEqual([line for c in chunks for line in c[at]], text)

    def test_kinds(self):
        base = [b"a\n", b"b\n", b"c\n", b"d\n", b"e\n", b"f\n", b"g\n"]
        ours = [b"A\n", b"b\n", b"C\n", b"d\n", b"e\n", b"f\n", b"o\n"]
        theirs = [b"a\n", b"b\n", b"C\n", b"d\n", b"E\n", b"f\n", b"t\n"]
        self.assertEqual([k for k, *_ in linediff.three_way(base, ours, theirs) if k != "equal"],
                         ["ours", "same", "theirs", "both"])

    def test_lines_join_again(self):
        for text in (b"", b"a", b"a\n", b"a\r\nb\r\n", b"\n\n", b"a\rb\n"):
            self.assertEqual(b"".join(linediff.split_lines(text)), text)


if __name__ == "__main__":
    unittest.main()
