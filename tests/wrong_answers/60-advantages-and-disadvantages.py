"""Wrong answers to the coded exercise of chapters/60-advantages-and-disadvantages.ipynb, to be turned down."""

import numpy as np


def torch_to_conv_reshaped_only(weights, shape):
    """Puts the units last and reshapes: right shape, but the rows are taken for those of Keras."""
    maps, height, width = shape
    return np.asarray(weights).T.reshape(height, width, maps, -1)


def torch_to_conv_not_moved(weights, shape):
    """The kernel of PyTorch's own convolution: maps and units stay in front."""
    return np.asarray(weights).reshape(-1, *shape)


def torch_to_conv_flipped(weights, shape):
    """Turns the window round, as for a convolution in the sense of mathematics."""
    return np.asarray(weights).reshape(-1, *shape).transpose(2, 3, 1, 0)[::-1, ::-1]


def torch_to_conv_units_first(weights, shape):
    """Moves the maps behind the places and forgets to move the units."""
    return np.asarray(weights).reshape(-1, *shape).transpose(0, 2, 3, 1)


def torch_to_conv_columns_first(weights, shape):
    """Takes the places column by column."""
    maps, height, width = shape
    return np.asarray(weights).reshape(-1, maps, width, height).transpose(3, 2, 1, 0)


def torch_to_conv_unit_last(weights, shape):
    """Reads the weights as if the unit were their last index."""
    maps, height, width = shape
    return np.asarray(weights).reshape(maps, height, width, -1).transpose(1, 2, 0, 3)


def torch_to_conv_one_window(weights, shape):
    """Leaves the inputs in one axis: a window of one by one over all of them."""
    return np.asarray(weights).T[None, None]
