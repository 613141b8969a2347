#!/usr/bin/env python3
"""200 seeded random edits, carried: each ends applied, ledgered or as a reported conflict; none is lost.

Every place of an edit gets a word that occurs nowhere else, so where it arrived is seen by searching the
later steps' files for it, without asking the tool. Where it is not found, the tool's output must say why.
By hand: test_carry_random.py [--seed N] [--edits N] [--made-up] [-v]
"""

import os
import random
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from carry_tree import TOOLS, Tree  # noqa: E402

SEED, EDITS = 20260101, 200
TEXT = (".c", ".h", ".bca", ".txt")
NOT_ARRIVED = ("CONFLICT", "stopped", "not carried")
DEFINITION = re.compile(r"^[A-Za-z_][\w \*]*?\b(\w+)\([^;]*$")


def lines_of(text):
    return text.split("\n")


def enclosing(lines, at):
    """The function around a line, found by looking upwards for a line in the first column."""
    for i in range(at, -1, -1):
        if lines[i].startswith("}") and i != at:
            return None
        match = DEFINITION.match(lines[i])
        if match and lines[i].rstrip().endswith("{"):
            return match.group(1)
    return None


class Edit:
    """One random edit. places: (path, word that must arrive or None, line that must go or None, function)."""

    def __init__(self, tree, steps, number, seed):
        self.tree, self.steps = tree, steps
        self.random = random.Random(f"{seed}-{number}")
        self.word = f"carried_{number}_{seed % 1000}"
        self.step = self.random.choice(steps[:-1])
        self.later = [s for s in steps if s > self.step]
        self.places = []
        self.kind = self.random.choice(
            ["change", "change", "insert", "delete", "rename_function", "add_file", "two_places", "changed_later",
             "changed_later", "table_row", "twin", "remove_file", "rename_file", "chapter", "mode"])
        getattr(self, self.kind)()

    def files(self, endings=TEXT):
        root = os.path.join(self.tree.root, self.tree.name(self.step))
        found = []
        for folder, folders, names in os.walk(root):
            folders[:] = [f for f in folders if f != "build"]
            found += [os.path.relpath(os.path.join(folder, n), root) for n in names if n.endswith(endings)]
        return sorted(found)

    def load(self, path):
        return lines_of(self.tree.read(self.step, path))

    def store(self, path, lines):
        self.tree.write(self.step, path, "\n".join(lines))

    def pick(self, condition, endings=TEXT):
        """(path, lines, index) of a random line; (None, None, None) when no line is like that."""
        files = self.files(endings)
        self.random.shuffle(files)
        for path in files:
            lines = self.load(path)
            good = [i for i, line in enumerate(lines) if line.strip() and condition(path, lines, i)]
            if good:
                return path, lines, self.random.choice(good)
        return None, None, None

    def mark(self, path, lines, at, suffix=""):
        word = self.word + suffix
        text, slash = (lines[at][:-1].rstrip(), " \\") if lines[at].endswith("\\") else (lines[at], "")
        tail = f"/* {word} */" if path.endswith((".c", ".h")) else f"; {word}"
        lines[at] = f"{text} {tail}{slash}"
        self.places.append((path, word, None, enclosing(lines, at)))

    def change(self, condition=lambda path, lines, i: True, endings=TEXT):
        path, lines, at = self.pick(condition, endings)
        if path is None:
            return self.insert()
        self.mark(path, lines, at)
        self.store(path, lines)

    def insert(self):
        path, lines, at = self.pick(lambda path, lines, i: not lines[i].endswith("\\"))
        new = [f"{'//' if path.endswith(('.c', '.h')) else ';'} {self.word} line {n}" for n in range(self.random.randint(1, 5))]
        self.store(path, lines[:at + 1] + new + lines[at + 1:])
        self.places.append((path, self.word + " line 0", None, None))

    def delete(self):
        path, lines, at = self.pick(lambda path, lines, i: lines.count(lines[i]) == 1)
        self.places.append((path, None, lines[at], enclosing(lines, at)))
        self.store(path, lines[:at] + lines[at + 1:])

    def rename_function(self):
        path, lines, at = self.pick(lambda path, lines, i: bool(DEFINITION.match(lines[i])) and lines[i].endswith("{"), (".c",))
        if path is None:
            return self.change()
        old = DEFINITION.match(lines[at]).group(1)
        self.store(path, [re.sub(rf"\b{old}\b", self.word, line) for line in lines])
        self.places.append((path, self.word + "(", None, None))

    def add_file(self):
        path = f"src/{self.word}.c"
        self.store(path, [f"// {self.word} is new.", f"int {self.word}(void);", ""])
        self.places.append((path, f"{self.word} is new", None, None))

    def remove_file(self):
        path = self.random.choice(self.files())
        os.unlink(self.tree.path(self.step, path))
        self.places.append((path, None, None, None))

    def rename_file(self):
        path = self.random.choice(self.files((".c",)))
        lines = self.load(path)
        os.unlink(self.tree.path(self.step, path))
        new = os.path.join(os.path.dirname(path), self.word + ".c")
        lines[-1:] = [f"// {self.word}", ""]
        self.store(new, lines)
        self.places.append((new, self.word, None, None))
        self.old_name = path

    def two_places(self):
        path, lines, at = self.pick(lambda path, lines, i: True)
        self.mark(path, lines, at, "_one")
        others = [i for i in range(len(lines)) if abs(i - at) > 3 and lines[i].strip()]
        if others:
            self.mark(path, lines, self.random.choice(others), "_two")
        self.store(path, lines)

    def changed_later(self):
        def condition(path, lines, i):
            after = self.later[0]
            return self.tree.has(after, path) and lines[i] not in lines_of(self.tree.read(after, path))
        self.change(condition)

    def table_row(self):
        self.change(lambda path, lines, i: lines[i].lstrip().startswith(("_(", "X(")), (".h", ".c"))

    def twin(self):
        """The same change is made by hand in the next step too, where that has the same line."""
        def condition(path, lines, i):
            return self.tree.has(self.later[0], path) and lines.count(lines[i]) == 1 and \
                lines_of(self.tree.read(self.later[0], path)).count(lines[i]) == 1
        path, lines, at = self.pick(condition)
        if path is None:
            return self.change()
        old = lines[at]
        self.mark(path, lines, at)
        self.store(path, lines)
        text = lines_of(self.tree.read(self.later[0], path))
        text[text.index(old)] = lines[at]
        self.tree.write(self.later[0], path, "\n".join(text))

    def chapter(self):
        if not self.tree.has(self.step, "README.md"):
            return self.change()
        self.store("README.md", self.load("README.md") + [self.word, ""])
        self.places.append(("README.md", self.word, None, None))

    def mode(self):
        path = self.random.choice(self.files())
        full = self.tree.path(self.step, path)
        os.chmod(full, os.stat(full).st_mode ^ 0o111)
        lines = self.load(path)
        self.mark(path, lines, 0)
        self.store(path, lines)


