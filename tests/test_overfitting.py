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
    # The measurement can be stopped and continued; without both ends it says nothing.
    least = {(name, size, 0) for name in script.VARIANTS for size in (min(script.SIZES), max(script.SIZES))}
    runs = [(run["variant"], run["pictures"], run["seed"]) for run in record["runs"]]
    if least - set(runs) or len(set(runs)) < len(runs):
        found.append(f"{len(least - set(runs))} runs are missing, or one is there twice")
    for run in record["runs"]:
        name = f"{run['variant']}, {run['pictures']} pictures, seed {run['seed']}"
        if run["passes"] * run["pictures"] != script.STEPS * record["settings"]["batch_size"]:
            found.append(f"{name}: not the same number of steps")
        if run["learning_rate"] != script.rate(run["variant"]):
            found.append(f"{name}: not at the rate of the search")
        if run["stopped"] or len(run["loss"]) != run["passes"] or run["loss"][-1] >= run["loss"][0]:
            found.append(f"{name}: not trained to the end")
        # Without dropout and augmentation the loss of the last pass is of the same pictures, seen in the same way.
        if run["variant"].endswith("no dropout") and run["loss"][-1] < 0.05 and run["train_accuracy"] < 0.98:
            found.append(f"{name}: the training accuracy is not that of the loss")
        if run["test_accuracy"] > run["train_accuracy"] + 4 * 0.5 / np.sqrt(script.WATCHED):
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


def half_a_training(record):
    record["runs"][-1]["loss"].pop()


def other_pictures(record):
    record["dataset"] = "patches"


def another_network(record):
    record["settings"]["parameters"] += 1


def a_better_test(record):
    record["runs"][-1]["test_accuracy"] = record["runs"][-1]["train_accuracy"] + 0.1


def a_smaller_gap(record):
    record["runs"][0]["train_accuracy"] = record["runs"][0]["test_accuracy"]


SPOILS = [
    no_large_end,
    a_run_twice,
    another_rate,
    more_passes,
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


def test_all_sizes_get_whole_passes_of_the_same_number_of_steps(script):
    batch = script.ablations.RECIPE.batch_size
    assert {script.passes(size) * (size // batch) for size in script.SIZES} == {script.STEPS}


def test_it_runs(script, monkeypatch):
    """One training in small, on other pictures."""
    patches = data.patches10(400, 100)
    monkeypatch.setattr(script.data, "cifar10", lambda: patches)
    monkeypatch.setattr(script, "STEPS", 8)
    found = script.measure("no augmentation, no dropout", 200, 0)
    assert found["passes"] == len(found["loss"]) == 2
    assert 0 <= found["train_accuracy"] <= 1 and 0 <= found["test_accuracy"] <= 1
    assert json.loads(json.dumps(found)) == found
