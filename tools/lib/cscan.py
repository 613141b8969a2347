"""What stands at the top level of a C file: functions, tables, types, macros, declarations.

A small scanner, not a parser. It relies on two habits of this code: a definition starts on a line
of its own, and the brace that closes a function or a type stands in the first column (which also
brings the scanner back after preprocessor branches with unequal braces).

A unit is a definition with the comment directly above it. Everything else (the file's opening
comment, includes, conditionals) is the unit "(top)". A file that is not C is one unit, "*".
"""

import hashlib
import re
from collections import namedtuple
from functools import lru_cache

Unit = namedtuple("Unit", "name start end hash")    # lines[start:end], counted from 0

TOP, WHOLE = "(top)", "*"

TOKEN = re.compile(r"""
    (?P<comment>   //(?:\\\n|[^\n])* | /\*(?s:.*?)(?:\*/|\Z) )
  | (?P<string>    "(?:\\(?s:.)|[^"\\\n])*"? | '(?:\\(?s:.)|[^'\\\n])*'? )
  | (?P<directive> ^[ \t]*\#(?:\\\n|/\*(?s:.*?)\*/|[^\n])* )
  | (?P<word>      [A-Za-z_]\w* )
  | (?P<number>    \d[\w.]* )
  | (?P<mark>      [^\s] )
""", re.VERBOSE | re.MULTILINE)

NOT_A_NAME = {"__attribute__", "_Alignas", "__extension__", "__declspec", "alignas", "__asm__"}
KEYWORDS = {"struct", "union", "enum"}


def is_c(path):
    return path.endswith((".c", ".h", ".inc"))


def digest(data):
    return hashlib.sha256(data).hexdigest()[:12]


def file_digest(entry):
    """The identity of a whole file: of its content, and what its mode adds to that."""
    return digest(entry.data) + {0o644: "", 0o755: "+x"}.get(entry.mode, "+link")


class _Item:
    """One top-level item while it is being read."""

    def __init__(self, start):
        self.start = start
        self.words = []         # identifiers at depth 0
        self.function = None    # the word before the first parenthesis
        self.equals = self.body = self.braces = False
        self.inner = None       # the first word inside the braces
        self.before_brace = None
        self.pointer = None     # typedef int (*Name)(...)

    def name(self):
        words = [w for w in self.words if w not in NOT_A_NAME]
        if not words or words[0] in ("_Static_assert", "static_assert"):
            return None
        if self.body:
            return self.function
        if words[0] == "typedef":
            return self.pointer or self.function or words[-1]
        tagged = [w for w in words if w in KEYWORDS]
        if self.equals:
            return words[-1]
        if self.braces and tagged:
            if self.before_brace and self.before_brace not in KEYWORDS:
                return f"{tagged[-1]} {self.before_brace}"
            return words[-1] if words[-1] not in KEYWORDS else f"{tagged[-1]} {self.inner}"
        if self.function == words[0]:       # a macro call: no type stands before it
            return self.function
        if self.function:
            return f"declaration of {self.function}"
        if tagged and len(words) == 2:
            return f"declaration of {words[0]} {words[1]}"
        return words[-1]


