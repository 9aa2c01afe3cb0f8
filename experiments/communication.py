"""What do two towers lose that do not talk? A small AlexNet in two towers, with and without its communication.

A quarter of AlexNet's filters, for pictures of CIFAR-10. Four networks differ only in which layers of a tower read the
maps of both towers: conv3 and the fully connected layers as in AlexNet; none before the last layer; all, which is a
network without groups. Without communication a third of the weights is missing too, so a fourth network does not talk
either, but is wider where run 150 of the released code is, conv2 by a quarter and fc6 twice, which brings most of the
weights back. Normalisation stays within a tower in all four.

Each network is trained at its own best learning rate of the same few, found in shorter trainings with another seed by
the cross-entropy on training pictures that were held out. A seed decides the training pictures, their order and the
initial weights; for each seed all networks see the same pictures in the same order. Writes
assets/records/communication.json, read by the chapter on the two GPUs. A second call does what is missing.

    python experiments/communication.py [SEEDS]
"""

import dataclasses
import itertools
import json
import math
import os
import sys
from pathlib import Path

# One core only, so that it can run beside other work.
os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras

from alexnet import data, layers, training

RECORD = Path(__file__).resolve().parents[1] / "assets" / "records" / "communication.json"
SEEDS = 5
PICTURES, PASSES, HELD_OUT = 8000, 6, 2000
RATES, SEARCH_SEED, SEARCH_PASSES = (0.005, 0.01, 0.02, 0.04), 1000, 3
KERNELS = {"conv1": 5, "conv2": 3, "conv3": 3, "conv4": 3, "conv5": 3}
# Filters and units of both towers together; the filters are AlexNet's divided by four.
WIDTHS = {"conv1": 24, "conv2": 64, "conv3": 96, "conv4": 96, "conv5": 64, "fc6": 128, "fc7": 128}
# Which layers read the maps of both towers (the last one always does), and which have another width.
NETWORKS = {
    "as AlexNet": {"talks": ("conv3", "fc6", "fc7"), "widths": {}},
    "no communication": {"talks": (), "widths": {}},
    "no communication, wider": {"talks": (), "widths": {"conv2": 80, "fc6": 256}},
    "everywhere": {"talks": ("conv2", "conv3", "conv4", "conv5", "fc6", "fc7"), "widths": {}},
}
RECIPE = training.Recipe(
    epochs=PASSES,
    batch_size=50,
    nesterov=False,
    schedule="drops",
    weight_decay=0.0005,
    initializer=None,
    flip=True,
    shift=0,
    precision="float32",
)


