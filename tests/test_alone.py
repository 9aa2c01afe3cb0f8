"""A chapter alone: the notebook file in an empty folder, an environment with only what Colab has preinstalled."""

import json
import os
import shutil
import subprocess
import sys
import venv

import nbformat
import pytest

from alone import freeze, names
from chapters import run
from conftest import CHAPTERS, ROOT
from notebook_rules import explorers

# Of Colab's preinstalled packages those that chapters use; Colab's versions are newer or older, never pinned by us.
COLAB = [
    *("tensorflow", "numpy", "matplotlib", "scikit-image", "scikit-learn"),
    *("ipywidgets", "ipykernel", "tqdm", "pyyaml"),
]
# All that the first cell adds to them; for its explorers, anywidget, which needs psygnal.
ADDED = {"inside-alexnet", "anywidget", "psygnal"}


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    """(python of a fresh environment, folder of the only packages that it can still get, of a kernel that runs it)."""
    folder = tmp_path_factory.mktemp("colab")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    shop = folder / "shop"
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", shop, ROOT], check=True)
    subprocess.run([*pip, "download", "--no-deps", "--dest", shop, *(ADDED - {"inside-alexnet"})], check=True)
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    install = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-compile"]
    subprocess.run([*install, *COLAB], check=True)
    kernel = folder / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "alone", "language": "python"}))
    return python, shop, folder / "jupyter"


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_alone_reaches_its_last_cell(chapter, colab, tmp_path, monkeypatch):
    python, shop, jupyter = colab
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
