"""Claims and their receipts: the file, the expressions, every link, the page; and proof that each check can fail."""

import copy
import dataclasses
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import prose
import receipts
from alexnet import facts, timeline
from conftest import ROOT
from facts_rules import HISTORY, link_problems, number_problems, unused

CLAIMS = facts.claims()
PAGES = prose.pages()
HISTORIES = [page for page in PAGES if HISTORY.fullmatch(page.path.name)]
COMPUTED = [claim for claim in CLAIMS.values() if claim.how == "computed"]


def each(pages):
    return pytest.mark.parametrize("page", pages, ids=lambda page: page.path.stem)


SMALL = """
sources:
  paper:
    title: A paper
    url: https://example.org/paper.pdf
claims:
- id: error-one
  value: 18.210
  unit: "%"
  sentence: An error.
  source: paper
  where: table 2
  how: quoted
- id: error-two
  value: 16.4
  unit: "%"
  sentence: Another error.
  source: paper
  where: table 2
  how: inferred
- id: error-gain
  value: 1.8
  unit: points
  sentence: How much better the second is.
  how: computed
  expression: fact("error-one") - fact("error-two")
"""


def test_a_claim_keeps_what_is_written():
    sources, claims = facts.parse(SMALL)
    one, gain = claims["error-one"], claims["error-gain"]
    assert sources["paper"].url == "https://example.org/paper.pdf"
    assert (one.value, one.text, one.tolerance) == (18.21, "18.210 %", 0.0005)
    assert gain.needs == ("error-one", "error-two") and facts.agrees(gain, facts.evaluate(gain, claims))
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.value = 18.2


@pytest.mark.parametrize(
    ("written", "text", "value"),
    [
        ("1281167", "1,281,167", 1281167),
        ("1200000", "1.2 million", 1200000),
        ("7", "seven networks", 7),
        ("-0.41", "0.41 points", -0.41),
        ("2e-5", "2e-5", 2e-5),
        ("2012-09-30", "30 September 2012", "2012-09-30"),
        ("five to six days", "five to six days", "five to six days"),
    ],
)
def test_a_text_may_say_the_value_in_other_words(written, text, value):
    _, claims = facts.parse(
        SMALL.replace('18.210\n  unit: "%"', f'"{written}"\n  text: "{text}"').split("- id: error-gain")[0]
    )
    assert (claims["error-one"].value, claims["error-one"].text) == (value, text)


SPOILT = {
    "a second list": (("claims:", "others: []\nclaims:"), "holds two things"),
    "an id twice": (("id: error-two", "id: error-one"), "claim error-one: each id is used once"),
    "an id that is no anchor": (("id: error-two", "id: Error_2"), "claim Error_2: its id is kebab-case"),
    "an id of one word": (("id: error-two", "id: error"), "claim error: its id is kebab-case, of two words"),
    "no id": (("- id: error-two\n  value", "- value"), "claim number 2: it has no id"),
    "an unknown source": (("source: paper", "source: papers"), "error-one: no source is called 'papers'"),
    "a source without a place": (("  where: table 2\n", ""), "error-one: a source comes with the place"),
    "a quotation without a source": (("  source: paper\n  where: table 2\n", ""), "what is quoted has a source"),
    "an unknown kind": (("how: quoted", "how: certain"), "error-one: how is one of computed, quoted"),
    "no kind": (("  how: quoted\n", ""), "error-one: it has no how"),
    "no sentence": (("  sentence: An error.\n", ""), "error-one: it has no sentence"),
    "an open sentence": (("An error.", "An error"), "error-one: its sentence ends"),
    "an unknown field": (("where: table 2", "wehre: table 2"), "error-one: no field is called wehre"),
    "a field twice": (("  how: quoted", "  how: quoted\n  how: quoted"), "the key 'how' is given twice"),
    "a list for a value": (("value: 18.210", "value: [18.210]"), "error-one: its value is a text or a number"),
    "another number in the text": (('unit: "%"', 'text: "18.2 %"'), "error-one: its text '18.2 %' does not show"),
    "an expression of a quotation": (("how: quoted", "how: quoted\n  expression: 1 + 1"), "belongs to computed"),
    "no expression": (
        ('\n  expression: fact("error-one") - fact("error-two")', ""),
        "error-gain: an expression belongs",
    ),
    "an expression that is none": (("fact(", "fact(("), "error-gain: its expression cannot be read"),
    "a constant": (('fact("error-one") - fact("error-two")', "1.8"), "error-gain: its expression only repeats"),
    "an unknown claim": (('fact("error-one")', 'fact("error-six")'), "error-gain: its expression reads 'error-six'"),
    "a hidden claim": (('fact("error-one")', 'fact("error" + "-one")'), "error-gain: its expression cannot be read"),
    "a circle": (('fact("error-two")', 'fact("error-gain")'), "error-gain: its expression leads back to itself"),
    "an address that is none": (("https://example.org/paper.pdf", "the library"), "source paper: its url"),
    "a source without title": (("    title: A paper\n", ""), "source paper: it has a title and a url"),
}


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_spoilt_file_is_an_error_that_names_claim_and_rule(spoil):
    (old, new), message = SPOILT[spoil]
    assert old in SMALL
    with pytest.raises(facts.FactsError, match=re.escape(message)):
        facts.parse(SMALL.replace(old, new, 1))


