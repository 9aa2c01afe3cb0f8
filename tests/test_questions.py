"""The question bank: its rules, every number in it computed again, its exports read back, its pages."""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from html.parser import HTMLParser

import pytest
import yaml
from docutils.nodes import make_id

import facts_rules
import prose
import questions
from alexnet import facts
from conftest import ROOT

BANK = questions.load()
ALL = [question for chapter in BANK.values() for question in chapter]
EACH = pytest.mark.parametrize("question", ALL, ids=[question.id for question in ALL])
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
CHAPTERS = [
    match[1]
    for part in TOC["parts"]
    for entry in part["chapters"]
    if (match := re.fullmatch(r"chapters/(\d\d-.*)", entry["file"]))
]
BASE = "https://example.org/book/chapters/"


def headings(path):
    """The texts of a page's headings, without the title and those that teach nothing."""
    page = prose.Page(path)
    own = ("Exercises", "Further reading", page.title)
    return [block.text for block in page.blocks if block.heading and block.text not in own]


# The bank.


def test_the_bank_has_questions_for_every_chapter():
    assert {chapter: len(BANK.get(chapter, ())) for chapter in CHAPTERS if len(BANK.get(chapter, ())) < 2} == {}
    assert len(ALL) >= 60
    assert set(BANK) <= set(CHAPTERS)


def test_the_bank_asks_for_more_than_recall():
    levels = Counter(question.level for question in ALL)
    assert set(levels) == set(questions.LEVELS)
    assert levels["recall"] <= len(ALL) / 3


def test_the_bank_does_not_give_its_answers_away():
    """Neither the place nor the length of a choice tells whether it is right."""
    single = [question for question in ALL if not question.numerical]
    places = Counter(question.choices.index(question.right) for question in single)
    assert all(0.15 * len(single) <= places[place] <= 0.45 * len(single) for place in range(3)), places
    longest = [q.id for q in single if all(len(q.right.text) > len(c.text) for c in q.choices if not c.right)]
    shortest = [q.id for q in single if all(len(q.right.text) < len(c.text) for c in q.choices if not c.right)]
    assert len(longest) <= len(single) / 2, longest
    assert len(shortest) <= len(single) / 2, shortest


@EACH
def test_a_question_of_the_bank_is_taught_where_it_says(question):
    assert question.see in headings(ROOT / "chapters" / f"{question.chapter}.ipynb")


def written(value):
    """The ways in which a computed value can stand in a text."""
    return {f"{value:,}", str(value)} if not isinstance(value, str) else {value}


@EACH
def test_the_numbers_of_a_question_of_the_bank_are_computed_again(question):
    for choice in question.choices:
        if not choice.computed:
            continue
        value = questions.evaluate(choice.computed)
        if question.numerical:
            digits = choice.text.partition(".")[2]
            rounding = 0.5 * 10.0 ** -len(digits) if digits else 0
            # A reader who does not round must be right as well.
            allowed = max(rounding, question.tolerance / 2) if choice.right else rounding
            assert abs(value - float(choice.text)) <= allowed + 1e-9
        else:
            plain = choice.text.replace("{,}", ",")
            found = re.findall(r"\d[\d,]*(?:\.\d+)?", plain)
            assert written(value) & {number.rstrip(",") for number in found}, (value, choice.text)
    for expression in question.holds:
        assert questions.evaluate(expression) is True, expression


@EACH
def test_the_links_and_receipts_of_a_question_of_the_bank_hold(question):
    texts = [question.question, *(choice.text for choice in question.choices), question.explanation]
    texts += [choice.why for choice in question.choices]
    path = ROOT / "chapters" / f"{question.chapter}.ipynb"
    page = prose.Page(path, {"cells": [{"cell_type": "markdown", "source": [text]} for text in texts]})
    assert facts_rules.link_problems(page) == []
    for block in page.blocks:
        for _, target in block.links:
            name, _, anchor = target.partition("#")
            if "://" in target or name == "receipts.md":
                continue
            assert name.endswith((".md", ".ipynb")), f"{target}: links lead to a page, as they do in a chapter"
            assert (path.parent / name).exists(), target
            if anchor:
                assert anchor in map(make_id, headings(path.parent / name)), target
    asked = " ".join([question.question, *(choice.text for choice in question.choices if not question.numerical)])
    for id in question.receipts:
        assert facts.claim(id).text in asked, f"{id} says {facts.claim(id).text!r}"


# Its rules.

CHOICE = """\
- id: 20-a-question
  level: apply
  see: Two towers
  question: How many towers?
  choices:
    - {text: one, why: no}
    - {text: two, why: 'yes', right: true}
    - {text: three, why: no}
  explanation: There are two.
"""
NUMBER = """\
- id: 20-a-number
  level: recall
  see: Two towers
  question: How many towers?
  answer: 2
  computed: 1 + 1
  tolerance: 0.1
  wrong: [{answer: 1, why: no}]
  explanation: There are two.
"""


