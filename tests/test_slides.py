"""The decks of the course: what they name is there, no number is typed in, and every slide fits its canvas."""

import re

import pytest

import pages
import prose
import slides
from conftest import ROOT, missing, until, violations
from facts_rules import NAMED, NUMBER, REFERRED

DECKS = slides.decks()
NAMES = [path.stem for path in DECKS]
VENDORED = ROOT / "assets" / "vendor" / "reveal"


def section(deck, text):
    """(HTML, faults) of a slide that stands in a deck of the book."""
    made = slides._Deck(deck)
    return made.section(slides.Slide(text)), made.faults


@pytest.fixture(scope="module")
def built(site):
    """Folder of the decks. A fault of a deck is a warning, and the site is built with warnings as errors."""
    return site / "slides"


def test_there_is_a_deck_for_every_session(built):
    assert [f"session-{n}" for n in range(5)] == NAMES
    listed = (ROOT / "course" / "slides.md").read_text()
    for path in DECKS:
        title = re.search(r"<h1>(.*?)</h1>", (built / f"{path.stem}.html").read_text())[1]
        assert f'<a href="../slides/{path.stem}.html">{title}</a>' in listed


@pytest.mark.parametrize("path", DECKS, ids=NAMES)
def test_every_slide_has_a_place_in_the_book_notes_and_minutes(path):
    deck = slides.read(path)
    assert 15 <= len(deck) <= 25
    minutes = 0
    for slide in deck:
        assert re.search(r"^Book: \[", slide.text, re.M), slide.text
        assert len(slide.notes) > 60 or slide.text.startswith("## Predict"), slide.text
        minutes += int(re.match(r"(\d+) min\b", slide.notes)[1])
    assert 75 <= minutes <= 90
    assert "?" in "".join(slide.notes for slide in deck)


@pytest.mark.parametrize("path", DECKS, ids=NAMES)
def test_what_a_deck_names_is_there(built, path):
    page = (built / f"{path.stem}.html").read_text()
    assert "{{" not in page and "\ue000" not in page
    assert page.count("<section") == len(slides.read(path)) == page.count('<aside class="notes">')
    for picture in re.findall(r"<img [^>]*>", page):
        source, about = re.search(r'src="([^"]*)" alt="([^"]*)"', picture).groups()
        assert (built / source).is_file() and len(about) > 40
    for address in re.findall(r'<a (?:class="number" )?href="([^"]*)"', page):
        target, _, anchor = address.partition("#")
        assert (built / target).is_file(), address
        assert not anchor or f'id="{anchor}"' in (built / target).read_text(), address
    assert len(re.findall(r"<img ", page)) >= 5 and len(re.findall('class="(?:number|output)', page)) >= 10


def typed_numbers(text, years=()):
    """Numbers of a slide or of notes that no placeholder gives: digits in its words and its code."""
    text = slides.PLACEHOLDER.sub(prose.GAP, re.sub(r"^\d+ min\b", "", text))
    # A foot names a heading of the book.
    text = re.sub(r"^(Book|Live): .*$", "", text, flags=re.M)
    found = []
    for block in prose.blocks([text]):
        words = block.text if "`" in text else block.loose
        for formula in block.formulas:
            words = words.replace(formula, prose.GAP)
        for match in NUMBER.finditer(words):
            before = words[: match.start()]
            if not (NAMED.search(before) or REFERRED.search(before) or match[0] in years):
                found.append(match[0])
    return found


@pytest.mark.parametrize("path", DECKS, ids=NAMES)
def test_no_number_is_typed_in(built, path):
    links = re.findall(r'class="number"[^>]*>([^<]*)<', (built / f"{path.stem}.html").read_text())
    # 2012 is what the book is about; another year has its receipt in the deck.
    years = {"2012", *(year for text in links for year in re.findall(r"\b(?:19|20)\d\d\b", text))}
    for slide in slides.read(path):
        assert typed_numbers(slide.text, years) == [], slide.text
        assert typed_numbers(slide.notes, years) == [], slide.notes


