"""Grades a submitted notebook with the tests of its assignment, in a process of its own with limits.

An assignment is a notebook in nbgrader's format (cell metadata, schema 3): course/source/NAME/NAME.ipynb. Its cells are
*given* (locked), *answers* (solution cells, which the student writes) or *tests* (locked, with points). A free text is
an answer with points, which a person must read.

The submission's own order and cells are kept, but every given cell and test is the instructor's: what was changed in
them does not count, and what was deleted is put back. So the same submission gets the same points from
`nbgrader autograde` with course/nbgrader_config.py.

What keeps a submission in its limits is described in `alexnet.sandbox`; `Report.protections` says which of it was in
force. Needs a Unix system; standard library only.
"""

from __future__ import annotations

import ast
import collections
import contextlib
import dataclasses
import json
import math
import os
import re
import secrets
import select
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

SOLUTION = re.compile(r"^([ \t]*)### BEGIN SOLUTION\n.*?### END SOLUTION[^\n]*", re.S | re.M)
HIDDEN = re.compile(r"^[ \t]*### BEGIN HIDDEN TESTS\n.*?### END HIDDEN TESTS[^\n]*\n?", re.S | re.M)
# What nbgrader writes where a solution was (its defaults).
STUB_CODE, STUB_TEXT = "# YOUR CODE HERE\nraise NotImplementedError()", "YOUR ANSWER HERE"
MORE = "that can be the machine's fault: grade again, or with a larger limit"
TOO_LONG = f"this cell ran for more than {{:g}} s and was interrupted; {MORE} (`--cell-seconds`)"


class GradingError(RuntimeError):
    """The submission cannot be graded at all; the message says why and what to do."""


@dataclass(frozen=True)
class Limits:
    """What a submission may use. Seconds of a cell and of all cells; bytes of memory, of one file, of the notebook.

    Seconds have passed when they have by the clock and in processor time too, so that a busy machine costs no points;
    what waits and computes nothing is stopped after `patience` times as many by the clock.
    processes: how many may live at a time, the first included; a chapter's network needs one.
    """

    cell_seconds: float = 120
    seconds: float = 900
    memory: int = 6 * 2**30
    file_bytes: int = 100 * 2**20
    notebook_bytes: int = 20 * 2**20
    processes: int = 32
    patience: float = 5


@dataclass(frozen=True)
class Cell:
    """One cell to run. kind: "given", "answer", "test" or, for a free text, "text". points: of a test or a text."""

    grade_id: str | None
    kind: str
    source: str
    points: float = 0


@dataclass(frozen=True)
class Mark:
    """What a test or a free text got. points: None where a person must read it. reason: why it is not all."""

    name: str
    points: float | None
    of: float
    reason: str | None = None


@dataclass(frozen=True)
class Report:
    """The result. stopped: why the submission was ended early, or None. printed: the end of what it printed.

    failed: other cells that ended in an error, by name, and their errors. protections: which limits were in force on
    this system.
    """

    assignment: str
    marks: tuple[Mark, ...]
    failed: dict[str, str] = field(default_factory=dict)
    stopped: str | None = None
    protections: tuple[str, ...] = ()
    printed: str = ""

    @property
    def points(self) -> float:
        """Points that are certain; free texts that a person must read are not in it."""
        return sum(mark.points or 0 for mark in self.marks)

    @property
    def of(self) -> float:
        """Points of all tests and free texts."""
        return sum(mark.of for mark in self.marks)

    @property
    def to_read(self) -> float:
        """Points that a person has still to give."""
        return sum(mark.of for mark in self.marks if mark.points is None)

    def to_dict(self) -> dict:
        """The report as plain JSON values."""
        return dataclasses.asdict(self) | {"points": self.points, "of": self.of, "to_read": self.to_read}

    def __str__(self) -> str:
        head = f"{self.assignment}: {self.points:g} of {self.of:g} points"
        lines = [head + (f"; a person has {self.to_read:g} to give" if self.to_read else "")]
        for mark in self.marks:
            got = "?" if mark.points is None else f"{mark.points:g}"
            lines.append(f"  {mark.name:<24} {got:>3} / {mark.of:g}" + (f"  {mark.reason}" if mark.reason else ""))
        lines += [f"  in {name}: {error}" for name, error in self.failed.items()]
        if self.stopped:
            lines.append(f"stopped: {self.stopped}")
        lines.append(f"in force: {', '.join(self.protections) or 'nothing'}")
        return "\n".join(lines)


def sources_folder() -> Path:
    """The folder of the assignments in a clone of the book. Raises GradingError where the package stands alone."""
    folder = Path(__file__).resolve().parents[1] / "course" / "source"
    if not folder.is_dir():
        raise GradingError(f"there is no folder {folder}: grade in a clone of the book, or name the folder of sources")
    return folder


