"""Print the book: every page of the built site in one PDF, by the browser that the tests use. `make pdf`.

All pages become one page first, so that the PDF has one table of contents, one outline and tags from end to end, and a
link from chapter to chapter leads there. It is printed twice, as the first print says on which page a chapter begins.

An explorer is printed as its picture, with the address of the page where it moves. Solutions and other folded answers
stand at the end. What the PDF does not hold is linked to the published site.
"""

import re
import shutil
import subprocess
import sys
import time
from copy import copy
from dataclasses import dataclass, field
from datetime import date
from html import escape
from io import BytesIO
from pathlib import Path
from posixpath import normpath
from urllib.parse import quote, unquote, urlsplit

import yaml
from bs4 import BeautifulSoup
from pypdf import PdfReader, PdfWriter

import editions
import pages

ROOT = Path(__file__).resolve().parents[1]
STYLE = Path(__file__).with_name("pdf.css")
NAME = "inside-alexnet.pdf"
# What a page of the site says of the PDF; it is hidden until there is one.
_HIDDEN = re.compile(r'(<p class="printed") hidden(?:="")?>')
# Where the printed page lies for the browser. The site has no file of this name.
_ADDRESS = "/print.html"
# The ids that a cell's solution or a quiz's answer may be folded under.
_FOLDED = re.compile(r"\s*(solution|answer)", re.I)


@dataclass
class Part:
    """A part of the book: its caption, "" for the pages before the first part, and its pages as in _toc.yml."""

    caption: str
    pages: list = field(default_factory=list)


def parts(toc):
    """The parts of a _toc.yml, read as YAML, in order."""

    def named(entry):
        yield from filter(None, [entry.get("file")])
        for inner in [*entry.get("chapters", []), *entry.get("sections", [])]:
            yield from named(inner)

    found = [Part("", [toc["root"]])]
    found += [Part(part.get("caption", ""), list(named(part))) for part in toc.get("parts", [toc])]
    return found


