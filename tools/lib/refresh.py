# Bringing the excerpts of a chapter up to date with the source.
#
# In:  the blocks of a chapter that show one file, in the chapter's order, and that file (for a diff also the
#      file in the step before).
# Out: for each block that no longer stands in the file, its new lines; or why they cannot be found.
# How: a piece of an excerpt (what stands between two elisions, or one hunk of a diff) is aligned with the
#      file by the lines that both have; the region from the first to the last of them, grown to the end of
#      its paragraph where the piece's own edge is gone, is what the piece shows now.
# If the blocks of a file held all of it, they do afterwards: new code between two of them is appended to the
# first. So do diffs, if those of the chapter show nearly all changes of the files that they name.

from excerpts import ELISION, find_lines, pieces_of
from linediff import hunks as line_hunks, matches

# So much of a file, or of its changes, in the blocks: then they are meant to hold all of it.
HELD_WHOLE = 0.75


class Region:
    """A piece and where it stands in the target, [start, end); None if it is not there."""

    def __init__(self, block, offset, lines):
        self.block, self.offset, self.lines = block, offset, lines
        self.start = self.end = None
        self.changed = False                    # does it differ from what stands there?
        self.leads = False                      # a new hunk: is it the first of its block?


def is_weak(line):
    """Does the line say nothing about where it belongs?"""
    return len(line.strip(" +-\t{}()[];,")) < 4


# Alignment.


def align(piece, target, low, high):
    """The matching lines of a piece in target[low:high] that hang together: [(i, j)]. Weak lines count only
    between or beside others."""
    found = [(i, j + low) for i, j in matches(piece, target[low:high])]
    strong = [(i, j) for i, j in found if not is_weak(piece[i])]
    if not strong:
        return []
    # A line far off the others is there by chance: keep the densest run.
    groups, limit = [[strong[0]]], max(12, 2 * len(piece))
    for pair in strong[1:]:
        last = groups[-1][-1]
        if pair[1] - last[1] - (pair[0] - last[0]) > limit:
            groups.append([])
        groups[-1].append(pair)
    best = max(groups, key=len)
    return [p for p in found if best[0][0] <= p[0] <= best[-1][0] or is_neighbour(p, best, piece, target)]


def is_neighbour(pair, group, piece, target):
    """Is the weak pair joined to the group's first or last pair by lines that are all equal?"""
    i, j = pair
    for k, (gi, gj) in enumerate((group[0], group[-1])):
        if gj - gi == j - i and (i < gi if k == 0 else i > gi):
            low, high = (i, gi) if i < gi else (gi, i)
            if all(piece[x] == target[x + gj - gi] for x in range(low, high)):
                return True
    return False


def place(region, target, low, high, grows):
    """Find the region of a piece that does not stand there as it is. `grows(line)` says whether the region may be
    extended over a line of the target where the piece's own edge is lost: as far as that goes if the edge was that
    of a function or a declaration, otherwise by as many lines as were lost."""
    pairs = align(region.lines, target, low, high)
    if not pairs:
        return False
    (first, start), (last, end) = pairs[0], pairs[-1]
    above, below = first, len(region.lines) - 1 - last
    if above and not region.lines[0].startswith("  "):
        above = len(target)
    if below and (region.lines[-1][0] in "}#" or grows is is_change):
        below = len(target)
    while above and start > low and grows(target[start - 1]):
        start, above = start - 1, above - 1
    while below and end + 1 < high and grows(target[end + 1]):
        end, below = end + 1, below - 1
    region.start, region.end, region.changed = start, end + 1, True
    return True


def fits(region, target, low, high):
    """Does most of what there is of the piece stand in target[low:high]? (Not if the bounds are an earlier block's and
    this one shows the whole file.)"""
    return 2 * len(align(region.lines, target, low, high)) >= len(align(region.lines, target, 0, len(target)))


def locate(regions, target, grows):
    """Give every region its place. Returns those that have none."""
    # What stands there as it was, first: it bounds the others.
    at = {}
    for region in regions:
        low = at.get(region.block, 0)
        index = find_lines(target, region.lines, low)
        if index is not None:
            region.start, region.end = index, index + len(region.lines)
            at[region.block] = region.end
    lost = []
    for k, region in enumerate(regions):
        if region.start is not None:
            continue
        before = [r.end for r in regions[:k] if r.end is not None]
        after = [r.start for r in regions[k + 1:] if r.start is not None]
        low, high = before[-1] if before else 0, after[0] if after else len(target)
        in_order = low <= high and fits(region, target, low, high) and place(region, target, low, high, grows)
        if not in_order and not place(region, target, 0, len(target), grows):
            lost.append(region)
    return lost


