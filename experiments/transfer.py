"""What is a trained network worth for another task? Its features under a linear classifier, and as a start of training.

The network is cifar10-tower, trained on CIFAR-10. Two tasks that packages carry: patches10 (of which of ten photographs
is this patch?) and digits32 (handwritten digits, enlarged). For each number of labelled examples of a class, drawn
several times:

- linear: logistic regression on pixels and on the features of every layer (`probing.features`), and on four kinds of
  controls: conv3 without places, layers of a network with fresh weights, and columns of equal spread;
- networks: for digits32, the same network trained from scratch, with its fully connected layers tuned on frozen
  convolutions, and after that with all layers tuned.

Penalties and learning rates are chosen on a draw that is not compared, by the accuracy on pictures that were set aside
before anything was drawn. Those of patches10 are other windows of the same parts of the photographs as the training
patches and overlap them, so what is chosen there suits familiar ground; the test patches are from other parts.

Writes assets/records/transfer.json (linear) and transfer-networks.json, read by the chapter on using a trained network.
A second call does what is missing.

    python experiments/transfer.py linear|networks
"""

import dataclasses
import json
import os
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    # Few threads, as it runs beside other work.
    os.environ |= {"TF_NUM_INTRAOP_THREADS": "2", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
from sklearn.linear_model import LogisticRegression

from alexnet import data, layers, model, probing, training

RECORDS = Path(__file__).resolve().parents[1] / "assets" / "records"
NETWORK = "cifar10-tower"
LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5", "pool5", "fc6", "fc7")
PIXELS = "pixels"
TASKS = ("patches10", "digits32")
# Beside the layers themselves: what the comparison of layers could hang on other than their depth and their training.
CONTROLS = (
    "conv3, no places",  # the mean over the whole map: as many numbers as fc6 and fc7
    "conv3, fresh weights",
    "pool5, fresh weights",
    "fc6, fresh weights",
    "fc7, fresh weights",
    "conv3, equal columns",  # each column divided by its own deviation, not all by one length
    "pool5, equal columns",
    "fc6, equal columns",
    "fc7, equal columns",
)
DRAWS, NETWORK_DRAWS, SEARCH_DRAW = 5, 3, 1000
EXAMPLES = (3, 10, 30, 100)  # of each class
PENALTIES = (0.1, 1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6)  # the C of scikit-learn: larger is weaker
# A regression is done when no entry of its gradient is larger. With rows of length one and classes whose means hardly
# differ the entries are small from the start: at 1e-3 some regressions were done where they began.
TOLERANCE, MOST_ITERATIONS = 1e-6, 100_000
WATCHED = {"patches10": 50, "digits32": 20}  # of each class, set aside for choices
NETWORK_TASKS, NETWORK_EXAMPLES, SEARCH_EXAMPLES = ("digits32",), (10, 30, 100), 30
# For each way of training: steps for each number of examples, and the learning rates that are tried.
STEPS = {
    "from scratch": {10: 300, 30: 400, 100: 600},
    "fully connected": {10: 300, 30: 400, 100: 600},
    "all layers": {10: 60, 30: 100, 100: 150},
}
SEARCH_STEPS = {"from scratch": 200, "fully connected": 400, "all layers": 100}
RATES = {"from scratch": (0.01, 0.03), "fully connected": (0.003, 0.01, 0.03), "all layers": (0.003, 0.01)}
RECIPE = training.Recipe(batch_size=16, nesterov=True, flip=False, shift=2, precision="float32")


def task(name):
    """The Dataset of a task: all of its training pictures, and the test pictures."""
    return data.patches10(2500, 1000) if name == "patches10" else data.digits32(500)


def ranked(labels, order):
    """For each place in an order, how many before it have the same label."""
    sorted_labels = labels[order]
    return np.array([np.sum(sorted_labels[:place] == label) for place, label in enumerate(sorted_labels)])


def watched(name, dataset):
    """The numbers of the training pictures that are set aside for choices, equally many of each class."""
    order = np.random.default_rng(SEARCH_DRAW).permutation(len(dataset.y_train))
    return np.sort(order[ranked(dataset.y_train, order) < WATCHED[name]])


def drawn(name, dataset, examples, draw):
    """The numbers of so many training pictures of each class, in random order, none of them set aside."""
    rng = np.random.default_rng([draw, examples])
    order = rng.permutation(np.setdiff1d(np.arange(len(dataset.y_train)), watched(name, dataset)))
    return order[ranked(dataset.y_train, order) < examples]


def fresh(seed):
    """The network for ten new classes with fresh weights, and the trained one's normalisation of pixels."""
    normalize = model.pretrained(NETWORK).get_layer("normalize").get_config()
    return model.build(
        NETWORK,
        preprocessing=keras.layers.Normalization.from_config(normalize),
        initializer="he_normal",
        weight_decay=0.0,
        seed=seed,
        precision="float32",
    )


def represented(dataset, pictures):
    """Rows of numbers by name, for pixels, the features of every layer, and the controls."""
    pictures = pictures.astype("float32")
    trained, untrained = model.pretrained(NETWORK), fresh(0)
    found = {PIXELS: pictures.reshape(len(pictures), -1)} | probing.features(trained, pictures, LAYERS)
    found["conv3, no places"] = probing.features(trained, pictures, ["conv3"], fields=1)["conv3"]
    for name, rows in probing.features(untrained, pictures, ["conv3", "pool5", "fc6", "fc7"]).items():
        found[f"{name}, fresh weights"] = rows
    return found | {name: found[name.split(",")[0]] for name in CONTROLS if name.endswith("equal columns")}


def scaled(what, train, *others):
    """Rows of numbers, less the mean of the first, and all divided by the mean length of its rows.

    For "equal columns" each column is divided by its own deviation before; what never changes stays zero.
    """
    mean = train.mean(0, dtype="float64")
    deviation = train.std(0, dtype="float64") if what.endswith("equal columns") else np.ones(1)
    deviation = np.where(deviation > 1e-6, deviation, np.inf)
    length = np.linalg.norm((train - mean) / deviation, axis=1).mean()
    return [((rows - mean) / deviation / length).astype("float32") for rows in (train, *others)]


def fitted(rows, labels, penalty):
    """Logistic regression with the penalty ||w||^2 / (2 C). RuntimeError: it did not start, or was cut off."""
    regression = LogisticRegression(C=penalty, max_iter=MOST_ITERATIONS, tol=TOLERANCE).fit(rows, labels)
    (iterations,) = regression.n_iter_
    if not 0 < iterations < MOST_ITERATIONS:
        raise RuntimeError(f"logistic regression with C={penalty} ended after {iterations} iterations, before its end")
    return regression


def share_right(what, rows, labels, penalty):
    """The share of the second part that logistic regression on the first gets right; rows, labels: (first, second)."""
    train, judged = scaled(what, *rows)
    return round(float(np.mean(fitted(train, labels[0], penalty).predict(judged) == labels[1])), 4)


def best(accuracies):
    """The setting with the highest accuracy, the first of equals."""
    return float(max(accuracies, key=accuracies.get))


def started(pretrained, seed):
    """The network for ten new classes: with the weights of the trained one, all but the last layer's, or fresh ones."""
    keras.utils.set_random_seed(seed)
    made = fresh(seed)
    if pretrained:
        for layer in model.pretrained(NETWORK).layers:
            if layer.trainable_weights and layer.name != "fc8":
                made.get_layer(layer.name).set_weights(layer.get_weights())
    return made


def learn(network, pictures, labels, rate, steps, seed, augment=True):
    """Train a network for so many steps; returns the mean loss of each tenth of them, dropout and augmentation on.

    augment: whether pictures are shifted on the way, as in `RECIPE`.
    """
    recipe = dataclasses.replace(RECIPE, learning_rate=rate, seed=seed)
    learner = network
    if augment:
        whole = keras.Input(pictures.shape[1:], dtype="uint8")
        changed = layers.Augmentation(recipe.flip, recipe.shift, seed=seed, dtype="float32")
        learner = keras.Model(whole, network(changed(whole)))
    training.compile_for_here(learner, recipe.make_optimizer())
    rng, losses = np.random.default_rng(seed), []
    order = np.concatenate([rng.permutation(len(labels)) for _ in range(1 + steps * recipe.batch_size // len(labels))])
    for step in range(steps):
        chosen = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
        learner.optimizer.learning_rate.assign(recipe.learning_rate_at(step, steps))
        learner.reset_metrics()
        logs = learner.train_on_batch(pictures[chosen], labels[chosen], return_dict=True)
        losses.append(float(logs["cross_entropy"]))
    return [round(float(part.mean()), 3) for part in np.array_split(losses, 10)]


def upper(network):
    """The part of a network from pool5 to the logits, which shares its layers."""
    lowest = network.get_layer("pool5")
    x = inputs = keras.Input(lowest.output.shape[1:])
    for layer in network.layers[network.layers.index(lowest) + 1 :]:
        x = layer(x)
    return keras.Model(inputs, x)


def networks(name, dataset, pool5, examples, draw, rates, judged, steps, ways=tuple(STEPS)):
    """Train in each way on a draw: rows of way, losses, and the shares of training and judged pictures that are right.

    pool5: what pool5 of the trained network gives for all training pictures and for the judged, as rows.
    judged: (pictures, labels). rates, steps: by way.
    """
    chosen = drawn(name, dataset, examples, draw)
    pictures, labels = dataset.x_train[chosen], dataset.y_train[chosen]
    before, behind = (rows.reshape(len(rows), 3, 3, -1) for rows in pool5)
    found = []

    def tune(way, network, seen, given, augment):
        keras.utils.set_random_seed(draw)
        losses = learn(network, seen, labels, rates[way], steps[way], draw, augment)
        known, right = (
            round(float(np.mean(training.predict(network, x).argmax(1) == y)), 4)
            for x, y in ((seen, labels), (given, judged[1]))
        )
        row = {"way": way, "learning_rate": rates[way], "steps": steps[way], "losses": losses}
        found.append(row | {"train_accuracy": known, "accuracy": right})

    keras.backend.clear_session()
    if "from scratch" in ways:
        tune("from scratch", started(False, draw), pictures, judged[0], True)
    if "fully connected" in ways or "all layers" in ways:
        network = started(True, draw)
        tune("fully connected", upper(network), before[chosen], behind, False)
        if "all layers" in ways:
            tune("all layers", network, pictures, judged[0], True)
    return found


def search_rates(name, dataset, before):
    """The accuracy of every learning rate of every way, on the pictures set aside; before: pool5 of all training."""
    aside = watched(name, dataset)
    judged, pool5 = (dataset.x_train[aside], dataset.y_train[aside]), (before, before[aside])
    rates, found = {}, {}
    for way in STEPS:
        found[way] = {}
        for rate in RATES[way]:
            # What is tuned before all layers are is tuned at its own best rate.
            settings = rates | {way: rate}, judged, SEARCH_STEPS
            tried = networks(name, dataset, pool5, SEARCH_EXAMPLES, SEARCH_DRAW, *settings, (way,))
            found[way][str(rate)] = tried[-1]["accuracy"]
            print(name, tried[-1], round(time.process_time()), flush=True)
        rates[way] = best(found[way])
    return found


def chosen_settings(part):
    """Everything that is chosen here for a part, as its record has it; a record of other settings is begun anew."""
    chosen = {"network": NETWORK, "watched": WATCHED, "search_draw": SEARCH_DRAW}
    if part == "linear":
        chosen |= {"layers": LAYERS, "controls": CONTROLS, "examples": EXAMPLES, "penalties": PENALTIES}
        chosen |= {"tolerance": TOLERANCE}
    else:
        chosen |= {
            "examples": NETWORK_EXAMPLES,
            "search_examples": SEARCH_EXAMPLES,
            "search_steps": SEARCH_STEPS,
            "steps": STEPS,
            "rates": RATES,
        }
        chosen |= {"recipe": dataclasses.asdict(RECIPE)}
    return json.loads(json.dumps(chosen))


FILES = {"linear": "transfer.json", "networks": "transfer-networks.json"}
QUESTIONS = {
    "linear": "accuracy on another task of pixels and of features of each layer, under logistic regression",
    "networks": "accuracy on another task of the network from scratch, and tuned in its upper part and in all layers",
}


def measure_linear(tasks, found, keep):
    """Fill the lists "penalties" and "linear" with what is missing."""
    for name, dataset in tasks.items():
        train, test = (represented(dataset, x) for x in (dataset.x_train, dataset.x_test))
        aside = watched(name, dataset)
        for what in train:
            for examples in EXAMPLES:
                key = {"task": name, "features": what, "examples": examples}
                if not any(row.items() >= key.items() for row in found["penalties"]):
                    chosen = drawn(name, dataset, examples, SEARCH_DRAW)
                    rows, labels = (
                        [part[where] for where in (chosen, aside)] for part in (train[what], dataset.y_train)
                    )
                    tried = {str(penalty): share_right(what, rows, labels, penalty) for penalty in PENALTIES}
                    found["penalties"].append(key | {"accuracy": tried})
                row = next(row for row in found["penalties"] if row.items() >= key.items())
                penalty = best(row["accuracy"])
                for draw in range(DRAWS):
                    if any(row.items() >= (key | {"draw": draw}).items() for row in found["linear"]):
                        continue
                    chosen = drawn(name, dataset, examples, draw)
                    rows, labels = (train[what][chosen], test[what]), (dataset.y_train[chosen], dataset.y_test)
                    right = share_right(what, rows, labels, penalty)
                    found["linear"].append(key | {"draw": draw, "penalty": penalty, "accuracy": right})
            print(name, what, found["linear"][-1], round(time.process_time()), flush=True)
        keep()


def measure_networks(tasks, found, keep):
    """Fill the dict "rates" and the list "networks" with what is missing."""
    trained = model.pretrained(NETWORK)
    for name, dataset in tasks.items():
        pool5 = [
            probing.features(trained, x.astype("float32"), ["pool5"])["pool5"]
            for x in (dataset.x_train, dataset.x_test)
        ]
        if name not in found["rates"]:
            found["rates"][name] = search_rates(name, dataset, pool5[0])
            keep()
        rates = {way: best(tried) for way, tried in found["rates"][name].items()}
        for draw in range(NETWORK_DRAWS):
            for examples in NETWORK_EXAMPLES:
                key = {"task": name, "examples": examples, "draw": draw}
                there = {row["way"] for row in found["networks"] if row.items() >= key.items()}
                ways = tuple(way for way in STEPS if way not in there)
                if ways:
                    steps, judged = {way: STEPS[way][examples] for way in STEPS}, (dataset.x_test, dataset.y_test)
                    rows = networks(name, dataset, pool5, examples, draw, rates, judged, steps, ways)
                    found["networks"] += [key | row for row in rows if row["way"] in ways]
                    print(*found["networks"][-len(ways) :], round(time.process_time()), sep="\n", flush=True)
                    keep()


def main():
    (part,) = sys.argv[1:]
    settings, path = chosen_settings(part), RECORDS / FILES[part]
    old = json.loads(path.read_text()) if path.exists() else {}
    kinds = {"linear": {"penalties": [], "linear": []}, "networks": {"rates": {}, "networks": []}}[part]
    found = {kind: old[kind] if old.get("settings") == settings else empty for kind, empty in kinds.items()}
    spent = old["cpu_seconds"] if old.get("settings") == settings else 0
    tasks = {name: task(name) for name in (TASKS if part == "linear" else NETWORK_TASKS)}

    def keep():
        record = {
            "question": QUESTIONS[part],
            "settings": settings,
            **found,
            "tasks": {name: {"dataset": one.provenance, "test": len(one.y_test)} for name, one in tasks.items()},
            "cpu_seconds": round(spent + time.process_time()),
            "environment": training.environment(),
            "date": training.now(),
        }
        path.write_text(json.dumps(record, indent=1) + "\n")

    {"linear": measure_linear, "networks": measure_networks}[part](tasks, found, keep)


if __name__ == "__main__":
    main()
