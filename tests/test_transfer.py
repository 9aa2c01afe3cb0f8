"""A trained network for another task: the records are whole and the script's, and one cell comes out again."""

import copy
import json
import math

import numpy as np
import pytest

from alexnet import data, model, probing, training
from conftest import experiment


@pytest.fixture
def script():
    return experiment("transfer")


@pytest.fixture
def linear():
    return training.record("transfer")


@pytest.fixture
def networks():
    return training.record("transfer-networks")


def not_a_share(rows, record):
    """Rows whose accuracy is no share of the test pictures of their task."""
    counts = [row["accuracy"] * record["tasks"][row["task"]]["test"] for row in rows]
    return any(abs(count - round(count)) > 0.06 for count in counts)


def linear_problems(record, script):
    """A sentence for everything in the linear record that is not as the script and the chapter say."""
    found = []
    if record["settings"] != script.chosen_settings("linear"):
        found.append("the record is of other settings")
    if set(record["tasks"]) != set(script.TASKS):
        found.append("the record is of other tasks")
    for task in script.TASKS:
        for features in (script.PIXELS, *script.LAYERS, *script.CONTROLS):
            for examples in script.EXAMPLES:
                what = f"{task}, {features}, {examples}"
                key = {"task": task, "features": features, "examples": examples}
                rows = [row for row in record["linear"] if row.items() >= key.items()]
                if sorted(row["draw"] for row in rows) != list(range(5)):
                    found.append(f"{what}: not the five draws that are compared, each once")
                searched = [row["accuracy"] for row in record["penalties"] if row.items() >= key.items()]
                if len(searched) != 1 or {row["penalty"] for row in rows} != {script.best(searched[0])}:
                    found.append(f"{what}: not with the best penalty of its search")
                if not_a_share(rows, record):
                    found.append(f"{what}: an accuracy is no share of the test pictures")
    return found


def networks_problems(record, script):
    """A sentence for everything in the record of networks that is not as the script and the chapter say."""
    found = []
    if record["settings"] != script.chosen_settings("networks"):
        found.append("the record is of other settings")
    for task in script.NETWORK_TASKS:
        for way, steps in script.STEPS.items():
            rate = script.best(record["rates"][task][way])
            for examples in script.NETWORK_EXAMPLES:
                what = f"{task}, {way}, {examples}"
                key = {"task": task, "way": way, "examples": examples}
                rows = [row for row in record["networks"] if row.items() >= key.items()]
                if sorted(row["draw"] for row in rows) != list(range(script.NETWORK_DRAWS)):
                    found.append(f"{what}: not as many draws as the script makes, each once")
                if any(row["learning_rate"] != rate or row["steps"] != steps[examples] for row in rows):
                    found.append(f"{what}: not at the best rate of its search, or not trained to the end")
                if not_a_share(rows, record) or not all(math.isfinite(loss) for row in rows for loss in row["losses"]):
                    found.append(f"{what}: an accuracy is no share of the test pictures, or a loss no number")
    return found


def test_the_records_are_what_the_chapter_says(linear, networks, script):
    assert linear_problems(linear, script) == [] and networks_problems(networks, script) == []


def four_draws(linear, networks):
    linear["linear"] = [row for row in linear["linear"] if row["draw"] < 4]


def another_penalty(linear, networks):
    linear["linear"][0]["penalty"] *= 10


def no_share(linear, networks):
    linear["linear"][7]["accuracy"] += 0.0005


def other_examples(linear, networks):
    linear["settings"]["examples"][0] += 1


def a_layer_less(linear, networks):
    linear["linear"] = [row for row in linear["linear"] if row["features"] != "fc6"]


def another_rate(linear, networks):
    networks["networks"][0]["learning_rate"] *= 2


def other_steps(linear, networks):
    networks["settings"]["steps"]["from scratch"]["10"] += 1


def a_network_less(linear, networks):
    networks["networks"] = networks["networks"][:-1]


def no_loss(linear, networks):
    networks["networks"][0]["losses"][-1] = math.nan


SPOILS = [
    four_draws,
    another_penalty,
    no_share,
    other_examples,
    a_layer_less,
    another_rate,
    other_steps,
    a_network_less,
    no_loss,
]


@pytest.mark.parametrize("spoil", SPOILS)
def test_a_spoilt_record_is_found(linear, networks, script, spoil):
    spoilt = copy.deepcopy((linear, networks))
    spoil(*spoilt)
    assert linear_problems(spoilt[0], script) or networks_problems(spoilt[1], script)


def test_a_draw_is_of_equally_many_of_each_class_and_of_none_set_aside(script):
    digits = data.digits32()
    aside = script.watched("digits32", digits)
    assert np.bincount(digits.y_train[aside]).tolist() == [script.WATCHED["digits32"]] * 10
    for examples in script.EXAMPLES:
        chosen = script.drawn("digits32", digits, examples, 0)
        assert np.bincount(digits.y_train[chosen]).tolist() == [examples] * 10 and len(set(chosen)) == 10 * examples
        assert not set(chosen) & set(aside)
        assert set(chosen) != set(script.drawn("digits32", digits, examples, 1))


