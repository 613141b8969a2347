#!/usr/bin/env python3
"""Tests of tools/book on a made-up repository. They need pandoc."""

import os
import re
import shutil
import subprocess
import sys
import unittest
import xml.etree.ElementTree as ET
import zipfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from book_fixture import TOP, Fixture  # noqa: E402
sys.path.insert(0, os.path.join(TOP, "tools", "lib"))
import book  # noqa: E402


def run_book(repo, *arguments, path=None):
    environment = dict(os.environ, PATH=path) if path else None
    result = subprocess.run([sys.executable, os.path.join(TOP, "tools", "book"), "--root", repo.root,
                             "--out", repo.path("out"), *arguments], capture_output=True, text=True, timeout=120,
                            env=environment)
    return result.returncode, result.stdout, result.stderr


class WithoutPandoc(unittest.TestCase):
    def test_says_what_to_do(self):
        repo = Fixture()
        try:
            code, _, errors = run_book(repo, path="/nonexistent")
            self.assertEqual((code, errors), (1, "book: pandoc is missing; `make doctor` says how to install it\n"))
        finally:
            repo.close()


@unittest.skipUnless(shutil.which("pandoc"), "pandoc is not installed")
class Pages(unittest.TestCase):
    """One book, many looks at it."""

    @classmethod
    def setUpClass(cls):
        cls.repo = Fixture()
        cls.repo.write("docs/bytecode.md", "# The bytecode\n\nSee [step 1](../step01-sample/README.md#2-why).\n")
        cls.code, cls.output, cls.errors = run_book(cls.repo)
        cls.page = cls.repo.read("out/step01-sample.html") if cls.code == 0 else ""

    @classmethod
    def tearDownClass(cls):
        cls.repo.close()

    def test_is_written(self):
        self.assertEqual((self.code, self.errors), (0, ""))
        self.assertIn("2 chapters", self.output)

    def test_no_link_is_broken(self):
        self.assertEqual(book.broken_links(self.repo.path("out")), [])

    def test_nothing_comes_from_a_network_and_there_is_no_script(self):
        for directory, _, names in os.walk(self.repo.path("out")):
            for name in names:
                if name.endswith((".html", ".css")):
                    with open(os.path.join(directory, name), encoding="utf-8") as file:
                        text = file.read()
                    self.assertNotRegex(text, r"<script|@import|url\(|(?:src|srcset)=\"https?:|<link[^>]*href=\"https?:")

    def test_navigation(self):
        self.assertIn('<link rel="prev" href="index.html">\n<link rel="next" href="step02-sample.html">', self.page)
        self.assertIn('rel="next" href="step02-sample.html"><span>next</span><b>Step 2: Sample code</b>', self.page)
        self.assertIn('<li class="here" aria-current="page"><a href="step01-sample.html">Step 1: Sample code</a>', self.page)
        self.assertIn('<li><a href="#4-building-it">4. Building it</a></li>', self.page)
        self.assertIn('<a href="bytecode.html">The bytecode</a>', self.page)

    def test_index(self):
        index = self.repo.read("out/index.html")
        self.assertIn('<a href="step02-sample.html"><b>Step 2: Sample code</b></a>'
                      '<br>An engine that prints the tenth Fibonacci number', index)
        self.assertIn('<a href="jit-in-eleven-steps.epub">', index)

    def test_excerpts_name_and_link_their_file(self):
        self.assertIn('<p class="file"><a href="src/step01-sample/src/emit.c.html#L-11">src/emit.c</a></p>', self.page)
        self.assertRegex(self.page, r'<pre\s+class="sourceCode c">')
        self.assertIn('<p class="file"><a href="src/step01-sample/examples/fib.bca.html#L-8">examples/fib.bca</a></p>',
                      self.page)

    def test_bytecode_is_coloured(self):
        block = self.page.split('examples/fib.bca</a>')[1].split("</pre>")[0]
        self.assertIn('<span class="kw">func</span>', block)
        self.assertIn('<span class="bu">load_local</span>', block)
        self.assertIn('<span class="co">; 1 or 0</span>', block)
        self.assertIn('<span class="ot">recurse:</span>', block)

    def test_transcripts(self):
        self.assertIn('<pre class="console"><code><span class="prompt">$ </span>'
                      '<span class="input">build/jit examples/fib.bca 10</span>\n55\n', self.page)

    def test_sketches_are_marked(self):
        self.assertRegex(self.page, r'<div class="excerpt sketch">\s*<p class="file">a sketch')

    def test_plain_blocks_survive(self):
        self.assertIn("rsp -&gt;  | 2 |\n", self.page)

    def test_links(self):
        self.assertIn('<a href="src/step01-sample/src/emit.c.html">the emitter</a>', self.page)
        self.assertIn('<a href="src/step01-sample/examples/index.html">examples</a>', self.page)
        self.assertIn('<a href="step02-sample.html#1-what-you-will-have">here</a>', self.page)
        self.assertIn('<a href="#4-building-it">section 4</a>', self.page)
        self.assertIn('href="https://example.org/"', self.page)
        self.assertIn('href="step01-sample.html#2-why"', self.repo.read("out/bytecode.html"))

    def test_source_pages(self):
        text = self.repo.read("out/src/step01-sample/src/emit.c.html")
        self.assertIn('id="L-12"', text)
        self.assertIn("emit_return", text)
        self.assertIn('<link rel="stylesheet" href="../../../book.css">', text)
        self.assertIn('<a href="../../../src/step01-sample/examples/fib.bca.html">fib.bca</a>',
                      self.repo.read("out/src/step01-sample/examples/index.html"))

    def test_figures(self):
        image = re.search(r'<img [^>]*src="figures/step01-sample-idea.svg"[^>]*>', self.page).group(0)
        for attribute in ('class="plain"', 'width="320"', 'alt="Bytecode goes in, machine code comes out"'):
            self.assertIn(attribute, image)
        self.assertTrue(os.path.exists(self.repo.path("out/figures/step01-sample-idea.svg")))

    def test_tables_footnotes_details_and_comments(self):
        self.assertRegex(self.page, r'<div class="table">\s*<table>')
        self.assertIn('class="footnotes', self.page)
        self.assertRegex(self.page, r"<details>\s*<summary>\s*Hint 1\s*</summary>")
        self.assertNotIn("bench:fib", self.page)

    def test_epub(self):
        with zipfile.ZipFile(self.repo.path("out/jit-in-eleven-steps.epub")) as epub:
            names = epub.namelist()
            self.assertEqual(names[0], "mimetype")
            pages = [n for n in names if n.endswith((".xhtml", ".opf", ".ncx"))]
            for name in pages:
                ET.fromstring(epub.read(name))          # every page is well-formed XML
            text = "".join(epub.read(n).decode() for n in pages)
            self.assertIn("Step 2: Sample code", text)
            self.assertTrue([n for n in names if n.endswith(".svg")])
            self.epub_links(epub, names)

    def epub_links(self, epub, names):
        ids = {n: set(re.findall(r'\bid="([^"]+)"', epub.read(n).decode())) for n in names if n.endswith(".xhtml")}
        crossing = 0
        for name in ids:
            for link in re.findall(r'(?:href|src)="([^"]+)"', epub.read(name).decode()):
                if re.match(r"^[a-z]+:", link):
                    continue
                target, _, fragment = link.partition("#")
                full = os.path.normpath(os.path.join(os.path.dirname(name), target)) if target else name
                self.assertIn(full, names, f"{name}: {link}")
                if fragment:
                    self.assertIn(fragment, ids[full], f"{name}: {link}")
                    crossing += full != name
        self.assertGreater(crossing, 2)


