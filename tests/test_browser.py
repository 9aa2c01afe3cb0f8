"""Every page in a real browser, as a reader opens it: wide and narrow, light and dark, with no word to another host."""

import json
import re
from contextlib import contextmanager
from functools import partial

import pytest

import pages
from conftest import CHAPTERS, missing, soon, violations
from notebook_rules import explorers

if not pages.chromium():
    missing("Chromium, so no page is opened (Debian: apt install chromium)")

PAGES = [
    "index",
    *(f"chapters/{path.stem}" for path in CHAPTERS),
    "chapters/conclusion",
    "chapters/glossary",
    "chapters/notation",
    "chapters/about",
    "chapters/receipts",
    "chapters/references",
    "course/guide",
    "course/slides",
    "course/rubric",
    "course/run-it",
    *(f"course/labs/session-{number}" for number in range(5)),
    "course/labs/answers",
    "search",
    "genindex",
]
MATHEMATICAL = {*(path.stem for path in CHAPTERS), "notation", "glossary"}
# Every explorer of the book: its page, its number on it, its module.
EXPLORERS = [
    (f"chapters/{chapter.stem}", number, re.search(r'data-module="([^"]*)"', html)[1])
    for chapter in CHAPTERS
    for number, html in enumerate(explorers(json.loads(chapter.read_text())))
]
EXPLORED = sorted({page for page, _, _ in EXPLORERS})


@pytest.fixture(scope="module")
def browser(site):
    with pages.browser(site) as chrome:
        yield chrome


@contextmanager
def opened(browser, page, width=1280, scheme="light", blocked=(), **options):
    """The page, loaded, with all that went wrong in its `trouble` and all that was requested in its `asked`.

    blocked: patterns of addresses that are not answered.
    """
    context = browser.new_context(viewport={"width": width, "height": 850}, color_scheme=scheme, **options)
    for pattern in blocked:
        context.route(pattern, lambda route: route.abort())
    tab = context.new_page()
    tab.trouble, tab.asked = [], []
    tab.on(
        "console",
        lambda m: tab.trouble.append(f"console {m.type}: {m.text}") if m.type in ("error", "warning") else None,
    )
    tab.on("pageerror", lambda error: tab.trouble.append(f"script error: {error}"))
    tab.on("requestfailed", lambda request: tab.trouble.append(f"failed: {request.url}"))
    tab.on("response", lambda r: tab.trouble.append(f"{r.status}: {r.url}") if r.status >= 400 else None)

    def request(asked):
        tab.asked.append(asked.url)
        if not asked.url.startswith((browser.address, "data:", "blob:")):
            tab.trouble.append(f"another host: {asked.url}")

    tab.on("request", request)
    tab.goto(f"{browser.address}/{page}.html", wait_until="networkidle")
    yield tab
    context.close()


def reach_all(tab):
    """Go to every explorer of the page and wait until each is drawn."""
    for place in tab.locator(".alexnet-explorer").all():
        place.scroll_into_view_if_needed()
    tab.locator(".alexnet-explorer:not([data-mounted])").first.wait_for(state="detached")
    tab.wait_for_load_state("networkidle")


def fits(tab, width, scheme):
    assert tab.evaluate("document.documentElement.scrollWidth") <= width, "scrolls sideways"
    assert tab.evaluate("document.documentElement.dataset.theme") == scheme


def test_a_page_has_its_scheme_before_it_is_painted(browser):
    """The reader's choice or, where there is none, the system's; the theme's own script would come too late."""
    for scheme in ("light", "dark"):
        with opened(browser, "chapters/31-relu", scheme=scheme, blocked=["**/pydata-sphinx-theme.js*"]) as tab:
            fits(tab, 1280, scheme)
            chosen = "dark" if scheme == "light" else "light"
            tab.evaluate("mode => { localStorage.mode = mode; localStorage.theme = mode; }", chosen)
            tab.reload()
            fits(tab, 1280, chosen)
            tab.evaluate("localStorage.mode = 'auto'")
            tab.reload()
            fits(tab, 1280, scheme)


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
@pytest.mark.parametrize("page", PAGES)
def test_page_loads_quietly_and_fits(browser, page, width, scheme):
    with opened(browser, page, width, scheme) as tab:
        reach_all(tab)
        fits(tab, width, scheme)
        assert violations(tab, None) == []
        other = "dark" if scheme == "light" else "light"
        tab.emulate_media(color_scheme=other)
        soon(tab, lambda: fits(tab, width, other))
        assert tab.trouble == []
        assert any("/explorers/" in address for address in tab.asked) == (page in EXPLORED)
        broken = tab.evaluate("[...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)")
        assert broken == []
        formulas = tab.locator(".math").count()
        assert formulas or page.removeprefix("chapters/") not in MATHEMATICAL
        if formulas:
            tab.wait_for_selector("mjx-container")
        assert tab.locator("mjx-merror").count() == 0
        assert tab.locator(".math:not(:has(mjx-container))").count() == 0


