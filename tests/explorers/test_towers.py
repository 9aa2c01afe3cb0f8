"""ArchitectureExplorer: its value is the package's table, and the page shows it after every touch of a control."""

import json
from xml.etree import ElementTree

import pytest
from traitlets import TraitError

from alexnet.architecture import PRESETS, compare
from alexnet.explorers.towers import ArchitectureExplorer


def fact(tab, term):
    return tab.locator("table.towers-facts tr").filter(has=tab.get_by_text(term, exact=True)).locator("td").inner_text()


def agrees(tab, explorer):
    """The panel, the sentence and the bars say what Python works out for the same state."""
    value, total = explorer.value, explorer.value["totals"]
    assert tab.locator("table.towers-facts caption").inner_text().startswith(f"{value['name']},")
    assert fact(tab, "parameters").split(" = ")[0] == f"{value['parameters']:,}"
    assert fact(tab, "MACs").split(" = ")[0] == f"{value['macs']:,}"
    stored = value["activation_bytes"]
    assert f"({stored:,} bytes)" in fact(tab, "activations") if stored else "none" in fact(tab, "activations")
    field = value["receptive_field"]
    assert fact(tab, "receptive field") == (f"{field}×{field} pixels" if field else "the whole image")
    if value["jump"]:
        assert fact(tab, "jump").split()[0] == str(value["jump"])
    assert ("across both GPUs" in tab.locator(".result").inner_text()) == value["crosses_gpus"]
    assert fact(tab, "output shape").split()[0].replace(",", "") == "×".join(map(str, value["output_shape"]))
    assert f"{total['activation_bytes'] / 1e6:.1f} MB" in tab.locator("[data-quantity=activations]").inner_text()
    for what in ("parameters", "macs"):
        share = 100 * value[what] / total[what]
        said = tab.locator(f"[data-quantity={what}]").inner_text()
        assert f"{total[what]:,}" in said and f"{value['name']} {share:.1f} %" in said
    assert tab.locator("button.towers-layer[aria-pressed=true] span").inner_text() == value["name"]


def layer(tab, name):
    return tab.locator("button.towers-layer").filter(has=tab.locator("span", has_text=name))


def chooser(tab, label):
    return tab.locator("label.control", has_text=label).locator("select")


def test_the_numbers_that_every_reader_meets():
    value = ArchitectureExplorer(layer="conv3").value
    assert value["totals"] == {"parameters": 60_965_224, "macs": 724_406_816, "activation_bytes": 644_485_120}
    assert value["crosses_gpus"] and (value["receptive_field"], value["jump"]) == (99, 16)
    assert value["parameters"] == 384 * (3 * 3 * 256) + 384


def test_every_row_of_every_preset_is_in_the_table():
    explorer = ArchitectureExplorer()
    assert explorer.presets == list(PRESETS)
    assert len(json.dumps(explorer.table)) < 40_000
    for name, net in PRESETS.items():
        explorer.preset = name
        assert explorer.table[name]["parameters"] == net.parameters
        for row, kept in zip(net, explorer.table[name]["layers"], strict=True):
            explorer.layer = row.name
            value = explorer.value
            assert {"name", "output_shape", "parameters", "macs"} <= kept.keys()
            assert all(value[key] == kept.get(key) for key in value.keys() & kept.keys())
            assert value["crosses_gpus"] == kept["crosses"]
            assert value["activation_bytes"] == row.activation_bytes(128)


def test_which_layers_cross():
    rows = ArchitectureExplorer().table["paper-2012"]["layers"]
    assert [row["name"] for row in rows if row["crosses"]] == ["conv3", "fc6", "fc7", "fc8"]


def test_architectures_of_the_readers_own(tiny):
    explorer = ArchitectureExplorer(tiny, "lenet-5")
    assert (explorer.presets, explorer.preset, explorer.other) == (["tiny", "lenet-5"], "tiny", "lenet-5")
    assert explorer.value["differences"] == list(compare(tiny, "lenet-5").differences)
    ten = ArchitectureExplorer("paper-2012", PRESETS["paper-2012"].replace(classes=10))
    assert ten.presets == ["paper-2012", "paper-2012 (2)"]
    assert ten.value["differences"] == ["fc8"]
    assert ArchitectureExplorer(tiny).other == ""
    with pytest.raises(ValueError, match="there are paper-2012"):
        ArchitectureExplorer("vgg")


def test_a_layer_that_is_missing_gives_way():
    explorer = ArchitectureExplorer(layer="lrn1")
    explorer.preset = "torchvision"
    assert explorer.layer == "conv1"


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ({"preset": "vgg"}, "there are paper-2012"),
        ({"preset": ""}, "there are paper-2012"),
        ({"other": "vgg"}, "there are paper-2012"),
        ({"layer": "conv9"}, "it has input, conv1"),
        ({"preset": "torchvision", "layer": "lrn1"}, "torchvision has no layer"),
        ({"batch": 0}, "batch"),
        ({"batch": 257}, "batch"),
        ({"table": {}}, "read-only"),
    ],
)
def test_a_wrong_state_is_refused(state, says):
    with pytest.raises(TraitError, match=says):
        ArchitectureExplorer(**state)


