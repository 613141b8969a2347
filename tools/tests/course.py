"""A small course in a temporary directory, for the tests of handout and grade.

It has the real common/step.mk and test harness, and one step of one source file, so that a build takes
a fraction of a second.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tools", "lib"))

FILES = {
    "Makefile": "# The whole course.\ntest:\n\t@tools/run-tests --make step01-tiny\n",
    "step01-tiny/Makefile": "STEP := 1\nOPTIMIZE := -O0\ninclude ../common/step.mk\n",
    "step01-tiny/assignment.toml": """\
title = "Tiny"
time = 1
memory = "256M"
allow = ["mmap", "mprotect"]

[[task]]
id = "sum"
title = "Adding up"
points = 10
section = "Adding"
functions = ["src/calc.c:calc_sum"]
tests = ["test_calc:test_sum*"]

[[task]]
id = "name"
title = "Names"
kind = "extra"
points = 6
section = "Names"
functions = ["src/calc.c:calc_name"]
tests = ["test_calc:test_name*", "test_cli.sh"]
grading = "all"
""",
    "step01-tiny/README.md": """\
# Tiny

## Adding

```c
// src/calc.c
int64_t calc_sum(const int64_t *values, size_t count) {
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum = add(sum, values[i]);
    return sum;
}
```

In a fragment:

```{.c file=src/calc.c}
    for (size_t i = 0; i < count; i++)
        sum = add(sum, values[i]);
```

## Names
""",
    "step01-tiny/src/calc.h": """\
#ifndef CALC_H
#define CALC_H
#include <stddef.h>
#include <stdint.h>
// The sum of `count` values, wrapping.
int64_t calc_sum(const int64_t *values, size_t count);
// The name of a number from 0 to 2, or "?".
const char *calc_name(int number);
static inline int calc_twice(int x) { return 2 * x; }
#endif
""",
    "step01-tiny/src/calc.c": r"""// Sums and names.
#include "calc.h"

#include <stdio.h>

#define OPEN "{"

static const char *const NAMES[] = {"zero", "one", "two"};

static int64_t add(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }

// Adds from first to last.
int64_t calc_sum(const int64_t *values, size_t count) {
    int64_t sum = 0; // not a brace: }
    const char *braces = "}{\"";
    char brace = '}';
    (void)braces, (void)brace;
    /* nor these }} */
    for (size_t i = 0; i < count; i++)
        sum = add(sum, values[i]);
    return sum;
}

#if 0
void never(void) { {
#endif

const char *calc_name(int number) {
#ifdef NOWHERE
    if (number < 0) {
#else
    if (number < 0 || number > 2) {
#endif
        return "?";
    }
    return NAMES[number];
}
""",
    "step01-tiny/src/main.c": """\
#include "calc.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    puts(argc > 1 ? calc_name(atoi(argv[1])) : "usage");
    return 0;
}
""",
    "step01-tiny/tests/test_cli.sh": "#!/bin/sh\n[ \"$(\"$BUILD/jit\" 2)\" = two ] || { echo 'jit 2 did not print two'; exit 1; }\n",
    "step01-tiny/tests/test_calc.c": """\
#include "testing/test_main.h"

#include "calc.h"

static void test_sum_of_three(void **state) {
    (void)state;
    assert_int_equal(calc_sum((int64_t[]){1, 2, 39}, 3), 42);
}

static void test_sum_of_none(void **state) {
    (void)state;
    assert_int_equal(calc_sum(NULL, 0), 0);
}

static void test_name(void **state) {
    (void)state;
    assert_string_equal(calc_name(1), "one");
}

static void test_name_out_of_range(void **state) {
    (void)state;
    assert_string_equal(calc_name(3), "?");
    assert_int_equal(calc_twice(2), 4);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_sum_of_three),
    cmocka_unit_test(test_sum_of_none),
    cmocka_unit_test(test_name),
    cmocka_unit_test(test_name_out_of_range),
};

TEST_MAIN(tests)
""",
}


def make_course():
    """A new course; the caller removes it."""
    root = tempfile.mkdtemp(prefix="course-")
    for path, text in FILES.items():
        write(os.path.join(root, path), text)
    os.chmod(os.path.join(root, "step01-tiny/tests/test_cli.sh"), 0o755)
    common = os.path.join(ROOT, "common")
    for path in ["step.mk", "base", "testing/test_main.h", "testing/test_record.h", "testing/not_implemented.h"]:
        target = os.path.join(root, "common", path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        source = os.path.join(common, path)
        (shutil.copytree if os.path.isdir(source) else shutil.copyfile)(source, target)
    shutil.copytree(os.path.join(ROOT, "tools"), os.path.join(root, "tools"),
                    ignore=shutil.ignore_patterns("tests", "__pycache__"))
    return root


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def run(argv, cwd=None, environment=None):
    """(exit status, standard output and error together)."""
    environment = dict(os.environ if environment is None else environment)
    for name in ("RUN_TESTS_TOTALS", "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "TEST_FILTER", "BUILD"):
        environment.pop(name, None)
    result = subprocess.run(argv, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            stdin=subprocess.DEVNULL, timeout=300)
    return result.returncode, result.stdout.decode("utf-8", "replace")


def grade(root, directory, *options, step=1):
    """The JSON report of tools/grade."""
    status, output = run([os.path.join(root, "tools/grade"), "--step", str(step), "--dir", directory, "--json", *options])
    assert status == 0, output
    return json.loads(output)


def task(report, name):
    return next(entry for entry in report["tasks"] if entry["id"] == name)
