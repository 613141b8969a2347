"""Line differences: patience diff, and the three-way comparison that tells who changed what."""

import difflib
import re
from bisect import bisect_left
from collections import Counter


def split_lines(data):
    """Lines with their ends; joined they are `data` again."""
    return re.findall(rb"[^\n]*\n|[^\n]+", data)


def _unique_common(a, a1, a2, b, b1, b2):
    # The longest increasing run of lines that occur exactly once on each side.
    count_a, count_b = Counter(a[a1:a2]), Counter(b[b1:b2])
    where = {b[j]: j for j in range(b1, b2) if count_b[b[j]] == 1}
    tails, chain = [], []
    for i in range(a1, a2):
        if count_a[a[i]] != 1 or a[i] not in where:
            continue
        j = where[a[i]]
        k = bisect_left([t[1] for t in tails], j)
        node = (i, j, tails[k - 1] if k else None)
        tails[k:k + 1] = [node]
    node = tails[-1] if tails else None
    while node:
        chain.append((node[0], node[1]))
        node = node[2]
    return chain[::-1]


def _matches(a, a1, a2, b, b1, b2, out):
    while a1 < a2 and b1 < b2 and a[a1] == b[b1]:
        out.append((a1, b1))
        a1, b1 = a1 + 1, b1 + 1
    tail = []
    while a1 < a2 and b1 < b2 and a[a2 - 1] == b[b2 - 1]:
        a2, b2 = a2 - 1, b2 - 1
        tail.append((a2, b2))
    if a1 < a2 and b1 < b2:
        anchors = _unique_common(a, a1, a2, b, b1, b2)
        if anchors:
            for i, j in anchors + [(a2, b2)]:
                if i >= a1 and j >= b1:
                    _matches(a, a1, i, b, b1, j, out)
                    if i < a2:
                        out.append((i, j))
                    a1, b1 = i + 1, j + 1
        else:
            matcher = difflib.SequenceMatcher(None, a[a1:a2], b[b1:b2], autojunk=False)
            for i, j, size in matcher.get_matching_blocks():
                out.extend((a1 + i + k, b1 + j + k) for k in range(size))
    out.extend(reversed(tail))


def matches(a, b):
    """[(i, j)] of equal lines, increasing on both sides."""
    out = []
    _matches(a, 0, len(a), b, 0, len(b), out)
    return out


def hunks(a, b):
    """[(i1, i2, j1, j2)]: a[i1:i2] became b[j1:j2]."""
    out, i, j = [], 0, 0
    for x, y in matches(a, b) + [(len(a), len(b))]:
        if x > i or y > j:
            out.append((i, x, j, y))
        i, j = x + 1, y + 1
    return out


def apply_hunks(a, b, chosen):
    """`a` with only the `chosen` ones of hunks(a, b) applied."""
    out, at = [], 0
    for i1, i2, j1, j2 in chosen:
        out += a[at:i1] + b[j1:j2]
        at = i2
    return out + a[at:]


def three_way(base, ours, theirs):
    """[(kind, base lines, our lines, their lines)]; joined they are the three texts again.

    kind: 'equal', 'ours' or 'theirs' (only that side changed), 'same' (both made the same change),
    'both' (they changed the same or neighbouring lines differently).
    """
    to_ours, to_theirs = dict(matches(base, ours)), dict(matches(base, theirs))
    chunks, b, o, t = [], 0, 0, 0

    def close(b2, o2, t2):
        mine, yours, was = ours[o:o2], theirs[t:t2], base[b:b2]
        if not (mine or yours or was):
            return
        kind = ("same" if mine == yours else "theirs" if mine == was else "ours" if yours == was else "both")
        chunks.append((kind, was, mine, yours))

    for i in range(len(base)):
        if i in to_ours and i in to_theirs:
            close(i, to_ours[i], to_theirs[i])
            line = base[i]
            chunks.append(("equal", [line], [line], [line]))
            b, o, t = i + 1, to_ours[i] + 1, to_theirs[i] + 1
    close(len(base), len(ours), len(theirs))
    return chunks
