"""The printed book: three pages of it, as a browser prints them and as a second program reads the PDF."""

import re
import shutil
from types import SimpleNamespace

import pikepdf
import pytest
from bs4 import BeautifulSoup
from pypdf import PdfReader

import editions
import pages
import pdf
import repository
from conftest import missing

HOME = f"https://{repository.forms(repository.address())['site']}"
EXPLORERS = "chapters/95-explorers"
CONTENTS = [pdf.Part("", ["index"]), pdf.Part("Looking inside", [EXPLORERS]), pdf.Part("About", ["chapters/about"])]


def squeezed(text):
    return "".join(text.split())


@pytest.fixture(scope="module")
def printed(site, tmp_path_factory):
    """The PDF of three pages: its reader, its pages' texts without spaces, its outline, and all links."""
    if not pages.chromium():
        missing("Chromium, so no page is printed (Debian: apt install chromium)")
    path = tmp_path_factory.mktemp("pdf") / "three.pdf"
    pdf.printed(site, CONTENTS).save(path)
    with pikepdf.open(path) as found:
        outline = [(entry.title, level, page) for entry, level, page in pdf.outline(found)]
    reader = PdfReader(path)
    links = [
        (number, annotation.get_object())
        for number, page in enumerate(reader.pages, 1)
        for annotation in page.get("/Annots", [])
    ]
    texts = [squeezed(page.extract_text()) for page in reader.pages]
    return SimpleNamespace(reader=reader, texts=texts, outline=outline, links=links, site=site)


def soup(printed, name):
    return BeautifulSoup((printed.site / f"{name}.html").read_text(encoding="utf-8"), "html.parser")


def addresses(printed):
    """The addresses outside that links lead to: {address: numbers of pages}."""
    found = {}
    for number, link in printed.links:
        if "/A" in link and "/URI" in link["/A"]:
            found.setdefault(link["/A"]["/URI"], []).append(number)
    return found


def inside(printed):
    """The links within the PDF, as (from, to): numbers of pages."""
    places, reader = printed.reader.named_destinations, printed.reader
    return {
        (number, reader.get_destination_page_number(places[link["/Dest"]]) + 1)
        for number, link in printed.links
        if "/Dest" in link
    }


def test_it_begins_with_a_title_and_no_page_is_blank(printed):
    assert printed.texts[0].startswith("InsideAlexNet") and re.search(r"Printedon\d+\w+20\d\d", printed.texts[0])
    assert printed.texts[1].startswith("2ContentsInsideAlexNet3")
    assert len(printed.texts) > 8 and min(map(len, printed.texts)) > 60
    # The number of a page comes before its text, and after the title at its head.
    assert all(re.match(rf"[^\d]*{at}", text) for at, text in enumerate(printed.texts[1:], 2))


def test_it_has_the_text_of_its_pages(printed):
    whole = "".join(printed.texts)
    for name in ("index", EXPLORERS, "chapters/about"):
        for paragraph in soup(printed, name).select("article section > p"):
            # Formulas are drawn, and a page may end within a sentence.
            if not paragraph.select(".math") and paragraph.get("class") != ["printed"]:
                assert squeezed(paragraph.get_text())[:30] in whole, paragraph


def test_its_outline_and_contents_lead_to_the_headings(printed):
    parts = [(title, page) for title, level, page in printed.outline if level == 1]
    assert [title for title, _ in parts] == ["Contents", "Inside AlexNet", "Looking inside", "About", pdf.ANSWERS]
    chapters = [(title, page) for title, level, page in printed.outline if level == 2]
    assert ("Change one number and see what follows", parts[2][1]) in chapters
    for title, _, page in printed.outline:
        assert squeezed(title) in printed.texts[page - 1], title
    # Each line of the contents says on which page its title is, and leads there.
    assert all(f"{squeezed(title)}{page}" in printed.texts[1] for title, page in parts[1:])
    assert {(2, page) for _, page in parts[1:]} <= inside(printed)


def test_explorers_are_pictures_with_the_address_where_they_move(printed):
    places = soup(printed, EXPLORERS).select(".alexnet-explorer")
    assert len(places) > 3
    whole, led = "".join(printed.texts), addresses(printed)
    for place in places:
        assert squeezed(place.figcaption.get_text())[:40] in whole
        section = place.find_parent("section")["id"]
        (page, *_) = led[f"{HOME}/{EXPLORERS}.html#{section}"]
        assert squeezed(f"It moves at {HOME.removeprefix('https://')}")[:30] in printed.texts[page - 1]
    assert '"logits":' not in whole and "Thispartofthebookneeds" not in whole


def test_links_lead_into_the_book_and_out_of_it(printed):
    starts = {title: page for title, level, page in printed.outline if level <= 2}
    # From a card of the landing page, and from a text to a page that these three lack.
    assert (3, starts["Change one number and see what follows"]) in {
        (min(a, 3), b) for a, b in inside(printed) if a > 2
    }
    led = addresses(printed)
    assert f"{HOME}/chapters/20-architecture.html" in led and "https://creativecommons.org/licenses/by/4.0/" in led
    assert not [address for address in led if re.match(r"http://127|file:|[^:]*$", address)]


def test_solutions_are_at_the_end(printed):
    at = {title: page for title, _, page in printed.outline}[pdf.ANSWERS]
    before, after = "".join(printed.texts[: at - 1]), "".join(printed.texts[at - 1 :])
    last = at
    for details in soup(printed, EXPLORERS).select("article details:not(.hide)"):
        details.summary.decompose()
        # Code may begin as its stub does.
        words = squeezed(details.get_text())[-45:]
        assert words in after and words not in before
        last = max([last, *(page for page, text in enumerate(printed.texts, 1) if words in text)])
    asked = [page for page, text in enumerate(printed.texts, 1) if "Solutionattheendofthebook" in text]
    assert asked and all(any(start == page and at <= end <= last for start, end in inside(printed)) for page in asked)


