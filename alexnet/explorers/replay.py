"""A training run, replayed: its curves, the first convolution's filters and its answers to fixed pictures, by epoch."""

import base64
import io
import json
import math

import numpy as np
from traitlets import Bool, Dict, Enum, Int, List, TraitError, Unicode, default, validate

from .base import FRONT, Explorer, drawing
from .pictures import from_test_set, png

ASSETS = FRONT / "assets"
SAMPLES = "cifar10-samples.json"
NUMBERS = ("loss", "accuracy", "test_loss", "test_accuracy", "learning_rate")


class Recording:
    """What a network was after every epoch. Pass it to `alexnet.training.train` as `on_epoch`:

        recording = Recording(cifar.x_test[:10], cifar.y_test[:10], cifar.class_names)
        training.train(net, cifar, recipe, on_epoch=recording)
        ReplayExplorer(recording)

    pictures: uint8 (count, height, width, channels), as the model takes them, with one channel or three. labels: their
    class numbers. class_names: one per class. title: what is trained. indices: the pictures' numbers in the set that
    they come from; None for 0, 1, ....
    passes: one dict an epoch, with epoch and NUMBERS (None where there is none), `kernels` (int8, (maps, rows,
    columns, channels), of the first convolution) and `scale`, whose product is the weights, `moved` (the root mean
    square of the weights' change since the pass before, as a share of that of the weights there; None for the first),
    and `probabilities` (pictures, classes).
    An epoch that does not follow the last one starts the recording afresh.
    """

    def __init__(self, pictures, labels, class_names, title="a training run", indices=None):
        pictures = np.asarray(pictures)
        if pictures.ndim != 4 or pictures.shape[-1] not in (1, 3) or pictures.dtype != np.uint8:
            raise ValueError(
                "pictures are uint8 in (count, height, width, channels), with 1 or 3 channels; "
                f"got {pictures.dtype} in {pictures.shape}"
            )
        self.pictures = pictures
        self.labels = [int(label) for label in labels]
        self.indices = [int(n) for n in (range(len(pictures)) if indices is None else indices)]
        if not 0 < len(pictures) == len(self.labels) == len(self.indices):
            raise ValueError(
                f"there are {len(pictures)} pictures, {len(self.labels)} labels and {len(self.indices)} indices"
            )
        self.class_names = list(class_names)
        self.title = title
        self.layer = None
        self.passes = []
        self._weights = None

    def before(self, model):
        """Keep the untrained state of a model as epoch 0, which has no loss. Starts the recording afresh."""
        self.passes = []
        self({"epoch": 0}, model)

    def __call__(self, row, model):
        """Keep what a model is after the epoch of this row of `Run.history`.

        Raises ValueError where its first convolution reads neither 1 nor 3 channels, or where training has failed so
        far that its weights or its answers are no longer numbers.
        """
        from alexnet import probing, training

        if self.passes and row["epoch"] != self.passes[-1]["epoch"] + 1:
            self.passes = []
        self.layer = probing.convolutions(model)[0]
        weights = np.moveaxis(np.asarray(model.get_layer(self.layer).get_weights()[0], "float32"), -1, 0)
        if weights.shape[-1] not in (1, 3):
            raise ValueError(f"{self.layer} reads {weights.shape[-1]} channels; its filters are no pictures")
        logits = np.asarray(training.predict(model, self.pictures), "float64")
        if not (np.isfinite(weights).all() and np.isfinite(logits).all()):
            raise ValueError(f"after epoch {row['epoch']} the weights of {self.layer} or the logits are not finite")
        exponentials = np.exp(logits - logits.max(1, keepdims=True))
        scale = float(np.abs(weights).max()) / 127 or 1.0
        self.passes.append(
            {name: _short(row.get(name)) for name in NUMBERS}
            | {
                "epoch": int(row["epoch"]),
                "moved": _short(_rms(weights - self._weights) / _rms(self._weights)) if self.passes else None,
                "scale": _short(scale),
                "kernels": np.round(weights / scale).astype("int8"),
                "probabilities": np.round(exponentials / exponentials.sum(1, keepdims=True), 5),
            }
        )
        self._weights = weights

    @property
    def history(self):
        """The rows of the run, with epoch and NUMBERS."""
        return [{name: kept[name] for name in ("epoch", *NUMBERS)} for kept in self.passes]

    def weights(self, epoch):
        """The weights of the first convolution after an epoch, as kept: float32, (maps, rows, columns, channels)."""
        kept = next(kept for kept in self.passes if kept["epoch"] == epoch)
        return kept["kernels"] * np.float32(kept["scale"])

    def to_json(self, pictures=True):
        """The recording as one text. Without `pictures` these are named by index and label only."""
        entries = [{"index": n, "label": label} for n, label in zip(self.indices, self.labels, strict=True)]
        if pictures and self.pictures is not None:
            for entry, picture in zip(entries, self.pictures, strict=True):
                entry["png"] = png(picture)
        passes = [
            kept
            | {
                "kernels": base64.b64encode(kept["kernels"].tobytes()).decode(),
                "probabilities": kept["probabilities"].tolist(),
            }
            for kept in self.passes
        ]
        whole = {
            "title": self.title,
            "class_names": self.class_names,
            "pictures": entries,
            "layer": self.layer,
            "shape": list(self.passes[0]["kernels"].shape) if self.passes else None,
            "passes": passes,
        }
        return json.dumps(whole, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text):
        """The recording that `to_json` wrote, to look at; its `pictures` are None where they were left out."""
        whole = json.loads(text)
        made = cls.__new__(cls)
        made.title, made.class_names, made.layer = whole["title"], whole["class_names"], whole["layer"]
        made.labels = [entry["label"] for entry in whole["pictures"]]
        made.indices = [entry["index"] for entry in whole["pictures"]]
        left_out = any("png" not in entry for entry in whole["pictures"])
        made.pictures = None if left_out else np.stack([_pixels(entry["png"]) for entry in whole["pictures"]])
        made.passes = [
            kept
            | {
                "kernels": np.frombuffer(base64.b64decode(kept["kernels"]), "int8").reshape(whole["shape"]),
                "probabilities": np.array(kept["probabilities"]),
            }
            for kept in whole["passes"]
        ]
        made._weights = made.weights(made.passes[-1]["epoch"]) if made.passes else None
        return made


