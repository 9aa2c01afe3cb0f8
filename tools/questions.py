"""The question bank: course/questions/<chapter>.yml, read, and exported for learning platforms (`make questions`).

The exports are Moodle XML, which keeps everything, and GIFT, which most platforms read. Both hold HTML with formulas
between \\( and \\), as MathJax wants them, and links to the published book. `course/questions/README.md` says how a
question is written.
"""

import math
import re
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import yaml
from docutils.nodes import make_id
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from mdit_py_plugins.dollarmath import dollarmath_plugin

import prose

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from alexnet import architecture, facts  # noqa: E402

BANK = ROOT / "course" / "questions"
TARGET = ROOT / "_build" / "questions"
LEVELS = ("recall", "apply", "analyse")

_ID = re.compile(r"\d\d(-[a-z0-9]+)+")
_COMMON = {"id", "level", "see", "question", "explanation", "receipts", "holds"}
_BY_KIND = {"choices": {"choices"}, "answer": {"answer", "unit", "tolerance", "computed", "wrong"}}


class QuestionError(ValueError):
    """A file of the bank breaks a rule; the message names the question and the rule."""


@dataclass(frozen=True)
class Choice:
    """One answer: `text` and whether it is `right`, in CommonMark, and `why`, what is said to those who give it.

    In a numerical question the text is a number. computed: a Python expression that gives the number in the text.
    """

    text: str
    why: str
    right: bool = False
    computed: str = ""


@dataclass(frozen=True)
class Question:
    """A question about a chapter; its words are CommonMark with $mathematics$.

    id: begins with the chapter's number. chapter: its file's name without the ending. see: the heading that teaches it.
    choices: of a single choice all that are offered; of a numerical question the right number and those that a known
    mistake gives. numerical: whether the reader writes a number, right if it is within `tolerance`, in `unit`.
    receipts: ids of the claims whose text stands in the question or its choices. holds: expressions that must be true.
    """

    id: str
    chapter: str
    level: str
    see: str
    question: str
    explanation: str
    choices: tuple[Choice, ...]
    numerical: bool = False
    unit: str = ""
    tolerance: float = 0.0
    receipts: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()

    @property
    def right(self):
        """The right choice."""
        return next(choice for choice in self.choices if choice.right)


def load(folder=BANK):
    """{chapter: its questions}, in the order of the chapters. Raises QuestionError where a file breaks a rule."""
    found, seen = {}, set()
    for path in sorted(folder.glob("*.yml")):
        found[path.stem] = parse(path.read_text(encoding="utf-8"), path.stem)
        for question in found[path.stem]:
            if question.id in seen:
                raise QuestionError(f"question {question.id}: each id is used once")
            seen.add(question.id)
    return found


def parse(text, chapter):
    """The questions of a file's text. Raises QuestionError that names the question and the rule it breaks."""
    try:
        entries = facts.load(text)  # every scalar as it is written, and no key twice
    except (facts.FactsError, yaml.YAMLError) as error:
        raise QuestionError(f"{chapter}: {error}") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise QuestionError(f"{chapter}: the file is a list of questions")
    return tuple(_question(number, entry, chapter) for number, entry in enumerate(entries, 1))


