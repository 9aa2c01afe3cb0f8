"""The assignments: solutions, releases and wrong answers, by nbgrader's own commands and by the plain grader."""

import ast
import copy
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import pytest

from alexnet import __main__ as cli
from alexnet import grading, sandbox
from conftest import ROOT

COURSE = ROOT / "course"
KNOWN = grading.assignments()
WRONG = ROOT / "tests" / "wrong_submissions"
# Some right answers and some wrong ones, to be graded both ways.
MIXED = {
    "table-and-network": ["convolution_counts_biases_as_macs", "sees_two_groups_only", "build_with_softmax"],
    "make-it-learn": ["began_knows_only_ten_classes", "fan_in_counts_the_units", "cure_changes_the_rate_only"],
    "look-inside": ["awake_by_sum", "occlusion_over_the_edge", "agreed_on_the_mean"],
}


def load(name):
    return json.loads((COURSE / "source" / name / f"{name}.ipynb").read_text())


def wrong(name):
    path = WRONG / f"{name.replace('-', '_')}.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return path.read_text(), module


def defined(source):
    return {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}


def replaces(name, function):
    """The answer that a wrong answer stands for, and the cell that holds it."""
    answers = {
        answer: cell.grade_id
        for cell in grading.instructors_cells(KNOWN[name])
        if cell.kind == "answer"
        for answer in defined(cell.source)
    }
    whose = max((answer for answer in answers if function.startswith(answer + "_")), key=len)
    return whose, answers[whose]


def points(name, kind="test"):
    return {cell.grade_id: cell.points for cell in grading.instructors_cells(KNOWN[name]) if cell.kind == kind}


def with_wrong(name, functions):
    """The solved notebook with a cell of the student's own behind each answer that is to be replaced."""
    notebook, source = load(name), wrong(name)[0]
    for function in functions:
        answer, cell_id = replaces(name, function)
        at = next(i for i, cell in enumerate(notebook["cells"]) if cell["id"] == cell_id)
        own = copy.deepcopy(notebook["cells"][at]) | {"metadata": {}, "id": function.replace("_", "-")}
        own["source"] = f"{source}\n\n{answer} = {function}\n"
        notebook["cells"].insert(at + 1, own)
    return notebook


def untouched(name):
    """The notebook as it is released, made without nbgrader."""
    notebook = load(name)
    cells = {cell.grade_id: cell for cell in grading.instructors_cells(KNOWN[name])}
    for cell in notebook["cells"]:
        if cell["id"] in cells:
            cell["source"] = grading.released(cells[cell["id"]])
    return notebook


def lost(marks):
    return {mark.name: mark.reason for mark in marks if not mark.points and mark.points is not None}


# The sources


def test_three_assignments_with_points_in_nbgraders_format():
    assert set(KNOWN) == set(MIXED)
    for name in KNOWN:
        marked = [cell["metadata"]["nbgrader"] for cell in load(name)["cells"] if cell["metadata"]]
        assert len({meta["grade_id"] for meta in marked}) == len(marked)
        assert {meta["schema_version"] for meta in marked} == {3}
        assert sum(points(name).values()) + sum(points(name, "text").values()) == 20
        for cell in load(name)["cells"]:
            meta = cell["metadata"].get("nbgrader", {})
            if cell["cell_type"] == "code":
                assert meta.get("solution") or meta.get("locked"), cell["id"]
                assert cell["outputs"] == [] and cell["execution_count"] is None


def test_every_test_tries_more_than_it_shows():
    for name, cells in KNOWN.items():
        for cell in grading.instructors_cells(cells):
            if cell.kind == "test":
                shown = grading.released(cell)
                hidden = len(re.findall(r"\bassert\b", cell.source)) - len(re.findall(r"\bassert\b", shown))
                assert hidden >= 1 or "for seed in" in cell.source, f"{cell.grade_id} of {name}"


