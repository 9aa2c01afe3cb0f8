"""From a convolutional net of before 2012 to one of today, one idea at a time: what each rung of the ladder trains.

`experiments/ladder.py` measures the rungs with seeds, `make bench` their speed, and the chapter "Twelve years of
tricks, one at a time" explains them. Each rung is the last kept one with one change. AlexNet's own ingredients stay,
whatever they give in so short a training; a later idea is kept only if it pays: more accuracy, by more than the seeds'
luck explains, or as much for fewer operations or in less time.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from dataclasses import dataclass

from alexnet.architecture import LRN, Architecture, BatchNorm, Conv, Dense, Dropout, Pool, Spec
from alexnet.training import Recipe

NARROW = (32, 64, 96, 96, 64)
WIDE = (64, 128, 192, 192, 192)


@dataclass(frozen=True)
class Shape:
    """The choices that the rungs make about the network: AlexNet's five convolutions and three pools on 32x32 pictures.

    filters, kernels: of conv1 to conv5. pool: side of the pooling windows, which move by 2. normalisation: None, "lrn"
    (behind the first two convolutions, as in AlexNet) or "batch" (behind all). head: "dense" (fc6, fc7, fc8), "average"
    or "max" (each map's mean or maximum, then fc8). dropout: behind fc6 and fc7. weights: how all of them start.
    """

    filters: tuple[int, ...] = NARROW
    kernels: tuple[int, ...] = (5, 5, 3, 3, 3)
    activation: str = "tanh"
    pool: int = 2
    normalisation: str | None = None
    head: str = "dense"
    units: int = 256
    dropout: float = 0.0
    weights: float | str = "glorot_uniform"
    hidden_bias: float = 0.0

    def network(self, name="ladder", classes=10) -> Architecture:
        """The Architecture, for 32x32 colour pictures."""
        specs: list[Spec] = []
        batch = self.normalisation == "batch"
        for at, (filters, kernel) in enumerate(zip(self.filters, self.kernels, strict=True), start=1):
            # AlexNet's biases of 1 are those of conv2, conv4, conv5, fc6 and fc7.
            bias = None if batch else self.hidden_bias if at in (2, 4, 5) else 0.0
            activation = None if batch else self.activation
            specs.append(
                Conv(f"conv{at}", filters, kernel, 1, kernel // 2, 1, activation, weights=self.weights, bias=bias)
            )
            if batch:
                specs.append(BatchNorm(f"bn{at}", self.activation))
            if self.normalisation == "lrn" and at <= 2:
                specs.append(LRN(f"lrn{at}"))
            if at in (1, 2, 5):
                specs.append(Pool(f"pool{at}", self.pool, 2))
        if self.head == "dense":
            for at in (6, 7):
                specs.append(Dense(f"fc{at}", self.units, self.activation, self.weights, self.hidden_bias))
                if self.dropout:
                    specs.append(Dropout(f"drop{at}", self.dropout))
        else:
            specs.append(Pool("pool6", 4, 4, mode=self.head))
        specs.append(Dense("fc8", classes, None, self.weights))
        return Architecture(name, "a rung of the ladder", (32, 32, 3), specs, rounding="up")


@dataclass(frozen=True)
class Rung:
    """One rung. mirrored: test pictures are judged together with their mirror images. kept: later rungs build on it."""

    name: str
    year: int
    shape: Shape
    recipe: Recipe
    mirrored: bool = False
    kept: bool = True

    @property
    def network(self) -> Architecture:
        """The Architecture that this rung trains."""
        return self.shape.network()

    def settings(self) -> dict:
        """Everything that decides the outcome, the seed apart, as plain JSON values."""
        recipe = dataclasses.asdict(self.recipe)
        del recipe["seed"]
        return {"shape": dataclasses.asdict(self.shape), "recipe": recipe, "mirrored": self.mirrored}


_FIRST = Rung(
    "a net of the years before",
    2010,
    Shape(),
    Recipe(
        epochs=3,
        batch_size=128,
        learning_rate=0.01,
        nesterov=False,
        schedule="constant",
        weight_decay=0.0005,
        initializer=None,
        flip=False,
        shift=0,
    ),
)


def _climb(first: Rung, steps) -> list[Rung]:
    """The rungs, each the last kept one with its changes: (name, year, kept, changes of shape, of recipe, mirrored)."""
    rungs = [first]
    for name, year, kept, shape, recipe, *mirrored in steps:
        below = next(rung for rung in reversed(rungs) if rung.kept)
        rungs.append(
            Rung(
                name,
                year,
                dataclasses.replace(below.shape, **shape),
                dataclasses.replace(below.recipe, **recipe),
                mirrored[0] if mirrored else below.mirrored,
                kept,
            )
        )
    return rungs


RUNGS = _climb(
    _FIRST,
    [
        ("ReLU", 2012, True, {"activation": "relu"}, {}),
        ("overlapping pooling", 2012, True, {"pool": 3}, {}),
        ("local response normalisation", 2012, True, {"normalisation": "lrn"}, {}),
        ("mirrored and moved pictures", 2012, True, {}, {"flip": True, "shift": 2}),
        ("dropout", 2012, True, {"dropout": 0.5}, {}),
        ("learning-rate drops", 2012, True, {}, {"schedule": "drops"}),
        ("initial weights of 2012", 2012, True, {"weights": 0.01, "hidden_bias": 1.0}, {}),
        ("He's initial weights", 2015, True, {"weights": "he_normal", "hidden_bias": 0.0}, {}),
        ("batch normalisation for LRN", 2015, True, {"normalisation": "batch"}, {}),
        ("ten times the learning rate", 2015, False, {}, {"learning_rate": 0.1}),
        ("one-cycle schedule", 2017, True, {}, {"schedule": "one-cycle", "nesterov": True, "learning_rate": 0.1}),
        ("one number a map for fc6 and fc7", 2013, True, {"head": "max"}, {}),
        ("3x3 windows", 2014, True, {"kernels": (3, 3, 3, 3, 3)}, {}),
        ("label smoothing", 2015, False, {}, {"label_smoothing": 0.2}),
        ("cutout", 2017, False, {}, {"cutout": 8}),
        ("Muon", 2024, True, {}, {"optimizer": "muon", "learning_rate": 0.1, "momentum": 0.6}),
        ("wider", 2016, True, {"filters": WIDE}, {}),
        ("mirror images at test time", 2012, True, {}, {}, True),
    ],
)


def _other(rung: Rung, name: str, **recipe) -> Rung:
    return dataclasses.replace(rung, name=name, kept=False, recipe=dataclasses.replace(rung.recipe, **recipe))


def _reshaped(rung: Rung, name: str, **shape) -> Rung:
    return dataclasses.replace(rung, name=name, kept=False, shape=dataclasses.replace(rung.shape, **shape))


def rung(name: str) -> Rung:
    """The rung of that name."""
    return next(rung for rung in RUNGS if rung.name == name)


def gain(accuracies, below, paired=False):
    """How much higher the mean of some accuracies is than that of others, and the standard error of that difference.

    paired: the same networks, judged in two ways.
    """
    if paired:
        each = [one - other for one, other in zip(accuracies, below, strict=True)]
        return statistics.mean(each), math.sqrt(statistics.variance(each) / len(each))
    spread = [statistics.variance(sample) / len(sample) for sample in (accuracies, below)]
    return statistics.mean(accuracies) - statistics.mean(below), math.sqrt(sum(spread))


FLOAT32 = _other(rung("Muon"), "Muon, in float32", precision="float32")

# The last rung in shorter and longer trainings.
LENGTHS = [_other(RUNGS[-1], f"{passes} passes", epochs=passes) for passes in (1, 2, 4, 16)]

# What does not pay in three passes may pay in sixteen, where the training pictures run ahead of the test pictures.
REMEDIES = _other(LENGTHS[-1], f"{LENGTHS[-1].name}, label smoothing and cutout", label_smoothing=0.2, cutout=8)

# What is measured beside the rungs: means in the place of maxima, the dense head without its dropout, another number
# format, other lengths, and the longest with remedies against overfitting.
ASIDES = [
    _reshaped(rung("one number a map for fc6 and fc7"), "means for maxima", head="average"),
    _reshaped(rung("one-cycle schedule"), "one-cycle schedule, no dropout", dropout=0.0),
    FLOAT32,
    *LENGTHS,
    REMEDIES,
]
