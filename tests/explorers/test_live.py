"""Every explorer in JupyterLab itself: drawn as in the book, moved from Python and by hand, alone and in company."""

import json
import re
import sys
import types
from io import BytesIO
from urllib.request import urlopen
from xml.etree import ElementTree

import ipywidgets
import lab as jupyter
import nbconvert
import nbformat
import numpy as np
import pytest
from anywidget._util import enable_custom_widget_manager_once
from IPython.core.interactiveshell import InteractiveShell
from lab import NOTEBOOK
from matplotlib.image import imread
from PIL import Image
from playwright.sync_api import expect
from traitlets import Bool, Enum, List, TraitError

from alexnet import explorers
from alexnet.explorers.base import FRONT
from conftest import shell, soon

NAMES = [name for name in explorers.__all__ if name.endswith("Explorer") and name != "Explorer"]
# Those that work everything out for themselves; the maps come from Keras here and from another program in the book.
ALIKE = [name for name in NAMES if name != "FeatureMapExplorer"]

# Values for traits whose type does not tell which they take, and what must be so for a trait to show.
VALUES = {
    ("ArchitectureExplorer", "preset"): "torchvision",
    ("ArchitectureExplorer", "other"): "single-tower",
    ("ArchitectureExplorer", "layer"): "conv3",
    ("TimelineExplorer", "event"): "dropout",
    ("TimelineExplorer", "groups"): ["contest", "software"],
}
NEEDS = {("ConvolutionExplorer", "groups"): {"channels": 4}}

# What an explorer shows: its elements, their attributes and words, what its controls are set to and what is painted;
# not the number that keeps its names apart from those of others in the page, nor how an image is compressed. No state
# are the seed of LRN's next random pattern and what the replay tells a screen reader for a moment; and the book alone
# has a page of receipts to lead to.
PICTURE = r"""root => {
    const said = [];
    const say = node => {
        if (node.nodeType === Node.TEXT_NODE) said.push(node.data.replace(/\s+/g, " "));
        if (node.nodeType !== Node.ELEMENT_NODE || node.matches(".replay-unseen")) return;
        const kept = [...node.attributes].filter(({name}) => !["style", "src", "href"].includes(name));
        const own = kept.map(({name, value}) => `${name}=${value}`).sort().join(" ");
        said.push(`<${node.localName} ${own.replace(/explorer-\w+/g, "explorer-N")} ${node.style.cssText}>`);
        if (node.matches("input, select")) said.push(/radio|checkbox/.test(node.type) ? node.checked : node.value);
        if (node.matches("canvas")) said.push(node.toDataURL());
        node.childNodes.forEach(say);
        said.push(`</${node.localName}>`);
    };
    root.childNodes.forEach(say);
    return said.join("").replace(/random, seed \d+/, "");
}"""
# A fraction of a pixel would blur the edges.
ALIGN = """root => {
    document.activeElement.blur();
    root.style.top = 0;
    root.scrollIntoView();
    const top = root.getBoundingClientRect().top;
    Object.assign(root.style, {position: "relative", top: `${Math.ceil(top) - top}px`});
}"""


def known(name):
    return getattr(explorers, name)


def writable(cls):
    return [name for name in cls.state_names() if not cls.class_traits()[name].read_only]


def plain(state):
    return json.loads(json.dumps(state))


def twin(name, state):
    """An explorer in this process with the state of the one in the kernel."""
    explorer = known(name)()
    with explorer.hold_trait_notifications():
        for key in writable(type(explorer)):
            setattr(explorer, key, state[key])
    assert plain(explorer.state) == state
    return explorer


def others(trait, value):
    """Values that such a trait may take instead of this one."""
    if isinstance(trait, Bool):
        return [not value]
    if isinstance(trait, Enum):
        return [other for other in trait.values if other != value]
    if isinstance(trait, List):
        return [value[::-1]]
    if isinstance(value, (int, float)):
        ends = [end for end in (trait.max, trait.min) if end is not None and abs(end) < 1e9]
        return [end for end in ends if end != value] + [value + 1, value + 2]
    return []


