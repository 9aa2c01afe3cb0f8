"""Compressing the trained network: the record is of the script's choices, complete, and adds up; spoilt ones fail."""

import base64
import copy
import json

import numpy as np
import pytest

from alexnet import architecture, compression, data, model, training
from conftest import experiment


@pytest.fixture
def script():
    return experiment("compress")


@pytest.fixture
def record():
    return training.record("compression")


def steps_of(script):
    """{name: (bits, pruned?)} of every step that the script makes, in its order."""
    only = {f"shared only, {width} bits": (width, False) for width in script.WIDTHS}
    pruned = dict.fromkeys(("pruned at once", "pruned and trained"), (None, True))
    shared = {f"shared, {width} bits": (width, True) for width in script.WIDTHS}
    tuned = {f"shared and trained, {width} bits": (width, True) for width in script.TUNED}
    return {"as shipped": (None, False)} | only | pruned | shared | tuned


def kinds_of(step, script):
    """[(Huffman codes?, width of the gaps)] of the files of a step."""
    widths = script.INDEX_BITS if step["pruned"] else (0,)
    return [(huffman, width) for huffman in ((False, True) if step["bits"] else (False,)) for width in widths]


def answers(step, count):
    return np.unpackbits(np.frombuffer(base64.b64decode(step["answers"]), "uint8"))[:count].astype(bool)


def problems(record, script):
    """A sentence for everything in the record that is not as the script and the chapter say."""
    found = []
    if record["settings"] != script.chosen_settings():
        found.append("the record is of other settings, or of other weights")
    rows = [row for row in architecture.get(script.NETWORK) if row.kind in ("conv", "fc")]
    sensitivity = record["sensitivity"]
    tried = {(row["layer"], row["share"]) for row in sensitivity["rows"]}
    if tried != {(row.name, share) for row in rows for share in script.SHARES}:
        found.append("not every layer was pruned alone to every share")
    if sensitivity["chosen"] != script.chosen(sensitivity["rows"], sensitivity["untouched"]):
        found.append("the shares are not those that the sensitivity of the layers chooses")
    if [(s["step"], (s["bits"], s["pruned"])) for s in record["steps"]] != [*steps_of(script).items()]:
        found.append("the steps are not those of the script")
    sizes = {row.name: row.parameters - row.output_shape[-1] for row in rows}
    zero = sum(share * sizes[name] for name, share in sensitivity["chosen"].items()) / sum(sizes.values())
    for step in record["steps"]:
        name = step["step"]
        if abs(step["zero"] - (zero if step["pruned"] else 0)) > 0.002:
            found.append(f"{name}: not so many weights are zero as were pruned")
        if [(file["huffman"], file["index_bits"]) for file in step["files"]] != kinds_of(step, script):
            found.append(f"{name}: not the files that the chapter compares")
        for file in step["files"]:
            if sum(file["parts"].values()) != file["bytes"]:
                found.append(f"{name}: the parts are not the whole")
            others = [other for other in step["files"] if other["index_bits"] == file["index_bits"]]
            if any(file["huffman"] > other["huffman"] and file["bytes"] >= other["bytes"] for other in others):
                found.append(f"{name}: Huffman codes are not shorter")
            if step["bits"] and file["parts"]["codebooks"] > 2 * 2 ** step["bits"] * len(sizes):
                found.append(f"{name}: more values than its bits can name")
        pictures = [note["pictures"] for note in step["trained"] or []]
        due = [*script.ROUNDS] if step["pruned"] and name != "pruned at once" else []
        if pictures != due + [script.TUNING] * name.startswith("shared and trained"):
            found.append(f"{name}: not trained as long as the script says")
        if not record["test"] / 10 <= step["right"] <= record["test"]:
            found.append(f"{name}: worse than guessing")
        if answers(step, record["test"]).sum() != step["right"]:
            found.append(f"{name}: not so many answers are right as it says")
    # Sums in another order may turn a few pictures.
    shipped = model.about(script.NETWORK)["test_accuracy"] * record["test"]
    if abs(record["steps"][0]["right"] - shipped) > 10:
        found.append("the network as shipped is not as good as its own file says")
    if record["test"] != 10_000 or not record["dataset"].startswith("CIFAR-10"):
        found.append("not measured on all test pictures of CIFAR-10")
    return found


def test_the_record_is_what_the_chapter_says(record, script):
    assert problems(record, script) == []


def a_step_less(record):
    record["steps"].pop()


def a_layer_less(record):
    record["sensitivity"]["rows"] = [row for row in record["sensitivity"]["rows"] if row["layer"] != "fc7"]


def another_share(record):
    record["sensitivity"]["chosen"]["conv3"] = 0.99


def a_smaller_file(record):
    record["steps"][1]["files"][0]["bytes"] -= 1


def free_codes(record):
    file = next(file for step in record["steps"] for file in step["files"] if file["huffman"])
    file["bytes"] -= file["parts"]["code lengths"]


