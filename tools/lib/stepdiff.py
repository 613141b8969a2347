"""What changed between two neighbouring steps: the summary, the functions, the lines.

The line counts are those of `git diff --numstat`, so anyone can check them with git alone.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import namedtuple

import cscan
import linediff
import steptree
from ledger import Ledger

# status: changed added removed renamed same; hunks: [(old start, new start, lines)], lines with their sign
Change = namedtuple("Change", "status path old_path added removed hunks")

# The order in which a step's folders were introduced (and are best read).
MODULES = ["bytecode", "interp", "asm", "baseline", "backend", "abi", "object", "ir", "opt", "deopt", "gc",
           "tier", "simd", "lang", "lib"]
HUNK = re.compile(rb"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")


def reading_order(path):
    """A sort key: src by module, other sources, build rules, examples, tests, golden data, assignment, chapter."""
    parts = path.split("/")
    if parts[0] == "src":
        module = MODULES.index(parts[1]) if len(parts) > 2 and parts[1] in MODULES else len(MODULES)
        stem, extension = os.path.splitext(path)
        return 0, module, stem, extension != ".h", path
    if path == "README.md":
        return 9, 0, "", 0, path
    group = {"Makefile": 1, "examples": 2, "tests": 3, "bench": 5}.get(parts[0], 6)
    if parts[0] == "tests" and not path.endswith((".c", ".h", ".py", ".sh")):
        group = 4       # golden data
    return group, 0, path, 0, path


def in_summary_only(path):
    """Chapters and golden data: counted, shown line by line only on request."""
    return reading_order(path)[0] in (4, 9)


def compare(old, new, lines=True):
    """[Change] of two trees, in reading order. `lines`: with hunks and counts."""
    gone = {p: e for p, e in old.items() if p not in new}
    come = {p: e for p, e in new.items() if p not in old}
    renames = steptree.find_renames(gone, come)
    back = {q: p for p, q in renames.items()}
    pairs = []
    for path in sorted(set(old) | set(new), key=reading_order):
        if path in renames:
            continue
        before = old.get(back.get(path, path))
        after = new.get(path)
        status = "renamed" if path in back else "added" if before is None else "removed" if after is None else \
            "same" if before == after else "changed"
        pairs.append((status, path, back.get(path, path), before, after))
    wanted = [(b, a) for status, _, _, b, a in pairs if status != "same"]
    found = iter(diff_files(wanted) if lines and wanted else [])
    out = []
    for status, path, old_path, before, after in pairs:
        added, removed, hunks = next(found) if lines and status != "same" else (0, 0, [])
        out.append(Change(status, path, old_path, added, removed, hunks))
    return out


def diff_files(pairs):
    """[(added, removed, hunks)] for pairs of entries (None: no file); one run of git for all of them."""
    if not shutil.which("git"):
        return [_diff_without_git(a, b) for a, b in pairs]
    with tempfile.TemporaryDirectory(prefix="step-diff-") as folder:
        for number, sides in enumerate(pairs):
            for side, entry in zip("ab", sides):
                if entry is not None:
                    # A link's target is its content; links are not followed.
                    steptree.write_entry(os.path.join(folder, side, f"{number:06}"),
                                         steptree.Entry(0o644, entry.data))
        for side in "ab":
            os.makedirs(os.path.join(folder, side), exist_ok=True)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        environment.update(GIT_CONFIG_NOSYSTEM="1", GIT_CONFIG_GLOBAL=os.devnull, GIT_CEILING_DIRECTORIES=folder)
        done = subprocess.run(["git", "diff", "--no-index", "--no-color", "--no-renames", "--no-ext-diff", "--text",
                               "-U3", "a", "b"], cwd=folder, env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        if done.returncode not in (0, 1):
            raise steptree.TreeError("git diff: " + done.stderr.decode(errors="replace").strip())
    return _parse(done.stdout, len(pairs), pairs)


def _parse(output, count, pairs):
    result = [[0, 0, []] for _ in range(count)]
    current = None
    left = [0, 0]
    for line in output.split(b"\n"):
        if left == [0, 0]:
            if line.startswith(b"diff --git "):
                current = result[int(line.rsplit(b"/", 1)[1])]
                continue
            match = HUNK.match(line)
            if match:
                sizes = re.match(rb"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@", line).groups()
                left = [1 if s is None else int(s) for s in sizes]
                current[2].append([int(match.group(1)), int(match.group(2)), []])
                continue
            if not line.startswith(b"\\") or not current:
                continue
        if line.startswith(b"\\"):
            continue
        sign = line[:1] or b" "
        current[2][-1][2].append((sign.decode(), line[1:]))
        current[0] += sign == b"+"
        current[1] += sign == b"-"
        left[0] -= sign != b"+"
        left[1] -= sign != b"-"
    for number, (a, b) in enumerate(pairs):
        if any(e is not None and steptree.is_binary(e.data) for e in (a, b)):
            result[number] = [0, 0, []]
    return [tuple(r) for r in result]


def _diff_without_git(a, b):
    one, two = (linediff.split_lines(e.data) if e is not None else [] for e in (a, b))
    found = linediff.hunks(one, two)
    hunks = [[i1 + 1, j1 + 1, [("-", x.rstrip(b"\n")) for x in one[i1:i2]] + [("+", x.rstrip(b"\n")) for x in two[j1:j2]]]
             for i1, i2, j1, j2 in found]
    return sum(h[3] - h[2] for h in found), sum(h[1] - h[0] for h in found), hunks


def functions(change, old, new):
    """(changed, added, removed): names of the units that differ."""
    before, after = old.get(change.old_path), new.get(change.path)
    if not cscan.is_c(change.path):
        return [], [], []
    a = cscan.units_of(change.path, before.data) if before else {}
    b = cscan.units_of(change.path, after.data) if after else {}
    return ([u for u in b if u in a and a[u] != b[u]],
            [u for u in b if u not in a and u != cscan.TOP], [u for u in a if u not in b and u != cscan.TOP])


class Painter:
    """Text with or without colours."""

    CODES = {"head": "1", "file": "1;36", "hunk": "35", "+": "32", "-": "31", "dim": "2"}

    def __init__(self, colour):
        self.colour = colour
        self.lines = []

    def paint(self, kind, text):
        return f"\033[{self.CODES[kind]}m{text}\033[m" if self.colour and kind in self.CODES else text

    def line(self, text="", kind=None):
        self.lines.append(self.paint(kind, text) if kind else text)


def show_text(data):
    """A line of a file, with control characters made visible."""
    text = data.decode("utf-8", "replace").rstrip("\r")
    return "".join(c if c == "\t" or c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def names_line(names, width=100, indent=13):
    """Names separated by commas, wrapped under each other; declarations are folded into a count."""
    shown = [cscan.spoken(n) for n in names if not n.startswith("declaration of ")]
    declared = len(names) - len(shown)
    if declared:
        shown.append(f"{declared} declaration{'s' if declared != 1 else ''}")
    lines, current = [], ""
    for name in shown:
        piece = name if not current else ", " + name
        if current and len(current) + len(piece) > width - indent:
            lines.append(current + ",")
            current = name
        else:
            current += piece
    return ("\n" + " " * indent).join(lines + [current])


def count(n, what):
    return f"{n} {what}{'' if n == 1 else 's'}"


def show(painter, step, before, changes, old, new, everything, only_summary, own):
    """The whole report. `own(path)`: true for the chapter's own files, which are told in one line."""
    p = painter
    if everything or not before:
        own = lambda path: False
    title = f"Step {step.number} ({step.name})"
    p.line(f"{title} against step {before.number} ({before.name})" if before else f"{title}: the first step; every file is new", "head")
    by = {s: [c for c in changes if c.status == s] for s in ("same", "changed", "renamed", "added", "removed")}
    moving = [c for c in changes if c.status != "same"]
    p.line(f"{count(len(by['same']), 'file')} unchanged, {len(by['changed'])} changed, "
           + (f"{len(by['renamed'])} renamed, " if by["renamed"] else "")
           + f"{len(by['added'])} added, {len(by['removed'])} removed; "
           f"+{sum(c.added for c in moving)} -{sum(c.removed for c in moving)} lines")
    width = max([len(c.path) for c in moving if not own(c.path)], default=0)
    for status in ("changed", "renamed", "added", "removed"):
        listed = [c for c in by[status] if not own(c.path)]
        if not listed:
            continue
        p.line()
        p.line(status.capitalize(), "head")
        for c in listed:
            plus, minus = p.paint("+", f"{'+' + str(c.added):>6}"), p.paint("-", f"{'-' + str(c.removed):>6}")
            entry = new.get(c.path) or old.get(c.old_path)
            note = f"  from {c.old_path}" if status == "renamed" else ""
            if steptree.is_binary(entry.data):
                note += "  binary"
            if old.get(c.old_path) and new.get(c.path) and old[c.old_path].mode != new[c.path].mode:
                note += f"  mode {old[c.old_path].mode & 0o777:o} -> {new[c.path].mode & 0o777:o}"
            p.line(f"  {c.path:<{width}} {plus} {minus}{note}")
    show_own(p, [c for c in moving if own(c.path)])
    listed = [(c, *functions(c, old, new)) for c in moving if c.path.startswith("src/")]
    if before and any(a or b or r for _, a, b, r in listed):
        p.line()
        p.line("Functions, tables and types", "head")
        for c, changed, added, removed in listed:
            if not (changed or added or removed):
                continue
            p.line(f"  {c.path}", "file")
            for word, names in (("changed", changed), ("added", added), ("removed", removed)):
                if names and c.status == "removed":
                    p.line(f"    removed  all {len(names)} of the file")
                elif names:
                    p.line(f"    {word:<8} {names_line(names)}")
    if only_summary:
        return
    hidden = []
    for c in moving:
        if not everything and (in_summary_only(c.path) or own(c.path) or not before):
            hidden.append(c)
            continue
        if c.status == "renamed" and not c.hunks:
            continue
        p.line()
        show_file(p, c, old, new, everything, step)
    if hidden:
        p.line()
        p.line("(the chapter's own files and golden data: line by line with --all)" if before else
               f"(read them in {step.name}, or line by line with --all)", "dim")


