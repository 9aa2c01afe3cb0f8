"""How often does the widely copied recipe fail to start learning, and what cures it?

Writes assets/records/stuck-recipe.json: for every seed of the recipe and of each cure, the losses of the steps and the
step at which it had begun to learn, if it did. Read by the chapter "Train AlexNet on CIFAR-10".

    ALEXNET_DATA=... python experiments/stuck_recipe.py [--steps 1000] [--seeds 10] [--cure-seeds 4]
"""

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

from alexnet import data, model, training

RECORD = Path(__file__).resolve().parents[1] / "assets" / "records" / "stuck-recipe.json"
LEARNING = 2.2  # nats; guessing gives ln 10 = 2.303
WINDOW = 100

VARIANTS = {
    "the recipe": {"optimizer": "adam", "learning_rate": 0.001, "initializer": "glorot_uniform"},
    "Adam at 0.0003": {"optimizer": "adam", "learning_rate": 0.0003, "initializer": "glorot_uniform"},
    "He initialisation": {"optimizer": "adam", "learning_rate": 0.001, "initializer": "he_normal"},
    "SGD at 0.01": {"optimizer": "sgd", "learning_rate": 0.01, "initializer": "glorot_uniform"},
}


def attempt(cifar, seed, steps, optimizer, learning_rate, initializer, batch_size=32):
    """Losses of the steps, until the mean over WINDOW steps is below LEARNING or `steps` are done."""
    keras.utils.set_random_seed(seed)
    network = model.build("cifar10", initializer=initializer, seed=seed, precision="float32")
    kinds = {"adam": keras.optimizers.Adam, "sgd": keras.optimizers.SGD}
    training.compile_for_here(network, kinds[optimizer](learning_rate))
    rng = np.random.default_rng(seed)
    order = np.concatenate(
        [rng.permutation(len(cifar.x_train)) for _ in range(1 + steps * batch_size // len(cifar.x_train))]
    )
    losses = []
    for step in range(steps):
        chosen = order[step * batch_size : (step + 1) * batch_size]
        pictures = cifar.x_train[chosen].astype("float64") / 255
        network.reset_metrics()
        losses.append(float(network.train_on_batch(pictures, cifar.y_train[chosen], return_dict=True)["loss"]))
        if len(losses) >= WINDOW and np.mean(losses[-WINDOW:]) < LEARNING:
            break
    return losses


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--cure-seeds", type=int, default=4)
    options = parser.parse_args()
    cifar = data.cifar10()
    began = time.monotonic()
    results = {name: [] for name in VARIANTS}
    for name, variant in VARIANTS.items():
        for seed in range(options.seeds if name == "the recipe" else options.cure_seeds):
            losses = attempt(cifar, seed, options.steps, **variant)
            learned = len(losses) < options.steps or np.mean(losses[-WINDOW:]) < LEARNING
            results[name].append(
                {
                    "seed": seed,
                    "learned_by_step": len(losses) if learned else None,
                    "losses": [round(x, 4) for x in losses],
                }
            )
            print(
                name,
                "seed",
                seed,
                "learned by step",
                results[name][-1]["learned_by_step"],
                "last loss",
                np.mean(losses[-WINDOW:]).round(4),
                flush=True,
            )
            record = {
                "question": "does the mean training loss over 100 steps fall below 2.2 within the steps allowed?",
                "steps": options.steps,
                "batch_size": 32,
                "threshold": LEARNING,
                "window": WINDOW,
                "variants": VARIANTS,
                "results": results,
                "dataset": cifar.provenance,
                "seconds": round(time.monotonic() - began, 1),
                "environment": training.environment(),
                "date": training.now(),
            }
            RECORD.write_text(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
