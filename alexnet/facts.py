"""Claims with receipts: the historical, architectural and hardware facts of the book, read from assets/facts.yml.

Every claim says where it comes from and how it is established (`KINDS`). What is less than sure is
called so wherever it is used. Here are neither Keras nor NumPy.
"""

from __future__ import annotations

import ast
import functools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from alexnet import architecture

# How a claim can be established, from the surest to the least sure: its sign, and what that means.
KINDS = {
    "computed": ("=", "an expression gives the number again, and a test evaluates it on every change"),
    "quoted": ("“", "the source says so, at the place that is named"),
    "inferred": ("~", "somebody's reading of evidence; it could be wrong"),
    "unverified": ("?", "told from memory or by others; the source itself was not opened"),
    "anecdote": ("…", "told again and again; nothing of its time says so"),
}
SURE = ("computed", "quoted")

_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+")
_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[-+]?\d+)?", re.I)
_IN_TEXT = re.compile(r"(\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?)(?: (thousand|million|billion|trillion)\b)?", re.I)
_SCALES = {"": 1, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_FIELDS = {"id", "value", "unit", "text", "sentence", "source", "where", "how", "expression"}


class FactsError(ValueError):
    """assets/facts.yml breaks a rule; the message names the claim and the rule."""


@dataclass(frozen=True)
class Source:
    """Where claims come from: a title for people, and the address of the page or document."""

    title: str
    url: str


@dataclass(frozen=True)
class Claim:
    """One fact with its receipt.

    id: kebab-case, the anchor on the page Receipts. value: a number or a string. text: what prose shows of it, as the
    text of a link. sentence: what the value is of. source: a key of `sources()`, and where: the place in it; both are
    empty where the expression alone is the receipt, or where something unverified has no source. how: one of `KINDS`.
    expression: Python, for computed claims only.
    tolerance: half a unit of the last digit that the value is written with; 0 for a string.
    """

    id: str
    value: int | float | str
    text: str
    sentence: str
    how: str
    source: str = ""
    where: str = ""
    unit: str = ""
    expression: str = ""
    tolerance: float = 0.0

    @property
    def needs(self) -> tuple[str, ...]:
        """Ids of the claims that the expression reads."""
        return tuple(_needs(self.expression)) if self.expression else ()


def claims() -> dict[str, Claim]:
    """Every claim by its id, in the order of the file. Raises FactsError where the file breaks a rule."""
    return dict(_stored()[1])


def sources() -> dict[str, Source]:
    """Every source by its key, in the order of the file. Raises FactsError where the file breaks a rule."""
    return dict(_stored()[0])


def claim(id: str) -> Claim:
    """The claim of that id. Raises KeyError that lists the ids nearest to it."""
    return _find(_stored()[1], id)


def value(id: str) -> Any:
    """The value of a claim, a number or a string. Raises KeyError that lists the ids nearest to it."""
    return claim(id).value


def evaluate(claim: Claim, among: Mapping[str, Claim] | None = None) -> Any:
    """What the expression of a computed claim gives now.

    The expression sees `architecture` (alexnet.architecture), `math` and `fact`, the value of another claim by its id,
    and no builtins. among: the claims that `fact` reads, those of the file unless given.
    Raises FactsError that names the claim where it has no expression or the expression fails.
    """
    if not claim.expression:
        raise FactsError(f"claim {claim.id}: it is {claim.how} and has no expression to evaluate")
    known = _stored()[1] if among is None else among
    names = {
        "__builtins__": {},
        "architecture": architecture,
        "math": math,
        "fact": lambda id: _find(known, id).value,
    }
    try:
        return eval(compile(claim.expression, f"<claim {claim.id}>", "eval"), names)
    except Exception as error:
        raise FactsError(f"claim {claim.id}: its expression fails with {error!r}") from error


def agrees(claim: Claim, result: Any) -> bool:
    """Whether a result is the claim's value: equal, or within half a unit of the last digit that is written."""
    if isinstance(claim.value, str) or isinstance(result, str | bool):
        return result == claim.value
    # A result that lies on the edge, such as 0.05 for a value of 0.1, is rounded either way.
    return abs(result - claim.value) <= claim.tolerance * (1 + 1e-9)


def parse(text: str) -> tuple[dict[str, Source], dict[str, Claim]]:
    """The sources and claims of a file's text. Raises FactsError that names the claim and the rule it breaks."""
    stored = load(text)
    if not isinstance(stored, dict) or set(stored) != {"sources", "claims"}:
        raise FactsError("the file holds two things, `sources` and `claims`")
    known = {key: _source(key, entry) for key, entry in stored["sources"].items()}
    found: dict[str, Claim] = {}
    for number, entry in enumerate(stored["claims"], 1):
        new = _claim(number, entry, known)
        if new.id in found:
            raise FactsError(f"claim {new.id}: each id is used once")
        found[new.id] = new
    _check_expressions(found)
    return known, found


def load(text: str) -> Any:
    """What a YAML text holds. Raises FactsError where a key is given twice.

    Every scalar is a string: 18.210 keeps its last digit, and a date stays what was written.
    """
    return yaml.load(text, Loader=_Strict)


def read(name: str) -> str:
    """The text of a file of assets/, in the repository or in an installed package. Raises FileNotFoundError."""
    here = Path(__file__).resolve().parent
    paths = [here.parent / "assets" / name, here / "assets" / name]
    for path in paths:
        if path.exists():
            return path.read_text(encoding="utf-8")
    raise FileNotFoundError(f"there is no {name}; looked at {' and '.join(map(str, paths))}")


class _Strict(yaml.BaseLoader):
    """Every scalar as the string that was written; a key that is given twice is an error, not the last one."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise FactsError(f"line {node.start_mark.line + 1}: the key {key!r} is given twice")
        return super().construct_mapping(node, deep)


@functools.cache
def _stored() -> tuple[dict[str, Source], dict[str, Claim]]:
    return parse(read("facts.yml"))


def _find(known: Mapping[str, Claim], id: str) -> Claim:
    if id in known:
        return known[id]
    import difflib

    near = difflib.get_close_matches(id, known, n=3, cutoff=0.4)
    raise KeyError(f"there is no claim {id!r}" + (f"; near it are {', '.join(near)}" if near else ""))


def _source(key: str, entry: Any) -> Source:
    if not isinstance(entry, dict) or set(entry) != {"title", "url"} or not all(entry.values()):
        raise FactsError(f"source {key}: it has a title and a url, and nothing else")
    if not re.match(r"https?://\S+$", entry["url"]):
        raise FactsError(f"source {key}: its url begins with http:// or https:// and has no spaces")
    return Source(**entry)


def _claim(number: int, entry: Any, known: Mapping[str, Source]) -> Claim:
    """The claim of one entry, after every rule that it can break by itself."""
    if not isinstance(entry, dict) or "id" not in entry:
        raise FactsError(f"claim number {number}: it has no id")
    id = entry["id"]

    def demand(condition, rule):
        if not condition:
            raise FactsError(f"claim {id}: {rule}")

    unknown = ", ".join(sorted(set(entry) - _FIELDS))
    demand(_ID.fullmatch(id), "its id is kebab-case, of two words or more, and begins with a letter")
    demand(not unknown, f"no field is called {unknown}")
    for field, content in entry.items():
        demand(isinstance(content, str) and content.strip(), f"its {field} is a text or a number")
    for field in ("value", "sentence", "how"):
        demand(field in entry, f"it has no {field}")
    how = entry["how"]
    demand(how in KINDS, f"how is one of {', '.join(KINDS)}, not {how!r}")
    computed = how == "computed"
    demand(("expression" in entry) == computed, "an expression belongs to computed claims and to no others")
    demand(
        ("source" in entry) == ("where" in entry), "a source comes with the place in it, and a place with its source"
    )
    demand(how not in ("quoted", "inferred") or "source" in entry, f"what is {how} has a source")
    demand(entry.get("source") in {None, *known}, f"no source is called {entry.get('source')!r}")
    demand(entry["sentence"].rstrip()[-1] in ".!?", "its sentence ends as a sentence does")

    written, unit = entry["value"], entry.get("unit", "")
    value, tolerance = _read(written)
    text = entry.get("text") or f"{written} {unit}".rstrip()
    demand(_holds(text, value), f"its text {text!r} does not show its value {written}")
    return Claim(
        id=id,
        value=value,
        text=text,
        sentence=" ".join(entry["sentence"].split()),
        how=how,
        source=entry.get("source", ""),
        where=" ".join(entry.get("where", "").split()),
        unit=unit,
        expression=entry.get("expression", "").strip(),
        tolerance=tolerance,
    )


def _read(written: str) -> tuple[int | float | str, float]:
    """(value, half a unit of its last digit) of what is written: a number where it looks like one, or a string."""
    if not _NUMBER.fullmatch(written):
        return written, 0.0
    exponent = Decimal(written).as_tuple().exponent
    assert isinstance(exponent, int)
    whole = re.fullmatch(r"-?\d+", written)
    return (int(written) if whole else float(written)), float(Decimal(5).scaleb(exponent - 1))


def _holds(text: str, value: int | float | str) -> bool:
    """Whether a text shows a value: the same number ("1.2 million", "seven"), or no number that the string lacks."""
    if text == value:
        return True
    found = [match.groups() for match in _IN_TEXT.finditer(text)]
    # Of "1.2 million" both 1.2, with the unit million, and 1,200,000.
    numbers = [_scaled(digits, scale) for digits, scale in found] + [_scaled(digits, None) for digits, _ in found]
    numbers += [Decimal(_WORDS.index(word)) for word in re.findall(r"[a-z]+", text.lower()) if word in _WORDS]
    if isinstance(value, str):
        there = [_scaled(digits, None) for digits, _ in _IN_TEXT.findall(value)]
        return bool(numbers) and set(numbers) <= set(there)
    return abs(Decimal(str(value))) in numbers


def _scaled(digits: str, scale: str | None) -> Decimal:
    return Decimal(digits.rstrip(",").replace(",", "")) * _SCALES[(scale or "").lower()]


def _needs(expression: str) -> list[str]:
    """Ids that an expression asks `fact` for. Raises SyntaxError, and ValueError where an id is not written out."""
    ids = []
    for node in ast.walk(ast.parse(expression.strip(), mode="eval")):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "fact":
            if len(node.args) != 1 or not isinstance(node.args[0], ast.Constant) or node.keywords:
                raise ValueError("fact takes one id, written out")
            ids.append(str(node.args[0].value))
    return ids


def _check_expressions(found: Mapping[str, Claim]) -> None:
    """Expressions can be read, compute something, and lean on claims that exist and do not lean back."""
    for claim in found.values():
        if not claim.expression:
            continue
        try:
            needs = claim.needs
            body = ast.parse(claim.expression, mode="eval").body
        except (SyntaxError, ValueError) as error:
            raise FactsError(f"claim {claim.id}: its expression cannot be read: {error}") from None
        if isinstance(body, ast.Constant):
            raise FactsError(f"claim {claim.id}: its expression only repeats a value; it has to compute it")
        for id in needs:
            if id not in found:
                raise FactsError(f"claim {claim.id}: its expression reads {id!r}, which is no claim")
    for claim in found.values():
        _follow(claim, found, ())


def _follow(claim: Claim, found: Mapping[str, Claim], path: tuple[str, ...]) -> None:
    if claim.id in path:
        raise FactsError(f"claim {claim.id}: its expression leads back to itself ({' -> '.join((*path, claim.id))})")
    for id in claim.needs:
        _follow(found[id], found, (*path, claim.id))
