"""The benchmarks: contestants that answer, all with the same network, and a record that says what was measured."""

import importlib.util
import sys

import keras
import numpy as np
import pytest

from alexnet import architecture, ladder, training
from conftest import ROOT, missing

sys.path.insert(0, str(ROOT / "benchmarks"))

import bench
import copied_script


def test_the_copied_script_is_as_described():
    network = copied_script.network()
    assert network.count_params() == architecture.PRESETS["cifar10"].parameters
    x, y = copied_script.prepare(np.zeros((2, 32, 32, 3), "uint8"), [0, 1])
    assert x.dtype == "float64" and y.shape == (2, 10)
    assert type(network.optimizer) is keras.optimizers.Adam


@pytest.mark.parametrize("name", bench.CONTESTANTS)
def test_contestants_answer(name):
    kind, backend, package = bench.CONTESTANTS[name]
    if importlib.util.find_spec(package) is None:
        missing(f"{package} (pip install '.[backends]')")
    contestant = bench.Contestant(kind, backend, pictures=128)
    answers = [contestant.round() for _ in range(2)]
    assert all(answer["pictures"] == 128 and answer["seconds"] > 0 for answer in answers)
    assert answers[0]["precision"] in ("float32", "bfloat16")
    assert contestant.end() > 1e8, "bytes, not kilobytes"
    assert contestant.process.returncode == 0


def test_the_race_is_of_the_last_rung_with_its_own_network():
    contestant = bench.Contestant("top", pictures=128)
    answer = contestant.round()
    assert answer["pictures"] == 128 and answer["seconds"] > 0
    contestant.end()
    assert training.record("bench")["results"]["race"]["result"]["rung"] == ladder.RUNGS[-1].name


def test_the_record_is_of_these_rungs_and_contestants():
    results = training.record("bench")["results"]
    assert set(results["steps"]["result"]["rows"]) == set(bench.CONTESTANTS)
    assert {rung.name for rung in ladder.TIMED} == set(results["rungs"]["result"])
    for row in results["steps"]["result"]["rows"].values():
        assert 0 < row["share_of_peak"] < 1 and row["ratio"]["low"] <= row["ratio"]["median"] <= row["ratio"]["high"]
