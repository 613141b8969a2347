# Checking that nothing in a chapter has drifted from the code. tools/check-chapters is the command.
#
# The rules that a chapter keeps are listed in docs/book/README.md. The reader of markdown is in
# chaptertext.py, the comparisons in excerpts.py and transcripts.py, the tables in chaptertables.py.

import os
import re
import subprocess
import xml.etree.ElementTree as ET

from chaptertables import bench_table, changed_rows, changed_table, count, file_key, table_rows
from chaptertext import SECTIONS, read_document, section_of
from excerpts import find_lines, locate_excerpt, nearest_difference, pieces_of, short_diff
from refresh import diff_coverage, is_whole, refresh_code, refresh_diff
from steptree import list_steps
from transcripts import (clean_environment, commands_of, is_dots, normalise, refreshed, run_command,
                         transcript_matches)

# A block in one of these languages shows code of this repository, so it names the file it is from.
NEEDS_PATH = {"c", "h", "bca", "asm", "make", "makefile", "diff"}


class Failure:
    """One thing that is wrong: where, what, and a few lines of difference."""

    def __init__(self, path, line, message, detail=""):
        self.path, self.line, self.message, self.detail = path, line, message, detail

    def __str__(self):
        text = f"{self.path}:{self.line}: {self.message}"
        return text + "\n" + "\n".join("    " + l for l in self.detail.splitlines()) if self.detail else text


