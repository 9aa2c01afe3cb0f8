"""Keras, which counts for itself, against the table; and what the builder promises about starts, decay and dropout."""

import keras
import numpy as np
import pytest

from alexnet import architecture, layers, model
from alexnet.architecture import PRESETS, Architecture, Dense, Pool


@pytest.mark.parametrize("name", PRESETS)
def test_keras_agrees_with_the_table(name):
    net, built = PRESETS[name], model.build(name)
    assert built.count_params() == net.parameters
    for row in net.layers[1:]:
        layer = built.get_layer(row.name)
        assert tuple(layer.output.shape[1:]) == row.output_shape, row.name
        assert sum(int(np.prod(w.shape)) for w in layer.trainable_weights) == row.parameters, row.name
    keras.utils.clear_session()


def test_grouped_is_two_towers(tiny):
    built = model.build(tiny, seed=0)
    picture = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    below = keras.Model(built.input, built.get_layer("pool1").output)(picture)
    weights, bias = built.get_layer("conv2").get_weights()
    halves = [
        keras.ops.relu(
            keras.ops.conv(below[..., 4 * t : 4 * t + 4], weights[..., 8 * t : 8 * t + 8], padding="same")
            + bias[8 * t : 8 * t + 8]
        )
        for t in (0, 1)
    ]
    grouped = keras.Model(built.input, built.get_layer("conv2").output)(picture)
    np.testing.assert_allclose(keras.ops.concatenate(halves, -1), grouped, rtol=1e-4, atol=1e-5)


def test_one_table_for_other_classes_and_inputs():
    built = model.build("cifar10", classes=7, input_shape=(40, 40, 3))
    assert built.output.shape == (None, 7) and built.input.shape == (None, 40, 40, 3)
    with pytest.raises(ValueError, match="layer pool5: a window of 2 is larger"):
        model.build("cifar10", input_shape=(9, 9, 3))


@pytest.mark.parametrize(("name", "deep"), [("paper-2012", 0.01), ("code-2012", 0.03)])
def test_starts_of_paper_and_code(name, deep):
    built = model.build(name, classes=10, seed=0)
    for layer, deviation in (
        ("conv1", 0.01),
        ("conv2", 0.01),
        ("conv3", deep),
        ("conv5", deep),
        ("fc6", 0.01),
        ("fc8", 0.01),
    ):
        weights = built.get_layer(layer).get_weights()[0]
        assert abs(weights.std() / deviation - 1) < 0.03, layer
        assert abs(weights.mean()) < 0.01 * deviation * 10
    ones = {
        layer
        for layer in ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")
        if built.get_layer(layer).get_weights()[1].all()
    }
    assert ones == {"conv2", "conv4", "conv5", "fc6", "fc7"}


def test_starts_of_torch_and_by_name():
    weights, bias = model.build("torchvision", classes=10, seed=0).get_layer("conv2").get_weights()
    bound = 1 / np.sqrt(5 * 5 * 64)
    assert 0.99 * bound < np.abs(weights).max() <= bound and 0.9 * bound < np.abs(bias).max() <= bound
    he = model.build("cifar10", initializer="he_normal", seed=0)
    assert abs(he.get_layer("conv3").get_weights()[0].std() / np.sqrt(2 / (9 * 256)) - 1) < 0.03
    assert not he.get_layer("conv3").get_weights()[1].any()


def test_seed_repeats_and_layers_differ(tiny):
    one, same, other = (model.build(tiny, seed=seed).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not np.array_equal(one[0], other[0])
    square = Architecture("square", "", (4, 4, 1), [Dense("fc1", 16), Dense("fc2", 16)])
    built = model.build(square, seed=0)
    assert not np.array_equal(built.get_layer("fc1").get_weights()[0], built.get_layer("fc2").get_weights()[0])


def test_weight_decay_is_the_papers(tiny):
    """One step with no loss but the decay: w shrinks by weight_decay * learning_rate * w, inside the momentum."""
    built = model.build(tiny, weight_decay=0.0005, seed=0)
    built.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss=lambda y, p: 0.0 * keras.ops.sum(p), jit_compile=False)
    kernel, start = built.get_layer("conv1").kernel, built.get_layer("conv1").get_weights()[0]
    zeros = np.zeros((2, 32, 32, 3), "float32"), np.zeros((2, 10), "float32")
    velocity, expected = 0.0, start.copy()
    for _ in range(3):
        built.train_on_batch(*zeros)
        velocity = 0.9 * velocity - 0.0005 * 0.1 * expected
        expected = expected + velocity
    np.testing.assert_allclose(keras.ops.convert_to_numpy(kernel), expected, rtol=1e-5)
    assert not built.get_layer("conv1").get_weights()[1].any(), "biases do not decay"


def test_dropout_of_the_presets():
    paper, small = (model.build(name, classes=10) for name in ("paper-2012", "cifar10"))
    assert isinstance(paper.get_layer("drop6"), layers.Dropout2012)
    assert isinstance(small.get_layer("drop6"), keras.layers.Dropout)
    for built in (paper, small):
        assert built.get_layer("drop6").input is built.get_layer("fc6").output
        assert built.get_layer("drop7").input is built.get_layer("fc7").output
    assert model.build("torchvision", classes=10).get_layer("fc6").input is not None


def test_order_of_the_code():
    built = model.build("code-2012", classes=10)
    names = [layer.name for layer in built.layers]
    assert names[:7] == ["input", "conv1_pad", "conv1", "lrn1", "pool1", "pool1_relu", "conv2"]
    assert built.get_layer("conv1").activation is keras.activations.linear
    assert names.index("lrn2") < names.index("cnorm2") < names.index("pool2")


def test_precision_is_for_this_model_only(tiny):
    built = model.build(tiny, precision="mixed_bfloat16")
    assert built.get_layer("conv1").dtype_policy.name == "mixed_bfloat16"
    assert built.output.dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"


def test_pooling_that_rounds_up_ignores_what_lies_outside():
    net = Architecture("pools", "", (4, 4, 1), [Pool("pool1", 3, 2), Dense("fc1", 1)], rounding="up")
    built = model.build(net)
    negative = -np.arange(1, 17, dtype="float32").reshape(1, 4, 4, 1)
    pooled = keras.Model(built.input, built.get_layer("pool1").output)(negative)
    np.testing.assert_array_equal(pooled[0, :, :, 0], [[-1, -3], [-9, -11]])
    average = Architecture("pools", "", (4, 4, 1), [Pool("pool1", 3, 2, mode="average")], rounding="up")
    with pytest.raises(ValueError, match="layer pool1: average pooling"):
        model.build(average)


def test_padding_in_the_table_is_the_padding_in_keras():
    built = model.build("paper-2012", classes=10)
    assert built.get_layer("conv1_pad").padding == architecture.PRESETS["paper-2012"]["conv1"].padding
