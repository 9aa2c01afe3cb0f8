"""AlexNet as a table: layers in; shapes, parameters, operations, memory and receptive fields out.

Everything here is pure Python and follows from a handful of rules, so that each number in the book has
one home. For a convolution with `g` groups, window `k`, stride `s` and padding `p`:

    output size     1 + (n + 2p - k) / s            (rounded as the architecture says)
    parameters      k * k * (C_in / g) * C_out + C_out
    MACs            H_out * W_out * k * k * (C_in / g) * C_out
    receptive field r + (k - 1) * j,  jump  j * s

Shapes are (height, width, channels); receptive fields, jumps and starts are in input pixels; one MAC is one
multiplication with its addition.

Sources: Krizhevsky, Sutskever and Hinton, NIPS 2012 ("the paper"), and the code of 2012 released by the Computer
History Museum, github.com/computerhistory/AlexNet-Source-Code at 2f8b81f ("the released code").
"""

from __future__ import annotations

import dataclasses
import html
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "uint8": 1, "int8": 1}


@dataclass(frozen=True)
class Conv:
    """A convolution (cross-correlation) over square windows, and the activation that follows it.

    `weights` and `bias` say how they start: a number is the standard deviation of a normal distribution (weights) or
    a constant (bias); a string names an initialiser of Keras, or "torch" for the default of PyTorch. A `bias` of None
    leaves the biases out. Weights of "whitening" are computed from the training pictures and stay as they are; see
    `layers.PatchWhitening`, which also says how many filters that takes.
    """

    name: str
    filters: int
    kernel: int
    stride: int = 1
    padding: int = 0
    groups: int = 1
    activation: str | None = "relu"
    weights: float | str = "glorot_uniform"
    bias: float | str | None = 0.0
    kind = "conv"


@dataclass(frozen=True)
class Pool:
    """Pooling over square windows. It overlaps where `kernel` is larger than `stride`."""

    name: str
    kernel: int
    stride: int
    padding: int = 0
    mode: str = "max"
    activation: str | None = None
    kind = "pool"


@dataclass(frozen=True)
class LRN:
    """Local response normalisation across `size` neighbouring maps of one group (the paper, section 3.3).

    `alpha_over_n` divides alpha by `size`, as the released code does (layer.py:1183); the printed formula does not.
    """

    name: str
    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 2.0
    alpha_over_n: bool = False
    groups: int = 1
    kind = "lrn"


@dataclass(frozen=True)
class SpatialNorm:
    """Response normalisation over a `size` x `size` neighbourhood of the same map (`rnorm` in the released code).

    The released code divides `alpha` by `size * size`. That `k` is 1 is inferred: the configuration sets no `minDiv`
    here, its default in the successor's code is 1, and the kernels of 2012 are not in the release.
    """

    name: str
    size: int = 5
    alpha: float = 1e-3
    beta: float = 0.75
    k: float = 1.0
    kind = "spatial_norm"


@dataclass(frozen=True)
class BatchNorm:
    """Batch normalisation of each map, with a learned scale and offset, and the activation that follows it.

    Ioffe and Szegedy, 2015. AlexNet has none; today's networks have it in the place of LRN.
    """

    name: str
    activation: str | None = "relu"
    kind = "batch_norm"


@dataclass(frozen=True)
class Dense:
    """A fully connected layer; `weights` and `bias` as in `Conv`."""

    name: str
    units: int
    activation: str | None = "relu"
    weights: float | str = "glorot_uniform"
    bias: float | str = 0.0
    kind = "fc"


@dataclass(frozen=True)
class Dropout:
    """Dropout. `scaling` "test" multiplies by 1 - rate at test time (2012), "train" divides by it in training."""

    name: str
    rate: float = 0.5
    scaling: str = "train"
    kind = "dropout"


Spec = Conv | Pool | LRN | SpatialNorm | BatchNorm | Dense | Dropout


