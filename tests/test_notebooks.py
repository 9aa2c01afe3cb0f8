"""The stored chapters, and proof that the checks on them can fail."""

import copy
import json
import re
import subprocess
import sys

import nbformat
import pytest

import chapters
from conftest import CHAPTERS, ROOT
from notebook_rules import IGNORED, WIDGET_VIEW, explorers, problems


@pytest.fixture(params=CHAPTERS, ids=lambda path: path.stem)
def chapter(request):
    return json.loads(request.param.read_text())


def test_there_are_chapters():
    assert len(CHAPTERS) >= 2


def test_stored_chapters_obey_the_rules(chapter):
    assert problems(chapter) == []


def test_chapters_have_the_books_shape(chapter):
    prose = "\n".join("".join(cell["source"]) for cell in chapter["cells"] if cell["cell_type"] == "markdown")
    for part in ("**What you will do.**", "**What you need.**", "**Time.**", "## Exercises", "## Further reading"):
        assert part in prose
    exercises = prose.split("## Exercises")[1]
    assert len(re.findall(r"^\*\*\d+\. ", exercises, re.M)) >= 3 and exercises.count("<summary>Solution</summary>") >= 3
    assert "print(check(" in str(chapter["cells"]), "one exercise checks itself"
    first = next(cell for cell in chapter["cells"] if cell["cell_type"] == "code")
    assert "ALEXNET_SOURCE" in "".join(first["source"])


def test_setup_cell_is_the_same_in_all_chapters():
    first = [
        next(c for c in json.loads(p.read_text())["cells"] if c["cell_type"] == "code")["source"] for p in CHAPTERS
    ]
    assert all(source == first[0] for source in first)


def _code(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def unrun(notebook):
    _code(notebook)[3].update(execution_count=None, outputs=[])


def failed(notebook):
    _code(notebook)[3]["outputs"].append({"output_type": "error", "ename": "ValueError", "evalue": "", "traceback": []})


def warned(notebook):
    _code(notebook)[3]["outputs"].append({"output_type": "stream", "name": "stderr", "text": "Warning: ..."})


def out_of_order(notebook):
    a, b = _code(notebook)[2:4]
    a["execution_count"], b["execution_count"] = b["execution_count"], a["execution_count"]


def directive(notebook):
    notebook["cells"][0]["source"] = ["```{note}\n", "Not on GitHub.\n", "```"]


def no_alt(notebook):
    picture = next(o for c in _code(notebook) for o in c["outputs"] if "image/png" in o.get("data", {}))
    picture["metadata"] = {}


def oversized(notebook):
    _code(notebook)[3]["outputs"].append({"output_type": "stream", "name": "stdout", "text": "x" * 800_000})


def exempt(notebook):
    for cell in _code(notebook)[: len(_code(notebook)) // 2]:
        cell["metadata"]["tags"] = [IGNORED]


def quick(notebook):
    notebook["metadata"]["alexnet"] = {"profile": "quick"}


def widget(notebook):
    data = {WIDGET_VIEW: {"model_id": "0f" * 16}, "text/plain": "FloatSlider()"}
    _code(notebook)[3]["outputs"].append({"output_type": "display_data", "metadata": {}, "data": data})


SPOILS = {
    unrun: "not run",
    failed: "ended in ValueError",
    warned: "stderr",
    out_of_order: "from top to bottom",
    directive: "MyST directive",
    no_alt: "without alt text",
    oversized: "oversized",
    exempt: "exempt",
    quick: "default profile",
    widget: "only its kernel",
}


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
def test_a_spoilt_chapter_is_found(chapter, spoil):
    spoilt = copy.deepcopy(chapter)
    spoil(spoilt)
    assert any(SPOILS[spoil] in problem for problem in problems(spoilt))


def _first_number(notebook):
    """The first compared cell, after the setup cell, that printed a number: (position of the cell, its output)."""
    for position, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code" and IGNORED not in cell["metadata"].get("tags", []):
            for output in cell["outputs"]:
                if output.get("name") == "stdout" and re.search(r"\d", "".join(output["text"])):
                    return position, output
    raise AssertionError("no compared cell prints a number")


def test_nbval_sees_one_altered_digit(chapter, tmp_path):
    """That the cells pass as they are stored is seen by nbval's own run of the chapter."""
    position, output = _first_number(chapter)
    text = "".join(output["text"])
    output["text"] = re.sub(r"\d", lambda digit: str((int(digit.group()) + 1) % 10), text, count=1)
    chapter["cells"] = chapter["cells"][: position + 1]
    _nbval(chapter, tmp_path, altered=True)


@pytest.mark.parametrize("altered", [False, True])
def test_nbval_sees_an_altered_state_of_an_explorer(altered, tmp_path):
    """What is stored of an explorer is the page's HTML; if nothing compared it, a page could show an outdated state."""
    notebook = json.loads((ROOT / "chapters" / "95-explorers.ipynb").read_text())
    cells = notebook["cells"]
    position = next(n for n, cell in enumerate(cells) if explorers({"cells": [cell]}))
    notebook["cells"] = [*cells[: position + 1]]
    (output,) = cells[position]["outputs"]
    before = "".join(output["data"]["text/html"])
    after = before.replace('"kernel": 3', '"kernel": 5')
    assert after != before
    if altered:
        output["data"]["text/html"] = after
    _nbval(notebook, tmp_path, altered)


def test_a_stored_run_keeps_the_html_of_a_widget_and_no_more(tmp_path):
    cell = nbformat.v4.new_code_cell("from alexnet import explorers\nexplorers.SoftmaxExplorer(true_class=1)")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "chapter.ipynb")
    done = chapters.run(tmp_path / "chapter.ipynb")
    (output,) = done.cells[0].outputs
    assert set(output["data"]) == {"text/html", "text/plain"} and output["metadata"] == {}
    assert '"true_class": 1' in output["data"]["text/html"] and "widgets" not in done.metadata


def _nbval(notebook, tmp_path, altered):
    """Run nbval on the notebook and demand that it fails where something was altered, and only there."""
    (tmp_path / "chapter.ipynb").write_text(json.dumps(notebook))
    (tmp_path / "conftest.py").write_text((ROOT / "conftest.py").read_text())
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval",
        "--nbval-current-env",
        "-p",
        "no:cacheprovider",
        "-q",
        "chapter.ipynb",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == (1 if altered else 0), done.stdout[-2000:]
    passed = len(_code(notebook)) - altered
    assert ("1 failed" in done.stdout) == altered and f"{passed} passed" in done.stdout
