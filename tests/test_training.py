"""Training: the schedule and augmentation by hand, the resumed run equal to the uninterrupted one, honest failure."""

import json
import os
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest

from alexnet import data, layers, model, training
from alexnet.training import Recipe, Run

RECIPE = Recipe(epochs=3, batch_size=50, learning_rate=0.02, precision="float32", seed=5)


@pytest.fixture(scope="module")
def patches():
    return data.patches10(500, 100)


def test_the_papers_recipe():
    """Section 5, and by hand when run 145 of the released source divided its rate: epochs 25, 51 and 79 of 91."""
    recipe = training.RECIPES["paper-2012"]
    optimizer = recipe.make_optimizer()
    assert (recipe.batch_size, optimizer.momentum, optimizer.nesterov, optimizer.decay) == (128, 0.9, False, 0.0005)
    rates = [recipe.learning_rate_at(epoch, 91) for epoch in range(91)]
    assert rates == pytest.approx([0.01] * 25 + [0.001] * 26 + [0.0001] * 28 + [0.00001] * 12)
    assert recipe.initializer is None and recipe.shift == recipe.cutout == 0 and recipe.precision == "float32"


def test_learning_rates():
    cycle = Recipe(learning_rate=1.0, schedule="one-cycle", warmup=0.25)
    rates = [cycle.learning_rate_at(step, 400) for step in range(400)]
    assert rates[0] == 0.01 and max(rates) == rates[99] == 1.0 and rates[399] == pytest.approx(1 / 300)
    assert max(cycle.learning_rate_at(step, 10) for step in range(10)) < 0.2, "a very short run stays gentle"
    drops = Recipe(learning_rate=1.0, schedule="drops", drops=(0.5, 0.75))
    assert [drops.learning_rate_at(step, 4) for step in range(4)] == pytest.approx([1, 1, 0.1, 0.01])
    assert Recipe(schedule="constant", learning_rate=0.3).learning_rate_at(7, 9) == 0.3


