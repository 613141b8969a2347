#!/usr/bin/env python3
"""tools/grade on a small course: points and reasons, and that cheating earns nothing."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as xml

import course

SUM = "int64_t calc_sum(const int64_t *values, size_t count) {\n    (void)values, (void)count;\n%s\n    return 7;\n}\n"
NAME = 'const char *calc_name(int n) { static const char *t[] = {"zero", "one", "two"}; ' \
       'return n < 0 || n > 2 ? "?" : t[n]; }\n'
HEAD = '#include "calc.h"\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <sys/mman.h>\n' \
       '#include <unistd.h>\n#include <signal.h>\n'


def source(body, before=""):
    """A calc.c whose calc_sum is wrong and does `body`; calc_name is right."""
    return HEAD + before + SUM % body + NAME


# name: (calc.c, what the reason of the loss must say). Every one of them has a wrong calc_sum.
CHEATS = {
    "prints a pass": (source(r'printf("[       OK ] test_sum_of_three\n[  PASSED  ] 1 test(s).\n1 passed, 0 failed\n");'),
                      "test_calc.c:7: 0x7 != 0x2a"),
    "exits with 0": (source(r'printf("[       OK ] test_sum_of_three\n"); exit(0);'), "ended inside the test (exit status 0)"),
    "exits at once": (source("_exit(0);"), "uses _exit"),
    "exits in an atexit handler": (source("atexit(leave);", "static void leave(void) { exit(0); }\n"), "0x7 != 0x2a"),
    "exits before main": (source("", "__attribute__((constructor)) static void early(void) { exit(0); }\n"),
                          "constructor or destructor (.init_array)"),
    "exits before main, in a section": (source("", "static void early(void) { exit(0); }\n"
                                               "__attribute__((section(\".preinit_array\"), used)) "
                                               "static void (*p)(void) = early;\n"), ".preinit_array"),
    "runs at relocation": (source("", "static int one(void) { return 1; }\nstatic void *pick(void) { exit(0); return one; }\n"
                                  "int chosen(void) __attribute__((ifunc(\"pick\")));\n"), "indirect function"),
    "loops for ever": (source("for (volatile int i = 0;; i++) {}"), "time limit of 1 s"),
    "eats memory": (source("for (;;) { char *p = malloc(1 << 20); if (p) memset(p, 1, 1 << 20); else *(volatile char *)p = 1; }"),
                    ("SIGSEGV", "time limit")),
    "floods the output": (source('for (;;) puts("[       OK ] test_sum_of_three");'), "output limit"),
    "forks": (source("while (fork() >= 0) {}"), "uses fork"),
    "kills everything": (source("kill(-1, SIGKILL);"), "uses kill"),
    "makes assertions pass": (source("", "void _assert_int_equal(void);\nvoid _assert_int_equal(void) {}\n"),
                              "defines _assert_int_equal"),
    "replaces the runner": (source("", "int _cmocka_run_group_tests(void);\nint _cmocka_run_group_tests(void) { return 0; }\n"),
                            "defines _cmocka_run_group_tests"),
    "replaces a C function": (source("", "__attribute__((weak)) int recv(int f, void *b, size_t n, int g) "
                                     "{ (void)f, (void)b, (void)g; return (int)n; }\n"), "defines recv"),
    "skips the test": (source("_skip(\"\", 1);", "__attribute__((weak)) void _skip(const char *, int);\n"), "uses _skip"),
    "writes to every descriptor": (source("for (int i = 0; i < 1024; i++) write(i, \"passed\", 6);"), "uses write"),
    "opens the socket": (source(r'for (int i = 0; i < 1024; i++) { char n[40]; sprintf(n, "/proc/self/fd/%d", i); '
                                r'FILE *f = fopen(n, "w"); if (f) { fputs("passed", f); fclose(f); } }'), "0x7 != 0x2a"),
    "overwrites the test": (source(r'FILE *f = fopen("build/tests/test_calc", "w"); if (f) fclose(f); '
                                   r'f = fopen("tests/test_calc.c", "w"); if (f) fclose(f);'), "0x7 != 0x2a"),
    "exits in assembly": (source("__asm__ volatile(\"syscall\" : : \"a\"(231), \"D\"(0));"), "assembly"),
    "exits in pasted assembly": (source("PASTE(__a, sm__)(\"syscall\" : : \"a\"(231), \"D\"(0));", "#define PASTE(a, b) a##b\n"),
                                 "assembly"),
    "exits in generated code": (source(
        r'static const unsigned char code[] = {0xb8, 231, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05};'
        '\n    void *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);'
        '\n    memcpy(p, code, sizeof code); mprotect(p, 4096, PROT_READ | PROT_EXEC); ((void (*)(void))p)();'),
        "ended inside the test (exit status 0)"),
    "crashes": (source("*(volatile int *)8 = 1;"), "SIGSEGV"),
    "cannot be started": (source("big[values[0]] = 1;", "extern volatile char big[];\nvolatile char big[1ul << 33];\n"), ("failed:", "relocation truncated")),
    "does not compile": (source("return values +;"), "src/calc.c:10"),
    "leaves a function out": (HEAD + NAME, "undefined reference to `calc_sum'"),
}


def command_lines():
    """Of all processes, a line each; `ps` is not everywhere."""
    lines = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                lines.append(file.read().replace(b"\0", b" ").decode(errors="replace").strip())
        except OSError:  # it has ended meanwhile
            pass
    return lines


class Course(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = course.make_course()
        cls.addClassCleanup(shutil.rmtree, cls.root)
        cls.work = tempfile.mkdtemp(prefix="submissions-")
        cls.addClassCleanup(shutil.rmtree, cls.work)

    def submission(self, name, calc=None, **files):
        """A copy of the student's tree with other files in its step."""
        directory = os.path.join(self.work, name.replace(" ", "-"))
        shutil.copytree(os.path.join(self.root, "step01-tiny"), os.path.join(directory, "step01-tiny"), dirs_exist_ok=True)
        if calc is not None:
            files["src/calc.c"] = calc
        for path, text in files.items():
            course.write(os.path.join(directory, "step01-tiny", path), text)
        return directory

    def grade_all(self, directories, *options):
        arguments = [argument for directory in directories[1:] for argument in ("--dir", directory)]
        return course.grade(self.root, directories[0], "--jobs", "2", *arguments, *options)

    def reasons(self, report, task="sum"):
        return " | ".join(course.task(report, task)["reasons"])


