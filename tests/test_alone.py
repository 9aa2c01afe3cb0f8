"""A chapter alone: the notebook file in an empty folder, an environment with only what Colab has preinstalled."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest

import oldest
from alone import copied, freeze, names
from chapters import run
from conftest import CHAPTERS, ROOT, missing
from notebook_rules import explorers

# Of Colab's preinstalled packages those that chapters use; Colab's versions are newer or older, never pinned by us.
COLAB = [
    *("tensorflow", "numpy", "matplotlib", "scikit-image", "scikit-learn"),
    *("ipywidgets", "ipykernel", "tqdm", "pyyaml"),
]
# All that the first cell adds to them; for its explorers, anywidget, which needs psygnal.
ADDED = {"inside-alexnet", "anywidget", "psygnal"}


BOUNDS = oldest.bounds(oldest.PROJECT.read_text(encoding="utf-8"))
# With the oldest versions `make oldest` runs all chapters; here two that cost little.
OLD = [path for path in CHAPTERS if path.stem[:2] in ("20", "50")]


class Alone(NamedTuple):
    """A fresh environment: its Python, the only packages that it can still get, and where its kernel is named."""

    python: Path
    shop: Path
    jupyter: Path


def fresh(folder, base, preinstalled, anywidget="anywidget"):
    """An environment of the Python `base`, in a folder."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    shop = folder / "shop"
    wheel = [*pip, "wheel", "--verbose", "--no-deps", "--wheel-dir", shop, copied(folder / "book")]
    built = subprocess.run(wheel, capture_output=True, text=True, check=True)
    # New versions of pip show them, however quiet they should be, and a first cell must write nothing to stderr.
    assert "Package would be ignored" not in built.stdout + built.stderr, "setuptools warns of the package"
    subprocess.run([*pip, "--quiet", "download", "--no-deps", "--dest", shop, anywidget, "psygnal"], check=True)
    subprocess.run([base, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    install = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-compile"]
    subprocess.run([*install, *preinstalled], check=True)
    kernel = folder / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "alone", "language": "python"}))
    return Alone(python, shop, folder / "jupyter")


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    return fresh(tmp_path_factory.mktemp("colab"), sys.executable, COLAB)


def a_python(version):
    """The command of a Python of this version, such as "3.11"; "" where there is none."""
    for command in (sys.executable, f"python{version}"):
        # pyenv has commands also for versions that it does not let run.
        if shutil.which(command):
            said = subprocess.run([command, "--version"], capture_output=True, text=True)
            if said.returncode == 0 and said.stdout.startswith(f"Python {version}."):
                return command
    return ""


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    base = a_python(BOUNDS["python"])
    if not base:
        missing(f"Python {BOUNDS['python']}, which the oldest TensorFlow allowed is tested with")
    pins = {name: f"{name}=={version}" for name, version in BOUNDS.items() if name != "python"}
    anywidget = pins.pop("anywidget")
    return fresh(tmp_path_factory.mktemp("old"), base, [*pins.values(), "ipykernel"], anywidget)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_alone_reaches_its_last_cell(chapter, colab, tmp_path, monkeypatch):
    reaches_its_last_cell(chapter, colab, tmp_path, monkeypatch)


@pytest.mark.parametrize("chapter", OLD, ids=lambda path: path.stem)
def test_a_chapter_alone_runs_with_the_oldest_versions(chapter, old, tmp_path, monkeypatch):
    reaches_its_last_cell(chapter, old, tmp_path, monkeypatch)
    script = "import json, oldest, sys; print(json.dumps(oldest.installed(sys.argv[1:])))"
    told = subprocess.run(
        [old.python, "-c", script, *BOUNDS], capture_output=True, text=True, check=True, cwd=ROOT / "tools"
    )
    assert oldest.differences(BOUNDS, json.loads(told.stdout)) == []


