"""What Keras lacks: the normalisations of 2012, its dropout, padding on one side; whitening; two layers for speed.

Every layer works on every backend, is serialisable, and computes its sums in float32 under mixed precision.
"""

import math

import keras
import numpy as np
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


def _to_minus(x, beta):
    """x ** -beta of a positive x; 0.75, the exponent of AlexNet, without logarithms."""
    if beta == 0.75:
        root = ops.rsqrt(x)
        return root * ops.sqrt(root)
    return ops.power(x, -beta)


class _ResponseNormalization(keras.layers.Layer):
    """x / (k + alpha * (sum of squares over a neighbourhood)) ** beta.

    Computed in float32: float16 cannot hold the squares of large activations, and bfloat16 rounds 2 + 1e-5 to 2.
    """

    def __init__(self, size, alpha, beta, k, **kwargs):
        super().__init__(**kwargs)
        if size < 1 or size % 2 == 0:
            raise ValueError(f"{self.name}: size is odd, so that the neighbourhood has a middle; got {size}")
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

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
        channels = input_shape[-1]
        if channels % self.groups:
            raise ValueError(f"{self.name}: {self.groups} groups do not divide {channels} channels")
        at, group = np.arange(channels), np.arange(channels) // (channels // self.groups)
        near = np.abs(at[:, None] - at) <= self.size // 2
        self.neighbours = (near & (group[:, None] == group)).astype("float32")

    def call(self, inputs):
        alpha = self.alpha / self.size if self.alpha_over_n else self.alpha
        neighbours, k, beta = self.neighbours, self.k, self.beta

        # The sums over neighbours are one matrix product, and the derivative, written out, keeps one map instead of
        # the six that automatic differentiation would: together a fifth of the time.
        @ops.custom_gradient
        def normalise(x):
            wide = ops.cast(x, "float32")
            scale = k + alpha * ops.matmul(ops.square(wide), neighbours)
            shrink = _to_minus(scale, beta)

            def gradient(*upstreams, upstream=None):
                slope = ops.cast(upstreams[0] if upstream is None else upstream, "float32")
                shared = ops.matmul(slope * wide * shrink / scale, neighbours)
                return ops.cast(slope * shrink - 2 * alpha * beta * wide * shared, x.dtype)

            return ops.cast(wide * shrink, x.dtype), gradient

        return normalise(ops.convert_to_tensor(inputs))

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
        wide = ops.cast(inputs, "float32")
        squares = _windowed_sum(_windowed_sum(ops.square(wide), self.size, axis=1), self.size, axis=2)
        scale = self.k + self.alpha / self.size**2 * squares
        return ops.cast(wide * _to_minus(scale, self.beta), inputs.dtype)


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


@_register
class BatchNormalization(keras.layers.BatchNormalization):
    """Batch normalisation of maps, in TensorFlow's single kernel where the backend is TensorFlow.

    The same function as Keras's layer, which widens bfloat16 maps to float32 and goes over them several times; on a
    CPU that took a third of a training step. The variance kept for test time is the unbiased one, as in the kernel.
    momentum: how much of the averages kept for test time stays at each step; 0.9 follows a training of a few passes.

    Input and output: (batch, height, width, channels), any floating dtype; sums are taken in float32.
    """

    def __init__(self, momentum=0.9, **kwargs):
        super().__init__(momentum=momentum, **kwargs)

    def call(self, inputs, training=None, mask=None):
        plain = mask is None and len(inputs.shape) == 4 and self.scale and self.center
        if keras.backend.backend() != "tensorflow" or not plain:
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        learning = bool(training and self.trainable)
        nothing = tf.zeros([0])
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=ops.cast(self.gamma, "float32"),
            offset=ops.cast(self.beta, "float32"),
            mean=nothing if learning else ops.cast(self.moving_mean, "float32"),
            variance=nothing if learning else ops.cast(self.moving_variance, "float32"),
            epsilon=self.epsilon,
            is_training=learning,
        )
        if learning:
            keep = self.momentum
            self.moving_mean.assign(self.moving_mean * keep + mean * (1 - keep))
            self.moving_variance.assign(self.moving_variance * keep + variance * (1 - keep))
        return outputs


