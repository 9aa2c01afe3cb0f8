"""The pages at the end of the book say what the chapters say, and lead there: conclusion, glossary and notation.

Their links are followed in the built site, so that a section is what a reader finds at a link's other end: its text,
its code and its stored outputs.
"""

import re
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from bs4 import BeautifulSoup

import prose
from conftest import CHAPTERS, ROOT
from facts_rules import NAMED, NUMBER, REFERRED, number_problems

# Commands of LaTeX with what they are applied to, other commands, letters, numbers, marks.
TOKEN = re.compile(
    r"\\(?:text|operatorname|mathrm|mathsf)\s*(?:\{[^}]*\}|[A-Za-z])|\\[A-Za-z]+|\\.|[A-Za-z]|\d+|\S",
)
SPACES = {r"\,", r"\;", r"\ ", r"\!", r"\:"}
GREEK = "alpha beta gamma delta epsilon varepsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi psi"
LETTER = re.compile(rf"[A-Za-z]|\\(?:{'|'.join([*GREEK.split(), *GREEK.title().split()])})")


def plain(text):
    """Text without typographer's quotes and minus signs, in one line."""
    return " ".join(text.translate(str.maketrans("’‘“”−", "''\"\"-")).split())


def parsed(text):
    """The tree of a page's HTML, with formulas as they are written."""
    tree = BeautifulSoup(text, "html.parser")
    for formula in tree.find_all(attrs={"data-tex": True}):
        formula.string = formula["data-tex"]
    return tree


@cache
def soup(path):
    return parsed(Path(path).read_text(encoding="utf-8"))


@cache
def places(path):
    """The elements of a page by their id."""
    return {element["id"]: element for element in soup(path).find_all(id=True)}


def numbers(text):
    """The numbers of a text, but not those in names such as conv1 or run 145."""
    text = plain(text)
    found = [(match.group(), text[: match.start()]) for match in NUMBER.finditer(text)]
    return {number for number, before in found if not NAMED.search(before) and not REFERRED.search(before)}


class Target:
    """The other end of a link: `page`, its path, and `section`, the element there, or None where there is none."""

    def __init__(self, page, anchor):
        self.page = page
        self.section = None
        if page.exists():
            self.section = places(page).get(anchor) if anchor else soup(page).find("article")

    @cached_property
    def heading(self):
        found = self.section.find(re.compile("h[1-3]"))
        return plain("".join(found.find_all(string=True, recursive=True))).removesuffix("#") if found else ""

    @cached_property
    def text(self):
        return plain(self.section.get_text(" "))

    @cached_property
    def formulas(self):
        return [tokens(re.sub(r"^\\[(\[]|\\[)\]]$", "", f.get_text().strip())) for f in self.section(class_="math")]


@cache
def _target(page, anchor):
    return Target(page, anchor)


def target_of(page, link):
    path, _, anchor = unquote(link["href"]).partition("#")
    return _target((page.parent / path).resolve() if path else page, anchor)


def internal(element):
    return element.find_all("a", class_="internal", href=True)


def chapters_of(page, element):
    """The targets in chapters of the links in a part of a page."""
    found = [target_of(page, link) for link in internal(element)]
    return [target for target in found if re.match(r"\d\d-", target.page.name)]


def tokens(formula):
    return [token for token in TOKEN.findall(formula) if token not in SPACES]


def contains(formula, symbol):
    return any(formula[i : i + len(symbol)] == symbol for i in range(len(formula)))


def says(text, term):
    """Whether the text has the term, in the singular or the plural."""
    return re.search(rf"(?<!\w){re.escape(term)}(s|es)?(?!\w)", text, re.I) is not None


def test_every_link_into_the_book_leads_somewhere(site):
    lost = []
    for page in site.rglob("*.html"):
        if "_static" in page.parts or page.name in ("search.html", "genindex.html"):
            continue
        for link in internal(soup(page)):
            if re.search(r"\.html(#|$)|^#", link["href"]) and target_of(page, link).section is None:
                lost.append((page.name, link["href"]))
    assert lost == []


def spoilt(page, old, new):
    """The parsed page with something else in the place of a text that it has."""
    text = page.read_text(encoding="utf-8")
    assert old in text
    return parsed(text.replace(old, new))


