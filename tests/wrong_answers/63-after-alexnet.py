"""Wrong answers to the coded exercise of the chapter on what came after AlexNet."""

import numpy as np


def _scores(x, query, key):
    flat = x.reshape(-1, x.shape[-1])
    return (flat @ query) @ (flat @ key).T / np.sqrt(key.shape[1])


def _near(x, radius):
    height, width, _ = x.shape
    row, column = np.divmod(np.arange(height * width), width)
    return np.abs(row[:, None] - row), np.abs(column[:, None] - column), radius


def _mixed(scores, x, value, axis=1):
    weights = np.exp(scores - scores.max(axis, keepdims=True))
    weights /= weights.sum(axis, keepdims=True)
    return (weights @ (x.reshape(-1, x.shape[-1]) @ value)).reshape(*x.shape[:2], -1)


def local_attention_everywhere(x, query, key, value, radius):
    """No mask: every place attends to all places."""
    return _mixed(_scores(x, query, key), x, value)


def local_attention_mask_after_softmax(x, query, key, value, radius):
    """Masks after the softmax, so that the weights of a place no longer add up to one."""
    rows, columns, radius = _near(x, radius)
    scores = _scores(x, query, key)
    weights = np.exp(scores - scores.max(1, keepdims=True))
    weights /= weights.sum(1, keepdims=True)
    weights = weights * ((rows <= radius) & (columns <= radius))
    return (weights @ (x.reshape(-1, x.shape[-1]) @ value)).reshape(*x.shape[:2], -1)


def local_attention_mask_is_zero(x, query, key, value, radius):
    """Sets the scores of far places to 0 and not to minus infinity: they still get weight."""
    rows, columns, radius = _near(x, radius)
    return _mixed(np.where((rows <= radius) & (columns <= radius), _scores(x, query, key), 0.0), x, value)


def local_attention_in_a_row(x, query, key, value, radius):
    """Takes places as one row: the end of a row of the map is near the start of the next."""
    at = np.arange(x.shape[0] * x.shape[1])
    near = np.abs(at[:, None] - at) <= radius
    return _mixed(np.where(near, _scores(x, query, key), -np.inf), x, value)


def local_attention_diamond(x, query, key, value, radius):
    """Adds the distances of row and column: a diamond, and not the square of a convolution."""
    rows, columns, radius = _near(x, radius)
    return _mixed(np.where(rows + columns <= radius, _scores(x, query, key), -np.inf), x, value)


def local_attention_unscaled(x, query, key, value, radius):
    """Forgets to divide the scores by the root of the size of the keys."""
    rows, columns, radius = _near(x, radius)
    scores = _scores(x, query, key) * np.sqrt(key.shape[1])
    return _mixed(np.where((rows <= radius) & (columns <= radius), scores, -np.inf), x, value)


def local_attention_other_axis(x, query, key, value, radius):
    """Softmax over those who ask and not over those who are asked."""
    rows, columns, radius = _near(x, radius)
    scores = np.where((rows <= radius) & (columns <= radius), _scores(x, query, key), -np.inf)
    return _mixed(scores, x, value, axis=0)


def local_attention_flat(x, query, key, value, radius):
    """Right numbers, but a row of places in place of a map."""
    rows, columns, radius = _near(x, radius)
    scores = np.where((rows <= radius) & (columns <= radius), _scores(x, query, key), -np.inf)
    mixed = _mixed(scores, x, value)
    return mixed.reshape(-1, mixed.shape[-1])