@pytest.mark.parametrize("bad", [{"optimizer": "magic"}, {"schedule": "never"}, {"epochs": 0}, {"learning_rate": 0}])
def test_bad_recipes(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        Recipe(**bad)


def test_a_run_learns_and_its_record_says_how(patches, tiny, tmp_path):
    run = training.train(
        tiny, patches, Recipe(epochs=4, batch_size=25, learning_rate=0.03, precision="float32"), progress=False
    )
    assert run.history[-1]["loss"] < run.history[0]["loss"] < 3
    path = run.save(tmp_path / "records" / "run.json")
    record = json.loads(path.read_text())
    assert record["recipe"]["batch_size"] == 25 and record["network"]["parameters"] == tiny.parameters
    assert record["dataset"]["provenance"].startswith("patches10") and record["dataset"]["train"] == 500
    assert set(record["environment"]) >= {"commit", "python", "keras", "backend", "device", "numpy"}
    assert record["environment"]["backend"].startswith("tensorflow 2.") and record["date"].endswith("+00:00")
    assert Run.load(path) == run
    assert "epoch   4" in str(run)


TRAINING = """
import os, signal, sys
import numpy as np
from alexnet import data, training
sys.path.insert(0, {tests!r})
from test_training import RECIPE
import conftest

tiny = conftest.tiny.__wrapped__() if hasattr(conftest.tiny, "__wrapped__") else conftest.tiny._get_wrapped_function()()
patches = data.patches10(500, 100)
"""

TWICE = (
    TRAINING
    + """
one, two = (training.train(tiny, patches, RECIPE, progress=False) for _ in range(2))
assert [row["loss"] for row in one.history] == [row["loss"] for row in two.history]
"""
)

KILLED = (
    TRAINING
    + """
batches, rate_at = 0, training.Recipe.learning_rate_at
def until_killed(*settings):
    global batches
    batches += 1
    if batches == 17:  # in the middle of the second of three epochs of ten batches
        os.kill(os.getpid(), {signal})
    return rate_at(*settings)

training.Recipe.learning_rate_at = until_killed
training.train(tiny, patches, RECIPE, checkpoint={folder!r}, progress=False)
"""
)

RESUMED = (
    TRAINING
    + """
for name, checkpoint in (("resumed", {folder!r}), ("whole", None)):
    run = training.train(tiny, patches, RECIPE, checkpoint=checkpoint, progress=False)
    momenta = [np.array(variable) for variable in run.model.optimizer.variables]
    losses = [row["loss"] for row in run.history]
    np.savez(os.path.join({folder!r}, name), losses, *run.model.get_weights(), *momenta)
"""
)

STOPPED = (
    TRAINING
    + """
def parts(run):
    losses = [[row[name] for row in run.history] for name in ("loss", "accuracy", "test_loss", "learning_rate")]
    return losses, *run.model.get_weights(), *(np.array(variable) for variable in run.model.optimizer.variables)

def after(count):
    steps = iter(range(1, count + 1))
    return lambda: next(steps) == count

whole = parts(training.train(tiny, patches, RECIPE, progress=False))
done = 0
for count in (17, 3):  # in the middle of the second epoch, and behind its last step
    run = training.train(tiny, patches, RECIPE, checkpoint={folder!r}, progress=False, stop=after(count))
    done += count
    assert run.stopped == f"on request, in epoch 2 after step {{done - 10}} of 10", run.stopped
    assert len(run.history) == 1
    assert len([name for name in os.listdir({folder!r}) if name.endswith(".h5")]) == 1
run = training.train(tiny, patches, RECIPE, checkpoint={folder!r}, progress=False, stop=lambda: False)
assert run.stopped is None and len(run.history) == RECIPE.epochs
for one, other in zip(parts(run), whole, strict=True):
    np.testing.assert_array_equal(one, other)
"""
)


def one_thread(code, **names):
    """Run a script in a process that adds up in one order: with several threads the order depends on the load."""
    code = code.format(tests=os.path.dirname(__file__), **names)
    environment = os.environ | {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)


def test_same_seed_same_run():
    done = one_thread(TWICE)
    assert done.returncode == 0, done.stderr[-2000:]


def test_whitening_comes_from_the_training_pictures_and_stays():
    from alexnet.architecture import Architecture, BatchNorm, Conv, Dense, Pool

    specs = [
        Conv("whitening", 24, 2, weights="whitening", bias=None),
        Conv("conv1", 8, 3, stride=2, weights="he_normal", bias=None),
        BatchNorm("bn1"),
        Pool("pool1", 3, 3),
        Dense("fc2", 10, None),
    ]
    net = Architecture("white", "", (32, 32, 3), specs, rounding="down")
    patches, kernels = data.patches10(200, 50), []

    def look(row, model):
        kernels.append(model.get_layer("whitening").get_weights()[0])

    recipe = training.Recipe(epochs=2, batch_size=50, initializer="he_normal", precision="float32")
    run = training.train(net, patches, recipe, progress=False, on_epoch=look)
    np.testing.assert_array_equal(*kernels)
    seen = keras.Model(run.model.inputs, run.model.get_layer("normalize").output)
    again = layers.PatchWhitening(24, 2)
    again.build((None, 32, 32, 3))
    again.adapt(seen.predict(patches.x_train, verbose=0))
    # The signs of the axes are anybody's choice.
    mine, theirs = (k.reshape(12, 24) @ k.reshape(12, 24).T for k in (kernels[0], again.get_weights()[0]))
    np.testing.assert_allclose(mine, theirs, atol=0.005 * theirs.max())


def test_a_killed_run_ends_where_it_would_have_ended(tmp_path):
    folder = tmp_path / "checkpoint"
    # Windows knows no SIGKILL; there every signal ends a process at once, and is its exit status.
    kill = signal.SIGTERM if os.name == "nt" else signal.SIGKILL
    done = one_thread(KILLED, folder=str(folder), signal=int(kill))
    assert done.returncode == (kill if os.name == "nt" else -kill), done.stderr[-2000:]
    assert json.loads((folder / "state.json").read_text())["weights"] == "epoch-1.weights.h5"
    done = one_thread(RESUMED, folder=str(folder))
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(folder / "resumed.npz") as resumed, np.load(folder / "whole.npz") as whole:
        assert resumed.files == whole.files and len(resumed["arr_0"]) == RECIPE.epochs
        for name in whole.files:
            np.testing.assert_array_equal(resumed[name], whole[name])


def test_a_run_that_was_asked_to_stop_ends_where_it_would_have_ended(tmp_path):
    done = one_thread(STOPPED, folder=str(tmp_path))
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("Training stopped: on request") == 2


def test_stopping_needs_no_checkpoint(patches, tiny):
    run = training.train(tiny, patches, RECIPE, progress=False, stop=lambda: True)
    assert run.stopped == "on request, in epoch 1 after step 1 of 10" and run.history == []


def test_a_finished_run_is_not_trained_again(patches, tiny, tmp_path):
    first = training.train(tiny, patches, RECIPE, checkpoint=tmp_path, progress=False)
    again = training.train(tiny, patches, RECIPE, checkpoint=tmp_path, progress=False)
    assert again.history == first.history
    assert len(list(tmp_path.glob("*.weights.h5"))) == 1


def test_a_checkpoint_of_another_recipe_is_refused(patches, tiny, tmp_path):
    training.train(tiny, patches, RECIPE, checkpoint=tmp_path, progress=False)
    with pytest.raises(ValueError, match=r"another recipe \(learning_rate differ\)"):
        training.train(tiny, patches, Recipe(**{**RECIPE.__dict__, "learning_rate": 0.5}), checkpoint=tmp_path)
    with pytest.raises(ValueError, match="another dataset"):
        training.train(tiny, data.patches10(500, 100, seed=1), RECIPE, checkpoint=tmp_path)


def test_training_stops_when_the_loss_is_no_number(patches, tiny, capsys):
    run = training.train(
        tiny,
        patches,
        Recipe(epochs=3, batch_size=50, learning_rate=1e8, warmup=0.01, precision="float32"),
        progress=False,
    )
    assert "became" in run.stopped and "at learning rate" in run.stopped
    assert "Training stopped: the loss became" in capsys.readouterr().out
    assert len(run.history) < 3
    json.dumps(run.history)


def test_a_built_model_is_trained_as_it_is(patches, tiny):
    built = model.build(tiny, preprocessing=data.normalization(patches.x_train), seed=0)
    run = training.train(built, patches, RECIPE, progress=False)
    assert run.model is built and run.network["precision"] == "float32"


def test_on_epoch_sees_every_row(patches, tiny):
    seen = []
    run = training.train(
        tiny, patches, RECIPE, progress=False, on_epoch=lambda row, model: seen.append((row, model.name))
    )
    assert seen == [(row, "tiny") for row in run.history]


def test_a_network_without_augmentation_is_itself(patches, tiny):
    plain = Recipe(epochs=1, batch_size=50, flip=False, shift=0, precision="float32")
    run = training.train(tiny, patches, plain, progress=False)
    assert run.model.optimizer.built and run.model.name == "tiny"
    assert not any("augment" in layer.name for layer in run.model.layers)


def test_label_smoothing_is_keras_own():
    logits = np.random.default_rng(0).normal(size=(8, 10)).astype("float32")
    labels = np.arange(8) % 10
    theirs = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2)
    inputs = keras.Input((10,))
    model = keras.Model(inputs, keras.layers.Identity()(inputs))
    training.compile_for_here(model, "sgd", label_smoothing=0.2)
    report = model.evaluate(logits, labels, verbose=0, return_dict=True)
    assert report["loss"] == pytest.approx(float(theirs(np.eye(10, dtype="float32")[labels], logits)), rel=1e-5)
    plain = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(labels, logits)
    assert report["cross_entropy"] == pytest.approx(float(plain), rel=1e-5), "what is reported is not smoothed"
    with pytest.raises(ValueError, match="label_smoothing"):
        Recipe(label_smoothing=1.0)


