"""python -m alexnet train: from the words to the weights, Ctrl-C in earnest, and one line for what can be mended."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from alexnet import data, distributed, training
from alexnet.__main__ import main
from conftest import ROOT
from test_imagenet import make_tree

WORDS = ("train", "--preset", "lenet-5", "--data", "patches10", "--precision", "float32")


@pytest.fixture(scope="module")
def few():
    return data.patches10(200, 100)


@pytest.fixture
def patches(few, monkeypatch):
    monkeypatch.setattr(data, "patches10", lambda: few)


@pytest.fixture
def caught(monkeypatch):
    """What the command hands to `training.train`, in the place of training."""

    class Caught(Exception):
        pass

    def train(*positional, **named):
        raise Caught(positional, named)

    monkeypatch.setattr(training, "train", train)

    def call(*words):
        with pytest.raises(Caught) as raised:
            main([*WORDS, *words])
        return raised.value.args

    return call


def test_the_help_is_there_without_keras():
    code = """
import sys
from alexnet.__main__ import main
try:
    main(sys.argv[1:])
finally:
    assert not {"keras", "tensorflow"} & set(sys.modules)
"""
    for words, wanted in ((["--help"], "stop with Ctrl-C"), (["train", "--help"], '"imagenet DIR"')):
        done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0 and wanted in done.stdout, done.stderr


def test_a_training_leaves_record_weights_and_state(patches, tmp_path, capsys):
    record, weights, state = tmp_path / "made" / "run.json", tmp_path / "le.weights.h5", tmp_path / "state"
    words = ("--recipe", "default", "--epochs", "2", "--batch-size", "20", "--seed", "4")
    files = ("--record", str(record), "--weights", str(weights), "--checkpoint", str(state))
    assert main([*WORDS, *words, *files]) == 0
    run = training.Run.load(record)
    assert [row["epoch"] for row in run.history] == [1, 2] and run.stopped is None
    assert (run.recipe["batch_size"], run.recipe["seed"], run.recipe["momentum"]) == (20, 4, 0.9)
    assert run.dataset["provenance"].startswith("patches10") and run.environment["device"]
    from alexnet import model

    built = model.build("lenet-5", classes=10, input_shape=(32, 32, 3), preprocessing=keras.layers.Rescaling(1.0))
    built.load_weights(weights)
    out = capsys.readouterr().out
    assert "epoch 2/2" in out and f"record: {record}" in out and f"weights: {weights}" in out
    assert "lenet_5, 62,006 parameters" in out

    assert main([*WORDS, *words, "--checkpoint", str(state)]) == 2
    assert "holds the state of a training; go on from it with --resume" in capsys.readouterr().err
    assert main([*WORDS, *words, "--checkpoint", str(state), "--resume", "--learning-rate", "0.5"]) == 2
    assert "another recipe (learning_rate differ); name another folder" in capsys.readouterr().err
    again = tmp_path / "again.json"
    assert main([*WORDS, *words, "--checkpoint", str(state), "--resume", "--record", str(again)]) == 0
    assert training.Run.load(again).history == run.history, "what is finished is not trained again"


def test_a_whole_network_is_saved(patches, tmp_path):
    words = ("--epochs", "1", "--batch-size", "100", "--checkpoint", str(tmp_path / "new"), "--resume")
    assert main([*WORDS, *words, "--weights", str(tmp_path / "le.keras")]) == 0
    loaded = keras.models.load_model(tmp_path / "le.keras")
    assert loaded.predict(data.patches10().x_test, verbose=0).shape == (100, 10)


def test_resuming_from_nothing_says_so(caught, patches, tmp_path, capsys):
    caught("--checkpoint", str(tmp_path / "new"), "--resume")
    assert "to resume: starting at the beginning" in capsys.readouterr().out


def test_a_loss_that_is_no_number_is_kept_in_the_record(patches, tmp_path, capsys):
    record, weights = tmp_path / "run.json", tmp_path / "le.weights.h5"
    words = ("--epochs", "3", "--batch-size", "20", "--learning-rate", "1e9", "--schedule", "constant")
    assert main([*WORDS, *words, "--record", str(record), "--weights", str(weights)]) == 1
    assert "became" in training.Run.load(record).stopped and "Training stopped" in capsys.readouterr().out
    assert not weights.exists()


def test_options_override_the_recipe(caught, patches, tmp_path):
    (tmp_path / "mine.json").write_text(json.dumps({"epochs": 7, "drops": [0.1], "momentum": 1, "flip": False}))
    (net, source, recipe), named = caught("--recipe", str(tmp_path / "mine.json"), "--batch-size", "9", "--flip")
    assert (net.name, len(source.x_train)) == ("lenet-5", 200)
    assert recipe == training.Recipe(7, 9, drops=(0.1,), momentum=1, flip=True, precision="float32")
    assert named["strategy"] is None and named["checkpoint"] is None
    recipe = caught("--drops", "0.3", "0.6", "--no-nesterov", "--initializer", "glorot_uniform", "--shift", "0")[0][2]
    assert recipe == training.Recipe(
        drops=(0.3, 0.6), nesterov=False, initializer="glorot_uniform", shift=0, precision="float32"
    )
    recipe = caught("--recipe", "paper-2012", "--epochs", "3")[0][2]
    assert recipe == training.Recipe(**{**training.RECIPES["paper-2012"].__dict__, "epochs": 3})


def test_the_strategy_is_passed_on(caught, patches, monkeypatch, capsys):
    assert caught("--strategy", "mirrored")[1]["strategy"] == "mirrored"
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert main([*WORDS, "--strategy", "multiworker"]) == 2 and "the variable TF_CONFIG" in capsys.readouterr().err


def error(capsys, *words):
    """The one line of an exit with status 2."""
    assert main([*words]) == 2
    out, err = capsys.readouterr()
    assert err.startswith("error: ") and err.count("\n") == 1 and "Traceback" not in out + err
    return err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--preset", "alexnet"), "no preset is called 'alexnet'; there are paper-2012, "),
        (("--preset", "paper-2012"), "paper-2012 cannot be trained on patches10: layer pool5: a window of 3 is larger"),
        (("--data", "mnist"), "no data is called 'mnist'; there are cifar10, patches10 and \"imagenet DIR\""),
        (("--data", "cifar10", "here"), "no data is called 'cifar10 here'"),
        (("--data", "imagenet"), '"imagenet DIR": the folder that holds train/ and val/ is missing'),
        (("--data", "imagenet /no/such place"), "there is no folder /no/such place; it must hold train/<class>/"),
        (
            ("--recipe", "paper"),
            "no recipe is called 'paper', and there is no such file; there are default, paper-2012",
        ),
        (("--epochs", "0"), "epochs and batch_size are at least 1"),
        (("--schedule", "never"), "schedule is one of constant, one-cycle, drops; got 'never'"),
        (("--precision", "float3"), "float3"),
        (("--initializer", "magic"), "magic"),
        (("--resume",), "name its folder with --checkpoint"),
        (("--weights", "net.h5"), "--weights net.h5: the name must end in .weights.h5 or .keras"),
        (("--record", "{tmp}"), "is a folder, not the name of a file"),
        (("--record", "{tmp}/file/run.json"), "cannot make the folder {tmp}/file"),
        (("--checkpoint", "{tmp}/file"), "cannot make the folder {tmp}/file: File exists"),
    ],
)
def test_mistakes(capsys, patches, tmp_path, words, message):
    (tmp_path / "file").write_text("")
    words = [word.format(tmp=tmp_path) for word in words]
    assert message.format(tmp=tmp_path) in error(capsys, *WORDS, *words)


def test_folders_that_cannot_be_written(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    assert f"cannot write into the folder {tmp_path}" in error(capsys, *WORDS, "--record", str(tmp_path / "run.json"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON: "),
        ("[]", "is not a JSON object of fields"),
        ('{"epoch": 3, "lr": 1}', "has unknown fields epoch, lr; there are epochs, batch_size, optimizer"),
        ('{"epochs": "3"}', "has epochs = '3'; it is of type int"),
        ('{"epochs": true}', "has epochs = True; it is of type int"),
        ('{"learning_rate": "high"}', "has learning_rate = 'high'; it is of type float"),
        ('{"flip": 1}', "has flip = 1; it is of type bool"),
        ('{"drops": [0.5, "x"]}', "has drops = [0.5, 'x']; it is of type tuple[float, ...]"),
        ('{"drops": 0.5}', "has drops = 0.5; it is of type tuple[float, ...]"),
        ('{"initializer": 3}', "has initializer = 3; it is of type str | None"),
        ('{"optimizer": "magic"}', "optimizer is one of sgd, adam, muon; got 'magic'"),
    ],
)
def test_mistakes_in_a_recipe(capsys, tmp_path, content, message):
    (tmp_path / "mine.json").write_text(content)
    assert message in error(capsys, *WORDS, "--recipe", str(tmp_path / "mine.json"))


def test_no_network_for_cifar10(capsys, tmp_path, monkeypatch):
    monkeypatch.delenv("ALEXNET_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))

    def fail(*_, **__):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(keras.utils, "get_file", fail)
    assert "could not be downloaded" in error(capsys, *WORDS, "--data", "cifar10")


def test_an_error_that_nobody_can_mend_keeps_its_traceback(patches, monkeypatch):
    def broken(*_, **__):
        raise ValueError("a mistake of ours")

    monkeypatch.setattr(training, "train", broken)
    with pytest.raises(ValueError, match="ours"):
        main([*WORDS])


def test_signals_are_as_before(caught, patches):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    caught()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert signal.set_wakeup_fd(-1) == -1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_without_a_checkpoint_nothing_is_saved_and_that_is_said(patches, monkeypatch, capsys, number):
    def train(*_, stop, **__):
        assert not stop()
        os.kill(os.getpid(), number)
        until = time.monotonic() + 60
        while not stop():
            assert time.monotonic() < until
            time.sleep(0.01)
        return SimpleNamespace(stopped=f"{training.ON_REQUEST}, in epoch 1 after step 1 of 9")

    monkeypatch.setattr(training, "train", train)
    assert main([*WORDS]) == 128 + number
    out, err = capsys.readouterr()
    assert "Nothing was saved: there was no --checkpoint." in out and "Stopping after this step" in err


def test_windows_are_not_shifted_as_well(caught, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (_, source, recipe), _ = caught("--data", f"imagenet {make_tree(tmp_path / 'a tree', 5, 1)}", "--recipe", "default")
    assert source.input_shape == (224, 224, 3) and recipe.shift == 0
    assert "shift is 0 instead of 2" in capsys.readouterr().out


def test_interrupted_before_training(monkeypatch, capsys):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(data, "patches10", interrupted)
    assert main([*WORDS]) == 130
    assert "nothing to save" in capsys.readouterr().err


def started(words, **environment):
    """The command in a process of its own, on one thread: with several, sums depend on the machine's load."""
    environment = os.environ | {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"} | environment
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen([sys.executable, *words], env=environment, cwd=ROOT, **pipes)


def read_until(process, words):
    """What the process has written up to `words`."""
    heard = b""
    while not heard.endswith(words.encode()):
        byte = process.stdout.read(1)
        assert byte, f"it ended without {words!r}: {heard.decode()[-2000:]}"
        heard += byte
    return heard.decode()


WHOLE = """
import sys
from alexnet.__main__ import main

sys.exit(main({resumed}) or main({whole}))
"""


def test_ctrl_c_and_resume_end_where_the_whole_run_ends(tmp_path):
    """Bad files included: what the first part met is in the record of the second."""
    tree = make_tree(tmp_path / "tree", train=16)
    settings = ("--epochs", "2", "--batch-size", "4", "--learning-rate", "0.0001", "--recipe", "paper-2012")
    words = ("train", "--preset", "lenet-5", "--data", f"imagenet {tree}", *settings)

    def files(name):
        return "--record", str(tmp_path / f"{name}.json"), "--weights", str(tmp_path / f"{name}.weights.h5")

    keras_home, state = str(tmp_path / "keras"), ("--checkpoint", str(tmp_path / "state"))
    process = started(["-m", "alexnet", *words, *files("resumed"), *state], KERAS_HOME=keras_home)
    read_until(process, "epoch 2/2:")
    process.send_signal(signal.SIGINT)
    told = process.communicate()[0].decode()
    assert process.returncode == 130, told
    assert "Stopping after this step" in told and "Training stopped: on request, in epoch 2 after step" in told
    assert f"saved in {tmp_path / 'state'}. Go on with the same command and --resume." in told
    assert not (tmp_path / "resumed.json").exists() and not (tmp_path / "resumed.weights.h5").exists()
    saved = json.loads((tmp_path / "state" / "state.json").read_text())
    assert len(saved["history"]) == 1 and 0 < saved["part"]["step"] == len(saved["part"]["seen"]) < 12

    code = WHOLE.format(
        resumed=repr([*words, *files("resumed"), *state, "--resume"]), whole=repr([*words, *files("whole")])
    )
    process = started(["-c", code], KERAS_HOME=keras_home)
    told = process.communicate()[0].decode()
    assert process.returncode == 0, told
    assert told.count("pictures that cannot be read: 3 (train/n01/03.JPEG, train/n01/04.JPEG, val/n02/00.JPEG)") >= 2
    resumed, whole = (training.Run.load(tmp_path / f"{name}.json") for name in ("resumed", "whole"))
    for one, other in zip(resumed.history, whole.history, strict=True):
        assert {**one, "seconds": 0, "first_step": 0} == {**other, "seconds": 0, "first_step": 0}
    assert resumed.ten_crops == whole.ten_crops and resumed.ten_crops["pictures"] == 11
    assert resumed.dataset == whole.dataset and resumed.dataset["pictures"]["skipped"] == {"train": 2, "val": 1}
    weights = [_arrays(tmp_path / f"{name}.weights.h5") for name in ("resumed", "whole")]
    assert weights[0].keys() == weights[1].keys() and len(weights[0]) > 10
    for name, values in weights[0].items():
        np.testing.assert_array_equal(values, weights[1][name], err_msg=name)


def _arrays(path):
    import h5py

    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, one: found.update({name: one[()]}) if isinstance(one, h5py.Dataset) else None)
    return found