def test_what_a_file_holds_is_read():
    one, two = questions.parse(CHOICE + NUMBER, "20-architecture")
    assert (one.right.text, one.numerical, len(one.choices), one.chapter) == ("two", False, 3, "20-architecture")
    assert (two.right.text, two.numerical, two.tolerance, two.right.computed) == ("2", True, 0.1, "1 + 1")


@pytest.mark.parametrize(
    ("whole", "old", "new", "rule"),
    [
        (CHOICE, "20-a", "21-a", "chapter's number"),
        (CHOICE, "apply", "hard", "level is one of"),
        (CHOICE, "see: Two towers", "see: ''", "its see is a text"),
        (CHOICE, "right: true", "right: false", "right is true"),
        (CHOICE, "one, why: no", "one, why: no, right: true", "exactly one choice is right"),
        (CHOICE, ", right: true", "", "exactly one choice is right"),
        (CHOICE, "one, why: no", "one", "a why"),
        (CHOICE, "text: one", "text: two", "choices differ"),
        (CHOICE, "    - {text: three, why: no}\n", "", "three to five"),
        (CHOICE, "text: one", "text: '[one](receipts.md)'", "no link"),
        (CHOICE, "How many", "How [many](receipts.md)", "no link"),
        (CHOICE, "explanation:", "explained:", "no key is called explained"),
        (CHOICE, "  level: apply\n", "  level: apply\n  level: recall\n", "given twice"),
        (CHOICE, CHOICE, "a: 1", "list of questions"),
        (CHOICE, "  choices:", "  answer: 2\n  choices:", "either choices or an answer"),
        (NUMBER, "answer: 2", "answer: two", "are numbers"),
        (NUMBER, "answer: 1", "answer: 1.95", "no wrong answer is right"),
        (NUMBER, "  computed: 1 + 1\n", "", "answer is computed"),
        (NUMBER, "  wrong: [{answer: 1, why: no}]\n", "", "a wrong answer"),
    ],
)
def test_a_spoilt_file_names_question_and_rule(whole, old, new, rule):
    assert old in whole
    with pytest.raises(questions.QuestionError, match=rule):
        questions.parse(whole.replace(old, new, 1), "20-architecture")


def test_an_id_is_used_once(tmp_path):
    for number in (1, 2):
        (tmp_path / f"20-{number}.yml").write_text(CHOICE)
    with pytest.raises(questions.QuestionError, match="used once"):
        questions.load(tmp_path)


def test_expressions_see_the_table_and_no_files():
    assert questions.evaluate('row("conv1").parameters + presets["lenet-5"].parameters') == 34944 + 61706
    with pytest.raises(NameError):
        questions.evaluate('open("/etc/passwd")')


# Its exports.

AWKWARD = questions.parse(
    r"""
- id: 34-signs
  level: apply
  see: From likelihood to −ln p
  question: >-
    Of {a, b} = ~c: what is $\nu = \frac{1}{2} \# x$ & "y" < 3?
  choices:
    - {text: '`a = {b: 1}`', why: 'no: # it = that ~ not'}
    - {text: 'é × 2 ≤ \n', why: 'see [Notation](notation.md#letters) \\ now', right: true}
    - {text: '%50%half', why: '// not a comment'}
  explanation: |-
    First.

    ```
    x = {1: 2}

    y ~ x  # twice
    ```
- id: 34-number
  level: recall
  see: From likelihood to −ln p
  question: A number?
  answer: -0.5
  computed: -1 / 2
  tolerance: 0.01
  unit: '%'
  wrong: [{answer: 12000, why: 'far: off'}]
  explanation: That is it.
""",
    "34-softmax-and-cross-entropy",
)
AWKWARD = {"34-softmax-and-cross-entropy": AWKWARD}


def read_moodle(text):
    """{id: (question, {answer: (right, tolerance, why)}, explanation)} of a file of Moodle XML."""
    found = {}
    for node in ET.fromstring(text).iter("question"):
        if node.get("type") == "category":
            continue
        answers = {
            answer.findtext("text"): (
                answer.get("fraction") == "100",
                answer.findtext("tolerance"),
                answer.findtext("feedback/text") or "",
            )
            for answer in node.iter("answer")
        }
        id = node.findtext("name/text")
        assert node.findtext("idnumber") == id and node.get("type") in ("numerical", "multichoice")
        found[id] = (node.findtext("questiontext/text"), answers, node.findtext("generalfeedback/text"))
    return found


