"""Train and test accuracy against the number of pictures: the record is the script's, whole, and of the right rates."""

import copy
import json

import numpy as np
import pytest

from alexnet import data, training
from conftest import ROOT, experiment


@pytest.fixture
def script(monkeypatch):
    # Its network is that of another experiment, which it imports as its neighbour.
    monkeypatch.syspath_prepend(str(ROOT / "experiments"))
    return experiment("overfitting")


@pytest.fixture
def record():
    return training.record("overfitting")


def problems(record, script):
    """A sentence for everything in the record that is not as the script and the chapter say."""
    found = []
    if record["settings"] != script.chosen_settings():
        found.append("the record is of other settings")
    if "CIFAR-10" not in record["dataset"]:
        found.append("the pictures are not those of CIFAR-10")
    # A measurement that was stopped goes on; the chapter needs the whole table, and three seeds for its intervals.
    table = {(*place, seed) for place in script.PLACES for seed in range(script.SEEDS)}
    runs = [(run["pictures"], run["passes"], run["seed"]) for run in record["runs"]]
    if table - set(runs) or len(set(runs)) < len(runs):
        found.append(f"{len(table - set(runs))} runs are missing, or one is there twice")
    for run in record["runs"]:
        name = f"{run['pictures']} pictures, {run['passes']} passes, seed {run['seed']}"
        if [run["pictures"], run["passes"]] not in record["settings"]["places"] or run["variant"] != script.VARIANT:
            found.append(f"{name}: not a place of the table")
        if run["passes"] * run["pictures"] != run["steps"] * record["settings"]["batch_size"]:
            found.append(f"{name}: not as many steps as it says")
        if run["learning_rate"] != script.rate():
            found.append(f"{name}: not at the rate of the search")
        if run["stopped"] or len(run["loss"]) != run["passes"] or run["loss"][-1] >= run["loss"][0]:
            found.append(f"{name}: not trained to the end")
        # The loss of the last pass is of the same pictures, seen in the same way, without dropout; a picture that is
        # classified wrongly has a loss of ln 2 at least.
        if run["train_accuracy"] < 1 - run["loss"][-1] / np.log(2) - 0.02:
            found.append(f"{name}: the training accuracy is not that of the loss")
        # Four standard errors of the difference of two shares, at most.
        luck = 4 * 0.5 * np.sqrt(1 / min(script.WATCHED, run["pictures"]) + 1 / script.TESTED)
        if max(run["test_accuracy"], run["ten_crops"]) > run["train_accuracy"] + luck:
            found.append(f"{name}: better on the test than in training")
    return found


def test_the_record_is_what_the_chapter_says(record, script):
    assert problems(record, script) == []


def no_large_end(record):
    record["runs"] = [run for run in record["runs"] if run["pictures"] < 8000]


def a_run_twice(record):
    record["runs"][1] = record["runs"][0]


def another_rate(record):
    record["runs"][0]["learning_rate"] *= 2


def more_passes(record):
    record["runs"][0]["passes"] *= 2


def fewer_seeds(record):
    record["runs"] = [run for run in record["runs"] if run["seed"] < 2]


def half_a_training(record):
    record["runs"][-1]["loss"].pop()


def other_pictures(record):
    record["dataset"] = "patches"


def another_network(record):
    record["settings"]["parameters"] += 1


def a_better_test(record):
    record["runs"][-1]["test_accuracy"] = record["runs"][-1]["train_accuracy"] + 0.1


def a_smaller_gap(record):
    run = min(record["runs"], key=lambda run: run["loss"][-1])
    run["train_accuracy"] = run["test_accuracy"]


SPOILS = [
    no_large_end,
    a_run_twice,
    another_rate,
    more_passes,
    fewer_seeds,
    half_a_training,
    other_pictures,
    another_network,
    a_better_test,
    a_smaller_gap,
]


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
def test_a_spoilt_record_is_found(record, script, spoil):
    spoilt = copy.deepcopy(record)
    spoil(spoilt)
    assert set(problems(spoilt, script)) - set(problems(record, script))


def test_the_table_crosses_pictures_and_passes(script):
    batch = script.ablations.RECIPE.batch_size
    table = script.PLACES
    assert set(table) == {(n, p) for n in script.SIZES for p in script.PASSES} - set(script.LEFT_OUT)
    steps = {place: place[0] * place[1] / batch for place in table}
    assert all(count == int(count) for count in steps.values())
    # On the diagonals the steps are equal; without that, pictures and passes could not be told apart.
    assert sorted(steps.values()) == sorted([80.0] * 2 + [320.0] * 3 + [1280.0] * 2)


def test_it_runs(script, monkeypatch):
    """One training in small, on other pictures."""
    patches = data.patches10(400, 100)
    monkeypatch.setattr(script.data, "cifar10", lambda: patches)
    found = script.measure(200, 2, 0)
    assert found["passes"] == len(found["loss"]) == 2 and found["steps"] == 8
    assert all(0 <= found[key] <= 1 for key in ("train_accuracy", "test_accuracy", "ten_crops"))
    assert json.loads(json.dumps(found)) == found
