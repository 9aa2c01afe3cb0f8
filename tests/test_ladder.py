"""The ladder: each rung one change, networks that build, and a record that bears out what was kept."""

import dataclasses
import json

import pytest

from alexnet import data, ladder, training

RUNGS = ladder.RUNGS


def _changes(below, rung):
    mine, other = rung.settings(), below.settings()
    changed = [key for part in ("shape", "recipe") for key in mine[part] if mine[part][key] != other[part][key]]
    return changed + ["versions"] * (mine["versions"] != other["versions"])


def test_each_rung_is_the_last_kept_one_with_a_change():
    assert len({rung.name for rung in RUNGS}) == len(RUNGS)
    for at, rung in enumerate(RUNGS[1:], start=1):
        below = next(r for r in reversed(RUNGS[:at]) if r.kept)
        assert 1 <= len(_changes(below, rung)) <= 3, rung.name


@pytest.mark.parametrize("rung", RUNGS, ids=lambda rung: rung.name)
def test_every_rung_trains(rung):
    patches = data.patches10(100, 50)
    recipe = dataclasses.replace(rung.recipe, epochs=1, batch_size=50)
    run = training.train(rung.network, patches, recipe, progress=False)
    assert run.stopped is None
    assert run.network["parameters"] - rung.network.parameters == sum(
        2 * row.output_shape[-1] for row in rung.network if row.kind == "batch_norm"
    ), "the table counts what is trained; the model also keeps the running means and variances"


def test_what_else_is_measured_has_a_name_of_its_own():
    names = [rung.name for rung in [*RUNGS, *ladder.ASIDES]]
    assert len(set(names)) == len(names) and {rung.name for rung in ladder.TIMED} <= set(names)
    steps = {rung.recipe.epochs * (50_000 // rung.recipe.batch_size) for rung in [RUNGS[-1], *ladder.LENGTHS[-2:]]}
    assert max(steps) - min(steps) <= 6, "the long trainings make as many steps as three passes"


@pytest.fixture(scope="module")
def record():
    return {row["name"]: row for row in training.record("ladder")["rows"]}


def test_the_record_is_of_these_rungs(record):
    for rung in [*RUNGS, *ladder.ASIDES]:
        row = record[rung.name]
        assert row["settings"] == json.loads(json.dumps(rung.settings())), f"{rung.name}: measure it again"
        assert (row["parameters"], row["macs"]) == (rung.network.parameters, rung.network.macs)
        assert len(row["runs"]) >= (3 if rung in RUNGS else 1), rung.name
        assert all(run["device"] and run["date"] for run in row["runs"]), "each run says where and when"


def test_what_was_kept_paid(record):
    speed = training.record("bench")["results"]["rungs"]["result"]

    def accuracies(rung):
        return [run[rung.judged] for run in record[rung.name]["runs"]]

    for at, rung in enumerate(RUNGS[1:], start=1):
        below = next(r for r in reversed(RUNGS[:at]) if r.kept)
        if rung.year <= 2012:
            assert rung.kept, "AlexNet's own ingredients stay"
            continue
        paired = rung.versions != below.versions
        gain, luck = ladder.gain(accuracies(rung), accuracies(below), paired)
        fewer = rung.network.training_operations < 0.9 * below.network.training_operations
        faster = speed[rung.name]["median"] > speed[below.name]["median"] / 0.9
        assert (gain > luck or ((fewer or faster) and gain > -luck)) == rung.kept, (rung.name, gain, luck)
