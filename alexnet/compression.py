"""Pruning, weight sharing and Huffman coding (Han, Mao and Dally, arXiv:1510.00149), and a file to keep the result in.

Kernels are pruned and shared, biases are left alone. Everything works on every backend of Keras.

The file, all numbers little-endian: b"AXC1", u8 number of layers, then for each layer

    name                u8 length, UTF-8
    shape of kernel     u8 number of axes, u32 each
    index bits          u8; 0: every weight is stored, else only those that are not zero, with gaps
    symbols             u16 size of the codebook, 0 where the weights themselves are stored
    Huffman             u8; 1: codes are Huffman codes, 0: of fixed width
    number of entries   u32; zeros that fill too long gaps counted
    codebook            float16 each
    code lengths        if Huffman: u8 for each symbol of the codebook, then u8 for each gap from 0 to the longest
    weights             codes of one entry each, the first bit highest, zeros up to a full byte; or float16 each
    gaps                the same way: how many zeros are skipped before each entry
    bias                u32 how many, float16 each

Huffman codes are canonical: they follow from their lengths alone. Codes of fixed width are the numbers themselves.
"""

from __future__ import annotations

import heapq
import math
import struct

import keras
import numpy as np
from keras import ops

MAGIC = b"AXC1"
# A kernel of more different values than this is stored as these values, without a codebook.
LARGEST_CODEBOOK = 256
PARTS = ("weights", "gaps", "codebooks", "code lengths", "biases", "names and shapes")
_LONGEST_CODE = 40  # bits; the decoder compares codes as 64-bit numbers


def magnitude_mask(weights, share):
    """Which weights stay when the given share of them, those nearest to zero, is pruned: bool, of the same shape.

    Exactly round(share * size) are False; among equals the first ones go. share: 0 <= share < 1, or ValueError.
    """
    if not 0 <= share < 1:
        raise ValueError(f"the share to prune is at least 0 and less than 1; got {share}")
    weights = np.asarray(weights)
    order = np.argsort(np.abs(weights), axis=None, kind="stable")
    mask = np.ones(weights.size, dtype=bool)
    mask[order[: round(share * weights.size)]] = False
    return mask.reshape(weights.shape)


def shared_values(values, count, steps=100):
    """The `count` values that stand for all of `values` with the least squared error nearby: k-means in one dimension.

    Lloyd's algorithm from centroids that are spaced evenly between the least and the greatest value, the linear
    initialisation of the paper (section 3.2). A centroid that no value is nearest to, as in the hole that pruning
    leaves at zero, starts again at the value that is farthest from its own. The optimum that is found is a local one.
    Returns the centroids in rising order, float64 (count,). Raises ValueError without values.
    """
    ordered = np.sort(np.asarray(values, dtype="float64"), axis=None)
    if not ordered.size or count < 1:
        raise ValueError(f"{ordered.size} values cannot be shared by {count} centroids")
    # In one dimension clusters are intervals of the sorted values: their sums are differences of running sums.
    running = np.concatenate([[0.0], np.cumsum(ordered)])
    centroids = np.linspace(ordered[0], ordered[-1], count)
    for _ in range(steps):
        edges = np.searchsorted(ordered, (centroids[1:] + centroids[:-1]) / 2)
        edges = np.concatenate([[0], edges, [len(ordered)]])
        sizes = np.diff(edges)
        moved = np.diff(running[edges]) / np.maximum(sizes, 1)
        empty = np.flatnonzero(sizes == 0)
        if len(empty):
            farthest = np.argsort(-np.abs(ordered - np.repeat(centroids, sizes)), kind="stable")
            moved[empty] = ordered[np.resize(farthest, len(empty))]
        moved = np.sort(moved)
        if np.array_equal(moved, centroids):
            break
        centroids = moved
    return centroids


def nearest(values, centroids):
    """The number of the centroid nearest to each value; centroids in rising order. Integers of the values' shape."""
    centroids = np.asarray(centroids)
    return np.searchsorted((centroids[1:] + centroids[:-1]) / 2, np.asarray(values))


@keras.saving.register_keras_serializable(package="alexnet")
class Masked(keras.constraints.Constraint):
    """Keeps pruned weights at zero: after every step of an optimizer the weights are multiplied by the mask.

    mask: of the kernel's shape; what is zero or False stays pruned.
    """

    def __init__(self, mask):
        self.mask = np.asarray(mask, dtype="float32")

    def __call__(self, weights):
        return weights * ops.cast(self.mask, weights.dtype)

    def get_config(self):
        return {"mask": self.mask.tolist()}