def _question(number, entry, chapter):
    id = entry.get("id", f"number {number} of {chapter}")

    def demand(condition, rule):
        if not condition:
            raise QuestionError(f"question {id}: {rule}")

    kinds = [kind for kind in _BY_KIND if kind in entry]
    demand(len(kinds) == 1, "it has either choices or an answer")
    (kind,) = kinds
    unknown = ", ".join(sorted(set(entry) - _COMMON - _BY_KIND[kind]))
    demand(not unknown, f"no key is called {unknown}")
    for key in ("id", "level", "see", "question", "explanation"):
        demand(isinstance(entry.get(key), str) and entry[key].strip(), f"its {key} is a text")
    demand(_ID.fullmatch(id) and id[:2] == chapter[:2], "its id is the chapter's number and words, with hyphens")
    demand(entry["level"] in LEVELS, f"its level is one of {', '.join(LEVELS)}")
    for key in ("receipts", "holds"):
        demand(isinstance(entry.get(key, []), list), f"its {key} are a list")

    if kind == "choices":
        choices = [_choice(choice, {"text", "right"}, demand) for choice in entry["choices"]]
        demand(3 <= len(choices) <= 5, "it has three to five choices")
        demand(sum(choice.right for choice in choices) == 1, "exactly one choice is right")
        demand(not any(_LINK.search(choice.text) for choice in choices), "a choice's text has no link")
    else:
        demand(entry.get("computed"), "its answer is computed")
        demand(entry.get("wrong"), "it has a wrong answer that a mistake gives")
        choices = [Choice(entry["answer"], entry["explanation"], True, entry["computed"])]
        choices += [_choice(wrong, {"answer"}, demand) for wrong in entry["wrong"]]
    demand(len({choice.text for choice in choices}) == len(choices), "its choices differ")
    demand(not _LINK.search(entry["question"]), "its question has no link")
    tolerance = 0.0
    if kind == "answer":
        try:
            tolerance = float(entry.get("tolerance", 0))
            right, *others = (float(choice.text) for choice in choices)
        except ValueError:
            demand(False, "its answers and its tolerance are numbers")
        demand(tolerance >= 0 and all(abs(other - right) > tolerance for other in others), "no wrong answer is right")
    return Question(
        id=id,
        chapter=chapter,
        level=entry["level"],
        see=entry["see"].strip(),
        question=entry["question"].strip(),
        explanation=entry["explanation"].strip(),
        choices=tuple(choices),
        numerical=kind == "answer",
        unit=entry.get("unit", ""),
        tolerance=tolerance,
        receipts=tuple(entry.get("receipts", ())),
        holds=tuple(entry.get("holds", ())),
    )


def _choice(entry, keys, demand):
    demand(isinstance(entry, dict) and all(isinstance(value, str) for value in entry.values()), "a choice has keys")
    text = entry.get("text") or entry.get("answer")
    demand(text and entry.get("why"), "each choice has a text (or an answer) and a why")
    unknown = ", ".join(sorted(set(entry) - keys - {"why", "computed"}))
    demand(not unknown, f"no key of a choice is called {unknown}")
    demand(entry.get("right", "true") == "true", "right is true or is left out")
    return Choice(text.strip(), entry["why"].strip(), "right" in entry, entry.get("computed", ""))


def evaluate(expression):
    """What a question's expression gives: it sees AlexNet's table, mathematics and the receipts, and little else.

    Names: `net` (the preset paper-2012), `row` (a layer of it by its name), `presets`, `architecture`, `fact` (the
    value of a receipt by its id), `math` and a few builtins.
    """
    net = architecture.PRESETS["paper-2012"]
    builtins = (sum, round, len, min, max, abs, range, zip, int, float, all, any, sorted)
    names = {function.__name__: function for function in builtins}
    names |= {"__builtins__": {}, "math": math, "architecture": architecture, "presets": architecture.PRESETS}
    names |= {"net": net, "row": net.__getitem__, "facts": facts, "fact": facts.value}
    return eval(compile(expression.strip(), "<question>", "eval"), names)


_LINK = re.compile(r"\]\(|<https?:")
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).use(dollarmath_plugin)


def _mathematics(renderer, tokens, index, options, environment):
    return rf'<span class="math notranslate nohighlight">\({escapeHtml(tokens[index].content)}\)</span>'


_MARKDOWN.add_render_rule("math_inline", _mathematics)


def html(text, base="", inline=False):
    """HTML of a question's words. base: where the pages of the chapters are; inline: without paragraphs."""
    tokens = _MARKDOWN.parseInline(text) if inline else _MARKDOWN.parse(text)
    for token in tokens:
        for child in token.children or ():
            if child.type == "link_open":
                child.attrSet("href", _address(child.attrGet("href"), base))
    return _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}).strip()


def _address(target, base):
    if "://" in target:
        return target
    path, _, anchor = target.partition("#")
    return base + re.sub(r"\.(md|ipynb)$", ".html", path) + (f"#{anchor}" if anchor else "")


def title(chapter):
    """A chapter's number and title."""
    return f"{chapter[:2]} {prose.Page(ROOT / 'chapters' / f'{chapter}.ipynb').title}"


def published():
    """The address of the chapters' pages, from the repository's in _config.yml."""
    repository = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]
    _, _, owner, name = repository.rstrip("/").rsplit("/", 3)
    return f"https://{owner}.github.io/{name}/chapters/"


