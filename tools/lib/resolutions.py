"""tools/carry.d/resolutions/: how conflicts were solved, so that the same one is solved by itself.

A conflict is three runs of lines: ours, base and theirs. Its key is a hash of them without their
common indentation and trailing blanks, so the same conflict one block deeper, in another file or
in a later step, is recognised. One file for each, in plain text:

    # where it was met first
    <<<<<<< ours ... ||||||| base ... ======= theirs ... >>>>>>> resolution ...
"""

import hashlib
import os

OPEN = [b"<<<<<<< ours\n", b"||||||| base\n", b"======= theirs\n", b">>>>>>> resolution\n"]


def _indent(line):
    return line[:len(line) - len(line.lstrip(b" \t"))]


def _common_indent(lines):
    indents = [_indent(line) for line in lines if line.strip()]
    return os.path.commonprefix(indents) if indents else b""


def _dedent(lines, indent):
    return [line.rstrip()[len(indent):] + b"\n" if line.strip() else b"\n" for line in lines]


def _key(ours, base, theirs):
    indent = _common_indent(ours + base + theirs)
    text = b"\0".join(b"".join(_dedent(side, indent)) for side in (ours, base, theirs))
    return hashlib.sha256(text).hexdigest()[:16], indent


class Resolutions:
    def __init__(self, directory):
        self.directory = directory

    def find(self, ours, base, theirs):
        """(key, lines of the resolution) or (key, None)."""
        key, indent = _key(ours, base, theirs)
        try:
            with open(os.path.join(self.directory, key), "rb") as file:
                text = file.read()
        except FileNotFoundError:
            return key, None
        lines = text[text.index(OPEN[3]) + len(OPEN[3]):].splitlines(keepends=True)
        return key, [indent + line if line.strip() else line for line in lines]

    def remember(self, ours, base, theirs, resolution, where):
        """Keep the resolution. Returns its key, or None when it cannot be re-indented safely."""
        key, indent = _key(ours, base, theirs)
        if any(line.strip() and not line.startswith(indent) for line in resolution):
            return None
        os.makedirs(self.directory, exist_ok=True)
        with open(os.path.join(self.directory, key), "wb") as file:
            file.write(f"# {where}\n".encode())
            for head, lines in zip(OPEN, (ours, base, theirs, resolution)):
                file.write(head + b"".join(_dedent(lines, indent)))
        return key