def test_the_rule_for_numbers_sees_them():
    assert typed_numbers("## 3 layers\n\nand 25 % of `40`, conv1, top-5, {{fact:a-b}}, $k = 2$") == ["3", "25", "40"]
    assert typed_numbers("In 2012\n\nBook: [2,178 ways](x.md)", {"2012"}) == [] and typed_numbers("In 2013") == ["2013"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("## A\n\n{{fact:no-such-claim}}", "no claim"),
        ("## A\n\n{{figure:20-architecture#50de0a65}}", "no cell"),
        ("## A\n\n{{figure:20-architecture#25e458a9}}", "no figure"),
        ("## A\n\n{{figure:3#50de0a64}}", "chapters begin with"),
        ("## A\n\n{{cell:20-architecture#25e458a9 (nowhere)}}", "nothing in the output"),
        ("## A\n\n{{text:20-architecture#25e458a9 nowhere}}", "no such output"),
        ('## A\n\n{{=net["conv9"].parameters}}', "conv9"),
        ("## A\n\n{{what}}", "no placeholder"),
        ("## A\n\n[out](../../../x.md)", "out of the book"),
        ("no heading", "no heading"),
    ],
)
def test_what_is_not_there_is_said(text, said):
    _, faults = section(DECKS[0], text)
    assert len(faults) == 1 and said in faults[0]


def test_links_and_files_that_the_site_lacks_are_said(site, tmp_path):
    sources = tmp_path / "course" / "slides"
    sources.mkdir(parents=True)
    (tmp_path / "site").mkdir()
    for part in ("chapters", "_static", "reveal"):
        (tmp_path / "site" / part).symlink_to(site / part)
    (sources / "session-9.md").write_text(
        "# T\n\n[a](../../chapters/none.md), [b](../../chapters/20-architecture.ipynb#nowhere), "
        "[c](../../chapters/20-architecture.ipynb#224-or-227)"
    )
    faults = slides.build(sources / "session-9.md", tmp_path / "site")
    assert ["none.html" in faults[0], "nowhere" in faults[1], len(faults)] == [True, True, 2]


def test_placeholders_become_what_the_book_says():
    page, faults = section(
        DECKS[0],
        "## {{fact:top5-2012-test-isi}} and {{fact:top5-137}}\n\n{{=net.parameters}} {{=100 / 3|.1f}}\n\n"
        '{{cell:20-architecture#25e458a9 computed (\\S+) +<}}\n\n{{=layers("fc6", "parameters")}}\n\n'
        "{{text:20-architecture#25e458a9 sum}}\n\nBook: [x](../../chapters/about.md#mistakes)",
    )
    assert faults == []
    assert '<a class="number" href="../chapters/receipts.html#top5-2012-test-isi">26.172 %</a>' in page
    assert 'receipts.html#top5-137">18.344 %</a> <small class="unsure">(inferred)</small>' in page
    assert '<span class="number">60,965,224</span> <span class="number">33.3</span>' in page
    assert '<a class="number" href="../chapters/20-architecture.html">290,400</a>' in page
    assert '<th scope="row">fc6</th><td>37,752,832</td>' in page
    assert '<pre class="output" tabindex="0">sum: printed 622,312, computed 659,272</pre>' in page
    assert '<p class="more"><span>In the book: <a href="../chapters/about.html#mistakes">x</a></span></p>' in page


def test_notes_can_be_left_out():
    text = DECKS[0].read_text()
    left = slides.without_notes(text)
    assert "Note:" in text and "Note:" not in left
    assert left.count("\n---\n") == text.count("\n---\n") and "Take three habits home" in left


def test_reveal_is_the_pinned_release_and_nothing_is_inline(built):
    assert "reveal.js 6.0.2" in (VENDORED / "README").read_text()
    assert "Permission is hereby granted" in (VENDORED / "LICENSE").read_text()
    for path in built.glob("*.html"):
        page = path.read_text()
        # MathJax places the parts of a formula by their attributes.
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|<(?!mjx-)\w+\b[^>]*\sstyle=", page), path.name
        assert not re.search(r'(?:src|href)="(?:https?:)?//', page), path.name


@pytest.fixture(scope="module")
def browser(built):
    if not pages.chromium():
        missing("Chromium, so no deck is opened (Debian: apt install chromium)")
    with pages.browser(built.parent) as chrome:
        yield chrome


