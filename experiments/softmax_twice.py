"""What happens to a training in which softmax is applied twice, once in the model and once in the loss?

Writes assets/records/softmax-twice.json: test accuracy, cross-entropy and confidence of small networks trained with
the right loss and with the doubled one, by two optimizers, over several seeds; and whether Keras, on each of its
backends, undoes the mistake when a model ends in a softmax layer and its loss is told `from_logits=True`.
Read by the chapter on softmax and cross-entropy.

    python experiments/softmax_twice.py
"""

import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
from keras import ops

from alexnet import data, model, training
from alexnet.architecture import Architecture, Dense

RECORD = Path(__file__).resolve().parents[1] / "assets" / "records" / "softmax-twice.json"
# The loss is the subject, so the network is the cheapest that learns something: it allows many seeds.
NETWORK = Architecture(
    "two-layers", "two fully connected layers", (32, 32, 3), [Dense("fc1", 256), Dense("fc2", 10, None)]
)
PASSES, SEEDS, BATCH = 3, 3, 128
OPTIMIZERS = {
    "SGD at 0.001": lambda: keras.optimizers.SGD(0.001, momentum=0.9),
    "SGD at 0.01": lambda: keras.optimizers.SGD(0.01, momentum=0.9),
    "Adam at 0.001": lambda: keras.optimizers.Adam(0.001),
}
BACKENDS = ("tensorflow", "jax", "torch")


def once(labels, logits):
    return keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)


def twice(labels, logits):
    # Written out: from ops.softmax Keras would take the logits back (see `loss_of_the_mistake`).
    probabilities = ops.exp(logits - ops.logsumexp(logits, axis=-1, keepdims=True))
    return keras.losses.sparse_categorical_crossentropy(labels, probabilities, from_logits=True)


LOSSES = {"once": once, "twice": twice}


def trained(cifar, optimizer, loss, seed):
    """One training: the loss that it reports, and what the network is worth on the test pictures, after every pass."""
    keras.utils.set_random_seed(seed)
    pixels = data.normalization(cifar.x_train)
    network = model.build(NETWORK, preprocessing=pixels, initializer="he_normal", weight_decay=0, seed=seed)
    network.compile(OPTIMIZERS[optimizer](), loss=LOSSES[loss], jit_compile=False, steps_per_execution=30)
    rows = []
    for _ in range(PASSES):
        history = network.fit(cifar.x_train, cifar.y_train, batch_size=BATCH, epochs=1, verbose=0)
        logits = training.predict(network, cifar.x_test, batch_size=2000).astype("float64")
        logs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
        true = logs[np.arange(len(logs)), cifar.y_test]
        numbers = {
            "reported_loss": history.history["loss"][0],
            "test_accuracy": (logs.argmax(axis=1) == cifar.y_test).mean(),
            "test_cross_entropy": -true.mean(),
            "test_confidence": np.exp(logs.max(axis=1)).mean(),
        }
        rows.append({name: round(float(number), 4) for name, number in numbers.items()})
    return {"seed": seed, "passes": rows}


def loss_of_the_mistake():
    """The loss that Keras computes for a softmax layer and `from_logits=True`, where the logits are 5 and nine zeros.

    With one softmax it is ln(e^5 + 9) for any of the nine; with two it lies below 2.5.
    """
    softmax = keras.layers.Dense(10, activation="softmax", kernel_initializer="identity")
    network = keras.Sequential([keras.Input((10,)), softmax])
    network.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        loss = network.train_on_batch(5.0 * np.eye(10, dtype="float32")[:1], np.array([3]))
    return {"loss": round(float(loss), 4), "warned": any("from_logits" in str(warning.message) for warning in seen)}


def on_backends():
    results = {}
    for backend in BACKENDS:
        environment = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [sys.executable, __file__, "mistake"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        results[backend] = json.loads(done.stdout.splitlines()[-1])
    return results


def main():
    cifar, began = data.cifar10(), time.monotonic()
    results = {optimizer: {loss: [] for loss in LOSSES} for optimizer in OPTIMIZERS}
    backends = on_backends()
    print(backends, flush=True)
    for seed in range(SEEDS):
        for optimizer in OPTIMIZERS:
            for loss in LOSSES:
                results[optimizer][loss].append(trained(cifar, optimizer, loss, seed))
                print(optimizer, loss, seed, results[optimizer][loss][-1]["passes"][-1], flush=True)
                keras.utils.clear_session()
        record = {
            "question": "what does a second softmax, in the loss, do to a training?",
            "network": {"layers": "256 ReLU units, 10 outputs", "parameters": NETWORK.parameters},
            "passes": PASSES,
            "batch_size": BATCH,
            "results": results,
            "softmax_layer_and_from_logits": backends,
            "dataset": cifar.provenance,
            "seconds": round(time.monotonic() - began, 1),
            "environment": training.environment(),
            "date": training.now(),
        }
        RECORD.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    if sys.argv[1:] == ["mistake"]:
        print(json.dumps(loss_of_the_mistake()))
    else:
        main()
