"""The history of AlexNet as a list of events, read from assets/timeline.yml.

An event says nothing that has no receipt: its date is the value of one of its claims (assets/facts.yml), in full or
without its day or month, and how sure it is, is how sure the least sure of its claims is. Here are neither Keras nor
NumPy.
"""

from __future__ import annotations

import datetime
import functools
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alexnet import facts

GROUPS = ("ideas", "data", "hardware", "contest", "people", "software")

_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")
_FIELDS = {"id", "date", "title", "text", "group", "claims"}
# As many letters as a label beside its mark has room for on the shortest axis, wherever the mark stands.
_LABEL = 36


@dataclass(frozen=True)
class Event:
    """One event of the history.

    id: kebab-case. date: "2012", "2012-12" or "2012-09-30", as exact as it is known. title: short, see `label`.
    text: one or two sentences. group: one of `GROUPS`. claims: ids of its receipts. how: that of its least sure claim,
    one of `facts.KINDS`. start, end: the first moment of the day, month or year of the date, and the first one after
    it, as decimal years.
    """

    id: str
    date: str
    title: str
    text: str
    group: str
    claims: tuple[str, ...]
    how: str
    start: float
    end: float

    @property
    def middle(self) -> float:
        """Where the event stands on an axis and among others: the middle of the day, month or year of its date."""
        return (self.start + self.end) / 2

    @property
    def sure(self) -> bool:
        """Whether all of its claims are."""
        return self.how in facts.SURE

    @property
    def label(self) -> str:
        """What stands beside its mark: its title, and how sure it is where that is less than sure."""
        return self.title if self.sure else f"{self.title} ({self.how})"

    @property
    def when(self) -> str:
        """The date in words: "30 September 2012", "December 2012" or "2012"."""
        year, *rest = self.date.split("-")
        if not rest:
            return year
        day = datetime.date(int(year), int(rest[0]), int(rest[1]) if len(rest) == 2 else 1)
        return f"{day.day} {day:%B} {year}" if len(rest) == 2 else f"{day:%B} {year}"


@dataclass(frozen=True)
class Zoom:
    """A part of the history: its name, how it is written, and where it begins and ends, as decimal years."""

    name: str
    words: str
    start: float
    end: float


def events() -> dict[str, Event]:
    """Every event by its id, in the order of time. Raises FactsError where the file breaks a rule."""
    return dict(_stored())


def zooms() -> dict[str, Zoom]:
    """The parts of the history that can be looked at, by name; "all" begins and ends with the events."""
    known = _stored().values()
    first, last = min(event.start for event in known), max(event.end for event in known)
    parts = [
        Zoom("all", "all", float(math.floor(first)), float(math.ceil(last))),
        Zoom("2006-2015", "2006–2015", 2006.0, 2016.0),
        Zoom("2012", "2012", 2012.0, 2013.0),
        Zoom("autumn 2012", "autumn 2012", _years(datetime.date(2012, 9, 1)), 2013.0),
    ]
    return {zoom.name: zoom for zoom in parts}


def to_json() -> str:
    """All that a front end needs: groups, zooms, kinds of claims, and events with the words of their receipts."""
    claims, sources = facts.claims(), facts.sources()

    def receipt(id):
        claim = claims[id]
        source = sources[claim.source].title if claim.source else ""
        return {"id": id, "text": claim.text, "how": claim.how, "source": source}

    whole = {
        "groups": GROUPS,
        "zooms": [
            {"name": zoom.name, "words": zoom.words, "start": zoom.start, "end": zoom.end} for zoom in zooms().values()
        ],
        "kinds": facts.KINDS,
        "events": [
            {
                "id": event.id,
                "when": event.when,
                "start": event.start,
                "end": event.end,
                "title": event.title,
                "label": event.label,
                "text": event.text,
                "group": event.group,
                "how": event.how,
                "sure": event.sure,
                "receipts": [receipt(id) for id in event.claims],
            }
            for event in _stored().values()
        ],
    }
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))


