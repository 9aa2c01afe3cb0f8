"""The repository's address, stated once in _config.yml: `make repo URL=https://github.com/you/your-fork`."""

import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
_FORM = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+")


def address(root=ROOT):
    """The address in _config.yml, without a slash at its end."""
    return yaml.safe_load((root / "_config.yml").read_text())["repository"]["url"].rstrip("/")


def forms(url):
    """Every form in which files of the project may name it: the repository and the published site."""
    owner, name = url.split("/")[-2:]
    return {
        "github.com": f"github.com/{owner}/{name}",
        "colab": f"/github/{owner}/{name}/",
        "binder": f"/gh/{owner}/{name}/",
        "site": f"{owner}.github.io/{name}",
    }


def files(root=ROOT):
    """The project's text files, as git knows them (all files in a folder without git), vendored ones apart."""
    listed = subprocess.run(
        ["git", "-C", root, "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True
    )
    paths = [root / name for name in listed.stdout.splitlines()] if listed.returncode == 0 else list(root.rglob("*"))
    kinds = {
        ".md",
        ".ipynb",
        ".yml",
        ".py",
        ".toml",
        ".cff",
        ".bib",
        ".txt",
        ".json",
        ".mjs",
        ".js",
        ".css",
        ".svg",
        "",
    }
    return [p for p in paths if p.is_file() and p.suffix in kinds and "vendor" not in p.parts and ".git" not in p.parts]


def move(url, root=ROOT):
    """Replace the address, and all that derives from it, in every file. Returns the files changed."""
    url = url.rstrip("/").removesuffix(".git")
    if not _FORM.fullmatch(url):
        raise ValueError(f"{url!r} is not of the form https://github.com/owner/name")
    old, new = forms(address(root)), forms(url)
    changed = []
    for path in files(root):
        text = moved = path.read_text(encoding="utf-8")
        for form, was in old.items():
            moved = moved.replace(was, new[form])
        if moved != text:
            path.write_text(moved, encoding="utf-8")
            changed.append(path)
    return changed


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"The book's repository is {address()}. To move it: make repo URL=https://github.com/you/your-fork")
    for path in move(sys.argv[1]):
        print("changed", path.relative_to(ROOT))
