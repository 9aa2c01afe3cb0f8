"""ActivationExplorer: its gradients are TensorFlow's, and the page computes and shows the same in every setting."""

import math
import re

import numpy as np
import pytest
from traitlets import TraitError

from alexnet.explorers.activation import BATCH, FUNCTIONS, WIDTH, ActivationExplorer, activate, normals

STATES = [
    {},
    {"function": "relu", "depth": 20, "weight_scale": 3.0, "bias": 1.0},
    {"function": "relu", "depth": 6, "weight_scale": 1.41, "bias": -0.3, "seed": 9999},
    {"function": "relu", "bias": -1.0},
    {"function": "tanh", "depth": 20, "weight_scale": 3.0, "seed": 5},
    {"function": "sigmoid", "depth": 20, "weight_scale": 0.2, "bias": 1.0},
    {"function": "sigmoid", "depth": 1},
    {"function": "leaky_relu", "depth": 12, "weight_scale": 0.7, "bias": -0.5},
    {"function": "gelu", "depth": 20, "weight_scale": 3.0, "bias": -1.0},
    {"function": "gelu", "depth": 20, "weight_scale": 1.0},
]


def shown(tab):
    """What the page says beside the two charts."""
    left, right = tab.locator(".result").all_inner_texts()
    return left.replace("−", "-"), re.sub(r"\s+", " ", right)


def digits(number):
    mantissa, exponent = f"{number:.2e}".split("e")
    power = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa} × 10{power}" if abs(int(exponent)) > 2 else f"{number:.{max(0, 2 - int(exponent))}f}"


def agrees(tab, explorer):
    """Every number on the page is that of the value."""
    value, (left, right) = explorer.value, shown(tab)
    assert left.startswith(f"f({explorer.x:.1f}) = {value['activation']:.3f}, with slope {value['slope']:.3f}.")
    svg = tab.locator("svg.chart").nth(1)
    heights = [float(c.get_attribute("cy")) for c in svg.locator("circle").all()]
    alive = [g for g in value["gradients"] if g]
    assert svg.locator("text.zero").count() == len(value["gradients"]) - len(alive)
    low = min(-3, *(math.floor(math.log10(g)) for g in [*alive, 1]))
    high = max(2, *(math.ceil(math.log10(g)) for g in [*alive, 1]))
    logs = [low + (210 - 36 - height) / (210 - 36 - 8) * (high - low) for height in heights]
    assert logs == pytest.approx([math.log10(g) for g in alive], abs=1e-6)
    if value["ratio"] is None:
        assert right.startswith("Not one unit of the last layer is on")
    else:
        first, last = digits(value["gradients"][0]), digits(value["gradients"][-1])
        assert f"is {last} at layer {explorer.depth} and {first} at layer 1." in right
        assert f"the ratio is {digits(value['ratio'])}:" in right
    if explorer.function == "relu":
        dead = [round(WIDTH * share) for share in value["dead"]]
        assert f"{dead[-1]} of 32 in the last layer, {sum(dead)} of {WIDTH * explorer.depth} in all" in right


def test_the_generator_is_mulberry32_and_its_numbers_are_normal():
    def mulberry32(a):
        while True:
            a = (a + 0x6D2B79F5) % 2**32
            t = (a ^ a >> 15) * (a | 1) % 2**32
            t = (t + (t ^ t >> 7) * (t | 61)) % 2**32 ^ t
            yield (t ^ t >> 14) / 2**32

    uniform = mulberry32(7)
    pairs = [(math.sqrt(-2 * math.log(1 - next(uniform))), 2 * math.pi * next(uniform)) for _ in range(50)]
    expected = [radius * turn(angle) for radius, angle in pairs for turn in (math.cos, math.sin)]
    assert normals(7, 100) == pytest.approx(expected, rel=1e-12)
    many = normals(3, 100_000)
    assert abs(many.mean()) < 0.02 and abs(many.std() - 1) < 0.01 and abs((many**4).mean() - 3) < 0.1


