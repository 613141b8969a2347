# Finding an excerpt of a source file in that file.
#
# An excerpt stands in the source just so, line by line. A line that is only `// ...` or `// ... words ...`
# (or the same with ; or #) cuts it into pieces, which stand there in that order.

import difflib
import re

ELISION = re.compile(r"^\s*(//|;|#)\s*(\.\.\.|…)(.*(\.\.\.|…))?\s*$")


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
