"""Looking inside: activations are the layers' own, receptive fields are the gradient's, the strongest are."""

import keras
import numpy as np
import pytest

from alexnet import architecture, data, model, probing


@pytest.fixture
def network(tiny):
    return model.build(tiny, seed=1)


def test_convolutions_are_named_from_the_input_on(network):
    assert probing.convolutions(network) == ["conv1", "conv2"]
    flat = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)], name="flat")
    with pytest.raises(ValueError, match="'flat' has no two-dimensional convolution"):
        probing.convolutions(flat)


def test_activations_are_those_of_the_layers(network):
    pictures = np.random.default_rng(0).uniform(0, 255, (3, 32, 32, 3)).astype("float32")
    found = probing.activations(network, pictures)
    x = network.get_layer("conv1")(network.get_layer("conv1_pad")(pictures))
    assert found["conv1"] == pytest.approx(np.asarray(x), rel=1e-4, abs=1e-3)
    assert found["conv1"].min() == 0, "behind the ReLU"
    assert set(probing.activations(network, pictures, ["pool1"])) == {"pool1"}


@pytest.mark.parametrize("name", ["paper-2012", "one-gpu", "torchvision", "cifar10", "cifar10-tower"])
def test_receptive_fields_are_those_of_the_table(name):
    fields = probing.receptive_fields(model.build(name, weight_decay=0.0))
    rows = [row for row in architecture.get(name).layers if row.kind in ("conv", "pool", "lrn")]
    assert len(rows) > 7
    for row in rows:
        assert fields[row.name] == probing.Field(row.receptive_field, row.jump, row.start), row.name


def _branches():
    inputs = keras.Input((24, 24, 3))
    left = keras.layers.Conv2D(4, 3, strides=2, padding="same", name="left")(inputs)
    right = keras.layers.MaxPooling2D(2, name="pool")(
        keras.layers.Conv2D(4, 3, dilation_rate=2, padding="same")(inputs)
    )
    joined = keras.layers.Add(name="joined")([left, right])
    last = keras.layers.Conv2D(2, 5, name="last")(keras.layers.ZeroPadding2D(1)(joined))
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(last))


def test_a_unit_sees_the_pixels_that_its_gradient_reaches():
    """With positive weights everywhere, the gradient is 0 exactly for the pixels that a unit does not see."""
    import tensorflow as tf

    network = _branches()
    network.set_weights([np.abs(weights) + 0.1 for weights in network.get_weights()])
    fields = probing.receptive_fields(network)
    assert "last" in fields and "joined" in fields
    picture = tf.Variable(np.random.default_rng(0).uniform(1, 2, (1, 24, 24, 3)).astype("float32"))
    for name in ("left", "last"):
        inside = keras.Model(network.inputs, network.get_layer(name).output)
        for index in (0, 3, int(inside.output_shape[1]) - 1):
            with tf.GradientTape() as tape:
                answer = inside(picture)[0, index, index, 0]
            reached = np.flatnonzero(np.abs(tape.gradient(answer, picture)).sum((0, 2, 3)))
            first, behind = fields[name].seen(index, 24)
            # A maximum passes its gradient to one pixel only, so the ends may be out of reach; beyond is nothing.
            assert first <= reached.min() and reached.max() < behind
            if name == "left":
                assert (first, behind) == (reached.min(), reached.max() + 1)


def test_rows_and_columns_see_what_their_gradients_reach():
    """Also where pictures, kernels, strides and edges are not square, and behind a model in the model."""
    import tensorflow as tf

    layers = keras.layers
    inside = keras.Sequential(
        [keras.Input((24, 40, 3)), layers.Conv2D(2, (5, 2), strides=(2, 3), padding="same"), layers.AveragePooling2D(2)]
    )
    network = keras.Sequential(
        [
            keras.Input((26, 43, 3)),
            layers.Cropping2D(((1, 1), (2, 1))),
            keras.Sequential([layers.RandomFlip()]),
            inside,
            layers.ZeroPadding2D(((0, 1), (2, 0))),
            layers.Conv2D(2, (1, 3), name="last"),
        ]
    )
    network.set_weights([np.abs(weights) + 0.1 for weights in network.get_weights()])
    fields = [probing.receptive_fields(network, axis)["last"] for axis in (0, 1)]
    picture = tf.Variable(np.random.default_rng(0).uniform(1, 2, (1, 26, 43, 3)).astype("float32"))
    rows, columns = network.output_shape[1:3]
    # The last row is padding alone.
    for row, column in ((0, 0), (2, 3), (rows - 2, columns - 1)):
        with tf.GradientTape() as tape:
            answer = network(picture, training=False)[0, row, column, 0]
        reached = np.abs(tape.gradient(answer, picture)).sum((0, 3))
        for field, index, side, other in zip(fields, (row, column), (26, 43), (1, 0), strict=True):
            found = np.flatnonzero(reached.sum(other))
            # What is cut off is seen by none.
            first, behind = field.seen(index, side)
            low, high = ((1, 25), (2, 42))[1 - other]
            assert (max(first, low), min(behind, high)) == (found.min(), found.max() + 1)


