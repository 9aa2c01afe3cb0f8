"""What do dropout and augmentation do against overfitting? A small AlexNet with both, without one, and without either.

Everything that decides how much there is to learn by heart has AlexNet's proportions: about 50 parameters for each
training picture, 90 passes, and windows of 28 of 32 pixels, the share of its 224 of 256, at random places in training
and ten of them at the test. Each variant is trained at its own best learning rate, found first in short trainings with
another seed. Writes assets/records/ablations.json, read by the chapters on the mathematics: the search, then for every
variant and seed the accuracy on training and test pictures as they are (their middle windows), the test accuracy over
the ten windows, and the curve on the way. A second call does what is missing.

    python experiments/ablations.py [SEEDS [PICTURES PASSES]]
"""

import dataclasses
import json
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

from alexnet import data, ladder, layers, model, training

RECORD = Path(__file__).resolve().parents[1] / "assets" / "records" / "ablations.json"
SEEDS, WORKERS = 3, 2
PICTURES, PASSES, WATCHED = 2000, 90, 500
CROP = 28
RATES, SEARCH_SEED, SEARCH_PASSES = (0.0025, 0.005, 0.01, 0.02, 0.04), 1000, 10
SHAPE = ladder.Shape(
    filters=(16, 32, 48, 48, 32),
    kernels=(5, 3, 3, 3, 3),
    activation="relu",
    pool=3,
    normalisation="lrn",
    units=128,
    dropout=0.5,
    weights="he_normal",
)
RECIPE = training.Recipe(
    batch_size=50,
    nesterov=False,
    schedule="drops",
    weight_decay=0.0005,
    initializer=None,
    flip=False,  # both are done by the network's own first layers
    shift=0,
    precision="float32",
)
# What a variant changes: fields of SHAPE; and of the augmentation windows (at random places), flips, and colour (noise
# along the principal axes).
AUGMENTATION = {"windows": True, "flips": True, "colour": False}
VARIANTS = {
    "all": {},
    "no dropout": {"dropout": 0.0},
    "no augmentation": {"windows": False, "flips": False},
    "no augmentation, no dropout": {"windows": False, "flips": False, "dropout": 0.0},
    "colour noise": {"colour": True},
}


def changes(name):
    """What a variant changes of the network, and its whole augmentation."""
    own = VARIANTS[name]
    network = {key: value for key, value in own.items() if key not in AUGMENTATION}
    return network, AUGMENTATION | {key: value for key, value in own.items() if key in AUGMENTATION}


def network(name="all"):
    """The Architecture of a variant, for windows of CROP pixels."""
    return dataclasses.replace(SHAPE, **changes(name)[0]).network("ablation").replace(input_shape=(CROP, CROP, 3))


def built(name, seed, pictures):
    """The network of a variant: from whole pictures, augmented, to logits; and its part behind the windows."""
    extra = changes(name)[1]
    inner = model.build(network(name), preprocessing=data.normalization(pictures), seed=seed, precision="float32")
    whole = keras.Input(pictures.shape[1:], dtype="uint8")
    if extra["windows"]:
        x = layers.Augmentation(flip=extra["flips"], shift=0, crop=CROP, seed=seed, dtype="float32")(whole)
    else:
        x = layers.Augmentation(flip=extra["flips"], shift=0, seed=seed, dtype="float32")(whole)
        x = keras.layers.CenterCrop(CROP, CROP, dtype="float32")(x)
    if extra["colour"]:
        x = layers.PCAColorNoise(*data.principal_colors(pictures), seed=seed)(x)
    return keras.Model(whole, inner(x)), inner


def accuracies(inner, pictures, labels):
    """Over the middle window and over the ten windows, whose probabilities are averaged, as in the paper."""
    probabilities = [
        keras.ops.convert_to_numpy(keras.ops.softmax(training.predict(inner, windows)))
        for windows in data.ten_crops(pictures, CROP)
    ]
    ten = np.mean(probabilities, axis=0)
    return [round(float(np.mean(one.argmax(1) == labels)), 4) for one in (probabilities[4], ten)]


