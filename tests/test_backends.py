"""One code on three Keras backends: the same counts, the same numbers, and a training that learns."""

import importlib.util
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from alexnet.architecture import PRESETS
from conftest import missing

HERE = Path(__file__).parent


@cache
def computed(backend):
    """The numbers of one backend, computed in its own process (Keras fixes its backend when it is imported)."""
    environment = os.environ | {"KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, HERE / "backend_run.py"], env=environment, capture_output=True, text=True, cwd=HERE
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.fixture(params=["jax", "torch"])
def other(request):
    if importlib.util.find_spec(request.param) is None:
        missing(f"{request.param} (pip install '.[backends]')")
    return computed(request.param)


def test_numbers_agree_with_tensorflow(other):
    reference = computed("tensorflow")
    assert other["parameters"] == reference["parameters"]
    for name in ("lrn", "lrn as in the code", "spatial"):
        np.testing.assert_allclose(other[name], reference[name], rtol=2e-5, err_msg=name)
    logits = np.array(reference["logits"])
    np.testing.assert_allclose(other["logits"], logits, atol=1e-4 * np.abs(logits).max())


def test_pictures_are_changed_alike(other):
    assert other["windows are windows"] == [True, True]
    assert other["noise is one colour"]


def test_counts_are_those_of_the_table(other):
    assert other["parameters"] == {name: net.replace(classes=10).parameters for name, net in PRESETS.items()}


@pytest.mark.parametrize("recipe", ["losses of 20 steps", "losses with today's tricks"])
def test_twenty_steps_learn(other, recipe):
    first, second = other[recipe]
    assert second < first < 4 and other["environment"].startswith(other["backend"])


def test_lrn_as_in_the_code_is_torchs():
    if importlib.util.find_spec("torch") is None:
        missing("torch (pip install '.[backends]')")
    numbers = computed("torch")
    np.testing.assert_allclose(numbers["lrn as in the code"], numbers["torch's own LRN"], rtol=2e-5)