def test_the_strongest_places_are_the_strongest(network):
    pictures = data.patches10(500, 60).x_test.astype("float32")
    where, how_much = probing.strongest(network, pictures, "conv2", count=4, batch_size=25)
    maps = probing.activations(network, pictures)["conv2"]
    assert where.shape == (16, 4, 3) and how_much.shape == (16, 4)
    for unit in range(16):
        peaks = maps[..., unit].max((1, 2))
        assert how_much[unit] == pytest.approx(np.sort(peaks)[::-1][:4], rel=1e-5)
        assert len(set(where[unit, :, 0])) == 4, "each in another picture"
        for (picture, row, column), value in zip(where[unit], how_much[unit], strict=True):
            assert maps[picture, row, column, unit] == pytest.approx(value, rel=1e-5)
    with pytest.raises(ValueError, match="out of 3"):
        probing.strongest(network, pictures[:3], "conv1", count=4)


def test_the_trained_network_is_the_one_that_was_measured():
    about, network = model.about("cifar10-tower"), model.pretrained("cifar10-tower")
    assert network.count_params() == architecture.get("cifar10-tower").parameters == 1_192_394
    assert about["test_accuracy"] >= 0.80
    for name, parts in about["layers"].items():
        kernel, bias = network.get_layer(name).get_weights()
        assert list(np.moveaxis(kernel, -1, 0).shape) == parts["kernel"]["shape"] and bias.shape == (kernel.shape[-1],)
        assert np.isfinite(kernel).all() and 0 < np.abs(kernel).max() < 10
    with pytest.raises(ValueError, match="it has cifar10-tower"):
        model.pretrained("lenet-5")


def test_the_shipped_weights_are_as_accurate_as_their_record_says(request):
    try:
        cifar = data.cifar10(download=False)
    except data.DataError:
        from conftest import missing

        missing("CIFAR-10, so the shipped network is not measured (set ALEXNET_DATA)")
    network, about = model.pretrained("cifar10-tower"), model.about("cifar10-tower")
    right = network.predict(cifar.x_test, batch_size=500, verbose=0).argmax(1) == cifar.y_test
    assert right.mean() == pytest.approx(about["test_accuracy"], abs=0.002)
    if cifar.provenance == about["dataset"]:
        import json

        from conftest import ROOT

        record = json.loads((ROOT / "assets/records/cifar10-tower-strongest.json").read_text())["cifar10"]["layers"]
        _, how_much = probing.strongest(network, cifar.x_test[:1000], "conv5", count=1)
        best = np.array(record["conv5"]["value"])[:, 0]
        assert (how_much[:, 0] <= best + 0.01).all(), "a thousand pictures hold nothing stronger than the record's best"


def test_features_are_the_layers_answers_or_their_means_over_fields(network):
    pictures = np.random.default_rng(0).uniform(0, 255, (5, 32, 32, 3)).astype("float32")
    found = probing.features(network, pictures, ["conv1", "pool2", "fc3"], batch_size=2)
    maps = probing.activations(network, pictures, ["conv1", "pool2", "fc3"])
    assert found["fc3"] == pytest.approx(maps["fc3"], rel=1e-4, abs=1e-3)
    side = maps["conv1"].shape[1]
    edges = np.cumsum([0, *(len(part) for part in np.array_split(range(side), 3))])
    fields = found["conv1"].reshape(5, 3, 3, -1)
    for row in range(3):
        for column in range(3):
            rows, columns = slice(*edges[row : row + 2]), slice(*edges[column : column + 2])
            mean = maps["conv1"][:, rows, columns].mean((1, 2))
            assert fields[:, row, column] == pytest.approx(mean, rel=1e-4, abs=1e-3)
    assert maps["pool2"].shape[1] <= 3 and found["pool2"] == pytest.approx(maps["pool2"].reshape(5, -1), abs=1e-3)
