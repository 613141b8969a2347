# Running the commands of a transcript again, and comparing what they print with what the chapter shows.

import difflib
import os
import re
import shutil
import signal
import subprocess

from excerpts import find_lines

SHOWN_ROOT = "/home/you/jit"                    # how transcripts print the repository's own path
OUTPUT_LIMIT = 4 << 20


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
    """Runs `sh -c text`; returns its combined output as lines, or a message when it can't be had. With
    stdbuf, output is written line by line as on a terminal, so that the two streams keep their order."""
    stdbuf = ["stdbuf", "-oL"] if shutil.which("stdbuf") else []
    process = subprocess.Popen(stdbuf + ["sh", "-c", text], cwd=directory, stdin=subprocess.DEVNULL,
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
