"""What the convolutions of a network answer to a picture: the book's network, or any Keras model with convolutions."""

import base64
import io
import json
import math
import re
from functools import cached_property

import numpy as np
from traitlets import Bool, Float, Int, TraitError, Unicode, validate

from .base import FRONT, Explorer, drawing
from .pictures import first_of_each_class, from_test_set, png

GREY = 128
OWN = "own"


def samples() -> list[dict]:
    """The sample pictures: name, credit, small (32x32 PNG, base64) and large (JPEG, base64)."""
    return json.loads((FRONT / "assets" / "samples.json").read_text(encoding="utf-8"))


def sample(name: str, side: int = 32) -> np.ndarray:
    """The pixels of a sample picture, (side, side, 3) uint8; at 32 they are those that the front end uses."""
    from PIL import Image

    for entry in samples():
        if entry["name"] == name:
            picture = Image.open(io.BytesIO(base64.b64decode(entry["small" if side == 32 else "large"]))).convert("RGB")
            return np.asarray(picture.resize((side, side)) if picture.width != side else picture)
    raise ValueError(f"no sample picture is {name!r}; there are {', '.join(entry['name'] for entry in samples())}")


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
        result = np.floor(result + 0.5)
    if occlude:
        side = max(1, height // 4)
        top, left = max(0, occlude_y - side // 2), max(0, occlude_x - side // 2)
        result[top : occlude_y - side // 2 + side, left : occlude_x - side // 2 + side] = GREY
    return result.astype("uint8")


class FeatureMapExplorer(Explorer):
    """The maps of a network's convolutions for a sample picture or the reader's own.

    model: a keras.Model from pixels (0 to 255) to logits or probabilities, with convolutions of its own; None for the
    network that the book trained, "cifar10-tower". preprocess: applied to (1, height, width, channels) float32 pixels
    first, for a model that wants them otherwise. class_names: of its outputs. dataset: an `alexnet.data.Dataset`;
    the strongest places are looked for in its test pictures.

    picture: name of a sample picture, or "own" for what the reader gave or drew. layer: a convolution. unit: one of
    its maps. row, column: a place in the map. scale: "layer" draws all maps on one scale, "map" each on its own.
    order: of the maps: "number", "mean" or "max". shift_x, shift_y, flip, blur, occlude, occlude_x, occlude_y: as in
    `changed`.
    value: probabilities; predicted, the most probable class; at, the activation in the chosen place of the chosen map;
    mean and max of the map; seen, the pixels that the place sees as (first row, behind the last, first column, behind
    the last). None while the picture is the reader's own and has not reached Python. `pixels` is the picture that the
    front end ran last.
    """

    module = "featuremaps"

    picture = Unicode("a cat").tag(sync=True)
    layer = Unicode("conv1").tag(sync=True)
    unit = Int(0, min=0).tag(sync=True)
    row = Int(16, min=0).tag(sync=True)
    column = Int(16, min=0).tag(sync=True)
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
        if model is not None:
            from alexnet import probing

            names = probing.convolutions(model)
            height, width = model.input_shape[1:3]
            if None in (height, width):
                raise ValueError(f"the model {model.name!r} must say how large its pictures are; got {height}x{width}")
            state = {"layer": names[0], "occlude_x": width // 2, "occlude_y": height // 2} | state
            if not {"row", "column"} & set(state):
                _, rows, columns, _ = model.get_layer(state["layer"]).output.shape
                state |= {"row": rows // 2, "column": columns // 2}
        super().__init__(**state)

    @validate("scale", "order")
    def _is_known(self, proposal):
        known = {"scale": ("layer", "map"), "order": ("number", "mean", "max")}[proposal["trait"].name]
        if proposal["value"] not in known:
            raise TraitError(f"{proposal['trait'].name} is one of {', '.join(known)}; got {proposal['value']!r}")
        return proposal["value"]

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

        seen, layers = probing.receptive_fields(self.model), []
        for name in probing.convolutions(self.model):
            layer = self.model.get_layer(name)
            _, rows, columns, maps = layer.output.shape
            if name not in seen:
                continue
            field = seen[name]
            layers.append(
                {"name": name, "rows": rows, "columns": columns, "maps": maps}
                | {"kernel": [int(n) for n in np.shape(layer.get_weights()[0])[:3]]}
                | {"size": field.size, "jump": field.jump, "start": field.start}
            )
        classes, told = self._class_names or getattr(self._dataset, "class_names", None), {}
        if self._given is None:
            stored = about("cifar10-tower")
            classes, told = stored["class_names"], {"accuracy": stored["test_accuracy"], "source": stored["dataset"]}
        count = self.model.output_shape[-1]
        classes = [str(name) for name in classes or range(count)]
        if len(classes) != count:
            raise ValueError(f"the model tells {count} classes apart; {len(classes)} names were given")
        return {"layers": layers, "classes": classes, "input": list(self.model.input_shape[1:])} | told

    def _run(self, pixels):
        """(probabilities, {layer: maps}) of a picture (height, width, 3) uint8; kept for the questions that follow."""
        import keras

        key = pixels.tobytes()
        if self._ran and self._ran[0] == key:
            return self._ran[1:]
        height, width, channels = self._about["input"]
        if pixels.shape[:2] != (height, width):
            raise ValueError(f"the model takes {height}x{width} pixels; got {pixels.shape[0]}x{pixels.shape[1]}")
        x = pixels[None].astype("float32")
        if channels == 1:
            x = x.mean(-1, keepdims=True)
        if self._preprocess:
            x = np.asarray(self._preprocess(x), "float32")
        names = [layer["name"] for layer in self._about["layers"]]
        outputs = {name: self.model.get_layer(name).output for name in names} | {"": self.model.outputs[0]}
        if not hasattr(self, "_inside"):
            self._inside = keras.Model(self.model.inputs, outputs)
        maps = {name: np.asarray(value, "float32")[0] for name, value in self._inside.predict_on_batch(x).items()}
        logits = maps.pop("").astype(float)
        if logits.min() < 0 or abs(logits.sum() - 1) > 1e-3:
            logits = np.exp(logits - logits.max())
        self._ran = (key, logits / logits.sum(), maps)
        return self._ran[1:]

    def _changed(self):
        """The picture that the state describes; None while the reader's own is not known here."""
        names = ("shift_x", "shift_y", "flip", "blur", "occlude", "occlude_x", "occlude_y")
        if self.picture == OWN:
            return self.pixels
        height, width, _ = self._about["input"]
        if height != width:
            return self.pixels
        test = re.fullmatch(r"test picture (\d+)", self.picture)
        if test and self._dataset is None:
            return self.pixels
        pixels = self._dataset.x_test[int(test[1])] if test else sample(self.picture, height)
        return changed(pixels, **{name: getattr(self, name) for name in names})

    @property
    def value(self):
        from alexnet.probing import Field

        pixels = self._changed()
        if pixels is None:
            return {"probabilities": None}
        probabilities, maps = self._run(pixels)
        about = next(layer for layer in self._about["layers"] if layer["name"] == self.layer)
        chosen = maps[self.layer][..., self.unit]
        field = Field(about["size"], about["jump"], about["start"])
        height, width, _ = self._about["input"]
        return {
            "probabilities": probabilities.tolist(),
            "predicted": self._about["classes"][int(probabilities.argmax())],
            "at": float(chosen[self.row, self.column]),
            "mean": float(chosen.mean()),
            "max": float(chosen.max()),
            "seen": [*field.seen(self.row, height), *field.seen(self.column, width)],
        }

    def asset(self, name):
        if name == "samples.json":
            return (FRONT / "assets" / name).read_bytes()
        if name == "cifar10-samples.json":
            return json.dumps(self._tests()).encode()
        raise KeyError(name)

    def _tests(self):
        """The first test picture of each class, as the book's build writes it for the page."""
        if self._dataset is None or self._dataset.x_test.shape[-1] != 3:
            return {"class_names": [], "source": "", "pictures": []}
        return from_test_set(self._dataset, first_of_each_class(self._dataset))

    def answer(self, question, buffers):
        ((kind, what),) = question.items()
        if kind == "describe":
            return self._about, []
        if kind == "run":
            self.pixels = self._received(buffers)
            probabilities, _ = self._run(self.pixels)
            return {"probabilities": probabilities.tolist()}, []
        if kind == "maps":
            # Another view may have run another picture meanwhile.
            _, maps = self._run(self._received(buffers))
            return {}, [np.ascontiguousarray(maps[what]).tobytes()]
        if kind == "kernel":
            kernel = self.model.get_layer(what["layer"]).get_weights()[0]
            # A depthwise kernel keeps its channel where others keep their inputs.
            chosen = kernel[..., what["unit"]] if kernel.shape[-1] > what["unit"] else kernel[:, :, what["unit"]]
            return {"shape": list(chosen.shape)}, [np.ascontiguousarray(chosen, "float32").tobytes()]
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
        pictures = self._dataset.x_test
        if layer not in self._strongest:
            ready = pictures.astype("float32")
            if self._preprocess:
                ready = np.asarray(self._preprocess(ready), "float32")
            self._strongest[layer] = probing.strongest(self.model, ready, layer)
        where, how_much = (part[unit] for part in self._strongest[layer])
        places = [
            {"place": [int(row), int(column)], "value": float(value)}
            | {"name": self._dataset.class_names[self._dataset.y_test[number]]}
            for (number, row, column), value in zip(where, how_much, strict=True)
        ]
        shown = pictures[where[:, 0]]
        answer = {"places": places, "source": self._dataset.provenance, "side": int(shown.shape[1])}
        return answer, [np.ascontiguousarray(np.broadcast_to(shown, (*shown.shape[:3], 3)), "uint8").tobytes()]

    def fallback(self):
        first = self.model.get_layer(self._about["layers"][0]["name"])
        kernels = first.get_weights()[0]
        side, _, inputs, count = kernels.shape
        across = 8
        down = -(-min(count, 48) // across)
        tiles = np.full((down * (side + 1) - 1, across * (side + 1) - 1, 3), 255, "uint8")
        spread = np.abs(kernels).max()
        for at in range(min(count, 48)):
            top, left = at // across * (side + 1), at % across * (side + 1)
            kernel = np.clip(np.round(127.5 + 127.5 * kernels[..., at] / spread), 0, 255)
            tiles[top : top + side, left : left + side] = kernel if inputs == 3 else kernel[..., :1]
        name = self._about["layers"][0]["name"]
        picture = [
            _image(png(tiles, packed=False), 200, 20, 330, 220, f"The first {min(count, 48)} filters of {name}"),
            '<text x="200" y="258">the filters of ' + name + "</text>",
        ]
        if self.picture != OWN:
            picture += [
                _image(png(self._changed(), packed=False), 10, 20, 160, 160, self.picture),
                '<text x="10" y="198">what the network sees</text>',
            ]
        value = self.value
        said = ""
        if value["probabilities"]:
            said = f"{value['predicted']} at {max(value['probabilities']):.0%}"
            picture.append(f'<text x="10" y="218">and says: {said}</text>')
        label = f"A picture as the network sees it, and the filters of {name}, the first layer, as coloured tiles."
        sentence = (
            f"The feature-map explorer: {len(self._about['layers'])} convolutional layers, here for {self.picture}"
            f"{', which the network takes for ' + said if said else ''}. In the book, or in a running notebook, choose "
            "a picture or your own and walk through the maps that it makes."
        )
        return drawing(540, 270, *picture, label=label), sentence


def _image(png, x, y, width, height, words):
    return (
        f'<image x="{x}" y="{y}" width="{width}" height="{height}" preserveAspectRatio="xMinYMin" '
        f'style="image-rendering:pixelated" href="data:image/png;base64,{png}">'
        f"<title>{words}</title></image>"
    )
