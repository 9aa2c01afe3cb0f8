"""The pages for teaching: plans add up, links and explorers are there, sheets hold no answers, and answers hold."""

import json
import re
from functools import cache

import pytest

from alexnet import explorers
from alexnet.explorers import base
from conftest import CHAPTERS, ROOT
from facts_rules import NUMBER
from notebook_rules import explorers as explorers_of
from test_closing_pages import internal, numbers, plain, soup, target_of

COURSE = ROOT / "course"
GUIDE, ANSWERS = COURSE / "guide.md", COURSE / "labs" / "answers.md"
LABS = sorted((COURSE / "labs").glob("session-*.md"))
SESSIONS = [int(path.stem.removeprefix("session-")) for path in LABS]
PAGES = [GUIDE, COURSE / "rubric.md", COURSE / "run-it.md", *LABS, ANSWERS]
MODULES = {
    re.search(r'title: "Explorer: ([^"]*)"', path.read_text(encoding="utf-8"))[1]: path.stem
    for path in base.FRONT.glob("*.mjs")
    if "export default explorer(" in path.read_text(encoding="utf-8")
}
# A line of Python in a table of answers, and what it gives.
LINE = re.compile(r"^\| `(.*?)` \| (.*?) \|$", re.M)


def sections(text, level):
    """{heading: text} of the sections of a level."""
    parts = re.split(rf"(?m)^{'#' * level} (.+)$", text)
    return dict(zip(parts[1::2], (re.split(rf"(?m)^#{{1,{level}}} ", part)[0] for part in parts[2::2]), strict=True))


def plan_problems(text):
    """A sentence for every plan of the guide whose steps do not follow each other from 0 to its length."""
    found, plans = [], {}
    for heading, body in sections(text, 3).items():
        if named := re.fullmatch(r"(.+), (\d+) minutes", heading):
            plans[named[1]] = (
                [(int(a), int(b)) for a, b in re.findall(r"(?m)^- \*\*(\d+)–(\d+) · ", body)],
                int(named[2]),
            )
    for name, (steps, length) in plans.items():
        ends = [0, *(end for _, end in steps)]
        if [start for start, _ in steps] != ends[:-1] or any(end <= start for start, end in steps):
            found.append(f"the steps of {name} do not follow each other: {steps}")
        if ends[-1] != length:
            found.append(f"{name} ends after {ends[-1]} minutes, not {length}")
    found += [f"session {n} has no plan" for n in SESSIONS if f"Session {n}" not in plans]
    return found


def session_problems(text):
    """A sentence for every session without objectives that can be checked, or whose plan does not use its lab sheet."""
    found = []
    for n in SESSIONS:
        aims = next((body for heading, body in sections(text, 3).items() if heading.startswith(f"Session {n}: ")), "")
        items = re.findall(r"(?m)^- .+", aims)
        if len(items) < 3:
            found.append(f"session {n} has {len(items)} objectives")
        found += [f"nothing checks {item!r}" for item in items if not re.search(r"\((lab \d, )?tasks? \d", item)]
        plan = sections(text, 3).get(f"Session {n}, 90 minutes", "")
        if f"(labs/session-{n}.md)" not in plan:
            found.append(f"the plan of session {n} does not use its lab sheet")
    return found


def lab_problems(path, text):
    """A sentence for everything that a lab sheet lacks."""
    found, tasks = [], sections(text, 2)
    minutes = [re.fullmatch(r"(\d+)\. .+ \((\d+) minutes\)", heading) for heading in tasks]
    if not all(minutes) or [int(m[1]) for m in minutes] != list(range(1, len(tasks) + 1)):
        return [f"{path.stem}: a task has no number or no time"]
    if not 40 <= (total := sum(int(m[2]) for m in minutes)) <= 60:
        found.append(f"{path.stem} takes {total} minutes")
    for part in ("**Goal.**", "**Open.**", "**How.**"):
        found += [] if part in text else [f"{path.stem} lacks {part}"]
    for heading, body in tasks.items():
        if "____" not in body:
            found.append(f"{path.stem}: no blank in {heading!r}")
    asked = re.findall(r"\*\*(Predict|Compute|Look|Explain)", text)
    for part in ("Predict", "Look", "Explain"):
        if asked.count(part) < len(tasks) - 2:
            found.append(f"{path.stem}: few tasks ask to {part.lower()}")
    return found


@cache
def answers_of(number):
    (text,) = (b for h, b in sections(ANSWERS.read_text(encoding="utf-8"), 2).items() if h.startswith(f"Lab {number}:"))
    return text


