"""Run chapters from the first cell to the last and store their outputs: `make chapters`, or with names of notebooks.

Runs in the profile that ALEXNET_PROFILE names (stored outputs come from the default one). A cell that writes to stderr
or fails stops the run and nothing is stored. TensorFlow's own start-up log is not an output and is dropped; neither is
the number of a widget, which means something only to the kernel that gave it.
"""

import os
import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

CHAPTERS = Path(__file__).resolve().parents[1] / "chapters"
_STARTUP_LOG = re.compile(
    r"^([IWE]0000 .*|WARNING: All log messages before absl.*|To enable the following instructions.*)?$"
)
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def run(path, folder=None, timeout=3600):
    """The executed notebook of `path`, run in `folder` (its own by default). Raises on an error or on stderr."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        store_widget_state=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder or path.parent)}},
    )
    client.execute()
    for number, cell in enumerate(notebook.cells):
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                output["text"] = "\n".join(line for line in output["text"].split("\n") if not _STARTUP_LOG.match(line))
                if output["text"].strip():
                    raise RuntimeError(f"cell {number} of {path.name} wrote to stderr:\n{output['text']}")
            if output.get("name") == "stdout":
                output["text"] = _final(output["text"])
            # A front end that finds it prefers it to the HTML, and without the kernel shows nothing at all. What stays
            # of an explorer is the page's HTML with its state, and its repr. nbval never compares a widget view, whose
            # number is random, but it does compare the HTML: a state that comes out differently is a failure.
            for part in ("data", "metadata"):
                output.get(part, {}).pop(WIDGET_VIEW, None)
        if "outputs" in cell:
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.metadata["alexnet"] = {"profile": os.environ.get("ALEXNET_PROFILE", "default")}
    return notebook


def _final(text):
    """What is left on the screen of a text in which a progress bar returned to the start of its line."""
    lines = []
    for line in text.split("\n"):
        overwritten, _, last = line.rstrip("\r").rpartition("\r")
        lines.append(last.rstrip() if overwritten else last)
    return re.sub(r"\n{2,}(?=epoch )", "\n", "\n".join(lines))


def main(names):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    for path in [Path(name).resolve() for name in names] or sorted(CHAPTERS.glob("*.ipynb")):
        began = time.monotonic()
        nbformat.write(run(path), path)
        print(f"{path.name}: {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