def reaches_its_last_cell(chapter, environment, tmp_path, monkeypatch):
    python, shop, jupyter = environment
    (wheel,) = shop.glob("inside_alexnet-*.whl")
    subprocess.run([python, "-m", "pip", "uninstall", "--quiet", "--yes", *ADDED], check=True)
    before = freeze(python)
    folder = tmp_path / "empty"
    folder.mkdir()
    shutil.copy(chapter, folder)
    for name in [name for name in os.environ if name.startswith("ALEXNET_") or name == "PYTHONPATH"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ALEXNET_PROFILE", "quick")
    monkeypatch.setenv("ALEXNET_SOURCE", str(wheel))
    # Whatever else the first cell would fetch, it would not find.
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shop))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("JUPYTER_PATH", str(jupyter))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    done = run(folder / chapter.name)
    where = subprocess.run(
        [python, "-c", "import alexnet; print(alexnet.__file__)"], capture_output=True, text=True, cwd=folder
    )
    assert str(python.parent.parent) in where.stdout, "the environment's own copy was used"
    code = [cell for cell in done.cells if cell.cell_type == "code" and cell.source.strip()]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    stored = nbformat.read(chapter, as_version=4)
    first = next(cell for cell in stored.cells if cell.cell_type == "code")
    assert code[0].outputs == first.outputs, "the first cell prints what it prints in the repository"
    assert explorers(done) == explorers(stored)
    after = freeze(python)
    assert names(after - before) == ADDED and before <= after, "nothing that was preinstalled changed"


def test_explorers_are_live_in_an_environment_that_the_first_cell_made(colab, tmp_path, monkeypatch):
    python, shop, _ = colab
    (wheel,) = shop.glob("inside_alexnet-*.whl")
    subprocess.run([python, "-m", "pip", "uninstall", "--quiet", "--yes", *ADDED], check=True)
    monkeypatch.setenv("ALEXNET_SOURCE", str(wheel))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shop))
    cells = nbformat.read(CHAPTERS[0], as_version=4).cells
    setup = next(cell.source for cell in cells if cell.cell_type == "code")
    look = """
from alexnet import explorers
data, _ = explorers.SoftmaxExplorer()._repr_mimebundle_()
assert "application/vnd.jupyter.widget-view+json" in data
"""
    subprocess.run([python, "-c", setup + look], cwd=tmp_path, check=True)
    # The front end's half, which JupyterLab finds here when the page is loaded.
    assert (python.parents[1] / "share" / "jupyter" / "labextensions" / "anywidget" / "package.json").exists()


PROJECT = """[project]
requires-python = ">=3.11"
dependencies = ["numpy>=1.26", "tqdm>=4.64"]
[project.optional-dependencies]
chapters = ["scikit-image>=0.21"]
imagenet = ["pillow>=9.4"]
"""


def test_the_lower_bounds_are_those_of_the_package():
    bounds = oldest.bounds(PROJECT)
    assert bounds == {"python": "3.11", "numpy": "1.26", "tqdm": "4.64", "scikit-image": "0.21", "pillow": "9.4"}
    for spoil in ("tqdm", "tqdm==4.64", "tqdm>=4.64,<5", "tqdm>4.64", "tqdm~=4.64"):
        with pytest.raises(ValueError, match="lower bound"):
            oldest.bounds(PROJECT.replace("tqdm>=4.64", spoil))
    with pytest.raises(ValueError, match="two lower bounds for numpy"):
        oldest.bounds(PROJECT.replace("pillow>=9.4", "numpy>=2.0"))


def test_a_version_that_is_not_the_oldest_is_told():
    bounds = oldest.bounds(PROJECT)
    exact = bounds | {"numpy": "1.26.0"}
    assert oldest.differences(bounds, exact) == []
    assert oldest.differences(bounds, exact | {"numpy": "1.26.1"}) == ["numpy is 1.26.1, and the oldest is 1.26"]
    assert oldest.differences(bounds, exact | {"python": "3.12"}) == ["python is 3.12, and the oldest is 3.11"]
    assert oldest.installed(["pillow", "no-such-package"])["no-such-package"] == "nothing"
