#!/usr/bin/env python3
"""tools/carry: hops, conflicts, state, remembered resolutions, the ledger, the check."""

import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from carry_tree import TOOLS, Tree, make_step  # noqa: E402

INTERP, BASELINE, OPCODES = "src/interp/interp.c", "src/baseline/baseline.c", "src/bytecode/opcodes.h"
# A line of interp_part0, equal in all steps; of interp_part5, changed around it in step 3; of emit_push,
# rewritten in step 2.
SHARED = ("    int t1 = a * 2 + b - 1;\n", "    int t1 = a * 2 + b - 1000;\n")
PART5 = ("    int t1 = a * 7 + b - 6;\n", "    int t1 = a * 7 + b - 6000;\n")
PUSH = ("    int t1 = a * 21 + b - 20;\n", "    int t1 = a * 21 + b - 2000;\n")
PUSH_2 = ("    int t1 = a * 51 + b - 50;\n", "    int t1 = a * 51 + b - 5000;\n")


class CarryCase(unittest.TestCase):
    steps = (1, 2, 3, 4, 5)

    def setUp(self):
        self.tree = Tree(self.steps)
        self.addCleanup(self.tree.close)

    def ok(self, *arguments):
        self.assertEqual(self.tree.run(*arguments), 0, self.tree.said)
        return self.tree.said

    def stops(self, *arguments):
        self.assertEqual(self.tree.run(*arguments), 1, self.tree.said)
        return self.tree.said

    def resolve(self, step, path, ours, new):
        """Edit a conflict as a person would: the step's own lines, with `ours` replaced by `new`."""
        out, side = [], "plain"
        for line in self.tree.read(step, path).splitlines(keepends=True):
            mark = line.split(" ")[0].rstrip("\n")
            if mark in ("<<<<<<<", "|||||||", "=======", ">>>>>>>"):
                side = {"<<<<<<<": "ours", "|||||||": "base", "=======": "theirs", ">>>>>>>": "plain"}[mark]
            elif side == "plain":
                out.append(line)
            elif side == "ours":
                out.append(new if line == ours else line)
        self.tree.write(step, path, "".join(out))


