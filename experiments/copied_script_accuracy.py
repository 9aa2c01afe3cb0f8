"""How accurate does the widely copied script become, pass by pass, and how often does it never learn?

Writes assets/records/copied-script.json: for each of SEEDS the accuracy over its first LOOK steps, which tells those
that have begun to learn from those that guess, and for those that have, the test accuracy after every pass. For the
chapter "Twelve years of tricks, one at a time". The script's seconds are measured by `make bench`.
Seeds named on the command line are trained whether they learn or not, and are given up where they still guess after
GIVE_UP passes. A second call goes on where the last one ended: there is a checkpoint after every pass (the pictures
then come in another order than without a pause). Two seeds can be trained at the same time, each by its own process.
Adam's formula is computed here by TensorFlow's single kernel for it, which saves a good part of the waiting; the
numbers that come out are those of the same formula, rounded in another order.

    python experiments/copied_script_accuracy.py [SEED ...]
"""

import contextlib
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
SEEDS = tuple(range(8))
# Whoever guesses gets a tenth right.
LOOK, GUESSING, GIVE_UP = 400, 0.12, 3


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


class _Seen(Exception):
    """Ends a training that was to be looked at only."""


class Look(keras.callbacks.Callback):
    """Ends a training after LOOK steps, and keeps the means of loss and accuracy over them."""

    found = None

    def on_train_batch_end(self, batch, logs=None):
        if batch + 1 == LOOK:
            self.found = {name: round(float(logs[name]), 4) for name in ("loss", "accuracy")}
            raise _Seen


def look(seed, x, y):
    """Loss and accuracy over the first LOOK steps of the training with that seed."""
    keras.utils.set_random_seed(seed)
    short = Look()
    with contextlib.suppress(_Seen):
        network().fit(x, y, batch_size=copied_script.BATCH_SIZE, verbose=0, callbacks=[short])
    return {"seed": seed} | short.found


def recorded():
    """The record as it is on the disk: two seeds may be trained at the same time."""
    return json.loads(RECORD.read_text()) if RECORD.exists() else {"looks": [], "runs": []}


def save(record):
    """Write the record, its rows in the order of their seeds."""
    rows = {name: sorted(record[name], key=lambda row: row["seed"]) for name in ("looks", "runs")}
    RECORD.write_text(json.dumps(record | rows | {"date": training.now()}, indent=1) + "\n")


class Diary(keras.callbacks.Callback):
    """Writes the record after every pass, and stops a training that has not begun to learn."""

    def __init__(self, seed):
        super().__init__()
        fresh = {"seed": seed, "stopped": None, "history": []}
        self.run = next((run for run in recorded()["runs"] if run["seed"] == seed), fresh)

    def on_epoch_end(self, epoch, logs=None):
        names = {"loss": "loss", "accuracy": "accuracy", "val_loss": "test_loss", "val_accuracy": "test_accuracy"}
        row = {"epoch": epoch + 1} | {mine: round(float(logs[theirs]), 4) for theirs, mine in names.items()}
        # A pass that had no checkpoint yet when it was interrupted is made again.
        self.run["history"][epoch:] = [row]
        print(self.run["seed"], row, flush=True)
        if epoch + 1 == GIVE_UP and logs["accuracy"] < GUESSING:
            self.run["stopped"] = f"after {GIVE_UP} passes it still guessed"
            self.model.stop_training = True
        record = recorded()
        others = [run for run in record["runs"] if run["seed"] != self.run["seed"]]
        save(record | {"runs": [*others, self.run]})


def main(seeds):
    cifar = data.cifar10()
    settings = {
        "question": "test accuracy of the copied script after each pass over the training pictures",
        "batch_size": copied_script.BATCH_SIZE,
        "epochs": copied_script.EPOCHS,
        "macs": architecture.PRESETS["cifar10"].macs,
        "train": len(cifar.x_train),
        "look": LOOK,
        "dataset": cifar.provenance,
        "environment": training.environment(),
    }
    save(settings | {name: recorded()[name] for name in ("looks", "runs")})
    x, y = copied_script.prepare(cifar.x_train, cifar.y_train)
    test = copied_script.prepare(cifar.x_test, cifar.y_test)
    for seed in sorted({*SEEDS} - {row["seed"] for row in recorded()["looks"]}):
        row = look(seed, x, y)
        print(row, flush=True)
        record = recorded()
        save(record | {"looks": [*record["looks"], row]})
    record = recorded()
    learning = [row["seed"] for row in record["looks"] if row["accuracy"] >= GUESSING]
    done = {r["seed"] for r in record["runs"] if r["stopped"] or len(r["history"]) == copied_script.EPOCHS}
    for seed in (seed for seed in seeds or learning if seed not in done):
        keras.utils.set_random_seed(seed)
        network().fit(
            x,
            y,
            batch_size=copied_script.BATCH_SIZE,
            epochs=copied_script.EPOCHS,
            validation_data=test,
            verbose=0,
            callbacks=[
                Diary(seed),
                keras.callbacks.BackupAndRestore(ROOT / "_build" / f"copied-script-{seed}"),
            ],
        )


if __name__ == "__main__":
    main([int(seed) for seed in sys.argv[1:]])
