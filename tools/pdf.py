"""Print the book: every page of the built site in one PDF, by the browser that the tests use. `make pdf`.

All pages become one page first, so that the PDF has one table of contents, one outline and tags from end to end, and a
link from chapter to chapter leads there. It is printed twice, as the first print says on which page a chapter begins.

An explorer is printed as its picture, with the address of the page where it moves. Solutions and other folded answers
stand at the end. What the PDF does not hold is linked to the published site.
"""

import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import date
from html import escape
from io import BytesIO
from pathlib import Path
from posixpath import normpath
from urllib.parse import quote, unquote, urlsplit

import pikepdf
import yaml
from bs4 import BeautifulSoup

import editions
import pages

ROOT = Path(__file__).resolve().parents[1]
ANSWERS = "Answers"
STYLE = Path(__file__).with_name("pdf.css")
# Where the printed page lies for the browser, so that pictures and styles are found; the site has no file of this name.
_ADDRESS = "/print.html"
# A4 without the margins of pdf.css, in the pixels of a browser.
_PAPER_WIDTH = round((210 - 2 * 18) / 25.4 * 96)
# The outermost of what is wider than that; a browser would cut it off, or shrink the whole book until it fits.
_TOO_WIDE = """width => {
    const wide = e => e.getBoundingClientRect().right > width + 1;
    return [...document.querySelectorAll("body *")]
        .filter(e => wide(e) && !wide(e.parentElement) && !e.closest("mjx-container *, [hidden]"))
        .map(e => `${e.closest("[id]")?.id}: ${e.outerHTML.slice(0, 120)}`);
}"""
_ANSWER = re.compile(r"\s*(solution|answer)", re.I)


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
    """A built site as one page. `headings` are those of parts and pages: (title, level, id), in order."""

    def __init__(self, site, contents):
        self.site = site
        self.names = [name for part in contents for name in part.pages]
        config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
        self.title, self.author = config["title"], config["author"]
        canonical = self._soup(self.names[0]).find("link", rel="canonical")["href"]
        self.home = canonical.rpartition("/")[0] + "/"
        self.styles, self.headings, self._answers = [], [], []
        self.chapters = [
            self._chapter(name, part.caption if at == 0 else "")
            for part in contents
            for at, name in enumerate(part.pages)
        ]
        if self._answers:
            self.headings.append((ANSWERS, 1, "answers"))
            title = f'<h1 class="part">{ANSWERS}</h1>'
            self.chapters.append(f'<section class="chapter" id="answers">{title}{"".join(self._answers)}</section>')

    def _soup(self, name):
        return BeautifulSoup((self.site / f"{name}.html").read_text(encoding="utf-8"), "html.parser")

    def _chapter(self, name, caption):
        """HTML of a page, with the caption of the part that it begins."""
        soup = self._soup(name)
        self._take_styles(soup, name)
        article = soup.find("article")
        for unwanted in article.select("script, .headerlink, .toctree-wrapper, template, [hidden]"):
            unwanted.decompose()
        for place in article.select(".alexnet-explorer"):
            self._add_address(soup, place, name)
        self._lead(article, name)
        self._fold(soup, article, name)
        if name != self.names[0]:  # which stands outside of all parts
            for tag in article.find_all(re.compile("^h[1-5]$")):
                tag.name = f"h{int(tag.name[1]) + 1}"
        title = article.find(re.compile("^h[12]$"))
        self.headings += [(caption, 1, f"{_key(name)}--part")] if caption else []
        self.headings.append((title.get_text(), 2 if title.name == "h2" else 1, _key(name)))
        above = f'<h1 class="part" id="{_key(name)}--part">{escape(caption)}</h1>' if caption else ""
        return f'<section class="chapter" id="{_key(name)}">{above}{article.decode_contents()}</section>'

    def _take_styles(self, soup, name):
        for link in soup.find_all("link", rel="stylesheet"):
            address = self._inside(link["href"].partition("?")[0], name)
            if address not in self.styles:
                self.styles.append(address)

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
            said = _ANSWER.match(summary.get_text())
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
            self._answers.append(f"<section><h2>{escape(title)}</h2>{''.join(answers)}</section>")

    def html(self, stamp, numbers=None):
        """The page to be printed; `numbers` are the pages on which its headings begin: {id: number}.

        Raises Broken where a link leads to no place of it.
        """
        lines = "".join(
            f'<li class="level{level}"><a href="#{id}"><span>{escape(title)}</span>'
            f'<span class="number">{(numbers or {}).get(id, "000")}</span></a></li>'
            for title, level, id in self.headings
        )
        # A page of the site is a named page of CSS, so that its title can stand at the head.
        rules = "".join(
            f'#{id} {{ page: p{at} }} @page p{at} {{ @top-left {{ content: "{_css(title)}" }} }}\n'
            for at, (title, _, id) in enumerate(self.headings)
            if not id.endswith("--part")
        )
        styles = "".join(f'<link rel="stylesheet" href="{address}">' for address in self.styles)
        end = f" {ANSWERS} are at the end." if self._answers else ""
        text = "".join(self.chapters)
        there, led = set(re.findall(r'\bid="([^"]+)"', text)), set(re.findall(r'\bhref="#([^"]+)"', text))
        if led - there:
            raise editions.Broken(f"Links of the printed book lead nowhere: {', '.join(sorted(led - there))}")
        return f"""<!doctype html>
<html lang="en" data-theme="light" data-mode="light"><head><meta charset="utf-8"><title>{escape(self.title)}</title>
{styles}<style>{STYLE.read_text(encoding="utf-8")}{rules}</style></head>
<body><main class="bd-article bd-content">
<section class="cover"><p class="title">{escape(self.title)}</p><p>{escape(self.author)}</p>
<p class="stamp">{stamp}<br><a href="{self.home}">{self.home.removeprefix("https://")}</a></p>
<p class="licence">Text and figures CC BY 4.0, code BSD-3-Clause.
Explorers, which move on the book's pages, are pictures here, and each says where it moves.{end}</p></section>
<nav class="printed-contents" aria-label="Contents"><h1>Contents</h1><ol>{lines}</ol></nav>
{text}</main></body></html>"""