@dataclass(frozen=True)
class Layer:
    """One row of the table.

    output_shape: (height, width, channels), or (units,) after the first fully connected layer.
    padding: zeros added ((top, bottom), (left, right)), those that rounding up implies included.
    groups: how many separate sets of maps the layer works on.
    inputs: one (first, last + 1) range of input maps for each group: the maps that this group's kernels see.
    receptive_field: side in input pixels of what one unit sees; None where that is the whole input.
    jump: distance in input pixels between neighbouring units. start: first pixel (negative in the padding) of the
    window of the first unit.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    kernel: int | None = None
    stride: int | None = None
    padding: tuple[tuple[int, int], tuple[int, int]] | None = None
    groups: int = 1
    inputs: tuple[tuple[int, int], ...] = ()
    activation: str | None = None
    parameters: int = 0
    macs: int = 0
    receptive_field: int | None = 1
    jump: int | None = 1
    start: int | None = 0
    spec: Spec | None = None

    @property
    def size(self) -> int:
        """Number of values in the output for one image."""
        return math.prod(self.output_shape)

    @property
    def fixed(self) -> bool:
        """Whether its weights are computed before the training and stay as they are."""
        return isinstance(self.spec, Conv) and self.spec.weights == "whitening"

    @property
    def neurons(self) -> int:
        """Units with weights of their own: outputs of convolutions and fully connected layers."""
        return self.size if self.kind in ("conv", "fc") else 0

    @property
    def place(self) -> tuple[int, int, int]:
        """(receptive field, jump, start) of a layer of maps."""
        assert self.receptive_field is not None and self.jump is not None and self.start is not None
        return self.receptive_field, self.jump, self.start

    def same_shape(self, spec: Spec) -> Layer:
        """The row of a layer on top of this one that changes neither the shape nor what a unit sees."""
        return Layer(
            name=spec.name,
            kind=spec.kind,
            output_shape=self.output_shape,
            inputs=_ranges(self.output_shape[-1], 1),
            receptive_field=self.receptive_field,
            jump=self.jump,
            start=self.start,
            spec=spec,
        )

    @property
    def inputs_per_unit(self) -> int:
        """How many maps (or units) of the layer below each unit sees."""
        first, last = self.inputs[0]
        return last - first

    def activation_bytes(self, batch: int = 128, dtype: str = "float32") -> int:
        """Bytes of this layer's output for a batch. Dropout and the activation function work in place: 0 bytes."""
        if dtype not in BYTES:
            raise ValueError(f"dtype {dtype!r} is unknown; one of {', '.join(BYTES)}")
        return 0 if self.kind in ("input", "dropout") else batch * self.size * BYTES[dtype]

    def to_dict(self) -> dict:
        """The row as plain JSON values."""
        row = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "spec"}
        return row | {"neurons": self.neurons, "inputs_per_unit": self.inputs_per_unit}


