"""What does each trick of twelve years give? Every rung of `alexnet.ladder`, several seeds each.

Writes assets/records/ladder.json, read by the chapter "Twelve years of tricks, one at a time": for every rung and seed
the test accuracy after each pass and at the end, of the pictures as they are, with their mirror images, and moved as
well (`training.predict`; runs before 2026-11-30 lack the last); and the accuracy after trainings of other lengths.
Seconds are not taken here, where trainings share the machine with whatever else runs: `make bench` measures the
pictures a second of every rung, alone and in turn.
A second call does what is missing, and again what has changed.

    python experiments/ladder.py [SEEDS [NAME ...]]        all, or those of these names
"""

import dataclasses
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

from alexnet import data, ladder, training

RECORD = Path(__file__).resolve().parents[1] / "assets" / "records" / "ladder.json"
SEEDS = 3
TRAININGS = [*ladder.RUNGS, *ladder.ASIDES]


def measure(rung, seed, cifar):
    """Train once; return what the record keeps of it."""
    keras.backend.clear_session()
    run = training.train(rung.network, cifar, dataclasses.replace(rung.recipe, seed=seed), progress=False)
    accuracy = {
        judged: round(float(np.mean(training.predict(run.model, cifar.x_test, versions).argmax(1) == cifar.y_test)), 4)
        for versions, judged in ladder.JUDGED.items()
    }
    return {
        "seed": seed,
        "precision": run.network["precision"],
        "test_accuracy": [round(row["test_accuracy"], 4) for row in run.history],
        "train_accuracy": [round(row["accuracy"], 4) for row in run.history],
        "stopped": run.stopped,
        **accuracy,
        "device": run.environment["device"],
        "date": training.now(),
    }


def main():
    cifar = data.cifar10()
    old = {row["name"]: row for row in json.loads(RECORD.read_text())["rows"]} if RECORD.exists() else {}
    rows = []
    for rung in TRAININGS:
        row = {"name": rung.name, "settings": json.loads(json.dumps(rung.settings()))}
        same = [other for other in old.values() if _trained(other) == _trained(row)]
        rows.append(
            row
            | {"parameters": rung.network.parameters, "macs": rung.network.macs}
            | {"runs": same[0]["runs"] if same else []}
        )
    seeds, asked = int(sys.argv[1]) if sys.argv[1:] else SEEDS, sys.argv[2:]
    todo = [(seed, rung, row) for seed in range(seeds) for rung, row in zip(TRAININGS, rows, strict=True)]
    unknown = set(asked) - {rung.name for rung in TRAININGS}
    if unknown:
        sys.exit(f"The ladder has no {', '.join(sorted(unknown))}.")
    # First the rungs, and the long trainings last.
    for seed, rung, row in sorted(todo, key=lambda job: (job[1].recipe.epochs > 3, job[1] in ladder.ASIDES, job[0])):
        if any(run["seed"] == seed for run in row["runs"]) or (asked and rung.name not in asked):
            continue
        twin = next((r for r in rows if r is not row and _trained(r) == _trained(row) and len(r["runs"]) > seed), None)
        row["runs"] = [*row["runs"], twin["runs"][seed] if twin else measure(rung, seed, cifar)]
        print(rung.name, row["runs"][-1], flush=True)
        record = {
            "question": "test accuracy of every rung of the ladder, and of the last one trained longer and shorter",
            "rows": rows,
            "train": len(cifar.x_train),
            "test": len(cifar.x_test),
            "dataset": cifar.provenance,
            "environment": training.environment(),
            "date": training.now(),
        }
        RECORD.write_text(json.dumps(record, indent=1) + "\n")


def _trained(row):
    """The settings that decide the training; how it is judged may change without another."""
    return {key: value for key, value in row["settings"].items() if key != "versions"}


if __name__ == "__main__":
    main()
