"""A chapter alone: the notebook file in an empty folder, an environment with only what Colab has preinstalled."""

import json
import os
import shutil
import subprocess
import sys
import venv

import nbformat
import pytest

from chapters import run
from conftest import CHAPTERS, ROOT

# Of Colab's preinstalled packages those that chapters use; Colab's versions are newer or older, never pinned by us.
COLAB = ["tensorflow", "numpy", "matplotlib", "scikit-image", "scikit-learn", "ipywidgets", "ipykernel", "tqdm"]


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    """(python of a fresh environment, wheel of the package, folder of a kernel that runs that python)."""
    folder = tmp_path_factory.mktemp("colab")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", folder, ROOT], check=True)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    install = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-compile"]
    subprocess.run([*install, *COLAB], check=True)
    kernel = folder / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "alone", "language": "python"}))
    return python, wheel, folder / "jupyter"


def freeze(python):
    return set(
        subprocess.run([python, "-m", "pip", "freeze"], capture_output=True, text=True, check=True).stdout.split("\n")
    )


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_alone_reaches_its_last_cell(chapter, colab, tmp_path, monkeypatch):
    python, wheel, jupyter = colab
    subprocess.run([python, "-m", "pip", "uninstall", "--quiet", "--yes", "inside-alexnet"], check=True)
    before = freeze(python)
    folder = tmp_path / "empty"
    folder.mkdir()
    shutil.copy(chapter, folder)
    for name in [name for name in os.environ if name.startswith("ALEXNET_") or name == "PYTHONPATH"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ALEXNET_PROFILE", "quick")
    monkeypatch.setenv("ALEXNET_SOURCE", str(wheel))
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # whatever the first cell installs, it fetches nothing else
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
    added = {line.split(" @")[0] for line in freeze(python) - before}
    assert added == {"inside-alexnet"} and before <= freeze(python), "nothing that was preinstalled changed"
