"""DropoutExplorer: its values are those of the layers, and the page shows its value after every touch of a control."""

import re

import numpy as np
import pytest
from traitlets import TraitError

from alexnet.explorers.dropout import ACTIVATIONS, WEIGHTS, DropoutExplorer


def agrees(tab, explorer):
    """The page says what Python says of the same state; returns the sentence."""
    value = explorer.value
    sentence = tab.locator(".result").inner_text().replace("−", "-")
    assert f"output is {value['output']:.2f}" in sentence
    assert f"mean {value['mean']:.2f} and standard deviation {value['standard_deviation']:.2f}." in sentence
    assert f"{value['test_output']:.2f}" in sentence[sentence.rindex("The test-time output") :]
    assert tab.locator("p.sum").inner_text().replace("−", "-").endswith(f" {value['output']:.2f}")
    return sentence


def shown_mask(tab):
    return [int(text) for text in tab.get_by_role("group", name="mask").get_by_role("button").all_inner_texts()]


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("scaling", ["2012", "inverted"])
def test_mean_and_deviation_are_those_of_independent_units(rate, scaling):
    value = DropoutExplorer(rate=rate, scaling=scaling).value
    stretch = 1 / (1 - rate) if scaling == "inverted" else 1
    products = ACTIVATIONS * WEIGHTS * stretch
    assert value["mean"] == pytest.approx((1 - rate) * products.sum())
    assert value["standard_deviation"] == pytest.approx(np.sqrt(rate * (1 - rate) * (products**2).sum()))
    assert value["test_output"] == pytest.approx(value["mean"])


def test_behind_a_relu_the_test_output_is_below_the_mean():
    value = DropoutExplorer(relu=True).value
    assert value["test_output"] < value["mean"] - 0.1
    draws = np.random.default_rng(0).random((100_000, 8)) >= 0.5
    assert value["mean"] == pytest.approx(np.maximum((draws * ACTIVATIONS) @ WEIGHTS, 0).mean(), abs=0.03)


@pytest.mark.parametrize("scaling", ["2012", "inverted"])
def test_outputs_are_those_of_the_layers(scaling):
    import keras

    from alexnet.layers import Dropout2012

    layer = (Dropout2012 if scaling == "2012" else keras.layers.Dropout)(0.4, seed=3)
    explorer = DropoutExplorer(rate=0.4, scaling=scaling)
    units = keras.ops.convert_to_tensor(ACTIVATIONS[None], "float32")
    for training in (True, False):
        passed = np.asarray(layer(units, training=training))[0]
        explorer.training, explorer.mask = training, [int(a > 0) for a in passed]
        assert explorer.value["output"] == pytest.approx(passed @ WEIGHTS, abs=1e-5)
        assert sum(explorer.mask) < 8 or not training


def test_sample_draws_masks_of_the_rate():
    explorer, kept = DropoutExplorer(rate=0.75), []
    for seed in range(400):
        explorer.sample(seed)
        kept += explorer.mask
    assert np.mean(kept) == pytest.approx(0.25, abs=0.03)
    first = explorer.mask
    explorer.sample(399)
    assert explorer.mask == first


@pytest.mark.parametrize(
    "wrong", [{"rate": 0.95}, {"mask": [1] * 7}, {"mask": [2] * 8}, {"scaling": "2014"}, {"training": "yes"}]
)
def test_a_wrong_state_is_refused(wrong):
    with pytest.raises(TraitError):
        DropoutExplorer(**wrong)


def test_the_fallback_has_the_numbers():
    picture, sentence = DropoutExplorer(rate=0.2).fallback()
    assert "mean 1.60" in sentence and "output is 1.60" in sentence
    assert picture.count("#0072B2") == 29  # the sums from -6 to 8 in halves


def test_mouse_draws_masks_and_changes_the_rate(opened):
    explorer = DropoutExplorer()
    with opened(explorer) as tab:
        assert "exactly the mean" in agrees(tab, explorer)
        bars = "[...document.querySelectorAll('.outcome')].map(b => +b.dataset.probability)"
        slider = tab.get_by_label("dropout rate")
        box = slider.bounding_box()
        tab.mouse.click(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
        explorer.rate = float(slider.input_value())
        assert explorer.rate > 0.7
        agrees(tab, explorer)
        outputs, chances = explorer._distribution()
        _, which = np.unique(outputs, return_inverse=True)
        assert tab.evaluate(bars) == pytest.approx(np.bincount(which, chances).tolist())
        seen = set()
        for _ in range(12):
            tab.get_by_role("button", name="another mask").click()
            explorer.mask = shown_mask(tab)
            seen.add(tuple(explorer.mask))
            agrees(tab, explorer)
            assert tab.locator(".cross").count() == 8 - sum(explorer.mask)
        assert len(seen) > 1


def test_keyboard_toggles_units_and_chooses_test_time_and_scaling(opened):
    explorer = DropoutExplorer()
    with opened(explorer) as tab:
        marker = tab.locator("path.now").get_attribute("d")
        tab.get_by_role("button", name="unit 2: 0, dropped").focus()
        tab.keyboard.press("Enter")
        assert tab.evaluate("document.activeElement.ariaLabel") == "unit 2: 1, kept"
        tab.keyboard.press("Tab")
        tab.keyboard.press("Space")
        explorer.mask = [1, 1, 0, *explorer.mask[3:]]
        assert shown_mask(tab) == explorer.mask
        agrees(tab, explorer)
        assert tab.locator("path.now").get_attribute("d") != marker
        tab.get_by_label("inverted").focus()
        tab.keyboard.press("Space")
        explorer.scaling = "inverted"
        agrees(tab, explorer)
        assert "÷ 0.5" in tab.locator("p.sum").inner_text()
        tab.get_by_label("training", exact=True).focus()
        tab.keyboard.press("ArrowRight")
        explorer.training = False
        assert agrees(tab, explorer).startswith("At test time all units take part")
        assert tab.locator(".cross").count() == 0
        assert tab.get_by_role("button", name="another mask").is_disabled()


def test_touch_adds_the_relu_and_toggles_a_unit(opened):
    explorer = DropoutExplorer()
    with opened(explorer, width=320, touch=True) as tab:
        tab.get_by_text("a ReLU behind").tap()
        explorer.relu = True
        assert "from below" in agrees(tab, explorer)
        tab.get_by_role("button", name="unit 7: 1, kept").tap()
        explorer.mask = [1, 0, 1, 1, 0, 0, 0, 0]
        agrees(tab, explorer)
        boxes = [button.bounding_box() for button in tab.get_by_role("button").all()]
        assert min(min(box["width"], box["height"]) for box in boxes) >= 24
        assert tab.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_sum_is_what_it_says(opened):
    with opened(DropoutExplorer(scaling="inverted", rate=0.2)) as tab:
        words = tab.locator("p.sum").inner_text().replace("\xa0", " ")
    sides = words.removeprefix("output = ").split(" = ")
    steps = [side.replace("−", "-").replace("×", "*").replace("÷", "/") for side in sides]
    assert all(re.fullmatch(r"[-+*/(). \d]+", step) for step in steps)
    assert [eval(step) for step in steps] == pytest.approx([6.875] * len(steps), abs=0.006)
