"""Shared by all tests: where things are, a network small enough to train in a second, and what this machine lacks."""

import os
import subprocess
import sys
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