# Excerpts of a file.


def refresh_code(blocks, source):
    """blocks: [[line, ...]] of one file, in the chapter's order. Returns [(new lines or None, why or None)]."""
    source = [l.rstrip() for l in source]
    while source and not source[-1]:
        source.pop()
    regions = [Region(b, offset, lines) for b, block in enumerate(blocks) for offset, lines in pieces_of(block)]
    lost = locate(regions, source, lambda line: bool(line.strip()))
    fill_gaps(regions, source, {b for b, block in enumerate(blocks) if any(ELISION.match(l) for l in block)})
    return [rebuilt(b, block, regions, lost, lambda r: source[r.start:r.end]) for b, block in enumerate(blocks)]


def coverage(regions, counts):
    """How many of the lines that count the regions hold, and how many there are."""
    held = set(i for r in regions if r.start is not None for i in range(r.start, r.end))
    return sum(1 for i, c in enumerate(counts) if c and i in held), sum(counts)


def are_in_order(regions):
    placed = [r for r in regions if r.start is not None]
    return bool(placed) and all(a.end <= b.start for a, b in zip(placed, placed[1:]))


def is_whole(held, total):
    return held >= HELD_WHOLE * total


def fill_gaps(regions, source, with_holes):
    """Let pieces that hold nearly all of a file hold all of it: what is new goes to the piece above it. `with_holes` are
    the blocks with elisions: what they leave out stays out."""
    counts = [bool(l) for l in source]
    if not are_in_order(regions) or not is_whole(*coverage(regions, counts)) or regions[0].start != 0:
        return
    placed = [r for r in regions if r.start is not None]
    for region, end in zip(placed, [r.start for r in placed[1:]] + [len(source)]):
        missing = [i for i in range(region.end, end) if counts[i]]
        if missing and region.block not in with_holes:
            region.end, region.changed = missing[-1] + 1, True


def rebuilt(b, block, regions, lost, text):
    mine = [r for r in regions if r.block == b]
    missing = next((r for r in lost if r.block == b), None)
    if missing:
        return None, "nothing there is like the piece that begins: " + missing.lines[0].strip()
    if not any(r.changed for r in mine):
        return None, None
    out, at = [], 0
    for region in mine:
        out += block[at:region.offset]
        at = region.offset + len(region.lines)
        out += text(region) if region.changed else block[region.offset:at]
    return out + block[at:], None


# Diffs against the step before.


def hunks_of(block):
    """[(offset, lines)] of the hunks of a diff block; a context line that is empty may have lost its blank."""
    found, current, start = [], [], 0
    for offset, line in enumerate(list(block) + ["@@"]):
        if line.startswith("@@") or ELISION.match(line):
            if current:
                found.append((start, current))
            current, start = [], offset + 1
        else:
            current.append(line if line else " ")
    return found


def side(lines, drop):
    return [l[1:].rstrip() for l in lines if l[0] != drop]


def is_change(line):
    return line[0] in "+-"


class Diff:
    """The whole of both files as one diff: `lines` with ' ', '-' or '+' in front. The hunks that are true stand in
    it just as the chapter has them (one change can be written in several ways), and learn their places."""

    def __init__(self, old, new, regions):
        self.old, self.new, self.lines, self.true = old, new, [], set()
        found, at = [], (0, 0)
        for region in regions:
            before, after = side(region.lines, "+"), side(region.lines, "-")
            where = find_both(old, new, before, after, *at) or find_both(old, new, before, after, 0, 0)
            if where:
                self.true.add(id(region))
                found.append((where, len(before), len(after), region))
                at = (where[0] + len(before), where[1] + len(after))
        i = j = 0
        for (at_old, at_new), num_old, num_new, region in sorted(found, key=lambda f: f[0]):
            if at_old < i or at_new < j:
                continue                        # it overlaps another one: then it stays without a place
            self.add_between(i, at_old, j, at_new)
            region.start = len(self.lines)
            self.lines += [l if l[1:].strip() else l[0] for l in region.lines]
            region.end = len(self.lines)
            i, j = at_old + num_old, at_new + num_new
        self.add_between(i, len(old), j, len(new))

    def add_between(self, i, i_end, j, j_end):
        old, new = self.old[i:i_end], self.new[j:j_end]
        done = 0
        for i1, i2, j1, j2 in line_hunks(old, new) + [(len(old), len(old), 0, 0)]:
            self.lines += [" " + l for l in old[done:i1]] + ["-" + l for l in old[i1:i2]] + ["+" + l for l in new[j1:j2]]
            done = i2