def given_away(text, answers):
    """The results and sentences of the answers that a lab sheet holds."""
    links = re.findall(r"\[([^\]]*)\]\([^)]*\)", answers)
    # Not the names of sections, which may hold numbers too.
    results = {n for link in links if not re.search(r"[A-Za-z]{3}|\bor\b", link) for n in NUMBER.findall(link)}
    results |= {gives for _, gives in LINE.findall(answers)}
    bare = re.sub(r"\]\([^)]*\)", "]", text)  # a section's address is no answer
    telling = {n for n in results if len(re.sub(r"\D", "", n)) > 2}
    found = [n for n in sorted(telling) if re.search(rf"(?<![\d.,]){re.escape(n)}(?![\d]|[.,]\d)", bare)]
    says = plain(re.sub(r"(?m)^\*\*.+?\*\*|[*`]|\]\([^)]*\)|\[", "", answers))
    sheet = plain(re.sub(r"[*`]|\]\([^)]*\)|\[", "", text))
    return found + [line for line in re.split(r"(?<=[.:;?]) ", says) if len(line) > 30 and line in sheet]


def link_problems(page, tree):
    """A sentence for each link to a chapter that leads nowhere, has another name, or a number that is not there."""
    found = []
    for link in internal(tree.find("article")):
        target, text = target_of(page, link), plain(link.get_text())
        if target.section is None:
            found.append(f"{link['href']} leads nowhere")
        elif re.match(r"\d\d-", target.page.name):
            there = NUMBER.findall(target.text)
            missing = [number for number in sorted(numbers(text)) if number not in there]
            if text != target.heading and missing:
                found.append(f"{missing} of {text!r} does not stand in {target.heading!r}")
            elif text != target.heading and not numbers(text) and page.stem != "answers":
                found.append(f"{target.heading!r} is called {text!r}")
    return found


def explorer_problems(path, text):
    """A sentence for each explorer that is named and does not stand in the chapter's section linked beside it."""
    found = []
    for line in text.splitlines():
        for named in re.finditer(r"\bexplorer \*([^*]+)\*", line):
            if named[1] not in MODULES:
                found.append(f"{path.stem} names an explorer {named[1]!r}, which does not exist")
                continue
            places = [*re.finditer(r"/([\w-]+\.ipynb)#([\w-]+)\)", line)]
            if places and not any(MODULES[named[1]] in shown_in(place[1])[1].get(place[2], ()) for place in places):
                found.append(f"{path.stem}: no explorer {named[1]!r} in {[place[2] for place in places]}")
    return found


