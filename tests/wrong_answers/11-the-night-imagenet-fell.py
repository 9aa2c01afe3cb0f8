"""Wrong answers to the coded exercise of chapters/11-the-night-imagenet-fell.ipynb, for its self-check to turn down."""

import numpy as np


def _places(scores, labels):
    """Classes above the label, and classes that share its score, itself included: (pictures,) each."""
    own = np.take_along_axis(scores, np.asarray(labels)[:, None], axis=1)
    return (scores > own).sum(axis=1), (scores == own).sum(axis=1)


def top_k_error_strict(scores, labels, k):
    """Counts every tie in the network's favour."""
    above, _ = _places(scores, labels)
    return np.mean(above >= k)


def top_k_error_harsh(scores, labels, k):
    """Counts every tie against the network."""
    above, tied = _places(scores, labels)
    return np.mean(above + tied > k)


def top_k_error_sorted(scores, labels, k):
    """Leaves ties in the order of the classes' numbers."""
    first = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return 1 - (first == np.asarray(labels)[:, None]).any(axis=1).mean()


def top_k_error_half(scores, labels, k):
    """Gives half a mistake for a tie across the border, however many places are left."""
    above, tied = _places(scores, labels)
    return np.mean(np.where(above + tied <= k, 0, np.where(above < k, 0.5, 1)))


def top_k_error_without_limits(scores, labels, k):
    """Lets the chance of being found become negative, and larger than one."""
    above, tied = _places(scores, labels)
    return np.mean(1 - (k - above) / tied)


def top_k_error_others_only(scores, labels, k):
    """Forgets that the label belongs to the classes that share its score."""
    above, tied = _places(scores, labels)
    return np.mean(1 - np.clip((k - above) / np.maximum(tied - 1, 1), 0, 1))


def top_k_error_accuracy(scores, labels, k):
    """Returns the share of pictures that are right."""
    above, tied = _places(scores, labels)
    return np.mean(np.clip((k - above) / tied, 0, 1))


def top_k_error_first(scores, labels, k):
    """Looks at the first place only, whatever k is."""
    above, tied = _places(scores, labels)
    return np.mean(1 - np.clip((1 - above) / tied, 0, 1))


def top_k_error_nan(scores, labels, k):
    """Takes a label whose score is nan for one that nothing is preferred to."""
    above, tied = _places(scores, labels)
    return np.mean(1 - np.clip((k - above) / np.maximum(tied, 1), 0, 1))
