"""The addresses on other hosts that the built site links to: `make links` asks each whether it still answers.

python tools/links.py           list them in _build/links/, and ask them
python tools/links.py list      only list them

Sphinx's own checker does the asking, on a page that holds nothing but the list: it waits where a host asks it to,
tries again, and follows redirections. It cannot look into HTML, where a chapter's folded parts and the page's buttons
are; the list is made from the built pages, and holds them too.
"""

import html.parser
import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import repository

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "_build" / "html"
FOLDER = ROOT / "_build" / "links"

CONFIGURATION = """\
project = "Addresses"
linkcheck_timeout = 30
linkcheck_retries = 3
linkcheck_workers = 8
linkcheck_anchors = False
"""
# No longer there, and the page that links to it says so.
GONE = {"https://plus.google.com/+AndrejKarpathy/posts/dwDNcBuWTWf"}
# These say that a program may not ask, not that the page is gone: a person has to look.
REFUSED = re.compile(r"\b(?:401|403|429|999) ")


class _Links(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "a":
            self.found.append(dict(attributes).get("href") or "")


def external(site=SITE, url=None):
    """{address: names of the pages that link to it}, without what the theme makes of the repository's address `url`.

    A part after # is left out: whether a place in a foreign page is there, a program can often not see.
    """
    url = url or repository.address()
    made = re.compile(rf"{re.escape(url)}/(?:edit|issues/new)\b|.*\.google\.com/github/")
    found = {}
    for page in sorted(site.rglob("*.html")):
        if "_static" in page.parts:
            continue
        for link in _Links(page.read_text(encoding="utf-8")).found:
            if re.match(r"(?:[a-z][a-z0-9+.-]*:)?//", link, re.I) and not made.match(link):
                found.setdefault(link.partition("#")[0], set()).add(page.relative_to(site).as_posix())
    return {address: sorted(found[address]) for address in sorted(found)}


def problem(address):
    """What is wrong with the form of an address, or "" where nothing is."""
    if not re.match(r"https?://", address):
        return "is neither http nor https"
    if re.search(r"[\s<>\"{}|\\^`]", address):
        return "has a character that an address cannot have"
    host = urlsplit(address).hostname or ""
    if not re.fullmatch(r"(?:[a-z0-9-]+\.)+[a-z]{2,}", host):
        return "names no host of the internet"
    if re.search(r"[.,;:]$", address):
        return "ends in a mark of punctuation"
    return ""


def ask(addresses, folder=FOLDER):
    """Ask every address. Returns (broken, refused): {address: what came back} of those that did not answer."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "conf.py").write_text(CONFIGURATION, encoding="utf-8")
    page = ["Addresses", "=========", "", *(f"- `{n} <{address}>`__" for n, address in enumerate(addresses)), ""]
    (folder / "index.rst").write_text("\n".join(page), encoding="utf-8")
    answers = folder / "answers"
    command = [sys.executable, "-m", "sphinx", "-q", "-E", "-b", "linkcheck", str(folder), str(answers)]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    rows = [json.loads(line) for line in (answers / "output.json").read_text(encoding="utf-8").splitlines()]
    silent = set(addresses) - {row["uri"] for row in rows}
    if silent:
        raise RuntimeError(f"Sphinx did not ask {sorted(silent)}")
    bad = {row["uri"]: row["info"] for row in rows if row["status"] not in ("working", "redirected")}
    refused = {address: info for address, info in bad.items() if REFUSED.match(info)}
    return {address: info for address, info in bad.items() if address not in refused}, refused


def main(task="ask"):
    if not SITE.exists():
        sys.exit("There is no site yet: make book")
    pages = external()
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "addresses.json").write_text(json.dumps(pages, indent=1) + "\n", encoding="utf-8")
    wrong = {address: why for address in pages if (why := problem(address))}
    print(f"{len(pages)} addresses on other hosts, listed in {(FOLDER / 'addresses.json').relative_to(ROOT)}")
    refused = {}
    if task == "ask" and not wrong:
        wrong, refused = ask([address for address in pages if address not in GONE])
    for title, some in (("refuses a program", refused), ("BROKEN", wrong)):
        for address, why in some.items():
            print(f"{title}: {address} ({why}); on {', '.join(pages[address])}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
