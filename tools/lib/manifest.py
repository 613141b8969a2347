"""tools/carry.d/manifest: every file and function of every step, as they were last agreed on.

    file src/interp/interp.c  1-2:8f3a0c11d2e4 3:77aa01b2c3d4
      1-3:0123456789ab interp_run

A run of steps with one hash is a run in which the file (or function) is identical. Where the hash
changes, the two hashes side by side say which versions were last reconciled with each other: when the
earlier one changes and the later one does not, a fix has stopped half-way. The manifest is always
exact: any difference from the tree is a failure of `tools/carry --check` until carry or
`--update-manifest` has accepted it.
"""

import os
from collections import namedtuple

import cscan
import steptree
from ledger import ABSENT

Failure = namedtuple("Failure", "kind path unit steps message mend")

LAYOUT = "blank lines or order of definitions"

HEADER = """\
# The agreed state of every file and function, as steps:hash. Written by tools/carry; do not edit.
# docs/maintaining.md says how to read it. In a merge conflict: take either side, then run
# tools/carry --check and tools/carry --update-manifest.
"""


def _runs(hashes):
    out = []
    for step in sorted(hashes):
        if out and out[-1][2] == hashes[step] and out[-1][1] + 1 == step:
            out[-1][1] = step
        else:
            out.append([step, step, hashes[step]])
    return out


def _encode(hashes):
    return " ".join((f"{a}:{h}" if a == b else f"{a}-{b}:{h}") for a, b, h in _runs(hashes))


def _decode(words):
    hashes = {}
    for word in words:
        steps, value = word.split(":")
        first, _, last = steps.partition("-")
        for step in range(int(first), int(last or first) + 1):
            hashes[step] = value
    return hashes


def steps_text(steps):
    """'1', '1-3', '1, 3'"""
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b, _ in _runs(dict.fromkeys(steps, 0)))


