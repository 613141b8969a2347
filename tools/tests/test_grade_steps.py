#!/usr/bin/env python3
"""The assignments of the real steps: the handout scores 0, the course's own solution everything, and each
wrong solution in stepNN/assignment.d loses points in its task for its reason.

What the submissions of a step share is compiled once, and without optimization, which takes most of the
time; a wrong solution is graded for its own task only.
"""

import glob
import os
import re
import shutil
import tempfile
import unittest

import course
import assignment
import gradereport
import grading
import handouts

LEAST_WRONG_SOLUTIONS = 3


class Wrong:
    """A wrong solution: a patch, headed by `Task:` and `Reason:`."""

    def __init__(self, path):
        self.path, self.name = path, os.path.basename(path)
        head = course.read(path).split("\n--- ")[0]
        fields = dict(re.findall(r"^(Task|Reason): (.*)$", head, re.M))
        self.task, self.reason = fields["Task"], fields["Reason"]

    def apply(self, step):
        status, output = course.run(["patch", "-p1", "--fuzz=2", "-s", "-i", self.path], step)
        if status != 0:
            raise AssertionError(f"{self.name} does not apply any more:\n{output}")


class Steps(unittest.TestCase):
    def test_every_step_with_an_assignment(self):
        for step in assignment.assigned_steps(course.ROOT):
            with self.subTest(step=step):
                work = tempfile.mkdtemp(prefix="step-")
                try:
                    self.check_step(step, work)
                finally:
                    shutil.rmtree(work)

    def check_step(self, step, work):
        tasks = assignment.load(course.ROOT, step)
        wrong = [Wrong(path) for path in sorted(glob.glob(os.path.join(tasks.directory, "assignment.d", "wrong-*.patch")))]
        self.assertGreaterEqual(len(wrong), LEAST_WRONG_SOLUTIONS, "wrong solutions to try")
        directories = [os.path.join(work, name) for name in ["handout", "reference"] + [w.name for w in wrong]]
        handouts.write(course.ROOT, tasks, directories[0])
        for directory in directories[1:]:
            shutil.copytree(os.path.join(tasks.directory, "src"), os.path.join(directory, "src"))
        for solution, directory in zip(wrong, directories[2:]):
            solution.apply(directory)
        submissions = [(directory,) for directory in directories[:2]] \
            + [(directory, [solution.task]) for solution, directory in zip(wrong, directories[2:])]
        with grading.Grader(course.ROOT, tasks, warm=True, make=["OPTIMIZE=-O0", "CFLAGS=-Wno-error -g0"]) as grader:
            reports = [gradereport.as_json(report) for report in grader.grade_all(submissions, jobs=2)]
        self.check_handout(tasks, reports[0])
        self.check_reference(reports[1])
        for solution, report in zip(wrong, reports[2:]):
            with self.subTest(wrong=solution.name):
                self.check_wrong(solution, report)

    def check_handout(self, tasks, report):
        self.assertEqual(report["refusal"], "", report["build_output"])
        self.assertEqual(report["notes"], [])
        for task in tasks.tasks:
            if task.functions:
                entry = course.task(report, task.id)
                self.assertEqual(entry["points"], 0, f"task {task.id} earns points with nothing written")
                self.assertEqual([test["test"] for test in entry["tests"] if test["passed"]], [],
                                 f"tests of task {task.id} that pass with nothing written")
                for reason in entry["reasons"]:
                    self.assertIn("not implemented yet: ", reason)

    def check_reference(self, report):
        self.assertEqual(report["refusal"], "", report["build_output"])
        self.assertEqual(report["notes"], [])
        for entry in report["tasks"]:
            self.assertEqual(entry["reasons"], [], f"task {entry['id']}")
        self.assertEqual(report["points"], report["max_points"])

    def check_wrong(self, solution, report):
        entry = course.task(report, solution.task)
        self.assertEqual(report["refusal"], "", report["build_output"])
        self.assertLess(entry["points"], entry["max_points"])
        self.assertLess(report["points"], report["max_points"])
        self.assertRegex("\n".join(entry["reasons"]), solution.reason)


if __name__ == "__main__":
    unittest.main()