@_register
class PatchWhitening(keras.layers.Conv2D):
    """A convolution whose outputs are uncorrelated and equally large; computed from pictures by `adapt`, not learned.

    Neighbouring pixels are nearly equal, so a few directions in the space of patches hold nearly all there is. The
    filters are the principal axes of the patches, each divided by its standard deviation; the second half are their
    negatives, so that a ReLU behind loses nothing. The idea is Page's (2019), this form of it Jordan's
    (arXiv:2404.00498).

    filters: 2 * kernel_size ** 2 * input maps. epsilon: added to the variances, so that noise is not made large.
    Input (batch, height, width, channels) floating, of about mean 0; output (batch, height - kernel_size + 1,
    width - kernel_size + 1, filters). Raises ValueError for another number of filters.
    """

    def __init__(self, filters, kernel_size, epsilon=5e-4, **kwargs):
        super().__init__(filters, kernel_size, **({"use_bias": False, "trainable": False} | kwargs))
        self.epsilon = epsilon

    def build(self, input_shape):
        """As Keras's, with a look at the number of filters."""
        wanted = 2 * math.prod(self.kernel_size) * input_shape[-1]
        if self.filters != wanted:
            raise ValueError(f"{self.name}: whitening these patches takes {wanted} filters; got {self.filters}")
        super().build(input_shape)

    def adapt(self, maps):
        """Set the filters from the layer's inputs: (count, height, width, channels), any number of them."""
        size = self.filters // 2
        products, count = np.zeros((size, size)), 0
        for start in range(0, len(maps), 100):
            some = np.asarray(maps[start : start + 100], "float32")
            windows = np.lib.stride_tricks.sliding_window_view(some, self.kernel_size, axis=(1, 2))
            patches = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, size)
            products, count = products + patches.T @ patches, count + len(patches)
        variances, axes = np.linalg.eigh(products / count)
        whitening = axes / np.sqrt(variances + self.epsilon)
        kernel = whitening.reshape(*self.kernel_size, -1, size)
        self.kernel.assign(np.concatenate([kernel, -kernel], axis=-1))

    def get_config(self):
        """As Keras's, with `epsilon`."""
        return super().get_config() | {"epsilon": self.epsilon}