def change(explorer, key):
    """Gives a trait another value; False where no value is known that it takes."""
    before, pair = getattr(explorer, key), (type(explorer).__name__, key)
    for value in [VALUES[pair]] if pair in VALUES else others(explorer.traits()[key], before):
        try:
            setattr(explorer, key, value)
        except TraitError:
            continue
        if getattr(explorer, key) != before:
            return True
    return False


class Book:
    """The published page: what it draws for an explorer's state, without a kernel."""

    def __init__(self, site, browser):
        (site / "index.html").write_text(shell("light", ""))
        # Taking a picture of an element puts a style sheet into the page, which its policy forbids.
        self.tab, self.trouble, self.count = browser.new_page(bypass_csp=True), [], 0
        self.tab.on("console", lambda m: self.trouble.append(m.text) if m.type in ("error", "warning") else None)
        self.tab.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.tab.goto(f"{browser.address}/index.html")

    def draws(self, explorer, width=884, theme="light"):
        """The root of the explorer in a page of this width."""
        self.tab.set_viewport_size({"width": width, "height": 1600})
        self.count += 1
        self.tab.evaluate(
            """([place, theme, count]) => {
                document.documentElement.dataset.theme = theme;
                document.querySelector("main").innerHTML = place;
                return import(`./explorers/mount.mjs?${count}`);
            }""",
            [explorer.page(), theme, self.count],
        )
        root = self.tab.locator(".explorer")
        return ready(root)


@pytest.fixture(scope="module")
def book(explorer_site):
    book = Book(*explorer_site)
    yield book
    assert book.trouble == []


# Python hears of everything late, so that a test which does not wait for it fails here, and not now and then elsewhere.
LATE = """
import time
hear = ipywidgets.Widget._handle_msg
ipywidgets.Widget._handle_msg = lambda widget, message: (time.sleep(0.1), hear(widget, message))
"""


@pytest.fixture(scope="module")
def lab(explorer_site, tmp_path_factory):
    with jupyter.lab(tmp_path_factory.mktemp("lab"), explorer_site[1]) as lab:
        lab.do("import ipywidgets\nfrom alexnet import explorers")
        lab.do(LATE)
        yield lab


@pytest.fixture
def live(lab):
    """The Lab with an empty notebook; at the end, a word of its console or a request to another host is a failure."""
    lab.trouble.clear()
    yield lab
    lab.clear()
    lab.do("ipywidgets.Widget.close_all()")
    assert lab.trouble == []


def ready(root):
    """The root of an explorer once it is drawn, and is not busy with fetching what it cannot do without."""
    root.wait_for()
    root.locator("[aria-busy=true]").wait_for(state="detached")
    return root


def shown(live, code):
    """Runs code that ends with an explorer, in a new cell; the explorer's root."""
    return ready(live.cell(code).locator(".explorer"))


# By their names: ipywidgets has traits of its own that change with every message.
OBSERVE = "seen = []\nw.observe(lambda change: seen.append(change.name), w.state_names())\n"


def show(live, name):
    """Makes an explorer in its first state, `w` in the kernel; its root."""
    return shown(live, f"w = explorers.{name}()\n{OBSERVE}w")


def put(live, state):
    """Sets traits of `w`, all at once."""
    live.do(
        "with w.hold_sync(), w.hold_trait_notifications():\n"
        f"    for name, value in {state!r}.items():\n        setattr(w, name, value)"
    )


def alike(live, root, drawn, seconds=30):
    """Waits until both roots show the same; what that is."""

    def check():
        found, wanted = root.evaluate(PICTURE), drawn.evaluate(PICTURE)
        if found != wanted:
            at = next(n for n, (a, b) in enumerate(zip(found + "\0", wanted + "\0", strict=False)) if a != b)
            raise AssertionError(f"shows …{found[at - 80 : at + 80]}… and not …{wanted[at - 80 : at + 80]}…")
        return found

    return soon(live.tab, check, seconds)


def pixels(root):
    root.evaluate(ALIGN)
    # A link of the book is plain text elsewhere.
    picture = imread(BytesIO(root.screenshot(animations="disabled", style=".explorer a { visibility: hidden; }")))
    # The lower edge need not lie on a pixel's.
    return picture[:-1, :, :3]