def output_size(size: int, kernel: int, stride: int = 1, padding: int = 0, rounding: str = "exact") -> int:
    """Windows of width `kernel` that fit along `size` pixels with `padding` on either side.

    rounding: "exact" raises where the last step does not fit, "down" drops the incomplete window (most frameworks),
    "up" keeps it and lets it hang over the edge (the released code, layer.py:1004).
    Raises ValueError for a window larger than its map and for a stride that does not fit.
    """
    if min(size, kernel, stride) < 1 or padding < 0:
        raise ValueError(
            f"size, kernel and stride are at least 1 and padding at least 0; got {size, kernel, stride, padding}"
        )
    room = size + 2 * padding - kernel
    if room < 0:
        raise ValueError(f"a window of {kernel} is larger than its map of {size} with padding {padding}")
    if rounding == "down":
        return 1 + room // stride
    if rounding == "up":
        return 1 + -(-room // stride)
    if rounding != "exact":
        raise ValueError(f"rounding is 'exact', 'down' or 'up', not {rounding!r}")
    if room % stride:
        raise ValueError(
            f"a stride of {stride} does not fit: (size {size} + 2 * padding {padding} - kernel {kernel}) = {room}, "
            f"which {stride} does not divide; choose rounding 'down' or 'up', or another input size"
        )
    return 1 + room // stride


def _ranges(channels: int, groups: int) -> tuple[tuple[int, int], ...]:
    """The (first, last + 1) maps of each of so many equal groups."""
    share = channels // groups
    return tuple((g * share, (g + 1) * share) for g in range(groups))


class Architecture:
    """A network as a list of layers, checked when it is made, with every derived quantity.

    name: the name of the preset. title: one line for people. input_shape: (height, width, channels).
    towers: halves that the network is split into (2 for the two GPUs). rounding: see `output_size`.
    weight_decay: coefficient of the paper's update rule. source: where the numbers come from.
    Raises ValueError naming the layer and the rule where a layer cannot follow the one before it.
    """

    def __init__(
        self,
        name: str,
        title: str,
        input_shape: Sequence[int],
        layers: Iterable[Spec],
        *,
        towers: int = 1,
        rounding: str = "exact",
        weight_decay: float = 0.0,
        source: str = "",
    ):
        self.name, self.title, self.source = name, title, source
        self.input_shape = tuple(input_shape)
        self.specs: tuple[Spec, ...] = tuple(layers)
        self.towers, self.rounding, self.weight_decay = towers, rounding, weight_decay
        self.layers: tuple[Layer, ...] = tuple(self._rows())
        self._by_name = {row.name: row for row in self.layers}

    def __getitem__(self, name: str) -> Layer:
        try:
            return self._by_name[name]
        except KeyError:
            raise KeyError(f"{self.name} has no layer {name!r}; it has {', '.join(self._by_name)}") from None

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def _rows(self) -> Iterator[Layer]:
        shape = self.input_shape
        if len(shape) != 3 or any(not isinstance(n, int) or n < 1 for n in shape):
            raise ValueError(f"input of {self.name}: shape is (height, width, channels), each at least 1; got {shape}")
        row = Layer("input", "input", shape, inputs=_ranges(shape[2], 1))
        yield row
        seen = {"input"}
        for spec in self.specs:
            if spec.name in seen:
                raise ValueError(f"layer {spec.name}: each name is used once")
            seen.add(spec.name)
            row = self._row(spec, row)
            yield row

    def _row(self, spec: Spec, below: Layer) -> Layer:
        """The row of `spec` on top of the row `below` it. Raises ValueError that names the layer and the rule."""
        try:
            if isinstance(spec, Dense | Dropout):
                return self._unit_row(spec, below)
            if len(below.output_shape) == 1:
                units = below.output_shape[0]
                raise ValueError(f"a {spec.kind} layer needs maps, but {below.name} gives {units} units")
            if isinstance(spec, Conv | Pool):
                return self._window_row(spec, below)
            return self._norm_row(spec, below)
        except ValueError as error:
            raise ValueError(f"layer {spec.name}: {error}") from None

    def _unit_row(self, spec: Dense | Dropout, below: Layer) -> Layer:
        """A fully connected layer, which sees everything below it, or dropout, which changes no shape."""
        if isinstance(spec, Dropout):
            if not 0 <= spec.rate < 1:
                raise ValueError(f"rate is at least 0 and less than 1; got {spec.rate}")
            return below.same_shape(spec)
        return Layer(
            name=spec.name,
            kind=spec.kind,
            output_shape=(spec.units,),
            inputs=((0, below.size),),
            activation=spec.activation,
            parameters=(below.size + 1) * spec.units,
            macs=below.size * spec.units,
            receptive_field=None,
            jump=None,
            start=None,
            spec=spec,
        )

    def _window_row(self, spec: Conv | Pool, below: Layer) -> Layer:
        """A convolution or a pool: a window that slides over maps."""
        height, width, channels = below.output_shape
        if spec.padding >= spec.kernel >= 1:
            raise ValueError(f"padding {spec.padding} is as large as its window of {spec.kernel}")
        high, top = self._slide(height, spec)
        wide, left = self._slide(width, spec)
        parameters = macs = 0
        if isinstance(spec, Conv):
            groups, filters = spec.groups, spec.filters
            if spec.weights == "whitening" and (spec.stride, spec.padding, groups, spec.bias) != (1, 0, 1, None):
                raise ValueError("weights of 'whitening' take a stride of 1, no padding, one group and no bias")
            if channels % groups or filters % groups:
                raise ValueError(f"{groups} groups do not divide {channels} input maps and {filters} filters")
            weights = spec.kernel**2 * (channels // groups) * filters
            parameters, macs = weights + (0 if spec.bias is None else filters), high * wide * weights
        else:
            groups, filters = 1, channels
            if spec.mode not in ("max", "average"):
                raise ValueError(f"mode is 'max' or 'average', not {spec.mode!r}")
        field, jump, start = below.place
        return Layer(
            name=spec.name,
            kind=spec.kind,
            output_shape=(high, wide, filters),
            kernel=spec.kernel,
            stride=spec.stride,
            padding=(top, left),
            groups=groups,
            inputs=_ranges(channels, groups),
            activation=spec.activation,
            parameters=parameters,
            macs=macs,
            receptive_field=field + (spec.kernel - 1) * jump,
            jump=jump * spec.stride,
            start=start - spec.padding * jump,
            spec=spec,
        )

    def _slide(self, size: int, spec: Conv | Pool) -> tuple[int, tuple[int, int]]:
        """Places of the window along one side, and the zeros before and after that side."""
        places = output_size(size, spec.kernel, spec.stride, spec.padding, self.rounding)
        hangs_over = (places - 1) * spec.stride + spec.kernel - size - spec.padding
        return places, (spec.padding, max(spec.padding, hangs_over))

    def _norm_row(self, spec: LRN | SpatialNorm | BatchNorm, below: Layer) -> Layer:
        """A normalisation: across maps, across the places of a map, or across the pictures of a batch."""
        height, width, channels = below.output_shape
        row = below.same_shape(spec)
        if isinstance(spec, BatchNorm):
            return dataclasses.replace(row, activation=spec.activation, parameters=2 * channels)
        if isinstance(spec, LRN):
            if channels % spec.groups:
                raise ValueError(f"{spec.groups} groups do not divide {channels} input maps")
            if spec.size % 2 == 0:
                raise ValueError(f"a neighbourhood of {spec.size} has no middle; size is odd")
            return dataclasses.replace(row, groups=spec.groups, inputs=_ranges(channels, spec.groups))
        if spec.size % 2 == 0 or spec.size > min(height, width):
            raise ValueError(f"size is odd and not larger than its map of {height} x {width}; got {spec.size}")
        field, jump, start = below.place
        wider, earlier = field + (spec.size - 1) * jump, start - spec.size // 2 * jump
        return dataclasses.replace(row, kernel=spec.size, receptive_field=wider, start=earlier)

    @property
    def parameters(self) -> int:
        """Weights and biases; also those that are computed before the training and stay (`Conv`'s "whitening")."""
        return sum(row.parameters for row in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations of the convolutions and fully connected layers for one image, forward."""
        return sum(row.macs for row in self.layers)

    @property
    def training_operations(self) -> int:
        """Multiplications and additions for one image in a training step, forward and backward.

        Two a MAC going forward; going back the same for the gradient of the weights and again for that of the input,
        which the first layer that learns does not need, nor what comes before it. The update, once a batch, is not
        counted.
        """
        weighted = [row for row in self.layers if row.macs]
        learn = [row.macs for row in weighted if not row.fixed]
        return 2 * sum(row.macs for row in weighted) + 4 * sum(learn) - 2 * learn[0]

    @property
    def neurons(self) -> int:
        """Outputs of all convolutions and fully connected layers for one image."""
        return sum(row.neurons for row in self.layers)

    @property
    def classes(self) -> int:
        """Units of the last layer."""
        return self.layers[-1].size

    def activation_bytes(self, batch: int = 128, dtype: str = "float32") -> int:
        """Bytes of all layer outputs for a batch, the input not counted."""
        return sum(row.activation_bytes(batch, dtype) for row in self.layers)

    def crosses(self, name: str) -> bool:
        """Whether the layer's units in one tower read what the other tower computed (False with one tower).

        Both towers read the same image, so the first convolution does not cross.
        """
        at = self.layers.index(self[name])
        row, below = self.layers[at], self.layers[max(at - 1, 0)]
        return self.towers > 1 and row.kind in ("conv", "fc") and row.groups == 1 and below.kind != "input"

    def replace(self, *, classes: int | None = None, input_shape: Sequence[int] | None = None) -> Architecture:
        """The same architecture with another number of classes or another input, checked again."""
        specs = self.specs
        if classes is not None:
            last = specs[-1]
            if not isinstance(last, Dense):
                raise ValueError(f"layer {last.name}: classes are the units of a last layer that is fully connected")
            specs = (*specs[:-1], dataclasses.replace(last, units=classes))
        return Architecture(
            self.name,
            self.title,
            input_shape or self.input_shape,
            specs,
            towers=self.towers,
            rounding=self.rounding,
            weight_decay=self.weight_decay,
            source=self.source,
        )

    def to_dict(self) -> dict:
        """The whole table as plain JSON values."""
        return {
            "name": self.name,
            "title": self.title,
            "source": self.source,
            "input_shape": self.input_shape,
            "towers": self.towers,
            "rounding": self.rounding,
            "parameters": self.parameters,
            "macs": self.macs,
            "neurons": self.neurons,
            "layers": [row.to_dict() | {"crosses": self.crosses(row.name)} for row in self.layers],
        }

    def __repr__(self) -> str:
        return (
            f"Architecture({self.name!r}: {len(self) - 1} layers, {self.parameters:,} parameters, {self.macs:,} MACs)"
        )

    _HEAD = ("layer", "output", "window", "sees", "parameters", "MACs", "field")

    def _cells(self, row: Layer) -> tuple[str, ...]:
        window = f"{row.kernel}×{row.kernel}" if row.kernel else ""
        if row.stride and row.stride > 1:
            window += f" /{row.stride}"
        sees = ""
        if row.kind in ("conv", "fc"):
            sees = f"{row.inputs_per_unit:,}"
            if self.towers > 1:
                sees += {1: " (both)" if self.crosses(row.name) else " (image)"}.get(row.groups, " (own)")
        return (
            row.name,
            "×".join(str(n) for n in row.output_shape),
            window,
            sees,
            f"{row.parameters:,}" if row.parameters else "",
            f"{row.macs:,}" if row.macs else "",
            "all" if row.receptive_field is None else str(row.receptive_field),
        )

    def _total(self) -> tuple[str, ...]:
        return ("total", "", "", "", f"{self.parameters:,}", f"{self.macs:,}", "")

    def __str__(self) -> str:
        return f"{self.name}: {self.title}\n" + text_table(
            self._HEAD, [self._cells(row) for row in self.layers], self._total()
        )

    def _repr_html_(self) -> str:
        caption = f"<code>{html.escape(self.name)}</code>: {html.escape(self.title)}"
        return html_table(caption, self._HEAD, [self._cells(row) for row in self.layers], self._total())


class Comparison:
    """Two architectures side by side, row by row. `rows` holds (layer name, left, right); a missing layer is None."""

    _HEAD = ("layer", "output", "window", "sees", "parameters", "MACs", "also differs in")
    # Differences in these show in the columns of the table.
    _SHOWN: ClassVar = {
        "output_shape",
        "kernel",
        "stride",
        "groups",
        "inputs",
        "inputs_per_unit",
        "parameters",
        "macs",
        "neurons",
    }
    _SHOWN |= {"present", "filters", "units"}

    def __init__(self, left: Architecture, right: Architecture):
        self.left, self.right = left, right
        names = [row.name for row in left]
        for at, row in enumerate(right.layers):
            if row.name not in names:
                above = right.layers[at - 1].name
                names.insert(names.index(above) + 1, row.name)
        self.rows = [(name, left._by_name.get(name), right._by_name.get(name)) for name in names]

    @property
    def differences(self) -> dict[str, dict[str, tuple]]:
        """For each layer that differs, what differs: {layer: {quantity: (left, right)}}."""
        found = {}
        for name, left, right in self.rows:
            if left is None or right is None:
                found[name] = {"present": (left is not None, right is not None)}
                continue
            a, b = left.to_dict(), right.to_dict()
            what = {key: (a[key], b[key]) for key in a if a[key] != b[key]}
            a, b = (dataclasses.asdict(row.spec) if row.spec else {} for row in (left, right))
            what |= {
                key: (a.get(key), b.get(key)) for key in sorted({*a, *b} - {"padding"}) if a.get(key) != b.get(key)
            }
            if what:
                found[name] = what
        return found

    def _pairs(self) -> list[tuple[str, ...]]:
        def cells(net, row):
            return ("–",) * 5 if row is None else net._cells(row)[1:6]

        def both(left, right):
            return left if left == right else f"{left or '–'} → {right or '–'}"

        different = self.differences
        pairs = []
        for name, left, right in self.rows:
            line = [both(a, b) for a, b in zip(cells(self.left, left), cells(self.right, right), strict=True)]
            also = ", ".join(key for key in different.get(name, ()) if key not in self._SHOWN)
            pairs.append((("≠ " if name in different else "") + name, *line, also))
        return pairs

    def _total(self) -> tuple[str, ...]:
        numbers = [
            f"{a:,} → {b:,}" if a != b else f"{a:,}"
            for a, b in ((self.left.parameters, self.right.parameters), (self.left.macs, self.right.macs))
        ]
        return ("total", "", "", "", *numbers, "")

    def __repr__(self) -> str:
        return f"Comparison({self.left.name!r}, {self.right.name!r}: {len(self.differences)} layers differ)"

    def __str__(self) -> str:
        return f"{self.left.name} → {self.right.name}\n" + text_table(self._HEAD, self._pairs(), self._total())

    def _repr_html_(self) -> str:
        left, right = (f"<code>{html.escape(net.name)}</code>" for net in (self.left, self.right))
        caption = f"{left} → {right} (≠ marks a difference)"
        return html_table(caption, self._HEAD, self._pairs(), self._total())


def text_table(head, rows, total=None) -> str:
    """Rows of cells, all strings, below a head and above a total: the first two columns to the left, others right."""
    lines = [head, *rows, *([total] if total else [])]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]

    def line(cells):
        return "  ".join(
            cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()

    rule = "  ".join("-" * w for w in widths)
    return "\n".join([line(head), rule, *(line(row) for row in rows), *([rule, line(total)] if total else [])])


def html_table(caption, head, rows, total=None, words=False) -> str:
    """The same as a table for a page; caption is HTML. words: the cells hold sentences rather than numbers."""

    def line(cells, tag):
        first, *rest = (html.escape(cell) for cell in cells)
        return f'<tr><th scope="row">{first}</th>' + "".join(f"<{tag}>{cell}</{tag}>" for cell in rest) + "</tr>"

    columns = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in head)
    kind = "alexnet-table words" if words else "alexnet-table"
    return (
        f'<table class="{kind}"><caption>{caption}</caption><thead><tr>{columns}</tr></thead>'
        f"<tbody>{''.join(line(row, 'td') for row in rows)}</tbody>"
        + (f"<tfoot>{line(total, 'td')}</tfoot>" if total else "")
        + "</table>"
    )


def get(preset: str | Architecture) -> Architecture:
    """The architecture of that name, or the architecture itself. Raises ValueError that lists the presets."""
    if isinstance(preset, Architecture):
        return preset
    if preset not in PRESETS:
        raise ValueError(f"no preset is called {preset!r}; there are {', '.join(PRESETS)}")
    return PRESETS[preset]


def compare(left: str | Architecture, right: str | Architecture) -> Comparison:
    """What differs between two architectures, row by row: `print` it, show it in a notebook, or read `.differences`."""
    return Comparison(get(left), get(right))


def _fully_connected(*, fc6=4096, fc7=4096, classes=1000, dropout="train", before=False, hidden=None, last=None):
    """fc6, fc7 and fc8 with dropout on the outputs of fc6 and fc7, or (torchvision) on their inputs."""
    hidden, last = hidden or {}, last or {}
    drop6, drop7 = Dropout("drop6", 0.5, dropout), Dropout("drop7", 0.5, dropout)
    dense6, dense7, dense8 = (
        Dense("fc6", fc6, **hidden),
        Dense("fc7", fc7, **hidden),
        Dense("fc8", classes, None, **last),
    )
    return [drop6, dense6, drop7, dense7, dense8] if before else [dense6, drop6, dense7, drop7, dense8]


def _alexnet_2012(filters, groups, *, code=False):
    """The stack of the paper; with `code`, as run 145 of the released source configures it.

    filters: of conv1 to conv5. groups: towers whose maps stay apart in conv2, conv4, conv5 and the normalisations.
    """
    deep = 0.03 if code else 0.01
    activation1, pooled = (None, "relu") if code else ("relu", None)
    normal = {"alpha_over_n": code, "groups": groups}
    layers = [
        Conv("conv1", filters[0], 11, stride=4, activation=activation1, weights=0.01),
        LRN("lrn1", **normal),
        Pool("pool1", 3, 2, activation=pooled),
        Conv("conv2", filters[1], 5, padding=2, groups=groups, weights=0.01, bias=1.0),
        LRN("lrn2", **normal),
        *([SpatialNorm("cnorm2")] if code else []),
        Pool("pool2", 3, 2),
        Conv("conv3", filters[2], 3, padding=1, weights=deep),
        Conv("conv4", filters[3], 3, padding=1, groups=groups, weights=deep, bias=1.0),
        Conv("conv5", filters[4], 3, padding=1, groups=groups, weights=deep, bias=1.0, activation=activation1),
        Pool("pool5", 3, 2, activation=pooled),
    ]
    return layers + _fully_connected(dropout="test", hidden={"weights": 0.01, "bias": 1.0}, last={"weights": 0.01})


_TORCH: dict[str, Any] = {"weights": "torch", "bias": "torch"}
_WIDE = (96, 256, 384, 384, 256)

PRESETS = {
    net.name: net
    for net in (
        Architecture(
            "paper-2012",
            "the two-tower network as printed",
            (224, 224, 3),
            _alexnet_2012(_WIDE, 2),
            towers=2,
            rounding="up",
            weight_decay=0.0005,
            source="the paper, section 3.5 and figure 2; rounding and padding from the released code",
        ),
        Architecture(
            "code-2012",
            "run 145 of the released source code",
            (224, 224, 3),
            _alexnet_2012(_WIDE, 2, code=True),
            towers=2,
            rounding="up",
            weight_decay=0.0005,
            source="github.com/computerhistory/AlexNet-Source-Code, layers/layers-145.cfg and layer-params-145.cfg",
        ),
        Architecture(
            "one-gpu",
            "the paper's comparison network on one GPU",
            (224, 224, 3),
            _alexnet_2012((48, 128, 192, 192, 256), 1),
            rounding="up",
            weight_decay=0.0005,
            source="the paper, section 3.2; widths from layers/layers-145-half.cfg of the released code",
        ),
        Architecture(
            "single-tower",
            "the ungrouped 227 network that tutorials teach",
            (227, 227, 3),
            _alexnet_2012(_WIDE, 1),
            weight_decay=0.0005,
            source="the paper's widths without the split; see the chapter on the architecture for what this changes",
        ),
        Architecture(
            "torchvision",
            "torchvision's alexnet, after One Weird Trick",
            (224, 224, 3),
            [
                Conv("conv1", 64, 11, stride=4, padding=2, **_TORCH),
                Pool("pool1", 3, 2),
                Conv("conv2", 192, 5, padding=2, **_TORCH),
                Pool("pool2", 3, 2),
                Conv("conv3", 384, 3, padding=1, **_TORCH),
                Conv("conv4", 256, 3, padding=1, **_TORCH),
                Conv("conv5", 256, 3, padding=1, **_TORCH),
                Pool("pool5", 3, 2),
                *_fully_connected(before=True, hidden=_TORCH, last=_TORCH),
            ],
            rounding="down",
            source="pytorch.org/vision/stable, alexnet (61,100,840 parameters); Krizhevsky, arXiv:1404.5997",
        ),
        Architecture(
            "lenet-5",
            "LeNet-5 as it is built today",
            (32, 32, 1),
            [
                Conv("conv1", 6, 5, activation="tanh"),
                Pool("pool1", 2, 2, mode="average"),
                Conv("conv2", 16, 5, activation="tanh"),
                Pool("pool2", 2, 2, mode="average"),
                Dense("fc3", 120, "tanh"),
                Dense("fc4", 84, "tanh"),
                Dense("fc5", 10, None),
            ],
            source="after LeCun et al., Proc. IEEE 86(11), 1998, with full connections and a linear output",
        ),
        Architecture(
            "cifar10",
            "the small network that many tutorials train",
            (32, 32, 3),
            [
                Conv("conv1", 96, 3),
                Pool("pool1", 2, 2),
                Conv("conv2", 256, 3, padding=1),
                Pool("pool2", 2, 2),
                Conv("conv3", 384, 3, padding=1),
                Conv("conv4", 384, 3, padding=1),
                Conv("conv5", 256, 3, padding=1),
                Pool("pool5", 2, 2),
                *_fully_connected(classes=10),
            ],
            rounding="down",
            source="a description that many tutorials share: 3x3 windows, 2x2 pools, 4096-4096-10",
        ),
        Architecture(
            "cifar10-tower",
            "the tower of one GPU, for 32x32 pictures, with small fully connected layers",
            (32, 32, 3),
            [
                Conv("conv1", 48, 5, padding=2),
                LRN("lrn1"),
                Pool("pool1", 3, 2),
                Conv("conv2", 128, 5, padding=2),
                LRN("lrn2"),
                Pool("pool2", 3, 2),
                Conv("conv3", 192, 3, padding=1),
                Conv("conv4", 192, 3, padding=1),
                Conv("conv5", 128, 3, padding=1),
                Pool("pool5", 3, 2),
                *_fully_connected(fc6=192, fc7=192, classes=10),
            ],
            rounding="down",
            weight_decay=0.0005,
            source="this book: the paper's filters of one GPU; for small pictures conv1 is 5x5, with stride 1",
        ),
    )
}