@keras.saving.register_keras_serializable(package="alexnet")
class Shared(keras.constraints.Constraint):
    """Keeps shared weights equal: after every step each weight becomes the mean of its group, and group 0 is zero.

    By a shared value c the loss has the derivative that the paper sums up (its equation 3): the sum of the derivatives
    by all weights of the group. The mean of what the step did to them is this derivative divided by the size of the
    group, so each shared value moves against its gradient, by an own rate that does not grow with the group.

    groups: integers of the kernel's shape; 0 where weights are pruned, else 1 and more.
    """

    def __init__(self, groups):
        self.groups = np.asarray(groups, dtype="int32")
        count = int(self.groups.max()) + 1
        sizes = np.bincount(self.groups.ravel(), minlength=count)
        self._factors = np.where(np.arange(count) > 0, 1 / np.maximum(sizes, 1), 0).astype("float32")

    def __call__(self, weights):
        groups = ops.convert_to_tensor(self.groups.ravel())
        sums = ops.segment_sum(ops.reshape(weights, (-1,)), groups, num_segments=len(self._factors))
        means = sums * ops.cast(self._factors, weights.dtype)
        return ops.reshape(ops.take(means, groups), self.groups.shape)

    def get_config(self):
        return {"groups": self.groups.tolist()}


def weights(model):
    """{layer: (kernel, bias)} of every layer of a model that has both, as arrays; from the input on."""
    found = {}
    for layer in model.layers:
        if len(layer.weights) == 2 and hasattr(layer, "kernel"):
            found[layer.name] = tuple(ops.convert_to_numpy(variable) for variable in (layer.kernel, layer.bias))
    return found


def load(model, stored):
    """Give the layers of a model the kernels and biases of `stored`, as `weights` or `decode` return them."""
    for name, (kernel, bias) in stored.items():
        layer = model.get_layer(name)
        layer.kernel.assign(np.asarray(kernel, dtype="float32"))
        layer.bias.assign(np.asarray(bias, dtype="float32"))


def prune(model, shares):
    """Prune layers of a model, {layer: share of its kernel}, and keep them pruned in whatever training follows.

    The masks are constraints of the kernels (`Masked`) until `release` removes them.
    """
    for name, share in shares.items():
        kernel = model.get_layer(name).kernel
        values = ops.convert_to_numpy(kernel)
        mask = magnitude_mask(values, share)
        kernel.assign(values * mask)
        kernel.constraint = Masked(mask)


def share(model, bits):
    """Let the weights of each layer, {layer: bits}, take at most 2 ** bits values, and go on doing so in training.

    Where weights are zero, zero is one of these values and stays zero. The values are rounded to float16, as the file
    has them. The groups are constraints of the kernels (`Shared`) until `release` removes them.
    Raises ValueError for less than 1 bit or more than 8.
    """
    for name, width in bits.items():
        if not 1 <= width <= 8:
            raise ValueError(f"{name}: 1 to 8 bits a weight; got {width}")
        kernel = model.get_layer(name).kernel
        values = ops.convert_to_numpy(kernel)
        kept = values != 0
        centroids = shared_values(values[kept], 2**width - (not kept.all()))
        groups = np.where(kept, nearest(values, centroids) + 1, 0)
        centroids = np.float16(np.concatenate([[0], centroids])).astype("float32")
        kernel.assign(centroids[groups])
        kernel.constraint = Shared(groups)


def release(model):
    """Remove the constraints that `prune` and `share` set; the weights stay as they are."""
    for layer in model.layers:
        if isinstance(getattr(getattr(layer, "kernel", None), "constraint", None), Masked | Shared):
            layer.kernel.constraint = None


def entropy(counts):
    """Bits a symbol of a source with these counts, from below the mean length of any code of single symbols."""
    p = np.asarray(counts, dtype="float64")
    p = p[p > 0] / p.sum()
    return float(-(p * np.log2(p)).sum())


def huffman_lengths(counts):
    """The length in bits of each symbol's Huffman code, 0 for one that does not occur; a single symbol takes one bit.

    counts: how often each symbol occurs, whole numbers. Returns int64, as many. Raises ValueError for negative counts.
    """
    counts = [int(count) for count in counts]
    if any(count < 0 for count in counts):
        raise ValueError("counts are at least 0")
    # Ties are broken by the second entry, so that equal counts give equal codes on every machine.
    heap = [(count, symbol, [symbol]) for symbol, count in enumerate(counts) if count]
    heapq.heapify(heap)
    lengths = np.zeros(len(counts), dtype="int64")
    if len(heap) == 1:
        lengths[heap[0][1]] = 1
    while len(heap) > 1:
        low, next_low = heapq.heappop(heap), heapq.heappop(heap)
        together = low[2] + next_low[2]
        lengths[together] += 1
        heapq.heappush(heap, (low[0] + next_low[0], min(low[1], next_low[1]), together))
    return lengths


