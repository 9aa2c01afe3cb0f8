"""Answers that a student might give to the coded exercise of chapter 30, each wrong in its own way."""

import numpy as np


def _windows(x, size, stride, places):
    """The windows of a pool, cut off at the edge of the picture."""
    for r, c in np.ndindex(*places):
        yield r, c, x[:, r * stride : r * stride + size, c * stride : c * stride + size]


def _pool(x, size, stride, places, reduce=np.max):
    pooled = np.zeros((len(x), *places, x.shape[3]))
    for r, c, window in _windows(x, size, stride, places):
        pooled[:, r, c] = reduce(window, axis=(1, 2))
    return pooled


def _up(x, size, stride):
    return [1 + -(-(n - size) // stride) for n in x.shape[1:3]]


def max_pool_up_rounding_down(x, size, stride):
    """Drops the window that does not fit, as most frameworks do."""
    return _pool(x, size, stride, [1 + (n - size) // stride for n in x.shape[1:3]])


def max_pool_up_padded_with_zeros(x, size, stride):
    """Fills what lies beyond the edge with zeros, which win against negative numbers."""
    wide = np.pad(x, ((0, 0), (0, size), (0, size), (0, 0)))
    return _pool(wide, size, stride, _up(x, size, stride))


def max_pool_up_of_means(x, size, stride):
    """Takes the mean of each window instead of its largest number."""
    return _pool(x, size, stride, _up(x, size, stride), np.mean)


def max_pool_up_without_overlap(x, size, stride):
    """Cuts windows as wide as the stride, so that neighbours share nothing."""
    return _pool(x, stride, stride, _up(x, size, stride))


def max_pool_up_stepping_by_size(x, size, stride):
    """Moves by the size of the window instead of the stride."""
    return _pool(x, size, size, [-(-n // size) for n in x.shape[1:3]])


def max_pool_up_over_all_maps(x, size, stride):
    """Takes the largest number of all maps together and gives it to each of them."""
    pooled = _pool(x, size, stride, _up(x, size, stride))
    return np.broadcast_to(pooled.max(-1, keepdims=True), pooled.shape)


def max_pool_up_of_square_pictures(x, size, stride):
    """Works out the number of windows from the rows alone."""
    places = _up(x, size, stride)
    return _pool(x, size, stride, [places[0], places[0]])