class Words:
    """A question's texts as the exports need them: HTML, with the unit and with a link to the section that teaches."""

    def __init__(self, question, base):
        self.question = html(question.question, base)
        if question.unit:
            self.question += f"\n<p>Unit: {html(question.unit, base, inline=True)}.</p>"
        section = f"{base}{question.chapter}.html#{make_id(question.see)}"
        self.explanation = html(question.explanation, base)
        self.explanation += f'\n<p>See <a href="{section}">{escapeHtml(question.see)}</a>.</p>'
        # A numerical question says its explanation to every answer anyway.
        self.whys = [
            "" if question.numerical and choice.right else html(choice.why, base) for choice in question.choices
        ]
        self.choices = [
            choice.text if question.numerical else html(choice.text, base, inline=True) for choice in question.choices
        ]


def moodle(bank, base):
    """The bank as Moodle XML, one category for each chapter."""
    quiz = ET.Element("quiz")

    def text(parent, tag, content, **attributes):
        node = ET.SubElement(parent, tag, attributes)
        ET.SubElement(node, "text").text = content
        return node

    for chapter, questions in bank.items():
        category = ET.SubElement(quiz, "question", type="category")
        text(category, "category", _category(chapter))
        for question in questions:
            words = Words(question, base)
            node = ET.SubElement(quiz, "question", type="numerical" if question.numerical else "multichoice")
            text(node, "name", question.id)
            text(node, "questiontext", words.question, format="html")
            text(node, "generalfeedback", words.explanation, format="html")
            settings = {"defaultgrade": "1", "penalty": "0.3333333", "hidden": "0", "idnumber": question.id}
            if question.numerical:
                settings |= {"unitgradingtype": "0", "showunits": "3"}
            else:
                settings |= {"single": "true", "shuffleanswers": "true", "answernumbering": "abc"}
            for name, value in settings.items():
                ET.SubElement(node, name).text = value
            for choice, shown, why in zip(question.choices, words.choices, words.whys, strict=True):
                form = "moodle_auto_format" if question.numerical else "html"
                answer = text(node, "answer", shown, fraction="100" if choice.right else "0", format=form)
                text(answer, "feedback", why, format="html")
                if question.numerical:
                    ET.SubElement(answer, "tolerance").text = f"{question.tolerance:g}"
            tags = ET.SubElement(node, "tags")
            for tag in (question.level, question.chapter):
                text(tags, "tag", tag)
    ET.indent(quiz)
    return ET.tostring(quiz, encoding="unicode", xml_declaration=True)


def gift(bank, base):
    """The bank as GIFT, one category for each chapter."""
    parts = []
    for chapter, questions in bank.items():
        parts.append(f"$CATEGORY: {_category(chapter)}")
        for question in questions:
            words, lines = Words(question, base), []
            for choice, shown, why in zip(question.choices, words.choices, words.whys, strict=True):
                if question.numerical:
                    sign, shown = ("=" if choice.right else "=%0%"), f"{shown}:{question.tolerance:g}"
                else:
                    sign, shown = ("=" if choice.right else "~"), _escaped(shown)
                lines.append(f"  {sign}{shown}#{_escaped(why)}")
            kind = "#" if question.numerical else ""
            parts.append(
                f"// [id:{question.id}] [tag:{question.level}] [tag:{question.chapter}]\n"
                f"::{question.id}::[html]{_escaped(words.question)}{{{kind}\n"
                + "\n".join(lines)
                + f"\n  ####{_escaped(words.explanation)}\n}}"
            )
    return "\n\n".join(parts) + "\n"


def _category(chapter):
    # A slash in a name is doubled; a single one begins a category inside the last.
    return "$course$/top/Inside AlexNet/" + title(chapter).replace("/", "//")


def _escaped(text):
    """A text as GIFT wants it: what would be a sign of the format is escaped, and so are line ends."""
    return re.sub(r"[\\~=#{}:]", r"\\\g<0>", text).replace("\n", r"\n")


def main():
    bank, base = load(), published()
    TARGET.mkdir(parents=True, exist_ok=True)
    (TARGET / "inside-alexnet.xml").write_text(moodle(bank, base), encoding="utf-8")
    (TARGET / "inside-alexnet.gift").write_text(gift(bank, base), encoding="utf-8")
    total = sum(map(len, bank.values()))
    print(f"{total} questions of {len(bank)} chapters, as Moodle XML and GIFT, are in {TARGET.relative_to(ROOT)}/.")


if __name__ == "__main__":
    main()
