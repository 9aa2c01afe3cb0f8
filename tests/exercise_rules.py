"""What a coded exercise with a self-check must be: its check accepts the folded solution and turns down the rest.

Of a chapter only imports, functions and classes are executed, so that a check costs no training and depends on none.
What a solution says that its code prints, a ```text block after a ```python block, is what it prints.
"""

import ast
import contextlib
import functools
import inspect
import io
import itertools
import re
import warnings
from dataclasses import dataclass

import numpy as np

RIGHT, NOT_YET = "Right.", "Not yet: "
FEWEST_WRONG_ANSWERS = 3
FOLDED = re.compile(r"<details[^>]*>.*?</details>", re.S)
PYTHON = re.compile(r"^```python\n(.*?)^```", re.S | re.M)
FENCED = re.compile(r"^```(python|text)\n(.*?)^```", re.S | re.M)
DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def problems(notebook, wrong_answers):
    """A sentence for everything that breaks a rule, in the notebook (as JSON) or in the file of its wrong answers."""
    exercises, found = self_checks(notebook)
    if not exercises and not found:
        found.append("no exercise checks itself: no code cell ends with print(check(NAME))")
    if not wrong_answers.exists():
        return [*found, f"there is no file of wrong answers, tests/wrong_answers/{wrong_answers.name}"]
    seeds = {exercise.name: [] for exercise in exercises}
    for seed in _functions(wrong_answers):
        # The longest name, or scale_rows_by_one would also count as a wrong answer to scale.
        whose = max((name for name in seeds if seed.startswith(name + "_")), key=len, default=None)
        if whose:
            seeds[whose].append(seed)
        else:
            found.append(f"the wrong answer {seed} belongs to no exercise ({', '.join(seeds) or 'there is none'})")
    for exercise in exercises:
        found += [f"{exercise.name}: {problem}" for problem in _problems(exercise, wrong_answers, seeds[exercise.name])]
    return found


def _problems(exercise, wrong_answers, seeds):
    if not exercise.stub:
        return ["no code cell before the check defines it"]
    if not exercise.solutions:
        return ["no ```python block in a <details> defines it, so there is no solution"]
    found = []
    try:
        stub = exercise.define(exercise.stub)
    except Exception as error:
        return [f"the stub cannot be run behind the chapter's imports and functions, it ends in {error!r}"]
    for source in exercise.solutions:
        try:
            solution = exercise.define(source)
        except Exception as error:
            return [f"the solution cannot be run, it ends in {error!r}"]
        said = exercise.said(solution)
        if said != RIGHT:
            found.append(f"the solution is answered with {said!r}, not {RIGHT!r}")
        if _arguments(solution) != _arguments(stub):
            found.append("the solution takes other arguments than the stub")
    tried = {"the untouched stub": stub}
    tried.update({f"an answer that {name.replace('_', ' ')}": make(solution) for name, make in ODD.items()})
    found += [problem for what, function in tried.items() for problem in _not_turned_down(exercise, what, function)]
    if len(seeds) < FEWEST_WRONG_ANSWERS:
        found.append(f"{len(seeds)} wrong answers, named {exercise.name}_..., where {FEWEST_WRONG_ANSWERS} are due")
    for seed in seeds:
        function, broken = _functions(wrong_answers)[seed], []
        found += _not_turned_down(exercise, f"the wrong answer {seed}", _watched(function, broken))
        if broken:
            found.append(f"the wrong answer {seed} cannot be run, it ends in {broken[0]!r}")
        # What Python itself turns down does not try the check.
        if _arguments(function) != _arguments(stub):
            found.append(f"the wrong answer {seed} takes other arguments than the stub")
        if not inspect.getdoc(function):
            found.append(f"the wrong answer {seed} has no docstring that says what is wrong")
    return found


def _not_turned_down(exercise, what, function):
    said = exercise.said(function)
    if isinstance(said, Exception):
        yield f"{what} makes the check end in {said!r}"
    elif isinstance(said, str) and said.startswith("Right"):
        yield f"{what} is accepted"
    elif not isinstance(said, str) or not said.startswith(NOT_YET) or said == NOT_YET:
        yield f"{what} is answered with {said!r}, not with {NOT_YET!r} and what is wrong"


def printed_problems(notebook):
    """A sentence for every folded solution whose code does not print the text that stands below it."""
    space, found = {"__name__": "chapter"}, []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            _define(ast.parse(source).body, space)
            continue
        blocks = [block for part in FOLDED.findall(source) for block in FENCED.findall(part)]
        for (kind, code), (below, said) in itertools.pairwise(blocks):
            if (kind, below) != ("python", "text"):
                continue
            printed = io.StringIO()
            try:
                with contextlib.redirect_stdout(printed):
                    _execute(ast.parse(code).body, dict(space))
            except Exception as error:
                found.append(f"a solution cannot be run, it ends in {error!r}")
                continue
            if printed.getvalue().split() != said.split():
                found.append(f"a solution prints {printed.getvalue()!r} and not {said!r}")
    return found