class Manifest:
    def __init__(self):
        self.steps = []         # numbers
        self.files = {}         # path -> {step: hash}
        self.units = {}         # path -> {unit: {step: hash}}, for C files
        self.exists = False

    @classmethod
    def load(cls, path):
        self = cls()
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                lines = file.read().splitlines()
        except FileNotFoundError:
            return self
        self.exists = True
        current = None
        for number, line in enumerate(lines, 1):
            try:
                if line.startswith("steps "):
                    self.steps = sorted(_decode([w + ":x" for w in line.split()[1:]]))
                elif line.startswith("file "):
                    current, _, rest = line[5:].rpartition("  ")
                    self.files[current] = _decode(rest.split())
                elif line.startswith("  "):
                    words = line.split()
                    count = sum(1 for w in words if w[0].isdigit() and ":" in w)
                    self.units.setdefault(current, {})[" ".join(words[count:])] = _decode(words[:count])
                elif line.strip() and not line.startswith("#"):
                    raise ValueError
            except ValueError:
                raise steptree.TreeError(f"{path}:{number}: not a line of a manifest (a merge conflict?); "
                                         "run tools/carry --update-manifest --anew") from None
        return self

    def text(self):
        out = [HEADER, "steps " + " ".join(map(str, self.steps)) + "\n"]
        for path in sorted(self.files):
            out.append(f"file {path}  {_encode(self.files[path])}\n")
            units = self.units.get(path, {})
            out += [f"  {_encode(units[name])} {name}\n" for name in sorted(units) if units[name]]
        return "".join(out)

    def save(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(self.text())

    def unit(self, path, name, step):
        return self.units.get(path, {}).get(name, {}).get(step)

    def file(self, path, step):
        return self.files.get(path, {}).get(step)


def snapshot(trees, ledger, known=None):
    """The Manifest of the trees as they are. `known`: a manifest whose unit hashes spare scanning."""
    self = Manifest()
    self.exists = True
    self.steps = sorted(trees)
    for step, tree in trees.items():
        for path, entry in tree.items():
            if ledger.own(path):
                continue
            value = cscan.file_digest(entry)
            self.files.setdefault(path, {})[step] = value
            if not cscan.is_c(path):
                continue
            units = self.units.setdefault(path, {})
            if known and known.file(path, step) == value and path in known.units:
                for name, hashes in known.units[path].items():
                    if step in hashes:
                        units.setdefault(name, {})[step] = hashes[step]
            else:
                for name, value in cscan.units_of(path, entry.data).items():
                    units.setdefault(name, {})[step] = value
    return self


def _returns(hashes, steps):
    # (a, b, c): the version of step a, gone or different in b, is back in c.
    if len(hashes) < 2 or len(set(hashes.values())) == 1 and max(hashes) - min(hashes) + 1 == len(hashes):
        return None
    seen = [(step, hashes.get(step)) for step in steps]
    for at, (a, first) in enumerate(seen):
        if first is None or at + 2 > len(seen) - 1:
            continue
        b = next((s for s, h in seen[at + 1:] if h != first), None)
        c = next((s for s, h in seen if b is not None and s > b and h == first), None)
        if c is not None:
            before = max(s for s, h in seen if s < b and h == first)
            return before, b, c
    return None


def find_returns(now, ledger):
    """A -> B -> A, for files and for units."""
    failures = []
    for path, hashes in sorted(now.files.items()):
        found = _returns(hashes, now.steps)
        places = [(cscan.WHOLE, found, hashes)] if found else \
            [(n, _returns(h, now.steps), h) for n, h in sorted(now.units.get(path, {}).items()) if len(h) > 1]
        for unit, found, hashes in places:
            if not found:
                continue
            a, b, c = found
            parts = now.units.get(path, {}) if unit == cscan.WHOLE else {}
            differ = [n for n, h in parts.items() if h.get(b) != h.get(c)]
            if ledger.explains(path, unit, c) or differ and all(ledger.explains(path, n, c) for n in differ):
                continue
            what = "differs" if b in hashes else "is missing"
            failures.append(Failure(
                "returns", path, unit, (a, b, c),
                f"{path}: {cscan.spoken(unit)}: A -> B -> A: step {c} has step {a}'s version again, step {b} {what}",
                f"make steps {a}-{c} agree, or tools/carry --stop '{_name(path, unit)}' \"reason\""))
    return failures


def _name(path, unit):
    return path if unit == cscan.WHOLE else f"{path}:{unit}"


def find_changes(now, then, ledger):
    """Compare the tree with the manifest. Returns (failures, stale): stale is [(path, unit, steps)]."""
    failures, stale = [], []
    known = [s for s in now.steps if s in then.steps]
    for path in sorted(set(now.files) | set(then.files)):
        n, t = now.files.get(path, {}), then.files.get(path, {})
        changed = [s for s in known if n.get(s) != t.get(s)]
        if not changed:
            continue
        units = sorted(set(now.units.get(path, {})) | set(then.units.get(path, {})))
        per_unit = [(u, now.units.get(path, {}).get(u, {}), then.units.get(path, {}).get(u, {})) for u in units]
        found = False
        for a, b in zip(known, known[1:]):
            pieces = per_unit if per_unit and a in n and b in n else [(cscan.WHOLE, n, t)]
            for unit, cur, old in pieces:
                failure = _boundary(now, then, ledger, path, unit, cur, old, a, b)
                if failure:
                    failures.append(failure)
                    found = True
            layout = None if found or pieces[0][1] is n else _boundary(now, then, ledger, path, LAYOUT, n, t, a, b)
            if layout and t.get(a) == t.get(b) and all(cur.get(a) == cur.get(b) for _, cur, _ in pieces):
                failures.append(layout)
                found = True
        if found:
            continue
        for unit, cur, old in per_unit or [(cscan.WHOLE, n, t)]:
            steps = [s for s in known if cur.get(s) != old.get(s)]
            if steps:
                stale.append((path, unit, steps))
        if not any(path == p for p, _, _ in stale):
            stale.append((path, cscan.WHOLE, changed))
    return failures, stale


def _boundary(now, then, ledger, path, unit, cur, old, a, b):
    # One unit in two neighbouring steps: is what changed since the manifest in step a also settled in step b?
    before, after = cur.get(a) != old.get(a), cur.get(b) != old.get(b)
    if not (before or after) or cur.get(a) == cur.get(b):
        return None
    place = f"{path}: {cscan.spoken(unit)}"
    agreed = old.get(a) is not None and old.get(a) == old.get(b)
    if before and not after:
        if old.get(a) is not None and old.get(b) is None:
            return _moved(now, then, ledger, path, unit, cur, a, b)
        if ledger.stopped(path, unit, b, cur.get(a)) or ledger.file_stopped(path, b, now.file(path, a)):
            return None
        did = "new" if old.get(a) is None else "changed" if cur.get(a) is not None else "removed"
        tail = f"step {b} still has the version they shared" if agreed else \
            f"step {b} does not have it" if old.get(b) is None else f"step {b}'s own version was not reconciled"
        return Failure("half-way", path, unit, (a, b), f"{place}: {did} in step {a}, stops half-way: {tail}",
                       f"carry {a}")
    if agreed and after and not before:
        how = "lost" if cur.get(b) is None else "changed"
        return Failure("drift", path, unit, (a, b),
                       f"{place}: identical in steps {a} and {b} by the manifest, now {how} in step {b} only",
                       f"if step {b} is meant to differ: tools/carry --update-manifest; "
                       f"if not: make the change in step {a} and run tools/carry {a}")
    if agreed and after and before:
        return Failure("drift", path, unit, (a, b),
                       f"{place}: identical in steps {a} and {b} by the manifest, now different in both",
                       f"if that is meant: tools/carry --update-manifest; if not: make them equal")
    return None


def _moved(now, then, ledger, path, unit, cur, a, b):
    # Step b had no such unit at this path. The function may have moved to another file there.
    if unit in (cscan.TOP, cscan.WHOLE) or unit.startswith("declaration of "):
        return None
    homes = [q for q, units in then.units.items() if q != path and b in units.get(unit, {})
             and a not in units.get(unit, {})]
    if len(homes) != 1 or now.unit(homes[0], unit, b) != then.unit(homes[0], unit, b) or \
            now.unit(homes[0], unit, b) == cur.get(a) or ledger.stopped(path, unit, b, cur.get(a)):
        return None
    return Failure("half-way", path, unit, (a, b),
                   f"{path}: {unit}: changed in step {a}, stops half-way: step {b} has it in {homes[0]}, not reconciled",
                   f"change {homes[0]} in step {b} by hand, or tools/carry --stop '{path}:{unit}' \"reason\"")


def find_unknown(now, then):
    """What the manifest does not know, or knows and is gone: whole steps."""
    failures = []
    for step in now.steps:
        if step not in then.steps:
            failures.append(Failure("unknown", None, None, (step,), f"step {step} is not in the manifest",
                                    "tools/carry --update-manifest"))
    for step in then.steps:
        if step not in now.steps:
            failures.append(Failure("unknown", None, None, (step,), f"step {step} is in the manifest but not here",
                                    "tools/carry --update-manifest"))
    return failures


def ledger_failures(now, ledger, name):
    failures = [Failure("ledger", name, None, (), f"{name}:{number}: {text}", "edit that line")
                for number, text in ledger.errors]
    for line in ledger.absent():
        if line.stop.isdigit() and int(line.stop) in now.steps and now.file(line.file, int(line.stop)):
            failures.append(Failure(
                "ledger", line.file, None, (int(line.stop),),
                f"{line.file}: the ledger says that step {line.stop} does not have it, but it does",
                f"remove line {line.number} of {name}"))
    return failures


def merge_units(then, now, touched, steps):
    """The manifest `then` with the units in touched ({path: units}) taken from `now`, for these steps.

    A file's own hash follows only where all its units now agree, so that other changes stay visible.
    """
    for path, units in touched.items():
        for unit in units:
            for step in steps:
                value = now.unit(path, unit, step)
                if value:
                    then.units.setdefault(path, {}).setdefault(unit, {})[step] = value
                else:
                    then.units.get(path, {}).get(unit, {}).pop(step, None)
        for step in steps:
            mine, theirs = ({u: h[step] for u, h in m.units.get(path, {}).items() if step in h}
                            for m in (then, now))
            if mine == theirs:
                value = now.file(path, step)
                if value:
                    then.files.setdefault(path, {})[step] = value
                elif path in then.files:
                    then.files[path].pop(step, None)
        if path in then.files and not then.files[path]:
            del then.files[path]
        units = {u: hashes for u, hashes in then.units.pop(path, {}).items() if hashes}
        if units:
            then.units[path] = units
    return then
