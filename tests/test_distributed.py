"""Several devices and several processes train as one does; a killed worker is noticed, and the training goes on."""

import dataclasses
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from alexnet import distributed
from conftest import missing
from distributed_run import outcome

HERE = Path(__file__).parent
PLAIN, NOISY = {"noise": False}, {"noise": True}
SMOOTH = {"units": 24, "recipe_changes": {"label_smoothing": 0.2, "optimizer": "adam", "learning_rate": 0.002}}


def started(trainings, **variables):
    """A process that trains on one thread: with several, the order of sums depends on the load."""
    threads = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    environment = os.environ | threads | {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"} | variables
    return subprocess.Popen(
        [sys.executable, HERE / "distributed_run.py", json.dumps(trainings)],
        env=environment,
        cwd=HERE,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def ended(*processes, timeout=600):
    """(exit status, what was printed, its errors) of each; none outlives the call."""
    try:
        return [(process, *process.communicate(timeout=timeout)) for process in processes]
    finally:
        for process in processes:
            process.kill()


def results(*processes):
    """What each process printed."""
    found = []
    for process, out, err in ended(*processes):
        assert process.returncode == 0, err[-3000:]
        found.append(json.loads(out.splitlines()[-1]))
    return found


def workers(*trainings):
    """Started processes, one for each list of trainings, which know each other by TF_CONFIG."""
    configs = distributed.loopback(len(trainings))
    return [started(mine, TF_CONFIG=config) for mine, config in zip(trainings, configs, strict=True)]


def same(one, other, exactly=False):
    compare = np.testing.assert_array_equal if exactly else np.testing.assert_allclose
    tolerance = {} if exactly else {"rtol": 1e-5, "atol": 1e-5}
    compare(one["losses"], other["losses"], **tolerance)
    compare(one["state"], other["state"], **tolerance)


@pytest.fixture(scope="module")
def local():
    """Trainings in one process: on one device, then on two."""
    here = [PLAIN, SMOOTH, NOISY]
    there = [settings | {"strategy": "mirrored"} for settings in here]
    odd = {"strategy": "mirrored", "recipe_changes": {"batch_size": 25}}
    (found,) = results(started([*here, *there, odd, {"look": True}]))
    names = ("plain", "smooth", "noisy")
    return dict(zip([*names, *(f"mirrored {name}" for name in names), "odd", "look"], found, strict=True))


@pytest.fixture(scope="module")
def pair():
    """The same trainings by two processes, as each of them saw them."""
    mine = [settings | {"strategy": "multiworker"} for settings in (PLAIN, NOISY)]
    return [dict(zip(("plain", "noisy"), found, strict=True)) for found in results(*workers(mine, mine))]


@pytest.mark.parametrize("name", ["plain", "smooth"])
def test_two_devices_train_as_one(local, name):
    same(local[f"mirrored {name}"], local[name])
    assert local[f"mirrored {name}"]["record"] == {"strategy": "mirrored", "devices": 2, "workers": 1}
    assert local[name]["record"] == {"strategy": None, "devices": None, "workers": None}


def test_every_picture_is_seen_by_one_device(local):
    """Were all given to all, the numbers would be the same, and no work shared."""
    assert local["look"]["trained"] == [50] and local["look"]["tested"] == [99]


def test_two_processes_train_as_one(local, pair):
    for worker in pair:
        same(worker["plain"], local["plain"])
        assert worker["plain"]["record"] == {"strategy": "multiworker", "devices": 2, "workers": 2}


def test_replicas_draw_their_own_noise(local, pair):
    """Those of two processes draw what those of one process draw, and the first what a single device draws."""
    single, first, second = local["look"]["seeds"]
    assert first[0] == single[0] and second[0] != single[0]
    for worker in pair:
        same(worker["noisy"], local["mirrored noisy"])
    assert not np.allclose(local["mirrored noisy"]["losses"], local["noisy"]["losses"], rtol=1e-3)


def test_a_batch_that_devices_cannot_share_is_refused(local):
    assert "ValueError: 2 devices cannot have equal shares of a batch of 25 pictures" in local["odd"]["error"]
    assert local["odd"]["error"].endswith("24 or 26")


def test_a_killed_worker_is_noticed_and_the_training_goes_on(pair, tmp_path):
    folder = tmp_path / "checkpoint"
    mine = NOISY | {"strategy": "multiworker", "checkpoint": str(folder)}
    # Four batches an epoch: the first worker dies, the chief, in the middle of the second of three.
    (dead, *_), (other, out, err) = ended(*workers([mine | {"kill_at": 6}], [mine]))
    assert dead.returncode == -signal.SIGKILL and other.returncode == 0, err[-3000:]
    assert json.loads(out.splitlines()[-1])[0]["error"].startswith("WorkerLost: one of the 2 workers")
    assert json.loads((folder / "state.json").read_text())["weights"] == "epoch-1.weights.h5"
    shutil.copytree(folder, tmp_path / "copy")
    for (resumed,), whole in zip(results(*workers([mine], [mine])), pair, strict=True):
        same(resumed, whole["noisy"], exactly=True)
    # One device can take over, with other noise.
    alone = outcome(noise=True, checkpoint=tmp_path / "copy")
    assert len(alone["losses"]) == 3
    np.testing.assert_array_equal(alone["losses"][0], pair[0]["noisy"]["losses"][0])


def test_workers_that_see_different_folders_are_refused(tmp_path):
    shared = {"strategy": "multiworker", "recipe_changes": {"epochs": 1}, "checkpoint": str(tmp_path / "one")}
    other = shared | {"checkpoint": str(tmp_path / "other")}
    for one, again in results(*workers([shared, shared], [other, other])):
        assert len(one["losses"]) == 1
        assert "ValueError: the workers found checkpoints after 1 epochs and 0 steps, 0 epochs and" in again["error"]
    assert not (tmp_path / "other").exists(), "only the chief writes"


def test_a_worker_that_is_left_alone_gives_up():
    config = distributed.loopback(2)[0]
    lone = started([PLAIN | {"strategy": "multiworker"}], TF_CONFIG=config, PATIENCE="1")
    ((process, out, err),) = ended(lone, timeout=300)
    assert process.returncode == 1 and out == "Waiting for the 2 workers of TF_CONFIG, 1 seconds at most.\n"
    assert "Timeout" in err and "_multiworker" in err


def test_jax_trains_on_two_devices_as_on_one():
    if importlib.util.find_spec("jax") is None:
        missing("jax (pip install '.[backends]')")
    flags = {"KERAS_BACKEND": "jax", "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    trainings = [NOISY, NOISY | {"strategy": "mirrored"}, PLAIN | {"strategy": "multiworker"}]
    ((one, two, none),) = results(started(trainings, **flags))
    same(two, one)
    assert one["devices of a weight"] == 1 and two["devices of a weight"] == two["record"]["devices"] == 2
    assert "ValueError: the strategy 'multiworker' has no engine on the backend jax" in none["error"]


def test_what_an_engine_needs(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(ValueError, match="None or one of mirrored, multiworker; got 'sharded'"):
        distributed.engine("sharded")
    with pytest.raises(ValueError, match=r"TF_CONFIG.*\"index\": 0"):
        distributed.engine("multiworker")


def test_addresses_on_this_machine():
    configs = [json.loads(config) for config in distributed.loopback(3)]
    assert [config["task"] for config in configs] == [{"type": "worker", "index": index} for index in range(3)]
    assert len({*configs[0]["cluster"]["worker"]}) == 3 and all(c["cluster"] == configs[0]["cluster"] for c in configs)


def test_a_built_model_cannot_be_shared():
    from alexnet import data, model, training
    from distributed_run import RECIPE, network

    built = model.build(network(noise=False))
    with pytest.raises(ValueError, match="give train a preset or an Architecture"):
        training.train(built, data.patches10(50, 10), dataclasses.replace(RECIPE, epochs=1), strategy="mirrored")
