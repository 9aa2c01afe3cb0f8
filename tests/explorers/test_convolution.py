"""ConvolutionExplorer: its value is Keras's and the table's, and the page shows it after every touch of a control."""

import re

import numpy as np
import pytest
from traitlets import TraitError

from alexnet import architecture
from alexnet.explorers.convolution import ConvolutionExplorer, input_number, weight

CONV1 = {"size": 224, "kernel": 11, "stride": 4, "padding": 0, "channels": 3, "filters": 96}
# The examples of the page: their words, what they give, and weights as the facts sheet counts them (biases apart).
EXAMPLES = {
    "small convolution": ({}, 4, 36),
    "small pooling, overlapping": ({"operation": "max pooling", "padding": 0}, 3, 0),
    "two groups": ({"stride": 1, "channels": 4, "groups": 2}, 7, 72),
    "conv1: 224, rounded up": (CONV1 | {"rounding": "up"}, 55, 34_944 - 96),
    "conv1: 224, rounded down": (CONV1, 54, 34_944 - 96),
    "conv1: 227": (CONV1 | {"size": 227}, 55, 34_944 - 96),
    "conv1: 224, padding 2": (CONV1 | {"padding": 2, "filters": 64}, 55, 23_296 - 64),
    "conv1: 224, padding 3, up": (CONV1 | {"padding": 3, "rounding": "up"}, 56, 34_944 - 96),
    "pool1: 55, overlapping": ({"operation": "max pooling", "size": 55, "padding": 0}, 27, 0),
    "pool1: 55, not overlapping": ({"operation": "max pooling", "size": 55, "kernel": 2, "padding": 0}, 27, 0),
    "conv2: 27, two groups": (
        {"size": 27, "kernel": 5, "stride": 1, "padding": 2, "channels": 96, "filters": 256, "groups": 2},
        27,
        307_456 - 256,
    ),
}


def number(text):
    return int(text.replace("−", "-"))


def agrees(tab, explorer):
    """What the page says is what Python works out for the same state."""
    value, count = explorer.value, explorer.value["output_size"]
    result = tab.locator(".result").inner_text()
    assert result.startswith(f"The output is {count} × {count}")
    assert tab.locator(".formula").inner_text().endswith(f"= {count}")
    assert ("do not overlap" not in result) == value["overlap"]
    remain = re.search(r"At the end (\d+) rows?", result)
    assert (int(remain[1]) if remain else 0) == value["remaining"]
    hangs = re.search(r"hangs (\d+) pixel", result)
    assert (int(hangs[1]) if hangs else 0) == value["overhang"]
    if value["weights"]:
        assert f"= {value['weights']:,} weights" in tab.locator(".counted").inner_text()
    if value["output"] is None:
        assert tab.locator("[data-at]").count() == 0
        return
    shown = tab.locator("[data-at]").all_inner_texts()
    flat = [cell for row in value["output"] for cell in row]
    assert [None if text == "–" else number(text) for text in shown] == flat
    assert number(tab.locator("[data-at][aria-pressed=true]").inner_text()) == value["cell"]
    assert number(tab.locator(".worked strong").inner_text()) == value["cell"]


def windowed(tab):
    """Where the first pixel is that the window reads."""
    box = tab.locator("[data-kind$=window]").first.bounding_box()
    return box["x"], box["y"]


@pytest.mark.parametrize(("stride", "padding", "dilation", "groups"), [(2, 1, 1, 1), (1, 2, 2, 2), (3, 0, 1, 4)])
def test_output_is_that_of_keras(stride, padding, dilation, groups):
    import keras

    state = {"size": 9, "stride": stride, "padding": padding, "dilation": dilation, "channels": 4, "groups": groups}
    n, k, share = np.arange(9), np.arange(3), np.arange(4 // groups)
    x = input_number(5, np.arange(4), n[:, None, None], n[:, None])
    w = np.stack([weight(5, f, share, k[:, None, None], k[:, None]) for f in range(4)], -1)
    padded = np.pad(x, ((padding, padding), (padding, padding), (0, 0)))[None].astype("float32")
    wanted = [
        keras.ops.conv(padded[..., g * len(share) :][..., : len(share)], part, stride, dilation_rate=dilation)
        for g, part in enumerate(np.split(w.astype("float32"), groups, axis=-1))
    ]
    wanted = np.concatenate([np.asarray(part)[0] for part in wanted], axis=-1)
    for f in range(4):
        explorer = ConvolutionExplorer(seed=5, filter=f, at=4, **state)
        assert explorer.value["output"] == wanted[..., f].tolist()
        assert explorer.value["cell"] == wanted[..., f].ravel()[4]
        assert explorer.value["output_size"] == wanted.shape[0]


@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (2, 2), (3, 1)])
def test_pooling_is_that_of_keras(kernel, stride):
    import keras

    explorer = ConvolutionExplorer(operation="max pooling", size=8, kernel=kernel, stride=stride, padding=0, seed=3)
    n = np.arange(8)
    x = input_number(3, 0, n[:, None], n).astype("float32")[None, :, :, None]
    wanted = np.asarray(keras.ops.max_pool(x, kernel, stride))[0, ..., 0]
    assert explorer.value["output"] == wanted.tolist()
    assert explorer.value["overlap"] == (kernel > stride)
    assert explorer.value["remaining"] == (8 - kernel) % stride


