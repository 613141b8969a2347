# The chapters' markdown: reading it, and checking that nothing in it has drifted from the code.
#
# tools/check-chapters is the command; tools/book uses the reader to turn chapters into pages.
# The rules that a chapter keeps are listed in docs/book/README.md.

import bisect
import difflib
import fnmatch
import glob
import json
import os
import re
import signal
import subprocess
import xml.etree.ElementTree as ET

SECTIONS = ["What you will have", "Why", "The idea", "Building it", "Seeing it work", "Measuring it",
            "What can go wrong", "What changed", "Exercises", "Further reading"]

# A block in one of these languages shows code of this repository, so it names the file it is from.
NEEDS_PATH = {"c", "h", "bca", "asm", "make", "makefile", "diff"}
ELISION = re.compile(r"^\s*(//|;|#)\s*(\.\.\.|…)\s*$")
SHOWN_ROOT = "/home/you/jit"                    # how transcripts print the repository's own path
OUTPUT_LIMIT = 4 << 20


class Failure:
    """One thing that is wrong: where, what, and a few lines of difference."""

    def __init__(self, path, line, message, detail=""):
        self.path, self.line, self.message, self.detail = path, line, message, detail

    def __str__(self):
        text = f"{self.path}:{self.line}: {self.message}"
        return text + "\n" + "\n".join("    " + l for l in self.detail.splitlines()) if self.detail else text


# ---------------------------------------------------------------------------------------------
# Reading markdown


class Block:
    """A fenced code block. `line` is the number of the fence's line, from 1; `lines` the contents."""

    def __init__(self, info, indent, line):
        self.info, self.indent, self.line, self.lines = info, indent, line, []
        words = info.split()
        self.language = words[0].lower() if words else ""
        self.sketch = "sketch" in words[1:]
        paths = [w for w in words[1:] if w != "sketch"]
        self.path = paths[0] if paths else None

    @property
    def end(self):
        """The line number of the closing fence."""
        return self.line + len(self.lines) + 1


