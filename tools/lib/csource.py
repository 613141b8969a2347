"""Finding function bodies in C source, and replacing them.

This is not a C parser. It knows comments, string and character literals, line continuations and
preprocessor directives, which is what it takes to match braces in code that compiles.
"""

import re
from dataclasses import dataclass

# A word before "(" at file level that is not the name of the function being defined.
NOT_NAMES = {"__attribute__", "__attribute", "_Alignas", "_Static_assert", "__declspec", "__asm__", "asm",
             "typeof", "__typeof__"}

TOKEN = re.compile(r"""
    (?P<comment>//(?:\\\n|[^\n])*|/\*.*?\*/)
  | (?P<string>(?:u8|[uUL])?"(?:\\.|[^"\\\n])*")
  | (?P<char>[uUL]?'(?:\\.|[^'\\\n])+')
""", re.X | re.S)
DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*(\w*)(?:\\\n|[^\n])*", re.M)


@dataclass
class Function:
    name: str
    start: int       # of the declaration (its first word)
    open: int        # of the body's "{"
    close: int       # of the body's "}"
    parameters: str  # the text between the parentheses
    static: bool


def read(path):
    """A source file's text. Bytes that are not UTF-8 are replaced."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def blanks(text):
    """`text` with every character but newlines replaced by a space: same length, same lines."""
    return re.sub(r"[^\n]", " ", text)


def without_comments(text, literals=True):
    """The source with its comments (and literals too, if asked) blanked out."""
    def replace(match):
        if match["comment"] or not literals:
            return blanks(match[0])
        return match[0]
    return TOKEN.sub(replace, text)


def code_only(text):
    """The source with comments, literals, directives and the untaken branches of #if blanked.
    Of #if ... #else ... #endif the first branch is kept, except that of `#if 0`."""
    text = without_comments(text, literals=False)
    pieces, at, stack = [], 0, []  # stack of [kept now, some branch was kept]
    for match in DIRECTIVE.finditer(text):
        if match.start() < at:
            continue
        kept = all(level[0] for level in stack)
        piece = text[at:match.start()]
        pieces += [piece if kept else blanks(piece), blanks(match[0])]
        at = match.end()
        word = match[1]
        if word in ("if", "ifdef", "ifndef"):
            first = not re.match(r"[ \t]*#[ \t]*if[ \t]+0\b", match[0])
            stack.append([first, first])
        elif word in ("else", "elif") and stack:
            stack[-1] = [not stack[-1][1], True]
        elif word == "endif" and stack:
            stack.pop()
    pieces.append(text[at:])
    return "".join(pieces)


def functions(text):
    """The function definitions of a source file, in order."""
    code, found = code_only(text), []
    depth, start, opened = 0, 0, None
    for match in re.finditer(r"[{};]", code):
        char, at = match[0], match.start()
        if char == "{":
            if depth == 0:
                opened = heading(code, start, at)
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0:
                if opened:
                    name, first, parameters = opened
                    declaration = code[first:at]
                    static = re.search(r"\bstatic\b", declaration[:declaration.find(name)]) is not None
                    found.append(Function(name, first, parameters[2], at, text[slice(*parameters[:2])], static))
                    start = at + 1
                opened = None
            if depth < 0:
                raise ValueError(f"unbalanced }} in line {text.count(chr(10), 0, at) + 1}")
        elif depth == 0:
            start = at + 1
    if depth:
        raise ValueError("unbalanced { at the end of the file")
    return found


def heading(code, start, brace):
    """(name, start of the declaration, (parameters' start, end, brace)) if the text before a "{" at
    file level is the heading of a function."""
    declaration = code[start:brace]
    if "=" in strip_nested(declaration):
        return None
    for match in re.finditer(r"(\w+)\s*\(", declaration):
        close = closing(declaration, match.end() - 1)
        if match[1] in NOT_NAMES or close is None:
            continue
        before = declaration[:match.start()]
        if before.count("(") != before.count(")"):
            continue
        first = start + len(declaration) - len(declaration.lstrip())
        return match[1], first, (start + match.end(), start + close, brace)
    return None


def strip_nested(text):
    """`text` without what stands in parentheses."""
    out, depth = [], 0
    for char in text:
        depth += char == "("
        if depth == 0:
            out.append(char)
        depth -= char == ")" and depth > 0
    return "".join(out)


def closing(text, at):
    """The index of the parenthesis that closes the one at `at`, or None."""
    depth = 0
    for i in range(at, len(text)):
        depth += (text[i] == "(") - (text[i] == ")")
        if depth == 0:
            return i
    return None


def parameter_names(parameters):
    """The names in a parameter list."""
    parts, depth, last = [], 0, 0
    for i, char in enumerate(parameters + ","):
        depth += (char in "([") - (char in ")]")
        if char == "," and depth == 0:
            parts.append(parameters[last:i])
            last = i + 1
    names = []
    for part in parts:
        part = without_comments(part).strip()
        pointer = re.search(r"\(\s*\*\s*(\w+)", part)
        plain = re.search(r"(\w+)\s*(?:\[[^\]]*\]\s*)*$", part)
        if pointer:
            names.append(pointer[1])
        elif plain and plain.start() > 0 and part not in ("void", "..."):
            names.append(plain[1])
    return names


def replace_bodies(text, bodies):
    """Replace the bodies of functions. `bodies` maps a name to the text between the braces."""
    for function in reversed(functions(text)):
        if function.name in bodies:
            text = text[:function.open + 1] + bodies[function.name] + text[function.close:]
    return text


def skeleton(text):
    """The tokens of a source file without the bodies of its functions: two files with the same
    skeleton declare the same things."""
    return re.findall(r'"(?:\\.|[^"\\\n])*"|\w+|[^\w\s]',
                      without_comments(replace_bodies(text, {f.name: "" for f in functions(text)})))


def code_lines(text):
    """The lines of a piece of code, without comments, blanks and lone braces: for comparing."""
    lines = (re.sub(r"\s+", " ", line).strip() for line in without_comments(text).split("\n"))
    return [line for line in lines if re.search(r"\w", line)]