def recorded(recording, model, history, weights):
    """Record a run that is over, from the weights that were saved after every epoch; returns the recording.

    model: the network as it was before training, kept as epoch 0. history: that of the `Run`. weights: a path for each
    of its rows.
    """
    recording.before(model)
    for row, path in zip(history, weights, strict=True):
        model.load_weights(path)
        recording(row, model)
    return recording


def _short(number):
    """Six digits are enough for every eye; what is not a number, JSON cannot hold."""
    return None if number is None or not math.isfinite(number) else float(f"{number:.6g}")


def _rms(values):
    return float(np.sqrt(np.mean(np.square(values))))


def _pixels(png):
    from PIL import Image

    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(png))))
    return pixels if pixels.ndim == 3 else pixels[..., None]


class ReplayExplorer(Explorer):
    """A training run by epoch: loss and accuracy, the first convolution's filters, and the answers to fixed pictures.

    ReplayExplorer(recording) replays a `Recording` as it is now; ReplayExplorer("cifar10-tower") the book's own run.

    title, history, source: what was recorded, its rows, and the name of a recording of the book or ""; read-only.
    epoch: the one shown, of those recorded; at first the last. filters: "weights", or "change" since the first epoch
    of the recording.
    value: the row of history of the epoch; moved (see `Recording`); largest_weight (absolute, of the first
    convolution); predicted (a class name for each picture), right (how many of them are right) and top (for each
    picture the three most probable classes and their probabilities).
    """

    module = "replay"

    title = Unicode(read_only=True).tag(sync=True)
    history = List(Dict(), read_only=True).tag(sync=True)
    source = Unicode(read_only=True).tag(sync=True)
    epoch = Int(min=0).tag(sync=True)
    filters = Enum(("weights", "change"), "weights").tag(sync=True)
    # Not part of the state: the front end finds it only where there is a kernel to ask for the reader's own recording.
    _live = Bool(True, read_only=True).tag(sync=True)

    def __init__(self, recording="cifar10-tower", **state):
        self._source = recording if isinstance(recording, str) else ""
        self._text = _stored(recording) if self._source else recording.to_json()
        self._recording = Recording.from_json(self._text)
        if not self._recording.passes:
            raise ValueError("the recording is empty: pass it to alexnet.training.train as on_epoch, and train")
        super().__init__(**state)

    @default("title")
    def _title(self):
        return self._recording.title

    @default("history")
    def _rows(self):
        return self._recording.history

    @default("source")
    def _name(self):
        return self._source

    @default("epoch")
    def _last(self):
        return self._recording.passes[-1]["epoch"]

    @validate("epoch")
    def _is_recorded(self, proposal):
        epochs = [kept["epoch"] for kept in self._recording.passes]
        if proposal["value"] not in epochs:
            raise TraitError(f"the recording has epochs {epochs[0]} to {epochs[-1]}, not {proposal['value']}")
        return proposal["value"]

    @property
    def value(self) -> dict:
        made = self._recording
        kept = next(kept for kept in made.passes if kept["epoch"] == self.epoch)
        # A stable order, so that equals come out as in the front end.
        best = np.argsort(-kept["probabilities"], axis=1, kind="stable")[:, :3]
        return {name: kept[name] for name in ("epoch", *NUMBERS, "moved")} | {
            "largest_weight": float(np.abs(made.weights(self.epoch)).max()),
            "predicted": [made.class_names[order[0]] for order in best],
            "right": int((best[:, 0] == made.labels).sum()),
            "top": [
                [[made.class_names[n], float(p[n])] for n in order]
                for order, p in zip(best, kept["probabilities"], strict=True)
            ],
        }

    def asset(self, name):
        if name == f"replay{self._source and '-' + self._source}.json":
            return self._text.encode()
        if name == SAMPLES:
            from alexnet import data

            return json.dumps(from_test_set(data.cifar10(download=False), self._recording.indices)).encode()
        return super().asset(name)

    def __repr__(self):
        recording = repr(self._source) if self._source else f"<{len(self.history)} epochs of {self.title}>"
        return f"ReplayExplorer({recording}, epoch={self.epoch}, filters={self.filters!r})"

    def fallback(self):
        rows = self.history
        trained = [row for row in rows if row["loss"] is not None]
        sentence = f"{self.title}, epoch by epoch. "
        if trained:
            last = trained[-1]
            sentence += (
                f"After epoch {last['epoch']} the loss is {_said(last['loss'])} on the training pictures and "
                f"{_said(last['test_loss'])} on the test pictures, the accuracy {_said(last['accuracy'], '.1%')} and "
                f"{_said(last['test_accuracy'], '.1%')}. "
            )
        at_end = self._recording.passes[-1]
        right = int((at_end["probabilities"].argmax(1) == self._recording.labels).sum())
        sentence += f"Of {len(self._recording.labels)} fixed pictures it then names {right} rightly."
        losses = [row[name] for row in trained for name in ("loss", "test_loss") if row[name] is not None]
        parts = [
            *_panel(30, trained, "loss", math.ceil(max(losses, default=1))),
            *_panel(260, trained, "accuracy", 1),
            '<text x="120" y="212" fill="#0072B2">training</text>',
            '<text x="260" y="212" fill="#B35C00">test (dashed)</text>',
        ]
        return drawing(470, 222, *parts, label=sentence), sentence