class Hops(CarryCase):
    def test_change_reaches_every_later_step_and_the_check_agrees(self):
        self.tree.replace(1, INTERP, *SHARED)
        said = self.ok("1", "--no-test")
        for step in (2, 3, 4, 5):
            self.assertIn(SHARED[1], self.tree.read(step, INTERP))
        self.assertEqual(said.count("applied       " + INTERP), 4)
        self.assertIn("interp_part0", said)
        self.ok("--check")

    def test_only_the_change_is_carried(self):
        before = {s: self.tree.read(s, INTERP) for s in (2, 3, 4, 5)}
        self.tree.replace(1, INTERP, *SHARED)
        self.ok("1", "--no-test")
        for step in (2, 3, 4, 5):
            self.assertEqual(self.tree.read(step, INTERP), before[step].replace(*SHARED))

    def test_change_merges_beside_a_later_steps_own(self):
        self.tree.replace(1, INTERP, "    return t5;\n}\n\n// Part 6", "    return t5 + 7;\n}\n\n// Part 6")
        self.ok("1", "--no-test")
        text = self.tree.read(3, INTERP)
        self.assertIn("return t5 + 7;", text)
        self.assertIn("// step 3", text)

    def test_committed_change_with_base(self):
        self.tree.replace(1, INTERP, *SHARED)
        self.tree.commit()
        self.assertIn("nothing has changed", self.ok("1", "--no-test"))
        self.ok("1", "--no-test", "--base", "HEAD~1")
        self.assertIn(SHARED[1], self.tree.read(5, INTERP))

    def test_carrying_twice_changes_nothing(self):
        self.tree.replace(1, INTERP, *SHARED)
        self.ok("1", "--no-test")
        before = self.tree.everything()
        said = self.ok("1", "--no-test")
        self.assertEqual(said.count("already there"), 4 + 1, said)
        self.assertEqual(self.tree.everything(), before)

    def test_change_made_by_hand_in_the_next_step_goes_on_from_there(self):
        for step in (1, 2):
            self.tree.replace(step, INTERP, *SHARED)
        said = self.ok("1", "--no-test")
        self.assertIn("already there " + INTERP, said)
        self.assertIn(SHARED[1], self.tree.read(5, INTERP))

    def test_partly_there_goes_on_whole(self):
        second = ("    int t1 = a * 3 + b - 2;\n", "    int t1 = a * 3 + b - 2000;\n")
        for step, pairs in ((1, (SHARED, second)), (2, (SHARED,))):
            for pair in pairs:
                self.tree.replace(step, INTERP, *pair)
        said = self.ok("1", "--no-test")
        for step in (2, 3, 4, 5):
            self.assertIn(SHARED[1], self.tree.read(step, INTERP))
            self.assertIn(second[1], self.tree.read(step, INTERP))
        self.assertIn("already there " + INTERP + "  interp_part0", said)
        self.assertIn("applied       " + INTERP + "  interp_part1", said)

    def test_file_added_removed_and_renamed(self):
        self.tree.write(1, "src/new.c", "// New.\nint new_one(void);\n")
        os.unlink(self.tree.path(1, "tests/expected/add.txt"))
        os.rename(self.tree.path(1, "tests/test_interp.c"), self.tree.path(1, "tests/test_run.c"))
        self.ok("1", "--no-test")
        for step in (2, 3, 4, 5):
            self.assertTrue(self.tree.has(step, "src/new.c"))
            self.assertFalse(os.path.exists(os.path.dirname(self.tree.path(step, "tests/expected/add.txt"))))
            self.assertTrue(self.tree.has(step, "tests/test_run.c"))
            self.assertFalse(self.tree.has(step, "tests/test_interp.c"))
        self.ok("--check")

    def test_rename_carries_into_a_step_that_changed_the_file(self):
        os.rename(self.tree.path(1, INTERP), self.tree.path(1, "src/interp/run.c"))
        self.ok("1", "--no-test")
        self.assertIn("// step 3", self.tree.read(3, "src/interp/run.c"))
        self.assertFalse(self.tree.has(5, INTERP))

    def test_change_follows_a_file_that_a_later_step_renamed(self):
        self.tree.replace(1, "src/util.c", "    int t1 = a * 41 + b - 40;\n", "    int t1 = a * 41 + b - 4000;\n")
        self.ok("1", "--no-test")
        self.assertIn("b - 4000", self.tree.read(5, "src/base/util.c"))
        self.ok("--check")

    def test_both_steps_rename_a_file(self):
        self.tree.write(1, "src/odds.c", self.tree.read(1, "src/util.c").replace("b - 40;", "b - 4000;"))
        os.unlink(self.tree.path(1, "src/util.c"))
        self.assertIn("step 4 has its own name for it", self.ok("1", "--no-test"))
        self.assertIn("b - 4000;", self.tree.read(3, "src/odds.c"))
        self.assertIn("b - 4000;", self.tree.read(5, "src/base/util.c"))
        self.ok("--check")

    def test_executable_bit(self):
        os.chmod(self.tree.path(1, "examples/fib.bca"), 0o755)
        self.ok("1", "--no-test")
        self.assertTrue(os.stat(self.tree.path(5, "examples/fib.bca")).st_mode & 0o100)

    def test_chapter_is_not_carried_and_said_so(self):
        self.tree.write(1, "README.md", "# Another\n")
        before = self.tree.read(2, "README.md")
        self.assertIn("not carried   README.md", self.ok("1", "--no-test"))
        self.assertEqual(self.tree.read(2, "README.md"), before)

    def test_file_of_one_step_stops_there_and_is_ledgered_once(self):
        for number in (1, 2):
            self.tree.write(1, "tests/test_only1.c", f"// Changed {number}.\n")
            self.assertIn("step 2 does not have this file", self.ok("1", "--no-test"))
            self.assertFalse(self.tree.has(2, "tests/test_only1.c"))
        entries = [line for line in self.tree.ledger() if line.startswith("tests/test_only1.c | (absent) | 1 | 2 |")]
        self.assertEqual(len(entries), 1)
        self.ok("--check")

    def test_binary_file(self):
        full = [self.tree.path(s, "tests/golden.bin") for s in (0, 1, 2, 3, 4, 5)[1:]]
        for path in full:
            with open(path, "wb") as file:
                file.write(b"\0\1\2")
        with open(full[3], "wb") as file:
            file.write(b"\0own")
        self.tree.commit()
        with open(full[0], "wb") as file:
            file.write(b"\0new")
        self.assertIn("not a text", self.stops("1", "--no-test"))
        self.assertIn("still step 4's own", self.stops("--continue"))
        with open(full[3], "wb") as file:
            file.write(b"\0own and new")
        self.assertIn("not a text", self.stops("--continue"))        # step 5 has the first version: its own by now
        self.ok("--stop", "tests/golden.bin", "another format")
        self.ok("--continue")
        with open(full[2], "rb") as file:
            self.assertEqual(file.read(), b"\0new")

    def test_function_that_moved_to_another_file_is_not_dropped(self):
        for step in (3, 4, 5):
            text = self.tree.read(step, BASELINE)
            start = text.index("static int emit_sub")
            end = text.index("\n}\n", start) + 3
            self.tree.write(step, BASELINE, text[:start] + text[end:])
            self.tree.write(step, "src/baseline/arith.c", "// Arithmetic.\n" + text[start:end])
        self.tree.run("--update-manifest")
        self.tree.commit()
        self.tree.replace(1, BASELINE, "    int t1 = a * 24 + b - 23;\n", "    int t1 = a * 24 + b - 2300;\n")
        self.assertIn("step 3 has emit_sub in src/baseline/arith.c", self.stops("1", "--no-test"))
        self.ok("--abort")
        self.tree.replace(2, BASELINE, "    int t1 = a * 24 + b - 23;\n", "    int t1 = a * 24 + b - 2300;\n")
        self.assertIn("step 3 has it in src/baseline/arith.c", self.stops("--check"))

    def test_dry_run_writes_nothing(self):
        self.tree.replace(1, INTERP, *SHARED)
        self.tree.write(1, "tests/test_only1.c", "// Changed.\n")
        before = self.tree.everything()
        self.assertIn("applied", self.ok("1", "--dry-run"))
        self.assertEqual(self.tree.everything(), before)


