"""The slides of the course: decks of Reveal.js from Markdown, made by the build of the site, as a Sphinx extension.

A deck is a file course/slides/session-N.md. A line `---` separates slides, and what follows `Note:` is for the speaker.
A paragraph that begins with `Book:` or `Live:` goes to the foot of its slide. No number and no figure is written there;
a deck takes them from where the book has them, and what cannot be found is a warning:

    {{fact:top5-2012-test-isi}}         what a claim of assets/facts.yml shows, linked to its receipt
    {{=net["fc6"].parameters}}          a Python expression over alexnet.architecture; `net` is the paper's network,
    {{=100 * 2 / 3|.0f}}                and a format may follow
    {{cell:61-using#a1b2 (\\S+) %}}      what the group of a pattern finds in the stored output of a chapter's cell
    {{text:61-using#a1b2}}              that output itself; with a pattern, the lines in which the pattern is found
    {{figure:61-using#a1b2}}            the figure of the cell, with the alternative text stored with it

A chapter is named by the beginning of its file's name.
"""

import base64
import functools
import hashlib
import html
import json
import math
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from mdit_py_plugins.anchors.index import slugify
from mdit_py_plugins.dollarmath import dollarmath_plugin
from sphinx.util import logging

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from alexnet import architecture, facts  # noqa: E402

logger = logging.getLogger(__name__)

# So many letters of a line of output fit beside each other in the usual size, and in a smaller one.
WIDE, WIDER = 64, 76

PLACEHOLDER = re.compile(r"\{\{(fact:|cell:|text:|figure:|=)(.+?)\}\}")
_FORMAT = re.compile(r"\|(,?(?:\.\d+)?[a-z]?)$")
# Stands for a placeholder while Markdown is read; neither Markdown nor HTML knows these two characters.
_HELD = re.compile("\ue000(\\d+)\ue001")

_ENDS = {"Book": "In the book", "Live": "Show live"}


def _math(content, options):
    left, right = (r"\[", r"\]") if options.get("display_mode") else (r"\(", r"\)")
    return f"{left}{html.escape(content)}{right}"


