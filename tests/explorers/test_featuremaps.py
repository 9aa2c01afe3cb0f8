"""FeatureMapExplorer: its value is Keras's, and the page, whose network runs in the browser, shows it at every touch.

The pages here are driven as a reader drives them. What the browser's network answers is compared with Keras itself.
"""

import base64
import gzip
import io
import json
import re
import struct
import time
import zlib
from types import SimpleNamespace
from xml.etree import ElementTree

import keras
import matplotlib
import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from traitlets import TraitError

from alexnet import architecture, data, model, probing
from alexnet.explorers import FeatureMapExplorer
from alexnet.explorers.featuremaps import OWN, changed, sample, samples
from conftest import shell, until, violations

LAYERS = ["conv1", "conv2", "conv3", "conv4", "conv5"]
# How far an activation in the browser may be from Keras's, as a share of its map's range over all pictures: both have
# the same float16 weights, and add in float32 in another order. Measured: 1.2e-5 at worst, on CIFAR-10.
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def network():
    return model.pretrained("cifar10-tower")


def softmax(logits):
    exponentials = np.exp(logits - logits.max())
    return exponentials / exponentials.sum()


STATES = [
    {},
    {"picture": "a ship, drawn", "layer": "conv5", "unit": 100, "row": 6, "column": 0},
    {"picture": "stripes in eight directions", "layer": "conv2", "unit": 127, "shift_x": -5, "shift_y": 3},
    {"picture": "an astronaut", "layer": "conv3", "unit": 191, "flip": True, "blur": 1.5, "occlude": True},
]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.get("layer", "first"))
def test_value_is_that_of_keras(network, state):
    explorer = FeatureMapExplorer(**state)
    names = ("shift_x", "shift_y", "flip", "blur", "occlude", "occlude_x", "occlude_y")
    pixels = changed(sample(explorer.picture), **{name: getattr(explorer, name) for name in names})
    logits = network.predict(pixels[None].astype("float32"), verbose=0)[0].astype(float)
    maps = probing.activations(network, pixels[None].astype("float32"), [explorer.layer])[explorer.layer][0]
    chosen = maps[..., explorer.unit]
    value = explorer.value
    assert value["probabilities"] == pytest.approx(softmax(logits), rel=1e-4, abs=1e-7)
    assert value["predicted"] == data.CIFAR10_NAMES[logits.argmax()]
    assert value["at"] == pytest.approx(chosen[explorer.row, explorer.column], rel=1e-4, abs=1e-4)
    assert (value["mean"], value["max"]) == pytest.approx((chosen.mean(), chosen.max()), rel=1e-4, abs=1e-4)
    row = next(row for row in architecture.get("cifar10-tower") if row.name == explorer.layer)
    first = [row.start + row.jump * at for at in (explorer.row, explorer.column)]
    ends = [(max(0, at), min(32, at + row.receptive_field)) for at in first]
    assert value["seen"] == [*ends[0], *ends[1]]