def test_rounding_up_reads_past_the_edge_and_pools_leave_it_out():
    state = {"size": 6, "kernel": 3, "stride": 2, "padding": 0, "rounding": "up", "at": 8}
    n = np.arange(6)
    x = input_number(0, 0, n[:, None], n)
    corner = ConvolutionExplorer(**state).value
    assert corner["overhang"] == 1 and corner["exact"] == 2.5 and corner["output_size"] == 3
    k = np.arange(2)
    assert corner["cell"] == (x[4:, 4:] * weight(0, 0, 0, k[:, None], k)).sum()
    assert ConvolutionExplorer(operation="max pooling", **state).value["cell"] == x[4:, 4:].max()
    beyond = ConvolutionExplorer(operation="max pooling", size=4, stride=3, padding=2, rounding="up", at=8).value
    assert beyond["cell"] is None and beyond["output"][2] == [None] * 3


@pytest.mark.parametrize(("state", "size", "weights"), EXAMPLES.values(), ids=EXAMPLES)
def test_famous_cases(state, size, weights):
    value = ConvolutionExplorer(**state).value
    assert (value["output_size"], value["weights"]) == (size, weights)


def test_famous_cases_are_those_of_the_table():
    code, torch = architecture.get("code-2012"), architecture.get("torchvision")
    for row, name in (
        (code["conv1"], "conv1: 224, rounded up"),
        (torch["conv1"], "conv1: 224, padding 2"),
        (code["pool1"], "pool1: 55, overlapping"),
        (code["conv2"], "conv2: 27, two groups"),
    ):
        explorer = ConvolutionExplorer(**EXAMPLES[name][0])
        value = explorer.value
        assert value["output_size"] == row.output_shape[0]
        assert explorer.padding + value["overhang"] == row.padding[0][1]
        assert value["weights"] == (row.parameters - row.output_shape[-1] if row.kind == "conv" else 0)
    assert ConvolutionExplorer(**CONV1).value["exact"] == 54.25
    assert ConvolutionExplorer(**CONV1).value["remaining"] == 1


def test_rows_that_no_window_reads():
    gaps = ConvolutionExplorer(size=10, kernel=2, stride=4, padding=0).value
    assert (gaps["output_size"], gaps["remaining"], gaps["unseen"]) == (3, 0, 4)
    rest = ConvolutionExplorer(size=9, kernel=2, stride=5, padding=0).value
    assert (rest["output_size"], rest["remaining"], rest["unseen"]) == (2, 2, 5)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"operation": "average pooling"}, "operation"),
        ({"size": 3}, "size"),
        ({"size": 4, "kernel": 5, "padding": 0}, "larger than an input of 4"),
        ({"padding": 3}, "padding 3"),
        ({"channels": 4, "groups": 3}, "3 groups must divide 4 channels"),
        ({"channels": 3}, "1, 2 or 4 channels"),
        ({"size": 12, "kernel": 7}, "kernels up to 5"),
        ({"at": 16}, "at must be at most 15"),
        ({"filter": 4}, "filter must be at most 3"),
    ],
)
def test_what_cannot_be_is_refused(state, words):
    with pytest.raises(TraitError, match=words):
        ConvolutionExplorer(**state)


def test_the_chosen_cell_stays_in_a_smaller_output():
    explorer = ConvolutionExplorer(at=15)
    explorer.stride = 4
    assert explorer.at == explorer.value["output_size"] ** 2 - 1 == 3


@pytest.mark.parametrize("name", ["small convolution", "conv1: 224, rounded up", "pool1: 55, overlapping"])
def test_fallback_says_the_size(name):
    explorer = ConvolutionExplorer(**EXAMPLES[name][0])
    picture, sentence = explorer.fallback()
    assert picture.startswith("<svg") and "The output is {0} × {0}".format(explorer.value["output_size"]) in sentence


