"""Two towers with and without communication: the record is the script's, whole, and its networks are what they say."""

import copy
import json
import types

import keras
import numpy as np
import pytest

from alexnet import architecture, data, model, training
from conftest import experiment


@pytest.fixture(scope="module")
def script():
    return experiment("communication")


@pytest.fixture(scope="module")
def settings(script):
    return script.chosen_settings()


@pytest.fixture
def record():
    return training.record("communication")


@pytest.fixture(scope="module")
def pictures():
    return data.patches10(20, 10).x_train


def problems(record, script, settings):
    """A sentence for everything in the record that is not as the script and the chapter say."""
    found = []
    if record["settings"] != settings:
        found.append("the record is of other settings")
    if "CIFAR-10" not in record["dataset"] or record["test"] != 10_000:
        found.append("the pictures are not those of CIFAR-10")
    table = {(name, seed) for name in script.NETWORKS for seed in range(script.SEEDS)}
    runs = [(run["network"], run["seed"]) for run in record["runs"]]
    if set(runs) != table or len(runs) != len(table):
        found.append("there is not every network with every seed, once")
    if script.SEARCH_SEED in {run["seed"] for run in record["runs"]}:
        found.append("a seed that is compared has chosen the rate")
    for name in script.NETWORKS:
        searched = {row["learning_rate"]: row["held_out_loss"] for row in record["search"] if row["network"] == name}
        if set(searched) != set(script.RATES) or any(len(row) != script.SEARCH_PASSES for row in searched.values()):
            found.append(f"{name}: its rate was not searched like the others'")
            continue
        best = min(searched, key=lambda rate: searched[rate][-1])
        if best in (min(searched), max(searched)):
            found.append(f"{name}: the best rate of its search is at the edge")
        mine = [run for run in record["runs"] if run["network"] == name]
        middle = np.median([run["test_accuracy"] for run in mine])
        for run in mine:
            if run["learning_rate"] != best:
                found.append(f"{name}, seed {run['seed']}: not at the best rate of its search")
            if run["stopped"] or len(run["loss"]) != script.PASSES or run["loss"][-1] >= run["loss"][0]:
                found.append(f"{name}, seed {run['seed']}: not trained to the end")
            # Seeds differ by a point or two; the network of one seed does not leap ahead.
            if abs(run["test_accuracy"] - middle) > 0.08:
                found.append(f"{name}, seed {run['seed']}: far from the other seeds")
    return found


def test_the_record_is_what_the_chapter_says(record, script, settings):
    assert problems(record, script, settings) == []


def a_seed_less(record):
    record["runs"] = [run for run in record["runs"] if run["seed"]]


def a_run_twice(record):
    record["runs"][1] = record["runs"][0]


def another_rate(record):
    record["runs"][0]["learning_rate"] *= 2


def a_narrow_search(record):
    record["search"].pop()


def a_shorter_search(record):
    record["search"][0]["held_out_loss"].pop()


def half_a_training(record):
    record["runs"][-1]["loss"].pop()


def other_pictures(record):
    record["dataset"] = "patches"


def other_widths(record):
    record["settings"]["widths"]["conv2"] = 96


def a_better_number(record):
    record["runs"][3]["test_accuracy"] += 0.3


SPOILS = [
    a_seed_less,
    a_run_twice,
    another_rate,
    a_narrow_search,
    a_shorter_search,
    half_a_training,
    other_pictures,
    other_widths,
    a_better_number,
]


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
def test_a_spoilt_record_is_found(record, script, settings, spoil):
    spoilt = copy.deepcopy(record)
    spoil(spoilt)
    assert set(problems(spoilt, script, settings)) - set(problems(record, script, settings))


