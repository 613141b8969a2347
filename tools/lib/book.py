# The book: chapters to HTML pages and an EPUB, by pandoc.
#
# In:  stepNN-*/README.md, the pages in docs/, docs/book/{front.md,page.html,book.css,epub.css,bca.xml}.
# Out: a directory that holds everything it links to; nothing is fetched from anywhere.
#
# Markdown is turned into pandoc's document tree (JSON); links, figures and code blocks are rewritten
# in the tree; pandoc writes HTML and EPUB from it. A source file that a chapter links to becomes a
# page of its own under src/, with line numbers.

import copy
import html
import html.parser
import json
import os
import re
import shutil
import subprocess
import tempfile
import urllib.parse

import chapters
import chaptertext
import excerpts

READER = "gfm-yaml_metadata_block-hard_line_breaks-emoji-tex_math_dollars"
TITLE = "A JIT in Eleven Steps"
LANGUAGES = {"h": "c", "make": "makefile", "asm": "nasm", "sh": "bash", "py": "python", "js": "javascript",
             "dot": "dot", "json": "json", "diff": "diff", "c": "c", "bca": "bca", "xml": "xml", "md": "markdown",
             "s": "nasm"}
EXTENSIONS = {".c": "c", ".h": "c", ".bca": "bca", ".mk": "makefile", ".py": "python", ".sh": "bash",
              ".js": "javascript", ".json": "json", ".jsonl": "json", ".md": "markdown", ".dot": "dot", ".xml": "xml", ".html": "html",
              ".css": "css", ".s": "nasm", ".S": "nasm"}
# Pages of docs/ that belong in the book, in this order; the others follow by name.
APPENDICES = ["bytecode.md", "teaching.md", "maintaining.md"]


class BookError(Exception):
    pass


class Page:
    """One page of the book: a markdown file at `source`, written to `target` (both relative)."""

    def __init__(self, source, target, title, number=None):
        self.source, self.target, self.title, self.number = source, target, title, number
        self.tree = self.headings = self.blocks = None