def canonical_codes(lengths):
    """The codes of given lengths, as numbers: shorter ones first, equally long ones in the order of the symbols.

    Raises ValueError where no code has these lengths: where the sum of 2 ** -length is above 1 (Kraft's inequality).
    """
    lengths = np.asarray(lengths, dtype="int64")
    used = np.flatnonzero(lengths)
    if sum(2.0 ** -int(lengths[symbol]) for symbol in used) > 1:
        raise ValueError("no prefix code has these lengths")
    codes, code, before = np.zeros(len(lengths), dtype="int64"), 0, 0
    for symbol in sorted(used, key=lambda symbol: (lengths[symbol], symbol)):
        code <<= int(lengths[symbol]) - before
        codes[symbol], before = code, int(lengths[symbol])
        code += 1
    return codes


def pack(symbols, lengths):
    """The bytes of symbols, one after the other in the canonical code of these lengths.

    symbols: whole numbers that index `lengths`. Raises ValueError for a symbol that has no code.
    """
    symbols, lengths = np.asarray(symbols, dtype="int64").ravel(), np.asarray(lengths, dtype="int64")
    if symbols.size and (symbols.min() < 0 or symbols.max() >= len(lengths) or not lengths[symbols].all()):
        raise ValueError("a symbol has no code")
    codes, widths = canonical_codes(lengths)[symbols], lengths[symbols]
    # For every bit of the stream: which symbol it belongs to, and its place in the code from the right.
    owner = np.repeat(np.arange(len(symbols)), widths)
    place = np.cumsum(widths)[owner] - 1 - np.arange(len(owner))
    return np.packbits(((codes[owner] >> place) & 1).astype("uint8")).tobytes()


def unpack(content, lengths, count):
    """The first `count` symbols of what `pack` wrote, int64. Raises ValueError where the bytes do not hold them."""
    lengths = np.asarray(lengths, dtype="int64")
    used = np.flatnonzero(lengths)
    if not count:
        return np.zeros(0, dtype="int64")
    longest = int(lengths.max(initial=0))
    if not 1 <= longest <= _LONGEST_CODE:
        raise ValueError(f"codes are 1 to {_LONGEST_CODE} bits long")
    bits = np.unpackbits(np.frombuffer(content, dtype="uint8")).astype("int64")
    ends = len(bits)
    bits = np.concatenate([bits, np.zeros(longest, dtype="int64")])
    # The next `longest` bits from every place on, as a number.
    window = np.zeros(ends, dtype="int64")
    for place in range(longest):
        window = (window << 1) | bits[place : place + ends]
    # Canonical codes, filled up with zeros on the right, rise with their rank: the window says which code begins it.
    ranked = np.array(sorted(used, key=lambda symbol: (lengths[symbol], symbol)))
    starts = canonical_codes(lengths)[ranked] << (longest - lengths[ranked])
    begins = ranked[np.searchsorted(starts, window, side="right") - 1]
    steps, at, places = lengths[begins].tolist(), 0, []
    for _ in range(count):
        if at >= ends:
            raise ValueError("the file ends too early")
        places.append(at)
        at += steps[at]
    if at > ends:
        raise ValueError("the file ends too early")
    return begins[places]


def gaps(mask, index_bits):
    """Where the entries of a sparse kernel are: (gaps, which entries are fillers), each (entries,).

    mask: where weights are not zero, any shape. A gap is the number of zeros before an entry. It is at most
    2 ** index_bits - 1; where it would be longer, a zero is stored as an entry, a filler (the paper, section 2).
    """
    longest = 2**index_bits - 1
    at = np.flatnonzero(mask)
    skipped = np.diff(at, prepend=-1) - 1
    # A filler stands for `longest` zeros and for itself.
    fillers = skipped // (longest + 1)
    found = np.full(len(at) + fillers.sum(), longest)
    last = np.cumsum(fillers + 1) - 1
    found[last] = skipped - fillers * (longest + 1)
    filler = np.ones(len(found), dtype=bool)
    filler[last] = False
    return found, filler


def encode(stored, index_bits=0, huffman=True):
    """The bytes of a file, as the module describes it, with the kernels and biases of `stored` as float16.

    stored: {layer: (kernel, bias)}, as `weights` returns them. index_bits: width of a gap, 1 to 8, or 0 to store every
    weight; one number for all layers or {layer: number}. huffman: Huffman codes, or codes of fixed width.
    Raises ValueError where there is nothing to encode, or a value is too large for float16.
    """
    return b"".join(content for _, content in _pieces(stored, index_bits, huffman))


def sizes(stored, index_bits=0, huffman=True):
    """What the bytes of `encode` are for: {part: bytes} for each of `PARTS`."""
    found = dict.fromkeys(PARTS, 0)
    for part, content in _pieces(stored, index_bits, huffman):
        found[part] += len(content)
    return found


