"""Wrong answers to the coded exercise of chapters/10-road-to-2012.ipynb, for its self-check to turn down."""


def _count(input_shape, layers, *, biases=True, same=False, square=False, macs_at_input=False, full_once=True):
    height, width, channels = input_shape
    parameters = macs = 0
    for kind, *numbers in layers:
        if kind == "conv":
            filters, kernel, stride, padding = numbers
            places = height * width
            padding = kernel // 2 if same else padding
            height = (height + 2 * padding - kernel) // stride + 1
            width = height if square else (width + 2 * padding - kernel) // stride + 1
            weights = kernel**2 * channels * filters
            parameters += weights + (filters if biases else 0)
            macs += (places if macs_at_input else height * width) * weights
            channels = filters
        elif kind == "pool":
            kernel, stride = numbers
            height = (height - kernel) // stride + 1
            width = (width - kernel) // stride + 1
        else:
            inputs = height * width * channels
            parameters += inputs * numbers[0] + (numbers[0] if biases else 0)
            macs += inputs * numbers[0] if full_once else 0
            height, width, channels = 1, 1, numbers[0]
    return parameters, macs


def count_without_biases(input_shape, layers):
    """Forgets the biases."""
    return _count(input_shape, layers, biases=False)


def count_same_padding(input_shape, layers):
    """Lets every convolution keep the size of its maps, whatever its padding is."""
    return _count(input_shape, layers, same=True)


def count_square_only(input_shape, layers):
    """Takes every picture to be as wide as it is high."""
    return _count(input_shape, layers, square=True)


def count_macs_at_input(input_shape, layers):
    """Uses each weight of a convolution at every place of its input instead of its output."""
    return _count(input_shape, layers, macs_at_input=True)


def count_convolutions_only(input_shape, layers):
    """Leaves the full layers out of the MACs."""
    return _count(input_shape, layers, full_once=False)


def count_operations(input_shape, layers):
    """Counts a MAC as two operations."""
    parameters, macs = _count(input_shape, layers)
    return parameters, 2 * macs


def count_swapped(input_shape, layers):
    """Returns the two numbers in the wrong order."""
    return _count(input_shape, layers)[::-1]


def count_one_kernel(input_shape, layers):
    """Gives a filter one window, not one for each map below."""
    parameters, macs, (_, _, channels) = 0, 0, input_shape
    right = _count(input_shape, layers)
    for kind, *numbers in layers:
        if kind == "conv":
            parameters += numbers[1] ** 2 * numbers[0] * (channels - 1)
            channels = numbers[0]
    return right[0] - parameters, right[1] - macs
