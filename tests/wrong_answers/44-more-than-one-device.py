"""Wrong answers to the coded exercise of the chapter on several devices, for its self-check to turn down."""

import numpy as np


def combine_mean(gradients, counts):
    """The plain mean, as if all shares were equal."""
    return np.mean([g for g, n in zip(gradients, counts, strict=True) if n], axis=0)


def combine_sum(gradients, counts):
    """Adds up and forgets to divide: the step grows with the number of devices."""
    return sum(g for g, n in zip(gradients, counts, strict=True) if n)


def combine_by_devices(gradients, counts):
    """Divides by the number of devices in place of the number of pictures."""
    return sum(n * g for g, n in zip(gradients, counts, strict=True) if n) / len(counts)


def combine_zero_times_nan(gradients, counts):
    """Gives an empty share the weight 0, and 0 times NaN is NaN."""
    return sum(n * g for g, n in zip(gradients, counts, strict=True)) / sum(counts)


def combine_largest(gradients, counts):
    """Believes the device with the most pictures."""
    return gradients[int(np.argmax(counts))]


def combine_first_equal(gradients, counts):
    """Weights by the first share."""
    return sum(g * n / counts[0] for g, n in zip(gradients, counts, strict=True) if n) / len(counts)


def combine_square(gradients, counts):
    """Weights by the square roots of the shares."""
    pairs = [(g, n**0.5) for g, n in zip(gradients, counts, strict=True) if n]
    return sum(w * g for g, w in pairs) / sum(w for _, w in pairs)
