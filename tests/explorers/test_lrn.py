"""LRNExplorer: its values are those of the layer, and the page shows its value after every touch of a control."""

import numpy as np
import pytest
from traitlets import TraitError

from alexnet.explorers.lrn import PATTERNS, LRNExplorer, pattern


def numbers(tab, column):
    """The numbers of a column of the table, as the reader sees them."""
    cells = tab.locator(f"tbody td:nth-of-type({column})").all_inner_texts()
    return [float(text.replace(",", "")) for text in cells]


def agrees(tab, explorer):
    value = explorer.value
    assert numbers(tab, 2) == pytest.approx(np.array(explorer.activities) * explorer.scale, abs=0.051)
    assert numbers(tab, 4) == pytest.approx(value["normalised"], abs=0.0051)
    assert float(tab.locator(".denominator").inner_text()) == pytest.approx(value["denominator"], abs=0.00051)
    near = [int(text) for text in tab.locator("tr.near th").all_inner_texts()]
    assert near == value["neighbours"]


def lengths(tab, name):
    return [box["width"] for box in (bar.bounding_box() for bar in tab.locator(f".{name}").all())]


@pytest.mark.parametrize("alpha_over_n", [False, True])
@pytest.mark.parametrize(("n", "k", "alpha", "beta"), [(5, 2.0, 1e-4, 0.75), (1, 1.0, 0.01, 1.0), (9, 3.0, 1.0, 0.5)])
def test_value_is_that_of_the_layer(n, k, alpha, beta, alpha_over_n):
    import keras

    from alexnet.layers import LocalResponseNormalization

    activities = pattern("random", 7)
    explorer = LRNExplorer(
        activities=activities, scale=60.0, n=n, k=k, alpha=alpha, beta=beta, alpha_over_n=alpha_over_n, chosen=15
    )
    layer = LocalResponseNormalization(size=n, alpha=alpha, beta=beta, k=k, alpha_over_n=alpha_over_n)
    maps = keras.ops.convert_to_tensor(np.array(activities)[None] * 60, "float32")
    value = explorer.value
    assert value["normalised"] == pytest.approx(np.asarray(layer(maps))[0], rel=1e-5)
    assert value["denominator"] == pytest.approx(activities[15] * 60 / value["normalised"][15])


def test_alpha_divided_by_n_is_the_printed_one_of_an_nth():
    divided, printed = LRNExplorer(alpha=5e-4, alpha_over_n=True), LRNExplorer(alpha=1e-4)
    assert divided.value["normalised"] == pytest.approx(printed.value["normalised"])


def test_at_small_activities_only_the_constant_divides():
    small, large = LRNExplorer(), LRNExplorer(scale=100.0)
    assert small.value["normalised"] == pytest.approx(np.array(small.activities) / 2**0.75, rel=1e-3)
    # Beside the peak much less is left than far from it.
    assert large.value["normalised"][6] < 0.5 * large.value["normalised"][0]


def test_the_neighbourhood_is_cut_at_the_ends():
    assert LRNExplorer(chosen=0).value["neighbours"] == [0, 1, 2]
    assert LRNExplorer(chosen=15, n=9).value["neighbours"] == [11, 12, 13, 14, 15]
    assert LRNExplorer(chosen=7).value["neighbours"] == [5, 6, 7, 8, 9]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"n": 4}, "odd"),
        ({"chosen": 16}, "15"),
        ({"activities": [1.0] * 15}, "16"),
        ({"activities": [-1.0] * 16}, "0"),
        ({"alpha": 0.0}, "1e-05"),
        ({"k": 0.0}, "1"),
    ],
)
def test_a_wrong_state_is_refused(wrong, says):
    with pytest.raises(TraitError, match=says):
        LRNExplorer(**wrong)


def test_a_pattern_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="one of one peak"):
        pattern("two peaks")


def test_the_fallback_has_the_numbers():
    picture, sentence = LRNExplorer(scale=100.0).fallback()
    assert "maps 5 to 9 decide" in sentence and "becomes 39.36" in sentence and "divide by 1.68" in sentence
    assert picture.count("<rect") == 2 + 2 * 16


def test_mouse_moves_an_activity_and_the_scale(opened):
    explorer = LRNExplorer()
    with opened(explorer) as tab:
        agrees(tab, explorer)
        assert "almost nothing happens" in tab.locator(".result").inner_text()
        assert lengths(tab, "after") == pytest.approx(lengths(tab, "before"), rel=0.01)
        for label, trait in (("activity of map 9", None), ("activities times", "scale")):
            box = tab.get_by_label(label).bounding_box()
            tab.mouse.click(box["x"] + 0.95 * box["width"], box["y"] + box["height"] / 2)
            if trait:
                explorer.scale = float(tab.get_by_label(label).input_value())
            else:
                moved = float(tab.get_by_label(label).input_value())
                explorer.activities = [*explorer.activities[:9], moved, *explorer.activities[10:]]
                assert moved > 3.5
            agrees(tab, explorer)
        assert explorer.scale > 90
        assert "hold their neighbours" in tab.locator(".result").inner_text()
        shares = np.array(lengths(tab, "after")) / lengths(tab, "before")
        assert max(shares[7:12]) < 0.6 * shares[0]


def test_keyboard_moves_every_parameter(opened):
    explorer = LRNExplorer(scale=50.0)
    with opened(explorer) as tab:
        for label, presses in (("n (maps)", 2), ("k", 3), ("alpha", 5), ("beta", 4)):
            tab.locator(f".control:has(span:text-is('{label}')) input").focus()
            for _ in range(presses):
                tab.keyboard.press("ArrowRight")
        explorer.n, explorer.k, explorer.alpha, explorer.beta = 9, 3.5, 0.00032, 0.95
        agrees(tab, explorer)
        tab.get_by_label("as printed").focus()
        tab.keyboard.press("ArrowDown")
        explorer.alpha_over_n = True
        agrees(tab, explorer)
        tab.get_by_label("choose map 7").focus()
        for _ in range(8):
            tab.keyboard.press("ArrowDown")
        explorer.chosen = 15
        agrees(tab, explorer)
        assert "maps 11 to 15 (cut at the edge)" in tab.locator(".formula").inner_text()


def test_touch_chooses_patterns_and_maps(opened):
    explorer = LRNExplorer(scale=100.0)
    with opened(explorer, width=320, touch=True) as tab:
        for name in (*PATTERNS, "random"):
            seed = 2 if explorer.activities == pattern("random", 1) else 1
            tab.get_by_role("button", name=f"random, seed {seed}" if name == "random" else name).tap()
            explorer.activities = pattern(name, seed)
            agrees(tab, explorer)
        tab.locator("label:has([aria-label='choose map 3'])").tap()
        explorer.chosen = 3
        agrees(tab, explorer)
        tab.get_by_text("divided by n (").tap()
        explorer.alpha_over_n = True
        agrees(tab, explorer)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 320
        table = tab.locator(".scrolls")
        assert table.evaluate("e => e.scrollWidth - e.clientWidth") <= 0
        boxes = [tab.locator("tbody label").nth(m).bounding_box()["height"] for m in range(16)]
        assert min(boxes) >= 24