def _stored(name):
    path = ASSETS / f"replay-{name}.json"
    if not path.exists():
        there = sorted(path.stem.removeprefix("replay-") for path in ASSETS.glob("replay-*.json"))
        raise FileNotFoundError(f"there is no recording {name!r}; there are {', '.join(there) or 'none'}")
    return path.read_text(encoding="utf-8")


def _said(number, form=".3f"):
    return "not a number" if number is None else format(number, form)


def _panel(left, rows, name, top):
    """The curves of one quantity, 0 to `top`, as elements of an SVG: training and, dashed, test."""
    width, height = 190, 150
    first, last = (rows[0]["epoch"], rows[-1]["epoch"]) if rows else (0, 1)

    def place(epoch, number):
        return (
            f"{left + width * (epoch - first) / max(last - first, 1):.1f} "
            f"{24 + height * (1 - min(number / top, 1)):.1f}"
        )

    parts = [f'<text x="{left}" y="14">{name}</text>']
    for part in (0, 0.5, 1):
        y = 24 + height * (1 - part)
        parts.append(f'<line x1="{left}" x2="{left + width}" y1="{y}" y2="{y}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 4}" y="{y + 4}" text-anchor="end">{part * top:g}</text>')
    for prefix, look in (("", 'stroke="#0072B2"'), ("test_", 'stroke="#B35C00" stroke-dasharray="6 4"')):
        points = [place(row["epoch"], row[prefix + name]) for row in rows if row[prefix + name] is not None]
        parts.append(f'<path d="M{"L".join(points)}" fill="none" stroke-width="2" {look}/>' if points else "")
    parts += [
        f'<text x="{left}" y="190" text-anchor="middle">{first}</text>',
        f'<text x="{left + width}" y="190" text-anchor="middle">{last}</text>',
        f'<text x="{left + width / 2}" y="190" text-anchor="middle">epoch</text>',
    ]
    return parts