def looks_alike(live, root, drawn):
    assert drawn.bounding_box()["width"] == root.bounding_box()["width"]
    alike(live, root, drawn)
    here, there = pixels(root), pixels(drawn)
    assert here.shape == there.shape
    # Letters may be smoothed differently, an edge here and there.
    assert np.mean(np.abs(here - there).max(axis=2) > 0.125) < 5e-4


@pytest.mark.parametrize("name", ALIKE)
def test_the_same_state_gives_the_same_picture_as_in_the_book(live, book, name):
    root, explorer = show(live, name), known(name)()
    # Beside it the page has a margin of 8 pixels.
    width = int(root.bounding_box()["width"]) + 16
    looks_alike(live, root, book.draws(explorer, width))
    for key in writable(type(explorer)):
        change(explorer, key)
    put(live, {key: getattr(explorer, key) for key in writable(type(explorer))})
    live.theme("dark")
    looks_alike(live, root, book.draws(twin(name, live.ask("w.state")), width, "dark"))
    assert root.get_attribute("data-theme") == "dark"
    live.theme("light")
    looks_alike(live, root, book.draws(twin(name, live.ask("w.state")), width))


@pytest.mark.parametrize("name", ALIKE)
def test_python_moves_every_trait(live, book, name):
    root = show(live, name)
    for key in writable(known(name)):
        explorer = known(name)()
        for other, value in NEEDS.get((name, key), {}).items():
            setattr(explorer, other, value)
        put(live, {other: getattr(explorer, other) for other in writable(known(name))})
        before = alike(live, root, book.draws(explorer))
        assert change(explorer, key), f"no value is known that {key} takes: name one in VALUES, or what it NEEDS"
        live.do(f"w.{key} = {getattr(explorer, key)!r}")
        assert alike(live, root, book.draws(explorer)) != before, f"{key} is not seen"
        assert live.ask("w.value") == plain(explorer.value)


def in_step(live, book, root, name):
    """Waits until the front end shows what the book would show of Python's state; what that is."""

    # The state is asked for again each time: what the reader did last may still be on its way to Python.
    def check():
        state, value = live.ask("[w.state, w.value]")
        explorer = twin(name, state)
        assert value == plain(explorer.value)
        return alike(live, root, book.draws(explorer), seconds=1)

    return soon(live.tab, check)


def arrow(live, slider):
    """Moves a slider by one step with the keyboard, and waits until Python observes it."""
    live.do("seen.clear()")
    slider.focus()
    at_end = slider.evaluate("e => Number(e.value) >= Number(e.max)")
    live.tab.keyboard.press("ArrowLeft" if at_end else "ArrowRight")
    live.until("len(seen) > 0", True)


@pytest.mark.parametrize("name", ALIKE)
def test_arrow_keys_move_every_slider(live, book, name):
    root = show(live, name)
    for slider in root.locator("input[type=range]").all():
        arrow(live, slider)
    in_step(live, book, root, name)


def press(control):
    """Uses a control as a mouse does; False where there is nothing to do with it."""
    kind, idle = control.evaluate(
        "e => [e.type, e.disabled || e.ariaPressed === 'true' || (e.type === 'radio' && e.checked)]"
    )
    if idle:
        return False
    if kind == "range":
        box, share = control.bounding_box(), control.evaluate("e => (e.value - e.min) / (e.max - e.min)")
        control.click(position={"x": box["width"] * (0.3 if share > 0.5 else 0.7), "y": box["height"] / 2})
    elif kind == "select-one":
        control.select_option(index=(control.evaluate("e => e.selectedIndex") + 1) % control.locator("option").count())
    else:
        control.click()
    return True


@pytest.mark.parametrize("name", ALIKE)
def test_the_mouse_moves_every_control(live, book, name):
    root = show(live, name)
    controls = root.locator("input, select, button")
    # From the last: what stands above decides what there is below. What is drawn by lot may come out the same.
    for n in reversed(range(controls.count())):
        live.do("seen.clear()")
        for _ in range(3):
            if n >= controls.count() or not press(controls.nth(n)) or live.comes("len(seen) > 0", True, 3):
                break
        else:
            raise AssertionError(f"nothing comes of {controls.nth(n).evaluate('e => e.outerHTML')}")
    for pause in root.get_by_role("button", name="pause", exact=True).all():
        pause.click()
    in_step(live, book, root, name)