# The plain grader's tests, in this process: TensorFlow is imported once for all of them


class Solved:
    """An assignment that has been run, solved or as submitted; its tests can run again with an answer replaced."""

    def __init__(self, name, submission=None):
        self.cells = grading.merged(KNOWN[name], KNOWN[name] if submission is None else submission)
        self.process = sandbox.Cells(grading.imported(self.cells))
        reasons = {
            number: self.process.run(cell.source, cell.kind)
            for number, cell in enumerate(self.cells)
            if cell.kind != "text"
        }
        self.marks, self.failures = grading.marks(self.cells, reasons), grading.failures(self.cells, reasons)

    def depends_on(self, answer):
        """The tests that use the answer, or something that uses it; to no other can it make a difference."""
        changed, tests = {answer}, []
        for cell in self.cells:
            if cell.kind == "text":
                continue
            for node in ast.parse(cell.source).body:
                if isinstance(node, ast.FunctionDef) and changed & names(node) and cell.kind != "test":
                    changed.add(node.name)
            if cell.kind == "test" and changed & names(ast.parse(cell.source)):
                tests.append(cell)
        return tests

    def loses(self, source, answer, function):
        """The tests that fail with the answer replaced."""
        kept = dict(self.process.names)
        assert self.process.run(f"{source}\n\n{answer} = {function}", "answer") is None
        failed = {cell.grade_id for cell in self.depends_on(answer) if self.process.run(cell.source, "test")}
        self.process.names.clear()
        self.process.names.update(kept)
        return failed


def names(tree):
    """The names that a cell or a function uses, its own arguments left out."""
    arguments = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - arguments


@pytest.fixture(scope="module", params=sorted(KNOWN))
def solved(request):
    return request.param, Solved(request.param)


def test_the_solution_gets_full_marks(solved):
    name, assignment = solved
    assert assignment.failures == {} and lost(assignment.marks) == {}
    assert sum(mark.points or 0 for mark in assignment.marks) == sum(points(name).values())
    assert {mark.name for mark in assignment.marks if mark.points is None} == set(points(name, "text"))


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_the_untouched_release_gets_nothing(name, tmp_path):
    path = tmp_path / "mine.ipynb"
    path.write_text(json.dumps(untouched(name)))
    idle = Solved(name, grading.read_notebook(path))
    assert grading.whose(grading.read_notebook(path), KNOWN) == name
    assert {mark.points for mark in idle.marks} == {0} and len(idle.marks) == len(points(name) | points(name, "text"))
    assert {mark.reason for mark in idle.marks} <= {"NotImplementedError", "no answer"}
    assert idle.failures == {}, "the cells of the release can be run before anything is answered"


def test_wrong_answers_lose_their_points_and_no_others(solved):
    name, assignment = solved
    source, module = wrong(name)
    assert set(module.LOSES) == {f for f in defined(source) if not f.startswith("_")}
    assert len([f for f, tests in module.LOSES.items() if tests]) >= 5
    assert set().union(*module.LOSES.values()) == set(points(name)), "every test turns something down"
    assert all(vars(module)[function].__doc__ for function in module.LOSES)
    found = {function: assignment.loses(source, replaces(name, function)[0], function) for function in module.LOSES}
    assert found == module.LOSES


# nbgrader's own commands, and the plain grader's process beside them


def nbgrader(folder, *words, fails=False):
    home = {"HOME": str(folder), "JUPYTER_CONFIG_DIR": str(folder / "no"), "IPYTHONDIR": str(folder / "no")}
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *words],
        cwd=folder, env=os.environ | home, capture_output=True, text=True, timeout=800,
    )  # fmt: skip
    assert (done.returncode != 0) == fails, done.stderr[-3000:]
    return done.stderr


def new_course(folder, sources):
    folder.mkdir(exist_ok=True)
    shutil.copy(COURSE / "nbgrader_config.py", folder)
    shutil.copytree(sources, folder / "source", ignore=shutil.ignore_patterns("ruff.toml"))
    for name in grading.assignments(sources):
        nbgrader(folder, "generate_assignment", name)
    return folder


