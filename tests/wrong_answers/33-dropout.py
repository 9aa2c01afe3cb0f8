"""Wrong answers to the coded exercise of chapters/33-dropout.ipynb, for its self-check to reject."""

import numpy as np


def inverted_dropout_as_in_2012(a, rate, rng):
    """Masks without scaling: the way of 2012."""
    return a * (rng.random(a.shape) >= rate)


def inverted_dropout_one_mask(a, rate, rng):
    """One mask for all pictures."""
    return a * (rng.random(a.shape[1]) >= rate) / (1 - rate)


def inverted_dropout_keeps_the_rate(a, rate, rng):
    """Keeps with the probability with which it should drop."""
    return a * (rng.random(a.shape) < rate) / (1 - rate)


def inverted_dropout_divides_by_the_rate(a, rate, rng):
    """Divides by the share that is dropped."""
    return a * (rng.random(a.shape) >= rate) / rate


def inverted_dropout_exactly_half(a, rate, rng):
    """Drops the same number of units of every picture."""
    order = rng.random(a.shape).argsort(1)
    return a * (order >= int(rate * a.shape[1])) / (1 - rate)


def inverted_dropout_whole_pictures(a, rate, rng):
    """Drops pictures instead of units."""
    return a * (rng.random((len(a), 1)) >= rate) / (1 - rate)


def inverted_dropout_halves(a, rate, rng):
    """What the network does at test time in 2012."""
    return np.asarray(a) * (1 - rate)
