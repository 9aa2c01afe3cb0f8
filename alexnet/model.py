"""From the table to a Keras model whose layers carry the table's names."""

import json
import math
from pathlib import Path

import keras
import numpy as np

from alexnet import architecture, layers


def build(
    preset,
    classes=None,
    input_shape=None,
    *,
    preprocessing=None,
    initializer=None,
    weight_decay=None,
    seed=None,
    precision=None,
):
    """Build a preset, or any `architecture.Architecture`, as a `keras.Model` from images to logits.

    preset: a name in `architecture.PRESETS` or an Architecture. classes, input_shape: replace the preset's own.
    preprocessing: a Keras layer put right behind the input, such as `data.normalization(x_train)`, so that the model
    takes pixels as they are stored.
    initializer: a Keras initialiser name ("he_normal") for every weight, with biases at 0, instead of the preset's.
    weight_decay: the coefficient of the paper's update rule; None takes the preset's. In the rule the weight decays by
    weight_decay * learning_rate * w inside the momentum (the paper, section 5). The gradient of Keras's L2(c) is
    2 * c * w, so c is half of it. Biases do not decay (src/layer.cu:565 in the released code).
    seed: makes initial weights and dropout reproducible.
    precision: a Keras dtype policy such as "mixed_bfloat16"; None takes the global one.

    Input (batch, height, width, channels) float; output (batch, classes) logits in float32.
    Softmax belongs to the loss.
    Raises ValueError naming the layer and the rule where the architecture does not fit the input.
    """
    net = architecture.get(preset)
    if classes is not None or input_shape is not None:
        net = net.replace(classes=classes, input_shape=input_shape)
    decay = net.weight_decay if weight_decay is None else weight_decay
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision or policy)
    try:
        return _build(net, preprocessing, initializer, decay, seed)
    finally:
        keras.config.set_dtype_policy(policy)


def weights_folder() -> Path:
    """Where the weights that the book trained are: assets/weights, or the installed package's copy."""
    here = Path(__file__).resolve().parent
    return next(folder for folder in (here.parent / "assets" / "weights", here / "weights") if folder.is_dir())


def about(name) -> dict:
    """What is stored about trained weights: preset, class_names, mean and variance of the pixels it was trained on,
    test_accuracy, and for each layer where its weights lie in the file. Raises ValueError for an unknown name.
    """
    path = weights_folder() / f"{name}.json"
    if not path.exists():
        known = sorted(other.stem for other in weights_folder().glob("*.json"))
        raise ValueError(f"the book has no trained weights {name!r}; it has {', '.join(known) or 'none'}")
    return json.loads(path.read_text(encoding="utf-8"))


def pretrained(name):
    """A network that the book trained, as a `keras.Model` from pixels (0 to 255) to logits, in float32.

    Its weights are read from the file that the published page runs in the browser (NAME.tflite, float16), so both
    are the same network. The names are those of the presets: "cifar10-tower".
    """
    stored, content = about(name), (weights_folder() / f"{name}.tflite").read_bytes()
    # In the file these are float16 too: the mean, and one over the standard deviation.
    mean = np.float16(stored["mean"]).astype(float).tolist()
    variance = (1 / np.float16(1 / np.sqrt(stored["variance"])).astype(float) ** 2).tolist()
    pixels = keras.layers.Normalization(axis=-1, mean=mean, variance=variance, name="normalize")
    made = build(stored["preset"], classes=len(stored["class_names"]), preprocessing=pixels, precision="float32")
    for layer, parts in stored["layers"].items():
        kernel, bias = (
            np.frombuffer(content, "<f2", math.prod(part["shape"]), part["offset"]).reshape(part["shape"])
            for part in (parts["kernel"], parts["bias"])
        )
        # The file keeps the output's index first.
        made.get_layer(layer).set_weights([np.moveaxis(kernel, 0, -1).astype("float32"), bias.astype("float32")])
    return made