def test_it_can_be_read_aloud(printed):
    root = printed.reader.trailer["/Root"]
    assert root["/Lang"] == "en" and root["/MarkInfo"]["/Marked"] and "/StructTreeRoot" in root
    about = printed.reader.metadata
    assert about.title == "Inside AlexNet" and about.author == "The Inside AlexNet authors"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]


# The page that is printed, without a browser.

PAGE = """<html><head><link rel="canonical" href="https://me.github.io/book/{name}.html">
<link rel="stylesheet" href="{up}_static/a.css?v=1"></head><body><article>
<section id="top"><h1>Title of {name}<a class="headerlink" href="#top">#</a></h1>{text}</section></article></body>
</html>"""


def small(tmp_path, **texts):
    (tmp_path / "chapters").mkdir(exist_ok=True)
    for name, text in texts.items():
        path, up = (name, "") if name == "index" else (f"chapters/{name}", "../")
        (tmp_path / f"{path}.html").write_text(PAGE.format(name=path, up=up, text=text))
    contents = [pdf.Part("", ["index"]), pdf.Part("Part", [f"chapters/{name}" for name in texts if name != "index"])]
    return pdf.Book(tmp_path, contents)


@pytest.mark.parametrize(
    ("target", "leads"),
    [
        ("#top", "#chapters-a--top"),
        ("b.html", "#chapters-b"),
        ("../index.html#top", "#index--top"),
        ("../genindex.html", "https://me.github.io/book/genindex.html"),
        ("../_sources/chapters/a.ipynb", "https://me.github.io/book/_sources/chapters/a.ipynb"),
        ("https://example.org/x.html#y", "https://example.org/x.html#y"),
    ],
)
def test_where_a_link_leads(target, leads, tmp_path):
    book = small(tmp_path, index="", a=f'<p><a class="x" href="{target}">x</a></p>', b="")
    page = BeautifulSoup(book.html(""), "html.parser")
    assert page.select_one("a.x")["href"] == leads
    assert [link["href"] for link in page.select("link")] == ["_static/a.css"]


def test_a_link_that_leads_nowhere_is_an_error(tmp_path):
    book = small(tmp_path, index="", a='<p><a href="../index.html#gone">x</a></p>')
    with pytest.raises(editions.Broken, match="lead nowhere: index--gone"):
        book.html("")


def test_what_is_too_wide_for_the_paper_is_an_error(site):
    page = '<!doctype html><body style="margin: 0"><p id="words" style="width: {}px">Words</p></body>'
    with pages.browser(site) as chrome:
        assert pdf.paper(chrome, page.format(650)).startswith(b"%PDF")
        with pytest.raises(editions.Broken, match='Too wide for the paper:\nwords: <p id="words"'):
            pdf.paper(chrome, page.format(700))


def test_other_folded_things_are_opened_in_their_place(tmp_path):
    folded = "<details><summary>{}</summary><p>It is {}.</p></details>"
    text = "<p><strong>3. Why?</strong></p>" + folded.format("Solution", 42) + folded.format("A long table", 43)
    page = BeautifulSoup(small(tmp_path, index="", a=text).html(""), "html.parser")
    assert page.select_one("#answers .answer").get_text() == "Solution 3It is 42."
    (opened,) = page.select("details")
    assert opened.has_attr("open") and "43" in opened.get_text() and opened.find_parent(id="chapters-a")
    assert small(tmp_path, index="", a="").html("").count(pdf.ANSWERS) == 0


def test_the_parts_of_a_table_of_contents():
    toc = {
        "root": "index",
        "parts": [{"caption": "One", "chapters": [{"file": "a", "sections": [{"file": "b"}]}, {"file": "c"}]}],
    }
    assert pdf.parts(toc) == [pdf.Part("", ["index"]), pdf.Part("One", ["a", "b", "c"])]


def test_a_page_shows_its_link_to_the_pdf_when_there_is_one(site, tmp_path, monkeypatch):
    monkeypatch.setattr(editions, "ROOT", tmp_path)
    for edition in editions.NAMES:
        html = editions.folder(edition) / "html"
        (html / "chapters").mkdir(parents=True)
        for name in ("index.html", "chapters/about.html"):
            text = (site / name).read_text().replace('<p class="printed">', '<p class="printed" hidden>')
            assert text.count('<p class="printed" hidden>') == 1 and f'{editions.PDF}">' in text
            (html / name).write_text(text)
        editions.link_pdf(edition)
        assert not (html / editions.PDF).exists() and 'printed" hidden' in (html / "index.html").read_text()
    made = editions.folder("student") / "pdf" / editions.PDF
    made.parent.mkdir()
    made.write_bytes(b"%PDF")
    for edition in editions.NAMES:
        editions.link_pdf(edition)
    html = editions.folder("student") / "html"
    for page in (html / "index.html", html / "chapters" / "about.html"):
        assert '<p class="printed">' in page.read_text()
        (link,) = re.findall(rf'href="((?:\.\./)?{editions.PDF})"', page.read_text())
        assert (page.parent / link).resolve().read_bytes() == b"%PDF"
    # The student's has no solutions; the instructor's site does not get it, nor the other way.
    assert not (editions.folder("instructor") / "html" / editions.PDF).exists()


def test_without_a_browser_it_says_so(site, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(editions.Broken, match="Chromium"):
        pdf.main()
