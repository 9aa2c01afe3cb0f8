"""Build, serve or watch the site: `make book`, `make serve`, each also with EDITION=student."""

import http.server
import os
import shutil
import socketserver
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import editions

ROOT = Path(__file__).resolve().parents[1]


def build(edition="instructor"):
    """Build an edition's site; exit with Jupyter Book's status where it fails."""
    began = time.monotonic()
    status = _build(edition, "--all")
    if status:
        sys.exit(status)
    site = editions.folder(edition) / "html"
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    print(
        f"The site is in {site.relative_to(ROOT)}/: {size / 1e6:.1f} MB, built in {time.monotonic() - began:.0f} s.",
        flush=True,
    )


def _build(edition, *options):
    status = _pages(edition, *options)
    if not status:
        editions.link_pdf(edition)
    return status


def _pages(edition, *options):
    if edition == "instructor":
        return _jupyter_book(ROOT, *options)
    whole = editions.folder(edition)
    source, site = whole / "source", whole / "html"
    # What is there was complete once, and could be of an edition with solutions.
    shutil.rmtree(site, ignore_errors=True)
    editions.prepare(source)
    status = _jupyter_book(source, *options)
    if status:
        return status
    problems = editions.left_over(source / "_build" / "html")
    if problems:
        print(*problems, sep="\n", file=sys.stderr)
        return 1
    shutil.move(source / "_build" / "html", site)
    return 0


def _jupyter_book(source, *options):
    # Warnings are errors, and every reference is checked.
    program = str(Path(sys.executable).with_name("jupyter-book"))
    return subprocess.run(
        [program, "build", source, "-W", "-n", "--keep-going", "--quiet", *options], cwd=ROOT
    ).returncode


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def serve(edition="instructor", port=8000):
    """Serve an edition's built site on this machine until Ctrl-C, on the first free port from `port`."""
    handler = partial(_Quiet, directory=str(editions.folder(edition) / "html"))
    for candidate in range(port, port + 50):
        try:
            server = _Server(("127.0.0.1", candidate), handler)
            break
        except OSError:
            continue
    else:
        sys.exit(f"No free port between {port} and {port + 49}.")
    with server:
        print(f"Read the book at http://127.0.0.1:{server.server_address[1]}/ (Ctrl-C stops)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | {".mjs": "text/javascript"}

    def log_message(self, *_):
        pass


def watch(edition="instructor", port=8000):
    """Serve an edition's site, build it again whenever a source changes, and reload the page."""
    from livereload import Server

    def rebuild():
        # A mistake in a page under work is shown, and the server goes on.
        _build(edition)

    rebuild()
    server = Server()
    for sources in (
        "*.md",
        "_*.yml",
        "chapters/*",
        "assets/css/*",
        "assets/js/*",
        "assets/figures/*",
        "assets/*.bib",
        "assets/*.yml",
        "alexnet/explorers/front/*",
        "alexnet/explorers/front/*/*",
        "course/questions/*.yml",
        "tools/bookpages.py",
        "tools/quizpage.py",
        "course/slides.md",
        "course/slides/*",
        "tools/slides.py",
    ):
        server.watch(str(ROOT / sources), rebuild)
    server.serve(root=str(editions.folder(edition) / "html"), port=port, host="127.0.0.1")


if __name__ == "__main__":
    os.chdir(ROOT)
    try:
        {"build": build, "serve": serve, "watch": watch}[sys.argv[1]](*sys.argv[2:])
    except editions.Broken as error:
        sys.exit(str(error))