def trained(name, rate, seed, passes, schedule, part):
    """The run, with its whole model, and the part of that model behind the windows."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    whole, inner = built(name, seed, part.x_train)
    recipe = dataclasses.replace(RECIPE, learning_rate=rate, epochs=passes, schedule=schedule, seed=seed)
    return training.train(whole, part, recipe, progress=False), inner


def search(name, rate, count):
    """A short training at one rate; the mean loss of its last pass decides."""
    part = data.cifar10().subset(train=count, test=WATCHED)
    run, _ = trained(name, rate, SEARCH_SEED, SEARCH_PASSES, "constant", part)
    losses = [round(row["loss"], 4) for row in run.history]
    return {"variant": name, "learning_rate": rate, "loss": losses, "stopped": run.stopped}


def measure(name, rate, seed, count, passes):
    """Train once; return what the record keeps of it."""
    cifar = data.cifar10()
    part = cifar.subset(train=count, test=WATCHED)
    run, inner = trained(name, rate, seed, passes, RECIPE.schedule, part)
    middle, ten = accuracies(inner, cifar.x_test, cifar.y_test)
    return {
        "variant": name,
        "learning_rate": rate,
        "seed": seed,
        "train_accuracy": accuracies(inner, part.x_train[:WATCHED], part.y_train[:WATCHED])[0],
        "test_accuracy": middle,
        "ten_crops": ten,
        "curve": [{key: round(row[key], 4) for key in ("loss", "test_loss", "test_accuracy")} for row in run.history],
        "stopped": run.stopped,
        "device": run.environment["device"],
        "date": training.now(),
    }


def best_rate(searched, name):
    """The rate whose last pass had the lowest training loss."""
    tried = [row for row in searched if row["variant"] == name and not row["stopped"]]
    return min(tried, key=lambda row: row["loss"][-1])["learning_rate"]


def chosen_settings(count, passes):
    """Everything that is chosen here, as the record has it; a record of other settings is begun anew."""
    chosen = {
        "pictures": count,
        "passes": passes,
        "watched": WATCHED,
        "crop": CROP,
        "rates": RATES,
        "search_passes": SEARCH_PASSES,
        "shape": dataclasses.asdict(SHAPE),
        "recipe": dataclasses.asdict(dataclasses.replace(RECIPE, epochs=passes)),
        "augmentation": AUGMENTATION,
        "variants": VARIANTS,
        "parameters": network().parameters,
        "macs": network().macs,
    }
    return json.loads(json.dumps(chosen))


def main():
    numbers = [int(word) for word in sys.argv[1:]]
    seeds, count, passes = [*numbers, *(SEEDS, PICTURES, PASSES)[len(numbers) :]]
    cifar = data.cifar10()
    settings = chosen_settings(count, passes)
    old = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    found = {kind: old[kind] if old.get("settings") == settings else [] for kind in ("search", "runs")}

    def keep(kind, job):
        found[kind] = sorted([*found[kind], job.result()], key=_place)
        print({key: value for key, value in job.result().items() if key != "curve"}, flush=True)
        record = {
            "question": "accuracy of a small AlexNet with dropout and augmentation, without one, and without either",
            "settings": settings,
            **found,
            "test": len(cifar.x_test),
            "dataset": cifar.provenance,
            "environment": training.environment(),
            "date": training.now(),
        }
        RECORD.write_text(json.dumps(record, indent=1) + "\n")

    # Two trainings side by side, a core each, waste less than one after the other on both.
    os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    with ProcessPoolExecutor(WORKERS, multiprocessing.get_context("spawn")) as pool:
        searched = {(row["variant"], row["learning_rate"]) for row in found["search"]}
        todo = [(name, rate) for name in VARIANTS for rate in RATES]
        for job in as_completed([pool.submit(search, *job, count) for job in todo if job not in searched]):
            keep("search", job)
        done = {(run["variant"], run["seed"]) for run in found["runs"]}
        todo = [(name, seed) for seed in range(seeds) for name in VARIANTS if (name, seed) not in done]
        jobs = [
            pool.submit(measure, name, best_rate(found["search"], name), seed, count, passes) for name, seed in todo
        ]
        for job in as_completed(jobs):
            keep("runs", job)


def _place(row):
    return list(VARIANTS).index(row["variant"]), row["learning_rate"], row.get("seed")


if __name__ == "__main__":
    main()