STUCK = """
import sys, time
from alexnet import data, distributed, training
from alexnet.__main__ import main

def train(*_, stop, **__):
    print("in a long step", flush=True)
    time.sleep(60)

training.train = train
data.patches10 = lambda made=data.patches10: made(10, 10)
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_even_a_long_step(number):
    process = started(["-c", STUCK, *WORDS[:5]])
    read_until(process, "in a long step")
    process.send_signal(number)
    read_until(process, "once more to stop at once.")
    assert process.poll() is None
    process.send_signal(number)
    process.communicate(timeout=20)
    assert process.returncode == 128 + number


def test_several_workers_stop_together_and_go_on(tmp_path):
    """SIGTERM to one of two: both leave after the same step; with --resume they end as one process alone does."""
    quiet = ("--no-flip", "--shift", "0", "--cutout", "0", "--epochs", "2", "--batch-size", "500", "--seed", "3")
    words = [sys.executable, "-m", "alexnet", *WORDS, *quiet]

    def workers(*more, stop=False):
        started = [
            subprocess.Popen(
                [*words, "--strategy", "multiworker", "--checkpoint", str(tmp_path / "state"), *more],
                env=os.environ | {"TF_CONFIG": config, "PYTHONUNBUFFERED": "1"},
                cwd=ROOT,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            for config in distributed.loopback(2)
        ]
        try:
            if stop:
                chief = started[0]
                seen = ""
                while "epoch 1/2" not in seen:
                    seen += chief.stdout.read(1) or pytest.fail(f"it ended before its first step:\n{seen}")
                started[1].send_signal(signal.SIGTERM)
            said = [one.communicate(timeout=240)[0] for one in started]
        finally:
            for one in started:
                one.kill()
        return [one.returncode for one in started], said

    codes, said = workers(stop=True)
    assert codes == [143, 143], said
    state = json.loads((tmp_path / "state" / "state.json").read_text())
    assert state["part"]["step"] in range(1, 11) and state["history"] == []
    codes, said = workers("--resume", "--record", str(tmp_path / "two.json"))
    assert codes == [0, 0] and said[0].count("record: ") == 1 and "record: " not in said[1], said
    assert main([*WORDS, *quiet, "--record", str(tmp_path / "one.json")]) == 0
    two, one = (training.Run.load(tmp_path / f"{name}.json") for name in ("two", "one"))
    assert two.environment["workers"] == 2 and "workers" not in one.environment
    for row, other in zip(two.history, one.history, strict=True):
        assert [row[name] for name in ("loss", "test_loss")] == pytest.approx(
            [other[name] for name in ("loss", "test_loss")], rel=1e-4
        )