class Document:
    """One markdown file: its lines, fenced blocks, headings, links and images."""

    def __init__(self, path, text):
        self.path, self.lines = path, text.split("\n")
        self.blocks, self.unclosed = [], None
        self.prose = []                         # (line number, text outside code, inline code blanked)
        self.headings = []                      # (line number, level, text)
        self._scan()

    def _scan(self):
        block, fence, comment = None, "", False
        for number, line in enumerate(self.lines, 1):
            if block is not None:
                closing = re.match(r"^ *(`{3,}|~{3,}) *$", line)
                if closing and closing.group(1)[0] == fence[0] and len(closing.group(1)) >= len(fence):
                    self.blocks.append(block)
                    block = None
                else:
                    block.lines.append(strip_indent(line, block.indent))
                continue
            opening = re.match(r"^( *)(`{3,}|~{3,})([^`]*)$", line)
            if opening and not comment:
                fence = opening.group(2)
                block = Block(opening.group(3).strip(), len(opening.group(1)), number)
                continue
            if comment:
                comment = "-->" not in line
                continue
            if "<!--" in line and "-->" not in line.split("<!--", 1)[1]:
                comment = True
                line = line.split("<!--", 1)[0]
            heading = re.match(r"^(#{1,6}) +(.*?) *#* *$", line)
            if heading:
                self.headings.append((number, len(heading.group(1)), heading.group(2)))
            self.prose.append((number, blank_inline_code(line)))
        self.unclosed = block

    def anchors(self):
        """The anchors of the headings, as a code host and pandoc's gfm_auto_identifiers make them."""
        seen, result = {}, set()
        for _, _, text in self.headings:
            slug = slugify(text)
            count = seen.get(slug, 0)
            seen[slug] = count + 1
            result.add(slug if count == 0 else f"{slug}-{count}")
        for _, line in self.prose:
            result.update(re.findall(r"<a\s[^>]*(?:id|name)=\"([^\"]+)\"", line))
        return result

    def links(self):
        """(line, target, alt) of every link and image; alt is None for a link."""
        joined, starts, numbers, position = [], [], [], 0
        for number, line in self.prose:
            starts.append(position)
            numbers.append(number)
            joined.append(line)
            position += len(line) + 1
        text = "\n".join(joined)

        def line_of(offset):
            return numbers[bisect.bisect_right(starts, offset) - 1]

        for m in re.finditer(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(\s*<?([^)\s>]*)>?(?:\s+[\"'][^)]*)?\s*\)", text):
            yield line_of(m.start()), m.group(3), m.group(2).strip() if m.group(1) else None
            if not m.group(1):                  # a link may be wrapped round an image
                for inner in re.finditer(r"!\[([^\]]*)\]\(([^)\s]*)", m.group(2)):
                    yield line_of(m.start()), inner.group(2), inner.group(1).strip()
        for m in re.finditer(r"^ {0,3}\[[^\]^]+\]:\s*<?(\S+?)>?\s*$", text, re.M):
            yield line_of(m.start()), m.group(1), None
        for m in re.finditer(r"<(img|source|a)\s([^>]*)>", text, re.S):
            attributes = dict(re.findall(r"([\w-]+)\s*=\s*\"([^\"]*)\"", m.group(2)))
            if m.group(1) == "a":
                if "href" in attributes:
                    yield line_of(m.start()), attributes["href"], None
            elif m.group(1) == "img":
                yield line_of(m.start()), attributes.get("src", ""), attributes.get("alt", "").strip()
            else:
                yield line_of(m.start()), attributes.get("srcset", ""), None

    def regions(self, kind):
        """(name, first line, last line) of the text between <!-- kind[:name] --> and <!-- /kind -->,
        markers included; last is None where the closing marker is missing."""
        opener = re.compile(r"^\s*<!--\s*" + kind + r"(?::\s*(\S.*?))?\s*-->\s*$")
        closer = re.compile(r"^\s*<!--\s*/" + kind + r"\s*-->\s*$")
        code = {n for b in self.blocks for n in range(b.line, b.end + 1)}
        start = name = None
        for number, line in enumerate(self.lines, 1):
            if number in code:
                continue
            match = opener.match(line)
            if match:
                if start:
                    yield name, start, None
                start, name = number, match.group(1) or ""
            elif closer.match(line) and start:
                yield name, start, number
                start = None
        if start:
            yield name, start, None


def read_document(path):
    with open(path, encoding="utf-8") as file:
        return Document(path, file.read())


def strip_indent(line, indent):
    blanks = len(line) - len(line.lstrip(" "))
    return line[min(indent, blanks):]


def blank_inline_code(line):
    return re.sub(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", lambda m: " " * len(m.group(0)), line)


def slugify(text):
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = text.replace("`", "").lower().strip()
    text = re.sub(r"[^\w\- ]", "", text)
    return text.replace(" ", "-")


def section_of(heading):
    """The index in SECTIONS that a heading such as "2. Why" or "Why: a loop" belongs to."""
    text = re.sub(r"^\d+[.:)]?\s+", "", heading).lower()
    for index, name in enumerate(SECTIONS):
        if re.match(re.escape(name.lower()) + r"\b", text):
            return index
    return None


# ---------------------------------------------------------------------------------------------
# Excerpts


def pieces_of(lines):
    """The block cut at its elision lines, blank edges trimmed: [(offset in block, [line, ...]), ...]"""
    pieces, current, start = [], [], 0
    for offset, line in enumerate(list(lines) + ["// ..."]):
        if not ELISION.match(line):
            current.append(line.rstrip())
            continue
        while current and not current[0]:
            current.pop(0)
            start += 1
        while current and not current[-1]:
            current.pop()
        if current:
            pieces.append((start, current))
        current, start = [], offset + 1
    return pieces


def find_lines(source, piece, start):
    for at in range(start, len(source) - len(piece) + 1):
        if source[at:at + len(piece)] == piece:
            return at
    return None


def locate_excerpt(lines, source):
    """Where the pieces of an excerpt stand in the source: a list of line indices, or the piece that
    is not there (offset, lines) and the index from which it was searched."""
    at, found = 0, []
    for offset, piece in pieces_of(lines):
        index = find_lines(source, piece, at)
        if index is None:
            return None, (offset, piece, at)
        found.append(index)
        at = index + len(piece)
    return found, None


def nearest_difference(piece, source, start):
    """A short diff of a piece against the most similar run of lines at or after `start`."""
    best, best_score = start, -1.0
    wanted = set(l.strip() for l in piece if l.strip())
    for at in range(start, max(start + 1, len(source) - len(piece) + 1)):
        window = source[at:at + len(piece)]
        score = sum(1 for l in window if l.strip() in wanted)
        if score and window[0].strip() == piece[0].strip():
            score += 0.5
        if score > best_score:
            best, best_score = at, score
    if best_score <= 0:
        return "nothing like it there; it starts: " + piece[0].strip()
    return short_diff(piece, source[best:best + len(piece) + 2])


def short_diff(old, new, limit=14):
    """- is what the chapter says, + what is really there."""
    lines = list(difflib.unified_diff(old, new, lineterm="", n=1))[2:]
    if len(lines) > limit:
        lines = lines[:limit] + [f"... {len(lines) - limit} more lines"]
    return "\n".join(lines)


# ---------------------------------------------------------------------------------------------
# Transcripts


class Command:
    """One `$ command` of a console block: its text, the expected lines, and where both stand."""

    def __init__(self, text, offset):
        self.text, self.offset, self.expected, self.first = text, offset, [], offset + 1


def commands_of(block):
    """The commands of a console block, and the offset of a line before the first command or None."""
    commands, stray, continued = [], None, False
    for offset, line in enumerate(block.lines):
        if continued:
            commands[-1].text += "\n" + re.sub(r"^> ?", "", line)
            commands[-1].first = offset + 1
            continued = line.endswith("\\")
        elif line.startswith("$ "):
            commands.append(Command(line[2:], offset))
            continued = line.endswith("\\")
        elif commands:
            commands[-1].expected.append(line)
        elif line.strip() and stray is None:
            stray = offset
    for command in commands:
        while command.expected and not command.expected[-1].strip():
            command.expected.pop()
    return commands, stray


NUMBER = r"\d[\d,]*(?:\.\d+)?"
BYTE = r"[0-9a-f]{2}"


def normalise_line(line):
    """One line with what changes from run to run replaced by words. Where something was replaced,
    runs of blanks shrink to one, because the columns may have moved with it."""
    result = line.rstrip()
    # Listings: the eight immediate bytes of movabs, and the displacement of a call out of the code.
    if re.search(r"0x[0-9a-fA-F]{6,}|\bmovabs\b", result):
        result = re.sub(rf"\b(4[89] ?b[89a-f])((?: ?{BYTE}){{8}})(?=\s|$)", immediate_word, result)
    if re.search(r"\b(call|jmp|j[a-z]{1,3})\b.*\b0x[0-9a-fA-F]{6,}", result):
        result = re.sub(rf"\b(e8|e9|0f ?8[0-9a-f])(?: ?{BYTE}){{4}}(?=\s|$)", r"\1 ADDR", result)
    result = re.sub(r"\b0x[0-9a-fA-F]{6,}\b", "0xADDR", result)
    result = re.sub(r"\b(?:0000)?(?:7[ef]|5[56])[0-9a-f]{10}\b", "ADDR", result)
    result = re.sub(r"==\d+==", "==PID==", result)
    result = re.sub(r"\b([Pp]id|PID|[Pp]rocess|LWP)([ :=]+)\d+", r"\1\2PID", result)
    result = re.sub(r"\bperf-\d+\b", "perf-PID", result)
    result = re.sub(r"/tmp/[\w.-]+", "/tmp/NAME", result)
    result = re.sub(rf"(?<![\w.]){NUMBER} ?(?:[kKMG]i?)?(?:B|bytes|ops|calls|iterations|tests)/(?:s|ms|us)\b",
                    "RATE", result)
    result = re.sub(rf"(?<![\w.]){NUMBER} ?(?:ns|us|µs|μs|ms|s|sec|seconds?|milliseconds?|microseconds?"
                    r"|nanoseconds?)\b(?:/\w+| per \w+)?", "TIME", result)
    result = re.sub(r"(?<![\w.])\d+\.\d+ ?[x×](?!\w)", "RATIO", result)
    result = result.replace(" (core dumped)", "")
    if result != line.rstrip():
        result = re.sub(r"(?<=\S) {2,}", " ", result)
    return result


def immediate_word(match):
    """Masks a movabs immediate only where it is as wide as an address (six hex digits or more)."""
    data = bytes.fromhex(match.group(2).replace(" ", ""))
    value = int.from_bytes(data, "little")
    return f"{match.group(1)} ADDR" if value >= 0x100000 else match.group(0)


def normalise(lines):
    return [normalise_line(line) for line in lines]


def is_dots(line):
    return line.strip() in ("...", "…")


def transcript_matches(expected, actual):
    """Both normalised. A line `...` in `expected` stands for any number of lines."""
    pieces, current = [], []
    for line in expected:
        if is_dots(line):
            pieces.append(current)
            current = []
        else:
            current.append(line)
    pieces.append(current)
    if len(pieces) == 1:
        return expected == actual
    head, tail = pieces[0], pieces[-1]
    if actual[:len(head)] != head:
        return False
    at, limit = len(head), len(actual) - len(tail)
    if limit < at or actual[limit:] != tail:
        return False
    for piece in pieces[1:-1]:
        index = find_lines(actual[:limit], piece, at)
        if index is None:
            return False
        at = index + len(piece)
    return True


def refreshed(expected, actual):
    """The actual output with the author's elisions put back where their neighbours still stand.
    Returns the lines and the number of elisions that could not be kept."""
    if not any(is_dots(l) for l in expected):
        return list(actual), 0
    old, new = normalise(expected), normalise(actual)
    partner = {}
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            partner.update({i: j1 + i - i1 for i in range(i1, i2) if not is_dots(old[i])})
    cuts, lost = [], 0
    for index, line in enumerate(expected):
        if not is_dots(line):
            continue
        before = -1 if index == 0 else partner.get(index - 1)
        after = len(actual) if index == len(expected) - 1 else partner.get(index + 1)
        if before is None or after is None or after <= before:
            lost += 1
        else:
            cuts.append((before + 1, after, line))
    result, at = [], 0
    for first, last, line in sorted(cuts):
        result += list(actual[at:first]) + [line]
        at = last
    return result + list(actual[at:]), lost


def clean_environment():
    """Transcripts are what a reader sees at a plain terminal: no flags from a surrounding make, no
    colour, no pager."""
    dropped = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES", "CC", "CFLAGS", "LDFLAGS", "SAN", "BUILD",
               "FILTER", "STEP", "V", "OPTIMIZE", "MAKE_TERMOUT", "MAKE_TERMERR")
    environment = {k: v for k, v in os.environ.items() if k not in dropped}
    environment.update(LC_ALL="C.UTF-8", TERM="dumb", PAGER="cat", GIT_PAGER="cat", NO_COLOR="1", COLUMNS="100")
    return environment


def run_command(text, directory, seconds, root):
    """Runs `sh -c text`; returns its combined output as lines, or a message when it can't be had."""
    process = subprocess.Popen(["sh", "-c", text], cwd=directory, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=clean_environment(),
                               start_new_session=True)
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        kill_group(process)
        process.communicate()
        return None, f"took longer than {seconds} s"
    kill_group(process)
    if len(output) > OUTPUT_LIMIT:
        return None, f"printed {len(output)} bytes"
    lines = output.decode("utf-8", "replace").replace(str(root), SHOWN_ROOT).split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    while lines and not lines[-1].strip():
        lines.pop()
    if process.returncode < 0:                  # the reader's shell names the signal, `sh -c` may not
        name = signal.strsignal(-process.returncode)
        if not any(name in line for line in lines[-1:]):
            lines.append(name)
    return lines, None


def kill_group(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


# ---------------------------------------------------------------------------------------------
# Generated tables


def time_text(ns):
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= size:
            return f"{ns / size:.3g} {unit}" if ns / size < 1000 else f"{ns / size:.0f} {unit}"
    return f"{ns:.3g} ns"


def bench_table(name, results_path):
    """The markdown lines for <!-- bench:NAME -->, from a results file (JSON lines, as common/testing/bench.c
    appends them; times are per operation). NAME may be a glob: one benchmark gives a row per contestant,
    several give a row per benchmark and a column per contestant. Raises ValueError with the reason when
    there is nothing to show."""
    if not os.path.exists(results_path):
        raise ValueError("there is no bench/results.jsonl; `make bench` writes it")
    records = {}
    with open(results_path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                key = (record["bench"], record["contestant"])
                for field in ("min_ns", "median_ns", "ratio"):
                    record[field] = float(record[field])
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"bench/results.jsonl:{number}: not a result: {error!r}") from None
            if record["bench"] == name or fnmatch.fnmatchcase(record["bench"], name):
                records[key] = record           # the last measurement of a pair counts
    if not records:
        raise ValueError(f"bench/results.jsonl has no benchmark named {name}")
    names = list(dict.fromkeys(k[0] for k in records))
    contestants = list(dict.fromkeys(k[1] for k in records))
    table = one_bench(records) if len(names) == 1 else bench_matrix(records, names, contestants)
    machines = list(dict.fromkeys(machine_text(r) for r in records.values()))
    date = max(str(r.get("date", ""))[:10] for r in records.values())
    return table + ["", f"Measured on {'; and on '.join(machines)}" + (f", {date}" if date else "") + "."]


def machine_text(record):
    cores = record.get("cores")
    parts = [record.get("cpu") or "an unnamed processor", f"{cores} core{'s' if cores != 1 else ''}" if cores else "",
             record.get("kernel"), record.get("compiler")]
    return ", ".join(str(p) for p in parts if p)


def one_bench(records):
    rows = list(records.values())
    baseline = rows[0].get("baseline", rows[0]["contestant"])
    lines = [f"| time per {rows[0].get('operation', 'run')} | fastest | median | times as fast as {baseline} |",
             "|---|---:|---:|---:|"]
    for row in rows:
        lines.append(f"| {row['contestant']} | {time_text(row['min_ns'])} | {time_text(row['median_ns'])} | "
                     f"{row['ratio']:.2f} |")
    return lines


def bench_matrix(records, names, contestants):
    def cell(name, contestant):
        record = records.get((name, contestant))
        if record is None:
            return ""
        text = time_text(record["median_ns"])
        return text if record.get("baseline") == contestant else f"{text} ({record['ratio']:.2f}×)"
    lines = ["| median time | " + " | ".join(contestants) + " |", "|---|" + "---:|" * len(contestants)]
    for name in names:
        operation = records[next(k for k in records if k[0] == name)].get("operation", "run")
        lines.append(f"| {name}, per {operation} | " + " | ".join(cell(name, c) for c in contestants) + " |")
    return lines


def table_rows(text):
    """The body rows of a markdown table (or of tab-separated lines) as lists of cells."""
    rows = []
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("|"):
            cells = [c.strip() for c in re.split(r"(?<!\\)\|", line.strip("|"))]
        elif "\t" in line:
            cells = [c.strip() for c in line.split("\t")]
        else:
            continue
        if all(re.fullmatch(r":?-+:?", c) for c in cells if c) and any(cells):
            continue
        rows.append(cells)
    return rows


def file_key(cell):
    """The file a table cell names, without its markup."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", cell).replace("`", "").strip()


def count(cell):
    match = re.fullmatch(r"[+\-−]?\s*(\d+)", cell.strip())
    return int(match.group(1)) if match else None


def changed_rows(text):
    """{file: (added, removed)} in order, from the table that `tools/step-diff N --table` prints."""
    result = {}
    for cells in table_rows(text):
        if len(cells) >= 3 and count(cells[1]) is not None and count(cells[2]) is not None:
            result[file_key(cells[0])] = (count(cells[1]), count(cells[2]))
    return result


def changed_table(rows, whys):
    lines = ["| file | + | − | why |", "|---|---:|---:|---|"]
    for name, (added, removed) in rows.items():
        shown = name if name.lower() in ("total", "sum", "all") else f"`{name}`"
        lines.append(f"| {shown} | +{added} | -{removed} | {whys.get(name, '')} |")
    return lines


# ---------------------------------------------------------------------------------------------
# The checks of one chapter


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
            self.notes.append(f"{os.path.relpath(document.path, self.root)}:{line}: refreshed `{command.text}`{lost_note}")
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
            self.check(os.path.exists(stem + ".dot"), document, line, f"{shown} is Graphviz's; its .dot is not beside it")
        elif re.search(r"Produced by GNUPLOT|<desc>.*gnuplot", text, re.I):
            self.check(os.path.exists(stem + ".gp"), document, line, f"{shown} is gnuplot's; its .gp is not beside it")
        made = re.search(r"^<!-- made by: (.*?) -->\n?", text, re.M)
        if made and run_in and self.run and self.build(run_in, document, line):
            actual, trouble = run_command(made.group(1), run_in, self.seconds, self.root)
            rest = [l.rstrip() for l in text.replace(made.group(0), "").rstrip().split("\n")]
            ok = trouble is None and [l.rstrip() for l in actual] == rest
            self.check(ok, document, line, f"{shown} is not what `{made.group(1)}` draws now",
                       trouble or short_diff(rest, actual))


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
    return sorted(d for d in glob.glob(os.path.join(glob.escape(root), "step[0-9][0-9]-*")) if os.path.isdir(d))


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