def test_every_source_is_used():
    assert {claim.source for claim in CLAIMS.values()} >= set(facts.sources())


@pytest.mark.parametrize("claim", COMPUTED, ids=lambda claim: claim.id)
def test_a_computed_claim_is_computed_again(claim):
    """The tolerance is half a unit of the last digit that the value is written with."""
    result = facts.evaluate(claim)
    assert facts.agrees(claim, result), f"{claim.id} says {claim.value}, its expression gives {result!r}"
    if not isinstance(claim.value, str):
        for wrong in (claim.value + 3 * claim.tolerance, claim.value - 3 * claim.tolerance):
            assert not facts.agrees(dataclasses.replace(claim, value=wrong), result), "a wrong value would pass"


@pytest.mark.parametrize(
    "expression", ["__import__('os')", "open('x')", "sum([1, 2])", "training", 'fact("no-such")', "1 / 0"]
)
def test_an_expression_sees_the_table_mathematics_and_other_claims_only(expression):
    with pytest.raises(facts.FactsError, match="claim planted-one: its expression fails"):
        facts.evaluate(facts.Claim("planted-one", 1, "1", "One.", "computed", expression=expression))


def test_only_computed_claims_are_evaluated():
    with pytest.raises(facts.FactsError, match="it is quoted and has no expression"):
        facts.evaluate(facts.Claim("planted-one", 1, "1", "One.", "quoted"))


def test_a_mistyped_id_lists_what_is_near():
    with pytest.raises(KeyError, match="alexnet-parameters"):
        facts.value("alexnet-parameter")
    assert facts.value("alexnet-parameters") == 60_965_224


def test_the_package_carries_the_file_and_stays_light(tmp_path):
    """As installed: facts.yml inside the package, no repository around it, and neither Keras nor NumPy imported."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    package, file = "alexnet.assets", "facts.yml"
    assert package in tools["packages"] and file in tools["package-data"][package]
    assert ROOT / tools["package-dir"][package] / file == ROOT / "assets" / "facts.yml"
    for name in ("__init__", "architecture", "facts"):
        (tmp_path / "alexnet" / "assets").mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "alexnet" / f"{name}.py", tmp_path / "alexnet")
    shutil.copy(ROOT / "assets" / file, tmp_path / "alexnet" / "assets")
    look = "import sys; from alexnet import facts; print(facts.value('alexnet-parameters'), facts.__file__); "
    look += "print({'keras', 'numpy', 'tensorflow'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", look], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == [f"60965224 {tmp_path / 'alexnet' / 'facts.py'}", "set()"]


@each(PAGES)
def test_links_say_what_their_receipts_say(page):
    assert link_problems(page) == []


def test_every_receipt_is_used():
    assert unused(CLAIMS, PAGES, timeline.events().values()) == []


def test_the_page_is_up_to_date():
    assert prose.RECEIPTS.read_text() == receipts.page(PAGES), "stale: run `make receipts`"


def test_the_page_has_an_anchor_for_each_claim_and_counts_them():
    page = prose.Page(prose.RECEIPTS)
    headings = [block.text for block in page.blocks if block.heading]
    assert all(headings.count(id) == 1 for id in CLAIMS)
    cells = [block.text for block in page.blocks]
    for how in facts.KINDS:
        row = next(n for n, text in enumerate(cells) if text.endswith(f" {how}"))
        assert cells[row + 1] == str(sum(claim.how == how for claim in CLAIMS.values()))


def test_the_site_leads_from_numbers_to_receipts_and_back(site):
    built = (site / "chapters" / "receipts.html").read_text()
    outside = set(re.findall(r'class="reference external" href="([^"#]*)[#"]', built))
    assert outside == {source.url.partition("#")[0] for source in facts.sources().values()}, "no file became a host"
    for page in PAGES:
        target = site / page.path.relative_to(ROOT).with_suffix(".html")
        if not target.exists():  # the README and the licence are not in the book
            continue
        html = target.read_text()
        for _, id, _ in page.receipts():
            assert not id or re.search(rf'href="(?:chapters/)?receipts\.html#{id}"', html), (page.path.name, id)
            assert not id or f'<section id="{id}">' in built
        if any(id for _, id, _ in page.receipts()):
            assert re.search(rf'href="(?:\.\./)?{page.path.stem}\.html"', built), f"no way back to {page.path.name}"


# The number checker, on a page of its own.
CLEAN = """\
# 1. The night of 26.2

