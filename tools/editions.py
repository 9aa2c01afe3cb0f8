"""The book's two editions: the instructor's, which is the whole, and the student's, which holds no solutions.

    make book EDITION=student

The student edition is built from a copy of the sources, _build/student/source, that has no solution in it: so none gets
into a page, into a notebook that a page offers, or into what the search knows. What is left out:

- folded solutions, `<details>` whose summary begins with "Solution", and notebook cells tagged `solution`: a sentence
  stands in their place;
- passages for whoever teaches, from a line `<!-- instructor -->` to a line `<!-- /instructor -->`, and the notes of
  slides;
- the pages and files of LEFT_OUT, with their entries in _toc.yml;
- buttons and links to what is left out, and to chapters and course in the repository, where the solutions are: a link
  in a text becomes plain text, and one that this misses ends the build.
"""

import json
import re
import shutil
from fnmatch import fnmatch
from html import unescape
from pathlib import Path, PurePosixPath
from posixpath import normpath
from urllib.parse import unquote, urlsplit

import yaml

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("instructor", "student")
# What a site is made of. Tests, with their wrong answers, and experiments are no part of it.
SOURCES = ("_config.yml", "_toc.yml", "index.md", "alexnet", "assets", "chapters", "course", "tools")
# Patterns of names without their suffix; of a folder, all that is in it.
LEFT_OUT = (
    "course/README",
    "course/guide",
    "course/rubric",
    "course/labs/*answers",
    "course/source",
    # What nbgrader leaves there.
    *("course/release", "course/submitted", "course/autograded", "course/feedback", "course/gradebook"),
)
NOTE = "The solution is in the instructor's edition."
# The printed book, which tools/pdf.py makes.
PDF = "inside-alexnet.pdf"
FOOTER = "<p>Student edition: the solutions to the exercises are in the instructor's.</p>"

_FOLDED = re.compile(r"<details\b[^>]*>\s*<summary\b[^>]*>(.*?)</summary>.*?</details>", re.S | re.I)
_LEFT = re.compile(
    r"<summary\b[^>]*>(?:\s|<[^>]*>)*solution|<!-- /?instructor -->|^### (?:BEGIN|END) SOLUTION", re.I | re.M
)
_INSTRUCTOR = re.compile(r"^<!-- instructor -->\n.*?^<!-- /instructor -->\n?", re.S | re.M)
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]+)\)")
_ROLE = re.compile(r"\{doc\}`([^`<]*?)\s*<([^`>]+)>`")
_CARD = re.compile(r"^:link: (\S+)\n:link-type: doc\n", re.M)
# What pages say of the printed book.
_PRINTED = re.compile(r'(<p class="printed") hidden(?:="")?>')
_REPOSITORY = re.compile(r"/(?:blob|edit|raw|tree)/[^/]+/([^?#]+)")


class Broken(Exception):
    """An edition cannot be made, or would show what it must not."""


def folder(edition):
    """Where an edition is built: its site is there as html, its printed copy as pdf."""
    if edition not in NAMES:
        raise Broken(f"There is no edition {edition!r}: EDITION is one of {', '.join(NAMES)}.")
    return ROOT / "_build" if edition == "instructor" else ROOT / "_build" / edition


def is_left_out(name):
    """Whether the student edition lacks the file of this name, relative to the sources, with or without its suffix."""
    return any(fnmatch(name, pattern) or fnmatch(name, f"{pattern}[./]*") for pattern in LEFT_OUT)


def is_solution(folded):
    """Whether a match of a folded block is a solution; the pages fold other things too."""
    return re.sub(r"<[^>]*>", "", folded[1]).strip().lower().startswith("solution")


def without_solutions(text, name):
    """The Markdown of the page `name` as the student edition has it. Raises Broken where a solution has no end."""

    def unlinked(found):
        return found[1] if _leads_out(found[2], name) else found[0]

    text = _FOLDED.sub(lambda folded: NOTE if is_solution(folded) else folded[0], text)
    text = _INSTRUCTOR.sub("", text)
    text = _LINK.sub(unlinked, text)
    text = _ROLE.sub(unlinked, text)
    text = _CARD.sub(lambda card: "" if _leads_out(f"/{card[1]}", name) else card[0], text)
    left = _LEFT.search(text)
    if left:
        raise Broken(f"{name}: {left[0]!r} begins or ends something for the instructor, and its other end is missing.")
    return text


