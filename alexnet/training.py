"""Recipe + data + model -> Run: training that can be resumed, and a record that says how it was made."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

import alexnet

PROFILES = ("default", "quick")


def profile():
    """ "quick" (tests: minutes for the whole book) or "default" (readers), from the variable ALEXNET_PROFILE."""
    name = os.environ.get("ALEXNET_PROFILE", "default")
    if name not in PROFILES:
        raise ValueError(f"ALEXNET_PROFILE is {name!r}; it is one of {', '.join(PROFILES)}")
    return name


@dataclass(frozen=True)
class Device:
    """What training runs on. kind: "GPU" or "CPU". fast_precision: the Keras dtype policy that is fastest on it."""

    kind: str
    name: str
    count: int
    fast_precision: str

    def __str__(self):
        return f"{self.kind}: {self.count} × {self.name}"


def device():
    """The device that Keras's backend would use."""
    import keras

    there = gpus()
    if there:
        name, capability = there[0]
        return Device("GPU", name, len(there), "mixed_bfloat16" if capability >= (8, 0) else "mixed_float16")
    name, flags = platform.processor() or platform.machine(), ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        facts = dict(line.split(":", 1) for line in cpuinfo.read_text().split("\n\n")[0].splitlines() if ":" in line)
        facts = {key.strip(): value.strip() for key, value in facts.items()}
        name, flags = facts.get("model name", name), facts.get("flags", "")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    # Only TensorFlow's CPU kernels (oneDNN) were seen to gain from bfloat16, and only with these instructions.
    bfloat16 = keras.backend.backend() == "tensorflow" and any(
        flag in flags.split() for flag in ("avx512_bf16", "amx_bf16")
    )
    return Device("CPU", f"{name} core", cores, "mixed_bfloat16" if bfloat16 else "float32")


def gpus():
    """(name, compute capability) of each GPU that Keras's backend sees; the capability is a pair of whole numbers."""
    import keras

    return {"tensorflow": _tensorflow_gpus, "jax": _jax_gpus, "torch": _torch_gpus}[keras.backend.backend()]()


def _tensorflow_gpus():
    import tensorflow as tf

    details = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
    return [(d.get("device_name", "GPU"), d.get("compute_capability", (0, 0))) for d in details]


def _jax_gpus():
    import jax

    gpus = [d for d in jax.devices() if d.platform == "gpu"]
    return [(d.device_kind, tuple(int(n) for n in d.compute_capability.split("."))) for d in gpus]


def _torch_gpus():
    import torch

    return [
        (torch.cuda.get_device_name(i), torch.cuda.get_device_capability(i)) for i in range(torch.cuda.device_count())
    ]


@dataclass(frozen=True)
class Budget:
    """How much a chapter does here. train, test: pictures (None: all). epochs: passes. steps: of a small experiment."""

    profile: str
    device: Device
    train: int | None
    test: int | None
    epochs: int
    steps: int

    def __str__(self):
        size = "all" if self.train is None else f"{self.train:,}"
        return f"{self.device}; {self.profile} profile: {size} training pictures, {self.epochs} epochs"


def budget():
    """The budget for this profile and hardware: a check in seconds, minutes on a CPU, the full experiment on a GPU."""
    here = device()
    if profile() == "quick":
        return Budget("quick", here, train=1000, test=500, epochs=1, steps=6)
    if here.kind == "CPU":
        return Budget("default", here, train=None, test=None, epochs=3, steps=150)
    return Budget("default", here, train=None, test=None, epochs=30, steps=1000)


# In fewer steps than this a large learning rate breaks a fresh network, however short the training.
_SHORTEST_WARMUP = 50


