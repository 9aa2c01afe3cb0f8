"""Figure 1 made again: the record is of the script's network and recipes, and its passes follow from its curves."""

import copy
import dataclasses
import json

import numpy as np
import pytest

from alexnet import data, training
from conftest import experiment


@pytest.fixture(scope="module")
def script():
    return experiment("figure_one")


@pytest.fixture
def record():
    return training.record("figure-one")


def problems(record, script):
    """A sentence for everything in the record that is not as the script and the chapter say."""
    found = []
    if record["settings"] != script.chosen_settings():
        found.append("the record is of other settings")
    if [(part["start"], part["pictures"]) for part in record["parts"]] != list(script.PARTS):
        found.append("the parts are not those of the script's plan")
    for part in record["parts"]:
        if min(_seeds(part, "relu"), _seeds(part, "tanh")) < 3:
            what = f"{part['start']}, {part['pictures']}"
            found.append(f"there are not three seeds of both functions: {what}")
        for activation in ("relu", "tanh"):
            found += _search_problems(part, activation, record["settings"])
            for run in _of(part["runs"], activation):
                found += _run_problems(run, part["rates"][activation], record["settings"])
    return found


def _of(runs, activation):
    return [run for run in runs if run["activation"] == activation]


def _seeds(part, activation):
    return len({run["seed"] for run in _of(part["runs"], activation)})


def _search_problems(part, activation, settings):
    searched = sorted(_of(part["search"], activation), key=lambda run: run["learning_rate"])
    rates = [run["learning_rate"] for run in searched]
    chosen = part["rates"][activation]
    if len(rates) < 4 or not np.allclose(np.divide(rates[1:], rates[:-1]), 2):
        yield f"{activation}: the rates tried, {rates}, are not four or more that double"
    if not rates[0] < chosen < rates[-1]:
        yield f"{activation}: the chosen rate {chosen} is at the edge of the grid"
    readings = settings["readings_a_pass"]
    last = {r["learning_rate"]: np.mean(r["errors"][-readings:]) for r in searched if not r["stopped"]}
    if min(last, key=last.get) != chosen:
        yield f"{activation}: the chosen rate {chosen} is not the best of its search"
    if {run["seed"] for run in searched} & {run["seed"] for run in part["runs"]}:
        yield f"{activation}: a seed that is compared has chosen the rate"
    if any(len(r["errors"]) != readings * settings["search_passes"] for r in searched if not r["stopped"]):
        yield f"{activation}: a search of another length"


def _run_problems(run, rate, settings):
    what = f"{run['activation']}, seed {run['seed']}"
    readings, goal = settings["readings_a_pass"], settings["goal"]
    if run["learning_rate"] != rate:
        yield f"{what}: not at the chosen rate"
    if run["stopped"] or len(run["errors"]) != readings * len(run["probe"]):
        yield f"{what}: not trained to the end of a pass"
        return
    ends = np.arange(readings, len(run["errors"]) + 1) / readings
    means = np.convolve(run["errors"], np.full(readings, 1 / readings), "valid")
    tested = [0.9, *run["probe"]]  # before the first step the network guesses
    for name, x, y in (("passes", ends, means), ("passes_probe", np.arange(len(tested)), tested)):
        at = run[name]
        if at is None or not np.isclose(np.interp(at, x, y), goal, atol=1e-4):
            yield f"{what}: the curve is not at the goal after {at} {name}"
        elif any(np.asarray(y)[x < at] <= goal):
            yield f"{what}: the curve was at the goal before {at} {name}"


def test_the_record_is_what_the_chapter_says(record, script):
    assert problems(record, script) == []


def another_network(record):
    record["settings"]["networks"]["relu"]["layers"][1]["kernel"] = 3


def another_recipe(record):
    record["settings"]["recipe"]["weight_decay"] = 0.0005


def two_seeds(record):
    for part in record["parts"]:
        part["runs"] = [run for run in part["runs"] if run["seed"] < 2]


def worse_rate(record):
    for part in record["parts"]:
        part["rates"]["relu"] *= 2
        for run in _of(part["runs"], "relu"):
            run["learning_rate"] *= 2


def edge(record):
    for part in record["parts"]:
        part["search"] = [r for r in part["search"] if r["learning_rate"] <= part["rates"][r["activation"]]]


