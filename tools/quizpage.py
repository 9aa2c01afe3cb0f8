"""The book's own Sphinx extension for its quizzes: a section "Check yourself" on the page of each chapter.

What a page holds works without scripts: every question with its answer folded. `quiz.mjs` makes of it a quiz that
says what is right. Scripts and styles are loaded by pages with a quiz only.
"""

from pathlib import Path

from docutils import nodes
from markdown_it.common.utils import escapeHtml
from sphinx.util import logging

import questions

logger = logging.getLogger(__name__)

TITLE = "Check yourself"
INTRODUCTION = (
    "Answer from understanding, with paper and pencil where it helps. Nothing is recorded, and every answer, right or "
    "wrong, is answered."
)


def _add_quiz(app, doctree):
    """Put the chapter's questions before its exercises, or at the end where it has none."""
    chapter = Path(app.env.docname).name
    path = questions.BANK / f"{chapter}.yml"
    page = next(doctree.findall(nodes.section), None)
    if Path(app.env.docname).parent.name != "chapters" or not path.exists() or page is None:
        return
    app.env.note_dependency(str(path))
    app.env.note_dependency(questions.__file__)
    app.env.note_dependency(__file__)
    sections = {id: section for section in page.findall(nodes.section) for id in section["ids"]}
    section = nodes.section(ids=["check-yourself"], names=["check yourself"])
    section += nodes.title("", TITLE)
    section += nodes.paragraph("", INTRODUCTION)
    bank = questions.parse(path.read_text(encoding="utf-8"), chapter)
    forms = []
    for number, question in enumerate(bank, 1):
        taught = nodes.make_id(question.see)
        if taught not in sections:
            logger.warning("question %s: the chapter has no heading %r", question.id, question.see, location=page)
            return
        forms.append(form(question, number, taught))
    section += nodes.raw("", quiz(forms), format="html")
    exercises = sections.get("exercises")
    page.insert(page.index(exercises) if exercises in page.children else len(page.children), section)


def quiz(forms):
    """HTML of a chapter's quiz."""
    total = "\n".join(forms)
    return f'<div class="quiz">\n{total}\n<p class="quiz-count" role="status"></p>\n</div>'


def form(question, number, anchor):
    """HTML of one question; `anchor` is the id of the section that teaches it.

    What is said to a reader lies in the folded answer, in paragraphs that name their choice in `data-for`; "" is said
    to a number that nobody foresaw. A numerical answer is right within `data-tolerance`.
    """
    first, _, more = question.question.partition("\n\n")
    head = f'<legend><span class="quiz-number">Question {number}.</span> {questions.html(first, inline=True)}</legend>'
    asked = _number(question) if question.numerical else _choices(question)
    tolerance = f' data-tolerance="{question.tolerance:g}"' if question.numerical else ""
    return f"""<form class="quiz-question" id="question-{question.id}"{tolerance}>
<fieldset>
{head}
{questions.html(more)}
{asked}
</fieldset>
<p class="quiz-submit"><button type="submit" hidden disabled>Check</button></p>
<div class="quiz-said" role="status"></div>
<details>
<summary>Answer</summary>
{_answers(question)}
<div class="quiz-explanation">
{questions.html(question.explanation)}
<p>See <a href="#{anchor}">{escapeHtml(question.see)}</a>.</p>
</div>
</details>
</form>"""


def _choices(question):
    labels = [
        f'<label class="quiz-choice"><input type="radio" name="{question.id}" value="{place}" required> '
        f"<span>{questions.html(choice.text, inline=True)}</span></label>"
        for place, choice in enumerate(question.choices)
    ]
    return "\n".join(labels)


def _number(question):
    unit = f" {questions.html(question.unit, inline=True)}" if question.unit else ""
    return (
        f'<label class="quiz-field"><span>Your answer:</span> <input type="text" inputmode="decimal" '
        f'name="{question.id}" autocomplete="off" required>{unit}</label>'
    )


def _answers(question):
    """The verdict on each choice, the right one first."""
    parts = []
    for place, choice in sorted(enumerate(question.choices), key=lambda pair: not pair[1].right):
        key = choice.text if question.numerical else place
        shown = f"<b>{_grouped(choice.text)}</b>" if question.numerical else questions.html(choice.text, inline=True)
        verdict = "Right" if choice.right else "Not so"
        # The explanation, which follows, is all that is said to a right number.
        why = "" if question.numerical and choice.right else questions.html(choice.why, inline=True)
        right = ' data-right="true"' if choice.right else ""
        parts.append(
            f'<div class="quiz-verdict" data-for="{key}"{right}><p class="quiz-repeat">{shown}</p>'
            f"<p><strong>{verdict}.</strong> {why}</p></div>"
        )
    if question.numerical:
        parts.append('<div class="quiz-verdict" data-for="" hidden><p><strong>Not so.</strong></p></div>')
    return "\n".join(parts)


def _grouped(number):
    """A number as the book prints it, with commas."""
    whole, point, rest = number.partition(".")
    return f"{int(whole):,}{point}{rest}" if whole.lstrip("-").isdigit() and "e" not in number else number


def _add_front_end(app, pagename, templatename, context, doctree):
    if 'class="quiz"' in (context.get("body") or ""):
        app.add_js_file("quiz.mjs", type="module")
        app.add_css_file("quiz.css")


def setup(app):
    # Before Sphinx gathers the sections for the tables of contents.
    app.connect("doctree-read", _add_quiz, priority=400)
    app.connect("html-page-context", _add_front_end)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