class Book:
    def __init__(self, root, design, out):
        """root: the repository; design: the directory of the template; out: where the book goes."""
        self.root, self.design, self.out = os.path.realpath(root), design, os.path.abspath(out)
        self.pages = self.find_pages()
        self.by_source = {p.source: p for p in self.pages}
        self.sources = {}                       # repository path -> page path under src/
        self.queue = []
        self.assets = {}

    # -----------------------------------------------------------------------------------------
    # What the book consists of

    def find_pages(self):
        front = os.path.relpath(os.path.join(self.design, "front.md"), self.root)
        pages = [Page(front, "index.html", TITLE)]
        for directory in chapters.step_directories(self.root):
            source = os.path.join(os.path.basename(directory), "README.md")
            if os.path.exists(os.path.join(self.root, source)):
                pages.append(Page(source, os.path.basename(directory) + ".html", self.title_of(source),
                                  chapters.step_number(directory)))
        docs = os.path.join(self.root, "docs")
        names = sorted(n for n in os.listdir(docs) if n.endswith(".md")) if os.path.isdir(docs) else []
        names.sort(key=lambda n: APPENDICES.index(n) if n in APPENDICES else len(APPENDICES))
        for name in names:
            source = os.path.join("docs", name)
            pages.append(Page(source, name[:-3] + ".html", self.title_of(source)))
        return pages

    def title_of(self, source):
        document = chaptertext.read_document(os.path.join(self.root, source))
        for _, level, text in document.headings:
            if level == 1:
                return re.sub(r"[`*]", "", text)
        return source

    @property
    def chapters(self):
        return [p for p in self.pages if p.number is not None]

    @property
    def appendices(self):
        return [p for p in self.pages[1:] if p.number is None]

    # -----------------------------------------------------------------------------------------
    # Markdown to tree

    def read(self, page):
        document = chaptertext.read_document(os.path.join(self.root, page.source))
        lines = list(document.lines)
        for number, block in enumerate(document.blocks):        # the info string would not survive pandoc
            fence = re.match(r"^ *(`{3,}|~{3,})", lines[block.line - 1]).group(0)
            lines[block.line - 1] = f"{fence} block-{number}"
        page.blocks = document.blocks
        page.tree = json.loads(pandoc(["-f", READER, "-t", "json"], "\n".join(lines)))

    def excerpt_source(self, page, block):
        """(repository path, line or None) of the file that an excerpt is from."""
        directory = os.path.dirname(page.source) if os.path.basename(page.source) == "README.md" else ""
        path = os.path.normpath(os.path.join(directory, block.path))
        return path, self.line_in_source(block, os.path.join(self.root, path))

    def line_in_source(self, block, path):
        if block.language == "diff" or not os.path.isfile(path):
            return None
        with open(path, encoding="utf-8", errors="replace") as file:
            found, _ = excerpts.locate_excerpt(block.lines, [l.rstrip() for l in file.read().split("\n")])
        return found[0] + 1 if found else None

    # -----------------------------------------------------------------------------------------
    # Tree to pages

    def for_html(self, page):
        """The page's tree with links, figures and code blocks as the HTML pages need them."""
        def change(node):
            kind = node["t"]
            if kind == "Link":
                node["c"][2][0] = self.page_link(page, node["c"][2][0])
            elif kind == "Image":
                self.image(page, node)
            elif kind in ("RawBlock", "RawInline") and node["c"][0] == "html":
                if node["c"][1].lstrip().startswith("<!--"):
                    return []
                node["c"][1] = self.raw_html(page, node["c"][1])
            elif kind == "CodeBlock":
                return self.code_block(page, node, linked=True)
            elif kind == "Para" and len(node["c"]) == 1 and node["c"][0]["t"] == "Image":
                return figure(node)
            elif kind == "Table":
                return div(["table"], [node])
            elif kind == "Header" and node["c"][0] in (2, 3, 4):
                anchor = {"t": "Link", "c": [["", ["self"], [["aria-label", "link to this section"]]],
                                             [{"t": "Str", "c": "#"}], ["#" + node["c"][1][0], ""]]}
                node["c"][2] = node["c"][2] + [anchor]
            return node
        tree = copy.deepcopy(page.tree)
        page.headings = [(b["c"][0], b["c"][1][0], inline_text(b["c"][2])) for b in tree["blocks"]
                         if b["t"] == "Header"]
        tree["blocks"] = walk(tree["blocks"], change)
        return tree

    def code_block(self, page, node, linked):
        (_, classes, _), text = node["c"]
        number = re.fullmatch(r"block-(\d+)", classes[0]) if classes else None
        block = page.blocks[int(number.group(1))] if number else chaptertext.Block("", 0, 0)
        if block.language == "console":
            return raw(console_html(text, block.sketch))
        shown = LANGUAGES.get(block.language, block.language)
        code = {"t": "CodeBlock", "c": [["", [shown] if shown else [], []], text]}
        if block.sketch:
            return div(["excerpt", "sketch"], [raw('<p class="file">a sketch, not a file of this step</p>'), code])
        if not block.path:
            return code
        caption = html.escape(block.path)
        if linked:
            path, line = self.excerpt_source(page, block)
            target = self.source_page(path)
            if target:
                caption = f'<a href="{url(target)}{f"#L-{line}" if line else ""}">{caption}</a>'
        return div(["excerpt"], [raw(f'<p class="file">{caption}</p>'), code])

    def resolve(self, page, target):
        """(repository path, fragment) that a link in a page means; None for one that leaves it."""
        if re.match(r"^([a-z][a-z0-9+.-]*:|//)", target, re.I):
            return None
        path, _, fragment = urllib.parse.unquote(target).partition("#")
        if not path:
            return page.source, fragment
        return os.path.normpath(os.path.join(os.path.dirname(page.source), path)), fragment

    def page_link(self, page, target):
        resolved = self.resolve(page, target)
        if resolved is None:
            return target
        path, fragment = resolved
        if path == page.source:
            return "#" + fragment if fragment else page.target
        suffix = "#" + fragment if fragment else ""
        linked = self.as_page(path)
        if linked:
            return linked.target + suffix
        if path in ("README.md", "."):
            return "index.html"
        target = self.source_page(path)
        if target is None:
            raise BookError(f"{page.source}: there is no {path} to link to")
        return url(target) + (re.sub(r"^#L(\d+).*", r"#L-\1", suffix) if suffix else "")

    def as_page(self, path):
        return self.by_source.get(path) or self.by_source.get(os.path.join(path, "README.md"))

    def source_page(self, path):
        """The page of a source file or directory, made later; None where there is no such thing."""
        full = os.path.join(self.root, path)
        if not os.path.exists(full) or path.startswith(".."):
            return None
        if path not in self.sources:
            self.sources[path] = "src/" + (path + "/index.html" if os.path.isdir(full) else path + ".html")
            self.queue.append(path)
        return self.sources[path]

    def image(self, page, node):
        resolved = self.resolve(page, node["c"][2][0])
        if resolved is None:
            raise BookError(f"{page.source}: figure {node['c'][2][0]} is not in the repository")
        node["c"][2][0] = self.asset(page, resolved[0])
        themed, width = self.svg_facts(resolved[0])
        size = [["width", str(width)]] if width else []
        node["c"][0] = ["", ["themed" if themed else "plain"], size + [["loading", "lazy"]]]

    def asset(self, page, path):
        full = os.path.join(self.root, path)
        if not os.path.isfile(full):
            raise BookError(f"{page.source}: there is no figure {path}")
        target = "figures/" + path.replace(os.sep, "-").replace("-figures-", "-")
        self.assets[target] = full
        return target

    def svg_facts(self, path):
        """(whether an SVG brings its own dark colours, the width to show it at). Figures without dark
        colours are shown on a light card. One unit of the drawing is one pixel, so that the letters in
        all figures have the size that their author gave them."""
        with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
            text = file.read()
        tag = re.search(r"<svg\b[^>]*>", text)
        box = re.search(r'viewBox="[-\d.]+[ ,]+[-\d.]+[ ,]+([\d.]+)', tag.group(0)) if tag else None
        given = tag and re.search(r'\swidth="', tag.group(0))
        return "prefers-color-scheme" in text, round(float(box.group(1))) if box and not given else None

    def raw_html(self, page, text):
        def attribute(match):
            name, value = match.group(1), html.unescape(match.group(2))
            if name == "href":
                return f'href="{html.escape(self.page_link(page, value))}"'
            resolved = self.resolve(page, value)
            return match.group(0) if resolved is None else f'{name}="{self.asset(page, resolved[0])}"'
        return re.sub(r'\b(href|src|srcset)="([^"]*)"', attribute, text)

    # -----------------------------------------------------------------------------------------
    # Writing

    def write(self):
        if os.path.isdir(self.out) and os.listdir(self.out) and not os.path.exists(os.path.join(self.out, ".book")):
            raise BookError(f"{self.out} is not empty and was not written by this tool")
        shutil.rmtree(self.out, ignore_errors=True)
        os.makedirs(self.out)
        self.put(".book", "Written by tools/book; removed and written again by it.\n")
        shutil.copyfile(os.path.join(self.design, "book.css"), os.path.join(self.out, "book.css"))
        for page in self.pages:
            self.read(page)
        bodies = {page: self.html(self.for_html(page)) for page in self.pages}
        for page in self.pages:
            self.put(page.target, self.fill(page, bodies[page]))
        for licence in ("LICENSE", "LICENSE-text"):
            self.licence(licence)
        self.write_sources()
        for target, full in self.assets.items():
            os.makedirs(os.path.dirname(os.path.join(self.out, target)), exist_ok=True)
            shutil.copyfile(full, os.path.join(self.out, target))
        self.epub()

    def html(self, tree):
        syntax = os.path.join(self.design, "bca.xml")
        return pandoc(["-f", "json", "-t", "html5", "--wrap=none", "--syntax-definition", syntax], json.dumps(tree))

    def put(self, target, text):
        path = os.path.join(self.out, target)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def fill(self, page, body):
        if page.target == "index.html":
            body += self.index_list()
        place = self.pages.index(page)
        before = self.pages[place - 1] if place > 0 else None
        after = self.pages[place + 1] if place + 1 < len(self.pages) else None
        turn, relations = '<nav class="turn" aria-label="Chapters">', []
        for relation, word, other in (("prev", "back", before), ("next", "next", after)):
            if other:
                turn += (f'<a class="{word}" rel="{relation}" href="{other.target}"><span>{word}</span>'
                         f'<b>{html.escape(other.title)}</b></a>')
                relations.append(f'<link rel="{relation}" href="{other.target}">')
        title = page.title if page.title == TITLE else f"{page.title} - {TITLE}"
        return self.frame("chapter", title, body, "", turn + "</nav>", page, "\n".join(relations))

    def frame(self, kind, title, body, top, turn="", page=None, relations=""):
        with open(os.path.join(self.design, "page.html"), encoding="utf-8") as file:
            text = file.read()
        values = {"kind": kind, "title": html.escape(title), "top": top, "turn": turn, "relations": relations,
                  "contents": self.contents(page, top), "body": body}
        return re.sub(r"\{\{(\w+)\}\}", lambda m: values[m.group(1)], text)

    def contents(self, here, top):
        """The list of pages; under the current one its sections."""
        def entry(page):
            inner, mark = "", ""
            if page is here:
                mark = ' class="here" aria-current="page"'
                sections = [h for h in page.headings if h[0] == 2]
                if sections and page.target != "index.html":
                    inner = "\n<ul>" + "".join(f'<li><a href="#{i}">{html.escape(t)}</a></li>'
                                               for _, i, t in sections) + "</ul>"
            title = "About this book" if page.target == "index.html" else page.title
            return f'<li{mark}><a href="{top}{page.target}">{html.escape(title)}</a>{inner}</li>'
        items = [entry(self.pages[0])] + [entry(p) for p in self.chapters]
        if self.appendices:
            items.append('<li class="part">Reference</li>')
            items += [entry(p) for p in self.appendices]
        return "<ol>\n" + "\n".join(items) + "\n</ol>"

    def index_list(self):
        def entry(page):
            summary = self.first_paragraph(page)
            return (f'<li><a href="{page.target}"><b>{html.escape(page.title)}</b></a>'
                    + (f"<br>{summary}" if summary else "") + "</li>")
        entries = "\n".join(entry(p) for p in self.chapters)
        result = f'<h2 id="chapters">Chapters</h2>\n<ul class="chapters">\n{entries}\n</ul>\n'
        if self.appendices:
            result += '<h2 id="reference">Reference</h2>\n<ul>\n' + "\n".join(
                f'<li><a href="{p.target}">{html.escape(p.title)}</a></li>' for p in self.appendices) + "\n</ul>\n"
        return result + '<p>The same book as one file: <a href="jit-in-eleven-steps.epub">EPUB</a>.</p>\n'

    def first_paragraph(self, page):
        """The first paragraph of "What you will have", as the chapter's summary."""
        seen = False
        for block in page.tree["blocks"]:
            if block["t"] == "Header" and block["c"][0] == 2:
                seen = True
            elif seen and block["t"] == "Para":
                text = inline_text(block["c"])
                return html.escape(text.rstrip(":"))
        return ""

    def licence(self, name):
        path = os.path.join(self.root, name)
        text = "The text of this licence is not in this copy of the repository."
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                text = file.read()
        body = f"<h1>{name}</h1>\n<pre>{html.escape(text)}</pre>"
        self.put(name + ".html", self.frame("licence", f"{name} - {TITLE}", body, ""))

    # Pages for the source files that chapters link to, all highlighted in one run of pandoc.
    def write_sources(self):
        files, listings = [], []
        while self.queue:
            path = self.queue.pop(0)
            full = os.path.join(self.root, path)
            if os.path.isdir(full):
                listings.append((path, self.listing(path, full)))
            else:
                files.append(path)
        blocks = []
        for path in files:
            with open(os.path.join(self.root, path), "rb") as file:
                text = file.read().decode("utf-8", "replace").expandtabs(8)
            name = os.path.basename(path)
            language = "makefile" if name == "Makefile" else EXTENSIONS.get(os.path.splitext(name)[1])
            blocks.append(raw("<!--next-file-->"))
            attributes = ["L", [language or "default", "numberLines"], []]
            blocks.append({"t": "CodeBlock", "c": [attributes, text.rstrip("\n")]})
        if files:
            version = self.pages[0].tree["pandoc-api-version"]
            parts = self.html({"pandoc-api-version": version, "meta": {}, "blocks": blocks}).split("<!--next-file-->")
            for path, body in zip(files, parts[1:]):
                self.put_source(path, self.sources[path], body)
        for path, body in listings:
            self.put_source(path, self.sources[path], body)

    def put_source(self, path, target, body):
        top = "../" * target.count("/")
        step = re.match(r"step\d\d-[\w-]+", path)
        chapter = self.by_source.get(f"{step.group(0)}/README.md") if step else None
        back = f'<p><a href="{top}{chapter.target}">{html.escape(chapter.title)}</a></p>' if chapter else ""
        body = f"<h1>{html.escape(path)}</h1>\n{back}\n{body}"
        self.put(target, self.frame("source", f"{path} - {TITLE}", body, top))

    def listing(self, path, full):
        items = []
        for name in sorted(os.listdir(full)):
            inner = os.path.join(path, name)
            if name.startswith(".") or name in ("build", "__pycache__") or not is_text(os.path.join(self.root, inner)):
                continue
            linked = self.by_source.get(inner)
            target = linked.target if linked else self.source_page(inner)
            shown = name + ("/" if os.path.isdir(os.path.join(full, name)) else "")
            top = "../" * self.sources[path].count("/")
            items.append(f'<li><a href="{top}{url(target)}">{html.escape(shown)}</a></li>')
        return '<ul class="files">\n' + "\n".join(items) + "\n</ul>"

    # -----------------------------------------------------------------------------------------
    # EPUB

    def epub(self):
        with tempfile.TemporaryDirectory() as figures:
            self.write_epub(figures)

    def write_epub(self, figures):
        blocks = []
        for page in self.pages:
            blocks += self.for_epub(page, figures)
        tree = {"pandoc-api-version": self.pages[0].tree["pandoc-api-version"], "blocks": blocks, "meta": {
            "title": meta(TITLE), "lang": meta("en"), "identifier": meta("urn:jit-in-eleven-steps"),
            "rights": meta("Text: CC BY 4.0. Code: MIT.")}}
        pandoc(["-f", "json", "-t", "epub3", "--toc", "--toc-depth=2",
                "--syntax-definition", os.path.join(self.design, "bca.xml"), "--highlight-style=tango",
                "--css", os.path.join(self.design, "epub.css"),
                "-o", os.path.join(self.out, "jit-in-eleven-steps.epub")],
               json.dumps(tree), {"SOURCE_DATE_EPOCH": "0"})

    def for_epub(self, page, figures):
        prefix = self.epub_prefix(page)

        def change(node):
            kind = node["t"]
            if kind == "Header":
                node["c"][1][0] = prefix + (node["c"][1][0] if node["c"][0] > 1 else "")
            elif kind == "Link":
                resolved = self.resolve(page, node["c"][2][0])
                if resolved is not None:
                    linked = self.as_page(resolved[0])
                    if linked is None:
                        return node["c"][1]
                    node["c"][2][0] = "#" + self.epub_prefix(linked) + resolved[1]
            elif kind == "Image":
                resolved = self.resolve(page, node["c"][2][0])
                node["c"][2][0] = self.light_figure(resolved[0], figures)
                width = self.svg_facts(resolved[0])[1]
                node["c"][0] = ["", [], [["width", str(width)]] if width else []]
            elif kind in ("RawBlock", "RawInline") and node["c"][0] == "html":
                return epub_raw(node)
            elif kind == "CodeBlock":
                return self.code_block(page, node, linked=False)
            elif kind == "Para" and len(node["c"]) == 1 and node["c"][0]["t"] == "Image":
                return figure(node)
            return node
        return walk(copy.deepcopy(page.tree["blocks"]), change)

    def light_figure(self, path, directory):
        """A copy of an SVG without its dark colours: readers disagree on whether they apply them, and the
        EPUB shows figures on white."""
        with open(os.path.join(self.root, path), encoding="utf-8") as file:
            text = file.read()
        copy_path = os.path.join(directory, path.replace(os.sep, "-"))
        with open(copy_path, "w", encoding="utf-8") as file:
            file.write(re.sub(r"@media \(prefers-color-scheme: dark\) \{(?:[^{}]|\{[^{}]*\})*\}", "", text))
        return copy_path

    def epub_prefix(self, page):
        return re.sub(r"\W", "-", page.target[:-len(".html")]) + "--"