def show_own(p, changes):
    """One line for what every step has of its own: the chapter, its figures, its exercises."""
    if not changes:
        return
    places = {}
    for c in changes:
        places.setdefault(c.path.split("/")[0], []).append(c)
    names = [name if cs[0].path == name else f"{name}/ ({count(len(cs), 'file')})" for name, cs in places.items()]
    p.line()
    p.line("The chapter's own", "head")
    p.line(f"  {names_line(names, indent=2)}: +{sum(c.added for c in changes)} -{sum(c.removed for c in changes)}")


def show_file(p, c, old, new, everything, step):
    what = {"changed": "", "added": "  (new)", "removed": "  (removed)", "renamed": f"  (was {c.old_path})"}[c.status]
    p.line(f"=== {c.path}{what}  +{c.added} -{c.removed}", "file")
    if c.status == "removed" and not everything:
        p.line(f"    its {count(c.removed, 'line')} are gone", "dim")
        return
    if c.status == "added" and not everything:
        show_new_file(p, c, new[c.path].data, step)
        return
    before, after = old.get(c.old_path), new.get(c.path)
    for old_start, new_start, lines in c.hunks:
        p.line(f"@@ line {new_start}{hunk_names(c, before, after, old_start, new_start, lines)} @@", "hunk")
        for sign, data in lines:
            p.line(sign + show_text(data), sign if sign in "+-" else None)


