"""The events of the timeline: the file and its rules, dates, receipts; and proof that each check can fail."""

import json
import re
import shutil
import subprocess
import sys
import tomllib

import pytest

import prose
from alexnet import facts, timeline
from conftest import ROOT
from facts_rules import event_problems, unused

EVENTS = timeline.events()
CLAIMS = facts.claims()

_, SMALL_CLAIMS = facts.parse("""
sources:
  paper:
    title: A paper
    url: https://example.org/paper.pdf
claims:
- {id: date-day, value: 2012-09-30, text: 30 September 2012, sentence: A day., source: paper, where: p. 1, how: quoted}
- {id: date-month, value: 2012-12, text: December 2012, sentence: A month., source: paper, where: p. 2, how: inferred}
- {id: date-year, value: 2013, sentence: A year., how: unverified}
- {id: some-error, value: 15.3, unit: "%", sentence: An error., source: paper, where: p. 3, how: quoted}
- {id: date-told, value: 2013, sentence: A year that is told., how: anecdote}
""")
SMALL = """
- id: deadline
  date: 2012-09-30
  title: Deadline
  text: Entries close. The error is 15.3 %.
  group: contest
  claims: [date-day, some-error]
- id: nips
  date: 2012-12
  title: NIPS
  text: A conference.
  group: ideas
  claims: [some-error, date-month]
- id: party
  date: 2013
  title: A party
  text: They are said to have danced.
  group: people
  claims: [date-year, date-told]
"""


def test_an_event_keeps_what_is_written_and_takes_its_doubt_from_its_claims():
    deadline, nips, party = timeline.parse(SMALL, SMALL_CLAIMS).values()
    assert (deadline.title, deadline.group, deadline.claims) == ("Deadline", "contest", ("date-day", "some-error"))
    assert [event.how for event in (deadline, nips, party)] == ["quoted", "inferred", "anecdote"]
    assert [event.when for event in (deadline, nips, party)] == ["30 September 2012", "December 2012", "2013"]


def test_dates_are_as_exact_as_they_are_known():
    deadline, nips, party = timeline.parse(SMALL, SMALL_CLAIMS).values()
    # 2012 had 366 days, of which 30 September was the 274th.
    assert (deadline.start, deadline.end) == pytest.approx((2012 + 273 / 366, 2012 + 274 / 366), abs=1e-5)
    assert (nips.start, nips.end) == pytest.approx((2012 + 335 / 366, 2013), abs=1e-5)
    assert (party.start, party.end, party.middle) == (2013, 2014, 2013.5)
    assert timeline.span("2012-02-28")[1] < timeline.span("2012-02")[1] == timeline.span("2012-03")[0]


def test_a_date_may_leave_out_the_day_or_the_month_of_its_receipt():
    for date, when in (("2012-09", "September 2012"), ("2012", "2012")):
        (event,) = timeline.parse(SMALL.split("- id: nips")[0].replace("2012-09-30", date), SMALL_CLAIMS).values()
        assert event.when == when


SPOILT = {
    "no id": (("- id: nips\n  date", "- date"), "event number 2: it has no id"),
    "an id that is no name": (("id: nips", "id: Nips 1"), "event Nips 1: its id is kebab-case"),
    "an id twice": (("id: nips", "id: deadline"), "event deadline: each id is used once"),
    "an unknown field": (("group: ideas", "lane: ideas"), "event nips: no field is called lane"),
    "a field twice": (("group: ideas", "group: ideas\n  group: ideas"), "the key 'group' is given twice"),
    "no text": (("  text: A conference.\n", ""), "event nips: it has no text"),
    "no claims": (("  claims: [some-error, date-month]\n", ""), "event nips: its claims are a list"),
    "an unknown claim": (("date-month]", "date-months]"), "event nips: no claim is called 'date-months'"),
    "a claim twice": (("[some-error, date-month]", "[date-month, date-month]"), "date-month is named twice"),
    "an unknown group": (("group: ideas", "group: papers"), "event nips: its group is one of ideas, data"),
    "a long title": (("title: NIPS", f"title: {'N' * 37}"), "event nips: its label has 48 letters"),
    "an open sentence": (("A conference.", "A conference"), "event nips: its text ends"),
    "three sentences": (("A conference.", "A. But. Can it?"), "event nips: its text has 3 sentences"),
    "a date in words": (("date: 2012-12", "date: December 2012"), "event nips: its date is a year, a month"),
    "a date that is none": (("date: 2012-12", "date: 2012-13"), "event nips: the calendar has no 2012-13"),
    "another month": (("date: 2012-12", "date: 2012-11"), "event nips: its date, 2012-11, is the value of none"),
    "a day too exact": (("date: 2012-12", "date: 2012-12-03"), "its date, 2012-12-03, is the value of none"),
    "the start of a number": (("date: 2013", "date: 201"), "event party: its date is a year"),
}


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_spoilt_file_is_an_error_that_names_event_and_rule(spoil):
    (old, new), message = SPOILT[spoil]
    assert old in SMALL
    with pytest.raises(facts.FactsError, match=re.escape(message)):
        timeline.parse(SMALL.replace(old, new, 1), SMALL_CLAIMS)