class RandomEdits(unittest.TestCase):
    seed, edits, made_up, talk = SEED, EDITS, False, False

    def words_in(self, step):
        root = os.path.join(self.tree.root, self.tree.name(step))
        out = []
        for folder, folders, names in os.walk(root):
            folders[:] = [f for f in folders if f != "build"]
            for name in names:
                with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                    out.append(file.read())
        return "\0".join(out)

    def arrived(self, edit, place, step, text):
        path, word, gone, _ = place
        if word is not None:
            return word in text
        if gone is not None:
            return not self.tree.has(step, path) or gone not in lines_of(self.tree.read(step, path))
        return not self.tree.has(step, path)

    def verify(self, edit, said):
        """Each place is in each later step, or a line of the output says where and why it stopped."""
        hop, notes = None, []
        for line in said.split("\n"):
            match = re.match(r"step \d+ -> (\d+) ", line)
            hop = int(match.group(1)) if match else hop
            if hop and line.strip().startswith(NOT_ARRIVED):
                notes.append((hop, line))
            if "stops at step" in line:
                notes.append((int(re.search(r"stops at step (\d+)", line).group(1)), line))
        words = {step: self.words_in(step) for step in edit.later}
        for place in edit.places:
            for step in edit.later:
                if self.arrived(edit, place, step, words[step]):
                    continue
                paths = [place[0], getattr(edit, "old_name", place[0])]
                base = [os.path.basename(p) for p in paths]
                reasons = [line for at, line in notes if at <= step and any(p in line for p in paths + base)]
                function = place[3]
                self.assertTrue(reasons, f"{edit.word} ({edit.kind}): {place} did not reach step {step} "
                                         f"and nothing says why:\n{said}")
                if function:
                    whole = ("does not have this file", "whole file", "not carried")
                    self.assertTrue(any(function in r or any(w in r for w in whole) for r in reasons),
                                    f"{edit.word} ({edit.kind}): no line names {function}:\n{said}")
                self.lost_reasons += 1

    def settle(self, edit, said):
        """A conflict: abort, stop the file, or resolve it by hand, until the carry is through."""
        for _ in range(40):
            way = edit.random.choice(["abort", "stop", "resolve"])
            place = re.search(r"^  (step\d\d-[^/]+)/([^:\n]+)(?::(\d+))?: in ", said.rsplit("carry: stopped", 1)[1], re.M)
            self.assertTrue(place, said)
            full = os.path.join(self.tree.root, place.group(1), place.group(2))
            if way == "abort":
                self.assertEqual(self.tree.run("--abort"), 0, self.tree.said)
                self.assertEqual(self.tree.everything(), self.before, edit.word)
                return "aborted", said
            text = ""
            if os.path.exists(full):
                with open(full) as file:
                    text = file.read()
            if way == "resolve" and "<<<<<<< step" in text:
                # The step's own lines, and the words of the change after them.
                def both(match):
                    new = "".join(f"// kept {w}\n" for w in sorted(set(re.findall(rf"{edit.word}\w*", match.group(3)))))
                    return match.group(1) + (new or "// the line is gone here too\n")
                text = re.sub(r"<<<<<<< step[^\n]*\n(.*?)\|\|\|\|\|\|\| step[^\n]*\n(.*?)=======\n(.*?)>>>>>>> step[^\n]*\n",
                              both, text, flags=re.S)
                with open(full, "w") as file:
                    file.write(text)
                self.by_hand = True
            else:
                name = place.group(2)
                moved = re.search(rf"or --stop (\S+)", said.rsplit("carry: stopped", 1)[1])
                before = len(self.tree.ledger()) if os.path.exists(self.tree.root + "/tools/carry.d/ledger") else 2
                self.assertEqual(self.tree.run("--stop", moved.group(1) if moved else name, "random test"), 0,
                                 said + self.tree.said)
                said += self.tree.said
                self.assertGreater(len(self.tree.ledger()), before)
            status = self.tree.run("--continue")
            said += self.tree.said
            if status == 0:
                return "settled", said
            if "carry: stopped" not in self.tree.said:      # conflicts in other files are still open
                self.tree.run("--status")
                said += self.tree.said
        self.fail("a conflict without end:\n" + said)

    def check(self, known):
        """What --check says and has not said before the edit."""
        self.tree.run("--check")
        return [line for line in self.tree.said.splitlines() if line not in known and "agree with the manifest" not in line]

    def stop_what_is_told(self, fresh, said, known):
        """A resolution by hand may leave a neighbour as it was: the carry has to say so, and how to let it stop."""
        for line in fresh:
            if "A -> B -> A" in line:
                self.assertIn(f"still to mend: {line}\n", said)
                name = re.search(r"--stop '([^']+)'", line).group(1)
                self.assertEqual(self.tree.run("--stop", name, "random test"), 0, self.tree.said)
        return self.check(known) if fresh else []

    def test_random_edits(self):
        import steptree
        source = os.path.dirname(TOOLS)
        real = not self.made_up and len(steptree.list_steps(source)) >= 3
        self.tree = Tree(source=source if real else None)
        self.addCleanup(self.tree.close)
        steps = [s.number for s in steptree.list_steps(self.tree.root)]
        self.tree.run("--check")
        known = set(self.tree.said.splitlines())
        outcome, self.lost_reasons = {}, 0
        for number in range(self.edits):
            edit = Edit(self.tree, steps, number, self.seed)
            self.before, self.by_hand = self.tree.everything(), False
            status = self.tree.carry(str(edit.step))
            said = self.tree.said
            end = "carried"
            if status:
                end, said = self.settle(edit, said)
            if self.talk:
                print(f"--- {number}: {edit.kind} in step {edit.step}: {end}\n{said}")
            if end == "aborted":
                self.assertIn("CONFLICT", said)
            else:
                self.verify(edit, said)
                fresh = self.check(known)
                if self.by_hand:
                    fresh = self.stop_what_is_told(fresh, said, known)
                self.assertEqual(fresh, [], f"{number} {edit.kind}: --check after the carry:\n{said}")
            outcome[end] = outcome.get(end, 0) + 1
            self.tree.reset()
        words = ", ".join(f"{n} {what}" for what, n in sorted(outcome.items()))
        print(f"{self.edits} edits of {'the steps' if real else 'made-up steps'} {steps}, seed {self.seed}: {words}; "
              f"{self.lost_reasons} places did not arrive, each with its reason")


class MadeUpSteps(RandomEdits):
    """A few on the made-up steps as well, whose differences are known to be there."""
    edits, made_up = 60, True


if __name__ == "__main__":
    for option, name in (("--seed", "seed"), ("--edits", "edits")):
        if option in sys.argv:
            at = sys.argv.index(option)
            setattr(RandomEdits, name, int(sys.argv[at + 1]))
            if option == "--edits":
                MadeUpSteps.edits = int(sys.argv[at + 1])
            del sys.argv[at:at + 2]
    RandomEdits.made_up = "--made-up" in sys.argv
    RandomEdits.talk = "-v" in sys.argv
    sys.argv = [a for a in sys.argv if a != "--made-up"]
    unittest.main()
