#!/usr/bin/env python3
"""Tests of the refreshing of excerpts (check-chapters --write): what a source edit does to them."""

import os
import random
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from book_fixture import TOP, Fixture  # noqa: E402
sys.path.insert(0, os.path.join(TOP, "tools", "lib"))
from excerpts import locate_excerpt  # noqa: E402
from refresh import refresh_code, refresh_diff  # noqa: E402

SOURCE = """\
// A file of three functions.
#include "a.h"

// Adds.
int add(int a, int b) {
    int sum = a + b;
    return sum;
}

// Subtracts.
int sub(int a, int b) {
    return a - b;
}

// Negates.
int negate(int a) {
    return -a;
}
""".split("\n")

ADD, SUB = SOURCE[3:8], SOURCE[9:13]


def edited(source, *edits):
    """The source with lines replaced: (index, number of old lines, new lines), the last place first."""
    new = list(source)
    for at, count, lines in sorted(edits, reverse=True):
        new[at:at + count] = lines
    return new


class Code(unittest.TestCase):
    def refresh(self, blocks, source):
        return [new for new, _ in refresh_code(blocks, source)]

    def test_what_stands_there_is_left_alone(self):
        self.assertEqual(self.refresh([ADD, SUB], SOURCE), [None, None])

    def test_a_changed_line(self):
        new = edited(SOURCE, (5, 1, ["    int sum = b + a;"]))
        self.assertEqual(self.refresh([ADD], new), [new[3:8]])

    def test_lines_added_and_removed_inside(self):
        new = edited(SOURCE, (5, 2, ["    check(a);", "    check(b);", "    return a + b;"]))
        self.assertEqual(self.refresh([ADD, SUB], new), [new[3:9], None])

    def test_changed_edges_grow_to_the_paragraph(self):
        new = edited(SOURCE, (3, 2, ["// Adds two", "// integers.", "long add(long a, long b) {"]))
        self.assertEqual(self.refresh([ADD], new), [new[3:9]])

    def test_part_of_a_function_stays_a_part(self):
        new = edited(SOURCE, (5, 1, ["    int sum = a + b; // may overflow"]), (10, 0, ["// really"]))
        self.assertEqual(self.refresh([SOURCE[5:7]], new), [new[5:7]])

    def test_elisions_stay(self):
        block = ["// Adds.", "int add(int a, int b) {", "    // ...", "    return sum;", "}", "", "// Subtracts."]
        new = edited(SOURCE, (9, 1, ["// Subtracts b."]), (5, 1, ["    int sum = b + a;"]))
        self.assertEqual(self.refresh([block], new), [block[:6] + ["// Subtracts b."]])

    def test_gone_is_said(self):
        new, why = refresh_code([SUB], SOURCE[:8] + ["", "void nothing(void);"])[0]
        self.assertIsNone(new)
        self.assertIn("// Subtracts.", why)

    def test_pieces_that_hold_the_file_hold_it_afterwards(self):
        blocks = [SOURCE[:8], SOURCE[9:13], SOURCE[14:18]]
        new = edited(SOURCE, (13, 0, ["", "// New.", "int twice(int a) {", "    return add(a, a);", "}"]))
        self.assertEqual(self.refresh(blocks, new), [None, new[9:18], None])

    def test_the_whole_file_after_one_of_its_functions(self):
        new = edited(SOURCE, (15, 1, ["int negate(int number) {"]), (16, 1, ["    return -number;"]))
        self.assertEqual(self.refresh([SUB, SOURCE[:-1]], new), [None, new[:-1]])

    def test_an_excerpt_of_a_file_does_not_grow_over_new_functions(self):
        new = edited(SOURCE, (8, 0, ["", "// New.", "int twice(int a) {", "    return add(a, a);", "}"]))
        self.assertEqual(self.refresh([ADD], new), [None])

    def test_random_edits(self):
        for seed in range(200):
            rng = random.Random(seed)
            blocks = [SOURCE[:8], SOURCE[9:13], SOURCE[14:18]]
            new = edited(SOURCE, *[(rng.randrange(1, 17), rng.randint(0, 1), [f"    line {rng.random()};"] * rng.randint(0, 2))
                                   for _ in range(2)])
            for block, (lines, why) in zip(blocks, refresh_code(blocks, new)):
                if why is None:
                    self.assertIsNone(locate_excerpt(lines or block, new)[1], f"seed {seed}")