def test_a_file_that_is_no_list_is_an_error():
    with pytest.raises(facts.FactsError, match="a list of events"):
        timeline.parse("deadline: 2012-09-30", SMALL_CLAIMS)


def test_events_that_are_not_in_the_order_of_time_are_an_error():
    first, second, third = (f"- id: {part}" for part in SMALL.split("- id: ")[1:])
    with pytest.raises(facts.FactsError, match="event deadline: it is earlier than nips, which stands before it"):
        timeline.parse(second + first + third, SMALL_CLAIMS)


def test_the_history_reaches_from_the_neocognitron_to_the_release():
    known = list(EVENTS.values())
    assert (known[0].id, known[0].date) == ("neocognitron", "1980")
    assert (known[-1].id, known[-1].date) == ("release", "2025-03-20")
    assert {event.group for event in known} == set(timeline.GROUPS)
    assert {event.how for event in known} >= {"quoted", "inferred", "unverified", "anecdote"}


def test_zooms_hold_events_and_all_holds_all():
    inside = {
        name: [event for event in EVENTS.values() if zoom.start <= event.middle < zoom.end]
        for name, zoom in timeline.zooms().items()
    }
    assert len(inside["all"]) == len(EVENTS)
    assert all(event.date[:7] in ("2012-09", "2012-10", "2012-11", "2012-12") for event in inside["autumn 2012"])
    assert {event.date[:4] for event in inside["2012"]} == {"2012"}
    assert all(2006 <= int(event.date[:4]) <= 2015 for event in inside["2006-2015"])
    assert 5 < len(inside["autumn 2012"]) < len(inside["2012"]) < len(inside["2006-2015"]) < len(EVENTS)


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_an_event_has_no_number_without_a_receipt(event):
    assert event_problems(event, CLAIMS) == []


def test_a_number_without_a_receipt_is_reported():
    deadline, *_ = timeline.parse(SMALL.replace("15.3 %", "15.4 %"), SMALL_CLAIMS).values()
    (problem,) = event_problems(deadline, SMALL_CLAIMS)
    assert "none of its claims has the 15.4" in problem
    deadline, *_ = timeline.parse(SMALL.replace("title: Deadline", "title: By 1987"), SMALL_CLAIMS).values()
    assert "1987" in event_problems(deadline, SMALL_CLAIMS)[0]


def test_a_claim_that_only_an_event_has_is_used():
    deadline, nips, party = timeline.parse(SMALL, SMALL_CLAIMS).values()
    assert unused(SMALL_CLAIMS, [], [deadline, nips, party]) == []
    assert unused(SMALL_CLAIMS, [], [deadline, nips]) == ["date-year", "date-told"]


def test_what_is_less_than_sure_is_called_so_on_the_page_of_receipts():
    page = prose.RECEIPTS.read_text()
    for event in EVENTS.values():
        for id in event.claims:
            part = page.split(f"### {id}\n")[1].split("\n### ")[0]
            assert f"{facts.KINDS[CLAIMS[id].how][0]} {CLAIMS[id].how}**" in part
            assert f"timeline, {event.when}: {event.title}" in part


def test_the_front_end_gets_all_it_needs():
    whole = json.loads(timeline.to_json())
    assert [event["id"] for event in whole["events"]] == list(EVENTS)
    for told in whole["events"]:
        event = EVENTS[told["id"]]
        assert [found["id"] for found in told["receipts"]] == list(event.claims)
        assert [found["text"] for found in told["receipts"]] == [CLAIMS[id].text for id in event.claims]
        assert (told["start"] + told["end"]) / 2 == event.middle
    assert [zoom["name"] for zoom in whole["zooms"]] == list(timeline.zooms())
    assert whole["groups"] == list(timeline.GROUPS)


def test_the_package_carries_the_file_and_stays_light(tmp_path):
    """As installed: timeline.yml inside the package, no repository around it, and neither Keras nor NumPy imported."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert {"facts.yml", "timeline.yml"} <= set(tools["package-data"]["alexnet.assets"])
    (tmp_path / "alexnet" / "assets").mkdir(parents=True)
    for name in ("__init__", "architecture", "facts", "timeline"):
        shutil.copy(ROOT / "alexnet" / f"{name}.py", tmp_path / "alexnet")
    for name in ("facts.yml", "timeline.yml"):
        shutil.copy(ROOT / "assets" / name, tmp_path / "alexnet" / "assets")
    look = "import sys; from alexnet import timeline; print(len(timeline.events()), timeline.__file__); "
    look += "print({'keras', 'numpy', 'tensorflow'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", look], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == [f"{len(EVENTS)} {tmp_path / 'alexnet' / 'timeline.py'}", "set()"]
