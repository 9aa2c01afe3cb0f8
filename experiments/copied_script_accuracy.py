"""How accurate does the widely copied script become, pass by pass, and how often does it never learn?

Writes assets/records/copied-script.json: the test accuracy after every pass for each seed. For the chapter
"Twelve years of tricks, one at a time". The script's seconds are measured by `make bench`.
A seed that still guesses after GIVE_UP passes is stopped there. A second call goes on where the last one ended: there
is a checkpoint after every pass (the pictures then come in another order than without a pause).
Adam's formula is computed here by TensorFlow's single kernel for it, which saves a good part of the waiting; the
numbers that come out are those of the same formula, rounded in another order.

    python experiments/copied_script_accuracy.py
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

import copied_script  # noqa: E402
import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

from alexnet import architecture, data, training  # noqa: E402

RECORD = ROOT / "assets" / "records" / "copied-script.json"
SEEDS = (1, 2, 0)
GIVE_UP = 3


class Adam(keras.optimizers.Adam):
    """Keras's Adam, with each variable's step in one pass over its weights."""

    def update_step(self, gradient, variable, learning_rate):
        at, step = self._get_variable_index(variable), tf.cast(self.iterations + 1, variable.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[at].handle,
            v=self._velocities[at].handle,
            beta1_power=self.beta_1**step,
            beta2_power=self.beta_2**step,
            lr=learning_rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )


def network():
    """The script's model, compiled as there but for the kernel that computes Adam's step."""
    model = copied_script.network()
    rule = Adam.from_config(model.optimizer.get_config())
    model.compile(optimizer=rule, loss=model.loss, metrics=["accuracy"], jit_compile=False)
    return model


class Diary(keras.callbacks.Callback):
    """Writes the record after every pass, and stops a training that has not begun to learn."""

    def __init__(self, seed, record):
        super().__init__()
        self.record = record
        fresh = {"seed": seed, "stopped": None, "history": []}
        self.run = next((run for run in record["runs"] if run["seed"] == seed), fresh)
        if self.run is fresh:
            record["runs"].append(fresh)

    def on_epoch_end(self, epoch, logs=None):
        names = {"loss": "loss", "accuracy": "accuracy", "val_loss": "test_loss", "val_accuracy": "test_accuracy"}
        row = {"epoch": epoch + 1} | {mine: round(float(logs[theirs]), 4) for theirs, mine in names.items()}
        # A pass that had no checkpoint yet when it was interrupted is made again.
        self.run["history"][epoch:] = [row]
        print(self.run["seed"], row, flush=True)
        if epoch + 1 == GIVE_UP and logs["accuracy"] < 0.12:
            self.run["stopped"] = f"after {GIVE_UP} passes it still guessed"
            self.model.stop_training = True
        self.record["date"] = training.now()
        RECORD.write_text(json.dumps(self.record, indent=1) + "\n")


def main():
    cifar = data.cifar10()
    record = {
        "question": "test accuracy of the copied script after each pass over the training pictures",
        "batch_size": copied_script.BATCH_SIZE,
        "epochs": copied_script.EPOCHS,
        "macs": architecture.PRESETS["cifar10"].macs,
        "train": len(cifar.x_train),
        "runs": [],
        "dataset": cifar.provenance,
        "environment": training.environment(),
    }
    if RECORD.exists():
        record["runs"] = json.loads(RECORD.read_text())["runs"]
    done = {r["seed"] for r in record["runs"] if r["stopped"] or len(r["history"]) == copied_script.EPOCHS}
    x, y = copied_script.prepare(cifar.x_train, cifar.y_train)
    test = copied_script.prepare(cifar.x_test, cifar.y_test)
    for seed in SEEDS:
        if seed in done:
            continue
        keras.utils.set_random_seed(seed)
        network().fit(
            x,
            y,
            batch_size=copied_script.BATCH_SIZE,
            epochs=copied_script.EPOCHS,
            validation_data=test,
            verbose=0,
            callbacks=[
                Diary(seed, record),
                keras.callbacks.BackupAndRestore(ROOT / "_build" / f"copied-script-{seed}"),
            ],
        )


if __name__ == "__main__":
    main()