def table(script, name):
    """A network of the script as a table of layers with groups, dropout left out."""
    talks, widths = script.NETWORKS[name]["talks"], script.WIDTHS | script.NETWORKS[name]["widths"]
    specs = []
    for layer, width in widths.items():
        if layer in script.KERNELS:
            kernel = script.KERNELS[layer]
            groups = 1 if layer == "conv1" or layer in talks else 2
            specs.append(architecture.Conv(layer, width, kernel, padding=kernel // 2, groups=groups))
        else:
            specs.append(architecture.Dense(layer, width))
        if layer in ("conv1", "conv2"):
            specs.append(architecture.LRN(f"lrn{layer[-1]}", groups=2))
        if layer in ("conv1", "conv2", "conv5"):
            specs.append(architecture.Pool(f"pool{layer[-1]}", 3, 2))
    specs.append(architecture.Dense("fc8", 10, None))
    return architecture.Architecture(name, name, (32, 32, 3), specs, rounding="up", towers=2)


@pytest.mark.parametrize("name", ["as AlexNet", "everywhere"])
def test_the_towers_are_the_grouped_network(script, pictures, name):
    """With the halves of their weights side by side, two towers are the network that the table builds with groups."""
    net = table(script, name)
    grouped = model.build(net, preprocessing=data.normalization(pictures), seed=0, precision="float32")
    towers = script.built(name, pictures)
    for layer in grouped.layers:
        if not layer.trainable_weights:
            continue
        whole = layer.get_weights()
        if layer.name == "fc8":
            towers.get_layer("fc8").set_weights(whole)
            continue
        for tower, half in zip("ab", zip(*(np.split(w, 2, axis=-1) for w in whole), strict=True), strict=True):
            towers.get_layer(layer.name + tower).set_weights(_inputs_of_a_tower(half, layer.name, tower, towers))
    np.testing.assert_allclose(towers(pictures), grouped(pictures), rtol=1e-4, atol=1e-5)
    assert script.parameters(name) == net.parameters


def _inputs_of_a_tower(half, layer, tower, towers):
    """The same weights, in the order in which a tower of the script reads: for fc6 its own flattened maps first."""
    kernel, bias = half
    if layer == "fc6":
        # The table flattens all maps of a place together, the script one tower after the other.
        side = towers.get_layer("conv5a").output.shape[1] // 2
        both = kernel.reshape(side, side, 2, -1, kernel.shape[-1])
        kernel = np.moveaxis(both, 2, 0).reshape(kernel.shape)
    return [kernel, bias]


@pytest.mark.parametrize("name", ["no communication", "no communication, wider"])
def test_towers_that_do_not_talk_do_not_hear(script, pictures, name):
    """What is changed in one tower changes nothing in the other below the last layer, and something in its own."""
    towers = script.built(name, pictures)
    seen = keras.Model(towers.input, [towers.get_layer(f"fc7{tower}").output for tower in "ab"])
    before = [np.asarray(part) for part in seen(pictures)]
    kernel, bias = towers.get_layer("conv1b").get_weights()
    towers.get_layer("conv1b").set_weights([-kernel, bias])
    after = [np.asarray(part) for part in seen(pictures)]
    np.testing.assert_array_equal(after[0], before[0])
    assert np.abs(after[1] - before[1]).max() > 1e-3


def test_a_network_differs_from_alexnet_in_what_it_names(script):
    parameters = {name: script.parameters(name) for name in script.NETWORKS}
    assert parameters["no communication"] < parameters["no communication, wider"] < parameters["as AlexNet"]
    assert parameters["as AlexNet"] < parameters["everywhere"]


def test_networks_meet_the_same_pictures_and_rates_are_judged_by_others(script, monkeypatch):
    """For a seed all networks train on the same pictures; a search is tested on pictures that it does not see."""
    cifar = data.patches10(200, 20)
    seen = []

    class Stop(Exception):
        pass

    def note(name, rate, seed, passes, part):
        seen.append((seed, part))
        raise Stop

    monkeypatch.setattr(script.data, "cifar10", lambda: cifar)
    monkeypatch.setattr(script, "trained", note)
    for seed, name in ((0, "as AlexNet"), (0, "everywhere"), (1, "as AlexNet")):
        with pytest.raises(Stop):
            script.measure(name, 0.01, seed, 100, 1)
    with pytest.raises(Stop):
        script.search("as AlexNet", 0.01, 100, 50)
    (_, one), (_, same), (_, other), (searching, held) = seen
    np.testing.assert_array_equal(one.x_train, same.x_train)
    assert not np.array_equal(one.x_train, other.x_train) and len(one.x_train) == 100
    known = {picture.tobytes() for picture in cifar.x_train}
    inside, outside = ({picture.tobytes() for picture in part} for part in (held.x_train, held.x_test))
    assert searching == script.SEARCH_SEED and len(inside) == 100 and len(outside) == 50
    assert not inside & outside and inside | outside <= known


def test_the_rate_is_that_of_the_lowest_loss_at_the_end(script, monkeypatch):
    """A search keeps the losses on the pictures held out; the best rate is the lowest of those that came to an end."""
    monkeypatch.setattr(script.data, "cifar10", lambda: data.patches10(200, 20))
    losses = {0.005: [3.0, 2.0], 0.01: [4.0, 1.5], 0.02: [1.0, 1.8], 0.04: [1.0, 1.0]}

    def trained(name, rate, seed, passes, part):
        history = [{"test_loss": loss, "loss": 0.0} for loss in losses[rate]]
        return types.SimpleNamespace(history=history, stopped="nan" if rate == 0.04 else None)

    monkeypatch.setattr(script, "trained", trained)
    searched = [script.search("everywhere", rate, 100, 50) for rate in losses]
    assert [row["held_out_loss"] for row in searched] == list(losses.values())
    assert script.best_rate(searched, "everywhere") == 0.01


def test_it_runs(script, monkeypatch):
    """One training in small, on other pictures."""
    patches = data.patches10(200, 100)
    monkeypatch.setattr(script.data, "cifar10", lambda: patches)
    found = script.measure("as AlexNet", 0.01, 0, 100, 1)
    assert found["network"] == "as AlexNet" and 0 <= found["test_accuracy"] <= 1 and len(found["loss"]) == 1
    assert json.loads(json.dumps(found)) == found
