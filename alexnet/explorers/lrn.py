"""Local response normalisation at one place of a layer: sixteen maps and their neighbourhoods."""

import numpy as np
from traitlets import Bool, Float, Int, List, TraitError, validate

from .base import Explorer, drawing

MAPS = 16
PATTERNS = ("one peak", "two neighbours", "all equal", "random")


def pattern(name: str, seed: int = 1) -> list[float]:
    """The activities of a pattern, in tenths from 0 to 4; `seed` is that of "random", a third zeros."""
    if name not in PATTERNS:
        raise ValueError(f"pattern is one of {', '.join(PATTERNS)}; got {name!r}")
    if name == "random":
        # A generator small enough to be the same in the front end.
        numbers, state = [], seed
        for _ in range(MAPS):
            state = (1664525 * state + 1013904223) % 2**32
            numbers.append(max(0, state * 61 // 2**32 - 20) / 10)
        return numbers
    peaks = {"one peak": {7: 3.0}, "two neighbours": {7: 3.0, 8: 2.0}, "all equal": {}}[name]
    return [peaks.get(n, 1.0) for n in range(MAPS)]


class LRNExplorer(Explorer):
    """Local response normalisation across maps (the paper, section 3.3): b = a / (k + alpha * sum of a ** 2) ** beta.

    activities: of sixteen maps at one place, after ReLU, 0 to 4. scale: every activity is multiplied by it, 1 to 100.
    chosen: the map whose sum is written out, 0 to 15. n: maps in a neighbourhood, odd, so that it has a middle; it is
    cut at the first and last map. k, alpha, beta: of the formula. alpha_over_n: divide alpha by n, as the released
    code, Caffe and PyTorch do; the printed formula and TensorFlow do not.
    value: normalised (b of every map), denominator (what the chosen activity is divided by), neighbours (the maps of
    the chosen map's sum, itself among them).
    """

    module = "lrn"

    activities = List(Float(min=0.0, max=4.0), pattern("one peak"), minlen=MAPS, maxlen=MAPS).tag(sync=True)
    scale = Float(1.0, min=1.0, max=100.0).tag(sync=True)
    chosen = Int(7, min=0, max=MAPS - 1).tag(sync=True)
    k = Float(2.0, min=1.0, max=5.0).tag(sync=True)
    n = Int(5, min=1, max=9).tag(sync=True)
    alpha = Float(1e-4, min=1e-5, max=1.0).tag(sync=True)
    beta = Float(0.75, min=0.0, max=2.0).tag(sync=True)
    alpha_over_n = Bool(False).tag(sync=True)

    @validate("n")
    def _has_a_middle(self, proposal):
        if proposal["value"] % 2 == 0:
            raise TraitError(f"n is odd, so that the neighbourhood has a middle; got {proposal['value']}")
        return proposal["value"]

    def _denominators(self):
        squares = (np.array(self.activities) * self.scale) ** 2
        sums = np.convolve(squares, np.ones(self.n))[self.n // 2 :][:MAPS]
        return (self.k + self.alpha / (self.n if self.alpha_over_n else 1) * sums) ** self.beta

    @property
    def value(self) -> dict:
        denominators, half = self._denominators(), self.n // 2
        return {
            "normalised": (np.array(self.activities) * self.scale / denominators).tolist(),
            "denominator": float(denominators[self.chosen]),
            "neighbours": list(range(max(0, self.chosen - half), min(MAPS, self.chosen + half + 1))),
        }

    def fallback(self):
        now = self.value
        near = now["neighbours"]
        sentence = (
            f"Local response normalisation: map {self.chosen}, of activity "
            f"{self.activities[self.chosen] * self.scale:.2f}, is divided by {now['denominator']:.2f}, of which maps "
            f"{near[0]} to {near[-1]} decide, and becomes {now['normalised'][self.chosen]:.2f}. The constant k alone "
            f"would divide by {self.k**self.beta:.2f}."
        )
        whole = 4 * self.scale
        parts = ['<text x="16" y="16">hollow: activity a; filled: b, drawn k^beta times larger</text>']
        parts.append(f'<rect x="{16 + 24 * near[0]}" y="24" width="{24 * len(near)}" height="152" fill="#e4e8ec"/>')
        for m, b in enumerate(now["normalised"]):
            a_high = 144 * self.activities[m] / 4
            b_high = 144 * b * self.k**self.beta / whole
            parts.append(
                f'<rect x="{18 + 24 * m}" y="{174 - a_high:.1f}" width="9" height="{a_high:.1f}" fill="none" '
                f'stroke="#B35C00"/><rect x="{29 + 24 * m}" y="{174 - b_high:.1f}" width="9" height="{b_high:.1f}" '
                f'fill="#0072B2"/><text x="{28 + 24 * m}" y="190" text-anchor="middle">{m}</text>'
            )
        return drawing(416, 196, *parts, label=sentence), sentence