def glossary_problems(page, tree):
    """A sentence for everything that is wrong with the glossary in the parsed page `tree`, which lies at `page`."""
    found, seen = [], []
    for entries in tree.find_all("dl", class_="glossary"):
        letter = entries.find_parent("section").find("h2").find(string=True)
        for definition in entries.find_all("dd"):
            terms = []
            for above in definition.find_previous_siblings():
                if above.name != "dt":
                    break
                terms.insert(0, plain(above.find(string=True)))
            found += entry_problems(page, terms, definition)
            if terms[0][0].upper() != letter:
                found.append(f"{terms[0]} stands under {letter}")
            seen.append(terms)
    first = [terms[0].casefold() for terms in seen]
    found += [f"{after} stands behind {before}" for before, after in pairwise(first) if after < before]
    every = [term.casefold() for terms in seen for term in terms]
    return found + [f"{term} is defined twice" for term in sorted(set(every)) if every.count(term) > 1]


def entry_problems(page, terms, definition):
    what, *_, see = definition.find_all("p")
    name = terms[0]
    if not plain(see.get_text()).startswith("See "):
        return [f"{name} does not say where it is introduced"]
    found = []
    sentences = len(re.findall(r"[.?!](?=\s|$)", plain(what.get_text())))
    if not 1 <= sentences <= 3:
        found.append(f"{name} is defined in {sentences} sentences")
    links = internal(see)
    targets = [target_of(page, link) for link in links]
    if not targets or any(target.section is None for target in targets):
        return [*found, f"{name} leads nowhere"]
    for link, target in zip(links, targets, strict=True):
        if plain(link.get_text()) != target.heading:
            found.append(f"{name} calls {target.heading!r} {plain(link.get_text())!r}")
    text = " ".join(target.text for target in targets)
    elsewhere = [term for term in terms if not says(text, term)]
    if elsewhere == terms:
        found.append(f"{name} does not occur where its entry leads")
    found += [f"{term} occurs in no chapter" for term in elsewhere if not says(book(page.parent), term)]
    receipts = " ".join(link.get_text() for link in internal(definition) if "receipts.html#" in link["href"])
    for number in sorted(numbers(" ".join(p.get_text() for p in definition.find_all("p") if p is not see))):
        if number not in NUMBER.findall(text + " " + receipts) and number != "2012":
            found.append(f"{name} has the number {number}, which does not stand where the entry leads")
    return found


@cache
def book(folder):
    """The text of all chapters."""
    return " ".join(plain(soup(folder / f"{path.stem}.html").find("article").get_text(" ")) for path in CHAPTERS)


def test_the_glossary_holds(site):
    page = site / "chapters" / "glossary.html"
    assert len(soup(page).find_all("dd")) > 100
    assert glossary_problems(page, soup(page)) == []


SPOILT_ENTRIES = {
    "another order": ("backward pass", "zackward pass", "stands under B"),
    "twice": ('term-batch-normalisation">batch normalisation<', 'x">batch<', "batch is defined twice"),
    "no such term": (">perplexity<", ">perplexitude<", "perplexitude occurs in no chapter"),
    "another place": (
        "#two-towers",
        "#memory-for-a-batch-of-128",
        "group calls 'Memory for",
    ),
    "no such place": ("20-architecture.html#two-towers", "20-architecture.html#three-towers", "group leads nowhere"),
    "another number": ("beyond a logit of 88.72", "beyond a logit of 87.72", "float32 has the number 87.72"),
}


@pytest.mark.parametrize("spoil", SPOILT_ENTRIES)
def test_a_spoilt_entry_is_reported(site, spoil):
    old, new, message = SPOILT_ENTRIES[spoil]
    page = site / "chapters" / "glossary.html"
    problems = glossary_problems(page, spoilt(page, old, new))
    assert any(message in problem for problem in problems), problems


def rows(page, tree):
    """(symbols as tokens, targets) of each row of the tables of symbols."""
    for table in tree.find_all("table"):
        if plain(table.find("th").get_text()) != "symbol":
            continue
        for row in table.find("tbody").find_all("tr"):
            first, *_, last = row.find_all("td")
            symbols = [tokens(f.get_text().strip()[2:-2]) for f in first.find_all(class_="math")]
            yield symbols, chapters_of(page, last)


