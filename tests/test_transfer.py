"""A trained network for another task: the record is whole and the script's, and one of its cells comes out again."""

import copy

import numpy as np
import pytest

from alexnet import data, model, probing, training
from conftest import experiment


@pytest.fixture
def script():
    return experiment("transfer")


@pytest.fixture
def record():
    return training.record("transfer")


def problems(record, script):
    """A sentence for everything in the record that is not as the script and the chapter say."""
    found = []
    if record["settings"] != script.chosen_settings():
        found.append("the record is of other settings")
    if set(record["tasks"]) != set(script.TASKS):
        found.append("the record is of other tasks")
    for task in script.TASKS:
        for features in (script.PIXELS, *script.LAYERS):
            for examples in script.EXAMPLES:
                what = f"{task}, {features}, {examples}"
                key = {"task": task, "features": features, "examples": examples}
                rows = [row for row in record["linear"] if row.items() >= key.items()]
                draws = [row["draw"] for row in rows]
                if len(set(draws)) < 5 or len(draws) != len(set(draws)):
                    found.append(f"{what}: there are not five draws, each once")
                if script.SEARCH_DRAW in draws:
                    found.append(f"{what}: a draw that is compared has chosen the penalty")
                searched = [row["accuracy"] for row in record["penalties"] if row.items() >= key.items()]
                if len(searched) != 1 or {row["penalty"] for row in rows} != {script.best(searched[0])}:
                    found.append(f"{what}: not with the best penalty of its search")
                whole = [row["accuracy"] * record["tasks"][task]["test"] for row in rows]
                if any(abs(count - round(count)) > 0.06 for count in whole):
                    found.append(f"{what}: an accuracy is no share of the test pictures")
    return found


def test_the_record_is_what_the_chapter_says(record, script):
    assert problems(record, script) == []


def four_draws(record):
    record["linear"] = [row for row in record["linear"] if row["draw"] < 4]


def another_penalty(record):
    record["linear"][0]["penalty"] *= 10


def no_share(record):
    record["linear"][7]["accuracy"] += 0.0005


def other_examples(record):
    record["settings"]["examples"][0] += 1


def a_layer_less(record):
    record["linear"] = [row for row in record["linear"] if row["features"] != "fc6"]


SPOILS = [four_draws, another_penalty, no_share, other_examples, a_layer_less]


@pytest.mark.parametrize("spoil", SPOILS)
def test_a_spoilt_record_is_found(record, script, spoil):
    spoilt = copy.deepcopy(record)
    spoil(spoilt)
    assert problems(spoilt, script)


def test_a_draw_is_of_equally_many_of_each_class(script):
    digits = data.digits32()
    chosen, others = script.drawn(digits, 10, 0)
    assert (np.bincount(digits.y_train[chosen]) == 10).all() and not set(chosen) & set(others)
    assert sorted([*chosen, *others]) == list(range(len(digits.y_train)))
    assert set(chosen) != set(script.drawn(digits, 10, 1)[0])


def test_a_cell_of_the_record_comes_out_again(record, script):
    """Logistic regression on conv3's features of ten examples of each digit, from the pictures on."""
    digits = data.digits32()
    chosen, _ = script.drawn(digits, 10, 0)
    network, features = model.pretrained(script.NETWORK), []
    for pictures in (digits.x_train[chosen], digits.x_test):
        features.append(probing.features(network, pictures.astype("float32"), ["conv3"])["conv3"])
    key = {"task": "digits32", "features": "conv3", "examples": 10, "draw": 0}
    (row,) = [row for row in record["linear"] if row.items() >= key.items()]
    train, test = script.scaled(*features)
    right = script.fitted(train, digits.y_train[chosen], row["penalty"]).predict(test) == digits.y_test
    assert right.mean() == pytest.approx(row["accuracy"], abs=0.011), "of 500 pictures five may differ"


def test_scaled_rows_have_length_one_and_no_mean(script):
    rows = np.random.default_rng(0).normal(3, 5, (40, 7))
    train, test = script.scaled(rows, rows[:4] + 1)
    assert np.abs(train.mean(0)).max() < 1e-6 and np.linalg.norm(train, axis=1).mean() == pytest.approx(1, rel=1e-5)
    shift = 1 / np.linalg.norm(rows - rows.mean(0), axis=1).mean()
    assert test - train[:4] == pytest.approx(np.full((4, 7), shift), rel=1e-4)
