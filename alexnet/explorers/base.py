"""What every explorer has in common: the contract between Python, the notebook and the published page.

An explorer is one class here (`softmax.py`: `SoftmaxExplorer`) and one front-end module (`front/softmax.mjs`). The same
module draws it live, as an anywidget, and on the published page, mounted by `front/mount.mjs` without a kernel.

State. The class's own synchronised traits: a few numbers, words and short lists, no pictures. They go into the page as
JSON and, live, over the kernel's connection; either side may change them, and Python observes them as those of any
ipywidget. What the front end needs only for itself (what the mouse is over) is not state.
Value. `value` is what the explorer works out from its state, computed in Python; the front end works out the same for
itself, and a test compares the two.
Assets. Big data have a name. The front end asks for it with `api.asset(name)`: on the page that is a file beside
the modules, live a message that `asset()` answers with bytes. Nothing of it is stored in a notebook.
Questions. What only a model can say, the front end asks with `api.ask(question, buffers)`: live, `answer()` replies;
on the page `front/MODULE.page.mjs` does.
Fallback. `fallback()` gives a picture (SVG) and a sentence, for readers without JavaScript, for print, and wherever
the widget cannot be drawn. It stands in the page as an image: JupyterLab takes drawings, but not images, out of a
notebook that it does not trust.
Hands and eyes. Controls are the browser's own (keyboard, touch and focus come with them) and have labels; pictures
have a description; results are also words. The colours follow the page, light or dark; nothing moves by itself where
the reader has asked for less motion. `front/kit.mjs` has the parts that do this.

Live widgets need a front end that knows anywidget (JupyterLab 4, Notebook 7, Colab, VS Code; the kernel's side comes
with the anywidget package). Elsewhere a notebook shows the fallback.
A notebook that JupyterLab has saved shows an explorer again when its cell is run: it prefers the widget's number to the
fallback beside it, and finds no widget of that number. The chapters' stored outputs hold no such numbers.
"""

from __future__ import annotations

import base64
import html
import json
import re
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

try:
    import anywidget
except ImportError as error:
    raise ImportError("The explorers need the package anywidget: pip install anywidget") from error

FRONT = Path(__file__).parent / "front"

