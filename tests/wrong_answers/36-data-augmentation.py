"""Wrong answers to the coded exercise of chapters/36-data-augmentation.ipynb, for its self-check to reject."""

import numpy as np


def _cut(pictures, size, rows, columns, flips):
    out = [
        p[r : r + size, c : c + size][:, ::-1] if f else p[r : r + size, c : c + size]
        for p, r, c, f in zip(pictures, rows, columns, flips, strict=True)
    ]
    return np.stack(out)


def _drawn(pictures, size, rng):
    """What would be right."""
    places = rng.integers(0, pictures.shape[1] - size + 1, (2, len(pictures)))
    return _cut(pictures, size, *places, rng.random(len(pictures)) < 0.5)


def random_windows_one_post_short(pictures, size, rng):
    """The mistake behind 2,048: the last place never comes up."""
    places = rng.integers(0, pictures.shape[1] - size, (2, len(pictures)))
    return _cut(pictures, size, *places, rng.random(len(pictures)) < 0.5)


def random_windows_one_place_for_all(pictures, size, rng):
    """One place and one decision for the whole batch."""
    row, column = rng.integers(0, pictures.shape[1] - size + 1, 2)
    return pictures[:, row : row + size, column : column + size]


def random_windows_never_mirrored(pictures, size, rng):
    """Windows without mirror images."""
    places = rng.integers(0, pictures.shape[1] - size + 1, (2, len(pictures)))
    return _cut(pictures, size, *places, np.zeros(len(pictures), bool))


def random_windows_upside_down(pictures, size, rng):
    """Mirrors top for bottom."""
    places = rng.integers(0, pictures.shape[1] - size + 1, (2, len(pictures)))
    out = _cut(pictures, size, *places, np.zeros(len(pictures), bool))
    return np.stack([w[::-1] if rng.random() < 0.5 else w for w in out])


def random_windows_on_the_diagonal(pictures, size, rng):
    """One draw for row and column."""
    places = rng.integers(0, pictures.shape[1] - size + 1, len(pictures))
    return _cut(pictures, size, places, places, rng.random(len(pictures)) < 0.5)


def random_windows_always_mirrored(pictures, size, rng):
    """Mirrors every picture."""
    places = rng.integers(0, pictures.shape[1] - size + 1, (2, len(pictures)))
    return _cut(pictures, size, *places, np.ones(len(pictures), bool))


def random_windows_whole_pictures(pictures, size, rng):
    """Mirrors, but cuts nothing."""
    return pictures[:, :, ::-1]


def random_windows_corners_only(pictures, size, rng):
    """The places of the test: corners."""
    places = (pictures.shape[1] - size) * rng.integers(0, 2, (2, len(pictures)))
    return _cut(pictures, size, *places, rng.random(len(pictures)) < 0.5)


def random_windows_seldom_mirrored(pictures, size, rng):
    """Mirrors a third of the pictures."""
    places = rng.integers(0, pictures.shape[1] - size + 1, (2, len(pictures)))
    return _cut(pictures, size, *places, rng.random(len(pictures)) < 1 / 3)


def random_windows_of_the_first(pictures, size, rng):
    """Cuts every window from the first picture."""
    return _drawn(np.repeat(pictures[:1], len(pictures), axis=0), size, rng)


def random_windows_shuffled(pictures, size, rng):
    """Right windows, in another order than the pictures."""
    return _drawn(pictures, size, rng)[rng.permutation(len(pictures))]


def random_windows_in_chunks(pictures, size, rng):
    """One draw for 32 successive pictures, as in the released code."""
    places = rng.integers(0, pictures.shape[1] - size + 1, (2, len(pictures)))
    flips = rng.random(len(pictures)) < 0.5
    chunk = np.arange(len(pictures)) // 32 * 32
    return _cut(pictures, size, places[0][chunk], places[1][chunk], flips[chunk])


def random_windows_own_generator(pictures, size, rng):
    """Draws from a generator of its own, the same at every call."""
    return _drawn(pictures, size, np.random.default_rng(0))
