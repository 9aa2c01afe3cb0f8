"""The chapters' coded exercises: each self-check against its solution, its stub and wrong answers; and proof that
the rules can fail."""

import json

import nbformat
import pytest

from conftest import CHAPTERS, ROOT
from exercise_rules import printed_problems, problems

WRONG_ANSWERS = ROOT / "tests" / "wrong_answers"


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_self_checks_accept_the_solution_and_nothing_else(path):
    assert problems(json.loads(path.read_text()), WRONG_ANSWERS / f"{path.stem}.py") == []


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_solutions_print_what_they_say(path):
    assert printed_problems(json.loads(path.read_text())) == []


def test_wrong_answers_belong_to_a_chapter():
    assert {path.stem for path in WRONG_ANSWERS.glob("*.py")} <= {path.stem for path in CHAPTERS}


BEFORE = """
import numpy as np

data = np.arange(12.0)


def samples():
    return [np.array([1.0, 2.0, 6.0]), np.array([-1.0, 0.5])]


def unused(numbers=data):
    return numbers
"""
STUB = """
def mean(numbers):
    return 0.0  # your code here
"""
CHECK = """
def check(function):
    for numbers in samples():
        try:
            answer = float(function(numbers))
        except Exception as error:
            return f"Not yet: it should return one number ({error!r})."
        if not np.allclose(answer, np.mean(numbers)):
            return f"Not yet: of {numbers} it is {np.mean(numbers)}."
    return "Right."


print(check(mean))
"""
SOLUTION = """<details><summary>Solution</summary>

```python
def mean(numbers):
    return sum(numbers) / len(numbers)
```

</details>"""
ANSWERS = '''
import numpy as np


def mean_sum(numbers):
    """Only adds up."""
    return sum(numbers)


def mean_median(numbers):
    """Is the median."""
    return np.median(numbers)


def mean_of_sizes(numbers):
    """Loses the sign."""
    return sum(abs(n) for n in numbers) / len(numbers)


def _helper():
    pass
'''


@pytest.fixture
def toy():
    """A chapter of one exercise in parts, which a test may spoil."""
    return {"before": BEFORE, "stub": STUB, "check": CHECK, "solution": SOLUTION, "answers": ANSWERS, "more": []}


def _problems(toy, folder):
    markdown, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    cells = [code(toy["before"]), markdown("## Exercises\n\n**1. Code it.** Write `mean(numbers)`.")]
    cells += [code(toy["stub"]), code(toy["check"]), markdown(toy["solution"]), *toy["more"]]
    file = folder / "toy.py"
    if toy["answers"]:
        file.write_text(toy["answers"])
    return problems(nbformat.v4.new_notebook(cells=cells), file)


def test_a_good_exercise_is_not_faulted(toy, tmp_path):
    assert _problems(toy, tmp_path) == []


def _swap(part, old, new):
    def spoil(toy):
        assert old in toy[part]
        toy[part] = toy[part].replace(old, new)

    return spoil


def _second_exercise(toy):
    """A second exercise, whose name begins like the first and whose check has another name; without wrong answers."""
    stub, check, solution = (
        toy[part]
        .replace("np.mean(numbers)", "np.square(numbers).mean()")
        .replace("mean(numbers)", "mean_of_squares(numbers)")
        .replace("check", "check_squares")
        .replace("(mean)", "(mean_of_squares)")
        for part in ("stub", "check", "solution")
    )
    solution = solution.replace("sum(numbers)", "sum(numbers**2)")
    cell = nbformat.v4.new_code_cell
    toy["more"] = [cell(stub), cell(check), nbformat.v4.new_markdown_cell(solution)]