@pytest.mark.parametrize("function", FUNCTIONS)
def test_slope_is_the_finite_difference(function):
    z = np.linspace(-5, 5, 101) + 0.03
    rise = activate(function, z + 1e-6)[0] - activate(function, z - 1e-6)[0]
    assert activate(function, z)[1] == pytest.approx(rise / 2e-6, abs=1e-8)


def test_known_values_and_slopes():
    for function, x, value, slope in [
        ("sigmoid", 0, 0.5, 0.25),
        ("tanh", 0, 0, 1),
        ("relu", 0, 0, 0),
        ("relu", -3, 0, 0),
        ("leaky_relu", -3, -0.03, 0.01),
        ("gelu", 1, 0.8413447460685429, 1.0833154705876864),
    ]:
        now = ActivationExplorer(function=function, x=x).value
        assert (now["activation"], now["slope"]) == pytest.approx((value, slope))
    assert max(activate("sigmoid", np.linspace(-5, 5, 101))[1]) == 0.25
    # The front end says: between -0.13 and 1.13.
    slopes = activate("gelu", np.linspace(-5, 5, 1001))[1]
    assert [round(slopes.min(), 2), round(slopes.max(), 2)] == [-0.13, 1.13]


@pytest.mark.parametrize("state", STATES)
def test_gradients_are_those_of_tensorflow(state):
    import keras
    import tensorflow as tf

    explorer = ActivationExplorer(**state)
    functions = {
        "gelu": lambda z: keras.ops.gelu(z, approximate=False),
        "leaky_relu": lambda z: keras.ops.leaky_relu(z, 0.01),
    }
    activation = functions.get(explorer.function) or getattr(keras.ops, explorer.function)
    numbers = normals(explorer.seed, (2 * BATCH + explorer.depth * WIDTH) * WIDTH)
    rows = tf.reshape(tf.constant(numbers, "float64"), (-1, WIDTH))
    a, top, sums, dead = rows[:BATCH], rows[BATCH : 2 * BATCH], [], []
    with tf.GradientTape() as tape:
        tape.watch(rows)
        for layer in range(explorer.depth):
            w = rows[2 * BATCH + layer * WIDTH :][:WIDTH] * explorer.weight_scale / math.sqrt(WIDTH)
            sums.append(a @ w + explorer.bias)
            a = activation(sums[-1])
            dead.append(float(np.mean(np.all(a.numpy() == 0, axis=0))) if explorer.function == "relu" else 0)
        loss = tf.reduce_sum(a * top) / tf.sqrt(tf.reduce_mean(top**2))
    expected = [float(tf.sqrt(tf.reduce_mean(g**2))) for g in tape.gradient(loss, sums)]
    value = explorer.value
    # TensorFlow has the 0.01 of leaky ReLU and the 1/√2 of GELU in float32, whatever the inputs are in.
    rel = 1e-6 if explorer.function in functions else 1e-9
    assert value["gradients"] == pytest.approx(expected, rel=rel)
    assert value["dead"] == dead
    assert value["ratio"] == (pytest.approx(expected[0] / expected[-1], rel=rel) if expected[-1] else None)


def test_the_story_that_the_text_tells():
    def ratio(function, weight_scale, **state):
        return ActivationExplorer(function=function, weight_scale=weight_scale, depth=20, **state).value["ratio"]

    for seed in range(5):
        assert ratio("sigmoid", 1.0, seed=seed) < 0.25**18
        assert 0.03 < ratio("tanh", 1.0, seed=seed) < 10
        assert ratio("relu", 1.0, seed=seed) < 0.02
        assert 0.03 < ratio("relu", 1.41, seed=seed) < 30
        assert ratio("relu", 3.0, seed=seed) > 1e4
        # Without biases ReLU nets are homogeneous: each of the 19 layers between multiplies by the scale.
        assert ratio("relu", 2.0, seed=seed) == pytest.approx(2.0**19 * ratio("relu", 1.0, seed=seed))
        now = ActivationExplorer(bias=-1.0, seed=seed).value
        assert now["ratio"] is None and now["dead"][-1] == 1


