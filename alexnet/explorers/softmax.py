"""Softmax and cross-entropy: drag the logits and see probabilities, loss and gradient."""

from html import escape

import numpy as np
from traitlets import Bool, Float, Int, List, TraitError, Unicode, default, validate

from alexnet.data import CIFAR10_NAMES

from .base import Explorer, drawing


class SoftmaxExplorer(Explorer):
    """Logits become probabilities, probabilities a loss, and the loss a gradient.

    logits: one for each class. names: of the classes; those of CIFAR-10 unless said. true_class: its number.
    temperature: the logits are divided by it. offset: a number added to every logit, which must not change anything.
    max_trick: subtract the largest logit before exponentiating; without it float32 overflows above 88.7.
    value: probabilities, loss (the cross-entropy in nats), gradient (of the loss by the logits after division by the
    temperature, p - y), top1 and top5 (is the true class among the first one, five).
    """

    module = "softmax"

    logits = List(Float(), default_value=[2.0, 0.5, 1.0, 4.0, 0.0, 3.0, 1.5, -0.5, -1.0, -2.0]).tag(sync=True)
    names = List(Unicode()).tag(sync=True)
    true_class = Int(3, min=0).tag(sync=True)
    temperature = Float(1.0, min=0.1, max=10.0).tag(sync=True)
    offset = Float(0.0, min=0.0, max=100.0).tag(sync=True)
    max_trick = Bool(True).tag(sync=True)

    @default("names")
    def _names(self):
        count = len(self.logits)
        return list(CIFAR10_NAMES) if count == 10 else [f"class {n}" for n in range(count)]

    @validate("true_class")
    def _is_a_class(self, proposal):
        if proposal["value"] >= len(self.logits):
            raise TraitError(f"true_class must be below the number of logits, {len(self.logits)}")
        return proposal["value"]

    @property
    def value(self) -> dict:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            shifted = np.asarray(self.logits, "float32") + np.float32(self.offset)
            scaled = shifted / np.float32(self.temperature)
            exponentials = np.exp(scaled - scaled.max() if self.max_trick else scaled)
            p = exponentials / exponentials.sum()
            loss = -np.log(p[self.true_class])
        rank = int((np.asarray(self.logits) > self.logits[self.true_class]).sum())
        return {
            "probabilities": p.tolist(),
            "loss": float(loss),
            "gradient": (p - np.eye(len(p))[self.true_class]).tolist(),
            "top1": rank < 1,
            "top5": rank < 5,
        }

    def fallback(self):
        now, true = self.value, self.true_class
        sentence = (
            f"Softmax turns the logits into probabilities. The true class, {self.names[true]}, gets "
            f"{now['probabilities'][true]:.2f}, so the loss is {now['loss']:.2f}."
        )
        colours = ["#E69F00" if n == true else "#0072B2" for n in range(len(self.logits))]
        bars = [
            f'<text x="88" y="{17 + 20 * n}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="96" y="{6 + 20 * n}" width="{250 * p:.1f}" height="14" fill="{colours[n]}"/>'
            f'<text x="{101 + 250 * p:.1f}" y="{17 + 20 * n}">{p:.3f}</text>'
            for n, (name, p) in enumerate(zip(self.names, now["probabilities"], strict=True))
        ]
        return drawing(400, 8 + 20 * len(bars), *bars, label=sentence), sentence
