"""Shared by all tests: where things are, a network small enough to train in a second, and what this machine lacks."""

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["ALEXNET_PROFILE"] = "quick"

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
IN_CI = bool(os.environ.get("CI"))
sys.path.insert(0, str(ROOT / "tools"))


def missing(what):
    """Skip a test, or a whole module, for what this machine lacks; in CI nothing may be lacking."""
    if IN_CI:
        pytest.fail(f"CI must have {what}")
    pytest.skip(f"left out: this machine has no {what}", allow_module_level=True)


def experiment(name):
    """A fresh module of the script experiments/<name>.py."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "experiments" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def soon(tab, check, seconds=30):
    """What check returns once its assertions hold: a message, a picture or a file may still be on its way."""
    end = time.monotonic() + seconds
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() > end:
                raise
        # Also lets playwright hear what the tab has to say.
        tab.wait_for_timeout(20)


def until(tab, expression, seconds=30):
    """Wait until a JavaScript expression holds; `tab.wait_for_function` needs what the pages' policy forbids."""

    def check():
        assert tab.evaluate(expression), expression

    soon(tab, check, seconds)


@pytest.fixture
def tiny():
    """An AlexNet in miniature: grouped convolutions, both normalisations' kin, overlapping pools, dropout."""
    from alexnet.architecture import LRN, Architecture, Conv, Dense, Dropout, Pool

    return Architecture(
        "tiny",
        "two small towers",
        (32, 32, 3),
        [
            Conv("conv1", 8, 5, stride=2, weights="he_normal"),
            LRN("lrn1", groups=2),
            Pool("pool1", 3, 2),
            Conv("conv2", 16, 3, padding=1, groups=2, weights="he_normal"),
            Pool("pool2", 3, 2),
            Dense("fc3", 32, weights="he_normal"),
            Dropout("drop3", 0.5),
            Dense("fc4", 10, None, weights="he_normal"),
        ],
        towers=2,
        rounding="up",
    )


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The built site; built once, also with several test workers."""
    from filelock import FileLock

    html = ROOT / "_build" / "html"
    shared = (
        tmp_path_factory.getbasetemp().parent
        if os.environ.get("PYTEST_XDIST_WORKER")
        else tmp_path_factory.getbasetemp()
    )
    with FileLock(shared / "site.lock"):
        done = shared / "site.built"
        if not done.exists():
            subprocess.run([sys.executable, ROOT / "tools" / "site.py", "build"], cwd=ROOT, check=True)
            done.touch()
    return html


def violations(tab, inside=".alexnet-explorer"):
    """What axe-core finds wrong inside the page's explorers, or their fallbacks; None: on the whole page."""
    import quality

    if not quality.AXE.exists():
        missing("axe-core, so accessibility is not checked (python tools/front.py test installs it)")
    return quality.violations(tab, inside)


SHELL = """<!doctype html><html lang="en" data-theme="{theme}"><head><meta charset="utf-8"><title>Explorer</title>
<link rel="icon" href="data:,"><meta name="viewport" content="width=device-width"></head>
<body><main><h1>Explorer</h1>{place}</main><script type="module" src="explorers/mount.mjs"></script></body></html>"""


def shell(theme, place):
    """A page with an explorer, or more, and the policy of a page of the book."""
    import bookpages

    return bookpages.secure(SHELL.format(theme=theme, place=place))


@pytest.fixture(scope="module")
def explorer_site(tmp_path_factory):
    import cuttings
    import pages

    if not pages.chromium():
        missing("Chromium, so no explorer is driven (Debian: apt install chromium)")
    from alexnet.explorers import base

    site = tmp_path_factory.mktemp("site")
    shutil.copytree(base.FRONT, site / "explorers")
    cuttings.ship(site / "explorers" / "assets")
    with pages.browser(site) as browser:
        yield site, browser


@pytest.fixture
def opened(explorer_site):
    """opened(explorer, width=1000, theme="light", touch=False): a context that gives the tab with it drawn.

    At its end, an error or warning of the console, or a request to another host, fails the test.
    """
    site, browser = explorer_site

    @contextmanager
    def open_(explorer, width=1000, theme="light", touch=False):
        (site / "index.html").write_text(shell(theme, explorer.page()))
        context = browser.new_context(viewport={"width": width, "height": 900}, has_touch=touch)
        tab, trouble = context.new_page(), []
        tab.on("console", lambda m: trouble.append(m.text) if m.type in ("error", "warning") else None)
        tab.on("pageerror", lambda error: trouble.append(str(error)))
        ours = (browser.address, "data:", "blob:")
        tab.on("request", lambda r: None if r.url.startswith(ours) else trouble.append(r.url))
        tab.goto(f"{browser.address}/index.html")
        tab.wait_for_selector(".explorer")
        yield tab
        assert trouble == []
        context.close()

    return open_
