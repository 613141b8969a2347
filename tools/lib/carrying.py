"""The command line of tools/carry: start, continue, abort, stop, status, check, update."""

import argparse
import json
import os
import shutil
import subprocess
import sys

import cscan
import linediff
import manifest as manifests
import merge3
import steptree
from ledger import Ledger, identity
from resolutions import Resolutions
from steptree import Entry, TreeError

STORE = os.path.join("tools", "carry.d")
WORDS = {"applied": "applied", "already": "already there", "added": "added", "removed": "removed",
         "renamed": "renamed", "stopped": "stopped", "absent": "stopped", "own": "not carried",
         "remembered": "remembered", "conflict": "CONFLICT"}
TESTS, BUILD = "make -C {step} test", "make -C {step}"
DONE, STOPPED, USAGE = 0, 1, 2


def save_json(path, value):
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(json.dumps(value))
    os.replace(path + ".new", path)


def load_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def pack(tree):
    return {p: e and [e.mode, e.data.decode("latin-1")] for p, e in tree.items()}


def unpack(packed):
    return {p: e and Entry(e[0], e[1].encode("latin-1")) for p, e in packed.items()}


def read_folder(folder):
    """Every file below a directory, as a tree; nothing is ignored."""
    tree = {}
    for place, _, files in os.walk(folder):
        for name in files:
            path = os.path.join(place, name)
            tree[os.path.relpath(path, folder)] = steptree.read_entry(path)
    return tree


