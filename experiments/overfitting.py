"""How far apart are training and test accuracy, and is that due to the number of pictures or of passes?

The small AlexNet of experiments/ablations.py with neither of AlexNet's remedies (dropout, augmentation), on three
numbers of pictures by three numbers of passes over them, so that the one can be changed without the other. Both go up
in fours: cells on a diagonal have equally many steps. Two corners are left out: the fewest pictures in the fewest
passes are 20 steps, in which nothing is learned, and the most in the most would take longer than all other cells
together. With both remedies the network is not trained here: it learns so much more slowly (see the curves of the
ablations) that in so few steps a small gap would say nothing.

The rate is the one that the search in assets/records/ablations.json found, for 2,000 pictures in 10 passes at a
constant rate; here it starts a schedule with two drops, on other numbers of pictures and passes, where another rate
may be better. Each seed draws its own training pictures; the test pictures are the same for all.
Writes assets/records/overfitting.json, read by the chapter on advantages and disadvantages: the accuracy on training
and test pictures as they are (their middle windows), and on the test over the paper's ten windows. A second call does
what is missing, one seed after the other.

    python experiments/overfitting.py [SEEDS]
"""

import dataclasses
import itertools
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
SIZES, PASSES, SEEDS = (500, 2000, 8000), (2, 8, 32), 3
LEFT_OUT = ((500, 2), (8000, 32))
VARIANT = "no augmentation, no dropout"
# (pictures, passes) of each training.
PLACES = tuple((n, p) for n in SIZES for p in PASSES if (n, p) not in LEFT_OUT)
WATCHED, TESTED = 4000, 2000


def rate():
    """The learning rate, from the search of the ablations."""
    return ablations.best_rate(training.record("ablations")["search"], VARIANT)


def accuracy(inner, pictures, labels):
    """Share of pictures whose middle window is classified rightly."""
    edge = (pictures.shape[1] - ablations.CROP) // 2
    windows = pictures[:, edge:-edge, edge:-edge]
    return round(float(np.mean(training.predict(inner, windows).argmax(1) == labels)), 4)


def measure(count, passes, seed):
    """Train once; return what the record keeps of it."""
    cifar = data.cifar10()
    # What is watched on the way costs time; the accuracies are taken at the end.
    part = cifar.subset(train=count, test=20, seed=seed)
    run, inner = ablations.trained(VARIANT, rate(), seed, passes, ablations.RECIPE.schedule, part)
    test = cifar.subset(train=20, test=min(TESTED, len(cifar.x_test)))
    middle, ten = ablations.accuracies(inner, test.x_test, test.y_test)
    return {
        "variant": VARIANT,
        "pictures": count,
        "passes": passes,
        "seed": seed,
        "learning_rate": rate(),
        "steps": passes * count // ablations.RECIPE.batch_size,
        "train_accuracy": accuracy(inner, part.x_train[:WATCHED], part.y_train[:WATCHED]),
        "test_accuracy": middle,
        "ten_crops": ten,
        "loss": [round(row["loss"], 4) for row in run.history],
        "stopped": run.stopped,
        "date": training.now(),
    }


def chosen_settings():
    """Everything that is chosen here, as the record has it; a record of other settings is begun anew."""
    recipe = dataclasses.asdict(ablations.RECIPE)
    chosen = {
        "sizes": SIZES,
        "passes": PASSES,
        "places": PLACES,
        "batch_size": recipe["batch_size"],
        "variant": VARIANT,
        "learning_rate": rate(),
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
    done = {_place(run) for run in runs}
    # A whole seed at a time, should the time run out.
    for seed, (count, passes) in itertools.product(range(seeds), PLACES):
        if (count, passes, seed) in done:
            continue
        runs.append(measure(count, passes, seed))
        print({key: value for key, value in runs[-1].items() if key != "loss"}, flush=True)
        runs.sort(key=_place)
        record = {
            "question": "training and test accuracy of a small AlexNet against the numbers of pictures and of passes",
            "settings": settings,
            "runs": runs,
            "dataset": data.cifar10().provenance,
            "environment": training.environment(),
            "date": training.now(),
        }
        RECORD.write_text(json.dumps(record, indent=1) + "\n")


def _place(run):
    return run["pictures"], run["passes"], run["seed"]


if __name__ == "__main__":
    main()
