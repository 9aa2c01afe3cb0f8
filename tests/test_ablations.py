"""What each ingredient is worth: the record is of the script's networks and rates, whole, and its variants differ."""

import copy
import json

import keras
import numpy as np
import pytest

from alexnet import data, training
from conftest import experiment


@pytest.fixture
def script():
    return experiment("ablations")


@pytest.fixture
def record():
    return training.record("ablations")


def problems(record, script):
    """A sentence for everything in the record that is not as the script and the chapters say."""
    found = []
    if record["settings"] != script.chosen_settings(script.PICTURES, script.PASSES):
        found.append("the record is of other settings")
    for name in script.VARIANTS:
        runs = [run for run in record["runs"] if run["variant"] == name]
        seeds = [run["seed"] for run in runs]
        if len(set(seeds)) < 3 or len(set(seeds)) != len(seeds):
            found.append(f"{name}: there are not three seeds, each once")
        if script.SEARCH_SEED in seeds:
            found.append(f"{name}: a seed that is compared has chosen the rate")
        searched = {
            row["learning_rate"]: row["loss"][-1]
            for row in record["search"]
            if row["variant"] == name and not row["stopped"]
        }
        best = min(searched, key=searched.get)
        if len(searched) < 4 or best in (min(searched), max(searched)):
            found.append(f"{name}: the best rate of its search is at the edge")
        for run in runs:
            if run["learning_rate"] != best:
                found.append(f"{name}, seed {run['seed']}: not at the best rate of its search")
            if run["stopped"] or len(run["curve"]) != script.PASSES:
                found.append(f"{name}, seed {run['seed']}: not trained to the end")
            # The curve ends on some of the test pictures: the same accuracy, as near as their number allows.
            if abs(run["curve"][-1]["test_accuracy"] - run["test_accuracy"]) > 4 * 0.5 / np.sqrt(script.WATCHED):
                found.append(f"{name}, seed {run['seed']}: the accuracy is not that of the curve's end")
    return found


def test_the_record_is_what_the_chapters_say(record, script):
    assert problems(record, script) == []


def two_seeds(record):
    record["runs"] = [run for run in record["runs"] if run["seed"] < 2]


def another_rate(record):
    record["runs"][0]["learning_rate"] *= 2


def an_edge(record):
    record["search"] = [row for row in record["search"] if row["learning_rate"] < 0.015]


def half_a_training(record):
    record["runs"][-1]["curve"].pop()


def other_pictures(record):
    record["settings"]["pictures"] = 50_000


def a_better_number(record):
    record["runs"][3]["test_accuracy"] += 0.2


@pytest.mark.parametrize("spoil", [two_seeds, another_rate, an_edge, half_a_training, other_pictures, a_better_number])
def test_a_spoilt_record_is_found(record, script, spoil):
    spoilt = copy.deepcopy(record)
    spoil(spoilt)
    assert problems(spoilt, script)


def test_a_variant_changes_what_it_names(script):
    rows = {name: [row.kind for row in script.network(name)] for name in script.VARIANTS}
    assert rows["all"].count("lrn") == 2 and rows["all"].count("dropout") == 2
    for name in script.VARIANTS:
        dropped = [kind for kind in rows["all"] if kind != "dropout"]
        assert rows[name] == (dropped if "no dropout" in name else rows["all"])


def test_pictures_are_changed_as_a_variant_says(script):
    pictures = np.random.default_rng(0).integers(0, 256, (64, 32, 32, 3), dtype="uint8")
    middles = pictures[:, 2:30, 2:30]

    def seen(name):
        whole, inner = script.built(name, 0, pictures)
        front = whole.layers[whole.layers.index(inner) - 1].output
        return np.asarray(keras.Model(whole.input, front)(pictures, training=True))

    for name in ("no augmentation", "no augmentation, no dropout"):
        np.testing.assert_array_equal(seen(name), middles)
    for name in ("all", "no dropout"):
        drawn = seen(name)
        found = [
            {
                (r, c, flip)
                for r in range(5)
                for c in range(5)
                for flip in (1, -1)
                if np.array_equal(one, whole[r : r + 28, c : c + 28][:, ::flip])
            }
            for one, whole in zip(drawn, pictures, strict=True)
        ]
        assert all(len(view) == 1 for view in found) and len(set.union(*found)) > 25, "of 50"
    noise = seen("colour noise") - seen("all")
    np.testing.assert_allclose(np.ptp(noise, axis=(1, 2)), 0, atol=1e-3)
    assert noise[:, 0, 0].std() > 1


def test_it_runs(script, monkeypatch):
    """One training and one search in small, on other pictures."""
    patches = data.patches10(400, 100)
    monkeypatch.setattr(script.data, "cifar10", lambda: patches)
    monkeypatch.setattr(script, "WATCHED", 100)
    found = script.measure("colour noise", 0.01, 0, 200, 1)
    assert found["variant"] == "colour noise" and 0 <= found["ten_crops"] <= 1 and len(found["curve"]) == 1
    assert json.loads(json.dumps(found)) == found
    searched = script.search("all", 0.01, 200)
    assert len(searched["loss"]) == script.SEARCH_PASSES and searched["loss"][-1] < searched["loss"][0]