def by_other_means(pixels, shift_x=0, shift_y=0, flip=False, blur=0.0, occlude=False, occlude_x=0, occlude_y=0):
    """What `changed` does, from SciPy's filters and a loop."""
    result = ndimage.shift(pixels.astype(float), (shift_y, shift_x, 0), order=0, mode="nearest")
    if flip:
        result = np.fliplr(result)
    if blur:
        reach = int(np.ceil(3 * blur))
        for axis in (0, 1):
            result = ndimage.gaussian_filter1d(result, blur, axis, mode="nearest", radius=reach)
        result = np.round(result)
    height, width = pixels.shape[:2]
    side = max(1, height // 4)
    for row in range(height):
        for column in range(width):
            near = all(-(side // 2) <= at < side - side // 2 for at in (row - occlude_y, column - occlude_x))
            if occlude and near:
                result[row, column] = 128
    return result


@pytest.mark.parametrize(
    "change",
    [
        {"shift_x": 5, "shift_y": -3},
        {"shift_x": -40, "shift_y": 1, "flip": True},
        {"blur": 0.5},
        {"blur": 4.0, "flip": True},
        {"occlude": True, "occlude_x": 16, "occlude_y": 9},
        {"occlude": True, "occlude_x": 0, "occlude_y": 31, "blur": 1.5, "shift_x": 2},
        {"occlude": True, "occlude_x": 400, "occlude_y": 3},
        {},
    ],
    ids=str,
)
@pytest.mark.parametrize("shape", [(32, 32, 3), (20, 45, 3), (3, 3, 3)], ids=str)
def test_a_changed_picture_is_that_of_scipy(change, shape):
    pixels = np.random.default_rng(3).integers(0, 256, shape, "uint8")
    before, result = pixels.copy(), changed(pixels, **change)
    assert result.dtype == np.uint8 and result.shape == shape and (pixels == before).all()
    assert np.array_equal(result, by_other_means(pixels, **change))


def test_the_page_changes_a_picture_bit_for_bit_as_python_does(opened):
    chance = np.random.default_rng(7)
    cases = []
    for n in range(60):
        height, width = (32, 32) if n % 2 else map(int, chance.integers(3, 20, 2))
        state = {
            "shift_x": int(chance.integers(-9, 10)),
            "shift_y": int(chance.integers(-9, 10)),
            "flip": bool(chance.integers(2)),
            "blur": float(chance.integers(0, 9)) / 2,
            "occlude": bool(chance.integers(2)),
            "occlude_x": int(chance.integers(0, 32)),
            "occlude_y": int(chance.integers(0, 32)),
        }
        # Few levels of brightness, so that sums often lie halfway.
        levels = 256 if n % 3 else 2
        cases.append((chance.integers(0, levels, (height, width, 3)).astype("uint8"), state))
    with opened(FeatureMapExplorer()) as tab:
        found = tab.evaluate(
            """async cases => {
                const { changed } = await import("./explorers/pictures.mjs");
                return cases.map(([data, height, width, state]) => {
                    const camel = name => name.replace(/_(.)/, (_, letter) => letter.toUpperCase());
                    const change = Object.fromEntries(Object.entries(state).map(([name, v]) => [camel(name), v]));
                    return [...changed({data: Uint8Array.from(data), height, width}, change).data];
                });
            }""",
            [[picture.ravel().tolist(), *picture.shape[:2], state] for picture, state in cases],
        )
    for (picture, state), data_ in zip(cases, found, strict=True):
        assert np.array_equal(np.reshape(data_, picture.shape), changed(picture, **state)), state


def test_samples_are_what_the_page_has():
    entries = samples()
    assert len(entries) == 12 and all(entry["credit"] for entry in entries)
    for entry in entries:
        small = np.asarray(Image.open(io.BytesIO(base64.b64decode(entry["small"]))).convert("RGB"))
        assert np.array_equal(sample(entry["name"]), small)
        large = sample(entry["name"], 64, 80)
        assert large.shape == (64, 80, 3)
        # The same picture, as far as means over quarters tell; the middle of it, so the upper and lower edges go.
        assert abs(large.astype(float).mean() - small[3:29].astype(float).mean()) < 6
    with pytest.raises(ValueError, match="no sample picture is 'a unicorn'; there are a cat"):
        sample("a unicorn")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"layer": "conv6"}, "layer is one of conv1, conv2, conv3, conv4, conv5; got 'conv6'"),
        ({"unit": 48}, "unit must be at most 47 in conv1"),
        ({"layer": "conv5", "row": 7}, "row must be at most 6 in conv5"),
        ({"column": 32}, "column must be at most 31"),
        ({"unit": -1}, "unit"),
        ({"picture": "a unicorn"}, "picture is one of .*'a cat'.*; got 'a unicorn'"),
        ({"scale": "unit"}, "scale is one of layer, map"),
        ({"order": "min"}, "order is one of number, mean, max"),
        ({"blur": 8.5}, "blur"),
        ({"occlude_x": -1}, "occlude_x"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(state, words):
    with pytest.raises(TraitError, match=words):
        FeatureMapExplorer(**state)
    explorer = FeatureMapExplorer()
    before = explorer.state
    with pytest.raises(TraitError, match=words), explorer.hold_trait_notifications():
        for name, value in state.items():
            setattr(explorer, name, value)
    assert explorer.state == before


def test_unit_and_place_stay_in_another_layer():
    explorer = FeatureMapExplorer(unit=40, row=30, column=3)
    explorer.layer = "conv5"
    assert (explorer.unit, explorer.row, explorer.column) == (40, 6, 3)
    assert explorer.value["at"] >= 0
    explorer.unit = 127
    explorer.layer = "conv1"
    assert explorer.unit == 47
    assert FeatureMapExplorer(layer="conv4").state.items() >= {"unit": 0, "row": 3, "column": 3}.items()


def test_the_readers_own_picture_is_changed_as_the_samples_are():
    explorer = FeatureMapExplorer(picture=OWN)
    assert explorer.value == {"probabilities": None} and explorer.pixels is None
    pixels = sample("a rocket")
    assert explorer.answer({"run": "changed"}, [pixels.tobytes()])[0]["probabilities"] is not None
    assert explorer.pixels is None, "what the front end made of it is not what the reader gave"
    given, _ = explorer.answer({"run": OWN}, [pixels.tobytes()])
    assert np.array_equal(explorer.pixels, pixels) and given == {"probabilities": explorer.value["probabilities"]}
    explorer.flip = True
    rocket = FeatureMapExplorer(picture="a rocket", flip=True)
    assert explorer.value == rocket.value and explorer.value["probabilities"] != given["probabilities"]


def test_the_fallback_shows_the_picture_and_what_is_said_of_it():
    explorer = FeatureMapExplorer(picture="a truck, drawn", shift_x=3)
    picture, sentence = explorer.fallback()
    svg = ElementTree.fromstring(picture)
    filters, seen = (
        np.asarray(Image.open(io.BytesIO(base64.b64decode(image.get("href").split(",")[1]))))
        for image in svg.findall(".//{*}image")
    )
    assert np.array_equal(seen, changed(sample("a truck, drawn"), shift_x=3))
    kernels = explorer.model.get_layer("conv1").get_weights()[0]
    expected = 127.5 + 127.5 * kernels / np.abs(kernels).max()
    for unit in (0, 9, 47):
        top, left = unit // 8 * 6, unit % 8 * 6
        assert np.abs(filters[top : top + 5, left : left + 5] - expected[..., unit]).max() <= 0.51
    value = explorer.value
    assert f"takes for {value['predicted']} at {max(value['probabilities']):.0%}" in sentence
    assert "5 convolutional layers, here for a truck, drawn" in sentence and "In the book" in sentence
    own, said = FeatureMapExplorer(picture=OWN).fallback()
    assert own.count("<image") == 1 and "takes for" not in said


def sequential(shape, *layers, name="mine"):
    keras.utils.set_random_seed(5)
    return keras.Sequential([keras.Input(shape), *layers], name=name)


def head(count, activation=None):
    return keras.layers.Flatten(), keras.layers.Dense(count, activation)


CONV = keras.layers.Conv2D


def test_a_rectangular_model():
    """Rows and columns have fields of their own, and the picture is cut to the model's shape."""
    mine = sequential((20, 48, 3), CONV(4, (5, 2), strides=(2, 3), name="a"), CONV(3, 3, padding="same"), *head(2))
    explorer = FeatureMapExplorer(mine, row=1, column=2)
    pixels = sample("a cat", 20, 48)
    maps = probing.activations(mine, pixels[None].astype("float32"), ["a"])["a"][0]
    value = explorer.value
    assert value["at"] == pytest.approx(maps[1, 2, 0], rel=1e-4)
    assert value["seen"] == [2, 7, 6, 8]
    described, _ = explorer.answer({"describe": True}, [])
    assert described["input"] == [20, 48, 3]
    assert (described["layers"][0]["size"], described["layers"][0]["across"]) == (5, {"size": 2, "jump": 3, "start": 0})
    entries = json.loads(explorer.asset("samples.json"))
    sent = [np.asarray(Image.open(io.BytesIO(base64.b64decode(entry["small"])))) for entry in entries]
    assert np.array_equal(sent[0], pixels), "the front end gets the very pixels"
    assert explorer.answer({"run": "a cat"}, [pixels.tobytes()])[0]["probabilities"] == value["probabilities"]
    with pytest.raises(ValueError):
        explorer.answer({"run": "a cat"}, [bytes(32 * 32 * 3)])


def test_a_grey_model_with_a_preprocessing_of_its_own():
    mine = sequential((28, 28, 1), CONV(6, 3, name="a"), *head(4, "softmax"))
    digits = np.random.default_rng(0).integers(0, 256, (40, 28, 28, 1), "uint8")
    names, labels = list("wxyz"), np.arange(40) % 4
    dataset = SimpleNamespace(x_test=digits, y_test=labels, class_names=names, provenance="noise")
    explorer = FeatureMapExplorer(mine, dataset=dataset, preprocess=lambda x: x / 255 - 0.5)
    grey = sample("a cat", 28).astype("float32").mean(-1, keepdims=True)[None] / 255 - 0.5
    assert explorer.value["probabilities"] == pytest.approx(mine.predict(grey, verbose=0)[0], rel=1e-4)
    tests = json.loads(explorer.asset("cifar10-samples.json"))
    assert [entry["index"] for entry in tests["pictures"]] == [0, 1, 2, 3] and tests["class_names"] == names
    explorer.picture = "test picture 3"
    wanted = mine.predict(digits[3:4] / 255 - 0.5, verbose=0)[0]
    assert explorer.value["probabilities"] == pytest.approx(wanted, rel=1e-4)
    assert explorer.value["predicted"] == names[wanted.argmax()]
    with pytest.raises(TraitError, match="no test picture 40"):
        explorer.picture = "test picture 40"
    answer, (pixels,) = explorer.answer({"strongest": {"layer": "a", "unit": 5}}, [])
    where, how_much = probing.strongest(mine, digits / 255 - 0.5, "a")
    assert [place["value"] for place in answer["places"]] == pytest.approx(how_much[5], rel=1e-4)
    assert [place["place"] for place in answer["places"]] == where[5, :, 1:].tolist()
    shown = np.frombuffer(pixels, "uint8").reshape(5, 28, 28, 3)
    assert np.array_equal(shown[..., 1:2], digits[where[5, :, 0]])
    assert [place["name"] for place in answer["places"]] == [names[labels[at]] for at in where[5, :, 0]]


def test_one_output_tells_two_classes_apart():
    for activation in ("sigmoid", None):
        mine = sequential((32, 32, 3), keras.layers.Rescaling(1 / 255), CONV(3, 5), *head(1, activation))
        value = FeatureMapExplorer(mine, class_names=["cat", "dog"]).value
        output = float(mine.predict(sample("a cat")[None].astype("float32"), verbose=0)[0, 0])
        chance = output if activation else 1 / (1 + np.exp(-output))
        assert value["probabilities"] == pytest.approx([1 - chance, chance], rel=1e-4)
        assert value["predicted"] == ("dog" if chance > 0.5 else "cat")


def test_kernels_of_all_kinds():
    layers = keras.layers
    mine = sequential(
        (16, 16, 3),
        CONV(4, 3, name="plain"),
        CONV(6, 3, groups=2, name="grouped"),
        layers.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise"),
        layers.SeparableConv2D(5, 3, depth_multiplier=2, name="separable"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(2),
    )
    explorer = FeatureMapExplorer(mine)
    x = np.random.default_rng(0).normal(size=(1, 9, 9, 12)).astype("float32")
    for name, inputs, unit in (("plain", 3, 3), ("grouped", 2, 4), ("depthwise", 1, 11), ("separable", 12, 4)):
        answer, (kernel,) = explorer.answer({"kernel": {"layer": name, "unit": unit}}, [])
        assert answer["shape"] == [3, 3, inputs]
        kernel = np.frombuffer(kernel, "float32").reshape(3, 3, inputs)
        layer, taken = mine.get_layer(name), mine.get_layer(name).input.shape[-1]
        # Of a group, or of one channel, the unit's own.
        share = inputs if name != "depthwise" else 1
        first = {"grouped": 2, "depthwise": 5}.get(name, 0)
        part = x[..., :taken]
        wanted = np.asarray(layer(part))[0, 2, 3, unit]
        assert (part[0, 2:5, 3:6, first : first + share] * kernel).sum() == pytest.approx(wanted, abs=1e-4)


def test_a_model_in_the_model():
    """Its convolutions are not explored, but those behind it know what they see."""
    layers = keras.layers
    flips = keras.Sequential([layers.RandomFlip(), layers.RandomRotation(0.1)])
    inside = sequential((32, 32, 3), CONV(4, 5, strides=2, name="deep"), layers.MaxPooling2D(2), name="inside")
    mine = sequential((32, 32, 3), flips, inside, CONV(4, 3, name="own"), *head(3))
    explorer = FeatureMapExplorer(mine)
    assert [layer["name"] for layer in explorer.answer({"describe": True}, [])[0]["layers"]] == ["own"]
    explorer.row = explorer.column = 1
    # 5 with step 2, pooled in pairs (7, step 4), and three of those in a row.
    assert explorer.value["seen"] == [4, 19, 4, 19]


def test_a_model_that_is_trained_further_is_asked_anew():
    mine = sequential((32, 32, 3), CONV(3, 5, name="a"), *head(2))
    dataset = data.patches10(train=20, test=50)
    dataset = SimpleNamespace(
        x_test=dataset.x_test, y_test=dataset.y_test % 2, class_names=["even", "odd"], provenance="halves"
    )
    explorer = FeatureMapExplorer(mine, dataset=dataset)
    strongest = {"strongest": {"layer": "a", "unit": 1}}
    before, excited = explorer.value, explorer.answer(strongest, [])[0]["places"]
    kernel, bias = mine.get_layer("a").get_weights()
    mine.get_layer("a").set_weights([2 * kernel, bias])
    after = explorer.value
    assert after["at"] == pytest.approx(2 * before["at"], rel=1e-4) and after["at"] != 0
    again = explorer.answer(strongest, [])[0]["places"]
    assert again[0]["value"] == pytest.approx(2 * excited[0]["value"], rel=1e-4)


def test_a_dataset_is_what_the_strongest_places_come_from():
    with pytest.raises(ValueError, match="Give FeatureMapExplorer a dataset"):
        FeatureMapExplorer().answer({"strongest": {"layer": "conv1", "unit": 0}}, [])
    with pytest.raises(KeyError):
        FeatureMapExplorer().asset("strongest-conv1.json")
    with pytest.raises(ValueError, match="knows no question 'who'"):
        FeatureMapExplorer().answer({"who": True}, [])


def test_a_model_of_the_kernel_is_a_picture_in_the_book():
    """There its network is not; what stands there is the fallback, and no widget is put in its place."""
    mine = sequential((32, 32, 3), CONV(3, 5, name="<a>"), *head(2))
    explorer = FeatureMapExplorer(mine, class_names=["<b>", "c"], unit=2, row=0)
    page = explorer.page()
    assert 'class="alexnet-fallback"' in page and "alexnet-explorer" not in page
    assert "In a running notebook, choose" in page and "In the book" not in page
    image = re.search(r"<img [^>]*>", page)[0]
    svg = base64.b64decode(re.search('base64,([^"]*)', image)[1]).decode()
    assert "the filters of &lt;a&gt;" in svg and re.search("and says: (&lt;b&gt;|c) at", svg)
    assert "data-module" not in page and "<script" not in page


def _two_inputs():
    one, two = keras.Input((32, 32, 3)), keras.Input((32, 32, 3))
    added = CONV(2, 3)(keras.layers.Add()([one, two]))
    return keras.Model([one, two], keras.layers.Dense(2)(keras.layers.Flatten()(added)), name="mine")


class _Subclass(keras.Model):
    def __init__(self):
        super().__init__(name="mine")
        self.convolution = CONV(4, 3)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: sequential((8,), keras.layers.Dense(2)), "'mine' has no two-dimensional convolution"),
        (
            lambda: sequential((32, 32, 3), sequential((32, 32, 3), CONV(4, 3), name="inner"), *head(2)),
            "'mine' has no two-dimensional convolution of its own",
        ),
        (
            lambda: sequential((None, None, 3), CONV(4, 3), keras.layers.GlobalAveragePooling2D()),
            "must say how large its pictures are",
        ),
        (lambda: sequential((32, 32, 4), CONV(4, 3), *head(2)), "must take pictures with 1 or 3 channels"),
        (lambda: sequential((32, 32, 3), CONV(4, 3)), "must tell classes apart"),
        (lambda: sequential((16, 16, 3), keras.layers.UpSampling2D(), CONV(4, 3), *head(2)), "which pixels its units"),
        (lambda: keras.Sequential([CONV(4, 3)], name="mine"), "must be Sequential or functional, built"),
        (_Subclass, "must be Sequential or functional, built"),
        (_two_inputs, "with one input"),
    ],
)
def test_a_model_that_cannot_be_explored_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        FeatureMapExplorer(make())