def other_rate(record):
    record["parts"][0]["runs"][0]["learning_rate"] *= 1.5


def rounded_passes(record):
    run = record["parts"][0]["runs"][0]
    run["passes"] = round(run["passes"] + 0.5, 1)


def second_crossing(record):
    record["parts"][0]["runs"][0]["errors"][0:3] = [0.2, 0.2, 0.2]


def two_seeds_of_one_part(record):
    record["parts"][-1]["runs"] = [run for run in record["parts"][-1]["runs"] if run["seed"] < 2]


def half_made_part(record):
    record["parts"].append(record["parts"][0] | {"pictures": 5000, "runs": []})


SPOILS = {
    half_made_part: "script's plan",
    two_seeds_of_one_part: "three seeds of both functions: today, 50000",
    another_network: "other settings",
    another_recipe: "other settings",
    two_seeds: "three seeds",
    worse_rate: "not the best",
    edge: "at the edge",
    other_rate: "not at the chosen rate",
    rounded_passes: "not at the goal",
    second_crossing: "was at the goal before",
}


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
def test_a_spoilt_record_is_found(record, script, spoil):
    spoilt = copy.deepcopy(record)
    spoil(spoilt)
    assert any(SPOILS[spoil] in problem for problem in problems(spoilt, script))


def test_the_crossing_is_the_first_and_lies_on_a_straight_line(script):
    assert script.crossing([(1, 0.5), (2, 0.3), (3, 0.2), (4, 0.3), (5, 0.1)]) == pytest.approx(2.5)
    assert script.crossing([(1, 0.5), (2, 0.26)]) is None
    assert script.pass_means([0.9, 0.6, 0.3, 0.0]) == [(1.0, pytest.approx(0.6)), (pytest.approx(4 / 3), 0.3)]


def test_a_best_rate_at_the_edge_is_searched_further_and_nothing_else_starts(script):
    def tried(activation, rate, error):
        return {"activation": activation, "learning_rate": rate, "errors": [error] * 3, "stopped": None, "seed": 1000}

    part, rates = {"start": "today", "search": [], "runs": []}, script.STARTS["today"]["rates"]
    assert {job[1][1] for job in script.missing(part, 3)} == set(rates)
    for at, rate in enumerate(rates):
        part["search"] += [tried("relu", rate, 0.5 + 0.01 * at), tried("tanh", rate, 0.5 - 0.1 * (at == 1))]
    jobs = script.missing(part, 3)
    assert [job[1][:2] for job in jobs if job[0] == "search"] == [("relu", rates[0] / 2)]
    assert [job[1][:3] for job in jobs if job[0] == "runs"] == [("tanh", rates[1], seed) for seed in range(3)]


def test_an_attempt_gives_its_readings(script, monkeypatch):
    patches = data.patches10(400, 50)
    monkeypatch.setattr(script.data, "cifar10", lambda: patches)
    runs = [script.attempt("today", 400, "tanh", 0.01, seed=0, passes=2) for _ in range(2)]
    assert len(runs[0]["errors"]) == 2 * script.PER_PASS and len(runs[0]["probe"]) == 2
    assert all(0 <= error <= 1 for error in runs[0]["errors"] + runs[0]["probe"])
    assert np.allclose(runs[0]["errors"], runs[1]["errors"], atol=0.02), "the seed decides"
    exploded = script.attempt("2012", 400, "relu", 1e6, seed=0, passes=2)
    assert exploded["stopped"] and exploded["passes"] is None


@pytest.mark.parametrize("start", ["today", "2012"])
def test_both_functions_start_from_the_same_weights(script, start):
    from alexnet import model

    weights = script.STARTS[start]["weights"]
    relu, tanh = (model.build(script.network(activation, weights), seed=0) for activation in script.ACTIVATIONS)
    assert all(np.array_equal(a, b) for a, b in zip(relu.get_weights(), tanh.get_weights(), strict=True))
    layers = [[layer.__class__.__name__ for layer in net.layers] for net in (relu, tanh)]
    assert layers[0] == layers[1]
    recipe = dataclasses.asdict(script.RECIPE)
    assert not any(recipe[part] for part in ("weight_decay", "flip", "shift", "cutout", "label_smoothing"))
    assert json.loads(json.dumps(recipe)) == script.chosen_settings()["recipe"]