@unittest.skipUnless(shutil.which("pandoc"), "pandoc is not installed")
class Trouble(unittest.TestCase):
    def setUp(self):
        self.repo = Fixture(steps=(1,))
        self.repo.replace("step01-sample/README.md", "The previous chapter is [here]"
                          "(../step02-sample/README.md#1-what-you-will-have). ", "")

    def tearDown(self):
        self.repo.close()

    def fails(self, message):
        code, _, errors = run_book(self.repo)
        self.assertEqual(code, 1)
        self.assertIn(message, errors)

    def test_dead_file_link(self):
        self.repo.replace("step01-sample/README.md", "(src/emit.c)", "(src/gone.c)")
        self.fails("step01-sample/README.md: there is no step01-sample/src/gone.c to link to")

    def test_dead_anchor(self):
        self.repo.replace("step01-sample/README.md", "(#4-building-it)", "(#4-building)")
        self.fails("step01-sample.html:")

    def test_foreign_directory_is_left_alone(self):
        self.repo.write("out/precious.txt", "do not delete")
        self.fails("is not empty and was not written by this tool")
        self.assertEqual(self.repo.read("out/precious.txt"), "do not delete")

    def test_written_again(self):
        self.assertEqual(run_book(self.repo)[0], 0)
        self.repo.write("out/stale.html", "")
        self.assertEqual(run_book(self.repo)[0], 0)
        self.assertFalse(os.path.exists(self.repo.path("out/stale.html")))

    def test_a_book_without_chapters(self):
        shutil.rmtree(self.repo.path("step01-sample"))
        code, output, errors = run_book(self.repo)
        self.assertEqual((code, errors), (0, ""))
        self.assertIn("0 chapters", output)

    def test_dark_figures_keep_their_colours(self):
        self.repo.replace("step01-sample/figures/idea.svg", "<rect",
                          "<style>@media (prefers-color-scheme: dark) { text { fill: white } }</style><rect")
        self.assertEqual(run_book(self.repo)[0], 0)
        self.assertIn('class="themed"', self.repo.read("out/step01-sample.html"))
        with zipfile.ZipFile(self.repo.path("out/jit-in-eleven-steps.epub")) as epub:
            figures = [epub.read(n).decode() for n in epub.namelist() if n.endswith(".svg")]
        self.assertTrue(figures)
        for text in figures:
            ET.fromstring(text)
            self.assertNotIn("prefers-color-scheme", text)


if __name__ == "__main__":
    unittest.main()