@cache
def shown_in(chapter):
    """(the chapter's modules, {anchor of a section: modules of the explorers in it, subsections apart})."""
    by_section, here = {}, None
    for cell in json.loads((ROOT / "chapters" / chapter).read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            for heading in re.findall(r"(?m)^#{2,3} (.+)$", "".join(cell["source"])):
                here = re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        elif here:
            html = " ".join(explorers_of({"cells": [cell]}))
            by_section.setdefault(here, set()).update(re.findall(r'data-module="([^"]*)"', html))
    return set().union(*by_section.values()), by_section


def test_the_plans_add_up():
    assert plan_problems(GUIDE.read_text(encoding="utf-8")) == []


def test_every_session_has_objectives_a_lab_and_a_plan():
    assert len(SESSIONS) == 5 and session_problems(GUIDE.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", LABS, ids=lambda path: path.stem)
def test_a_lab_sheet_has_all_its_parts_and_no_answers(path):
    text = path.read_text(encoding="utf-8")
    assert lab_problems(path, text) == []
    assert given_away(text, answers_of(int(path.stem[-1]))) == []


@pytest.mark.parametrize("path", LABS, ids=lambda path: path.stem)
def test_every_task_has_an_answer(path):
    tasks = [heading.rpartition(" (")[0] for heading in sections(path.read_text(encoding="utf-8"), 2)]
    assert re.findall(r"(?m)^\*\*(\d\. .+?)\.?\*\*", answers_of(int(path.stem[-1]))) == [t.rstrip(".") for t in tasks]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_links_say_what_stands_at_their_other_end(site, path):
    page = site / path.relative_to(ROOT).with_suffix(".html")
    assert link_problems(page, soup(page)) == []


@pytest.mark.parametrize("path", [GUIDE, *LABS[:4]], ids=lambda path: path.stem)
def test_the_explorers_are_where_the_page_says(path):
    text = path.read_text(encoding="utf-8")
    assert "explorer *" in text and explorer_problems(path, text) == []


def test_the_guide_uses_every_chapter_of_its_sessions():
    text = GUIDE.read_text(encoding="utf-8") + "".join(path.read_text(encoding="utf-8") for path in LABS)
    assert [path.name for path in CHAPTERS if f"/{path.name}" not in text] == []


@pytest.mark.parametrize(("line", "gives"), LINE.findall(ANSWERS.read_text(encoding="utf-8")))
def test_what_a_line_of_the_answers_gives(line, gives):
    """To half a unit of the last digit that is written."""
    found = eval(line, {"explorers": explorers})  # our own page
    if isinstance(found, str):
        assert found == gives
    else:
        assert abs(found - float(gives)) <= 0.5 * 10 ** -len(gives.partition(".")[2]) + 1e-9, found


SPOILT = {
    "a gap in a plan": (plan_problems, "- **8–18 · What was counted", "- **9–18 · What was counted", "do not follow"),
    "a plan that is too long": (plan_problems, "- **81–90 · Vote again", "- **81–95 · Vote again", "after 95 minutes"),
    "no plan": (plan_problems, "### Session 3, 90 minutes", "### Session three", "session 3 has no plan"),
    "no objectives": (
        session_problems,
        "### Session 2: make it learn",
        "### Make it learn",
        "session 2 has 0 objectives",
    ),
    "an objective that nothing checks": (session_problems, " (lab 3, task 2; assignment `look-inside`)", "", "checks"),
    "no lab": (
        session_problems,
        "- **46–86 · Lab.** [Lab 4](labs/session-4.md)",
        "- **46–86 · Lab.**",
        "not use its lab",
    ),
}


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_spoilt_guide_is_reported(spoil):
    problems, old, new, message = SPOILT[spoil]
    text = GUIDE.read_text(encoding="utf-8")
    assert old in text
    assert any(message in problem for problem in problems(text.replace(old, new, 1)))


SPOILT_SHEETS = {
    "an answer in it": (
        lambda text: text.replace("the paper prints ________", "the paper prints 253,440", 1),
        "253,440",
    ),
    "a sentence of the answers": (lambda text: text + "\nHow the slip came about is a guess.\n", "How the slip"),
    "no blank": (lambda text: re.sub(r"(?s)(## 6\..*)", lambda m: m[1].replace("_", ""), text), "no blank in '6."),
    "too long": (lambda text: text.replace("(10 minutes)", "(30 minutes)", 1), "takes 65 minutes"),
    "no goal": (lambda text: text.replace("**Goal.**", "", 1), "lacks **Goal.**"),
    "no such explorer": (lambda text: text.replace("explorer *the architecture*", "explorer *towers*", 1), "not exist"),
    "another section": (
        lambda text: text.replace("#walk-through-it), in the explorer *the", "#two-towers), in the explorer *the", 1),
        "no explorer 'the arch",
    ),
}


@pytest.mark.parametrize("spoil", SPOILT_SHEETS)
def test_a_spoilt_sheet_is_reported(spoil):
    change, message = SPOILT_SHEETS[spoil]
    path = LABS[0]
    text = path.read_text(encoding="utf-8")
    assert change(text) != text
    found = [*lab_problems(path, change(text)), *given_away(change(text), answers_of(0))]
    assert any(message in problem for problem in [*found, *explorer_problems(path, change(text))])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("#two-towers", "#three-towers", "leads nowhere"),
        (">+57%<", ">+58%<", "'58'"),
    ],
)
def test_a_spoilt_link_is_reported(site, old, new, message):
    from bs4 import BeautifulSoup

    page = site / "course" / "labs" / "answers.html"
    text = page.read_text(encoding="utf-8")
    assert old in text
    assert any(
        message in problem for problem in link_problems(page, BeautifulSoup(text.replace(old, new), "html.parser"))
    )


def test_the_pages_are_in_the_book_and_the_sources_are_not(site):
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    assert all(path.relative_to(ROOT).with_suffix("").as_posix() in toc for path in PAGES)
    built = {path.relative_to(site).as_posix() for path in (site / "course").rglob("*.html")}
    assert {path.relative_to(ROOT).with_suffix(".html").as_posix() for path in PAGES} <= built
    assert not [name for name in built if "source/" in name or "README" in name]
    assert not list((site / "_sources").glob("course/source/**/*"))
