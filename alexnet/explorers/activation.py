"""Activation functions: the slope of each, and what becomes of a gradient on its way down through a deep net."""

import math

import numpy as np
from traitlets import Enum, Float, Int, TraitError, validate

from .base import Explorer, drawing

WIDTH, BATCH = 32, 16

# As the reader sees them. The front end has the same list.
FUNCTIONS = {"relu": "ReLU", "tanh": "tanh", "sigmoid": "sigmoid", "leaky_relu": "leaky ReLU", "gelu": "GELU"}

_erf = np.vectorize(math.erf, otypes=[float])


def normals(seed: int, count: int) -> np.ndarray:
    """Standard normal numbers, the same in Python and JavaScript: mulberry32 and Box-Muller. count is even."""
    with np.errstate(over="ignore"):
        a = np.uint32(seed) + np.arange(1, count + 1, dtype="uint32") * np.uint32(0x6D2B79F5)
        t = (a ^ a >> 15) * (a | 1)
        t = (t + (t ^ t >> 7) * (t | 61)) ^ t
    u = (t ^ t >> 14) / 2.0**32
    radius, angle = np.sqrt(-2 * np.log(1 - u[::2])), 2 * np.pi * u[1::2]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).ravel()


def activate(function: str, z) -> tuple[np.ndarray, np.ndarray]:
    """The function and its slope at z. At the corner of ReLU and leaky ReLU the slope is that of the left side."""
    z = np.asarray(z, float)
    if function == "relu":
        return np.maximum(z, 0), (z > 0).astype(float)
    if function == "leaky_relu":
        return np.where(z > 0, z, 0.01 * z), np.where(z > 0, 1, 0.01)
    if function == "gelu":
        below = (1 + _erf(z / math.sqrt(2))) / 2
        return z * below, below + z * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    # 1 - tanh² and s(1 - s) lose their digits where the function saturates; these forms keep them.
    if function == "tanh":
        e = np.exp(-2 * np.abs(z))
        return np.tanh(z), 4 * e / (1 + e) ** 2
    e = np.exp(-np.abs(z))
    return np.where(z < 0, e, 1) / (1 + e), e / (1 + e) ** 2


def network(function: str, depth: int, weight_scale: float, bias: float, seed: int) -> dict:
    """The gradient at every layer of a random net, and the share of its units that are dead; see the explorer."""
    numbers = normals(seed, (2 * BATCH + depth * WIDTH) * WIDTH).reshape(-1, WIDTH)
    a, top = numbers[:BATCH], numbers[BATCH : 2 * BATCH]
    weights = numbers[2 * BATCH :].reshape(depth, WIDTH, WIDTH) * (weight_scale / math.sqrt(WIDTH))
    slopes, dead = [], []
    for w in weights:
        z = a @ w + bias
        a, slope = activate(function, z)
        slopes.append(slope)
        dead.append(float((z <= 0).all(axis=0).mean()) if function == "relu" else 0.0)
    delta = top / np.sqrt(np.mean(top**2)) * slopes[-1]
    gradients = [delta]
    for w, slope in zip(weights[:0:-1], slopes[-2::-1], strict=True):
        delta = delta @ w.T * slope
        gradients.insert(0, delta)
    gradients = [float(np.sqrt(np.mean(delta**2))) for delta in gradients]
    ratio = gradients[0] / gradients[-1] if gradients[-1] else None
    return {"gradients": gradients, "ratio": ratio, "dead": dead}


