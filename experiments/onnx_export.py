"""Does Keras's export to ONNX give the same network? The trained tower with and without the normalisation of pixels in
it, and a small network whose maps are in groups.

Needs onnx, tf2onnx and onnxruntime, which neither the book nor Colab installs, so that the chapter on using a trained
network reads what was found. For each network, assets/records/onnx-export.json has whether the export refuses a network
that was never called, how large the file is, which inputs it asks for, whether ONNX Runtime opens it and runs it on
pictures alone, and the largest difference of its logits from Keras's, beside their range.

    pip install onnx tf2onnx onnxruntime; python experiments/onnx_export.py
"""

import json
import os
import tempfile
from importlib import metadata
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import onnxruntime

from alexnet import data, model, training

RECORD = Path(__file__).resolve().parents[1] / "assets" / "records" / "onnx-export.json"
PACKAGES = ("keras", "tensorflow", "onnx", "tf2onnx", "onnxruntime")
PICTURES = 20


def grouped():
    """A network as small as it can be, with two groups of maps, as on AlexNet's two GPUs."""
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((32, 32, 3)),
        keras.layers.Conv2D(8, 5, activation="relu"),
        keras.layers.Conv2D(8, 3, groups=2, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(10),
    ]
    return keras.Sequential(layers)


def bare():
    """The trained tower behind its first layer: it takes pictures that are normalised already."""
    trained, made = model.pretrained("cifar10-tower"), model.build("cifar10-tower", weight_decay=0.0)
    for layer in made.layers:
        if layer.get_weights():
            layer.set_weights(trained.get_layer(layer.name).get_weights())
    return made


NETWORKS = {
    "cifar10-tower": lambda: model.pretrained("cifar10-tower"),
    "cifar10-tower, without normalize": bare,
    "two groups": grouped,
}


def said(error):
    """The kind of an error and the first line of what it says."""
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]


def tried(make, pictures):
    """What becomes of the export of a network: see the top of this file; what did not happen is None."""
    found = dict.fromkeys(("refused_before_a_call", "written", "bytes", "inputs", "runs", "difference", "error"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        try:
            make().export(path, format="onnx", verbose=False)
            found["refused_before_a_call"] = False
        except Exception as error:
            found["refused_before_a_call"] = said(error)
        path.unlink(missing_ok=True)
        network = make()
        logits = network.predict(pictures, verbose=0)
        found["range"] = round(float(np.ptp(logits)), 3)
        try:
            network.export(path, format="onnx", verbose=False)
            found |= {"written": path.exists(), "bytes": path.stat().st_size}
            session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
            found["inputs"] = [given.name for given in session.get_inputs()]
            answers = session.run(None, {session.get_inputs()[0].name: pictures})[0]
            found |= {"runs": True, "difference": float(np.abs(answers - logits).max())}
        except Exception as error:
            found |= {"runs": False, "error": said(error)}
    return found


def main():
    pictures = data.patches10(2500, 1000).x_test[:PICTURES].astype("float32")
    normalised = keras.ops.convert_to_numpy(model.pretrained("cifar10-tower").get_layer("normalize")(pictures))
    record = {
        "question": "does model.export(format='onnx') write a file that gives the same logits in ONNX Runtime",
        "pictures": PICTURES,
        "networks": {name: tried(make, normalised if make is bare else pictures) for name, make in NETWORKS.items()},
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "environment": training.environment(),
        "date": training.now(),
    }
    RECORD.write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps(record["networks"], indent=1))


if __name__ == "__main__":
    main()