def submit(folder, student, name, notebook):
    path = folder / "submitted" / student / name / f"{name}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(notebook))
    return path


def gradebook(folder, name, student):
    """What nbgrader gave: points of every test, None for a text that a person must read."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        grades = book.find_submission_notebook(name, name, student).grades
        return {grade.name: grade.auto_score for grade in grades}


@pytest.fixture(scope="module", autouse=True)
def activated():
    """As in an activated environment: nbgrader starts alembic by its name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
        yield


@pytest.fixture(scope="module")
def course(activated, tmp_path_factory):
    return new_course(tmp_path_factory.mktemp("course") / "course", COURSE / "source")


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_nbgrader_and_the_plain_grader_give_equal_points(course, name):
    release = course / "release" / name / f"{name}.ipynb"
    text = release.read_text()
    assert "SOLUTION" not in text and "HIDDEN" not in text
    cells = {cell.grade_id: cell for cell in grading.instructors_cells(KNOWN[name])}
    made = [cell for cell in json.loads(text)["cells"] if cell["metadata"].get("nbgrader")]
    assert len(made) == len(cells)
    for cell in made:
        theirs, ours = "".join(cell["source"]), grading.released(cells[cell["metadata"]["nbgrader"]["grade_id"]])
        assert theirs.strip() == ours.strip(), "the plain grader knows what nbgrader releases"

    submit(course, "solver", name, load(name))
    submit(course, "idler", name, json.loads(text))
    mixed = submit(course, "other", name, with_wrong(name, MIXED[name]))
    nbgrader(course, "autograde", name)
    nbgrader(course, "generate_feedback", name, "--student=other")

    tests, texts = points(name), points(name, "text")
    assert gradebook(course, name, "solver") == tests | dict.fromkeys(texts)
    assert gradebook(course, name, "idler") == dict.fromkeys(tests | texts, 0)
    due = set().union(*(wrong(name)[1].LOSES[function] for function in MIXED[name]))
    expected = {test: 0 if test in due else worth for test, worth in tests.items()}
    assert gradebook(course, name, "other") == expected | dict.fromkeys(texts)
    page = (course / "feedback" / "other" / name / f"{name}.html").read_text()
    assert f"{sum(expected.values()):g}" in page and "AssertionError" in page

    report = grading.grade(mixed, sources=course / "source")
    assert report.assignment == name and report.stopped is None and report.failed == {}
    assert {mark.name: mark.points for mark in report.marks} == expected | dict.fromkeys(texts)
    assert report.points == sum(expected.values()) and report.to_read == sum(texts.values()) and report.of == 20


# Mischief, with an assignment that needs no Keras

ANSWER = "def double(x):\n    return 2 * x\n"
SOLUTION = "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION\n"
TEST = (
    'import math\n\nassert math.isclose(double(2), 4), "twice 2 is 4"\n'
    "### BEGIN HIDDEN TESTS\nassert abs(double(-3)) == 6 and isinstance(double(1), int)\n### END HIDDEN TESTS"
)
SECOND = (
    "assert half(8) == LIMIT, 'half of 8 is 4'\n### BEGIN HIDDEN TESTS\nassert half(1) == 0.5\n### END HIDDEN TESTS"
)


