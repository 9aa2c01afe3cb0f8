"""How far apart are training and test accuracy, if there is more or less to learn from?

The small AlexNet of experiments/ablations.py, with both of AlexNet's remedies (dropout and augmentation) and with
neither, on 500 to 8,000 pictures. All trainings have the same number of steps, so that a network with fewer pictures
sees each of them more often; the rates are those that the search in assets/records/ablations.json found. Each seed
draws its own training pictures. Writes assets/records/overfitting.json, read by the chapter on advantages and
disadvantages: the accuracy on training and test pictures as they are (their middle windows). A second call does what
is missing.

    python experiments/overfitting.py [SEEDS]
"""

import dataclasses
import json
import os
import sys
from pathlib import Path

# One core only, so that it can run beside other work.
os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(Path(__file__).resolve().parent))

import ablations
import numpy as np

from alexnet import data, training

RECORD = Path(__file__).resolve().parents[1] / "assets" / "records" / "overfitting.json"
SIZES, STEPS, SEEDS = (500, 1000, 2000, 4000, 8000), 480, 3
VARIANTS = ("no augmentation, no dropout", "all")
WATCHED, TESTED = 500, 4000


def passes(count):
    """Passes over so many pictures that make STEPS steps."""
    return STEPS * ablations.RECIPE.batch_size // count


def rate(name):
    """The learning rate of a variant, from the search of the ablations."""
    return ablations.best_rate(training.record("ablations")["search"], name)


def accuracy(inner, pictures, labels):
    """Share of pictures whose middle window is classified rightly."""
    edge = (pictures.shape[1] - ablations.CROP) // 2
    windows = pictures[:, edge:-edge, edge:-edge]
    return round(float(np.mean(training.predict(inner, windows).argmax(1) == labels)), 4)


def measure(name, count, seed):
    """Train once; return what the record keeps of it."""
    cifar = data.cifar10()
    # What is watched on the way costs time; the accuracies are taken at the end.
    part = cifar.subset(train=count, test=20, seed=seed)
    run, inner = ablations.trained(name, rate(name), seed, passes(count), ablations.RECIPE.schedule, part)
    test = cifar.subset(train=20, test=min(TESTED, len(cifar.x_test)))
    return {
        "variant": name,
        "pictures": count,
        "seed": seed,
        "learning_rate": rate(name),
        "passes": passes(count),
        "train_accuracy": accuracy(inner, part.x_train[:WATCHED], part.y_train[:WATCHED]),
        "test_accuracy": accuracy(inner, test.x_test, test.y_test),
        "loss": [round(row["loss"], 4) for row in run.history],
        "stopped": run.stopped,
        "date": training.now(),
    }


def chosen_settings():
    """Everything that is chosen here, as the record has it; a record of other settings is begun anew."""
    recipe = dataclasses.asdict(ablations.RECIPE)
    chosen = {
        "sizes": SIZES,
        "steps": STEPS,
        "batch_size": recipe["batch_size"],
        "variants": VARIANTS,
        "rates": {name: rate(name) for name in VARIANTS},
        "watched": WATCHED,
        "tested": TESTED,
        "crop": ablations.CROP,
        "shape": dataclasses.asdict(ablations.SHAPE),
        "recipe": {key: value for key, value in recipe.items() if key not in ("epochs", "learning_rate", "seed")},
        "parameters": ablations.network().parameters,
    }
    return json.loads(json.dumps(chosen))


def main():
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS
    old = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    settings = chosen_settings()
    runs = old["runs"] if old.get("settings") == settings else []
    done = {(run["seed"], run["variant"], run["pictures"]) for run in runs}
    # The ends first: they say most, should the time run out.
    order = sorted(SIZES, key=lambda count: count not in (min(SIZES), max(SIZES)))
    todo = [(seed, name, count) for seed in range(seeds) for count in order for name in VARIANTS]
    for seed, name, count in todo:
        if (seed, name, count) in done:
            continue
        runs.append(measure(name, count, seed))
        print({key: value for key, value in runs[-1].items() if key != "loss"}, flush=True)
        runs.sort(key=lambda run: (VARIANTS.index(run["variant"]), run["pictures"], run["seed"]))
        record = {
            "question": "training and test accuracy of a small AlexNet against the number of training pictures",
            "settings": settings,
            "runs": runs,
            "dataset": data.cifar10().provenance,
            "environment": training.environment(),
            "date": training.now(),
        }
        RECORD.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