def parse(text: str, claims: Mapping[str, facts.Claim]) -> dict[str, Event]:
    """The events of a file's text. Raises FactsError that names the event and the rule it breaks."""
    stored = facts.load(text)
    if not isinstance(stored, list) or not stored:
        raise facts.FactsError("the file is a list of events")
    found: dict[str, Event] = {}
    for number, entry in enumerate(stored, 1):
        new = _event(number, entry, claims)
        if new.id in found:
            raise facts.FactsError(f"event {new.id}: each id is used once")
        if found and new.middle < (last := list(found.values())[-1]).middle:
            raise facts.FactsError(f"event {new.id}: it is earlier than {last.id}, which stands before it")
        found[new.id] = new
    return found


@functools.cache
def _stored() -> dict[str, Event]:
    return parse(facts.read("timeline.yml"), facts.claims())


def _event(number: int, entry: Any, claims: Mapping[str, facts.Claim]) -> Event:
    """The event of one entry, after every rule that it can break by itself."""
    if not isinstance(entry, dict) or "id" not in entry:
        raise facts.FactsError(f"event number {number}: it has no id")
    id = entry["id"]

    def demand(condition, rule):
        if not condition:
            raise facts.FactsError(f"event {id}: {rule}")

    demand(isinstance(id, str) and _ID.fullmatch(id), "its id is kebab-case and begins with a letter")
    unknown = ", ".join(sorted(set(entry) - _FIELDS))
    demand(not unknown, f"no field is called {unknown}")
    for field in sorted(_FIELDS - {"claims"}):
        demand(field in entry, f"it has no {field}")
        demand(isinstance(entry[field], str) and entry[field].strip(), f"its {field} is a text")
    given: Any = entry.get("claims")
    demand(isinstance(given, list) and given, "its claims are a list of ids, one at least")
    for claim in given:
        demand(isinstance(claim, str) and claim in claims, f"no claim is called {claim!r}")
        demand(given.count(claim) == 1, f"the claim {claim} is named twice")
    title, words = entry["title"].strip(), " ".join(entry["text"].split())
    demand(words[-1] in ".!?", "its text ends as a sentence does")
    sentences = len(re.findall(r"[.!?]”?(?= [A-Z“])", words)) + 1
    demand(sentences <= 2, f"its text has {sentences} sentences; two are enough")
    demand(entry["group"] in GROUPS, f"its group is one of {', '.join(GROUPS)}, not {entry['group']!r}")
    date = entry["date"]
    demand(_DATE.fullmatch(date), f"its date is a year, a month (2012-12) or a day (2012-09-30), not {date!r}")
    try:
        start, end = span(date)
    except ValueError as error:
        raise facts.FactsError(f"event {id}: the calendar has no {date} ({error})") from None
    values = [str(claims[claim].value) for claim in given]
    demand(
        any(_DATE.fullmatch(value) and (value == date or value.startswith(f"{date}-")) for value in values),
        f"its date, {date}, is the value of none of its claims",
    )
    event = Event(
        id=id,
        date=date,
        title=title,
        text=words,
        group=entry["group"],
        claims=tuple(given),
        how=max((claims[claim].how for claim in given), key=list(facts.KINDS).index),
        start=start,
        end=end,
    )
    demand(len(event.label) <= _LABEL, f"its label has {len(event.label)} letters and room for {_LABEL}: {event.label}")
    return event


def span(date: str) -> tuple[float, float]:
    """The decimal years at which a day, month or year begins and ends. Raises ValueError where there is none."""
    year, *rest = map(int, date.split("-"))
    if not rest:
        return float(year), float(year + 1)
    first = datetime.date(year, rest[0], rest[1] if len(rest) == 2 else 1)
    if len(rest) == 2:
        after = first + datetime.timedelta(1)
    else:
        after = (first.replace(day=28) + datetime.timedelta(4)).replace(day=1)
    return _years(first), _years(after)


def _years(day: datetime.date) -> float:
    """A day's beginning as a decimal year."""
    first, after = datetime.date(day.year, 1, 1), datetime.date(day.year + 1, 1, 1)
    return round(day.year + (day - first).days / (after - first).days, 5)
