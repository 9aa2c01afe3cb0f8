"""TimelineExplorer: the page shows what Python says is in sight and told, after every touch of a control."""

import json
import re
from xml.etree import ElementTree

import pytest
from traitlets import TraitError

from alexnet import facts, timeline
from alexnet.explorers.timeline import TimelineExplorer
from conftest import violations

EVENTS = timeline.events()
# Where an output of a cell is in the book, with the style that lets it scroll.
IN_A_CELL = """() => {
    const place = document.querySelector(".alexnet-explorer");
    const cell = document.createElement("div");
    cell.className = "cell";
    cell.innerHTML = "<div class=cell_output><div class=output></div></div>";
    // The rules of the book's own style and of its theme.
    const style = new CSSStyleSheet();
    style.replaceSync(`
        .cell_output { overflow-x: auto; }
        div.cell_output .output { max-width: 100%; overflow-x: auto; }
    `);
    document.adoptedStyleSheets = [style];
    place.replaceWith(cell);
    cell.querySelector(".output").append(place);
}"""


def drawn(tab):
    """The page with its events loaded."""
    tab.locator(".timeline").wait_for()
    return tab


def agrees(tab, explorer):
    """Labels, card, receipts and buttons are those that Python works out for the same state."""
    value = explorer.value
    assert tab.locator(".timeline-title").all_inner_texts() == [EVENTS[id].label for id in value["shown"]]
    assert tab.locator(".timeline-text").inner_text() == value["text"]
    card = tab.locator(".timeline-card")
    assert card.locator(".timeline-head .timeline-how").inner_text().endswith(value["how"])
    assert (
        card.locator(".timeline-what").text_content()
        == f"{value['title']} {EVENTS[value['id']].when}, {value['group']}"
    )
    claims = [facts.claim(id) for id in value["claims"]]
    links = card.locator(".timeline-receipt")
    assert links.all_inner_texts() == [claim.text for claim in claims]
    for link, claim in zip(links.all(), claims, strict=True):
        assert link.evaluate("a => a.href").endswith(f"/chapters/receipts.html#{claim.id}")
    hows = card.locator(".timeline-receipts .timeline-how").all_inner_texts()
    assert [how.split()[-1] for how in hows] == [claim.how for claim in claims]
    assert card.locator(".timeline-doubt").count() == (value["how"] not in ("computed", "quoted"))
    inside = value["id"] in value["shown"]
    assert tab.locator(".timeline-event input:checked").count() == inside
    assert ("Not among the events" in card.inner_text()) != inside
    for name, wanted in (("‹ previous", value["previous"]), ("next ›", value["next"])):
        assert tab.get_by_role("button", name=name).is_enabled() == (wanted is not None)


def boxes(tab, name):
    return [box for box in (found.bounding_box() for found in tab.locator(name).all()) if box]


def apart(found):
    """No two boxes overlap by more than the rounding of a pixel."""
    for n, a in enumerate(found):
        for b in found[n + 1 :]:
            beside = a["x"] + a["width"] <= b["x"] + 0.5 or b["x"] + b["width"] <= a["x"] + 0.5
            below = a["y"] + a["height"] <= b["y"] + 0.5 or b["y"] + b["height"] <= a["y"] + 0.5
            if not (beside or below):
                return False
    return True


def test_value_is_the_event_and_what_is_in_sight():
    explorer = TimelineExplorer(event="deadline", zoom="autumn 2012", groups=["contest", "people"])
    value, event = explorer.value, EVENTS["deadline"]
    assert (value["id"], value["date"], value["title"], value["text"]) == (
        "deadline",
        "2012-09-30",
        event.title,
        event.text,
    )
    assert value["shown"] == ["extended", "deadline", "preliminary", "workshop", "results", "auction"]
    assert (value["previous"], value["next"]) == ("extended", "preliminary")
    explorer.event = "neocognitron"
    assert (explorer.value["previous"], explorer.value["next"]) == (None, "extended")
    explorer.event = "release"
    assert (explorer.value["previous"], explorer.value["next"]) == ("auction", None)
    explorer.groups = []
    assert (explorer.value["shown"], explorer.value["previous"]) == ([], None)


def test_the_state_is_small_and_in_order():
    explorer = TimelineExplorer(groups=["software", "ideas", "software"])
    assert explorer.state == {"event": "results", "groups": ["ideas", "software"], "zoom": "all"}
    assert len(json.dumps(explorer.state)) < 200
    assert list(TimelineExplorer.class_traits()["zoom"].values) == list(timeline.zooms())


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"event": "dead-line"}, "there is no event 'dead-line'; near it are deadline"),
        ({"groups": ["papers"]}, "papers"),
        ({"zoom": "2011"}, "2011"),
    ],
)
def test_a_wrong_state_is_refused(wrong, says):
    with pytest.raises(TraitError, match=says):
        TimelineExplorer(**wrong)