def test_mouse_chooses_a_cell_and_the_operation(opened):
    explorer = ConvolutionExplorer()
    with opened(explorer) as tab:
        agrees(tab, explorer)
        before = windowed(tab)
        tab.get_by_label("row 3, column 2:").click()
        explorer.at = 9
        agrees(tab, explorer)
        after = windowed(tab)
        assert after[0] > before[0] and after[1] > before[1]
        assert "Row 3, column 2" in tab.locator(".result").inner_text()
        for words, change in (
            ("max pooling", {"operation": "max pooling"}),
            ("up (ceil)", {"rounding": "up"}),
            ("convolution", {"operation": "convolution"}),
        ):
            tab.get_by_label(words, exact=True).check()
            for name, value in change.items():
                setattr(explorer, name, value)
            agrees(tab, explorer)
        tab.get_by_role("button", name="other numbers").click()
        explorer.seed = 1
        agrees(tab, explorer)


def test_mouse_shows_what_a_group_sees(opened):
    explorer = ConvolutionExplorer(channels=4, groups=2)
    with opened(explorer) as tab:
        agrees(tab, explorer)
        assert tab.get_by_label("does not see").count() == 2
        tab.get_by_role("combobox", name="drawn filter", exact=True).select_option("4 of 4")
        explorer.filter = 3
        agrees(tab, explorer)
        assert tab.locator(".worked").inner_text().startswith("channel 3:")
        tab.get_by_role("combobox", name="groups", exact=True).select_option("4")
        explorer.groups = 4
        agrees(tab, explorer)
        assert tab.get_by_label("does not see").count() == 3


def test_keyboard_moves_the_window_and_the_sliders(opened):
    explorer = ConvolutionExplorer(size=9)
    with opened(explorer) as tab:
        agrees(tab, explorer)
        tab.locator("[data-at='0']").focus()
        before = windowed(tab)
        for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowUp", "ArrowUp", "ArrowDown", "ArrowLeft"):
            tab.keyboard.press(key)
        explorer.at = 6
        agrees(tab, explorer)
        assert windowed(tab) > before
        assert tab.evaluate("document.activeElement.dataset.at") == "6"
        for label, key, name, value in (
            ("move the window", "ArrowRight", "at", 7),
            ("input side n", "ArrowRight", "size", 10),
            ("dilation d", "ArrowRight", "dilation", 2),
            ("padding p", "ArrowRight", "padding", 2),
            ("kernel k", "ArrowRight", "kernel", 4),
        ):
            tab.get_by_role("slider", name=label).press(key)
            setattr(explorer, name, value)
            shown = tab.locator("[data-at][aria-pressed=true]")
            explorer.at = int(shown.get_attribute("data-at"))
            agrees(tab, explorer)
        tab.get_by_role("slider", name="stride s").press("ArrowLeft")
        with explorer.hold_trait_notifications():
            explorer.stride = 1
            explorer.at = int(tab.locator("[data-at][aria-pressed=true]").get_attribute("data-at"))
        agrees(tab, explorer)


def test_examples_of_the_page_are_states_of_python(opened):
    with opened(ConvolutionExplorer()) as tab:
        options = tab.get_by_role("combobox", name="example", exact=True).locator("option").all_inner_texts()
        assert options[1:] == list(EXAMPLES)
        for name, (state, *_) in reversed(EXAMPLES.items()):
            tab.get_by_role("combobox", name="example", exact=True).select_option(name)
            agrees(tab, ConvolutionExplorer(**state))
            assert (
                tab.get_by_role("combobox", name="example", exact=True).evaluate("list => list.selectedOptions[0].text")
                == name
            )
        assert tab.locator("[data-at]").count() == 16


def test_the_ruler_shows_what_hangs_over_and_what_is_left(opened):
    with opened(ConvolutionExplorer(rounding="up", **CONV1)) as tab:
        assert tab.locator("[data-kind=beyond]").count() == 3
        assert "Window 55 reads from pixel 217 to 227" in tab.locator("svg.chart").last.get_attribute("aria-label")
        tab.get_by_label("down (floor)").check()
        agrees(tab, ConvolutionExplorer(**CONV1))
        assert tab.locator("[data-kind=beyond]").count() == 0
        assert tab.locator("[data-kind=unseen]").count() == 1
        assert "room for 54.25 windows" in tab.locator(".result").inner_text()


@pytest.mark.parametrize("width", [330, 390])
def test_touch_chooses_a_cell_of_the_widest_output(opened, width):
    explorer = ConvolutionExplorer(size=12, kernel=5, stride=1, padding=4, channels=4)
    with opened(explorer, width=width, touch=True) as tab:
        tab.locator("[data-at='17']").tap()
        explorer.at = 17
        agrees(tab, explorer)
        box = tab.locator("[data-at='17']").bounding_box()
        assert min(box["width"], box["height"]) >= 24
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        tab.get_by_text("max pooling").tap()
        explorer.operation = "max pooling"
        agrees(tab, explorer)
        tab.get_by_role("combobox", name="example", exact=True).select_option("conv1: 224, rounded down")
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