def test_names_and_pictures_that_do_not_fit_the_model_are_refused():
    mine = sequential((40, 40, 3), CONV(4, 3), *head(10))
    with pytest.raises(ValueError, match="tells 10 classes apart; 2 names"):
        FeatureMapExplorer(mine, class_names=["a", "b"])
    with pytest.raises(ValueError, match="takes 40x40 pixels; the dataset's pictures have 32x32"):
        FeatureMapExplorer(mine, dataset=data.patches10(train=20, test=20))


def settled(tab):
    """Waits until the explorer has got all that it wanted; the tab."""
    # What was asked of it last begins with the next frame.
    tab.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    until(
        tab,
        "() => [...document.querySelectorAll('.explorer')].every(e =>"
        " !e.hasAttribute('aria-busy') && !e.textContent.includes('Reading the picture'))",
    )
    return tab


def started(tab):
    """The page with its network running."""
    tab.get_by_role("button", name="Start the network").click()
    tab.locator(".maps-one").wait_for()
    return settled(tab)


def shown(text):
    """The number that a text shows, and half a step of its last digit."""
    digits = text.removesuffix(" %").replace("−", "-")
    return float(digits), 0.5 * 10 ** -len(digits.partition(".")[2])


def agrees(tab, explorer):
    """Everything that the page says in numbers is what Python works out for the same state."""
    value, root = explorer.value, settled(tab).locator(".explorer")
    # The first column of numbers; with a change there is a second one.
    cells = root.locator(".maps-classes tbody td:nth-of-type(2)").all_inner_texts()
    assert len(cells) == 10
    for text, probability in zip(cells, value["probabilities"], strict=True):
        number, half = shown(text)
        assert abs(number - 100 * probability) < half + 0.02, (text, probability)
    assert f"{value['predicted']}" in root.locator("p.result[role=status]").inner_text()
    mean, most = re.search(r"mean (\S+), maximum (\S+)\.$", root.locator("p:has(b)").first.inner_text()).groups()
    at = root.locator(".maps-place b").inner_text()
    for text, number in ((mean, value["mean"]), (most, value["max"]), (at, value["at"])):
        assert abs(shown(text)[0] - number) < 0.0051 + 2e-3 * abs(number), (text, number)
    said = root.locator(".maps-place").inner_text()
    top, bottom, left, right = value["seen"]
    assert said.startswith(f"In row {explorer.row}, column {explorer.column} it is")
    assert f"rows {top} to {bottom - 1}, columns {left} to {right - 1}" in said
    assert framed(tab) == tuple(value["seen"])
    seen = pixels(tab)
    expected = explorer._changed()
    outside = np.ones((32, 32), bool)
    outside[top:bottom, left:right] = False
    inside = np.zeros((32, 32), bool)
    inside[top + 1 : bottom - 1, left + 1 : right - 1] = True
    assert np.array_equal(seen[outside | inside], expected[outside | inside])


def canvas(tab, selector):
    """The pixels of a canvas, (height, width, 4) uint8."""
    address = tab.locator(selector).first.evaluate("canvas => canvas.toDataURL()")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).convert("RGBA"))


def pixels(tab):
    """The picture as the network sees it, as the page paints it: (32, 32, 3), with a frame in it."""
    painted = canvas(tab, ".maps-picture canvas")
    assert painted.shape == (288, 288, 4)
    return painted[4::9, 4::9, :3]


FRAME = (0xD5, 0x00, 0x8F)


def framed(tab, selector=".maps-picture canvas", zoom=9):
    """What the frame on a picture holds: first row, behind the last, first column, behind the last."""
    painted = canvas(tab, selector)
    rows, columns = np.nonzero((painted[..., :3] == FRAME).all(-1))
    return tuple(round(edge / zoom) for edge in (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1))


def coloured(values, low, high):
    """Viridis from Matplotlib; the front end has every 32nd of its colours."""
    return 255 * matplotlib.colormaps["viridis"]((values - low) / (high - low))[..., :3]


def maps_of(explorer):
    return explorer._run(explorer._changed())[1][explorer.layer]