@pytest.mark.parametrize("name", ALIKE)
def test_views_of_one_keep_in_step_and_others_to_themselves(live, book, name):
    make = f"w, other = explorers.{name}(), explorers.{name}()\n"
    area = live.cell(f"{make}{OBSERVE}ipywidgets.VBox([ipywidgets.HBox([w, other]), w])")
    roots = area.locator(".explorer")
    for root in (roots.nth(0), roots.nth(1), roots.nth(2)):
        ready(root)
    at_first = alike(live, roots.nth(1), book.draws(known(name)()))
    controls = roots.first.locator("input, select, button")
    assert any(press(controls.nth(n)) for n in range(controls.count()))
    live.until("len(seen) > 0", True)
    for root in (roots.nth(0), roots.nth(2)):
        assert in_step(live, book, root, name) != at_first
    assert roots.nth(1).evaluate(PICTURE) == at_first
    boxes = [root.bounding_box() for root in roots.all()]
    assert boxes[0]["width"] > 400, "half the notebook's width"
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"] and boxes[0]["y"] + boxes[0]["height"] <= boxes[2]["y"]


@pytest.mark.parametrize("link", ["link", "jslink"])
def test_a_classic_slider_is_linked(live, book, link):
    live.do("w, slider = explorers.ActivationExplorer(depth=5), ipywidgets.IntSlider(5, 1, 25)")
    live.do(f"linked = ipywidgets.{link}((slider, 'value'), (w, 'depth'))")
    area = live.cell("ipywidgets.VBox([slider, w])")
    root = area.locator(".explorer")
    root.wait_for()
    area.locator(".noUi-handle").focus()
    live.tab.keyboard.press("ArrowRight")
    live.until("[slider.value, w.depth]", [6, 6])
    in_step(live, book, root, "ActivationExplorer")
    root.locator("label", has_text="layers").locator("input").focus()
    live.tab.keyboard.press("ArrowRight")
    live.until("[slider.value, w.depth]", [7, 7])
    expect(area.locator(".widget-readout")).to_have_text("7")


def test_interact_moves_and_makes_explorers(live, book):
    code = "w = explorers.DropoutExplorer()\n@ipywidgets.interact(rate=(0, 0.9, 0.1))\ndef put(rate=0.5):\n"
    area = live.cell(f"{code}    w.rate = rate\n    return w")
    area.locator(".noUi-handle").focus()
    live.tab.keyboard.press("ArrowRight")
    live.until("round(w.rate, 6)", 0.6)
    root = area.locator(".explorer")
    root.wait_for()
    in_step(live, book, root, "DropoutExplorer")


def test_what_python_raises_is_shown(live, book):
    code = "w = explorers.LRNExplorer()\ndef f(change):\n    raise OSError('no disk')\nw.observe(f, 'beta')\nw"
    root = shown(live, code)
    root.get_by_label("beta").focus()
    live.tab.keyboard.press("ArrowRight")
    alert = root.get_by_role("alert")
    alert.wait_for()
    assert alert.inner_text() == "In Python: OSError: no disk"
    assert live.ask("w.beta") == 0.8, "the change itself stands"
    live.logs("OSError: no disk")
    root.get_by_label("activities times").focus()
    live.tab.keyboard.press("ArrowRight")
    alert.wait_for(state="detached")
    in_step(live, book, root, "LRNExplorer")


def test_what_python_refuses_is_taken_back(live, book):
    live.do("w, slider = explorers.ActivationExplorer(depth=20), ipywidgets.IntSlider(20, 1, 25)")
    live.do("linked = ipywidgets.jslink((slider, 'value'), (w, 'depth'))")
    area = live.cell("ipywidgets.VBox([slider, w])")
    root = area.locator(".explorer")
    root.wait_for()
    area.locator(".noUi-handle").focus()
    live.tab.keyboard.press("ArrowRight")
    alert = root.get_by_role("alert")
    alert.wait_for()
    assert alert.inner_text().startswith("In Python: TraitError: The value of the 'depth' trait")
    assert live.ask("w.depth") == 20
    expect(root.locator("label", has_text="layers").locator("output")).to_have_text("20")


