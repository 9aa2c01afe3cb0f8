"""What the convolutions of a network answer to a picture: the book's network, or any Keras model with convolutions."""

import base64
import io
import json
import math
import re
from functools import cache, cached_property
from html import escape

import numpy as np
from traitlets import Bool, Float, Int, TraitError, Unicode, observe, validate

from .base import FRONT, Explorer, drawing
from .pictures import first_of_each_class, from_test_set, png

GREY = 128
OWN = "own"
# So many of each map's strongest places are shown.
SHOWN = 5


@cache
def _samples():
    return json.loads((FRONT / "assets" / "samples.json").read_text(encoding="utf-8"))


def samples() -> list[dict]:
    """The sample pictures: name, credit, small (32x32 PNG, base64) and large (JPEG, base64)."""
    return [dict(entry) for entry in _samples()]


def sample(name: str, height: int = 32, width: int | None = None) -> np.ndarray:
    """The pixels of a sample picture, (height, width, 3) uint8; width: as the height unless said.

    At 32x32 they are those that the book's network gets; at other sizes the middle of a larger copy, 160x160.
    Raises ValueError for a name that no sample has.
    """
    from PIL import Image

    width = width or height
    for entry in _samples():
        if entry["name"] == name:
            small = (height, width) == (32, 32)
            picture = Image.open(io.BytesIO(base64.b64decode(entry["small" if small else "large"]))).convert("RGB")
            if small:
                return np.asarray(picture)
            share = min(picture.width / width, picture.height / height)
            left, top = (picture.width - share * width) / 2, (picture.height - share * height) / 2
            return np.asarray(
                picture.resize((width, height), box=(left, top, left + share * width, top + share * height))
            )
    raise ValueError(f"no sample picture is {name!r}; there are {', '.join(entry['name'] for entry in _samples())}")


