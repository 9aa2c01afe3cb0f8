"""Run chapters alone in the environment of this Python: what `make colab` does inside Colab's image.

Each notebook lies in an empty folder, and nothing of the repository is on its path; its first cell installs the package
from a copy of it. What a chapter installs is taken away again before the next one. Fails where a chapter fails, writes
to stderr, or changes anything that was installed before.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import chapters

ROOT = Path(__file__).resolve().parents[1]
_LEFT_OUT = shutil.ignore_patterns(".*", "_build", "build", "node_modules", "__pycache__", "*.egg-info")


def freeze(python=sys.executable):
    """What is installed in the environment of a Python, as pip writes it: a set of lines."""
    command = [python, "-m", "pip", "--disable-pip-version-check", "freeze"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines())


def names(lines):
    """The names of the packages in lines of `freeze`."""
    return {re.split(r" @|==", line)[0] for line in lines}


def copied(folder):
    """A copy of the repository in a new folder, without what is built. Returns the folder.

    pip builds a package in its folder, which may be mounted to be read only, or another pip may be building there.
    """
    return shutil.copytree(ROOT, folder, ignore=_LEFT_OUT)


def trouble(path, environment=freeze, run=chapters.run):
    """Run one chapter in an empty folder. Returns what went wrong, or "", and the packages that it added."""
    before = environment()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(path, folder)
        try:
            run(Path(folder) / path.name)
            wrong = ""
        except Exception as error:  # whatever it is, the other chapters are still to be run
            wrong = f"{type(error).__name__}: {error}"
    after = environment()
    lost = before - after
    if lost:
        wrong = f"{wrong} it changed what was installed: {', '.join(sorted(lost))}".strip()
    return wrong, names(after - before) - names(lost)


def main(wanted):
    paths = [ROOT / name for name in wanted] or sorted((ROOT / "chapters").glob("*.ipynb"))
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        source = copied(Path(folder) / "book")
        # What TensorFlow says below Python is about the processor, as an error, too, in its older versions.
        os.environ |= {"ALEXNET_PROFILE": "quick", "ALEXNET_SOURCE": str(source), "TF_CPP_MIN_LOG_LEVEL": "3"}
        for path in paths:
            wrong, added = trouble(path)
            print(f"{path.name}: {wrong or 'reached its last cell'}; added {', '.join(sorted(added))}", flush=True)
            failed += [path.name] * bool(wrong)
            if added:
                subprocess.run([sys.executable, "-m", "pip", "uninstall", "--quiet", "--yes", *added], check=True)
    sys.exit(f"{len(failed)} of {len(paths)} chapters failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