def _key(name):
    return re.sub(r"\W+", "-", name)


def _css(text):
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", " ")


def stamp():
    """When the book was printed, and of which commit, where git knows it."""
    command = ["git", "-C", ROOT, "describe", "--always", "--dirty=, changed", "--abbrev=12", "--exclude=*"]
    found = subprocess.run(command, capture_output=True, text=True)
    commit = f", commit {found.stdout.strip()}" if found.returncode == 0 else ""
    return f"Printed on {date.today().day} {date.today():%B %Y}{commit}"


def paper(chrome, page):
    """The bytes of a PDF of a page, given as HTML."""
    tab, trouble = chrome.new_page(viewport={"width": _PAPER_WIDTH, "height": 1000}), []
    tab.emulate_media(media="print")
    tab.on("requestfailed", lambda request: trouble.append(request.url))
    tab.on("pageerror", lambda error: trouble.append(str(error)))
    tab.on("response", lambda answer: answer.ok or trouble.append(answer.url))
    tab.route(f"**{_ADDRESS}", lambda route: route.fulfill(body=page, content_type="text/html; charset=utf-8"))
    tab.set_default_timeout(600_000)
    tab.goto(chrome.address + _ADDRESS, wait_until="load")
    tab.evaluate("Promise.all([document.fonts.ready, ...[...document.images].map(i => i.decode())]).then(() => null)")
    if trouble:
        raise editions.Broken(f"The page to be printed lacks {', '.join(trouble)}")
    wide = tab.evaluate(_TOO_WIDE, _PAPER_WIDTH)
    if wide:
        raise editions.Broken("Too wide for the paper:\n" + "\n".join(wide))
    done = tab.pdf(prefer_css_page_size=True, print_background=True, tagged=True, outline=True)
    tab.close()
    return done


def outline(pdf):
    """The entries of an open PDF's outline, in order: (entry, level from 1, number of its page)."""
    numbers = {page.objgen: number for number, page in enumerate(pdf.pages, 1)}

    def walk(entries, level):
        for entry in entries:
            yield entry, level, numbers[entry.destination[0].objgen]
            yield from walk(entry.children, level + 1)

    with pdf.open_outline() as root:
        yield from walk(root.root, 1)


def starts(pdf, headings):
    """On which page each heading begins: {id: number}. The outline has them in the same order."""
    found, rest = {}, outline(pdf)
    for title, level, id in headings:
        found[id] = next((page for entry, at, page in rest if at == level and _same(entry.title, title)), None)
        if found[id] is None:
            raise editions.Broken(f"The PDF's outline has no {title!r} where it should come")
    return found


def _same(*titles):
    """Whether titles are the same but for spaces: the outline has none where a line ends."""
    return len({"".join(title.split()) for title in titles}) == 1


def printed(site, contents):
    """The book, from its built site, as an open PDF."""
    book, said = Book(site, contents), stamp()
    with pages.browser(site) as chrome:
        first = pikepdf.open(BytesIO(paper(chrome, book.html(said))))
        numbers = starts(first, book.headings)
        text = book.html(said, numbers)
        pdf = pikepdf.open(BytesIO(paper(chrome, text)))
    if starts(pdf, book.headings) != numbers:
        raise editions.Broken("The numbers in the table of contents have moved the pages")
    titles = [
        " ".join(h.get_text().split()) for h in BeautifulSoup(text, "html.parser").find_all(re.compile("^h[1-6]$"))
    ]
    whole = {"".join(title.split()): title for title in titles}
    for entry, _, _ in outline(pdf):
        entry.title = whole.get("".join(entry.title.split()), entry.title)
    pdf.docinfo["/Author"] = book.author
    pdf.docinfo["/Subject"] = said
    pdf.Root.ViewerPreferences = pikepdf.Dictionary(DisplayDocTitle=True)
    return pdf


def main(edition="instructor"):
    began = time.monotonic()
    whole = editions.folder(edition)
    source = ROOT if edition == "instructor" else whole / "source"
    toc = yaml.safe_load((source / "_toc.yml").read_text(encoding="utf-8"))
    if not pages.chromium():
        raise editions.Broken("Chromium prints the book, and this machine has none (Debian: apt install chromium).")
    pdf, target = printed(whole / "html", parts(toc)), whole / "pdf" / editions.PDF
    target.parent.mkdir(exist_ok=True)
    # Tags are many small objects: packed, the file is half as large.
    pdf.save(target, object_stream_mode=pikepdf.ObjectStreamMode.generate, linearize=True)
    editions.link_pdf(edition)
    print(
        f"The printed book is {(whole / 'html' / editions.PDF).relative_to(ROOT)}: {len(pdf.pages)} pages, "
        f"{target.stat().st_size / 1e6:.1f} MB, in {time.monotonic() - began:.0f} s."
    )


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except editions.Broken as error:
        sys.exit(str(error))