class Carry:
    def __init__(self, root, out):
        self.root, self.out = root, out
        self.steps = steptree.list_steps(root)
        self.names = {s.number: s.name for s in self.steps}
        self.folder = os.path.join(root, ".carry")
        self.store = os.path.join(root, STORE)
        self.manifest_path = os.path.join(self.store, "manifest")
        self.ledger = Ledger(os.path.join(self.store, "ledger"))
        self.resolutions = Resolutions(os.path.join(self.store, "resolutions"))
        self.state = None

    def say(self, text=""):
        print(text, file=self.out, flush=True)

    def at(self, name):
        return os.path.join(self.folder, name)

    def step(self, number):
        return next(s for s in self.steps if s.number == number)

    # State ------------------------------------------------------------------------------------

    def in_progress(self):
        return os.path.exists(self.at("state.json"))

    def load(self):
        if not self.in_progress():
            raise TreeError("no carry is in progress")
        self.state = load_json(self.at("state.json"))

    def save(self):
        save_json(self.at("state.json"), self.state)

    # Starting ---------------------------------------------------------------------------------

    def start(self, number, base, command, dry):
        if self.in_progress():
            raise TreeError("a carry is in progress: --continue, --abort, or --status to look")
        if number not in self.names:
            raise TreeError(f"there is no step {number}; there are " +
                            (manifests.steps_text(self.names) or "none"))
        if self.ledger.errors:
            raise TreeError("%s:%d: %s" % (os.path.join(STORE, "ledger"), *self.ledger.errors[0]))
        commit = steptree.resolve(self.root, base)
        new = steptree.read_step(self.root, self.step(number))
        old = steptree.read_step_at(self.root, commit, self.step(number), new)
        if old == new:
            self.say(f"carry: nothing has changed in {self.names[number]} since {base}. "
                     "A change that is committed already: name the commit before it with --base")
            return DONE
        for path, entry in new.items():
            if entry != old.get(path) and merge3.has_markers(entry.data):
                raise TreeError(f"{self.names[number]}/{path} has conflict markers in it")
        self.state = {"origin": number, "base": commit, "base_name": base, "at": number, "target": None,
                      "phase": "between", "command": command, "conflicts": [], "report": [],
                      "touched": {}, "visited": [number]}
        if dry:
            return self.dry_run(old, new)
        os.makedirs(self.folder, exist_ok=True)
        save_json(self.at("store.json"), pack(read_folder(self.store)))
        self.set_delta(old, new)
        self.save()
        return self.proceed()

    def set_delta(self, old, new):
        self.touch(old, new)
        save_json(self.at("delta.json"), [pack(old), pack(new)])

    def delta(self):
        return [unpack(tree) for tree in load_json(self.at("delta.json"))]

    def touch(self, old, new):
        for path in set(old) | set(new):
            a, b = old.get(path), new.get(path)
            if a != b and not self.ledger.own(path):
                units = merge3.changed_units(path, a.data if a else None, b.data if b else None)
                known = self.state["touched"].setdefault(path, [])
                known += [u for u in units if u not in known]

    def later(self, number):
        return next((s.number for s in self.steps if s.number > number), None)

    # Hops -------------------------------------------------------------------------------------

    def proceed(self):
        while True:
            target = self.later(self.state["at"])
            old, new = self.delta()
            if target is None or old == new:
                return self.finish()
            self.begin_hop(target)
            if not self.run_hop(old, new) or not self.test_hop():
                return STOPPED
            self.end_hop()

    def begin_hop(self, target):
        """Keep the step as it is; from here on an interrupted hop can be repeated or undone."""
        save_json(self.at(f"step{target:02}.json"), pack(steptree.read_step(self.root, self.step(target))))
        self.state.update(target=target, phase="merging", conflicts=[])
        self.save()

    def snapshot(self, number):
        return unpack(load_json(self.at(f"step{number:02}.json")))

    def run_hop(self, old, new):
        """Merge into the working tree. False when there are conflicts."""
        origin, target = self.state["at"], self.state["target"]
        ours = self.snapshot(target)
        hop = merge3.carry_hop(origin, target, old, new, ours, self.ledger, self.resolutions,
                               self.state["origin"])
        directory = os.path.join(self.root, self.names[target])
        for path in sorted(set(ours) | set(hop.tree)):
            if ours.get(path) != hop.tree.get(path):
                steptree.write_entry(os.path.join(directory, path), hop.tree.get(path))
        save_json(self.at("without.json"), pack(hop.without))
        save_json(self.at("merged.json"), pack(hop.tree))
        self.state["conflicts"] = [dict(c._asdict(), stopped=False) for c in hop.conflicts]
        self.state["report"] += [[origin, target, *r] for r in hop.results]
        self.state["phase"] = "conflict" if hop.conflicts else "test"
        self.save()
        self.print_hop(origin, target, hop.results)
        if hop.conflicts:
            self.print_conflicts()
        return not hop.conflicts

    def print_hop(self, origin, target, results):
        self.say(f"step {origin} -> {target}  {self.names[target]}")
        width = max((len(r.path) for r in results), default=0)
        for r in results:
            units = ", ".join(cscan.spoken(u) for u in r.units)
            detail = f"({r.detail})" if r.detail else ""
            words = " ".join(filter(None, (units, detail)))
            self.say(f"  {WORDS[r.kind]:<14}{r.path:<{width}}  {words}".rstrip())

    def print_conflicts(self):
        target, origin = self.state["target"], self.state["at"]
        left = [c for c in self.state["conflicts"] if not c["stopped"]]
        self.say(f"\ncarry: stopped at step {target}: {len(left)} conflict{'s' if len(left) != 1 else ''}")
        for c in left:
            place = f"{self.names[target]}/{c['path']}" + (f":{c['line']}" if c["line"] else "")
            units = ", ".join(cscan.spoken(u) for u in c["units"]) or "whole file"
            self.say(f"  {place}: in {units}")
            what = c["detail"] or f"step {origin} changed these lines, step {target} has its own version of them"
            self.say(f"      {what}")
            todo = {"lines": f"edit the file: step {target}'s version with the change in it, without the marker lines",
                    "removed": "remove the file there too, or keep it with --stop",
                    "binary": "put the right file there, or keep it with --stop",
                    "moved": f"make the change in {self.names[target]}/{c['path']} by hand, "
                             f"or --stop {c['origin_path']}",
                    }[c["kind"]]
            self.say(f"      {todo}")
        file = left[0]["path"] if left else "FILE"
        self.say(f"then    tools/carry --continue\n"
                 f"or      tools/carry --stop {file} \"reason\"    step {target} and later do without this change\n"
                 f"or      tools/carry --abort                   everything as it was before")

    def test_hop(self):
        """Build and test the step, when the hop changed it. False when that fails."""
        target, command = self.state["target"], self.state["command"]
        self.state["phase"] = "test"
        self.save()
        if not command or steptree.read_step(self.root, self.step(target)) == self.snapshot(target):
            return True
        command = command.replace("{step}", self.names[target])
        self.say(f"  {command}")
        log = self.at(f"step{target:02}.log")
        environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
        with open(log, "wb") as file:
            done = subprocess.run(command, shell=True, cwd=self.root, env=environment, stdin=subprocess.DEVNULL,
                                  stdout=file, stderr=subprocess.STDOUT)
        if done.returncode == 0:
            return True
        with open(log, encoding="utf-8", errors="replace") as file:
            tail = file.read().splitlines()[-15:]
        for line in tail:
            self.say("    " + line)
        self.say(f"\ncarry: stopped at step {target}: '{command}' failed (status {done.returncode}; whole output in "
                 f".carry/step{target:02}.log)\n"
                 f"  mend {self.names[target]}; what you change there is carried on with the rest\n"
                 f"then    tools/carry --continue        tests step {target} again, then goes on\n"
                 f"or      tools/carry --stop FILE \"reason\"    step {target} and later do without that file's change\n"
                 f"or      tools/carry --abort           everything as it was before")
        return False

    def end_hop(self):
        target = self.state["target"]
        without = unpack(load_json(self.at("without.json")))
        before = {**self.snapshot(target), **without}
        before = {p: e for p, e in before.items() if e is not None}
        after = steptree.read_step(self.root, self.step(target))
        for tree in (before, after):    # a chapter's own files go no further
            for path in [p for p in tree if self.ledger.own(p)]:
                del tree[path]
        self.state.update(at=target, target=None, phase="between")
        self.state["visited"].append(target)
        self.set_delta(before, after)
        self.save()

    def finish(self):
        visited, report, touched = self.state["visited"], self.state["report"], self.state["touched"]
        then, returns = manifests.Manifest.load(self.manifest_path), []
        if then.exists:
            now = manifests.snapshot(steptree.read_steps(self.root, self.steps), self.ledger)
            steps = [s for s in visited if s in then.steps]
            returns = [f for f in manifests.find_returns(now, self.ledger) if f.path in touched and
                       f.unit in (cscan.WHOLE, *touched[f.path]) and set(f.steps[1:]) <= set(visited)]
            manifests.merge_units(then, now, touched, steps).save(self.manifest_path)
        if not os.path.exists(self.ledger.path):
            self.ledger.save()
        shutil.rmtree(self.folder)
        count = {}
        for _, _, kind, *_ in report:
            count[WORDS[kind]] = count.get(WORDS[kind], 0) + 1
        solved = count.pop("CONFLICT", 0)
        told = ", ".join(f"{n} {word}" for word, n in count.items())
        if solved:
            told += f"{', ' if told else ''}{solved} conflict{'s' if solved != 1 else ''} settled by hand"
        origin = self.state["origin"]
        where = manifests.steps_text(visited[1:])
        self.say(f"carry: nothing of step {origin}'s change goes further ({told})"
                 if visited[1:] and set(count) <= {"not carried", "stopped"} and not solved else
                 f"carry: step {origin}'s change is settled in step{'s' if len(visited) > 2 else ''} {where} ({told})"
                 if visited[1:] else f"carry: no step comes after step {origin}: nothing to carry")
        for f in returns:       # a conflict was settled by hand, and something beside it has not come along
            self.say(f"still to mend: {f.message} -- {f.mend}")
        if not then.exists:
            self.say("carry: there is no manifest yet: tools/carry --update-manifest makes it")
        return DONE

    def dry_run(self, old, new):
        self.ledger.path = None
        origin = self.state["at"]
        while True:
            target = self.later(origin)
            if target is None or old == new:
                return DONE
            ours = steptree.read_step(self.root, self.step(target))
            hop = merge3.carry_hop(origin, target, old, new, ours, self.ledger, self.resolutions,
                                   self.state["origin"])
            self.print_hop(origin, target, hop.results)
            if hop.conflicts:
                self.say(f"carry: would stop at step {target}")
                return STOPPED
            old = {p: e for p, e in {**ours, **hop.without}.items() if e is not None and not self.ledger.own(p)}
            new = {p: e for p, e in hop.tree.items() if not self.ledger.own(p)}
            origin = target

    # Going on ---------------------------------------------------------------------------------

    def resume(self):
        self.load()
        phase = self.state["phase"]
        if phase == "merging":      # interrupted while files were being written: the hop starts again
            target = self.state["target"]
            steptree.write_step(self.root, self.step(target), self.snapshot(target))
            if not self.run_hop(*self.delta()):
                return STOPPED
        if self.state["phase"] == "conflict":
            problems = self.settle()
            if problems:
                for problem in problems:
                    self.say(f"carry: {problem}")
                return STOPPED
        if self.state["phase"] in ("conflict", "test"):
            if not self.test_hop():
                return STOPPED
            self.end_hop()
        return self.proceed()

    def settle(self):
        """Look at what the person made of the conflicts, and remember it. Returns what is still to do."""
        target, problems, learned = self.state["target"], [], []
        ours, merged = self.snapshot(target), unpack(load_json(self.at("merged.json")))
        now = steptree.read_step(self.root, self.step(target))
        stop = "say why with tools/carry --stop %s \"reason\""
        for path in sorted({c["path"] for c in self.state["conflicts"]}):
            conflicts = [c for c in self.state["conflicts"] if c["path"] == path]
            entry, place = now.get(path), f"{self.names[target]}/{path}"
            lines = [c for c in conflicts if c["kind"] == "lines"]
            if lines and entry is not None:
                markers = merge3.has_markers(entry.data)
                if markers:
                    problems.append(f"{place}: conflict markers are still in lines {', '.join(map(str, markers))}")
                    continue
                result = self.judge(merged[path].data, entry.data)
                for conflict, (part, lines_now) in zip(lines, result):
                    if conflict["stopped"]:
                        continue
                    units = ", ".join(conflict["units"])
                    unknown = lines_now is None
                    if lines_now == part[0] or unknown and self.all_ours(merged[path].data) == entry.data:
                        problems.append(f"{place}: the change is dropped in {units}: " + stop % path)
                    elif lines_now is not None:
                        learned.append((*part, lines_now, f"{path}: {units}"))
            elif lines:
                if not all(c["stopped"] for c in lines):
                    problems.append(f"{place}: the file is gone; bring it back, or --abort")
            for c in conflicts:
                same = now.get(path) == ours.get(path)
                if c["kind"] == "removed" and not c["stopped"] and entry is not None:
                    problems.append(f"{place}: remove it, or " + stop % path)
                if c["kind"] == "binary" and not c["stopped"] and same:
                    problems.append(f"{place}: still step {target}'s own; replace it, or " + stop % path)
                if c["kind"] == "moved" and not c["stopped"] and same:
                    problems.append(f"{place}: {', '.join(c['units'])} is as it was; change it, or "
                                    + stop % c["origin_path"])
        if not problems:
            for item in learned:
                key = self.resolutions.remember(*item)
                if key:
                    self.say(f"  remembered the resolution in {item[4]} ({key})")
        return problems

    def judge(self, marked, resolved):
        """[(conflict, its lines in the resolved file or None)]: found between the lines around it."""
        names = merge3.labels(self.state["at"], self.state["target"])
        before, after = linediff.split_lines(marked), linediff.split_lines(resolved)
        to = dict(linediff.matches(before, after))
        to[-1], to[len(before)] = -1, len(after)
        out, at = [], 0
        for part in merge3.parse_conflicts(marked, names):
            size = len(part) if isinstance(part, list) else sum(map(len, part)) + 4
            if not isinstance(part, list):
                first, last = to.get(at - 1), to.get(at + size)
                out.append((part, after[first + 1:last] if first is not None and last is not None else None))
            at += size
        return out

    def all_ours(self, marked):
        names = merge3.labels(self.state["at"], self.state["target"])
        return merge3.join_parts(merge3.parse_conflicts(marked, names), lambda o, b, t: o)

    # Stopping a change ------------------------------------------------------------------------

    def stop(self, name, reason):
        if not reason.strip() or "\n" in reason.strip():
            raise TreeError("the reason is one line of text")
        path, _, unit = name.partition(":")
        head = path.split("/", 1)
        if len(head) == 2 and steptree.STEP_DIRECTORY.match(head[0]):
            path = head[1]
        path = os.path.normpath(path)
        if self.in_progress():
            self.load()
            return self.stop_in_carry(path, unit, reason)
        return self.stop_by_check(path, unit, reason)

    def stop_in_carry(self, path, unit, reason):
        target, origin = self.state["target"], self.state["at"]
        if target is None or self.state["phase"] == "merging":
            raise TreeError("the carry was interrupted between steps: tools/carry --continue first")
        old, new = self.delta()
        ours = self.snapshot(target)
        here = [c for c in self.state["conflicts"] if path in (c["path"], c["origin_path"])
                and (not unit or unit in c["units"]) and not c["stopped"]]
        origin_path = here[0]["origin_path"] if here else path
        a, b = old.get(origin_path), new.get(origin_path)
        if a == b:
            raise TreeError(f"step {origin}'s change does not touch {path}")
        changed = merge3.changed_units(origin_path, a.data if a else None, b.data if b else None)
        if here:
            for c in here:
                c["stopped"] = True
            follow = self.follow(here) if any(c["kind"] == "lines" for c in here) else set()
            units = [u for u in changed if u in follow or any(u in c["units"] for c in here)] or changed
            if any(c["kind"] == "lines" for c in here):
                self.keep_ours(here[0]["path"], unit)
        else:
            units = [u for u in changed if not unit or u == unit]
            if unit and not units:
                raise TreeError(f"step {origin}'s change does not touch {unit} in {path}; it touches "
                                + ", ".join(changed))
            if unit:
                raise TreeError(f"{unit} did not conflict; undo it in {self.names[target]}/{path} by hand, "
                                f"or stop the whole file: tools/carry --stop {path} \"reason\"")
            steptree.write_entry(os.path.join(self.root, self.names[target], path), ours.get(path))
            without = unpack(load_json(self.at("without.json")))
            without.pop(path, None)
            save_json(self.at("without.json"), pack(without))
        whole = not (a and b) or not cscan.is_c(origin_path)
        hashes = cscan.units_of(origin_path, b.data) if b else {}
        for u in [cscan.WHOLE] if whole else units:
            digest = cscan.file_digest(b) if u == cscan.WHOLE and b else hashes.get(u)
            self.ledger.add(origin_path, f"{u}@{identity(digest)}", self.state["origin"], target, reason)
        self.state["report"].append([origin, target, "stopped", path, units, f"ledger: {reason}"])
        self.save()
        left = [c for c in self.state["conflicts"] if not c["stopped"]]
        self.say(f"carry: {path}: {', '.join(cscan.spoken(u) for u in units)}: stops at step {target} (ledger)")
        self.say("then    tools/carry --continue" if not left else
                 f"{len(left)} conflict{'s' if len(left) != 1 else ''} left: tools/carry --status")
        return DONE

    def follow(self, stopped):
        """The units that these conflicts change without a line in them, and nothing else changes.

        Where a function's first line goes, the scanner gives what is left of it to its neighbours; a line
        between functions belongs to "(top)". What stops there must be in the ledger too, or --check reports it.
        """
        path, target = stopped[0]["path"], self.state["target"]
        lines = [c for c in self.state["conflicts"] if c["path"] == path and c["kind"] == "lines"]
        merged = unpack(load_json(self.at("merged.json")))[path].data
        parts = merge3.parse_conflicts(merged, merge3.labels(self.state["at"], target))

        def units(side):
            """Of the step's file, with this side (0 ours, 1 base, 2 theirs) in place of the stopped conflicts."""
            left, out = iter(lines), []
            for part in parts:
                out += part if isinstance(part, list) else part[side if next(left) in stopped else 0]
            return cscan.units_of(path, b"".join(out))

        kept, before, after = units(0), units(1), units(2)
        entry = self.snapshot(target).get(path)     # none: a file that this carry has renamed stops as a whole
        ours = cscan.units_of(path, entry.data) if entry else {}
        still_open = {u for c in lines if not c["stopped"] for u in c["units"]}
        return {u for u in {**before, **after} if before.get(u) != after.get(u) and kept.get(u) == ours.get(u)
                and u not in still_open}

    def keep_ours(self, path, unit):
        """Replace the conflicts that are still in the file by the step's own lines."""
        full = os.path.join(self.root, self.names[self.state["target"]], path)
        entry = steptree.read_entry(full)
        if entry is None:
            steptree.write_entry(full, self.snapshot(self.state["target"])[path])
            return
        names = merge3.labels(self.state["at"], self.state["target"])
        merged = unpack(load_json(self.at("merged.json")))[path].data
        parts = [p for p in merge3.parse_conflicts(merged, names) if not isinstance(p, list)]
        conflicts = [c for c in self.state["conflicts"] if c["path"] == path and c["kind"] == "lines"]
        out = []
        for part in merge3.parse_conflicts(entry.data, names):
            if isinstance(part, list):
                out += part
                continue
            which = conflicts[parts.index(part)] if part in parts else None
            if unit and which and unit not in which["units"]:
                out += merge3.with_markers(part, names)
            else:
                out += part[0]
        steptree.write_entry(full, Entry(entry.mode, b"".join(out)))

    def stop_by_check(self, path, unit, reason):
        now, then = self.now_and_then()
        changes, _ = manifests.find_changes(now, then, self.ledger)
        open_ends = [f for f in changes + manifests.find_returns(now, self.ledger)
                     if f.kind in ("half-way", "returns") and f.path == path and (not unit or f.unit == unit)]
        if not open_ends:
            raise TreeError(f"nothing in {path} stops half-way; tools/carry --check lists what does")
        for f in open_ends:
            at = f.steps[-1] if f.kind == "returns" else f.steps[0]
            digest = now.unit(path, f.unit, at) if f.unit in now.units.get(path, {}) else now.file(path, at)
            name = cscan.WHOLE if f.unit == manifests.LAYOUT else f.unit
            self.ledger.add(path, f"{name}@{identity(digest)}", f.steps[0], f.steps[-1], reason)
            self.say(f"carry: {path}: {cscan.spoken(f.unit)}: stops at step {f.steps[-1]} (ledger)")
        return DONE

    # Abort, status ----------------------------------------------------------------------------

    def abort(self):
        if not os.path.isdir(self.folder):
            raise TreeError("no carry is in progress")
        for step in self.steps:
            if os.path.exists(self.at(f"step{step.number:02}.json")):
                steptree.write_step(self.root, step, self.snapshot(step.number))
        if os.path.exists(self.at("store.json")):
            kept, now = unpack(load_json(self.at("store.json"))), read_folder(self.store)
            for path in set(kept) | set(now):
                steptree.write_entry(os.path.join(self.store, path), kept.get(path))
        shutil.rmtree(self.folder)
        self.say("carry: aborted; every later step is as it was before")
        return DONE

    def status(self):
        if not self.in_progress():
            self.say("carry: nothing in progress")
            return DONE
        self.load()
        s = self.state
        self.say(f"carry: carrying step {s['origin']}'s change since {s['base_name']} ({s['base'][:10]}); "
                 f"settled in: {manifests.steps_text(s['visited'][1:]) or 'none yet'}")
        at = f"step {s['target']}" if s["target"] else f"the way from step {s['at']}"
        self.say({"conflict": f"  stopped at {at} by conflicts",
                  "test": f"  at {at}: its tests have not passed yet",
                  "merging": f"  interrupted while merging into {at}",
                  "between": f"  interrupted on {at}"}[s["phase"]])
        if any(not c["stopped"] for c in s["conflicts"]) and s["phase"] == "conflict":
            self.print_conflicts()
        else:
            self.say("then    tools/carry --continue\nor      tools/carry --abort")
        return DONE

    # The manifest -----------------------------------------------------------------------------

    def now_and_then(self):
        then = manifests.Manifest.load(self.manifest_path)
        return manifests.snapshot(steptree.read_steps(self.root, self.steps), self.ledger, then), then

    def mend(self, failure, then):
        if not failure.mend.startswith("carry "):
            return failure.mend
        step = failure.steps[0]
        base = self.base_for(step, failure.path, failure.unit, then)
        where = manifests._name(failure.path, "*" if failure.unit == manifests.LAYOUT else failure.unit)
        return f"tools/carry {step}{base}, or tools/carry --stop '{where}' \"reason\""

    def base_for(self, step, path, unit, then):
        """' --base REV' when the change is committed already: the commit before it."""
        name = f"./{self.names[step]}/{path}"

        def agreed(commit):
            try:
                data = steptree.git(self.root, "show", f"{commit}:{name}")
            except TreeError:
                return then.file(path, step) is None
            if unit in then.units.get(path, {}) or \
                    cscan.is_c(path) and then.file(path, step) and unit != manifests.LAYOUT:
                return cscan.units_of(path, data).get(unit) == then.unit(path, unit, step)
            return cscan.digest(data) == identity(then.file(path, step))

        try:
            if agreed("HEAD"):
                return ""
            later = None
            for commit in steptree.git(self.root, "log", "-n", "50", "--format=%h", "--", name).decode().split():
                if agreed(commit):
                    return f" --base {later}~1" if later else f" --base {commit}"
                later = commit
            if later and agreed(later + "~1"):
                return f" --base {later}~1"
        except TreeError:
            pass
        return " --base REV (the commit before the change)"

    def check(self):
        now, then = self.now_and_then()
        if not then.exists:
            self.say("carry: there is no manifest: tools/carry --update-manifest")
            return STOPPED
        failures = manifests.ledger_failures(now, self.ledger, os.path.join(STORE, "ledger"))
        failures += manifests.find_unknown(now, then)
        changes, stale = manifests.find_changes(now, then, self.ledger)
        failures += changes + manifests.find_returns(now, self.ledger)
        for failure in failures:
            self.say(f"{failure.message} -- {self.mend(failure, then)}")
        if stale:
            self.say(self.stale_text(stale) + " -- tools/carry --update-manifest")
        if self.in_progress():
            self.say("a carry is in progress -- tools/carry --continue, or --abort")
        if failures or stale or self.in_progress():
            return STOPPED
        self.say(f"carry: steps {manifests.steps_text(now.steps)} agree with the manifest: {len(now.files)} files, "
                 f"{sum(map(len, now.units.values()))} functions, tables and types")
        return DONE

    def stale_text(self, stale):
        paths = sorted({path for path, _, _ in stale})
        shown = ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
        return f"the manifest is out of date for {len(stale)} change{'s' if len(stale) != 1 else ''} in {shown}"

    def update_manifest(self, anew):
        if self.in_progress():
            raise TreeError("a carry is in progress; it updates the manifest when it is done")
        then = manifests.Manifest() if anew else manifests.Manifest.load(self.manifest_path)
        now = manifests.snapshot(steptree.read_steps(self.root, self.steps), self.ledger, then)
        failures = manifests.ledger_failures(now, self.ledger, os.path.join(STORE, "ledger"))
        if not then.exists:
            self.say(f"accept: everything as it is: {len(now.files)} files in steps {manifests.steps_text(now.steps)}")
            stale = []
        else:
            for failure in manifests.find_unknown(now, then):
                self.say(f"accept: {failure.message}")
            changes, stale = manifests.find_changes(now, then, self.ledger)
            failures += [f for f in changes if f.kind == "half-way"]
            for f in changes:
                if f.kind != "half-way":
                    self.say(f"accept: {f.message}")
            by_file = {}
            for path, unit, steps in stale:
                by_file.setdefault(path, []).append(f"{cscan.spoken(unit)} (step {manifests.steps_text(steps)})")
            for path, words in by_file.items():
                self.say(f"accept: {path}: {', '.join(words)}")
        if failures:
            for failure in failures:
                self.say(f"REFUSED: {failure.message} -- {self.mend(failure, then)}")
            self.say("carry: the manifest is not changed")
            return STOPPED
        returns = manifests.find_returns(now, self.ledger)
        for failure in returns:
            self.say(f"still to mend: {failure.message} -- {failure.mend}")
        if not os.path.exists(self.ledger.path):
            self.ledger.save()
        if os.path.exists(self.manifest_path) and not anew and then.text() == now.text():
            self.say("carry: the manifest is up to date")
        else:
            now.save(self.manifest_path)
            self.say(f"carry: {os.path.join(STORE, 'manifest')} written")
        return STOPPED if returns else DONE