def paints(tab, explorer):
    """The grid, the enlarged map and the kernel are those of Python's network."""
    maps = maps_of(explorer)
    rows, columns, count = maps.shape
    key = {"number": -np.arange(count), "mean": maps.mean((0, 1)), "max": maps.max((0, 1))}[explorer.order]
    order = np.argsort(-key, kind="stable")
    wide = 8 if count <= 64 else 12 if count <= 128 else 16
    grid = canvas(tab, ".maps-grid")[..., :3].astype(float)
    tile, zoom = grid.shape[1] / wide, max(1, round(96 / columns))
    margin = (tile - zoom * columns) / 2
    for place in (0, count // 3, count - 1):
        unit = order[place]
        high = (maps if explorer.scale == "layer" else maps[..., unit]).max() or 1
        down, across = divmod(place, wide)
        ys = (down * tile + margin + zoom * (np.arange(rows) + 0.5)).astype(int)
        xs = (across * tile + margin + zoom * (np.arange(columns) + 0.5)).astype(int)
        differs = np.abs(grid[np.ix_(ys, xs)] - coloured(maps[..., unit], 0, high))
        # At its edges there may be the frame.
        assert differs[1:-1, 1:-1].max() < 20, f"map {unit} in place {place}"
    unit = explorer.unit
    high = (maps if explorer.scale == "layer" else maps[..., unit]).max() or 1
    large = canvas(tab, ".maps-one")[..., :3].astype(float)
    zoom = 224 // columns
    assert large.shape[:2] == (zoom * rows, zoom * columns)
    found = large[zoom // 2 :: zoom, zoom // 2 :: zoom]
    differs = np.abs(found - coloured(maps[..., unit], 0, high)).max(-1)
    # The frame is over the chosen place.
    differs[explorer.row, explorer.column] = 0
    assert differs.max() < 20


def paints_kernel(tab, explorer):
    kernel = explorer.model.get_layer(explorer.layer).get_weights()[0][..., explorer.unit]
    painted = canvas(tab, ".maps-kernel")[..., :3].astype(float)
    side, _, inputs = kernel.shape
    far = np.abs(kernel).max()
    if inputs == 3:
        zoom = 128 // side
        found = painted[zoom // 2 :: zoom, zoom // 2 :: zoom]
        assert np.abs(found - (127.5 + 127.5 * kernel / far)).max() < 1.1
        return
    zoom = max(2, 16 // side)
    tile = side * zoom + 2
    assert painted.shape[:2] == (-(-inputs // 16) * tile, 16 * tile)
    for unit in (0, inputs - 1):
        top, left = unit // 16 * tile, unit % 16 * tile
        found = painted[top : top + side * zoom : zoom, left : left + side * zoom : zoom]
        weights = kernel[..., unit]
        strong = np.abs(weights) > 0.15 * far
        # Orange has more red than blue, and blue more blue.
        assert ((found[..., 0] > found[..., 2]) == (weights > 0))[strong].all()
        assert strong.any()


def test_nothing_heavy_comes_before_the_reader_asks(opened):
    with opened(FeatureMapExplorer()) as tab:
        asked = []
        tab.on("request", lambda request: asked.append(request.url))
        tab.reload()
        tab.locator(".maps-samples img").last.wait_for()
        tab.wait_for_load_state("networkidle")
        tab.mouse.wheel(0, 5000)
        tab.get_by_role("button", name="draw one").click()
        tab.get_by_role("button", name="put the sheet away").click()
        names = {address.rsplit("/", 1)[1] for address in asked if address.startswith("http")}
        assert not [name for name in names if re.search(r"network|litert|wasm|tflite|tower|strongest", name)], names
        # There is something to look at, though.
        poster = tab.locator(".maps-poster")
        assert poster.evaluate("image => image.naturalWidth") == 540 and "filters of conv1" in poster.get_attribute(
            "alt"
        )
        assert tab.locator("canvas").count() == 0
        agrees(started(tab), FeatureMapExplorer())
        assert poster.count() == 0
        assert any(address.endswith("cifar10-tower.tflite") for address in asked)


def test_a_click_on_the_chosen_picture_starts_it_too(opened):
    with opened(FeatureMapExplorer(picture="a rocket")) as tab:
        tab.get_by_label("a rocket").click()
        tab.locator(".maps-one").wait_for()
        agrees(tab, FeatureMapExplorer(picture="a rocket"))


def test_mouse_walks_through_pictures_layers_and_maps(opened):
    explorer = FeatureMapExplorer()
    with opened(explorer) as tab:
        tab.get_by_label("a flower").click()
        tab.locator(".maps-one").wait_for()
        explorer.picture = "a flower"
        agrees(tab, explorer)
        for layer in LAYERS[1:]:
            tab.get_by_role("radio", name=layer).click()
            # The reader comes to the map and the place that the picture excites most.
            settled(tab)
            explorer.layer = layer
            maps = maps_of(explorer)
            row, column, unit = np.unravel_index(maps.argmax(), maps.shape)
            explorer.unit, explorer.row, explorer.column = int(unit), int(row), int(column)
            agrees(tab, explorer)
            assert explorer.value["at"] == explorer.value["max"] == maps.max()
            paints(tab, explorer)
            paints_kernel(tab, explorer)
            said = tab.locator(".explorer").inner_text()
            rows, columns, count = maps.shape
            silent = int((maps.max((0, 1)) == 0).sum())
            row = next(row for row in architecture.get("cifar10-tower") if row.name == layer)
            assert f"{layer}: {count} maps of {rows} × {columns}" in said
            assert (f"; {silent} {'is' if silent == 1 else 'are'} silent" in said) == (silent > 0)
            assert f"Each unit sees {row.receptive_field} × {row.receptive_field} pixels" in said
            # The map in the third place of the second row.
            grid = tab.locator(".maps-grid")
            wide = 12 if count <= 128 else 16
            tile = grid.bounding_box()["width"] / wide
            grid.click(position={"x": 2.5 * tile, "y": 1.5 * tile})
            explorer.unit = wide + 2
            agrees(tab, explorer)
            paints_kernel(tab, explorer)
        tab.get_by_label("a cup of coffee").click()
        explorer.picture = "a cup of coffee"
        agrees(tab, explorer)
        tab.get_by_role("radio", name="conv1").click()
        settled(tab)
        explorer.layer = "conv1"
        explorer.unit, explorer.row, explorer.column = follow(tab)
        assert explorer.value["at"] == maps_of(explorer).max()
        agrees(tab, explorer)
        paints(tab, explorer)
        paints_kernel(tab, explorer)


def test_maps_are_sorted_and_scaled(opened):
    explorer = FeatureMapExplorer(picture="a motorcycle", layer="conv2", unit=5)
    with opened(explorer) as tab:
        agrees(started(tab), explorer)
        paints(tab, explorer)
        tiles = canvas(tab, ".maps-grid")
        for order in ("mean", "max", "number"):
            words = {"mean": "by mean", "max": "by maximum", "number": "by number"}[order]
            tab.get_by_role("combobox", name="order:").select_option(words)
            explorer.order = order
            agrees(tab, explorer)
            paints(tab, explorer)
            assert (order == "number") == np.array_equal(canvas(tab, ".maps-grid"), tiles)
            if order != "number":
                # The slider goes through the maps in their order, the first the greatest.
                tab.get_by_role("slider", name="map").press("Home")
                maps = maps_of(explorer)
                explorer.unit = int((maps.mean((0, 1)) if order == "mean" else maps.max((0, 1))).argmax())
                agrees(tab, explorer)
                paints(tab, explorer)
                explorer.unit = 5
                click_map(tab, explorer)
        tab.get_by_label("each map its own").check()
        explorer.scale = "map"
        agrees(tab, explorer)
        paints(tab, explorer)
        scale = tab.locator(".maps-scale").inner_text()
        assert f"{explorer.value['max']:.1f}" in scale and "on the scale of map 5" in scale
        tab.get_by_label("one scale for all maps").check()
        explorer.scale = "layer"
        paints(tab, explorer)
        assert f"{maps_of(explorer).max():.1f}" in tab.locator(".maps-scale").inner_text()


def click_map(tab, explorer):
    """Clicks the explorer's map where it stands in the grid."""
    maps = maps_of(explorer)
    key = {"number": -np.arange(maps.shape[2]), "mean": maps.mean((0, 1)), "max": maps.max((0, 1))}[explorer.order]
    place = int(np.flatnonzero(np.argsort(-key, kind="stable") == explorer.unit)[0])
    wide = 8 if len(key) <= 64 else 12 if len(key) <= 128 else 16
    grid = tab.locator(".maps-grid")
    tile = grid.bounding_box()["width"] / wide
    grid.click(position={"x": (place % wide + 0.5) * tile, "y": (place // wide + 0.5) * tile})
    settled(tab)


def test_the_mouse_hovers_over_places_and_chooses_one(opened):
    explorer = FeatureMapExplorer(layer="conv3", unit=95, row=2, column=3)
    with opened(explorer) as tab:
        agrees(started(tab), explorer)
        before = explorer.value["seen"]
        large = tab.locator(".maps-one")
        large.scroll_into_view_if_needed()
        box = large.bounding_box()

        def over(row, column):
            tab.mouse.move(box["x"] + (column + 0.5) * box["width"] / 7, box["y"] + (row + 0.5) * box["height"] / 7)

        for row, column in ((0, 0), (6, 6), (5, 1)):
            over(row, column)
            explorer.row, explorer.column = row, column
            agrees(tab, explorer)
            assert framed(tab, ".maps-one", 32) == (row, row + 1, column, column + 1)
        tab.mouse.move(box["x"] - 40, box["y"] - 40)
        explorer.row, explorer.column = 2, 3
        agrees(tab, explorer)
        assert framed(tab) == tuple(before), "hovering chooses nothing"
        large.click(position={"x": 0.99 * box["width"], "y": 0.5 * box["height"]})
        tab.mouse.move(5, 5)
        explorer.row, explorer.column = 3, 6
        agrees(tab, explorer)


def test_the_keyboard_reaches_everything(opened):
    explorer = FeatureMapExplorer()
    with opened(explorer) as tab:
        tab.get_by_role("button", name="Start the network").focus()
        tab.keyboard.press("Enter")
        tab.locator(".maps-one").wait_for()
        agrees(tab, explorer)
        tab.get_by_role("radio", name="conv1").focus()
        for layer in LAYERS[1:]:
            tab.keyboard.press("ArrowRight")
            settled(tab)
            assert tab.evaluate("document.activeElement.type") == "radio", "the focus stays"
            assert tab.get_by_role("radio", name=layer).is_checked()
        explorer.layer = "conv5"
        explorer.unit, explorer.row, explorer.column = follow(tab)
        agrees(tab, explorer)
        for label, key, name, step in (
            ("row", "ArrowRight", "row", 1),
            ("column", "ArrowLeft", "column", -1),
            ("map", "ArrowRight", "unit", 1),
        ):
            slider = tab.get_by_role("slider", name=label, exact=True)
            ends = int(slider.get_attribute("max")) if step > 0 else 0
            if getattr(explorer, name) == ends:
                key, step = ("ArrowLeft", -1) if step > 0 else ("ArrowRight", 1)
            slider.press(key)
            setattr(explorer, name, getattr(explorer, name) + step)
            agrees(tab, explorer)
            assert slider.evaluate("slider => slider === document.activeElement")
        tab.get_by_label("a cat").focus()
        tab.keyboard.press("ArrowRight")
        explorer.picture = "a rocket"
        agrees(tab, explorer)
        assert tab.get_by_label("a rocket").evaluate("radio => radio === document.activeElement")
        tab.get_by_label("mirror").press(" ")
        explorer.flip = True
        agrees(tab, explorer)
        tab.locator(".maps-strongest summary").press("Enter")
        tab.locator(".maps-strongest li").first.wait_for()
        assert settled(tab).locator(".maps-strongest li").count() == 5


def follow(tab):
    """Map, row and column that the page says it shows."""
    said = tab.locator(".explorer").inner_text()
    unit = re.search(r"Map (\d+) of conv", said)[1]
    row, column = re.search(r"In row (\d+), column (\d+) it is", said).groups()
    return int(unit), int(row), int(column)


def test_touch_on_a_phone_in_the_dark(opened):
    explorer = FeatureMapExplorer(picture="nine colours")
    with opened(explorer, width=390, theme="dark", touch=True) as tab:
        tab.get_by_label("a temple").tap()
        tab.locator(".maps-one").wait_for()
        explorer.picture = "a temple"
        agrees(tab, explorer)
        tab.get_by_role("radio", name="conv4").tap()
        settled(tab)
        explorer.layer = "conv4"
        explorer.unit, explorer.row, explorer.column = follow(tab)
        agrees(tab, explorer)
        paints(tab, explorer)
        # Near the map there is a small copy of the picture, as the other one is far above.
        assert framed(tab, ".maps-seen canvas") == tuple(explorer.value["seen"])
        assert tab.locator(".maps-seen").is_visible()
        large = tab.locator(".maps-one")
        box = large.bounding_box()
        large.tap(position={"x": box["width"] * 4.5 / 7, "y": box["height"] * 0.5 / 7})
        explorer.row, explorer.column = 0, 4
        agrees(tab, explorer)
        explorer.unit = 40
        click_map(tab, explorer)
        agrees(tab, explorer)
        tab.get_by_label("cover a part").tap()
        picture = tab.locator(".maps-picture canvas")
        box = picture.bounding_box()
        picture.tap(position={"x": box["width"] * 4.5 / 32, "y": box["height"] * 25.5 / 32})
        explorer.occlude, explorer.occlude_x, explorer.occlude_y = True, 4, 25
        agrees(tab, explorer)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390
        controls = tab.locator(".explorer :is(button, input, select, summary, .maps-file)")
        small = controls.evaluate_all(
            "all => all.map(e => [e.outerHTML, (e.closest('label') ?? e).getBoundingClientRect()])"
            ".filter(([, {width, height}]) => width && Math.min(width, height) < 24).map(([html]) => html)"
        )
        assert small == []


def test_changes_of_the_picture_change_the_answer(opened):
    explorer = FeatureMapExplorer(layer="conv4", unit=3)
    with opened(explorer) as tab:
        agrees(started(tab), explorer)
        whole = explorer.value["probabilities"]
        assert tab.get_by_role("button", name="undo the changes").is_disabled()
        for label, key, name, value in (
            ("move right", "ArrowRight", "shift_x", 1),
            ("move right", "End", "shift_x", 8),
            ("move down", "Home", "shift_y", -8),
            ("blur", "ArrowRight", "blur", 0.5),
            ("blur", "End", "blur", 4.0),
        ):
            tab.get_by_role("slider", name=label).press(key)
            setattr(explorer, name, value)
            agrees(tab, explorer)
        tab.get_by_label("mirror").check()
        explorer.flip = True
        agrees(tab, explorer)
        tab.get_by_label("cover a part").check()
        explorer.occlude = True
        agrees(tab, explorer)
        for label, key, name, value in (
            ("cover: column", "Home", "occlude_x", 0),
            ("cover: row", "End", "occlude_y", 31),
        ):
            tab.get_by_role("slider", name=label).press(key)
            setattr(explorer, name, value)
            agrees(tab, explorer)
        explorer.occlude_x, explorer.occlude_y = 10, 12
        picture = tab.locator(".maps-picture canvas")
        picture.click(position={"x": 10.5 * 9, "y": 12.5 * 9})
        agrees(tab, explorer)
        paints(tab, explorer)
        # What it said before stands beside it, in the second column and as hollow bars.
        before = [shown(text)[0] for text in tab.locator(".maps-classes td:nth-of-type(3)").all_inner_texts()]
        assert before == pytest.approx([100 * p for p in whole], abs=0.52)
        bars = tab.locator(".maps-classes tbody tr:first-of-type, .maps-classes tbody tr").all()
        widths = [row.locator(".before").evaluate("bar => bar.style.width") for row in bars[-10:]]
        assert [float(width.removesuffix("%")) for width in widths] == pytest.approx([100 * p for p in whole], abs=0.02)
        verdict = tab.locator("p.result[role=status]").inner_text()
        turned = explorer.value["predicted"] != "cat"
        assert verdict.startswith("The change turns cat at 93 % into" if turned else "The network still says cat")
        tab.get_by_role("button", name="undo the changes").click()
        explorer.shift_x = explorer.shift_y = explorer.blur = 0
        explorer.flip = explorer.occlude = False
        agrees(tab, explorer)
        assert tab.locator("p.result[role=status]").inner_text() == "The network says cat at 93 %."
        assert tab.locator(".maps-classes .before").count() == 0


def test_a_slider_stays_under_the_hand_that_drags_it(opened):
    explorer = FeatureMapExplorer()
    with opened(explorer) as tab:
        started(tab)
        tab.locator(".maps-strongest summary").click()
        slider = tab.get_by_role("slider", name="move right")
        slider.evaluate("slider => { window.held = slider; slider.scrollIntoView({block: 'center'}); }")
        box = slider.bounding_box()
        y = box["y"] + box["height"] / 2
        tab.mouse.move(box["x"] + box["width"] / 2, y)
        tab.mouse.down()
        for step in range(1, 9):
            tab.mouse.move(box["x"] + box["width"] * (0.5 + step / 20), y)
            tab.wait_for_timeout(30)
        tab.mouse.up()
        explorer.shift_x = int(slider.input_value())
        assert explorer.shift_x > 5
        agrees(tab, explorer)
        assert tab.evaluate("held.isConnected && held === document.activeElement")
        tab.get_by_role("radio", name="conv2").click()
        settled(tab)
        assert tab.locator(".maps-strongest").evaluate("details => details.open"), "what was opened stays open"


def test_the_strongest_places_are_those_of_the_record(opened, explorer_site):
    assets = explorer_site[0] / "explorers" / "assets"
    explorer = FeatureMapExplorer(layer="conv3", unit=7)
    with opened(explorer) as tab:
        started(tab)
        tab.locator(".maps-strongest summary").click()
        tab.locator(".maps-strongest li").first.wait_for()
        for layer, unit in (("conv3", 7), ("conv3", 8), ("conv5", None)):
            if layer != explorer.layer:
                tab.get_by_role("radio", name=layer).click()
                settled(tab)
                explorer.layer = layer
                explorer.unit, explorer.row, explorer.column = follow(tab)
            elif unit != explorer.unit:
                tab.get_by_role("slider", name="map").press("ArrowRight")
                explorer.unit = unit
            settled(tab)
            stored = json.loads((assets / f"strongest-{layer}.json").read_text())
            atlas = np.asarray(Image.open(assets / f"strongest-{layer}.webp").convert("RGB"))
            items = tab.locator(".maps-strongest li").all()
            assert len(items) == 5
            fields = probing.receptive_fields(explorer.model)[layer]
            for rank, item in enumerate(items):
                tile, row, column = stored["maps"][explorer.unit][rank]
                value, name = item.inner_text().split("\n")[-2:]
                assert abs(shown(value)[0] - stored["values"][explorer.unit][rank]) < 0.051
                assert name == stored["names"][tile]
                drawn = item.locator("canvas").evaluate("c => c.toDataURL().split(',')[1]")
                painted = np.asarray(Image.open(io.BytesIO(base64.b64decode(drawn))).convert("RGB"))
                across = atlas.shape[1] // 32
                top, left = tile // across * 32, tile % across * 32
                seen = [*fields.seen(row, 32), *fields.seen(column, 32)]
                inside = np.zeros((32, 32), bool)
                inside[seen[0] + 1 : seen[1] - 1, seen[2] + 1 : seen[3] - 1] = True
                differs = np.abs(painted[4::9, 4::9].astype(int) - atlas[top : top + 32, left : left + 32])
                # Browser and Pillow unpack WebP alike, but for a rounding.
                assert differs[inside].max() <= 2
                rows, columns = np.nonzero((painted == FRAME).all(-1))
                ends = [rows.min(), rows.max() + 1, columns.min(), columns.max() + 1]
                assert [round(end / 9) for end in ends] == seen
        assert stored["source"] in tab.locator(".maps-strongest").inner_text()


def test_the_mouse_draws_on_the_sheet(opened):
    explorer = FeatureMapExplorer()
    with opened(explorer) as tab:
        tab.get_by_role("button", name="draw one").click()
        sheet = tab.get_by_label("a sheet to draw on")
        box = sheet.bounding_box()
        # Coming from outside with the button down draws nothing, and harms nothing.
        tab.mouse.move(box["x"] + 30, box["y"] - 10)
        tab.mouse.down()
        tab.mouse.move(box["x"] + 30, box["y"] + 50)
        tab.mouse.up()
        assert tab.locator(".maps-one").count() == 0
        tab.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.5 * box["height"])
        tab.mouse.down()
        tab.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 0.5 * box["height"], steps=4)
        tab.mouse.up()
        tab.locator(".maps-one").wait_for()
        drawn = own(tab, explorer)
        assert tuple(drawn[2, 2]) == (0xBC, 0xD9, 0xF2), "the sheet is sky"
        assert tuple(drawn[16, 16]) == (0xC8, 0x10, 0x2E) and tuple(drawn[28, 16]) == (0xBC, 0xD9, 0xF2)
        tab.get_by_label("colour", exact=True).fill("#00ff00")
        tab.get_by_label("width", exact=True).fill("40")
        sheet.click(position={"x": 0.5 * box["width"], "y": 0.85 * box["height"]})
        again = own(tab, explorer)
        assert tuple(again[27, 16]) == (0, 255, 0) and tuple(again[16, 16]) == (0xC8, 0x10, 0x2E)
        # The sheet is kept while it is away, and so is the picture while another is looked at.
        tab.get_by_role("button", name="put the sheet away").click()
        tab.get_by_label("a cat").click()
        explorer.picture = "a cat"
        agrees(tab, explorer)
        tab.get_by_label("your own picture").first.click()
        assert np.array_equal(own(tab, explorer), again)
        tab.get_by_role("button", name="draw one").click()
        tab.get_by_role("button", name="a clean sheet").click()
        assert (own(tab, explorer) == (0xBC, 0xD9, 0xF2)).all()


def own(tab, explorer):
    """The reader's picture as the page shows it, given to Python, which must agree with all else; its pixels."""
    settled(tab)
    # From the button by which it is chosen again: over the other one there is the frame.
    explorer.pixels = canvas(tab, ".maps-mine")[..., :3]
    explorer.picture = OWN
    agrees(tab, explorer)
    return explorer.pixels


def test_keys_draw_on_the_sheet(opened):
    explorer = FeatureMapExplorer()
    with opened(explorer) as tab:
        tab.get_by_role("button", name="draw one").press("Enter")
        sheet = tab.get_by_label("a sheet to draw on")
        hint = tab.locator(f"#{sheet.get_attribute('aria-describedby')}").inner_text()
        assert "arrows move the brush" in hint
        tab.keyboard.press("Tab")
        assert sheet.evaluate("sheet => sheet === document.activeElement")
        assert tab.locator(".maps-sheet i").is_visible(), "where the brush is"
        for _ in range(6):
            tab.keyboard.press("ArrowLeft")
        assert tab.locator(".maps-one").count() == 0, "moving does not draw"
        for _ in range(12):
            tab.keyboard.press("Shift+ArrowRight")
        tab.locator(".maps-one").wait_for()
        drawn = own(tab, explorer)
        red = (drawn == (0xC8, 0x10, 0x2E)).all(-1)
        columns = np.flatnonzero(red[16])
        assert (columns.min(), columns.max()) == (8, 23) and not red[:12].any() and not red[20:].any()
        for _ in range(8):
            tab.keyboard.press("ArrowDown")
        tab.keyboard.press(" ")
        dotted = np.abs(own(tab, explorer).astype(int) - (0xC8, 0x10, 0x2E)).max(-1) < 40
        assert dotted[26, 24] and not dotted[21, 24]
        assert tab.evaluate("scrollY") == 0 and sheet.evaluate("sheet => sheet === document.activeElement")


def test_fingers_draw_on_the_sheet(opened):
    explorer = FeatureMapExplorer()
    with opened(explorer, width=390, touch=True) as tab:
        tab.get_by_role("button", name="draw one").tap()
        sheet = tab.get_by_label("a sheet to draw on")
        assert sheet.evaluate("sheet => getComputedStyle(sheet).touchAction") == "none", "the page would scroll"
        sheet.tap(position={"x": 20, "y": 20})
        tab.locator(".maps-one").wait_for()
        assert tuple(own(tab, explorer)[3, 3]) == (0xC8, 0x10, 0x2E)


def blocks(seed=0, shape=(32, 32, 3), size=8):
    """A picture of squares of 8x8 pixels, which shrinks to exactly one pixel for each."""
    numbers = np.random.default_rng(seed).integers(0, 256, shape, "uint8")
    return numbers, np.kron(numbers, np.ones((size, size, 1), "uint8"))


def encoded(picture, kind, **options):
    buffer = io.BytesIO()
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(buffer, kind, **options)
    return buffer.getvalue()


def png(width, height, depth, colour, rows):
    """A PNG of rows as bytes, of kinds that Pillow does not write."""

    def chunk(kind, content):
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    packer = zlib.compressobj(1)
    body = b"".join([*(packer.compress(b"\0" + row) for row in rows), packer.flush()])
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def photograph():
    """A sample picture at 256x256: smooth, so that the loss of a JPEG is small."""
    return Image.fromarray(sample("a cat", 160)).resize((256, 256))


def means(picture):
    """Means over 8x8 pixels of an RGB picture of 256x256."""
    return np.asarray(picture.convert("RGB"), float).reshape(32, 8, 32, 8, 3).mean((1, 3))


def good_files():
    """name: (file name, content, the pixels that the network must get, and how far they may be off)."""
    small, large = blocks()
    yield "PNG", ("a.png", encoded(large, "PNG"), small, 0)
    yield "BMP", ("a.bmp", encoded(large, "BMP"), small, 0)
    yield "WebP", ("a.webp", encoded(large, "WEBP", lossless=True), small, 0)
    wide = np.concatenate([large[:, :96], large, large[:, :96]], 1)
    yield "the middle of a wide one", ("wide.png", encoded(wide, "PNG"), small, 0)
    yield (
        "1x1",
        ("dot.png", encoded(np.full((1, 1, 3), (200, 30, 60), "uint8"), "PNG"), np.full((32, 32, 3), (200, 30, 60)), 0),
    )
    photo = photograph()
    jpeg = encoded(photo, "JPEG", quality=95)
    yield "JPEG", ("cat.jpg", jpeg, means(Image.open(io.BytesIO(jpeg))), 1.5)
    yield "PNG by another name", ("a.svg", encoded(large, "PNG"), small, 0)
    cmyk = encoded(photo.convert("CMYK"), "JPEG", quality=95)
    yield "CMYK JPEG", ("print.jpg", cmyk, means(Image.open(io.BytesIO(cmyk))), 2.5)
    deep = np.random.default_rng(1).integers(0, 65536, (32, 32, 3))
    rows = [np.repeat(row, 8, 0).astype(">u2").tobytes() for row in np.repeat(deep, 8, 0)]
    yield "16-bit PNG", ("deep.png", png(256, 256, 16, 2, rows), deep / 257, 1)
    clear = np.concatenate([large, np.full((256, 256, 1), 255, "uint8")], 2)
    clear[:64, :, 3], clear[64:128, :, 3] = 0, 51
    ground = np.where(np.arange(32)[:, None, None] < 8, 255, small.astype(float))
    ground[8:16] = 255 + 0.2 * (small[8:16].astype(float) - 255)
    yield "transparent PNG", ("clear.png", encoded(clear, "PNG"), ground, 1.5)
    frames = [Image.new("RGB", (64, 64), colour) for colour in ((250, 0, 0), (0, 0, 250))]
    moving = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=60, loop=0)
    yield "animated GIF", ("moving.gif", moving, np.full((32, 32, 3), (250, 0, 0)), 0)
    for turn in (3, 6, 7):
        exif = Image.Exif()
        exif[0x0112] = turn
        turned = encoded(large, "PNG", exif=exif)
        yield f"EXIF orientation {turn}, PNG", ("turned.png", turned, upright(small, turn), 0)
        turned = encoded(photo, "JPEG", quality=95, exif=exif)
        yield (
            f"EXIF orientation {turn}, JPEG",
            ("turned.jpg", turned, upright(means(Image.open(io.BytesIO(turned))), turn), 1.5),
        )


def upright(pixels, orientation):
    return {
        3: lambda p: p[::-1, ::-1],
        6: lambda p: np.rot90(p, -1),
        7: lambda p: np.rot90(p, 2).swapaxes(0, 1),
    }[orientation](pixels)


SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><script>
globalThis.ran = true; parent.ran = true; fetch("https://example.org/");</script>
<image href="x" onerror="parent.ran = true"/><rect width="64" height="64" fill="red"/></svg>"""


def bad_files():
    """name: (file name, content, a part of what is said of it)."""
    jpeg, whole = encoded(photograph(), "JPEG", quality=95), encoded(photograph(), "PNG")
    damaged = "the file is damaged or incomplete"
    yield "JPEG cut off", ("cut.jpg", jpeg[: len(jpeg) // 2], damaged)
    yield "JPEG with a hole", ("hole.jpg", jpeg[:600] + bytes(200) + jpeg[800:], damaged)
    yield "PNG cut off", ("cut.png", whole[: len(whole) // 2], damaged)
    yield "PNG with a hole", ("hole.png", whole[:20000] + bytes(2000) + whole[22000:], damaged)
    yield (
        "a text called PNG",
        ("letter.png", b"Dear reader, this is not a picture.", "not a picture that browsers read"),
    )
    yield "nothing", ("nothing.png", b"", "This file is empty")
    yield "SVG with a script", ("drawing.svg", SVG.encode(), "perhaps an SVG drawing")
    yield "SVG called JPEG", ("drawing.jpg", b"<?xml version='1.0'?>" + SVG.encode(), "perhaps an SVG drawing")
    late = b"<!--" + b"x" * 300 + b"-->" + SVG.encode()
    yield "SVG behind a comment", ("late.svg", late, "not a picture that browsers read")
    yield "SVG with a PNG's first letters", ("odd.svg", b"\x89PNG" + SVG.encode(), damaged)
    page = b"<!doctype html><script>parent.ran = true</script><p>page"
    yield "HTML", ("page.html", page, "This is a text file")
    yield "HEIC", ("phone.heic", b"\0\0\0\x18ftypheic" + bytes(200), "HEIC")
    huge = png(20000, 20000, 1, 0, [bytes(2500)] * 20000)
    yield "huge PNG", ("huge.png", huge, "20,000 × 20,000 pixels; up to 80 million")


def give(tab, name, content):
    tab.locator(".maps-file input").first.set_input_files({"name": name, "mimeType": "", "buffer": content})


def test_all_kinds_of_pictures_come_out_right(opened):
    explorer = FeatureMapExplorer()
    with opened(explorer) as tab:
        started(tab)
        for kind, (name, content, wanted, most) in good_files():
            give(tab, name, content)
            found = own(tab, explorer).astype(float)
            assert np.abs(found - wanted).max() <= most + 0.5001 * (most > 0), kind
            assert tab.locator(".maps-name").inner_text() == name
            assert tab.get_by_role("alert").count() == 0


def test_a_bad_file_is_told_and_harms_nothing(opened):
    explorer = FeatureMapExplorer(picture="a truck, drawn")
    with opened(explorer) as tab:
        started(tab)
        for kind, (name, content, words) in bad_files():
            give(tab, name, content)
            alert = tab.get_by_role("alert")
            alert.wait_for()
            assert words in alert.inner_text(), kind
            tab.get_by_label("mirror").click()
            explorer.flip = not explorer.flip
            agrees(tab, explorer)
            # It is gone when the reader goes on.
            tab.get_by_label("a ship").click()
            assert settled(tab).get_by_role("alert").count() == 0
            tab.get_by_label("a truck").click()
        agrees(tab, explorer)
        assert tab.evaluate("globalThis.ran") is None, "no script of a file has run"
        small, large = blocks(4)
        give(tab, "good.png", encoded(large, "PNG"))
        assert np.array_equal(own(tab, explorer), small)


def test_a_large_picture_leaves_the_page_alive(opened):
    """48 million pixels, within the limit; they are unpacked beside the page."""
    rows = [bytes(255 * column // 8000 for column in range(8000))] * 6000
    content = png(8000, 6000, 8, 0, rows)
    explorer = FeatureMapExplorer()
    with opened(explorer) as tab:
        started(tab)
        give(tab, "large.png", content)
        tab.wait_for_selector(".maps-name", timeout=60_000)
        found = own(tab, explorer)
        wanted = 255 * (1000 + 6000 * (np.arange(32) + 0.5) / 32) / 8000
        assert np.abs(found - wanted[:, None]).max() < 3


def test_of_two_files_the_last_counts(opened):
    explorer = FeatureMapExplorer()
    _, first = blocks(1, (320, 320, 3))
    small, second = blocks(2)
    with opened(explorer) as tab:
        started(tab)
        give(tab, "first.png", encoded(first, "PNG", compress_level=1))
        give(tab, "second.png", encoded(second, "PNG"))
        until(tab, "document.querySelector('.maps-name')?.textContent === 'second.png'")
        tab.wait_for_timeout(500)
        assert np.array_equal(own(tab, explorer), small)


DROP = """([selector, name, content]) => {
    const data = new DataTransfer();
    if (name) data.items.add(new File([Uint8Array.from(atob(content), c => c.charCodeAt(0))], name));
    else data.setData("text/plain", "some words");
    for (const type of ["dragover", "drop"]) {
        const event = new DragEvent(type, {dataTransfer: data, bubbles: true, cancelable: true});
        document.querySelector(selector).dispatchEvent(event);
        if (!event.defaultPrevented) throw new Error(`the browser would open what is dropped: ${type}`);
    }
}"""


def test_a_file_is_dropped(opened):
    explorer = FeatureMapExplorer()
    small, large = blocks(5)
    with opened(explorer) as tab:
        tab.evaluate(DROP, [".maps-samples", None, None])
        assert tab.locator(".maps-one").count() == 0, "words are no picture"
        content = base64.b64encode(encoded(large, "PNG")).decode()
        tab.evaluate(DROP, [".maps-samples", "dropped.png", content])
        tab.locator(".maps-one").wait_for()
        assert np.array_equal(own(tab, explorer), small)
        assert tab.locator(".maps-name").inner_text() == "dropped.png"


def test_the_button_for_files_is_a_button(opened):
    """It has a name, opens the browser's window for files, and shows where the focus is."""
    with opened(FeatureMapExplorer()) as tab:
        control = tab.get_by_label("your own picture", exact=True)
        assert control.get_attribute("type") == "file" and tab.locator("input[capture]").count() == 0
        with tab.expect_file_chooser() as chooser:
            control.click()
        small, large = blocks(6)
        chooser.value.set_files({"name": "mine.png", "mimeType": "image/png", "buffer": encoded(large, "PNG")})
        tab.locator(".maps-one").wait_for()
        assert np.array_equal(own(tab, FeatureMapExplorer()), small)
        tab.get_by_role("button", name="draw one").focus()
        tab.keyboard.press("Shift+Tab")
        assert control.evaluate("control => control === document.activeElement")
        box = tab.locator(".maps-file").first
        assert box.evaluate("box => getComputedStyle(box).outlineStyle") == "solid"
        tab.keyboard.press("Tab")
        assert box.evaluate("box => getComputedStyle(box).outlineStyle") == "none"
        with tab.expect_file_chooser():
            control.press("Enter")


def test_a_phone_offers_its_camera(explorer_site):
    site, browser = explorer_site
    (site / "index.html").write_text(shell("light", FeatureMapExplorer().page()))
    context = browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    tab = context.new_page()
    tab.goto(f"{browser.address}/index.html")
    camera = tab.get_by_label("photograph something")
    camera.wait_for()
    assert (camera.get_attribute("capture"), camera.get_attribute("accept")) == ("environment", "image/*")
    small, large = blocks(7)
    camera.set_input_files({"name": "photo.png", "mimeType": "image/png", "buffer": encoded(large, "PNG")})
    tab.locator(".maps-one").wait_for()
    assert np.array_equal(own(tab, FeatureMapExplorer()), small)
    context.close()


# For pictures 0 to count - 1: what the browser answers, and how far that is from what Keras answered.
COMPARE = """async ([count, layers]) => {
    const { answer } = await import("./explorers/featuremaps.page.mjs");
    const bytes = async name => (await fetch(`reference/${name}`)).arrayBuffer();
    const pictures = new Uint8Array(await bytes("pictures")), side = 32 * 32 * 3;
    const probabilities = [], off = {};
    const wanted = {};
    for (const [name, size] of layers) {
        wanted[name] = [];
        off[name] = new Array(size[2]).fill(0);
    }
    for (let n = 0; n < count; n++) {
        const picture = () => [pictures.slice(n * side, (n + 1) * side).buffer];
        probabilities.push((await answer({run: "picture"}, picture())).answer.probabilities);
        for (const [name, [rows, columns, maps]] of layers) {
            const size = rows * columns * maps;
            if (n % 50 === 0) wanted[name] = new Float32Array(await bytes(`${name}-${n / 50}`));
            const keras = wanted[name].subarray((n % 50) * size, (n % 50 + 1) * size);
            const { buffers } = await answer({maps: name}, picture());
            const here = new Float32Array(buffers[0]);
            if (here.length !== size) throw new Error(`${name} has ${here.length} numbers`);
            for (let at = 0; at < size; at++)
                off[name][at % maps] = Math.max(off[name][at % maps], Math.abs(here[at] - keras[at]));
        }
    }
    return [probabilities, off];
}"""


def pictures_for_comparison(count):
    try:
        return data.cifar10(download=False).x_test[:count]
    except data.DataError:
        return data.patches10(train=20, test=500).x_test[:count]


def test_the_browser_answers_as_keras_does(opened, explorer_site, network, record_property):
    """On 200 pictures, by the modules that the page itself uses: what every layer answers, and the probabilities."""
    pictures = pictures_for_comparison(200)
    assert len(pictures) == 200
    logits = network.predict(pictures.astype("float32"), batch_size=50, verbose=0).astype(float)
    names = [row.name for row in architecture.get("cifar10-tower") if row.kind not in ("input", "dropout")]
    assert model.about("cifar10-tower")["outputs"] == [*names, "probabilities"]
    found = probing.activations(network, pictures.astype("float32"), names, batch_size=50)
    # A unit of a fully connected layer is a map of one pixel.
    maps = {
        name: values.reshape(200, *(values.shape[1:] if values.ndim == 4 else (1, 1, -1)))
        for name, values in found.items()
    }
    folder = explorer_site[0] / "reference"
    folder.mkdir(exist_ok=True)
    (folder / "pictures").write_bytes(np.ascontiguousarray(pictures).tobytes())
    for name, found in maps.items():
        for part in range(4):
            (folder / f"{name}-{part}").write_bytes(np.ascontiguousarray(found[50 * part : 50 * part + 50]).tobytes())
    with opened(FeatureMapExplorer()) as tab:
        layers = [[name, found.shape[1:]] for name, found in maps.items()]
        probabilities, off = tab.evaluate(COMPARE, [200, layers])
    probabilities = np.array(probabilities)
    same = (probabilities.argmax(1) == logits.argmax(1)).mean()
    expected = np.stack([softmax(row) for row in logits])
    shares = []
    for name, found in maps.items():
        spread = found.max((0, 1, 2)) - found.min((0, 1, 2))
        silent = spread == 0
        assert not np.array(off[name])[silent].any(), "what is silent in Keras is silent here"
        shares.append(np.array(off[name])[~silent] / spread[~silent])
    shares = np.concatenate(shares)
    worst = np.abs(probabilities - expected).max()
    report = (same, shares.max(), np.median(shares), worst)
    for name, number in zip(("same_top1", "worst", "median", "probabilities"), report, strict=True):
        record_property(name, float(number))
    print("same top-1 {:.1%}; of a map's range, worst {:.1e}, median {:.1e}; probabilities {:.1e}".format(*report))
    assert len(shares) > 1500 and same >= 0.99
    assert shares.max() < TOLERANCE and worst < TOLERANCE


def test_the_explorer_keeps_to_its_budget(opened, record_property):
    """Everything that one reader can make it fetch: modules, runtime, weights, samples, and all strongest patches."""
    with opened(FeatureMapExplorer()) as tab:
        answers = []
        tab.on("response", lambda answer: answers.append(answer))
        tab.reload()
        started(tab)
        tab.locator(".maps-strongest summary").click()
        tab.locator(".maps-strongest li").first.wait_for()
        for layer in LAYERS:
            tab.get_by_role("radio", name=layer).click()
            settled(tab)
        assert tab.locator(".maps-strongest li").count() == 5
        # Chromium forgets what it fetched for the page before a reload, so the bytes are asked for again.
        seen = sorted({answer.url for answer in answers if "/explorers/" in answer.url})
        bodies = {address: tab.request.get(address).body() for address in seen}
    total = sum(map(len, bodies.values()))
    sizes = {address: len(gzip.compress(body, 6, mtime=0)) for address, body in bodies.items()}
    sizes |= {address: len(body) for address, body in bodies.items() if address.endswith((".webp", ".png"))}
    packed = sum(sizes.values())
    heavy = sum(sizes[address] for address in seen if re.search(r"litert/|cifar10-tower\.", address))
    names = {address.rsplit("/", 1)[1] for address in seen}
    assert {"cifar10-tower.tflite", "runtime.wasm.gz", "network.js", "strongest-conv5.webp"} <= names
    record_property("bytes", total)
    record_property("gzipped", packed)
    print(f"{len(seen)} files, {total:,} bytes, {packed:,} where the host packs text")
    assert packed < 6e6
    # The page says so much of it before it starts.
    assert 4.5e6 < heavy < 5.5e6


def test_the_network_runs_beside_the_page(opened, explorer_site):
    """In a worker: the page's own thread has little to do while pictures run, whatever else the machine does."""
    with opened(FeatureMapExplorer()) as tab:
        started(tab)
        assert [worker.url.rsplit("/", 1)[1] for worker in tab.workers] == ["network.js"]
        client = tab.context.new_cdp_session(tab)
        # Seconds of the processor, not of the clock, which other programs make longer.
        client.send("Performance.enable", {"timeDomain": "threadTicks"})

        def busy():
            metrics = client.send("Performance.getMetrics")["metrics"]
            return next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")

        before, began = busy(), time.monotonic()
        tab.evaluate(
            """async () => {
                const { answer } = await import("./explorers/featuremaps.page.mjs");
                for (let n = 0; n < 40; n++) await answer({run: "picture"}, [new Uint8Array(3072).fill(n).buffer]);
            }"""
        )
        assert (busy() - before) / 40 < 0.004, "of a picture that takes the network four times as long and more"
        # A picture and its maps, drawn.
        before = busy()
        for key in ["ArrowRight"] * 8:
            tab.get_by_role("slider", name="move right").press(key)
            settled(tab)
        assert (busy() - before) / 8 < 0.2
        assert time.monotonic() - began < 60


def test_two_explorers_of_a_page_share_the_network_and_nothing_else(explorer_site):
    site, browser = explorer_site
    one, two = FeatureMapExplorer(picture="a rocket"), FeatureMapExplorer(picture="a flower", layer="conv5", unit=3)
    (site / "index.html").write_text(shell("light", one.page() + two.page()))
    tab = browser.new_page()
    tab.goto(f"{browser.address}/index.html")
    tab.locator(".explorer").nth(1).wait_for()
    buttons = tab.get_by_role("button", name="Start the network")
    tab.evaluate("() => document.querySelectorAll('.result > button').forEach(button => button.click())")
    tab.locator(".maps-one").nth(1).wait_for()
    settled(tab)
    assert buttons.count() == 0 and len(tab.workers) == 1
    for number, explorer in enumerate((one, two)):
        root, value = tab.locator(".explorer").nth(number), explorer.value
        assert abs(shown(root.locator(".maps-place b").inner_text())[0] - value["at"]) < 0.01
        best = f"The network says {value['predicted']} at {100 * max(value['probabilities']):.0f} %."
        assert root.locator("p.result[role=status]").inner_text() == best
    tab.close()


@pytest.fixture
def broken(explorer_site):
    """broken(pattern, answer): a tab where addresses of this pattern are answered by answer(route)."""
    site, browser = explorer_site
    contexts = []

    def open_(*routes, script=None):
        (site / "index.html").write_text(shell("light", FeatureMapExplorer().page()))
        context = browser.new_context(viewport={"width": 1000, "height": 900})
        contexts.append(context)
        if script:
            context.add_init_script(script)
        for pattern, answer in routes:
            context.route(pattern, answer)
        tab = context.new_page()
        tab.goto(f"{browser.address}/index.html")
        tab.locator(".maps-samples img").first.wait_for()
        return tab

    yield open_
    for context in contexts:
        context.close()


def test_without_webassembly_it_is_told_at_once(broken, explorer_site):
    asked = []

    def without(route):
        source = (explorer_site[0] / "explorers" / "network.js").read_text()
        route.fulfill(body="delete self.WebAssembly;\n" + source, content_type="text/javascript")

    tab = broken(("**/network.js", without), script="delete globalThis.WebAssembly;")
    tab.on("request", lambda request: asked.append(request.url))
    tab.context.on("request", lambda request: asked.append(request.url))
    tab.get_by_role("button", name="Start the network").click()
    alert = tab.get_by_role("alert")
    alert.wait_for()
    assert alert.inner_text() == "This browser has no WebAssembly, so no network can run in it."
    assert not [address for address in asked if re.search(r"wasm|tflite", address)], "what is of no use is not fetched"
    # The rest of the page goes on.
    tab.get_by_role("button", name="draw one").click()
    assert tab.get_by_label("a sheet to draw on").is_visible()


@pytest.mark.parametrize("part", ["cifar10-tower.tflite", "cifar10-tower.json", "runtime.wasm.gz", "network.js"])
def test_what_cannot_be_fetched_is_told_and_can_be_asked_for_again(broken, part):
    failing = [True]

    def answer(route):
        if failing[0]:
            route.fulfill(status=404, body="gone")
        else:
            route.continue_()

    tab = broken((f"**/{part}", answer))
    tab.get_by_role("button", name="Start the network").click()
    alert = tab.get_by_role("alert")
    alert.wait_for()
    words = "The network could not be started" if part == "network.js" else f"{part} (404 "
    assert words in alert.inner_text() and "There are no maps" in tab.locator("p.result[role=status]").inner_text()
    tab.get_by_role("button", name="try again").click()
    settled(tab)
    assert words in alert.inner_text(), "it is still not there"
    failing[0] = False
    tab.get_by_role("button", name="try again").click()
    tab.locator(".maps-one").wait_for()
    agrees(tab, FeatureMapExplorer())
    assert alert.count() == 0


def test_a_connection_that_breaks_is_told(broken):
    tab = broken(("**/cifar10-tower.tflite", lambda route: route.abort()))
    tab.get_by_role("button", name="Start the network").click()
    tab.get_by_role("alert").wait_for()
    assert "A part of the network could not be fetched" in tab.get_by_role("alert").inner_text()


def test_strongest_patches_that_are_missing_are_told_where_they_would_be(broken):
    failing = [True]
    tab = broken(("**/strongest-*", lambda route: route.fulfill(status=404) if failing[0] else route.continue_()))
    started(tab)
    tab.locator(".maps-strongest summary").click()
    tab.locator(".maps-strongest p", has_text="strongest-conv1.json (404").wait_for()
    agrees(tab, FeatureMapExplorer())
    failing[0] = False
    for _ in range(2):
        tab.locator(".maps-strongest summary").click()
    tab.locator(".maps-strongest li").first.wait_for()
    assert tab.locator(".maps-strongest li").count() == 5


def test_samples_that_are_missing_are_told(broken, explorer_site):
    site, browser = explorer_site
    (site / "index.html").write_text(shell("light", FeatureMapExplorer().page()))
    context = browser.new_context()
    failing = [True]
    context.route("**/samples.json", lambda route: route.fulfill(status=404) if failing[0] else route.continue_())
    tab = context.new_page()
    tab.goto(f"{browser.address}/index.html")
    tab.get_by_role("alert").wait_for()
    assert "404" in tab.get_by_role("alert").inner_text()
    failing[0] = False
    tab.get_by_role("button", name="try again").click()
    tab.locator(".maps-one").wait_for()
    agrees(tab, FeatureMapExplorer())
    context.close()


def test_an_unknown_picture_is_told(opened):
    with opened(FeatureMapExplorer(picture="test picture 9999999")) as tab:
        tab.get_by_role("button", name="Start the network").click()
        tab.get_by_role("alert").wait_for()
        assert tab.get_by_role("alert").inner_text() == "There is no sample picture “test picture 9999999”."
        assert tab.get_by_role("button", name="try again").count() == 0
        tab.get_by_label("a cat").click()
        agrees(tab, FeatureMapExplorer())


@pytest.mark.parametrize(("width", "theme"), [(360, "light"), (360, "dark"), (1000, "light"), (1000, "dark")])
def test_axe_finds_nothing(opened, width, theme):
    explorer = FeatureMapExplorer(layer="conv3", unit=20, flip=True)
    with opened(explorer, width, theme) as tab:
        assert violations(tab) == []
        tab.get_by_role("button", name="draw one").click()
        tab.locator(".maps-pad").click()
        tab.locator(".maps-one").wait_for()
        tab.locator(".maps-strongest summary").click()
        tab.locator(".maps-strongest li").first.wait_for()
        assert settled(tab).locator(".maps-strongest li").count() == 5
        assert violations(tab) == []
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        give(tab, "nothing.png", b"")
        tab.get_by_role("alert").wait_for()
        assert violations(tab) == []