# ---------------------------------------------------------------------------------------------
# Helpers


def pandoc(arguments, text, environment=None):
    try:
        result = subprocess.run(["pandoc", *arguments], input=text, capture_output=True, text=True,
                                env={**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})})
    except FileNotFoundError:
        raise BookError("pandoc is missing; `make doctor` says how to install it") from None
    if result.returncode:
        raise BookError(f"pandoc: {result.stderr.strip()}")
    return result.stdout


def walk(node, change):
    """A tree with `change` applied to every element, innermost first. `change` returns an element, or
    a list that takes its place."""
    if isinstance(node, list):
        result = []
        for item in node:
            new = walk(item, change)
            if isinstance(item, dict) and "t" in item and isinstance(new, list):
                result += new
            else:
                result.append(new)
        return result
    if isinstance(node, dict):
        if "t" in node:
            if "c" in node:
                node["c"] = walk(node["c"], change)
            return change(node)
        return {key: walk(value, change) for key, value in node.items()}
    return node


def raw(text):
    return {"t": "RawBlock", "c": ["html", text]}


def div(classes, blocks):
    return {"t": "Div", "c": [["", classes, []], blocks]}


def figure(para):
    """A paragraph that is one image, as a figure; the image's title is the caption."""
    image = para["c"][0]
    title, image["c"][2][1] = image["c"][2][1], ""
    blocks = [para]
    if title:
        blocks.append(div(["caption"], [{"t": "Para", "c": [{"t": "Str", "c": title}]}]))
    wide = any(name == "width" and int(value) > 736 for name, value in image["c"][0][2])
    return div(["figure", "wide"] if wide else ["figure"], blocks)