def notation_problems(page, tree):
    """A sentence for every symbol that does not occur where its row leads."""
    found = []
    for symbols, targets in rows(page, tree):
        name = " ".join("".join(symbol) for symbol in symbols)
        if not symbols or not targets or any(target.section is None for target in targets):
            found.append(f"{name} leads nowhere")
            continue
        formulas = [target.formulas for target in targets]
        for symbol in symbols:
            if not any(contains(formula, symbol) for section in formulas for formula in section):
                found.append(f"{''.join(symbol)} does not occur where its row leads")
        for target, section in zip(targets, formulas, strict=True):
            if not any(contains(formula, symbol) for symbol in symbols for formula in section):
                found.append(f"{name} does not occur in {target.heading!r}")
    return found


def test_every_symbol_occurs_where_its_row_leads(site):
    page = site / "chapters" / "notation.html"
    assert len(list(rows(page, soup(page)))) > 80
    assert notation_problems(page, soup(page)) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (r"\(q\)", r"\(Q\)", "Q does not occur where its row leads"),
        ("#max-pooling-and-its-gradient", "#overlapping-or-not", "z does not occur in 'Overlapping or not?'"),
        ("#max-pooling-and-its-gradient", "#minimum-pooling", "z leads nowhere"),
    ],
)
def test_a_spoilt_row_is_reported(site, old, new, message):
    page = site / "chapters" / "notation.html"
    problems = notation_problems(page, spoilt(page, old, new))
    assert any(message in problem for problem in problems), problems


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_every_letter_of_a_chapter_is_on_the_page_notation(site, chapter):
    """A letter in a formula has a row that leads to the chapter; exercises may use letters of their own."""
    page = site / "chapters" / "notation.html"
    known = {
        letter
        for symbols, targets in rows(page, soup(page))
        if any(target.page.stem == chapter.stem for target in targets)
        for symbol in symbols
        for letter in symbol
    }
    used = {}
    for block in prose.Page(chapter).blocks:
        if "Exercises" not in block.section:
            for formula in block.formulas:
                used |= dict.fromkeys(
                    filter(LETTER.fullmatch, tokens(formula)), f"{formula.strip()} in {block.section}"
                )
    missing = {letter: where for letter, where in used.items() if letter not in known}
    assert missing == {}, "give each letter a row in chapters/notation.md that leads to this chapter"


def conclusion_problems(page, tree):
    """A sentence for each statement without a link, and each number in a link that is not at its other end."""
    found = []
    for item in tree.find("article").find_all("li"):
        reading = item.find_parent("section").find("h2").find(string=True) == "Further reading"
        links = item.find_all("a", class_="external") if reading else internal(item)
        if not links:
            found.append(f"no link proves {plain(item.get_text())[:60]!r}")
        for link in internal(item):
            target = target_of(page, link)
            if target.section is None:
                found.append(f"{link['href']} leads nowhere")
                continue
            there = NUMBER.findall(target.text)
            found += [
                f"{number} of {plain(link.get_text())!r} does not stand in {target.heading!r}"
                for number in sorted(numbers(link.get_text()))
                if number not in there
            ]
    return found


def test_the_conclusion_proves_what_it_says(site):
    page = site / "chapters" / "conclusion.html"
    assert number_problems(prose.Page(ROOT / "chapters" / "conclusion.md")) == []
    assert conclusion_problems(page, soup(page)) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("91.9", "91.8", "91.8 of '91.8 %' does not stand in"),
        ("31-relu.html#figure-1-of-the-paper-again", "31-relu.html#who-had-it-before", "does not stand in 'Who had it"),
    ],
)
def test_a_spoilt_conclusion_is_reported(site, old, new, message):
    page = site / "chapters" / "conclusion.html"
    problems = conclusion_problems(page, spoilt(page, old, new))
    assert any(message in problem for problem in problems), problems


def test_a_statement_without_a_link_is_reported(site):
    page = site / "chapters" / "conclusion.html"
    tree = soup(page)
    item = tree.find("article").find("li")
    for link in internal(item):
        link.unwrap()
    assert any(problem.startswith("no link proves 'It has") for problem in conclusion_problems(page, tree))
