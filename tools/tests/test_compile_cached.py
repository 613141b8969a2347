#!/usr/bin/env python3
"""tools/compile-cached: an object is taken from the cache exactly when compiling would give the same."""

import os
import shutil
import tempfile
import unittest

import course


class Cache(unittest.TestCase):
    def setUp(self):
        self.top = tempfile.mkdtemp(prefix="cache-")
        self.addCleanup(shutil.rmtree, self.top)
        self.cache = os.path.join(self.top, "objects")
        os.mkdir(self.cache)
        for step in ("one", "two"):
            course.write(os.path.join(self.top, step, "a.c"), '#include "a.h"\nint number(void) { return NUMBER; }\n')
            course.write(os.path.join(self.top, step, "a.h"), "#define NUMBER 1\n")

    def compile(self, step, *flags):
        """Compile a.c; the exit status and what was printed."""
        return course.run(["env", f"COMPILE_CACHE={self.cache}", os.path.join(course.ROOT, "tools/compile-cached"),
                           "cc", "-g", *flags, "-MMD", "-MP", "-c", "-o", "a.o", "a.c"], os.path.join(self.top, step))

    def kept(self):
        return len(os.listdir(self.cache))

    def same_objects(self):
        contents = []
        for step in ("one", "two"):
            with open(os.path.join(self.top, step, "a.o"), "rb") as file:
                contents.append(file.read())
        return contents[0] == contents[1]

    def test_the_same_is_compiled_once(self):
        for step in ("one", "two"):
            self.assertEqual(self.compile(step), (0, ""))
            self.assertIn("a.o: a.c a.h", course.read(os.path.join(self.top, step, "a.d")))
        self.assertEqual(self.kept(), 1)
        self.assertTrue(self.same_objects())

    def test_another_header(self):
        course.write(os.path.join(self.top, "two", "a.h"), "#define NUMBER 2\n")
        for step in ("one", "two"):
            self.assertEqual(self.compile(step)[0], 0)
        self.assertEqual(self.kept(), 2)
        self.assertFalse(self.same_objects())

    def test_other_flags(self):
        self.compile("one")
        self.compile("two", "-O2")
        self.assertEqual(self.kept(), 2)

    def test_errors_are_shown_and_not_kept(self):
        for text in ("int x = ;\n", '#include "missing.h"\n', "#error no\n", "static int unused;\n"):
            course.write(os.path.join(self.top, "one", "a.c"), text)
            for _ in range(2):
                status, output = self.compile("one", "-Wall", "-Werror")
                self.assertNotEqual(status, 0)
                self.assertRegex(output, r"a\.c:1:\d+: (fatal )?error:")
        self.assertEqual(self.kept(), 0)


if __name__ == "__main__":
    unittest.main()