def _items(text):
    # Yields (name or None, start offset, end offset), and comments as ("//", start, end).
    item, depth, parens = None, 0, 0
    last = before_last = last_kind = None
    for token in TOKEN.finditer(text):
        kind, value, at = token.lastgroup, token.group(), token.start()
        first_column = at == 0 or text[at - 1] == "\n"
        if kind == "comment":
            if item is None:
                yield "//", at, token.end()
            continue
        if kind == "directive":
            if item is None or (depth == 0 and last == ")" and len(item.words) == 1):
                if item is not None:
                    yield item.name() or item.words[0], item.start, end
                    item = None
                define = re.match(r"\s*#\s*define\s+(\w+)\s*(.*)", value, re.S)
                if define and (define.group(2).strip() or not define.group(1).endswith("_H")):
                    yield define.group(1), at, token.end()
            continue
        if item is not None and depth == 0 and first_column and last == ")" and \
                len(item.words) == 1 and kind == "word":
            yield item.words[0], item.start, end     # a macro call without a semicolon
            item = None
        if item is None:
            if value == ";":
                continue
            item, depth, parens = _Item(at), 0, 0
        if kind == "word":
            if depth == 0:
                if not item.equals:
                    item.words.append(value)
            elif item.inner is None and item.braces:
                item.inner = value
            if parens == 1 and (last, before_last) == ("*", "(") and item.pointer is None and not item.braces:
                item.pointer = value
        elif value == "=" and depth == 0:
            item.equals = True
        elif value in "([":
            if value == "(" and depth == 0:
                parens += 1
                if item.function is None and last_kind == "word" and last not in NOT_A_NAME and not item.equals:
                    item.function = last
            depth += 1
        elif value in ")]":
            depth = max(0, depth - 1)
        elif value == "{":
            if depth == 0:
                item.body = last == ")" and not item.equals and item.words[:1] != ["typedef"]
                item.braces = True
                item.before_brace = last if last_kind == "word" else None
            depth += 1
        elif value == "}":
            depth = 0 if first_column else max(0, depth - 1)
            if depth == 0 and item.body:
                yield item.name(), item.start, token.end()
                item = None
        elif value == ";" and depth == 0:
            yield item.name(), item.start, token.end()
            item = None
        before_last, last, last_kind, end = last, value, kind, token.end()
    if item is not None:
        yield item.name(), item.start, len(text)


@lru_cache(maxsize=None)
def scan_c(data):
    """(Unit, ...) of a C text in their order; "(top)" last, with start = end = 0."""
    text = data.decode("utf-8", "surrogateescape")
    lines = text.split("\n")
    offsets, total = [], 0
    for line in lines:
        offsets.append(total)
        total += len(line) + 1

    def line_at(offset, hint=[0]):
        if offsets[hint[0]] > offset:
            hint[0] = 0
        while hint[0] + 1 < len(offsets) and offsets[hint[0] + 1] <= offset:
            hint[0] += 1
        return hint[0]

    units, used, names = [], 0, {}
    comment = None       # (first line, line after the last) of the comment block just above
    for name, start, end in _items(text):
        first, after = line_at(start), line_at(max(start, end - 1)) + 1
        if name == "//":
            own_line = not text[offsets[first]:start].strip()
            if own_line:
                comment = (comment[0] if comment and comment[1] == first else first, after)
            continue
        if comment and comment[1] == first and comment[0] >= used:
            first = comment[0]
        comment = None
        if name is None:
            continue
        if units and first < units[-1][2]:      # on the line where the last one ends
            units[-1][2] = max(units[-1][2], after)
            used = units[-1][2]
            continue
        names[name] = names.get(name, 0) + 1
        units.append([name if names[name] == 1 else f"{name}#{names[name]}", first, after])
        used = after
    rest, at, result = [], 0, []
    for name, first, after in units:
        rest += lines[at:first]
        at = after
        body = "\n".join(lines[first:after]).encode("utf-8", "surrogateescape")
        result.append(Unit(name, first, after, digest(body)))
    rest = [line for line in rest + lines[at:] if line.strip()]
    if rest:
        result.append(Unit(TOP, 0, 0, digest("\n".join(rest).encode("utf-8", "surrogateescape"))))
    return tuple(result)


def units_of(path, data):
    """{unit name: hash} of any file."""
    if not is_c(path) or b"\0" in data:
        return {WHOLE: digest(data)}
    return {unit.name: unit.hash for unit in scan_c(data)}


def unit_at(path, data, line):
    """The name of the unit that holds this line (from 0)."""
    if not is_c(path):
        return WHOLE
    for unit in scan_c(data):
        if unit.start <= line < unit.end:
            return unit.name
    return TOP


def units_in(path, data, first, after):
    """The names of the units that lines [first, after) touch; an empty range touches its place."""
    if not is_c(path):
        return [WHOLE]
    if first == after:
        return [unit_at(path, data, first)]
    lines = data.split(b"\n")
    names = []
    for line in range(first, after):
        if line < len(lines) and lines[line].strip() or first + 1 == after:
            name = unit_at(path, data, line)
            if name not in names:
                names.append(name)
    return names or [unit_at(path, data, first)]


def spoken(unit):
    """A unit's name for people."""
    return {TOP: "outside of functions", WHOLE: "whole file"}.get(unit, unit)
