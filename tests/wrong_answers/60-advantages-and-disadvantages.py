"""Wrong answers to the coded exercise of chapters/60-advantages-and-disadvantages.ipynb, to be turned down."""

import numpy as np


def dense_to_conv_maps_first(kernel, shape):
    """Takes the rows for those of a framework that keeps maps first."""
    height, width, maps = shape
    return np.asarray(kernel).reshape(maps, height, width, -1).transpose(1, 2, 0, 3)


def dense_to_conv_flipped(kernel, shape):
    """Turns the window round, as for a convolution in the sense of mathematics."""
    return np.asarray(kernel).reshape(*shape, -1)[::-1, ::-1]


def dense_to_conv_units_first(kernel, shape):
    """Reads the kernel as if its first index were the unit."""
    return np.moveaxis(np.asarray(kernel).T.reshape(-1, *shape), 0, 0)


def dense_to_conv_columns_first(kernel, shape):
    """Takes the places column by column."""
    height, width, maps = shape
    return np.asarray(kernel).reshape(width, height, maps, -1).transpose(1, 0, 2, 3)


def dense_to_conv_without_transposing(kernel, shape):
    """Transposes the kernel first and only then reshapes it."""
    return np.asarray(kernel).T.reshape(*shape, -1)


def dense_to_conv_one_window(kernel, shape):
    """Leaves the rows in one axis: a window of one by one over all inputs."""
    return np.asarray(kernel)[None, None]
