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
import typing
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

import alexnet

PROFILES = ("default", "quick")

# How `Run.stopped` begins where `stop` ended the training.
ON_REQUEST = "on request"


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


def _fast_precision(capability):
    """What a GPU of a compute capability (major, minor) has matrix units for."""
    return "mixed_bfloat16" if capability >= (8, 0) else "mixed_float16" if capability >= (7, 0) else "float32"


def device():
    """The device that Keras's backend would use."""
    import keras

    there = gpus()
    if there:
        name, capability = there[0]
        return Device("GPU", name, len(there), _fast_precision(capability))
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

    details = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.get_visible_devices("GPU")]
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


# The paper divides by ten "when the validation error rate stopped improving", three times (section 5); the shares are
# where run 145 of the released source, of 91 epochs, did so by hand (layers/layer-params-145.cfg: 25, 51, 79).
RECIPES = {
    "default": Recipe(),
    "paper-2012": Recipe(
        epochs=90,
        batch_size=128,
        optimizer="sgd",
        learning_rate=0.01,
        momentum=0.9,
        nesterov=False,
        schedule="drops",
        drops=(25 / 91, 51 / 91, 79 / 91),
        weight_decay=0.0005,
        initializer=None,
        flip=True,
        shift=0,
        precision="float32",
    ),
}


def load_recipe(name):
    """The recipe of `RECIPES` with that name, or the one in a JSON file of `Recipe`'s fields (the rest are default).

    Raises ValueError that says which name or field is unknown, and which value is not of its type.
    """
    if name in RECIPES:
        return RECIPES[name]
    path = Path(name)
    if not path.is_file():
        raise ValueError(f"no recipe is called {name!r}, and there is no such file; there are {', '.join(RECIPES)}")
    try:
        fields = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"the recipe {path} is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise ValueError(f"the recipe {path} is not a JSON object of fields")
    types = typing.get_type_hints(Recipe)
    unknown = sorted(set(fields) - set(types))
    if unknown:
        raise ValueError(f"the recipe {path} has unknown fields {', '.join(unknown)}; there are {', '.join(types)}")
    for field_name, value in fields.items():
        wanted = types[field_name]
        if typing.get_origin(wanted) is tuple:
            fits = isinstance(value, list) and all(type(one) in (int, float) for one in value)
            fields[field_name] = tuple(value) if fits else value
        else:
            # To isinstance, True is an int too.
            fits = isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))
            fits = fits or (wanted is float and type(value) is int)
        if not fits:
            kind = getattr(wanted, "__name__", wanted) if typing.get_origin(wanted) is None else wanted
            raise ValueError(f"the recipe {path} has {field_name} = {value!r}; it is of type {kind}")
    return Recipe(**fields)


@dataclass
class Run:
    """A finished training: what was trained on what, how, where, and what came out.

    history: one dict an epoch with loss, accuracy (means over the training steps, augmentation and dropout on),
    test_loss, test_accuracy, learning_rate, seconds (the test left out) and first_step, the seconds of the first step,
    which in the first epoch builds the graph. Losses are cross-entropies in nats, weight decay not added.
    stopped: None, or why training ended early. ten_crops: `imagenet.ten_crop_errors` of the trained model, where it was
    asked for. model: the trained keras.Model; not saved.
    """

    network: dict
    recipe: dict
    dataset: dict
    history: list[dict]
    seconds: float
    stopped: str | None
    environment: dict
    date: str
    ten_crops: dict | None = None
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
        if self.ten_crops:
            for windows in ("middle window", "ten windows"):
                errors = ", ".join(f"{name} {error:.1%}" for name, error in self.ten_crops[windows].items())
                lines.append(f"test error, {windows}: {errors}")
        if "pictures" in self.dataset:
            lines.append(self.dataset["pictures"]["summary"])
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