class Points(Course):
    def test_the_reference_scores_full(self):
        report = course.grade(self.root, self.root)
        self.assertEqual((report["points"], report["max_points"]), (16, 16))
        self.assertEqual(report["refusal"], "")
        self.assertEqual(report["notes"], [])

    def test_a_handout_scores_nothing_and_says_why(self):
        out = os.path.join(self.work, "handout")
        status, output = course.run([os.path.join(self.root, "tools/handout"), "--step", "1", "--out", out])
        self.assertEqual(status, 0, output)
        report = course.grade(self.root, out)
        self.assertEqual(report["points"], 0)
        self.assertIn("not implemented yet: calc_sum, see README section Adding", self.reasons(report))
        own = course.grade(out, out)  # the student's copy of the grader agrees
        self.assertEqual([entry["reasons"] for entry in own["tasks"]], [entry["reasons"] for entry in report["tasks"]])

    def test_points_are_shared_or_all_or_none(self):
        half = course.FILES["step01-tiny/src/calc.c"].replace("int64_t sum = 0;", "int64_t sum = 1;") \
            .replace('"one"', '"ONE"')
        report = course.grade(self.root, self.submission("all wrong", half))
        self.assertEqual(report["points"], 0)
        half = course.FILES["step01-tiny/src/calc.c"].replace("i < count", "i + 1 < count").replace('"one"', '"ONE"')
        report = course.grade(self.root, self.submission("half", half))
        self.assertEqual((course.task(report, "sum")["points"], course.task(report, "name")["points"]), (5, 0))
        self.assertEqual(self.reasons(report), "test_calc:test_sum_of_three: tests/test_calc.c:7: 0x3 != 0x2a")
        self.assertEqual(self.reasons(report, "name"), 'test_calc:test_name: tests/test_calc.c:17: "ONE" != "one"')

    def test_one_task_alone(self):
        wrong = course.FILES["step01-tiny/src/calc.c"].replace('"one"', '"ONE"')
        directory = self.submission("one task", wrong)
        report = course.grade(self.root, directory, "--task", "sum")
        self.assertEqual([entry["id"] for entry in report["tasks"]], ["sum"])
        self.assertEqual((report["points"], report["max_points"]), (10, 10))
        status, output = course.run([os.path.join(self.root, "tools/grade"), "--step", "1", "--dir", directory, "--task", "x"])
        self.assertEqual(status, 2)
        self.assertIn("has no task x", output)

    def test_a_difference_of_texts_is_the_first_line_that_differs(self):
        import grading
        output = '[  ERROR   ] --- "a\n  b\n" != "a\n  c\nd\n"\n[   LINE   ] --- tests/test_x.c:3: error: Failure!\n'
        self.assertEqual(grading.first_failure(output), 'tests/test_x.c:3: line 2: "b" != "c"')
        output = '[ RUN      ] x\n[rbp] <- rax\n[rbp]ERROR: : holds 1\n[  ERROR   ] --- [   LINE   ] --- x.c:3: error: Failure!\n'
        self.assertEqual(grading.first_failure(output), "x.c:3: [rbp]: holds 1 ([rbp] <- rax)")

    def test_warnings_cost_nothing(self):
        text = course.FILES["step01-tiny/src/calc.c"].replace("int64_t sum = 0;", "int64_t sum = 0; int unused;")
        self.assertEqual(course.grade(self.root, self.submission("warning", text))["points"], 16)

    def test_own_files_and_inline_bodies_are_used(self):
        files = {"src/more.c": '#include "more.h"\nint64_t more(int64_t a, int64_t b) { return a + b; }\n',
                 "src/more.h": "#include <stdint.h>\nint64_t more(int64_t a, int64_t b);\n",
                 "src/calc.h": course.FILES["step01-tiny/src/calc.h"].replace("return 2 * x;", "return x + x; /* twice */"),
                 "src/calc.c": '#include "more.h"\n' + course.FILES["step01-tiny/src/calc.c"].replace("sum = add(", "sum = more(")
                 .replace("static int64_t add", "int64_t add_too(int64_t, int64_t);\nint64_t add_too")}
        report = course.grade(self.root, self.submission("own files", **files))
        self.assertEqual((report["points"], report["notes"], report["refusal"]), (16, [], ""))
        files["src/calc.h"] = files["src/calc.h"].replace("return x + x;", "return x;")
        report = course.grade(self.root, self.submission("own files", **files))
        self.assertEqual(course.task(report, "name")["points"], 0)

    def test_submissions_do_not_change_each_other(self):
        header = course.FILES["step01-tiny/src/calc.h"].replace("return 2 * x;", "return x;")
        directories = [self.submission("right 1"), self.submission("header", **{"src/calc.h": header}),
                       self.submission("wrong", source("")), self.submission("right 2")]
        self.assertEqual([report["points"] for report in self.grade_all(directories)], [16, 10, 6, 16])

    def test_text_junit_and_gradescope(self):
        directory = self.submission("half", course.FILES["step01-tiny/src/calc.c"].replace("i < count", "i + 1 < count"))
        junit, gradescope = (os.path.join(self.work, name) for name in ("junit.xml", "results.json"))
        status, output = course.run([os.path.join(self.root, "tools/grade"), "--step", "1", "--dir", directory,
                                     "--junit", junit, "--gradescope", gradescope])
        self.assertEqual(status, 0, output)
        self.assertRegex(output, r"core   Adding up +5 / 10\n       - test_calc:test_sum_of_three: tests/test_calc.c:7: ")
        self.assertIn("total 11 / 16    (core 5 / 10, extra 6 / 6)", output)
        suites = xml.parse(junit).getroot()
        self.assertEqual([suite.get("failures") for suite in suites], ["1", "0"])
        self.assertEqual(len(suites.findall(".//failure")), 1)
        results = json.loads(course.read(gradescope))
        self.assertEqual(results["score"], 11)
        self.assertEqual([(t["score"], t["max_score"]) for t in results["tests"]], [(5, 10), (6, 6)])
        self.assertIn("0x3 != 0x2a", results["tests"][0]["output"])

    def test_bad_usage_and_bad_assignments(self):
        program = os.path.join(self.root, "tools/grade")
        self.assertEqual(course.run([program, "--step", "9", "--dir", self.root])[0], 2)
        self.assertEqual(course.run([program, "--step", "1", "--dir", "/nowhere"])[0], 2)
        report = course.grade(self.root, tempfile.mkdtemp(dir=self.work))
        self.assertIn("no src directory", report["refusal"])
        other = course.make_course()
        self.addCleanup(shutil.rmtree, other)
        path = os.path.join(other, "step01-tiny/assignment.toml")
        course.write(path, course.read(path).replace("test_sum*", "test_product*"))
        status, output = course.run([os.path.join(other, "tools/grade"), "--step", "1", "--dir", other])
        self.assertEqual(status, 70)
        self.assertIn("no test matches 'test_calc:test_product*'", output)