ASKING = """import { button, explorer, html } from "./kit.mjs";
const ask = async (api, name) => {
  try { api.own.said = `${(await api.asset(name)).length} bytes, the last ${(await api.asset(name)).at(-1)}`; }
  catch (error) { api.own.said = error.message; }
  api.redraw();
};
const view = (api) => html`${["numbers", "letters"].map((name) => button(name, () => ask(api, name)))}
  <p class="said">${api.own.said}</p>`;
export default explorer({ title: "Explorer: asks", view });
"""


def test_assets_and_their_errors_come_from_the_kernel(live):
    (live.work / "asking.mjs").write_text(ASKING)
    (live.work / "vendor").mkdir()
    for file in ("kit.mjs", "vendor/lit-html.mjs"):
        (live.work / file).write_text((FRONT / file).read_text())
    live.do(
        f"class Asking(explorers.Explorer):\n    module = {str(live.work / 'asking')!r}\n"
        "    def fallback(self):\n        return '<svg></svg>', 'asks'\n"
        "    def asset(self, name):\n        return {'numbers': bytes(3_000_000) + b'\\x07'}[name]"
    )
    root = shown(live, "Asking()")
    for name, said in (("numbers", "3000001 bytes, the last 7"), ("letters", "KeyError: 'letters'")):
        root.get_by_role("button", name=name).click()
        root.locator(".said", has_text=said).wait_for()


NETWORK = """
import keras
keras.utils.set_random_seed(1)
net = keras.Sequential([
    keras.Input((32, 32, 3)),
    keras.layers.Rescaling(1 / 255),
    keras.layers.Conv2D(6, 5, strides=2, activation="relu", name="first"),
    keras.layers.Conv2D(8, 3, name="second"),
    keras.layers.Flatten(),
    keras.layers.Dense(4),
])
"""
MOVES = [
    *("picture = 'a cup of coffee'", "flip = True", "blur = 1.0", "shift_x = 3", "shift_y = -2", "occlude = True"),
    *("occlude_x = 4", "occlude_y = 20", "layer = 'second'", "unit = 3", "row = 2", "column = 5", "scale = 'map'"),
    *("order = 'mean'", "picture = 'nine colours'"),
]


def maps_agree(live, root, other_than=None):
    """Waits until the numbers shown are those of Python's value, and the picture is a new one; returns it."""

    def check():
        value = live.ask("w.value")
        wanted = [*(100 * p for p in value["probabilities"] or []), 100 * value.get("at", 0)]
        texts = root.locator(".maps-classes tbody td:nth-of-type(2), .maps-place b").all_inner_texts()
        found = [float(text.removesuffix(" %").replace("−", "-")) * (1 if "%" in text else 100) for text in texts]
        assert found == pytest.approx(wanted, abs=0.51)
        picture = root.evaluate(PICTURE)
        assert picture != other_than, "nothing new is shown"
        return picture

    return soon(live.tab, check)


def test_the_maps_of_the_readers_own_model(live):
    """Keras in the kernel answers; the numbers shown are those of Python's value, which makes its own picture."""
    live.do(NETWORK)
    root = shown(live, f"w = explorers.FeatureMapExplorer(net, class_names=list('abcd'))\n{OBSERVE}w")
    root.locator(".maps-place b").wait_for(timeout=60_000)
    picture = maps_agree(live, root)
    for move in MOVES:
        live.do(f"w.{move}")
        picture = maps_agree(live, root, picture)
    for slider in root.locator("input[type=range]").all():
        arrow(live, slider)
        picture = maps_agree(live, root, picture)
    live.do("seen.clear()")
    root.locator(".maps-grid").click(position={"x": 5, "y": 5})
    live.until("seen", ["unit"])
    maps_agree(live, root, picture)
    live.do("w.picture = 'test picture 5'")
    root.get_by_role("alert").wait_for()
    assert root.get_by_role("alert").inner_text() == "There is no sample picture “test picture 5”."


