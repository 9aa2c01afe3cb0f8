"""Wrong answers to the coded exercise of chapters/95-explorers.ipynb, for its self-check to turn down."""

import numpy as np


def lrn_negative_index(a, n, k, alpha, beta):
    """Lets the slices of the first maps begin at a negative index, which counts from the end."""
    sums = [(a[i - n // 2 : i + n // 2 + 1] ** 2).sum() for i in range(len(a))]
    return a / (k + alpha * np.array(sums)) ** beta


def lrn_around_the_edge(a, n, k, alpha, beta):
    """Joins the last map to the first, so that the edges have neighbours on both sides."""
    sums = sum(np.roll(a, shift) ** 2 for shift in range(-(n // 2), n // 2 + 1))
    return a / (k + alpha * sums) ** beta


def lrn_without_last(a, n, k, alpha, beta):
    """Stops the neighbourhood one map early."""
    sums = [(a[max(0, i - n // 2) : i + n // 2] ** 2).sum() for i in range(len(a))]
    return a / (k + alpha * np.array(sums)) ** beta


def lrn_n_on_each_side(a, n, k, alpha, beta):
    """Takes n for the maps on each side, as TensorFlow's depth_radius counts."""
    sums = [(a[max(0, i - n) : i + n + 1] ** 2).sum() for i in range(len(a))]
    return a / (k + alpha * np.array(sums)) ** beta


def lrn_alpha_over_n(a, n, k, alpha, beta):
    """Divides alpha by n, as the released code and PyTorch do; the printed formula does not."""
    return a / (k + alpha / n * np.convolve(a**2, np.ones(n))[n // 2 :][: len(a)]) ** beta


def lrn_without_squares(a, n, k, alpha, beta):
    """Sums the activities, not their squares."""
    return a / (k + alpha * np.convolve(a, np.ones(n))[n // 2 :][: len(a)]) ** beta


def lrn_of_itself_only(a, n, k, alpha, beta):
    """Leaves the neighbours out."""
    return a / (k + alpha * a**2) ** beta


def lrn_square_root(a, n, k, alpha, beta):
    """Takes a square root for the power beta, as in a division by the length."""
    return a / np.sqrt(k + alpha * np.convolve(a**2, np.ones(n))[n // 2 :][: len(a)])


def lrn_constants_of_the_paper(a, n, k, alpha, beta):
    """Writes the paper's k and beta into the formula and ignores those it is given."""
    return a / (2 + alpha * np.convolve(a**2, np.ones(n))[n // 2 :][: len(a)]) ** 0.75


def lrn_alpha_of_the_paper(a, n, k, alpha, beta):
    """Writes the paper's alpha into the formula and ignores the one it is given."""
    return a / (k + 1e-4 * np.convolve(a**2, np.ones(n))[n // 2 :][: len(a)]) ** beta
