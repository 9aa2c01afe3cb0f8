"""The oldest versions that pyproject.toml allows, all of them at once: `make oldest` runs the book with them.

Prints what pip is to install, a requirement a line, and fails where Python itself is not the oldest. With the word
`check` it prints what is installed, and fails where that is anything else.
"""

import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"
# What Colab has and the first cell adds; jax and torch, the other backends, are no part of a chapter alone.
_EXTRAS = ("chapters", "imagenet")


def bounds(text):
    """The lower bounds in a pyproject.toml, as {"python": "3.11", "numpy": "1.26", ...}.

    Raises ValueError for a requirement that has none, or anything else beside it.
    """
    project = tomllib.loads(text)["project"]
    extras = project["optional-dependencies"]
    needs = [f"python{project['requires-python']}", *project["dependencies"]]
    found = {}
    for line in needs + [line for extra in _EXTRAS for line in extras[extra]]:
        parts = re.fullmatch(r"([\w-]+)>=(\d+(?:\.\d+)*)", line)
        if not parts:
            raise ValueError(f"pyproject.toml has no lower bound, or more than that, for {line}")
        if found.setdefault(parts[1], parts[2]) != parts[2]:
            raise ValueError(f"pyproject.toml has two lower bounds for {parts[1]}")
    return found


def installed(names):
    """The versions of packages, and of Python as "3.11", in this environment; "nothing" for one that it lacks."""
    found = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "nothing"
    return found | {"python": ".".join(map(str, sys.version_info[:2]))}


def differences(oldest, found):
    """A sentence for every version in `found` that is not the oldest. 3.6 and 3.6.0 are the same."""

    def plain(version):
        return re.sub(r"(\.0)+$", "", version)

    return [
        f"{name} is {found[name]}, and the oldest is {oldest[name]}"
        for name in oldest
        if plain(found[name]) != plain(oldest[name])
    ]


def main(arguments):
    oldest = bounds(PROJECT.read_text(encoding="utf-8"))
    check = arguments == ["check"]
    found = installed(oldest) if check else oldest | installed([])
    print("\n".join(f"{name}=={version}" for name, version in found.items() if check or name != "python"))
    sys.exit("\n".join(differences(oldest, found)) or 0)


if __name__ == "__main__":
    main(sys.argv[1:])
