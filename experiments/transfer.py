"""What are a trained network's features worth for another task, layer by layer, under a linear classifier?

The network is cifar10-tower, trained on CIFAR-10. Two tasks that packages carry: patches10 (of which of ten photographs
is this patch?) and digits32 (handwritten digits, enlarged). For each number of labelled examples of a class, drawn
several times: logistic regression on pixels and on the features of every layer (`probing.features`). The strength of
its penalty is chosen once for each, on a draw that is not compared and on training pictures outside it.

Writes assets/records/transfer.json, read by the chapter on using a trained network. A second call does what is missing.

    python experiments/transfer.py [DRAWS]
"""

import json
import os
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    # One thread, as it runs beside other work.
    os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from sklearn.linear_model import LogisticRegression

from alexnet import data, model, probing, training

RECORD = Path(__file__).resolve().parents[1] / "assets" / "records" / "transfer.json"
NETWORK = "cifar10-tower"
LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5", "pool5", "fc6", "fc7")
PIXELS = "pixels"
TASKS = ("patches10", "digits32")
DRAWS, SEARCH_DRAW = 5, 1000
EXAMPLES = (3, 10, 30, 100)  # of each class
PENALTIES = (1.0, 10.0, 100.0, 1000.0)  # the C of scikit-learn: larger is weaker
WATCHED = 500  # pictures outside a draw that a choice is made on


def task(name):
    """The Dataset of a task: all of its training pictures, and the test pictures."""
    return data.patches10(2500, 1000) if name == "patches10" else data.digits32(500)


def drawn(dataset, examples, draw):
    """The numbers of so many training pictures of each class, and of the others, both in random order."""
    rng = np.random.default_rng([draw, examples])
    order = rng.permutation(len(dataset.y_train))
    labels = dataset.y_train[order]
    rank = np.zeros(len(order), int)
    for label in range(len(dataset.class_names)):
        of_it = labels == label
        rank[of_it] = np.arange(of_it.sum())
    return order[rank < examples], order[rank >= examples]


def represented(dataset):
    """Pixels and the features of every layer, of training and test pictures: {name: (train, test)}."""
    network, found = model.pretrained(NETWORK), {}
    for part, pictures in (("train", dataset.x_train), ("test", dataset.x_test)):
        pictures = pictures.astype("float32")
        found[part] = {PIXELS: pictures.reshape(len(pictures), -1)} | probing.features(network, pictures, LAYERS)
    return {name: (found["train"][name], found["test"][name]) for name in found["test"]}


def scaled(train, *others):
    """Rows of numbers, less the mean of the first, and all divided by the mean length of its rows."""
    mean = train.mean(0, dtype="float64")
    length = np.linalg.norm(train - mean, axis=1).mean()
    return [((rows - mean) / length).astype("float32") for rows in (train, *others)]


def fitted(rows, labels, penalty):
    """Logistic regression with the penalty ||w||^2 / (2 C)."""
    return LogisticRegression(C=penalty, max_iter=1000, tol=1e-3).fit(rows, labels)


def linear(dataset, features, examples, draw, penalty):
    """The test accuracy of logistic regression on a draw."""
    chosen, _ = drawn(dataset, examples, draw)
    train, test = scaled(features[0][chosen], features[1])
    return float(np.mean(fitted(train, dataset.y_train[chosen], penalty).predict(test) == dataset.y_test))


def searched(dataset, features, examples):
    """The accuracy of every penalty, on training pictures outside the draw of the search."""
    chosen, others = drawn(dataset, examples, SEARCH_DRAW)
    train, watched = scaled(features[0][chosen], features[0][others[:WATCHED]])
    labels = dataset.y_train[others[:WATCHED]]
    return {
        str(penalty): round(
            float(np.mean(fitted(train, dataset.y_train[chosen], penalty).predict(watched) == labels)), 4
        )
        for penalty in PENALTIES
    }


def best(accuracies):
    """The setting with the highest accuracy, the first of equals."""
    return float(max(accuracies, key=accuracies.get))


def chosen_settings():
    """Everything that is chosen here, as the record has it; a record of other settings is begun anew."""
    chosen = {
        "network": NETWORK,
        "layers": LAYERS,
        "examples": EXAMPLES,
        "penalties": PENALTIES,
        "search_draw": SEARCH_DRAW,
        "watched": WATCHED,
    }
    return json.loads(json.dumps(chosen))


def main():
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else DRAWS
    settings = chosen_settings()
    old = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    kinds = ("penalties", "linear")
    found = {kind: old[kind] if old.get("settings") == settings else [] for kind in kinds}
    spent = old["cpu_seconds"] if old.get("settings") == settings else 0

    def keep():
        record = {
            "question": "accuracy on another task of pixels and of features of each layer, under logistic regression",
            "settings": settings,
            **found,
            "tasks": {name: {"dataset": one.provenance, "test": len(one.y_test)} for name, one in tasks.items()},
            "cpu_seconds": round(spent + time.process_time()),
            "environment": training.environment(),
            "date": training.now(),
        }
        RECORD.write_text(json.dumps(record, indent=1) + "\n")

    tasks = {name: task(name) for name in TASKS}
    for name, dataset in tasks.items():
        features = represented(dataset)
        for what in features:
            for examples in EXAMPLES:
                key = {"task": name, "features": what, "examples": examples}
                if not any(row.items() >= key.items() for row in found["penalties"]):
                    found["penalties"].append(key | {"accuracy": searched(dataset, features[what], examples)})
                row = next(row for row in found["penalties"] if row.items() >= key.items())
                penalty = best(row["accuracy"])
                for draw in range(draws):
                    if not any(row.items() >= (key | {"draw": draw}).items() for row in found["linear"]):
                        accuracy = linear(dataset, features[what], examples, draw, penalty)
                        found["linear"].append(key | {"draw": draw, "penalty": penalty, "accuracy": round(accuracy, 4)})
            print(name, what, found["linear"][-1], round(time.process_time()), flush=True)
        keep()


if __name__ == "__main__":
    main()