**Time.** 45 minutes to read.

In [ILSVRC 2012](https://example.org) the error was [26.2 %](receipts.md#x), in 2012 as `15.3` in code, conv1, top-5,
ILSVRC-2010, run 145 and runs 131, 135 and `137`, #148, GTX 580, section 3.1, sections 3.2 and 3.3, [18.2](40-x.ipynb).

1. An item, $k = 2$ and $v_5$.

```python
x = 15.3
```

| a | [15.3 %](receipts.md#x) |
|---|---|

## Exercises

**1. Explain.** Why 15.3 and 99?

<details><summary>Solution</summary>

Because of 12.

</details>

## Further reading

- Somebody, 1998.
"""


def page(text, name="10-planted.md"):
    """The text as a page of the book, and as a notebook too: (page, page)."""
    cells = [
        {"cell_type": "markdown", "source": part.splitlines(keepends=True)} for part in re.split(r"(?m)^(?=## )", text)
    ]
    made = prose.Page(ROOT / "chapters" / name.replace(".md", ".ipynb"), {"cells": cells})
    plain = copy.copy(made)
    plain.path, plain.blocks = ROOT / "chapters" / name, prose.blocks([text])
    return made, plain


def test_a_clean_page_is_not_reported():
    for made in page(CLEAN):
        assert number_problems(made) == []


# What is put in place of what, and the number that must be reported then.
PLANTED = {
    "a number": ("In [", "In all 15.4 % of [", "15.4"),
    "a thousand": ("In [", "Of 1,281,167 pictures, [", "1,281,167"),
    "a year": ("In [", "Since 1987, [", "1987"),
    "a link that was undone": ("[26.2 %](receipts.md#x)", "26.2 %", "26.2"),
    "a link in code that is none": ("`15.3` in code", "15.3 in code", "15.3"),
    "emphasis": ("In [", "In **15.4 %** of [", "15.4"),
    "a table cell": ("| a |", "| 15.5 |", "15.5"),
    "a list item": ("1. An item", "1. An item of 77", "77"),
    "a heading": ("# 1. The night of 26.2", "# 1. The night of 15.2", "15.2"),
    "a number between dollars": ("$k = 2$", r"$15.4\,\%$", "15.4"),
    "HTML": ("1. An item", "<p>15.6 %</p>\n\n1. An item", "15.6"),
    "HTML in a line": ("In [", "In <b>15.7</b> [", "15.7"),
    "a quotation": ("1. An item", "> 88 of them\n\n1. An item", "88"),
    "after a reference": ("section 3.1,", "section 3.1, 3 points,", "3 is"),
    "a link to the same page": ("In [", "In [15.4](#further-reading) of [", "15.4"),
    "units glued to it": ("In [", "With 16k categories, [", "16"),
    "a picture's description": ("In [", "![falls to 12 per cent](x.png) In [", "12"),
    "a year outside the reading list": ("Somebody, 1998.", "Somebody, 1998.\n\n## More\n\nIn 1998.", "1998"),
    "a number in the reading list": ("Somebody, 1998.", "Somebody, 1998, 43 pages.", "43"),
    "prose after the exercises": ("## Further", "## Summary\n\nSo 44.\n\n## Further", "44"),
}


@pytest.mark.parametrize("plant", PLANTED)
def test_a_planted_number_is_reported(plant):
    old, new, number = PLANTED[plant]
    assert old in CLEAN
    for made in page(CLEAN.replace(old, new, 1)):
        found = number_problems(made)
        assert any(problem.startswith(number) or number in problem.split(" is neither")[0] for problem in found), found


@each(HISTORIES)
def test_history_has_no_number_without_a_receipt(page):
    assert number_problems(page) == []


def respoken(text, found):
    """The first link to a receipt says another number."""
    wrong = re.sub(r"\d", lambda digit: str((int(digit[0]) + 1) % 10), found[1], count=1)
    return text.replace(found[0], f"[{wrong}](receipts.md#{found[2]})", 1)


def undone(text, found):
    """The first link to a receipt is no link any more."""
    return text.replace(found[0], found[1])


def misled(text, found):
    """The first link to a receipt leads to one that does not exist."""
    return text.replace(found[0], found[0].replace("#", "#no-"), 1)


def in_html(text, found):
    """The first link to a receipt is written in HTML."""
    return text.replace(found[0], f'<a href="receipts.md#{found[2]}">{found[1]}</a>', 1)


SPOILS = {
    respoken: "its receipt says",
    undone: "neither linked nor in code",
    misled: "not exist",
    in_html: "in Markdown",
}


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
@each(HISTORIES or [page for page in PAGES if page.path.stem == "20-architecture"])
def test_a_spoilt_chapter_is_reported(page, spoil):
    notebook = json.loads(Path(page.path).read_text())
    link = re.compile(r"\[([^\]]*\d[^\]]*)\]\(receipts\.md#([\w-]+)\)")
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        found = link.search(text) if cell["cell_type"] == "markdown" else None
        if found:
            cell["source"] = spoil(text, found)
            break
    spoilt = prose.Page(page.path, notebook)
    problems = link_problems(spoilt) + number_problems(spoilt)
    before = link_problems(page) + number_problems(page)
    assert any(SPOILS[spoil] in problem for problem in problems if problem not in before), problems


def test_what_is_unsure_has_to_be_called_so(monkeypatch):
    _, claims = facts.parse(SMALL)
    monkeypatch.setattr(facts, "claims", lambda: claims)
    text = "# A\n\nIt was [16.4 %](receipts.md#error-two).\n\n## B\n\nInferred is something else."
    for made in page(text):
        assert any("does not say that it is inferred" in problem for problem in link_problems(made))
    for made in page(text.replace("It was", "It was (inferred)")):
        assert link_problems(made) == []


def test_a_number_that_leads_to_the_page_and_no_receipt_is_reported():
    for made in page("It was [15.4 %](receipts.md), see [Receipts](receipts.md)."):
        (problem,) = link_problems(made)
        assert "leads to no receipt" in problem


def test_an_unused_claim_is_reported():
    _, claims = facts.parse(SMALL)

    def pages(text, code=()):
        made, _ = page(text)
        made.code = list(code)
        return [made]

    assert unused(claims, pages("Nothing.")) == list(claims)
    assert unused(claims, pages("[1](receipts.md#error-one)")) == ["error-two", "error-gain"]
    assert unused(claims, pages("[1](receipts.md#error-gain)")) == [], "the others are in its expression"
    assert unused(claims, pages("", ['facts.value("error-two")'])) == ["error-one", "error-gain"]
    loop = '[facts.value(f"error-{n}") for n in "one gain".split()]'
    assert unused(claims, pages("", [loop])) == [] and unused(claims, pages("", [loop.replace("gain", "three")])) != []
    assert unused(claims, pages("", ['table["error-two"]'])) == list(claims), "no cell reads facts"


def test_a_page_that_is_not_written_again_is_stale(monkeypatch):
    claims = facts.claims()
    id, claim = next(iter(claims.items()))
    monkeypatch.setattr(
        facts, "claims", lambda: claims | {id: dataclasses.replace(claim, sentence="Another sentence.")}
    )
    assert receipts.page(PAGES) != prose.RECEIPTS.read_text()