RECTANGLE = """
import keras
keras.utils.set_random_seed(2)
net = keras.Sequential([
    keras.Input((24, 40, 1)),
    keras.layers.Rescaling(1 / 255),
    keras.layers.Conv2D(5, (3, 5), strides=(1, 2), name="first"),
    keras.layers.Flatten(),
    keras.layers.Dense(3),
])
"""


def test_a_rectangular_grey_model_and_the_readers_own_picture(live):
    live.do(RECTANGLE)
    root = shown(live, f"w = explorers.FeatureMapExplorer(net, unit=2, row=1, column=15)\n{OBSERVE}w")
    root.locator(".maps-place b").wait_for(timeout=60_000)
    picture = maps_agree(live, root)
    assert "sees rows 1 to 3, columns 30 to 34" in root.locator(".maps-place").inner_text()
    size = root.locator(".maps-picture canvas").evaluate("canvas => [canvas.width / 7, canvas.height / 7]")
    assert size == [40, 24]
    given = np.random.default_rng(0).integers(0, 256, (24, 40, 3), "uint8")
    buffer = BytesIO()
    Image.fromarray(given).resize((120, 72), Image.Resampling.NEAREST).save(buffer, "PNG")
    file = {"name": "own.png", "mimeType": "image/png", "buffer": buffer.getvalue()}
    root.locator("input[type=file]").first.set_input_files(file)
    live.until("w.picture", "own")
    live.until("w.pixels is not None")
    picture = maps_agree(live, root, picture)
    assert live.ask("w.pixels.tolist()") == given.tolist()
    for move in ("flip = True", "shift_y = 3", "occlude = True"):
        live.do(f"w.{move}")
        picture = maps_agree(live, root, picture)


def test_a_model_that_fails_says_so(live):
    live.do(NETWORK)
    live.do("class Failing(explorers.FeatureMapExplorer):\n    def answer(self, *_):\n        return 1 / 0")
    alert = shown(live, "Failing(net)").get_by_role("alert")
    alert.wait_for()
    assert alert.inner_text() == "ZeroDivisionError: division by zero"


CANVASES = """root => [".maps-picture canvas", ".maps-grid", ".maps-one", ".maps-kernel"].map(
    name => root.querySelector(name).toDataURL())"""


def test_the_maps_look_as_in_the_book(live, book):
    """There the same network runs in the browser, by another program."""
    here, there = shown(live, "explorers.FeatureMapExplorer()"), book.draws(explorers.FeatureMapExplorer())
    there.get_by_role("button", name="Start the network").click()
    for root in (here, there):
        root.locator(".maps-one").wait_for(timeout=60_000)

    def check():
        for pair in zip(here.evaluate(CANVASES), there.evaluate(CANVASES), strict=True):
            ours, theirs = (imread(BytesIO(urlopen(address).read())) for address in pair)
            assert len(np.unique(ours)) > 20 and np.abs(ours - theirs).mean() < 0.005

    soon(live.tab, check)
    expect(here.locator("p[role=status]")).to_have_text(there.locator("p[role=status]").inner_text())


VIEW = "application/vnd.jupyter.widget-view+json"


def outputs(notebook):
    return [output for cell in notebook["cells"] for output in cell.get("outputs", [])]


def test_a_saved_notebook_holds_no_widget_state(live):
    root = show(live, "SoftmaxExplorer")
    arrow(live, root.get_by_label("temperature"))
    saved = live.save()
    assert "widgets" not in saved["metadata"]
    (output,) = outputs(saved)
    assert set(output["data"]) == {VIEW, "text/html", "text/plain"}
    assert len(json.dumps(saved)) < 10_000, "neither the front end nor the state is in the file, only the fallback"