def test_fallback_and_repr(tiny):
    explorer = ArchitectureExplorer()
    picture, sentence = explorer.fallback()
    ElementTree.fromstring(picture)
    assert "60,965,224 parameters and 724,406,816 MACs" in sentence and "3.8% of the parameters" in sentence
    assert picture.count("stroke-dasharray") == 6  # conv3, fc6 and fc7 read from the other tower, both ways
    assert "stroke-dasharray" not in ArchitectureExplorer(preset="single-tower").fallback()[0]
    ElementTree.fromstring(ArchitectureExplorer(tiny).fallback()[0])
    assert "table" not in repr(explorer) and "paper-2012" in repr(explorer)


def test_mouse_chooses_each_layer(opened):
    explorer = ArchitectureExplorer()
    with opened(explorer) as tab:
        for row in PRESETS["paper-2012"]:
            explorer.layer = row.name
            layer(tab, row.name).click()
            agrees(tab, explorer)
        assert "96.2 %" in tab.locator("[data-quantity=parameters]").inner_text()
        assert "91.9 %" in tab.locator("[data-quantity=macs]").inner_text()


def test_buttons_stand_over_their_boxes(opened):
    with opened(ArchitectureExplorer()) as tab:
        buttons = [button.bounding_box() for button in tab.locator("button.towers-layer").all()]
        boxes = [box.bounding_box() for box in tab.locator(".towers-scene .box").all()]
        assert len(buttons) == 16 and len(boxes) == 30  # one image, one output, 14 layers in two towers
        for n, button in enumerate(buttons):
            towers = boxes[:1] if n == 0 else boxes[-1:] if n == 15 else boxes[2 * n - 1 : 2 * n + 1]
            for box in towers:
                middle = box["x"] + box["width"] / 2
                assert button["x"] < middle < button["x"] + button["width"]
            assert min(button["width"], button["height"]) >= 24


def test_keyboard_chooses_a_layer_and_the_batch(opened):
    explorer = ArchitectureExplorer()
    with opened(explorer) as tab:
        before = tab.locator(".towers-field").inner_html()
        layer(tab, "conv1").focus()
        for _ in range(3):
            tab.keyboard.press("Tab")
        tab.keyboard.press("Enter")
        tab.get_by_label("batch size").focus()
        tab.keyboard.press("Home")
        tab.keyboard.press("ArrowRight")
        explorer.layer, explorer.batch = "conv2", 2
        agrees(tab, explorer)
        assert tab.locator(".towers-field").inner_html() != before
        assert fact(tab, "parameters") == "307,456 = 256 × (5·5·48) + 256"
        assert fact(tab, "a unit reads") == "48 maps of 96, those of its own GPU"


def test_the_comparison_is_that_of_the_package(opened):
    explorer = ArchitectureExplorer(layer="conv3")
    with opened(explorer) as tab:
        for left, right in (("paper-2012", "torchvision"), ("code-2012", "paper-2012"), ("cifar10", "lenet-5")):
            chooser(tab, "architecture").select_option(left)
            chooser(tab, "compare with").select_option(right)
            explorer.preset, explorer.other = left, right
            different = compare(left, right)
            lines = tab.locator("table.towers-differences tbody tr").all()
            assert [line.locator("th").inner_text() for line in lines[:-1]] == explorer.value["differences"]
            absent = {name for name, what in different.differences.items() if "present" in what}
            expected = {pair[0][2:]: pair[1:] for pair in different._pairs() if pair[0].startswith("≠")}
            for line in lines[:-1]:
                name, cells = line.locator("th").inner_text(), line.locator("td").all_inner_texts()
                if name not in absent:
                    wanted = [cell.replace("_", " ") for cell in expected[name]]
                    assert [cell.replace("\u00a0", " ") for cell in cells] == wanted
                else:
                    assert cells[0] == expected[name][0]
            assert lines[-1].locator("td").all_inner_texts() == list(different._total()[1:])


def test_touch_on_a_phone_in_the_dark(opened):
    explorer = ArchitectureExplorer("paper-2012", "torchvision")
    with opened(explorer, width=360, theme="dark", touch=True) as tab:
        before = tab.locator(".towers-scene").screenshot()
        layer(tab, "fc6").tap()
        explorer.layer = "fc6"
        agrees(tab, explorer)
        assert tab.locator(".towers-scene").screenshot() != before
        chooser(tab, "architecture").select_option("torchvision")
        explorer.preset = "torchvision"
        agrees(tab, explorer)
        assert tab.locator(".towers-scene .across").count() == 0
        assert tab.evaluate("document.documentElement.scrollWidth") <= 360


def test_touch_where_the_layer_is_missing(opened):
    explorer = ArchitectureExplorer(layer="lrn1")
    with opened(explorer, width=390, touch=True) as tab:
        chooser(tab, "architecture").select_option("lenet-5")
        explorer.preset = "lenet-5"
        assert explorer.layer == "conv1"
        assert tab.locator("table.towers-facts caption").inner_text() == "conv1, convolution"
        assert fact(tab, "parameters") == "156 = 6 × (5·5·1) + 6"