class Book:
    """The built site as one page."""

    def __init__(self, site, contents):
        self.site, self.contents = site, contents
        self.names = [name for part in contents for name in part.pages]
        self.first = self._soup(self.names[0])
        self.home = self.first.find("link", rel="canonical")["href"].rsplit("/", 1)[0] + "/"
        self.title = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["title"]
        self.author = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["author"]
        self.styles, self.scripts, self.headings, self.folded = [], [], [], []
        self.chapters = [self._part(part) for part in contents]

    def _soup(self, name):
        return BeautifulSoup((self.site / f"{name}.html").read_text(encoding="utf-8"), "html.parser")

    def _part(self, part):
        return "".join(self._chapter(name, part.caption if name == part.pages[0] else "") for name in part.pages)

    def _chapter(self, name, caption):
        """HTML of a page, with the caption of the part that it begins."""
        soup = self._soup(name)
        self._take_styles_and_scripts(soup, name)
        article = soup.find("article")
        for unwanted in article.select("script, .headerlink, .toctree-wrapper, template, [hidden]"):
            unwanted.decompose()
        for place in article.select(".alexnet-explorer"):
            self._add_address(soup, place, name)
        self._lead(article, name)
        self._fold(soup, article, name)
        self._lower(article, caption or name != self.names[0])
        title = article.find(re.compile("^h[12]$"))
        self.headings += [(caption, 1, f"{_key(name)}--part")] if caption else []
        self.headings.append((title.get_text(), 2 if title.name == "h2" else 1, _key(name)))
        above = f'<h1 class="part" id="{_key(name)}--part">{escape(caption)}</h1>' if caption else ""
        return f'<section class="chapter" id="{_key(name)}">{above}{article.decode_contents()}</section>'

    def _take_styles_and_scripts(self, soup, name):
        for link in soup.find_all("link", rel="stylesheet"):
            address = self._inside(link["href"].partition("?")[0], name)
            if address not in self.styles:
                self.styles.append(address)
        for script in soup.find_all("script"):
            if "window.MathJax" in script.get_text() or "/mathjax/" in script.get("src", ""):
                source = script.get("src", "").partition("?")[0]
                text = f'<script src="{self._inside(source, name)}"></script>' if source else str(script)
                if text not in self.scripts:
                    self.scripts.append(text)

    @staticmethod
    def _inside(target, name):
        """The name in the site of what the page `name` links to."""
        return normpath(f"{name}/../{target}")

    def _add_address(self, soup, place, name):
        section = place.find_parent("section", id=True)
        address = f"{self.home}{name}.html#{section['id']}"
        line = soup.new_tag("p", attrs={"class": "live"})
        line.append("It moves at ")
        line.append(soup.new_tag("a", href=address, string=address.removeprefix("https://")))
        place.append(line)

    def _lead(self, article, name):
        """Make ids those of one page, and let links and pictures find what they are for."""
        for tag in article.find_all(True):
            for attribute in ("id", "for"):
                if attribute in tag.attrs:
                    tag[attribute] = f"{_key(name)}--{tag[attribute]}"
            for attribute in ("aria-labelledby", "aria-describedby"):
                if attribute in tag.attrs:
                    tag[attribute] = " ".join(f"{_key(name)}--{id}" for id in tag[attribute].split())
            if tag.name == "img" and not urlsplit(tag["src"]).scheme:
                tag["src"] = self._inside(tag["src"], name)
            tag.attrs.pop("loading", None)
            if tag.name == "a" and "href" in tag.attrs:
                tag["href"] = self._target(tag["href"], name)

    def _target(self, target, name):
        address = urlsplit(target)
        if address.scheme or address.netloc:
            return target
        page = self._inside(unquote(address.path), name).removesuffix(".html") if address.path else name
        if page in self.names:
            return f"#{_key(page)}--{unquote(address.fragment)}" if address.fragment else f"#{_key(page)}"
        anchor = f"#{address.fragment}" if address.fragment else ""
        return f"{self.home}{quote(self._inside(unquote(address.path), name))}{anchor}"

    def _fold(self, soup, article, name):
        """Open what is folded, and put answers at the end, each with a link to it and one back."""
        number, answers = "", []
        title = article.find("h1").get_text()
        for tag in article.find_all(["strong", "legend", "details"]):
            found = re.match(r"(?:Question )?(\d+)\.", tag.get_text())
            if tag.name != "details":
                number = found[1] if found else number
                continue
            summary = tag.find("summary")
            said = _FOLDED.match(summary.get_text())
            if not said:
                tag["open"] = ""
                continue
            place = f"{_key(name)}--{said[1].lower()}-{len(answers)}"
            link = soup.new_tag("p", id=f"{place}-asked", attrs={"class": "to-answer"})
            link.append(soup.new_tag("a", href=f"#{place}", string=f"{said[1]} at the end of the book"))
            tag.insert_before(link)
            summary.decompose()
            tag.extract()
            answers.append(
                f'<div class="answer" id="{place}"><h3><a href="#{place}-asked">{said[1]} {number}</a></h3>'
                f"{tag.decode_contents()}</div>"
            )
        if answers:
            self.folded.append((f"{_key(name)}--answers", title, answers))

    @staticmethod
    def _lower(article, inside):
        """Headings one step down, below those of parts."""
        if inside:
            for tag in article.find_all(re.compile("^h[1-5]$")):
                tag.name = f"h{int(tag.name[1]) + 1}"

    def _answers(self):
        if not self.folded:
            return ""
        self.headings.append(("Solutions and answers", 1, "answers"))
        text = "".join(
            f'<section><h2 id="{id}">{escape(title)}</h2>{"".join(answers)}</section>'
            for id, title, answers in self.folded
        )
        return f'<section class="chapter" id="answers"><h1 class="part">Solutions and answers</h1>{text}</section>'

    def html(self, numbers=None, stamp=""):
        """The page to be printed; `numbers` are the pages on which its headings begin, as ids name them."""
        headings = list(self.headings)
        answers = self._answers()
        lines = "".join(
            f'<li class="level{level}"><a href="#{id}"><span>{escape(title)}</span>'
            f'<span class="page">{(numbers or {}).get(id, "000")}</span></a></li>'
            for title, level, id in self.headings
        )
        rules = "".join(
            f'#{id} {{ page: p{at} }} @page p{at} {{ @top-left {{ content: "{_css(title)}" }} }}\n'
            for at, (title, _, id) in enumerate(self.headings)
            if not id.endswith("--part")
        )
        self.headings = headings
        styles = "".join(f'<link rel="stylesheet" href="{address}">' for address in self.styles)
        return f"""<!doctype html>
<html lang="en" data-theme="light" data-mode="light"><head><meta charset="utf-8"><title>{escape(self.title)}</title>
<base href="/">{styles}<style>{STYLE.read_text(encoding="utf-8")}{rules}</style></head>
<body><main class="bd-article bd-content">
<section class="front"><p class="title">{escape(self.title)}</p><p>{escape(self.author)}</p>
<p class="stamp">{stamp}<br><a href="{self.home}">{self.home.removeprefix("https://")}</a></p>
<p class="licence">Text and figures CC BY 4.0, code BSD-3-Clause. Explorers, which move in the book's pages, are pictures
here, and each says where it moves. Solutions are at the end.</p></section>
<nav class="contents" aria-label="Contents"><h1 id="contents">Contents</h1><ol>{lines}</ol></nav>
{"".join(self.chapters)}{answers}</main>{"".join(self.scripts)}</body></html>""".replace('href="#', f'href="{_ADDRESS}#')


