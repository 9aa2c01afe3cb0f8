"""Dropout: eight hidden units, one output unit, and every mask there is."""

from itertools import product

import numpy as np
from traitlets import Bool, Enum, Float, Int, List

from .base import Explorer, drawing

ACTIVATIONS = np.array([3, 2, 1.5, 1, 2, 3, 1, 0.5])
WEIGHTS = np.array([0.5, -1, 2, -1, 0.5, -1, 2, 1])
MASKS = np.array(list(product([0, 1], repeat=len(ACTIVATIONS))))


class DropoutExplorer(Explorer):
    """What dropout does to one output unit that reads eight hidden units (`ACTIVATIONS`, `WEIGHTS`; no bias).

    rate: the probability that a unit is dropped, 0 to 0.9. mask: of this draw, one number a unit: 1 kept, 0 dropped.
    training: the mask is applied; at test time (False) every unit takes part and the mask has no effect.
    scaling: "2012" (a mask in training, activations times 1 - rate at test time) or "inverted" (activations divided by
    1 - rate in training, nothing at test time; Keras and PyTorch). relu: a ReLU stands behind the output's sum.
    value: output (in the present mode), mean and standard_deviation (of the training output over all 256 masks, each
    with its probability), test_output.
    """

    module = "dropout"

    rate = Float(0.5, min=0.0, max=0.9).tag(sync=True)
    mask = List(Int(min=0, max=1), [1, 0, 1, 1, 0, 0, 1, 0], minlen=8, maxlen=8).tag(sync=True)
    training = Bool(True).tag(sync=True)
    scaling = Enum(["2012", "inverted"], "2012").tag(sync=True)
    relu = Bool(False).tag(sync=True)

    def sample(self, seed=None):
        """Draw a mask: each unit is dropped with probability `rate`, independently of the others."""
        kept = np.random.default_rng(seed).random(len(self.mask)) >= self.rate
        self.mask = kept.astype(int).tolist()

    def _output(self, masks, training):
        keep = 1 - self.rate
        if training:
            factor = 1 / keep if self.scaling == "inverted" else 1
        else:
            masks, factor = np.ones_like(masks), keep if self.scaling == "2012" else 1
        sums = (masks * ACTIVATIONS * factor) @ WEIGHTS
        return np.maximum(sums, 0) if self.relu else sums

    def _distribution(self):
        """The training output of every mask, and the mask's probability."""
        kept = MASKS.sum(axis=1)
        chances = (1 - self.rate) ** kept * self.rate ** (len(self.mask) - kept)
        return self._output(MASKS, training=True), chances

    @property
    def value(self) -> dict:
        outputs, chances = self._distribution()
        mean = chances @ outputs
        return {
            "output": float(self._output(np.array(self.mask), self.training)),
            "mean": float(mean),
            "standard_deviation": float(np.sqrt(chances @ (outputs - mean) ** 2)),
            "test_output": float(self._output(np.array(self.mask), training=False)),
        }

    def fallback(self):
        now = self.value
        sentence = (
            f"Dropout of rate {self.rate:.2f} on eight units. Over all 256 masks the training output has mean "
            f"{now['mean']:.2f} and standard deviation {now['standard_deviation']:.2f}; the test-time output is "
            f"{now['test_output']:.2f}."
        ).replace(" -", " −")
        outputs, chances = self._distribution()
        places, which = np.unique(outputs.round(9), return_inverse=True)
        heights = np.bincount(which, chances)
        # The sums without a scale lie between -6 and 8.
        stretch = 1 / (1 - self.rate) if self.scaling == "inverted" else 1

        def x(output):
            return 200 + 24 * (output / stretch - 1)

        bars = [
            f'<rect x="{x(place) - 5:.1f}" y="{190 - 160 * height / heights.max():.1f}" width="10" '
            f'height="{160 * height / heights.max():.1f}" fill="#0072B2"/>'
            for place, height in zip(places, heights, strict=True)
        ]
        axis = [
            f'<text x="{x(sum_ * stretch):.1f}" y="206" text-anchor="middle">{sum_ * stretch:.3g}</text>'.replace(
                ">-", ">−"
            )
            for sum_ in (-6, -4, -2, 0, 2, 4, 6, 8)
        ]
        marks = [
            f'<line x1="{x(now[name]):.1f}" x2="{x(now[name]):.1f}" y1="22" y2="190" stroke="{colour}" '
            f'stroke-width="3" stroke-dasharray="{dash}"/>'
            for name, colour, dash in (("mean", "#000", "none"), ("test_output", "#E69F00", "6 5"))
        ]
        words = '<text x="16" y="14">Probability of each output; solid: mean, dashed: test time</text>'
        return drawing(400, 216, words, *bars, *marks, *axis, label=sentence), sentence
