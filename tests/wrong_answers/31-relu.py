"""Wrong answers to the coded exercise of the chapter on ReLU."""

import numpy as np


def always_off_without_corner(z):
    """Calls a sum of exactly 0 on, where the slope is 0."""
    return z.reshape(-1, z.shape[-1]).max(axis=0) < 0


def always_off_for_any_picture(z):
    """Asks whether a unit is off at least once, not always."""
    return (z <= 0).reshape(-1, z.shape[-1]).any(axis=0)


def always_off_over_pictures_only(z):
    """Forgets the places of a map: one answer for each place."""
    return (z <= 0).all(axis=0)


def always_off_in_the_mean(z):
    """Asks whether the mean sum is negative."""
    return z.mean(axis=tuple(range(z.ndim - 1))) <= 0


def always_off_of_each_picture(z):
    """Looks along the units instead of along the pictures."""
    return (z.reshape(len(z), -1) <= 0).all(axis=1)


def always_off_as_share(z):
    """Gives the share of sums that are off, not whether all are."""
    return (z <= 0).reshape(-1, z.shape[-1]).mean(axis=0)


def always_off_upside_down(z):
    """Says which units are alive."""
    return np.maximum(z, 0).reshape(-1, z.shape[-1]).max(axis=0) > 0
