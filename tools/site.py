"""Build, serve or watch the site: `make book`, `make serve`."""

import http.server
import os
import socketserver
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "_build" / "html"
# Built with warnings as errors, and every reference checked.
BUILD = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(ROOT), "-W", "-n", "--keep-going", "--quiet"]


def build():
    """Build the site; exit with Jupyter Book's status where it fails."""
    began = time.monotonic()
    status = subprocess.run([*BUILD, "--all"], cwd=ROOT).returncode
    if status:
        sys.exit(status)
    size = sum(path.stat().st_size for path in SITE.rglob("*") if path.is_file())
    print(
        f"The site is in {SITE.relative_to(ROOT)}/: {size / 1e6:.1f} MB, built in {time.monotonic() - began:.0f} s.",
        flush=True,
    )


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def serve(port=8000):
    """Serve the built site on this machine until Ctrl-C, on the first free port from `port`."""
    handler = partial(_Quiet, directory=str(SITE))
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


def watch(port=8000):
    """Serve the site, build it again whenever a source changes, and reload the page."""
    from livereload import Server

    def rebuild():
        # A mistake in a page under work is shown, and the server goes on.
        subprocess.run(BUILD, cwd=ROOT)

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
    server.serve(root=str(SITE), port=port, host="127.0.0.1")


if __name__ == "__main__":
    os.chdir(ROOT)
    {"build": build, "serve": serve, "watch": watch}[sys.argv[1]]()
