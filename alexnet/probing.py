"""Looking inside a network: what its layers answer to a picture, which pixels they see, and what excites them most.

Works on any `keras.Model` of known layers (Sequential or functional) whose convolutions stand in the model itself, not
in a model inside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np

_CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D)
_POOLS = (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D)
# Layers behind which a unit sees the whole picture, or whose windows are not worked out here.
_ENDS = (
    keras.layers.Dense,
    keras.layers.Flatten,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalMaxPooling2D,
    keras.layers.Conv2DTranspose,
    keras.layers.UpSampling2D,
    keras.layers.Reshape,
    keras.layers.Permute,
    keras.layers.Resizing,
    keras.layers.CenterCrop,
    keras.layers.RandomCrop,
)


@dataclass(frozen=True)
class Field:
    """Which input pixels the units of a map see: the unit in row r sees rows start + r * jump to that + size - 1.

    Or columns. Pixels before the first and behind the last are padding. All in input pixels.
    """

    size: int
    jump: int
    start: int

    def seen(self, index, side):
        """The pixels (first, behind the last) that unit `index` sees of a picture of `side` pixels."""
        first = self.start + index * self.jump
        return max(0, first), min(side, first + self.size)


def convolutions(model) -> list[str]:
    """The names of the model's convolutional layers, from the input on. Raises ValueError where there are none."""
    names = [layer.name for layer in model.layers if isinstance(layer, _CONVOLUTIONS)]
    if not names:
        raise ValueError(f"the model {model.name!r} has no two-dimensional convolution of its own")
    return names


def receptive_fields(model, axis=0) -> dict[str, Field]:
    """The `Field` of every layer of maps, by name; layers that see the whole picture are left out.

    axis: 0 for rows, 1 for columns; the two differ where pictures, kernels or strides are not square.
    """
    return _fields(model, [Field(1, 1, 0)] * len(model.inputs), axis)[0]


def _fields(model, below, axis):
    """The fields of a model's layers, by name, and of its outputs, where its inputs have the fields `below`."""
    fields, named = {id(tensor): field for tensor, field in zip(model.inputs, below, strict=True)}, {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        inputs, outputs = (
            tensors if isinstance(tensors, (list, tuple)) else [tensors] for tensors in (layer.input, layer.output)
        )
        seen = [fields.get(id(tensor)) for tensor in inputs]
        if isinstance(layer, _ENDS) or None in seen:
            continue
        if isinstance(layer, keras.Model):
            behind = _fields(layer, seen, axis)[1]
        else:
            behind = [_behind(layer, _union(seen), inputs[0].shape[1 + axis], axis)] * len(outputs)
        fields |= {id(tensor): field for tensor, field in zip(outputs, behind, strict=True)}
        if behind[0]:
            named[layer.name] = behind[0]
    return named, [fields.get(id(tensor)) for tensor in model.outputs]


def _union(fields):
    first = min(field.start for field in fields)
    last = max(field.start + field.size for field in fields)
    return Field(last - first, max(field.jump for field in fields), first)


def _behind(layer, below, side, axis):
    """The field behind a layer whose input has the field `below` and maps of `side` rows or columns."""
    if isinstance(layer, (*_CONVOLUTIONS, *_POOLS)):
        windows, dilation = (
            (layer.pool_size, 1) if isinstance(layer, _POOLS) else (layer.kernel_size, layer.dilation_rate[axis])
        )
        window, stride = (windows[axis] - 1) * dilation + 1, layer.strides[axis]
        before = 0
        if layer.padding == "same":
            before = max(0, (-(-side // stride) - 1) * stride + window - side) // 2
        return Field(below.size + (window - 1) * below.jump, below.jump * stride, below.start - before * below.jump)
    for name, sign in (("padding", -1), ("cropping", 1)):
        edges = getattr(layer, name, None)
        if isinstance(edges, (list, tuple)):
            return Field(below.size, below.jump, below.start + sign * edges[axis][0] * below.jump)
    return below


def activations(model, pictures, layers=None, batch_size=250) -> dict[str, np.ndarray]:
    """What layers answer to pictures: {name: (pictures, rows, columns, maps) float32}.

    pictures: (count, height, width, channels), as the model takes them. layers: names; None for all convolutions.
    """
    names = convolutions(model) if layers is None else list(layers)
    return _inside(model, names).predict(np.asarray(pictures), batch_size=batch_size, verbose=0)


def strongest(model, pictures, layer, count=5, batch_size=250):
    """For every map of a layer, the places that excite it most, the first the strongest, each in another picture.

    Returns (where, how_much): where is (maps, count, 3) int64 of picture, row and column of the map; how_much is
    (maps, count) float32. Raises ValueError where there are fewer pictures than `count`.
    """
    if len(pictures) < count:
        raise ValueError(f"the {count} strongest places in different pictures, out of {len(pictures)}")
    inside, peaks, places = _inside(model, [layer]), [], []
    for first in range(0, len(pictures), batch_size):
        maps = inside.predict_on_batch(np.asarray(pictures[first : first + batch_size]))[layer]
        flat = np.asarray(maps, "float32").reshape(len(maps), -1, maps.shape[-1])
        places.append(flat.argmax(1))
        peaks.append(flat.max(1))
    columns = maps.shape[2]
    peaks, places = np.concatenate(peaks), np.concatenate(places)
    # A stable order, so that equals (the many zeros of a dead unit) come out the same everywhere.
    best = np.argsort(-peaks, axis=0, kind="stable")[:count]
    where = np.take_along_axis(places, best, 0)
    return np.stack([best, where // columns, where % columns], -1).transpose(1, 0, 2), np.take_along_axis(
        peaks, best, 0
    ).T


def features(model, pictures, layers, fields=3, batch_size=250) -> dict[str, np.ndarray]:
    """What layers say of pictures, as rows of numbers: {name: (pictures, numbers) float32}.

    The answers of a layer of units are taken as they are. Maps are cut into `fields` x `fields` fields, as equal as
    their size allows, and the mean of each map in each field is taken, so that a layer of large maps does not come with
    tens of thousands of numbers; maps that have no more rows or columns than that are taken as they are.
    pictures: (count, height, width, channels), as the model takes them. layers: names.
    """
    inside, parts = _inside(model, layers), {name: [] for name in layers}
    # In parts: the maps of conv1 for 5,000 pictures of CIFAR-10 would take 1 GB, their means take 9 MB.
    for first in range(0, len(pictures), batch_size):
        answers = inside(np.asarray(pictures[first : first + batch_size]), training=False)
        for name, part in parts.items():
            found = keras.ops.convert_to_numpy(answers[name])
            part.append(_fields_of(found.astype("float32"), fields).reshape(len(found), -1))
    return {name: np.concatenate(part) for name, part in parts.items()}


def _fields_of(answers, fields):
    """The means over fields of maps (count, rows, columns, maps); anything else as it is."""
    if answers.ndim != 4:
        return answers
    for axis in (1, 2):
        if answers.shape[axis] > fields:
            parts = np.array_split(answers, fields, axis=axis)
            answers = np.stack([part.mean(axis) for part in parts], axis=axis)
    return answers


def _inside(model, names):
    """The model from its input to the outputs of named layers, by name."""
    # Not the list of inputs, as which Keras 3.6 would expect pictures; nor `input`, which a Sequential may not have.
    (pictures,) = model.inputs
    return keras.Model(pictures, {name: model.get_layer(name).output for name in names})