def an_untrained_network(record):
    next(step for step in record["steps"] if step["step"] == "pruned and trained")["trained"] = None


def other_weights(record):
    record["settings"]["weights_sha256"] = "0" * 64


def a_better_network(record):
    better = np.packbits(np.arange(record["test"]) < 9000)
    record["steps"][0] |= {"right": 9000, "answers": base64.b64encode(better).decode()}


def other_answers(record):
    step = record["steps"][1]
    step["answers"] = base64.b64encode(np.packbits(~answers(step, record["test"]))).decode()


def a_file_less(record):
    record["steps"][-1]["files"].pop(1)


def fewer_pictures(record):
    record["test"] = 2000


SPOILS = [
    a_step_less,
    a_layer_less,
    another_share,
    a_smaller_file,
    free_codes,
    an_untrained_network,
    other_weights,
    a_better_network,
    other_answers,
    a_file_less,
    fewer_pictures,
]


@pytest.mark.parametrize("spoil", SPOILS)
def test_a_spoilt_record_is_found(record, script, spoil):
    spoilt = copy.deepcopy(record)
    spoil(spoilt)
    assert problems(spoilt, script)


def test_the_files_before_training_can_be_made_again(record, script):
    """Their bytes follow from the shipped weights alone."""
    by_name = {step["step"]: step for step in record["steps"]}
    network = model.pretrained(script.NETWORK)
    assert len(compression.encode(compression.weights(network))) == by_name["as shipped"]["files"][0]["bytes"]
    width = script.WIDTHS[0]
    step = by_name[f"shared only, {width} bits"]
    network = script.shared(compression.weights(network), width)
    for file in step["files"]:
        content = compression.encode(compression.weights(network), huffman=file["huffman"])
        # Another processor may round a centroid differently.
        assert len(content) == pytest.approx(file["bytes"], rel=1e-3)
    network = model.pretrained(script.NETWORK)
    compression.prune(network, record["sensitivity"]["chosen"])
    for file in by_name["pruned at once"]["files"]:
        content = compression.encode(compression.weights(network), file["index_bits"], huffman=False)
        assert len(content) == file["bytes"]


def test_layers_are_pruned_one_at_a_time(script, tiny, monkeypatch):
    monkeypatch.setattr(script, "SHARES", (0.5, 0.9))
    network = model.build(tiny, seed=0, precision="float32")
    patches = data.patches10(100, 100)
    rows, untouched = script.sensitivity(network, patches.x_test, patches.y_test)
    assert [(row["layer"], row["share"]) for row in rows] == [
        (name, share) for name in ("conv1", "conv2", "fc3", "fc4") for share in (0.5, 0.9)
    ]
    assert untouched == script.right(network, patches.x_test, patches.y_test).sum(), "the network is as it was"
    compression.prune(network, {"conv2": 0.9})
    # Sums in another order may turn a picture.
    assert abs(rows[3]["right"] - script.right(network, patches.x_test, patches.y_test).sum()) <= 1


def test_shares_are_chosen_by_what_they_cost(script):
    allowed = script.ALLOWED
    costs = {"conv1": (allowed + 1, allowed + 9), "fc6": (-3, 2), "fc7": (0, allowed), "fc8": (allowed, allowed + 1)}
    rows = [
        {"layer": layer, "share": share, "right": 887 - cost}
        for layer, both in costs.items()
        for share, cost in zip((0.5, 0.9), both, strict=True)
    ]
    assert script.chosen(rows, 887) == {"conv1": 0.0, "fc6": 0.9, "fc7": 0.9, "fc8": 0.5}
    assert str(allowed) in script.RULE and str(script.JUDGES) in script.RULE
    assert script.halfway({"fc6": 0.91, "conv1": 0.0}) == {"fc6": 0.7, "conv1": 0.0}


def test_what_was_trained_is_not_trained_again(script, tiny, monkeypatch, tmp_path):
    monkeypatch.setattr(script, "TRAINED", tmp_path / "kept")
    patches = data.patches10(200, 100)
    network = model.build(tiny, seed=0, precision="float32")
    compression.prune(network, {"fc3": 0.5})
    calls = []

    def make():
        calls.append(1)
        return script.trained(network, 130, 3, patches)

    note = script.kept_for_later("one", network, make)
    assert note["pictures"] == 130 and note["seed"] == 3 and np.isfinite(note["loss"])
    trained = compression.weights(network)
    assert (trained["fc3"][0] == 0).mean() == pytest.approx(0.5, abs=0.001), "the mask is held"
    compression.load(network, {"fc3": [np.zeros_like(part) for part in trained["fc3"]]})
    assert script.kept_for_later("one", network, make) == note and len(calls) == 1
    np.testing.assert_array_equal(compression.weights(network)["fc3"][0], trained["fc3"][0])
    assert json.loads(json.dumps(note)) == note
