"""The table against numbers that were counted elsewhere (the paper, the released code, torchvision's documentation)."""

import dataclasses
import json
import subprocess
import sys

import pytest

from alexnet import architecture
from alexnet.architecture import (
    LRN,
    PRESETS,
    Architecture,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Pool,
    SpatialNorm,
    output_size,
)

GOLDEN = {
    "paper-2012": (60_965_224, 724_406_816),
    "code-2012": (60_965_224, 724_406_816),
    "one-gpu": (59_798_312, 391_514_384),
    "single-tower": (62_378_344, 1_135_256_096),
    "torchvision": (61_100_840, 714_188_480),
    "lenet-5": (61_706, 416_520),
    "cifar10-tower": (1_192_394, 76_439_424),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_parameters_and_macs(name):
    assert (PRESETS[name].parameters, PRESETS[name].macs) == GOLDEN[name]


def test_cifar10_parameters():
    assert PRESETS["cifar10"].parameters == 29_585_290


def test_every_preset_is_golden():
    assert set(PRESETS) == {*GOLDEN, "cifar10"}


def test_layers_of_the_paper():
    net = PRESETS["paper-2012"]
    table = {
        row.name: (row.parameters, row.macs, row.receptive_field, row.jump) for row in net if row.kind != "dropout"
    }
    assert table == {
        "input": (0, 0, 1, 1),
        "conv1": (34_944, 105_415_200, 11, 4),
        "lrn1": (0, 0, 11, 4),
        "pool1": (0, 0, 19, 8),
        "conv2": (307_456, 223_948_800, 51, 8),
        "lrn2": (0, 0, 51, 8),
        "pool2": (0, 0, 67, 16),
        "conv3": (885_120, 149_520_384, 99, 16),
        "conv4": (663_936, 112_140_288, 131, 16),
        "conv5": (442_624, 74_760_192, 163, 16),
        "pool5": (0, 0, 195, 32),
        "fc6": (37_752_832, 37_748_736, None, None),
        "fc7": (16_781_312, 16_777_216, None, None),
        "fc8": (4_097_000, 4_096_000, None, None),
    }
    assert net.neurons == 659_272
    assert [net[name].inputs_per_unit for name in ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6")] == [
        3,
        48,
        256,
        192,
        192,
        9216,
    ]
    assert net["conv2"].inputs == ((0, 48), (48, 96))
    assert [row.name for row in net if net.crosses(row.name)] == ["conv3", "fc6", "fc7", "fc8"]


def test_memory_at_batch_128():
    net = PRESETS["paper-2012"]
    megabytes = {
        row.name: round(row.activation_bytes(128) / 1e6, 1) for row in net if row.kind in ("conv", "lrn", "pool", "fc")
    }
    assert list(megabytes.values()) == [148.7, 148.7, 35.8, 95.6, 95.6, 22.2, 33.2, 33.2, 22.2, 4.7, 2.1, 2.1, 0.5]
    assert round(net.activation_bytes(128) / 1e6, 1) == 644.5
    assert net.activation_bytes(128, "bfloat16") * 2 == net.activation_bytes(128, "float32")
    with pytest.raises(ValueError, match="int4"):
        net.activation_bytes(1, "int4")


def test_224_is_fed_and_acts_like_227():
    assert output_size(224, 11, 4, rounding="down") == 54
    assert [output_size(n, 11, 4, rounding="up") for n in (223, 224, 227, 228)] == [54, 55, 55, 56]
    assert PRESETS["paper-2012"]["conv1"].padding == ((0, 3), (0, 3))
    assert PRESETS["paper-2012"].replace(input_shape=(227, 227, 3))["conv1"].padding == ((0, 0), (0, 0))


def test_224_rounded_down_is_another_network():
    careless = Architecture("careless", "", (224, 224, 3), PRESETS["paper-2012"].specs, rounding="down")
    assert (careless.parameters, careless.macs) == (49_430_888, 643_026_048)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([Conv("conv1", 8, 11, stride=4)], "layer conv1: a stride of 4 does not fit"),
        ([Conv("conv1", 8, 33)], "layer conv1: a window of 33 is larger than its map of 32"),
        ([Conv("conv1", 8, 3, groups=2)], "layer conv1: 2 groups do not divide 3 input maps"),
        ([Conv("conv1", 8, 3, padding=3)], "layer conv1: padding 3 is as large as its window"),
        (
            [Conv("conv1", 9, 1), Conv("conv2", 8, 3, groups=3)],
            "layer conv2: 3 groups do not divide 9 input maps and 8 filters",
        ),
        ([Conv("conv1", 8, 1), LRN("lrn1", groups=3)], "layer lrn1: 3 groups do not divide 8"),
        ([LRN("lrn1", size=4)], "layer lrn1: a neighbourhood of 4 has no middle"),
        ([SpatialNorm("cnorm1", size=33)], "layer cnorm1: size is odd and not larger"),
        ([Pool("pool1", 40, 2)], "layer pool1: a window of 40 is larger"),
        ([Pool("pool1", 2, 2, mode="median")], "layer pool1: mode is 'max' or 'average'"),
        ([Dense("fc1", 4), Conv("conv2", 8, 3)], "layer conv2: a conv layer needs maps, but fc1 gives 4 units"),
        ([Dropout("drop1", 1.0)], "layer drop1: rate is at least 0 and less than 1"),
        ([Conv("conv1", 8, 0)], "layer conv1: size, kernel and stride are at least 1"),
        ([Conv("conv1", 8, 1), Conv("conv1", 8, 1)], "layer conv1: each name is used once"),
    ],
)
def test_bad_layers_are_named_with_their_rule(layers, message):
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        Architecture("bad", "", (32, 32, 3), layers)