TRY = """        try:
            answer = float(function(numbers))
        except Exception as error:
            return f"Not yet: it should return one number ({error!r})."
"""
COMPARE = "not np.allclose(answer, np.mean(numbers))"
SPOILS = {
    "accepts everything": (_swap("check", COMPARE, "False"), "the untouched stub is accepted"),
    "accepts any number": (_swap("check", COMPARE, "answer == 0"), "the wrong answer mean_sum is accepted"),
    "one sample": (_swap("before", ", np.array([-1.0, 0.5])", ""), "the wrong answer mean_of_sizes is accepted"),
    "accepts nan": (_swap("check", COMPARE, "abs(answer - np.mean(numbers)) > 1e-6"), "returns a nan is accepted"),
    "accepts shapes": (_swap("check", "float(", "np.asarray("), "returns the right answer twice is accepted"),
    "rejects its solution": (_swap("check", "np.mean(numbers))", "np.median(numbers))"), "the solution is answered"),
    "another text": (_swap("check", '"Right."', '"Right, well done."'), "not 'Right.'"),
    "raises": (_swap("check", TRY, "        answer = function(numbers)\n"), "makes the check end in TypeError"),
    "raises on a crash": (_swap("check", "Exception", "(TypeError, ValueError)"), "makes the check end in IndexError"),
    "silent": (_swap("check", 'return f"Not yet: of {numbers} it is {np.mean(numbers)}."', "return None"), "with None"),
    "empty": (_swap("check", 'f"Not yet: of {numbers} it is {np.mean(numbers)}."', '"Not yet: "'), "'Not yet: ', not"),
    "needs a variable": (_swap("check", "samples()", "[data]"), "name 'data' is not defined"),
    "no check": (_swap("check", "print(check(mean))", "check(mean)"), "no exercise checks itself"),
    "no name": (_swap("check", "check(mean)", "check(lambda numbers: 0)"), "does not check one function by its name"),
    "no stub": (_swap("stub", "def mean(", "def average("), "no code cell before the check defines it"),
    "stub that fails": (_swap("stub", "def", "missing()\n\n\ndef"), "the stub cannot be run"),
    "stub that is right": (_swap("stub", "0.0", "np.mean(numbers)"), "the untouched stub is accepted"),
    "no solution": (_swap("solution", "def mean(", "def average("), "there is no solution"),
    "solution in the open": (_swap("solution", "<details>", ""), "there is no solution"),
    "solution with a mistake": (_swap("solution", "sum(numbers)", "sum(number)"), "the solution is answered"),
    "solution that is no Python": (_swap("solution", "sum(numbers)", "sum(numbers"), "the solution cannot be run"),
    "solution of another form": (_swap("solution", "mean(numbers)", "mean(numbers, n=1)"), "the solution takes other"),
    "no file": (lambda toy: toy.update(answers=""), "there is no file of wrong answers"),
    "too few": (_swap("answers", "def mean_sum", "def _mean_sum"), "2 wrong answers"),
    "stray": (_swap("answers", "def mean_sum", "def median_sum"), "median_sum belongs to no exercise"),
    "right one among them": (
        _swap("answers", "return sum(numbers)", "return np.mean(numbers)"),
        "mean_sum is accepted",
    ),
    "cannot run": (_swap("answers", "np.median", "numpy.median"), "the wrong answer mean_median cannot be run"),
    "other arguments": (_swap("answers", "mean_sum(numbers)", "mean_sum()"), "mean_sum takes other arguments"),
    "no docstring": (_swap("answers", '    """Only adds up."""\n', ""), "mean_sum has no docstring"),
    "second without answers": (_second_exercise, "mean_of_squares: 0 wrong answers"),
}


@pytest.mark.parametrize("name", SPOILS)
def test_a_spoilt_exercise_is_found(toy, name, tmp_path):
    spoil, expected = SPOILS[name]
    spoil(toy)
    found = _problems(toy, tmp_path)
    assert any(expected in problem for problem in found), found


PRINTED = """<details><summary>Solution</summary>

```python
print("the mean is", mean(samples()[0]))
```

It prints:

```text
the mean is 3.0
```

</details>"""


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [("", "", None), ("is 3.0", "is 3.1", "and not"), ("mean(", "median(", "cannot be run"), ("text\n", "\n", None)],
)
def test_a_solution_that_prints_something_else_is_found(toy, old, new, problem):
    markdown, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    answer = code("def mean(numbers):\n    return np.mean(numbers)")
    cells = [code(toy["before"]), answer, markdown(PRINTED.replace(old, new) if old else PRINTED)]
    found = printed_problems(nbformat.v4.new_notebook(cells=cells))
    assert [problem in text for text in found] == [True] if problem else found == []


def test_trials_are_kept_apart(toy, tmp_path):
    """What one answer leaves behind in the chapter's names must not help or harm the next."""
    toy["check"] = "asked = []\n" + toy["check"].replace(
        "for numbers in", "asked.append(function)\n    for numbers in [] if len(asked) > 1 else"
    )
    toy["answers"] = toy["answers"].replace("return sum(numbers)", "calls.append(1)\n    return len(calls) * 1e9")
    toy["answers"] = toy["answers"].replace("import numpy as np", "import numpy as np\n\ncalls = []")
    assert _problems(toy, tmp_path) == []


def test_exercises_are_kept_apart(toy, tmp_path):
    """Two exercises in a chapter: each has its own check, solution and wrong answers, and both can be good."""
    _second_exercise(toy)
    toy["answers"] += toy["answers"].replace("mean_", "mean_of_squares_")
    toy["answers"] = toy["answers"].replace("mean_of_sizes", "mean_without_sign")
    assert _problems(toy, tmp_path) == []