class Conflicts(CarryCase):
    def start(self):
        self.tree.replace(1, BASELINE, *PUSH)
        self.tree.replace(1, INTERP, *SHARED)
        return self.stops("1", "--no-test")

    def test_message_names_file_step_function_and_what_to_do(self):
        said = self.start()
        self.assertRegex(said, r"step02-regalloc/src/baseline/baseline\.c:\d+: in emit_push")
        for words in ("stopped at step 2", "tools/carry --continue", "tools/carry --abort", "tools/carry --stop " + BASELINE):
            self.assertIn(words, said)
        line = int(said.split("baseline.c:")[1].split(":")[0])
        self.assertTrue(self.tree.read(2, BASELINE).splitlines()[line - 1].startswith("<<<<<<<"))

    def test_continue_carries_the_resolution_on(self):
        self.start()
        self.resolve(2, BASELINE, *PUSH_2)
        self.ok("--continue")
        for step in (2, 3, 4, 5):
            self.assertIn(PUSH_2[1], self.tree.read(step, BASELINE))
            self.assertIn(SHARED[1], self.tree.read(step, INTERP))
        self.assertFalse(os.path.exists(os.path.join(self.tree.root, ".carry")))
        self.ok("--check")

    def test_continue_refuses_markers(self):
        self.start()
        self.assertIn("markers are still in lines", self.stops("--continue"))

    def test_continue_refuses_a_dropped_change_without_a_reason(self):
        self.start()
        self.resolve(2, BASELINE, None, None)
        self.assertIn("the change is dropped in emit_push", self.stops("--continue"))
        self.ok("--stop", BASELINE, "step 2 rewrote it")
        self.ok("--continue")
        self.assertTrue(any("emit_push@" in line and line.endswith("| 1 | 2 | step 2 rewrote it") for line in self.tree.ledger()))
        self.assertIn(SHARED[1], self.tree.read(5, INTERP))
        self.ok("--check")

    def test_stop_keeps_what_merged_and_ledgers_the_rest(self):
        self.tree.replace(1, BASELINE, "    int t1 = a * 23 + b - 22;\n", "    int t1 = a * 23 + b - 2200;\n")
        self.start()
        self.ok("--stop", "step02-regalloc/" + BASELINE, "step 2 rewrote it")
        self.ok("--continue")
        for step in (2, 3, 4, 5):
            self.assertIn("b - 2200;", self.tree.read(step, BASELINE))
        self.assertEqual(sum("emit_" in line for line in self.tree.ledger()), 1)
        self.ok("--check")

    def test_ledgered_change_does_not_conflict_again(self):
        self.start()
        self.ok("--stop", BASELINE, "step 2 rewrote it")
        self.ok("--continue")
        said = self.ok("1", "--no-test")
        self.assertIn("ledger: step 2 rewrote it", said)
        self.assertNotIn("CONFLICT", said)

    def test_abort_restores_exactly(self):
        self.tree.write(1, "src/extra/new.c", "// New.\n")
        self.tree.write(1, "tests/test_only1.c", "// Changed.\n")
        self.tree.write(3, "src/mine.c", "// Not yet committed.\n")
        self.tree.replace(1, INTERP, PART5[0], PART5[1])
        self.tree.replace(1, BASELINE, *PUSH)
        before = self.tree.everything()
        self.stops("1", "--no-test")
        self.assertNotEqual(self.tree.everything(), before)
        self.resolve(2, BASELINE, *PUSH_2)
        self.stops("--continue")                    # interp_part5 conflicts in step 3
        self.assertIn("stopped at step 3 by conflicts", self.ok("--status"))
        self.ok("--abort")
        self.assertEqual(self.tree.everything(), before)

    def test_no_second_carry_while_one_is_stopped(self):
        self.start()
        self.assertIn("in progress", self.stops("2", "--no-test"))
        self.assertIn("in progress", self.stops("--update-manifest"))
        self.assertIn("in progress", self.stops("--check"))

    def test_nothing_to_continue_or_abort(self):
        for action in ("--continue", "--abort"):
            self.assertIn("no carry is in progress", self.stops(action))

    def test_interrupted_while_merging(self):
        self.start()
        state = os.path.join(self.tree.root, ".carry/state.json")
        with open(state) as file:
            content = json.load(file)
        content["phase"] = "merging"
        with open(state, "w") as file:
            json.dump(content, file)
        os.unlink(self.tree.path(2, INTERP))        # half of the files were written
        self.stops("--continue")
        self.assertIn(SHARED[1], self.tree.read(2, INTERP))
        self.resolve(2, BASELINE, *PUSH_2)
        self.ok("--continue")

    def test_removal_meets_a_change(self):
        os.unlink(self.tree.path(1, INTERP))
        self.assertIn("step 2 removes the file, step 3 has changed it", self.stops("1", "--no-test"))
        self.assertIn("remove it, or say why", self.stops("--continue"))
        os.unlink(self.tree.path(3, INTERP))
        self.stops("--continue")                    # step 5 changed it again
        self.ok("--stop", INTERP, "still needed here")
        self.ok("--continue")
        self.assertFalse(self.tree.has(4, INTERP))
        self.assertTrue(self.tree.has(5, INTERP))

    def test_both_steps_add_a_file(self):
        self.tree.write(2, "src/new.c", "// Of step 2.\n")
        self.tree.commit()
        self.tree.write(1, "src/new.c", "// Of step 1.\n")
        self.assertIn("CONFLICT      src/new.c", self.stops("1", "--no-test"))


