"""Architecture: the table of a network as boxes to scale, with what each layer sees, costs and stores."""

import html
import math
from dataclasses import asdict

from traitlets import Dict, Int, List, TraitError, Unicode, default, observe, validate

from alexnet.architecture import PRESETS, compare, get

from .base import Explorer, drawing

# Settings of a layer that its row in the table says already, or says more fully.
_IN_THE_ROW = {"name", "filters", "units", "kernel", "stride", "padding", "groups", "activation"}
_LEFT_OUT = {"neurons", "inputs_per_unit"}

# Units of the drawing for the square root of a pixel and of a map, and how far a box goes back; as in towers.mjs.
_SIDE, _DEPTH, _SLANT = 7, 2.5, 0.36
_COLOURS = {"conv": "#0072B2", "fc": "#A03D78", "batch_norm": "#00795A"}


def _row(net, row):
    """A row as plain values; what is None is left out."""
    plain = row.to_dict() | {"crosses": net.crosses(row.name)}
    # In the order of their names, which they also have in the page's JSON.
    settings = sorted(asdict(row.spec).items()) if row.spec else ()
    plain["settings"] = {k: v for k, v in settings if k not in _IN_THE_ROW}
    return {key: _lists(v) for key, v in plain.items() if key not in _LEFT_OUT and v is not None}


def _lists(value):
    return [_lists(v) for v in value] if isinstance(value, tuple) else value


