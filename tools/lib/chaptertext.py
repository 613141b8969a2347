# Reading a chapter's markdown: its lines, code blocks, headings, links and marked regions.

import bisect
import re

SECTIONS = ["What you will have", "Why", "The idea", "Building it", "Seeing it work", "Measuring it",
            "What can go wrong", "What changed", "Exercises", "Further reading"]


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
