"""SoftmaxExplorer: its value is Keras's, and the page shows its value after every touch of a control."""

import numpy as np
import pytest
from traitlets import TraitError

from alexnet.data import CIFAR10_NAMES
from alexnet.explorers import SoftmaxExplorer


def numbers(tab, column):
    """The numbers of a column of the table, as the reader sees them."""
    cells = tab.locator(f"table.softmax tbody td:nth-of-type({column})").all_inner_texts()
    return [float(text.replace("−", "-")) for text in cells]


def agrees(tab, explorer):
    value = explorer.value
    assert numbers(tab, 4) == pytest.approx(value["probabilities"], abs=6e-4)
    assert numbers(tab, 6) == pytest.approx(value["gradient"], abs=6e-4)
    assert f"= {value['loss']:.3f}." in tab.locator(".result").inner_text()


def test_value_is_that_of_keras():
    import keras

    explorer = SoftmaxExplorer(temperature=2.0, true_class=5)
    logits = keras.ops.convert_to_tensor([explorer.logits], "float32") / 2.0
    loss = keras.losses.sparse_categorical_crossentropy(np.array([5]), logits, from_logits=True)
    assert explorer.value["probabilities"] == pytest.approx(np.asarray(keras.ops.softmax(logits))[0], rel=1e-5)
    assert explorer.value["loss"] == pytest.approx(float(loss[0]), rel=1e-5)


def test_the_maxima_trick_changes_nothing_but_the_overflow():
    with_trick, without = SoftmaxExplorer(offset=50.0), SoftmaxExplorer(offset=50.0, max_trick=False)
    assert with_trick.value["probabilities"] == pytest.approx(without.value["probabilities"], rel=1e-4)
    assert np.isnan(SoftmaxExplorer(offset=90.0, max_trick=False).value["loss"])


def test_a_class_that_is_not_there_is_refused():
    with pytest.raises(TraitError):
        SoftmaxExplorer(logits=[1.0, 2.0], true_class=2)


def consistent(explorer):
    count = len(explorer.logits)
    return len(explorer.names) == count == len(explorer.value["probabilities"]) and explorer.true_class < count


def test_names_and_true_class_follow_logits_of_another_number():
    explorer, seen = SoftmaxExplorer(), []
    explorer.observe(lambda change: seen.append(change.name), ["logits", "names", "true_class"])
    explorer.logits = [1.0, 2.0]
    assert (explorer.names, explorer.true_class) == (["class 0", "class 1"], 1) and consistent(explorer)
    assert set(seen) == {"logits", "names", "true_class"}, "whoever looks on hears of all that changed"
    assert "class 1" in explorer.fallback()[1]
    explorer.logits = [0.0] * 10
    assert explorer.names == list(CIFAR10_NAMES) and explorer.true_class == 1 and consistent(explorer)
    named = SoftmaxExplorer(logits=[1, 2, 3], names=["a", "b", "c"], true_class=2)
    named.logits = [3.0, 2.0, 1.0]
    assert named.names == ["a", "b", "c"] and named.true_class == 2
    named.logits = [1.0] * 5
    assert named.names == ["a", "b", "c", "class 3", "class 4"] and named.true_class == 2
    named.logits = [1.0, 2.0]
    assert named.names == ["a", "b"] and named.true_class == 1 and consistent(named)
    assert consistent(SoftmaxExplorer(logits=[1.0]))


def test_logits_and_names_of_another_number_together():
    explorer = SoftmaxExplorer()
    with explorer.hold_trait_notifications():
        explorer.names, explorer.logits, explorer.true_class = ["a", "b"], [1.0, 2.0], 0
    assert explorer.names == ["a", "b"] and explorer.true_class == 0 and consistent(explorer)


@pytest.mark.parametrize("change", [{"names": ["a"]}, {"logits": []}, {"true_class": 10}, {"true_class": -1}])
def test_what_does_not_fit_is_refused(change):
    explorer = SoftmaxExplorer()
    before = explorer.state
    ((name, value),) = change.items()
    with pytest.raises(TraitError):
        setattr(explorer, name, value)
    assert explorer.state == before
    with pytest.raises(TraitError):
        SoftmaxExplorer(**change)


def test_a_name_is_text_in_the_fallback():
    assert "<b>" not in SoftmaxExplorer(logits=[1.0, 2.0], names=["<b>", "c"], true_class=1).fallback()[0]


def test_mouse_moves_a_logit(opened):
    explorer = SoftmaxExplorer()
    with opened(explorer) as tab:
        agrees(tab, explorer)
        bar = tab.locator("tr:has-text('cat') .bar div")
        before = bar.bounding_box()["width"]
        slider = tab.get_by_label("logit of cat")
        box = slider.bounding_box()
        tab.mouse.click(box["x"] + 0.1 * box["width"], box["y"] + box["height"] / 2)
        explorer.logits = numbers(tab, 2)
        assert explorer.logits[3] < -3
        agrees(tab, explorer)
        assert bar.bounding_box()["width"] < 0.2 * before


def test_keyboard_moves_a_logit_and_chooses_the_class(opened):
    explorer = SoftmaxExplorer()
    with opened(explorer) as tab:
        tab.get_by_label("logit of dog").focus()
        for _ in range(5):
            tab.keyboard.press("ArrowRight")
        tab.get_by_label("true class: cat").focus()
        tab.keyboard.press("ArrowDown")
        explorer.logits, explorer.true_class = [*explorer.logits[:5], 3.5, *explorer.logits[6:]], 4
        assert numbers(tab, 2) == explorer.logits
        agrees(tab, explorer)


def test_touch_switches_the_trick_off_and_overflow_is_explained(opened):
    with opened(SoftmaxExplorer(offset=100.0), width=390, touch=True) as tab:
        tab.get_by_text("subtract the largest logit first").tap()
        assert tab.locator(".result").inner_text().startswith("Overflow")
        assert "not a number" in tab.locator("table.softmax").inner_text()
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390