def built(name, pictures):
    """The network of that name, from pixels to logits: two towers of ordinary layers.

    A layer that talks reads the maps of both towers, the others those of their own, so no layer needs groups: a
    processor trains two convolutions several times as fast as one with two groups.
    """
    talks, widths = NETWORKS[name]["talks"], WIDTHS | NETWORKS[name]["widths"]
    inputs = keras.Input(pictures.shape[1:], name="input")
    towers = [data.normalization(pictures)(inputs)] * 2
    for layer, width in widths.items():
        if layer == "fc6":
            towers = [keras.layers.Flatten()(maps) for maps in towers]
        if layer in talks:
            towers = [keras.layers.Concatenate(name=f"both_{layer}")(towers)] * 2
        towers = [_half(f"{layer}{tower}", width // 2)(maps) for tower, maps in zip("ab", towers, strict=True)]
        if layer in ("conv1", "conv2"):
            towers = [layers.LocalResponseNormalization()(maps) for maps in towers]
        if layer in ("conv1", "conv2", "conv5"):
            # Padded at the far edges only: the window that hangs over, as in 2012.
            towers = [keras.layers.MaxPooling2D(3, 2, padding="same")(maps) for maps in towers]
    both = keras.layers.Concatenate(name="both_fc8")(towers)
    logits = keras.layers.Dense(10, kernel_initializer="he_normal", name="fc8")(both)
    return keras.Model(inputs, logits, name="towers")


def _half(name, width):
    """One tower's half of a layer, the towers being `a` and `b`."""
    common = {"activation": "relu", "kernel_initializer": "he_normal", "name": name}
    if name[:-1] in KERNELS:
        return keras.layers.Conv2D(width, KERNELS[name[:-1]], padding="same", **common)
    return keras.layers.Dense(width, **common)


def trained(name, rate, seed, passes, part):
    """The `training.Run` of a network on a Dataset, with its model."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    network = built(name, part.x_train)
    recipe = dataclasses.replace(RECIPE, learning_rate=rate, epochs=passes, seed=seed)
    return training.train(network, part, recipe, progress=False)


def search(name, rate, count=PICTURES, held_out=HELD_OUT):
    """A shorter training at one rate, tested on training pictures that it does not see."""
    both = data.cifar10().subset(train=count + held_out, test=10, seed=SEARCH_SEED)
    part = dataclasses.replace(
        both,
        x_train=both.x_train[:count],
        y_train=both.y_train[:count],
        x_test=both.x_train[count:],
        y_test=both.y_train[count:],
    )
    run = trained(name, rate, SEARCH_SEED, SEARCH_PASSES, part)
    losses = [round(row["test_loss"], 4) for row in run.history]
    return {"network": name, "learning_rate": rate, "held_out_loss": losses, "stopped": run.stopped}


def best_rate(searched, name):
    """The rate with the lowest cross-entropy on the pictures held out, at the end of its training."""
    tried = [row for row in searched if row["network"] == name and not row["stopped"]]
    return min(tried, key=lambda row: row["held_out_loss"][-1])["learning_rate"]


def measure(name, rate, seed, count=PICTURES, passes=PASSES):
    """Train once; return what the record keeps of it."""
    cifar = data.cifar10()
    # What is watched on the way costs time; the accuracy is taken at the end, on all test pictures.
    run = trained(name, rate, seed, passes, cifar.subset(train=count, test=20, seed=seed))
    right = training.predict(run.model, cifar.x_test).argmax(1) == cifar.y_test
    return {
        "network": name,
        "learning_rate": rate,
        "seed": seed,
        "test_accuracy": round(float(right.mean()), 4),
        "loss": [round(row["loss"], 4) for row in run.history],
        "stopped": run.stopped,
        "date": training.now(),
    }


def chosen_settings():
    """Everything that is chosen here, as the record has it; a record of other settings is begun anew."""
    recipe = dataclasses.asdict(RECIPE)
    chosen = {
        "pictures": PICTURES,
        "passes": PASSES,
        "held_out": HELD_OUT,
        "rates": RATES,
        "search_passes": SEARCH_PASSES,
        "kernels": KERNELS,
        "widths": WIDTHS,
        "networks": NETWORKS,
        "parameters": {name: parameters(name) for name in NETWORKS},
        "recipe": {key: value for key, value in recipe.items() if key not in ("learning_rate", "seed")},
    }
    return json.loads(json.dumps(chosen))


def parameters(name):
    """How many weights and biases a network trains."""
    network = built(name, data.patches10(10, 10).x_train)
    return sum(math.prod(weight.shape) for weight in network.trainable_weights)


def main():
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS
    cifar = data.cifar10()
    settings = chosen_settings()
    old = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    found = {kind: old[kind] if old.get("settings") == settings else [] for kind in ("search", "runs")}

    def keep(kind, row):
        found[kind] = sorted([*found[kind], row], key=_place)
        print({key: value for key, value in row.items() if key != "loss"}, flush=True)
        record = {
            "question": "test accuracy of a small AlexNet in two towers with and without its communication",
            "settings": settings,
            **found,
            "test": len(cifar.x_test),
            "dataset": cifar.provenance,
            "environment": training.environment(),
            "date": training.now(),
        }
        RECORD.write_text(json.dumps(record, indent=1) + "\n")

    searched = {(row["network"], row["learning_rate"]) for row in found["search"]}
    for name, rate in itertools.product(NETWORKS, RATES):
        if (name, rate) not in searched:
            keep("search", search(name, rate))
    done = {(run["network"], run["seed"]) for run in found["runs"]}
    # A whole seed at a time, should the time run out.
    for seed, name in itertools.product(range(seeds), NETWORKS):
        if (name, seed) not in done:
            keep("runs", measure(name, best_rate(found["search"], name), seed))


def _place(row):
    return list(NETWORKS).index(row["network"]), row["learning_rate"], row.get("seed")


if __name__ == "__main__":
    main()