def test_a_cell_of_the_record_comes_out_again(linear, script):
    """Logistic regression on conv3's features of ten examples of each digit, from the pictures on."""
    digits = data.digits32()
    chosen = script.drawn("digits32", digits, 10, 0)
    network = model.pretrained(script.NETWORK)
    rows = [
        probing.features(network, pictures.astype("float32"), ["conv3"])["conv3"]
        for pictures in (digits.x_train[chosen], digits.x_test)
    ]
    key = {"task": "digits32", "features": "conv3", "examples": 10, "draw": 0}
    (row,) = [row for row in linear["linear"] if row.items() >= key.items()]
    right = script.share_right("conv3", rows, (digits.y_train[chosen], digits.y_test), row["penalty"])
    assert right == pytest.approx(row["accuracy"], abs=0.011), "of 500 pictures five may differ"


def test_a_regression_that_stops_where_it_begins_is_no_measurement(script, monkeypatch):
    patches = data.patches10(2500, 1000)
    chosen = script.drawn("patches10", patches, 100, 0)
    (rows,) = script.scaled(script.PIXELS, patches.x_train[chosen].reshape(1000, -1).astype("float32"))
    monkeypatch.setattr(script, "TOLERANCE", 1e-3)
    with pytest.raises(RuntimeError, match="after 0 iterations"):
        script.fitted(rows, patches.y_train[chosen], 1.0)
    monkeypatch.setattr(script, "TOLERANCE", 1e-6)
    monkeypatch.setattr(script, "MOST_ITERATIONS", 3)
    with pytest.warns(Warning, match="failed to converge"), pytest.raises(RuntimeError, match="after 3 iterations"):
        script.fitted(rows, patches.y_train[chosen], 1.0)


def test_scaled_rows_have_length_one_and_no_mean(script):
    rows = np.random.default_rng(0).normal(3, 5, (40, 7)) * [1, 1, 1, 1, 1, 9, 0]
    train, test = script.scaled("conv3", rows, rows[:4] + 1)
    assert np.abs(train.mean(0)).max() < 1e-6 and np.linalg.norm(train, axis=1).mean() == pytest.approx(1, rel=1e-5)
    shift = 1 / np.linalg.norm(rows - rows.mean(0), axis=1).mean()
    assert test - train[:4] == pytest.approx(np.full((4, 7), shift), rel=1e-4)
    equal, _ = script.scaled("conv3, equal columns", rows, rows)
    assert np.linalg.norm(equal, axis=1).mean() == pytest.approx(1, rel=1e-5)
    assert equal[:, :6].std(0) == pytest.approx(np.full(6, equal[:, 0].std()), rel=1e-4) and not equal[:, 6].any()


def test_the_controls_are_what_they_are_called(script):
    patches = data.patches10(100, 20)
    found = script.represented(patches, patches.x_test)
    assert set(found) == {script.PIXELS, *script.LAYERS, *script.CONTROLS}
    assert found["conv3, no places"].shape[1] == found["fc6"].shape[1] == found["conv3"].shape[1] / 9
    assert found["conv3, fresh weights"].shape == found["conv3"].shape
    assert np.abs(found["conv3, fresh weights"] - found["conv3"]).max() > 0.1
    assert np.array_equal(found["fc7, equal columns"], found["fc7"]), "`scaled` divides them, on each draw"


def test_networks_start_as_they_are_said_to(script):
    fresh, tuned, trained = script.started(False, 0), script.started(True, 0), model.pretrained(script.NETWORK)
    for layer in trained.layers:
        if layer.trainable_weights:
            same = [
                np.array_equal(made.get_layer(layer.name).get_weights()[0], layer.get_weights()[0])
                for made in (fresh, tuned)
            ]
            assert same == [False, layer.name != "fc8"]
    pictures = data.patches10(100, 20).x_test
    pool5 = probing.features(trained, pictures.astype("float32"), ["pool5"])["pool5"].reshape(20, 3, 3, 128)
    assert script.upper(tuned).predict(pool5, verbose=0) == pytest.approx(
        training.predict(tuned, pictures), rel=1e-4, abs=1e-4
    )


def test_tuning_the_upper_part_leaves_the_convolutions_alone(script, monkeypatch):
    monkeypatch.setattr(script, "WATCHED", {"patches10": 3})
    patches, seen = data.patches10(100, 20), []
    monkeypatch.setattr(script, "upper", lambda network, upper=script.upper: seen.append(network) or upper(network))
    pool5 = np.random.default_rng(0).uniform(size=(120, 1152)).astype("float32")
    rates, steps = (dict.fromkeys(script.STEPS, value) for value in (0.01, 10))
    judged, ways = (patches.x_test, patches.y_test), ("fully connected",)
    rows = script.networks("patches10", patches, (pool5[:100], pool5[100:]), 2, 0, rates, judged, steps, ways)
    assert [row["way"] for row in rows] == ["fully connected"] and json.loads(json.dumps(rows)) == rows
    trained, (tuned,) = model.pretrained(script.NETWORK), seen
    moved = [
        layer.name
        for layer in trained.layers
        if layer.trainable_weights
        and not np.array_equal(tuned.get_layer(layer.name).get_weights()[0], layer.get_weights()[0])
    ]
    assert moved == ["fc6", "fc7", "fc8"]