def meta(text):
    return {"t": "MetaInlines", "c": [{"t": "Str", "c": text}]}


def inline_text(inlines):
    result = []

    def take(node):
        if isinstance(node, list):
            for item in node:
                take(item)
        elif isinstance(node, dict):
            if node["t"] == "Str":
                result.append(node["c"])
            elif node["t"] in ("Space", "SoftBreak", "LineBreak"):
                result.append(" ")
            elif node["t"] in ("Code", "Math"):
                result.append(node["c"][1])
            elif node["t"] in ("Link", "Image"):
                take(node["c"][1])
            elif node["t"] in ("Span", "Quoted"):
                take(node["c"][1])
            elif node["t"] not in ("Note", "RawInline") and "c" in node:
                take(node["c"])
    take(inlines)
    return "".join(result)


def console_html(text, sketch):
    lines, continued = [], False
    for line in text.split("\n"):
        shown = html.escape(line)
        if line.startswith("$ ") or continued:
            mark = "$ " if line.startswith("$ ") and not continued else "> " if line.startswith("> ") else ""
            shown = (f'<span class="prompt">{html.escape(mark)}</span>' if mark else "") \
                + f'<span class="input">{html.escape(line[len(mark):])}</span>'
            continued = line.endswith("\\")
        lines.append(shown)
    kind = "console sketch" if sketch else "console"
    return f'<pre class="{kind}"><code>' + "\n".join(lines) + "</code></pre>"


