"""Softmax and cross-entropy: drag the logits and see probabilities, loss and gradient."""

from html import escape

import numpy as np
from traitlets import Bool, Float, Int, List, TraitError, Unicode, default, observe, validate

from alexnet.data import CIFAR10_NAMES

from .base import Explorer, drawing


class SoftmaxExplorer(Explorer):
    """Logits become probabilities, probabilities a loss, and the loss a gradient.

    logits: one for each class, and at least one. names: of the classes; those of CIFAR-10 for ten, unless said.
    true_class: its number. As a slider's value follows a new end of the slider, names and true_class follow logits of
    another number: names that are too many go, missing ones are "class 3" and so on, and a true class beyond the last
    becomes the last. The other way round they are refused: names must be as many as the logits, so with both set
    anew, set the logits first or both under `hold_trait_notifications()`.
    temperature: the logits are divided by it. offset: a number added to every logit, which must not change anything.
    max_trick: subtract the largest logit before exponentiating; without it float32 overflows above 88.7.
    value: probabilities, loss (the cross-entropy in nats), gradient (of the loss by the logits after division by the
    temperature, p - y), top1 and top5 (is the true class among the first one, five).
    """

    module = "softmax"

    logits = List(Float(), [2.0, 0.5, 1.0, 4.0, 0.0, 3.0, 1.5, -0.5, -1.0, -2.0], minlen=1).tag(sync=True)
    names = List(Unicode()).tag(sync=True)
    true_class = Int(3, min=0).tag(sync=True)
    temperature = Float(1.0, min=0.1, max=10.0).tag(sync=True)
    offset = Float(0.0, min=0.0, max=100.0).tag(sync=True)
    max_trick = Bool(True).tag(sync=True)

    @default("names")
    def _names(self):
        return _usual_names(len(self.logits))

    @observe("logits")
    def _follow(self, change):
        count = len(change.new)
        if len(self.names) != count:
            usual = _usual_names(count)
            own = self.names if self.names != _usual_names(len(self.names)) else []
            self.names = (own + usual[len(own) :])[:count]
        self.true_class = min(self.true_class, count - 1)

    @validate("names")
    def _one_for_each(self, proposal):
        if len(proposal["value"]) != len(self.logits):
            raise TraitError(f"there are {len(self.logits)} logits, so names must be as many: {proposal['value']}")
        return proposal["value"]

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


def _usual_names(count):
    return list(CIFAR10_NAMES) if count == 10 else [f"class {n}" for n in range(count)]