@pytest.mark.parametrize(
    "state", [{"function": "swish"}, {"depth": 0}, {"depth": 21}, {"weight_scale": 0.1}, {"bias": 2}, {"x": math.nan}]
)
def test_bad_state_is_refused(state):
    with pytest.raises(TraitError, match=next(iter(state))):
        ActivationExplorer(**state)


@pytest.mark.parametrize("state", STATES)
def test_fallback_says_what_it_draws(state):
    explorer = ActivationExplorer(**state)
    picture, sentence = explorer.fallback()
    assert FUNCTIONS[explorer.function] in sentence and sentence in picture
    assert picture.count("<circle") == sum(g > 0 for g in explorer.value["gradients"])


def test_browser_computes_what_python_does(opened):
    with opened(ActivationExplorer()) as tab:
        tab.evaluate("import('/explorers/activation.mjs').then((module) => { window.activation = module; })")
        for state in STATES:
            explorer = ActivationExplorer(**state)
            expected = explorer.value
            found = tab.evaluate("(state) => activation.network(state)", explorer.state)
            # Sums in another order differ by 1e-16 of themselves; deep tanh nets with large weights amplify that.
            assert found["gradients"] == pytest.approx(expected["gradients"], rel=1e-9)
            assert found["dead"] == expected["dead"]
            assert found["ratio"] == (expected["ratio"] and pytest.approx(expected["ratio"], rel=1e-9))


@pytest.mark.parametrize("state", STATES)
def test_page_shows_the_value(opened, state):
    explorer = ActivationExplorer(**state, x=-1.3)
    with opened(explorer, theme="dark", width=320) as tab:
        agrees(tab, explorer)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 320


def test_mouse_chooses_the_function_and_the_scale(opened):
    explorer = ActivationExplorer(depth=20)
    with opened(explorer) as tab:
        agrees(tab, explorer)
        before = tab.locator("svg.chart").nth(0).screenshot()
        tab.get_by_label("sigmoid").click()
        explorer.function = "sigmoid"
        agrees(tab, explorer)
        assert "at most 1/4" in shown(tab)[0] and "vanishes" in shown(tab)[1]
        assert tab.locator("svg.chart").nth(0).screenshot() != before
        slider = tab.get_by_label("weight scale")
        box = slider.bounding_box()
        tab.mouse.click(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
        explorer.weight_scale = float(slider.input_value())
        assert explorer.weight_scale > 2.5
        agrees(tab, explorer)


def test_keyboard_moves_every_slider(opened):
    explorer = ActivationExplorer(function="leaky_relu")
    with opened(explorer) as tab:
        for label, name, step in [
            ("input x", "x", 0.1),
            ("depth", "depth", 1),
            ("weight scale", "weight_scale", 0.01),
            ("bias", "bias", 0.1),
        ]:
            picture = tab.locator("svg.chart").nth(int(name != "x"))
            before = picture.screenshot()
            tab.get_by_label(label).focus()
            for _ in range(3):
                tab.keyboard.press("ArrowRight")
            setattr(explorer, name, round(getattr(explorer, name) + 3 * step, 2))
            agrees(tab, explorer)
            assert picture.screenshot() != before


def test_touch_presses_the_buttons(opened):
    explorer = ActivationExplorer(seed=9999)
    with opened(explorer, width=390, touch=True) as tab:
        for button, change in [
            ("He: scale √2", {"weight_scale": 1.41}),
            ("another random net", {"seed": 0}),
            ("Glorot: scale 1", {"weight_scale": 1.0}),
        ]:
            before = shown(tab)
            tab.get_by_role("button", name=button).tap()
            explorer.set_trait(*next(iter(change.items())))
            agrees(tab, explorer)
            assert shown(tab) != before
        tab.get_by_label("GELU").tap()
        explorer.function = "gelu"
        agrees(tab, explorer)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390