@dataclass(frozen=True)
class Recipe:
    """Everything that decides how a network is trained, the data apart.

    epochs: passes over the training pictures. batch_size: pictures a step.
    optimizer: "sgd" (with `momentum`, `nesterov`), "adam", or "muon" (with both; see `alexnet.optimizers`).
    learning_rate: the highest one. schedule: "constant"; "one-cycle" rises over the first `warmup` share of all steps
    (but over 50 steps at least) and falls to zero, both in straight lines; "drops" divides by ten at each
    share of all steps in `drops`.
    weight_decay: as in `model.build`; SGD and Muon apply it themselves.
    initializer: as in `model.build`; None keeps the preset's.
    label_smoothing: share of the target that is spread evenly over all classes.
    flip, shift, cutout: as in `layers.Augmentation`.
    precision: a Keras dtype policy, or "auto" for what the device is fast at. seed: of everything random.
    """

    epochs: int = 3
    batch_size: int = 128
    optimizer: str = "sgd"
    learning_rate: float = 0.05
    momentum: float = 0.9
    nesterov: bool = True
    schedule: str = "one-cycle"
    warmup: float = 0.2
    drops: tuple[float, ...] = (0.5, 0.75)
    weight_decay: float = 0.0005
    initializer: str | None = "he_normal"
    label_smoothing: float = 0.0
    flip: bool = True
    shift: int = 2
    cutout: int = 0
    precision: str = "auto"
    seed: int = 0

    def __post_init__(self):
        known = {"optimizer": ("sgd", "adam", "muon"), "schedule": ("constant", "one-cycle", "drops")}
        for name, values in known.items():
            if getattr(self, name) not in values:
                raise ValueError(f"{name} is one of {', '.join(values)}; got {getattr(self, name)!r}")
        if self.epochs < 1 or self.batch_size < 1 or self.learning_rate <= 0 or self.shift < 0:
            raise ValueError("epochs and batch_size are at least 1, learning_rate is above 0, shift is at least 0")
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(f"label_smoothing is at least 0 and less than 1; got {self.label_smoothing}")

    def learning_rate_at(self, step, steps):
        """The learning rate of step number `step` (from 0) of `steps`."""
        done = step / steps
        if self.schedule == "one-cycle":
            rise = (step + 1) / max(_SHORTEST_WARMUP, self.warmup * steps)
            return self.learning_rate * min(1.0, rise, (1 - done) / (1 - self.warmup))
        if self.schedule == "drops":
            return self.learning_rate * 0.1 ** sum(done >= drop for drop in self.drops)
        return self.learning_rate

    def make_optimizer(self):
        """The Keras optimizer; `train` sets its learning rate at every step."""
        import keras

        from alexnet.optimizers import SGD2012, Muon

        if self.optimizer == "adam":
            return keras.optimizers.Adam(self.learning_rate)
        kind = {"sgd": SGD2012, "muon": Muon}[self.optimizer]
        return kind(self.learning_rate, momentum=self.momentum, nesterov=self.nesterov, decay=self.weight_decay)


@dataclass
class Run:
    """A finished training: what was trained on what, how, where, and what came out.

    history: one dict an epoch with loss, accuracy (means over the training steps, augmentation and dropout on),
    test_loss, test_accuracy, learning_rate, seconds (the test left out) and first_step, the seconds of the first step,
    which in the first epoch builds the graph. Losses are cross-entropies in nats, weight decay not added.
    stopped: None, or why training ended early. model: the trained keras.Model; not saved.
    """

    network: dict
    recipe: dict
    dataset: dict
    history: list[dict]
    seconds: float
    stopped: str | None
    environment: dict
    date: str
    model: object = field(default=None, repr=False, compare=False)

    def save(self, path):
        """Write the record, the model apart, as JSON. Returns the path."""
        record = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "model"}
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, json.dumps(record, indent=1) + "\n")
        return path

    @classmethod
    def load(cls, path):
        """Read a record that `save` wrote; its model is None."""
        return cls(**json.loads(Path(path).read_text()))

    def __str__(self):
        lines = [f"{self.network['name']}, {self.network['parameters']:,} parameters; {self.dataset['provenance']}"]
        for row in self.history:
            lines.append(
                f"epoch {row['epoch']:>3}: loss {row['loss']:.3f}, accuracy {row['accuracy']:.1%}; "
                f"test loss {row['test_loss']:.3f}, test accuracy {row['test_accuracy']:.1%}"
            )
        if self.stopped:
            lines.append(f"stopped: {self.stopped}")
        return "\n".join(lines)