def hunk_names(c, before, after, old_start, new_start, lines):
    """', in f, g': the units whose lines this hunk changes."""
    if not cscan.is_c(c.path):
        return ""
    names, i, j = [], old_start - 1, new_start - 1
    for sign, data in lines:
        if sign != " " and data.strip():
            entry, line = (after, j) if sign == "+" else (before, i)
            name = cscan.unit_at(c.path, entry.data, line)
            if name not in names:
                names.append(name)
        i, j = i + (sign != "+"), j + (sign != "-")
    named = [n for n in names if n != cscan.TOP]
    return ", in " + ", ".join(named) if named else ""


def show_new_file(p, c, data, step):
    """A new file's opening comment and what it defines: the file itself is better read in an editor."""
    lines = [show_text(line) for line in data.split(b"\n")]
    opening = []
    for line in lines:
        if not line.startswith(("//", "#", ";", "/*", " *")) or line.startswith(("#include", "#ifndef", "#define")):
            break
        opening.append(line)
    for line in opening[:40]:
        p.line("+" + line, "+")
    units = [u for u in cscan.units_of(c.path, data) if u != cscan.TOP] if cscan.is_c(c.path) else []
    if units:
        p.line(f"    defines  {names_line(units)}")
    p.line(f"    ({count(c.added, 'line')}: {step.name}/{c.path}; line by line with --all)", "dim")


def source_lines(tree):
    return sum(len(linediff.split_lines(e.data)) for p, e in tree.items() if p.startswith("src/"))