def test_pages_keep_to_their_budget(browser, site):
    """Requests and bytes of a first visit; `python tools/pages.py --budget` sets it again, for a reason."""
    budget = json.loads(pages.BUDGET.read_text())
    assert set(budget) == set(pages.names(site)), "every page has a budget, and every budget a page"
    over = {}
    for page, allowed in budget.items():
        cost = pages.measure(browser, page)
        over[page] = [f"{what} {cost[what]:,} of {most:,}" for what, most in allowed.items() if cost[what] > most]
        # A budget with a quarter to spare no longer holds anything.
        assert allowed["bytes"] < 1.25 * cost["bytes"], f"{page} became lighter: set its budget again"
    assert not any(over.values()), over


def test_search_finds(browser):
    with opened(browser, "search") as tab:
        tab.goto(f"{browser.address}/search.html?q=receptive")
        tab.wait_for_selector("#search-results li a")
        assert "layer by layer" in tab.locator("#search-results").inner_text()
        assert tab.trouble == []


def test_dark_pages_invert_charts_and_not_photographs(browser):
    with opened(browser, "chapters/20-architecture", scheme="dark") as tab:
        style = "kind => getComputedStyle(document.querySelector('img.' + kind)).filter"
        assert "invert" in tab.evaluate(style, "chart")
        assert tab.evaluate(style, "photographs") == "none"


def test_a_page_prints_without_its_sidebars(browser):
    with opened(browser, "chapters/20-architecture") as tab:
        tab.emulate_media(media="print")
        assert not tab.locator(".bd-sidebar-primary").first.is_visible()
        assert tab.locator("h1").first.is_visible()


def test_previous_and_next_lead_through_the_book(browser):
    with opened(browser, "index") as tab:
        seen = [tab.title()]
        for _ in range(len(CHAPTERS)):
            tab.click(".prev-next-footer a.right-next")
            tab.wait_for_load_state("networkidle")
            seen.append(tab.title())
        assert len(set(seen)) == 1 + len(CHAPTERS)


def test_theme_can_be_switched(browser):
    with opened(browser, "index") as tab:
        for _ in range(3):
            tab.locator("button.theme-switch-button").first.click()
        assert tab.evaluate("document.documentElement.dataset.mode") in ("light", "dark", "auto")
        assert tab.trouble == []


def test_a_page_reads_without_scripts(browser):
    with opened(browser, "chapters/20-architecture", java_script_enabled=False) as tab:
        assert "60,965,224" in tab.locator("table.alexnet-table").first.inner_text()


@contextmanager
def at_explorer(browser, page, number, **options):
    """The explorer and its tab, drawn; at the end, whatever went wrong fails the test."""
    with opened(browser, page, **options) as tab:
        place = tab.locator(".alexnet-explorer").nth(number)
        place.scroll_into_view_if_needed()
        place.locator(".explorer").wait_for()
        place.locator("[aria-busy=true]").wait_for(state="detached")
        assert place.get_attribute("data-mounted") == "true"
        start = place.get_by_role("button", name="Start the network")
        if start.count():
            start.press("Enter")
            place.locator(".maps-one").wait_for()
        yield tab, place
        assert tab.trouble == []


class Seen:
    """What an explorer says, and how it looks apart from that and from the controls that were touched."""

    def __init__(self, place):
        self.place, self.said = place, place.locator("[role=status]")
        self.words = " ".join(self.said.all_inner_texts())
        mask = [self.said, *(place.locator(tag) for tag in ("input", "output", "select"))]
        self.pixels = place.locator(".explorer").screenshot(mask=mask, animations="disabled")

    def changes(self):
        """What is seen once the words have changed; after twenty seconds it is an error that they have not."""

        def differ():
            assert " ".join(self.said.all_inner_texts()) != self.words, f"still says: {self.words}"

        soon(self.place.page, differ, 20)
        after = Seen(self.place)
        assert after.pixels != self.pixels, "the words changed, and nothing else"
        return after


def first_control(place):
    """An explorer's first slider, or its first button where it has none, and the keys that use it."""
    slider = place.locator("input[type=range]")
    return (slider.first, ("Home", "ArrowRight")) if slider.count() else (place.locator("button").first, ("Enter",))


