#!/usr/bin/env python3
"""tools/step-diff: counts, order, functions, the table for the chapters, the pager."""

import os
import pty
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from carry_tree import TOOLS, Tree  # noqa: E402

COLOUR = "\033["


class StepDiff(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tree = Tree()
        cls.addClassCleanup(cls.tree.close)

    def run_tool(self, *arguments, status=0, **environment):
        done = subprocess.run([os.path.join(TOOLS, "step-diff"), *arguments, "--root", self.tree.root],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **environment})
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout.decode() if status == 0 else done.stderr.decode()

    def on_terminal(self, *arguments, **environment):
        try:
            master, slave = pty.openpty()
        except OSError as error:
            self.skipTest(f"no terminal can be made here: {error}")
        env = {**{k: v for k, v in os.environ.items() if k not in ("GIT_PAGER", "PAGER", "NO_COLOR", "LESS")},
               "TERM": "xterm", **environment}
        process = subprocess.Popen([os.path.join(TOOLS, "step-diff"), *arguments, "--root", self.tree.root],
                                   stdin=slave, stdout=slave, stderr=slave, env=env)
        os.close(slave)
        out = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:
                break
            if not piece:
                break
            out += piece
        os.close(master)
        self.assertEqual(process.wait(), 0)
        return out.decode()

    def test_first_step_lists_every_file(self):
        said = self.run_tool("1")
        for path in ("src/interp/interp.c", "README.md", "Makefile", "tests/expected/add.txt"):
            self.assertIn(path, said)

    def test_summary(self):
        said = self.run_tool("4", "--stat")
        self.assertIn("7 files unchanged, 3 changed, 1 renamed, 1 added, 0 removed; +31 -12 lines", said)
        self.assertRegex(said, r"src/base/util\.c +\+0 +-0  from src/util\.c")
        self.assertNotIn("@@", said)
        self.assertIn("The chapter's own\n  README.md: +6 -5\n", said)

    def test_functions(self):
        said = self.run_tool("4", "--stat")
        self.assertIn("  src/baseline/baseline.c\n    changed  emit_call, baseline_compile\n    added    emit_cache\n", said)

    def test_counts_are_those_of_git(self):
        for step in (2, 3, 4, 5):
            old, new = self.tree.name(step - 1), self.tree.name(step)
            done = subprocess.run(["git", "diff", "--no-index", "--no-renames", "--numstat", old + "/src", new + "/src"],
                                  cwd=self.tree.root, stdout=subprocess.PIPE)
            expected = {}
            for line in done.stdout.decode().splitlines():
                added, removed, path = line.split("\t")
                path = re.sub(r"\{.*? => (.*?)\}", r"\1", path).split(" => ")[-1]
                if path != "/dev/null":
                    expected[path.split("/", 1)[1] if path.startswith("step") else path] = (int(added), int(removed))
            rows = dict((m[0], (int(m[1]), int(m[2]))) for m in
                        re.findall(r"^\| (\S+) \| \+(\d+) \| -(\d+) \|$", self.run_tool(str(step), "--table"), re.M))
            for path, counts in rows.items():
                if path != "src/base/util.c":       # renamed in step 4
                    self.assertEqual(expected[path], counts)
            self.assertTrue(rows)

    def test_table_rows(self):
        self.assertEqual(self.run_tool("3", "--table"),
                         "| src/bytecode/opcodes.h | +2 | -1 |\n| src/interp/interp.c | +1 | -0 |\n")

    def test_reading_order(self):
        said = self.run_tool("2", "--all")
        order = [line.split()[1] for line in said.splitlines() if line.startswith("=== ")]
        self.assertEqual(order, ["src/baseline/baseline.c", "src/backend/regalloc.h", "src/backend/regalloc.c", "Makefile",
                                 "tests/test_only1.c", "README.md"])

    def test_hunks_name_their_functions(self):
        said = self.run_tool("3")
        self.assertRegex(said, r"@@ line \d+, in interp_part5 @@")
        self.assertIn("+    if (a < b) return 0; // step 3", said)

    def test_chapter_and_new_files_in_full_only_on_request(self):
        said = self.run_tool("2")
        self.assertNotIn("=== README.md", said)
        self.assertIn("defines  ra_0, ra_1", said)
        said = self.run_tool("2", "--all")
        self.assertIn("+static int ra_3(int a, int b) {", said)
        self.assertIn("+# Step 2", said)

    def test_every_line_of_the_diff_is_there(self):
        said = self.run_tool("5", "--all")
        done = subprocess.run(["git", "diff", "--no-index", "step04-caches", "step05-ssa"], cwd=self.tree.root,
                              stdout=subprocess.PIPE)
        wanted = [line for line in done.stdout.decode().splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
        shown = [line for line in said.splitlines() if line[:1] in ("+", "-")]
        self.assertEqual(sorted(shown), sorted(wanted))

    def test_stat_table(self):
        rows = self.run_tool("--stat").splitlines()
        self.assertEqual(len(rows), 6)
        self.assertEqual(rows[4].split(), ["step04-caches", "7", "3", "1", "0", "+25", "-7", "356"])

    def test_no_colour_into_a_pipe(self):
        self.assertNotIn(COLOUR, self.run_tool("2"))
        self.assertIn(COLOUR, self.run_tool("2", "--color=always"))

    def test_colour_and_pager_on_a_terminal(self):
        said = self.on_terminal("2", PAGER="sed 's/^/paged /'")
        self.assertIn("paged " + COLOUR, said)
        self.assertIn("first", self.on_terminal("2", PAGER="echo second; cat >/dev/null", GIT_PAGER="echo first; cat >/dev/null"))
        self.assertNotIn(COLOUR, self.on_terminal("2", PAGER="cat", NO_COLOR="1"))
        self.assertNotIn("Error", self.on_terminal("2", "--all", PAGER="true"))      # a pager that does not read

    def test_wrong_step(self):
        self.assertIn("there is no step '9'; there are: 1, 2, 3, 4, 5", self.run_tool("9", status=2))

    def test_outside_of_git(self):
        import shutil
        other = Tree((1, 2))
        self.addCleanup(other.close)
        want = self.run_tool("2").replace(self.tree.root, "")
        shutil.rmtree(os.path.join(other.root, ".git"))
        os.makedirs(other.path(2, "build"))
        with open(other.path(2, "build/junk.c"), "w") as file:
            file.write("junk\n")
        done = subprocess.run([os.path.join(TOOLS, "step-diff"), "2", "--root", other.root], stdout=subprocess.PIPE)
        self.assertEqual(done.stdout.decode(), want)


if __name__ == "__main__":
    unittest.main()
