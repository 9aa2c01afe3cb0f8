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
PAIRS = (64, 64, 128, 128, 256, 256)
WIDE_PAIRS = (64, 64, 256, 256, 256, 256)

# The names of accuracies in a record, by the versions of each test picture.
JUDGED = {1: "plain", 2: "mirrored", 6: "moved"}


# Which convolutions a pool follows, and whether it stands before their normalisation and activation.
PLANS = {"alexnet": ((1, 2, 5), False), "pool first": ((1, 2, 5), True), "pairs": ((1, 3, 5), True)}


@dataclass(frozen=True)
class Shape:
    """The choices that the rungs make about the network: AlexNet's five convolutions and three pools on 32x32 pictures.

    filters, kernels: of conv1 and on. plan: where the pools stand, one of `PLANS`. pool: side of the pooling windows of
    AlexNet's plan, which move by 2; in the other plans they are of 2x2. whitening: side of the patches whitened in
    front of conv1; 0 for none. normalisation: None, "lrn" (behind the first two convolutions, as in AlexNet) or "batch"
    (behind all). head: "dense" (fc6, fc7, fc8), "average" or "max" (each map's mean or maximum, then fc8). dropout:
    behind fc6 and fc7. weights: how all of them start.
    """

    filters: tuple[int, ...] = NARROW
    kernels: tuple[int, ...] = (5, 5, 3, 3, 3)
    activation: str = "tanh"
    pool: int = 2
    plan: str = "alexnet"
    whitening: int = 0
    normalisation: str | None = None
    head: str = "dense"
    units: int = 256
    dropout: float = 0.0
    weights: float | str = "glorot_uniform"
    hidden_bias: float = 0.0

    def network(self, name="ladder", classes=10) -> Architecture:
        """The Architecture, for 32x32 colour pictures."""
        specs: list[Spec] = []
        side = 32
        if self.whitening:
            patch = 3 * self.whitening**2
            specs.append(
                Conv("whitening", 2 * patch, self.whitening, activation=self.activation, weights="whitening", bias=None)
            )
            side -= self.whitening - 1
        for at, (filters, kernel) in enumerate(zip(self.filters, self.kernels, strict=True), start=1):
            specs += self._convolution(at, filters, kernel)
        side //= 2 ** len(PLANS[self.plan][0])
        if self.head == "dense":
            for at in (6, 7):
                specs.append(Dense(f"fc{at}", self.units, self.activation, self.weights, self.hidden_bias))
                if self.dropout:
                    specs.append(Dropout(f"drop{at}", self.dropout))
        else:
            specs.append(Pool(f"pool{len(self.filters) + 1}", side, side, mode=self.head))
        specs.append(Dense("fc8", classes, None, self.weights))
        # Overlapping windows hang over the edge of a map of even sides, as in the released code.
        rounding = "up" if self.plan == "alexnet" else "down"
        return Architecture(name, "a rung of the ladder", (32, 32, 3), specs, rounding=rounding)

    def _convolution(self, at, filters, kernel) -> list[Spec]:
        """The convolution of that number, its normalisation and its pool."""
        batch = self.normalisation == "batch"
        # AlexNet's biases of 1 are those of conv2, conv4, conv5, fc6 and fc7.
        bias = None if batch else self.hidden_bias if at in (2, 4, 5) else 0.0
        activation = None if batch else self.activation
        conv = Conv(f"conv{at}", filters, kernel, 1, kernel // 2, 1, activation, weights=self.weights, bias=bias)
        norm: list[Spec] = []
        if batch:
            norm.append(BatchNorm(f"bn{at}", self.activation))
        if self.normalisation == "lrn" and at <= 2:
            norm.append(LRN(f"lrn{at}"))
        pools, first = PLANS[self.plan]
        pool = [Pool(f"pool{at}", 2 if first else self.pool, 2)] if at in pools else []
        return [conv, *pool, *norm] if first else [conv, *norm, *pool]


@dataclass(frozen=True)
class Rung:
    """One rung. versions: of each test picture, as in `training.predict`. kept: later rungs build on it."""

    name: str
    year: int
    shape: Shape
    recipe: Recipe
    versions: int = 1
    kept: bool = True

    @property
    def network(self) -> Architecture:
        """The Architecture that this rung trains."""
        return self.shape.network()

    @property
    def judged(self) -> str:
        """Under which name a run of the record has the accuracy that counts for this rung."""
        return JUDGED[self.versions]

    def settings(self) -> dict:
        """Everything that decides the outcome, the seed apart, as plain JSON values."""
        recipe = dataclasses.asdict(self.recipe)
        del recipe["seed"]
        return {"shape": dataclasses.asdict(self.shape), "recipe": recipe, "versions": self.versions}


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
    """The rungs, each the last kept one with its changes: (name, year, kept, changes of shape, of recipe, versions)."""
    rungs = [first]
    for name, year, kept, shape, recipe, *versions in steps:
        below = next(rung for rung in reversed(rungs) if rung.kept)
        rungs.append(
            Rung(
                name,
                year,
                dataclasses.replace(below.shape, **shape),
                dataclasses.replace(below.recipe, **recipe),
                versions[0] if versions else below.versions,
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
        ("three pairs of convolutions", 2014, True, {"filters": PAIRS, "kernels": (3,) * 6, "plan": "pairs"}, {}),
        ("whitened patches", 2019, True, {"whitening": 2}, {}),
        ("mirror images at test time", 2012, True, {}, {}, 2),
        ("moved by a pixel at test time", 2012, True, {}, {}, 6),
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


POOL_FIRST = _reshaped(rung("wider"), "pool first", plan="pool first")
FLOAT32 = _other(rung("Muon"), "Muon, in float32", precision="float32")


def _passes(rung: Rung, counts, start="", **recipe) -> list[Rung]:
    return [_other(rung, f"{start}{count} passes", epochs=count, **recipe) for count in counts]


# The last rung in shorter and longer trainings. The long ones make as many steps as three passes did, of as much larger
# batches; in the longest, the training pictures run ahead, and smoothed labels are a remedy.
LENGTHS = [
    *_passes(RUNGS[-1], (1, 2)),
    *_passes(RUNGS[-1], (6,), batch_size=256),
    *_passes(RUNGS[-1], (12,), batch_size=512, label_smoothing=0.2),
]

# 256 filters in the middle pair, too.
WIDER_PAIRS = _reshaped(RUNGS[-1], "wider pairs", filters=WIDE_PAIRS)

# AlexNet's five convolutions in longer trainings, the longest also with remedies against overfitting.
FIVE = _passes(dataclasses.replace(rung("wider"), versions=2), (4, 16), "five convolutions, ")
REMEDIES = _other(FIVE[-1], f"{FIVE[-1].name}, label smoothing and cutout", label_smoothing=0.2, cutout=8)

# What is measured beside the rungs: means in the place of maxima, the dense head without its dropout, pools that come
# sooner, another number format, other lengths, wider pairs, and AlexNet's convolutions in longer trainings.
ASIDES = [
    _reshaped(rung("one number a map for fc6 and fc7"), "means for maxima", head="average"),
    _reshaped(rung("one-cycle schedule"), "one-cycle schedule, no dropout", dropout=0.0),
    POOL_FIRST,
    FLOAT32,
    *LENGTHS,
    WIDER_PAIRS,
    *FIVE,
    REMEDIES,
]

# What `make bench` takes the pictures a second of.
TIMED = [*RUNGS, POOL_FIRST, FLOAT32, *LENGTHS[-2:], WIDER_PAIRS]