def not_run(explorer, drop=(VIEW,)):
    """A notebook with the explorer in its stored output, less some kinds: those that tools/chapters.py drops."""
    data = {kind: part for kind, part in explorer._repr_mimebundle_()[0].items() if kind not in drop}
    output = {"output_type": "execute_result", "execution_count": 1, "data": data, "metadata": {}}
    cell = {"cell_type": "code", "id": "shown", "execution_count": 1, "metadata": {}, "source": "", "outputs": [output]}
    return NOTEBOOK | {"cells": [cell]}


@pytest.mark.parametrize("trusted", [True, False])
def test_a_stored_output_shows_the_fallback_before_it_is_run(live, trusted):
    # Trust is in what a notebook holds, so the two are not alike.
    explorer = explorers.SoftmaxExplorer(true_class=int(trusted))
    notebook = not_run(explorer)
    if trusted:
        live.trust(notebook)
    live.open(f"trusted-{trusted}.ipynb", notebook)
    figure = live.panel.locator(".jp-OutputArea figure")
    figure.get_by_text(explorer.fallback()[1]).wait_for()
    shows_its_picture(figure, explorer)
    live.close()


def shows_its_picture(figure, explorer):
    """The fallback's drawing is there, at its size and in its colours, and has its words."""
    picture, sentence = explorer.fallback()
    image = figure.locator("img")
    assert image.get_attribute("alt") == sentence
    assert image.evaluate("async image => { await image.decode(); return image.naturalWidth; }") > 300
    box = image.bounding_box()
    size = ElementTree.fromstring(picture).attrib
    assert (round(box["width"]), round(box["height"])) == (int(size["width"]), int(size["height"]))
    pixels = np.round(255 * imread(BytesIO(image.screenshot()))[..., :3]).astype(int)
    for colour in set(re.findall(r'fill="#([0-9A-Fa-f]{6})"', picture)):
        there = (pixels == [int(colour[at : at + 2], 16) for at in (0, 2, 4)]).all(-1)
        assert there.sum() > 50, f"nothing is #{colour}"


def test_where_no_widget_is_drawn_the_fallback_is(live, explorer_site):
    """A saved notebook as nbconvert's HTML, in a browser without JavaScript and without a connection."""
    show(live, "LRNExplorer")
    notebook = live.save()
    assert VIEW in outputs(notebook)[0]["data"]
    page, _ = nbconvert.HTMLExporter().from_notebook_node(nbformat.reads(json.dumps(notebook), as_version=4))
    context = explorer_site[1].new_context(java_script_enabled=False, offline=True)
    tab = context.new_page()
    tab.set_content(page, wait_until="commit")
    figure = tab.locator(".alexnet-explorer figure")
    assert figure.locator("figcaption").inner_text() == explorers.LRNExplorer().fallback()[1]
    shows_its_picture(figure, explorers.LRNExplorer())
    context.close()


@pytest.fixture
def colab(monkeypatch):
    """A Google Colab as far as Python sees it; `colab.asked` counts how often its custom widget manager was enabled."""
    output = types.ModuleType("google.colab.output")
    output.asked, output._widgets = 0, types.SimpleNamespace(_installed_url=None)

    def enable_custom_widget_manager():
        output.asked += 1
        output._widgets._installed_url = "https://example.org/manager.js"

    output.enable_custom_widget_manager = enable_custom_widget_manager
    monkeypatch.setitem(sys.modules, "google.colab.output", output)
    # ipywidgets 7 shows its widgets by this method, which IPython prefers to `_repr_mimebundle_`.
    monkeypatch.setattr(ipywidgets.Widget, "_ipython_display_", lambda self, **_: None, raising=False)
    enable_custom_widget_manager_once.cache_clear()
    yield output
    enable_custom_widget_manager_once.cache_clear()


@pytest.mark.parametrize("name", NAMES)
def test_colab_gets_its_custom_widget_manager_and_the_fallback(colab, name):
    formatter = InteractiveShell.instance().display_formatter
    data, metadata = formatter.format(known(name)())
    assert (colab.asked, formatter.format(known(name)())[1]) == (1, metadata), "enabled once for all"
    assert metadata == {VIEW: {"colab": {"custom_widget_manager": {"url": "https://example.org/manager.js"}}}}
    assert {VIEW, "text/html"} <= set(data)
    assert '<img class="' in data["text/html"]