# EPUB pages are XML: comments and void elements of hand-written HTML must be well-formed there.
def epub_raw(node):
    text = node["c"][1]
    if text.lstrip().startswith("<!--"):
        return []
    node["c"][1] = re.sub(r"<(br|hr|img|source)\b([^>]*?)/?>", r"<\1\2/>", text)
    return node


def url(path):
    return urllib.parse.quote(path)


def is_text(path):
    if os.path.isdir(path):
        return True
    try:
        with open(path, "rb") as file:
            return b"\0" not in file.read(4096)
    except OSError:
        return False


# ---------------------------------------------------------------------------------------------
# Checking what was written


class LinkReader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.ids, self.links = [], []

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            elif name in ("href", "src", "srcset") and value is not None:
                self.links.append((self.getpos()[0], value))


def broken_links(out):
    """Every relative link of the written pages that leads nowhere, ids that occur twice, and anything
    that would be fetched from a network, as messages."""
    pages, messages = {}, []
    for directory, _, names in os.walk(out):
        for name in names:
            if name.endswith(".html"):
                path = os.path.join(directory, name)
                reader = LinkReader()
                with open(path, encoding="utf-8") as file:
                    reader.feed(file.read())
                pages[path] = reader
    for path, reader in sorted(pages.items()):
        shown = os.path.relpath(path, out)
        for duplicate in sorted({i for i in reader.ids if reader.ids.count(i) > 1} if len(reader.ids) < 3000 else ()):
            messages.append(f"{shown}: two elements have the id {duplicate}")
        for line, link in reader.links:
            if re.match(r"^[a-z][a-z0-9+.-]*:", link, re.I):
                continue
            target, _, fragment = link.partition("#")
            directory = os.path.dirname(path)
            full = os.path.normpath(os.path.join(directory, urllib.parse.unquote(target))) if target else path
            if not os.path.isfile(full):
                messages.append(f"{shown}:{line}: there is no {link}")
            elif fragment and full in pages and urllib.parse.unquote(fragment) not in pages[full].ids:
                messages.append(f"{shown}:{line}: there is no {link}")
    return messages