def spot(control, part):
    """A place on a control, in pixels of the window, after that place has come into sight."""
    control.evaluate("control => control.scrollIntoView({block: 'center', behavior: 'instant'})")
    box = control.bounding_box()
    return box["x"] + part * box["width"], box["y"] + box["height"] / 2


EACH = pytest.mark.parametrize(("page", "number", "module"), EXPLORERS, ids=[f"{m}-{p[9:11]}" for p, _, m in EXPLORERS])


@EACH
def test_an_explorer_answers_mouse_and_keyboard(browser, page, number, module):
    with at_explorer(browser, page, number) as (tab, place):
        control, keys = first_control(place)
        seen = Seen(place)
        tab.mouse.click(*spot(control, 0.9))
        seen = seen.changes()
        control.focus()
        for key in keys:
            tab.keyboard.press(key)
        seen.changes()


# What a keyboard can reach inside an element, in the order of the page; of a group of radio buttons the one that is
# chosen, or else its first. Each gets a number.
CONTROLS = """place => {
    const may = "a[href], button, input, select, textarea, summary, [tabindex]";
    const seen = [...place.querySelectorAll(may)].filter(
        e => e.tabIndex >= 0 && !e.disabled && e.checkVisibility({ visibilityProperty: true }));
    const group = e => seen.filter(o => o.type === "radio" && o.name === e.name && o.form === e.form);
    const found = seen.filter(e =>
        e.type !== "radio" || !e.name || e === (group(e).find(o => o.checked) ?? group(e)[0]));
    found.forEach((e, n) => (e.dataset.walk = n));
    return found.map(e => e.outerHTML.slice(0, 80));
}"""
# Where the keyboard is, as [its number, whether it shows].
HERE = """() => {
    const e = document.activeElement, style = getComputedStyle(e);
    const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
    return [e.dataset.walk ?? e.id, e.matches(":focus-visible") && (ring || style.boxShadow !== "none")];
}"""
# The keys that use a control of a kind, the first of which may find it at its end.
USES = {
    "range": ["ArrowRight", "ArrowLeft"],
    "number": ["ArrowUp", "ArrowDown"],
    "select-one": ["ArrowDown", "ArrowUp"],
    "radio": ["ArrowDown"],
    "checkbox": ["Space"],
    "file": ["Space"],
}
# Tells in `window.used` which control was used: its number or, of radio buttons, their group. No link is followed.
TELL = """place => ["input", "change", "click"].forEach(kind => place.addEventListener(kind, event => {
    const { target } = event;
    window.used = target.type === "radio" ? target.name : target.closest("[data-walk]")?.dataset.walk;
    if (target.closest("a")) event.preventDefault();
}, true))"""


def walk(tab, place):
    """Go through an element by Tab and back by Shift+Tab: every control is met, in order, and shows it."""
    controls = place.evaluate(CONTROLS)
    place.evaluate(
        """place => ["before", "after"].forEach(where => {
            const stop = Object.assign(document.createElement("span"), { id: where, tabIndex: 0, textContent: where });
            place[where](stop);
        })"""
    )
    for start, key, end in (("before", "Tab", "after"), ("after", "Shift+Tab", "before")):
        tab.locator(f"#{start}").focus()
        met = []
        while not met or met[-1][0] != end:
            assert len(met) < 2 * len(controls) + 10, f"no way out of {place}"
            tab.keyboard.press(key)
            met.append(tab.evaluate(HERE))
        # A box that scrolls can be reached, too, where the browser makes it so.
        numbers = [int(number) for number, _ in met if number.isdigit()]
        assert sorted(numbers) == list(range(len(controls))), [
            controls[n] for n in set(range(len(controls))) - {*numbers}
        ]
        assert numbers == sorted(numbers, reverse=key != "Tab")
        assert [controls[int(number)] for number, shows in met if number.isdigit() and not shows] == []
    return controls


def is_used(tab, control, kind, expected):
    tab.evaluate("window.used = undefined")
    for key in USES.get(kind, ["Enter"]):
        control.press(key)
    assert tab.evaluate("window.used") == expected, control.evaluate("e => e.outerHTML.slice(0, 80)")


def has_scrolled(box):
    left, over = box.evaluate("e => [e.scrollLeft, e.scrollWidth - e.clientWidth]")
    assert (left > 0) == (over > 0), "it moves where it holds more than it shows"