def _key(name):
    return re.sub(r"\W+", "-", name)


def _css(text):
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", " ")


def stamp():
    """When the book was printed, and of which commit, where git knows it."""
    command = ["git", "-C", ROOT, "describe", "--always", "--dirty=, changed", "--abbrev=12", "--exclude=*"]
    found = subprocess.run(command, capture_output=True, text=True)
    commit = f", commit {found.stdout.strip()}" if found.returncode == 0 else ""
    return f"Printed on {date.today():%-d %B %Y}{commit}"


def paper(chrome, page):
    """The bytes of a PDF of a page, given as HTML."""
    tab, trouble = chrome.new_page(), []
    tab.on("requestfailed", lambda request: trouble.append(request.url))
    tab.on("pageerror", lambda error: trouble.append(str(error)))
    tab.on("response", lambda answer: answer.ok or trouble.append(answer.url))
    tab.route(f"**{_ADDRESS}", lambda route: route.fulfill(body=page, content_type="text/html; charset=utf-8"))
    tab.set_default_timeout(600_000)
    tab.goto(chrome.address + _ADDRESS, wait_until="load")
    tab.wait_for_function("!window.MathJax || window.MathJax.startup?.promise")
    tab.evaluate("window.MathJax ? MathJax.startup.promise.then(() => null) : null")
    tab.evaluate("Promise.all([document.fonts.ready, ...[...document.images].map(i => i.decode())]).then(() => null)")
    if trouble:
        raise editions.Broken(f"The page to be printed lacks {', '.join(trouble)}")
    done = tab.pdf(prefer_css_page_size=True, print_background=True, tagged=True, outline=True)
    tab.close()
    return done


def outline(reader, level=1):
    """The entries of a PDF's outline: (title, level, number of the page), the levels from 1."""

    def walk(entries, level):
        for entry in entries:
            if isinstance(entry, list):
                yield from walk(entry, level + 1)
            else:
                yield entry.title, level, reader.get_destination_page_number(entry) + 1

    return list(walk(reader.outline, level))


def starts(reader, headings):
    """On which page each heading begins: {id: number}. The outline has them in the same order."""
    found, rest = {}, iter(outline(reader))
    for title, level, id in headings:
        wanted = "".join(title.split())
        found[id] = next((page for said, at, page in rest if at == level and "".join(said.split()) == wanted), None)
        if found[id] is None:
            raise editions.Broken(f"The PDF's outline has no {title!r} where it should come")
    return found


def printed(site, contents):
    """The bytes of the book's PDF, from the built site."""
    book = Book(site, contents)
    book._answers()
    headings, said = list(book.headings), stamp()
    book.headings = [heading for heading in headings if heading[2] != "answers"]
    with pages.browser(site) as chrome:
        first = PdfReader(BytesIO(paper(chrome, book.html(stamp=said))))
        numbers = starts(first, headings)
        second = PdfReader(BytesIO(paper(chrome, book.html(numbers, said))))
    if starts(second, headings) != numbers:
        raise editions.Broken("The numbers of pages in the table of contents have moved the pages")
    writer = PdfWriter(clone_from=second)
    writer.add_metadata({"/Title": book.title, "/Author": book.author, "/Subject": said})
    done = BytesIO()
    writer.write(done)
    return done.getvalue()


def ship(edition="instructor"):
    """Put the printed book into the built site, which links it then. Without one, nothing is done."""
    whole = editions.folder(edition)
    pdf = whole / "pdf" / NAME
    if not pdf.exists():
        return
    shutil.copy(pdf, whole / "html" / NAME)
    for page in (whole / "html").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        if _HIDDEN.search(text):
            page.write_text(_HIDDEN.sub(r"\1>", text), encoding="utf-8")


def main(edition="instructor"):
    began = time.monotonic()
    whole = editions.folder(edition)
    source = ROOT if edition == "instructor" else whole / "source"
    toc = yaml.safe_load((source / "_toc.yml").read_text(encoding="utf-8"))
    if not pages.chromium():
        raise editions.Broken("The book is printed by Chromium, and this machine has none (Debian: apt install chromium).")
    pdf = whole / "pdf" / NAME
    pdf.parent.mkdir(exist_ok=True)
    pdf.write_bytes(printed(whole / "html", parts(toc)))
    ship(edition)
    count = len(PdfReader(pdf).pages)
    print(
        f"The printed book is {(whole / 'html' / NAME).relative_to(ROOT)}: {count} pages, "
        f"{pdf.stat().st_size / 1e6:.1f} MB, in {time.monotonic() - began:.0f} s."
    )


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except editions.Broken as error:
        sys.exit(str(error))