def predict(model, pictures, versions=1, batch_size=500):
    """Logits (pictures, classes) float32 of a model, as means over `versions` of each picture.

    versions: 1; 2, with its mirror image; or 6, these two and the same moved by a pixel to the lower right and to the
    upper left (edges reflected), which together count half (Jordan, arXiv:2404.00498).
    pictures: (count, height, width, channels), as stored. Raises ValueError for another number of versions.
    """
    # To Python, True is 1.
    if isinstance(versions, bool) or versions not in (1, 2, 6):
        raise ValueError(f"versions is 1, 2 or 6; got {versions}")
    if versions == 6:
        height, width = pictures.shape[1:3]
        wide = np.pad(pictures, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
        places = [(wide[:, at : at + height, at : at + width], weight) for at, weight in ((1, 2), (0, 1), (2, 1))]
        return sum(predict(model, moved, 2, batch_size) * weight for moved, weight in places) / 4
    logits = model.predict(pictures, batch_size=batch_size, verbose=0)
    if versions == 2:
        logits = (logits + model.predict(pictures[:, :, ::-1], batch_size=batch_size, verbose=0)) / 2
    return logits


def train(net_or_model, data, recipe=None, *, checkpoint=None, progress=True, on_epoch=None, stop=None, strategy=None):
    """Train a preset, an Architecture or a built keras.Model on a `data.Source`; return the `Run`, its model included.

    data: a Dataset, or a stream such as `imagenet.folder` makes.
    A preset or Architecture is built for the data's classes and pictures, with the mean that the data's `preprocessing`
    knows subtracted inside the model. A model is trained as it is and must give logits; the recipe's initializer,
    weight_decay and precision are those it was built with.
    checkpoint: a folder. After every epoch the state is saved there, and a call with the same recipe, data and folder
    goes on from it: the order of pictures, their augmentation and the dropout masks depend only on the seed and the
    step, so a run that was killed ends where it would have ended.
    on_epoch: called after every epoch with its row of the history and the model.
    stop: called after every step. When it returns true, the state is saved in the middle of the epoch and training
    ends; the next call with the same folder goes on with the next step. Where several workers train, all stop together.
    strategy: None, or "mirrored" or "multiworker" to share every batch between devices or machines, as in
    `distributed.engine`. The batches, and with equal shares the steps, are those that one device would take; dropout
    and augmentation draw other numbers on TensorFlow, and batch normalisation takes its means over a share.
    The first worker writes the checkpoints, in a folder that all must see, and any strategy can go on from them.
    Training stops when the loss is no longer a number, and says so; `Run.stopped` keeps the reason of either.
    Raises CheckpointError where the checkpoint belongs to another recipe, network or dataset; ValueError where devices
    cannot share the pictures equally, and for a built model with a strategy, under which its weights would have to be
    made; distributed.WorkerLost where another worker dies.
    """
    import keras

    from alexnet import distributed

    recipe = recipe or Recipe()
    engine = distributed.engine(strategy)
    engine.check(min(recipe.batch_size, data.train_count), data)
    if strategy and isinstance(net_or_model, keras.Model):
        raise ValueError("with a strategy, give train a preset or an Architecture: it must make the weights itself")
    keras.utils.set_random_seed(recipe.seed)
    with engine.scope():
        model = net_or_model if isinstance(net_or_model, keras.Model) else _build(net_or_model, data, recipe)
        learner = compile_for_here(_augmented(model, data, recipe), recipe.make_optimizer(), recipe.label_smoothing)
        learner.optimizer.build(learner.trainable_variables)
        if learner is not model:
            compile_for_here(model, learner.optimizer, recipe.label_smoothing)
    job = {
        "network": {"name": model.name, "parameters": int(model.count_params()), "precision": _precision(model)},
        "recipe": dataclasses.asdict(recipe),
        "dataset": data.describe(),
    }
    state = _Checkpoint(checkpoint, job)
    with engine.watched():
        engine.prepare(learner, data)
        history, part, found = state.restore(learner)
        data.recall(found)
        engine.begin(len(history), part["step"] if part else 0, _random_state(learner))
        stopped, began = None, time.monotonic()
        for epoch in range(len(history), recipe.epochs):
            row, part, stopped = _epoch(learner, data, recipe, epoch, part, engine, progress and engine.chief, stop)
            if stopped:
                if part and engine.chief:
                    state.save(learner, history, part, data.found())
                print(f"Training stopped: {stopped}", flush=True)
                break
            history.append(row)
            if engine.chief:
                state.save(learner, history, part, data.found())
            if on_epoch:
                on_epoch(row, model)
        engine.end()
    seconds = sum(row["seconds"] for row in history)
    job = json.loads(json.dumps(job))
    return Run(
        **job | {"dataset": job["dataset"] | data.report()},
        history=history,
        seconds=round(seconds if history else time.monotonic() - began, 1),
        stopped=stopped,
        environment=environment() | engine.description,
        date=now(),
        model=model,
    )


def _build(net, data, recipe):
    from alexnet.model import build

    model = build(
        net,
        classes=len(data.class_names),
        input_shape=data.input_shape,
        preprocessing=data.preprocessing(),
        initializer=recipe.initializer,
        # Adam has no decay of its own here; the other optimizers apply it, with fewer passes over the weights.
        weight_decay=recipe.weight_decay if recipe.optimizer == "adam" else 0.0,
        seed=recipe.seed,
        precision=device().fast_precision if recipe.precision == "auto" else recipe.precision,
    )
    _whiten(model, data)
    return model


def _whiten(model, data):
    """Compute the weights that come from the training pictures themselves, where the model has such."""
    import keras

    from alexnet.layers import PatchWhitening

    for layer in model.layers:
        if isinstance(layer, PatchWhitening):
            # As the network sees them in a test: what is drawn at random needs no say in which patches are alike.
            with closing(data.batches(min(1000, data.train_count), seed=0, epoch=0)) as batches:
                x, _ = next(batches)
            for moved in data.augmentation(flip=False, shift=0, cutout=0, seed=0):
                x = moved(x, training=False)
            layer.adapt(keras.Model(model.inputs, layer.input).predict(x, batch_size=100, verbose=0))


def _augmented(model, data, recipe):
    """The model behind the recipe's augmentation, on the device; the model itself where there is none."""
    import keras

    augmentation = data.augmentation(recipe.flip, recipe.shift, recipe.cutout, recipe.seed)
    if not augmentation:
        return model
    x = pictures = keras.Input(data.picture_shape, dtype=data.picture_dtype, name="pictures")
    for layer in augmentation:
        x = layer(x)
    return keras.Model(pictures, model(x), name=f"{model.name}_augmented")


def _precision(model):
    """The dtype policy of the model's layers with weights, the output layer apart."""
    policies = [layer.dtype_policy.name for layer in model.layers if layer.trainable_weights]
    return policies[0] if policies else model.dtype_policy.name


def _epoch(model, data, recipe, epoch, part, engine, progress, stop):
    """One pass over the training pictures, from where `part` of it ended, and one test.

    Returns the row of history, or None; the part of the epoch that was done before `stop` said so, or None; and why
    training must stop, or None.
    """
    from tqdm import tqdm

    size = min(recipe.batch_size, data.train_count)
    steps = data.train_count // size
    part = part or {"step": 0, "seen": [], "seconds": 0.0, "first_step": None, "learning_rate": None}
    seen, first_step, rate = list(part["seen"]), part["first_step"], part["learning_rate"]
    began = time.monotonic() - part["seconds"]
    # tqdm's own stream would be stderr, which notebooks store as if it were a warning.
    bar = tqdm(
        total=steps,
        initial=part["step"],
        desc=f"epoch {epoch + 1}/{recipe.epochs}",
        file=sys.stdout,
        disable=not progress,
        mininterval=1,
    )
    with bar, closing(data.batches(size, recipe.seed, epoch, part["step"])) as batches:
        for step, (pictures, labels) in enumerate(batches, start=part["step"]):
            rate = recipe.learning_rate_at(epoch * steps + step, recipe.epochs * steps)
            model.optimizer.learning_rate.assign(rate)
            logs = engine.train_on_batch(model, pictures, labels)
            if not math.isfinite(logs["loss"]):
                reason = (
                    f"the loss became {float(logs['loss'])} in epoch {epoch + 1}, step {step + 1} of {steps}, "
                    f"at learning rate {rate:.3g}. "
                    "The steps were too large for this network: try a third of the learning rate, or a longer warm-up."
                )
                return None, None, reason
            seen.append((float(logs["cross_entropy"]), float(logs["accuracy"])))
            if step == 0:
                first_step = time.monotonic() - began
            loss, accuracy = np.mean(seen[-50:], axis=0)
            bar.set_postfix_str(f"loss {loss:.3f}, accuracy {accuracy:.1%}", refresh=False)
            bar.update()
            if stop and engine.any(stop()):
                part = {
                    "step": step + 1,
                    "seen": seen,
                    "seconds": time.monotonic() - began,
                    "first_step": first_step,
                    "learning_rate": rate,
                }
                return None, part, f"{ON_REQUEST}, in epoch {epoch + 1} after step {step + 1} of {steps}"
        seconds = time.monotonic() - began
        test = engine.evaluate(model, data)
        loss, accuracy = (float(mean) for mean in np.mean(seen, axis=0))
        bar.set_postfix_str(f"loss {loss:.3f}, accuracy {accuracy:.1%}, test accuracy {test['accuracy']:.1%}")
    row = {
        "epoch": epoch + 1,
        "loss": loss,
        "accuracy": accuracy,
        "test_loss": float(test["cross_entropy"]),
        "test_accuracy": float(test["accuracy"]),
        "learning_rate": rate,
        "seconds": round(seconds, 2),
        "first_step": round(first_step, 3),
    }
    return row, None, None


class CheckpointError(ValueError):
    """The checkpoint is not of the training that would continue it; the message says how they differ."""


def checkpointed(folder):
    """Whether the folder holds the state of a training."""
    return (Path(folder) / "state.json").exists()


class _Checkpoint:
    """The folder that a training run can be continued from: weights, optimizer and random state, and the history."""

    def __init__(self, folder, job):
        self.folder, self.job = None if folder is None else Path(folder), json.loads(json.dumps(job))

    def restore(self, model):
        """Load the last state into the model; returns what `save` was given, with nothing in it where there is none."""
        if self.folder is None or not checkpointed(self.folder):
            return [], None, {}
        state = json.loads((self.folder / "state.json").read_text())
        for part, mine in self.job.items():
            if state[part] != mine:
                theirs = state[part]
                differ = ", ".join(sorted(key for key in {*mine, *theirs} if mine.get(key) != theirs.get(key)))
                raise CheckpointError(
                    f"the checkpoint in {self.folder} is of another {part} ({differ} differ); "
                    "name another folder or delete it"
                )
        model.load_weights(self.folder / state["weights"])
        for variable, value in zip(_random_state(model), state["random"], strict=True):
            variable.assign(np.array(value, dtype=variable.dtype))
        return state["history"], state.get("part"), state.get("found", {})

    def save(self, model, history, part, found):
        """Save the state so that a kill at any moment leaves either this state or the one before it.

        history: the rows of whole epochs. part: of an epoch that was stopped, or None. found: as `data.Source.found`.
        """
        if self.folder is None:
            return
        import keras

        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"epoch-{len(history)}{'-step-' + str(part['step']) if part else ''}.weights.h5"
        model.save_weights(self.folder / name, overwrite=True)
        random = [keras.ops.convert_to_numpy(variable).tolist() for variable in _random_state(model)]
        state = {**self.job, "history": history, "part": part, "found": found, "weights": name, "random": random}
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
