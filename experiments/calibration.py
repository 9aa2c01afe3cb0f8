"""Does the network that the book trained mean what it says? Its top-k errors and its calibration, with intervals.

Writes assets/records/calibration.json from the stored weights and CIFAR-10's test pictures: how often the true class
is not among the first k, how confident the network is beside how often it is right, the temperature that fits one half
of the test pictures, what it does for the other half, and how much a second softmax shrinks the gradient. Read by the
chapter on softmax and cross-entropy, which computes the same with its own few lines where CIFAR-10 is at hand.

    python experiments/calibration.py
"""

import hashlib
import json
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from alexnet import data, model, training

RECORD = Path(__file__).resolve().parents[1] / "assets" / "records" / "calibration.json"
NETWORK = "cifar10-tower"
BINS = 15  # equally wide, as in Guo et al., 2017
RESAMPLES = 1000
SPLITS = 100
SEED = 0


def log_probabilities(logits, temperature=1.0):
    """Logarithms of the softmax of logits / temperature, for each row."""
    scaled = logits / temperature
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    return scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))


def fitted(logits, labels):
    """The temperature with the lowest mean cross-entropy, by bisection between 0.2 and 5.

    In beta = 1 / temperature the loss is convex; its slope is the mean of sum(p * z) - z[label].
    """
    low, high = 1 / 5, 1 / 0.2
    true = logits[np.arange(len(labels)), labels].mean()
    for _ in range(30):
        beta = (low + high) / 2
        slope = (np.exp(log_probabilities(logits * beta)) * logits).sum(axis=1).mean() - true
        low, high = (low, beta) if slope > 0 else (beta, high)
    return 2 / (low + high)