_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").use(dollarmath_plugin, renderer=_math)

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Inside AlexNet</title>
<meta name="description" content="Slides with speaker notes: {title}.">
<link rel="icon" href="../_static/favicon.svg">
<link rel="stylesheet" href="../reveal/reveal.css" media="not all" id="reveal">
<link rel="stylesheet" href="../_static/slides.css">
<script type="module" src="../_static/slides.mjs"></script>
</head>
<body>
<main class="reveal">
<div class="slides">
{slides}
</div>
</main>
</body>
</html>
"""


class SlideError(ValueError):
    """A placeholder or a link of a deck leads nowhere; the message quotes it."""


@dataclass(frozen=True)
class Slide:
    """The Markdown of a slide and of its notes, which may be empty."""

    text: str
    notes: str = ""


def decks(root=ROOT):
    """The sources of all decks, in order."""
    return sorted((root / "course" / "slides").glob("session-*.md"))


def read(path):
    """The slides of a deck."""
    parts = re.split(r"^---$", path.read_text(encoding="utf-8"), flags=re.M)
    return [Slide(*(half.strip() for half in re.split(r"^Note:", part, maxsplit=1, flags=re.M))) for part in parts]


def without_notes(text):
    """The source of a deck without what is for the speaker."""
    parts = re.split(r"^---$", text, flags=re.M)
    return "\n---\n".join(re.split(r"^Note:", part, maxsplit=1, flags=re.M)[0].rstrip() + "\n" for part in parts)


def build(path, site):
    """Write the deck of a source into the folder slides/ of a built site; returns a sentence for each fault."""
    deck = _Deck(path)
    sections = [deck.section(slide) for slide in read(path)]
    page = PAGE.format(title=html.escape(deck.title), slides="\n".join(sections))
    target = site / "slides" / f"{path.stem}.html"
    target.parent.mkdir(exist_ok=True)
    page = re.sub(r'\b(src|href)="([^"]*)"', lambda m: f'{m[1]}="{_there(m[2], target, deck.faults)}"', page)
    target.write_text(page, encoding="utf-8")
    return deck.faults


class _Deck:
    """One deck while it is made: its `title`, and its `faults` so far."""

    def __init__(self, path):
        self.path, self.title, self.faults = path, path.stem, []
        self.root = path.resolve().parents[2]

    def section(self, slide):
        body = self._html(slide.text)
        heading = re.search(r"<h([12])>(.*?)</h\1>", body, re.S)
        if heading is None:
            self.faults.append(f"a slide has no heading: {slide.text[:40]!r}")
            kind = ""
        elif heading[1] == "1":
            self.title, kind = html.unescape(re.sub(r"<[^>]+>", "", heading[2])), "title"
        else:
            kind = "predict" if heading[2].startswith("Predict") else ""
        ends = re.findall(r"<p>(Book|Live): (.*?)</p>", body, re.S)
        body = re.sub(r"<p>(?:Book|Live): .*?</p>\n?", "", body, flags=re.S)
        spans = "".join(f"<span>{_ENDS[word]}: {rest}</span>" for word, rest in ends)
        foot = f'<p class="more">{spans}</p>\n' if ends else ""
        notes = f'<aside class="notes">\n{self._html(slide.notes)}</aside>\n' if slide.notes else ""
        return f'<section class="{kind}">\n{body}{foot}{notes}</section>'

    def _html(self, text):
        held = []

        def hold(match):
            held.append(self._resolved(match))
            return f"\ue000{len(held) - 1}\ue001"

        page = _MARKDOWN.render(PLACEHOLDER.sub(hold, text))
        if left := re.search(r"\{\{.*", page):
            self.faults.append(f"it is no placeholder: {left[0][:60]!r}")
        page = re.sub("<p>\ue000(\\d+)\ue001</p>", lambda m: _block(held[int(m[1])]), page)
        page = _HELD.sub(lambda m: held[int(m[1])], page)
        page = re.sub(r'(<a href=")([^"]*)"', lambda m: f'{m[1]}{self._address(m[2])}"', page)
        return page

    def _resolved(self, match):
        kind, what = match.groups()
        try:
            if kind == "=":
                return _computed(what)
            return {"fact:": _fact, "cell:": self._cell, "text:": self._text, "figure:": self._figure}[kind](what)
        except Exception as error:
            self.faults.append(f"{match[0]}: {error}")
            return html.escape(match[0])

    def _address(self, address):
        """The address in the site of what a source links to by the place of its file."""
        if re.match(r"[a-z]+:|#|\.\./chapters/.*\.html", address):
            return address
        path, mark, anchor = address.partition("#")
        try:
            page = (self.path.parent / path).resolve().relative_to(self.root)
        except ValueError:
            self.faults.append(f"the link {address} leads out of the book")
            return address
        return f"../{page.with_suffix('.html').as_posix()}{mark}{anchor}"

    def _found(self, what):
        """(the file, the cell, the rest) of "chapter#cell rest"."""
        name, _, rest = what.partition("#")
        id, _, rest = rest.partition(" ")
        paths = sorted((self.root / "chapters").glob(f"{name}*.ipynb"))
        if len(paths) != 1:
            raise SlideError(f"{len(paths)} chapters begin with {name}")
        for cell in _notebook(paths[0])["cells"]:
            if cell.get("id") == id:
                return paths[0], cell, rest
        raise SlideError(f"{paths[0].name} has no cell {id}")

    def _cell(self, what):
        path, cell, pattern = self._found(what)
        found = re.search(pattern, _printed(cell), re.M)
        if not found:
            raise SlideError(f"nothing in the output is like {pattern!r}")
        return f'<a class="number" href="../chapters/{path.stem}.html">{html.escape(found[1])}</a>'

    def _text(self, what):
        _, cell, pattern = self._found(what)
        lines = [line for line in _printed(cell).splitlines() if re.search(pattern, line)]
        if not any(lines):
            raise SlideError("there is no such output")
        longest = max(map(len, lines))
        kind = "output wider" if longest > WIDER else "output wide" if longest > WIDE else "output"
        # A box that may scroll can be reached by keyboard.
        return f'<pre class="{kind}" tabindex="0">{html.escape(chr(10).join(lines))}</pre>'

    def _figure(self, what):
        _, cell, _ = self._found(what)
        for output in cell.get("outputs", []):
            encoded = output.get("data", {}).get("image/png")
            if encoded:
                content, about = base64.b64decode("".join(encoded)), output.get("metadata", {}).get("image/png", {})
                if not about.get("alt"):
                    raise SlideError("the figure has no alternative text")
                name = hashlib.sha256(content).hexdigest()
                width, height = (int.from_bytes(content[start : start + 4]) for start in (16, 20))
                kind = "photographs" if about.get("photographs") else "chart"
                return (
                    f'<figure class="{kind}"><img src="../_images/{name}.png" alt="{html.escape(about["alt"])}" '
                    f'width="{width}" height="{height}" loading="lazy"></figure>'
                )
        raise SlideError("the cell shows no figure")


def _block(held):
    return held if re.match("<(?:figure|pre|table)", held) else f"<p>{held}</p>"


@functools.cache
def _notebook(path):
    return json.loads(path.read_text(encoding="utf-8"))


def _printed(cell):
    """What a cell printed, and the text of what it showed."""
    texts = []
    for output in cell.get("outputs", []):
        text = output.get("text") or ("" if "image/png" in output.get("data", {}) else output["data"].get("text/plain"))
        texts.append("".join(text or ""))
    return "".join(texts)


def _fact(id):
    claim = facts.claim(id)
    unsure = "" if claim.how in facts.SURE else f' <small class="unsure">({claim.how})</small>'
    return f'<a class="number" href="../chapters/receipts.html#{id}">{html.escape(claim.text)}</a>{unsure}'


def _layers(names, *columns, preset="paper-2012"):
    """A table of some layers of a preset; columns are output, window, sees, parameters, MACs and field."""
    net = architecture.PRESETS[preset]

    def cell(row, column):
        if column == "window":
            return f"{row.kernel}×{row.kernel}" + (f" /{row.stride}" if row.stride > 1 else "") if row.kernel else ""
        shown = {
            "output": row.output_shape,
            "sees": row.inputs_per_unit,
            "parameters": row.parameters,
            "MACs": row.macs,
            "field": row.receptive_field or "all",
        }
        return _shown(shown[column])

    rows = [[name, *(cell(net[name], column) for column in columns)] for name in names.split()]
    return architecture.html_table(f"<code>{preset}</code>", ["layer", *columns], rows)


def _computed(expression):
    form = _FORMAT.search(expression)
    names = {
        "__builtins__": {"sum": sum, "max": max, "min": min, "round": round, "len": len},
        "architecture": architecture,
        "presets": architecture.PRESETS,
        "net": architecture.PRESETS["paper-2012"],
        "layers": _layers,
        "math": math,
        "fact": facts.value,
    }
    result = eval(expression[: form.start()] if form else expression, names)
    if isinstance(result, str) and result.startswith("<table"):
        return result
    return f'<span class="number">{html.escape(format(result, form[1]) if form else _shown(result))}</span>'


def _shown(value):
    if isinstance(value, tuple):
        return "×".join(f"{n:,}" for n in value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def _there(address, deck, faults):
    """The address, once what it names is found in the site; a heading by its words, which Sphinx may call otherwise."""
    path, mark, anchor = html.unescape(address).partition("#")
    if re.match("[a-z]+:", path):
        return address
    file = Path(os.path.normpath(deck.parent / path))
    if not file.is_file():
        faults.append(f"the site has no {file.name}, to which {address} leads")
    elif anchor and anchor not in _places(file):
        faults.append(f"{file.name} has no place {anchor}")
    else:
        anchor = _places(file)[anchor] if anchor else ""
    return f"{path}{mark}{anchor}"


@functools.cache
def _places(file):
    """The ids of a page, by themselves and by the words of the headings that they belong to."""
    text = file.read_text(encoding="utf-8")
    heading = r'<section[^>]* id="([^"]+)"[^>]*>\s*(?:<span[^>]*></span>)*<h\d>(.*?)<a class="headerlink"'
    titles = re.findall(heading, text)
    named = {slugify(html.unescape(re.sub(r"<[^>]+>", "", title))): id for id, title in titles}
    return named | {id: id for id in re.findall(r'\bid="([^"]+)"', text)}


def _build_all(app, error):
    if error or app.builder.format != "html":
        return
    for cached in (_notebook, _places):
        cached.cache_clear()
    for path in decks(Path(app.srcdir)):
        for fault in build(path, Path(app.outdir)):
            logger.warning("course/slides/%s: %s", path.name, fault)


def setup(app):
    # Before the handlers that look at all pages of the site.
    app.connect("build-finished", _build_all, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