def _leads_out(target, name):
    """Whether a link on the page `name` leads to what is left out, or to the repository's own chapters and course."""
    address = urlsplit(target)
    path = unquote(address.path)
    if address.netloc:
        inside = _REPOSITORY.search(path)
        return bool(inside) and inside[1].partition("/")[0] in ("chapters", "course")
    inside = path[1:] if path.startswith("/") else normpath((PurePosixPath(name).parent / path).as_posix())
    return is_left_out(inside)


def prepare(source):
    """Write the student edition's sources into the folder `source`. Raises Broken where a solution has no end."""
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)

    def ignored(parent, names):
        inside = Path(parent).relative_to(ROOT)
        made = ("__pycache__", ".ipynb_checkpoints", "checkpoints")
        return [name for name in names if name in made or is_left_out((inside / name).as_posix())]

    for name in SOURCES:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=ignored)
        else:
            shutil.copy(path, source / name)
    for path in [source / "index.md", *(source / "chapters").rglob("*"), *(source / "course").rglob("*")]:
        name = path.relative_to(source).as_posix()
        if path.suffix not in (".md", ".ipynb"):
            continue
        text = path.read_text(encoding="utf-8")
        if name.startswith("course/slides/"):
            import slides

            text = slides.without_notes(text)
        strip = notebook_without_solutions if path.suffix == ".ipynb" else without_solutions
        path.write_text(strip(text, name), encoding="utf-8")
    _configure(source)


def notebook_without_solutions(text, name):
    """The same for the text of a notebook."""
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        if "solution" in cell["metadata"].get("tags", []):
            kept = {key: cell[key] for key in ("id", "metadata") if key in cell}
            cell.clear()
            cell |= {"cell_type": "markdown", **kept, "source": [NOTE]}
        elif cell["cell_type"] == "markdown":
            cell["source"] = without_solutions("".join(cell["source"]), name).splitlines(keepends=True)
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _configure(source):
    toc = yaml.safe_load((source / "_toc.yml").read_text(encoding="utf-8"))
    (source / "_toc.yml").write_text(yaml.safe_dump(kept_entries(toc), sort_keys=False), encoding="utf-8")
    config = yaml.safe_load((source / "_config.yml").read_text(encoding="utf-8"))
    config.pop("launch_buttons", None)
    config["html"] |= {"use_repository_button": False, "use_edit_page_button": False}
    config["html"]["extra_footer"] += FOOTER
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
    (source / "_config.yml").write_text(text, encoding="utf-8")


def kept_entries(entry):
    """An entry of _toc.yml without what is left out, and without parts in which nothing is left."""
    kept = dict(entry)
    for key in ("parts", "chapters", "sections"):
        if key in kept:
            inner = [kept_entries(e) for e in kept[key] if not is_left_out(e.get("file", ""))]
            kept[key] = [e for e in inner if "caption" not in e or e["chapters"]]
            if not kept[key] and key == "sections":
                del kept[key]
    return kept


def left_over(site):
    """A sentence for every link of the built student edition that leads to something that it must not show."""
    found = []
    for page in sorted(site.rglob("*.html")):
        name = page.relative_to(site).as_posix()
        if name.startswith("_static/"):
            continue
        for target in re.findall(r'\b(?:href|src)="([^"]*)"', page.read_text(encoding="utf-8")):
            if _leads_out(unescape(target), name):
                found.append(f"{name} links to {unescape(target)}, which the student edition leaves out")
    return found


def link_pdf(edition):
    """Put an edition's printed book, where there is one, into its built site, whose pages then show it."""
    site, pdf = folder(edition) / "html", folder(edition) / "pdf" / PDF
    if not pdf.exists():
        return
    shutil.copy(pdf, site / PDF)
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        if _PRINTED.search(text):
            page.write_text(_PRINTED.sub(r"\1>", text), encoding="utf-8")
