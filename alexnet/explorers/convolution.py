"""The arithmetic of convolution and pooling: move the window, read the sum, and count the places."""

import numpy as np
from traitlets import Enum, Int, TraitError, observe, validate

from alexnet.architecture import output_size

from .base import Explorer, drawing

# What can be drawn number by number; beyond that only the ends of a side are shown.
DRAWN, DRAWN_KERNEL, DRAWN_CHANNELS = 12, 5, (1, 2, 4)


def input_number(seed, channel, row, column):
    """The number of the input at a place, 0 to 9. The front end has the same formula."""
    return (1 + 37 * seed + 41 * channel + 13 * row + 29 * column) ** 3 % 101 % 10


def weight(seed, which, channel, row, column):
    """A weight of filter `which`, -1 to 2. `channel` counts from the first that the filter sees."""
    return (5 + 37 * seed + 53 * which + 41 * channel + 17 * row + 31 * column) ** 3 % 101 % 4 - 1


class ConvolutionExplorer(Explorer):
    """A window slides over an input; each place of it gives one number of the output.

    operation: "convolution" (a sum of products) or "max pooling". size: the side of the square input in pixels; up to
    12 every number is drawn, beyond that the first and last windows along a side. kernel: the side of the window.
    stride, padding, dilation: in pixels; the padding is on either side. rounding: "down" drops the window that does
    not fit, "up" lets it hang over the edge. channels: of the input. filters: output maps. groups: a filter sees the
    channels of its own group only. filter: the filter whose map is drawn, from 0. at: the number of the output that is
    worked out, counted along the rows from 0. seed: chooses the numbers. Pooling is drawn for the first channel.
    value: output_size (side) and exact (before rounding); output (rows of numbers; None where a pool sees no pixel)
    and cell (the one at `at`), both None beyond 12; weights (biases not counted); remaining (rows beyond the last
    window, as many columns), unseen (rows that no window reads, those included), overhang (rows by which the last
    window goes beyond input and padding); overlap (do windows share pixels).
    """

    module = "convolution"

    operation = Enum(["convolution", "max pooling"], "convolution").tag(sync=True)
    size = Int(7, min=4, max=256).tag(sync=True)
    kernel = Int(3, min=1, max=11).tag(sync=True)
    stride = Int(2, min=1, max=8).tag(sync=True)
    padding = Int(1, min=0, max=5).tag(sync=True)
    dilation = Int(1, min=1, max=3).tag(sync=True)
    rounding = Enum(["down", "up"], "down").tag(sync=True)
    channels = Int(1, min=1, max=512).tag(sync=True)
    filters = Int(4, min=1, max=512).tag(sync=True)
    groups = Int(1, min=1, max=4).tag(sync=True)
    filter = Int(0, min=0).tag(sync=True)
    at = Int(0, min=0).tag(sync=True)
    seed = Int(0, min=0, max=99).tag(sync=True)

    @validate("size", "kernel", "stride", "padding", "dilation", "rounding", "channels", "filters", "groups")
    def _fits(self, proposal):
        now = self.state | {proposal["trait"].name: proposal["value"]}
        size, kernel, padding, groups = (now[name] for name in ("size", "kernel", "padding", "groups"))
        span = now["dilation"] * (kernel - 1) + 1
        if span > size + 2 * padding:
            raise TraitError(f"a window of {span} pixels is larger than an input of {size} with padding {padding}")
        if padding >= span:
            raise TraitError(f"padding {padding} must be below the window's {span} pixels, or a window sees only zeros")
        if now["channels"] % groups or now["filters"] % groups:
            raise TraitError(f"{groups} groups must divide {now['channels']} channels and {now['filters']} filters")
        if size <= DRAWN:
            if kernel > DRAWN_KERNEL:
                raise TraitError(f"inputs up to {DRAWN} are drawn, with kernels up to {DRAWN_KERNEL}, not {kernel}")
            if now["channels"] not in DRAWN_CHANNELS or now["filters"] > max(DRAWN_CHANNELS):
                raise TraitError(f"inputs up to {DRAWN} are drawn, with 1, 2 or 4 channels and at most 4 filters")
        return proposal["value"]

    @validate("at", "filter")
    def _is_there(self, proposal):
        name, last = proposal["trait"].name, self._last(proposal["trait"].name)
        if proposal["value"] > last:
            raise TraitError(f"{name} must be at most {last}; got {proposal['value']}")
        return proposal["value"]

    @observe("size", "kernel", "stride", "padding", "dilation", "rounding", "filters")
    def _bring_in(self, _):
        self.at, self.filter = min(self.at, self._last("at")), min(self.filter, self._last("filter"))

    def _last(self, name):
        return (self.filters if name == "filter" else self._places**2) - 1

    @property
    def _span(self):
        return self.dilation * (self.kernel - 1) + 1

    @property
    def _places(self):
        return output_size(self.size, self._span, self.stride, self.padding, self.rounding)

    @property
    def _taps(self):
        """The pixels that each window reads along a side; those below 0 and from `size` on are not in the input."""
        return self.stride * np.arange(self._places)[:, None] - self.padding + self.dilation * np.arange(self.kernel)

    def _output(self):
        taps, size = self._taps, self.size
        pools = self.operation == "max pooling"
        share = 1 if pools else self.channels // self.groups
        first = 0 if pools else self.filter // (self.filters // self.groups) * share
        channel = first + np.arange(share)[:, None, None]
        numbers = input_number(self.seed, channel, np.arange(size)[:, None], np.arange(size)).astype(float)
        beyond = (self.padding, max(0, int(taps.max()) + 1 - size))
        padded = np.pad(numbers, ((0, 0), beyond, beyond), constant_values=-np.inf if pools else 0)
        places = taps + self.padding
        windows = padded[:, places[:, None, :, None], places[None, :, None, :]]
        if pools:
            return [[None if np.isinf(n) else int(n) for n in row] for row in windows[0].max(axis=(2, 3))]
        side = np.arange(self.kernel)
        weights = weight(self.seed, self.filter, np.arange(share)[:, None, None], side[:, None], side)
        return np.einsum("crskl,ckl->rs", windows, weights).astype(int).tolist()

    @property
    def value(self) -> dict:
        taps, read, places = self._taps.ravel(), set(self._taps.ravel().tolist()), self._places
        output = self._output() if self.size <= DRAWN else None
        return {
            "output_size": places,
            "exact": 1 + (self.size + 2 * self.padding - self._span) / self.stride,
            "output": output,
            "cell": output and output[self.at // places][self.at % places],
            "weights": self.kernel**2 * (self.channels // self.groups) * self.filters
            if self.operation == "convolution"
            else 0,
            "remaining": max(0, self.size - 1 - max(read)),
            "unseen": self.size - len(read & set(range(self.size))),
            "overhang": max(0, max(read) + 1 - self.size - self.padding),
            "overlap": len(read) < len(taps),
        }

    def fallback(self):
        now, places = self.value, self._places
        sentence = (
            f"{self.operation.capitalize()} of {self.size} × {self.size} pixels: kernel {self.kernel}, stride "
            f"{self.stride}, padding {self.padding}, dilation {self.dilation}. The output is "
            f"{places} × {places}"
        )
        if now["exact"] != places:
            sentence += f" (room for {now['exact']:.4g} windows along a side, rounded {self.rounding})"
        if now["output"] is None:
            sentence += f"; rows that no window reads: {now['unseen']}."
            return drawing(420, 76, *self._ruler(), label=sentence), sentence
        row, column = divmod(self.at, places)
        sentence += f"; the number in row {row + 1}, column {column + 1} of it is {now['cell']}."
        taps, low = self._taps, -self.padding
        side = max(self.size + self.padding, int(taps.max()) + 1) - low
        channel = 0
        if self.operation == "convolution":
            channel = self.filter // (self.filters // self.groups) * (self.channels // self.groups)
        parts = []
        for r, c in np.ndindex(side, side):
            inside = all(0 <= place + low < self.size for place in (r, c))
            tapped = r + low in taps[row] and c + low in taps[column]
            colour = "#9ecae8" if tapped else "#fff" if inside else "#eee"
            blank = "" if self.operation == "max pooling" else 0
            text = input_number(self.seed, channel, r + low, c + low) if inside else blank
            parts.append(_square(4 + 22 * c, 4 + 22 * r, 22, colour, text))
        for r, c in np.ndindex(places, places):
            colour = "#9ecae8" if (r, c) == (row, column) else "#fff"
            number = now["output"][r][c]
            parts.append(_square(28 + 22 * side + 34 * c, 4 + 22 * r, 34, colour, "–" if number is None else number))
        return drawing(32 + 22 * side + 34 * places, 8 + 22 * max(side, places), *parts, label=sentence), sentence

    def _ruler(self):
        """The last pixels of a side, and below them what the last window reads."""
        last = self._taps[-1]
        end = max(self.size + self.padding, int(last[-1]) + 1)
        first = min(int(last[0]), self.size - 1) - 2
        wide = min(22, 400 // (end - first))
        for pixel in range(first, end):
            x = 10 + wide * (pixel - first)
            yield _square(x, 20, wide, "#fff" if pixel < self.size else "#eee", "")
            if pixel in last:
                yield f'<rect x="{x}" y="48" width="{wide}" height="10" fill="#0072B2"/>'
        yield f'<text x="10" y="14">pixels {first + 1} to {self.size}; grey: not in the input</text>'
        yield f'<text x="10" y="72">window {self._places}, the last</text>'


def _square(x, y, wide, colour, text):
    return (
        f'<rect x="{x}" y="{y}" width="{wide}" height="22" fill="{colour}" stroke="#888"/>'
        f'<text x="{x + wide / 2}" y="{y + 15}" text-anchor="middle">{str(text).replace("-", "−")}</text>'
    )