def cell(kind, name, source, worth=None):
    grade, solution, locked = {
        "given": (False, False, True),
        "answer": (False, True, False),
        "test": (True, False, True),
        "text": (True, True, False),
    }[kind]
    meta = {
        "grade": grade,
        "grade_id": name,
        "locked": locked,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    if worth:
        meta["points"] = worth
    made = {"cell_type": "code", "id": name, "metadata": {"nbgrader": meta}, "source": source}
    if kind == "text":
        return made | {"cell_type": "markdown"}
    return made | {"execution_count": None, "outputs": []}


def toy(answer=ANSWER, half="def half(x):\n    return x / 2\n", test=TEST, text="YOUR ANSWER HERE", before=()):
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    cells = [
        cell("given", "setup", "import math\n\nLIMIT = 4"),
        *({"cell_type": "code", "id": f"own-{n}", "metadata": {}, "source": s, "execution_count": None, "outputs": []}
          for n, s in enumerate(before)),
        cell("answer", "double-answer", answer),
        cell("test", "double", test, 2),
        cell("answer", "half-answer", half),
        cell("test", "half", SECOND, 1),
        cell("text", "why", text, 3),
    ]  # fmt: skip
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture
def graded(tmp_path):
    """graded(notebook, **limits): the report on a submission to the toy assignment."""
    source = tmp_path / "source" / "toy" / "toy.ipynb"
    source.parent.mkdir(parents=True)
    source.write_text(json.dumps(toy(SOLUTION)))

    def grade(notebook, **limits):
        path = tmp_path / "submission.ipynb"
        path.write_text(json.dumps(notebook))
        return grading.grade(path, sources=tmp_path / "source", limits=grading.Limits(**{"cell_seconds": 60} | limits))

    return grade


def got(report):
    return {mark.name: mark.points for mark in report.marks}


RIGHT = {"double": 2, "half": 1, "why": 0}
FIRST_LOST = {"double": 0, "half": 1, "why": 0}
ALL_LOST = {"double": 0, "half": 0, "why": 0}


def test_a_right_answer_and_a_text(graded):
    report = graded(toy(text="Because."))
    assert got(report) == {"double": 2, "half": 1, "why": None}
    assert (report.points, report.of, report.to_read, report.stopped, report.failed) == (3, 6, 3, None, {})


def test_a_test_that_fails_says_why(graded):
    report = graded(toy("def double(x):\n    return 5"))
    assert got(report) == FIRST_LOST and report.marks[0].reason == "twice 2 is 4"
    assert "twice 2 is 4" in str(report)


def test_a_cell_that_fails_is_named(graded):
    report = graded(toy("1 / 0\n" + ANSWER))
    assert report.failed == {"double-answer": "ZeroDivisionError: division by zero"}
    assert report.marks[0].reason.startswith("NameError")


def test_an_endless_cell_is_interrupted_and_the_rest_still_counts(graded):
    report = graded(toy("while True:\n    pass"), cell_seconds=1)
    assert got(report) == FIRST_LOST and report.stopped is None
    assert "more than 1 s" in report.failed["double-answer"] and "--cell-seconds" in report.failed["double-answer"]


def test_a_cell_that_had_to_wait_for_the_machine_is_no_slow_one(graded):
    waits = "import time\ntime.sleep(2)\n"
    assert got(graded(toy(waits + ANSWER), cell_seconds=1)) == RIGHT
    report = graded(toy("import time\ntime.sleep(60)"), cell_seconds=1, patience=2)
    assert got(report) == FIRST_LOST and report.stopped is None
    assert "more than 1 s" in report.failed["double-answer"]


def test_the_time_of_children_counts(graded):
    burn = "import os, signal\nif os.fork() == 0:\n    while True:\n        pass\nos.wait()"
    began = time.monotonic()
    report = graded(toy(burn), cell_seconds=1, patience=100)
    assert got(report) == FIRST_LOST and time.monotonic() - began < 60


def test_an_endless_answer_is_interrupted_in_its_test(graded):
    report = graded(toy("def double(x):\n    while True:\n        pass"), cell_seconds=1)
    assert got(report) == FIRST_LOST and "more than 1 s" in report.marks[0].reason


def test_an_endless_cell_that_ignores_interrupts_is_killed(graded, monkeypatch):
    monkeypatch.setattr(grading._Run, "GRACE", 0.5)
    stubborn = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    pass"
    report = graded(toy(half=stubborn), cell_seconds=1)
    assert got(report) == {"double": 2, "half": 0, "why": 0}, "what was earned before counts"
    assert "did not stop" in report.stopped and "half-answer" in report.stopped


def test_many_slow_cells_are_stopped_in_all(graded):
    report = graded(toy(before=["import time\ntime.sleep(1)"] * 9), seconds=1, patience=3)
    assert got(report) == ALL_LOST and "1 s in all" in report.stopped and "--seconds" in report.stopped


def test_processor_time_is_limited(graded):
    # All threads of a process together: here one, for longer than `seconds` on every core.
    burn = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    pass"
    report = graded(toy(burn), seconds=1)
    assert got(report) == ALL_LOST and report.stopped


def test_memory_is_limited(graded):
    report = graded(toy(before=["much = bytearray(3 * 2**30)"]), memory=2**30)
    assert got(report) == RIGHT and report.failed["cell 2"].startswith("MemoryError")
    hoard = "def double(x):\n    hoard = []\n    while True:\n        hoard.append(bytearray(2**24))"
    report = graded(toy(hoard), memory=2**29)
    assert got(report) == FIRST_LOST and report.marks[0].reason.startswith("MemoryError")


def test_memory_of_many_processes_is_added_up(graded):
    hoard = (
        "import os, time\nfor _ in range(3):\n    if os.fork() == 0:\n"
        "        much = bytearray(b'x') * 300_000_000\n        time.sleep(60)\ntime.sleep(60)"
    )
    report = graded(toy(hoard), memory=2**29)
    assert got(report) == ALL_LOST and "memory" in report.stopped


def alive(word):
    """The processes whose command line or environment holds the word."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if word.encode() in text:
            found.append(entry.name)
    return found


def test_processes_that_it_leaves_behind_are_killed(graded, tmp_path):
    word = f"left-behind-{os.getpid()}-{time.time_ns()}"
    leave = (
        "import subprocess, sys\n"
        f"command = [sys.executable, '-c', 'import time; time.sleep(300)', '{word}']\n"
        "for own in (False, True):\n    subprocess.Popen(command, start_new_session=own)\n"
    )
    report = graded(toy(leave + ANSWER))
    assert got(report) == RIGHT
    if "own processes" not in report.protections:
        pytest.skip("this system gives no process namespace; a process with a session of its own survives here")
    assert alive(word) == []


def test_a_swarm_of_processes_is_stopped(graded):
    swarm = "import os, time\nfor _ in range(40):\n    if os.fork() == 0:\n        time.sleep(300)\ntime.sleep(300)"
    report = graded(toy(swarm))
    assert got(report) == ALL_LOST and "processes" in report.stopped


def test_a_copy_of_the_process_does_not_speak_for_it(graded):
    report = graded(toy("import os\nos.fork()\n" + ANSWER))
    assert got(report) == RIGHT


@pytest.mark.parametrize("way", ["import sys\nsys.exit(0)", "raise SystemExit", "exit()", "raise KeyboardInterrupt"])
def test_leaving_python_ends_one_cell(graded, way):
    report = graded(toy(way))
    assert got(report) == FIRST_LOST and report.stopped is None


def test_killing_the_process_ends_the_submission(graded):
    report = graded(toy(half="import os\nos._exit(0)"))
    assert got(report) == {"double": 2, "half": 0, "why": 0} and "process ended" in report.stopped


def test_printing_megabytes_is_drained_and_not_kept(graded):
    loud = "def half(x):\n    for _ in range(30):\n        print('x' * 10**6)\n    print('the end')\n    return x / 2"
    tracemalloc.start()
    try:
        report = graded(toy(half=loud))
        assert tracemalloc.get_traced_memory()[1] < 10e6, "the most that was held of 60 MB"
    finally:
        tracemalloc.stop()
    assert got(report) == RIGHT and report.printed.endswith("the end\n") and len(report.printed) <= 20_000


def test_a_huge_file_is_refused(graded):
    report = graded(toy("with open('big', 'wb') as f:\n    f.write(bytes(2**21))\n"), file_bytes=2**20)
    assert report.failed["double-answer"].startswith("OSError")


def test_files_outside_are_out_of_reach(graded, tmp_path):
    victim = tmp_path / "victim.txt"
    victim.write_text("precious")
    acts = [
        f"import os\nos.remove({str(victim)!r})",
        f"open({str(victim)!r}, 'w')",
        f"print(open({str(victim)!r}).read())",
        f"import shutil\nshutil.rmtree({str(tmp_path)!r})",
        "open('own.txt', 'w').write('this is allowed')",
    ]
    report = graded(toy(before=acts))
    if "writes only its own folder" not in report.protections:
        pytest.skip("this kernel has no Landlock, so files outside are not protected here")
    assert victim.read_text() == "precious" and "precious" not in report.printed
    assert set(report.failed) == {"cell 2", "cell 3", "cell 4", "cell 5"} and got(report) == RIGHT
    assert all("Permission denied" in reason for reason in report.failed.values())


def test_the_solutions_are_out_of_reach(graded):
    source = COURSE / "source" / "look-inside" / "look-inside.ipynb"
    report = graded(toy(before=[f"print(open({str(source)!r}).read())"]))
    if "reads only Python and the book's code" not in report.protections:
        pytest.skip("this kernel has no Landlock, so the solutions are readable here")
    assert "Permission denied" in report.failed["cell 2"] and report.printed == ""


def test_there_is_no_network(graded):
    with (
        socket.create_server(("127.0.0.1", 0)) as stream,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as packets,
    ):
        packets.bind(("127.0.0.1", 0))
        packets.setblocking(False)
        here, there = stream.getsockname(), packets.getsockname()
        report = graded(
            toy(
                before=[
                    f"import socket\nsocket.create_connection({here}, 5)",
                    f"import socket\nsocket.socket(type=socket.SOCK_DGRAM).sendto(b'x', {there})",
                ]
            )
        )
        if "no network" not in report.protections:
            pytest.skip("this system gives no network namespace")
        assert set(report.failed) == {"cell 2", "cell 3"}
        with pytest.raises(BlockingIOError):
            packets.recv(1)


def test_tampered_and_deleted_tests_do_not_count(graded):
    cheat = toy("def double(x):\n    return 0", test="pass")
    assert got(graded(cheat)) == FIRST_LOST
    worth = toy("def double(x):\n    return 0")
    worth["cells"][4]["metadata"]["nbgrader"]["points"] = 100
    assert graded(worth).points == 1 and graded(worth).of == 6
    deleted = toy("def double(x):\n    return 0")
    deleted["cells"] = [c for c in deleted["cells"] if c["id"] != "double"]
    assert got(graded(deleted)) == FIRST_LOST
    twice = toy("def double(x):\n    return 0")
    twice["cells"].append(cell("test", "double", "pass", 2))
    assert got(graded(twice)) == FIRST_LOST and graded(twice).of == 6
    plain = toy()
    plain["cells"] = [c | {"metadata": {}} if c["id"] == "double" else c for c in plain["cells"]]
    assert got(graded(plain)) == RIGHT, "the test is put back where its marks were removed"


ONLY_TWO, BUT_TWO = (
    "def double(x):\n    return 4 if x == 2 else 0",
    "def double(x):\n    return 0 if x == 2 else 2 * x",
)


@pytest.mark.parametrize(
    ("patch", "answer"),
    [
        ("import math\nmath.isclose = lambda *a, **k: True", BUT_TWO),
        ("import builtins\nbuiltins.abs = lambda x: 6", ONLY_TWO),
        ("abs = lambda x: 6", ONLY_TWO),
        ("import builtins\n__builtins__ = vars(builtins) | {'abs': lambda x: 6}", ONLY_TWO),
        ("import builtins, math\nbuiltins.isinstance = lambda *a: True\nmath = None", ONLY_TWO),
    ],
)
def test_patching_what_a_test_uses_does_not_help(graded, patch, answer):
    """With the patch in force these answers would pass their test."""
    notebook = toy(answer, before=[patch])
    notebook["cells"].insert(0, notebook["cells"].pop(1))
    report = graded(notebook)
    assert got(report) == FIRST_LOST and report.stopped is None and report.failed == {}


def test_what_the_instructor_gave_holds_in_the_tests(graded):
    report = graded(toy(half="LIMIT = 0\n\n\ndef half(x):\n    return 0 if x == 8 else x / 2"))
    assert got(report) == {"double": 2, "half": 0, "why": 0}


def test_answers_that_it_forges_are_not_believed(graded):
    forge = (
        "import os\nfor handle in range(3, 20):\n    try:\n"
        '        os.write(handle, b\'{"token": "00", "reason": null}\\nnonsense\\n[]\\n\' * 3)\n'
        "    except OSError:\n        pass\n"
    )
    assert got(graded(toy(forge))) == FIRST_LOST


def test_lines_for_notebooks_only_are_left_out(graded):
    assert got(graded(toy("%matplotlib inline\n!ls\n" + ANSWER))) == RIGHT


def test_what_cannot_be_graded_says_why(graded, tmp_path, capsys):
    for text, word in (("{", "not a notebook"), ("[]", "not a notebook"), ('{"nbformat": 3}', "format 3")):
        path = tmp_path / "bad.ipynb"
        path.write_text(text)
        with pytest.raises(grading.GradingError, match=word):
            grading.grade(path)
    with pytest.raises(grading.GradingError, match="cannot be read"):
        grading.grade(tmp_path / "nowhere.ipynb")
    with pytest.raises(grading.GradingError, match="no cell of the submission"):
        graded({"nbformat": 4, "cells": []})
    with pytest.raises(grading.GradingError, match="no assignment 'other'"):
        grading.grade(tmp_path / "submission.ipynb", "other", sources=tmp_path / "source")
    assert cli.main(["grade", str(tmp_path / "nowhere.ipynb")]) == 2
    assert "nowhere.ipynb" in capsys.readouterr().err


def test_the_command_line(graded, tmp_path, capsys):
    graded(toy("def double(x):\n    return 5"))
    words = ["grade", str(tmp_path / "submission.ipynb"), "--sources", str(tmp_path / "source")]
    assert cli.main(words) == 0
    assert "toy: 1 of 6 points" in capsys.readouterr().out
    assert cli.main([*words, "--json", "--assignment", "toy"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["points"] == 1 and report["marks"][0]["reason"] == "twice 2 is 4"


def test_nbgrader_treats_mischief_alike(graded, tmp_path):
    """Stock nbgrader stops an endless cell too, puts tests back, and gives the same points."""
    graded(toy())
    folder = new_course(tmp_path / "course", tmp_path / "source")
    tampered, deleted = toy("def double(x):\n    return 0", test="pass"), toy("def double(x):\n    return 0")
    deleted["cells"] = [c for c in deleted["cells"] if c["id"] != "double"]
    noisy = toy("import sys\n\n\ndef double(x):\n    print('a warning', file=sys.stderr)\n    return 2 * x")
    submissions = {
        "endless": toy("while True:\n    pass"),
        "tampered": tampered,
        "deleted": deleted,
        "leaver": toy("raise SystemExit"),
        "noisy": noisy,
    }
    for student, notebook in submissions.items():
        submit(folder, student, "toy", notebook)
    nbgrader(folder, "autograde", "toy", "--Execute.timeout=5")
    for student, notebook in submissions.items():
        assert gradebook(folder, "toy", student) == got(graded(notebook, cell_seconds=2)), student