@EACH
def test_an_explorer_can_be_walked_by_keyboard_alone(browser, page, number, module):
    with at_explorer(browser, page, number) as (tab, place):
        controls = walk(tab, place)
        assert controls
        place.evaluate(TELL)
        for n, told in enumerate(controls):
            control = place.locator(f"[data-walk='{n}']")
            # Using one control may take another away.
            if not control.count() or not control.is_enabled() or not control.is_visible():
                continue
            kind, name = control.evaluate("e => [e.type || e.localName, e.name]")
            if kind == "div":
                assert "scrolls" in control.get_attribute("class"), told
                control.press("ArrowRight")
                soon(tab, partial(has_scrolled, control))
            else:
                # Not at once: an explorer that computes after the last key may draw itself in between.
                soon(tab, partial(is_used, tab, control, kind, name if kind == "radio" else str(n)), 5)


@EACH
def test_an_explorer_answers_touch_on_a_phone_in_the_dark(browser, page, number, module):
    options = {"width": 360, "scheme": "dark", "has_touch": True, "is_mobile": True}
    with at_explorer(browser, page, number, **options) as (tab, place):
        assert place.locator(".explorer").get_attribute("data-theme") == "dark"
        seen = Seen(place)
        tab.touchscreen.tap(*spot(first_control(place)[0], 0.75))
        seen.changes()
        assert tab.evaluate("document.documentElement.scrollWidth") <= 360


def test_an_explorer_is_loaded_when_the_reader_comes_near(browser):
    page, _, module = EXPLORERS[-1]
    with opened(browser, page) as tab:
        address = f"{browser.address}/explorers/{module}.mjs"
        assert address not in tab.asked
        reach_all(tab)
        assert address in tab.asked


def has_its_fallback(place):
    figure = place.locator("figure")
    picture = figure.locator("> img")
    box, drawn = picture.bounding_box(), picture.evaluate("async image => { await image.decode(); return true; }")
    return drawn and box["width"] > 200 and box["height"] > 50 and len(figure.locator("figcaption").inner_text()) > 40


def told(tab, words):
    assert any(words in line for line in tab.trouble)


@pytest.mark.parametrize("page", EXPLORED)
def test_without_scripts_explorers_are_pictures_and_sentences(browser, page):
    with opened(browser, page, width=360, java_script_enabled=False) as tab:
        places = tab.locator(".alexnet-explorer").all()
        assert places and all(has_its_fallback(place) for place in places)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", EXPLORED)
def test_the_fallback_stays_where_nothing_can_be_loaded(browser, page, scheme):
    with opened(browser, page, scheme=scheme, blocked=["**/explorers/mount.mjs"]) as tab:
        for place in tab.locator(".alexnet-explorer").all():
            place.scroll_into_view_if_needed()
            assert has_its_fallback(place)
        soon(tab, lambda: told(tab, "explorers could not be loaded"))
        assert violations(tab) == []


def test_an_explorer_that_cannot_be_loaded_leaves_the_others_alone(browser):
    page, _, module = EXPLORERS[-2]
    with opened(browser, page, blocked=[f"**/explorers/{module}.mjs"]) as tab:
        for place in tab.locator(".alexnet-explorer").all():
            place.scroll_into_view_if_needed()
            if place.get_attribute("data-module") == module:
                tab.wait_for_timeout(200)
                assert has_its_fallback(place)
            else:
                place.locator(".explorer").wait_for()
        soon(tab, lambda: told(tab, "An explorer could not be drawn"))


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
@pytest.mark.parametrize("page", EXPLORED)
def test_explorers_are_accessible(browser, page, width, scheme):
    with opened(browser, page, width, scheme) as tab:
        reach_all(tab)
        assert violations(tab) == []


def test_explorers_follow_the_theme_and_print_light(browser):
    with opened(browser, EXPLORERS[-1][0], scheme="dark") as tab:
        reach_all(tab)
        themes = "[...document.querySelectorAll('.explorer')].map(e => e.dataset.theme)"
        for event, expected in ((None, "dark"), ("beforeprint", "light"), ("afterprint", "dark")):
            if event:
                tab.evaluate("event => dispatchEvent(new Event(event))", event)
            assert set(tab.evaluate(themes)) == {expected}
            assert tab.evaluate("document.documentElement.dataset.theme") == expected


QUIZZED = "chapters/34-softmax-and-cross-entropy"


def asked(tab, id):
    """The form of a question, its place for what is said, and what is typed into or chosen with the keyboard."""
    form = tab.locator(f"#question-{id}")
    return form, form.locator(".quiz-said"), form.locator("input").first


