"""Wrong answers to the assignment look-inside; see table_and_network.py."""

import keras
import numpy as np

LOSES = {
    "feature_map_of_the_next_number": {"feature-map"},
    "feature_map_of_one_layer": {"feature-map"},
    "awake_by_number": {"awake"},
    "awake_by_sum": {"awake"},
    "seen_without_clipping": {"seen"},
    "seen_forgets_padding": {"seen"},
    "seen_jumps_too_early": {"seen"},
    "occlusion_over_the_edge": {"occlusion-places"},
    "occlusion_ignores_stride": {"occlusion-places", "occlusion-values"},
    "occlusion_spoils_the_picture": {"occlusion-places", "occlusion-values"},
    "occlusion_keeps_earlier_covers": {"occlusion-places", "occlusion-values"},
    "occlusion_covers_one_colour": {"occlusion-values"},
    "occlusion_leaves_one_colour": {"occlusion-values"},
    "worst_corner": {"worst"},
    "worst_in_covers": {"worst"},
    "agreed_on_the_mean": {"agreed"},
    "agreed_by_any": {"agreed"},
    "agreed_on_more_than_the_drop": {"agreed"},
}


def feature_map_of_the_next_number(network, picture, layer, number):
    """Counts maps from 1, so that map 17 is the eighteenth less one."""
    inside = keras.Model(network.input, network.get_layer(layer).output)
    return keras.ops.convert_to_numpy(inside(picture[None]))[0, :, :, number - 1]


def feature_map_of_one_layer(network, picture, layer, number):
    """Always looks at conv1."""
    inside = keras.Model(network.input, network.get_layer("conv1").output)
    return keras.ops.convert_to_numpy(inside(picture[None]))[0, :, :, number % 48]


def awake_by_number(maps):
    """Leaves them in the order of their numbers."""
    return [int(n) for n in np.flatnonzero(maps.max((0, 1)) > 0)]


def awake_by_sum(maps):
    """Ranks them by their sums."""
    total = maps.sum((0, 1))
    return [int(n) for n in np.argsort(-total) if total[n] > 0]


def _seen(windows, index, side, clip=True, padded=True, early=False):
    field, jump, start = 1, 1, 0
    for size, stride, padding in windows:
        step = jump * stride if early else jump
        field += (size - 1) * step
        start -= padding * jump if padded else 0
        jump *= stride
    first = start + index * jump
    return (max(0, first), min(side, first + field)) if clip else (first, first + field)


def seen_without_clipping(windows, index, side):
    """Counts the padding among the pixels."""
    return _seen(windows, index, side, clip=False)


def seen_forgets_padding(windows, index, side):
    """Lets the field of the first unit begin at the first pixel."""
    return _seen(windows, index, side, padded=False)


def seen_jumps_too_early(windows, index, side):
    """Counts a layer's own stride for its own window."""
    return _seen(windows, index, side, early=True)


def occlusion_over_the_edge(answer, picture, size, stride, fill):
    """Lets covers hang over the edge, where they hide less."""
    tops, lefts = (range(0, n, stride) for n in picture.shape[:2])
    covered = np.stack([picture for _ in tops for _ in lefts])
    for number, (top, left) in enumerate((top, left) for top in tops for left in lefts):
        covered[number, top : top + size, left : left + size] = fill
    return np.asarray(answer(covered)).reshape(len(tops), len(lefts))


def _occlusion(answer, picture, size, stride, fill, *, step=None, colours=slice(None), copy=True):
    rows, columns = ((n - size) // stride + 1 for n in picture.shape[:2])
    values = []
    for number in range(rows * columns):
        row, column = divmod(number, columns)
        top, left = row * (step or stride), column * (step or stride)
        covered = picture.copy() if copy else picture
        covered[top : top + size, left : left + size, colours] = fill
        values.append(np.asarray(answer(covered[None]))[0])
    return np.reshape(values, (rows, columns))


def occlusion_ignores_stride(answer, picture, size, stride, fill):
    """Moves by the size of the cover; the last covers lie outside the picture."""
    return _occlusion(answer, picture, size, stride, fill, step=size + 1)


def occlusion_spoils_the_picture(answer, picture, size, stride, fill):
    """Covers the picture itself, more and more of it."""
    return _occlusion(answer, picture, size, stride, fill, copy=False)


def occlusion_keeps_earlier_covers(answer, picture, size, stride, fill):
    """Makes one copy for all covers, which pile up on it."""
    return _occlusion(answer, picture.copy(), size, stride, fill, copy=False)


def occlusion_covers_one_colour(answer, picture, size, stride, fill):
    """Covers red only."""
    return _occlusion(answer, picture, size, stride, fill, colours=0)


def occlusion_leaves_one_colour(answer, picture, size, stride, fill):
    """Covers green and blue."""
    return _occlusion(answer, picture, size, stride, fill, colours=slice(1, None))


def worst_corner(covers, size, stride):
    """The upper left corner of the cover, not its centre."""
    r, c = np.unravel_index(np.argmin(covers), np.shape(covers))
    return float(r * stride), float(c * stride)


def worst_in_covers(covers, size, stride):
    """The place in the map of answers, not in pixels."""
    r, c = np.unravel_index(np.argmin(covers), np.shape(covers))
    return float(r), float(c)


def agreed_on_the_mean(maps, before, drop):
    """Lets one deep fall make up for another that is none."""
    return before - np.mean(maps, axis=0) >= drop


def agreed_by_any(maps, before, drop):
    """One map is enough."""
    return np.any([before - np.asarray(covers) >= drop for covers in maps], axis=0)


def agreed_on_more_than_the_drop(maps, before, drop):
    """Leaves out the covers that cost exactly `drop`."""
    return np.all([before - np.asarray(covers) > drop for covers in maps], axis=0)
