"""Wrong answers to the assignment table-and-network; LOSES says which tests each fails, and no others.

With an empty set an answer is right, and unlike the solution.

A function is put in the place of the answer whose name it begins with, in the notebook's own namespace.
"""

import itertools

import keras

from alexnet import architecture

LOSES = {
    "places_always_down": {"places", "table-alexnet", "table-others"},
    "places_forgets_the_first": {"places", "table-alexnet", "table-others"},
    "convolution_without_biases": {"convolution-parameters", "table-alexnet", "table-others"},
    "convolution_forgets_groups": {"convolution-parameters", "convolution-macs", "table-alexnet"},
    "convolution_counts_biases_as_macs": {"convolution-macs", "table-alexnet", "table-others"},
    "table_of_alexnet_only": {"table-others"},
    "sees_in_turns": {"sees"},
    "sees_two_groups_only": {"sees"},
    "disagreements_of_parameters_only": {"disagreements"},
    "build_ignores_groups": {"build-shapes", "build-groups"},
    "build_with_softmax": {"build-logits"},
    "build_with_relu_at_the_end": {"build-logits"},
    "build_forgets_one_relu": {"build-logits"},
    "build_without_relus": {"build-logits"},
    "build_with_average_pools": {"build-logits"},
    "build_pads_by_same": {"build-shapes"},
    "build_with_layers_of_relu": set(),
    "build_with_relu_behind_the_pools": set(),
}


def places_always_down(size, kernel, stride=1, padding=0, rounding="down"):
    """Ignores the rounding: 54 instead of 55 places for 224 pixels."""
    return 1 + (size + 2 * padding - kernel) // stride


def places_forgets_the_first(size, kernel, stride=1, padding=0, rounding="down"):
    """Counts steps, not places."""
    room = size + 2 * padding - kernel
    return room // stride if rounding == "down" else -(-room // stride)


def convolution_without_biases(side, maps_in, filters, kernel, groups=1):
    """34,848 instead of 34,944 for conv1."""
    weights = kernel**2 * (maps_in // groups) * filters
    return weights, side**2 * weights


def convolution_forgets_groups(side, maps_in, filters, kernel, groups=1):
    """The 62.4 million parameters of so many pages."""
    weights = kernel**2 * maps_in * filters
    return weights + filters, side**2 * weights


def convolution_counts_biases_as_macs(side, maps_in, filters, kernel, groups=1):
    """Uses the parameters for the MACs, biases and all."""
    parameters = kernel**2 * (maps_in // groups) * filters + filters
    return parameters, side**2 * parameters


def table_of_alexnet_only(layers, side, maps, rounding="down"):
    """Looks the one answer up that the visible test asks for, whatever the layers are."""
    net = architecture.PRESETS["paper-2012"]
    rows = [row for row in net if row.kind in ("conv", "pool", "fc")]
    return [(row.name, row.output_shape, row.parameters, row.macs) for row in rows]


def sees_in_turns(number, maps_in, filters, groups):
    """Deals the filters out to the groups in turns."""
    share = maps_in // groups
    return range(number % groups * share, (number % groups + 1) * share)


def sees_two_groups_only(number, maps_in, filters, groups):
    """Right for AlexNet, where a layer has two halves."""
    half = maps_in // 2
    return range(half) if number < filters // 2 else range(half, maps_in)


def disagreements_of_parameters_only(rows, preset):
    """Does not compare shapes and MACs."""
    net = architecture.PRESETS[preset]
    return [name for name, _, parameters, _ in rows if parameters != net[name].parameters]


def _built(layers, side, maps, groups=True, padding="valid", last=None, pool="MaxPooling2D", relu=None):
    """relu(layer): "inside" of it, "behind" it as a layer of its own, or None for none."""
    relu = relu or (lambda layer: None if layer["kind"] == "pool" else "inside")
    x = inputs = keras.Input((side, side, maps))
    for layer in layers:
        name, place = layer["name"], relu(layer)
        activation = last if layer is layers[-1] else "relu" if place == "inside" else None
        if layer["kind"] == "conv":
            if padding == "valid":
                x = keras.layers.ZeroPadding2D(layer["padding"])(x)
            x = keras.layers.Conv2D(
                layer["filters"],
                layer["kernel"],
                strides=layer["stride"],
                groups=layer["groups"] if groups else 1,
                padding=padding,
                activation=activation,
                name=name,
            )(x)
        elif layer["kind"] == "pool":
            x = getattr(keras.layers, pool)(layer["kernel"], strides=layer["stride"], name=name)(x)
        else:
            x = keras.layers.Flatten()(x) if len(x.shape) > 2 else x
            x = keras.layers.Dense(layer["units"], activation=activation, name=name)(x)
        if place == "behind" and layer is not layers[-1]:
            x = keras.layers.ReLU()(x)
    return keras.Model(inputs, x)


def build_ignores_groups(layers, side, maps):
    """Builds the single tower of most pages."""
    return _built(layers, side, maps, groups=False)


def build_with_softmax(layers, side, maps):
    """Gives probabilities where logits are asked for."""
    return _built(layers, side, maps, last="softmax")


def build_with_relu_at_the_end(layers, side, maps):
    """Cuts negative scores off."""
    return _built(layers, side, maps, last="relu")


def build_forgets_one_relu(layers, side, maps):
    """Leaves out the ReLU of the first convolution, whose pool hides it from a look at the shapes."""
    return _built(layers, side, maps, relu=lambda layer: None if layer["name"] in ("conv1", "pool1") else "inside")


def build_without_relus(layers, side, maps):
    """One linear map after the other, but for the pools."""
    return _built(layers, side, maps, relu=lambda layer: None)


def build_with_average_pools(layers, side, maps):
    """Takes means, as LeNet did; no shape and no number of parameters tells."""
    return _built(layers, side, maps, pool="AveragePooling2D")


def build_pads_by_same(layers, side, maps):
    """Lets Keras choose the zeros: right for conv2 to conv5, 57 places for conv1."""
    return _built(layers, side, maps, padding="same")


def build_with_layers_of_relu(layers, side, maps):
    """Right: each ReLU is a layer of its own, without the name of the layer below."""
    return _built(layers, side, maps, relu=lambda layer: None if layer["kind"] == "pool" else "behind")


def build_with_relu_behind_the_pools(layers, side, maps):
    """Right: the largest of several numbers, cut off at 0, is the largest of the numbers cut off at 0."""
    pooled = {below["name"] for below, layer in itertools.pairwise(layers) if layer["kind"] == "pool"}
    return _built(layers, side, maps, relu=lambda layer: None if layer["name"] in pooled else "behind")
