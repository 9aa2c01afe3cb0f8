"""The history of AlexNet on an axis: what happened when, in lanes, and the receipts of each event."""

import datetime
import difflib

from traitlets import Enum, List, TraitError, Unicode, validate

from alexnet import timeline

from .base import Explorer, drawing

ASSET = "timeline.json"
COLOURS = {
    "ideas": "#0072B2",
    "data": "#00795A",
    "hardware": "#B35C00",
    "contest": "#C2410C",
    "people": "#A03D78",
    "software": "#59636E",
}


class TimelineExplorer(Explorer):
    """The history of AlexNet in events (`alexnet.timeline`), from the Neocognitron to the release of its source code.

    event: id of the event that is told. groups: those whose events are shown, of `timeline.GROUPS`, in their order.
    zoom: the part of the history that is shown, by its name in `timeline.zooms()`.
    value: the event (id, date, title, text, group, how, claims); shown (ids of the events that are in sight, in the
    order of time), previous and next (of these, the nearest ones before and after the event; None where there is none).
    """

    module = "timeline"

    event = Unicode("results").tag(sync=True)
    groups = List(Enum(timeline.GROUPS), list(timeline.GROUPS)).tag(sync=True)
    zoom = Enum(("all", "2006-2015", "2012", "autumn 2012"), "all").tag(sync=True)

    @validate("event")
    def _is_known(self, proposal):
        id, known = proposal["value"], timeline.events()
        if id not in known:
            near = difflib.get_close_matches(id, known, n=3, cutoff=0.4)
            raise TraitError(f"there is no event {id!r}" + (f"; near it are {', '.join(near)}" if near else ""))
        return id

    @validate("groups")
    def _in_order(self, proposal):
        return [group for group in timeline.GROUPS if group in proposal["value"]]

    @property
    def value(self) -> dict:
        known, zoom = timeline.events(), timeline.zooms()[self.zoom]
        event, order = known[self.event], list(known)
        shown = [e.id for e in known.values() if e.group in self.groups and zoom.start <= e.middle < zoom.end]
        here = order.index(event.id)
        return {
            "id": event.id,
            "date": event.date,
            "title": event.title,
            "text": event.text,
            "group": event.group,
            "how": event.how,
            "claims": list(event.claims),
            "shown": shown,
            "previous": next((id for id in reversed(shown) if order.index(id) < here), None),
            "next": next((id for id in shown if order.index(id) > here), None),
        }

    def asset(self, name):
        return timeline.to_json().encode() if name == ASSET else super().asset(name)

    def fallback(self):
        known, zoom = timeline.events(), timeline.zooms()[self.zoom]
        event = known[self.event]
        shown = [known[id] for id in self.value["shown"]]
        sentence = (
            f"The history of AlexNet, {'from ' if self.zoom == 'all' else ''}{_said(zoom)}, in {len(shown)} events. "
            f"{event.when}, {event.title}: {event.text}" + ("" if event.sure else f" (This is {_article(event.how)}.)")
        )
        left, width = 84, 536
        place = {e.id: left + width * (e.middle - zoom.start) / (zoom.end - zoom.start) for e in shown}
        parts, top = [], 12
        for group in self.groups:
            there: list[tuple[float, int]] = []
            for one in (e for e in shown if e.group == group):
                row = 0
                while any(abs(x - place[one.id]) < 11 and row == taken for x, taken in there):
                    row += 1
                there.append((place[one.id], row))
                parts.append(_mark(place[one.id], top + 10 + 12 * row, one, chosen=one is event))
            high = 20 + 12 * max((row for _, row in there), default=0)
            parts.append(f'<text x="8" y="{top + 14}" fill="{COLOURS[group]}">{group}</text>')
            parts.append(f'<line x1="8" x2="{left + width}" y1="{top + high}" y2="{top + high}" stroke="#ddd"/>')
            top += high + 2
        for moment, words in _ticks(zoom):
            x = left + width * (moment - zoom.start) / (zoom.end - zoom.start)
            parts.insert(0, f'<line x1="{x:.1f}" x2="{x:.1f}" y1="8" y2="{top}" stroke="#ddd"/>')
            parts.append(f'<text x="{x:.1f}" y="{top + 16}" text-anchor="middle">{words}</text>')
        return drawing(left + width + 20, top + 26, *parts, label=sentence), sentence


def _said(zoom):
    if zoom.name == "all":
        return f"{zoom.start:.0f} to {zoom.end - 1:.0f}"
    return zoom.words


def _article(how):
    return "an anecdote" if how == "anecdote" else how


def _mark(x, y, event, chosen):
    """A dot, hollow where the event is less than sure, with a ring where it is the chosen one."""
    colour = COLOURS[event.group]
    ring = f'<circle cx="{x:.1f}" cy="{y}" r="8" fill="none" stroke="#1f2328" stroke-width="2"/>' if chosen else ""
    return (
        f'{ring}<circle cx="{x:.1f}" cy="{y}" r="4.5" fill="{colour if event.sure else "#fff"}" stroke="{colour}" '
        'stroke-width="2"/>'
    )


def _ticks(zoom):
    """(moment, words) along the axis: every ten years, every second one, or every month or two."""
    if zoom.end - zoom.start > 1:
        step = 10 if zoom.end - zoom.start > 20 else 2
        return [(year, str(year)) for year in range(int(zoom.start), int(zoom.end) + 1) if year % step == 0]
    months = [(timeline.span(f"2012-{n:02d}")[0], f"{datetime.date(2012, n, 1):%b}") for n in range(1, 13)]
    inside = [(moment, name) for moment, name in months if moment >= zoom.start]
    return inside if len(inside) < 6 else inside[::2]