class Cheats(Course):
    def check(self, *options):
        reports = self.grade_all([self.submission(name, text) for name, (text, _) in CHEATS.items()], *options)
        for report, (name, (_, reason)) in zip(reports, CHEATS.items()):
            with self.subTest(cheat=name):
                self.assertEqual(course.task(report, "sum")["points"], 0)
                reasons = (reason,) if isinstance(reason, str) else reason
                self.assertTrue(any(text in self.reasons(report) for text in reasons), self.reasons(report))
                if not report["refusal"]:  # nothing is lost but what is wrong
                    self.assertEqual(course.task(report, "name")["points"], 6, self.reasons(report, "name"))

    def test_cheats_earn_nothing(self):
        self.check()

    def test_files_beside_the_sources_are_not_taken(self):
        passing = "#include \"testing/test_main.h\"\nstatic void test_sum_of_three(void **s) { (void)s; }\n" \
                  "static const struct CMUnitTest tests[] = {cmocka_unit_test(test_sum_of_three)};\nTEST_MAIN(tests)\n"
        directory = self.submission("edited tests", source(""), **{
            "tests/test_calc.c": passing, "tests/test_cli.sh": "#!/bin/sh\nexit 0\n",
            "Makefile": "%:\n\t@true\n", "assignment.toml": 'title = "x"\n',
            "build/tests/test_calc": "#!/bin/sh\nexit 0\n"})
        course.write(os.path.join(directory, "common/testing/test_main.h"), "#error mine\n")
        report = course.grade(self.root, directory)
        self.assertEqual(course.task(report, "sum")["points"], 0)
        self.assertEqual(len(course.task(report, "sum")["tests"]), 2)
        self.assertEqual(course.task(report, "name")["points"], 6)

    def test_headers_cannot_change_the_tests(self):
        header = course.FILES["step01-tiny/src/calc.h"]
        macro = "#undef assert_int_equal\n#define assert_int_equal(a, b) ((void)(a), (void)(b))\n"
        inline = "static inline void _assert_int_equal(void *a, void *b) { (void)a; (void)b; }\n"
        cases = (
            ("macro", {"src/calc.h": header + macro}, "which was put back"),
            ("macro in a body", {"src/calc.h": header.replace("return 2 * x; }", "return 2 * x;\n" + macro + "}")},
             "which was put back"),
            ("inline", {"src/calc.h": header + inline}, "which was put back"),
            ("cmocka.h", {"src/cmocka.h": header + macro}, "would take the place"),
            ("harness", {"src/testing/test_main.h": macro}, "would take the place"),
            ("no header", {"src/calc.h": None}, "missing"))
        directories = [self.submission("header " + name, source(""), **{k: v for k, v in files.items() if v})
                       for name, files, _ in cases]
        os.unlink(os.path.join(directories[-1], "step01-tiny/src/calc.h"))
        reports = self.grade_all(directories)
        for report, (name, _, note) in zip(reports, cases):
            with self.subTest(cheat=name):
                self.assertEqual(course.task(report, "sum")["points"], 0)
                self.assertIn("0x7 != 0x2a", self.reasons(report))
                self.assertIn(note, " ".join(report["notes"]))

    def test_the_courses_solution_is_out_of_reach(self):
        path = os.path.join(self.root, "step01-tiny/src/calc.c")
        for options in ([], ["--no-namespaces"]):
            report = course.grade(self.root, self.submission("include", f'#include "{path}"\n'), *options)
            self.assertEqual(report["points"], 0)
            self.assertRegex(report["refusal"], "No such file|a file outside of the step|Permission denied")
        directory = self.submission("link")
        link = os.path.join(directory, "step01-tiny/src/calc.c")
        os.unlink(link)
        os.symlink(path, link)
        report = course.grade(self.root, directory)
        self.assertEqual(report["points"], 0)
        self.assertIn("not a regular file", " ".join(report["notes"]))

    def test_nothing_stays_behind(self):
        before = set(os.listdir("/tmp"))
        course.grade(self.root, self.submission("loops", CHEATS["loops for ever"][0]))
        left = [name for name in set(os.listdir("/tmp")) - before if name.startswith("grade-")]
        self.assertEqual([name for name in left if os.stat(os.path.join("/tmp", name)).st_uid == os.getuid()
                          and self.ours(name)], [])

    def ours(self, name):
        return os.path.isdir(os.path.join("/tmp", name, "step01-tiny"))