class Diffs(unittest.TestCase):
    NEW = edited(SOURCE, (5, 2, ["    return a + b;"]), (16, 1, ["    return 0 - a;"]))
    FIRST = [" int add(int a, int b) {", "-    int sum = a + b;", "-    return sum;", "+    return a + b;", " }"]
    SECOND = [" int negate(int a) {", "-    return -a;", "+    return 0 - a;", " }"]

    def refresh(self, blocks, new, whole=True):
        return [lines for lines, _ in refresh_diff(blocks, SOURCE, new, whole)]

    def test_true_hunks_are_left_alone(self):
        self.assertEqual(self.refresh([self.FIRST + ["@@"] + self.SECOND], self.NEW), [None])

    def test_a_changed_hunk(self):
        new = edited(self.NEW, (5, 1, ["    check(a);", "    return b + a;"]))
        wanted = [self.FIRST[0], *self.FIRST[1:3], "+    check(a);", "+    return b + a;", " }"]
        self.assertEqual(self.refresh([self.FIRST, self.SECOND], new), [wanted, None])

    def test_a_new_change_gets_a_hunk(self):
        new = edited(self.NEW, (10, 1, ["    return a + -b;"]))
        added = self.refresh([self.FIRST, self.SECOND], new)
        self.assertEqual(added[0][:6], self.FIRST + ["@@"])
        self.assertEqual([l for l in added[0][6:] if l[0] in "+-"], ["-    return a - b;", "+    return a + -b;"])
        self.assertIsNone(added[1])

    def test_partial_diffs_stay_partial(self):
        self.assertEqual(self.refresh([self.SECOND], self.NEW, whole=False), [None])

    def test_new_hunks_apply_where_they_belong(self):
        new = edited(self.NEW, (2, 0, ['#include "b.h"']), (17, 0, ["", "int last;"]))
        blocks = self.refresh([self.FIRST + ["@@"] + self.SECOND], new)
        text = "\n" + "\n".join(SOURCE)
        for hunk in "\n".join(blocks[0]).split("\n@@\n"):
            lines = [l or " " for l in hunk.split("\n")]
            old = "\n" + "\n".join(l[1:] for l in lines if l[0] != "+") + "\n"
            self.assertEqual(text.count(old), 1, hunk)
            text = text.replace(old, "\n" + "\n".join(l[1:] for l in lines if l[0] != "-") + "\n")
        self.assertEqual(text[1:], "\n".join(new))


class Command(unittest.TestCase):
    CHAPTER = "step01-sample/README.md"

    def setUp(self):
        self.repo = Fixture()

    def tearDown(self):
        self.repo.close()

    def check(self, *arguments):
        result = subprocess.run([os.path.join(TOP, "tools", "check-chapters"), "--root", self.repo.root, "--no-run", "1", *arguments],
                                capture_output=True, text=True, timeout=60)
        return result.returncode, result.stdout + result.stderr

    def change_source(self, old, new):
        path = self.repo.path("step01-sample/src/emit.c")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertIn(old, text)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new))

    def test_write_refreshes_an_excerpt(self):
        self.change_source("void emit_add(Assembler *a) {\n", "void emit_add(Assembler *a, int bits) {\n")
        self.assertEqual(self.check()[0], 1)
        code, output = self.check("--write")
        self.assertIn("refreshed the excerpt of src/emit.c", output)
        self.assertEqual(code, 0, output)
        self.assertIn("void emit_add(Assembler *a, int bits) {", self.repo.read(self.CHAPTER))
        self.assertEqual(self.check()[0], 0)

    def test_a_true_chapter_stays_as_it_is(self):
        before = self.repo.read(self.CHAPTER)
        self.check("--write")
        self.assertEqual(self.repo.read(self.CHAPTER), before)


if __name__ == "__main__":
    unittest.main()