def read_notebook(path, largest=Limits.notebook_bytes) -> list[dict]:
    """The cells of a notebook (format 4), their sources joined. Raises GradingError that says what is wrong with it."""
    path = Path(path)
    try:
        if path.stat().st_size > largest:
            raise GradingError(f"{path} has {path.stat().st_size:,} bytes; more than {largest:,} are not read")
        notebook = json.loads(path.read_text(encoding="utf-8"))
        if notebook["nbformat"] != 4:
            raise GradingError(f"{path} has the notebook format {notebook['nbformat']}; save it in format 4")
        return [
            {
                "cell_type": str(cell["cell_type"]),
                "source": "".join(cell["source"]),
                "nbgrader": dict(cell.get("metadata", {}).get("nbgrader", {})),
            }
            for cell in notebook["cells"]
        ]
    except OSError as error:
        raise GradingError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise GradingError(f"{path} is not a notebook ({type(error).__name__}: {error})") from error


def assignments(folder=None) -> dict[str, list[dict]]:
    """The assignments of a folder of sources, by name: their notebooks' cells."""
    folder = Path(folder) if folder else sources_folder()
    found = {
        path.stem: read_notebook(path) for path in sorted(folder.glob("*/*.ipynb")) if path.stem == path.parent.name
    }
    if not found:
        raise GradingError(f"{folder} holds no assignment, no NAME/NAME.ipynb")
    return found


def instructors_cells(notebook) -> list[Cell]:
    """The cells of an assignment that have a grade_id, solutions included. Other cells only speak to the reader."""
    return [
        Cell(meta["grade_id"], _kind(cell), cell["source"], float(meta.get("points") or 0))
        for cell in notebook
        if (meta := cell["nbgrader"]).get("grade_id")
    ]


def released(cell: Cell) -> str:
    """What a student finds in the cell: stubs for solutions, no hidden tests."""
    if cell.kind == "text":
        return STUB_TEXT
    stub = SOLUTION.sub(lambda found: "\n".join(found[1] + line for line in STUB_CODE.split("\n")), cell.source)
    return HIDDEN.sub("", stub).rstrip("\n")


def _kind(cell) -> str:
    meta = cell["nbgrader"]
    if meta.get("solution"):
        return "text" if meta.get("grade") else "answer"
    return "test" if meta.get("grade") else "given"


def merged(assignment, submission) -> list[Cell]:
    """The cells to run: the submission's, with the instructor's given cells and tests in their places.

    assignment, submission: cells as `read_notebook` gives them. Of cells with the same grade_id the last counts, as in
    nbgrader; what is missing is put behind the cell that it follows in the assignment.
    """
    ours = {cell.grade_id: cell for cell in instructors_cells(assignment)}
    last = {cell["nbgrader"].get("grade_id"): number for number, cell in enumerate(submission)}
    cells = []
    for number, cell in enumerate(submission):
        mine = ours.get(cell["nbgrader"].get("grade_id"))
        if mine is not None and last[mine.grade_id] == number:
            theirs = mine.kind in ("answer", "text")
            cells.append(dataclasses.replace(mine, source=cell["source"]) if theirs else mine)
        elif cell["cell_type"] == "code":
            cells.append(Cell(None, "answer", cell["source"]))
    before = None
    for mine in ours.values():
        if mine.grade_id not in last:
            at = 1 + next((i for i, cell in enumerate(cells) if before and cell.grade_id == before), -1)
            empty = mine.kind in ("answer", "text")
            cells.insert(at, dataclasses.replace(mine, source=released(mine)) if empty else mine)
        before = mine.grade_id
    return cells


def whose(submission, known) -> str:
    """The name of the assignment that the submission's cells come from. Raises GradingError where none fits."""
    mine = {cell["nbgrader"].get("grade_id") for cell in submission} - {None}
    shared = {name: len(mine & {cell.grade_id for cell in instructors_cells(cells)}) for name, cells in known.items()}
    best = max(shared, key=lambda name: shared[name])
    if not shared[best]:
        raise GradingError(f"no cell of the submission belongs to an assignment; there are {', '.join(known)}")
    return best