def test_the_asset_holds_the_events():
    assert json.loads(TimelineExplorer().asset("timeline.json"))["events"][0]["id"] == "neocognitron"
    with pytest.raises(KeyError):
        TimelineExplorer().asset("timeline.yml")


@pytest.mark.parametrize("zoom", timeline.zooms())
def test_the_fallback_draws_every_event_and_tells_one(zoom):
    explorer = TimelineExplorer(zoom=zoom, event="run-145")
    picture, sentence = explorer.fallback()
    ElementTree.fromstring(picture)
    assert picture.count('r="4.5"') == len(explorer.value["shown"])
    assert picture.count('r="8"') == 1, "the chosen one has a ring"
    assert f"in {len(explorer.value['shown'])} events" in sentence
    assert "13 September 2012, Run 145" in sentence and sentence.endswith("(This is inferred.)")
    assert len(re.findall(r'text-anchor="middle"', picture)) >= 4


def test_the_fallback_of_all_names_its_ends():
    assert "from 1980 to 2025" in TimelineExplorer().fallback()[1]


@pytest.mark.parametrize("zoom", timeline.zooms())
def test_labels_do_not_overlap_and_are_whole(opened, zoom):
    """At the narrowest width that has lanes, and where they are as wide as can be."""
    explorer = TimelineExplorer(zoom=zoom)
    for width in (690, 1100):
        with opened(explorer, width=width) as tab:
            agrees(drawn(tab), explorer)
            assert tab.locator(".timeline-lane").first.is_visible()
            found = boxes(tab, ".timeline-event")
            assert len(found) == len(explorer.value["shown"]) and apart(found)
            assert apart(boxes(tab, ".timeline-axis i"))
            cut = "[...document.querySelectorAll('.timeline-title')].filter(e => e.scrollWidth > e.clientWidth).length"
            assert tab.evaluate(cut) == 0
            lanes = boxes(tab, ".timeline-lane")
            for box, id in zip(found, explorer.value["shown"], strict=True):
                lane = lanes[timeline.GROUPS.index(EVENTS[id].group)]
                assert lane["y"] - 1 <= box["y"] and box["y"] + box["height"] <= lane["y"] + lane["height"] + 1
                assert lane["x"] + 80 < box["x"] and box["x"] + box["width"] <= lane["x"] + lane["width"] + 1
            assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_marks_stand_where_their_dates_are(opened):
    explorer = TimelineExplorer(zoom="2006-2015")
    with opened(explorer) as tab:
        drawn(tab)
        ticks = {i.inner_text(): i.bounding_box() for i in tab.locator(".timeline-axis i").all()}
        middle = {int(year): box["x"] + box["width"] / 2 for year, box in ticks.items()}
        year = (middle[2016] - middle[2006]) / 10
        for mark, id in zip(boxes(tab, ".timeline-event .timeline-mark"), explorer.value["shown"], strict=True):
            assert mark["x"] + 8 == pytest.approx(middle[2006] + year * (EVENTS[id].middle - 2006), abs=2), id
        # A year that is known without its month is a bar as long as a year.
        widths = dict(zip(explorer.value["shown"], boxes(tab, ".timeline-open"), strict=True))
        assert widths["persuasion"]["width"] == pytest.approx(year, abs=1)
        assert widths["dropout"]["width"] < 2


def test_keyboard_goes_from_event_to_event(opened):
    explorer = TimelineExplorer(zoom="autumn 2012", event="workshop")
    with opened(explorer) as tab:
        agrees(drawn(tab), explorer)
        tab.locator(".timeline-event input:checked").focus()
        for key in ("ArrowRight", "ArrowDown", "ArrowLeft"):
            explorer.event = explorer.value["previous" if key == "ArrowLeft" else "next"]
            tab.keyboard.press(key)
            agrees(tab, explorer)
            assert tab.evaluate("document.activeElement.checked"), "the focus stays with the chosen event"
        told = tab.locator("[role=status]").text_content()
        assert told == f"{EVENTS[explorer.event].when}, {EVENTS[explorer.event].label}: {explorer.value['text']}"
        tab.get_by_role("button", name="next ›").focus()
        for _ in range(2):
            explorer.event = explorer.value["next"]
            tab.keyboard.press("Enter")
            agrees(tab, explorer)
        tab.get_by_role("radio", name="autumn 2012", exact=True).focus()
        tab.keyboard.press("ArrowLeft")
        explorer.zoom = "2012"
        agrees(tab, explorer)
        tab.get_by_role("checkbox", name="contest").focus()
        tab.keyboard.press("Space")
        explorer.groups = [group for group in timeline.GROUPS if group != "contest"]
        agrees(tab, explorer)