class Sandbox(unittest.TestCase):
    """The sandbox with and without namespaces."""

    @classmethod
    def setUpClass(cls):
        import sandbox
        cls.sandbox = sandbox
        cls.tree = sandbox.make_tree("grade-test-")
        cls.addClassCleanup(shutil.rmtree, cls.tree)
        cls.modes = [False] + [True] * sandbox.can_isolate()

    def run_sh(self, command, isolate, seconds=2.0, **options):
        limits = self.sandbox.Limits(seconds=seconds, memory=256 << 20)
        return self.sandbox.run(["sh", "-c", command], tree=self.tree, cwd=self.tree, limits=limits, isolate=isolate,
                                **options)

    def test_statuses(self):
        for isolate in self.modes:
            self.assertEqual(self.run_sh("exit 3", isolate).status, 3)
            self.assertEqual(self.run_sh("kill -SEGV $$", isolate).status, -11)
            self.assertEqual(self.run_sh("kill -ABRT $$", isolate).status, -6)

    def test_no_network(self):
        program = "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); " \
                  "c = socket.create_connection(s.getsockname(), 1); print('connected')"
        for isolate in self.modes:
            outcome = self.run_sh(f'/usr/bin/env python3 -c "{program}"', isolate)
            self.assertNotIn(b"\nconnected", b"\n" + outcome.output)
            self.assertNotEqual(outcome.status, 0)

    def test_memory_and_time_and_output(self):
        for isolate in self.modes:
            outcome = self.run_sh("/usr/bin/env python3 -c 'x = bytearray(1 << 30)'", isolate)
            self.assertIn(b"MemoryError", outcome.output)
            self.assertIn("time limit", self.run_sh("sleep 10", isolate, 0.3).stopped)
            outcome = self.run_sh("yes", isolate)
            self.assertIn("output limit", outcome.stopped)
            self.assertLessEqual(len(outcome.output), 256 << 10)

    def test_descendants_are_ended(self):
        for isolate in self.modes:
            mark = f"30.{os.getpid()}{int(isolate)}"
            self.run_sh(f"setsid sleep {mark} & (setsid sh -c 'sleep {mark}; :' &) ; sleep {mark} & exit 0", isolate)
            self.run_sh(f"setsid sleep {mark} & sleep 5", isolate, 0.3)
            self.assertNotIn(f"sleep {mark}", command_lines())

    def test_other_files_cannot_be_written(self):
        for isolate in self.modes:
            if isolate or os.geteuid() == 0:
                outcome = self.run_sh("echo x > file", isolate)
                self.assertNotEqual(outcome.status, 0)
                self.assertEqual(os.listdir(self.tree), [])
            self.assertEqual(self.run_sh("f=$(mktemp) && rm $f", isolate).status, 0)

    def test_hidden_directories_are_empty(self):
        if True in self.modes:
            outcome = self.run_sh(f"ls -A {course.ROOT} 2>/dev/null", True, hide=[course.ROOT])
            self.assertEqual(outcome.output, b"")


if __name__ == "__main__":
    unittest.main()
