"""What a stored chapter must be: run from top to bottom, without error, checked for the most part, and accessible."""

import base64
import re

DIRECTIVE = re.compile(r"^(?::::+|```+)\{|\{(?:cite|numref|ref|eq|doc|term|math)[a-z:]*\}`", re.M)
MARKDOWN_IMAGE = re.compile(r"!\[\s*\]\(|<img(?![^>]*\balt=\"[^\"]+\")[^>]*>")
LARGEST_OUTPUT = 700_000  # bytes of one cell's outputs
IGNORED = "nbval-ignore-output"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def problems(notebook):
    """A sentence for everything in the notebook (as JSON) that breaks a rule of the house."""
    found = []
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code" and "".join(cell["source"]).strip()]
    counts = [cell.get("execution_count") for cell in code]
    if None in counts:
        found.append(f"{counts.count(None)} cells were not run")
    elif counts != list(range(1, len(code) + 1)):
        found.append("cells were not run once each, from top to bottom")
    for number, cell in enumerate(code, 1):
        if len("".join(cell["source"]).splitlines()) > 25:
            found.append(f"code cell {number} is longer than 25 lines")
        for output in cell["outputs"]:
            found += _output_problems(output, number)
        if len(str(cell["outputs"])) > LARGEST_OUTPUT:
            found.append(f"code cell {number} has an oversized output")
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and DIRECTIVE.search(text):
            found.append(f"a MyST directive in notebook prose: {DIRECTIVE.search(text).group()!r}")
        if cell["cell_type"] == "markdown" and MARKDOWN_IMAGE.search(text):
            found.append("a picture in the prose without alt text")
    ignored = [cell for cell in code if {IGNORED, "nbval-skip"} & set(cell["metadata"].get("tags", []))]
    if len(ignored) > len(code) / 3:
        found.append(f"{len(ignored)} of {len(code)} code cells are exempt from comparison")
    if "widgets" in notebook["metadata"]:
        found.append("widget state is stored")
    if notebook["metadata"].get("alexnet", {}).get("profile") != "default":
        found.append("the outputs do not come from the default profile")
    if notebook["metadata"].get("accelerator") != "GPU":
        found.append("the metadata does not ask Colab for a GPU")
    return found


def explorers(notebook):
    """The explorers that the notebook (as JSON) shows, as the HTML of their outputs, from top to bottom."""
    html = (
        "".join(output.get("data", {}).get("text/html", ""))
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
    )
    return [text for text in html if 'class="alexnet-explorer"' in text]


def _output_problems(output, number):
    if output["output_type"] == "error":
        yield f"code cell {number} ended in {output['ename']}"
    if output.get("name") == "stderr":
        yield f"code cell {number} wrote to stderr"
    if WIDGET_VIEW in output.get("data", {}):
        yield f"code cell {number} stores a widget that only its kernel could draw"
    if "image/png" in output.get("data", {}):
        about = output.get("metadata", {}).get("image/png", {})
        if len(about.get("alt", "")) < 20:
            yield f"code cell {number} shows a figure without alt text"
        if not base64.b64decode("".join(output["data"]["image/png"])).startswith(b"\x89PNG"):
            yield f"code cell {number} holds a broken picture"