def test_mouse_chooses_events_groups_and_zoom(opened):
    explorer = TimelineExplorer()
    with opened(explorer) as tab:
        agrees(drawn(tab), explorer)
        for id in ("lenet", "cuda", "bedroom", "run-145", "release"):
            tab.locator(".timeline-event", has_text=EVENTS[id].title).filter(has_text=EVENTS[id].when).first.click()
            explorer.event = id
            agrees(tab, explorer)
        assert tab.get_by_role("button", name="next ›").is_disabled()
        for group in timeline.GROUPS:
            tab.get_by_role("checkbox", name=group).click()
            explorer.groups = [kept for kept in explorer.groups if kept != group]
            agrees(tab, explorer)
        assert "No event of these kinds" in tab.locator(".explorer").inner_text()
        tab.get_by_role("checkbox", name="ideas").click()
        tab.get_by_role("radio", name="2006–2015").click()
        explorer.groups, explorer.zoom = ["ideas"], "2006-2015"
        agrees(tab, explorer)


def test_touch_on_a_phone_opens_each_event_in_its_place(opened):
    explorer = TimelineExplorer(zoom="2006-2015")
    with opened(explorer, width=360, theme="dark", touch=True) as tab:
        agrees(drawn(tab), explorer)
        assert not tab.locator(".timeline-lane").first.is_visible()
        for id in ("ilsvrc-2015", "imagenet", "bedroom"):
            row = tab.locator(".timeline-event").nth(explorer.value["shown"].index(id))
            row.tap()
            explorer.event = id
            agrees(tab, explorer)
            card, top = tab.locator(".timeline-card").bounding_box(), row.bounding_box()
            assert 0 <= card["y"] - top["y"] - top["height"] < 8, "right below"
            assert card["y"] < 900 and card["y"] + card["height"] > 0, "and in sight"
        found = boxes(tab, ".timeline-event") + boxes(tab, ".timeline-card")
        assert apart(found) and min(box["height"] for box in boxes(tab, ".timeline-event")) >= 44
        lines = [box["y"] for box in boxes(tab, ".timeline-event")]
        assert lines == sorted(lines)
        # The buttons stay in reach, also in the book, where outputs may scroll; what they choose comes into sight.
        tab.evaluate(IN_A_CELL)
        for _ in range(6):
            tab.get_by_role("button", name="next ›").tap()
            explorer.event = explorer.value["next"]
            card = tab.locator(".timeline-card").bounding_box()
            assert 0 < card["y"] < 850
        agrees(tab, explorer)
        tab.locator(".timeline-event").last.scroll_into_view_if_needed()
        assert 0 <= tab.get_by_role("button", name="next ›").bounding_box()["y"] < 200
        assert tab.evaluate("document.documentElement.scrollWidth") <= 360
        for control in tab.get_by_role("button").all():
            assert min(control.bounding_box()["width"], control.bounding_box()["height"]) >= 24


def test_doubt_is_more_than_a_colour(opened):
    with opened(TimelineExplorer(event="bedroom")) as tab:
        drawn(tab)
        for id, event in EVENTS.items():
            row = tab.locator(".timeline-event").nth(list(EVENTS).index(id))
            doubtful = event.how not in ("computed", "quoted")
            assert row.locator(".hollow").count() == doubtful
            assert (f"({event.how})" in row.inner_text()) == doubtful
        head = tab.locator(".timeline-head .timeline-how")
        assert head.inner_text() == "… anecdote"
        assert head.evaluate("e => getComputedStyle(e).borderTopStyle") == "dashed"


@pytest.mark.parametrize("width", [390, 1000])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(opened, width, theme):
    with opened(TimelineExplorer(event="bedroom"), width=width, theme=theme) as tab:
        drawn(tab)
        assert violations(tab) == []


def test_nothing_moves_where_that_is_not_welcome(opened):
    with opened(TimelineExplorer()) as tab:
        drawn(tab)
        tab.emulate_media(reduced_motion="reduce")
        moving = """[...document.querySelectorAll(".explorer *")].filter(e => {
            const { transitionDuration, animationName } = getComputedStyle(e);
            return parseFloat(transitionDuration) > 0 || animationName !== "none";
        }).length"""
        assert tab.evaluate(moving) == 0


def test_events_that_cannot_be_read_are_said(opened, explorer_site):
    asset = explorer_site[0] / "explorers" / "assets" / "timeline.json"
    text = asset.read_text()
    asset.write_text("no JSON")
    try:
        with opened(TimelineExplorer()) as tab:
            tab.get_by_role("alert").wait_for()
            assert "The events could not be loaded" in tab.get_by_role("alert").inner_text()
    finally:
        asset.write_text(text)
