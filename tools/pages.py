"""What a page of the site costs its reader: requests, bytes and paint times, measured in a real browser.

    python tools/pages.py                           measure every page and print
    python tools/pages.py --budget                  and write tests/budget.json, which the tests hold the pages to
    python tools/pages.py --budget chapters/20-...  measure and write this page only

The budget counts requests and bytes, which do not depend on the machine; paint times are only printed.
"""

import gzip
import json
import shutil
import sys
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "_build" / "html"
BUDGET = ROOT / "tests" / "budget.json"
# What a page may grow before its budget is looked at again: the text of a chapter changes, its machinery should not.
SLACK = 1.05
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# The observer is told of what was painted before it began.
_PAINTS = """() => new Promise(done => {
    const times = {};
    for (const p of performance.getEntriesByType("paint")) times[p.name] = p.startTime;
    new PerformanceObserver(list => {
        for (const p of list.getEntries()) times["largest-contentful-paint"] = p.startTime;
        done(times);
    }).observe({type: "largest-contentful-paint", buffered: true});
    setTimeout(() => done(times), 1000);
})"""


_BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
)


def chromium():
    """The path of an installed Chromium, or None."""
    return next(filter(None, map(shutil.which, _BROWSERS)), None)


class Quiet(SimpleHTTPRequestHandler):
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".mjs": "text/javascript"}

    def log_message(self, *_):
        pass


@contextmanager
def browser(site=SITE):
    """A headless Chromium; `.address` is where it finds the site."""
    from playwright.sync_api import sync_playwright

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        browser.address = f"http://127.0.0.1:{server.server_address[1]}"
        yield browser
        browser.close()
    server.shutdown()


def names(site=SITE):
    """Every page of the built site; the decks in slides/, which load what they show as they show it, are none."""
    found = (path.relative_to(site) for path in site.rglob("*.html"))
    return sorted(
        path.with_suffix("").as_posix() for path in found if path.parts[0] != "slides" and path.parts[0][0] != "_"
    )


def measure(browser, page, width=1280):
    """What a first visit loads: "requests", "bytes", "gzipped", "paint" and "largest_paint" in ms, "kinds" (bytes).

    bytes are of the files; gzipped is what they come to where the host compresses text, as GitHub Pages does.
    """
    context = browser.new_context(viewport={"width": width, "height": 850})
    tab = context.new_page()
    answers = []
    tab.on("response", lambda answer: answers.append(answer))
    tab.goto(f"{browser.address}/{page}.html", wait_until="networkidle")
    # Pictures further down load when they are reached.
    tab.evaluate("for (const i of document.images) i.loading = 'eager'")
    tab.wait_for_load_state("networkidle")
    paints = tab.evaluate(_PAINTS)
    # So do explorers.
    for place in tab.locator(".alexnet-explorer").all():
        place.scroll_into_view_if_needed()
    tab.locator(".alexnet-explorer:not([data-mounted])").first.wait_for(state="detached")
    tab.wait_for_load_state("networkidle")
    total, gzipped, kinds = 0, 0, {}
    for answer in answers:
        if not answer.url.startswith("http"):
            continue
        body = answer.body()
        kind = answer.request.resource_type
        total += len(body)
        small = kind in ("image", "font") and not answer.url.endswith(".svg")
        gzipped += len(body) if small else len(gzip.compress(body, 6, mtime=0))
        kinds[kind] = kinds.get(kind, 0) + len(body)
    context.close()
    return {
        "requests": sum(answer.url.startswith("http") for answer in answers),
        "bytes": total,
        "gzipped": gzipped,
        "paint": round(paints.get("first-contentful-paint", 0)),
        "largest_paint": round(paints.get("largest-contentful-paint", 0)),
        "kinds": kinds,
    }


def table(costs):
    """The costs of pages as lines of text."""
    lines = [f"{'page':<34}{'requests':>9}{'kB':>8}{'gzipped':>9}{'paint':>8}{'largest':>9}"]
    for page, cost in costs.items():
        lines.append(
            f"{page:<34}{cost['requests']:>9}{cost['bytes'] / 1e3:>8.0f}{cost['gzipped'] / 1e3:>9.0f}"
            f"{cost['paint']:>5} ms{cost['largest_paint']:>6} ms"
        )
    return "\n".join(lines)


def main():
    there = names()
    wanted = [name for name in sys.argv[1:] if not name.startswith("--")] or there
    with browser() as chrome:
        costs = {page: measure(chrome, page) for page in wanted}
    print(table(costs))
    if "--budget" in sys.argv:
        budget = json.loads(BUDGET.read_text()) | {
            page: {"requests": cost["requests"], "bytes": int(cost["bytes"] * SLACK)} for page, cost in costs.items()
        }
        budget = {page: budget[page] for page in there if page in budget}
        BUDGET.write_text(json.dumps(budget, indent=1) + "\n")
    elif "--kinds" in sys.argv:
        for page, cost in costs.items():
            print(page, cost["kinds"])


if __name__ == "__main__":
    main()