class Neighbours(CarryCase):
    """A conflict in one function whose lines also decide what belongs to its neighbours."""
    FILE, HEAD = "src/frames.c", "static int describe(int a) {\n"

    def setUp(self):
        super().setUp()
        for step in (1, 2, 3, 4, 5):
            comment, frame = ("Describes.", 0) if step < 3 else ("Describes, and saves.", 3)
            self.tree.write(step, self.FILE, f"// Frames.\n#include <stdint.h>\n\n// {comment}\n{self.HEAD}"
                            f"    int frame = {frame};\n    note(frame);\n    return frame + a;\n}}\n\n"
                            "int compile(int a) {\n    return describe(a);\n}\n\n"
                            "int run(int a) {\n    int b = a;\n    int c = b;\n    return compile(c);\n}\n")
        self.tree.run("--update-manifest")
        self.tree.commit()
        self.entries = len(self.tree.ledger())

    def stopped(self):
        """The units that the ledger has got since."""
        return {line.split(" | ")[1].partition("@")[0] for line in self.tree.ledger()[self.entries:]}

    def test_a_stop_names_the_neighbour_that_changes_with_it(self):
        # Without its first line describe's closing brace is the beginning of compile.
        self.tree.replace(2, self.FILE, self.HEAD, "")
        self.tree.replace(2, self.FILE, "    int b = a;\n", "    int b = a + 1;\n")
        self.assertIn("in describe, frame\n", self.stops("2", "--no-test"))
        self.assertIn("compile", self.ok("--stop", self.FILE, "step 3 needs it"))
        self.assertNotIn("A -> B -> A", self.ok("--continue"))
        self.assertLessEqual({"describe", "frame", "compile"}, self.stopped())
        self.assertNotIn("run", self.stopped())
        for step in (3, 4, 5):
            self.assertIn("    int b = a + 1;\n", self.tree.read(step, self.FILE))
        self.ok("--check")
        self.assertNotIn("CONFLICT", self.ok("2", "--no-test"))

    def test_what_merged_in_the_neighbour_is_not_stopped(self):
        self.tree.replace(2, self.FILE, self.HEAD, "")
        self.tree.replace(2, self.FILE, "    return describe(a);\n", "    return describe(a + 1);\n")
        self.stops("2", "--no-test")
        self.ok("--stop", self.FILE, "step 3 needs it")
        self.ok("--continue")
        self.assertNotIn("compile", self.stopped())
        self.assertIn("describe(a + 1)", self.tree.read(5, self.FILE))
        self.ok("--check")

    def test_a_stop_names_lines_between_functions(self):
        self.tree.replace(2, self.FILE, f"// Describes.\n{self.HEAD}    int frame = 0;\n",
                          f"#undef note\n\n// Describes.\n{self.HEAD}    int frame = 2;\n")
        self.stops("2", "--no-test")
        self.assertIn("outside of functions", self.ok("--stop", self.FILE, "step 3 needs it"))
        self.ok("--continue")
        self.assertEqual(self.stopped(), {"describe", "(top)"})
        self.ok("--check")

    def test_settled_by_hand_says_what_has_not_come_along(self):
        self.tree.replace(2, self.FILE, self.HEAD, "")
        self.stops("2", "--no-test")
        self.resolve(3, self.FILE, "    int frame = 3;\n", "    int frame = 4;\n")
        said = self.ok("--continue")
        self.assertIn("still to mend: src/frames.c: compile: A -> B -> A: step 3 has step 1's version again", said)
        self.assertIn("compile: A -> B -> A", self.stops("--check"))
        self.ok("--stop", self.FILE + ":compile", "step 3 has its own describe")
        self.ok("--check")

    def test_a_file_stopped_after_failing_tests_is_not_a_return(self):
        self.tree.replace(3, BASELINE, "static int emit_sub", "// t1 = 24: FAILS ITS TEST\nstatic int emit_sub")
        self.tree.run("--update-manifest")
        self.tree.commit()
        self.tree.replace(2, "src/util.c", "b - 40;", "b - 41;")
        self.assertIn("stopped at step 3", self.stops("2"))
        self.ok("--stop", "src/util.c", "step 3 does not bear it")
        self.tree.replace(3, BASELINE, "// t1 = 24: FAILS ITS TEST\n", "")
        self.assertNotIn("A -> B -> A", self.ok("--continue"))
        self.ok("--check")


