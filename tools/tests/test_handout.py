#!/usr/bin/env python3
"""tools/handout: blanking function bodies, and what a handout must not show."""

import os
import shutil
import tempfile
import unittest

import course
import assignment
import csource
import handouts

TRICKY = r'''
#include <stdio.h>
#define BRACE {
#define TWO(x) do { \
    x; } while (0)
typedef struct Pair { int a, b; } Pair;
static const Pair PAIRS[] = {{1, 2}, {3, 4}};
enum { A, B };
int declared(int x);
/* int commented(void) { */
// int commented_too(void) {
int plain(int x) { return x ? '{' : '}'; }
__attribute__((format(printf, 1, 2))) static void attributed(const char *format, ...) {
    printf("}} \" {", format); // }
}
static inline Pair *pointer(Pair *pair, int (*callback)(int, int), char name[static 4], unsigned) {
    (void)pair; { { ; } }
    return (Pair *)(&(Pair){1, 2});
}
#if 0
void zero(void) { {
#else
int chosen(void)
{
#ifdef X
    if (A) {
#else
    if (B) {
#endif
        return '\'' + '\\' + '"';
    }
    return 0;
}
#endif
_Static_assert(sizeof(Pair) == 8, "size {");
const char *const *last(void) { return 0; }
'''


class Bodies(unittest.TestCase):
    def test_finds_the_functions_and_nothing_else(self):
        names = [function.name for function in csource.functions(TRICKY)]
        self.assertEqual(names, ["plain", "attributed", "pointer", "chosen", "last"])

    def test_finds_the_ends_of_bodies(self):
        last_lines = [TRICKY[:function.close + 1].splitlines()[-1] for function in csource.functions(TRICKY)]
        self.assertEqual([line.strip()[-1] for line in last_lines], ["}"] * 5)
        body = {f.name: TRICKY[f.open + 1:f.close] for f in csource.functions(TRICKY)}
        self.assertEqual(body["plain"], " return x ? '{' : '}'; ")
        self.assertTrue(body["chosen"].rstrip().endswith("return 0;"))

    def test_knows_static_functions_and_parameters(self):
        functions = {function.name: function for function in csource.functions(TRICKY)}
        self.assertTrue(functions["pointer"].static)
        self.assertFalse(functions["plain"].static)
        self.assertEqual(csource.parameter_names(functions["pointer"].parameters), ["pair", "callback", "name"])
        self.assertEqual(csource.parameter_names(functions["attributed"].parameters), ["format"])
        self.assertEqual(csource.parameter_names("void"), [])

    def test_replaces_only_the_named_bodies(self):
        text = csource.replace_bodies(TRICKY, {"chosen": "!", "plain": "?"})
        self.assertIn("int plain(int x) {?}", text)
        self.assertIn("int chosen(void)\n{!}", text)
        self.assertIn('printf("}} \\" {", format);', text)

    def test_unbalanced_source_is_an_error(self):
        with self.assertRaises(ValueError):
            csource.functions("int f(void) { { }")
        with self.assertRaises(ValueError):
            csource.functions("int f(void) { } }")

    def test_reads_every_source_of_the_repository(self):
        for folder, directories, names in os.walk(course.ROOT):
            directories[:] = [d for d in directories if not d.startswith(("build", "."))]
            for name in names:
                if name.endswith((".c", ".h")):
                    path = os.path.join(folder, name)
                    with self.subTest(path=path):
                        csource.functions(course.read(path))