class ArchitectureExplorer(Explorer):
    """A network as boxes to scale: which maps each layer sees, what it costs, and what differs from another network.

    ArchitectureExplorer() offers all presets of `alexnet.architecture`. ArchitectureExplorer(mine, "paper-2012", ...)
    offers those given, presets or architectures of your own, and draws the first; two are also compared.

    presets: names of the architectures on offer. table: their rows as plain numbers; both are read-only. preset: the
    one drawn. other: the one to compare it with, or "". layer: name of the chosen layer. batch: images in a batch.
    value: the chosen layer's name, output_shape, parameters, macs (for one image), receptive_field and jump (in input
    pixels; None where a unit sees the whole input), activation_bytes (float32, for the batch), crosses_gpus; totals
    (parameters, macs, activation_bytes of the network); differences (names of the layers that differ from `other`).
    """

    module = "towers"

    presets = List(Unicode(), read_only=True).tag(sync=True)
    table = Dict(read_only=True).tag(sync=True)
    preset = Unicode().tag(sync=True)
    other = Unicode("").tag(sync=True)
    layer = Unicode().tag(sync=True)
    batch = Int(128, min=1, max=256).tag(sync=True)

    def __init__(self, *architectures, **state):
        self._nets = {}
        for net in map(get, architectures or PRESETS):
            # An architecture with other classes or another input keeps its name.
            same = sum(known.name == net.name for known in self._nets.values())
            self._nets[f"{net.name} ({same + 1})" if same else net.name] = net
        if len(architectures) == 2:
            state = {"other": list(self._nets)[1]} | state
        super().__init__(**state)

    @default("presets")
    def _presets(self):
        return list(self._nets)

    @default("table")
    def _table(self):
        return {
            name: {
                "title": net.title,
                "towers": net.towers,
                "parameters": net.parameters,
                "macs": net.macs,
                "layers": [_row(net, row) for row in net],
            }
            for name, net in self._nets.items()
        }

    @default("preset")
    def _first(self):
        return next(iter(self._nets))

    @default("layer")
    def _first_layer(self):
        return self._net.layers[:2][-1].name

    @validate("preset", "other")
    def _is_on_offer(self, proposal):
        name = proposal["value"]
        if name not in self._nets and (name or proposal["trait"].name == "preset"):
            raise TraitError(f"no architecture here is called {name!r}; there are {', '.join(self._nets)}")
        return name

    @validate("layer")
    def _is_a_layer(self, proposal):
        names = [row.name for row in self._net]
        if proposal["value"] not in names:
            raise TraitError(f"{self.preset} has no layer {proposal['value']!r}; it has {', '.join(names)}")
        return proposal["value"]

    @observe("preset")
    def _keep_a_layer(self, _):
        if all(row.name != self.layer for row in self._net):
            self.layer = self._first_layer()

    @property
    def _net(self):
        return self._nets[self.preset]

    @property
    def value(self) -> dict:
        net = self._net
        row = net[self.layer]
        return {
            "name": row.name,
            "output_shape": list(row.output_shape),
            "parameters": row.parameters,
            "macs": row.macs,
            "receptive_field": row.receptive_field,
            "jump": row.jump,
            "activation_bytes": row.activation_bytes(self.batch),
            "crosses_gpus": net.crosses(row.name),
            "totals": {
                "parameters": net.parameters,
                "macs": net.macs,
                "activation_bytes": net.activation_bytes(self.batch),
            },
            "differences": list(compare(net, self._nets[self.other]).differences) if self.other else [],
        }

    def __repr__(self):
        state = {name: v for name, v in self.state.items() if name not in ("presets", "table")}
        return f"ArchitectureExplorer({', '.join(f'{name}={v!r}' for name, v in state.items())})"

    def fallback(self):
        net, now = self._net, self.value
        convolutions = [row for row in net if row.kind == "conv"]
        shares = [
            sum(getattr(row, what) for row in convolutions) / max(getattr(net, what), 1)
            for what in ("parameters", "macs")
        ]
        sentence = (
            f"{self.preset}, {net.title}: {net.parameters:,} parameters and {net.macs:,} MACs for one image. The "
            f"convolutions have {shares[0]:.1%} of the parameters and {shares[1]:.1%} of the MACs. {self.layer} has "
            f"{now['parameters']:,} parameters, {now['macs']:,} MACs and, for {self.batch} images, "
            f"{now['activation_bytes'] / 1e6:,.1f} MB of activations."
        )
        boxes = [_box(net, row) for row in net]
        pitch = max(high + slant for _, high, slant, _ in boxes) + 24
        height = pitch * net.towers
        names = range(1, net.towers + 1) if net.towers > 1 else ()
        parts = [f'<text x="62" y="{pitch * (n - 1) + 14:.0f}" fill="#59636e">GPU {n}</text>' for n in names]
        x, before = 4.0, []
        for row, (wide, high, slant, places) in zip(net, boxes, strict=True):
            x += 34 if net.crosses(row.name) else 16 if row.kernel else 8
            middles = [height * (n + 0.5) / places for n in range(places)]
            for n, y in enumerate(middles):
                for m, (from_x, from_y) in enumerate(before):
                    own = m == n or 1 in (places, len(before))
                    if own or net.crosses(row.name):
                        stroke = 'stroke="#59636e"' if own else 'stroke="#B35C00" stroke-dasharray="4 3"'
                        parts.append(f'<path d="M{from_x:.0f} {from_y:.0f}L{x:.0f} {y:.0f}" {stroke}/>')
            colour = _COLOURS.get(row.kind, "#59636e")
            for y in middles:
                top, right = y - (high - slant) / 2, x + wide
                back = f"M{x:.1f} {top:.1f}l{slant:.1f} {-slant:.1f}h{wide:.1f}l{-slant:.1f} {slant:.1f}z"
                side = f"M{right:.1f} {top:.1f}l{slant:.1f} {-slant:.1f}v{high:.1f}l{-slant:.1f} {slant:.1f}z"
                front = f"M{x:.1f} {top:.1f}h{wide:.1f}v{high:.1f}h{-wide:.1f}z"
                parts += [
                    f'<path d="{path}" fill="{colour}" fill-opacity="{shade}" stroke="{colour}"/>'
                    for path, shade in ((back, 0.25), (side, 0.7), (front, 0.45))
                ]
            parts.append(
                f'<text x="{x + (wide + slant) / 2:.0f}" y="{height + 14:.0f}" text-anchor="middle">'
                f"{html.escape(row.name)}</text>"
            )
            before = [(x + wide + slant / 2, y) for y in middles]
            x += max(wide + slant, 32)
        return drawing(math.ceil(x + 12), math.ceil(height + 22), *parts, label=sentence), sentence


def _box(net, row):
    """Width, height, slant and number of a row's boxes: one for each tower, but one image and one output."""
    places = 1 if row in (net.layers[0], net.layers[-1]) else net.towers
    depth = _DEPTH * math.sqrt(row.output_shape[-1] / places)
    if len(row.output_shape) == 1:
        return _SIDE, depth, _SLANT * _SIDE, places
    high, wide = (_SIDE * math.sqrt(n) for n in row.output_shape[:2])
    return depth, high, _SLANT * wide, places
