#!/usr/bin/env python3
"""tools/run-tests: what it counts, what it shows, and that nothing hides a failure."""

import json
import os
import shutil
import tempfile
import unittest
import xml.etree.ElementTree as xml

import course

PROGRAM = r'''
#include "testing/test_main.h"
#include <signal.h>
#include <unistd.h>
static void test_one(void **s) { (void)s; puts("quiet"); }
static void test_wrong(void **s) { (void)s; printf("shown whole\n"); assert_int_equal(1, 2); }
static void test_exits(void **s) { (void)s; exit(0); }
static void test_crashes(void **s) { (void)s; signal(SIGSEGV, SIG_DFL); raise(SIGSEGV); }
static void test_hangs(void **s) { (void)s; for (;;) pause(); }
static void test_skipped(void **s) { (void)s; skip(); }
static void test_last(void **s) { (void)s; }
static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_one), cmocka_unit_test(test_wrong), cmocka_unit_test(test_exits),
    cmocka_unit_test(test_crashes), cmocka_unit_test(test_hangs), cmocka_unit_test(test_skipped),
    cmocka_unit_test(test_last),
};
TEST_MAIN(tests)
'''
GOOD = r'''
#include "testing/test_main.h"
#include <unistd.h>
static void test_good(void **s) { (void)s; }
static void test_leaves_a_process(void **s) { (void)s; if (fork() == 0) { sleep(60); _exit(0); } }
static const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_leaves_a_process)};
TEST_MAIN(tests)
'''
LATE = r'''
#include "testing/test_main.h"
static void fail_late(void) { _exit(3); }
static void test_fine(void **s) { (void)s; atexit(fail_late); }
static const struct CMUnitTest tests[] = {cmocka_unit_test(test_fine)};
TEST_MAIN(tests)
'''


class RunTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="run-tests-")
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        for build, name, text in (("build", "test_mixed", PROGRAM), ("build", "test_good", GOOD), ("good", "test_good", GOOD),
                                  ("late", "test_late", LATE)):
            path = os.path.join(cls.directory, build, "tests", name)
            course.write(path + ".c", text)
            status, output = course.run(["gcc", "-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-Wmissing-prototypes",
                                         f"-I{course.ROOT}/common", "-o", path, path + ".c", "-lcmocka"])
            assert status == 0, output
        os.makedirs(os.path.join(cls.directory, "empty"))

    def run_tests(self, *arguments, totals=None, cwd=None):
        environment = dict(os.environ)
        program = os.path.join(course.ROOT, "tools", "run-tests")
        command = [program, *arguments] if totals is None else ["env", f"RUN_TESTS_TOTALS={totals}", program, *arguments]
        return course.run(command, cwd or self.directory, environment)

    def test_counts_and_shows(self):
        status, output = self.run_tests("--build", "build", "--timeout", "1", "--json", "out.json", "--junit", "out.xml")
        self.assertEqual(status, 1)
        self.assertRegex(output, r"(?m)^test_good +2 passed  \(\d+\.\d\d s\)$")
        self.assertRegex(output, r"(?m)^test_mixed +2 passed, 4 FAILED, 1 skipped  \(")
        self.assertIn("--- test_mixed: test_wrong: FAILED\n", output)
        self.assertIn("    shown whole\n", output)
        self.assertIn("0x1 != 0x2", output)
        self.assertIn("test_exits: FAILED (the program ended inside the test (exit status 0))", output)
        self.assertIn("test_crashes: FAILED (killed by SIGSEGV)", output)
        self.assertIn("test_hangs: FAILED (time limit of 1 s)", output)
        self.assertNotIn("quiet", output)
        self.assertEqual(output.splitlines()[-1], "4 passed, 4 failed, 1 skipped")
        tests = json.loads(course.read(os.path.join(self.directory, "out.json")))["tests"]
        outcomes = {entry["test"]: entry["outcome"] for entry in tests}
        self.assertEqual(outcomes["test_last"], "passed")
        self.assertEqual(outcomes["test_hangs"], "failed")
        suites = xml.parse(os.path.join(self.directory, "out.xml")).getroot()
        self.assertEqual({suite.get("name"): suite.get("failures") for suite in suites}, {"test_good": "0", "test_mixed": "4"})

    def test_all_good(self):
        status, output = self.run_tests("--build", "good", "--name", "step 1:")
        self.assertEqual(status, 0)
        self.assertIn("step 1: test_good", output)
        self.assertEqual(output.splitlines()[-1], "2 passed, 0 failed")

    def test_filter(self):
        for pattern, line in (("test_o*", "1 passed, 0 failed"), ("test_good:test_g*", "1 passed, 0 failed"),
                              ("test_good", "2 passed, 0 failed"), ("test_[lo]*", "3 passed, 0 failed")):
            with self.subTest(pattern=pattern):
                status, output = self.run_tests("--build", "build", "--filter", pattern)
                self.assertEqual((status, output.splitlines()[-1]), (0, line), output)

    def test_nothing_run_is_a_failure(self):
        for arguments in (["--build", "build", "--filter", "nothing"], ["--build", "empty"], ["--build", "missing"]):
            status, output = self.run_tests(*arguments)
            self.assertEqual(status, 1)
            self.assertIn("0 passed, 0 failed\n", output)

    def test_failure_after_the_last_test(self):
        status, output = self.run_tests("--build", "late")
        self.assertEqual(status, 1)
        self.assertIn("(after the last test): FAILED (exit status 3)", output)
        self.assertIn("\n1 passed, 1 failed", output)

    def test_program_that_cannot_list(self):
        path = os.path.join(self.directory, "broken/tests/test_broken")
        course.write(path, "#!/bin/sh\necho no; exit 9\n")
        os.chmod(path, 0o755)
        status, output = self.run_tests("--build", "broken")
        self.assertEqual(status, 1)
        self.assertIn("0 passed, 1 failed", output)
        self.assertIn("(exit status 9)", output)

    def scripts(self, **texts):
        directory = tempfile.mkdtemp(dir=self.directory)
        for name, text in texts.items():
            course.write(os.path.join(directory, name.replace("_dot_", ".")), text)
        return directory

    def test_scripts(self):
        directory = self.scripts(test_a_dot_sh="#!/bin/sh\ntest -n \"$BUILD\"\n", test_b_dot_sh="echo why; exit 4\n",
                                 test_c_dot_sh="echo '3 passed, 0 failed'\n", helper_dot_sh="exit 1\n",
                                 test_d_dot_py="import unittest\nclass T(unittest.TestCase):\n"
                                 "    def test_a(self): pass\n    def test_b(self): self.fail('reason')\nunittest.main()\n")
        status, output = self.run_tests("--build", "good", "--scripts", directory)
        self.assertEqual(status, 1)
        self.assertIn("test_b.sh: FAILED (exit status 4)\n    why\n", output)
        self.assertIn("reason", output)
        self.assertEqual(output.splitlines()[-1], "7 passed, 2 failed")

    def test_script_that_lies_or_hangs(self):
        directory = self.scripts(test_a_dot_sh="echo '3 passed, 0 failed'; exit 1\n", test_b_dot_sh="sleep 30\n")
        status, output = self.run_tests("--scripts", directory, "--timeout", "0.5")
        self.assertEqual(status, 1)
        self.assertEqual(output.splitlines()[-1], "3 passed, 2 failed")

    def test_totals(self):
        totals = os.path.join(self.directory, "totals")
        self.assertEqual(self.run_tests("--build", "good", totals=totals)[0], 0)
        self.assertEqual(self.run_tests("--build", "good", "--filter", "nothing", totals=totals)[0], 0)
        status, output = self.run_tests("--total", totals)
        self.assertEqual((status, output), (0, "2 passed, 0 failed\n"))
        self.assertEqual(self.run_tests("--build", "build", "--filter", "test_wrong", totals=totals)[0], 1)
        status, output = self.run_tests("--total", totals)
        self.assertEqual((status, output), (1, "2 passed, 1 failed\n"))
        self.assertEqual(self.run_tests("--total", totals + "-missing")[0], 1)

    def steps(self):
        """Two steps of scripts that print JIT_COUNT; test_new is only in the second."""
        directory = tempfile.mkdtemp(dir=self.directory)
        for step, names in (("step01-a", "abcd"), ("step02-b", ["a", "b", "c", "d", "new"])):
            for name in names:
                path = os.path.join(directory, step, "build/tests", f"test_{name}")
                course.write(path, "#!/bin/sh\n[ \"$1\" = --list ] && { echo test_x; exit; }\n"
                             "echo '[ RUN      ] test_x'; echo \"$JIT_COUNT\" > count.${0##*/}; echo '[       OK ] test_x'\n")
                os.chmod(path, 0o755)
                course.write(os.path.join(directory, step, "tests", f"test_{name}.c"), "")
        return os.path.join(directory, "step01-a"), os.path.join(directory, "step02-b")

    def programs_run(self, directory, **environment):
        for name in os.listdir(directory):
            if name.startswith("count."):
                os.unlink(os.path.join(directory, name))
        words = [f"{name}={value}" for name, value in environment.items()]
        status, output = course.run(["env", "-u", "JIT_COUNT", *words, os.path.join(course.ROOT, "tools", "run-tests"),
                                     "--build", "build"], directory)
        self.assertEqual(status, 0, output)
        return {name.removeprefix("count.test_"): course.read(os.path.join(directory, name)).strip()
                for name in os.listdir(directory) if name.startswith("count.")}

    def test_only(self):
        first, second = self.steps()
        self.assertEqual(set(self.programs_run(second)), {"a", "b", "c", "d", "new"})
        self.assertEqual(set(self.programs_run(second, ONLY="test_a test_n*")), {"a", "new"})
        self.assertEqual(set(self.programs_run(first, ONLY="test_[bc]")), {"b", "c"})

    def test_repeated_share(self):
        first, second = self.steps()
        self.assertEqual(set(self.programs_run(first, REPEATED_SHARE='test_*=3')), set("abcd"))
        self.assertEqual(set(self.programs_run(second, REPEATED_SHARE='test_*=3')), {"a", "d", "new"})
        self.assertEqual(set(self.programs_run(second, REPEATED_SHARE="test_a=2 test_[bn]*=4")), {"b", "c", "d", "new"})
        third = os.path.join(os.path.dirname(second), "step03-c")
        os.rename(first, first.replace("step01", "step03"))  # no step before step 2 now
        os.rename(first.replace("step01", "step03"), third)
        self.assertEqual(set(self.programs_run(second, REPEATED_SHARE='test_*=3')), {"a", "b", "c", "d", "new"})
        self.assertEqual(set(self.programs_run(third, REPEATED_SHARE='test_*=3')), {"c"})

    def test_repeated_count(self):
        first, second = self.steps()
        counts = {"REPEATED_COUNT": "test_[an]*=5 test_b=7"}
        self.assertEqual(self.programs_run(first, **counts), {"a": "", "b": "", "c": "", "d": ""})
        self.assertEqual(self.programs_run(second, **counts), {"a": "5", "b": "7", "c": "", "d": "", "new": ""})
        self.assertEqual(self.programs_run(second, JIT_COUNT=2, **counts)["a"], "2")

    def test_make(self):
        program = os.path.join(course.ROOT, "tools", "run-tests")
        for name, command in (("one", f"{program} --build ../good"), ("two", "false")):
            course.write(os.path.join(self.directory, name, "Makefile"), f"test:\n\t@{command}\n")
        status, output = self.run_tests("--make", "one")
        self.assertEqual((status, output.splitlines()[-1]), (0, "2 passed, 0 failed"))
        status, output = self.run_tests("--make", "one", "two")
        self.assertEqual((status, output.splitlines()[-1]), (1, "2 passed, 1 failed"))
        self.assertIn("make -C two test: FAILED", output)


if __name__ == "__main__":
    unittest.main()