def in_bins(confidence, correct):
    """For each bin: how many pictures, the sum of their confidences, and how many are right."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [np.bincount(bins, weights, BINS) for weights in (None, confidence, correct)]


def calibration_error(confidence, correct):
    """Expected calibration error: the mean distance of confidence and accuracy over the bins, weighted by pictures."""
    _, said, right = in_bins(confidence, correct)
    return np.abs(said - right).sum() / len(confidence)


def judged(logits, labels, temperature):
    """Confidence of the first class, whether it is right, and the cross-entropy: one array each."""
    logs = log_probabilities(logits, temperature)
    return np.exp(logs.max(axis=1)), logs.argmax(axis=1) == labels, -logs[np.arange(len(labels)), labels]


def middle(values):
    """The 2.5 %, 50 % and 97.5 % points."""
    return [round(float(value), 5) for value in np.percentile(values, [2.5, 50, 97.5])]


def summary(logits, labels, temperature, rng):
    confidence, correct, losses = judged(logits, labels, temperature)
    counts, said, right = in_bins(confidence, correct)
    ideal = [calibration_error(confidence, rng.random(len(confidence)) < confidence) for _ in range(RESAMPLES)]
    return {
        "accuracy": round(float(correct.mean()), 5),
        "confidence": round(float(confidence.mean()), 5),
        "cross_entropy": round(float(losses.mean()), 5),
        "calibration_error": round(float(calibration_error(confidence, correct)), 5),
        # What a network with these confidences would show if each of them were exactly true.
        "calibration_error_if_perfect": middle(ideal),
        "bins": [
            {"pictures": int(n), "confidence": round(float(c / n), 5), "accuracy": round(float(r / n), 5)}
            if n
            else None
            for n, c, r in zip(counts, said, right, strict=True)
        ],
    }


def resampled(fit, judge, rng):
    """Both halves drawn again with replacement, the temperature fitted anew each time."""
    rows = []
    for _ in range(RESAMPLES):
        a, b = (rng.integers(len(labels), size=len(labels)) for _, labels in (fit, judge))
        temperature = fitted(fit[0][a], fit[1][a])
        before = judged(judge[0][b], judge[1][b], 1.0)
        after = judged(judge[0][b], judge[1][b], temperature)
        errors = [calibration_error(*found[:2]) for found in (before, after)]
        rows.append([temperature, *errors, errors[0] - errors[1], (before[2] - after[2]).mean()])
    names = ("temperature", "calibration_error_before", "calibration_error_after", "calibration_gain", "loss_gain")
    return {name: middle(column) for name, column in zip(names, np.transpose(rows), strict=True)}


def other_splits(logits, labels, rng):
    """What another choice of the two halves would have given."""
    rows = []
    for _ in range(SPLITS):
        order = rng.permutation(len(labels))
        a, b = order[::2], order[1::2]
        temperature = fitted(logits[a], labels[a])
        rows.append(
            [temperature, *(calibration_error(*judged(logits[b], labels[b], t)[:2]) for t in (1.0, temperature))]
        )
    names = ("temperature", "calibration_error_before", "calibration_error_after")
    return {name: middle(column) for name, column in zip(names, np.transpose(rows), strict=True)}


def pulls(logits, labels):
    """Median size of the gradient by the logits, with one softmax and with two, over kinds of answers."""
    p = np.exp(log_probabilities(logits))
    q = np.exp(log_probabilities(p))
    y = np.eye(p.shape[1])[labels]
    doubled = p * ((q - y) - (p * (q - y)).sum(axis=1, keepdims=True))
    confidence, right = p.max(axis=1), p.argmax(axis=1) == labels
    kinds = {
        "all": confidence > 0,
        "wrong, below 50 %": ~right & (confidence < 0.5),
        "wrong, above 90 %": ~right & (confidence > 0.9),
        "wrong, above 99 %": ~right & (confidence > 0.99),
    }
    return {
        name: {
            "pictures": int(those.sum()),
            **{
                loss: float(f"{np.median(np.linalg.norm(gradient[those], axis=1)):.4g}")
                for loss, gradient in (("once", p - y), ("twice", doubled))
            },
        }
        for name, those in kinds.items()
    }


def example(pictures, logits, labels):
    """A wrong answer whose logits fit the explorer's sliders: a ship whose class comes third.

    The file order of the test pictures differs between copies of CIFAR-10, so `colours` says how to find it: the mean
    colours of the 4 x 4 squares that it consists of.
    """
    ship = data.CIFAR10_NAMES.index("ship")
    rank = (logits > logits[np.arange(len(labels)), labels][:, None]).sum(axis=1)
    (found,) = np.flatnonzero((labels == ship) & (rank == 2) & (logits.max(axis=1) < 6) & (logits.argmax(axis=1) == 1))[
        :1
    ]
    squares = pictures[found].reshape(4, 8, 4, 8, 3).mean(axis=(1, 3))
    return {
        "true_class": ship,
        "logits": [round(float(logit), 1) for logit in logits[found]],
        "colours": np.round(squares).astype(int).tolist(),
    }


def main():
    cifar, began = data.cifar10(), time.monotonic()
    network = model.pretrained(NETWORK)
    logits = training.predict(network, cifar.x_test).astype("float64")
    labels, rng = cifar.y_test, np.random.default_rng(SEED)
    rank = (logits > logits[np.arange(len(labels)), labels][:, None]).sum(axis=1)
    fit, judge = ((logits[start::2], labels[start::2]) for start in (0, 1))
    temperature = fitted(*fit)
    losses = judged(logits, labels, 1.0)[2]
    record = {
        "question": "is the network right as often as it says, and does one temperature, fitted on every second "
        "test picture (0, 2, 4, ...), make it so for the others?",
        "network": NETWORK,
        "weights_sha256": hashlib.sha256((model.weights_folder() / f"{NETWORK}.tflite").read_bytes()).hexdigest(),
        "test": len(labels),
        "not_among_first": {str(k): int((rank >= k).sum()) for k in range(1, 6)},
        "cross_entropy": round(float(losses.mean()), 5),
        "largest_cross_entropy": round(float(losses.max()), 5),
        "bins": BINS,
        "temperature": round(float(temperature), 5),
        "before": summary(*judge, 1.0, rng),
        "after": summary(*judge, temperature, rng),
        "resamples": RESAMPLES,
        "resampled": resampled(fit, judge, rng),
        "splits": SPLITS,
        "other_splits": other_splits(logits, labels, rng),
        "gradient_size": pulls(logits, labels),
        "example": example(cifar.x_test, logits, labels),
        "dataset": cifar.provenance,
        "seed": SEED,
        "seconds": round(time.monotonic() - began, 1),
        "environment": training.environment(),
        "date": training.now(),
    }
    RECORD.write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
