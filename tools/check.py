"""Everything that can be checked on this machine: `make test`. Ends with pytest's own closing line."""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent

PYTEST = [
    *("-m", "pytest", "tests", "chapters"),
    # One kernel for each chapter: a worker takes whole files, or the cells of a chapter would be torn apart.
    *("-n", "2", "--dist", "loadfile"),
    *("--nbval", "--nbval-current-env", "--nbval-sanitize-with", "tests/nbval.cfg", "--nbval-cell-timeout", "600"),
    *("--durations", "12"),
    # In the order of the files. By itself the scheduler begins with the files that hold the most tests, and the few
    # tests that run whole chapters, the longest of all, would come last, when nothing is left for the other worker.
    "--no-loadscope-reorder",
]


def main():
    environment = os.environ | {"ALEXNET_PROFILE": "quick", "TF_CPP_MIN_LOG_LEVEL": "2"}
    steps = {
        "style": [BIN / "ruff", "check", "."],
        "format": [BIN / "ruff", "format", "--check", "."],
        "types": [BIN / "mypy"],
        "spelling": [sys.executable, "tools/spelling.py"],
        "front end: style": [sys.executable, "tools/front.py", "lint"],
        "front end: tests": [sys.executable, "tools/front.py", "test"],
        "tests": [sys.executable, *PYTEST, *sys.argv[1:]],
    }
    for name, command in steps.items():
        began = time.monotonic()
        status = subprocess.run(command, cwd=ROOT, env=environment).returncode
        if name != "tests":  # whose seconds stand in pytest's own closing line
            print(f"== {name}: {time.monotonic() - began:.1f} s", flush=True)
        if status:
            sys.exit(status)


if __name__ == "__main__":
    main()
