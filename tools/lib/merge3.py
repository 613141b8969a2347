"""One hop of a carry: the change old -> new of step k, brought into step k+1.

Everything here works on trees in memory ({path: Entry}, see steptree) and touches no file of the
project. The lines are merged by `git merge-file`; a comparison of our own classifies each place as
applied, already there, or in conflict, and names the functions.
"""

import os
import subprocess
import tempfile
from collections import namedtuple

import cscan
import linediff
import steptree
from steptree import Entry

# What became of one file. kind: applied already added removed renamed stopped absent own remembered
# conflict. units: names; detail: a few words more.
Result = namedtuple("Result", "kind path units detail")

# A place that needs a person. kind: lines (markers in the file), removed (a removal meets a change),
# binary, moved (the function lives in another file of the later step; path is that file).
Conflict = namedtuple("Conflict", "kind path origin_path units line detail")

# The next hop carries `without` -> the step as it is afterwards: for a file whose step has (parts of) the
# change already, `without` is that file without it. Other files: the step as it was before.
Hop = namedtuple("Hop", "tree without results conflicts")

OURS, BASE, THEIRS = b"<<<<<<< ", b"||||||| ", b">>>>>>> "


def labels(origin, target):
    return (f"step {target} as it is (carry)", f"step {origin} before the change (carry)",
            f"step {origin} with the change (carry)")


def merge_lines(ours, base, theirs, names):
    """(text, number of conflicts) by git merge-file."""
    if ours == base:
        return theirs, 0
    if base == theirs or ours == theirs:
        return ours, 0
    with tempfile.TemporaryDirectory(prefix="carry-") as folder:
        files = [os.path.join(folder, n) for n in ("ours", "base", "theirs")]
        for path, data in zip(files, (ours, base, theirs)):
            with open(path, "wb") as file:
                file.write(data)
        command = ["git", "merge-file", "-p", "-q", "--diff3"]
        for name in names:
            command += ["-L", name]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        done = subprocess.run(command + files, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              cwd=folder, env=environment)
    if done.returncode > 127 or done.returncode < 0:
        raise steptree.TreeError("git merge-file: " + done.stderr.decode(errors="replace").strip())
    return done.stdout, done.returncode


def parse_conflicts(text, names):
    """[lines or (ours, base, theirs)]: the merged text cut at its conflicts."""
    heads = [mark + name.encode() for mark, name in zip((OURS, BASE, THEIRS), names)]
    parts, plain, sides, side = [], [], None, 0
    for line in linediff.split_lines(text):
        bare = line.rstrip(b"\r\n")
        if sides is None and bare == heads[0]:
            if plain:
                parts.append(plain)
            plain, sides, side = [], ([], [], []), 0
        elif sides is not None and bare == heads[1] and side == 0:
            side = 1
        elif sides is not None and bare == b"=======" and side == 1:
            side = 2
        elif sides is not None and bare == heads[2] and side == 2:
            parts.append(sides)
            sides = None
        elif sides is not None:
            sides[side].append(line)
        else:
            plain.append(line)
    if plain:
        parts.append(plain)
    return parts


def has_markers(data):
    """The line numbers (from 1) of conflict markers that carry has written."""
    return [number for number, line in enumerate(data.split(b"\n"), 1)
            if line.startswith((OURS + b"step ", BASE + b"step ", THEIRS + b"step "))
            and line.rstrip(b"\r").endswith(b" (carry)")]


def join_parts(parts, choose):
    """The text with choose(ours, base, theirs) in place of each conflict."""
    return b"".join(b"".join(part if isinstance(part, list) else choose(*part)) for part in parts)


def with_markers(sides, names):
    ends = lambda lines: lines[:-1] + [lines[-1] if lines[-1].endswith(b"\n") else lines[-1] + b"\n"] \
        if lines else lines
    ours, base, theirs = names
    return [OURS + ours.encode() + b"\n", *ends(sides[0]), BASE + base.encode() + b"\n", *ends(sides[1]),
            b"=======\n", *ends(sides[2]), THEIRS + theirs.encode() + b"\n"]