def says(place, words):
    assert words in place.inner_text()


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_a_quiz_is_answered_with_the_keyboard_alone(browser, width, scheme):
    with opened(browser, QUIZZED, width, scheme) as tab:
        tab.wait_for_selector("mjx-container")
        assert violations(tab, ".quiz") == []
        count = tab.locator(".quiz-count")
        form, said, first = asked(tab, "34-loss-that-flattens")
        first.focus()
        tab.keyboard.press("Enter")
        assert said.inner_text() == "", "nothing is chosen yet"
        # Arrow keys choose, Enter answers.
        tab.keyboard.press("ArrowDown")
        tab.keyboard.press("Enter")
        soon(tab, lambda: says(said, "Right."))
        soon(tab, lambda: says(count, "1 of "))
        tab.keyboard.press("ArrowDown")
        assert (said.inner_text(), count.inner_text()) == ("", "")
        tab.keyboard.press("Enter")
        soon(tab, lambda: says(said, "Not so."))
        soon(tab, lambda: says(count, "0 of "))

        form, said, field = asked(tab, "34-gradient-at-the-true-class")
        field.focus()
        tab.keyboard.type("0,8")
        tab.keyboard.press("Tab")
        assert form.locator("button").evaluate("button => button === document.activeElement")
        tab.keyboard.press("Space")
        soon(tab, lambda: says(said, "the sign is not"))
        field.focus()
        tab.keyboard.press("Home")
        tab.keyboard.type("-")
        tab.keyboard.press("Enter")
        soon(tab, lambda: says(said, "Right."))
        soon(tab, lambda: says(count, "1 of "))
        assert said.locator(".math:not(:has(mjx-container))").count() == 0
        assert said.locator("mjx-container").count()
        fits(tab, width, scheme)
        assert violations(tab, ".quiz") == []
        assert tab.trouble == []
        assert "?" not in tab.url, "the form was sent"


def test_without_scripts_every_question_has_its_answer_folded(browser):
    with opened(browser, QUIZZED, width=360, java_script_enabled=False) as tab:
        for form in tab.locator(".quiz-question").all():
            answer = form.locator("details")
            assert not answer.locator(".quiz-explanation").is_visible()
            answer.locator("summary").click()
            assert answer.locator(".quiz-explanation").is_visible()
            assert "Right." in answer.inner_text()
            assert not form.locator("button").is_visible()


def test_a_quiz_is_loaded_where_there_is_one(browser):
    for page, there in ((QUIZZED, True), ("chapters/about", False)):
        with opened(browser, page) as tab:
            assert any("quiz.mjs" in address for address in tab.asked) == there
            assert tab.locator(".quiz").count() == there


# Of what the policy of a page must stop, a JavaScript expression each.
FORBIDDEN = {
    "a script in the page": "document.body.append(Object.assign(document.createElement('script'), {text: 'ran = 1'}))",
    "a handler in an attribute": "document.body.setAttribute('onclick', 'ran = 1'), document.body.click()",
    "a string that is run": "setTimeout('ran = 1')",
    "a script of another host": "document.body.append(Object.assign(document.createElement('script'),"
    " {src: 'https://example.org/x.js'}))",
    "a picture of another host": "new Image().src = 'https://example.org/x.png'",
    "a question to another host": "fetch('https://example.org/x').catch(() => 0)",
    "a style sheet in the page": "document.head.append(document.createElement('style')),"
    " document.head.lastChild.append('body { color: red }')",
    "a page in the page": "document.body.append(Object.assign(document.createElement('iframe'),"
    " {src: 'https://example.org/'}))",
}


@pytest.mark.parametrize("page", ["index", "chapters/34-softmax-and-cross-entropy"])
def test_the_policy_of_a_page_stops_what_it_must(browser, page):
    with opened(browser, page) as tab:
        assert tab.trouble == []
        tab.evaluate(
            "addEventListener('securitypolicyviolation', e => (window.stopped ??= []).push(e.violatedDirective))"
        )
        for what, attempt in FORBIDDEN.items():
            before = tab.evaluate("window.stopped?.length ?? 0")
            tab.evaluate(f"() => {{ {attempt}; }}")

            def is_stopped(before=before, what=what):
                assert tab.evaluate("window.stopped?.length ?? 0") > before, what

            soon(tab, is_stopped, 5)
        assert tab.evaluate("window.ran") is None


def test_buttons_of_the_theme_do_what_their_handlers_did(browser):
    with opened(browser, "chapters/31-relu") as tab:
        tab.evaluate("window.print = () => (window.printed = true)")
        tab.locator(".btn-download-pdf-button").first.evaluate("button => button.click()")
        assert tab.evaluate("window.printed")
        tab.locator(".btn-fullscreen-button").first.click()
        tab.locator("html:fullscreen").wait_for()
        assert tab.trouble == []