def environment():
    """Where a measurement is made: commit, versions, backend, device, system; the provenance of every record."""
    import keras

    backend = keras.backend.backend()
    module = __import__({"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}[backend])
    here = device()
    return {
        "commit": _commit(),
        "alexnet": alexnet.__version__,
        "python": platform.python_version(),
        "keras": keras.__version__,
        "backend": f"{backend} {module.__version__}",
        "numpy": np.__version__,
        "device": str(here),
        "system": f"{platform.system()} {platform.machine()}",
        "profile": profile(),
    }


def record(name):
    """A stored measurement by name, as the dict that was saved: from assets/records, or the installed package's copy.

    Raises FileNotFoundError that lists the records there are.
    """
    here = Path(__file__).resolve().parent
    folders = [folder for folder in (here.parent / "assets" / "records", here / "records") if folder.is_dir()]
    for folder in folders:
        if (folder / f"{name}.json").exists():
            return json.loads((folder / f"{name}.json").read_text())
    there = sorted(path.stem for folder in folders for path in folder.glob("*.json"))
    raise FileNotFoundError(f"there is no record {name!r}; there are {', '.join(there) or 'none'}")


def _commit():
    """The commit of the code that runs, "+ changes" where files differ from it, or None outside a repository."""
    folder = Path(__file__).resolve().parent

    def git(*words):
        return subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + (" + changes" if git("status", "--porcelain", "--", ".") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def now():
    """The time in UTC, to the second, as records give it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def compile_for_here(model, optimizer, label_smoothing=0.0):
    """Compile a model from images to logits with the cross-entropy loss, in the way that is fastest on this device."""
    import keras

    # XLA is Keras's default on TensorFlow; on CPUs its convolutions are slower than TensorFlow's own (oneDNN).
    on_cpu = keras.backend.backend() == "tensorflow" and device().kind == "CPU"
    model.compile(
        optimizer,
        loss=_smoothed(label_smoothing) or keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        # The loss that Keras reports includes weight decay and smoothing, which hide what the network knows.
        metrics=["accuracy", keras.metrics.SparseCategoricalCrossentropy(from_logits=True, name="cross_entropy")],
        jit_compile=False if on_cpu else "auto",
    )
    return model


def _smoothed(share):
    """The cross-entropy from class numbers with so much of the target spread over all classes; None for no share."""
    import keras

    if not share:
        return None
    smoothed = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=share)

    def cross_entropy(labels, logits):
        labels = keras.ops.reshape(keras.ops.cast(labels, "int32"), (-1,))
        return smoothed(keras.ops.one_hot(labels, logits.shape[-1], dtype=logits.dtype), logits)

    return cross_entropy


def predict(model, pictures, mirrored=False, batch_size=500):
    """Logits (pictures, classes) float32 of a model; with `mirrored`, the mean over each picture and its mirror image.

    pictures: (count, height, width, channels), as stored.
    """
    logits = model.predict(pictures, batch_size=batch_size, verbose=0)
    if mirrored:
        logits = (logits + model.predict(pictures[:, :, ::-1], batch_size=batch_size, verbose=0)) / 2
    return logits


def train(net_or_model, dataset, recipe=None, *, checkpoint=None, progress=True, on_epoch=None):
    """Train a preset, an Architecture or a built keras.Model on a Dataset; return the `Run`, its model included.

    A preset or Architecture is built for the dataset's classes and pictures, with the channel means of the training
    pictures subtracted inside the model. A model is trained as it is and must give logits; the recipe's initializer,
    weight_decay and precision are those it was built with.
    checkpoint: a folder. After every epoch the state is saved there, and a call with the same recipe, data and folder
    goes on from it: the order of pictures, their augmentation and the dropout masks depend only on the seed and the
    step, so a run that was killed ends where it would have ended.
    on_epoch: called after every epoch with its row of the history and the model.
    Training stops when the loss is no longer a number, and says so; `Run.stopped` keeps the reason.
    Raises ValueError where the checkpoint belongs to another recipe, network or dataset.
    """
    import keras

    recipe = recipe or Recipe()
    keras.utils.set_random_seed(recipe.seed)
    model = net_or_model if isinstance(net_or_model, keras.Model) else _build(net_or_model, dataset, recipe)
    learner = compile_for_here(_augmented(model, dataset, recipe), recipe.make_optimizer(), recipe.label_smoothing)
    learner.optimizer.build(learner.trainable_variables)
    if learner is not model:
        compile_for_here(model, learner.optimizer, recipe.label_smoothing)
    job = {
        "network": {"name": model.name, "parameters": int(model.count_params()), "precision": _precision(model)},
        "recipe": dataclasses.asdict(recipe),
        "dataset": {
            "provenance": dataset.provenance,
            "train": len(dataset.x_train),
            "test": len(dataset.x_test),
            "sum": int(dataset.x_train.sum(dtype="int64")),
        },
    }
    state = _Checkpoint(checkpoint, job)
    history = state.restore(learner)
    stopped, began = None, time.monotonic()
    for epoch in range(len(history), recipe.epochs):
        row, stopped = _epoch(learner, dataset, recipe, epoch, progress)
        if stopped:
            print(f"Training stopped: {stopped}", flush=True)
            break
        history.append(row)
        state.save(learner, history)
        if on_epoch:
            on_epoch(row, model)
    seconds = sum(row["seconds"] for row in history)
    return Run(
        **json.loads(json.dumps(job)),
        history=history,
        seconds=round(seconds if history else time.monotonic() - began, 1),
        stopped=stopped,
        environment=environment(),
        date=now(),
        model=model,
    )


def _build(net, dataset, recipe):
    from alexnet import data
    from alexnet.model import build

    return build(
        net,
        classes=len(dataset.class_names),
        input_shape=dataset.x_train.shape[1:],
        preprocessing=data.normalization(dataset.x_train),
        initializer=recipe.initializer,
        # Adam has no decay of its own here; the other optimizers apply it, with fewer passes over the weights.
        weight_decay=recipe.weight_decay if recipe.optimizer == "adam" else 0.0,
        seed=recipe.seed,
        precision=device().fast_precision if recipe.precision == "auto" else recipe.precision,
    )


def _augmented(model, dataset, recipe):
    """The model behind the recipe's augmentation, on the device; the model itself where there is none."""
    import keras

    from alexnet import layers

    if not (recipe.flip or recipe.shift or recipe.cutout):
        return model
    pictures = keras.Input(dataset.x_train.shape[1:], dtype=dataset.x_train.dtype.name, name="pictures")
    augmentation = layers.Augmentation(
        recipe.flip, recipe.shift, recipe.cutout, seed=recipe.seed, dtype="float32", name="augmentation"
    )
    return keras.Model(pictures, model(augmentation(pictures)), name=f"{model.name}_augmented")


def _precision(model):
    """The dtype policy of the model's layers with weights, the output layer apart."""
    policies = [layer.dtype_policy.name for layer in model.layers if layer.trainable_weights]
    return policies[0] if policies else model.dtype_policy.name


def _epoch(model, dataset, recipe, epoch, progress):
    """One pass over the training pictures and one test; returns the row of history and why training must stop."""
    from tqdm import tqdm

    size = min(recipe.batch_size, len(dataset.x_train))
    steps = len(dataset.x_train) // size
    order = np.random.default_rng([recipe.seed, epoch]).permutation(len(dataset.x_train))
    began, seen = time.monotonic(), []
    # tqdm's own stream would be stderr, which notebooks store as if it were a warning.
    bar = tqdm(
        total=steps, desc=f"epoch {epoch + 1}/{recipe.epochs}", file=sys.stdout, disable=not progress, mininterval=1
    )
    with bar:
        for step in range(steps):
            # A few hundred kilobytes of uint8: far less work than a step.
            chosen = order[step * size : (step + 1) * size]
            rate = recipe.learning_rate_at(epoch * steps + step, recipe.epochs * steps)
            model.optimizer.learning_rate.assign(rate)
            # Keras versions differ in whether this call starts the metrics afresh.
            model.reset_metrics()
            logs = model.train_on_batch(dataset.x_train[chosen], dataset.y_train[chosen], return_dict=True)
            if not math.isfinite(logs["loss"]):
                return None, (
                    f"the loss became {float(logs['loss'])} in epoch {epoch + 1}, step {step + 1} of {steps}, "
                    f"at learning rate {rate:.3g}. "
                    "The steps were too large for this network: try a third of the learning rate, or a longer warm-up."
                )
            seen.append((float(logs["cross_entropy"]), float(logs["accuracy"])))
            if step == 0:
                first_step = time.monotonic() - began
            loss, accuracy = np.mean(seen[-50:], axis=0)
            bar.set_postfix_str(f"loss {loss:.3f}, accuracy {accuracy:.1%}", refresh=False)
            bar.update()
        seconds = time.monotonic() - began
        test = model.evaluate(dataset.x_test, dataset.y_test, batch_size=500, verbose=0, return_dict=True)
        loss, accuracy = (float(mean) for mean in np.mean(seen, axis=0))
        bar.set_postfix_str(f"loss {loss:.3f}, accuracy {accuracy:.1%}, test accuracy {test['accuracy']:.1%}")
    return {
        "epoch": epoch + 1,
        "loss": loss,
        "accuracy": accuracy,
        "test_loss": float(test["cross_entropy"]),
        "test_accuracy": float(test["accuracy"]),
        "learning_rate": rate,
        "seconds": round(seconds, 2),
        "first_step": round(first_step, 3),
    }, None


class _Checkpoint:
    """The folder that a training run can be continued from: weights, optimizer and random state, and the history."""

    def __init__(self, folder, job):
        self.folder, self.job = None if folder is None else Path(folder), json.loads(json.dumps(job))

    def restore(self, model):
        """Load the last state into the model and return the history up to it; an empty one where there is none."""
        note = self.folder and self.folder / "state.json"
        if not note or not note.exists():
            return []
        state = json.loads(note.read_text())
        for part, mine in self.job.items():
            if state[part] != mine:
                theirs = state[part]
                differ = ", ".join(sorted(key for key in {*mine, *theirs} if mine.get(key) != theirs.get(key)))
                raise ValueError(
                    f"the checkpoint in {self.folder} is of another {part} ({differ} differ); "
                    "name another folder or delete it"
                )
        model.load_weights(self.folder / state["weights"])
        for variable, value in zip(_random_state(model), state["random"], strict=True):
            variable.assign(np.array(value, dtype=variable.dtype))
        return state["history"]

    def save(self, model, history):
        """Save the state so that a kill at any moment leaves either this state or the one before it."""
        if self.folder is None:
            return
        import keras

        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"epoch-{len(history)}.weights.h5"
        model.save_weights(self.folder / name, overwrite=True)
        random = [keras.ops.convert_to_numpy(variable).tolist() for variable in _random_state(model)]
        state = {**self.job, "history": history, "weights": name, "random": random}
        _write(self.folder / "state.json", json.dumps(state))
        for old in self.folder.glob("epoch-*.weights.h5"):
            if old.name != name:
                old.unlink()


def _random_state(model):
    """The states of the model's random generators (dropout), which Keras does not save with the weights."""
    others = {id(variable) for variable in (*model.weights, *model.metrics_variables)}
    return [variable for variable in model.variables if id(variable) not in others]


def _write(path, text):
    """Replace a file in one step."""
    scratch = path.with_name(path.name + ".part")
    scratch.write_text(text)
    scratch.replace(path)
