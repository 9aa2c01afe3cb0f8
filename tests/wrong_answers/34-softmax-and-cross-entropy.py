"""Wrong answers to the coded exercise of the chapter on softmax and cross-entropy, for its self-check to turn down."""

import numpy as np


def smoothed_cross_entropy_naive(logits, labels, share):
    """Exponentiates the logits as they are, which overflows."""
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    y = (1 - share) * np.eye(logits.shape[1])[labels] + share / logits.shape[1]
    return -(y * np.log(p)).sum(axis=1).mean()


def smoothed_cross_entropy_log_of_zero(logits, labels, share):
    """Subtracts the largest logit, but takes the logarithm of probabilities that have become 0."""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    y = (1 - share) * np.eye(logits.shape[1])[labels] + share / logits.shape[1]
    return -(y * np.log(p)).sum(axis=1).mean()


def smoothed_cross_entropy_clipped(logits, labels, share):
    """Keeps probabilities away from 0 by clipping, so that no loss exceeds 16.1."""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = np.clip(e / e.sum(axis=1, keepdims=True), 1e-7, 1)
    y = (1 - share) * np.eye(logits.shape[1])[labels] + share / logits.shape[1]
    return -(y * np.log(p)).sum(axis=1).mean()


def smoothed_cross_entropy_largest_of_all(logits, labels, share):
    """Subtracts the largest logit of the whole batch, so that rows far below it underflow."""
    shifted = logits - logits.max()
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    true = logs[np.arange(len(logs)), labels]
    return -((1 - share) * true + share * logs.mean(axis=1)).mean()


def smoothed_cross_entropy_others_only(logits, labels, share):
    """Spreads the share over the other classes and leaves the true one out."""
    logs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    one_hot = np.eye(logits.shape[1])[labels]
    y = (1 - share) * one_hot + share * (1 - one_hot) / (logits.shape[1] - 1)
    return -(y * logs).sum(axis=1).mean()


def smoothed_cross_entropy_without_share(logits, labels, share):
    """Is the cross-entropy of the labels, not smoothed."""
    logs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return -logs[np.arange(len(logs)), labels].mean()


def smoothed_cross_entropy_sum(logits, labels, share):
    """Adds the pictures up instead of averaging."""
    logs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    y = (1 - share) * np.eye(logits.shape[1])[labels] + share / logits.shape[1]
    return -(y * logs).sum()


def smoothed_cross_entropy_mean_of_everything(logits, labels, share):
    """Averages over the classes too, and so is too small by their number."""
    logs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    y = (1 - share) * np.eye(logits.shape[1])[labels] + share / logits.shape[1]
    return -(y * logs).mean()


def smoothed_cross_entropy_down_the_batch(logits, labels, share):
    """Takes the softmax over the pictures instead of the classes."""
    logs = logits - np.logaddexp.reduce(logits, axis=0, keepdims=True)
    y = (1 - share) * np.eye(logits.shape[1])[labels] + share / logits.shape[1]
    return -(y * logs).sum(axis=1).mean()


def smoothed_cross_entropy_sign(logits, labels, share):
    """Forgets the minus sign."""
    logs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    y = (1 - share) * np.eye(logits.shape[1])[labels] + share / logits.shape[1]
    return (y * logs).sum(axis=1).mean()


def smoothed_cross_entropy_label_as_y(logits, labels, share):
    """Takes the class number itself for y."""
    logs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    y = (1 - share) * labels[:, None] + share / logits.shape[1]
    return -(y * logs).sum(axis=1).mean()