@dataclass
class SelfCheck:
    """A cell that ends with print(check(NAME)), and what belongs to it.

    name: of the function to be written. check: of the one that checks it. cell: the check's cell without its last
    statement. before: imports, functions and classes of all earlier cells but the stub's. stub, solutions: source.
    """

    name: str
    check: str
    cell: list
    before: list
    stub: str | None
    solutions: list

    def _namespace(self):
        space = {"__name__": "chapter"}
        _define(self.before, space)
        return space

    def define(self, source):
        """The function that the source defines, in a fresh namespace of the chapter."""
        space = self._namespace()
        _execute(ast.parse(source).body, space)
        return space[self.name]

    def said(self, function):
        """What the check returns for the function, or the exception in which it ends; in a fresh namespace."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                space = self._namespace()
                space[self.name] = function
                _execute(self.cell, space)
                return space[self.check](function)
            except Exception as error:
                return error


def self_checks(notebook):
    """The notebook's self-checks, and a sentence for every cell that looks like one and is none."""
    found, broken, earlier, at_the_end = [], [], [], False
    markdown = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    folded = [block for text in markdown for part in FOLDED.findall(text) for block in PYTHON.findall(part)]
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] != "code":
            at_the_end = at_the_end or re.search(r"^## Exercises", source, re.M) is not None
            continue
        body = ast.parse(source).body
        call = _printed_call(body)
        checks = _defined([*(node for _, nodes in earlier for node in nodes), *body]) if at_the_end else {"check"}
        if call and call.func.id in checks:
            if len(call.args) == 1 and isinstance(call.args[0], ast.Name) and not call.keywords:
                found.append(_self_check(call, body, earlier, folded))
            else:
                broken.append(f"{ast.unparse(call)} does not check one function by its name")
        earlier.append((source, body))
    return found, broken


def _self_check(call, body, earlier, folded):
    name = call.args[0].id
    stubs = [source for source, nodes in earlier if name in _defined(nodes)]
    stub = stubs[-1] if stubs else None
    before = [
        node for source, nodes in earlier for node in nodes if source is not stub and isinstance(node, DEFINITIONS)
    ]
    solutions = [block for block in folded if re.search(rf"^def {name}\b", block, re.M)]
    return SelfCheck(name, call.func.id, body[:-1], before, stub, solutions)


def _printed_call(body):
    """The call f(...) where the last statement is print(f(...)), or None."""
    match body[-1:]:
        case [ast.Expr(ast.Call(ast.Name("print"), [ast.Call(ast.Name()) as call], []))]:
            return call


def _defined(nodes):
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef)}


def _define(nodes, space):
    """Executes the imports, functions and classes among them."""
    for node in nodes:
        # A default or decorator may need a variable of the chapter; whatever needs this function will say so.
        if isinstance(node, DEFINITIONS):
            with contextlib.suppress(NameError):
                _execute([node], space)


def _execute(nodes, space):
    exec(compile(ast.Module(nodes, []), "<chapter>", "exec"), space)


def _functions(path):
    """The public functions that the file defines, by name, freshly executed."""
    space = {"__name__": path.stem}
    exec(compile(path.read_text(), path, "exec"), space)
    return {
        name: value
        for name, value in space.items()
        if inspect.isfunction(value) and value.__module__ == path.stem and not name.startswith("_")
    }


def _arguments(function):
    return list(inspect.signature(function).parameters)


def _watched(function, broken):
    """The same function, which notes a missing name or module: a mistake of the file, not the one it stands for."""

    @functools.wraps(function)
    def watched(*arguments, **named):
        try:
            return function(*arguments, **named)
        except (NameError, ImportError) as error:
            broken.append(error)
            raise

    return watched


def _always(value):
    return lambda solution: lambda *arguments, **named: value


def _twice(solution):
    return lambda *arguments, **named: [solution(*arguments, **named)] * 2


def _not_numbers(solution):
    def nan(value):
        if isinstance(value, (list, tuple)):
            return type(value)(nan(part) for part in value)
        return np.full(np.shape(value), np.nan)[()]

    return lambda *arguments, **named: nan(solution(*arguments, **named))


def _no_arguments(solution):
    def answer():
        return 0.0

    return answer


def _one_more(solution):
    def answer(*arguments, one_more):
        return solution(*arguments)

    return answer


def _broken(solution):
    def answer(*arguments, **named):
        return [][0]

    return answer


# Answers of a wrong type or shape, made from the solution, whatever it is a solution of.
ODD = {
    "returns_nothing": _always(None),
    "returns_a_text": _always("a text"),
    "returns_an_empty_list": _always([]),
    "returns_an_empty_array": _always(np.zeros(0)),
    "returns_a_large_array": _always(np.zeros((2, 3, 5, 7))),
    "returns_a_ragged_list": _always([[1.0], [2.0, 3.0]]),
    "returns_a_dictionary": _always({"answer": 1.0}),
    "returns_a_nan": _always(float("nan")),
    "returns_nan_for_every_number": _not_numbers,
    "returns_the_right_answer_twice": _twice,
    "takes_no_arguments": _no_arguments,
    "takes_one_argument_more": _one_more,
    "ends_in_an_exception": _broken,
}