def find_both(old, new, before, after, low_old, low_new):
    i, j = find_lines(old, before, low_old), find_lines(new, after, low_new)
    return None if i is None or j is None else (i, j)


def read_diff(blocks, old, new):
    old, new = [l.rstrip() for l in old], [l.rstrip() for l in new]
    for lines in (old, new):
        while lines and not lines[-1]:
            lines.pop()
    regions = [Region(b, offset, [l[0] + l[1:].rstrip() for l in lines])
               for b, block in enumerate(blocks) for offset, lines in hunks_of(block)]
    return regions, Diff(old, new, regions)


def diff_coverage(blocks, old, new):
    """How many of the changed lines the diff blocks of one file show, and how many there are."""
    regions, diff = read_diff(blocks, old, new)
    return coverage(regions, [is_change(l) for l in diff.lines])


def refresh_diff(blocks, old, new, whole):
    """The same for diff blocks of one file. `whole`: they are meant to show all of its changes."""
    regions, diff = read_diff(blocks, old, new)
    lost = []
    for k, region in enumerate(regions):
        if id(region) in diff.true:
            continue
        near = [r for r in regions if r.block == region.block and r.start is not None]
        low = max([r.end for r in near if r.offset < region.offset] + [0])
        high = min([r.start for r in near if r.offset > region.offset] + [len(diff.lines)])
        if low <= high and place(region, diff.lines, low, high, is_change):
            grow_over_changes(region, diff.lines, low, high)
        else:
            lost.append(region)
    if whole and all(r.start is not None for r in regions):
        regions += new_changes(regions, diff.lines)
    regions = join_context(regions, diff)
    regions.sort(key=lambda r: (r.block, r.offset - r.leads / 2, r.start if r.start is not None else 0))
    return [rebuilt(b, block, regions, lost, lambda r: hunk_text(r, diff.lines)) for b, block in enumerate(blocks)]


def grow_over_changes(region, target, low, high):
    """A change is shown whole: it does not end at the region's edge."""
    while region.start > low and is_change(target[region.start]) and is_change(target[region.start - 1]):
        region.start -= 1
    while region.end < high and is_change(target[region.end - 1]) and is_change(target[region.end]):
        region.end += 1


def new_changes(regions, target):
    """New hunks for the changes that no hunk shows, to follow the hunk above."""
    counts = [is_change(l) for l in target]
    placed = sorted(regions, key=lambda r: r.start)
    runs = []
    for i in (i for i, c in enumerate(counts) if c and not any(r.start <= i < r.end for r in placed)):
        if runs and i - runs[-1][-1] <= 2:
            runs[-1].append(i)
        else:
            runs.append([i])
    made = []
    for run in runs:
        above = [r for r in placed if r.end <= run[0]]
        near = above[-1] if above else placed[0]
        region = Region(near.block, near.offset + len(near.lines) if above else near.offset, [])
        region.start, region.end, region.changed, region.leads = run[0], run[-1] + 1, True, not above
        made.append(region)
    return made


def join_context(regions, diff):
    """Let the changed hunks have a line of context on each side, and what else makes their place unique."""
    target = diff.lines
    for region in regions:
        if not region.changed:
            continue
        others = [r for r in regions if r.start is not None and r is not region]
        low = max([r.end for r in others if r.end <= region.start] + [0])
        high = min([r.start for r in others if r.start >= region.end] + [len(target)])
        if is_change(target[region.start]) and region.start > low:
            region.start -= 1
        if is_change(target[region.end - 1]) and region.end < high:
            region.end += 1
        while not is_unique(target[region.start:region.end], diff.old) and (region.start > low or region.end < high):
            if region.start > low:
                region.start -= 1
            else:
                region.end += 1
    return [r for r in regions if not is_joined(r, regions, diff)]


def is_joined(region, regions, diff):
    """Join a new hunk whose place is not clear, for want of context, with the hunk right before it."""
    if region.lines or is_unique(diff.lines[region.start:region.end], diff.old):
        return False
    before = [r for r in regions if r.end == region.start and r.block == region.block and r.lines]
    if before:
        before[0].end, before[0].changed = region.end, True
    return bool(before)


def is_unique(lines, old):
    wanted = side(lines, "+")
    at = find_lines(old, wanted, 0)
    return bool(wanted) and (at is None or find_lines(old, wanted, at + 1) is None)


def hunk_text(region, target):
    lines = [l if l.strip() else "" for l in target[region.start:region.end]]
    if region.lines:
        return lines
    return lines + ["@@"] if region.leads else ["@@"] + lines