_IMPORT = re.compile(r'^import (\{[^}]*\}) from "(\./[^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|const|class) (\w+))", re.MULTILINE)
_EXPORTS = re.compile(r"(?:^|(?<=;))export ?\{([^}]*)\};?", re.MULTILINE)


@cache
def bundle(module: str) -> str:
    """A front-end module as one text: what it imports from its neighbours stands before it, each in its own scope.

    Live, a module arrives as a text without an address, so that it cannot import its neighbours by theirs.
    """
    parts: dict[Path, str] = {}
    text = _inlined(FRONT / module, parts)
    return "".join(parts.values()) + text


def _inlined(path, parts):
    def load(found):
        names, wanted = found[1].replace(" as ", ": "), (path.parent / found[2]).resolve()
        if wanted not in parts:
            text = _inlined(wanted, parts)
            exported = [(name, name) for name in _EXPORT.findall(text)]
            for several in _EXPORTS.findall(text):
                pairs = (re.split(r"\s+as\s+", pair.strip()) for pair in several.split(",") if pair.strip())
                exported += [(pair[-1], pair[0]) for pair in pairs]
            text = _EXPORTS.sub("", _EXPORT.sub("", text))
            given = ", ".join(f"{outside}: {inside}" for outside, inside in exported)
            parts[wanted] = f"const {_scope(wanted)} = (() => {{\n{text}\nreturn {{ {given} }};\n}})();\n"
        return f"const {names} = {_scope(wanted)};\n"

    return _IMPORT.sub(load, path.read_text(encoding="utf-8"))


def _scope(path):
    return "_" + re.sub(r"\W", "_", path.stem)


class Explorer(anywidget.AnyWidget):
    """Base of all explorers. A class names its `module`, has synchronised traits, `value` and `fallback()`."""

    module = ""
    _css = FRONT / "explorers.css"
    # By it ipywidgets 7, which Colab has, would show the bare widget, without the fallback and Colab's metadata.
    _ipython_display_ = None

    def __init_subclass__(cls, **options):
        if "module" in cls.__dict__:
            cls._esm = bundle(f"{cls.module}.mjs")
        super().__init_subclass__(**options)

    def __init__(self, **state):
        super().__init__(**state)
        self.on_msg(self._answer)

    @classmethod
    def state_names(cls) -> list[str]:
        """The names of the traits that are the explorer's state."""
        inherited = set(anywidget.AnyWidget.class_trait_names())
        return sorted(name for name in cls.class_trait_names(sync=True) if name not in inherited and name[0] != "_")

    @property
    def state(self) -> dict:
        """The state as plain values."""
        return {name: getattr(self, name) for name in self.state_names()}

    @property
    def on_page(self) -> bool:
        """Whether the published page draws it; what only a kernel can answer stays a picture and a sentence there."""
        return True

    @property
    def value(self) -> dict:
        """What the explorer works out from its state."""
        raise NotImplementedError

    def fallback(self) -> tuple[str, str]:
        """A picture, as the text of an SVG, and the sentence that says what it shows."""
        raise NotImplementedError

    def asset(self, name: str) -> bytes:
        """The bytes of a named asset."""
        raise KeyError(name)

    def answer(self, question: dict, buffers: list[bytes]) -> tuple[dict, list[bytes]]:
        """What the front end asked: plain values, and bytes beside them."""
        raise ValueError(f"{type(self).__name__} answers no questions")

    def set_state(self, sync_data):
        """What the front end changed. An error of a validator or an observer is raised, and shown in the widget too.

        ipywidgets sends it to the notebook's log, where hardly anybody looks, and leaves in sight what was refused.
        """
        try:
            super().set_state(sync_data)
        except Exception as error:
            self.send_state([name for name in sync_data if name in self.keys])
            self.send({"raised": f"{type(error).__name__}: {error}"})
            raise

    def _answer(self, _, content, buffers):
        if "ask" in content:
            try:
                answer, parts = self.answer(content["ask"], [bytes(part) for part in buffers or []])
                self.send({"id": content["id"], "answer": answer}, buffers=parts)
            except Exception as error:  # as below
                self.send({"id": content["id"], "error": f"{type(error).__name__}: {error}"})
        name = content.get("asset")
        if name is None:
            return
        try:
            self.send({"asset": name}, buffers=[self.asset(name)])
        except Exception as error:  # whatever it is, the reader sees it in the widget
            self.send({"asset": name, "error": f"{type(error).__name__}: {error}"})

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.state.items())})"

    def _repr_mimebundle_(self, **options):
        bundled = super()._repr_mimebundle_(**options)
        data, metadata = bundled if isinstance(bundled, tuple) else (bundled, {})
        return data | {"text/html": self.page(), "text/plain": repr(self)}, metadata

    def page(self) -> str:
        """The HTML that the published page starts from: the state, and the fallback that it replaces."""
        picture, sentence = self.fallback()
        figure = (
            f"<figure>{_image(picture)}<figcaption>{html.escape(sentence, quote=False)}</figcaption></figure>\n</div>"
        )
        if not self.on_page:
            return f'<div class="alexnet-fallback">\n{figure}'
        # A closing tag in a string must not close the script element.
        state = json.dumps(self.state, sort_keys=True).replace("</", "<\\/")
        return (
            f'<div class="alexnet-explorer" data-module="{self.module}">\n'
            f'<script type="application/json">{state}</script>\n{figure}'
        )


def _image(picture):
    """An SVG as an <img>, with its label as alternative text. Raises ParseError where the SVG is not XML."""
    svg = ElementTree.fromstring(picture)
    # The book's style sheet inverts a chart on a dark page, and leaves as it is what has pictures in it.
    kind = "chart" if svg.find(".//{*}image") is None else "photographs"
    label, width, height = (html.escape(svg.get(name, "")) for name in ("aria-label", "width", "height"))
    return (
        f'<img class="{kind}" alt="{label}" width="{width}" height="{height}" '
        f'src="data:image/svg+xml;base64,{base64.b64encode(picture.encode()).decode()}">'
    )


def drawing(width: int, height: int, *parts: str, label: str) -> str:
    """An SVG for a fallback: elements on a white ground, described by `label`."""
    body = "".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{html.escape(label)}" font-family="sans-serif" font-size="12">'
        f'<rect width="{width}" height="{height}" fill="#fff"/>{body}</svg>'
    )
