"""Wrong answers to the coded exercise of the chapter on using a trained network."""

import numpy as np


def nearest_neighbours_farthest(features, query, k):
    """Sorts the wrong way round."""
    distances = ((np.asarray(features) - query) ** 2).sum(1)
    return np.argsort(-distances)[:k]


def nearest_neighbours_largest_product(features, query, k):
    """Takes a large inner product for a small distance, so long rows win."""
    return np.argsort(-(np.asarray(features) @ np.asarray(query)))[:k]


def nearest_neighbours_unsorted(features, query, k):
    """Has the right rows in the order of the table, not of their distance."""
    distances = ((np.asarray(features) - query) ** 2).sum(1)
    return np.sort(np.argsort(distances)[:k])


def nearest_neighbours_distances(features, query, k):
    """Returns how far, not which."""
    return np.sort(np.sqrt(((np.asarray(features) - query) ** 2).sum(1)))[:k]


def nearest_neighbours_sum_of_differences(features, query, k):
    """Does not square: differences up and down cancel."""
    return np.argsort(np.abs((np.asarray(features) - query).sum(1)))[:k]


def nearest_neighbours_manhattan(features, query, k):
    """Adds absolute differences, another distance."""
    return np.argsort(np.abs(np.asarray(features) - query).sum(1))[:k]


def nearest_neighbours_one_more(features, query, k):
    """Leaves the nearest out, as if the query were among the rows."""
    return np.argsort(((np.asarray(features) - query) ** 2).sum(1))[1 : k + 1]


def nearest_neighbours_wraps(features, query, k):
    """Subtracts bytes, which wrap around below zero."""
    return np.argsort(((np.asarray(features) - np.asarray(query)) ** 2).sum(1))[:k]
