"""The student edition holds no solution: not in a page, not in a notebook to download, not in what its search knows."""

import html
import json
import re
import subprocess
import sys
from functools import cache

import pytest
import yaml
from fontTools.ttLib import TTFont
from sphinx.search.en import SearchEnglish

import editions
from conftest import CHAPTERS, ROOT

# Fewer letters may stand anywhere by chance.
LETTERS = 20
FENCED = re.compile(r"^```[^\n]*\n(.*?)^```", re.S | re.M)
FORM = "<details><summary>Solution</summary>\n"
# Not by what makes the edition: what that overlooks must be seen here.
SOLUTION = re.compile(rf"{FORM}.*?</details>|^<!-- instructor -->\n.*?^<!-- /instructor -->", re.S | re.M)
MATHS = re.compile(r"\$[^$]*\$")
LINK = re.compile(r"\]\([^()\s]+\)")
STEM = SearchEnglish({}).stem


def letters(text):
    """Only what a browser, a file of JSON and Markdown write alike: letters and digits."""
    return "".join(re.findall(r"[^\W_]+", text.lower()))


def untagged(text):
    return re.sub(r"<[^>]*>", "", text)


def markdown(text):
    """The text of Markdown without its links' addresses and its tags; code is as it is."""
    parts = FENCED.split(text)
    return "\n".join(part if at % 2 else untagged(LINK.sub("]", part)) for at, part in enumerate(parts))


def fragments(solution):
    """The lines of code and the sentences of a solution, as letters."""
    code = [line for block in FENCED.findall(solution) for line in block.splitlines()]
    prose = re.split(r"(?<=[.:;?!])\s|\n", markdown(FENCED.sub("\n", re.sub(r"<summary>.*?</summary>", "", solution))))
    return {part for part in map(letters, code + prose) if len(part) >= LETTERS}


def cells(path):
    """The Markdown cells of a page, and the sources of its code cells with the text of their outputs."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return [text], []
    found = json.loads(text)["cells"]
    prose, code = (["".join(c["source"]) for c in found if c["cell_type"] == kind] for kind in ("markdown", "code"))
    outputs = [output for cell in found for output in cell.get("outputs", [])]
    code += ["".join(output.get("text", "")) for output in outputs]
    code += ["".join(output.get("data", {}).get("text/plain", "")) for output in outputs]
    code += [untagged("".join(output.get("data", {}).get("text/html", ""))) for output in outputs]
    return prose, code


def pages():
    """The sources of all pages of the whole book, by _toc.yml."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))

    def named(entry):
        yield from filter(None, [entry.get("root"), entry.get("file")])
        for key in ("parts", "chapters", "sections"):
            for inner in entry.get(key, []):
                yield from named(inner)

    return [next(ROOT.glob(f"{name}.[im]*")) for name in named(toc)]


@cache
def book():
    """What the student edition must not hold, and the rest: {page's name: (hidden texts, text that stays)}."""
    whole = {}
    for path in pages():
        name = path.relative_to(ROOT).as_posix()
        prose, code = cells(path)
        if editions.is_left_out(name):
            whole[name] = ["\n".join([*prose, *code])], ""
            continue
        hidden = [solution for text in prose for solution in SOLUTION.findall(text)]
        stays = "\n".join(prose)
        for solution in hidden:
            stays = stays.replace(solution, "")
        whole[name] = hidden, "\n".join([markdown(stays), *code])
    for path in (ROOT / "course" / "slides").glob("session-*.md"):
        parts = [part.partition("\nNote:") for part in path.read_text(encoding="utf-8").split("\n---\n")]
        # What stands between braces is looked up by the build.
        texts = [[re.sub(r"\{\{.*?\}\}", "\n", text) for text in (shown, notes)] for shown, _, notes in parts]
        whole[f"slides/{path.name}"] = [notes for _, notes in texts], "\n".join(text for text, _ in texts)
    for path in (ROOT / "course" / "questions").glob("*.yml"):
        whole[f"quizzes/{path.name}"] = [], path.read_text(encoding="utf-8")
    return whole


@cache
def secrets():
    """The fragments that stand in solutions and nowhere else in the book: {fragment: page's name}."""
    rest = letters("\n".join(stays for _, stays in book().values()))
    found = {part: name for name, (hidden, _) in book().items() for text in hidden for part in fragments(text)}
    return {part: name for part, name in found.items() if part not in rest}


@cache
def secret_words():
    """The search's stems of words that occur in solutions and in nothing else that it reads."""
    rest = " ".join([editions.NOTE, *(stays for _, stays in book().values())])
    # The search does not read slides.
    hidden = [text for name, (texts, _) in book().items() if not name.startswith("slides/") for text in texts]
    told = " ".join(MATHS.sub("", markdown(FENCED.sub("", text))) for text in hidden)
    kept = {STEM(word) for word in re.findall(r"[a-z]+", rest.lower())}
    return {STEM(word) for word in re.findall(r"[a-z]{5,}", told.lower())} - kept


