"""The book's prose as its readers get it: every block of text with its section and its links, by a Markdown parser.

Pages are Markdown files and notebooks. What a page says is read here and nowhere by hand: which receipts it links,
which it reads in code, and which of its text is neither code nor a link.
"""

import ast
import html.parser
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.front_matter import front_matter_plugin

ROOT = Path(__file__).resolve().parents[1]
RECEIPTS = ROOT / "chapters" / "receipts.md"
# Stands in loose text for what is left out there, so that the words on either side do not run together.
GAP = "\N{OBJECT REPLACEMENT CHARACTER}"

_PARSER = MarkdownIt("commonmark").enable("table").use(front_matter_plugin).use(dollarmath_plugin)
_UNREAD_TAGS = {"code", "pre", "a", "script", "style"}


@dataclass
class Block:
    """A heading, paragraph, table cell or piece of HTML.

    section: the headings above it, outermost first, a heading's own text included. links: (text, target) of each.
    loose: its text, with a gap for every link, piece of code and formula. formulas: what stands between dollars.
    html: targets of links that are written in HTML.
    """

    section: tuple[str, ...]
    heading: bool = False
    links: list[tuple[str, str]] = field(default_factory=list)
    loose: str = ""
    text: str = ""
    formulas: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)


class Page:
    """A page of the book: `path`, `title`, `blocks`, and `code`, the sources of a notebook's code cells."""

    def __init__(self, path, notebook=None):
        """Read the page; a notebook may be handed over as JSON instead of being read from its path."""
        self.path = Path(path)
        self.code = []
        if self.path.suffix == ".ipynb":
            cells = (notebook or json.loads(self.path.read_text(encoding="utf-8")))["cells"]
            texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
            self.code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        else:
            texts = [self.path.read_text(encoding="utf-8")]
        self.blocks = blocks(texts)
        self.title = next((block.text for block in self.blocks if block.heading), self.path.stem)

    def receipts(self):
        """(text, id, block) of every link to the page Receipts; the id is "" for a link to the page itself."""
        for block in self.blocks:
            for text, target in block.links:
                path, _, id = target.partition("#")
                if path and "://" not in path and (self.path.parent / path).resolve() == RECEIPTS:
                    yield text, id, block

    def reads(self, ids):
        """Those of the ids that a notebook's code cells read with `alexnet.facts`.

        An id counts where it is written out as a string, or where an f-string such as f"top1-{run}" gives it with words
        that stand in strings of the same notebook.
        """
        if not any("facts." in source for source in self.code):
            return set()
        strings, forms = set(), []
        for source in self.code:
            try:
                nodes = list(ast.walk(ast.parse(source)))
            except SyntaxError:  # a cell with a line for IPython or the shell
                continue
            strings |= {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
            forms += [node.values for node in nodes if isinstance(node, ast.JoinedStr)]
        words = "|".join(map(re.escape, {word for text in strings for word in text.split()}))
        found = strings & set(ids)
        for parts in forms:
            form = "".join(
                re.escape(part.value) if isinstance(part, ast.Constant) else f"(?:{words})" for part in parts
            )
            found |= {id for id in ids if re.fullmatch(form, id)}
        return found


def pages(root=ROOT):
    """Every page that can hold a link to a receipt: the start page, Markdown and notebooks of the book, the course."""
    found = [root / "index.md", *root.glob("*.md")]
    for folder in ("chapters", "course"):
        found += sorted(p for p in (root / folder).rglob("*") if p.suffix in (".md", ".ipynb"))
    skipped = {root / "chapters" / "receipts.md"}
    return [
        Page(path)
        for path in dict.fromkeys(found)
        if path not in skipped and not any(part.startswith(".") for part in path.relative_to(root).parts)
    ]


def blocks(texts):
    """The blocks of several texts (a notebook's cells), whose sections go on from one to the next."""
    found, section = [], []  # section: (level, text) of the headings above

    def read(text):
        level = None
        for token in _PARSER.parse(text):
            if token.type == "heading_open":
                level = int(token.tag[1])
            elif token.type == "inline":
                block = Block(())
                _inline(token.children, block)
                if level:
                    while section and section[-1][0] >= level:
                        section.pop()
                    section.append((level, block.text))
                    block.heading, level = True, None
                block.section = tuple(text for _, text in section)
                found.append(block)
            elif token.type == "html_block":
                reader = _Html()
                reader.feed(token.content)
                block = Block(tuple(text for _, text in section), text=reader.text, loose=reader.loose)
                block.html = reader.links
                found.append(block)
            elif token.type == "math_block":
                found.append(Block(tuple(text for _, text in section), formulas=[token.content]))
            elif token.type == "fence" and token.info.startswith("{"):
                read(token.content)  # a MyST directive, whose content is prose again

    for text in texts:
        read(text)
    return found


def _inline(children, block, link=None):
    """Add the tokens of a block's text to it."""
    for token in children:
        if token.type == "link_open":
            link = ["", token.attrGet("href")]
        elif token.type == "link_close":
            block.links.append((link[0], link[1]))
            block.text += link[0]
            block.loose += GAP
            link = None
        elif token.type == "html_inline":
            reader = _Html()
            reader.feed(token.content)
            block.html += reader.links
        else:
            shown, loose = _shown(token)
            if token.type.startswith("math"):
                block.formulas += [] if link else [token.content]
            if link:
                link[0] += shown
            else:
                block.text += shown
                block.loose += loose


def _shown(token):
    """(what a reader sees of a token, what of it is loose text)."""
    if token.type == "text":
        return token.content, token.content
    if token.type in ("softbreak", "hardbreak"):
        return " ", " "
    if token.type == "image":
        about = "".join(_shown(child)[0] for child in token.children)
        return about, about
    if token.type == "code_inline" or token.type.startswith("math"):
        return token.content, GAP
    return "", ""


class _Html(html.parser.HTMLParser):
    """The text of a piece of HTML: all of it, and what is neither code nor a link; and the targets of its links."""

    def __init__(self):
        super().__init__()
        self.text, self.loose, self.links, self.inside = "", "", [], []

    def handle_starttag(self, tag, attributes):
        if tag == "a":
            self.links.append(dict(attributes).get("href") or "")
        if tag in _UNREAD_TAGS:
            self.inside.append(tag)

    def handle_endtag(self, tag):
        if tag in self.inside:
            self.inside.remove(tag)

    def handle_data(self, data):
        self.text += data
        self.loose += GAP if self.inside else data