def changed(pixels, shift_x=0, shift_y=0, flip=False, blur=0.0, occlude=False, occlude_x=0, occlude_y=0):
    """A picture (height, width, 3) uint8 moved, mirrored, blurred and covered, in this order; the same shape and type.

    shift_x, shift_y: pixels to the right and down; the edge is repeated. flip: mirror left and right. blur: standard
    deviation of a Gaussian in pixels, 0 for none. occlude: a grey square, a quarter of the picture's height wide, with
    its middle at column occlude_x and row occlude_y.
    """
    height, width = pixels.shape[:2]
    rows = np.clip(np.arange(height) - shift_y, 0, height - 1)
    columns = np.clip(np.arange(width) - shift_x, 0, width - 1)
    result = pixels[rows][:, columns].astype(float)
    if flip:
        result = result[:, ::-1]
    if blur:
        reach = math.ceil(3 * blur)
        weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * blur**2))
        weights /= weights.sum()
        for axis in (0, 1):
            edges = [(reach, reach) if axis == at else (0, 0) for at in range(3)]
            padded = np.pad(result, edges, "edge")
            length = result.shape[axis]
            result = sum(w * np.take(padded, range(at, at + length), axis) for at, w in enumerate(weights))
        # What lies halfway must fall alike here and in the front end, whose sums differ in their last digit.
        result = np.floor(result + 0.5 + 1e-9)
    if occlude:
        side = max(1, height // 4)
        top, left = max(0, occlude_y - side // 2), max(0, occlude_x - side // 2)
        result[top : occlude_y - side // 2 + side, left : occlude_x - side // 2 + side] = GREY
    return result.astype("uint8")


class FeatureMapExplorer(Explorer):
    """The maps of a network's convolutions for a sample picture or the reader's own.

    model: a keras.Model (Sequential or functional) from pixels (0 to 255) to classes, with convolutions of its own;
    None for the network that the book trained, "cifar10-tower". Its outputs may be logits or probabilities; one output
    alone tells two classes apart. preprocess: applied first to (count, height, width, channels) float32 pixels, for a
    model that wants them otherwise; a model with one channel, and its preprocess, gets the means of the three colours.
    class_names: of its outputs. dataset: an `alexnet.data.Dataset` of pictures as the model takes them; the strongest
    places are looked for in its test pictures, and the first of each class are offered beside the samples.

    picture: name of a sample picture, "test picture 7" for one of the dataset, or "own" for what the reader gave or
    drew. layer: a convolution. unit: one of its maps. row, column: a place in the map; with another layer, all three
    stay inside it. scale: "layer" draws all maps on one scale, "map" each on its own. order: of the maps: "number",
    "mean" or "max". shift_x, shift_y, flip, blur, occlude, occlude_x, occlude_y: as in `changed`.
    value: probabilities; predicted, the most probable class; at, the activation in the chosen place of the chosen map;
    mean and max of the map; seen, the pixels that the place sees as (first row, behind the last, first column, behind
    the last). Only {"probabilities": None} while the picture is one that has not reached Python.
    pixels: the reader's own picture as it reached Python, (height, width, 3) uint8, before it is changed; or None.
    Raises ValueError for a model or a dataset that it cannot explore, TraitError for a state that cannot be.
    """

    module = "featuremaps"

    picture = Unicode("a cat").tag(sync=True)
    layer = Unicode("conv1").tag(sync=True)
    # A place on the cat that excites this map.
    unit = Int(17, min=0).tag(sync=True)
    row = Int(14, min=0).tag(sync=True)
    column = Int(12, min=0).tag(sync=True)
    scale = Unicode("layer").tag(sync=True)
    order = Unicode("number").tag(sync=True)
    shift_x = Int(0).tag(sync=True)
    shift_y = Int(0).tag(sync=True)
    flip = Bool(False).tag(sync=True)
    blur = Float(0.0, min=0.0, max=8.0).tag(sync=True)
    occlude = Bool(False).tag(sync=True)
    occlude_x = Int(16, min=0).tag(sync=True)
    occlude_y = Int(16, min=0).tag(sync=True)

    def __init__(self, model=None, *, dataset=None, class_names=None, preprocess=None, **state):
        self._given, self._dataset, self._preprocess = model, dataset, preprocess
        self._class_names = class_names
        self._ran, self._strongest, self.pixels = None, {}, None
        if model is not None or "layer" in state:
            height, width, _ = self._about["input"]
            first = self._about["layers"][0]
            layer = next((layer for layer in self._about["layers"] if layer["name"] == state.get("layer")), first)
            middle = {"unit": 0, "row": layer["rows"] // 2, "column": layer["columns"] // 2}
            middle |= {"occlude_x": width // 2, "occlude_y": height // 2}
            state = {"layer": first["name"]} | middle | state
        super().__init__(**state)

    @validate("picture")
    def _is_a_picture(self, proposal):
        name = proposal["value"]
        test = re.fullmatch(r"test picture (\d+)", name)
        if test and self._dataset is not None and int(test[1]) >= len(self._dataset.x_test):
            raise TraitError(f"there is no {name}: the dataset has {len(self._dataset.x_test)}")
        known = [OWN, *(entry["name"] for entry in _samples())]
        if not test and name not in known:
            raise TraitError(f"picture is one of {', '.join(map(repr, known))} or of a dataset; got {name!r}")
        return name

    @validate("layer")
    def _is_explored(self, proposal):
        names = [layer["name"] for layer in self._about["layers"]]
        if proposal["value"] not in names:
            raise TraitError(f"layer is one of {', '.join(names)}; got {proposal['value']!r}")
        return proposal["value"]

    @validate("unit", "row", "column")
    def _is_in_the_layer(self, proposal):
        name, value = proposal["trait"].name, proposal["value"]
        most = self._limits.get(name, value)
        if value > most:
            raise TraitError(f"{name} must be at most {most} in {self.layer}; got {value}")
        return value

    @observe("layer")
    def _stay_in_the_layer(self, _):
        for name, most in self._limits.items():
            setattr(self, name, min(getattr(self, name), most))

    @property
    def _limits(self):
        """The greatest unit, row and column of the layer."""
        counts = {"unit": "maps", "row": "rows", "column": "columns"}
        for layer in self._about["layers"]:
            if layer["name"] == self.layer:
                return {name: layer[count] - 1 for name, count in counts.items()}
        return {}

    @validate("scale", "order")
    def _is_known(self, proposal):
        known = {"scale": ("layer", "map"), "order": ("number", "mean", "max")}[proposal["trait"].name]
        if proposal["value"] not in known:
            raise TraitError(f"{proposal['trait'].name} is one of {', '.join(known)}; got {proposal['value']!r}")
        return proposal["value"]

    @property
    def on_page(self):
        """Only the book's own network is there."""
        return self._given is None

    @cached_property
    def model(self):
        """The keras.Model that is explored."""
        if self._given is not None:
            return self._given
        from alexnet import model

        return model.pretrained("cifar10-tower")

    @cached_property
    def _about(self):
        """What the front end must know of the model."""
        from alexnet import probing
        from alexnet.model import about

        names = probing.convolutions(self.model)
        height, width, channels = self._input
        down, across = (probing.receptive_fields(self.model, axis) for axis in (0, 1))
        layers = []
        for name in names:
            if name not in down:
                continue
            _, rows, columns, maps = self.model.get_layer(name).output.shape
            layers.append(
                {"name": name, "rows": rows, "columns": columns, "maps": maps}
                | {"kernel": list(self._kernel(name, 0).shape)}
                | vars(down[name])
                | ({} if across[name] == down[name] else {"across": vars(across[name])})
            )
        if not layers:
            raise ValueError(f"of no convolution of {self.model.name!r} it is known which pixels its units see")
        classes, told = self._class_names or getattr(self._dataset, "class_names", None), {}
        if self._given is None:
            stored = about("cifar10-tower")
            classes, told = stored["class_names"], {"accuracy": stored["test_accuracy"], "source": stored["dataset"]}
        outputs = self.model.outputs[0].shape
        if len(outputs) != 2:
            raise ValueError(f"the model {self.model.name!r} must tell classes apart; its output is {outputs}")
        # One number is the chance, or the logit, of the second of two classes.
        count = max(2, outputs[-1])
        classes = [str(name) for name in classes or range(count)]
        if len(classes) != count:
            raise ValueError(f"the model tells {count} classes apart; {len(classes)} names were given")
        if self._dataset is not None and self._dataset.x_test.shape[1:3] != (height, width):
            side, other = self._dataset.x_test.shape[1:3]
            raise ValueError(f"the model takes {height}x{width} pixels; the dataset's pictures have {side}x{other}")
        return {"layers": layers, "classes": classes, "input": [height, width, channels]} | told

    @property
    def _input(self):
        """Height, width and channels of the pictures that the model takes."""
        name = self.model.name
        try:
            (taken,) = self.model.inputs
        except (AttributeError, TypeError, ValueError):
            raise ValueError(f"the model {name!r} must be Sequential or functional, built, with one input") from None
        shape = tuple(taken.shape[1:])
        if len(shape) != 3 or shape[2] not in (1, 3):
            raise ValueError(f"the model {name!r} must take pictures with 1 or 3 channels; it takes {shape}")
        if None in shape:
            raise ValueError(f"the model {name!r} must say how large its pictures are; it takes {shape}")
        return shape

    def _kernel(self, layer, unit):
        """The weights of one map, (rows, columns, inputs) float32."""
        import keras

        layer = self.model.get_layer(layer)
        weights = [np.asarray(part, "float32") for part in layer.get_weights()]
        if isinstance(layer, keras.layers.SeparableConv2D):
            depth, point = weights[:2]
            return np.einsum("hwim,im->hwi", depth, point[0, 0, :, unit].reshape(depth.shape[2:]))
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            of_each = weights[0].shape[3]
            return weights[0][:, :, unit // of_each, unit % of_each, None]
        return weights[0][..., unit]

    def _ready(self, pictures):
        """Pictures (count, height, width, 1 or 3) uint8 as the model takes them, float32."""
        x = np.asarray(pictures, "float32")
        if self._about["input"][2] == 1:
            x = x.mean(-1, keepdims=True)
        return np.asarray(self._preprocess(x), "float32") if self._preprocess else x

    def _run(self, pixels):
        """(probabilities, {layer: maps}) of a picture (height, width, 3) uint8; kept for the questions that follow."""
        import keras

        # The model may have been trained further since.
        key = (pixels.tobytes(), self._weighed())
        if self._ran and self._ran[0] == key:
            return self._ran[1:]
        height, width, _ = self._about["input"]
        if pixels.shape[:2] != (height, width):
            raise ValueError(f"the model takes {height}x{width} pixels; got {pixels.shape[0]}x{pixels.shape[1]}")
        names = [layer["name"] for layer in self._about["layers"]]
        outputs = {name: self.model.get_layer(name).output for name in names} | {"": self.model.outputs[0]}
        if not hasattr(self, "_inside"):
            self._inside = keras.Model(self.model.inputs, outputs)
        # Not `predict_on_batch`, by which TensorFlow traces anew, with warnings, for every explorer.
        found = self._inside([self._ready(pixels[None])], training=False)
        maps = {name: keras.ops.convert_to_numpy(value)[0].astype("float32") for name, value in found.items()}
        self._ran = (key, self._probabilities(maps.pop("").astype(float)), maps)
        return self._ran[1:]

    def _weighed(self):
        """A number that changes when the model's weights do."""
        return sum(float(np.sum(weights, dtype="float64")) for weights in self.model.get_weights())

    def _probabilities(self, output):
        activation = getattr(self.model.outputs[0]._keras_history.operation, "activation", None)
        sigmoid = getattr(activation, "__name__", "") == "sigmoid"
        if len(output) == 1:
            chance = output if sigmoid else 1 / (1 + np.exp(-output))
            return np.concatenate([1 - chance, chance])
        if not sigmoid and (output.min() < 0 or abs(output.sum() - 1) > 1e-3):
            output = np.exp(output - output.max())
            output /= output.sum()
        return output

    def _changed(self):
        """The picture that the state describes; None where it is not known here."""
        names = ("shift_x", "shift_y", "flip", "blur", "occlude", "occlude_x", "occlude_y")
        test = re.fullmatch(r"test picture (\d+)", self.picture)
        if self.picture == OWN:
            pixels = self.pixels
        elif test:
            pixels = None if self._dataset is None else self._dataset.x_test[int(test[1])]
        else:
            pixels = sample(self.picture, *self._about["input"][:2])
        if pixels is None:
            return None
        coloured = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
        return changed(coloured, **{name: getattr(self, name) for name in names})

    @property
    def value(self):
        from alexnet.probing import Field

        pixels = self._changed()
        if pixels is None:
            return {"probabilities": None}
        probabilities, maps = self._run(pixels)
        about = next(layer for layer in self._about["layers"] if layer["name"] == self.layer)
        chosen = maps[self.layer][..., self.unit]
        down = Field(about["size"], about["jump"], about["start"])
        across = Field(**about["across"]) if "across" in about else down
        height, width, _ = self._about["input"]
        return {
            "probabilities": probabilities.tolist(),
            "predicted": self._about["classes"][int(probabilities.argmax())],
            "at": float(chosen[self.row, self.column]),
            "mean": float(chosen.mean()),
            "max": float(chosen.max()),
            "seen": [*down.seen(self.row, height), *across.seen(self.column, width)],
        }

    def asset(self, name):
        if name == "samples.json":
            height, width, _ = self._about["input"]
            entries = samples()
            if (height, width) != (32, 32):
                # So that the front end, whose browser would shrink them in its own way, takes the same pixels.
                for entry in entries:
                    entry["small"] = png(sample(entry["name"], height, width))
            return json.dumps(entries).encode()
        if name == "cifar10-samples.json":
            return json.dumps(self._tests()).encode()
        raise KeyError(name)

    def _tests(self):
        """The first test picture of each class, as the book's build writes it for the page."""
        if self._dataset is None:
            return {"class_names": [], "source": "", "pictures": []}
        return from_test_set(self._dataset, first_of_each_class(self._dataset))

    def answer(self, question, buffers):
        ((kind, what),) = question.items()
        if kind == "describe":
            return self._about, []
        if kind == "run":
            # The front end shows it before it changes it; what it is then follows from the state.
            pixels = self._received(buffers)
            if what == OWN:
                self.pixels = pixels
            probabilities, _ = self._run(pixels)
            return {"probabilities": probabilities.tolist()}, []
        if kind == "maps":
            # Another view may have run another picture meanwhile.
            _, maps = self._run(self._received(buffers))
            return {}, [np.ascontiguousarray(maps[what]).tobytes()]
        if kind == "kernel":
            kernel = self._kernel(what["layer"], what["unit"])
            return {"shape": list(kernel.shape)}, [np.ascontiguousarray(kernel).tobytes()]
        if kind == "strongest":
            return self._strongest_of(**what)
        raise ValueError(f"the explorer knows no question {kind!r}")

    def _received(self, buffers):
        height, width, _ = self._about["input"]
        return np.frombuffer(buffers[0], "uint8").reshape(height, width, 3)

    def _strongest_of(self, layer, unit):
        from alexnet import probing

        if self._dataset is None:
            raise ValueError(
                "Give FeatureMapExplorer a dataset, and it looks for the strongest places in its test pictures."
            )
        pictures, key = self._dataset.x_test, (layer, self._weighed())
        if key not in self._strongest:
            count = min(SHOWN, len(pictures))
            self._strongest[key] = probing.strongest(self.model, self._ready(pictures), layer, count)
        where, how_much = (part[unit] for part in self._strongest[key])
        places = [
            {"place": [int(row), int(column)], "value": float(value)}
            | {"name": self._dataset.class_names[self._dataset.y_test[number]]}
            for (number, row, column), value in zip(where, how_much, strict=True)
        ]
        shown = pictures[where[:, 0]]
        height, width = shown.shape[1:3]
        answer = {"places": places, "source": self._dataset.provenance, "height": height, "width": width}
        return answer, [np.ascontiguousarray(np.broadcast_to(shown, (*shown.shape[:3], 3)), "uint8").tobytes()]

    def fallback(self):
        name, count = self._about["layers"][0]["name"], min(self._about["layers"][0]["maps"], 48)
        rows, columns, inputs = self._about["layers"][0]["kernel"]
        kernels = np.stack([self._kernel(name, unit) for unit in range(count)])
        across = 8
        tiles = np.full((-(-count // across) * (rows + 1) - 1, across * (columns + 1) - 1, 3), 255, "uint8")
        spread = np.abs(kernels).max() or 1
        for at, kernel in enumerate(kernels):
            top, left = at // across * (rows + 1), at % across * (columns + 1)
            tile = np.clip(np.round(127.5 + 127.5 * kernel / spread), 0, 255)
            tiles[top : top + rows, left : left + columns] = tile if inputs == 3 else tile[..., :1]
        words = f"the first {count} filters of {name}" if count < self._about["layers"][0]["maps"] else None
        words = escape(words or f"the filters of {name}")
        picture = [
            _image(png(tiles, packed=False), 200, 20, 330, 220, words),
            f'<text x="200" y="258">{words}</text>',
        ]
        said, value = "", self.value
        if value["probabilities"]:
            said = f"{value['predicted']} at {max(value['probabilities']):.0%}"
            picture += [
                _image(png(self._changed(), packed=False), 10, 20, 160, 160, escape(self.picture)),
                '<text x="10" y="198">what the network sees</text>',
                f'<text x="10" y="218">and says: {escape(said)}</text>',
            ]
        label = f"A picture as the network sees it, and the filters of {name}, the first layer, as coloured tiles."
        where = "In the book, or in a running notebook," if self.on_page else "In a running notebook,"
        sentence = (
            f"The feature-map explorer: {len(self._about['layers'])} convolutional layers, here for {self.picture}"
            f"{', which the network takes for ' + said if said else ''}. {where} choose "
            "a picture or your own and walk through the maps that it makes."
        )
        return drawing(540, 270, *picture, label=label), sentence


def _image(png, x, y, width, height, words):
    return (
        f'<image x="{x}" y="{y}" width="{width}" height="{height}" preserveAspectRatio="xMinYMin" '
        f'style="image-rendering:pixelated" href="data:image/png;base64,{png}">'
        f"<title>{words}</title></image>"
    )