def known(site):
    """The stems that the search of a site knows."""
    text = (site / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))
    return set(index["terms"]) | set(index["titleterms"])


def shown(path):
    """All that a reader or a program may find in a file of the site, as letters."""
    text = path.read_text(encoding="utf-8", errors="ignore")
    if path.suffix == ".ipynb":
        prose, code = cells(path)
        return letters("\n".join([*map(markdown, prose), *code]))
    if path.suffix == ".html":
        # A formula as it is written stands beside the one that is drawn.
        text = re.sub(r'data-tex="([^"]*)">.*?</mjx-container>', r">\1", text, flags=re.S)
        attributes = " ".join(re.findall(r'\b(?:content|alt|title)="([^"]*)"', text))
        return letters(html.unescape(untagged(text) + "\n" + attributes))
    return letters(markdown(text))


def texts(site):
    """The files of a site that hold the book's text, and what they show."""
    kinds = {".html", ".ipynb", ".md", ".txt", ".js", ".json", ".xml", ".yml"}
    for path in site.rglob("*"):
        name = path.relative_to(site)
        if path.suffix in kinds and name.parts[0] not in ("_static", "mathjax", "explorers"):
            yield name.as_posix(), shown(path)


def leaks(site):
    """A sentence for every place in a site where a solution shows."""
    found = [
        f"{name} has {part!r} of {secrets()[part]}" for name, text in texts(site) for part in secrets() if part in text
    ]
    return found + [f"the search knows {stem!r}" for stem in sorted(secret_words() & known(site))]


def build(*edition):
    command = [sys.executable, ROOT / "tools" / "site.py", "build", *edition]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.fixture(scope="module")
def student():
    done = build("student")
    assert done.returncode == 0, done.stderr
    return ROOT / "_build" / "student" / "html"


def test_every_exercise_has_its_solution_in_the_one_form():
    for path in CHAPTERS:
        prose = "\n\n".join(cells(path)[0])
        folded = re.findall(r"<details.*?</details>", prose, re.S)
        # Whatever else is folded does not call itself a solution or an answer.
        other = [block.split("</summary>")[0] for block in folded if not block.startswith(FORM)]
        assert [summary for summary in other if re.search("solution|answer", summary, re.I)] == [], path.name
        exercises = re.split(r"^## Exercises$", prose, flags=re.M)[1].split("\n## ")[0]
        exercises = re.split(r"^\*\*\d+\. ", exercises, flags=re.M)[1:]
        assert len(exercises) >= 3 and all(FORM in exercise for exercise in exercises), path.name


def test_the_whole_book_holds_every_solution(site):
    """So that what is looked for in the student edition would be found if it were there."""
    assert len({name for name in secrets().values() if name.endswith(".ipynb")}) == len(CHAPTERS)
    there = dict(texts(site))
    lacking = [(name, part) for part, name in secrets().items() if part not in there[f"{name.rpartition('.')[0]}.html"]]
    # Pages for whoever teaches have directives and tables, whose marks a browser does not show.
    assert [name for name, _ in lacking if not editions.is_left_out(name)] == []
    assert len(lacking) < len(secrets()) / 20
    pages = {part: name for part, name in secrets().items() if not name.startswith("slides/")}
    assert [part for part, name in pages.items() if part not in there[f"_sources/{name}"]] == []
    assert len(secret_words()) > 10 and secret_words() <= known(site)


def test_the_student_edition_holds_none(student):
    assert leaks(student) == []


def test_the_student_edition_is_the_same_book_otherwise(site, student):
    def names(folder):
        return {path.relative_to(folder).as_posix() for path in folder.rglob("*.html")}

    gone = {name for name in names(site) - names(student) if not name.startswith("_")}
    assert gone == {f"{name.rpartition('.')[0]}.html" for name in book() if editions.is_left_out(name)}
    for path in CHAPTERS:
        ours, theirs = cells(path), cells(student / "_sources" / "chapters" / path.name)
        solutions = [text for prose in ours[0] for text in SOLUTION.findall(prose) if text.startswith(FORM)]
        assert theirs[1:] == ours[1:] and "".join(theirs[0]).count(editions.NOTE) == len(solutions) >= 3
    assert "Student edition" in (student / "index.html").read_text()


def test_its_icons_are_fonts_that_a_browser_takes(student):
    """The student edition has no button with GitHub's mark, the only icon of its font."""
    fonts = list(student.glob("_static/vendor/fontawesome/*/webfonts/*.woff2"))
    assert len(fonts) > 2 and all(TTFont(font).getBestCmap() for font in fonts)


def test_nothing_in_it_leads_to_the_solutions_in_the_repository(student):
    for path in CHAPTERS:
        page = (student / "chapters" / path.with_suffix(".html").name).read_text()
        assert f"main/chapters/{path.name}" not in page and f'href="../_sources/chapters/{path.name}"' in page


