"""Trains the network that the feature-map explorer looks into, and keeps what it was after every pass.

Writes assets/records/cifar10-tower.json (how it was trained, and how well it does) and, for
`tools/explorer_assets.py`, the weights after every pass in _build/cifar10-tower. A second call goes on where the first
stopped.

    python experiments/cifar10_tower.py
"""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from alexnet import data, training

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "assets" / "records" / "cifar10-tower.json"
PASSES = ROOT / "_build" / "cifar10-tower"
RECIPE = training.Recipe(epochs=16)


def main():
    def keep(row, model):
        model.save_weights(PASSES / f"pass-{row['epoch']}.weights.h5")
        print({name: row[name] for name in ("epoch", "accuracy", "test_accuracy")}, flush=True)

    PASSES.mkdir(parents=True, exist_ok=True)
    run = training.train(
        "cifar10-tower", data.cifar10(), RECIPE, checkpoint=PASSES / "state", progress=False, on_epoch=keep
    )
    run.save(RECORD)
    print(run)


if __name__ == "__main__":
    main()
