"""How far the copied script comes: the record is of that script, whole, and the ladder is as much sooner as is said."""

import copy

import pytest

from alexnet import architecture, ladder, training
from conftest import experiment


@pytest.fixture(scope="module")
def script():
    return experiment("copied_script_accuracy")


@pytest.fixture
def record():
    return training.record("copied-script")


def problems(record, script):
    """A sentence for everything in the record that is not as the script and the chapter say."""
    found = []
    settings = {
        "batch_size": script.copied_script.BATCH_SIZE,
        "epochs": script.copied_script.EPOCHS,
        "macs": architecture.PRESETS["cifar10"].macs,
        "train": 50_000,
        "look": script.LOOK,
    }
    if {name: record[name] for name in settings} != settings:
        found.append("the record is of other settings")
    if sorted(row["seed"] for row in record["looks"]) != list(script.SEEDS):
        found.append("a seed was not looked at, or twice")
    runs = {run["seed"]: run for run in record["runs"]}
    for row in record["looks"]:
        run = runs.get(row["seed"], {"stopped": None, "history": []})
        learns = row["accuracy"] >= script.GUESSING
        if learns and run["stopped"]:
            found.append(f"seed {row['seed']} learns and was stopped")
        if not learns and any(one["accuracy"] >= script.GUESSING for one in run["history"]):
            found.append(f"seed {row['seed']} guessed at first and learned later")
    if not any(len(run["history"]) == record["epochs"] for run in record["runs"]):
        found.append("no seed was trained to its end")
    for run in record["runs"]:
        if [one["epoch"] for one in run["history"]] != list(range(1, len(run["history"]) + 1)):
            found.append(f"seed {run['seed']} misses a pass")
    return found


def test_the_record_is_what_the_chapter_says(record, script):
    assert problems(record, script) == []


def another_network(record):
    record["macs"] += 1


def a_seed_left_out(record):
    del record["looks"][2]


def ended_early(record):
    max(record["runs"], key=lambda run: len(run["history"]))["history"].pop()


def a_learner_stopped(record):
    max(record["runs"], key=lambda run: len(run["history"]))["stopped"] = "too slow"


def a_late_learner(record):
    next(run for run in record["runs"] if run["stopped"])["history"][-1]["accuracy"] = 0.3


def a_pass_made_twice(record):
    history = max(record["runs"], key=lambda run: len(run["history"]))["history"]
    history[3] = history[2]


SPOILS = (another_network, a_seed_left_out, ended_early, a_learner_stopped, a_late_learner, a_pass_made_twice)


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
def test_a_spoilt_record_is_found(record, script, spoil):
    spoilt = copy.deepcopy(record)
    spoil(spoilt)
    assert set(problems(spoilt, script)) - set(problems(record, script))


def test_the_ladder_is_twenty_times_sooner_at_the_least(record):
    """Where the script's best seed is at its best, the ladder's top is after one pass, in a twentieth of the time."""
    best = max((row for run in record["runs"] for row in run["history"]), key=lambda row: row["test_accuracy"])
    one_pass = next(rung for rung in ladder.LENGTHS if rung.recipe.epochs == 1)
    rows = {row["name"]: row for row in training.record("ladder")["rows"]}
    assert all(run["plain"] > best["test_accuracy"] for run in rows[one_pass.name]["runs"])
    bench = {part: found["result"] for part, found in training.record("bench")["results"].items()}
    # The race is of the last rung, of which this is a shorter training.
    assert bench["race"]["rung"] == ladder.RUNGS[-1].name
    assert one_pass.recipe.batch_size == ladder.RUNGS[-1].recipe.batch_size
    race = bench["race"]["pictures_per_second"]
    fastest = max(race["copied script"] + bench["steps"]["rows"]["copied script"]["pictures_per_second"])
    assert best["epoch"] * min(race["ladder"]) / fastest >= 20