HELP = """\
A fix is made in the step that introduced the bug, and carried:

  tools/carry 3                     the change in step 3's working tree since HEAD, into steps 4, 5, ...
  tools/carry 3 --base REV          what changed in step 3 since the commit REV
  tools/carry --continue            after a conflict or a failing test has been mended
  tools/carry --stop FILE "reason"  this change ends here (FILE or FILE:function); writes the ledger
  tools/carry --abort               every file as it was before
  tools/carry --status
  tools/carry --check               does every step agree with the manifest? (what CI runs)
  tools/carry --update-manifest     accept the tree as it is; says what that is

docs/maintaining.md goes through an example. Status: 0 done, 1 stopped or not in agreement, 2 usage.
"""


def main(arguments, out=None):
    parser = argparse.ArgumentParser(prog="tools/carry", usage="tools/carry STEP [--base REV] [options]",
                                     description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", nargs="?", help="the step in which the change was made: 3, 03 or step03-callconv")
    parser.add_argument("--base", metavar="REV", help="compare with this commit (default HEAD)")
    parser.add_argument("--no-test", action="store_true", help="neither build nor test after each hop")
    parser.add_argument("--build-only", action="store_true", help="build after each hop, without tests")
    parser.add_argument("--command", metavar="CMD", help=f"what to run after each hop (default '{TESTS}')")
    parser.add_argument("--dry-run", action="store_true", help="say what would happen, write nothing")
    actions = parser.add_mutually_exclusive_group()
    actions.add_argument("--continue", dest="resume", action="store_true")
    actions.add_argument("--abort", action="store_true")
    actions.add_argument("--status", action="store_true")
    actions.add_argument("--stop", nargs=2, metavar=("FILE", "REASON"))
    actions.add_argument("--check", action="store_true")
    actions.add_argument("--update-manifest", action="store_true")
    parser.add_argument("--anew", action="store_true", help="with --update-manifest: forget the old one")
    parser.add_argument("--root", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    action = options.resume or options.abort or options.status or options.stop or options.check or \
        options.update_manifest
    if bool(options.step) == bool(action):
        parser.error("name a step, or one of --continue --abort --status --stop --check --update-manifest")
    out = out or sys.stdout
    try:
        carry = Carry(os.path.abspath(options.root or steptree.top_directory()), out)
        if options.resume:
            return carry.resume()
        if options.abort:
            return carry.abort()
        if options.status:
            return carry.status()
        if options.stop:
            return carry.stop(*options.stop)
        if options.check:
            return carry.check()
        if options.update_manifest:
            return carry.update_manifest(options.anew)
        number = "".join(c for c in options.step.rstrip("/")[:6] if c.isdigit()) \
            if options.step.startswith("step") else options.step
        if not number.isdigit():
            parser.error(f"'{options.step}' is not a step")
        command = options.command or os.environ.get("CARRY_COMMAND") or (BUILD if options.build_only else TESTS)
        return carry.start(int(number), options.base or "HEAD", None if options.no_test else command,
                           options.dry_run)
    except TreeError as error:
        print(f"carry: {error}", file=sys.stderr if out is sys.stdout else out)
        return STOPPED
    except KeyboardInterrupt:
        print("\ncarry: interrupted: tools/carry --continue goes on, --abort undoes", file=sys.stderr)
        return 130