class Remembered(CarryCase):
    # The same lines in two files. Step 2 rewrites the first, step 4 the second in the same way, one block
    # deeper: the conflict that step 2 had comes back in step 4.
    def setUp(self):
        super().setUp()
        body = "int {0}(int a) {{\n    int x = a + 1;\n    int y = x * 2;\n    return y;\n}}\n"
        rewritten = "int {0}(int a) {{\n    int x = a + 100;\n    return x;\n}}\n"
        deeper = "int {0}(int a) {{\n    if (a) {{\n        int x = a + 100;\n        return x;\n    }}\n}}\n"
        for step in (1, 2, 3, 4, 5):
            self.tree.write(step, "src/one.c", (body if step < 2 else rewritten).format("one"))
            self.tree.write(step, "src/two.c", (body if step < 4 else rewritten).format("two"))
        self.tree.run("--update-manifest")
        self.tree.commit()
        for name in ("one", "two"):
            self.tree.replace(1, f"src/{name}.c", "a + 1;", "a + 2;")

    def test_same_conflict_in_a_later_hop_solves_itself(self):
        said = self.stops("1", "--no-test")
        self.assertIn("step02-regalloc/src/one.c", said)
        self.resolve(2, "src/one.c", "    int x = a + 100;\n", "    int x = a + 200;\n")
        said = self.ok("--continue")
        self.assertIn("remembered    src/two.c", said)
        self.assertIn("a + 200;", self.tree.read(4, "src/two.c"))
        self.assertIn("a + 200;", self.tree.read(5, "src/two.c"))
        self.assertEqual(len(os.listdir(os.path.join(self.tree.root, "tools/carry.d/resolutions"))), 1)
        self.ok("--check")

    def test_remembered_across_carries(self):
        self.stops("1", "--no-test")
        self.resolve(2, "src/one.c", "    int x = a + 100;\n", "    int x = a + 200;\n")
        self.ok("--continue")
        kept = os.path.join(self.tree.root, "tools/carry.d")
        subprocess.run(["cp", "-r", kept, self.tree.root + ".kept"], check=True)
        self.addCleanup(subprocess.run, ["rm", "-rf", self.tree.root + ".kept"])
        self.tree.reset()
        subprocess.run(["cp", "-r", self.tree.root + ".kept/resolutions", kept], check=True)
        self.tree.replace(1, "src/one.c", "a + 1;", "a + 2;")
        self.assertIn("remembered    src/one.c", self.ok("1", "--no-test"))
        self.assertIn("a + 200;", self.tree.read(5, "src/one.c"))

    def test_indentation_does_not_matter(self):
        from resolutions import Resolutions
        store = Resolutions(os.path.join(self.tree.root, "r"))
        flat = [b"a\n", b"  b\n"], [b"c\n"], [b"d\n"]
        store.remember(*flat, [b"x\n", b"\n", b"  y\n"], "here")
        deep = [[b"    " + line for line in side] for side in flat]
        self.assertEqual(store.find(*deep)[1], [b"    x\n", b"\n", b"      y\n"])
        self.assertIsNone(store.find(*flat[:2], [b"e\n"])[1])