def imported(cells) -> list[str]:
    """The modules that the instructor's cells import."""
    names = []
    for cell in cells:
        if cell.kind in ("given", "test"):
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.Import):
                    names += [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.module:
                    names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return sorted(set(names))


def marks(cells, reasons) -> tuple[Mark, ...]:
    """The marks of a submission. reasons: for each cell that was run, by its number, None or why it failed."""
    found = []
    for number, cell in enumerate(cells):
        if cell.kind == "test":
            reason = reasons.get(number, "not run: the submission had been stopped")
            found.append(Mark(cell.grade_id, 0 if reason else cell.points, cell.points, reason))
        elif cell.kind == "text":
            untouched = cell.source.strip() in (STUB_TEXT, "")
            reason = "no answer" if untouched else "to be read by a person"
            found.append(Mark(cell.grade_id, 0 if untouched else None, cell.points, reason))
    return tuple(found)


def failures(cells, reasons) -> dict[str, str]:
    """The given cells and answers that failed, by name, and why; see `marks`."""
    return {
        place(number, cell): reason
        for number, cell in enumerate(cells)
        if cell.kind != "test" and (reason := reasons.get(number))
    }


def place(number, cell) -> str:
    """What a cell is called in a report: its grade_id, or its number in the notebook, counted from 1."""
    return cell.grade_id or f"cell {number + 1}"


def grade(path, assignment=None, *, sources=None, limits=None) -> Report:
    """Grade the notebook at `path`.

    assignment: its name; None finds it by the cells. sources: the folder of assignments; None takes the clone's.
    Raises GradingError where there is nothing to grade: no notebook, no such assignment, no Unix.
    """
    limits = limits or Limits()
    if os.name != "posix":
        raise GradingError("limits need a Unix system: on Windows grade in WSL, or with nbgrader")
    known, submission = assignments(sources), read_notebook(path, limits.notebook_bytes)
    name = assignment or whose(submission, known)
    if name not in known:
        raise GradingError(f"there is no assignment {name!r}; there are {', '.join(known)}")
    cells = merged(known[name], submission)
    # ignore_cleanup_errors: a submission may have left folders that it forbids to enter.
    with tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True) as folder:
        run = _Run(cells, folder, limits)
        run.all()
    return Report(
        name, marks(cells, run.reasons), failures(cells, run.reasons), run.stopped, tuple(run.protections), run.printed
    )