def _build(net, preprocessing, initializer, decay, seed):
    x = inputs = keras.Input(net.input_shape, name="input")
    if preprocessing is not None:
        x = preprocessing(x)
    below = net.layers[0]
    for index, row in enumerate(net.layers[1:]):
        # Each layer draws from its own seed: one seed for all would give equal layers equal weights.
        own_seed = None if seed is None else 1000 * seed + index
        if row.kind == "fc" and len(x.shape) > 2:
            x = keras.layers.Flatten(name="flatten")(x)
        for layer in _layers(row, below, initializer, decay, own_seed, last=row is net.layers[-1]):
            x = layer(x)
        below = row
    return keras.Model(inputs, x, name=net.name.replace("-", "_"))


def _layers(row, below, initializer, decay, seed, last):
    """The Keras layers of one row of the table; the last of them carries its name unless an activation follows."""
    spec = row.spec
    if row.fixed:
        yield layers.PatchWhitening(spec.filters, spec.kernel, activation=spec.activation, name=row.name)
    elif row.kind in ("conv", "fc"):
        fan_in = row.inputs_per_unit * row.kernel**2 if row.kind == "conv" else below.size
        weights, bias = (initializer, 0.0) if initializer is not None else (spec.weights, spec.bias or 0.0)
        common = {
            "name": row.name,
            "activation": spec.activation,
            "kernel_initializer": _initializer(weights, fan_in, seed),
            "bias_initializer": _initializer(bias, fan_in, seed, constant=True),
            "kernel_regularizer": keras.regularizers.L2(decay / 2) if decay else None,
        }
        if row.kind == "fc":
            # Logits stay in float32 under mixed precision: the loss subtracts nearly equal numbers.
            yield keras.layers.Dense(spec.units, dtype="float32" if last else None, **common)
            return
        if spec.bias is None:
            common |= {"use_bias": False, "bias_initializer": None}
        side = spec.kernel // 2
        # The same zeros, without a copy of the maps.
        same = spec.stride == 1 and spec.kernel % 2 == 1 and row.padding == ((side, side), (side, side))
        if not same:
            yield from _padding(row)
        yield keras.layers.Conv2D(
            spec.filters,
            spec.kernel,
            strides=spec.stride,
            groups=spec.groups,
            padding="same" if same else "valid",
            **common,
        )
    elif row.kind == "pool":
        pool = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}[spec.mode]
        if spec.mode == "average" and any(side for sides in row.padding for side in sides):
            raise ValueError(
                f"layer {row.name}: average pooling here knows no padding; choose an input that fits exactly"
            )
        yield from _padding(row, lowest=True)
        yield pool(spec.kernel, strides=spec.stride, name=row.name)
        if spec.activation:
            yield keras.layers.Activation(spec.activation, name=f"{row.name}_{spec.activation}")
    elif row.kind == "lrn":
        yield layers.LocalResponseNormalization(
            spec.size, spec.alpha, spec.beta, spec.k, spec.alpha_over_n, spec.groups, name=row.name
        )
    elif row.kind == "spatial_norm":
        yield layers.SpatialResponseNormalization(spec.size, spec.alpha, spec.beta, spec.k, name=row.name)
    elif row.kind == "batch_norm":
        yield layers.BatchNormalization(name=row.name)
        if spec.activation:
            yield keras.layers.Activation(spec.activation, name=f"{row.name}_{spec.activation}")
    elif row.kind == "dropout":
        dropout = {"train": keras.layers.Dropout, "test": layers.Dropout2012}[spec.scaling]
        yield dropout(spec.rate, seed=seed, name=row.name)


def _padding(row, lowest=False):
    if any(side for sides in row.padding for side in sides):
        yield layers.Padding2D(row.padding, lowest=lowest, name=f"{row.name}_pad")


def _initializer(start, fan_in, seed, constant=False):
    """The Keras initialiser that the table's entry stands for; see `architecture.Conv`."""
    if start == "torch":
        # PyTorch draws weights and biases alike from U(-1/sqrt(fan_in), 1/sqrt(fan_in)).
        bound = 1 / math.sqrt(fan_in)
        return keras.initializers.RandomUniform(-bound, bound, seed=seed)
    if isinstance(start, str):
        made = keras.initializers.get(start)
        config = made.get_config()
        return made.__class__.from_config(config | {"seed": seed}) if "seed" in config else made
    if constant:
        return keras.initializers.Constant(start)
    return keras.initializers.RandomNormal(stddev=start, seed=seed)