class Commands(CarryCase):
    def test_each_hop_is_tested(self):
        self.tree.replace(1, INTERP, *SHARED)
        said = self.ok("1")
        for name in ("step02-regalloc", "step05-ssa"):
            self.assertIn(f"make -C {name} test", said)

    def test_failing_tests_stop_and_the_mending_is_carried_on(self):
        self.tree.replace(3, BASELINE, "static int emit_sub", "// t1 = 24: FAILS ITS\nstatic int emit_sub")
        self.tree.run("--update-manifest")
        self.tree.commit()
        self.tree.replace(1, INTERP, SHARED[0], "    // FAILS ITS TEST\n")
        said = self.stops("1")
        self.assertIn("stopped at step 2: 'make -C step02-regalloc test' failed", said)
        self.assertIn("FAILS ITS TEST", said)       # the tail of the output
        self.assertIn("not passed yet", self.ok("--status"))
        self.stops("--continue")                    # still failing
        self.tree.replace(2, INTERP, "    // FAILS ITS TEST\n", "    // mended\n")
        self.tree.replace(2, "src/backend/regalloc.c", "    int t1 = a * 61 + b - 60;\n", "    int t1 = 0; // mended too\n")
        self.ok("--continue")
        for step in (3, 4, 5):
            self.assertIn("// mended\n", self.tree.read(step, INTERP))
            self.assertIn("// mended too\n", self.tree.read(step, "src/backend/regalloc.c"))

    def test_stop_after_failing_tests(self):
        self.tree.replace(1, INTERP, SHARED[0], "    // FAILS ITS TEST\n")
        self.stops("1")
        self.ok("--stop", INTERP, "only step 1 can do this")
        self.ok("--continue")
        self.assertNotIn("FAILS", self.tree.read(2, INTERP))
        self.ok("--check")

    def test_build_only_and_own_command(self):
        self.tree.replace(1, INTERP, SHARED[0], "    // FAILS ITS TEST\n")
        self.assertNotIn("test\n", self.ok("1", "--build-only"))
        self.tree.reset()
        self.tree.replace(1, INTERP, SHARED[0], "    // DOES NOT BUILD\n")
        self.stops("1", "--build-only")
        self.ok("--abort")
        self.ok("1", "--command", "test -d {step}/src")

    def test_bad_arguments(self):
        self.assertIn("no step 9", self.stops("9"))
        self.assertIn("--base REV", self.stops("1", "--base", "nonsense"))
        for arguments in ((), ("1", "--abort"), ("x",)):
            done = subprocess.run([os.path.join(TOOLS, "carry"), *arguments, "--root", self.tree.root],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual(done.returncode, 2)

    def test_step_can_be_named_by_its_directory(self):
        self.tree.replace(1, INTERP, *SHARED)
        self.ok("step01-codegen/", "--no-test")
        self.assertIn(SHARED[1], self.tree.read(2, INTERP))


class Check(CarryCase):
    def lines(self, *arguments):
        return [line for line in self.stops(*arguments).splitlines() if line]

    def test_clean_tree(self):
        self.assertIn("agree with the manifest", self.ok("--check"))

    def test_drift_in_a_later_step(self):
        self.tree.replace(2, "src/util.c", "b - 40;", "b - 41;")
        self.tree.replace(3, "src/util.c", "b - 40;", "b - 41;")
        self.tree.replace(4, "src/base/util.c", "b - 40;", "b - 41;")
        self.tree.replace(5, "src/base/util.c", "b - 40;", "b - 41;")
        lines = self.lines("--check")
        for word in ("src/util.c", "util_0", "steps 1 and 2", "in step 2 only", "tools/carry --update-manifest"):
            self.assertIn(word, lines[0])
        self.assertNotIn("half-way", "".join(lines))

    def test_drift_of_blank_lines(self):
        self.tree.write(2, INTERP, self.tree.read(2, INTERP) + "\n\n")
        self.assertIn("identical in steps 1 and 2 by the manifest", self.lines("--check")[0])

    def test_half_way_in_a_shared_function(self):
        self.tree.replace(1, INTERP, *SHARED)
        lines = self.lines("--check")
        self.assertEqual(len(lines), 1, lines)
        for word in (INTERP, "interp_part0", "changed in step 1", "half-way", "step 2", "-- tools/carry 1, or"):
            self.assertIn(word, lines[0])

    def test_half_way_where_the_later_step_has_its_own_version(self):
        self.tree.replace(1, BASELINE, *PUSH)
        self.assertIn("emit_push: changed in step 1, stops half-way: step 2's own version was not reconciled",
                      self.lines("--check")[0])

    def test_half_way_further_on(self):
        for step in (1, 2, 3):
            self.tree.replace(step, INTERP, *SHARED)
        lines = self.lines("--check")
        self.assertEqual(len(lines), 1)
        self.assertIn("changed in step 3, stops half-way: step 4", lines[0])

    def test_half_way_when_committed_names_the_base(self):
        self.tree.replace(1, INTERP, *SHARED)
        self.tree.commit()
        self.tree.commit("later")
        line = self.lines("--check")[0]
        command = line.split("-- tools/carry ")[1].split(",")[0].split()
        self.ok(*command, "--no-test")
        self.assertIn(SHARED[1], self.tree.read(5, INTERP))
        self.ok("--check")

    def test_half_way_new_and_removed(self):
        self.tree.write(1, INTERP, self.tree.read(1, INTERP) + "\nint fresh(void) {\n    return 1;\n}\n")
        self.tree.write(1, "tests/test_more.c", "// More.\n")
        os.unlink(self.tree.path(1, "examples/fib.bca"))
        text = "\n".join(self.lines("--check"))
        self.assertIn("fresh: new in step 1, stops half-way: step 2 does not have it", text)
        self.assertIn("tests/test_more.c: whole file: new in step 1", text)
        self.assertIn("examples/fib.bca: whole file: removed in step 1", text)

    def test_changed_in_both_by_hand_is_only_out_of_date(self):
        self.tree.replace(1, BASELINE, *PUSH)
        for step in (2, 3, 4, 5):
            self.tree.replace(step, BASELINE, *PUSH_2)
        lines = self.lines("--check")
        self.assertEqual(len(lines), 1)
        self.assertIn("out of date", lines[0])
        self.assertIn("emit_push (step 1-5)", self.ok("--update-manifest"))
        self.ok("--check")

    def test_ledger_entry_excuses_this_change_and_no_other(self):
        self.tree.replace(1, BASELINE, *PUSH)
        self.ok("--stop", BASELINE + ":emit_push", "step 2 has none of this")
        self.assertIn("out of date", self.lines("--check")[0])
        self.ok("--update-manifest")
        self.ok("--check")
        self.tree.replace(1, BASELINE, PUSH[1], "    int t1 = 0;\n")
        self.assertIn("half-way", self.lines("--check")[0])

    def test_stop_needs_something_to_stop(self):
        self.assertIn("nothing in src/util.c stops half-way", self.stops("--stop", "src/util.c", "why"))

    def test_function_returns(self):
        new = "    int t1 = a * 26 + b - 2500; // step 4\n"
        text = make_step(3)[BASELINE]
        start = text.index("static int emit_call")
        old_call = text[start:text.index("\n}\n", start) + 3]
        five = self.tree.read(5, BASELINE)
        start = five.index("static int emit_call")
        self.tree.write(5, BASELINE, five[:start] + old_call + five[five.index("\n}\n", start) + 3:])
        self.assertNotIn(new, five)
        said = self.stops("--update-manifest")      # no manifest makes it right
        lines = self.lines("--check")
        self.assertEqual(len(lines), 1, lines)
        for word in (BASELINE, "emit_call", "A -> B -> A", "step 5 has step 3's version again, step 4 differs"):
            self.assertIn(word, lines[0])
        self.assertIn("A -> B -> A", said)

    def test_file_returns(self):
        self.tree.write(3, "tests/expected/add.txt", "other\n")
        self.tree.run("--update-manifest", "--anew")
        lines = self.lines("--check")
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("tests/expected/add.txt: whole file: A -> B -> A: step 4 has step 2's version", lines[0])

    def test_new_step_and_new_file_must_be_accepted(self):
        for path, text in make_step(5).items():
            full = os.path.join(self.tree.root, "step06-deopt", path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w") as file:
                file.write(text)
        self.assertIn("step 6 is not in the manifest -- tools/carry --update-manifest", self.lines("--check")[0])
        self.assertIn("accept: step 6", self.ok("--update-manifest"))
        self.ok("--check")
        self.tree.write(5, "src/zz.c", "// New.\n")
        self.assertIn("src/zz.c", self.lines("--check")[0])

    def test_update_refuses_a_fix_that_stops_half_way(self):
        self.tree.replace(1, INTERP, *SHARED)
        before = self.tree.everything()
        self.assertIn("REFUSED", self.stops("--update-manifest"))
        self.assertEqual(self.tree.everything(), before)

    def test_update_says_what_it_accepts(self):
        self.tree.replace(5, INTERP, *SHARED)
        self.assertIn("accept: src/interp/interp.c: interp_part0: identical in steps 4 and 5 by the manifest, "
                      "now changed in step 5 only", self.ok("--update-manifest"))
        self.ok("--check")

    def test_carry_settles_only_what_it_carried(self):
        self.tree.replace(1, INTERP, *SHARED)
        self.tree.commit()
        self.tree.replace(1, "src/util.c", "b - 40;", "b - 41;")
        self.ok("1", "--no-test")
        lines = self.lines("--check")
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("interp_part0: changed in step 1, stops half-way", lines[0])

    def test_no_manifest_and_a_broken_one(self):
        path = os.path.join(self.tree.root, "tools/carry.d/manifest")
        with open(path, "a") as file:
            file.write("<<<<<<< HEAD\n")
        self.assertIn("merge conflict", self.stops("--check"))
        self.ok("--update-manifest", "--anew")
        os.unlink(path)
        self.assertIn("there is no manifest", self.stops("--check"))

    def test_broken_or_outdated_ledger(self):
        path = os.path.join(self.tree.root, "tools/carry.d/ledger")
        with open(path, "a") as file:
            file.write("only two | parts\nsrc/util.c | (absent) | 1 | 2 | step 2 does not have this file\n")
        text = "\n".join(self.lines("--check"))
        self.assertIn("not 'file | unit", text)
        self.assertIn("the ledger says that step 2 does not have it, but it does", text)

    def test_manifest_is_stable_text(self):
        path = os.path.join(self.tree.root, "tools/carry.d/manifest")
        with open(path) as file:
            text = file.read()
        self.ok("--update-manifest", "--anew")
        with open(path) as file:
            self.assertEqual(file.read(), text)
        self.assertIn("file src/base/util.c  4-5:", text)


if __name__ == "__main__":
    unittest.main()