def test_bad_input_and_names():
    with pytest.raises(ValueError, match="shape is"):
        Architecture("bad", "", (32, 32), [])
    with pytest.raises(ValueError, match="no preset is called 'alexnet'; there are paper-2012"):
        architecture.get("alexnet")
    with pytest.raises(KeyError, match="has no layer 'fc9'"):
        PRESETS["paper-2012"]["fc9"]
    with pytest.raises(ValueError, match="rounding"):
        output_size(5, 3, 1, rounding="sideways")


def test_compare_names_what_differs():
    differences = architecture.compare("paper-2012", "code-2012").differences
    assert differences["lrn1"] == {"alpha_over_n": (False, True)}
    assert differences["cnorm2"] == {"present": (False, True)}
    assert differences["conv3"]["weights"] == (0.01, 0.03)
    assert "fc6" not in differences
    assert architecture.compare("paper-2012", "paper-2012").differences == {}
    assert {"conv2", "conv4", "conv5"} <= set(architecture.compare("paper-2012", "single-tower").differences)


def test_tables_read_well():
    text, page = str(PRESETS["paper-2012"]), PRESETS["paper-2012"]._repr_html_()
    for number in ("60,965,224", "724,406,816", "37,752,832", "55×55×96"):
        assert number in text and number in page
    assert "48 (own)" in text and "256 (both)" in text
    comparison = architecture.compare("paper-2012", "torchvision")
    assert "≠ conv1" in str(comparison) and "61,100,840" in comparison._repr_html_()
    assert '<th scope="col">' in page and "<caption>" in page


def test_json_holds_the_table():
    table = json.loads(json.dumps(PRESETS["paper-2012"].to_dict()))
    conv2 = next(row for row in table["layers"] if row["name"] == "conv2")
    assert conv2["inputs"] == [[0, 48], [48, 96]] and conv2["macs"] == 223_948_800 and not conv2["crosses"]
    assert table["neurons"] == 659_272


def test_import_is_instant_and_pure():
    code = (
        "import sys, alexnet, alexnet.architecture;"
        "heavy = {'keras', 'numpy', 'tensorflow', 'matplotlib'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_batch_normalisation_and_no_biases():
    plain, normal = (
        Architecture("x", "", (8, 8, 3), [Conv("conv1", 4, 3, padding=1, bias=bias), *rest, Dense("fc2", 10, None)])
        for bias, rest in ((0.0, []), (None, [BatchNorm("bn1")]))
    )
    assert plain["conv1"].parameters == 3 * 3 * 3 * 4 + 4 and normal["conv1"].parameters == 3 * 3 * 3 * 4
    assert normal["bn1"].parameters == 2 * 4 and normal["bn1"].macs == 0
    assert normal["bn1"].output_shape == normal["conv1"].output_shape and normal["bn1"].place == normal["conv1"].place


def test_operations_of_a_training_step():
    """Counted the long way: forward, then both gradients of every layer, the first one's input apart."""
    net = PRESETS["cifar10"]
    weighted = [row for row in net if row.macs]
    assert net.training_operations == sum(2 * row.macs * (2 if row is weighted[0] else 3) for row in weighted)


def test_whitening_is_not_trained_nor_is_anything_before_it():
    white = Conv("whitening", 24, 2, weights="whitening", bias=None)
    net = Architecture("x", "", (8, 8, 3), [white, Conv("conv1", 4, 3), Dense("fc2", 10, None)])
    fixed, conv1, fc2 = net["whitening"], net["conv1"], net["fc2"]
    assert (
        fixed.fixed and not conv1.fixed and (fixed.parameters, fixed.macs) == (2 * 2 * 3 * 24, 7 * 7 * 2 * 2 * 3 * 24)
    )
    assert net.training_operations == 2 * fixed.macs + 4 * conv1.macs + 6 * fc2.macs
    for change in ({"stride": 2}, {"padding": 1}, {"bias": 0.0}, {"groups": 3}):
        with pytest.raises(ValueError, match="whitening"):
            Architecture("x", "", (8, 8, 3), [dataclasses.replace(white, **change), Dense("fc2", 10, None)])