def stat_table(p, steps, trees, own):
    """One row for each step. Files that are each step's own (chapters, assignments) do not count."""
    trees = {number: {path: e for path, e in tree.items() if not own(path)} for number, tree in trees.items()}
    head = ["step", "unchanged", "changed", "added", "removed", "lines +", "lines -", "src lines"]
    rows, before = [], {}
    for step in steps:
        changes = compare(before, trees[step.number])
        n = lambda s: sum(c.status == s for c in changes)
        rows.append([step.name, n("same"), n("changed") + n("renamed"), n("added"), n("removed"),
                     f"+{sum(c.added for c in changes)}", f"-{sum(c.removed for c in changes)}",
                     source_lines(trees[step.number])])
        before = trees[step.number]
    widths = [max(len(str(r[i])) for r in [head] + rows) for i in range(len(head))]
    p.line("  ".join(f"{h:<{w}}" if i == 0 else f"{h:>{w}}" for i, (h, w) in enumerate(zip(head, widths))), "head")
    for row in rows:
        cells = [f"{str(v):<{w}}" if i == 0 else f"{str(v):>{w}}" for i, (v, w) in enumerate(zip(row, widths))]
        cells[5], cells[6] = p.paint("+", cells[5]), p.paint("-", cells[6])
        p.line("  ".join(cells))


def markdown_rows(changes):
    """The rows of a chapter's section "What changed"; the author adds the column that says why."""
    return [f"| {c.path} | +{c.added} | -{c.removed} |" for c in changes
            if c.status != "same" and (c.path.startswith("src/") or c.old_path.startswith("src/"))]


def page(text, terminal):
    """Print, through a pager on a terminal (GIT_PAGER, PAGER, less), like git does."""
    pager = next((os.environ[v] for v in ("GIT_PAGER", "PAGER") if v in os.environ), "less -R")
    if not terminal or not pager.strip() or pager.strip() == "cat" or \
            pager == "less -R" and not shutil.which("less"):
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return
    environment = dict(os.environ)
    environment.setdefault("LESS", "FRX")
    process = subprocess.Popen(pager, shell=True, stdin=subprocess.PIPE, env=environment)
    try:
        process.stdin.write(text.encode("utf-8", "replace"))
        process.stdin.close()
    except (BrokenPipeError, KeyboardInterrupt):
        pass
    while True:
        try:
            process.wait()
            return
        except KeyboardInterrupt:       # the pager's own business
            pass


HELP = """\
What changed in a step since the one before, by file and by function.

  tools/step-diff 2             summary, functions, then the changed lines in reading order
  tools/step-diff 2 --stat      the summary only
  tools/step-diff 2 --all       also the chapter, golden data and the whole text of new files
  tools/step-diff 2 --table     the rows of the chapter's section "What changed" (src only)
  tools/step-diff --stat        one row for every step
"""


def main(arguments):
    parser = argparse.ArgumentParser(prog="tools/step-diff", description=HELP,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", nargs="?", help="2, 02 or step02-regalloc")
    parser.add_argument("--stat", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--color", "--colour", choices=["auto", "always", "never"], default="auto")
    parser.add_argument("--no-pager", action="store_true")
    parser.add_argument("--root", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.step is None and (not options.stat or options.table):
        parser.error("name a step, or --stat for the table of all steps")
    terminal = sys.stdout.isatty()
    colour = options.color == "always" or options.color == "auto" and terminal and \
        not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    painter = Painter(colour)
    try:
        root = os.path.abspath(options.root or steptree.top_directory())
        steps = steptree.list_steps(root)
        ledger = Ledger(os.path.join(root, "tools", "carry.d", "ledger"))
        if options.step is None:
            stat_table(painter, steps, steptree.read_steps(root, steps), ledger.own)
        else:
            at = find_step(steps, options.step)
            step, before = steps[at], steps[at - 1] if at else None
            trees = steptree.read_steps(root, [s for s in (before, step) if s])
            old, new = trees[before.number] if before else {}, trees[step.number]
            changes = compare(old, new)
            if options.table:
                painter.lines = markdown_rows(changes)
            else:
                show(painter, step, before, changes, old, new, options.all, options.stat, ledger.own)
    except steptree.TreeError as error:
        print(f"step-diff: {error}", file=sys.stderr)
        return 2
    page("".join(line + "\n" for line in painter.lines), terminal and not options.no_pager)
    return 0


def find_step(steps, text):
    match = re.match(r"(?:step)?(\d+)(?:-|/|\Z)", text)
    for at, step in enumerate(steps):
        if match and step.number == int(match.group(1)):
            return at
    have = ", ".join(str(s.number) for s in steps) or "none"
    raise steptree.TreeError(f"there is no step '{text}'; there are: {have}")
