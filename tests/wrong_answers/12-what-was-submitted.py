"""Wrong answers to the coded exercise of chapters/12-what-was-submitted.ipynb, for its self-check to turn down."""

import numpy as np


def _missed(total, labels, k):
    best = np.argsort(-total, axis=-1)[..., :k]
    return 1 - (best == np.asarray(labels)[:, None]).any(axis=-1)


def ensemble_error_mean_of_errors(probabilities, coefficients, labels, k):
    """Averages the networks' errors, which gives the mean member and not the team."""
    errors = [_missed(answers, labels, k).mean() for answers in probabilities]
    return np.average(errors, weights=coefficients)


def ensemble_error_without_coefficients(probabilities, coefficients, labels, k):
    """Counts every network alike."""
    return _missed(np.mean(probabilities, axis=0), labels, k).mean()


def ensemble_error_votes(probabilities, coefficients, labels, k):
    """Lets each network vote for its first class and so forgets how sure it was."""
    votes = np.zeros(probabilities.shape[1:])
    for answers, coefficient in zip(probabilities, coefficients, strict=True):
        votes[np.arange(len(votes)), answers.argmax(axis=1)] += coefficient
    return _missed(votes, labels, k).mean()


def ensemble_error_of_logarithms(probabilities, coefficients, labels, k):
    """Adds up logarithms, a product of the probabilities instead of their sum."""
    return _missed(np.tensordot(coefficients, np.log(probabilities), axes=1), labels, k).mean()


def ensemble_error_top_1(probabilities, coefficients, labels, k):
    """Looks at the first class only, whatever k is."""
    return _missed(np.tensordot(coefficients, probabilities, axes=1), labels, 1).mean()


def ensemble_error_accuracy(probabilities, coefficients, labels, k):
    """Returns the share of right answers."""
    return 1 - _missed(np.tensordot(coefficients, probabilities, axes=1), labels, k).mean()


def ensemble_error_in_percent(probabilities, coefficients, labels, k):
    """Returns percent where a share is asked for."""
    return 100 * _missed(np.tensordot(coefficients, probabilities, axes=1), labels, k).mean()


def ensemble_error_lowest(probabilities, coefficients, labels, k):
    """Takes the k lowest sums, having sorted the wrong way round."""
    return _missed(-np.tensordot(coefficients, probabilities, axes=1), labels, k).mean()


def ensemble_error_any_network(probabilities, coefficients, labels, k):
    """Counts a picture as right if any network has it among its k best."""
    return np.min([_missed(answers, labels, k) for answers in probabilities], axis=0).mean()