def test_predictions_are_means_over_versions(patches, tiny):
    built = model.build(tiny, preprocessing=data.normalization(patches.x_train), seed=0)
    pictures = patches.x_test[:20]
    plain, both, six = (training.predict(built, pictures, versions) for versions in (1, 2, 6))
    np.testing.assert_allclose(both, (plain + training.predict(built, pictures[:, :, ::-1])) / 2, rtol=1e-4, atol=1e-5)
    wide = np.pad(pictures, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    moved = [training.predict(built, part, 2) for part in (wide[:, :-2, :-2], wide[:, 2:, 2:])]
    np.testing.assert_allclose(six, both / 2 + sum(moved) / 4, rtol=1e-4, atol=1e-5)
    assert not np.allclose(plain, both, atol=1e-3) and not np.allclose(both, six, atol=1e-3)
    for versions in (0, 3, True):
        with pytest.raises(ValueError, match="versions is 1, 2 or 6"):
            training.predict(built, pictures, versions)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains(patches, tiny, policy):
    """Under float16 Keras wraps the optimizer to scale the loss; the schedule must reach the one inside."""
    run = training.train(tiny, patches, Recipe(epochs=1, batch_size=50, precision=policy), progress=False)
    assert run.network["precision"] == policy and np.isfinite(run.history[0]["loss"])
    optimizer = getattr(run.model.optimizer, "inner_optimizer", run.model.optimizer)
    assert float(optimizer.learning_rate) == pytest.approx(run.history[0]["learning_rate"])


def test_predictions_survive_saving(patches, tiny, tmp_path):
    run = training.train(tiny, patches, RECIPE, progress=False)
    run.model.save(tmp_path / "tiny.keras")
    reloaded = keras.models.load_model(tmp_path / "tiny.keras")
    np.testing.assert_allclose(
        reloaded.predict(patches.x_test, verbose=0), run.model.predict(patches.x_test, verbose=0), rtol=1e-5, atol=1e-5
    )


def test_progress_goes_to_stdout(patches, tiny, capsys):
    training.train(tiny, patches, Recipe(epochs=1, batch_size=100, precision="float32"))
    out, err = capsys.readouterr()
    assert "epoch 1/1" in out and "test accuracy" in out and "epoch" not in err


def test_profiles_and_budget(monkeypatch):
    assert training.budget().profile == "quick" and training.budget().train == 1000
    monkeypatch.setenv("ALEXNET_PROFILE", "default")
    assert training.budget().train is None
    monkeypatch.setenv("ALEXNET_PROFILE", "turbo")
    with pytest.raises(ValueError, match="quick"):
        training.budget()


def test_records_are_found_and_listed():
    assert training.record("stuck-recipe")["variants"]
    with pytest.raises(FileNotFoundError, match="stuck-recipe"):
        training.record("no such thing")
