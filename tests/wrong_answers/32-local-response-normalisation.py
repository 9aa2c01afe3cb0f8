"""Wrong answers to the coded exercise of chapters/32-local-response-normalisation.ipynb, to be rejected."""

import numpy as np


def _normalised(a, n=5, k=2.0, alpha=1e-4, beta=0.75):
    at = np.arange(a.shape[-1])
    near = (np.abs(at[:, None] - at) <= n // 2).astype(float)
    return a / (k + alpha * a**2 @ near) ** beta


def lrn_in_towers_one_tower(a, towers):
    """Lets neighbours meet across the border."""
    return _normalised(a)


def lrn_in_towers_interleaved(a, towers):
    """Deals the maps out to the towers in turn, instead of one tower after the other."""
    result = np.empty_like(a)
    for tower in range(towers):
        result[..., tower::towers] = _normalised(a[..., tower::towers])
    return result


def lrn_in_towers_alpha_over_n(a, towers):
    """Divides alpha by n, as the released code does; the printed formula does not."""
    return np.concatenate([_normalised(part, alpha=2e-5) for part in np.split(a, towers, -1)], -1)


def lrn_in_towers_radius_five(a, towers):
    """Takes five maps on either side."""
    return np.concatenate([_normalised(part, n=11) for part in np.split(a, towers, -1)], -1)


def lrn_in_towers_split_batch(a, towers):
    """Splits the pictures instead of the maps; falls back to one tower where they do not divide."""
    if len(a) % towers:
        return _normalised(a)
    return np.concatenate([_normalised(part) for part in np.split(a, towers)])


def lrn_in_towers_only_the_first(a, towers):
    """Gives back the first tower alone."""
    return _normalised(np.split(a, towers, -1)[0])


def lrn_in_towers_k_of_one(a, towers):
    """Takes Caffe's k of 1 for the paper's 2."""
    return np.concatenate([_normalised(part, k=1.0) for part in np.split(a, towers, -1)], -1)
