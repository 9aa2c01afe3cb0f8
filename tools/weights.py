"""Turns the last pass of experiments/cifar10_tower.py into what the book ships: `make weights`.

Writes assets/weights/cifar10-tower.tflite (float16; the activations of all layers and the class probabilities are its
outputs, and it runs in the browser) and cifar10-tower.json: what the outputs are in turn, where each layer's weights
lie in that file, and how well they do; and assets/records/cifar10-tower-strongest.json: the pictures and places that
excite every map most, of CIFAR-10's test set and of patches10's; and the recording that ReplayExplorer shows. Needs
TensorFlow and CIFAR-10.
"""

import dataclasses
import json
import os
import re
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from alexnet import architecture, data, model, probing, training  # noqa: E402
from alexnet.explorers.pictures import first_of_each_class  # noqa: E402
from alexnet.explorers.replay import ASSETS, Recording, recorded  # noqa: E402

NAME = "cifar10-tower"
PASSES = ROOT / "_build" / NAME
WEIGHTS = ROOT / "assets" / "weights"
STRONGEST_RECORD = ROOT / "assets" / "records" / f"{NAME}-strongest.json"
STRONGEST = 5
PROBABILITIES = "probabilities"


def trained(dataset, passes):
    """The network behind so many passes of the experiment (0: untrained), in float32."""
    record = training.record(NAME)
    made = model.build(
        NAME,
        preprocessing=data.normalization(dataset.x_train),
        initializer=record["recipe"]["initializer"],
        seed=record["recipe"]["seed"],
        precision="float32",
    )
    if passes:
        made.load_weights(PASSES / f"pass-{passes}.weights.h5")
    return made


def observed():
    """The names of the layers whose activations are outputs of the file: all of the table that do something in use."""
    rows = architecture.get(NAME).layers
    return [row.name for row in rows if row.kind not in ("input", "dropout")]


def converted(network):
    """The bytes of the .tflite file: from (1, height, width, 3) pixels to all activations and the probabilities."""
    activations = [network.get_layer(name).output for name in observed()]
    whole = keras.Model(network.inputs, [*activations, keras.layers.Softmax(name=PROBABILITIES)(network.output)])
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "network.tflite"
        whole.export(
            target,
            format="litert",
            verbose=False,
            input_signature=[tf.TensorSpec((1, *network.input_shape[1:]), tf.float32)],
            optimizations=[tf.lite.Optimize.DEFAULT],
            target_spec={"supported_types": [tf.float16]},
        )
        return target.read_bytes()


def places(network, content):
    """Where the weights of each layer lie in the file: {layer: {"kernel": {"offset", "shape"}, "bias": ...}}."""
    found = {}
    for layer in network.layers:
        if not layer.trainable_weights:
            continue
        kernel, bias = (np.asarray(weights, "float16") for weights in layer.get_weights())
        parts = {"kernel": np.ascontiguousarray(np.moveaxis(kernel, -1, 0)), "bias": bias}
        found[layer.name] = {}
        for part, values in parts.items():
            at = [match.start() for match in re.finditer(re.escape(values.tobytes()), content)]
            if len(at) != 1:
                raise RuntimeError(f"the {part} of {layer.name} is in the file {len(at)} times, not once")
            found[layer.name][part] = {"offset": at[0], "shape": list(values.shape)}
    return found


def fields(network):
    """The shape of every convolution's maps and the pixels that they see: rows, columns, size, jump, start."""
    seen = probing.receptive_fields(network)
    found = {}
    for name in probing.convolutions(network):
        _, rows, columns, _ = network.get_layer(name).output.shape
        found[name] = {"rows": rows, "columns": columns, **dataclasses.asdict(seen[name])}
    return found


def excited(network, pictures):
    """For every convolution, map and rank: the number of the picture, row and column, and how much it excites."""
    found = {}
    for name in probing.convolutions(network):
        where, how_much = probing.strongest(network, pictures, name, STRONGEST)
        found[name] = {"where": where.tolist(), "value": np.round(how_much.astype(float), 3).tolist()}
    return found


def replayed(dataset):
    """The `Recording` of the run from epoch 0 on, with the first test picture of each class."""
    indices = first_of_each_class(dataset)
    title = f"{NAME} on {dataset.provenance.split(':')[0]}"
    kept = Recording(dataset.x_test[indices], dataset.y_test[indices], dataset.class_names, title, indices)
    history = training.record(NAME)["history"]
    paths = [PASSES / f"pass-{row['epoch']}.weights.h5" for row in history]
    return recorded(kept, trained(dataset, 0), history, paths)


def main():
    dataset = data.cifar10()
    record = training.record(NAME)
    network = trained(dataset, len(record["history"]))
    content = converted(network)
    normalize = network.get_layer("normalize")
    about = {
        "preset": NAME,
        "class_names": list(dataset.class_names),
        "mean": np.asarray(normalize.mean).ravel().astype(float).tolist(),
        "variance": np.asarray(normalize.variance).ravel().astype(float).tolist(),
        "input": list(network.input_shape[1:]),
        "outputs": [*observed(), PROBABILITIES],
        "layers": places(network, content),
        "fields": fields(network),
        "dataset": dataset.provenance,
    }
    WEIGHTS.mkdir(exist_ok=True)
    (WEIGHTS / f"{NAME}.tflite").write_bytes(content)
    path = WEIGHTS / f"{NAME}.json"
    path.write_text(json.dumps(about, indent=1) + "\n")
    # What is shipped, not what was trained: the weights are rounded to float16.
    shipped = model.pretrained(NAME)
    right = training.predict(shipped, dataset.x_test).argmax(1) == dataset.y_test
    about |= {"test_accuracy": float(right.mean()), "environment": training.environment(), "date": training.now()}
    path.write_text(json.dumps(about, indent=1) + "\n")
    strongest = {
        "question": "for every map, its strongest places, each in another picture: picture, row, column; value",
        "network": NAME,
        "cifar10": {"dataset": dataset.provenance, "layers": excited(shipped, dataset.x_test)},
    }
    patches = data.patches10()
    strongest["patches10"] = {"dataset": patches.provenance, "layers": excited(shipped, patches.x_test)}
    strongest["date"] = training.now()
    STRONGEST_RECORD.write_text(json.dumps(strongest) + "\n")
    # Without its pictures, as nothing of CIFAR-10 is committed.
    (ASSETS / f"replay-{NAME}.json").write_text(replayed(dataset).to_json(pictures=False))
    print(f"{NAME}: {len(content):,} bytes, test accuracy {about['test_accuracy']:.2%}")


if __name__ == "__main__":
    main()