def read_gift(text):
    """The same of a file of GIFT, in the steps of Moodle's own reader (question/format/gift/format.php)."""
    signs = {rf"\{sign}": chr(0xE000 + ord(sign)) for sign in ":#={}~"} | {r"\n": "\ue001"}
    back = {mark: "\n" if sign == r"\n" else sign[1] for sign, mark in signs.items()}

    def plain(part):
        for mark, sign in back.items():
            part = part.replace(mark, sign)
        return part.replace("\ue000", "\\").strip()

    found = {}
    for block in text.split("\n\n"):
        lines = "\n".join(line for line in block.splitlines() if not line.startswith("//"))
        if lines.startswith("$CATEGORY: ") or not lines.strip():
            continue
        lines = lines.replace("\\\\", "\ue000")
        for sign, mark in signs.items():
            lines = lines.replace(sign, mark)
        name, asked, body = re.fullmatch(r"::(.*?)::\[html\](.*?)\{(.*)\}\s*", lines, re.S).groups()
        body, explanation = body.rsplit("####", 1)
        numerical = body.startswith("#")
        answers = {}
        for sign, answer in re.findall(r"([=~])([^=~]*)", body[numerical:]):
            shown, _, why = answer.partition("#")
            weight = re.match(r"%(-?\d+)%", shown) if numerical else None
            shown = shown[weight.end() :] if weight else shown
            shown, _, tolerance = shown.partition(":") if numerical else (shown, "", None)
            right = sign == "=" and not weight
            answers[plain(shown)] = (right, tolerance, plain(why))
        found[plain(name)] = (plain(asked), answers, plain(explanation))
    return found


def expected(bank):
    found = {}
    for question in (question for chapter in bank.values() for question in chapter):
        words = questions.Words(question, BASE)
        tolerance = f"{question.tolerance:g}" if question.numerical else None
        answers = {
            shown: (choice.right, tolerance, why)
            for choice, shown, why in zip(question.choices, words.choices, words.whys, strict=True)
        }
        found[question.id] = (words.question, answers, words.explanation)
    return found


@pytest.mark.parametrize("bank", [AWKWARD, BANK], ids=["awkward", "ours"])
@pytest.mark.parametrize(("write", "read"), [(questions.moodle, read_moodle), (questions.gift, read_gift)])
def test_an_export_is_read_back_as_it_was(bank, write, read):
    assert read(write(bank, BASE)) == expected(bank)


def test_an_export_holds_html_with_formulas_and_links_to_the_book():
    asked, answers, explanation = read_moodle(questions.moodle(AWKWARD, BASE))["34-signs"]
    assert r"\(\nu = \frac{1}{2} \# x\)" in asked and "&amp; &quot;y&quot; &lt; 3" in asked
    (why,) = [why for right, _, why in answers.values() if right]
    assert f'<a href="{BASE}notation.html#letters">Notation</a>' in why
    assert f'<a href="{BASE}34-softmax-and-cross-entropy.html#from-likelihood-to-ln-p">' in explanation
    assert "<pre><code>x = {1: 2}\n\ny ~ x  # twice\n</code></pre>" in explanation


def test_every_text_of_the_bank_is_wellformed_and_its_mathematics_whole():
    for id, (asked, answers, explanation) in expected(BANK).items():
        for text in (asked, explanation, *answers, *(why for _, _, why in answers.values())):
            ET.fromstring(f"<div>{text}</div>")
            assert "$" not in text and text.count(r"\(") == text.count(r"\)"), f"{id}: {text}"


# Its pages.


class Tags(HTMLParser):
    """The tags of a page's section "Check yourself", and the id of the section after it."""

    def __init__(self, page):
        super().__init__()
        self.inside, self.found, self.next = False, [], None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "section":
            if self.inside and self.next is None:
                self.next = attributes.get("id")
            self.inside = attributes.get("id") == "check-yourself"
        if self.inside:
            self.found.append((tag, attributes))


def test_every_chapter_shows_its_questions_before_its_exercises(site):
    pages = {path.name: path.read_text(encoding="utf-8") for path in (site / "chapters").glob("*.html")}
    for chapter in BANK:
        page = pages[f"{chapter}.html"]
        tags = Tags(page[page.index('<section id="check-yourself">') :])
        shown = [attributes["id"] for tag, attributes in tags.found if tag == "form"]
        assert shown == [f"question-{question.id}" for question in BANK[chapter]]
        assert tags.next == ("exercises" if 'id="exercises"' in page else None), chapter
        assert not any(tag in ("script", "style") for tag, _ in tags.found)
        assert not any(name.startswith("on") for _, names in tags.found for name in names)
        assert not any("style" in names and not tag.startswith("mjx-") for tag, names in tags.found)
        assert '<a class="reference internal nav-link" href="#check-yourself">' in page
        links = {attributes["href"] for tag, attributes in tags.found if tag == "a"} - {"#check-yourself"}
        for link in links:
            if "://" not in link:
                name, _, anchor = link.partition("#")
                assert f'id="{anchor}"' in pages[name or f"{chapter}.html"] or not anchor, (chapter, link)


def test_only_pages_with_questions_load_the_quiz(site):
    loads = {
        path.stem
        for path in site.rglob("*.html")
        if "_static" not in path.parts and re.search(r"quiz\.(mjs|css)", path.read_text(encoding="utf-8"))
    }
    assert loads == set(BANK)