class ActivationExplorer(Explorer):
    """The slope of an activation function, and the gradient that reaches the first layer of a deep net made with it.

    The net is fully connected: `depth` layers of 32 units, random normal weights, computed in float64. A batch of 16
    random inputs goes up; a random gradient, made to have a root mean square of 1, enters at the outputs of the last
    layer and is sent down. The random numbers depend on the seed alone, so that two settings differ in nothing else.

    function: "relu", "tanh", "sigmoid", "leaky_relu" (slope 0.01 below zero) or "gelu" (exact: x Φ(x), with erf).
    x: where the left chart shows value and slope, -5 to 5. depth: number of layers, 1 to 20. weight_scale: standard
    deviation of the weights in multiples of 1/√32, 0.2 to 3; Glorot's is 1, He's √2. bias: of every unit, -1 to 1.
    seed: of the random numbers, 0 to 9999.
    value: activation and slope (at x; at their corner, 0, ReLU and leaky ReLU have the slope of the left side);
    gradients (of the loss by a layer's sums, before its activation function: the root mean square over units and
    inputs, first layer to last), ratio (first to last; None where the last is 0), dead (share of each layer's units
    that are 0 for every input, first layer to last; only ReLU has any).
    """

    module = "activation"

    function = Enum(list(FUNCTIONS), default_value="relu").tag(sync=True)
    x = Float(1.0, min=-5.0, max=5.0).tag(sync=True)
    depth = Int(8, min=1, max=20).tag(sync=True)
    weight_scale = Float(1.0, min=0.2, max=3.0).tag(sync=True)
    bias = Float(0.0, min=-1.0, max=1.0).tag(sync=True)
    seed = Int(1, min=0, max=9999).tag(sync=True)

    @validate("x", "weight_scale", "bias")
    def _is_a_number(self, proposal):
        # Nothing is below or above "not a number", so that min and max let it through.
        if math.isnan(proposal["value"]):
            raise TraitError(f"{proposal['trait'].name} must be a number")
        return proposal["value"]

    @property
    def value(self) -> dict:
        activation, slope = activate(self.function, self.x)
        net = network(self.function, self.depth, self.weight_scale, self.bias, self.seed)
        return {"activation": float(activation), "slope": float(slope)} | net

    def fallback(self):
        now = self.value
        gradients = now["gradients"]
        arrives = (
            f"the gradient at layer 1 is {_digits(now['ratio'])} times that at layer {self.depth}"
            if now["ratio"] is not None
            else "no gradient passes even the last layer, whose units are all off"
        )
        sentence = (
            f"In a random net of {self.depth} layers of {WIDTH} {FUNCTIONS[self.function]} units, with weights of "
            f"standard deviation {self.weight_scale:.3g}/√{WIDTH} and biases of {self.bias:.3g}, {arrives}."
        ).replace("-", "−")
        if self.function == "relu":
            sentence += f" {WIDTH * sum(now['dead']):.0f} of {WIDTH * self.depth} units are dead."
        low, high = axis(gradients)
        parts = [
            f'<line x1="40" x2="380" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
            f'<text x="36" y="{y + 4:.1f}" text-anchor="end">{_power(power)}</text>'
            for power in range(low, high + 1, math.ceil((high - low) / 6))
            for y in [10 + 150 * (high - power) / (high - low)]
        ]
        for n, gradient in enumerate(gradients):
            x = 40 + 340 * (n + 0.5) / self.depth
            y = 10 + 150 * (high - math.log10(gradient or 10**low)) / (high - low)
            parts += [
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#0072B2"/>'
                if gradient
                else f'<text x="{x:.1f}" y="{y - 4:.1f}" text-anchor="middle">0</text>',
                f'<text x="{x:.1f}" y="178" text-anchor="middle">{n + 1}</text>',
            ]
        parts.append('<text x="210" y="198" text-anchor="middle">RMS gradient at each layer, logarithmic</text>')
        return drawing(400, 208, *parts, label=sentence), sentence


def axis(gradients: list) -> tuple[int, int]:
    """The powers of ten between which the gradients are drawn: always 10⁻³ to 10², more where they need it."""
    powers = [math.log10(g) for g in gradients if g]
    return min([-3, *map(math.floor, powers)]), max([2, *map(math.ceil, powers)])


def _power(exponent):
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _digits(number):
    mantissa, exponent = f"{number:.1e}".split("e")
    return f"{number:.2g}" if -3 <= int(exponent) < 2 else f"{mantissa} × {_power(int(exponent))}"
