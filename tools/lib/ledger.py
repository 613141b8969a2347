"""tools/carry.d/ledger: what is deliberately not carried, and why.

One entry a line:    file | unit | from step | stops at step | reason

`unit` is a function (or table, type, ...) with the identity of the version that stopped, as in
`emit_add@1f3c22ab90de`; `*@identity` for a whole file; or one of
    *         with `*` as both steps: a standing rule, the file (a pattern) is each step's own
    (absent)  the file does not exist from that step on; noted by carry
A trailing @identity of `gone` means that the change was a removal. Lines with # are comments.
"""

import fnmatch
import os
from collections import namedtuple

Line = namedtuple("Line", "file unit origin stop reason number")

HEADER = """\
# What is deliberately not carried from step to step, and why. docs/maintaining.md explains it.
# file | function or * (@ version) | from step | stops at step | reason
"""
STANDING = """\
README.md | * | * | * | a chapter is its own text
assignment.* | * | * | * | a step's assignment names its own tasks
exercises/* | * | * | * | a chapter's exercises
figures/* | * | * | * | a chapter's figures
stops/* | * | * | * | the stops of a chapter's section "Building it"
demo.sh | * | * | * | shows what is new in this step
"""
ABSENT = "(absent)"
GONE = "gone"


def identity(digest):
    """How a version is named in an entry; the mode of a file does not count."""
    return GONE if digest is None else digest.partition("+")[0]


class Ledger:
    # A new repository has no ledger yet: it starts with the standing rules.
    def __init__(self, path):
        self.path, self.lines, self.errors = path, [], []
        try:
            with open(path, encoding="utf-8") as file:
                self.text = file.read()
        except FileNotFoundError:
            self.text = HEADER + STANDING
        for number, text in enumerate(self.text.splitlines(), 1):
            if not text.strip() or text.lstrip().startswith("#"):
                continue
            parts = [part.strip() for part in text.split("|", 4)]
            if len(parts) == 5 and all(parts) and all(p == "*" or p.isdigit() for p in parts[2:4]):
                self.lines.append(Line(*parts, number))
            else:
                self.errors.append((number, "not 'file | unit | from | stops at | reason': " + text.strip()))

    def own(self, path):
        """The reason why this file is each step's own, or None."""
        for line in self.lines:
            if line.unit == "*" and line.origin == "*" and line.stop == "*" and \
                    (fnmatch.fnmatchcase(path, line.file) or path == line.file):
                return line.reason
        return None

    def stopped(self, path, unit, step, digest):
        """The entry that lets this version of the unit (digest None: its removal) end before `step`."""
        wanted = {f"{unit}@{identity(digest)}", unit}
        for line in self.lines:
            if line.file == path and line.unit in wanted and line.unit != "*" and line.stop == str(step):
                return line
        return None

    def file_stopped(self, path, step, digest):
        return self.stopped(path, "*", step, digest)

    def explains(self, path, unit, step):
        """True when some change to the unit (or to its whole file) has been let end before `step`."""
        return any(line.file == path and line.stop == str(step) and line.unit != ABSENT and
                   line.unit.partition("@")[0] in (unit, "*") for line in self.lines)

    def absent(self):
        return [line for line in self.lines if line.unit == ABSENT]

    def add(self, path, unit, origin, stop, reason):
        """Append an entry and save. An entry that is there already is not repeated."""
        reason = " ".join(reason.split())
        for line in self.lines:
            if (line.file, line.unit, line.stop) == (path, unit, str(stop)):
                return
        self.text += ("" if self.text.endswith("\n") else "\n") + \
            f"{path} | {unit} | {origin} | {stop} | {reason}\n"
        self.lines.append(Line(path, unit, str(origin), str(stop), reason, self.text.count("\n")))
        self.save()

    def save(self):
        if self.path is None:       # a dry run
            return
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(self.text)