def _pieces(stored, index_bits, huffman):
    """The file from its beginning, as (part, bytes)."""
    if not 1 <= len(stored) <= 255:
        raise ValueError(f"a file holds 1 to 255 layers; got {len(stored)}")
    yield "names and shapes", MAGIC + bytes([len(stored)])
    for name, (kernel, bias) in stored.items():
        width = index_bits[name] if isinstance(index_bits, dict) else index_bits
        if not 0 <= width <= 8:
            raise ValueError(f"{name}: gaps are 1 to 8 bits wide, or 0 for none; got {width}")
        yield from _layer(name, _half(name, kernel), _half(name, bias), width, huffman)


def _half(name, values):
    with np.errstate(over="ignore"):
        half = np.asarray(values).astype("<f2")
    if not np.isfinite(half).all():
        raise ValueError(f"{name}: a value is no number that float16 can hold")
    return half


def _layer(name, kernel, bias, index_bits, huffman):
    flat, skipped = kernel.ravel(), None
    if index_bits:
        skipped, filler = gaps(flat != 0, index_bits)
        entries = np.zeros(len(skipped), dtype="<f2")
        entries[~filler] = flat[flat != 0]
    else:
        entries = flat
    codebook, symbols = np.unique(entries, return_inverse=True)
    if len(codebook) > LARGEST_CODEBOOK:
        codebook = codebook[:0]
    label = name.encode()
    yield "names and shapes", struct.pack("<B", len(label)) + label
    yield "names and shapes", struct.pack(f"<B{kernel.ndim}I", kernel.ndim, *kernel.shape)
    yield "names and shapes", struct.pack("<BHBI", index_bits, len(codebook), huffman, len(entries))
    yield "codebooks", codebook.tobytes()
    streams = []
    if len(codebook):
        streams.append(("weights", symbols, len(codebook)))
    if index_bits:
        streams.append(("gaps", skipped, 2**index_bits))
    lengths = {}
    for part, numbers, count in streams:
        lengths[part] = _fixed(count)
        if huffman:
            lengths[part] = huffman_lengths(np.bincount(numbers, minlength=count))
            yield "code lengths", lengths[part].astype("uint8").tobytes()
    if not len(codebook):
        yield "weights", entries.tobytes()
    for part, numbers, _ in streams:
        content = pack(numbers, lengths[part])
        yield "names and shapes", struct.pack("<I", len(content))
        yield part, content
    yield "names and shapes", struct.pack("<I", bias.size)
    yield "biases", bias.tobytes()


def _fixed(count):
    """Code lengths of fixed width for so many symbols: the canonical code is then the number of the symbol."""
    return np.full(count, max(1, math.ceil(math.log2(count))))


def decode(content):
    """{layer: (kernel, bias)} of a file, in float32. Raises ValueError where it is not one, or is damaged in length."""
    reader = _Reader(content)
    if reader.take(len(MAGIC)) != MAGIC:
        raise ValueError("this is not a compressed network")
    stored = {}
    for _ in range(reader.number("B")):
        name = reader.take(reader.number("B")).decode()
        shape = [reader.number("I") for _ in range(reader.number("B"))]
        index_bits, size, huffman, count = (reader.number(kind) for kind in "BHBI")
        if count > 2 * math.prod(shape):
            raise ValueError(f"{name}: more entries than weights")
        codebook = reader.array("<f2", size)
        ranges = [size] * bool(size) + [2**index_bits] * bool(index_bits)
        lengths = [reader.array("u1", n) if huffman else _fixed(n) for n in ranges]
        entries = None if size else reader.array("<f2", count)
        streams = [unpack(reader.take(reader.number("I")), each, count) for each in lengths]
        entries = codebook[streams[0]] if size else entries
        kernel = np.zeros(math.prod(shape), dtype="float32")
        at = np.cumsum(streams[-1] + 1) - 1 if index_bits else np.arange(count)
        if len(at) and at[-1] >= len(kernel):
            raise ValueError(f"{name}: more weights than its shape has")
        kernel[at] = entries
        bias = reader.array("<f2", reader.number("I")).astype("float32")
        stored[name] = kernel.reshape(shape), bias
    if reader.at != len(content):
        raise ValueError("the file goes on after its last layer")
    return stored


class _Reader:
    """Bytes, read from the beginning."""

    def __init__(self, content):
        self.content, self.at = content, 0

    def take(self, count):
        if self.at + count > len(self.content):
            raise ValueError("the file ends too early")
        self.at += count
        return self.content[self.at - count : self.at]

    def number(self, kind):
        return struct.unpack(f"<{kind}", self.take(struct.calcsize(f"<{kind}")))[0]

    def array(self, kind, count):
        return np.frombuffer(self.take(count * np.dtype(kind).itemsize), kind)