@dataclass
class _Run:
    """One submission in its process."""

    cells: list[Cell]
    folder: str
    limits: Limits
    reasons: dict[int, str | None] = field(default_factory=dict)
    stopped: str | None = None
    protections: list[str] = field(default_factory=list)

    # Time for a cell that has been interrupted to give up, and for Python to import what the tests need.
    GRACE, START = 15.0, 300.0
    KEPT_OUTPUT = 20_000

    @property
    def printed(self) -> str:
        return b"".join(self._output).decode(errors="replace")[-self.KEPT_OUTPUT :]

    def all(self):
        """Run all cells, or as many as the limits allow."""
        self._output, self._lines, self._rest = collections.deque(), collections.deque(), b""
        self._kept = 0
        command = [sys.executable, "-P", "-m", "alexnet.sandbox"]
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=self.folder, env=self._environment(),
            start_new_session=True,
        ) as self._process:  # fmt: skip
            try:
                self._talk()
            finally:
                self._end()

    def _environment(self):
        package = str(Path(__file__).resolve().parents[1])
        kept = {
            key: value for key, value in os.environ.items() if re.match(r"(PATH|LANG|LC_|OMP_|TF_|KERAS_BACK)", key)
        }
        folders = {"HOME": self.folder, "TMPDIR": self.folder, "MPLCONFIGDIR": self.folder, "KERAS_HOME": self.folder}
        inherited = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
        python = {"PYTHONPATH": os.pathsep.join([package, *inherited]), "PYTHONDONTWRITEBYTECODE": "1"}
        return kept | folders | python | {"TF_CPP_MIN_LOG_LEVEL": "3", "MPLBACKEND": "agg", "ALEXNET_PROFILE": "quick"}

    def _talk(self):
        self._selector = selectors.DefaultSelector()
        for stream in (self._process.stdout, self._process.stderr):
            os.set_blocking(stream.fileno(), False)
            self._selector.register(stream, selectors.EVENT_READ)
        limits = self.limits
        self._send(
            cpu_seconds=limits.seconds * (os.cpu_count() or 1), memory=limits.memory, file_bytes=limits.file_bytes,
            modules=imported(self.cells),
        )  # fmt: skip
        start = self._answer(self.START, interrupt=False)
        if start is None:
            self.stopped = f"Python did not start: {self.stopped}; {self.printed[-500:].strip()}"
            return
        self.protections = start["protections"]
        self._began = self._clocks()
        for number, cell in enumerate(self.cells):
            if cell.kind == "text":
                continue
            token = secrets.token_hex(8)
            # One at a time: a submission finds no test in its process before that test's turn.
            self._send(source=cell.source, kind=cell.kind, token=token)
            answer = self._answer(limits.cell_seconds, token)
            if answer is None:
                self.stopped = f"{self.stopped}, in {place(number, cell)}"
                self.reasons[number] = self.stopped
                return
            self.reasons[number] = answer["reason"]

    def _send(self, **order):
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()

    def _answer(self, seconds, token=None, interrupt=True):
        """The process's next answer that carries the token; None, with `stopped` set, where none came."""
        began, interrupted = self._clocks(), None
        looked = time.monotonic()
        while True:
            while self._lines:
                with contextlib.suppress(ValueError, AttributeError):
                    answer = json.loads(self._lines.popleft())
                    if answer.get("token") == token:
                        if interrupted and answer.get("reason"):
                            answer["reason"] = TOO_LONG.format(seconds)
                        return answer
            now = time.monotonic()
            if now - looked > 0.5:
                looked = now
                if interrupt and self._past(self.limits.seconds, self._began):
                    self.stopped = f"it ran for more than {self.limits.seconds:g} s in all; {MORE} (`--seconds`)"
                    return None
                late = interrupted and now - interrupted > self.GRACE
                if late or (not interrupt and now - began[0] > seconds):
                    self.stopped = f"it ran for more than {seconds:g} s and did not stop when interrupted"
                    return None
                if interrupt and not interrupted and self._past(seconds, began):
                    interrupted = now
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(self._process.pid, signal.SIGINT)
                if self._too_much():
                    return None
            if not self._read() and self._process.poll() is not None and not self._lines:
                self.stopped = f"its process ended ({_ending(self._process.returncode)})"
                return None

    def _clocks(self):
        """Seconds by the clock, and seconds of processor time that the submission's processes have taken."""
        family = _family(self._process.pid)
        # Where the system does not tell, the clock alone decides.
        return time.monotonic(), sum(spent for _, spent in family.values()) if family else math.inf

    def _past(self, seconds, began):
        """Whether so many seconds have passed since `began`, by both clocks; see `Limits`."""
        if time.monotonic() - began[0] <= seconds:
            return False
        now, spent = self._clocks()
        return not spent - began[1] <= seconds or now - began[0] > self.limits.patience * seconds

    def _read(self):
        """Take what the process has written; False where both of its ends are closed."""
        for key, _ in self._selector.select(0.1):
            data = os.read(key.fd, 1 << 16)
            if not data:
                self._selector.unregister(key.fileobj)
            elif key.fileobj is self._process.stdout:
                *lines, self._rest = (self._rest + data).split(b"\n")
                # An answer is short; whatever else is written here has no token.
                self._rest = self._rest[-1_000_000:]
                self._lines.extend(line for line in lines if len(line) < 100_000)
            else:
                self._output.append(data)
                self._kept += len(data)
                while self._kept - len(self._output[0]) > 4 * self.KEPT_OUTPUT:
                    self._kept -= len(self._output.popleft())
        return bool(self._selector.get_map())

    def _too_much(self):
        """Whether all processes of the submission together are too many or too large (Linux); sets `stopped`."""
        family = _family(self._process.pid)
        if len(family) > self.limits.processes:
            self.stopped = f"it started {len(family)} processes; {self.limits.processes} are allowed"
        elif sum(resident for resident, _ in family.values()) > self.limits.memory:
            self.stopped = f"its processes took more than {self.limits.memory / 2**30:.1f} GiB of memory"
        return self.stopped

    def _end(self):
        """Kill the process, all that it started, and see that they are gone."""
        family = [*_family(self._process.pid), self._process.pid]
        with contextlib.ExitStack() as opened:
            ends = []
            for number in family if hasattr(os, "pidfd_open") else ():
                with contextlib.suppress(OSError):
                    ends.append(os.pidfd_open(number))
                    opened.callback(os.close, ends[-1])
            for number in family:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            # A namespace's first process is no child of this one; it ends once the kernel has ended all others in it.
            for end in ends:
                select.select([end], [], [], self.GRACE)


def _ending(code):
    if code < 0:
        return f"signal {signal.Signals(-code).name}"
    return f"exit status {code}"


def _family(root) -> dict[int, tuple[int, float]]:
    """The living process `root`, its descendants and all of its group, by number (Linux).

    Of each the resident bytes, and the seconds of processor time, those of its children that have ended included.
    """
    parents, found = {}, {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            # The name in parentheses may hold anything, spaces and parentheses too.
            fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            if fields[0] != "Z":
                ticks = sum(map(int, fields[11:15]))
                parents[int(entry.name)] = int(fields[1]), int(fields[2]), int(fields[21]), ticks
    page, second = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")
    for number, (_, group, pages, ticks) in parents.items():
        above = number
        while above in parents and above != root:
            above = parents[above][0]
        if above == root or group == root:
            found[number] = pages * page, ticks / second
    return found