def changed_units(path, old, new):
    """The units that differ between two versions (None: no file), in the order of the newer text."""
    before = cscan.units_of(path, old) if old is not None else {}
    after = cscan.units_of(path, new) if new is not None else {}
    order = list(after) + [name for name in before if name not in after]
    return [name for name in order if before.get(name) != after.get(name)]


def _unit_hash(path, data, unit):
    return cscan.units_of(path, data).get(unit) if data is not None else None


class Hopper:
    def __init__(self, origin, target, old, new, ours, ledger, resolutions, owner):
        self.origin, self.target = origin, target      # step numbers k and k+1
        self.old, self.new, self.ours = old, new, ours
        self.ledger, self.resolutions, self.owner = ledger, resolutions, owner
        self.names = labels(origin, target)
        self.tree, self.without = dict(ours), {}
        self.results, self.conflicts = [], []
        # Files of step k that step k+1 has under another name.
        gone = {p: e for p, e in {**old, **new}.items() if p not in ours}
        come = {p: e for p, e in ours.items() if p not in old and p not in new}
        self.moved = steptree.find_renames({p: e for p, e in gone.items() if p in old}, come)

    def report(self, kind, path, units=(), detail=""):
        self.results.append(Result(kind, path, list(units), detail))

    def conflict(self, kind, path, origin_path, units, line=0, detail=""):
        self.conflicts.append(Conflict(kind, path, origin_path, list(units), line, detail))
        self.report("conflict", path, units, detail)

    def run(self):
        delta = [p for p in sorted(set(self.old) | set(self.new)) if self.old.get(p) != self.new.get(p)]
        carried = []
        for path in delta:
            reason = self.ledger.own(path)
            if reason:
                self.report("own", path, (), reason)
            else:
                carried.append(path)
        gone = {p: self.old[p] for p in carried if p not in self.new}
        come = {p: self.new[p] for p in carried if p not in self.old}
        renames = steptree.find_renames(gone, come)
        for path in carried:
            if path in renames:
                self.rename(path, renames[path])
            elif path in renames.values():
                pass
            elif path not in self.old:
                self.add(path)
            elif path not in self.new:
                self.remove(path)
            else:
                self.change(path, self.old[path], self.new[path])
        return Hop(self.tree, self.without, self.results, self.conflicts)

    def stopped_whole(self, path, entry):
        line = self.ledger.file_stopped(path, self.target, cscan.file_digest(entry) if entry else None)
        if line:
            self.report("stopped", path, (cscan.WHOLE,), f"ledger: {line.reason}")
        return line is not None

    def add(self, path):
        new, ours = self.new[path], self.ours.get(path)
        if self.stopped_whole(path, new):
            return
        if ours == new:
            self.report("already", path, (), "the same file")
            self.without[path] = None
        elif ours is None:
            self.tree[path] = new
            self.report("added", path)
        else:
            self.change(path, Entry(ours.mode, b""), new)

    def remove(self, path):
        old, ours = self.old[path], self.ours.get(path)
        if self.stopped_whole(path, None):
            return
        if ours is None:
            self.report("already", path, (), "removed there too")
        elif ours.data == old.data:
            del self.tree[path]
            self.report("removed", path)
        else:
            units = changed_units(path, old.data, ours.data)
            self.conflict("removed", path, path, units,
                          detail=f"step {self.origin} removes the file, step {self.target} has changed it")

    def rename(self, old_path, new_path):
        ours = self.ours.get(old_path)
        new_ours = self.ours.get(new_path)
        if ours is None and new_ours is None and old_path in self.moved:
            # Both steps renamed it: the later step keeps its name and gets the change in the text.
            self.ledger.add(old_path, "(absent)", self.owner, self.target,
                            f"step {self.target} does not have this file")
            self.report("stopped", self.moved[old_path], (), f"the renaming of {old_path} to {new_path}; "
                        f"step {self.target} has its own name for it (ledger)")
            self.change(old_path, self.old[old_path], self.new[new_path])
        elif ours is None and new_ours is None:
            self.absent(old_path, self.old[old_path], self.new[new_path])
        elif ours is None:
            self.report("already", new_path, (), f"renamed from {old_path} there too")
            self.change(new_path, self.old[old_path], self.new[new_path])
        elif new_ours is not None:
            self.remove(old_path)
            self.add(new_path)
        else:
            del self.tree[old_path]
            self.tree[new_path] = ours
            self.ours = {**self.ours, new_path: ours}
            self.report("renamed", new_path, (), f"from {old_path}")
            self.change(new_path, self.old[old_path], self.new[new_path])
            if new_path in self.without:            # the next hop renames again
                self.without[old_path] = self.without[new_path]
            self.without[new_path] = None

    def absent(self, path, old, new):
        # Step k+1 does not have the file. Its functions may live on in others.
        after = new.data if new else None
        for unit in changed_units(path, old.data, after):
            if unit in (cscan.TOP, cscan.WHOLE) or unit.startswith("declaration of "):
                continue
            for other in sorted(set(self.ours) - set(self.old) - set(self.new)):
                if cscan.is_c(other) and unit in cscan.units_of(other, self.ours[other].data):
                    if self.ledger.stopped(path, unit, self.target, _unit_hash(path, after, unit)):
                        self.report("stopped", path, [unit], "ledger")
                        continue
                    self.conflict("moved", other, path, [unit],
                                  detail=f"step {self.target} has {unit} in {other}; {path} is no more")
        self.ledger.add(path, "(absent)", self.owner, self.target,
                        f"step {self.target} does not have this file")
        self.report("absent", path, (), f"step {self.target} does not have this file (ledger)")

    def change(self, path, old, new):
        if path not in self.ours:
            if path not in self.moved:
                self.absent(path, old, new)
                return
            target = self.moved[path]
            self.report("renamed", target, (), f"step {self.origin} calls it {path}")
        else:
            target = path
        ours = self.ours[target]
        if self.stopped_whole(path, new):
            return
        if old.mode != new.mode and ours.mode != new.mode:
            self.tree[target] = ours = Entry(new.mode, ours.data)
            self.report("applied", target, (), f"mode {new.mode & 0o777:o}")
        if old.data == new.data:
            return
        theirs = self.without_stopped(path, old.data, new.data)
        if theirs == old.data:
            return
        if ours.data == theirs:
            self.report("already", target, changed_units(path, old.data, theirs))
            self.without[target] = Entry(ours.mode, old.data)
        elif any(steptree.is_binary(x) for x in (old.data, theirs, ours.data)) or \
                steptree.LINK in (old.mode, new.mode, ours.mode):
            if ours.data == old.data:
                self.tree[target] = Entry(ours.mode, theirs)
                self.report("applied", target, (cscan.WHOLE,))
            else:
                self.conflict("binary", target, path, (cscan.WHOLE,),
                              detail="not a text; both steps have their own")
        else:
            self.merge(path, target, old.data, theirs, ours)

    def without_stopped(self, path, old, new):
        # The new text less the changes to units that the ledger stops here.
        stopped = [u for u in changed_units(path, old, new)
                   if self.ledger.stopped(path, u, self.target, _unit_hash(path, new, u))]
        if not stopped:
            return new
        for unit in stopped:
            line = self.ledger.stopped(path, unit, self.target, _unit_hash(path, new, unit))
            self.report("stopped", path, [unit], f"ledger: {line.reason}")
        a, b = linediff.split_lines(old), linediff.split_lines(new)
        kept = []
        for hunk in linediff.hunks(a, b):
            units = set(cscan.units_in(path, new, hunk[2], hunk[3])) if hunk[2] < hunk[3] else \
                set(cscan.units_in(path, old, hunk[0], hunk[1]))
            if not units <= set(stopped):
                kept.append(hunk)
        return b"".join(linediff.apply_hunks(a, b, kept))

    def merge(self, path, target, old, theirs, ours):
        text, count = merge_lines(ours.data, old, theirs, self.names)
        parts = parse_conflicts(text, self.names) if count else [linediff.split_lines(text)]
        remembered = self.replay(parts, target)
        left = [part for part in parts if isinstance(part, tuple)]
        self.classify(path, target, old, theirs, ours, bool(left or remembered))
        if remembered:
            self.report("remembered", target, remembered[0], f"resolution {', '.join(remembered[1])}")
        merged = b"".join(b"".join(p if isinstance(p, list) else with_markers(p, self.names)) for p in parts)
        self.tree[target] = Entry(self.tree.get(target, ours).mode, merged)
        if left:
            ours_view = join_parts(parts, lambda o, b, t: o)
            theirs_view = join_parts(parts, lambda o, b, t: t)
            line = [0, 0, 1]        # in the view of ours, in that of theirs, in the file with markers
            for part in parts:
                if isinstance(part, list):
                    line = [n + len(part) for n in line]
                    continue
                units = cscan.units_in(target, ours_view, line[0], line[0] + len(part[0]))
                for unit in cscan.units_in(target, theirs_view, line[1], line[1] + len(part[2])):
                    if unit not in units:
                        units.append(unit)
                named = [u for u in units if u != cscan.TOP] or units
                self.conflict("lines", target, path, named, line[2], self.where_else(target, named, part))
                line = [line[0] + len(part[0]), line[1] + len(part[2]), line[2] + sum(map(len, part)) + 4]

    def where_else(self, target, units, part):
        # A hint when our side has dropped these lines: another file may have the function now.
        if part[0]:
            return ""
        for unit in units:
            for other in sorted(set(self.ours) - {target}):
                if unit not in (cscan.TOP, cscan.WHOLE) and cscan.is_c(other) and other not in self.old and \
                        unit in cscan.units_of(other, self.ours[other].data):
                    return f"step {self.target} has {unit} in {other}"
        return f"step {self.target} does not have these lines"

    def replay(self, parts, target):
        # Put remembered resolutions in place of conflicts. Returns ([units], [keys]) or None.
        units, keys = [], []
        for at, part in enumerate(parts):
            if isinstance(part, list):
                continue
            key, lines = self.resolutions.find(*part)
            if lines is None:
                continue
            ours_view = join_parts(parts, lambda o, b, t: o)
            line = sum(len(p if isinstance(p, list) else p[0]) for p in parts[:at])
            units += [u for u in cscan.units_in(target, ours_view, line, line + len(part[0])) if u not in units]
            parts[at] = lines
            keys.append(key)
        return (units, keys) if keys else None

    def classify(self, path, target, old, theirs, ours, conflicts):
        """Report what was applied and what was there already, and set what the next hop starts from."""
        applied, already, lines, at_ours, at_theirs = [], [], [], 0, 0
        count = [0, 0]
        for kind, was, mine, yours in linediff.three_way(*map(linediff.split_lines, (old, ours.data, theirs))):
            text, at, size = (ours.data, at_ours, len(mine)) if kind == "same" else (theirs, at_theirs, len(yours))
            units = cscan.units_in(target, text, at, at + size) if kind in ("same", "theirs", "both") else []
            if kind == "same":
                already += [u for u in units if u not in already]
                count[1] += 1
            elif kind == "theirs" or kind == "both" and not conflicts:
                applied += [u for u in units if u not in applied]
                count[0] += 1
            lines += was if kind == "same" else mine
            at_ours, at_theirs = at_ours + len(mine), at_theirs + len(yours)
        places = lambda n: f"{n} place{'s' if n != 1 else ''}"
        if applied:
            self.report("applied", target, applied, places(count[0]))
        if already:
            self.report("already", target, already, places(count[1]))
            self.without[target] = Entry(ours.mode, b"".join(lines))


def carry_hop(origin, target, old, new, ours, ledger, resolutions, owner):
    """Carry old -> new of step `origin` into the tree `ours` of step `target`. `owner`: where the change was made."""
    return Hopper(origin, target, old, new, ours, ledger, resolutions, owner).run()