@pytest.mark.parametrize("place", ["page", "notebook", "text", "description", "search"])
def test_a_solution_left_in_one_place_is_found(place, tmp_path):
    part = "Half as many bytes again, 221,184 more parameters and 5.2 % more multiplications"
    word = min(secret_words())
    assert letters(part) in " ".join(secrets())
    index = {"terms": {"network": 0}, "titleterms": {}}
    if place == "page":
        (tmp_path / "a.html").write_text(
            "<p>" + part.replace("bytes", "<em>bytes</em>").replace("2 %", "2&nbsp;%") + ": conv4</p>"
        )
    elif place == "description":
        (tmp_path / "a.html").write_text(f'<meta name="description" content="{part}: conv4">')
    elif place == "notebook":
        cell = {
            "cell_type": "markdown",
            "source": ["Half as many bytes\n", f"{part.removeprefix('Half as many bytes ')}: conv4 has"],
        }
        (tmp_path / "a.ipynb").write_text(json.dumps({"cells": [cell]}))
    elif place == "text":
        (tmp_path / "a.txt").write_text(f"* {part}: conv4")
    else:
        index["terms"][word] = 0
    (tmp_path / "searchindex.js").write_text(f"Search.setIndex({json.dumps(index)})")
    assert len(leaks(tmp_path)) == 1


def test_an_edition_that_does_not_exist_is_named():
    done = build("teacher")
    assert done.returncode == 1 and "no edition 'teacher'" in done.stderr and "student" in done.stderr
    assert "Traceback" not in done.stderr


FOLDED = "<details><summary>Solution</summary>\n\nIt is 42.\n\n</details>"


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        (f"Ask.\n\n{FOLDED}\n\nNext.", f"Ask.\n\n{editions.NOTE}\n\nNext."),
        (
            FOLDED.replace("<details>", '<details class="wide">').replace("Solution", "<b>Solution</b> of 3"),
            editions.NOTE,
        ),
        (FOLDED.replace("Solution", "A longer table"), FOLDED.replace("Solution", "A longer table")),
        ("Before.\n<!-- instructor -->\nSay it slowly.\n<!-- /instructor -->\nAfter.", "Before.\nAfter."),
        (
            "Read [the guide](guide.md#plan) and [a lab](labs/session-1.md).",
            "Read the guide and [a lab](labs/session-1.md).",
        ),
        ("See {doc}`the rubric <rubric>`.", "See the rubric."),
        (":::{card} Teach\n:link: course/guide\n:link-type: doc\n:::", ":::{card} Teach\n:::"),
        ("[x](https://github.com/me/book/blob/main/course/labs/answers.md)", "x"),
    ],
)
def test_what_a_page_loses(text, becomes):
    assert editions.without_solutions(text, "course/page.md") == becomes


@pytest.mark.parametrize("text", [FOLDED.replace("</details>", ""), "<!-- instructor -->\nSay it slowly."])
def test_what_has_no_end_cannot_be_left_out(text):
    with pytest.raises(editions.Broken, match="other end is missing"):
        editions.without_solutions(text, "chapters/a.ipynb")


def test_a_cell_that_is_a_solution_loses_its_code():
    cells = [
        {"cell_type": "code", "id": "a", "metadata": {"tags": ["solution"]}, "source": ["x = 42"], "outputs": ["42"]},
        {"cell_type": "code", "id": "b", "metadata": {}, "source": ["x"], "outputs": ["42"]},
    ]
    first, second = json.loads(editions.notebook_without_solutions(json.dumps({"cells": cells}), "a.ipynb"))["cells"]
    assert first["source"] == [editions.NOTE] and first["cell_type"] == "markdown" and "outputs" not in first
    assert second == cells[1]


def test_pages_that_are_left_out_leave_the_table_of_contents():
    toc = {
        "root": "index",
        "parts": [
            {"caption": "Teach it", "chapters": [{"file": "course/guide"}, {"file": "course/labs/session-1"}]},
            {"caption": "Mark it", "chapters": [{"file": "course/rubric"}]},
            {"caption": "Labs", "chapters": [{"file": "a", "sections": [{"file": "course/labs/answers"}]}]},
        ],
    }
    assert editions.kept_entries(toc)["parts"] == [
        {"caption": "Teach it", "chapters": [{"file": "course/labs/session-1"}]},
        {"caption": "Labs", "chapters": [{"file": "a"}]},
    ]


@pytest.mark.parametrize(
    "target",
    [
        "course/guide.html#plan",
        "https://github.com/me/book/blob/main/course/source/x/x.ipynb",
        "https://colab.research.google.com/github/me/book/blob/main/chapters/31-relu.ipynb",
    ],
)
def test_a_link_that_is_left_over_is_found(target, tmp_path):
    (tmp_path / "index.html").write_text(f'<a href="chapters/31-relu.html">1</a><a class="x" href="{target}">2</a>')
    (problem,) = editions.left_over(tmp_path)
    assert f"index.html links to {target}" in problem
