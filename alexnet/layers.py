"""What Keras lacks: the normalisations of 2012, its dropout, and padding on one side of a map.

Every layer works on every backend, is serialisable, and computes its sums in float32 under mixed precision.
"""

import keras
from keras import ops

_register = keras.saving.register_keras_serializable(package="alexnet")


def _windowed_sum(x, size, axis):
    """Sum of `x` over `size` neighbours along `axis`; neighbours beyond the edge count as zero."""
    half = size // 2
    padding = [(0, 0)] * len(x.shape)
    padding[axis] = (half, half)
    padded = ops.pad(x, padding)
    length = x.shape[axis]

    def shifted(by):
        window = [slice(None)] * len(x.shape)
        window[axis] = slice(by, by + length)
        return padded[tuple(window)]

    total = shifted(0)
    for by in range(1, size):
        total = total + shifted(by)
    return total


class _ResponseNormalization(keras.layers.Layer):
    """x / (k + alpha * (sum of squares over a neighbourhood)) ** beta."""

    def __init__(self, size, alpha, beta, k, **kwargs):
        super().__init__(**kwargs)
        if size < 1 or size % 2 == 0:
            raise ValueError(f"{self.name}: size is odd, so that the neighbourhood has a middle; got {size}")
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def _normalise(self, x, sum_of_squares, alpha):
        # float16 cannot hold the squares of large activations, and bfloat16 rounds 2 + 1e-5 to 2.
        wide = ops.cast(x, "float32")
        scale = self.k + alpha * sum_of_squares(ops.square(wide))
        return ops.cast(wide * ops.power(scale, -self.beta), x.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"size": self.size, "alpha": self.alpha, "beta": self.beta, "k": self.k}


@_register
class LocalResponseNormalization(_ResponseNormalization):
    """Local response normalisation across channels (the paper, section 3.3).

    b = a / (k + alpha * sum(a' ** 2)) ** beta, the sum over the `size` channels around each one, cut at the edges.

    size: channels in the neighbourhood, odd; the `n` of the paper. TensorFlow's `depth_radius` is `size // 2`.
    alpha_over_n: divide alpha by `size`, as the released code (layer.py:1183), Caffe and PyTorch do. The printed
    formula and TensorFlow do not.
    groups: channels are normalised within each of so many equal groups. On two GPUs each map has only the
    neighbours of its own GPU (layers-145.cfg: rnorm1a over 48 maps, rnorm1b over the other 48).

    Input and output: (batch, ..., channels), any floating dtype.
    Raises ValueError where size is even or groups do not divide the channels.
    """

    def __init__(self, size=5, alpha=1e-4, beta=0.75, k=2.0, alpha_over_n=False, groups=1, **kwargs):
        super().__init__(size, alpha, beta, k, **kwargs)
        self.alpha_over_n, self.groups = alpha_over_n, groups

    def build(self, input_shape):
        if input_shape[-1] % self.groups:
            raise ValueError(f"{self.name}: {self.groups} groups do not divide {input_shape[-1]} channels")

    def call(self, inputs):
        def sum_of_squares(squares):
            shape = ops.shape(squares)
            grouped = ops.reshape(squares, (*shape[:-1], self.groups, squares.shape[-1] // self.groups))
            return ops.reshape(_windowed_sum(grouped, self.size, axis=len(grouped.shape) - 1), shape)

        alpha = self.alpha / self.size if self.alpha_over_n else self.alpha
        return self._normalise(inputs, sum_of_squares, alpha)

    def get_config(self):
        return super().get_config() | {"alpha_over_n": self.alpha_over_n, "groups": self.groups}


@_register
class SpatialResponseNormalization(_ResponseNormalization):
    """Response normalisation over a `size` x `size` window of the same map: `rnorm` in the released code.

    b = a / (k + alpha / size ** 2 * sum(a' ** 2)) ** beta, cut at the edges of the map. The paper does not mention it;
    run 145 has one after the normalisation of conv2 (cnorm2, scale 0.001, pow 0.75). k = 1 is inferred: the
    configuration sets no minDiv there, and the successor's default is 1.

    Input and output: (batch, height, width, channels), any floating dtype.
    """

    def __init__(self, size=5, alpha=1e-3, beta=0.75, k=1.0, **kwargs):
        super().__init__(size, alpha, beta, k, **kwargs)

    def call(self, inputs):
        def sum_of_squares(squares):
            return _windowed_sum(_windowed_sum(squares, self.size, axis=1), self.size, axis=2)

        return self._normalise(inputs, sum_of_squares, self.alpha / self.size**2)


@_register
class Dropout2012(keras.layers.Layer):
    """Dropout as in 2012: a plain mask in training, outputs times (1 - rate) at test time.

    The paper, section 4.2; `hs` in the released code. Keras's own Dropout divides by (1 - rate) in training instead.
    Both agree in expectation, but not in the scale of what the next layer sees, so initial weights differ in effect.

    Input and output: any shape, any floating dtype. Raises ValueError for a rate outside [0, 1).
    """

    def __init__(self, rate=0.5, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"{self.name}: rate is at least 0 and less than 1; got {rate}")
        self.rate, self.seed = rate, seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, inputs, training=False):
        keep = 1.0 - self.rate
        if not training:
            return inputs * ops.cast(keep, inputs.dtype)
        uniform = keras.random.uniform(ops.shape(inputs), seed=self.seed_generator)
        return inputs * ops.cast(uniform < keep, inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"rate": self.rate, "seed": self.seed}


@_register
class Padding2D(keras.layers.Layer):
    """Pads maps by ((top, bottom), (left, right)) with `value`; for max pooling that is the lowest number.

    Keras's ZeroPadding2D pads with zeros only.
    """

    def __init__(self, padding, lowest=False, **kwargs):
        super().__init__(**kwargs)
        self.padding = tuple(tuple(side) for side in padding)
        self.lowest = lowest

    def call(self, inputs):
        value = float("-inf") if self.lowest else 0.0
        return ops.pad(inputs, ((0, 0), *self.padding, (0, 0)), constant_values=value)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        (top, bottom), (left, right) = self.padding
        return (
            batch,
            None if height is None else height + top + bottom,
            None if width is None else width + left + right,
            channels,
        )

    def get_config(self):
        return super().get_config() | {"padding": self.padding, "lowest": self.lowest}