@_register
class Augmentation(keras.layers.Layer):
    """Mirrored, moved, cut and partly covered copies of pictures, in training only; each picture by its own draw.

    flip: mirror half of the pictures. shift: move by up to so many pixels either way, edges reflected (not repeated).
    crop: cut a square window of so many pixels, at any place in training and from the middle otherwise (the paper,
    section 4.1, cuts 224 of 256); 0 for none.
    cutout: cover a square of so many pixels, which may hang over the edge, with the grey `fill` (DeVries and Taylor,
    arXiv:1708.04552). seed: of the draws.

    Input: (batch, height, width, channels), any dtype; pixels are moved, so uint8 pictures stay uint8 on their way to
    the device. Output: the same, or (batch, crop, crop, channels). Everything is one gather over the pixels of the
    batch. Raises ValueError for a negative shift, crop or cutout, a crop together with a shift, and a picture smaller
    than the crop.
    """

    def __init__(self, flip=True, shift=2, cutout=0, fill=128, seed=None, crop=0, **kwargs):
        super().__init__(**kwargs)
        if min(shift, crop, cutout) < 0:
            raise ValueError(f"{self.name}: shift, crop, cutout are at least 0; got {shift}, {crop}, {cutout}")
        if crop and shift:
            raise ValueError(f"{self.name}: a window at a random place is moved already; shift is 0 with a crop")
        self.flip, self.shift, self.cutout, self.fill, self.seed = flip, shift, cutout, fill, seed
        self.crop = crop
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def _draw(self, count, low, high):
        """One whole number from low to high - 1 for each picture: (count, 1)."""
        return keras.random.randint((count, 1), low, high, seed=self.seed_generator)

    def call(self, inputs, training=False):
        _, height, width, channels = inputs.shape
        _, tall, wide, _ = self.compute_output_shape(inputs.shape)
        if not training:
            top, left = (height - tall) // 2, (width - wide) // 2
            return inputs[:, top : top + tall, left : left + wide]
        count = ops.shape(inputs)[0]
        rows, columns = self._places(count, height, tall), self._places(count, width, wide)
        if self.flip:
            columns = ops.where(self._draw(count, 0, 2) == 1, ops.flip(columns, axis=1), columns)
        picture = ops.reshape(ops.arange(count, dtype="int32"), (-1, 1, 1))
        pixel = (picture * height + rows[:, :, None]) * width + columns[:, None, :]
        moved = ops.take(ops.reshape(inputs, (-1, channels)), ops.reshape(pixel, (-1,)), axis=0)
        moved = ops.reshape(moved, (-1, tall, wide, channels))
        if not self.cutout:
            return moved
        covered = self._covered(count, tall)[:, :, None] & self._covered(count, wide)[:, None, :]
        return ops.where(covered[..., None], ops.cast(self.fill, moved.dtype), moved)

    def _places(self, count, size, kept):
        """Where each row (or column) of each moved picture is read: (count, kept)."""
        at = ops.expand_dims(ops.arange(kept, dtype="int32"), 0)
        if kept < size:
            return at + self._draw(count, 0, size - kept + 1)
        if not self.shift:
            return ops.repeat(at, count, axis=0)
        at = ops.abs(at + self._draw(count, -self.shift, self.shift + 1))
        return ops.where(at >= size, 2 * size - 2 - at, at)

    def _covered(self, count, size):
        """Whether each row (or column) lies in the square's span, whose middle is anywhere: (count, size)."""
        at = ops.expand_dims(ops.arange(size, dtype="int32"), 0)
        first = self._draw(count, 0, size) - self.cutout // 2
        return (at >= first) & (at < first + self.cutout)

    def compute_output_shape(self, input_shape):
        count, height, width, channels = input_shape
        if not self.crop:
            return tuple(input_shape)
        if self.crop > min(height, width):
            raise ValueError(f"{self.name}: cannot cut {self.crop} pixels from a picture of {height} x {width}")
        return count, self.crop, self.crop, channels

    def get_config(self):
        own = {name: getattr(self, name) for name in ("flip", "shift", "cutout", "fill", "seed", "crop")}
        return super().get_config() | own


@_register
class PCAColorNoise(keras.layers.Layer):
    """Adds a random colour to every pixel of a picture, in training only; each picture by its own draw.

    The colour is the sum over the principal axes p_i of the training pixels of alpha_i * deviation_i * p_i, with
    alpha_i normal of deviation `sigma` (section 4.1 of the paper, which prints the eigenvalue, deviation_i squared, in
    the place of the deviation; the released code multiplies by deviations, convdata.py:41). See
    `data.principal_colors` for both.

    components: (3, 3), an axis in each row. deviations: three, in the unit of the pixels.
    Input (batch, height, width, 3) in any dtype; output the same shape in the layer's dtype, not clipped.
    """

    def __init__(self, components, deviations, sigma=0.1, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.components = [[float(value) for value in axis] for axis in components]
        self.deviations = [float(value) for value in deviations]
        self.sigma, self.seed = sigma, seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, inputs, training=False):
        pictures = ops.cast(inputs, self.compute_dtype)
        if not training:
            return pictures
        alpha = self.sigma * keras.random.normal((ops.shape(inputs)[0], 3), seed=self.seed_generator)
        axes = ops.convert_to_tensor(self.deviations)[:, None] * ops.convert_to_tensor(self.components)
        return pictures + ops.cast(ops.matmul(alpha, axes), self.compute_dtype)[:, None, None, :]

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        own = {name: getattr(self, name) for name in ("components", "deviations", "sigma", "seed")}
        return super().get_config() | own