class Handout(unittest.TestCase):
    def setUp(self):
        self.root = course.make_course()
        self.out = os.path.join(tempfile.mkdtemp(prefix="handout-"), "tree")
        self.addCleanup(shutil.rmtree, self.root)
        self.addCleanup(shutil.rmtree, os.path.dirname(self.out))

    def handout(self, step=1):
        return course.run([os.path.join(self.root, "tools/handout"), "--step", str(step), "--out", self.out])

    def edit(self, path, old, new):
        path = os.path.join(self.root, path)
        text = course.read(path)
        self.assertIn(old, text)
        course.write(path, text.replace(old, new))

    def test_stubs_keep_signatures_and_comments(self):
        self.assertEqual(self.handout()[0], 0)
        text = course.read(os.path.join(self.out, "step01-tiny/src/calc.c"))
        self.assertIn("// Adds from first to last.\nint64_t calc_sum(const int64_t *values, size_t count) {\n"
                      "    (void)values; (void)count;\n    not_implemented(\"calc_sum\", \"Adding\");\n}\n", text)
        self.assertNotIn("number > 2", text)
        self.assertIn("static int64_t add(", text)

    def test_is_clean_with_both_compilers_and_fails_its_tests(self):
        self.assertEqual(self.handout()[0], 0)
        for compiler in ("gcc", "clang"):
            if shutil.which(compiler):
                status, output = course.run(["make", "-C", "step01-tiny", f"CC={compiler}", f"BUILD=build-{compiler}", "tests"],
                                            self.out)
                self.assertEqual(status, 0, output)
        status, output = course.run(["make", "test"], self.out)
        self.assertNotEqual(status, 0)
        self.assertIn("not implemented yet: calc_sum, see README section Adding", output)
        self.assertIn("not implemented yet: calc_name, see README section Names", output)
        self.assertIn("\n0 passed, 5 failed\n", output)

    def test_holds_no_solution_and_no_later_step(self):
        course.write(os.path.join(self.root, "step02-next/src/calc.c"), course.FILES["step01-tiny/src/calc.c"])
        course.write(os.path.join(self.root, "step01-tiny/assignment.d/wrong-one.patch"), "+    return sum;\n")
        course.write(os.path.join(self.root, "step01-tiny/build/old.c"), course.FILES["step01-tiny/src/calc.c"])
        course.run(["git", "init", "-q", self.root])
        course.write(os.path.join(self.root, ".gitignore"), "build/\n")
        self.assertEqual(self.handout()[0], 0)
        self.assertEqual(sorted(name for name in os.listdir(self.out) if name.startswith("step")), ["step01-tiny"])
        for gone in (".git", "step01-tiny/assignment.d", "step01-tiny/build", "tools/handout", "tools/tests"):
            self.assertFalse(os.path.exists(os.path.join(self.out, gone)), gone)
        _, found = course.run(["grep", "-rln", "sum = add", self.out])
        self.assertEqual(found, "")

    def test_earlier_steps_are_whole(self):
        for path, text in course.FILES.items():
            if path.startswith("step01-tiny/"):
                course.write(os.path.join(self.root, path.replace("step01-tiny", "step02-more")), text
                             .replace("calc_", "more_").replace("sum", "total").replace("NAMES", "WORDS"))
        status, output = self.handout(2)
        self.assertEqual(status, 0, output)
        self.assertEqual(course.read(os.path.join(self.out, "step01-tiny/src/calc.c")),
                         course.FILES["step01-tiny/src/calc.c"])
        self.assertNotIn("total = add", course.read(os.path.join(self.out, "step02-more/src/calc.c")))

    def test_chapter_keeps_its_text_and_loses_the_solution(self):
        self.assertEqual(self.handout()[0], 0)
        text = course.read(os.path.join(self.out, "step01-tiny/README.md"))
        self.assertIn("In a fragment:", text)
        self.assertIn("int64_t calc_sum(const int64_t *values, size_t count) {\n    // ... yours to write ...\n}", text)
        self.assertNotIn("sum = add", text)

    def test_chapter_loses_the_solution_in_diffs_too(self):
        course.write(os.path.join(self.root, "step01-tiny/README.md"), course.FILES["step01-tiny/README.md"] + """
```diff src/calc.c
@@
-    return add(values[0], values[1]);
+    for (size_t i = 0; i < count; i++)
+        sum = add(sum, values[i]);
     return sum;
 }
+
+const char *calc_other(int number) {
+    return NAMES[number];
```
""")
        course.write(os.path.join(self.root, "step01-tiny/stops/later.c"), course.FILES["step01-tiny/src/calc.c"])
        self.assertEqual(self.handout()[0], 0)
        self.assertIn("-    return add(values[0], values[1]);\n+    // ... yours to write ...\n }\n+\n"
                      "+const char *calc_other(int number) {\n", course.read(os.path.join(self.out, "step01-tiny/README.md")))
        self.assertFalse(os.path.exists(os.path.join(self.out, "step01-tiny/stops")))

    def test_chapter_keeps_lines_that_are_no_secret(self):
        path = os.path.join(self.root, "step01-tiny/src/main.c")
        course.write(path, course.FILES["step01-tiny/src/main.c"] + "\nint f(void) {\n    int64_t sum = 0;\n    return sum;\n}\n")
        course.write(os.path.join(self.root, "step01-tiny/README.md"), course.FILES["step01-tiny/README.md"]
                     + "\n```c src/main.c\nint f(void) {\n    int64_t sum = 0;\n    return sum;\n}\n```\n")
        self.assertEqual(self.handout()[0], 0)
        text = course.read(os.path.join(self.out, "step01-tiny/README.md"))
        self.assertIn("int f(void) {\n    int64_t sum = 0;\n    return sum;\n}\n", text)

    def test_a_solution_elsewhere_is_an_error(self):
        body = "for (size_t i = 0; i < count; i++)\n//     sum = add(sum, values[i]);\n//     return sum;\n"
        for path, text in (("step01-tiny/src/main.c", "// for instance:\n//     " + body),
                           ("step01-tiny/change.patch", "@@\n     int i;\n-    old();\n+    char brace = '}';\n"
                            "+    (void)braces, (void)brace;\n     for (size_t i = 0; i < count; i++)\n"),
                           ("step01-tiny/notes.txt", "const char *braces = \"}{\\\"\";\nchar brace = '}';\n"
                            "(void)braces, (void)brace;\n")):
            with self.subTest(path=path):
                course.write(os.path.join(self.root, path), course.FILES.get(path, "") + text)
                status, output = self.handout()
                self.assertEqual(status, 2, output)
                self.assertIn(f"{path}: the body of calc_sum", output)
                self.assertFalse(os.path.exists(self.out))
                course.write(os.path.join(self.root, path), course.FILES.get(path, ""))

    def test_mistakes_in_the_assignment_are_named(self):
        for old, new, message in ((":calc_sum", ":calc_total", "calc_total, which is not defined there"),
                                  ("src/calc.c:calc_sum", "src/none.c:calc_sum", "src/none.c, which does not exist"),
                                  ("points = 10\n", "", "'points' is missing"),
                                  ("points = 10", "score = 10", "unknown key score"),
                                  ("kind = \"extra\"", "kind = \"bonus\"", "kind is core or extra"),
                                  ("title = \"Tiny\"", "title = Tiny", "assignment.toml")):
            with self.subTest(new=new):
                self.edit("step01-tiny/assignment.toml", old, new)
                status, output = self.handout()
                self.assertEqual(status, 2)
                self.assertIn(message, output)
                course.write(os.path.join(self.root, "step01-tiny/assignment.toml"),
                             course.FILES["step01-tiny/assignment.toml"])

    def test_does_not_overwrite(self):
        course.write(os.path.join(self.out, "mine"), "x")
        status, output = self.handout()
        self.assertEqual(status, 2)
        self.assertIn("not an empty directory", output)
        self.assertEqual(os.listdir(self.out), ["mine"])

    def test_missing_section_is_remarked(self):
        self.edit("step01-tiny/assignment.toml", 'section = "Names"', 'section = "Nowhere"')
        status, output = self.handout()
        self.assertEqual(status, 0)
        self.assertIn("README.md has no section 'Nowhere'", output)

    def test_a_function_in_a_header_can_be_blanked(self):
        self.edit("step01-tiny/assignment.toml", '"src/calc.c:calc_name"', '"src/calc.c:calc_name", "src/calc.h:calc_twice"')
        self.assertEqual(self.handout()[0], 0)
        status, output = course.run(["make", "-C", "step01-tiny", "tests"], self.out)
        self.assertEqual(status, 0, output)
        self.assertIn("not_implemented(\"calc_twice\"", course.read(os.path.join(self.out, "step01-tiny/src/calc.h")))


class EveryAssignment(unittest.TestCase):
    def test_handout_of_each_step_compiles_without_warnings(self):
        for step in assignment.assigned_steps(course.ROOT):
            with self.subTest(step=step), tempfile.TemporaryDirectory() as directory:
                out = os.path.join(directory, "tree")
                tasks = assignment.load(course.ROOT, step)
                remarks = handouts.write(course.ROOT, tasks, out)
                if os.path.exists(os.path.join(tasks.directory, "README.md")):
                    self.assertEqual(remarks, [])
                files = sorted({file for task in tasks.tasks for file, _ in task.functions})
                for file in files:
                    self.assertIn("not_implemented(", course.read(os.path.join(out, tasks.name, file)))
                for compiler in ("gcc", "clang"):
                    if shutil.which(compiler):
                        objects = [f"build-{compiler}/{file[:-2]}.o" for file in files if file.endswith(".c")]
                        status, output = course.run(["make", "-C", os.path.join(out, tasks.name), f"CC={compiler}",
                                                     f"BUILD=build-{compiler}"] + objects)
                        self.assertEqual(status, 0, output)


if __name__ == "__main__":
    unittest.main()