@pytest.fixture
def opened(browser):
    """opened(deck, scheme, width, query, routes): its tab; at the end nothing may have gone wrong in it."""
    contexts, trouble = [], []

    def open_(name, scheme="light", width=1280, query="", routes=None):
        contexts.append(browser.new_context(viewport={"width": width, "height": 720}, color_scheme=scheme))
        for pattern, answer in (routes or {}).items():
            contexts[-1].route(pattern, answer)
        tab = contexts[-1].new_page()
        tab.on("console", lambda m: trouble.append(m.text) if m.type in ("error", "warning") else None)
        tab.on("pageerror", lambda error: trouble.append(str(error)))
        tab.on("response", lambda r: trouble.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        ours = (browser.address, "data:", "about:")
        tab.on("request", lambda r: None if r.url.startswith(ours) else trouble.append(r.url))
        tab.goto(f"{browser.address}/slides/{name}.html{query}")
        until(tab, "document.documentElement.dataset.ready !== undefined")
        return tab

    yield open_
    for context in contexts:
        context.close()
    assert trouble == []


OUTSIDE = """() => {
    const slide = Reveal.getCurrentSlide(), foot = slide.querySelector(".more");
    const floor = foot.offsetTop, found = [];
    for (const part of slide.children) {
        if (part.matches(".notes")) continue;
        const over = part === foot ? part.offsetHeight > 30 : part.offsetTop + part.offsetHeight > floor;
        if (over || part.offsetTop < 0 || part.offsetLeft + part.offsetWidth > 1280 - 64
            || part.scrollWidth > part.clientWidth + 1 || part.scrollHeight > part.clientHeight + 2)
            found.push(part.outerHTML.slice(0, 60));
    }
    const picture = slide.querySelector("img");
    if (picture) {
        const { clientWidth, clientHeight, naturalWidth, naturalHeight } = picture;
        const scale = Math.min(clientWidth / naturalWidth, clientHeight / naturalHeight);
        // Type of a figure is 12 points on 640 pixels, half of what is stored.
        if (scale * 2 * 12 * 96 / 72 < 13) found.push("the figure is too small to be read: " + scale);
    }
    return found;
}"""


@pytest.mark.parametrize("name", NAMES)
def test_every_slide_fits_and_arrow_keys_walk_the_deck(opened, name):
    tab = opened(name)
    total = tab.evaluate("Reveal.getTotalSlides()")
    for number in range(total):
        assert tab.evaluate("Reveal.getIndices().h") == number
        tab.evaluate(
            "Promise.all([...Reveal.getCurrentSlide().querySelectorAll('img')].map(picture => picture.decode()))"
        )
        assert tab.evaluate(OUTSIDE) == [], f"slide {number + 1}"
        tab.keyboard.press("ArrowRight")
    assert tab.evaluate("Reveal.isLastSlide()")
    assert tab.locator("mjx-merror").count() == 0
    assert tab.locator(".math:not(:has(mjx-container))").count() == 0
    tab.keyboard.press("ArrowLeft")
    assert tab.evaluate("Reveal.getIndices().h") == total - 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_slides_are_accessible(opened, scheme):
    tab = opened("session-2", scheme)
    for number in (0, 1, 2, 5, 7, 14, 15):
        tab.evaluate("number => Reveal.slide(number)", number)
        assert violations(tab, ".slides section.present") == [], f"slide {number + 1}"


def test_the_speaker_has_a_window_with_notes(opened):
    tab = opened("session-0")
    with tab.expect_popup() as popup:
        tab.keyboard.press("s")
    notes = popup.value.locator(".speaker-controls-notes .value")
    notes.filter(has_text="not to admire a famous network").wait_for()
    tab.keyboard.press("ArrowRight")
    notes.filter(has_text="why five guesses and not one").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_a_deck_is_a_page_with_its_notes(opened, scheme):
    tab = opened("session-2", scheme, width=360)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    assert tab.evaluate("typeof Reveal") == "undefined"
    assert tab.locator("section:visible").count() == tab.locator("aside.notes:visible").count() > 15
    tab.locator("mjx-container").first.wait_for()


def test_without_scripts_a_deck_is_that_page_too(browser):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(f"{browser.address}/slides/session-1.html")
    assert tab.locator("section:visible").count() == tab.locator("aside.notes:visible").count() > 15
    context.close()


def test_a_deck_is_printed_one_slide_a_page(opened):
    tab = opened("session-3", query="?print-pdf")
    assert tab.locator(".pdf-page").count() == len(slides.read(DECKS[3]))
    printed = tab.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == len(slides.read(DECKS[3]))
    tall = tab.evaluate("Math.max(...[...document.querySelectorAll('.pdf-page > section')].map(s => s.scrollHeight))")
    assert tall <= 720
    assert tab.evaluate("[...document.images].every(picture => picture.naturalWidth)")
