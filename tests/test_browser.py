"""Every page in a real browser, as a reader opens it: wide and narrow, light and dark, with no word to another host."""

import json
from contextlib import contextmanager

import pytest

import pages
from conftest import CHAPTERS, missing

if not pages.chromium():
    missing("Chromium, so no page is opened (Debian: apt install chromium)")

PAGES = [
    "index",
    *(f"chapters/{path.stem}" for path in CHAPTERS),
    "chapters/about",
    "chapters/references",
    "search",
    "genindex",
]


@pytest.fixture(scope="module")
def browser(site):
    with pages.browser(site) as chrome:
        yield chrome


@contextmanager
def opened(browser, page, width=1280, scheme="light", **options):
    """The page, loaded, with everything that went wrong in `page.trouble`."""
    context = browser.new_context(viewport={"width": width, "height": 850}, color_scheme=scheme, **options)
    tab = context.new_page()
    tab.trouble = []
    tab.on(
        "console",
        lambda m: tab.trouble.append(f"console {m.type}: {m.text}") if m.type in ("error", "warning") else None,
    )
    tab.on("pageerror", lambda error: tab.trouble.append(f"script error: {error}"))
    tab.on("requestfailed", lambda request: tab.trouble.append(f"failed: {request.url}"))
    tab.on("response", lambda r: tab.trouble.append(f"{r.status}: {r.url}") if r.status >= 400 else None)

    def request(asked):
        if not asked.url.startswith((browser.address, "data:", "blob:")):
            tab.trouble.append(f"another host: {asked.url}")

    tab.on("request", request)
    tab.goto(f"{browser.address}/{page}.html", wait_until="networkidle")
    yield tab
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("page", PAGES)
def test_page_loads_quietly_and_fits(browser, page, width, scheme):
    with opened(browser, page, width, scheme) as tab:
        assert tab.trouble == []
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, "scrolls sideways"
        assert tab.evaluate("document.documentElement.dataset.theme") == scheme
        broken = tab.evaluate("[...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)")
        assert broken == []


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


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_mathematics_is_drawn(browser, chapter):
    with opened(browser, f"chapters/{chapter.stem}") as tab:
        tab.wait_for_selector("mjx-container")
        assert tab.locator("mjx-merror").count() == 0
        left = tab.evaluate(
            "[...document.querySelectorAll('.math')].filter(m => !m.querySelector('mjx-container')).length"
        )
        assert left == 0


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
