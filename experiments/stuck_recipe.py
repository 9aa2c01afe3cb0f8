"""How often does the widely copied recipe fail to start learning, and what cures it?

Writes assets/records/stuck-recipe.json: for every seed of the recipe and of each change to it, the step at which it had
begun to learn, if it did. Read by the chapter "Train AlexNet on CIFAR-10". A second call does what is still missing.

    python experiments/stuck_recipe.py
"""

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

GLOROT, HE = "glorot_uniform", "he_normal"
# Plain gradient descent starts slowly, so it is given more steps.
VARIANTS = {
    "the recipe": {"optimizer": "adam", "learning_rate": 0.001, "initializer": GLOROT, "steps": 1000, "seeds": 10},
    "Adam at 0.0003": {"optimizer": "adam", "learning_rate": 0.0003, "initializer": GLOROT, "steps": 1000, "seeds": 10},
    "He weights": {"optimizer": "adam", "learning_rate": 0.001, "initializer": HE, "steps": 1000, "seeds": 8},
    "He, Adam 0.0003": {"optimizer": "adam", "learning_rate": 0.0003, "initializer": HE, "steps": 1000, "seeds": 10},
    "SGD at 0.01": {"optimizer": "sgd", "learning_rate": 0.01, "initializer": GLOROT, "steps": 2000, "seeds": 2},
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
    cifar = data.cifar10()
    began = time.monotonic()
    old = json.loads(RECORD.read_text()) if RECORD.exists() else {"variants": {}, "results": {}, "seconds": 0}
    results = {
        name: old["results"].get(name, []) if old["variants"].get(name) == VARIANTS[name] else [] for name in VARIANTS
    }
    todo = [(name, seed) for name, variant in VARIANTS.items() for seed in range(len(results[name]), variant["seeds"])]
    for name, seed in sorted(todo, key=lambda job: (VARIANTS[job[0]]["steps"], VARIANTS[job[0]]["learning_rate"])):
        settings = {key: value for key, value in VARIANTS[name].items() if key != "seeds"}
        losses = attempt(cifar, seed, **settings)
        learned = np.mean(losses[-WINDOW:]) < LEARNING
        results[name].append(
            {
                "seed": seed,
                "learned_by_step": len(losses) if learned else None,
                "steps": len(losses),
                "last_loss": round(float(np.mean(losses[-WINDOW:])), 4),
            }
        )
        print(name, results[name][-1], flush=True)
        record = {
            "question": f"does the mean loss over {WINDOW} steps fall below {LEARNING} within the steps allowed?",
            "batch_size": 32,
            "threshold": LEARNING,
            "window": WINDOW,
            "variants": VARIANTS,
            "results": results,
            "dataset": cifar.provenance,
            "seconds": round(old["seconds"] + time.monotonic() - began, 1),
            "environment": training.environment(),
            "date": training.now(),
        }
        RECORD.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
