"""What tests/test_distributed.py runs in processes of its own: trainings one after the other, described as JSON.

Each is a dict of the arguments of `outcome`, or {"look": true}. Prints one JSON object: a list of what came out.
"""

import dataclasses
import json
import os
import signal
import sys

import keras
import numpy as np

from alexnet import data, distributed, model, training
from alexnet.architecture import Architecture, Conv, Dense, Dropout, Pool

RECIPE = training.Recipe(epochs=3, batch_size=50, learning_rate=0.02, precision="float32", seed=5)


def network(noise, units=16):
    """Small, because what is measured is the exchange between devices."""
    specs = [Conv("conv1", 8, 4, stride=4), Pool("pool1", 2, 2), Dense("fc2", units), Dense("fc3", 10, None)]
    if noise:
        specs.insert(3, Dropout("drop2", 0.5))
    return Architecture("small", "one convolution", (32, 32, 3), specs)


def pictures():
    """200 to learn from, and an odd number to test on, which no two devices can share equally."""
    patches = data.patches10(200, 100)
    odd = slice(None if keras.backend.backend() == "jax" else 99)
    return dataclasses.replace(patches, x_test=patches.x_test[odd], y_test=patches.y_test[odd])


def recipe(noise, changes):
    quiet = {} if noise else {"flip": False, "shift": 0}
    return dataclasses.replace(RECIPE, **quiet, **changes)


def kill_before(batch):
    done, rate_at = 0, training.Recipe.learning_rate_at

    def until_killed(*settings):
        nonlocal done
        if done == batch:
            os.kill(os.getpid(), signal.SIGKILL)
        done += 1
        return rate_at(*settings)

    training.Recipe.learning_rate_at = until_killed


def outcome(strategy=None, noise=False, units=16, recipe_changes=None, checkpoint=None, kill_at=None):
    """Losses of the epochs, weights and optimizer state of one training, and what its record says of its devices.

    noise: dropout and augmentation on. units: of fc2. checkpoint: a folder. kill_at: the batch, counted over all
    epochs, before which this process kills itself.
    """
    if kill_at is not None:
        kill_before(kill_at)
    run = training.train(
        network(noise, units),
        pictures(),
        recipe(noise, recipe_changes or {}),
        strategy=strategy,
        checkpoint=checkpoint,
        progress=False,
    )
    devices = 1
    if keras.backend.backend() == "jax":
        devices = len(run.model.weights[0].value.sharding.device_set)
    state = [*run.model.weights, *run.model.optimizer.variables]
    return {
        "losses": [[row["loss"], row["test_loss"], row["accuracy"], row["test_accuracy"]] for row in run.history],
        "state": np.concatenate([np.ravel(keras.ops.convert_to_numpy(part)) for part in state]).tolist(),
        "devices of a weight": devices,
        "record": {key: run.environment.get(key) for key in ("strategy", "devices", "workers")},
    }


def looked_into():
    """Of a batch of 50 in training and of 99 pictures in the test, how many all replicas together saw, for each of the
    metrics; and the seeds of each replica's random generators.
    """
    pixels, engine = pictures(), distributed.engine("mirrored")
    with engine.scope():
        net = training.compile_for_here(model.build(network(noise=True), seed=0), keras.optimizers.SGD(0.01))
    engine.prepare(net, pixels.x_train[:1], pixels.y_train[:1])
    (seeds,) = [variable for variable in net.variables if "seed" in variable.path]
    before = seeds.numpy().tolist()
    engine.begin(0, [seeds])
    counts = [variable for variable in net.metrics_variables if variable.path.endswith("count")]
    engine.train_on_batch(net, pixels.x_train[:50], pixels.y_train[:50])
    seen = {float(count.numpy()) for count in counts}
    engine.evaluate(net, pixels.x_test, pixels.y_test)
    return {
        "trained": sorted(seen),
        "tested": sorted({float(count.numpy()) for count in counts}),
        "seeds": [before, *(value.numpy().tolist() for value in seeds.value.values)],
    }


def outcomes(trainings):
    results = []
    for settings in trainings:
        try:
            results.append(looked_into() if "look" in settings else outcome(**settings))
        except (ValueError, distributed.WorkerLost) as error:
            results.append({"error": f"{type(error).__name__}: {error}"})
    return results


if __name__ == "__main__":
    distributed.PATIENCE = int(os.environ.get("PATIENCE", distributed.PATIENCE))
    if keras.backend.backend() == "tensorflow" and "TF_CONFIG" not in os.environ:
        import tensorflow as tf

        (cpu,) = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    json.dump(outcomes(json.loads(sys.argv[1])), sys.stdout)