class Checker:
    """Checks documents under `root` and collects failures; with write=True puts right what can be."""

    def __init__(self, root, write=False, run=True, seconds=60):
        self.root, self.write, self.run, self.seconds = os.path.realpath(root), write, run, seconds
        self.failures, self.passed, self.notes, self.built = [], 0, [], {}
        self.documents = {}

    # A check is counted once: it passes, or it fails and is recorded.
    def check(self, ok, document, line, message, detail=""):
        if ok:
            self.passed += 1
        else:
            self.failures.append(Failure(os.path.relpath(document.path, self.root), line, message, detail))
        return ok

    def document(self, path):
        path = os.path.normpath(path)
        if path not in self.documents:
            self.documents[path] = read_document(path)
        return self.documents[path]

    def chapter(self, directory):
        """Every check of directory/README.md."""
        path = os.path.join(directory, "README.md")
        if not os.path.exists(path):
            relative = os.path.relpath(path, self.root)
            self.failures.append(Failure(relative, 1, "this step has no chapter"))
            return
        document = read_document(path)
        if not self.check(document.unclosed is None, document, document.unclosed.line if document.unclosed else 1,
                          "this code block is never closed"):
            return
        counts = dict(excerpts=0, commands=0, sketches=0, figures=0, links=0, tables=0)
        if self.write:
            document = self.refresh_excerpts(document, directory)
        edits = []                              # (first line, last line, new lines), 1-based, inclusive
        self.sections(document)
        self.excerpts(document, directory, counts, strict=True)
        self.transcripts(document, directory, counts, edits)
        self.bench_regions(document, directory, counts, edits)
        self.changed_regions(document, directory, counts, edits)
        self.links(document, counts, run_in=directory)
        if edits and self.write:
            rewrite(document, edits)
        note = ", ".join(f"{n} {what if n != 1 else what[:-1] if what != 'sketches' else 'sketch'}"
                         for what, n in counts.items())
        self.notes.append(f"{os.path.relpath(path, self.root)}: {note}")

    def page(self, path):
        """A page that is not a chapter: excerpts that name a file, figures and links."""
        document = read_document(path)
        counts = dict(excerpts=0, sketches=0, figures=0, links=0)
        self.excerpts(document, self.root, counts, strict=False)
        self.links(document, counts, run_in=None)

    # The ten sections, in order, and nothing else at that level.
    def sections(self, document):
        titles = [h for h in document.headings if h[1] == 1]
        self.check(len(titles) == 1, document, titles[1][0] if len(titles) > 1 else 1,
                   "a chapter has one title (a line that starts with one #)")
        expected = 0
        for line, level, text in document.headings:
            if level != 2:
                continue
            index = section_of(text)
            if index is None:
                self.check(False, document, line, f"section \"{text}\" is not one of the ten; use ### inside one of: "
                           + ", ".join(SECTIONS))
            elif not self.check(index == expected, document, line, f"section \"{text}\" stands where "
                                + (f"\"{SECTIONS[expected]}\"" if expected < len(SECTIONS) else "nothing more")
                                + " belongs"):
                expected = max(expected, index + 1)
            else:
                expected = index + 1
        self.check(expected == len(SECTIONS), document, len(document.lines),
                   "the chapter ends before section " + ", ".join(f"\"{s}\"" for s in SECTIONS[expected:expected + 1]))

    # With --write: excerpts that drifted are found again in the source. What cannot be found stays, and fails.
    def refresh_excerpts(self, document, directory):
        files = {}
        for block in document.blocks:
            if block.path and not block.sketch and block.language != "console":
                files.setdefault((block.path, block.language == "diff"), []).append(block)
        whole, edits = self.shows_all_changes(directory, files), []
        for (path, is_diff), blocks in files.items():
            new = self.refreshed_blocks(directory, path, is_diff, [b.lines for b in blocks], whole)
            for block, (lines, why) in zip(blocks, new):
                where = f"{os.path.relpath(document.path, self.root)}:{block.line}"
                if why:
                    self.notes.append(f"{where}: not refreshed, edit it by hand: {path}: {why}")
                elif lines is not None and lines != block.lines:
                    indented = [(" " * block.indent + l).rstrip() for l in lines]
                    edits.append((block.line + 1, block.end - 1, indented))
                    self.notes.append(f"{where}: refreshed the excerpt of {path}")
        if not edits:
            return document
        rewrite(document, edits)
        return read_document(document.path)

    def both_sides(self, directory, path):
        """The lines of a file in the step before and in this one, or None for what is not there."""
        before = previous_step(self.root, directory)
        return (read_lines(self.root, os.path.join(before, path)) if before else None,
                read_lines(self.root, os.path.join(directory, path)))

    def shows_all_changes(self, directory, files):
        held = total = 0
        for (path, is_diff), blocks in files.items():
            old, new = self.both_sides(directory, path) if is_diff else (None, None)
            if old is not None and new is not None:
                counts = diff_coverage([b.lines for b in blocks], old, new)
                held, total = held + counts[0], total + counts[1]
        return is_whole(held, total)

    def refreshed_blocks(self, directory, path, is_diff, blocks, whole):
        old, new = self.both_sides(directory, path)
        if new is None or (is_diff and old is None):
            return [(None, None)] * len(blocks)
        return refresh_diff(blocks, old, new, whole) if is_diff else refresh_code(blocks, new)

    def excerpts(self, document, directory, counts, strict):
        for block in document.blocks:
            if block.language == "console":
                continue
            if block.sketch:
                counts["sketches"] += 1
            elif block.path:
                counts["excerpts"] += 1
                self.excerpt(document, block, directory)
            elif strict and block.language in NEEDS_PATH:
                self.check(False, document, block.line, f"this `{block.language}` block does not name its file: write "
                           f"```{block.language} path/from/the/step, or ```{block.language} sketch for pseudo code")

    def excerpt(self, document, block, directory):
        path = os.path.realpath(os.path.join(directory, block.path))
        if not self.check(path.startswith(self.root + os.sep) and os.path.isfile(path), document, block.line,
                          f"there is no file {block.path}"):
            return
        if block.language == "diff":
            self.diff_excerpt(document, block, directory, path)
            return
        self.compare(document, block, block.lines, path, block.path)

    def compare(self, document, block, lines, path, shown):
        with open(path, encoding="utf-8", errors="replace") as file:
            source = [l.rstrip() for l in file.read().split("\n")]
        if not self.check(bool(pieces_of(lines)), document, block.line, "this excerpt is empty"):
            return
        _, missing = locate_excerpt(lines, source)
        if missing is None:
            self.passed += 1
            return
        offset, piece, start = missing
        message = f"this excerpt is not in {shown}"
        if find_lines(source, piece, 0) is not None:
            message = f"this piece stands before the one above it in {shown}"
        self.check(False, document, block.line + 1 + offset, message, nearest_difference(piece, source, start))

    # ```diff src/x.c: what it removes was in the step before, what it adds is in this one.
    def diff_excerpt(self, document, block, directory, path):
        def side(drop):
            return ["// ..." if l.startswith("@@") or is_dots(l) else l[1:] for l in block.lines
                    if not l.startswith(drop) and not l.startswith(("+++", "---"))]
        self.compare(document, block, side("-"), path, block.path)
        before = previous_step(self.root, directory)
        if pieces_of(side("+")) and self.check(before is not None, document, block.line, "there is no step before"):
            old = os.path.join(before, block.path)
            shown = os.path.relpath(old, directory)
            if self.check(os.path.isfile(old), document, block.line, f"there is no file {shown}"):
                self.compare(document, block, side("+"), old, shown)

    def build(self, directory, document, line):
        """`make` in a step, once. Returns whether it worked."""
        if directory not in self.built:
            result = subprocess.run(["make", "-s", "-C", directory], env=clean_environment(),
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
            self.built[directory] = result.returncode == 0
            if result.returncode:
                tail = "\n".join(result.stdout.decode("utf-8", "replace").splitlines()[-8:])
                self.check(False, document, line, f"`make -C {os.path.relpath(directory, self.root)}` failed", tail)
        return self.built[directory]

    def transcripts(self, document, directory, counts, edits):
        for block in document.blocks:
            if block.language != "console":
                continue
            if block.sketch:
                counts["sketches"] += 1
                continue
            commands, stray = commands_of(block)
            self.check(stray is None and commands, document, block.line + 1 + (stray or 0),
                       "a console block starts with a command: a line `$ command`")
            counts["commands"] += len(commands)
            if self.run:
                for command in commands:
                    self.transcript(document, block, command, directory, edits)

    def transcript(self, document, block, command, directory, edits):
        line = block.line + 1 + command.offset
        for step in dict.fromkeys(re.findall(r"\.\./(step\d\d-[\w-]+)/", command.text)):
            other = os.path.join(self.root, step)
            if not self.check(os.path.isdir(other), document, line, f"there is no ../{step}"):
                return
            if not self.build(other, document, line):
                return
        if not self.build(directory, document, line):
            return
        actual, trouble = run_command(command.text, directory, self.seconds, self.root)
        if not self.check(trouble is None, document, line, f"`{command.text}` {trouble}"):
            return
        expected = normalise(command.expected)
        if transcript_matches(expected, normalise(actual)):
            self.passed += 1
            return
        if self.write:
            new, lost = refreshed(command.expected, actual)
            first = block.line + 1 + command.first
            old_last = first + len(command.expected) - 1
            edits.append((first, old_last, [(" " * block.indent + l).rstrip() for l in new]))
            lost_note = f" ({lost} elisions lost)" if lost else ""
            where = f"{os.path.relpath(document.path, self.root)}:{line}"
            self.notes.append(f"{where}: refreshed `{command.text}`{lost_note}")
            self.passed += 1
            return
        self.check(False, document, line, f"`{command.text}` prints something else now",
                   short_diff(expected, normalise(actual)))

    def bench_regions(self, document, directory, counts, edits):
        for name, first, last in document.regions("bench"):
            counts["tables"] += 1
            if not self.check(last is not None, document, first, "no <!-- /bench --> follows"):
                continue
            try:
                wanted = bench_table(name, os.path.join(directory, "bench", "results.jsonl"))
            except ValueError as error:
                self.check(False, document, first, str(error))
                continue
            self.region(document, first, last, wanted, edits, "this table differs from bench/results.jsonl")

    def changed_regions(self, document, directory, counts, edits):
        regions = list(document.regions("changed"))
        at = next((l for l, level, t in document.headings if level == 2 and section_of(t) == 7), 1)
        self.check(len(regions) == 1, document, at, "section \"What changed\" needs one table between "
                   "<!-- changed --> and <!-- /changed -->")
        for _, first, last in regions:
            counts["tables"] += 1
            if not self.check(last is not None, document, first, "no <!-- /changed --> follows"):
                continue
            tool = os.path.join(self.root, "tools", "step-diff")
            number = re.search(r"step(\d+)", os.path.basename(directory))
            result = subprocess.run([tool, str(int(number.group(1))), "--table"], env=clean_environment(),
                                    cwd=self.root, capture_output=True, text=True) if os.path.exists(tool) else None
            if not self.check(result is not None and result.returncode == 0, document, first,
                              "tools/step-diff --table did not work", result.stderr if result else ""):
                continue
            rows = changed_rows(result.stdout)
            old = "\n".join(document.lines[first:last - 1])
            whys = {file_key(c[0]): c[3] for c in table_rows(old) if len(c) >= 4 and count(c[1]) is not None}
            self.region(document, first, last, changed_table(rows, whys), edits,
                        "this table differs from tools/step-diff")
            missing = [f for f in rows if not whys.get(f) and f.lower() not in ("total", "sum", "all")]
            self.check(not missing, document, first, "no reason (column why) for " + ", ".join(missing[:8])
                       + (" ..." if len(missing) > 8 else ""))

    def region(self, document, first, last, wanted, edits, message):
        old = [l.rstrip() for l in document.lines[first:last - 1]]
        while old and not old[0]:
            old.pop(0)
        while old and not old[-1]:
            old.pop()
        if old == wanted:
            self.passed += 1
        elif self.write:
            edits.append((first + 1, last - 1, [""] + wanted + [""]))
            self.passed += 1
        else:
            self.check(False, document, first, message + "; `tools/check-chapters --write` refreshes it",
                       short_diff(old, wanted))

    def links(self, document, counts, run_in):
        for line, target, alt in document.links():
            if re.match(r"^[a-z][a-z0-9+.-]*:", target, re.I):
                continue
            figure = alt is not None
            counts["figures" if figure else "links"] += 1
            if figure:
                self.check(bool(alt), document, line, f"figure {target} has no alternative text")
            path, _, fragment = target.partition("#")
            full = os.path.normpath(os.path.join(os.path.dirname(document.path), path)) if path else document.path
            inside = os.path.realpath(full).startswith(self.root)
            if not self.check(inside and os.path.exists(full), document, line, f"there is no {target or 'empty link'}"):
                continue
            if fragment and full.endswith(".md"):
                self.check(fragment in self.document(full).anchors(), document, line,
                           f"there is no heading #{fragment}" + (f" in {path}" if path else ""))
            if figure:
                self.figure(document, line, full, target, run_in)

    def figure(self, document, line, path, shown, run_in):
        if not self.check(path.endswith(".svg"), document, line, f"figure {shown} is not an SVG"):
            return
        with open(path, encoding="utf-8") as file:
            text = file.read()
        try:
            ET.fromstring(text)
        except ET.ParseError as error:
            self.check(False, document, line, f"figure {shown} is not well-formed: {error}")
            return
        stem = path[:-len(".svg")]
        if re.search(r"Generated by graphviz", text):
            self.check(os.path.exists(stem + ".dot"), document, line,
                       f"{shown} is Graphviz's; its .dot is not beside it")
        elif re.search(r"Produced by GNUPLOT|<desc>.*gnuplot", text, re.I):
            self.check(os.path.exists(stem + ".gp"), document, line, f"{shown} is gnuplot's; its .gp is not beside it")
        made = re.search(r"^<!-- made by: (.*?) -->\n?", text, re.M)
        if made and run_in and self.run and self.build(run_in, document, line):
            actual, trouble = run_command(made.group(1), run_in, self.seconds, self.root)
            rest = [l.rstrip() for l in text.replace(made.group(0), "").rstrip().split("\n")]
            ok = trouble is None and [l.rstrip() for l in actual] == rest
            self.check(ok, document, line, f"{shown} is not what `{made.group(1)}` draws now",
                       trouble or short_diff(rest, actual))


def read_lines(root, path):
    """The lines of a file of the repository; None if there is none."""
    real = os.path.realpath(path)
    if not real.startswith(root + os.sep) or not os.path.isfile(real):
        return None
    with open(real, encoding="utf-8", errors="replace") as file:
        return file.read().split("\n")


def rewrite(document, edits):
    lines = list(document.lines)
    for first, last, new in sorted(edits, key=lambda e: e[0], reverse=True):
        lines[first - 1:last] = new
    with open(document.path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines))


# ---------------------------------------------------------------------------------------------
# Steps


def step_directories(root):
    """The step directories in order."""
    return [os.path.join(root, step.name) for step in list_steps(root)]


def step_number(directory):
    return int(re.match(r"step(\d\d)", os.path.basename(directory)).group(1))


def previous_step(root, directory):
    earlier = [d for d in step_directories(root) if step_number(d) < step_number(directory)]
    return earlier[-1] if earlier else None


def find_step(root, word):
    """The directory that "1", "step01", "step01-codegen" or a path to it names; None if there is none."""
    name = os.path.basename(word.rstrip("/"))
    for directory in step_directories(root):
        base = os.path.basename(directory)
        if name == base or name == base[:6] or name.isdigit() and int(name) == step_number(directory):
            return directory
    return None
